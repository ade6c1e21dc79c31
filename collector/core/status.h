/* What the collector counts, as text for people, JSON for programs, and Prometheus exposition text. */
#ifndef FLOWRIB_CORE_STATUS_H
#define FLOWRIB_CORE_STATUS_H

#include "bgp/bgp.h"
#include "collector/base/text.h"
#include "collector/core/instance.h"
#include "collector/core/source.h"

struct status {
	struct sources *sources;
	struct instances *instances;
	const struct bgp *bgp; /* NULL: none */
	uint64_t started_us;   /* wall clock */
};

/* All of these are for threads that joined readers. */
void status_text(const struct status *s, struct text *out);
void status_json(const struct status *s, struct text *out);

/* Text exposition format 0.0.4. */
void status_prometheus(const struct status *s, struct text *out);

/* The same as status_text, line by line into the log (SIGUSR1); then, for scripts that read pmacct's log, its
 * "stats" lines. */
void status_log(const struct status *s);

#endif
