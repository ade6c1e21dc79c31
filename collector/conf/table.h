/* Inside this folder: the table and what walks it. */
#ifndef FLOWRIB_CONF_TABLE_H
#define FLOWRIB_CONF_TABLE_H

#include "collector/conf/conf.h"

/* The row that holds the value of key: key itself, or what it is an alias of. */
enum conf_key conf_target(enum conf_key key);

/* The key whose name is nearest to name, or -1 when none is near enough to be meant. */
int conf_key_nearest(const char *name);

/* How many letters must be changed, added, removed or swapped with their neighbour to make b of a. Texts
 * longer than 63 characters count as far apart. */
unsigned conf_distance(const char *a, const char *b);

/* True when a distance of d from a word of len letters may be a slip of the pen. */
bool conf_near(unsigned d, size_t len);

#endif
