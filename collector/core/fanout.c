/* See fanout.h. The loop over channels is outside, the loop over flows inside: a channel's plan, filter and
 * queue stay in the cache while the batch goes through. */
#include "collector/core/fanout.h"

#include <time.h>

#include "collector/base/clock.h"
#include "collector/base/queue_zmq.h"
#include "collector/core/netfiles.h"
#include "collector/flow/timebin.h"

#define TIMES_MAX   8	 /* time primitives there are, with room to spare */
#define SLOTS_AHEAD 1024 /* bytes; measured */

struct channel {
	struct queue_writer writer;
	struct instance *instance;
	struct network_policy policy;
	uint32_t sampling_rate;	      /* 0: take every flow */
	uint64_t random;	      /* state of the generator that picks one flow in sampling_rate */
	uint64_t post_tag, post_tag2; /* 0: not set */
	bool changes;		      /* flows are changed for this channel alone, on a copy */
	/* networks and AS numbers from elsewhere than what the other channels want */
	bool own_policy;
	const struct layout *layout;
	const struct filter *filter;	   /* NULL: everything */
	const struct transform *transform; /* NULL: flows as they are */
	uint16_t whole_seconds[TIMES_MAX]; /* timestamps_secs: places of times in the key that lose their
					      fraction */
	unsigned times;
	/* keeps the last bin it found: consecutive flows mostly fall into the same one */
	struct timebin bin;
	bool bins;
	bool pro_rating;
};

struct fanout {
	struct channel *channel;
	unsigned channels;
	unsigned thread;
	size_t extent; /* bytes of a flow that are in use */
	struct network_policy
	    *policy;	   /* of all channels alike, applied once to the batch; NULL: none, or each its own */
	bool arrival_bins; /* bins follow the time of arrival instead of the flow's start */
	struct correlate *correlate; /* NULL: no plugin wants anything of routes */
	bool lossless;
	const _Atomic bool *stop;
};

/* Where a record of the channel goes; NULL when it has to be dropped. The slot is in the queue's memory:
 * what is packed there needs no copy. */
static uint8_t *
channel_slot(struct fanout *f, struct channel *c)
{
	uint8_t *slot = queue_slot(&c->writer, c->layout->max_record);
	if (likely(slot != NULL)) {
		/* the plugin's processor has read it since: asking for it early is worth a tenth of a record
		 */
		__builtin_prefetch(slot + SLOTS_AHEAD, 1);
		return slot;
	}
	/* a capture file can wait, a router cannot: only for the former is a full queue a reason to pause */
	while (f->lossless && !atomic_load_explicit(f->stop, memory_order_relaxed)) {
		const struct timespec nap = {.tv_nsec = 100000};
		nanosleep(&nap, NULL);
		slot = queue_slot(&c->writer, c->layout->max_record);
		if (slot)
			return slot;
	}
	/* counted where it happens, told of by the control thread */
	queue_drop(&c->writer, 1);
	return NULL;
}

/* Rows that would be shown with the same time are one row: the fraction goes before aggregation. */
static void
drop_fractions(const struct channel *c, uint8_t *key)
{
	for (unsigned i = 0; i < c->times; i++) {
		uint64_t us;
		memcpy(&us, key + c->whole_seconds[i], sizeof(us));
		us -= us % US_PER_S;
		memcpy(key + c->whole_seconds[i], &us, sizeof(us));
	}
}

/* One record, or two for sum_*. A second slot is asked for only after the first record was pushed, since
 * pushing moves the place where the next one goes. */
static void
emit(struct fanout *f, struct channel *c, const struct flow *flow, uint64_t bin)
{
	const struct layout *l = c->layout;
	uint8_t *slot = channel_slot(f, c);
	if (likely(slot != NULL)) {
		size_t n = layout_pack(l, flow, slot);
		if (c->bins)
			layout_set_bin(l, slot, bin);
		if (c->times)
			drop_fractions(c, slot);
		queue_push(&c->writer, n);
	}
	if (l->sum && (slot = channel_slot(f, c))) {
		size_t n = layout_pack_reverse(l, flow, slot);
		if (c->bins)
			layout_set_bin(l, slot, bin);
		if (c->times)
			drop_fractions(c, slot);
		queue_push(&c->writer, n);
	}
}

/* The time a flow is booked at: its start when it has one, else its arrival. */
static uint64_t
booking_time(const struct fanout *f, const struct flow *flow)
{
	return f->arrival_bins || !flow->timestamp_start ? flow->timestamp_arrival : flow->timestamp_start;
}

/* Splits a flow that spans several bins among them, in proportion to time. Each part is a whole flow but
 * for its counters, so that everything downstream sees nothing special. */
static void
emit_pro_rated(struct fanout *f, struct channel *c, const struct flow *flow)
{
	struct timebin_share share;
	struct timebin_split split = timebin_split_begin(&c->bin, flow->timestamp_start, flow->timestamp_end,
							 flow->packets, flow->bytes, flow->flows);
	while (timebin_split_next(&split, &share)) {
		struct flow part = *flow;
		/* shares add up to the whole: the last one gets what rounding left */
		part.packets = share.packets;
		part.bytes = share.bytes;
		part.flows = share.flows;
		emit(f, c, &part, share.start);
	}
}

/* A flow without both times cannot be spread over bins; it is booked where it began. */
static void
channel_flow(struct fanout *f, struct channel *c, const struct flow *flow)
{
	if (c->pro_rating && flow->timestamp_end > flow->timestamp_start && flow->timestamp_start)
		emit_pro_rated(f, c, flow);
	else
		emit(f, c, flow, c->bins ? timebin_of(&c->bin, booking_time(f, flow)) : 0);
}

/* What the exporter's routing table says about the i-th flow of the batch. */
static const struct network_routes *
routes_of(const struct fanout *f, unsigned i)
{
	return f->correlate ? correlate_routes(f->correlate, i) : NULL;
}

/* What only this channel wants changed. The other channels must see the flow as it was. */
static struct flow *
change(const struct fanout *f, const struct channel *c, const struct flow *flow,
       const struct network_routes *routes, struct flow *copy)
{
	/* what nobody reads is not copied */
	memcpy(copy, flow, f->extent);
	if (c->own_policy)
		networks_apply(&c->policy, copy, routes);
	if (c->post_tag)
		copy->tag = c->post_tag;
	if (c->post_tag2)
		copy->tag2 = c->post_tag2;
	return copy;
}

/* True for one flow in sampling_rate, at random (the generator is Marsaglia's xorshift). Scaling the upper
 * half by the rate avoids both a division and the bias of a remainder. */
static bool
sampled(struct channel *c)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return (c->random >> 32) * c->sampling_rate >> 32 == 0;
}

/* The order is a promise: the filter sees the flow as it was decoded, sampling decides before anything is
 * copied, and lists of ports and the like come last, so that they fold what tags and networks were made
 * from. */
static void
channel_batch(struct fanout *f, struct channel *c, const struct flow_batch *batch)
{
	struct flow copy;
	struct transform_saved saved;
	for (unsigned i = 0; i < batch->n; i++) {
		struct flow *flow = flow_at(batch, i);
		if (c->filter && !filter_match(c->filter, flow))
			continue;
		if (c->sampling_rate && !sampled(c))
			continue;
		if (c->changes)
			flow = change(f, c, flow, routes_of(f, i), &copy);
		if (c->transform)
			transform_apply(c->transform, flow, &saved);
		channel_flow(f, c, flow);
		if (c->transform)
			transform_restore(flow, &saved);
	}
}

/* A policy that all plugins share is applied to the flows themselves, once; what differs is applied to
 * copies, channel by channel. */
void
fanout_sink(void *ctx, struct flow_batch *batch)
{
	struct fanout *f = ctx;
	/* what flows point to in the store of routes is held until all channels have packed it */
	if (f->correlate)
		correlate_begin(f->correlate, batch);
	if (f->policy)
		for (unsigned i = 0; i < batch->n; i++)
			networks_apply(f->policy, flow_at(batch, i), routes_of(f, i));
	for (unsigned i = 0; i < f->channels; i++)
		channel_batch(f, &f->channel[i], batch);
	if (f->correlate)
		correlate_end(f->correlate);
}

/* Called after every batch of datagrams: without it records would wait in half-full messages for as long as
 * traffic is slow. */
void
fanout_flush(struct fanout *f)
{
	for (unsigned i = 0; i < f->channels; i++)
		queue_flush(&f->channel[i].writer);
}

/* The places of times in the key, found once: packing is not to look for them. */
static void
find_times(struct channel *c)
{
	for (unsigned i = 0; i < c->layout->fields && c->times < TIMES_MAX; i++) {
		const struct layout_field *f = &c->layout->field[i];
		if (primitive_get(f->id)->type == VALUE_TIME)
			c->whole_seconds[c->times++] = f->offset;
	}
}

/* The channel's part of the configuration. Everything that would have to be asked of the configuration per
 * flow is asked here, once. */
static bool
channel_init(struct channel *c, struct instance *in, char *err, size_t errlen)
{
	const struct conf *conf = in->setup.conf;
	const struct plugin_bins *keys = in->ops->bins;
	int i = in->setup.index;
	c->instance = in;
	c->layout = &in->layout;
	c->filter = in->filter;
	c->transform = in->folding.transform;
	c->bins = in->layout.bin_offset != 0;
	if (conf_bool(conf, i, CONF_timestamps_secs))
		find_times(c);
	c->sampling_rate = (uint32_t)conf_uint(conf, i, CONF_sampling_rate);
	/* never zero, where the generator would stay for ever */
	c->random = clock_now_us() | 1;
	c->post_tag = conf_uint(conf, i, CONF_post_tag);
	c->post_tag2 = conf_uint(conf, i, CONF_post_tag2);
	c->changes = c->post_tag || c->post_tag2;
	/* a copy of its own: reload changes pointers in it on this thread only */
	c->policy = in->policy;
	c->pro_rating = c->bins && conf_bool(conf, i, CONF_nfacctd_pro_rating);
	if (!c->bins)
		return true;
	struct conf_span span = conf_span(conf, i, keys->history);
	return timebin_init(&c->bin, span.seconds, span.months, conf_uint(conf, i, keys->offset),
			    conf_string(conf, i, keys->roundoff), clock_now_us(), err, errlen);
}

/* When all plugins want networks and AS numbers from the same place, they are looked up once, not once a
 * plugin. Looking up in a full table is the dearest step of a flow, so this is worth the comparison at the
 * start. */
static void
choose_policies(struct fanout *f, const struct instances *all)
{
	bool same = true;
	for (unsigned i = 0; i < f->channels; i++)
		same = same && netfiles_same_policy(&f->channel[i].policy, &f->channel[0].policy);
	for (unsigned i = 0; i < f->channels; i++) {
		struct channel *c = &f->channel[i];
		bool wants = c->policy.want[0] || c->policy.want[1];
		c->own_policy = !same && wants;
		c->changes |= c->own_policy;
		if (same && wants) {
			f->policy = &f->channel[0].policy;
			f->policy->want[0] |= c->policy.want[0];
			f->policy->want[1] |= c->policy.want[1];
		}
	}
	f->extent = all->extent;
}

/* Counters are made here, before processes fork, so also without routes yet. */
static bool
make_correlate(struct fanout *f, const struct instances *all, const struct conf *conf,
	       const struct bgp_sources *routes, char *err, size_t errlen)
{
	char labels[32];
	if (!routes || (!all->wants.side[0] && !all->wants.side[1]))
		return true;
	snprintf(labels, sizeof(labels), "thread=\"%u\"", f->thread);
	f->correlate = correlate_new(conf, &all->wants, routes, labels, err, errlen);
	return f->correlate != NULL;
}

/* Channels keep the order of instances: a reload names them by that index. */
struct fanout *
fanout_new(struct instances *all, const struct conf *conf, unsigned thread, const struct bgp_sources *routes,
	   bool lossless, const _Atomic bool *stop, char *err, size_t errlen)
{
	struct fanout *f = calloc(1, sizeof(*f));
	if (f)
		f->channel = calloc(all->n, sizeof(*f->channel));
	if (!f || !f->channel) {
		snprintf(err, errlen, "no memory for the plugins' channels");
		free(f);
		return NULL;
	}
	f->channels = all->n;
	f->thread = thread;
	f->arrival_bins = conf_bool(conf, CONF_CORE, CONF_nfacctd_time_new);
	f->lossless = lossless;
	f->stop = stop;
	for (unsigned i = 0; i < all->n; i++)
		if (!channel_init(&f->channel[i], &all->list[i], err, errlen))
			goto fail;
	if (!make_correlate(f, all, conf, routes, err, errlen))
		goto fail;
	choose_policies(f, all);
	return f;
fail:
	fanout_free(f);
	return NULL;
}

/* ZeroMQ makes threads, which the spawner must not inherit: hence not in fanout_new, which runs before it
 * is forked. */
bool
fanout_open(struct fanout *f, char *err, size_t errlen)
{
	for (unsigned i = 0; i < f->channels; i++) {
		struct channel *c = &f->channel[i];
		struct instance *in = c->instance;
		struct counter_block *counters = in->queue_counters[f->thread];
		if (!in->setup.zmq_endpoint)
			ring_writer_init(&c->writer, in->setup.rings[f->thread], in->batch_bytes, counters);
		else if (!queue_zmq_writer_init(&c->writer, in->setup.zmq_endpoint, in->batch_bytes,
						in->setup.zmq_hwm, counters, err, errlen))
			return false;
	}
	return true;
}

/* Pointers only: the caller frees the old contents when every thread has been here. */
void
fanout_replace(struct fanout *f, const struct networks *old, const struct networks *fresh)
{
	for (unsigned i = 0; i < f->channels; i++)
		if (f->channel[i].policy.file == old)
			f->channel[i].policy.file = fresh;
}

/* As with networks, the caller owns both, the old one and the new one. */
void
fanout_set_transform(struct fanout *f, unsigned instance, const struct transform *t)
{
	f->channel[instance].transform = t;
}

/* The consumer sees the end only after what was published before; it drains and leaves in order. */
void
fanout_close(struct fanout *f)
{
	for (unsigned i = 0; i < f->channels; i++)
		queue_close(&f->channel[i].writer);
}

/* The queues' memory belongs to the instances. */
void
fanout_free(struct fanout *f)
{
	if (!f)
		return;
	correlate_free(f->correlate);
	free(f->channel);
	free(f);
}
