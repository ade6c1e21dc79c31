/* Routing attributes as text. The forms of parts are those that pmacct was seen to print:
 * "65001_{65010,65011}", "(64512_64513)_65001", "[64512,64513]" for paths, four names of communities, "?" for
 * extended ones that are neither route target nor origin. */
#include "collector/base/routetext.h"

#include <strings.h>

#include "collector/base/addr.h"
#include "collector/base/scan.h"
#include "collector/base/textlist.h"
#include "collector/base/wire.h"

/* Elements are in host byte order and unaligned. */
static uint32_t
load_u32(const uint8_t *v)
{
	uint32_t n;
	memcpy(&n, v, sizeof(n));
	return n;
}

/* --- AS paths --- */

/* What stands around and between the AS numbers of a segment (RFC 4271, 4.3; RFC 5065): 1 set, 2 sequence, 3
 * and 4 the same in a confederation. A joint of 0 makes parts of the list. */
static const struct segment_shape {
	char open, joint, close;
} segment_shapes[] = {{0, 0, 0}, {'{', ',', '}'}, {0, 0, 0}, {'(', 0, ')'}, {'[', ',', ']'}};

/* What opens and closes a set belongs to its first and last AS number, so a set is one part of the list and
 * a confederation sequence several. */
static void
put_segment(struct textlist *l, const struct segment_shape *shape, const uint8_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || !shape->joint)
			l->p = textlist_part(l);
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
put_as_path(char *p, const uint8_t *v, size_t len, char joint, bool array)
{
	struct textlist l = textlist_open(p, joint, array);
	for (const uint8_t *end = v + len; end - v >= 2;) {
		unsigned type = v[0] < ARRAY_SIZE(segment_shapes) ? v[0] : 0;
		size_t n = v[1], room = (size_t)(end - v - 2) / 4;
		put_segment(&l, &segment_shapes[type], v + 2, n < room ? n : room);
		v += 2 + 4 * (n < room ? n : room);
	}
	return textlist_close(&l);
}

/* --- communities --- */

/* Well-known communities (RFC 1997, 3765, 7999). All names are read; the first of a value that pmacct prints
 * by name is written too, at most 20 bytes long. */
static const struct {
	const char *name;
	uint32_t value;
	bool written;
} communities[] = {
    {"internet", 0, true},
    {"no-export", 0xffffff01, true},
    {"no-advertise", 0xffffff02, true},
    {"local-AS", 0xffffff03, true},
    {"no-export-subconfed", 0xffffff03, false},
    {"no-peer", 0xffffff04, false},
    {"blackhole", 0xffff029a, false},
};

const char *
community_name(uint32_t community)
{
	for (unsigned i = 0; i < ARRAY_SIZE(communities); i++)
		if (communities[i].value == community && communities[i].written)
			return communities[i].name;
	return NULL;
}

/* Not a prefix of a longer word: "no-export" must not match "no-export-subconfed". */
static bool
scan_word(const char **s, const char *word)
{
	size_t n = strlen(word);
	if (strncasecmp(*s, word, n) != 0 || ((*s)[n] && !strchr(" _,", (*s)[n])))
		return false;
	*s += n;
	return true;
}

bool
community_scan(const char **s, uint32_t *community)
{
	uint64_t high, low;
	for (unsigned i = 0; i < ARRAY_SIZE(communities); i++)
		if (scan_word(s, communities[i].name)) {
			*community = communities[i].value;
			return true;
		}
	if (!scan_u64(s, UINT16_MAX, &high) || !scan_char(s, ':') || !scan_u64(s, UINT16_MAX, &low))
		return false;
	*community = (uint32_t)(high << 16 | low);
	return true;
}

/* RFC 1997: AS number and value, 16 bits each. Names only where numeric does not forbid them. */
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
put_std_comms(char *p, const uint8_t *v, size_t len, char joint, bool array, bool numeric)
{
	struct textlist l = textlist_open(p, joint, array);
	for (; len >= 4; len -= 4, v += 4)
		l.p = put_one_std_comm(textlist_part(&l), load_u32(v), numeric);
	return textlist_close(&l);
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

/* Six bytes behind a type of 0, 1 or 2 (RFC 4360, 3; RFC 5668; RFC 4364, 4.2): two-octet AS and 32 bits, IPv4
 * address or four-octet AS and 16 bits. */
static char *
put_admin(char *p, unsigned type, uint64_t v)
{
	bool wide = type == 1 || type == 2;
	if (type == 1)
		p = put_ipv4(p, (uint32_t)(v >> 16));
	else
		p = put_u64(p, wide ? v >> 16 & 0xffffffff : v >> 32 & 0xffff);
	*p++ = ':';
	return put_u64(p, wide ? v & 0xffff : v & 0xffffffff);
}

/* "RT:65000:100": route targets and origins. Everything else is "?", as pmacct has it. */
static char *
put_one_ext_comm(char *p, uint64_t v)
{
	unsigned type = (unsigned)(v >> 56), sub = (unsigned)(v >> 48) & 0xff;
	/* types 0x00, 0x01, 0x02: two-octet AS, IPv4 address, four-octet AS; subtype 2 target, 3 origin */
	if (type > 2 || (sub != 2 && sub != 3)) {
		*p++ = '?';
		return p;
	}
	return put_admin(put_str(p, sub == 2 ? "RT:" : "SoO:"), type, v);
}

/* Eight bytes as on the wire (RFC 4360, 2), read as one big-endian number. */
char *
put_ext_comms(char *p, const uint8_t *v, size_t len, char joint, bool array)
{
	struct textlist l = textlist_open(p, joint, array);
	for (; len >= 8; len -= 8, v += 8)
		l.p = put_one_ext_comm(textlist_part(&l), load_be64(v));
	return textlist_close(&l);
}

/* RFC 8092: three numbers of 32 bits, decimal without leading zeros (section 5). */
char *
put_lrg_comms(char *p, const uint8_t *v, size_t len, char joint, bool array)
{
	struct textlist l = textlist_open(p, joint, array);
	for (; len >= 12; len -= 12, v += 12) {
		l.p = put_u64(textlist_part(&l), load_u32(v));
		*l.p++ = ':';
		l.p = put_u64(l.p, load_u32(v + 4));
		*l.p++ = ':';
		l.p = put_u64(l.p, load_u32(v + 8));
	}
	return textlist_close(&l);
}

/* --- route distinguishers --- */

/* RFC 4364, 4.2: type, administrator, number. The type decides how the six bytes behind it are divided. */
char *
put_rd(char *p, uint64_t rd)
{
	unsigned type = (unsigned)(rd >> 48);
	/* no route distinguisher is known, only the exporter's number of the VRF */
	if (type == RD_TYPE_VRFID)
		return put_u64(put_str(p, "vrfid:"), rd & 0xffffffff);
	p = put_u64(p, type);
	*p++ = ':';
	return put_admin(p, type, rd);
}

/* An IPv4 address, as a number in host order. Four decimal parts, dots between. Leading zeros are decimal
 * here, never octal. */
static bool
scan_v4(const char **s, uint32_t *v)
{
	uint64_t byte;
	*v = 0;
	for (unsigned i = 0; i < 4; i++) {
		if ((i && !scan_char(s, '.')) || !scan_u64(s, 255, &byte))
			return false;
		*v = *v << 8 | (uint32_t)byte;
	}
	return true;
}

/* The value has what the administrator leaves of six bytes: 16 bits behind four bytes, 32 behind two (RFC
 * 4360, 3.1 and 3.2; RFC 5668; RFC 4364, 4.2). */
bool
route_admin_scan(const char **s, struct route_admin *a)
{
	const char *start = *s;
	uint32_t ip;
	uint64_t admin, value;

	if (scan_v4(s, &ip)) {
		a->type = 1;
		admin = ip;
	} else {
		*s = start;
		if (!scan_u64(s, UINT32_MAX, &admin))
			return false;
		/* the smallest form that holds it; outputs do not tell them apart either */
		a->type = admin > UINT16_MAX ? 2 : 0;
	}
	if (!scan_char(s, ':') || !scan_u64(s, a->type ? UINT16_MAX : UINT32_MAX, &value))
		return false;
	a->six = admin << (a->type ? 16 : 32) | value;
	return true;
}

/* route_admin_scan takes the smaller form; the type in front may say otherwise: a small AS number in the
 * 32-bit form. */
static bool
widen(struct route_admin *a, uint64_t type)
{
	if (type == 2 && a->type == 0) {
		if ((a->six & UINT32_MAX) > UINT16_MAX)
			return false;
		*a = (struct route_admin){2, (a->six >> 32) << 16 | (a->six & UINT16_MAX)};
	}
	return type == a->type;
}

bool
rd_parse(uint64_t *rd, const char *s)
{
	struct route_admin a;
	uint64_t v = 0;
	unsigned colons = 0;

	if (strncasecmp(s, "vrfid:", 6) == 0) {
		s += 6;
		if (!scan_u64(&s, UINT32_MAX, &v) || *s)
			return false;
		*rd = RD_TYPE_VRFID << 48 | v;
		return true;
	}
	for (const char *c = s; *c; c++)
		colons += *c == ':';
	/* without a type in front the administrator tells it */
	if (colons >= 2 && (!scan_u64(&s, 2, &v) || !scan_char(&s, ':')))
		return false;
	if (!route_admin_scan(&s, &a) || *s || (colons >= 2 && !widen(&a, v)))
		return false;
	*rd = (uint64_t)a.type << 48 | a.six;
	return true;
}
