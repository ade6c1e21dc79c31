/* Two processes, one file. Above: the spawner, single-threaded, which forks plugins and waits for them.
 * Below: the core's two calls. Between them a socket pair with whole packets: bytes that are commands in
 * one direction, structures that are events in the other. The spawner holds nothing that could be lost:
 * when it dies the plugins notice and end in order, when the core dies it sees the end of file and does the
 * same for them. */
#include "collector/core/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/base/log.h"
#include "collector/core/runtime.h"

#define RESTART_MAX_S 60

struct child {
	pid_t pid; /* 0: none */
	uint64_t started_us;
	uint64_t start_at_us; /* when to start it again, 0: not planned */
	unsigned delay_s;     /* of the last restart */
	uint64_t end_by_us;   /* when it gets the next, harder signal; 0: not asked to end */
	bool terminated;      /* it had SIGTERM */
	bool finished;
};

struct spawner {
	/* the core's end of the pair is known here only as a packet that comes or an end of file */
	int fd;
	int signals;
	bool stopping;
	struct instances *all;
	struct child *child;
	supervisor_settle *settle;
	const void *settle_ctx;
};

/* What a process that died held. Read and cleared here, before a successor counts anew. The memory is
 * shared, so what the dead process counted is still there. */
static uint64_t
take_entries(const struct instance *in)
{
	uint64_t held = counter_read(in->setup.counters, PLUGIN_ENTRIES);
	counter_set(in->setup.counters, PLUGIN_ENTRIES, 0);
	counter_set(in->setup.counters, PLUGIN_BYTES, 0);
	return held;
}

/* Must come before the child's pid is forgotten. A core that is gone is noticed where its commands are
 * read. */
static void
tell(struct spawner *s, enum supervisor_event_kind kind, unsigned i, int status)
{
	struct supervisor_event e = {
	    .kind = kind,
	    .instance = i,
	    .pid = s->child[i].pid,
	    .wait_status = status,
	    .restart_in_s = s->child[i].delay_s,
	    .lost = kind == SUPERVISOR_DIED ? take_entries(&s->all->list[i]) : 0,
	};
	/* blocks when the core does not read; there is nothing the spawner could do without it */
	if (send(s->fd, &e, sizeof(e), MSG_NOSIGNAL) < 0)
		log_debug("supervisor: the core is gone");
}

/* What the host will read from a descriptor stays blocked until it does: a request to end that comes before
 * that must not kill the plugin. All else is as in a new process. */
static void
block_host_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
	sigset_t mask;
	sigemptyset(&mask);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&mask, signals[i]);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

/* Becomes the instance: never returns. Runs with what the spawner was left with: no capability it has
 * dropped, no descriptor of the core but the log. */
static void
child_main(struct spawner *s, unsigned i)
{
	struct instance *in = &s->all->list[i];
	char name[96], err[256];

	/* a plugin must not keep the pair open: the core would not see the spawner's death */
	close(s->fd);
	close(s->signals);
	setpgid(0, 0); /* Ctrl-C is for the core, which ends its plugins in good order */
	block_host_signals();
	snprintf(name, sizeof(name), "%s/%s", in->setup.name, in->setup.type);
	log_set_name(name);
	log_vary(&(struct log_config){
	    .syslog = conf_string(in->setup.conf, in->setup.index, CONF_syslog),
	    .ident = conf_string(in->setup.conf, in->setup.index, CONF_syslog_ident),
	    .debug = conf_bool(in->setup.conf, in->setup.index, CONF_debug),
	});
	runtime_priority(in->setup.conf, in->setup.index);
	if (!runtime_pidfile_write(in->setup.conf, in->setup.index, err, sizeof(err)))
		log_warn("%s", err);
	/* exit and not _exit: a plugin may hold buffered output */
	exit(plugin_run(in->ops, &in->setup));
}

/* When fork itself fails the machine is short of something: trying again soon would make that worse. */
static void
start_child(struct spawner *s, unsigned i)
{
	struct child *c = &s->child[i];
	c->start_at_us = 0;
	c->started_us = clock_monotonic_us();
	/* cheap: the spawner was forked before there was anything large to copy page tables of */
	pid_t pid = fork();
	if (pid == 0)
		child_main(s, i);
	if (pid < 0) {
		log_error("cannot start plugin %s/%s: %s; trying again in %u s", s->all->list[i].setup.name,
			  s->all->list[i].setup.type, strerror(errno), RESTART_MAX_S);
		c->start_at_us = c->started_us + RESTART_MAX_S * US_PER_S;
		return;
	}
	c->pid = pid;
	tell(s, SUPERVISOR_STARTED, i, 0);
	s->all->list[i].setup.restarts++;
}

/* Each plugin has its own: one that feeds a database may want to leave it time. */
static unsigned
restart_delay(const struct instance *in)
{
	return (unsigned)conf_uint(in->setup.conf, in->setup.index, CONF_plugin_restart_delay);
}

/* One that lived for a while is started again soon, one that keeps dying ever more slowly. A plugin whose
 * database is gone would otherwise be forked every second for hours. */
static void
plan_restart(struct child *c, unsigned first_s)
{
	uint64_t now = clock_monotonic_us();
	/* ten seconds tell a plugin that works and met something odd from one that cannot start */
	bool lived = now - c->started_us > 10 * US_PER_S;
	c->delay_s = lived || !c->delay_s ? first_s : 2 * c->delay_s;
	if (c->delay_s > RESTART_MAX_S)
		c->delay_s = first_s > RESTART_MAX_S ? first_s : RESTART_MAX_S;
	c->start_at_us = now + c->delay_s * US_PER_S;
}

/* One SIGCHLD may stand for several children. An exit status of 0 means an orderly end, which is never
 * followed by a restart; so a plugin that cannot go on must not exit with 0. */
static void
reap(struct spawner *s)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (unsigned i = 0; i < s->all->n; i++) {
			struct child *c = &s->child[i];
			if (c->pid != pid)
				continue;
			/* while stopping every end is final, whatever its status */
			bool ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
			if (ended || s->stopping)
				c->finished = true;
			else
				plan_restart(c, restart_delay(&s->all->list[i]));
			runtime_pidfile_remove(s->all->list[i].setup.conf, (int)i);
			tell(s, ended ? SUPERVISOR_ENDED : SUPERVISOR_DIED, i, status);
			c->pid = 0;
		}
	}
}

/* Of two waits as poll() takes them, where -1 is for ever. */
static int
sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* pid 0 would be our own process group. */
static void
signal_children(struct spawner *s, int sig)
{
	for (unsigned i = 0; i < s->all->n; i++)
		if (s->child[i].pid > 0)
			kill(s->child[i].pid, sig);
}

/* How long a plugin may take to write out what it holds. Each has its own: a database may need more. */
static uint64_t
end_timeout_us(const struct instance *in)
{
	return conf_uint(in->setup.conf, in->setup.index, CONF_plugin_end_timeout) * US_PER_S;
}

/* From now on plugins have their time to end. One that had SIGTERM already gets it again when that is over: a
 * second one makes it leave the rest of its queue and write out what it has. */
static void
plan_ends(struct spawner *s)
{
	for (unsigned i = 0; i < s->all->n; i++) {
		s->child[i].end_by_us = clock_monotonic_us() + end_timeout_us(&s->all->list[i]);
		s->child[i].terminated = false;
	}
}

/* A stopped process does not even take SIGTERM, so there is always a second step that nothing can refuse. */
static void
press(const struct instance *in, struct child *c, uint64_t now)
{
	int sig = c->terminated ? SIGKILL : SIGTERM;

	log_warn("plugin %s/%s (pid %d) has not ended in time: %s", in->setup.name, in->setup.type,
		 (int)c->pid, sig == SIGKILL ? "killing it, what it holds is lost" : "sending SIGTERM");
	kill(c->pid, sig);
	c->end_by_us = sig == SIGKILL ? 0 : now + SUPERVISOR_KILL_AFTER_S * US_PER_S;
	c->terminated = true;
}

/* Presses those whose time is over; returns milliseconds to the next one, -1 for none. */
static int
end_due(struct spawner *s)
{
	uint64_t now = clock_monotonic_us();
	int wait = -1;
	for (unsigned i = 0; i < s->all->n; i++) {
		struct child *c = &s->child[i];
		if (c->pid > 0 && c->end_by_us && c->end_by_us <= now)
			press(&s->all->list[i], c, now);
		if (c->pid > 0 && c->end_by_us)
			wait = sooner(wait, (int)((c->end_by_us - now) / 1000) + 1);
	}
	return wait;
}

/* A spawner that could not give up its privileges starts nothing and ends, which the core takes as a failed
 * start. */
static void
start_all(struct spawner *s)
{
	s->stopping = s->settle && !s->settle(s->settle_ctx);
	for (unsigned i = 0; i < s->all->n && !s->stopping; i++)
		start_child(s, i);
}

/* One byte per command, each a packet of its own: SOCK_SEQPACKET keeps them apart. */
static void
obey(struct spawner *s)
{
	char c;
	ssize_t n = recv(s->fd, &c, 1, 0);
	if (n <= 0) { /* the core is gone: nothing more will come through the queues */
		s->stopping = true;
		signal_children(s, SIGTERM);
		plan_ends(s);
		/* poll leaves negative descriptors out, so the loop goes on until the last plugin has ended
		 */
		close(s->fd);
		s->fd = -1;
		return;
	}
	switch ((enum supervisor_command)c) {
	case SUPERVISOR_GO:
		start_all(s);
		break;
	case SUPERVISOR_STOP:
		s->stopping = true;
		break;
	case SUPERVISOR_CLOSED:
		/* a full queue of ZeroMQ may have swallowed the end, a ring tells it by a flag */
		for (unsigned i = 0; i < s->all->n; i++)
			if (s->child[i].pid > 0 && s->all->list[i].setup.zmq_endpoint)
				kill(s->child[i].pid, SIGTERM);
		plan_ends(s);
		break;
	case SUPERVISOR_KILL:
		s->stopping = true;
		for (unsigned i = 0; i < s->all->n; i++)
			s->child[i].end_by_us = clock_monotonic_us();
		break;
	case SUPERVISOR_LOG:
		log_reopen();
		signal_children(s, SIGHUP);
		break;
	case SUPERVISOR_RELOAD:
		signal_children(s, SIGUSR2);
		break;
	}
}

/* Starts what is due; returns milliseconds to the next one, -1 for none. The caller sleeps for that long,
 * so a restart is late by a millisecond at most. */
static int
start_due(struct spawner *s)
{
	uint64_t now = clock_monotonic_us();
	int wait = -1;
	for (unsigned i = 0; i < s->all->n; i++) {
		struct child *c = &s->child[i];
		if (!c->start_at_us || s->stopping)
			continue;
		if (c->start_at_us <= now)
			start_child(s, i);
		else
			wait = sooner(wait, (int)((c->start_at_us - now) / 1000) + 1);
	}
	return wait;
}

/* Only when asked to stop: with all plugins waiting for a restart there is still something to do. */
static bool
all_done(const struct spawner *s)
{
	if (!s->stopping)
		return false;
	for (unsigned i = 0; i < s->all->n; i++)
		if (s->child[i].pid > 0)
			return false;
	return true;
}

/* The spawner's life: until it is told to stop and the last plugin has ended. */
static void
spawner_main(struct spawner *s)
{
	prctl(PR_SET_NAME, "flowrib-spawner");
	while (!all_done(s)) {
		struct pollfd p[2] = {{.fd = s->signals, .events = POLLIN}, {.fd = s->fd, .events = POLLIN}};
		/* restarts and the last signals are planned by time, everything else wakes the loop */
		if (poll(p, 2, sooner(start_due(s), end_due(s))) < 0 && errno != EINTR)
			break;
		if (p[0].revents) {
			struct signalfd_siginfo info;
			if (read(s->signals, &info, sizeof(info)) == sizeof(info) &&
			    info.ssi_signo == SIGCHLD)
				reap(s);
		}
		if (p[1].revents)
			obey(s);
	}
}

/* Forked before there are threads: a child of a threaded process may do little more than exec. It has its
 * own process group, so Ctrl-C reaches the core alone. */
bool
supervisor_start(struct supervisor *sup, struct instances *all, supervisor_settle *settle, const void *ctx)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return false;
	pid_t pid = fork();
	if (pid < 0) {
		close(pair[0]);
		close(pair[1]);
		return false;
	}
	if (pid > 0) {
		close(pair[1]);
		*sup = (struct supervisor){.fd = pair[0], .pid = pid};
		return true;
	}
	close(pair[0]);
	sigset_t mask;
	/* all signals blocked: what a terminal or a service manager sends to everybody is the core's to
	 * answer */
	sigfillset(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	setpgid(0, 0);
	struct spawner s = {.fd = pair[1], .all = all, .settle = settle, .settle_ctx = ctx};
	s.child = calloc(all->n, sizeof(*s.child));
	s.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s.child && s.signals >= 0)
		spawner_main(&s);
	_exit(0);
}

/* A failure is not returned: when the spawner is gone supervisor_event says so. */
void
supervisor_command(struct supervisor *s, enum supervisor_command c)
{
	char byte = (char)c;
	if (send(s->fd, &byte, 1, MSG_NOSIGNAL) < 0)
		log_debug("supervisor: the spawner is gone");
}

/* Anything but a whole event or "nothing now" means that the other end is closed. */
bool
supervisor_event(struct supervisor *s, struct supervisor_event *e)
{
	ssize_t n = recv(s->fd, e, sizeof(*e), MSG_DONTWAIT);
	if (n == (ssize_t)sizeof(*e))
		return true;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	*e = (struct supervisor_event){.kind = SUPERVISOR_GONE};
	return true;
}
