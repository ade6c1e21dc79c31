/* Values as text, read back. See value.h for the binary forms.
 *
 * One reader per type, in a table with the words that say what was expected. Readers walk a const char * and
 * put what they understood into a struct target, which alone knows how much room there is. */
#include "collector/flow/value.h"

#include <ctype.h>
#include <strings.h>
#include <time.h>

#include "collector/base/routetext.h"
#include "collector/base/scan.h"

/* Where a value goes. len grows as a value is read; out is unaligned and of cap bytes. */
struct target {
	const struct primitive *p;
	uint8_t *out;
	size_t cap;
	size_t len;
};

/* False when it does not fit, and then nothing of it is written. */
static bool
put(struct target *t, const void *bytes, size_t n)
{
	/* len never passes cap, so the subtraction cannot wrap */
	if (t->cap - t->len < n)
		return false;
	memcpy(t->out + t->len, bytes, n);
	t->len += n;
	return true;
}

/* v as an integer of width bytes in host order. False too when v needs more than width bytes: 70000 is no
 * port. */
static bool
put_uint(struct target *t, uint64_t v, size_t width)
{
	uint8_t u8 = (uint8_t)v;
	uint16_t u16 = (uint16_t)v;
	uint32_t u32 = (uint32_t)v;

	switch (width) {
	case 1:
		return v <= UINT8_MAX && put(t, &u8, 1);
	case 2:
		return v <= UINT16_MAX && put(t, &u16, 2);
	case 4:
		return v <= UINT32_MAX && put(t, &u32, 4);
	case 8:
		return put(t, &v, 8);
	}
	return false;
}

/* --- scanning --- */

/* Blanks and what stands for them between the elements of a list. "_" is what outputs put between elements
 * where others have a blank. */
static void
skip_separators(const char **s)
{
	while (**s == ' ' || **s == '_' || **s == ',')
		(*s)++;
}

/* 0 to 15, or -1. */
static int
hex_digit(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* --- readers: the whole text is one value --- */

/* Also flags and states, whose width is a byte: the row tells. */
static bool
read_uint(struct target *t, const char *s)
{
	uint64_t v;
	return scan_u64(&s, UINT64_MAX, &v) && !*s && put_uint(t, v, t->p->width);
}

/* An empty text is the absent address, as CSV and JSON show it. */
static bool
read_addr(struct target *t, const char *s)
{
	struct addr a = {.q = {0, 0}};
	return (!*s || addr_parse(&a, s)) && put(t, &a, sizeof(a));
}

/* ":" or "-" between; a digit may be missing in front, as 0:1b:... is written on some systems. */
static bool
read_mac(struct target *t, const char *s)
{
	for (unsigned i = 0; i < 6; i++) {
		if (i && !scan_char(&s, ':') && !scan_char(&s, '-'))
			return false;
		int high = hex_digit(*s), low = high < 0 ? -1 : hex_digit(s[1]);
		if (high < 0 || !put_uint(t, (uint64_t)(low < 0 ? high : high * 16 + low), 1))
			return false;
		s += low < 0 ? 1 : 2;
	}
	return !*s;
}

/* Hexadecimal as all outputs print it, so 800 is IPv4; 0x is let pass. */
static bool
read_etype(struct target *t, const char *s)
{
	uint64_t v = 0;

	if (strncasecmp(s, "0x", 2) == 0)
		s += 2;
	if (!*s || strlen(s) > 4)
		return false;
	for (; *s; s++) {
		if (hex_digit(*s) < 0)
			return false;
		v = v << 4 | (uint64_t)hex_digit(*s);
	}
	return put_uint(t, v, 2);
}

/* protonames.c. */
static bool
read_proto(struct target *t, const char *s)
{
	uint8_t v;
	return proto_parse(&v, s) && put(t, &v, 1);
}

/* An empty text is the NUL of an absent value. */
static bool
read_char(struct target *t, const char *s)
{
	return (!*s || !s[1]) && put(t, s, 1);
}

/* Variable text: any bytes, nothing is unescaped. */
static bool
read_text(struct target *t, const char *s)
{
	return put(t, s, strlen(s));
}

/* The rest is filled with NULs, so that equal texts are equal bytes. No width is above 255. */
static bool
read_text_fixed(struct target *t, const char *s)
{
	static const uint8_t zeros[256];
	size_t n = strlen(s);
	return n <= t->p->width && put(t, s, n) && put(t, zeros, t->p->width - n);
}

/* strtod also takes what the outputs never write, such as inf; it then matches nothing. */
static bool
read_double(struct target *t, const char *s)
{
	char *end;
	double v = strtod(s, &end);
	return end != s && !*end && put(t, &v, sizeof(v));
}

/* An even number of hex digits, pairs may be set apart by ':' or '-'. "0x" in front is let pass, an odd
 * number of digits is not. */
static bool
read_hex(struct target *t, const char *s)
{
	if (strncasecmp(s, "0x", 2) == 0)
		s += 2;
	while (*s) {
		int high = hex_digit(s[0]), low = high < 0 ? -1 : hex_digit(s[1]);
		if (low < 0 || !put_uint(t, (uint64_t)(high * 16 + low), 1))
			return false;
		s += 2;
		if ((*s == ':' || *s == '-') && s[1])
			s++;
	}
	return true;
}

/* --- times --- */

/* ".123" as microseconds; digits behind the sixth do not count. No point, no fraction: that is whole
 * seconds and not an error. */
static bool
scan_fraction(const char **s, uint64_t *us)
{
	uint64_t unit = 100000;

	*us = 0;
	if (!scan_char(s, '.'))
		return true;
	if (!isdigit((unsigned char)**s))
		return false;
	for (; isdigit((unsigned char)**s); (*s)++, unit /= 10)
		*us += (uint64_t)(**s - '0') * unit;
	return true;
}

/* "2023-02-28 09:46:39" with a blank or a T between. Ranges only: 31 February is what mktime makes of it.
 * tm_isdst -1, since a local time says nothing of summer time. */
static bool
scan_date(const char **s, struct tm *tm)
{
	/* what stands before each of year, month, day, hour, minute, second */
	static const char before[6] = {0, '-', '-', ' ', ':', ':'};
	/* 60: a leap second */
	static const uint16_t max[6] = {9999, 12, 31, 23, 59, 60};
	uint64_t v[6];

	for (unsigned i = 0; i < 6; i++) {
		/* the character before the hour */
		if (i == 3 && **s == 'T')
			(*s)++;
		else if (i && !scan_char(s, before[i]))
			return false;
		if (!scan_u64(s, max[i], &v[i]))
			return false;
	}
	*tm = (struct tm){.tm_year = (int)v[0] - 1900,
			  .tm_mon = (int)v[1] - 1,
			  .tm_mday = (int)v[2],
			  .tm_hour = (int)v[3],
			  .tm_min = (int)v[4],
			  .tm_sec = (int)v[5],
			  .tm_isdst = -1};
	return true;
}

/* "Z", "+01:00" or nothing, which is local time: makes seconds since the epoch of tm. Seconds of the local
 * zone when there is none, since print leaves it out too. */
static bool
scan_zone(const char **s, struct tm *tm, time_t *seconds)
{
	char sign = **s;
	uint64_t hours, minutes;

	if (!sign) {
		*seconds = mktime(tm);
		return true;
	}
	(*s)++;
	*seconds = timegm(tm);
	if (sign == 'Z')
		return true;
	if ((sign != '+' && sign != '-') || !scan_u64(s, 23, &hours) || !scan_char(s, ':') ||
	    !scan_u64(s, 59, &minutes))
		return false;
	/* east of Greenwich is ahead of UTC */
	time_t east = (time_t)(hours * 3600 + minutes * 60);
	*seconds -= sign == '+' ? east : -east;
	return true;
}

/* Any form of time the outputs have, as microseconds since the epoch. A bare number is seconds since the
 * epoch, as timestamps_since_epoch prints it. Times before the epoch do not exist here. */
static bool
scan_time(const char *s, uint64_t *us)
{
	const char *start = s;
	struct tm tm;
	uint64_t seconds, fraction;
	time_t epoch;

	if (scan_u64(&s, UINT64_MAX / 1000000 - 1, &seconds) && (*s == '.' || !*s)) {
		if (!scan_fraction(&s, &fraction))
			return false;
		*us = seconds * 1000000 + fraction;
		return !*s;
	}
	s = start;
	if (!scan_date(&s, &tm) || !scan_fraction(&s, &fraction))
		return false;
	*us = 0;
	/* how print shows an unknown time; whatever zone stands behind it */
	if (tm.tm_mday == 0) /* 0000-00-00: no time */
		return tm.tm_year == -1900 && tm.tm_mon == -1;
	if (!scan_zone(&s, &tm, &epoch) || *s || epoch < 0)
		return false;
	*us = (uint64_t)epoch * 1000000 + fraction;
	return true;
}

/* Stored in microseconds. */
static bool
read_time(struct target *t, const char *s)
{
	uint64_t us;
	return scan_time(s, &us) && put(t, &us, sizeof(us));
}

/* Stored in seconds; a fraction is cut off. */
static bool
read_stamp(struct target *t, const char *s)
{
	uint64_t us;
	return scan_time(s, &us) && put_uint(t, us / 1000000, 8);
}

/* --- routing --- */

static bool
read_rd(struct target *t, const char *s)
{
	uint64_t rd;
	return rd_parse(&rd, s) && put(t, &rd, sizeof(rd));
}

static bool
read_rd_origin(struct target *t, const char *s)
{
	/* the words of put_rd_origin in format_value.c, by value */
	static const char *const name[] = {
	    [RD_ORIGIN_UNKNOWN] = "unknown", [RD_ORIGIN_BGP] = "bgp", [RD_ORIGIN_BMP] = "bmp",
	    [RD_ORIGIN_FLOW] = "flow",	     [RD_ORIGIN_MAP] = "map",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(name); i++)
		if (strcasecmp(name[i], s) == 0)
			return put_uint(t, i, 1);
	return false;
}

/* Adds asn to the segment at *segment, or to a new one of the type when there is none or it is full. A
 * segment holds up to 255 AS numbers (its count is a byte); a longer path goes on in another of the same
 * type. */
static bool
path_add(struct target *t, size_t *segment, uint8_t type, uint32_t asn)
{
	if (*segment == SIZE_MAX || t->out[*segment + 1] == UINT8_MAX) {
		/* the count is raised as AS numbers come */
		uint8_t head[2] = {type, 0};
		*segment = t->len;
		if (!put(t, head, sizeof(head)))
			return false;
	}
	if (!put(t, &asn, sizeof(asn)))
		return false;
	t->out[*segment + 1]++;
	return true;
}

/* "65001 65002 {65010,65011} (64512)": {} is a set, () a confederation sequence, [] a confederation set.
 * Numbers outside of brackets make sequences (type 2). */
static bool
read_as_path(struct target *t, const char *s)
{
	static const char open[] = "{([", close[] = "})]";
	static const uint8_t type_of[] = {1, 3, 4};
	size_t segment = SIZE_MAX;
	const char *bracket = NULL; /* in open, while inside one */
	uint64_t asn;

	/* brackets do not nest; a segment ends where one opens or closes */
	for (skip_separators(&s); *s; skip_separators(&s)) {
		const char *o = strchr(open, *s);
		if (o && !bracket) {
			bracket = o;
			segment = SIZE_MAX;
			s++;
		} else if (bracket && *s == close[bracket - open]) {
			bracket = NULL;
			segment = SIZE_MAX;
			s++;
		} else if (!scan_u64(&s, UINT32_MAX, &asn) ||
			   !path_add(t, &segment, bracket ? type_of[bracket - open] : 2, (uint32_t)asn))
			return false;
	}
	return !bracket;
}

static bool
scan_std_comm(struct target *t, const char **s)
{
	uint32_t v;
	return community_scan(s, &v) && put(t, &v, sizeof(v));
}

/* "RT:65000:1", "SoO:192.0.2.1:1", or 16 hex digits. Types 0 to 2 by the administrator; all others only as
 * the 16 digits of their eight bytes (RFC 4360, 2). */
static bool
scan_ext_comm(struct target *t, const char **s)
{
	struct route_admin a;
	unsigned subtype = strncasecmp(*s, "RT:", 3) == 0 ? 2 : strncasecmp(*s, "SoO:", 4) == 0 ? 3 : 0;

	if (subtype) {
		*s += subtype == 2 ? 3 : 4;
		if (!route_admin_scan(s, &a))
			return false;
		/* extended communities are kept as on the wire, big-endian */
		uint64_t wire = __builtin_bswap64((uint64_t)a.type << 56 | (uint64_t)subtype << 48 | a.six);
		return put(t, &wire, sizeof(wire));
	}
	for (unsigned i = 0; i < 8; i++, *s += 2) {
		int high = hex_digit(**s), low = high < 0 ? -1 : hex_digit((*s)[1]);
		if (low < 0 || !put_uint(t, (uint64_t)(high * 16 + low), 1))
			return false;
	}
	return true;
}

/* RFC 8092, 5: three decimal numbers. */
static bool
scan_lrg_comm(struct target *t, const char **s)
{
	uint64_t v;

	for (unsigned i = 0; i < 3; i++)
		if ((i && !scan_char(s, ':')) || !scan_u64(s, UINT32_MAX, &v) || !put_uint(t, v, 4))
			return false;
	return true;
}

/* 20 bits (RFC 3032, 2.1). */
static bool
scan_label(struct target *t, const char **s)
{
	uint64_t v;
	return scan_u64(s, (1 << 20) - 1, &v) && put_uint(t, v, 4);
}

/* IPv4 addresses are taken as IPv4-mapped, since 16 bytes are what a segment has. */
static bool
scan_segment(struct target *t, const char **s)
{
	char text[ADDR_TEXT_MAX];
	size_t n = strcspn(*s, " _,");
	struct addr a;

	if (n >= sizeof(text))
		return false;
	memcpy(text, *s, n);
	text[n] = '\0';
	*s += n;
	if (!addr_parse(&a, text))
		return false;
	a = addr_to_v6(&a);
	return put(t, &a, sizeof(a));
}

/* All elements of a list. Each element must end where a separator or the text does. */
static bool
read_list(struct target *t, const char *s, bool (*element)(struct target *, const char **))
{
	for (skip_separators(&s); *s; skip_separators(&s))
		if (!element(t, &s) || (*s && !strchr(" _,", *s)))
			return false;
	return true;
}

/* An empty text is an empty list, here and in the four readers below. */
static bool
read_std_comm(struct target *t, const char *s)
{
	return read_list(t, s, scan_std_comm);
}

static bool
read_ext_comm(struct target *t, const char *s)
{
	return read_list(t, s, scan_ext_comm);
}

static bool
read_lrg_comm(struct target *t, const char *s)
{
	return read_list(t, s, scan_lrg_comm);
}

static bool
read_mpls_stack(struct target *t, const char *s)
{
	return read_list(t, s, scan_label);
}

static bool
read_segments(struct target *t, const char *s)
{
	return read_list(t, s, scan_segment);
}

/* --- custom primitives --- */

/* The bytes as on the wire: 4 or 16, unlike those of VALUE_ADDR. */
static bool
read_custom_ip(struct target *t, const char *s)
{
	struct addr a;

	if (!addr_parse(&a, s))
		return false;
	if (t->p->width == 4)
		return addr_is_v4(&a) && put(t, a.b + 12, 4);
	a = addr_to_v6(&a);
	return put(t, &a, sizeof(a));
}

/* As custom_put in format_value.c writes them; hexadecimal forms need all the bytes of the width. */
static bool
read_custom(struct target *t, const char *s)
{
	bool varies = t->p->flags & PRIMITIVE_VLEN;

	switch ((enum custom_semantics)t->p->custom_semantics) {
	case CUSTOM_UINT:
		return read_uint(t, s);
	case CUSTOM_IP:
		return read_custom_ip(t, s);
	case CUSTOM_MAC:
		return read_mac(t, s);
	case CUSTOM_STR:
		return varies ? read_text(t, s) : read_text_fixed(t, s);
	case CUSTOM_HEX:
	case CUSTOM_RAW:
		return read_hex(t, s) && (varies || t->len == t->p->width);
	}
	return false;
}

/* --- the table --- */

/* By enum value_type: a new type is a row here and one in format_value.c. expected ends the sentence of an
 * error message. */
static const struct {
	bool (*read)(struct target *t, const char *s);
	const char *expected;
} type_info[] = {
    [VALUE_NONE] = {NULL, "nothing: this primitive has no value"},
    [VALUE_UINT] = {read_uint, "a number"},
    [VALUE_ADDR] = {read_addr, "an address such as 192.0.2.1 or 2001:db8::1"},
    [VALUE_MAC] = {read_mac, "a MAC address such as 00:1b:2c:3d:4e:5f"},
    [VALUE_ETYPE] = {read_etype, "a hexadecimal Ethernet type such as 86dd"},
    [VALUE_PROTO] = {read_proto, "the name or number of an IP protocol"},
    [VALUE_TCPFLAGS] = {read_uint, "TCP flags as a number"},
    [VALUE_FWDSTATUS] = {read_uint, "a forwarding status as a number"},
    [VALUE_CHAR] = {read_char, "one letter"},
    [VALUE_TEXT_FIXED] = {read_text_fixed, "a shorter text"},
    [VALUE_TIME] = {read_time, "a time such as 2023-02-28 09:46:39.000000"},
    [VALUE_STAMP] = {read_stamp, "a time such as 2023-02-28 09:46:00"},
    [VALUE_RD] = {read_rd, "a route distinguisher such as 0:65000:1 or vrfid:7"},
    [VALUE_RD_ORIGIN] = {read_rd_origin, "unknown, bgp, bmp, flow or map"},
    [VALUE_DOUBLE] = {read_double, "a decimal number"},
    [VALUE_TEXT] = {read_text, "a shorter text"},
    [VALUE_LABEL] = {read_text, "a shorter text"},
    [VALUE_AS_PATH] = {read_as_path, "an AS path such as 65001_65002"},
    [VALUE_STD_COMM] = {read_std_comm, "communities such as 65000:1_65000:2"},
    [VALUE_EXT_COMM] = {read_ext_comm, "extended communities such as RT:65000:1"},
    [VALUE_LRG_COMM] = {read_lrg_comm, "large communities such as 65000:1:2"},
    [VALUE_MPLS_STACK] = {read_mpls_stack, "MPLS labels such as 100,200"},
    [VALUE_SEGMENTS] = {read_segments, "IPv6 addresses with commas between"},
    [VALUE_CUSTOM] = {read_custom, "a value of this primitive's semantics and len"},
};

/* err names the primitive and what was expected. out may have been written to when it fails. */
bool
value_parse(const struct primitive *p, const char *text, uint8_t *out, size_t cap, size_t *len, char *err,
	    size_t errlen)
{
	struct target t = {.p = p, .out = out, .cap = cap};

	if (!type_info[p->type].read || !type_info[p->type].read(&t, text)) {
		snprintf(err, errlen, "%s: '%s' does not fit; expected %s", p->name, text,
			 type_info[p->type].expected);
		return false;
	}
	*len = t.len;
	return true;
}

/* --- cutting --- */

/* Whole AS path segments within max bytes. The longest segment (255 AS numbers) has 1022 bytes. */
static size_t
cut_as_path(const uint8_t *p, size_t max)
{
	size_t at = 0;

	/* the header first: its count is read only when it lies within */
	while (at + 2 <= max && at + 2 + 4u * p[at + 1] <= max)
		at += 2 + 4u * p[at + 1];
	return at;
}

/* Steps back from the inside of a UTF-8 letter to its first byte. Text that is not UTF-8 may be cut
 * anywhere: then nothing is stepped back. */
static size_t
cut_text(const uint8_t *p, size_t max)
{
	size_t at = max;

	while (at && max - at < 4 && (p[at] & 0xc0) == 0x80)
		at--;
	/* four such bytes in a row are no letter of UTF-8 */
	return (p[at] & 0xc0) == 0x80 ? max : at;
}

/* Elements of fixed size are cut at a multiple of it. */
size_t
value_cut(enum value_type type, const uint8_t *p, size_t len, size_t max)
{
	if (len <= max)
		return len;
	switch (type) {
	case VALUE_AS_PATH:
		return cut_as_path(p, max);
	case VALUE_TEXT:
	case VALUE_LABEL:
		return cut_text(p, max);
	case VALUE_STD_COMM:
	case VALUE_MPLS_STACK:
		return max - max % 4;
	case VALUE_EXT_COMM:
		return max - max % 8;
	case VALUE_LRG_COMM:
		return max - max % 12;
	case VALUE_SEGMENTS:
		return max - max % 16;
	default:
		return max;
	}
}
