/* NLRI of families without tables, as text for the message log: a row per family, in those with types a row
 * per route type.
 *
 * A field is a pair of brackets, in the order of the RFC:
 *
 *	multicast	192.0.2.0/24, in VPNs 0:65000:1 192.0.2.0/24
 *	EVPN		[type][rd]..., the fields of each type stand at evpn_rows
 *	VPLS		[rd][ve][offset][size][label], or [rd][address] where BGP only discovers
 *	MCAST-VPN	[type][rd]..., see mvpn_rows
 *	SR policy	[distinguisher][color][endpoint]
 *	RTC		[as][route target]/bits, or default
 *	FlowSpec, BGP-LS	see nlri_flowspec.c and nlri_ls.c
 *
 * Types that are no row, and items that contradict their type, are told as [type][n octets hex]. That is no
 * fault: their length is known, so the next item can be read (RFC 7606, 5.4). With ADD-PATH " path N"
 * follows. */
#include "bgp/nlri_item.h"

#define OCTETS_SHOWN 32

/* --- what all share --- */

/* Two digits an octet. */
static void
say_hex(struct text *out, const uint8_t *b, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char *p = text_reserve(out, 2 * n);

	for (size_t i = 0; i < n; i++) {
		*p++ = digits[b[i] >> 4];
		*p++ = digits[b[i] & 15];
	}
	text_commit(out, p);
}

void
bgp_say_rd(struct text *out, uint64_t rd)
{
	unsigned type = (unsigned)(rd >> 48);
	uint64_t admin = type == 0 ? rd >> 32 & 0xffff : rd >> 16 & 0xffffffff;
	uint32_t ip = __builtin_bswap32((uint32_t)admin);
	struct addr a = addr_from_v4(&ip);

	text_u64(out, type);
	text_char(out, ':');
	if (type == 1)
		bgp_say_addr(out, &a);
	else
		text_u64(out, admin);
	text_char(out, ':');
	text_u64(out, rd & (type == 0 ? 0xffffffff : 0xffff));
}

void
bgp_say_addr(struct text *out, const struct addr *a)
{
	text_commit(out, addr_format(text_reserve(out, ADDR_TEXT_MAX), a));
}

void
bgp_say_prefix(struct text *out, const struct prefix *p)
{
	text_commit(out, prefix_format(text_reserve(out, PREFIX_TEXT_MAX), p));
}

void
bgp_say_octets(struct text *out, struct wire w)
{
	size_t n = wire_left(&w), shown = n < OCTETS_SHOWN ? n : OCTETS_SHOWN;

	text_u64(out, n);
	text_str(out, n ? " octets " : " octets");
	if (shown)
		say_hex(out, wire_bytes(&w, shown), shown);
	if (shown < n)
		text_str(out, "...");
}

bool
bgp_take_addr(struct wire *w, size_t len, struct addr *out)
{
	const uint8_t *p = wire_bytes(w, len);

	*out = (struct addr){.q = {0, 0}};
	if (!p || (len != 0 && len != 4 && len != 16))
		return false;
	if (len == 4)
		*out = addr_from_v4(p);
	else if (len == 16)
		*out = addr_from_v6(p);
	return true;
}

/* --- fields in brackets; each fails the cursor when it is not there --- */

/* RFC 4364, 4.2. */
static void
field_rd(struct wire *w, struct text *out)
{
	uint64_t rd = wire_u64(w);
	text_char(out, '[');
	bgp_say_rd(out, rd);
	text_char(out, ']');
}

static void
field_number(struct text *out, uint64_t v)
{
	text_char(out, '[');
	text_u64(out, v);
	text_char(out, ']');
}

/* n octets without meaning here: segment identifiers, regions, keys. */
static void
field_hex(struct wire *w, size_t n, struct text *out)
{
	const uint8_t *p = wire_bytes(w, n);
	text_char(out, '[');
	if (p)
		say_hex(out, p, n);
	text_char(out, ']');
}

/* len octets: none, 4 or 16. No address is an empty pair of brackets. */
static void
field_addr(struct wire *w, size_t len, struct text *out)
{
	struct addr a;
	if (!bgp_take_addr(w, len, &a))
		w->failed = true;
	text_char(out, '[');
	bgp_say_addr(out, &a);
	text_char(out, ']');
}

/* An address behind its length in bits; 0 bits are any (RFC 6625, 3 and RFC 9251, 9.1). */
static void
field_sized_addr(struct wire *w, struct text *out)
{
	uint8_t bits = wire_u8(w);
	if (bits % 8)
		w->failed = true;
	if (bits == 0)
		text_str(out, "[*]");
	else
		field_addr(w, bits / 8, out);
}

/* The label in the upper 20 bits of three octets. */
static void
field_label(struct wire *w, struct text *out)
{
	const uint8_t *p = wire_bytes(w, 3);
	field_number(out, p ? load_be(p, 3) >> 4 : 0);
}

/* Six octets; their length stands in front of them on the wire and is checked by the caller. */
static void
field_mac(struct wire *w, struct text *out)
{
	static const uint8_t none[6];
	const uint8_t *p = wire_bytes(w, 6);
	text_char(out, '[');
	text_commit(out, put_mac(text_reserve(out, 18), p ? p : none));
	text_char(out, ']');
}

/* --- route types --- */

struct route_type {
	uint8_t type;
	bgp_item_writer *write;
};

/* The fields of one item of known length, or its octets. Fields that are left over make it unknown too. */
static void
say_typed(const struct route_type *rows, unsigned n, uint8_t type, struct wire item, struct text *out)
{
	size_t mark;

	field_number(out, type);
	mark = out->len;
	for (unsigned i = 0; i < n; i++) {
		struct wire w = item;
		if (rows[i].type == type && rows[i].write(&w, out) && !w.failed && wire_left(&w) == 0)
			return;
	}
	out->len = mark;
	text_char(out, '[');
	bgp_say_octets(out, item);
	text_char(out, ']');
}

/* --- EVPN: RFC 7432, 7; RFC 9136; RFC 9251; RFC 9572 --- */

#define ESI_BYTES 10

/* [rd][esi][tag][label] */
static bool
evpn_auto_discovery(struct wire *w, struct text *out)
{
	field_rd(w, out);
	field_hex(w, ESI_BYTES, out);
	field_number(out, wire_u32(w));
	field_label(w, out);
	return true;
}

/* [rd][esi][tag][mac][address][label] and perhaps [label] */
static bool
evpn_mac(struct wire *w, struct text *out)
{
	field_rd(w, out);
	field_hex(w, ESI_BYTES, out);
	field_number(out, wire_u32(w));
	if (wire_u8(w) != 48)
		return false;
	field_mac(w, out);
	uint8_t bits = wire_u8(w);
	if (bits % 8)
		return false;
	field_addr(w, bits / 8, out);
	field_label(w, out);
	if (wire_left(w))
		field_label(w, out);
	return true;
}

/* [rd][tag][address] */
static bool
evpn_inclusive(struct wire *w, struct text *out)
{
	field_rd(w, out);
	field_number(out, wire_u32(w));
	field_sized_addr(w, out);
	return true;
}

/* [rd][esi][address] */
static bool
evpn_segment(struct wire *w, struct text *out)
{
	field_rd(w, out);
	field_hex(w, ESI_BYTES, out);
	field_sized_addr(w, out);
	return true;
}

/* [rd][esi][tag][prefix][gateway][label]: 34 octets with IPv4, 58 with IPv6 (RFC 9136, 3.1) */
static bool
evpn_prefix(struct wire *w, struct text *out)
{
	size_t len = wire_left(w) == 34 ? 4 : wire_left(w) == 58 ? 16 : 0;
	struct prefix p;

	if (len == 0)
		return false;
	field_rd(w, out);
	field_hex(w, ESI_BYTES, out);
	field_number(out, wire_u32(w));
	uint8_t bits = wire_u8(w);
	struct wire address = wire_sub(w, len);
	if (!bgp_take_prefix(&address, (unsigned)len * 8, bits, &p))
		return false;
	text_char(out, '[');
	bgp_say_prefix(out, &p);
	text_char(out, ']');
	field_addr(w, len, out);
	field_label(w, out);
	return true;
}

/* [rd][tag][source][group][originator][flags] */
static bool
evpn_selective(struct wire *w, struct text *out)
{
	field_rd(w, out);
	field_number(out, wire_u32(w));
	field_sized_addr(w, out);
	field_sized_addr(w, out);
	field_sized_addr(w, out);
	field_hex(w, 1, out);
	return true;
}

/* [rd][esi][tag][source][group][originator][flags] */
static bool
evpn_join(struct wire *w, struct text *out)
{
	field_rd(w, out);
	field_hex(w, ESI_BYTES, out);
	field_number(out, wire_u32(w));
	field_sized_addr(w, out);
	field_sized_addr(w, out);
	field_sized_addr(w, out);
	field_hex(w, 1, out);
	return true;
}

/* [rd][esi][tag][source][group][originator][reserved][response time][flags] */
static bool
evpn_leave(struct wire *w, struct text *out)
{
	field_rd(w, out);
	field_hex(w, ESI_BYTES, out);
	field_number(out, wire_u32(w));
	field_sized_addr(w, out);
	field_sized_addr(w, out);
	field_sized_addr(w, out);
	field_number(out, wire_u32(w));
	field_number(out, wire_u8(w));
	field_hex(w, 1, out);
	return true;
}

/* [rd][tag][region] */
static bool
evpn_region(struct wire *w, struct text *out)
{
	field_rd(w, out);
	field_number(out, wire_u32(w));
	field_hex(w, 8, out);
	return true;
}

/* [rd][tag][source][group][originator] */
static bool
evpn_s_pmsi(struct wire *w, struct text *out)
{
	field_rd(w, out);
	field_number(out, wire_u32(w));
	field_sized_addr(w, out);
	field_sized_addr(w, out);
	field_sized_addr(w, out);
	return true;
}

/* [route key][originator]: the key is the route that is answered, with its type and length */
static bool
evpn_leaf(struct wire *w, struct text *out)
{
	if (wire_left(w) < 2)
		return false;
	field_hex(w, 2 + (size_t)w->pos[1], out);
	field_sized_addr(w, out);
	return true;
}

static const struct route_type evpn_rows[] = {
    {1, evpn_auto_discovery}, {2, evpn_mac},	   {3, evpn_inclusive}, {4, evpn_segment},
    {5, evpn_prefix},	      {6, evpn_selective}, {7, evpn_join},	{8, evpn_leave},
    {9, evpn_region},	      {10, evpn_s_pmsi},   {11, evpn_leaf},
};

/* --- MCAST-VPN: RFC 6514, 4 --- */

/* The rest is an address. */
static bool
field_last_addr(struct wire *w, struct text *out)
{
	if (wire_left(w) == 0)
		return false;
	field_addr(w, wire_left(w), out);
	return true;
}

/* [rd][originator] */
static bool
mvpn_intra_as(struct wire *w, struct text *out)
{
	field_rd(w, out);
	return field_last_addr(w, out);
}

/* [rd][source as] */
static bool
mvpn_inter_as(struct wire *w, struct text *out)
{
	field_rd(w, out);
	field_number(out, wire_u32(w));
	return true;
}

/* [rd][source][group] */
static bool
mvpn_active(struct wire *w, struct text *out)
{
	field_rd(w, out);
	field_sized_addr(w, out);
	field_sized_addr(w, out);
	return true;
}

/* [rd][source][group][originator] */
static bool
mvpn_s_pmsi(struct wire *w, struct text *out)
{
	return mvpn_active(w, out) && field_last_addr(w, out);
}

/* [route key][originator]: the key has its own type and length */
static bool
mvpn_leaf(struct wire *w, struct text *out)
{
	if (wire_left(w) < 2)
		return false;
	field_hex(w, 2 + (size_t)w->pos[1], out);
	return field_last_addr(w, out);
}

/* [rd][source as][source][group] */
static bool
mvpn_join(struct wire *w, struct text *out)
{
	field_rd(w, out);
	field_number(out, wire_u32(w));
	field_sized_addr(w, out);
	field_sized_addr(w, out);
	return true;
}

static const struct route_type mvpn_rows[] = {
    {1, mvpn_intra_as}, {2, mvpn_inter_as}, {3, mvpn_s_pmsi}, {4, mvpn_leaf},
    {5, mvpn_active},	{6, mvpn_join},	    {7, mvpn_join},
};

/* --- families --- */

/* Ends the walk, as in nlri.c. */
static bool
overrun(struct wire *w, enum bgp_fault *fault, enum bgp_fault what)
{
	w->failed = true;
	*fault = what;
	return false;
}

/* Type and length in an octet each. */
static bool
take_typed(struct wire *w, const struct route_type *rows, unsigned n, struct text *out, enum bgp_fault *fault)
{
	uint8_t type = wire_u8(w);
	struct wire item = wire_sub(w, wire_u8(w));

	if (w->failed)
		return overrun(w, fault, BGP_FAULT_NLRI_OVERRUN);
	say_typed(rows, n, type, item, out);
	return true;
}

static bool
take_evpn(struct wire *w, enum bgp_family family, struct text *out, enum bgp_fault *fault)
{
	(void)family;
	return take_typed(w, evpn_rows, ARRAY_SIZE(evpn_rows), out, fault);
}

static bool
take_mvpn(struct wire *w, enum bgp_family family, struct text *out, enum bgp_fault *fault)
{
	(void)family;
	return take_typed(w, mvpn_rows, ARRAY_SIZE(mvpn_rows), out, fault);
}

/* The prefix alone, behind the route distinguisher where there is one. */
static bool
take_multicast(struct wire *w, enum bgp_family family, struct text *out, enum bgp_fault *fault)
{
	struct bgp_nlri n;

	if (!bgp_nlri_next(w, family, false, false, &n, fault))
		return false;
	if (n.rd || family == BGP_IPV4_VPN_MULTICAST || family == BGP_IPV6_VPN_MULTICAST) {
		bgp_say_rd(out, n.rd);
		text_char(out, ' ');
	}
	bgp_say_prefix(out, &n.prefix);
	return true;
}

/* RFC 4761, 3.2.2; RFC 6074, 3.2.2 with an address instead. */
static bool
take_vpls(struct wire *w, enum bgp_family family, struct text *out, enum bgp_fault *fault)
{
	struct wire item = wire_sub(w, wire_u16(w));
	size_t len = wire_left(&item);

	(void)family;
	if (w->failed)
		return overrun(w, fault, BGP_FAULT_NLRI_OVERRUN);
	if (len == 12) {
		field_rd(&item, out);
		field_addr(&item, 4, out);
	} else if (len == 17) {
		field_rd(&item, out);
		for (unsigned i = 0; i < 3; i++)
			field_number(out, wire_u16(&item));
		field_label(&item, out);
	} else {
		text_char(out, '[');
		bgp_say_octets(out, item);
		text_char(out, ']');
	}
	return true;
}

/* RFC 9830, 2.1. The length is in bits. */
static bool
take_sr_policy(struct wire *w, enum bgp_family family, struct text *out, enum bgp_fault *fault)
{
	uint8_t bits = wire_u8(w);
	size_t address = family == BGP_IPV4_SR_POLICY ? 4 : 16;
	struct wire item = wire_sub(w, (bits + 7u) / 8);

	if (w->failed)
		return overrun(w, fault, BGP_FAULT_NLRI_OVERRUN);
	if (bits != 8 * (8 + address))
		return overrun(w, fault, BGP_FAULT_NLRI_LENGTH);
	field_number(out, wire_u32(&item));
	field_number(out, wire_u32(&item));
	field_addr(&item, address, out);
	return true;
}

/* A route target, or as much of it as there is (RFC 4684, 4; RFC 4360, 4). */
static void
say_target(struct text *out, struct wire w)
{
	uint8_t b[8] = {0};
	size_t n = wire_left(&w);

	memcpy(b, wire_bytes(&w, n), n);
	uint64_t value = load_be64(b) & 0xffffffffffffULL;
	if (n == sizeof(b) && b[1] == 2 && (b[0] & 0xbf) <= 2) {
		/* the same three forms that route distinguishers have, behind other types */
		bgp_say_rd(out, (uint64_t)(b[0] & 0xbf) << 48 | value);
		return;
	}
	say_hex(out, b, n);
}

static bool
take_rtc(struct wire *w, enum bgp_family family, struct text *out, enum bgp_fault *fault)
{
	uint8_t bits = wire_u8(w);

	(void)family;
	if (bits != 0 && (bits < 32 || bits > 96))
		return overrun(w, fault, BGP_FAULT_NLRI_LENGTH);
	struct wire item = wire_sub(w, (bits + 7u) / 8);
	if (w->failed)
		return overrun(w, fault, BGP_FAULT_NLRI_OVERRUN);
	if (bits == 0) {
		text_str(out, "default");
		return true;
	}
	field_number(out, wire_u32(&item));
	text_char(out, '[');
	say_target(out, item);
	text_printf(out, "]/%u", bits);
	return true;
}

/* RFC 8955, 4.1: a length of one octet, or of twelve bits behind four that are set. */
static bool
take_flowspec(struct wire *w, enum bgp_family family, struct text *out, enum bgp_fault *fault)
{
	bool v6 = family == BGP_IPV6_FLOWSPEC || family == BGP_IPV6_FLOWSPEC_VPN;
	bool vpn = family == BGP_IPV4_FLOWSPEC_VPN || family == BGP_IPV6_FLOWSPEC_VPN;
	unsigned len = wire_u8(w);

	if (len >= 0xf0)
		len = (len & 0x0f) << 8 | wire_u8(w);
	struct wire item = wire_sub(w, len), rest = item;
	size_t mark = out->len;
	if (w->failed)
		return overrun(w, fault, BGP_FAULT_NLRI_OVERRUN);
	if (vpn) {
		text_str(out, "rd ");
		bgp_say_rd(out, wire_u64(&rest));
		text_char(out, ' ');
	}
	if (!rest.failed && bgp_flowspec_text(&rest, v6, out))
		return true;
	out->len = mark;
	bgp_say_octets(out, item);
	return true;
}

/* RFC 9552, 5.2: type and length in two octets each. */
static bool
take_ls(struct wire *w, enum bgp_family family, struct text *out, enum bgp_fault *fault)
{
	uint16_t type = wire_u16(w);
	struct wire item = wire_sub(w, wire_u16(w)), rest = item;
	size_t mark = out->len;

	if (w->failed)
		return overrun(w, fault, BGP_FAULT_NLRI_OVERRUN);
	if (family == BGP_LS_VPN)
		field_rd(&rest, out);
	if (!rest.failed && bgp_ls_text(&rest, type, out))
		return true;
	out->len = mark;
	field_number(out, type);
	text_char(out, '[');
	bgp_say_octets(out, item);
	text_char(out, ']');
	return true;
}

typedef bool item_taker(struct wire *w, enum bgp_family family, struct text *out, enum bgp_fault *fault);

static item_taker *const takers[BGP_FAMILIES] = {
    [BGP_IPV4_MULTICAST] = take_multicast,
    [BGP_IPV6_MULTICAST] = take_multicast,
    [BGP_IPV4_MCAST_VPN] = take_mvpn,
    [BGP_IPV6_MCAST_VPN] = take_mvpn,
    [BGP_VPLS] = take_vpls,
    [BGP_EVPN] = take_evpn,
    [BGP_LS] = take_ls,
    [BGP_LS_VPN] = take_ls,
    [BGP_IPV4_SR_POLICY] = take_sr_policy,
    [BGP_IPV6_SR_POLICY] = take_sr_policy,
    [BGP_IPV4_VPN_MULTICAST] = take_multicast,
    [BGP_IPV6_VPN_MULTICAST] = take_multicast,
    [BGP_RTC] = take_rtc,
    [BGP_IPV4_FLOWSPEC] = take_flowspec,
    [BGP_IPV6_FLOWSPEC] = take_flowspec,
    [BGP_IPV4_FLOWSPEC_VPN] = take_flowspec,
    [BGP_IPV6_FLOWSPEC_VPN] = take_flowspec,
};

bool
bgp_nlri_text(struct wire *w, enum bgp_family family, bool add_path, struct text *out, enum bgp_fault *fault)
{
	if (wire_left(w) == 0 || family >= BGP_FAMILIES || !takers[family])
		return false;
	uint32_t id = add_path ? wire_u32(w) : 0;
	if (w->failed || wire_left(w) == 0)
		return overrun(w, fault, BGP_FAULT_NLRI_OVERRUN);
	if (!takers[family](w, family, out, fault))
		return false;
	if (add_path)
		text_printf(out, " path %u", id);
	return true;
}
