/* Where a plugin's records come from: the rings of all source threads, or a ZeroMQ socket. The host sees one
 * interface and does not know which it is. */
#ifndef FLOWRIB_PLUGINS_INTAKE_H
#define FLOWRIB_PLUGINS_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "plugins/plugin.h"

struct intake;

/* Takes one batch: n records standing back to back. */
typedef void intake_sink(void *ctx, const uint8_t *records, uint32_t n);

struct intake_ops {
	/* Hands over what is there, at most most messages from each ring; returns how many messages it took.
	 */
	uint32_t (*drain)(struct intake *in, uint32_t most, intake_sink *sink, void *ctx);
	/* True when all writers have closed and everything has been read. */
	bool (*finished)(struct intake *in);
	/* Announces sleep; false when something came meanwhile. */
	bool (*sleep_begin)(struct intake *in);
	void (*sleep_end)(struct intake *in);
	void (*free)(struct intake *in);
};

struct intake {
	const struct intake_ops *ops;
	const struct plugin_setup *setup;
	int fd; /* readable when something comes while asleep */
	/* A millisecond's sleep that is not announced saves the writers a system call a batch; only where the
	 * queue is large enough to hold what comes meanwhile. */
	bool may_nap;
	void *impl;
};

/* Opens the transport that setup asks for. False after logging why. */
bool intake_open(struct intake *in, const struct plugin_setup *setup);
bool intake_open_zmq(struct intake *in, const struct plugin_setup *setup);

#endif
