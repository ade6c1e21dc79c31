/* List files of an operator's: one item a line, "!" and "#" begin comments, blank lines count for nothing.
 * Messages name the file and the line. */
#ifndef FLOWRIB_BASE_LINES_H
#define FLOWRIB_BASE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct lines {
	FILE *file;
	const char *path; /* the caller's; must outlive the reading */
	char *text;
	size_t room;
	unsigned number; /* of the line last returned, from 1 */
	char *err;
	size_t errlen;
	bool failed;
};

/* Opens path for reading; on failure false and a message in err. */
bool lines_open(struct lines *l, const char *path, char *err, size_t errlen);

/* The next line that holds something, without surrounding blanks; NULL at the end, after an error
 * (lines_close tells), and after lines_fail. It may be changed in place and is valid until the next call. */
char *lines_next(struct lines *l);

/* Writes "path:line: message" to err and ends the reading. Returns false, for `return lines_fail(...)`. */
bool lines_fail(struct lines *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Closes the file. True when everything was read; otherwise the message is in err. */
bool lines_close(struct lines *l);

#endif
