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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_v5),
	    cmocka_unit_test(test_v9),
	    cmocka_unit_test(test_ipfix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
