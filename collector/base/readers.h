/* Readers that neither lock nor block (RCU, by liburcu).
 *
 * One thread changes a structure, others read it meanwhile. A reader brackets what it does; the writer never
 * waits for it, but lets a grace period pass before memory that a reader may still see is used again. This
 * header is all of liburcu that the program sees: it adds what the thread sanitizer has to be told, since it
 * does not know the barriers that liburcu asks the kernel for.
 *
 * Published words (ids, pointers) are stored with readers_store() and loaded with readers_load(): what was
 * written before the store is seen after the load. */
#ifndef FLOWRIB_BASE_READERS_H
#define FLOWRIB_BASE_READERS_H

#include <stdbool.h>

/* Every thread that reads says so once, and says when it ends. */
void readers_join(void);
void readers_leave(void);

/* Around a batch of reads: what was loaded inside stays valid until readers_end(). May nest. Costs a few
 * nanoseconds; a reader must not sleep inside, or memory is not freed. */
void readers_begin(void);
void readers_end(void);

#define readers_load(p)	    __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define readers_store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

/* A grace period in the background. The ticket belongs to the caller and must stay until it is done; it can
 * be used again then. Zero-initialise. */
struct readers_ticket {
	void *head[2]; /* liburcu's struct rcu_head */
	bool running;  /* of the writer's thread */
	bool passed;   /* set by liburcu's thread */
};

/* Starts a grace period: afterwards no reader sees what was unpublished before the call. */
void readers_ticket_start(struct readers_ticket *t);
/* True when none is under way (any more). */
bool readers_ticket_done(struct readers_ticket *t);

/* Waits for a grace period; not from inside readers_begin(). For ends and tests. */
void readers_wait(void);
/* Waits until all tickets are done; before memory that holds one is freed. */
void readers_drain(void);

#endif
