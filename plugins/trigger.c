/* See trigger.h. */
#include "plugins/trigger.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/base/log.h"

extern char **environ;

void
trigger_init(struct trigger *t, struct plugin_host *host, const char *program, bool async,
	     struct counter_block *counters, unsigned failure_row)
{
	*t = (struct trigger){.host = host,
			      .program = program,
			      .async = async,
			      .counters = counters,
			      .failure_row = failure_row};
	if (program && access(program, X_OK) < 0)
		log_warn("trigger '%s' cannot be run now: %s", program, strerror(errno));
}

/* Starts the program with default signals, a standard input of nothing, and no descriptors of ours. */
static pid_t
spawn(struct trigger *t)
{
	const char *program = t->program;
	char *const argv[] = {(char *)(uintptr_t)program, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	pid_t pid = -1;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", 0, 0);
	int rc = posix_spawn(&pid, program, &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	if (rc != 0) {
		counter_add(t->counters, t->failure_row, 1);
		log_error("trigger '%s' cannot be run: %s; name an executable file, without arguments",
			  program, strerror(rc));
		return -1;
	}
	return pid;
}

static void
ended(void *ctx, int fd, uint32_t events)
{
	struct trigger *t = ctx;
	siginfo_t si = {0};

	(void)events;
	if (waitid(P_PIDFD, (id_t)fd, &si, WEXITED | WNOHANG) == 0 && si.si_pid == 0)
		return;
	if (si.si_status != 0) {
		counter_add(t->counters, t->failure_row, 1);
		log_warn("trigger '%s' ended with %s %d", t->program,
			 si.si_code == CLD_EXITED ? "status" : "signal", si.si_status);
	}
	plugin_host_watch(t->host, fd, 0, NULL, NULL);
	close(fd);
	t->running--;
	if (t->due)
		trigger_fire(t);
}

void
trigger_fire(struct trigger *t)
{
	if (!t->program)
		return;
	t->due = t->running >= (t->async ? TRIGGER_MAX : 1);
	if (t->due) {
		log_debug("trigger '%s' is still running: the next one waits for it", t->program);
		return;
	}
	pid_t pid = spawn(t);
	if (pid < 0)
		return;
	int fd = pidfd_open(pid, 0);
	if (fd < 0 || !plugin_host_watch(t->host, fd, EPOLLIN, ended, t)) {
		log_error("trigger '%s': cannot wait for its end: %s", t->program, strerror(errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	t->running++;
}

void
trigger_fire_last(struct trigger *t)
{
	if (t->program)
		spawn(t);
}
