/* Every primitive, with random values, through both databases: what comes back is what print shows in CSV.
 * The tables are made by sql_table_create. PostgreSQL is left out where there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <libpq-fe.h>
#include <sqlite3.h>

#include "collector/flow/primitives.h"
#include "collector/flow/value.h"
#include "sql/drivers.h"
#include "sql/pgsql_cluster.h"

#define ROWS  8
#define SPOOL "0123456789abcdef0123456789abcdef"

static struct cluster cluster;
static const char *skipped;
static char file[64];

/* --- random values --- */

static const struct {
	enum value_type type;
	const char *text;
} lists[] = {
    {VALUE_AS_PATH, "1_2_{3_4}"},
    {VALUE_AS_PATH, "4200000000_65001"},
    {VALUE_STD_COMM, "1:2_no-export"},
    {VALUE_STD_COMM, "65001:100"},
    {VALUE_EXT_COMM, "RT:65001:7"},
    {VALUE_LRG_COMM, "1:2:3_4:5:6"},
    {VALUE_LRG_COMM, "4200000000:1:2"},
    {VALUE_MPLS_STACK, "16_17"},
    {VALUE_LABEL, "core's \"edge\" \\x"},
    {VALUE_TEXT, "it's; DROP TABLE r --"},
    {VALUE_TEXT, "Gr\xc3\xb6\xc3\x9f"
		 "e"},
};

static void
random_list(const struct primitive *p, struct flow_bytes *out, uint8_t *room, unsigned row)
{
	char err[256];
	size_t len = 0;
	unsigned with = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
		with += lists[i].type == p->type;
	unsigned pick = with ? row % (with + 1) : 0; /* one row has nothing */
	for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
		if (lists[i].type == p->type && pick-- == 0 &&
		    !value_parse(p, lists[i].text, room, 256, &len, err, sizeof(err)))
			fail_msg("%s", err);
	*out = (struct flow_bytes){room, (uint16_t)len};
}

static void
random_fixed(const struct primitive *p, uint8_t *out)
{
	for (unsigned i = 0; i < p->width; i++)
		out[i] = (uint8_t)random();
	uint64_t time = 1 + (uint64_t)random() * 1000003;
	double real = (double)random() / 10000000 - 90;
	char text[ADDR_TEXT_MAX];
	switch (p->type) {
	case VALUE_UINT:
		if (p->width == 8) /* the databases' whole numbers have a sign */
			out[7] &= 0x7f;
		break;
	case VALUE_ADDR:
		snprintf(text, sizeof(text), random() % 2 ? "192.0.2.%ld" : "2001:db8::%lx",
			 1 + random() % 250);
		assert_true(addr_parse((struct addr *)(void *)out, text));
		break;
	case VALUE_TIME:
		memcpy(out, &time, sizeof(time));
		break;
	case VALUE_DOUBLE:
		memcpy(out, &real, sizeof(real));
		break;
	case VALUE_CHAR:
		*out = (uint8_t) "uvi"[random() % 3];
		break;
	case VALUE_TEXT_FIXED:
		memset(out, 0, p->width);
		snprintf((char *)out, p->width, "%c'", 'A' + (char)(random() % 26));
		break;
	default:
		break;
	}
}

/* --- asking --- */

typedef void ask_fn(const char *sql, char answer[ROWS][256]);

static void
ask_pgsql(const char *sql, char answer[ROWS][256])
{
	char info[128];
	snprintf(info, sizeof(info), "host=%s dbname=postgres user=flowrib", cluster.folder);
	PGconn *pg = PQconnectdb(info);
	PGresult *r = PQexec(pg, sql);
	if (PQntuples(r) != ROWS)
		fail_msg("%s: %d rows %s", sql, PQntuples(r), PQerrorMessage(pg));
	for (int i = 0; i < ROWS; i++)
		snprintf(answer[i], sizeof(answer[i]), "%s", PQgetvalue(r, i, 0));
	PQclear(r);
	PQfinish(pg);
}

static void
ask_sqlite(const char *sql, char answer[ROWS][256])
{
	sqlite3 *db;
	sqlite3_stmt *s;
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	for (int i = 0; i < ROWS; i++) {
		assert_int_equal(sqlite3_step(s), SQLITE_ROW);
		snprintf(answer[i], sizeof(answer[i]), "%s", (const char *)sqlite3_column_text(s, 0));
	}
	assert_int_equal(sqlite3_step(s), SQLITE_DONE);
	sqlite3_finalize(s);
	sqlite3_close(db);
}

/* --- one primitive --- */

struct database {
	const struct sql_driver *driver;
	struct sql_connection *connection;
	ask_fn *ask;
	uint64_t number;
};

static void
write_records(struct database *d, const struct layout *l, const uint8_t *const *record, const char *table)
{
	char err[1024] = "";
	struct sql_table form;
	struct sql_table_options o = {
	    .version = 9, .optimize = true, .sqlite = d->driver->sqlite, .timestamps_utc = true};
	if (!sql_table_compile(&form, l, &o, err, sizeof(err)))
		fail_msg("%s: %s", table, err);
	struct sql_batch b = {.table = table, .record = record, .rows = ROWS};
	if (d->driver->write(d->connection, &form, SPOOL, ++d->number, &b, 1, err, sizeof(err)) != SQL_FINE)
		fail_msg("%s: %s", table, err);
	sql_table_free(&form);
}

static void
put_query(char *sql, size_t n, const struct database *d, const struct primitive *p)
{
	if (p->type == VALUE_TIME && d->driver->sqlite)
		snprintf(sql, n, "SELECT %s || printf('.%%06d', %s_residual) FROM %s ORDER BY packets",
			 p->sql, p->sql, p->name);
	else if (p->type == VALUE_TIME)
		snprintf(
		    sql, n,
		    "SELECT to_char(%s, 'YYYY-MM-DD HH24:MI:SS.') || lpad(%s_residual::text, 6, '0') FROM "
		    "%s ORDER BY packets",
		    p->sql, p->sql, p->name);
	else if (p->type == VALUE_ADDR && !d->driver->sqlite)
		snprintf(sql, n, "SELECT host(%s) FROM %s ORDER BY packets", p->sql, p->name);
	else
		snprintf(sql, n, "SELECT %s FROM %s ORDER BY packets", p->sql, p->name);
}

static void
compare(const struct primitive *p, const char *expected, const char *found)
{
	bool real = p->type == VALUE_DOUBLE;
	if (real ? fabs(strtod(expected, NULL) - strtod(found, NULL)) > 1e-6 : strcmp(expected, found) != 0)
		fail_msg("%s: print shows '%s', the database '%s'", p->name, expected, found);
}

static void
check_primitive(struct database *d, primitive_id id)
{
	const struct primitive *p = primitive_get(id);
	struct aggregate a;
	struct layout *l = calloc(1, sizeof(*l));
	struct layout_options lo = {.time_bins = false};
	struct format_options fo = {
	    .kind = FORMAT_CSV, .num_protos = !d->driver->sqlite, .timestamps_utc = true};
	struct flow *f = calloc(1, sizeof(*f));
	uint8_t bytes[ROWS][4096], room[256];
	const uint8_t *record[ROWS];
	char err[256], sql[400], answer[ROWS][256];
	bool is_tag = strcmp(p->name, "tag") == 0;
	snprintf(sql, sizeof(sql), "%s,%s", p->name,
		 is_tag ? "tag2" : "tag"); /* the other: rows stay apart */
	assert_true(aggregate_parse(&a, sql, err, sizeof(err)));
	assert_true(layout_compile(l, &a, &lo, err, sizeof(err)));
	for (unsigned i = 0; i < ROWS; i++) {
		f->packets = i + 1;
		f->tag = f->tag2 = i;
		if (p->flags & PRIMITIVE_VLEN)
			random_list(p, (struct flow_bytes *)((uint8_t *)f + p->offset), room, i);
		else
			random_fixed(p, (uint8_t *)f + p->offset);
		layout_pack(l, f, bytes[i]);
		record[i] = bytes[i];
	}
	struct format *format = format_new(l, &fo, err, sizeof(err));
	assert_non_null(format);
	write_records(d, l, record, p->name);
	put_query(sql, sizeof(sql), d, p);
	d->ask(sql, answer);
	for (unsigned i = 0; i < ROWS; i++) {
		struct text expected = {0};
		format_column_text(format, format_column_of(format, id), record[i], &expected);
		compare(p, text_cstr(&expected), answer[i]);
		text_free(&expected);
	}
	format_free(format);
	free(l);
	free(f);
}

static void
check_all(struct database *d)
{
	unsigned checked = 0;
	srandom(1);
	for (unsigned i = 0; i < primitive_rows_count; i++) {
		const struct primitive *p = &primitive_rows[i];
		if (!p->sql || p->flags & (PRIMITIVE_AUTO | PRIMITIVE_SUM | PRIMITIVE_COUNTER))
			continue;
		check_primitive(d, (primitive_id)i);
		checked++;
	}
	assert_true(checked > 80);
}

static void
check_database(const struct sql_driver *driver, const char *host, const char *database, ask_fn *ask)
{
	char err[1024] = "";
	uint64_t number;
	enum sql_fault f = SQL_FINE;
	struct sql_params p = {
	    .host = host, .database = database, .user = "flowrib", .timeout_ms = 5000, .create = true};
	struct database d = {.driver = driver, .ask = ask};
	d.connection = driver->open(&p, &f, err, sizeof(err));
	if (!d.connection || driver->last(d.connection, SPOOL, &number, err, sizeof(err)) != SQL_FINE)
		fail_msg("%s", err);
	check_all(&d);
	driver->close(d.connection);
}

static void
test_pgsql(void **state)
{
	char host[96];
	(void)state;
	if (skipped) {
		print_message("skipped: %s\n", skipped);
		skip();
	}
	snprintf(host, sizeof(host), "unix:%s", cluster.folder);
	check_database(&sql_driver_pgsql, host, "postgres", ask_pgsql);
}

static void
test_sqlite(void **state)
{
	(void)state;
	const struct sql_driver *d = sql_driver_find("sqlite3");
	if (!d)
		skip();
	snprintf(file, sizeof(file), "/tmp/flowrib-roundtrip-XXXXXX");
	int fd = mkstemp(file);
	assert_true(fd >= 0);
	close(fd);
	check_database(d, NULL, file, ask_sqlite);
	unlink(file);
}

static int
start_server(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	skipped = cluster_make(&cluster);
	if (!skipped && !cluster_start(&cluster))
		skipped = "PostgreSQL does not start";
	return 0;
}

static int
stop_server(void **state)
{
	(void)state;
	cluster_remove(&cluster);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sqlite),
	    cmocka_unit_test(test_pgsql),
	};
	alarm(200);
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
