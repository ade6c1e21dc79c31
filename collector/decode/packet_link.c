/* Link layers, VLAN tags, PPP and MPLS. What these headers say about the flow is written to the flow
 * directly: inside a tunnel they describe nothing that struct flow has a member for, except the MAC
 * addresses. */
#include "collector/decode/packet_layer.h"

#define ETYPE_MIN   0x0600 /* IEEE 802.3: smaller values are lengths */
#define MPLS_BOTTOM 0x100
#define PPP_ADDRESS 0xff /* RFC 1662: all-stations address and unnumbered information */
#define PPP_CONTROL 0x03
#define LLC_SNAP    0xaaaa03

/* IEEE 802.3: a type below 0x600 is a length, and LLC follows. */
enum layer
layer_ethernet(struct walk *k)
{
	const uint8_t *h = wire_bytes(&k->w, 14);
	if (!h)
		return LAYER_END;
	/* the destination stands first */
	memcpy(k->level->dst_mac, h, 6);
	memcpy(k->level->src_mac, h + 6, 6);
	uint16_t type = load_be16(h + 12);
	return type < ETYPE_MIN ? LAYER_LLC : layer_by_etype(k, type);
}

/* IEEE 802.1Q tag control information: the outermost tag is the VLAN, the second the customer's. */
enum layer
layer_vlan(struct walk *k)
{
	uint16_t tci = wire_u16(&k->w);
	uint16_t type = wire_u16(&k->w);
	if (k->w.failed)
		return LAYER_END;
	if (layer_outermost(k)) {
		k->features |= FLOW_HAS_VLAN;
		/* the outermost tag is the network's, the next one the customer's */
		if (k->vlans == 0) {
			k->f->vlan = tci & 0xfff;
			k->f->cos = (uint8_t)(tci >> 13);
		} else if (k->vlans == 1) {
			k->f->in_cvlan = tci & 0xfff;
		}
		/* a frame may hold thousands of tags; the counter must not wrap to the first */
		if (k->vlans < UINT8_MAX)
			k->vlans++;
	}
	return type < ETYPE_MIN ? LAYER_LLC : layer_by_etype(k, type);
}

/* IEEE 802.2 with SNAP (RFC 1042); other service access points carry no IP. */
enum layer
layer_llc(struct walk *k)
{
	const uint8_t *h = wire_bytes(&k->w, 3);
	if (!h || load_be(h, 3) != LLC_SNAP)
		return LAYER_END;
	/* any organisation: those that put an EtherType here are the ones that matter */
	wire_skip(&k->w, 3); /* organisation */
	uint16_t type = wire_u16(&k->w);
	return k->w.failed ? LAYER_END : layer_by_etype(k, type);
}

/* Linux cooked captures hold one address: the sender's. */
enum layer
layer_sll(struct walk *k)
{
	const uint8_t *h = wire_bytes(&k->w, 16);
	if (!h)
		return LAYER_END;
	/* six bytes of address: Ethernet or alike; others have no member in the flow */
	if (load_be16(h + 4) == 6)
		memcpy(k->level->src_mac, h + 6, 6);
	return layer_by_etype(k, load_be16(h + 14));
}

/* LINKTYPE_LINUX_SLL2: the protocol stands first, the address last. */
enum layer
layer_sll2(struct walk *k)
{
	const uint8_t *h = wire_bytes(&k->w, 20);
	if (!h)
		return LAYER_END;
	if (h[11] == 6)
		memcpy(k->level->src_mac, h + 12, 6);
	return layer_by_etype(k, load_be16(h));
}

/* A protocol family of the capturing system, in its byte order, or in network order (DLT_LOOP). Every system
 * has 2 for IPv4; for IPv6 the first nibble of what follows is surer than a list of systems. */
enum layer
layer_null(struct walk *k)
{
	wire_skip(&k->w, 4);
	return LAYER_RAW;
}

/* Cisco HDLC: address, control, EtherType. */
enum layer
layer_chdlc(struct walk *k)
{
	wire_skip(&k->w, 2);
	uint16_t type = wire_u16(&k->w);
	return k->w.failed ? LAYER_END : layer_by_etype(k, type);
}

/* RFC 1661: address and control may be left out, the protocol's first byte too when it is zero. */
enum layer
layer_ppp(struct walk *k)
{
	uint16_t protocol = wire_u8(&k->w);
	if (protocol == PPP_ADDRESS) {
		if (wire_u8(&k->w) != PPP_CONTROL)
			return k->w.failed ? LAYER_END : layer_malformed(k);
		/* behind address and control comes the protocol */
		protocol = wire_u8(&k->w);
	}
	if (!(protocol & 1))
		protocol = (uint16_t)(protocol << 8 | wire_u8(&k->w));
	if (k->w.failed)
		return LAYER_END;
	if (layer_outermost(k))
		k->etype = 0; /* the IP header's, not PPPoE's, as pmacct has it */
	return layer_by_ppp(protocol);
}

/* RFC 2516, session stage: version and type 1, code 0. */
enum layer
layer_pppoe(struct walk *k)
{
	const uint8_t *h = wire_bytes(&k->w, 6);
	if (!h)
		return LAYER_END;
	return h[0] == 0x11 && h[1] == 0 ? LAYER_PPP : layer_malformed(k);
}

/* The stack refers to the flow's own array: valid as long as the flow. */
static void
mpls_store(struct walk *k, unsigned n, uint32_t bottom)
{
	struct flow *f = k->f;
	k->features |= FLOW_HAS_MPLS;
	f->mpls_labels = (uint8_t)n;
	f->mpls_label_top = f->mpls_label[0];
	f->mpls_label_bottom = bottom;
	f->mpls_label_stack =
	    (struct flow_bytes){(const uint8_t *)f->mpls_label, n * (uint32_t)sizeof(f->mpls_label[0])};
}

/* RFC 3032. The stack is as long as the frame at most; labels past FLOW_MPLS_MAX are not kept, but the bottom
 * one is. Nothing says what is below the bottom: the first nibble decides (RFC 4928). */
enum layer
layer_mpls(struct walk *k)
{
	uint32_t entry, ignored[FLOW_MPLS_MAX];
	bool store = layer_outermost(k) && !(k->features & FLOW_HAS_MPLS);
	uint32_t *label = store ? k->f->mpls_label : ignored;
	unsigned n = 0;
	do {
		/* zero past the end, and failed: the loop ends */
		entry = wire_u32(&k->w);
		if (n < FLOW_MPLS_MAX && !k->w.failed)
			/* 20 bits of label; class, bottom and TTL are not kept */
			label[n++] = entry >> 12;
	} while (!k->w.failed && !(entry & MPLS_BOTTOM));
	if (store && n > 0)
		mpls_store(k, n, k->w.failed ? label[n - 1] : entry >> 12);
	return k->w.failed || wire_left(&k->w) == 0 ? LAYER_END : LAYER_RAW;
}
