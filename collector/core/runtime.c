/* What surrounds the program: directory, pid files, background, limits. Everything here runs once, at the
 * start or at the end, and mostly as root: so each step looks at what is there before it changes anything,
 * and says what the operator can do when it may not. */
#include "collector/core/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/base/log.h"
#include "collector/core/notify.h"

static int ready_fd = -1; /* the parent of a daemon in the background waits at the other end */

/* An unknown user is not reported here: dropping privileges does, with the remedy. */
static uid_t
run_as(const struct conf *conf)
{
	const char *user = conf_string(conf, CONF_CORE, CONF_user);
	struct passwd *p = user ? getpwnam(user) : NULL;
	return p ? p->pw_uid : geteuid();
}

/* Never NULL: its default is computed when the configuration is loaded, once for all processes, because it
 * depends on the user that asks. */
const char *
runtime_path(const struct conf *conf)
{
	return conf_string(conf, CONF_CORE, CONF_runtime_dir);
}

/* Looks at the directory through one descriptor, so that what is checked is what is used. It is given away
 * only when it is root's and closed to everybody else: with runtime_dir set to /run by mistake, /run itself
 * must not change hands. */
static bool
own_directory(const struct conf *conf, enum conf_key key, const char *what, char *err, size_t errlen)
{
	const char *path = conf_string(conf, CONF_CORE, key), *name = conf_row(key)->name;
	uid_t owner = run_as(conf);
	struct stat st;
	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		snprintf(err, errlen, "cannot make the %s directory '%s': %s; set %s", what, path,
			 strerror(errno), name);
		return false;
	}
	/* a link in /tmp may be anybody's */
	int fd = open(path, O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		snprintf(err, errlen, "the %s directory '%s' cannot be used: %s; set %s", what, path,
			 strerror(errno), name);
		if (fd >= 0)
			close(fd);
		return false;
	}
	bool ours = st.st_uid == owner || (geteuid() == 0 && st.st_uid == 0 && !(st.st_mode & 077));
	if (ours && st.st_mode & 022) {
		snprintf(
		    err, errlen,
		    "others may write to the %s directory '%s'; set %s to one of its own, or chmod 700 it",
		    what, path, name);
		close(fd);
		return false;
	}
	if (!ours || (st.st_uid != owner && fchown(fd, owner, (gid_t)-1) < 0)) {
		snprintf(err, errlen, "the %s directory '%s' is not ours alone; set %s to one below it", what,
			 path, name);
		ours = false;
	}
	close(fd);
	return ours;
}

bool
runtime_directory(const struct conf *conf, char *err, size_t errlen)
{
	return own_directory(conf, CONF_runtime_dir, "runtime", err, errlen);
}

bool
runtime_state_directory(const struct conf *conf, char *err, size_t errlen)
{
	return own_directory(conf, CONF_state_dir, "state", err, errlen);
}

/* The niceness the spawner had before it took the least of its plugins'; they inherit the latter. */
static int usual_nice;
static bool took_least;

/* Never fatal: a collector with the wrong niceness still collects. */
void
runtime_priority(const struct conf *conf, int scope)
{
	bool set = conf_is_set(conf, scope, CONF_proc_priority);
	int nice = set ? (int)conf_int(conf, scope, CONF_proc_priority) : usual_nice;
	if ((set || took_least) && setpriority(PRIO_PROCESS, 0, nice) < 0)
		log_warn("proc_priority: cannot become %d: %s", nice, strerror(errno));
}

/* Plugins are started after privileges are gone, also much later, and without privileges a process can only
 * get nicer: so the spawner, which hardly ever runs, takes the least that any of them is to have, and each of
 * them goes up from there. A raised resource limit would do as well, but takes CAP_SYS_RESOURCE, which
 * containers and service managers mostly keep back. */
void
runtime_priorities_allow(const struct conf *conf)
{
	usual_nice = getpriority(PRIO_PROCESS, 0);
	int least = usual_nice;
	for (int i = 0; i < (int)conf_plugins(conf); i++)
		if (conf_is_set(conf, i, CONF_proc_priority) && conf_int(conf, i, CONF_proc_priority) < least)
			least = (int)conf_int(conf, i, CONF_proc_priority);
	/* a plugin whose wish fails for this will say so itself */
	took_least = least < usual_nice && setpriority(PRIO_PROCESS, 0, least) == 0;
}

/* The usual soft limit of 1,024 is there for programs that use select(2); nothing here does. */
void
runtime_files_allow(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= files.rlim_max)
		return;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		log_debug("cannot raise the number of open files: %s", strerror(errno));
}

/* The parent's part: waits for one byte, then leaves with the child's verdict. _exit: what main() would do
 * at its end is the child's to do. */
static void
wait_for_child(int fd, pid_t child)
{
	char byte;
	int status;
	/* end of file instead of a byte: every process that could have written is gone */
	if (read(fd, &byte, 1) == 1)
		_exit(0);
	_exit(waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* A single fork is enough: the daemon opens no terminal. Standard error stays open until the daemon works,
 * so that whoever started it reads why it did not. */
bool
runtime_daemonize(char *err, size_t errlen)
{
	int pair[2];
	if (pipe2(pair, O_CLOEXEC) < 0) {
		snprintf(err, errlen, "cannot go into the background: %s", strerror(errno));
		return false;
	}
	pid_t pid = fork();
	if (pid < 0) {
		snprintf(err, errlen, "cannot go into the background: %s", strerror(errno));
		return false;
	}
	if (pid > 0) {
		close(pair[1]);
		wait_for_child(pair[0], pid);
	}
	close(pair[0]);
	ready_fd = pair[1];
	/* away from the terminal's process group, so that its end is not ours */
	setsid();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		close(null);
	}
	return true;
}

/* The parent leaves with status 0 now; a service manager hears of it too. */
void
runtime_ready(void)
{
	notify_ready();
	if (ready_fd >= 0 && write(ready_fd, "1", 1) < 0)
		log_debug("nobody waits for the daemon to be up");
	runtime_detach();
}

/* Every process that inherited the pipe has to let go of it, or the parent would wait for ever when the
 * core dies early. */
void
runtime_detach(void)
{
	if (ready_fd < 0)
		return;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDERR_FILENO);
		close(null);
	}
	close(ready_fd);
	ready_fd = -1;
}

/* lchown: a link put there by somebody else must not lead us elsewhere. */
void
runtime_give(const struct conf *conf, const char *path)
{
	if (lchown(path, run_as(conf), (gid_t)-1) < 0)
		log_warn("cannot give '%s' to the user of the key user: %s", path, strerror(errno));
}

/* The core's is the path itself, a plugin's the path with its type and name; NULL when none is wanted. The
 * form is pmacct's, since scripts look for these files. */
static const char *
pidfile_path(const struct conf *conf, int scope, char *buf, size_t n)
{
	const char *path = conf_string(conf, CONF_CORE, CONF_pidfile);
	if (!path || scope == CONF_CORE)
		return path;
	snprintf(buf, n, "%s-%s-%s", path, conf_plugin_type(conf, scope), conf_plugin_name(conf, scope));
	return buf;
}

/* Truncated and written in place, as such files are: readers expect the inode to stay. */
bool
runtime_pidfile_write(const struct conf *conf, int scope, char *err, size_t errlen)
{
	char buf[PATH_MAX], text[16];
	const char *path = pidfile_path(conf, scope, buf, sizeof(buf));
	if (!path)
		return true;
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	errno = fd < 0 ? errno : ENOSPC; /* what a short write means */
	if (fd < 0 || write(fd, text, (size_t)n) != n) {
		snprintf(err, errlen, "pidfile: cannot write '%s': %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	close(fd);
	return true;
}

/* Best effort, by a process that may have become another user since. */
void
runtime_pidfile_remove(const struct conf *conf, int scope)
{
	char buf[PATH_MAX];
	const char *path = pidfile_path(conf, scope, buf, sizeof(buf));
	struct stat st;
	if (!path || lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return; /* such as /dev/null, which root could remove */
	if (unlink(path) < 0 && errno != ENOENT)
		return; /* run as another user than the one that wrote it: a stale file is harmless */
}
