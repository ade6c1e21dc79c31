/* One session with a peer: the state machine of RFC 4271, 8, for a speaker that is passive and only listens.
 *
 * A session owns its socket and is driven by speaker.c: session_read() when there is something to read,
 * session_write() when what we said did not fit, session_tick() about twice a second. None of them blocks,
 * none reads more than one buffer. A session that ends says so (session.dead); its peer's routes are then
 * already on their way out or stale (roster.h), and what is left is session_free(). */
#ifndef FLOWRIB_BGP_SESSION_H
#define FLOWRIB_BGP_SESSION_H

#include <sys/queue.h>

#include "bgp/message.h"
#include "bgp/world.h"

struct member;

/* What the OPEN of the peer promised for the time after its session. */
struct grace {
	bool any;	   /* RFC 4724 */
	bool notify;	   /* RFC 8538: also after a NOTIFICATION */
	uint32_t families; /* whose routes stay */
	uint32_t forwarding;
	uint64_t us;	     /* so long */
	uint32_t long_lived; /* RFC 9494: these then stay for */
	uint64_t long_lived_us;
};

struct session {
	TAILQ_ENTRY(session) link; /* of the speaker: the oldest first */
	struct bgp_world *world;
	int fd;
	enum bgp_state state;
	bool dead;
	bool watched_for_writing; /* of the speaker */
	bool behind;		  /* the last read filled the buffer: there may be more */
	bool long_messages;	  /* RFC 8654 was agreed */
	bool told;		  /* that its prefixes are over the limit */
	struct addr address;
	uint16_t port;
	uint16_t hold_time; /* seconds, 0: none */
	uint64_t begun_us;  /* monotonic, as all times here */
	uint64_t heard_us;  /* the last KEEPALIVE or UPDATE */
	uint64_t sent_us;
	uint64_t blocked_us; /* since when the peer does not read; 0: it does */
	struct bgp_rules rules;
	uint32_t disabled; /* families no more read (RFC 7606) */
	struct grace grace;
	uint8_t *partial; /* a message whose end has not come; NULL mostly */
	uint32_t partial_have, partial_room;
	uint8_t *out; /* what the socket did not take; NULL mostly */
	uint32_t out_have;
	struct bgp_peer *peer; /* from OPEN on; the member's once established */
	struct member *member; /* NULL unless established */
	char why[128];	       /* it ended */
};

/* Takes the descriptor over. NULL when memory is short (then the descriptor is the caller's). */
struct session *session_new(struct bgp_world *w, int fd, const struct addr *address, uint16_t port);
/* Closes what is left; the session is dead, or everything ends. */
void session_free(struct session *s);

/* Reads once, up to room bytes, and acts on every message that is complete. */
void session_read(struct session *s, uint8_t *buffer, size_t room);
/* Acts on n bytes of the peer's. session_read without the socket, for tests. */
void session_feed(struct session *s, const uint8_t *p, size_t n);
void session_write(struct session *s);
/* Hold timer, keepalives, patience with a peer that says or reads nothing. */
void session_tick(struct session *s);

/* How a session ends: what counts it, and what a NOTIFICATION says (notify 0: there is none). */
struct ending {
	enum bgp_total counter;
	uint16_t notify;
	const void *data;
	size_t len;
};

/* Without data. */
static inline struct ending
ending_of(enum bgp_total counter, uint16_t notify)
{
	return (struct ending){counter, notify, NULL, 0};
}

/* Ends it: counts, says why in a NOTIFICATION and, in words, in the log. Once is enough. */
void session_end(struct session *s, struct ending e, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* For the end of the program: CEASE with words (RFC 9003); routes stay for a last snapshot. */
void session_shutdown(struct session *s, const char *words);

/* The RIB families of UPDATEs that are read. */
static inline bool
session_reads(const struct session *s, enum bgp_family family)
{
	return s->rules.families & ~s->disabled & 1U << family;
}

/* apply.c: the body of an UPDATE, into RIB and message log. May end the session. */
void apply_update(struct session *s, const uint8_t *body, size_t len);

#endif
