/* Expected texts: the forms that pmacct prints, with the numbers laid out by hand after RFC 4271, 4360, 4364
 * and 8092. */
#include "collector/base/routetext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "collector/base/timetext.h"

static void
check(const char *expected, const char *begin, char *end)
{
	*end = '\0';
	assert_string_equal(begin, expected);
}

static void
paths(void **state)
{
	(void)state;
	/* little-endian: 65001, {65010,65011}, (64512 64513) */
	static const uint8_t path[] = {2,    1, 0xe9, 0xfd, 0, 0, 1,	2, 0xf2, 0xfd, 0,    0, 0xf3,
				       0xfd, 0, 0,    3,    2, 0, 0xfc, 0, 0,	 1,    0xfc, 0, 0};
	char out[256];
	check("65001 {65010,65011} (64512 64513)", out, put_as_path(out, path, sizeof(path), ' ', false));
	check("65001_{65010,65011}_(64512_64513)", out, put_as_path(out, path, sizeof(path), '_', false));
	check("[\"65001\", \"{65010,65011}\", \"(64512\", \"64513)\"]", out,
	      put_as_path(out, path, sizeof(path), ' ', true));
	check("", out, put_as_path(out, path, 0, ' ', false));
	check("[]", out, put_as_path(out, path, 0, ' ', true));
	/* a count that lies: one AS number of two is there */
	check("65001", out, put_as_path(out, (const uint8_t[]){2, 2, 0xe9, 0xfd, 0, 0, 1}, 7, ' ', false));
}

static void
communities(void **state)
{
	(void)state;
	static const uint32_t std[] = {65001u << 16 | 100, 0xffffff01, 0xffff029a};
	static const uint8_t ext[] = {0, 2, 0xfd, 0xe9, 0, 0, 0, 7, 1,	  3, 192, 0, 2, 1, 0, 5,
				      2, 2, 0,	  1,	0, 0, 0, 9, 0x80, 6, 0,	  0, 0, 0, 0, 0};
	static const uint32_t lrg[] = {4200000000u, 0, 7};
	char out[256];
	check("65001:100 no-export 65535:666", out,
	      put_std_comms(out, (const uint8_t *)std, sizeof(std), ' ', false, false));
	check("[\"65001:100\", \"65535:65281\", \"65535:666\"]", out,
	      put_std_comms(out, (const uint8_t *)std, sizeof(std), ' ', true, true));
	check("RT:65001:7 SoO:192.0.2.1:5 RT:65536:9 ?", out,
	      put_ext_comms(out, ext, sizeof(ext), ' ', false));
	check("4200000000:0:7", out, put_lrg_comms(out, (const uint8_t *)lrg, sizeof(lrg), ' ', false));
}

static void
distinguishers(void **state)
{
	(void)state;
	static const struct {
		const char *text, *shown;
		uint64_t rd;
	} cases[] = {
	    {"0:65000:1", "0:65000:1", 0x0000fde800000001},
	    {"65000:1", "0:65000:1", 0x0000fde800000001},
	    {"192.0.2.1:7", "1:192.0.2.1:7", 0x0001c00002010007},
	    {"2:65000:1", "2:65000:1", 0x00020000fde80001},
	    {"4200000000:1", "2:4200000000:1", 0x0002fa56ea000001},
	    {"vrfid:7", "vrfid:7", 0xffff000000000007},
	};
	static const char *const wrong[] = {
	    "", "65000", "3:1:1", "0:70000:1", "1:65000:1", "2:65000:65536", "vrfid:", "65000:1x", "0:1:1:1"};
	char out[RD_TEXT_MAX + 1];
	uint64_t rd;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(rd_parse(&rd, cases[i].text));
		assert_true(rd == cases[i].rd);
		check(cases[i].shown, out, put_rd(out, rd));
	}
	/* "0:65000" has one colon: administrator 0, number 65000 */
	assert_true(rd_parse(&rd, "0:65000") && rd == 65000);
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_false(rd_parse(&rd, wrong[i]));
}

/* 1677577599 is 2023-02-28 09:46:39 UTC. */
static void
times(void **state)
{
	(void)state;
	struct timetext print = {.o = {.utc = true}}, rfc = {.o = {.utc = true, .rfc9557 = true}};
	struct timetext epoch = {.o = {.since_epoch = true, .secs = true}};
	char out[TIMETEXT_MAX + 1];
	check("2023-02-28 09:46:39.000123", out, put_time_us(&print, out, 1677577599000123));
	check("2023-02-28T09:46:39.000123+00:00", out, put_time_us(&rfc, out, 1677577599000123));
	check("1677577599.000000", out, put_time_us(&epoch, out, 1677577599000123));
	check("2023-02-28 09:46:39", out, put_time_s(&print, out, 1677577599));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(paths),
	    cmocka_unit_test(communities),
	    cmocka_unit_test(distinguishers),
	    cmocka_unit_test(times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
