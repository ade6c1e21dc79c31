/* Groups of prefixes that all peers route alike: one vector of entries, indexed by slot, for all of them.
 *
 * An entry is 0 (no route), the id of a set (store.h), or GROUP_LIST with the id of a list (pathlist.h).
 * Groups do not count what their entries name: the owner counts routes, and copying a vector touches nothing
 * else. */
#ifndef FLOWRIB_BGP_GROUP_H
#define FLOWRIB_BGP_GROUP_H

#include "collector/base/slab.h"

#define GROUP_LIST   (1U << 31)
#define GROUP_SPARSE UINT16_MAX /* no slot has this number */

/* Readers see first, len and the vector, which never moves and never changes its size. The rest is the
 * writer's. A vector with few routes in many slots is sparse: behind len entries stand their slots,
 * ascending, two bytes each, and first is GROUP_SPARSE. */
struct group {
	uint32_t refs; /* prefixes that have it */
	uint16_t first, len;
	uint32_t hash;
	uint16_t pending; /* of the run at hand: number of its first move, plus 1 */
	uint8_t family;
	bool dirty : 1;	   /* may be empty or equal to another: to be tidied */
	bool aside : 1;	   /* it was when its slot was dropped: not in the index by its hash */
	uint32_t vector[]; /* slots first to first + len - 1 */
};

struct group_bucket {
	uint32_t hash, id;
};

struct groups {
	struct slab slab;
	struct region index; /* of buckets; a power of two */
	size_t buckets, count, dirty;
};

bool groups_init(struct groups *g);
/* No reader may be left. */
void groups_free(struct groups *g);

static inline struct group *
group_at(const struct groups *g, uint32_t id)
{
	return slab_at(&g->slab, id);
}

/* Where the slot stands in the vector of a sparse group; its length when it does not. */
uint32_t group_search(const struct group *v, uint32_t slot);

/* For readers and the writer. Group 0 has no routes. */
static inline uint32_t
group_entry(const struct groups *g, uint32_t id, uint32_t slot)
{
	if (!id)
		return 0;
	const struct group *v = group_at(g, id);
	uint32_t i = slot - v->first; /* beyond len when sparse */
	if (i >= v->len && v->first == GROUP_SPARSE)
		i = group_search(v, slot);
	return i < v->len ? readers_load(&v->vector[i]) : 0;
}

/* Fetches the slot's entry ahead, when the head is there. */
static inline void
group_prefetch(const struct groups *g, uint32_t id, uint32_t slot)
{
	const struct group *v = group_at(g, id);
	uint32_t i = slot - v->first;
	if (id)
		__builtin_prefetch(&v->vector[i < v->len ? i : 0]);
}

/* --- the writer --- */

/* A group as another one would be with one entry changed; from may be 0. */
struct group_wish {
	uint32_t from, slot, entry;
	uint32_t hash;
	uint8_t family;
};

/* Fills in the hash and prefetches where the index would have it. old: what `from` has in the slot. */
void group_wish_init(const struct groups *g, struct group_wish *w, uint8_t family, uint32_t from,
		     uint32_t slot, uint32_t old, uint32_t entry);
/* True when nothing would be left in it. */
bool group_wish_empty(const struct groups *g, const struct group_wish *w);
/* The first group that is so; 0: none. */
uint32_t group_find(const struct groups *g, const struct group_wish *w);
/* A new one, without prefixes yet. 0 when memory is short. Room must have been made. */
uint32_t group_make(struct groups *g, const struct group_wish *w);
/* Changes `from` itself. False when the slot lies outside of its vector. */
bool group_change(struct groups *g, const struct group_wish *w);
/* Makes sure that n more groups find room in the index. False when memory is short. */
bool groups_room(struct groups *g, size_t n);

/* Forgets a group without prefixes: at first it is not found any more, then, when no prefix names it any
 * more, its memory goes. */
void group_hide(struct groups *g, uint32_t id);
void group_retire(struct groups *g, uint32_t id);

/* Drops the slot's entry from a group; returns it, 0 for none. The group may be empty, or equal to another,
 * then: it is marked. */
uint32_t group_drop(struct groups *g, uint32_t id, uint32_t slot);

/* To walk over all groups: places 0 to buckets - 1; id 0: none is there. Any change of a group moves others.
 */
static inline struct group_bucket *
group_bucket_at(const struct groups *g, size_t i)
{
	return (struct group_bucket *)(void *)g->index.base + (i & (g->buckets - 1));
}

/* Marks it to be tidied, or as tidy. */
void group_set_dirty(struct groups *g, uint32_t id, bool dirty);
/* The group that stands for all that are equal to this one: 0 for an empty one, else the first of them. */
uint32_t group_canonical(struct groups *g, uint32_t id);

#endif
