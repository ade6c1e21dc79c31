/* Sessions of two peers, one of which may have several, from OPEN to their end, into a real RIB. The input is
 * a list of steps: which session, what, how many bytes, the bytes. Headers are made here, or no message would
 * ever be one. When all sessions are gone nothing of their routes may be left. */
#include "bgp/roster.h"
#include "bgp/session.h"
#include "collector/base/readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define SESSIONS 3
#define SECOND	 1000000ULL

enum step {
	STEP_OPEN = 1, /* 1 to 5: messages */
	STEP_ESTABLISH = 6,
	STEP_RAW,
	STEP_TIME,
	STEP_LOST,
	STEP_WORK,
	STEPS
};

static struct bgp_config config = {.id = 0x01020304,
				   .add_path = true,
				   .id_check = true,
				   .max_peers = 2,
				   .max_prefixes = 20,
				   .max_prefixes_ignore = true,
				   .stale_us = 30 * SECOND};
static struct bgp_world world;
static const struct bgp_directory *directory;

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
set_up(void)
{
	static bool done;
	if (done)
		return;
	done = true;
	world.config = &config;
	world.store = bgp_store_new();
	world.rib = rib_new(world.store);
	world.now_us = 1000 * SECOND;
	check(counters_init() && bgp_world_counters(&world) && bgp_scratch_init(&world.scratch));
	world.roster = roster_new(&world, &directory);
	check(world.roster != NULL);
}

static struct session *
connect_from(unsigned i)
{
	/* the first two are of one address */
	uint8_t address[] = {192, 0, 2, (uint8_t)(i / 2 + 1)};
	struct addr a = addr_from_v4(address);
	struct session *s = session_new(&world, -1, &a, (uint16_t)(1000 + i));
	check(s != NULL);
	return s;
}

static void
say(struct session *s, unsigned type, const uint8_t *body, size_t n)
{
	uint8_t message[BGP_HEADER_BYTES + 0xffff];
	memset(message, 0xff, 16);
	message[16] = (uint8_t)((n + 19) >> 8);
	message[17] = (uint8_t)(n + 19);
	message[18] = (uint8_t)type;
	if (n)
		memcpy(message + 19, body, n);
	session_feed(s, message, n + 19);
}

/* AS 65001, all families with a table, ADD-PATH for IPv4, graceful restart, both refreshes. */
static void
establish(struct session *s)
{
	static const char body[] =
	    "\4\xfd\xe9\0\x5a\xc0\0\2\x9\x42\2\x40"
	    "\1\4\0\1\0\1\1\4\0\2\0\1\1\4\0\1\0\4\1\4\0\2\0\4\1\4\0\1\0\x80\1\4\0\2\0\x80"
	    "\x45\4\0\1\1\2\x40\x0a\0\x3c\0\1\1\x80\0\2\1\x80\2\0\x46\0\1\4\0\x19\0\x46";
	say(s, BGP_OPEN, (const uint8_t *)body, sizeof(body) - 1);
	if (!s->dead)
		say(s, BGP_KEEPALIVE, NULL, 0);
}

static void
pass_time(struct session **s, uint8_t seconds)
{
	world.now_us += seconds * SECOND;
	for (unsigned i = 0; i < SESSIONS; i++)
		if (!s[i]->dead)
			session_tick(s[i]);
	roster_tick(world.roster);
}

static void
take(struct session **s, unsigned i, unsigned what, const uint8_t *p, size_t n)
{
	if (what < STEP_ESTABLISH && !s[i]->dead)
		say(s[i], what, p, n);
	else if (what == STEP_ESTABLISH && s[i]->state == BGP_ACTIVE)
		establish(s[i]);
	else if (what == STEP_RAW && !s[i]->dead)
		session_feed(s[i], p, n);
	else if (what == STEP_TIME)
		pass_time(s, n ? p[0] : 1);
	else if (what == STEP_LOST)
		session_end(s[i], ending_of(BGP_TOTAL_CLOSED_BY_PEER, 0), "lost");
	else if (what == STEP_WORK)
		(void)roster_step(world.roster);
	if (s[i]->dead && what != STEP_TIME) {
		session_free(s[i]);
		s[i] = connect_from(i);
	}
	roster_publish(world.roster);
}

/* All sessions end, and the time for stale routes as well. */
static void
finish(struct session **s)
{
	struct rib_stats rib;
	struct bgp_store_stats store;
	for (unsigned i = 0; i < SESSIONS; i++) {
		session_end(s[i], ending_of(BGP_TOTAL_CLOSED_LIMIT, 0), "end");
		session_free(s[i]);
	}
	world.now_us += 100000 * SECOND;
	roster_tick(world.roster);
	roster_publish(world.roster);
	while (!roster_step(world.roster))
		;
	while (!rib_tidy(world.rib))
		;
	roster_publish(world.roster);
	/* a grace period takes longer than many runs */
	static unsigned runs;
	if (++runs % 256 == 0)
		readers_drain();
	roster_tick(world.roster);
	check(world.opening == 0 && world.established == 0);
	rib_stats(world.rib, &rib);
	bgp_store_stats(world.store, &store);
	check(rib.routes == 0 && rib.lists == 0);
	check(store.refs == 0 && store.sets == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct session *s[SESSIONS];
	struct wire w = wire_over(data, n);
	set_up();
	for (unsigned i = 0; i < SESSIONS; i++)
		s[i] = connect_from(i);
	while (wire_left(&w)) {
		uint8_t step = wire_u8(&w);
		size_t len = wire_u8(&w);
		struct wire body = wire_sub(&w, len < wire_left(&w) ? len : wire_left(&w));
		take(s, step / STEPS % SESSIONS, step % STEPS, body.pos, wire_left(&body));
	}
	finish(s);
	return 0;
}
