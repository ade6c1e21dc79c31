/* The writer's side of events.h: what it takes from the ring.
 *
 *	BGP thread ── events ──► writer
 *		   ◄─ sets ─────  (ids it is done with: only the BGP thread may free them)
 *
 * A slot has 72 bytes. An event takes one, and one more for every 72 bytes of text behind it (families
 *without table); there are no pointers, so nothing is allocated and nothing has to be freed when the daemon
 *ends. */
#ifndef FLOWRIB_BGP_EVENTRING_H
#define FLOWRIB_BGP_EVENTRING_H

#include "bgp/events.h"
#include "bgp/render.h"

#define BGP_EVENT_LOST (BGP_EVENT_DOWN + 1) /* so many events did not fit, just before the next one */

/* In the ring. */
struct bgp_event {
	uint64_t time_us;
	struct addr peer;
	uint32_t peer_id;
	uint16_t port;
	uint8_t kind;	/* enum bgp_event_kind; of text: UPDATE or WITHDRAW */
	uint8_t family; /* enum bgp_family */
	bool has_path_id;
	bool is_text; /* text_len bytes of NLRI and attrs_len of rendered attributes stand in the slots behind
		       */
	uint8_t len;  /* of the prefix */
	bgp_set_id set; /* 0: none */
	union {
		struct {
			struct addr prefix;
			uint64_t rd;
			uint32_t path_id;
		} route;
		struct {
			uint32_t text_len;
			uint32_t attrs_len;
		} text;
		uint64_t lost;
	};
};

/* Room for slots events, rounded up to a power of two; memory is touched as it is used. conf decides how
 * attributes of families without table are rendered; NULL: defaults. NULL when memory is short. */
struct bgp_events *bgp_events_new(struct bgp_store *store, size_t slots, const struct conf *conf);
/* Both sides have ended; sets that are still out go back to the store. */
void bgp_events_free(struct bgp_events *e);

/* The next event, or NULL. Text is appended to *text when there is any. Valid until bgp_events_done(). */
const struct bgp_event *bgp_events_next(struct bgp_events *e, struct text *text);
/* The writer is done with what it took last; its set goes back. */
void bgp_events_done(struct bgp_events *e);
/* Waits until there is an event, at most so many milliseconds, or until bgp_events_wake(). */
void bgp_events_wait(struct bgp_events *e, int timeout_ms);
/* From any thread. */
void bgp_events_wake(struct bgp_events *e);

/* So far; from any thread. */
uint64_t bgp_events_lost(const struct bgp_events *e);
uint64_t bgp_events_pushed(const struct bgp_events *e);
/* Waiting now. */
uint64_t bgp_events_waiting(const struct bgp_events *e);

#endif
