/* Tables: which columns a configuration means, in order, and what goes into each.
 *
 * Columns, their types and defaults come from the primitive rows (collector/flow/primitives.c) and from the
 * versions of pmacct's tables, which are rows here (table.c). Everything that depends on the database is in a
 * dialect: quoting, names of types. A compiled table is a list of columns with a function that turns a packed
 * record into typed values; drivers bind or encode those and know nothing of primitives. */
#ifndef FLOWRIB_SQL_TABLE_H
#define FLOWRIB_SQL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/text.h"
#include "collector/flow/layout.h"

#define SQL_COLUMNS_MAX 160
#define SQL_NAME_MAX	64 /* longest identifier, with NUL: PostgreSQL's own limit */

/* What a value is to a database. */
enum sql_kind {
	SQL_KIND_NULL,
	SQL_KIND_INT, /* int64_t; bool of width: 2, 4 or 8 bytes as the column's type has it */
	SQL_KIND_DOUBLE,
	SQL_KIND_TEXT,	    /* UTF-8, no NUL inside */
	SQL_KIND_INET,	    /* struct addr, with prefix length for cidr */
	SQL_KIND_MAC,	    /* 6 bytes */
	SQL_KIND_TIME,	    /* int64_t microseconds since the epoch, shown as local or UTC time */
	SQL_KIND_INT_LIST,  /* int64_t each: AS path as array */
	SQL_KIND_TEXT_LIST, /* communities as array */
};

struct sql_value {
	enum sql_kind kind;
	union {
		int64_t integer;
		double real;
		struct {
			const char *p; /* valid until the next row */
			uint32_t len;
		} text;
		struct {
			struct addr addr;
			uint8_t len;
		} inet;
		uint8_t mac[6];
	};
};

/* Types of columns, independent of the database. */
enum sql_type {
	SQL_TYPE_SMALLINT,
	SQL_TYPE_INT,
	SQL_TYPE_BIGINT,
	SQL_TYPE_REAL,
	SQL_TYPE_DOUBLE,
	SQL_TYPE_TEXT,
	SQL_TYPE_CHAR, /* of a length; longer values are cut for it only where the existing table needs it */
	SQL_TYPE_INET,
	SQL_TYPE_CIDR,
	SQL_TYPE_MACADDR,
	SQL_TYPE_TIMESTAMP,
	SQL_TYPE_BIGINT_ARRAY,
	SQL_TYPE_TEXT_ARRAY,
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

struct sql_column {
	char name[SQL_NAME_MAX];
	enum sql_type type;
	uint16_t length; /* of SQL_TYPE_CHAR */
	enum sql_merge merge;
	const char *fallback; /* default of the column, as SQL text; NULL: none */
	/* where the value comes from */
	const struct layout_field *field; /* NULL: a counter, a stamp or the fallback */
	int counter;			  /* index in the layout's counters, -1: none */
	void (*get)(const struct sql_column *c, const struct layout *l, const uint8_t *record,
		    struct sql_value *out, struct text *scratch); /* table.c */
};

struct sql_table_options {
	unsigned version; /* sql_table_version: 1 to 9 */
	bool bgp;	  /* sql_table_type: bgp */
	bool optimize;	  /* sql_optimize_clauses: exactly what is aggregated by, else all of the version */
	bool num_protos;  /* sql_num_protos */
	bool timestamps_since_epoch, timestamps_secs, timestamps_utc;
	bool arrays; /* AS paths and communities as arrays (*_encode_as_array) */
	bool comms_num, tcpflags_as_array, fwd_status_as_string;
	bool best; /* the best table instead of pmacct's: exact types, for sql-schema and sql_table_create */
	bool sqlite; /* its names and ways where pmacct's differ (src_port, text addresses) */
};

struct sql_table {
	const struct layout *layout;
	struct sql_table_options options;
	struct sql_column column[SQL_COLUMNS_MAX];
	unsigned columns;
	bool has_bins;	 /* stamp_inserted comes from the records */
	uint64_t now_us; /* stamp_updated, and stamp_inserted without bins; set for each segment */
	struct text scratch;
};

/* False with a message that names key and column. l must outlive t. */
bool sql_table_compile(struct sql_table *t, const struct layout *l, const struct sql_table_options *o,
		       char *err, size_t errlen);
void sql_table_free(struct sql_table *t);

/* The values of one record, t->columns of them; they hold until the next call. */
void sql_table_row(struct sql_table *t, const uint8_t *record, struct sql_value *out);

/* --- text of statements --- */

/* What differs from one database to the other. */
struct sql_dialect {
	const char *name;
	const char *type[SQL_TYPE_TEXT_ARRAY + 1]; /* NULL: has none, text is used */
	bool partitions;
};
extern const struct sql_dialect sql_dialect_pgsql, sql_dialect_sqlite;

/* Appends name in double quotes, "schema.table" as two names. */
void sql_quote_name(struct text *out, const char *name);
void sql_quote_text(struct text *out, const char *s, size_t n);

struct sql_ddl_options {
	bool partition_by_time; /* PostgreSQL, with time bins: by stamp_inserted */
	uint64_t partition_seconds;
	bool if_not_exists;
};
/* CREATE TABLE with primary key, indexes and, when asked, the partitioned parent. */
void sql_ddl(struct text *out, const struct sql_table *t, const char *name, const struct sql_dialect *d,
	     const struct sql_ddl_options *o);

#endif
