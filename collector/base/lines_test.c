#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "collector/base/lines.h"

static char path[] = "lines_test.list";

static void
put(const void *text, size_t n)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* Comments, blanks on both sides, a carriage return and a last line without newline, by the grammar in
 * lines.h; "#" within a line is no comment. Numbers count all lines. */
static void
items(void **state)
{
	(void)state;
	static const char text[] = "# head\n\n  one \t\r\n\t! note\n!\ntwo # kept\nlast";
	char err[100] = "";
	struct lines l;
	put(text, sizeof(text) - 1);
	assert_true(lines_open(&l, path, err, sizeof(err)));
	assert_string_equal(lines_next(&l), "one");
	assert_int_equal(l.number, 3);
	assert_string_equal(lines_next(&l), "two # kept");
	assert_string_equal(lines_next(&l), "last");
	assert_int_equal(l.number, 7);
	assert_null(lines_next(&l));
	assert_true(lines_close(&l));
	assert_string_equal(err, "");
}

/* A fault names file and line and ends the reading; what is no text, is missing, or is no file, is refused.
 */
static void
faults(void **state)
{
	(void)state;
	char err[100] = "";
	struct lines l;
	put("a\nb\nc\n", 6);
	assert_true(lines_open(&l, path, err, sizeof(err)));
	lines_next(&l);
	lines_next(&l);
	assert_false(lines_fail(&l, "no %s", "good"));
	assert_null(lines_next(&l));
	assert_false(lines_close(&l));
	assert_string_equal(err, "lines_test.list:2: no good");
	put("a\n\0b\n", 5);
	assert_true(lines_open(&l, path, err, sizeof(err)));
	lines_next(&l);
	assert_null(lines_next(&l));
	assert_false(lines_close(&l));
	assert_non_null(strstr(err, "lines_test.list:2: the line holds a NUL byte"));
	unlink(path);
	assert_false(lines_open(&l, path, err, sizeof(err)));
	assert_false(lines_open(&l, ".", err, sizeof(err)));
	assert_string_equal(err, ".: not a regular file");
}

/* What editors and shells leave: a byte order mark is no part of the first item, a fifo without a writer does
 * not hold the reader up, /dev/null is an empty list. */
static void
kinds_of_files(void **state)
{
	(void)state;
	char err[100] = "";
	struct lines l;
	put("\xef\xbb\xbf"
	    "80\n",
	    6);
	assert_true(lines_open(&l, path, err, sizeof(err)));
	assert_string_equal(lines_next(&l), "80");
	assert_null(lines_next(&l));
	assert_true(lines_close(&l));
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(5);
	assert_false(lines_open(&l, path, err, sizeof(err)));
	alarm(0);
	assert_string_equal(err, "lines_test.list: not a regular file");
	unlink(path);
	assert_true(lines_open(&l, "/dev/null", err, sizeof(err)));
	assert_null(lines_next(&l));
	assert_true(lines_close(&l));
}

/* More than one read, lines that lie across its end, and no newline at the end: numbers 1 to 40,000 come back
 * in order (228,894 bytes). */
static void
many_lines(void **state)
{
	(void)state;
	char err[100] = "";
	struct lines l;
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	for (unsigned i = 1; i <= 40000; i++)
		fprintf(f, "%s%u", i > 1 ? "\n" : "", i);
	assert_int_equal(fclose(f), 0);
	assert_true(lines_open(&l, path, err, sizeof(err)));
	for (unsigned i = 1; i <= 40000; i++) {
		const char *s = lines_next(&l);
		assert_non_null(s);
		assert_int_equal(strtoul(s, NULL, 10), i);
		assert_int_equal(l.number, i);
	}
	assert_null(lines_next(&l));
	assert_true(lines_close(&l));
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(items),
	    cmocka_unit_test(faults),
	    cmocka_unit_test(kinds_of_files),
	    cmocka_unit_test(many_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
