/* The circular queue: order and content over many wraps with a thread on the other side, behaviour when full,
 * and what a successor finds after a consumer that died. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

#include "collector/base/counters.h"
#include "collector/base/queue.h"

#define RECORDS 400000u

struct end {
	struct ring *ring;
	struct queue_wake *wake;
	uint64_t seen;
	bool in_order;
};

/* Record i is 8 to 64 bytes long, filled with i. */
static size_t
record_size(uint64_t i)
{
	return 8 + i % 8 * 8;
}

/* A plugin's loop in small: peek, read all, release, sleep when there is nothing. */
static void *
consume(void *arg)
{
	struct end *e = arg;
	e->in_order = true;
	while (!ring_finished(e->ring)) {
		const struct queue_message *m = ring_peek(e->ring);
		if (!m) {
			if (queue_sleep_begin(e->wake, &e->ring, 1))
				usleep(50);
			queue_sleep_end(e->wake);
			continue;
		}
		const uint8_t *p = (const uint8_t *)(m + 1);
		for (uint32_t k = 0; k < m->records; k++) {
			uint64_t first, last;
			size_t n = record_size(e->seen);
			memcpy(&first, p, 8);
			memcpy(&last, p + n - 8, 8);
			if (first != e->seen || last != e->seen)
				e->in_order = false;
			p += n;
			e->seen++;
		}
		ring_release(e->ring, m);
	}
	return NULL;
}

/* A ring with a consumer alive and batches of up to 1 KiB. */
static struct queue_writer
writer_on(struct ring **ring, struct queue_wake **wake, size_t bytes)
{
	struct queue_writer w;
	assert_true(counters_init());
	*wake = queue_wake_new();
	assert_non_null(*wake);
	*ring = ring_new(bytes, *wake);
	assert_non_null(*ring);
	ring_set_alive(*ring, true);
	ring_writer_init(&w, *ring, 1024, counters_add(queue_counter_desc, QUEUE_COUNTERS, NULL));
	return w;
}

/* 400,000 records of eight sizes through 16 KiB: some 900 times round, so messages lie across the seam of
 * the double mapping. Every record holds its number, first and last word. */
static void
keeps_order_over_wraps(void **state)
{
	(void)state;
	struct end e = {0};
	struct queue_writer w = writer_on(&e.ring, &e.wake, 16384);
	pthread_t t;
	assert_int_equal(pthread_create(&t, NULL, consume, &e), 0);
	for (uint64_t i = 0; i < RECORDS;) {
		size_t n = record_size(i);
		uint8_t *p = queue_slot(&w, n);
		if (!p) {
			usleep(10);
			continue;
		}
		for (size_t k = 0; k < n; k += 8)
			memcpy(p + k, &i, 8);
		queue_push(&w, n);
		i++;
	}
	queue_close(&w);
	pthread_join(t, NULL);
	assert_true(e.in_order);
	assert_int_equal(e.seen, RECORDS);
	assert_int_equal(counter_read(w.counters, QUEUE_RECORDS), RECORDS);
	ring_free(e.ring);
	queue_wake_free(e.wake);
}

/* Nobody reads: the ring takes at most its size and then refuses without blocking. Which counter a drop
 * goes to depends on whether a consumer lives. */
static void
counts_what_does_not_fit(void **state)
{
	(void)state;
	struct ring *ring;
	struct queue_wake *wake;
	struct queue_writer w = writer_on(&ring, &wake, 4096);
	unsigned pushed = 0;
	uint8_t *p;
	while ((p = queue_slot(&w, 64))) {
		memset(p, 1, 64);
		queue_push(&w, 64);
		pushed++;
	}
	assert_in_range(pushed, 1, 4096 / 64);
	queue_drop(&w, 1);
	ring_set_alive(ring, false);
	queue_drop(&w, 2);
	assert_int_equal(counter_read(w.counters, QUEUE_DROPPED_FULL), 1);
	assert_int_equal(counter_read(w.counters, QUEUE_DROPPED_DEAD), 2);
	assert_int_equal(counter_read(w.counters, QUEUE_RECORDS), pushed);
	ring_free(ring);
	queue_wake_free(wake);
}

/* A message is there until it is released, however often it was looked at. The ring is finished only when
 * closed and empty. */
static void
successor_sees_what_was_not_released(void **state)
{
	(void)state;
	struct ring *ring;
	struct queue_wake *wake;
	struct queue_writer w = writer_on(&ring, &wake, 4096);
	memset(queue_slot(&w, 16), 7, 16);
	queue_push(&w, 16);
	queue_flush(&w);
	const struct queue_message *m = ring_peek(ring);
	assert_non_null(m);
	assert_ptr_equal(ring_peek(ring), m); /* the first consumer dies here */
	assert_int_equal(m->bytes, 16);
	assert_int_equal(m->records, 1);
	ring_release(ring, m);
	assert_null(ring_peek(ring));
	assert_int_equal(ring_used(ring), 0);
	assert_false(ring_finished(ring));
	queue_close(&w);
	assert_true(ring_finished(ring));
	ring_free(ring);
	queue_wake_free(wake);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keeps_order_over_wraps),
	    cmocka_unit_test(counts_what_does_not_fit),
	    cmocka_unit_test(successor_sees_what_was_not_released),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
