/* Networks: which prefix, AS and next hop an address belongs to, and from whom we know it.
 *
 * A networks_file is loaded into an immutable object; a reload loads another and swaps the pointer. A policy
 * says which sources (exporter, file, networks_mask, routing) answer for prefixes and which for AS numbers.
 */
#ifndef FLOWRIB_FLOW_NETWORKS_H
#define FLOWRIB_FLOW_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/addr.h"
#include "collector/flow/flow.h"

/* What a source knows about one address. */
struct network {
	struct addr next_hop; /* none when not given */
	uint32_t origin_as;
	uint32_t peer_as;
	uint8_t len; /* prefix length in the address' own family */
};

struct networks;

/* Reads lines of `[next-hop,][[peerAS_]originAS,]prefix/len`. Of equal prefixes the last counts. NULL and
 * "file:line: what" in err when something is wrong. */
struct networks *networks_load(const char *path, char *err, size_t errlen);
void networks_free(struct networks *n);

/* The longest prefix of the file that holds a, or NULL. */
const struct network *networks_find(const struct networks *n, const struct addr *a);

/* Lines read, and bytes of memory. */
size_t networks_count(const struct networks *n);
size_t networks_bytes(const struct networks *n);

/* Sources, in the order in which they are asked under "longest": where two know prefixes of equal length, the
 * later one counts. */
enum network_source {
	NETWORK_FLOW = 1 << 0,	  /* netflow, sflow: what the exporter says */
	NETWORK_MASK = 1 << 1,	  /* mask: networks_mask */
	NETWORK_FILE = 1 << 2,	  /* file: networks_file */
	NETWORK_ROUTES = 1 << 3,  /* bgp and the other routing sources */
	NETWORK_LONGEST = 1 << 7, /* longest, fallback: all sources that are there, longest prefix first */
};

/* What a plugin wants of one side of a flow: bits of network_policy.want. */
enum network_want {
	NETWORK_WANT_NET = 1 << 0, /* network, mask; of the destination also the next hop */
	NETWORK_WANT_AS = 1 << 1,  /* AS number, peer AS number */
};

/* What the routing table of f's exporter says about the source (0) and the destination (1) of a flow; NULL
 * where there is no route. The routes of a whole batch are looked up together, by whoever has a table. */
struct network_routes {
	const struct network *side[2];
};

/* nfacctd_net, nfacctd_as and the networks_* keys, compiled. All zero but `net` and `as`: nothing configured.
 */
struct network_policy {
	uint8_t net;	       /* sources of masks, networks and the next hop: bits of enum network_source */
	uint8_t as;	       /* sources of AS numbers and peer AS numbers */
	uint8_t mask;	       /* networks_mask; 0: none */
	bool file_filter;      /* networks_file_filter: addresses outside the file become zero */
	bool file_no_lpm;      /* networks_file_no_lpm: the file wins when it knows the address at all */
	bool no_mask_if_zero;  /* networks_no_mask_if_zero: length 0 keeps the address whole */
	bool use_ip_next_hop;  /* the exporter's IP next hop where it gives no BGP next hop */
	bool keep_peer_src_as; /* peer_src_as is not the business of the policy (bgp_peer_src_as_type) */
	const struct networks *file; /* NULL: no networks_file */
	uint8_t want[2];	     /* by side, bits of enum network_want; set by networks_policy_needs */
};

/* Parses the value of *_net or *_as ("netflow", "file", "longest", "mask, file" ...) into bits of enum
 * network_source. False with a message naming the word. */
bool network_sources_parse(uint8_t *sources, const char *text, char *err, size_t errlen);

/* To be called once the policy is complete and all plugins have marked what they read: remembers what of it
 * the policy has to fill in, and marks what that takes to be decoded. */
void networks_policy_needs(struct network_policy *p, struct flow_needs *needs);

/* Whether the policy wants a route to the source (side 0) or the destination (side 1) of flows. */
bool networks_want_routes(const struct network_policy *p, unsigned side);

/* Sets src_net, dst_net, masks, AS numbers, peer AS numbers and peer_dst_ip of f, which holds the exporter's
 * values, by the policy. An address that is not there has no network. routes: NULL when there is no routing
 * source. */
void networks_apply(const struct network_policy *p, struct flow *f, const struct network_routes *routes);

#endif
