/* Reading of text files.
 *
 * The file is read in one piece, because every user needs all of it and a file that an editor writes while it
 * is read line by line would be half old, half new. Lines are cut in place: no copy, no limit on their
 * length. Rejected: getline (a fifo or a device would hold up a reload) and mmap (a file that is cut short
 * meanwhile kills the reader). */
#include "collector/base/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((size_t)64 << 10)
/* Nobody writes lists as large as this; what is larger is another kind of file. */
#define FILE_MAX ((size_t)1 << 30)

/* Room for one more chunk and the NUL behind the text. False when memory is short: a reload then keeps what
 * it has, so this must not end the program as text_reserve would. */
static bool
room_grow(struct lines *l, size_t *room)
{
	if (*room - l->size > CHUNK)
		return true;
	size_t larger = 2 * *room + CHUNK + 1;
	char *data = realloc(l->data, larger);
	if (!data)
		return false;
	l->data = data;
	*room = larger;
	return true;
}

/* All of fd into l->data; NULL or what went wrong. */
static const char *
slurp(struct lines *l, int fd)
{
	for (size_t room = 0;;) {
		if (!room_grow(l, &room))
			return strerror(ENOMEM);
		ssize_t n = read(fd, l->data + l->size, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return strerror(errno);
		l->size += (size_t)n;
		l->data[l->size] = '\0';
		if (n == 0)
			return NULL;
		if (l->size > FILE_MAX)
			return "larger than 1 GiB; is it the right file?";
	}
}

/* Character devices are let in for /dev/null, an empty list. */
static const char *
kind_check(int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return strerror(errno);
	return S_ISREG(st.st_mode) || S_ISCHR(st.st_mode) ? NULL : "not a regular file";
}

/* Steps over the byte order mark that some editors leave in front of UTF-8. */
static void
skip_mark(struct lines *l)
{
	if (l->size >= 3 && memcmp(l->data, "\xef\xbb\xbf", 3) == 0)
		l->next = 3;
}

/* O_NONBLOCK: opening a fifo must not wait for its writer. */
const char *
lines_read(struct lines *l, const char *path)
{
	*l = (struct lines){.path = path};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return strerror(errno);
	const char *why = kind_check(fd);
	if (!why)
		why = slurp(l, fd);
	close(fd);
	if (why)
		lines_close(l);
	else
		skip_mark(l);
	return why;
}

/* For configurations that come from elsewhere, and for tests and fuzzers. The copy is ours to cut. */
bool
lines_memory(struct lines *l, const char *name, const void *data, size_t n)
{
	*l = (struct lines){.path = name, .data = malloc(n + 1), .size = n};
	if (!l->data)
		return false;
	if (n)
		memcpy(l->data, data, n);
	l->data[n] = '\0';
	skip_mark(l);
	return true;
}

/* err stays the caller's for all faults that follow. */
bool
lines_open(struct lines *l, const char *path, char *err, size_t errlen)
{
	const char *why = lines_read(l, path);
	l->err = err;
	l->errlen = errlen;
	if (why)
		snprintf(err, errlen, "%s: %s", path, why);
	return !why;
}

/* Not isspace: a newline is never inside a line, and the locale has no say. */
static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* Moves nothing: the start is stepped forward, the end cut off. */
char *
lines_trim(char *s)
{
	while (blank(*s))
		s++;
	size_t n = strlen(s);
	while (n && blank(s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}

bool
lines_is_comment(const char *line)
{
	return !*line || *line == '!' || *line == '#';
}

/* The last line may lack its newline; data has a NUL behind it anyway. */
char *
lines_cut(struct lines *l, size_t *length)
{
	if (l->next >= l->size)
		return NULL;
	char *line = l->data + l->next;
	char *end = memchr(line, '\n', l->size - l->next);
	*length = end ? (size_t)(end - line) : l->size - l->next;
	line[*length] = '\0';
	l->next += *length + 1;
	l->number++;
	return line;
}

/* A NUL would hide the rest of its line from every string function, so it is a fault and not a character. */
char *
lines_next(struct lines *l)
{
	char *line;
	size_t length;
	while (!l->failed && (line = lines_cut(l, &length))) {
		if (memchr(line, '\0', length)) {
			lines_fail(l, "the line holds a NUL byte; is this a text file?");
			return NULL;
		}
		line = lines_trim(line);
		if (!lines_is_comment(line))
			return line;
	}
	return NULL;
}

/* The number is that of the line last returned. A message that does not fit is cut; the first fault stays,
 * since nothing is read after it. */
bool
lines_fail(struct lines *l, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(l->err, l->errlen, "%s:%u: ", l->path, l->number);
	va_start(ap, fmt);
	if (n >= 0 && (size_t)n < l->errlen)
		vsnprintf(l->err + n, l->errlen - (size_t)n, fmt, ap);
	va_end(ap);
	l->failed = true;
	return false;
}

/* May be called again, and after a failed lines_read. */
bool
lines_close(struct lines *l)
{
	free(l->data);
	l->data = NULL;
	l->size = l->next = 0;
	return !l->failed;
}
