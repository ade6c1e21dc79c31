/* The writer: a thread that takes segments from the spool to the database, one after the other, for ever.
 *
 * It retries with growing pauses when the database is away, goes to the second server when there is one and
 * the first has failed, sets aside what can never be written, and never holds up the purges. */
#ifndef FLOWRIB_SQL_WRITER_H
#define FLOWRIB_SQL_WRITER_H

#include "collector/base/counters.h"
#include "sql/driver.h"

/* Rows of the plugin's counters, in this order from the row given. */
enum sql_counter {
	SQL_SEGMENTS_WRITTEN,
	SQL_ROWS_COMMITTED,
	SQL_RETRIES,
	SQL_SEGMENTS_REJECTED,
	SQL_TO_BACKUP,
	SQL_SPOOL_SEGMENTS, /* gauges */
	SQL_SPOOL_BYTES,
	SQL_SPOOL_DROPPED_ROWS,
	SQL_COUNTERS
};
extern const struct counter_desc sql_counter_desc[SQL_COUNTERS];

struct sql_writer_options {
	const struct sql_driver *driver;
	struct sql_params params;
	const char *backup_host; /* NULL: none */
	struct sql_table_options table;
	/* Which table a record goes to: writes its name to out. */
	void (*name)(void *ctx, const struct layout *l, const uint8_t *record, uint64_t purged_us,
		     struct text *out);
	/* True when two records surely go to the same table: asked before name. NULL: always the same. */
	bool (*same_name)(void *ctx, const struct layout *l, const uint8_t *a, const uint8_t *b);
	void *ctx;
	struct counter_block *counters;
	uint64_t retention_s;
	/* Called on the writer's thread after each segment: how many rows (triggers). */
	void (*written)(void *ctx, uint64_t rows, uint64_t took_us);
};

struct sql_writer;

/* NULL with a message. */
struct sql_writer *sql_writer_start(struct spool *s, const struct sql_writer_options *o, char *err,
				    size_t errlen);
/* Lets it work up to patience_ms until the spool is empty, then ends it; what is left waits for the next
 * start. True when nothing was left. */
bool sql_writer_stop(struct sql_writer *w, unsigned patience_ms);

#endif
