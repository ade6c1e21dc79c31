/* How many rows a second go from a purge to a database that has committed them, and whose time that takes.
 *
 * usage: sql_bench [ROWS [PURGES]]
 *
 * Each case has a table with a primary key over the key columns. "new" rows are of another time bin each
 * purge; "there" are the same rows again. Own time is that of this process, spool included; the database's
 * is that of all processes of the private server. SQLite works in this process, so its own share is what the
 * rows cost without it: reading the spool and turning records into values. */
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "sql/drivers.h"
#include "sql/pgsql_cluster.h"
#include "sql/spool.h"

#define BIN 1700000040

struct times {
	uint64_t wall, own, server; /* microseconds */
};

static struct layout layout;
static struct cluster cluster;
static char folder[64];

static uint64_t
own_us(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * US_PER_S +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Of one process, when parent is its parent; in clock ticks. */
static uint64_t
ticks_of(const char *pid, pid_t parent)
{
	char path[64];
	unsigned long user = 0, kernel = 0;
	int of = 0;
	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	FILE *f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%*d (%*[^)]) %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &of, &user,
		   &kernel) != 3)
		of = 0;
	fclose(f);
	return of == parent ? user + kernel : 0;
}

static uint64_t
server_us(void)
{
	uint64_t ticks = 0;
	DIR *d = cluster.pid ? opendir("/proc") : NULL;
	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			ticks += ticks_of(e->d_name, cluster.pid);
	if (d)
		closedir(d);
	return ticks * US_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
}

static struct times
now(void)
{
	return (struct times){clock_monotonic_us(), own_us(), server_us()};
}

static void
die(const char *what)
{
	fprintf(stderr, "sql_bench: %s\n", what);
	cluster_remove(&cluster);
	exit(1);
}

/* --- a purge --- */

static uint8_t *
make_records(uint32_t rows, uint64_t bin)
{
	uint8_t *records = malloc((size_t)rows * layout.max_record), *p = records;
	struct flow *f = calloc(1, sizeof(*f));
	if (!records || !f)
		die("no memory");
	for (uint32_t i = 0; i < rows; i++) {
		uint32_t mixed = i * 2654435761u, src = htobe32(0x0a000000 | (mixed >> 8)),
			 dst = htobe32(0xc0000000 | i);
		f->src_host = addr_from_v4(&src);
		f->dst_host = addr_from_v4(&dst);
		f->src_port = (uint16_t)mixed;
		f->dst_port = 443;
		f->proto = 6;
		f->packets = 10 + i % 100;
		f->bytes = 1000 + i;
		size_t size = layout_pack(&layout, f, p);
		layout_set_bin(&layout, p, bin);
		p += size;
	}
	free(f);
	return records;
}

static void
append(struct spool *s, const uint8_t *records, uint32_t rows)
{
	char err[512];
	struct spool_append *a = spool_append_begin(s, &layout, BIN * US_PER_S, err, sizeof(err));
	if (!a)
		die(err);
	spool_append_records(a, records, (size_t)rows * layout_record_size(&layout, records), rows);
	if (!spool_append_commit(a, err, sizeof(err)))
		die(err);
}

/* What the writer does with a segment of one table. */
static void
take(struct spool *s, const struct sql_driver *driver, struct sql_connection *c)
{
	char err[1024] = "";
	struct spool_segment g;
	struct sql_table form;
	struct sql_table_options o = {.version = 9, .optimize = true, .sqlite = driver->sqlite};
	if (!spool_take(s, 0, &g) || !sql_table_compile(&form, g.layout, &o, err, sizeof(err)))
		die(err);
	form.now_us = g.purged_us;
	const uint8_t **record = calloc(g.rows, sizeof(*record)), *p = g.records;
	if (!record)
		die("no memory");
	for (uint32_t i = 0; i < g.rows; i++, p += layout_record_size(g.layout, p))
		record[i] = p;
	struct sql_batch b = {.table = "t", .record = record, .rows = g.rows};
	if (driver->write(c, &form, spool_identity(s), g.number, &b, 1, err, sizeof(err)) != SQL_FINE)
		die(err);
	spool_done(s, g.number);
	free(record);
	sql_table_free(&form);
	spool_segment_free(&g);
}

/* --- a case --- */

static struct sql_connection *
connect_to(const struct sql_driver *driver, bool insert_only, const char *name, const char *spool)
{
	char err[1024] = "", where[128];
	uint64_t number;
	enum sql_fault f = SQL_FINE;
	snprintf(where, sizeof(where), driver->sqlite ? "%s/%s.db" : "unix:%s",
		 driver->sqlite ? folder : cluster.folder, name);
	struct sql_params p = {.host = driver->sqlite ? NULL : where,
			       .database = driver->sqlite ? where : "postgres",
			       .user = "flowrib",
			       .timeout_ms = 10000,
			       .insert_only = insert_only,
			       .create = true};
	struct sql_connection *c = driver->open(&p, &f, err, sizeof(err));
	if (!c || driver->last(c, spool, &number, err, sizeof(err)) != SQL_FINE)
		die(err);
	return c;
}

static void
show(const char *what, struct times from, struct times to, uint64_t rows)
{
	printf("%-38s %8.0f %10.2f %10.2f\n", what, (double)rows * US_PER_S / (double)(to.wall - from.wall),
	       (double)(to.own - from.own) / (double)rows, (double)(to.server - from.server) / (double)rows);
	fflush(stdout);
}

static void
bench(const char *what, const struct sql_driver *driver, bool insert_only, bool same, uint32_t rows,
      unsigned purges)
{
	char err[512], place[128];
	struct times taken = {0, 0, 0}, from, to;
	static unsigned number;
	snprintf(place, sizeof(place), "%s/spool%u", folder, number++);
	struct spool_options o = {.directory = place};
	struct spool *s = spool_open(&o, err, sizeof(err));
	if (!s)
		die(err);
	struct sql_connection *c =
	    connect_to(driver, insert_only, place + strlen(folder) + 1, spool_identity(s));
	for (unsigned i = 0; i <= purges; i++) {
		uint8_t *records = make_records(rows, BIN + (same ? 0 : 60 * (uint64_t)i));
		from = now();
		append(s, records, rows);
		take(s, driver, c);
		to = now();
		free(records);
		if (i == 0) /* makes the table, and the rows that will be there */
			continue;
		taken.wall += to.wall - from.wall;
		taken.own += to.own - from.own;
		taken.server += to.server - from.server;
	}
	show(what, (struct times){0, 0, 0}, taken, (uint64_t)rows * purges);
	driver->close(c);
	spool_close(s);
}

/* Rows as values, without a database. */
static void
bench_values(uint32_t rows)
{
	char err[512];
	struct sql_table form;
	struct sql_value v[SQL_COLUMNS_MAX];
	struct sql_table_options o = {.version = 9, .optimize = true};
	if (!sql_table_compile(&form, &layout, &o, err, sizeof(err)))
		die(err);
	uint8_t *records = make_records(rows, BIN), *p = records;
	struct times from = now();
	for (uint32_t i = 0; i < rows; i++, p += layout_record_size(&layout, p))
		sql_table_row(&form, p, v);
	show("records to values only", from, now(), rows);
	free(records);
	sql_table_free(&form);
}

static void
bench_spool(uint32_t rows)
{
	char err[512], place[128];
	snprintf(place, sizeof(place), "%s/spool", folder);
	struct spool_options o = {.directory = place};
	struct spool *s = spool_open(&o, err, sizeof(err));
	if (!s)
		die(err);
	uint8_t *records = make_records(rows, BIN);
	struct times from = now();
	append(s, records, rows);
	show("spool only, with its fsync", from, now(), rows);
	free(records);
	spool_close(s);
}

/* A table for each case, so that they do not meet. */
static void
drop_table(void)
{
	char command[400];
	snprintf(command, sizeof(command),
		 "%s/psql -q -h %s -U flowrib -d postgres -c 'DROP TABLE IF EXISTS t' -c CHECKPOINT",
		 cluster.bin, cluster.folder);
	if (system(command) != 0)
		die("psql failed");
}

int
main(int argc, char **argv)
{
	char err[256], command[96];
	struct aggregate a;
	struct layout_options o = {.time_bins = true};
	uint32_t rows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 200000;
	unsigned purges = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 5;
	snprintf(folder, sizeof(folder), "/tmp/flowrib-sql-bench-XXXXXX");
	if (!mkdtemp(folder) ||
	    !aggregate_parse(&a, "src_host,dst_host,src_port,dst_port,proto", err, sizeof(err)) ||
	    !layout_compile(&layout, &a, &o, err, sizeof(err)))
		die("cannot set up");
	printf("%u rows a purge, %u purges\n%-38s %8s %10s %10s\n", rows, purges, "", "rows/s", "own us/row",
	       "db us/row");
	bench_values(rows);
	bench_spool(rows);
	const char *why = sql_driver_find("pgsql") ? cluster_make(&cluster) : "not in this build";
	if (!why && !cluster_start(&cluster))
		why = "it does not start";
	if (why) {
		printf("PostgreSQL: %s\n", why);
	} else {
		bench("PostgreSQL, may exist: new", &sql_driver_pgsql, false, false, rows, purges);
		drop_table();
		bench("PostgreSQL, may exist: there", &sql_driver_pgsql, false, true, rows, purges);
		drop_table();
		bench("PostgreSQL, insert only", &sql_driver_pgsql, true, false, rows, purges);
	}
	cluster_remove(&cluster);
	if (sql_driver_find("sqlite3")) {
		bench("SQLite, may exist: new", &sql_driver_sqlite3, false, false, rows, purges);
		bench("SQLite, may exist: there", &sql_driver_sqlite3, false, true, rows, purges);
		bench("SQLite, insert only", &sql_driver_sqlite3, true, false, rows, purges);
	}
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command) != 0;
}
