/* The print plugin: aggregates go to files or standard output every refresh time.
 *
 * A purge swaps in a fresh cache and gives the old one to a writer thread, so records are absorbed while rows
 * are written. There is one writer: when it is behind, the next purge waits, and the cache grows meanwhile,
 * rather than writers pile up. Purges happen at multiples of the refresh time, counted from the start of the
 * process rounded off as print_history_roundoff says; print_startup_delay shifts them. With time bins a purge
 * writes the bins that began before its nominal time: complete ones when refresh time and history are the
 * same and aligned, and what there is of a bin, to be added to later, when purges come more often.
 *
 * Ownership. The host's thread owns the plugin but for what it lent the writer: p->job, its cache and
 * p->writer belong to the writer's thread from start_writer() until done_fd is readable. There are no locks
 * because there is nothing shared.
 *
 * Memory. Two caches at most, each bounded by print_cache_max_bytes: the one being written and the one that
 * fills. A third is never made: a purge that becomes due while the writer works waits for it.
 *
 * Nothing is written twice: rows of a file that failed, and rows of bins that are not due, come back in
 * job.kept and are merged into the cache that fills.
 *
 * Rejected: a process for each purge, as in pmacct (a fork copies page tables for gigabytes, and several at
 * once multiply the memory), and writing from the host's loop in slices (one slow disk would stop the queue).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/base/log.h"
#include "collector/conf/conf.h"
#include "plugins/owner.h"
#include "plugins/print_write.h"
#include "plugins/trigger.h"

#define STOP_PATIENCE_MS 5000 /* how long the end may wait for a writer that makes no end */

/* What only files have; rows, purges and errors are counted as for every plugin. */
enum print_counter {
	PRINT_FILES,
	PRINT_LATE_ROWS,
	PRINT_DELAYED,
	PRINT_LOST_AT_END,
	PRINT_TRIGGER_FAILURES,
	PRINT_COUNTERS
};

static const struct counter_desc print_counter_desc[PRINT_COUNTERS] = {
    [PRINT_FILES] = {"print_files_written", NULL, "Files a print plugin put in their place", COUNTER_SUM},
    [PRINT_LATE_ROWS] = {"print_late_rows", NULL, "Rows of time bins that an earlier purge had closed",
			 COUNTER_SUM},
    [PRINT_DELAYED] = {"print_delayed_purges", NULL, "Purges that waited for the one before to be written",
		       COUNTER_SUM},
    [PRINT_LOST_AT_END] = {"print_lost_rows", "reason=\"end\"", "Rows a print plugin could not write",
			   COUNTER_SUM},
    [PRINT_TRIGGER_FAILURES] = {"print_trigger_failures", NULL,
				"Trigger programs that could not be run or ended with an error", COUNTER_SUM},
};

/* The state of an instance. Everything but what the writer borrowed is the host thread's. */
struct print {
	struct plugin_host *host;
	const struct plugin_setup *setup;
	struct cache *cache;
	size_t cache_max; /* bytes of a cache */
	struct print_writer writer;
	struct trigger trigger;
	struct timebin schedule; /* its bins end when purges are due */
	uint64_t delay_us;
	uint64_t nominal; /* of the purge that comes next, seconds; without the delay */
	bool overdue;	  /* a purge is due and waits for the writer */
	uint64_t overdue_nominal;
	/* the writer at work */
	bool busy;
	bool threaded;
	pthread_t thread;
	int done_fd;
	int give_up_fd; /* tells the writer not to wait any longer; set once, at the end */
	bool given_up;
	struct print_job job;
	struct log_limit overflow_limit;
};

/* Most keys here are booleans of this instance. */
static bool
flag(const struct plugin_setup *s, enum conf_key key)
{
	return conf_bool(s->conf, s->index, key);
}

/* --- the keys --- */

/* Keys that only change the look of a value are handed on as they are. Formats that need libraries we do not
 * link (avro) are refused by name. */
static struct format *
make_format(const struct plugin_setup *s, char *err, size_t errlen)
{
	/* indexed by the configuration's word; formats that are missing here come last in it */
	static const int kinds[] = {
	    [CONF_OUTPUT_FORMATTED] = FORMAT_FORMATTED,
	    [CONF_OUTPUT_CSV] = FORMAT_CSV,
	    [CONF_OUTPUT_JSON] = FORMAT_JSON,
	    [CONF_OUTPUT_EVENT_FORMATTED] = FORMAT_EVENT_FORMATTED,
	    [CONF_OUTPUT_EVENT_CSV] = FORMAT_EVENT_CSV,
	};
	int output = conf_word(s->conf, s->index, CONF_print_output);
	struct format_options o = {.order = FORMAT_ORDER_PRINT, .event_type = "purge", .stamp_updated = true};

	if (output < 0 || output >= (int)ARRAY_SIZE(kinds)) {
		snprintf(err, errlen,
			 "print_output: '%s' is not supported; use json, csv, formatted, event_csv or "
			 "event_formatted",
			 conf_string(s->conf, s->index, CONF_print_output));
		return NULL;
	}
	o.kind = (enum format_kind)kinds[output];
	o.separator = conf_char(s->conf, s->index, CONF_print_output_separator);
	o.csv_quote = flag(s, CONF_print_output_csv_quote);
	o.num_protos = flag(s, CONF_print_num_protos);
	o.timestamps_secs = flag(s, CONF_timestamps_secs);
	o.timestamps_utc = flag(s, CONF_timestamps_utc);
	o.timestamps_since_epoch = flag(s, CONF_timestamps_since_epoch);
	o.timestamps_rfc9557 = flag(s, CONF_timestamps_rfc9557);
	o.tcpflags_as_array = flag(s, CONF_tcpflags_encode_as_array);
	o.fwd_status_as_string = flag(s, CONF_fwd_status_encode_as_string);
	o.mpls_stack_as_array = flag(s, CONF_mpls_label_stack_encode_as_array);
	o.comms_as_array = flag(s, CONF_bgp_comms_encode_as_array);
	o.comms_num = flag(s, CONF_bgp_comms_num);
	o.as_path_as_array = flag(s, CONF_as_path_encode_as_array);
	o.label_as_map = flag(s, CONF_pre_tag_label_encode_as_map);
	return format_new(s->layout, &o, err, errlen);
}

/* Both names are compiled at the start, so that a wrong letter is found by --check. The name of the link must
 * be the same at every purge, hence no times in it. */
static bool
make_names(struct print_writer *w, const struct plugin_setup *s, char *err, size_t errlen)
{
	const char *file = conf_string(s->conf, s->index, CONF_print_output_file);
	const char *latest = conf_string(s->conf, s->index, CONF_print_latest_file);
	struct conf_span history = conf_span(s->conf, s->index, CONF_print_history);
	struct outname_fixed fixed = {
	    .refresh = conf_uint(s->conf, s->index, CONF_print_refresh_time),
	    .history = history.months ? history.months * 30ULL * 86400 : history.seconds,
	    .post_tag = conf_uint(s->conf, s->index, CONF_post_tag),
	    .post_tag2 = conf_uint(s->conf, s->index, CONF_post_tag2),
	    .utc = flag(s, CONF_timestamps_utc),
	};
	char why[256];

	w->to_stdout = file == NULL;
	if (!file)
		return true;
	if (!outname_parse(&w->name, file, &fixed, why, sizeof(why))) {
		snprintf(err, errlen, "print_output_file: %s", why);
		return false;
	}
	if (!latest)
		return true;
	if (!outname_parse(&w->latest, latest, &fixed, why, sizeof(why))) {
		snprintf(err, errlen, "print_latest_file: %s", why);
		return false;
	}
	w->has_latest = true;
	if (w->latest.time) {
		snprintf(err, errlen, "print_latest_file: '%s' must not have variables of time", latest);
		return false;
	}
	return true;
}

/* Markers of JSON are objects, so that a reader of lines can parse every line. */
static enum print_marks
make_marks(const struct plugin_setup *s)
{
	if (!flag(s, CONF_print_markers))
		return PRINT_MARKS_NONE;
	return conf_word(s->conf, s->index, CONF_print_output) == CONF_OUTPUT_JSON ? PRINT_MARKS_JSON
										   : PRINT_MARKS_TEXT;
}

/* The same bins as the core uses when it puts them into records: both are made of the same keys. They are
 * needed here to know when a bin is over. */
static bool
make_bins(struct print_writer *w, const struct plugin_setup *s, uint64_t now, char *err, size_t errlen)
{
	struct conf_span history = conf_span(s->conf, s->index, CONF_print_history);

	w->has_bins = s->layout->bin_offset != 0 && conf_is_set(s->conf, s->index, CONF_print_history);
	if (!w->has_bins)
		return true;
	return timebin_init(&w->bin, history.seconds, history.months,
			    conf_uint(s->conf, s->index, CONF_print_history_offset),
			    conf_string(s->conf, s->index, CONF_print_history_roundoff), now, err, errlen);
}

/* NULL for what the aggregate does not have: the name then shows "null" or 0, as it would for a record
 * without the value. */
static void
find_row_values(struct print_writer *w)
{
	w->peer = layout_find(w->layout, primitive_find("peer_src_ip"));
	w->tag = layout_find(w->layout, primitive_find("tag"));
	w->tag2 = layout_find(w->layout, primitive_find("tag2"));
}

/* Everything that can be refused. On failure err says why and nothing is left to free. */
static bool
writer_init(struct print_writer *w, const struct plugin_setup *s, char *err, size_t errlen)
{
	uint64_t now = clock_now_us();
	const char *checks = conf_string(s->conf, s->index, CONF_print_preprocess);
	bool all = conf_word(s->conf, s->index, CONF_print_preprocess_type) == 1;

	*w = (struct print_writer){.layout = s->layout, .plugin = s->name, .lock_fd = -1, .give_up = -1};
	w->append = flag(s, CONF_print_output_file_append);
	w->write_empty = flag(s, CONF_print_write_empty_file);
	w->marks = make_marks(s);
	w->refresh = conf_uint(s->conf, s->index, CONF_print_refresh_time);
	w->started = now / US_PER_S;
	find_row_values(w);
	w->format = make_format(s, err, errlen);
	if (w->format && make_names(w, s, err, errlen) &&
	    owner_configured(s, &w->owner.uid, &w->owner.gid, err, errlen) &&
	    make_bins(w, s, now, err, errlen) &&
	    preprocess_parse(&w->preprocess, checks, all, s->layout, err, errlen))
		return true;
	print_writer_free(w);
	return false;
}

/* Everything is built and thrown away again: the check cannot differ from the start. */
static bool
print_check(const struct plugin_setup *s, char *err, size_t errlen)
{
	struct print_writer w;

	if (!writer_init(&w, s, err, errlen))
		return false;
	bool to_stdout = w.to_stdout;
	print_writer_free(&w);
	if (to_stdout && conf_bool(s->conf, CONF_CORE, CONF_daemonize)) {
		snprintf(err, errlen,
			 "print_output_file: needed with daemonize, which leaves no standard output");
		return false;
	}
	return true;
}

/* --- purging --- */

/* Always the next due time after now, not the last one plus the period: after a suspend or a step of the
 * clock missed purges are not caught up one by one. */
static void
schedule_next(struct print *p, uint64_t now_us)
{
	uint64_t base = now_us > p->delay_us ? now_us - p->delay_us : 0;

	/* what the purge is for, told apart from when it runs: the delay shifts only the latter */
	p->nominal = timebin_end(&p->schedule, base) / US_PER_S;
	plugin_host_wake_at(p->host, p->nominal * US_PER_S + p->delay_us);
}

/* Of the cache that fills; the one being written is no longer the plugin's to look at. */
static void
update_gauges(struct print *p)
{
	counter_set(p->setup->counters, PLUGIN_ENTRIES, cache_entries(p->cache));
	counter_set(p->setup->counters, PLUGIN_BYTES, cache_bytes(p->cache));
}

/* Also takes rows that a purge handed back: they merge with what came meanwhile under the same key, so
 * nothing is written twice. */
static void
absorb(struct print *p, const uint8_t *records, uint32_t n)
{
	uint32_t lost = cache_absorb(p->cache, records, n);
	uint64_t held;

	if (unlikely(lost)) {
		counter_add(p->setup->counters, PLUGIN_OVERFLOW, lost);
		if (log_allowed(&p->overflow_limit, &held))
			log_error(
			    "no room for %u records, which are lost: print_cache_max_bytes is reached or "
			    "memory is short; purge more often (print_refresh_time), aggregate by "
			    "less, or look why the writer is slow",
			    lost);
	}
}

/* In the words of pmacct, which monitoring greps for: QN is rows written of rows there were, ET the seconds,
 * X when no file was written. */
static void
log_end(const struct print_job *j)
{
	char elapsed[24] = "X";

	if (j->files)
		snprintf(elapsed, sizeof(elapsed), "%llu", (unsigned long long)(j->took_us / US_PER_S));
	log_info("*** Purging cache - END (PID: %d, QN: %llu/%llu, ET: %s) ***", (int)getpid(),
		 (unsigned long long)j->written, (unsigned long long)j->total, elapsed);
}

/* Takes the results of a job: what was not written goes back into the cache. */
static void
finish_job(struct print *p, bool last)
{
	struct print_job *j = &p->job;
	struct counter_block *c = p->setup->counters;

	log_end(j);
	counter_add(p->setup->own, PRINT_FILES, p->writer.to_stdout ? 0 : j->files);
	counter_add(p->setup->own, PRINT_LATE_ROWS, j->late);
	counter_add(c, PLUGIN_PURGES, 1);
	counter_add(c, PLUGIN_ROWS_WRITTEN, j->written);
	counter_add(c, PLUGIN_WRITE_ERRORS, j->errors);
	if (j->lost) {
		counter_add(c, PLUGIN_OVERFLOW, j->lost);
		log_error(
		    "%llu rows that could not be written are lost: more than %u MB of them wait already",
		    (unsigned long long)j->lost, PRINT_KEPT_MAX >> 20);
	}
	if (last && j->kept_records) {
		counter_add(p->setup->own, PRINT_LOST_AT_END, j->kept_records);
		log_error("%u rows could not be written and are lost with the end of the plugin",
			  j->kept_records);
	} else if (j->kept_records)
		absorb(p, (const uint8_t *)j->kept.data, j->kept_records);
	text_free(&j->kept);
	/* no file, no trigger: the program has nothing new to work on */
	if (j->files && last)
		trigger_fire_last(&p->trigger);
	else if (j->files)
		trigger_fire(&p->trigger);
}

/* Owns p->writer, the job and its cache from pthread_create() until the write to done_fd; the host's thread
 * does not look at them in between. The cache is freed here because giving back gigabytes takes a while. */
static void *
writer_thread(void *arg)
{
	struct print *p = arg;
	uint64_t one = 1;

	print_write(&p->writer, &p->job);
	cache_free(p->job.cache);
	if (write(p->done_fd, &one, sizeof(one)) < 0)
		log_error("cannot tell that a purge is done: %s", strerror(errno));
	return NULL;
}

/* Waits for the writer, but not for ever for a reader of a pipe or the holder of a lock: the end of the
 * daemon must not hang on another program. What that leaves unwritten is counted and logged. */
static void
await_writer(struct print *p)
{
	struct pollfd fd = {.fd = p->done_fd, .events = POLLIN};
	uint64_t n = 1;

	if (!p->given_up && poll(&fd, 1, STOP_PATIENCE_MS) <= 0) {
		log_warn("nobody takes what is to be printed: ending without");
		p->given_up = write(p->give_up_fd, &n, sizeof(n)) > 0;
	}
	if (poll(&fd, 1, -1) > 0 && read(p->done_fd, &n, sizeof(n)) < 0)
		log_debug("cannot read that a purge is done: %s", strerror(errno));
}

/* Hands the cache to the writer; fresh takes its place. */
static void
start_writer(struct print *p, struct cache *fresh, uint64_t cutoff, uint64_t now_us)
{
	log_info("*** Purging cache - START (PID: %d) ***", (int)getpid());
	p->job = (struct print_job){.cache = p->cache, .cutoff = cutoff, .now_us = now_us};
	p->cache = fresh;
	p->busy = true;
	/* without a thread the purge blocks the queue for once, which is better than no purge */
	p->threaded = pthread_create(&p->thread, NULL, writer_thread, p) == 0;
	if (!p->threaded)
		writer_thread(p);
}

/* Without memory for a fresh cache the old one stays and goes on counting: a late purge is better than a lost
 * one. */
static void
begin_purge(struct print *p, uint64_t cutoff, uint64_t now_us)
{
	struct cache *fresh = cache_new(p->setup->layout, p->cache_max);

	if (fresh)
		start_writer(p, fresh, cutoff, now_us);
	else
		log_error("no memory to begin a purge: trying again after print_refresh_time");
}

/* The writer is done. */
static void
end_purge(struct print *p, bool last)
{
	if (p->threaded)
		pthread_join(p->thread, NULL);
	p->busy = false;
	finish_job(p, last);
	if (!last)
		update_gauges(p);
}

/* On the host's thread. A purge that became due meanwhile starts at once, with the nominal time it had then,
 * so that it writes the bins it was due for. */
static void
writer_done(void *ctx, int fd, uint32_t events)
{
	struct print *p = ctx;
	uint64_t n;

	(void)events;
	if (read(fd, &n, sizeof(n)) < 0 || !p->busy)
		return;
	end_purge(p, false);
	if (p->overdue) {
		p->overdue = false;
		begin_purge(p, p->overdue_nominal, clock_now_us());
	}
}

/* Of several purges that become due while the writer works only the last is made: it covers the bins of all.
 */
static void
print_tick(void *state, uint64_t now_us)
{
	struct print *p = state;

	if (p->busy) {
		counter_add(p->setup->own, PRINT_DELAYED, 1);
		if (!p->overdue)
			log_warn("the last purge is still being written: the next one waits for it");
		p->overdue = true;
		p->overdue_nominal = p->nominal;
	} else {
		begin_purge(p, p->nominal, now_us);
	}
	schedule_next(p, now_us);
}

/* --- the rest of the hooks --- */

/* The hot path; the gauges cost two relaxed stores a batch. */
static void
print_records(void *state, const uint8_t *records, uint32_t n)
{
	struct print *p = state;

	absorb(p, records, n);
	update_gauges(p);
}

/* Opened once and kept for all purges; made when it is missing, since whoever comes first must have one to
 * lock. */
static bool
open_lock(struct print *p)
{
	const char *path = conf_string(p->setup->conf, p->setup->index, CONF_print_output_lock_file);

	if (!path || !p->writer.to_stdout)
		return true;
	p->writer.lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (p->writer.lock_fd < 0)
		log_error("print_output_lock_file: cannot open '%s': %s", path, strerror(errno));
	return p->writer.lock_fd >= 0;
}

/* While a writer is stuck the cache grows, and it must not take the machine with it. There are two of them at
 * most, the one that is written and the one that fills. */
static size_t
cache_bound(const struct plugin_setup *s)
{
	size_t max = conf_uint(s->conf, s->index, CONF_print_cache_max_bytes);
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	if (max || pages <= 0 || page <= 0)
		return max;
	return (size_t)pages / 4 * (size_t)page;
}

/* On failure nothing is undone: the process ends, and the kernel does it. */
static bool
print_open(struct print *p)
{
	const struct plugin_setup *s = p->setup;
	const char *roundoff = conf_string(s->conf, s->index, CONF_print_history_roundoff);
	char err[512];

	/* process-wide and once: the writer's thread relies on it */
	umask((mode_t)conf_uint(s->conf, s->index, CONF_files_umask));
	p->writer.lock_fd = -1;
	p->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	p->give_up_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	p->cache_max = cache_bound(s);
	p->cache = cache_new(s->layout, p->cache_max);
	if (p->done_fd < 0 || p->give_up_fd < 0 || !p->cache ||
	    !plugin_host_watch(p->host, p->done_fd, EPOLLIN, writer_done, p)) {
		log_error("cannot start: %s", strerror(errno));
		return false;
	}
	if (!writer_init(&p->writer, s, err, sizeof(err)) ||
	    !timebin_init(&p->schedule, p->writer.refresh, 0, 0, roundoff, clock_now_us(), err,
			  sizeof(err))) {
		log_error("%s", err);
		return false;
	}
	p->writer.give_up = p->give_up_fd;
	return open_lock(p);
}

/* The schedule begins with the next due time, so the first purge may come early: aligned times matter more
 * than a full first period. */
static void *
print_start(struct plugin_host *host, const struct plugin_setup *setup)
{
	struct print *p = calloc(1, sizeof(*p));

	if (!p) {
		log_error("no memory to start");
		return NULL;
	}
	p->host = host;
	p->setup = setup;
	if (!print_open(p))
		return NULL; /* the process ends */
	trigger_init(&p->trigger, host, conf_string(setup->conf, setup->index, CONF_print_trigger_exec),
		     flag(setup, CONF_print_trigger_exec_async), setup->own, PRINT_TRIGGER_FAILURES);
	p->delay_us = conf_uint(setup->conf, setup->index, CONF_print_startup_delay) * US_PER_S;
	schedule_next(p, clock_now_us());
	return p;
}

/* Everything that is held goes out, also bins that are not over; what a successor adds to such a bin joins
 * the same file. The gauges are left alone: an orderly end loses nothing, and the supervisor only looks at
 * them after a death. */
static void
print_stop(void *state)
{
	struct print *p = state;

	/* the purge under way first: what it hands back belongs to the last one */
	if (p->busy) {
		await_writer(p);
		end_purge(p, false);
	}
	start_writer(p, NULL, UINT64_MAX, clock_now_us());
	await_writer(p);
	end_purge(p, true);
	close(p->done_fd);
	close(p->give_up_fd);
	print_writer_free(&p->writer);
	free(p);
}

static const struct plugin_bins print_bins = {CONF_print_history, CONF_print_history_offset,
					      CONF_print_history_roundoff};

const struct plugin_ops print_plugin = {
    .type = "print",
    .help = "files or standard output: CSV, JSON or columns, every refresh time",
    .check = print_check,
    .start = print_start,
    .records = print_records,
    .tick = print_tick,
    .stop = print_stop,
    .bins = &print_bins,
    .counters = print_counter_desc,
    .counter_count = PRINT_COUNTERS,
};
