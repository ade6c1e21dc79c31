/* Names of IP protocols. A fixed table, not /etc/protocols: outputs must not depend on the machine, and
 * operators' queries and databases hold these names. */
#include <strings.h>

#include "collector/flow/value.h"

/* clang-format off */
static const char *const names[256] = {
	[1] = "icmp", [2] = "igmp", [3] = "ggp", [4] = "ipencap", [6] = "tcp", [8] = "egp", [9] = "igp",
	[17] = "udp", [18] = "mux", [41] = "ipv6", [43] = "ipv6-route", [44] = "ipv6-frag", [46] = "rsvp",
	[47] = "gre", [50] = "esp", [51] = "ah", [55] = "mobile", [56] = "tlsp", [58] = "ipv6-icmp",
	[59] = "ipv6-nonxt", [60] = "ipv6-opts", [80] = "iso-ip", [83] = "vines", [88] = "eigrp", [89] = "ospf",
	[91] = "larp", [93] = "ax.25", [94] = "ipip", [98] = "encap", [102] = "pnni", [103] = "pim",
	[108] = "IPcomp", [111] = "ipx-in-ip", [112] = "vrrp", [115] = "l2tp", [124] = "isis", [132] = "sctp",
	[133] = "fc", [143] = "ethernet", [255] = "others",
};
/* clang-format on */

const char *
proto_name(uint8_t proto)
{
	return names[proto];
}

/* The names first: no name is a number. A linear search, since this runs for configuration and queries
 * only. */
bool
proto_parse(uint8_t *proto, const char *text)
{
	char *end;

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i] && strcasecmp(names[i], text) == 0) {
			*proto = (uint8_t)i;
			return true;
		}
	unsigned long v = strtoul(text, &end, 10);
	*proto = (uint8_t)v;
	return *text >= '0' && *text <= '9' && *end == '\0' && v <= UINT8_MAX;
}
