/* How long reading UPDATEs takes: update_bench [MILLIONS]. Prints nanoseconds an UPDATE, the median of five
 * runs, for messages as a full table has them: five attributes and eight prefixes.
 *
 * Messages stand one behind the other in a buffer larger than the first caches, with differing lengths and
 * numbers, as they come out of a socket. */
#include <time.h>

#include "bgp/nlri.h"

#define MESSAGES 4096
#define NLRI	 8
#define RUNS	 5

struct load {
	uint8_t *bytes;
	struct {
		uint32_t at, len;
	} message[MESSAGES];
};

static double
now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static uint32_t
next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return (uint32_t)(*s >> 16);
}

static uint8_t *
put(uint8_t *p, const void *bytes, size_t n)
{
	memcpy(p, bytes, n);
	return p + n;
}

static uint8_t *
put_random(uint8_t *p, unsigned n, uint64_t *seed)
{
	while (n--)
		*p++ = (uint8_t)(next_random(seed) | 1);
	return p;
}

/* ORIGIN, AS_PATH of three to six hops, next hop, MED, COMMUNITIES of two to five. */
static uint8_t *
put_attributes(uint8_t *p, bool v6, uint64_t *seed)
{
	unsigned hops = 3 + next_random(seed) % 4, communities = 2 + next_random(seed) % 4;

	p = put(p, "\x40\1\1\0", 4);
	p = put(p, (uint8_t[]){0x40, 2, (uint8_t)(2 + 4 * hops), 2, (uint8_t)hops}, 5);
	p = put_random(p, 4 * hops, seed);
	if (!v6)
		p = put(p, "\x40\3\4\xc0\0\2\1", 7);
	p = put(p, "\x80\4\4\0\0\0\x64", 7);
	p = put(p, (uint8_t[]){0xc0, 8, (uint8_t)(4 * communities)}, 3);
	for (unsigned i = 0; i < communities; i++) {
		*p++ = (uint8_t)(40 * i); /* ascending, as most speakers send them */
		p = put_random(p, 3, seed);
	}
	return p;
}

static uint8_t *
put_prefixes(uint8_t *p, bool v6, uint64_t *seed)
{
	for (unsigned i = 0; i < NLRI; i++) {
		unsigned bits = v6 ? 32 + next_random(seed) % 17 : 16 + next_random(seed) % 9;
		*p++ = (uint8_t)bits;
		p = put_random(p, (bits + 7) / 8, seed);
	}
	return p;
}

/* One body of an UPDATE. */
static uint8_t *
put_update(uint8_t *p, bool v6, uint64_t *seed)
{
	uint8_t *start = p, *reach;

	p = put_attributes(p + 4, v6, seed);
	reach = p;
	if (v6) {
		p = put(p, "\x90\x0e\0\0\0\2\1\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0", 25);
		p = put_prefixes(p, true, seed);
		reach[3] = (uint8_t)(p - reach - 4);
	}
	memset(start, 0, 4);
	start[3] = (uint8_t)(p - start - 4);
	return v6 ? p : put_prefixes(p, false, seed);
}

static double
run(const struct load *l, bool v6, uint64_t n, struct bgp_scratch *scratch)
{
	static const struct bgp_rules rules = {.as4 = true, .ebgp = true, .families = 3};
	struct bgp_update u;
	struct bgp_nlri nlri[2 * NLRI];
	enum bgp_fault fault = BGP_FAULT_NONE;
	double start = now();

	for (uint64_t i = 0; i < n; i++) {
		unsigned m = i % MESSAGES;
		bgp_update_parse(&u, l->bytes + l->message[m].at, l->message[m].len, &rules, scratch);
		unsigned got =
		    bgp_nlri_batch(v6 ? &u.mp_announced : &u.announced,
				   v6 ? BGP_IPV6_UNICAST : BGP_IPV4_UNICAST, false, nlri, 2 * NLRI, &fault);
		if (u.outcome != BGP_OK || got != NLRI || fault != BGP_FAULT_NONE)
			abort();
		__asm__ volatile("" ::"r"(nlri), "r"(&u) : "memory");
	}
	return (now() - start) / (double)n;
}

static int
order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	uint64_t millions = argc > 1 ? strtoull(argv[1], NULL, 10) : 5;
	struct bgp_scratch scratch;
	struct load l = {.bytes = malloc(512 * MESSAGES)};

	if (!l.bytes || !bgp_scratch_init(&scratch))
		return 1;
	for (int v6 = 0; v6 < 2; v6++) {
		uint64_t seed = 88172645463325252ULL;
		uint8_t *p = l.bytes;
		double ns[RUNS];
		for (unsigned m = 0; m < MESSAGES; m++) {
			uint8_t *end = put_update(p, v6, &seed);
			l.message[m].at = (uint32_t)(p - l.bytes);
			l.message[m].len = (uint32_t)(end - p);
			p = end;
		}
		for (unsigned i = 0; i < RUNS; i++)
			ns[i] = run(&l, v6, millions * 1000000, &scratch);
		qsort(ns, RUNS, sizeof(ns[0]), order);
		printf("%6.1f ns an UPDATE, %4.1f ns a prefix: 5 attributes, %u prefixes, %s, %.0f bytes\n",
		       ns[RUNS / 2], ns[RUNS / 2] / NLRI, NLRI, v6 ? "IPv6" : "IPv4",
		       (double)(p - l.bytes) / MESSAGES);
	}
	bgp_scratch_free(&scratch);
	free(l.bytes);
	return 0;
}
