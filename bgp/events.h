/* What happens in sessions, on its way to the message log: a ring from the BGP thread to a writer.
 *
 * The BGP thread must never wait for a disk: it pushes fixed-size events (ids, not text), and when the ring
 * is full it counts instead. The writer renders and writes. Sets that an event names are counted by the
 * producer and handed back through a second ring, since only the BGP thread may free them. */
#ifndef FLOWRIB_BGP_EVENTS_H
#define FLOWRIB_BGP_EVENTS_H

#include "bgp/peer.h"
#include "collector/base/text.h"

enum bgp_event_kind {
	BGP_EVENT_UP,	    /* log_init: the session is established */
	BGP_EVENT_UPDATE,   /* log, log_type update */
	BGP_EVENT_WITHDRAW, /* log, log_type withdraw, with the attributes that the route had */
	BGP_EVENT_DELETE,   /* log, log_type delete: the session ended or the route was stale */
	BGP_EVENT_EOR,	    /* log, log_type end-of-rib */
	BGP_EVENT_TEXT,	    /* log of a family without table: NLRI as text */
	BGP_EVENT_DOWN,	    /* log_close */
};

struct bgp_events;
struct bgp_outputs; /* outputs.h */

/* The BGP thread's side. All return at once. */
void bgp_event_session(struct bgp_events *e, enum bgp_event_kind kind, const struct bgp_peer *peer);
void bgp_event_route(struct bgp_events *e, enum bgp_event_kind kind, const struct bgp_peer *peer,
		     enum bgp_family family, const struct bgp_nlri *nlri, bgp_set_id set);
void bgp_event_eor(struct bgp_events *e, const struct bgp_peer *peer, enum bgp_family family);
/* Of a family without table: kind is UPDATE or WITHDRAW; text is copied, attrs are rendered at once. */
void bgp_event_text(struct bgp_events *e, enum bgp_event_kind kind, const struct bgp_peer *peer,
		    enum bgp_family family, const char *nlri, size_t len, const struct bgp_attrs *attrs);
/* Takes back what the writer is done with, and wakes it when there is news. Call once a turn. */
void bgp_events_settle(struct bgp_events *e);
/* True when somebody listens: without, route changes need not be told at all. */
bool bgp_events_wanted(const struct bgp_events *e);

#endif
