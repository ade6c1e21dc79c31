/* How long a row of text takes: format_bench [rows]. Prints nanoseconds of CPU time a row for the shapes that
 * matter, best of five rounds over rows that differ, into a buffer that stays in place. */
#include <inttypes.h>
#include <time.h>

#include "collector/base/clock.h"
#include "collector/flow/format.h"

#define FIVE_TUPLE "src_host,dst_host,src_port,dst_port,proto"

static uint64_t
next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 16;
}

static struct addr
random_addr(uint64_t *state, bool v6)
{
	uint64_t r[2] = {next_random(state), next_random(state)};
	uint8_t raw[16] = {0x20, 0x01, 0x0d, 0xb8};
	memcpy(raw + 4, r, 6);
	memcpy(raw + 10, r + 1, 6);
	return v6 ? addr_from_v6(raw) : addr_from_v4(raw + 4);
}

/* n rows back to back; returns the bytes used. */
static void
fill(const struct layout *l, uint8_t *out, unsigned n, bool v6)
{
	uint64_t state = 1;
	for (unsigned i = 0; i < n; i++) {
		struct flow f = {.src_host = random_addr(&state, v6), .dst_host = random_addr(&state, v6)};
		f.src_port = (uint16_t)next_random(&state);
		f.dst_port = next_random(&state) % 2 ? 443 : 53;
		f.proto = next_random(&state) % 4 ? 6 : 17;
		f.packets = next_random(&state) % 1000;
		f.bytes = f.packets * (40 + next_random(&state) % 1400);
		f.flows = 1;
		f.timestamp_start = (1677577599ULL + next_random(&state) % 300) * US_PER_S + i;
		f.timestamp_end = f.timestamp_start + next_random(&state) % 60000000;
		out += layout_pack(l, &f, out);
	}
}

static uint64_t
cpu_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static uint64_t
one_round(struct format *f, const struct layout *l, const uint8_t *records, unsigned n, struct text *t)
{
	uint64_t begin = cpu_ns();
	for (unsigned i = 0; i < n; i++) {
		if (t->len > 1 << 20)
			t->len = 0;
		format_row(f, records, 0, t);
		records += layout_record_size(l, records);
	}
	return cpu_ns() - begin;
}

static void
measure(const char *name, const char *aggregate, enum format_kind kind, bool v6, unsigned n)
{
	char err[256];
	struct aggregate a;
	struct layout l;
	struct layout_options lo = {0};
	struct format_options o = {.kind = kind, .event_type = "purge"};
	if (!aggregate_parse(&a, aggregate, err, sizeof(err)) ||
	    !layout_compile(&l, &a, &lo, err, sizeof(err))) {
		fprintf(stderr, "format_bench: %s\n", err);
		return;
	}
	uint8_t *records = malloc((size_t)n * l.max_record);
	struct format *f = format_new(&l, &o, err, sizeof(err));
	struct text t = {0};
	if (records && f) {
		uint64_t best = UINT64_MAX;
		fill(&l, records, n, v6);
		for (int i = 0; i < 5; i++) {
			uint64_t ns = one_round(f, &l, records, n, &t);
			best = ns < best ? ns : best;
		}
		t.len = 0;
		format_row(f, records, 0, &t);
		printf("%-34s %6.1f ns/row %4zu bytes\n", name, (double)best / n, t.len);
	}
	text_free(&t);
	format_free(f);
	free(records);
}

int
main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 200000;
	measure("JSON 5-tuple IPv4", FIVE_TUPLE, FORMAT_JSON, false, n);
	measure("JSON 5-tuple IPv6", FIVE_TUPLE, FORMAT_JSON, true, n);
	measure("CSV 5-tuple IPv4", FIVE_TUPLE, FORMAT_CSV, false, n);
	measure("CSV 5-tuple IPv6", FIVE_TUPLE, FORMAT_CSV, true, n);
	measure("JSON 5-tuple IPv4, two times", FIVE_TUPLE ",timestamp_start,timestamp_end", FORMAT_JSON,
		false, n);
	measure("CSV 5-tuple IPv4, two times", FIVE_TUPLE ",timestamp_start,timestamp_end", FORMAT_CSV, false,
		n);
	measure("aligned 5-tuple IPv4", FIVE_TUPLE, FORMAT_FORMATTED, false, n);
	return 0;
}
