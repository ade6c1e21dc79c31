/* Processors without a byte shuffle we use: every plan is interpreted.
 *
 * The same functions as plan_ssse3.c. shuffle_compile() says that it can do nothing, so no plan has a
 * shuffle and the others are never called; they exist for the linker. A NEON version would replace this
 * file. */
#include "collector/decode/plan.h"

#if !defined(__x86_64__)

/* False: every operation is left to the interpreter. */
bool
shuffle_compile(struct plan *p, size_t extent, struct plan_op *rest, uint16_t *rests)
{
	(void)p;
	(void)extent;
	(void)rest;
	/* nothing is left beside a shuffle that does not exist */
	*rests = 0;
	return false;
}

void
shuffle_free(struct shuffle *s)
{
	(void)s;
}

/* Not reached without a shuffle. */
size_t
shuffle_reach(const struct shuffle *s)
{
	(void)s;
	return 0;
}

void
shuffle_prepare(const struct shuffle *s, struct flow *proto, bool begin)
{
	(void)begin;
	(void)s;
	(void)proto;
}

void
shuffle_run(const struct shuffle *s, uint8_t *flow, const uint8_t *proto, const uint8_t *rec, size_t len,
	    unsigned n)
{
	(void)s;
	(void)flow;
	(void)proto;
	(void)rec;
	(void)len;
	(void)n;
}

#endif
