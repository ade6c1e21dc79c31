/* What people type becomes the bytes that stand in a key. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <unistd.h>

#include "plugins/memory_fixture.h"
#include "tools/client/question.h"

static struct layout tuple;

/* 10.0.0.1 as a struct addr: IPv4-mapped (RFC 4291, 2.5.5.2). */
static const uint8_t ten_one[] = {0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1};
static const uint8_t any[] = {0xff, 0xff};

static void
test_match(void **st)
{
	struct question q = {0};
	uint16_t dns = 53;
	uint8_t port[4] = {0, 2};
	(void)st;
	memcpy(port + 2, &dns, 2); /* values stand in host order */
	assert_true(question_columns(&q, &tuple, "src_host, dst_port"));
	assert_int_equal(q.columns, 2);
	assert_int_equal(q.column[0], 0);
	assert_int_equal(q.column[1], 3);
	assert_true(question_match(&q, &tuple, "10.0.0.1,*;*,53"));
	assert_int_equal(q.queries, 2);
	assert_int_equal(q.values.len, 18 + 2 + 2 + 4);
	assert_memory_equal(q.values.data, ten_one, 18);
	assert_memory_equal(q.values.data + 18, any, 2);
	assert_memory_equal(q.values.data + 20, any, 2);
	assert_memory_equal(q.values.data + 22, port, 4);
	question_free(&q);
}

static void
test_wrong(void **st)
{
	static const struct {
		const char *columns, *match, *says;
	} wrong[] = {
	    {"src_hots", NULL, "it has: src_host, dst_host, src_port, dst_port, proto"},
	    {"vlan", NULL, "vlan"},
	    {"src_port,src_port", NULL, "twice"},
	    {"src_host,dst_port", "10.0.0.1", "1 values where 2"},
	    {"src_host", "10.0.0.1,53", "2 values where 1"},
	    {"dst_port", "70000", "dst_port"},
	    {"src_host", "10.0.0.256", "src_host"},
	    {"src_host", "", "nothing to match"},
	    {"src_host", "file:/nowhere/at/all", "/nowhere/at/all"},
	};
	(void)st;
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct question q = {0};
		bool ok = question_columns(&q, &tuple, wrong[i].columns);
		assert_int_equal(ok, wrong[i].match != NULL);
		assert_false(ok && question_match(&q, &tuple, wrong[i].match));
		if (!strstr(q.err, wrong[i].says))
			fail_msg("'%s' does not say '%s'", q.err, wrong[i].says);
		question_free(&q);
	}
}

static void
test_file(void **st)
{
	char name[] = "/tmp/flowrib-test-XXXXXX", arg[64];
	int fd = mkstemp(name);
	struct question q = {0};
	static const char text[] = "! hosts\n10.0.0.1\n\n  10.0.0.1 ! again\n";
	(void)st;
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	snprintf(arg, sizeof(arg), "file:%s", name);
	assert_true(question_columns(&q, &tuple, "src_host"));
	assert_true(question_match(&q, &tuple, arg));
	assert_int_equal(q.queries, 2);
	assert_memory_equal(q.values.data, ten_one, 18);
	assert_memory_equal(q.values.data + 18, ten_one, 18);
	question_free(&q);
	/* a fault names its line */
	assert_int_equal(write(fd, "oops\n", 5), 5);
	q = (struct question){0};
	question_columns(&q, &tuple, "src_host");
	assert_false(question_match(&q, &tuple, arg));
	assert_non_null(strstr(q.err, ":5: "));
	question_free(&q);
	close(fd);
	unlink(name);
}

/* Conditions are all combinations of their values. */
static void
test_where(void **st)
{
	char *conditions[] = {(char[]){"dst_port=53,853"}, (char[]){"proto=tcp,udp,17"}};
	char *broken[] = {(char[]){"dst_port"}};
	struct question q = {0};
	(void)st;
	assert_true(question_where(&q, &tuple, conditions, 2));
	assert_int_equal(q.queries, 6);
	assert_int_equal(q.columns, 2);
	assert_int_equal(q.values.len, 6 * (2 + 2 + 2 + 1));
	question_free(&q);
	q = (struct question){0};
	assert_false(question_where(&q, &tuple, broken, 1));
	question_free(&q);
	q = (struct question){0};
	assert_true(question_where(&q, &tuple, NULL, 0)); /* no condition: one query that wants all */
	assert_int_equal(q.queries, 1);
	assert_int_equal(q.values.len, 0);
	question_free(&q);
}

static void
test_counter(void **st)
{
	struct question q = {0};
	(void)st;
	assert_int_equal(question_counter(&q, &tuple, "bytes"), 1);
	assert_int_equal(question_counter(&q, &tuple, "flows"), UINT16_MAX); /* not in this table */
	assert_int_equal(question_counter(&q, &tuple, "proto"), UINT16_MAX);
}

/* A value longer than there is room for is refused: cut short it would match something else. */
static void
test_too_long(void **st)
{
	struct layout l = fixture_variable();
	struct question q = {0};
	char condition[6 + 300 + 1] = "label=";
	(void)st;
	memset(condition + 6, 'x', 300);
	char *conditions[] = {condition};
	assert_false(question_where(&q, &l, conditions, 1));
	assert_non_null(strstr(q.err, "too long"));
	question_free(&q);
}

/* 4,096 queries pass, one more does not. */
static void
test_limit(void **st)
{
	struct question q = {0};
	struct text t = {0};
	(void)st;
	question_columns(&q, &tuple, "dst_port");
	for (unsigned i = 0; i < 4096; i++)
		text_printf(&t, "%u;", i);
	assert_true(question_match(&q, &tuple, text_cstr(&t)));
	assert_false(question_match(&q, &tuple, "1"));
	question_free(&q);
	text_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_match), cmocka_unit_test(test_wrong),	  cmocka_unit_test(test_file),
	    cmocka_unit_test(test_where), cmocka_unit_test(test_counter), cmocka_unit_test(test_too_long),
	    cmocka_unit_test(test_limit),
	};
	tuple = fixture_tuple();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
