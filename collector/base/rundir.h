/* Where the daemon's sockets and its state are when nobody says otherwise; daemon and client must agree on
 * the former. */
#ifndef FLOWRIB_BASE_RUNDIR_H
#define FLOWRIB_BASE_RUNDIR_H

#include <stddef.h>

/* Writes the default runtime directory to buf and returns it: what the service manager gave
 * (RUNTIME_DIRECTORY), else /run/flowrib for root, else flowrib below XDG_RUNTIME_DIR, else /tmp/flowrib-UID.
 */
const char *rundir_default(char *buf, size_t n);

/* Likewise where state is that outlives the daemon: what the service manager gave (STATE_DIRECTORY), else
 * /var/lib/flowrib for root, else flowrib below XDG_STATE_HOME, else ~/.local/state/flowrib. */
const char *statedir_default(char *buf, size_t n);

#endif
