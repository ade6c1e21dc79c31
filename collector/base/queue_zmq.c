/* A writer packs into a buffer of its own and hands a copy of what it used to ZeroMQ: one memcpy a batch, in
 * exchange for messages that are as long as they need to be. The end of the stream is a message of its own
 * kind, since ZeroMQ does not tell the reader that a peer has gone.
 *
 * Received frames stand wherever ZeroMQ's buffer has them, so one that is not aligned is moved; records are
 * read in place otherwise. */
#include "collector/base/queue_zmq.h"

#include <errno.h>

#include <zmq.h>

#define END_RECORDS   UINT32_MAX /* records of the message that says "no more from this writer" */
#define END_SEND_MS   1000
#define END_LINGER_MS 2000

/* One per source thread and plugin: ZeroMQ sockets must not be shared between threads. */
struct writer {
	void *context;
	void *socket;
	uint8_t *buffer; /* struct queue_message and records */
	size_t size;	 /* for records */
};

struct queue_zmq_reader {
	void *context;
	void *socket;
	zmq_msg_t frame;
	uint8_t *aligned; /* copy of a frame that was not */
	size_t aligned_size;
	unsigned writers;
	unsigned closed;
	uint64_t malformed;
};

/* All options used here are ints. */
static bool
set_option(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0;
}

/* --- writer --- */

/* Never waits: at the high-water mark zmq_send fails with EAGAIN, and the caller counts the batch as
 * dropped. ZeroMQ copies what it is given, so the buffer may be filled again at once. */
static bool
zmq_publish(struct queue_writer *w)
{
	struct writer *z = w->impl;
	struct queue_message m = {.bytes = (uint32_t)(w->pos - w->start), .records = w->records};

	memcpy(z->buffer, &m, sizeof(m));
	return zmq_send(z->socket, z->buffer, sizeof(m) + m.bytes, ZMQ_DONTWAIT) >= 0;
}

/* There is always room here; whether the message can be sent shows when it is published. */
static bool
zmq_begin(struct queue_writer *w, size_t need)
{
	struct writer *z = w->impl;

	if (need > z->size) {
		uint8_t *larger = realloc(z->buffer, sizeof(struct queue_message) + need);
		if (!larger)
			return false;
		z->buffer = larger;
		z->size = need;
	}
	w->start = w->pos = z->buffer + sizeof(struct queue_message);
	w->end = w->start + z->size;
	return true;
}

/* Takes a half-made writer too. zmq_ctx_term waits until what lingers has been sent, at most END_LINGER_MS.
 */
static void
writer_free(struct writer *z)
{
	if (z->socket)
		zmq_close(z->socket);
	if (z->context)
		zmq_ctx_term(z->context);
	free(z->buffer);
	free(z);
}

/* The end is sent with a bounded wait, unlike records: losing it costs the reader its orderly end. */
static void
zmq_close_writer(struct queue_writer *w)
{
	struct writer *z = w->impl;
	struct queue_message end = {.bytes = 0, .records = END_RECORDS};

	/* the reader also notices otherwise that the core is gone, so a full queue may swallow this */
	set_option(z->socket, ZMQ_SNDTIMEO, END_SEND_MS);
	zmq_send(z->socket, &end, sizeof(end), 0);
	writer_free(z);
	w->impl = NULL;
}

static const struct queue_transport zmq_transport = {"zmq", zmq_publish, zmq_begin, zmq_close_writer};

/* PUSH connects and keeps trying, so the order in which core and plugin start does not matter. What is sent
 * before the plugin binds waits, up to the high-water mark. */
bool
queue_zmq_writer_init(struct queue_writer *w, const char *endpoint, size_t batch_bytes, unsigned hwm,
		      struct counter_block *counters, char *err, size_t errlen)
{
	struct writer *z = calloc(1, sizeof(*z));

	*w = (struct queue_writer){.transport = &zmq_transport, .impl = z, .counters = counters};
	w->batch_bytes = (uint32_t)(batch_bytes & ~(size_t)7);
	if (z) {
		z->size = w->batch_bytes;
		z->buffer = malloc(sizeof(struct queue_message) + z->size);
		z->context = zmq_ctx_new();
	}
	if (z && z->context)
		z->socket = zmq_socket(z->context, ZMQ_PUSH);
	if (z && z->buffer && z->socket && set_option(z->socket, ZMQ_SNDHWM, (int)hwm) &&
	    set_option(z->socket, ZMQ_LINGER, END_LINGER_MS) && zmq_connect(z->socket, endpoint) == 0)
		return true;
	snprintf(err, errlen, "cannot connect the plugin's queue '%s': %s", endpoint, zmq_strerror(errno));
	if (z)
		writer_free(z);
	return false;
}

/* --- reader --- */

/* A stale socket file of a plugin that died is replaced by zmq_bind itself. */
struct queue_zmq_reader *
queue_zmq_reader_new(const char *endpoint, unsigned hwm, unsigned writers, char *err, size_t errlen)
{
	struct queue_zmq_reader *r = calloc(1, sizeof(*r));

	if (r) {
		r->writers = writers;
		zmq_msg_init(&r->frame);
		r->context = zmq_ctx_new();
	}
	if (r && r->context)
		r->socket = zmq_socket(r->context, ZMQ_PULL);
	if (r && r->socket && set_option(r->socket, ZMQ_RCVHWM, (int)hwm) &&
	    zmq_bind(r->socket, endpoint) == 0)
		return r;
	snprintf(err, errlen, "cannot open the plugin's queue '%s': %s", endpoint, zmq_strerror(errno));
	if (r)
		queue_zmq_reader_free(r);
	return NULL;
}

/* Takes a half-made reader too. */
void
queue_zmq_reader_free(struct queue_zmq_reader *r)
{
	zmq_msg_close(&r->frame);
	if (r->socket)
		zmq_close(r->socket);
	if (r->context)
		zmq_ctx_term(r->context);
	free(r->aligned);
	free(r);
}

/* The frame as a message where the machine can read it; NULL when memory is short. */
static const uint8_t *
align_frame(struct queue_zmq_reader *r, const uint8_t *data, size_t n)
{
	if ((uintptr_t)data % sizeof(uint64_t) == 0)
		return data;
	if (n > r->aligned_size) {
		uint8_t *larger = realloc(r->aligned, n);
		if (!larger)
			return NULL;
		r->aligned = larger;
		r->aligned_size = n;
	}
	memcpy(r->aligned, data, n);
	return r->aligned;
}

/* The message in the frame, or NULL after accounting for what it was instead. Lengths are checked here; the
 * layout's own check of the records is the plugin's (layout_records_valid). */
static const struct queue_message *
take_frame(struct queue_zmq_reader *r)
{
	size_t n = zmq_msg_size(&r->frame);
	const uint8_t *data = zmq_msg_data(&r->frame);
	struct queue_message m = {0, 0};

	if (n >= sizeof(m))
		memcpy(&m, data, sizeof(m));
	/* no batch has so many records, so the end cannot be mistaken for one */
	if (n == sizeof(m) && m.bytes == 0 && m.records == END_RECORDS) {
		r->closed++;
		return NULL;
	}
	if (n < sizeof(m) || m.bytes != n - sizeof(m) || m.bytes % 8 != 0 ||
	    !(data = align_frame(r, data, n))) {
		r->malformed++;
		return NULL;
	}
	return (const struct queue_message *)(const void *)data;
}

/* The frame is closed by the next zmq_msg_recv on it, which is what bounds the life of the message. */
const struct queue_message *
queue_zmq_receive(struct queue_zmq_reader *r)
{
	const struct queue_message *m = NULL;

	/* an error other than "nothing there" also ends the loop; the caller comes again */
	while (!m && zmq_msg_recv(&r->frame, r->socket, ZMQ_DONTWAIT) >= 0)
		m = take_frame(r);
	return m;
}

/* Read and reset by the reader's own thread; the caller puts it into its counters and log. */
uint64_t
queue_zmq_malformed(struct queue_zmq_reader *r)
{
	uint64_t n = r->malformed;

	r->malformed = 0;
	return n;
}

/* The descriptor is edge-triggered in its own way: it tells of a change of state, not that a message is
 * there. Whoever waits without asking queue_zmq_pending first will sleep over messages. */
int
queue_zmq_fd(const struct queue_zmq_reader *r)
{
	int fd = -1;
	size_t n = sizeof(fd);

	return zmq_getsockopt(r->socket, ZMQ_FD, &fd, &n) == 0 ? fd : -1;
}

/* Asking for ZMQ_EVENTS is also what makes ZeroMQ process its own commands and re-arm the descriptor. */
bool
queue_zmq_pending(struct queue_zmq_reader *r)
{
	int events = 0;
	size_t n = sizeof(events);

	return zmq_getsockopt(r->socket, ZMQ_EVENTS, &events, &n) == 0 && (events & ZMQ_POLLIN);
}

/* Ends are counted, not remembered by writer: each writer sends one and then has no socket any more. */
bool
queue_zmq_finished(const struct queue_zmq_reader *r)
{
	return r->closed >= r->writers;
}
