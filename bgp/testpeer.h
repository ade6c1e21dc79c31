/* For tests of sessions: a world with store, RIB and roster but without sockets, and peers at the other end
 * of a socket pair whose bytes are put together by hand. */
#ifndef FLOWRIB_BGP_TESTPEER_H
#define FLOWRIB_BGP_TESTPEER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "bgp/roster.h"

#define SECOND 1000000ULL

struct bench {
	struct bgp_config config;
	struct bgp_world w;
	const struct bgp_directory *directory;
};

/* Bounds as in the key table's defaults; time stands at 1000 s. */
void bench_open(struct bench *b);
void bench_close(struct bench *b);
/* Steps of slot drops until nothing is left; publishes. */
void bench_settle(struct bench *b);
/* Moves the clock, ticking the sessions given (up to three, NULL allowed) and the roster each half second. */
void bench_wait(struct bench *b, uint64_t us, struct session *x, struct session *y);

struct testpeer {
	int fd; /* of the peer's end */
	struct session *s;
};

/* A connection from address; nothing has been said. */
struct testpeer peer_connect(struct bench *b, const char *address, uint16_t port);
void peer_gone(struct testpeer *p);

/* A string constant without its NUL. */
#define BYTES(s) s, sizeof(s) - 1

/* Sends a message of a type. */
void peer_says(struct testpeer *p, unsigned type, const char *body, size_t n);
/* An OPEN: two-octet AS, hold time, identifier's last octet (192.0.2.x), capabilities as they stand in the
 * optional parameter. */
void peer_opens(struct testpeer *p, unsigned as, unsigned hold, unsigned id, const char *caps, size_t n);

/* The next message that the peer received: type, body; returns its body's length, -1 when there is none. */
int peer_hears(struct testpeer *p, unsigned *type, uint8_t *body, size_t room);
/* Asserts what is heard next. */
void assert_hears(struct testpeer *p, unsigned type);
void assert_notified(struct testpeer *p, unsigned code, unsigned subcode);
void assert_hears_nothing(struct testpeer *p);

/* From connection to established, with these capabilities. */
struct testpeer peer_established(struct bench *b, const char *address, unsigned id, const char *caps,
				 size_t n);

/* Some capabilities, as (code, length, value). */
#define CAP_V4	    "\1\4\0\1\0\1"
#define CAP_V6	    "\1\4\0\2\0\1"
#define CAP_LABEL   "\1\4\0\1\0\4"
#define CAP_EVPN    "\1\4\0\x19\0\x46"
#define CAP_REFRESH "\2\0"
#define CAP_LONG    "\6\0"
#define CAP_BORR    "\x46\0"
/* restart time 120 s, IPv4 unicast; the last octet is its flags: 0x80, forwarding state was kept */
#define CAP_GR	      "\x40\6\0\x78\0\1\1\x80"
#define CAP_GR_NOT    "\x40\6\0\x78\0\1\1\0"
#define CAP_GR_NOTIFY "\x40\6\x40\x78\0\1\1\x80"

/* Announces an IPv4 prefix a.b.c.0/24 with AS path 65001 and a next hop 192.0.2.last; withdraws it. */
void peer_announces(struct testpeer *p, unsigned a, unsigned b, unsigned c, unsigned last);
void peer_withdraws(struct testpeer *p, unsigned a, unsigned b, unsigned c);

/* What a flow would be answered with: the last octet of the next hop for a.b.c.1, 0 without a route; as the
 * exporter of this address. */
unsigned bench_lookup(struct bench *b, const char *exporter, const char *destination);
const struct bgp_peer *bench_peer(struct bench *b, const char *exporter);

#endif
