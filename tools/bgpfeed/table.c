/* Prefixes from a file or made up, and their attributes. All choices are hashes of small numbers, so the same
 * options give the same bytes. */
#include "tools/bgpfeed/table.h"
#include "tools/prefixes.h"

enum { ATOM_MAX = 16, ATOMS_OF_ORIGIN = 40, ATOMS_PER_ORIGIN = 7, TRANSITS = 4000, LISTS = 30000 };

/* SplitMix64's finaliser: every bit of the result depends on every bit of the argument. */
static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15U;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
	x = (x ^ x >> 27) * 0x94d049bb133111ebU;
	return x ^ x >> 31;
}

static uint64_t
mix3(uint64_t what, uint64_t a, uint64_t b)
{
	return mix(mix(what << 56 ^ a) ^ b);
}

/* At least 1, mean as given: how often a coin with that many sides has to be thrown. */
static uint32_t
geometric(uint64_t h, uint32_t mean, uint32_t max)
{
	uint32_t n = 1;
	while (n < max && h % mean != 0) {
		h = mix(h);
		n++;
	}
	return n;
}

/* --- prefixes --- */

static bool
grow(void **mem, size_t bytes)
{
	void *p = realloc(*mem, bytes);
	if (!p)
		return false;
	*mem = p;
	return true;
}

static bool
half_add(struct half *h, const struct prefix *prefix)
{
	if (h->n + 2 > h->at_cap) {
		uint32_t cap = h->at_cap ? 2 * h->at_cap : 65536;
		if (!grow((void **)&h->at, cap * sizeof(*h->at)))
			return false;
		h->at_cap = cap;
	}
	if (h->bytes + 17 > h->cap) {
		size_t cap = h->cap ? 2 * h->cap : 262144;
		if (!grow((void **)&h->nlri, cap))
			return false;
		h->cap = cap;
	}
	h->at[h->n++] = (uint32_t)h->bytes;
	h->bytes = (size_t)(nlri_put(h->nlri + h->bytes, prefix) - h->nlri);
	h->at[h->n] = (uint32_t)h->bytes;
	return true;
}

static bool
take_prefix(void *ctx, const struct prefix *prefix)
{
	struct table *t = ctx;
	return half_add(&t->half[!addr_is_v4(&prefix->addr)], prefix);
}

bool
table_read(struct table *t, const char *path, uint32_t max, char *err, size_t errlen)
{
	return prefixes_read(path, max, take_prefix, t, err, errlen);
}

/* Lengths of the table of 2026, in thousandths; what is rarer is left out. */
static const struct share {
	uint8_t len;
	uint16_t thousandths;
} shares[2][20] = {
    {{24, 597},
     {23, 107},
     {22, 120},
     {21, 56},
     {20, 47},
     {19, 28},
     {18, 15},
     {17, 9},
     {16, 15},
     {15, 3},
     {14, 2},
     {13, 1}},
    {{48, 474}, {32, 141}, {44, 90}, {40, 84}, {36, 37}, {29, 27}, {47, 20}, {46, 19}, {33, 18}, {34, 16},
     {42, 14},	{38, 10},  {45, 10}, {39, 9},  {43, 6},	 {35, 6},  {37, 6},  {41, 6},  {30, 4},	 {31, 3}},
};

static uint8_t
pick_length(const struct share *of, uint32_t thousandth)
{
	for (;; of++) {
		if (thousandth < of->thousandths)
			return of->len;
		thousandth -= of->thousandths;
	}
}

/* Private and loopback addresses are no routes of a real table; others would refuse them. */
static uint64_t
past_reserved(uint64_t place, bool v6)
{
	uint8_t first = (uint8_t)(place >> 56);
	return !v6 && (first == 10 || first == 127) ? (uint64_t)(first + 1) << 56 : place;
}

/* Walks upwards through the address space. A shorter prefix is often followed by longer ones inside it, as in
 * real tables: then the place is kept, and the next prefix, if it is longer, begins where this one does. */
static bool
synthesise_half(struct table *t, bool v6, uint32_t n)
{
	struct half *h = &t->half[v6];
	uint64_t place = v6 ? 0x2001020000000000U : 0x0100000000000000U; /* the upper 64 bits of an address */
	uint64_t end = v6 ? 0x3fff000000000000U : 0xdf00000000000000U;
	uint64_t unit = v6 ? (uint64_t)1 << 16 : (uint64_t)1 << 40; /* a /48, a /24 */
	/* mean sizes are 3,000 units of IPv6 and 14 of IPv4: the gaps spread what is asked for over the rest
	 */
	uint64_t used = (uint64_t)n * unit * (v6 ? 12000 : 14);
	uint64_t gap = used < end - place ? (end - place - used) / n / unit * 3 / 2 : 0;
	uint8_t before = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t r = mix3(1 + v6, t->seed, i);
		uint8_t len = pick_length(shares[v6], (uint32_t)(r % 1000));
		uint64_t size = (uint64_t)1 << (64 - len);
		if (before && len <= before) {
			place = (place | (((uint64_t)1 << (64 - before)) - 1)) + 1 +
				(gap ? mix(r) % gap * unit : 0);
			before = 0;
		}
		place = before ? place : past_reserved((place + size - 1) & ~(size - 1), v6);
		if (place >= end)
			return false;
		uint8_t bytes[16] = {0};
		for (int k = 0; k < 8; k++)
			bytes[k] = (uint8_t)(place >> (56 - 8 * k));
		struct prefix prefix = {.addr = v6 ? addr_from_v6(bytes) : addr_from_v4(bytes), .len = len};
		if (!half_add(h, &prefix))
			return false;
		before = len;
	}
	return true;
}

bool
table_synthesise(struct table *t, uint32_t n, char *err, size_t errlen)
{
	uint32_t v6 = (uint32_t)((uint64_t)n * 15 / 100);
	if (synthesise_half(t, false, n - v6) && synthesise_half(t, true, v6))
		return true;
	snprintf(err, errlen, "%u prefixes do not fit", n);
	return false;
}

/* --- atoms and origins --- */

static bool
half_cut(struct half *h, uint32_t origins, uint64_t seed, bool v6)
{
	uint32_t *counts = calloc(origins + 1, sizeof(*counts));
	struct atom *found = calloc(h->n ? h->n : 1, sizeof(*found));
	h->atoms = calloc(h->n ? h->n : 1, sizeof(*h->atoms));
	h->origin_at = counts;
	if (!counts || !found || !h->atoms) {
		free(found);
		return false;
	}
	uint32_t n = 0, origin = 0;
	for (uint32_t i = 0; i < h->n; n++) {
		uint64_t r = mix3(3 + v6, seed, i);
		uint32_t len = geometric(r, 3, ATOM_MAX);
		if (i == 0 || r >> 63)
			origin = (uint32_t)((r & UINT32_MAX) * origins >> 32);
		while (counts[origin] >= ATOMS_OF_ORIGIN)
			origin = (origin + 1) % origins;
		found[n] = (struct atom){.first = i, .n = len < h->n - i ? len : h->n - i, .origin = origin};
		counts[origin]++;
		i += found[n].n;
	}
	h->atom_count = n;
	uint32_t sum = 0;
	for (uint32_t i = 0; i <= origins; i++) {
		uint32_t c = counts[i];
		counts[i] = sum;
		sum += c;
	}
	for (uint32_t i = 0; i < n; i++)
		h->atoms[counts[found[i].origin]++] = found[i];
	memmove(counts + 1, counts, origins * sizeof(*counts));
	counts[0] = 0;
	free(found);
	return true;
}

bool
table_cut(struct table *t)
{
	/* three prefixes an atom */
	t->origins = 1 + (t->half[0].n + t->half[1].n) / (3 * ATOMS_PER_ORIGIN);
	return half_cut(&t->half[0], t->origins, t->seed, false) &&
	       half_cut(&t->half[1], t->origins, t->seed, true);
}

void
table_free(struct table *t)
{
	for (int i = 0; i < 2; i++) {
		free(t->half[i].nlri);
		free(t->half[i].at);
		free(t->half[i].atoms);
		free(t->half[i].origin_at);
	}
}

/* --- attributes --- */

/* Whose way of routing it is: all the same, or the peer's own. */
static uint32_t
party(const struct table *t, const struct speaker *s)
{
	return t->likeness == LIKE_NONE ? s->number + 1 : 0;
}

/* 0 for the attributes of the origin, or those of this atom alone. */
static uint32_t
variant_of(const struct table *t, const struct speaker *s, const struct half *h, uint32_t atom)
{
	uint64_t r = mix3(5, (uint64_t)party(t, s) << 32 | (h == &t->half[1]), atom);
	return r % 12 ? 0 : 1 + atom;
}

static void
choose_next_hop(struct said *out, const struct table *t, const struct speaker *s, uint32_t origin, bool v6)
{
	uint32_t whose = t->likeness == LIKE_ALL ? 0 : s->number + 1;
	uint32_t host = (uint32_t)(mix3(6, party(t, s), origin) % 8);
	uint8_t v4[4] = {10, (uint8_t)(whose >> 8), (uint8_t)whose, (uint8_t)(1 + host)};
	uint8_t b[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, v4[1], v4[2], 0, 0, 0, 0, 0, 0, 0, v4[3]};
	out->next_hop = v6 ? addr_from_v6(b) : addr_from_v4(v4);
}

/* Two to six hops, the peer's own AS not counted: the head is the transit that the peer prefers, the tail
 * belongs to the origin. */
static void
choose_path(struct said *out, const struct table *t, const struct speaker *s, uint32_t origin,
	    uint32_t variant)
{
	uint64_t tail = mix3(7, t->seed, origin), head = mix3(8, party(t, s), origin);
	unsigned middle = (unsigned)(tail % 5);
	unsigned n = 0;
	if (!s->internal)
		out->path[n++] = s->as;
	out->path[n++] =
	    1000 + (uint32_t)((head & 0xffff) % 60 + (t->likeness == LIKE_NONE ? s->number % 16 * 60 : 0));
	for (unsigned i = 0; i < middle; i++)
		out->path[n++] = 3000 + (uint32_t)(mix(tail + i + 1) % TRANSITS);
	uint32_t last = origin < 50000 ? 10000 + origin : 200000 + origin;
	out->path[n++] = last;
	for (uint32_t i = 0; i < variant % 3; i++)
		out->path[n++] = last; /* prepended */
	out->hops = n;
}

/* Up to two that the peer gives by where it learned the route, and some of the origin's; lists repeat. */
static void
choose_communities(struct said *out, const struct table *t, const struct speaker *s, uint32_t origin,
		   uint32_t variant)
{
	uint64_t list = mix3(9, t->seed, origin % LISTS), own = mix3(10, party(t, s), origin);
	uint32_t who = t->likeness == LIKE_NONE ? 65000 + s->number % 500 : 65000;
	unsigned n = 0;
	for (unsigned i = 0; i < own % 3; i++)
		out->std[n++] = who << 16 | (uint32_t)(1000 + 100 * i + (own >> 8) % 60);
	for (unsigned i = 0; i < list % 6; i++)
		out->std[n++] =
		    (uint32_t)(1000 + mix(list + i) % 3000) << 16 | (uint32_t)(mix(list - i - 1) % 2000);
	if (variant)
		out->std[n++] = who << 16 | (3000 + variant % 5000);
	out->stds = n;
	out->larges = list % 10 == 9;
	if (out->larges) {
		out->large[0][0] = 200000 + (uint32_t)(list >> 32) % 5000;
		out->large[0][1] = 1;
		out->large[0][2] = (uint32_t)(list >> 16) % 1000;
	}
}

static void
choose(struct said *out, const struct table *t, const struct speaker *s, uint32_t origin, uint32_t variant,
       bool v6)
{
	uint64_t r = mix3(11, party(t, s), origin);
	choose_next_hop(out, t, s, origin, v6);
	choose_path(out, t, s, origin, variant);
	choose_communities(out, t, s, origin, variant);
	out->has_local_pref = s->internal;
	out->local_pref = 100 + 10 * (uint32_t)(r % 5);
	out->has_med = (r >> 8) % 10 < 3;
	out->med = (uint32_t)((r >> 16) % 10 * 10);
}

/* --- announcing --- */

/* Packs prefixes until an UPDATE is full, or its attributes end. */
struct packer {
	const struct table *t;
	struct table_cursor *c;
	struct said *said;
	uint8_t *p;
	uint8_t run[3072];
	size_t len;
	uint32_t n;
	bool v6;
};

static void
pack_flush(struct packer *k)
{
	if (!k->n)
		return;
	k->p = message_announce(k->p, k->said, (struct nlri_run){.p = k->run, .len = k->len, .v6 = k->v6});
	k->c->routes += k->n;
	k->c->updates++;
	k->len = k->n = 0;
}

static void
pack_atom(struct packer *k, const struct half *h, const struct atom *a)
{
	for (uint32_t i = a->first; i < a->first + a->n; i++) {
		size_t len = h->at[i + 1] - h->at[i];
		memcpy(k->run + k->len, h->nlri + h->at[i], len);
		k->len += len;
		if (++k->n == k->t->pack)
			pack_flush(k);
	}
}

static uint8_t *
announce_origin(const struct table *t, const struct speaker *s, struct table_cursor *c, bool v6, uint8_t *p)
{
	const struct half *h = &t->half[v6];
	uint32_t from = h->origin_at[c->origin], to = h->origin_at[c->origin + 1], odd[ATOMS_OF_ORIGIN + 1],
		 odds = 0;
	if (from == to)
		return p;
	struct said said;
	struct packer k = {.t = t, .c = c, .said = &said, .p = p, .v6 = v6};
	choose(&said, t, s, c->origin, 0, v6);
	for (uint32_t a = from; a < to; a++) {
		if (variant_of(t, s, h, a))
			odd[odds++] = a;
		else
			pack_atom(&k, h, &h->atoms[a]);
	}
	pack_flush(&k);
	for (uint32_t i = 0; i < odds; i++) {
		choose(&said, t, s, c->origin, 1 + odd[i], v6);
		pack_atom(&k, h, &h->atoms[odd[i]]);
		pack_flush(&k);
	}
	return k.p;
}

uint8_t *
table_announce(const struct table *t, const struct speaker *s, struct table_cursor *c, uint8_t *p,
	       uint8_t *end)
{
	for (; c->origin < t->origins && end - p >= TABLE_ROOM; c->origin++) {
		p = announce_origin(t, s, c, false, p);
		if (s->v6)
			p = announce_origin(t, s, c, true, p);
	}
	return p;
}

uint8_t *
table_change(const struct table *t, const struct speaker *s, uint64_t k, uint8_t *p, uint64_t *routes)
{
	uint64_t r = mix3(12, t->seed, k / 2);
	const struct half *h = &t->half[s->v6 && (r & 7) == 0];
	if (!h->atom_count)
		return p;
	uint32_t atom = (uint32_t)((r >> 32) % h->atom_count);
	const struct atom *a = &h->atoms[atom];
	bool v6 = h == &t->half[1];
	struct nlri_run run = {
	    .p = h->nlri + h->at[a->first], .len = h->at[a->first + a->n] - h->at[a->first], .v6 = v6};
	*routes += a->n;
	if (k % 2 == 0 && (r >> 8) % 4 == 0)
		return message_withdraw(p, run);
	struct said said;
	choose(&said, t, s, a->origin, k % 2 ? variant_of(t, s, h, atom) : 1 + (uint32_t)(r >> 16) % 50000,
	       v6);
	return message_announce(p, &said, run);
}
