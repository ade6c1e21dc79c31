/* Readers beside the writer: two threads look up, walk and ask for exact prefixes while routes are announced,
 * split, joined, withdrawn, dropped by slots, and prefixes leave their tables as soon as they have no route.
 *
 * A set says which block of prefixes it was announced for (MED), so that an answer proves itself: one of the
 * block's prefixes has the length that was answered and covers the address. Sets live only as long as routes
 * have them, so a reader that saw freed memory would see another block. One slot has routes that never go:
 * there every question has an answer, of a certain length at least. Under the thread sanitizer this is also
 * the proof that readers and writer share nothing without saying so. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "bgp/rib_parts.h"

#define BLOCK	 4
#define BLOCKS	 120
#define UNIVERSE (BLOCK * BLOCKS)
#define CHURNED	 3 /* slots whose routes come and go; the first with ADD-PATH */
#define CHANGES	 12000
#define ANCHOR	 8	 /* length of prefixes that stay */
#define ANCHORED 1000000 /* MED of their set */

struct world {
	struct bgp_store *store;
	struct rib *rib;
	uint32_t lasting;
	_Atomic uint32_t slot[CHURNED];
	struct bgp_nlri nlri[UNIVERSE]; /* the first half of blocks IPv4, the others IPv6 */
	atomic_bool stop;
	atomic_uint faults, answers, routes;
};

struct random {
	uint64_t state;
};

static uint32_t
draw(struct random *r, uint32_t below)
{
	r->state = r->state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((r->state >> 33) * below >> 31);
}

static bool
is_v6(unsigned prefix)
{
	return prefix >= UNIVERSE / 2;
}

static enum bgp_family
family_of(unsigned prefix)
{
	return is_v6(prefix) ? BGP_IPV6_UNICAST : BGP_IPV4_UNICAST;
}

/* All in 10.0.0.0/8 or 2001::/8, lengths from 9 on, nested. Equal ones are moved apart by trying again. */
static void
make_prefix(struct world *w, struct random *r, unsigned i)
{
	bool again;
	do {
		unsigned max = is_v6(i) ? 128 : 32, first = is_v6(i) ? 8 : 104;
		struct addr a;
		if (!addr_parse(&a, is_v6(i) ? "2001:db8::1" : "10.1.2.3"))
			abort();
		for (unsigned flips = draw(r, 4); flips; flips--) {
			unsigned bit = first + draw(r, 128 - first);
			a.b[bit / 8] ^= (uint8_t)(1 << (7 - bit % 8));
		}
		struct prefix p = {.len = (uint8_t)(ANCHOR + 1 + draw(r, max - ANCHOR))};
		p.addr = addr_mask(&a, p.len);
		w->nlri[i] = (struct bgp_nlri){.prefix = p, .label = BGP_NO_LABEL};
		again = false;
		for (unsigned j = 0; j < i; j++)
			again |=
			    w->nlri[j].prefix.len == p.len && addr_equal(&w->nlri[j].prefix.addr, &p.addr);
	} while (again);
}

static bgp_set_id
set_for(struct world *w, uint32_t med, uint32_t variant)
{
	struct bgp_attrs a = {.present = BGP_HAS_MED | BGP_HAS_LOCAL_PREF, .med = med, .local_pref = variant};
	bgp_set_id id = bgp_store_intern(w->store, &a);
	if (!id)
		abort();
	return id;
}

/* --- readers --- */

static void
fault(struct world *w)
{
	atomic_fetch_add_explicit(&w->faults, 1, memory_order_relaxed);
}

static bool
proven(const struct world *w, const struct bgp_set *set, uint8_t len, const struct addr *a)
{
	if (set->med == ANCHORED)
		return len == ANCHOR;
	for (unsigned i = 0; set->med < BLOCKS && i < BLOCK; i++) {
		const struct prefix *p = &w->nlri[set->med * BLOCK + i].prefix;
		if (p->len == len && prefix_contains(p, a))
			return true;
	}
	return false;
}

/* What a churned slot lacks, the lasting one has, so there is always an answer. */
static void
look_up(struct world *w, struct random *r)
{
	struct rib_query q[100];
	for (unsigned i = 0; i < 100; i++) {
		unsigned k = draw(r, UNIVERSE);
		struct addr a = w->nlri[k].prefix.addr;
		a.b[15] ^= (uint8_t)draw(r, 4);
		q[i] = (struct rib_query){.addr = a, .table = rib_table(w->rib, family_of(k), 0)};
		q[i].slot = w->slot[draw(r, CHURNED)];
		q[i].stale = w->lasting;
	}
	readers_begin();
	rib_lookup(w->rib, q, 100);
	for (unsigned i = 0; i < 100; i++) {
		if (!q[i].set || !proven(w, q[i].set, q[i].len, &q[i].addr))
			fault(w);
		else if (q[i].path_id && q[i].path_id != q[i].set->local_pref)
			fault(w);
		atomic_fetch_add_explicit(&w->answers, 1, memory_order_relaxed);
	}
	readers_end();
}

static void
ask_exact(struct world *w, struct random *r)
{
	unsigned k = draw(r, UNIVERSE);
	struct rib_route out[4];
	readers_begin();
	unsigned n = rib_exact(w->rib, w->slot[draw(r, CHURNED)], family_of(k), &w->nlri[k], out, 4);
	for (unsigned i = 0; i < n; i++)
		if (out[i].set->med != k / BLOCK)
			fault(w);
	readers_end();
}

static void
walk(struct world *w, uint32_t slot)
{
	struct rib_route out[64];
	uint64_t cursor = 0;
	unsigned n;
	do {
		readers_begin();
		n = rib_walk(w->rib, slot, &cursor, out, 64);
		for (unsigned i = 0; i < n; i++)
			if (!proven(w, out[i].set, out[i].nlri.prefix.len, &out[i].nlri.prefix.addr))
				fault(w);
		readers_end();
		atomic_fetch_add_explicit(&w->routes, n, memory_order_relaxed);
	} while (n);
}

static void *
reader(void *arg)
{
	struct world *w = arg;
	struct random r = {(uintptr_t)&r};
	struct rib_stats stats;
	readers_join();
	while (!atomic_load(&w->stop)) {
		for (unsigned i = 0; i < 20; i++) {
			look_up(w, &r);
			ask_exact(w, &r);
		}
		walk(w, w->slot[draw(&r, CHURNED)]);
		rib_stats(w->rib, &stats);
		if (stats.prefixes > UNIVERSE + 2)
			fault(w);
	}
	readers_leave();
	return NULL;
}

/* --- the writer --- */

/* Some of a block, or all of it. */
static void
change_block(struct world *w, struct random *r)
{
	unsigned s = draw(r, CHURNED), block = draw(r, BLOCKS), n = 1 + draw(r, BLOCK), count = 0;
	enum bgp_family f = family_of(block * BLOCK);
	struct bgp_nlri nlri[BLOCK];
	uint32_t path = s == 0 ? 1 + draw(r, 2) : 0, slot = w->slot[s];
	memcpy(nlri, &w->nlri[block * BLOCK], sizeof(nlri));
	for (unsigned i = 0; i < n; i++)
		nlri[i].path_id = path;
	if (draw(r, 2)) {
		assert_true(rib_withdraw(w->rib, slot, RIB_NO_SLOT, f, nlri, n, s == 0, NULL, NULL, &count));
		return;
	}
	bgp_set_id set = set_for(w, block, path ? path : draw(r, 3));
	assert_true(
	    (s == 0 ? rib_announce_path : rib_announce)(w->rib, slot, f, nlri, n, set, NULL, NULL, &count));
	bgp_store_settle(w->store, set);
}

static void
drop_slot(struct world *w, unsigned s)
{
	uint32_t old = w->slot[s];
	w->slot[s] = rib_slot_open(w->rib);
	while (!rib_slot_drop(w->rib, old, UINT32_MAX, NULL, NULL))
		;
	rib_slot_close(w->rib, old);
}

static void
anchor(struct world *w)
{
	struct bgp_nlri nlri = {.label = BGP_NO_LABEL};
	bgp_set_id set = set_for(w, ANCHORED, 0);
	unsigned added;
	assert_true(prefix_parse(&nlri.prefix, "10.0.0.0/8"));
	assert_true(rib_announce(w->rib, w->lasting, BGP_IPV4_UNICAST, &nlri, 1, set, NULL, NULL, &added));
	assert_true(prefix_parse(&nlri.prefix, "2000::/8"));
	assert_true(rib_announce(w->rib, w->lasting, BGP_IPV6_UNICAST, &nlri, 1, set, NULL, NULL, &added));
}

static struct world *
world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));
	struct random r = {42};
	assert_non_null(w);
	w->store = bgp_store_new();
	w->rib = rib_new(w->store);
	assert_non_null(w->rib);
	w->rib->keep_empty = 0;
	for (unsigned i = 0; i < UNIVERSE; i++)
		make_prefix(w, &r, i);
	w->lasting = rib_slot_open(w->rib);
	for (unsigned s = 0; s < CHURNED; s++)
		w->slot[s] = rib_slot_open(w->rib);
	anchor(w);
	return w;
}

static void
test_readers(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct random r = {7};
	pthread_t thread[2];
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, reader, w), 0);
	for (unsigned i = 0; i < CHANGES; i++) {
		change_block(w, &r);
		if (i % 16 == 0)
			rib_tidy(w->rib);
		if (i % 512 == 0)
			drop_slot(w, draw(&r, CHURNED));
	}
	while (atomic_load(&w->answers) < 1000 || atomic_load(&w->routes) < 100)
		change_block(w, &r);
	atomic_store(&w->stop, true);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(w->faults, 0);
	rib_free(w->rib);
	struct bgp_store_stats stats;
	bgp_store_stats(w->store, &stats);
	assert_int_equal(stats.sets, 0);
	bgp_store_free(w->store);
	free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_readers)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
