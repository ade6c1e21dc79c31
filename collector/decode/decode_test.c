/* The decoder as a whole: messages in, flows out. Vectors are laid out by hand after RFC 3954, RFC 7011 and
 * Cisco's description of v1, v5 and v7; expected values are those written into them. */
#include "collector/decode/fixture.h"

/* --- v5 --- */

static void
put_v5(uint32_t sequence, unsigned n)
{
	b.len = 0;
	b_uint(&b, 5, 2);
	b_uint(&b, n, 2);
	b_uint(&b, 1000000, 4); /* uptime: 1000 s */
	b_uint(&b, T0, 4);
	b_uint(&b, 250000000, 4); /* and a quarter second */
	b_uint(&b, sequence, 4);
	b_uint(&b, 2, 1);
	b_uint(&b, 1, 1);
	b_uint(&b, 0x4000 | 100, 2);
	for (unsigned i = 0; i < n; i++) {
		b_uint(&b, 0x0a000001 + i, 4);
		b_uint(&b, 0xc6336401, 4);
		b_uint(&b, 0xc0000263, 4);
		b_uint(&b, 7, 2);
		b_uint(&b, 8, 2);
		b_uint(&b, 10 + i, 4);
		b_uint(&b, 1500, 4);
		b_uint(&b, 990000, 4); /* ten seconds before */
		b_uint(&b, 999500, 4); /* half a second before */
		b_uint(&b, 1024, 2);
		b_uint(&b, 443, 2);
		b_uint(&b, 0, 1);
		b_uint(&b, 0x1b, 1);
		b_uint(&b, 6, 1);
		b_uint(&b, 0xb8, 1);
		b_uint(&b, 64500, 2);
		b_uint(&b, 64501, 2);
		b_uint(&b, 24, 1);
		b_uint(&b, 16, 1);
		b_uint(&b, 0, 2);
	}
}

static void
test_v5(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	put_v5(1, 2);
	feed(d);
	assert_int_equal(got_n, 2);
	const struct flow *f = &got[1];
	assert_addr(f->src_host, "10.0.0.2");
	assert_addr(f->dst_host, "198.51.100.1");
	assert_addr(f->ip_next_hop, "192.0.2.99");
	assert_addr(f->peer_src_ip, "192.0.2.1");
	assert_int_equal(f->src_port, 1024);
	assert_int_equal(f->dst_port, 443);
	assert_int_equal(f->proto, 6);
	assert_int_equal(f->tos, 0xb8);
	assert_int_equal(f->tcp_flags, 0x1b);
	assert_int_equal(f->in_iface, 7);
	assert_int_equal(f->out_iface, 8);
	assert_int_equal(f->src_as, 64500);
	assert_int_equal(f->dst_as, 64501);
	assert_int_equal(f->src_mask, 24);
	assert_int_equal(f->dst_mask, 16);
	assert_int_equal(f->packets, 11);
	assert_int_equal(f->bytes, 1500);
	assert_int_equal(f->flows, 1);
	assert_int_equal(f->kind, FLOW_KIND_FLOW);
	assert_int_equal(f->timestamp_start, (T0 - 10) * US + 250000);
	assert_int_equal(f->timestamp_end, T0 * US - 250000);
	assert_int_equal(f->timestamp_export, T0 * US + 250000);
	assert_int_equal(f->timestamp_arrival, (T0 + 5) * US);
	assert_int_equal(f->export_proto_version, 5);
	assert_int_equal(f->export_proto_seqno, 1);
	assert_int_equal(f->export_proto_sysid, 1);
	assert_int_equal(f->engine_type, 2);
	assert_int_equal(f->engine_id, 1);
	assert_int_equal(f->sampling_rate, 100);
	assert_true(f->features & FLOW_RATE_KNOWN);
	assert_true(f->features & FLOW_HAS_V4);
	decoder_free(d);
}

/* --- v9 --- */

static const uint16_t v9_fields[][2] = {{8, 4}, {12, 4}, {7, 2},  {11, 2}, {4, 1}, {10, 2},
					{2, 4}, {1, 4},	 {22, 4}, {21, 4}, {6, 1}};

static void
put_v9_record(uint32_t src, uint32_t bytes)
{
	b_uint(&b, src, 4);
	b_uint(&b, 0xc6336401, 4);
	b_uint(&b, 53, 2);
	b_uint(&b, 5353, 2);
	b_uint(&b, 17, 1);
	b_uint(&b, 513, 2);
	b_uint(&b, 3, 4);
	b_uint(&b, bytes, 4);
	b_uint(&b, 5000, 4);
	b_uint(&b, 0xfffff000u, 4);
	b_uint(&b, 0, 1);
}

static void
test_v9(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	b_v9(&b, 6500, T0, 77, 3);
	b_template(&b, 0, 256, v9_fields, ARRAY_SIZE(v9_fields));
	b_set(&b, 256);
	put_v9_record(0x0a000001, 111);
	put_v9_record(0x0a000002, 222);
	b_uint(&b, 0, 2); /* padding */
	b_set_end(&b);
	feed(d);
	assert_int_equal(got_n, 2);
	const struct flow *f = &got[1];
	assert_addr(f->src_host, "10.0.0.2");
	assert_int_equal(f->src_port, 53);
	assert_int_equal(f->dst_port, 5353);
	assert_int_equal(f->in_iface, 513);
	assert_int_equal(f->packets, 3);
	assert_int_equal(f->bytes, 222);
	assert_int_equal(f->timestamp_start, T0 * US - 1500000);
	/* the counter wrapped between: 6500 ms is 4096 + 6500 after 0xfffff000 */
	assert_int_equal(f->timestamp_end, T0 * US - (4096 + 6500) * 1000);
	assert_int_equal(f->export_proto_sysid, 3);
	assert_int_equal(f->export_proto_seqno, 77);
	assert_int_equal(f->flowset_id, 256);
	assert_int_equal(f->sampling_rate, 0);
	decoder_free(d);
}

/* --- IPFIX --- */

static void
test_ipfix(void **state)
{
	(void)state;
	static const uint16_t fields[][2] = {{27, 16}, {28, 16}, {82, 65535}, {2, 2}, {1, 3}, {152, 8}};
	static const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
	struct decoder *d = start(NULL);

	b_ipfix(&b, T0, 9, 42);
	b_template(&b, 2, 300, fields, ARRAY_SIZE(fields));
	b_set(&b, 300);
	b_bytes(&b, v6, 16);
	b_uint(&b, 0, 16);
	b_uint(&b, 4, 1);
	b_bytes(&b, "eth0", 4);
	b_uint(&b, 0x1234, 2);
	b_uint(&b, 0x123456, 3);
	b_uint(&b, T0 * 1000ull - 7, 8);
	b_set_end(&b);
	b_ipfix_end(&b);
	feed(d);
	assert_int_equal(got_n, 1);
	const struct flow *f = &got[0];
	assert_addr(f->src_host, "2001:db8::1");
	assert_addr(f->dst_host, "::");
	assert_int_equal(f->packets, 0x1234);
	assert_int_equal(f->bytes, 0x123456);
	assert_int_equal(f->in_iface_name.len, 4);
	assert_memory_equal(f->in_iface_name.p, "eth0", 4);
	assert_int_equal(f->timestamp_start, T0 * US - 7000);
	assert_int_equal(f->timestamp_end, T0 * US);
	assert_true(f->features & FLOW_HAS_V6);
	assert_int_equal(count(d, DECODE_IPFIX), 1);
	decoder_free(d);
}

/* --- the other fixed formats --- */

static void
put_head(unsigned version, unsigned n)
{
	b.len = 0;
	b_uint(&b, version, 2);
	b_uint(&b, n, 2);
	b_uint(&b, 1000000, 4);
	b_uint(&b, T0, 4);
	b_uint(&b, 0, 4);
}

static void
put_common(void)
{
	b_uint(&b, 0x0a000001, 4);
	b_uint(&b, 0x0a000002, 4);
	b_uint(&b, 0x0a000003, 4);
	b_uint(&b, 1, 2);
	b_uint(&b, 2, 2);
	b_uint(&b, 3, 4);
	b_uint(&b, 400, 4);
	b_uint(&b, 998000, 4);
	b_uint(&b, 999000, 4);
	b_uint(&b, 500, 2);
	b_uint(&b, 600, 2);
}

static void
assert_common(const struct flow *f)
{
	assert_addr(f->src_host, "10.0.0.1");
	assert_addr(f->dst_host, "10.0.0.2");
	assert_addr(f->ip_next_hop, "10.0.0.3");
	assert_int_equal(f->in_iface, 1);
	assert_int_equal(f->out_iface, 2);
	assert_int_equal(f->packets, 3);
	assert_int_equal(f->bytes, 400);
	assert_int_equal(f->src_port, 500);
	assert_int_equal(f->dst_port, 600);
	assert_int_equal(f->proto, 6);
	assert_int_equal(f->tos, 0x10);
	assert_int_equal(f->tcp_flags, 0x12);
	assert_int_equal(f->timestamp_start, (T0 - 2) * US);
	assert_int_equal(f->timestamp_end, (T0 - 1) * US);
}

static void
test_v1(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	put_head(1, 2);
	for (unsigned i = 0; i < 2; i++) {
		put_common();
		b_uint(&b, 0, 2);
		b_uint(&b, 6, 1);
		b_uint(&b, 0x10, 1);
		b_uint(&b, 0x12, 1);
		b_uint(&b, 0, 11);
	}
	assert_int_equal(b.len, 16 + 2 * 52);
	feed(d);
	assert_int_equal(got_n, 2);
	assert_common(&got[0]);
	assert_common(&got[1]);
	assert_int_equal(count(d, DECODE_V1), 1);
	decoder_free(d);
}

static void
test_v7(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	put_head(7, 1);
	b_uint(&b, 12, 4);
	b_uint(&b, 0, 4);
	put_common();
	b_uint(&b, 0, 1);
	b_uint(&b, 0x12, 1);
	b_uint(&b, 6, 1);
	b_uint(&b, 0x10, 1);
	b_uint(&b, 64500, 2);
	b_uint(&b, 64501, 2);
	b_uint(&b, 24, 1);
	b_uint(&b, 25, 1);
	b_uint(&b, 0, 2);
	b_uint(&b, 0x0a0000fe, 4);
	assert_int_equal(b.len, 24 + 52);
	feed(d);
	assert_int_equal(got_n, 1);
	assert_common(&got[0]);
	assert_int_equal(got[0].src_as, 64500);
	assert_int_equal(got[0].dst_as, 64501);
	assert_int_equal(got[0].src_mask, 24);
	assert_int_equal(got[0].dst_mask, 25);
	assert_int_equal(got[0].export_proto_seqno, 12);
	decoder_free(d);
}

static void
test_time_secs(void **state)
{
	(void)state;
	static const struct decode_options secs = {.time_secs = true};
	struct decoder *d = start(&secs);

	put_v5(1, 1);
	feed(d);
	/* 1000000 - 990000 are now seconds */
	assert_int_equal(got[0].timestamp_start, (T0 - 10000) * US + 250000);
	decoder_free(d);
}

static void
test_peer_as(void **state)
{
	(void)state;
	static const struct decode_options peer = {.peer_as = true};
	struct decoder *d = start(&peer);

	put_v5(1, 1);
	feed(d);
	assert_int_equal(got[0].peer_src_as, 64500);
	assert_int_equal(got[0].peer_dst_as, 64501);
	assert_int_equal(got[0].src_as, 0);
	decoder_free(d);
}

/* --- bad input --- */

static void
test_truncated(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	/* every shorter form of a datagram: nothing but what is whole comes out */
	put_v5(1, 2);
	size_t full = b.len;
	for (size_t n = 0; n < full; n++) {
		got_n = 0;
		b.len = n;
		feed(d);
		assert_int_equal(got_n, n < 24 + 48 ? 0 : 1);
	}
	assert_int_equal(count(d, DROP_SHORT), full);
	decoder_free(d);
}

static void
test_versions(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	for (unsigned v = 0; v < 300; v++) {
		if (v == 1 || v == 5 || v == 7 || v == 9 || v == 10)
			continue;
		b.len = 0;
		b_uint(&b, v, 2);
		b_uint(&b, 0, 40);
		feed(d);
	}
	assert_int_equal(count(d, DROP_VERSION), 295);
	assert_int_equal(count(d, DECODE_EXPORTERS), 0);
	decoder_free(d);
}

static void
test_ipfix_length(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	b_ipfix(&b, T0, 0, 1);
	b_patch16(&b, 2, 15);
	feed(d);
	b_patch16(&b, 2, 17);
	feed(d);
	assert_int_equal(count(d, DROP_LENGTH), 2);
	b_patch16(&b, 2, 16);
	feed(d);
	assert_int_equal(count(d, DECODE_IPFIX), 1);
	decoder_free(d);
}

static void
test_set_lengths(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	for (unsigned len = 0; len < 4; len++) {
		b_v9(&b, 0, T0, len, 1);
		b_uint(&b, 256, 2);
		b_uint(&b, len, 2);
		feed(d);
	}
	b_v9(&b, 0, T0, 4, 1);
	b_uint(&b, 256, 2);
	b_uint(&b, 9, 2);
	b_uint(&b, 0, 4);
	feed(d);
	assert_int_equal(count(d, DROP_SET_LENGTH), 5);
	/* zeros to the end are no set */
	b_v9(&b, 0, T0, 5, 1);
	b_uint(&b, 0, 8);
	feed(d);
	assert_int_equal(count(d, DROP_SET_LENGTH), 5);
	b_v9(&b, 0, T0, 6, 1);
	b_set(&b, 77);
	b_set_end(&b);
	feed(d);
	assert_int_equal(count(d, DROP_SET_ID), 1);
	decoder_free(d);
}

/* --- sequence numbers, each version by its own rule --- */

static void
test_sequences(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	put_v5(100, 2);
	feed(d);
	put_v5(102, 1);
	feed(d);
	put_v5(110, 2); /* 103 to 109 are missing */
	feed(d);
	assert_int_equal(count(d, DECODE_SEQUENCE_LOST), 7);
	b_v9(&b, 0, T0, 5, 1);
	feed(d);
	b_v9(&b, 0, T0, 6, 1);
	feed(d);
	b_v9(&b, 0, T0, 9, 1); /* two datagrams */
	feed(d);
	b_v9(&b, 0, T0, 1, 2); /* another source id counts for itself */
	feed(d);
	assert_int_equal(count(d, DECODE_SEQUENCE_LOST), 9);
	decoder_free(d);
}

static void
put_octets(uint32_t sequence, unsigned n)
{
	static const uint16_t octets[][2] = {{1, 4}};

	b_ipfix(&b, T0, sequence, 1);
	b_template(&b, 2, 256, octets, 1);
	b_set(&b, 256);
	for (unsigned i = 0; i < n; i++)
		b_uint(&b, 1, 4);
	b_set_end(&b);
	b_ipfix_end(&b);
}

/* IPFIX counts data records; a message with records nobody could count sets no expectation. */
static void
test_ipfix_sequence(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	put_octets(0, 3);
	feed(d);
	put_octets(3, 2);
	feed(d);
	put_octets(9, 1);
	feed(d);
	assert_int_equal(count(d, DECODE_SEQUENCE_LOST), 4);
	b_ipfix(&b, T0, 10, 1);
	b_set(&b, 999);
	b_uint(&b, 0, 40);
	b_set_end(&b);
	b_ipfix_end(&b);
	feed(d);
	put_octets(20, 1);
	feed(d);
	put_octets(21, 1);
	feed(d);
	assert_int_equal(count(d, DECODE_SEQUENCE_LOST), 4);
	decoder_free(d);
}

/* Only what is needed is written, and no more than the extent is cleared. */
static void
test_needs(void **state)
{
	(void)state;
	static const struct decode_options none;
	struct flow_needs needs = {.extent = 0};
	char err[100];

	FLOW_NEED(&needs, src_host);
	FLOW_NEED(&needs, flows);
	counters_init();
	got_n = 0;
	memset(got, 0, sizeof(got));
	struct decoder *d = decoder_new(&none, &needs, sink, NULL, NULL, err, sizeof(err));
	put_v5(1, 1);
	feed(d);
	assert_addr(got[0].src_host, "10.0.0.1");
	assert_true(addr_is_none(&got[0].dst_host));
	assert_int_equal(got[0].src_port, 0);
	assert_int_equal(got[0].flows, 1);
	assert_int_equal(got[0].bytes, 1500); /* always, for renormalising */
	decoder_free(d);
}

/* A clock that was never set: no time is before the epoch, or far in the future for wrapping round it. */
static void
test_no_clock(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	b_v9(&b, 100000, 10, 0, 1);
	b_template(&b, 0, 256, (const uint16_t[][2]){{1, 4}, {22, 4}, {21, 4}}, 3);
	b_set(&b, 256);
	b_uint(&b, 5, 4);
	b_uint(&b, 40000, 4); /* a minute before the header, which is 10 s after the epoch */
	b_uint(&b, 99000, 4);
	b_set_end(&b);
	feed(d);
	assert_int_equal(got_n, 1);
	assert_int_equal(got[0].timestamp_end, 9 * US);
	assert_int_equal(got[0].timestamp_start, 9 * US); /* unknown: the end */
	decoder_free(d);
}

/* Every drop has a text of its own; rows of one name leave the description to the first. */
static void
test_counter_texts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < DROPS; i++) {
		const struct counter_desc *row = &decode_counter_desc[DROP_FIRST + i];
		assert_non_null(decode_drop_text[i]);
		assert_non_null(row->labels);
		assert_true(row->help == NULL || strstr(row->help, "by reason") != NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_v5),
	    cmocka_unit_test(test_v9),
	    cmocka_unit_test(test_ipfix),
	    cmocka_unit_test(test_v1),
	    cmocka_unit_test(test_v7),
	    cmocka_unit_test(test_time_secs),
	    cmocka_unit_test(test_peer_as),
	    cmocka_unit_test(test_truncated),
	    cmocka_unit_test(test_versions),
	    cmocka_unit_test(test_ipfix_length),
	    cmocka_unit_test(test_set_lengths),
	    cmocka_unit_test(test_sequences),
	    cmocka_unit_test(test_ipfix_sequence),
	    cmocka_unit_test(test_needs),
	    cmocka_unit_test(test_no_clock),
	    cmocka_unit_test(test_counter_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
