/* Time bins against the calendar: expected values are dates, worked out by hand, in a zone whose clocks
 * change on the last Sundays of March (02:00 to 03:00) and October (03:00 to 02:00). */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <time.h>

#include "collector/flow/timebin.h"

#define ZONE "CET-1CEST,M3.5.0,M10.5.0/3"
#define US   1000000ULL

/* A local date, unambiguous ones only. */
static uint64_t
local(int year, int month, int day, int hour, int minute, int second)
{
	struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_isdst = -1};
	tm.tm_hour = hour;
	tm.tm_min = minute;
	tm.tm_sec = second;
	return (uint64_t)mktime(&tm);
}

static uint64_t
day(int month, int d)
{
	return local(2026, month, d, 0, 0, 0);
}

/* Bins made by a program that started on Friday, 2026-11-20 14:54:04. */
static struct timebin
make(uint64_t seconds, unsigned months, uint64_t offset, const char *roundoff)
{
	struct timebin b;
	char err[200] = "";

	if (!timebin_init(&b, seconds, months, offset, roundoff, local(2026, 11, 20, 14, 54, 4) * US, err,
			  sizeof(err)))
		fail_msg("%s", err);
	return b;
}

static int
set_up(void **state)
{
	(void)state;
	setenv("TZ", ZONE, 1);
	tzset();
	return 0;
}

/* The zone is what the tests assume: 2026-10-25 has 25 hours, 2026-03-29 has 23. */
static void
test_zone(void **state)
{
	(void)state;
	assert_int_equal(day(11, 20), 1795129200);
	assert_int_equal(day(10, 26) - day(10, 25), 25 * 3600);
	assert_int_equal(day(3, 30) - day(3, 29), 23 * 3600);
}

/* Each row: length in seconds, letters, a moment, the bin it belongs to (all on 2026-11-20). */
static void
test_roundoff(void **state)
{
	static const struct {
		unsigned seconds;
		const char *letters;
		int at[3], bin[2];
	} rows[] = {
	    {3600, NULL, {15, 53, 59}, {14, 54}}, /* not rounded: from the minute of the start */
	    {3600, NULL, {14, 53, 59}, {13, 54}},
	    {3600, "m", {10, 37, 41}, {10, 0}},
	    {300, "m", {10, 37, 41}, {10, 35}},
	    {300, "m", {10, 40, 0}, {10, 40}}, /* a bin holds its first moment */
	    {300, "m", {10, 39, 59}, {10, 35}},
	    {300, "h", {10, 37, 41}, {10, 35}},
	    {300, "", {10, 37, 41}, {10, 34}},
	    {420, "m", {14, 54, 4}, {14, 49}},	   /* 7 minutes from 14:00 */
	    {3 * 3600, "m", {10, 37, 41}, {8, 0}}, /* 3 hours from 14:00 */
	    {3 * 3600, "mh", {10, 37, 41}, {9, 0}},
	    {5 * 3600, "h", {14, 54, 4}, {10, 0}},
	    {6 * 3600, "h", {23, 59, 59}, {18, 0}},
	    {60, NULL, {10, 37, 41}, {10, 37}},
	    {86400, "h", {10, 37, 41}, {0, 0}},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct timebin b = make(rows[i].seconds, 0, 0, rows[i].letters);
		uint64_t t = local(2026, 11, 20, rows[i].at[0], rows[i].at[1], rows[i].at[2]);
		uint64_t expected = local(2026, 11, 20, rows[i].bin[0], rows[i].bin[1], 0);
		if (timebin_of(&b, t * US + 999999) != expected)
			fail_msg("row %zu: off by %lld s", i, (long long)(timebin_of(&b, t * US) - expected));
	}
}

static void
test_offset(void **state)
{
	(void)state;
	/* the manual's example: half hours with 15 minutes' offset are 10:15, 10:45, ... */
	struct timebin b = make(1800, 0, 900, "h");
	assert_int_equal(timebin_of(&b, local(2026, 11, 20, 10, 14, 59) * US), local(2026, 11, 20, 9, 45, 0));
	assert_int_equal(timebin_of(&b, local(2026, 11, 20, 10, 15, 0) * US), local(2026, 11, 20, 10, 15, 0));
	/* days that begin at six */
	b = make(86400, 0, 6 * 3600, "h");
	assert_int_equal(timebin_of(&b, local(2026, 11, 20, 5, 59, 59) * US), local(2026, 11, 19, 6, 0, 0));
	assert_int_equal(timebin_of(&b, local(2026, 11, 20, 6, 0, 0) * US), local(2026, 11, 20, 6, 0, 0));
}

/* In the zone of the test, where clocks change on 29 March and 25 October 2026: a day of 25 hours and one
 * of 23 are one bin each. */
static void
test_days_over_clock_changes(void **state)
{
	struct timebin b = make(86400, 0, 0, "h");

	(void)state;
	assert_int_equal(timebin_of(&b, day(10, 25) * US), day(10, 25));
	assert_int_equal(timebin_of(&b, (day(10, 26) - 1) * US), day(10, 25));
	assert_int_equal(timebin_end(&b, day(10, 25) * US), day(10, 26) * US);
	assert_int_equal(timebin_of(&b, day(10, 26) * US), day(10, 26));
	assert_int_equal(timebin_of(&b, (day(3, 29) + 22 * 3600) * US), day(3, 29));
	assert_int_equal(timebin_of(&b, (day(3, 29) + 23 * 3600) * US), day(3, 30));
	/* not rounded off: from 14:54 to 14:54 on both sides of the change */
	b = make(86400, 0, 0, NULL);
	assert_int_equal(timebin_of(&b, local(2026, 10, 24, 14, 54, 0) * US), local(2026, 10, 24, 14, 54, 0));
	assert_int_equal(timebin_of(&b, local(2026, 10, 25, 14, 53, 59) * US),
			 local(2026, 10, 24, 14, 54, 0));
	assert_int_equal(timebin_of(&b, local(2026, 10, 25, 14, 54, 0) * US), local(2026, 10, 25, 14, 54, 0));
}

/* Six hours from midnight, also on the day that has 25 of them and on the day after. */
static void
test_hours_over_clock_changes(void **state)
{
	struct timebin b = make(6 * 3600, 0, 0, "h");
	uint64_t sunday = day(10, 25);

	(void)state;
	assert_int_equal(timebin_of(&b, (sunday + 5 * 3600) * US), sunday);
	assert_int_equal(timebin_of(&b, (sunday + 6 * 3600) * US), sunday + 6 * 3600);
	assert_int_equal(timebin_of(&b, (sunday + 24 * 3600 + 1800) * US), sunday + 24 * 3600);
	assert_int_equal(timebin_end(&b, (sunday + 24 * 3600 + 1800) * US), day(10, 26) * US);
	assert_int_equal(timebin_of(&b, (day(10, 26) + 6 * 3600) * US), local(2026, 10, 26, 6, 0, 0));
	/* the hour that comes twice is two bins */
	b = make(3600, 0, 0, "h");
	assert_int_equal(timebin_of(&b, (sunday + 2 * 3600 + 60) * US), sunday + 2 * 3600);
	assert_int_equal(timebin_of(&b, (sunday + 3 * 3600 + 60) * US), sunday + 3 * 3600);
}

/* Weeks begin on Monday; the one with the clock change is an hour longer. */
static void
test_weeks(void **state)
{
	struct timebin b = make(7 * 86400, 0, 0, "w");

	(void)state;
	/* Monday 2026-11-16; Monday 2026-10-19 has the clock change in its week */
	assert_int_equal(timebin_of(&b, local(2026, 11, 20, 10, 0, 0) * US), day(11, 16));
	assert_int_equal(timebin_of(&b, day(11, 16) * US), day(11, 16));
	assert_int_equal(timebin_of(&b, (day(11, 16) - 1) * US), day(11, 9));
	assert_int_equal(timebin_of(&b, (day(10, 26) - 1) * US), day(10, 19));
	assert_int_equal(timebin_of(&b, day(10, 26) * US), day(10, 26));
	assert_int_equal(timebin_of(&b, day(11, 30) * US), day(11, 30));
}

/* Lengths of months, a leap year's February, the turn of the year; quarters, and bins of two days from the
 * first of the month. */
static void
test_months(void **state)
{
	struct timebin b = make(0, 1, 0, "M");

	(void)state;
	assert_int_equal(timebin_of(&b, local(2026, 11, 20, 10, 0, 0) * US), day(11, 1));
	assert_int_equal(timebin_of(&b, (day(11, 1) - 1) * US), day(10, 1));
	assert_int_equal(timebin_end(&b, day(2, 14) * US), day(3, 1) * US);
	assert_int_equal(timebin_of(&b, (local(2024, 3, 1, 0, 0, 0) - 1) * US), local(2024, 2, 1, 0, 0, 0));
	assert_int_equal(timebin_end(&b, local(2026, 12, 31, 23, 59, 59) * US),
			 local(2027, 1, 1, 0, 0, 0) * US);
	/* quarters */
	b = make(0, 3, 0, "M");
	assert_int_equal(timebin_of(&b, day(6, 30) * US), day(4, 1));
	assert_int_equal(timebin_of(&b, day(7, 1) * US), day(7, 1));
	/* several days counted from the first of the month */
	b = make(2 * 86400, 0, 0, "d");
	assert_int_equal(timebin_of(&b, local(2026, 11, 20, 10, 0, 0) * US), day(11, 19));
}

/* More bins than are remembered, in an order that defeats the memory. */
static void
test_remembered_bins(void **state)
{
	struct timebin b = make(60, 0, 0, "m");

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (uint64_t i = 0; i < 7; i++) {
			uint64_t start = local(2026, 11, 20, 10, 0, 0) + 60 * ((i * 3) % 7);
			assert_int_equal(timebin_of(&b, start * US), start);
			assert_int_equal(timebin_of(&b, (start + 59) * US), start);
			assert_int_equal(timebin_end(&b, start * US), (start + 60) * US);
		}
	}
	assert_int_equal(timebin_of(&b, 0), 0);
	timebin_of(&b, UINT64_MAX); /* no crash, whatever it says */
}

/* Letters that exclude each other or do not exist, lengths of nothing and of centuries. */
static void
test_refused(void **state)
{
	struct timebin b;
	char err[200];

	(void)state;
	assert_false(timebin_init(&b, 60, 0, 0, "dw", 0, err, sizeof(err)));
	assert_false(timebin_init(&b, 60, 0, 0, "x", 0, err, sizeof(err)));
	assert_non_null(strstr(err, "'x'"));
	assert_false(timebin_init(&b, 0, 0, 0, NULL, 0, err, sizeof(err)));
	assert_false(timebin_init(&b, UINT64_MAX, 0, 0, NULL, 0, err, sizeof(err)));
}

/* 100 seconds from 10:00:50: 10 s, 60 s and 30 s in three bins. */
static void
test_split(void **state)
{
	struct timebin b = make(60, 0, 0, "m");
	uint64_t ten = local(2026, 11, 20, 10, 0, 0);
	struct timebin_share share;
	struct timebin_split s = timebin_split_begin(&b, (ten + 50) * US, (ten + 150) * US, 101, 1000, 1);

	(void)state;
	assert_true(timebin_split_next(&s, &share));
	assert_int_equal(share.start, ten);
	assert_int_equal(share.packets, 10); /* 10.1 */
	assert_int_equal(share.bytes, 100);
	assert_int_equal(share.flows, 1);
	assert_true(timebin_split_next(&s, &share));
	assert_int_equal(share.start, ten + 60);
	assert_int_equal(share.packets, 60); /* 70.7 in all so far */
	assert_int_equal(share.bytes, 600);
	assert_int_equal(share.flows, 0);
	assert_true(timebin_split_next(&s, &share));
	assert_int_equal(share.start, ten + 120);
	assert_int_equal(share.packets, 31);
	assert_int_equal(share.bytes, 300);
	assert_false(timebin_split_next(&s, &share));
}

/* The shares of a flow add up to it exactly, whatever rounding did. */
static void
sums(struct timebin *b, uint64_t from, uint64_t to, uint64_t packets, uint64_t bytes, unsigned *shares)
{
	struct timebin_split s = timebin_split_begin(b, from, to, packets, bytes, 3);
	struct timebin_share share, all = {0};

	for (*shares = 0; timebin_split_next(&s, &share); ++*shares) {
		all.packets += share.packets;
		all.bytes += share.bytes;
		all.flows += share.flows;
	}
	assert_int_equal(all.packets, packets);
	assert_int_equal(all.bytes, bytes);
	assert_int_equal(all.flows, 3);
}

/* Counters that do not divide evenly, counters near 2^64, and flows that must not be split. */
static void
test_split_sums(void **state)
{
	struct timebin b = make(60, 0, 0, "m");
	uint64_t t = local(2026, 11, 20, 10, 0, 0) * US;
	unsigned shares;

	(void)state;
	sums(&b, t + 1, t + 599999999, 7, 1234567, &shares);
	assert_int_equal(shares, 10);
	sums(&b, t + 7, t + 3600 * US + 1, UINT64_MAX, UINT64_MAX - 1, &shares);
	sums(&b, t, t + 30 * US, 5, 6, &shares);
	assert_int_equal(shares, 1);
	sums(&b, t + 5, t, 5, 6, &shares); /* ends before it starts */
	assert_int_equal(shares, 1);
	sums(&b, 1, t, 5, 6, &shares); /* half a century: not believed */
	assert_int_equal(shares, 1);
	sums(&b, t, t + 600 * US, 0, 0, &shares); /* an event has no counters but must not vanish */
	assert_int_equal(shares, 1);
	sums(&b, t, t + 600 * US, 1, 1, &shares); /* one packet: its start bin and the one it ends up in */
	assert_int_equal(shares, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_zone),
	    cmocka_unit_test(test_roundoff),
	    cmocka_unit_test(test_offset),
	    cmocka_unit_test(test_days_over_clock_changes),
	    cmocka_unit_test(test_hours_over_clock_changes),
	    cmocka_unit_test(test_weeks),
	    cmocka_unit_test(test_months),
	    cmocka_unit_test(test_remembered_bins),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_split),
	    cmocka_unit_test(test_split_sums),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
