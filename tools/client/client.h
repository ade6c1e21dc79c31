/* The parts of the client program that main.c calls. */
#ifndef FLOWRIB_TOOLS_CLIENT_CLIENT_H
#define FLOWRIB_TOOLS_CLIENT_CLIENT_H

#include "tools/client/question.h"
#include "tools/client/rows.h"

/* pmacct's options (legacy.c). Returns the exit status. as_pmacct: called by that name. */
int legacy_main(int argc, char **argv, bool as_pmacct);

/* The readable commands (commands.c); argv[0] is the command. Returns the exit status, -1 when there is no
 * such command. */
int command_main(int argc, char **argv);
void command_help(FILE *out);

/* `flowrib top` (top.c): where holds conditions as in question_where. */
struct top_options {
	const char *path;
	const char *by;
	double interval; /* seconds */
	unsigned rows;	 /* 0: as many as the terminal has */
	bool once;
	struct format_options format;
	char *const *where;
	unsigned wheres;
};
int top_run(const struct top_options *o);

/* Sends one line to the core's control socket and prints what it answers (control.c). */
int control_run(const char *runtime_dir, const char *line);

/* Connects to path, or to the default when it is NULL; says why not on standard error (session.c). */
bool session_open(struct connection *c, const char *path, bool legacy);
/* A message as pmacct's client words it; returns 1, the exit status. */
int client_fail(const char *why);
/* Sends q, an answer being END only, or STATUS. */
bool session_erase(struct connection *c);
bool session_status(struct connection *c, struct text *out);
/* Sends a COUNT and takes its figures: per query the matches, then the layout's counters. NULL with c->err.
 */
uint64_t *session_count(struct connection *c, const struct question *q);

#endif
