/* What senders who mean no good, or are merely many, may cost: evenly filled tables, bounded lists, exporters
 * and domains that make room again, and templates that one forged datagram cannot take away. */
#include "collector/decode/fixture.h"

#include <unistd.h>

static const uint16_t plain[][2] = {{8, 4}, {1, 4}};

static void
put_plain(uint16_t id)
{
	b_set(&b, id);
	b_uint(&b, 0x0a000001, 4);
	b_uint(&b, 100, 4);
	b_set_end(&b);
}

static void
feed_session(struct decoder *d, uint32_t session)
{
	struct datagram dg = {.data = b.data, .len = b.len, .session = session, .arrival_us = T0 * US};

	dg.from = ip("192.0.2.1");
	b_ipfix_end(&b);
	decoder_datagram(d, &dg);
	decoder_flush(d);
}

/* Neighbours in a few networks, as routers are: 4 to a bucket on average. */
static void
test_exporters_spread(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);
	unsigned longest = 0;

	for (unsigned i = 0; i < 4096; i++) {
		const uint8_t a[4] = {10, 0, (uint8_t)(i >> 8), (uint8_t)i};
		struct addr from = addr_from_v4(a);
		assert_non_null(exporter_get(d, &from, T0 * US));
	}
	for (unsigned i = 0; i < EXPORTER_BUCKETS; i++) {
		unsigned n = 0;
		for (const struct exporter *x = d->bucket[i]; x; x = x->next)
			n++;
		longest = n > longest ? n : longest;
	}
	assert_in_range(longest, 1, 20);
	decoder_free(d);
}

/* Ids that differ only above bit 46 must not share a bucket. */
static void
test_names_spread(void **state)
{
	(void)state;
	struct names t = {.seed = 12345};
	unsigned longest = 0;

	for (uint64_t i = 0; i < 4096; i++)
		assert_true(names_set(&t, NAME_INTERFACE, i << 48, (const uint8_t *)"x", 1));
	for (unsigned i = 0; i < t.buckets; i++) {
		unsigned n = 0;
		for (const struct name *p = t.bucket[i]; p; p = p->next)
			n++;
		longest = n > longest ? n : longest;
	}
	assert_in_range(longest, 1, 20);
	names_free(&t);
}

/* Many tiny sets: the list is bounded by number, too, and what was said about them stays true. */
static void
test_waiting_number(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	for (unsigned i = 0; i < 6000; i++) {
		begin(9, i);
		put_plain(256);
		feed(d);
	}
	assert_int_equal(count(d, DECODE_WAITED), WAITING_MAX);
	assert_int_equal(count(d, DROP_WAITING_FULL), 6000 - WAITING_MAX);
	begin(9, 6000);
	b_template(&b, 0, 256, plain, 2);
	feed(d);
	assert_int_equal(count(d, DECODE_WAITING_DECODED), WAITING_MAX);
	assert_int_equal(count(d, DECODE_WAITING_BYTES), 0);
	decoder_free(d);
}

static void
put_withdrawal(uint16_t set, uint16_t id)
{
	b_set(&b, set);
	b_uint(&b, id, 2);
	b_uint(&b, 0, 2);
	b_set_end(&b);
}

/* RFC 7011, 8.4: over UDP a withdrawal is ignored. */
static void
test_withdrawal_udp(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	begin(10, 0);
	b_template(&b, 2, 256, plain, 2);
	put_withdrawal(2, 256);
	put_withdrawal(2, 2);
	put_plain(256);
	finish(d);
	assert_int_equal(got_n, 1);
	assert_int_equal(count(d, DECODE_TEMPLATES), 1);
	assert_int_equal(count(d, DECODE_TEMPLATES_WITHDRAWN), 0);
	assert_int_equal(count(d, DROP_TEMPLATE_WITHDRAWAL), 2);
	decoder_free(d);
}

/* RFC 7011, 8.1: over TCP templates are sent once, however long the exporter is silent then. */
static void
test_silent_session(void **state)
{
	(void)state;
	static const struct decode_options idle = {.exporter_idle_s = 60, .template_timeout_s = 60};
	struct decoder *d = start(&idle);
	struct addr from = ip("192.0.2.1");

	decoder_session_open(d, 7, &from);
	begin(10, 0);
	b_template(&b, 2, 256, plain, 2);
	feed_session(d, 7);
	decoder_tick(d, (T0 + 1000) * US);
	begin(10, 0);
	put_plain(256);
	feed_session(d, 7);
	assert_int_equal(got_n, 1);
	decoder_session_close(d, 7, &from);
	decoder_tick(d, (T0 + 2000) * US);
	assert_int_equal(count(d, DECODE_EXPORTERS), 0);
	decoder_free(d);
}

/* An exporter that never rests, but whose domains come and go. */
static void
test_silent_domains(void **state)
{
	(void)state;
	static const struct decode_options idle = {.exporter_idle_s = 60};
	struct decoder *d = start(&idle);
	struct datagram dg = {.data = b.data, .from = ip("192.0.2.1")};

	for (unsigned i = 0; i < 2 * DOMAINS_MAX; i++) {
		dg.arrival_us = (T0 + i) * US;
		b_v9(&b, 0, T0, 0, i);
		b_template(&b, 0, 256, plain, 2);
		put_plain(256);
		dg.len = b.len;
		decoder_datagram(d, &dg);
		decoder_flush(d);
		decoder_tick(d, dg.arrival_us);
	}
	assert_int_equal(count(d, DROP_DOMAINS), 0);
	assert_int_equal(count(d, DECODE_FLOWS), 2 * DOMAINS_MAX);
	assert_in_range(count(d, DECODE_TEMPLATES), 60, 62);
	decoder_free(d);
}

/* Forged senders that never gave a record go first when more than half of the table is taken, those who did
 * stay. */
static void
test_forged_exporters(void **state)
{
	(void)state;
	static const struct decode_options few = {.exporters_max = 8};
	struct decoder *d = start(&few);
	char from[32];

	begin(9, 0);
	b_template(&b, 0, 256, plain, 2);
	put_plain(256);
	feed(d);
	begin(9, 0);
	for (unsigned i = 0; i < 20; i++) {
		snprintf(from, sizeof(from), "198.51.100.%u", i);
		feed_from(d, from);
	}
	assert_int_equal(count(d, DECODE_EXPORTERS), 8);
	decoder_tick(d, (T0 + 5 + 62) * US);
	assert_int_equal(count(d, DECODE_EXPORTERS), 4); /* half of the table */
	begin(9, 1);
	put_plain(256);
	feed(d);
	assert_int_equal(got_n, 2);
	decoder_free(d);
}

/* What JSON cannot say is left out of the file; the rest of it can be read. */
static void
test_store_numbers(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);
	struct text t = {0};
	char path[] = "hostile-XXXXXX", err[200] = "";
	int fd = mkstemp(path);

	begin(10, 0);
	b_set(&b, 3);
	b_uint(&b, 400, 2);
	b_uint(&b, 2, 2);
	b_uint(&b, 1, 2);
	b_uint(&b, 302 << 16 | 8, 4);
	b_uint(&b, 34 << 16 | 4, 4);
	b_set_end(&b);
	b_set(&b, 400);
	b_uint(&b, 1ull << 63 | 5, 8);
	b_uint(&b, 100, 4);
	b_uint(&b, 6, 8);
	b_uint(&b, 200, 4);
	b_set_end(&b);
	finish(d);
	text_char(&t, '[');
	assert_int_equal(decoder_templates_save(d, &t), 2);
	text_char(&t, ']');
	assert_true(fd >= 0 && write(fd, t.data, t.len) == (ssize_t)t.len);
	decoder_free(d);
	d = start(NULL);
	assert_true(decoder_templates_load(d, path, err, sizeof(err)));
	struct addr from = ip("192.0.2.1");
	struct exporter *x = exporter_find(d, &from);
	assert_non_null(x);
	assert_int_equal(samplers_find(&x->samplers, SAMPLER_SELECTOR, 6).num, 200);
	assert_int_equal(samplers_find(&x->samplers, SAMPLER_SELECTOR, 1ull << 63 | 5).num, 0);
	text_free(&t);
	close(fd);
	unlink(path);
	decoder_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_exporters_spread), cmocka_unit_test(test_names_spread),
	    cmocka_unit_test(test_waiting_number),   cmocka_unit_test(test_withdrawal_udp),
	    cmocka_unit_test(test_silent_session),   cmocka_unit_test(test_silent_domains),
	    cmocka_unit_test(test_forged_exporters), cmocka_unit_test(test_store_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
