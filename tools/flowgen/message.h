/* Datagrams of NetFlow v1, v5, v7, v9 and IPFIX made from the population. */
#ifndef FLOWRIB_TOOLS_FLOWGEN_MESSAGE_H
#define FLOWRIB_TOOLS_FLOWGEN_MESSAGE_H

#include "tools/flowgen/element.h"
#include "tools/flowgen/places.h"

enum { MAX_OPTIONS = 4, MAX_DATAGRAM = 65000 };

/* One exporting process: its own sequence numbers and domain. */
struct gen_exporter {
	uint32_t domain;   /* source id of v9, observation domain of IPFIX, engine id of v5 */
	uint32_t sequence; /* of the next datagram, by the rule of its version */
};

/* What was put into a datagram, for the totals. */
struct gen_count {
	uint64_t records, option_records, datagrams, octets_on_wire;
	uint64_t packets, bytes, rev_packets, rev_bytes;
};

/* Records encoded in advance, one for each flow: making a datagram is then copying. */
struct gen_pool {
	uint8_t *encoded;
	uint64_t *offset; /* of flow i's record; offset[flows] is the end */
	uint64_t *packets, *bytes;
	uint8_t *is_v6;
	uint32_t *times; /* how often the flow was put into a datagram */
	uint32_t flows;
};

struct gen_plan {
	unsigned version;
	struct gen_clock clock;
	uint64_t seed;
	unsigned v6_percent;
	struct gen_template data[2]; /* IPv4, IPv6 */
	struct gen_template options[MAX_OPTIONS];
	unsigned option_count;
	unsigned option_records[MAX_OPTIONS];
	bool sampled_header;  /* v5: sampling in the header */
	struct places places; /* empty: addresses are the population's own */
	struct gen_pool pool;
};

/* A name for a choice of fields and options; see preset_list(). */
struct gen_preset {
	const char *name;
	const char *v9, *ipfix; /* field lists, NULL when the version has no such thing */
	const char *options;	/* names of option tables, separated by blanks */
	const char *help;
};

/* Fills templates and options of a plan whose version, clock, seed and v6_percent are set. `fields` overrides
 * the field list of the preset, `options` its options; both may be NULL. False with a message on stderr. */
bool plan_make(struct gen_plan *plan, const char *preset, const char *fields, const char *options);

/* Encodes one record for each of `flows` flows; false when there is no memory. */
bool pool_make(struct gen_plan *plan, uint32_t flows);
void pool_free(struct gen_pool *pool);

/* Prints the presets to stdout, one a line. */
void preset_list(void);

/* Builds the datagram that carries all templates and options data. Nothing is written (length 0) by versions
 * without templates. */
void message_templates(struct put *p, const struct gen_plan *plan, struct gen_exporter *e,
		       uint64_t elapsed_ms, struct gen_count *count);

/* Builds a data datagram of the n flows. */
void message_data(struct put *p, struct gen_plan *plan, struct gen_exporter *e, const uint32_t *flows,
		  unsigned n, uint64_t elapsed_ms, struct gen_count *count);

#endif
