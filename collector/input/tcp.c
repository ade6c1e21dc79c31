#include "collector/input/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/base/wire.h"

#define MESSAGE_MAX    65535u
#define IPFIX_VERSION  10u
#define IPFIX_HEADER   16u
#define IDLE_US	       (3600 * US_PER_S)
#define READS_PER_TURN 16 /* a session's share before others get theirs */

const struct counter_desc tcp_counter_desc[TCP_COUNTERS] = {
    [TCP_SESSIONS] = {"tcp_sessions", NULL, "IPFIX sessions over TCP that are open", COUNTER_GAUGE},
    [TCP_ACCEPTED] = {"tcp_sessions_accepted", NULL, "IPFIX sessions over TCP accepted", COUNTER_SUM},
    [TCP_MESSAGES] = {"tcp_messages", NULL, "IPFIX messages received over TCP", COUNTER_SUM},
    [TCP_REFUSED_FULL] = {"tcp_sessions_refused", "reason=\"too_many\"", "IPFIX sessions over TCP refused",
			  COUNTER_SUM},
    [TCP_REFUSED_DENIED] = {"tcp_sessions_refused", "reason=\"not_in_allow_file\"", NULL, COUNTER_SUM},
    [TCP_CLOSED_FRAMING] = {"tcp_sessions_closed", "reason=\"not_ipfix\"",
			    "IPFIX sessions over TCP closed by us", COUNTER_SUM},
    [TCP_CLOSED_IDLE] = {"tcp_sessions_closed", "reason=\"idle\"", NULL, COUNTER_SUM},
    [TCP_CLOSED_PARTIAL] = {"tcp_messages_cut", NULL, "Messages that the end of their session cut short",
			    COUNTER_SUM},
};

struct session {
	TAILQ_ENTRY(session) link; /* the least recently heard of first */
	int fd;
	uint32_t id;
	struct addr from;
	uint16_t port;
	uint64_t heard_us;
	size_t have;
	/* one message at most: a whole one is always delivered before more is read, so there is always room
	 */
	uint8_t buffer[MESSAGE_MAX];
};

struct tcp_source {
	int epoll;
	int listener;
	int spare; /* a descriptor kept for refuse_one() */
	unsigned sessions, sessions_max;
	uint32_t next_id;
	struct tcp_handlers handlers;
	struct counter_block *counters;
	TAILQ_HEAD(session_list, session) list;
};

/* SO_REUSEADDR, or a restart would have to wait for old sessions to be forgotten by the kernel. */
static int
open_listener(const struct tcp_options *o)
{
	struct sockaddr_storage ss;
	struct addr any = addr_v6_any();
	socklen_t len = addr_to_sockaddr(addr_is_none(&o->address) ? &any : &o->address, o->port, &ss);
	int one = 1, only = o->ipv6_only;
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ss.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	if ((o->interface && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->interface,
					(socklen_t)strlen(o->interface) + 1) < 0) ||
	    bind(fd, (struct sockaddr *)&ss, len) < 0 || listen(fd, 128) < 0) {
		int saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* tag NULL is the listener, else the session. */
static bool
watch(struct tcp_source *s, int fd, void *tag)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = tag};
	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

/* Handlers are copied, counters stay the caller's. */
struct tcp_source *
tcp_source_new(const struct tcp_options *o, const struct tcp_handlers *h, struct counter_block *counters,
	       char *err, size_t errlen)
{
	struct tcp_source *s = calloc(1, sizeof(*s));
	if (!s) {
		snprintf(err, errlen, "no memory for IPFIX over TCP");
		return NULL;
	}
	s->handlers = *h;
	s->counters = counters;
	s->sessions_max = o->sessions_max;
	TAILQ_INIT(&s->list);
	s->listener = open_listener(o);
	s->spare = eventfd(0, EFD_CLOEXEC);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->listener < 0 || s->epoll < 0 || !watch(s, s->listener, NULL)) {
		snprintf(err, errlen, "cannot listen for IPFIX on TCP port %u: %s", o->port, strerror(errno));
		tcp_source_free(s);
		return NULL;
	}
	return s;
}

/* Tells the owner before the memory goes: templates of the session end with it. */
static void
session_close(struct tcp_source *s, struct session *c)
{
	TAILQ_REMOVE(&s->list, c, link);
	close(c->fd);
	s->sessions--;
	counter_set(s->counters, TCP_SESSIONS, s->sessions);
	s->handlers.closed(s->handlers.ctx, c->id, &c->from);
	free(c);
}

/* Also for one that is half made. */
void
tcp_source_free(struct tcp_source *s)
{
	struct session *c;
	if (!s)
		return;
	while ((c = TAILQ_FIRST(&s->list)))
		session_close(s, c);
	if (s->listener >= 0)
		close(s->listener);
	if (s->epoll >= 0)
		close(s->epoll);
	if (s->spare >= 0)
		close(s->spare);
	free(s);
}

/* Readable when any session or the listener is. */
int
tcp_source_fd(const struct tcp_source *s)
{
	return s->epoll;
}

/* Takes a new connection in, or counts why not. Only addresses of the allow list get a buffer. Sessions
 * beyond the limit are closed at once, so that an exporter turns to its next collector instead of waiting.
 */
static void
session_open(struct tcp_source *s, int fd, const struct sockaddr *sa)
{
	struct addr from;
	uint16_t port;
	struct session *c = NULL;
	if (!addr_from_sockaddr(&from, &port, sa) || !s->handlers.allowed(s->handlers.ctx, &from)) {
		counter_add(s->counters, TCP_REFUSED_DENIED, 1);
	} else if (s->sessions >= s->sessions_max || !(c = malloc(sizeof(*c)))) {
		counter_add(s->counters, TCP_REFUSED_FULL, 1);
	} else if (!watch(s, fd, c)) {
		counter_add(s->counters, TCP_REFUSED_FULL, 1);
		free(c);
		c = NULL;
	}
	if (!c) {
		close(fd);
		return;
	}
	c->fd = fd;
	/* 0 stands for UDP */
	if (++s->next_id == 0)
		s->next_id = 1;
	c->id = s->next_id;
	c->from = from;
	c->port = port;
	c->have = 0;
	c->heard_us = clock_monotonic_us();
	TAILQ_INSERT_TAIL(&s->list, c, link);
	s->sessions++;
	counter_add(s->counters, TCP_ACCEPTED, 1);
	counter_set(s->counters, TCP_SESSIONS, s->sessions);
	s->handlers.opened(s->handlers.ctx, c->id, &c->from);
}

/* Without a free descriptor a connection cannot even be turned away, and the listener would stay readable for
 * ever: the spare one makes room for accepting and closing it. */
static bool
refuse_one(struct tcp_source *s)
{
	if (s->spare < 0)
		return false;
	close(s->spare);
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		counter_add(s->counters, TCP_REFUSED_FULL, 1);
	}
	s->spare = eventfd(0, EFD_CLOEXEC);
	return fd >= 0;
}

/* All that wait, bounded by what a listener may hold. Other errors, such as a peer that left before it was
 * accepted, concern one connection; epoll tells of the rest. */
static void
accept_all(struct tcp_source *s)
{
	for (;;) {
		struct sockaddr_storage ss;
		socklen_t len = sizeof(ss);
		int fd = accept4(s->listener, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE) && refuse_one(s))
			continue;
		if (fd < 0)
			return;
		session_open(s, fd, (struct sockaddr *)&ss);
	}
}

/* Hands on every whole message in the buffer and keeps the rest. False when the bytes are no IPFIX. A
 * length below that of the header could never advance, so it ends the session as well. */
static bool
deliver(struct tcp_source *s, struct session *c, uint64_t now)
{
	size_t at = 0;
	while (c->have - at >= 4) {
		size_t len = load_be16(c->buffer + at + 2);
		/* the length is checked before it is waited for: a session of junk ends with its first four
		 * bytes */
		if (load_be16(c->buffer + at) != IPFIX_VERSION || len < IPFIX_HEADER)
			return false;
		if (c->have - at < len)
			break;
		struct datagram d = {.data = c->buffer + at,
				     .len = len,
				     .from = c->from,
				     .port = c->port,
				     .arrival_us = now,
				     .session = c->id};
		s->handlers.message(s->handlers.ctx, &d);
		counter_add(s->counters, TCP_MESSAGES, 1);
		at += len;
	}
	c->have -= at;
	/* at most one incomplete message, once per read */
	memmove(c->buffer, c->buffer + at, c->have);
	return true;
}

/* After its share a session waits for the next round: a fast one must not starve the others, nor the UDP
 * socket of the same thread. End of file, an error and junk all end it the same way: an exporter connects
 * again. */
static void
session_read(struct tcp_source *s, struct session *c)
{
	uint64_t now = clock_now_us();
	c->heard_us = clock_monotonic_us();
	TAILQ_REMOVE(&s->list, c, link);
	TAILQ_INSERT_TAIL(&s->list, c, link);
	/* until the socket is empty or the share is used up */
	for (int i = 0; i < READS_PER_TURN; i++) {
		ssize_t n = recv(c->fd, c->buffer + c->have, MESSAGE_MAX - c->have, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			counter_add(s->counters, TCP_CLOSED_PARTIAL, c->have > 0);
			session_close(s, c);
			return;
		}
		c->have += (size_t)n;
		if (!deliver(s, c, now)) {
			counter_add(s->counters, TCP_CLOSED_FRAMING, 1);
			session_close(s, c);
			return;
		}
	}
}

/* The list is in the order in which sessions were heard of last, so looking at its head is enough. */
static void
close_idle(struct tcp_source *s)
{
	struct session *c = TAILQ_FIRST(&s->list);
	uint64_t now = clock_monotonic_us();
	while (c && now - c->heard_us > IDLE_US) {
		counter_add(s->counters, TCP_CLOSED_IDLE, 1);
		session_close(s, c);
		c = TAILQ_FIRST(&s->list);
	}
}

/* A session is closed only by its own event or as idle, at the end: so no event of the round can be about
 * one that is gone. */
void
tcp_source_run(struct tcp_source *s)
{
	struct epoll_event e[64];
	int n = epoll_wait(s->epoll, e, ARRAY_SIZE(e), 0);
	for (int i = 0; i < n; i++) {
		if (e[i].data.ptr)
			session_read(s, e[i].data.ptr);
		else
			accept_all(s);
	}
	close_idle(s);
}
