/* The table of information elements: what each one is, how its bytes become a value, and where the value
 * goes.
 *
 * NetFlow v9 field types and IPFIX information elements share one number space, so one table serves both, and
 * the fixed formats v1, v5 and v7 are described in its terms as well. A row knows nothing of templates: the
 * compiler (plan.c) reads rows and decides. Several rows may name one destination; then `rank` says who is
 * preferred and `alt` what happens to the others. */
#ifndef FLOWRIB_DECODE_ELEMENT_H
#define FLOWRIB_DECODE_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEN_IANA    0
#define PEN_REVERSE 29305 /* RFC 5103: the same elements in the other direction */
#define PEN_HUAWEI  2011
#define PEN_PMACCT  43874

#define VARIABLE_LENGTH 65535 /* RFC 7011, 3.2 */

/* What the bytes are: decides which lengths are accepted. */
enum element_type {
	ELEMENT_UINT,  /* unsigned, 1 to 8 bytes: any reduced size (RFC 7011, 6.2); wider ones lose their top
			*/
	ELEMENT_ADDR4, /* exactly 4 bytes */
	ELEMENT_ADDR6, /* exactly 16 */
	ELEMENT_MAC,   /* exactly 6 */
	ELEMENT_BYTES, /* any length, variable too; becomes a struct flow_bytes */
	ELEMENT_TEXT,  /* the same, cut at the first NUL */
	ELEMENT_CALL,  /* len_min to len_max bytes, given to the setter */
};

/* What the rows beyond the preferred one of a destination do. */
enum element_alt {
	ALT_DROP,  /* nothing: counters, where zero is an answer */
	ALT_EMPTY, /* fill in when the destination is still empty: addresses, times, names */
};

enum element_base { BASE_FLOW, BASE_SCRATCH };

struct record;
typedef void element_setter(struct record *r, uint8_t *dst, const uint8_t *src, size_t len);

struct element {
	uint32_t pen;
	uint16_t id;
	uint8_t type;		   /* enum element_type */
	uint8_t base;		   /* enum element_base */
	uint16_t dst;		   /* in struct flow or struct scratch */
	uint8_t width;		   /* of the destination */
	uint8_t rank;		   /* 0 is preferred */
	uint8_t alt;		   /* enum element_alt */
	uint16_t len_min, len_max; /* ELEMENT_CALL */
	uint16_t tunnel; /* destination of the outer header when a template holds two headers; 0: none */
	uint32_t
	    wants; /* WANT_* bits any of which makes the element needed; 0: when its destination is needed */
	uint32_t finish; /* FINISH_* bits: what has to run after a record with this element */
	element_setter *set;
	const char *name; /* as IANA has it */
};

/* What somebody downstream reads, beyond single members (decoder_wants). */
enum want {
	WANT_RATE = 1 << 0,
	WANT_TIMES = 1 << 1,
	WANT_VLAN = 1 << 2,
	WANT_MPLS = 1 << 3,
	WANT_RD = 1 << 4,
	WANT_VRF = 1 << 5,
	WANT_IFACE_NAMES = 1 << 6,
	WANT_APPLICATION = 1 << 7,
	WANT_DELAY = 1 << 8,
	WANT_FRAME = 1 << 9,
	WANT_TUNNEL_ID = 1 << 10,
	WANT_FEATURES = 1 << 11,
	WANT_DIRECTION = 1 << 12,
};

/* Steps after the fields of a record are read, in this order (record.c). */
enum finish {
	FINISH_FRAME,
	FINISH_VLAN,
	FINISH_MPLS,
	FINISH_TIMES,
	FINISH_VRF,
	FINISH_IFACE_NAMES,
	FINISH_APPLICATION,
	FINISH_DELAY,
	FINISH_FEATURES,
	FINISH_RATE,
	FINISH_STEPS
};
#define FINISH_BIT(f) (1u << (f))

/* NULL when there is no such row. */
const struct element *element_find(uint32_t pen, uint16_t id);

/* All rows, in ascending order of pen and id. */
const struct element *element_rows(unsigned *n);

/* True when the element counts octets, so that a record with it is a flow and not an event. */
bool element_is_octets(uint32_t pen, uint16_t id);

#endif
