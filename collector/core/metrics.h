/* Prometheus text over HTTP (metrics_listen). Off by default; the server runs on a thread of its own,
 * reads the registry of counters, and asks the source threads for what they know of exporters. */
#ifndef FLOWRIB_CORE_METRICS_H
#define FLOWRIB_CORE_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/base/addr.h"
#include "collector/core/status.h"

struct metrics;

/* Answers GET /metrics at address and port. NULL with a message in err. s must outlive the server. */
struct metrics *metrics_open(const struct addr *address, uint16_t port, const struct status *s, char *err,
			     size_t errlen);
void metrics_close(struct metrics *m);

#endif
