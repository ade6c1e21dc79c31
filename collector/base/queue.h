/* The queue between a source thread and a plugin process.
 *
 * A message is a batch: {bytes, records} and then that many packed records back to back. The writer packs
 * records straight into the message (no copy), so the cost of a record is a bounds check and a pointer step;
 * everything else is paid once a batch. Two transports stand behind the same writer and reader: the circular
 * queue in shared memory (ring.c) and ZeroMQ (queue_zmq.c).
 *
 * States of the ring, head and tail being byte counts that only grow:
 *
 *      tail            head
 *       v               v
 *   ....[ m1 ][ m2 ][m3]............   consumer reads at tail, producer writes at head
 *       |<-- published->|<--- free -->
 *
 * head is stored with release after the message is complete, tail with release after the batch has been
 * absorbed: a consumer that dies before that leaves the batch to its successor. The memory is mapped twice in
 * a row, so a message never wraps. One producer, one consumer; both indices have a cache line of their own. A
 * full ring never blocks the producer: the batch is dropped and counted on the producer's side. */
#ifndef FLOWRIB_BASE_QUEUE_H
#define FLOWRIB_BASE_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/counters.h"

struct queue_message {
	uint32_t bytes; /* of records that follow, a multiple of 8 */
	uint32_t records;
};

/* What a full queue and a working one are known by. The writer is the only one to write them. */
enum queue_counter {
	QUEUE_RECORDS, /* records handed over */
	QUEUE_BATCHES,
	QUEUE_DROPPED_FULL, /* records dropped because the queue was full */
	QUEUE_DROPPED_DEAD, /* records dropped because no consumer was alive and the queue was full */
	QUEUE_COUNTERS
};
extern const struct counter_desc queue_counter_desc[QUEUE_COUNTERS];

/* A consumer sleeps on an eventfd; producers write to it only when it does. One per plugin, in shared memory.
 */
struct queue_wake {
	_Atomic uint32_t sleeping;
	int fd;
};

/* Made before the consumer forks; shared by all rings of one consumer. NULL with errno set on failure. */
struct queue_wake *queue_wake_new(void);
void queue_wake_free(struct queue_wake *wake);

struct queue_writer;

struct queue_transport {
	const char *name;
	/* Publishes the message in progress (w->start..w->pos), if any. False when it had to be dropped. */
	bool (*publish)(struct queue_writer *w);
	/* Begins a message with room for at least need bytes: sets start, pos and end. False: no room now. */
	bool (*begin)(struct queue_writer *w, size_t need);
	void (*close)(struct queue_writer *w);
};

struct queue_writer {
	uint8_t *start; /* first byte of records of the message in progress, NULL when there is none */
	uint8_t *pos;
	uint8_t *end;
	uint32_t records;
	uint32_t batch_bytes; /* a message is published when it reaches this size */
	const struct queue_transport *transport;
	void *impl;
	struct counter_block *counters;
};

/* Publishes what is in progress and begins anew; used by queue_slot. NULL when there is no room: the caller
 * drops the record and calls queue_drop. */
uint8_t *queue_next(struct queue_writer *w, size_t need);

/* Where the next record goes, with at least need bytes of room (need at most batch_bytes); NULL when full. */
static inline uint8_t *
queue_slot(struct queue_writer *w, size_t need)
{
	if (likely((size_t)(w->end - w->pos) >= need))
		return w->pos;
	return queue_next(w, need);
}

/* Declares a record of n bytes (a multiple of 8) written at the slot. */
static inline void
queue_push(struct queue_writer *w, size_t n)
{
	w->pos += n;
	w->records++;
}

void queue_drop(struct queue_writer *w, uint64_t records);

/* Publishes what is in progress. Called at the end of every batch of datagrams, so that nothing waits. */
void queue_flush(struct queue_writer *w);

/* After the last flush: tells the consumer that nothing more comes, and frees the writer's side. */
void queue_close(struct queue_writer *w);

/* --- the circular queue (ring.c) --- */
struct ring;

/* A ring of at least bytes bytes (rounded up to a power of two pages) in shared memory. Made by the core
 * before forking. NULL with errno set when memory cannot be had. */
struct ring *ring_new(size_t bytes, struct queue_wake *wake);
/* Unmaps this process' view. */
void ring_free(struct ring *r);

/* The producer's end. batch_bytes is bounded by a quarter of the ring. */
void ring_writer_init(struct queue_writer *w, struct ring *r, size_t batch_bytes,
		      struct counter_block *counters);

/* The consumer's end: the next message or NULL. Valid until ring_release. */
const struct queue_message *ring_peek(struct ring *r);
/* Gives the message back to the producer: after this it will not be seen again. */
void ring_release(struct ring *r, const struct queue_message *m);
/* True when the producer closed the ring and everything has been read. */
bool ring_finished(struct ring *r);
/* Bytes published and not yet released: how full the queue is. */
size_t ring_used(const struct ring *r);
size_t ring_size(const struct ring *r);

/* The supervisor tells producers whether somebody is at the other end (for QUEUE_DROPPED_DEAD). */
void ring_set_alive(struct ring *r, bool alive);

/* Consumer: announces sleep. Returns false when a message came meanwhile and sleeping would miss it. */
bool queue_sleep_begin(struct queue_wake *wake, struct ring *const *rings, unsigned n);
/* Consumer: awake again; drains the eventfd. */
void queue_sleep_end(struct queue_wake *wake);

#endif
