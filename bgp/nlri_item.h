/* Items of NLRI as text: what nlri_text.c, nlri_flowspec.c and nlri_ls.c share.
 *
 * An item is cut out of the message by its own length first, so whatever it holds cannot disturb the next
 * one. A writer gets the cursor over one item and appends to out; false means that the item is not what its
 * type says, and it is told as octets then. */
#ifndef FLOWRIB_BGP_NLRI_ITEM_H
#define FLOWRIB_BGP_NLRI_ITEM_H

#include "bgp/nlri.h"

typedef bool bgp_item_writer(struct wire *w, struct text *out);

/* "0:65000:1": type, administrator, number (RFC 4364, 4.2). */
void bgp_say_rd(struct text *out, uint64_t rd);

void bgp_say_addr(struct text *out, const struct addr *a);
void bgp_say_prefix(struct text *out, const struct prefix *p);

/* The rest of w: "12 octets 00010203...", of long ones the first 32. */
void bgp_say_octets(struct text *out, struct wire w);

/* Takes bits/8 (rounded up) octets as a prefix of most (32 or 128) bits; what is beyond is cleared. */
bool bgp_take_prefix(struct wire *w, unsigned most, unsigned bits, struct prefix *out);

/* Takes an address of len octets: 4 or 16, or 0, which gives no address. */
bool bgp_take_addr(struct wire *w, size_t len, struct addr *out);

/* One item each, cut by the caller: RFC 8955 and 8956; RFC 9552. */
bool bgp_flowspec_text(struct wire *w, bool v6, struct text *out);
bool bgp_ls_text(struct wire *w, uint16_t type, struct text *out);

#endif
