/* The cache against the plainest map there is, and its promises one by one. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "collector/flow/cache.h"
#include "collector/flow/tags.h"

/* --- the reference: a list of records, searched from the front --- */

struct map {
	const struct layout *l;
	uint8_t *entry[20000];
	unsigned n;
};

/* The rules of merging written out a second time, on purpose: the cache must not be compared with itself. */
static void
map_absorb(struct map *m, const uint8_t *record)
{
	size_t key = layout_key_size(m->l, record), all = layout_record_size(m->l, record);
	for (unsigned i = 0; i < m->n; i++) {
		uint8_t *e = m->entry[i];
		if (layout_key_size(m->l, e) != key || memcmp(e, record, key) != 0)
			continue;
		for (unsigned k = 0; k < m->l->counters; k++) {
			uint64_t a, b;
			memcpy(&a, e + key + 8 * k, 8);
			memcpy(&b, record + key + 8 * k, 8);
			if (m->l->counter[k].merge == MERGE_SUM)
				a += b;
			else if (m->l->counter[k].merge == MERGE_OR)
				a |= b;
			else if (m->l->counter[k].merge == MERGE_MAX)
				a = a > b ? a : b;
			else if (m->l->counter[k].merge == MERGE_MIN)
				a = a < b ? a : b;
			memcpy(e + key + 8 * k, &a, 8);
		}
		return;
	}
	assert_true(m->n < ARRAY_SIZE(m->entry));
	m->entry[m->n] = malloc(all);
	memcpy(m->entry[m->n++], record, all);
}

static void
map_clear(struct map *m)
{
	while (m->n)
		free(m->entry[--m->n]);
}

/* --- random records --- */

static uint64_t state = 42;

/* xorshift64: the same records in every run. */
static uint32_t
dice(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 33) % n;
}

/* Only what the cache reads of a layout: sizes and merge rules. */
static struct layout
make_layout(uint16_t key_size, unsigned counters, const enum merge_rule *rules)
{
	struct layout l = {.key_size = key_size, .fixed_size = key_size, .counters = counters};
	for (unsigned i = 0; i < counters; i++)
		l.counter[i].merge = rules[i];
	return l;
}

/* One record with one of about distinct keys; a variable key's length depends on which it is. */
static size_t
make_record(const struct layout *l, uint8_t *out, uint32_t distinct)
{
	uint32_t id = dice(distinct);
	uint16_t key = l->key_size ? l->key_size : (uint16_t)(8 + id % 50 * 8);
	memset(out, 0, key);
	if (l->key_size == 0)
		memcpy(out, &key, 2);
	memcpy(out + 2, &id, 4);
	out[key - 1] = (uint8_t)id;
	for (unsigned i = 0; i < l->counters; i++) {
		uint64_t v = 1 + dice(1000);
		memcpy(out + key + 8 * i, &v, 8);
	}
	return key + 8 * l->counters;
}

/* Same entries in the same order of arrival, each found by its key. */
static void
compare(struct cache *c, const struct map *m)
{
	struct cache_cursor cursor = {0};
	uint8_t *e;
	unsigned n = 0;
	assert_int_equal(cache_entries(c), m->n);
	while ((e = cache_next(c, &cursor)) != NULL) {
		assert_true(n < m->n);
		/* both keep the order of arrival */
		assert_memory_equal(e, m->entry[n], layout_record_size(m->l, m->entry[n]));
		assert_ptr_equal(cache_find(c, m->entry[n]), e);
		n++;
	}
	assert_int_equal(n, m->n);
}

/* Two lives of one cache, with a clear between them, in messages of 1 to 100 records. */
static void
play(const struct layout *l, uint32_t distinct, unsigned records)
{
	static struct map m;
	static uint8_t batch[200 * 1024];
	struct cache *c = cache_new(l, 0);
	assert_non_null(c);
	m.l = l;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned done = 0; done < records;) {
			uint32_t n = 1 + dice(100);
			uint8_t *p = batch;
			for (uint32_t i = 0; i < n; i++) {
				size_t size = make_record(l, p, distinct);
				map_absorb(&m, p);
				p += size;
			}
			assert_int_equal(cache_absorb(c, batch, n), 0);
			done += n;
		}
		compare(c, &m);
		cache_clear(c);
		map_clear(&m);
		compare(c, &m);
	}
	cache_free(c);
}

static const enum merge_rule sums[] = {MERGE_SUM, MERGE_SUM, MERGE_SUM};
static const enum merge_rule mixed[] = {MERGE_SUM, MERGE_SUM, MERGE_OR, MERGE_MIN, MERGE_MAX};

/* Every instance of the absorbing loop (8 to 64 bytes, longer, variable), sums alone and all merge rules. */
static void
test_like_a_map(void **st)
{
	static const uint16_t sizes[] = {8, 16, 24, 32, 40, 48, 56, 64, 72, 128, 256, 0};
	(void)st;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct layout l = make_layout(sizes[i], i % 2 ? 2 : 3, sums);
		play(&l, 3000, 5000); /* several splits, most records meet an entry */
		l = make_layout(sizes[i], 5, mixed);
		play(&l, 50, 1000);
	}
}

/* Every key stays to be found while one segment becomes hundreds. */
static void
test_growth(void **st)
{
	struct layout l = make_layout(16, 2, sums);
	struct cache *c = cache_new(&l, 0);
	uint64_t r[4] = {0, 77, 1, 100};
	(void)st;
	for (r[0] = 0; r[0] < 300000; r[0]++)
		assert_int_equal(cache_absorb(c, (uint8_t *)r, 1), 0);
	assert_int_equal(cache_entries(c), 300000);
	for (r[0] = 0; r[0] < 300000; r[0]++) {
		uint64_t *e = (uint64_t *)(void *)cache_find(c, (uint8_t *)r);
		assert_non_null(e);
		assert_int_equal(e[2], 1);
		assert_int_equal(e[3], 100);
	}
	assert_null(cache_find(c, (uint8_t *)r));
	/* 32 bytes of record, at most 12 of index, and the steps memory is taken in */
	assert_true(cache_bytes(c) < 300000 * (32 + 12) + (4 << 20));
	cache_free(c);
}

/* The bound holds, what found no place is counted with its traffic, and entries that are there go on
 * counting. */
static void
test_bound(void **st)
{
	const size_t bound = 1 << 20;
	struct layout l = make_layout(40, 2, sums);
	struct cache *c = cache_new(&l, bound);
	uint64_t r[7] = {0}, lost = 0, records;
	(void)st;
	r[5] = 3;
	r[6] = 300;
	for (r[0] = 0; r[0] < 50000; r[0]++)
		lost += cache_absorb(c, (uint8_t *)r, 1);
	assert_true(cache_bytes(c) <= bound);
	/* what fits is used: at least 10,000 entries of 56 bytes in a MiB, at most as many as have room */
	assert_in_range(cache_entries(c), 10000, bound / 56);
	assert_int_equal(cache_entries(c) + lost, 50000);
	const uint64_t *over = cache_overflow(c, &records);
	assert_int_equal(records, lost);
	assert_int_equal(over[0], 3 * lost);
	assert_int_equal(over[1], 300 * lost);
	/* a key that is there still takes counters */
	r[0] = 5;
	assert_int_equal(cache_absorb(c, (uint8_t *)r, 1), 0);
	assert_int_equal(((uint64_t *)(void *)cache_find(c, (uint8_t *)r))[5], 6);
	/* and after a clear there is room again */
	cache_clear(c);
	cache_overflow(c, &records);
	assert_int_equal(records, 0);
	r[0] = 60000;
	assert_int_equal(cache_absorb(c, (uint8_t *)r, 1), 0);
	assert_int_equal(cache_entries(c), 1);
	cache_free(c);
}

/* A cursor that reached the end goes on when entries are added, and ends for good when the cache is
 * cleared. */
static void
test_cursor(void **st)
{
	struct layout l = make_layout(8, 2, sums);
	struct cache *c = cache_new(&l, 0);
	struct cache_cursor cursor = {0}, empty = {0};
	uint64_t r[3] = {1, 1, 1}, first;
	(void)st;
	assert_null(cache_next(c, &empty));
	cache_absorb(c, (uint8_t *)r, 1);
	assert_non_null(cache_next(c, &empty)); /* added after the end was reached: seen */
	uint8_t *e = cache_next(c, &cursor);
	memcpy(&first, e, 8);
	assert_int_equal(first, 1);
	cache_clear(c);
	cache_absorb(c, (uint8_t *)r, 1);
	assert_null(cache_next(c, &cursor));
	cache_free(c);
}

/* A minimum of 0 is an unknown time: it gives way to any known one (cache.h). */
static void
test_merge(void **st)
{
	struct layout l = make_layout(8, 5, mixed);
	uint64_t a[5] = {1, 2, 0x12, 0, 0}, b[5] = {10, 20, 0x01, 7, 9}, none[5] = {0};
	static const uint64_t want[5] = {11, 22, 0x13, 7, 9};
	(void)st;
	layout_merge(&l, (uint8_t *)a, (const uint8_t *)b);
	assert_memory_equal(a, want, sizeof(want));
	layout_merge(&l, (uint8_t *)a, (const uint8_t *)none);
	assert_memory_equal(a, want, sizeof(want));
}

/* The vector version and the plain one against a loop over bytes; few different tags, so that several
 * match. */
static void
test_tags(void **st)
{
	_Alignas(16) uint8_t tags[TAGS_GROUP];
	(void)st;
	for (unsigned round = 0; round < 20000; round++) {
		uint32_t want = 0;
		uint8_t tag = round % 3 ? (uint8_t)dice(4) : (uint8_t)dice(256);
		for (unsigned i = 0; i < TAGS_GROUP; i++) {
			tags[i] = (uint8_t)(round % 5 ? dice(4) : dice(256));
			want |= (uint32_t)(tags[i] == tag) << i;
		}
		assert_int_equal(tags_match(tags, tag), want);
		assert_int_equal(tags_match_plain(tags, tag), want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_like_a_map), cmocka_unit_test(test_growth), cmocka_unit_test(test_bound),
	    cmocka_unit_test(test_cursor),     cmocka_unit_test(test_merge),  cmocka_unit_test(test_tags),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
