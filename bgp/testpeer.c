/* See testpeer.h. */
#include "bgp/testpeer.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/base/readers.h"

void
bench_open(struct bench *b)
{
	static bool counters;
	if (!counters)
		assert_true(counters_init());
	counters = true;
	*b = (struct bench){.config = {.id = 0x01020304,
				       .host = "collector",
				       .add_path = true,
				       .id_check = true,
				       .max_peers = 10,
				       .stale_us = 600 * SECOND}};
	b->w.config = &b->config;
	b->w.store = bgp_store_new();
	b->w.rib = rib_new(b->w.store);
	b->w.now_us = 1000 * SECOND;
	assert_true(bgp_world_counters(&b->w));
	assert_true(bgp_scratch_init(&b->w.scratch));
	b->w.roster = roster_new(&b->w, &b->directory);
	assert_non_null(b->w.roster);
}

/* All sessions are gone. */
void
bench_close(struct bench *b)
{
	bench_settle(b);
	roster_free(b->w.roster);
	bgp_scratch_free(&b->w.scratch);
	rib_free(b->w.rib);
	bgp_store_free(b->w.store);
}

void
bench_settle(struct bench *b)
{
	roster_publish(b->w.roster);
	while (!roster_step(b->w.roster))
		;
	roster_publish(b->w.roster);
	readers_drain();
	roster_tick(b->w.roster);
	roster_publish(b->w.roster);
}

void
bench_wait(struct bench *b, uint64_t us, struct session *x, struct session *y)
{
	for (uint64_t done = 0; done < us; done += SECOND / 2) {
		b->w.now_us += SECOND / 2;
		if (x)
			session_tick(x);
		if (y)
			session_tick(y);
		roster_tick(b->w.roster);
	}
	bench_settle(b);
}

struct testpeer
peer_connect(struct bench *b, const char *address, uint16_t port)
{
	struct addr a;
	int pair[2];
	assert_true(addr_parse(&a, address));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	struct testpeer p = {pair[1], session_new(&b->w, pair[0], &a, port)};
	assert_non_null(p.s);
	return p;
}

void
peer_gone(struct testpeer *p)
{
	close(p->fd);
	session_free(p->s);
	p->fd = -1;
	p->s = NULL;
}

void
peer_says(struct testpeer *p, unsigned type, const char *body, size_t n)
{
	uint8_t m[5000];
	size_t len = n + 19;
	assert_true(len <= sizeof(m));
	memset(m, 0xff, 16);
	m[16] = (uint8_t)(len >> 8);
	m[17] = (uint8_t)len;
	m[18] = (uint8_t)type;
	memcpy(m + 19, body, n);
	session_feed(p->s, m, len);
}

void
peer_opens(struct testpeer *p, unsigned as, unsigned hold, unsigned id, const char *caps, size_t n)
{
	char body[256] = {4,	      (char)(as >> 8),
			  (char)as,   (char)(hold >> 8),
			  (char)hold, (char)192,
			  0,	      2,
			  (char)id,   (char)(n ? n + 2 : 0),
			  2,	      (char)n};
	memcpy(body + 12, caps, n);
	peer_says(p, 1, body, n ? 12 + n : 10);
}

int
peer_hears(struct testpeer *p, unsigned *type, uint8_t *body, size_t room)
{
	uint8_t head[19];
	ssize_t got = recv(p->fd, head, sizeof(head), MSG_DONTWAIT);
	if (got <= 0)
		return -1;
	assert_int_equal(got, 19);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(head[i], 0xff);
	size_t n = ((size_t)head[16] << 8 | head[17]) - 19;
	assert_true(n <= room);
	*type = head[18];
	if (n)
		assert_int_equal(recv(p->fd, body, n, MSG_DONTWAIT), n);
	return (int)n;
}

void
assert_hears(struct testpeer *p, unsigned type)
{
	uint8_t body[4096];
	unsigned heard;
	assert_true(peer_hears(p, &heard, body, sizeof(body)) >= 0);
	assert_int_equal(heard, type);
}

void
assert_notified(struct testpeer *p, unsigned code, unsigned subcode)
{
	uint8_t body[4096];
	unsigned heard;
	assert_true(peer_hears(p, &heard, body, sizeof(body)) >= 2);
	assert_int_equal(heard, 3);
	assert_int_equal(body[0], code);
	assert_int_equal(body[1], subcode);
	assert_true(p->s->dead);
}

void
assert_hears_nothing(struct testpeer *p)
{
	uint8_t byte;
	assert_int_equal(recv(p->fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

struct testpeer
peer_established(struct bench *b, const char *address, unsigned id, const char *caps, size_t n)
{
	struct testpeer p = peer_connect(b, address, 1000);
	unsigned type;
	uint8_t body[4096];
	peer_opens(&p, 65001, 90, id, caps, n);
	assert_hears(&p, 1);
	assert_hears(&p, 4);
	peer_says(&p, 4, "", 0);
	assert_int_equal(p.s->state, BGP_ESTABLISHED);
	while (peer_hears(&p, &type, body, sizeof(body)) >= 0)
		assert_int_equal(type, 2); /* End-of-RIB */
	roster_publish(b->w.roster);
	return p;
}

void
peer_announces(struct testpeer *p, unsigned a, unsigned b, unsigned c, unsigned last)
{
	char body[] = "\0\0\0\x12"
		      "\x40\1\1\0"
		      "\x40\2\4\2\1\xfd\xe9"
		      "\x40\3\4\xc0\0\2\0"
		      "\x18\0\0";
	body[21] = (char)last;
	body[23] = (char)a;
	body[24] = (char)b;
	body[25] = (char)c;
	peer_says(p, 2, body, 26);
}

void
peer_withdraws(struct testpeer *p, unsigned a, unsigned b, unsigned c)
{
	char body[] = {0, 4, 24, (char)a, (char)b, (char)c, 0, 0};
	peer_says(p, 2, body, sizeof(body));
}

const struct bgp_peer *
bench_peer(struct bench *b, const char *exporter)
{
	struct addr a;
	assert_true(addr_parse(&a, exporter));
	return bgp_directory_find(b->directory, &a);
}

unsigned
bench_lookup(struct bench *b, const char *exporter, const char *destination)
{
	const struct bgp_peer *p = bench_peer(b, exporter);
	struct rib_query q = {.table = rib_table(b->w.rib, BGP_IPV4_UNICAST, 0)};
	if (!p)
		return 0;
	assert_true(addr_parse(&q.addr, destination));
	q.slot = p->slot;
	q.stale = p->stale;
	readers_begin();
	rib_lookup(b->w.rib, &q, 1);
	unsigned last = q.set ? bgp_store_next_hop(b->w.store, q.set).b[15] : 0;
	readers_end();
	return last;
}
