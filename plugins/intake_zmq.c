/* A ZeroMQ socket as a plugin's intake. What comes over a socket is not believed: a batch whose records do
 * not fit the plan is dropped whole and counted. */
#include "plugins/intake.h"

#include "collector/base/log.h"
#include "collector/base/queue_zmq.h"

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

static bool
zmq_finished(struct intake *in)
{
	return queue_zmq_finished(in->impl);
}

static bool
zmq_sleep_begin(struct intake *in)
{
	return !queue_zmq_pending(in->impl);
}

static void
zmq_sleep_end(struct intake *in)
{
	(void)in;
}

static void
zmq_free(struct intake *in)
{
	queue_zmq_reader_free(in->impl);
}

static const struct intake_ops zmq_ops = {zmq_drain, zmq_finished, zmq_sleep_begin, zmq_sleep_end, zmq_free};

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
