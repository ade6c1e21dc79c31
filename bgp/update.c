/* An UPDATE: the frame around attributes and NLRI (RFC 4271, 4.3), and what follows from all of it together.
 *
 * Attributes are looked at when the frame is known to hold, NLRI are left to the caller's walk (nlri.h). What
 * concerns several attributes stands here: AS4_PATH and AS_PATH, which of two next hops counts, what is
 * missing, and whether a fault can be confined to the routes of the message (RFC 7606, 5.2). */
#include "bgp/walk.h"

/* RFC 6793, 4.2.3. An AGGREGATOR with an AS of its own was added by an old speaker behind the last new one,
 * so what AS4_ attributes say is about another path. */
static void
merge_as4(struct bgp_walk *k)
{
	struct bgp_attrs *a = &k->u->attrs;
	bool aggregated = a->present & BGP_HAS_AGGREGATOR;

	if (aggregated && k->has_as4_aggregator) {
		if (a->aggregator_as != BGP_AS_TRANS)
			return;
		a->aggregator_as = k->as4_aggregator_as;
		a->aggregator = k->as4_aggregator;
	}
	if (k->has_as4_path && (a->present & BGP_HAS_AS_PATH))
		bgp_as_path_merge(k, &a->as_path, &k->as4_path);
}

/* The attributes kept as bytes, in the order of their codes. */
static void
gather_other(struct bgp_walk *k)
{
	uint8_t *start = k->mem;

	for (unsigned i = 0; i < 4; i++)
		for (uint64_t bits = k->kept[i]; bits; bits &= bits - 1) {
			unsigned code = i * 64 + (unsigned)__builtin_ctzll(bits);
			const struct bgp_raw_attr *raw = &k->raw[code];
			uint8_t *p = bgp_walk_take(k, 4 + (size_t)raw->len);
			if (!p)
				return;
			p[0] = raw->flags;
			p[1] = (uint8_t)code;
			p[2] = (uint8_t)(raw->len >> 8);
			p[3] = (uint8_t)raw->len;
			if (raw->len)
				memcpy(p + 4, raw->value, raw->len);
		}
	k->u->attrs.other = (struct bgp_bytes){start, (uint32_t)(k->mem - start)};
}

/* The well-known mandatory attributes (RFC 4271, 5; RFC 7606, 3.d). */
static void
check_missing(struct bgp_walk *k, bool plain)
{
	static const uint8_t mandatory[] = {BGP_ATTR_ORIGIN, BGP_ATTR_AS_PATH, BGP_ATTR_NEXT_HOP};

	for (unsigned i = 0; i < ARRAY_SIZE(mandatory); i++) {
		if (bgp_bit(k->seen, mandatory[i]) || (mandatory[i] == BGP_ATTR_NEXT_HOP && !plain))
			continue;
		bool first = k->u->outcome < BGP_TREAT_AS_WITHDRAW;
		bgp_walk_fault(k, BGP_FAULT_MISSING, BGP_TREAT_AS_WITHDRAW, BGP_UPDATE_MISSING);
		if (first) {
			k->u->notify_data = &mandatory[i];
			k->u->notify_len = 1;
		}
		return;
	}
}

/* True when no attribute but MP_UNREACH_NLRI was there. */
static bool
only_unreach(const struct bgp_walk *k)
{
	uint64_t others = k->seen[0] & ~(1ULL << BGP_ATTR_MP_UNREACH);
	return (others | k->seen[1] | k->seen[2] | k->seen[3]) == 0;
}

/* RFC 4724, 2. */
static void
check_end_of_rib(struct bgp_walk *k)
{
	struct bgp_update *u = k->u;

	if (u->outcome != BGP_OK || !only_unreach(k) || wire_left(&u->withdrawn) ||
	    wire_left(&u->announced) || wire_left(&u->mp_withdrawn))
		return;
	u->end_of_rib = true;
	u->eor_family = bgp_bit(k->seen, BGP_ATTR_MP_UNREACH) ? u->unreach : BGP_IPV4_UNICAST;
}

/* Behind the last attribute, in this order: what is merged is then looked at, what is missing decides an
 * outcome, and the outcome may yet become worse. */
static void
settle(struct bgp_walk *k)
{
	struct bgp_update *u = k->u;
	bool plain = wire_left(&u->announced) != 0, mp = wire_left(&u->mp_announced) != 0;

	if (unlikely(k->has_as4_path || k->has_as4_aggregator))
		merge_as4(k);
	if (plain || mp)
		check_missing(k, plain);
	u->attrs.next_hop = k->next_hop;
	if (u->reach != BGP_FAMILY_NONE && !plain)
		bgp_update_use_mp(u);
	if (unlikely(k->kept[0] | k->kept[1] | k->kept[2] | k->kept[3]))
		gather_other(k);
	/* RFC 7606, 5.2: with no route in sight it cannot be known which one the fault was about */
	if (unlikely(u->outcome == BGP_TREAT_AS_WITHDRAW && !plain && !mp && !k->passed_over))
		u->outcome = BGP_SESSION_RESET;
	check_end_of_rib(k);
}

void
bgp_update_use_mp(struct bgp_update *u)
{
	u->attrs.next_hop = u->mp_next_hop;
	u->attrs.next_hop_link_local = u->mp_next_hop_link_local;
	u->attrs.present |= addr_is_none(&u->mp_next_hop) ? 0 : BGP_HAS_NEXT_HOP;
}

/* Called through a pointer that the compiler must not see through: what it makes of a size that it knows (rep
 * stos) takes twice as long as the library's. */
static void *(*volatile const clear)(void *, int, size_t) = memset;

/* Cursors of attributes that were not there stay without octets: all of *u is zero at first. */
void
bgp_update_parse(struct bgp_update *u, const uint8_t *body, size_t len, const struct bgp_rules *rules,
		 struct bgp_scratch *scratch)
{
	struct bgp_walk k;
	struct wire w = wire_over(body, len);

	clear(&k, 0, offsetof(struct bgp_walk, raw));
	clear(u, 0, sizeof(*u));
	u->reach = u->unreach = u->eor_family = BGP_FAMILY_NONE;
	k.u = u;
	k.rules = rules;
	k.mem = scratch->mem;
	k.mem_end = scratch->mem + scratch->cap;
	u->withdrawn = wire_sub(&w, wire_u16(&w));
	struct wire attrs = wire_sub(&w, wire_u16(&w));
	if (unlikely(w.failed)) {
		u->withdrawn = u->announced = wire_over(body, 0);
		bgp_walk_fault(&k, BGP_FAULT_ATTR_LENGTH, BGP_SESSION_RESET, BGP_UPDATE_LIST);
		return;
	}
	u->announced = w;
	bgp_attrs_walk(&k, &attrs);
	settle(&k);
}
