/* The service manager (sd_notify). Without libsystemd, or started by hand, these do nothing. */
#ifndef FLOWRIB_CORE_NOTIFY_H
#define FLOWRIB_CORE_NOTIFY_H

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

#endif
