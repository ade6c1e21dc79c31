/* Addresses of flows out of given prefixes, such as those of a routing table, in the place of the
 * population's own. A collector that looks routes up then has to find all of them. */
#ifndef FLOWRIB_TOOLS_FLOWGEN_PLACES_H
#define FLOWRIB_TOOLS_FLOWGEN_PLACES_H

#include "collector/base/addr.h"
#include "tools/flowgen/population.h"

struct places {
	struct prefix *prefix[2]; /* IPv4, IPv6 */
	uint32_t n[2], cap[2];
};

/* False with a message. */
bool places_read(struct places *p, const char *path, char *err, size_t errlen);
void places_free(struct places *p);

/* Moves a flow: its client to one prefix, its server to another, any as often as any other. Nothing happens
 * without prefixes of its family. Flows are no longer distinct for certain, only most of them. */
void places_move(const struct places *p, struct gen_flow *f, uint64_t seed);

#endif
