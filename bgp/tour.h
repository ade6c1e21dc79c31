/* All routes of a peer, in slices, while sessions come and go: what dumps and snapshots walk.
 *
 * A peer's routes stand in its session's slot, and where that has none for a prefix in the stale one. A slot
 * can be given to another peer when its own has gone, so every slice first looks whether it still is the
 * peer's. */
#ifndef FLOWRIB_BGP_TOUR_H
#define FLOWRIB_BGP_TOUR_H

#include "bgp/outputs.h"

struct bgp_tour {
	const struct bgp_sources *s;
	struct addr address;
	uint16_t port;
	uint32_t slot, stale; /* when it began; RIB_NO_SLOT: none */
	uint32_t add_path;    /* families with path identifiers */
	bool in_stale, over;
	bool gone; /* the peer went away before the end */
	uint64_t cursor;
};

/* Between readers_begin() and readers_end(). s must outlive the tour. */
void bgp_tour_begin(struct bgp_tour *t, const struct bgp_sources *s, const struct bgp_peer *peer);

/* Up to max (at least 64) routes, valid until readers_end(); between readers_begin() and readers_end() again.
 * Sets t->over when there are no more; a slice may be empty before that. */
unsigned bgp_tour_next(struct bgp_tour *t, struct rib_route *out, unsigned max);

#endif
