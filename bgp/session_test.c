/* One session: what may be said when, timers, what an UPDATE does, against RFC 4271 and its children. */
#include "bgp/testpeer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static uint64_t
total(const struct bench *b, enum bgp_total which)
{
	return counter_read(b->w.totals, which);
}

/* --- opening --- */

/* Our OPEN repeats the peer's AS and families; ours are identifier and time zero to restart. */
static void
test_open(void **state)
{
	(void)state;
	static const char theirs[] = CAP_V4 CAP_V6 "\x41\4\xfa\x56\xea\1" CAP_REFRESH;
	struct bench b;
	uint8_t body[4096];
	unsigned type;
	bench_open(&b);
	struct testpeer p = peer_connect(&b, "192.0.2.9", 1000);
	peer_opens(&p, 23456, 90, 9, BYTES(theirs));
	assert_int_equal(p.s->state, BGP_OPEN_CONFIRM);
	int n = peer_hears(&p, &type, body, sizeof(body));
	assert_int_equal(type, 1);
	static const uint8_t head[] = {4, 0x5b, 0xa0, 0, 90, 1, 2, 3, 4};
	assert_memory_equal(body, head, sizeof(head));
	/* capabilities in the order of their codes: multiprotocol twice, refresh, four-octet AS, and refresh
	 * by its old code */
	static const char ours[] = CAP_V4 CAP_V6 CAP_REFRESH "\x41\4\xfa\x56\xea\1"
							     "\x80\0";
	assert_int_equal(n, 10 + 2 + sizeof(ours) - 1);
	assert_int_equal(body[9], sizeof(ours) + 1);
	assert_int_equal(body[10], 2);
	assert_memory_equal(body + 12, ours, sizeof(ours) - 1);
	assert_hears(&p, 4);
	assert_hears_nothing(&p);
	roster_publish(b.w.roster);
	assert_null(bench_peer(&b, "192.0.2.9"));
	peer_says(&p, 4, "", 0);
	assert_int_equal(p.s->state, BGP_ESTABLISHED);
	assert_hears_nothing(&p); /* without graceful restart nobody waits for an End-of-RIB */
	roster_publish(b.w.roster);
	const struct bgp_peer *peer = bench_peer(&b, "192.0.2.9");
	assert_non_null(peer);
	assert_int_equal(peer->as, 4200000001u);
	assert_int_equal(peer->local_as, 4200000001u);
	assert_int_equal(peer->id, 0xc0000209);
	assert_int_equal(peer->families, 1 << BGP_IPV4_UNICAST | 1 << BGP_IPV6_UNICAST);
	assert_false(peer->ebgp);
	assert_int_equal(peer->state, BGP_ESTABLISHED);
	assert_int_equal(peer->counter[BGP_PEER_SESSIONS], 1);
	assert_ptr_equal(bench_peer(&b, "192.0.2.9"), peer);
	assert_int_equal(b.w.established, 1);
	assert_int_equal(b.w.opening, 0);
	session_end(p.s, ending_of(BGP_TOTAL_CLOSED_TRANSPORT, 0), "test");
	peer_gone(&p);
	bench_close(&b);
}

/* An AS number of our own makes it eBGP with all others. */
static void
test_own_as(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	b.config.as = 64999;
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4));
	assert_int_equal(bench_peer(&b, "192.0.2.9")->local_as, 64999);
	assert_true(bench_peer(&b, "192.0.2.9")->ebgp);
	peer_gone(&p);
	bench_close(&b);
}

/* Graceful restart: we help, forward nothing ourselves, and have told all there is at once. */
static void
test_graceful_open(void **state)
{
	(void)state;
	struct bench b;
	uint8_t body[4096];
	unsigned type;
	bench_open(&b);
	struct testpeer p = peer_connect(&b, "192.0.2.9", 1000);
	peer_opens(&p, 65001, 90, 9, BYTES(CAP_V4 CAP_V6 CAP_GR));
	int n = peer_hears(&p, &type, body, sizeof(body));
	assert_int_equal(type, 1);
	assert_memory_equal(body + n - 4, "\x40\2\0\0", 4);
	assert_hears(&p, 4);
	peer_says(&p, 4, "", 0);
	assert_int_equal(peer_hears(&p, &type, body, sizeof(body)), 4);
	assert_memory_equal(body, "\0\0\0\0", 4);
	assert_int_equal(peer_hears(&p, &type, body, sizeof(body)), 10);
	assert_memory_equal(body, "\0\0\0\6\x80\x0f\3\0\2\1", 10);
	assert_hears_nothing(&p);
	peer_gone(&p);
	bench_close(&b);
}

/* RFC 9234, 4.2: whatever a peer is, we are its other side, so that no role is a mismatch. */
static void
test_roles(void **state)
{
	(void)state;
	static const struct {
		char theirs, ours;
	} pairs[] = {{0, 3}, {1, 2}, {2, 1}, {3, 0}, {4, 4}};
	for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct bench b;
		uint8_t body[4096];
		unsigned type;
		char caps[] = CAP_V4 "\x9\1\0";
		caps[sizeof(caps) - 2] = pairs[i].theirs;
		bench_open(&b);
		struct testpeer p = peer_connect(&b, "192.0.2.9", 1000);
		peer_opens(&p, 65001, 90, 9, BYTES(caps));
		int n = peer_hears(&p, &type, body, sizeof(body));
		assert_int_equal(type, 1);
		assert_int_equal(body[n - 3], 9);
		assert_int_equal(body[n - 1], pairs[i].ours);
		peer_gone(&p);
		bench_close(&b);
	}
}

/* --- errors --- */

struct open_case {
	const char *body;
	size_t n;
	unsigned code, subcode;
	const char *data;
	size_t data_n;
};

/* RFC 4271, 6.2. */
static const struct open_case open_cases[] = {
    {BYTES("\3\xfd\xe9\0\x5a\xc0\0\2\x9\0"), 2, 1, BYTES("\0\4")},
    {BYTES("\4\0\0\0\x5a\xc0\0\2\x9\0"), 2, 2, BYTES("")},
    {BYTES("\4\xfd\xe9\0\x5a\0\0\0\0\0"), 2, 3, BYTES("")},
    {BYTES("\4\xfd\xe9\0\x5a\xc0\0\2\x9\3\1\1\0"), 2, 4, BYTES("")},
    {BYTES("\4\xfd\xe9\0\1\xc0\0\2\x9\0"), 2, 6, BYTES("")},
    {BYTES("\4\xfd\xe9\0\2\xc0\0\2\x9\0"), 2, 6, BYTES("")},
};

static void
test_open_errors(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(open_cases); i++) {
		const struct open_case *c = &open_cases[i];
		struct bench b;
		uint8_t body[4096];
		unsigned type;
		bench_open(&b);
		uint64_t before = total(&b, BGP_TOTAL_CLOSED_OPEN);
		struct testpeer p = peer_connect(&b, "192.0.2.9", 1000);
		peer_says(&p, 1, c->body, c->n);
		int n = peer_hears(&p, &type, body, sizeof(body));
		assert_int_equal(type, 3);
		assert_int_equal(n, 2 + c->data_n);
		assert_int_equal(body[0], c->code);
		assert_int_equal(body[1], c->subcode);
		assert_memory_equal(body + 2, c->data, c->data_n);
		assert_true(p.s->dead);
		assert_int_equal(b.w.opening, 0);
		assert_int_equal(total(&b, BGP_TOTAL_CLOSED_OPEN), before + 1);
		peer_gone(&p);
		bench_close(&b);
	}
}

/* RFC 4271, 6.1. */
static void
test_header_errors(void **state)
{
	(void)state;
#define ONES "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	static const struct {
		const char *bytes, *data;
		size_t data_n;
		unsigned subcode;
	} cases[] = {
	    {ONES "\xfe\0\x13\4", BYTES(""), 1},
	    {ONES "\xff\0\x12\4", BYTES("\0\x12"), 2},
	    {ONES "\xff\x10\1\2", BYTES("\x10\1"), 2},
	    {ONES "\xff\0\x13\7", BYTES("\7"), 3},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bench b;
		uint8_t body[4096];
		unsigned type;
		bench_open(&b);
		struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4));
		session_feed(p.s, (const uint8_t *)cases[i].bytes, 19);
		int n = peer_hears(&p, &type, body, sizeof(body));
		assert_int_equal(type, 3);
		assert_int_equal(n, 2 + cases[i].data_n);
		assert_int_equal(body[0], 1);
		assert_int_equal(body[1], cases[i].subcode);
		assert_memory_equal(body + 2, cases[i].data, cases[i].data_n);
		assert_true(p.s->dead);
		peer_gone(&p);
		bench_close(&b);
	}
}

/* RFC 6608: a message in a state that does not want it; the data are its type. */
static void
test_unexpected(void **state)
{
	(void)state;
	static const struct {
		enum bgp_state at;
		unsigned type, subcode;
	} cases[] = {
	    {BGP_ACTIVE, 4, 1},	      {BGP_ACTIVE, 2, 1},	{BGP_ACTIVE, 5, 1},
	    {BGP_OPEN_CONFIRM, 2, 2}, {BGP_OPEN_CONFIRM, 1, 2}, {BGP_OPEN_CONFIRM, 5, 2},
	    {BGP_ESTABLISHED, 1, 3},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bench b;
		uint8_t body[4096];
		unsigned type;
		bench_open(&b);
		struct testpeer p = peer_connect(&b, "192.0.2.9", 1000);
		if (cases[i].at >= BGP_OPEN_CONFIRM) {
			peer_opens(&p, 65001, 90, 9, BYTES(CAP_V4));
			assert_hears(&p, 1);
			assert_hears(&p, 4);
		}
		if (cases[i].at == BGP_ESTABLISHED)
			peer_says(&p, 4, "", 0);
		if (cases[i].type == 1)
			peer_opens(&p, 65001, 90, 9, BYTES(CAP_V4));
		else
			peer_says(&p, cases[i].type, "\0\0\0\0", cases[i].type == 4 ? 0 : 4);
		assert_int_equal(peer_hears(&p, &type, body, sizeof(body)), 3);
		assert_int_equal(type, 3);
		assert_int_equal(body[0], 5);
		assert_int_equal(body[1], cases[i].subcode);
		assert_int_equal(body[2], cases[i].type);
		assert_true(p.s->dead);
		peer_gone(&p);
		bench_close(&b);
	}
}

/* A NOTIFICATION is never answered; why the session went is kept. */
static void
test_notified(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4));
	peer_says(&p, 3, BYTES("\6\2\4gone"));
	assert_true(p.s->dead);
	uint8_t byte;
	assert_int_equal(recv(p.fd, &byte, 1, MSG_DONTWAIT), 0);
	roster_publish(b.w.roster);
	assert_null(bench_peer(&b, "192.0.2.9"));
	assert_int_equal(bgp_directory_count(b.directory), 1);
	const struct bgp_peer *peer = bgp_directory_at(b.directory, 0);
	assert_int_equal(peer->state, BGP_IDLE);
	assert_string_equal(peer->last_error, "Cease/Administrative Shutdown: gone (received)");
	assert_int_equal(peer->counter[BGP_PEER_RESETS], 1);
	peer_gone(&p);
	bench_close(&b);
}

/* --- bytes --- */

/* The same dialogue, cut at every place. */
static void
test_pieces(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < 100; piece++) {
		struct bench b;
		uint8_t all[400];
		size_t n = 0;
		static const struct {
			uint8_t type;
			const char *body;
			size_t n;
		} says[] = {
		    {1, BYTES("\4\xfd\xe9\0\x5a\xc0\0\2\x9\x8\2\6" CAP_V4)},
		    {4, "", 0},
		    {2, BYTES("\0\0\0\x12\x40\1\1\0\x40\2\4\2\1\xfd\xe9\x40\3\4\xc0\0\2\7\x18\xc6\x33\x64")},
		    {4, "", 0},
		    {2, BYTES("\0\0\0\x12\x40\1\1\0\x40\2\4\2\1\xfd\xe9\x40\3\4\xc0\0\2\x8\x18\xcb\0\x71")},
		};
		for (unsigned i = 0; i < ARRAY_SIZE(says); i++) {
			memset(all + n, 0xff, 16);
			all[n + 16] = 0;
			all[n + 17] = (uint8_t)(says[i].n + 19);
			all[n + 18] = says[i].type;
			memcpy(all + n + 19, says[i].body, says[i].n);
			n += says[i].n + 19;
		}
		bench_open(&b);
		struct testpeer p = peer_connect(&b, "192.0.2.9", 1000);
		for (size_t at = 0; at < n; at += piece)
			session_feed(p.s, all + at, n - at < piece ? n - at : piece);
		assert_int_equal(p.s->state, BGP_ESTABLISHED);
		assert_null(p.s->partial);
		roster_publish(b.w.roster);
		assert_int_equal(bench_lookup(&b, "192.0.2.9", "198.51.100.1"), 7);
		assert_int_equal(bench_lookup(&b, "192.0.2.9", "203.0.113.1"), 8);
		assert_int_equal(p.s->peer->counter[BGP_PEER_MESSAGES_IN], 4); /* from the OPEN on */
		peer_gone(&p);
		bench_close(&b);
	}
}

/* A message of 4,097 bytes is an error unless both said they can (RFC 8654); then it is one of many. */
static void
test_long_message(void **state)
{
	(void)state;
	struct bench b;
	char body[4078] = {0}; /* withdraws 10/8 a thousand times */
	body[0] = (char)((sizeof(body) - 4) >> 8);
	body[1] = (char)(sizeof(body) - 4);
	for (size_t i = 2; i + 3 < sizeof(body); i += 2) {
		body[i] = 8;
		body[i + 1] = 10;
	}
	body[sizeof(body) - 2] = body[sizeof(body) - 1] = 0;
	bench_open(&b);
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4 CAP_LONG));
	peer_says(&p, 2, body, sizeof(body));
	assert_false(p.s->dead);
	assert_int_equal(p.s->peer->counter[BGP_PEER_WITHDRAWN], (sizeof(body) - 4) / 2);
	struct testpeer q = peer_established(&b, "192.0.2.8", 8, BYTES(CAP_V4));
	peer_says(&q, 2, body, sizeof(body));
	assert_notified(&q, 1, 2);
	peer_gone(&p);
	peer_gone(&q);
	bench_close(&b);
}

/* --- timers --- */

static void
test_hold_timer(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4));
	for (unsigned i = 0; i < 5; i++) {
		bench_wait(&b, 80 * SECOND, p.s, NULL);
		assert_false(p.s->dead);
		peer_says(&p, 4, "", 0);
	}
	bench_wait(&b, 90 * SECOND, p.s, NULL);
	assert_false(p.s->dead);
	/* half a message keeps nobody alive */
	session_feed(p.s, (const uint8_t *)"\xff\xff", 2);
	/* nor does what waits in the socket when we are behind end a session */
	p.s->behind = true;
	bench_wait(&b, SECOND, p.s, NULL);
	assert_false(p.s->dead);
	p.s->behind = false;
	for (unsigned type, heard = 0; !heard;) {
		uint8_t body[64];
		heard = peer_hears(&p, &type, body, sizeof(body)) < 0;
	}
	bench_wait(&b, SECOND, p.s, NULL);
	assert_notified(&p, 4, 0);
	assert_null(bench_peer(&b, "192.0.2.9"));
	peer_gone(&p);
	bench_close(&b);
}

/* A third of the hold time; none without hold time. */
static void
test_keepalives(void **state)
{
	(void)state;
	struct bench b;
	unsigned n = 0;
	bench_open(&b);
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4));
	for (unsigned i = 0; i < 300; i++) {
		uint8_t body[64];
		unsigned type;
		bench_wait(&b, SECOND, p.s, NULL);
		peer_says(&p, 4, "", 0);
		if (peer_hears(&p, &type, body, sizeof(body)) < 0)
			continue;
		assert_int_equal(type, 4);
		n++;
	}
	assert_int_equal(n, 10);
	peer_gone(&p);
	struct testpeer q = peer_connect(&b, "192.0.2.8", 1000);
	peer_opens(&q, 65001, 0, 8, BYTES(CAP_V4));
	assert_hears(&q, 1);
	assert_hears(&q, 4);
	peer_says(&q, 4, "", 0);
	bench_wait(&b, 4000 * SECOND, q.s, NULL);
	assert_false(q.s->dead);
	assert_hears_nothing(&q);
	peer_gone(&q);
	bench_close(&b);
}

/* Who says nothing, or not enough, does not stay. */
static void
test_half_open(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct testpeer p = peer_connect(&b, "192.0.2.9", 1000);
	struct testpeer q = peer_connect(&b, "192.0.2.8", 1000);
	peer_opens(&q, 65001, 0, 8, BYTES(CAP_V4));
	assert_hears(&q, 1);
	assert_hears(&q, 4);
	bench_wait(&b, 60 * SECOND, p.s, q.s);
	assert_false(p.s->dead);
	assert_false(q.s->dead);
	bench_wait(&b, SECOND, p.s, q.s);
	assert_notified(&p, 4, 0);
	assert_notified(&q, 4, 0);
	assert_int_equal(b.w.opening, 0);
	peer_gone(&p);
	peer_gone(&q);
	bench_close(&b);
}

/* RFC 9687: a peer that does not read costs one buffer for eight minutes. */
static void
test_not_reading(void **state)
{
	(void)state;
	struct bench b;
	int small = 1;
	static char junk[4096];
	bench_open(&b);
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4));
	assert_int_equal(setsockopt(p.s->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	while (send(p.s->fd, junk, sizeof(junk), MSG_DONTWAIT) > 0)
		;
	while (send(p.s->fd, junk, 1, MSG_DONTWAIT) > 0)
		;
	for (unsigned i = 0; i < 8; i++) {
		bench_wait(&b, 60 * SECOND, p.s, NULL);
		peer_says(&p, 4, "", 0);
		assert_false(p.s->dead);
		assert_true(p.s->out_have <= 19);
	}
	bench_wait(&b, 40 * SECOND, p.s, NULL);
	assert_true(p.s->dead);
	assert_non_null(strstr(p.s->why, "does not read"));
	peer_gone(&p);
	/* one that reads again in time is forgiven */
	p = peer_established(&b, "192.0.2.8", 8, BYTES(CAP_V4));
	while (send(p.s->fd, junk, sizeof(junk), MSG_DONTWAIT) > 0)
		;
	while (send(p.s->fd, junk, 1, MSG_DONTWAIT) > 0)
		;
	bench_wait(&b, 31 * SECOND, p.s, NULL);
	assert_int_equal(p.s->out_have, 19);
	while (recv(p.fd, junk, sizeof(junk), MSG_DONTWAIT) > 0)
		;
	session_write(p.s);
	assert_int_equal(p.s->out_have, 0);
	assert_int_equal(p.s->blocked_us, 0);
	assert_null(p.s->out);
	assert_hears(&p, 4);
	peer_gone(&p);
	bench_close(&b);
}

/* --- UPDATE --- */

static void
test_routes(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4));
	struct testpeer q = peer_established(&b, "192.0.2.8", 8, BYTES(CAP_V4));
	peer_announces(&p, 10, 0, 0, 1);
	peer_announces(&p, 10, 0, 1, 1);
	peer_announces(&q, 10, 0, 0, 2);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 1);
	assert_int_equal(bench_lookup(&b, "192.0.2.8", "10.0.0.1"), 2);
	assert_int_equal(bench_lookup(&b, "192.0.2.8", "10.0.1.1"), 0);
	peer_announces(&p, 10, 0, 0, 3);
	peer_withdraws(&p, 10, 0, 1);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 3);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.1.1"), 0);
	/* RFC 4271, 4.3: in both fields means announced */
	peer_says(
	    &p, 2,
	    BYTES("\0\4\x18\x0a\0\2\0\x12\x40\1\1\0\x40\2\4\2\1\xfd\xe9\x40\3\4\xc0\0\2\5\x18\x0a\0\2"));
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.2.1"), 5);
	assert_int_equal(p.s->peer->counter[BGP_PEER_ANNOUNCED], 4);
	assert_int_equal(p.s->peer->counter[BGP_PEER_WITHDRAWN], 2);
	bench_wait(&b, SECOND, NULL, NULL);
	assert_int_equal(bench_peer(&b, "192.0.2.9")->routes, 2);
	assert_int_equal(total(&b, BGP_TOTAL_ROUTES), 3);
	/* without graceful restart all goes with the session, and only with its own */
	close(p.fd);
	p.fd = -1;
	uint8_t buffer[64];
	session_read(p.s, buffer, sizeof(buffer));
	assert_true(p.s->dead);
	bench_settle(&b);
	assert_null(bench_peer(&b, "192.0.2.9"));
	assert_int_equal(bench_lookup(&b, "192.0.2.8", "10.0.0.1"), 2);
	struct rib_stats stats;
	rib_stats(b.w.rib, &stats);
	assert_int_equal(stats.routes, 1);
	peer_gone(&p);
	peer_gone(&q);
	bench_close(&b);
}

/* RFC 7606: a malformed ORIGIN withdraws what it came with, and the session stays. */
static void
test_treat_as_withdraw(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4));
	peer_announces(&p, 10, 0, 0, 1);
	peer_announces(&p, 10, 0, 1, 1);
	uint64_t before = counter_read(b.w.faults, BGP_FAULT_ORIGIN);
	peer_says(&p, 2, BYTES("\0\0\0\x12\x40\1\1\7\x40\2\4\2\1\xfd\xe9\x40\3\4\xc0\0\2\1\x18\x0a\0\0"));
	assert_false(p.s->dead);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 0);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.1.1"), 1);
	assert_int_equal(p.s->peer->counter[BGP_PEER_TREATED_AS_WITHDRAWN], 1);
	assert_int_equal(p.s->peer->fault[BGP_FAULT_ORIGIN], 1);
	assert_int_equal(counter_read(b.w.faults, BGP_FAULT_ORIGIN), before + 1);
	peer_gone(&p);
	bench_close(&b);
}

/* RFC 7606, 5.3: an IPv4 prefix of 33 bits in RFC 4271's field ends the session; of MP_REACH_NLRI its family.
 */
static void
test_bad_prefix(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4 CAP_V6));
	peer_announces(&p, 10, 0, 0, 1);
	/* 2001:db8::/32, then one of 129 bits */
	peer_says(&p, 2,
		  BYTES("\0\0\0\x28\x40\1\1\0\x40\2\4\2\1\xfd\xe9\x80\x0e\x1a\0\2\1\x10"
			"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\x20\x20\1\x0d\xb8"));
	assert_false(p.s->dead);
	assert_int_equal(rib_slot_routes(b.w.rib, p.s->peer->slot), 2);
	peer_says(&p, 2,
		  BYTES("\0\0\0\x36\x40\1\1\0\x40\2\4\2\1\xfd\xe9\x80\x0e\x28\0\2\1\x10"
			"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\x81\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0"
			"\0"));
	assert_false(p.s->dead);
	bench_settle(&b);
	assert_int_equal(rib_slot_routes(b.w.rib, p.s->peer->slot), 1);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 1);
	/* the family is not read any more */
	peer_says(&p, 2,
		  BYTES("\0\0\0\x28\x40\1\1\0\x40\2\4\2\1\xfd\xe9\x80\x0e\x1a\0\2\1\x10"
			"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\x20\x20\1\x0d\xb8"));
	assert_int_equal(rib_slot_routes(b.w.rib, p.s->peer->slot), 1);
	peer_says(&p, 2, BYTES("\0\0\0\x12\x40\1\1\0\x40\2\4\2\1\xfd\xe9\x40\3\4\xc0\0\2\1\x21\x0a\0\0\0\0"));
	assert_notified(&p, 3, 10);
	peer_gone(&p);
	bench_close(&b);
}

/* Prefixes with different labels in one message have different sets. */
static void
test_labels(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_LABEL));
	/* labels 16, 16, 17, each with the bottom of the stack set, for 10.0.0/24, 10.0.1/24, 10.0.2/24 */
	peer_says(&p, 2,
		  BYTES("\0\0\0\x2c\x40\1\1\0\x40\2\4\2\1\xfd\xe9\x80\x0e\x1e\0\1\4\4\xc0\0\2\7\0"
			"\x30\0\1\1\x0a\0\0\x30\0\1\1\x0a\0\1\x30\0\1\x11\x0a\0\2"));
	assert_false(p.s->dead);
	struct bgp_nlri n = {.prefix = {.len = 24}};
	struct rib_route r[4];
	unsigned labels[3];
	bgp_set_id ids[3];
	for (unsigned i = 0; i < 3; i++) {
		uint8_t address[] = {10, 0, (uint8_t)i, 0};
		n.prefix.addr = addr_from_v4(address);
		assert_int_equal(rib_exact(b.w.rib, p.s->peer->slot, BGP_IPV4_LABELED, &n, r, 4), 1);
		labels[i] = bgp_store_label(b.w.store, r[0].set);
		ids[i] = r[0].id;
	}
	assert_int_equal(labels[0], 16);
	assert_int_equal(labels[1], 16);
	assert_int_equal(labels[2], 17);
	assert_int_equal(ids[0], ids[1]);
	assert_int_not_equal(ids[0], ids[2]);
	peer_gone(&p);
	bench_close(&b);
}

/* Families without a table do not disturb, even when malformed. */
static void
test_other_family(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4 CAP_EVPN));
	peer_says(
	    &p, 2,
	    BYTES("\0\0\0\x1a\x40\1\1\0\x40\2\4\2\1\xfd\xe9\x80\x0e\x0c\0\x19\x46\4\xc0\0\2\7\0\2\x21\0"));
	peer_announces(&p, 10, 0, 0, 1);
	assert_false(p.s->dead);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 1);
	peer_gone(&p);
	bench_close(&b);
}

/* --- limits --- */

static void
test_prefix_limit_drop(void **state)
{
	(void)state;
	struct bench b;
	uint8_t body[64];
	unsigned type;
	bench_open(&b);
	b.config.max_prefixes = 2;
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4));
	peer_announces(&p, 10, 0, 0, 1);
	peer_announces(&p, 10, 0, 1, 1);
	peer_announces(&p, 10, 0, 0, 2); /* no third prefix */
	assert_false(p.s->dead);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 2);
	peer_announces(&p, 10, 0, 2, 1);
	assert_int_equal(peer_hears(&p, &type, body, sizeof(body)), 9);
	/* RFC 4486, 4: AFI, SAFI, the bound */
	assert_memory_equal(body, "\6\1\0\1\1\0\0\0\2", 9);
	assert_true(p.s->dead);
	bench_settle(&b);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 0);
	peer_gone(&p);
	bench_close(&b);
}

static void
test_prefix_limit_ignore(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	b.config.max_prefixes = 2;
	b.config.max_prefixes_ignore = true;
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4));
	peer_announces(&p, 10, 0, 0, 1);
	/* three in one message: one new that fits, one known, one that does not fit */
	peer_says(&p, 2,
		  BYTES("\0\0\0\x12\x40\1\1\0\x40\2\4\2\1\xfd\xe9\x40\3\4\xc0\0\2\5"
			"\x18\x0a\0\1\x18\x0a\0\0\x18\x0a\0\2"));
	assert_false(p.s->dead);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.1.1"), 5);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 5);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.2.1"), 0);
	assert_int_equal(p.s->peer->counter[BGP_PEER_REFUSED], 1);
	/* room comes back */
	peer_withdraws(&p, 10, 0, 0);
	peer_announces(&p, 10, 0, 2, 6);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.2.1"), 6);
	peer_gone(&p);
	bench_close(&b);
}

static void
test_max_peers(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	b.config.max_peers = 1;
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4));
	struct testpeer q = peer_connect(&b, "192.0.2.8", 1000);
	peer_opens(&q, 65001, 90, 8, BYTES(CAP_V4));
	assert_notified(&q, 6, 8);
	peer_gone(&q);
	/* two that open at once: the first to confirm has the place */
	session_end(p.s, ending_of(BGP_TOTAL_CLOSED_TRANSPORT, 0), "test");
	peer_gone(&p);
	p = peer_connect(&b, "192.0.2.9", 1000);
	q = peer_connect(&b, "192.0.2.8", 1000);
	peer_opens(&p, 65001, 90, 9, BYTES(CAP_V4));
	peer_opens(&q, 65001, 90, 8, BYTES(CAP_V4));
	assert_hears(&p, 1);
	assert_hears(&p, 4);
	peer_says(&q, 4, "", 0);
	peer_says(&p, 4, "", 0);
	assert_int_equal(q.s->state, BGP_ESTABLISHED);
	assert_notified(&p, 6, 8);
	peer_gone(&p);
	peer_gone(&q);
	bench_close(&b);
}

/* --- who it is --- */

/* RFC 4271, 6.8. */
static void
test_collision(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4));
	peer_announces(&p, 10, 0, 0, 1);
	struct testpeer q = peer_connect(&b, "192.0.2.9", 1001);
	peer_opens(&q, 65001, 90, 9, BYTES(CAP_V4));
	assert_notified(&q, 6, 7);
	assert_hears(&p, 4); /* a peer that rebooted would reset the connection now */
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 1);
	peer_gone(&q);
	/* half the hold time without a word: the new one wins */
	bench_wait(&b, 46 * SECOND, NULL, NULL);
	q = peer_connect(&b, "192.0.2.9", 1002);
	peer_opens(&q, 65001, 90, 9, BYTES(CAP_V4));
	assert_notified(&p, 6, 7);
	assert_hears(&q, 1);
	assert_hears(&q, 4);
	peer_says(&q, 4, "", 0);
	assert_int_equal(q.s->state, BGP_ESTABLISHED);
	bench_settle(&b);
	assert_int_equal(bench_lookup(&b, "192.0.2.9", "10.0.0.1"), 0);
	assert_int_equal(bench_peer(&b, "192.0.2.9")->port, 1002);
	peer_gone(&p);
	/* another router behind the same address is another peer */
	p = peer_established(&b, "192.0.2.9", 10, BYTES(CAP_V4));
	assert_int_equal(b.w.established, 2);
	peer_gone(&p);
	peer_gone(&q);
	bench_close(&b);
}

/* Two connections of one peer, neither established: the first that confirms stays. */
static void
test_collision_opening(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct testpeer p = peer_connect(&b, "192.0.2.9", 1000), q = peer_connect(&b, "192.0.2.9", 1001);
	peer_opens(&p, 65001, 90, 9, BYTES(CAP_V4));
	peer_opens(&q, 65001, 90, 9, BYTES(CAP_V4));
	assert_hears(&p, 1);
	assert_hears(&p, 4);
	peer_says(&q, 4, "", 0);
	peer_says(&p, 4, "", 0);
	assert_notified(&p, 6, 7);
	assert_int_equal(q.s->state, BGP_ESTABLISHED);
	peer_gone(&p);
	peer_gone(&q);
	bench_close(&b);
}

static void
test_identifier(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct testpeer p = peer_established(&b, "192.0.2.9", 9, BYTES(CAP_V4));
	struct testpeer q = peer_connect(&b, "2001:db8::9", 1000);
	peer_opens(&q, 65001, 90, 9, BYTES(CAP_V6));
	assert_notified(&q, 2, 3);
	peer_gone(&q);
	b.config.id_check = false; /* bgp_disable_router_id_check */
	q = peer_established(&b, "2001:db8::9", 9, BYTES(CAP_V6));
	assert_int_equal(b.w.established, 2);
	peer_gone(&p);
	peer_gone(&q);
	bench_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_open),
	    cmocka_unit_test(test_own_as),
	    cmocka_unit_test(test_graceful_open),
	    cmocka_unit_test(test_roles),
	    cmocka_unit_test(test_open_errors),
	    cmocka_unit_test(test_header_errors),
	    cmocka_unit_test(test_unexpected),
	    cmocka_unit_test(test_notified),
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_long_message),
	    cmocka_unit_test(test_hold_timer),
	    cmocka_unit_test(test_keepalives),
	    cmocka_unit_test(test_half_open),
	    cmocka_unit_test(test_not_reading),
	    cmocka_unit_test(test_routes),
	    cmocka_unit_test(test_treat_as_withdraw),
	    cmocka_unit_test(test_bad_prefix),
	    cmocka_unit_test(test_labels),
	    cmocka_unit_test(test_other_family),
	    cmocka_unit_test(test_prefix_limit_drop),
	    cmocka_unit_test(test_prefix_limit_ignore),
	    cmocka_unit_test(test_max_peers),
	    cmocka_unit_test(test_collision),
	    cmocka_unit_test(test_collision_opening),
	    cmocka_unit_test(test_identifier),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
