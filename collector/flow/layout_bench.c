/* How long packing takes: layout_bench [MILLIONS]. Prints nanoseconds a record for typical aggregates, the
 * median of five runs.
 *
 * Flows stand in a batch as sources hand them on, with new addresses and counters in each, and records go
 * back to back into a buffer the size of a queue's slot. The first row is the same work written by hand, as
 * the bound. Filling the batch is not measured. */
#include <time.h>

#include "collector/flow/layout.h"

#define SLOT_BYTES 65536
#define RUNS	   5

static double
now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static uint64_t
next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void
fill(struct flow_batch *b)
{
	static const char path[] = "\2\3\1\2\3\4\5\6\7\10\11\12\13";
	uint64_t seed = 88172645463325252ULL;

	for (b->n = 0; b->n < FLOW_BATCH_MAX; b->n++) {
		struct flow *f = flow_batch_next(b);
		uint64_t r = next_random(&seed);
		f->src_host = addr_from_v4(&r);
		r = next_random(&seed);
		f->dst_host = addr_from_v4(&r);
		f->src_port = (uint16_t)(r >> 32);
		f->dst_port = 443;
		f->proto = r & 1 ? 6 : 17;
		f->in_iface = r >> 48 & 15;
		f->src_as = (uint32_t)next_random(&seed);
		f->dst_as = (uint32_t)next_random(&seed);
		f->peer_src_ip = addr_from_v4("\xc0\x00\x02\x01");
		f->packets = r >> 50;
		f->bytes = r >> 40;
		f->flows = 1;
		f->as_path = (struct flow_bytes){(const uint8_t *)path, 14};
	}
}

/* The 5-tuple and two counters, as one would write it knowing the aggregate. */
static size_t
pack_by_hand(const struct flow *f, uint8_t *out)
{
	memcpy(out, f, 38);
	memset(out + 38, 0, 2);
	memcpy(out + 40, &f->packets, 16);
	return 56;
}

static int
order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* One run of n records; l NULL is by hand. */
static double
run(const struct layout *l, const struct flow_batch *b, uint8_t *slot, uint64_t n)
{
	size_t max = l ? l->max_record : 56, at = 0;
	double start = now();

	for (uint64_t done = 0; done < n; done += b->n) {
		if (at + b->n * max > SLOT_BYTES)
			at = 0;
		if (l)
			for (unsigned i = 0; i < b->n; i++)
				at += layout_pack(l, flow_at(b, i), slot + at);
		else
			for (unsigned i = 0; i < b->n; i++)
				at += pack_by_hand(flow_at(b, i), slot + at);
		__asm__ volatile("" ::"r"(slot) : "memory");
	}
	return (now() - start) / (double)n;
}

static void
measure(const char *text, const struct flow_batch *b, uint8_t *slot, uint64_t n)
{
	struct aggregate a;
	struct layout l;
	char err[200];
	double ns[RUNS];

	if (text && (!aggregate_parse(&a, text, err, sizeof(err)) ||
		     !layout_compile(&l, &a, &(struct layout_options){0}, err, sizeof(err)))) {
		fprintf(stderr, "%s: %s\n", text, err);
		exit(1);
	}
	for (unsigned i = 0; i < RUNS; i++)
		ns[i] = run(text ? &l : NULL, b, slot, n);
	qsort(ns, RUNS, sizeof(ns[0]), order);
	if (text)
		printf("%5.2f ns  %2u copies, %2u bytes of key, %u counters: %s\n", ns[RUNS / 2], l.copies[0],
		       l.fixed_size, l.counters, text);
	else
		printf("%5.2f ns  5-tuple by hand\n", ns[RUNS / 2]);
}

int
main(int argc, char **argv)
{
	static const char *const typical[] = {
	    "src_host,dst_host,src_port,dst_port,proto",
	    "src_host,dst_host,src_port,dst_port,proto,flows",
	    "src_host,dst_host,src_port,dst_port,proto,tos,src_as,dst_as",
	    "src_host,dst_host,src_port,dst_port,proto,tos,in_iface,src_as,dst_as,peer_src_ip,flows",
	    "src_host",
	    "peer_src_ip,src_as,dst_as,in_iface",
	    "src_net,dst_net,src_mask,dst_mask,tag,src_mac,dst_mac,vlan,etype,tcpflags,flows",
	    "src_as,dst_as,as_path",
	};
	struct flow_needs needs = {.extent = sizeof(struct flow)};
	struct flow_batch b;
	uint64_t millions = argc > 1 ? strtoull(argv[1], NULL, 10) : 50;
	uint8_t *slot = malloc(SLOT_BYTES);

	if (!slot || !flow_batch_init(&b, &needs))
		return 1;
	fill(&b);
	measure(NULL, &b, slot, millions * 1000000);
	for (unsigned i = 0; i < ARRAY_SIZE(typical); i++)
		measure(typical[i], &b, slot, millions * 1000000);
	flow_batch_free(&b);
	free(slot);
	return 0;
}
