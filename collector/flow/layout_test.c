#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "collector/flow/layout.h"

/* An aggregate by its text, as a plugin has it. */
static void
compile(struct layout *l, const char *text, const struct layout_options *o)
{
	struct aggregate a;
	char err[200] = "";

	if (!aggregate_parse(&a, text, err, sizeof(err)) || !layout_compile(l, &a, o, err, sizeof(err)))
		fail_msg("%s: %s", text, err);
}

/* The 5-tuple: 16 + 16 + 2 + 2 + 1 bytes and the kind are neighbours in struct flow: one piece of 38 bytes,
 * three copies of 16, a key of 40 with 2 bytes of padding, two counters. */
static void
five_tuple(void **state)
{
	(void)state;
	struct layout l;
	struct flow f;
	uint8_t out[256];

	compile(&l, "src_host, dst_host, SRC_PORT,dst_port , proto", &(struct layout_options){0});
	assert_int_equal(l.copies[0], 3);
	assert_int_equal(l.key_size, 40);
	assert_int_equal(l.max_record, 56);

	memset(&f, 0xee, sizeof(f));
	f.src_host = addr_from_v4("\xc0\x00\x02\x01");
	f.src_port = 0x1234;
	f.proto = 6;
	f.kind = FLOW_KIND_FLOW;
	f.packets = 5;
	f.bytes = 700;
	memset(out, 0xaa, sizeof(out));
	assert_int_equal(layout_pack(&l, &f, out), 56);
	assert_memory_equal(out, &f, 38);
	assert_memory_equal(out + 38, "\0\0", 2);
	assert_memory_equal(out + 40, &f.packets, 16);
	assert_int_equal(out[56], 0xaa);
	assert_true(layout_records_valid(&l, out, 56, 1));
}

/* --- properties over random aggregates and flows --- */

static uint64_t seed = 0x9e3779b97f4a7c15;

/* xorshift64: the same flows in every run. */
static uint64_t
random_u64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint8_t noise[4096]; /* what variable values point into */

/* Random bytes everywhere, and variable values of 0 to most bytes. */
static void
random_flow(struct flow *f, unsigned most)
{
	for (size_t i = 0; i < sizeof(*f); i++)
		((uint8_t *)f)[i] = (uint8_t)random_u64();
	f->kind = random_u64() % 3;
	for (unsigned i = 0; i < primitive_count(); i++) {
		const struct primitive *p = primitive_get((primitive_id)i);
		struct flow_bytes v = {noise + random_u64() % 1024, (uint32_t)(random_u64() % (most + 1))};
		if (p->flags & PRIMITIVE_VLEN)
			memcpy((uint8_t *)f + p->offset, &v, sizeof(v));
	}
}

/* Up to n rows that aggregate would accept, each once; no sum_*. */
static void
random_aggregate(struct aggregate *a, unsigned n)
{
	memset(a, 0, sizeof(*a));
	while (n--) {
		primitive_id id = (primitive_id)(random_u64() % primitive_count());
		if (!(primitive_get(id)->flags & (PRIMITIVE_AUTO | PRIMITIVE_SUM)) && !aggregate_has(a, id))
			a->id[a->n++] = id;
	}
}

/* What a flow says about a field, as bytes. */
static const uint8_t *
flow_value(const struct flow *f, primitive_id id, size_t *len)
{
	const struct primitive *p = primitive_get(id);
	struct flow_bytes v;

	*len = p->width;
	if (!(p->flags & PRIMITIVE_VLEN))
		return (const uint8_t *)f + p->offset;
	memcpy(&v, (const uint8_t *)f + p->offset, sizeof(v));
	*len = v.len;
	return v.p;
}

/* What the layout says of the record is what the flow holds: every field, every counter, the kind. */
static void
check_record(const struct layout *l, const struct flow *f, const uint8_t *out, size_t size)
{
	assert_true(size <= l->max_record && size % 8 == 0);
	assert_int_equal(size, layout_record_size(l, out));
	assert_true(layout_records_valid(l, out, size, 1));
	assert_int_equal(out[l->kind_offset], f->kind);
	for (unsigned i = 0; i < l->fields; i++) {
		size_t n, want;
		if (primitive_get(l->field[i].id)->type == VALUE_STAMP)
			continue;
		const uint8_t *v = flow_value(f, l->field[i].id, &want);
		const uint8_t *back = layout_value(l, &l->field[i], out, &n);
		assert_int_equal(n, want);
		assert_memory_equal(back, v, n);
	}
	const uint8_t *counters = out + layout_key_size(l, out);
	assert_memory_equal(counters, &f->packets, 8);
	assert_memory_equal(counters + 8, &f->bytes, 8);
	for (unsigned i = 0; i < l->counters; i++)
		assert_memory_equal(counters + 8 * i, (const uint8_t *)f + l->counter[i].flow_offset, 8);
}

/* Random aggregates of random flows. Packed over two different backgrounds, since a byte that is not
 * written would show only there. */
static void
values_come_back(void **state)
{
	(void)state;
	static uint8_t out[2][UINT16_MAX + 1];
	struct flow f;
	struct aggregate a;
	struct layout l;
	char err[200];

	for (unsigned round = 0; round < 3000; round++) {
		struct layout_options o = {.time_bins = random_u64() & 1, .stitching = random_u64() & 1};
		random_aggregate(&a, (unsigned)(random_u64() % 20) + (round % 100 == 0 ? 100 : 0));
		assert_true(layout_compile(&l, &a, &o, err, sizeof(err)));
		random_flow(&f, round % 10 ? 40 : LAYOUT_VALUE_MAX);
		/* The same flow into two places that held different bytes: every byte is written, none
		 * behind. */
		memset(out[0], 0x55, l.max_record + 1u);
		memset(out[1], 0xaa, l.max_record + 1u);
		size_t size = layout_pack(&l, &f, out[0]);
		assert_int_equal(layout_pack(&l, &f, out[1]), size);
		assert_memory_equal(out[0], out[1], size);
		assert_int_equal(out[0][size] ^ out[1][size], 0xff);
		if (o.time_bins) {
			assert_int_equal(layout_bin(&l, out[0]), 0);
			layout_set_bin(&l, out[0], 1677577500);
			assert_int_equal(layout_bin(&l, out[0]), 1677577500);
		}
		check_record(&l, &f, out[0], size);
	}
}

/* Fields stand in the order of JSON keys, custom ones before the time bin. */
static void
fields_stand_in_json_order(void **state)
{
	(void)state;
	struct aggregate a;
	struct layout l;
	char err[200];

	for (unsigned round = 0; round < 200; round++) {
		random_aggregate(&a, 30);
		assert_true(
		    layout_compile(&l, &a, &(struct layout_options){.time_bins = true}, err, sizeof(err)));
		for (unsigned i = 1; i < l.fields; i++)
			assert_true(primitive_json_rank(l.field[i - 1].id) <
				    primitive_json_rank(l.field[i].id));
		for (unsigned i = 0; i < a.n; i++) {
			const struct primitive *p = primitive_get(a.id[i]);
			bool key = !(p->flags & (PRIMITIVE_COUNTER | PRIMITIVE_NO_KEY));
			assert_int_equal(layout_find(&l, a.id[i]) != NULL, key);
		}
	}
	compile(&l, "vrf_name,c_two,timestamp_export,c_text,tag",
		&(struct layout_options){.time_bins = true});
	const char *const order[] = {"tag",    "timestamp_export", "c_two",
				     "c_text", "stamp_inserted",   "vrf_name"};
	assert_int_equal(l.fields, ARRAY_SIZE(order));
	for (unsigned i = 0; i < l.fields; i++)
		assert_string_equal(primitive_get(l.field[i].id)->name, order[i]);
}

/* Keys differ exactly when a value of the aggregate or the kind differs. */
static void
keys_are_equal_when_values_are(void **state)
{
	(void)state;
	static uint8_t one[UINT16_MAX], two[UINT16_MAX];
	struct flow f, g;
	struct aggregate a;
	struct layout l;
	char err[200];

	for (unsigned round = 0; round < 3000; round++) {
		random_aggregate(&a, 12);
		assert_true(layout_compile(&l, &a, &(struct layout_options){0}, err, sizeof(err)));
		random_flow(&f, 20);
		random_flow(&g, 20);
		/* g has f's values, and noise everywhere else */
		g.kind = f.kind;
		for (unsigned i = 0; i < l.fields; i++) {
			const struct primitive *p = primitive_get(l.field[i].id);
			memcpy((uint8_t *)&g + p->offset, (uint8_t *)&f + p->offset, p->width);
		}
		layout_pack(&l, &f, one);
		layout_pack(&l, &g, two);
		assert_int_equal(layout_key_size(&l, one), layout_key_size(&l, two));
		assert_memory_equal(one, two, layout_key_size(&l, one));
		if (!l.fields)
			continue;
		const struct primitive *p = primitive_get(l.field[random_u64() % l.fields].id);
		struct flow_bytes longer = {noise, 21};
		if (p->flags & PRIMITIVE_VLEN)
			memcpy((uint8_t *)&g + p->offset, &longer, sizeof(longer));
		else
			((uint8_t *)&g)[p->offset + random_u64() % p->width] ^= 1;
		layout_pack(&l, &g, two);
		assert_true(layout_key_size(&l, one) != layout_key_size(&l, two) ||
			    memcmp(one, two, layout_key_size(&l, one)) != 0);
	}
	compile(&l, "none", &(struct layout_options){0});
	random_flow(&f, 0);
	f.kind = FLOW_KIND_FLOW;
	layout_pack(&l, &f, one);
	f.kind = FLOW_KIND_EVENT;
	layout_pack(&l, &f, two);
	assert_memory_not_equal(one, two, l.key_size);
}

/* "a" and "bc" must not have the key of "ab" and "c". */
static void
lengths_keep_texts_apart(void **state)
{
	(void)state;
	struct layout l;
	struct flow f;
	uint8_t one[4096], two[4096];

	memset(&f, 0, sizeof(f));
	compile(&l, "in_iface_name,out_iface_name", &(struct layout_options){0});
	f.in_iface_name = (struct flow_bytes){(const uint8_t *)"a", 1};
	f.out_iface_name = (struct flow_bytes){(const uint8_t *)"bc", 2};
	size_t n = layout_pack(&l, &f, one);
	f.in_iface_name = (struct flow_bytes){(const uint8_t *)"ab", 2};
	f.out_iface_name = (struct flow_bytes){(const uint8_t *)"c", 1};
	assert_int_equal(layout_pack(&l, &f, two), n);
	assert_memory_not_equal(one, two, layout_key_size(&l, one));
	/* length word, kind, two lengths, 3 letters: 2 + 1 + 4 + 3 = 10, so 16, and two counters */
	assert_int_equal(n, 32);
}

/* Cut at the border of an element (value_cut), and the record is still valid. Sizes by hand from
 * LAYOUT_VALUE_MAX. */
static void
long_values_are_cut(void **state)
{
	(void)state;
	struct layout l;
	struct flow f;
	uint8_t out[4096];
	size_t n;

	memset(&f, 0, sizeof(f));
	compile(&l, "lrg_comm", &(struct layout_options){0});
	f.lrg_comm = (struct flow_bytes){noise, 1200};
	assert_true(layout_records_valid(&l, out, layout_pack(&l, &f, out), 1));
	const uint8_t *v = layout_value(&l, &l.field[0], out, &n);
	assert_int_equal(n, 1020); /* the most 12-byte communities in 1024 bytes */
	assert_memory_equal(v, noise, n);
}

/* The reverse record has the destination's value in the source's place, and all other values as they were. */
static void
sums_give_both_directions(void **state)
{
	(void)state;
	static const char *const sums[][3] = {
	    {"sum_host", "src_host", "dst_host"}, {"sum_net", "src_net", "dst_net"},
	    {"sum_as", "src_as", "dst_as"},	  {"sum_port", "src_port", "dst_port"},
	    {"sum_mac", "src_mac", "dst_mac"},
	};
	uint8_t out[4096];
	struct flow f;
	struct layout l;
	char text[64];
	size_t n, want;

	for (unsigned i = 0; i < ARRAY_SIZE(sums); i++) {
		snprintf(text, sizeof(text), "tag,%s,class,tag2,flows", sums[i][0]);
		compile(&l, text, &(struct layout_options){0});
		assert_true(l.sum);
		random_flow(&f, 30);
		check_record(&l, &f, out, layout_pack(&l, &f, out));
		size_t size = layout_pack_reverse(&l, &f, out);
		assert_true(layout_records_valid(&l, out, size, 1));
		const struct layout_field *field = layout_find(&l, primitive_find(sums[i][0]));
		const uint8_t *v = flow_value(&f, primitive_find(sums[i][2]), &want);
		assert_memory_equal(layout_value(&l, field, out, &n), v, want);
		v = flow_value(&f, primitive_find("tag2"), &want);
		assert_memory_equal(layout_value(&l, layout_find(&l, primitive_find("tag2")), out, &n), v,
				    want);
		v = flow_value(&f, primitive_find("class"), &want);
		assert_memory_equal(layout_value(&l, layout_find(&l, primitive_find("class")), out, &n), v,
				    want);
		assert_memory_equal(out + layout_key_size(&l, out), &f.packets, 24);
	}
	compile(&l, "src_host", &(struct layout_options){0});
	assert_false(l.sum);
}

/* Rules and members by the table of counters in the reference; packets and bytes come first. */
static void
counters_have_their_rules(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum merge_rule merge;
		size_t offset;
	} want[] = {
	    {"packets", MERGE_SUM, offsetof(struct flow, packets)},
	    {"bytes", MERGE_SUM, offsetof(struct flow, bytes)},
	    {"tcpflags", MERGE_OR, offsetof(struct flow, tcp_flags)},
	    {"flows", MERGE_SUM, offsetof(struct flow, flows)},
	    {"timestamp_min", MERGE_MIN, offsetof(struct flow, timestamp_start)},
	    {"timestamp_max", MERGE_MAX, offsetof(struct flow, timestamp_end)},
	};
	struct layout l;
	struct flow_needs needs;

	compile(&l, "tcpflags,src_host,flows", &(struct layout_options){.stitching = true});
	assert_int_equal(l.counters, ARRAY_SIZE(want));
	for (unsigned i = 0; i < l.counters; i++) {
		assert_int_equal(l.counter[i].id, primitive_find(want[i].name));
		assert_int_equal(l.counter[i].merge, want[i].merge);
		assert_int_equal(l.counter[i].flow_offset, want[i].offset);
	}
	assert_int_equal(l.fields, 1);
	memset(&needs, 0, sizeof(needs));
	layout_need(&needs, &l);
	assert_true(FLOW_NEEDED(&needs, src_host) && FLOW_NEEDED(&needs, tcp_flags) &&
		    FLOW_NEEDED(&needs, kind));
	assert_true(FLOW_NEEDED(&needs, timestamp_start) && FLOW_NEEDED(&needs, packets));
	assert_false(FLOW_NEEDED(&needs, dst_host) || FLOW_NEEDED(&needs, src_port));
}

/* The route distinguisher brings its origin, coordinates are two fields. */
static void
companions_come_along(void **state)
{
	(void)state;
	struct layout l;

	compile(&l, "mpls_vpn_rd,src_host_coords", &(struct layout_options){0});
	assert_int_equal(l.fields, 4);
	assert_non_null(layout_find(&l, primitive_find("mpls_vpn_rd_origin")));
	assert_non_null(layout_find(&l, primitive_find("src_host_lon")));
}

/* All rows with values of the greatest length: the bounds of struct layout hold for the table as it is. */
static void
everything_at_once_fits(void **state)
{
	(void)state;
	static uint8_t out[UINT16_MAX + 1];
	struct aggregate a = {.n = 0};
	struct layout l;
	struct flow f;
	char err[200];

	for (unsigned i = 0; i < primitive_count(); i++)
		if (!(primitive_get((primitive_id)i)->flags & (PRIMITIVE_AUTO | PRIMITIVE_SUM)))
			a.id[a.n++] = (primitive_id)i;
	assert_true(layout_compile(&l, &a, &(struct layout_options){true, true}, err, sizeof(err)));
	random_flow(&f, LAYOUT_VALUE_MAX);
	check_record(&l, &f, out, layout_pack(&l, &f, out));
}

/* --- records from others --- */

/* Three good records, then each way to damage them: lengths, padding, kind, too few bytes and too many. */
static void
bad_records_are_refused(void **state)
{
	(void)state;
	static uint8_t good[8192], bad[8192];
	struct layout l;
	struct flow f;
	size_t size = 0;

	compile(&l, "src_host,src_port,as_path,label", &(struct layout_options){0});
	memset(&f, 0, sizeof(f));
	for (unsigned i = 0; i < 3; i++) {
		f.as_path = (struct flow_bytes){noise, 14 + i};
		f.label = (struct flow_bytes){noise, 2 * i};
		size += layout_pack(&l, &f, good + size);
	}
	size_t first = layout_record_size(&l, good);
	assert_true(layout_records_valid(&l, good, size, 3));
	assert_true(layout_records_valid(&l, good, 0, 0));
	assert_false(layout_records_valid(&l, good, size, 2));
	assert_false(layout_records_valid(&l, good, size, 4));
	for (size_t n = 0; n < size; n++) { /* in memory of just that size, so that reading further shows */
		uint8_t *exact = malloc(n ? n : 1);
		assert_non_null(exact);
		memcpy(exact, good, n);
		assert_false(layout_records_valid(&l, exact, n, 3));
		free(exact);
	}

	static const struct {
		int where; /* from the record's start; negative: from the end of its key */
		uint8_t byte;
	} lies[] = {{0, 0}, {0, 8}, {0, 0x21}, {1, 0xff}, {-1, 1}};
	for (unsigned i = 0; i < ARRAY_SIZE(lies); i++) {
		memcpy(bad, good, size);
		size_t at = lies[i].where < 0 ? layout_key_size(&l, good) - 1 : (size_t)lies[i].where;
		bad[at] = lies[i].byte;
		assert_false(layout_records_valid(&l, bad, first, 1));
	}
	memcpy(bad, good, size);
	bad[l.kind_offset] = FLOW_KIND_OPTION + 1;
	assert_false(layout_records_valid(&l, bad, first, 1));
	memcpy(bad, good, size);
	bad[l.fixed_size + 1] = 4; /* a value of more than 1024 bytes */
	assert_false(layout_records_valid(&l, bad, size, 3));
	for (unsigned i = 0; i < 20000; i++) { /* never reads outside: the sanitizers watch */
		uint8_t *exact = malloc(size);
		assert_non_null(exact);
		memcpy(exact, good, size);
		exact[random_u64() % size] = (uint8_t)random_u64();
		layout_records_valid(&l, exact, size, 3);
		free(exact);
	}
	compile(&l, "src_host", &(struct layout_options){0});
	size = layout_pack(&l, &f, good);
	assert_true(layout_records_valid(&l, good, size, 1));
	assert_false(layout_records_valid(&l, good, size - 8, 1));
	good[l.key_size - 1] = 1; /* padding */
	assert_false(layout_records_valid(&l, good, size, 1));
}

/* Custom rows of both sorts; together they fill flow.custom to the last byte (2 + 200 + 54 = 256), where
 * copies read furthest. */
static int
setup(void **state)
{
	(void)state;
	char err[200];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = 'a' + (uint8_t)(i % 26);
	return primitive_add_custom("c_two", 2, CUSTOM_UINT, err, sizeof(err)) == PRIMITIVE_NULL ||
	       primitive_add_custom("c_text", 0, CUSTOM_STR, err, sizeof(err)) == PRIMITIVE_NULL ||
	       primitive_add_custom("c_hex", 200, CUSTOM_HEX, err, sizeof(err)) == PRIMITIVE_NULL ||
	       primitive_add_custom("c_end", 54, CUSTOM_RAW, err, sizeof(err)) == PRIMITIVE_NULL;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(five_tuple),
	    cmocka_unit_test(values_come_back),
	    cmocka_unit_test(fields_stand_in_json_order),
	    cmocka_unit_test(keys_are_equal_when_values_are),
	    cmocka_unit_test(lengths_keep_texts_apart),
	    cmocka_unit_test(long_values_are_cut),
	    cmocka_unit_test(sums_give_both_directions),
	    cmocka_unit_test(counters_have_their_rules),
	    cmocka_unit_test(companions_come_along),
	    cmocka_unit_test(everything_at_once_fits),
	    cmocka_unit_test(bad_records_are_refused),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
