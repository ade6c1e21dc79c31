/* A database: a handful of functions. A third one is a file, a line in driver.c and a plugin type.
 *
 * A driver takes the rows of one segment to their tables in one transaction, together with the segment's
 * number. It says of every failure whose it is, because that decides what happens next. Messages name the
 * configuration key, the table or the column, and what to do, and never a password. */
#ifndef FLOWRIB_SQL_DRIVER_H
#define FLOWRIB_SQL_DRIVER_H

#include "sql/table.h"

enum sql_locking { SQL_LOCK_TABLE, SQL_LOCK_ROW, SQL_LOCK_NONE };

struct sql_params {
	const char *host;     /* NULL for SQLite; "unix:PATH" for a socket's directory */
	uint16_t port;	      /* 0: the default */
	const char *database; /* for SQLite the file */
	const char *user;
	const char *password;
	const char *ca_file; /* NULL: no TLS asked for */
	unsigned timeout_ms; /* of connecting, and of waiting for locks */
	enum sql_locking locking;
	bool insert_only; /* sql_dont_try_update: rows are known to be new */
	bool create;	  /* sql_table_create: make the best table where there is none */
};

/* What a failure is about. */
enum sql_fault {
	SQL_FINE,
	SQL_AWAY,  /* no connection, database starting or stopping, disk full, busy: the same again later */
	SQL_WRONG, /* table or column missing, no permission, wrong password: later too, the operator must act
		    */
	SQL_REFUSED, /* this segment's data can never be written: to be set aside */
	SQL_DOUBT,   /* the connection was lost in COMMIT: this server, and no other, knows whether it came
		      * through */
};

struct sql_connection; /* the driver's own */

/* The rows of a segment that go to one table. */
struct sql_batch {
	const char *table;  /* its name, not quoted */
	const char *schema; /* SQL to be run before, from sql_table_schema; NULL: none */
	const uint8_t *const *record;
	uint32_t rows;
};

struct sql_driver {
	const char *name; /* as the plugin type: "pgsql", "sqlite3" */
	bool sqlite;	  /* names of columns are SQLite's (sql_table_options) */
	/* NULL with *fault and a message. */
	struct sql_connection *(*open)(const struct sql_params *p, enum sql_fault *fault, char *err,
				       size_t errlen);
	void (*close)(struct sql_connection *c);
	/* The number of the last segment of this spool that was committed, 0 for none. Makes the table that
	 * remembers it (flowrib_spool: spool, number, at) when it is missing. */
	enum sql_fault (*last)(struct sql_connection *c, const char *spool, uint64_t *number, char *err,
			       size_t errlen);
	/* All batches and the number, in one transaction, or nothing. After anything but SQL_FINE nothing is
	 * left open; after SQL_DOUBT the caller closes the connection and asks `last` on the next one to the
	 * same server whether the COMMIT came through. */
	enum sql_fault (*write)(struct sql_connection *c, struct sql_table *form, const char *spool,
				uint64_t number, const struct sql_batch *batch, unsigned batches, char *err,
				size_t errlen);
};

/* By plugin type; NULL when this build has no such database. */
const struct sql_driver *sql_driver_find(const char *name);

#endif
