/* The shared RIB: the routes of all peers, over one union of prefixes.
 *
 *	trie of prefixes (shared by all peers) ──► group: one vector slot ─► set id ──► store.h
 *				     (one for all prefixes that every peer routes alike)
 *
 * - A table per family and route distinguisher; in each a multibit trie whose leaves name the longest prefix
 *   of the union, and every prefix names its next less specific one. A peer that lacks the longest match is
 *   answered by walking up.
 * - Prefixes with equal routes at every peer share a group, a dense vector of set ids indexed by slot. A run
 *   of NLRI that covers a group changes it in place; one that does not splits it, and groups that become
 *   equal merge.
 * - A slot is one session's column. A session that went down and may come back keeps its slot as the stale
 *   one of the peer, and the new session gets a fresh slot: graceful restart, route refresh and a loaded
 *   snapshot are all "look in the fresh slot, then in the stale one", and forgetting what was not announced
 *   again is dropping a slot, which is a walk over groups, not over routes.
 * - ADD-PATH: in the place of a set id stands the id of a list of (path id, set id), marked by the top bit.
 *
 * One writer, the BGP thread. Readers neither lock nor block (readers.h). */
#ifndef FLOWRIB_BGP_RIB_H
#define FLOWRIB_BGP_RIB_H

#include "bgp/nlri.h"
#include "bgp/store.h"

#define RIB_NO_SLOT    UINT32_MAX
#define RIB_NO_PREFIX  0
#define RIB_SLOTS_MAX  65535
#define RIB_TABLE_NONE UINT32_MAX

struct rib;

struct rib_stats {
	size_t tables, prefixes, groups, routes, lists;
	size_t prefixes_v4, prefixes_v6;
	size_t paths_refused; /* ADD-PATH routes so far beyond the 255 that a peer may have for one prefix */
	size_t prefix_bytes, trie_bytes, group_bytes, index_bytes, list_bytes; /* memory touched */
};

/* One change, told to whoever logs messages. old is 0 for a new route; fresh is 0 for a withdrawal. Both are
 * valid during the call; who keeps one longer counts it (bgp_store_ref). */
typedef void rib_change(void *ctx, uint32_t slot, enum bgp_family family, const struct bgp_nlri *nlri,
			bgp_set_id old, bgp_set_id fresh);

/* The store stays the caller's. NULL when memory is short. */
struct rib *rib_new(struct bgp_store *store);
/* No reader may be left. Releases all routes. */
void rib_free(struct rib *r);

/* --- the BGP thread --- */

/* A free slot without routes, or RIB_NO_SLOT. */
uint32_t rib_slot_open(struct rib *r);

/* Announces n prefixes of one family with one set of attributes, in the order given. ADD-PATH routes come
 * through rib_announce_path; one path too many for a prefix is not taken. change may be NULL. False when
 * memory is short (told by the caller, as a session fault); what was announced before that stays. *added
 * counts routes that the slot did not have. */
bool rib_announce(struct rib *r, uint32_t slot, enum bgp_family family, const struct bgp_nlri *nlri,
		  unsigned n, bgp_set_id set, rib_change *change, void *ctx, unsigned *added);
bool rib_announce_path(struct rib *r, uint32_t slot, enum bgp_family family, const struct bgp_nlri *nlri,
		       unsigned n, bgp_set_id set, rib_change *change, void *ctx, unsigned *added);

/* Withdraws from slot; where stale is not RIB_NO_SLOT, from that too. *removed counts the
 * routes of both; a prefix is told once. With add_path the path identifiers count. False when memory is
 * short: taking one prefix out of many alike needs some. */
bool rib_withdraw(struct rib *r, uint32_t slot, uint32_t stale, enum bgp_family family,
		  const struct bgp_nlri *nlri, unsigned n, bool add_path, rib_change *change, void *ctx,
		  unsigned *removed);

/* Drops the routes of a slot, of the families in the bit mask (all: UINT32_MAX), in steps: each call does
 * some 10 to 20 ms of work at most and returns true when nothing is left. With change (not NULL) each route
 * is told. Until the end the slot must not be used again; rib_slot_close gives it back then. */
bool rib_slot_drop(struct rib *r, uint32_t slot, uint32_t families, rib_change *change, void *ctx);
void rib_slot_close(struct rib *r, uint32_t slot);
/* Routes in it. */
size_t rib_slot_routes(const struct rib *r, uint32_t slot);

/* When nothing else is to be done: takes prefixes without routes out of the tries, merges groups that became
 * equal, frees what no reader sees any more. A step of at most a few ms; true when nothing is left. */
bool rib_tidy(struct rib *r);

/* --- readers --- */

/* The table of a family and route distinguisher, or RIB_TABLE_NONE. Ids of tables are never reused. */
uint32_t rib_table(const struct rib *r, enum bgp_family family, uint64_t rd);

/* Parts of a set of attributes that a reader will look at. */
enum rib_part {
	RIB_PART_PATH = 1 << 0,
	RIB_PART_STD = 1 << 1,
	RIB_PART_NEXT_HOP = 1 << 2,
	RIB_PART_MORE = 1 << 3, /* extended and large communities, labels */
};

/* A question for the longest match. */
struct rib_query {
	/* in */
	struct addr addr;
	uint32_t table; /* RIB_TABLE_NONE: no answer */
	uint32_t slot;	/* RIB_NO_SLOT: no answer */
	uint32_t stale; /* asked where slot has no route for a prefix; RIB_NO_SLOT: none */
	const struct addr
	    *next_hop; /* ADD-PATH: the route with this next hop; NULL, or none such: the first */
	uint8_t parts; /* bits of enum rib_part: what to prefetch, so that nothing else is fetched */
	/* out */
	uint8_t len;		   /* of the prefix, in the address' own family */
	const struct bgp_set *set; /* NULL: no route */
	uint32_t prefix;	   /* RIB_NO_PREFIX: no route */
	uint32_t path_id;
};

/* Answers n questions at once, their cache misses overlapping. Between readers_begin() and readers_end(),
 * which is as long as answers hold. Sets are prefetched, and the parts that a question names. */
void rib_lookup(const struct rib *r, struct rib_query *q, unsigned n);

/* One route of an exact prefix, or all routes of a slot: for looking glass, dumps, snapshots. */
struct rib_route {
	enum bgp_family family;
	struct bgp_nlri nlri; /* label as in the set */
	const struct bgp_set *set;
	bgp_set_id id;
};

/* The routes that slot has for exactly this prefix; up to max (ADD-PATH). Returns how many. */
unsigned rib_exact(const struct rib *r, uint32_t slot, enum bgp_family family, const struct bgp_nlri *nlri,
		   struct rib_route *out, unsigned max);

/* Walks the routes of slot: begin with *cursor 0, call again until it returns 0. Each call gives up to max
 * (at least 64) routes. Routes that come or go meanwhile may or may not be seen, others exactly once.
 * readers_begin/end around each call suffices. */
unsigned rib_walk(const struct rib *r, uint32_t slot, uint64_t *cursor, struct rib_route *out, unsigned max);

void rib_stats(const struct rib *r, struct rib_stats *out);

#endif
