/* The element table: one row says how the generator writes an information element, from the registry of RFC
 * 7012 and the field types of RFC 3954. A template is a line of text made of row numbers, so that a test can
 * put together any corner it needs (other lengths, other orders, repeated and unknown fields) without new
 * code here. */
#include <stdio.h>

#include "tools/flowgen/element.h"

enum { PEN_REVERSE = 29305, NTP_EPOCH = 2208988800u, FRAME_LEN = 64 };

/* What a number on the wire is made from. */
enum value {
	V_BYTES,
	V_PACKETS,
	V_FLOWS,
	V_PROTO,
	V_TOS,
	V_TCP_FLAGS,
	V_SPORT,
	V_DPORT,
	V_SRC_MASK,
	V_DST_MASK,
	V_IN_IF,
	V_OUT_IF,
	V_SRC_AS,
	V_DST_AS,
	V_VRF,
	V_SAMPLER,
	V_VLAN,
	V_APP,
	V_INDEX,
	V_START_UPTIME,
	V_END_UPTIME,
	V_START_S,
	V_END_S,
	V_START_MS,
	V_END_MS,
	V_START_US,
	V_END_US,
	V_START_NS,
	V_END_NS,
	V_START_DELTA,
	V_END_DELTA,
	V_BOOT_MS,
	V_RATE,
	V_RATE_SPACE,
	V_REV_BYTES,
	V_REV_PACKETS,
	V_ICMP,
	V_ETYPE,
	V_IP_VERSION,
	V_NAT_EVENT,
	V_LABEL,
	V_FLOW_LABEL,
	V_FWD_STATUS,
	V_DURATION,
	V_VXLAN,
	V_SAMPLING,
	V_ZERO,
	V_ONE,
	V_NUMBERS
};

struct element {
	uint32_t pen;
	uint16_t id;
	uint16_t len;
	void (*put)(struct put *p, const struct gen_field *field, size_t len, const struct gen_flow *f,
		    const struct gen_clock *clock);
	uint32_t arg; /* for put_number an enum value, for the others theirs */
};

/* A time as NTP has it, era 0: seconds since 1900 and a binary fraction (RFC 7011, 6.1.9 and 6.1.10). */
static uint64_t
ntp_time(uint64_t ms)
{
	uint64_t seconds = ms / 1000 + NTP_EPOCH;
	return seconds << 32 | ((ms % 1000) << 32) / 1000;
}

static uint64_t
number_of_time(enum value v, const struct gen_flow *f, const struct gen_clock *c)
{
	bool start = v == V_START_UPTIME || v == V_START_S || v == V_START_MS || v == V_START_US ||
		     v == V_START_NS || v == V_START_DELTA;
	uint32_t ago = start ? f->start_ms : f->end_ms;
	uint64_t ms = c->base_ms - ago;
	switch (v) {
	case V_START_UPTIME:
	case V_END_UPTIME:
		return c->base_uptime_ms - ago; /* wraps at 2^32 as SysUptime does */
	case V_START_S:
	case V_END_S:
		return ms / 1000;
	case V_START_MS:
	case V_END_MS:
		return ms;
	case V_START_DELTA:
	case V_END_DELTA:
		return (uint64_t)ago * 1000; /* microseconds before the export time */
	case V_BOOT_MS:
		return c->base_ms - c->base_uptime_ms;
	case V_DURATION:
		return f->start_ms - f->end_ms;
	default:
		return ntp_time(ms);
	}
}

/* Numbers that are a member of the flow as they are. */
static uint64_t
number_of(enum value v, const struct gen_flow *f, const struct gen_clock *c)
{
	const uint64_t plain[V_NUMBERS] = {
	    [V_BYTES] = f->bytes,
	    [V_PACKETS] = f->packets,
	    [V_FLOWS] = 1,
	    [V_ONE] = 1,
	    [V_PROTO] = f->proto,
	    [V_TOS] = f->tos,
	    [V_TCP_FLAGS] = f->tcp_flags,
	    [V_SPORT] = f->sport,
	    [V_DPORT] = f->dport,
	    [V_SRC_MASK] = f->src_mask,
	    [V_DST_MASK] = f->dst_mask,
	    [V_IN_IF] = f->in_if,
	    [V_OUT_IF] = f->out_if,
	    [V_SRC_AS] = f->src_as,
	    [V_DST_AS] = f->dst_as,
	    [V_VRF] = f->vrf,
	    [V_SAMPLER] = f->sampler,
	    [V_VLAN] = f->vlan,
	    [V_APP] = (uint64_t)13 << 24 | f->app, /* RFC 6759: engine 13 (PANA-L7), then the selector */
	    [V_INDEX] = f->index,
	    [V_SAMPLING] = c->sampling,
	    [V_RATE] = (uint64_t)c->sampling * f->sampler,
	    [V_RATE_SPACE] = (uint64_t)c->sampling * f->sampler - 1,
	    [V_REV_BYTES] = f->rev_bytes,
	    [V_REV_PACKETS] = f->rev_packets,
	    [V_ICMP] = f->proto == 1 || f->proto == 58 ? f->dport : 0,
	    [V_ETYPE] = f->v6 ? 0x86dd : 0x0800,
	    [V_IP_VERSION] = f->v6 ? 6 : 4,
	    [V_NAT_EVENT] = 1 + f->index % 3,
	    /* RFC 5462: 20 bits of label, 3 of class, bottom of stack; put_label() adds the place in the
	       stack */
	    [V_LABEL] = 16 + f->index % 1000,
	    [V_FLOW_LABEL] = f->index & 0xfffff,
	    [V_FWD_STATUS] = f->index % 16 == 0 ? 0x82 : 0x40, /* dropped by an ACL, else forwarded */
	    [V_VXLAN] = (uint64_t)1 << 56 | (5000 + f->vrf), /* layer2SegmentId: 1 = VXLAN in the top byte */
	};
	return (v >= V_START_UPTIME && v <= V_BOOT_MS) || v == V_DURATION ? number_of_time(v, f, c)
									  : plain[v];
}

static void
put_number(struct put *p, const struct gen_field *field, size_t len, const struct gen_flow *f,
	   const struct gen_clock *c)
{
	put_uint(p, number_of(field->element->arg, f, c), len);
}

enum { A_SRC = 1, A_DST = 2, A_NEXT_HOP = 3, A_NAT = 8, A_NET = 16 };

/* An address, of 4 or 16 bytes by the field's length; zero where the flow is of the other family. NAT changes
 * the last byte and the first, so that it can be told from the original. */
static void
put_address(struct put *p, const struct gen_field *field, size_t len, const struct gen_flow *f,
	    const struct gen_clock *c)
{
	(void)c;
	uint32_t arg = field->element->arg;
	const uint8_t *from[] = {NULL, f->src, f->dst, f->next_hop};
	uint8_t *at = put_room(p, len);
	memset(at, 0, len);
	size_t width = f->v6 ? 16 : 4;
	if (len < width || (len == 16 && !f->v6))
		return;
	memcpy(at, from[arg & 7], width);
	if (arg & A_NAT && !f->v6)
		at[0] = arg & 1 ? 203 : 100;
	if (arg & A_NAT)
		at[width - 1] ^= 0x80;
	if (arg & A_NET)
		memset(at + width - width / 4, 0, width / 4);
}

static void
put_mac(struct put *p, const struct gen_field *field, size_t len, const struct gen_flow *f,
	const struct gen_clock *c)
{
	(void)c;
	uint8_t mac[6] = {0x02, 0, 0x5e, (uint8_t)field->element->arg, (uint8_t)f->in_if, (uint8_t)f->out_if};
	put_bytes(p, mac, len < 6 ? len : 6);
	if (len > 6)
		put_uint(p, 0, len - 6);
}

/* The text of an element; the argument picks the kind. Returns its length, less than size. */
static size_t
make_text(char *text, size_t size, uint32_t arg, const struct gen_flow *f)
{
	static const struct {
		const char *before, *after;
	} form[] = {{"if", ""}, {"uplink to pop ", ""}, {"VRF-", ""}, {"app-", ""}, {"user", "@example.net"}};
	const uint32_t number[] = {f->in_if, f->in_if, f->vrf, f->app, f->index % 1000};
	return (size_t)snprintf(text, size, "%s%u%s", form[arg].before, number[arg], form[arg].after);
}

/* Text of a fixed length is padded with zero, as routers do. */
static void
put_text(struct put *p, const struct gen_field *field, size_t len, const struct gen_flow *f,
	 const struct gen_clock *c)
{
	char text[64];
	(void)c;
	size_t n = make_text(text, sizeof(text), field->element->arg, f);
	uint8_t *at = put_room(p, len);
	memset(at, 0, len);
	memcpy(at, text, n < len ? n : len);
}

/* A label stack entry; the argument is its place, the third one is the bottom (RFC 3032). */
static void
put_label(struct put *p, const struct gen_field *field, size_t len, const struct gen_flow *f,
	  const struct gen_clock *c)
{
	uint32_t place = field->element->arg;
	uint64_t entry = 0;
	if (place < 3)
		entry = (number_of(V_LABEL, f, c) + place * 1000) << 4 | (f->tos >> 5) << 1 | (place == 2);
	put_uint(p, len < 3 ? entry >> (24 - 8 * len) : entry, len);
}

/* A route distinguisher of type 0 (RFC 4364, 4.2): 2-byte AS number and an assigned number. */
static void
put_rd(struct put *p, const struct gen_field *field, size_t len, const struct gen_flow *f,
       const struct gen_clock *c)
{
	(void)field;
	(void)c;
	put_uint(p, (uint64_t)64500 << 32 | f->vrf, len);
}

/* An IPv4 or IPv6 header and the first bytes of the transport header, cut to len. */
static void
put_packet(struct put *p, const struct gen_flow *f, size_t len)
{
	uint8_t bytes[80] = {0};
	struct put h = put_into(bytes, sizeof(bytes));
	uint64_t size = f->bytes / f->packets;
	if (f->v6) {
		put_uint(&h, 6u << 28 | (uint32_t)f->tos << 20, 4);
		put_uint(&h, size > 40 ? size - 40 : 0, 2);
		put_uint(&h, f->proto, 1);
		put_uint(&h, 64, 1);
	} else {
		put_uint(&h, 0x4500u | f->tos, 2);
		put_uint(&h, size, 2);
		put_uint(&h, (uint64_t)(f->index & 0xffff) << 16, 4);
		put_uint(&h, 64u << 8 | f->proto, 2);
		put_uint(&h, 0, 2);
	}
	put_bytes(&h, f->src, f->v6 ? 16 : 4);
	put_bytes(&h, f->dst, f->v6 ? 16 : 4);
	bool icmp = f->proto == 1 || f->proto == 58;
	put_uint(&h, icmp ? f->dport : f->sport, 2);
	put_uint(&h, icmp ? 0 : f->dport, 2);
	if (f->proto == 6) {
		put_uint(&h, f->index, 4);
		put_uint(&h, 0, 4);
		put_uint(&h, 0x5000u | f->tcp_flags, 2);
	} else {
		put_uint(&h, size > 20 ? size - 20 : 8, 2);
	}
	put_bytes(p, bytes, len < sizeof(bytes) ? len : sizeof(bytes));
	if (len > sizeof(bytes))
		put_uint(p, 0, len - sizeof(bytes));
}

/* Argument 0: from the link layer on (IE 315 and 104); 1: from the network layer on (IE 313). */
static void
put_section(struct put *p, const struct gen_field *field, size_t len, const struct gen_flow *f,
	    const struct gen_clock *c)
{
	(void)c;
	size_t link = field->element->arg || len < 14 ? 0 : 14;
	if (link) {
		static const uint8_t mac[12] = {2, 0, 0x5e, 0, 0, 1, 2, 0, 0x5e, 0, 0, 2};
		put_bytes(p, mac, 12);
		put_uint(p, f->v6 ? 0x86dd : 0x0800, 2);
	}
	put_packet(p, f, len - link);
}

/* A basicList of two 4-byte interface numbers (RFC 6313, 4.5.1), semantic allOf. */
static void
put_basic_list(struct put *p, const struct gen_field *field, size_t len, const struct gen_flow *f,
	       const struct gen_clock *c)
{
	(void)field;
	(void)c;
	put_uint(p, 3, 1);
	put_uint(p, 10, 2);
	put_uint(p, 4, 2);
	put_uint(p, f->in_if, 4);
	put_uint(p, f->out_if, 4);
	if (len > 13)
		put_uint(p, 0, len - 13);
}

/* Anything else: bytes that differ from field to field, so that a shifted read shows. */
static void
put_pattern(struct put *p, const struct gen_field *field, size_t len, const struct gen_flow *f,
	    const struct gen_clock *c)
{
	(void)c;
	uint8_t *at = put_room(p, len);
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)(field->id + f->index + i);
}

/* len 0: written with a variable length unless the template says otherwise */
static const struct element elements[] = {
    {0, 1, 8, put_number, V_BYTES},
    {0, 2, 8, put_number, V_PACKETS},
    {0, 3, 8, put_number, V_FLOWS},
    {0, 4, 1, put_number, V_PROTO},
    {0, 5, 1, put_number, V_TOS},
    {0, 6, 1, put_number, V_TCP_FLAGS},
    {0, 7, 2, put_number, V_SPORT},
    {0, 8, 4, put_address, A_SRC},
    {0, 9, 1, put_number, V_SRC_MASK},
    {0, 10, 4, put_number, V_IN_IF},
    {0, 11, 2, put_number, V_DPORT},
    {0, 12, 4, put_address, A_DST},
    {0, 13, 1, put_number, V_DST_MASK},
    {0, 14, 4, put_number, V_OUT_IF},
    {0, 15, 4, put_address, A_NEXT_HOP},
    {0, 16, 4, put_number, V_SRC_AS},
    {0, 17, 4, put_number, V_DST_AS},
    {0, 18, 4, put_address, A_NEXT_HOP},
    {0, 21, 4, put_number, V_END_UPTIME},
    {0, 22, 4, put_number, V_START_UPTIME},
    {0, 23, 8, put_number, V_BYTES},
    {0, 24, 8, put_number, V_PACKETS},
    {0, 27, 16, put_address, A_SRC},
    {0, 28, 16, put_address, A_DST},
    {0, 29, 1, put_number, V_SRC_MASK},
    {0, 30, 1, put_number, V_DST_MASK},
    {0, 31, 4, put_number, V_FLOW_LABEL},
    {0, 32, 2, put_number, V_ICMP},
    {0, 34, 4, put_number, V_SAMPLING},
    {0, 35, 1, put_number, V_ONE},
    {0, 44, 4, put_address, A_SRC | A_NET},
    {0, 45, 4, put_address, A_DST | A_NET},
    {0, 47, 4, put_address, A_NEXT_HOP},
    {0, 48, 1, put_number, V_SAMPLER},
    {0, 49, 1, put_number, V_ONE},
    {0, 50, 4, put_number, V_RATE},
    {0, 56, 6, put_mac, 1},
    {0, 57, 6, put_mac, 4},
    {0, 58, 2, put_number, V_VLAN},
    {0, 59, 2, put_number, V_VLAN},
    {0, 60, 1, put_number, V_IP_VERSION},
    {0, 61, 1, put_number, V_ONE},
    {0, 62, 16, put_address, A_NEXT_HOP},
    {0, 63, 16, put_address, A_NEXT_HOP},
    {0, 70, 3, put_label, 0},
    {0, 71, 3, put_label, 1},
    {0, 72, 3, put_label, 2},
    {0, 73, 3, put_label, 3},
    {0, 74, 3, put_label, 4},
    {0, 75, 3, put_label, 5},
    {0, 76, 3, put_label, 6},
    {0, 77, 3, put_label, 7},
    {0, 78, 3, put_label, 8},
    {0, 79, 3, put_label, 9},
    {0, 80, 6, put_mac, 2},
    {0, 81, 6, put_mac, 3},
    {0, 82, 0, put_text, 0},
    {0, 83, 0, put_text, 1},
    {0, 85, 8, put_number, V_BYTES},
    {0, 86, 8, put_number, V_PACKETS},
    {0, 89, 1, put_number, V_FWD_STATUS},
    {0, 90, 8, put_rd, 0},
    {0, 95, 4, put_number, V_APP},
    {0, 96, 0, put_text, 3},
    {0, 104, FRAME_LEN, put_section, 0},
    {0, 128, 4, put_number, V_SRC_AS},
    {0, 129, 4, put_number, V_DST_AS},
    {0, 130, 4, put_address, A_NEXT_HOP},
    {0, 131, 16, put_address, A_NEXT_HOP},
    {0, 140, 16, put_address, A_NEXT_HOP},
    {0, 148, 8, put_number, V_INDEX},
    {0, 149, 4, put_number, V_ONE},
    {0, 150, 4, put_number, V_START_S},
    {0, 151, 4, put_number, V_END_S},
    {0, 152, 8, put_number, V_START_MS},
    {0, 153, 8, put_number, V_END_MS},
    {0, 154, 8, put_number, V_START_US},
    {0, 155, 8, put_number, V_END_US},
    {0, 156, 8, put_number, V_START_NS},
    {0, 157, 8, put_number, V_END_NS},
    {0, 158, 4, put_number, V_START_DELTA},
    {0, 159, 4, put_number, V_END_DELTA},
    {0, 160, 8, put_number, V_BOOT_MS},
    {0, 161, 4, put_number, V_DURATION},
    {0, 169, 16, put_address, A_DST | A_NET},
    {0, 170, 16, put_address, A_SRC | A_NET},
    {0, 180, 2, put_number, V_SPORT},
    {0, 181, 2, put_number, V_DPORT},
    {0, 182, 2, put_number, V_SPORT},
    {0, 183, 2, put_number, V_DPORT},
    {0, 210, 1, put_number, V_ZERO},
    {0, 225, 4, put_address, A_SRC | A_NAT},
    {0, 226, 4, put_address, A_DST | A_NAT},
    {0, 227, 2, put_number, V_SPORT},
    {0, 228, 2, put_number, V_DPORT},
    {0, 230, 1, put_number, V_NAT_EVENT},
    {0, 231, 8, put_number, V_BYTES},
    {0, 232, 8, put_number, V_REV_BYTES},
    {0, 233, 1, put_number, V_NAT_EVENT},
    {0, 234, 4, put_number, V_VRF},
    {0, 235, 4, put_number, V_VRF},
    {0, 236, 0, put_text, 2},
    {0, 243, 2, put_number, V_VLAN},
    {0, 244, 1, put_number, V_ONE},
    {0, 245, 2, put_number, V_VLAN},
    {0, 252, 4, put_number, V_IN_IF},
    {0, 253, 4, put_number, V_OUT_IF},
    {0, 254, 2, put_number, V_VLAN},
    {0, 255, 2, put_number, V_VLAN},
    {0, 256, 2, put_number, V_ETYPE},
    {0, 281, 16, put_address, A_SRC | A_NAT},
    {0, 282, 16, put_address, A_DST | A_NAT},
    {0, 291, 0, put_basic_list, 0},
    {0, 302, 4, put_number, V_SAMPLER},
    {0, 304, 2, put_number, V_ONE},
    {0, 305, 4, put_number, V_ONE},
    {0, 306, 4, put_number, V_RATE_SPACE},
    {0, 313, FRAME_LEN, put_section, 1},
    {0, 315, FRAME_LEN, put_section, 0},
    {0, 323, 8, put_number, V_END_MS},
    {0, 346, 4, put_number, V_ONE},
    {0, 351, 8, put_number, V_VXLAN},
    {0, 352, 8, put_number, V_BYTES},
    {0, 371, 0, put_text, 4},
    {PEN_REVERSE, 1, 8, put_number, V_REV_BYTES},
    {PEN_REVERSE, 2, 8, put_number, V_REV_PACKETS},
    {PEN_REVERSE, 6, 1, put_number, V_TCP_FLAGS},
    {PEN_REVERSE, 152, 8, put_number, V_START_MS},
    {PEN_REVERSE, 153, 8, put_number, V_END_MS},
    {PEN_REVERSE, 23, 8, put_number, V_REV_BYTES},
};

/* IPv4 elements and their IPv6 twins */
static const uint16_t twins[][2] = {{8, 27},   {12, 28},  {15, 62},  {9, 29},	 {13, 30},   {18, 63},
				    {47, 140}, {44, 170}, {45, 169}, {225, 281}, {226, 282}, {130, 131}};

static const struct element *
element_find(uint32_t pen, uint16_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(elements); i++)
		if (elements[i].pen == pen && elements[i].id == id)
			return &elements[i];
	return NULL;
}

static uint16_t
twin_of(uint16_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(twins); i++)
		if (twins[i][0] == id)
			return twins[i][1];
	return id;
}

/* The scope of a NetFlow v9 options template: types of its own numbering; system (1) and interface (2) are
 * known. */
static bool
parse_scope(struct gen_field *field, unsigned long type, bool *known)
{
	static const struct element system = {0, 1, 4, put_number, V_ONE};
	static const struct element interface = {0, 2, 4, put_number, V_IN_IF};
	*known = type == 1 || type == 2;
	*field =
	    (struct gen_field){.element = type == 1 ? &system : &interface, .id = (uint16_t)type, .len = 4};
	return *known;
}

static bool
parse_field(struct gen_field *field, const char *word, bool v6)
{
	char *end;
	bool reverse = *word == 'r', scope = *word == 's', known;
	unsigned long id = strtoul(word + (reverse || scope), &end, 10), pen = 0;
	if (*end == ':') {
		pen = id;
		id = strtoul(end + 1, &end, 10);
	}
	if (reverse)
		pen = PEN_REVERSE;
	if (scope)
		parse_scope(field, id, &known);
	else
		*field = (struct gen_field){.pen = (uint32_t)pen,
					    .id = v6 && !pen ? twin_of((uint16_t)id) : (uint16_t)id};
	if (!scope) {
		field->element = element_find(field->pen, field->id);
		field->len = field->element ? field->element->len : 4;
		if (!field->len)
			field->len = VARIABLE_LENGTH;
	}
	bool sized = *end == '/';
	if (sized && end[1] == 'v') {
		field->len = VARIABLE_LENGTH;
		end += 2;
	} else if (sized) {
		field->len = (uint16_t)strtoul(end + 1, &end, 10);
	}
	/* A length given for an address of the other family does not fit its twin. */
	if (v6 && field->element && field->element->put == put_address)
		field->len = 16;
	return *end == '\0';
}

bool
template_parse(struct gen_template *t, const char *spec, bool v6)
{
	char word[32];
	int used;
	t->fields = 0;
	for (; sscanf(spec, "%31s%n", word, &used) == 1; spec += used) {
		if (t->fields == MAX_FIELDS || !parse_field(&t->field[t->fields], word, v6)) {
			fprintf(stderr, "flowgen: cannot read the field '%s': expected [PEN:]ID[/LENGTH]\n",
				word);
			return false;
		}
		t->fields++;
	}
	return t->fields > 0;
}

static size_t
variable_length(const struct gen_field *field, const struct gen_flow *f)
{
	if (!field->element)
		return f->index % 64;
	if (field->element->put == put_basic_list)
		return 13;
	if (field->element->put == put_section)
		return 34 + f->index % 30;
	char text[64];
	if (field->element->put == put_text)
		return make_text(text, sizeof(text), field->element->arg, f);
	return field->element->len;
}

/* Every fourth flow uses the three-byte form of the length, which is allowed for short values too (RFC 7011,
 * 7). */
static size_t
put_length_prefix(struct put *p, const struct gen_field *field, const struct gen_flow *f)
{
	size_t len = variable_length(field, f);
	if (f->index % 4 == 0) {
		put_uint(p, 255, 1);
		put_uint(p, len, 2);
	} else {
		put_uint(p, len, 1);
	}
	return len;
}

void
template_put_record(struct put *p, const struct gen_template *t, const struct gen_flow *f,
		    const struct gen_clock *clock)
{
	for (unsigned i = 0; i < t->fields; i++) {
		const struct gen_field *field = &t->field[i];
		size_t len = field->len == VARIABLE_LENGTH ? put_length_prefix(p, field, f) : field->len;
		if (field->element)
			field->element->put(p, field, len, f, clock);
		else
			put_pattern(p, field, len, f, clock);
	}
}

size_t
template_max_record(const struct gen_template *t)
{
	size_t total = 0;
	for (unsigned i = 0; i < t->fields; i++)
		total += t->field[i].len == VARIABLE_LENGTH ? 128 : t->field[i].len;
	return total;
}
