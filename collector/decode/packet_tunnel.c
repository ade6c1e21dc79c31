/* Tunnels: headers behind which another frame or packet begins. The walker asks these rows only when somebody
 * wants what is inside (see packet.c). Each reads its header and goes down one level; at the innermost level
 * that is kept the walk ends. Messages that carry no user packet (control, echo) end it too.
 *
 * All lengths inside come from the packet, so every one is skipped through the cursor; a length that leads
 * nowhere ends the walk as truncated, and what is outside stays decoded. */
#include "collector/decode/packet_layer.h"

#define GRE_CHECKSUM 0x8000
#define GRE_KEY	     0x2000
#define GRE_SEQUENCE 0x1000
#define GRE_ACK	     0x0080 /* version 1 only (RFC 2637) */
#define GRE_VERSION  0x0007
#define GRE_BRIDGING 0x6558 /* transparent Ethernet bridging */
#define GRE_ERSPAN2  0x88be
#define GRE_ERSPAN3  0x22eb

#define VXLAN_HAS_VNI 0x08

#define GTP_DATA      0xff /* G-PDU, the message that carries a user's packet */
#define GTP_VERSION   0xf0 /* version 1, protocol type GTP: 0x30 */
#define GTP_OPTIONS   0x07 /* extension header, sequence number, N-PDU number */
#define GTP_EXTENSION 0x04

#define L2TP_CONTROL  0x8000
#define L2TP_LENGTH   0x4000
#define L2TP_SEQUENCE 0x0800
#define L2TP_OFFSET   0x0200

/* As with the main header: what the flow says stays where the headers say nothing. */
static void
load_tunnel(struct level *l, struct flow *f)
{
	l->src = &f->tunnel_src_host;
	l->dst = &f->tunnel_dst_host;
	l->src_port = f->tunnel_src_port;
	l->dst_port = f->tunnel_dst_port;
	l->proto = f->tunnel_proto;
	l->tos = f->tunnel_tos;
	l->tcp_flags = f->tunnel_tcp_flags;
	l->flow_label = f->tunnel_flow_label;
	memcpy(l->src_mac, f->tunnel_src_mac, sizeof(l->src_mac));
	memcpy(l->dst_mac, f->tunnel_dst_mac, sizeof(l->dst_mac));
}

/* next, one level down; or the end, when this was the last level. */
static enum layer
enter(struct walk *k, enum layer next)
{
	/* deeper levels have no members in the flow */
	if (k->w.failed || k->level + 1 == k->levels + LEVELS)
		return LAYER_END;
	k->level++;
	/* here, not for every packet: most have no tunnel */
	load_tunnel(k->level, k->f);
	return next;
}

/* Enters first, since an EtherType inside a tunnel is not the flow's. */
static enum layer
enter_etype(struct walk *k, uint16_t etype)
{
	return enter(k, LAYER_RAW) == LAYER_END ? LAYER_END : layer_by_etype(k, etype);
}

/* IPv4 or IPv6 in either (RFC 2003, 2473, 4213). */
enum layer
layer_ip_in_ip(struct walk *k)
{
	return enter(k, LAYER_RAW);
}

/* Ethernet right behind IP: SRv6's next header 143 (RFC 8986). */
enum layer
layer_ethernet_in_ip(struct walk *k)
{
	return enter(k, LAYER_ETHERNET);
}

/* RFC 3378: version 3 and reserved bits. */
enum layer
layer_etherip(struct walk *k)
{
	uint16_t version = wire_u16(&k->w) >> 12;
	if (!k->w.failed && version != 3)
		return layer_malformed(k);
	return enter(k, LAYER_ETHERNET);
}

/* RFC 4023. */
enum layer
layer_mpls_in_ip(struct walk *k)
{
	return enter(k, LAYER_MPLS);
}

/* ERSPAN: type I has no header of its own, type II has 8 bytes, type III 12 and perhaps 8 more. */
static enum layer
erspan(struct walk *k, uint16_t flags, uint16_t protocol)
{
	/* the lowest bit says that a platform header of 8 bytes follows */
	if (protocol == GRE_ERSPAN3) {
		const uint8_t *h = wire_bytes(&k->w, 12);
		if (h && h[11] & 1)
			wire_skip(&k->w, 8);
	} else if (flags & GRE_SEQUENCE) {
		wire_skip(&k->w, 8);
	}
	return enter(k, LAYER_ETHERNET);
}

/* RFC 2784 and 2890, NVGRE (RFC 7637), and version 1 of PPTP (RFC 2637). */
enum layer
layer_gre(struct walk *k)
{
	uint16_t flags = wire_u16(&k->w), protocol = wire_u16(&k->w);
	if (flags & GRE_CHECKSUM)
		wire_skip(&k->w, 4);
	/* fields stand in this order when their flags are set (RFC 2890) */
	uint32_t key = flags & GRE_KEY ? wire_u32(&k->w) : 0;
	if (flags & GRE_SEQUENCE)
		wire_skip(&k->w, 4);
	if ((flags & GRE_VERSION) == 1 && flags & GRE_ACK)
		wire_skip(&k->w, 4);
	if (k->w.failed)
		return LAYER_END;
	if (protocol == GRE_ERSPAN2 || protocol == GRE_ERSPAN3)
		return erspan(k, flags, protocol);
	if (protocol == GRE_BRIDGING && flags & GRE_KEY && layer_outermost(k))
		k->f->nvgre = key >> 8;
	return enter_etype(k, protocol);
}

/* RFC 7348. */
enum layer
layer_vxlan(struct walk *k)
{
	const uint8_t *h = wire_bytes(&k->w, 8);
	if (!h)
		return LAYER_END;
	if (!(h[0] & VXLAN_HAS_VNI))
		return layer_malformed(k);
	if (layer_outermost(k))
		k->f->vxlan = load_be32(h + 4) >> 8;
	return enter(k, LAYER_ETHERNET);
}

/* RFC 8926: options in 4-byte units. */
enum layer
layer_geneve(struct walk *k)
{
	const uint8_t *h = wire_bytes(&k->w, 8);
	if (!h)
		return LAYER_END;
	if (h[0] >> 6 != 0)
		return layer_malformed(k);
	wire_skip(&k->w, (size_t)(h[0] & 0x3f) * 4);
	return enter_etype(k, load_be16(h + 2));
}

/* GTP-U (3GPP TS 29.281). Extension headers name their successor in their last byte and are bounded by the
 * frame: each is at least four bytes long. */
enum layer
layer_gtpu(struct walk *k)
{
	const uint8_t *h = wire_bytes(&k->w, 8);
	if (!h || (h[0] & GTP_VERSION) != 0x30 || h[1] != GTP_DATA)
		return LAYER_END;
	/* any of the three flags brings all three fields */
	if (h[0] & GTP_OPTIONS) {
		const uint8_t *options = wire_bytes(&k->w, 4);
		uint8_t next = options && h[0] & GTP_EXTENSION ? options[3] : 0;
		while (next && !k->w.failed) {
			size_t n = (size_t)wire_u8(&k->w) * 4;
			/* an extension header of no length would never end */
			if (n == 0)
				return k->w.failed ? LAYER_END : layer_malformed(k);
			const uint8_t *rest = wire_bytes(&k->w, n - 1);
			next = rest ? rest[n - 2] : 0;
		}
	}
	return enter(k, LAYER_RAW);
}

/* RFC 2661, data messages; they carry PPP. */
enum layer
layer_l2tp(struct walk *k)
{
	uint16_t flags = wire_u16(&k->w);
	if (flags & L2TP_CONTROL || (flags & 0xf) != 2)
		return LAYER_END;
	if (flags & L2TP_LENGTH)
		wire_skip(&k->w, 2);
	/* identifiers: nothing in the flow has them */
	wire_skip(&k->w, 4); /* tunnel and session */
	if (flags & L2TP_SEQUENCE)
		wire_skip(&k->w, 4);
	if (flags & L2TP_OFFSET)
		wire_skip(&k->w, wire_u16(&k->w));
	return enter(k, LAYER_PPP);
}
