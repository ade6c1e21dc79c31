/* Files that others read while we write: they appear whole or not at all. */
#ifndef FLOWRIB_BASE_FILE_H
#define FLOWRIB_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Puts n bytes in the place of the file at path: a temporary file in the same folder, flushed, then renamed.
 * On failure the old file stands as it was; why goes to err. */
bool file_replace(const char *path, const void *data, size_t n, char *err, size_t errlen);

/* The whole of a file of at most max bytes, with a NUL behind it that does not count; to be freed. NULL with
 * a message that names the file. */
char *file_read(const char *path, size_t max, size_t *n, char *err, size_t errlen);

/* Writes all n bytes to fd, however many calls it takes; false with errno set. */
bool file_write_all(int fd, const void *data, size_t n);

#endif
