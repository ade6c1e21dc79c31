/* See session.h.
 *
 * The peer speaks first: until its OPEN comes we are in Active with the DelayOpenTimer running (RFC 4271,
 * 8.2.1.3), since our OPEN repeats what the peer's said: its AS number unless we have one, its families, its
 * capabilities. So every router can be configured as for a peer of its own kind.
 *
 * What a peer can cost is bounded: one message in memory (partial), one buffer of ours that it does not read
 * (out), one read a turn, and a time for each state. */
#include "bgp/session.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bgp/roster.h"
#include "collector/base/clock.h"

#define OPEN_US	     (60 * US_PER_S)  /* for the peer's OPEN, and for what confirms ours */
#define SEND_HOLD_US (480 * US_PER_S) /* RFC 9687, 4: at least eight minutes, or twice the hold time */
#define OUT_ROOM     8192
#define LOG_TEXT     160

struct session *
session_new(struct bgp_world *w, int fd, const struct addr *address, uint16_t port)
{
	struct session *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->world = w;
	s->fd = fd;
	s->state = BGP_ACTIVE;
	s->address = *address;
	s->port = port;
	s->begun_us = s->heard_us = s->sent_us = w->now_us;
	w->opening++;
	return s;
}

/* A peer's entry that was never published is the session's own. */
void
session_free(struct session *s)
{
	if (!s->dead)
		*(s->state == BGP_ESTABLISHED ? &s->world->established : &s->world->opening) -= 1;
	if (!s->member)
		free(s->peer);
	if (s->fd >= 0)
		close(s->fd);
	free(s->partial);
	free(s->out);
	free(s);
}

/* --- what we say --- */

/* What the socket does not take waits. The peer that lets it fill up does not read at all. */
static void
say(struct session *s, const uint8_t *p, size_t n)
{
	ssize_t sent = s->out_have ? 0 : send(s->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0)
		sent = 0; /* a broken connection shows when it is read */
	s->sent_us = s->world->now_us;
	if ((size_t)sent == n)
		return;
	if (!s->out)
		s->out = malloc(OUT_ROOM);
	size_t rest = n - (size_t)sent;
	if (!s->out || rest > OUT_ROOM - s->out_have)
		return; /* the send hold timer is running */
	if (s->out_have == 0)
		s->blocked_us = s->world->now_us;
	memcpy(s->out + s->out_have, p + sent, rest);
	s->out_have += (uint32_t)rest;
}

void
session_write(struct session *s)
{
	ssize_t sent = s->out_have ? send(s->fd, s->out, s->out_have, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
	if (sent <= 0)
		return;
	s->out_have -= (uint32_t)sent;
	memmove(s->out, s->out + sent, s->out_have);
	s->blocked_us = s->out_have ? s->world->now_us : 0;
	if (s->out_have == 0) {
		free(s->out);
		s->out = NULL;
	}
}

/* One that waits already is enough. */
static void
say_keepalive(struct session *s)
{
	uint8_t message[BGP_HEADER_BYTES];
	if (s->out_have == 0)
		say(s, message, bgp_keepalive_write(message));
}

static void
say_notification(struct session *s, const struct ending *e)
{
	uint8_t message[BGP_MESSAGE_MAX];
	bgp_total(s->world, BGP_TOTAL_NOTIFICATIONS_OUT, 1);
	say(s, message, bgp_notification_write(message, e->notify, e->data, e->len));
}

/* We have no routes to tell, and say so at once: a router that restarts waits for this from all peers that
 * know graceful restart before it chooses routes (RFC 4724, 4.1). */
static void
say_end_of_rib(struct session *s)
{
	uint8_t message[BGP_HEADER_BYTES + 11];
	for (unsigned f = 0; f < BGP_FAMILIES && s->grace.any; f++)
		if (s->rules.families & 1U << f)
			say(s, message, bgp_end_of_rib_write(message, (enum bgp_family)f));
}

/* --- ends --- */

/* RFC 4724, 4.2: routes stay when the connection was lost. RFC 8538, 4: and after a NOTIFICATION, if both
 * said so and it is no hard reset. */
static bool
keeps_routes(const struct session *s, const struct ending *e)
{
	switch (e->counter) {
	case BGP_TOTAL_CLOSED_BY_PEER:
	case BGP_TOTAL_CLOSED_TRANSPORT:
	case BGP_TOTAL_CLOSED_REPLACED:
		return s->grace.any;
	case BGP_TOTAL_CLOSED_HOLD:
	case BGP_TOTAL_CLOSED_NOT_READING:
		return s->grace.notify;
	case BGP_TOTAL_CLOSED_NOTIFIED:
		return s->grace.notify && e->len >= 2 && load_be16(e->data) != BGP_NOTIFY(BGP_ERR_CEASE, 9);
	default:
		return false;
	}
}

static void
log_end(struct session *s, enum bgp_total counter)
{
	char who[ADDR_TEXT_MAX], held[64];
	struct log_limit *limit = s->member ? &s->member->down_limit : &s->world->limit[counter];
	if (!bgp_may_log(limit, held, sizeof(held)))
		return;
	addr_format(who, &s->address);
	if (s->member)
		log_warn("BGP peer %s: session ended: %s%s", who, s->why, held);
	else
		log_info("BGP connection from %s ended before it was established: %s%s", who, s->why, held);
}

/* An unread byte would turn our close into a reset, and the peer might never see the NOTIFICATION. */
static void
hang_up(struct session *s)
{
	uint8_t rest[4096];
	shutdown(s->fd, SHUT_WR);
	for (unsigned i = 0; i < 64; i++)
		if (recv(s->fd, rest, sizeof(rest), MSG_DONTWAIT) <= 0)
			break;
	close(s->fd);
	s->fd = -1;
}

void
session_end(struct session *s, struct ending e, const char *fmt, ...)
{
	va_list args;
	if (s->dead)
		return;
	va_start(args, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, args);
	va_end(args);
	if (e.notify)
		say_notification(s, &e);
	*(s->state == BGP_ESTABLISHED ? &s->world->established : &s->world->opening) -= 1;
	bgp_total(s->world, e.counter, 1);
	log_end(s, e.counter);
	if (s->member)
		roster_down(s->world->roster, s, keeps_routes(s, &e));
	s->state = BGP_IDLE;
	s->dead = s->world->reap = true;
	hang_up(s);
}

void
session_shutdown(struct session *s, const char *words)
{
	uint8_t data[256];
	size_t n = strnlen(words, sizeof(data) - 1);
	data[0] = (uint8_t)n;
	memcpy(data + 1, words, n);
	struct ending e = {BGP_TOTAL_CLOSED_ENDING, BGP_NOTIFY(BGP_ERR_CEASE, 2), data, n + 1};
	say_notification(s, &e);
	bgp_total(s->world, e.counter, 1);
	hang_up(s);
}

/* An error that the peer made, by its code. */
static void
fault(struct session *s, enum bgp_total counter, uint16_t notify, const void *data, size_t n)
{
	session_end(s, (struct ending){counter, notify, data, n}, "%s (sent)", bgp_error_name(notify));
}

/* --- OPEN --- */

/* What we say of ourselves: what the peer said, where it makes sense for one that only listens. */
static struct bgp_open
answer_to(const struct session *s, const struct bgp_open *theirs)
{
	const struct bgp_config *c = s->world->config;
	static const int other_role[] = {3, 2, 1, 0, 4}; /* RFC 9234, 4.2 */
	struct bgp_open o = *theirs;
	o.as = c->as ? c->as : theirs->as;
	o.as2 = o.as > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)o.as;
	o.id = c->id;
	o.add_path_receive = c->add_path ? theirs->add_path_send : 0;
	o.add_path_send = 0;
	/* we help others restart and keep no forwarding state ourselves (RFC 4724, 4) */
	o.graceful = o.graceful_forwarding = 0;
	o.restart_time = 0;
	o.restarted = false;
	o.long_lived_time = 0;
	o.role =
	    theirs->role >= 0 && theirs->role < (int)ARRAY_SIZE(other_role) ? other_role[theirs->role] : -1;
	if (theirs->host[0])
		memcpy(o.host, c->host, sizeof(o.host));
	o.domain[0] = '\0';
	return o;
}

static void
keep_grace(struct grace *g, const struct bgp_open *theirs)
{
	g->any = theirs->graceful_any;
	g->notify = theirs->graceful_any && theirs->graceful_notify;
	g->families = theirs->graceful;
	g->forwarding = theirs->graceful_forwarding;
	/* RFC 9494, 4.2: families that are not also restarted gracefully are long-lived at once */
	g->us = theirs->graceful ? theirs->restart_time * US_PER_S : 0;
	g->long_lived_us = theirs->long_lived_time * US_PER_S;
	/* FRR announces the capability by default, with no time */
	g->long_lived = g->any && g->long_lived_us ? theirs->long_lived : 0;
	g->families |= g->long_lived;
}

static struct bgp_peer *
new_peer(const struct session *s, const struct bgp_open *ours, const struct bgp_open *theirs)
{
	struct bgp_peer *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->address = s->address;
	p->port = s->port;
	p->id = theirs->id;
	p->as = theirs->as;
	p->local_as = ours->as;
	p->slot = p->stale = RIB_NO_SLOT;
	p->state = BGP_OPEN_CONFIRM;
	p->since_us = clock_now_us();
	p->families = s->rules.families;
	p->add_path = s->rules.add_path;
	p->ebgp = s->rules.ebgp;
	p->hold_time = s->hold_time;
	memcpy(p->host, theirs->host, sizeof(p->host));
	p->host[sizeof(p->host) - 1] = '\0';
	return p;
}

/* RFC 4271, 6.8, for connections that all come from the peer. The older session stays if it lives: half its
 * hold time without a word (the peer speaks every third of it) says that it does not. With graceful restart
 * the new connection proves that the old one is gone (RFC 4724, 4.2). Where we refuse, a KEEPALIVE on the old
 * one makes a rebooted peer reset it, and the next attempt succeeds. */
static bool
wins_over(struct session *s, struct session *old, const struct bgp_open *theirs)
{
	uint64_t quiet = s->world->now_us - old->heard_us;
	bool restarted = old->grace.any && theirs->graceful_any;
	bool silent = old->hold_time && quiet > old->hold_time * US_PER_S / 2;
	if (restarted || silent) {
		session_end(
		    old, ending_of(BGP_TOTAL_CLOSED_REPLACED, restarted ? 0 : BGP_NOTIFY(BGP_ERR_CEASE, 7)),
		    restarted ? "the peer restarted and connected again"
			      : "the peer was silent and connected again");
		return true;
	}
	say_keepalive(old);
	session_end(
	    s, ending_of(BGP_TOTAL_REFUSED_COLLISION, BGP_NOTIFY(BGP_ERR_CEASE, 7)),
	    "the peer has an established session from port %u, last heard %llu s ago (collision, sent)",
	    old->port, (unsigned long long)(quiet / US_PER_S));
	return false;
}

/* May a session with this peer be? Ends it if not. */
static bool
admit(struct session *s, const struct bgp_open *theirs)
{
	struct bgp_world *w = s->world;
	const struct bgp_config *c = w->config;
	struct member *m = roster_find(w->roster, &s->address, theirs->id);
	if (m && m->session && !wins_over(s, m->session, theirs))
		return false;
	struct session *other =
	    c->id_check ? roster_session_elsewhere(w->roster, &s->address, theirs->id) : NULL;
	if (other) {
		char text[ADDR_TEXT_MAX];
		addr_format(text, &other->address);
		session_end(s, ending_of(BGP_TOTAL_REFUSED_ID, BGP_NOTIFY(BGP_ERR_OPEN, 3)),
			    "%s has a session with the same BGP identifier; if both are right, set "
			    "bgp_disable_router_id_check",
			    text);
		return false;
	}
	if (w->established < c->max_peers)
		return true;
	session_end(s, ending_of(BGP_TOTAL_REFUSED_FULL, BGP_NOTIFY(BGP_ERR_CEASE, 8)),
		    "%u peers have sessions already; raise bgp_daemon_max_peers", w->established);
	return false;
}

/* RFC 4271, 8.2.2, event 20 in Active. Our hold time is theirs, so what is agreed on is theirs. */
static void
on_open(struct session *s, const uint8_t *body, size_t len)
{
	struct bgp_open theirs;
	uint16_t notify;
	uint8_t data[2], message[BGP_MESSAGE_MAX];
	if (!bgp_open_parse(&theirs, body, len, &notify)) {
		fault(s, BGP_TOTAL_CLOSED_OPEN, notify, data, bgp_open_error_data(notify, data));
		return;
	}
	if (!admit(s, &theirs))
		return;
	struct bgp_open ours = answer_to(s, &theirs);
	s->rules = bgp_rules_of(&ours, &theirs);
	s->long_messages = theirs.ext_message;
	s->hold_time = theirs.hold_time;
	keep_grace(&s->grace, &theirs);
	s->peer = new_peer(s, &ours, &theirs);
	if (!s->peer) {
		fault(s, BGP_TOTAL_CLOSED_MEMORY, BGP_NOTIFY(BGP_ERR_CEASE, 8), NULL, 0);
		return;
	}
	say(s, message, bgp_open_write(message, sizeof(message), &ours));
	say_keepalive(s);
	s->heard_us = s->world->now_us;
	s->state = BGP_OPEN_CONFIRM;
}

/* --- the other messages --- */

/* Event 26 in OpenConfirm. Another connection of the peer may have been faster since its OPEN. */
static void
on_confirm(struct session *s, const uint8_t *body, size_t len)
{
	struct bgp_world *w = s->world;
	(void)body, (void)len;
	struct member *m = roster_find(w->roster, &s->address, s->peer->id);
	if ((m && m->session) || w->established >= w->config->max_peers) {
		session_end(s,
			    ending_of(m && m->session ? BGP_TOTAL_REFUSED_COLLISION : BGP_TOTAL_REFUSED_FULL,
				      BGP_NOTIFY(BGP_ERR_CEASE, m && m->session ? 7 : 8)),
			    "another connection was established first");
		return;
	}
	if (!roster_up(w->roster, s)) {
		fault(s, BGP_TOTAL_CLOSED_MEMORY, BGP_NOTIFY(BGP_ERR_CEASE, 8), NULL, 0);
		return;
	}
	s->state = BGP_ESTABLISHED;
	s->heard_us = w->now_us;
	w->opening--;
	w->established++;
	bgp_total(w, BGP_TOTAL_SESSIONS, 1);
	say_end_of_rib(s);
}

static void
on_keepalive(struct session *s, const uint8_t *body, size_t len)
{
	(void)body, (void)len;
	s->heard_us = s->world->now_us;
}

static void
on_update(struct session *s, const uint8_t *body, size_t len)
{
	s->heard_us = s->world->now_us;
	bgp_peer_count(&s->peer->counter[BGP_PEER_UPDATES_IN], 1);
	bgp_total(s->world, BGP_TOTAL_UPDATES_IN, 1);
	apply_update(s, body, len);
}

/* The text is the peer's: it is made printable by what writes it. */
static void
on_notification(struct session *s, const uint8_t *body, size_t len)
{
	char text[100];
	bgp_notification_text(text, sizeof(text), body, len);
	session_end(s, (struct ending){BGP_TOTAL_CLOSED_NOTIFIED, 0, body, len}, "%s (received)", text);
}

/* Requests ask for routes of ours, which there are none of. */
static void
on_refresh(struct session *s, const uint8_t *body, size_t len)
{
	enum bgp_family family;
	uint8_t subtype;
	uint16_t notify;
	if (!bgp_refresh_parse(body, len, &family, &subtype, &notify)) {
		fault(s, BGP_TOTAL_CLOSED_REFRESH, notify, body, len);
		return;
	}
	if (family >= BGP_RIB_FAMILIES || !session_reads(s, family))
		return;
	if (subtype == 1)
		roster_refresh_begin(s->world->roster, s->member, family);
	else if (subtype == 2)
		roster_refresh_end(s->world->roster, s->member, family);
}

/* What may come in which state; all else is an error of the state machine (RFC 4271, 6.6; RFC 6608). */
typedef void handler(struct session *s, const uint8_t *body, size_t len);
static handler *const handlers[BGP_ESTABLISHED + 1][BGP_ROUTE_REFRESH + 1] = {
    [BGP_ACTIVE] = {[BGP_OPEN] = on_open, [BGP_NOTIFICATION] = on_notification},
    [BGP_OPEN_CONFIRM] = {[BGP_KEEPALIVE] = on_confirm, [BGP_NOTIFICATION] = on_notification},
    [BGP_ESTABLISHED] = {[BGP_UPDATE] = on_update,
			 [BGP_KEEPALIVE] = on_keepalive,
			 [BGP_ROUTE_REFRESH] = on_refresh,
			 [BGP_NOTIFICATION] = on_notification},
};

static void
on_message(struct session *s, enum bgp_message type, const uint8_t *message, size_t len)
{
	static const uint8_t subcode[] = {[BGP_ACTIVE] = 1, [BGP_OPEN_CONFIRM] = 2, [BGP_ESTABLISHED] = 3};
	handler *h = handlers[s->state][type];
	bgp_total(s->world, BGP_TOTAL_MESSAGES_IN, 1);
	if (s->peer)
		bgp_peer_count(&s->peer->counter[BGP_PEER_MESSAGES_IN], 1);
	if (h) {
		h(s, message + BGP_HEADER_BYTES, len - BGP_HEADER_BYTES);
		return;
	}
	uint8_t data = (uint8_t)type; /* RFC 6608, 3 */
	fault(s, BGP_TOTAL_CLOSED_FSM, BGP_NOTIFY(BGP_ERR_FSM, subcode[s->state]), &data, 1);
}

/* --- bytes --- */

/* The length of the message at p, 0 when its header is not whole, -1 when the session ended for it. */
static int
message_length(struct session *s, const uint8_t *p, size_t n, enum bgp_message *type)
{
	uint16_t notify = 0;
	uint8_t data[2];
	unsigned data_len = 0;
	int len = bgp_header_parse(p, n, s->long_messages, type, &notify, data, &data_len);
	if (len < 0)
		fault(s, BGP_TOTAL_CLOSED_HEADER, notify, data, data_len);
	return len;
}

/* Room for a message of len bytes, exactly: two thousand sessions may all have one half there. */
static bool
partial_room(struct session *s, size_t len)
{
	if (len <= s->partial_room)
		return true;
	uint8_t *p = realloc(s->partial, len);
	if (!p) {
		fault(s, BGP_TOTAL_CLOSED_MEMORY, BGP_NOTIFY(BGP_ERR_CEASE, 8), NULL, 0);
		return false;
	}
	s->partial = p;
	s->partial_room = (uint32_t)len;
	return true;
}

static void
partial_done(struct session *s)
{
	free(s->partial);
	s->partial = NULL;
	s->partial_have = s->partial_room = 0;
}

/* Fills the message begun earlier. Returns how many of the n bytes it took. */
static size_t
feed_partial(struct session *s, const uint8_t *p, size_t n)
{
	enum bgp_message type;
	int len = message_length(s, s->partial, s->partial_have, &type);
	size_t want = len > 0 ? (size_t)len : BGP_HEADER_BYTES;
	if (len < 0 || !partial_room(s, want))
		return n;
	size_t take = want - s->partial_have < n ? want - s->partial_have : n;
	memcpy(s->partial + s->partial_have, p, take);
	s->partial_have += (uint32_t)take;
	if (s->partial_have < want)
		return take;
	if (len == 0) {
		len = message_length(s, s->partial, s->partial_have, &type);
		if (len > BGP_HEADER_BYTES)
			return take;
	}
	if (len > 0)
		on_message(s, type, s->partial, (size_t)len);
	partial_done(s);
	return take;
}

/* Begins a message whose end is not there. */
static void
keep_partial(struct session *s, const uint8_t *p, size_t n, int len)
{
	if (!partial_room(s, len ? (size_t)len : BGP_HEADER_BYTES))
		return;
	memcpy(s->partial, p, n);
	s->partial_have = (uint32_t)n;
}

void
session_feed(struct session *s, const uint8_t *p, size_t n)
{
	while (n && s->partial && !s->dead) {
		size_t took = feed_partial(s, p, n);
		p += took;
		n -= took;
	}
	while (n && !s->dead) {
		enum bgp_message type;
		int len = message_length(s, p, n, &type);
		if (len < 0)
			return;
		if (len == 0 || (size_t)len > n) {
			keep_partial(s, p, n, len);
			return;
		}
		on_message(s, type, p, (size_t)len);
		p += len;
		n -= (size_t)len;
	}
}

void
session_read(struct session *s, uint8_t *buffer, size_t room)
{
	ssize_t n = recv(s->fd, buffer, room, MSG_DONTWAIT);
	s->behind = n == (ssize_t)room;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 0)
		session_end(s, ending_of(BGP_TOTAL_CLOSED_BY_PEER, 0), "the peer closed the connection");
	if (n < 0)
		session_end(s, ending_of(BGP_TOTAL_CLOSED_TRANSPORT, 0), "%s", strerror(errno));
	if (n <= 0)
		return;
	bgp_total(s->world, BGP_TOTAL_BYTES_IN, (uint64_t)n);
	if (s->peer)
		bgp_peer_count(&s->peer->counter[BGP_PEER_BYTES_IN], (uint64_t)n);
	session_feed(s, buffer, (size_t)n);
}

/* --- timers --- */

static uint64_t
since(const struct session *s, uint64_t then)
{
	return s->world->now_us - then;
}

/* RFC 4271, 6.5. A peer whose bytes wait in our socket is not silent: it is us who are behind. */
static void
tick_hold(struct session *s)
{
	uint64_t hold = s->hold_time * US_PER_S;
	if (s->state == BGP_ESTABLISHED && (hold == 0 || s->behind || since(s, s->heard_us) <= hold))
		return;
	if (s->state != BGP_ESTABLISHED && since(s, s->begun_us) <= OPEN_US)
		return;
	if (s->state == BGP_ESTABLISHED)
		session_end(s, ending_of(BGP_TOTAL_CLOSED_HOLD, BGP_NOTIFY(BGP_ERR_HOLD_TIMER, 0)),
			    "Hold Timer Expired (sent): nothing heard for %u s", s->hold_time);
	else
		session_end(s, ending_of(BGP_TOTAL_CLOSED_SILENT, BGP_NOTIFY(BGP_ERR_HOLD_TIMER, 0)),
			    "Hold Timer Expired (sent): in state %s for too long", bgp_state_name(s->state));
}

/* RFC 9687: who does not read for long is not there. */
static void
tick_send(struct session *s)
{
	uint64_t patience = 2 * s->hold_time * US_PER_S;
	if (patience < SEND_HOLD_US)
		patience = SEND_HOLD_US;
	if (s->blocked_us && since(s, s->blocked_us) > patience)
		session_end(s, ending_of(BGP_TOTAL_CLOSED_NOT_READING, BGP_NOTIFY(8, 0)),
			    "Send Hold Timer Expired: the peer does not read what we say");
	else if (s->state > BGP_ACTIVE && s->hold_time && since(s, s->sent_us) >= s->hold_time * US_PER_S / 3)
		say_keepalive(s);
}

void
session_tick(struct session *s)
{
	if (!s->dead)
		tick_hold(s);
	if (!s->dead)
		tick_send(s);
}
