/* The walk through one UPDATE, shared by update.c (the frame), attr.c (the attributes) and as_path.c. */
#ifndef FLOWRIB_BGP_WALK_H
#define FLOWRIB_BGP_WALK_H

#include "bgp/nlri.h"

#define BGP_FLAG_OPTIONAL   0x80
#define BGP_FLAG_TRANSITIVE 0x40
#define BGP_FLAG_PARTIAL    0x20
#define BGP_FLAG_EXTENDED   0x10 /* two octets of length */

/* Subcodes of an UPDATE Message Error (RFC 4271, 6.3). */
enum bgp_update_error {
	BGP_UPDATE_LIST = 1,
	BGP_UPDATE_MISSING = 3,
	BGP_UPDATE_FLAGS = 4,
	BGP_UPDATE_LENGTH = 5,
	BGP_UPDATE_ORIGIN = 6,
	BGP_UPDATE_NEXT_HOP = 8,
	BGP_UPDATE_OPTIONAL = 9,
	BGP_UPDATE_NETWORK = 10,
	BGP_UPDATE_AS_PATH = 11,
};

/* One attribute as it stands in the message. */
struct bgp_raw_attr {
	const uint8_t *value;
	uint16_t len;
	uint8_t flags;
};

struct bgp_walk {
	struct bgp_update *u;
	const struct bgp_rules *rules;
	uint8_t *mem, *mem_end; /* what is left of the scratch area */
	const uint8_t *at;	/* the attribute at hand, with its header */
	uint32_t at_len;
	uint64_t seen[4];     /* a bit per attribute code */
	uint64_t kept[4];     /* those whose bytes go to `other` */
	struct addr next_hop; /* NEXT_HOP; without: none */
	bool has_as4_path, has_as4_aggregator;
	bool passed_over; /* there are NLRI of a family that was not agreed on */
	struct bgp_bytes as4_path;
	uint32_t as4_aggregator_as;
	struct addr as4_aggregator;
	struct bgp_raw_attr raw[256]; /* by code; set where kept says so */
};

static inline bool
bgp_bit(const uint64_t bits[4], unsigned i)
{
	return bits[i / 64] >> i % 64 & 1;
}

/* n bytes of scratch; NULL when it is too small, which its size rules out. */
static inline uint8_t *
bgp_walk_take(struct bgp_walk *k, size_t n)
{
	uint8_t *p = k->mem;
	if (unlikely((size_t)(k->mem_end - p) < n))
		return NULL;
	k->mem += n;
	return p;
}

/* Notes a fault of the attribute at hand. The worst outcome counts (RFC 7606, 3.h), and of several equally
 * bad ones the first is what a NOTIFICATION would tell. */
void bgp_walk_fault(struct bgp_walk *k, enum bgp_fault fault, enum bgp_outcome outcome,
		    enum bgp_update_error subcode);

/* attr.c: walks the attributes. */
void bgp_attrs_walk(struct bgp_walk *k, struct wire *attrs);

/* attr_list.c: lists that are sets, in ascending order and without duplicates. */
enum bgp_list { BGP_LIST_WORD, BGP_LIST_EXT, BGP_LIST_LARGE };
/* All of v, words of four octets (one or three an element) in host byte order. */
bool bgp_list_words(struct bgp_walk *w, enum bgp_list list, struct wire *v, struct bgp_bytes *out);
/* All of v, elements of eight octets as on the wire; where they stand when they are in order. */
bool bgp_list_ext(struct bgp_walk *w, struct wire *v, struct bgp_bytes *out);
/* n elements in place; returns how many stay. */
unsigned bgp_list_settle(struct bgp_walk *w, enum bgp_list list, uint8_t *p, unsigned n);

/* as_path.c: segments with AS numbers of width octets (2 or 4) to the binary form of attr.h. False when it is
 * malformed (RFC 7606, 7.2; RFC 7607). */
bool bgp_as_path_decode(struct bgp_walk *k, struct wire *v, unsigned width, struct bgp_bytes *out);
/* Takes the confederation segments out of an AS4_PATH (RFC 6793, 6). In place. */
void bgp_as_path_plain(struct bgp_bytes *path);
/* The AS_PATH of an old speaker with what AS4_PATH knows better (RFC 6793, 4.2.3). */
void bgp_as_path_merge(struct bgp_walk *k, struct bgp_bytes *path, const struct bgp_bytes *as4);

#endif
