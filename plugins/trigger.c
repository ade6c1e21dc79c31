/* See trigger.h.
 *
 * posix_spawn() and not fork(): the process may hold gigabytes of cache, whose page tables a fork would copy
 * while the queue fills. Descriptors of ours are all close-on-exec; standard output and error are shared, so
 * that what a script says is seen where the daemon logs.
 *
 * Rejected: a shell (quoting, and an injection through file names), and waiting for the program in the
 * writer's thread (a script that hangs would stop all purges). */
#include "plugins/trigger.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/base/log.h"

/* The program sees our environment, as it would under pmacct; print sets nothing of its own in it. */
extern char **environ;

/* Only a warning: the program may be installed later, or stand on a file system that is not mounted yet. */
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
	/* the host blocks the signals it reads by descriptor; a script must be able to be stopped */
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

/* Called when the pidfd is readable, which is when the program ended. Reaped by the descriptor and not by
 * number, so it can never be another's child. */
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
	/* the number goes down first: trigger_fire() below counts again */
	t->running--;
	if (t->due)
		trigger_fire(t);
}

/* On the host's thread, so it must not wait: a program that runs too long delays the next run, not the
 * purges. Several that become due meanwhile are one. */
void
trigger_fire(struct trigger *t)
{
	if (!t->program)
		return;
	/* remembered once: what ran meanwhile finds all files that came since */
	t->due = t->running >= (t->async ? TRIGGER_MAX : 1);
	if (t->due) {
		log_debug("trigger '%s' is still running: the next one waits for it", t->program);
		return;
	}
	pid_t pid = spawn(t);
	if (pid < 0)
		return;
	/* a pidfd is readable when the program has ended: no signal handler, no polling */
	int fd = pidfd_open(pid, 0);
	if (fd < 0 || !plugin_host_watch(t->host, fd, EPOLLIN, ended, t)) {
		log_error("trigger '%s': cannot wait for its end: %s", t->program, strerror(errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	t->running++;
}

/* There is no loop any more to watch it: it is left to init, which reaps it after this process. */
void
trigger_fire_last(struct trigger *t)
{
	if (t->program)
		spawn(t);
}
