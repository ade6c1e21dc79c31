/* Lines, their limits, and the two ways to split them, from memory; then what differs when a real file is
 * read. */
#include "collector/conf/mapfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static void
open_text(struct mapfile *m, const char *text, struct text *messages)
{
	mapfile_memory(m, "x.map", text, strlen(text), 0, 0, messages);
}

static void
test_lines(void **state)
{
	(void)state;
	struct text messages = {0};
	struct mapfile m;
	open_text(&m, "\xef\xbb\xbf! one\n# two\n\n  three 3 \t\r\nfour", &messages);
	assert_string_equal(mapfile_next(&m), "three 3");
	assert_int_equal(m.in.number, 4);
	assert_string_equal(mapfile_next(&m), "four");
	assert_int_equal(m.in.number, 5);
	assert_null(mapfile_next(&m));
	assert_int_equal(m.faults, 0);
	assert_int_equal(messages.len, 0);
	mapfile_close(&m);
}

static void
test_limits(void **state)
{
	(void)state;
	struct text messages = {0};
	struct mapfile m;
	mapfile_memory(&m, "x.map", "12345\n123456\na\0b\nfine\nmore\n", 27, 5, 4, &messages);
	assert_string_equal(mapfile_next(&m), "12345");
	assert_string_equal(mapfile_next(&m), "fine");
	assert_null(mapfile_next(&m));
	assert_null(mapfile_next(&m));
	assert_int_equal(m.faults, 3);
	assert_string_equal(text_cstr(&messages),
			    "x.map:2: error: the line has 6 bytes; at most 5 are allowed\n"
			    "x.map:3: error: the line holds a NUL byte; is this a text file?\n"
			    "x.map:5: error: the file has more than 4 lines\n");
	mapfile_close(&m);
	text_free(&messages);
}

static void
test_pairs(void **state)
{
	(void)state;
	struct text messages = {0};
	struct mapfile m;
	struct mapfile_pair p[4];
	open_text(&m, "SET_tag=10  ip=192.0.2.1\tfilter='src net 10.0.0.0/8 and port = 80' x=a=b\n",
		  &messages);
	assert_int_equal(mapfile_pairs(&m, mapfile_next(&m), p, 4), 4);
	assert_string_equal(p[0].key, "set_tag");
	assert_string_equal(p[0].value, "10");
	assert_string_equal(p[1].key, "ip");
	assert_string_equal(p[1].value, "192.0.2.1");
	assert_string_equal(p[2].value, "src net 10.0.0.0/8 and port = 80");
	assert_string_equal(p[3].value, "a=b");
	assert_int_equal(m.faults, 0);
	mapfile_close(&m);
}

static void
test_wrong_pairs(void **state)
{
	(void)state;
	static const char *const lines[] = {"a = 1",	    "a=1 b",  "=1",   "a=",	    "a= b=1",
					    "filter='open", "f='a'b", "f=''", "a=1 b=2 c=3"};
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct text messages = {0};
		struct mapfile m;
		struct mapfile_pair p[2];
		open_text(&m, lines[i], &messages);
		assert_int_equal(mapfile_pairs(&m, mapfile_next(&m), p, 2), -1);
		assert_int_equal(m.faults, 1);
		assert_memory_equal(text_cstr(&messages), "x.map:1: error: ", 16);
		mapfile_close(&m);
		text_free(&messages);
	}
}

static void
test_fields(void **state)
{
	(void)state;
	struct text messages = {0};
	struct mapfile m;
	char *f[3];
	open_text(&m, "192.0.2.1 , 65000,10.0.0.0/8\n,\na,b,c,d\n", &messages);
	assert_int_equal(mapfile_fields(&m, mapfile_next(&m), f, 3), 3);
	assert_string_equal(f[0], "192.0.2.1");
	assert_string_equal(f[1], "65000");
	assert_string_equal(f[2], "10.0.0.0/8");
	assert_int_equal(mapfile_fields(&m, mapfile_next(&m), f, 3), 2);
	assert_string_equal(f[1], "");
	assert_int_equal(mapfile_fields(&m, mapfile_next(&m), f, 3), -1);
	assert_int_equal(m.faults, 1);
	mapfile_close(&m);
	text_free(&messages);
}

static void
test_files(void **state)
{
	(void)state;
	struct text messages = {0};
	struct mapfile m;
	char path[] = "/tmp/mapfile_test.XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "line\n", 5), 5);
	close(fd);
	assert_true(mapfile_open(&m, path, 0, 0, &messages));
	assert_string_equal(mapfile_next(&m), "line");
	mapfile_close(&m);
	unlink(path);
	assert_false(mapfile_open(&m, path, 0, 0, &messages));
	assert_non_null(strstr(text_cstr(&messages), "No such file"));
	assert_false(mapfile_open(&m, "/tmp", 0, 0, &messages));
	assert_non_null(strstr(text_cstr(&messages), "/tmp: error: not a regular file\n"));
	text_free(&messages);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),	cmocka_unit_test(test_limits), cmocka_unit_test(test_pairs),
	    cmocka_unit_test(test_wrong_pairs), cmocka_unit_test(test_fields), cmocka_unit_test(test_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
