/* IPFIX over TCP (RFC 7011, 10.4): a stream of messages, each with its length in front.
 *
 * A listener and its sessions stand behind one epoll descriptor, so that a source thread waits for them as
 * for one socket. A session that sends what cannot be IPFIX is closed: a stream without framing cannot be
 * resumed. Slow senders cost a buffer and nothing else. */
#ifndef FLOWRIB_INPUT_TCP_H
#define FLOWRIB_INPUT_TCP_H

#include "collector/input/udp.h"

struct tcp_options {
	struct addr address;
	uint16_t port;
	const char *interface; /* SO_BINDTODEVICE, or NULL */
	bool ipv6_only;
	unsigned sessions_max;
};

enum tcp_counter {
	TCP_SESSIONS,
	TCP_ACCEPTED,
	TCP_MESSAGES,
	TCP_REFUSED_FULL,
	TCP_REFUSED_DENIED,
	TCP_CLOSED_FRAMING,
	TCP_CLOSED_IDLE,
	TCP_CLOSED_PARTIAL,
	TCP_COUNTERS
};
extern const struct counter_desc tcp_counter_desc[TCP_COUNTERS];

struct tcp_source;

/* What the owner does with sessions: may this address connect, a message came (its session's id in
 * d->session), the session is gone. */
struct tcp_handlers {
	bool (*allowed)(void *ctx, const struct addr *from);
	datagram_handler *message;
	void (*opened)(void *ctx, uint32_t session, const struct addr *from);
	void (*closed)(void *ctx, uint32_t session, const struct addr *from);
	void *ctx;
};

/* Opens the listener. NULL with a message in err. */
struct tcp_source *tcp_source_new(const struct tcp_options *o, const struct tcp_handlers *h,
				  struct counter_block *counters, char *err, size_t errlen);
void tcp_source_free(struct tcp_source *s);

/* Readable when tcp_source_run has something to do. */
int tcp_source_fd(const struct tcp_source *s);
void tcp_source_run(struct tcp_source *s);

#endif
