/* What the aggregate cache costs: nanoseconds a record in cache_absorb at several numbers of entries, bytes
 * an entry, and the longest time one batch took while the table grew.
 *
 * Records are 5-tuples with packets and bytes, made before the clock runs, in batches of 64 KiB as a queue
 * would hand them over. Usage: cache_bench [RECORDS [ENTRIES...]] */
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "collector/base/clock.h"
#include "collector/flow/cache.h"

#define KEY	     40
#define RECORD	     (KEY + 16)
#define PER_BATCH    1024
#define POOL_BATCHES 2048

static const struct layout layout = {
    .counter = {{.merge = MERGE_SUM}, {.merge = MERGE_SUM}},
    .counters = 2,
    .fixed_size = KEY,
    .key_size = KEY,
    .max_record = RECORD,
};

static uint64_t
next_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ULL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* The record of flow number id: an IPv4 5-tuple that looks like one. */
static void
make_record(uint8_t *p, uint64_t id)
{
	uint64_t r = id, a = next_random(&r), counters[2] = {1, 100};
	memset(p, 0, RECORD);
	p[10] = p[11] = p[26] = p[27] = 0xff;
	memcpy(p + 12, &id, 4);
	memcpy(p + 28, &a, 4);
	memcpy(p + 32, (uint8_t *)&a + 4, 4);
	p[36] = 6;
	memcpy(p + KEY, counters, sizeof(counters));
}

/* Which flow the next record belongs to: uniform, or skewed (the product of two uniform numbers). */
static uint64_t
pick(uint64_t *state, uint64_t entries, bool skewed)
{
	double u = (double)(next_random(state) >> 11) / 9007199254740992.0;
	if (skewed)
		u *= (double)(next_random(state) >> 11) / 9007199254740992.0;
	return (uint64_t)(u * (double)entries);
}

static void
fill(struct cache *c, uint8_t *batch, uint64_t entries, uint64_t *longest_us)
{
	for (uint64_t id = 0; id < entries;) {
		uint32_t n = 0;
		for (; n < PER_BATCH && id < entries; n++)
			make_record(batch + n * RECORD, id++);
		uint64_t begin = clock_monotonic_us();
		cache_absorb(c, batch, n);
		uint64_t us = clock_monotonic_us() - begin;
		if (us > *longest_us)
			*longest_us = us;
	}
}

static uint64_t
cpu_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Absorbs about records records into a filled cache; CPU nanoseconds a record. */
static double
steady(struct cache *c, uint8_t *pool, uint64_t records, uint64_t entries, bool skewed)
{
	uint64_t state = 1, ns = 0, done = 0;
	while (done < records) {
		for (uint64_t i = 0; i < (uint64_t)PER_BATCH * POOL_BATCHES; i++)
			make_record(pool + i * RECORD, pick(&state, entries, skewed));
		uint64_t begin = cpu_ns();
		for (unsigned b = 0; b < POOL_BATCHES; b++)
			cache_absorb(c, pool + (size_t)b * PER_BATCH * RECORD, PER_BATCH);
		ns += cpu_ns() - begin;
		done += (uint64_t)PER_BATCH * POOL_BATCHES;
	}
	return (double)ns / (double)done;
}

/* Memory the machine has not used for a while may be given back by its host, which then takes milliseconds a
 * huge page to find it again. What is written to and freed right before is at hand. */
static void
warm(size_t bytes)
{
	uint8_t *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return;
	madvise(p, bytes, MADV_HUGEPAGE);
	for (size_t i = 0; i < bytes; i += 4096)
		p[i] = 1;
	munmap(p, bytes);
}

static double
seconds_of(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

/* A whole pool into an empty cache, as a run over a capture does it: inserts, hits, and the kernel's share.
 */
static bool
from_empty(uint8_t *pool, uint64_t entries)
{
	uint64_t state = 1, records = (uint64_t)PER_BATCH * POOL_BATCHES;
	struct rusage a, b;
	for (uint64_t i = 0; i < records; i++)
		make_record(pool + i * RECORD, pick(&state, entries, false));
	warm((size_t)entries * 128 + ((size_t)64 << 20));
	struct cache *c = cache_new(&layout, 0);
	if (!c)
		return false;
	getrusage(RUSAGE_SELF, &a);
	uint64_t begin = cpu_ns();
	for (unsigned n = 0; n < POOL_BATCHES; n++)
		cache_absorb(c, pool + (size_t)n * PER_BATCH * RECORD, PER_BATCH);
	double ns = (double)(cpu_ns() - begin);
	getrusage(RUSAGE_SELF, &b);
	double kernel = (seconds_of(&b.ru_stime) - seconds_of(&a.ru_stime)) * 1e9;
	printf("%9" PRIu64 " entries of %" PRIu64 " records from empty: %5.1f ns a record, %5.1f of them the "
	       "kernel's, %ld page faults\n",
	       cache_entries(c), records, ns / (double)records, kernel / (double)records,
	       b.ru_minflt - a.ru_minflt);
	cache_free(c);
	return true;
}

static bool
measure(uint8_t *pool, uint64_t records, uint64_t entries)
{
	uint64_t longest = 0;
	struct cache *c = cache_new(&layout, 0);
	if (!c)
		return false;
	uint64_t begin = cpu_ns();
	fill(c, pool, entries, &longest);
	double growing = (double)(cpu_ns() - begin) / (double)entries;
	double skewed = steady(c, pool, records, entries, true);
	double uniform = steady(c, pool, records, entries, false);
	printf("%9" PRIu64
	       " entries: skewed %5.1f ns a record, uniform %5.1f, new entries %5.1f (making them "
	       "included), %5.1f bytes an entry, longest batch of %u while growing %" PRIu64 " us\n",
	       cache_entries(c), skewed, uniform, growing, (double)cache_bytes(c) / (double)cache_entries(c),
	       PER_BATCH, longest);
	cache_free(c);
	return from_empty(pool, entries);
}

int
main(int argc, char **argv)
{
	static const uint64_t usual[] = {1000, 160000, 1000000, 10000000};
	uint64_t records = argc > 1 ? strtoull(argv[1], NULL, 10) : 4000000;
	uint8_t *pool = malloc((size_t)PER_BATCH * POOL_BATCHES * RECORD);
	bool ok = pool != NULL;
	for (int i = 2; ok && i < argc; i++)
		ok = measure(pool, records, strtoull(argv[i], NULL, 10));
	for (unsigned i = 0; ok && argc <= 2 && i < ARRAY_SIZE(usual); i++)
		ok = measure(pool, records, usual[i]);
	if (!ok)
		fprintf(stderr, "cache_bench: no memory\n");
	free(pool);
	return ok ? 0 : 1;
}
