/* Lists of prefixes for generators: one a line, from a file that may be packed. */
#ifndef FLOWRIB_TOOLS_PREFIXES_H
#define FLOWRIB_TOOLS_PREFIXES_H

#include "collector/base/addr.h"

/* Takes one prefix; false: no memory for it. */
typedef bool prefixes_take(void *ctx, const struct prefix *prefix);

/* Gives up to max prefixes of a file, through zcat when its name ends in .gz; "#" begins a comment. False
 * with a message, also when there are none. */
bool prefixes_read(const char *path, uint32_t max, prefixes_take *take, void *ctx, char *err, size_t errlen);

#endif
