/* What BGP is like at the moment: as a table for people, as JSON, as metrics; and the file of neighbours. All
 * of it reads the directory and counters, from any thread that joined readers. */
#ifndef FLOWRIB_BGP_REPORT_H
#define FLOWRIB_BGP_REPORT_H

#include "bgp/outputs.h"
#include "bgp/world.h"

void report_text(const struct bgp_sources *s, const struct bgp_world *w, struct text *out);
void report_json(const struct bgp_sources *s, const struct bgp_world *w, struct text *out);
void report_metrics(const struct bgp_sources *s, struct text *out);

/* Parts of it: the sums, a table or a line of JSON; peers, a table or an object a line. */
void report_summary_text(const struct bgp_sources *s, struct text *out);
void report_summary_json(const struct bgp_sources *s, struct text *out);
void report_peers_text(const struct bgp_sources *s, struct text *out);
void report_peers_json(const struct bgp_sources *s, struct text *out);

/* The addresses of established peers, one a line, as bgp_neighbors_file has them. */
void report_neighbors(const struct bgp_sources *s, struct text *out);

#endif
