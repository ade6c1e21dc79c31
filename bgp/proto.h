/* Numbers of BGP, by their names at IANA. What is done with them stands in tables elsewhere; here are only
 * the words. */
#ifndef FLOWRIB_BGP_PROTO_H
#define FLOWRIB_BGP_PROTO_H

#include <stdint.h>

#define BGP_PORT	     179
#define BGP_HEADER_BYTES     19
#define BGP_MESSAGE_MAX	     4096
#define BGP_MESSAGE_MAX_LONG 65535 /* RFC 8654 */
#define BGP_AS_TRANS	     23456 /* RFC 6793 */

enum bgp_message {
	BGP_OPEN = 1,
	BGP_UPDATE = 2,
	BGP_NOTIFICATION = 3,
	BGP_KEEPALIVE = 4,
	BGP_ROUTE_REFRESH = 5, /* RFC 2918, RFC 7313 */
};

enum bgp_afi {
	BGP_AFI_IPV4 = 1,
	BGP_AFI_IPV6 = 2,
	BGP_AFI_L2VPN = 25,
	BGP_AFI_LS = 16388,
};

enum bgp_safi {
	BGP_SAFI_UNICAST = 1,
	BGP_SAFI_MULTICAST = 2,
	BGP_SAFI_LABELED = 4,	/* RFC 8277 */
	BGP_SAFI_MCAST_VPN = 5, /* RFC 6514 */
	BGP_SAFI_VPLS = 65,	/* RFC 4761 */
	BGP_SAFI_EVPN = 70,	/* RFC 7432 */
	BGP_SAFI_LS = 71,	/* RFC 9552 */
	BGP_SAFI_LS_VPN = 72,
	BGP_SAFI_SR_POLICY = 73,
	BGP_SAFI_VPN = 128, /* RFC 4364, RFC 4659 */
	BGP_SAFI_VPN_MULTICAST = 129,
	BGP_SAFI_RTC = 132,	 /* RFC 4684 */
	BGP_SAFI_FLOWSPEC = 133, /* RFC 8955 */
	BGP_SAFI_FLOWSPEC_VPN = 134,
};

enum bgp_attr_code {
	BGP_ATTR_ORIGIN = 1,
	BGP_ATTR_AS_PATH = 2,
	BGP_ATTR_NEXT_HOP = 3,
	BGP_ATTR_MED = 4,
	BGP_ATTR_LOCAL_PREF = 5,
	BGP_ATTR_ATOMIC_AGGREGATE = 6,
	BGP_ATTR_AGGREGATOR = 7,
	BGP_ATTR_COMMUNITIES = 8,
	BGP_ATTR_ORIGINATOR_ID = 9,
	BGP_ATTR_CLUSTER_LIST = 10,
	BGP_ATTR_MP_REACH = 14,
	BGP_ATTR_MP_UNREACH = 15,
	BGP_ATTR_EXT_COMMUNITIES = 16,
	BGP_ATTR_AS4_PATH = 17,
	BGP_ATTR_AS4_AGGREGATOR = 18,
	BGP_ATTR_PMSI_TUNNEL = 22,
	BGP_ATTR_TUNNEL_ENCAP = 23,
	BGP_ATTR_EXT_COMMUNITIES_V6 = 25,
	BGP_ATTR_AIGP = 26,
	BGP_ATTR_BGP_LS = 29,
	BGP_ATTR_LARGE_COMMUNITIES = 32,
	BGP_ATTR_BGPSEC_PATH = 33,
	BGP_ATTR_OTC = 35,
	BGP_ATTR_D_PATH = 36,
	BGP_ATTR_SFP = 37,
	BGP_ATTR_BFD_DISCRIMINATOR = 38,
	BGP_ATTR_PREFIX_SID = 40,
	BGP_ATTR_ATTR_SET = 128,
};

enum bgp_capability_code {
	BGP_CAP_MULTIPROTOCOL = 1,
	BGP_CAP_ROUTE_REFRESH = 2,
	BGP_CAP_EXT_NEXT_HOP = 5, /* RFC 8950 */
	BGP_CAP_EXT_MESSAGE = 6,  /* RFC 8654 */
	BGP_CAP_ROLE = 9,	  /* RFC 9234 */
	BGP_CAP_GRACEFUL_RESTART = 64,
	BGP_CAP_AS4 = 65,
	BGP_CAP_ADD_PATH = 69,
	BGP_CAP_ENHANCED_REFRESH = 70, /* RFC 7313 */
	BGP_CAP_LONG_LIVED = 71,       /* RFC 9494 */
	BGP_CAP_FQDN = 73,
	BGP_CAP_ROUTE_REFRESH_CISCO = 128,
};

/* Codes of NOTIFICATION (RFC 4271, 4.5; RFC 4486; RFC 7313; RFC 8538; RFC 9234). */
enum bgp_error {
	BGP_ERR_HEADER = 1,
	BGP_ERR_OPEN = 2,
	BGP_ERR_UPDATE = 3,
	BGP_ERR_HOLD_TIMER = 4,
	BGP_ERR_FSM = 5,
	BGP_ERR_CEASE = 6,
	BGP_ERR_ROUTE_REFRESH = 7,
};

/* Code and subcode as one value, code in the upper byte. 0: no error. */
#define BGP_NOTIFY(code, subcode) ((uint16_t)((code) << 8 | (subcode)))

/* What flowrib does with address families that it can correlate with, as small numbers. */
enum bgp_family {
	BGP_IPV4_UNICAST,
	BGP_IPV6_UNICAST,
	BGP_IPV4_LABELED,
	BGP_IPV6_LABELED,
	BGP_IPV4_VPN,
	BGP_IPV6_VPN,
	BGP_RIB_FAMILIES, /* those up to here have tables; the rest is for the message log */
	BGP_IPV4_MULTICAST = BGP_RIB_FAMILIES,
	BGP_IPV6_MULTICAST,
	BGP_IPV4_MCAST_VPN,
	BGP_IPV6_MCAST_VPN,
	BGP_VPLS,
	BGP_EVPN,
	BGP_LS,
	BGP_LS_VPN,
	BGP_IPV4_SR_POLICY,
	BGP_IPV6_SR_POLICY,
	BGP_IPV4_VPN_MULTICAST,
	BGP_IPV6_VPN_MULTICAST,
	BGP_RTC,
	BGP_IPV4_FLOWSPEC,
	BGP_IPV6_FLOWSPEC,
	BGP_IPV4_FLOWSPEC_VPN,
	BGP_IPV6_FLOWSPEC_VPN,
	BGP_FAMILIES,
	BGP_FAMILY_NONE = BGP_FAMILIES,
};

struct bgp_family_row {
	uint16_t afi;
	uint8_t safi;
	const char *name; /* "ipv4 unicast" */
};

/* BGP_FAMILIES rows, in the order of the enumeration (nlri.c). */
extern const struct bgp_family_row bgp_family_rows[BGP_FAMILIES];

/* BGP_FAMILY_NONE for pairs that are no row. */
enum bgp_family bgp_family_of(uint16_t afi, uint8_t safi);

#endif
