/* The RIB against a naive model: a matrix of what each slot has for each prefix of a small universe, chosen
 * so that prefixes nest, touch and share groups. After each round everything that the RIB says is compared
 * with the matrix: longest matches, exact ones, walks, counts, and the references that the store counts. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "bgp/rib_parts.h"

#define SLOTS	 6
#define SETS	 10
#define UNIVERSE 600
#define PATHS	 4 /* identifiers in use; without ADD-PATH the first */
#define RDS	 3

static uint64_t random_state = 1;

static uint32_t
draw(uint32_t below)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((random_state >> 33) * below >> 31);
}

struct model {
	struct bgp_store *store;
	struct rib *rib;
	bgp_set_id set[SETS];
	uint32_t slot[SLOTS];
	enum bgp_family family[UNIVERSE];
	struct bgp_nlri nlri[UNIVERSE];
	uint8_t has[SLOTS][UNIVERSE][PATHS]; /* index of a set plus 1; 0: no route */
	unsigned dropping;		     /* a slot; SLOTS: none */
};

/* --- the universe --- */

static bool
with_paths(unsigned slot, enum bgp_family f)
{
	return (slot + f) % 3 == 0;
}

static bool
same_prefix(const struct model *m, unsigned a, unsigned b)
{
	return m->family[a] == m->family[b] && m->nlri[a].rd == m->nlri[b].rd &&
	       m->nlri[a].prefix.len == m->nlri[b].prefix.len &&
	       addr_equal(&m->nlri[a].prefix.addr, &m->nlri[b].prefix.addr);
}

static struct addr
some_addr(bool v6)
{
	static const char *const near[] = {"10.0.0.0",	     "10.1.2.3",   "255.255.255.255",
					   "192.168.0.0",    "2001:db8::", "2001:db8::1",
					   "2001:db8:0:1::", "fd00::",	   "2001:db9:8000::"};
	struct addr a;
	assert_true(addr_parse(&a, near[v6 ? 4 + draw(5) : draw(4)]));
	for (unsigned flips = draw(4); flips; flips--) {
		unsigned bit = v6 ? draw(128) : 96 + draw(32);
		a.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	return a;
}

/* Lengths of all kinds, the ends of the range among them. */
static uint8_t
some_len(unsigned max)
{
	switch (draw(8)) {
	case 0:
		return (uint8_t)max;
	case 1:
		return (uint8_t)draw(5);
	case 2:
		return (uint8_t)(4 * draw(max / 4 + 1));
	default:
		return (uint8_t)draw(max + 1);
	}
}

static void
draw_prefix(struct model *m, unsigned i)
{
	enum bgp_family f = (enum bgp_family)draw(BGP_RIB_FAMILIES);
	bool v6 = rib_family_v6(f), again;
	do {
		struct bgp_nlri *n = &m->nlri[i];
		*n = (struct bgp_nlri){.label = BGP_NO_LABEL};
		n->rd = rib_family_vpn(f) ? 65000 + draw(RDS) : 0;
		n->prefix.len = some_len(v6 ? 128 : 32);
		struct addr a = i && draw(3) ? m->nlri[draw(i)].prefix.addr : some_addr(v6);
		if (addr_is_v4(&a) == v6)
			a = some_addr(v6);
		n->prefix.addr = addr_mask(&a, n->prefix.len);
		m->family[i] = f;
		again = addr_is_v4(&n->prefix.addr) == v6;
		for (unsigned j = 0; j < i && !again; j++)
			again = same_prefix(m, i, j);
	} while (again);
}

static bgp_set_id
make_set(struct bgp_store *s, unsigned i)
{
	char text[32];
	struct bgp_attrs a = {.present = BGP_HAS_ORIGIN | BGP_HAS_NEXT_HOP | BGP_HAS_LOCAL_PREF};
	a.local_pref = 100 + i;
	snprintf(text, sizeof(text), "192.0.2.%u", 1 + i);
	assert_true(addr_parse(&a.next_hop, text));
	bgp_set_id id = bgp_store_intern(s, &a);
	assert_int_not_equal(id, 0);
	bgp_store_ref(s, id, 1);
	return id;
}

/* The slots of even seeds lie behind one another; those of odd ones far apart, so that groups become sparse.
 */
static void
open_slots(struct model *m, bool apart)
{
	static const uint32_t far[SLOTS] = {0, 1, 70, 71, 300, 2000};
	for (unsigned s = 0; s < SLOTS; s++) {
		do
			m->slot[s] = rib_slot_open(m->rib);
		while (apart && m->slot[s] < far[s]);
		assert_int_not_equal(m->slot[s], RIB_NO_SLOT);
	}
}

static struct model *
model_new(uint64_t seed)
{
	struct model *m = calloc(1, sizeof(*m));
	assert_non_null(m);
	random_state = seed;
	m->store = bgp_store_new();
	m->rib = rib_new(m->store);
	assert_non_null(m->rib);
	m->rib->keep_empty = 0;
	m->rib->tell_step = 40;
	m->dropping = SLOTS;
	for (unsigned i = 0; i < SETS; i++)
		m->set[i] = make_set(m->store, i);
	for (unsigned i = 0; i < UNIVERSE; i++)
		draw_prefix(m, i);
	open_slots(m, seed % 2);
	return m;
}

/* With the routes gone, the model's own reference is the last one of each set. */
static void
model_free(struct model *m)
{
	struct bgp_store_stats stats;
	rib_free(m->rib);
	for (unsigned i = 0; i < SETS; i++)
		assert_int_equal(bgp_store_set(m->store, m->set[i])->refs, 1);
	for (unsigned i = 0; i < SETS; i++)
		bgp_store_unref(m->store, m->set[i], 1);
	bgp_store_stats(m->store, &stats);
	assert_int_equal(stats.refs, 0);
	assert_int_equal(stats.sets, 0);
	bgp_store_free(m->store);
	free(m);
}

/* --- changes --- */

#define RUN 400

/* What the RIB should tell, in order. */
struct told {
	struct model *m;
	unsigned slot;
	unsigned n, seen;
	unsigned prefix[RUN];
	uint32_t path[RUN];
	bgp_set_id old[RUN];
	bgp_set_id fresh;
};

static void
hear(void *ctx, uint32_t slot, enum bgp_family family, const struct bgp_nlri *nlri, bgp_set_id old,
     bgp_set_id fresh)
{
	struct told *t = ctx;
	assert_true(t->seen < t->n);
	const struct bgp_nlri *want = &t->m->nlri[t->prefix[t->seen]];
	assert_int_equal(slot, t->m->slot[t->slot]);
	assert_int_equal(family, t->m->family[t->prefix[t->seen]]);
	assert_true(addr_equal(&nlri->prefix.addr, &want->prefix.addr));
	assert_int_equal(nlri->prefix.len, want->prefix.len);
	assert_int_equal(nlri->rd, want->rd);
	assert_int_equal(nlri->path_id, t->path[t->seen]);
	assert_int_equal(old, t->old[t->seen]);
	assert_int_equal(fresh, t->fresh);
	t->seen++;
}

static bgp_set_id
set_of(const struct model *m, uint8_t has)
{
	return has ? m->set[has - 1] : 0;
}

/* Prefixes of one family: neighbours in the universe, so that runs repeat, or any. May repeat one. */
static unsigned
draw_run(const struct model *m, enum bgp_family f, unsigned *prefix)
{
	unsigned n = 0, at = draw(UNIVERSE), most = 1 + draw(draw(4) ? 20 : RUN);
	bool neighbours = draw(4) != 0;
	for (unsigned tries = 0; n < most && tries < UNIVERSE; tries++) {
		at = neighbours ? (at + 1) % UNIVERSE : draw(UNIVERSE);
		if (m->family[at] == f)
			prefix[n++] = at;
	}
	if (n > 2 && !draw(4))
		prefix[n - 1] = prefix[draw(n)];
	return n;
}

static void
do_announce(struct model *m)
{
	struct bgp_nlri nlri[RUN];
	unsigned s = draw(SLOTS), set = draw(SETS), added = 0, expected = 0;
	while (s == m->dropping)
		s = draw(SLOTS);
	enum bgp_family f = (enum bgp_family)draw(BGP_RIB_FAMILIES);
	struct told t = {.m = m, .slot = s, .fresh = m->set[set]};
	bool paths = with_paths(s, f), one_path = draw(2), told = draw(2);
	t.n = draw_run(m, f, t.prefix);
	uint32_t path = paths ? draw(PATHS) : 0;
	for (unsigned i = 0; i < t.n; i++) {
		if (paths && !one_path)
			path = draw(PATHS);
		uint8_t *has = &m->has[s][t.prefix[i]][path];
		nlri[i] = m->nlri[t.prefix[i]];
		nlri[i].path_id = t.path[i] = path;
		t.old[i] = set_of(m, *has);
		expected += !*has;
		*has = (uint8_t)(set + 1);
	}
	assert_true((paths ? rib_announce_path : rib_announce)(m->rib, m->slot[s], f, nlri, t.n, m->set[set],
							       told ? hear : NULL, &t, &added));
	assert_int_equal(added, expected);
	assert_int_equal(t.seen, told ? t.n : 0);
}

/* Takes a route out of the model; true when it was there. */
static bool
forget(struct model *m, unsigned s, unsigned prefix, uint32_t path, bgp_set_id *old)
{
	uint8_t *has = &m->has[s][prefix][path];
	bool was = *has != 0;
	*old = set_of(m, *has);
	*has = 0;
	return was;
}

static void
do_withdraw(struct model *m)
{
	struct bgp_nlri nlri[RUN];
	unsigned s = draw(SLOTS), removed, expected = 0, prefix[RUN];
	enum bgp_family f = (enum bgp_family)draw(BGP_RIB_FAMILIES);
	struct told t = {.m = m, .slot = s};
	bool paths = with_paths(s, f), told = draw(2);
	unsigned n = draw_run(m, f, prefix);
	for (unsigned i = 0; i < n; i++) {
		uint32_t path = paths ? draw(PATHS) : 0;
		nlri[i] = m->nlri[prefix[i]];
		nlri[i].path_id = path;
		t.prefix[t.n] = prefix[i];
		t.path[t.n] = path;
		t.n += forget(m, s, prefix[i], path, &t.old[t.n]);
	}
	expected = t.n;
	assert_true(rib_withdraw(m->rib, m->slot[s], RIB_NO_SLOT, f, nlri, n, paths, told ? hear : NULL, &t,
				 &removed));
	assert_int_equal(removed, expected);
	assert_int_equal(t.seen, told ? t.n : 0);
}

/* From two slots at once, as a session does whose peer has stale routes. */
static void
do_withdraw_stale(struct model *m)
{
	struct bgp_nlri nlri[RUN];
	unsigned s = draw(SLOTS), removed, expected = 0, prefix[RUN];
	enum bgp_family f = (enum bgp_family)draw(BGP_RIB_FAMILIES);
	unsigned stale = (s + 3) % SLOTS; /* with_paths() says the same of both */
	bool paths = with_paths(s, f);
	bgp_set_id old;
	unsigned n = draw_run(m, f, prefix);
	for (unsigned i = 0; i < n; i++) {
		uint32_t path = paths ? draw(PATHS) : 0;
		nlri[i] = m->nlri[prefix[i]];
		nlri[i].path_id = path;
		expected += forget(m, s, prefix[i], path, &old);
		expected += forget(m, stale, prefix[i], path, &old);
	}
	assert_true(
	    rib_withdraw(m->rib, m->slot[s], m->slot[stale], f, nlri, n, paths, NULL, NULL, &removed));
	assert_int_equal(removed, expected);
}

static void
count_drop(void *ctx, uint32_t slot, enum bgp_family family, const struct bgp_nlri *nlri, bgp_set_id old,
	   bgp_set_id fresh)
{
	(void)slot;
	(void)family;
	(void)nlri;
	assert_int_not_equal(old, 0);
	assert_int_equal(fresh, 0);
	++*(unsigned *)ctx;
}

static void
do_drop(struct model *m)
{
	unsigned s = draw(SLOTS), told = 0, expected = 0;
	uint32_t families = draw(2) ? UINT32_MAX : draw(1 << BGP_RIB_FAMILIES);
	bool tell = draw(2);
	for (unsigned i = 0; i < UNIVERSE; i++) {
		for (unsigned p = 0; families >> m->family[i] & 1 && p < PATHS; p++) {
			expected += m->has[s][i][p] != 0;
			m->has[s][i][p] = 0;
		}
	}
	m->dropping = s;
	while (!rib_slot_drop(m->rib, m->slot[s], families, tell ? count_drop : NULL, &told)) {
		do_announce(m);
		rib_tidy(m->rib);
	}
	m->dropping = SLOTS;
	assert_int_equal(told, tell ? expected : 0);
	if (families != UINT32_MAX)
		return;
	assert_int_equal(rib_slot_routes(m->rib, m->slot[s]), 0);
	rib_slot_close(m->rib, m->slot[s]);
	m->slot[s] = rib_slot_open(m->rib);
}

/* --- without memory --- */

/* The linker puts these in the place of the real ones (local.mk). */
uint32_t __real_slab_alloc(struct slab *s, size_t bytes);
uint32_t __wrap_slab_alloc(struct slab *s, size_t bytes);
bool __real_region_grow(struct region *r, size_t step);
bool __wrap_region_grow(struct region *r, size_t step);
static bool short_of_memory;

uint32_t
__wrap_slab_alloc(struct slab *s, size_t bytes)
{
	return short_of_memory && !draw(3) ? 0 : __real_slab_alloc(s, bytes);
}

bool
__wrap_region_grow(struct region *r, size_t step)
{
	return !(short_of_memory && !draw(3)) && __real_region_grow(r, step);
}

struct believed {
	struct model *m;
	unsigned slot;
	unsigned changed; /* routes that came or went */
};

/* Some of a run may have failed: what is told is what has happened. */
static void
believe(void *ctx, uint32_t slot, enum bgp_family family, const struct bgp_nlri *nlri, bgp_set_id old,
	bgp_set_id fresh)
{
	struct believed *b = ctx;
	struct model *m = b->m;
	unsigned i = 0, set = 0;
	(void)slot;
	while (m->family[i] != family || m->nlri[i].rd != nlri->rd ||
	       m->nlri[i].prefix.len != nlri->prefix.len ||
	       !addr_equal(&m->nlri[i].prefix.addr, &nlri->prefix.addr))
		i++;
	while (fresh && m->set[set] != fresh)
		set++;
	uint8_t *has = &m->has[b->slot][i][nlri->path_id];
	assert_int_equal(old, set_of(m, *has));
	*has = fresh ? (uint8_t)(set + 1) : 0;
	b->changed += !old || !fresh;
}

static bool
do_short(struct model *m)
{
	struct bgp_nlri nlri[RUN];
	unsigned prefix[RUN], s = draw(SLOTS), count = 0;
	enum bgp_family f = (enum bgp_family)draw(BGP_RIB_FAMILIES);
	struct believed b = {.m = m, .slot = s};
	bool paths = with_paths(s, f), ok;
	unsigned n = draw_run(m, f, prefix);
	for (unsigned i = 0; i < n; i++) {
		nlri[i] = m->nlri[prefix[i]];
		nlri[i].path_id = paths ? draw(PATHS) : 0;
	}
	bgp_set_id set = m->set[draw(SETS)];
	short_of_memory = true;
	if (draw(2))
		ok = rib_withdraw(m->rib, m->slot[s], RIB_NO_SLOT, f, nlri, n, paths, believe, &b, &count);
	else
		ok = (paths ? rib_announce_path : rib_announce)(m->rib, m->slot[s], f, nlri, n, set, believe,
								&b, &count);
	short_of_memory = false;
	assert_int_equal(count, b.changed);
	return ok;
}

/* --- comparisons --- */

static unsigned
paths_of(const struct model *m, unsigned s, unsigned prefix)
{
	unsigned n = 0;
	for (unsigned p = 0; p < PATHS; p++)
		n += m->has[s][prefix][p] != 0;
	return n;
}

/* The longest prefix of a table that covers the address and that slot or stale has a route for. */
static int
naive_match(const struct model *m, enum bgp_family f, uint64_t rd, const struct addr *a, unsigned s,
	    int stale)
{
	int best = -1;
	for (unsigned i = 0; i < UNIVERSE; i++) {
		if (m->family[i] != f || m->nlri[i].rd != rd || !prefix_contains(&m->nlri[i].prefix, a))
			continue;
		if (!paths_of(m, s, i) && (stale < 0 || !paths_of(m, (unsigned)stale, i)))
			continue;
		if (best < 0 || m->nlri[i].prefix.len > m->nlri[best].prefix.len)
			best = (int)i;
	}
	return best;
}

/* Which path a reader with this next hop should get: the index of its set. */
static unsigned
naive_path(const struct model *m, unsigned s, unsigned prefix, const struct addr *next_hop, unsigned *path)
{
	int first = -1;
	for (unsigned p = 0; p < PATHS; p++) {
		if (!m->has[s][prefix][p])
			continue;
		const struct bgp_set *set = bgp_store_set(m->store, set_of(m, m->has[s][prefix][p]));
		struct addr hop = bgp_store_next_hop(m->store, set);
		if (first < 0)
			first = (int)p;
		if (next_hop && addr_equal(&hop, next_hop)) {
			*path = p;
			return m->has[s][prefix][p];
		}
	}
	*path = (unsigned)first;
	return m->has[s][prefix][first];
}

struct question {
	unsigned slot;
	int stale;
	enum bgp_family family;
	uint64_t rd;
	struct addr next_hop;
};

static void
draw_question(struct model *m, struct question *w, struct rib_query *q)
{
	unsigned i = draw(UNIVERSE);
	*w = (struct question){
	    draw(SLOTS), draw(2) ? (int)draw(SLOTS) : -1, m->family[i], m->nlri[i].rd, {{{0}}}};
	struct addr a = m->nlri[i].prefix.addr;
	bool v6 = rib_family_v6(w->family);
	for (unsigned flips = draw(3); flips; flips--) {
		unsigned bit = v6 ? draw(128) : 96 + draw(32);
		a = addr_to_v6(&a);
		a.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	if (v6)
		a = addr_from_v6(a.b);
	*q = (struct rib_query){.addr = a, .table = rib_table(m->rib, w->family, w->rd)};
	q->slot = m->slot[w->slot];
	q->stale = w->stale < 0 ? RIB_NO_SLOT : m->slot[w->stale];
	w->next_hop = bgp_store_next_hop(m->store, bgp_store_set(m->store, m->set[draw(SETS)]));
	q->next_hop = draw(2) ? &w->next_hop : NULL;
}

static void
check_lookups(struct model *m)
{
	struct question w[150];
	struct rib_query q[150];
	for (unsigned i = 0; i < 150; i++)
		draw_question(m, &w[i], &q[i]);
	readers_begin();
	rib_lookup(m->rib, q, 150);
	for (unsigned i = 0; i < 150; i++) {
		/* an address of the other family's form (mapped into IPv6) has no answer */
		int best = addr_is_v4(&q[i].addr) == rib_family_v6(w[i].family)
			       ? -1
			       : naive_match(m, w[i].family, w[i].rd, &q[i].addr, w[i].slot, w[i].stale);
		assert_int_equal(q[i].set != NULL, best >= 0);
		assert_int_equal(q[i].prefix != RIB_NO_PREFIX, best >= 0);
		if (best < 0)
			continue;
		unsigned path, prefix = (unsigned)best;
		unsigned s = paths_of(m, w[i].slot, prefix) ? w[i].slot : (unsigned)w[i].stale;
		unsigned set = naive_path(m, s, prefix, q[i].next_hop, &path);
		assert_int_equal(q[i].len, m->nlri[prefix].prefix.len);
		assert_ptr_equal(q[i].set, bgp_store_set(m->store, m->set[set - 1]));
		assert_int_equal(q[i].path_id, path);
	}
	readers_end();
}

static void
check_exact(struct model *m)
{
	struct rib_route out[PATHS];
	for (unsigned s = 0; s < SLOTS; s++) {
		for (unsigned i = 0; i < UNIVERSE; i++) {
			unsigned n = rib_exact(m->rib, m->slot[s], m->family[i], &m->nlri[i], out, PATHS);
			assert_int_equal(n, paths_of(m, s, i));
			for (unsigned k = 0; k < n; k++)
				assert_int_equal(out[k].id, set_of(m, m->has[s][i][out[k].nlri.path_id]));
		}
	}
}

/* Each route comes up once. */
static size_t
check_walk(struct model *m, unsigned s)
{
	static bool seen[UNIVERSE][PATHS];
	struct rib_route out[64];
	uint64_t cursor = 0;
	size_t total = 0;
	memset(seen, 0, sizeof(seen));
	for (unsigned n; (n = rib_walk(m->rib, m->slot[s], &cursor, out, 64)) != 0; total += n) {
		for (unsigned k = 0; k < n; k++) {
			unsigned i = 0;
			while (i < UNIVERSE &&
			       !(m->family[i] == out[k].family && m->nlri[i].rd == out[k].nlri.rd &&
				 m->nlri[i].prefix.len == out[k].nlri.prefix.len &&
				 addr_equal(&m->nlri[i].prefix.addr, &out[k].nlri.prefix.addr)))
				i++;
			assert_true(i < UNIVERSE);
			assert_false(seen[i][out[k].nlri.path_id]);
			seen[i][out[k].nlri.path_id] = true;
			assert_int_equal(out[k].id, set_of(m, m->has[s][i][out[k].nlri.path_id]));
		}
	}
	size_t expected = 0;
	for (unsigned i = 0; i < UNIVERSE; i++)
		expected += paths_of(m, s, i);
	assert_int_equal(total, expected);
	assert_int_equal(rib_slot_routes(m->rib, m->slot[s]), expected);
	return total;
}

/* A list that several (slot, prefix) pairs have counts once for each of its sets. */
static void
check_refs(struct model *m)
{
	uint32_t refs[SETS] = {0}, lists[SLOTS * UNIVERSE] = {0}, n = 0;
	for (unsigned s = 0; s < SLOTS; s++) {
		for (unsigned i = 0; i < UNIVERSE; i++) {
			uint32_t form, k = 0;
			memcpy(&form, m->has[s][i], sizeof(form));
			if (!with_paths(s, m->family[i]))
				refs[m->has[s][i][0] ? m->has[s][i][0] - 1 : 0] += m->has[s][i][0] != 0;
			if (!with_paths(s, m->family[i]) || !form)
				continue;
			while (k < n && lists[k] != form)
				k++;
			if (k < n)
				continue;
			lists[n++] = form;
			for (unsigned p = 0; p < PATHS; p++)
				refs[m->has[s][i][p] ? m->has[s][i][p] - 1 : 0] += m->has[s][i][p] != 0;
		}
	}
	for (unsigned i = 0; i < SETS; i++)
		assert_int_equal(bgp_store_set(m->store, m->set[i])->refs, refs[i] + 1);
	struct rib_stats stats;
	rib_stats(m->rib, &stats);
	assert_int_equal(stats.lists, n);
}

/* Once tidied, prefixes without routes are gone (but the short ones), and no two groups are equal. */
static void
check_tidy(struct model *m)
{
	while (!rib_tidy(m->rib))
		;
	struct rib_stats stats;
	rib_stats(m->rib, &stats);
	size_t live = 0, few_bits = 0, groups = 0;
	static uint8_t vector[UNIVERSE][SLOTS][PATHS];
	static enum bgp_family family[UNIVERSE];
	for (unsigned i = 0; i < UNIVERSE; i++) {
		uint8_t v[SLOTS][PATHS], any = 0;
		for (unsigned s = 0; s < SLOTS; s++)
			memcpy(v[s], m->has[s][i], PATHS);
		for (unsigned k = 0; k < sizeof(v); k++)
			any |= v[k / PATHS][k % PATHS];
		live += any != 0;
		few_bits += !any && m->family[i] <= BGP_IPV6_UNICAST && m->nlri[i].prefix.len <= 12;
		size_t k = 0;
		while (any && k < groups &&
		       (family[k] != m->family[i] || memcmp(vector[k], v, sizeof(v)) != 0))
			k++;
		if (any && k == groups) {
			memcpy(vector[groups], v, sizeof(v));
			family[groups++] = m->family[i];
		}
	}
	assert_in_range(stats.prefixes, live, live + few_bits);
	assert_int_equal(stats.groups, groups);
}

static void
check_all(struct model *m)
{
	size_t routes = 0;
	check_lookups(m);
	check_exact(m);
	for (unsigned s = 0; s < SLOTS; s++)
		routes += check_walk(m, s);
	check_refs(m);
	struct rib_stats stats;
	rib_stats(m->rib, &stats);
	assert_int_equal(stats.routes, routes);
}

static void
test_model(void **state)
{
	(void)state;
	readers_join();
	for (unsigned seed = 1; seed <= 4; seed++) {
		struct model *m = model_new(seed);
		for (unsigned round = 0; round < 60; round++) {
			for (unsigned i = 0; i < 30; i++)
				do_announce(m);
			for (unsigned i = 0; i < (round % 10 < 5 ? 10U : 40U); i++)
				draw(3) ? do_withdraw(m) : do_withdraw_stale(m);
			if (round % 3 == 0 || round < 10)
				do_drop(m);
			check_all(m);
			if (round % 4 == 0) {
				check_tidy(m);
				check_all(m);
			}
		}
		model_free(m);
	}
	readers_leave();
}

/* Where memory fails, structure and counts stay whole, and what was told is what is there. */
static void
test_short(void **state)
{
	(void)state;
	readers_join();
	struct model *m = model_new(77);
	unsigned failed = 0;
	for (unsigned round = 0; round < 60; round++) {
		for (unsigned i = 0; i < 20; i++)
			failed += !do_short(m);
		for (unsigned i = 0; i < 5; i++)
			do_announce(m);
		if (round % 5 == 0)
			do_drop(m);
		check_all(m);
		if (round % 4 == 0)
			check_tidy(m);
	}
	assert_in_range(failed, 100, 1100);
	model_free(m);
	readers_leave();
}

static struct bgp_nlri
nlri_of(const char *text)
{
	struct bgp_nlri n = {.label = BGP_NO_LABEL};
	assert_true(prefix_parse(&n.prefix, text));
	return n;
}

/* As many paths as may be, and one more. A walk and an exact question give them in parts. */
static void
test_many_paths(void **state)
{
	(void)state;
	struct bgp_store *store = bgp_store_new();
	struct rib *r = rib_new(store);
	bgp_set_id set = make_set(store, 1);
	uint32_t slot = rib_slot_open(r);
	struct bgp_nlri n = nlri_of("198.51.100.0/24");
	struct rib_route out[300];
	struct rib_stats stats;
	unsigned added, seen = 0;
	for (uint32_t i = 0; i <= PATHS_MAX; i++) {
		n.path_id = 1000 - i;
		assert_true(rib_announce_path(r, slot, BGP_IPV4_UNICAST, &n, 1, set, NULL, NULL, &added));
		assert_int_equal(added, i < PATHS_MAX);
	}
	rib_stats(r, &stats);
	assert_int_equal(stats.paths_refused, 1);
	assert_int_equal(rib_slot_routes(r, slot), PATHS_MAX);
	assert_int_equal(rib_exact(r, slot, BGP_IPV4_UNICAST, &n, out, 300), PATHS_MAX);
	assert_int_equal(rib_exact(r, slot, BGP_IPV4_UNICAST, &n, out, 7), 7);
	uint64_t cursor = 0;
	for (unsigned k; (k = rib_walk(r, slot, &cursor, out, 64)) != 0; seen += k)
		for (unsigned i = 0; i < k; i++)
			assert_int_equal(out[i].nlri.path_id, 1000 - PATHS_MAX + 1 + seen + i);
	assert_int_equal(seen, PATHS_MAX);
	rib_free(r);
	assert_int_equal(bgp_store_set(store, set)->refs, 1);
	bgp_store_free(store);
}

/* Two thousand sessions that share prefixes by twos do not pay for the slots between them. */
static void
test_sparse(void **state)
{
	enum { SESSIONS = 2000, PREFIXES = 3000 };
	(void)state;
	struct bgp_store *store = bgp_store_new();
	struct rib *r = rib_new(store);
	bgp_set_id set[2] = {make_set(store, 1), make_set(store, 2)};
	static uint32_t who[PREFIXES][2];
	struct bgp_nlri n = nlri_of("10.0.0.0/24");
	struct rib_stats stats;
	unsigned count = 0;
	for (unsigned s = 0; s < SESSIONS; s++)
		assert_int_equal(rib_slot_open(r), s);
	for (unsigned i = 0; i < PREFIXES; i++) {
		n.prefix.addr.b[13] = (uint8_t)(i >> 8);
		n.prefix.addr.b[14] = (uint8_t)i;
		who[i][0] = draw(SESSIONS / 2);
		who[i][1] = SESSIONS / 2 + draw(SESSIONS / 2);
		for (unsigned k = 0; k < 2; k++)
			assert_true(
			    rib_announce(r, who[i][k], BGP_IPV4_UNICAST, &n, 1, set[k], NULL, NULL, &count));
	}
	rib_stats(r, &stats);
	assert_in_range(stats.group_bytes, 1, 10 * 65536);
	for (unsigned i = 0; i < PREFIXES; i++) {
		struct rib_route out;
		n.prefix.addr.b[13] = (uint8_t)(i >> 8);
		n.prefix.addr.b[14] = (uint8_t)i;
		for (unsigned k = 0; k < 2; k++) {
			assert_int_equal(rib_exact(r, who[i][k], BGP_IPV4_UNICAST, &n, &out, 1), 1);
			assert_int_equal(out.id, set[k]);
			assert_int_equal(rib_exact(r, who[i][k] + 1, BGP_IPV4_UNICAST, &n, &out, 1), 0);
		}
	}
	rib_free(r);
	bgp_store_free(store);
}

static uint32_t
prefix_of(struct rib *r, uint32_t slot, const char *address, enum bgp_family f)
{
	struct rib_query q = {.table = rib_table(r, f, 0), .slot = slot, .stale = RIB_NO_SLOT};
	assert_true(addr_parse(&q.addr, address));
	rib_lookup(r, &q, 1);
	return q.prefix;
}

/* A route that flaps leaves its prefix where it is, and so does a default route when everything else goes. */
static void
test_flap(void **state)
{
	(void)state;
	struct bgp_store *store = bgp_store_new();
	struct rib *r = rib_new(store);
	bgp_set_id set = make_set(store, 1);
	uint32_t slot = rib_slot_open(r);
	struct bgp_nlri n[2] = {nlri_of("0.0.0.0/0"), nlri_of("203.0.113.0/24")};
	unsigned count = 0;
	assert_true(rib_announce(r, slot, BGP_IPV4_UNICAST, n, 2, set, NULL, NULL, &count));
	uint32_t any = prefix_of(r, slot, "192.0.2.1", BGP_IPV4_UNICAST);
	uint32_t longer = prefix_of(r, slot, "203.0.113.1", BGP_IPV4_UNICAST);
	for (unsigned keep = 0; keep < 2; keep++) {
		r->keep_empty = keep ? 0 : r->keep_empty;
		assert_true(
		    rib_withdraw(r, slot, RIB_NO_SLOT, BGP_IPV4_UNICAST, n, 2, false, NULL, NULL, &count));
		assert_int_equal(count, 2);
		while (!rib_tidy(r))
			;
		assert_int_equal(prefix_of(r, slot, "203.0.113.1", BGP_IPV4_UNICAST), RIB_NO_PREFIX);
		struct rib_stats stats;
		rib_stats(r, &stats);
		assert_int_equal(stats.prefixes, keep ? 1 : 2);
		assert_true(rib_announce(r, slot, BGP_IPV4_UNICAST, n, 2, set, NULL, NULL, &count));
		assert_int_equal(prefix_of(r, slot, "192.0.2.1", BGP_IPV4_UNICAST), any);
		if (!keep)
			assert_int_equal(prefix_of(r, slot, "203.0.113.1", BGP_IPV4_UNICAST), longer);
	}
	rib_free(r);
	bgp_store_free(store);
}

/* With change wanted, a prefix that both slots had is told once, of the fresh one. */
static void
test_stale_told_once(void **state)
{
	(void)state;
	struct model *m = model_new(5);
	struct bgp_nlri n[2] = {m->nlri[0], m->nlri[0]};
	struct told t = {.m = m, .slot = 1, .n = 1, .prefix = {0}, .old = {m->set[2]}};
	enum bgp_family f = m->family[0];
	unsigned count = 0;
	assert_true(rib_announce(m->rib, m->slot[1], f, n, 1, m->set[2], NULL, NULL, &count));
	assert_true(rib_announce(m->rib, m->slot[4], f, n, 1, m->set[3], NULL, NULL, &count));
	assert_true(rib_withdraw(m->rib, m->slot[1], m->slot[4], f, n, 2, false, hear, &t, &count));
	assert_int_equal(t.seen, 1);
	assert_int_equal(count, 2);
	model_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model),      cmocka_unit_test(test_short),
	    cmocka_unit_test(test_many_paths), cmocka_unit_test(test_sparse),
	    cmocka_unit_test(test_flap),       cmocka_unit_test(test_stale_told_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
