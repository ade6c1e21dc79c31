/* A plugin to copy: it counts records and says so once a minute.
 *
 * It is built in every run so that it cannot rot. To make a plugin of it: rename the file and the table at
 * the end, add its name to table.c and the file to local.mk, and replace what the hooks do. A hook that has
 * nothing to do is left out of the table. */
#include <inttypes.h>

#include "collector/base/clock.h"
#include "collector/base/log.h"
#include "plugins/plugin.h"

#define TEMPLATE_PERIOD_US (60 * US_PER_S)

/* Rows of the plugin's own: status and metrics show them with the instance's name. */
enum template_counter { TEMPLATE_PACKETS, TEMPLATE_COUNTERS };

static const struct counter_desc template_counter_desc[TEMPLATE_COUNTERS] = {
    [TEMPLATE_PACKETS] = {"template_packets", NULL, "Packets of the records seen", COUNTER_SUM},
};

struct template
{
	struct plugin_host *host;
	const struct plugin_setup *setup;
	uint64_t records;
	uint64_t packets;
};

/* The state is the plugin's own; whatever start() returns is handed to every other hook. Failing here ends
 * the process, and the supervisor tries again later. */
static void *
template_start(struct plugin_host *host, const struct plugin_setup *setup)
{
	struct template *t = calloc(1, sizeof(*t));
	if (!t) {
		log_error("no memory to start");
		return NULL;
	}
	t->host = host;
	t->setup = setup;
	plugin_host_wake_at(host, clock_now_us() + TEMPLATE_PERIOD_US);
	return t;
}

/* Records stand back to back; the layout tells where one ends and where its counters are. */
static void
template_records(void *state, const uint8_t *records, uint32_t n)
{
	struct template *t = state;
	const struct layout *l = t->setup->layout;
	uint64_t before = t->packets;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t packets;
		/* packets are always the first counter; memcpy, since keys of variable length may be anywhere
		 */
		memcpy(&packets, records + layout_key_size(l, records), sizeof(packets));
		t->packets += packets;
		records += layout_record_size(l, records);
	}
	t->records += n;
	counter_add(t->setup->own, TEMPLATE_PACKETS,
		    t->packets - before); /* once a batch, not once a record */
}

/* The log line is once a minute, never once a record or batch. */
static void
template_report(struct template *t)
{
	log_info("%" PRIu64 " records, %" PRIu64 " packets", t->records, t->packets);
	t->records = t->packets = 0;
	counter_add(t->setup->counters, PLUGIN_PURGES, 1);
}

/* One time is kept by the host, so the next one is asked for each time. A plugin that must keep to full
 * minutes computes it from the clock instead of adding. */
static void
template_tick(void *state, uint64_t now_us)
{
	struct template *t = state;
	template_report(t);
	plugin_host_wake_at(t->host, now_us + TEMPLATE_PERIOD_US);
}

/* The last call: write out what is held, free what is yours. The process ends next. */
static void
template_stop(void *state)
{
	template_report(state);
	free(state);
}

const struct plugin_ops template_plugin = {
    .type = "template",
    .help = "counts records; the one to copy for a plugin of your own",
    .start = template_start,
    .records = template_records,
    .tick = template_tick,
    .stop = template_stop,
    .counters = template_counter_desc,
    .counter_count = TEMPLATE_COUNTERS,
};
