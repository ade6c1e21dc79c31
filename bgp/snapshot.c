/* When snapshots are written: every so often, and when the daemon ends. The thread is a reader like any
 * other, so that sessions and flows go on meanwhile; who loads the file is the BGP thread, before sessions
 * come. */
#include "bgp/output.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/base/log.h"

enum { SNAP_WRITTEN, SNAP_FAILED, SNAP_BYTES, SNAP_MS };
static const struct counter_desc counter_rows[] = {
    [SNAP_WRITTEN] = {"bgp_snapshots", NULL, "Snapshots of the RIB written", COUNTER_SUM},
    [SNAP_FAILED] = {"bgp_snapshots_failed", NULL, "Snapshots of the RIB that could not be written",
		     COUNTER_SUM},
    [SNAP_BYTES] = {"bgp_snapshot_bytes", NULL, "Size of the last snapshot", COUNTER_GAUGE},
    [SNAP_MS] = {"bgp_snapshot_milliseconds", NULL, "Time that the last snapshot took", COUNTER_GAUGE},
};

struct snapshots {
	struct bgp_output_env *env;
	const char *path;
	uint64_t interval; /* seconds */
	struct counter_block *counters;
	int stop; /* eventfd */
	pthread_t thread;
	bool running;
};

static void
take_one(struct snapshots *s)
{
	char err[512];
	struct stat st;
	uint64_t began = clock_monotonic_us();
	bool ok = bgp_snapshot_write(&s->env->sources, s->path, err, sizeof(err));
	uint64_t ms = (clock_monotonic_us() - began) / 1000;
	counter_add(s->counters, ok ? SNAP_WRITTEN : SNAP_FAILED, 1);
	if (!ok) {
		/* once an interval at most */
		log_error("%s; the old one stays", err);
		return;
	}
	counter_set(s->counters, SNAP_MS, ms);
	if (stat(s->path, &st) == 0)
		counter_set(s->counters, SNAP_BYTES, (uint64_t)st.st_size);
	log_debug("snapshot '%s': %llu ms", s->path, (unsigned long long)ms);
}

static void *
run(void *arg)
{
	struct snapshots *s = arg;
	uint64_t next = clock_monotonic_us() + s->interval * US_PER_S;
	readers_join();
	for (bool end = false; !end;) {
		uint64_t now = clock_monotonic_us();
		uint64_t ms = next > now ? (next - now) / 1000 + 1 : 0;
		struct pollfd fd = {.fd = s->stop, .events = POLLIN};
		end = poll(&fd, 1, ms < 60000 ? (int)ms : 60000) > 0;
		if (end || clock_monotonic_us() >= next) {
			take_one(s);
			next = clock_monotonic_us() + s->interval * US_PER_S;
		}
	}
	readers_leave();
	return NULL;
}

static bool
snapshot_prepare(struct bgp_output_env *env, void **self, char *err, size_t errlen)
{
	const char *path = conf_string(env->conf, CONF_CORE, CONF_bgp_daemon_snapshot_file);
	if (!path)
		return true;
	struct snapshots *s = calloc(1, sizeof(*s));
	*self = s;
	snprintf(err, errlen, "bgp_daemon_snapshot_file: no memory");
	if (!s)
		return false;
	s->env = env;
	s->path = path;
	s->interval = conf_uint(env->conf, CONF_CORE, CONF_bgp_daemon_snapshot_time);
	s->stop = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	s->counters = counters_add(counter_rows, ARRAY_SIZE(counter_rows), NULL);
	return s->stop >= 0 && s->counters;
}

static bool
snapshot_start(void *self, char *err, size_t errlen)
{
	struct snapshots *s = self;
	s->running = bgp_output_thread(&s->thread, "bgp-snapshot", run, s, err, errlen);
	return s->running;
}

static void
snapshot_stop(void *self)
{
	struct snapshots *s = self;
	static const uint64_t one = 1;
	if (!s->running)
		return;
	if (write(s->stop, &one, sizeof(one)) < 0)
		log_error("snapshot: the thread cannot be told to end: %s", strerror(errno));
	pthread_join(s->thread, NULL);
	s->running = false;
}

static void
snapshot_free(void *self)
{
	struct snapshots *s = self;
	if (s->stop >= 0)
		close(s->stop);
	free(s);
}

const struct bgp_output bgp_output_snapshot = {
    .name = "snapshot",
    .prepare = snapshot_prepare,
    .start = snapshot_start,
    .stop = snapshot_stop,
    .free = snapshot_free,
};
