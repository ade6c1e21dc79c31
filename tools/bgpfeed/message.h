/* BGP messages as the feeder sends them, written straight into the buffer of a session.
 *
 * Written from the RFCs and not shared with the daemon's codec, so that one mistake cannot hide in both. */
#ifndef FLOWRIB_TOOLS_BGPFEED_MESSAGE_H
#define FLOWRIB_TOOLS_BGPFEED_MESSAGE_H

#include <stdbool.h>

#include "bgp/proto.h"
#include "collector/base/addr.h"

enum { PATH_MAX_AS = 64, COMMUNITIES_MAX = 64, LARGE_MAX = 16, MESSAGE_ROOM = 4096 };

/* What goes into an OPEN (RFC 4271, 4.2). */
struct open_said {
	uint32_t as, id;
	uint16_t hold;
	bool v4, v6;
	int restart; /* seconds of graceful restart (RFC 4724); -1: not offered */
};

/* Attributes of an UPDATE, in host byte order. */
struct said {
	struct addr next_hop;
	uint32_t path[PATH_MAX_AS];
	unsigned hops;
	uint32_t std[COMMUNITIES_MAX];
	unsigned stds;
	uint32_t large[LARGE_MAX][3];
	unsigned larges;
	uint32_t local_pref, med;
	bool has_local_pref, has_med;
};

/* Prefixes as they stand on the wire: a length octet and as many octets as it takes. */
struct nlri_run {
	const uint8_t *p;
	size_t len;
	bool v6;
};

/* Each writes one message at p and returns its end. p has room for MESSAGE_ROOM bytes. */
uint8_t *message_open(uint8_t *p, const struct open_said *o);
uint8_t *message_keepalive(uint8_t *p);
uint8_t *message_cease(uint8_t *p, uint8_t subcode);
/* The run must leave room for the attributes: some 3,000 bytes at most. */
uint8_t *message_announce(uint8_t *p, const struct said *s, struct nlri_run run);
uint8_t *message_withdraw(uint8_t *p, struct nlri_run run);
uint8_t *message_end_of_rib(uint8_t *p, bool v6);

/* Appends a prefix in the form of an NLRI; returns the end. */
uint8_t *nlri_put(uint8_t *p, const struct prefix *prefix);
/* Bytes of the NLRI at p. */
static inline size_t
nlri_size(const uint8_t *p)
{
	return 1 + (p[0] + 7U) / 8;
}

#endif
