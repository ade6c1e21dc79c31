#include "collector/base/rundir.h"

#include <unistd.h>

const char *
rundir_default(char *buf, size_t n)
{
	const char *given = getenv("RUNTIME_DIRECTORY"), *session = getenv("XDG_RUNTIME_DIR");
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
