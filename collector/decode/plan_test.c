/* Plans: rows of the element table, what the compiler picks among several sources, reduced sizes, and that
 * the shuffled form of a plan says the same as the interpreted one, byte for byte. */
#include "collector/decode/fixture.h"

static void
test_rows_sorted(void **state)
{
	(void)state;
	unsigned n;
	const struct element *e = element_rows(&n);

	for (unsigned i = 1; i < n; i++)
		assert_true(e[i - 1].pen < e[i].pen || (e[i - 1].pen == e[i].pen && e[i - 1].id < e[i].id));
	for (unsigned i = 0; i < n; i++) {
		size_t size = e[i].base == BASE_FLOW ? sizeof(struct flow) : sizeof(struct scratch);
		assert_ptr_equal(element_find(e[i].pen, e[i].id), &e[i]);
		assert_true((size_t)e[i].dst + e[i].width <= size);
		assert_non_null(e[i].name);
		assert_int_equal(e[i].type == ELEMENT_CALL, e[i].set != NULL);
		if (e[i].type == ELEMENT_ADDR4 || e[i].type == ELEMENT_ADDR6)
			assert_int_equal(e[i].width, 16);
		if (e[i].type == ELEMENT_BYTES || e[i].type == ELEMENT_TEXT)
			assert_int_equal(e[i].width, sizeof(struct flow_bytes));
	}
	assert_null(element_find(0, 65000));
}

/* One record of one template through a decoder. */
static const struct flow *
one(struct decoder *d, unsigned version, const uint16_t (*fields)[2], unsigned n, const uint8_t *rec,
    size_t len)
{
	got_n = 0;
	begin(version, 0);
	b_template(&b, version == 9 ? 0 : 2, 256, fields, n);
	b_set(&b, 256);
	b_bytes(&b, rec, len);
	b_set_end(&b);
	finish(d);
	assert_int_equal(got_n, 1);
	return &got[0];
}

#define ONE(d, version, rec, ...)                                                                            \
	one(d, version, (const uint16_t[][2]){__VA_ARGS__},                                                  \
	    ARRAY_SIZE(((const uint16_t[][2]){__VA_ARGS__})), (const uint8_t *)(rec), sizeof(rec) - 1)

/* RFC 7011, 6.2: any width below the element's own, unsigned. */
static void
test_reduced(void **state)
{
	(void)state;
	for (unsigned version = 9; version <= 10; version++) {
		for (unsigned w = 1; w <= 8; w++) {
			struct decoder *d = start(NULL);
			uint8_t rec[16] = {0};
			uint64_t want = 0;
			for (unsigned i = 0; i < w; i++) {
				rec[i] = (uint8_t)(0xf1 - i);
				want = want << 8 | rec[i];
			}
			rec[w] = 0xab;
			const uint16_t fields[][2] = {{1, (uint16_t)w}, {4, 1}};
			const struct flow *f = one(d, version, fields, 2, rec, w + 1);
			assert_true(f->bytes == want);
			assert_int_equal(f->proto, 0xab);
			decoder_free(d);
		}
	}
}

static void
test_wider_than_place(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);
	const struct flow *f =
	    ONE(d, 10, "\0\0\0\0\0\0\x01\x02\0\x06\x00\x00\x00\x09", {10, 8}, {4, 2}, {1, 4});

	assert_int_equal(f->in_iface, 0x102);
	assert_int_equal(f->proto, 6);
	assert_int_equal(f->bytes, 9);
	decoder_free(d);
}

/* A length that cannot be the element's leaves the field out, and only that. */
static void
test_wrong_length(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);
	const struct flow *f = ONE(d, 10, "\x0a\0\0\x01\x05\x00\x00\x00\x09", {8, 5}, {1, 4});

	assert_true(addr_is_none(&f->src_host));
	assert_int_equal(f->bytes, 9);
	assert_int_equal(count(d, DECODE_FIELDS_REFUSED), 1);
	decoder_free(d);
}

static void
test_counters_preferred(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);
	/* the delta counts even when it is zero and the total is not */
	const struct flow *f =
	    ONE(d, 9, "\0\0\0\x64\0\0\0\0\0\0\0\x07\0\0\0\x03", {85, 4}, {1, 4}, {23, 4}, {86, 4});

	assert_int_equal(f->bytes, 0);
	assert_int_equal(f->packets, 3);
	f = ONE(d, 9, "\0\0\0\x64\0\0\0\x05\0\0\0\x07", {23, 4}, {24, 4}, {3, 4});
	assert_int_equal(f->bytes, 100);
	assert_int_equal(f->packets, 5);
	assert_int_equal(f->flows, 7);
	f = ONE(d, 9, "\0\0\0\x64", {352, 4});
	assert_int_equal(f->bytes, 100);
	assert_int_equal(f->kind, FLOW_KIND_FLOW);
	decoder_free(d);
}

static void
test_both_families(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);
#define V6  "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x05"
#define Z16 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	const struct flow *f =
	    ONE(d, 9, "\x0a\0\0\x01" Z16 "\0\0\0\1\x18\x00", {8, 4}, {27, 16}, {1, 4}, {9, 1}, {29, 1});
	assert_addr(f->src_host, "10.0.0.1");
	assert_int_equal(f->src_mask, 24);
	assert_int_equal(f->features & (FLOW_HAS_V4 | FLOW_HAS_V6), FLOW_HAS_V4);
	f = ONE(d, 9, "\0\0\0\0" V6 "\0\0\0\1\x00\x30", {8, 4}, {27, 16}, {1, 4}, {9, 1}, {29, 1});
	assert_addr(f->src_host, "2001:db8::5");
	assert_int_equal(f->src_mask, 48);
	assert_int_equal(f->features & (FLOW_HAS_V4 | FLOW_HAS_V6), FLOW_HAS_V6);
	/* in the other order, and told by ipVersion (60) against what the zeros suggest */
	f = ONE(d, 9, V6 "\x0a\0\0\x01\x04", {27, 16}, {8, 4}, {60, 1});
	assert_addr(f->src_host, "10.0.0.1");
	f = ONE(d, 9, V6 "\x0a\0\0\x01\x06", {27, 16}, {8, 4}, {60, 1});
	assert_addr(f->src_host, "2001:db8::5");
	f = ONE(d, 9, Z16 "\0\0\0\0\x04", {27, 16}, {8, 4}, {60, 1});
	assert_addr(f->src_host, "0.0.0.0");
	/* an ipVersion that is neither says nothing: the one that is not zero counts */
	f = ONE(d, 9, Z16 "\x0a\0\0\x01\0", {27, 16}, {8, 4}, {60, 1});
	assert_addr(f->src_host, "10.0.0.1");
	f = ONE(d, 9, V6 "\0\0\0\0\0", {27, 16}, {8, 4}, {60, 1});
	assert_addr(f->src_host, "2001:db8::5");
	decoder_free(d);
}

static void
test_kinds(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);
	const struct flow *f = ONE(d, 9, "\x0a\0\0\x01\x01", {8, 4}, {230, 1});

	assert_int_equal(f->kind, FLOW_KIND_EVENT);
	assert_int_equal(f->flows, 0);
	assert_int_equal(f->nat_event, 1);
	assert_true(f->features & FLOW_IS_NAT_EVENT);
	f = ONE(d, 9, "\x0a\0\0\x01\x02", {8, 4}, {233, 1});
	assert_int_equal(f->fw_event, 2);
	assert_true(f->features & FLOW_IS_FW_EVENT);
	assert_int_equal(count(d, DECODE_EVENTS), 2);
	decoder_free(d);
}

static void
test_nat(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);
	const struct flow *f =
	    ONE(d, 9, "\xc0\0\2\1\xc0\0\2\2\x04\x01\x04\x02", {225, 4}, {226, 4}, {227, 2}, {228, 2});

	assert_addr(f->post_nat_src_host, "192.0.2.1");
	assert_addr(f->post_nat_dst_host, "192.0.2.2");
	assert_int_equal(f->post_nat_src_port, 1025);
	assert_int_equal(f->post_nat_dst_port, 1026);
	f = ONE(d, 9, "\xc0\0\2\1\xc0\0\2\2\x04\x01\x04\x02\x05", {40001, 4}, {40002, 4}, {40003, 2},
		{40004, 2}, {40005, 1});
	assert_addr(f->post_nat_src_host, "192.0.2.1");
	assert_addr(f->post_nat_dst_host, "192.0.2.2");
	assert_int_equal(f->post_nat_src_port, 1025);
	assert_int_equal(f->post_nat_dst_port, 1026);
	assert_int_equal(f->nat_event, 5);
	f = ONE(d, 10, V6 V6, {281, 16}, {282, 16});
	assert_addr(f->post_nat_src_host, "2001:db8::5");
	assert_addr(f->post_nat_dst_host, "2001:db8::5");
	decoder_free(d);
}

static void
test_mpls(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);
	/* 69 and 24305, the second at the bottom; the third place unused */
	const struct flow *f =
	    ONE(d, 10, "\x00\x04\x50\x05\xef\x11\0\0\0\0\0\0\x10", {70, 3}, {71, 3}, {72, 3}, {1, 4});

	assert_int_equal(f->mpls_labels, 2);
	assert_int_equal(f->mpls_label_top, 69);
	assert_int_equal(f->mpls_label_bottom, 24305);
	assert_int_equal(f->mpls_label_stack.len, 8);
	assert_int_equal(f->mpls_label[1], 24305);
	assert_true(f->features & FLOW_HAS_MPLS);
	decoder_free(d);
}

static void
test_vlan(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);
	const struct flow *f = ONE(d, 9, "\0\x0a\0\x14", {58, 2}, {59, 2});

	assert_int_equal(f->vlan, 10);
	assert_int_equal(f->in_vlan, 10);
	assert_int_equal(f->out_vlan, 20);
	assert_true(f->features & FLOW_HAS_VLAN);
	f = ONE(d, 9, "\0\x0a\0\x14\x01", {58, 2}, {59, 2}, {61, 1});
	assert_int_equal(f->vlan, 20);
	assert_int_equal(f->sampling_direction, 'e');
	f = ONE(d, 9, "\0\0\0\x14\x00", {58, 2}, {254, 2}, {61, 1});
	assert_int_equal(f->vlan, 0);
	assert_int_equal(f->out_vlan, 20);
	assert_int_equal(f->sampling_direction, 'i');
	f = ONE(d, 9, "\0\0\0\x14", {58, 2}, {254, 2});
	assert_int_equal(f->vlan, 20);
	f = ONE(d, 10, "\0\x05\x03\0\x06\0\x07\x08\x00", {243, 2}, {244, 1}, {245, 2}, {255, 2}, {256, 2});
	assert_int_equal(f->vlan, 5);
	assert_int_equal(f->cos, 3);
	assert_int_equal(f->in_cvlan, 6);
	assert_int_equal(f->out_cvlan, 7);
	assert_int_equal(f->etype, 0x800);
	decoder_free(d);
}

static void
test_singles(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);
	/* TCP flags of two bytes: the data offset (here 5) is not one */
	const struct flow *f = ONE(d, 10, "\x51\x12\0\0\0\x40", {6, 2}, {89, 4});
	assert_int_equal(f->tcp_flags, 0x112);
	assert_int_equal(f->fwd_status, 0x40);
	f = ONE(d, 10, "\x82\0\0\0", {89, 4});
	assert_int_equal(f->fwd_status, 0x82);
	f = ONE(d, 9, "\x40", {89, 1});
	assert_int_equal(f->fwd_status, 0x40);
	f = ONE(d, 10, "\x01\0\0\0\0\0\x12\x34", {351, 8});
	assert_int_equal(f->vxlan, 0x1234);
	assert_int_equal(f->nvgre, 0);
	f = ONE(d, 10, "\x02\0\0\0\0\0\x12\x34", {351, 8});
	assert_int_equal(f->nvgre, 0x1234);
	f = ONE(d, 10, "\x03\0\0\x35", {95, 4});
	assert_true(f->application_id == (3ull << 56 | 0x35));
	f = ONE(d, 10, "\0\0\xfd\xe8\0\0\0\x64", {90, 8});
	assert_true(f->mpls_vpn_rd == 0x0000fde800000064ull);
	assert_int_equal(f->mpls_vpn_rd_origin, RD_ORIGIN_FLOW);
	f = ONE(d, 10, "\0\0\0\x05\0\0\0\0", {234, 4}, {235, 4});
	assert_true(f->mpls_vpn_rd == (RD_TYPE_VRFID << 48 | 5));
	assert_int_equal(f->mpls_vpn_rd_origin, RD_ORIGIN_FLOW);
	f = ONE(d, 10, "\0\0\x07\xd0\0\0\0\x0a", {603, 4}, {2, 4});
	assert_int_equal(f->path_delay_avg_usec, 200);
	f = ONE(d, 10, "\x01\x02\x03\x04\x05\x06\x11\x12\x13\x14\x15\x16", {56, 6}, {80, 6});
	assert_memory_equal(f->src_mac, "\x01\x02\x03\x04\x05\x06", 6);
	assert_memory_equal(f->dst_mac, "\x11\x12\x13\x14\x15\x16", 6);
	f = ONE(d, 10, "\0\0\0\x01\0\0\0\x02", {128, 4}, {129, 4});
	assert_int_equal(f->peer_dst_as, 1);
	assert_int_equal(f->peer_src_as, 2);
	f = ONE(d, 9, "\x0a\1\1\1\x0a\2\2\2", {18, 4}, {15, 4});
	assert_addr(f->peer_dst_ip, "10.1.1.1");
	assert_addr(f->ip_next_hop, "10.2.2.2");
	decoder_free(d);
}

/* Two headers: the first occurrence is the tunnel's. */
static void
test_nested(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);
	const struct flow *f = ONE(d, 10, V6 V6 "\x04\x0a\0\0\x01\x0a\0\0\x02\x06\0\0\0\x09", {27, 16},
				   {28, 16}, {4, 1}, {8, 4}, {12, 4}, {4, 1}, {1, 4});

	assert_addr(f->src_host, "10.0.0.1");
	assert_addr(f->dst_host, "10.0.0.2");
	assert_int_equal(f->proto, 6);
	assert_addr(f->tunnel_src_host, "2001:db8::5");
	assert_addr(f->tunnel_dst_host, "2001:db8::5");
	assert_int_equal(f->tunnel_proto, 4);
	decoder_free(d);
}

static void
test_exporter_address(void **state)
{
	(void)state;
	static const struct decode_options ignore = {.ignore_exporter_address = true};
	struct decoder *d = start(NULL);
	const struct flow *f = ONE(d, 10, "\x0a\0\0\x07\0\0\0\x01", {130, 4}, {1, 4});

	assert_addr(f->peer_src_ip, "10.0.0.7");
	f = ONE(d, 10, "\0\0\0\0\0\0\0\x01", {130, 4}, {1, 4});
	assert_addr(f->peer_src_ip, "192.0.2.1");
	decoder_free(d);
	d = start(&ignore);
	f = ONE(d, 10, "\x0a\0\0\x07\0\0\0\x01", {130, 4}, {1, 4});
	assert_addr(f->peer_src_ip, "192.0.2.1");
	decoder_free(d);
}

static void
test_customs(void **state)
{
	(void)state;
	struct decode_custom c[] = {
	    {0, 234, 1, offsetof(struct flow, custom), 4, CUSTOM_UINT},
	    {0, 234, 2, offsetof(struct flow, custom) + 4, 8, CUSTOM_UINT},
	    {0, 225, 1, offsetof(struct flow, custom) + 12, 4, CUSTOM_IP},
	    {0, 460, 1, offsetof(struct flow, custom_var), 0, CUSTOM_STR},
	};
	struct decode_options o = {.custom = c, .customs = ARRAY_SIZE(c)};
	struct decoder *d = start(&o);
	const struct flow *f = ONE(d, 10,
				   "\x12\x34\x56\x78\x9a\xbc\x0a\0\0\x01"
				   "GET\0\0",
				   {234, 2}, {234, 4}, {225, 4}, {460, 5});
	uint32_t first;
	uint64_t second;

	memcpy(&first, f->custom, 4);
	memcpy(&second, f->custom + 4, 8);
	assert_int_equal(first, 0x1234);
	assert_int_equal(second, 0x56789abc);
	assert_memory_equal(f->custom + 12, "\x0a\0\0\x01", 4);
	assert_int_equal(f->custom_var[0].len, 3);
	assert_memory_equal(f->custom_var[0].p, "GET", 3);
	/* the built-in meaning stays: the last occurrence, as everywhere */
	assert_int_equal(f->ingress_vrf_id, 0x56789abc);
	assert_addr(f->post_nat_src_host, "10.0.0.1");
	decoder_free(d);
}

/* What one set's records begin as must leave nothing to the next set's. */
static void
test_sets_apart(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);
	const struct flow *f = ONE(d, 9, "\x0a\0\0\x01\0\0\0\x09", {8, 4}, {3, 4});

	assert_addr(f->src_host, "10.0.0.1");
	assert_int_equal(f->flows, 9);
	f = ONE(d, 9, V6 "\0\0\0\x09", {27, 16}, {1, 4});
	assert_addr(f->src_host, "2001:db8::5");
	assert_int_equal(f->flows, 1);
	f = ONE(d, 9, "\x0a\0\0\x01\0\0\0\x09", {8, 4}, {1, 4});
	f = ONE(d, 9, "\0\0\0\x09", {1, 4});
	assert_true(addr_is_none(&f->src_host));
	assert_int_equal(f->features & (FLOW_HAS_V4 | FLOW_HAS_V6), 0);
	decoder_free(d);
}

static uint32_t
next_random(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	return *x ^= *x << 5;
}

static void
random_message(uint32_t *x, unsigned records)
{
	unsigned rows;
	const struct element *e = element_rows(&rows);
	uint16_t fields[24][2];
	unsigned n = 1 + next_random(x) % ARRAY_SIZE(fields), len = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct element *row = &e[next_random(x) % rows];
		uint16_t w = (uint16_t)(1 + next_random(x) % 8);
		while (row->pen)
			row = &e[next_random(x) % rows];
		if (row->type == ELEMENT_ADDR4)
			w = 4;
		else if (row->type == ELEMENT_ADDR6)
			w = 16;
		else if (row->type == ELEMENT_MAC)
			w = 6;
		fields[i][0] = row->id;
		fields[i][1] = w;
		len += w;
	}
	b_v9(&b, 100000, T0, 0, 1);
	b_template(&b, 0, 256, fields, n);
	b_set(&b, 256);
	for (unsigned i = 0; i < records * len; i++)
		b_uint(&b, next_random(x) % 3 ? next_random(x) : 0, 1);
	b_set_end(&b);
}

/* Pointers into different copies of a message differ, and so may the padding behind a length. */
static void
forget_pointer(struct flow *f, size_t offset)
{
	struct flow_bytes v;

	memcpy(&v, (uint8_t *)f + offset, sizeof(v));
	memset((uint8_t *)f + offset, 0, sizeof(v));
	memcpy((uint8_t *)f + offset, &v.len, sizeof(v.len));
}

static void
assert_same_flow(const struct flow *a, const struct flow *c)
{
	struct flow x = *a, y = *c;
	static const size_t bytes_at[] = {
	    offsetof(struct flow, label),	    offsetof(struct flow, mpls_label_stack),
	    offsetof(struct flow, vrf_name),	    offsetof(struct flow, ingress_vrf_name),
	    offsetof(struct flow, egress_vrf_name), offsetof(struct flow, in_iface_name),
	    offsetof(struct flow, out_iface_name),  offsetof(struct flow, class_name),
	    offsetof(struct flow, frame),	    offsetof(struct flow, srv6_seg_ipv6_list),
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bytes_at); i++) {
		forget_pointer(&x, bytes_at[i]);
		forget_pointer(&y, bytes_at[i]);
	}
	assert_memory_equal(&x, &y, sizeof(x));
}

static void
test_shuffle_same(void **state)
{
	(void)state;
	static struct flow plain[512];
	uint32_t x = 2463534242u;

	for (unsigned round = 0; round < 2000; round++) {
		unsigned n = 1 + round % 5;
		random_message(&x, n);
		struct decoder *d = start(NULL);
		d->env.no_shuffle = true;
		feed(d);
		unsigned plain_n = got_n;
		memcpy(plain, got, sizeof(got[0]) * got_n);
		decoder_free(d);
		d = start(NULL);
		feed(d);
		assert_int_equal(got_n, plain_n);
		for (unsigned i = 0; i < got_n; i++)
			assert_same_flow(&got[i], &plain[i]);
		decoder_free(d);
	}
}

/* An element repeated hundreds of times is settled before anything is compared pair by pair, and the plan
 * holds memory for what it does, not for what the template repeats. */
static void
test_repeated_often(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);
	static struct field many[512];

	for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct field){0, 27, 16};
	struct plan *p = plan_new(&d->env, many, ARRAY_SIZE(many), false);
	assert_non_null(p);
	assert_in_range(p->ops, 1, 2); /* the last one, and the first one as a tunnel's outer address */
	assert_true(p->bytes < 8192);
	plan_free(p);
	decoder_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows_sorted),
	    cmocka_unit_test(test_reduced),
	    cmocka_unit_test(test_wider_than_place),
	    cmocka_unit_test(test_wrong_length),
	    cmocka_unit_test(test_counters_preferred),
	    cmocka_unit_test(test_both_families),
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_nat),
	    cmocka_unit_test(test_mpls),
	    cmocka_unit_test(test_vlan),
	    cmocka_unit_test(test_singles),
	    cmocka_unit_test(test_nested),
	    cmocka_unit_test(test_exporter_address),
	    cmocka_unit_test(test_customs),
	    cmocka_unit_test(test_shuffle_same),
	    cmocka_unit_test(test_sets_apart),
	    cmocka_unit_test(test_repeated_often),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
