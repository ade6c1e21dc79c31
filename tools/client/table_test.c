/* Tables: columns as wide as their cells, numbers to the right, nothing that steers the terminal. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tools/client/table.h"

static void
check(bool human, const char *lines, const char *want)
{
	struct table *t = table_new(human);
	struct text out = {0};
	table_add(t, lines, strlen(lines), &out);
	table_end(t, &out);
	assert_string_equal(text_cstr(&out), want);
	text_free(&out);
	table_free(t);
}

static void
test_alignment(void **st)
{
	(void)st;
	check(false,
	      "SRC_IP\x1fPROTO\x1f"
	      "BYTES\n10.0.0.1\x1ftcp\x1f"
	      "9\n10.0.0.12\x1fudp\x1f"
	      "1000000\n",
	      "SRC_IP     PROTO    BYTES\n"
	      "10.0.0.1   tcp          9\n"
	      "10.0.0.12  udp    1000000\n");
	check(true,
	      "BYTES\x1fN\n1234567\x1f"
	      "1234567\n",
	      " BYTES        N\n"
	      "1.23 M  1234567\n"); /* counters only */
	check(false,
	      "A\x1f"
	      "B\n",
	      "A  B\n");
	check(false,
	      "RATE\x1fIP\n1.23 M\x1f"
	      "10.0.0.1\n-\x1f"
	      "10.0.0.20\n",
	      "  RATE  IP\n"
	      "1.23 M  10.0.0.1\n"
	      "     -  10.0.0.20\n");
	/* an escape sequence in a name, an empty cell, a letter of two bytes */
	check(false,
	      "A\x1f"
	      "B\n\x1b[2J\x1f"
	      "x\n\x1fy\n\xc3\xa4\x1fz\n",
	      "A     B\n?[2J  x\n      y\n\xc3\xa4     z\n");
}

static void
test_human(void **st)
{
	static const struct {
		double v;
		const char *want;
	} cases[] = {{0, "0"},		 {999, "999"},	    {1000, "1.00 K"},
		     {1234, "1.23 K"},	 {12345, "12.3 K"}, {123456, "123 K"},
		     {999999, "1.00 M"}, {1.5e9, "1.50 G"}, {1.8e19, "18.0 E"}};
	char buf[32];
	(void)st;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		human_number(buf, sizeof(buf), cases[i].v);
		assert_string_equal(buf, cases[i].want);
	}
}

/* Beyond the sample rows stream; all of them come out, in order. */
static void
test_stream(void **st)
{
	struct table *t = table_new(false);
	struct text in = {0}, out = {0};
	unsigned n = 0;
	(void)st;
	text_str(&in, "N\n");
	for (unsigned i = 10000; i < 15000; i++)
		text_printf(&in, "%u\n", i);
	for (size_t at = 0; at < in.len;) { /* whole lines at a time */
		size_t len = strcspn(in.data + at, "\n") + 1;
		table_add(t, in.data + at, len, &out);
		at += len;
	}
	assert_true(out.len > 3000 * 6);
	table_end(t, &out);
	const char *p = text_cstr(&out);
	assert_memory_equal(p, "    N\n", 6);
	for (p += 6; *p; p += 6, n++)
		assert_int_equal(strtoul(p, NULL, 10), 10000 + n);
	assert_int_equal(n, 5000);
	text_free(&in);
	text_free(&out);
	table_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_alignment), cmocka_unit_test(test_human),
					   cmocka_unit_test(test_stream)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
