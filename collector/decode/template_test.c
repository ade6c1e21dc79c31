/* Templates over their life: redefined, withdrawn, expired, refused, late, stored; and the bounds on what an
 * exporter can make us hold. */
#include "collector/decode/fixture.h"

#include <jansson.h>
#include <unistd.h>

static const uint16_t plain[][2] = {{8, 4}, {1, 4}};

static void
put_plain(uint16_t id, unsigned n)
{
	b_set(&b, id);
	for (unsigned i = 0; i < n; i++) {
		b_uint(&b, 0x0a000001 + i, 4);
		b_uint(&b, 100 + i, 4);
	}
	b_set_end(&b);
}

static void
test_redefined(void **state)
{
	(void)state;
	static const uint16_t other[][2] = {{12, 4}, {2, 4}};
	struct decoder *d = start(NULL);

	begin(9, 0);
	b_template(&b, 0, 256, plain, 2);
	put_plain(256, 1);
	b_template(&b, 0, 256, other, 2);
	put_plain(256, 1);
	b_template(&b, 0, 256, other, 2);
	finish(d);
	assert_int_equal(got_n, 2);
	assert_int_equal(got[0].bytes, 100);
	assert_int_equal(got[1].bytes, 0);
	assert_int_equal(got[1].packets, 100);
	assert_addr(got[1].dst_host, "10.0.0.1");
	assert_int_equal(count(d, DECODE_TEMPLATES), 1);
	assert_int_equal(count(d, DECODE_TEMPLATES_CHANGED), 2);
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

/* As finish(), but over a TCP session: over UDP templates are not withdrawn. */
static void
finish_session(struct decoder *d)
{
	struct datagram dg = {.data = b.data, .session = 3, .arrival_us = T0 * US};

	dg.from = ip("192.0.2.1");
	b_ipfix_end(&b);
	dg.len = b.len;
	decoder_datagram(d, &dg);
	decoder_flush(d);
}

static void
test_withdrawn(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	begin(10, 0);
	b_template(&b, 2, 256, plain, 2);
	b_template(&b, 2, 257, plain, 2);
	b_template(&b, 2, 258, plain, 2);
	put_withdrawal(2, 257);
	finish_session(d);
	assert_int_equal(count(d, DECODE_TEMPLATES), 2);
	assert_int_equal(count(d, DECODE_TEMPLATES_WITHDRAWN), 1);
	begin(10, 0);
	put_plain(257, 1);
	finish_session(d);
	assert_int_equal(got_n, 0);
	assert_int_equal(count(d, DECODE_WAITED), 1);
	begin(10, 0);
	put_withdrawal(2, 2); /* all of them */
	finish_session(d);
	assert_int_equal(count(d, DECODE_TEMPLATES), 0);
	assert_int_equal(count(d, DECODE_TEMPLATES_WITHDRAWN), 3);
	decoder_free(d);
}

static void
test_domains(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	begin(9, 0);
	b_template(&b, 0, 256, plain, 2);
	finish(d);
	b_v9(&b, 0, T0, 0, 2); /* another source id */
	put_plain(256, 1);
	feed(d);
	assert_int_equal(got_n, 0);
	begin(9, 1);
	put_plain(256, 1);
	feed_from(d, "192.0.2.2"); /* another exporter */
	assert_int_equal(got_n, 0);
	b_ipfix(&b, T0, 0, 1); /* another version */
	put_plain(256, 1);
	finish(d);
	assert_int_equal(got_n, 0);
	begin(9, 1);
	put_plain(256, 1);
	finish(d);
	assert_int_equal(got_n, 1);
	assert_int_equal(count(d, DECODE_EXPORTERS), 2);
	decoder_free(d);
}

/* Data before its template: decoded when it comes, with the times and numbers of its own message. */
static void
test_waiting(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	b_v9(&b, 1000, T0, 5, 1);
	put_plain(256, 2);
	feed(d);
	b_v9(&b, 2000, T0 + 1, 6, 1);
	put_plain(256, 1);
	put_plain(300, 1);
	feed(d);
	assert_int_equal(got_n, 0);
	assert_true(count(d, DECODE_WAITING_BYTES) > 0);
	b_v9(&b, 3000, T0 + 2, 7, 1);
	b_template(&b, 0, 256, plain, 2);
	feed(d);
	assert_int_equal(got_n, 3);
	assert_int_equal(got[0].export_proto_seqno, 5);
	assert_int_equal(got[1].timestamp_export, T0 * US);
	assert_int_equal(got[2].timestamp_export, (T0 + 1) * US);
	assert_int_equal(got[2].bytes, 100);
	assert_int_equal(count(d, DECODE_WAITED), 3);
	assert_int_equal(count(d, DECODE_WAITING_DECODED), 2);
	decoder_tick(d, (T0 + 5 + 600) * US);
	assert_int_equal(count(d, DROP_WAITING_EXPIRED), 0);
	decoder_tick(d, (T0 + 5 + 602) * US);
	assert_int_equal(count(d, DROP_WAITING_EXPIRED), 1);
	assert_int_equal(count(d, DECODE_WAITING_BYTES), 0);
	decoder_free(d);
}

static void
test_waiting_bounded(void **state)
{
	(void)state;
	static const struct decode_options small = {.exporter_max_bytes = 16384};
	struct decoder *d = start(&small);

	for (unsigned i = 0; i < 100; i++) {
		begin(9, i);
		put_plain(256, 100);
		finish(d);
	}
	assert_true(count(d, DECODE_WAITED) >= 5);
	assert_int_equal(count(d, DECODE_WAITED) + count(d, DROP_WAITING_FULL), 100);
	assert_true(count(d, DECODE_WAITING_BYTES) <= 16384);
	/* room is left for the template that all is waiting for */
	begin(9, 100);
	b_template(&b, 0, 256, plain, 2);
	finish(d);
	assert_true(count(d, DECODE_FLOWS) >= 500);
	assert_int_equal(count(d, DECODE_WAITING_BYTES), 0);
	decoder_free(d);
}

static void
test_templates_bounded(void **state)
{
	(void)state;
	static const struct decode_options small = {.exporter_max_bytes = 65536};
	struct decoder *d = start(&small);

	for (unsigned i = 0; i < 1000; i++) {
		begin(9, i);
		b_template(&b, 0, (uint16_t)(256 + i), plain, 2);
		finish(d);
	}
	assert_true(count(d, DROP_TEMPLATE_FULL) > 0);
	assert_int_equal(count(d, DROP_TEMPLATE_FULL) + count(d, DECODE_TEMPLATES), 1000);
	decoder_free(d);
}

static void
test_exporters_bounded(void **state)
{
	(void)state;
	static const struct decode_options two = {.exporters_max = 2, .exporter_idle_s = 60};
	struct decoder *d = start(&two);

	begin(9, 0);
	b_template(&b, 0, 256, plain, 2);
	feed_from(d, "192.0.2.1");
	feed_from(d, "192.0.2.2");
	feed_from(d, "192.0.2.3");
	assert_int_equal(count(d, DECODE_EXPORTERS), 2);
	assert_int_equal(count(d, DROP_EXPORTERS), 1);
	decoder_tick(d, (T0 + 5 + 61) * US);
	assert_int_equal(count(d, DECODE_EXPORTERS), 0);
	assert_int_equal(count(d, DECODE_TEMPLATES), 0);
	feed_from(d, "192.0.2.3");
	assert_int_equal(count(d, DECODE_EXPORTERS), 1);
	decoder_free(d);
}

static void
test_expired(void **state)
{
	(void)state;
	static const struct decode_options hour = {.template_timeout_s = 3600};
	struct decoder *d = start(&hour);

	begin(9, 0);
	b_template(&b, 0, 256, plain, 2);
	finish(d);
	decoder_tick(d, (T0 + 5 + 3600) * US);
	assert_int_equal(count(d, DECODE_TEMPLATES), 1);
	decoder_tick(d, (T0 + 5 + 3602) * US);
	assert_int_equal(count(d, DECODE_TEMPLATES), 0);
	assert_int_equal(count(d, DECODE_TEMPLATES_EXPIRED), 1);
	decoder_free(d);
}

/* Every reason to refuse a template. */
static void
test_refused(void **state)
{
	(void)state;
	static uint16_t many[600][2];
	struct decoder *d = start(NULL);

	begin(10, 0);
	b_template(&b, 2, 200, plain, 2);
	finish(d);
	assert_int_equal(count(d, DROP_TEMPLATE_ID), 1);
	begin(10, 0);
	b_template(&b, 2, 256, (const uint16_t[][2]){{1, 0}, {2, 0}}, 2);
	finish(d);
	assert_int_equal(count(d, DROP_TEMPLATE_EMPTY), 1);
	begin(10, 0);
	b_template(&b, 2, 256, (const uint16_t[][2]){{1, 40000}, {2, 40000}}, 2);
	finish(d);
	assert_int_equal(count(d, DROP_TEMPLATE_LENGTH), 1);
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
		many[i][0] = 1;
		many[i][1] = 1;
	}
	begin(10, 0);
	b_template(&b, 2, 256, many, 600);
	finish(d);
	assert_int_equal(count(d, DROP_TEMPLATE_FIELDS), 1);
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
		many[i][1] = 65535;
	begin(10, 0);
	b_template(&b, 2, 256, many, 100);
	finish(d);
	assert_int_equal(count(d, DROP_TEMPLATE_FIELDS), 2);
	begin(10, 0);
	b_set(&b, 2);
	b_uint(&b, 256, 2);
	b_uint(&b, 3, 2);
	b_uint(&b, 0x00010004, 4);
	b_set_end(&b);
	finish(d);
	assert_int_equal(count(d, DROP_TEMPLATE_SHORT), 1);
	begin(10, 0);
	b_set(&b, 3);
	b_uint(&b, 256, 2);
	b_uint(&b, 1, 2);
	b_uint(&b, 2, 2); /* more scope than fields */
	b_uint(&b, 0x00010004, 4);
	b_set_end(&b);
	finish(d);
	assert_int_equal(count(d, DROP_TEMPLATE_SCOPE), 1);
	begin(9, 0);
	b_template(&b, 0, 256, (const uint16_t[][2]){{1, 65535}}, 1);
	finish(d);
	assert_int_equal(count(d, DROP_TEMPLATE_LENGTH), 2);
	assert_int_equal(count(d, DECODE_TEMPLATES), 0);
	decoder_free(d);
}

/* A refused redefinition leaves the template that was there. */
static void
test_refusal_keeps(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	begin(9, 0);
	b_template(&b, 0, 256, plain, 2);
	b_template(&b, 0, 256, (const uint16_t[][2]){{1, 0}}, 1);
	put_plain(256, 1);
	finish(d);
	assert_int_equal(got_n, 1);
	decoder_free(d);
}

static void
test_padding_check(void **state)
{
	(void)state;
	static const struct decode_options strict = {.pre_processing_checks = true};

	for (unsigned pass = 0; pass < 2; pass++) {
		struct decoder *d = start(pass ? &strict : NULL);
		begin(9, 0);
		b_template(&b, 0, 256, plain, 2);
		put_plain(256, 1);
		b_uint(&b, 0x0100, 2);
		b_set_end(&b);
		finish(d);
		assert_int_equal(got_n, pass ? 0 : 1);
		assert_int_equal(count(d, DROP_PADDING), pass);
		decoder_free(d);
	}
}

/* TCP sessions have templates of their own, which end with them. */
static void
test_sessions(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);
	struct datagram dg = {.data = b.data, .from = ip("192.0.2.1"), .session = 3, .arrival_us = T0 * US};

	decoder_session_open(d, 3, &dg.from);
	begin(10, 0);
	b_template(&b, 2, 256, plain, 2);
	put_plain(256, 1);
	b_ipfix_end(&b);
	dg.len = b.len;
	decoder_datagram(d, &dg);
	decoder_flush(d);
	assert_int_equal(got_n, 1);
	begin(10, 1);
	put_plain(256, 1);
	finish(d); /* over UDP: unknown there */
	assert_int_equal(got_n, 1);
	decoder_session_close(d, 3, &dg.from);
	assert_int_equal(count(d, DECODE_TEMPLATES), 0);
	decoder_free(d);
}

static void
test_store(void **state)
{
	(void)state;
	char path[] = "templates-XXXXXX", err[200];
	struct text t = {0};
	struct decoder *d = start(NULL);
	int fd = mkstemp(path);

	begin(9, 0);
	b_template(&b, 0, 256, plain, 2);
	finish(d);
	begin(10, 0);
	b_template(&b, 2, 300, (const uint16_t[][2]){{8, 4}, {82, 65535}, {1, 8}}, 3);
	finish(d);
	struct message m = {.d = d, .exporter = d->last, .domain = domain_get(d, d->last, 9, 1, 0, T0 * US)};
	rate_learn(&m, SAMPLER_DOMAIN, 0, (struct rate){100, 1});
	rate_learn(&m, SAMPLER_SELECTOR, 5, (struct rate){30, 4});
	assert_true(decoder_templates_changed(d));
	text_char(&t, '[');
	assert_int_equal(decoder_templates_save(d, &t), 3);
	text_char(&t, ']');
	assert_false(decoder_templates_changed(d));
	assert_int_equal(write(fd, t.data, t.len), t.len);
	decoder_free(d);

	d = start(NULL);
	assert_true(decoder_templates_load(d, path, err, sizeof(err)));
	assert_int_equal(count(d, DECODE_TEMPLATES), 2);
	begin(9, 1);
	put_plain(256, 1);
	finish(d);
	assert_int_equal(got_n, 1);
	assert_int_equal(got[0].bytes, 100);
	assert_int_equal(got[0].sampling_rate, 100);
	struct rate five = samplers_find(&d->last->samplers, SAMPLER_SELECTOR, 5);
	assert_int_equal(five.num, 30);
	assert_int_equal(five.den, 4);
	assert_true(decoder_templates_load(d, "no-such-file", err, sizeof(err)));
	assert_int_equal(ftruncate(fd, 20), 0);
	assert_false(decoder_templates_load(d, path, err, sizeof(err)));
	decoder_free(d);
	text_free(&t);
	close(fd);
	unlink(path);
}

static void
test_status(void **state)
{
	(void)state;
	struct text t = {0};
	struct decoder *d = start(NULL);

	begin(9, 10);
	b_template(&b, 0, 256, plain, 2);
	put_plain(256, 2);
	finish(d);
	begin(9, 14);
	put_plain(257, 1);
	finish(d);
	decoder_status(d, &t);
	json_t *j = json_loads(text_cstr(&t), 0, NULL);
	assert_non_null(j);
	const json_t *x = json_array_get(j, 0);
	const json_t *dom = json_array_get(json_object_get(x, "domains"), 0);
	assert_string_equal(json_string_value(json_object_get(x, "address")), "192.0.2.1");
	assert_int_equal(json_integer_value(json_object_get(x, "waiting_sets")), 1);
	assert_int_equal(json_integer_value(json_object_get(dom, "sequence_lost")), 3);
	assert_int_equal(json_integer_value(json_object_get(dom, "records")), 2);
	assert_int_equal(json_array_size(json_object_get(dom, "templates")), 1);
	json_decref(j);
	text_free(&t);
	decoder_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_redefined),
	    cmocka_unit_test(test_withdrawn),
	    cmocka_unit_test(test_domains),
	    cmocka_unit_test(test_waiting),
	    cmocka_unit_test(test_waiting_bounded),
	    cmocka_unit_test(test_templates_bounded),
	    cmocka_unit_test(test_exporters_bounded),
	    cmocka_unit_test(test_expired),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_refusal_keeps),
	    cmocka_unit_test(test_padding_check),
	    cmocka_unit_test(test_sessions),
	    cmocka_unit_test(test_store),
	    cmocka_unit_test(test_status),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
