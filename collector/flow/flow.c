#include "collector/flow/flow.h"

void
flow_need(struct flow_needs *needs, size_t offset, size_t n)
{
	memset(needs->byte + offset, 1, n);
	size_t end = offset + n > FLOW_HOT_BYTES ? offset + n : FLOW_HOT_BYTES;
	if (needs->extent < end)
		needs->extent = end;
}

bool
flow_batch_init(struct flow_batch *b, const struct flow_needs *needs)
{
	b->mem = aligned_alloc(64, FLOW_BATCH_MAX * FLOW_STRIDE);
	b->n = 0;
	b->extent = needs->extent > FLOW_HOT_BYTES ? needs->extent : FLOW_HOT_BYTES;
	if (b->mem)
		memset(b->mem, 0, FLOW_BATCH_MAX * FLOW_STRIDE);
	return b->mem != NULL;
}

void
flow_batch_free(struct flow_batch *b)
{
	free(b->mem);
	b->mem = NULL;
}
