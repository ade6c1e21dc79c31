/* The message log: a thread that takes events from the ring (eventring.h) and appends lines to files.
 *
 * One file per name that the configured pattern makes; a peer's address and port are all that a name depends
 * on, so files are found by these. Lines collect per file and are written when the ring is empty, when there
 * are many, and every so many events: a quiet peer's line does not wait for a busy one's. Up to FILES_MAX are
 * open at once; the one used longest ago makes room and is opened again, for appending, when it is needed.
 *
 * A disk that is full or slow stops this thread alone: the ring fills, the BGP thread counts. Lines that a
 * file did not take are gone and counted. */
#include "bgp/eventring.h"
#include "bgp/output.h"

#include <errno.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/base/file.h"
#include "collector/base/log.h"
#include "collector/base/outname.h"

#define FILES_MAX   256
#define BUCKETS	    512
#define FULL_BYTES  (256u << 10) /* of a file's lines: written out */
#define FLUSH_EVERY 16384	 /* events, while the ring is never empty */
#define BATCH	    64		 /* events between readers_begin() and readers_end() */
#define NAP_MS	    1000

enum { LOG_WRITTEN, LOG_LOST, LOG_ERRORS, LOG_WAITING };
static const struct counter_desc counter_rows[] = {
    [LOG_WRITTEN] = {"bgp_msglog_lines", NULL, "Lines written to BGP message logs", COUNTER_SUM},
    [LOG_LOST] = {"bgp_msglog_lost", "reason=\"queue\"", "Messages that are not in the log", COUNTER_SUM},
    [LOG_ERRORS] = {"bgp_msglog_lost", "reason=\"file\"", "Messages that are not in the log", COUNTER_SUM},
    [LOG_WAITING] = {"bgp_msglog_waiting", NULL, "Slots taken in the queue of BGP messages", COUNTER_GAUGE},
};

struct logfile {
	int fd; /* -1: closed, its lines are lost */
	struct addr peer;
	uint16_t port;
	struct text lines;
	unsigned count;	      /* of lines */
	uint64_t used;	      /* when, in events */
	struct logfile *next; /* in its bucket */
};

struct msglog {
	struct bgp_output_env *env;
	struct bgp_events *events;
	struct bgp_render render;
	struct outname name;
	struct counter_block *counters;
	struct logfile file[FILES_MAX];
	unsigned files;
	struct logfile *bucket[BUCKETS];
	struct logfile *last;
	struct text path, rest;
	uint64_t taken; /* events */
	uint64_t lost_told;
	struct log_limit lost_limit, file_limit;
	_Atomic bool reopen, stop;
	pthread_t thread;
	bool running;
};

/* --- files --- */

static unsigned
bucket_of(const struct addr *peer, uint16_t port)
{
	uint64_t h = (peer->q[0] ^ peer->q[1] ^ port) * 0x9e3779b97f4a7c15ULL;
	return (unsigned)(h >> 55);
}

static void
file_failed(struct msglog *m, const char *what)
{
	uint64_t held;
	int why = errno;
	if (log_allowed(&m->file_limit, &held))
		log_error("BGP message log: cannot %s '%s': %s (%llu more since the last line)", what,
			  text_cstr(&m->path), strerror(why), (unsigned long long)held);
}

static const char *
file_path(struct msglog *m, const struct logfile *f)
{
	struct outname_row row = {.peer_src_ip = f->peer, .peer_tcp_port = f->port};
	return outname_format(&m->name, &row, &m->path);
}

static void
file_write(struct msglog *m, struct logfile *f)
{
	if (!f->lines.len)
		return;
	/* what could not be opened is tried again: the folder may have come */
	if (f->fd < 0)
		f->fd = outfile_open(file_path(m, f), &m->env->owner);
	bool ok = f->fd >= 0 && file_write_all(f->fd, f->lines.data, f->lines.len);
	counter_add(m->counters, ok ? LOG_WRITTEN : LOG_ERRORS, f->count);
	if (!ok && f->fd >= 0) {
		int saved = errno;
		file_path(m, f);
		errno = saved;
		file_failed(m, "write to");
	}
	f->lines.len = 0;
	f->count = 0;
}

static void
flush_all(struct msglog *m)
{
	for (unsigned i = 0; i < m->files; i++)
		file_write(m, &m->file[i]);
}

static void
unlink_file(struct msglog *m, struct logfile *f)
{
	struct logfile **at = &m->bucket[bucket_of(&f->peer, f->port)];
	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
}

static void
file_close(struct msglog *m, struct logfile *f)
{
	file_write(m, f);
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	unlink_file(m, f);
	m->last = NULL;
}

static void
close_all(struct msglog *m)
{
	for (unsigned i = 0; i < m->files; i++)
		file_close(m, &m->file[i]);
	m->files = 0;
}

/* A free place, or that of the file used longest ago. */
static struct logfile *
file_place(struct msglog *m)
{
	if (m->files < FILES_MAX)
		return &m->file[m->files++];
	struct logfile *oldest = &m->file[0];
	for (unsigned i = 1; i < m->files; i++)
		if (m->file[i].used < oldest->used)
			oldest = &m->file[i];
	file_close(m, oldest);
	return oldest;
}

static struct logfile *
file_open(struct msglog *m, const struct addr *peer, uint16_t port)
{
	struct logfile *f = file_place(m);
	struct text lines = f->lines;
	*f = (struct logfile){.peer = *peer, .port = port, .lines = lines};
	f->fd = outfile_open(file_path(m, f), &m->env->owner);
	if (f->fd < 0)
		file_failed(m, "open");
	struct logfile **at = &m->bucket[bucket_of(peer, port)];
	f->next = *at;
	*at = f;
	return f;
}

/* Values that the name does not use are zero, so that peers share a file where the name says so. */
static struct logfile *
file_of(struct msglog *m, const struct bgp_event *ev)
{
	struct addr peer = m->name.peer_src_ip ? ev->peer : (struct addr){.q = {0, 0}};
	uint16_t port = m->name.peer_tcp_port ? ev->port : 0;
	struct logfile *f = m->last;
	if (f && addr_equal(&f->peer, &peer) && f->port == port)
		return f;
	f = m->bucket[bucket_of(&peer, port)];
	while (f && !(addr_equal(&f->peer, &peer) && f->port == port))
		f = f->next;
	return m->last = f ? f : file_open(m, &peer, port);
}

/* --- lines --- */

/* By enum bgp_event_kind. */
static const char *const log_types[] = {
    [BGP_EVENT_UPDATE] = "update",  [BGP_EVENT_WITHDRAW] = "withdraw", [BGP_EVENT_DELETE] = "delete",
    [BGP_EVENT_EOR] = "end-of-rib", [BGP_EVENT_LOST] = NULL,
};

static void
render_text(struct msglog *m, const struct bgp_event *ev, const struct bgp_line *line, struct text *out)
{
	const char *text = text_cstr(&m->rest);
	struct bgp_shown shown = {.family = ev->family, .text = text, .text_len = ev->text.text_len};
	bgp_render_rendered(&m->render, line, &shown, text + ev->text.text_len, ev->text.attrs_len, out);
}

/* A set is counted by the event, so it cannot go away under us. */
static void
render_route(struct msglog *m, const struct bgp_event *ev, const struct bgp_line *line, struct text *out)
{
	struct bgp_attrs attrs;
	struct bgp_nlri nlri = {
	    .prefix = {.addr = ev->route.prefix, .len = ev->len},
	    .path_id = ev->route.path_id,
	    .rd = ev->route.rd,
	};
	struct bgp_shown shown = {.family = ev->family, .has_path_id = ev->has_path_id};
	if (ev->kind != BGP_EVENT_EOR)
		shown.nlri = &nlri;
	if (ev->set) {
		bgp_store_attrs(m->env->store, bgp_store_set(m->env->store, ev->set), &attrs);
		shown.attrs = &attrs;
	}
	bgp_render_route(&m->render, line, &shown, out);
}

static void
render_event(struct msglog *m, const struct bgp_event *ev, struct text *out)
{
	struct bgp_line line = {
	    .event_type = "log",
	    .log_type = log_types[ev->kind < ARRAY_SIZE(log_types) ? ev->kind : BGP_EVENT_LOST],
	    .has_seq = true,
	    .seq = m->env->seq++,
	    .time_us = ev->time_us,
	    .who = {.address = ev->peer, .id = ev->peer_id, .port = ev->port},
	};
	if (ev->kind == BGP_EVENT_LOST) {
		bgp_render_lost(&m->render, &line, ev->lost, out);
	} else if (ev->kind == BGP_EVENT_UP || ev->kind == BGP_EVENT_DOWN) {
		line.event_type = ev->kind == BGP_EVENT_UP ? "log_init" : "log_close";
		bgp_render_session(&m->render, &line, out);
	} else if (ev->is_text) {
		render_text(m, ev, &line, out);
	} else {
		render_route(m, ev, &line, out);
	}
}

/* Up to BATCH events; returns how many. Files are opened and written outside of reading. */
static unsigned
take_some(struct msglog *m)
{
	const struct bgp_event *ev;
	unsigned n = 0;
	while (n < BATCH && (m->rest.len = 0, ev = bgp_events_next(m->events, &m->rest)) != NULL) {
		struct logfile *f = file_of(m, ev);
		f->used = ++m->taken;
		f->count++;
		readers_begin();
		render_event(m, ev, &f->lines);
		readers_end();
		bgp_events_done(m->events);
		if (f->lines.len >= FULL_BYTES)
			file_write(m, f);
		n++;
	}
	return n;
}

/* --- the thread --- */

static void
tell_lost(struct msglog *m)
{
	uint64_t held, lost = bgp_events_lost(m->events);
	counter_set(m->counters, LOG_LOST, lost);
	counter_set(m->counters, LOG_WAITING, bgp_events_waiting(m->events));
	if (lost == m->lost_told || !log_allowed(&m->lost_limit, &held))
		return;
	log_warn("BGP message log: %llu messages lost: they came faster than they could be written; raise "
		 "bgp_daemon_msglog_queue or write to a faster disk",
		 (unsigned long long)(lost - m->lost_told));
	m->lost_told = lost;
}

static void *
run(void *arg)
{
	struct msglog *m = arg;
	uint64_t flushed = 0;
	readers_join();
	for (;;) {
		bool last = m->stop;
		if (m->reopen) {
			m->reopen = false;
			close_all(m);
		}
		unsigned n = take_some(m);
		if (n < BATCH || m->taken - flushed >= FLUSH_EVERY) {
			flush_all(m);
			flushed = m->taken;
			tell_lost(m);
		}
		if (n == 0 && last)
			break;
		if (n == 0)
			bgp_events_wait(m->events, NAP_MS);
	}
	close_all(m);
	readers_leave();
	return NULL;
}

/* --- hooks --- */

/* Only $ means something in these names; a percent sign is one. */
static bool
parse_name(struct msglog *m, const char *pattern, char *err, size_t errlen)
{
	struct text escaped = {0};
	struct outname_fixed fixed = {0};
	char why[512];
	for (const char *p = pattern; *p; p++)
		text_add(&escaped, *p == '%' ? "%%" : p, *p == '%' ? 2 : 1);
	bool ok = outname_parse(&m->name, text_cstr(&escaped), &fixed, why, sizeof(why));
	if (!ok)
		snprintf(err, errlen, "bgp_daemon_msglog_file: %s", why);
	text_free(&escaped);
	return ok;
}

static void
msglog_free(void *self)
{
	struct msglog *m = self;
	for (unsigned i = 0; i < FILES_MAX; i++)
		text_free(&m->file[i].lines);
	text_free(&m->path);
	text_free(&m->rest);
	outname_free(&m->name);
	bgp_events_free(m->events);
	free(m);
}

static bool
msglog_prepare(struct bgp_output_env *env, void **self, char *err, size_t errlen)
{
	const char *pattern = conf_string(env->conf, CONF_CORE, CONF_bgp_daemon_msglog_file);
	if (!pattern)
		return true;
	if (!bgp_output_is_json(env->conf, CONF_bgp_daemon_msglog_output, err, errlen))
		return false;
	struct msglog *m = calloc(1, sizeof(*m));
	*self = m;
	if (m && !parse_name(m, pattern, err, errlen))
		return false;
	size_t slots = conf_uint(env->conf, CONF_CORE, CONF_bgp_daemon_msglog_queue);
	if (m) {
		m->env = env;
		bgp_render_init(&m->render, env->conf);
		m->counters = counters_add(counter_rows, ARRAY_SIZE(counter_rows), NULL);
		m->events = bgp_events_new(env->store, slots, env->conf);
	}
	if (!m || !m->counters || !m->events) {
		snprintf(err, errlen,
			 "BGP message log: no memory for %zu messages; lower "
			 "bgp_daemon_msglog_queue",
			 slots);
		return false;
	}
	env->events = m->events;
	return true;
}

/* A name without variables is opened now, so that a wrong one shows at the start. */
static bool
msglog_open(void *self, char *err, size_t errlen)
{
	struct msglog *m = self;
	if (m->name.peer_src_ip || m->name.peer_tcp_port)
		return true;
	struct bgp_event none = {0};
	struct logfile *f = file_of(m, &none);
	if (f->fd < 0)
		snprintf(err, errlen, "bgp_daemon_msglog_file: cannot open '%s': %s", text_cstr(&m->path),
			 strerror(errno));
	return f->fd >= 0;
}

static bool
msglog_start(void *self, char *err, size_t errlen)
{
	struct msglog *m = self;
	m->running = bgp_output_thread(&m->thread, "bgp-msglog", run, m, err, errlen);
	return m->running;
}

static void
msglog_reopen(void *self)
{
	struct msglog *m = self;
	m->reopen = true;
	bgp_events_wake(m->events);
}

static void
msglog_stop(void *self)
{
	struct msglog *m = self;
	if (!m->running)
		return;
	m->stop = true;
	bgp_events_wake(m->events);
	pthread_join(m->thread, NULL);
	m->running = false;
}

const struct bgp_output bgp_output_msglog = {
    .name = "message log",
    .prepare = msglog_prepare,
    .open = msglog_open,
    .start = msglog_start,
    .reopen = msglog_reopen,
    .stop = msglog_stop,
    .free = msglog_free,
};
