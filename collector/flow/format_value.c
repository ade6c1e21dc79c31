/* One function per type of value, and the table that picks it.
 *
 * A value is read with memcpy, since keys are packed; its function knows nothing of separators, quotes and
 * widths. Functions for the few types that make up most rows come first, each for one width, so that nothing
 * is decided per row. They may write some bytes more than the text has (see put_u64_fast), never more than
 * the room that column_compile asks for.
 *
 * To add a type: a row in `rules`, and a function for each of its looks. */
#include "collector/flow/format_column.h"

#include "collector/base/addr.h"
#include "collector/base/routetext.h"
#include "collector/base/text.h"

#define REAL_TEXT_MAX (1 + 309 + 1 + 6) /* sign, digits, point, fraction */

/* Every function has the type column_put; most need only some of what they are given. */
#define UNUSED __attribute__((unused))
#define PUT(name)                                                                                            \
	static char *put_##name(UNUSED struct format *f, UNUSED const struct column *c, char *p,             \
				const uint8_t *v, UNUSED size_t len)

PUT(uint8)
{
	return put_u64_fast(p, *v);
}

PUT(uint16)
{
	uint16_t n;
	memcpy(&n, v, sizeof(n));
	return put_u64_fast(p, n);
}

PUT(uint32)
{
	uint32_t n;
	memcpy(&n, v, sizeof(n));
	return put_u64_fast(p, n);
}

PUT(uint64)
{
	uint64_t n;
	memcpy(&n, v, sizeof(n));
	return put_u64_fast(p, n);
}

/* All outputs but aligned ones leave an absent address empty. */
PUT(addr)
{
	struct addr a;
	memcpy(&a, v, sizeof(a));
	/* "::" as an exporter sent it is not absent (addr.h) */
	if (unlikely(addr_is_none(&a)))
		return put_str(p, f->no_addr);
	return addr_format(p, &a);
}

/* From the formatter's own table of 256 texts. */
PUT(proto)
{
	const struct proto_text *t = &f->proto[*v];
	memcpy(p, t, sizeof(*t));
	return p + t->len;
}

PUT(time)
{
	uint64_t us;
	memcpy(&us, v, sizeof(us));
	return put_time_us(&f->times, p, us);
}

/* Seconds, not microseconds: stamps are bins and times of writing. */
PUT(stamp)
{
	uint64_t s;
	memcpy(&s, v, sizeof(s));
	return put_time_s(&f->times, p, s);
}

/* Six bytes in the order of the wire (IEEE 802: first octet first). */
PUT(mac_addr)
{
	return put_mac(p, v);
}

/* "800", "86dd". */
PUT(etype)
{
	uint16_t n;
	memcpy(&n, v, sizeof(n));
	return put_hex(p, n);
}

/* 1 or 8 bytes: a counter that ORs, or a key. */
static uint64_t
tcp_flags(const uint8_t *v, size_t len)
{
	/* little-endian: the low bytes of a shorter value are the low bytes of the number */
	uint64_t flags = 0;
	memcpy(&flags, v, len <= sizeof(flags) ? len : sizeof(flags));
	return flags;
}

/* One number whatever the width: 18 is SYN and ACK. */
PUT(tcpflags)
{
	return put_u64(p, tcp_flags(v, len));
}

/* ["SYN", "ACK"], lowest bit first. */
PUT(tcpflags_array)
{
	/* RFC 9293, 3.1; ECE and CWR are RFC 3168's */
	static const char names[8][4] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
	uint64_t flags = tcp_flags(v, len);
	char *begin = p;
	*p++ = '[';
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		/* bits above the eighth (NS and reserved) have no name */
		if (!(flags >> i & 1))
			continue;
		if (p > begin + 1)
			p = put_bytes(p, ", ", 2);
		*p++ = '"';
		p = put_bytes(p, names[i], 3);
		*p++ = '"';
	}
	*p++ = ']';
	return p;
}

/* IANA's forwarding status and reason codes (RFC 7270, 4.12); what is not there is unclassified. */
static const struct {
	uint8_t code;
	const char *text;
} fwd_status_text[] = {
    {64, "FORWARDED Unknown"},
    {65, "FORWARDED Fragmented"},
    {66, "FORWARDED Not Fragmented"},
    {128, "DROPPED Unknown"},
    {129, "DROPPED ACL deny"},
    {130, "DROPPED ACL drop"},
    {131, "DROPPED Unroutable"},
    {132, "DROPPED Adjacency"},
    {133, "DROPPED Fragmentation and DF set"},
    {134, "DROPPED Bad header checksum"},
    {135, "DROPPED Bad total Length"},
    {136, "DROPPED Bad header length"},
    {137, "DROPPED bad TTL"},
    {138, "DROPPED Policer"},
    {139, "DROPPED WRED"},
    {140, "DROPPED RPF"},
    {141, "DROPPED For us"},
    {142, "DROPPED Bad output interface"},
    {143, "DROPPED Hardware"},
    {192, "CONSUMED Unknown"},
    {193, "CONSUMED Punt Adjacency"},
    {194, "CONSUMED Incomplete Adjacency"},
    {195, "CONSUMED For us"},
};

PUT(fwdstatus_text)
{
	for (size_t i = 0; i < ARRAY_SIZE(fwd_status_text); i++)
		if (fwd_status_text[i].code == *v)
			return put_str(p, fwd_status_text[i].text);
	return put_str(p, "UNKNOWN Unclassified");
}

/* Length of NUL-padded text. A value that fills its width has no NUL. */
static size_t
padded_len(const uint8_t *v, size_t len)
{
	const uint8_t *nul = memchr(v, 0, len);
	return nul ? (size_t)(nul - v) : len;
}

/* Some empty values have a name: the class of a flow nobody classified, the state of a route nobody
 * validated. c->absent was chosen when the column was compiled; mostly it is "". */
static char *
put_absent(char *p, const struct column *c)
{
	return put_str(p, c->absent);
}

/* CSV and aligned columns print text as it came; quoting is the walk's business. */
PUT(fixed)
{
	size_t n = padded_len(v, len);
	return n ? put_bytes(p, v, n) : put_absent(p, c);
}

/* JSON must be valid whatever an exporter sent, so text is escaped there. */
PUT(fixed_json)
{
	size_t n = padded_len(v, len);
	return n ? put_json(p, v, n) : put_absent(p, c);
}

PUT(text)
{
	return len ? put_bytes(p, v, len) : put_absent(p, c);
}

PUT(text_json)
{
	return len ? put_json(p, v, len) : put_absent(p, c);
}

PUT(route_distinguisher)
{
	uint64_t rd;
	memcpy(&rd, v, sizeof(rd));
	return put_rd(p, rd);
}

/* In the order of enum rd_origin. */
PUT(rd_origin)
{
	static const char *const names[] = {"unknown", "bgp", "bmp", "flow", "map"};
	return put_str(p, names[*v < ARRAY_SIZE(names) ? *v : 0]);
}

/* What JSON has no word for is 0. */
static double
load_double(const uint8_t *v)
{
	double d;
	memcpy(&d, v, sizeof(d));
	/* infinities and NaN are the only values whose difference from themselves is not 0 */
	return d - d == 0 ? d : 0;
}

/* Rows have coordinates rarely enough for printf. The bound is that of any double (309 digits before the
 * point), since a key may come from a file or a peer whose numbers are no coordinates. */
PUT(real)
{
	return p + snprintf(p, REAL_TEXT_MAX + 1, "%.6f", load_double(v));
}

/* The shortest text that reads back as the same number, and always looks like a real one. */
PUT(real_json)
{
	double d = load_double(v);
	int n = 0;
	/* 17 digits always suffice (IEEE 754 binary64), 15 mostly do */
	for (int digits = 15; digits <= 17; digits++) {
		n = snprintf(p, 32, "%.*g", digits, d);
		if (strtod(p, NULL) == d)
			break;
	}
	p += n;
	return strpbrk(p - n, ".e") ? p : put_bytes(p, ".0", 2);
}

/* len bytes in hexadecimal, joint between them unless it is 0. */
static char *
put_hex_bytes(char *p, const uint8_t *v, size_t len, const char *digits, char joint)
{
	for (size_t i = 0; i < len; i++) {
		if (i && joint)
			*p++ = joint;
		*p++ = digits[v[i] >> 4];
		*p++ = digits[v[i] & 15];
	}
	return p;
}

/* Custom primitives: integers stand in host order, everything else as it came. */
PUT(custom_uint)
{
	uint64_t n = 0;
	memcpy(&n, v, len <= sizeof(n) ? len : sizeof(n));
	return put_u64_fast(p, n);
}

/* A number in hexadecimal, "a0b": no zeros in front, but for the last digit. */
PUT(custom_hex)
{
	while (len > 1 && *v == 0) {
		v++;
		len--;
	}
	char *end = put_hex_bytes(p, v, len, "0123456789abcdef", 0);
	if (len == 0 || *v >> 4)
		return end;
	/* the first byte is below 0x10: its leading zero goes */
	memmove(p, p + 1, (size_t)(end - p - 1));
	return end - 1;
}

/* "00-DE-AD". */
PUT(custom_raw)
{
	return put_hex_bytes(p, v, len, "0123456789ABCDEF", '-');
}

/* 4 or 16 bytes in network order. */
PUT(custom_ip)
{
	struct addr a = len == 4 ? addr_from_v4(v) : len == 16 ? addr_from_v6(v) : (struct addr){.q = {0, 0}};
	return addr_format(p, &a);
}

/* What a type of value looks like in JSON and elsewhere. */
struct rule {
	column_put *json, *plain;
	bool quoted;
	bool may_escape; /* its text may hold what CSV quotes */
	uint16_t room;	 /* most bytes of a value of fixed width */
};

static const struct rule rules[] = {
    [VALUE_UINT] = {NULL, NULL, false, false, U64_TEXT_MAX},
    [VALUE_ADDR] = {put_addr, put_addr, true, false, ADDR_TEXT_MAX},
    [VALUE_MAC] = {put_mac_addr, put_mac_addr, true, false, 17},
    [VALUE_ETYPE] = {put_etype, put_etype, true, false, 4},
    [VALUE_PROTO] = {put_proto, put_proto, true, false, sizeof(struct proto_text)},
    [VALUE_TCPFLAGS] = {put_tcpflags, put_tcpflags, false, false, 8 * 7 + 2},
    [VALUE_FWDSTATUS] = {put_uint8, put_uint8, true, false, 40},
    [VALUE_CHAR] = {put_fixed_json, put_fixed, true, true, 6},
    [VALUE_TEXT_FIXED] = {put_fixed_json, put_fixed, true, true, 0},
    [VALUE_TIME] = {put_time, put_time, true, false, TIMETEXT_MAX},
    [VALUE_STAMP] = {put_stamp, put_stamp, true, false, TIMETEXT_MAX},
    [VALUE_RD] = {put_route_distinguisher, put_route_distinguisher, true, false, RD_TEXT_MAX},
    [VALUE_RD_ORIGIN] = {put_rd_origin, put_rd_origin, true, false, 8},
    [VALUE_DOUBLE] = {put_real_json, put_real, false, false, REAL_TEXT_MAX + 1},
    [VALUE_TEXT] = {put_text_json, put_text, true, true, 0},
    [VALUE_LABEL] = {put_text_json, put_text, true, true, 0},
    [VALUE_AS_PATH] = {show_as_path, show_as_path, true, true, 0},
    [VALUE_STD_COMM] = {show_std_comm, show_std_comm, true, false, 0},
    [VALUE_EXT_COMM] = {show_ext_comm, show_ext_comm, true, false, 0},
    [VALUE_LRG_COMM] = {show_lrg_comm, show_lrg_comm, true, false, 0},
    [VALUE_MPLS_STACK] = {show_mpls_stack, show_mpls_stack, true, true, 0},
    [VALUE_SEGMENTS] = {show_segments, show_segments, false, true, 0},
    [VALUE_CUSTOM] = {NULL, NULL, true, true, 0},
};

/* --- picking --- */

/* The width decides once, when the formatter is compiled. Widths are those of the members of struct flow. */
static column_put *
uint_put(size_t len)
{
	return len == 1 ? put_uint8 : len == 2 ? put_uint16 : len == 4 ? put_uint32 : put_uint64;
}

/* hex, mac and raw need no escapes; only str can hold anything. */
static column_put *
custom_put(const struct format *f, unsigned semantics)
{
	switch (semantics) {
	case CUSTOM_UINT:
		return put_custom_uint;
	case CUSTOM_IP:
		return put_custom_ip;
	case CUSTOM_MAC:
		return put_mac_addr;
	case CUSTOM_STR:
		return f->json ? put_fixed_json : put_fixed;
	case CUSTOM_HEX:
		return put_custom_hex;
	default:
		return put_custom_raw;
	}
}

/* Types whose look depends on the options: true when JSON shows an array or an object. Such values write
 * their own brackets, so the texts around them have no quotes. Only asked for JSON. */
static bool
shown_as_array(const struct format *f, enum value_type type)
{
	switch (type) {
	case VALUE_TCPFLAGS:
		return f->o.tcpflags_as_array;
	case VALUE_LABEL:
		return f->o.label_as_map;
	case VALUE_AS_PATH:
		return f->o.as_path_as_array;
	case VALUE_STD_COMM:
	case VALUE_EXT_COMM:
	case VALUE_LRG_COMM:
		return f->o.comms_as_array;
	case VALUE_MPLS_STACK:
		return f->o.mpls_stack_as_array;
	case VALUE_SEGMENTS:
		return true;
	default:
		return false;
	}
}

/* tcp_flags is a number; a string in the client's JSON, and so is tunnel_tcp_flags everywhere. */
static bool
is_quoted(const struct format *f, const struct column *c)
{
	if (c->row->type == VALUE_TCPFLAGS)
		/* the tunnel's flags are a byte of the key, tcp_flags a counter of eight */
		return c->len == 1 || f->o.order == FORMAT_ORDER_CLIENT;
	return rules[c->row->type].quoted;
}

/* The one place where options decide how a value looks. What is not listed here looks the same under all
 * options. */
static column_put *
column_function(const struct format *f, const struct column *c)
{
	enum value_type type = c->row->type;
	if (type == VALUE_UINT)
		return uint_put(c->len);
	if (type == VALUE_CUSTOM)
		return custom_put(f, c->row->custom_semantics);
	if (f->json && type == VALUE_TCPFLAGS && f->o.tcpflags_as_array)
		return put_tcpflags_array;
	if (f->json && type == VALUE_FWDSTATUS && f->o.fwd_status_as_string)
		return put_fwdstatus_text;
	if (f->json && type == VALUE_LABEL && f->o.label_as_map)
		return show_label_map;
	return f->json ? rules[type].json : rules[type].plain;
}

/* What an empty text is shown as. By member and not by name, since class_frame and class share theirs. */
static const char *
absent_text(const struct primitive *p)
{
	if (p->offset == offsetof(struct flow, class_name))
		return "unknown";
	if (p->offset == offsetof(struct flow, src_roa) || p->offset == offsetof(struct flow, dst_roa))
		return "u";
	return "";
}

/* Whether CSV has to look for what must be quoted: text may hold anything, and a separator out of the
 * ordinary may be part of any value, as a blank is of times. */
static bool
may_need_quotes(const struct format *f, enum value_type type)
{
	return rules[type].may_escape || !strchr(",;\t|", f->o.separator);
}

/* len bytes of any type become at most six each (JSON escapes), and ADDR_TEXT_MAX covers a custom address
 * and what put_u64_fast writes beyond its digits. */
size_t
column_compile(const struct format *f, struct column *c)
{
	enum value_type type = c->row->type;
	c->put = column_function(f, c);
	/* a custom value is empty when it is absent, whatever its offset */
	c->absent = type == VALUE_CUSTOM ? "" : absent_text(c->row);
	c->may_escape = may_need_quotes(f, type);
	/* the texts around the value are made from this, behind this call */
	c->quoted = f->json && is_quoted(f, c) && !shown_as_array(f, type);
	/* Text may be escaped to six bytes each; a custom address is the longest that fixed bytes become. */
	return rules[type].room + 6 * (size_t)c->len + ADDR_TEXT_MAX;
}
