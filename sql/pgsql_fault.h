/* What a failure of PostgreSQL means: whose it is, and what to do, by SQLSTATE. */
#ifndef FLOWRIB_SQL_PGSQL_FAULT_H
#define FLOWRIB_SQL_PGSQL_FAULT_H

#include <libpq-fe.h>

#include "sql/driver.h"

#define PG_STATE_MAX 6 /* SQLSTATE with NUL */

/* "" when the server did not say: then it is the connection's own failure. */
void pg_state_of(const PGresult *r, char state[PG_STATE_MAX]);

/* Tells what failed and what to do, in one line, with sql_host and sql_db, never a password. r may be NULL.
 * The connection's state counts: when it is lost, SQL_AWAY. */
enum sql_fault pg_complain(PGconn *pg, const struct sql_params *p, const PGresult *r, const char *what,
			   char *err, size_t errlen);
/* The same for a connection that did not come about, with its verbosity at PQERRORS_VERBOSE; timed_out: it
 * was given up. */
enum sql_fault pg_complain_connect(PGconn *pg, const struct sql_params *p, bool timed_out, char *err,
				   size_t errlen);

#endif
