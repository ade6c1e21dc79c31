/* FlowSpec rules in words (RFC 8955; RFC 8956 for IPv6): a row per component.
 *
 *	dst 192.0.2.0/24 proto =6 port >=1024&<=2047|=8080 tcp-flags 0x02
 *
 * "|" and "&" as in the rule. Of bitmasks "0x12" is any of these bits, "=0x12" all of them, "!" the
 * opposite. An IPv6 pattern that does not begin at bit 0 has its offset behind it. A rule without components
 * is "any". */
#include "bgp/nlri_item.h"

enum op_bit { END = 0x80, AND = 0x40, LENGTH = 0x30, LESS = 4, GREATER = 2, EQUAL = 1, NOT = 2, MATCH = 1 };

struct component {
	const char *name;
	bool (*write)(struct wire *w, bool v6, struct text *out);
};

/* Prefixes of IPv6 have an offset, and only the bits behind it are there (RFC 8956, 3.1). */
static bool
write_prefix(struct wire *w, bool v6, struct text *out)
{
	unsigned bits = wire_u8(w), offset = v6 ? wire_u8(w) : 0;
	struct prefix p = {.len = 0};
	uint8_t shifted[16] = {0};

	if (w->failed || bits > (v6 ? 128 : 32) || offset > bits)
		return false;
	if (offset == 0) {
		if (!bgp_take_prefix(w, v6 ? 128 : 32, bits, &p))
			return false;
		bgp_say_prefix(out, &p);
		return true;
	}
	const uint8_t *pattern = wire_bytes(w, (bits - offset + 7) / 8);
	if (!pattern)
		return false;
	for (unsigned i = offset; i < bits; i++)
		if (pattern[(i - offset) / 8] >> (7 - (i - offset) % 8) & 1)
			shifted[i / 8] |= (uint8_t)(0x80 >> i % 8);
	p.addr = addr_from_v6(shifted);
	p.len = (uint8_t)bits;
	bgp_say_prefix(out, &p);
	text_printf(out, " offset %u", offset);
	return true;
}

/* Operator octets with values, up to the one marked as the last. */
static bool
write_list(struct wire *w, struct text *out, void (*one)(struct text *, unsigned op, uint64_t value))
{
	for (bool first = true;; first = false) {
		unsigned op = wire_u8(w);
		size_t n = (size_t)1 << ((op & LENGTH) >> 4);
		const uint8_t *p = wire_bytes(w, n);

		if (!p)
			return false;
		if (!first)
			text_char(out, op & AND ? '&' : '|');
		one(out, op, load_be(p, n));
		if (op & END)
			return true;
	}
}

/* RFC 8955, 4.2.1.1: three bits of comparison; the two extremes need no value. */
static void
one_number(struct text *out, unsigned op, uint64_t value)
{
	static const char *const words[] = {"false", "=", ">", ">=", "<", "<=", "!=", "true"};
	unsigned compare = op & (LESS | GREATER | EQUAL);

	text_str(out, words[compare]);
	if (compare != 0 && compare != (LESS | GREATER | EQUAL))
		text_u64(out, value);
}

/* RFC 8955, 4.2.1.2. */
static void
one_mask(struct text *out, unsigned op, uint64_t value)
{
	text_printf(out, "%s%s0x%02llx", op & NOT ? "!" : "", op & MATCH ? "=" : "",
		    (unsigned long long)value);
}

/* The same for both families. */
static bool
write_numbers(struct wire *w, bool v6, struct text *out)
{
	(void)v6;
	return write_list(w, out, one_number);
}

static bool
write_masks(struct wire *w, bool v6, struct text *out)
{
	(void)v6;
	return write_list(w, out, one_mask);
}

/* By type; a type that is no row ends the reading, since nothing tells how long it is. */
static const struct component components[] = {
    [1] = {"dst", write_prefix},	  [2] = {"src", write_prefix},
    [3] = {"proto", write_numbers},	  [4] = {"port", write_numbers},
    [5] = {"dst-port", write_numbers},	  [6] = {"src-port", write_numbers},
    [7] = {"icmp-type", write_numbers},	  [8] = {"icmp-code", write_numbers},
    [9] = {"tcp-flags", write_masks},	  [10] = {"length", write_numbers},
    [11] = {"dscp", write_numbers},	  [12] = {"fragment", write_masks},
    [13] = {"flow-label", write_numbers},
};

bool
bgp_flowspec_text(struct wire *w, bool v6, struct text *out)
{
	if (wire_left(w) == 0)
		text_str(out, "any");
	for (bool first = true; wire_left(w); first = false) {
		unsigned type = wire_u8(w);
		const struct component *c = type < ARRAY_SIZE(components) ? &components[type] : NULL;

		if (!c || !c->write || (type == 13 && !v6))
			return false;
		if (!first)
			text_char(out, ' ');
		text_str(out, c->name);
		text_char(out, ' ');
		if (!c->write(w, v6, out))
			return false;
	}
	return !w->failed;
}
