#include "collector/base/slab.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Every size is held by its class, which wastes at most an eighth beyond the unit. */
static void
test_rounding(void **state)
{
	struct slab s;
	(void)state;
	assert_true(slab_init(&s, 16, 1 << 20));
	for (size_t bytes = 1; bytes < 1000000; bytes += bytes / 50 + 1) {
		size_t r = slab_rounded(&s, bytes);
		assert_true(r >= bytes);
		assert_true(r <= bytes + bytes / 8 + 16);
	}
	slab_free(&s);
}

/* Objects do not overlap, and one that was released is given out again for the same size. */
static void
test_alloc(void **state)
{
	struct slab s;
	uint32_t id[200];
	(void)state;
	assert_true(slab_init(&s, 8, 1 << 24));
	for (unsigned i = 0; i < 200; i++) {
		id[i] = slab_alloc(&s, i * 20 + 1);
		assert_int_not_equal(id[i], 0);
		memset(slab_at(&s, id[i]), (int)i, i * 20 + 1);
	}
	for (unsigned i = 0; i < 200; i++) {
		const uint8_t *p = slab_at(&s, id[i]);
		for (unsigned b = 0; b < i * 20 + 1; b++)
			assert_int_equal(p[b], (uint8_t)i);
	}
	size_t used = s.bytes_used;
	slab_release(&s, id[7], 7 * 20 + 1);
	assert_true(s.bytes_used < used);
	assert_int_equal(slab_alloc(&s, 7 * 20 + 1), id[7]);
	assert_int_equal(s.bytes_used, used);
	slab_free(&s);
}

/* Objects that all move from one size to the next, as vectors do when a column is added, take no more memory
 * than the largest size needs, but for what is on its way. */
static void
test_sizes_follow(void **state)
{
	enum { N = 20000, STEPS = 40 };
	static uint32_t id[N];
	struct slab s;
	(void)state;
	assert_true(slab_init(&s, 16, (size_t)1 << 30));
	for (unsigned step = 1; step <= STEPS; step++) {
		for (unsigned i = 0; i < N; i++) {
			uint32_t old = id[i];
			id[i] = slab_alloc(&s, 16 * step);
			assert_int_not_equal(id[i], 0);
			memset(slab_at(&s, id[i]), (int)step, 16 * step);
			if (old)
				slab_release(&s, old, 16 * (step - 1));
		}
	}
	assert_int_equal(s.bytes_used, N * 16 * STEPS);
	assert_in_range(slab_bytes(&s), s.bytes_used, s.bytes_used + s.bytes_used / 10);
	for (unsigned i = 0; i < N; i++)
		slab_release(&s, id[i], 16 * STEPS);
	assert_int_equal(s.bytes_used, 0);
	slab_free(&s);
}

/* Objects of half a chunk and more, beside small ones, whole and apart. */
static void
test_large(void **state)
{
	enum { N = 60 };
	uint32_t id[N];
	struct slab s;
	(void)state;
	assert_true(slab_init(&s, 8, (size_t)1 << 30));
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < N; i++) {
			size_t bytes = i % 3 ? (size_t)8 * SLAB_CHUNK / 4 * i : 24;
			id[i] = slab_alloc(&s, bytes);
			assert_int_not_equal(id[i], 0);
			memset(slab_at(&s, id[i]), (int)i, bytes);
		}
		for (unsigned i = 0; i < N; i++) {
			size_t bytes = i % 3 ? (size_t)8 * SLAB_CHUNK / 4 * i : 24;
			const uint8_t *p = slab_at(&s, id[i]);
			for (size_t b = 0; b < bytes; b += 8)
				assert_int_equal(p[b], i);
			slab_release(&s, id[i], bytes);
		}
	}
	slab_free(&s);
}

static bool
alloc_until(struct slab *s, uint32_t wanted)
{
	for (unsigned i = 0; i < 100000; i++) {
		uint32_t id = slab_alloc(s, 64);
		if (id == wanted)
			return true;
		slab_retire(s, id, 64);
	}
	return false;
}

/* What is retired while a reader reads is not used again before it has ended. */
static void
test_retire(void **state)
{
	struct slab s;
	(void)state;
	readers_join();
	assert_true(slab_init(&s, 16, 1 << 26));
	uint32_t seen = slab_alloc(&s, 64);
	readers_begin();
	slab_retire(&s, seen, 64);
	assert_false(alloc_until(&s, seen));
	readers_end();
	bool again = false;
	for (unsigned i = 0; i < 100 && !again; i++) {
		readers_wait();
		readers_drain();
		again = alloc_until(&s, seen);
	}
	assert_true(again);
	slab_free(&s);
	readers_leave();
}

static void *
reader(void *arg)
{
	uint32_t *const *published = arg;
	uint64_t sum = 0;
	readers_join();
	for (;;) {
		readers_begin();
		const uint32_t *p = readers_load(published);
		bool end = p[0] == UINT32_MAX;
		/* a writer that used this memory again would break the invariant */
		assert_int_equal(p[1], ~p[0]);
		sum += p[0];
		readers_end();
		if (end)
			break;
	}
	readers_leave();
	return (void *)(uintptr_t)(sum != 0);
}

/* A reader never sees an object half-way of becoming another. */
static void
test_readers(void **state)
{
	struct slab s;
	pthread_t thread;
	(void)state;
	assert_true(slab_init(&s, 8, 1 << 26));
	uint32_t id = slab_alloc(&s, 8);
	uint32_t *p = slab_at(&s, id);
	p[0] = 1, p[1] = ~1U;
	uint32_t *published = p;
	assert_int_equal(pthread_create(&thread, NULL, reader, &published), 0);
	for (uint32_t i = 2; i <= 200000; i++) {
		uint32_t next = slab_alloc(&s, 8);
		uint32_t *q = slab_at(&s, next);
		q[0] = i < 200000 ? i : UINT32_MAX, q[1] = ~q[0];
		readers_store(&published, q);
		slab_retire(&s, id, 8);
		id = next;
	}
	void *read;
	pthread_join(thread, &read);
	assert_non_null(read);
	slab_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rounding),	 cmocka_unit_test(test_alloc),
	    cmocka_unit_test(test_sizes_follow), cmocka_unit_test(test_large),
	    cmocka_unit_test(test_retire),	 cmocka_unit_test(test_readers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
