/* What the print plugin costs in its own process, absorbing and writing together.
 *
 * Usage: print_bench RECORDS KEYS csv|json|formatted DIRECTORY
 *
 * Sends RECORDS 5-tuple records over KEYS distinct ones (skewed: half of the records go to a sixteenth of the
 * keys) through a ring and prints the CPU time of the plugin's process a record, from its start to its end,
 * the file included. */
#include <inttypes.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/conf/conf.h"
#include "plugins/testbed.h"

static void
die(const char *why)
{
	fprintf(stderr, "print_bench: %s\n", why);
	exit(1);
}

static struct conf *
configure(const char *output, const char *dir)
{
	struct text text = {0}, messages = {0};

	text_printf(&text,
		    "plugins: print[p]\nprint_output: %s\nprint_output_file: %s/print_bench.out\n"
		    "print_refresh_time: 86400\n",
		    output, dir);
	struct conf *conf = conf_load_text("bench", text.data, text.len, NULL, &messages);
	if (!conf)
		die(text_cstr(&messages));
	text_free(&text);
	text_free(&messages);
	return conf;
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return *seed >> 33;
}

static void
make_flow(struct flow *f, uint64_t key)
{
	uint64_t mixed = (key + 1) * 0x9e3779b97f4a7c15ULL;
	uint8_t src[4] = {10, (uint8_t)(mixed >> 8), (uint8_t)(mixed >> 16), (uint8_t)(mixed >> 24)};
	uint8_t dst[4] = {192, 168, (uint8_t)(mixed >> 32), (uint8_t)(mixed >> 40)};

	f->src_host = addr_from_v4(src);
	f->dst_host = addr_from_v4(dst);
	f->src_port = (uint16_t)(mixed >> 48);
	f->dst_port = (uint16_t)key;
	f->proto = key % 3 ? 6 : 17;
	f->packets = 1 + key % 10;
	f->bytes = f->packets * 700;
}

int
main(int argc, char **argv)
{
	struct layout layout;
	struct aggregate a;
	struct testbed t;
	struct flow flow;
	struct rusage u;
	char err[256];
	uint64_t seed = 1, record[32];

	if (argc != 5)
		die("usage: print_bench RECORDS KEYS csv|json|formatted DIRECTORY");
	uint64_t records = strtoull(argv[1], NULL, 10), keys = strtoull(argv[2], NULL, 10);
	testbed_open(&t, "p", "print", 1, 4 << 20);
	ring_writer_init(&t.writer[0], t.ring[0], 65536, t.queue_counters[0]);
	if (!aggregate_parse(&a, "src_host,dst_host,src_port,dst_port,proto", err, sizeof(err)) ||
	    !layout_compile(&layout, &a, &(struct layout_options){0}, err, sizeof(err)))
		die(err);
	t.setup.layout = &layout;
	t.setup.conf = configure(argv[3], argv[4]);
	testbed_start(&t, plugin_find("print"));
	memset(&flow, 0, sizeof(flow));
	for (uint64_t i = 0; i < records; i++) {
		uint64_t r = next_random(&seed);
		make_flow(&flow, i < keys ? i : r & 1 ? (r >> 1) % (keys / 16) : (r >> 1) % keys);
		size_t n = layout_pack(&layout, &flow, (uint8_t *)record);
		testbed_send(&t, 0, record, n);
	}
	testbed_finish(&t);
	if (wait4(t.pid, NULL, 0, &u) < 0)
		die("the plugin is gone");
	double us = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
		    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
	printf("%s: %" PRIu64 " records, %" PRIu64 " rows: %.1f ns a record (%.0f ms user, %.0f ms system)\n",
	       argv[3], records, counter_read(t.setup.counters, PLUGIN_ROWS_WRITTEN),
	       us * 1000 / (double)records,
	       (double)u.ru_utime.tv_sec * 1e3 + (double)u.ru_utime.tv_usec / 1e3,
	       (double)u.ru_stime.tv_sec * 1e3 + (double)u.ru_stime.tv_usec / 1e3);
	return 0;
}
