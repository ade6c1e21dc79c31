/* The BGP thread over real TCP on loopback: who gets in, who gets his turn, what readers see meanwhile. */
#include "bgp/speaker.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bgp/roster.h"
#include "collector/base/clock.h"
#include "collector/base/readers.h"

#define BYTES(s) s, sizeof(s) - 1
#define CAP_V4	 "\1\4\0\1\0\1"

struct net {
	struct bgp_config config;
	struct bgp_world w;
	const struct bgp_directory *directory;
	struct speaker *s;
	uint16_t port;
	char allow[64], md5[64];
};

static void
write_file(char *path, const char *text)
{
	if (!path[0]) {
		snprintf(path, 64, "/tmp/speaker_test.XXXXXX");
		int fd = mkstemp(path);
		assert_true(fd >= 0);
		close(fd);
	}
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
net_defaults(struct net *n)
{
	*n = (struct net){
	    .config = {
		.id = 0x01020304, .add_path = true, .id_check = true, .max_peers = 10, .stale_us = US_PER_S}};
}

static void
net_open(struct net *n)
{
	static bool counters;
	char err[256] = "";
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr a;
	if (!counters)
		assert_true(counters_init());
	counters = true;
	n->w.config = &n->config;
	n->w.store = bgp_store_new();
	n->w.rib = rib_new(n->w.store);
	assert_true(bgp_world_counters(&n->w));
	n->s = speaker_new(&n->w, &n->directory);
	assert_non_null(n->s);
	if (!speaker_open(n->s, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(getsockname(speaker_listener(n->s)->fd, (struct sockaddr *)&ss, &len), 0);
	assert_true(addr_from_sockaddr(&a, &n->port, (struct sockaddr *)&ss));
}

static void
net_start(struct net *n)
{
	char err[256];
	net_open(n);
	assert_true(speaker_start(n->s, err, sizeof(err)));
}

static void
net_close(struct net *n)
{
	speaker_stop(n->s, "end of the test");
	speaker_free(n->s);
	rib_free(n->w.rib);
	bgp_store_free(n->w.store);
	if (n->allow[0])
		unlink(n->allow);
	if (n->md5[0])
		unlink(n->md5);
}

static uint64_t
total(const struct net *n, enum bgp_total which)
{
	return counter_read(n->w.totals, which);
}

/* --- a peer --- */

struct how {
	const char *key; /* TCP-MD5 */
	int ttl;	 /* 0: the system's */
	bool quick;	 /* a refusal is expected: do not wait long */
};

/* A connection from a loopback address; -1 when it is not accepted. */
static int
dial(const struct net *n, const char *from, struct how how)
{
	struct addr a, to;
	struct sockaddr_storage ss;
	assert_true(addr_parse(&a, from) && addr_parse(&to, addr_is_v4(&a) ? "127.0.0.1" : "::1"));
	int fd = socket(addr_is_v4(&a) ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	socklen_t len = addr_to_sockaddr(&a, 0, &ss);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
	socklen_t to_len = addr_to_sockaddr(&to, n->port, &ss);
	if (how.key) {
		struct tcp_md5sig sig = {.tcpm_keylen = (uint16_t)strlen(how.key)};
		memcpy(&sig.tcpm_addr, &ss, sizeof(sig.tcpm_addr));
		memcpy(sig.tcpm_key, how.key, sig.tcpm_keylen);
		assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &sig, sizeof(sig)), 0);
	}
	bool v4 = addr_is_v4(&a);
	if (how.ttl)
		assert_int_equal(setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
					    v4 ? IP_TTL : IPV6_UNICAST_HOPS, &how.ttl, sizeof(how.ttl)),
				 0);
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int error = 0;
	len = sizeof(error);
	if (connect(fd, (struct sockaddr *)&ss, to_len) < 0 &&
	    (errno != EINPROGRESS || poll(&p, 1, how.quick ? 300 : 5000) != 1 ||
	     getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error)) {
		close(fd);
		return -1;
	}
	return fd;
}

static size_t
put_message(uint8_t *out, unsigned type, const void *body, size_t n)
{
	memset(out, 0xff, 16);
	out[16] = (uint8_t)((n + 19) >> 8);
	out[17] = (uint8_t)(n + 19);
	out[18] = (uint8_t)type;
	memcpy(out + 19, body, n);
	return n + 19;
}

static void
says(int fd, unsigned type, const void *body, size_t n)
{
	uint8_t m[4096];
	size_t len = put_message(m, type, body, n);
	assert_int_equal(send(fd, m, len, MSG_NOSIGNAL), len);
}

/* OPEN with identifier 192.0.2.id, and KEEPALIVE. */
static void
opens(int fd, unsigned id)
{
	uint8_t body[] = {4, 0xfd, 0xe9, 0, 90, 192, 0, 2, (uint8_t)id, 8, 2, 6, 1, 4, 0, 1, 0, 1};
	says(fd, 1, body, sizeof(body));
	says(fd, 4, "", 0);
}

/* 10.b.c.0/24. */
static size_t
put_route(uint8_t *out, unsigned b, unsigned c)
{
	uint8_t body[] = {0,	0,    0,    18, 0x40, 1,   1, 0, 0x40, 2,  4,  2,	   1,
			  0xfd, 0xe9, 0x40, 3,	4,    192, 0, 2, 1,    24, 10, (uint8_t)b, (uint8_t)c};
	return put_message(out, 2, body, sizeof(body));
}

/* Waits for the next message; its type, 0 at the end of the connection. */
static unsigned
hears(int fd, uint8_t *body, size_t room)
{
	uint8_t head[19];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 5000), 1);
	ssize_t got = recv(fd, head, sizeof(head), 0);
	if (got <= 0)
		return 0;
	assert_int_equal(got, 19);
	size_t n = ((size_t)head[16] << 8 | head[17]) - 19;
	assert_true(n <= room);
	if (n)
		assert_int_equal(recv(fd, body, n, 0), n);
	return head[18];
}

static void
established(int fd, unsigned id)
{
	uint8_t body[4096];
	opens(fd, id);
	assert_int_equal(hears(fd, body, sizeof(body)), 1);
	assert_int_equal(hears(fd, body, sizeof(body)), 4);
}

/* Until it holds, five seconds at most. */
#define wait_until(condition)                                                                                \
	do {                                                                                                 \
		for (unsigned tries = 0; !(condition) && tries < 5000; tries++)                              \
			usleep(1000);                                                                        \
		assert_true(condition);                                                                      \
	} while (0)

/* --- the tests --- */

static unsigned
routes_of(struct net *n, const char *peer)
{
	struct addr a;
	size_t routes = 0;
	assert_true(addr_parse(&a, peer));
	readers_begin();
	const struct bgp_peer *p = bgp_directory_find(readers_load(&n->directory), &a);
	if (p && p->slot != RIB_NO_SLOT)
		routes = rib_slot_routes(n->w.rib, p->slot);
	readers_end();
	return (unsigned)routes;
}

/* From connection to CEASE with words; what was learned stays for whoever writes a snapshot. */
static void
test_life(void **state)
{
	(void)state;
	static const char *const from[] = {"127.0.0.2", "::1"};
	for (unsigned i = 0; i < ARRAY_SIZE(from); i++) {
		struct net n;
		uint8_t body[4096], route[100];
		net_defaults(&n);
		net_start(&n);
		int fd = dial(&n, from[i], (struct how){0});
		assert_true(fd >= 0);
		established(fd, 9);
		size_t len = put_route(route, 0, 0);
		assert_int_equal(send(fd, route, len, 0), len);
		wait_until(routes_of(&n, from[i]) == 1);
		speaker_stop(n.s, "end of the test");
		assert_int_equal(hears(fd, body, sizeof(body)), 3);
		/* RFC 9003: Cease, Administrative Shutdown, length and text */
		assert_memory_equal(body,
				    "\6\2\x0f"
				    "end of the test",
				    18);
		assert_int_equal(hears(fd, body, sizeof(body)), 0);
		assert_int_equal(routes_of(&n, from[i]), 1);
		close(fd);
		net_close(&n);
	}
}

static void
test_allow(void **state)
{
	(void)state;
	struct net n;
	uint8_t body[64];
	net_defaults(&n);
	write_file(n.allow, "127.0.0.2\n");
	n.config.allow_file = n.allow;
	net_start(&n);
	uint64_t before = total(&n, BGP_TOTAL_REFUSED_DENIED);
	int fd = dial(&n, "127.0.0.3", (struct how){0});
	assert_int_equal(hears(fd, body, sizeof(body)), 3);
	assert_memory_equal(body, "\6\5", 2); /* Cease, Connection Rejected */
	assert_int_equal(hears(fd, body, sizeof(body)), 0);
	close(fd);
	assert_int_equal(total(&n, BGP_TOTAL_REFUSED_DENIED), before + 1);
	fd = dial(&n, "127.0.0.2", (struct how){0});
	established(fd, 2);
	close(fd);
	/* a faulty file changes nothing, a right one holds for the next connection */
	write_file(n.allow, "127.0.0.3\nnonsense\n");
	speaker_reload(n.s);
	fd = dial(&n, "127.0.0.2", (struct how){0});
	established(fd, 2);
	close(fd);
	write_file(n.allow, "127.0.0.3\n");
	speaker_reload(n.s);
	usleep(50000);
	fd = dial(&n, "127.0.0.3", (struct how){0});
	established(fd, 3);
	close(fd);
	net_close(&n);
}

static void
test_md5(void **state)
{
	(void)state;
	struct net n;
	net_defaults(&n);
	write_file(n.md5, "! peers\n127.0.0.2, secret\n::1 , word six\n");
	n.config.md5_file = n.md5;
	net_start(&n);
	int fd = dial(&n, "127.0.0.2", (struct how){.key = "secret"});
	assert_true(fd >= 0);
	established(fd, 2);
	close(fd);
	assert_int_equal(dial(&n, "127.0.0.2", (struct how){.quick = true}), -1);
	assert_int_equal(dial(&n, "127.0.0.2", (struct how){.key = "wrong", .quick = true}), -1);
	fd = dial(&n, "::1", (struct how){.key = "word six"});
	assert_true(fd >= 0);
	close(fd);
	fd = dial(&n, "127.0.0.3", (struct how){0}); /* has no key */
	assert_true(fd >= 0);
	close(fd);
	write_file(n.md5, "127.0.0.3, other\n");
	speaker_reload(n.s);
	usleep(50000);
	assert_int_equal(dial(&n, "127.0.0.3", (struct how){.quick = true}), -1);
	fd = dial(&n, "127.0.0.3", (struct how){.key = "other"});
	assert_true(fd >= 0);
	close(fd);
	fd = dial(&n, "127.0.0.2", (struct how){0});
	assert_true(fd >= 0);
	close(fd);
	net_close(&n);
}

static void
test_md5_faults(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says;
	} cases[] = {
	    {"127.0.0.2 secret\n", ":1: expected 'address, key', found no comma"},
	    {"127.0.0.2, a\n\npeer, b\n", ":3: 'peer' is no address of a peer"},
	    {"127.0.0.2,\n", ":1: a key has 1 to 80 characters, this one has 0"},
	    {"127.0.0.2, a\n127.0.0.2, b\n", ":2: this peer has a key already, in a line above"},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		char path[64] = "", err[256] = "";
		write_file(path, cases[i].text);
		assert_null(md5_load(path, err, sizeof(err)));
		assert_non_null(strstr(err, cases[i].says));
		assert_int_equal(strncmp(err, path, strlen(path)), 0);
		unlink(path);
	}
	char err[256] = "";
	assert_null(md5_load("/nonexistent", err, sizeof(err)));
	assert_non_null(strstr(err, "/nonexistent"));
}

/* RFC 5082: what came over a router is not heard. */
static void
test_ttl(void **state)
{
	(void)state;
	static const char *const from[] = {"127.0.0.2", "::1"};
	struct net n;
	net_defaults(&n);
	n.config.hops = 1;
	net_start(&n);
	for (unsigned i = 0; i < ARRAY_SIZE(from); i++) {
		assert_int_equal(dial(&n, from[i], (struct how){.ttl = 254, .quick = true}), -1);
		int fd = dial(&n, from[i], (struct how){.ttl = 255});
		assert_true(fd >= 0);
		established(fd, i + 2);
		close(fd);
	}
	net_close(&n);
}

static void
test_address_in_use(void **state)
{
	(void)state;
	struct net n;
	char err[256];
	net_defaults(&n);
	net_open(&n);
	struct bgp_listener second = {.fd = -1};
	struct bgp_config c = n.config;
	c.port = n.port;
	assert_false(bgp_listen(&second, &c, NULL, err, sizeof(err)));
	assert_non_null(strstr(err, "something else listens there"));
	assert_non_null(strstr(err, "bgp_daemon_port"));
	assert_int_equal(second.fd, -1);
	net_close(&n);
}

/* Connections that say nothing are bounded, and lock nobody out. */
static void
test_flood(void **state)
{
	(void)state;
	enum { FLOOD = 300 };
	struct net n;
	int fds[FLOOD];
	net_defaults(&n);
	net_start(&n);
	for (unsigned i = 0; i < FLOOD; i++)
		fds[i] = dial(&n, i % 2 ? "127.0.0.2" : "127.0.0.4", (struct how){0});
	wait_until(total(&n, BGP_TOTAL_REFUSED_OPENING) > 0);
	int fd = dial(&n, "127.0.0.3", (struct how){0});
	established(fd, 3);
	wait_until(routes_of(&n, "127.0.0.3") == 0 && total(&n, BGP_TOTAL_ESTABLISHED) == 1);
	assert_true(total(&n, BGP_TOTAL_OPENING) <= 74);
	for (unsigned i = 0; i < FLOOD; i++)
		close(fds[i]);
	close(fd);
	net_close(&n);
}

/* One sends as much as the socket takes, another a byte at a time: both have their turn in each turn. */
static void
test_fairness(void **state)
{
	(void)state;
	struct net n;
	net_defaults(&n);
	net_open(&n);
	int flood = dial(&n, "127.0.0.2", (struct how){0}), slow = dial(&n, "127.0.0.3", (struct how){0});
	int one = 1;
	assert_int_equal(setsockopt(slow, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
	speaker_turn(n.s, 100, 0);
	opens(flood, 2);
	for (unsigned i = 0; i < 5; i++)
		speaker_turn(n.s, 10, 0);
	uint8_t all[100000], message[100];
	size_t len = 0;
	for (unsigned i = 0; i < 2000; i++)
		len += put_route(all + len, i >> 8, i & 255);
	while (send(flood, all, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len)
		;
	uint8_t body[] = {4, 0xfd, 0xe9, 0, 90, 192, 0, 2, 3, 8, 2, 6, 1, 4, 0, 1, 0, 1};
	len = put_message(message, 1, body, sizeof(body));
	len += put_message(message + len, 4, "", 0);
	uint64_t bytes = total(&n, BGP_TOTAL_BYTES_IN);
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(send(slow, message + i, 1, 0), 1);
		speaker_turn(n.s, 100, 0);
	}
	/* each turn took one byte of the one and at most one buffer of the other */
	assert_int_equal(n.w.established, 2);
	assert_true(total(&n, BGP_TOTAL_BYTES_IN) - bytes <= len * (65536 + 1));
	close(flood);
	close(slow);
	net_close(&n);
}

/* bgp_daemon_batch: two sessions, then a pause; the third waits without being refused. */
static void
test_batch(void **state)
{
	(void)state;
	struct net n;
	net_defaults(&n);
	n.config.batch = 2;
	n.config.batch_us = 10 * US_PER_S;
	net_open(&n);
	int fds[3];
	for (unsigned i = 0; i < 3; i++)
		fds[i] = dial(&n, "127.0.0.2", (struct how){0});
	uint64_t now = clock_monotonic_us();
	for (unsigned i = 0; i < 18; i++)
		speaker_turn(n.s, 0, now + i * US_PER_S / 2);
	assert_int_equal(n.w.opening, 2);
	for (unsigned i = 0; i < 4; i++)
		speaker_turn(n.s, 0, now + 11 * US_PER_S + i * US_PER_S);
	assert_int_equal(n.w.opening, 3);
	for (unsigned i = 0; i < 3; i++)
		close(fds[i]);
	net_close(&n);
}

/* A reader asks on while sessions come and go and their routes are dropped. */
struct reader {
	struct net *n;
	_Atomic bool stop;
	unsigned asked, answered;
};

static void *
read_on(void *arg)
{
	struct reader *r = arg;
	struct addr peer, to;
	readers_join();
	(void)addr_parse(&peer, "127.0.0.2");
	(void)addr_parse(&to, "10.0.7.1");
	while (!r->stop) {
		readers_begin();
		const struct bgp_peer *p = bgp_directory_find(readers_load(&r->n->directory), &peer);
		struct rib_query q = {.addr = to, .table = rib_table(r->n->w.rib, BGP_IPV4_UNICAST, 0)};
		if (p) {
			q.slot = p->slot;
			q.stale = p->stale;
			rib_lookup(r->n->w.rib, &q, 1);
			if (q.set && bgp_store_next_hop(r->n->w.store, q.set).b[15] == 1)
				r->answered++;
		}
		r->asked++;
		readers_end();
	}
	readers_leave();
	return NULL;
}

static void
test_readers(void **state)
{
	(void)state;
	struct net n;
	pthread_t thread;
	static uint8_t all[20000];
	size_t len = 0;
	net_defaults(&n);
	net_start(&n);
	struct reader r = {.n = &n};
	for (unsigned i = 0; i < 400; i++)
		len += put_route(all + len, 0, i & 255);
	assert_int_equal(pthread_create(&thread, NULL, read_on, &r), 0);
	uint64_t sessions = total(&n, BGP_TOTAL_SESSIONS);
	for (unsigned i = 0; i < 30; i++) {
		int fd = dial(&n, "127.0.0.2", (struct how){0});
		established(fd, 2);
		assert_int_equal(send(fd, all, len, 0), len);
		wait_until(routes_of(&n, "127.0.0.2") == 256);
		close(fd);
		wait_until(total(&n, BGP_TOTAL_ESTABLISHED) == 0);
		wait_until(routes_of(&n, "127.0.0.2") == 0);
	}
	r.stop = true;
	pthread_join(thread, NULL);
	assert_int_equal(total(&n, BGP_TOTAL_SESSIONS), sessions + 30);
	assert_true(r.asked > 0);
	assert_true(r.answered > 0);
	net_close(&n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_life),  cmocka_unit_test(test_allow),
	    cmocka_unit_test(test_md5),	  cmocka_unit_test(test_md5_faults),
	    cmocka_unit_test(test_ttl),	  cmocka_unit_test(test_address_in_use),
	    cmocka_unit_test(test_flood), cmocka_unit_test(test_fairness),
	    cmocka_unit_test(test_batch), cmocka_unit_test(test_readers),
	};
	readers_join();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	readers_leave();
	return failed;
}
