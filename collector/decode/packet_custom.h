/* Custom primitives out of a packet (aggregate_primitives, packet_ptr). */
#ifndef FLOWRIB_DECODE_PACKET_CUSTOM_H
#define FLOWRIB_DECODE_PACKET_CUSTOM_H

#include "collector/decode/packet.h"
#include "collector/flow/custom.h"

/* Marks what packet_custom_fill reads and writes, when list has definitions with pointers. */
void packet_custom_needs(const struct custom_list *list, struct flow_needs *needs);

/* Fills f's custom primitives from the frame that p describes, caplen bytes at data. Of a definition's
 * pointers the first is taken whose layer is there, whose protocol fits, and whose bytes lie within the
 * frame; without one the value stays empty. Values of variable length point into data. */
void packet_custom_fill(const struct custom_list *list, const struct packet *p, struct flow *f,
			const uint8_t *data, size_t caplen);

#endif
