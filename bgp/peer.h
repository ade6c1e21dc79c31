/* Peers as everyone but their own session sees them: who they are, which slots hold their routes, how they
 * are.
 *
 * The BGP thread publishes an immutable directory whenever a session comes or goes (a few thousand entries at
 * most, and rarely); readers find an exporter's peer in it by address or BGP identifier. */
#ifndef FLOWRIB_BGP_PEER_H
#define FLOWRIB_BGP_PEER_H

#include <stdatomic.h>

#include "bgp/message.h"
#include "bgp/rib.h"
#include "collector/base/counters.h"

enum bgp_state { BGP_IDLE, BGP_CONNECT, BGP_ACTIVE, BGP_OPEN_SENT, BGP_OPEN_CONFIRM, BGP_ESTABLISHED };
/* "established" */
const char *bgp_state_name(enum bgp_state s);

/* What is counted for a peer; rows in peer.c. One writer, the BGP thread; readable at any time. */
enum bgp_peer_counter {
	BGP_PEER_MESSAGES_IN,
	BGP_PEER_UPDATES_IN,
	BGP_PEER_BYTES_IN,
	BGP_PEER_ANNOUNCED, /* prefixes in UPDATEs */
	BGP_PEER_WITHDRAWN,
	BGP_PEER_TREATED_AS_WITHDRAWN, /* prefixes whose attributes were malformed */
	BGP_PEER_SESSIONS,	       /* established so far */
	BGP_PEER_RESETS,
	BGP_PEER_REFUSED, /* by the prefix limit: prefixes not taken */
	BGP_PEER_COUNTERS
};
extern const struct counter_desc bgp_peer_counter_desc[BGP_PEER_COUNTERS];

/* A peer keeps its entry while it has a session or stale routes, and for a while afterwards, so that people
 * see why it went. A session that comes or goes gets a new entry, with the old counters: what is not atomic
 * here never changes once it is published. Entries are freed after a grace period. Readers load slot
 * before stale: what moves, moves from the one to the other. */
struct bgp_peer {
	struct addr address; /* of the session */
	uint16_t port;	     /* its TCP port */
	uint32_t id;	     /* BGP identifier, host byte order */
	uint32_t as;
	uint32_t local_as;
	_Atomic uint32_t slot;	   /* RIB_NO_SLOT: no session */
	_Atomic uint32_t stale;	   /* RIB_NO_SLOT: nothing is stale */
	_Atomic int state;	   /* enum bgp_state */
	_Atomic uint64_t since_us; /* wall clock of the last change of state */
	_Atomic uint32_t eor;	   /* families whose End-of-RIB came, bits 1 << enum bgp_family */
	_Atomic uint64_t routes;   /* in slot and stale, as of the last second */
	uint32_t families;	   /* agreed on */
	uint32_t add_path;
	bool ebgp;
	uint16_t hold_time;
	char host[65];
	_Atomic uint64_t counter[BGP_PEER_COUNTERS];
	_Atomic uint64_t fault[BGP_FAULTS];
	char last_error[128]; /* why the last session ended */
};

struct bgp_directory; /* immutable */

/* The peer that answers for an exporter: by address of the session first, else by BGP identifier when
 * the address is an IPv4 one. NULL: none. Between readers_begin() and readers_end(). */
const struct bgp_peer *bgp_directory_find(const struct bgp_directory *d, const struct addr *exporter);
/* By session address alone (port 0: any), for the looking glass and next hops to be followed. */
const struct bgp_peer *bgp_directory_by_address(const struct bgp_directory *d, const struct addr *address,
						uint16_t port);
unsigned bgp_directory_count(const struct bgp_directory *d);
const struct bgp_peer *bgp_directory_at(const struct bgp_directory *d, unsigned i);

/* For its maker: a directory of n peers, which stay the caller's; by_id: BGP identifiers serve too. Peers
 * with neither session nor stale routes are listed, but never found. NULL when memory is short. */
struct bgp_directory *bgp_directory_new(struct bgp_peer *const *peers, unsigned n, bool by_id);
void bgp_directory_free(struct bgp_directory *d);

#endif
