/* Table dumps: at times aligned to the wall clock, the routes of each peer as JSON lines.
 *
 * A thread sleeps until the next time, makes a list of files and peers, and lets workers write them; each
 * file appears whole or not at all (outfile.h). Routes are read in slices of some hundred, so that memory
 * freed by the BGP thread never waits long for us; a dump is therefore no picture of one moment. With several
 * slots of time a peer always has the same one, by its address. */
#include "bgp/output.h"
#include "bgp/tour.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/base/log.h"
#include "collector/base/outname.h"

#define SLICE	   256
#define FULL_BYTES (256u << 10)

enum { DUMP_FILES, DUMP_ROWS, DUMP_ERRORS, DUMP_ABANDONED };
static const struct counter_desc counter_rows[] = {
    [DUMP_FILES] = {"bgp_dump_files", NULL, "Files of BGP tables written", COUNTER_SUM},
    [DUMP_ROWS] = {"bgp_dump_rows", NULL, "Routes written to dumps of BGP tables", COUNTER_SUM},
    [DUMP_ERRORS] = {"bgp_dump_failed", "reason=\"file\"", "Dumps of BGP tables that were not written",
		     COUNTER_SUM},
    [DUMP_ABANDONED] = {"bgp_dump_failed", "reason=\"peer\"", "Dumps of BGP tables that were not written",
			COUNTER_SUM},
};

/* The peers of one file. */
struct job {
	char *path, *latest; /* latest NULL: no link */
	unsigned first, n;   /* of the run's peers */
};

struct target {
	struct bgp_who who;
	struct bgp_tour tour;
	char *path;
};

/* One time of dumping. */
struct run {
	struct dumper *d;
	uint64_t time_us, seq;
	struct target *target;
	unsigned targets;
	struct job *job;
	unsigned jobs;
	_Atomic unsigned next;
	_Atomic uint64_t rows, files, errors, abandoned;
};

struct dumper {
	struct bgp_output_env *env;
	struct outname name, latest;
	bool has_latest;
	uint64_t refresh, slots;
	unsigned workers;
	struct counter_block *counters;
	struct log_limit limit;
	pthread_mutex_t lock; /* of limit */
	int stop;	      /* eventfd: readable when all ends */
	pthread_t thread;
	bool running;
};

/* --- a file --- */

static unsigned
render_slice(struct run *r, struct bgp_render *render, struct target *t, struct text *out)
{
	struct rib_route route[SLICE];
	struct bgp_attrs attrs;
	struct bgp_line line = {.event_type = "dump",
				.has_seq = true,
				.seq = r->seq,
				.time_us = r->time_us,
				.whole = true,
				.who = t->who};
	readers_begin();
	unsigned n = bgp_tour_next(&t->tour, route, SLICE);
	for (unsigned i = 0; i < n; i++) {
		struct bgp_shown shown = {.family = route[i].family,
					  .nlri = &route[i].nlri,
					  .has_path_id = t->tour.add_path >> route[i].family & 1,
					  .attrs = &attrs};
		bgp_store_attrs(r->d->env->store, route[i].set, &attrs);
		bgp_render_route(render, &line, &shown, out);
	}
	readers_end();
	return n;
}

static bool
stopping(const struct dumper *d)
{
	struct pollfd fd = {.fd = d->stop, .events = POLLIN};
	return poll(&fd, 1, 0) > 0;
}

/* Returns the rows written. A file that failed takes nothing more. */
static uint64_t
write_peer(struct run *r, struct bgp_render *render, struct target *t, struct outfile *f)
{
	struct bgp_line line = {.seq = r->seq, .time_us = r->time_us, .whole = true, .who = t->who};
	uint64_t rows = 0;
	bgp_render_dump_init(render, &line, r->d->refresh, &f->text);
	while (!t->tour.over && !f->error) {
		rows += render_slice(r, render, t, &f->text);
		outfile_full(f, FULL_BYTES);
		if (stopping(r->d))
			f->error = ECANCELED;
	}
	bgp_render_dump_close(render, &line, rows, 1, &f->text);
	return rows;
}

static void
failed(struct dumper *d, const char *what, const char *path, int error)
{
	uint64_t held;
	pthread_mutex_lock(&d->lock);
	if (log_allowed(&d->limit, &held))
		log_error("BGP table dump: cannot %s '%s': %s (%llu more since the last line)", what, path,
			  strerror(error), (unsigned long long)held);
	pthread_mutex_unlock(&d->lock);
}

/* A peer that goes away meanwhile takes a file of its own with it; in a file of several the rest stays. */
static void
write_job(struct run *r, struct bgp_render *render, const struct job *j)
{
	struct dumper *d = r->d;
	struct outfile f;
	char suffix[24];
	uint64_t rows = 0;
	bool gone = false;
	snprintf(suffix, sizeof(suffix), "%d", (int)getpid());
	outfile_begin(&f, j->path, OUTFILE_REPLACE, suffix, &d->env->owner);
	f.give_up = d->stop;
	for (unsigned i = 0; i < j->n && !f.error; i++) {
		struct target *t = &r->target[j->first + i];
		rows += write_peer(r, render, t, &f);
		gone = gone || t->tour.gone;
	}
	if (gone && j->n == 1 && !f.error)
		f.error = ESTALE;
	bool ok = outfile_commit(&f);
	if (ok && j->latest && !outfile_link_latest(j->latest, j->path, &d->env->owner))
		failed(d, "link", j->latest, errno);
	if (!ok && f.error != ESTALE && f.error != ECANCELED)
		failed(d, "write", j->path, f.error);
	r->files += ok;
	r->rows += ok ? rows : 0;
	r->abandoned += f.error == ESTALE;
	r->errors += !ok && f.error != ESTALE;
}

static void
take_jobs(struct run *r)
{
	struct bgp_render render;
	unsigned i;
	bgp_render_init(&render, r->d->env->conf);
	while ((i = r->next++) < r->jobs)
		write_job(r, &render, &r->job[i]);
}

static void *
work(void *arg)
{
	readers_join();
	take_jobs(arg);
	readers_leave();
	return NULL;
}

/* --- a time --- */

static uint64_t
slot_of(const struct dumper *d, const struct addr *a)
{
	uint64_t h = (a->q[0] ^ a->q[1]) * 0x9e3779b97f4a7c15ULL;
	return (h >> 32) % d->slots;
}

static char *
name_for(const struct outname *name, uint64_t time, const struct bgp_who *who)
{
	struct outname_row row = {.time = time, .peer_src_ip = who->address, .peer_tcp_port = who->port};
	struct text path = {0};
	outname_format(name, &row, &path);
	return path.data;
}

/* The peers whose turn it is. */
static void
collect(struct run *r, uint64_t slot)
{
	const struct bgp_sources *s = &r->d->env->sources;
	readers_begin();
	const struct bgp_directory *dir = readers_load(s->directory);
	unsigned n = dir ? bgp_directory_count(dir) : 0;
	r->target = calloc(n + 1, sizeof(*r->target));
	for (unsigned i = 0; r->target && i < n; i++) {
		const struct bgp_peer *p = bgp_directory_at(dir, i);
		struct target *t = &r->target[r->targets];
		bgp_tour_begin(&t->tour, s, p);
		t->who = bgp_who_of(p);
		if (!t->tour.over && slot_of(r->d, &p->address) == slot)
			r->targets++;
	}
	readers_end();
	for (unsigned i = 0; i < r->targets; i++)
		r->target[i].path = name_for(&r->d->name, r->time_us / US_PER_S, &r->target[i].who);
}

static int
by_path(const void *a, const void *b)
{
	const struct target *x = a, *y = b;
	return strcmp(x->path, y->path);
}

/* Peers of one name share a file. */
static void
group(struct run *r)
{
	struct dumper *d = r->d;
	r->job = calloc(r->targets + 1, sizeof(*r->job));
	if (!r->job)
		return;
	qsort(r->target, r->targets, sizeof(*r->target), by_path);
	for (unsigned i = 0; i < r->targets; i++) {
		struct target *t = &r->target[i];
		struct job *last = r->jobs ? &r->job[r->jobs - 1] : NULL;
		if (last && strcmp(last->path, t->path) == 0) {
			last->n++;
			continue;
		}
		r->job[r->jobs++] = (struct job){
		    .path = t->path,
		    .latest = d->has_latest ? name_for(&d->latest, r->time_us / US_PER_S, &t->who) : NULL,
		    .first = i,
		    .n = 1};
	}
}

static void
run_free(struct run *r)
{
	for (unsigned i = 0; i < r->jobs; i++)
		free(r->job[i].latest);
	for (unsigned i = 0; i < r->targets; i++)
		free(r->target[i].path);
	free(r->job);
	free(r->target);
}

/* The first worker is the thread itself. */
static void
write_all(struct run *r)
{
	unsigned more = (r->d->workers < r->jobs ? r->d->workers : r->jobs);
	pthread_t *thread = calloc(more + 1, sizeof(*thread));
	unsigned started = 0;
	char err[128];
	while (thread && started + 1 < more &&
	       bgp_output_thread(&thread[started], "bgp-dump", work, r, err, sizeof(err)))
		started++;
	take_jobs(r);
	for (unsigned i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	free(thread);
}

void
bgp_dump_at(void *self, uint64_t time)
{
	struct dumper *d = self;
	struct run r = {.d = d, .time_us = time * US_PER_S, .seq = d->env->seq++};
	uint64_t began = clock_monotonic_us();
	collect(&r, time % d->refresh / (d->refresh / d->slots) % d->slots);
	if (r.target)
		group(&r);
	if (r.jobs)
		write_all(&r);
	counter_add(d->counters, DUMP_FILES, r.files);
	counter_add(d->counters, DUMP_ROWS, r.rows);
	counter_add(d->counters, DUMP_ERRORS, r.errors);
	counter_add(d->counters, DUMP_ABANDONED, r.abandoned);
	log_debug("BGP table dump: %llu routes in %llu files, %llu ms", (unsigned long long)r.rows,
		  (unsigned long long)r.files, (unsigned long long)(clock_monotonic_us() - began) / 1000);
	run_free(&r);
}

/* True when it is to end; false at the time (seconds since the epoch). A clock that is set is followed: the
 * sleep is cut in pieces. */
static bool
sleep_until(const struct dumper *d, uint64_t time)
{
	for (;;) {
		uint64_t now = clock_now_us(), then = time * US_PER_S;
		if (now >= then)
			return stopping(d);
		uint64_t ms = (then - now) / 1000 + 1;
		struct pollfd fd = {.fd = d->stop, .events = POLLIN};
		if (poll(&fd, 1, ms < 5000 ? (int)ms : 5000) > 0)
			return true;
	}
}

static void *
run(void *arg)
{
	struct dumper *d = arg;
	uint64_t step = d->refresh / d->slots, next = 0;
	readers_join();
	while (next = (clock_now_us() / US_PER_S / step + 1) * step, !sleep_until(d, next))
		bgp_dump_at(d, next);
	readers_leave();
	return NULL;
}

/* --- hooks --- */

static bool
parse_names(struct dumper *d, const char *file, const char *latest, char *err, size_t errlen)
{
	struct outname_fixed fixed = {.refresh = d->refresh,
				      .utc = conf_bool(d->env->conf, CONF_CORE, CONF_timestamps_utc)};
	char why[512];
	d->has_latest = latest != NULL;
	if (!outname_parse(&d->name, file, &fixed, why, sizeof(why))) {
		snprintf(err, errlen, "bgp_table_dump_file: %s", why);
		return false;
	}
	if (latest && !outname_parse(&d->latest, latest, &fixed, why, sizeof(why))) {
		snprintf(err, errlen, "bgp_table_dump_latest_file: %s", why);
		return false;
	}
	return true;
}

static bool
dump_prepare(struct bgp_output_env *env, void **self, char *err, size_t errlen)
{
	const struct conf *c = env->conf;
	const char *file = conf_string(c, CONF_CORE, CONF_bgp_table_dump_file);
	if (!file || !bgp_output_is_json(c, CONF_bgp_table_dump_output, err, errlen))
		return !file;
	struct dumper *d = calloc(1, sizeof(*d));
	*self = d;
	snprintf(err, errlen, "BGP table dump: no memory");
	if (!d)
		return false;
	d->env = env;
	d->refresh = conf_uint(c, CONF_CORE, CONF_bgp_table_dump_refresh_time);
	d->slots = conf_uint(c, CONF_CORE, CONF_bgp_table_dump_time_slots);
	d->workers = (unsigned)conf_uint(c, CONF_CORE, CONF_bgp_table_dump_workers);
	d->stop = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	pthread_mutex_init(&d->lock, NULL);
	d->counters = counters_add(counter_rows, ARRAY_SIZE(counter_rows), NULL);
	if (d->stop < 0 || !d->counters)
		return false;
	if (d->refresh == 0) {
		snprintf(err, errlen,
			 "bgp_table_dump_file needs bgp_table_dump_refresh_time, 60 to 86400 "
			 "seconds");
		return false;
	}
	if (d->slots > d->refresh || d->refresh % d->slots) {
		snprintf(err, errlen,
			 "bgp_table_dump_time_slots: %llu slots do not divide the %llu seconds "
			 "of bgp_table_dump_refresh_time",
			 (unsigned long long)d->slots, (unsigned long long)d->refresh);
		return false;
	}
	return parse_names(d, file, conf_string(c, CONF_CORE, CONF_bgp_table_dump_latest_file), err, errlen);
}

static bool
dump_start(void *self, char *err, size_t errlen)
{
	struct dumper *d = self;
	d->running = bgp_output_thread(&d->thread, "bgp-dump", run, d, err, errlen);
	return d->running;
}

static void
dump_stop(void *self)
{
	struct dumper *d = self;
	static const uint64_t one = 1;
	if (!d->running)
		return;
	if (write(d->stop, &one, sizeof(one)) < 0)
		log_error("BGP table dump: cannot be told to end: %s", strerror(errno));
	pthread_join(d->thread, NULL);
	d->running = false;
}

static void
dump_free(void *self)
{
	struct dumper *d = self;
	outname_free(&d->name);
	outname_free(&d->latest);
	pthread_mutex_destroy(&d->lock);
	if (d->stop >= 0)
		close(d->stop);
	free(d);
}

const struct bgp_output bgp_output_dump = {
    .name = "table dump",
    .prepare = dump_prepare,
    .start = dump_start,
    .stop = dump_stop,
    .free = dump_free,
};
