/* Who peers are, over sessions: their entries, the slots of their routes, and the directory for readers.
 *
 * A member stands for an address with a BGP identifier. It outlives its session: as long as stale routes
 * wait, and somewhat longer so that people see why a session went. All that takes long, dropping a million
 * routes, is done in steps between reads (roster_step). */
#ifndef FLOWRIB_BGP_ROSTER_H
#define FLOWRIB_BGP_ROSTER_H

#include "bgp/session.h"

struct member {
	TAILQ_ENTRY(member) link;
	struct bgp_peer *peer;	 /* as readers see it */
	struct session *session; /* NULL: none */
	uint64_t stale_until_us; /* monotonic; stale routes go then */
	uint32_t stale_families; /* whose stale routes wait for their End-of-RIB */
	uint32_t long_lived;	 /* of these, when a session is lost: what stays longer */
	uint64_t long_lived_us;
	uint32_t refreshing;	/* families between BoRR and EoRR (RFC 7313) */
	bool layered;		/* stale holds valid routes of families that were not refreshed */
	bool loaded;		/* stale comes from a snapshot */
	unsigned drops;		/* under way for it */
	bool closing;		/* its session's end is to be logged behind its routes */
	struct bgp_peer *spare; /* the next entry, so that a session can always end */
	uint64_t forget_us;	/* without session and routes: leaves then */
	struct log_limit up_limit, down_limit;
};

struct roster;

/* directory: where readers find it. NULL when memory is short. */
struct roster *roster_new(struct bgp_world *w, const struct bgp_directory **directory);
/* All sessions are gone, no reader is left. */
void roster_free(struct roster *r);

/* NULL: no such member. */
struct member *roster_find(const struct roster *r, const struct addr *address, uint32_t id);
/* A session from the address; from another address with this identifier. NULL: none. */
struct session *roster_session_of(const struct roster *r, const struct addr *address);
struct session *roster_session_elsewhere(const struct roster *r, const struct addr *address, uint32_t id);

/* The session is established: its peer's entry, which the roster takes over, gets a slot and what is stale,
 * and is shown. False when memory or slots are short. */
bool roster_up(struct roster *r, struct session *s);
/* The session ended; s->why tells. keep: its routes become stale as s->grace says, else they go. */
void roster_down(struct roster *r, struct session *s, bool keep);

/* Everything of the family was announced again: stale routes go. */
void roster_end_of_rib(struct roster *r, struct member *m, enum bgp_family family);
/* RFC 7313: the family is announced anew, beginning and end. */
void roster_refresh_begin(struct roster *r, struct member *m, enum bgp_family family);
void roster_refresh_end(struct roster *r, struct member *m, enum bgp_family family);
/* RFC 7606: the routes of the family go, the session stays. */
void roster_disable(struct roster *r, struct member *m, enum bgp_family family);

/* A peer without session, of a snapshot: its routes are to be announced into its stale slot. NULL when memory
 * is short. */
struct member *roster_restore(struct roster *r, const struct bgp_peer *given);

/* One slice of what takes long, some 20 ms at most; true when nothing is left of it. */
bool roster_step(struct roster *r);
/* True when roster_step has something to do. */
bool roster_pending(const struct roster *r);
/* Once a second or so: timers, gauges, what is no longer seen by readers. */
void roster_tick(struct roster *r);
/* The program ends: the message log hears the end of each session, and nothing of routes, which stay. */
void roster_close_log(struct roster *r);
/* Shows readers what changed since it was last called. */
void roster_publish(struct roster *r);

#endif
