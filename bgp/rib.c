/* The shared RIB's tables, slots and figures; the header tells the whole. What it is made of: trie.c
 * (prefixes and longest match), group.c (vectors of entries), pathlist.c (ADD-PATH), and the files named in
 * rib_parts.h.
 *
 * Tables are never freed and their ids never used again: a reader may keep one, and a table without prefixes
 * is 100 bytes. Route distinguishers are found in an open table that a grown one replaces; a reader of the
 * old one at worst misses a table that was just made. */
#include "bgp/rib_parts.h"

/* Bits that the roots of unicast tables take at once: 4 MB and 256 KB. */
#define ROOT_BITS_V4 20
#define ROOT_BITS_V6 16
#define KEEP_EMPTY   4096
#define TELL_STEP    (1U << 14)

/* All that a RIB consists of but its slots; parts_free() is right for any part of it. */
static bool
parts_init(struct rib *r)
{
	return trie_space_init(&r->space) && groups_init(&r->groups) &&
	       path_lists_init(&r->lists, r->store) && slab_init(&r->maps, 16, (size_t)1 << 28) &&
	       region_init(&r->tables, RIB_TABLES_MAX * sizeof(struct rib_table));
}

static void
parts_free(struct rib *r)
{
	trie_space_free(&r->space);
	groups_free(&r->groups);
	path_lists_free(&r->lists);
	slab_free(&r->maps);
	region_free(&r->tables);
	region_free(&r->roots[0]);
	region_free(&r->roots[1]);
	free(r->slots);
	free(r);
}

struct rib *
rib_new(struct bgp_store *store)
{
	struct rib *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->store = store;
	r->keep_empty = KEEP_EMPTY;
	r->tell_step = TELL_STEP;
	for (unsigned f = 0; f < BGP_RIB_FAMILIES; f++)
		r->plain[f] = RIB_TABLE_NONE;
	r->slots = calloc(RIB_SLOTS_MAX, sizeof(*r->slots));
	if (!r->slots || !parts_init(r)) {
		parts_free(r);
		return NULL;
	}
	return r;
}

/* Gives the references of all its prefixes back. */
static void
release_group(struct rib *r, uint32_t id)
{
	const struct group *g = group_at(&r->groups, id);
	for (uint32_t i = 0; i < g->len; i++)
		if (g->vector[i])
			rib_entry_unref(r, g->vector[i], g->refs);
}

void
rib_free(struct rib *r)
{
	for (size_t i = 0; i < r->groups.buckets; i++) {
		uint32_t id = group_bucket_at(&r->groups, i)->id;
		if (id)
			release_group(r, id);
	}
	parts_free(r);
}

void
rib_entry_ref(struct rib *r, uint32_t entry, uint32_t n)
{
	if (entry & GROUP_LIST)
		path_list_ref(&r->lists, entry & ~GROUP_LIST, n);
	else
		bgp_store_ref(r->store, entry, n);
}

void
rib_entry_unref(struct rib *r, uint32_t entry, uint32_t n)
{
	if (entry & GROUP_LIST)
		path_list_unref(&r->lists, entry & ~GROUP_LIST, n);
	else
		bgp_store_unref(r->store, entry, n);
}

/* --- slots --- */

/* The lowest free one, so that vectors stay short. */
uint32_t
rib_slot_open(struct rib *r)
{
	uint32_t s = 0;
	while (s < RIB_SLOTS_MAX && r->slots[s].open)
		s++;
	if (s == RIB_SLOTS_MAX)
		return RIB_NO_SLOT;
	r->slots[s] = (struct rib_slot){.open = true};
	return s;
}

void
rib_slot_close(struct rib *r, uint32_t slot)
{
	r->slots[slot].open = false;
}

size_t
rib_slot_routes(const struct rib *r, uint32_t slot)
{
	size_t sum = 0;
	for (unsigned f = 0; f < BGP_RIB_FAMILIES; f++)
		sum += __atomic_load_n(&r->slots[slot].routes[f], __ATOMIC_RELAXED);
	return sum;
}

/* --- tables --- */

static uint32_t
map_hash(enum bgp_family family, uint64_t rd)
{
	uint64_t x = (rd ^ family) * 0xbf58476d1ce4e5b9ULL;
	return (uint32_t)(x >> 32);
}

/* Readers come here. A table is complete before the map names it. */
static uint32_t
map_find(const struct rib *r, enum bgp_family family, uint64_t rd)
{
	uint32_t id = readers_load(&r->map);
	if (!id)
		return RIB_TABLE_NONE;
	const struct rib_table_map *m = slab_at(&r->maps, id);
	for (uint32_t i = map_hash(family, rd);; i++) {
		uint32_t t = readers_load(&m->table[i & (m->buckets - 1)]);
		if (!t)
			return RIB_TABLE_NONE;
		const struct rib_table *table = rib_table_at(r, t - 1);
		if (table->rd == rd && table->family == family)
			return t - 1;
	}
}

uint32_t
rib_table(const struct rib *r, enum bgp_family family, uint64_t rd)
{
	if (family >= BGP_RIB_FAMILIES)
		return RIB_TABLE_NONE;
	if (rib_family_vpn(family))
		return map_find(r, family, rd);
	return readers_load(&r->plain[family]);
}

static void
map_put(const struct rib *r, struct rib_table_map *m, uint32_t table)
{
	const struct rib_table *t = rib_table_at(r, table);
	uint32_t i = map_hash(t->family, t->rd);
	while (m->table[i & (m->buckets - 1)])
		i++;
	readers_store(&m->table[i & (m->buckets - 1)], table + 1);
	m->count++;
}

static size_t
map_bytes(uint32_t buckets)
{
	return sizeof(struct rib_table_map) + buckets * sizeof(uint32_t);
}

/* At a load of one half it is made anew, twice as large. */
static bool
map_room(struct rib *r)
{
	struct rib_table_map *m = slab_at(&r->maps, r->map);
	uint32_t buckets = r->map ? m->buckets : 0;
	if (buckets && 2 * (m->count + 1) <= buckets)
		return true;
	uint32_t grown = buckets ? 2 * buckets : 64, id = slab_alloc(&r->maps, map_bytes(grown));
	if (!id)
		return false;
	struct rib_table_map *to = slab_at(&r->maps, id);
	memset(to, 0, map_bytes(grown));
	to->buckets = grown;
	for (uint32_t i = 0; i < buckets; i++)
		if (m->table[i])
			map_put(r, to, m->table[i] - 1);
	if (r->map)
		slab_retire(&r->maps, r->map, map_bytes(buckets));
	readers_store(&r->map, id);
	return true;
}

/* The large root of a unicast table. NULL when memory is short. */
static uint32_t *
root_new(struct rib *r, bool v6, unsigned bits)
{
	struct region *root = &r->roots[v6];
	size_t bytes = sizeof(uint32_t) << bits;
	if (!root->base && !region_init(root, bytes))
		return NULL;
	if (root->usable < bytes && !region_grow(root, region_step(root, bytes)))
		return NULL;
	return (uint32_t *)(void *)root->base;
}

/* Unicast tables get a large root when they get their first prefix. */
static bool
table_init(struct rib *r, uint32_t id, enum bgp_family family)
{
	bool v6 = rib_family_v6(family);
	uint32_t *root = NULL;
	uint8_t bits = v6 ? ROOT_BITS_V6 : ROOT_BITS_V4;
	if (family <= BGP_IPV6_UNICAST && !(root = root_new(r, v6, bits)))
		return false;
	return trie_init(&r->space, &rib_table_at(r, id)->trie, v6, id, root, bits);
}

/* Counted as existing only when everything of it is there. */
uint32_t
rib_table_make(struct rib *r, enum bgp_family family, uint64_t rd)
{
	uint32_t id = rib_table(r, family, rd);
	bool vpn = rib_family_vpn(family);
	if (id != RIB_TABLE_NONE)
		return id;
	id = r->tables_n;
	size_t step = region_step(&r->tables, (id + 1) * sizeof(struct rib_table));
	if (id == RIB_TABLES_MAX || (step && !region_grow(&r->tables, step)) || (vpn && !map_room(r)) ||
	    !table_init(r, id, family))
		return RIB_TABLE_NONE;
	rib_table_at(r, id)->rd = rd;
	rib_table_at(r, id)->family = (uint8_t)family;
	readers_store(&r->tables_n, id + 1);
	if (vpn)
		map_put(r, slab_at(&r->maps, r->map), id);
	else
		readers_store(&r->plain[family], id);
	return id;
}

void
rib_nlri_of(const struct rib *r, bool v6, uint32_t prefix, struct bgp_nlri *out)
{
	const struct trie_plane *p = &r->space.plane[v6];
	const struct trie_prefix *t = trie_at(p, prefix);
	*out = (struct bgp_nlri){.label = BGP_NO_LABEL, .rd = rib_table_of(r, t)->rd};
	out->prefix.addr = trie_addr_of(p, prefix);
	out->prefix.len = (uint8_t)trie_len(readers_load(&t->meta));
}

/* --- figures --- */

static void
publish(size_t *to, size_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELAXED);
}

/* Relaxed stores, a few nanoseconds a run: figures need not agree with each other to the last route. */
void
rib_publish(struct rib *r)
{
	struct rib_stats *s = &r->stats;
	const struct trie_plane *p = r->space.plane;
	publish(&s->tables, r->tables_n);
	publish(&s->prefixes_v4, p[0].count);
	publish(&s->prefixes_v6, p[1].count);
	publish(&s->prefixes, p[0].count + p[1].count);
	publish(&s->groups, r->groups.count);
	publish(&s->routes, r->routes);
	publish(&s->lists, r->lists.count);
	publish(&s->paths_refused, r->refused);
	publish(&s->prefix_bytes, slab_bytes(&p[0].slab) + slab_bytes(&p[1].slab));
	publish(&s->trie_bytes, slab_bytes(&r->space.nodes) + r->roots[0].usable + r->roots[1].usable +
				    r->tables_n * sizeof(struct rib_table) + slab_bytes(&r->maps));
	publish(&s->group_bytes, slab_bytes(&r->groups.slab));
	publish(&s->index_bytes, r->groups.buckets * sizeof(struct group_bucket));
	publish(&s->list_bytes, slab_bytes(&r->lists.slab) + r->lists.heads * sizeof(uint32_t));
}

void
rib_stats(const struct rib *r, struct rib_stats *out)
{
	const size_t *from = (const size_t *)(const void *)&r->stats;
	size_t *to = (size_t *)(void *)out;
	_Static_assert(sizeof(*out) % sizeof(size_t) == 0, "all members are size_t");
	for (size_t i = 0; i < sizeof(*out) / sizeof(size_t); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}
