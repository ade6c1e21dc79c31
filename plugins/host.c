/* The host of a plugin: one loop that drains the queues and does everything else between batches.
 *
 * A round is: some batches from each queue, one slice of long work, the timer, then the descriptors that are
 * ready. While records flow a round never sleeps for longer than a nap of a millisecond, which it does not
 * announce: so the source threads need not wake it with a system call for each batch. Only after a nap
 * without a record is the sleep announced.
 *
 * The end. The orderly one is that all writers close their queues. SIGINT and SIGTERM often go to all
 * processes of the group at once, and the core then still hands over what it holds: so after such a signal
 * the host goes on draining until the queues are closed, but for no longer than GROUP_GRACE_US. When the
 * parent says so, which knows that nothing more is to come, or is gone, it takes no longer than
 * PARENT_GRACE_US. A second signal from the same side ends it at once. In every case the plugin's stop hook
 * writes out what is held. */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/base/log.h"
#include "plugins/intake.h"
#include "plugins/plugin.h"

#define BATCHES_A_ROUND 8 /* of each ring: some 0.3 ms of a backlog, which clients have to wait */
#define EVENTS_A_ROUND	32
#define NAP_MS		1
#define PARENT_CHECK_US US_PER_S
#define PARENT_GRACE_US (2 * US_PER_S)
#define GROUP_GRACE_US	(10 * US_PER_S)

const struct counter_desc plugin_counter_desc[PLUGIN_COUNTERS] = {
    [PLUGIN_RECORDS] = {"plugin_records", NULL, "Records a plugin took from its queue", COUNTER_SUM},
    [PLUGIN_ENTRIES] = {"plugin_entries", NULL, "Aggregates a plugin holds", COUNTER_GAUGE},
    [PLUGIN_BYTES] = {"plugin_cache_bytes", NULL, "Memory of a plugin's cache", COUNTER_GAUGE},
    [PLUGIN_OVERFLOW] = {"plugin_dropped_records", "reason=\"cache_full\"", "Records a plugin could not keep",
			 COUNTER_SUM},
    [PLUGIN_PURGES] = {"plugin_purges", NULL, "Purges finished", COUNTER_SUM},
    [PLUGIN_ROWS_WRITTEN] = {"plugin_rows_written", NULL, "Rows written out", COUNTER_SUM},
    [PLUGIN_WRITE_ERRORS] = {"plugin_write_errors", NULL, "Attempts to write that failed", COUNTER_SUM},
    [PLUGIN_INVALID] = {"plugin_dropped_records", "reason=\"invalid\"", NULL, COUNTER_SUM},
};

struct watch {
	plugin_fd_ready *fn; /* NULL: nobody watches this descriptor */
	void *ctx;
	uint32_t serial; /* of the watch: an event of an earlier one is not for this */
};

struct plugin_host {
	const struct plugin_ops *ops;
	const struct plugin_setup *setup;
	void *state;
	struct intake intake;
	int epoll_fd;
	int signal_fd;
	struct watch *watch; /* by descriptor */
	int watches;
	uint32_t serial;  /* of the last watch begun */
	uint64_t wake_at; /* wall clock; 0: no timer */
	plugin_slice *slice;
	void *slice_ctx;
	pid_t parent;
	uint64_t next_parent_check; /* monotonic */
	uint64_t end_by;	    /* monotonic; 0: nobody asked for the end */
	bool parent_asked, others_asked;
	bool end_now;
};

/* --- services --- */

/* The table is indexed by descriptor, which the kernel keeps small: a look-up costs nothing, and a plugin
 * with hundreds of clients needs a few kilobytes. */
static bool
watch_room(struct plugin_host *h, int fd)
{
	if (fd < h->watches)
		return true;
	int n = fd + 16;
	struct watch *w = realloc(h->watch, (size_t)n * sizeof(*w));
	if (!w)
		return false;
	memset(w + h->watches, 0, (size_t)(n - h->watches) * sizeof(*w));
	h->watch = w;
	h->watches = n;
	return true;
}

/* A change of events keeps the serial: events already fetched in this round are still for this watch. A new
 * watch gets its own, since the number may have belonged to another file a moment ago. */
bool
plugin_host_watch(struct plugin_host *h, int fd, uint32_t events, plugin_fd_ready *fn, void *ctx)
{
	if (fd < 0 || !watch_room(h, fd))
		return false;
	if (!events) {
		h->watch[fd] = (struct watch){.fn = NULL};
		return epoll_ctl(h->epoll_fd, EPOLL_CTL_DEL, fd, NULL) == 0;
	}
	bool known = h->watch[fd].fn != NULL;
	uint32_t serial = known ? h->watch[fd].serial : ++h->serial;
	struct epoll_event ev = {.events = events, .data.u64 = (uint64_t)serial << 32 | (uint32_t)fd};
	if (epoll_ctl(h->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev) < 0)
		return false;
	h->watch[fd] = (struct watch){fn, ctx, serial};
	return true;
}

/* One time is enough: a plugin that needs several keeps the earliest here. A heap of timers was not worth it.
 */
void
plugin_host_wake_at(struct plugin_host *h, uint64_t when_us)
{
	h->wake_at = when_us;
}

/* One slice function at a time; a second caller takes the place of the first, so a plugin with several kinds
 * of long work gives turns to them itself. */
void
plugin_host_slices(struct plugin_host *h, plugin_slice *fn, void *ctx)
{
	h->slice = fn;
	h->slice_ctx = ctx;
}

/* --- signals and the end --- */

/* The first reason starts the time of grace in which the core may still hand over records; a second one, such
 * as an operator's second Ctrl-C, ends the wait. A service manager's signal to the group and the parent's own
 * are not two: one follows from the other. */
static void
ask_end(struct plugin_host *h, bool parent, const char *why)
{
	bool *asked = parent ? &h->parent_asked : &h->others_asked;
	uint64_t by = clock_monotonic_us() + (parent ? PARENT_GRACE_US : GROUP_GRACE_US);

	h->end_now = h->end_now || *asked;
	*asked = true;
	log_debug("ending: %s", why);
	if (!h->end_by || by < h->end_by)
		h->end_by = by;
}

/* Called by the loop, never in signal context: hooks may allocate, log and write files. One read takes one
 * signal, hence the loop until the descriptor is empty. */
static void
take_signals(void *ctx, int fd, uint32_t events)
{
	struct plugin_host *h = ctx;
	struct signalfd_siginfo si;

	(void)events;
	while (read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		switch (si.ssi_signo) {
		case SIGINT:
		case SIGTERM:
			ask_end(h, si.ssi_pid == (uint32_t)h->parent, "asked by a signal");
			break;
		case SIGHUP:
			log_reopen();
			break;
		case SIGUSR2:
			if (h->ops->reload)
				h->ops->reload(h->state);
			break;
		}
	}
}

/* All signals the host answers come through a descriptor, so that nothing is interrupted by one. Threads that
 * the plugin makes inherit the mask. */
static bool
signals_open(struct plugin_host *h)
{
	static const int taken[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR2};
	sigset_t set;

	signal(SIGUSR1, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		sigaddset(&set, taken[i]);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return false;
	h->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return h->signal_fd >= 0 && plugin_host_watch(h, h->signal_fd, EPOLLIN, take_signals, h);
}

/* Without its parent nobody restarts this process, reads its counters or closes its queues. PR_SET_PDEATHSIG
 * was rejected: it follows the parent's thread, not its process. */
static void
check_parent(struct plugin_host *h, uint64_t now)
{
	if (now < h->next_parent_check)
		return;
	h->next_parent_check = now + PARENT_CHECK_US;
	if (getppid() != h->parent && !h->parent_asked) {
		log_warn("the process that started this plugin is gone: writing out what is held and ending");
		ask_end(h, true, "parent gone");
	}
}

/* An end with queues still open waits for end_by, an orderly one for the first round without a record: what a
 * writer pushed before it closed is always taken. */
static bool
must_end(struct plugin_host *h, uint64_t now, bool idle)
{
	if (h->end_now || (h->end_by && now >= h->end_by))
		return true;
	return idle && h->intake.ops->finished(&h->intake);
}

/* --- the loop --- */

/* Counted after the plugin has them: who sees the counter reach a value, such as a test, may rely on the
 * records being in. */
static void
take_records(void *ctx, const uint8_t *records, uint32_t n)
{
	struct plugin_host *h = ctx;

	if (h->ops->records)
		h->ops->records(h->state, records, n);
	counter_add(h->setup->counters, PLUGIN_RECORDS, n);
}

/* The bound keeps a round short: with a full queue timers, clients and signals still have their turn some
 * thousand times a second. */
static uint32_t
drain(struct plugin_host *h)
{
	return h->intake.ops->drain(&h->intake, BATCHES_A_ROUND, take_records, h);
}

/* Between two drains, so that long work and records share the thread; see plugin.h for what a slice may do.
 */
static void
run_slice(struct plugin_host *h)
{
	plugin_slice *fn = h->slice;
	void *ctx = h->slice_ctx;

	/* the slice itself may put another one in its place */
	if (fn && !fn(ctx) && h->slice == fn && h->slice_ctx == ctx)
		h->slice = NULL;
}

/* Wall-clock time, because purges happen at full minutes; the time is cleared first, since the hook usually
 * sets the next one. */
static void
run_timer(struct plugin_host *h)
{
	if (!h->wake_at)
		return;
	uint64_t now = clock_now_us();
	if (now < h->wake_at)
		return;
	h->wake_at = 0;
	if (h->ops->tick)
		h->ops->tick(h->state, now);
}

/* Milliseconds until the timer, the next look at the parent, or the end, whichever is first. */
static int
longest_sleep_ms(const struct plugin_host *h, uint64_t now)
{
	uint64_t us = h->next_parent_check > now ? h->next_parent_check - now : 0;

	if (h->wake_at) {
		uint64_t wall = clock_now_us();
		uint64_t timer = h->wake_at > wall ? h->wake_at - wall : 0;
		us = timer < us ? timer : us;
	}
	if (h->end_by) {
		uint64_t end = h->end_by > now ? h->end_by - now : 0;
		us = end < us ? end : us;
	}
	return (int)((us + 999) / 1000);
}

/* EINTR needs no care: no handler is installed, all signals come through a descriptor. An error counts as
 * nothing ready. */
static void
wait_and_dispatch(struct plugin_host *h, int timeout_ms)
{
	struct epoll_event ev[EVENTS_A_ROUND];
	int n = epoll_wait(h->epoll_fd, ev, EVENTS_A_ROUND, timeout_ms);

	for (int i = 0; i < n; i++) {
		int fd = (int)(uint32_t)ev[i].data.u64;
		/* one callback may have closed another's descriptor, and its number may be in use again */
		if (h->watch[fd].fn && h->watch[fd].serial == ev[i].data.u64 >> 32)
			h->watch[fd].fn(h->watch[fd].ctx, fd, ev[i].events);
	}
}

/* After the announcement the queues are looked at once more (inside sleep_begin): a record pushed in between
 * would else lie there until the timer. The same holds for a writer's closing. */
static void
announce_and_sleep(struct plugin_host *h, uint64_t now)
{
	if (!h->intake.ops->sleep_begin(&h->intake))
		return;
	if (h->intake.ops->finished(&h->intake))
		wait_and_dispatch(h, 0);
	else
		wait_and_dispatch(h, longest_sleep_ms(h, now));
	h->intake.ops->sleep_end(&h->intake);
}

/* The order within a round matters only in one point: the end is decided right after a drain, when messages
 * tells whether the queues were empty. */
static void
run_loop(struct plugin_host *h)
{
	bool flowing = false;

	for (;;) {
		uint32_t messages = drain(h);
		run_slice(h);
		run_timer(h);
		uint64_t now = clock_monotonic_us();
		check_parent(h, now);
		if (must_end(h, now, messages == 0))
			return;
		if (messages >= BATCHES_A_ROUND || h->slice) {
			wait_and_dispatch(h, 0);
			flowing = messages > 0;
		} else if (h->intake.may_nap && (messages || flowing)) {
			wait_and_dispatch(h, NAP_MS);
			flowing = messages > 0;
		} else {
			announce_and_sleep(h, now);
		}
	}
}

/* --- start and stop --- */

/* The descriptor that wakes the host carries no work: what it announces is taken by the next drain. */
static void
woken(void *ctx, int fd, uint32_t events)
{
	(void)ctx;
	(void)fd;
	(void)events;
}

/* The intake comes last of what can fail, since its ZeroMQ form already makes the socket that sources connect
 * to. */
static bool
host_open(struct plugin_host *h)
{
	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (h->epoll_fd < 0 || !signals_open(h)) {
		log_error("cannot watch for events: %s", strerror(errno));
		return false;
	}
	if (!intake_open(&h->intake, h->setup))
		return false;
	if (!plugin_host_watch(h, h->intake.fd, EPOLLIN, woken, h)) {
		log_error("cannot watch the queue: %s", strerror(errno));
		return false;
	}
	return true;
}

/* Also called after a failed host_open(), so each part is closed only when it was opened. */
static void
host_close(struct plugin_host *h)
{
	if (h->intake.ops)
		h->intake.ops->free(&h->intake);
	if (h->signal_fd >= 0)
		close(h->signal_fd);
	if (h->epoll_fd >= 0)
		close(h->epoll_fd);
	free(h->watch);
}

/* What the queues still hold. Bounded in time, since a core that goes on may refill them for ever. */
static void
drain_rest(struct plugin_host *h)
{
	uint64_t until = clock_monotonic_us() + PARENT_GRACE_US;

	while (!h->end_now && clock_monotonic_us() < until && drain(h))
		;
}

/* In the log and in ps, processes of several instances are told apart by these names. */
static void
set_names(const struct plugin_setup *setup)
{
	char name[128];

	snprintf(name, sizeof(name), "%s/%s", setup->name, setup->type);
	log_set_name(name);
	prctl(PR_SET_NAME, setup->name);
}

/* Memory of the plugin is its own to free in stop; the rest ends here, for tests and leak checkers, although
 * the process exits next. */
int
plugin_run(const struct plugin_ops *ops, const struct plugin_setup *setup)
{
	struct plugin_host h = {
	    .ops = ops, .setup = setup, .epoll_fd = -1, .signal_fd = -1, .parent = getppid()};
	int status = 1;

	set_names(setup);
	if (host_open(&h) && (h.state = ops->start(&h, setup))) {
		run_loop(&h);
		drain_rest(&h);
		if (ops->stop)
			ops->stop(h.state);
		status = 0;
	}
	host_close(&h);
	return status;
}
