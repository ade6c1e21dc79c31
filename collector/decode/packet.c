/* The walker of frames and its tables.
 *
 * Small tables lead from a number on the wire (link type, EtherType, IP protocol, UDP port) to a layer, and
 * one table says what a layer is. What headers say is collected in a struct level per tunnel level and copied
 * to the flow at the end, so that a layer's function is the same inside and outside a tunnel. Tunnels are
 * rows of their own kind: they are entered only when a plugin reads the tunnel_* members, and only LEVELS
 * deep.
 *
 * Faults do not undo what was read: a frame cut short gives all that stands before the cut, and counts as
 * decoded when an IP header was among it. The walk is bounded twice, by the bytes of the frame and by
 * PACKET_LAYERS_MAX. */
#include "collector/decode/packet.h"

#include <pcap/dlt.h>

#include "collector/decode/packet_layer.h"

#define LINKTYPE_RAW 101 /* the number in capture files; DLT_RAW differs between systems */

enum layer_kind {
	PLAIN,
	EXTENSION, /* of IPv6; in IPv4 its number is a protocol like any other */
	TUNNEL,	   /* entered only when somebody wants what is inside */
};

struct layer_row {
	const char *name;
	layer_decode *decode;
	uint8_t point; /* enum packet_point to note, PACKET_POINTS for none */
	uint8_t kind;  /* enum layer_kind */
};

static const struct layer_row layers[LAYERS] = {
    /* decode is never called for this one: the walk ends before */
    [LAYER_END] = {"link", NULL, PACKET_POINTS, PLAIN},
    [LAYER_ETHERNET] = {"ethernet", layer_ethernet, PACKET_AT_MAC, PLAIN},
    [LAYER_VLAN] = {"vlan", layer_vlan, PACKET_AT_VLAN, PLAIN},
    [LAYER_LLC] = {"llc", layer_llc, PACKET_POINTS, PLAIN},
    [LAYER_SLL] = {"sll", layer_sll, PACKET_AT_MAC, PLAIN},
    [LAYER_SLL2] = {"sll2", layer_sll2, PACKET_AT_MAC, PLAIN},
    [LAYER_NULL] = {"null", layer_null, PACKET_AT_MAC, PLAIN},
    [LAYER_CHDLC] = {"chdlc", layer_chdlc, PACKET_AT_MAC, PLAIN},
    [LAYER_PPP] = {"ppp", layer_ppp, PACKET_POINTS, PLAIN},
    [LAYER_PPPOE] = {"pppoe", layer_pppoe, PACKET_POINTS, PLAIN},
    [LAYER_MPLS] = {"mpls", layer_mpls, PACKET_AT_MPLS, PLAIN},
    [LAYER_RAW] = {"raw", layer_raw, PACKET_POINTS, PLAIN},
    [LAYER_IPV4] = {"ipv4", layer_ipv4, PACKET_AT_L3, PLAIN},
    [LAYER_IPV6] = {"ipv6", layer_ipv6, PACKET_AT_L3, PLAIN},
    [LAYER_OPTIONS] = {"ipv6-options", layer_options, PACKET_POINTS, EXTENSION},
    [LAYER_ROUTING] = {"ipv6-routing", layer_routing, PACKET_POINTS, EXTENSION},
    [LAYER_FRAGMENT] = {"ipv6-fragment", layer_fragment, PACKET_POINTS, EXTENSION},
    [LAYER_AH] = {"ah", layer_ah, PACKET_POINTS, EXTENSION},
    [LAYER_TCP] = {"tcp", layer_tcp, PACKET_AT_L4, PLAIN},
    [LAYER_UDP] = {"udp", layer_udp, PACKET_AT_L4, PLAIN},
    [LAYER_PORTS] = {"ports", layer_ports, PACKET_AT_L4, PLAIN},
    [LAYER_ICMP] = {"icmp", layer_icmp, PACKET_AT_L4, PLAIN},
    /* from here on rows that go down a level, see packet_tunnel.c */
    [LAYER_IP_IN_IP] = {"ip-in-ip", layer_ip_in_ip, PACKET_AT_L4, TUNNEL},
    [LAYER_ETHERNET_IN_IP] = {"ethernet-in-ip", layer_ethernet_in_ip, PACKET_AT_L4, TUNNEL},
    [LAYER_ETHERIP] = {"etherip", layer_etherip, PACKET_AT_L4, TUNNEL},
    [LAYER_MPLS_IN_IP] = {"mpls-in-ip", layer_mpls_in_ip, PACKET_AT_L4, TUNNEL},
    [LAYER_GRE] = {"gre", layer_gre, PACKET_AT_L4, TUNNEL},
    [LAYER_VXLAN] = {"vxlan", layer_vxlan, PACKET_POINTS, TUNNEL},
    [LAYER_GENEVE] = {"geneve", layer_geneve, PACKET_POINTS, TUNNEL},
    [LAYER_GTPU] = {"gtp-u", layer_gtpu, PACKET_POINTS, TUNNEL},
    [LAYER_L2TP] = {"l2tp", layer_l2tp, PACKET_POINTS, TUNNEL},
};

struct code {
	uint16_t code;
	uint8_t layer;
};

/* Link types of libpcap. 802.11 and its radio headers are not there yet. */
static const struct code links[] = {
    {DLT_EN10MB, LAYER_ETHERNET}, {DLT_RAW, LAYER_RAW},	       {LINKTYPE_RAW, LAYER_RAW},
    {DLT_IPV4, LAYER_RAW},	  {DLT_IPV6, LAYER_RAW},       {DLT_LINUX_SLL, LAYER_SLL},
    {DLT_LINUX_SLL2, LAYER_SLL2}, {DLT_NULL, LAYER_NULL},      {DLT_LOOP, LAYER_NULL},
    {DLT_PPP, LAYER_PPP},	  {DLT_PPP_SERIAL, LAYER_PPP}, {DLT_C_HDLC, LAYER_CHDLC},
    {DLT_PPP_ETHER, LAYER_PPPOE}, {DLT_MPLS, LAYER_MPLS},
};

/* The most frequent ones first. 0x9100 and 0x9200 are what QinQ was before 802.1ad. */
static const struct code etypes[] = {
    {0x0800, LAYER_IPV4}, {0x86dd, LAYER_IPV6}, {0x8100, LAYER_VLAN},	  {0x88a8, LAYER_VLAN},
    {0x8847, LAYER_MPLS}, {0x8848, LAYER_MPLS}, {0x8864, LAYER_PPPOE},	  {0x9100, LAYER_VLAN},
    {0x9200, LAYER_VLAN}, {0x880b, LAYER_PPP},	{0x6558, LAYER_ETHERNET},
};

/* RFC 2153's registry: IPv4, IPv6, MPLS unicast and multicast. */
static const struct code ppp_protocols[] = {
    {0x0021, LAYER_IPV4}, {0x0057, LAYER_IPV6}, {0x0281, LAYER_MPLS}, {0x0283, LAYER_MPLS}};

/* By IP protocol. 135, 139 and 140 (mobility, HIP, shim6) have the shape of options. */
static const uint8_t protocols[256] = {
    [0] = LAYER_OPTIONS,   [1] = LAYER_ICMP,	  [4] = LAYER_IP_IN_IP,
    [6] = LAYER_TCP,	   [17] = LAYER_UDP,	  [33] = LAYER_PORTS,
    [41] = LAYER_IP_IN_IP, [43] = LAYER_ROUTING,  [44] = LAYER_FRAGMENT,
    [47] = LAYER_GRE,	   [51] = LAYER_AH,	  [58] = LAYER_ICMP,
    [60] = LAYER_OPTIONS,  [97] = LAYER_ETHERIP,  [132] = LAYER_PORTS,
    [135] = LAYER_OPTIONS, [136] = LAYER_PORTS,	  [137] = LAYER_MPLS_IN_IP,
    [139] = LAYER_OPTIONS, [140] = LAYER_OPTIONS, [143] = LAYER_ETHERNET_IN_IP,
};

/* By destination port of UDP. */
static const struct code udp_ports[] = {
    {4789, LAYER_VXLAN}, {6081, LAYER_GENEVE}, {2152, LAYER_GTPU}, {1701, LAYER_L2TP}};

static const char *const result_names[PACKET_RESULTS] = {
    [PACKET_OK] = "ok",
    [PACKET_NO_LINK] = "unknown link type",
    [PACKET_TRUNCATED] = "truncated",
    [PACKET_MALFORMED] = "malformed",
    [PACKET_TOO_DEEP] = "too many layers",
};

/* The tables are short and hits are early: a search from the front beats anything clever. */
static enum layer
code_find(const struct code *c, size_t n, uint16_t code)
{
	for (size_t i = 0; i < n; i++)
		if (c[i].code == code)
			return c[i].layer;
	return LAYER_END;
}

/* Outside of tunnels the last EtherType is the flow's; inside it describes nothing we keep. */
enum layer
layer_by_etype(struct walk *k, uint16_t etype)
{
	if (layer_outermost(k))
		k->etype = etype;
	return code_find(etypes, ARRAY_SIZE(etypes), etype);
}

/* Control protocols (LCP and such) are no rows: the walk ends there. */
enum layer
layer_by_ppp(uint16_t protocol)
{
	return code_find(ppp_protocols, ARRAY_SIZE(ppp_protocols), protocol);
}

/* Extension headers are such only behind IPv6: in IPv4 their numbers are unknown protocols. */
enum layer
layer_by_proto(struct walk *k, uint8_t proto)
{
	enum layer next = protocols[proto];
	k->level->proto = proto;
	if (layer_outermost(k))
		k->p->next = proto;
	return layers[next].kind == EXTENSION && !k->ipv6 ? LAYER_END : next;
}

/* Only the destination port: replies of tunnels come from any port, too. */
enum layer
layer_by_port(uint16_t port)
{
	return code_find(udp_ports, ARRAY_SIZE(udp_ports), port);
}

/* The first of its kind counts, which is the outermost. */
static void
point_note(struct walk *k, unsigned point)
{
	/* custom primitives are found from here; 16 bits are enough for any frame we see */
	size_t at = (size_t)(k->w.pos - k->begin);
	if (point < PACKET_POINTS && k->p->point[point] == PACKET_NOWHERE && at < PACKET_NOWHERE)
		k->p->point[point] = (uint16_t)at;
}

/* True when some plugin reads what the header inside a tunnel says: these members stand side by side. */
static bool
tunnels_wanted(const struct flow_needs *needs)
{
	size_t from = offsetof(struct flow, tunnel_src_host);
	return flow_needed(needs, from, offsetof(struct flow, nvgre) + sizeof(uint32_t) - from);
}

/* Ends at LAYER_END, at a fault, or at a tunnel that nobody wants to look into; p->layer is where. */
static void
walk_layers(struct walk *k, enum layer next, const struct flow_needs *needs)
{
	for (unsigned depth = 0; next != LAYER_END; depth++) {
		const struct layer_row *row = &layers[next];
		/* most installations never look inside: they pay for one comparison */
		if (row->kind == TUNNEL && !tunnels_wanted(needs))
			return;
		/* frames of nothing but tags or options are made by nobody honest */
		if (depth == PACKET_LAYERS_MAX) {
			k->p->result = PACKET_TOO_DEEP;
			return;
		}
		k->p->layer = next;
		point_note(k, row->point);
		next = row->decode(k);
		if (k->w.failed) {
			k->p->result = PACKET_TRUNCATED;
			/* the number of an extension header is no protocol; the record's is, if it has one */
			if (row->kind == EXTENSION && layer_outermost(k) && k->f->proto)
				k->level->proto = k->f->proto;
			return;
		}
		/* the payload begins where the transport header has ended */
		if (row->point == PACKET_AT_L4 && k->p->result == PACKET_OK)
			point_note(k, PACKET_AT_PAYLOAD);
	}
}

/* What the flow says already stays where the headers say nothing: a frame that is cut must not put zeros in
 * the place of a record's own ports. From a source that only captures the flow is empty, and this is one load
 * a member. */
static void
load_main(struct level *l, struct flow *f)
{
	l->src = &f->src_host;
	l->dst = &f->dst_host;
	l->src_port = f->src_port;
	l->dst_port = f->dst_port;
	l->proto = f->proto;
	l->tos = f->tos;
	l->tcp_flags = (uint8_t)f->tcp_flags;
	l->flow_label = f->flow_label;
	memcpy(l->src_mac, f->src_mac, sizeof(l->src_mac));
	memcpy(l->dst_mac, f->dst_mac, sizeof(l->dst_mac));
}

/* Members behind the hot part are written whether they are wanted or not: asking costs more than writing. */
static void
store_main(const struct walk *k)
{
	struct flow *f = k->f;
	const struct level *l = &k->levels[0];
	f->src_port = l->src_port;
	f->dst_port = l->dst_port;
	f->proto = l->proto;
	f->tos = l->tos;
	f->tcp_flags = l->tcp_flags;
	/* added: the record may have traits of its own */
	f->features |= k->features;
	f->flow_label = l->flow_label;
	if (k->etype)
		f->etype = k->etype;
	memcpy(f->src_mac, l->src_mac, sizeof(f->src_mac));
	memcpy(f->dst_mac, l->dst_mac, sizeof(f->dst_mac));
}

/* Inner addresses have been written in place; the rest is copied here. */
static void
store_tunnel(const struct walk *k)
{
	struct flow *f = k->f;
	const struct level *l = &k->levels[1];
	f->tunnel_src_port = l->src_port;
	f->tunnel_dst_port = l->dst_port;
	f->tunnel_proto = l->proto;
	f->tunnel_tos = l->tos;
	f->tunnel_tcp_flags = l->tcp_flags;
	f->tunnel_flow_label = l->flow_label;
	memcpy(f->tunnel_src_mac, l->src_mac, sizeof(f->tunnel_src_mac));
	memcpy(f->tunnel_dst_mac, l->dst_mac, sizeof(f->tunnel_dst_mac));
}

/* to assign from, which is faster than clearing in parts */
static const struct packet no_packet = {.point = {PACKET_NOWHERE, PACKET_NOWHERE, PACKET_NOWHERE,
						  PACKET_NOWHERE, PACKET_NOWHERE, PACKET_NOWHERE}};

/* From the layer `first` on. A struct walk is made member by member: clearing all levels would be paid for
 * every packet, and the inner one is filled in when it is entered. */
static bool
walk_from(struct packet *p, struct flow *f, const struct flow_needs *needs, enum layer first, bool ipv6,
	  const uint8_t *data, size_t caplen, size_t wirelen)
{
	struct walk k;

	k.w = wire_over(data, caplen);
	k.level = k.levels;
	k.f = f;
	k.p = p;
	k.begin = data;
	k.wirelen = wirelen;
	k.features = FLOW_HAS_FRAME;
	k.etype = 0;
	k.vlans = 0;
	k.ipv6 = ipv6;
	load_main(k.levels, f);
	walk_layers(&k, first, needs);
	store_main(&k);
	/* no tunnel was entered: its members keep what they had */
	if (!layer_outermost(&k))
		store_tunnel(&k);
	return p->result == PACKET_OK || k.features & (FLOW_HAS_V4 | FLOW_HAS_V6);
}

/* What a header says takes the place of what the flow said. data stays the caller's; f->frame and the label
 * stack refer to it and to f. */
bool
packet_walk(struct packet *p, struct flow *f, const struct flow_needs *needs, int linktype,
	    const uint8_t *data, size_t caplen, size_t wirelen)
{
	enum layer first = linktype < 0 || linktype > UINT16_MAX
			       ? LAYER_END
			       : code_find(links, ARRAY_SIZE(links), (uint16_t)linktype);
	*p = no_packet;
	if (first == LAYER_END) {
		/* nothing was read: the flow is as it was */
		p->result = PACKET_NO_LINK;
		return false;
	}
	bool usable = walk_from(p, f, needs, first, false, data, caplen, wirelen);
	if (FLOW_NEEDED(needs, frame))
		f->frame = (struct flow_bytes){data, (uint32_t)caplen};
	return usable;
}

/* The transport header is the first one, or extension headers of IPv6 are: both are layers like any other. */
bool
packet_walk_payload(struct packet *p, struct flow *f, const struct flow_needs *needs, uint8_t proto,
		    const uint8_t *data, size_t caplen)
{
	bool ipv6 = f->features & FLOW_HAS_V6;
	enum layer first = protocols[proto];

	*p = no_packet;
	if (layers[first].kind == EXTENSION && !ipv6)
		first = LAYER_END;
	return walk_from(p, f, needs, first, ipv6, data, caplen, caplen) && p->layer != LAYER_END;
}

/* For callers who do not need the places of layers. */
bool
packet_decode(struct flow *f, const struct flow_needs *needs, int linktype, const uint8_t *data,
	      size_t caplen, size_t wirelen)
{
	struct packet p;
	return packet_walk(&p, f, needs, linktype, data, caplen, wirelen);
}

const char *
packet_layer_name(unsigned layer)
{
	return layer < LAYERS ? layers[layer].name : "?";
}

unsigned
packet_layer_count(void)
{
	return LAYERS;
}

const char *
packet_result_name(unsigned result)
{
	return result < PACKET_RESULTS ? result_names[result] : "?";
}
