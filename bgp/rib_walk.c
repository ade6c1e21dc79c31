/* Exact prefixes and all routes of a slot, for dumps, looking glass and snapshot.
 *
 * A walk goes by the ids of prefixes, which a prefix keeps while it has routes, first IPv4, then IPv6; the
 * cursor says which prefix is next, and from which path identifier on. */
#include "bgp/rib_parts.h"

#define AHEAD 16 /* prefixes whose groups are prefetched */

/* One route as outputs want it; the label is the set's. */
static void
route_of(const struct rib *r, struct rib_route *out, const struct bgp_nlri *nlri, uint8_t family,
	 bgp_set_id id)
{
	out->family = family;
	out->nlri = *nlri;
	out->id = id;
	out->set = bgp_store_set(r->store, id);
	out->nlri.label = bgp_store_label(r->store, out->set);
}

/* The routes behind an entry, those with path identifiers from *path on, up to max; *path is 0 afterwards
 * when all were given, else where to go on. */
static unsigned
routes_of(const struct rib *r, uint32_t entry, const struct bgp_nlri *nlri, uint8_t family, uint32_t *path,
	  struct rib_route *out, unsigned max)
{
	unsigned n = 0;
	if (!(entry & GROUP_LIST)) {
		route_of(r, out, nlri, family, entry);
		*path = 0;
		return 1;
	}
	const struct path_list *list = path_list_at(&r->lists, entry & ~GROUP_LIST);
	for (uint32_t i = 0; i < list->n; i++) {
		if (list->path[i].id < *path)
			continue;
		if (n == max) {
			*path = list->path[i].id;
			return n;
		}
		route_of(r, &out[n], nlri, family, list->path[i].set);
		out[n++].nlri.path_id = list->path[i].id;
	}
	*path = 0;
	return n;
}

/* A descent for one key; no hash of exact prefixes is needed. */
unsigned
rib_exact(const struct rib *r, uint32_t slot, enum bgp_family family, const struct bgp_nlri *nlri,
	  struct rib_route *out, unsigned max)
{
	uint32_t table = rib_table(r, family, nlri->rd), path = 0;
	if (table == RIB_TABLE_NONE || !max)
		return 0;
	const struct trie *t = &rib_table_at(r, table)->trie;
	struct trie_key key = trie_key_of(&nlri->prefix.addr, t->v6);
	struct trie_walk w;
	trie_walk_begin(&w, &r->space, t, &key);
	trie_walk(&r->space, &w, 1);
	uint32_t prefix = trie_settle(w.plane, w.found, &key, nlri->prefix.len);
	if (!prefix || trie_len(readers_load(&trie_at(w.plane, prefix)->meta)) != nlri->prefix.len)
		return 0;
	uint32_t entry = group_entry(&r->groups, readers_load(&trie_at(w.plane, prefix)->group), slot);
	struct bgp_nlri plain = {.prefix = nlri->prefix, .rd = nlri->rd};
	return entry ? routes_of(r, entry, &plain, (uint8_t)family, &path, out, max) : 0;
}

/* Bit 63: IPv6; 62 to 32: prefix; below: path identifier. */
struct cursor {
	bool v6;
	uint32_t prefix, path;
};

static struct cursor
cursor_of(uint64_t word)
{
	return (struct cursor){word >> 63, (uint32_t)(word >> 32) & 0x7fffffff, (uint32_t)word};
}

static uint64_t
cursor_word(const struct cursor *c)
{
	return (uint64_t)c->v6 << 63 | (uint64_t)c->prefix << 32 | c->path;
}

/* 0 where the slot has no route, and for prefix 0, which is none. */
static uint32_t
entry_at(const struct rib *r, uint32_t slot, const struct cursor *c)
{
	const struct trie_prefix *t = trie_at(&r->space.plane[c->v6], c->prefix);
	return c->prefix ? group_entry(&r->groups, readers_load(&t->group), slot) : 0;
}

/* Prefixes lie behind one another; their groups are what has to be fetched early. */
static void
look_ahead(const struct rib *r, const struct cursor *c, uint32_t end)
{
	if (c->prefix + AHEAD >= end)
		return;
	uint32_t g = readers_load(&trie_at(&r->space.plane[c->v6], c->prefix + AHEAD)->group);
	__builtin_prefetch(group_at(&r->groups, g));
}

/* Walks one plane on; returns the routes given. */
static unsigned
walk_plane(const struct rib *r, uint32_t slot, struct cursor *c, struct rib_route *out, unsigned max)
{
	const struct trie_plane *p = &r->space.plane[c->v6];
	uint32_t end = readers_load(&p->end);
	unsigned n = 0;
	while (c->prefix < end && n < max) {
		uint32_t entry = entry_at(r, slot, c);
		look_ahead(r, c, end);
		if (entry) {
			struct bgp_nlri nlri;
			const struct rib_table *t = rib_table_of(r, trie_at(p, c->prefix));
			rib_nlri_of(r, c->v6, c->prefix, &nlri);
			n += routes_of(r, entry, &nlri, t->family, &c->path, out + n, max - n);
		} else {
			c->path = 0;
		}
		if (!c->path)
			c->prefix++;
	}
	return n;
}

/* A call that ends within IPv4 leaves IPv6 to the next one only when out is full: 0 routes mean the end. */
unsigned
rib_walk(const struct rib *r, uint32_t slot, uint64_t *cursor, struct rib_route *out, unsigned max)
{
	struct cursor c = cursor_of(*cursor);
	unsigned n = walk_plane(r, slot, &c, out, max);
	if (n < max && !c.v6) {
		c = (struct cursor){.v6 = true};
		n += walk_plane(r, slot, &c, out + n, max - n);
	}
	*cursor = cursor_word(&c);
	return n;
}
