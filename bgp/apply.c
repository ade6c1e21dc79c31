/* What an UPDATE does to the RIB and to the message log.
 *
 * Withdrawals come first (RFC 4271, 4.3: what is in both fields counts as announced), prefixes go in batches,
 * and attributes are interned once for a message, or once for a run of equal labels. What is malformed has an
 * outcome (RFC 7606): the parser says which, here it is done. */
#include "bgp/roster.h"

#define BATCH	  256
#define EXACT_MAX 64
#define ITEM_LOG  160

/* One UPDATE on its way in. */
struct update {
	struct session *s;
	struct bgp_update u;
	enum bgp_family family; /* of the NLRI at hand */
	bool add_path;
	bool classic; /* they stand in RFC 4271's own fields */
	struct bgp_nlri batch[BATCH];
};

static void
count_fault(struct session *s, enum bgp_fault fault)
{
	counter_add(s->world->faults, fault, 1);
	bgp_peer_count(&s->peer->fault[fault], 1);
}

static void
count(struct session *s, enum bgp_peer_counter of_peer, enum bgp_total total, uint64_t n)
{
	bgp_peer_count(&s->peer->counter[of_peer], n);
	bgp_total(s->world, total, n);
}

static void
log_fault(struct session *s, enum bgp_fault fault, const char *consequence)
{
	char who[ADDR_TEXT_MAX], held[64];
	if (!bgp_may_log(&s->world->limit[BGP_TOTAL_UPDATES_IN], held, sizeof(held)))
		return;
	addr_format(who, &s->address);
	log_warn("BGP peer %s: malformed UPDATE (%s): %s%s", who, bgp_fault_rows[fault].name, consequence,
		 held);
}

static void
end_for_memory(struct session *s)
{
	session_end(s, ending_of(BGP_TOTAL_CLOSED_MEMORY, BGP_NOTIFY(BGP_ERR_CEASE, 8)),
		    "no memory for its routes");
}

/* --- malformed NLRI --- */

/* RFC 7606, 2: the family's routes would be wrong from now on, so they go, and the session stays. */
static void
disable(struct session *s, enum bgp_family family, enum bgp_fault fault)
{
	if (family >= BGP_FAMILIES || s->disabled & 1U << family)
		return;
	s->disabled |= 1U << family;
	bgp_total(s->world, BGP_TOTAL_FAMILIES_DISABLED, 1);
	log_fault(s, fault, "its family is no longer read in this session");
	if (family < BGP_RIB_FAMILIES)
		roster_disable(s->world->roster, s->member, family);
}

/* RFC 7606, 5.3: prefixes that cannot be told apart end the session, or, of a multiprotocol family, its use.
 */
static void
nlri_malformed(struct update *x, enum bgp_fault fault)
{
	const uint16_t notify = BGP_NOTIFY(BGP_ERR_UPDATE, 10);
	count_fault(x->s, fault);
	if (x->classic)
		session_end(x->s, ending_of(BGP_TOTAL_CLOSED_UPDATE, notify), "%s (sent): %s",
			    bgp_error_name(notify), bgp_fault_rows[fault].help);
	else
		disable(x->s, x->family, fault);
}

/* --- events --- */

static void
tell(void *ctx, uint32_t slot, enum bgp_family family, const struct bgp_nlri *nlri, bgp_set_id old,
     bgp_set_id fresh)
{
	const struct session *s = ctx;
	(void)slot;
	bgp_event_route(s->world->events, fresh ? BGP_EVENT_UPDATE : BGP_EVENT_WITHDRAW, s->peer, family,
			nlri, fresh ? fresh : old);
}

static rib_change *
listener(const struct session *s)
{
	return s->world->events && bgp_events_wanted(s->world->events) ? tell : NULL;
}

/* --- into the RIB --- */

/* Two of the families have a fast way. */
static unsigned
next_batch(struct update *x, struct wire *w, bool withdrawn, enum bgp_fault *fault)
{
	unsigned n = 0;
	if (x->family == BGP_IPV4_UNICAST || x->family == BGP_IPV6_UNICAST)
		return bgp_nlri_batch(w, x->family, x->add_path, x->batch, BATCH, fault);
	while (n < BATCH && bgp_nlri_next(w, x->family, x->add_path, withdrawn, &x->batch[n], fault))
		n++;
	return n;
}

static void
withdraw_batch(struct update *x, unsigned n)
{
	struct session *s = x->s;
	unsigned removed = 0;
	s->world->changed = true;
	if (!rib_withdraw(s->world->rib, s->peer->slot, s->peer->stale, x->family, x->batch, n, x->add_path,
			  listener(s), s, &removed))
		end_for_memory(s);
}

/* asked: the peer withdrew them; else their attributes were malformed. */
static void
withdraw(struct update *x, struct wire w, bool asked)
{
	enum bgp_fault fault = BGP_FAULT_NONE;
	unsigned n;
	do {
		n = next_batch(x, &w, asked, &fault);
		if (asked)
			count(x->s, BGP_PEER_WITHDRAWN, BGP_TOTAL_WITHDRAWN, n);
		else
			count(x->s, BGP_PEER_TREATED_AS_WITHDRAWN, BGP_TOTAL_TREATED_AS_WITHDRAWN, n);
		if (n)
			withdraw_batch(x, n);
	} while (n == BATCH && fault == BGP_FAULT_NONE && !x->s->dead);
	if (fault != BGP_FAULT_NONE && !x->s->dead)
		nlri_malformed(x, fault);
}

static bool
has_route(const struct update *x, const struct bgp_nlri *nlri)
{
	struct rib_route found[EXACT_MAX];
	unsigned n = rib_exact(x->s->world->rib, x->s->peer->slot, x->family, nlri, found, EXACT_MAX);
	for (unsigned i = 0; i < n; i++)
		if (found[i].nlri.path_id == nlri->path_id)
			return true;
	return false;
}

/* Beyond the limit what the peer has may change, but not grow. Returns how many of the batch remain. */
static unsigned
within_limit(struct update *x, unsigned n, size_t room)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < n; i++) {
		bool old = has_route(x, &x->batch[i]);
		if (!old && room == 0)
			continue;
		room -= !old;
		x->batch[kept++] = x->batch[i];
	}
	count(x->s, BGP_PEER_REFUSED, BGP_TOTAL_PREFIXES_REFUSED, n - kept);
	return kept;
}

static void
end_for_limit(struct session *s, enum bgp_family family, size_t limit)
{
	/* RFC 4486, 4 */
	uint8_t data[7] = {(uint8_t)(bgp_family_rows[family].afi >> 8),
			   (uint8_t)bgp_family_rows[family].afi,
			   bgp_family_rows[family].safi,
			   (uint8_t)(limit >> 24),
			   (uint8_t)(limit >> 16),
			   (uint8_t)(limit >> 8),
			   (uint8_t)limit};
	session_end(s,
		    (struct ending){BGP_TOTAL_CLOSED_LIMIT, BGP_NOTIFY(BGP_ERR_CEASE, 1), data, sizeof(data)},
		    "more than %zu prefixes (bgp_daemon_max_prefixes)", limit);
}

static void
log_limit_reached(struct session *s, size_t limit)
{
	char who[ADDR_TEXT_MAX];
	if (s->told)
		return;
	s->told = true;
	addr_format(who, &s->address);
	log_warn(
	    "BGP peer %s: announces more than %zu prefixes (bgp_daemon_max_prefixes); the rest is not taken",
	    who, limit);
}

/* Returns how many of the n prefixes may be announced; 0 as well when the session ended for it. */
static unsigned
apply_limit(struct update *x, unsigned n)
{
	const struct bgp_config *c = x->s->world->config;
	size_t have = rib_slot_routes(x->s->world->rib, x->s->peer->slot);
	if (c->max_prefixes == 0 || have + n <= c->max_prefixes)
		return n;
	unsigned kept = within_limit(x, n, have < c->max_prefixes ? c->max_prefixes - have : 0);
	if (kept == n)
		return n;
	if (!c->max_prefixes_ignore) {
		end_for_limit(x->s, x->family, c->max_prefixes);
		return 0;
	}
	log_limit_reached(x->s, c->max_prefixes);
	return kept;
}

/* n prefixes with one set of attributes. */
static bool
announce_run(struct update *x, const struct bgp_nlri *nlri, unsigned n, bgp_set_id set)
{
	struct session *s = x->s;
	struct rib *rib = s->world->rib;
	uint32_t slot = s->peer->slot;
	unsigned added = 0;
	s->world->changed = true;
	return x->add_path ? rib_announce_path(rib, slot, x->family, nlri, n, set, listener(s), s, &added)
			   : rib_announce(rib, slot, x->family, nlri, n, set, listener(s), s, &added);
}

/* The set for prefixes with this label; BGP_NO_LABEL: none. */
static bgp_set_id
intern(struct update *x, uint32_t label)
{
	struct bgp_attrs *a = &x->u.attrs;
	a->present &= ~(uint32_t)BGP_HAS_LABEL;
	if (label != BGP_NO_LABEL) {
		a->present |= BGP_HAS_LABEL;
		a->label = label;
	}
	return bgp_store_intern(x->s->world->store, a);
}

/* A run is as long as the label is the same: all of the batch where there are none. False: no memory. */
static bool
announce_batch(struct update *x, unsigned n, bgp_set_id *set, uint32_t *label)
{
	for (unsigned i = 0, run; i < n; i += run) {
		uint32_t wanted = x->batch[i].label;
		for (run = 1; i + run < n && x->batch[i + run].label == wanted; run++)
			;
		if (*set == 0 || *label != wanted) {
			if (*set)
				bgp_store_settle(x->s->world->store, *set);
			*set = intern(x, wanted);
			*label = wanted;
		}
		if (*set == 0 || !announce_run(x, x->batch + i, run, *set))
			return false;
	}
	return true;
}

static void
announce(struct update *x, struct wire w)
{
	enum bgp_fault fault = BGP_FAULT_NONE;
	bgp_set_id set = 0;
	uint32_t label = BGP_NO_LABEL;
	bool enough = true;
	unsigned n;
	do {
		n = next_batch(x, &w, false, &fault);
		count(x->s, BGP_PEER_ANNOUNCED, BGP_TOTAL_ANNOUNCED, n);
		unsigned kept = n ? apply_limit(x, n) : 0;
		if (kept && !x->s->dead)
			enough = announce_batch(x, kept, &set, &label);
	} while (n == BATCH && fault == BGP_FAULT_NONE && enough && !x->s->dead);
	if (set)
		bgp_store_settle(x->s->world->store, set);
	if (!enough)
		end_for_memory(x->s);
	else if (fault != BGP_FAULT_NONE && !x->s->dead)
		nlri_malformed(x, fault);
}

/* --- families without a table: for the message log alone --- */

static void
tell_items(struct update *x, struct wire w, enum bgp_event_kind kind)
{
	struct session *s = x->s;
	enum bgp_fault fault = BGP_FAULT_NONE;
	struct text item = {0};
	while (bgp_nlri_text(&w, x->family, x->add_path, &item, &fault)) {
		bgp_event_text(s->world->events, kind, s->peer, x->family, item.data, item.len, &x->u.attrs);
		item.len = 0;
	}
	text_free(&item);
	if (fault != BGP_FAULT_NONE)
		nlri_malformed(x, fault);
}

/* --- one field of NLRI --- */

/* False when the family is not to be read. */
static bool
turn_to(struct update *x, enum bgp_family family, bool classic)
{
	if (x->s->dead || family >= BGP_FAMILIES || !session_reads(x->s, family))
		return false;
	x->family = family;
	x->add_path = x->s->rules.add_path & 1U << family;
	x->classic = classic;
	return true;
}

static void
field_withdrawn(struct update *x, enum bgp_family family, struct wire w, bool classic)
{
	if (wire_left(&w) == 0 || !turn_to(x, family, classic))
		return;
	if (family < BGP_RIB_FAMILIES)
		withdraw(x, w, true);
	else if (listener(x->s))
		tell_items(x, w, BGP_EVENT_WITHDRAW);
}

static void
field_announced(struct update *x, enum bgp_family family, struct wire w, bool classic)
{
	bool good = x->u.outcome <= BGP_ATTR_DISCARD;
	if (wire_left(&w) == 0 || !turn_to(x, family, classic))
		return;
	if (family < BGP_RIB_FAMILIES && good)
		announce(x, w);
	else if (family < BGP_RIB_FAMILIES)
		withdraw(x, w, false);
	else if (listener(x->s) && good)
		tell_items(x, w, BGP_EVENT_UPDATE);
}

/* --- the message --- */

static void
note_faults(struct update *x)
{
	static const char *const consequence[] = {
	    [BGP_OK] = "nothing else",
	    [BGP_ATTR_DISCARD] = "the attribute is left out",
	    [BGP_TREAT_AS_WITHDRAW] = "its prefixes are withdrawn",
	    [BGP_DISABLE_FAMILY] = "its family is no longer read in this session",
	    [BGP_SESSION_RESET] = "the session ends",
	};
	for (unsigned i = 0; i < ARRAY_SIZE(x->u.faults) && x->u.faults[i] != BGP_FAULT_NONE; i++)
		count_fault(x->s, x->u.faults[i]);
	if (x->u.faults[0] != BGP_FAULT_NONE)
		log_fault(x->s, x->u.faults[0], consequence[x->u.outcome]);
}

void
apply_update(struct session *s, const uint8_t *body, size_t len)
{
	struct update x;
	x.s = s;
	bgp_update_parse(&x.u, body, len, &s->rules, &s->world->scratch);
	note_faults(&x);
	if (x.u.outcome == BGP_SESSION_RESET) {
		session_end(
		    s, (struct ending){BGP_TOTAL_CLOSED_UPDATE, x.u.notify, x.u.notify_data, x.u.notify_len},
		    "%s (sent)", bgp_error_name(x.u.notify));
		return;
	}
	if (x.u.outcome == BGP_DISABLE_FAMILY)
		disable(s, x.u.reach, x.u.faults[0]);
	if (x.u.end_of_rib) {
		if (x.u.eor_family < BGP_FAMILIES)
			roster_end_of_rib(s->world->roster, s->member, x.u.eor_family);
		return;
	}
	field_withdrawn(&x, BGP_IPV4_UNICAST, x.u.withdrawn, true);
	field_withdrawn(&x, x.u.unreach, x.u.mp_withdrawn, false);
	field_announced(&x, BGP_IPV4_UNICAST, x.u.announced, true);
	/* both kinds of prefixes in one message have different next hops */
	if (wire_left(&x.u.announced))
		bgp_update_use_mp(&x.u);
	field_announced(&x, x.u.reach, x.u.mp_announced, false);
}
