/* What a plugin is, and the host that runs it.
 *
 * A plugin instance is a process. The host owns everything that plugins have in common: draining the queues
 * in batches, timers, watched descriptors, signals, the orderly end. A plugin is a table of hooks, NULL
 * meaning "does not apply", and sees packed records only. A new plugin is one file and one line in
 * plugins/table.c; plugins/template.c is the one to copy. Hooks run on one thread and never wait: what takes
 * long is cut into slices or given to a thread of the plugin's own. */
#ifndef FLOWRIB_PLUGINS_PLUGIN_H
#define FLOWRIB_PLUGINS_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/counters.h"
#include "collector/base/queue.h"
#include "collector/flow/layout.h"

struct conf;
struct text;

/* What the core prepared for an instance before processes were made. All of it lives as long as the process.
 */
struct plugin_setup {
	const char *name; /* "default_print", "foo" */
	const char *type; /* "print" */
	int index;	  /* of this instance in the configuration, for conf_*() */
	const struct conf *conf;
	const struct aggregate *aggregate;
	const struct layout *layout;
	struct ring **rings; /* one per source thread; none with ZeroMQ as transport */
	unsigned ring_count;
	struct queue_wake *wake;
	const char *zmq_endpoint; /* NULL with rings */
	unsigned zmq_hwm;	  /* messages that may wait at the plugin's end, 0: no limit */
	unsigned zmq_writers;	  /* one per source thread: the plugin ends in order when all have closed */
	struct counter_block *counters; /* enum plugin_counter */
	struct counter_block *own;	/* plugin_ops.counters; NULL when the plugin has none */
	int restarts;			/* 0 for the first process of this instance */
};

/* Rows every plugin process counts by; a plugin's own rows come in a block of their own. */
enum plugin_counter {
	PLUGIN_RECORDS,	 /* records taken from the queue */
	PLUGIN_ENTRIES,	 /* gauge: aggregates held */
	PLUGIN_BYTES,	 /* gauge: memory of the cache */
	PLUGIN_OVERFLOW, /* records that found no place in the cache */
	PLUGIN_PURGES,
	PLUGIN_ROWS_WRITTEN,
	PLUGIN_WRITE_ERRORS,
	PLUGIN_INVALID, /* records refused because they were not well-formed (ZeroMQ transport) */
	PLUGIN_COUNTERS
};
extern const struct counter_desc plugin_counter_desc[PLUGIN_COUNTERS];

struct plugin_host;

/* The keys (enum conf_key) that give a plugin's aggregates time bins. The core puts the bin into the record.
 */
struct plugin_bins {
	int history;
	int offset;
	int roundoff;
};

struct plugin_ops {
	const char *type;
	const char *help;
	/* Before any process is made, also for --check: are the keys of this instance possible? False with a
	 * message. */
	bool (*check)(const struct plugin_setup *setup, char *err, size_t errlen);
	/* Appends the statements that make the tables it writes to, for --sql-schema; NULL: it has none.
	 * False with a message. */
	bool (*schema)(const struct plugin_setup *setup, struct text *out, char *err, size_t errlen);
	/* In the plugin's process. Returns the plugin's state, or NULL after logging why (the instance then
	 * ends). */
	void *(*start)(struct plugin_host *host, const struct plugin_setup *setup);
	/* A batch from the queue: n packed records back to back. */
	void (*records)(void *state, const uint8_t *records, uint32_t n);
	/* The time asked for with plugin_host_wake_at has come. */
	void (*tick)(void *state, uint64_t now_us);
	/* SIGUSR2: files the plugin owns are to be read again. */
	void (*reload)(void *state);
	/* The queue is closed and drained, or SIGINT came: write out everything held. The last call; it may
	 * take its time. Slices and ticks no longer come. */
	void (*stop)(void *state);
	const struct plugin_bins *bins; /* NULL: no time bins, no stitching */
	bool needs_state;		/* has something in state_dir, which is made for it */
	/* Rows of the plugin's own for the registry; the block comes as setup->own, made before any process.
	 * A name stands for one thing in all plugins, so it begins with the type's. */
	const struct counter_desc *counters;
	unsigned counter_count; /* 0: none */
};

/* All plugins there are, ended by NULL; by type name (any case), NULL when unknown. */
extern const struct plugin_ops *const plugin_table[];
const struct plugin_ops *plugin_find(const char *type);

/* Runs an instance in the current process until its queues are closed and drained or SIGINT/SIGTERM asks it
 * to end; returns the exit status: 0 an orderly end, 1 it could not start. SIGHUP reopens the log, SIGUSR2
 * calls reload. */
int plugin_run(const struct plugin_ops *ops, const struct plugin_setup *setup);

/* --- services for hooks --- */

/* Calls fn when fd is ready for events (EPOLLIN, EPOLLOUT). Again for the same fd changes the events, 0
 * removes it. */
typedef void plugin_fd_ready(void *ctx, int fd, uint32_t events);
bool plugin_host_watch(struct plugin_host *host, int fd, uint32_t events, plugin_fd_ready *fn, void *ctx);

/* Asks for tick at a wall-clock time in microseconds since the epoch; one time is kept, 0 cancels. */
void plugin_host_wake_at(struct plugin_host *host, uint64_t when_us);

/* Asks for fn to be called between batches as long as it returns true: for work cut into slices. One at a
 * time. */
typedef bool plugin_slice(void *ctx);
void plugin_host_slices(struct plugin_host *host, plugin_slice *fn, void *ctx);

#endif
