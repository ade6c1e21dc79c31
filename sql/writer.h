/* The writer: a thread that takes segments from the spool to the database, one after the other, for ever.
 *
 * It retries with growing pauses when the database is away, goes to the second server when there is one and
 * the first has failed, sets aside what can never be written, and never holds up the purges. */
#ifndef FLOWRIB_SQL_WRITER_H
#define FLOWRIB_SQL_WRITER_H

#include "collector/base/counters.h"
#include "sql/driver.h"
#include "sql/spool.h"

enum sql_counter {
	SQL_SEGMENTS_WRITTEN,
	SQL_ROWS_COMMITTED,
	SQL_RETRIES,
	SQL_SEGMENTS_REJECTED,
	SQL_TO_BACKUP,	    /* segments that went to the second server */
	SQL_SPOOL_SEGMENTS, /* gauges */
	SQL_SPOOL_BYTES,
	SQL_SPOOL_DROPPED_ROWS,
	SQL_COUNTERS
};
#define SQL_COUNTER_ROWS                                                                                     \
	[SQL_SEGMENTS_WRITTEN] = {"sql_segments_written", NULL, "Purges that are in the database",           \
				  COUNTER_SUM},                                                              \
	[SQL_ROWS_COMMITTED] = {"sql_rows_committed", NULL, "Rows that are in the database", COUNTER_SUM},   \
	[SQL_RETRIES] = {"sql_retries", NULL, "Attempts to write a purge that failed and are made again",    \
			 COUNTER_SUM},                                                                       \
	[SQL_SEGMENTS_REJECTED] = {"sql_segments_rejected", NULL,                                            \
				   "Purges that the database can never take, set aside in the spool",        \
				   COUNTER_SUM},                                                             \
	[SQL_TO_BACKUP] = {"sql_segments_to_backup", NULL, "Purges that went to the second server",          \
			   COUNTER_SUM},                                                                     \
	[SQL_SPOOL_SEGMENTS] = {"sql_spool_segments", NULL, "Purges that wait for the database",             \
				COUNTER_GAUGE},                                                              \
	[SQL_SPOOL_BYTES] = {"sql_spool_bytes", NULL, "Their bytes on the disk", COUNTER_GAUGE},             \
	[SQL_SPOOL_DROPPED_ROWS] = {"sql_spool_dropped_rows", NULL,                                          \
				    "Rows dropped because the spool was full", COUNTER_SUM}

/* Which table a record goes to, and what is to be run before. */
struct sql_naming {
	/* Appends the name for a record. */
	void (*name)(void *ctx, const struct layout *l, const uint8_t *record, uint64_t purged_us,
		     struct text *out);
	/* Appends the statement of sql_table_schema; NULL: none. */
	void (*schema)(void *ctx, const struct layout *l, const uint8_t *record, uint64_t purged_us,
		       struct text *out);
	bool constant; /* the same for all records: asked once */
	void *ctx;
};

struct sql_writer_options {
	const struct sql_driver *driver;
	struct sql_params params; /* strings must outlive the writer */
	const char *backup_host;  /* second server, or SQLite's second file; NULL: none */
	struct sql_table_options table;
	struct sql_naming naming;
	struct counter_block *counters; /* its rows from first_counter on are enum sql_counter */
	unsigned first_counter;
	/* On the writer's thread, after each segment that is in the database; NULL: nothing. */
	void (*written)(void *ctx, uint64_t rows, uint64_t took_us);
	void *ctx;
};

struct sql_writer;

/* NULL with a message. The spool and everything in o must outlive it. */
struct sql_writer *sql_writer_start(struct spool *s, const struct sql_writer_options *o, char *err,
				    size_t errlen);
/* Lets it work until the spool is empty, patience_ms at most, then ends it; what is left waits on the disk
 * for the next start. True when nothing was left. */
bool sql_writer_stop(struct sql_writer *w, unsigned patience_ms);

#endif
