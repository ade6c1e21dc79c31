/* One session of the feeder: connects, says OPEN, sends its table, keeps itself alive. */
#ifndef FLOWRIB_TOOLS_BGPFEED_SESSION_H
#define FLOWRIB_TOOLS_BGPFEED_SESSION_H

#include "tools/bgpfeed/routes.h"
#include "tools/bgpfeed/table.h"

enum state { S_IDLE, S_CONNECTING, S_OPEN_SENT, S_OPEN_CONFIRM, S_ESTABLISHED };

/* What all sessions have in common. */
struct feed {
	struct table table;
	struct addr to, from; /* the listener; the first local address */
	uint16_t port;
	uint16_t hold;
	int restart;
	struct prefix marker; /* len 255: none */
	bool no_v6;
	int epoll;
	uint64_t bytes, updates, routes, downs; /* totals */
};

struct session {
	struct feed *feed;
	const struct routes *routes; /* NULL: the table */
	struct speaker speaker;
	enum state state;
	int fd;
	uint8_t in[BGP_MESSAGE_MAX];
	size_t in_len;
	uint8_t *out;
	size_t out_from, out_to;
	bool want_write;
	struct table_cursor cursor;
	bool announcing, sent;
	uint16_t hold;		    /* agreed on */
	double again, alive, begun; /* when to connect, when to say KEEPALIVE, since when established */
	uint64_t bytes;
	char why[160]; /* the last end */
};

enum { OUT_ROOM = TABLE_ROOM + 128 * 1024 };

/* Seconds that never go back. */
double now_s(void);

/* Each changes s->state; a session that ended says why and is due again at s->again. */
void session_connect(struct session *s);
/* What epoll said. */
void session_event(struct session *s, uint32_t events);
/* Timers; called every few milliseconds. */
void session_tick(struct session *s, double now);
/* Announces the whole table (again). */
void session_announce(struct session *s);
/* Makes the k-th change ready, for session_flush to send; false when the buffer has no room. */
bool session_change(struct session *s, uint64_t k);
void session_flush(struct session *s);
/* Ends it: with a NOTIFICATION, or as a crash would (RST). */
void session_end(struct session *s, bool crash, double again_in);

#endif
