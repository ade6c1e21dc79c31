/* Purges: what every plugin has in common that collects aggregates and writes them out now and then.
 *
 * A purge swaps in a fresh cache and gives the old one to a writer thread, so records are absorbed while rows
 * are written. There is one writer: when it is behind, the next purge waits, and the cache grows meanwhile,
 * rather than writers pile up. Purges happen at multiples of the refresh time, counted from the start of the
 * process rounded off as the key of round-offs says; the start-up delay shifts them. With time bins a purge
 * is for the bins that began before its nominal time: complete ones when refresh time and history are the
 * same and aligned, and what there is of a bin, to be added to later, when purges come more often.
 *
 * Ownership. The host's thread owns a purger but for what it lent the writer: the job, its cache and what
 * purge_ops.write touches belong to the writer's thread until purge_ops.done is called. There are no locks
 * because there is nothing shared.
 *
 * Memory. Two caches at most, each bounded by a key: the one being written and the one that fills. A third is
 * never made: a purge that becomes due while the writer works waits for it.
 *
 * Nothing is written twice: rows that could not be written, and rows of bins that are not due, come back in
 * job.kept and are merged into the cache that fills. */
#ifndef FLOWRIB_PLUGINS_PURGE_H
#define FLOWRIB_PLUGINS_PURGE_H

#include <pthread.h>

#include "collector/base/log.h"
#include "collector/base/text.h"
#include "collector/flow/cache.h"
#include "collector/flow/timebin.h"
#include "plugins/plugin.h"

struct purge_job {
	struct cache *cache;
	uint64_t cutoff; /* seconds: rows of bins from here on are kept for the next purge; UINT64_MAX: write
			    all */
	uint64_t now_us; /* time of the purge */
	bool last;	 /* the plugin ends: what is not written now is lost */
	uint64_t newest_bin; /* set by purge_ops.write with time bins: the last one rows may be kept for */
	/* results, by purge_ops.write */
	uint64_t total;	  /* aggregates there were */
	uint64_t written; /* rows written */
	uint64_t failed;  /* rows that could not be written */
	uint64_t late;	  /* rows written whose bin was over and written before */
	uint64_t lost;	  /* failed ones there was no room to keep */
	unsigned files;	  /* files, or whatever holds them, written */
	unsigned errors;  /* of these, failed */
	uint64_t took_us;
	struct text kept; /* records for the next purge, back to back */
	uint32_t kept_records;
};

/* Rows of bins that began at or after the purge's nominal time are not complete; rows far in the future have
 * a wrong time and would wait for ever. Without bins (newest_bin 0) nothing waits. */
static inline bool
purge_must_wait(const struct purge_job *j, const struct layout *l, const uint8_t *record)
{
	uint64_t bin = layout_bin(l, record);
	return j->newest_bin && bin >= j->cutoff && bin <= j->newest_bin;
}

/* A record that is to stay until the next purge. */
void purge_keep(struct purge_job *j, const struct layout *l, const uint8_t *record);
/* One that could not be written. Bounded: a disk that stays full must not fill the memory as well; the rows
 * beyond are lost and counted. */
void purge_keep_failed(struct purge_job *j, const struct layout *l, const uint8_t *record);

/* The keys (enum conf_key) that purging follows; several plugin types have each their own names for them. */
struct purge_keys {
	int refresh;
	int delay;
	int roundoff;
	int cache_max;
};

/* Rows of the plugin's own counters (plugin_setup.own) that purging counts. */
struct purge_rows {
	unsigned delayed;     /* purges that waited for the one before */
	unsigned lost_at_end; /* rows that the last purge could not write */
};

struct purge_ops {
	struct purge_keys keys;
	struct purge_rows rows;
	/* On the writer's thread: writes job->cache out and fills in the results. */
	void (*write)(void *ctx, struct purge_job *job);
	/* On the host's thread, when a purge is over; what it handed back is taken care of. */
	void (*done)(void *ctx, const struct purge_job *job);
};

struct purger {
	struct plugin_host *host;
	const struct plugin_setup *setup;
	const struct purge_ops *ops;
	void *ctx;
	struct cache *cache;
	size_t cache_max;	 /* bytes of a cache */
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
	int give_up_fd; /* readable: the writer is not to wait for others any longer; set once, at the end */
	bool given_up;
	struct purge_job job;
	struct log_limit overflow_limit;
};

/* Makes the cache and schedules the first purge: the next multiple of the refresh time, so it may come early,
 * since aligned times matter more than a full first period. False after logging why; nothing is undone then:
 * the process ends. */
bool purger_start(struct purger *p, struct plugin_host *host, const struct plugin_setup *setup,
		  const struct purge_ops *ops, void *ctx);

/* The hooks of a plugin of this kind call these. */
void purger_records(struct purger *p, const uint8_t *records, uint32_t n);
void purger_tick(struct purger *p, uint64_t now_us);
/* Everything that is held goes out, also bins that are not over. */
void purger_stop(struct purger *p);

#endif
