/* The table in its own process, as in the daemon: records go in by a ring, requests by the socket. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "plugins/memory_fixture.h"
#include "plugins/memory_server.h"
#include "plugins/testbed.h"

static struct layout tuple;
static char dir[64], path[96];

/* --- the plugin: memory.c without the configuration --- */

static struct memory_table table;
static struct memory_server *server;
static size_t table_bound;
static uint64_t table_idle_us;

static void *
start(struct plugin_host *host, const struct plugin_setup *setup)
{
	struct memory_socket at = {.path = path, .umask = 077, .uid = (uid_t)-1, .gid = (gid_t)-1};
	char err[300];
	table = (struct memory_table){.cache = cache_new(setup->layout, table_bound),
				      .layout = setup->layout,
				      .name = setup->name,
				      .max_bytes = table_bound,
				      .own = setup->own,
				      .idle_us = table_idle_us,
				      .started_us = clock_now_us()};
	server = memory_server_open(host, &table, &at, err, sizeof(err));
	return server;
}

static void
records(void *state, const uint8_t *r, uint32_t n)
{
	(void)state;
	cache_absorb(table.cache, r, n);
	table.records += n;
}

static void
stop(void *state)
{
	memory_server_close(state);
	cache_free(table.cache);
}

static const struct plugin_ops ops = {.type = "memory",
				      .start = start,
				      .records = records,
				      .stop = stop,
				      .counters = table_counter_desc,
				      .counter_count = TABLE_COUNTERS};

static void
open_bed(struct testbed *t)
{
	testbed_open(t, "table", "memory", 1, 1 << 20);
	t->setup.layout = &tuple;
	testbed_start(t, &ops);
	struct stat st;
	for (int i = 0; i < 500 && stat(path, &st) != 0; i++)
		usleep(10000);
}

static void
close_bed(struct testbed *t)
{
	testbed_finish(t);
	assert_int_equal(testbed_wait(t, 10), 0);
	assert_int_equal(access(path, F_OK), -1); /* the socket is gone with its process */
	testbed_free(t);
}

static void
send_record(struct testbed *t, uint32_t src, uint16_t port, uint64_t packets)
{
	uint8_t r[56];
	fixture_record(r, src, port, packets, 100 * packets);
	testbed_send(t, 0, r, sizeof(r));
}

/* --- the client --- */

static int
dial(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = 10};
	memcpy(sun.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	for (int i = 0; connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0; i++) {
		assert_true(i < 500);
		usleep(10000);
	}
	return fd;
}

static void
request(int fd, uint16_t type, uint16_t flags, const struct text *body)
{
	uint8_t h[MEMORY_HEADER];
	memory_header_put(h, &(struct memory_header){
				 .type = type, .flags = flags, .bytes = body ? (uint32_t)body->len : 0});
	assert_int_equal(send(fd, h, sizeof(h), MSG_NOSIGNAL), sizeof(h));
	if (body)
		assert_int_equal(send(fd, body->data, body->len, MSG_NOSIGNAL), body->len);
}

/* The next frame's body, in a buffer of ours; false at the end of the connection. */
static bool
next_frame(int fd, struct memory_header *h, uint8_t **body)
{
	static uint8_t buf[MEMORY_FRAME_MAX];
	uint8_t head[MEMORY_HEADER];
	if (recv(fd, head, sizeof(head), MSG_WAITALL) != sizeof(head))
		return false;
	assert_true(memory_header_get(h, head));
	assert_true(h->bytes <= sizeof(buf));
	if (h->bytes)
		assert_int_equal(recv(fd, buf, h->bytes, MSG_WAITALL), h->bytes);
	*body = buf;
	return true;
}

/* Dumps the table; every entry must have bytes == 100 * packets. Returns the rows, and their packets. */
static uint64_t
dump(int fd, uint16_t flags, uint64_t *packets)
{
	struct memory_header h;
	struct text t = {0};
	uint64_t rows = 0;
	uint8_t *body;
	*packets = 0;
	fixture_request(&t, 0, 0, 0, 0, NULL);
	request(fd, MEMORY_DUMP, flags, &t);
	text_free(&t);
	while (next_frame(fd, &h, &body) && h.type == MEMORY_RECORDS) {
		assert_int_equal(h.bytes, h.count * 56);
		for (uint32_t i = 0; i < h.count; i++) {
			uint64_t c[2];
			memcpy(c, body + i * 56 + 40, sizeof(c));
			if (c[1] != 100 * c[0])
				fail_msg("a torn entry: %lu packets, %lu bytes", c[0], c[1]);
			*packets += c[0];
		}
		rows += h.count;
	}
	assert_int_equal(h.type, MEMORY_END);
	return rows;
}

/* A status line's number. */
static uint64_t
status(const char *name)
{
	struct memory_header h;
	uint8_t *body;
	char text[8192];
	int fd = dial();
	request(fd, MEMORY_STATUS, 0, NULL);
	assert_true(next_frame(fd, &h, &body));
	for (int i = 0; h.type == MEMORY_ERROR && i < 500; i++) { /* those that left may not be noticed yet */
		close(fd);
		usleep(10000);
		fd = dial();
		request(fd, MEMORY_STATUS, 0, NULL);
		assert_true(next_frame(fd, &h, &body));
	}
	assert_int_equal(h.type, MEMORY_STATUS);
	snprintf(text, sizeof(text), "%.*s", (int)h.bytes, (char *)body);
	close(fd);
	const char *at = strstr(text, name);
	assert_non_null(at);
	return strtoull(at + strlen(name) + 2, NULL, 10);
}

/* --- the tests --- */

static void
test_records_in_queries_out(void **st)
{
	static const uint16_t column[] = {3};
	struct testbed t;
	struct memory_header h;
	struct text body = {0};
	uint64_t packets;
	uint16_t port = 53;
	uint8_t *b;
	struct stat sock;
	(void)st;
	open_bed(&t);
	assert_int_equal(stat(path, &sock), 0);
	assert_int_equal(sock.st_mode & 077, 0);
	for (uint32_t i = 0; i < 100; i++) {
		send_record(&t, 1, 53, 1);
		send_record(&t, 2 + i % 2, 80, 2);
	}
	testbed_flush(&t);
	assert_true(testbed_reached(&t, PLUGIN_RECORDS, 200, 5));
	int fd = dial();
	assert_int_equal(dump(fd, 0, &packets), 3);
	assert_int_equal(packets, 300);
	/* several requests on one connection, sent together: answered in order */
	fixture_request(&body, 0, 0, 1, 1, column);
	fixture_value(&body, &port, 2);
	request(fd, MEMORY_COUNT, 0, &body);
	request(fd, MEMORY_STATUS, 0, NULL);
	assert_true(next_frame(fd, &h, &b));
	assert_int_equal(h.type, MEMORY_COUNTERS);
	struct wire w = wire_over(b, h.bytes);
	assert_int_equal(wire_u64(&w), 1);
	assert_int_equal(wire_u64(&w), 100);
	assert_int_equal(wire_u64(&w), 10000);
	assert_true(next_frame(fd, &h, &b));
	assert_int_equal(h.type, MEMORY_END);
	assert_true(next_frame(fd, &h, &b));
	assert_int_equal(h.type, MEMORY_STATUS);
	request(fd, MEMORY_ERASE, 0, NULL);
	assert_true(next_frame(fd, &h, &b));
	assert_int_equal(h.type, MEMORY_END);
	assert_int_equal(dump(fd, 0, &packets), 0);
	close(fd);
	text_free(&body);
	close_bed(&t);
}

/* Queries while records pour in: no entry is ever seen half-changed, no record is lost, a locked answer is of
 * one moment. */
static void
test_under_load(void **st)
{
	struct testbed t;
	uint64_t packets, before = 0, rounds = 0;
	(void)st;
	open_bed(&t);
	pid_t pid = fork();
	if (pid == 0) { /* the core */
		for (uint32_t i = 0; i < 1500000; i++)
			send_record(&t, i % 5003, 53, 1 + i % 7);
		testbed_flush(&t);
		_exit(0);
	}
	uint64_t want = 0;
	for (uint32_t i = 0; i < 1500000; i++)
		want += 1 + i % 7;
	int fd = dial();
	while (!testbed_reached(&t, PLUGIN_RECORDS, 1500000, 0) &&
	       counter_read(t.setup.counters, PLUGIN_RECORDS) < 1500000) {
		dump(fd, rounds++ % 2 ? MEMORY_LOCK : 0, &packets);
		assert_true(packets >= before);
		before = packets;
	}
	assert_int_equal(dump(fd, 0, &packets), 5003);
	assert_int_equal(packets, want);
	close(fd);
	/* the queue's writer lives in the child: its end is told by a signal */
	kill(t.pid, SIGTERM);
	assert_int_equal(testbed_wait(&t, 10), 0);
	testbed_free(&t);
}

/* A client that does not read, one that sends half a request, one that sends anything: others are served, and
 * what was wrong is counted. */
static void
test_bad_clients(void **st)
{
	struct testbed t;
	struct memory_header h;
	struct text body = {0};
	uint64_t packets;
	uint8_t *b, junk[64];
	(void)st;
	open_bed(&t);
	for (uint32_t i = 0; i < 50000; i++)
		send_record(&t, i, 53, 1);
	testbed_flush(&t);
	assert_true(testbed_reached(&t, PLUGIN_RECORDS, 50000, 10));
	fixture_request(&body, 0, 0, 0, 0, NULL);
	int deaf = dial(), half = dial(), noisy = dial(), liar = dial(), odd = dial(), gone = dial();
	request(deaf, MEMORY_DUMP, 0, &body);
	assert_int_equal(send(half, "FLR1\0\3", 6, 0), 6);
	memset(junk, 'x', sizeof(junk));
	assert_int_equal(send(noisy, junk, sizeof(junk), 0), sizeof(junk));
	assert_false(next_frame(noisy, &h, &b)); /* hung up without a word */
	memory_header_put(junk, &(struct memory_header){.type = MEMORY_DUMP, .bytes = UINT32_MAX});
	assert_int_equal(send(liar, junk, MEMORY_HEADER, 0), MEMORY_HEADER);
	assert_true(next_frame(liar, &h, &b));
	assert_int_equal(h.type, MEMORY_ERROR);
	request(odd, 99, 0, NULL);
	assert_true(next_frame(odd, &h, &b));
	assert_int_equal(h.type, MEMORY_ERROR);
	request(gone, MEMORY_DUMP, 0, &body);
	close(gone);
	int fd = dial();
	assert_int_equal(dump(fd, 0, &packets), 50000);
	request(fd, MEMORY_DUMP, 0, NULL); /* no body: malformed */
	assert_true(next_frame(fd, &h, &b));
	assert_int_equal(h.type, MEMORY_ERROR);
	assert_int_equal(status("refused_not_a_request"), 1);
	assert_int_equal(status("refused_too_long"), 1);
	assert_int_equal(status("refused_unknown_type"), 1);
	assert_int_equal(status("refused_malformed_or_impossible"), 1);
	/* the same in the registry, where the core reads it */
	assert_int_equal(counter_read(t.setup.own, TABLE_REFUSED_MAGIC), 1);
	assert_int_equal(counter_read(t.setup.own, TABLE_REFUSED_SIZE), 1);
	assert_int_equal(counter_read(t.setup.own, TABLE_REFUSED_TYPE), 1);
	assert_int_equal(counter_read(t.setup.own, TABLE_REFUSED_REQUEST), 1);
	assert_true(counter_read(t.setup.own, TABLE_ROWS) >= 50000);
	assert_true(counter_read(t.setup.own, TABLE_QUERIES) >= 1);
	const int all[] = {deaf, half, noisy, liar, odd, fd};
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		close(all[i]);
	text_free(&body);
	close_bed(&t);
}

/* Requests sent ahead are all answered, also to a client that has closed its end after the last. */
static void
test_half_closed(void **st)
{
	enum { REQUESTS = 1000 }; /* more answers than the outbox takes at once */
	struct testbed t;
	struct memory_header h;
	struct text all = {0};
	unsigned answers = 0;
	uint8_t *b;
	(void)st;
	open_bed(&t);
	for (unsigned i = 0; i < REQUESTS; i++) {
		memory_header_put((uint8_t *)text_reserve(&all, MEMORY_HEADER),
				  &(struct memory_header){.type = MEMORY_STATUS});
		all.len += MEMORY_HEADER;
	}
	int fd = dial();
	assert_int_equal(send(fd, all.data, all.len, MSG_NOSIGNAL), all.len);
	shutdown(fd, SHUT_WR);
	while (next_frame(fd, &h, &b))
		answers += h.type == MEMORY_STATUS;
	assert_int_equal(answers, REQUESTS);
	close(fd);
	text_free(&all);
	close_bed(&t);
}

/* Who locks the table and then takes nothing does not keep others from it for ever. */
static void
test_stuck_locker(void **st)
{
	struct testbed t;
	struct memory_header h;
	struct text body = {0};
	uint64_t packets;
	uint8_t *b;
	(void)st;
	table_idle_us = 300000;
	open_bed(&t);
	for (uint32_t i = 0; i < 50000; i++) /* far more than the socket's buffer holds */
		send_record(&t, i, 53, 1);
	testbed_flush(&t);
	assert_true(testbed_reached(&t, PLUGIN_RECORDS, 50000, 10));
	fixture_request(&body, 0, 0, 0, 0, NULL);
	int deaf = dial(), early = dial(), late = dial();
	request(deaf, MEMORY_DUMP, MEMORY_LOCK, &body);
	while (counter_read(t.setup.own, TABLE_ROWS) < 50000)
		usleep(1000);
	request(early, MEMORY_DUMP, MEMORY_LOCK, &body);
	assert_true(next_frame(early, &h, &b));
	assert_int_equal(h.type, MEMORY_ERROR);
	assert_int_equal(counter_read(t.setup.own, TABLE_REFUSED_LOCKED), 1);
	usleep(400000);
	assert_int_equal(dump(late, MEMORY_LOCK, &packets), 50000);
	assert_int_equal(counter_read(t.setup.own, TABLE_DROPPED_SLOW), 1);
	close(deaf);
	close(early);
	close(late);
	text_free(&body);
	table_idle_us = 0;
	close_bed(&t);
}

/* More clients than places: the one too many is told so. */
static void
test_many_clients(void **st)
{
	struct testbed t;
	struct memory_header h;
	int fd[64];
	uint8_t *b;
	(void)st;
	open_bed(&t);
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = dial();
		request(fd[i], MEMORY_LAYOUT, 0, NULL);
		assert_true(next_frame(fd[i], &h, &b));
		assert_int_equal(h.type, MEMORY_LAYOUT);
	}
	int more = dial();
	assert_true(next_frame(more, &h, &b));
	assert_int_equal(h.type, MEMORY_ERROR);
	assert_false(next_frame(more, &h, &b));
	close(more);
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
	assert_true(status("refused_too_many_clients") >= 1);
	close_bed(&t);
}

/* A full table goes on counting what it holds and says what it could not. */
static void
test_bound(void **st)
{
	struct testbed t;
	(void)st;
	table_bound = 1 << 20;
	open_bed(&t);
	for (uint32_t i = 0; i < 50000; i++)
		send_record(&t, i, 53, 2);
	testbed_flush(&t);
	assert_true(testbed_reached(&t, PLUGIN_RECORDS, 50000, 10));
	uint64_t entries = status("entries"), dropped = status("dropped_records");
	assert_int_equal(entries + dropped, 50000);
	assert_true(dropped > 20000);
	assert_int_equal(status("dropped_packets"), 2 * dropped);
	assert_true(status("bytes") <= table_bound);
	close_bed(&t);
	table_bound = 0;
}

/* The socket left by a process that was killed is replaced; a file or a link at its place is not. */
static void
test_socket_place(void **st)
{
	struct testbed t;
	(void)st;
	open_bed(&t);
	kill(t.pid, SIGKILL);
	testbed_wait(&t, 10);
	assert_int_equal(access(path, F_OK), 0);
	testbed_free(&t);
	open_bed(&t);
	close(dial());
	close_bed(&t);

	assert_int_equal(symlink("/nowhere", path), 0);
	testbed_open(&t, "table", "memory", 1, 1 << 20);
	t.setup.layout = &tuple;
	testbed_start(&t, &ops);
	assert_int_equal(testbed_wait(&t, 10), 1);
	testbed_free(&t);
	assert_int_equal(unlink(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_records_in_queries_out),
	    cmocka_unit_test(test_under_load),
	    cmocka_unit_test(test_bad_clients),
	    cmocka_unit_test(test_half_closed),
	    cmocka_unit_test(test_stuck_locker),
	    cmocka_unit_test(test_many_clients),
	    cmocka_unit_test(test_bound),
	    cmocka_unit_test(test_socket_place),
	};
	tuple = fixture_tuple();
	snprintf(dir, sizeof(dir), "/tmp/flowrib-test-%d", (int)getpid());
	snprintf(path, sizeof(path), "%s/table.sock", dir);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return failed;
}
