/* The circular queue in shared memory; see queue.h for its states and rules.
 *
 * Rejected: fixed-size slots (records differ in width by plugin, and variable-length keys would waste most of
 * a slot), a wrap marker (the double mapping makes it needless), futexes (an eventfd can be waited for
 * together with sockets and timers). */
#include "collector/base/queue.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/base/counters.h"

const struct counter_desc queue_counter_desc[QUEUE_COUNTERS] = {
    [QUEUE_RECORDS] = {"queue_records", NULL, "Records handed to the plugin's queue", COUNTER_SUM},
    [QUEUE_BATCHES] = {"queue_batches", NULL, "Batches handed to the plugin's queue", COUNTER_SUM},
    [QUEUE_DROPPED_FULL] = {"queue_dropped_records", "reason=\"full\"",
			    "Records dropped on the way to the plugin", COUNTER_SUM},
    [QUEUE_DROPPED_DEAD] = {"queue_dropped_records", "reason=\"plugin_down\"", NULL, COUNTER_SUM},
};

/* In shared memory. Each index has a line of its own, or every store of one side would take the line away
 * from the other. head and tail count bytes since the start and never wrap in practice (64 bits). */
struct ring_shared {
	_Alignas(64) _Atomic uint64_t head;
	_Alignas(64) _Atomic uint64_t tail;
	_Alignas(64) _Atomic uint32_t closed;
	_Atomic uint32_t alive;
};

/* One per process that uses the ring; made before the fork, so data is mapped at the same address
 * everywhere. The producer's own fields are copied by fork too, but only the core writes them. */
struct ring {
	struct ring_shared *shared;
	struct queue_wake *wake;
	uint8_t *data; /* size bytes, mapped twice in a row */
	size_t size;
	uint64_t head;	    /* producer's own copy */
	uint64_t tail_seen; /* producer's last look at the tail: read anew only when the ring looks full */
};

/* In shared memory because of `sleeping`; the descriptor is inherited by fork under the same number. */
struct queue_wake *
queue_wake_new(void)
{
	struct queue_wake *w =
	    mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (w == MAP_FAILED)
		return NULL;
	w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->fd < 0) {
		munmap(w, sizeof(*w));
		return NULL;
	}
	return w;
}

/* Only this process' view; the others keep theirs. */
void
queue_wake_free(struct queue_wake *wake)
{
	close(wake->fd);
	munmap(wake, sizeof(*wake));
}

/* Maps fd twice in a row; NULL with errno set. */
static uint8_t *
map_twice(int fd, size_t size)
{
	uint8_t *base = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED)
		return NULL;
	for (int i = 0; i < 2; i++) {
		int flags = MAP_SHARED | MAP_FIXED | (i == 0 ? MAP_POPULATE : 0);
		if (mmap(base + (size_t)i * size, size, PROT_READ | PROT_WRITE, flags, fd, 0) == MAP_FAILED) {
			munmap(base, 2 * size);
			return NULL;
		}
	}
	return base;
}

/* memfd and not anonymous memory, since only a file can be mapped twice. Pages are taken
 * at once: taken one by one as the queue first fills, they would cost a page fault every sixty records. The
 * size is a power of two: head & (size - 1) is the place. */
struct ring *
ring_new(size_t bytes, struct queue_wake *wake)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	while (size < bytes)
		size *= 2;
	struct ring *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->size = size;
	r->wake = wake;
	r->shared = mmap(NULL, sizeof(*r->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = memfd_create("flowrib-ring", MFD_CLOEXEC);
	if (r->shared != MAP_FAILED && fd >= 0 && ftruncate(fd, (off_t)size) == 0)
		r->data = map_twice(fd, size);
	if (fd >= 0)
		close(fd);
	if (!r->data) {
		int saved = errno;
		if (r->shared != MAP_FAILED)
			munmap(r->shared, sizeof(*r->shared));
		free(r);
		errno = saved;
		return NULL;
	}
	return r;
}

/* The memory itself goes when the last process has unmapped it. */
void
ring_free(struct ring *r)
{
	munmap(r->data, 2 * r->size);
	munmap(r->shared, sizeof(*r->shared));
	free(r);
}

/* The header stands in the eight bytes before the records. It is written last, but readers cannot see it
 * before head moves anyway. */
static struct queue_message *
message_of(struct queue_writer *w)
{
	return (struct queue_message *)(void *)(w->start - sizeof(struct queue_message));
}

/* Always succeeds: room was made sure of in ring_begin. The system call is made only for a sleeping
 * consumer, so a busy queue costs none. */
static bool
ring_publish(struct queue_writer *w)
{
	struct ring *r = w->impl;
	struct queue_message *m = message_of(w);
	m->bytes = (uint32_t)(w->pos - w->start);
	m->records = w->records;
	r->head += sizeof(*m) + m->bytes;
	/* seq_cst pairs with the consumer's announcement of sleep: one of the two sees the other. */
	atomic_store_explicit(&r->shared->head, r->head, memory_order_seq_cst);
	if (atomic_load_explicit(&r->wake->sleeping, memory_order_seq_cst)) {
		uint64_t one = 1;
		if (write(r->wake->fd, &one, sizeof(one)) < 0)
			return true; /* the counter is full: it will wake up anyway */
	}
	return true;
}

/* Room for a whole batch is asked for although less may be written: the writer then needs no further check,
 * and head moves only by what was used. */
static bool
ring_begin(struct queue_writer *w, size_t need)
{
	struct ring *r = w->impl;
	size_t want = w->batch_bytes > need ? w->batch_bytes : need;
	want += sizeof(struct queue_message);
	if (r->size - (size_t)(r->head - r->tail_seen) < want) {
		/* acquire: records that the consumer has read must not be written over before it has read
		 * them */
		r->tail_seen = atomic_load_explicit(&r->shared->tail, memory_order_acquire);
		if (r->size - (size_t)(r->head - r->tail_seen) < want)
			return false;
	}
	w->start = r->data + (r->head & (r->size - 1)) + sizeof(struct queue_message);
	w->pos = w->start;
	w->end = w->start + (want - sizeof(struct queue_message));
	return true;
}

/* Wakes the consumer whether it sleeps or not: closing happens once, and a missed wake-up would hold up the
 * end of the program. */
static void
ring_close(struct queue_writer *w)
{
	struct ring *r = w->impl;
	uint64_t one = 1;
	atomic_store_explicit(&r->shared->closed, 1, memory_order_seq_cst);
	if (write(r->wake->fd, &one, sizeof(one)) < 0)
		return;
}

static const struct queue_transport ring_transport = {"ring", ring_publish, ring_begin, ring_close};

/* A quarter of the ring: so a batch always fits while the consumer works on another and one waits. */
void
ring_writer_init(struct queue_writer *w, struct ring *r, size_t batch_bytes, struct counter_block *counters)
{
	size_t most = r->size / 4;
	*w = (struct queue_writer){.transport = &ring_transport, .impl = r, .counters = counters};
	w->batch_bytes = (uint32_t)((batch_bytes < most ? batch_bytes : most) & ~(size_t)7);
}

/* The slow side of queue_slot, once a batch. */
uint8_t *
queue_next(struct queue_writer *w, size_t need)
{
	queue_flush(w);
	if (!w->transport->begin(w, need))
		return NULL;
	return w->pos;
}

/* Also ends a message without records, which is forgotten: nothing was published of it. */
void
queue_flush(struct queue_writer *w)
{
	if (w->start && w->records) {
		if (w->transport->publish(w)) {
			counter_add(w->counters, QUEUE_RECORDS, w->records);
			counter_add(w->counters, QUEUE_BATCHES, 1);
		} else {
			queue_drop(w, w->records);
		}
	}
	w->start = w->pos = w->end = NULL;
	w->records = 0;
}

/* Which of the two reasons it was only the ring can tell; over ZeroMQ a dead plugin looks like a full
 * queue. */
void
queue_drop(struct queue_writer *w, uint64_t records)
{
	bool dead = false;
	if (w->transport == &ring_transport) {
		struct ring *r = w->impl;
		dead = !atomic_load_explicit(&r->shared->alive, memory_order_relaxed);
	}
	counter_add(w->counters, dead ? QUEUE_DROPPED_DEAD : QUEUE_DROPPED_FULL, records);
}

/* Called by the thread that wrote, when its source has ended. */
void
queue_close(struct queue_writer *w)
{
	queue_flush(w);
	w->transport->close(w);
}

/* acquire pairs with the producer's store of head: the whole message is visible once head is. The tail is
 * the consumer's own index. */
const struct queue_message *
ring_peek(struct ring *r)
{
	uint64_t tail = atomic_load_explicit(&r->shared->tail, memory_order_relaxed);
	if (atomic_load_explicit(&r->shared->head, memory_order_acquire) == tail)
		return NULL;
	return (const struct queue_message *)(const void *)(r->data + (tail & (r->size - 1)));
}

/* release: all reads of the message happen before the producer may see the room as free. */
void
ring_release(struct ring *r, const struct queue_message *m)
{
	uint64_t tail = atomic_load_explicit(&r->shared->tail, memory_order_relaxed);
	atomic_store_explicit(&r->shared->tail, tail + sizeof(*m) + m->bytes, memory_order_release);
}

bool
ring_finished(struct ring *r)
{
	/* closed is stored after the last head, so it must be read before it */
	return atomic_load_explicit(&r->shared->closed, memory_order_seq_cst) && ring_used(r) == 0;
}

/* Tail before head: the other order could see a tail beyond the head and give a huge number. From a third
 * process the result may be a little out of date, which status displays can bear. */
size_t
ring_used(const struct ring *r)
{
	uint64_t tail = atomic_load_explicit(&r->shared->tail, memory_order_acquire);
	return (size_t)(atomic_load_explicit(&r->shared->head, memory_order_acquire) - tail);
}

/* In bytes, headers included: compare with ring_used. */
size_t
ring_size(const struct ring *r)
{
	return r->size;
}

/* Relaxed: it only chooses a counter, and being late by a batch does no harm. */
void
ring_set_alive(struct ring *r, bool alive)
{
	atomic_store_explicit(&r->shared->alive, alive, memory_order_relaxed);
}

/* The order is what matters: first announce, then look. The producer stores first and then looks for the
 * announcement, all seq_cst, so at least one of the two notices the other. */
bool
queue_sleep_begin(struct queue_wake *wake, struct ring *const *rings, unsigned n)
{
	atomic_store_explicit(&wake->sleeping, 1, memory_order_seq_cst);
	for (unsigned i = 0; i < n; i++) {
		uint64_t head = atomic_load_explicit(&rings[i]->shared->head, memory_order_seq_cst);
		if (head != atomic_load_explicit(&rings[i]->shared->tail, memory_order_relaxed)) {
			atomic_store_explicit(&wake->sleeping, 0, memory_order_relaxed);
			return false;
		}
	}
	return true;
}

/* A wake-up that came too late leaves the eventfd readable, and the next sleep ends at once: harmless. */
void
queue_sleep_end(struct queue_wake *wake)
{
	uint64_t drained;
	atomic_store_explicit(&wake->sleeping, 0, memory_order_relaxed);
	if (read(wake->fd, &drained, sizeof(drained)) < 0)
		return; /* nothing was written: it woke for another reason */
}
