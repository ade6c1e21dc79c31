/* Built without libcap-ng. Without the key everything works as who started it; with the key it must not
 * start, since running on as root is the opposite of what was asked for. */
#include "collector/core/privileges.h"

bool
privileges_drop(const struct conf *conf, char *err, size_t errlen)
{
	if (!conf_is_set(conf, CONF_CORE, CONF_user))
		return true;
	snprintf(err, errlen, "user: this build cannot change its user; configure --with-capng");
	return false;
}
