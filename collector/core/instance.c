/* See instance.h. Errors of all instances are collected before anything is refused, so that an operator sees
 * all of them at once. */
#include "collector/core/instance.h"

#include <errno.h>

#include "collector/base/queue.h"
#include "collector/core/netfiles.h"
#include "collector/core/runtime.h"

/* Of a queue message when plugin_buffer_size leaves it to us; chosen by measuring, see docs/performance.md.
 */
#define BATCH_BYTES (32u << 10)

static const struct counter_desc instance_counter_desc[INSTANCE_COUNTERS] = {
    [INSTANCE_STARTS] = {"plugin_starts", NULL, "Processes started for the plugin", COUNTER_SUM},
    [INSTANCE_DEATHS] = {"plugin_deaths", NULL, "Processes of the plugin that died", COUNTER_SUM},
    [INSTANCE_LOST_ENTRIES] = {"plugin_lost_aggregates", NULL,
			       "Aggregates that were held by a plugin process when it died", COUNTER_SUM},
    [INSTANCE_UP] = {"plugin_up", NULL, "Whether the plugin's process runs", COUNTER_GAUGE},
};

/* In the form of the configuration's own messages: the place of the line, the key with the plugin in
 * brackets, what is wrong. */
static void
complain(const struct instance *in, struct text *errors, enum conf_key key, const char *what)
{
	/* conf knows the line of the key, or that it is a default */
	char where[256];
	text_printf(errors, "%s: %s[%s]: %s\n",
		    conf_where(in->setup.conf, in->setup.index, key, where, sizeof(where)),
		    conf_row(key)->name, in->setup.name, what);
}

/* Refuses primitives that nothing in this configuration can fill in. Better a refusal at the start than a
 * column of zeros that nobody can explain a month later. */
static bool
check_supply(struct instance *in, unsigned supply, struct text *errors)
{
	bool ok = true;
	for (unsigned i = 0; i < in->aggregate.n; i++) {
		const struct primitive *p = primitive_get(in->aggregate.id[i]);
		char what[256];
		const char *key =
		    supply & SUPPLY_BGP ? correlate_missing_key(in->setup.conf, p->offset) : NULL;
		if (primitive_supplied(in->aggregate.id[i], supply)) {
			/* a warning: pmacct starts with an empty column, and so do we */
			if (key) {
				snprintf(what, sizeof(what), "'%s' stays empty: set %s", p->name, key);
				complain(in, errors, CONF_aggregate, what);
			}
			continue;
		}
		snprintf(what, sizeof(what), "nothing configured can supply '%s' (%s)", p->name, p->help);
		complain(in, errors, CONF_aggregate, what);
		ok = false;
	}
	return ok;
}

/* Compiled here and not on the source threads: a fault must stop the program before it starts. */
static bool
compile_filter(struct instance *in, struct text *errors)
{
	char err[512];
	const char *expression = conf_string(in->setup.conf, in->setup.index, CONF_aggregate_filter);
	if (!expression)
		return true;
	in->filter = filter_new(expression, err, sizeof(err));
	if (!in->filter)
		complain(in, errors, CONF_aggregate_filter, err);
	return in->filter != NULL;
}

/* The steps depend on each other, so the first fault of an instance ends its compilation; the other
 * instances still get theirs. */
static bool
compile(struct instance *in, unsigned supply, struct text *errors)
{
	char err[512];
	const struct conf *conf = in->setup.conf;
	/* as in pmacct: who names nothing gets sources */
	const char *text = conf_string(conf, in->setup.index, CONF_aggregate);
	if (!aggregate_parse(&in->aggregate, text ? text : "src_host", err, sizeof(err))) {
		complain(in, errors, CONF_aggregate, err);
		return false;
	}
	/* a warning goes the way of an error, but does not count as one */
	if (in->aggregate.warning[0])
		complain(in, errors, CONF_aggregate, in->aggregate.warning);
	if (!check_supply(in, supply, errors))
		return false;
	if (!netfiles_policy(&in->policy, conf, in->setup.index, err, sizeof(err))) {
		text_printf(errors, "plugin %s/%s: %s\n", in->setup.name, in->setup.type, err);
		return false;
	}
	if (!compile_filter(in, errors))
		return false;
	if (!folding_load(&in->folding, conf, in->setup.index, err, sizeof(err))) {
		text_printf(errors, "plugin %s/%s: %s\n", in->setup.name, in->setup.type, err);
		return false;
	}
	/* which keys tell of time bins differs by plugin; one that has none cannot have bins */
	const struct plugin_bins *bins = in->ops->bins;
	struct layout_options options = {
	    .time_bins = bins && conf_is_set(conf, in->setup.index, bins->history),
	    .stitching = bins && conf_bool(conf, in->setup.index, CONF_nfacctd_stitching),
	};
	if (!layout_compile(&in->layout, &in->aggregate, &options, err, sizeof(err))) {
		complain(in, errors, CONF_aggregate, err);
		return false;
	}
	/* last, since the plugin may look at the layout */
	if (in->ops->check && !in->ops->check(&in->setup, err, sizeof(err))) {
		text_printf(errors, "plugin %s/%s: %s\n", in->setup.name, in->setup.type, err);
		return false;
	}
	return true;
}

/* Labels are the Prometheus form; the same text serves status and metrics. */
static struct counter_block *
add_counters(const struct instance *in, const struct counter_desc *desc, unsigned n, int thread)
{
	char labels[160], source[32] = "";
	if (thread >= 0)
		snprintf(source, sizeof(source), ",thread=\"%d\"", thread);
	/* names were checked by conf: no quote and no backslash can be among them */
	snprintf(labels, sizeof(labels), "plugin=\"%s\",type=\"%s\"%s", in->setup.name, in->setup.type,
		 source);
	return counters_add(desc, n, labels);
}

/* All before the spawner forks: the counters' memory is shared, but its list is not, so a block made later
 * would exist in one process only. */
static bool
make_counters(struct instance *in, unsigned threads)
{
	in->counters = add_counters(in, instance_counter_desc, INSTANCE_COUNTERS, -1);
	in->setup.counters = add_counters(in, plugin_counter_desc, PLUGIN_COUNTERS, -1);
	in->queue_counters = calloc(threads, sizeof(*in->queue_counters));
	bool ok = in->counters && in->setup.counters && in->queue_counters;
	if (in->ops->counter_count) {
		in->setup.own = add_counters(in, in->ops->counters, in->ops->counter_count, -1);
		ok = ok && in->setup.own;
	}
	/* one block per producer: counters are plain stores */
	for (unsigned t = 0; ok && t < threads; t++) {
		in->queue_counters[t] = add_counters(in, queue_counter_desc, QUEUE_COUNTERS, (int)t);
		ok = in->queue_counters[t] != NULL;
	}
	return ok;
}

/* A ring has one producer, hence one per source thread. */
static bool
make_rings(struct instance *in, unsigned threads)
{
	in->setup.rings = calloc(threads, sizeof(*in->setup.rings));
	if (!in->setup.rings)
		return false;
	for (unsigned t = 0; t < threads; t++) {
		/* the same size for each thread: which exporter sends most is not known now */
		in->setup.rings[t] = ring_new(
		    conf_uint(in->setup.conf, in->setup.index, CONF_plugin_pipe_size), in->setup.wake);
		if (!in->setup.rings[t])
			return false;
	}
	in->setup.ring_count = threads;
	return true;
}

/* Bytes of a message per plugin_pipe_zmq_profile. */
static const size_t zmq_batch[] = {
    [CONF_ZMQ_MICRO] = 0,	 [CONF_ZMQ_SMALL] = 10u << 10,	[CONF_ZMQ_MEDIUM] = 100u << 10,
    [CONF_ZMQ_LARGE] = 1u << 20, [CONF_ZMQ_XLARGE] = 10u << 20,
};

/* The runtime directory is private, which is the only guard an ipc endpoint has. A profile is a size of
 * messages here; what else pmacct derives from it has no counterpart. */
static void
choose_zmq(struct instance *in)
{
	const struct conf *conf = in->setup.conf;
	int i = in->setup.index;
	struct text endpoint = {0};
	text_printf(&endpoint, "ipc://%s/%s.zmq", runtime_path(conf), in->setup.name);
	in->setup.zmq_endpoint = text_cstr(&endpoint); /* lives as long as the program */
	in->setup.zmq_hwm = (unsigned)conf_uint(conf, i, CONF_plugin_pipe_zmq_hwm);
	size_t profile = zmq_batch[conf_word(conf, i, CONF_plugin_pipe_zmq_profile)];
	/* an explicit size wins over a profile */
	/* 0 is the profile "micro": the usual batch */
	if (profile && !conf_is_set(conf, i, CONF_plugin_buffer_size))
		in->batch_bytes = profile;
}

/* The counters of a queue are written by its source thread, those of the instance by the control thread,
 * those in setup by the plugin: three blocks, so that no two writers share one. */
static bool
make_queues(struct instance *in, unsigned threads, struct text *errors)
{
	if (conf_bool(in->setup.conf, in->setup.index, CONF_plugin_pipe_zmq))
		choose_zmq(in);
	/* the plugin knows the end by hearing it from every writer */
	in->setup.zmq_writers = threads;
	in->setup.wake = queue_wake_new();
	if (in->setup.wake && make_counters(in, threads) &&
	    (in->setup.zmq_endpoint || make_rings(in, threads)))
		return true;
	char what[160];
	snprintf(what, sizeof(what), "cannot make the queue: %s; make it smaller", strerror(errno));
	complain(in, errors, CONF_plugin_pipe_size, what);
	return false;
}

/* A batch must hold a record, and a ring several batches. */
static bool
check_sizes(struct instance *in, struct text *errors)
{
	size_t pipe = conf_uint(in->setup.conf, in->setup.index, CONF_plugin_pipe_size);
	/* eight of the longest records: with fewer the writer waits for the reader on every batch */
	/* the longest record decides, as any record may be that long */
	size_t least = in->layout.max_record + sizeof(struct queue_message);
	in->batch_bytes = conf_uint(in->setup.conf, in->setup.index, CONF_plugin_buffer_size);
	if (in->batch_bytes == 0)
		in->batch_bytes = BATCH_BYTES;
	/* pmacct takes any number here, and so do we: too small a one means a message per record */
	if (in->batch_bytes < in->layout.max_record)
		in->batch_bytes = in->layout.max_record;
	if (pipe >= 8 * least)
		return true;
	char what[160];
	snprintf(what, sizeof(what), "%zu bytes are too few for records of up to %u bytes; use at least %zu",
		 pipe, in->layout.max_record, 8 * least);
	complain(in, errors, CONF_plugin_pipe_size, what);
	return false;
}

/* What this instance reads of a flow, and what its policy must have decoded for that. A byte that is not
 * marked may hold anything: whoever reads another field of a flow in the core has to mark it here. */
static void
mark_needs(struct instance *in, struct correlate_wants *wants, struct flow_needs *all)
{
	struct flow_needs own = {.extent = 0};
	layout_need(&own, &in->layout);
	networks_policy_needs(&in->policy, &own);
	correlate_need(wants, in->setup.conf, &in->policy, &own);
	if (in->filter)
		filter_need(in->filter, &own);
	if (in->layout.bin_offset) { /* which bin, and how a flow is shared among bins */
		FLOW_NEED(&own, timestamp_start);
		FLOW_NEED(&own, timestamp_end);
	}
	for (size_t i = 0; i < sizeof(own.byte); i++)
		/* the decoder serves the sum of what all plugins read */
		all->byte[i] |= own.byte[i];
	if (all->extent < own.extent)
		all->extent = own.extent;
}

/* Sizes are checked with --check too; memory is taken only for a real start. */
static bool
prepare(struct instances *all, struct instance *in, unsigned threads, unsigned supply, bool queues,
	struct flow_needs *needs, struct text *errors)
{
	in->setup.aggregate = &in->aggregate;
	in->setup.layout = &in->layout;
	in->ops = plugin_find(in->setup.type);
	if (!in->ops) {
		text_printf(errors, "plugins: there is no plugin type '%s'; known are:", in->setup.type);
		for (const struct plugin_ops *const *p = plugin_table; *p; p++)
			text_printf(errors, " %s", (*p)->type);
		text_char(errors, '\n');
		return false;
	}
	/* needs are marked only of what compiled */
	if (!compile(in, supply, errors))
		return false;
	mark_needs(in, &all->wants, needs);
	return check_sizes(in, errors) && (!queues || make_queues(in, threads, errors));
}

/* extent is never below the hot part, which decoders clear in any case. */
bool
instances_prepare(struct instances *all, const struct conf *conf, unsigned threads, unsigned supply,
		  bool make, struct flow_needs *needs, struct text *errors)
{
	bool ok = true;
	/* calloc: whoever frees after a failure finds NULL where nothing was made */
	all->n = conf_plugins(conf);
	all->list = calloc(all->n, sizeof(*all->list));
	if (!all->list)
		return false;
	for (unsigned i = 0; i < all->n; i++) {
		struct instance *in = &all->list[i];
		in->setup = (struct plugin_setup){
		    .name = conf_plugin_name(conf, (int)i),
		    .type = conf_plugin_type(conf, (int)i),
		    .index = (int)i,
		    .conf = conf,
		};
		ok = prepare(all, in, threads, supply, make, needs, errors) && ok;
	}
	all->extent = needs->extent > FLOW_HOT_BYTES ? needs->extent : FLOW_HOT_BYTES;
	return ok;
}

/* Told in the log by the control thread: source threads only count. What is held back until the next line
 * is contained in the sum that line gives. */
void
instance_watch_queue(struct instance *in)
{
	uint64_t dropped = 0, held;
	/* both reasons together: to the operator the plugin did not keep up */
	unsigned queues = in->setup.zmq_endpoint ? in->setup.zmq_writers : in->setup.ring_count;
	for (unsigned t = 0; t < queues; t++)
		dropped += counter_read(in->queue_counters[t], QUEUE_DROPPED_FULL) +
			   counter_read(in->queue_counters[t], QUEUE_DROPPED_DEAD);
	if (dropped == in->drops_told || !log_allowed(&in->drops_limit, &held))
		return;
	log_warn("plugin %s/%s: %llu records dropped since the last word of it, its queue was full: the "
		 "plugin does not "
		 "keep up; make plugin_pipe_size[%s] larger, or give it less to do",
		 in->setup.name, in->setup.type, (unsigned long long)(dropped - in->drops_told),
		 in->setup.name);
	in->drops_told = dropped;
}

/* Neither side of a queue can tell this alone: ZeroMQ gives up what it still holds some seconds after the end
 * without a word, and what was in the sockets of a process that died is nobody's. The two ends' counters
 * stand in shared memory, so their difference covers every way to get lost. A process that dies right between
 * counting a batch and releasing it makes its successor count it again, hence the comparison. */
uint64_t
instance_undelivered(const struct instance *in)
{
	uint64_t handed = 0, taken = counter_read(in->setup.counters, PLUGIN_RECORDS);
	/* writers are one per source thread, whatever the transport */
	for (unsigned t = 0; t < in->setup.zmq_writers; t++)
		handed += counter_read(in->queue_counters[t], QUEUE_RECORDS);
	return handed > taken ? handed - taken : 0;
}

/* In the log only, as nobody can ask for a counter any more. */
void
instance_tell_undelivered(const struct instance *in)
{
	uint64_t lost = instance_undelivered(in);
	if (lost)
		log_error("plugin %s/%s: %llu records were still on their way to it when it ended, or when a "
			  "process of it died, and are lost",
			  in->setup.name, in->setup.type, (unsigned long long)lost);
}

/* Counters stay: they live in an arena that goes with the process. */
void
instances_free(struct instances *all)
{
	for (unsigned i = 0; i < all->n; i++) {
		struct instance *in = &all->list[i];
		for (unsigned t = 0; t < in->setup.ring_count; t++)
			ring_free(in->setup.rings[t]);
		if (in->setup.wake)
			queue_wake_free(in->setup.wake);
		filter_free(in->filter);
		folding_free(&in->folding);
		free(in->setup.rings);
		free(in->queue_counters);
		free((void *)(uintptr_t)in->setup.zmq_endpoint);
	}
	free(all->list);
}

bool
instances_need_state(const struct instances *all)
{
	bool need = false;
	for (unsigned i = 0; i < all->n; i++)
		need |= all->list[i].ops->needs_state;
	return need;
}
