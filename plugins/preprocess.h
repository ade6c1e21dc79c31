/* *_preprocess: which aggregates are worth writing, by their counters. */
#ifndef FLOWRIB_PLUGINS_PREPROCESS_H
#define FLOWRIB_PLUGINS_PREPROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/flow/layout.h"

#define PREPROCESS_MAX 16

struct preprocess_check {
	uint8_t row; /* of the table of checks */
	uint64_t limit;
};

struct preprocess {
	struct preprocess_check check[PREPROCESS_MAX];
	unsigned n;
	bool all;  /* all checks must pass, not just one */
	int flows; /* place of the flows counter, -1 when the layout has none */
};

/* Reads "minp=10, maxb=1000". text may be NULL: everything passes. Checks that only SQL plugins know are
 * passed over. False with a message in err. */
bool preprocess_parse(struct preprocess *p, const char *text, bool all, const struct layout *l, char *err,
		      size_t errlen);

bool preprocess_test(const struct preprocess *p, const uint64_t *counters);

/* True when the aggregate with these counters is to be written. */
static inline bool
preprocess_pass(const struct preprocess *p, const uint64_t *counters)
{
	return p->n == 0 || preprocess_test(p, counters);
}

#endif
