/* The networks files in use: each is read once, however many plugins name it, and read again on reload. */
#ifndef FLOWRIB_CORE_NETFILES_H
#define FLOWRIB_CORE_NETFILES_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/conf/conf.h"
#include "collector/flow/networks.h"

/* The policy of an instance (scope as in conf): sources and networks_* keys, with its file loaded. False with
 * a message. */
bool netfiles_policy(struct network_policy *p, const struct conf *conf, int scope, char *err, size_t errlen);

/* True when two policies come to the same for every flow. */
bool netfiles_same_policy(const struct network_policy *a, const struct network_policy *b);

/* Reads every file again. For each that was read without error, replace is called with the old and the new
 * contents, and when it returns true, the old ones are freed. Errors are logged and keep the old contents. */
typedef bool netfiles_replace(void *ctx, const struct networks *old, const struct networks *fresh);
void netfiles_reload(netfiles_replace *replace, void *ctx);

#endif
