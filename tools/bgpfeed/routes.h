/* A few routes, spelled out in a text file: for demonstrations and tests.
 *
 *	prefix next-hop as-path [communities]
 *	203.0.113.0/24 192.0.2.1 65010,65020,65030 65010:100,65010:1:2
 *
 * The path is "-" when it is empty; a community of three numbers is a large one (RFC 8092). */
#ifndef FLOWRIB_TOOLS_BGPFEED_ROUTES_H
#define FLOWRIB_TOOLS_BGPFEED_ROUTES_H

#include "tools/bgpfeed/message.h"

/* UPDATEs, one after the other. */
struct routes {
	uint8_t *updates;
	size_t len, cap;
	uint32_t n;
};

/* local_pref: what internal peers add; 0: none. False with a message that names file and line. */
bool routes_read(struct routes *r, const char *path, uint32_t local_pref, char *err, size_t errlen);
void routes_free(struct routes *r);

#endif
