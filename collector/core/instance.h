/* Plugin instances as the core sees them: what the configuration asks of each, compiled before any process is
 * made. */
#ifndef FLOWRIB_CORE_INSTANCE_H
#define FLOWRIB_CORE_INSTANCE_H

#include <stdbool.h>
#include <sys/types.h>

#include "collector/base/log.h"
#include "collector/base/text.h"
#include "collector/conf/conf.h"
#include "collector/core/correlate.h"
#include "collector/core/folding.h"
#include "collector/flow/filter.h"
#include "collector/flow/layout.h"
#include "collector/flow/networks.h"
#include "plugins/plugin.h"

enum instance_state {
	INSTANCE_DOWN, /* not started yet, or died and waits for its restart */
	INSTANCE_RUNNING,
	INSTANCE_FINISHED, /* ended in good order: will not be started again */
};

/* What happened to an instance, kept by the core and shown in status and metrics. */
enum instance_counter {
	INSTANCE_STARTS,
	INSTANCE_DEATHS,
	INSTANCE_LOST_ENTRIES,
	INSTANCE_UP,
	INSTANCE_COUNTERS
};

struct instance {
	struct plugin_setup setup;
	const struct plugin_ops *ops;
	struct aggregate aggregate;
	struct layout layout;
	struct network_policy policy;
	struct filter *filter;		       /* aggregate_filter; NULL: everything */
	struct folding folding;		       /* ports_file and its like */
	struct counter_block *counters;	       /* enum instance_counter */
	struct counter_block **queue_counters; /* one per source thread, enum queue_counter */
	size_t batch_bytes;		       /* of a queue message */
	uint64_t drops_told;		       /* records dropped on the way to the plugin that were logged */
	struct log_limit drops_limit;
	enum instance_state state;
	pid_t pid;
};

struct instances {
	struct instance *list;
	unsigned n;
	size_t extent;		      /* of struct flow: how much of it all of them together use */
	struct correlate_wants wants; /* what all of them together want of routes */
};

/* Compiles what every instance needs: aggregate, plan, queues (one ring per source thread), counters; marks
 * in needs what decoding must supply. supply tells what the configured sources can fill in (enum supply).
 * False after writing all errors, one a line, to errors. With make_queues false (--check) no memory is shared
 * and no queue made. */
bool instances_prepare(struct instances *all, const struct conf *conf, unsigned threads, unsigned supply,
		       bool make_queues, struct flow_needs *needs, struct text *errors);

/* True when one of them keeps something in the state directory. */
bool instances_need_state(const struct instances *all);

/* Logs, at most once a minute, that records were dropped because the instance's queue was full. */
void instance_watch_queue(struct instance *in);

/* Records that source threads handed over and that no process of the plugin took. Right once the queues are
 * closed and the plugin has ended: until then it is what is on its way. */
uint64_t instance_undelivered(const struct instance *in);

/* At the end: logs what never reached the plugin, if anything. */
void instance_tell_undelivered(const struct instance *in);

/* Frees the list and this process' view of the queues. */
void instances_free(struct instances *all);

#endif
