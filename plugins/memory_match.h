/* The queries of one request, compiled for walking the table once. */
#ifndef FLOWRIB_PLUGINS_MEMORY_MATCH_H
#define FLOWRIB_PLUGINS_MEMORY_MATCH_H

#include "plugins/memory_protocol.h"

struct match;

/* Takes all values of r (r->values is used up). NULL with a message in err. l must outlive the result. */
struct match *match_new(const struct layout *l, struct memory_request *r, char *err, size_t errlen);
void match_free(struct match *m);

uint32_t match_queries(const struct match *m);

/* How much work an entry is, in units of about one comparison. */
unsigned match_cost(const struct match *m);

/* Does any query want this record? */
bool match_any(struct match *m, const uint8_t *record);

/* Calls fn for every query that wants it. */
typedef void match_hit(void *ctx, uint32_t query);
void match_each(struct match *m, const uint8_t *record, match_hit *fn, void *ctx);

/* True when every query gives every column of the key: then the index answers, and no walk is needed. */
bool match_exact(const struct match *m);
/* Does an earlier query ask for just the same? */
bool match_repeated(const struct match *m, uint32_t q);
/* The key query q asks for, as an entry of this kind (enum flow_kind) has it, valid until the next call. Only
 * when match_exact(). */
const uint8_t *match_key(struct match *m, uint32_t q, uint8_t kind);

#endif
