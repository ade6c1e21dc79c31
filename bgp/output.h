/* What the parts of outputs share: each is a row of hooks (outputs.c), knows its own keys, has its own
 * threads and counters, and none knows another. */
#ifndef FLOWRIB_BGP_OUTPUT_H
#define FLOWRIB_BGP_OUTPUT_H

#include <pthread.h>

#include "bgp/outputs.h"
#include "bgp/render.h"
#include "collector/base/outfile.h"

/* What all of them need; lives as long as they do. */
struct bgp_output_env {
	const struct conf *conf;
	struct bgp_sources sources;
	struct bgp_store *store;    /* to count sets, on the BGP thread's side of the message log */
	struct outfile_owner owner; /* of files that are made */
	_Atomic uint64_t seq;	    /* the next number of a message or dump */
	struct bgp_events *events;  /* set by the message log */
};

struct bgp_output {
	const char *name;
	/* *self stays NULL when it is not configured. */
	bool (*prepare)(struct bgp_output_env *env, void **self, char *err, size_t errlen);
	bool (*open)(void *self, char *err, size_t errlen); /* NULL: nothing to open */
	bool (*start)(void *self, char *err, size_t errlen);
	void (*reopen)(void *self); /* SIGHUP, any thread; NULL: nothing to reopen */
	void (*stop)(void *self);   /* writes what waits, ends the threads; also when start failed half-way */
	void (*free)(void *self);
};

extern const struct bgp_output bgp_output_msglog, bgp_output_dump, bgp_output_snapshot, bgp_output_lg;

/* What the dumps' thread does at a time (seconds since the epoch); self is of bgp_output_dump.prepare. For
 * tests, that need not wait for the time. */
void bgp_dump_at(void *self, uint64_t time);

/* A thread that no signal reaches, so that the daemon's own handling sees them all. name: 15 letters. */
bool bgp_output_thread(pthread_t *thread, const char *name, void *(*run)(void *), void *arg, char *err,
		       size_t errlen);

/* Who a peer is, as lines tell it. */
static inline struct bgp_who
bgp_who_of(const struct bgp_peer *p)
{
	return (struct bgp_who){.address = p->address, .id = p->id, .port = p->port};
}

/* False when the key asks for Avro, with a message that says what to do. */
bool bgp_output_is_json(const struct conf *conf, enum conf_key key, char *err, size_t errlen);

#endif
