/* The union of all prefixes: records that live in arrays, and tries that find them.
 *
 * One writer, many readers (readers.h). Prefixes have ids per address family ("plane"); each knows its
 * parent, the next less specific prefix of the same table, so that a longest match leads to all shorter ones.
 */
#ifndef FLOWRIB_BGP_TRIE_H
#define FLOWRIB_BGP_TRIE_H

#include "collector/base/addr.h"
#include "collector/base/slab.h"

/* An address or prefix, first bit topmost, bits beyond the length zero; IPv4 takes the first 32. */
struct trie_key {
	uint64_t hi, lo;
};

/* An IPv4 prefix is this; an IPv6 one is followed by its key. Readers load parent, group and meta. */
struct trie_prefix {
	uint32_t parent; /* 0: none */
	uint32_t group;	 /* 0: no peer has a route; of the owner */
	uint32_t meta;	 /* length, table, flags: TRIE_... below */
	uint32_t v4;	 /* host byte order */
};

struct trie_prefix6 {
	struct trie_prefix head;
	struct trie_key key;
};

#define TRIE_TABLE_BITS 20
#define TRIE_IN_RUN	(1U << 31) /* of the owner's writer: seen in the run at hand */
#define TRIE_FREE	(1U << 30) /* no prefix any more: not in its table */

static inline unsigned
trie_len(uint32_t meta)
{
	return meta & 0xff;
}

static inline uint32_t
trie_table(uint32_t meta)
{
	return meta >> 8 & ((1U << TRIE_TABLE_BITS) - 1);
}

/* All prefixes of one address family. */
struct trie_plane {
	struct slab slab;
	uint32_t end; /* ids are below; published */
	size_t count;
	bool v6;
};

struct trie_space {
	struct trie_plane plane[2]; /* [0] IPv4, [1] IPv6 */
	struct slab nodes;
};

/* One table. The root has 2^root_bits entries, zero at first, in the owner's memory or made by trie_init. */
struct trie {
	uint32_t *root;
	uint32_t table;
	uint8_t root_bits; /* a multiple of 4 */
	bool v6;
};

/* A descent on its way: key and the entry to be loaded next; at the end what the entry named. */
struct trie_walk {
	struct trie_key key;
	const uint32_t *at; /* NULL: no table, finds 0 */
	const struct trie_plane *plane;
	uint32_t found;
};

bool trie_space_init(struct trie_space *s);
/* No reader may be left. */
void trie_space_free(struct trie_space *s);

/* root: zeroed entries, or NULL for a small one of 4 bits. False when memory is short. */
bool trie_init(struct trie_space *s, struct trie *t, bool v6, uint32_t table, uint32_t *root, uint8_t bits);

/* Of an address of that family in its stored form (addr.h). */
struct trie_key trie_key_of(const struct addr *a, bool v6);
/* The other way. */
struct addr trie_addr_of(const struct trie_plane *p, uint32_t id);

static inline struct trie_prefix *
trie_at(const struct trie_plane *p, uint32_t id)
{
	return slab_at(&p->slab, id);
}

static inline struct trie_key
trie_key_at(const struct trie_plane *p, uint32_t id)
{
	const struct trie_prefix *r = trie_at(p, id);
	if (p->v6)
		return ((const struct trie_prefix6 *)(const void *)r)->key;
	return (struct trie_key){(uint64_t)r->v4 << 32, 0};
}

static inline bool
trie_covers(const struct trie_key *prefix, unsigned len, const struct trie_key *key)
{
	uint64_t hi = prefix->hi ^ key->hi, lo = prefix->lo ^ key->lo;
	if (len <= 64)
		return len == 0 || hi >> (64 - len) == 0;
	return hi == 0 && lo >> (128 - len) == 0;
}

/* Where a descent begins. */
static inline void
trie_walk_begin(struct trie_walk *w, const struct trie_space *s, const struct trie *t,
		const struct trie_key *key)
{
	w->key = *key;
	w->plane = &s->plane[t->v6];
	w->at = &t->root[key->hi >> (64 - t->root_bits)];
	__builtin_prefetch(w->at);
}

/* Descends for n keys at once (at most TRIE_WALKS), of any tables, so that their cache misses overlap. What
 * is found is a candidate: the longest match is the first in its chain of parents that covers the key
 * (trie_settle). The candidates' records are prefetched. */
#define TRIE_WALKS 64
void trie_walk(const struct trie_space *s, struct trie_walk *w, unsigned n);

/* The first of candidate and its parents that covers key and is not longer than len; 0: none. */
uint32_t trie_settle(const struct trie_plane *p, uint32_t candidate, const struct trie_key *key,
		     unsigned len);

/* --- the writer --- */

/* The prefix, made when it is not there (then *fresh); a new one has group 0. 0 when memory is short. */
uint32_t trie_insert(struct trie_space *s, const struct trie *t, const struct trie_key *key, unsigned len,
		     bool *fresh);

/* Takes a prefix out; its record is used again when no reader sees it. Returns how many entries were
 * visited, the measure of its cost. */
size_t trie_remove(struct trie_space *s, const struct trie *t, uint32_t id);

#endif
