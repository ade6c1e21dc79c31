/* What options data teaches: sampling rates in all their forms, names, distinguishers, boot time, addresses.
 */
#include "collector/decode/fixture.h"

/* An options template (RFC 3954, 6.1; RFC 7011, 3.4.2.2) and one record of it. */
static void
put_options(unsigned version, uint16_t id, const uint16_t (*fields)[2], unsigned n, unsigned scopes,
	    const void *rec, size_t len)
{
	b_set(&b, version == 9 ? 1 : 3);
	b_uint(&b, id, 2);
	if (version == 9) {
		b_uint(&b, scopes * 4, 2);
		b_uint(&b, (n - scopes) * 4, 2);
	} else {
		b_uint(&b, n, 2);
		b_uint(&b, scopes, 2);
	}
	for (unsigned i = 0; i < n; i++) {
		b_uint(&b, fields[i][0], 2);
		b_uint(&b, fields[i][1], 2);
	}
	b_set_end(&b);
	b_set(&b, id);
	b_bytes(&b, rec, len);
	b_set_end(&b);
}

#define OPTIONS(version, scopes, rec, ...)                                                                   \
	put_options(version, 400, (const uint16_t[][2]){__VA_ARGS__},                                        \
		    ARRAY_SIZE(((const uint16_t[][2]){__VA_ARGS__})), scopes, rec, sizeof(rec) - 1)

#define RECORD(version, rec, ...)                                                                            \
	do {                                                                                                 \
		b_template(&b, version == 9 ? 0 : 2, 256, (const uint16_t[][2]){__VA_ARGS__},                \
			   ARRAY_SIZE(((const uint16_t[][2]){__VA_ARGS__})));                                \
		b_set(&b, 256);                                                                              \
		b_bytes(&b, rec, sizeof(rec) - 1);                                                           \
		b_set_end(&b);                                                                               \
	} while (0)

/* Cisco's way: samplers with an id in options, the id in records. */
static void
test_sampler_ids(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	begin(9, 0);
	OPTIONS(9, 1, "\0\0\0\0\x02\x02\0\0\x03\xe8\x07\x02\0\0\0\x32", {1, 4}, {48, 1}, {49, 1}, {50, 4});
	b.len -= 6; /* one record is 10 bytes; the next one follows */
	b_bytes(&b, "\0\0\0\0\x07\x02\0\0\0\x32", 10);
	b_set_end(&b);
	RECORD(9, "\x02\0\0\0\x09\x07\0\0\0\x08\x01\0\0\0\x07\0\0\0\0\x06", {48, 1}, {1, 4});
	finish(d);
	assert_int_equal(got_n, 4);
	assert_int_equal(got[0].sampling_rate, 1000);
	assert_int_equal(got[1].sampling_rate, 50);
	/* a sampler that was not described: not guessed */
	assert_int_equal(got[2].sampling_rate, 0);
	assert_false(got[2].features & FLOW_RATE_KNOWN);
	/* sampler 0 is none; neither the domain nor the header says anything */
	assert_int_equal(got[3].sampling_rate, 0);
	assert_int_equal(count(d, DECODE_RATE_UNKNOWN), 2);
	assert_int_equal(got[0].bytes, 9);
	decoder_free(d);
}

/* Juniper's way: one interval for the whole domain, nothing in records. */
static void
test_whole_domain(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	begin(9, 0);
	RECORD(9, "\0\0\0\x05", {1, 4});
	OPTIONS(9, 1, "\0\0\0\0\0\0\0\x64\x01", {1, 4}, {34, 4}, {35, 1});
	b_set(&b, 256);
	b_uint(&b, 6, 4);
	b_set_end(&b);
	finish(d);
	assert_int_equal(got_n, 2);
	assert_int_equal(got[0].sampling_rate, 0);
	assert_int_equal(got[1].sampling_rate, 100);
	assert_int_equal(count(d, DECODE_RATE_UNKNOWN), 1);
	assert_int_equal(count(d, DECODE_RATE_LATE), 1);
	/* another domain of the same exporter that told nothing itself; another exporter */
	b_v9(&b, 1, T0, 0, 2);
	RECORD(9, "\0\0\0\x05", {1, 4});
	feed(d);
	assert_int_equal(got[2].sampling_rate, 100);
	feed_from(d, "192.0.2.2");
	assert_int_equal(got[3].sampling_rate, 0);
	b_v9(&b, 1, T0, 1, 2);
	OPTIONS(9, 1, "\0\0\0\0\0\0\0\x07\x01", {1, 4}, {34, 4}, {35, 1});
	RECORD(9, "\0\0\0\x05", {1, 4});
	feed(d);
	assert_int_equal(got[4].sampling_rate, 7);
	begin(9, 1);
	RECORD(9, "\0\0\0\x05", {1, 4});
	feed(d);
	assert_int_equal(got[5].sampling_rate, 100);
	decoder_free(d);
}

static void
test_interface_scope(void **state)
{
	(void)state;
	static const struct decode_options flat = {.disable_opt_scope_check = true};

	for (unsigned pass = 0; pass < 2; pass++) {
		struct decoder *d = start(pass ? &flat : NULL);
		begin(9, 0);
		OPTIONS(9, 1, "\0\x07\0\0\0\x0a", {2, 2}, {34, 4});
		RECORD(9, "\0\x07\0\0\0\x01\0\x08\0\0\0\x01", {10, 2}, {1, 4});
		finish(d);
		assert_int_equal(got_n, 2);
		assert_int_equal(got[0].sampling_rate, 10);
		assert_int_equal(got[1].sampling_rate, pass ? 10 : 0);
		decoder_free(d);
	}
}

/* What the answer hangs on is read from records though nobody asked for it. */
static void
test_interface_not_asked_for(void **state)
{
	(void)state;
	static const struct decode_options renormalize = {.renormalize = true};
	struct flow_needs needs = {.extent = 0};
	char err[100];

	FLOW_NEED(&needs, src_host);
	FLOW_NEED(&needs, out_iface_name);
	counters_init();
	got_n = 0;
	struct decoder *d = decoder_new(&renormalize, &needs, sink, NULL, NULL, err, sizeof(err));
	assert_non_null(d);
	begin(9, 0);
	OPTIONS(9, 1, "\0\x07\0\0\0\x0a", {2, 2}, {34, 4});
	OPTIONS(9, 1,
		"\0\x09"
		"ge9",
		{2, 2}, {82, 3});
	RECORD(9, "\0\x07\0\x09\0\0\0\x05", {10, 2}, {14, 2}, {1, 4});
	finish(d);
	assert_int_equal(got_n, 1);
	assert_int_equal(got[0].bytes, 50);
	assert_int_equal(got[0].out_iface_name.len, 3);
	decoder_free(d);
}

/* RFC 5477's ways, by selector id. */
static void
test_selectors(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	begin(10, 0);
	/* 1 packet, then 999 not */
	OPTIONS(10, 1, "\0\0\0\0\0\0\0\x05\0\x01\0\0\0\x01\0\0\x03\xe7", {302, 8}, {304, 2}, {305, 4},
		{306, 4});
	/* 3 of 30 */
	put_options(10, 401, (const uint16_t[][2]){{302, 4}, {309, 4}, {310, 4}}, 3, 1,
		    "\0\0\0\x06\0\0\0\x03\0\0\0\x1e", 12);
	/* a probability of 1/8 */
	put_options(10, 402, (const uint16_t[][2]){{302, 4}, {311, 8}}, 2, 1,
		    "\0\0\0\x07\x3f\xc0\0\0\0\0\0\0", 12);
	/* a run of 100 ms, then 900 not */
	put_options(10, 403, (const uint16_t[][2]){{302, 4}, {307, 4}, {308, 4}}, 3, 1,
		    "\0\0\0\x08\0\x01\x86\xa0\0\x0d\xbb\xa0", 12);
	RECORD(10, "\0\0\0\x05\x01\0\0\0\x06\x01\0\0\0\x07\x01\0\0\0\x08\x01", {302, 4}, {1, 1});
	finish(d);
	assert_int_equal(got_n, 4);
	assert_int_equal(got[0].sampling_rate, 1000);
	assert_int_equal(got[1].sampling_rate, 10);
	assert_int_equal(got[2].sampling_rate, 8);
	assert_int_equal(got[3].sampling_rate, 10);
	decoder_free(d);
}

static void
test_in_record(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	begin(10, 0);
	OPTIONS(10, 1, "\0\0\0\x01\0\0\0\x64", {149, 4}, {34, 4});
	RECORD(10, "\0\0\0\x14\x01", {34, 4}, {1, 1});
	b_template(&b, 2, 257, (const uint16_t[][2]){{305, 4}, {306, 4}, {1, 1}}, 3);
	b_set(&b, 257);
	b_bytes(&b, "\0\0\0\x02\0\0\0\x0e\x01", 9);
	b_set_end(&b);
	finish(d);
	assert_int_equal(got[0].sampling_rate, 20);
	assert_int_equal(got[1].sampling_rate, 8);
	decoder_free(d);
}

static uint32_t
by_map(void *ctx, const struct flow *f)
{
	(void)ctx;
	return f->in_iface == 8 ? 7 : 0;
}

static void
test_renormalize(void **state)
{
	(void)state;
	static const struct decode_options plain = {.renormalize = true};
	static const struct decode_options ext = {.renormalize = true, .ext_sampling_rate = 3};
	static const struct decode_options map = {.renormalize = true, .rate_override = by_map};
	static const struct decode_options *const o[] = {&plain, &ext, &map};
	static const unsigned factor[][2] = {{100, 100}, {3, 3}, {100, 7}};

	for (unsigned pass = 0; pass < 3; pass++) {
		struct decoder *d = start(o[pass]);
		begin(9, 0);
		OPTIONS(9, 1, "\0\0\0\0\0\0\0\x64", {1, 4}, {34, 4});
		RECORD(9, "\0\x07\0\0\0\x0a\0\0\0\x02\0\x08\0\0\0\x0a\0\0\0\x02", {10, 2}, {1, 4}, {2, 4});
		finish(d);
		for (unsigned i = 0; i < 2; i++) {
			assert_int_equal(got[i].bytes, 10 * factor[pass][i]);
			assert_int_equal(got[i].packets, 2 * factor[pass][i]);
			assert_int_equal(got[i].sampling_rate, 1);
			assert_int_equal(got[i].flows, 1);
		}
		decoder_free(d);
	}
}

static void
assert_text(struct flow_bytes v, const char *text)
{
	assert_int_equal(v.len, strlen(text));
	if (v.len)
		assert_memory_equal(v.p, text, v.len);
}

static void
test_names(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	begin(10, 0);
	put_options(10, 401, (const uint16_t[][2]){{10, 4}, {82, 8}}, 2, 1,
		    "\0\0\0\x07"
		    "eth7\0\0\0\0",
		    12);
	put_options(10, 402, (const uint16_t[][2]){{234, 4}, {236, 65535}}, 2, 1,
		    "\0\0\0\x05\x04"
		    "blue",
		    9);
	put_options(10, 403, (const uint16_t[][2]){{95, 4}, {96, 6}, {94, 4}}, 3, 1,
		    "\x03\0\0\x35"
		    "dns   "
		    "text",
		    14);
	RECORD(10, "\0\0\0\x07\0\0\0\x09\0\0\0\x05\0\0\0\0\x03\0\0\x35\x01", {10, 4}, {14, 4}, {234, 4},
	       {235, 4}, {95, 4}, {1, 1});
	feed(d); /* lengths are set below; without them the message is refused */
	assert_int_equal(got_n, 0);
	finish(d);
	assert_int_equal(got_n, 1);
	assert_text(got[0].in_iface_name, "eth7");
	assert_text(got[0].out_iface_name, "");
	assert_text(got[0].vrf_name, "blue");
	assert_text(got[0].ingress_vrf_name, "blue");
	assert_text(got[0].egress_vrf_name, "");
	assert_text(got[0].class_name, "dns");
	decoder_free(d);
}

static void
test_vrf_rd(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	begin(10, 0);
	put_options(10, 401, (const uint16_t[][2]){{234, 4}, {90, 8}}, 2, 1,
		    "\0\0\0\x05\0\0\xfd\xe8\0\0\0\x64", 12);
	RECORD(10, "\0\0\0\x05\x01\0\0\0\x06\x01", {235, 4}, {1, 1});
	finish(d);
	assert_true(got[0].mpls_vpn_rd == 0x0000fde800000064ull);
	assert_true(got[1].mpls_vpn_rd == (RD_TYPE_VRFID << 48 | 6));
	assert_int_equal(got[0].mpls_vpn_rd_origin, RD_ORIGIN_FLOW);
	decoder_free(d);
}

/* IPFIX: 22 and 21 count from the boot time, here told in options. */
static void
test_boot_time(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	begin(10, 0);
	put_options(10, 401, (const uint16_t[][2]){{149, 4}, {160, 8}}, 2, 1, "\0\0\0\x01", 4);
	b_uint(&b, (T0 - 100) * 1000ull, 8);
	b_set_end(&b);
	RECORD(10, "\0\0\x27\x10\0\0\x4e\x20\x01", {22, 4}, {21, 4}, {1, 1});
	finish(d);
	assert_int_equal(got[0].timestamp_start, (T0 - 90) * US);
	assert_int_equal(got[0].timestamp_end, (T0 - 80) * US);
	decoder_free(d);
}

static void
test_agent(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	begin(10, 0);
	put_options(10, 401, (const uint16_t[][2]){{144, 4}, {130, 4}}, 2, 1, "\0\0\0\x01\x0a\x09\x08\x07",
		    8);
	RECORD(10, "\x01", {1, 1});
	finish(d);
	assert_addr(got[0].peer_src_ip, "10.9.8.7");
	/* another domain of the same device, until they turn out to be several devices behind a proxy */
	b_ipfix(&b, T0, 0, 2);
	RECORD(10, "\x01", {1, 1});
	finish(d);
	assert_addr(got[1].peer_src_ip, "10.9.8.7");
	b_ipfix(&b, T0, 1, 3);
	put_options(10, 401, (const uint16_t[][2]){{144, 4}, {130, 4}}, 2, 1, "\0\0\0\x01\x0a\x09\x08\x08",
		    8);
	RECORD(10, "\x01", {1, 1});
	finish(d);
	assert_addr(got[2].peer_src_ip, "10.9.8.8");
	b_ipfix(&b, T0, 1, 2);
	RECORD(10, "\x01", {1, 1});
	finish(d);
	assert_addr(got[3].peer_src_ip, "192.0.2.1");
	decoder_free(d);
}

static void
test_accounted(void **state)
{
	(void)state;
	static const struct decode_options account = {.account_options = true};
	struct decoder *d = start(&account);

	begin(9, 0);
	OPTIONS(9, 1, "\0\0\0\0\0\0\0\x64\x01", {1, 4}, {34, 4}, {35, 1});
	finish(d);
	assert_int_equal(got_n, 1);
	assert_int_equal(got[0].kind, FLOW_KIND_OPTION);
	assert_int_equal(got[0].flows, 0);
	assert_int_equal(count(d, DECODE_OPTION_RECORDS), 1);
	decoder_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sampler_ids),	    cmocka_unit_test(test_whole_domain),
	    cmocka_unit_test(test_interface_scope), cmocka_unit_test(test_selectors),
	    cmocka_unit_test(test_in_record),	    cmocka_unit_test(test_renormalize),
	    cmocka_unit_test(test_names),	    cmocka_unit_test(test_vrf_rd),
	    cmocka_unit_test(test_boot_time),	    cmocka_unit_test(test_agent),
	    cmocka_unit_test(test_accounted),	    cmocka_unit_test(test_interface_not_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
