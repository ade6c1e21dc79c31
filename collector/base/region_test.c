/* A region grows without moving, gives memory back, and knows its end. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "collector/base/region.h"

#define MIB ((size_t)1 << 20)

static void
grow_to(struct region *r, size_t need)
{
	size_t step = region_step(r, need);
	if (step)
		assert_true(region_grow(r, step));
	assert_true(r->usable >= need);
	assert_int_equal(region_step(r, need), 0);
}

/* Steps of every size class: the base stays, new bytes are zero, old ones keep what was written. */
static void
test_grows_in_place(void **st)
{
	struct region r;
	(void)st;
	assert_true(region_init(&r, 64 * MIB));
	assert_true(r.reserved >= 64 * MIB);
	assert_int_equal(r.usable, 0);
	const uint8_t *base = r.base;
	for (size_t need = 1; need <= 32 * MIB; need *= 3) {
		size_t before = r.usable;
		grow_to(&r, need);
		assert_ptr_equal(r.base, base);
		for (size_t i = before; i < r.usable; i += 4096)
			assert_int_equal(r.base[i], 0);
		memset(r.base + before, 0xa5, r.usable - before);
	}
	for (size_t i = 0; i < r.usable; i += 1000)
		assert_int_equal(r.base[i], 0xa5);
	region_free(&r);
	assert_null(r.base);
}

/* The first step is small: a table of ten entries takes no huge page. */
static void
test_small_steps(void **st)
{
	struct region r;
	(void)st;
	assert_true(region_init(&r, 8 * MIB));
	assert_true(region_step(&r, 100) <= REGION_PAGE);
	region_free(&r);
}

/* A step beyond the reserve is refused and does no harm. */
static void
test_end(void **st)
{
	struct region r;
	(void)st;
	assert_true(region_init(&r, 2 * MIB));
	grow_to(&r, r.reserved);
	assert_false(region_grow(&r, region_step(&r, r.reserved + 1)));
	region_free(&r);
}

/* What is kept stays as it was; what comes back is zero again. */
static void
test_trim(void **st)
{
	struct region r;
	(void)st;
	assert_true(region_init(&r, 16 * MIB));
	grow_to(&r, 10 * MIB);
	memset(r.base, 1, 10 * MIB);
	region_trim(&r, REGION_PAGE + 1);
	assert_int_equal(r.usable, 2 * REGION_PAGE);
	assert_int_equal(r.base[2 * REGION_PAGE - 1], 1);
	grow_to(&r, 4 * MIB);
	assert_int_equal(r.base[2 * REGION_PAGE - 1], 1);
	for (size_t i = 2 * REGION_PAGE; i < 4 * MIB; i++)
		assert_int_equal(r.base[i], 0);
	region_trim(&r, 0);
	assert_int_equal(r.usable, 0);
	region_trim(&r, 0);
	region_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_grows_in_place),
	    cmocka_unit_test(test_small_steps),
	    cmocka_unit_test(test_end),
	    cmocka_unit_test(test_trim),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
