/* The service manager (sd_notify). Without libsystemd, or started by hand, these do nothing.
 *
 * ready comes once the sockets are open and the plugins told to start, so units that follow may send at
 * once. */
#ifndef FLOWRIB_CORE_NOTIFY_H
#define FLOWRIB_CORE_NOTIFY_H

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

#endif
