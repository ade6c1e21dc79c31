/* The file is read in one piece because every user needs all of it, and because a file that changes while it
 * is being read line by line would be half old, half new. Lines are cut in place: no copy, no limit but the
 * ones asked for. */
#include "collector/conf/mapfile.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

/* Nobody writes lists as large as this by hand; what is larger is another kind of file. */
#define FILE_MAX ((size_t)1 << 30)

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static void
complain(struct text *messages, const char *name, const char *why)
{
	text_printf(messages, "%s: error: %s\n", name, why);
}

/* All of fd into t; returns NULL or what went wrong. */
static const char *
slurp(int fd, struct text *t)
{
	for (;;) {
		char *room = text_reserve(t, 65536);
		ssize_t n = read(fd, room, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return strerror(errno);
		if (n == 0)
			return NULL;
		text_commit(t, room + n);
		if (t->len > FILE_MAX)
			return "larger than 1 GiB; is it the right file?";
	}
}

static void
start(struct mapfile *m, const char *name, struct text *t, size_t max_line, unsigned max_lines,
      struct text *messages)
{
	size_t size = t->len;
	text_cstr(t);
	*m = (struct mapfile){
	    .name = strdup(name),
	    .data = t->data,
	    .size = size,
	    .max_line = max_line,
	    .max_lines = max_lines,
	    .messages = messages,
	};
	if (size >= 3 && memcmp(m->data, "\xef\xbb\xbf", 3) == 0)
		m->next = 3; /* the byte order mark some editors leave */
}

bool
mapfile_open(struct mapfile *m, const char *path, size_t max_line, unsigned max_lines, struct text *messages)
{
	struct text t = {0};
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0) {
		complain(messages, path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	const char *why = S_ISREG(st.st_mode) || S_ISCHR(st.st_mode) ? slurp(fd, &t) : "not a regular file";
	close(fd);
	if (why) {
		complain(messages, path, why);
		text_free(&t);
		return false;
	}
	start(m, path, &t, max_line, max_lines, messages);
	return true;
}

void
mapfile_memory(struct mapfile *m, const char *name, const void *data, size_t n, size_t max_line,
	       unsigned max_lines, struct text *messages)
{
	struct text t = {0};
	if (n)
		text_add(&t, data, n);
	start(m, name, &t, max_line, max_lines, messages);
}

void
mapfile_close(struct mapfile *m)
{
	free(m->name);
	free(m->data);
	*m = (struct mapfile){0};
}

__attribute__((format(printf, 3, 0))) static void
report(struct mapfile *m, const char *kind, const char *fmt, va_list ap)
{
	char what[512];
	vsnprintf(what, sizeof(what), fmt, ap);
	text_printf(m->messages, "%s:%u: %s: %s\n", m->name, m->line, kind, what);
}

void
mapfile_fault(struct mapfile *m, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	report(m, "error", fmt, ap);
	va_end(ap);
	m->faults++;
}

void
mapfile_warn(struct mapfile *m, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	report(m, "warning", fmt, ap);
	va_end(ap);
}

char *
mapfile_trim(char *s)
{
	while (blank(*s))
		s++;
	size_t n = strlen(s);
	while (n && blank(s[n - 1]))
		n--;
	s[n] = 0;
	return s;
}

/* Cuts off the next line; NULL at the end of the file. */
static char *
cut_line(struct mapfile *m, size_t *length)
{
	if (m->next >= m->size)
		return NULL;
	char *line = m->data + m->next;
	char *end = memchr(line, '\n', m->size - m->next);
	*length = end ? (size_t)(end - line) : m->size - m->next;
	line[*length] = 0;
	m->next += *length + 1;
	m->line++;
	return line;
}

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

char *
mapfile_next(struct mapfile *m)
{
	char *line;
	size_t length;
	while ((line = cut_line(m, &length)) != NULL) {
		if (m->max_lines && m->line > m->max_lines) {
			mapfile_fault(m, "the file has more than %u lines", m->max_lines);
			m->next = m->size;
			return NULL;
		}
		if (!usable(m, line, length))
			continue;
		line = mapfile_trim(line);
		if (*line && *line != '!' && *line != '#')
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
	if (*p == '\'') {
		*value = ++p;
		end = strchr(p, '\'');
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

int
mapfile_pairs(struct mapfile *m, char *line, struct mapfile_pair *pairs, unsigned max)
{
	unsigned n = 0;
	for (;;) {
		while (blank(*line))
			line++;
		if (!*line)
			return (int)n;
		size_t key = strcspn(line, "= \t\r\v\f");
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
		fields[n++] = mapfile_trim(line);
		if (!comma)
			return (int)n;
		line = comma + 1;
	}
}
