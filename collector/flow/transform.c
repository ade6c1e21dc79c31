/* Changes of a flow for one plugin: a step is a row, and a plugin's transform holds the steps it needs.
 * Saving six bytes was preferred to a copy of the flow's hot part, which is four cache lines. */
#include "collector/flow/transform.h"

#define FOLDED_PORT 0
#define FOLDED	    255 /* protocols and types of service */

/* A step may change only what struct transform_saved saves. */
typedef void transform_step(const struct transform_keys *k, struct flow *f);

/* Each side by itself: a flow from a listed to an unlisted port keeps the listed one. */
static void
fold_ports(const struct transform_keys *k, struct flow *f)
{
	if (!list_has(k->ports, f->src_port))
		f->src_port = FOLDED_PORT;
	if (!list_has(k->ports, f->dst_port))
		f->dst_port = FOLDED_PORT;
}

/* 255 and not 0, which is a protocol (IPv6 hop-by-hop options). */
static void
fold_proto(const struct transform_keys *k, struct flow *f)
{
	if (!list_has(k->protos, f->proto))
		f->proto = FOLDED;
}

/* RFC 2474: the upper six bits; the lower two are ECN (RFC 3168) and would split one class into four. */
static void
tos_to_dscp(const struct transform_keys *k, struct flow *f)
{
	(void)k;
	f->tos >>= 2;
}

/* Runs behind tos_to_dscp, so the list then holds DSCP values, none of which can be 255. */
static void
fold_tos(const struct transform_keys *k, struct flow *f)
{
	if (!list_has(k->tos, f->tos))
		f->tos = FOLDED;
}

#define STEPS 4

/* The keys are copied, the lists behind them are not (see transform.h). */
struct transform {
	struct transform_keys keys;
	transform_step *step[STEPS];
	unsigned steps;
};

/* In the order of their running: tos_file holds DSCP values when both are asked for. */
static void
steps_collect(struct transform *t)
{
	const struct transform_keys *k = &t->keys;
	const struct {
		bool wanted;
		transform_step *step;
	} row[STEPS] = {
	    {k->ports != NULL, fold_ports},
	    {k->protos != NULL, fold_proto},
	    {k->tos_as_dscp, tos_to_dscp},
	    {k->tos != NULL, fold_tos},
	};
	for (unsigned i = 0; i < STEPS; i++)
		if (row[i].wanted)
			t->step[t->steps++] = row[i].step;
}

/* NULL for "nothing to do" lets the fan-out skip saving and restoring for most plugins. */
bool
transform_new(struct transform **out, const struct transform_keys *keys)
{
	struct transform *t = calloc(1, sizeof(*t));
	*out = NULL;
	if (!t)
		return false;
	t->keys = *keys;
	steps_collect(t);
	if (t->steps > 0)
		*out = t;
	else
		free(t);
	return true;
}

/* NULL is let pass; the lists are the caller's. */
void
transform_free(struct transform *t)
{
	free(t);
}

/* All four members are saved whichever steps run: a copy of six bytes is cheaper than to ask. */
void
transform_apply(const struct transform *t, struct flow *f, struct transform_saved *saved)
{
	*saved = (struct transform_saved){f->src_port, f->dst_port, f->proto, f->tos};
	for (unsigned i = 0; i < t->steps; i++)
		t->step[i](&t->keys, f);
}
