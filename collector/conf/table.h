/* Inside this folder: the table and what walks it. */
#ifndef FLOWRIB_CONF_TABLE_H
#define FLOWRIB_CONF_TABLE_H

#include "collector/conf/conf.h"

/* The row that holds the value of key: key itself, or what it is an alias of. */
enum conf_key conf_target(enum conf_key key);

/* The key whose name is nearest to name, or -1 when none is near enough to be meant. */
int conf_key_nearest(const char *name);

#endif
