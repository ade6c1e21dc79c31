/* Path attributes: a row each, and a walker that knows none of them.
 *
 * A row says which flags and lengths an attribute must have, who reads it, and what happens when it is
 * malformed: treat the routes as withdrawn where the attribute decides about a path, discard the attribute
 * where it merely describes one, as RFC 7606, 7 and later RFCs put it. What is no row and what a row wants to
 * keep as it came goes to `other`, in the order of codes, so that equal attributes are equal bytes whatever
 * the order in which they were sent.
 *
 * A well-known attribute that is not known treats its routes as withdrawn: RFC 4271 had the session reset,
 * but one bit that is wrong in somebody's flags must not cost a table. */
#include "bgp/walk.h"

#define WELL_KNOWN	BGP_FLAG_TRANSITIVE
#define TRANSITIVE	(BGP_FLAG_OPTIONAL | BGP_FLAG_TRANSITIVE)
#define NONTRANSITIVE	BGP_FLAG_OPTIONAL
#define CHECKED_FLAGS	(BGP_FLAG_OPTIONAL | BGP_FLAG_TRANSITIVE)
#define KEPT_FLAGS	(CHECKED_FLAGS | BGP_FLAG_PARTIAL)
#define SCRATCH_BYTES	(512 * 1024) /* each list of the longest message, AS paths twice, and room to sort */
#define ORIGIN_MAX	2
#define AIGP_TLV	1
#define AIGP_TLV_BYTES	11
#define LABEL_INDEX_TLV 1

struct attr_row {
	uint8_t flags;	     /* optional, transitive */
	bool known;	     /* there is a row */
	bool internal;	     /* discarded when it comes from another AS */
	bool keep;	     /* its bytes go to `other` */
	uint16_t min, step;  /* its length is min, or with step at least min and a multiple of step */
	uint8_t outcome;     /* enum bgp_outcome of a malformed one */
	uint8_t flags_wrong; /* and of one whose flags are wrong (RFC 7606, 3.c) */
	uint8_t fault;	     /* enum bgp_fault */
	uint8_t subcode;     /* enum bgp_update_error of a bad value */
	bool (*decode)(struct bgp_walk *k, struct wire *v); /* false: malformed; NULL: nothing to be read */
};

/* --- decoders --- */

/* RFC 4271, 5.1.1: IGP, EGP, INCOMPLETE; RFC 7606, 7.1 has any other number treated as malformed. */
static bool
decode_origin(struct bgp_walk *k, struct wire *v)
{
	uint8_t origin = wire_u8(v);

	if (origin > ORIGIN_MAX)
		return false;
	k->u->attrs.origin = origin;
	k->u->attrs.present |= BGP_HAS_ORIGIN;
	return true;
}

/* Confederation segments are taken from anyone: who is of the sender's confederation is not known here. */
static bool
decode_as_path(struct bgp_walk *k, struct wire *v)
{
	bool ok = bgp_as_path_decode(k, v, k->rules->as4 ? 4 : 2, &k->u->attrs.as_path);

	k->u->attrs.present |= ok ? BGP_HAS_AS_PATH : 0;
	return ok;
}

/* RFC 4271, 6.3: an address that a host can have. Whether it is reachable is not for a listener to say, and
 * loopback addresses occur where all speakers share a host. Without IPv4 NLRI it is ignored (RFC 4760, 3). */
static bool
decode_next_hop(struct bgp_walk *k, struct wire *v)
{
	const uint8_t *p = wire_left(v) == 4 ? wire_bytes(v, 4) : NULL;
	uint32_t host = p ? load_be32(p) : 0;
	bool multicast = host >> 28 == 14;

	if (wire_left(&k->u->announced) == 0)
		return true;
	if (host == 0 || host == UINT32_MAX || multicast)
		return false;
	k->next_hop = addr_from_v4(p);
	k->u->attrs.present |= BGP_HAS_NEXT_HOP;
	return true;
}

/* RFC 4271, 5.1.4. An absent one and one of 0 differ, hence the bit. */
static bool
decode_med(struct bgp_walk *k, struct wire *v)
{
	k->u->attrs.med = wire_u32(v);
	k->u->attrs.present |= BGP_HAS_MED;
	return true;
}

/* RFC 4271, 5.1.5. Its row keeps that of another AS away from here. */
static bool
decode_local_pref(struct bgp_walk *k, struct wire *v)
{
	k->u->attrs.local_pref = wire_u32(v);
	k->u->attrs.present |= BGP_HAS_LOCAL_PREF;
	return true;
}

/* RFC 4271, 5.1.6: it says something by being there. */
static bool
decode_atomic_aggregate(struct bgp_walk *k, struct wire *v)
{
	(void)v;
	k->u->attrs.present |= BGP_HAS_ATOMIC_AGGREGATE;
	return true;
}

/* RFC 7606, 7.7: six or eight octets, as AS numbers of the session are. AS 0: RFC 7607. */
static bool
decode_aggregator(struct bgp_walk *k, struct wire *v)
{
	struct bgp_attrs *a = &k->u->attrs;
	uint32_t as = k->rules->as4 ? wire_u32(v) : wire_u16(v);
	const uint8_t *p = wire_bytes(v, 4);

	if (!p || wire_left(v) || as == 0)
		return false;
	a->aggregator_as = as;
	a->aggregator = addr_from_v4(p);
	a->present |= BGP_HAS_AGGREGATOR;
	return true;
}

/* RFC 1997: AS number in the upper half of each word. */
static bool
decode_communities(struct bgp_walk *k, struct wire *v)
{
	return bgp_list_words(k, BGP_LIST_WORD, v, &k->u->attrs.std);
}

/* RFC 4456, 8: a BGP identifier, told as an address. The row's length rule has seen to the four octets. */
static bool
decode_originator(struct bgp_walk *k, struct wire *v)
{
	k->u->attrs.originator = addr_from_v4(v->pos);
	k->u->attrs.present |= BGP_HAS_ORIGINATOR;
	return true;
}

/* RFC 4456, 8: cluster identifiers in the order in which reflectors added them, so left as they are. */
static bool
decode_cluster_list(struct bgp_walk *k, struct wire *v)
{
	k->u->attrs.cluster_list = (struct bgp_bytes){v->pos, (uint32_t)wire_left(v)};
	return true;
}

/* RFC 4360, 2. Kinds are not looked at: RFC 7606, 7.14 has no kind be an error. */
static bool
decode_ext_communities(struct bgp_walk *k, struct wire *v)
{
	return bgp_list_ext(k, v, &k->u->attrs.ext);
}

/* RFC 8092, 3: three words each. */
static bool
decode_large_communities(struct bgp_walk *k, struct wire *v)
{
	return bgp_list_words(k, BGP_LIST_LARGE, v, &k->u->attrs.lrg);
}

/* --- attributes of four-octet AS numbers (RFC 6793) --- */

/* From a new speaker both are discarded (RFC 6793, 4.1 and 6). */
static bool
decode_as4_path(struct bgp_walk *k, struct wire *v)
{
	if (k->rules->as4 || !bgp_as_path_decode(k, v, 4, &k->as4_path))
		return false;
	bgp_as_path_plain(&k->as4_path);
	k->has_as4_path = true;
	return true;
}

/* Counts only beside AGGREGATOR, which may still come: update.c decides. */
static bool
decode_as4_aggregator(struct bgp_walk *k, struct wire *v)
{
	k->as4_aggregator_as = wire_u32(v);
	k->as4_aggregator = addr_from_v4(v->pos);
	k->has_as4_aggregator = !k->rules->as4 && k->as4_aggregator_as != 0;
	return k->has_as4_aggregator;
}

/* --- attributes of TLVs --- */

/* RFC 7311, 3: type, and a length that counts itself. The first AIGP TLV is the one; others are skipped. */
static bool
decode_aigp(struct bgp_walk *k, struct wire *v)
{
	struct bgp_attrs *a = &k->u->attrs;
	bool found = false;

	while (wire_left(v)) {
		uint8_t type = wire_u8(v);
		uint16_t len = wire_u16(v);
		struct wire value = wire_sub(v, len < 3 ? SIZE_MAX : len - 3u);
		if (v->failed || (type == AIGP_TLV && len != AIGP_TLV_BYTES))
			return false;
		if (type == AIGP_TLV && !found) {
			a->aigp = wire_u64(&value);
			found = true;
		}
	}
	a->present |= found ? BGP_HAS_AIGP : 0;
	return true;
}

/* RFC 8669, 3: type, length of the value. The label index is read; an attribute that says more than that is
 * kept as well. */
static bool
decode_prefix_sid(struct bgp_walk *k, struct wire *v)
{
	struct bgp_attrs *a = &k->u->attrs;
	bool found = false, more = false;
	uint32_t index = 0;
	struct bgp_raw_attr whole = {v->pos, (uint16_t)wire_left(v), TRANSITIVE};

	while (wire_left(v)) {
		uint8_t type = wire_u8(v);
		struct wire value = wire_sub(v, wire_u16(v));
		if (v->failed || (type == LABEL_INDEX_TLV && wire_left(&value) != 7))
			return false;
		more |= type != LABEL_INDEX_TLV || found;
		if (type != LABEL_INDEX_TLV || found)
			continue;
		wire_skip(&value, 3); /* reserved, flags */
		index = wire_u32(&value);
		found = true;
	}
	a->psid_label_index = index;
	a->present |= found ? BGP_HAS_PREFIX_SID : 0;
	if (more) {
		k->raw[BGP_ATTR_PREFIX_SID] = whole;
		k->kept[0] |= 1ULL << BGP_ATTR_PREFIX_SID;
	}
	return true;
}

/* What is kept as it is must at least be a sequence of TLVs, type and length in two octets each (RFC 9012, 2
 * and 13; RFC 9552, 5.3). */
static bool
check_tlvs(struct bgp_walk *k, struct wire *v)
{
	(void)k;
	while (wire_left(v)) {
		wire_skip(v, 2);
		wire_skip(v, wire_u16(v));
	}
	return !v->failed;
}

/* RFC 9234, 5. Whether a route leaked is for routers to judge; here it is told. */
static bool
decode_otc(struct bgp_walk *k, struct wire *v)
{
	k->u->attrs.otc = wire_u32(v);
	k->u->attrs.present |= BGP_HAS_OTC;
	return true;
}

/* --- multiprotocol --- */

/* Lengths of next hops, as bits. */
enum { NH0 = 1, NH4 = 2, NH12 = 4, NH16 = 8, NH24 = 16, NH32 = 32, NH48 = 64 };
#define NH_ANY (NH4 | NH12 | NH16 | NH24 | NH32 | NH48)

/* 0 for a length that no next hop has. */
static unsigned
next_hop_bit(unsigned len)
{
	static const uint8_t lengths[] = {0, 4, 12, 16, 24, 32, 48};
	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++)
		if (lengths[i] == len)
			return 1u << i;
	return 0;
}

struct next_hop_row {
	uint8_t always, extended; /* extended: where RFC 8950 was agreed on */
};

/* RFC 4760, 3; RFC 2545, 3; RFC 4364, 4.3.2; RFC 4659, 3.2.1; RFC 8950, 3; RFC 8955, 4. */
static const struct next_hop_row next_hop_rows[BGP_FAMILIES] = {
    [BGP_IPV4_UNICAST] = {NH4, NH16 | NH32},
    [BGP_IPV6_UNICAST] = {NH16 | NH32, 0},
    [BGP_IPV4_LABELED] = {NH4, NH16 | NH32},
    [BGP_IPV6_LABELED] = {NH16 | NH32, 0},
    [BGP_IPV4_VPN] = {NH12, NH24 | NH48},
    [BGP_IPV6_VPN] = {NH24 | NH48, 0},
    [BGP_IPV4_MULTICAST] = {NH4, NH16 | NH32},
    [BGP_IPV6_MULTICAST] = {NH16 | NH32, 0},
    [BGP_IPV4_MCAST_VPN] = {NH4 | NH16, 0},
    [BGP_IPV6_MCAST_VPN] = {NH4 | NH16, 0},
    [BGP_VPLS] = {NH4 | NH16, 0},
    [BGP_EVPN] = {NH4 | NH16, 0},
    [BGP_LS] = {NH4 | NH16 | NH32, 0},
    [BGP_LS_VPN] = {NH12 | NH24 | NH48, 0},
    [BGP_IPV4_SR_POLICY] = {NH4 | NH16 | NH32, 0},
    [BGP_IPV6_SR_POLICY] = {NH4 | NH16 | NH32, 0},
    [BGP_IPV4_VPN_MULTICAST] = {NH_ANY, 0},
    [BGP_IPV6_VPN_MULTICAST] = {NH_ANY, 0},
    [BGP_RTC] = {NH4 | NH16 | NH32, 0},
    [BGP_IPV4_FLOWSPEC] = {NH0 | NH_ANY, 0},
    [BGP_IPV6_FLOWSPEC] = {NH0 | NH_ANY, 0},
    [BGP_IPV4_FLOWSPEC_VPN] = {NH0 | NH_ANY, 0},
    [BGP_IPV6_FLOWSPEC_VPN] = {NH0 | NH_ANY, 0},
};

/* A next hop of a length from above; route distinguishers (lengths that 4 and 16 do not divide) are skipped.
 * Of 32 and 48 octets the second address is link-local; a first one of "::" stands for none. */
static void
read_next_hop(struct bgp_walk *k, struct wire v)
{
	size_t len = wire_left(&v), rd = len == 12 || len == 24 || len == 48 ? 8 : 0;
	struct addr *out[] = {&k->u->mp_next_hop, &k->u->mp_next_hop_link_local};

	for (unsigned i = 0; i < ARRAY_SIZE(out) && wire_left(&v); i++) {
		wire_skip(&v, rd);
		if (wire_left(&v) < 16)
			*out[i] = addr_from_v4(wire_bytes(&v, 4));
		else
			*out[i] = addr_from_v6(wire_bytes(&v, 16));
	}
	if (len >= 32 && addr_is_v6_any(out[0]))
		*out[0] = *out[1];
}

/* A family that was not agreed on is noted and passed over. BGP_FAMILY_NONE then. */
static enum bgp_family
agreed(struct bgp_walk *k, uint16_t afi, uint8_t safi)
{
	enum bgp_family f = bgp_family_of(afi, safi);

	if (f != BGP_FAMILY_NONE && (k->rules->families >> f & 1))
		return f;
	bgp_walk_fault(k, BGP_FAULT_FAMILY, BGP_ATTR_DISCARD, BGP_UPDATE_OPTIONAL);
	return BGP_FAMILY_NONE;
}

/* RFC 7606, 7.11: behind a next hop of a wrong length NLRI cannot be found, so the family is given up. */
static bool
decode_mp_reach(struct bgp_walk *k, struct wire *v)
{
	uint16_t afi = wire_u16(v);
	uint8_t safi = wire_u8(v), len = wire_u8(v);
	struct bgp_update *u = k->u;

	if (v->failed)
		return false;
	enum bgp_family f = agreed(k, afi, safi);
	if (f == BGP_FAMILY_NONE) {
		k->passed_over = wire_left(v) > len + 1u;
		return true;
	}
	const struct next_hop_row *row = &next_hop_rows[f];
	unsigned allowed = row->always | (k->rules->ext_next_hop >> f & 1 ? row->extended : 0u);
	struct wire next_hop = wire_sub(v, len);
	wire_skip(v, 1);
	u->reach = f;
	if (v->failed || !(allowed & next_hop_bit(len))) {
		bgp_walk_fault(k, BGP_FAULT_MP_REACH, BGP_DISABLE_FAMILY, BGP_UPDATE_OPTIONAL);
		return true;
	}
	read_next_hop(k, next_hop);
	u->mp_announced = *v;
	return true;
}

/* RFC 4760, 4. Nothing but a family and what is withdrawn of it. */
static bool
decode_mp_unreach(struct bgp_walk *k, struct wire *v)
{
	uint16_t afi = wire_u16(v);
	uint8_t safi = wire_u8(v);

	if (v->failed)
		return false;
	k->u->unreach = agreed(k, afi, safi);
	if (k->u->unreach != BGP_FAMILY_NONE)
		k->u->mp_withdrawn = *v;
	return true;
}

/* --- the rows --- */

#define WITHDRAW BGP_TREAT_AS_WITHDRAW
#define DISCARD	 BGP_ATTR_DISCARD
#define RESET	 BGP_SESSION_RESET
#define OPT	 BGP_UPDATE_OPTIONAL
#define INTERNAL true
#define ANYONE	 false

/* An attribute that is read. */
#define READ(FLAGS, WHO, MIN, STEP, OUTCOME, FLAGS_WRONG, FAULT, SUBCODE, DECODE)                            \
	{                                                                                                    \
		FLAGS, true, WHO, false, MIN, STEP, OUTCOME, FLAGS_WRONG, BGP_FAULT_##FAULT, SUBCODE, DECODE \
	}
/* One that is kept as it is. */
#define KEEP(FLAGS, MIN, STEP, OUTCOME, CHECK)                                                               \
	{                                                                                                    \
		FLAGS, true, ANYONE, true, MIN, STEP, OUTCOME, OUTCOME, BGP_FAULT_OTHER_ATTR, OPT, CHECK     \
	}

static const struct attr_row rows[256] = {
    [BGP_ATTR_ORIGIN] =
	READ(WELL_KNOWN, ANYONE, 1, 0, WITHDRAW, WITHDRAW, ORIGIN, BGP_UPDATE_ORIGIN, decode_origin),
    [BGP_ATTR_AS_PATH] =
	READ(WELL_KNOWN, ANYONE, 0, 1, WITHDRAW, WITHDRAW, AS_PATH, BGP_UPDATE_AS_PATH, decode_as_path),
    [BGP_ATTR_NEXT_HOP] =
	READ(WELL_KNOWN, ANYONE, 0, 1, WITHDRAW, WITHDRAW, NEXT_HOP, BGP_UPDATE_NEXT_HOP, decode_next_hop),
    [BGP_ATTR_MED] = READ(NONTRANSITIVE, ANYONE, 4, 0, WITHDRAW, WITHDRAW, MED, OPT, decode_med),
    [BGP_ATTR_LOCAL_PREF] =
	READ(WELL_KNOWN, INTERNAL, 4, 0, WITHDRAW, WITHDRAW, LOCAL_PREF, OPT, decode_local_pref),
    [BGP_ATTR_ATOMIC_AGGREGATE] =
	READ(WELL_KNOWN, ANYONE, 0, 0, DISCARD, WITHDRAW, ATOMIC_AGGREGATE, OPT, decode_atomic_aggregate),
    [BGP_ATTR_AGGREGATOR] =
	READ(TRANSITIVE, ANYONE, 6, 2, DISCARD, WITHDRAW, AGGREGATOR, OPT, decode_aggregator),
    [BGP_ATTR_COMMUNITIES] =
	READ(TRANSITIVE, ANYONE, 4, 4, WITHDRAW, WITHDRAW, COMMUNITIES, OPT, decode_communities),
    [BGP_ATTR_ORIGINATOR_ID] =
	READ(NONTRANSITIVE, INTERNAL, 4, 0, WITHDRAW, WITHDRAW, ORIGINATOR, OPT, decode_originator),
    [BGP_ATTR_CLUSTER_LIST] =
	READ(NONTRANSITIVE, INTERNAL, 4, 4, WITHDRAW, WITHDRAW, CLUSTER_LIST, OPT, decode_cluster_list),
    [BGP_ATTR_MP_REACH] = READ(NONTRANSITIVE, ANYONE, 0, 1, RESET, WITHDRAW, MP_REACH, OPT, decode_mp_reach),
    [BGP_ATTR_MP_UNREACH] =
	READ(NONTRANSITIVE, ANYONE, 0, 1, RESET, WITHDRAW, MP_UNREACH, OPT, decode_mp_unreach),
    [BGP_ATTR_EXT_COMMUNITIES] =
	READ(TRANSITIVE, ANYONE, 8, 8, WITHDRAW, WITHDRAW, EXT_COMMUNITIES, OPT, decode_ext_communities),
    [BGP_ATTR_AS4_PATH] = READ(TRANSITIVE, ANYONE, 6, 2, DISCARD, DISCARD, AS4_PATH, OPT, decode_as4_path),
    [BGP_ATTR_AS4_AGGREGATOR] =
	READ(TRANSITIVE, ANYONE, 8, 0, DISCARD, DISCARD, AGGREGATOR, OPT, decode_as4_aggregator),
    [BGP_ATTR_PMSI_TUNNEL] = KEEP(TRANSITIVE, 5, 1, WITHDRAW, NULL),
    [BGP_ATTR_TUNNEL_ENCAP] = KEEP(TRANSITIVE, 4, 1, WITHDRAW, check_tlvs),
    [BGP_ATTR_EXT_COMMUNITIES_V6] = KEEP(TRANSITIVE, 20, 20, WITHDRAW, NULL),
    [BGP_ATTR_AIGP] = READ(NONTRANSITIVE, ANYONE, 3, 1, DISCARD, DISCARD, AIGP, OPT, decode_aigp),
    [BGP_ATTR_BGP_LS] = KEEP(NONTRANSITIVE, 4, 1, DISCARD, check_tlvs),
    [BGP_ATTR_LARGE_COMMUNITIES] = READ(TRANSITIVE, ANYONE, 12, 12, WITHDRAW, WITHDRAW, LARGE_COMMUNITIES,
					OPT, decode_large_communities),
    [BGP_ATTR_OTC] = READ(TRANSITIVE, ANYONE, 4, 0, WITHDRAW, WITHDRAW, OTC, OPT, decode_otc),
    [BGP_ATTR_PREFIX_SID] =
	READ(TRANSITIVE, ANYONE, 3, 1, DISCARD, DISCARD, PREFIX_SID, OPT, decode_prefix_sid),
    [BGP_ATTR_ATTR_SET] = KEEP(TRANSITIVE, 4, 1, WITHDRAW, NULL),
};

const struct bgp_fault_row bgp_fault_rows[BGP_FAULTS] = {
    [BGP_FAULT_NONE] = {"none", "no fault"},
    [BGP_FAULT_ATTR_LENGTH] = {"attr_length", "UPDATEs whose lengths contradict the message's"},
    [BGP_FAULT_ATTR_TRUNCATED] = {"attr_truncated", "attributes that reach beyond the attributes' end"},
    [BGP_FAULT_ATTR_FLAGS] = {"attr_flags", "attributes with flags that are not theirs"},
    [BGP_FAULT_ATTR_DUPLICATE] = {"attr_duplicate",
				  "attributes that came twice in an UPDATE; the first counts"},
    [BGP_FAULT_MP_DUPLICATE] = {"mp_duplicate", "UPDATEs with two MP_REACH_NLRI or MP_UNREACH_NLRI"},
    [BGP_FAULT_MISSING] = {"missing", "routes without ORIGIN, AS_PATH or NEXT_HOP"},
    [BGP_FAULT_ORIGIN] = {"origin", "malformed ORIGIN"},
    [BGP_FAULT_AS_PATH] = {"as_path", "malformed AS_PATH, or one with AS 0"},
    [BGP_FAULT_NEXT_HOP] = {"next_hop", "malformed NEXT_HOP, or no host's address"},
    [BGP_FAULT_MED] = {"med", "malformed MULTI_EXIT_DISC"},
    [BGP_FAULT_LOCAL_PREF] = {"local_pref", "malformed LOCAL_PREF, or one from another AS"},
    [BGP_FAULT_ATOMIC_AGGREGATE] = {"atomic_aggregate", "malformed ATOMIC_AGGREGATE"},
    [BGP_FAULT_AGGREGATOR] = {"aggregator", "malformed AGGREGATOR or AS4_AGGREGATOR"},
    [BGP_FAULT_COMMUNITIES] = {"communities", "malformed COMMUNITIES"},
    [BGP_FAULT_ORIGINATOR] = {"originator", "malformed ORIGINATOR_ID, or one from another AS"},
    [BGP_FAULT_CLUSTER_LIST] = {"cluster_list", "malformed CLUSTER_LIST, or one from another AS"},
    [BGP_FAULT_MP_REACH] = {"mp_reach", "malformed MP_REACH_NLRI"},
    [BGP_FAULT_MP_UNREACH] = {"mp_unreach", "malformed MP_UNREACH_NLRI"},
    [BGP_FAULT_EXT_COMMUNITIES] = {"ext_communities", "malformed EXTENDED COMMUNITIES"},
    [BGP_FAULT_LARGE_COMMUNITIES] = {"large_communities", "malformed LARGE_COMMUNITY"},
    [BGP_FAULT_AS4_PATH] = {"as4_path", "malformed AS4_PATH, or one from a four-octet speaker"},
    [BGP_FAULT_AIGP] = {"aigp", "malformed AIGP"},
    [BGP_FAULT_OTC] = {"otc", "malformed ONLY_TO_CUSTOMER"},
    [BGP_FAULT_PREFIX_SID] = {"prefix_sid", "malformed BGP Prefix-SID"},
    [BGP_FAULT_OTHER_ATTR] = {"other_attr", "malformed attributes of other kinds, unknown well-known ones"},
    [BGP_FAULT_NLRI_LENGTH] = {"nlri_length", "prefixes longer than their family allows"},
    [BGP_FAULT_NLRI_OVERRUN] = {"nlri_overrun", "prefixes that reach beyond the end of their field"},
    [BGP_FAULT_NLRI_LABEL] = {"nlri_label", "label stacks without a bottom"},
    [BGP_FAULT_FAMILY] = {"family", "routes of families that were not agreed on"},
};

/* --- the walk --- */

void
bgp_walk_fault(struct bgp_walk *k, enum bgp_fault fault, enum bgp_outcome outcome,
	       enum bgp_update_error subcode)
{
	struct bgp_update *u = k->u;
	unsigned i = 0;

	while (i < ARRAY_SIZE(u->faults) && u->faults[i] != BGP_FAULT_NONE)
		i++;
	if (i < ARRAY_SIZE(u->faults))
		u->faults[i] = fault;
	if (outcome <= u->outcome)
		return;
	bool whole = subcode != BGP_UPDATE_LIST && subcode != BGP_UPDATE_MISSING;
	u->outcome = outcome;
	u->notify = BGP_NOTIFY(BGP_ERR_UPDATE, subcode);
	u->notify_data = whole ? k->at : NULL;
	u->notify_len = whole ? (uint16_t)k->at_len : 0;
}

/* The two attributes that carry routes are told apart from those that describe them. */
static bool
has_nlri(uint8_t code)
{
	return code == BGP_ATTR_MP_REACH || code == BGP_ATTR_MP_UNREACH;
}

/* True when the attribute was there before, which is told (RFC 7606, 3.g). */
static bool
repeated(struct bgp_walk *k, uint8_t code)
{
	bool again = bgp_bit(k->seen, code);

	k->seen[code / 64] |= 1ULL << code % 64;
	if (likely(!again))
		return false;
	if (has_nlri(code))
		bgp_walk_fault(k, BGP_FAULT_MP_DUPLICATE, BGP_SESSION_RESET, BGP_UPDATE_LIST);
	else
		bgp_walk_fault(k, BGP_FAULT_ATTR_DUPLICATE, BGP_ATTR_DISCARD, BGP_UPDATE_LIST);
	return true;
}

/* An attribute without a row, or one whose row wants it. */
static void
keep(struct bgp_walk *k, uint8_t code, uint8_t flags, const uint8_t *value, size_t len)
{
	if (!(flags & BGP_FLAG_OPTIONAL)) {
		bgp_walk_fault(k, BGP_FAULT_OTHER_ATTR, WITHDRAW, BGP_UPDATE_OPTIONAL);
		return;
	}
	k->raw[code] = (struct bgp_raw_attr){value, (uint16_t)len, flags & KEPT_FLAGS};
	k->kept[code / 64] |= 1ULL << code % 64;
}

/* Steps are powers of two but of two attributes, so a division is rare. */
static inline bool
length_wrong(const struct attr_row *r, size_t len)
{
	if (r->step == 0)
		return len != r->min;
	bool power = (r->step & (r->step - 1)) == 0;
	return len < r->min || (power ? len & (r->step - 1u) : len % r->step) != 0;
}

/* Cursors go by reference here: one that is copied a moment after it was made stalls the load of its parts.
 */
static inline void
take(struct bgp_walk *k, uint8_t code, uint8_t flags, struct wire *v)
{
	const struct attr_row *r = &rows[code];
	const uint8_t *value = v->pos;
	size_t len = wire_left(v);

	if (unlikely(!r->known)) {
		keep(k, code, flags, value, len);
		return;
	}
	if (unlikely(r->internal && k->rules->ebgp)) {
		bgp_walk_fault(k, (enum bgp_fault)r->fault, DISCARD, BGP_UPDATE_OPTIONAL);
		return;
	}
	if (unlikely((flags & CHECKED_FLAGS) != r->flags)) {
		bgp_walk_fault(k, BGP_FAULT_ATTR_FLAGS, (enum bgp_outcome)r->flags_wrong, BGP_UPDATE_FLAGS);
		/* the routes to be treated as withdrawn may stand in this very attribute */
		if (!has_nlri(code))
			return;
	}
	if (unlikely(length_wrong(r, len)))
		bgp_walk_fault(k, (enum bgp_fault)r->fault, (enum bgp_outcome)r->outcome, BGP_UPDATE_LENGTH);
	else if (unlikely(r->decode && !r->decode(k, v)))
		bgp_walk_fault(k, (enum bgp_fault)r->fault, (enum bgp_outcome)r->outcome,
			       (enum bgp_update_error)r->subcode);
	else if (r->keep)
		keep(k, code, flags, value, len);
}

void
bgp_attrs_walk(struct bgp_walk *k, struct wire *attrs)
{
	while (wire_left(attrs)) {
		const uint8_t *start = wire_bytes(attrs, 3); /* flags, code, the length or half of it */
		uint8_t flags = start ? start[0] : 0, code = start ? start[1] : 0;
		size_t len = start ? start[2] : 0;
		if (flags & BGP_FLAG_EXTENDED)
			len = len << 8 | wire_u8(attrs);
		struct wire value = wire_sub(attrs, len);

		/* RFC 7606, 4: what came before stands, and so do NLRI behind */
		if (unlikely(attrs->failed)) {
			bgp_walk_fault(k, BGP_FAULT_ATTR_TRUNCATED, WITHDRAW, BGP_UPDATE_LIST);
			return;
		}
		k->at = start;
		k->at_len = (uint32_t)(attrs->pos - start);
		if (!repeated(k, code))
			take(k, code, flags, &value);
	}
}

bool
bgp_scratch_init(struct bgp_scratch *s)
{
	s->cap = SCRATCH_BYTES;
	s->mem = malloc(s->cap);
	return s->mem != NULL;
}

void
bgp_scratch_free(struct bgp_scratch *s)
{
	free(s->mem);
	*s = (struct bgp_scratch){NULL, 0};
}
