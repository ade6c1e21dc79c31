/* Text writing against printf, which is slow and right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>

#include "collector/base/text.h"

/* Against printf: 0 to 299, then numbers of all lengths; the borders of put_u64_fast's two ways by name. */
static void
integers(void **state)
{
	(void)state;
	uint64_t v = 0;
	for (int i = 0; i < 2000; i++) {
		char want[32], got[32];
		snprintf(want, sizeof(want), "%" PRIu64, v);
		*put_u64(got, v) = '\0';
		assert_string_equal(got, want);
		*put_u64_fast(got, v) = '\0';
		assert_string_equal(got, want);
		snprintf(want, sizeof(want), "%" PRIx64, v);
		*put_hex(got, v) = '\0';
		assert_string_equal(got, want);
		v = i < 300 ? v + 1 : v * 6364136223846793005ULL + 1442695040888963407ULL;
		if (i % 3 == 0)
			v >>= i % 60;
	}
	char got[32];
	*put_u64(got, UINT64_MAX) = '\0';
	assert_string_equal(got, "18446744073709551615");
	*put_u64_fast(got, UINT64_MAX) = '\0';
	assert_string_equal(got, "18446744073709551615");
	*put_u64_fast(got, 99999999) = '\0';
	assert_string_equal(got, "99999999");
	*put_u64_fast(got, 100000000) = '\0';
	assert_string_equal(got, "100000000");
}

/* Every number of five digits, and a stride through those of eight: where lanes of digits could spill over.
 */
static void
digit_lanes(void **state)
{
	(void)state;
	for (uint64_t v = 0; v < 100000000; v += v < 100000 ? 1 : 9973) {
		char want[32], got[32];
		*put_u64(want, v) = '\0';
		*put_u64_fast(got, v) = '\0';
		assert_string_equal(got, want);
	}
}

/* All 256 of them, against printf. */
static void
small_integers(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 256; v++) {
		char want[8], got[8];
		snprintf(want, sizeof(want), "%u", v);
		*put_u8(got, (uint8_t)v) = '\0';
		assert_string_equal(got, want);
	}
}

/* RFC 8259, 7 for escapes; U+FFFD in place of each byte that is not UTF-8 (RFC 3629, 3 and 4). */
static void
json_strings(void **state)
{
	(void)state;
	struct text t = {0};
	text_json(&t, "a\"b\\c\n\x01");
	assert_string_equal(text_cstr(&t), "\"a\\\"b\\\\c\\n\\u0001\"");
	t.len = 0;
	text_json(&t, "Z\xc3\xbcrich \xff \xed\xa0\x80"); /* a lone byte and a surrogate are not UTF-8 */
	assert_string_equal(text_cstr(&t),
			    "\"Z\xc3\xbcrich \xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	text_free(&t);
}

/* The length is the sum of the digits of 0 to 9999 and a comma each. */
static void
buffers_grow(void **state)
{
	(void)state;
	struct text t = {0};
	for (int i = 0; i < 10000; i++)
		text_printf(&t, "%d,", i);
	assert_int_equal(t.len, 10 * 2 + 90 * 3 + 900 * 4 + 9000 * 5);
	assert_memory_equal(t.data + t.len - 5, "9999,", 5);
	text_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(integers),	    cmocka_unit_test(digit_lanes),  cmocka_unit_test(small_integers),
	    cmocka_unit_test(json_strings), cmocka_unit_test(buffers_grow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
