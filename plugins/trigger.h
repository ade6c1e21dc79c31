/* *_trigger_exec: a program to run after a purge.
 *
 * It is run directly, without a shell and without arguments. Unless asynchronous, one runs at a time: what
 * becomes due meanwhile is run once when it has ended. Asynchronous ones run side by side, up to TRIGGER_MAX.
 * Ended ones are reaped through descriptors that the host watches, so nothing waits and no zombie stays. */
#ifndef FLOWRIB_PLUGINS_TRIGGER_H
#define FLOWRIB_PLUGINS_TRIGGER_H

#include <stdbool.h>

#include "plugins/plugin.h"

#define TRIGGER_MAX 16

struct trigger {
	struct plugin_host *host;
	const char *program; /* NULL: none */
	bool async;
	bool due;
	unsigned running;
	struct counter_block *counters; /* of the plugin; its row failure_row counts what went wrong */
	unsigned failure_row;
};

/* program must outlive t; NULL makes a trigger that does nothing. */
void trigger_init(struct trigger *t, struct plugin_host *host, const char *program, bool async,
		  struct counter_block *counters, unsigned failure_row);
/* Runs the program with the environment of this process. */
void trigger_fire(struct trigger *t);
/* For the plugin's last purge: starts the program whatever is running, and leaves it to itself. */
void trigger_fire_last(struct trigger *t);

#endif
