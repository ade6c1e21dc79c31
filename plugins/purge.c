/* See purge.h.
 *
 * Rejected: a process for each purge, as in pmacct (a fork copies page tables for gigabytes, and several at
 * once multiply the memory), and writing from the host's loop in slices (one slow disk would stop the queue).
 */
#include "plugins/purge.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/conf/conf.h"

#define STOP_PATIENCE_MS 5000	      /* how long the end may wait for a writer that makes no end */
#define KEPT_MAX	 (256u << 20) /* bytes of rows that could not be written and wait */

static const char *
key_name(int key)
{
	return conf_row((enum conf_key)key)->name;
}

/* --- what stays --- */

/* Copied, since the cache is freed by the writer when the purge is over. */
void
purge_keep(struct purge_job *j, const struct layout *l, const uint8_t *record)
{
	text_add(&j->kept, record, layout_record_size(l, record));
	j->kept_records++;
}

void
purge_keep_failed(struct purge_job *j, const struct layout *l, const uint8_t *record)
{
	j->failed++;
	if (j->kept.len < KEPT_MAX)
		purge_keep(j, l, record);
	else
		j->lost++;
}

/* --- purging --- */

/* Always the next due time after now, not the last one plus the period: after a suspend or a step of the
 * clock missed purges are not caught up one by one. */
static void
schedule_next(struct purger *p, uint64_t now_us)
{
	uint64_t base = now_us > p->delay_us ? now_us - p->delay_us : 0;

	/* what the purge is for, told apart from when it runs: the delay shifts only the latter */
	p->nominal = timebin_end(&p->schedule, base) / US_PER_S;
	plugin_host_wake_at(p->host, p->nominal * US_PER_S + p->delay_us);
}

/* Of the cache that fills; the one being written is no longer the plugin's to look at. */
static void
update_gauges(struct purger *p)
{
	counter_set(p->setup->counters, PLUGIN_ENTRIES, cache_entries(p->cache));
	counter_set(p->setup->counters, PLUGIN_BYTES, cache_bytes(p->cache));
}

/* Also takes rows that a purge handed back: they merge with what came meanwhile under the same key, so
 * nothing is written twice. */
static void
absorb(struct purger *p, const uint8_t *records, uint32_t n)
{
	uint32_t lost = cache_absorb(p->cache, records, n);
	uint64_t held;

	if (unlikely(lost)) {
		counter_add(p->setup->counters, PLUGIN_OVERFLOW, lost);
		if (log_allowed(&p->overflow_limit, &held))
			log_error("no room for %u records, which are lost: %s is reached or memory is short; "
				  "purge more often (%s), aggregate by less, or look why the writer is slow",
				  lost, key_name(p->ops->keys.cache_max), key_name(p->ops->keys.refresh));
	}
}

/* In the words of pmacct, which monitoring greps for: QN is rows written of rows there were, ET the seconds,
 * X when no file was written. */
static void
log_end(const struct purge_job *j)
{
	char elapsed[24] = "X";

	if (j->files)
		snprintf(elapsed, sizeof(elapsed), "%llu", (unsigned long long)(j->took_us / US_PER_S));
	log_info("*** Purging cache - END (PID: %d, QN: %llu/%llu, ET: %s) ***", (int)getpid(),
		 (unsigned long long)j->written, (unsigned long long)j->total, elapsed);
}

/* Takes the results of a job: what was not written goes back into the cache. */
static void
finish_job(struct purger *p)
{
	struct purge_job *j = &p->job;
	struct counter_block *c = p->setup->counters;

	log_end(j);
	counter_add(c, PLUGIN_PURGES, 1);
	counter_add(c, PLUGIN_ROWS_WRITTEN, j->written);
	counter_add(c, PLUGIN_WRITE_ERRORS, j->errors);
	if (j->lost) {
		counter_add(c, PLUGIN_OVERFLOW, j->lost);
		log_error(
		    "%llu rows that could not be written are lost: more than %u MB of them wait already",
		    (unsigned long long)j->lost, KEPT_MAX >> 20);
	}
	if (j->last && j->kept_records) {
		counter_add(p->setup->own, p->ops->rows.lost_at_end, j->kept_records);
		log_error("%u rows could not be written and are lost with the end of the plugin",
			  j->kept_records);
	} else if (j->kept_records)
		absorb(p, (const uint8_t *)j->kept.data, j->kept_records);
	text_free(&j->kept);
	p->ops->done(p->ctx, j);
}

/* Owns the job and its cache from pthread_create() until the write to done_fd; the host's thread does not
 * look at them in between. The cache is freed here because giving back gigabytes takes a while. */
static void *
writer_thread(void *arg)
{
	struct purger *p = arg;
	uint64_t one = 1, begin = clock_monotonic_us();

	p->ops->write(p->ctx, &p->job);
	p->job.took_us = clock_monotonic_us() - begin;
	cache_free(p->job.cache);
	if (write(p->done_fd, &one, sizeof(one)) < 0)
		log_error("cannot tell that a purge is done: %s", strerror(errno));
	return NULL;
}

/* Waits for the writer, but not for ever for a reader of a pipe or the holder of a lock: the end of the
 * daemon must not hang on another program. What that leaves unwritten is counted and logged. */
static void
await_writer(struct purger *p)
{
	struct pollfd fd = {.fd = p->done_fd, .events = POLLIN};
	uint64_t n = 1;

	if (!p->given_up && poll(&fd, 1, STOP_PATIENCE_MS) <= 0) {
		log_warn("nobody takes what is to be written: ending without");
		p->given_up = write(p->give_up_fd, &n, sizeof(n)) > 0;
	}
	if (poll(&fd, 1, -1) > 0 && read(p->done_fd, &n, sizeof(n)) < 0)
		log_debug("cannot read that a purge is done: %s", strerror(errno));
}

/* Hands the cache to the writer; fresh takes its place, and without one it is the last purge. */
static void
start_writer(struct purger *p, struct cache *fresh, uint64_t cutoff, uint64_t now_us)
{
	log_info("*** Purging cache - START (PID: %d) ***", (int)getpid());
	p->job =
	    (struct purge_job){.cache = p->cache, .cutoff = cutoff, .now_us = now_us, .last = fresh == NULL};
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
begin_purge(struct purger *p, uint64_t cutoff, uint64_t now_us)
{
	struct cache *fresh = cache_new(p->setup->layout, p->cache_max);

	if (fresh)
		start_writer(p, fresh, cutoff, now_us);
	else
		log_error("no memory to begin a purge: trying again after %s",
			  key_name(p->ops->keys.refresh));
}

/* The writer is done. */
static void
end_purge(struct purger *p)
{
	if (p->threaded)
		pthread_join(p->thread, NULL);
	p->busy = false;
	finish_job(p);
	if (!p->job.last)
		update_gauges(p);
}

/* On the host's thread. A purge that became due meanwhile starts at once, with the nominal time it had then,
 * so that it writes the bins it was due for. */
static void
writer_done(void *ctx, int fd, uint32_t events)
{
	struct purger *p = ctx;
	uint64_t n;

	(void)events;
	if (read(fd, &n, sizeof(n)) < 0 || !p->busy)
		return;
	end_purge(p);
	if (p->overdue) {
		p->overdue = false;
		begin_purge(p, p->overdue_nominal, clock_now_us());
	}
}

/* Of several purges that become due while the writer works only the last is made: it covers the bins of all.
 */
void
purger_tick(struct purger *p, uint64_t now_us)
{
	if (p->busy) {
		counter_add(p->setup->own, p->ops->rows.delayed, 1);
		if (!p->overdue)
			log_warn("the last purge is still being written: the next one waits for it");
		p->overdue = true;
		p->overdue_nominal = p->nominal;
	} else {
		begin_purge(p, p->nominal, now_us);
	}
	schedule_next(p, now_us);
}

/* The hot path; the gauges cost two relaxed stores a batch. */
void
purger_records(struct purger *p, const uint8_t *records, uint32_t n)
{
	absorb(p, records, n);
	update_gauges(p);
}

/* --- beginning and end --- */

/* While a writer is stuck the cache grows, and it must not take the machine with it. There are two of them at
 * most, the one that is written and the one that fills. */
static size_t
cache_bound(const struct plugin_setup *s, int key)
{
	size_t max = conf_uint(s->conf, s->index, (enum conf_key)key);
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	if (max || pages <= 0 || page <= 0)
		return max;
	return (size_t)pages / 4 * (size_t)page;
}

bool
purger_start(struct purger *p, struct plugin_host *host, const struct plugin_setup *s,
	     const struct purge_ops *ops, void *ctx)
{
	const struct purge_keys *k = &ops->keys;
	char err[256];

	*p = (struct purger){.host = host, .setup = s, .ops = ops, .ctx = ctx};
	p->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	p->give_up_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	p->cache_max = cache_bound(s, k->cache_max);
	p->cache = cache_new(s->layout, p->cache_max);
	if (p->done_fd < 0 || p->give_up_fd < 0 || !p->cache ||
	    !plugin_host_watch(host, p->done_fd, EPOLLIN, writer_done, p)) {
		log_error("cannot start: %s", strerror(errno));
		return false;
	}
	if (!timebin_init(&p->schedule, conf_uint(s->conf, s->index, (enum conf_key)k->refresh), 0, 0,
			  conf_string(s->conf, s->index, (enum conf_key)k->roundoff), clock_now_us(), err,
			  sizeof(err))) {
		log_error("%s: %s", key_name(k->roundoff), err);
		return false;
	}
	p->delay_us = conf_uint(s->conf, s->index, (enum conf_key)k->delay) * US_PER_S;
	schedule_next(p, clock_now_us());
	return true;
}

/* What a successor adds to a bin that is not over joins the same file or row. The gauges are left alone: an
 * orderly end loses nothing, and the supervisor only looks at them after a death. */
void
purger_stop(struct purger *p)
{
	/* the purge under way first: what it hands back belongs to the last one */
	if (p->busy) {
		await_writer(p);
		end_purge(p);
	}
	start_writer(p, NULL, UINT64_MAX, clock_now_us());
	await_writer(p);
	end_purge(p);
	close(p->done_fd);
	close(p->give_up_fd);
}
