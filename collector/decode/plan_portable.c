/* Processors without a byte shuffle we use: every plan is interpreted. */
#include "collector/decode/plan.h"

bool
shuffle_compile(struct plan *p, size_t extent, struct plan_op *rest, uint16_t *rests)
{
	(void)p;
	(void)extent;
	(void)rest;
	*rests = 0;
	return false;
}

void
shuffle_free(struct shuffle *s)
{
	(void)s;
}

size_t
shuffle_reach(const struct shuffle *s)
{
	(void)s;
	return 0;
}

void
shuffle_prepare(const struct shuffle *s, struct flow *proto)
{
	(void)s;
	(void)proto;
}

void
shuffle_run(const struct shuffle *s, struct flow *f, const struct flow *proto, const uint8_t *rec)
{
	(void)s;
	(void)f;
	(void)proto;
	(void)rec;
}
