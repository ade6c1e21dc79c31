/* See tour.h. */
#include "bgp/tour.h"

void
bgp_tour_begin(struct bgp_tour *t, const struct bgp_sources *s, const struct bgp_peer *peer)
{
	*t = (struct bgp_tour){.s = s,
			       .address = peer->address,
			       .port = peer->port,
			       .slot = peer->slot,
			       .stale = peer->stale,
			       .add_path = peer->add_path};
	if (t->slot == RIB_NO_SLOT) {
		t->in_stale = true;
		t->over = t->stale == RIB_NO_SLOT;
	}
}

static bool
has_slot(const struct bgp_peer *p, const struct addr *address, uint32_t slot)
{
	return p && addr_equal(&p->address, address) && (p->slot == slot || p->stale == slot);
}

/* The session of the same port first; one that came back has another, and its old slot as the stale one. */
static bool
still_there(const struct bgp_tour *t, uint32_t slot)
{
	const struct bgp_directory *d = readers_load(t->s->directory);
	if (!d)
		return false;
	if (has_slot(bgp_directory_by_address(d, &t->address, t->port), &t->address, slot))
		return true;
	for (unsigned i = 0; i < bgp_directory_count(d); i++)
		if (has_slot(bgp_directory_at(d, i), &t->address, slot))
			return true;
	return false;
}

/* Of stale routes those that the session announced again are left out. */
static unsigned
only_stale(const struct bgp_tour *t, struct rib_route *route, unsigned n)
{
	struct rib_route fresh;
	unsigned kept = 0;
	if (t->slot == RIB_NO_SLOT)
		return n;
	for (unsigned i = 0; i < n; i++)
		if (!rib_exact(t->s->rib, t->slot, route[i].family, &route[i].nlri, &fresh, 1))
			route[kept++] = route[i];
	return kept;
}

unsigned
bgp_tour_next(struct bgp_tour *t, struct rib_route *out, unsigned max)
{
	if (t->over)
		return 0;
	uint32_t slot = t->in_stale ? t->stale : t->slot;
	unsigned n = still_there(t, slot) ? rib_walk(t->s->rib, slot, &t->cursor, out, max) : 0;
	/* looked at again: what was walked must have been the peer's to the end */
	if (!still_there(t, slot)) {
		t->gone = t->over = true;
		return 0;
	}
	if (n)
		return t->in_stale ? only_stale(t, out, n) : n;
	t->over = t->in_stale || t->stale == RIB_NO_SLOT;
	t->in_stale = true;
	t->cursor = 0;
	return 0;
}
