/* Values of variable length that are lists: routing attributes, labels, segments.
 *
 * Each has two shapes, a JSON array of strings or one text whose parts a character joins, and one function
 * for both: a struct list opens, puts what stands between parts, and closes. The forms of parts are those
 * that pmacct was seen to print: "65001_{65010,65011}", "(64512_64513)_65001", "[64512,64513]" for paths,
 * four names of communities, "?" for extended ones that are neither route target nor origin. */
#include "collector/flow/format_column.h"

#include "collector/base/addr.h"
#include "collector/base/text.h"
#include "collector/base/wire.h"
#include "collector/flow/value.h"

/* p moves as parts are written. A joint of 0 is never printed: lists of JSON have their own. */
struct list {
	char *p;
	char joint;
	bool array;
	unsigned n;
};

/* An array has its brackets even when empty: [] and not "". */
static struct list
list_open(char *p, char joint, bool array)
{
	if (array)
		*p++ = '[';
	return (struct list){.p = p, .joint = joint, .array = array};
}

/* Before every part. Returns where the part's text goes; the caller stores the new end in l->p. */
static char *
list_part(struct list *l)
{
	if (l->array)
		l->p = l->n ? put_bytes(l->p, "\", \"", 4) : put_bytes(l->p, "\"", 1);
	else if (l->n)
		*l->p++ = l->joint;
	l->n++;
	return l->p;
}

/* Closes the last part's quote; a text has nothing to close. */
static char *
list_close(struct list *l)
{
	if (l->array && l->n)
		*l->p++ = '"';
	if (l->array)
		*l->p++ = ']';
	return l->p;
}

/* Elements are in host byte order and unaligned (value.h). */
static uint32_t
load_u32(const uint8_t *v)
{
	uint32_t n;
	memcpy(&n, v, sizeof(n));
	return n;
}

/* What stands around and between the AS numbers of a segment (RFC 4271, 4.3; RFC 5065): 1 set, 2 sequence, 3
 * and 4 the same in a confederation. A joint of 0 makes parts of the list. */
static const struct segment_shape {
	char open, joint, close;
} segment_shapes[] = {{0, 0, 0}, {'{', ',', '}'}, {0, 0, 0}, {'(', 0, ')'}, {'[', ',', ']'}};

/* What opens and closes a set belongs to its first and last AS number, so a set is one part of the list and
 * a confederation sequence several. */
static void
put_segment(struct list *l, const struct segment_shape *shape, const uint8_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || !shape->joint)
			l->p = list_part(l);
		else
			*l->p++ = shape->joint;
		if (i == 0 && shape->open)
			*l->p++ = shape->open;
		l->p = put_u64(l->p, load_u32(v + 4 * i));
	}
	if (n && shape->close)
		*l->p++ = shape->close;
}

/* A segment that claims more AS numbers than there are bytes is cut: values from other processes are not
 * checked inside. An unknown type reads as a sequence. */
char *
put_as_path(struct format *f, const struct column *c, char *p, const uint8_t *v, size_t len)
{
	(void)c;
	struct list l = list_open(p, '_', f->json && f->o.as_path_as_array);
	for (const uint8_t *end = v + len; end - v >= 2;) {
		unsigned type = v[0] < ARRAY_SIZE(segment_shapes) ? v[0] : 0;
		size_t n = v[1], room = (size_t)(end - v - 2) / 4;
		put_segment(&l, &segment_shapes[type], v + 2, n < room ? n : room);
		v += 2 + 4 * (n < room ? n : room);
	}
	return list_close(&l);
}

/* RFC 1997: AS number and value, 16 bits each. Names only where comms_num does not forbid them. */
static char *
put_one_std_comm(char *p, uint32_t v, bool numeric)
{
	const char *name = numeric ? NULL : community_name(v);
	if (name)
		return put_str(p, name);
	p = put_u64(p, v >> 16);
	*p++ = ':';
	return put_u64(p, v & 0xffff);
}

/* Each list is cut where its last whole element ends. */
char *
put_std_comm(struct format *f, const struct column *c, char *p, const uint8_t *v, size_t len)
{
	(void)c;
	struct list l = list_open(p, '_', f->json && f->o.comms_as_array);
	for (; len >= 4; len -= 4, v += 4)
		l.p = put_one_std_comm(list_part(&l), load_u32(v), f->o.comms_num);
	return list_close(&l);
}

/* From host byte order: the administrator of a community is part of a number, not an address of a flow. */
static char *
put_ipv4(char *p, uint32_t a)
{
	for (int shift = 24; shift >= 0; shift -= 8) {
		p = put_u8(p, (uint8_t)(a >> shift));
		*p++ = '.';
	}
	return p - 1;
}

/* "RT:65000:100" (RFC 4360, RFC 5668): route targets and origins whose administrator is two bytes, an address
 * or four bytes. Everything else is "?", as pmacct has it. */
static char *
put_one_ext_comm(char *p, uint64_t v)
{
	unsigned type = (unsigned)(v >> 56), sub = (unsigned)(v >> 48) & 0xff;
	/* types 0x00, 0x01, 0x02: two-octet AS, IPv4 address, four-octet AS; subtype 2 target, 3 origin */
	if (type > 2 || (sub != 2 && sub != 3)) {
		*p++ = '?';
		return p;
	}
	p = put_str(p, sub == 2 ? "RT:" : "SoO:");
	if (type == 0) {
		p = put_u64(p, v >> 32 & 0xffff);
		*p++ = ':';
		return put_u64(p, v & 0xffffffff);
	}
	p = type == 1 ? put_ipv4(p, (uint32_t)(v >> 16)) : put_u64(p, v >> 16 & 0xffffffff);
	*p++ = ':';
	return put_u64(p, v & 0xffff);
}

/* Eight bytes as on the wire (RFC 4360, 2), read as one big-endian number. */
char *
put_ext_comm(struct format *f, const struct column *c, char *p, const uint8_t *v, size_t len)
{
	(void)c;
	struct list l = list_open(p, '_', f->json && f->o.comms_as_array);
	for (; len >= 8; len -= 8, v += 8)
		l.p = put_one_ext_comm(list_part(&l), load_be64(v));
	return list_close(&l);
}

/* RFC 8092: three numbers of 32 bits, decimal without leading zeros (section 5). */
char *
put_lrg_comm(struct format *f, const struct column *c, char *p, const uint8_t *v, size_t len)
{
	(void)c;
	struct list l = list_open(p, '_', f->json && f->o.comms_as_array);
	for (; len >= 12; len -= 12, v += 12) {
		l.p = put_u64(list_part(&l), load_u32(v));
		*l.p++ = ':';
		l.p = put_u64(l.p, load_u32(v + 4));
		*l.p++ = ':';
		l.p = put_u64(l.p, load_u32(v + 8));
	}
	return list_close(&l);
}

/* "69,24305", or with their place in the stack: ["0-69", "1-24305"]. Labels are 20 bits (RFC 3032),
 * outermost first. */
char *
put_mpls_stack(struct format *f, const struct column *c, char *p, const uint8_t *v, size_t len)
{
	(void)c;
	struct list l = list_open(p, ',', f->json && f->o.mpls_stack_as_array);
	for (; len >= 4; len -= 4, v += 4) {
		l.p = list_part(&l);
		if (l.array) {
			l.p = put_u64(l.p, l.n - 1);
			*l.p++ = '-';
		}
		l.p = put_u64(l.p, load_u32(v));
	}
	return list_close(&l);
}

/* Always an array, and only in JSON: ["0-2001:db8::1", "1-2001:db8::2"]. */
char *
put_segments(struct format *f, const struct column *c, char *p, const uint8_t *v, size_t len)
{
	(void)c;
	struct list l = list_open(p, ',', f->json);
	for (; len >= 16; len -= 16, v += 16) {
		struct addr a = addr_from_v6(v);
		l.p = list_part(&l);
		l.p = put_u64(l.p, l.n - 1);
		*l.p++ = '-';
		l.p = addr_format(l.p, &a);
	}
	return list_close(&l);
}

/* One "key%value" of n bytes; without a % the value is empty. Both sides are text from a map or another
 * collector, and escaped. */
static char *
put_pair(char *p, const char *s, size_t n)
{
	const char *percent = memchr(s, '%', n);
	size_t key = percent ? (size_t)(percent - s) : n;
	*p++ = '"';
	p = put_json(p, s, key);
	p = put_bytes(p, "\": \"", 4);
	if (percent)
		p = put_json(p, percent + 1, n - key - 1);
	*p++ = '"';
	return p;
}

/* "nkey%NODE,pkey%PLATFORM" as {"nkey": "NODE", "pkey": "PLATFORM"}. What is empty between commas is no pair.
 */
char *
put_label_map(struct format *f, const struct column *c, char *p, const uint8_t *v, size_t len)
{
	(void)f;
	(void)c;
	const char *s = (const char *)v, *end = s + len;
	*p++ = '{';
	for (bool first = true; s < end;) {
		const char *comma = memchr(s, ',', (size_t)(end - s));
		const char *stop = comma ? comma : end;
		if (stop > s) {
			p = put_pair(first ? p : put_bytes(p, ", ", 2), s, (size_t)(stop - s));
			first = false;
		}
		s = stop + 1;
	}
	*p++ = '}';
	return p;
}
