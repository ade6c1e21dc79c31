/* See group.h. The hash of a group is a sum over its entries, so that changing one entry changes the hash in
 * one step whatever the number of peers; equality is always verified. The index is an open table of (hash,
 * id) at a load of at most one half, since every update takes a group out of it and puts one in: linear
 * probing with deletions degrades fast above that. Deleting shifts back instead of leaving tombstones, which
 * would pile up.
 *
 * Groups that become equal because a slot is dropped are not joined at once. One of them stands for all in
 * the index; the others, and empty ones, are put aside: into the buckets of their numbers, where only a walk
 * over all groups finds them. In their own they would make one chain, which may be of all groups there are,
 * and each change of one of them a walk along it.
 *
 * A vector covers the slots from the first to the last route of its prefixes, in whole units of the slab; so
 * there are usually a few free places at its end, and only every fourth peer of a table load moves it. */
#include "bgp/group.h"

#define UNIT	      16
#define BUCKETS_MIN   4096
#define GROUP_RESERVE ((size_t)64 << 30)

static inline uint32_t
mix(uint32_t slot, uint32_t entry)
{
	uint64_t x = (uint64_t)slot << 32 | entry;
	x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 32) * 0x94d049bb133111ebULL;
	return entry ? (uint32_t)(x >> 32) : 0;
}

/* Of a group without entries. Families differ, so that dropping one needs no look at prefixes. */
static inline uint32_t
seed(uint8_t family)
{
	return (family + 1) * 0x9e3779b9U;
}

static size_t
vector_bytes(uint32_t len)
{
	return sizeof(struct group) + (size_t)len * sizeof(uint32_t);
}

static bool
index_new(struct region *r, size_t buckets)
{
	size_t bytes = buckets * sizeof(struct group_bucket);
	if (!region_init(r, bytes))
		return false;
	if (r->reserved >= bytes && region_grow(r, region_step(r, bytes)))
		return true;
	region_free(r);
	return false;
}

bool
groups_init(struct groups *g)
{
	*g = (struct groups){.buckets = BUCKETS_MIN};
	return slab_init(&g->slab, UNIT, GROUP_RESERVE) && index_new(&g->index, g->buckets);
}

void
groups_free(struct groups *g)
{
	slab_free(&g->slab);
	region_free(&g->index);
}

static void
index_put(struct groups *g, uint32_t hash, uint32_t id)
{
	size_t i = hash;
	while (group_bucket_at(g, i)->id)
		i++;
	*group_bucket_at(g, i) = (struct group_bucket){hash, id};
}

/* Where the index has a group. */
static uint32_t
place_of(const struct groups *g, uint32_t id)
{
	const struct group *v = group_at(g, id);
	return v->aside ? mix(0, id) : v->hash;
}

/* Shifts back those behind that are not where they want to be. */
static void
index_take(struct groups *g, uint32_t id)
{
	size_t mask = g->buckets - 1, hole = place_of(g, id) & mask;
	while (group_bucket_at(g, hole)->id != id)
		hole = (hole + 1) & mask;
	for (size_t i = (hole + 1) & mask; group_bucket_at(g, i)->id; i = (i + 1) & mask) {
		struct group_bucket b = *group_bucket_at(g, i);
		if (((i - b.hash) & mask) >= ((i - hole) & mask)) {
			*group_bucket_at(g, hole) = b;
			hole = i;
		}
	}
	*group_bucket_at(g, hole) = (struct group_bucket){0};
}

static bool
index_resize(struct groups *g, size_t buckets)
{
	struct groups old = *g;
	if (!index_new(&g->index, buckets)) {
		g->index = old.index;
		return false;
	}
	g->buckets = buckets;
	for (size_t i = 0; i < old.buckets; i++) {
		struct group_bucket b = *group_bucket_at(&old, i);
		if (b.id)
			index_put(g, b.hash, b.id);
	}
	region_free(&old.index);
	return true;
}

bool
groups_room(struct groups *g, size_t n)
{
	size_t wanted = g->buckets;
	while ((g->count + n) * 2 > wanted)
		wanted *= 2;
	return wanted == g->buckets || index_resize(g, wanted);
}

void
group_wish_init(const struct groups *g, struct group_wish *w, uint8_t family, uint32_t from, uint32_t slot,
		uint32_t old, uint32_t entry)
{
	uint32_t hash = from ? group_at(g, from)->hash : seed(family);
	hash += mix(slot, entry) - mix(slot, old);
	*w = (struct group_wish){.from = from, .slot = slot, .entry = entry, .hash = hash, .family = family};
	__builtin_prefetch(group_bucket_at(g, hash));
}

bool
group_wish_empty(const struct groups *g, const struct group_wish *w)
{
	if (w->entry || w->hash != seed(w->family))
		return false;
	const struct group *f = group_at(g, w->from);
	for (uint32_t i = 0; w->from && i < f->len; i++)
		if (f->vector[i] && f->first + i != w->slot)
			return false;
	return true;
}

/* Slots that a wish may fill. */
static void
wish_range(const struct groups *g, const struct group_wish *w, uint32_t *begin, uint32_t *end)
{
	*begin = w->slot;
	*end = w->slot + 1;
	if (!w->from)
		return;
	const struct group *f = group_at(g, w->from);
	if (f->first < *begin)
		*begin = f->first;
	if ((uint32_t)f->first + f->len > *end)
		*end = (uint32_t)f->first + f->len;
}

static inline uint32_t
wish_entry(const struct groups *g, const struct group_wish *w, uint32_t slot)
{
	return slot == w->slot ? w->entry : group_entry(g, w->from, slot);
}

static bool
fulfils(const struct groups *g, uint32_t id, const struct group_wish *w)
{
	const struct group *v = group_at(g, id);
	uint32_t begin, end;
	if (v->family != w->family)
		return false;
	wish_range(g, w, &begin, &end);
	if (v->first < begin)
		begin = v->first;
	if ((uint32_t)v->first + v->len > end)
		end = (uint32_t)v->first + v->len;
	for (uint32_t s = begin; s < end; s++)
		if (group_entry(g, id, s) != wish_entry(g, w, s))
			return false;
	return true;
}

uint32_t
group_find(const struct groups *g, const struct group_wish *w)
{
	for (size_t i = w->hash;; i++) {
		const struct group_bucket *b = group_bucket_at(g, i);
		if (!b->id || (b->hash == w->hash && fulfils(g, b->id, w)))
			return b->id;
	}
}

/* Empty ends of the range are left out. */
uint32_t
group_make(struct groups *g, const struct group_wish *w)
{
	uint32_t begin, end;
	wish_range(g, w, &begin, &end);
	while (begin < end && !wish_entry(g, w, begin))
		begin++;
	while (begin < end && !wish_entry(g, w, end - 1))
		end--;
	uint32_t len = (end - begin + 3) & ~3U;
	if (len > UINT16_MAX)
		len = UINT16_MAX;
	uint32_t id = slab_alloc(&g->slab, vector_bytes(len));
	if (!id)
		return 0;
	struct group *v = group_at(g, id);
	*v = (struct group){
	    .first = (uint16_t)begin, .len = (uint16_t)len, .hash = w->hash, .family = w->family};
	for (uint32_t i = 0; i < len; i++)
		v->vector[i] = begin + i < end ? wish_entry(g, w, begin + i) : 0;
	index_put(g, w->hash, id);
	g->count++;
	return id;
}

static void
change(struct groups *g, uint32_t id, uint32_t i, uint32_t entry, uint32_t hash, bool aside)
{
	struct group *v = group_at(g, id);
	index_take(g, id);
	readers_store(&v->vector[i], entry);
	v->hash = hash;
	v->aside = aside;
	index_put(g, place_of(g, id), id);
}

bool
group_change(struct groups *g, const struct group_wish *w)
{
	const struct group *v = group_at(g, w->from);
	uint32_t i = w->slot - v->first;
	if (i >= v->len)
		return false;
	change(g, w->from, i, w->entry, w->hash, false);
	return true;
}

uint32_t
group_drop(struct groups *g, uint32_t id, uint32_t slot)
{
	const struct group *v = group_at(g, id);
	uint32_t old = group_entry(g, id, slot);
	if (!old)
		return 0;
	struct group_wish w;
	group_wish_init(g, &w, v->family, id, slot, old, 0);
	bool aside = group_wish_empty(g, &w) || group_find(g, &w);
	change(g, id, slot - v->first, 0, w.hash, aside);
	group_set_dirty(g, id, true);
	return old;
}

void
group_hide(struct groups *g, uint32_t id)
{
	group_set_dirty(g, id, false);
	index_take(g, id);
	g->count--;
}

void
group_retire(struct groups *g, uint32_t id)
{
	slab_retire(&g->slab, id, vector_bytes(group_at(g, id)->len));
}

void
group_set_dirty(struct groups *g, uint32_t id, bool dirty)
{
	struct group *v = group_at(g, id);
	g->dirty += (size_t)dirty - (size_t)v->dirty;
	v->dirty = dirty;
}

/* The wish to have what it has already. One that was put aside, and whose like is gone, stands for itself
 * again.
 */
uint32_t
group_canonical(struct groups *g, uint32_t id)
{
	const struct group *v = group_at(g, id);
	struct group_wish w = {
	    .from = id, .slot = v->first, .entry = v->vector[0], .hash = v->hash, .family = v->family};
	if (group_wish_empty(g, &w))
		return 0;
	uint32_t found = group_find(g, &w);
	if (!found)
		change(g, id, 0, v->vector[0], v->hash, false);
	return found ? found : id;
}
