/* Exporters as rows: for people, and as metrics. Both are made from the decoders' own status. */
#ifndef FLOWRIB_CORE_EXPORTERS_H
#define FLOWRIB_CORE_EXPORTERS_H

#include "collector/base/text.h"
#include "collector/core/source.h"

/* One line per exporter, observation domain and version: what came, what was lost, at what sampling rate. */
void exporters_table(struct sources *s, struct text *out);

/* The "stats" lines that pmacct logs on SIGUSR1, one per exporter and domain, to the log. "packets" are
 * datagrams there, "bytes" theirs; a jump is a datagram whose sequence number was not the expected one. */
void exporters_log(struct sources *s);

/* The same as Prometheus samples. */
void exporters_metrics(struct sources *s, struct text *out);

#endif
