/* BGP-LS NLRI (RFC 9552, 5.2; SRv6 SIDs: RFC 9514): node, link, prefix, with the descriptors that tell one
 * from another; a row per descriptor.
 *
 *	[link][isis-l2][0][local as 65000 router 1921.6800.1001][remote ...][if 192.0.2.1][nbr 192.0.2.2]
 *
 * Descriptors that are no row are told as "tlv N octets"; the order is that of the message. */
#include "bgp/nlri_item.h"

struct descriptor {
	uint16_t type;
	const char *name;
	bgp_item_writer *write;
};

/* Of any width that fits: AS numbers, areas, types. */
static bool
write_number(struct wire *w, struct text *out)
{
	size_t n = wire_left(w);
	if (n == 0 || n > 8)
		return false;
	text_u64(out, load_be(wire_bytes(w, n), n));
	return true;
}

/* IPv4 or IPv6 by its length. */
static bool
write_addr(struct wire *w, struct text *out)
{
	struct addr a;
	if (wire_left(w) == 0 || !bgp_take_addr(w, wire_left(w), &a))
		return false;
	bgp_say_addr(out, &a);
	return true;
}

/* IS-IS: a system identifier, with the number of a pseudonode. OSPF: a router identifier, with the address of
 * the designated router's interface (RFC 9552, 5.2.1.4). */
static bool
write_router(struct wire *w, struct text *out)
{
	size_t n = wire_left(w);
	struct addr a;

	if (n == 6 || n == 7) {
		for (unsigned i = 0; i < 3; i++)
			text_printf(out, "%s%04x", i ? "." : "", wire_u16(w));
		if (n == 7)
			text_printf(out, ".%02x", wire_u8(w));
		return true;
	}
	if ((n != 4 && n != 8) || !bgp_take_addr(w, 4, &a))
		return false;
	bgp_say_addr(out, &a);
	if (n == 4)
		return true;
	text_char(out, ':');
	return write_addr(w, out);
}

/* Two identifiers of four octets. */
static bool
write_link_ids(struct wire *w, struct text *out)
{
	uint32_t local = wire_u32(w), remote = wire_u32(w);
	text_printf(out, "%u:%u", local, remote);
	return true;
}

/* Multi-topology identifiers, the upper four bits being flags. */
static bool
write_topologies(struct wire *w, struct text *out)
{
	for (bool first = true; wire_left(w); first = false)
		text_printf(out, "%s%u", first ? "" : ",", wire_u16(w) & 0x0fffu);
	return true;
}

/* The family of the prefix is the NLRI's; more than 32 bits or 4 octets can only be IPv6. */
static bool
write_reach(struct wire *w, unsigned most, struct text *out)
{
	struct prefix p;
	if (!bgp_take_prefix(w, most, wire_u8(w), &p))
		return false;
	bgp_say_prefix(out, &p);
	return true;
}

static bool
write_reach4(struct wire *w, struct text *out)
{
	return write_reach(w, 32, out);
}

static bool
write_reach6(struct wire *w, struct text *out)
{
	return write_reach(w, 128, out);
}

static const struct descriptor node_rows[] = {
    {512, "as", write_number},	   {513, "ls-id", write_number},    {514, "area", write_number},
    {515, "router", write_router}, {516, "bgp-router", write_addr}, {517, "member-as", write_number},
};

/* TLVs of w, each as "name value", sep between and around as given. */
static bool
write_tlvs(struct wire *w, const struct descriptor *rows, unsigned n, const char *before, const char *after,
	   struct text *out)
{
	while (wire_left(w)) {
		uint16_t type = wire_u16(w);
		struct wire value = wire_sub(w, wire_u16(w)), again = value;
		unsigned i = 0;

		if (w->failed)
			return false;
		while (i < n && rows[i].type != type)
			i++;
		text_str(out, before);
		size_t mark = out->len;
		if (i < n) {
			text_str(out, rows[i].name);
			text_char(out, ' ');
		}
		if (i == n || !rows[i].write(&value, out) || value.failed || wire_left(&value)) {
			out->len = mark;
			text_printf(out, "tlv %u ", type);
			bgp_say_octets(out, again);
		}
		text_str(out, after);
	}
	return true;
}

/* A node is described by TLVs within a TLV; deeper it does not go. */
static bool
write_node(struct wire *w, struct text *out)
{
	/* the name in front left a blank, and so does each part */
	out->len--;
	return write_tlvs(w, node_rows, ARRAY_SIZE(node_rows), " ", "", out);
}

#define NODES                                                                                                \
	{256, "local", write_node},                                                                          \
	{                                                                                                    \
		257, "remote", write_node                                                                    \
	}
#define LINK_ROWS                                                                                            \
	{258, "ids", write_link_ids}, {259, "if", write_addr}, {260, "nbr", write_addr},                     \
	    {261, "if", write_addr}, {262, "nbr", write_addr},                                               \
	{                                                                                                    \
		263, "mt", write_topologies                                                                  \
	}

static const struct descriptor ipv4_rows[] = {
    NODES,
    LINK_ROWS,
    {264, "route-type", write_number},
    {265, "prefix", write_reach4},
};
static const struct descriptor other_rows[] = {
    NODES,
    LINK_ROWS,
    {264, "route-type", write_number},
    {265, "prefix", write_reach6},
    {518, "sid", write_addr},
};

struct kind {
	const char *name;
	const struct descriptor *rows;
	unsigned n;
};

static const struct kind kinds[] = {
    [1] = {"node", other_rows, ARRAY_SIZE(other_rows)},
    [2] = {"link", other_rows, ARRAY_SIZE(other_rows)},
    [3] = {"prefix4", ipv4_rows, ARRAY_SIZE(ipv4_rows)},
    [4] = {"prefix6", other_rows, ARRAY_SIZE(other_rows)},
    [6] = {"srv6-sid", other_rows, ARRAY_SIZE(other_rows)},
};

/* RFC 9552, table 2; RFC 9086; RFC 9830. */
static const char *const protocols[] = {
    [1] = "isis-l1", [2] = "isis-l2", [3] = "ospfv2",  [4] = "direct", [5] = "static",
    [6] = "ospfv3",  [7] = "bgp",     [8] = "rsvp-te", [9] = "sr",
};

bool
bgp_ls_text(struct wire *w, uint16_t type, struct text *out)
{
	uint8_t protocol = wire_u8(w);
	uint64_t id = wire_u64(w);

	if (w->failed || type >= ARRAY_SIZE(kinds) || !kinds[type].name)
		return false;
	if (protocol < ARRAY_SIZE(protocols) && protocols[protocol])
		text_printf(out, "[%s][%s]", kinds[type].name, protocols[protocol]);
	else
		text_printf(out, "[%s][protocol %u]", kinds[type].name, protocol);
	text_printf(out, "[%llu]", (unsigned long long)id);
	return write_tlvs(w, kinds[type].rows, kinds[type].n, "[", "]", out);
}
