/* See roster.h.
 *
 * Readers see entries (struct bgp_peer) through the directory. An entry is replaced, never changed, when a
 * session comes or goes; the old one, like the old directory, waits in a grave until no reader can see it. A
 * slot that goes is first taken out of the entry, then emptied in steps (struct drop), and given back when a
 * grace period has passed: a reader that still holds its number finds fewer and fewer routes, never somebody
 * else's. */
#include "bgp/roster.h"

#include "collector/base/clock.h"
#include "collector/base/readers.h"

#define FORGET_US     (3600 * US_PER_S) /* how long people see a peer that went */
#define STALE_ADDRESS 4			/* members of one address that may be stale at once */
#define RIB_FAMILIES  ((1U << BGP_RIB_FAMILIES) - 1)
#define EXACT_MAX     64

/* A slot on its way out, or some of its families. */
struct drop {
	TAILQ_ENTRY(drop) link;
	struct rib *rib;
	struct bgp_events *events;
	struct member *member;
	uint32_t slot;
	uint32_t families;
	bool close; /* all of it; the slot is given back */
	bool last;  /* the routes of a session that ended */
	bool begun; /* the grace period */
	struct readers_ticket ticket;
};

/* Memory that readers may still see. */
struct grave {
	TAILQ_ENTRY(grave) link;
	struct readers_ticket ticket;
	size_t n;
	void *dead[];
};

TAILQ_HEAD(member_list, member);
TAILQ_HEAD(drop_list, drop);

struct roster {
	struct bgp_world *w;
	const struct bgp_directory **directory;
	struct member_list members;
	unsigned n;
	struct drop_list drops;	 /* to be emptied */
	struct drop_list closes; /* empty, waiting for readers */
	TAILQ_HEAD(grave_list, grave) graves;
	void **young; /* no longer published with the next directory */
	size_t young_n, young_room;
	bool dirty; /* the directory is out of date */
};

struct roster *
roster_new(struct bgp_world *w, const struct bgp_directory **directory)
{
	struct roster *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->w = w;
	r->directory = directory;
	TAILQ_INIT(&r->members);
	TAILQ_INIT(&r->drops);
	TAILQ_INIT(&r->closes);
	TAILQ_INIT(&r->graves);
	return r;
}

static uint32_t
slot_of(const struct member *m)
{
	return atomic_load_explicit(&m->peer->slot, memory_order_relaxed);
}

static uint32_t
stale_of(const struct member *m)
{
	return atomic_load_explicit(&m->peer->stale, memory_order_relaxed);
}

/* --- what readers no longer see --- */

/* Without memory for the list it is lost: better than freed too early. */
static void
bury(struct roster *r, void *p)
{
	if (r->young_n == r->young_room) {
		size_t room = r->young_room ? 2 * r->young_room : 64;
		void **grown = realloc(r->young, room * sizeof(*grown));
		if (!grown)
			return;
		r->young = grown;
		r->young_room = room;
	}
	r->young[r->young_n++] = p;
}

static void
dig(struct roster *r)
{
	struct grave *g = r->young_n ? calloc(1, sizeof(*g) + r->young_n * sizeof(g->dead[0])) : NULL;
	if (!g)
		return; /* nothing, or no memory: with the next directory */
	g->n = r->young_n;
	memcpy(g->dead, r->young, r->young_n * sizeof(g->dead[0]));
	r->young_n = 0;
	readers_ticket_start(&g->ticket);
	TAILQ_INSERT_TAIL(&r->graves, g, link);
}

static void
grave_free(struct roster *r, struct grave *g)
{
	TAILQ_REMOVE(&r->graves, g, link);
	for (size_t i = 0; i < g->n; i++)
		free(g->dead[i]);
	free(g);
}

/* Grace periods end in the order in which they began. */
static void
sweep_graves(struct roster *r)
{
	for (struct grave *g; (g = TAILQ_FIRST(&r->graves)) && readers_ticket_done(&g->ticket);)
		grave_free(r, g);
}

/* --- slots on their way out --- */

static struct drop *
drop_new(struct roster *r, struct member *m, uint32_t slot, uint32_t families, bool all)
{
	struct drop *d = slot == RIB_NO_SLOT || !(families || all) ? NULL : calloc(1, sizeof(*d));
	if (!d)
		return NULL; /* no memory: the slot stays with its routes, seen by nobody */
	*d = (struct drop){.rib = r->w->rib,
			   .events = r->w->events,
			   .member = m,
			   .slot = slot,
			   .families = all ? UINT32_MAX : families,
			   .close = all};
	m->drops++;
	TAILQ_INSERT_TAIL(&r->drops, d, link);
	r->dirty = true;
	r->w->changed = true;
	return d;
}

/* True when the session that the peer has now announced the route again. */
static bool
is_alive(const struct drop *d, enum bgp_family family, const struct bgp_nlri *nlri)
{
	struct rib_route found[EXACT_MAX];
	uint32_t slot = slot_of(d->member);
	if (slot == RIB_NO_SLOT || slot == d->slot)
		return false;
	unsigned n = rib_exact(d->rib, slot, family, nlri, found, EXACT_MAX);
	for (unsigned i = 0; i < n; i++)
		if (found[i].nlri.path_id == nlri->path_id)
			return true;
	return false;
}

static void
tell_deleted(void *ctx, uint32_t slot, enum bgp_family family, const struct bgp_nlri *nlri, bgp_set_id old,
	     bgp_set_id fresh)
{
	struct drop *d = ctx;
	(void)slot, (void)fresh;
	if (!is_alive(d, family, nlri))
		bgp_event_route(d->events, BGP_EVENT_DELETE, d->member->peer, family, nlri, old);
}

/* The log has a session's routes between its beginning and its end. */
static void
tell_down(struct roster *r, struct member *m)
{
	if (r->w->events && m->closing)
		bgp_event_session(r->w->events, BGP_EVENT_DOWN, m->peer);
	m->closing = false;
}

static void
drop_free(struct drop *d)
{
	d->member->drops--;
	free(d);
}

/* Empty slots go back once no reader holds their number. */
static void
sweep_closes(struct roster *r)
{
	for (struct drop *d = TAILQ_FIRST(&r->closes), *next; d; d = next) {
		next = TAILQ_NEXT(d, link);
		if (!d->begun || !readers_ticket_done(&d->ticket))
			continue;
		TAILQ_REMOVE(&r->closes, d, link);
		rib_slot_close(d->rib, d->slot);
		drop_free(d);
	}
}

bool
roster_step(struct roster *r)
{
	struct drop *d = TAILQ_FIRST(&r->drops);
	if (!d)
		return true;
	rib_change *tell = d->events && bgp_events_wanted(d->events) ? tell_deleted : NULL;
	r->w->changed = true;
	if (!rib_slot_drop(d->rib, d->slot, d->families, tell, d))
		return false;
	TAILQ_REMOVE(&r->drops, d, link);
	if (d->last)
		tell_down(r, d->member);
	if (d->close)
		TAILQ_INSERT_TAIL(&r->closes, d, link);
	else
		drop_free(d);
	return TAILQ_EMPTY(&r->drops);
}

bool
roster_pending(const struct roster *r)
{
	return !TAILQ_EMPTY(&r->drops);
}

/* --- stale routes --- */

static void
stale_end(struct roster *r, struct member *m)
{
	uint32_t slot = stale_of(m);
	if (slot == RIB_NO_SLOT)
		return;
	atomic_store_explicit(&m->peer->stale, RIB_NO_SLOT, memory_order_release);
	drop_new(r, m, slot, 0, true);
	m->stale_families = m->refreshing = m->long_lived = 0;
	m->layered = m->loaded = false;
	m->forget_us = r->w->now_us + FORGET_US;
}

/* Lets go of all but these families. */
static void
stale_keep(struct roster *r, struct member *m, uint32_t families)
{
	uint32_t gone = m->stale_families & ~families;
	m->stale_families &= families;
	if (m->stale_families == 0)
		stale_end(r, m);
	else if (gone && stale_of(m) != RIB_NO_SLOT)
		drop_new(r, m, stale_of(m), gone, false);
}

/* A peer that comes with ever new identifiers must not pile up routes. */
static void
stale_bound(struct roster *r, const struct addr *address)
{
	struct member *oldest = NULL;
	unsigned n = 0;
	for (struct member *m = TAILQ_FIRST(&r->members); m; m = TAILQ_NEXT(m, link)) {
		if (m->session || stale_of(m) == RIB_NO_SLOT || !addr_equal(&m->peer->address, address))
			continue;
		n++;
		if (!oldest || m->stale_until_us < oldest->stale_until_us)
			oldest = m;
	}
	if (n > STALE_ADDRESS)
		stale_end(r, oldest);
}

/* --- members --- */

struct member *
roster_find(const struct roster *r, const struct addr *address, uint32_t id)
{
	for (struct member *m = TAILQ_FIRST(&r->members); m; m = TAILQ_NEXT(m, link)) {
		if (m->peer->id == id && addr_equal(&m->peer->address, address))
			return m;
	}
	return NULL;
}

struct session *
roster_session_of(const struct roster *r, const struct addr *address)
{
	for (struct member *m = TAILQ_FIRST(&r->members); m; m = TAILQ_NEXT(m, link)) {
		if (m->session && addr_equal(&m->peer->address, address))
			return m->session;
	}
	return NULL;
}

struct session *
roster_session_elsewhere(const struct roster *r, const struct addr *address, uint32_t id)
{
	for (struct member *m = TAILQ_FIRST(&r->members); m; m = TAILQ_NEXT(m, link)) {
		if (m->session && m->peer->id == id && !addr_equal(&m->peer->address, address))
			return m->session;
	}
	return NULL;
}

static void
forget(struct roster *r, struct member *m)
{
	TAILQ_REMOVE(&r->members, m, link);
	r->n--;
	r->dirty = true;
	bury(r, m->peer);
	free(m->spare);
	free(m);
}

static bool
is_idle(const struct member *m)
{
	return !m->session && stale_of(m) == RIB_NO_SLOT && m->drops == 0;
}

/* The list of those that went is bounded like that of those that are there. */
static void
make_room(struct roster *r)
{
	struct member *oldest = NULL;
	if (r->n < 2 * r->w->config->max_peers + 16)
		return;
	for (struct member *m = TAILQ_FIRST(&r->members); m; m = TAILQ_NEXT(m, link)) {
		if (is_idle(m) && (!oldest || m->forget_us < oldest->forget_us))
			oldest = m;
	}
	if (oldest)
		forget(r, oldest);
}

/* Takes the entry over. */
static struct member *
add_member(struct roster *r, struct bgp_peer *peer)
{
	make_room(r);
	struct member *m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->peer = peer;
	TAILQ_INSERT_TAIL(&r->members, m, link);
	r->n++;
	r->dirty = true;
	return m;
}

/* What goes on from one session to the next. */
static void
inherit(struct bgp_peer *fresh, const struct bgp_peer *old)
{
	for (unsigned i = 0; i < BGP_PEER_COUNTERS; i++)
		bgp_peer_count(&fresh->counter[i], old->counter[i]);
	for (unsigned i = 0; i < BGP_FAULTS; i++)
		bgp_peer_count(&fresh->fault[i], old->fault[i]);
	memcpy(fresh->last_error, old->last_error, sizeof(fresh->last_error));
	fresh->stale = old->stale;
}

static void
set_state(struct bgp_peer *p, enum bgp_state state)
{
	p->state = (int)state;
	p->since_us = clock_now_us();
}

static void
replace_entry(struct roster *r, struct member *m, struct bgp_peer *fresh)
{
	bury(r, m->peer);
	m->peer = fresh;
	r->dirty = true;
}

static void
log_up(struct roster *r, struct member *m)
{
	const struct bgp_peer *p = m->peer;
	char who[ADDR_TEXT_MAX], held[64];
	if (!bgp_may_log(&m->up_limit, held, sizeof(held)))
		return;
	addr_format(who, &p->address);
	log_info("BGP peer %s port %u established: AS %u, identifier %u.%u.%u.%u, hold time %u s%s%s", who,
		 p->port, p->as, p->id >> 24, p->id >> 16 & 255, p->id >> 8 & 255, p->id & 255, p->hold_time,
		 stale_of(m) == RIB_NO_SLOT ? "" : ", earlier routes wait for its End-of-RIB", held);
	(void)r;
}

bool
roster_up(struct roster *r, struct session *s)
{
	struct bgp_peer *fresh = s->peer;
	struct bgp_peer *spare = calloc(1, sizeof(*spare));
	uint32_t slot = spare ? rib_slot_open(r->w->rib) : RIB_NO_SLOT;
	struct member *m = slot == RIB_NO_SLOT ? NULL : roster_find(r, &s->address, fresh->id);
	if (slot != RIB_NO_SLOT && !m)
		m = add_member(r, fresh);
	if (!m) {
		if (slot != RIB_NO_SLOT)
			rib_slot_close(r->w->rib, slot);
		free(spare);
		return false;
	}
	if (m->peer != fresh) {
		tell_down(r, m);
		inherit(fresh, m->peer);
		replace_entry(r, m, fresh);
	}
	free(m->spare);
	m->spare = spare;
	m->session = s;
	s->member = m;
	fresh->slot = slot;
	set_state(fresh, BGP_ESTABLISHED);
	bgp_peer_count(&fresh->counter[BGP_PEER_SESSIONS], 1);
	/* a restarted peer says what it still forwards by; a snapshot is better than nothing in any case */
	uint32_t keep = m->loaded ? s->rules.families : s->grace.any ? s->grace.forwarding : 0;
	stale_keep(r, m, keep & s->rules.families);
	m->long_lived = 0;
	m->stale_until_us = r->w->now_us + r->w->config->stale_us;
	if (r->w->events)
		bgp_event_session(r->w->events, BGP_EVENT_UP, fresh);
	log_up(r, m);
	return true;
}

/* What was stale before the session is gone for good (RFC 4724, 4.2: consecutive restarts). */
static void
begin_stale(struct roster *r, struct member *m, const struct session *s, uint32_t slot, uint32_t families)
{
	stale_end(r, m);
	m->peer->stale = slot;
	m->stale_families = s->rules.families & RIB_FAMILIES;
	stale_keep(r, m, families);
	m->stale_until_us = r->w->now_us + s->grace.us;
	m->long_lived = s->grace.long_lived & families;
	m->long_lived_us = s->grace.long_lived_us;
	stale_bound(r, &m->peer->address);
}

void
roster_down(struct roster *r, struct session *s, bool keep)
{
	struct member *m = s->member;
	uint32_t slot = slot_of(m), families = s->grace.families & s->rules.families & RIB_FAMILIES;
	struct bgp_peer *p = m->spare;
	m->spare = NULL;
	memcpy(p, m->peer, sizeof(*p));
	p->slot = RIB_NO_SLOT;
	set_state(p, BGP_IDLE);
	bgp_peer_count(&p->counter[BGP_PEER_RESETS], 1);
	memcpy(p->last_error, s->why, sizeof(p->last_error));
	replace_entry(r, m, p);
	m->session = NULL;
	m->refreshing = 0;
	m->forget_us = r->w->now_us + FORGET_US;
	m->closing = true;
	if (keep && families) {
		tell_down(r, m);
		begin_stale(r, m, s, slot, families);
	} else {
		stale_end(r, m);
		struct drop *d = drop_new(r, m, slot, 0, true);
		if (d)
			d->last = true;
	}
	s->member = NULL;
	s->peer = NULL;
}

/* --- what a session says about its routes as a whole --- */

void
roster_end_of_rib(struct roster *r, struct member *m, enum bgp_family family)
{
	uint32_t bit = 1U << family;
	atomic_fetch_or_explicit(&m->peer->eor, bit, memory_order_relaxed);
	if (r->w->events)
		bgp_event_eor(r->w->events, m->peer, family);
	if (!m->layered && m->stale_families & bit)
		stale_keep(r, m, ~bit);
}

/* The routes so far become the lower layer, of all families since there is one slot for them. While that
 * layer is there another family may join, once; what was refreshed already waits until the layer is gone. */
void
roster_refresh_begin(struct roster *r, struct member *m, enum bgp_family family)
{
	uint32_t bit = 1U << family;
	if (stale_of(m) != RIB_NO_SLOT) {
		if (m->layered && m->stale_families & bit)
			m->refreshing |= bit;
		return;
	}
	uint32_t fresh = rib_slot_open(r->w->rib);
	if (fresh == RIB_NO_SLOT)
		return; /* nothing is lost: old routes that are not announced again stay */
	/* readers never see neither */
	atomic_store_explicit(&m->peer->stale, slot_of(m), memory_order_release);
	atomic_store_explicit(&m->peer->slot, fresh, memory_order_release);
	m->layered = true;
	m->stale_families = m->peer->families & RIB_FAMILIES;
	m->refreshing = bit;
	m->stale_until_us = r->w->now_us + r->w->config->stale_us;
}

void
roster_refresh_end(struct roster *r, struct member *m, enum bgp_family family)
{
	uint32_t bit = 1U << family;
	if (!(m->refreshing & bit))
		return;
	m->refreshing &= ~bit;
	stale_keep(r, m, ~bit);
}

void
roster_disable(struct roster *r, struct member *m, enum bgp_family family)
{
	drop_new(r, m, slot_of(m), 1U << family, false);
	if (m->stale_families & 1U << family)
		stale_keep(r, m, ~(1U << family));
}

/* --- a snapshot --- */

struct member *
roster_restore(struct roster *r, const struct bgp_peer *given)
{
	struct bgp_peer *p = calloc(1, sizeof(*p));
	uint32_t slot = p ? rib_slot_open(r->w->rib) : RIB_NO_SLOT;
	struct member *m = slot == RIB_NO_SLOT ? NULL : add_member(r, p);
	if (!m) {
		if (slot != RIB_NO_SLOT)
			rib_slot_close(r->w->rib, slot);
		free(p);
		return NULL;
	}
	*p = (struct bgp_peer){.address = given->address,
			       .port = given->port,
			       .id = given->id,
			       .as = given->as,
			       .local_as = given->local_as,
			       .slot = RIB_NO_SLOT,
			       .stale = slot,
			       .families = given->families,
			       .add_path = given->add_path,
			       .ebgp = given->ebgp};
	memcpy(p->host, given->host, sizeof(p->host));
	snprintf(p->last_error, sizeof(p->last_error), "routes are from a snapshot");
	set_state(p, BGP_IDLE);
	m->loaded = true;
	m->stale_families = RIB_FAMILIES;
	m->stale_until_us = r->w->now_us + r->w->config->stale_us;
	return m;
}

/* --- time --- */

static void
tick_stale(struct roster *r, struct member *m)
{
	if (stale_of(m) == RIB_NO_SLOT || r->w->now_us < m->stale_until_us)
		return;
	if (m->layered && m->session) {
		m->refreshing = 0; /* the end of the refresh never came: all routes stay */
		return;
	}
	if (!m->session && m->long_lived & m->stale_families) {
		stale_keep(r, m, m->long_lived);
		m->stale_until_us = r->w->now_us + m->long_lived_us;
		m->long_lived = 0;
		return;
	}
	stale_end(r, m);
}

static size_t
routes_in(const struct roster *r, uint32_t slot)
{
	return slot == RIB_NO_SLOT ? 0 : rib_slot_routes(r->w->rib, slot);
}

void
roster_tick(struct roster *r)
{
	uint64_t routes = 0, stale = 0;
	for (struct member *m = TAILQ_FIRST(&r->members), *next; m; m = next) {
		next = TAILQ_NEXT(m, link);
		tick_stale(r, m);
		size_t n = routes_in(r, slot_of(m)) + routes_in(r, stale_of(m));
		atomic_store_explicit(&m->peer->routes, n, memory_order_relaxed);
		routes += n;
		stale += stale_of(m) != RIB_NO_SLOT;
		if (is_idle(m) && r->w->now_us >= m->forget_us)
			forget(r, m);
	}
	counter_set(r->w->totals, BGP_TOTAL_ROUTES, routes);
	counter_set(r->w->totals, BGP_TOTAL_STALE, stale);
	sweep_graves(r);
	sweep_closes(r);
}

/* --- the directory --- */

static void
begin_grace(struct drop_list *list)
{
	for (struct drop *d = TAILQ_FIRST(list); d; d = TAILQ_NEXT(d, link)) {
		if (d->close && !d->begun)
			readers_ticket_start(&d->ticket);
		d->begun = true;
	}
}

void
roster_close_log(struct roster *r)
{
	for (struct member *m = TAILQ_FIRST(&r->members); m; m = TAILQ_NEXT(m, link)) {
		m->closing |= m->session != NULL;
		tell_down(r, m);
	}
}

/* What was unpublished since the last time is out of readers' reach after the grace period that begins here.
 */
void
roster_publish(struct roster *r)
{
	if (!r->dirty)
		return;
	struct bgp_peer **list = calloc(r->n + 1, sizeof(*list));
	struct bgp_directory *fresh = NULL;
	unsigned n = 0;
	if (list) {
		for (struct member *m = TAILQ_FIRST(&r->members); m; m = TAILQ_NEXT(m, link)) {
			list[n++] = m->peer;
		}
		fresh = bgp_directory_new(list, n, r->w->config->id_check);
		free(list);
	}
	if (!fresh)
		return; /* memory is short: the next turn tries again */
	if (*r->directory)
		bury(r, (void *)(uintptr_t)*r->directory);
	readers_store(r->directory, fresh);
	r->dirty = false;
	dig(r);
	begin_grace(&r->drops);
	begin_grace(&r->closes);
}

/* Also slots that are still emptied: the RIB is freed as a whole. */
void
roster_free(struct roster *r)
{
	struct member *m;
	struct drop *d;
	struct grave *g;
	if (!r)
		return;
	readers_drain();
	TAILQ_CONCAT(&r->drops, &r->closes, link);
	while ((d = TAILQ_FIRST(&r->drops))) {
		TAILQ_REMOVE(&r->drops, d, link);
		free(d);
	}
	while ((g = TAILQ_FIRST(&r->graves)))
		grave_free(r, g);
	for (size_t i = 0; i < r->young_n; i++)
		free(r->young[i]);
	while ((m = TAILQ_FIRST(&r->members))) {
		TAILQ_REMOVE(&r->members, m, link);
		free(m->peer);
		free(m->spare);
		free(m);
	}
	bgp_directory_free((struct bgp_directory *)(uintptr_t)*r->directory);
	*r->directory = NULL;
	free(r->young);
	free(r);
}
