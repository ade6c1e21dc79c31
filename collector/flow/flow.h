/* One flow, as every source fills it and everything downstream of decoding reads it.
 *
 * The order of the members matters. Packed keys are cut from this struct by copies of adjacent bytes, so what
 * operators usually aggregate by stands together and in front: the 5-tuple is one copy of 37 bytes. Members
 * up to `hot_end` are cleared for every record; those behind it only when some plugin asked for one (struct
 * flow_needs). A decoder writes a member only when it is needed or stands in the hot part.
 *
 * All integers are in host byte order; addresses are struct addr. Times are microseconds since the epoch, 0
 * meaning unknown. Absent values are zero. The bytes behind a struct flow_bytes belong to the source and stay
 * valid until the batch that holds the flow has been handed on. */
#ifndef FLOWRIB_FLOW_FLOW_H
#define FLOWRIB_FLOW_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/addr.h"
#include "collector/base/routetext.h" /* RD_TYPE_VRFID */

/* A value of variable length: text, a list of AS numbers, labels. */
struct flow_bytes {
	const uint8_t *p;
	uint32_t len;
};

/* Events (NAT, firewall) and option records carry no counters, and the outputs leave them out. */
enum flow_kind { FLOW_KIND_FLOW, FLOW_KIND_EVENT, FLOW_KIND_OPTION };

/* Where mpls_vpn_rd came from; printed by name in JSON. */
enum rd_origin { RD_ORIGIN_UNKNOWN, RD_ORIGIN_BGP, RD_ORIGIN_BMP, RD_ORIGIN_FLOW, RD_ORIGIN_MAP };

/* What the record was, for filters and the rule language: bits of flow.features. */
enum flow_feature {
	FLOW_HAS_V4 = 1 << 0,
	FLOW_HAS_V6 = 1 << 1,
	FLOW_HAS_VLAN = 1 << 2,
	FLOW_HAS_MPLS = 1 << 3,
	FLOW_HAS_FRAME = 1 << 4,    /* decoded from a carried packet */
	FLOW_IS_NAT_EVENT = 1 << 5, /* natEvent (230) present */
	FLOW_IS_FW_EVENT = 1 << 6,  /* firewallEvent (233) present */
	FLOW_IS_BIFLOW =
	    1 << 7, /* initiator and responder counters (231, 232), or RFC 5103 reverse elements */
	FLOW_IS_REVERSE = 1 << 8, /* this is the reverse record of a biflow */
	FLOW_RATE_KNOWN = 1 << 9, /* sampling_rate was learned, not assumed */
};

#define FLOW_MPLS_MAX	    10	/* labels in a stack (IE 70 to 79) */
#define FLOW_CUSTOM_BYTES   256 /* fixed-width custom primitives of all plugins together */
#define FLOW_CUSTOM_VAR_MAX 16	/* custom primitives of variable length */

struct flow {
	/* --- keys most often asked for --- */
	struct addr src_host;
	struct addr dst_host;
	uint16_t src_port;
	uint16_t dst_port;
	uint8_t proto;
	uint8_t kind; /* enum flow_kind */
	uint8_t tos;
	uint8_t cos;
	uint32_t in_iface;
	uint32_t out_iface;
	uint32_t src_as;
	uint32_t dst_as;
	uint32_t peer_src_as;
	uint32_t peer_dst_as;
	uint8_t src_mask;
	uint8_t dst_mask;
	uint16_t vlan;
	uint16_t features;	    /* bits of enum flow_feature */
	uint8_t sampling_direction; /* 'i', 'e', 'u', 0 */
	uint8_t export_proto_version;
	struct addr peer_src_ip; /* the exporter */
	struct addr peer_dst_ip; /* BGP next hop */

	/* --- counters, each with a merge rule (see primitive.h) --- */
	uint64_t packets;
	uint64_t bytes;
	uint64_t flows;
	uint64_t tcp_flags;

	/* --- times and the datagram's header --- */
	uint64_t timestamp_start;
	uint64_t timestamp_end;
	uint64_t timestamp_arrival;
	uint64_t timestamp_export;
	uint32_t export_proto_seqno;
	uint32_t export_proto_sysid;
	uint32_t sampling_rate; /* 0 unknown, 1 after renormalisation */
	uint8_t engine_type;	/* NetFlow v5 */
	uint8_t engine_id;
	uint16_t flowset_id;
	char hot_end[0];

	/* --- cleared and written on demand, up to the last member that is needed --- */
	struct addr src_net; /* derived: src_host masked by the length chosen */
	struct addr dst_net;
	uint64_t tag;
	uint64_t tag2;

	/* from routing, and the route distinguisher that selects the table; the binary form of the lists
	 * stands in value.h */
	uint64_t mpls_vpn_rd;
	uint8_t mpls_vpn_rd_origin; /* enum rd_origin */
	uint8_t src_roa;
	uint8_t dst_roa;
	uint32_t local_pref;
	uint32_t med;
	struct flow_bytes as_path, std_comm, ext_comm, lrg_comm;
	uint32_t src_local_pref;
	uint32_t src_med;
	struct flow_bytes src_as_path, src_std_comm, src_ext_comm, src_lrg_comm;

	struct flow_bytes label;

	uint8_t src_mac[6];
	uint8_t dst_mac[6];
	uint16_t in_vlan;
	uint16_t out_vlan;
	uint16_t in_cvlan;
	uint16_t out_cvlan;
	uint16_t etype;
	uint8_t fwd_status;
	uint8_t nat_event;
	uint8_t fw_event;
	uint8_t mpls_labels; /* used entries of mpls_label */
	uint32_t flow_label;

	struct addr ip_next_hop; /* IE 15, 62 */
	uint32_t ingress_vrf_id;
	uint32_t egress_vrf_id;
	uint32_t mpls_label[FLOW_MPLS_MAX]; /* 20-bit labels, outermost first */
	uint32_t mpls_label_top;
	uint32_t mpls_label_bottom;
	uint32_t mpls_pw_id;
	struct flow_bytes mpls_label_stack; /* the labels above as uint32_t, host byte order */
	struct flow_bytes srv6_seg_ipv6_list;
	struct flow_bytes vrf_name;
	struct flow_bytes ingress_vrf_name;
	struct flow_bytes egress_vrf_name;
	struct flow_bytes in_iface_name;
	struct flow_bytes out_iface_name;

	struct addr post_nat_src_host;
	struct addr post_nat_dst_host;
	uint16_t post_nat_src_port;
	uint16_t post_nat_dst_port;

	struct addr tunnel_src_host;
	struct addr tunnel_dst_host;
	uint8_t tunnel_src_mac[6];
	uint8_t tunnel_dst_mac[6];
	uint16_t tunnel_src_port;
	uint16_t tunnel_dst_port;
	uint8_t tunnel_proto;
	uint8_t tunnel_tos;
	uint8_t tunnel_tcp_flags;
	uint32_t tunnel_flow_label;
	uint32_t vxlan;
	uint32_t nvgre;

	/* --- from classification and geolocation --- */
	struct flow_bytes class_name;
	uint64_t application_id; /* IE 95: engine in the top byte, selector below */
	char src_country[2], dst_country[2];
	char src_pocode[12], dst_pocode[12];
	double src_lat, src_lon, dst_lat, dst_lon;

	uint32_t path_delay_avg_usec;
	uint32_t path_delay_min_usec;
	uint32_t path_delay_max_usec;

	/* --- the packet the record carries (IE 315, 104, sFlow header), for custom primitives and
	 * classification --- */
	struct flow_bytes frame;

	/* --- custom primitives; places are given out by primitive_add_custom() --- */
	uint8_t custom[FLOW_CUSTOM_BYTES];
	struct flow_bytes custom_var[FLOW_CUSTOM_VAR_MAX];
};

#define FLOW_HOT_BYTES offsetof(struct flow, hot_end)

/* Which bytes of struct flow anybody will read. Filled from the plugins' aggregates before sources start;
 * decoders leave out what is not marked, and clear only up to extent. */
struct flow_needs {
	uint8_t byte[sizeof(struct flow)];
	size_t extent; /* at least FLOW_HOT_BYTES */
};

/* Marks n bytes at offset as read by somebody. */
void flow_need(struct flow_needs *needs, size_t offset, size_t n);
#define FLOW_NEED(needs, member)                                                                             \
	flow_need(needs, offsetof(struct flow, member), sizeof(((struct flow *)0)->member))

static inline bool
flow_needed(const struct flow_needs *needs, size_t offset, size_t n)
{
	return memchr(needs->byte + offset, 1, n) != NULL;
}
#define FLOW_NEEDED(needs, member)                                                                           \
	flow_needed(needs, offsetof(struct flow, member), sizeof(((struct flow *)0)->member))

/* A batch of flows under construction. Flows stand FLOW_STRIDE apart: an odd number of cache lines, so that
 * the hot parts of consecutive flows do not fall into the same few cache sets. */
#define FLOW_BATCH_MAX 64
#define FLOW_STRIDE    ((sizeof(struct flow) + 63) / 64 * 64 + ((sizeof(struct flow) + 63) / 64 % 2 ? 0 : 64))

struct flow_batch {
	uint8_t *mem; /* FLOW_BATCH_MAX * FLOW_STRIDE bytes, 64-byte aligned */
	unsigned n;
	size_t extent; /* how much of a flow is cleared before use: flow_needs.extent */
};

/* Allocates the memory; false when there is none. */
bool flow_batch_init(struct flow_batch *b, const struct flow_needs *needs);
void flow_batch_free(struct flow_batch *b);

static inline struct flow *
flow_at(const struct flow_batch *b, unsigned i)
{
	return (struct flow *)(void *)(b->mem + (size_t)i * FLOW_STRIDE);
}

/* The next flow of the batch, cleared; the caller knows that n < FLOW_BATCH_MAX and increments n to keep it.
 */
static inline struct flow *
flow_batch_next(struct flow_batch *b)
{
	struct flow *f = flow_at(b, b->n);
	memset(f, 0, b->extent);
	return f;
}

/* Who takes finished flows: called with 1 to FLOW_BATCH_MAX flows, which it may change in place. Afterwards
 * the source reuses them. */
typedef void flow_sink(void *ctx, struct flow_batch *batch);

#endif
