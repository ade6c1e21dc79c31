/* Spool, table, writer and the SQLite driver together: what was purged is in the database once, whatever
 * happened in between. The database is read with sqlite3's own shell language through the library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "sql/drivers.h"
#include "sql/writer.h"

static char folder[64], database[128], spool_folder[128];
static struct layout layout;

static int
take_away(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static void
use_aggregate(const char *names, bool bins)
{
	struct aggregate a;
	struct layout_options o = {.time_bins = bins};
	char err[256];
	assert_true(aggregate_parse(&a, names, err, sizeof(err)));
	assert_true(layout_compile(&layout, &a, &o, err, sizeof(err)));
}

static int
setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/flowrib-sqlite-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(database, sizeof(database), "%s/db", folder);
	snprintf(spool_folder, sizeof(spool_folder), "%s/spool", folder);
	setenv("TZ", "UTC", 1);
	counters_init();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return nftw(folder, take_away, 16, FTW_DEPTH | FTW_PHYS);
}

static const struct counter_desc rows[SQL_COUNTERS] = {SQL_COUNTER_ROWS};

static void
put_table(void *ctx, const struct layout *l, const uint8_t *record, uint64_t purged_us, struct text *out)
{
	(void)l, (void)record, (void)purged_us;
	text_str(out, ctx);
}

static struct spool *
open_spool(void)
{
	char err[256];
	struct spool_options o = {.directory = spool_folder};
	struct spool *s = spool_open(&o, err, sizeof(err));
	assert_non_null(s);
	return s;
}

/* Writes everything that waits; true when nothing is left. */
static bool
write_all(struct spool *s, const char *table, bool create, bool insert_only, unsigned version,
	  struct counter_block **counters)
{
	char err[256];
	struct sql_writer_options o = {
	    .driver = sql_driver_find("sqlite3"),
	    .params = {.database = database,
		       .timeout_ms = 2000,
		       .create = create,
		       .insert_only = insert_only},
	    .table = {.version = version, .optimize = create},
	    .naming = {.name = put_table, .constant = true, .ctx = (void *)(uintptr_t)table},
	    .counters = counters_add(rows, SQL_COUNTERS, ""),
	};
	*counters = o.counters;
	struct sql_writer *w = sql_writer_start(s, &o, err, sizeof(err));
	assert_non_null(w);
	return sql_writer_stop(w, 5000);
}

static void
purge(struct spool *s, const struct flow *f, unsigned n, uint64_t bin, uint64_t now_us)
{
	char err[256];
	uint8_t record[4096];
	struct spool_append *a = spool_append_begin(s, &layout, now_us, err, sizeof(err));
	assert_non_null(a);
	for (unsigned i = 0; i < n; i++) {
		size_t size = layout_pack(&layout, &f[i], record);
		if (bin)
			layout_set_bin(&layout, record, bin);
		spool_append_records(a, record, size, 1);
	}
	assert_true(spool_append_commit(a, err, sizeof(err)));
}

/* The one value of a query, as text. */
static char *
ask(const char *sql)
{
	static char answer[512];
	sqlite3 *db;
	sqlite3_stmt *s;
	assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) {
		print_message("%s: %s\n", sql, sqlite3_errmsg(db));
		fail();
	}
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	snprintf(answer, sizeof(answer), "%s", (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	sqlite3_close(db);
	return answer;
}

static void
run(const char *sql)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* Two purges of the same keys add up; a third key stands alone. */
static void
test_upsert(void **state)
{
	struct counter_block *c;
	struct flow *f = calloc(3, sizeof(*f));
	(void)state;
	use_aggregate("src_host,dst_port,proto,tcpflags,as_path,src_mac", true);
	for (unsigned i = 0; i < 3; i++) {
		addr_parse(&f[i].src_host, i < 2 ? "192.0.2.1" : "2001:db8::9");
		f[i].dst_port = (uint16_t)(i < 2 ? 443 : 53);
		f[i].proto = 6;
		f[i].packets = 10 + i;
		f[i].bytes = 1000 + i;
		f[i].tcp_flags = 1u << i;
		f[i].as_path = (struct flow_bytes){(const uint8_t *)"\2\2\1\0\0\0\2\0\0\0", 10};
		memcpy(f[i].src_mac, "\0\1\2\3\4\5", 6);
	}
	struct spool *s = open_spool();
	purge(s, &f[0], 1, 1700000000, 1700000060000000);
	purge(s, &f[1], 2, 1700000000, 1700000120000000);
	assert_true(write_all(s, "t", true, false, 9, &c));
	assert_int_equal(counter_read(c, SQL_SEGMENTS_WRITTEN), 2);
	assert_int_equal(counter_read(c, SQL_ROWS_COMMITTED), 3);
	assert_string_equal(ask("SELECT count(*) FROM t"), "2");
	assert_string_equal(
	    ask("SELECT ip_src||' '||port_dst||' '||ip_proto||' '||packets||' '||bytes||' '||tcp_flags"
		"||' '||as_path||' '||mac_src||' '||stamp_inserted||' '||stamp_updated FROM t "
		"WHERE port_dst = 443"),
	    "192.0.2.1 443 tcp 21 2001 3 1_2 00:01:02:03:04:05 2023-11-14 22:13:20 "
	    "2023-11-14 22:15:20");
	assert_string_equal(ask("SELECT ip_src||' '||packets FROM t WHERE port_dst = 53"), "2001:db8::9 12");
	free(f);
	spool_close(s);
}

/* The process died between COMMIT and the removal of the segment: it is not written twice. */
static void
test_once(void **state)
{
	struct counter_block *c;
	struct flow *f = calloc(1, sizeof(*f));
	char command[512];
	(void)state;
	use_aggregate("dst_port", false);
	f->dst_port = 80;
	f->packets = 7;
	struct spool *s = open_spool();
	purge(s, f, 1, 0, 1700000000000000);
	snprintf(command, sizeof(command), "mkdir %s/copy && cp %s/*.segment %s/copy/", folder, spool_folder,
		 folder);
	assert_int_equal(system(command), 0);
	assert_true(write_all(s, "t", true, false, 9, &c));
	spool_close(s);
	snprintf(command, sizeof(command), "cp %s/copy/*.segment %s/ && rm %s/*.done", folder, spool_folder,
		 spool_folder);
	assert_int_equal(system(command), 0);
	s = open_spool();
	assert_true(write_all(s, "t", true, false, 9, &c));
	assert_int_equal(counter_read(c, SQL_SEGMENTS_WRITTEN), 0);
	assert_string_equal(ask("SELECT packets FROM t"), "7");
	free(f);
	spool_close(s);
}

/* A table of pmacct's, version 1 in SQLite, without and with its primary key; and one that lacks. */
static void
test_old_tables(void **state)
{
	struct counter_block *c;
	struct flow *f = calloc(1, sizeof(*f));
	(void)state;
	use_aggregate("src_host,dst_host,src_port", false);
	addr_parse(&f->src_host, "192.0.2.1");
	addr_parse(&f->dst_host, "192.0.2.2");
	f->src_port = 1234;
	f->packets = 5;
	f->bytes = 50;
	run("CREATE TABLE acct (mac_src CHAR(17) NOT NULL DEFAULT '0:0:0:0:0:0', mac_dst CHAR(17) NOT NULL "
	    "DEFAULT "
	    "'0:0:0:0:0:0', ip_src CHAR(45) NOT NULL DEFAULT '0.0.0.0', ip_dst CHAR(45) NOT NULL DEFAULT "
	    "'0.0.0.0', "
	    "src_port INT(4) NOT NULL DEFAULT 0, dst_port INT(4) NOT NULL DEFAULT 0, ip_proto CHAR(6) NOT "
	    "NULL "
	    "DEFAULT 0, packets INT NOT NULL, bytes BIGINT NOT NULL, stamp_inserted DATETIME NOT NULL "
	    "DEFAULT "
	    "'0000-00-00 00:00:00', stamp_updated DATETIME)");
	struct spool *s = open_spool();
	for (unsigned i = 0; i < 2; i++)
		purge(s, f, 1, 0, 1700000000000000);
	assert_true(write_all(s, "acct", false, false, 1, &c));
	assert_string_equal(
	    ask("SELECT count(*)||' '||ip_src||' '||src_port||' '||packets||' '||bytes FROM acct"),
	    "1 192.0.2.1 1234 10 100");
	/* the operator must act: nothing is lost meanwhile */
	purge(s, f, 1, 0, 1700000000000000);
	assert_false(write_all(s, "missing", false, false, 1, &c));
	assert_true(counter_read(c, SQL_RETRIES) >= 1);
	assert_true(write_all(s, "acct", false, true, 1, &c));
	assert_string_equal(ask("SELECT count(*) FROM acct"), "2");
	free(f);
	spool_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_upsert, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_old_tables, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
