/* The index of the aggregate cache, and absorbing records into it.
 *
 * The index is a directory of segments (extendible hashing). A segment is a small open-addressing table of
 * 64 groups, a group one cache line: ten tags (one byte of the hash each, 0 meaning empty), ten bytes of what
 * a split must know, ten references (entry position in units of 8 bytes, 32 bits). The upper bits of the hash
 * choose the segment through the directory, middle bits the group, the low byte is the tag. A segment splits
 * in two alone when a new entry finds its group and the three behind it full, at a load of some 85 %, and the
 * directory, four bytes a segment, doubles when it must. So
 *
 *  - the longest stall is the split of one segment, some 550 entries dealt out, at any size of the table
 *    (fixed shards that double alone were the first design: at 10 M entries a shard of 256 took milliseconds,
 *    and many shards made small tables large);
 *  - an entry that stands in its own group knows seven more bits of its hash, which tell its half when a
 *    segment of depth 7 to 13 splits (a table of 70 thousand to 8 million entries): a split then walks 4 KiB
 *    and looks at no entry. Hashing every entry again was a fifth of the time of a growing table;
 *  - a miss costs one cache line, a hit that and the entry. (All tags of a segment together, then all its
 *    references: one line more for every hit, and one for a count of entries used, which needed room.)
 *  - nothing is ever deleted but everything at once, so a group with an empty place ends a search.
 *
 * Records are absorbed in batches of three passes: hash and prefetch the group; find the first candidate and
 * prefetch it; compare and add. Cache misses of a batch overlap. A candidate found in the second pass stays
 * where it is whatever the batch inserts meanwhile, for entries do not move; so the third pass searches
 * again only when the candidate was a wrong one or there was none. The passes are instantiated for the usual
 * key sizes, which turns hash and compare into straight code.
 *
 * The hash is seeded anew for each cache: whoever chooses addresses and ports cannot choose collisions. */
#include "collector/flow/cache.h"

#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector/base/clock.h"
#include "collector/base/region.h"
#include "collector/flow/tags.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

#define BATCH	      32
#define RECORDS_AHEAD 1024 /* bytes; 512 is as good, 2048 worse */
#define AHEAD	      16   /* entries that are fetched before they are hashed */
#define GROUPS	      64   /* of a segment */
#define PLACES	      10   /* of a group */
#define PLACES_MASK   ((1u << PLACES) - 1)
#define SEGMENT_MAX   (GROUPS * PLACES)
#define REACH	      4	   /* groups, its own the first, an entry may stand in before the segment splits */
#define SIDE_AWAY     0x80 /* the entry is not in the group its hash asks for */
#define SIDE_LAST     14 /* the depth that the lowest bit of a side tells the half for; the highest is 6 less */
#define DEPTH_MAX     28
#define UNIT	      8 /* bytes an entry reference counts in */
#define ARENA_MAX     ((size_t)UNIT << 32)
#define INDEX_MAX     ((size_t)16 << 30)

/* Exactly a cache line. Tags are compared sixteen at once, and what is not a tag is masked out. */
struct group {
	uint8_t tag[PLACES];
	uint8_t side[PLACES]; /* seven bits of the hash, and SIDE_AWAY */
	uint32_t depth; /* of the segment, kept in its first group: upper bits its entries have in common */
	uint32_t ref[PLACES];
};

/* 4,096 bytes. */
struct segment {
	_Alignas(64) struct group group[GROUPS];
};

/* arena_used and segments only grow until cache_clear. usable bytes of the regions are what counts against
 * max_bytes, not those in use. */
struct cache {
	const struct layout *layout;
	struct region arena;
	struct region index;
	size_t arena_used; /* bytes */
	uint32_t *directory;
	uint32_t segments;
	unsigned depth; /* the directory has 1 << depth places */
	uint64_t seed;
	uint8_t secret[XXH3_SECRET_DEFAULT_SIZE]; /* made from the seed, for keys over 240 bytes */
	uint64_t generation;
	uint64_t entries;
	size_t max_bytes;
	bool sums; /* all counters are sums */
	uint64_t overflow[LAYOUT_COUNTERS_MAX];
	uint64_t overflow_records;
	const uint8_t *(*absorb)(struct cache *c, const uint8_t *records, uint32_t n, uint32_t *lost);
};

/* --- keys and counters --- */

/* key_size is a constant in the instances for fixed sizes, and 0 for keys that bring their length. */
ALWAYS_INLINE size_t
key_bytes(const uint8_t *key, size_t key_size)
{
	uint16_t n;
	if (key_size)
		return key_size;
	memcpy(&n, key, sizeof(n));
	return n;
}

/* The secret serves keys over 240 bytes, the seed shorter ones; both are this cache's own. */
ALWAYS_INLINE uint64_t
key_hash(const struct cache *c, const uint8_t *key, size_t key_size)
{
	return XXH3_64bits_withSecretandSeed(key, key_bytes(key, key_size), c->secret, sizeof(c->secret),
					     c->seed);
}

/* Words without a branch between them: most comparisons are of equal keys, so stopping early would not pay. A
 * variable key is compared by length first, since memcmp might else read past the end of the arena. */
ALWAYS_INLINE bool
key_equal(const uint8_t *a, const uint8_t *b, size_t key_size)
{
	uint64_t x, y, differ = 0;
	if (key_size == 0) {
		size_t n = key_bytes(a, 0);
		return n == key_bytes(b, 0) && memcmp(a, b, n) == 0;
	}
	if (key_size > 64)
		return memcmp(a, b, key_size) == 0;
	for (size_t i = 0; i < key_size; i += 8) {
		memcpy(&x, a + i, sizeof(x));
		memcpy(&y, b + i, sizeof(y));
		differ |= x ^ y;
	}
	return differ == 0;
}

/* Zero stands for "not there" in minima: a flow without a time must not make the earliest time 1970. */
static uint64_t
merge_value(enum merge_rule rule, uint64_t a, uint64_t b)
{
	switch (rule) {
	case MERGE_SUM:
		return a + b;
	case MERGE_OR:
		return a | b;
	case MERGE_MIN:
		return a == 0 || (b != 0 && b < a) ? b : a;
	case MERGE_MAX:
		return b > a ? b : a;
	case MERGE_NONE:
		break;
	}
	return a;
}

/* memcpy, since a counter behind a key in a message or a file may stand anywhere; it compiles to plain
 * loads. */
void
layout_merge(const struct layout *l, uint8_t *dst, const uint8_t *src)
{
	uint64_t a, b;
	for (unsigned i = 0; i < l->counters; i++) {
		memcpy(&a, dst + i * sizeof(a), sizeof(a));
		memcpy(&b, src + i * sizeof(b), sizeof(b));
		a = merge_value(l->counter[i].merge, a, b);
		memcpy(dst + i * sizeof(a), &a, sizeof(a));
	}
}

/* The usual case, all sums, is a loop of additions that the compiler unrolls; everything else takes the table
 * of rules. */
ALWAYS_INLINE void
merge(const struct cache *c, uint8_t *dst, const uint8_t *src)
{
	uint64_t a, b;
	if (!c->sums) {
		layout_merge(c->layout, dst, src);
		return;
	}
	for (unsigned i = 0; i < c->layout->counters; i++) {
		memcpy(&a, dst + i * sizeof(a), sizeof(a));
		memcpy(&b, src + i * sizeof(b), sizeof(b));
		a += b;
		memcpy(dst + i * sizeof(a), &a, sizeof(a));
	}
}

/* --- the index --- */

/* Segments stand in a region of their own and keep their numbers, which the directory holds. */
ALWAYS_INLINE struct segment *
segment_at(const struct cache *c, uint32_t id)
{
	return (struct segment *)(void *)c->index.base + id;
}

/* Where the hash stands in a directory of 1 << depth places. */
ALWAYS_INLINE size_t
directory_place(uint64_t hash, unsigned depth)
{
	return (size_t)(hash >> 1 >> (63 - depth));
}

ALWAYS_INLINE struct segment *
segment_of(const struct cache *c, uint64_t hash)
{
	return segment_at(c, c->directory[directory_place(hash, c->depth)]);
}

/* Bits 8 to 13: the tag has taken 0 to 7, and the directory counts from the top. */
ALWAYS_INLINE unsigned
group_of(uint64_t hash)
{
	return (unsigned)(hash >> 8) % GROUPS;
}

/* Which places of a group have the tag; 0 asks for the empty ones. The tags stand first in a group, and what
 * follows them is there to be read. */
ALWAYS_INLINE uint32_t
group_match(const struct group *g, uint8_t tag)
{
	return tags_match((const uint8_t *)g, tag) & PLACES_MASK;
}

/* Zero means an empty place, so a hash that would give it gets 1. */
ALWAYS_INLINE uint8_t
tag_of(uint64_t hash)
{
	return (uint8_t)hash + ((uint8_t)hash == 0);
}

/* The bits that tell which half an entry goes to when a segment of depth 7 to 13 splits. They are the same
 * whatever the depth is, so they are never renewed. */
ALWAYS_INLINE uint8_t
side_of(uint64_t hash)
{
	return hash >> (64 - SIDE_LAST) & 0x7f;
}

ALWAYS_INLINE uint8_t *
entry_at(const struct cache *c, uint32_t ref)
{
	return c->arena.base + (size_t)ref * UNIT;
}

/* A group with an empty place ends the search: an entry would have been put there. */
ALWAYS_INLINE uint8_t *
search(const struct cache *c, const uint8_t *key, uint64_t hash, size_t key_size)
{
	const struct segment *s = segment_of(c, hash);
	unsigned first = group_of(hash);
	for (unsigned i = 0; i < GROUPS; i++) {
		const struct group *g = &s->group[(first + i) % GROUPS];
		for (uint32_t m = group_match(g, tag_of(hash)); m; m &= m - 1) {
			uint8_t *e = entry_at(c, g->ref[__builtin_ctz(m)]);
			if (key_equal(key, e, key_size))
				return e;
		}
		if (group_match(g, 0))
			break;
	}
	return NULL;
}

/* Puts a reference into the first of reach groups, from the one the hash asks for, that has room; false when
 * none has. An entry away from its own group is marked: it may come nearer when the segment splits. */
static bool
segment_put(struct segment *s, uint64_t hash, uint32_t ref, unsigned reach)
{
	unsigned first = group_of(hash);
	for (unsigned i = 0; i < reach; i++) {
		struct group *g = &s->group[(first + i) % GROUPS];
		uint32_t empty = group_match(g, 0);
		if (empty) {
			unsigned place = (unsigned)__builtin_ctz(empty);
			g->tag[place] = tag_of(hash);
			g->ref[place] = ref;
			g->side[place] = side_of(hash) | (i ? SIDE_AWAY : 0);
			return true;
		}
	}
	return false;
}

/* Memory is counted when it is taken from the system, not when it is written to: the bound is what the
 * operator sees in top(1), at the latest when the table is full. */
static bool
bound_allows(const struct cache *c, size_t more)
{
	return c->max_bytes == 0 || cache_bytes(c) + more <= c->max_bytes;
}

/* Makes need bytes of r usable, within the bound. */
static bool
grow_region(struct cache *c, struct region *r, size_t need)
{
	size_t step = region_step(r, need);
	if (step == 0)
		return true;
	if (!bound_allows(c, step)) /* the rest of the bound, when that is enough */
		step = (need - r->usable + REGION_PAGE - 1) / REGION_PAGE * REGION_PAGE;
	return bound_allows(c, step) && region_grow(r, step);
}

/* One more segment at the end of the index; its number is segments - 1 afterwards. */
static bool
add_segment(struct cache *c, unsigned depth)
{
	if (!grow_region(c, &c->index, ((size_t)c->segments + 1) * sizeof(struct segment)))
		return false;
	struct segment *s = segment_at(c, c->segments++);
	*s = (struct segment){.group[0].depth = depth};
	return true;
}

/* False when the directory is out of proportion: then many hashes have equal upper bits. */
static bool
double_directory(struct cache *c)
{
	size_t n = (size_t)1 << c->depth;
	if (c->depth >= DEPTH_MAX || n > 64 + 16 * (size_t)c->segments ||
	    !bound_allows(c, n * sizeof(*c->directory)))
		return false;
	uint32_t *d = malloc(2 * n * sizeof(*d));
	if (!d)
		return false;
	for (size_t i = 0; i < n; i++)
		d[2 * i] = d[2 * i + 1] = c->directory[i];
	free(c->directory);
	c->directory = d;
	c->depth++;
	return true;
}

/* Splits one group between two of the same number, the upper empty. An entry in its own group stays in it.
 * References whose half the group cannot tell are taken out to ref; returns where the next would go. */
static uint32_t *
split_group(struct group *lower, struct group *upper, unsigned depth, uint32_t *ref)
{
	const struct group was = *lower;
	struct group *half[2] = {lower, upper};
	unsigned used[2] = {0, 0};
	bool told = depth <= SIDE_LAST && depth + 6 >= SIDE_LAST;
	memset(lower->tag, 0, sizeof(lower->tag));
	for (unsigned i = 0; i < PLACES && was.tag[i]; i++) {
		if (!told || was.side[i] & SIDE_AWAY) {
			*ref++ = was.ref[i];
			continue;
		}
		unsigned to = was.side[i] >> (SIDE_LAST - depth) & 1, place = used[to]++;
		half[to]->tag[place] = was.tag[i];
		half[to]->side[place] = was.side[i];
		half[to]->ref[place] = was.ref[i];
	}
	return ref;
}

/* Puts n references where their entries' hashes want them. */
static void
put_hashed(const struct cache *c, struct segment *half[2], unsigned depth, const uint32_t *ref, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			__builtin_prefetch(entry_at(c, ref[i + AHEAD]));
		uint64_t h = key_hash(c, entry_at(c, ref[i]), c->layout->key_size);
		segment_put(half[directory_place(h, depth) & 1], h, ref[i], GROUPS);
	}
}

/* Splits the segment that the hash belongs to. */
static bool
split(struct cache *c, uint64_t hash)
{
	uint32_t ref[SEGMENT_MAX], id = c->directory[directory_place(hash, c->depth)];
	unsigned depth = segment_at(c, id)->group[0].depth + 1;
	if ((depth > c->depth && !double_directory(c)) || !add_segment(c, depth))
		return false;
	struct segment *half[2] = {segment_at(c, id), segment_at(c, c->segments - 1)};
	half[0]->group[0].depth = depth;
	/* of the places that named the segment, the upper half names the new one */
	size_t share = (size_t)1 << (c->depth - depth);
	size_t first = (directory_place(hash, depth) | 1) * share;
	for (size_t i = 0; i < share; i++)
		c->directory[first + i] = c->segments - 1;

	uint32_t *end = ref;
	for (unsigned i = 0; i < GROUPS; i++)
		end = split_group(&half[0]->group[i], &half[1]->group[i], depth, end);
	put_hashed(c, half, depth, ref, (size_t)(end - ref));
	return true;
}

/* Names an entry in the index. A segment that cannot be split is filled to its last place. A loop: after one
 * split all entries may still be in the half where this one belongs. Ends because the directory's depth is
 * bounded. */
static bool
add_reference(struct cache *c, uint64_t hash, uint32_t ref)
{
	while (!segment_put(segment_of(c, hash), hash, ref, REACH)) {
		if (!split(c, hash))
			return segment_put(segment_of(c, hash), hash, ref, GROUPS);
	}
	return true;
}

/* Appends a record whose key is not there yet. */
static __attribute__((noinline)) bool
insert(struct cache *c, const uint8_t *record, uint64_t hash)
{
	size_t n = layout_record_size(c->layout, record);
	if (c->arena_used + n > ARENA_MAX || !grow_region(c, &c->arena, c->arena_used + n) ||
	    !add_reference(c, hash, (uint32_t)(c->arena_used / UNIT)))
		return false;
	memcpy(c->arena.base + c->arena_used, record, n);
	c->arena_used += n;
	c->entries++;
	return true;
}

/* --- absorbing --- */

/* Not an error of anybody: the bound is reached. The sums tell how much traffic the table does not show. */
static void
overflow(struct cache *c, const uint8_t *counters)
{
	layout_merge(c->layout, (uint8_t *)c->overflow, counters);
	c->overflow_records++;
}

/* One record between the passes of a batch: 24 bytes, 32 of them stay in the first-level cache. */
struct probe {
	const uint8_t *record;
	uint64_t hash;
	uint8_t *candidate;
};

/* First pass. Records were just written by another processor, and asking for them early is worth a tenth of
 * all; beyond the message's end it does no harm. The last record of the batch may end the message, so the
 * length of the next is not looked at. */
ALWAYS_INLINE const uint8_t *
hash_records(const struct cache *c, struct probe *probe, unsigned n, const uint8_t *records, size_t key_size)
{
	size_t counters = c->layout->counters * sizeof(uint64_t);
	for (unsigned i = 0; i < n; i++) {
		__builtin_prefetch(records + RECORDS_AHEAD);
		uint64_t h = key_hash(c, records, key_size);
		__builtin_prefetch(&segment_of(c, h)->group[group_of(h)]);
		probe[i].record = records;
		probe[i].hash = h;
		records += key_bytes(records, key_size) + counters;
	}
	return records;
}

/* An entry may reach over the end of a cache line: both ends are fetched. */
ALWAYS_INLINE void
find_candidates(const struct cache *c, struct probe *probe, unsigned n, size_t key_size)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t h = probe[i].hash;
		const struct group *g = &segment_of(c, h)->group[group_of(h)];
		uint32_t m = group_match(g, tag_of(h));
		probe[i].candidate = m ? entry_at(c, g->ref[__builtin_ctz(m)]) : NULL;
		if (m) {
			__builtin_prefetch(probe[i].candidate, 1);
			__builtin_prefetch(probe[i].candidate + (key_size ? key_size : 56), 1);
		}
	}
}

/* Third pass. A record that an earlier one of the same batch has just inserted is found by search, so order
 * within a batch does not matter. */
ALWAYS_INLINE uint32_t
add_records(struct cache *c, const struct probe *probe, unsigned n, size_t key_size)
{
	uint32_t lost = 0;
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *r = probe[i].record;
		uint8_t *e = probe[i].candidate;
		size_t size = key_bytes(r, key_size);
		if (!e || !key_equal(r, e, key_size))
			e = search(c, r, probe[i].hash, key_size);
		if (likely(e != NULL)) {
			merge(c, e + size, r + size);
		} else if (!insert(c, r, probe[i].hash)) {
			overflow(c, r + size);
			lost++;
		}
	}
	return lost;
}

/* One batch of up to BATCH records; returns where the next record begins. */
ALWAYS_INLINE const uint8_t *
absorb(struct cache *c, const uint8_t *records, uint32_t n, uint32_t *lost, size_t key_size)
{
	struct probe probe[BATCH];
	records = hash_records(c, probe, n, records, key_size);
	find_candidates(c, probe, n, key_size);
	*lost += add_records(c, probe, n, key_size);
	return records;
}

/* The instances: absorb_8 to absorb_64, absorb_any for long keys of fixed size, absorb_var. */
#define INSTANCE(name, key_size)                                                                             \
	static const uint8_t *absorb_##name(struct cache *c, const uint8_t *records, uint32_t n,             \
					    uint32_t *lost)                                                  \
	{                                                                                                    \
		return absorb(c, records, n, lost, key_size);                                                \
	}
INSTANCE(8, 8)
INSTANCE(16, 16)
INSTANCE(24, 24)
INSTANCE(32, 32)
INSTANCE(40, 40)
INSTANCE(48, 48)
INSTANCE(56, 56)
INSTANCE(64, 64)
INSTANCE(any, c->layout->key_size)
INSTANCE(var, 0)

static const uint8_t *(*const instance[])(struct cache *c, const uint8_t *records, uint32_t n,
					  uint32_t *lost) = {
    absorb_var, absorb_8, absorb_16, absorb_24, absorb_32, absorb_40, absorb_48, absorb_56, absorb_64,
};

/* Batches are cut here and not by the queue, whose messages are larger: 32 probes fit into the first-level
 * cache together with the lines they fetch, and are enough misses to overlap (16 was slower, 64 no faster).
 */
uint32_t
cache_absorb(struct cache *c, const uint8_t *records, uint32_t n)
{
	uint32_t lost = 0;
	while (n) {
		uint32_t some = n < BATCH ? n : BATCH;
		records = c->absorb(c, records, some, &lost);
		n -= some;
	}
	return lost;
}

/* --- the rest --- */

/* At boot there may be no randomness yet; the clock then is better than waiting. */
static uint64_t
random_seed(void)
{
	uint64_t seed;
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = clock_now_us() * 0x9e3779b97f4a7c15ULL;
	return seed;
}

/* The empty index: one segment. */
static bool
index_begin(struct cache *c)
{
	c->directory = calloc(1, sizeof(*c->directory));
	return c->directory && add_segment(c, 0);
}

/* The regions reserve address space only. One segment is taken at once, so a bound below it (some 64 KiB)
 * fails here. */
struct cache *
cache_new(const struct layout *l, size_t max_bytes)
{
	struct cache *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->layout = l;
	c->max_bytes = max_bytes;
	c->seed = random_seed();
	XXH3_generateSecret_fromSeed(c->secret, c->seed);
	c->generation = 1;
	c->sums = true;
	for (unsigned i = 0; i < l->counters; i++)
		c->sums &= l->counter[i].merge == MERGE_SUM;
	c->absorb = l->key_size / 8 < ARRAY_SIZE(instance) ? instance[l->key_size / 8] : absorb_any;
	if (!region_init(&c->arena, ARENA_MAX) || !region_init(&c->index, INDEX_MAX) || !index_begin(c)) {
		cache_free(c);
		return NULL;
	}
	return c;
}

/* Takes a half-made cache too. */
void
cache_free(struct cache *c)
{
	if (!c)
		return;
	region_free(&c->arena);
	region_free(&c->index);
	free(c->directory);
	free(c);
}

/* One by one, without prefetch: for queries, not for records. */
uint8_t *
cache_find(struct cache *c, const uint8_t *key)
{
	size_t size = c->layout->key_size;
	return search(c, key, key_hash(c, key, size), size);
}

uint64_t
cache_entries(const struct cache *c)
{
	return c->entries;
}

uint64_t
cache_generation(const struct cache *c)
{
	return c->generation;
}

/* Usable bytes, touched or not; the directory is counted although it comes from malloc. */
size_t
cache_bytes(const struct cache *c)
{
	return sizeof(*c) + c->arena.usable + c->index.usable +
	       ((size_t)1 << c->depth) * sizeof(*c->directory);
}

/* The seed stays, since entries already sent to others are not looked up by it; the generation tells
 * cursors and cached pointers that their entries are gone. */
void
cache_clear(struct cache *c)
{
	/* the first segment's memory stays, so that this cannot fail */
	region_trim(&c->arena, 0);
	region_trim(&c->index, sizeof(struct segment));
	*segment_at(c, 0) = (struct segment){0};
	uint32_t *d = realloc(c->directory, sizeof(*d));
	c->directory = d ? d : c->directory;
	c->directory[0] = 0;
	c->depth = 0;
	c->segments = 1;
	c->arena_used = 0;
	c->entries = 0;
	c->overflow_records = 0;
	memset(c->overflow, 0, sizeof(c->overflow));
	c->generation++;
}

/* The arena is walked from its start; nothing is deleted singly, so there are no holes. */
uint8_t *
cache_next(struct cache *c, struct cache_cursor *cursor)
{
	if (cursor->generation == 0)
		*cursor = (struct cache_cursor){.generation = c->generation};
	if (cursor->generation != c->generation || cursor->offset >= c->arena_used)
		return NULL;
	uint8_t *e = c->arena.base + cursor->offset;
	cursor->offset += layout_record_size(c->layout, e);
	return e;
}

/* Valid until the next cache_absorb; all zero after cache_clear. */
const uint64_t *
cache_overflow(const struct cache *c, uint64_t *records)
{
	*records = c->overflow_records;
	return c->overflow;
}
