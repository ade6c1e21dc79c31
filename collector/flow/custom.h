/* Custom primitives: the lines of the file of aggregate_primitives.
 *
 *	name=ttl packet_ptr=l3:0x800+8 packet_ptr=l3:0x86dd+7 len=1 semantics=u_int
 *	name=vrf_in field_type=234 len=4 semantics=u_int
 *
 * A line becomes a row of the table of primitives, and a definition here that tells the decoders where its
 * bytes come from. Where one information element is named by several definitions, the first takes its first
 * occurrence in a record, the second its second, and so on. */
#ifndef FLOWRIB_FLOW_CUSTOM_H
#define FLOWRIB_FLOW_CUSTOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/flow/primitive.h"

#define CUSTOM_POINTERS_MAX 8

enum custom_layer {
	CUSTOM_LAYER_PACKET, /* from the first byte captured */
	CUSTOM_LAYER_MAC,
	CUSTOM_LAYER_VLAN,
	CUSTOM_LAYER_MPLS,
	CUSTOM_LAYER_L3,
	CUSTOM_LAYER_L4,
	CUSTOM_LAYER_PAYLOAD,
};

/* A place in a packet; the first pointer whose layer and protocol are there is taken. */
struct custom_pointer {
	enum custom_layer layer;
	bool any_proto; /* proto was not given */
	uint16_t proto; /* Ethernet type at l3, IP protocol at l4, port at payload */
	uint16_t offset;
};

struct custom_definition {
	primitive_id id;
	uint32_t pen;	    /* 0: an IANA element, or a NetFlow v9 field */
	uint16_t element;   /* 0: not from a record's field */
	uint8_t occurrence; /* of the element in a record, from 0 */
	uint8_t len;	    /* bytes; 0: variable */
	enum custom_semantics semantics;
	struct custom_pointer pointer[CUSTOM_POINTERS_MAX];
	unsigned pointers;
};

struct custom_list {
	struct custom_definition def[PRIMITIVES_CUSTOM_MAX];
	unsigned n;
};

/* Reads one line (without its newline): adds the row and the definition. Empty lines and lines that begin
 * with ! or # do nothing. False with a message in err; list is then unchanged. */
bool custom_load_line(struct custom_list *list, const char *line, char *err, size_t errlen);

#endif
