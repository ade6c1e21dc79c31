/* What routes carry, as text, and the way back: AS paths, communities, route distinguishers.
 *
 * Flows and routes show them alike, so it stands below both. The binary form of the lists (host byte order,
 * unaligned, no padding):
 *
 *	AS path	     segments, each: uint8_t type (RFC 4271, 4.3 and RFC 5065: 1 set, 2 sequence, 3 confed
 *		     sequence, 4 confed set), uint8_t count, uint32_t asn[count]
 *	communities  uint32_t each (RFC 1997: AS number in the upper half)
 *	extended     8 bytes each, as on the wire (RFC 4360)
 *	large	     uint32_t[3] each (RFC 8092)
 *
 * and a route distinguisher is the eight bytes of RFC 4364, 4.2 read as one big-endian number, or
 * RD_TYPE_VRFID.
 *
 * The put functions write a JSON array of strings, brackets included (array), or one text joined by joint;
 * they check no room: text needs ROUTETEXT_ROOM() of the bytes that the value has. */
#ifndef FLOWRIB_BASE_ROUTETEXT_H
#define FLOWRIB_BASE_ROUTETEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The type of a route distinguisher that is none: the exporter's number of the VRF stands in the lower 32
 * bits. */
#define RD_TYPE_VRFID 0xffffULL

#define RD_TEXT_MAX 40

/* The longest text of a list of n bytes: an AS path of many segments of one AS (6 bytes become a number of
 * ten digits, two brackets, and four bytes of an array), communities by name (4 bytes become 20 and 4). */
#define ROUTETEXT_ROOM(n) (6 * (size_t)(n) + 64)

char *put_as_path(char *p, const uint8_t *v, size_t len, char joint, bool array);
/* numeric: well-known communities are not shown by name. */
char *put_std_comms(char *p, const uint8_t *v, size_t len, char joint, bool array, bool numeric);
char *put_ext_comms(char *p, const uint8_t *v, size_t len, char joint, bool array);
char *put_lrg_comms(char *p, const uint8_t *v, size_t len, char joint, bool array);
/* "0:65000:1", "1:192.0.2.1:1", "vrfid:7"; at most RD_TEXT_MAX bytes. */
char *put_rd(char *p, uint64_t rd);

/* "vrfid:5", "0:65000:1" with the type in front, or "65000:1" without. Two colons or more mean that the
 * type is given; an administrator that does not fit the type is an error. */
bool rd_parse(uint64_t *rd, const char *text);

/* "admin:value" of route distinguishers and extended communities. type is 0 for an AS number of 16 bits, 1
 * for an IPv4 address, 2 for an AS number of 32 bits; 6 bytes follow. */
struct route_admin {
	unsigned type;
	uint64_t six; /* administrator and value */
};
/* Moves *s behind it. */
bool route_admin_scan(const char **s, struct route_admin *a);

/* The name of a well-known community (host byte order) as pmacct prints it ("no-export"), or NULL. */
const char *community_name(uint32_t community);
/* "65000:1" or a name. Case does not matter for names, as pmacct writes local-AS. Moves *s behind it. */
bool community_scan(const char **s, uint32_t *community);

#endif
