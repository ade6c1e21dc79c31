/* What the unit tests of plugins stand on: an instance's setup with real rings, and the plugin running in a
 * process of its own as it does in the daemon. */
#ifndef FLOWRIB_PLUGINS_TESTBED_H
#define FLOWRIB_PLUGINS_TESTBED_H

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "plugins/plugin.h"

#define TESTBED_RINGS_MAX 4

struct testbed {
	struct plugin_setup setup;
	struct ring *ring[TESTBED_RINGS_MAX];
	struct queue_writer writer[TESTBED_RINGS_MAX];
	struct counter_block *queue_counters[TESTBED_RINGS_MAX];
	pid_t pid;
};

/* Makes rings and counters; layout, conf and the rest of setup are the caller's to fill in. Any failure ends
 * the test program. */
void testbed_open(struct testbed *t, const char *name, const char *type, unsigned rings, size_t ring_bytes);
/* Starts the plugin in a child. */
void testbed_start(struct testbed *t, const struct plugin_ops *ops);
/* Queues one record of n bytes; waits while the ring is full. */
void testbed_send(struct testbed *t, unsigned ring, const void *record, size_t n);
void testbed_flush(struct testbed *t);
/* Closes the queues, so that the plugin ends in order. */
void testbed_finish(struct testbed *t);
/* The child's exit status, -1 when it was killed by a signal or did not end within seconds (it is killed
 * then). */
int testbed_wait(struct testbed *t, unsigned seconds);
/* Waits until counter id of the plugin's block is at least v; false after seconds. */
bool testbed_reached(const struct testbed *t, unsigned id, uint64_t v, unsigned seconds);
void testbed_free(struct testbed *t);

/* Zeroed memory that the child shares. */
void *testbed_shared(size_t n);

/* For nftw(): takes one thing away. */
static inline int
testbed_take_away(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* Removes the folder of a test and all that is in it. */
static inline int
testbed_remove(const char *folder)
{
	return nftw(folder, testbed_take_away, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
