/* Longest match for a batch of flows. Each step is done for all questions before the next one, and ends with
 * prefetching what the next one reads:
 *
 *	trie, level by level ─► prefix ─► group ─► entry in its vector ─► set ─► parts of the set
 *
 * so a batch waits for memory some eight times in all, not eight times a question. A question whose peer does
 * not route the longest match goes on with the next shorter one in the next round; with full tables that is
 * rare. */
#include "bgp/rib_parts.h"

/* A question on its way. */
struct asked {
	struct rib_query *q;
	const struct trie_plane *plane;
	uint32_t prefix;
	uint32_t group;
	uint32_t entry;
};

/* Descends for all; returns how many there are to go on with. */
static unsigned
match(const struct rib *r, struct rib_query *q, unsigned n, struct asked *a)
{
	struct trie_walk walk[TRIE_WALKS];
	unsigned left = 0, tables = readers_load(&r->tables_n);
	for (unsigned i = 0; i < n; i++) {
		q[i].set = NULL;
		q[i].prefix = RIB_NO_PREFIX;
		if (q[i].table >= tables || (q[i].slot == RIB_NO_SLOT && q[i].stale == RIB_NO_SLOT))
			continue;
		const struct trie *t = &rib_table_at(r, q[i].table)->trie;
		if (addr_is_none(&q[i].addr) || addr_is_v4(&q[i].addr) == t->v6)
			continue;
		struct trie_key key = trie_key_of(&q[i].addr, t->v6);
		trie_walk_begin(&walk[left], &r->space, t, &key);
		a[left++].q = &q[i];
	}
	trie_walk(&r->space, walk, left);
	unsigned found = 0;
	for (unsigned i = 0; i < left; i++) {
		uint32_t prefix = trie_settle(walk[i].plane, walk[i].found, &walk[i].key, 128);
		if (prefix)
			a[found++] = (struct asked){a[i].q, walk[i].plane, prefix, 0, 0};
	}
	return found;
}

/* The entries of all, of the slot or else of the stale one. */
static void
read_entries(const struct rib *r, struct asked *a, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		a[i].group = readers_load(&trie_at(a[i].plane, a[i].prefix)->group);
		__builtin_prefetch(group_at(&r->groups, a[i].group));
	}
	for (unsigned i = 0; i < n; i++)
		group_prefetch(&r->groups, a[i].group, a[i].q->slot);
	for (unsigned i = 0; i < n; i++) {
		a[i].entry = group_entry(&r->groups, a[i].group, a[i].q->slot);
		if (!a[i].entry && a[i].q->stale != RIB_NO_SLOT)
			a[i].entry = group_entry(&r->groups, a[i].group, a[i].q->stale);
		const void *next = a[i].entry & GROUP_LIST
				       ? (const void *)path_list_at(&r->lists, a[i].entry & ~GROUP_LIST)
				       : bgp_store_set(r->store, a[i].entry);
		__builtin_prefetch(next);
		/* half of the sets lie across two lines */
		__builtin_prefetch((const uint8_t *)next + sizeof(struct bgp_set) - 1);
	}
}

/* The path with the wanted next hop, or the first. */
static const struct bgp_set *
choose(const struct rib *r, const struct path_list *list, struct rib_query *q)
{
	uint32_t i = 0;
	for (; q->next_hop && i < list->n; i++) {
		const struct bgp_set *s = bgp_store_set(r->store, list->path[i].set);
		struct addr next_hop = bgp_store_next_hop(r->store, s);
		if (addr_equal(&next_hop, q->next_hop))
			break;
	}
	if (i >= list->n)
		i = 0;
	q->path_id = list->path[i].id;
	return bgp_store_set(r->store, list->path[i].set);
}

/* Fetching what nobody reads costs as much as waiting for it. */
static inline void
prefetch_part(const struct rib *r, const struct rib_query *q, enum rib_part part, uint32_t id)
{
	if (q->parts & part)
		__builtin_prefetch(bgp_store_part_at(r->store, id));
}

static void
answer(const struct rib *r, const struct asked *a)
{
	struct rib_query *q = a->q;
	q->path_id = 0;
	q->prefix = a->prefix;
	q->len = (uint8_t)trie_len(readers_load(&trie_at(a->plane, a->prefix)->meta));
	if (a->entry & GROUP_LIST)
		q->set = choose(r, path_list_at(&r->lists, a->entry & ~GROUP_LIST), q);
	else
		q->set = bgp_store_set(r->store, a->entry);
	prefetch_part(r, q, RIB_PART_PATH, q->set->path);
	prefetch_part(r, q, RIB_PART_STD, q->set->std);
	prefetch_part(r, q, RIB_PART_NEXT_HOP, q->set->next_hop);
	prefetch_part(r, q, RIB_PART_MORE, q->set->more);
}

/* Answers those that can be; the others climb. Returns how many those are. */
static unsigned
climb(const struct rib *r, struct asked *a, unsigned n)
{
	unsigned left = 0;
	for (unsigned i = 0; i < n; i++) {
		if (a[i].entry) {
			answer(r, &a[i]);
			continue;
		}
		uint32_t parent = readers_load(&trie_at(a[i].plane, a[i].prefix)->parent);
		__builtin_prefetch(trie_at(a[i].plane, parent));
		if (parent)
			a[left++] = (struct asked){a[i].q, a[i].plane, parent, 0, 0};
	}
	return left;
}

/* In portions that the first level cache holds. */
void
rib_lookup(const struct rib *r, struct rib_query *q, unsigned n)
{
	struct asked a[TRIE_WALKS];
	for (unsigned done = 0; done < n; done += TRIE_WALKS) {
		unsigned left = match(r, q + done, n - done < TRIE_WALKS ? n - done : TRIE_WALKS, a);
		while (left) {
			read_entries(r, a, left);
			left = climb(r, a, left);
		}
	}
}
