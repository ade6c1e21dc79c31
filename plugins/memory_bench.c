/* What the memory table costs in its own process, and a table of any size for the client to be measured
 * against.
 *
 * Usage: memory_bench ENTRIES RECORDS [SECONDS SOCKET]
 *
 * Fills a table through a ring with ENTRIES entries, then sends RECORDS more to them as fast as the ring
 * takes them, and prints the CPU time the plugin's process spent a record. With SOCKET the table then answers
 * there for SECONDS, while records go on coming. */
#include <inttypes.h>
#include <sys/resource.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "plugins/memory_fixture.h"
#include "plugins/memory_server.h"
#include "plugins/testbed.h"

static struct layout tuple;
static struct memory_table table;
static const char *path;
static struct memory_server *server;

/* CPU microseconds of the plugin's process, shown to the parent. */
static uint64_t *cpu_us;

static void *
start(struct plugin_host *host, const struct plugin_setup *setup)
{
	struct memory_socket at = {.path = path, .umask = 077, .uid = (uid_t)-1, .gid = (gid_t)-1};
	char err[300] = "";
	table = (struct memory_table){.cache = cache_new(setup->layout, 0),
				      .layout = setup->layout,
				      .name = setup->name,
				      .started_us = clock_now_us()};
	if (path && !(server = memory_server_open(host, &table, &at, err, sizeof(err))))
		fprintf(stderr, "%s\n", err);
	return table.cache;
}

static void
records(void *state, const uint8_t *r, uint32_t n)
{
	struct rusage u;
	static unsigned calls;
	(void)state;
	cache_absorb(table.cache, r, n);
	table.records += n;
	if (++calls % 64 == 0 && getrusage(RUSAGE_SELF, &u) == 0)
		*cpu_us = (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * US_PER_S +
			  (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void
stop(void *state)
{
	printf("%" PRIu64 " entries, %.1f bytes each\n", cache_entries(state),
	       (double)cache_bytes(state) / (double)cache_entries(state));
	fflush(stdout);
	if (server)
		memory_server_close(server);
}

static const struct plugin_ops ops = {.type = "memory", .start = start, .records = records, .stop = stop};

static uint32_t
next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Sends n records to random entries, 100 bytes a packet. */
static void
send_records(struct testbed *t, uint64_t n, uint32_t entries, uint32_t *state)
{
	uint8_t r[56];
	for (uint64_t i = 0; i < n; i++) {
		uint32_t id = next(state) % entries;
		fixture_record(r, id, (uint16_t)(id >> 20), 1, 100);
		testbed_send(t, 0, r, sizeof(r));
	}
}

int
main(int argc, char **argv)
{
	struct testbed t;
	uint8_t r[56];
	uint32_t state = 1;
	if (argc < 3) {
		fprintf(stderr, "usage: memory_bench ENTRIES RECORDS [SECONDS SOCKET]\n");
		return 1;
	}
	uint32_t entries = (uint32_t)strtoul(argv[1], NULL, 10);
	uint64_t n = strtoull(argv[2], NULL, 10), seconds = argc > 4 ? strtoull(argv[3], NULL, 10) : 0;
	path = argc > 4 ? argv[4] : NULL;
	tuple = fixture_tuple();
	cpu_us = testbed_shared(sizeof(*cpu_us));
	testbed_open(&t, "bench", "memory", 1, 4 << 20);
	t.setup.layout = &tuple;
	t.writer[0].batch_bytes = 64 << 10;
	testbed_start(&t, &ops);
	for (uint32_t i = 0; i < entries; i++) {
		fixture_record(r, i, (uint16_t)(i >> 20), 1, 100);
		testbed_send(&t, 0, r, sizeof(r));
	}
	testbed_flush(&t);
	testbed_reached(&t, PLUGIN_RECORDS, entries, 60);
	uint64_t before = *cpu_us;
	send_records(&t, n, entries, &state);
	testbed_flush(&t);
	testbed_reached(&t, PLUGIN_RECORDS, entries + n, 60);
	if (n)
		printf("%.1f ns of CPU a record in the plugin's process\n",
		       (double)(*cpu_us - before) * 1000 / (double)n);
	fflush(stdout);
	for (uint64_t end = clock_monotonic_us() + seconds * US_PER_S; clock_monotonic_us() < end;) {
		send_records(&t, 20000, entries, &state); /* some 2 M a second */
		usleep(5000);
	}
	testbed_finish(&t);
	int status = testbed_wait(&t, 60);
	testbed_free(&t);
	return status;
}
