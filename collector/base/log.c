/* The log: a line is formatted into a local buffer and written with one call, so that lines of several
 * processes and threads that share the file never mix. */
#include "collector/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "collector/base/clock.h"

static const struct {
	const char *name;
	int code;
} facilities[] = {
    {"auth", LOG_AUTH},	    {"mail", LOG_MAIL},	    {"daemon", LOG_DAEMON}, {"kern", LOG_KERN},
    {"user", LOG_USER},	    {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2},
    {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6},
    {"local7", LOG_LOCAL7},
};

static const struct {
	const char *name;
	int priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"ERROR", LOG_ERR},	 [LOG_LEVEL_WARN] = {"WARN", LOG_WARNING},
    [LOG_LEVEL_NOTICE] = {"NOTICE", LOG_NOTICE}, [LOG_LEVEL_INFO] = {"INFO", LOG_INFO},
    [LOG_LEVEL_DEBUG] = {"DEBUG", LOG_DEBUG},
};

static struct {
	int fd;
	bool to_syslog;
	bool journal; /* stderr is the journal: it takes the priority from a prefix, and adds the time itself
		       */
	bool stamp;
	bool debug;
	char path[512];
	char ident[64];
	char name[96];
} state = {.fd = STDERR_FILENO, .name = "flowribd"};

/* Opened for appending, so that lines of several processes go to the end whatever the others wrote
 * meanwhile. The first file takes a new descriptor: 2 stays what it was, for libraries that print there. */
static bool
open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (fd < 0)
		return false;
	if (state.fd == STDERR_FILENO) {
		state.fd = fd;
		return true;
	}
	/* the number stays, since another thread may be writing to it */
	/* dup3 replaces the open file in one step: no line is lost between close and open */
	bool done = dup3(fd, state.fd, O_CLOEXEC) >= 0;
	close(fd);
	return done;
}

/* Whether stderr leads to the journal (JOURNAL_STREAM, see systemd.exec(5)). */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	unsigned long long device, inode;
	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

/* False for a facility that does not exist. openlog keeps the pointer it is given, hence state.ident. */
static bool
open_syslog(const char *facility, const char *ident)
{
	for (size_t i = 0; i < ARRAY_SIZE(facilities); i++) {
		if (strcmp(facilities[i].name, facility) != 0)
			continue;
		snprintf(state.ident, sizeof(state.ident), "%s", ident ? ident : "flowribd");
		openlog(state.ident, LOG_PID, facilities[i].code);
		state.to_syslog = true;
		return true;
	}
	return false;
}

/* Exactly one destination: syslog before a file before stderr. The first bad one is an error, since a
 * daemon that logs nowhere is worse than one that does not start. */
bool
log_open(const struct log_config *c, char *err, size_t errlen)
{
	state.debug = c->debug;
	state.journal = !c->file && !c->syslog && stderr_is_journal();
	state.stamp = c->timestamps || c->file;
	if (c->syslog) {
		if (open_syslog(c->syslog, c->ident))
			return true;
		snprintf(err, errlen,
			 "syslog: unknown facility '%s' (auth, daemon, user, local0 to local7, ...)",
			 c->syslog);
		return false;
	}
	if (c->file) {
		snprintf(state.path, sizeof(state.path), "%s", c->file);
		if (!open_file(c->file)) {
			snprintf(err, errlen, "logfile: cannot open '%s': %s", c->file, strerror(errno));
			return false;
		}
	}
	return true;
}

void
log_vary(const struct log_config *c)
{
	state.debug = c->debug;
	if (c->syslog)
		open_syslog(c->syslog, c->ident);
}

/* Called from the loop, not from the signal handler: it is not async-signal-safe. When the new file cannot
 * be had, the old one (possibly renamed by then) goes on taking lines. */
void
log_reopen(void)
{
	if (state.path[0] && !open_file(state.path))
		log_error("logfile: cannot reopen '%s': %s; keeping the old file", state.path,
			  strerror(errno));
}

/* The file was opened as root; without this the first rotation after privileges are gone would be the end
 * of the log. */
void
log_give(uid_t uid, gid_t gid)
{
	if (state.path[0] && fchown(state.fd, uid, gid) < 0)
		log_warn("logfile: cannot give '%s' to the user of the key user: %s", state.path,
			 strerror(errno));
}

/* Called once in each process after fork, before it has threads: the name is read without a lock. */
void
log_set_name(const char *name)
{
	snprintf(state.name, sizeof(state.name), "%s", name);
}

/* Read without a lock: it is set before there are threads. */
bool
log_debug_enabled(void)
{
	return state.debug;
}

/* The line is cut at 2048 bytes; the newline always has its place. Nothing here allocates or locks, so any
 * thread may log, also one that has run out of memory. localtime_r takes a lock inside libc, but no line is
 * on a hot path. */
void
log_line(enum log_level level, const char *fmt, ...)
{
	char line[2048];
	size_t n = 0;
	va_list ap;

	/* for callers of log_line itself; the macro has asked already */
	if (level == LOG_LEVEL_DEBUG && !state.debug)
		return;
	if (state.stamp && !state.to_syslog) {
		time_t now = time(NULL);
		struct tm tm;
		localtime_r(&now, &tm);
		n = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S%z ", &tm);
	}
	if (state.journal)
		n = (size_t)snprintf(line, sizeof(line), "<%d>", levels[level].priority);
	/* level and name are bounded (96 bytes), so the head always fits */
	int head = snprintf(line + n, sizeof(line) - n, "%s ( %s ): ", levels[level].name, state.name);
	n += (size_t)head;
	va_start(ap, fmt);
	int body = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	if (body > 0)
		/* vsnprintf returns what it would have liked to write */
		n += (size_t)body < sizeof(line) - n - 1 ? (size_t)body : sizeof(line) - n - 2;
	if (state.to_syslog) {
		line[n] = '\0';
		syslog(levels[level].priority, "%s", line);
		return;
	}
	line[n++] = '\n';
	if (write(state.fd, line, n) < 0)
		return; /* nowhere left to complain */
}

/* The struct belongs to one thread: the test and the setting are not one step. Monotonic time, so that a
 * clock set back does not silence a reason for hours. */
bool
log_allowed(struct log_limit *limit, uint64_t *held)
{
	uint64_t now = clock_monotonic_us();
	if (now < limit->next_us) {
		limit->held++;
		return false;
	}
	limit->next_us = now + 60 * 1000000ULL;
	*held = limit->held;
	limit->held = 0;
	return true;
}
