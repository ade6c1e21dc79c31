/* A snapshot of routes, back into the RIB at the start: stale routes of peers without session. */
#ifndef FLOWRIB_BGP_RESTORE_H
#define FLOWRIB_BGP_RESTORE_H

#include "bgp/world.h"

/* On the thread that is to be the writer, or before it begins. False with a message when the file cannot be
 * used as a whole; what was read until then stays, and leaves as all stale routes do. */
bool bgp_restore(struct bgp_world *w, const char *path, char *err, size_t errlen);

#endif
