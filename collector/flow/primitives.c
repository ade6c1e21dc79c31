/* The rows. This file is data: what can be aggregated by, where it lives, how every output names it.
 *
 * Rows stand in the order of JSON keys. In OUT() the two numbers are the rank in CSV and formatted output and
 * the rank in the client's outputs; they go in tens, so that a row can be put between two others. A sum_* row
 * stands behind the source it is written to, and has the rank next to it. Widths are those of pmacct 1.7.7's
 * formatted output less the two blanks behind a column: some are narrower than their header. */
#include "collector/flow/primitives.h"

/* Who can supply a value: any source of traffic; one that exports (and so has an exporter's address); an
 * exporter or routing data, in whichever order networks.h decides. */
#define ANY	 (SUPPLY_FLOW | SUPPLY_SFLOW | SUPPLY_PACKET)
#define EXPORTED (SUPPLY_FLOW | SUPPLY_SFLOW)
#define ROUTING	 (SUPPLY_FLOW | SUPPLY_SFLOW | SUPPLY_BGP | SUPPLY_NETWORKS)

#define NOT_WITH_SUM PRIMITIVE_NOT_WITH_SUM

/* Flags of variable values: text, which aligned output and the client's matching leave out, and lists of
 * routing attributes, which the client can match. */
#define V_TEXT	 (PRIMITIVE_VLEN | PRIMITIVE_NO_FORMATTED | PRIMITIVE_NO_MATCH)
#define BGP_LIST (PRIMITIVE_BGP | PRIMITIVE_VLEN | PRIMITIVE_NO_FORMATTED)

#define NAME(n, h) .name = (n), .help = (h)
/* Where a value lives; offset and width always come together, so that no row can have one of another
 * member. */
#define AT(member) .offset = offsetof(struct flow, member), .width = sizeof(((struct flow *)0)->member)
#define OUT(json_key, header, width, csv_order, client_order)                                                \
	.json = (json_key), .csv = (header), .column = (width), .csv_rank = (csv_order),                     \
	.client_rank = (client_order)
#define SQL(name, type) .sql = (name), .sql_type = (type)
/* A sum_* row is at its source's place; layout.c takes the destination's member for the second record. */
#define SUM(source, destination)                                                                             \
	.flags = PRIMITIVE_SUM, .sum_source = (source), .sum_destination = (destination)
/* Routing data is looked up by an address in the table of the exporter. */
#define ROUTE_OF(host) .inputs = host ",peer_src_ip"

/* Column types as pmacct's own scripts create them, so that existing tables fit: some are narrower than the
 * value can be (packets INT, lists of 24 characters). */
#define SQL_INT	     "INT NOT NULL DEFAULT 0"
#define SQL_SMALLINT "SMALLINT NOT NULL DEFAULT 0"
#define SQL_BIGINT   "BIGINT NOT NULL DEFAULT 0"
#define SQL_REAL     "REAL NOT NULL DEFAULT 0"
#define SQL_INET     "inet NOT NULL DEFAULT '0.0.0.0'"
#define SQL_MAC	     "macaddr NOT NULL DEFAULT '0:0:0:0:0:0'"
#define SQL_CHAR1    "CHAR(1) NOT NULL DEFAULT ' '"
#define SQL_COMM     "CHAR(24) NOT NULL DEFAULT ' '"
#define SQL_PATH     "CHAR(21) NOT NULL DEFAULT ' '"
#define SQL_TIME     "timestamp without time zone NOT NULL" /* with NAME_residual INT NOT NULL DEFAULT 0 */

/* clang-format off */
const struct primitive primitive_rows[] = {

	/* Tags and classification. Tags come from maps (pre_tag_map, post_tag) or from another collector,
	 * in its own enterprise elements (PEN 43874). */
	{NAME("tag", "tag set by maps or post_tag"),
	 AT(tag), .type = VALUE_UINT, .supply = ANY | SUPPLY_MAP,
	 OUT("tag", "TAG", 10, 10, 10), SQL("tag", SQL_BIGINT), .elements = "PEN 43874 field 1"},
	{NAME("tag2", "second tag"),
	 AT(tag2), .type = VALUE_UINT, .supply = ANY | SUPPLY_MAP,
	 OUT("tag2", "TAG2", 10, 20, 20), SQL("tag2", SQL_BIGINT), .elements = "PEN 43874 field 2"},
	{NAME("label", "text label set by maps"),
	 AT(label), .type = VALUE_LABEL, .supply = SUPPLY_FLOW | SUPPLY_MAP, .flags = V_TEXT,
	 OUT("label", "LABEL", 0, 30, 30), SQL("label", "VARCHAR(255) NOT NULL DEFAULT ' '"),
	 .elements = "PEN 43874 field 3"},
	{NAME("class", "application, by classification or from application id and options"),
	 AT(class_name), .type = VALUE_TEXT, .supply = SUPPLY_FLOW | SUPPLY_NDPI, .flags = PRIMITIVE_VLEN,
	 OUT("class", "CLASS", 16, 40, 40), SQL("class_id", "CHAR(16) NOT NULL DEFAULT ' '"),
	 .elements = "95 with options 96"},
	/* The same member as class: a plugin asks for one of the two. */
	{NAME("class_frame", "application of the packet a record carries, by classification"),
	 AT(class_name), .type = VALUE_TEXT, .supply = SUPPLY_NDPI, .flags = PRIMITIVE_VLEN,
	 OUT("class", "CLASS", 16, 41, 41), SQL("class", "CHAR(16) NOT NULL DEFAULT ' '"),
	 .elements = "315"},

	/* Layer 2. vlan is the ingress id where there is one, else the egress id; in_vlan and out_vlan
	 * never stand in for each other. The inner tags of 802.1ad have rows of their own. */
	{NAME("src_mac", "source MAC address"),
	 AT(src_mac), .type = VALUE_MAC, .supply = ANY, .flags = NOT_WITH_SUM,
	 OUT("mac_src", "SRC_MAC", 17, 50, 70), SQL("mac_src", SQL_MAC), .elements = "56, 81, 365"},
	/* Shares name and place of every output with src_mac, since its result is written there. */
	{NAME("sum_mac", "each flow counted for both MAC addresses"),
	 AT(src_mac), .type = VALUE_MAC, .supply = ANY, SUM("src_mac", "dst_mac"),
	 OUT("mac_src", "SRC_MAC", 17, 51, 71), SQL("mac_src", SQL_MAC)},
	{NAME("dst_mac", "destination MAC address"),
	 AT(dst_mac), .type = VALUE_MAC, .supply = ANY, .flags = NOT_WITH_SUM,
	 OUT("mac_dst", "DST_MAC", 17, 60, 80), SQL("mac_dst", SQL_MAC), .elements = "80, 57"},
	{NAME("vlan", "VLAN id, ingress before egress"),
	 AT(vlan), .type = VALUE_UINT, .supply = ANY, .flags = NOT_WITH_SUM,
	 OUT("vlan", "VLAN", 5, 70, 90), SQL("vlan", SQL_INT), .elements = "58, 243, 59, 254 by 61"},
	{NAME("in_vlan", "ingress VLAN id"),
	 AT(in_vlan), .type = VALUE_UINT, .supply = EXPORTED, .flags = PRIMITIVE_NO_MATCH,
	 OUT("vlan_in", "IN_VLAN", 8, 80, 100), SQL("vlan_in", SQL_INT), .elements = "58, 243"},
	{NAME("out_vlan", "egress VLAN id"),
	 AT(out_vlan), .type = VALUE_UINT, .supply = EXPORTED,
	 OUT("vlan_out", "OUT_VLAN", 8, 90, 110), SQL("vlan_out", SQL_INT), .elements = "59, 254"},
	{NAME("in_cvlan", "ingress customer (inner) VLAN id"),
	 AT(in_cvlan), .type = VALUE_UINT, .supply = ANY, .client_json = "in_cvlan",
	 OUT("cvlan_in", "IN_CVLAN", 8, 100, 120), SQL("cvlan_in", SQL_INT), .elements = "245"},
	{NAME("out_cvlan", "egress customer (inner) VLAN id"),
	 AT(out_cvlan), .type = VALUE_UINT, .supply = SUPPLY_FLOW, .client_json = "out_cvlan",
	 OUT("cvlan_out", "OUT_CVLAN", 9, 110, 130), SQL("cvlan_out", SQL_INT), .elements = "255"},
	{NAME("cos", "class of service (802.1p)"),
	 AT(cos), .type = VALUE_UINT, .supply = ANY, .flags = NOT_WITH_SUM,
	 OUT("cos", "COS", 2, 120, 140), SQL("cos", SQL_SMALLINT), .elements = "244"},
	{NAME("etype", "Ethernet type"),
	 AT(etype), .type = VALUE_ETYPE, .supply = ANY, .flags = NOT_WITH_SUM,
	 OUT("etype", "ETYPE", 5, 130, 150), SQL("etype", "CHAR(5) NOT NULL DEFAULT ' '"),
	 .elements = "256"},

	/* Routing. Rows without a source in the exporter's record (lists, local_pref, med) are those of the
	 * route to the destination in the table of that exporter; src_* rows of the route back to the
	 * source. Lists are binary in keys (value.h) and text only in outputs. */
	{NAME("src_as", "source AS number"),
	 AT(src_as), .type = VALUE_UINT, .supply = ROUTING, .flags = NOT_WITH_SUM,
	 OUT("as_src", "SRC_AS", 10, 140, 160), SQL("as_src", SQL_BIGINT), .elements = "16"},
	{NAME("sum_as", "each flow counted for both AS numbers"),
	 AT(src_as), .type = VALUE_UINT, .supply = ROUTING, SUM("src_as", "dst_as"),
	 OUT("as_src", "SRC_AS", 10, 141, 161), SQL("as_src", SQL_BIGINT)},
	{NAME("dst_as", "destination AS number"),
	 AT(dst_as), .type = VALUE_UINT, .supply = ROUTING, .flags = NOT_WITH_SUM,
	 OUT("as_dst", "DST_AS", 10, 150, 170), SQL("as_dst", SQL_BIGINT), .elements = "17"},
	/* BGP_LIST rows make keys variable in length; the client can match on their text form. */
	{NAME("std_comm", "standard communities of the destination's route"),
	 AT(std_comm), .type = VALUE_STD_COMM, .supply = SUPPLY_SFLOW | SUPPLY_BGP, .flags = BGP_LIST,
	 ROUTE_OF("dst_host"),
	 OUT("comms", "COMMS", 0, 160, 180), SQL("comms", SQL_COMM)},
	{NAME("ext_comm", "extended communities of the destination's route"),
	 AT(ext_comm), .type = VALUE_EXT_COMM, .supply = SUPPLY_BGP, .flags = BGP_LIST,
	 ROUTE_OF("dst_host"),
	 OUT("ecomms", "ECOMMS", 0, 170, 190), SQL("ecomms", SQL_COMM)},
	{NAME("lrg_comm", "large communities of the destination's route"),
	 AT(lrg_comm), .type = VALUE_LRG_COMM, .supply = SUPPLY_BGP, .flags = BGP_LIST,
	 ROUTE_OF("dst_host"),
	 OUT("lcomms", "LCOMMS", 0, 180, 200), SQL("lcomms", SQL_COMM)},
	{NAME("as_path", "AS path to the destination"),
	 AT(as_path), .type = VALUE_AS_PATH, .supply = SUPPLY_SFLOW | SUPPLY_BGP, .flags = BGP_LIST,
	 ROUTE_OF("dst_host"),
	 OUT("as_path", "AS_PATH", 0, 220, 240), SQL("as_path", SQL_PATH)},
	{NAME("local_pref", "local preference of the destination's route"),
	 AT(local_pref), .type = VALUE_UINT, .supply = SUPPLY_SFLOW | SUPPLY_BGP, .flags = PRIMITIVE_BGP,
	 ROUTE_OF("dst_host"),
	 OUT("local_pref", "PREF", 7, 240, 260), SQL("local_pref", SQL_BIGINT)},
	{NAME("med", "multi-exit discriminator of the destination's route"),
	 AT(med), .type = VALUE_UINT, .supply = SUPPLY_BGP, .flags = PRIMITIVE_BGP, ROUTE_OF("dst_host"),
	 OUT("med", "MED", 6, 260, 280), SQL("med", SQL_BIGINT)},
	/* RFC 6811 states; V and U say which covering route rescued an invalid one. */
	{NAME("dst_roa", "RPKI state of the destination's route: u, v, i; V, U invalid but covered"),
	 AT(dst_roa), .type = VALUE_CHAR, .supply = SUPPLY_RPKI, .flags = PRIMITIVE_BGP,
	 ROUTE_OF("dst_host"),
	 OUT("roa_dst", "DST_ROA", 6, 290, 310), SQL("roa_dst", SQL_CHAR1)},
	{NAME("peer_src_as", "AS number of the neighbour the traffic came from"),
	 AT(peer_src_as), .type = VALUE_UINT, .supply = ROUTING | SUPPLY_MAP, .flags = PRIMITIVE_BGP,
	 OUT("peer_as_src", "PEER_SRC_AS", 10, 300, 320), SQL("peer_as_src", SQL_BIGINT),
	 .elements = "129"},
	{NAME("peer_dst_as", "AS number of the neighbour the traffic goes to"),
	 AT(peer_dst_as), .type = VALUE_UINT, .supply = ROUTING, .flags = PRIMITIVE_BGP,
	 OUT("peer_as_dst", "PEER_DST_AS", 10, 310, 330), SQL("peer_as_dst", SQL_BIGINT),
	 .elements = "128"},
	{NAME("peer_src_ip", "address of the exporter"),
	 AT(peer_src_ip), .type = VALUE_ADDR, .supply = EXPORTED, .flags = PRIMITIVE_BGP,
	 OUT("peer_ip_src", "PEER_SRC_IP", 45, 320, 340), SQL("peer_ip_src", SQL_INET),
	 .elements = "130, 131 or the socket"},
	{NAME("peer_dst_ip", "BGP next hop"),
	 AT(peer_dst_ip), .type = VALUE_ADDR, .supply = ROUTING, .flags = PRIMITIVE_BGP,
	 OUT("peer_ip_dst", "PEER_DST_IP", 45, 330, 350), SQL("peer_ip_dst", SQL_INET),
	 .elements = "18, 63; 15, 62"},
	{NAME("src_std_comm", "standard communities of the source's route"),
	 AT(src_std_comm), .type = VALUE_STD_COMM, .supply = SUPPLY_BGP, .flags = BGP_LIST,
	 ROUTE_OF("src_host"), .client_json = "src_comms",
	 OUT("comms_src", "SRC_COMMS", 0, 190, 210), SQL("comms_src", SQL_COMM)},
	{NAME("src_ext_comm", "extended communities of the source's route"),
	 AT(src_ext_comm), .type = VALUE_EXT_COMM, .supply = SUPPLY_BGP, .flags = BGP_LIST,
	 ROUTE_OF("src_host"), .client_json = "src_ecomms",
	 OUT("ecomms_src", "SRC_ECOMMS", 0, 200, 220), SQL("ecomms_src", SQL_COMM)},
	{NAME("src_lrg_comm", "large communities of the source's route"),
	 AT(src_lrg_comm), .type = VALUE_LRG_COMM, .supply = SUPPLY_BGP, .flags = BGP_LIST,
	 ROUTE_OF("src_host"), .client_json = "src_lcomms",
	 OUT("lcomms_src", "SRC_LCOMMS", 0, 210, 230), SQL("lcomms_src", SQL_COMM)},
	{NAME("src_as_path", "AS path to the source"),
	 AT(src_as_path), .type = VALUE_AS_PATH, .supply = SUPPLY_BGP, .flags = BGP_LIST,
	 ROUTE_OF("src_host"), .client_json = "src_as_path",
	 OUT("as_path_src", "SRC_AS_PATH", 0, 230, 250), SQL("as_path_src", SQL_PATH)},
	{NAME("src_local_pref", "local preference of the source's route"),
	 AT(src_local_pref), .type = VALUE_UINT, .supply = SUPPLY_BGP | SUPPLY_MAP,
	 .flags = PRIMITIVE_BGP, ROUTE_OF("src_host"), .client_json = "src_local_pref",
	 OUT("local_pref_src", "SRC_PREF", 7, 250, 270), SQL("local_pref_src", SQL_BIGINT)},
	{NAME("src_med", "multi-exit discriminator of the source's route"),
	 AT(src_med), .type = VALUE_UINT, .supply = SUPPLY_BGP | SUPPLY_MAP, .flags = PRIMITIVE_BGP,
	 ROUTE_OF("src_host"), .client_json = "src_med",
	 OUT("med_src", "SRC_MED", 6, 270, 290), SQL("med_src", SQL_BIGINT)},
	{NAME("src_roa", "RPKI state of the source's route, letters as in dst_roa"),
	 AT(src_roa), .type = VALUE_CHAR, .supply = SUPPLY_RPKI, .flags = PRIMITIVE_BGP,
	 ROUTE_OF("src_host"),
	 OUT("roa_src", "SRC_ROA", 6, 280, 300), SQL("roa_src", SQL_CHAR1)},

	/* Interfaces and VPNs. Interfaces are the exporter's SNMP indices: they mean something only
	 * together with peer_src_ip. */
	{NAME("in_iface", "input interface (SNMP index)"),
	 AT(in_iface), .type = VALUE_UINT, .supply = ANY, .flags = NOT_WITH_SUM,
	 OUT("iface_in", "IN_IFACE", 10, 340, 50), SQL("iface_in", SQL_BIGINT), .elements = "10, 252"},
	{NAME("out_iface", "output interface (SNMP index)"),
	 AT(out_iface), .type = VALUE_UINT, .supply = ANY, .flags = NOT_WITH_SUM,
	 OUT("iface_out", "OUT_IFACE", 10, 350, 60), SQL("iface_out", SQL_BIGINT), .elements = "14, 253"},
	{NAME("mpls_vpn_rd", "route distinguisher of the VPN"),
	 AT(mpls_vpn_rd), .type = VALUE_RD, .supply = EXPORTED | SUPPLY_BGP | SUPPLY_MAP, .flags = NOT_WITH_SUM,
	 .also = "mpls_vpn_rd_origin",
	 OUT("mpls_vpn_rd", "MPLS_VPN_RD", 18, 360, 360),
	 SQL("mpls_vpn_rd", "CHAR(18) NOT NULL DEFAULT ' '"), .elements = "90; 234, 235"},
	/* JSON only: tells apart a distinguisher from BGP, the record or a map. */
	{NAME("mpls_vpn_rd_origin", "where the route distinguisher came from"),
	 AT(mpls_vpn_rd_origin), .type = VALUE_RD_ORIGIN, .supply = EXPORTED | SUPPLY_BGP | SUPPLY_MAP,
	 .flags = PRIMITIVE_AUTO | PRIMITIVE_JSON_ONLY,
	 .json = "mpls_vpn_rd_origin"},
	{NAME("mpls_pw_id", "pseudowire id"),
	 AT(mpls_pw_id), .type = VALUE_UINT, .supply = EXPORTED,
	 OUT("mpls_pw_id", "MPLS_PW_ID", 10, 370, 370), SQL("mpls_pw_id", SQL_INT), .elements = "249"},

	/* Layers 3 and 4. A *_net is the address with the bits beyond *_mask cleared; which source decides
	 * that length is nfacctd_net (networks.h). */
	{NAME("src_host", "source address"),
	 AT(src_host), .type = VALUE_ADDR, .supply = ANY, .flags = NOT_WITH_SUM,
	 OUT("ip_src", "SRC_IP", 45, 430, 430), SQL("ip_src", SQL_INET), .elements = "8, 27, 44, 170"},
	{NAME("sum_host", "each flow counted for both addresses"),
	 AT(src_host), .type = VALUE_ADDR, .supply = ANY, .alias = "sum", SUM("src_host", "dst_host"),
	 OUT("ip_src", "SRC_IP", 45, 431, 431), SQL("ip_src", SQL_INET)},
	{NAME("src_net", "source network"),
	 AT(src_net), .type = VALUE_ADDR, .supply = ROUTING, .flags = NOT_WITH_SUM, .inputs = "src_host,src_mask",
	 OUT("net_src", "SRC_NET", 45, 440, 440), SQL("net_src", SQL_INET),
	 .elements = "8, 27, 44 with 9, 29"},
	{NAME("sum_net", "each flow counted for both networks"),
	 AT(src_net), .type = VALUE_ADDR, .supply = ROUTING, SUM("src_net", "dst_net"),
	 .inputs = "src_net,dst_net",
	 OUT("net_src", "SRC_NET", 45, 441, 441), SQL("net_src", SQL_INET)},
	{NAME("dst_host", "destination address"),
	 AT(dst_host), .type = VALUE_ADDR, .supply = ANY, .flags = NOT_WITH_SUM,
	 OUT("ip_dst", "DST_IP", 45, 450, 450), SQL("ip_dst", SQL_INET), .elements = "12, 28, 45, 169"},
	{NAME("dst_net", "destination network"),
	 AT(dst_net), .type = VALUE_ADDR, .supply = ROUTING, .flags = NOT_WITH_SUM, .inputs = "dst_host,dst_mask",
	 OUT("net_dst", "DST_NET", 45, 460, 460), SQL("net_dst", SQL_INET),
	 .elements = "12, 28, 45 with 13, 30"},
	{NAME("src_mask", "length of the source network's prefix"),
	 AT(src_mask), .type = VALUE_UINT, .supply = ROUTING, .flags = NOT_WITH_SUM,
	 OUT("mask_src", "SRC_MASK", 8, 470, 470), SQL("mask_src", SQL_SMALLINT), .elements = "9, 29"},
	{NAME("dst_mask", "length of the destination network's prefix"),
	 AT(dst_mask), .type = VALUE_UINT, .supply = ROUTING, .flags = NOT_WITH_SUM,
	 OUT("mask_dst", "DST_MASK", 8, 480, 480), SQL("mask_dst", SQL_SMALLINT), .elements = "13, 30"},
	{NAME("src_port", "source port"),
	 AT(src_port), .type = VALUE_UINT, .supply = ANY, .flags = NOT_WITH_SUM,
	 OUT("port_src", "SRC_PORT", 8, 490, 490), SQL("port_src", SQL_INT), .elements = "7, 180, 182"},
	{NAME("sum_port", "each flow counted for both ports"),
	 AT(src_port), .type = VALUE_UINT, .supply = ANY, SUM("src_port", "dst_port"),
	 OUT("port_src", "SRC_PORT", 8, 491, 491), SQL("port_src", SQL_INT)},
	{NAME("dst_port", "destination port"),
	 AT(dst_port), .type = VALUE_UINT, .supply = ANY, .flags = NOT_WITH_SUM,
	 OUT("port_dst", "DST_PORT", 8, 500, 500), SQL("port_dst", SQL_INT), .elements = "11, 181, 183"},

	/* Places, by address (GeoIP). Coordinates are two values and so two rows, of which the second comes
	 * by itself. */
	{NAME("src_host_country", "country of the source address (ISO 3166)"),
	 AT(src_country), .type = VALUE_TEXT_FIXED, .supply = SUPPLY_GEOIP, .inputs = "src_host",
	 OUT("country_ip_src", "SH_COUNTRY", 10, 550, 550),
	 SQL("country_ip_src", "CHAR(2) NOT NULL DEFAULT '--'")},
	{NAME("dst_host_country", "country of the destination address (ISO 3166)"),
	 AT(dst_country), .type = VALUE_TEXT_FIXED, .supply = SUPPLY_GEOIP, .inputs = "dst_host",
	 OUT("country_ip_dst", "DH_COUNTRY", 10, 560, 560),
	 SQL("country_ip_dst", "CHAR(2) NOT NULL DEFAULT '--'")},
	{NAME("src_host_pocode", "postal code of the source address"),
	 AT(src_pocode), .type = VALUE_TEXT_FIXED, .supply = SUPPLY_GEOIP, .inputs = "src_host",
	 OUT("pocode_ip_src", "SH_POCODE", 12, 570, 570),
	 SQL("pocode_ip_src", "CHAR(12) NOT NULL DEFAULT ' '")},
	{NAME("dst_host_pocode", "postal code of the destination address"),
	 AT(dst_pocode), .type = VALUE_TEXT_FIXED, .supply = SUPPLY_GEOIP, .inputs = "dst_host",
	 OUT("pocode_ip_dst", "DH_POCODE", 12, 580, 580),
	 SQL("pocode_ip_dst", "CHAR(12) NOT NULL DEFAULT ' '")},
	{NAME("src_host_coords", "latitude and longitude of the source address"),
	 AT(src_lat), .type = VALUE_DOUBLE, .supply = SUPPLY_GEOIP, .also = "src_host_lon",
	 .inputs = "src_host",
	 OUT("lat_ip_src", "SH_LAT", 12, 590, 590), SQL("lat_ip_src", SQL_REAL)},
	{NAME("src_host_lon", "longitude, part of src_host_coords"),
	 AT(src_lon), .type = VALUE_DOUBLE, .supply = SUPPLY_GEOIP, .flags = PRIMITIVE_AUTO,
	 .inputs = "src_host",
	 OUT("lon_ip_src", "SH_LON", 12, 600, 600), SQL("lon_ip_src", SQL_REAL)},
	{NAME("dst_host_coords", "latitude and longitude of the destination address"),
	 AT(dst_lat), .type = VALUE_DOUBLE, .supply = SUPPLY_GEOIP, .also = "dst_host_lon",
	 .inputs = "dst_host",
	 OUT("lat_ip_dst", "DH_LAT", 12, 610, 610), SQL("lat_ip_dst", SQL_REAL)},
	{NAME("dst_host_lon", "longitude, part of dst_host_coords"),
	 AT(dst_lon), .type = VALUE_DOUBLE, .supply = SUPPLY_GEOIP, .flags = PRIMITIVE_AUTO,
	 .inputs = "dst_host",
	 OUT("lon_ip_dst", "DH_LON", 12, 620, 620), SQL("lon_ip_dst", SQL_REAL)},

	/* Layer 4 and what the packet met. */
	/* A counter and not a key: flags of all packets of an aggregate are ORed, so they cannot be
	 * matched. */
	{NAME("tcpflags", "TCP flags seen, together"),
	 AT(tcp_flags), .type = VALUE_TCPFLAGS, .supply = ANY,
	 .flags = NOT_WITH_SUM | PRIMITIVE_COUNTER | PRIMITIVE_NO_MATCH, .merge = MERGE_OR,
	 OUT("tcp_flags", "TCP_FLAGS", 9, 510, 510), SQL("tcp_flags", SQL_SMALLINT), .elements = "6"},
	/* RFC 7270, 4.12: two bits of status, six of reason. */
	{NAME("fwd_status", "forwarding status"),
	 AT(fwd_status), .type = VALUE_FWDSTATUS, .supply = SUPPLY_FLOW,
	 OUT("fwd_status", "FWD_STATUS", 10, 710, 710), SQL("fwd_status", SQL_INT), .elements = "89"},
	{NAME("mpls_label_stack", "all MPLS labels, outermost first"),
	 AT(mpls_label_stack), .type = VALUE_MPLS_STACK, .supply = SUPPLY_FLOW, .flags = V_TEXT,
	 OUT("mpls_label_stack", "MPLS_LABEL_STACK", 0, 750, 750),
	 SQL("mpls_label_stack", "VARCHAR(255) NOT NULL DEFAULT ' '"), .elements = "70 to 79"},
	/* JSON only, as in pmacct: an array has no column. */
	{NAME("srv6_seg_ipv6_list", "SRv6 segment list"),
	 AT(srv6_seg_ipv6_list), .type = VALUE_SEGMENTS, .supply = SUPPLY_FLOW,
	 .flags = V_TEXT | PRIMITIVE_JSON_ONLY,
	 .json = "srv6_seg_ipv6_list", .elements = "497, PEN 2011 field 505"},
	{NAME("path_delay_avg_usec", "mean delay on the path, microseconds"),
	 AT(path_delay_avg_usec), .type = VALUE_UINT, .supply = SUPPLY_FLOW,
	 OUT("path_delay_avg_usec", "PATH_DELAY_AVG_USEC", 19, 970, 970),
	 SQL("path_delay_avg_usec", SQL_INT), .elements = "600, 603 / packets"},
	{NAME("path_delay_min_usec", "least delay on the path, microseconds"),
	 AT(path_delay_min_usec), .type = VALUE_UINT, .supply = SUPPLY_FLOW,
	 OUT("path_delay_min_usec", "PATH_DELAY_MIN_USEC", 19, 980, 980),
	 SQL("path_delay_min_usec", SQL_INT), .elements = "601"},
	{NAME("path_delay_max_usec", "greatest delay on the path, microseconds"),
	 AT(path_delay_max_usec), .type = VALUE_UINT, .supply = SUPPLY_FLOW,
	 OUT("path_delay_max_usec", "PATH_DELAY_MAX_USEC", 19, 990, 990),
	 SQL("path_delay_max_usec", SQL_INT), .elements = "602"},
	{NAME("proto", "IP protocol"),
	 AT(proto), .type = VALUE_PROTO, .supply = ANY, .flags = NOT_WITH_SUM,
	 OUT("ip_proto", "PROTOCOL", 10, 520, 520), SQL("ip_proto", SQL_SMALLINT), .elements = "4"},
	{NAME("tos", "type of service or traffic class"),
	 AT(tos), .type = VALUE_UINT, .supply = ANY, .flags = NOT_WITH_SUM,
	 OUT("tos", "TOS", 5, 530, 530), SQL("tos", SQL_INT), .elements = "5"},
	{NAME("flow_label", "IPv6 flow label"),
	 AT(flow_label), .type = VALUE_UINT, .supply = EXPORTED, .flags = PRIMITIVE_NO_MATCH,
	 OUT("flow_label", "FLOW_LABEL", 10, 540, 540), SQL("flow_label", SQL_INT), .elements = "31"},
	{NAME("sampling_rate", "sampling rate; 0 unknown, 1 after renormalisation"),
	 AT(sampling_rate), .type = VALUE_UINT, .supply = ANY | SUPPLY_MAP,
	 OUT("sampling_rate", "SAMPLING_RATE", 12, 630, 630), SQL("sampling_rate", SQL_BIGINT),
	 .elements = "34, 50, 305, 306, 309, 310; options by 48, 302"},
	/* flowDirection (IE 61): 0 is ingress, 1 egress; a character, so that "not exported" can be told
	 * from ingress. */
	{NAME("sampling_direction", "i ingress, e egress, u unknown"),
	 AT(sampling_direction), .type = VALUE_CHAR, .supply = EXPORTED,
	 OUT("sampling_direction", "SAMPLING_DIRECTION", 17, 640, 640),
	 SQL("sampling_direction", SQL_CHAR1), .elements = "61"},

	/* Translation, firewall, labels. Addresses and ports "after" are those on the other side of the
	 * translator (RFC 8158); element numbers from 40000 are those of Cisco's firewalls. */
	{NAME("post_nat_src_host", "source address after translation"),
	 AT(post_nat_src_host), .type = VALUE_ADDR, .supply = SUPPLY_FLOW,
	 OUT("post_nat_ip_src", "POST_NAT_SRC_IP", 45, 650, 650), SQL("post_nat_ip_src", SQL_INET),
	 .elements = "225, 281, 40001"},
	{NAME("post_nat_dst_host", "destination address after translation"),
	 AT(post_nat_dst_host), .type = VALUE_ADDR, .supply = SUPPLY_FLOW,
	 OUT("post_nat_ip_dst", "POST_NAT_DST_IP", 45, 660, 660), SQL("post_nat_ip_dst", SQL_INET),
	 .elements = "226, 282, 40002"},
	{NAME("post_nat_src_port", "source port after translation"),
	 AT(post_nat_src_port), .type = VALUE_UINT, .supply = SUPPLY_FLOW,
	 OUT("post_nat_port_src", "POST_NAT_SRC_PORT", 17, 670, 670), SQL("post_nat_port_src", SQL_INT),
	 .elements = "227, 40003"},
	{NAME("post_nat_dst_port", "destination port after translation"),
	 AT(post_nat_dst_port), .type = VALUE_UINT, .supply = SUPPLY_FLOW,
	 OUT("post_nat_port_dst", "POST_NAT_DST_PORT", 17, 680, 680), SQL("post_nat_port_dst", SQL_INT),
	 .elements = "228, 40004"},
	{NAME("nat_event", "translation event"),
	 AT(nat_event), .type = VALUE_UINT, .supply = SUPPLY_FLOW,
	 OUT("nat_event", "NAT_EVENT", 8, 690, 690), SQL("nat_event", SQL_INT), .elements = "230, 40005"},
	{NAME("fw_event", "firewall event"),
	 AT(fw_event), .type = VALUE_UINT, .supply = SUPPLY_FLOW,
	 OUT("fw_event", "FW_EVENT", 8, 700, 700), SQL("fw_event", SQL_INT), .elements = "233"},
	{NAME("mpls_label_top", "outermost MPLS label"),
	 AT(mpls_label_top), .type = VALUE_UINT, .supply = SUPPLY_FLOW | SUPPLY_PACKET,
	 OUT("mpls_label_top", "MPLS_LABEL_TOP", 14, 720, 720), SQL("mpls_label_top", SQL_INT),
	 .elements = "70"},
	{NAME("mpls_label_bottom", "innermost MPLS label"),
	 AT(mpls_label_bottom), .type = VALUE_UINT, .supply = SUPPLY_FLOW | SUPPLY_PACKET,
	 OUT("mpls_label_bottom", "MPLS_LABEL_BOTTOM", 17, 730, 730), SQL("mpls_label_bottom", SQL_INT),
	 .elements = "last of 70 to 79"},
	/* Of pmacct 1.7.7; kept, since configurations have it. */
	{NAME("mpls_stack_depth", "number of MPLS labels (deprecated, use mpls_label_stack)"),
	 AT(mpls_labels), .type = VALUE_UINT, .supply = SUPPLY_FLOW | SUPPLY_PACKET,
	 OUT("mpls_stack_depth", "MPLS_STACK_DEPTH", 16, 740, 740), SQL("mpls_stack_depth", SQL_INT),
	 .elements = "70 to 79"},

	/* Tunnels. In captured and sampled packets these are the inner headers; in NetFlow and IPFIX
	 * records with two occurrences of an element, the first, outer one. So the same row has opposite
	 * meanings by source, as operators know it. */
	{NAME("tunnel_src_mac", "source MAC address inside the tunnel"),
	 AT(tunnel_src_mac), .type = VALUE_MAC, .supply = SUPPLY_SFLOW | SUPPLY_PACKET,
	 OUT("tunnel_mac_src", "TUNNEL_SRC_MAC", 17, 760, 760), SQL("tunnel_mac_src", SQL_MAC),
	 .elements = "315"},
	{NAME("tunnel_dst_mac", "destination MAC address inside the tunnel"),
	 AT(tunnel_dst_mac), .type = VALUE_MAC, .supply = SUPPLY_SFLOW | SUPPLY_PACKET,
	 OUT("tunnel_mac_dst", "TUNNEL_DST_MAC", 17, 770, 770), SQL("tunnel_mac_dst", SQL_MAC),
	 .elements = "315"},
	{NAME("tunnel_src_host", "the tunnel's other source address (inner; NetFlow: outer of SRv6)"),
	 AT(tunnel_src_host), .type = VALUE_ADDR, .supply = ANY,
	 OUT("tunnel_ip_src", "TUNNEL_SRC_IP", 45, 780, 780), SQL("tunnel_ip_src", SQL_INET),
	 .elements = "first 27"},
	{NAME("tunnel_dst_host", "the tunnel's other destination address"),
	 AT(tunnel_dst_host), .type = VALUE_ADDR, .supply = ANY,
	 OUT("tunnel_ip_dst", "TUNNEL_DST_IP", 45, 790, 790), SQL("tunnel_ip_dst", SQL_INET),
	 .elements = "first 28"},
	{NAME("tunnel_proto", "the tunnel's other IP protocol"),
	 AT(tunnel_proto), .type = VALUE_PROTO, .supply = ANY,
	 OUT("tunnel_ip_proto", "TUNNEL_PROTOCOL", 15, 800, 800), SQL("tunnel_ip_proto", SQL_SMALLINT),
	 .elements = "first 4"},
	{NAME("tunnel_tos", "the tunnel's other type of service"),
	 AT(tunnel_tos), .type = VALUE_UINT, .supply = ANY,
	 OUT("tunnel_tos", "TUNNEL_TOS", 10, 810, 810), SQL("tunnel_tos", SQL_INT),
	 .elements = "first 5"},
	{NAME("tunnel_flow_label", "the tunnel's other flow label"),
	 AT(tunnel_flow_label), .type = VALUE_UINT, .supply = SUPPLY_FLOW, .flags = PRIMITIVE_NO_MATCH,
	 OUT("tunnel_flow_label", "TUNNEL_FLOW_LABEL", 17, 820, 820), SQL("tunnel_flow_label", SQL_INT),
	 .elements = "first 31"},
	{NAME("tunnel_src_port", "the tunnel's other source port"),
	 AT(tunnel_src_port), .type = VALUE_UINT, .supply = ANY,
	 OUT("tunnel_port_src", "TUNNEL_SRC_PORT", 15, 830, 830), SQL("tunnel_port_src", SQL_INT),
	 .elements = "first 7"},
	{NAME("tunnel_dst_port", "the tunnel's other destination port"),
	 AT(tunnel_dst_port), .type = VALUE_UINT, .supply = ANY,
	 OUT("tunnel_port_dst", "TUNNEL_DST_PORT", 15, 840, 840), SQL("tunnel_port_dst", SQL_INT),
	 .elements = "first 11"},
	{NAME("tunnel_tcpflags", "the tunnel's other TCP flags"),
	 AT(tunnel_tcp_flags), .type = VALUE_TCPFLAGS, .supply = ANY, .flags = PRIMITIVE_NO_MATCH,
	 OUT("tunnel_tcp_flags", "TUNNEL_TCP_FLAGS", 16, 850, 850), SQL("tunnel_tcp_flags", SQL_SMALLINT),
	 .elements = "first 6"},
	/* Network identifiers of 24 bits (RFC 7348, RFC 7637). */
	{NAME("vxlan", "VXLAN network identifier"),
	 AT(vxlan), .type = VALUE_UINT, .supply = ANY,
	 OUT("vxlan", "VXLAN", 8, 860, 860), SQL("vxlan", SQL_INT), .elements = "351; UDP port 4789"},
	{NAME("nvgre", "NVGRE tenant network identifier"),
	 AT(nvgre), .type = VALUE_UINT, .supply = SUPPLY_FLOW,
	 OUT("nvgre", "NVGRE", 8, 870, 870), SQL("nvgre", SQL_INT), .elements = "351"},

	/* Times and the exporter. Times are microseconds since the epoch; 0 is no time. SQL types without a
	 * default: a column NAME_residual holds the fraction. */
	{NAME("timestamp_start", "start of the flow"),
	 AT(timestamp_start), .type = VALUE_TIME, .supply = SUPPLY_FLOW,
	 OUT("timestamp_start", "TIMESTAMP_START", 29, 880, 880), SQL("timestamp_start", SQL_TIME),
	 .elements = "22, 150, 152, 154, 156, 158"},
	{NAME("timestamp_end", "end of the flow"),
	 AT(timestamp_end), .type = VALUE_TIME, .supply = SUPPLY_FLOW,
	 OUT("timestamp_end", "TIMESTAMP_END", 29, 890, 890), SQL("timestamp_end", SQL_TIME),
	 .elements = "21, 151, 153, 155, 157, 159"},
	{NAME("timestamp_arrival", "when the collector received it"),
	 AT(timestamp_arrival), .type = VALUE_TIME, .supply = SUPPLY_CLOCK,
	 OUT("timestamp_arrival", "TIMESTAMP_ARRIVAL", 29, 900, 900), SQL("timestamp_arrival", SQL_TIME)},
	/* Counters with their own merge rule, on the members that timestamp_start and timestamp_end read
	 * too. Present with nfacctd_stitching. */
	{NAME("timestamp_min", "earliest start among what was merged (stitching)"),
	 AT(timestamp_start), .type = VALUE_TIME, .supply = SUPPLY_FLOW,
	 .flags = PRIMITIVE_AUTO | PRIMITIVE_COUNTER, .merge = MERGE_MIN,
	 OUT("timestamp_min", "TIMESTAMP_MIN", 29, 920, 920), SQL("timestamp_min", SQL_TIME)},
	{NAME("timestamp_max", "latest end among what was merged (stitching)"),
	 AT(timestamp_end), .type = VALUE_TIME, .supply = SUPPLY_FLOW,
	 .flags = PRIMITIVE_AUTO | PRIMITIVE_COUNTER, .merge = MERGE_MAX,
	 OUT("timestamp_max", "TIMESTAMP_MAX", 29, 930, 930), SQL("timestamp_max", SQL_TIME)},
	{NAME("export_proto_seqno", "sequence number of the export datagram"),
	 AT(export_proto_seqno), .type = VALUE_UINT, .supply = EXPORTED,
	 OUT("export_proto_seqno", "EXPORT_PROTO_SEQNO", 18, 940, 940),
	 SQL("export_proto_seqno", SQL_INT), .elements = "header"},
	{NAME("export_proto_version", "version of the export protocol"),
	 AT(export_proto_version), .type = VALUE_UINT, .supply = EXPORTED,
	 OUT("export_proto_version", "EXPORT_PROTO_VERSION", 20, 950, 950),
	 SQL("export_proto_version", SQL_SMALLINT), .elements = "header"},
	{NAME("export_proto_sysid", "source id, observation domain or sub-agent"),
	 AT(export_proto_sysid), .type = VALUE_UINT, .supply = EXPORTED,
	 OUT("export_proto_sysid", "EXPORT_PROTO_SYSID", 18, 960, 960),
	 SQL("export_proto_sysid", SQL_INT), .elements = "header"},
	{NAME("timestamp_export", "time in the export datagram's header"),
	 AT(timestamp_export), .type = VALUE_TIME, .supply = EXPORTED,
	 OUT("timestamp_export", "TIMESTAMP_EXPORT", 29, 910, 910), SQL("timestamp_export", SQL_TIME),
	 .elements = "header"},
	/* No value and no member: the key is then only the kind of record, one entry for each. */
	{NAME("none", "no key: totals only"),
	 .type = VALUE_NONE, .supply = SUPPLY_CLOCK, .flags = PRIMITIVE_NO_KEY,
	},

	/* Added by the program, and counters. packets and bytes are in every record (layout.h), flows only
	 * when asked for. Names of interfaces and VRFs stand here because their JSON keys come behind
	 * flows. */
	/* Written into the key by whoever packs it (layout_set_bin), not copied from the flow. */
	{NAME("stamp_inserted", "start of the time bin"),
	 .type = VALUE_STAMP, .supply = SUPPLY_CLOCK, .width = sizeof(uint64_t),
	 .flags = PRIMITIVE_AUTO | PRIMITIVE_JSON_ONLY,
	 .json = "stamp_inserted",
	 SQL("stamp_inserted", "timestamp without time zone NOT NULL DEFAULT '0001-01-01 00:00:00'")},
	/* Known only when a row is written; it is in no key. */
	{NAME("stamp_updated", "when the row was written"),
	 .type = VALUE_STAMP, .supply = SUPPLY_CLOCK, .width = sizeof(uint64_t),
	 .flags = PRIMITIVE_AUTO | PRIMITIVE_JSON_ONLY | PRIMITIVE_NO_KEY,
	 .json = "stamp_updated", SQL("stamp_updated", "timestamp without time zone")},
	/* SUPPLY_FLOW only: packets that are captured or sampled are no flow records. */
	{NAME("flows", "number of flow records"),
	 AT(flows), .type = VALUE_UINT, .supply = SUPPLY_FLOW, .flags = PRIMITIVE_COUNTER,
	 .merge = MERGE_SUM,
	 OUT("flows", "FLOWS", 20, 20010, 20010), SQL("flows", SQL_INT), .elements = "3; 1 each otherwise"},
	{NAME("vrf_name", "VRF name by id"),
	 AT(vrf_name), .type = VALUE_TEXT, .supply = SUPPLY_FLOW, .flags = V_TEXT,
	 OUT("vrf_name", "VRF_NAME", 0, 380, 380), SQL("vrf_name", "VARCHAR(32) NOT NULL DEFAULT ' '"),
	 .elements = "options 236 by 234, 235"},
	{NAME("ingress_vrf_name", "ingress VRF name"),
	 AT(ingress_vrf_name), .type = VALUE_TEXT, .supply = SUPPLY_FLOW, .flags = V_TEXT,
	 OUT("ingress_vrf_name", "INGRESS_VRF_NAME", 0, 390, 390),
	 SQL("vrf_name_ingress", "VARCHAR(32) NOT NULL DEFAULT ' '"), .elements = "options 236 by 234"},
	{NAME("egress_vrf_name", "egress VRF name"),
	 AT(egress_vrf_name), .type = VALUE_TEXT, .supply = SUPPLY_FLOW, .flags = V_TEXT,
	 OUT("egress_vrf_name", "EGRESS_VRF_NAME", 0, 400, 400),
	 SQL("vrf_name_egress", "VARCHAR(32) NOT NULL DEFAULT ' '"), .elements = "options 236 by 235"},
	{NAME("in_iface_name", "input interface name"),
	 AT(in_iface_name), .type = VALUE_TEXT, .supply = SUPPLY_FLOW, .flags = V_TEXT,
	 OUT("iface_name_in", "IN_IFACE_NAME", 0, 410, 410),
	 SQL("iface_name_in", "VARCHAR(32) NOT NULL DEFAULT ' '"), .elements = "options 82 by 10"},
	{NAME("out_iface_name", "output interface name"),
	 AT(out_iface_name), .type = VALUE_TEXT, .supply = SUPPLY_FLOW, .flags = V_TEXT,
	 OUT("iface_name_out", "OUT_IFACE_NAME", 0, 420, 420),
	 SQL("iface_name_out", "VARCHAR(32) NOT NULL DEFAULT ' '"), .elements = "options 82 by 14"},
	{NAME("packets", "packets"),
	 AT(packets), .type = VALUE_UINT, .supply = ANY, .flags = PRIMITIVE_AUTO | PRIMITIVE_COUNTER,
	 .merge = MERGE_SUM,
	 OUT("packets", "PACKETS", 20, 20000, 20000), SQL("packets", "INT NOT NULL"),
	 .elements = "2, 24, 86; 298"},
	{NAME("bytes", "bytes"),
	 AT(bytes), .type = VALUE_UINT, .supply = ANY, .flags = PRIMITIVE_AUTO | PRIMITIVE_COUNTER,
	 .merge = MERGE_SUM,
	 OUT("bytes", "BYTES", 20, 20020, 20020), SQL("bytes", "BIGINT NOT NULL"),
	 .elements = "1, 23, 85, 231, 352"},
};
/* clang-format on */

const unsigned primitive_rows_count = ARRAY_SIZE(primitive_rows);
