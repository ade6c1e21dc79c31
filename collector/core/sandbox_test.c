/* The system call filter: what it is there to prevent is prevented, in a thread that was there before too. */
#include "collector/core/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static sem_t confined;

/* 0 when everything dangerous is refused and everything needed works, else a number that says what is not. */
static int
probe(void)
{
	char name[] = "false";
	char *const argv[] = {name, NULL};
	if (execve("/bin/false", argv, NULL) != -1 || errno != EPERM)
		return 1;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != -1 || errno != EPERM)
		return 2;
	if (mount("none", "/", NULL, MS_REMOUNT, NULL) != -1 || errno != EPERM)
		return 3;
	if (unshare(CLONE_NEWUSER) != -1 || errno != EPERM)
		return 4;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || close(fd) != 0)
		return 5;
	return 0;
}

static void *
earlier_thread(void *arg)
{
	sem_wait(&confined);
	*(int *)arg = probe();
	return NULL;
}

/* In a child, since there is no way back. */
static int
confine(const char *text)
{
	struct text messages = {0};
	char err[256];
	int in_thread = -1;
	pthread_t thread;
	struct conf *conf = conf_load_text("f", text, strlen(text), NULL, &messages);
	sem_init(&confined, 0, 0);
	if (!conf || pthread_create(&thread, NULL, earlier_thread, &in_thread) != 0 ||
	    !sandbox_enter(conf, err, sizeof(err)))
		return 100;
	sem_post(&confined);
	pthread_join(thread, NULL);
	int here = probe();
	return here ? here : in_thread ? 50 + in_thread : 0;
}

static int
in_child(const char *text)
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(confine(text));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_confined(void **state)
{
	(void)state;
	assert_int_equal(in_child("nfacctd_port: 2100\nplugins: memory\n"), 0);
}

static void
test_switched_off(void **state)
{
	(void)state;
	/* execve works: the child becomes false(1), before anything else is probed */
	assert_int_equal(in_child("nfacctd_port: 2100\nplugins: memory\nsandbox: false\n"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_confined),
	    cmocka_unit_test(test_switched_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
