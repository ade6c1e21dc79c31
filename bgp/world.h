/* What the parts of the BGP thread share: one of it, handed down. Nothing in it is touched by other threads
 * but counters. */
#ifndef FLOWRIB_BGP_WORLD_H
#define FLOWRIB_BGP_WORLD_H

#include "bgp/config.h"
#include "bgp/events.h"
#include "collector/base/log.h"

/* Totals; rows in world.c. Those by peer and malformed attributes are counted by peer as well (peer.h). */
enum bgp_total {
	BGP_TOTAL_ESTABLISHED,
	BGP_TOTAL_OPENING,
	BGP_TOTAL_STALE,
	BGP_TOTAL_ROUTES,
	BGP_TOTAL_LONGEST_TURN,
	BGP_TOTAL_ACCEPTED,
	BGP_TOTAL_SESSIONS,
	BGP_TOTAL_REFUSED_DENIED,
	BGP_TOTAL_REFUSED_FULL,
	BGP_TOTAL_REFUSED_OPENING,
	BGP_TOTAL_REFUSED_COLLISION,
	BGP_TOTAL_REFUSED_ID,
	BGP_TOTAL_REFUSED_DESCRIPTORS,
	BGP_TOTAL_REFUSED_MEMORY,
	BGP_TOTAL_CLOSED_BY_PEER,
	BGP_TOTAL_CLOSED_NOTIFIED,
	BGP_TOTAL_CLOSED_TRANSPORT,
	BGP_TOTAL_CLOSED_SILENT,
	BGP_TOTAL_CLOSED_HOLD,
	BGP_TOTAL_CLOSED_NOT_READING,
	BGP_TOTAL_CLOSED_HEADER,
	BGP_TOTAL_CLOSED_OPEN,
	BGP_TOTAL_CLOSED_FSM,
	BGP_TOTAL_CLOSED_UPDATE,
	BGP_TOTAL_CLOSED_REFRESH,
	BGP_TOTAL_CLOSED_LIMIT,
	BGP_TOTAL_CLOSED_MEMORY,
	BGP_TOTAL_CLOSED_REPLACED,
	BGP_TOTAL_CLOSED_ENDING,
	BGP_TOTAL_MESSAGES_IN,
	BGP_TOTAL_BYTES_IN,
	BGP_TOTAL_UPDATES_IN,
	BGP_TOTAL_ANNOUNCED,
	BGP_TOTAL_WITHDRAWN,
	BGP_TOTAL_TREATED_AS_WITHDRAWN,
	BGP_TOTAL_FAMILIES_DISABLED,
	BGP_TOTAL_PREFIXES_REFUSED,
	BGP_TOTAL_NOTIFICATIONS_OUT,
	BGP_TOTALS
};

struct roster;

struct bgp_world {
	const struct bgp_config *config;
	struct bgp_store *store;
	struct rib *rib;
	struct bgp_events *events; /* NULL: no message log */
	struct roster *roster;
	struct counter_block *totals; /* enum bgp_total */
	struct counter_block *faults; /* enum bgp_fault */
	struct bgp_scratch scratch;
	uint64_t now_us;  /* monotonic; set once a turn */
	bool changed;	  /* routes changed since the RIB was last tidied */
	bool reap;	  /* a session ended */
	unsigned opening; /* sessions that are not established */
	unsigned established;
	struct log_limit limit[BGP_TOTALS]; /* of log lines, by the counter that goes with them */
};

/* Makes the counters, before processes fork. False when there is no room. */
bool bgp_world_counters(struct bgp_world *w);

static inline void
bgp_total(const struct bgp_world *w, enum bgp_total which, uint64_t n)
{
	counter_add(w->totals, which, n);
}

/* A peer's counter has one writer, but is read elsewhere. */
static inline void
bgp_peer_count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

/* True when a line about this may be logged now; writes " (N more)" or "" to held. */
bool bgp_may_log(struct log_limit *limit, char *held, size_t n);

#endif
