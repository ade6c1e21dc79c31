/* See pgsql_table.h. All statements are made of the same few lists: columns by kind of merge, each put by a
 * small function. */
#include "sql/pgsql_table.h"

#include <stdlib.h>

/* --- lists --- */

typedef void put_column(struct text *out, const struct pg_target *g, const struct sql_table *t, unsigned i);

static bool
is_key(const struct sql_table *t, unsigned i)
{
	return t->column[i].merge == SQL_MERGE_KEY;
}

enum which { ALL, KEYS, VALUES };

static unsigned
put_list(struct text *out, const struct pg_target *g, const struct sql_table *t, enum which which,
	 const char *between, put_column *put)
{
	unsigned n = 0;
	for (unsigned i = 0; i < t->columns; i++) {
		if (which != ALL && is_key(t, i) != (which == KEYS))
			continue;
		text_str(out, n++ ? between : "");
		put(out, g, t, i);
	}
	return n;
}

/* One identifier: unlike a table's, a dot in it is a dot. */
static void
quote_column(struct text *out, const char *name)
{
	text_char(out, '"');
	for (const char *p = name; *p; p++) {
		if (*p == '"')
			text_char(out, '"');
		text_char(out, *p);
	}
	text_char(out, '"');
}

static void
put_name(struct text *out, const struct pg_target *g, const struct sql_table *t, unsigned i)
{
	(void)g;
	quote_column(out, t->column[i].name);
}

static void
put_definition(struct text *out, const struct pg_target *g, const struct sql_table *t, unsigned i)
{
	put_name(out, g, t, i);
	text_printf(out, " %s", g->column[i].cast ? "text" : g->column[i].type);
}

/* From the stage, in the table's own type. */
static void
put_staged(struct text *out, const struct pg_target *g, const struct sql_table *t, unsigned i)
{
	text_str(out, "s.");
	put_name(out, g, t, i);
	if (g->column[i].cast)
		text_printf(out, "::%s", g->column[i].type);
}

/* Of rows with one key. */
static void
put_grouped(struct text *out, const struct pg_target *g, const struct sql_table *t, unsigned i)
{
	static const char *const functions[] = {
	    [SQL_MERGE_SUM] = "sum", [SQL_MERGE_OR] = "bit_or",	  [SQL_MERGE_MIN] = "min",
	    [SQL_MERGE_MAX] = "max", [SQL_MERGE_REPLACE] = "max",
	};
	if (is_key(t, i)) {
		put_staged(out, g, t, i);
	} else {
		text_printf(out, "%s(", functions[t->column[i].merge]);
		put_staged(out, g, t, i);
		text_char(out, ')');
	}
	text_str(out, " AS ");
	put_name(out, g, t, i);
}

/* t.NAME taking in FROM.NAME. */
static void
put_merge_from(struct text *out, const struct pg_target *g, const struct sql_table *t, unsigned i,
	       const char *from)
{
	enum sql_merge m = t->column[i].merge;
	put_name(out, g, t, i);
	text_str(out, m == SQL_MERGE_MIN ? " = least(t." : m == SQL_MERGE_MAX ? " = greatest(t." : " = ");
	if (m == SQL_MERGE_SUM || m == SQL_MERGE_OR)
		text_str(out, "t.");
	if (m != SQL_MERGE_REPLACE) {
		put_name(out, g, t, i);
		text_str(out, m == SQL_MERGE_SUM ? " + " : m == SQL_MERGE_OR ? " | " : ", ");
	}
	text_str(out, from);
	put_name(out, g, t, i);
	text_str(out, m == SQL_MERGE_MIN || m == SQL_MERGE_MAX ? ")" : "");
}

static void
put_merge_excluded(struct text *out, const struct pg_target *g, const struct sql_table *t, unsigned i)
{
	put_merge_from(out, g, t, i, "excluded.");
}

static void
put_merge_found(struct text *out, const struct pg_target *g, const struct sql_table *t, unsigned i)
{
	put_merge_from(out, g, t, i, "f.");
}

static void
put_same(struct text *out, const struct pg_target *g, const struct sql_table *t, unsigned i)
{
	text_str(out, "t.");
	put_name(out, g, t, i);
	text_str(out, " = s.");
	put_name(out, g, t, i);
}

static void
put_staged_name(struct text *out, const struct pg_target *g, const struct sql_table *t, unsigned i)
{
	text_str(out, "s.");
	put_name(out, g, t, i);
}

/* --- statements --- */

static void
put_group(struct text *out, const struct pg_target *g, const struct sql_table *t, const char *stage)
{
	size_t begin;
	text_str(out, "SELECT ");
	put_list(out, g, t, ALL, ", ", put_grouped);
	text_printf(out, " FROM %s s", stage);
	begin = out->len;
	text_str(out, " GROUP BY ");
	if (!put_list(out, g, t, KEYS, ", ", put_staged))
		out->len = begin;
}

static void
put_into(struct text *out, const struct pg_target *g, const struct sql_table *t)
{
	text_str(out, "INSERT INTO ");
	sql_quote_name(out, g->name);
	text_str(out, " AS t (");
	put_list(out, g, t, ALL, ", ", put_name);
	text_str(out, ") ");
}

/* conflict: the index' columns, between brackets. */
static void
put_conflict(struct text *out, const struct pg_target *g, const struct sql_table *t, const char *conflict)
{
	text_printf(out, " ON CONFLICT %s DO UPDATE SET ", conflict);
	put_list(out, g, t, VALUES, ", ", put_merge_excluded);
}

static void
put_keys_same(struct text *out, const struct pg_target *g, const struct sql_table *t)
{
	if (!put_list(out, g, t, KEYS, " AND ", put_same))
		text_str(out, "true");
}

/* Of several rows with one key, which a table without an index may hold, one takes the values in. */
static void
put_update_found(struct text *out, const struct pg_target *g, const struct sql_table *t, const char *stage)
{
	text_str(out, "UPDATE ");
	sql_quote_name(out, g->name);
	text_str(out, " AS t SET ");
	put_list(out, g, t, VALUES, ", ", put_merge_found);
	size_t begin = out->len;
	text_str(out, " FROM (SELECT DISTINCT ON (");
	if (!put_list(out, g, t, KEYS, ", ", put_staged_name)) {
		out->len = begin;
		text_str(out, " FROM (SELECT DISTINCT ON (true");
	}
	text_str(out, ") t.tableoid AS flowrib_part, t.ctid AS flowrib_place, s.* FROM (");
	put_group(out, g, t, stage);
	text_str(out, ") s JOIN ");
	sql_quote_name(out, g->name);
	text_str(out, " t ON ");
	put_keys_same(out, g, t);
	text_str(out, ") f WHERE t.ctid = f.flowrib_place AND t.tableoid = f.flowrib_part");
}

static void
put_insert_new(struct text *out, const struct pg_target *g, const struct sql_table *t, const char *stage)
{
	put_into(out, g, t);
	text_str(out, "SELECT ");
	put_list(out, g, t, ALL, ", ", put_staged_name);
	text_str(out, " FROM (");
	put_group(out, g, t, stage);
	text_str(out, ") s WHERE NOT EXISTS (SELECT 1 FROM ");
	sql_quote_name(out, g->name);
	text_str(out, " t WHERE ");
	put_keys_same(out, g, t);
	text_char(out, ')');
}

void
pg_target_statements(struct pg_target *g, const struct sql_table *t, const char *stage)
{
	struct text *s = g->statement, conflict = {0};
	text_str(&conflict, text_cstr(&s[PG_UPSERT])); /* left there by pg_target_read */
	s[PG_UPSERT].len = 0;
	text_str(&s[PG_COPY], "COPY ");
	sql_quote_name(&s[PG_COPY], g->name);
	text_str(&s[PG_COPY], " (");
	put_list(&s[PG_COPY], g, t, ALL, ", ", put_name);
	text_str(&s[PG_COPY], ") FROM STDIN (FORMAT binary)");
	put_into(&s[PG_INSERT_GROUPED], g, t);
	put_group(&s[PG_INSERT_GROUPED], g, t, stage);
	put_update_found(&s[PG_UPDATE_FOUND], g, t, stage);
	put_insert_new(&s[PG_INSERT_NEW], g, t, stage);
	if (g->upsert) {
		put_into(&s[PG_UPSERT], g, t);
		text_str(&s[PG_UPSERT], "SELECT ");
		put_list(&s[PG_UPSERT], g, t, ALL, ", ", put_staged);
		text_printf(&s[PG_UPSERT], " FROM %s s ORDER BY %s", stage, text_cstr(&g->order));
		put_conflict(&s[PG_UPSERT], g, t, text_cstr(&conflict));
		put_into(&s[PG_UPSERT_GROUPED], g, t);
		put_group(&s[PG_UPSERT_GROUPED], g, t, stage);
		put_conflict(&s[PG_UPSERT_GROUPED], g, t, text_cstr(&conflict));
	}
	text_free(&conflict);
	for (unsigned i = 0; i < PG_STATEMENTS; i++)
		text_cstr(&s[i]);
}

/* --- what the database knows --- */

/* One query with one parameter; NULL with the complaint in *failed. */
static PGresult *
ask(PGconn *pg, const char *sql, const char *parameter, PGresult **failed)
{
	PGresult *r = PQexecParams(pg, sql, 1, NULL, &parameter, NULL, NULL, 0);
	*failed = NULL;
	if (PQresultStatus(r) == PGRES_TUPLES_OK)
		return r;
	*failed = r;
	return NULL;
}

bool
pg_table_exists(PGconn *pg, const char *name, PGresult **failed)
{
	struct text quoted = {0};
	sql_quote_name(&quoted, name);
	PGresult *r = ask(pg, "SELECT to_regclass($1)::oid", text_cstr(&quoted), failed);
	bool there = r && !PQgetisnull(r, 0, 0);
	PQclear(r);
	text_free(&quoted);
	return there;
}

/* Each column with its type. A column of a domain is one of the type below it. */
static const char columns_query[] =
    "SELECT a.attname, coalesce(nullif(y.typbasetype, 0), a.atttypid), "
    "CASE WHEN y.typbasetype <> 0 THEN y.typtypmod ELSE a.atttypmod END, "
    "format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid) "
    "FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid "
    "LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
    "WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

/* Columns of each unique index that ON CONFLICT can use, a row for each. */
static const char indexes_query[] =
    "SELECT i.indexrelid, a.attname FROM pg_index i "
    "JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place) ON k.place <= i.indnkeyatts "
    "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum "
    "WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indimmediate "
    "AND i.indpred IS NULL AND i.indexprs IS NULL ORDER BY i.indisprimary DESC, i.indexrelid, k.place";

static int
row_of(const PGresult *r, int field, const char *name)
{
	for (int i = 0; i < PQntuples(r); i++)
		if (strcmp(PQgetvalue(r, i, field), name) == 0)
			return i;
	return -1;
}

static bool
read_columns(struct pg_target *g, const struct sql_table *t, const PGresult *r, char *err, size_t errlen)
{
	for (unsigned i = 0; i < t->columns; i++) {
		int row = row_of(r, 0, t->column[i].name);
		struct pg_column *c = &g->column[i];
		if (row < 0) {
			snprintf(err, errlen,
				 "the table '%s' has no column '%s': ALTER TABLE %s ADD COLUMN %s %s; or "
				 "sql_optimize_clauses: true, which writes only the columns of aggregate",
				 g->name, t->column[i].name, g->name, t->column[i].name, t->column[i].best);
			return false;
		}
		c->oid = (unsigned)strtoul(PQgetvalue(r, row, 1), NULL, 10);
		snprintf(c->type, sizeof(c->type), "%s", PQgetvalue(r, row, 3));
		pg_column_choose(c, t->column[i].kind, atoi(PQgetvalue(r, row, 2)));
		g->casts |= c->cast;
		if (t->column[i].merge == SQL_MERGE_SUM && pg_column_narrow(c))
			text_printf(&g->narrow, "%sALTER COLUMN %s TYPE bigint", g->narrow.len ? ", " : "",
				    t->column[i].name);
	}
	return true;
}

/* A column that no row names takes part in an index that fits when it always has the same value. */
static bool
is_constant(const PGresult *columns, const char *name)
{
	int row = row_of(columns, 0, name);
	const char *value = row < 0 ? "" : PQgetvalue(columns, row, 5);
	return row >= 0 && *PQgetvalue(columns, row, 4) == 't' && *value && strchr("'-0123456789", *value);
}

static bool
index_has(const PGresult *r, int from, int to, const char *name)
{
	for (int i = from; i < to; i++)
		if (strcmp(PQgetvalue(r, i, 1), name) == 0)
			return true;
	return false;
}

static bool
is_ours(const struct sql_table *t, const char *name)
{
	for (unsigned i = 0; i < t->columns; i++)
		if (strcmp(t->column[i].name, name) == 0)
			return true;
	return false;
}

/* All key columns are in it, and beside them only what stays the same. */
static bool
index_fits(const struct sql_table *t, const PGresult *columns, const PGresult *r, int from, int to)
{
	for (unsigned i = 0; i < t->columns; i++)
		if (is_key(t, i) != index_has(r, from, to, t->column[i].name))
			return false;
	for (int i = from; i < to; i++) {
		const char *name = PQgetvalue(r, i, 1);
		if (!is_ours(t, name) && !is_constant(columns, name))
			return false;
	}
	return true;
}

/* The columns of the first index that fits, in brackets, to where pg_target_statements takes them from. */
static void
choose_index(struct pg_target *g, const struct sql_table *t, const PGresult *columns, const PGresult *r)
{
	struct text *out = &g->statement[PG_UPSERT];
	for (int from = 0, to; from < PQntuples(r) && !g->upsert; from = to) {
		for (to = from; to < PQntuples(r); to++)
			if (strcmp(PQgetvalue(r, to, 0), PQgetvalue(r, from, 0)) != 0)
				break;
		g->upsert = index_fits(t, columns, r, from, to);
		for (int i = from; g->upsert && i < to; i++) {
			const char *name = PQgetvalue(r, i, 1);
			text_str(out, i == from ? "(" : ", ");
			quote_column(out, name);
			if (is_ours(t, name)) {
				text_str(&g->order, g->order.len ? ", s." : "s.");
				quote_column(&g->order, name);
			}
		}
	}
	if (g->upsert)
		text_char(out, ')');
}

char *
pg_form(const struct sql_table *t)
{
	struct text out = {0};
	for (unsigned i = 0; i < t->columns; i++)
		text_printf(&out, "%s %d %d\n", t->column[i].name, (int)t->column[i].kind,
			    (int)t->column[i].merge);
	text_cstr(&out);
	return out.data;
}

struct pg_target *
pg_target_read(PGconn *pg, const struct sql_table *t, const char *name, PGresult **failed, char *err,
	       size_t errlen)
{
	struct pg_target *g = calloc(1, sizeof(*g));
	struct text quoted = {0};
	PGresult *columns = NULL, *indexes = NULL;
	bool fine = g && (g->name = strdup(name)) && (g->form = pg_form(t));
	*failed = NULL;
	if (!fine)
		snprintf(err, errlen, "no memory for the table '%s'", name);
	sql_quote_name(&quoted, name);
	if (fine)
		fine = (columns = ask(pg, columns_query, text_cstr(&quoted), failed)) &&
		       (indexes = ask(pg, indexes_query, text_cstr(&quoted), failed)) &&
		       read_columns(g, t, columns, err, errlen);
	if (fine) {
		g->columns = t->columns;
		choose_index(g, t, columns, indexes);
		put_list(&g->stage, g, t, ALL, ", ", put_definition);
		text_cstr(&g->stage);
	}
	PQclear(columns);
	PQclear(indexes);
	text_free(&quoted);
	if (fine)
		return g;
	pg_target_free(g);
	return NULL;
}

void
pg_target_free(struct pg_target *g)
{
	if (!g)
		return;
	for (unsigned i = 0; i < PG_STATEMENTS; i++)
		text_free(&g->statement[i]);
	text_free(&g->stage);
	text_free(&g->narrow);
	text_free(&g->order);
	free(g->name);
	free(g->form);
	free(g);
}
