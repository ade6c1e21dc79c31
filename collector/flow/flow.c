/* What of a flow is needed, and the memory of a batch. Both are settled before a source starts; after that
 * nothing here is called. */
#include "collector/flow/flow.h"

/* The extent never shrinks and never ends inside the hot part, which decoders fill without asking. */
void
flow_need(struct flow_needs *needs, size_t offset, size_t n)
{
	memset(needs->byte + offset, 1, n);
	size_t end = offset + n > FLOW_HOT_BYTES ? offset + n : FLOW_HOT_BYTES;
	if (needs->extent < end)
		needs->extent = end;
}

/* Zeroed once: a member beyond the extent is never cleared again, so it must read as zero from the start,
 * also for the 16-byte copies of a layout that run over it. */
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

/* May be called for a batch whose init failed. */
void
flow_batch_free(struct flow_batch *b)
{
	free(b->mem);
	b->mem = NULL;
}
