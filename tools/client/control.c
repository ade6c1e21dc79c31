/* The daemon itself, through its control socket: a line out, text back until it hangs up.
 *
 * There is no timeout: a daemon that is busy answers late, and the user has Ctrl-C. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/base/file.h"
#include "collector/base/rundir.h"
#include "tools/client/client.h"

/* Text of any length, passed on as it comes. */
static bool
copy_answer(int fd)
{
	/* of any size: it is passed on piece by piece */
	char buf[16384];
	ssize_t n;
	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0 && !file_write_all(STDOUT_FILENO, buf, (size_t)n))
			return false;
	}
	return true;
}

/* No protocol beyond a line: the same can be done with socat when the client is not at hand. */
int
control_run(const char *runtime_dir, const char *line)
{
	char usual[256], path[320], why[512];
	snprintf(path, sizeof(path), "%s/control.sock",
		 runtime_dir ? runtime_dir : rundir_default(usual, sizeof(usual)));
	int fd = connection_dial(path);
	if (fd < 0) {
		snprintf(why, sizeof(why),
			 "Unable to connect to '%s' (%s): is flowribd running? (-d DIR names its runtime "
			 "directory)",
			 path, strerror(errno));
		return client_fail(why);
	}
	/* a line is short: the kernel takes it in one piece or the daemon is gone */
	bool ok = send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line) && copy_answer(fd);
	close(fd);
	return ok ? 0 : client_fail("the daemon hung up");
}
