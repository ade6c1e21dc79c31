/* The daemon itself, through its control socket: a line out, text back until it hangs up.
 *
 * There is no timeout: a daemon that is busy answers late, and the user has Ctrl-C. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/base/file.h"
#include "collector/base/rundir.h"
#include "tools/client/client.h"

/* What the daemon begins an answer with when it could not do what was asked. */
#define FAULT "error: "

/* Text of any length, passed on as it comes; *fault is set when it is one, which goes to standard error. */
static bool
copy_answer(int fd, bool *fault)
{
	/* of any size: it is passed on piece by piece */
	char buf[16384];
	ssize_t n;
	int to = 0;
	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno != EINTR)
			return false;
		/* the first piece tells: the daemon sends more than a word at once */
		if (n > 0 && !to) {
			*fault = (size_t)n > strlen(FAULT) && memcmp(buf, FAULT, strlen(FAULT)) == 0;
			to = *fault ? STDERR_FILENO : STDOUT_FILENO;
		}
		if (n > 0 && !file_write_all(to, buf, (size_t)n))
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
	bool fault = false;
	bool ok =
	    send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line) && copy_answer(fd, &fault);
	close(fd);
	return ok ? fault : client_fail("the daemon hung up");
}
