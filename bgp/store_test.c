/* The store against a plain copy of what was put in: equal attributes get one id, different ones two, all of
 * it comes back, and nothing is left when the last route goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "bgp/nlri.h"
#include "bgp/store.h"

static uint32_t random_state = 12345;

static uint32_t
draw(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)random_state * below >> 32);
}

/* Lists of the attributes drawn, kept beside them. */
struct drawn {
	struct bgp_attrs a;
	uint8_t path[64], std[16], ext[16], lrg[24], cluster[8], other[12];
};

static struct bgp_bytes
draw_bytes(uint8_t *room, unsigned unit, unsigned most)
{
	uint32_t n = draw(most + 1) * unit;
	for (uint32_t i = 0; i < n; i++)
		room[i] = (uint8_t)draw(3);
	return (struct bgp_bytes){n ? room : NULL, n};
}

/* Few values each, so that equal ones come up again. */
static void
draw_attrs(struct drawn *d)
{
	*d = (struct drawn){0};
	struct bgp_attrs *a = &d->a;
	a->present = draw(1 << 12) & ~(uint32_t)0;
	if (a->present & BGP_HAS_ORIGIN)
		a->origin = (uint8_t)draw(3);
	if (a->present & BGP_HAS_MED)
		a->med = draw(2);
	if (a->present & BGP_HAS_LOCAL_PREF)
		a->local_pref = draw(2) * 100;
	if (a->present & BGP_HAS_OTC)
		a->otc = draw(3);
	if (a->present & BGP_HAS_PREFIX_SID)
		a->psid_label_index = draw(3);
	if (a->present & BGP_HAS_LABEL)
		a->label = draw(1 << 20);
	if (a->present & BGP_HAS_AIGP)
		a->aigp = (uint64_t)draw(3) << 40;
	if (a->present & BGP_HAS_NEXT_HOP)
		assert_true(addr_parse(&a->next_hop, draw(2) ? "192.0.2.1" : "2001:db8::1"));
	if (a->present & BGP_HAS_ORIGINATOR)
		assert_true(addr_parse(&a->originator, "198.51.100.7"));
	if (a->present & BGP_HAS_AGGREGATOR) {
		a->aggregator_as = 4200000000U;
		assert_true(addr_parse(&a->aggregator, "203.0.113.9"));
	}
	if (draw(4) == 0)
		assert_true(addr_parse(&a->next_hop_link_local, "fe80::1"));
	if (a->present & BGP_HAS_AS_PATH && draw(8)) {
		unsigned n = draw(5) + 1;
		d->path[0] = 2, d->path[1] = (uint8_t)n;
		for (unsigned i = 0; i < 4 * n; i++)
			d->path[2 + i] = (uint8_t)draw(2);
		a->as_path = (struct bgp_bytes){d->path, 2 + 4 * n};
	}
	a->std = draw_bytes(d->std, 4, 4);
	a->ext = draw_bytes(d->ext, 8, 2);
	a->lrg = draw_bytes(d->lrg, 12, 2);
	a->cluster_list = draw_bytes(d->cluster, 4, 2);
	a->other = draw_bytes(d->other, 1, 12);
}

static bool
bytes_equal(struct bgp_bytes a, struct bgp_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static bool
attrs_equal(const struct bgp_attrs *a, const struct bgp_attrs *b)
{
	return a->present == b->present && a->origin == b->origin && a->med == b->med &&
	       a->local_pref == b->local_pref && a->otc == b->otc &&
	       a->psid_label_index == b->psid_label_index && a->label == b->label && a->aigp == b->aigp &&
	       addr_equal(&a->next_hop, &b->next_hop) &&
	       addr_equal(&a->next_hop_link_local, &b->next_hop_link_local) &&
	       addr_equal(&a->originator, &b->originator) && a->aggregator_as == b->aggregator_as &&
	       addr_equal(&a->aggregator, &b->aggregator) && bytes_equal(a->as_path, b->as_path) &&
	       bytes_equal(a->std, b->std) && bytes_equal(a->ext, b->ext) && bytes_equal(a->lrg, b->lrg) &&
	       bytes_equal(a->cluster_list, b->cluster_list) && bytes_equal(a->other, b->other);
}

static void
assert_empty(const struct bgp_store *s)
{
	struct bgp_store_stats stats;
	bgp_store_stats(s, &stats);
	assert_int_equal(stats.sets, 0);
	assert_int_equal(stats.paths + stats.lists + stats.next_hops + stats.mores, 0);
	assert_int_equal(stats.refs, 0);
}

/* Everything drawn is compared with everything drawn before. */
static void
test_identity(void **state)
{
	enum { N = 600 };
	static struct drawn d[N];
	static bgp_set_id id[N];
	struct bgp_store *s = bgp_store_new();
	(void)state;
	for (unsigned i = 0; i < N; i++) {
		if (i >= N / 2)
			d[i] = d[draw(N / 2)]; /* pointers into the other's lists: the same bytes */
		else
			draw_attrs(&d[i]);
		id[i] = bgp_store_intern(s, &d[i].a);
		assert_int_not_equal(id[i], 0);
		bgp_store_ref(s, id[i], 1);
		for (unsigned j = 0; j < i; j++)
			assert_int_equal(attrs_equal(&d[i].a, &d[j].a), id[i] == id[j]);
	}
	for (unsigned i = 0; i < N; i++) {
		struct bgp_attrs back;
		const struct bgp_set *set = bgp_store_set(s, id[i]);
		bgp_store_attrs(s, set, &back);
		assert_true(attrs_equal(&back, &d[i].a));
		assert_true(bytes_equal(bgp_store_ext(s, set), d[i].a.ext));
		assert_true(bytes_equal(bgp_store_lrg(s, set), d[i].a.lrg));
		assert_int_equal(bgp_store_label(s, set),
				 d[i].a.present & BGP_HAS_LABEL ? d[i].a.label : BGP_NO_LABEL);
	}
	for (unsigned i = 0; i < N; i++)
		bgp_store_unref(s, id[i], 1);
	assert_empty(s);
	bgp_store_free(s);
}

/* Routes come and go for a long time: what is held stays right while its neighbours in the indexes go. */
static void
test_churn(void **state)
{
	enum { HELD = 2000, ROUNDS = 60000 };
	static struct drawn d[HELD];
	static bgp_set_id id[HELD];
	struct bgp_store *s = bgp_store_new();
	(void)state;
	for (unsigned r = 0; r < ROUNDS; r++) {
		unsigned i = draw(HELD);
		if (id[i]) {
			struct bgp_attrs back;
			assert_int_equal(bgp_store_intern(s, &d[i].a), id[i]);
			bgp_store_attrs(s, bgp_store_set(s, id[i]), &back);
			assert_true(attrs_equal(&back, &d[i].a));
			bgp_store_unref(s, id[i], 3);
			id[i] = 0;
		} else {
			draw_attrs(&d[i]);
			id[i] = bgp_store_intern(s, &d[i].a);
			bgp_store_ref(s, id[i], 3);
		}
	}
	for (unsigned i = 0; i < HELD; i++)
		if (id[i])
			bgp_store_unref(s, id[i], 3);
	assert_empty(s);
	bgp_store_free(s);
}

/* An UPDATE that was refused after its attributes were interned leaves nothing behind, and takes nothing that
 * others have. */
static void
test_settle(void **state)
{
	struct bgp_store *s = bgp_store_new();
	struct drawn d;
	(void)state;
	do
		draw_attrs(&d);
	while (!d.a.as_path.len || !d.a.std.len || !d.a.ext.len);
	bgp_store_settle(s, bgp_store_intern(s, &d.a));
	assert_empty(s);
	bgp_set_id id = bgp_store_intern(s, &d.a);
	bgp_store_ref(s, id, 1);
	bgp_store_settle(s, bgp_store_intern(s, &d.a));
	assert_int_equal(bgp_store_intern(s, &d.a), id);
	bgp_store_unref(s, id, 1);
	assert_empty(s);
	bgp_store_free(s);
}

/* Paths as on the wire of a four-octet speaker, in host byte order; ends as the comment in store.h says. */
static void
test_path_ends(void **state)
{
	static const struct {
		uint32_t words[8]; /* type, count, numbers */
		unsigned n;
		uint32_t first, last;
	} rows[] = {
	    {{2, 3, 65001, 65010, 4200000000U}, 5, 65001, 4200000000U},
	    {{2, 1, 64512}, 3, 64512, 64512},
	    {{2, 1, 64512, 1, 2, 64513, 64514}, 7, 64512, 0},	  /* ends in a set */
	    {{1, 2, 64513, 64514, 2, 1, 64999}, 7, 0, 64999},	  /* begins with one */
	    {{3, 1, 65100, 2, 2, 64512, 64520}, 7, 65100, 64520}, /* a confederation in front */
	    {{3, 2, 65100, 65101}, 4, 65100, 65101},		  /* nothing but one */
	    {{2, 0, 2, 1, 64512}, 5, 64512, 64512},		  /* an empty segment */
	    {{0}, 0, 0, 0},
	};
	struct bgp_store *s = bgp_store_new();
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t path[64];
		uint32_t len = 0;
		for (unsigned w = 0; w < rows[i].n;) {
			unsigned count = rows[i].words[w + 1];
			path[len++] = (uint8_t)rows[i].words[w];
			path[len++] = (uint8_t)count;
			memcpy(path + len, &rows[i].words[w + 2], 4 * (size_t)count);
			len += 4 * count;
			w += 2 + count;
		}
		struct bgp_attrs a = {.present = BGP_HAS_AS_PATH, .as_path = {path, len}};
		bgp_set_id id = bgp_store_intern(s, &a);
		assert_int_equal(bgp_store_set(s, id)->peer_as, rows[i].first);
		assert_int_equal(bgp_store_set(s, id)->origin_as, rows[i].last);
		bgp_store_settle(s, id);
	}
	assert_empty(s);
	bgp_store_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_identity),
	    cmocka_unit_test(test_churn),
	    cmocka_unit_test(test_settle),
	    cmocka_unit_test(test_path_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
