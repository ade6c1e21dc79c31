/* How long a record takes from the datagram to struct flow: v9 and IPFIX, 24 records a datagram, with what a
 * plugin that aggregates by the 5-tuple needs, and with every field of the template. Prints CPU nanoseconds a
 * record, the median of some runs. `decode_bench portable` measures without the processor's shuffles. */
#include <time.h>

#include "collector/decode/builder.h"
#include "collector/decode/exporter.h"

#define RECORDS	  24
#define DATAGRAMS 512
#define ROUNDS	  60
#define RUNS	  7

/* v9 tells times as uptimes, IPFIX in milliseconds. */
static const uint16_t times[2][2][2] = {{{22, 4}, {21, 4}}, {{152, 8}, {153, 8}}};

static uint16_t fields[][2] = {
    {8, 4}, {12, 4}, {15, 4}, {10, 4}, {14, 4}, {2, 4}, {1, 4},	 {22, 4}, {21, 4},
    {7, 2}, {11, 2}, {6, 1},  {4, 1},  {5, 1},	{9, 1}, {13, 1}, {16, 4}, {17, 4},
};

static uint8_t datagram[DATAGRAMS][1600];
static size_t datagram_len[DATAGRAMS];
static uint64_t sum;

static void
sink(void *ctx, struct flow_batch *batch)
{
	(void)ctx;
	sum += flow_at(batch, 0)->bytes;
}

static void
put_records(struct builder *b, uint32_t seed)
{
	for (unsigned r = 0; r < RECORDS; r++)
		for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
			b_uint(b, seed * 2654435761u + r * 40503u + i * 77u, fields[i][1]);
}

static void
build(unsigned version)
{
	static struct builder b;

	memcpy(fields[7], times[version == 10], sizeof(times[0]));
	for (unsigned i = 0; i < DATAGRAMS; i++) {
		if (version == 9)
			b_v9(&b, 1000000, 1700000000, i, 1);
		else
			b_ipfix(&b, 1700000000, i * RECORDS, 1);
		if (i == 0)
			b_template(&b, version == 9 ? 0 : 2, 256, fields, ARRAY_SIZE(fields));
		b_set(&b, 256);
		put_records(&b, i);
		b_set_end(&b);
		if (version == 10)
			b_ipfix_end(&b);
		memcpy(datagram[i], b.data, b.len);
		datagram_len[i] = b.len;
	}
}

static double
cpu_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static double
run(struct decoder *d)
{
	struct datagram dg = {.arrival_us = 1700000001000000, .port = 2055};
	double from = cpu_ns();

	addr_parse(&dg.from, "192.0.2.1");
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < DATAGRAMS; i++) {
			dg.data = datagram[i];
			dg.len = datagram_len[i];
			decoder_datagram(d, &dg);
			if (i % 16 == 15)
				decoder_flush(d);
		}
	}
	return (cpu_ns() - from) / ((double)ROUNDS * DATAGRAMS * RECORDS);
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static void
measure(const char *name, unsigned version, const struct flow_needs *needs, bool portable)
{
	static const struct decode_options o;
	char err[100];
	double t[RUNS];
	struct decoder *d = decoder_new(&o, needs, sink, NULL, NULL, err, sizeof(err));

	if (!d)
		exit(1);
	d->env.no_shuffle = portable;
	build(version);
	for (unsigned i = 0; i < RUNS; i++)
		t[i] = run(d);
	qsort(t, RUNS, sizeof(t[0]), by_value);
	printf("version %2u, %-28s %6.1f ns/record\n", version, name, t[RUNS / 2]);
	decoder_free(d);
}

static void
need_tuple(struct flow_needs *n)
{
	FLOW_NEED(n, src_host);
	FLOW_NEED(n, dst_host);
	FLOW_NEED(n, src_port);
	FLOW_NEED(n, dst_port);
	FLOW_NEED(n, proto);
	FLOW_NEED(n, bytes);
	FLOW_NEED(n, packets);
	FLOW_NEED(n, flows);
	FLOW_NEED(n, tcp_flags);
}

int
main(int argc, char **argv)
{
	bool portable = argc > 1 && strcmp(argv[1], "portable") == 0;
	struct flow_needs tuple = {.extent = 0}, timed, hot = {.extent = 0}, all = {.extent = 0};

	counters_init();
	need_tuple(&tuple);
	timed = tuple;
	FLOW_NEED(&timed, timestamp_start);
	flow_need(&hot, 0, FLOW_HOT_BYTES);
	flow_need(&all, 0, sizeof(struct flow));
	for (unsigned version = 9; version <= 10; version++) {
		measure("5-tuple and counters", version, &tuple, portable);
		measure("5-tuple, counters, start", version, &timed, portable);
		measure("everything in the hot part", version, &hot, portable);
		measure("every member there is", version, &all, portable);
	}
	return sum == 1;
}
