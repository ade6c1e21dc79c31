/* Built without libsystemd (--without-systemd). */
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
