/* Sampling rates that exporters tell, and the rate of a record.
 *
 * A rate is a fraction: a counter is to be multiplied by num / den. Exporters tell it in options data, bound
 * to a selector (samplerId 48, selectorId 302), to an interface (scope), or to the whole domain; in the
 * record itself; or in the header of v5. */
#ifndef FLOWRIB_DECODE_SAMPLING_H
#define FLOWRIB_DECODE_SAMPLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow;
struct message;
struct record;
struct scratch;

struct rate {
	uint64_t num, den; /* num 0: unknown */
};

enum sampler_scope { SAMPLER_DOMAIN, SAMPLER_SELECTOR, SAMPLER_INTERFACE };

struct sampler {
	uint64_t id; /* of selector or interface */
	uint8_t scope;
	struct rate rate;
};

struct samplers {
	struct sampler *row; /* sorted by scope and id */
	unsigned n, cap;
	struct rate whole; /* of the domain; num 0: none */
};

#define SAMPLERS_MAX 4096

/* The rate that values standing together describe; unknown when they say nothing. */
struct rate rate_from(const struct scratch *s);

/* Sets a rate. False when there are too many or memory is short; *changed tells whether anything is new. */
bool samplers_set(struct samplers *s, enum sampler_scope scope, uint64_t id, struct rate rate, bool *changed);
struct rate samplers_find(const struct samplers *s, enum sampler_scope scope, uint64_t id);
void samplers_free(struct samplers *s);

/* Finds the record's rate, stores or applies it. */
void rate_apply(struct record *r);

/* When all records of a set have the same rate, puts it into the flow they begin as and returns true: then
 * rate_apply() is not needed, and the caller counts the records with rate_unknown() when proto has none. */
bool rate_of_set(struct record *r, struct flow *proto);
void rate_unknown(const struct message *m, uint64_t records);

#endif
