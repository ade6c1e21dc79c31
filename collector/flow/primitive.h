/* The table of primitives: what one may aggregate by, and the counters.
 *
 * One row per primitive says where it lives in struct flow, what its value is, what can supply it, and how
 * every output names it. Parsing `aggregate`, the packed key, all output formats, SQL columns, the client's
 * match language and the manual page follow from the rows; nothing else in the tree lists primitives. The
 * rows stand in JSON order; csv_rank and client_rank give the order of the other outputs. */
#ifndef FLOWRIB_FLOW_PRIMITIVE_H
#define FLOWRIB_FLOW_PRIMITIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/text.h"
#include "collector/flow/flow.h"

/* How the bytes of a value are to be understood; value.h formats and parses each of them. */
enum value_type {
	VALUE_NONE,
	VALUE_UINT,	  /* 1, 2, 4 or 8 bytes, host order */
	VALUE_ADDR,	  /* struct addr */
	VALUE_MAC,	  /* 6 bytes */
	VALUE_ETYPE,	  /* uint16_t as hex text */
	VALUE_PROTO,	  /* uint8_t, by name where there is one */
	VALUE_TCPFLAGS,	  /* uint64_t (counter) or uint8_t; number or array of names */
	VALUE_FWDSTATUS,  /* uint8_t; number in a string, or text (IANA forwardingStatus) */
	VALUE_CHAR,	  /* one character, 0 for none */
	VALUE_TEXT_FIXED, /* width bytes, NUL-padded */
	VALUE_TIME,	  /* uint64_t microseconds since the epoch */
	VALUE_STAMP,	  /* uint64_t seconds since the epoch, printed without fraction */
	VALUE_RD,	  /* uint64_t, see RD_TYPE_VRFID */
	VALUE_RD_ORIGIN,  /* enum rd_origin */
	VALUE_DOUBLE,
	VALUE_TEXT,    /* variable: text */
	VALUE_LABEL,   /* variable: text, or key%value pairs as an object (pre_tag_label_encode_as_map) */
	VALUE_AS_PATH, /* variable: binary path, see flow.h */
	VALUE_STD_COMM,
	VALUE_EXT_COMM,
	VALUE_LRG_COMM,
	VALUE_MPLS_STACK, /* variable: uint32_t labels */
	VALUE_SEGMENTS,	  /* variable: 16-byte addresses */
	VALUE_CUSTOM, /* a custom primitive; its semantics stand in custom_semantics; always a string in JSON
		       */
};

/* How two values of a counter become one. */
enum merge_rule { MERGE_NONE, MERGE_SUM, MERGE_MIN, MERGE_MAX, MERGE_OR };

/* Who can fill a primitive in. A plugin that asks for one nobody configured can supply is refused at start.
 */
enum supply {
	SUPPLY_FLOW = 1 << 0, /* NetFlow, IPFIX */
	SUPPLY_SFLOW = 1 << 1,
	SUPPLY_PACKET = 1 << 2, /* captured packets (libpcap, NFLOG) */
	SUPPLY_BGP = 1 << 3,
	SUPPLY_GEOIP = 1 << 4,
	SUPPLY_NDPI = 1 << 5,
	SUPPLY_RPKI = 1 << 6,
	SUPPLY_NETWORKS = 1 << 7, /* networks_file */
	SUPPLY_MAP = 1 << 8,	  /* pre_tag_map, post_tag, per-value maps */
	SUPPLY_CLOCK = 1 << 9,	  /* always there */
};

enum primitive_flag {
	PRIMITIVE_VLEN = 1 << 0,    /* value is a struct flow_bytes */
	PRIMITIVE_COUNTER = 1 << 1, /* part of the counters, not of the key */
	PRIMITIVE_SUM = 1 << 2,	 /* sum_*: one flow gives two records, source and destination in one place */
	PRIMITIVE_AUTO = 1 << 3, /* not accepted in `aggregate`; added by another row or a key */
	PRIMITIVE_NO_FORMATTED = 1 << 4, /* refused with print_output: formatted */
	PRIMITIVE_JSON_ONLY = 1 << 5,
	PRIMITIVE_NO_MATCH = 1 << 6, /* the client shows it but cannot match on it */
	PRIMITIVE_BGP = 1 << 7,	     /* makes SQL tables of type bgp */
	PRIMITIVE_CUSTOM = 1 << 8,
	PRIMITIVE_NO_KEY = 1 << 9,	  /* selects nothing by itself (none) */
	PRIMITIVE_NOT_WITH_SUM = 1 << 10, /* left out beside a sum_*, as are those of PRIMITIVE_BGP */
};

/* Index of a row; custom primitives follow the built-in ones. */
typedef uint16_t primitive_id;
#define PRIMITIVE_NULL	      UINT16_MAX
#define PRIMITIVES_CUSTOM_MAX 64

struct primitive {
	const char *name;
	const char *alias; /* second accepted name, or NULL */
	const char *help;  /* one line for --list-primitives and the manual */
	uint16_t offset;   /* in struct flow */
	uint16_t width;	   /* bytes in struct flow */
	enum value_type type;
	uint16_t flags;	 /* enum primitive_flag */
	uint16_t supply; /* enum supply, any of */
	enum merge_rule merge;
	const char *json;			  /* key in print/kafka JSON */
	const char *csv;			  /* CSV and formatted header; NULL: not there */
	const char *client_json;		  /* key in the client's JSON when it differs, else NULL */
	uint16_t csv_rank;			  /* order in CSV and formatted output */
	uint16_t client_rank;			  /* order in the client's outputs */
	uint8_t column;				  /* width in formatted output; two blanks follow */
	const char *sql;			  /* column name in the newest table version */
	const char *sql_type;			  /* PostgreSQL type with default */
	const char *elements;			  /* information elements that feed it, for people */
	const char *also;			  /* name of another row that comes with this one, or NULL */
	const char *sum_source, *sum_destination; /* names of the two rows a sum_* is made of */
	const char
	    *inputs; /* names of rows (comma list) whose struct flow members must be decoded for this one */
	uint8_t custom_semantics; /* enum custom_semantics for VALUE_CUSTOM */
};

/* How a custom primitive's bytes are shown (aggregate_primitives). In struct flow, CUSTOM_UINT is an integer
 * of 1, 2, 4 or 8 bytes in host order; all others are the bytes as they stood on the wire. */
enum custom_semantics { CUSTOM_UINT, CUSTOM_HEX, CUSTOM_IP, CUSTOM_MAC, CUSTOM_STR, CUSTOM_RAW };

/* All rows, built-in ones first, then the custom ones defined so far. */
unsigned primitive_count(void);
const struct primitive *primitive_get(primitive_id id);
/* By name or alias, case-insensitive; PRIMITIVE_NULL when unknown. */
primitive_id primitive_find(const char *name);

/* Whether anything in mask (enum supply) can fill row id in. */
bool primitive_supplied(primitive_id id, unsigned mask);

/* Where the row stands among JSON keys: custom primitives come before stamp_inserted. */
unsigned primitive_json_rank(primitive_id id);

/* The table for people (--list-primitives), and as mdoc rows for the manual. */
void primitives_list(struct text *out);
void primitives_list_mdoc(struct text *out);

/* Defines a custom primitive of len bytes (0: variable length, up to 255) and gives it a place in struct
 * flow. Before any layout is compiled. Returns its id, or PRIMITIVE_NULL and a message in err (too many, name
 * taken, no place left). */
primitive_id primitive_add_custom(const char *name, unsigned len, enum custom_semantics sem, char *err,
				  size_t errlen);

/* Marks all members of struct flow that row id reads, its inputs included. */
void primitive_need(struct flow_needs *needs, primitive_id id);

/* A parsed `aggregate`: rows in the order given, each once. */
#define AGGREGATE_MAX 128
struct aggregate {
	primitive_id id[AGGREGATE_MAX];
	unsigned n;
	char warning[160]; /* what was left out, and why; empty when nothing was */
};

/* Parses a comma list of names; blanks, case and commas too many do not matter. False with a message naming
 * the word, what is near it, or the conflict. Beside a sum_* addresses, ports, AS numbers, routes and the
 * like are left out with a warning, and so is a second sum_*. */
bool aggregate_parse(struct aggregate *a, const char *text, char *err, size_t errlen);
bool aggregate_has(const struct aggregate *a, primitive_id id);
/* "src_host,dst_host": the way back, into out. */
void aggregate_format(const struct aggregate *a, char *out, size_t len);

#endif
