/* ZeroMQ as transport: messages arrive whole and in order, the end is seen, what cannot wait is counted, and
 * frames that are no messages are passed over. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "collector/base/queue_zmq.h"

#define BATCH 1024

static char endpoint[64];
static struct counter_block *counters;

/* A socket name of this process' own, so that several runs at once do not meet. */
static int
set_up(void **state)
{
	(void)state;
	snprintf(endpoint, sizeof(endpoint), "ipc:///tmp/flowrib-zmq-test-%d", (int)getpid());
	if (!counters_init())
		return -1;
	counters = counters_add(queue_counter_desc, QUEUE_COUNTERS, NULL);
	return counters ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(endpoint + 6);
	return 0;
}

static void
open_writer(struct queue_writer *w, unsigned hwm)
{
	char err[256] = "";
	if (!queue_zmq_writer_init(w, endpoint, BATCH, hwm, counters, err, sizeof(err)))
		fail_msg("%s", err);
}

static struct queue_zmq_reader *
open_reader(unsigned writers)
{
	char err[256] = "";
	struct queue_zmq_reader *r = queue_zmq_reader_new(endpoint, 0, writers, err, sizeof(err));
	if (!r)
		fail_msg("%s", err);
	return r;
}

/* A record of 64 bytes that begins with v. */
static void
put(struct queue_writer *w, uint64_t v)
{
	uint64_t record[8] = {v};
	uint8_t *slot = queue_slot(w, sizeof(record));
	assert_non_null(slot);
	memcpy(slot, record, sizeof(record));
	queue_push(w, sizeof(record));
}

/* The next message, waiting up to five seconds; NULL when the end comes first. */
static const struct queue_message *
next(struct queue_zmq_reader *r)
{
	const struct queue_message *m;
	for (int i = 0; i < 5000; i++) {
		if ((m = queue_zmq_receive(r)))
			return m;
		if (queue_zmq_finished(r))
			return NULL;
		if (queue_zmq_pending(r))
			continue;
		struct pollfd p = {.fd = queue_zmq_fd(r), .events = POLLIN};
		poll(&p, 1, 1);
	}
	fail_msg("nothing came");
	return NULL;
}

/* Two writers, told apart by a million: each one's records come in order (the order between them is free),
 * all of them, and the end after both have closed. 1 + ... + 1000 = 500500. */
static void
test_order_and_end(void **state)
{
	struct queue_zmq_reader *r = open_reader(2);
	struct queue_writer w[2];
	uint64_t sum = 0, records = 0, last[2] = {0, 0};
	const struct queue_message *m;

	(void)state;
	open_writer(&w[0], 0);
	open_writer(&w[1], 0);
	for (uint64_t i = 1; i <= 1000; i++) {
		put(&w[0], i);
		put(&w[1], i + 1000000);
	}
	queue_close(&w[0]);
	queue_close(&w[1]);
	while ((m = next(r))) {
		assert_int_equal(m->bytes, m->records * 64);
		assert_true(m->bytes <= BATCH);
		for (uint32_t i = 0; i < m->records; i++) {
			uint64_t v;
			memcpy(&v, (const uint8_t *)(m + 1) + i * 64, sizeof(v));
			assert_true(v % 1000000 > last[v / 1000000]);
			last[v / 1000000] = v % 1000000;
			sum += v % 1000000;
			records++;
		}
	}
	assert_int_equal(records, 2000);
	assert_int_equal(sum, 2 * 500500);
	assert_int_equal(queue_zmq_malformed(r), 0);
	queue_zmq_reader_free(r);
}

#define BURSTS	    300
#define BURST_MAX   12
#define BURST_PAUSE 700000 /* ns at most */

struct bursts {
	struct queue_writer writer;
	_Atomic bool over; /* the reader has had enough */
};

/* Bursts of 1 to 12 messages with pauses of up to 0.7 ms, so that a burst meets the reader in every state:
 * draining, about to sleep, asleep. */
static void *
write_bursts(void *arg)
{
	struct bursts *b = arg;
	struct queue_writer *w = &b->writer;
	/* any state but zero of a xorshift generator: the same bursts each time */
	uint64_t random = 88172645463325252u;

	for (uint64_t i = 0; i < BURSTS; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		for (uint64_t k = 0; k <= random % BURST_MAX; k++) {
			put(w, i);
			queue_flush(w);
		}
		nanosleep(&(struct timespec){.tv_nsec = (long)((random >> 8) % BURST_PAUSE)}, NULL);
	}
	/* a writer that goes away wakes the reader, which would hide that it slept */
	while (!b->over)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	queue_close(w);
	return NULL;
}

/* The descriptor tells of a change only. A reader that asks for what is pending before it waits is woken for
 * every message: no wait runs into its two seconds. That holds after a drain to the end and after one that
 * stopped over messages, as a plugin's rounds do. */
static void
test_nobody_sleeps_over_messages(void **state)
{
	struct queue_zmq_reader *r = open_reader(1);
	uint64_t before = counter_read(counters, QUEUE_RECORDS), taken = 1;
	unsigned slept_over = 0;
	struct bursts b = {.over = false};
	pthread_t thread;

	(void)state;
	open_writer(&b.writer, 0);
	put(&b.writer, 0);
	queue_flush(&b.writer);
	assert_non_null(next(r)); /* connected: from here on nothing piles up on the writer's side */
	assert_int_equal(pthread_create(&thread, NULL, write_bursts, &b), 0);
	for (uint64_t last = 0; last < BURSTS - 1;) {
		unsigned most = taken % 2 ? 3 : UINT32_MAX;
		const struct queue_message *m;

		if (most == 3) /* lets more than that pile up */
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		for (unsigned n = 0; n < most && (m = queue_zmq_receive(r)); n++, taken++)
			memcpy(&last, m + 1, sizeof(last));
		if (last == BURSTS - 1 || queue_zmq_pending(r))
			continue;
		struct pollfd p = {.fd = queue_zmq_fd(r), .events = POLLIN};
		slept_over += poll(&p, 1, 2000) != 1;
	}
	b.over = true;
	while (next(r))
		taken++;
	pthread_join(thread, NULL);
	assert_int_equal(slept_over, 0);
	assert_int_equal(taken, counter_read(counters, QUEUE_RECORDS) - before);
	queue_zmq_reader_free(r);
}

/* Nobody reads: two messages may wait, all others are dropped and counted, and the writer never blocks. */
static void
test_high_water_mark(void **state)
{
	struct queue_writer w;
	uint64_t dropped = counter_read(counters, QUEUE_DROPPED_FULL);
	uint64_t handed = counter_read(counters, QUEUE_RECORDS);

	(void)state;
	unlink(endpoint + 6);
	open_writer(&w, 2);
	for (uint64_t i = 0; i < 10; i++) {
		put(&w, i);
		queue_flush(&w);
	}
	assert_int_equal(counter_read(counters, QUEUE_RECORDS) - handed, 2);
	assert_int_equal(counter_read(counters, QUEUE_DROPPED_FULL) - dropped, 8);
	queue_close(&w);
}

/* Too short for a header, empty, shorter than it says, not a multiple of 8: counted and passed over; the
 * good frame behind them is delivered. Frames are made with ZeroMQ itself, as anybody on the machine could.
 */
static void
test_malformed_frames(void **state)
{
	struct queue_zmq_reader *r = open_reader(1);
	void *context = zmq_ctx_new();
	void *socket = zmq_socket(context, ZMQ_PUSH);
	const uint32_t lies[] = {16, 1, 0, 0}; /* says 16 bytes, has 8 */
	const uint32_t odd[] = {4, 1, 0};      /* not a multiple of 8 */
	const uint32_t good[] = {8, 1, 7, 0};
	struct queue_writer w;

	(void)state;
	assert_int_equal(zmq_connect(socket, endpoint), 0);
	zmq_send(socket, "abc", 3, 0);
	zmq_send(socket, "", 0, 0);
	zmq_send(socket, lies, sizeof(lies), 0);
	zmq_send(socket, odd, sizeof(odd), 0);
	zmq_send(socket, good, sizeof(good), 0);
	const struct queue_message *m = next(r);
	assert_non_null(m);
	assert_int_equal(m->records, 1);
	assert_int_equal(queue_zmq_malformed(r), 4);
	assert_int_equal(queue_zmq_malformed(r), 0);
	zmq_close(socket);
	zmq_ctx_term(context);
	open_writer(&w, 0);
	queue_close(&w);
	assert_null(next(r));
	queue_zmq_reader_free(r);
}

/* A directory that does not exist: refused, and the message names it. */
static void
test_bad_endpoint(void **state)
{
	char err[256] = "";

	(void)state;
	assert_null(queue_zmq_reader_new("ipc:///nonexistent/x", 0, 1, err, sizeof(err)));
	assert_non_null(strstr(err, "/nonexistent/x"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order_and_end),   cmocka_unit_test(test_nobody_sleeps_over_messages),
	    cmocka_unit_test(test_high_water_mark), cmocka_unit_test(test_malformed_frames),
	    cmocka_unit_test(test_bad_endpoint),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
