/* See trie.h. A table is a root array, indexed by the first bits of an address, and below it nodes of 16
 * entries, a cache line each, that consume four bits. An entry is 0, the id of a prefix, or a reference to a
 * node with the depth at which that node stands:
 *
 *	31    30..26		25..0
 *	node  depth in nibbles	number of the node
 *
 * Leaves are pushed: an entry that is no node names the longest prefix of the union that covers its
 *addresses, so a descent never goes back up. References carry the depth because chains of nodes in which
 *nothing ends and nothing branches are left out (a /48 alone in its /16 is one node, not eight: a third of
 *the nodes of a full IPv6 table, nine tenths in VPN tables). A descent does not look at the bits that it
 *skips. If they differ, it ends at a prefix that does not cover the address; that prefix still has all those
 *which do among its parents, since everything below a skipped stretch has them. So a reader, who reads the
 *prefix' record in any case, compares there and climbs: skipping costs no load and no branch on the way down.
 *
 * Invariants, for each node at depth d: at least one prefix with 4d < length <= 4d+4 lies in it, or at least
 * two of its entries are nodes. Between a reference's place and its node no prefix ends.
 *
 * Changes are stores of single entries, each of which turns a right answer into a right answer, and new nodes
 * are filled before they are referred to. A change touches the entries that the prefix covers: that is all of
 * them for a default route, which is why the owner keeps short prefixes although no peer has them.
 *
 * What a full table costs: 16 bytes a prefix of IPv4 and 32 of IPv6; a root of 4 MB, so that a /20 or shorter
 *is found in one step and a /24 in two; 141,000 nodes for 902,000 IPv4 prefixes and 69,000 for 160,000 IPv6
 *ones (99,000 if nothing were left out): 9 and 4.4 MB.
 *
 * Rejected: nodes packed with bitmaps (an insertion copies the node and needs an allocation, and memory is
 * decided elsewhere: 9 MB of nodes for 0.9 M IPv4 prefixes), a hash of exact prefixes beside the trie (a miss
 * more per update; the parents of the longest match lead there in one or two steps), descents without
 *branches (measured no faster: what counts is how many lines a descent touches). */
#include "bgp/trie.h"

#include "collector/base/wire.h"

#define NODE	    (1U << 31)
#define DEPTH_SHIFT 26
#define NODE_MASK   ((1U << DEPTH_SHIFT) - 1)
#define NODE_BYTES  64
#define FANOUT	    16

#define DEEPEST 32 /* nibbles of an IPv6 address */

/* References: made, and taken apart. */
static inline uint32_t
node_ref(unsigned depth, uint32_t node)
{
	return NODE | (uint32_t)depth << DEPTH_SHIFT | node;
}

static inline unsigned
ref_depth(uint32_t ref)
{
	return ref >> DEPTH_SHIFT & 31;
}

static inline uint32_t *
ref_entries(const struct trie_space *s, uint32_t ref)
{
	return slab_at(&s->nodes, ref & NODE_MASK);
}

/* Four bits of a key; depth counts from the front. */
static inline unsigned
nibble(const struct trie_key *k, unsigned depth)
{
	uint64_t word = depth < 16 ? k->hi : k->lo;
	return word >> (60 - 4 * (depth & 15)) & 15;
}

/* The first nibble in which two keys differ; DEEPEST when they are equal. */
static unsigned
first_difference(const struct trie_key *a, const struct trie_key *b)
{
	if (a->hi != b->hi)
		return (unsigned)__builtin_clzll(a->hi ^ b->hi) / 4;
	if (a->lo != b->lo)
		return 16 + (unsigned)__builtin_clzll(a->lo ^ b->lo) / 4;
	return DEEPEST;
}

/* Reserves address space only. Prefix ids stay below 2^31 and nodes below 2^26, since entries have no more
 * bits for them. */
bool
trie_space_init(struct trie_space *s)
{
	*s = (struct trie_space){.plane[1].v6 = true};
	return slab_init(&s->plane[0].slab, sizeof(struct trie_prefix), (size_t)8 << 30) &&
	       slab_init(&s->plane[1].slab, sizeof(struct trie_prefix6), (size_t)16 << 30) &&
	       slab_init(&s->nodes, NODE_BYTES, (size_t)NODE_BYTES << DEPTH_SHIFT);
}

void
trie_space_free(struct trie_space *s)
{
	slab_free(&s->plane[0].slab);
	slab_free(&s->plane[1].slab);
	slab_free(&s->nodes);
}

/* A small root is a node like all others, without bits before it. */
bool
trie_init(struct trie_space *s, struct trie *t, bool v6, uint32_t table, uint32_t *root, uint8_t bits)
{
	if (!root) {
		uint32_t node = slab_alloc(&s->nodes, NODE_BYTES);
		if (!node)
			return false;
		root = slab_at(&s->nodes, node);
		memset(root, 0, NODE_BYTES);
		bits = 4;
	}
	*t = (struct trie){.root = root, .table = table, .root_bits = bits, .v6 = v6};
	return true;
}

struct trie_key
trie_key_of(const struct addr *a, bool v6)
{
	if (!v6)
		return (struct trie_key){(uint64_t)load_be32(&a->b[12]) << 32, 0};
	struct addr x = addr_to_v6(a);
	return (struct trie_key){load_be64(x.b), load_be64(x.b + 8)};
}

struct addr
trie_addr_of(const struct trie_plane *p, uint32_t id)
{
	struct trie_key k = trie_key_at(p, id);
	if (!p->v6) {
		uint32_t v4 = __builtin_bswap32((uint32_t)(k.hi >> 32));
		return addr_from_v4(&v4);
	}
	uint64_t bytes[2] = {__builtin_bswap64(k.hi), __builtin_bswap64(k.lo)};
	return addr_from_v6(bytes);
}

/* Level by level over those that are still on their way. */
void
trie_walk(const struct trie_space *s, struct trie_walk *w, unsigned n)
{
	uint8_t busy[TRIE_WALKS];
	unsigned left = 0;
	for (unsigned i = 0; i < n; i++) {
		w[i].found = 0;
		if (w[i].at)
			busy[left++] = (uint8_t)i;
	}
	while (left) {
		unsigned kept = 0;
		for (unsigned b = 0; b < left; b++) {
			struct trie_walk *x = &w[busy[b]];
			uint32_t v = readers_load(x->at);
			if (v & NODE) {
				x->at = ref_entries(s, v) + nibble(&x->key, ref_depth(v));
				__builtin_prefetch(x->at);
				busy[kept++] = busy[b];
			} else {
				x->found = v;
				__builtin_prefetch(trie_at(x->plane, v));
			}
		}
		left = kept;
	}
}

/* Readers come here while prefixes are put in and taken out: parents are loaded one by one, and each of them
 * covers what its child covers, before a change and after it. */
uint32_t
trie_settle(const struct trie_plane *p, uint32_t id, const struct trie_key *key, unsigned len)
{
	while (id) {
		const struct trie_prefix *r = trie_at(p, id);
		unsigned own = trie_len(readers_load(&r->meta));
		struct trie_key k = trie_key_at(p, id);
		if (own <= len && trie_covers(&k, own, key))
			break;
		id = readers_load(&r->parent);
	}
	return id;
}

/* --- the writer --- */

/* A node all of whose entries are v; its number, 0 when memory is short. */
static uint32_t
node_new(struct trie_space *s, uint32_t v)
{
	uint32_t node = slab_alloc(&s->nodes, NODE_BYTES);
	if (!node)
		return 0;
	uint32_t *e = slab_at(&s->nodes, node);
	for (unsigned i = 0; i < FANOUT; i++)
		e[i] = v;
	return node;
}

/* A prefix takes the place of another in a part of a table: a new one that of its parent, or, on its way out,
 * the parent its own again. */
struct change {
	struct trie_space *s;
	struct trie_plane *plane;
	uint32_t from, to;
	size_t visited;
};

/* A longer prefix is seen where `from` stood: of the chain above it, the one whose parent is `from` gets the
 * other one. */
static void
adopt(struct change *c, uint32_t id)
{
	while (id) {
		struct trie_prefix *r = trie_at(c->plane, id);
		if (r->parent == c->from)
			readers_store(&r->parent, c->to);
		if (r->parent == c->to)
			break;
		id = r->parent;
	}
}

/* What is named by the next entries: with a default route's change, all nodes and prefixes come by. */
static void
look_ahead(const struct change *c, const uint32_t *e, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (e[i] & NODE)
			__builtin_prefetch(ref_entries(c->s, e[i]));
		else if (e[i] != c->from)
			__builtin_prefetch(trie_at(c->plane, e[i]));
}

/* In n entries, and all that is below them, `to` takes the place of `from`. */
static void
replace(struct change *c, uint32_t *e, size_t n)
{
	uint32_t last = c->from;
	c->visited += n;
	for (size_t i = 0; i < n; i++) {
		uint32_t v = e[i];
		if (i % FANOUT == 0)
			look_ahead(c, e + i, n - i < FANOUT ? n - i : FANOUT);
		if (v == c->from)
			readers_store(&e[i], c->to);
		else if (v & NODE)
			replace(c, ref_entries(c->s, v), FANOUT);
		else if (v != last)
			adopt(c, v);
		last = v;
	}
}

/* The entries of a node at depth (len - 1) / 4 that a prefix covers. */
static void
replace_in_node(struct change *c, uint32_t *entries, const struct trie_key *key, unsigned len)
{
	unsigned depth = (len - 1) / 4;
	replace(c, entries + nibble(key, depth), (size_t)1 << (4 * depth + 4 - len));
}

/* The entries of the root that a prefix of no more bits covers. */
static void
replace_in_root(struct change *c, const struct trie *t, const struct trie_key *key, unsigned len)
{
	replace(c, t->root + (key->hi >> (64 - t->root_bits)), (size_t)1 << (t->root_bits - len));
}

/* Some prefix inside the node; there is one by the invariant. */
static uint32_t
representative(const struct change *c, uint32_t ref)
{
	const uint32_t *e = ref_entries(c->s, ref);
	for (unsigned i = 0; i < FANOUT; i++) {
		if (e[i] & NODE)
			return representative(c, e[i]);
		if (e[i] && trie_len(trie_at(c->plane, e[i])->meta) > 4 * ref_depth(ref))
			return e[i];
	}
	return 0;
}

/* A node at the depth where the prefix ends, for a place that holds nothing longer than `from`. Its
 * reference, 0 when memory is short. */
static uint32_t
node_for(struct change *c, const struct trie_key *key, unsigned len)
{
	uint32_t node = node_new(c->s, c->from);
	if (!node)
		return 0;
	replace_in_node(c, slab_at(&c->s->nodes, node), key, len);
	return node_ref((len - 1) / 4, node);
}

/* A node at depth x between *e and the node it refers to: there the way to key parts from the old one, or the
 * prefix ends. */
static bool
branch(struct change *c, uint32_t *e, unsigned x, const struct trie_key *old, const struct trie_key *key,
       unsigned len)
{
	uint32_t node = node_new(c->s, c->from), side = 0;
	if (!node)
		return false;
	bool ends = x == (len - 1) / 4;
	if (!ends && !(side = node_for(c, key, len))) {
		slab_release(&c->s->nodes, node, NODE_BYTES);
		return false;
	}
	uint32_t *m = slab_at(&c->s->nodes, node);
	m[nibble(old, x)] = *e;
	if (ends)
		replace_in_node(c, m, key, len);
	else
		m[nibble(key, x)] = side;
	readers_store(e, node_ref(x, node));
	return true;
}

/* Finds the place of c->to below the root and takes it. */
static bool
place(struct change *c, const struct trie *t, const struct trie_key *key, unsigned len)
{
	unsigned end = (len - 1) / 4, depth = t->root_bits / 4;
	uint32_t *e = &t->root[key->hi >> (64 - t->root_bits)];
	for (;;) {
		uint32_t v = *e;
		if (!(v & NODE)) {
			uint32_t ref = node_for(c, key, len);
			if (ref)
				readers_store(e, ref);
			return ref != 0;
		}
		unsigned at = ref_depth(v), x = end;
		if (at > depth) {
			struct trie_key old = trie_key_at(c->plane, representative(c, v));
			unsigned d = first_difference(key, &old);
			x = d < end ? d : end;
			if (x < at)
				return branch(c, e, x, &old, key, len);
		}
		if (at == end) {
			replace_in_node(c, ref_entries(c->s, v), key, len);
			return true;
		}
		e = ref_entries(c->s, v) + nibble(key, at);
		depth = at + 1;
	}
}

/* A record that no entry names yet. Who walks by id sees it without a group, and passes. */
static uint32_t
prefix_new(struct trie_plane *p, const struct trie *t, const struct trie_key *key, unsigned len)
{
	size_t bytes = p->slab.unit;
	uint32_t id = slab_alloc(&p->slab, bytes);
	if (!id)
		return 0;
	struct trie_prefix *r = trie_at(p, id);
	r->v4 = (uint32_t)(key->hi >> 32);
	if (p->v6)
		((struct trie_prefix6 *)(void *)r)->key = *key;
	readers_store(&r->group, 0);
	readers_store(&r->meta, len | t->table << 8);
	if (id >= p->end)
		readers_store(&p->end, id + 1);
	return id;
}

/* The parent is known before the place: what a descent finds, or one of its parents. In the prefix' span the
 * parent is what is replaced. */
uint32_t
trie_insert(struct trie_space *s, const struct trie *t, const struct trie_key *key, unsigned len, bool *fresh)
{
	struct trie_plane *p = &s->plane[t->v6];
	struct trie_walk w;
	trie_walk_begin(&w, s, t, key);
	trie_walk(s, &w, 1);
	uint32_t parent = trie_settle(p, w.found, key, len);
	*fresh = false;
	if (parent && trie_len(trie_at(p, parent)->meta) == len)
		return parent;
	uint32_t id = prefix_new(p, t, key, len);
	if (!id)
		return 0;
	readers_store(&trie_at(p, id)->parent, parent);
	struct change c = {.s = s, .plane = p, .from = parent, .to = id};
	if (len <= t->root_bits) {
		replace_in_root(&c, t, key, len);
	} else if (!place(&c, t, key, len)) {
		readers_store(&trie_at(p, id)->meta, TRIE_FREE);
		slab_release(&p->slab, id, p->slab.unit);
		return 0;
	}
	p->count++;
	*fresh = true;
	return id;
}

/* True when a prefix ends in the node at depth all of whose addresses lie below one entry: it is seen nowhere
 * in the node itself, but stands among the parents of what is below. */
static bool
ends_above(const struct change *c, uint32_t below, unsigned depth)
{
	uint32_t id = representative(c, below);
	while (id && trie_len(trie_at(c->plane, id)->meta) > 4 * depth + 4)
		id = trie_at(c->plane, id)->parent;
	return id && trie_len(trie_at(c->plane, id)->meta) > 4 * depth;
}

/* What a node amounts to when nothing ends and nothing branches in it: the outer prefix, or the one node
 * below. UINT32_MAX: it must stay. */
static uint32_t
node_rest(const struct change *c, const uint32_t *e, unsigned depth)
{
	uint32_t below = 0, outer = 0;
	for (unsigned i = 0; i < FANOUT; i++) {
		if (!(e[i] & NODE)) {
			if (e[i] && trie_len(trie_at(c->plane, e[i])->meta) > 4 * depth)
				return UINT32_MAX;
			outer = e[i];
		} else if (below) {
			return UINT32_MAX;
		} else {
			below = e[i];
		}
	}
	if (below && ends_above(c, below, depth))
		return UINT32_MAX;
	return below ? below : outer;
}

/* Leaves nodes out that have become superfluous, from the deepest upwards. */
static void
collapse(const struct change *c, uint32_t **path, unsigned n)
{
	while (n--) {
		uint32_t ref = *path[n];
		uint32_t rest = node_rest(c, ref_entries(c->s, ref), ref_depth(ref));
		if (rest == UINT32_MAX)
			break;
		readers_store(path[n], rest);
		slab_retire(&c->s->nodes, ref & NODE_MASK, NODE_BYTES);
	}
}

/* The way down needs no comparing: the prefix is there, so nothing on it can differ. Without memory being
 * needed it cannot fail. */
size_t
trie_remove(struct trie_space *s, const struct trie *t, uint32_t id)
{
	struct trie_plane *p = &s->plane[t->v6];
	struct trie_prefix *r = trie_at(p, id);
	struct trie_key key = trie_key_at(p, id);
	unsigned len = trie_len(r->meta), n = 0;
	struct change c = {.s = s, .plane = p, .from = id, .to = r->parent};
	if (len <= t->root_bits) {
		replace_in_root(&c, t, &key, len);
	} else {
		uint32_t *path[DEEPEST], *e = &t->root[key.hi >> (64 - t->root_bits)];
		for (;;) {
			path[n++] = e;
			if (ref_depth(*e) == (len - 1) / 4)
				break;
			e = ref_entries(s, *e) + nibble(&key, ref_depth(*e));
		}
		replace_in_node(&c, ref_entries(s, *e), &key, len);
		collapse(&c, path, n);
	}
	p->count--;
	readers_store(&r->meta, r->meta | TRIE_FREE); /* length and table stay for readers on their way */
	slab_retire(&p->slab, id, p->slab.unit);
	return c.visited + n;
}
