/* What takes long, in steps: dropping a slot, and tidying up behind all changes.
 *
 * Dropping a slot is a walk over groups: one store takes the route from all prefixes of a group. Only when
 * somebody wants to be told of each route, prefixes are walked first, which changes nothing yet. The walk
 * over groups goes by their index, in which every change moves groups about; since it is over when the slot's
 * count of routes says so, and begins again otherwise, it need not care.
 *
 * Tidying is a walk over prefixes: one whose group is empty or equal to another gets the one that stands for
 * all such; one without routes leaves its table. The latter only when many prefixes are without routes: a
 * route that flaps is withdrawn and announced again without any change of a trie. Prefixes of few bits always
 * stay, since they cost most to take out and put in, and there are not many. */
#include "bgp/rib_parts.h"

#define DROP_BUCKETS (1U << 20) /* looked at in a step, */
#define DROP_GROUPS  (1U << 15) /* or changed */
#define TIDY_COST    (1U << 15)
#define REMOVAL_COST 8 /* of taking a prefix out, in prefixes looked at; and 1 per entry */
#define EMPTY_PART   8 /* one in so many prefixes may be without routes */

/* --- dropping a slot --- */

/* Tells of the routes of a prefix: several with ADD-PATH. */
static void
tell_entry(struct rib *r, uint32_t slot, const struct rib_table *t, bool v6, uint32_t prefix, uint32_t entry,
	   rib_change *change, void *ctx)
{
	struct bgp_nlri nlri;
	rib_nlri_of(r, v6, prefix, &nlri);
	if (!(entry & GROUP_LIST)) {
		nlri.label = bgp_store_label(r->store, bgp_store_set(r->store, entry));
		change(ctx, slot, t->family, &nlri, entry, 0);
		return;
	}
	const struct path_list *list = path_list_at(&r->lists, entry & ~GROUP_LIST);
	for (uint32_t i = 0; i < list->n; i++) {
		nlri.path_id = list->path[i].id;
		nlri.label = bgp_store_label(r->store, bgp_store_set(r->store, list->path[i].set));
		change(ctx, slot, t->family, &nlri, list->path[i].set, 0);
	}
}

/* Tells of the next routes of a slot; true when all have been told. Prefixes that come meanwhile have none.
 */
static bool
drop_tell(struct rib *r, uint32_t slot, uint32_t families, rib_change *change, void *ctx)
{
	struct rib_slot *s = &r->slots[slot];
	for (unsigned n = 0; n < r->tell_step; n++) {
		const struct trie_plane *p = &r->space.plane[s->told_v6];
		uint32_t prefix = s->told + 1;
		if (prefix >= p->end) {
			if (s->told_v6)
				return true;
			s->told_v6 = true;
			s->told = 0;
			continue;
		}
		const struct trie_prefix *t = trie_at(p, prefix);
		uint32_t entry = group_entry(&r->groups, t->group, slot);
		s->told = prefix;
		if (entry && families >> rib_table_of(r, t)->family & 1)
			tell_entry(r, slot, rib_table_of(r, t), p->v6, prefix, entry, change, ctx);
	}
	return false;
}

/* Of the families that are to be dropped. */
static size_t
routes_left(const struct rib_slot *s, uint32_t families)
{
	size_t sum = 0;
	for (unsigned f = 0; f < BGP_RIB_FAMILIES; f++)
		sum += families >> f & 1 ? s->routes[f] : 0;
	return sum;
}

/* True when the group had a route. */
static bool
drop_from(struct rib *r, uint32_t id, uint32_t slot, uint32_t families)
{
	const struct group *g = group_at(&r->groups, id);
	if (!(families >> g->family & 1))
		return false;
	uint32_t old = group_drop(&r->groups, id, slot);
	if (!old)
		return false;
	size_t routes = (size_t)rib_entry_routes(r, old) * g->refs,
	       *count = &r->slots[slot].routes[g->family];
	__atomic_store_n(count, *count - routes, __ATOMIC_RELAXED);
	r->routes -= routes;
	rib_entry_unref(r, old, g->refs);
	return true;
}

bool
rib_slot_drop(struct rib *r, uint32_t slot, uint32_t families, rib_change *change, void *ctx)
{
	struct rib_slot *s = &r->slots[slot];
	unsigned changed = 0;
	if (change && routes_left(s, families) && !drop_tell(r, slot, families, change, ctx))
		return false;
	for (size_t n = 0; n < DROP_BUCKETS && changed < DROP_GROUPS && routes_left(s, families); n++) {
		uint32_t id = group_bucket_at(&r->groups, s->cleared)->id;
		if (id && drop_from(r, id, slot, families))
			changed++; /* and another group may be in the bucket now */
		else
			s->cleared++;
	}
	rib_publish(r);
	if (routes_left(s, families))
		return false;
	s->told = 0;
	s->told_v6 = false;
	s->cleared = 0;
	return true;
}

/* --- tidying --- */

/* Moves one prefix from a group that may be superfluous; with the last prefix it goes. */
static void
join_canonical(struct rib *r, struct trie_prefix *t)
{
	struct groups *g = &r->groups;
	uint32_t from = t->group, to = group_canonical(g, from);
	if (to == from) {
		group_set_dirty(g, from, false);
		return;
	}
	readers_store(&t->group, to);
	if (to)
		group_at(g, to)->refs++;
	else
		r->empties += rib_removable(r, t);
	if (--group_at(g, from)->refs == 0) {
		group_hide(g, from);
		group_retire(g, from);
	}
}

static bool
too_many_empties(const struct rib *r)
{
	size_t n = r->space.plane[0].count + r->space.plane[1].count, allowed = r->keep_empty;
	if (allowed && allowed < n / EMPTY_PART)
		allowed = n / EMPTY_PART;
	return r->empties > allowed;
}

/* Returns what it cost. */
static size_t
tidy_prefix(struct rib *r, bool v6, uint32_t prefix, bool remove)
{
	struct trie_prefix *t = trie_at(&r->space.plane[v6], prefix);
	if (t->meta & TRIE_FREE)
		return 1;
	if (t->group && group_at(&r->groups, t->group)->dirty)
		join_canonical(r, t);
	if (t->group || !remove || !rib_removable(r, t))
		return 1;
	r->empties--;
	return REMOVAL_COST + trie_remove(&r->space, &rib_table_of(r, t)->trie, prefix);
}

/* IPv4 first. Prefixes that lost their routes during the walk are left to the next one. */
bool
rib_tidy(struct rib *r)
{
	bool remove = r->removing || too_many_empties(r);
	if (!r->tidied && !remove && !r->groups.dirty)
		return true;
	r->removing = remove;
	for (size_t cost = 0; cost < TIDY_COST; r->tidied++) {
		bool v6 = r->tidied >> 32;
		uint32_t prefix = (uint32_t)r->tidied + 1;
		if (prefix < r->space.plane[v6].end) {
			cost += tidy_prefix(r, v6, prefix, remove);
		} else if (!v6) {
			r->tidied = ((uint64_t)1 << 32) - 1;
		} else {
			r->tidied = 0;
			r->removing = false;
			break;
		}
	}
	rib_publish(r);
	return !r->tidied && !r->groups.dirty && !too_many_empties(r);
}
