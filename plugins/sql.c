/* The database plugins: aggregates go to PostgreSQL or SQLite every refresh time.
 *
 * A purge goes to the spool (sql/spool.h) on the purger's thread; from then on it is safe. A second thread,
 * the writer (sql/writer.h), takes it to the database. Here are the keys, and the names of tables. The two
 * types differ in their driver and in what is done when nothing is configured: SQLite then gets a database in
 * the state directory, with a table made for the aggregate. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/base/file.h"
#include "collector/base/log.h"
#include "collector/conf/conf.h"
#include "plugins/preprocess.h"
#include "plugins/purge.h"
#include "plugins/rowname.h"
#include "plugins/trigger.h"
#include "sql/writer.h"

#define STOP_PATIENCE_MS                                                                                     \
	10000 /* how long the end waits for the database; what is left waits in the spool                    \
	       */
#define SCHEMA_MAX ((size_t)1 << 20)

/* Beside the writer's own. */
enum sql_row {
	SQL_DELAYED = SQL_COUNTERS,
	SQL_LOST_AT_END,
	SQL_TRIGGER_FAILURES,
	SQL_ROWS,
};

static const struct counter_desc sql_rows[SQL_ROWS] = {
    SQL_COUNTER_ROWS,
    [SQL_DELAYED] = {"sql_delayed_purges", NULL, "Purges that waited for the one before to be in the spool",
		     COUNTER_SUM},
    [SQL_LOST_AT_END] = {"sql_lost_rows", "reason=\"end\"", "Rows that neither spool nor database took",
			 COUNTER_SUM},
    [SQL_TRIGGER_FAILURES] = {"sql_trigger_failures", NULL,
			      "Trigger programs that could not be run or ended with an error", COUNTER_SUM},
};

/* What the keys come to; strings are the configuration's or ours. */
struct sql_setup {
	struct sql_writer_options writer;
	struct spool_options spool;
	char spool_folder[4096], database[4096], table_name[SQL_NAME_MAX];
	struct outname name, schema;
	bool has_schema, has_bins, whole_bins;
	struct timebin bin;
	struct preprocess preprocess;
};

struct sql {
	struct purger purger;
	const struct plugin_setup *setup;
	struct sql_setup keys;
	struct spool *spool;
	struct sql_writer *writer;
	struct trigger trigger;
	int written_fd; /* the writer has written: the trigger is due */
};

static bool
flag(const struct plugin_setup *s, enum conf_key key)
{
	return conf_bool(s->conf, s->index, key);
}

static const char *
string(const struct plugin_setup *s, enum conf_key key)
{
	return conf_string(s->conf, s->index, key);
}

static bool
is_set(const struct plugin_setup *s, enum conf_key key)
{
	return conf_is_set(s->conf, s->index, key);
}

/* --- names of tables --- */

/* On the writer's thread. The layout is the segment's, which may be older than the configuration. */
static struct outname_row
row_of(const struct outname *name, const struct layout *l, const uint8_t *record, uint64_t purged_us)
{
	struct rowname values;
	rowname_init(&values, l);
	return rowname_of(&values, name, record,
			  l->bin_offset ? layout_bin(l, record) : purged_us / US_PER_S);
}

static void
put_formatted(const struct outname *name, const struct layout *l, const uint8_t *record, uint64_t purged_us,
	      struct text *out)
{
	struct outname_row row = row_of(name, l, record, purged_us);
	struct text t = {0};
	text_str(out, outname_format(name, &row, &t));
	text_free(&t);
}

static void
put_name(void *ctx, const struct layout *l, const uint8_t *record, uint64_t purged_us, struct text *out)
{
	const struct sql_setup *k = ctx;
	put_formatted(&k->name, l, record, purged_us, out);
}

static void
put_schema(void *ctx, const struct layout *l, const uint8_t *record, uint64_t purged_us, struct text *out)
{
	const struct sql_setup *k = ctx;
	put_formatted(&k->schema, l, record, purged_us, out);
}

static bool
depends_on_row(const struct outname *n)
{
	return n->time || n->peer_src_ip || n->tag || n->tag2;
}

/* --- keys --- */

static bool
has_routing(const struct aggregate *a)
{
	for (unsigned i = 0; i < a->n; i++)
		if (primitive_get(a->id[i])->flags & PRIMITIVE_BGP)
			return true;
	return false;
}

/* The table: pmacct's of a version, or one of ours. */
static struct sql_table_options
table_options(const struct plugin_setup *s, bool create)
{
	int type = conf_word(s->conf, s->index, CONF_sql_table_type);
	bool ours = create && !is_set(s, CONF_sql_table_version);
	return (struct sql_table_options){
	    .version = ours ? 9 : (unsigned)conf_uint(s->conf, s->index, CONF_sql_table_version),
	    .bgp = !ours && (type < 0 ? has_routing(s->aggregate) : type == 1),
	    .optimize = ours || flag(s, CONF_sql_optimize_clauses),
	    .num_protos = flag(s, CONF_sql_num_protos),
	    .timestamps_secs = flag(s, CONF_timestamps_secs),
	    .timestamps_utc = flag(s, CONF_timestamps_utc),
	    .timestamps_since_epoch = flag(s, CONF_timestamps_since_epoch),
	    .lists = strcmp(s->type, "pgsql") == 0 &&
		     (flag(s, CONF_as_path_encode_as_array) || flag(s, CONF_bgp_comms_encode_as_array)),
	    .comms_num = flag(s, CONF_bgp_comms_num),
	};
}

/* SQLite without sql_db: a file of ours in the state directory. */
static void
database_options(struct sql_setup *k, const struct plugin_setup *s)
{
	struct sql_params *p = &k->writer.params;
	bool own = k->writer.driver->sqlite && !is_set(s, CONF_sql_db);
	snprintf(k->database, sizeof(k->database), "%s/%s.db",
		 conf_string(s->conf, CONF_CORE, CONF_state_dir), s->name);
	*p = (struct sql_params){
	    .host = k->writer.driver->sqlite ? NULL : string(s, CONF_sql_host),
	    .port = (uint16_t)conf_uint(s->conf, s->index, CONF_sql_port),
	    .database = own ? k->database : string(s, CONF_sql_db),
	    .user = string(s, CONF_sql_user),
	    .password = string(s, CONF_sql_passwd),
	    .ca_file = string(s, CONF_sql_conn_ca_file),
	    .timeout_ms = 10000,
	    .locking = (enum sql_locking)conf_word(s->conf, s->index, CONF_sql_locking_style),
	    .insert_only = flag(s, CONF_sql_dont_try_update),
	    .create = is_set(s, CONF_sql_table_create) ? flag(s, CONF_sql_table_create) : own,
	};
	k->writer.backup_host = string(s, CONF_sql_recovery_backup_host);
}

static void
spool_options(struct sql_setup *k, const struct plugin_setup *s)
{
	snprintf(k->spool_folder, sizeof(k->spool_folder), "%s/%s.spool",
		 conf_string(s->conf, CONF_CORE, CONF_state_dir), s->name);
	k->spool = (struct spool_options){
	    .directory = k->spool_folder,
	    .max_bytes = conf_uint(s->conf, s->index, CONF_sql_spool_max_bytes),
	    .drop_oldest = conf_word(s->conf, s->index, CONF_sql_spool_full) == 1,
	};
}

static bool
parse_name(struct outname *out, const char *pattern, const struct plugin_setup *s, const char *key, char *err,
	   size_t errlen)
{
	struct conf_span history = conf_span(s->conf, s->index, CONF_sql_history);
	struct outname_fixed fixed = {
	    .refresh = conf_uint(s->conf, s->index, CONF_sql_refresh_time),
	    .history = history.months ? history.months * 30ULL * 86400 : history.seconds,
	    .post_tag = conf_uint(s->conf, s->index, CONF_post_tag),
	    .post_tag2 = conf_uint(s->conf, s->index, CONF_post_tag2),
	    .utc = flag(s, CONF_timestamps_utc),
	};
	char why[256];
	if (outname_parse(out, pattern, &fixed, why, sizeof(why)))
		return true;
	snprintf(err, errlen, "%s: %s", key, why);
	return false;
}

/* The statement of sql_table_schema has the variables of table names. */
static bool
read_schema(struct sql_setup *k, const struct plugin_setup *s, char *err, size_t errlen)
{
	const char *path = string(s, CONF_sql_table_schema);
	char why[256];
	size_t n;
	if (!path)
		return true;
	char *text = file_read(path, SCHEMA_MAX, &n, why, sizeof(why));
	if (!text) {
		snprintf(err, errlen, "sql_table_schema: %s", why);
		return false;
	}
	k->has_schema = parse_name(&k->schema, text, s, "sql_table_schema", err, errlen);
	free(text);
	return k->has_schema;
}

static bool
read_names(struct sql_setup *k, const struct plugin_setup *s, char *err, size_t errlen)
{
	sql_table_default_name(k->table_name, sizeof(k->table_name), &k->writer.table);
	const char *pattern = is_set(s, CONF_sql_table) ? string(s, CONF_sql_table)
			      : k->writer.params.create && !is_set(s, CONF_sql_table_version) ? "acct"
											      : k->table_name;
	if (!parse_name(&k->name, pattern, s, "sql_table", err, errlen))
		return false;
	if (!read_schema(k, s, err, errlen))
		return false;
	k->writer.naming = (struct sql_naming){
	    .name = put_name,
	    .schema = k->has_schema ? put_schema : NULL,
	    .constant = !depends_on_row(&k->name),
	    .ctx = k,
	};
	return true;
}

/* With sql_dont_try_update a row must come once: a bin is only written when it is over. */
static bool
read_bins(struct sql_setup *k, const struct plugin_setup *s, char *err, size_t errlen)
{
	struct conf_span history = conf_span(s->conf, s->index, CONF_sql_history);
	k->has_bins = s->layout->bin_offset != 0;
	k->whole_bins = k->has_bins && k->writer.params.insert_only;
	if (!k->has_bins)
		return true;
	return timebin_init(&k->bin, history.seconds, history.months,
			    conf_uint(s->conf, s->index, CONF_sql_history_offset),
			    string(s, CONF_sql_history_roundoff), clock_now_us(), err, errlen);
}

static void
setup_free(struct sql_setup *k)
{
	outname_free(&k->name);
	outname_free(&k->schema);
}

/* Everything that can be refused before the database is asked. On failure nothing is left to free. */
static bool
setup_init(struct sql_setup *k, const struct plugin_setup *s, char *err, size_t errlen)
{
	struct sql_table t;
	*k = (struct sql_setup){.writer.driver = sql_driver_find(s->type)};
	if (!k->writer.driver) {
		snprintf(err, errlen, "plugin %s: this build has no such database: configure --with-%s",
			 s->type, strcmp(s->type, "pgsql") == 0 ? "pq" : "sqlite");
		return false;
	}
	database_options(k, s);
	spool_options(k, s);
	k->writer.table = table_options(s, k->writer.params.create);
	k->writer.table.sqlite = k->writer.driver->sqlite;
	if (read_names(k, s, err, errlen) && read_bins(k, s, err, errlen) &&
	    preprocess_parse(&k->preprocess, string(s, CONF_sql_preprocess),
			     conf_word(s->conf, s->index, CONF_sql_preprocess_type) == 1, s->layout, err,
			     errlen) &&
	    sql_table_compile(&t, s->layout, &k->writer.table, err, errlen)) {
		sql_table_free(&t);
		return true;
	}
	setup_free(k);
	return false;
}

static bool
sql_check(const struct plugin_setup *s, char *err, size_t errlen)
{
	struct sql_setup k;
	if (!setup_init(&k, s, err, errlen))
		return false;
	setup_free(&k);
	return true;
}

/* Variables in a table's name stay as they are written: the statement is one for sql_table_schema. */
static bool
sql_schema(const struct plugin_setup *s, struct text *out, char *err, size_t errlen)
{
	struct sql_setup k;
	struct sql_table t;
	if (!setup_init(&k, s, err, errlen))
		return false;
	bool fine = sql_table_compile(&t, s->layout, &k.writer.table, err, errlen);
	if (fine) {
		text_printf(out, "-- plugin %s[%s], sql_db '%s'\n", s->type, s->name,
			    k.writer.params.database);
		sql_ddl(out, &t, k.name.pattern,
			&(struct sql_ddl_options){.sqlite = k.writer.driver->sqlite});
		sql_table_free(&t);
	}
	setup_free(&k);
	return fine;
}

/* --- purging: to the spool --- */

static const uint64_t *
counters_of(const struct layout *l, const uint8_t *record)
{
	return (const uint64_t *)(const void *)(record + layout_key_size(l, record));
}

/* A purge that the spool does not take stays in memory and is tried again with the next one. */
static void
keep_all(struct sql *q, struct purge_job *job)
{
	struct cache_cursor cursor = {0};
	for (const uint8_t *record; (record = cache_next(job->cache, &cursor));)
		if (!purge_must_wait(job, q->setup->layout, record) &&
		    preprocess_pass(&q->keys.preprocess, counters_of(q->setup->layout, record)))
			purge_keep_failed(job, q->setup->layout, record);
}

/* On the purger's thread. */
static void
write_purge(void *ctx, struct purge_job *job)
{
	struct sql *q = ctx;
	const struct layout *l = q->setup->layout;
	struct cache_cursor cursor = {0};
	char err[512];
	if (q->keys.whole_bins && !job->last)
		job->newest_bin = timebin_end(&q->keys.bin, job->now_us) / US_PER_S;
	struct spool_append *a = spool_append_begin(q->spool, l, job->now_us, err, sizeof(err));
	for (const uint8_t *record; (record = cache_next(job->cache, &cursor));) {
		job->total++;
		if (purge_must_wait(job, l, record)) {
			purge_keep(job, l, record);
		} else if (preprocess_pass(&q->keys.preprocess, counters_of(l, record))) {
			if (a)
				spool_append_records(a, record, layout_record_size(l, record), 1);
			job->written++;
		}
	}
	if (a && spool_append_commit(a, err, sizeof(err))) {
		job->files = job->written > 0;
		return;
	}
	log_error("%s; the rows stay in memory until the next purge", err);
	job->errors++;
	job->written = 0;
	keep_all(q, job);
}

/* The trigger follows the database, not the spool. */
static void
purge_done(void *ctx, const struct purge_job *job)
{
	(void)ctx;
	(void)job;
}

static const struct purge_ops sql_purges = {
    .keys = {CONF_sql_refresh_time, CONF_sql_startup_delay, CONF_sql_history_roundoff,
	     CONF_sql_cache_max_bytes},
    .rows = {SQL_DELAYED, SQL_LOST_AT_END},
    .write = write_purge,
    .done = purge_done,
};

/* --- the rest of the hooks --- */

/* On the writer's thread. */
static void
segment_written(void *ctx, uint64_t rows, uint64_t took_us)
{
	struct sql *q = ctx;
	uint64_t one = 1;
	log_debug("%llu rows are in the database after %llu ms", (unsigned long long)rows,
		  (unsigned long long)took_us / 1000);
	if (write(q->written_fd, &one, sizeof(one)) < 0)
		log_error("cannot tell that rows are in the database: %s", strerror(errno));
}

static void
on_written(void *ctx, int fd, uint32_t events)
{
	struct sql *q = ctx;
	uint64_t n;
	(void)events;
	if (read(fd, &n, sizeof(n)) > 0)
		trigger_fire(&q->trigger);
}

/* What pmacct gives a trigger that does not change. Before any thread is made, which might read it. */
static void
trigger_environment(const struct sql *q)
{
	char refresh[24];
	const struct sql_params *p = &q->keys.writer.params;
	snprintf(refresh, sizeof(refresh), "%llu",
		 (unsigned long long)conf_uint(q->setup->conf, q->setup->index, CONF_sql_refresh_time));
	const char *const pairs[][2] = {
	    {"SQL_DB", p->database},	   {"SQL_TABLE", q->keys.name.pattern},
	    {"SQL_HOST", p->host},	   {"SQL_USER", p->user},
	    {"SQL_REFRESH_TIME", refresh}, {"SQL_RECOVERY_BACKUP_HOST", q->keys.writer.backup_host},
	};
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (pairs[i][1])
			setenv(pairs[i][0], pairs[i][1], 1);
}

static bool
start_writing(struct sql *q, struct plugin_host *host, char *err, size_t errlen)
{
	const struct plugin_setup *s = q->setup;
	umask((mode_t)conf_uint(s->conf, s->index, CONF_files_umask));
	if (!setup_init(&q->keys, s, err, errlen))
		return false;
	trigger_environment(q);
	q->spool = spool_open(&q->keys.spool, err, errlen);
	if (!q->spool)
		return false;
	q->written_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (q->written_fd < 0 || !plugin_host_watch(host, q->written_fd, EPOLLIN, on_written, q)) {
		snprintf(err, errlen, "cannot start: %s", strerror(errno));
		return false;
	}
	q->keys.writer.counters = s->own;
	q->keys.writer.written = segment_written;
	q->keys.writer.ctx = q;
	q->writer = sql_writer_start(q->spool, &q->keys.writer, err, errlen);
	return q->writer != NULL;
}

static void *
sql_start(struct plugin_host *host, const struct plugin_setup *setup)
{
	struct sql *q = calloc(1, sizeof(*q));
	char err[1024] = "no memory to start";
	if (q)
		q->setup = setup;
	if (!q || !start_writing(q, host, err, sizeof(err))) {
		log_error("%s", err);
		return NULL; /* the process ends */
	}
	trigger_init(&q->trigger, host, string(setup, CONF_sql_trigger_exec),
		     flag(setup, CONF_sql_trigger_exec_async), setup->own, SQL_TRIGGER_FAILURES);
	return purger_start(&q->purger, host, setup, &sql_purges, q) ? q : NULL;
}

static void
sql_records(void *state, const uint8_t *records, uint32_t n)
{
	struct sql *q = state;
	purger_records(&q->purger, records, n);
}

static void
sql_tick(void *state, uint64_t now_us)
{
	struct sql *q = state;
	purger_tick(&q->purger, now_us);
}

/* The last purge is in the spool when purger_stop returns; the database gets a while to take it. */
static void
sql_stop(void *state)
{
	struct sql *q = state;
	uint64_t n;
	purger_stop(&q->purger);
	if (!sql_writer_stop(q->writer, STOP_PATIENCE_MS))
		log_notice(
		    "the database did not take everything in %u s: the rest waits in '%s' for the next start",
		    STOP_PATIENCE_MS / 1000, q->keys.spool_folder);
	if (read(q->written_fd, &n, sizeof(n)) > 0)
		trigger_fire_last(&q->trigger);
	close(q->written_fd);
	spool_close(q->spool);
	setup_free(&q->keys);
	free(q);
}

static const struct plugin_bins sql_bins = {CONF_sql_history, CONF_sql_history_offset,
					    CONF_sql_history_roundoff};

#define SQL_PLUGIN(name, text)                                                                               \
	const struct plugin_ops name##_plugin = {                                                            \
	    .type = #name,                                                                                   \
	    .help = text,                                                                                    \
	    .needs_state = true,                                                                             \
	    .check = sql_check,                                                                              \
	    .schema = sql_schema,                                                                            \
	    .start = sql_start,                                                                              \
	    .records = sql_records,                                                                          \
	    .tick = sql_tick,                                                                                \
	    .stop = sql_stop,                                                                                \
	    .bins = &sql_bins,                                                                               \
	    .counters = sql_rows,                                                                            \
	    .counter_count = SQL_ROWS,                                                                       \
	}

SQL_PLUGIN(pgsql, "rows of a PostgreSQL database, every refresh time");
SQL_PLUGIN(sqlite3, "rows of an SQLite database, every refresh time");
