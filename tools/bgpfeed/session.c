/* Sockets never block. Messages are made into the buffer of the session when it is nearly empty, so that a
 * session costs memory only while its table is on the way. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "collector/base/wire.h"
#include "tools/bgpfeed/session.h"

double
now_s(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void close_down(struct session *s, double again_in, const char *why, ...) PRINTF_LIKE(3, 4);

static void
close_down(struct session *s, double again_in, const char *why, ...)
{
	va_list args;
	va_start(args, why);
	vsnprintf(s->why, sizeof(s->why), why, args);
	va_end(args);
	if (s->state == S_ESTABLISHED || s->state == S_OPEN_CONFIRM || s->state == S_OPEN_SENT) {
		s->feed->downs++;
		printf("{\"event\": \"down\", \"peer\": %u, \"why\": \"%s\"}\n", s->speaker.number, s->why);
		fflush(stdout);
	}
	close(s->fd);
	s->fd = -1;
	s->state = S_IDLE;
	s->in_len = s->out_from = s->out_to = 0;
	s->announcing = s->sent = false;
	s->again = now_s() + again_in;
}

/* The i-th address from a first one. */
static struct addr
nth(struct addr a, uint32_t i)
{
	a.w[3] = __builtin_bswap32(__builtin_bswap32(a.w[3]) + i);
	return a;
}

void
session_connect(struct session *s)
{
	struct feed *f = s->feed;
	struct sockaddr_storage from, to;
	struct addr local = nth(f->from, s->speaker.number);
	socklen_t from_len = addr_to_sockaddr(&local, 0, &from),
		  to_len = addr_to_sockaddr(&f->to, f->port, &to);
	int one = 1, size = 1 << 20;
	s->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0) {
		close_down(s, 1, "socket: %s", strerror(errno));
		return;
	}
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (bind(s->fd, (struct sockaddr *)&from, from_len) != 0 ||
	    (connect(s->fd, (struct sockaddr *)&to, to_len) != 0 && errno != EINPROGRESS)) {
		close_down(s, 0.3, "connect: %s", strerror(errno));
		return;
	}
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = s};
	epoll_ctl(f->epoll, EPOLL_CTL_ADD, s->fd, &e);
	s->want_write = true;
	s->state = S_CONNECTING;
}

static void
watch(struct session *s, bool write)
{
	if (write == s->want_write || s->fd < 0)
		return;
	struct epoll_event e = {.events = EPOLLIN | (write ? (uint32_t)EPOLLOUT : 0), .data.ptr = s};
	epoll_ctl(s->feed->epoll, EPOLL_CTL_MOD, s->fd, &e);
	s->want_write = write;
}

/* Room for n more bytes of messages, or NULL. */
static uint8_t *
room(struct session *s, size_t n)
{
	if (!s->out && !(s->out = malloc(OUT_ROOM)))
		return NULL;
	if (s->out_from == s->out_to)
		s->out_from = s->out_to = 0;
	return OUT_ROOM - s->out_to >= n ? s->out + s->out_to : NULL;
}

static void
table_done(struct session *s)
{
	struct feed *f = s->feed;
	uint8_t *p = s->out + s->out_to;
	if (f->marker.len != 255) {
		uint8_t nlri[17];
		struct said said = {.has_local_pref = s->speaker.internal,
				    .local_pref = 100,
				    .path = {s->speaker.as},
				    .hops = !s->speaker.internal};
		struct nlri_run run = {.p = nlri, .v6 = !addr_is_v4(&f->marker.addr)};
		run.len = (size_t)(nlri_put(nlri, &f->marker) - nlri);
		said.next_hop = nth(f->from, s->speaker.number);
		p = message_announce(p, &said, run);
		s->cursor.routes++;
		s->cursor.updates++;
	}
	p = message_end_of_rib(p, false);
	if (s->speaker.v6)
		p = message_end_of_rib(p, true);
	s->out_to = (size_t)(p - s->out);
	s->announcing = false;
}

/* The routes of a file, as far as there is room; the cursor's origin counts bytes here. */
static bool
compose_routes(struct session *s)
{
	size_t left = s->routes->len - s->cursor.origin;
	size_t n = OUT_ROOM - s->out_to - 3 * MESSAGE_ROOM;
	n = n < left ? n : left;
	memcpy(s->out + s->out_to, s->routes->updates + s->cursor.origin, n);
	s->out_to += n;
	s->cursor.origin += (uint32_t)n;
	s->cursor.routes = s->cursor.updates = s->routes->n;
	return n == left;
}

/* Fills an empty buffer with the next part of the table. */
static void
compose(struct session *s)
{
	const struct table *t = &s->feed->table;
	if (!room(s, OUT_ROOM))
		return;
	bool done;
	if (s->routes) {
		done = compose_routes(s);
	} else {
		uint8_t *end =
		    table_announce(t, &s->speaker, &s->cursor, s->out, s->out + OUT_ROOM - 3 * MESSAGE_ROOM);
		s->out_to = (size_t)(end - s->out);
		done = s->cursor.origin == t->origins;
	}
	if (done)
		table_done(s);
}

static void
tell_sent(struct session *s)
{
	struct feed *f = s->feed;
	s->sent = true;
	f->routes += s->cursor.routes;
	f->updates += s->cursor.updates;
	printf("{\"event\": \"sent\", \"peer\": %u, \"routes\": %llu, \"updates\": %llu, \"bytes\": %llu, "
	       "\"seconds\": %.3f}\n",
	       s->speaker.number, (unsigned long long)s->cursor.routes, (unsigned long long)s->cursor.updates,
	       (unsigned long long)s->bytes, now_s() - s->begun);
	fflush(stdout);
}

/* Writes until the socket takes no more, a megabyte at a time so that all sessions get their turn. */
static void
push(struct session *s)
{
	for (size_t budget = 1 << 20; budget && s->fd >= 0;) {
		if (s->out_from == s->out_to && s->announcing)
			compose(s);
		if (s->out_from == s->out_to)
			break;
		ssize_t n = send(s->fd, s->out + s->out_from, s->out_to - s->out_from, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			watch(s, true);
			return;
		}
		if (n < 0) {
			close_down(s, 1, "send: %s", strerror(errno));
			return;
		}
		s->out_from += (size_t)n;
		s->bytes += (size_t)n;
		s->feed->bytes += (size_t)n;
		budget -= (size_t)n < budget ? (size_t)n : budget;
	}
	bool empty = s->out_from == s->out_to;
	if (empty && !s->announcing && !s->sent && s->state == S_ESTABLISHED)
		tell_sent(s);
	watch(s, !empty || s->announcing);
}

static void
say_open(struct session *s)
{
	struct feed *f = s->feed;
	struct addr local = nth(f->from, s->speaker.number);
	struct open_said o = {
	    .as = s->speaker.as, .hold = f->hold, .v4 = true, .v6 = !f->no_v6, .restart = f->restart};
	/* an identifier that no other session has, also where local addresses are IPv6 */
	o.id = addr_is_v4(&local) ? __builtin_bswap32(local.w[3]) : 0x0a000001 + s->speaker.number;
	uint8_t *p = room(s, MESSAGE_ROOM);
	if (p)
		s->out_to = (size_t)(message_open(p, &o) - s->out);
	s->state = S_OPEN_SENT;
	push(s);
}

static void
say_keepalive(struct session *s)
{
	uint8_t *p = room(s, MESSAGE_ROOM);
	if (p)
		s->out_to = (size_t)(message_keepalive(p) - s->out);
	s->alive = now_s() + (s->hold ? s->hold / 3.0 : 1e9);
	push(s);
}

void
session_announce(struct session *s)
{
	if (s->state != S_ESTABLISHED)
		return;
	s->cursor = (struct table_cursor){0};
	s->announcing = true;
	s->sent = false;
	s->begun = now_s();
	s->bytes = 0;
	push(s);
}

/* --- what the collector says --- */

/* True when the capabilities have four-octet AS numbers (RFC 6793); without them our paths would be
 * misread. *v6: IPv6 unicast is among the families (RFC 4760, 8). */
static bool
read_capabilities(struct wire w, bool *v6)
{
	bool as4 = false;
	*v6 = false;
	while (wire_left(&w) >= 2) {
		uint8_t type = wire_u8(&w);
		struct wire parameter = wire_sub(&w, wire_u8(&w));
		while (type == 2 && wire_left(&parameter) >= 2) {
			uint8_t code = wire_u8(&parameter);
			struct wire value = wire_sub(&parameter, wire_u8(&parameter));
			as4 |= code == BGP_CAP_AS4;
			*v6 |= code == BGP_CAP_MULTIPROTOCOL && wire_u16(&value) == BGP_AFI_IPV6 &&
			       wire_u16(&value) == BGP_SAFI_UNICAST;
		}
	}
	return as4;
}

static void
heard_open(struct session *s, struct wire w)
{
	wire_skip(&w, 3);
	uint16_t hold = wire_u16(&w);
	wire_skip(&w, 4);
	struct wire parameters = wire_sub(&w, wire_u8(&w));
	bool v6;
	if (s->state != S_OPEN_SENT)
		close_down(s, 1, "OPEN at the wrong time");
	else if (!read_capabilities(parameters, &v6))
		close_down(s, 1, "the other side does not speak four-octet AS numbers");
	else {
		s->speaker.v6 = v6 && !s->feed->no_v6;
		s->hold = hold < s->feed->hold ? hold : s->feed->hold;
		s->state = S_OPEN_CONFIRM;
		say_keepalive(s);
	}
}

static void
heard_keepalive(struct session *s)
{
	if (s->state != S_OPEN_CONFIRM)
		return;
	s->state = S_ESTABLISHED;
	printf("{\"event\": \"up\", \"peer\": %u}\n", s->speaker.number);
	fflush(stdout);
	session_announce(s);
}

static void
heard(struct session *s, uint8_t type, const uint8_t *body, size_t len)
{
	if (type == BGP_OPEN)
		heard_open(s, wire_over(body, len));
	else if (type == BGP_KEEPALIVE)
		heard_keepalive(s);
	else if (type == BGP_NOTIFICATION)
		close_down(s, 1, "notification %u/%u", len ? body[0] : 0U, len > 1 ? body[1] : 0U);
}

static void
pull(struct session *s)
{
	ssize_t n = recv(s->fd, s->in + s->in_len, sizeof(s->in) - s->in_len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_down(s, 1, "%s", n < 0 ? strerror(errno) : "closed by the other side");
		return;
	}
	s->in_len += (size_t)n;
	size_t at = 0;
	while (s->fd >= 0 && s->in_len - at >= BGP_HEADER_BYTES) {
		size_t len = load_be16(s->in + at + 16);
		if (len < BGP_HEADER_BYTES || len > sizeof(s->in)) {
			close_down(s, 1, "a message of %zu bytes", len);
			return;
		}
		if (s->in_len - at < len)
			break;
		heard(s, s->in[at + 18], s->in + at + BGP_HEADER_BYTES, len - BGP_HEADER_BYTES);
		at += len;
	}
	if (s->fd >= 0) {
		memmove(s->in, s->in + at, s->in_len - at);
		s->in_len -= at;
	}
}

static void
connected(struct session *s)
{
	int error = 0;
	socklen_t len = sizeof(error);
	getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error)
		close_down(s, 0.3, "connect: %s", strerror(error));
	else
		say_open(s);
}

void
session_event(struct session *s, uint32_t events)
{
	if (s->state == S_CONNECTING) {
		connected(s);
		return;
	}
	if (s->fd >= 0 && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		pull(s);
	if (s->fd >= 0 && events & EPOLLOUT)
		push(s);
}

void
session_tick(struct session *s, double now)
{
	if ((s->state == S_ESTABLISHED || s->state == S_OPEN_CONFIRM) && now >= s->alive)
		say_keepalive(s);
}

bool
session_change(struct session *s, uint64_t k)
{
	uint8_t *p = s->state == S_ESTABLISHED && s->sent && !s->routes ? room(s, MESSAGE_ROOM) : NULL;
	if (!p)
		return false;
	uint64_t routes = 0;
	s->out_to = (size_t)(table_change(&s->feed->table, &s->speaker, k, p, &routes) - s->out);
	s->feed->routes += routes;
	s->feed->updates++;
	return true;
}

void
session_flush(struct session *s)
{
	if (s->fd >= 0 && s->out_from != s->out_to)
		push(s);
}

void
session_end(struct session *s, bool crash, double again_in)
{
	if (s->state == S_IDLE)
		return;
	struct linger now = {.l_onoff = 1, .l_linger = 0};
	uint8_t *p = crash ? NULL : room(s, MESSAGE_ROOM);
	if (crash) {
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	} else if (p) {
		s->out_to = (size_t)(message_cease(p, 2) - s->out); /* administrative shutdown, RFC 4486 */
		push(s);
	}
	if (s->fd >= 0)
		close_down(s, again_in, "ended here");
}
