/* PostgreSQL. A segment is one transaction: its number first, then each table's rows by binary COPY into a
 * temporary table of the session and from there in one statement to where they belong, or by COPY straight
 * into the table when all of them are known to be new.
 *
 * The number goes first because of what may still be going on in the server: a COMMIT whose connection is
 * lost can yet come through after the next connection asked for the last number. Its transaction holds the
 * row of the number, so that the second attempt waits there, sees the number, and writes nothing. */
#include "sql/driver.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "collector/base/clock.h"
#include "sql/pgsql_fault.h"
#include "sql/pgsql_table.h"

#define COPY_BYTES   (256 * 1024) /* handed to libpq at once */
#define TARGETS_MOST 64		  /* tables known; dynamic names come and go */
#define STAGE_NAME   24
#define SILENCE_MS   60000 /* after which a dead peer is taken for dead */
#define UNIX_HOST    "unix:"
#define UNIX_FILE    "/.s.PGSQL."
#define SPOOL_TABLE                                                                                          \
	"CREATE TABLE IF NOT EXISTS flowrib_spool (spool text PRIMARY KEY, number bigint NOT NULL, "         \
	"at timestamptz NOT NULL DEFAULT now())"

/* A temporary table of the session; tables of the same columns share one. */
struct stage {
	struct stage *next;
	char name[STAGE_NAME];
	struct text columns;
	bool made;
	bool used; /* holds rows in this transaction */
};

struct sql_connection {
	PGconn *pg;
	struct sql_params params;
	struct pg_target *targets;
	unsigned targets_known;
	struct stage *stages;
	unsigned stages_made;
	struct pg_encoder encoder;
	struct text buffer;
};

/* --- running statements --- */

/* Frees r. */
static enum sql_fault
complain(struct sql_connection *c, PGresult *r, const char *what, char *err, size_t errlen)
{
	enum sql_fault f = pg_complain(c->pg, &c->params, r, what, err, errlen);
	PQclear(r);
	return f;
}

static bool
is_done(const PGresult *r)
{
	ExecStatusType s = PQresultStatus(r);
	return s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK || s == PGRES_EMPTY_QUERY;
}

static enum sql_fault
run(struct sql_connection *c, const char *sql, const char *what, char *err, size_t errlen)
{
	PGresult *r = PQexec(c->pg, sql);
	if (!is_done(r))
		return complain(c, r, what, err, errlen);
	PQclear(r);
	return SQL_FINE;
}

/* Runs sql behind a savepoint. When it fails with this SQLSTATE, what it did is undone, *forgiven is set and
 * the transaction goes on. */
static enum sql_fault
run_forgiving(struct sql_connection *c, const char *sql, const char *state, bool *forgiven, const char *what,
	      char *err, size_t errlen)
{
	char found[PG_STATE_MAX];
	*forgiven = false;
	enum sql_fault f = run(c, "SAVEPOINT flowrib", what, err, errlen);
	if (f != SQL_FINE)
		return f;
	PGresult *r = PQexec(c->pg, sql);
	if (is_done(r)) {
		PQclear(r);
		return run(c, "RELEASE SAVEPOINT flowrib", what, err, errlen);
	}
	pg_state_of(r, found);
	if (strcmp(found, state) != 0)
		return complain(c, r, what, err, errlen);
	PQclear(r);
	*forgiven = true;
	return run(c, "ROLLBACK TO SAVEPOINT flowrib", what, err, errlen);
}

/* --- connection --- */

static void
stages_free(struct sql_connection *c)
{
	for (struct stage *s = c->stages, *next; s; s = next) {
		next = s->next;
		text_free(&s->columns);
		free(s);
	}
	c->stages = NULL;
}

static void
targets_free(struct sql_connection *c)
{
	for (struct pg_target *g = c->targets, *next; g; g = next) {
		next = g->next;
		pg_target_free(g);
	}
	c->targets = NULL;
	c->targets_known = 0;
}

static void
pgsql_close(struct sql_connection *c)
{
	if (!c)
		return;
	PQfinish(c->pg);
	stages_free(c);
	targets_free(c);
	text_free(&c->buffer);
	free(c);
}

/* Waits for the connection until timeout_ms are over. False when they are. */
static bool
finish_connecting(PGconn *pg, unsigned timeout_ms)
{
	uint64_t until = clock_monotonic_us() + (uint64_t)timeout_ms * 1000;
	for (PostgresPollingStatusType s = PGRES_POLLING_WRITING;
	     s != PGRES_POLLING_OK && s != PGRES_POLLING_FAILED; s = PQconnectPoll(pg)) {
		uint64_t now = clock_monotonic_us();
		struct pollfd fd = {.fd = PQsocket(pg),
				    .events = s == PGRES_POLLING_READING ? POLLIN : POLLOUT};
		if (now >= until)
			return false;
		if (poll(&fd, 1, (int)((until - now) / 1000) + 1) < 0 && errno != EINTR)
			return false;
	}
	return true;
}

/* "unix:PATH" is the socket's directory, or the socket itself with the port in its name. */
static void
host_and_port(const struct sql_params *p, char *host, size_t hostlen, char *port, size_t portlen)
{
	bool is_path = p->host && strncmp(p->host, UNIX_HOST, strlen(UNIX_HOST)) == 0;
	snprintf(host, hostlen, "%s", !p->host ? "" : is_path ? p->host + strlen(UNIX_HOST) : p->host);
	snprintf(port, portlen, "%u", p->port ? p->port : 5432);
	char *file = is_path ? strstr(host, UNIX_FILE) : NULL;
	if (file) {
		snprintf(port, portlen, "%s", file + strlen(UNIX_FILE));
		*file = '\0';
	}
}

static PGconn *
start_connecting(const struct sql_params *p)
{
	char host[256], port[16];
	host_and_port(p, host, sizeof(host), port, sizeof(port));
	const char *const names[] = {"host",
				     "port",
				     "dbname",
				     "user",
				     "password",
				     "sslmode",
				     "sslrootcert",
				     "application_name",
				     "client_encoding",
				     "keepalives_idle",
				     "tcp_user_timeout",
				     NULL};
	const char *const values[] = {host[0] ? host : NULL,
				      port,
				      p->database,
				      p->user,
				      p->password,
				      p->ca_file ? "verify-full" : NULL,
				      p->ca_file,
				      "flowrib",
				      "UTF8",
				      "30",
				      "60000",
				      NULL};
	return PQconnectStartParams(names, values, 0);
}

/* Settings of the session, of those that this server has. It must let go of what a connection that vanished
 * has locked; a purge is to be sorted in memory; compiling a statement that runs once does not pay. */
static enum sql_fault
set_up(struct sql_connection *c, char *err, size_t errlen)
{
	char sql[700];
	snprintf(sql, sizeof(sql),
		 "SELECT set_config(s.name, v.value, false) FROM (VALUES "
		 "('client_min_messages', 'warning'), ('standard_conforming_strings', 'on'), "
		 "('lock_timeout', '%u'), ('idle_in_transaction_session_timeout', '%d'), "
		 "('tcp_keepalives_idle', '30'), ('tcp_user_timeout', '%d'), "
		 "('work_mem', '64MB'), ('temp_buffers', '64MB'), ('jit', 'off')) "
		 "v(name, value) JOIN pg_settings s ON s.name = v.name",
		 c->params.timeout_ms, SILENCE_MS, SILENCE_MS);
	return run(c, sql, "cannot set up the session", err, errlen);
}

/* libpq would write them to stderr; what matters comes with a failure. */
static void
ignore_notice(void *ctx, const char *text)
{
	(void)ctx, (void)text;
}

static struct sql_connection *
pgsql_open(const struct sql_params *p, enum sql_fault *fault, char *err, size_t errlen)
{
	struct sql_connection *c = calloc(1, sizeof(*c));
	*fault = SQL_AWAY;
	if (!c || !(c->pg = start_connecting(p))) {
		snprintf(err, errlen, "no memory for a connection");
		free(c);
		return NULL;
	}
	c->params = *p;
	PQsetNoticeProcessor(c->pg, ignore_notice, NULL);
	PQsetErrorVerbosity(c->pg, PQERRORS_VERBOSE); /* for the SQLSTATE, which only the text has here */
	bool in_time = PQstatus(c->pg) == CONNECTION_BAD || finish_connecting(c->pg, p->timeout_ms);
	if (in_time && PQstatus(c->pg) == CONNECTION_OK) {
		PQsetErrorVerbosity(c->pg, PQERRORS_DEFAULT);
		*fault = set_up(c, err, errlen);
	} else {
		*fault = pg_complain_connect(c->pg, p, !in_time, err, errlen);
	}
	if (*fault == SQL_FINE)
		return c;
	pgsql_close(c);
	return NULL;
}

/* --- the segments that are in --- */

static enum sql_fault
make_spool_table(struct sql_connection *c, char *err, size_t errlen)
{
	PGresult *r = PQexec(c->pg, SPOOL_TABLE);
	if (!is_done(r))
		return complain(c, r, "cannot make the table flowrib_spool, as its owner run " SPOOL_TABLE,
				err, errlen);
	PQclear(r);
	return SQL_FINE;
}

static enum sql_fault
pgsql_last(struct sql_connection *c, const char *spool, uint64_t *number, char *err, size_t errlen)
{
	char state[PG_STATE_MAX];
	PGresult *r = PQexecParams(c->pg, "SELECT number FROM flowrib_spool WHERE spool = $1", 1, NULL,
				   &spool, NULL, NULL, 0);
	*number = 0;
	if (PQresultStatus(r) == PGRES_TUPLES_OK) {
		if (PQntuples(r) > 0)
			*number = strtoull(PQgetvalue(r, 0, 0), NULL, 10);
		PQclear(r);
		return SQL_FINE;
	}
	pg_state_of(r, state);
	if (strcmp(state, "42P01") != 0)
		return complain(c, r, "cannot read the table flowrib_spool", err, errlen);
	PQclear(r);
	return make_spool_table(c, err, errlen);
}

/* Waits for another transaction that writes the same number. */
static enum sql_fault
remember(struct sql_connection *c, const char *spool, uint64_t number, char *err, size_t errlen)
{
	char text[U64_TEXT_MAX + 1];
	const char *values[] = {spool, text};
	*put_u64(text, number) = '\0';
	PGresult *r = PQexecParams(
	    c->pg,
	    "INSERT INTO flowrib_spool AS t (spool, number) VALUES ($1, $2) ON CONFLICT (spool) DO UPDATE "
	    "SET number = excluded.number, at = now() WHERE t.number < excluded.number",
	    2, NULL, values, NULL, NULL, 0);
	if (!is_done(r))
		return complain(c, r, "cannot write the table flowrib_spool", err, errlen);
	bool written = strcmp(PQcmdTuples(r), "1") == 0;
	PQclear(r);
	if (written)
		return SQL_FINE;
	snprintf(err, errlen, "an earlier attempt at this purge came through meanwhile");
	return SQL_AWAY;
}

/* --- tables --- */

/* What sql_table_schema has. Schemas of pmacct's users have no IF NOT EXISTS. */
static enum sql_fault
make_table(struct sql_connection *c, const struct sql_table *t, const struct sql_batch *b, char *err,
	   size_t errlen)
{
	bool there;
	if (b->schema)
		return run_forgiving(c, b->schema, "42P07", &there, "sql_table_schema", err, errlen);
	struct text ddl = {0};
	sql_ddl(&ddl, t, b->table, &(struct sql_ddl_options){.sqlite = false});
	enum sql_fault f = run_forgiving(c, text_cstr(&ddl), "42P07", &there,
					 "cannot create the table (sql_table_create)", err, errlen);
	text_free(&ddl);
	return f;
}

static enum sql_fault
missing_table(struct sql_connection *c, const char *table, char *err, size_t errlen)
{
	snprintf(
	    err, errlen,
	    "sql_host '%s', sql_db '%s': there is no table '%s' (create it, or let sql_table_create: true "
	    "do it; 'flowrib sql-schema' shows how)",
	    c->params.host ? c->params.host : "", c->params.database ? c->params.database : "", table);
	return SQL_WRONG;
}

/* The stage of these columns; its name, with its row, when it is new. */
static struct stage *
stage_of(struct sql_connection *c, const struct text *columns)
{
	for (struct stage *s = c->stages; s; s = s->next)
		if (s->columns.len == columns->len &&
		    memcmp(s->columns.data, columns->data, columns->len) == 0)
			return s;
	struct stage *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	snprintf(s->name, sizeof(s->name), "flowrib_stage_%u", c->stages_made++);
	text_add(&s->columns, columns->data, columns->len);
	text_cstr(&s->columns);
	s->next = c->stages;
	c->stages = s;
	return s;
}

static struct pg_target *
known_target(struct sql_connection *c, const char *form, const char *table)
{
	for (struct pg_target *g = c->targets; g; g = g->next)
		if (strcmp(g->name, table) == 0 && strcmp(g->form, form) == 0)
			return g;
	return NULL;
}

/* Reads what there is to know of a table, once. */
static enum sql_fault
read_target(struct sql_connection *c, const struct sql_table *t, const struct sql_batch *b, char *err,
	    size_t errlen)
{
	PGresult *failed = NULL;
	enum sql_fault f = SQL_FINE;
	bool there = pg_table_exists(c->pg, b->table, &failed);
	if (failed)
		return complain(c, failed, b->table, err, errlen);
	if (b->schema || (!there && c->params.create))
		f = make_table(c, t, b, err, errlen);
	else if (!there)
		f = missing_table(c, b->table, err, errlen);
	if (f != SQL_FINE)
		return f;
	struct pg_target *g = pg_target_read(c->pg, t, b->table, &failed, err, errlen);
	if (!g)
		return failed ? complain(c, failed, b->table, err, errlen) : SQL_WRONG;
	struct stage *s = stage_of(c, &g->stage);
	if (!s) {
		snprintf(err, errlen, "no memory for the table '%s'", b->table);
		pg_target_free(g);
		return SQL_AWAY;
	}
	pg_target_statements(g, t, s->name);
	g->next = c->targets;
	c->targets = g;
	c->targets_known++;
	return SQL_FINE;
}

/* Temporary tables are empty again with each COMMIT. */
static enum sql_fault
ready_stage(struct sql_connection *c, struct stage *s, char *err, size_t errlen)
{
	struct text sql = {0};
	if (!s->made)
		text_printf(&sql, "CREATE TEMPORARY TABLE IF NOT EXISTS %s (%s) ON COMMIT DELETE ROWS",
			    s->name, s->columns.data);
	else if (s->used)
		text_printf(&sql, "TRUNCATE %s", s->name);
	enum sql_fault f =
	    sql.len ? run(c, text_cstr(&sql), "cannot make a temporary table", err, errlen) : SQL_FINE;
	text_free(&sql);
	s->made |= f == SQL_FINE;
	s->used = true;
	return f;
}

/* --- rows --- */

static enum sql_fault
does_not_fit(const struct sql_table *t, const struct pg_target *g, const struct sql_value *v, int column,
	     char *err, size_t errlen)
{
	const struct sql_column *c = &t->column[column];
	char value[80];
	if (v[column].kind == SQL_KIND_TEXT || v[column].kind == SQL_KIND_LIST)
		snprintf(value, sizeof(value), "%.70s", v[column].text.p);
	else
		snprintf(value, sizeof(value), "%lld", (long long)v[column].integer);
	snprintf(
	    err, errlen,
	    "table '%s', column '%s' of type %s cannot take '%s' (ALTER TABLE %s ALTER COLUMN %s TYPE %.*s; "
	    "the rows wait in the spool)",
	    g->name, c->name, g->column[column].type, value, g->name, c->name, (int)strcspn(c->best, " "),
	    c->best);
	return SQL_WRONG;
}

/* Hands the buffer over when it is full, or when it is the last. */
static bool
flush(struct sql_connection *c, bool all)
{
	if (c->buffer.len < COPY_BYTES && !all)
		return true;
	bool fine = PQputCopyData(c->pg, c->buffer.data, (int)c->buffer.len) == 1;
	c->buffer.len = 0;
	return fine;
}

static enum sql_fault
send_rows(struct sql_connection *c, struct sql_table *t, const struct pg_target *g, const struct sql_batch *b,
	  char *err, size_t errlen)
{
	struct sql_value v[SQL_COLUMNS_MAX];
	c->buffer.len = 0;
	pg_put_head(&c->buffer);
	for (uint32_t i = 0; i < b->rows; i++) {
		sql_table_row(t, b->record[i], v);
		int bad = pg_put_row(&c->encoder, g->column, v, t->columns, &c->buffer);
		if (bad >= 0)
			return does_not_fit(t, g, v, bad, err, errlen);
		if (!flush(c, false))
			return SQL_FINE; /* the server tells why at the end of the COPY */
	}
	pg_put_end(&c->buffer);
	(void)flush(c, true);
	return SQL_FINE;
}

/* All rows into a table by COPY. */
static enum sql_fault
copy_rows(struct sql_connection *c, struct sql_table *t, const struct pg_target *g, const struct sql_batch *b,
	  const char *sql, char *err, size_t errlen)
{
	PGresult *r = PQexec(c->pg, sql);
	if (PQresultStatus(r) != PGRES_COPY_IN)
		return complain(c, r, b->table, err, errlen);
	PQclear(r);
	enum sql_fault sent = send_rows(c, t, g, b, err, errlen), f = sent;
	if (PQputCopyEnd(c->pg, sent == SQL_FINE ? NULL : "a value does not fit") != 1)
		f = complain(c, NULL, b->table, err, errlen);
	while ((r = PQgetResult(c->pg))) {
		bool done = is_done(r);
		if (f == SQL_FINE && !done)
			f = pg_complain(c->pg, &c->params, r, b->table, err, errlen);
		PQclear(r);
		if (PQstatus(c->pg) == CONNECTION_BAD)
			break;
	}
	return f;
}

/* What can overflow when rows add up is told with the remedy, which the server does not know. */
static enum sql_fault
tell_narrow(const struct pg_target *g, enum sql_fault f, char *err, size_t errlen)
{
	size_t n = strlen(err);
	if (f == SQL_WRONG && g->narrow.len && strstr(err, "out of range"))
		snprintf(err + n, errlen - n, ": ALTER TABLE %s %.*s", g->name, (int)g->narrow.len,
			 g->narrow.data);
	return f;
}

static enum sql_fault
copy_to_stage(struct sql_connection *c, struct sql_table *t, const struct pg_target *g,
	      const struct sql_batch *b, char *err, size_t errlen)
{
	struct stage *s = stage_of(c, &g->stage);
	struct text sql = {0};
	enum sql_fault f = ready_stage(c, s, err, errlen);
	if (f != SQL_FINE)
		return f;
	text_printf(&sql, "COPY %s FROM STDIN (FORMAT binary)", s->name);
	f = copy_rows(c, t, g, b, text_cstr(&sql), err, errlen);
	text_free(&sql);
	return f;
}

/* Rows that may already be there. Two of them may have come to the same key, because texts were cut or local
 * time was put back: then they are added up first. */
static enum sql_fault
upsert(struct sql_connection *c, const struct pg_target *g, char *err, size_t errlen)
{
	bool twice = c->encoder.cut;
	enum sql_fault f = SQL_FINE;
	if (!twice)
		f = run_forgiving(c, g->statement[PG_UPSERT].data, "21000", &twice, g->name, err, errlen);
	if (f == SQL_FINE && twice)
		f = run(c, g->statement[PG_UPSERT_GROUPED].data, g->name, err, errlen);
	return f;
}

/* Without an index nobody else may write meanwhile, or a row would be there twice. */
static enum sql_fault
update_and_insert(struct sql_connection *c, const struct pg_target *g, char *err, size_t errlen)
{
	struct text sql = {0};
	text_str(&sql, "LOCK TABLE ");
	sql_quote_name(&sql, g->name);
	text_str(&sql, " IN SHARE ROW EXCLUSIVE MODE");
	enum sql_fault f = run(c, text_cstr(&sql), g->name, err, errlen);
	text_free(&sql);
	if (f == SQL_FINE)
		f = run(c, g->statement[PG_UPDATE_FOUND].data, g->name, err, errlen);
	if (f == SQL_FINE)
		f = run(c, g->statement[PG_INSERT_NEW].data, g->name, err, errlen);
	return f;
}

/* Rows that are new: straight in. When one of them is there already, as late data can be, or two have come to
 * the same key, over the stage, and what is there takes them in where an index allows it. */
static enum sql_fault
insert_new(struct sql_connection *c, struct sql_table *t, const struct pg_target *g,
	   const struct sql_batch *b, char *err, size_t errlen)
{
	enum sql_fault f = run(c, "SAVEPOINT flowrib", g->name, err, errlen);
	if (f == SQL_FINE && !g->casts) {
		f = copy_rows(c, t, g, b, g->statement[PG_COPY].data, err, errlen);
		if (f != SQL_REFUSED)
			return f;
		f = run(c, "ROLLBACK TO SAVEPOINT flowrib", g->name, err, errlen);
	}
	if (f == SQL_FINE)
		f = copy_to_stage(c, t, g, b, err, errlen);
	enum pg_statement how = g->upsert ? PG_UPSERT_GROUPED : PG_INSERT_GROUPED;
	return f == SQL_FINE ? run(c, g->statement[how].data, g->name, err, errlen) : f;
}

static enum sql_fault
lock_table(struct sql_connection *c, const char *table, char *err, size_t errlen)
{
	struct text sql = {0};
	if (c->params.locking == SQL_LOCK_NONE)
		return SQL_FINE;
	text_str(&sql, "LOCK TABLE ");
	sql_quote_name(&sql, table);
	text_printf(&sql, " IN %sEXCLUSIVE MODE", c->params.locking == SQL_LOCK_ROW ? "ROW " : "");
	enum sql_fault f = run(c, text_cstr(&sql), table, err, errlen);
	text_free(&sql);
	return f;
}

static enum sql_fault
write_batch(struct sql_connection *c, struct sql_table *t, const char *form, const struct sql_batch *b,
	    char *err, size_t errlen)
{
	enum sql_fault f = SQL_FINE;
	if (!known_target(c, form, b->table))
		f = read_target(c, t, b, err, errlen);
	struct pg_target *g = known_target(c, form, b->table);
	if (f == SQL_FINE)
		f = lock_table(c, b->table, err, errlen);
	if (f != SQL_FINE)
		return f;
	c->encoder.cut = false;
	if (c->params.insert_only)
		return tell_narrow(g, insert_new(c, t, g, b, err, errlen), err, errlen);
	f = copy_to_stage(c, t, g, b, err, errlen);
	if (f == SQL_FINE)
		f = g->upsert ? upsert(c, g, err, errlen) : update_and_insert(c, g, err, errlen);
	return tell_narrow(g, f, err, errlen);
}

/* --- the transaction --- */

/* A COMMIT that got no answer may have come through. */
static enum sql_fault
commit(struct sql_connection *c, char *err, size_t errlen)
{
	PGresult *r = PQexec(c->pg, "COMMIT");
	bool lost = PQstatus(c->pg) == CONNECTION_BAD, fine = is_done(r);
	if (!fine) {
		enum sql_fault f = complain(c, r, "cannot commit", err, errlen);
		return lost ? SQL_DOUBT : f;
	}
	fine = strcmp(PQcmdStatus(r), "COMMIT") == 0;
	PQclear(r);
	if (fine)
		return SQL_FINE;
	snprintf(err, errlen, "the server rolled the purge back");
	return SQL_AWAY;
}

static void
roll_back(struct sql_connection *c)
{
	PQclear(PQexec(c->pg, "ROLLBACK"));
	/* stages and tables that this transaction made are gone, and with them what is known of them */
	for (struct stage *s = c->stages; s; s = s->next)
		s->made = false;
	targets_free(c);
}

static enum sql_fault
pgsql_write(struct sql_connection *c, struct sql_table *t, const char *spool, uint64_t number,
	    const struct sql_batch *batch, unsigned batches, char *err, size_t errlen)
{
	c->encoder.utc = t->options.timestamps_utc;
	if (c->targets_known > TARGETS_MOST)
		targets_free(c);
	for (struct stage *s = c->stages; s; s = s->next)
		s->used = false;
	char *form = pg_form(t);
	enum sql_fault f = run(c, "BEGIN", "cannot begin a transaction", err, errlen);
	if (f == SQL_FINE)
		f = remember(c, spool, number, err, errlen);
	for (unsigned i = 0; i < batches && f == SQL_FINE; i++)
		f = write_batch(c, t, form, &batch[i], err, errlen);
	if (f == SQL_FINE)
		f = commit(c, err, errlen);
	if (f != SQL_FINE)
		roll_back(c);
	free(form);
	return f;
}

const struct sql_driver sql_driver_pgsql = {
    .name = "pgsql",
    .open = pgsql_open,
    .close = pgsql_close,
    .last = pgsql_last,
    .write = pgsql_write,
};
