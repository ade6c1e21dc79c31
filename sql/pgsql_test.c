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

/* Rows known to be new go straight in; the same again is refused where an index says so. */
static void
test_insert_only(void **state)
{
	NEEDS_SERVER;
	struct sql_params p = params();
	p.insert_only = true;
	use_aggregate("src_host,dst_port", true);
	write_once(&p, "t", &flows[1], 2);
	assert_string_equal(ask("SELECT port_dst, packets FROM t ORDER BY 1"), "53 12; 443 11");
	struct sql_connection *c = connect_with(&p);
	assert_int_equal(write_flows(c, "t", &flows[1], 2), SQL_REFUSED);
	assert_non_null(strstr(message, "duplicate key"));
	write_fine(c, "other", &flows[1], 2);
	sql_driver_pgsql.close(c);
	assert_string_equal(ask("SELECT sum(packets) FROM t"), "23");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_upsert, fresh),
	    cmocka_unit_test_setup(test_no_index, fresh),
	    cmocka_unit_test_setup(test_insert_only, fresh),
	};
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
