/* Tables: which columns a configuration means, in order, and what goes into each.
 *
 * Columns, their names and types come from the primitive rows (collector/flow/primitives.c) and from the
 * versions of pmacct's tables, which are rows here (table.c). A compiled table turns a packed record into
 * typed values; drivers encode those for the columns they find in the database, whatever its types are, and
 * know nothing of primitives. */
#ifndef FLOWRIB_SQL_TABLE_H
#define FLOWRIB_SQL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/text.h"
#include "collector/flow/format.h"
#include "collector/flow/layout.h"

#define SQL_COLUMNS_MAX 200
#define SQL_NAME_MAX	64 /* longest identifier, with NUL: PostgreSQL's own limit */

/* What a value is. */
enum sql_kind {
	SQL_KIND_INT, /* int64_t; counters beyond 2^63 - 1 stop there */
	SQL_KIND_REAL,
	SQL_KIND_TEXT, /* UTF-8, no NUL inside */
	SQL_KIND_ADDR, /* struct addr; "no address" is the database's 0.0.0.0 */
	SQL_KIND_MAC,  /* 6 bytes */
	SQL_KIND_TIME, /* int64_t microseconds since the epoch */
	SQL_KIND_LIST, /* of numbers or words, as text with blanks between them */
};

struct sql_value {
	enum sql_kind kind;
	union {
		int64_t integer;
		double real;
		struct {
			const char *p; /* NUL-terminated; valid until the next row */
			uint32_t len;
		} text;
		struct addr addr;
		uint8_t mac[6];
	};
};

/* How an existing row takes a new value in. */
enum sql_merge {
	SQL_MERGE_KEY,
	SQL_MERGE_SUM,
	SQL_MERGE_OR,
	SQL_MERGE_MIN,
	SQL_MERGE_MAX,
	SQL_MERGE_REPLACE
};

/* Where the value of a column comes from. */
enum sql_source {
	SQL_FROM_KEY,	  /* a field of the key */
	SQL_FROM_COUNTER, /* a counter behind it */
	SQL_FROM_BIN,	  /* stamp_inserted: the time bin */
	SQL_FROM_NOW,	  /* stamp_updated: when the row was purged */
	SQL_FROM_RESIDUE, /* NAME_residual: the microseconds of a time of the key */
	SQL_FROM_NOWHERE, /* a column of the table's version that is not aggregated by */
};

struct sql_column {
	char name[SQL_NAME_MAX];
	const char *type; /* for PostgreSQL, with NOT NULL and DEFAULT, as pmacct's scripts have it */
	const char *best; /* exact type for a table of ours */
	enum sql_kind kind;
	enum sql_merge merge;
	enum sql_source source;
	primitive_id id; /* PRIMITIVE_NULL for stamps */
	uint16_t offset; /* in the key, or index of the counter */
	uint16_t width;
	int text; /* column of the formatter, for kinds that are text; -1 */
};

struct sql_table_options {
	unsigned version; /* sql_table_version: 1 to 9 */
	bool bgp;	  /* sql_table_type: bgp */
	bool optimize;	  /* sql_optimize_clauses: exactly what is aggregated by, else all of the version */
	bool num_protos;  /* sql_num_protos; PostgreSQL has numbers anyway */
	bool timestamps_secs, timestamps_utc, timestamps_since_epoch;
	bool lists; /* AS paths and communities as arrays (*_encode_as_array) */
	bool comms_num;
	bool sqlite; /* its names where pmacct's differ */
};

struct sql_table {
	const struct layout *layout;
	struct sql_table_options options;
	struct sql_column column[SQL_COLUMNS_MAX];
	unsigned columns;
	bool has_bins;
	uint64_t now_us; /* stamp_updated; to be set for each segment */
	struct format *format;
	struct text scratch;
};

/* False with a message, and nothing to free. l must outlive t. */
bool sql_table_compile(struct sql_table *t, const struct layout *l, const struct sql_table_options *o,
		       char *err, size_t errlen);
void sql_table_free(struct sql_table *t);

/* The values of one record, t->columns of them; they hold until the next call. */
void sql_table_row(struct sql_table *t, const uint8_t *record, struct sql_value *out);

/* "acct_v9", "acct_bgp": where pmacct writes by default. */
void sql_table_default_name(char *out, size_t n, const struct sql_table_options *o);

/* --- text of statements --- */

/* Appends name in double quotes; "schema.table" as two names, with a dot between them. */
void sql_quote_name(struct text *out, const char *name);
/* Appends s as a literal in single quotes. */
void sql_quote_text(struct text *out, const char *s, size_t n);

/* What a table of ours is made with. */
struct sql_ddl_options {
	bool sqlite;
	bool partitions; /* PostgreSQL, with time bins: by range of stamp_inserted */
};
/* CREATE TABLE IF NOT EXISTS of the best table: exact types, a primary key over the key columns, an index on
 * the time. Ends with ";\n" after each statement. */
void sql_ddl(struct text *out, const struct sql_table *t, const char *name, const struct sql_ddl_options *o);

#endif
