/* Flows as a pure function of their number: nothing has to be stored to know what was sent, and two runs with
 * the same seed are the same to the byte.
 *
 * The population is shaped like an access network's: eight flows a client, few servers for many clients,
 * well-known ports, most flows small and a few large. Distinctness does not rest on chance: a client's
 * address is a permutation of its number, and its eight flows use disjoint ranges of source ports. */
#include <math.h>

#include "tools/flowgen/population.h"

enum { FLOWS_PER_CLIENT = 8, CLIENT_BITS = 24, SERVERS = 4096, PORT_RANGE = 7000, INTERFACES = 64 };

static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

uint64_t
random_next(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15u;
	return mix(*state);
}

/* A permutation of the numbers below 2^24: odd multiplications and shifts can be undone, so it is one to one.
 */
static uint32_t
scatter24(uint32_t x, uint64_t seed)
{
	const uint32_t mask = (1u << CLIENT_BITS) - 1;
	x = (x + (uint32_t)seed) & mask;
	x = (x * 0x9e3779u) & mask;
	x ^= x >> 11;
	x = (x * 0x85ebcbu) & mask;
	return x ^ x >> 13;
}

static const struct service {
	uint16_t port;
	uint8_t proto;
	uint8_t weight; /* of 100 */
} services[] = {
    {443, 6, 40}, {443, 17, 15}, {80, 6, 10}, {53, 17, 14}, {123, 17, 5}, {22, 6, 3},	{25, 6, 3},
    {993, 6, 4},  {5060, 17, 2}, {0, 47, 1},  {0, 50, 1},   {179, 6, 1},  {8080, 6, 1},
};

static const struct service *
service_pick(uint64_t r)
{
	unsigned at = (unsigned)(r % 100);
	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		if (at < services[i].weight)
			return &services[i];
		at -= services[i].weight;
	}
	return &services[0];
}

/* Clients live in 10/8 and 2001:db8:c::/48, servers in 198.18/15 and 2001:db8:5::/48. */
static void
set_addresses(struct gen_flow *f, uint32_t client, uint32_t server)
{
	static const uint8_t v6_prefix[4] = {0x20, 0x01, 0x0d, 0xb8};
	memset(f->src, 0, sizeof(f->src));
	memset(f->dst, 0, sizeof(f->dst));
	memset(f->next_hop, 0, sizeof(f->next_hop));
	uint8_t *client_tail = f->src + (f->v6 ? 13 : 1);
	client_tail[0] = (uint8_t)(client >> 16);
	client_tail[1] = (uint8_t)(client >> 8);
	client_tail[2] = (uint8_t)client;
	uint8_t *server_tail = f->dst + (f->v6 ? 14 : 2);
	server_tail[0] = (uint8_t)(server >> 8);
	server_tail[1] = (uint8_t)server;
	f->next_hop[f->v6 ? 15 : 3] = (uint8_t)(1 + server % 200);
	if (f->v6) {
		memcpy(f->src, v6_prefix, 4);
		memcpy(f->dst, v6_prefix, 4);
		memcpy(f->next_hop, v6_prefix, 4);
		f->src[5] = 0x0c;
		f->dst[5] = 0x05;
		f->next_hop[5] = 0xff;
	} else {
		f->src[0] = 10;
		f->dst[0] = 198;
		f->dst[1] = 18;
		f->next_hop[0] = 192;
		f->next_hop[2] = 2;
	}
}

static void
set_ports(struct gen_flow *f, uint64_t r)
{
	const struct service *s = service_pick(r);
	unsigned nth = f->index % FLOWS_PER_CLIENT;
	f->proto = s->proto;
	f->sport = (uint16_t)(1024 + nth * PORT_RANGE + (r >> 16) % PORT_RANGE);
	f->dport = s->port;
	/* Protocols without ports only where the client's address alone tells flows apart. */
	if (nth == 0 && (r >> 40) % 8 == 0) {
		f->proto = f->v6 ? 58 : 1;
		f->sport = 0;
		f->dport = f->v6 ? 128 << 8 : 8 << 8; /* echo request: type * 256 + code */
	} else if (s->port == 0 && nth != 0) {
		f->proto = 6;
		f->dport = 443;
	} else if (s->port == 0) {
		f->sport = 0;
	}
	f->tcp_flags = f->proto == 6 ? 0x1b : 0;
}

static void
set_counters(struct gen_flow *f, uint64_t r)
{
	static const uint32_t mean_size[4] = {60, 120, 800, 1400};
	unsigned magnitude = (unsigned)(r % 64) < 2 ? 14 : (unsigned)(r % 11);
	f->packets = 1 + (r >> 8) % (1u << magnitude);
	f->bytes = f->packets * (mean_size[(r >> 24) % 4] + (r >> 32) % 64);
	f->rev_packets = flow_reverse_packets(f->packets);
	f->rev_bytes = f->rev_packets * REVERSE_PACKET;
}

void
flow_make(struct gen_flow *f, uint64_t seed, uint32_t index, unsigned v6_percent)
{
	uint32_t client = scatter24(index / FLOWS_PER_CLIENT, seed);
	uint64_t r = mix(seed ^ mix(index));
	uint64_t of_client = mix(seed + client);
	f->index = index;
	f->v6 = of_client % 100 < v6_percent;
	/* The square makes a few servers busy and many quiet. */
	uint64_t u = mix(r) % SERVERS;
	uint32_t server = (uint32_t)(u * u / SERVERS);
	set_addresses(f, client, server);
	set_ports(f, mix(r + 1));
	set_counters(f, mix(r + 2));
	f->tos = (uint8_t)((r >> 8) % 8 == 0 ? 0xb8 : 0);
	f->src_mask = f->v6 ? 64 : 24;
	f->dst_mask = (uint8_t)((f->v6 ? 40 : 16) + server % 8);
	f->in_if = 1 + client % INTERFACES;
	f->out_if = 1 + server % INTERFACES;
	f->src_as = 64512 + client % 256;
	f->dst_as = server % 3 ? 65536 + server : 64496 + server % 16; /* 4-byte numbers too */
	f->vrf = 1 + client % 4;
	f->sampler = 1 + index % 2;
	f->app = 1 + server % 8;
	f->vlan = (uint16_t)(100 + client % 16);
	f->end_ms = (uint32_t)((r >> 20) % 10000);
	f->start_ms = f->end_ms + (uint32_t)((r >> 36) % 50000);
}

/* Walker's alias method: one table look-up a draw, whatever the distribution. */
struct alias {
	uint32_t n;
	uint32_t *other;
	double *keep;
};

static void
alias_fill(struct alias *a, uint32_t *small, uint32_t *large)
{
	double sum = 0;
	for (uint32_t i = 0; i < a->n; i++)
		sum += 1.0 / (i + 1);
	uint32_t smalls = 0, larges = 0;
	for (uint32_t i = 0; i < a->n; i++) {
		a->keep[i] = a->n / ((i + 1) * sum);
		a->other[i] = i;
		if (a->keep[i] < 1.0)
			small[smalls++] = i;
		else
			large[larges++] = i;
	}
	while (smalls && larges) {
		uint32_t s = small[--smalls], l = large[larges - 1];
		a->other[s] = l;
		a->keep[l] -= 1.0 - a->keep[s];
		if (a->keep[l] < 1.0) {
			larges--;
			small[smalls++] = l;
		}
	}
}

static bool
alias_make(struct alias *a, uint32_t n)
{
	*a = (struct alias){
	    .n = n, .other = calloc(n, sizeof(*a->other)), .keep = calloc(n, sizeof(*a->keep))};
	uint32_t *stacks = calloc(2 * (size_t)n, sizeof(*stacks));
	bool ok = a->other && a->keep && stacks;
	if (ok)
		alias_fill(a, stacks, stacks + n);
	free(stacks);
	return ok;
}

static uint32_t
alias_draw(const struct alias *a, uint64_t r)
{
	uint32_t i = (uint32_t)((r >> 32) * a->n >> 32);
	double u = (double)(uint32_t)r / 4294967296.0;
	return u < a->keep[i] ? i : a->other[i];
}

static uint32_t
gcd(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t t = a % b;
		a = b;
		b = t;
	}
	return a;
}

/* A step with no divisor in common with n: walking by it visits every number below n before it repeats. */
static uint32_t
stride_for(uint32_t n)
{
	uint32_t stride = (uint32_t)(n * 0.618) + 1;
	while (gcd(stride, n) != 1)
		stride++;
	return stride;
}

/* Places at even distances, starting with the first, go to the next flow of a scattered order, so that all
 * flows appear. */
static void
sequence_fill(uint32_t *seq, uint32_t count, uint32_t flows, const struct alias *zipf, uint64_t state)
{
	uint64_t covered = 0;
	uint32_t stride = stride_for(flows);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t due = ((uint64_t)i * flows + count - 1) / count;
		uint64_t r = random_next(&state);
		if (covered < flows && (count < flows || covered <= due)) {
			seq[i] = (uint32_t)(covered * stride % flows);
			covered++;
		} else {
			seq[i] = zipf ? alias_draw(zipf, r) : (uint32_t)((r >> 32) * flows >> 32);
		}
	}
}

uint32_t *
sequence_make(uint64_t seed, uint32_t count, uint32_t flows, bool skewed)
{
	uint32_t *seq = calloc(count ? count : 1, sizeof(*seq));
	struct alias zipf = {0};
	if (seq && (!skewed || alias_make(&zipf, flows))) {
		sequence_fill(seq, count, flows, skewed ? &zipf : NULL, mix(seed + 7));
	} else {
		free(seq);
		seq = NULL;
	}
	free(zipf.other);
	free(zipf.keep);
	return seq;
}
