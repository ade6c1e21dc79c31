/* Output files: whole or not at all.
 *
 * What is written collects in a buffer and goes to a temporary file in the same folder, which takes the place
 * of the target when it is complete and on the disk, so that a power cut leaves the old file or the new one,
 * never a part (0.4 ms a file, see docs/performance.md). Three cases write in place instead: standard output
 * and named pipes; appending, where readers follow the file, and a failure cuts it back to its old length;
 * and extending a file of more than OUTFILE_COPY_MAX bytes, which would cost too much to copy. */
#ifndef FLOWRIB_BASE_OUTFILE_H
#define FLOWRIB_BASE_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/base/text.h"

#define OUTFILE_COPY_MAX (64u << 20)

enum outfile_how {
	OUTFILE_REPLACE, /* what was there before goes away */
	OUTFILE_EXTEND,	 /* what was there before stays, and the whole takes its place at once */
	OUTFILE_APPEND,	 /* rows are added in place */
};

struct outfile_owner {
	uid_t uid; /* (uid_t)-1: as it comes */
	gid_t gid;
	mode_t mode; /* of new files, whatever the process' umask is; 0: 0666 less that */
};

struct outfile {
	struct text text; /* what is to be written; append to it, then outfile_flush or outfile_full */
	char *path;	  /* NULL: standard output */
	char *temporary;  /* NULL when written in place */
	const struct outfile_owner *owner;
	off_t rollback; /* length before, when written in place */
	int stream;	/* descriptor of standard output or a pipe, else -1 */
	bool fresh;	/* nothing stands before what is written: a header is due */
	bool started;	/* the temporary file exists, or the file written in place was opened */
	int give_up; /* readable: a stream that takes nothing is an error, not to be waited for; -1: never */
	int error;   /* errno of the first failure, 0: none */
};

/* Prepares to write to path (copied), making folders that are missing; suffix tells temporary files of
 * several writers apart. Failures are kept in f->error and reported by outfile_commit. */
void outfile_begin(struct outfile *f, const char *path, enum outfile_how how, const char *suffix,
		   const struct outfile_owner *owner);
/* Opens path for appending and makes it, and folders that are missing, when it is not there; -1 with errno.
 */
int outfile_open(const char *path, const struct outfile_owner *owner);
/* Standard output; fresh: nothing was written to it yet. */
void outfile_begin_stdout(struct outfile *f, bool fresh);

/* Writes the buffer out. */
void outfile_flush(struct outfile *f);

/* To be called after each row: writes the buffer out when it holds at least limit bytes. */
static inline void
outfile_full(struct outfile *f, size_t limit)
{
	if (f->text.len >= limit)
		outfile_flush(f);
}

/* Writes the rest and puts the file in its place. False, with f->error set, when anything failed: the target
 * is then as it was before (a stream may have got a part). Frees everything but f itself. */
bool outfile_commit(struct outfile *f);

/* Makes the symbolic link at link point to path, if path is greater than what it points to (as text) or that
 * is gone. False with errno set. */
bool outfile_link_latest(const char *link, const char *path, const struct outfile_owner *owner);

#endif
