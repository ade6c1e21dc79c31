#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include "collector/conf/allow.h"

static char path[] = "allow_test.list";

static struct allow *
load(const char *text, char *err, size_t errlen)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	struct allow *a = allow_load(path, err, errlen);
	unlink(path);
	return a;
}

static bool
check(const struct allow *a, const char *text)
{
	struct addr addr;
	assert_true(addr_parse(&addr, text));
	return allow_check(a, &addr);
}

static void
lists(void **state)
{
	(void)state;
	char err[200];
	assert_true(check(NULL, "192.0.2.1"));
	struct allow *a =
	    load("! routers\n# and more\n\n 192.0.2.1 \r\n10.0.0.0/8\n2001:db8::/32\n", err, sizeof(err));
	assert_non_null(a);
	assert_true(check(a, "192.0.2.1"));
	assert_false(check(a, "192.0.2.2"));
	assert_true(check(a, "10.255.255.255"));
	assert_true(check(a, "2001:db8::1"));
	assert_false(check(a, "2001:db9::1"));
	allow_free(a);
	a = load("", err, sizeof(err));
	assert_non_null(a);
	assert_false(check(a, "192.0.2.1"));
	allow_free(a);
	a = load("0.0.0.0/0\n", err, sizeof(err));
	assert_true(check(a, "192.0.2.1"));
	assert_false(check(a, "2001:db8::1"));
	allow_free(a);
}

static void
faults(void **state)
{
	(void)state;
	char err[200];
	assert_null(load("10.0.0.0/8\n\n10.0.0.0/33\n", err, sizeof(err)));
	assert_non_null(strstr(err, "allow_test.list:3: '10.0.0.0/33'"));
	assert_null(allow_load("no-such-file", err, sizeof(err)));
	assert_string_equal(err, "no-such-file: No such file or directory");
	assert_null(allow_load(".", err, sizeof(err)));
	assert_string_equal(err, ".: not a regular file");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lists), cmocka_unit_test(faults)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
