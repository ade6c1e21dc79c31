/* With libsystemd. What the calls return is not looked at: a manager that cannot be told changes nothing
 * about collecting. */
#include "collector/core/notify.h"

#include <systemd/sd-daemon.h>

#include "collector/base/clock.h"

/* Without NOTIFY_SOCKET in the environment these calls do nothing, so nobody has to ask who started us. */
void
notify_ready(void)
{
	sd_notify(0, "READY=1");
}

/* Type=notify-reload wants the time too, to tell this reload from the one before. */
void
notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)clock_monotonic_us());
}

/* From here on the manager's stop timeout counts, not its watchdog. */
void
notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}
