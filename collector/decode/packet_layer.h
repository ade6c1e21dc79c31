/* Between the walker (packet.c) and the layers (packet_link.c, packet_ip.c, packet_tunnel.c). Nobody else
 * includes this. */
#ifndef FLOWRIB_DECODE_PACKET_LAYER_H
#define FLOWRIB_DECODE_PACKET_LAYER_H

#include "collector/base/wire.h"
#include "collector/decode/packet.h"

/* Rows of the table of layers, in packet.c. */
enum layer {
	LAYER_END, /* no layer: the walk ends */
	LAYER_ETHERNET,
	LAYER_VLAN,
	LAYER_LLC,
	LAYER_SLL,
	LAYER_SLL2,
	LAYER_NULL,
	LAYER_CHDLC,
	LAYER_PPP,
	LAYER_PPPOE,
	LAYER_MPLS,
	LAYER_RAW,
	LAYER_IPV4,
	LAYER_IPV6,
	LAYER_OPTIONS,
	LAYER_ROUTING,
	LAYER_FRAGMENT,
	LAYER_AH,
	LAYER_TCP,
	LAYER_UDP,
	LAYER_PORTS,
	LAYER_ICMP,
	LAYER_IP_IN_IP,
	LAYER_ETHERNET_IN_IP,
	LAYER_ETHERIP,
	LAYER_MPLS_IN_IP,
	LAYER_GRE,
	LAYER_VXLAN,
	LAYER_GENEVE,
	LAYER_GTPU,
	LAYER_L2TP,
	LAYERS,
};

/* Main header and the one inside a tunnel. */
#define LEVELS 2

struct level {
	struct addr *src, *dst; /* in the flow: 16 bytes written in parts are slow to copy */
	uint32_t flow_label;
	uint16_t src_port, dst_port;
	uint8_t proto;
	uint8_t tos;
	uint8_t tcp_flags;
	uint8_t src_mac[6], dst_mac[6];
};

struct walk {
	struct wire w;
	struct level *level; /* the one being filled in: of levels */
	struct flow *f;
	struct packet *p;
	const uint8_t *begin;
	size_t wirelen;
	uint16_t features;
	uint16_t etype; /* the last EtherType seen outside tunnels */
	uint8_t vlans;
	bool ipv6;		     /* of the last IP header */
	struct level levels[LEVELS]; /* last: see packet_walk */
};

/* Reads one header from k->w and returns the layer that follows. Bytes missing show in k->w.failed; other
 * faults go through layer_malformed(). */
/* called only by the walker, which checks k->w.failed once after each */
typedef enum layer layer_decode(struct walk *k);

static inline enum layer
layer_malformed(struct walk *k)
{
	k->p->result = PACKET_MALFORMED;
	return LAYER_END;
}

static inline bool
layer_outermost(const struct walk *k)
{
	return k->level == k->levels;
}

/* The layer that an EtherType, a PPP protocol or an IP protocol number stands for; LAYER_END when no row
 * knows it. packet.c. */
enum layer layer_by_etype(struct walk *k, uint16_t etype);
enum layer layer_by_ppp(uint16_t protocol);
enum layer layer_by_proto(struct walk *k, uint8_t proto);
/* The tunnel that a UDP port stands for. */
enum layer layer_by_port(uint16_t port);

/* packet_link.c */
layer_decode layer_ethernet, layer_vlan, layer_llc, layer_sll, layer_sll2, layer_null, layer_chdlc, layer_ppp,
    layer_pppoe, layer_mpls;

/* packet_tunnel.c */
layer_decode layer_ip_in_ip, layer_ethernet_in_ip, layer_etherip, layer_mpls_in_ip, layer_gre, layer_vxlan,
    layer_geneve, layer_gtpu, layer_l2tp;

/* packet_ip.c */
layer_decode layer_raw, layer_ipv4, layer_ipv6, layer_options, layer_routing, layer_fragment, layer_ah,
    layer_tcp, layer_udp, layer_ports, layer_icmp;

#endif
