/* See group.h. The hash of a group is a sum over its entries, so that changing one entry changes the hash in
 * one step whatever the number of peers; equality is always verified. The index is an open table of (hash,
 * id) at a load of at most one half, since every update takes a group out of it and puts one in: linear
 * probing with deletions degrades fast above that. Deleting shifts back instead of leaving tombstones, which
 * would pile up.
 *
 * Measured with the prefixes of a full table in 354,000 groups, which is how peers that differ see it: 3.8
 * bytes a route with ten peers and 2.1 with fifty, and 0.8 and 0.2 for the index. Where peers agree there are
 * as many groups as sets, here 97,000: 0.8 with ten and 0.5 with a hundred.
 *
 * Groups that become equal because a slot is dropped are not joined at once. One of them stands for all in
 * the index; the others, and empty ones, are put aside: into the buckets of their numbers, where only a walk
 * over all groups finds them. In their own they would make one chain, which may be of all groups there are,
 * and each change of one of them a walk along it.
 *
 * A vector covers the slots from the first to the last route of its prefixes, in whole units of the slab; so
 * there are usually a few free places at its end, and only every fourth peer of a table load moves it. Where
 * that would be mostly empty, slots are listed instead: of two thousand sessions with small tables, two that
 * share a prefix would cost 8 KB. Rejected: listing always (a search per lookup, and half as much memory
 * again for full tables). */
#include "bgp/group.h"

#define UNIT	      16
#define BUCKETS_MIN   4096
#define DENSE	      32 /* slots that are never listed */
#define GROUP_RESERVE ((size_t)64 << 30)

/* What an entry adds to its group's hash; nothing when there is no route. */
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
vector_bytes(bool sparse, uint32_t len)
{
	return sizeof(struct group) + len * (sizeof(uint32_t) + (sparse ? sizeof(uint16_t) : 0));
}

static inline bool
is_sparse(const struct group *v)
{
	return v->first == GROUP_SPARSE;
}

/* The slots of a sparse group. */
static inline const uint16_t *
slots_of(const struct group *v)
{
	return (const uint16_t *)(const void *)(v->vector + v->len);
}

static inline uint32_t
slot_at(const struct group *v, uint32_t i)
{
	return is_sparse(v) ? slots_of(v)[i] : v->first + i;
}

uint32_t
group_search(const struct group *v, uint32_t slot)
{
	const uint16_t *slots = slots_of(v);
	uint32_t begin = 0, end = v->len;
	while (begin < end) {
		uint32_t middle = (begin + end) / 2;
		if (slots[middle] < slot)
			begin = middle + 1;
		else
			end = middle;
	}
	return begin < v->len && slots[begin] == slot ? begin : v->len;
}

/* Where the slot stands in the vector; len or beyond when it does not. */
static inline uint32_t
position(const struct group *v, uint32_t slot)
{
	return is_sparse(v) ? group_search(v, slot) : slot - v->first;
}

/* Zeroed, in huge pages: nothing is as scattered as these accesses. */
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

/* Room has been made (groups_room). */
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

/* The old index serves if there is no memory for the new one. */
static bool
index_resize(struct groups *g, size_t buckets)
{
	struct groups old = {.index = g->index, .buckets = g->buckets};
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

/* The entries of a wish in the order of slots, but those that are 0. */
struct walk {
	const struct group *v; /* what it is made from; NULL: nothing */
	const struct group_wish *w;
	uint32_t i;
	bool wished; /* the wish's own entry has been given */
};

static struct walk
walk_begin(const struct groups *g, const struct group_wish *w)
{
	return (struct walk){w->from ? group_at(g, w->from) : NULL, w, 0, w->entry == 0};
}

static bool
walk_next(struct walk *x, uint32_t *slot, uint32_t *entry)
{
	const struct group_wish *w = x->w;
	while (x->v && x->i < x->v->len && (!x->v->vector[x->i] || slot_at(x->v, x->i) == w->slot))
		x->i++;
	bool more = x->v && x->i < x->v->len;
	if (!x->wished && (!more || slot_at(x->v, x->i) > w->slot)) {
		x->wished = true;
		*slot = w->slot;
		*entry = w->entry;
		return true;
	}
	if (!more)
		return false;
	*slot = slot_at(x->v, x->i);
	*entry = x->v->vector[x->i++];
	return true;
}

bool
group_wish_empty(const struct groups *g, const struct group_wish *w)
{
	uint32_t slot, entry;
	struct walk x = walk_begin(g, w);
	return !w->entry && w->hash == seed(w->family) && !walk_next(&x, &slot, &entry);
}

/* n entries of a, from the k-th one on the left out, are those of b, or zero where b is NULL. */
static bool
same_but(const uint32_t *a, const uint32_t *b, uint32_t begin, uint32_t end, uint32_t k)
{
	for (uint32_t i = begin; i < end; i++)
		if (i != k && a[i] != (b ? b[i] : 0))
			return false;
	return true;
}

/* Of two dense groups that begin in the same slot: the usual case, and the one that must be fast. */
static bool
same_dense(const struct group *v, const struct group *f, const struct group_wish *w)
{
	uint32_t k = w->slot - v->first, both = v->len < f->len ? v->len : f->len;
	if ((k < v->len ? v->vector[k] : 0) != w->entry)
		return false;
	if (k >= both)
		return memcmp(v->vector, f->vector, both * sizeof(uint32_t)) == 0 &&
		       same_but(v->vector, NULL, both, v->len, k) &&
		       same_but(f->vector, NULL, both, f->len, k);
	return memcmp(v->vector, f->vector, k * sizeof(uint32_t)) == 0 &&
	       memcmp(v->vector + k + 1, f->vector + k + 1, (both - k - 1) * sizeof(uint32_t)) == 0 &&
	       same_but(v->vector, NULL, both, v->len, k) && same_but(f->vector, NULL, both, f->len, k);
}

static bool
fulfils(const struct groups *g, uint32_t id, const struct group_wish *w)
{
	const struct group *v = group_at(g, id), *f = w->from ? group_at(g, w->from) : NULL;
	const struct group_wish as_it_is = {.from = id, .slot = GROUP_SPARSE};
	uint32_t slot[2], entry[2];
	if (v->family != w->family)
		return false;
	if (f && v->first == f->first && !is_sparse(v))
		return same_dense(v, f, w);
	struct walk a = walk_begin(g, w), b = walk_begin(g, &as_it_is);
	for (;;) {
		bool more = walk_next(&a, &slot[0], &entry[0]);
		if (more != walk_next(&b, &slot[1], &entry[1]))
			return false;
		if (!more)
			return true;
		if (slot[0] != slot[1] || entry[0] != entry[1])
			return false;
	}
}

/* A hash of 32 bits at a load of one half: practically every group that is compared is the one. */
uint32_t
group_find(const struct groups *g, const struct group_wish *w)
{
	for (size_t i = w->hash;; i++) {
		const struct group_bucket *b = group_bucket_at(g, i);
		if (!b->id || (b->hash == w->hash && fulfils(g, b->id, w)))
			return b->id;
	}
}

/* The form that a wish takes. */
struct shape {
	uint32_t begin, end; /* slots */
	uint32_t n;	     /* entries */
	bool sparse;
};

/* Half the memory must be in it, for a search per lookup. */
static bool
is_sparse_better(uint32_t n, uint32_t range)
{
	return range > DENSE && 2 * vector_bytes(true, n) < vector_bytes(false, range);
}

/* Exact, one entry at a time. */
static struct shape
shape_by_walk(const struct groups *g, const struct group_wish *w)
{
	struct shape s = {.begin = UINT32_MAX};
	struct walk x = walk_begin(g, w);
	for (uint32_t slot, entry; walk_next(&x, &slot, &entry); s.n++) {
		if (slot < s.begin)
			s.begin = slot;
		s.end = slot + 1;
	}
	s.sparse = is_sparse_better(s.n, s.end - s.begin);
	return s;
}

/* A group that is made from a dense one, as nearly all are in a table load, mostly is as dense: then an upper
 * bound of the number of entries decides, and nothing is looked at one by one. */
static struct shape
shape_of(const struct groups *g, const struct group_wish *w)
{
	const struct group *f = group_at(g, w->from);
	if (!w->from || is_sparse(f) || !w->entry)
		return shape_by_walk(g, w);
	struct shape s = {.begin = f->first, .end = (uint32_t)f->first + f->len, .n = 1};
	while (s.begin < s.end && !f->vector[s.begin - f->first])
		s.begin++;
	while (s.begin < s.end && !f->vector[s.end - 1 - f->first])
		s.end--;
	for (uint32_t i = 0; i < f->len; i++)
		s.n += f->vector[i] != 0;
	if (s.begin == s.end || w->slot < s.begin)
		s.begin = w->slot;
	if (w->slot >= s.end)
		s.end = w->slot + 1;
	return is_sparse_better(s.n, s.end - s.begin) ? shape_by_walk(g, w) : s;
}

/* A dense group from a dense one: one stretch is copied, and the wish put into it. */
static void
fill_dense(const struct group *f, const struct group_wish *w, const struct shape *s, struct group *v)
{
	uint32_t end = (uint32_t)f->first + f->len, begin = s->begin > f->first ? s->begin : f->first;
	end = end < s->end ? end : s->end;
	if (begin < end)
		memcpy(v->vector + (begin - s->begin), f->vector + (begin - f->first),
		       (end - begin) * sizeof(uint32_t));
	if (w->slot - s->begin < v->len)
		v->vector[w->slot - s->begin] = w->entry;
}

/* Nobody sees the vector yet. */
static void
fill(const struct groups *g, const struct group_wish *w, const struct shape *s, struct group *v)
{
	uint16_t *slots = (uint16_t *)(void *)(v->vector + v->len);
	struct walk x = walk_begin(g, w);
	memset(v->vector, 0, v->len * sizeof(uint32_t));
	if (x.v && !s->sparse && !is_sparse(x.v)) {
		fill_dense(x.v, w, s, v);
		return;
	}
	for (uint32_t slot, entry, i = 0; walk_next(&x, &slot, &entry); i++) {
		v->vector[s->sparse ? i : slot - s->begin] = entry;
		if (s->sparse)
			slots[i] = (uint16_t)slot;
	}
}

/* Slots of a new vector: rounded up to a whole unit of the slab, and by chance up to a fourth more. These are
 * places for the next peers; and because of the chance not all groups outgrow their vectors during the same
 * peer's table, when twice the memory would be needed for a while, and the old half be of use to nobody
 * afterwards. */
static uint32_t
dense_len(uint32_t range, uint32_t hash)
{
	uint32_t units = (range + 3) / 4;
	return 4 * (units + (hash >> 16) % (units / 4 + 1));
}

uint32_t
group_make(struct groups *g, const struct group_wish *w)
{
	struct shape s = shape_of(g, w);
	uint32_t len = s.sparse ? s.n : dense_len(s.end - s.begin, w->hash);
	if (len > UINT16_MAX)
		len = UINT16_MAX;
	uint32_t id = slab_alloc(&g->slab, vector_bytes(s.sparse, len));
	if (!id)
		return 0;
	struct group *v = group_at(g, id);
	*v = (struct group){.first = s.sparse ? GROUP_SPARSE : (uint16_t)s.begin,
			    .len = (uint16_t)len,
			    .hash = w->hash,
			    .family = w->family};
	fill(g, w, &s, v);
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

/* Readers see the old entry or the new one; all prefixes of the group change with one store. */
bool
group_change(struct groups *g, const struct group_wish *w)
{
	const struct group *v = group_at(g, w->from);
	uint32_t i = position(v, w->slot);
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
	change(g, id, position(v, slot), 0, w.hash, aside);
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
	const struct group *v = group_at(g, id);
	slab_retire(&g->slab, id, vector_bytes(is_sparse(v), v->len));
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
	    .from = id, .slot = slot_at(v, 0), .entry = v->vector[0], .hash = v->hash, .family = v->family};
	if (group_wish_empty(g, &w))
		return 0;
	uint32_t found = group_find(g, &w);
	if (!found)
		change(g, id, 0, v->vector[0], v->hash, false);
	return found ? found : id;
}
