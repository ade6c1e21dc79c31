/* Information elements as the generator writes them, and templates made of them. */
#ifndef FLOWRIB_TOOLS_FLOWGEN_ELEMENT_H
#define FLOWRIB_TOOLS_FLOWGEN_ELEMENT_H

#include "tools/flowgen/population.h"
#include "tools/flowgen/put.h"

enum { MAX_FIELDS = 128, VARIABLE_LENGTH = 65535 };

/* The run's idea of time: flows began and ended some milliseconds before base_ms. */
struct gen_clock {
	uint64_t base_ms;	 /* since the epoch */
	uint32_t base_uptime_ms; /* the exporter's SysUptime at base_ms; wraps as it does in a router */
	uint32_t sampling;	 /* packets per sampled packet of sampler 1; sampler 2 has twice that */
};

struct element;

/* One field of a template. */
struct gen_field {
	const struct element
	    *element; /* NULL for an element the generator has no row for: filled with a pattern */
	uint32_t pen; /* 0: assigned by IANA */
	uint16_t id;
	uint16_t len; /* on the wire, VARIABLE_LENGTH for RFC 7011, 7 */
};

struct gen_template {
	uint16_t id;
	unsigned fields, scopes; /* the first `scopes` fields are scope fields of an options template */
	struct gen_field field[MAX_FIELDS];
};

/* Reads a list of fields separated by blanks: `[PEN:]ID[/LENGTH]`, LENGTH a number or `v` for variable
 * length; the element's own length without. `rPEN:ID` or `r:ID` is the reverse element of RFC 5103 and `sN`
 * scope type N of NetFlow v9 (RFC 3954, 6.1). With v6, elements of IPv4 are replaced by their IPv6 twins.
 * Returns false, with a message on stderr, when the list cannot be read. */
bool template_parse(struct gen_template *t, const char *spec, bool v6);

/* Appends one record of the template, without padding. */
void template_put_record(struct put *p, const struct gen_template *t, const struct gen_flow *f,
			 const struct gen_clock *clock);

/* Bytes the longest record of the template takes. */
size_t template_max_record(const struct gen_template *t);

#endif
