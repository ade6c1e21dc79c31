/* Two rings for one producer and one consumer each, in the process' own memory.
 *
 * Indices only grow; a slot is index & mask. The producer publishes head, the consumer tail, each on a cache
 * line of its own together with what its side alone uses, among it a copy of the other's index, so that the
 * lines travel once a turn of the ring and not once an event.
 *
 * The consumer sleeps on an eventfd. It says so in `asleep`, then looks once more; the producer looks at
 * `asleep` behind a full barrier when it settles, which it does once a turn, and after events of sessions:
 * one of the two sees the other. Neither a barrier nor a system call is paid for a route.
 *
 * Each event that names a set counts it once. Ids come back through the second ring, which has as many places
 * as sets can be out: the producer settles before it would count one more, so nothing there can overflow.
 *
 * The clock is read once an UPDATE and not once a prefix: an event of the same peer, set and kind within the
 * same tick of the kernel's coarse clock has the time of the one before. */
#include "bgp/eventring.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/base/clock.h"

#define LINE	  64 /* bytes of a cache line */
#define SLOT	  sizeof(struct bgp_event)
#define TEXT_MAX_ (256u << 10) /* of one event: an NLRI and attributes of the longest message */

_Static_assert(sizeof(struct bgp_event) == 72, "as eventring.h says");

struct producer {
	_Alignas(LINE) uint64_t head; /* published */
	uint64_t tail_seen;	      /* of events */
	uint64_t sets_out;	      /* counted and not yet settled */
	uint64_t sets_tail;	      /* published: how far returned ids were taken */
	uint64_t lost;		      /* published */
	uint64_t pushed;	      /* published: events, not slots */
	uint64_t roused;	      /* head when `asleep` was last looked at */
	uint64_t untold;	      /* lost since the last BGP_EVENT_LOST */
	struct bgp_event last;
	uint64_t tick;
	struct bgp_render render;
	struct text rendered;
};

struct consumer {
	_Alignas(LINE) uint64_t tail; /* published */
	uint64_t head_seen;
	uint64_t sets_head; /* published */
	uint64_t taken;	    /* slots of the event at hand */
	bgp_set_id set;
};

struct bgp_events {
	struct producer in;
	struct consumer out;
	_Alignas(LINE) bool asleep;
	int wake;
	uint64_t mask;
	struct bgp_event *slot;
	bgp_set_id *returned;
	struct bgp_store *store;
};

/* --- the producer --- */

/* True when n slots are free. */
static bool
room(struct bgp_events *e, uint64_t n)
{
	struct producer *p = &e->in;
	uint64_t size = e->mask + 1;
	if (p->head + n - p->tail_seen <= size)
		return true;
	p->tail_seen = __atomic_load_n(&e->out.tail, __ATOMIC_ACQUIRE);
	return p->head + n - p->tail_seen <= size;
}

/* The slots up to head + n are written. */
static void
publish(struct bgp_events *e, uint64_t n)
{
	__atomic_store_n(&e->in.head, e->in.head + n, __ATOMIC_RELEASE);
	__atomic_store_n(&e->in.pushed, e->in.pushed + 1, __ATOMIC_RELAXED);
}

/* A writer that went to sleep before it saw what was published is woken. head is stored once more, now in the
 * one order of all that is sequentially consistent: the thread sanitizer knows no fences. */
static void
rouse(struct bgp_events *e)
{
	if (e->in.head == e->in.roused)
		return;
	e->in.roused = e->in.head;
	__atomic_store_n(&e->in.head, e->in.head, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&e->asleep, __ATOMIC_SEQ_CST))
		bgp_events_wake(e);
}

static uint64_t
coarse_tick(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static bool
same_update(const struct bgp_event *a, const struct bgp_event *b)
{
	return a->kind == b->kind && a->set == b->set && a->port == b->port && addr_equal(&a->peer, &b->peer);
}

static void
set_time(struct producer *p, struct bgp_event *ev)
{
	uint64_t tick = coarse_tick();
	bool same = tick == p->tick && same_update(&p->last, ev);
	ev->time_us = same ? p->last.time_us : clock_now_us();
	p->tick = tick;
	p->last = *ev;
}

/* Before the first event that fits again: how many did not. */
static void
tell_lost(struct bgp_events *e)
{
	struct producer *p = &e->in;
	struct bgp_event ev = p->last;
	ev.kind = BGP_EVENT_LOST;
	ev.is_text = false;
	ev.set = 0;
	ev.time_us = clock_now_us();
	ev.lost = p->untold;
	e->slot[p->head & e->mask] = ev;
	p->untold = 0;
	publish(e, 1);
}

static void
lose(struct bgp_events *e)
{
	e->in.untold++;
	__atomic_store_n(&e->in.lost, e->in.lost + 1, __ATOMIC_RELAXED);
}

/* True when an event with n slots may be written, its set counted. */
static bool
admit(struct bgp_events *e, uint64_t n, bgp_set_id set)
{
	struct producer *p = &e->in;
	if (!room(e, n + (p->untold != 0))) {
		lose(e);
		return false;
	}
	if (p->untold)
		tell_lost(e);
	if (!set)
		return true;
	if (p->sets_out > e->mask)
		bgp_events_settle(e);
	if (p->sets_out > e->mask) {
		lose(e);
		return false;
	}
	bgp_store_ref(e->store, set, 1);
	p->sets_out++;
	return true;
}

static struct bgp_event
event_of(enum bgp_event_kind kind, const struct bgp_peer *peer)
{
	return (struct bgp_event){
	    .kind = (uint8_t)kind, .peer = peer->address, .port = peer->port, .peer_id = peer->id};
}

static void
push(struct bgp_events *e, struct bgp_event *ev)
{
	set_time(&e->in, ev);
	if (!admit(e, 1, ev->set))
		return;
	e->slot[e->in.head & e->mask] = *ev;
	publish(e, 1);
}

void
bgp_event_session(struct bgp_events *e, enum bgp_event_kind kind, const struct bgp_peer *peer)
{
	if (!e)
		return;
	struct bgp_event ev = event_of(kind, peer);
	push(e, &ev);
	rouse(e);
}

void
bgp_event_route(struct bgp_events *e, enum bgp_event_kind kind, const struct bgp_peer *peer,
		enum bgp_family family, const struct bgp_nlri *nlri, bgp_set_id set)
{
	if (!e)
		return;
	struct bgp_event ev = event_of(kind, peer);
	ev.family = (uint8_t)family;
	ev.has_path_id = peer->add_path >> family & 1;
	ev.len = nlri->prefix.len;
	ev.set = set;
	ev.route.prefix = nlri->prefix.addr;
	ev.route.rd = nlri->rd;
	ev.route.path_id = nlri->path_id;
	push(e, &ev);
}

void
bgp_event_eor(struct bgp_events *e, const struct bgp_peer *peer, enum bgp_family family)
{
	if (!e)
		return;
	struct bgp_event ev = event_of(BGP_EVENT_EOR, peer);
	ev.family = (uint8_t)family;
	push(e, &ev);
}

/* n bytes into the slots from index at on, which go round the end of the ring. */
static void
copy_in(struct bgp_events *e, uint64_t at, const uint8_t *bytes, size_t n)
{
	size_t size = (size_t)(e->mask + 1) * SLOT, pos = (size_t)(at & e->mask) * SLOT;
	size_t first = n < size - pos ? n : size - pos;
	memcpy((uint8_t *)e->slot + pos, bytes, first);
	memcpy(e->slot, bytes + first, n - first);
}

/* Rendered here, since the attributes point into the message. Rare enough: nobody announces millions of
 * these. */
void
bgp_event_text(struct bgp_events *e, enum bgp_event_kind kind, const struct bgp_peer *peer,
	       enum bgp_family family, const char *nlri, size_t len, const struct bgp_attrs *attrs)
{
	if (!e)
		return;
	struct producer *p = &e->in;
	struct bgp_event ev = event_of(kind, peer);
	ev.family = (uint8_t)family;
	ev.is_text = true;
	p->rendered.len = 0;
	text_add(&p->rendered, nlri, len);
	if (attrs)
		bgp_render_attrs(&p->render, attrs, &p->rendered);
	ev.text.text_len = (uint32_t)len;
	ev.text.attrs_len = (uint32_t)(p->rendered.len - len);
	uint64_t slots = 1 + (p->rendered.len + SLOT - 1) / SLOT;
	set_time(p, &ev);
	if (p->rendered.len > TEXT_MAX_) {
		lose(e);
		return;
	}
	if (!admit(e, slots, 0))
		return;
	e->slot[p->head & e->mask] = ev;
	copy_in(e, p->head + 1, (const uint8_t *)p->rendered.data, p->rendered.len);
	publish(e, slots);
}

/* Equal ids mostly stand together: the routes of one UPDATE. */
void
bgp_events_settle(struct bgp_events *e)
{
	if (!e)
		return;
	struct producer *p = &e->in;
	uint64_t at = p->sets_tail, head = __atomic_load_n(&e->out.sets_head, __ATOMIC_ACQUIRE);
	while (at != head) {
		bgp_set_id id = e->returned[at & e->mask];
		uint32_t n = 0;
		for (; at != head && e->returned[at & e->mask] == id; at++)
			n++;
		bgp_store_unref(e->store, id, n);
		p->sets_out -= n;
	}
	__atomic_store_n(&p->sets_tail, at, __ATOMIC_RELEASE);
	if (p->untold && room(e, 1))
		tell_lost(e);
	rouse(e);
}

bool
bgp_events_wanted(const struct bgp_events *e)
{
	return e != NULL;
}

/* --- the consumer --- */

static void
copy_out(const struct bgp_events *e, uint64_t at, struct text *out, size_t n)
{
	size_t size = (size_t)(e->mask + 1) * SLOT, pos = (size_t)(at & e->mask) * SLOT;
	size_t first = n < size - pos ? n : size - pos;
	text_add(out, (const uint8_t *)e->slot + pos, first);
	text_add(out, e->slot, n - first);
}

const struct bgp_event *
bgp_events_next(struct bgp_events *e, struct text *text)
{
	struct consumer *c = &e->out;
	if (c->tail == c->head_seen)
		c->head_seen = __atomic_load_n(&e->in.head, __ATOMIC_ACQUIRE);
	if (c->tail == c->head_seen)
		return NULL;
	const struct bgp_event *ev = &e->slot[c->tail & e->mask];
	c->taken = 1;
	c->set = ev->set;
	if (ev->is_text) {
		size_t n = (size_t)ev->text.text_len + ev->text.attrs_len;
		copy_out(e, c->tail + 1, text, n);
		c->taken += (n + SLOT - 1) / SLOT;
	}
	return ev;
}

void
bgp_events_done(struct bgp_events *e)
{
	struct consumer *c = &e->out;
	if (c->set) {
		e->returned[c->sets_head & e->mask] = c->set;
		__atomic_store_n(&c->sets_head, c->sets_head + 1, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&c->tail, c->tail + c->taken, __ATOMIC_RELEASE);
	c->taken = 0;
	c->set = 0;
}

void
bgp_events_wait(struct bgp_events *e, int timeout_ms)
{
	__atomic_store_n(&e->asleep, true, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&e->in.head, __ATOMIC_SEQ_CST) == e->out.tail) {
		struct pollfd fd = {.fd = e->wake, .events = POLLIN};
		poll(&fd, 1, timeout_ms);
	}
	__atomic_store_n(&e->asleep, false, __ATOMIC_RELAXED);
	uint64_t count;
	if (read(e->wake, &count, sizeof(count)) < 0)
		return; /* nobody woke us */
}

void
bgp_events_wake(struct bgp_events *e)
{
	static const uint64_t one = 1;
	if (write(e->wake, &one, sizeof(one)) < 0)
		return; /* its counter is full: it is awake */
}

/* --- both --- */

uint64_t
bgp_events_lost(const struct bgp_events *e)
{
	return __atomic_load_n(&e->in.lost, __ATOMIC_RELAXED);
}

uint64_t
bgp_events_pushed(const struct bgp_events *e)
{
	return __atomic_load_n(&e->in.pushed, __ATOMIC_RELAXED);
}

uint64_t
bgp_events_waiting(const struct bgp_events *e)
{
	uint64_t tail = __atomic_load_n(&e->out.tail, __ATOMIC_RELAXED);
	return __atomic_load_n(&e->in.head, __ATOMIC_RELAXED) - tail;
}

static void *
map(size_t bytes)
{
	void *p =
	    mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

struct bgp_events *
bgp_events_new(struct bgp_store *store, size_t slots, const struct conf *conf)
{
	struct bgp_events *e = aligned_alloc(LINE, (sizeof(*e) + LINE - 1) / LINE * LINE);
	if (!e)
		return NULL;
	memset(e, 0, sizeof(*e));
	uint64_t size = 64;
	while (size < slots)
		size *= 2;
	e->mask = size - 1;
	e->store = store;
	e->slot = map(size * SLOT);
	e->returned = map(size * sizeof(*e->returned));
	e->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	bgp_render_init(&e->in.render, conf);
	if (!e->slot || !e->returned || e->wake < 0) {
		bgp_events_free(e);
		return NULL;
	}
	return e;
}

void
bgp_events_free(struct bgp_events *e)
{
	if (!e)
		return;
	struct text dropped = {0};
	if (e->slot && e->returned) {
		for (; bgp_events_next(e, &dropped); dropped.len = 0)
			bgp_events_done(e);
		e->in.untold = 0;
		bgp_events_settle(e);
	}
	text_free(&dropped);
	text_free(&e->in.rendered);
	if (e->slot)
		munmap(e->slot, (e->mask + 1) * SLOT);
	if (e->returned)
		munmap(e->returned, (e->mask + 1) * sizeof(*e->returned));
	if (e->wake >= 0)
		close(e->wake);
	free(e);
}
