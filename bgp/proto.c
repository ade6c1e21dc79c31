/* Address families as rows. A new one is a row here, an enumerator in proto.h, and its walker in nlri.c. */
#include "bgp/proto.h"

const struct bgp_family_row bgp_family_rows[BGP_FAMILIES] = {
    [BGP_IPV4_UNICAST] = {BGP_AFI_IPV4, BGP_SAFI_UNICAST, "ipv4 unicast"},
    [BGP_IPV6_UNICAST] = {BGP_AFI_IPV6, BGP_SAFI_UNICAST, "ipv6 unicast"},
    [BGP_IPV4_LABELED] = {BGP_AFI_IPV4, BGP_SAFI_LABELED, "ipv4 labeled unicast"},
    [BGP_IPV6_LABELED] = {BGP_AFI_IPV6, BGP_SAFI_LABELED, "ipv6 labeled unicast"},
    [BGP_IPV4_VPN] = {BGP_AFI_IPV4, BGP_SAFI_VPN, "ipv4 vpn"},
    [BGP_IPV6_VPN] = {BGP_AFI_IPV6, BGP_SAFI_VPN, "ipv6 vpn"},
    [BGP_IPV4_MULTICAST] = {BGP_AFI_IPV4, BGP_SAFI_MULTICAST, "ipv4 multicast"},
    [BGP_IPV6_MULTICAST] = {BGP_AFI_IPV6, BGP_SAFI_MULTICAST, "ipv6 multicast"},
    [BGP_IPV4_MCAST_VPN] = {BGP_AFI_IPV4, BGP_SAFI_MCAST_VPN, "ipv4 mcast-vpn"},
    [BGP_IPV6_MCAST_VPN] = {BGP_AFI_IPV6, BGP_SAFI_MCAST_VPN, "ipv6 mcast-vpn"},
    [BGP_VPLS] = {BGP_AFI_L2VPN, BGP_SAFI_VPLS, "l2vpn vpls"},
    [BGP_EVPN] = {BGP_AFI_L2VPN, BGP_SAFI_EVPN, "l2vpn evpn"},
    [BGP_LS] = {BGP_AFI_LS, BGP_SAFI_LS, "link-state"},
    [BGP_LS_VPN] = {BGP_AFI_LS, BGP_SAFI_LS_VPN, "link-state vpn"},
    [BGP_IPV4_SR_POLICY] = {BGP_AFI_IPV4, BGP_SAFI_SR_POLICY, "ipv4 sr-policy"},
    [BGP_IPV6_SR_POLICY] = {BGP_AFI_IPV6, BGP_SAFI_SR_POLICY, "ipv6 sr-policy"},
    [BGP_IPV4_VPN_MULTICAST] = {BGP_AFI_IPV4, BGP_SAFI_VPN_MULTICAST, "ipv4 vpn multicast"},
    [BGP_IPV6_VPN_MULTICAST] = {BGP_AFI_IPV6, BGP_SAFI_VPN_MULTICAST, "ipv6 vpn multicast"},
    [BGP_RTC] = {BGP_AFI_IPV4, BGP_SAFI_RTC, "route target constraints"},
    [BGP_IPV4_FLOWSPEC] = {BGP_AFI_IPV4, BGP_SAFI_FLOWSPEC, "ipv4 flowspec"},
    [BGP_IPV6_FLOWSPEC] = {BGP_AFI_IPV6, BGP_SAFI_FLOWSPEC, "ipv6 flowspec"},
    [BGP_IPV4_FLOWSPEC_VPN] = {BGP_AFI_IPV4, BGP_SAFI_FLOWSPEC_VPN, "ipv4 flowspec vpn"},
    [BGP_IPV6_FLOWSPEC_VPN] = {BGP_AFI_IPV6, BGP_SAFI_FLOWSPEC_VPN, "ipv6 flowspec vpn"},
};

enum bgp_family
bgp_family_of(uint16_t afi, uint8_t safi)
{
	unsigned i = 0;
	while (i < BGP_FAMILIES && (bgp_family_rows[i].afi != afi || bgp_family_rows[i].safi != safi))
		i++;
	return (enum bgp_family)i;
}
