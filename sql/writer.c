/* See writer.h. One loop: take the oldest segment, sort its rows by table, write, tell. What fails decides
 * what is next; nothing else has a state but the connection and the number that the database has. */
#include "sql/writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/base/log.h"

#define PAUSE_FIRST_MS 500
#define PAUSE_MOST_MS  60000

/* The rows of a segment that go to one table. */
struct group {
	struct text name, schema;
	const uint8_t **record;
	uint32_t rows, room;
};

struct sql_writer {
	struct sql_writer_options o;
	struct spool *spool;
	pthread_t thread;
	int stop_fd;		/* readable: end now */
	_Atomic bool finishing; /* end as soon as the spool is empty */
	_Atomic bool ended;
	/* of the thread alone */
	struct sql_connection *connection;
	bool on_backup; /* connected to the second server */
	uint64_t last;	/* number that this connection's database has */
	/* A segment whose COMMIT got no answer, 0 for none: only the server that it went to can tell, so it
	 * waits for that one, and the others behind it: a server's last number means all before it. */
	uint64_t doubt;
	bool doubt_backup;
	bool inherited; /* the oldest segment was here at the start: another process may have been at it */
	unsigned pause_ms;
	struct log_limit limit;
	uint64_t dropped_told;
};

static void
count(struct sql_writer *w, enum sql_counter which, uint64_t n)
{
	counter_add(w->o.counters, w->o.first_counter + which, n);
}

static void
update_gauges(struct sql_writer *w)
{
	struct spool_stats s;
	spool_stats(w->spool, &s);
	counter_set(w->o.counters, w->o.first_counter + SQL_SPOOL_SEGMENTS, s.segments);
	counter_set(w->o.counters, w->o.first_counter + SQL_SPOOL_BYTES, s.bytes);
	count(w, SQL_SPOOL_DROPPED_ROWS, s.dropped_rows - w->dropped_told);
	w->dropped_told = s.dropped_rows;
}

/* --- the connection --- */

static void
disconnect(struct sql_writer *w)
{
	if (w->connection)
		w->o.driver->close(w->connection);
	w->connection = NULL;
}

/* To the first server, or the second; SQLite's second is a file. */
static enum sql_fault
connect_to(struct sql_writer *w, bool backup, char *err, size_t errlen)
{
	struct sql_params p = w->o.params;
	enum sql_fault f = SQL_FINE;
	if (backup && w->o.driver->sqlite)
		p.database = w->o.backup_host;
	else if (backup)
		p.host = w->o.backup_host;
	w->connection = w->o.driver->open(&p, &f, err, errlen);
	if (!w->connection)
		return f;
	w->on_backup = backup;
	f = w->o.driver->last(w->connection, spool_identity(w->spool), &w->last, err, errlen);
	if (f != SQL_FINE)
		disconnect(w);
	return f;
}

/* The first server is tried first each time, so that the second only gets what the first cannot take. With a
 * segment in doubt its server is the only one. */
static enum sql_fault
connect_any(struct sql_writer *w, char *err, size_t errlen)
{
	if (w->doubt && w->connection && w->on_backup != w->doubt_backup)
		disconnect(w);
	if (w->doubt && !w->connection)
		return connect_to(w, w->doubt_backup, err, errlen);
	if (w->connection)
		return SQL_FINE;
	enum sql_fault f = connect_to(w, false, err, errlen);
	if (f == SQL_FINE || !w->o.backup_host)
		return f;
	log_warn("%s; going to sql_recovery_backup_host", err);
	return connect_to(w, true, err, errlen);
}

/* --- a segment --- */

static void
groups_free(struct group *g, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		text_free(&g[i].name);
		text_free(&g[i].schema);
		free(g[i].record);
	}
	free(g);
}

static bool
group_add(struct group *g, const uint8_t *record)
{
	if (g->rows == g->room) {
		uint32_t room = g->room ? 2 * g->room : 1024;
		const uint8_t **bigger = realloc(g->record, room * sizeof(*bigger));
		if (!bigger)
			return false;
		g->record = bigger;
		g->room = room;
	}
	g->record[g->rows++] = record;
	return true;
}

/* The group of a name, made when it is new; the last one is tried first, since bins follow each other. */
static struct group *
group_of(struct group **g, unsigned *n, unsigned *last, struct text *name)
{
	const char *s = text_cstr(name);
	for (unsigned i = 0; i < *n; i++) {
		unsigned at = (*last + i) % *n;
		if (strcmp((*g)[at].name.data, s) == 0) {
			*last = at;
			return &(*g)[at];
		}
	}
	struct group *bigger = realloc(*g, (*n + 1) * sizeof(*bigger));
	if (!bigger)
		return NULL;
	*g = bigger;
	*last = *n;
	bigger[*n] = (struct group){0};
	text_str(&bigger[*n].name, s);
	text_cstr(&bigger[*n].name);
	return &bigger[(*n)++];
}

/* Rows by table. False when memory is short. */
static bool
sort_rows(const struct sql_naming *naming, const struct spool_segment *s, struct group **groups, unsigned *n)
{
	struct text name = {0};
	struct group *g = NULL;
	const uint8_t *record = s->records;
	unsigned last = 0;
	bool fine = true;
	for (uint32_t i = 0; i < s->rows && fine; i++, record += layout_record_size(s->layout, record)) {
		if (!g || !naming->constant) {
			name.len = 0;
			naming->name(naming->ctx, s->layout, record, s->purged_us, &name);
			unsigned before = *n;
			g = group_of(groups, n, &last, &name);
			if (g && *n > before && naming->schema)
				naming->schema(naming->ctx, s->layout, record, s->purged_us, &g->schema);
		}
		fine = g && group_add(g, record);
	}
	text_free(&name);
	return fine;
}

static enum sql_fault
write_groups(struct sql_writer *w, struct sql_table *form, const struct spool_segment *s, struct group *g,
	     unsigned n, char *err, size_t errlen)
{
	struct sql_batch *batch = calloc(n, sizeof(*batch));
	if (!batch) {
		snprintf(err, errlen, "no memory for a segment of %u rows", s->rows);
		return SQL_AWAY;
	}
	for (unsigned i = 0; i < n; i++)
		batch[i] = (struct sql_batch){.table = text_cstr(&g[i].name),
					      .schema = g[i].schema.len ? text_cstr(&g[i].schema) : NULL,
					      .record = g[i].record,
					      .rows = g[i].rows};
	enum sql_fault f = w->o.driver->write(w->connection, form, spool_identity(w->spool), s->number, batch,
					      n, err, errlen);
	free(batch);
	return f;
}

/* Where the COMMIT goes is on the disk before it goes there, when there is a choice. */
static bool
note_server(struct sql_writer *w, char *err, size_t errlen)
{
	if (!w->o.backup_host || spool_at_second(w->spool) == w->on_backup ||
	    spool_set_second(w->spool, w->on_backup))
		return true;
	snprintf(err, errlen, "the spool cannot note to which server its segments go: %s", strerror(errno));
	return false;
}

static enum sql_fault
write_segment(struct sql_writer *w, const struct spool_segment *s, char *err, size_t errlen)
{
	struct group *groups = NULL;
	unsigned n = 0;
	struct sql_table form;
	enum sql_fault f = SQL_REFUSED;
	struct sql_table_options o = w->o.table;
	if (!note_server(w, err, errlen))
		return SQL_AWAY;
	o.sqlite = w->o.driver->sqlite;
	if (!sql_table_compile(&form, s->layout, &o, err, errlen))
		return f;
	form.now_us = s->purged_us;
	if (sort_rows(&w->o.naming, s, &groups, &n))
		f = write_groups(w, &form, s, groups, n, err, errlen);
	else {
		snprintf(err, errlen, "no memory for a segment of %u rows", s->rows);
		f = SQL_AWAY;
	}
	groups_free(groups, n);
	sql_table_free(&form);
	return f;
}

/* --- the loop --- */

/* Sleeps until there is something, at most ms (-1: no limit). False when it is time to end. */
static bool
rest(struct sql_writer *w, bool for_segment, int ms)
{
	struct pollfd fds[] = {{.fd = w->stop_fd, .events = POLLIN},
			       {.fd = spool_fd(w->spool), .events = POLLIN}};
	poll(fds, for_segment ? 2 : 1, ms);
	return !(fds[0].revents & POLLIN);
}

static void
succeeded(struct sql_writer *w, const struct spool_segment *s, uint64_t took_us)
{
	w->last = s->number;
	w->pause_ms = 0;
	count(w, SQL_SEGMENTS_WRITTEN, 1);
	count(w, SQL_ROWS_COMMITTED, s->rows);
	count(w, SQL_TO_BACKUP, w->on_backup);
	spool_done(w->spool, s->number);
	if (w->o.written)
		w->o.written(w->o.ctx, s->rows, took_us);
	/* back to the first server as soon as it may be there again */
	if (w->on_backup)
		disconnect(w);
}

/* Whose fault it was decides: the segment's, then it goes aside; anybody else's, then it waits. */
static void
failed(struct sql_writer *w, const struct spool_segment *s, enum sql_fault f, const char *err)
{
	uint64_t held;
	if (f == SQL_REFUSED) {
		log_error("%s: %u rows purged cannot be written and are set aside in the spool as .rejected",
			  err, s->rows);
		count(w, SQL_SEGMENTS_REJECTED, 1);
		spool_reject(w->spool, s->number);
		return;
	}
	disconnect(w);
	count(w, SQL_RETRIES, 1);
	w->pause_ms = w->pause_ms ? w->pause_ms * 2 : PAUSE_FIRST_MS;
	w->pause_ms = w->pause_ms > PAUSE_MOST_MS ? PAUSE_MOST_MS : w->pause_ms;
	if (log_allowed(&w->limit, &held))
		log_error("%s; what was purged waits in the spool", err);
}

/* Takes a segment to a server, or tries to. */
static void
attempt(struct sql_writer *w, const struct spool_segment *s)
{
	char err[1024] = "";
	uint64_t begin = clock_monotonic_us();
	enum sql_fault f = connect_any(w, err, sizeof(err));
	if (f == SQL_REFUSED) /* only a segment can be */
		f = SQL_WRONG;
	bool there = f == SQL_FINE && s->number <= w->last;
	if (f == SQL_FINE && s->number == w->doubt)
		w->doubt = 0;
	if (f == SQL_FINE && !there)
		f = write_segment(w, s, err, sizeof(err));
	if (f == SQL_DOUBT) {
		w->doubt = s->number;
		w->doubt_backup = w->on_backup;
	}
	if (there) {
		log_notice("a purge of %u rows is in the database already: a COMMIT came through unseen",
			   s->rows);
		w->pause_ms = 0;
		spool_done(w->spool, s->number);
	} else if (f == SQL_FINE) {
		succeeded(w, s, clock_monotonic_us() - begin);
	} else {
		failed(w, s, f, err);
	}
}

/* One segment, or the attempt at it. False when there was none. */
static bool
work(struct sql_writer *w)
{
	struct spool_segment s;
	if (!spool_take(w->spool, 0, &s))
		return false;
	if (w->inherited) {
		w->doubt = s.number;
		w->doubt_backup = spool_at_second(w->spool);
		w->inherited = false;
	}
	attempt(w, &s);
	spool_segment_free(&s);
	update_gauges(w);
	return true;
}

static void *
writer_main(void *arg)
{
	struct sql_writer *w = arg;
	bool go = true;
	pthread_setname_np(pthread_self(), "sql-writer");
	while (go) {
		bool worked = work(w);
		if (w->pause_ms)
			go = rest(w, false, (int)w->pause_ms);
		else if (worked)
			go = rest(w, false, 0);
		else if (atomic_load(&w->finishing))
			break;
		else
			go = rest(w, true, 1000); /* also looks at `finishing` now and then */
	}
	update_gauges(w);
	disconnect(w);
	atomic_store(&w->ended, true);
	return NULL;
}

struct sql_writer *
sql_writer_start(struct spool *s, const struct sql_writer_options *o, char *err, size_t errlen)
{
	struct sql_writer *w = calloc(1, sizeof(*w));
	struct spool_stats waiting;
	if (!w) {
		snprintf(err, errlen, "no memory for the writer");
		return NULL;
	}
	w->o = *o;
	w->spool = s;
	spool_stats(s, &waiting);
	w->inherited = o->backup_host && waiting.segments > 0;
	w->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->stop_fd >= 0 && pthread_create(&w->thread, NULL, writer_main, w) == 0)
		return w;
	snprintf(err, errlen, "cannot start the writer's thread: %s", strerror(errno));
	if (w->stop_fd >= 0)
		close(w->stop_fd);
	free(w);
	return NULL;
}

bool
sql_writer_stop(struct sql_writer *w, unsigned patience_ms)
{
	struct spool_stats left;
	uint64_t until = clock_monotonic_us() + (uint64_t)patience_ms * 1000, one = 1;
	atomic_store(&w->finishing, true);
	while (!atomic_load(&w->ended) && clock_monotonic_us() < until)
		usleep(10000);
	if (write(w->stop_fd, &one, sizeof(one)) < 0)
		log_error("cannot tell the writer to end: %s", strerror(errno));
	pthread_join(w->thread, NULL);
	spool_stats(w->spool, &left);
	close(w->stop_fd);
	free(w);
	return left.segments == 0;
}
