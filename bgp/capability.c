/* Capabilities: a row each, with its code, how long it must be, how it is read and how it is written.
 *
 * The walker knows no code. One that is no row is skipped, as RFC 5492, 3 asks. A known one of a length that
 * cannot be is an error of the OPEN (RFC 4271, 6.2: a recognised parameter that is malformed, subcode 0),
 * since a guess at what a peer can do would garble its UPDATEs; where nothing hangs on the contents the row
 * asks for no length. A capability may come more than once: families add up, of single values the last one
 * counts. */
#include "bgp/capability.h"

#define SEND_RECEIVE_MAX 3 /* RFC 7911, 4: 1 can receive, 2 can send, 3 both */
#define ROLE_MAX	 4

struct capability {
	enum bgp_capability_code code;
	uint8_t min, step; /* bytes; step 0: at least min */
	uint16_t (*read)(struct wire *w, struct bgp_open *o);
	/* appends each instance of it; NULL: a mere flag, the offset of which says whether it is sent */
	void (*write)(struct bgp_writer *w, const struct bgp_open *o);
	size_t flag;
};

/* --- text of peers --- */

/* Length of the UTF-8 sequence at p, or 0 (RFC 3629, 4). *point is the character. */
static unsigned
letter(const uint8_t *p, size_t n, uint32_t *point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned len = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;

	if (len == 0 || len > n)
		return 0;
	*point = len == 1 ? p[0] : p[0] & (0xffu >> (len + 1));
	for (unsigned i = 1; i < len; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		*point = *point << 6 | (p[i] & 0x3fu);
	}
	bool surrogate = *point >= 0xd800 && *point < 0xe000;
	return *point < least[len] || *point > 0x10ffff || surrogate ? 0 : len;
}

/* C0, DEL, C1 and the two separators of Unicode: none may break a log's lines or a terminal. */
static bool
is_control(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029;
}

bool
bgp_clean_text(char *out, size_t cap, const uint8_t *p, size_t n)
{
	size_t at = 0;
	bool full = false;

	out[0] = '\0';
	for (size_t i = 0; i < n;) {
		uint32_t point = 0;
		unsigned len = letter(p + i, n - i, &point);
		if (len == 0) {
			out[0] = '\0';
			return false;
		}
		full |= at + len >= cap;
		if (!full && !is_control(point)) {
			memcpy(out + at, p + i, len);
			at += len;
		}
		i += len;
	}
	out[at] = '\0';
	return true;
}

/* --- families --- */

/* 0 for a family that is no row, so that it vanishes from masks. */
static uint32_t
family_bit(uint16_t afi, uint8_t safi)
{
	enum bgp_family f = bgp_family_of(afi, safi);
	return f == BGP_FAMILY_NONE ? 0 : 1u << f;
}

/* As most capabilities have it: AFI in two octets, SAFI in one. */
static void
put_family(struct bgp_writer *w, unsigned family)
{
	bgp_put_be(w, bgp_family_rows[family].afi, 2);
	bgp_put_be(w, bgp_family_rows[family].safi, 1);
}

/* How many tuples a mask becomes. */
static unsigned
families_in(uint32_t mask)
{
	return (unsigned)__builtin_popcount(mask & ((1u << BGP_FAMILIES) - 1));
}

/* Families that are no row are noted once each, as many as there is room for. */
static void
remember_other(struct bgp_open *o, uint16_t afi, uint8_t safi)
{
	for (unsigned i = 0; i < o->others; i++)
		if (o->other[i].afi == afi && o->other[i].safi == safi)
			return;
	if (o->others == ARRAY_SIZE(o->other))
		return;
	o->other[o->others].afi = afi;
	o->other[o->others].safi = safi;
	o->others++;
}

/* --- readers: 0 or the NOTIFICATION that the capability deserves --- */

/* RFC 4760, 8: AFI, a reserved octet, SAFI. One capability a family. */
static uint16_t
read_multiprotocol(struct wire *w, struct bgp_open *o)
{
	uint16_t afi = wire_u16(w);
	wire_skip(w, 1);
	uint8_t safi = wire_u8(w);
	uint32_t bit = family_bit(afi, safi);
	o->families |= bit;
	if (!bit)
		remember_other(o, afi, safi);
	return 0;
}

/* RFC 2918, 2, under its own number and the one that came first. */
static uint16_t
read_refresh(struct wire *w, struct bgp_open *o)
{
	(void)w;
	o->refresh = true;
	return 0;
}

/* RFC 7313, 3.1. */
static uint16_t
read_enhanced_refresh(struct wire *w, struct bgp_open *o)
{
	(void)w;
	o->enhanced_refresh = true;
	return 0;
}

/* RFC 8654, 3. */
static uint16_t
read_ext_message(struct wire *w, struct bgp_open *o)
{
	(void)w;
	o->ext_message = true;
	return 0;
}

/* RFC 8950, 4: a SAFI of two octets here; only IPv6 next hops are defined. */
static uint16_t
read_ext_next_hop(struct wire *w, struct bgp_open *o)
{
	while (wire_left(w)) {
		uint16_t afi = wire_u16(w), safi = wire_u16(w), next_hop = wire_u16(w);
		if (safi <= UINT8_MAX && next_hop == BGP_AFI_IPV6)
			o->ext_next_hop |= family_bit(afi, (uint8_t)safi);
	}
	return 0;
}

/* RFC 9234, 4.2: one that contradicts another is a role mismatch. */
static uint16_t
read_role(struct wire *w, struct bgp_open *o)
{
	uint8_t role = wire_u8(w);
	if (o->role >= 0 && o->role != role)
		return BGP_NOTIFY(BGP_ERR_OPEN, 11);
	o->role = role <= ROLE_MAX ? role : -1;
	return 0;
}

/* RFC 4724, 3; RFC 8538, 2 for the second bit. Of several the last one counts, families included. */
static uint16_t
read_graceful(struct wire *w, struct bgp_open *o)
{
	uint16_t head = wire_u16(w);
	o->graceful_any = true;
	o->restarted = head & 0x8000;
	o->graceful_notify = head & 0x4000;
	o->restart_time = head & 0x0fff;
	o->graceful = o->graceful_forwarding = 0;
	while (wire_left(w)) {
		uint16_t afi = wire_u16(w);
		uint8_t safi = wire_u8(w), flags = wire_u8(w);
		o->graceful |= family_bit(afi, safi);
		if (flags & 0x80)
			o->graceful_forwarding |= family_bit(afi, safi);
	}
	return 0;
}

/* RFC 7607: AS 0 is nobody's. */
static uint16_t
read_as4(struct wire *w, struct bgp_open *o)
{
	o->as = wire_u32(w);
	o->as4 = true;
	return o->as ? 0 : BGP_NOTIFY(BGP_ERR_OPEN, 2);
}

/* RFC 7911, 4: with any other value the capability is ignored, so all is read before anything is kept. */
static uint16_t
read_add_path(struct wire *w, struct bgp_open *o)
{
	uint32_t receive = 0, send = 0;
	while (wire_left(w)) {
		uint16_t afi = wire_u16(w);
		uint8_t safi = wire_u8(w), mode = wire_u8(w);
		if (mode < 1 || mode > SEND_RECEIVE_MAX)
			return 0;
		receive |= mode & 1 ? family_bit(afi, safi) : 0;
		send |= mode & 2 ? family_bit(afi, safi) : 0;
	}
	o->add_path_receive |= receive;
	o->add_path_send |= send;
	return 0;
}

/* RFC 9494, 3.1. One time serves all families here: the longest, since routes leave with their peer. */
static uint16_t
read_long_lived(struct wire *w, struct bgp_open *o)
{
	while (wire_left(w)) {
		uint16_t afi = wire_u16(w);
		uint8_t safi = wire_u8(w);
		uint32_t rest = wire_u32(w), seconds = rest & 0xffffff; /* behind one octet of flags */
		o->long_lived |= family_bit(afi, safi);
		if (seconds > o->long_lived_time)
			o->long_lived_time = seconds;
	}
	return 0;
}

/* A name is for people: a bad one is no name. */
static uint16_t
read_fqdn(struct wire *w, struct bgp_open *o)
{
	struct wire host = wire_sub(w, wire_u8(w)), domain = wire_sub(w, wire_u8(w));
	if (!host.failed)
		bgp_clean_text(o->host, sizeof(o->host), host.pos, wire_left(&host));
	if (!domain.failed)
		bgp_clean_text(o->domain, sizeof(o->domain), domain.pos, wire_left(&domain));
	return 0;
}

/* --- writers --- */

/* Code and length of what follows. */
static void
head(struct bgp_writer *w, enum bgp_capability_code code, unsigned len)
{
	bgp_put_be(w, code, 1);
	bgp_put_be(w, len, 1);
}

/* What is no row is offered as well: to a peer it is a family like others, and it keeps its session. */
static void
write_multiprotocol(struct bgp_writer *w, const struct bgp_open *o)
{
	for (unsigned f = 0; f < BGP_FAMILIES; f++)
		if (o->families >> f & 1) {
			head(w, BGP_CAP_MULTIPROTOCOL, 4);
			bgp_put_be(w, bgp_family_rows[f].afi, 2);
			bgp_put_be(w, bgp_family_rows[f].safi, 2);
		}
	for (unsigned i = 0; i < o->others && i < ARRAY_SIZE(o->other); i++) {
		head(w, BGP_CAP_MULTIPROTOCOL, 4);
		bgp_put_be(w, o->other[i].afi, 2);
		bgp_put_be(w, o->other[i].safi, 2);
	}
}

static void
write_ext_next_hop(struct bgp_writer *w, const struct bgp_open *o)
{
	if (!o->ext_next_hop)
		return;
	head(w, BGP_CAP_EXT_NEXT_HOP, 6 * families_in(o->ext_next_hop));
	for (unsigned f = 0; f < BGP_FAMILIES; f++)
		if (o->ext_next_hop >> f & 1) {
			bgp_put_be(w, bgp_family_rows[f].afi, 2);
			bgp_put_be(w, bgp_family_rows[f].safi, 2);
			bgp_put_be(w, BGP_AFI_IPV6, 2);
		}
}

/* Nothing for -1. */
static void
write_role(struct bgp_writer *w, const struct bgp_open *o)
{
	if (o->role < 0 || o->role > ROLE_MAX)
		return;
	head(w, BGP_CAP_ROLE, 1);
	bgp_put_be(w, (uint32_t)o->role, 1);
}

/* Without families it says that we help others to restart (RFC 4724, 3). */
static void
write_graceful(struct bgp_writer *w, const struct bgp_open *o)
{
	if (!o->graceful_any)
		return;
	head(w, BGP_CAP_GRACEFUL_RESTART, 2 + 4 * families_in(o->graceful));
	bgp_put_be(w,
		   (o->restarted ? 0x8000u : 0) | (o->graceful_notify ? 0x4000u : 0) |
		       (o->restart_time & 0x0fffu),
		   2);
	for (unsigned f = 0; f < BGP_FAMILIES; f++)
		if (o->graceful >> f & 1) {
			put_family(w, f);
			bgp_put_be(w, o->graceful_forwarding >> f & 1 ? 0x80 : 0, 1);
		}
}

static void
write_as4(struct bgp_writer *w, const struct bgp_open *o)
{
	if (!o->as4)
		return;
	head(w, BGP_CAP_AS4, 4);
	bgp_put_be(w, o->as, 4);
}

/* Receiving is the lower bit (RFC 7911, 4). */
static void
write_add_path(struct bgp_writer *w, const struct bgp_open *o)
{
	uint32_t any = o->add_path_receive | o->add_path_send;
	if (!any)
		return;
	head(w, BGP_CAP_ADD_PATH, 4 * families_in(any));
	for (unsigned f = 0; f < BGP_FAMILIES; f++)
		if (any >> f & 1) {
			put_family(w, f);
			bgp_put_be(w, (o->add_path_receive >> f & 1) | (o->add_path_send >> f & 1) << 1, 1);
		}
}

static void
write_long_lived(struct bgp_writer *w, const struct bgp_open *o)
{
	if (!o->long_lived)
		return;
	head(w, BGP_CAP_LONG_LIVED, 7 * families_in(o->long_lived));
	for (unsigned f = 0; f < BGP_FAMILIES; f++)
		if (o->long_lived >> f & 1) {
			put_family(w, f);
			bgp_put_be(w, o->graceful_forwarding >> f & 1 ? 0x80 : 0, 1);
			bgp_put_be(w, o->long_lived_time & 0xffffff, 3);
		}
}

/* A domain alone says nothing. */
static void
write_fqdn(struct bgp_writer *w, const struct bgp_open *o)
{
	size_t host = strnlen(o->host, sizeof(o->host) - 1),
	       domain = strnlen(o->domain, sizeof(o->domain) - 1);
	if (!host)
		return;
	head(w, BGP_CAP_FQDN, (unsigned)(2 + host + domain));
	bgp_put_be(w, (uint32_t)host, 1);
	bgp_put(w, o->host, host);
	bgp_put_be(w, (uint32_t)domain, 1);
	bgp_put(w, o->domain, domain);
}

/* --- the rows --- */

#define FLAG(member) NULL, offsetof(struct bgp_open, member)

static const struct capability rows[] = {
    {BGP_CAP_MULTIPROTOCOL, 4, 4, read_multiprotocol, write_multiprotocol, 0},
    {BGP_CAP_ROUTE_REFRESH, 0, 0, read_refresh, FLAG(refresh)},
    {BGP_CAP_EXT_NEXT_HOP, 0, 6, read_ext_next_hop, write_ext_next_hop, 0},
    {BGP_CAP_EXT_MESSAGE, 0, 0, read_ext_message, FLAG(ext_message)},
    {BGP_CAP_ROLE, 1, 1, read_role, write_role, 0},
    {BGP_CAP_GRACEFUL_RESTART, 2, 4, read_graceful, write_graceful, 0},
    {BGP_CAP_AS4, 4, 4, read_as4, write_as4, 0},
    {BGP_CAP_ADD_PATH, 0, 4, read_add_path, write_add_path, 0},
    {BGP_CAP_ENHANCED_REFRESH, 0, 0, read_enhanced_refresh, FLAG(enhanced_refresh)},
    {BGP_CAP_LONG_LIVED, 0, 7, read_long_lived, write_long_lived, 0},
    {BGP_CAP_FQDN, 0, 0, read_fqdn, write_fqdn, 0},
    {BGP_CAP_ROUTE_REFRESH_CISCO, 0, 0, read_refresh, FLAG(refresh)},
};

/* NULL: not known. */
static const struct capability *
row_of(uint8_t code)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].code == code)
			return &rows[i];
	return NULL;
}

/* A length that a row does not allow: single values have min == step and no room for a second. */
static bool
length_wrong(const struct capability *c, size_t len)
{
	if (c->step == 0 || len < c->min)
		return len < c->min;
	return c->min == c->step ? len != c->min : (len - c->min) % c->step != 0;
}

bool
bgp_capabilities_parse(struct wire w, struct bgp_open *o, uint16_t *notify)
{
	while (wire_left(&w)) {
		uint8_t code = wire_u8(&w);
		struct wire value = wire_sub(&w, wire_u8(&w));
		const struct capability *c = row_of(code);

		*notify = BGP_NOTIFY(BGP_ERR_OPEN, 0);
		if (w.failed || (c && length_wrong(c, wire_left(&value))))
			return false;
		o->multiprotocol_any |= code == BGP_CAP_MULTIPROTOCOL;
		*notify = c ? c->read(&value, o) : 0;
		if (*notify)
			return false;
	}
	return true;
}

void
bgp_capabilities_settle(struct bgp_open *o)
{
	if (!o->multiprotocol_any)
		o->families |= 1u << BGP_IPV4_UNICAST;
}

void
bgp_capabilities_write(struct bgp_writer *w, const struct bgp_open *o)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].write)
			rows[i].write(w, o);
		else if (*(const bool *)((const char *)o + rows[i].flag))
			head(w, rows[i].code, 0);
	}
}
