/* A database: a handful of functions. A third one is a file and a line in driver.c.
 *
 * A driver takes the rows of one segment to their tables in one transaction, together with the segment's
 * number. It says of every failure whose it is, because that decides what happens next. */
#ifndef FLOWRIB_SQL_DRIVER_H
#define FLOWRIB_SQL_DRIVER_H

#include "sql/spool.h"
#include "sql/table.h"

struct sql_params {
	const char *host;     /* or unix:PATH; NULL for SQLite */
	uint16_t port;	      /* 0: the default */
	const char *database; /* for SQLite the file */
	const char *user;
	const char *password; /* never to be logged */
	const char *ca_file;
	int locking; /* sql_locking_style: 0 table, 1 row, 2 none */
	unsigned timeout_ms;
	bool insert_only; /* sql_dont_try_update: rows are known to be new */
	bool use_copy;
	bool create; /* sql_table_create */
	struct sql_ddl_options ddl;
	const char *schema; /* text of sql_table_schema with its variables replaced, or NULL */
};

/* What a failure is about. */
enum sql_fault {
	SQL_FINE,
	SQL_AWAY,  /* no connection, database starting or stopping, disk full: the same again later */
	SQL_WRONG, /* table or column missing, no permission, wrong password: later, the operator must act */
	SQL_REFUSED, /* this segment's data can never be written: set it aside */
};

struct sql_connection;

/* The rows of a segment that go to one table. */
struct sql_batch {
	const char *table; /* its name, not quoted */
	struct sql_table *form;
	const uint8_t *const *record;
	uint32_t rows;
};

struct sql_driver {
	const char *name; /* of the plugin type: "pgsql", "sqlite3" */
	const struct sql_dialect *dialect;
	/* NULL with *fault and a message that names the key, the column and the remedy, without password. */
	struct sql_connection *(*open)(const struct sql_params *p, enum sql_fault *fault, char *err,
				       size_t errlen);
	void (*close)(struct sql_connection *c);
	/* The number of the last segment of this spool that was committed, 0 for none. Makes the table that
	 * remembers it when it is missing. */
	enum sql_fault (*last)(struct sql_connection *c, const char *spool, uint64_t *number, char *err,
			       size_t errlen);
	/* All batches and the number, in one transaction, or nothing. After SQL_AWAY the connection is closed
	 * by the caller, and `last` tells whether a COMMIT that was under way has come through. */
	enum sql_fault (*write)(struct sql_connection *c, const char *spool, uint64_t number,
				const struct sql_batch *batch, unsigned batches, char *err, size_t errlen);
	/* Partitions ahead and retention; NULL: does not apply. Called about once an hour. */
	enum sql_fault (*maintain)(struct sql_connection *c, const char *table, uint64_t now_us,
				   uint64_t retention_s, char *err, size_t errlen);
};

/* By plugin type, NULL when this build has none (with a switch's name in docs). */
const struct sql_driver *sql_driver_find(const char *name);

#endif
