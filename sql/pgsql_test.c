/* The PostgreSQL driver against a real server, private to this test: what is written is there once, in tables
 * of ours and of pmacct's, and what cannot be written says why. Skipped where there is no PostgreSQL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "collector/base/clock.h"
#include "sql/drivers.h"
#include "sql/pgsql_cluster.h"
#include "sql/writer.h"

#define SPOOL "0123456789abcdef0123456789abcdef"
#define BIN   1700000000 /* 2023-11-14 22:13:20 UTC */

static struct cluster cluster;
static const char *skipped; /* why; NULL: the server runs */
static char host[96];
static struct layout layout;
static struct sql_table_options table_options;
static uint64_t next_number;

#define NEEDS_SERVER                                                                                         \
	do {                                                                                                 \
		(void)state;                                                                                 \
		if (skipped) {                                                                               \
			print_message("skipped: %s\n", skipped);                                             \
			skip();                                                                              \
		}                                                                                            \
	} while (0)

/* --- asking the server --- */

static PGconn *
plain(void)
{
	char info[192];
	snprintf(info, sizeof(info), "host=%s dbname=postgres user=flowrib", cluster.folder);
	PGconn *pg = PQconnectdb(info);
	assert_int_equal(PQstatus(pg), CONNECTION_OK);
	return pg;
}

static void
run(const char *sql)
{
	PGconn *pg = plain();
	PGresult *r = PQexec(pg, sql);
	ExecStatusType s = PQresultStatus(r);
	if (s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(pg));
	PQclear(r);
	PQfinish(pg);
}

/* The rows of a query: values with blanks between them, rows with "; ". */
static const char *
ask(const char *sql)
{
	static char answer[4096];
	size_t len = 0;
	PGconn *pg = plain();
	PGresult *r = PQexec(pg, sql);
	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(pg));
	answer[0] = '\0';
	for (int i = 0; i < PQntuples(r); i++)
		for (int k = 0; k < PQnfields(r) && len < sizeof(answer); k++)
			len += (size_t)snprintf(answer + len, sizeof(answer) - len, "%s%s",
						k   ? " "
						: i ? "; "
						    : "",
						PQgetvalue(r, i, k));
	PQclear(r);
	PQfinish(pg);
	return answer;
}

/* --- writing --- */

static void
use_aggregate(const char *names, bool bins)
{
	struct aggregate a;
	struct layout_options o = {.time_bins = bins};
	char err[256];
	assert_true(aggregate_parse(&a, names, err, sizeof(err)));
	assert_true(layout_compile(&layout, &a, &o, err, sizeof(err)));
}

static struct sql_params
params(void)
{
	return (struct sql_params){
	    .host = host, .database = "postgres", .user = "flowrib", .timeout_ms = 5000, .create = true};
}

static struct sql_connection *
connect_with(const struct sql_params *p)
{
	char err[1024] = "";
	uint64_t number;
	enum sql_fault f = SQL_FINE;
	struct sql_connection *c = sql_driver_pgsql.open(p, &f, err, sizeof(err));
	if (!c)
		fail_msg("%s", err);
	f = sql_driver_pgsql.last(c, SPOOL, &number, err, sizeof(err));
	if (f != SQL_FINE)
		fail_msg("%s", err);
	return c;
}

static char message[1024];

static enum sql_fault
write_flows(struct sql_connection *c, const char *table, const struct flow *f, unsigned n)
{
	struct sql_table form;
	const uint8_t **record = calloc(n, sizeof(*record));
	uint8_t *bytes = calloc(n, layout.max_record), *p = bytes;
	assert_true(sql_table_compile(&form, &layout, &table_options, message, sizeof(message)));
	for (unsigned i = 0; i < n; i++) {
		record[i] = p;
		p += layout_pack(&layout, &f[i], p);
		if (layout.bin_offset)
			layout_set_bin(&layout, (uint8_t *)(uintptr_t)record[i], BIN);
	}
	form.now_us = (BIN + 60) * US_PER_S;
	struct sql_batch b = {.table = table, .record = record, .rows = n};
	message[0] = '\0';
	enum sql_fault fault =
	    sql_driver_pgsql.write(c, &form, SPOOL, ++next_number, &b, 1, message, sizeof(message));
	sql_table_free(&form);
	free(record);
	free(bytes);
	return fault;
}

static void
write_fine(struct sql_connection *c, const char *table, const struct flow *f, unsigned n)
{
	if (write_flows(c, table, f, n) != SQL_FINE)
		fail_msg("%s", message);
}

static void
write_once(const struct sql_params *p, const char *table, const struct flow *f, unsigned n)
{
	struct sql_connection *c = connect_with(p);
	write_fine(c, table, f, n);
	sql_driver_pgsql.close(c);
}

/* --- setting up --- */

static int
start_server(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	counters_init();
	skipped = cluster_make(&cluster);
	if (!skipped && !cluster_start(&cluster))
		skipped = "PostgreSQL does not start";
	snprintf(host, sizeof(host), "unix:%s", cluster.folder);
	return 0;
}

static int
stop_server(void **state)
{
	(void)state;
	cluster_remove(&cluster);
	return 0;
}

static struct flow flows[3];

static int
fresh(void **state)
{
	(void)state;
	if (skipped)
		return 0;
	run("SET client_min_messages = warning; DROP SCHEMA public CASCADE; CREATE SCHEMA public");
	memset(flows, 0, sizeof(flows));
	for (unsigned i = 0; i < 3; i++) {
		addr_parse(&flows[i].src_host, i < 2 ? "192.0.2.1" : "2001:db8::9");
		addr_parse(&flows[i].dst_host, "198.51.100.7");
		flows[i].dst_port = (uint16_t)(i < 2 ? 443 : 53);
		flows[i].proto = 6;
		flows[i].packets = 10 + i;
		flows[i].bytes = 1000 + i;
		flows[i].tcp_flags = 1u << i;
		flows[i].as_path = (struct flow_bytes){(const uint8_t *)"\2\2\1\0\0\0\2\0\0\0", 10};
		memcpy(flows[i].src_mac, "\0\1\2\3\4\5", 6);
	}
	table_options = (struct sql_table_options){.version = 9, .optimize = true};
	next_number = 0;
	return 0;
}

/* --- tests --- */

/* Two purges of the same keys add up; a third key stands alone. */
static void
test_upsert(void **state)
{
	NEEDS_SERVER;
	struct sql_params p = params();
	use_aggregate("src_host,dst_port,proto,tcpflags,as_path,src_mac", true);
	struct sql_connection *c = connect_with(&p);
	write_fine(c, "t", &flows[0], 1);
	write_fine(c, "t", &flows[1], 2);
	sql_driver_pgsql.close(c);
	assert_string_equal(ask("SELECT ip_src, port_dst, ip_proto, packets, bytes, tcp_flags, as_path, "
				"mac_src, stamp_inserted, stamp_updated FROM t ORDER BY port_dst"),
			    "2001:db8::9 53 6 12 1002 4 1_2 00:01:02:03:04:05 2023-11-14 22:13:20 "
			    "2023-11-14 22:14:20; "
			    "192.0.2.1 443 6 21 2001 3 1_2 00:01:02:03:04:05 2023-11-14 22:13:20 "
			    "2023-11-14 22:14:20");
	assert_string_equal(ask("SELECT number FROM flowrib_spool"), "2");
}

/* The same table without its index: the same rows. Of two that are there already, one takes it in. */
static void
test_no_index(void **state)
{
	NEEDS_SERVER;
	struct sql_params p = params();
	use_aggregate("src_host,dst_port", false);
	run("CREATE TABLE t (ip_src inet, port_dst int, packets int, bytes bigint)");
	run("INSERT INTO t VALUES ('192.0.2.1', 443, 1, 1), ('192.0.2.1', 443, 1, 1)");
	struct sql_connection *c = connect_with(&p);
	write_fine(c, "t", &flows[0], 1);
	write_fine(c, "t", &flows[1], 2);
	sql_driver_pgsql.close(c);
	assert_string_equal(ask("SELECT port_dst, count(*), sum(packets), sum(bytes) FROM t GROUP BY 1 "
				"ORDER BY 1"),
			    "53 1 12 1002; 443 2 23 2003");
}

/* Rows known to be new go straight in. Late ones, which are there already, are added; where an index of the
 * operator's forbids them, they are refused, and the next purge is not. */
static void
test_insert_only(void **state)
{
	NEEDS_SERVER;
	struct sql_params p = params();
	p.insert_only = true;
	use_aggregate("src_host,dst_port", true);
	struct sql_connection *c = connect_with(&p);
	write_fine(c, "t", &flows[1], 2);
	assert_string_equal(ask("SELECT port_dst, packets FROM t ORDER BY 1"), "53 12; 443 11");
	write_fine(c, "t", &flows[0], 1);
	assert_string_equal(ask("SELECT port_dst, packets FROM t ORDER BY 1"), "53 12; 443 21");
	run("CREATE UNIQUE INDEX ON t (port_dst)");
	addr_parse(&flows[0].src_host, "192.0.2.2");
	assert_int_equal(write_flows(c, "t", &flows[0], 1), SQL_REFUSED);
	assert_non_null(strstr(message, "duplicate key"));
	write_fine(c, "other", &flows[1], 2);
	sql_driver_pgsql.close(c);
	assert_string_equal(ask("SELECT sum(packets) FROM t"), "33");
	assert_string_equal(ask("SELECT sum(packets) FROM other"), "23");
}

/* --- pmacct's tables, from its documents --- */

static const struct {
	const char *definition;
	unsigned since, before; /* versions */
	bool key;
} pmacct_columns[] = {
    {"agent_id BIGINT NOT NULL DEFAULT 0", 2, 9, true},
    {"tag BIGINT NOT NULL DEFAULT 0", 9, 10, true},
    {"class_id CHAR(16) NOT NULL DEFAULT ' '", 5, 10, true},
    {"mac_src macaddr NOT NULL DEFAULT '0:0:0:0:0:0'", 1, 10, true},
    {"mac_dst macaddr NOT NULL DEFAULT '0:0:0:0:0:0'", 1, 10, true},
    {"vlan INT NOT NULL DEFAULT 0", 2, 10, true},
    {"as_src BIGINT NOT NULL DEFAULT 0", 6, 10, true},
    {"as_dst BIGINT NOT NULL DEFAULT 0", 6, 10, true},
    {"ip_src inet NOT NULL DEFAULT '0.0.0.0'", 1, 10, true},
    {"ip_dst inet NOT NULL DEFAULT '0.0.0.0'", 1, 10, true},
    {"port_src INT NOT NULL DEFAULT 0", 1, 10, true},
    {"port_dst INT NOT NULL DEFAULT 0", 1, 10, true},
    {"tcp_flags SMALLINT NOT NULL DEFAULT 0", 7, 10, false},
    {"ip_proto SMALLINT NOT NULL DEFAULT 0", 1, 10, true},
    {"tos INT NOT NULL DEFAULT 0", 3, 10, true},
    {"packets INT NOT NULL", 1, 10, false},
    {"bytes BIGINT NOT NULL", 1, 10, false},
    {"flows INT NOT NULL DEFAULT 0", 4, 10, false},
    {"stamp_inserted timestamp without time zone NOT NULL DEFAULT '0001-01-01 00:00:00'", 1, 10, true},
    {"stamp_updated timestamp without time zone", 1, 10, false},
};

static void
make_pmacct_table(unsigned version, bool with_key)
{
	struct text sql = {0}, key = {0};
	text_str(&sql, "CREATE TABLE acct (");
	for (size_t i = 0; i < ARRAY_SIZE(pmacct_columns); i++) {
		const char *d = pmacct_columns[i].definition;
		if (version < pmacct_columns[i].since || version >= pmacct_columns[i].before)
			continue;
		text_printf(&sql, "%s, ", d);
		if (pmacct_columns[i].key)
			text_printf(&key, "%s%.*s", key.len ? ", " : "", (int)strcspn(d, " "), d);
	}
	if (with_key)
		text_printf(&sql, "PRIMARY KEY (%s))", text_cstr(&key));
	else
		text_str(&sql, "CHECK (true))");
	run(text_cstr(&sql));
	text_free(&sql);
	text_free(&key);
}

/* Each version, with its primary key and without, with the fixed columns and with sql_optimize_clauses: two
 * purges of one key are one row. */
static void
test_pmacct_tables(void **state)
{
	NEEDS_SERVER;
	struct sql_params p = params();
	p.create = false;
	use_aggregate("src_host,dst_host,dst_port,proto", true);
	for (unsigned version = 1; version <= 9; version++)
		for (unsigned way = 0; way < 4; way++) {
			run("DROP TABLE IF EXISTS acct");
			make_pmacct_table(version, way & 1);
			table_options.version = version;
			table_options.optimize = way & 2;
			struct sql_connection *c = connect_with(&p);
			write_fine(c, "acct", flows, 1);
			write_fine(c, "acct", flows, 3 - 1);
			sql_driver_pgsql.close(c);
			assert_string_equal(ask("SELECT count(*), min(ip_src::text), sum(port_dst), "
						"sum(packets), sum(bytes), min(stamp_inserted) FROM acct"),
					    "1 192.0.2.1/32 443 31 3001 2023-11-14 22:13:20");
		}
}

static void
test_pmacct_bgp(void **state)
{
	NEEDS_SERVER;
	struct sql_params p = params();
	p.create = false;
	run("CREATE TABLE acct_bgp (agent_id BIGINT NOT NULL DEFAULT 0, as_src BIGINT NOT NULL DEFAULT 0, "
	    "as_dst BIGINT NOT NULL DEFAULT 0, peer_as_src BIGINT NOT NULL DEFAULT 0, "
	    "peer_as_dst BIGINT NOT NULL DEFAULT 0, peer_ip_src inet NOT NULL DEFAULT '0.0.0.0', "
	    "peer_ip_dst inet NOT NULL DEFAULT '0.0.0.0', comms CHAR(24) NOT NULL DEFAULT ' ', "
	    "as_path CHAR(21) NOT NULL DEFAULT ' ', local_pref BIGINT NOT NULL DEFAULT 0, "
	    "med BIGINT NOT NULL DEFAULT 0, packets INT NOT NULL, bytes BIGINT NOT NULL, "
	    "stamp_inserted timestamp without time zone NOT NULL DEFAULT '0001-01-01 00:00:00', "
	    "stamp_updated timestamp without time zone, PRIMARY KEY (agent_id, as_src, as_dst, peer_as_src, "
	    "peer_as_dst, peer_ip_src, peer_ip_dst, comms, as_path, local_pref, med, stamp_inserted))");
	table_options = (struct sql_table_options){.version = 1, .bgp = true};
	use_aggregate("src_as,dst_as,as_path,peer_src_ip", true);
	struct sql_connection *c = connect_with(&p);
	write_fine(c, "acct_bgp", flows, 2);
	write_fine(c, "acct_bgp", flows, 1);
	sql_driver_pgsql.close(c);
	assert_string_equal(ask("SELECT count(*), min(rtrim(as_path)), sum(packets) FROM acct_bgp"),
			    "1 1_2 31");
}

/* A column that is shorter than the values: they are cut, and those that became the same are added up. */
static void
test_cut(void **state)
{
	NEEDS_SERVER;
	struct sql_params p = params();
	use_aggregate("as_path", false);
	flows[1].as_path = (struct flow_bytes){(const uint8_t *)"\2\2\1\0\0\0\3\0\0\0", 10};
	run("CREATE TABLE t (as_path CHAR(2) PRIMARY KEY, packets bigint, bytes bigint)");
	write_once(&p, "t", flows, 2);
	assert_string_equal(ask("SELECT as_path, packets, bytes FROM t"), "1_ 21 2001");
	p.insert_only = true;
	run("DELETE FROM t");
	write_once(&p, "t", flows, 2);
	assert_string_equal(ask("SELECT as_path, packets, bytes FROM t"), "1_ 21 2001");
}

/* Other types than ours: text for addresses, numeric and real counters, epochs, arrays, a domain. */
static void
test_other_types(void **state)
{
	NEEDS_SERVER;
	struct sql_params p = params();
	use_aggregate("src_host,dst_host,dst_port,proto,as_path,src_mac", true);
	run("CREATE DOMAIN port AS integer CHECK (VALUE < 65536)");
	run("CREATE TABLE t (ip_src text, ip_dst cidr, port_dst port, ip_proto varchar(10), as_path "
	    "bigint[], "
	    "mac_src macaddr8, stamp_inserted bigint, stamp_updated timestamptz, packets numeric, bytes "
	    "double "
	    "precision)");
	table_options.lists = true;
	write_once(&p, "t", flows, 1);
	assert_string_equal(
	    ask("SELECT ip_src, ip_dst, port_dst, ip_proto, as_path, mac_src, stamp_inserted, "
		"stamp_updated AT TIME ZONE 'UTC', packets, bytes FROM t"),
	    "192.0.2.1 198.51.100.7/32 443 6 {1,2} 00:01:02:ff:fe:03:04:05 1700000000 "
	    "2023-11-14 22:14:20 10 1000");
}

/* Names are quoted, each part of its own. */
static void
test_names(void **state)
{
	NEEDS_SERVER;
	struct sql_params p = params();
	use_aggregate("dst_port", false);
	write_once(&p, "we\"ird 'tab; DROP TABLE x", flows, 1);
	assert_string_equal(ask("SELECT packets FROM \"we\"\"ird 'tab; DROP TABLE x\""), "10");
	run("CREATE SCHEMA \"Other\"");
	write_once(&p, "Other.t", flows, 1);
	assert_string_equal(ask("SELECT packets FROM \"Other\".t"), "10");
}

/* --- what cannot be written says why --- */

static void
assert_says(const char *const *words)
{
	for (; *words; words++)
		if (!strstr(message, *words))
			fail_msg("no '%s' in: %s", *words, message);
}

#define SAYS(...) assert_says((const char *const[]){__VA_ARGS__, NULL})

static void
test_wrong_tables(void **state)
{
	NEEDS_SERVER;
	struct sql_params p = params();
	p.create = false;
	use_aggregate("dst_port,src_host", false);
	struct sql_connection *c = connect_with(&p);
	assert_int_equal(write_flows(c, "missing", flows, 1), SQL_WRONG);
	SAYS("'missing'", "sql_table_create");
	run("CREATE TABLE t (port_dst int, packets int, bytes bigint)");
	assert_int_equal(write_flows(c, "t", flows, 1), SQL_WRONG);
	SAYS("'ip_src'", "ALTER TABLE t ADD COLUMN ip_src inet");
	run("ALTER TABLE t ADD COLUMN ip_src inet");
	flows[0].packets = 1ULL << 31;
	assert_int_equal(write_flows(c, "t", flows, 1), SQL_WRONG);
	SAYS("'packets'", "integer", "ALTER TABLE t ALTER COLUMN packets TYPE bigint");
	flows[0].packets = (1ULL << 31) - 1;
	write_fine(c, "t", flows, 1);
	assert_int_equal(write_flows(c, "t", flows, 1), SQL_WRONG); /* the sum is too large */
	SAYS("out of range", "ALTER TABLE t ALTER COLUMN packets TYPE bigint");
	run("ALTER TABLE t ALTER COLUMN packets TYPE bigint");
	write_fine(c, "t", flows, 1);
	assert_string_equal(ask("SELECT packets FROM t"), "4294967294");
	sql_driver_pgsql.close(c);
}

static enum sql_fault
cannot_connect(const struct sql_params *p)
{
	enum sql_fault f = SQL_FINE;
	assert_null(sql_driver_pgsql.open(p, &f, message, sizeof(message)));
	assert_null(strstr(message, "s3cret"));
	return f;
}

static void
test_wrong_connections(void **state)
{
	NEEDS_SERVER;
	struct sql_params p = params();
	char path[128], rest[8192] = "";
	snprintf(path, sizeof(path), "%s/data/pg_hba.conf", cluster.folder);
	FILE *f = fopen(path, "r+");
	assert_non_null(f);
	size_t n = fread(rest, 1, sizeof(rest) - 1, f);
	rewind(f);
	fprintf(f, "local all guarded scram-sha-256\n%.*s", (int)n, rest);
	fclose(f);
	run("DROP ROLE IF EXISTS guarded");
	run("CREATE ROLE guarded LOGIN PASSWORD 'right'");
	run("GRANT USAGE ON SCHEMA public TO guarded");
	run("SELECT pg_reload_conf()");
	usleep(200000);
	p.user = "guarded";
	p.password = "s3cret";
	assert_int_equal(cannot_connect(&p), SQL_WRONG);
	SAYS("password authentication failed", "sql_passwd", "postgres");
	p.password = "right";
	struct sql_connection *c = sql_driver_pgsql.open(&p, &(enum sql_fault){0}, message, sizeof(message));
	assert_non_null(c);
	uint64_t number;
	assert_int_equal(sql_driver_pgsql.last(c, SPOOL, &number, message, sizeof(message)), SQL_WRONG);
	SAYS("flowrib_spool", "permission denied", "CREATE TABLE");
	sql_driver_pgsql.close(c);
	p = params();
	p.database = "nowhere";
	assert_int_equal(cannot_connect(&p), SQL_WRONG);
	SAYS("nowhere", "sql_db");
	p = params();
	p.host = "unix:/nonexistent";
	assert_int_equal(cannot_connect(&p), SQL_AWAY);
	SAYS("sql_host");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_upsert, fresh),
	    cmocka_unit_test_setup(test_no_index, fresh),
	    cmocka_unit_test_setup(test_insert_only, fresh),
	    cmocka_unit_test_setup(test_pmacct_tables, fresh),
	    cmocka_unit_test_setup(test_pmacct_bgp, fresh),
	    cmocka_unit_test_setup(test_cut, fresh),
	    cmocka_unit_test_setup(test_other_types, fresh),
	    cmocka_unit_test_setup(test_names, fresh),
	    cmocka_unit_test_setup(test_wrong_tables, fresh),
	    cmocka_unit_test_setup(test_wrong_connections, fresh),
	};
	alarm(280); /* nothing here waits for ever */
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
