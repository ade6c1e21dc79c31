/* Allow lists (nfacctd_allow_file and its like): who may send to us. One address or prefix a line. No list
 * allows everybody, an empty list nobody. Immutable: a reload loads another and swaps. */
#ifndef FLOWRIB_CONF_ALLOW_H
#define FLOWRIB_CONF_ALLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/base/addr.h"

struct allow;

/* NULL and "file:line: what" in err when the file cannot be read or a line is not a prefix. */
struct allow *allow_load(const char *path, char *err, size_t errlen);
void allow_free(struct allow *a);

/* True when a holds addr, or when there is no list (a is NULL). */
bool allow_check(const struct allow *a, const struct addr *addr);

#endif
