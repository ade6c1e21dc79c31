/* Questions about routes, as looking glass and control socket ask them. */
#ifndef FLOWRIB_BGP_ANSWER_H
#define FLOWRIB_BGP_ANSWER_H

#include "bgp/outputs.h"

#define BGP_ANSWER_PATHS 64 /* routes of one peer for one prefix, at most (ADD-PATH) */

struct bgp_question {
	struct prefix prefix; /* of full length: an address */
	bool exact;	      /* else the longest prefix that holds it, and that is no longer */
	bool has_rd;
	uint64_t rd;
	/* which peers; no address: all */
	struct addr peer;
	uint16_t port; /* 0: any */
};

/* The peer's routes for the question, best prefix: up to BGP_ANSWER_PATHS; returns how many. Between
 * readers_begin() and readers_end(), which is as long as they hold. */
unsigned bgp_answer(const struct bgp_sources *s, const struct bgp_question *q, const struct bgp_peer *peer,
		    struct rib_route out[BGP_ANSWER_PATHS]);

/* Does the question ask this peer? Without routes a peer is not asked. */
bool bgp_answer_asks(const struct bgp_question *q, const struct bgp_peer *peer);

#endif
