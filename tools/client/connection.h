/* The client's end of the memory table's protocol: one connection, requests out, frames in. */
#ifndef FLOWRIB_TOOLS_CLIENT_CONNECTION_H
#define FLOWRIB_TOOLS_CLIENT_CONNECTION_H

#include "plugins/memory_protocol.h"

struct connection {
	int fd;
	uint8_t *buf;
	size_t begin, end; /* what was read and not yet taken */
	struct layout layout;
	char err[320]; /* why the last call failed */
};

/* Where the table answers when nobody says so: the only socket in the runtime directory. Written to buf;
 * false with a message for people there when it is not clear. legacy: pmacct's own path is tried last. */
bool connection_default_path(char *buf, size_t n, bool legacy);

/* What the user means by name: a path, or, when there is no such file, the plugin of that name whose socket
 * is in the runtime directory. Returns name, or buf. */
const char *connection_named_path(char *buf, size_t n, const char *name);

/* Connects and asks for the layout. False with a message in c->err. */
bool connection_open(struct connection *c, const char *path);
void connection_close(struct connection *c);

/* A stream socket connected to path; -1 with errno set. */
int connection_dial(const char *path);

bool connection_send(struct connection *c, uint16_t type, uint16_t flags, const struct text *body);

/* The next frame; its body stays valid until the next call. False at an error, MEMORY_ERROR from the daemon
 * included: c->err says which. */
bool connection_next(struct connection *c, struct memory_header *h, const uint8_t **body);

#endif
