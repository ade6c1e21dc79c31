/* The rows. Names, types and numbers are those of IANA's "IP Flow Information Export (IPFIX) Entities" and,
 * for 40001 and above, of Cisco's firewalls (NetFlow v9 has no enterprise bit, so they are plain numbers
 * there).
 *
 * Rows are sorted by enterprise and id; a test checks that. A row that only matters together with others goes
 * to the scratch record and names the step that brings them together.
 *
 * Ranks order the sources of one value: counters of the flow itself (delta) before totals, before counters
 * after the router (post), before those of layer 2, before those of a firewall's initiator; times from the
 * finest unit to the coarsest; addresses before prefixes. Macros only shorten rows: a row is to be read like
 * a line of a table. */
#include "collector/decode/element.h"

#include "collector/decode/record.h"
#include "collector/decode/setters.h"
#include "collector/flow/flow.h"

/* destination in the flow: offset and width */
#define F(member) .dst = offsetof(struct flow, member), .width = sizeof(((struct flow *)0)->member)
/* destination in the scratch record: worth something only to a finishing step */
#define S(member)                                                                                            \
	.base = BASE_SCRATCH, .dst = offsetof(struct scratch, member),                                       \
	.width = sizeof(((struct scratch *)0)->member)
/* where the value goes when it belongs to the outer of two headers */
#define TUNNEL(member) .tunnel = offsetof(struct flow, member)
#define UINT	       .type = ELEMENT_UINT
/* a zero address is an absent one: another source may fill it in */
#define ADDR4		   .type = ELEMENT_ADDR4, .alt = ALT_EMPTY
#define ADDR6		   .type = ELEMENT_ADDR6, .alt = ALT_EMPTY
#define MAC		   .type = ELEMENT_MAC
#define CALL(fn, min, max) .type = ELEMENT_CALL, .set = (fn), .len_min = (min), .len_max = (max)
#define RANK(n)		   .rank = (n)
/* not the preferred source, but better than nothing */
#define OR_EMPTY(n) .rank = (n), .alt = ALT_EMPTY
/* rates are looked up after all fields are read, since a selector may come last */
#define RATE .wants = WANT_RATE, .finish = FINISH_BIT(FINISH_RATE)
/* start and end depend on each other (times.c), so both are read when either is wanted */
#define START(fn, n)	 F(timestamp_start), CALL(fn, 1, 16), OR_EMPTY(n), .wants = WANT_TIMES
#define END(fn, n)	 F(timestamp_end), CALL(fn, 1, 16), OR_EMPTY(n), .wants = WANT_TIMES
#define SPAN(member, fn) S(member), CALL(fn, 1, 8), .wants = WANT_TIMES, .finish = FINISH_BIT(FINISH_TIMES)
/* which side's VLAN counts depends on the direction; finish_vlan() decides */
#define VLAN(member) S(member), UINT, .wants = WANT_VLAN, .finish = FINISH_BIT(FINISH_VLAN)
/* label stack entries come as 3 bytes, from some exporters as 4 with the TTL */
#define LABEL(n)                                                                                             \
	.base = BASE_SCRATCH, .dst = offsetof(struct scratch, mpls) + 4 * (n), .width = 4,                   \
	CALL(set_mpls, 3, 4), .wants = WANT_MPLS, .finish = FINISH_BIT(FINISH_MPLS)
/* a carried packet and what describes it */
#define FRAME(member) S(member), .wants = WANT_FRAME, .finish = FINISH_BIT(FINISH_FRAME)

static const struct element rows[] = {
    {0, 1, .name = "octetDeltaCount", F(bytes), UINT},
    {0, 2, .name = "packetDeltaCount", F(packets), UINT},
    {0, 3, .name = "deltaFlowCount", F(flows), UINT},
    {0, 4, .name = "protocolIdentifier", F(proto), UINT, TUNNEL(tunnel_proto)},
    {0, 5, .name = "ipClassOfService", F(tos), UINT, TUNNEL(tunnel_tos)},
    {0, 6, .name = "tcpControlBits", F(tcp_flags), CALL(set_tcp_flags, 1, 2), TUNNEL(tunnel_tcp_flags)},
    {0, 7, .name = "sourceTransportPort", F(src_port), UINT, TUNNEL(tunnel_src_port)},
    {0, 8, .name = "sourceIPv4Address", F(src_host), ADDR4, TUNNEL(tunnel_src_host)},
    {0, 9, .name = "sourceIPv4PrefixLength", F(src_mask), UINT, .alt = ALT_EMPTY},
    /* 252 and 253, physical interfaces, stand in where 10 and 14 are zero */
    {0, 10, .name = "ingressInterface", F(in_iface), UINT},
    {0, 11, .name = "destinationTransportPort", F(dst_port), UINT, TUNNEL(tunnel_dst_port)},
    {0, 12, .name = "destinationIPv4Address", F(dst_host), ADDR4, TUNNEL(tunnel_dst_host)},
    {0, 13, .name = "destinationIPv4PrefixLength", F(dst_mask), UINT, .alt = ALT_EMPTY},
    {0, 14, .name = "egressInterface", F(out_iface), UINT},
    {0, 15, .name = "ipNextHopIPv4Address", F(ip_next_hop), ADDR4},
    {0, 16, .name = "bgpSourceAsNumber", F(src_as), UINT},
    {0, 17, .name = "bgpDestinationAsNumber", F(dst_as), UINT},
    {0, 18, .name = "bgpNextHopIPv4Address", F(peer_dst_ip), ADDR4},
    {0, 21, .name = "flowEndSysUpTime", END(set_time_uptime_end, 5)},
    {0, 22, .name = "flowStartSysUpTime", START(set_time_uptime_start, 5)},
    /* what left the router, for those who count nothing else */
    {0, 23, .name = "postOctetDeltaCount", F(bytes), UINT, RANK(2)},
    {0, 24, .name = "postPacketDeltaCount", F(packets), UINT, RANK(2)},
    {0, 27, .name = "sourceIPv6Address", F(src_host), ADDR6, RANK(1), TUNNEL(tunnel_src_host)},
    {0, 28, .name = "destinationIPv6Address", F(dst_host), ADDR6, RANK(1), TUNNEL(tunnel_dst_host)},
    {0, 29, .name = "sourceIPv6PrefixLength", F(src_mask), UINT, OR_EMPTY(1)},
    {0, 30, .name = "destinationIPv6PrefixLength", F(dst_mask), UINT, OR_EMPTY(1)},
    {0, 31, .name = "flowLabelIPv6", F(flow_label), UINT, TUNNEL(tunnel_flow_label)},
    /* deprecated by IANA, still what most routers send */
    {0, 34, .name = "samplingInterval", S(interval), UINT, RATE, OR_EMPTY(1)},
    /* the network instead of the address: better than none */
    {0, 44, .name = "sourceIPv4Prefix", F(src_host), ADDR4, RANK(2)},
    {0, 45, .name = "destinationIPv4Prefix", F(dst_host), ADDR4, RANK(2)},
    {0, 47, .name = "mplsTopLabelIPv4Address", F(peer_dst_ip), ADDR4, RANK(2)},
    {0, 48, .name = "samplerId", S(selector), CALL(set_selector, 1, 8), RATE, RANK(1)},
    {0, 50, .name = "samplerRandomInterval", S(interval), UINT, RATE, .alt = ALT_EMPTY},
    {0, 56, .name = "sourceMacAddress", F(src_mac), MAC, .alt = ALT_EMPTY},
    {0, 57, .name = "postDestinationMacAddress", F(dst_mac), MAC, OR_EMPTY(1)},
    {0, 58, .name = "vlanId", VLAN(vlan_in)},
    {0, 59, .name = "postVlanId", VLAN(vlan_out)},
    {0, 61, .name = "flowDirection", S(direction), CALL(set_direction, 1, 4),
     .wants = WANT_VLAN | WANT_DIRECTION, .finish = FINISH_BIT(FINISH_VLAN)},
    {0, 62, .name = "ipNextHopIPv6Address", F(ip_next_hop), ADDR6, RANK(1)},
    {0, 63, .name = "bgpNextHopIPv6Address", F(peer_dst_ip), ADDR6, RANK(1)},
    {0, 70, .name = "mplsTopLabelStackSection", LABEL(0)},
    {0, 71, .name = "mplsLabelStackSection2", LABEL(1)},
    {0, 72, .name = "mplsLabelStackSection3", LABEL(2)},
    {0, 73, .name = "mplsLabelStackSection4", LABEL(3)},
    {0, 74, .name = "mplsLabelStackSection5", LABEL(4)},
    {0, 75, .name = "mplsLabelStackSection6", LABEL(5)},
    {0, 76, .name = "mplsLabelStackSection7", LABEL(6)},
    {0, 77, .name = "mplsLabelStackSection8", LABEL(7)},
    {0, 78, .name = "mplsLabelStackSection9", LABEL(8)},
    {0, 79, .name = "mplsLabelStackSection10", LABEL(9)},
    {0, 80, .name = "destinationMacAddress", F(dst_mac), MAC, .alt = ALT_EMPTY},
    {0, 81, .name = "postSourceMacAddress", F(src_mac), MAC, OR_EMPTY(1)},
    {0, 82, .name = "interfaceName", F(in_iface_name), .type = ELEMENT_TEXT},
    {0, 85, .name = "octetTotalCount", F(bytes), UINT, RANK(1)},
    {0, 86, .name = "packetTotalCount", F(packets), UINT, RANK(1)},
    {0, 89, .name = "forwardingStatus", F(fwd_status), CALL(set_fwd_status, 1, 4)},
    {0, 90, .name = "mplsVpnRouteDistinguisher", F(mpls_vpn_rd), CALL(set_rd, 8, 8), .wants = WANT_RD,
     .finish = FINISH_BIT(FINISH_VRF)},
    {0, 95, .name = "applicationId", F(application_id), CALL(set_application, 1, VARIABLE_LENGTH),
     .wants = WANT_APPLICATION, .finish = FINISH_BIT(FINISH_APPLICATION)},
    {0, 104, .name = "layer2packetSectionData", FRAME(frame), CALL(set_frame, 1, VARIABLE_LENGTH), RANK(1)},
    {0, 128, .name = "bgpNextAdjacentAsNumber", F(peer_dst_as), UINT},
    {0, 129, .name = "bgpPrevAdjacentAsNumber", F(peer_src_as), UINT},
    {0, 130, .name = "exporterIPv4Address", F(peer_src_ip), ADDR4},
    {0, 131, .name = "exporterIPv6Address", F(peer_src_ip), ADDR6, RANK(1)},
    {0, 140, .name = "mplsTopLabelIPv6Address", F(peer_dst_ip), ADDR6, RANK(3)},
    /* absolute times; the finer unit has the lower rank */
    {0, 150, .name = "flowStartSeconds", START(set_time_s, 3)},
    {0, 151, .name = "flowEndSeconds", END(set_time_s, 3)},
    {0, 152, .name = "flowStartMilliseconds", START(set_time_ms, 2)},
    {0, 153, .name = "flowEndMilliseconds", END(set_time_ms, 2)},
    {0, 154, .name = "flowStartMicroseconds", START(set_time_ntp, 0)},
    {0, 155, .name = "flowEndMicroseconds", END(set_time_ntp, 0)},
    {0, 156, .name = "flowStartNanoseconds", START(set_time_ntp, 1)},
    {0, 157, .name = "flowEndNanoseconds", END(set_time_ntp, 1)},
    {0, 158, .name = "flowStartDeltaMicroseconds", START(set_time_delta, 4)},
    {0, 159, .name = "flowEndDeltaMicroseconds", END(set_time_delta, 4)},
    {0, 160, .name = "systemInitTimeMilliseconds", SPAN(init_us, set_time_ms)},
    {0, 161, .name = "flowDurationMilliseconds", SPAN(duration_us, set_time_ms)},
    {0, 162, .name = "flowDurationMicroseconds", SPAN(duration_us, set_time_us), OR_EMPTY(1)},
    {0, 169, .name = "destinationIPv6Prefix", F(dst_host), ADDR6, RANK(3)},
    {0, 170, .name = "sourceIPv6Prefix", F(src_host), ADDR6, RANK(3)},
    {0, 180, .name = "udpSourcePort", F(src_port), UINT, OR_EMPTY(1)},
    {0, 181, .name = "udpDestinationPort", F(dst_port), UINT, OR_EMPTY(1)},
    {0, 182, .name = "tcpSourcePort", F(src_port), UINT, OR_EMPTY(2)},
    {0, 183, .name = "tcpDestinationPort", F(dst_port), UINT, OR_EMPTY(2)},
    {0, 225, .name = "postNATSourceIPv4Address", F(post_nat_src_host), ADDR4},
    {0, 226, .name = "postNATDestinationIPv4Address", F(post_nat_dst_host), ADDR4},
    {0, 227, .name = "postNAPTSourceTransportPort", F(post_nat_src_port), UINT},
    {0, 228, .name = "postNAPTDestinationTransportPort", F(post_nat_dst_port), UINT},
    {0, 230, .name = "natEvent", F(nat_event), UINT},
    /* firewalls: 231 and 298 forward, 232 and 299 back (is_reverse in plan.c) */
    {0, 231, .name = "initiatorOctets", F(bytes), UINT, RANK(4)},
    {0, 232, .name = "responderOctets", F(bytes), UINT, RANK(4)},
    {0, 233, .name = "firewallEvent", F(fw_event), UINT},
    {0, 234, .name = "ingressVRFID", F(ingress_vrf_id), UINT, .wants = WANT_VRF | WANT_RD,
     .finish = FINISH_BIT(FINISH_VRF)},
    {0, 235, .name = "egressVRFID", F(egress_vrf_id), UINT, .wants = WANT_VRF | WANT_RD,
     .finish = FINISH_BIT(FINISH_VRF)},
    {0, 236, .name = "VRFname", F(vrf_name), .type = ELEMENT_TEXT},
    {0, 243, .name = "dot1qVlanId", VLAN(dot1q_in)},
    {0, 244, .name = "dot1qPriority", F(cos), UINT},
    {0, 245, .name = "dot1qCustomerVlanId", F(in_cvlan), UINT},
    {0, 249, .name = "pseudoWireId", F(mpls_pw_id), UINT},
    {0, 252, .name = "ingressPhysicalInterface", F(in_iface), UINT, OR_EMPTY(1)},
    {0, 253, .name = "egressPhysicalInterface", F(out_iface), UINT, OR_EMPTY(1)},
    {0, 254, .name = "postDot1qVlanId", VLAN(dot1q_out)},
    {0, 255, .name = "postDot1qCustomerVlanId", F(out_cvlan), UINT},
    {0, 256, .name = "ethernetType", F(etype), UINT},
    {0, 258, .name = "collectionTimeMilliseconds", SPAN(observed_us, set_time_ms), OR_EMPTY(4)},
    {0, 281, .name = "postNATSourceIPv6Address", F(post_nat_src_host), ADDR6, RANK(1)},
    {0, 282, .name = "postNATDestinationIPv6Address", F(post_nat_dst_host), ADDR6, RANK(1)},
    {0, 298, .name = "initiatorPackets", F(packets), UINT, RANK(4)},
    {0, 299, .name = "responderPackets", F(packets), UINT, RANK(4)},
    {0, 302, .name = "selectorId", S(selector), CALL(set_selector, 1, 8), RATE},
    /* RFC 5477; rate_from() says which pairs mean what */
    {0, 305, .name = "samplingPacketInterval", S(packet_interval), UINT, RATE},
    {0, 306, .name = "samplingPacketSpace", S(packet_space), UINT, RATE},
    {0, 307, .name = "samplingTimeInterval", S(time_interval), UINT, RATE},
    {0, 308, .name = "samplingTimeSpace", S(time_space), UINT, RATE},
    {0, 309, .name = "samplingSize", S(size), UINT, RATE},
    {0, 310, .name = "samplingPopulation", S(population), UINT, RATE},
    {0, 311, .name = "samplingProbability", S(probability), CALL(set_double, 4, 8), RATE},
    {0, 312, .name = "dataLinkFrameSize", FRAME(frame_size), UINT},
    {0, 313, .name = "ipHeaderPacketSection", FRAME(frame), CALL(set_frame_ip, 1, VARIABLE_LENGTH), RANK(2)},
    {0, 314, .name = "ipPayloadPacketSection", FRAME(payload), CALL(set_payload, 1, VARIABLE_LENGTH)},
    {0, 315, .name = "dataLinkFrameSection", FRAME(frame), CALL(set_frame, 1, VARIABLE_LENGTH)},
    /* 317, what follows the label stack, does not say what it is (RFC 4385): it is passed over */
    {0, 316, .name = "mplsLabelStackSection", FRAME(frame), CALL(set_frame_mpls, 1, VARIABLE_LENGTH),
     RANK(3)},
    {0, 322, .name = "observationTimeSeconds", SPAN(observed_us, set_time_s), OR_EMPTY(3)},
    {0, 323, .name = "observationTimeMilliseconds", SPAN(observed_us, set_time_ms), OR_EMPTY(2)},
    {0, 324, .name = "observationTimeMicroseconds", SPAN(observed_us, set_time_ntp), .alt = ALT_EMPTY},
    {0, 325, .name = "observationTimeNanoseconds", SPAN(observed_us, set_time_ntp), OR_EMPTY(1)},
    {0, 351, .name = "layer2SegmentId", F(vxlan), CALL(set_segment_id, 8, 8), .wants = WANT_TUNNEL_ID},
    {0, 352, .name = "layer2OctetDeltaCount", F(bytes), UINT, RANK(3)},
    {0, 365, .name = "staMacAddress", F(src_mac), MAC, OR_EMPTY(2)},
    {0, 408, .name = "dataLinkFrameType", FRAME(frame_type), UINT},
    {0, 409, .name = "sectionOffset", FRAME(section_offset), UINT},
    /* 16 bytes a segment, as they came */
    {0, 497, .name = "srhSegmentIPv6ListSection", F(srv6_seg_ipv6_list), .type = ELEMENT_BYTES},
    {0, 600, .name = "pathDelayMeanDeltaMicroseconds", F(path_delay_avg_usec), UINT},
    {0, 601, .name = "pathDelayMinDeltaMicroseconds", F(path_delay_min_usec), UINT},
    {0, 602, .name = "pathDelayMaxDeltaMicroseconds", F(path_delay_max_usec), UINT},
    {0, 603, .name = "pathDelaySumDeltaMicroseconds", S(delay_sum), UINT, .wants = WANT_DELAY,
     .finish = FINISH_BIT(FINISH_DELAY)},
    {0, 40001, .name = "NF_F_XLATE_SRC_ADDR_IPV4", F(post_nat_src_host), ADDR4, RANK(2)},
    {0, 40002, .name = "NF_F_XLATE_DST_ADDR_IPV4", F(post_nat_dst_host), ADDR4, RANK(2)},
    {0, 40003, .name = "NF_F_XLATE_SRC_PORT", F(post_nat_src_port), UINT, RANK(1)},
    {0, 40004, .name = "NF_F_XLATE_DST_PORT", F(post_nat_dst_port), UINT, RANK(1)},
    {0, 40005, .name = "NF_F_FW_EVENT", F(nat_event), UINT, RANK(1)},
    /* the same as 497 and 600 to 603, from before these were assigned */
    {PEN_HUAWEI, 505, .name = "srhIPv6SegmentList", F(srv6_seg_ipv6_list), .type = ELEMENT_BYTES},
    {PEN_HUAWEI, 521, .name = "pathDelayMean", F(path_delay_avg_usec), UINT, RANK(1)},
    {PEN_HUAWEI, 523, .name = "pathDelayMin", F(path_delay_min_usec), UINT, RANK(1)},
    {PEN_HUAWEI, 525, .name = "pathDelayMax", F(path_delay_max_usec), UINT, RANK(1)},
    {PEN_HUAWEI, 527, .name = "pathDelaySum", S(delay_sum), UINT, RANK(1), .wants = WANT_DELAY,
     .finish = FINISH_BIT(FINISH_DELAY)},
    /* tags that a probe has set already */
    {PEN_PMACCT, 1, .name = "tag", F(tag), UINT},
    {PEN_PMACCT, 2, .name = "tag2", F(tag2), UINT},
    {PEN_PMACCT, 3, .name = "label", F(label), .type = ELEMENT_TEXT},
};

const struct element *
element_rows(unsigned *n)
{
	*n = ARRAY_SIZE(rows);
	return rows;
}

/* Binary search over rows sorted by enterprise and id; only used while templates are compiled. */
const struct element *
element_find(uint32_t pen, uint16_t id)
{
	size_t lo = 0, hi = ARRAY_SIZE(rows);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct element *e = &rows[mid];
		if (e->pen == pen && e->id == id)
			return e;
		if (e->pen < pen || (e->pen == pen && e->id < id))
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* Elements that make a record a flow with counters; without any it is an event. Carried packets count,
 * because their length does. Reverse elements do not: beside them stands a forward one. */
bool
element_is_octets(uint32_t pen, uint16_t id)
{
	/* by id; 104 and 313 to 316 carry a packet, whose length counts */
	static const uint16_t octets[] = {1, 23, 85, 104, 231, 232, 313, 314, 315, 316, 352};

	for (size_t i = 0; pen == 0 && i < ARRAY_SIZE(octets); i++)
		if (octets[i] == id)
			return true;
	return false;
}
