/* The spool: what stands between a purge and a database.
 *
 * A purge becomes one segment, a file in the spool's directory: a head, the layout of its records in words,
 * the packed records, a checksum. It is written under a temporary name, fsynced once, renamed into place and
 * the directory fsynced: from then on it counts as purged, and whatever crashes, it is there. A writer takes
 * segments in the order of their numbers to the database; the database remembers the number of the last one
 * in the same transaction (driver.h), so that a segment that was committed but not yet removed is recognised.
 *
 * A spool has a random identity, made with the directory, so that two collectors that write to one database,
 * or one that lost its spool, are told apart. One process uses a spool at a time (a lock file says whose it
 * is); in it one thread appends and one takes, and they may be different ones. */
#ifndef FLOWRIB_SQL_SPOOL_H
#define FLOWRIB_SQL_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/flow/layout.h"

struct spool;

struct spool_options {
	const char *directory; /* made when missing, mode 0700 */
	uint64_t max_bytes;    /* of all segments together; 0: as much as the disk has */
	bool drop_oldest;      /* when full: remove the oldest segment instead of refusing the new one */
};

struct spool_stats {
	uint64_t segments, bytes; /* waiting now */
	uint64_t oldest_us;	  /* wall clock of the oldest one's purge, 0 when there is none */
	uint64_t dropped_segments, dropped_rows; /* removed unwritten because the spool was full */
	uint64_t bad_segments;			 /* found damaged and set aside */
};

/* NULL with a message in err: cannot be made, is used by another process (named), is somebody else's. What
 * an interrupted append left behind is removed. */
struct spool *spool_open(const struct spool_options *o, char *err, size_t errlen);
void spool_close(struct spool *s);
/* 32 hexadecimal digits. */
const char *spool_identity(const struct spool *s);
void spool_stats(struct spool *s, struct spool_stats *out);

/* --- appending: one purge --- */

struct spool_append;

/* Begins a segment for records of layout l, purged at now_us. NULL with a message. */
struct spool_append *spool_append_begin(struct spool *s, const struct layout *l, uint64_t now_us, char *err,
					size_t errlen);
/* Adds records standing back to back. An error is remembered and told by spool_append_commit. */
void spool_append_records(struct spool_append *a, const uint8_t *records, size_t bytes, uint32_t n);
/* Makes it durable; a segment without records leaves none. False with a message (disk full, spool full):
 * nothing of it is left then. Frees a. */
bool spool_append_commit(struct spool_append *a, char *err, size_t errlen);
void spool_append_abort(struct spool_append *a);

/* --- taking --- */

/* A segment, whole and verified, in memory. Its layout may be another than today's: the operator changed
 * `aggregate` meanwhile. */
struct spool_segment {
	uint64_t number;
	uint64_t purged_us;
	struct layout *layout; /* the segment's own */
	const uint8_t *records;
	uint64_t bytes;
	uint32_t rows;
	void *mapping;
	size_t mapped;
};

/* Readable while a segment waits. */
int spool_fd(const struct spool *s);
/* The oldest segment after number (0: of all), or false when there is none. A damaged one is set aside (its
 * name ends in .bad), logged and counted, and the next is taken. Primitives that this build does not know
 * make a segment damaged. */
bool spool_take(struct spool *s, uint64_t after, struct spool_segment *out);
void spool_segment_free(struct spool_segment *g);
/* It is in the database: removes the file. */
void spool_done(struct spool *s, uint64_t number);
/* Which of two servers the segments go to now, over restarts: a segment that a killed process left may be in
 * that one. A new spool has the first. Setting it is durable; false when it cannot be. */
bool spool_at_second(const struct spool *s);
bool spool_set_second(struct spool *s, bool second);
/* It can never be written: sets it aside under .rejected for the operator. */
void spool_reject(struct spool *s, uint64_t number);

#endif
