/* The sockets of BGP: where peers connect, and what a session's own is told. */
#ifndef FLOWRIB_BGP_LISTEN_H
#define FLOWRIB_BGP_LISTEN_H

#include "bgp/config.h"
#include "bgp/md5.h"

struct bgp_listener {
	int fd; /* -1: closed */
	int family;
};

/* Opens, binds and listens, with the keys (NULL: none) in place before the first peer can come. False with a
 * message that names the key to change. */
bool bgp_listen(struct bgp_listener *l, const struct bgp_config *c, const struct md5_keys *keys, char *err,
		size_t errlen);
void bgp_listen_close(struct bgp_listener *l);

/* Options of an accepted socket, most of which it inherits. */
void bgp_session_socket(int fd, const struct bgp_config *c);

#endif
