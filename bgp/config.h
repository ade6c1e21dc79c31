/* The bgp_daemon_* keys that sessions obey, read once. */
#ifndef FLOWRIB_BGP_CONFIG_H
#define FLOWRIB_BGP_CONFIG_H

#include "collector/conf/conf.h"

/* Strings belong to the configuration. */
struct bgp_config {
	struct addr address; /* none: all addresses, of both families */
	uint16_t port;
	const char *interface; /* or VRF; NULL: any */
	bool ipv6_only;
	size_t receive_buffer; /* 0: what the system gives */
	unsigned precedence;   /* of IP, 0 to 7 */
	unsigned hops;	       /* RFC 5082: how far away a peer may be; 0: no check */
	const char *allow_file;
	const char *md5_file;
	const char *neighbors_file;
	const char *snapshot_file; /* is read at the start */

	uint32_t id;		  /* BGP identifier, host byte order */
	uint32_t as;		  /* 0: that of the peer */
	char host[65];		  /* ours, for peers that tell theirs */
	bool add_path;		  /* is offered to peers that can */
	bool id_check;		  /* a BGP identifier belongs to one address */
	unsigned max_peers;	  /* with sessions */
	unsigned batch;		  /* sessions accepted in batch_us; 0: any number */
	uint64_t batch_us;	  /* microseconds */
	size_t max_prefixes;	  /* of a peer; 0: any number */
	bool max_prefixes_ignore; /* what is beyond is not taken; else the session ends */
	uint64_t stale_us;	  /* how long stale routes wait to be announced again */
};

/* False with a message when the values cannot be meant together. */
bool bgp_config_read(struct bgp_config *c, const struct conf *conf, char *err, size_t errlen);

#endif
