/* NLRI of the families with tables: prefixes, with a path identifier, labels and a route distinguisher in
 * front as the family has them.
 *
 * One walker reads them all by a row per family; unicast has a second one that decodes many at once, since a
 * table load is nothing but that: no loop over bytes, no branch that depends on the length where sixteen
 * bytes are there to be loaded. */
#include "bgp/nlri_item.h"

#define LABEL_BITS  24
#define RD_BITS	    64
#define BOTTOM	    1 /* of the stack; RFC 3032, 2.1 */
#define LABEL_BYTES 3

struct shape {
	uint8_t bits; /* longest prefix */
	bool labels, rd;
};

/* Multicast families have no tables, but prefixes all the same. */
static const struct shape shapes[BGP_FAMILIES] = {
    [BGP_IPV4_UNICAST] = {32, false, false},
    [BGP_IPV6_UNICAST] = {128, false, false},
    [BGP_IPV4_LABELED] = {32, true, false},
    [BGP_IPV6_LABELED] = {128, true, false},
    [BGP_IPV4_VPN] = {32, true, true},
    [BGP_IPV6_VPN] = {128, true, true},
    [BGP_IPV4_MULTICAST] = {32, false, false},
    [BGP_IPV6_MULTICAST] = {128, false, false},
    [BGP_IPV4_VPN_MULTICAST] = {32, false, true},
    [BGP_IPV6_VPN_MULTICAST] = {128, false, true},
};

/* Ends the walk: what follows cannot be found any more. */
static bool
wrong(struct wire *w, enum bgp_fault *fault, enum bgp_fault what)
{
	w->failed = true;
	*fault = what;
	return false;
}

/* The label stack in front of a prefix. *bits is what the length field still covers. An announcement has
 * labels up to the one marked as the bottom; the two values that withdrawals carry end a stack as well, for
 * speakers that put them there (RFC 8277, 2.4; RFC 3107, 3). The outermost label is the first. */
static bool
labels(struct wire *w, bool withdrawn, unsigned *bits, uint32_t *label, enum bgp_fault *fault)
{
	for (bool first = true;; first = false) {
		const uint8_t *p = *bits >= LABEL_BITS ? wire_bytes(w, LABEL_BYTES) : NULL;
		if (!p)
			return wrong(w, fault,
				     *bits < LABEL_BITS ? BGP_FAULT_NLRI_LABEL : BGP_FAULT_NLRI_OVERRUN);
		uint32_t entry = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		bool none = entry == 0 || entry == 0x800000;
		*bits -= LABEL_BITS;
		if (first && !none && !withdrawn)
			*label = entry >> 4;
		if (withdrawn || none || (entry & BOTTOM))
			return true;
	}
}

/* The prefix proper: bits bits, in whole bytes. */
static bool
prefix(struct wire *w, unsigned most, unsigned bits, struct prefix *out, enum bgp_fault *fault)
{
	if (bits > most)
		return wrong(w, fault, BGP_FAULT_NLRI_LENGTH);
	return bgp_take_prefix(w, most, bits, out) || wrong(w, fault, BGP_FAULT_NLRI_OVERRUN);
}

bool
bgp_take_prefix(struct wire *w, unsigned most, unsigned bits, struct prefix *out)
{
	uint8_t bytes[16] = {0};
	size_t n = (bits + 7) / 8;
	const uint8_t *p = bits <= most ? wire_bytes(w, n) : NULL;

	if (!p)
		return false;
	memcpy(bytes, p, n);
	if (bits % 8)
		bytes[n - 1] &= (uint8_t)(0xff00 >> bits % 8);
	out->addr = most == 32 ? addr_from_v4(bytes) : addr_from_v6(bytes);
	out->len = (uint8_t)bits;
	return true;
}

bool
bgp_nlri_next(struct wire *w, enum bgp_family family, bool add_path, bool withdrawn, struct bgp_nlri *out,
	      enum bgp_fault *fault)
{
	const struct shape *s = &shapes[family];

	if (wire_left(w) == 0)
		return false;
	*out = (struct bgp_nlri){.label = BGP_NO_LABEL, .path_id = add_path ? wire_u32(w) : 0};
	unsigned bits = wire_u8(w);
	if (w->failed)
		return wrong(w, fault, BGP_FAULT_NLRI_OVERRUN);
	if (s->labels && !labels(w, withdrawn, &bits, &out->label, fault))
		return false;
	if (s->rd) {
		if (bits < RD_BITS)
			return wrong(w, fault, BGP_FAULT_NLRI_LENGTH);
		bits -= RD_BITS;
		out->rd = wire_u64(w);
		if (w->failed)
			return wrong(w, fault, BGP_FAULT_NLRI_OVERRUN);
	}
	return prefix(w, s->bits, bits, &out->prefix, fault);
}

/* The first len bits of an IPv4 address in host byte order. */
static inline uint32_t
mask32(unsigned len)
{
	return (uint32_t)(~0ULL << (32 - len));
}

/* One prefix that surely does not reach the end of the field: 4 bytes of identifier, 1 of length and 4 of
 * address are there. */
static inline bool
fast_v4(struct wire *w, bool add_path, struct bgp_nlri *out)
{
	const uint8_t *p = w->pos;
	uint32_t id = 0;

	if (add_path) {
		id = load_be32(p);
		p += 4;
	}
	unsigned len = p[0];
	if (unlikely(len > 32))
		return false;
	uint32_t net = __builtin_bswap32(load_be32(p + 1) & mask32(len));
	out->prefix.addr = addr_from_v4(&net);
	out->prefix.len = (uint8_t)len;
	out->path_id = id;
	out->label = BGP_NO_LABEL;
	out->rd = 0;
	w->pos = p + 1 + (len + 7) / 8;
	return true;
}

/* The same for IPv6, where 16 bytes of address are there. */
static inline bool
fast_v6(struct wire *w, bool add_path, struct bgp_nlri *out)
{
	const uint8_t *p = w->pos;
	uint32_t id = 0;

	if (add_path) {
		id = load_be32(p);
		p += 4;
	}
	unsigned len = p[0];
	if (unlikely(len > 128))
		return false;
	uint64_t high = len == 0 ? 0 : len >= 64 ? ~0ULL : ~0ULL << (64 - len);
	uint64_t low = len <= 64 ? 0 : ~0ULL << (128 - len);
	struct addr net = {
	    .q = {__builtin_bswap64(load_be64(p + 1) & high), __builtin_bswap64(load_be64(p + 9) & low)}};
	out->prefix.addr = addr_is_none(&net) ? addr_v6_any() : net;
	out->prefix.len = (uint8_t)len;
	out->path_id = id;
	out->label = BGP_NO_LABEL;
	out->rd = 0;
	w->pos = p + 1 + (len + 7) / 8;
	return true;
}

/* v6 is the same for a whole batch, so the compiler makes two loops of one. */
static inline bool
fast(struct wire *w, bool v6, bool add_path, struct bgp_nlri *out)
{
	return v6 ? fast_v6(w, add_path, out) : fast_v4(w, add_path, out);
}

#define ROOM_MAX (4 + 1 + 16)

/* The last few prefixes, with octets behind the field's end that may be loaded but do not count: a copy with
 * zeros behind it. */
static unsigned
batch_tail(struct wire *w, bool v6, bool add_path, struct bgp_nlri *out, unsigned max)
{
	uint8_t copy[2 * ROOM_MAX] = {0};
	size_t left = wire_left(w), used = 0;
	unsigned n = 0;

	memcpy(copy, w->pos, left);
	while (n < max && used < left) {
		struct wire c = {copy + used, copy + sizeof(copy), false};
		if (!fast(&c, v6, add_path, &out[n]) || (size_t)(c.pos - copy) > left)
			break;
		used = (size_t)(c.pos - copy);
		n++;
	}
	wire_skip(w, used);
	return n;
}

unsigned
bgp_nlri_batch(struct wire *w, enum bgp_family family, bool add_path, struct bgp_nlri *out, unsigned max,
	       enum bgp_fault *fault)
{
	bool v6 = family == BGP_IPV6_UNICAST;
	size_t room = (add_path ? 4 : 0) + 1 + (v6 ? 16 : 4);
	unsigned n = 0;

	struct wire c = *w; /* of its own, so that it stays in registers */
	while (n < max && wire_left(&c) >= room && fast(&c, v6, add_path, &out[n]))
		n++;
	*w = c;
	if (n < max && wire_left(w) && wire_left(w) < room)
		n += batch_tail(w, v6, add_path, out + n, max - n);
	/* nothing is left, or what is left is malformed: the walker finds the word for it */
	while (n < max && bgp_nlri_next(w, family, add_path, false, &out[n], fault))
		n++;
	return n;
}
