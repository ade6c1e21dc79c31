/* What correlation adds to a record: nanoseconds of CPU per flow for both addresses, with full tables of
 * several peers, at rest and while other peers load their tables again on another core.
 *
 * Flows go between hosts drawn evenly from the prefixes of the table, which no real traffic does: every
 * lookup misses the caches. A batch has 64 flows of one exporter, as a few datagrams give. The tables are
 * loaded straight into the RIB: neighbouring prefixes share attributes (3 on average), which come from
 * 100,000 sets a peer with 22,000 lists of communities; peers agree on them, or with -d each has its own.
 * Usage: correlate_bench [-d] [-p PEERS] [FILE], FILE with a prefix a line; without it a table of the size of
 * today's Internet is made up. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bgp/bgp.h"
#include "collector/base/counters.h"
#include "collector/core/correlate.h"
#include "collector/core/instance.h"

#define SETS	    100000
#define PEERS_MAX   64
#define ADDRESSES   (1u << 18)
#define BATCHES	    4096
#define ROUNDS	    7
#define MADE_V4	    900000
#define MADE_V6	    160000
#define RELOADS_MAX 8

struct bench {
	struct bgp_store *store;
	struct rib *rib;
	struct bgp_nlri *prefix;
	size_t n;
	bgp_set_id *set[PEERS_MAX];
	struct bgp_peer peer[PEERS_MAX];
	unsigned peers;
	bool differ;
	struct bgp_directory *directory;
	struct bgp_sources sources;
	struct addr *address[2]; /* drawn from the table, by family */
	_Atomic bool stop;
	uint64_t reloaded; /* routes, by the loading thread */
};

static uint64_t seed = 88172645463325252ULL;

static uint64_t
draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static double
cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* --- the table --- */

static void
add_prefix(struct bench *b, const char *text)
{
	struct bgp_nlri *one = &b->prefix[b->n];
	*one = (struct bgp_nlri){.label = BGP_NO_LABEL};
	b->n += prefix_parse(&one->prefix, text);
}

static void
make_table(struct bench *b)
{
	char text[PREFIX_TEXT_MAX];
	for (unsigned i = 0; i < MADE_V4; i++) {
		unsigned len = draw() % 10 < 6 ? 24 : 16 + (unsigned)(draw() % 8);
		uint32_t a = (uint32_t)(draw() >> 20);
		snprintf(text, sizeof(text), "%u.%u.%u.%u/%u", 1 + (a >> 24) % 223, a >> 16 & 255,
			 a >> 8 & 255, a & 255, len);
		add_prefix(b, text);
	}
	for (unsigned i = 0; i < MADE_V6; i++) {
		uint64_t r = draw();
		snprintf(text, sizeof(text), "2%03x:%x:%x::/%u", (unsigned)(r >> 8) & 0x3ff,
			 (unsigned)(r >> 20) & 0x1fff, r & 1 ? (unsigned)(r >> 36) & 0xff : 0,
			 r & 1 ? 48 : 32);
		add_prefix(b, text);
	}
}

static void
read_table(struct bench *b, const char *path)
{
	char line[128];
	FILE *f = fopen(path, "r");
	while (f && b->n < 2 * (MADE_V4 + MADE_V6) && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\r\n")] = '\0';
		add_prefix(b, line);
	}
	if (f)
		fclose(f);
}

static void
draw_addresses(struct bench *b)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		b->address[v6] = calloc(ADDRESSES, sizeof(struct addr));
		for (unsigned i = 0; i < ADDRESSES;) {
			struct addr a = b->prefix[draw() % b->n].prefix.addr;
			if (addr_is_v4(&a) == v6)
				continue;
			a.b[15] |= (uint8_t)draw();
			b->address[v6][i++] = a;
		}
	}
}

/* --- peers --- */

static bgp_set_id
make_set(struct bench *b, unsigned peer, uint32_t i)
{
	uint32_t as[4] = {64500 + peer, (uint32_t)(mix(i) % 64), (uint32_t)(mix(i) % 4096), 1000 + i};
	uint32_t std[4] = {64500u << 16 | i % 7, 64501u << 16 | i % 31, 64502u << 16 | i % 101,
			   64503u << 16 | i % 7};
	uint32_t hop = __builtin_bswap32(0xc0000200 + peer * 16 + i % 16);
	uint8_t path[2 + sizeof(as)] = {2, 4};
	struct bgp_attrs a = {.present =
				  BGP_HAS_ORIGIN | BGP_HAS_NEXT_HOP | BGP_HAS_AS_PATH | BGP_HAS_LOCAL_PREF,
			      .local_pref = 100,
			      .as_path = {path, sizeof(path)},
			      .std = {(const uint8_t *)std, sizeof(std)}};
	memcpy(path + 2, as, sizeof(as));
	a.next_hop = addr_from_v4(&hop);
	bgp_set_id id = bgp_store_intern(b->store, &a);
	bgp_store_ref(b->store, id, 1); /* stays, whatever happens to routes */
	return id;
}

/* Neighbours in the table that share their routes with others of other places. */
static void
load(struct bench *b, unsigned peer, unsigned shift)
{
	uint32_t slot = atomic_load(&b->peer[peer].slot);
	unsigned added;
	for (size_t i = 0; i < b->n && !atomic_load(&b->stop);) {
		size_t n = 1;
		bool v4 = addr_is_v4(&b->prefix[i].prefix.addr);
		while (n < 8 && i + n < b->n && mix(i + n) % 3 &&
		       addr_is_v4(&b->prefix[i + n].prefix.addr) == v4)
			n++;
		rib_announce(b->rib, slot, v4 ? BGP_IPV4_UNICAST : BGP_IPV6_UNICAST, &b->prefix[i],
			     (unsigned)n, b->set[peer][(mix(i) + shift) % SETS], NULL, NULL, &added);
		i += n;
		b->reloaded += n;
	}
}

static void
load_all(struct bench *b)
{
	struct bgp_peer *list[PEERS_MAX];
	double begin = cpu_seconds();
	for (unsigned p = 0; p < b->peers; p++) {
		uint32_t address = __builtin_bswap32(0x0a000001 + p);
		b->peer[p].address = addr_from_v4(&address);
		b->peer[p].id = 0x0a000001 + p;
		atomic_init(&b->peer[p].slot, rib_slot_open(b->rib));
		atomic_init(&b->peer[p].stale, RIB_NO_SLOT);
		b->set[p] = calloc(SETS, sizeof(bgp_set_id));
		for (uint32_t i = 0; i < SETS; i++)
			b->set[p][i] = make_set(b, b->differ ? p : 0, i);
		load(b, p, 0);
		list[p] = &b->peer[p];
	}
	b->directory = bgp_directory_new(list, b->peers, true);
	b->sources =
	    (struct bgp_sources){b->rib, b->store, (const struct bgp_directory *const *)&b->directory};
	printf("%u peers x %zu routes, %s attributes, loaded in %.1f s\n", b->peers, b->n,
	       b->differ ? "differing" : "agreeing", cpu_seconds() - begin);
}

/* --- correlation --- */

struct wanted {
	const char *aggregate, *keys;
};

static const struct wanted wanted[] = {
    {"src_as, dst_as", "nfacctd_as: bgp\n"},
    {"src_as, dst_as, src_mask, dst_mask, peer_dst_as, peer_dst_ip", "nfacctd_as: bgp\nnfacctd_net: bgp\n"},
    {"dst_as, as_path, peer_dst_ip", "nfacctd_as: bgp\nnfacctd_net: bgp\n"},
    {"src_as, dst_as, as_path, peer_dst_as, peer_dst_ip, local_pref", "nfacctd_as: bgp\nnfacctd_net: bgp\n"},
    {"src_as, dst_as, as_path, peer_dst_as, peer_dst_ip, std_comm, src_as_path, src_std_comm",
     "nfacctd_as: bgp\nnfacctd_net: bgp\nbgp_src_as_path_type: bgp\nbgp_src_std_comm_type: bgp\n"},
    {"src_as, dst_as, as_path, std_comm",
     "nfacctd_as: bgp\nbgp_aspath_radius: 2\nbgp_stdcomm_pattern: 64501:\n"},
};

struct subject {
	struct conf *conf;
	struct instances all;
	struct flow_needs needs;
	struct flow_batch batch;
	struct correlate *correlate;
};

static bool
subject_open(struct subject *s, const struct bench *b, const struct wanted *w)
{
	struct text text = {0}, messages = {0};
	char err[256];
	memset(s, 0, sizeof(*s));
	text_printf(&text, "nfacctd_port: 2100\nbgp_daemon: true\nplugins: memory[m]\naggregate[m]: %s\n%s",
		    w->aggregate, w->keys);
	s->conf = conf_load_text("bench", text.data, text.len, NULL, &messages);
	bool ok =
	    s->conf &&
	    instances_prepare(&s->all, s->conf, 1, SUPPLY_FLOW | SUPPLY_BGP, false, &s->needs, &messages) &&
	    flow_batch_init(&s->batch, &s->needs);
	if (ok)
		s->correlate = correlate_new(s->conf, &s->all.wants, &b->sources, NULL, err, sizeof(err));
	if (!s->correlate)
		fprintf(stderr, "%s\n", text_cstr(&messages));
	text_free(&text);
	text_free(&messages);
	return s->correlate != NULL;
}

static void
subject_close(struct subject *s)
{
	correlate_free(s->correlate);
	flow_batch_free(&s->batch);
	instances_free(&s->all);
	conf_free(s->conf);
}

/* As a decoder would have left them. */
static void
fill_batch(struct subject *s, const struct bench *b, unsigned batch, bool v6)
{
	const struct addr *from = b->address[v6];
	s->batch.n = 0;
	while (s->batch.n < FLOW_BATCH_MAX) {
		unsigned at = (batch * FLOW_BATCH_MAX + s->batch.n) % (ADDRESSES / 2);
		struct flow *f = flow_batch_next(&s->batch);
		f->src_host = from[2 * at];
		f->dst_host = from[2 * at + 1];
		f->peer_src_ip = b->peer[batch % b->peers].address;
		s->batch.n++;
	}
}

/* Seconds of CPU for all batches; with correlation or without. */
static double
play(struct subject *s, const struct bench *b, bool v6, bool with)
{
	const struct network_policy *policy = &s->all.list[0].policy;
	double begin = cpu_seconds();
	for (unsigned k = 0; k < BATCHES; k++) {
		fill_batch(s, b, k, v6);
		if (!with)
			continue;
		correlate_begin(s->correlate, &s->batch);
		for (unsigned i = 0; i < s->batch.n; i++)
			networks_apply(policy, flow_at(&s->batch, i), correlate_routes(s->correlate, i));
		correlate_end(s->correlate);
	}
	return cpu_seconds() - begin;
}

/* The best of some rounds; others use the machine too. */
static double
nanoseconds(struct subject *s, const struct bench *b, bool v6)
{
	double best[2] = {1e9, 1e9};
	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned with = 0; with < 2; with++) {
			double t = play(s, b, v6, with);
			best[with] = t < best[with] ? t : best[with];
		}
	return (best[1] - best[0]) * 1e9 / BATCHES / FLOW_BATCH_MAX;
}

static void
measure(struct bench *b, const char *when)
{
	printf("added to a record, ns, %s (IPv4, IPv6; extent of a flow):\n", when);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct subject s;
		if (!subject_open(&s, b, &wanted[i]))
			exit(1);
		double v4 = nanoseconds(&s, b, false), v6 = nanoseconds(&s, b, true);
		printf("  %6.1f %6.1f  %4zu  %s\n", v4, v6, s.batch.extent, wanted[i].aggregate);
		subject_close(&s);
	}
}

/* Peers load their tables with other attributes, again and again. */
static void *
reload(void *arg)
{
	struct bench *b = arg;
	readers_join();
	for (unsigned shift = 1; !atomic_load(&b->stop); shift++)
		for (unsigned p = 0; p < b->peers && p < RELOADS_MAX; p++) {
			load(b, p, shift);
			while (!rib_tidy(b->rib) && !atomic_load(&b->stop))
				;
		}
	readers_leave();
	return NULL;
}

int
main(int argc, char **argv)
{
	static struct bench b = {.peers = 10};
	pthread_t loader;
	for (int c; (c = getopt(argc, argv, "dp:")) != -1;) {
		if (c == 'd')
			b.differ = true;
		else if (c == 'p' && atoi(optarg) > 0 && atoi(optarg) <= PEERS_MAX)
			b.peers = (unsigned)atoi(optarg);
		else
			return 2;
	}
	b.prefix = calloc(2 * (MADE_V4 + MADE_V6), sizeof(*b.prefix));
	b.store = bgp_store_new();
	b.rib = b.store ? rib_new(b.store) : NULL;
	if (!b.prefix || !b.rib || !counters_init())
		return 1;
	if (optind < argc)
		read_table(&b, argv[optind]);
	else
		make_table(&b);
	if (b.n == 0)
		return 1;
	readers_join();
	draw_addresses(&b);
	load_all(&b);
	measure(&b, "tables at rest");
	b.reloaded = 0;
	if (pthread_create(&loader, NULL, reload, &b) != 0)
		return 1;
	measure(&b, "while peers load their tables");
	atomic_store(&b.stop, true);
	pthread_join(loader, NULL);
	printf("%.1f M routes were loaded meanwhile\n", (double)b.reloaded / 1e6);
	return 0;
}
