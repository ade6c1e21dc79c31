/* Single values: text for people, and the way back for the client's match language and for tests.
 *
 * The binary form of the lists, in struct flow and in keys (host byte order, unaligned, no padding):
 *
 *	VALUE_AS_PATH	 segments, each: uint8_t type (RFC 4271, 4.3 and RFC 5065: 1 set, 2 sequence, 3 confed
 *			 sequence, 4 confed set), uint8_t count, uint32_t asn[count]
 *	VALUE_STD_COMM	 uint32_t each (RFC 1997: AS number in the upper half)
 *	VALUE_EXT_COMM	 8 bytes each, as on the wire (RFC 4360)
 *	VALUE_LRG_COMM	 uint32_t[3] each (RFC 8092)
 *	VALUE_MPLS_STACK uint32_t label each, outermost first
 *	VALUE_SEGMENTS	 16 bytes each, as on the wire
 *	VALUE_RD	 uint64_t: the eight bytes of RFC 4364, 4.2 read as one big-endian number, or
 *			 RD_TYPE_VRFID
 */
#ifndef FLOWRIB_FLOW_VALUE_H
#define FLOWRIB_FLOW_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/flow/primitive.h"

/* The name of an IP protocol as pmacct's fixed table has it ("tcp"), or NULL. */
const char *proto_name(uint8_t proto);
/* By name (case does not matter) or number; false when it is neither. */
bool proto_parse(uint8_t *proto, const char *text);

/* The name of a well-known community (host byte order) as pmacct prints it ("no-export"), or NULL. */
const char *community_name(uint32_t community);

/* Reads text as a value of primitive p into out (p->width bytes; for variable ones up to cap bytes), sets
 * *len. False with a message. Used by the client's -c/-M/-N and by the round-trip test of the table. */
bool value_parse(const struct primitive *p, const char *text, uint8_t *out, size_t cap, size_t *len,
		 char *err, size_t errlen);

/* How many of the first max bytes of a variable value may be kept, so that no element, AS path segment or
 * UTF-8 letter is cut through. A len within max is kept whole. */
size_t value_cut(enum value_type type, const uint8_t *p, size_t len, size_t max);

#endif
