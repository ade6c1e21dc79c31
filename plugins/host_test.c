/* The host: every record arrives once, from every ring; the end is orderly; timers, slices and descriptors
 * are served while records flow. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/base/queue_zmq.h"
#include "plugins/testbed.h"

#define RECORD_BYTES 64

/* What the plugin under test saw, in memory shared with the test. */
struct seen {
	uint64_t records;
	uint64_t sum;
	uint64_t ticks;
	uint64_t slices;
	uint64_t reloads;
	uint64_t stops;
	uint64_t fd_bytes;
	uint64_t turns;	     /* of the two callbacks that close each other's descriptor */
	uint64_t stale;	     /* events that were meant for a descriptor closed before */
	uint64_t after_stop; /* hooks called after stop */
};

static struct seen *seen;
static int pipe_fd[2];
static struct plugin_host *host;

static bool
slice(void *ctx)
{
	(void)ctx;
	return ++seen->slices < 5;
}

static void
readable(void *ctx, int fd, uint32_t events)
{
	char buf[16];
	ssize_t n = read(fd, buf, sizeof(buf));

	(void)ctx;
	(void)events;
	if (n > 0)
		seen->fd_bytes += (uint64_t)n;
}

static void *
start(struct plugin_host *h, const struct plugin_setup *setup)
{
	(void)setup;
	host = h;
	plugin_host_wake_at(h, clock_now_us() + 20000);
	plugin_host_slices(h, slice, NULL);
	plugin_host_watch(h, pipe_fd[0], EPOLLIN, readable, NULL);
	return seen;
}

static void *
start_fails(struct plugin_host *h, const struct plugin_setup *setup)
{
	(void)h;
	(void)setup;
	return NULL;
}

static void
records(void *state, const uint8_t *r, uint32_t n)
{
	(void)state;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t v;
		memcpy(&v, r + (size_t)i * RECORD_BYTES, sizeof(v));
		seen->sum += v;
	}
	seen->records += n;
	seen->after_stop += seen->stops;
}

static void
tick(void *state, uint64_t now_us)
{
	(void)state;
	seen->ticks++;
	plugin_host_wake_at(host, now_us + 20000);
}

static void
reload(void *state)
{
	(void)state;
	seen->reloads++;
}

static void
stop(void *state)
{
	(void)state;
	seen->stops++;
}

static const struct plugin_ops ops = {
    .type = "test", .start = start, .records = records, .tick = tick, .reload = reload, .stop = stop};
static const struct plugin_ops ops_fail = {.type = "test", .start = start_fails, .stop = stop};

static void
open_bed(struct testbed *t, unsigned rings, size_t ring_bytes)
{
	memset(seen, 0, sizeof(*seen));
	assert_int_equal(pipe(pipe_fd), 0);
	testbed_open(t, "host_test", "test", rings, ring_bytes);
}

static void
close_bed(struct testbed *t)
{
	testbed_free(t);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

static void
send_numbers(struct testbed *t, unsigned ring, uint64_t from, uint64_t to)
{
	uint64_t record[RECORD_BYTES / 8] = {0};

	for (uint64_t v = from; v <= to; v++) {
		record[0] = v;
		testbed_send(t, ring, record, sizeof(record));
	}
}

/* Two rings smaller than what passes through: nothing is lost, the end comes when both are closed. */
static void
test_all_records_once(void **state)
{
	struct testbed t;

	(void)state;
	open_bed(&t, 2, 65536);
	testbed_start(&t, &ops);
	send_numbers(&t, 0, 1, 20000);
	send_numbers(&t, 1, 20001, 40000);
	testbed_finish(&t);
	assert_int_equal(testbed_wait(&t, 10), 0);
	assert_int_equal(seen->records, 40000);
	assert_int_equal(seen->sum, 40000ULL * 40001 / 2);
	assert_int_equal(seen->stops, 1);
	assert_int_equal(seen->after_stop, 0);
	assert_int_equal(counter_read(t.setup.counters, PLUGIN_RECORDS), 40000);
	close_bed(&t);
}

/* A large ring lets the host nap; records must arrive all the same, also after a pause in which it fell
 * asleep. */
static void
test_wakes_after_pause(void **state)
{
	struct testbed t;

	(void)state;
	open_bed(&t, 1, 4 << 20);
	testbed_start(&t, &ops);
	for (uint64_t i = 1; i <= 3; i++) {
		send_numbers(&t, 0, i, i);
		testbed_flush(&t);
		assert_true(testbed_reached(&t, PLUGIN_RECORDS, i, 5));
		usleep(20000);
	}
	assert_int_equal(seen->sum, 6);
	testbed_finish(&t);
	assert_int_equal(testbed_wait(&t, 10), 0);
	close_bed(&t);
}

static void
test_timer_slices_descriptors_reload(void **state)
{
	struct testbed t;

	(void)state;
	open_bed(&t, 1, 65536);
	testbed_start(&t, &ops);
	assert_int_equal(write(pipe_fd[1], "hello", 5), 5);
	for (int i = 0; i < 500 && (seen->ticks < 3 || seen->fd_bytes < 5 || seen->slices < 5); i++)
		usleep(10000);
	kill(t.pid, SIGUSR1);
	kill(t.pid, SIGUSR2);
	for (int i = 0; i < 500 && !seen->reloads; i++)
		usleep(10000);
	assert_true(seen->ticks >= 3);
	assert_int_equal(seen->fd_bytes, 5);
	assert_int_equal(seen->slices, 5);
	assert_int_equal(seen->reloads, 1);
	testbed_finish(&t);
	assert_int_equal(testbed_wait(&t, 10), 0);
	close_bed(&t);
}

/* A terminal's ^C reaches plugin and core at once; what the core hands over before it closes must not be
 * lost. */
static void
test_signal_waits_for_the_core(void **state)
{
	struct testbed t;

	(void)state;
	open_bed(&t, 1, 65536);
	testbed_start(&t, &ops);
	send_numbers(&t, 0, 1, 10);
	testbed_flush(&t);
	assert_true(testbed_reached(&t, PLUGIN_RECORDS, 10, 5));
	kill(t.pid, SIGINT);
	usleep(100000);
	send_numbers(&t, 0, 11, 20);
	testbed_finish(&t);
	uint64_t begin = clock_monotonic_us();
	assert_int_equal(testbed_wait(&t, 10), 0);
	assert_true(clock_monotonic_us() - begin < 1500000);
	assert_int_equal(seen->records, 20);
	assert_int_equal(seen->stops, 1);
	close_bed(&t);
}

/* A service manager signals all processes at once, and a core with much to hand over may need longer than a
 * plugin that was told by its parent would wait: here 2.5 seconds. */
static void
test_group_signal_waits_longer(void **state)
{
	struct testbed t;
	int status;

	(void)state;
	open_bed(&t, 1, 65536);
	testbed_start(&t, &ops);
	send_numbers(&t, 0, 1, 10);
	testbed_flush(&t);
	assert_true(testbed_reached(&t, PLUGIN_RECORDS, 10, 5));
	pid_t manager = fork();
	if (manager == 0)
		_exit(kill(t.pid, SIGTERM) < 0);
	assert_int_equal(waitpid(manager, &status, 0), manager);
	assert_int_equal(status, 0);
	usleep(2500000);
	send_numbers(&t, 0, 11, 20);
	testbed_finish(&t);
	assert_int_equal(testbed_wait(&t, 10), 0);
	assert_int_equal(seen->records, 20);
	assert_int_equal(seen->stops, 1);
	close_bed(&t);
}

/* The parent's word after the manager's is no second one: the time of grace shrinks, but what is still handed
 * over within it counts. */
static void
test_group_and_parent_are_one_request(void **state)
{
	struct testbed t;
	int status;

	(void)state;
	open_bed(&t, 1, 65536);
	testbed_start(&t, &ops);
	send_numbers(&t, 0, 1, 10);
	testbed_flush(&t);
	assert_true(testbed_reached(&t, PLUGIN_RECORDS, 10, 5));
	pid_t manager = fork();
	if (manager == 0)
		_exit(kill(t.pid, SIGTERM) < 0);
	assert_int_equal(waitpid(manager, &status, 0), manager);
	usleep(100000);
	kill(t.pid, SIGTERM);
	usleep(300000);
	send_numbers(&t, 0, 11, 20);
	testbed_flush(&t);
	uint64_t begin = clock_monotonic_us();
	assert_int_equal(testbed_wait(&t, 10), 0); /* the queue stays open */
	assert_in_range(clock_monotonic_us() - begin, US_PER_S, 4 * US_PER_S);
	assert_int_equal(seen->records, 20);
	assert_int_equal(seen->stops, 1);
	close_bed(&t);
}

/* A core that never closes cannot hold a plugin that was asked to end. */
static void
test_signal_ends_without_close(void **state)
{
	struct testbed t;

	(void)state;
	open_bed(&t, 1, 65536);
	testbed_start(&t, &ops);
	send_numbers(&t, 0, 1, 10);
	testbed_flush(&t);
	assert_true(testbed_reached(&t, PLUGIN_RECORDS, 10, 5));
	kill(t.pid, SIGTERM);
	assert_int_equal(testbed_wait(&t, 10), 0);
	assert_int_equal(seen->records, 10);
	assert_int_equal(seen->stops, 1);
	close_bed(&t);
}

/* Over ZeroMQ too every record arrives once; a batch that does not fit the plan is dropped and counted. */
static void
test_zmq(void **state)
{
	struct layout layout = {
	    .key_size = 48, .fixed_size = 48, .kind_offset = 40, .counters = 2, .max_record = RECORD_BYTES};
	char endpoint[64], err[256];
	uint8_t odd[8] = {0};
	struct testbed t;

	(void)state;
	open_bed(&t, 1, 65536);
	snprintf(endpoint, sizeof(endpoint), "ipc:///tmp/flowrib-host-test-%d", (int)getpid());
	t.setup.layout = &layout;
	t.setup.zmq_endpoint = endpoint;
	t.setup.zmq_writers = 1;
	testbed_start(&t, &ops);
	if (!queue_zmq_writer_init(&t.writer[0], endpoint, 4096, 0, t.queue_counters[0], err, sizeof(err))) {
		assert_non_null(strstr(err, "--with-zmq"));
		assert_int_equal(testbed_wait(&t, 10), 1);
		skip();
	}
	send_numbers(&t, 0, 1, 20000);
	testbed_flush(&t);
	testbed_send(&t, 0, odd, sizeof(odd));
	testbed_finish(&t);
	assert_int_equal(testbed_wait(&t, 10), 0);
	assert_int_equal(seen->records, 20000);
	assert_int_equal(seen->sum, 20000ULL * 20001 / 2);
	assert_int_equal(counter_read(t.setup.counters, PLUGIN_INVALID), 1);
	close_bed(&t);
	unlink(endpoint + 6);
}

static void
test_start_failure(void **state)
{
	struct testbed t;

	(void)state;
	open_bed(&t, 1, 65536);
	testbed_start(&t, &ops_fail);
	assert_int_equal(testbed_wait(&t, 10), 1);
	assert_int_equal(seen->stops, 0);
	close_bed(&t);
}

/* --- a descriptor's number used again within one round --- */

static int pair[2];

static void
not_ready(void *ctx, int fd, uint32_t events)
{
	(void)ctx;
	(void)fd;
	(void)events;
	seen->stale++;
}

/* Both are ready in one round: the first closes the other, whose number then stands for an empty pipe. */
static void
close_other(void *ctx, int fd, uint32_t events)
{
	int other = pair[fd == pair[0]], empty[2];

	(void)ctx;
	(void)events;
	seen->turns++;
	plugin_host_watch(host, fd, 0, NULL, NULL);
	plugin_host_watch(host, other, 0, NULL, NULL);
	if (pipe(empty) == 0 && dup2(empty[0], other) == other)
		plugin_host_watch(host, other, EPOLLIN, not_ready, NULL);
}

static void *
start_pair(struct plugin_host *h, const struct plugin_setup *setup)
{
	int fd[2];

	(void)setup;
	host = h;
	for (unsigned i = 0; i < 2; i++) {
		if (pipe(fd) != 0 || write(fd[1], "x", 1) != 1)
			return NULL;
		pair[i] = fd[0];
		plugin_host_watch(h, fd[0], EPOLLIN, close_other, NULL);
	}
	return seen;
}

static void
test_number_used_again(void **state)
{
	static const struct plugin_ops ops_pair = {.type = "test", .start = start_pair};
	struct testbed t;

	(void)state;
	open_bed(&t, 1, 65536);
	testbed_start(&t, &ops_pair);
	for (int i = 0; i < 500 && !seen->turns; i++)
		usleep(10000);
	testbed_finish(&t);
	assert_int_equal(testbed_wait(&t, 10), 0);
	assert_int_equal(seen->turns, 1);
	assert_int_equal(seen->stale, 0);
	close_bed(&t);
}

static void
test_table(void **state)
{
	(void)state;
	assert_non_null(plugin_find("Template"));
	assert_null(plugin_find("templat"));
	for (const struct plugin_ops *const *p = plugin_table; *p; p++) {
		assert_non_null((*p)->help);
		assert_non_null((*p)->start);
		assert_ptr_equal(plugin_find((*p)->type), *p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_records_once),
	    cmocka_unit_test(test_wakes_after_pause),
	    cmocka_unit_test(test_timer_slices_descriptors_reload),
	    cmocka_unit_test(test_signal_waits_for_the_core),
	    cmocka_unit_test(test_group_signal_waits_longer),
	    cmocka_unit_test(test_group_and_parent_are_one_request),
	    cmocka_unit_test(test_signal_ends_without_close),
	    cmocka_unit_test(test_zmq),
	    cmocka_unit_test(test_start_failure),
	    cmocka_unit_test(test_number_used_again),
	    cmocka_unit_test(test_table),
	};
	seen = testbed_shared(sizeof(*seen));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
