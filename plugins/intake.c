/* The rings as a plugin's intake: round robin, so that one busy source thread does not starve another. */
#include "plugins/intake.h"

/* A ring from this size on holds more than a millisecond of the fastest source. */
#define NAP_RING_BYTES (1u << 20)

/* A message is released only after the sink has taken it: a plugin that dies in the middle leaves it in the
 * ring for its successor, so a crash loses what was held, not what was queued. */
static uint32_t
drain_ring(struct ring *ring, uint32_t most, intake_sink *sink, void *ctx)
{
	uint32_t taken = 0;
	const struct queue_message *m;

	while (taken < most && (m = ring_peek(ring))) {
		sink(ctx, (const uint8_t *)(m + 1), m->records);
		ring_release(ring, m);
		taken++;
	}
	return taken;
}

/* Each ring has the same allowance a round. Their fill levels differ when exporters do, and an exporter
 * always lands on the same ring. */
static uint32_t
rings_drain(struct intake *in, uint32_t most, intake_sink *sink, void *ctx)
{
	uint32_t taken = 0;
	for (unsigned i = 0; i < in->setup->ring_count; i++)
		taken += drain_ring(in->setup->rings[i], most, sink, ctx);
	return taken;
}

/* A ring counts as finished when its writer closed it and the last message is out; one that was never written
 * to is finished at once when closed. */
static bool
rings_finished(struct intake *in)
{
	for (unsigned i = 0; i < in->setup->ring_count; i++) {
		if (!ring_finished(in->setup->rings[i]))
			return false;
	}
	return true;
}

/* Raises the flag that makes writers use the eventfd, then looks at all rings again: without the second look
 * a push between the two would wake nobody. */
static bool
rings_sleep_begin(struct intake *in)
{
	return queue_sleep_begin(in->setup->wake, in->setup->rings, in->setup->ring_count);
}

/* Lowers the flag first: from here on writers push without a system call. */
static void
rings_sleep_end(struct intake *in)
{
	queue_sleep_end(in->setup->wake);
}

/* Nothing to do, but the hook stays: the host calls it whatever the transport is. */
static void
rings_free(struct intake *in)
{
	(void)in; /* the rings belong to who made the setup */
}

static const struct intake_ops rings_ops = {rings_drain, rings_finished, rings_sleep_begin, rings_sleep_end,
					    rings_free};

/* Small rings never nap: a millisecond of a fast source would overrun them. */
bool
intake_open(struct intake *in, const struct plugin_setup *setup)
{
	if (setup->zmq_endpoint)
		return intake_open_zmq(in, setup);
	*in = (struct intake){.ops = &rings_ops, .setup = setup, .fd = setup->wake->fd, .may_nap = true};
	for (unsigned i = 0; i < setup->ring_count; i++) {
		if (ring_size(setup->rings[i]) < NAP_RING_BYTES)
			in->may_nap = false;
	}
	return true;
}
