/* Values in PostgreSQL's binary COPY form.
 *
 * A column that exists may have another type than the best one: pmacct's scripts made INT counters and
 * CHAR(24) communities, operators made text of addresses. So the encoder of a column is chosen once by the
 * kind of its values and the type found, and a row is a walk over encoders. A type not known here takes text,
 * which the database then casts. */
#ifndef FLOWRIB_SQL_PGSQL_ENCODE_H
#define FLOWRIB_SQL_PGSQL_ENCODE_H

#include "collector/base/timetext.h"
#include "sql/table.h"

struct pg_encoder;
struct pg_column;

/* Writes the length word and the value at p, where there is room; NULL when the value does not fit. */
typedef char *pg_put(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, char *p);

/* A column as the database has it. */
struct pg_column {
	unsigned oid;	  /* of its type; that of the base type for a domain */
	char type[128];	  /* as SQL has it, with its length */
	unsigned letters; /* most of a text; 0: no limit */
	bool cast;	  /* staged as text */
	pg_put *put;
};

#define PG_QUARTERS 64 /* a power of two */

/* Belongs to one thread. Zero-initialise, then set the options. */
struct pg_encoder {
	bool utc; /* times without zone are UTC, else local */
	bool cut; /* set when a text was cut: rows may have become the same */
	struct timetext times;
	struct {
		int64_t quarter; /* of an hour since the epoch, plus 1; 0: unused */
		int64_t offset;	 /* of local time, microseconds */
	} zone[PG_QUARTERS];
};

/* Chooses c->put for values of this kind, from c->oid and c->type; letters from typmod. */
void pg_column_choose(struct pg_column *c, enum sql_kind kind, int typmod);
/* Whether a whole number has a limit below 64 bits here. */
bool pg_column_narrow(const struct pg_column *c);

/* The head and the end of a COPY. */
void pg_put_head(struct text *out);
void pg_put_end(struct text *out);
/* Appends a row of n values. -1 when all fitted, else the index of the column that cannot take its value,
 * and nothing is appended. */
int pg_put_row(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, unsigned n,
	       struct text *out);

#endif
