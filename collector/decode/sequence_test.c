/* Sequence numbers: loss, reordering, restarts, wrap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "collector/decode/sequence.h"

static void
test_in_order(void **state)
{
	(void)state;
	struct sequence s = {0};

	for (uint32_t i = 0; i < 100; i++)
		sequence_check(&s, 0xffffffb0u + i * 3, 3, 64); /* across the wrap */
	assert_int_equal(s.lost, 0);
	assert_int_equal(s.restarts, 0);
}

static void
test_loss(void **state)
{
	(void)state;
	struct sequence s = {0};

	sequence_check(&s, 10, 5, 64);
	struct sequence_result r = sequence_check(&s, 22, 5, 64);
	assert_int_equal(r.lost, 7);
	r = sequence_check(&s, 27, 5, 64);
	assert_int_equal(r.lost, 0);
	assert_int_equal(s.lost, 7);
}

static void
test_overtaken(void **state)
{
	(void)state;
	struct sequence s = {0};

	/* 1, 4, 5, then 2 and 3 late, then 6 */
	sequence_check(&s, 1, 1, 64);
	assert_int_equal(sequence_check(&s, 4, 1, 64).lost, 2);
	sequence_check(&s, 5, 1, 64);
	assert_int_equal(sequence_check(&s, 2, 1, 64).late, 1);
	assert_int_equal(sequence_check(&s, 3, 1, 64).late, 1);
	assert_int_equal(sequence_check(&s, 6, 1, 64).lost, 0);
	assert_int_equal(s.lost - s.late, 0);
	assert_int_equal(s.restarts, 0);
	/* a datagram that comes twice recovers nothing */
	assert_int_equal(sequence_check(&s, 6, 1, 64).late, 0);
	assert_int_equal(sequence_check(&s, 7, 1, 64).lost, 0);
}

static void
test_restart_far(void **state)
{
	(void)state;
	struct sequence s = {0};

	sequence_check(&s, 1000000, 1, 64);
	assert_true(sequence_check(&s, 0, 1, 64).restart);
	assert_int_equal(sequence_check(&s, 1, 1, 64).lost, 0);
	assert_int_equal(s.lost, 0);
	/* a jump ahead that no loss explains */
	assert_true(sequence_check(&s, 2000000000, 1, 64).restart);
	assert_int_equal(s.lost, 0);
}

/* An exporter that restarts soon after it started counts within the window; it is known by going on from
 * there. */
static void
test_restart_near(void **state)
{
	(void)state;
	struct sequence s = {0};

	sequence_check(&s, 40, 1, 64);
	for (uint32_t i = 0; i < 10; i++)
		sequence_check(&s, i, 1, 64);
	assert_int_equal(s.restarts, 1);
	assert_int_equal(s.lost, 0);
	assert_int_equal(sequence_check(&s, 12, 1, 64).lost, 2);
	assert_int_equal(s.behind, 4); /* what it took to believe in the restart */
	assert_int_equal(s.ahead, 1);
}

static void
test_forget(void **state)
{
	(void)state;
	struct sequence s = {0};

	sequence_check(&s, 1, 1, 64);
	sequence_forget(&s);
	assert_int_equal(sequence_check(&s, 50, 1, 64).lost, 0);
	assert_int_equal(sequence_check(&s, 51, 1, 64).lost, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_in_order),	 cmocka_unit_test(test_loss),
	    cmocka_unit_test(test_overtaken),	 cmocka_unit_test(test_restart_far),
	    cmocka_unit_test(test_restart_near), cmocka_unit_test(test_forget),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
