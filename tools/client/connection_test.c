/* Which table is meant: nothing said, a plugin's name, a path. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/client/connection.h"

static char dir[] = "/tmp/flowrib-connection.XXXXXX";

static void
make_socket(const char *name, char *path, size_t n)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(path, n, "%s/%s.sock", dir, name);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
}

static void
test_named(void **st)
{
	char buf[640], hosts[64], ports[64], control[64];
	(void)st;
	make_socket("control", control, sizeof(control));
	assert_false(connection_default_path(buf, sizeof(buf), false));
	assert_non_null(strstr(buf, "no table's socket"));
	make_socket("hosts", hosts, sizeof(hosts));
	assert_true(connection_default_path(buf, sizeof(buf), false));
	assert_string_equal(buf, hosts);

	make_socket("ports", ports, sizeof(ports));
	assert_false(connection_default_path(buf, sizeof(buf), false));
	assert_true(strstr(buf, "such as -p hosts") || strstr(buf, "such as -p ports"));
	assert_null(strstr(buf, ".sock")); /* a name is shown, not a path */
	assert_string_equal(connection_named_path(buf, sizeof(buf), "hosts"), hosts);
	assert_string_equal(connection_named_path(buf, sizeof(buf), "ports"), ports);
	assert_string_equal(connection_named_path(buf, sizeof(buf), "nowhere"), "nowhere");
	assert_string_equal(connection_named_path(buf, sizeof(buf), "./hosts"), "./hosts");
	assert_int_equal(chdir(dir), 0); /* a file that is there is what was named */
	assert_string_equal(connection_named_path(buf, sizeof(buf), "hosts.sock"), "hosts.sock");
	unlink(hosts);
	unlink(ports);
	unlink(control);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_named)};
	if (!mkdtemp(dir) || setenv("RUNTIME_DIRECTORY", dir, 1) != 0)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return failed;
}
