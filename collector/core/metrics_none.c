/* Built without libmicrohttpd. The key stays known, and who sets it is told what to build: a collector that
 * silently has no metrics would look like one that is dead. */
#include "collector/core/metrics.h"

struct metrics *
metrics_open(const struct addr *address, uint16_t port, const struct status *s, char *err, size_t errlen)
{
	(void)address, (void)port, (void)s;
	snprintf(err, errlen, "metrics_listen: this build has no HTTP server; configure --with-microhttpd");
	return NULL;
}

void
metrics_close(struct metrics *m)
{
	(void)m;
}
