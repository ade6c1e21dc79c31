/* A private PostgreSQL for a test or a bench: made by initdb in a directory of its own, listening on a Unix
 * socket only, run by an unprivileged user when we are root. */
#ifndef FLOWRIB_SQL_PGSQL_CLUSTER_H
#define FLOWRIB_SQL_PGSQL_CLUSTER_H

#include <stdbool.h>
#include <sys/types.h>

struct cluster {
	char folder[64]; /* holds data/ and the socket */
	char bin[128];
	pid_t pid; /* 0: not running */
};

/* NULL, or why there can be none: a test is then skipped. */
const char *cluster_make(struct cluster *c);
/* Runs postgres and waits until it takes connections. */
bool cluster_start(struct cluster *c);
/* sig: SIGINT to stop it fast, SIGQUIT as if the machine had failed. */
void cluster_stop(struct cluster *c, int sig);
/* Stops it and removes the directory. */
void cluster_remove(struct cluster *c);

#endif
