/* The rings as a plugin's intake: round robin, so that one busy source thread does not starve another. */
#include "plugins/intake.h"

/* A ring from this size on holds more than a millisecond of the fastest source. */
#define NAP_RING_BYTES (1u << 20)

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

static uint32_t
rings_drain(struct intake *in, uint32_t most, intake_sink *sink, void *ctx)
{
	uint32_t taken = 0;
	for (unsigned i = 0; i < in->setup->ring_count; i++)
		taken += drain_ring(in->setup->rings[i], most, sink, ctx);
	return taken;
}

static bool
rings_finished(struct intake *in)
{
	for (unsigned i = 0; i < in->setup->ring_count; i++) {
		if (!ring_finished(in->setup->rings[i]))
			return false;
	}
	return true;
}

static bool
rings_sleep_begin(struct intake *in)
{
	return queue_sleep_begin(in->setup->wake, in->setup->rings, in->setup->ring_count);
}

static void
rings_sleep_end(struct intake *in)
{
	queue_sleep_end(in->setup->wake);
}

static void
rings_free(struct intake *in)
{
	(void)in; /* the rings belong to who made the setup */
}

static const struct intake_ops rings_ops = {rings_drain, rings_finished, rings_sleep_begin, rings_sleep_end,
					    rings_free};

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
