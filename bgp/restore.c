/* See restore.h. The file comes peer by peer, in batches that share their attributes, so that reading it is
 * as fast as UPDATEs are. */
#include "bgp/restore.h"

#include "bgp/outputs.h"
#include "bgp/roster.h"
#include "collector/base/clock.h"

struct restoring {
	struct bgp_world *w;
	struct member *member; /* NULL: its routes are passed over */
	bool failed;
};

static void
restore_peer(void *ctx, const struct bgp_peer *given)
{
	struct restoring *r = ctx;
	r->member = roster_restore(r->w->roster, given);
	r->failed |= !r->member;
}

static void
restore_routes(void *ctx, enum bgp_family family, const struct bgp_nlri *nlri, unsigned n,
	       const struct bgp_attrs *attrs)
{
	struct restoring *r = ctx;
	struct bgp_world *w = r->w;
	unsigned added;
	bgp_set_id set = r->member ? bgp_store_intern(w->store, attrs) : 0;
	if (!set) {
		r->failed = true;
		return;
	}
	const struct bgp_peer *p = r->member->peer;
	if (p->add_path & 1U << family)
		r->failed |= !rib_announce_path(w->rib, p->stale, family, nlri, n, set, NULL, NULL, &added);
	else
		r->failed |= !rib_announce(w->rib, p->stale, family, nlri, n, set, NULL, NULL, &added);
	bgp_store_settle(w->store, set);
}

bool
bgp_restore(struct bgp_world *w, const char *path, char *err, size_t errlen)
{
	struct restoring r = {.w = w};
	w->now_us = clock_monotonic_us();
	bool whole = bgp_snapshot_read(path, restore_peer, restore_routes, &r, err, errlen);
	roster_tick(w->roster);
	roster_publish(w->roster);
	if (whole && r.failed)
		snprintf(err, errlen, "%s: not all routes found room in memory", path);
	return whole && !r.failed;
}
