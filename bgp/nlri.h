/* NLRI of all families: what an UPDATE announces or withdraws.
 *
 * Families that go into the RIB give prefixes; all others are cut into their items and told as text for the
 * message log. A row per family (nlri.c): AFI, SAFI, name, walker. */
#ifndef FLOWRIB_BGP_NLRI_H
#define FLOWRIB_BGP_NLRI_H

#include "bgp/attr.h"
#include "collector/base/text.h"

/* One prefix. Bits beyond the length are zero. */
struct bgp_nlri {
	/* Of an IPv4 family: IPv4-mapped, length 0-32. The family says which it is, not the address: a peer
	 * may send an IPv6 prefix within ::ffff:0:0/96. */
	struct prefix prefix;
	uint32_t path_id; /* RFC 7911; 0 without ADD-PATH */
	uint32_t label;	  /* BGP_NO_LABEL: none */
	uint64_t rd;	  /* VALUE_RD: eight bytes as one big-endian number; 0 outside VPNs */
};
#define BGP_NO_LABEL UINT32_MAX

/* Takes the next prefix of a RIB family from w. False at the end, and when what follows is malformed:
 * then *fault is set. withdrawn: the label field of a withdrawal is no stack (RFC 8277, 2.4). */
bool bgp_nlri_next(struct wire *w, enum bgp_family family, bool add_path, bool withdrawn,
		   struct bgp_nlri *out, enum bgp_fault *fault);

/* Decodes up to max IPv4 or IPv6 unicast prefixes at once: the hot path of a table load. Returns how many;
 * w is at its end, or *fault is set, when fewer than max. */
unsigned bgp_nlri_batch(struct wire *w, enum bgp_family family, bool add_path, struct bgp_nlri *out,
			unsigned max, enum bgp_fault *fault);

/* Takes the next item of any other family and appends it as text ("[2][0:65000:1][...]" for EVPN; documented
 * row by row in nlri_text.c). Multicast prefixes give the prefix. False as above. */
bool bgp_nlri_text(struct wire *w, enum bgp_family family, bool add_path, struct text *out,
		   enum bgp_fault *fault);

#endif
