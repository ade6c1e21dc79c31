/* A table in PostgreSQL as it is found, and the statements that take rows to it.
 *
 * Rows go by COPY into a temporary table of the session, with the columns and types of the table they are
 * for, and from there in one statement to where they belong. Which statement depends on the indexes that the
 * table has; see pg_target_read. */
#ifndef FLOWRIB_SQL_PGSQL_TABLE_H
#define FLOWRIB_SQL_PGSQL_TABLE_H

#include <libpq-fe.h>

#include "sql/driver.h"
#include "sql/pgsql_encode.h"

enum pg_statement {
	PG_COPY,	   /* into the table itself */
	PG_UPSERT,	   /* from the stage; needs an index, and rows of which no two have one key */
	PG_UPSERT_GROUPED, /* the same for rows that have */
	PG_INSERT_GROUPED,
	PG_UPDATE_FOUND, /* without an index: what is there, */
	PG_INSERT_NEW,	 /* and then what is not */
	PG_STATEMENTS
};

struct pg_target {
	struct pg_target *next;
	char *name;  /* as given */
	char *form;  /* of the rows it was read for */
	bool upsert; /* a unique index fits */
	bool casts;  /* some column takes text only: not to be copied into */
	unsigned columns;
	struct pg_column column[SQL_COLUMNS_MAX];
	struct text stage;  /* column definitions of the stage */
	struct text narrow; /* what widens its counters that are not 64 bits; empty: all are */
	struct text order; /* key columns as the index has them: its pages are then met one after the other */
	struct text statement[PG_STATEMENTS];
};

/* Words for a form of rows: equal for forms that need the same statements. Allocated. */
char *pg_form(const struct sql_table *t);

/* Whether the table is there. False with *failed when it cannot be known: the result tells why. */
bool pg_table_exists(PGconn *pg, const char *name, PGresult **failed);

/* Reads what the database knows of the table, and chooses. NULL with a message: a column is missing, and
 * *failed stays NULL; or the server complained in *failed, which is the caller's to clear. */
struct pg_target *pg_target_read(PGconn *pg, const struct sql_table *t, const char *name, PGresult **failed,
				 char *err, size_t errlen);
/* Makes the statements, for the stage of this name. */
void pg_target_statements(struct pg_target *g, const struct sql_table *t, const char *stage);
void pg_target_free(struct pg_target *g);

#endif
