/* Built without libseccomp. A warning only when the key was written: the default is on, and a build without
 * the library has decided otherwise. */
#include "collector/core/sandbox.h"

#include "collector/base/log.h"

bool
sandbox_enter(const struct conf *conf, char *err, size_t errlen)
{
	(void)err, (void)errlen;
	if (conf_is_set(conf, CONF_CORE, CONF_sandbox) && conf_bool(conf, CONF_CORE, CONF_sandbox))
		log_warn("sandbox: this build has no system call filter; configure --with-seccomp");
	return true;
}
