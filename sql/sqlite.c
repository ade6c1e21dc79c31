/* SQLite. Write-ahead log, one prepared statement a table, one transaction a segment.
 *
 * synchronous=FULL: the segment is removed from the spool after COMMIT, so COMMIT must be on the disk. Where
 * the table has a unique index over the key columns, rows go in with ON CONFLICT DO UPDATE; an older table
 * without one gets an UPDATE and, when that met nothing, an INSERT. */
#include "sql/driver.h"

#include <stdlib.h>

#include <sqlite3.h>

#include "collector/base/clock.h"
#include "collector/base/timetext.h"

struct sql_connection {
	sqlite3 *db;
	struct sql_params params;
	struct timetext times;
};

/* --- failures --- */

static enum sql_fault
fault_of(sqlite3 *db)
{
	switch (sqlite3_errcode(db)) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_NOMEM:
	case SQLITE_PROTOCOL:
	case SQLITE_CANTOPEN:
		return SQL_AWAY;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
		return SQL_REFUSED;
	default:
		return SQL_WRONG;
	}
}

/* What to do, by what went wrong. */
static const char *
remedy_of(sqlite3 *db)
{
	switch (sqlite3_errcode(db)) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return "another program holds the database; trying again";
	case SQLITE_FULL:
	case SQLITE_IOERR:
		return "make room on the disk, or see whether it is broken; the rows wait in the spool";
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		return "sql_db must name a file that this user may write, in a directory that it may write";
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return "sql_db does not name an intact SQLite database";
	case SQLITE_CONSTRAINT:
		return "the table has a constraint or an index that is not over the columns of the aggregate";
	default:
		return "create the table, or let sql_table_create: true do it; 'flowrib sql-schema' shows "
		       "how; "
		       "sql_optimize_clauses: true writes only the columns of aggregate";
	}
}

static enum sql_fault
complain(struct sql_connection *c, const char *what, char *err, size_t errlen)
{
	snprintf(err, errlen, "sql_db '%s': %s: %s (%s)", c->params.database, what, sqlite3_errmsg(c->db),
		 remedy_of(c->db));
	return fault_of(c->db);
}

static enum sql_fault
run(struct sql_connection *c, const char *sql, const char *what, char *err, size_t errlen)
{
	return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? SQL_FINE
								       : complain(c, what, err, errlen);
}

/* --- connection --- */

static void
sqlite_close(struct sql_connection *c)
{
	if (!c)
		return;
	sqlite3_close(c->db);
	free(c);
}

static struct sql_connection *
sqlite_open(const struct sql_params *p, enum sql_fault *fault, char *err, size_t errlen)
{
	struct sql_connection *c = calloc(1, sizeof(*c));
	if (!c) {
		snprintf(err, errlen, "no memory for a connection");
		*fault = SQL_AWAY;
		return NULL;
	}
	c->params = *p;
	if (sqlite3_open_v2(p->database, &c->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		*fault = complain(c, "cannot open", err, errlen);
	else {
		sqlite3_busy_timeout(c->db, (int)p->timeout_ms);
		*fault = run(c, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536",
			     "cannot set up", err, errlen);
	}
	if (*fault == SQL_FINE)
		return c;
	sqlite_close(c);
	return NULL;
}

/* --- the segments that are in --- */

static enum sql_fault
sqlite_last(struct sql_connection *c, const char *spool, uint64_t *number, char *err, size_t errlen)
{
	sqlite3_stmt *s = NULL;
	enum sql_fault f =
	    run(c,
		"CREATE TABLE IF NOT EXISTS flowrib_spool (spool TEXT PRIMARY KEY, number INTEGER "
		"NOT NULL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)",
		"cannot make the table flowrib_spool", err, errlen);
	*number = 0;
	if (f != SQL_FINE)
		return f;
	if (sqlite3_prepare_v2(c->db, "SELECT number FROM flowrib_spool WHERE spool = ?1", -1, &s, NULL) !=
		SQLITE_OK ||
	    sqlite3_bind_text(s, 1, spool, -1, SQLITE_STATIC) != SQLITE_OK)
		f = complain(c, "cannot read the table flowrib_spool", err, errlen);
	else if (sqlite3_step(s) == SQLITE_ROW)
		*number = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return f;
}

static enum sql_fault
remember(struct sql_connection *c, const char *spool, uint64_t number, char *err, size_t errlen)
{
	sqlite3_stmt *s = NULL;
	enum sql_fault f = SQL_FINE;
	if (sqlite3_prepare_v2(
		c->db,
		"INSERT INTO flowrib_spool (spool, number) VALUES (?1, ?2) ON CONFLICT (spool) DO "
		"UPDATE SET number = excluded.number, at = CURRENT_TIMESTAMP",
		-1, &s, NULL) != SQLITE_OK ||
	    sqlite3_bind_text(s, 1, spool, -1, SQLITE_STATIC) != SQLITE_OK ||
	    sqlite3_bind_int64(s, 2, (sqlite3_int64)number) != SQLITE_OK || sqlite3_step(s) != SQLITE_DONE)
		f = complain(c, "cannot write the table flowrib_spool", err, errlen);
	sqlite3_finalize(s);
	return f;
}

/* --- statements --- */

static void
put_columns(struct text *out, const struct sql_table *t, const char *between,
	    void (*put)(struct text *out, const struct sql_column *c, unsigned i),
	    bool (*wanted)(const struct sql_column *c))
{
	const char *before = "";
	for (unsigned i = 0; i < t->columns; i++) {
		if (wanted && !wanted(&t->column[i]))
			continue;
		text_str(out, before);
		put(out, &t->column[i], i);
		before = between;
	}
}

static bool
is_key(const struct sql_column *c)
{
	return c->merge == SQL_MERGE_KEY;
}

static bool
is_value(const struct sql_column *c)
{
	return c->merge != SQL_MERGE_KEY;
}

static void
put_name(struct text *out, const struct sql_column *c, unsigned i)
{
	(void)i;
	sql_quote_name(out, c->name);
}

/* Parameters are numbered by column, so that one set of bindings serves every statement. */
static void
put_parameter(struct text *out, const struct sql_column *c, unsigned i)
{
	(void)c;
	text_printf(out, "?%u", i + 1);
}

static void
put_equal(struct text *out, const struct sql_column *c, unsigned i)
{
	sql_quote_name(out, c->name);
	text_printf(out, " = ?%u", i + 1);
}

/* How a row that is there takes the new value in. */
static void
put_merge(struct text *out, const struct sql_column *c, unsigned i)
{
	struct text name = {0};
	sql_quote_name(&name, c->name);
	text_str(out, text_cstr(&name));
	text_str(out, " = ");
	if (c->merge == SQL_MERGE_MIN || c->merge == SQL_MERGE_MAX)
		text_printf(out, "%s(%s, ?%u)", c->merge == SQL_MERGE_MIN ? "min" : "max", name.data, i + 1);
	else if (c->merge == SQL_MERGE_REPLACE)
		text_printf(out, "?%u", i + 1);
	else
		text_printf(out, "%s %c ?%u", name.data, c->merge == SQL_MERGE_SUM ? '+' : '|', i + 1);
	text_free(&name);
}

static void
insert_text(struct text *out, const struct sql_table *t, const char *table, bool upsert)
{
	text_str(out, "INSERT INTO ");
	sql_quote_name(out, table);
	text_str(out, " (");
	put_columns(out, t, ", ", put_name, NULL);
	text_str(out, ") VALUES (");
	put_columns(out, t, ", ", put_parameter, NULL);
	text_char(out, ')');
	if (!upsert)
		return;
	text_str(out, " ON CONFLICT (");
	put_columns(out, t, ", ", put_name, is_key);
	text_str(out, ") DO UPDATE SET ");
	put_columns(out, t, ", ", put_merge, is_value);
}

static void
update_text(struct text *out, const struct sql_table *t, const char *table)
{
	text_str(out, "UPDATE ");
	sql_quote_name(out, table);
	text_str(out, " SET ");
	put_columns(out, t, ", ", put_merge, is_value);
	text_str(out, " WHERE ");
	put_columns(out, t, " AND ", put_equal, is_key);
}

/* Finalized statements are NULL again. */
struct statements {
	sqlite3_stmt *insert;
	sqlite3_stmt *update; /* first; NULL: the insert does it all */
};

static bool
prepare(struct sql_connection *c, struct text *sql, sqlite3_stmt **out)
{
	bool fine = sqlite3_prepare_v3(c->db, sql->data, (int)sql->len, SQLITE_PREPARE_PERSISTENT, out,
				       NULL) == SQLITE_OK;
	sql->len = 0;
	return fine;
}

/* A table without an index that fits is told by the text of SQLite's complaint; it has no code of its own.
 * sql_dont_try_update only saves the UPDATE that such a table needs: ON CONFLICT costs nothing where rows are
 * new, and with late data they are not always. */
static enum sql_fault
prepare_all(struct sql_connection *c, const struct sql_table *t, const char *table, struct statements *s,
	    char *err, size_t errlen)
{
	struct text sql = {0};
	insert_text(&sql, t, table, true);
	bool fine = prepare(c, &sql, &s->insert);
	if (!fine && strstr(sqlite3_errmsg(c->db), "ON CONFLICT clause")) {
		insert_text(&sql, t, table, false);
		fine = prepare(c, &sql, &s->insert);
		if (!c->params.insert_only) {
			update_text(&sql, t, table);
			fine = fine && prepare(c, &sql, &s->update);
		}
	}
	text_free(&sql);
	char what[128];
	snprintf(what, sizeof(what), "cannot write to the table '%.80s'", table);
	return fine ? SQL_FINE : complain(c, what, err, errlen);
}

/* --- rows --- */

static int
bind_time(struct sql_connection *c, sqlite3_stmt *s, int i, int64_t us, const struct sql_table_options *o)
{
	char text[TIMETEXT_MAX];
	if (o->timestamps_since_epoch)
		return sqlite3_bind_int64(s, i, us / US_PER_S);
	char *end = put_time_s(&c->times, text, (uint64_t)(us / US_PER_S));
	return sqlite3_bind_text(s, i, text, (int)(end - text), SQLITE_TRANSIENT);
}

static int
bind_value(struct sql_connection *c, sqlite3_stmt *s, int i, const struct sql_value *v,
	   const struct sql_table_options *o)
{
	char text[ADDR_TEXT_MAX];
	switch (v->kind) {
	case SQL_KIND_INT:
		return sqlite3_bind_int64(s, i, v->integer);
	case SQL_KIND_REAL:
		return sqlite3_bind_double(s, i, v->real);
	case SQL_KIND_TIME:
		return bind_time(c, s, i, v->integer, o);
	case SQL_KIND_ADDR: {
		if (addr_is_none(&v->addr))
			return sqlite3_bind_text(s, i, "0.0.0.0", -1, SQLITE_STATIC);
		char *end = addr_format(text, &v->addr);
		return sqlite3_bind_text(s, i, text, (int)(end - text), SQLITE_TRANSIENT);
	}
	case SQL_KIND_MAC:
		put_mac(text, v->mac);
		return sqlite3_bind_text(s, i, text, 17, SQLITE_TRANSIENT);
	default:
		return sqlite3_bind_text(s, i, v->text.p, (int)v->text.len, SQLITE_STATIC);
	}
}

static bool
bind_row(struct sql_connection *c, sqlite3_stmt *s, const struct sql_table *t, const struct sql_value *v)
{
	int count = sqlite3_bind_parameter_count(s);
	bool fine = true;
	for (unsigned i = 0; i < t->columns && (int)i < count && fine; i++)
		fine = bind_value(c, s, (int)i + 1, &v[i], &t->options) == SQLITE_OK;
	return fine;
}

static bool
step(sqlite3_stmt *s)
{
	bool fine = sqlite3_step(s) == SQLITE_DONE;
	return sqlite3_reset(s) == SQLITE_OK && fine;
}

static bool
write_row(struct sql_connection *c, struct sql_table *t, const struct statements *s, const uint8_t *record)
{
	struct sql_value v[SQL_COLUMNS_MAX];
	sql_table_row(t, record, v);
	if (s->update) {
		if (!bind_row(c, s->update, t, v) || !step(s->update))
			return false;
		if (sqlite3_changes(c->db) > 0)
			return true;
	}
	return bind_row(c, s->insert, t, v) && step(s->insert);
}

static enum sql_fault
write_batch(struct sql_connection *c, struct sql_table *t, const struct sql_batch *b, char *err,
	    size_t errlen)
{
	struct statements s = {0};
	struct text ddl = {0};
	enum sql_fault f = SQL_FINE;
	if (b->schema)
		f = run(c, b->schema, "sql_table_schema", err, errlen);
	else if (c->params.create) {
		sql_ddl(&ddl, t, b->table, &(struct sql_ddl_options){.sqlite = true});
		f = run(c, text_cstr(&ddl), "cannot create the table", err, errlen);
		text_free(&ddl);
	}
	if (f == SQL_FINE)
		f = prepare_all(c, t, b->table, &s, err, errlen);
	for (uint32_t i = 0; i < b->rows && f == SQL_FINE; i++)
		if (!write_row(c, t, &s, b->record[i]))
			f = complain(c, b->table, err, errlen);
	sqlite3_finalize(s.insert);
	sqlite3_finalize(s.update);
	return f;
}

static enum sql_fault
sqlite_write(struct sql_connection *c, struct sql_table *t, const char *spool, uint64_t number,
	     const struct sql_batch *batch, unsigned batches, char *err, size_t errlen)
{
	char ignored[256];
	c->times.o.utc = t->options.timestamps_utc;
	enum sql_fault f = run(c, "BEGIN IMMEDIATE", "cannot begin a transaction", err, errlen);
	if (f != SQL_FINE)
		return f;
	for (unsigned i = 0; i < batches && f == SQL_FINE; i++)
		f = write_batch(c, t, &batch[i], err, errlen);
	if (f == SQL_FINE)
		f = remember(c, spool, number, err, errlen);
	if (f == SQL_FINE)
		f = run(c, "COMMIT", "cannot commit", err, errlen);
	if (f != SQL_FINE)
		(void)run(c, "ROLLBACK", "cannot roll back", ignored, sizeof(ignored));
	return f;
}

const struct sql_driver sql_driver_sqlite3 = {
    .name = "sqlite3",
    .sqlite = true,
    .open = sqlite_open,
    .close = sqlite_close,
    .last = sqlite_last,
    .write = sqlite_write,
};
