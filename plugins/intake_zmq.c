/* A ZeroMQ socket as a plugin's intake. What comes over a socket is not believed: a batch whose records do
 * not fit the plan is dropped whole and counted.
 *
 * The library runs threads of its own in this process; all calls here come from the host's one thread, as
 * ZeroMQ demands of a socket. */
#include "plugins/intake.h"

#include "collector/base/log.h"
#include "collector/base/queue_zmq.h"

/* The endpoint is a path that another local process could connect to; from here on plugins walk records by
 * the lengths found in them, without checks of their own. */
static bool
batch_valid(struct intake *in, const struct queue_message *m)
{
	static struct log_limit limit;
	uint64_t held;

	if (layout_records_valid(in->setup->layout, (const uint8_t *)(m + 1), m->bytes, m->records))
		return true;
	counter_add(in->setup->counters, PLUGIN_INVALID, m->records);
	if (log_allowed(&limit, &held))
		log_warn("plugin_pipe_zmq: dropped a batch of %u records that is not of this plugin's "
			 "making; does "
			 "something else write to '%s'?",
			 m->records, in->setup->zmq_endpoint);
	return false;
}

/* A batch that is refused still counts as taken: else a stream of bad ones would look like an idle queue and
 * the loop would sleep. */
static uint32_t
zmq_drain(struct intake *in, uint32_t most, intake_sink *sink, void *ctx)
{
	const struct queue_message *m;
	uint32_t taken = 0;

	while (taken < most && (m = queue_zmq_receive(in->impl))) {
		if (batch_valid(in, m))
			sink(ctx, (const uint8_t *)(m + 1), m->records);
		taken++;
	}
	counter_add(in->setup->counters, PLUGIN_INVALID, queue_zmq_malformed(in->impl));
	return taken;
}

/* Every source thread says goodbye in the stream itself, so the end cannot overtake records. */
static bool
zmq_finished(struct intake *in)
{
	return queue_zmq_finished(in->impl);
}

/* ZeroMQ's descriptor is edge-triggered: it may stay silent although messages wait. So they are asked for
 * before each sleep. */
static bool
zmq_sleep_begin(struct intake *in)
{
	return !queue_zmq_pending(in->impl);
}

/* There is no flag to take back; the library wakes by itself. */
static void
zmq_sleep_end(struct intake *in)
{
	(void)in;
}

/* Closes without lingering; what the library still holds was counted by the writers as sent. */
static void
zmq_free(struct intake *in)
{
	queue_zmq_reader_free(in->impl);
}

static const struct intake_ops zmq_ops = {zmq_drain, zmq_finished, zmq_sleep_begin, zmq_sleep_end, zmq_free};

/* No naps here: the socket wakes us with one event for many messages, and a nap would only delay the drain.
 */
bool
intake_open_zmq(struct intake *in, const struct plugin_setup *setup)
{
	char err[256];
	struct queue_zmq_reader *r =
	    queue_zmq_reader_new(setup->zmq_endpoint, setup->zmq_hwm, setup->zmq_writers, err, sizeof(err));

	if (!r) {
		log_error("%s", err);
		return false;
	}
	*in = (struct intake){.ops = &zmq_ops, .setup = setup, .fd = queue_zmq_fd(r), .impl = r};
	return true;
}
