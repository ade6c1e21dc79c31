/* What outputs cost: a snapshot written and read, a table dumped, messages logged. Every peer has 902,000
 * IPv4 and 160,000 IPv6 prefixes in 100,000 attribute sets, its own ones with -d. Usage: outputs_bench [-d]
 * [-p PEERS] [FOLDER]; files go to FOLDER (default /tmp) and are removed. */
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bgp/eventring.h"
#include "bgp/output.h"
#include "collector/base/clock.h"

#define V4   902000u
#define V6   160000u
#define ALL  (V4 + V6)
#define SETS 100000u
#define RUN  8u

struct bench {
	struct bgp_store *store;
	struct rib *rib;
	const struct bgp_directory *directory;
	struct bgp_sources sources;
	struct bgp_peer *peer[256];
	unsigned peers;
	bool differ;
	const char *folder;
	bgp_set_id set[SETS];
};

static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static double
clock_s(clockid_t which)
{
	struct timespec ts;
	clock_gettime(which, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double
cpu_s(void)
{
	return clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

static struct bgp_nlri
nlri_of(uint32_t i)
{
	struct bgp_nlri n = {.label = BGP_NO_LABEL};
	uint8_t raw[16] = {0x20, 0x01};
	if (i < V4) {
		n.prefix.len = 24;
		n.prefix.addr = addr_from_v4(&(uint32_t){__builtin_bswap32((i + 0x10000) << 8)});
	} else {
		n.prefix.len = 48;
		memcpy(raw + 2, &(uint32_t){__builtin_bswap32(i - V4)}, 4);
		n.prefix.addr = addr_from_v6(raw);
	}
	return n;
}

/* A path of four, three communities, a next hop: 60 bytes, as most have. */
static bgp_set_id
set_of(struct bench *b, uint32_t i, unsigned peer, bool v6)
{
	uint8_t path[18] = {2, 4};
	unsigned whose = b->differ ? peer + 1 : 0;
	uint64_t seed = mix(i * 2654435761u + whose);
	for (unsigned k = 0; k < 4; k++)
		memcpy(path + 2 + 4 * k, &(uint32_t){(uint32_t)mix(seed + k) & 0x3ffff}, 4);
	uint32_t comms[3] = {65001u << 16 | (i & 255), 65001u << 16 | 1000 | (i & 7),
			     (uint32_t)seed & 0xffff0fff};
	struct bgp_attrs a = {.present = BGP_HAS_ORIGIN | BGP_HAS_AS_PATH | BGP_HAS_NEXT_HOP,
			      .as_path = {path, sizeof(path)},
			      .std = {(uint8_t *)comms, sizeof(comms)}};
	uint8_t hop[16] = {192, 0, 2, (uint8_t)whose};
	a.next_hop = v6 ? addr_from_v6(hop) : addr_from_v4(hop);
	return bgp_store_intern(b->store, &a);
}

/* Prefixes of one set come together, as UPDATEs bring them. */
static void
load(struct bench *b, unsigned which, uint32_t from, uint32_t to, enum bgp_family family)
{
	uint32_t stride = (to - from) / SETS + 1;
	for (uint32_t s = 0; s < SETS; s++) {
		struct bgp_nlri n[RUN * 4];
		unsigned many = 0, added = 0;
		for (uint32_t i = from + s * stride; i < to && i < from + (s + 1) * stride; i++)
			n[many++] = nlri_of(i);
		if (!many)
			break;
		bgp_set_id set = set_of(b, s, which, family == BGP_IPV6_UNICAST);
		rib_announce(b->rib, b->peer[which]->slot, family, n, many, set, NULL, NULL, &added);
		bgp_store_settle(b->store, set);
	}
}

static void
make_peers(struct bench *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct bgp_peer *p = b->peer[i] = calloc(1, sizeof(*p));
		p->address = addr_from_v4(&(uint32_t){__builtin_bswap32(0x0a000001 + i)});
		p->slot = rib_slot_open(b->rib);
		p->stale = RIB_NO_SLOT;
		p->state = BGP_ESTABLISHED;
		load(b, i, 0, V4, BGP_IPV4_UNICAST);
		load(b, i, V4, ALL, BGP_IPV6_UNICAST);
	}
	b->peers = n;
	b->directory = bgp_directory_new(b->peer, n, true);
}

static void
count_routes(void *ctx, enum bgp_family family, const struct bgp_nlri *nlri, unsigned n,
	     const struct bgp_attrs *attrs)
{
	(void)family, (void)nlri, (void)attrs;
	*(uint64_t *)ctx += n;
}

static void
snapshot(struct bench *b)
{
	char path[256], err[256];
	struct stat st = {0};
	uint64_t routes = 0, begun = clock_monotonic_us();
	double cpu = cpu_s();
	snprintf(path, sizeof(path), "%s/outputs_bench.%d", b->folder, (int)getpid());
	if (!bgp_snapshot_write(&b->sources, path, err, sizeof(err)) || stat(path, &st) < 0) {
		printf("%s\n", err);
		return;
	}
	double all = (double)ALL * b->peers;
	printf("snapshot written   %6.2f s, %5.2f s CPU, %5.1f ns a route, %.1f bytes a route\n",
	       (double)(clock_monotonic_us() - begun) / 1e6, cpu_s() - cpu, (cpu_s() - cpu) * 1e9 / all,
	       (double)st.st_size / all);
	begun = clock_monotonic_us();
	cpu = cpu_s();
	if (!bgp_snapshot_read(path, NULL, count_routes, &routes, err, sizeof(err)))
		printf("%s\n", err);
	printf("snapshot read      %6.2f s, %5.2f s CPU, %.1f M routes a second\n",
	       (double)(clock_monotonic_us() - begun) / 1e6, cpu_s() - cpu,
	       (double)routes / (cpu_s() - cpu) / 1e6);
	unlink(path);
}

static struct conf *
conf_of(const char *format, const char *folder)
{
	struct text lines = {0}, messages = {0};
	for (const char *p = format; *p; p++)
		if (*p == '@')
			text_printf(&lines, "%s/outputs_bench.%d", folder, (int)getpid());
		else
			text_char(&lines, *p);
	struct conf *c = conf_load_text("bench", lines.data, lines.len, NULL, &messages);
	if (!c)
		printf("%s", text_cstr(&messages));
	text_free(&lines);
	text_free(&messages);
	return c;
}

static void
remove_file(const struct bench *b)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/outputs_bench.%d", b->folder, (int)getpid());
	unlink(path);
}

/* All peers into one file, by one worker. */
static void
dump(struct bench *b)
{
	char err[256];
	void *self = NULL;
	struct bgp_output_env env = {
	    .conf = conf_of("bgp_table_dump_file: @\nbgp_table_dump_refresh_time: 60\n", b->folder),
	    .sources = b->sources,
	    .store = b->store,
	    .owner = {.uid = (uid_t)-1, .gid = (gid_t)-1, .mode = 0600}};
	if (!env.conf || !bgp_output_dump.prepare(&env, &self, err, sizeof(err)))
		return;
	double cpu = cpu_s();
	bgp_dump_at(self, 1795132800);
	printf("table dumped       %6.2f s CPU, %5.1f ns a route\n", cpu_s() - cpu,
	       (cpu_s() - cpu) * 1e9 / ((double)ALL * b->peers));
	bgp_output_dump.free(self);
	conf_free((struct conf *)(uintptr_t)env.conf);
	remove_file(b);
}

/* A table's messages: what the BGP thread pays, and when the last line is written. */
static void
messages(struct bench *b)
{
	char err[256];
	struct bgp_outputs *o = NULL;
	struct conf *c = conf_of("bgp_daemon_msglog_file: @\nbgp_daemon_msglog_queue: 2000000\n", b->folder);
	if (!c || !bgp_outputs_prepare(&o, c, b->sources, b->store, err, sizeof(err)) ||
	    !bgp_outputs_start(o, err, sizeof(err)))
		return;
	struct bgp_events *e = bgp_outputs_events(o);
	bgp_set_id set = set_of(b, 1, 0, false);
	uint64_t begun = clock_monotonic_us();
	double own = clock_s(CLOCK_THREAD_CPUTIME_ID), all = cpu_s();
	for (uint32_t i = 0; i < ALL; i++) {
		struct bgp_nlri n = nlri_of(i);
		if (i % 512 == 0)
			bgp_events_settle(e);
		bgp_event_route(e, BGP_EVENT_UPDATE, b->peer[0], i < V4 ? BGP_IPV4_UNICAST : BGP_IPV6_UNICAST,
				&n, set);
	}
	own = clock_s(CLOCK_THREAD_CPUTIME_ID) - own;
	bgp_outputs_stop(o);
	all = cpu_s() - all;
	printf("messages logged    %6.1f ns CPU a route of the BGP thread, %.1f of the writer; %llu lost; "
	       "%.2f s\n",
	       own * 1e9 / ALL, (all - own) * 1e9 / ALL, (unsigned long long)bgp_events_lost(e),
	       (double)(clock_monotonic_us() - begun) / 1e6);
	bgp_outputs_free(o);
	conf_free(c);
	remove_file(b);
}

int
main(int argc, char **argv)
{
	static struct bench b = {.folder = "/tmp"};
	unsigned peers = 10;
	int option;
	while ((option = getopt(argc, argv, "dp:")) != -1) {
		if (option == 'd')
			b.differ = true;
		else if (option == 'p')
			peers = (unsigned)strtoul(optarg, NULL, 10);
		else
			return 1;
	}
	if (optind < argc)
		b.folder = argv[optind];
	if (peers < 1 || peers > ARRAY_SIZE(b.peer) || !counters_init())
		return 1;
	b.store = bgp_store_new();
	b.rib = rib_new(b.store);
	b.sources = (struct bgp_sources){.rib = b.rib, .store = b.store, .directory = &b.directory};
	readers_join();
	make_peers(&b, peers);
	printf("%u peers, %s attributes\n", peers, b.differ ? "differing" : "the same");
	snapshot(&b);
	if (peers <= 2)
		dump(&b);
	messages(&b);
	readers_leave();
	return 0;
}
