/* files_uid and files_gid, for every plugin that makes files or sockets. */
#ifndef FLOWRIB_PLUGINS_OWNER_H
#define FLOWRIB_PLUGINS_OWNER_H

#include <sys/types.h>

#include "plugins/plugin.h"

/* The owner and group configured for the instance, by name or number; (uid_t)-1 and (gid_t)-1 where none is:
 * as the process. False with a message that names the key when there is no such user or group. */
bool owner_configured(const struct plugin_setup *s, uid_t *uid, gid_t *gid, char *err, size_t errlen);

#endif
