/* Built without libsystemd (--without-systemd). Empty on purpose: callers tell the manager and do not care
 * whether there is one. The unit file needs Type=exec then. */
#include "collector/core/notify.h"

void
notify_ready(void)
{
}

void
notify_reloading(void)
{
}

void
notify_stopping(void)
{
}
