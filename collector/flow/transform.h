/* What one plugin wants changed in a flow before its key is packed: folding of ports, protocols and types of
 * service, DSCP instead of TOS. Several plugins are handed the same flow, so what is touched is saved and put
 * back:
 *
 *	struct transform_saved saved;
 *	if (t)
 *		transform_apply(t, f, &saved);
 *	layout_pack(...);
 *	if (t)
 *		transform_restore(f, &saved);
 *
 * A plugin without such keys has no transform (NULL) and pays one test. */
#ifndef FLOWRIB_FLOW_TRANSFORM_H
#define FLOWRIB_FLOW_TRANSFORM_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/flow/flow.h"
#include "collector/flow/lists.h"

/* The keys. Lists are the caller's and must outlive the transform; NULL: none. */
struct transform_keys {
	const struct list *ports;  /* ports_file: others become 0 */
	const struct list *protos; /* protos_file: others become 255 */
	const struct list *tos;	   /* tos_file: others become 255; DSCP values with tos_as_dscp */
	bool tos_as_dscp;	   /* tos_encode_as_dscp: the upper six bits, 0 to 63 */
};

struct transform;

/* Compiles the keys. *t becomes NULL when there is nothing to do. False when memory is short. */
bool transform_new(struct transform **t, const struct transform_keys *keys);
void transform_free(struct transform *t);

/* The members that transforms touch. */
struct transform_saved {
	uint16_t src_port;
	uint16_t dst_port;
	uint8_t proto;
	uint8_t tos;
};

void transform_apply(const struct transform *t, struct flow *f, struct transform_saved *saved);

static inline void
transform_restore(struct flow *f, const struct transform_saved *saved)
{
	f->src_port = saved->src_port;
	f->dst_port = saved->dst_port;
	f->proto = saved->proto;
	f->tos = saved->tos;
}

#endif
