/* Correlation: what each exporter's own routing table says about its flows.
 *
 * All flows of a batch are looked up together, so that the cache misses of 64 flows overlap, and only the
 * addresses that some plugin's aggregate or source of networks needs are looked up at all. What a flow gets
 * are pointers into the store of attributes; they hold between correlate_begin() and correlate_end(), which
 * is as long as the batch takes to be packed. One struct correlate per source thread; what it needs for a
 * batch it has from the start.
 *
 * The rules that docs leave open:
 * - the origin AS is the last AS of the path, also when that stands in a set; 0 for an empty path;
 * - the peer AS is the first one, 0 when the path begins with a set;
 * - lists and values (as_path, communities, local_pref, med) come from BGP whatever nfacctd_as says, as
 *   nothing else could supply them; AS numbers, networks and the next hop only where nfacctd_as and
 *   nfacctd_net name BGP;
 * - peer_src_as is the exporter's unless bgp_peer_src_as_type says otherwise. */
#ifndef FLOWRIB_CORE_CORRELATE_H
#define FLOWRIB_CORE_CORRELATE_H

#include "collector/base/text.h"
#include "collector/conf/conf.h"
#include "collector/flow/flow.h"
#include "collector/flow/networks.h"

struct bgp_sources;
struct correlate;

/* What all plugins together want of routes. All zero: nothing. */
struct correlate_wants {
	uint32_t fills;	 /* bits of rows of the table in correlate.c */
	bool side[2];	 /* of the source, of the destination: anything at all */
	bool network[2]; /* AS number, network or next hop, for nfacctd_as and nfacctd_net */
	bool next_hop;	 /* of the destination */
};

/* For one plugin, once needs holds what it reads and its policy is complete: adds to wants what it takes from
 * routes, and marks in needs what a lookup reads of a flow. Nothing without BGP. */
void correlate_need(struct correlate_wants *wants, const struct conf *conf, struct network_policy *policy,
		    struct flow_needs *needs);

/* The key that must be set before BGP fills in the member of struct flow at this offset, e.g.
 * bgp_src_as_path_type; NULL when it is, or none is needed. */
const char *correlate_missing_key(const struct conf *conf, size_t offset);

/* NULL with a message when a key has a value that cannot be used, or memory is short. sources stays the
 * caller's. */
struct correlate *correlate_new(const struct conf *conf, const struct correlate_wants *wants,
				const struct bgp_sources *sources, const char *labels, char *err,
				size_t errlen);
void correlate_free(struct correlate *c);

/* Looks the flows of the batch up and fills them in. On a thread that joined readers. */
void correlate_begin(struct correlate *c, const struct flow_batch *batch);
/* The routes of the i-th flow, for networks_apply. */
const struct network_routes *correlate_routes(const struct correlate *c, unsigned i);
/* The batch has been packed. */
void correlate_end(struct correlate *c);

/* Looked up and found, by side; and flows whose exporter has no peer. */
enum correlate_counter {
	CORRELATE_FLOWS,
	CORRELATE_NO_PEER,
	CORRELATE_SRC_ROUTED,
	CORRELATE_SRC_UNROUTED,
	CORRELATE_DST_ROUTED,
	CORRELATE_DST_UNROUTED,
	CORRELATE_COUNTERS
};

/* --- for maps --- */

/* What a map decides about a flow. Rules see the flow as it was decoded; source is what the route to the
 * source address says, or NULL. */
enum correlate_verdict {
	CORRELATE_NO_RULE, /* none matched: as without map */
	CORRELATE_VALUE,   /* the rule gave a value */
	CORRELATE_ROUTE,   /* the rule says: from the route */
};
typedef enum correlate_verdict correlate_number(void *ctx, const struct flow *f, const struct network *source,
						uint32_t *value);

/* One hook for each kind of map; NULL: no such map. */
struct correlate_maps {
	void *ctx;
	/* bgp_agent_map: which session (address, or BGP identifier as an address) answers for the exporter */
	bool (*agent)(void *ctx, const struct flow *f, struct addr *session, uint16_t *port);
	/* flow_to_rd_map: VALUE_RD, 0 being the global table; goes before what the exporter says */
	bool (*rd)(void *ctx, const struct flow *f, uint64_t *rd);
	/* bgp_peer_dst_ip_map: the next hop to be used in the place of *next_hop */
	bool (*next_hop)(void *ctx, const struct flow *f, struct addr *next_hop);
	correlate_number *peer_src_as;	  /* bgp_peer_src_as_map */
	correlate_number *src_local_pref; /* bgp_src_local_pref_map */
	correlate_number *src_med;	  /* bgp_src_med_map */
};

/* Between two batches, on the thread of c. maps stays the caller's. */
void correlate_set_maps(struct correlate *c, const struct correlate_maps *maps);

#endif
