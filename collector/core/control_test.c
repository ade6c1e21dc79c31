/* The control socket: one line in, an answer out, whoever else hangs on it. */
#include "collector/core/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LONG_ANSWER 3000000

static char directory[] = "/tmp/control_test.XXXXXX";
static char path[64];

static void
answer_hello(void *ctx, const char *words, struct text *answer)
{
	assert_string_equal(words, "");
	text_printf(answer, "hello %d\n", ++*(int *)ctx);
}

static void
answer_long(void *ctx, const char *words, struct text *answer)
{
	(void)ctx;
	(void)words;
	for (int i = 0; i < LONG_ANSWER; i++)
		text_char(answer, 'x');
}

static void
answer_echo(void *ctx, const char *words, struct text *answer)
{
	(void)ctx;
	text_str(answer, words);
}

static const struct control_command commands[] = {
    {"hello", answer_hello}, {"long", answer_long}, {"echo ", answer_echo}, {NULL, NULL}};

static int
dial(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

static void
say(int fd, const char *bytes, size_t n)
{
	assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
}

/* Serves until the daemon hangs up on fd; the number of bytes it said, the first of them in buf. */
static size_t
hear(struct control *c, int fd, char *buf, size_t n)
{
	char more[65536];
	size_t all = 0;
	for (int idle = 0; idle < 100;) {
		control_run(c);
		ssize_t got = recv(fd, more, sizeof(more), MSG_DONTWAIT);
		if (got == 0)
			break;
		idle = got > 0 ? 0 : idle + 1;
		for (ssize_t i = 0; i < got; i++, all++)
			if (all < n - 1)
				buf[all] = more[i];
	}
	buf[all < n - 1 ? all : n - 1] = '\0';
	return all;
}

static struct control *
open_it(int *counter)
{
	char err[256];
	struct control *c = control_open(path, commands, counter, err, sizeof(err));
	assert_non_null(c);
	return c;
}

static void
test_answers(void **state)
{
	(void)state;
	int n = 0;
	char buf[256];
	struct control *c = open_it(&n);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	int fd = dial();
	say(fd, "hel", 3); /* a line may come in pieces */
	control_run(c);
	say(fd, "lo\n", 3);
	hear(c, fd, buf, sizeof(buf));
	assert_string_equal(buf, "hello 1\n");
	close(fd);
	fd = dial();
	say(fd, "goodbye\n", 8);
	hear(c, fd, buf, sizeof(buf));
	assert_string_equal(buf, "unknown command 'goodbye'; known are: 'hello' 'long' 'echo '\n");
	close(fd);
	assert_int_equal(n, 1);
	control_close(c);
	assert_int_equal(access(path, F_OK), -1);
}

/* What stands behind a command's blank is its own; a command without one takes nothing. */
static void
test_words(void **state)
{
	static const char *const cases[][2] = {
	    {"echo one  two\n", "one  two"},
	    {"echo \n", ""},
	    {"hello you\n", "unknown command 'hello you'; known are: 'hello' 'long' 'echo '\n"},
	    {"echo\n", "unknown command 'echo'; known are: 'hello' 'long' 'echo '\n"},
	};
	(void)state;
	int n = 0;
	char buf[128];
	struct control *c = open_it(&n);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd = dial();
		buf[0] = '\0';
		say(fd, cases[i][0], strlen(cases[i][0]));
		hear(c, fd, buf, sizeof(buf));
		assert_string_equal(buf, cases[i][1]);
		close(fd);
	}
	control_close(c);
}

static void
test_long_answer_to_a_slow_reader(void **state)
{
	(void)state;
	int n = 0, slow, quick;
	char buf[16];
	struct control *c = open_it(&n);
	slow = dial();
	say(slow, "long\n", 5);
	for (int i = 0; i < 10; i++)
		control_run(c);
	quick = dial();
	say(quick, "hello\n", 6);
	hear(c, quick, buf, sizeof(buf));
	assert_string_equal(buf, "hello 1\n");
	assert_int_equal(hear(c, slow, buf, sizeof(buf)), LONG_ANSWER);
	close(slow);
	close(quick);
	control_close(c);
}

static void
test_lines_that_are_none(void **state)
{
	(void)state;
	int n = 0;
	char junk[1000], buf[64];
	struct control *c = open_it(&n);
	memset(junk, 'a', sizeof(junk));
	int fd = dial();
	say(fd, junk, sizeof(junk)); /* too long: hung up on */
	assert_int_equal(hear(c, fd, buf, sizeof(buf)), 0);
	close(fd);
	fd = dial();
	say(fd, "hello\0x\n", 8); /* ends at the zero byte, which is what is compared */
	hear(c, fd, buf, sizeof(buf));
	close(fd);
	fd = dial();
	say(fd, "hell", 4);
	close(fd);
	control_run(c);
	assert_true(n <= 1);
	control_close(c);
}

static void
test_idle_clients_make_room(void **state)
{
	(void)state;
	int n = 0, idle[200];
	char buf[64];
	struct control *c = open_it(&n);
	for (unsigned i = 0; i < ARRAY_SIZE(idle); i++) {
		idle[i] = dial();
		control_run(c);
	}
	int fd = dial();
	control_run(c);
	for (unsigned i = 0; i < 10; i++) { /* more come before it says something */
		int other = dial();
		control_run(c);
		close(other);
	}
	say(fd, "hello\n", 6);
	hear(c, fd, buf, sizeof(buf));
	assert_string_equal(buf, "hello 1\n");
	close(fd);
	for (unsigned i = 0; i < ARRAY_SIZE(idle); i++)
		close(idle[i]);
	control_close(c);
}

static void
test_whose_socket(void **state)
{
	(void)state;
	int n = 0;
	char err[256];
	struct control *c = open_it(&n);
	assert_null(control_open(path, commands, &n, err, sizeof(err)));
	assert_non_null(strstr(err, "another flowribd"));
	control_close(c);
	/* left behind by one that was killed */
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(stale, (struct sockaddr *)&un, sizeof(un)), 0);
	close(stale);
	control_close(open_it(&n));
	/* something else is not removed */
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_null(control_open(path, commands, &n, err, sizeof(err)));
	assert_int_equal(unlink(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_long_answer_to_a_slow_reader),
	    cmocka_unit_test(test_lines_that_are_none),
	    cmocka_unit_test(test_idle_clients_make_room),
	    cmocka_unit_test(test_whose_socket),
	};
	if (!mkdtemp(directory))
		return 1;
	snprintf(path, sizeof(path), "%s/control.sock", directory);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(directory);
	return failed;
}
