/* Reading of list files. getline does the work; what is here is comments, blanks and messages, so that every
 * list has the same grammar and names its faults in the same way. */
#include "collector/base/lines.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>

bool
lines_open(struct lines *l, const char *path, char *err, size_t errlen)
{
	struct stat st;
	*l = (struct lines){.path = path, .err = err, .errlen = errlen};
	l->file = fopen(path, "re");
	if (l->file && fstat(fileno(l->file), &st) == 0 && S_ISDIR(st.st_mode)) {
		fclose(l->file);
		l->file = NULL;
		errno = EISDIR;
	}
	if (!l->file)
		snprintf(err, errlen, "%s: %s", path, strerror(errno));
	return l->file != NULL;
}

static char *
trim(char *s, size_t n)
{
	while (n > 0 && strchr(" \t\r\n", s[n - 1]))
		s[--n] = '\0';
	return s + strspn(s, " \t");
}

char *
lines_next(struct lines *l)
{
	while (!l->failed) {
		ssize_t n = getline(&l->text, &l->room, l->file);
		if (n < 0) {
			if (!feof(l->file)) {
				snprintf(l->err, l->errlen, "%s: %s", l->path, strerror(errno));
				l->failed = true;
			}
			return NULL;
		}
		l->number++;
		if (memchr(l->text, '\0', (size_t)n)) {
			lines_fail(l, "a zero byte: this is not a text file");
			return NULL;
		}
		char *s = trim(l->text, (size_t)n);
		if (*s && *s != '!' && *s != '#')
			return s;
	}
	return NULL;
}

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

bool
lines_close(struct lines *l)
{
	free(l->text);
	l->text = NULL;
	fclose(l->file);
	return !l->failed;
}
