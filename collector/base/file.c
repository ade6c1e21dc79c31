/* Writing files whole. A reader sees the old file or the new one, since rename() replaces one by the other
 * in a step; fsync before it, or a crash could leave the new name with no data behind it. */
#include "collector/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "collector/base/text.h"

/* write() may take less than it was given (a full disk, a pipe, a signal); 0 bytes for more than 0 is
 * treated as an error, so that it cannot loop. */
bool
file_write_all(int fd, const void *data, size_t n)
{
	const char *p = data;
	while (n > 0) {
		ssize_t done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

/* The temporary file stands beside its target, since rename() does not cross file systems; it carries the
 * process number, so that two daemons with one path do not write into each other, and O_NOFOLLOW keeps a
 * link put there by somebody else from choosing what is overwritten. */
bool
file_replace(const char *path, const void *data, size_t n, char *err, size_t errlen)
{
	struct text temporary = {0};
	text_printf(&temporary, "%s.%d.tmp", path, (int)getpid());
	const char *name = text_cstr(&temporary);
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	bool ok = fd >= 0 && file_write_all(fd, data, n) && fsync(fd) == 0;
	int saved = errno;
	if (fd >= 0)
		close(fd);
	if (ok && rename(name, path) < 0) {
		saved = errno;
		ok = false;
	}
	if (!ok) {
		snprintf(err, errlen, "cannot write '%s': %s", path, strerror(saved));
		if (fd >= 0)
			unlink(name);
	}
	text_free(&temporary);
	return ok;
}

/* Read until its end and not by its size: it may be a pipe. */
char *
file_read(const char *path, size_t max, size_t *n, char *err, size_t errlen)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *data = malloc(max + 1);
	ssize_t got = fd < 0 || !data ? -1 : 0;
	for (*n = 0; got >= 0 && *n <= max; *n += (size_t)got) {
		got = read(fd, data + *n, max + 1 - *n);
		if (got == 0)
			break;
	}
	if (got < 0)
		snprintf(err, errlen, "cannot read '%s': %s", path, strerror(errno));
	else if (*n > max)
		snprintf(err, errlen, "'%s' is larger than %zu bytes", path, max);
	if (fd >= 0)
		close(fd);
	if (got == 0 && *n <= max) {
		data[*n] = '\0';
		return data;
	}
	free(data);
	return NULL;
}
