/* Started as root, the daemon keeps only what it needs: it becomes the configured user and gives up all
 * capabilities. */
#ifndef FLOWRIB_CORE_PRIVILEGES_H
#define FLOWRIB_CORE_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/conf/conf.h"

/* Becomes the user and group of the configuration, when there are any, and drops every capability that
 * reading flows does not need. Sockets are open by now. False with a message. */
bool privileges_drop(const struct conf *conf, char *err, size_t errlen);

#endif
