/* Reading files of lines: the configuration itself, maps, lists of networks, ports, addresses.
 *
 * The file is read at once, then handed out line by line; what is wrong with a line is reported with file and
 * line by whoever understands it. A reader that meets a fault goes on, so that one run shows all faults. */
#ifndef FLOWRIB_CONF_MAPFILE_H
#define FLOWRIB_CONF_MAPFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/base/lines.h"
#include "collector/base/text.h"

struct mapfile {
	char *name;	       /* as given, for messages */
	struct lines in;       /* in.number: the line last handed out, from 1 */
	size_t max_line;       /* bytes a line may have; 0: no limit */
	unsigned max_lines;    /* lines a file may have; 0: no limit */
	unsigned faults;       /* how many were reported */
	struct text *messages; /* the caller's */
};

/* Reads the file. max_line and max_lines are limits, 0 for none. On failure returns false after a line in
 * messages that says why; then there is nothing to close. messages must live until mapfile_close(). */
bool mapfile_open(struct mapfile *m, const char *path, size_t max_line, unsigned max_lines,
		  struct text *messages);

/* The same from n bytes of memory, which are copied; name stands for the file in messages. */
void mapfile_memory(struct mapfile *m, const char *name, const void *data, size_t n, size_t max_line,
		    unsigned max_lines, struct text *messages);

/* The next line that is neither blank nor a comment ('!' or '#' first), blanks at both ends removed,
 * NUL-terminated. It is the caller's to change and lasts until mapfile_close(). NULL at the end. Lines that
 * are too long or hold a NUL are reported and skipped. */
char *mapfile_next(struct mapfile *m);

/* Reports that something is wrong with the current line: "NAME:LINE: error: ..." and the count of faults. */
void mapfile_fault(struct mapfile *m, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same as a warning, not counted. */
void mapfile_warn(struct mapfile *m, const char *fmt, ...) PRINTF_LIKE(2, 3);

void mapfile_close(struct mapfile *m);

/* A line of a map: key=value pairs between blanks; a value may stand in 'single quotes'. */
struct mapfile_pair {
	char *key; /* in lower case */
	char *value;
};

/* Splits line in place into at most max pairs. Returns their number, or -1 after reporting what is wrong. */
int mapfile_pairs(struct mapfile *m, char *line, struct mapfile_pair *pairs, unsigned max);

/* Splits line in place at commas, as lists of networks do: at most max fields, blanks trimmed, empty ones
 * kept. Returns their number, or -1 after reporting that there are more. */
int mapfile_fields(struct mapfile *m, char *line, char **fields, unsigned max);

#endif
