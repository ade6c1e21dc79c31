/* See pgsql_fault.h. One table: the longest beginning of a SQLSTATE that fits decides. */
#include "sql/pgsql_fault.h"

#include <ctype.h>

/* insert_only: in that mode the fault of the data, else the operator's. */
static const struct {
	const char *state;
	enum sql_fault fault;
	const char *remedy;
} faults[] = {
    {"08", SQL_AWAY, "trying again"},
    {"0A", SQL_WRONG, "this table cannot be written so"},
    {"22", SQL_REFUSED, "these values do not go into these columns"},
    {"22003", SQL_WRONG, "a column is too narrow: ALTER TABLE ... ALTER COLUMN packets TYPE bigint"},
    {"23", SQL_WRONG, "the table has a constraint that the rows do not meet"},
    {"23502", SQL_WRONG, "give the column a default, or aggregate by it"},
    {"23505", SQL_WRONG,
     "a unique index of the table has fewer columns than aggregate: add the others to it"},
    {"23514", SQL_WRONG, "a partition or a check of the table does not fit: make the partition"},
    {"25006", SQL_WRONG, "this server is read-only: sql_host must name the primary"},
    {"28", SQL_WRONG, "check sql_user and sql_passwd, and the server's pg_hba.conf"},
    {"3D000", SQL_WRONG, "create the database, or correct sql_db"},
    {"3F000", SQL_WRONG, "create the schema, or correct sql_table"},
    {"40", SQL_AWAY, "trying again"},
    {"42", SQL_WRONG, "'flowrib sql-schema' shows a table that fits"},
    {"42501", SQL_WRONG,
     "GRANT SELECT, INSERT, UPDATE ON the table and flowrib_spool, and TEMPORARY ON the database, TO "
     "sql_user"},
    {"42703", SQL_WRONG,
     "add the column; 'flowrib sql-schema' shows how; sql_optimize_clauses: true writes only the columns "
     "of aggregate"},
    {"42P01", SQL_WRONG,
     "create the table, or let sql_table_create: true do it; 'flowrib sql-schema' shows how"},
    {"53", SQL_AWAY, "the server is short of something; trying again"},
    {"53100", SQL_AWAY, "make room on the server's disk; the rows wait in the spool"},
    {"53300", SQL_AWAY, "the server has no connection left; trying again"},
    {"54", SQL_REFUSED, "a row is too large for the table or its index"},
    {"55", SQL_AWAY, "trying again"},
    {"55P03", SQL_AWAY, "somebody else holds the table; trying again"},
    {"57", SQL_AWAY, "the server is starting, stopping or was told to; trying again"},
    {"58", SQL_AWAY, "the server has trouble with its files; trying again"},
    {"XX", SQL_AWAY, "the server has trouble of its own; trying again"},
};

static unsigned
fault_row(const char *state)
{
	size_t best = 0, found = ARRAY_SIZE(faults);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		size_t n = strlen(faults[i].state);
		if (n > best && strncmp(faults[i].state, state, n) == 0) {
			best = n;
			found = i;
		}
	}
	return (unsigned)found;
}

static enum sql_fault
fault_of(const char *state)
{
	unsigned row = fault_row(state);
	return row < ARRAY_SIZE(faults) ? faults[row].fault : state[0] ? SQL_WRONG : SQL_AWAY;
}

static const char *
remedy_of(const char *state)
{
	unsigned row = fault_row(state);
	return row < ARRAY_SIZE(faults) ? faults[row].remedy
	       : state[0]		? "see the server's log"
					: "is the server running, and sql_host right?";
}

void
pg_state_of(const PGresult *r, char state[PG_STATE_MAX])
{
	const char *s = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	snprintf(state, PG_STATE_MAX, "%s", s ? s : "");
}

/* libpq's messages are of several lines. */
static void
one_line(char *s)
{
	char *to = s;
	for (; *s; s++)
		if (!isspace((unsigned char)*s))
			*to++ = *s;
		else if (s[1] && !isspace((unsigned char)s[1]))
			*to++ = ' ';
	*to = '\0';
}

static void
tell(const struct sql_params *p, const char *what, const char *message, const char *state, char *err,
     size_t errlen)
{
	char line[600];
	snprintf(line, sizeof(line), "%s", message);
	one_line(line);
	snprintf(err, errlen, "sql_host '%s', sql_db '%s': %s: %s (%s)", p->host ? p->host : "",
		 p->database ? p->database : "", what, line, remedy_of(state));
}

enum sql_fault
pg_complain(PGconn *pg, const struct sql_params *p, const PGresult *r, const char *what, char *err,
	    size_t errlen)
{
	char state[PG_STATE_MAX], message[700];
	const char *primary = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	const char *detail = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_DETAIL) : NULL;
	pg_state_of(r, state);
	snprintf(message, sizeof(message), "%s%s%.300s", primary ? primary : PQerrorMessage(pg),
		 detail ? "; " : "", detail ? detail : "");
	tell(p, what, message, state, err, errlen);
	if (PQstatus(pg) == CONNECTION_BAD)
		return SQL_AWAY;
	/* whoever says that all rows are new is wrong about these, for ever */
	if (p->insert_only && strcmp(state, "23505") == 0)
		return SQL_REFUSED;
	return fault_of(state);
}

enum sql_fault
pg_complain_connect(PGconn *pg, const struct sql_params *p, bool timed_out, char *err, size_t errlen)
{
	static const char fatal[] = "FATAL:  ";
	char state[PG_STATE_MAX] = "", message[700];
	snprintf(message, sizeof(message), "%s", timed_out ? "no answer" : PQerrorMessage(pg));
	char *at = strstr(message, fatal), *where = strstr(message, "LOCATION:");
	if (where)
		*where = '\0';
	if (at && strlen(at) > sizeof(fatal) + PG_STATE_MAX) {
		at += sizeof(fatal) - 1;
		snprintf(state, sizeof(state), "%.5s", at);
		memmove(message, at + PG_STATE_MAX + 1, strlen(at + PG_STATE_MAX + 1) + 1);
	}
	tell(p, "cannot connect", message, state, err, errlen);
	return fault_of(state);
}
