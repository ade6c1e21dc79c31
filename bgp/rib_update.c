/* Announcing and withdrawing. A run of NLRI with the same attributes is handled as a whole, in passes:
 *
 *	gather	 finds (or makes) all prefixes; the descents of a batch overlap
 *	sort	 prefixes of the same group that get the same entry make one move, and are counted
 *	decide	 a move of all prefixes of a group changes its vector in place, by one store, unless an equal
 *group exists; all other moves go to the group that equals theirs with that one entry changed, found by hash
 *or made by copying the vector once settle	 prefixes are pointed to their groups, routes counted, changes
 *told, what is left over retired
 *
 * so the cost of a route is that of finding its prefix plus its share of a move, whatever the number of
 *peers. Only making prefixes, groups and lists can fail, and all that happens before anything is changed. A
 * prefix that occurs twice in a run ends it: "in the order given" matters then. */
#include "bgp/rib_parts.h"

#define NO_MOVE	  UINT16_MAX
#define FAR_SLOTS 8 /* beyond so many an entry lies in another cache line than its group's head */

/* What is to become of the prefixes. */
struct order {
	struct rib *r;
	uint32_t slot;
	enum bgp_family family;
	bgp_set_id set; /* 0: withdraw */
	bool paths;
	const struct bgp_nlri *nlri;
	rib_change *change;
	void *ctx;
	unsigned count; /* of routes added or removed */
	bool failed;
};

/* Prefixes of the order's address family. */
static struct trie_plane *
plane_of(struct order *o)
{
	return &o->r->space.plane[rib_family_v6(o->family)];
}

/* --- gather --- */

/* Where the descents of up to TRIE_WALKS NLRI begin. False when memory for a table is short. */
static bool
begin_walks(struct order *o, struct trie_walk *w, uint32_t *table, const struct bgp_nlri *nlri, unsigned n)
{
	struct rib *r = o->r;
	for (unsigned i = 0; i < n; i++) {
		if (i && nlri[i].rd == nlri[i - 1].rd)
			table[i] = table[i - 1];
		else if (o->set)
			table[i] = rib_table_make(r, o->family, nlri[i].rd);
		else
			table[i] = rib_table(r, o->family, nlri[i].rd);
		w[i].at = NULL;
		if (table[i] == RIB_TABLE_NONE && o->set)
			return false;
		struct trie_key key = trie_key_of(&nlri[i].prefix.addr, rib_family_v6(o->family));
		if (table[i] != RIB_TABLE_NONE)
			trie_walk_begin(&w[i], &r->space, &rib_table_at(r, table[i])->trie, &key);
	}
	return true;
}

/* The prefix of an NLRI; 0 when it is not there (withdrawing) or memory is short. */
static uint32_t
resolve(struct order *o, const struct trie_walk *w, uint32_t table, unsigned len)
{
	const struct trie_plane *p = plane_of(o);
	uint32_t id = trie_settle(p, w->found, &w->key, len);
	bool fresh;
	if (id && trie_len(trie_at(p, id)->meta) == len)
		return id;
	if (!o->set)
		return 0;
	id = trie_insert(&o->r->space, &rib_table_at(o->r, table)->trie, &w->key, len, &fresh);
	if (id && fresh)
		o->r->empties += rib_removable(o->r, trie_at(p, id));
	return id;
}

/* Takes one prefix into the run. False when it is there already. */
static bool
take(struct order *o, uint32_t prefix, unsigned nlri)
{
	struct rib_run *run = &o->r->run;
	struct trie_prefix *t = trie_at(plane_of(o), prefix);
	if (t->meta & TRIE_IN_RUN)
		return false;
	__atomic_store_n(&t->meta, t->meta | TRIE_IN_RUN, __ATOMIC_RELAXED);
	if (t->group)
		__builtin_prefetch(group_at(&o->r->groups, t->group));
	run->item[run->n++] = (struct rib_item){.prefix = prefix, .nlri = (uint16_t)nlri, .move = NO_MOVE};
	return true;
}

/* Fills the run from the first NLRI of n; returns how many it dealt with. */
static unsigned
gather(struct order *o, unsigned n)
{
	struct trie_walk walk[TRIE_WALKS];
	uint32_t table[TRIE_WALKS];
	struct rib_run *run = &o->r->run;
	run->n = 0;
	n = n < RUN_MAX ? n : RUN_MAX;
	for (unsigned done = 0; done < n; done += TRIE_WALKS) {
		unsigned m = n - done < TRIE_WALKS ? n - done : TRIE_WALKS;
		if (!begin_walks(o, walk, table, o->nlri + done, m)) {
			o->failed = true;
			return done;
		}
		trie_walk(&o->r->space, walk, m);
		for (unsigned i = 0; i < m; i++) {
			uint32_t id = resolve(o, &walk[i], table[i], o->nlri[done + i].prefix.len);
			bool missing = !id && o->set;
			o->failed |= missing;
			if (missing || (id && !take(o, id, done + i)))
				return done + i;
		}
	}
	return n;
}

/* --- sort --- */

/* What the slot is to have for a prefix instead of the entry `old`. False when memory is short. */
static bool
new_entry(struct order *o, struct rib_item *item, uint32_t old, uint32_t *entry)
{
	struct rib *r = o->r;
	bool list = old & GROUP_LIST;
	uint32_t out;
	item->refused = false;
	item->old = list ? path_list_at(&r->lists, old & ~GROUP_LIST)->path[0].set : old;
	*entry = o->set;
	if (!o->paths || (!list && !o->set))
		return true;
	const struct path path = {o->nlri[item->nlri].path_id, o->set};
	if (!path_list_change(&r->lists, list ? old & ~GROUP_LIST : 0, &path, &out, &item->old))
		return false;
	*entry = out ? out | GROUP_LIST : 0;
	item->refused = o->set && !item->old && *entry == old;
	r->refused += item->refused;
	return true;
}

/* The move for prefixes of a group that get an entry; made when there is none. */
static unsigned
move_for(struct order *o, uint32_t group, uint32_t old, uint32_t entry)
{
	struct rib *r = o->r;
	struct rib_run *run = &r->run;
	uint16_t *head = group ? &group_at(&r->groups, group)->pending : &run->homeless;
	for (unsigned m = *head; m; m = run->move[m - 1].next)
		if (run->move[m - 1].wish.entry == entry)
			return m - 1;
	struct rib_move *v = &run->move[run->moves++];
	v->old = old;
	v->count = 0;
	v->next = *head;
	v->failed = false;
	*head = (uint16_t)run->moves;
	group_wish_init(&r->groups, &v->wish, (uint8_t)o->family, group, o->slot, old, entry);
	return run->moves - 1;
}

/* The only pass that reads vectors. What a list would become is known here, so this may fail, but nothing has
 * been changed yet: what was sorted so far is carried out. */
static void
sort(struct order *o)
{
	struct rib *r = o->r;
	struct rib_run *run = &r->run;
	const struct trie_plane *p = plane_of(o);
	run->moves = run->homeless = 0;
	if (o->slot >= FAR_SLOTS)
		for (unsigned i = 0; i < run->n; i++)
			group_prefetch(&r->groups, trie_at(p, run->item[i].prefix)->group, o->slot);
	for (run->sorted = 0; run->sorted < run->n; run->sorted++) {
		struct rib_item *item = &run->item[run->sorted];
		uint32_t group = trie_at(p, item->prefix)->group, entry;
		uint32_t old = group_entry(&r->groups, group, o->slot);
		item->move = NO_MOVE;
		if (!new_entry(o, item, old, &entry)) {
			o->failed = true;
			break;
		}
		if (entry != old) {
			item->move = (uint16_t)move_for(o, group, old, entry);
			run->move[item->move].count++;
		}
	}
}

/* --- decide --- */

/* Where the prefixes of a move go. A group that others have joined since it was counted is not whole any
 * more, nor one of which prefixes have left in this run: these are still pointed to it until all is settled.
 */
static void
decide(struct order *o, struct rib_move *m)
{
	struct groups *g = &o->r->groups;
	uint32_t from = m->wish.from;
	bool whole = m->whole && group_at(g, from)->refs == m->count;
	m->to = 0;
	if (group_wish_empty(g, &m->wish))
		return;
	m->to = group_find(g, &m->wish);
	if (!m->to && whole && group_change(g, &m->wish))
		m->to = from;
	else if (!m->to)
		m->to = group_make(g, &m->wish);
	m->failed = !m->to;
}

/* Routes, references and prefixes of a move that has been decided. */
static void
account(struct order *o, const struct rib_move *m)
{
	struct rib *r = o->r;
	uint32_t before = rib_entry_routes(r, m->old), after = rib_entry_routes(r, m->wish.entry);
	size_t *routes = &r->slots[o->slot].routes[o->family];
	size_t more = ((size_t)after - before) * m->count;
	__atomic_store_n(routes, *routes + more, __ATOMIC_RELAXED);
	r->routes += more;
	if (o->set ? after > before : before > after)
		o->count += (unsigned)(o->set ? more : -more);
	if (m->wish.entry)
		rib_entry_ref(r, m->wish.entry, m->count);
	if (m->to == m->wish.from)
		return;
	if (m->to)
		group_at(&r->groups, m->to)->refs += m->count;
	if (m->wish.from && !(group_at(&r->groups, m->wish.from)->refs -= m->count))
		group_hide(&r->groups, m->wish.from);
}

/* Room in the index is made for all, so that nothing fails half-way. */
static void
decide_all(struct order *o)
{
	struct rib_run *run = &o->r->run;
	struct groups *g = &o->r->groups;
	bool room = groups_room(g, run->moves);
	for (unsigned i = 0; i < run->moves; i++) {
		struct rib_move *m = &run->move[i];
		m->whole = m->wish.from && group_at(g, m->wish.from)->refs == m->count;
	}
	for (unsigned i = 0; i < run->moves; i++) {
		struct rib_move *m = &run->move[i];
		m->failed = !room;
		if (room)
			decide(o, m);
		if (m->failed)
			o->failed = true;
		else
			account(o, m);
	}
}

/* --- settle --- */

/* From here on readers see the new routes. */
static void
settle_prefixes(struct order *o)
{
	const struct rib_run *run = &o->r->run;
	const struct trie_plane *p = plane_of(o);
	for (unsigned i = 0; i < run->sorted; i++) {
		const struct rib_item *item = &run->item[i];
		if (item->move == NO_MOVE)
			continue;
		const struct rib_move *m = &run->move[item->move];
		if (m->failed || m->to == m->wish.from)
			continue;
		struct trie_prefix *t = trie_at(p, item->prefix);
		readers_store(&t->group, m->to);
		if (!m->to || !m->wish.from)
			o->r->empties += (size_t)(m->to ? -1 : 1) * rib_removable(o->r, t);
	}
}

/* A withdrawal from two slots is told once. */
static void
tell(struct order *o)
{
	struct rib_run *run = &o->r->run;
	for (unsigned i = 0; i < run->sorted; i++) {
		struct rib_item *item = &run->item[i];
		bool failed = item->move != NO_MOVE && run->move[item->move].failed;
		if (failed || item->refused || item->told || (!o->set && !item->old))
			continue;
		item->told = true;
		o->change(o->ctx, o->slot, o->family, &o->nlri[item->nlri], item->old, o->set);
	}
}

/* A list that was made for moves that then failed. */
static void
settle_list(struct order *o, unsigned move)
{
	const struct rib_run *run = &o->r->run;
	uint32_t entry = run->move[move].wish.entry;
	if (!(entry & GROUP_LIST))
		return;
	for (unsigned i = 0; i < move; i++)
		if (run->move[i].failed && run->move[i].wish.entry == entry)
			return;
	rib_entry_unref(o->r, entry, 0);
}

/* The first of several moves from one group retires it. Lists without references go first: afterwards, one
 * that a failed move wanted may have gone as the old one of another. */
static void
settle_moves(struct order *o)
{
	struct rib *r = o->r;
	for (unsigned i = 0; i < r->run.moves; i++)
		if (r->run.move[i].failed)
			settle_list(o, i);
	for (unsigned i = 0; i < r->run.moves; i++) {
		const struct rib_move *m = &r->run.move[i];
		struct group *from = group_at(&r->groups, m->wish.from);
		if (m->wish.from && from->pending) {
			from->pending = 0;
			if (!from->refs)
				group_retire(&r->groups, m->wish.from);
		}
		if (!m->failed && m->old)
			rib_entry_unref(r, m->old, m->count);
	}
}

/* All passes but the first, for one slot. */
static void
apply(struct order *o)
{
	sort(o);
	decide_all(o);
	settle_prefixes(o);
	if (o->change)
		tell(o);
	settle_moves(o);
}

/* The run's marks go. */
static void
let_go(struct order *o)
{
	const struct rib_run *run = &o->r->run;
	for (unsigned i = 0; i < run->n; i++) {
		struct trie_prefix *t = trie_at(plane_of(o), run->item[i].prefix);
		__atomic_store_n(&t->meta, t->meta & ~TRIE_IN_RUN, __ATOMIC_RELAXED);
	}
}

/* Run by run, until memory fails. */
static bool
announce(struct order *o, unsigned n, unsigned *added)
{
	while (n && !o->failed) {
		unsigned taken = gather(o, n);
		apply(o);
		let_go(o);
		o->nlri += taken;
		n -= taken;
	}
	*added = o->count;
	rib_publish(o->r);
	return !o->failed;
}

bool
rib_announce(struct rib *r, uint32_t slot, enum bgp_family family, const struct bgp_nlri *nlri, unsigned n,
	     bgp_set_id set, rib_change *change, void *ctx, unsigned *added)
{
	struct order o = {
	    .r = r, .slot = slot, .family = family, .set = set, .nlri = nlri, .change = change, .ctx = ctx};
	return announce(&o, n, added);
}

bool
rib_announce_path(struct rib *r, uint32_t slot, enum bgp_family family, const struct bgp_nlri *nlri,
		  unsigned n, bgp_set_id set, rib_change *change, void *ctx, unsigned *added)
{
	struct order o = {.r = r,
			  .slot = slot,
			  .family = family,
			  .set = set,
			  .paths = true,
			  .nlri = nlri,
			  .change = change,
			  .ctx = ctx};
	return announce(&o, n, added);
}

/* Prefixes are looked for once, for both slots. Unlike an announcement it goes on when memory fails: what can
 * be withdrawn is. */
bool
rib_withdraw(struct rib *r, uint32_t slot, uint32_t stale, enum bgp_family family,
	     const struct bgp_nlri *nlri, unsigned n, bool add_path, rib_change *change, void *ctx,
	     unsigned *removed)
{
	struct order o = {
	    .r = r, .family = family, .paths = add_path, .nlri = nlri, .change = change, .ctx = ctx};
	while (n) {
		unsigned taken = gather(&o, n);
		o.slot = slot;
		apply(&o);
		if (stale != RIB_NO_SLOT) {
			o.slot = stale;
			apply(&o);
		}
		let_go(&o);
		o.nlri += taken;
		n -= taken;
	}
	*removed = o.count;
	rib_publish(r);
	return !o.failed;
}
