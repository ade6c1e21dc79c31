/* See packet_custom.h. A pointer's protocol is the EtherType at l3, the IP protocol at l4 and a port, of
 * either side, at payload; elsewhere it means nothing. */
#include "collector/decode/packet_custom.h"

#include "collector/base/wire.h"

#define VARIABLE_MAX 255

/* what struct packet calls these places; -1 is the first byte of the frame */
static const int point_of[] = {
    [CUSTOM_LAYER_PACKET] = -1,
    [CUSTOM_LAYER_MAC] = PACKET_AT_MAC,
    [CUSTOM_LAYER_VLAN] = PACKET_AT_VLAN,
    [CUSTOM_LAYER_MPLS] = PACKET_AT_MPLS,
    [CUSTOM_LAYER_L3] = PACKET_AT_L3,
    [CUSTOM_LAYER_L4] = PACKET_AT_L4,
    [CUSTOM_LAYER_PAYLOAD] = PACKET_AT_PAYLOAD,
};

/* Beside the places themselves, the members that protocol_fits() compares. */
void
packet_custom_needs(const struct custom_list *list, struct flow_needs *needs)
{
	for (unsigned i = 0; i < list->n; i++) {
		const struct primitive *row = primitive_get(list->def[i].id);
		if (!list->def[i].pointers)
			continue;
		flow_need(needs, row->offset, row->width);
		/* compared with the pointer's protocol */
		FLOW_NEED(needs, etype);
		FLOW_NEED(needs, proto);
		FLOW_NEED(needs, src_port);
		FLOW_NEED(needs, dst_port);
	}
}

/* The pointer's protocol against what the walk has found, always that of the outer headers. */
static bool
protocol_fits(const struct custom_pointer *c, const struct flow *f)
{
	if (c->any_proto)
		return true;
	switch (c->layer) {
	case CUSTOM_LAYER_L3:
		return f->etype == c->proto;
	case CUSTOM_LAYER_L4:
		return f->proto == c->proto;
	case CUSTOM_LAYER_PAYLOAD:
		return f->src_port == c->proto || f->dst_port == c->proto;
	default:
		return true;
	}
}

/* The bytes that pointer c names, or NULL; *left gets how many there are to the end of the frame. */
static const uint8_t *
follow(const struct custom_pointer *c, const struct packet *p, const struct flow *f, struct wire frame,
       size_t *left)
{
	int point = point_of[c->layer];
	size_t start = point < 0 ? 0 : p->point[point];
	if (start == PACKET_NOWHERE || !protocol_fits(c, f))
		return NULL;
	/* beyond the end: failed, and nothing left */
	wire_skip(&frame, start + c->offset);
	*left = wire_left(&frame);
	return *left ? frame.pos : NULL;
}

/* There are d->len bytes at from. Cut to 255 in the variable form, which is no copy: it points into the
 * frame. */
static void
store(const struct custom_definition *d, struct flow *f, const uint8_t *from, size_t left)
{
	uint8_t *to = (uint8_t *)f + primitive_get(d->id)->offset;
	if (d->len == 0) {
		struct flow_bytes value = {from, (uint32_t)(left < VARIABLE_MAX ? left : VARIABLE_MAX)};
		memcpy(to, &value, sizeof(value));
	} else if (d->semantics == CUSTOM_UINT) {
		/* len is 1, 2, 4 or 8 */
		uint64_t value = load_be(from, d->len);
		memcpy(to, &value, d->len); /* host order: the low bytes come first */
	} else {
		memcpy(to, from, d->len);
	}
}

/* The first pointer that fits and finds enough bytes wins; with none the place stays zero. */
void
packet_custom_fill(const struct custom_list *list, const struct packet *p, struct flow *f,
		   const uint8_t *data, size_t caplen)
{
	for (unsigned i = 0; i < list->n; i++) {
		const struct custom_definition *d = &list->def[i];
		for (unsigned k = 0; k < d->pointers; k++) {
			size_t left = 0;
			const uint8_t *from = follow(&d->pointer[k], p, f, wire_over(data, caplen), &left);
			/* a value cut short is no value */
			if (!from || left < d->len)
				continue;
			store(d, f, from, left);
			break;
		}
	}
}
