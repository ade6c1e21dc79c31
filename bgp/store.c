/* See store.h.
 *
 * Two slabs, sets and parts, and two indexes that find an equal one by its hash. An index is an array of
 * (hash, id), ordered by hash: the place of a hash is its share of the array's length, so growing the array
 * by half is one sequential copy, it may be three quarters full, and no object is touched for it. At ten
 * million sets that is 11 to 16 bytes a set; an array of powers of two would be 11 to 21.
 *
 * A set counts the routes that have it, a part counts the sets. Neither is ever changed: another attribute
 * makes another set. Hashes are seeded at random, so that nobody outside can choose what collides.
 *
 * The rarer attributes of a set are one part, a list of (type, 24-bit length, value): most routes have none,
 * and those that have, mostly have one or two. Extended and large communities stand first in it, where a
 * reader that wants them for a flow finds them at once. */
#include "bgp/store.h"

#include <stdlib.h>
#include <sys/random.h>

#include <xxhash.h>

#include "bgp/nlri.h"

#define SETS_RESERVE  ((size_t)64 << 30)
#define PARTS_RESERVE ((size_t)32 << 30)
#define PART_UNIT     8
#define INDEX_MIN     1024

enum part_kind { PART_PATH, PART_LIST, PART_NEXT_HOP, PART_MORE, PART_KINDS };

struct part {
	uint32_t refs;
	uint32_t len : 28;
	uint32_t kind : 4;
	uint8_t bytes[];
};

struct index_slot {
	uint32_t hash;
	uint32_t id; /* 0: free */
};

struct index {
	struct index_slot *slot;
	uint32_t size, used;
};

struct bgp_store {
	struct slab sets, parts;
	struct index set_index, part_index;
	uint64_t seed;
	size_t count[PART_KINDS];
	uint64_t refs;
	uint8_t *more; /* where the rarer attributes of a set are put together */
	size_t more_cap;
};

/* --- index --- */

static inline uint32_t
index_home(const struct index *x, uint32_t hash)
{
	return (uint32_t)((uint64_t)hash * x->size >> 32);
}

static inline uint32_t
index_next(const struct index *x, uint32_t i)
{
	return i + 1 < x->size ? i + 1 : 0;
}

static void
index_put(struct index *x, struct index_slot s)
{
	uint32_t i = index_home(x, s.hash);
	while (x->slot[i].id)
		i = index_next(x, i);
	x->slot[i] = s;
}

/* Room for one more. */
static bool
index_room(struct index *x)
{
	if (x->slot && x->used < x->size - x->size / 4)
		return true;
	struct index bigger = {.size = x->size ? x->size + x->size / 2 : INDEX_MIN, .used = x->used};
	bigger.slot = calloc(bigger.size, sizeof(*bigger.slot));
	if (!bigger.slot)
		return false;
	for (uint32_t i = 0; i < x->size; i++)
		if (x->slot[i].id)
			index_put(&bigger, x->slot[i]);
	free(x->slot);
	*x = bigger;
	return true;
}

static void
index_add(struct index *x, uint32_t hash, uint32_t id)
{
	index_put(x, (struct index_slot){hash, id});
	x->used++;
}

/* Closes the gap by moving back what had to go past it, so that no marks of deleted entries pile up. */
static void
index_remove(struct index *x, uint32_t hash, uint32_t id)
{
	uint32_t gap = index_home(x, hash);
	while (x->slot[gap].id != id)
		gap = index_next(x, gap);
	for (uint32_t i = index_next(x, gap); x->slot[i].id; i = index_next(x, i)) {
		uint32_t home = index_home(x, x->slot[i].hash);
		bool stays = gap <= i ? gap < home && home <= i : gap < home || home <= i;
		if (stays)
			continue;
		x->slot[gap] = x->slot[i];
		gap = i;
	}
	x->slot[gap].id = 0;
	x->used--;
}

/* --- parts --- */

static inline struct part *
part_at(const struct bgp_store *s, uint32_t id)
{
	return slab_at(&s->parts, id);
}

static inline uint32_t
part_hash(const struct bgp_store *s, enum part_kind kind, const void *bytes, size_t len)
{
	return (uint32_t)(XXH3_64bits_withSeed(bytes, len, s->seed + kind) >> 32);
}

static uint32_t
part_find(const struct bgp_store *s, enum part_kind kind, const void *bytes, uint32_t len, uint32_t hash)
{
	const struct index *x = &s->part_index;
	if (!x->slot)
		return 0;
	for (uint32_t i = index_home(x, hash); x->slot[i].id; i = index_next(x, i)) {
		if (x->slot[i].hash != hash)
			continue;
		const struct part *p = part_at(s, x->slot[i].id);
		if (p->len == len && p->kind == kind && memcmp(p->bytes, bytes, len) == 0)
			return x->slot[i].id;
	}
	return 0;
}

/* *id becomes 0 for no bytes. A fresh part has no refs yet. False when memory is short. */
static bool
part_intern(struct bgp_store *s, enum part_kind kind, const void *bytes, uint32_t len, uint32_t *id)
{
	*id = 0;
	if (len == 0)
		return true;
	uint32_t hash = part_hash(s, kind, bytes, len);
	*id = part_find(s, kind, bytes, len, hash);
	if (*id)
		return true;
	if (!index_room(&s->part_index) || !(*id = slab_alloc(&s->parts, sizeof(struct part) + len)))
		return false;
	struct part *p = part_at(s, *id);
	p->refs = 0;
	p->len = len & 0xfffffff;
	p->kind = kind & 0xf;
	memcpy(p->bytes, bytes, len);
	index_add(&s->part_index, hash, *id);
	s->count[kind]++;
	return true;
}

/* Frees a part that no set has. */
static void
part_settle(struct bgp_store *s, uint32_t id)
{
	struct part *p = id ? part_at(s, id) : NULL;
	if (!p || p->refs)
		return;
	index_remove(&s->part_index, part_hash(s, p->kind, p->bytes, p->len), id);
	s->count[p->kind]--;
	slab_retire(&s->parts, id, sizeof(*p) + p->len);
}

static void
part_ref(struct bgp_store *s, uint32_t id)
{
	if (id)
		part_at(s, id)->refs++;
}

static void
part_unref(struct bgp_store *s, uint32_t id)
{
	if (!id)
		return;
	part_at(s, id)->refs--;
	part_settle(s, id);
}

/* --- the rarer attributes --- */

/* In the order in which they stand in the part. */
enum more_type {
	MORE_EXT,
	MORE_LRG,
	MORE_LABEL,
	MORE_LINK_LOCAL,
	MORE_ORIGINATOR,
	MORE_CLUSTER_LIST,
	MORE_AIGP,
	MORE_OTC,
	MORE_PREFIX_SID,
	MORE_AGGREGATOR,
	MORE_ATOMIC_AGGREGATE,
	MORE_OTHER,
};

static void
more_add(struct bgp_store *s, size_t *n, enum more_type type, const void *bytes, size_t len)
{
	uint8_t *p = s->more + *n;
	uint32_t head = (uint32_t)type | (uint32_t)len << 8;
	memcpy(p, &head, sizeof(head));
	if (len)
		memcpy(p + sizeof(head), bytes, len);
	*n += sizeof(head) + len;
}

static bool
more_room(struct bgp_store *s, const struct bgp_attrs *a)
{
	size_t need = (size_t)a->ext.len + a->lrg.len + a->cluster_list.len + a->other.len + 256;
	if (need <= s->more_cap)
		return true;
	uint8_t *more = realloc(s->more, 2 * need);
	if (!more)
		return false;
	s->more = more;
	s->more_cap = 2 * need;
	return true;
}

/* True when a has one of them; the way of most routes is to have none. */
static bool
more_wanted(const struct bgp_attrs *a)
{
	const uint32_t rare = BGP_HAS_LABEL | BGP_HAS_ORIGINATOR | BGP_HAS_AIGP | BGP_HAS_OTC |
			      BGP_HAS_PREFIX_SID | BGP_HAS_AGGREGATOR | BGP_HAS_ATOMIC_AGGREGATE;
	return a->present & rare || a->ext.len || a->lrg.len || a->cluster_list.len || a->other.len ||
	       !addr_is_none(&a->next_hop_link_local);
}

/* Puts them together in s->more; returns their length. */
static size_t
more_collect(struct bgp_store *s, const struct bgp_attrs *a)
{
	size_t n = 0;
	if (a->ext.len)
		more_add(s, &n, MORE_EXT, a->ext.p, a->ext.len);
	if (a->lrg.len)
		more_add(s, &n, MORE_LRG, a->lrg.p, a->lrg.len);
	if (a->present & BGP_HAS_LABEL)
		more_add(s, &n, MORE_LABEL, &a->label, sizeof(a->label));
	if (!addr_is_none(&a->next_hop_link_local))
		more_add(s, &n, MORE_LINK_LOCAL, &a->next_hop_link_local, sizeof(struct addr));
	if (a->present & BGP_HAS_ORIGINATOR)
		more_add(s, &n, MORE_ORIGINATOR, &a->originator, sizeof(struct addr));
	if (a->cluster_list.len)
		more_add(s, &n, MORE_CLUSTER_LIST, a->cluster_list.p, a->cluster_list.len);
	if (a->present & BGP_HAS_AIGP)
		more_add(s, &n, MORE_AIGP, &a->aigp, sizeof(a->aigp));
	if (a->present & BGP_HAS_OTC)
		more_add(s, &n, MORE_OTC, &a->otc, sizeof(a->otc));
	if (a->present & BGP_HAS_PREFIX_SID)
		more_add(s, &n, MORE_PREFIX_SID, &a->psid_label_index, sizeof(a->psid_label_index));
	if (a->present & BGP_HAS_AGGREGATOR) {
		uint8_t both[sizeof(uint32_t) + sizeof(struct addr)];
		memcpy(both, &a->aggregator_as, sizeof(uint32_t));
		memcpy(both + sizeof(uint32_t), &a->aggregator, sizeof(struct addr));
		more_add(s, &n, MORE_AGGREGATOR, both, sizeof(both));
	}
	if (a->present & BGP_HAS_ATOMIC_AGGREGATE)
		more_add(s, &n, MORE_ATOMIC_AGGREGATE, NULL, 0);
	if (a->other.len)
		more_add(s, &n, MORE_OTHER, a->other.p, a->other.len);
	return n;
}

/* One after the other; *p moves on. False at the end. */
static bool
more_next(struct bgp_bytes *rest, enum more_type *type, struct bgp_bytes *value)
{
	uint32_t head;
	if (rest->len < sizeof(head))
		return false;
	memcpy(&head, rest->p, sizeof(head));
	*type = (enum more_type)(head & 0xff);
	*value = (struct bgp_bytes){rest->p + sizeof(head), head >> 8};
	rest->p += sizeof(head) + value->len;
	rest->len -= (uint32_t)sizeof(head) + value->len;
	return true;
}

/* The value of a type, empty when the set has none. */
static struct bgp_bytes
more_find(const struct bgp_store *s, const struct bgp_set *set, enum more_type wanted)
{
	struct bgp_bytes rest = bgp_store_part(s, set->more), value;
	enum more_type type;
	while (more_next(&rest, &type, &value))
		if (type == wanted)
			return value;
	return (struct bgp_bytes){NULL, 0};
}

/* --- sets --- */

static inline struct bgp_set *
set_at(const struct bgp_store *s, bgp_set_id id)
{
	return slab_at(&s->sets, id);
}

/* What makes a set that set: all but its count. */
#define SET_KEY	      offsetof(struct bgp_set, path)
#define SET_KEY_BYTES (sizeof(struct bgp_set) - SET_KEY)

static inline uint32_t
set_hash(const struct bgp_store *s, const struct bgp_set *set)
{
	return (uint32_t)(XXH3_64bits_withSeed((const uint8_t *)set + SET_KEY, SET_KEY_BYTES, s->seed) >> 32);
}

static bgp_set_id
set_find(const struct bgp_store *s, const struct bgp_set *wanted, uint32_t hash)
{
	const struct index *x = &s->set_index;
	if (!x->slot)
		return 0;
	for (uint32_t i = index_home(x, hash); x->slot[i].id; i = index_next(x, i))
		if (x->slot[i].hash == hash && memcmp((const uint8_t *)set_at(s, x->slot[i].id) + SET_KEY,
						      (const uint8_t *)wanted + SET_KEY, SET_KEY_BYTES) == 0)
			return x->slot[i].id;
	return 0;
}

static uint32_t
path_asn(const uint8_t *p)
{
	uint32_t asn;
	memcpy(&asn, p, sizeof(asn));
	return asn;
}

/* The ends of the path. A set of AS numbers at the end does not say which of them is the origin; one at the
 * beginning does not say who the neighbour is (RFC 4271, 9.2.2.2). */
static void
path_ends(struct bgp_bytes path, uint32_t *first, uint32_t *last)
{
	enum { SEQUENCE = 2, CONFED_SEQUENCE = 3 };
	bool begun = false;
	*first = *last = 0;
	for (size_t i = 0; i + 2 <= path.len; i += 2 + 4 * (size_t)path.p[i + 1]) {
		const uint8_t *p = path.p + i;
		unsigned n = p[1];
		bool sequence = (p[0] == SEQUENCE || p[0] == CONFED_SEQUENCE) && n;
		if (n && !begun) {
			*first = sequence ? path_asn(p + 2) : 0;
			begun = true;
		}
		if (n)
			*last = sequence ? path_asn(p + 2 + 4 * (n - 1)) : 0;
	}
}

static void
settle_parts(struct bgp_store *s, const struct bgp_set *set)
{
	part_settle(s, set->path);
	part_settle(s, set->std);
	part_settle(s, set->more);
	part_settle(s, set->next_hop);
}

/* Parts first, then the set of their ids. False when memory is short. */
static bool
intern_parts(struct bgp_store *s, const struct bgp_attrs *a, struct bgp_set *set)
{
	struct addr next_hop = a->present & BGP_HAS_NEXT_HOP ? a->next_hop : (struct addr){.q = {0, 0}};
	uint32_t next_hop_len = addr_is_none(&next_hop) ? 0 : sizeof(next_hop);
	if (!part_intern(s, PART_PATH, a->as_path.p, a->as_path.len, &set->path) ||
	    !part_intern(s, PART_LIST, a->std.p, a->std.len, &set->std) ||
	    !part_intern(s, PART_NEXT_HOP, &next_hop, next_hop_len, &set->next_hop))
		return false;
	if (!more_wanted(a))
		return true;
	if (!more_room(s, a))
		return false;
	uint32_t n = (uint32_t)more_collect(s, a);
	return part_intern(s, PART_MORE, s->more, n, &set->more);
}

static void
set_values(const struct bgp_attrs *a, struct bgp_set *set)
{
	path_ends(a->as_path, &set->peer_as, &set->origin_as);
	if (a->present & BGP_HAS_LOCAL_PREF) {
		set->local_pref = a->local_pref;
		set->flags |= BGP_SET_LOCAL_PREF;
	}
	if (a->present & BGP_HAS_MED) {
		set->med = a->med;
		set->flags |= BGP_SET_MED;
	}
	if (a->present & BGP_HAS_ORIGIN) {
		set->origin = a->origin;
		set->flags |= BGP_SET_ORIGIN;
	}
	if (a->present & BGP_HAS_AS_PATH)
		set->flags |= BGP_SET_AS_PATH;
	if (a->present & BGP_HAS_LABEL)
		set->flags |= BGP_SET_LABEL;
	if (a->ext.len)
		set->flags |= BGP_SET_EXT;
	if (a->lrg.len)
		set->flags |= BGP_SET_LRG;
}

bgp_set_id
bgp_store_intern(struct bgp_store *s, const struct bgp_attrs *a)
{
	struct bgp_set set = {0};
	bgp_set_id id = 0;
	bool parts = intern_parts(s, a, &set);
	set_values(a, &set);
	uint32_t hash = set_hash(s, &set);
	if (parts && (id = set_find(s, &set, hash)))
		return id;
	if (!parts || !index_room(&s->set_index) || !(id = slab_alloc(&s->sets, sizeof(set)))) {
		settle_parts(s, &set);
		return 0;
	}
	*set_at(s, id) = set;
	part_ref(s, set.path);
	part_ref(s, set.std);
	part_ref(s, set.more);
	part_ref(s, set.next_hop);
	index_add(&s->set_index, hash, id);
	return id;
}

/* Other routes may share its parts: each is freed with its last set. */
void
bgp_store_settle(struct bgp_store *s, bgp_set_id id)
{
	const struct bgp_set *set = id ? set_at(s, id) : NULL;
	if (!set || set->refs)
		return;
	index_remove(&s->set_index, set_hash(s, set), id);
	slab_retire(&s->sets, id, sizeof(*set));
	part_unref(s, set->path);
	part_unref(s, set->std);
	part_unref(s, set->more);
	part_unref(s, set->next_hop);
}

void
bgp_store_ref(struct bgp_store *s, bgp_set_id id, uint32_t n)
{
	set_at(s, id)->refs += n;
	s->refs += n;
}

void
bgp_store_unref(struct bgp_store *s, bgp_set_id id, uint32_t n)
{
	set_at(s, id)->refs -= n;
	s->refs -= n;
	bgp_store_settle(s, id);
}

/* --- readers --- */

const struct bgp_set *
bgp_store_set(const struct bgp_store *s, bgp_set_id id)
{
	return set_at(s, id);
}

struct bgp_bytes
bgp_store_part(const struct bgp_store *s, uint32_t id)
{
	if (!id)
		return (struct bgp_bytes){NULL, 0};
	const struct part *p = part_at(s, id);
	return (struct bgp_bytes){p->bytes, p->len};
}

const void *
bgp_store_part_at(const struct bgp_store *s, uint32_t id)
{
	return part_at(s, id);
}

struct addr
bgp_store_next_hop(const struct bgp_store *s, const struct bgp_set *set)
{
	struct addr a = {.q = {0, 0}};
	struct bgp_bytes b = bgp_store_part(s, set->next_hop);
	if (b.len == sizeof(a))
		memcpy(&a, b.p, sizeof(a));
	return a;
}

struct bgp_bytes
bgp_store_ext(const struct bgp_store *s, const struct bgp_set *set)
{
	return set->flags & BGP_SET_EXT ? more_find(s, set, MORE_EXT) : (struct bgp_bytes){NULL, 0};
}

struct bgp_bytes
bgp_store_lrg(const struct bgp_store *s, const struct bgp_set *set)
{
	return set->flags & BGP_SET_LRG ? more_find(s, set, MORE_LRG) : (struct bgp_bytes){NULL, 0};
}

static uint32_t
value_u32(struct bgp_bytes v)
{
	uint32_t n = 0;
	memcpy(&n, v.p, v.len < sizeof(n) ? v.len : sizeof(n));
	return n;
}

uint32_t
bgp_store_label(const struct bgp_store *s, const struct bgp_set *set)
{
	return set->flags & BGP_SET_LABEL ? value_u32(more_find(s, set, MORE_LABEL)) : BGP_NO_LABEL;
}

static void
more_restore(struct bgp_attrs *out, enum more_type type, struct bgp_bytes v)
{
	switch (type) {
	case MORE_EXT:
		out->ext = v;
		break;
	case MORE_LRG:
		out->lrg = v;
		break;
	case MORE_LABEL:
		out->label = value_u32(v);
		out->present |= BGP_HAS_LABEL;
		break;
	case MORE_LINK_LOCAL:
		memcpy(&out->next_hop_link_local, v.p, sizeof(struct addr));
		break;
	case MORE_ORIGINATOR:
		memcpy(&out->originator, v.p, sizeof(struct addr));
		out->present |= BGP_HAS_ORIGINATOR;
		break;
	case MORE_CLUSTER_LIST:
		out->cluster_list = v;
		break;
	case MORE_AIGP:
		memcpy(&out->aigp, v.p, sizeof(out->aigp));
		out->present |= BGP_HAS_AIGP;
		break;
	case MORE_OTC:
		out->otc = value_u32(v);
		out->present |= BGP_HAS_OTC;
		break;
	case MORE_PREFIX_SID:
		out->psid_label_index = value_u32(v);
		out->present |= BGP_HAS_PREFIX_SID;
		break;
	case MORE_AGGREGATOR:
		out->aggregator_as = value_u32(v);
		memcpy(&out->aggregator, v.p + sizeof(uint32_t), sizeof(struct addr));
		out->present |= BGP_HAS_AGGREGATOR;
		break;
	case MORE_ATOMIC_AGGREGATE:
		out->present |= BGP_HAS_ATOMIC_AGGREGATE;
		break;
	case MORE_OTHER:
		out->other = v;
		break;
	}
}

void
bgp_store_attrs(const struct bgp_store *s, const struct bgp_set *set, struct bgp_attrs *out)
{
	struct bgp_bytes rest = bgp_store_part(s, set->more), value;
	enum more_type type;
	*out = (struct bgp_attrs){.origin = set->origin, .med = set->med, .local_pref = set->local_pref};
	out->present = (set->flags & BGP_SET_ORIGIN ? BGP_HAS_ORIGIN : 0) |
		       (set->flags & BGP_SET_AS_PATH ? BGP_HAS_AS_PATH : 0) |
		       (set->flags & BGP_SET_MED ? BGP_HAS_MED : 0) |
		       (set->flags & BGP_SET_LOCAL_PREF ? BGP_HAS_LOCAL_PREF : 0) |
		       (set->next_hop ? BGP_HAS_NEXT_HOP : 0);
	out->as_path = bgp_store_part(s, set->path);
	out->std = bgp_store_part(s, set->std);
	out->next_hop = bgp_store_next_hop(s, set);
	while (more_next(&rest, &type, &value))
		more_restore(out, type, value);
}

/* --- life --- */

struct bgp_store *
bgp_store_new(void)
{
	struct bgp_store *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	if (getrandom(&s->seed, sizeof(s->seed), 0) != sizeof(s->seed) ||
	    !slab_init(&s->sets, sizeof(struct bgp_set), SETS_RESERVE) ||
	    !slab_init(&s->parts, PART_UNIT, PARTS_RESERVE)) {
		bgp_store_free(s);
		return NULL;
	}
	return s;
}

void
bgp_store_free(struct bgp_store *s)
{
	if (!s)
		return;
	slab_free(&s->sets);
	slab_free(&s->parts);
	free(s->set_index.slot);
	free(s->part_index.slot);
	free(s->more);
	free(s);
}

void
bgp_store_stats(const struct bgp_store *s, struct bgp_store_stats *out)
{
	*out = (struct bgp_store_stats){
	    .sets = s->set_index.used,
	    .paths = s->count[PART_PATH],
	    .lists = s->count[PART_LIST],
	    .next_hops = s->count[PART_NEXT_HOP],
	    .mores = s->count[PART_MORE],
	    .set_bytes = slab_bytes(&s->sets),
	    .part_bytes = slab_bytes(&s->parts),
	    .index_bytes =
		((size_t)s->set_index.size + s->part_index.size) * sizeof(struct index_slot) + s->more_cap,
	    .refs = s->refs,
	};
}
