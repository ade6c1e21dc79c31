/* The control socket: a Unix stream socket in the runtime directory. A client sends one line and reads the
 * answer until end of file. Commands are rows; clients wait for nobody and delay nobody. */
#ifndef FLOWRIB_CORE_CONTROL_H
#define FLOWRIB_CORE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/base/text.h"

struct control_command {
	const char *line; /* one that ends in a blank takes the rest of the request as its words */
	void (*run)(void *ctx, const char *words, struct text *answer);
};

struct control;

/* Listens at path (a stale socket is replaced, anything else refused) for the commands given, a list ended by
 * a NULL line. NULL with a message in err. */
struct control *control_open(const char *path, const struct control_command *commands, void *ctx, char *err,
			     size_t errlen);

/* Readable when control_run has something to do. */
int control_fd(const struct control *c);
void control_run(struct control *c);

/* Closes and removes the socket. */
void control_close(struct control *c);

#endif
