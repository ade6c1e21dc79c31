/* The prefix follows from the old address, so a client keeps its address in all its flows. */
#include "tools/flowgen/places.h"
#include "tools/prefixes.h"

static bool
take(void *ctx, const struct prefix *prefix)
{
	struct places *p = ctx;
	int v6 = !addr_is_v4(&prefix->addr);
	if (p->n[v6] == p->cap[v6]) {
		uint32_t cap = p->cap[v6] ? 2 * p->cap[v6] : 4096;
		struct prefix *more = realloc(p->prefix[v6], cap * sizeof(*more));
		if (!more)
			return false;
		p->prefix[v6] = more;
		p->cap[v6] = cap;
	}
	p->prefix[v6][p->n[v6]++] = *prefix;
	return true;
}

bool
places_read(struct places *p, const char *path, char *err, size_t errlen)
{
	return prefixes_read(path, UINT32_MAX, take, p, err, errlen);
}

void
places_free(struct places *p)
{
	free(p->prefix[0]);
	free(p->prefix[1]);
}

/* An address in a prefix: its network bits, and host bits from the random number. */
static void
move(const struct places *p, uint8_t *address, bool v6, uint64_t r)
{
	const struct prefix *in = &p->prefix[v6][(r >> 32) % p->n[v6]];
	const uint8_t *net = in->addr.b + (v6 ? 0 : 12);
	for (unsigned i = 0; i < (v6 ? 16 : 4); i++) {
		unsigned kept = in->len > 8 * i ? in->len - 8 * i : 0;
		uint8_t host = kept >= 8 ? 0 : (uint8_t)(0xff >> kept);
		address[i] = (uint8_t)(net[i] | (host & r >> 8 * (i % 4)));
	}
}

/* A number that depends on all bytes of an address. */
static uint64_t
number_of(const uint8_t *address, uint64_t seed)
{
	uint64_t state = seed;
	for (unsigned i = 0; i < 16; i++)
		state = state * 0x100000001b3U ^ address[i];
	return random_next(&state);
}

void
places_move(const struct places *p, struct gen_flow *f, uint64_t seed)
{
	if (!p->n[f->v6])
		return;
	uint64_t client = number_of(f->src, seed);
	move(p, f->src, f->v6, client);
	/* not of the server's address alone: there are 4,096 of them, and the whole table is wanted */
	move(p, f->dst, f->v6, number_of(f->dst, client));
}
