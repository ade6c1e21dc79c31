/* Path attributes of one UPDATE, decoded.
 *
 * A row per attribute (attr.c): code, name, flags it must have, length rule, decoder, and what RFC 7606 says
 * to do when it is malformed. The walker has no cases. The result lives in a scratch area of the caller and
 * holds until the next message; what is to stay is interned (store.h). Lists have the binary forms of
 * collector/flow/value.h, so that a reader can hand them to a flow as they are:
 *
 *	as_path	  segments, each: uint8_t type, uint8_t count, uint32_t asn[count]
 *	std	  uint32_t each		ext  8 bytes each, as on the wire	lrg  uint32_t[3] each
 *
 * all in host byte order, unaligned, without padding. Communities and AS sets are in ascending order, each
 * element once (attr_list.c says why). */
#ifndef FLOWRIB_BGP_ATTR_H
#define FLOWRIB_BGP_ATTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgp/proto.h"
#include "collector/base/addr.h"
#include "collector/base/wire.h"

struct bgp_bytes {
	const uint8_t *p;
	uint32_t len;
};

/* Bits of bgp_attrs.present. */
enum bgp_attr_bit {
	BGP_HAS_ORIGIN = 1 << 0,
	BGP_HAS_AS_PATH = 1 << 1,
	BGP_HAS_NEXT_HOP = 1 << 2,
	BGP_HAS_MED = 1 << 3,
	BGP_HAS_LOCAL_PREF = 1 << 4,
	BGP_HAS_ATOMIC_AGGREGATE = 1 << 5,
	BGP_HAS_AIGP = 1 << 6,
	BGP_HAS_OTC = 1 << 7,
	BGP_HAS_PREFIX_SID = 1 << 8, /* label index */
	BGP_HAS_ORIGINATOR = 1 << 9,
	BGP_HAS_LABEL = 1 << 10, /* of labeled and VPN routes */
	BGP_HAS_AGGREGATOR = 1 << 11,
};

/* origin as RFC 4271, 5.1.1 numbers it: 0 IGP, 1 EGP, 2 INCOMPLETE. */
struct bgp_attrs {
	uint32_t present; /* bits of enum bgp_attr_bit */
	uint8_t origin;
	uint32_t med;
	uint32_t local_pref;
	uint32_t otc;		   /* RFC 9234 */
	uint32_t psid_label_index; /* RFC 8669 */
	uint32_t label;		   /* 20 bits, outermost; 3-octet withdraw value excluded */
	uint64_t aigp;		   /* RFC 7311 */
	struct addr next_hop;	   /* NEXT_HOP, or the global one of MP_REACH_NLRI */
	struct addr next_hop_link_local;
	struct addr originator; /* RFC 4456 */
	uint32_t aggregator_as;
	struct addr aggregator;
	struct bgp_bytes as_path; /* AS4_PATH already merged (RFC 6793, 4.2.3) */
	struct bgp_bytes std, ext, lrg;
	struct bgp_bytes cluster_list; /* uint32_t each, as on the wire */
	struct bgp_bytes
	    other; /* attributes kept as bytes: flags, code, uint16_t length (big endian), value */
};

/* What a malformed attribute or NLRI leads to (RFC 7606, 2), from mild to severe. */
enum bgp_outcome {
	BGP_OK,
	BGP_ATTR_DISCARD,
	BGP_TREAT_AS_WITHDRAW,
	BGP_DISABLE_FAMILY, /* AFI/SAFI disable, of `reach`: where its NLRI begin cannot be told */
	BGP_SESSION_RESET,
};

/* Reasons, one counter each per peer (attr.c has the rows: name and help). */
enum bgp_fault {
	BGP_FAULT_NONE,
	BGP_FAULT_ATTR_LENGTH,	  /* total length of attributes lies */
	BGP_FAULT_ATTR_TRUNCATED, /* an attribute overruns */
	BGP_FAULT_ATTR_FLAGS,
	BGP_FAULT_ATTR_DUPLICATE, /* not of MP attributes: kept the first (RFC 7606, 3.g) */
	BGP_FAULT_MP_DUPLICATE,
	BGP_FAULT_MISSING, /* a well-known mandatory one */
	BGP_FAULT_ORIGIN,
	BGP_FAULT_AS_PATH,
	BGP_FAULT_NEXT_HOP,
	BGP_FAULT_MED,
	BGP_FAULT_LOCAL_PREF,
	BGP_FAULT_ATOMIC_AGGREGATE,
	BGP_FAULT_AGGREGATOR,
	BGP_FAULT_COMMUNITIES,
	BGP_FAULT_ORIGINATOR,
	BGP_FAULT_CLUSTER_LIST,
	BGP_FAULT_MP_REACH,
	BGP_FAULT_MP_UNREACH,
	BGP_FAULT_EXT_COMMUNITIES,
	BGP_FAULT_LARGE_COMMUNITIES,
	BGP_FAULT_AS4_PATH,
	BGP_FAULT_AIGP,
	BGP_FAULT_OTC,
	BGP_FAULT_PREFIX_SID,
	BGP_FAULT_OTHER_ATTR,
	BGP_FAULT_NLRI_LENGTH,	/* a prefix longer than its family allows */
	BGP_FAULT_NLRI_OVERRUN, /* a prefix overruns */
	BGP_FAULT_NLRI_LABEL,	/* no bottom of stack */
	BGP_FAULT_FAMILY,	/* a family that was not negotiated */
	BGP_FAULTS
};

struct bgp_fault_row {
	const char *name; /* for counters and logs: "as_path" */
	const char *help;
};
extern const struct bgp_fault_row bgp_fault_rows[BGP_FAULTS];

/* What of the session decides how an UPDATE is read. */
struct bgp_rules {
	bool as4;	       /* both sides speak four-octet AS numbers */
	bool ebgp;	       /* LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST are then discarded */
	uint32_t families;     /* bits 1 << enum bgp_family negotiated */
	uint32_t add_path;     /* those whose NLRI carry a path identifier */
	uint32_t ext_next_hop; /* those that may have an IPv6 next hop for IPv4 NLRI (RFC 8950) */
};

/* One UPDATE, taken apart. The cursors point into the message. */
struct bgp_update {
	struct bgp_attrs attrs;
	enum bgp_outcome outcome;   /* the worst of all; NLRI are walked with bgp_nlri_next() also then */
	enum bgp_fault faults[8];   /* the first few, BGP_FAULT_NONE behind them */
	uint16_t notify;	    /* for BGP_SESSION_RESET: BGP_NOTIFY(code, subcode) */
	const uint8_t *notify_data; /* what the NOTIFICATION carries */
	uint16_t notify_len;
	bool end_of_rib; /* RFC 4724, 2; of `family` */
	enum bgp_family eor_family;
	struct wire withdrawn, announced; /* IPv4 unicast, RFC 4271 */
	enum bgp_family reach, unreach;	  /* of the MP attributes; BGP_FAMILY_NONE when absent */
	struct wire mp_announced, mp_withdrawn;
	struct addr mp_next_hop, mp_next_hop_link_local;
};

/* Room for the decoded lists of one message. */
struct bgp_scratch {
	uint8_t *mem;
	size_t cap;
};
bool bgp_scratch_init(struct bgp_scratch *s);
void bgp_scratch_free(struct bgp_scratch *s);

/* Takes the body of an UPDATE (behind the header) apart. Never reads outside it, never allocates. */
void bgp_update_parse(struct bgp_update *u, const uint8_t *body, size_t len, const struct bgp_rules *rules,
		      struct bgp_scratch *scratch);

/* For a message that has both `announced` and `mp_announced`: until this is called attrs has the next hop of
 * the former, from then on that of the latter. In any other message attrs has the one there is. */
void bgp_update_use_mp(struct bgp_update *u);

#endif
