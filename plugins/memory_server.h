/* The door of the memory table: the Unix socket, the clients, their requests. */
#ifndef FLOWRIB_PLUGINS_MEMORY_SERVER_H
#define FLOWRIB_PLUGINS_MEMORY_SERVER_H

#include <sys/types.h>

#include "collector/flow/cache.h"
#include "plugins/plugin.h"

/* What clients may be told of the table, and what they may ask to be done with it. */
struct memory_table {
	struct cache *cache;
	const struct layout *layout;
	const char *name; /* of the plugin instance */
	size_t max_bytes; /* 0: no bound */
	uint64_t records; /* absorbed since the start */
	uint64_t started_us;
	uint64_t erased_us;		/* wall clock; 0: never */
	struct counter_block *counters; /* enum plugin_counter; NULL: nobody looks */
	struct counter_block *own;	/* enum table_counter; NULL: nobody looks */
	uint64_t idle_us;		/* a client silent for so long may have to give way; 0: ten seconds */
};

/* What the table's door counts, in the registry and in the status answer. */
enum table_counter {
	TABLE_CLIENTS,
	TABLE_REQUESTS,
	TABLE_QUERIES, /* of requests answered to the end */
	TABLE_ROWS,
	TABLE_REFUSED_MAGIC,
	TABLE_REFUSED_SIZE,
	TABLE_REFUSED_TYPE,
	TABLE_REFUSED_REQUEST,
	TABLE_REFUSED_FULL,
	TABLE_REFUSED_LOCKED, /* somebody else is taking an answer of one moment */
	TABLE_REFUSED_MEMORY,
	TABLE_DROPPED_IDLE, /* had asked for nothing */
	TABLE_DROPPED_SLOW, /* had not taken its answer */
	TABLE_COUNTERS
};
extern const struct counter_desc table_counter_desc[TABLE_COUNTERS];

struct memory_socket {
	const char *path;
	mode_t umask; /* for the socket and a directory that has to be made for it */
	uid_t uid;    /* (uid_t)-1: as the process */
	gid_t gid;
};

struct memory_server;

/* Puts the table's size into its counters. */
void memory_table_count(const struct memory_table *table);

/* Is this a path a socket can have? False with a message. */
bool memory_socket_path_fits(const char *path, char *err, size_t errlen);

/* Opens the socket. A socket left over by a process that is gone is replaced; anything else at the path, and
 * a process that still listens there, is an error. NULL with a message in err. table must outlive the server.
 */
struct memory_server *memory_server_open(struct plugin_host *host, struct memory_table *table,
					 const struct memory_socket *socket, char *err, size_t errlen);
/* Removes the socket and drops the clients. */
void memory_server_close(struct memory_server *s);

#endif
