/* What the RIB costs: nanoseconds a route for loading tables peer by peer, for changes and withdrawals; bytes
 * a route by structure; nanoseconds a flow for looking up both its addresses; and how long a batch of lookups
 * takes at most while a slot with a full table is dropped and a default route flaps.
 *
 * Attributes are interned before the clock runs. A table is cut into atoms, neighbouring prefixes that share
 * their routes (3 on average), which are dealt out to 100,000 sets; a peer sends set by set, 8 NLRI at most
 * at a time, so what comes together lies scattered over the table. Peers agree (one set for an atom at all
 * peers, hence a group per set), or each deals atoms out to sets of its own (a group per atom, and ten times
 * the attributes).
 * Usage: rib_bench [-d] [-p PEERS] [FILE], FILE with a prefix a line, gzip not understood; without it a table
 * of the same size and lengths is made up. -d: peers differ. */
#include <inttypes.h>
#include <pthread.h>
#include <unistd.h>

#include "bgp/rib.h"
#include "collector/base/clock.h"

#define SETS	    100000
#define RUN	    8
#define ATOM	    3
#define FLOWS	    64
#define QUERIES	    (2 * FLOWS)
#define LOOK_ROUNDS 20000

struct bench {
	struct bgp_store *store;
	struct rib *rib;
	struct bgp_nlri *prefix; /* IPv4 first */
	uint32_t *atom;
	uint32_t *order; /* prefixes by set */
	size_t n, n4, cap;
	bgp_set_id *set; /* of the peer at hand */
	uint32_t *set_of;
	uint32_t slots[256];
	unsigned peers;
	bool differ;
	volatile bool stop;
	uint64_t lookups, longest_ns, longest_cpu, over_ms;
};

static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static uint64_t
next_random(uint64_t *state)
{
	return mix(*state += 0x9e3779b97f4a7c15ULL);
}

static uint64_t
cpu_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t
wall_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* --- the table --- */

static void
add_prefix(struct bench *b, const struct prefix *p)
{
	if (b->n == b->cap) {
		b->cap = b->cap ? 2 * b->cap : 1 << 20;
		b->prefix = realloc(b->prefix, b->cap * sizeof(*b->prefix));
		if (!b->prefix)
			abort();
	}
	b->prefix[b->n++] = (struct bgp_nlri){.prefix = *p, .label = BGP_NO_LABEL};
}

/* Thousands of prefixes of a length, as in a full table. */
static const struct {
	uint8_t len;
	uint16_t count;
} lengths4[] = {{13, 1},  {14, 1},  {15, 2},  {16, 13},	 {17, 8},  {18, 14},
		{19, 25}, {20, 43}, {21, 51}, {22, 109}, {23, 97}, {24, 538}},
  lengths6[] = {{29, 4},  {32, 23}, {33, 3},  {34, 3}, {36, 6}, {38, 2},
		{40, 13}, {42, 2},  {44, 14}, {46, 3}, {47, 3}, {48, 75}};

/* Dense as real ones: IPv4 below 224/3, IPv6 in some 4,000 /32s. */
static void
make_table(struct bench *b)
{
	uint64_t state = 1;
	struct prefix p;
	for (unsigned i = 0; i < ARRAY_SIZE(lengths4); i++) {
		for (unsigned k = 0; k < lengths4[i].count * 1000U; k++) {
			uint32_t a =
			    __builtin_bswap32((uint32_t)(next_random(&state) % 0xc0000000) + 0x01000000);
			p.addr = addr_from_v4(&a);
			p.addr = addr_mask(&p.addr, p.len = lengths4[i].len);
			add_prefix(b, &p);
		}
	}
	for (unsigned i = 0; i < ARRAY_SIZE(lengths6); i++) {
		for (unsigned k = 0; k < lengths6[i].count * 1000U; k++) {
			uint64_t a[2] = {next_random(&state), 0};
			uint64_t top = 0x2001 + mix(a[0] >> 60) % 0x1000;
			a[0] = __builtin_bswap64(top << 48 | (mix(a[0] >> 50 & 255) & 0xffff) << 32 |
						 (a[0] & 0xffffffff));
			p.addr = addr_from_v6(a);
			p.addr = addr_mask(&p.addr, p.len = lengths6[i].len);
			add_prefix(b, &p);
		}
	}
}

static bool
read_table(struct bench *b, const char *file)
{
	char line[128];
	struct prefix p;
	FILE *f = fopen(file, "r");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\r\n")] = 0;
		if (prefix_parse(&p, line))
			add_prefix(b, &p);
	}
	fclose(f);
	return b->n > 0;
}

static int
by_address(const void *x, const void *y)
{
	const struct bgp_nlri *a = x, *b = y;
	int v6 = addr_is_v4(&b->prefix.addr) - addr_is_v4(&a->prefix.addr);
	int c = memcmp(a->prefix.addr.b, b->prefix.addr.b, 16);
	return v6 ? v6 : c ? c : a->prefix.len - b->prefix.len;
}

static void
prepare(struct bench *b)
{
	size_t kept = 0;
	uint32_t atom = 0;
	qsort(b->prefix, b->n, sizeof(*b->prefix), by_address);
	for (size_t i = 0; i < b->n; i++)
		if (!kept || by_address(&b->prefix[i], &b->prefix[kept - 1]) != 0)
			b->prefix[kept++] = b->prefix[i];
	b->n = kept;
	while (b->n4 < b->n && addr_is_v4(&b->prefix[b->n4].prefix.addr))
		b->n4++;
	b->atom = calloc(b->n, sizeof(*b->atom));
	b->order = calloc(b->n, sizeof(*b->order));
	b->set_of = calloc(b->n, sizeof(*b->set_of));
	b->set = calloc(SETS, sizeof(*b->set));
	if (!b->atom || !b->order || !b->set_of || !b->set)
		abort();
	for (size_t i = 0; i < b->n; i++) {
		if (i == b->n4 || mix(i) % ATOM == 0)
			atom++;
		b->atom[i] = atom;
	}
}

/* --- peers --- */

static bgp_set_id
make_set(struct bench *b, unsigned peer, uint32_t i)
{
	uint8_t path[2 + 4 * 4] = {2, 4};
	uint32_t as[4] = {64500 + peer, (uint32_t)(mix(i) % 64), (uint32_t)(mix(i) % 4096), 1000 + i};
	struct bgp_attrs a = {.present = BGP_HAS_ORIGIN | BGP_HAS_NEXT_HOP | BGP_HAS_AS_PATH};
	uint32_t hop = __builtin_bswap32(0xc0000200 + peer);
	memcpy(path + 2, as, sizeof(as));
	a.as_path = (struct bgp_bytes){path, sizeof(path)};
	a.next_hop = addr_from_v4(&hop);
	bgp_set_id id = bgp_store_intern(b->store, &a);
	if (!id)
		abort();
	bgp_store_ref(b->store, id, 1); /* stays, whatever happens to routes */
	return id;
}

/* IPv4 sets are even, IPv6 ones odd. */
static void
deal(struct bench *b, unsigned peer)
{
	static uint32_t start[SETS + 2];
	memset(start, 0, sizeof(start));
	for (size_t i = 0; i < b->n; i++) {
		uint64_t h = mix(b->atom[i] + (b->differ ? (uint64_t)peer << 32 : 0));
		b->set_of[i] = (uint32_t)(h % (i < b->n4 ? SETS * 9 / 10 : SETS / 10));
		b->set_of[i] += i < b->n4 ? 0 : SETS * 9 / 10;
		start[b->set_of[i] + 2]++;
	}
	for (unsigned s = 2; s < SETS + 2; s++)
		start[s] += start[s - 1];
	for (size_t i = 0; i < b->n; i++)
		b->order[start[b->set_of[i] + 1]++] = (uint32_t)i;
	for (unsigned s = 0; s < SETS; s++)
		b->set[s] = make_set(b, b->differ ? peer : 0, s);
}

typedef void run_fn(struct bench *b, uint32_t slot, enum bgp_family f, const struct bgp_nlri *nlri,
		    unsigned n, bgp_set_id set);

/* Calls fn for each run of a table; CPU time spent in it. */
static uint64_t
play(struct bench *b, unsigned peer, unsigned shift, run_fn *fn)
{
	static struct bgp_nlri run[SETS][RUN];
	uint64_t ns = 0;
	size_t i = 0;
	while (i < b->n) {
		static uint8_t len[SETS];
		static uint32_t set[SETS];
		size_t runs = 0;
		for (; runs < 10000 && i < b->n; runs++) {
			set[runs] = b->set_of[b->order[i]];
			for (len[runs] = 0;
			     len[runs] < RUN && i < b->n && b->set_of[b->order[i]] == set[runs]; i++)
				run[runs][len[runs]++] = b->prefix[b->order[i]];
		}
		uint64_t begin = cpu_ns();
		for (size_t k = 0; k < runs; k++) {
			bool v6 = set[k] >= SETS * 9 / 10;
			fn(b, b->slots[peer], v6 ? BGP_IPV6_UNICAST : BGP_IPV4_UNICAST, run[k], len[k],
			   b->set[(set[k] + shift) % SETS]);
		}
		ns += cpu_ns() - begin;
	}
	return ns;
}

static void
announce(struct bench *b, uint32_t slot, enum bgp_family f, const struct bgp_nlri *nlri, unsigned n,
	 bgp_set_id set)
{
	unsigned added;
	if (!rib_announce(b->rib, slot, f, nlri, n, set, NULL, NULL, &added))
		abort();
}

static void
withdraw(struct bench *b, uint32_t slot, enum bgp_family f, const struct bgp_nlri *nlri, unsigned n,
	 bgp_set_id set)
{
	unsigned removed;
	(void)set;
	if (!rib_withdraw(b->rib, slot, RIB_NO_SLOT, f, nlri, n, false, NULL, NULL, &removed))
		abort();
}

static void
show_memory(const struct bench *b)
{
	struct rib_stats s;
	rib_stats(b->rib, &s);
	double r = (double)s.routes;
	size_t all = s.prefix_bytes + s.trie_bytes + s.group_bytes + s.index_bytes + s.list_bytes;
	printf(
	    "  %zu routes, %zu prefixes, %zu groups; bytes a route %.2f: prefixes %.2f, tries %.2f, groups "
	    "%.2f, index %.2f\n",
	    s.routes, s.prefixes, s.groups, (double)all / r, (double)s.prefix_bytes / r,
	    (double)s.trie_bytes / r, (double)s.group_bytes / r, (double)s.index_bytes / r);
}

static void
load_all(struct bench *b)
{
	uint64_t total = 0;
	for (unsigned p = 0; p < b->peers; p++) {
		b->slots[p] = rib_slot_open(b->rib);
		deal(b, p);
		uint64_t ns = play(b, p, 0, announce);
		total += ns;
		if (p < 3 || p + 1 == 10 || p + 1 == b->peers || (p + 1) % 50 == 0) {
			printf("load of peer %u: %.1f ns a route\n", p + 1, (double)ns / (double)b->n);
			show_memory(b);
		}
	}
	printf("all loads: %.1f ns a route\n", (double)total / (double)b->n / b->peers);
}

static void
change_all(struct bench *b)
{
	unsigned p = b->peers / 2;
	deal(b, p);
	uint64_t ns = play(b, p, 1, announce);
	printf("all routes of a peer change: %.1f ns a route\n", (double)ns / (double)b->n);
	ns = play(b, p, 0, announce);
	printf("and change back: %.1f ns a route\n", (double)ns / (double)b->n);
	ns = play(b, p, 0, announce);
	printf("announced again unchanged: %.1f ns a route\n", (double)ns / (double)b->n);
	ns = play(b, p, 0, withdraw);
	printf("withdrawn: %.1f ns a route\n", (double)ns / (double)b->n);
	ns = play(b, p, 0, announce);
	printf("and announced: %.1f ns a route\n", (double)ns / (double)b->n);
	show_memory(b);
}

/* --- readers --- */

/* Flows between hosts in the table's prefixes, each asked of a peer. */
static void
make_queries(struct bench *b, struct rib_query *q, bool v6, uint64_t *state)
{
	uint32_t table = rib_table(b->rib, v6 ? BGP_IPV6_UNICAST : BGP_IPV4_UNICAST, 0);
	for (unsigned i = 0; i < QUERIES; i++) {
		uint64_t r = next_random(state);
		size_t k = v6 ? b->n4 + r % (b->n - b->n4) : r % b->n4;
		struct addr a = b->prefix[k].prefix.addr;
		a.b[15] |= (uint8_t)(r >> 40);
		uint32_t slot = b->slots[(r >> 50) % b->peers];
		q[i] = (struct rib_query){.addr = a, .table = table, .slot = i & 1 ? q[i - 1].slot : slot};
		q[i].stale = RIB_NO_SLOT;
		q[i].parts = RIB_PART_PATH;
	}
}

static void
measure_lookups(struct bench *b, bool v6)
{
	static struct rib_query q[64][QUERIES];
	uint64_t state = 7, ns = 0, sum = 0, found = 0;
	for (unsigned round = 0; round < LOOK_ROUNDS / 64; round++) {
		for (unsigned i = 0; i < 64; i++)
			make_queries(b, q[i], v6, &state);
		uint64_t begin = cpu_ns();
		for (unsigned i = 0; i < 64; i++) {
			readers_begin();
			rib_lookup(b->rib, q[i], QUERIES);
			for (unsigned k = 0; k < QUERIES; k++)
				if (q[i][k].set)
					sum += bgp_store_part(b->store, q[i][k].set->path).len, found++;
			readers_end();
		}
		ns += cpu_ns() - begin;
	}
	printf("lookup of both addresses, %s: %.1f ns a flow (%.1f %% found, check %" PRIu64 ")\n",
	       v6 ? "IPv6" : "IPv4", (double)ns / (LOOK_ROUNDS / 64 * 64) / FLOWS,
	       100.0 * (double)found / (LOOK_ROUNDS / 64 * 64) / QUERIES, sum % 10);
}

static void *
read_on(void *arg)
{
	struct bench *b = arg;
	static struct rib_query q[64][QUERIES];
	uint64_t state = 99;
	for (unsigned i = 0; i < 64; i++)
		make_queries(b, q[i], false, &state);
	readers_join();
	while (!b->stop) {
		uint64_t begin = wall_ns(), cpu = cpu_ns();
		readers_begin();
		rib_lookup(b->rib, q[b->lookups % 64], QUERIES);
		readers_end();
		cpu = cpu_ns() - cpu;
		uint64_t ns = wall_ns() - begin;
		if (cpu > b->longest_cpu)
			b->longest_cpu = cpu;
		b->lookups++;
		b->over_ms += ns > 1000000;
		if (ns > b->longest_ns)
			b->longest_ns = ns;
	}
	readers_leave();
	return NULL;
}

static void
report_reader(struct bench *b, const char *what, uint64_t us)
{
	printf("%s: %.1f ms; a batch of %u lookups meanwhile took at most %.0f us, %.0f of CPU time (%" PRIu64
	       " of %" PRIu64 " over 1 ms)\n",
	       what, (double)us / 1000, QUERIES, (double)b->longest_ns / 1000, (double)b->longest_cpu / 1000,
	       b->over_ms, b->lookups);
	b->longest_ns = b->longest_cpu = b->lookups = b->over_ms = 0;
}

static void
flap_default(struct bench *b, uint32_t slot, unsigned times)
{
	struct bgp_nlri any = {.label = BGP_NO_LABEL};
	if (!prefix_parse(&any.prefix, "0.0.0.0/0"))
		abort();
	for (unsigned i = 0; i < times; i++) {
		announce(b, slot, BGP_IPV4_UNICAST, &any, 1, b->set[0]);
		withdraw(b, slot, BGP_IPV4_UNICAST, &any, 1, 0);
		rib_tidy(b->rib);
	}
}

/* Everything slow, with a reader beside it. What else runs on the machine shows in the reader's figures too:
 * the first line says how much without any change, and the CPU time of a batch leaves it out. */
static void
measure_stalls(struct bench *b)
{
	pthread_t thread;
	b->stop = false;
	if (pthread_create(&thread, NULL, read_on, b) != 0)
		abort();
	uint64_t begin = clock_monotonic_us();
	usleep(300000);
	report_reader(b, "nothing", clock_monotonic_us() - begin);
	begin = clock_monotonic_us();
	flap_default(b, b->slots[0], 1);
	report_reader(b, "a first default route comes and goes", clock_monotonic_us() - begin);
	begin = clock_monotonic_us();
	flap_default(b, b->slots[0], 10000);
	report_reader(b, "and 10,000 times more", clock_monotonic_us() - begin);
	uint64_t longest = 0, cpu = cpu_ns();
	begin = clock_monotonic_us();
	for (bool done = false; !done;) {
		uint64_t step = cpu_ns();
		done = rib_slot_drop(b->rib, b->slots[b->peers / 2], UINT32_MAX, NULL, NULL);
		step = cpu_ns() - step;
		longest = step > longest ? step : longest;
	}
	report_reader(b, "a slot is dropped", clock_monotonic_us() - begin);
	printf("  %.1f ms of CPU time, longest step %.1f ms\n", (double)(cpu_ns() - cpu) / 1e6,
	       (double)longest / 1e6);
	cpu = cpu_ns();
	longest = 0;
	begin = clock_monotonic_us();
	for (bool done = false; !done;) {
		uint64_t step = cpu_ns();
		done = rib_tidy(b->rib);
		step = cpu_ns() - step;
		longest = step > longest ? step : longest;
	}
	report_reader(b, "tidied", clock_monotonic_us() - begin);
	printf("  %.1f ms of CPU time, longest step %.1f ms\n", (double)(cpu_ns() - cpu) / 1e6,
	       (double)longest / 1e6);
	b->stop = true;
	pthread_join(thread, NULL);
	show_memory(b);
}

int
main(int argc, char **argv)
{
	static struct bench b = {.peers = 10};
	for (int o; (o = getopt(argc, argv, "dp:")) != -1;) {
		if (o == 'd')
			b.differ = true;
		else
			b.peers = (unsigned)strtoul(optarg, NULL, 10);
	}
	b.store = bgp_store_new();
	b.rib = rib_new(b.store);
	if (!b.store || !b.rib || !b.peers || b.peers > ARRAY_SIZE(b.slots))
		return 1;
	readers_join();
	if (optind < argc && !read_table(&b, argv[optind]))
		fprintf(stderr, "rib_bench: cannot read %s\n", argv[optind]);
	if (!b.n)
		make_table(&b);
	prepare(&b);
	printf("%zu prefixes, %zu of them IPv4; peers %s\n", b.n, b.n4, b.differ ? "differ" : "agree");
	load_all(&b);
	measure_lookups(&b, false);
	measure_lookups(&b, true);
	change_all(&b);
	measure_stalls(&b);
	readers_leave();
	return 0;
}
