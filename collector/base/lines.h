/* Text files of an operator's, read by line: lists of one item a line, and below collector/conf the
 * configuration and the maps. "!" and "#" begin comments, blank lines count for nothing. Messages name the
 * file and the line.
 *
 * Two ways to read: a list takes lines_next(), where the first fault ends the reading; who reports all faults
 * of a file, or limits lines, takes lines_read() and lines_cut(). */
#ifndef FLOWRIB_BASE_LINES_H
#define FLOWRIB_BASE_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct lines {
	const char *path; /* for messages; the caller's, must outlive the reading */
	char *data;	  /* the whole file; lines are cut in place */
	size_t size;
	size_t next;	 /* where the next line begins */
	unsigned number; /* of the line last returned, from 1 */
	char *err;	 /* the caller's, for lines_fail; NULL below lines_read and lines_memory */
	size_t errlen;
	bool failed;
};

/* Reads the file at path, ready for lines_next; on failure false and a message in err, and nothing to close.
 */
bool lines_open(struct lines *l, const char *path, char *err, size_t errlen);

/* Reads the file at path, ready for lines_cut. NULL, or what went wrong (then there is nothing to close). */
const char *lines_read(struct lines *l, const char *path);

/* As lines_read, from n bytes of memory, which are copied. False when memory is short. */
bool lines_memory(struct lines *l, const char *name, const void *data, size_t n);

/* The next line that holds something, without surrounding blanks; NULL at the end, after an error
 * (lines_close tells), and after lines_fail. It may be changed in place and lasts until lines_close. */
char *lines_next(struct lines *l);

/* The next line as it stands, a NUL in place of its newline; NULL at the end. *length tells how long it is,
 * since it may hold NULs. */
char *lines_cut(struct lines *l, size_t *length);

/* Removes blanks at both ends, in place; returns the new start. */
char *lines_trim(char *s);

/* True when a trimmed line is empty or a comment. */
bool lines_is_comment(const char *line);

/* Writes "path:line: message" to err and ends the reading. Returns false, for `return lines_fail(...)`. */
bool lines_fail(struct lines *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Frees the file's text. True when nothing failed; otherwise the message is in err. */
bool lines_close(struct lines *l);

#endif
