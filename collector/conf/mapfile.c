/* What maps and the configuration add to reading lines (collector/base/lines.h): limits, faults that do not
 * end the reading, and the two ways to split a line.
 *
 * Faults are collected and counted instead of returned: whoever edits a map of a thousand lines wants to see
 * all that is wrong with it, and whoever reloads one only wants to know whether to take it. Lines are handed
 * out as they stand in the memory of the file and are cut up there: a map is read once, and a copy of each
 * word would be most of the cost. */
#include "collector/conf/mapfile.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>

/* Blanks are those of lines_trim, and what ends a key besides them. */
#define BLANKS " \t\r\v\f"

/* Of the C locale, whatever the process has: files must not read differently elsewhere. */
static bool
blank(char c)
{
	return c && strchr(BLANKS, c);
}

/* A fault of the whole file: no line to name. */
static void
complain(struct text *messages, const char *name, const char *why)
{
	text_printf(messages, "%s: error: %s\n", name, why);
}

/* The text is in m->in already, or there is none. */
static void
start(struct mapfile *m, const char *name, size_t max_line, unsigned max_lines, struct text *messages)
{
	m->name = strdup(name);
	m->max_line = max_line;
	m->max_lines = max_lines;
	m->faults = 0;
	m->messages = messages;
}

/* A file with a fault as a whole (none, a FIFO, too large) is told of once, without a line. */
bool
mapfile_open(struct mapfile *m, const char *path, size_t max_line, unsigned max_lines, struct text *messages)
{
	const char *why = lines_read(&m->in, path);
	if (why) {
		complain(messages, path, why);
		return false;
	}
	start(m, path, max_line, max_lines, messages);
	return true;
}

/* The same way through the parser for tests and fuzzing. */
void
mapfile_memory(struct mapfile *m, const char *name, const void *data, size_t n, size_t max_line,
	       unsigned max_lines, struct text *messages)
{
	bool ok = lines_memory(&m->in, name, data, n);
	start(m, name, max_line, max_lines, messages);
	if (!ok) {
		complain(messages, name, strerror(ENOMEM));
		m->faults++;
	}
}

/* Lines and values handed out point into the data and end here. */
void
mapfile_close(struct mapfile *m)
{
	lines_close(&m->in);
	free(m->name);
	*m = (struct mapfile){0};
}

__attribute__((format(printf, 3, 0))) static void
report(struct mapfile *m, const char *kind, const char *fmt, va_list ap)
{
	char what[512];
	vsnprintf(what, sizeof(what), fmt, ap);
	text_printf(m->messages, "%s:%u: %s: %s\n", m->name, m->in.number, kind, what);
}

/* Counted as well, so that the caller need not keep count. */
void
mapfile_fault(struct mapfile *m, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	report(m, "error", fmt, ap);
	va_end(ap);
	m->faults++;
}

/* Said, and not counted. */
void
mapfile_warn(struct mapfile *m, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	report(m, "warning", fmt, ap);
	va_end(ap);
}

/* Reports a line that is too long or no text. */
static bool
usable(struct mapfile *m, const char *line, size_t length)
{
	if (m->max_line && length > m->max_line)
		mapfile_fault(m, "the line has %zu bytes; at most %zu are allowed", length, m->max_line);
	else if (memchr(line, 0, length))
		mapfile_fault(m, "the line holds a NUL byte; is this a text file?");
	else
		return true;
	return false;
}

/* Counts all lines, so that numbers agree with an editor. */
char *
mapfile_next(struct mapfile *m)
{
	char *line;
	size_t length;
	while ((line = lines_cut(&m->in, &length)) != NULL) {
		if (m->max_lines && m->in.number > m->max_lines) {
			mapfile_fault(m, "the file has more than %u lines", m->max_lines);
			/* nothing after it is looked at, or a huge file would be told of line by line */
			m->in.next = m->in.size;
			return NULL;
		}
		if (!usable(m, line, length))
			continue;
		line = lines_trim(line);
		if (!lines_is_comment(line))
			return line;
	}
	return NULL;
}

/* Cuts one value off at *next, and moves *next behind it. False when a quote is not closed. */
static bool
cut_value(char **next, char **value)
{
	char *p = *next;
	char *end;
	/* quotes are for values with blanks, such as filters */
	if (*p == '\'') {
		*value = ++p;
		end = strchr(p, '\'');
		/* text right behind the closing quote is a forgotten blank, and would else become a key */
		if (!end || (end[1] && !blank(end[1])))
			return false;
	} else {
		*value = p;
		for (end = p; *end && !blank(*end);)
			end++;
	}
	*next = *end ? end + 1 : end;
	*end = 0;
	return true;
}

/* Keys are turned to lower case, values stay. Faults name the key, because a rule has many. */
int
mapfile_pairs(struct mapfile *m, char *line, struct mapfile_pair *pairs, unsigned max)
{
	unsigned n = 0;
	for (;;) {
		while (blank(*line))
			line++;
		if (!*line)
			return (int)n;
		/* a blank before '=' ends the key too, and so shows as a fault instead of a strange key */
		size_t key = strcspn(line, "=" BLANKS);
		if (line[key] != '=' || key == 0) {
			mapfile_fault(m, "'%.*s': expected key=value, without blanks around '='",
				      (int)(key + !key), line);
			return -1;
		}
		if (n == max) {
			mapfile_fault(m, "more than %u key=value pairs", max);
			return -1;
		}
		for (char *p = line; p < line + key; p++)
			*p = (char)tolower((unsigned char)*p);
		pairs[n].key = line;
		line[key] = 0;
		line += key + 1;
		if (!cut_value(&line, &pairs[n].value) || !*pairs[n].value) {
			mapfile_fault(m, "%s: %s", pairs[n].key,
				      *pairs[n].value ? "a quote ' is not closed" : "no value after '='");
			return -1;
		}
		n++;
	}
}

/* Empty fields are kept: in lists with columns their place is their meaning. */
int
mapfile_fields(struct mapfile *m, char *line, char **fields, unsigned max)
{
	unsigned n = 0;
	for (;;) {
		if (n == max) {
			mapfile_fault(m, "more than %u fields", max);
			return -1;
		}
		char *comma = strchr(line, ',');
		if (comma)
			*comma = 0;
		fields[n++] = lines_trim(line);
		/* the last field has no comma behind it, so "a," has two */
		if (!comma)
			return (int)n;
		line = comma + 1;
	}
}
