/* Single values: text for people, and the way back for the client's match language and for tests.
 *
 * Routing attributes have the binary forms of collector/base/routetext.h, in struct flow and in keys. Other
 *lists (host byte order, unaligned, no padding):
 *
 *	VALUE_MPLS_STACK uint32_t label each, outermost first
 *	VALUE_SEGMENTS	 16 bytes each, as on the wire
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

/* Reads text as a value of primitive p into out (p->width bytes; for variable ones up to cap bytes), sets
 * *len. False with a message. Used by the client's -c/-M/-N and by the round-trip test of the table. */
bool value_parse(const struct primitive *p, const char *text, uint8_t *out, size_t cap, size_t *len,
		 char *err, size_t errlen);

/* How many of the first max bytes of a variable value may be kept, so that no element, AS path segment or
 * UTF-8 letter is cut through. A len within max is kept whole. */
size_t value_cut(enum value_type type, const uint8_t *p, size_t len, size_t max);

#endif
