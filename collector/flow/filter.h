/* Filters in libpcap's language over flows (aggregate_filter, the `filter` key of maps).
 *
 * The expression is compiled for Ethernet, and runs over a frame made from the flow: MAC addresses, VLAN
 * tags, MPLS labels, the IP header with addresses, protocol, TOS and flow label, and ports, TCP flags or
 * ICMP's type and code. A tag or a label stack stands in the frame only when the expression speaks of "vlan"
 * or "mpls", so `dst net 192.0.2.0/24` finds such flows too, without "vlan and". What a flow does not know is
 * zero; `len` is the made frame's. */
#ifndef FLOWRIB_FLOW_FILTER_H
#define FLOWRIB_FLOW_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/flow/flow.h"

struct filter;

/* NULL and a message in err when the expression is not understood. */
struct filter *filter_new(const char *expression, char *err, size_t errlen);
void filter_free(struct filter *filter);

/* Marks what the filter reads of a flow. */
void filter_need(const struct filter *filter, struct flow_needs *needs);

/* True when the flow passes. Any number of threads may share a filter. */
bool filter_match(const struct filter *filter, const struct flow *f);

#endif
