/* IP, its extension headers, and the transport headers.
 *
 * Every reader takes its fixed header at once and gives up when it is cut short; what was read before stays,
 * so that a snapshot of 64 bytes still has its addresses and ports. */
#include "collector/decode/packet_layer.h"

#define FRAGMENT_MORE	0x2000
#define FRAGMENT_OFFSET 0x1fff

/* A packet without a link header, or below an MPLS stack: the version is in the first nibble. */
enum layer
layer_raw(struct walk *k)
{
	/* a copy: the header itself belongs to the next layer */
	struct wire peek = k->w;
	uint8_t version = wire_u8(&peek) >> 4;
	if (peek.failed) {
		k->w.failed = true;
		return LAYER_END;
	}
	/* no other version is anything we know */
	return version == 4 ? LAYER_IPV4 : version == 6 ? LAYER_IPV6 : LAYER_END;
}

/* Cuts what follows the IP packet off: padding of short Ethernet frames. */
static void
ip_limit(struct walk *k, size_t n)
{
	if (n < wire_left(&k->w))
		k->w = wire_sub(&k->w, n);
}

/* Of the outermost IP header only. header points to its first byte; bytes is the packet's length as the
 * header has it, 0 when it does not know. */
static void
ip_note(struct walk *k, uint16_t feature, uint16_t etype, uint32_t bytes, const uint8_t *header)
{
	if (!layer_outermost(k))
		return;
	size_t before = (size_t)(header - k->begin);
	k->features |= feature;
	if (!k->etype)
		k->etype = etype; /* link types without one */
	k->p->ip_bytes = bytes ? bytes : (uint32_t)(k->wirelen > before ? k->wirelen - before : 0);
}

/* Notes where in a datagram this fragment belongs; true for one that has no transport header. */
static bool
fragment_note(struct walk *k, uint16_t offset, bool more, uint32_t id)
{
	if (layer_outermost(k) && (offset || more)) {
		k->p->fragment = (uint8_t)((offset ? PACKET_FRAGMENT_LATER : PACKET_FRAGMENT_FIRST) |
					   (more ? PACKET_FRAGMENT_MORE : 0));
		k->p->fragment_offset = offset;
		/* 16 bits in IPv4, 32 in IPv6 */
		k->p->fragment_id = id;
	}
	return offset != 0;
}

/* RFC 791. A total length of 0 is what offloading network cards leave in captured packets. */
enum layer
layer_ipv4(struct walk *k)
{
	const uint8_t *h = wire_bytes(&k->w, 20);
	if (!h)
		return LAYER_END;
	size_t header = (size_t)(h[0] & 0x0f) * 4, total = load_be16(h + 2);
	if (h[0] >> 4 != 4 || header < 20 || (total && total < header))
		return layer_malformed(k);
	struct level *l = k->level;
	l->tos = h[1];
	*l->src = addr_from_v4(h + 12);
	*l->dst = addr_from_v4(h + 16);
	l->proto = h[9];
	ip_note(k, FLOW_HAS_V4, 0x0800, (uint32_t)total, h);
	k->ipv6 = false;
	wire_skip(&k->w, header - 20);
	/* padding of short frames must not be taken for payload */
	if (total)
		ip_limit(k, total - header);
	uint16_t fragment = load_be16(h + 6);
	bool later = fragment_note(k, (uint16_t)((fragment & FRAGMENT_OFFSET) * 8), fragment & FRAGMENT_MORE,
				   load_be16(h + 4));
	return later ? LAYER_END : layer_by_proto(k, h[9]);
}

/* RFC 8200; a payload length of 0 belongs to jumbograms (RFC 2675) and to offloading cards. */
enum layer
layer_ipv6(struct walk *k)
{
	const uint8_t *h = wire_bytes(&k->w, 40);
	if (!h)
		return LAYER_END;
	uint32_t first = load_be32(h);
	/* an EtherType may lie; addresses read from anything else would be noise */
	if (first >> 28 != 6)
		return layer_malformed(k);
	struct level *l = k->level;
	uint16_t payload = load_be16(h + 4);
	l->tos = (uint8_t)(first >> 20);
	l->flow_label = first & 0xfffff;
	*l->src = addr_from_v6(h + 8);
	*l->dst = addr_from_v6(h + 24);
	ip_note(k, FLOW_HAS_V6, 0x86dd, payload || h[6] == 59 ? payload + 40U : 0, h);
	k->ipv6 = true;
	/* 0 is unknown, not empty */
	if (payload)
		ip_limit(k, payload);
	return layer_by_proto(k, h[6]);
}

/* An extension header whose second byte counts units of `unit` bytes after the first `first` bytes. */
static enum layer
extension(struct walk *k, size_t first, size_t unit)
{
	uint8_t next = wire_u8(&k->w);
	uint8_t units = wire_u8(&k->w);
	wire_skip(&k->w, first - 2 + units * unit);
	return k->w.failed ? LAYER_END : layer_by_proto(k, next);
}

/* Hop-by-hop and destination options have the same outer shape (RFC 8200, 4.2). */
enum layer
layer_options(struct walk *k)
{
	return extension(k, 8, 8);
}

/* RFC 8200, 4.4: the final destination inside is not looked at. */
enum layer
layer_routing(struct walk *k)
{
	return extension(k, 8, 8);
}

/* RFC 4302, 2.2: length in 4-byte units minus 2. */
enum layer
layer_ah(struct walk *k)
{
	return extension(k, 8, 4);
}

/* RFC 8200, 4.5. Later fragments have no transport header: only the protocol is known. */
enum layer
layer_fragment(struct walk *k)
{
	const uint8_t *h = wire_bytes(&k->w, 8);
	if (!h)
		return LAYER_END;
	/* offset in units of 8 bytes stands in the upper 13 bits, so masking gives bytes */
	uint16_t word = load_be16(h + 2);
	if (!fragment_note(k, word & 0xfff8, word & 1, load_be32(h + 4)))
		return layer_by_proto(k, h[0]);
	/* known in later fragments, too */
	k->level->proto = h[0];
	return LAYER_END;
}

/* The first four bytes of every transport protocol that has ports. */
static bool
ports_read(struct walk *k)
{
	uint16_t src = wire_u16(&k->w), dst = wire_u16(&k->w);
	if (k->w.failed)
		return false;
	k->level->src_port = src;
	k->level->dst_port = dst;
	return true;
}

/* RFC 9293. A header cut short by the snapshot still gives its ports. */
enum layer
layer_tcp(struct walk *k)
{
	if (!ports_read(k))
		return LAYER_END;
	const uint8_t *h = wire_bytes(&k->w, 10);
	if (!h)
		return LAYER_END;
	size_t header = (size_t)(h[8] >> 4) * 4;
	/* RFC 9293, 3.1: the data offset counts 32-bit words, at least five */
	if (header < 20)
		return layer_malformed(k);
	k->level->tcp_flags = h[9];
	wire_skip(&k->w, header - 14);
	return LAYER_END;
}

enum layer
layer_udp(struct walk *k)
{
	if (!ports_read(k))
		return LAYER_END;
	wire_skip(&k->w, 4);
	return layer_by_port(k->level->dst_port);
}

/* SCTP (RFC 9260), DCCP (RFC 4340), UDP-Lite (RFC 3828). */
enum layer
layer_ports(struct walk *k)
{
	ports_read(k);
	return LAYER_END;
}

/* ICMP (RFC 792) and ICMPv6 (RFC 4443) begin with type and code. */
enum layer
layer_icmp(struct walk *k)
{
	uint16_t type_code = wire_u16(&k->w);
	if (k->w.failed)
		return LAYER_END;
	/* as NetFlow has it: type times 256 plus code */
	k->level->dst_port = type_code;
	k->level->src_port = 0;
	return LAYER_END;
}
