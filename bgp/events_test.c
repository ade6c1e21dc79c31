/* The ring of events: order, what happens when it is full, sets that come back, text that goes round its end,
 * and two threads. */
#include "bgp/eventring.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct bgp_peer peer = {.port = 179, .id = 1};

static bgp_set_id
make_set(struct bgp_store *s, uint32_t med)
{
	struct bgp_attrs a = {.present = BGP_HAS_MED, .med = med};
	bgp_set_id id = bgp_store_intern(s, &a);
	assert_true(id != 0);
	return id;
}

static struct bgp_nlri
nlri_of(uint32_t i)
{
	struct bgp_nlri n = {.path_id = i, .prefix.len = 24};
	return n;
}

/* What the ring gives, with its text; false when it is empty. */
static bool
take(struct bgp_events *e, struct bgp_event *out, struct text *text)
{
	text->len = 0;
	const struct bgp_event *ev = bgp_events_next(e, text);
	if (!ev)
		return false;
	*out = *ev;
	bgp_events_done(e);
	return true;
}

static void
order_and_sets(void **state)
{
	(void)state;
	struct bgp_store *s = bgp_store_new();
	struct bgp_events *e = bgp_events_new(s, 64, NULL);
	struct bgp_event ev;
	struct bgp_store_stats stats;
	struct text text = {0};
	bgp_set_id set = make_set(s, 1);
	bgp_event_session(e, BGP_EVENT_UP, &peer);
	for (uint32_t i = 0; i < 10; i++) {
		struct bgp_nlri n = nlri_of(i);
		bgp_event_route(e, BGP_EVENT_UPDATE, &peer, BGP_IPV4_UNICAST, &n, set);
	}
	bgp_event_eor(e, &peer, BGP_IPV6_VPN);
	bgp_store_stats(s, &stats);
	assert_int_equal(stats.refs, 10);
	assert_true(take(e, &ev, &text) && ev.kind == BGP_EVENT_UP && ev.port == 179);
	for (uint32_t i = 0; i < 10; i++) {
		assert_true(take(e, &ev, &text) && ev.kind == BGP_EVENT_UPDATE);
		assert_int_equal(ev.route.path_id, i);
		assert_int_equal(ev.set, set);
		assert_int_equal(ev.len, 24);
		assert_true(ev.time_us > 1600000000000000ULL);
	}
	assert_true(take(e, &ev, &text) && ev.kind == BGP_EVENT_EOR && ev.family == BGP_IPV6_VPN);
	assert_false(take(e, &ev, &text));
	bgp_events_settle(e);
	bgp_store_stats(s, &stats);
	assert_int_equal(stats.refs, 0);
	assert_int_equal(bgp_events_lost(e), 0);
	assert_int_equal(bgp_events_pushed(e), 12);
	text_free(&text);
	bgp_events_free(e);
	bgp_store_free(s);
}

/* 64 places: the others are counted, and the first event that fits again is preceded by their number. */
static void
full(void **state)
{
	(void)state;
	struct bgp_store *s = bgp_store_new();
	struct bgp_events *e = bgp_events_new(s, 64, NULL);
	struct bgp_event ev;
	struct text text = {0};
	bgp_set_id set = make_set(s, 1);
	struct bgp_nlri n = nlri_of(0);
	for (uint32_t i = 0; i < 100; i++)
		bgp_event_route(e, BGP_EVENT_DELETE, &peer, BGP_IPV4_UNICAST, &n, set);
	assert_int_equal(bgp_events_lost(e), 36);
	assert_true(take(e, &ev, &text) && take(e, &ev, &text));
	bgp_event_session(e, BGP_EVENT_DOWN, &peer);
	assert_int_equal(bgp_events_lost(e), 36);
	for (unsigned i = 0; i < 62; i++)
		assert_true(take(e, &ev, &text) && ev.kind == BGP_EVENT_DELETE);
	assert_true(take(e, &ev, &text) && ev.kind == BGP_EVENT_LOST);
	assert_int_equal(ev.lost, 36);
	assert_true(take(e, &ev, &text) && ev.kind == BGP_EVENT_DOWN);
	assert_false(take(e, &ev, &text));
	text_free(&text);
	bgp_events_free(e);
	bgp_store_free(s);
}

/* What is lost is told also when nothing comes behind it. */
static void
told_when_settling(void **state)
{
	(void)state;
	struct bgp_store *s = bgp_store_new();
	struct bgp_events *e = bgp_events_new(s, 64, NULL);
	struct bgp_event ev = {0};
	struct text text = {0};
	for (uint32_t i = 0; i < 65; i++)
		bgp_event_session(e, BGP_EVENT_UP, &peer);
	while (take(e, &ev, &text))
		assert_int_equal(ev.kind, BGP_EVENT_UP);
	bgp_events_settle(e);
	assert_true(take(e, &ev, &text) && ev.kind == BGP_EVENT_LOST);
	assert_int_equal(ev.lost, 1);
	text_free(&text);
	bgp_events_free(e);
	bgp_store_free(s);
}

/* Sets that nobody took are given back when all ends: the store must be empty then. */
static void
left_behind(void **state)
{
	(void)state;
	struct bgp_store *s = bgp_store_new();
	struct bgp_events *e = bgp_events_new(s, 64, NULL);
	struct bgp_store_stats stats;
	struct bgp_nlri n = nlri_of(0);
	bgp_event_route(e, BGP_EVENT_UPDATE, &peer, BGP_IPV4_UNICAST, &n, make_set(s, 5));
	bgp_events_free(e);
	bgp_store_stats(s, &stats);
	assert_int_equal(stats.refs, 0);
	bgp_store_free(s);
}

/* Text of all lengths around the size of a slot, so that it goes round the end at every place. */
static void
text_goes_round(void **state)
{
	(void)state;
	struct bgp_store *s = bgp_store_new();
	struct bgp_events *e = bgp_events_new(s, 64, NULL);
	struct bgp_attrs a = {.present = BGP_HAS_ORIGIN};
	struct bgp_event ev = {0};
	struct text text = {0};
	char name[512];
	for (unsigned i = 0; i < 1000; i++) {
		size_t len = 1 + i % 500;
		memset(name, 'a' + (int)(i % 26), len);
		bgp_event_text(e, BGP_EVENT_UPDATE, &peer, BGP_EVPN, name, len, &a);
		assert_true(take(e, &ev, &text));
		assert_true(ev.is_text && ev.text.text_len == len);
		assert_memory_equal(text.data, name, len);
		assert_string_equal(text_cstr(&text) + len, ", \"origin\": \"i\"");
	}
	assert_int_equal(bgp_events_lost(e), 0);
	/* one that never fits */
	char *huge = calloc(1, 100000);
	bgp_event_text(e, BGP_EVENT_UPDATE, &peer, BGP_EVPN, huge, 100000, NULL);
	assert_int_equal(bgp_events_lost(e), 1);
	free(huge);
	text_free(&text);
	bgp_events_free(e);
	bgp_store_free(s);
}

#define MANY 300000

static void *
consume(void *arg)
{
	struct bgp_events *e = arg;
	struct text text = {0};
	uint64_t seen = 0, lost = 0;
	uint32_t expected = 0;
	while (seen + lost < MANY) {
		struct bgp_event ev;
		if (!take(e, &ev, &text)) {
			bgp_events_wait(e, 100);
			continue;
		}
		if (ev.kind == BGP_EVENT_LOST) {
			lost += ev.lost;
			continue;
		}
		if (ev.route.path_id < expected)
			return NULL;
		expected = ev.route.path_id + 1;
		seen++;
	}
	text_free(&text);
	return e;
}

/* Nothing is seen twice or out of order, and what is missing was counted. */
static void
two_threads(void **state)
{
	(void)state;
	struct bgp_store *s = bgp_store_new();
	struct bgp_events *e = bgp_events_new(s, 1024, NULL);
	struct bgp_store_stats stats;
	bgp_set_id sets[3] = {make_set(s, 1), make_set(s, 2), make_set(s, 3)};
	pthread_t thread;
	void *ok;
	for (unsigned i = 0; i < 3; i++)
		bgp_store_ref(s, sets[i], 1);
	assert_int_equal(pthread_create(&thread, NULL, consume, e), 0);
	for (uint32_t i = 0; i < MANY; i++) {
		struct bgp_nlri n = nlri_of(i);
		bgp_event_route(e, BGP_EVENT_UPDATE, &peer, BGP_IPV4_UNICAST, &n, sets[i / 7 % 3]);
		if (i % 100 == 0)
			bgp_events_settle(e);
	}
	for (unsigned i = 0; i < 100; i++) { /* until the consumer made room to be told */
		struct timespec ms = {.tv_nsec = 2000000};
		nanosleep(&ms, NULL);
		bgp_events_settle(e);
	}
	pthread_join(thread, &ok);
	assert_ptr_equal(ok, e);
	bgp_events_settle(e);
	bgp_store_stats(s, &stats);
	assert_int_equal(stats.refs, 3);
	bgp_events_free(e);
	for (unsigned i = 0; i < 3; i++)
		bgp_store_unref(s, sets[i], 1);
	bgp_store_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(order_and_sets),	  cmocka_unit_test(full),
	    cmocka_unit_test(told_when_settling), cmocka_unit_test(left_behind),
	    cmocka_unit_test(text_goes_round),	  cmocka_unit_test(two_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
