/* See pgsql_cluster.h. */
#include "sql/pgsql_cluster.h"

#include <ftw.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <grp.h>

#include <libpq-fe.h>

/* Debian keeps each major version apart; others have the programs on the path. */
static bool
find_programs(struct cluster *c)
{
	for (int version = 30; version >= 10; version--) {
		char program[160];
		snprintf(c->bin, sizeof(c->bin), "/usr/lib/postgresql/%d/bin", version);
		snprintf(program, sizeof(program), "%s/initdb", c->bin);
		if (access(program, X_OK) == 0)
			return true;
	}
	snprintf(c->bin, sizeof(c->bin), "/usr/bin");
	return access("/usr/bin/initdb", X_OK) == 0;
}

/* PostgreSQL refuses to run as root. */
static const struct passwd *
other_user(void)
{
	const struct passwd *p = getpwnam("postgres");
	return p ? p : getpwnam("nobody");
}

/* Runs a program of the cluster's, as another user when we are root; its output goes to a file beside it. */
static pid_t
spawn(const struct cluster *c, char *const argv[])
{
	char program[160], log[96];
	const struct passwd *p = geteuid() == 0 ? other_user() : NULL;
	snprintf(program, sizeof(program), "%s/%s", c->bin, argv[0]);
	snprintf(log, sizeof(log), "%s/log", c->folder);
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGQUIT);
	if (p && (setgroups(0, NULL) < 0 || setgid(p->pw_gid) < 0 || setuid(p->pw_uid) < 0))
		_exit(126);
	prctl(PR_SET_PDEATHSIG, SIGQUIT); /* changing users has cleared it */
	if (!freopen(log, "a", stdout) || !freopen(log, "a", stderr) || chdir(c->folder) < 0)
		_exit(126);
	execv(program, argv);
	_exit(127);
}

const char *
cluster_make(struct cluster *c)
{
	char data[96];
	int status = -1;
	*c = (struct cluster){.pid = 0};
	if (!find_programs(c))
		return "there is no initdb on this machine (Debian: apt-get install postgresql)";
	snprintf(c->folder, sizeof(c->folder), "/tmp/flowrib-pg-XXXXXX");
	if (!mkdtemp(c->folder))
		return "cannot make a directory in /tmp";
	const struct passwd *p = geteuid() == 0 ? other_user() : NULL;
	if (geteuid() == 0 && (!p || chown(c->folder, p->pw_uid, p->pw_gid) < 0))
		return "no unprivileged user to run it";
	snprintf(data, sizeof(data), "%s/data", c->folder);
	char *const argv[] = {"initdb", "-D", data, "-U",   "flowrib",	  "-A",
			      "trust",	"-N", "-E", "UTF8", "--locale=C", NULL};
	pid_t pid = spawn(c, argv);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		return "initdb failed";
	return NULL;
}

static bool
answers(const struct cluster *c)
{
	char info[128];
	snprintf(info, sizeof(info), "host=%s dbname=postgres user=flowrib", c->folder);
	return PQping(info) == PQPING_OK;
}

bool
cluster_start(struct cluster *c)
{
	char data[96];
	snprintf(data, sizeof(data), "%s/data", c->folder);
	char *const argv[] = {
	    "postgres",		  "-D", data, "-k", c->folder, "-c", "listen_addresses=", "-c",
	    "max_connections=20", NULL};
	c->pid = spawn(c, argv);
	for (int i = 0; i < 300 && c->pid > 0; i++) {
		if (answers(c))
			return true;
		usleep(50000);
	}
	return false;
}

void
cluster_stop(struct cluster *c, int sig)
{
	if (c->pid <= 0)
		return;
	kill(c->pid, sig);
	for (int i = 0; i < 400; i++) {
		if (waitpid(c->pid, NULL, WNOHANG) == c->pid) {
			c->pid = 0;
			return;
		}
		usleep(25000);
	}
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	c->pid = 0;
}

static int
take_away(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

void
cluster_remove(struct cluster *c)
{
	cluster_stop(c, SIGINT);
	if (c->folder[0])
		(void)nftw(c->folder, take_away, 16, FTW_DEPTH | FTW_PHYS);
	c->folder[0] = '\0';
}
