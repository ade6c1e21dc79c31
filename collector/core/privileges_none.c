/* Built without libcap-ng. */
#include "collector/core/privileges.h"

bool
privileges_drop(const struct conf *conf, char *err, size_t errlen)
{
	if (!conf_is_set(conf, CONF_CORE, CONF_user))
		return true;
	snprintf(err, errlen, "user: this build cannot change its user; configure --with-capng");
	return false;
}
