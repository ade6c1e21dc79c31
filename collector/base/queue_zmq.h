/* ZeroMQ as the transport between source threads and a plugin: the same writer and the same messages as the
 * circular queue, over a Unix socket ("ipc:///run/.../name").
 *
 * The plugin's end binds, the writers connect and may do so before it is there. A message is one ZeroMQ
 * frame: struct queue_message and the records. When the high-water mark of messages under way is reached a
 * batch is dropped and counted by the writer; nothing blocks. A context is made for each end, in the process
 * and thread that uses it: they do not survive fork(). Built with libzmq; without it, queue_zmq_none.c
 * refuses with a message. */
#ifndef FLOWRIB_BASE_QUEUE_ZMQ_H
#define FLOWRIB_BASE_QUEUE_ZMQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/queue.h"

/* The producer's end. hwm: messages that may wait at this end, 0 for no limit. False with a message in err.
 */
bool queue_zmq_writer_init(struct queue_writer *w, const char *endpoint, size_t batch_bytes, unsigned hwm,
			   struct counter_block *counters, char *err, size_t errlen);

struct queue_zmq_reader;

/* The consumer's end. hwm: messages that may wait at this end, 0 for no limit; writers: how many will close
 * before all is read. NULL with a message in err. */
struct queue_zmq_reader *queue_zmq_reader_new(const char *endpoint, unsigned hwm, unsigned writers, char *err,
					      size_t errlen);
void queue_zmq_reader_free(struct queue_zmq_reader *r);

/* The next message or NULL; valid until the next call. Frames that are not a message are counted and passed
 * over; what the records hold is for the caller to check. */
const struct queue_message *queue_zmq_receive(struct queue_zmq_reader *r);
/* Frames passed over since the last call of this function. */
uint64_t queue_zmq_malformed(struct queue_zmq_reader *r);
/* Becomes readable when a message may have come; only after queue_zmq_pending() said false may it be waited
 * for. */
int queue_zmq_fd(const struct queue_zmq_reader *r);
bool queue_zmq_pending(struct queue_zmq_reader *r);
/* True when all writers have closed. */
bool queue_zmq_finished(const struct queue_zmq_reader *r);

#endif
