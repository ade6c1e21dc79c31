/* Fan-out: a batch of flows becomes, per plugin, packed records in that plugin's queue.
 *
 * One struct fanout per source thread. A channel is what one plugin wants of this thread's flows: its filter,
 * its changes, its plan, its queue. Flows are only read here; what a channel changes it changes on a copy. */
#ifndef FLOWRIB_CORE_FANOUT_H
#define FLOWRIB_CORE_FANOUT_H

#include "collector/core/instance.h"
#include "collector/flow/flow.h"
#include "collector/flow/networks.h"

struct fanout;

/* The thread-th fan-out over all instances: compiles filters and reads list files. lossless: wait for room in
 * a queue instead of dropping (capture files), until *stop becomes true. routes: where flows' routes are,
 * NULL without BGP. NULL with a message in err. */
struct fanout *fanout_new(struct instances *all, const struct conf *conf, unsigned thread,
			  const struct bgp_sources *routes, bool lossless, const _Atomic bool *stop,
			  char *err, size_t errlen);

/* Opens the queues' writing ends; in the core process, after the spawner was forked. False with a message. */
bool fanout_open(struct fanout *f, char *err, size_t errlen);

/* A flow_sink: packs the batch for every channel. ctx is the struct fanout. */
void fanout_sink(void *ctx, struct flow_batch *batch);

/* Publishes what is in progress in every queue. */
void fanout_flush(struct fanout *f);

/* Uses the fresh contents of a networks file in the place of the old ones. On the thread that owns f. */
void fanout_replace(struct fanout *f, const struct networks *old, const struct networks *fresh);

/* Another transform for an instance, or none. On the thread that owns f. */
void fanout_set_transform(struct fanout *f, unsigned instance, const struct transform *t);

/* Publishes, and tells every plugin that no more comes. */
void fanout_close(struct fanout *f);

void fanout_free(struct fanout *f);

#endif
