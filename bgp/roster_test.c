/* Routes that outlive their session: graceful restart (RFC 4724, 8538, 9494), enhanced route refresh (RFC
 * 7313), snapshots; and entries that are replaced under readers. */
#include "bgp/testpeer.h"

#include <sys/socket.h>
#include <unistd.h>

/* Long-lived graceful restart for IPv4 unicast: 300 s. */
#define CAP_LLGR "\x47\7\0\1\1\x80\0\1\x2c"

static uint64_t
total(const struct bench *b, enum bgp_total which)
{
	return counter_read(b->w.totals, which);
}

static size_t
routes(const struct bench *b)
{
	struct rib_stats s;
	rib_stats(b->w.rib, &s);
	return s.routes;
}

/* The connection breaks: no word, no NOTIFICATION. */
static void
lose(struct bench *b, struct testpeer *p)
{
	uint8_t buffer[64];
	close(p->fd);
	session_read(p->s, buffer, sizeof(buffer));
	assert_true(p->s->dead);
	session_free(p->s);
	bench_settle(b);
}

static void
end_of_rib(struct testpeer *p)
{
	peer_says(p, 2, "\0\0\0\0", 4);
}

/* A peer with two routes whose session is lost. */
static void
with_stale(struct bench *b, const char *caps, size_t n)
{
	bench_open(b);
	struct testpeer p = peer_established(b, "192.0.2.9", 9, caps, n);
	peer_announces(&p, 10, 0, 0, 1);
	peer_announces(&p, 10, 0, 1, 1);
	lose(b, &p);
}

static void
test_restart(void **state)
{
	(void)state;
	struct bench b;
	with_stale(&b, BYTES(CAP_V4 CAP_GR));
	const struct bgp_peer *peer = bench_peer(&b, "192.0.2.9");
	assert_non_null(peer);
	assert_int_equal(peer->state, BGP_IDLE);
	assert_int_equal(peer->slot, RIB_NO_SLOT);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 1);
	assert_int_equal(total(&b, BGP_TOTAL_STALE), 1);
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4 CAP_GR));
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 1);
	/* announced anew, with another next hop; the other route is not */
	peer_announces(&p, 10, 0, 0, 2);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 2);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.1.1"), 1);
	end_of_rib(&p);
	bench_settle(&b);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 2);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.1.1"), 0);
	assert_int_equal(routes(&b), 1);
	assert_int_equal(bench_peer(&b, "192.0.2.9")->stale, RIB_NO_SLOT);
	assert_int_equal(bench_peer(&b, "192.0.2.9")->eor, 1 << BGP_IPV4_UNICAST);
	assert_int_equal(bench_peer(&b, "192.0.2.9")->counter[BGP_PEER_SESSIONS], 2);
	assert_int_equal(bench_peer(&b, "192.0.2.9")->counter[BGP_PEER_ANNOUNCED], 3);
	peer_gone(&p);
	bench_close(&b);
}

/* What is withdrawn in the new session is gone, though it was stale. */
static void
test_withdrawn_after_restart(void **state)
{
	(void)state;
	struct bench b;
	with_stale(&b, BYTES(CAP_V4 CAP_GR));
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4 CAP_GR));
	peer_withdraws(&p, 10, 0, 1);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.1.1"), 0);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 1);
	peer_gone(&p);
	bench_close(&b);
}

/* RFC 4724, 4.2: the restart time ends, or the new OPEN does not have the family, or not the F bit. */
static void
test_no_longer_stale(void **state)
{
	(void)state;
	struct bench b;
	with_stale(&b, BYTES(CAP_V4 CAP_GR));
	bench_wait(&b, 119 * SECOND, NULL, NULL);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 1);
	bench_wait(&b, SECOND, NULL, NULL);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 0);
	assert_int_equal(routes(&b), 0);
	bench_close(&b);

	with_stale(&b, BYTES(CAP_V4 CAP_GR));
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4 CAP_GR_NOT));
	bench_settle(&b);
	assert_int_equal(routes(&b), 0);
	peer_gone(&p);
	bench_close(&b);

	with_stale(&b, BYTES(CAP_V4 CAP_GR));
	p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4));
	bench_settle(&b);
	assert_int_equal(routes(&b), 0);
	peer_gone(&p);
	bench_close(&b);
}

/* An End-of-RIB that never comes. */
static void
test_stale_time(void **state)
{
	(void)state;
	struct bench b;
	with_stale(&b, BYTES(CAP_V4 CAP_GR));
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4 CAP_GR));
	for (unsigned i = 0; i < 60; i++) {
		assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 1);
		bench_wait(&b, 10 * SECOND, p.s, NULL);
		peer_says(&p, 4, "", 0);
	}
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 0);
	assert_false(p.s->dead);
	peer_gone(&p);
	bench_close(&b);
}

/* Two restarts on end: what was stale at the first is not kept at the second. */
static void
test_consecutive(void **state)
{
	(void)state;
	struct bench b;
	with_stale(&b, BYTES(CAP_V4 CAP_GR));
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4 CAP_GR));
	peer_announces(&p, 10, 0, 0, 2);
	lose(&b, &p);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 2);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.1.1"), 0);
	assert_int_equal(routes(&b), 1);
	bench_close(&b);
}

/* A NOTIFICATION ends all, but where both said N, and then not a hard reset (RFC 8538). */
static void
test_notification(void **state)
{
	(void)state;
	static const struct {
		const char *caps;
		size_t n;
		const char *notification;
		bool stays;
	} cases[] = {
	    {BYTES(CAP_V4 CAP_GR), "\6\4", false},
	    {BYTES(CAP_V4 CAP_GR_NOTIFY), "\6\4", true},
	    {BYTES(CAP_V4 CAP_GR_NOTIFY), "\6\x9", false},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bench b;
		bench_open(&b);
		struct testpeer p = peer_established(&b, "192.0.2.9", 9, cases[i].caps, cases[i].n);
		peer_announces(&p, 10, 0, 0, 1);
		peer_says(&p, 3, cases[i].notification, 2);
		bench_settle(&b);
		assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), cases[i].stays ? 1 : 0);
		peer_gone(&p);
		bench_close(&b);
	}
}

/* The peer connects again before we saw that its session broke: the old one is closed without a word. */
static void
test_reconnect(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4 CAP_GR));
	peer_announces(&p, 10, 0, 0, 1);
	struct testpeer q = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4 CAP_GR));
	assert_true(p.s->dead);
	uint8_t byte;
	assert_int_equal(recv(p.fd, &byte, 1, MSG_DONTWAIT), 0);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 1);
	end_of_rib(&q);
	bench_settle(&b);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 0);
	peer_gone(&p);
	peer_gone(&q);
	bench_close(&b);
}

/* Families that the peer does not restart go at once; the long-lived time follows the restart time. */
static void
test_families(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4 CAP_V6 CAP_GR CAP_LLGR));
	peer_announces(&p, 10, 0, 0, 1);
	peer_says(&p, 2,
		  BYTES("\0\0\0\x28\x40\1\1\0\x40\2\4\2\1\xfd\xe9\x80\x0e\x1a\0\2\1\x10"
			"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\x20\x20\1\x0d\xb8"));
	assert_int_equal(routes(&b), 2);
	lose(&b, &p);
	assert_int_equal(routes(&b), 1);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 1);
	bench_wait(&b, 419 * SECOND, NULL, NULL);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 1);
	bench_wait(&b, 2 * SECOND, NULL, NULL);
	assert_int_equal(routes(&b), 0);
	bench_close(&b);
}

/* One address with ever new identifiers does not pile up stale routes. */
static void
test_many_identifiers(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	for (unsigned id = 1; id < 50; id++) {
		struct testpeer p = peer_established(&b, "192.0.2.9", id, BYTES(CAP_V4 CAP_GR));
		peer_announces(&p, 10, 0, 0, id);
		lose(&b, &p);
		assert_true(routes(&b) <= 4);
	}
	assert_int_equal(routes(&b), 4);
	assert_true(bgp_directory_count(b.directory) <= 36); /* twice the peers allowed, and some */
	bench_close(&b);
}

/* Who is gone for an hour is forgotten. */
static void
test_forgotten(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4));
	lose(&b, &p);
	bench_wait(&b, 3590 * SECOND, NULL, NULL);
	assert_int_equal(bgp_directory_count(b.directory), 1);
	bench_wait(&b, 11 * SECOND, NULL, NULL);
	assert_int_equal(bgp_directory_count(b.directory), 0);
	bench_close(&b);
}

/* --- RFC 7313 --- */

static void
refresh(struct testpeer *p, unsigned safi, unsigned subtype)
{
	char body[] = {0, 1, (char)subtype, (char)safi};
	peer_says(p, 5, body, sizeof(body));
}

static void
test_refresh(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct testpeer p =
	    peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4 CAP_LABEL CAP_REFRESH CAP_BORR));
	peer_announces(&p, 10, 0, 0, 1);
	peer_announces(&p, 10, 0, 1, 1);
	peer_announces(&p, 10, 0, 2, 1);
	/* of another family: label 16, 10.0.0/24 */
	peer_says(&p, 2,
		  BYTES("\0\0\0\x1e\x40\1\1\0\x40\2\4\2\1\xfd\xe9\x80\x0e\x10\0\1\4\4\xc0\0\2\7\0"
			"\x30\0\1\1\x0a\0\0"));
	assert_int_equal(routes(&b), 4);
	refresh(&p, 1, 1);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.1.1"), 1);
	peer_announces(&p, 10, 0, 0, 2);
	peer_withdraws(&p, 10, 0, 2);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 2);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.2.1"), 0);
	refresh(&p, 1, 2);
	bench_settle(&b);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 2);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.1.1"), 0);
	/* the other family was not refreshed and stays, whatever time passes */
	assert_int_equal(routes(&b), 2);
	for (unsigned i = 0; i < 30; i++) {
		bench_wait(&b, 60 * SECOND, NULL, NULL);
		assert_int_equal(routes(&b), 2);
	}
	/* until it is refreshed too: nothing of it is told anew */
	refresh(&p, 4, 1);
	refresh(&p, 4, 2);
	bench_settle(&b);
	assert_int_equal(routes(&b), 1);
	assert_int_equal(bench_peer(&b, "192.0.2.9")->stale, RIB_NO_SLOT);
	/* an end without a beginning means nothing */
	refresh(&p, 1, 2);
	bench_settle(&b);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 2);
	assert_false(p.s->dead);
	peer_gone(&p);
	bench_close(&b);
}

/* The end that never comes loses nothing. */
static void
test_refresh_without_end(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4 CAP_REFRESH CAP_BORR));
	peer_announces(&p, 10, 0, 0, 1);
	refresh(&p, 1, 1);
	bench_wait(&b, 1200 * SECOND, NULL, NULL);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 1);
	session_end(p.s, ending_of(BGP_TOTAL_CLOSED_TRANSPORT, 0), "test");
	bench_settle(&b);
	assert_int_equal(routes(&b), 0);
	peer_gone(&p);
	bench_close(&b);
}

/* --- snapshots --- */

static void
test_restored(void **state)
{
	(void)state;
	struct bench b;
	struct bgp_nlri n = {.prefix = {.len = 24}, .label = BGP_NO_LABEL};
	struct bgp_attrs a = {.present = BGP_HAS_NEXT_HOP};
	struct bgp_peer given = {.id = 0xc0000209, .as = 65001, .families = 1};
	unsigned added;
	bench_open(&b);
	assert_true(addr_parse(&given.address, "192.0.2.9") && addr_parse(&a.next_hop, "192.0.2.1") &&
		    addr_parse(&n.prefix.addr, "10.0.0.0"));
	struct member *m = roster_restore(b.w.roster, &given);
	assert_non_null(m);
	bgp_set_id set = bgp_store_intern(b.w.store, &a);
	assert_true(rib_announce(b.w.rib, m->peer->stale, BGP_IPV4_UNICAST, &n, 1, set, NULL, NULL, &added));
	bgp_store_settle(b.w.store, set);
	bench_settle(&b);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 1);
	/* the peer comes back, knows no graceful restart, and says End-of-RIB all the same */
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4));
	bench_settle(&b);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 1);
	end_of_rib(&p);
	bench_settle(&b);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 0);
	peer_gone(&p);
	/* another that does not come back */
	assert_true(addr_parse(&given.address, "192.0.2.8"));
	m = roster_restore(b.w.roster, &given);
	assert_non_null(m);
	bench_settle(&b);
	assert_non_null(bench_peer(&b, "192.0.2.8"));
	bench_wait(&b, 601 * SECOND, NULL, NULL);
	assert_null(bench_peer(&b, "192.0.2.8"));
	bench_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_restart),	     cmocka_unit_test(test_withdrawn_after_restart),
	    cmocka_unit_test(test_no_longer_stale),  cmocka_unit_test(test_stale_time),
	    cmocka_unit_test(test_consecutive),	     cmocka_unit_test(test_notification),
	    cmocka_unit_test(test_reconnect),	     cmocka_unit_test(test_families),
	    cmocka_unit_test(test_many_identifiers), cmocka_unit_test(test_forgotten),
	    cmocka_unit_test(test_refresh),	     cmocka_unit_test(test_refresh_without_end),
	    cmocka_unit_test(test_restored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
