/* One rule for both sides: the daemon binds its sockets where the client looks for them, so a change here
 * changes both. A directory that the client's user cannot enter shows as an error of connect(), which names
 * the path. */
#include "collector/base/rundir.h"

#include <unistd.h>

const char *
rundir_default(char *buf, size_t n)
{
	const char *given = getenv("RUNTIME_DIRECTORY"), *session = getenv("XDG_RUNTIME_DIR");
	/* systemd separates several directories by colons; then none of them is obviously ours */
	if (given && *given == '/' && !strchr(given, ':'))
		snprintf(buf, n, "%s", given);
	else if (geteuid() == 0)
		snprintf(buf, n, "/run/flowrib");
	else if (session && *session == '/')
		snprintf(buf, n, "%s/flowrib", session);
	else
		snprintf(buf, n, "/tmp/flowrib-%u", (unsigned)geteuid());
	return buf;
}

const char *
statedir_default(char *buf, size_t n)
{
	const char *given = getenv("STATE_DIRECTORY"), *state = getenv("XDG_STATE_HOME"),
		   *home = getenv("HOME");
	if (given && *given == '/' && !strchr(given, ':'))
		snprintf(buf, n, "%s", given);
	else if (geteuid() == 0)
		snprintf(buf, n, "/var/lib/flowrib");
	else if (state && *state == '/')
		snprintf(buf, n, "%s/flowrib", state);
	else
		snprintf(buf, n, "%s/.local/state/flowrib", home && *home == '/' ? home : "/tmp");
	return buf;
}
