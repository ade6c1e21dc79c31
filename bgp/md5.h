/* TCP-MD5 keys (RFC 2385) of peers: the file, and the listening sockets that are told. */
#ifndef FLOWRIB_BGP_MD5_H
#define FLOWRIB_BGP_MD5_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/base/addr.h"

#define MD5_KEY_MAX 80 /* TCP_MD5SIG_MAXKEYLEN of Linux */

struct md5_key {
	struct addr address;
	unsigned len;
	char key[MD5_KEY_MAX];
};

struct md5_keys {
	struct md5_key *list;
	size_t n;
};

/* Reads lines of "address, key". NULL with "file:line: what" in err. The caller frees it with md5_free(). */
struct md5_keys *md5_load(const char *path, char *err, size_t errlen);
/* Keys are wiped first. NULL is allowed. */
void md5_free(struct md5_keys *k);

/* Makes a listening socket of a family (AF_INET, AF_INET6: that one takes IPv4 peers too unless only) demand
 * the keys; those of old that are not among them are taken away. Either may be NULL. False with a message
 * when the system takes no more; those before it are in use then. */
bool md5_apply(int fd, int family, bool only, const struct md5_keys *old, const struct md5_keys *keys,
	       char *err, size_t errlen);

#endif
