/* The supervisor's two halves.
 *
 * The spawner is a small process forked before the core has threads, sockets or gigabytes of anything. It
 * starts a process per plugin instance and starts one again that died. The core tells it what to do and hears
 * what happened over a socket pair. When the core is gone (end of file), the spawner asks the plugins to
 * drain and end.
 *
 * The end is bounded. A plugin that has not ended plugin_end_timeout after the queues were closed gets
 * SIGTERM, and SUPERVISOR_KILL_AFTER_S later SIGKILL, as it may be stopped or hang in a file system that does
 * not answer. What it held is told with its death, like that of any other. */
#ifndef FLOWRIB_CORE_SUPERVISOR_H
#define FLOWRIB_CORE_SUPERVISOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "collector/core/instance.h"

#define SUPERVISOR_KILL_AFTER_S                                                                              \
	5 /* from SIGTERM to SIGKILL; the help of plugin_end_timeout tells it too                            \
	   */

struct supervisor {
	int fd;	   /* to and from the spawner; readable when supervisor_event has something */
	pid_t pid; /* of the spawner */
};

enum supervisor_command {
	SUPERVISOR_GO = 'G',	 /* start all instances */
	SUPERVISOR_STOP = 'S',	 /* no restarts from now on: the queues are being closed */
	SUPERVISOR_CLOSED = 'C', /* all queues are closed: the time that plugins have to end begins */
	SUPERVISOR_KILL = 'K',	 /* that time is over */
	SUPERVISOR_LOG = 'H',	 /* SIGHUP to all plugins */
	SUPERVISOR_RELOAD = 'R', /* SIGUSR2 to all plugins */
};

enum supervisor_event_kind { SUPERVISOR_STARTED, SUPERVISOR_DIED, SUPERVISOR_ENDED, SUPERVISOR_GONE };

struct supervisor_event {
	enum supervisor_event_kind kind; /* GONE: the spawner and all plugins are gone */
	unsigned instance;
	pid_t pid;
	int wait_status;       /* as of waitpid, for DIED and ENDED */
	unsigned restart_in_s; /* for DIED */
	uint64_t lost;	       /* for DIED: aggregates that it held */
};

/* Forks the spawner. It starts nothing until told; when told, it first calls settle (not NULL), which gives
 * up what neither it nor the plugins may keep, and ends when that fails. False with errno set. */
typedef bool supervisor_settle(const void *ctx);
bool supervisor_start(struct supervisor *s, struct instances *all, supervisor_settle *settle,
		      const void *ctx);

void supervisor_command(struct supervisor *s, enum supervisor_command c);

/* The next event; false when there is none now. */
bool supervisor_event(struct supervisor *s, struct supervisor_event *e);

#endif
