/* Lists of a route, cut down to what the operator wants of them.
 *
 * Patterns (bgp_stdcomm_pattern and its siblings) are text, communities are numbers: making text of a list
 * for every flow would cost more than looking the route up. The same lists come again and again, so which
 * communities of a list match is remembered, by a hash of the list that is seeded at random. The id of a list
 * would be shorter, but ids are used again. What is cut goes to a scratch area that lives as long as a batch.
 */
#ifndef FLOWRIB_CORE_CORRELATE_LIST_H
#define FLOWRIB_CORE_CORRELATE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/flow/flow.h"

enum comm_type { COMM_STD, COMM_EXT, COMM_LRG, COMM_TYPES };

#define COMM_PATTERNS_MAX 16

/* Room for the lists of one batch. */
struct route_scratch {
	uint8_t *mem;
	size_t used, cap;
};
bool route_scratch_init(struct route_scratch *s);
void route_scratch_free(struct route_scratch *s);

struct comm_filter;

/* From patterns separated by commas; a dot stands for any one character, and a pattern may match anywhere in
 * the text of a community ("65000:1", "RT:65000:1", "65000:1:2"; well-known ones by name or number). NULL
 * with a message. */
struct comm_filter *comm_filter_new(enum comm_type type, const char *patterns, char *err, size_t errlen);
void comm_filter_free(struct comm_filter *f);

/* The communities of list that match, in their order. Points to list itself when all do. */
struct flow_bytes comm_filter_keep(struct comm_filter *f, struct flow_bytes list, struct route_scratch *s);

/* The first two numbers of the first community that matches; false when none does. */
bool comm_filter_asns(struct comm_filter *f, struct flow_bytes list, uint32_t *first, uint32_t *second);

/* The first so many hops of an AS path; a set counts as one hop. */
struct flow_bytes path_cut(struct flow_bytes path, unsigned hops, struct route_scratch *s);

/* The last AS of a path, whatever segment it stands in; 0 for an empty one. */
uint32_t path_last(struct flow_bytes path);
/* The first AS that is in no confederation; the first one of all when there is none such. 0 for a path that
 * begins with a set. */
uint32_t path_first_external(struct flow_bytes path);

#endif
