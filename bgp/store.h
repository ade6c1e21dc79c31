/* Attributes at rest: interned by parts, counted, read by others without locks.
 *
 * A route holds the id of a set, which holds ids of parts. A part is a byte string that exists once: an AS
 * path, a list of communities, a next hop, or the rarer attributes together. What repeats costs an id.
 * Parts and sets never change once published; the BGP thread alone makes and frees them, readers see them
 * between readers_begin() and readers_end().
 *
 * AS paths lie flat, not as linked tails: a tail costs 20 bytes a distinct head, a flat path of five hops
 * 30, and a reader gets all of it with one cache miss, in the form in which a flow wants it. */
#ifndef FLOWRIB_BGP_STORE_H
#define FLOWRIB_BGP_STORE_H

#include "bgp/attr.h"
#include "collector/base/slab.h"

typedef uint32_t bgp_set_id; /* 0: no route */

/* What a route says, as readers see it. Part ids are 0 when absent. At most 40 bytes: there is one per
 * distinct set of each peer. */
struct bgp_set {
	uint32_t refs; /* routes, i.e. (peer, prefix) pairs, that have it; of the BGP thread */
	uint32_t path;
	uint32_t std;
	uint32_t more; /* rarer attributes: bgp_set_attrs() knows the form */
	uint32_t next_hop;
	uint32_t local_pref;
	uint32_t med;
	uint32_t origin_as; /* last AS of the path; 0 for an empty path or one that ends in a set */
	uint32_t peer_as;   /* first AS of the path, also of a confederation; 0 as above */
	uint8_t origin;
	uint8_t flags; /* enum bgp_set_flag */
	uint16_t spare;
};

enum bgp_set_flag {
	BGP_SET_MED = 1,
	BGP_SET_LOCAL_PREF = 2,
	BGP_SET_LABEL = 4, /* among the rarer ones */
	BGP_SET_ORIGIN = 8,
	BGP_SET_EXT = 16, /* has extended communities, among the rarer ones */
	BGP_SET_LRG = 32,
	BGP_SET_AS_PATH = 64, /* the attribute was there; the path may be empty */
};

struct bgp_store;

struct bgp_store_stats {
	size_t sets, paths, lists, next_hops, mores; /* how many */
	size_t set_bytes, part_bytes, index_bytes;   /* memory touched */
	uint64_t refs;				     /* routes that refer to sets */
};

struct bgp_store *bgp_store_new(void);
/* No reader may be left. */
void bgp_store_free(struct bgp_store *s);

/* --- the BGP thread --- */

/* The id of the set with these attributes, made when there is none; it is not counted yet. 0 when memory is
 * short. Copies what it keeps. */
bgp_set_id bgp_store_intern(struct bgp_store *s, const struct bgp_attrs *a);
/* n more, or n fewer, routes have it. With the last one it is freed, once no reader sees it. */
void bgp_store_ref(struct bgp_store *s, bgp_set_id id, uint32_t n);
void bgp_store_unref(struct bgp_store *s, bgp_set_id id, uint32_t n);
/* To be called for a set that was interned but perhaps never counted. */
void bgp_store_settle(struct bgp_store *s, bgp_set_id id);

/* --- readers --- */

const struct bgp_set *bgp_store_set(const struct bgp_store *s, bgp_set_id id);
/* The bytes of a part; {NULL, 0} for id 0. Touches the part. */
struct bgp_bytes bgp_store_part(const struct bgp_store *s, uint32_t part);
/* Where a part lies, to prefetch it. */
const void *bgp_store_part_at(const struct bgp_store *s, uint32_t part);
/* No address when the set has none. */
struct addr bgp_store_next_hop(const struct bgp_store *s, const struct bgp_set *set);
struct bgp_bytes bgp_store_ext(const struct bgp_store *s, const struct bgp_set *set);
struct bgp_bytes bgp_store_lrg(const struct bgp_store *s, const struct bgp_set *set);
/* BGP_NO_LABEL (nlri.h) when the set has none. */
uint32_t bgp_store_label(const struct bgp_store *s, const struct bgp_set *set);
/* All of it, as it was interned; lists point into the store. */
void bgp_store_attrs(const struct bgp_store *s, const struct bgp_set *set, struct bgp_attrs *out);

void bgp_store_stats(const struct bgp_store *s, struct bgp_store_stats *out);

#endif
