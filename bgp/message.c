/* Messages but UPDATE: a row per message type for its lengths, a row per error for its words.
 *
 * Reading never guesses: what RFC 4271, 6.1 and 6.2 call an error is one here, with the code, subcode and
 * data that these sections name, and what they leave open is accepted. */
#include "bgp/capability.h"

#define MARKER_BYTES	    16
#define OPEN_BYTES	    29 /* with the header, without parameters */
#define BGP_VERSION	    4
#define PARAM_CAPABILITY    2
#define PARAM_EXTENDED	    255 /* RFC 9072, 2 */
#define NOTIFICATION_BYTES  21
#define COMMUNICATION_BYTES 255 /* RFC 9003, 2 */

struct message_row {
	uint16_t min, max; /* of the whole message; max 0: what was agreed on (RFC 8654, 4) */
};

/* RFC 4271, 6.1; RFC 2918, 3. OPEN and KEEPALIVE never become long (RFC 8654, 4). */
static const struct message_row message_rows[] = {
    [BGP_OPEN] = {OPEN_BYTES, BGP_MESSAGE_MAX},
    [BGP_UPDATE] = {23, 0},
    [BGP_NOTIFICATION] = {NOTIFICATION_BYTES, 0},
    [BGP_KEEPALIVE] = {BGP_HEADER_BYTES, BGP_HEADER_BYTES},
    [BGP_ROUTE_REFRESH] = {23, 0},
};

/* --- errors by name --- */

struct error_row {
	uint16_t code;
	const char *name;
	bool communication; /* the data are a shutdown communication */
};

#define ERROR(code, subcode, name)                                                                           \
	{                                                                                                    \
		BGP_NOTIFY(BGP_ERR_##code, subcode), name, false                                             \
	}
#define ERROR_TEXT(code, subcode, name)                                                                      \
	{                                                                                                    \
		BGP_NOTIFY(BGP_ERR_##code, subcode), name, true                                              \
	}

/* The names are those of IANA's registries. Subcode 0 names the code alone. */
static const struct error_row error_rows[] = {
    ERROR(HEADER, 0, "Message Header Error"),
    ERROR(HEADER, 1, "Message Header Error/Connection Not Synchronized"),
    ERROR(HEADER, 2, "Message Header Error/Bad Message Length"),
    ERROR(HEADER, 3, "Message Header Error/Bad Message Type"),
    ERROR(OPEN, 0, "OPEN Message Error"),
    ERROR(OPEN, 1, "OPEN Message Error/Unsupported Version Number"),
    ERROR(OPEN, 2, "OPEN Message Error/Bad Peer AS"),
    ERROR(OPEN, 3, "OPEN Message Error/Bad BGP Identifier"),
    ERROR(OPEN, 4, "OPEN Message Error/Unsupported Optional Parameter"),
    ERROR(OPEN, 6, "OPEN Message Error/Unacceptable Hold Time"),
    ERROR(OPEN, 7, "OPEN Message Error/Unsupported Capability"),
    ERROR(OPEN, 11, "OPEN Message Error/Role Mismatch"),
    ERROR(UPDATE, 0, "UPDATE Message Error"),
    ERROR(UPDATE, 1, "UPDATE Message Error/Malformed Attribute List"),
    ERROR(UPDATE, 2, "UPDATE Message Error/Unrecognized Well-known Attribute"),
    ERROR(UPDATE, 3, "UPDATE Message Error/Missing Well-known Attribute"),
    ERROR(UPDATE, 4, "UPDATE Message Error/Attribute Flags Error"),
    ERROR(UPDATE, 5, "UPDATE Message Error/Attribute Length Error"),
    ERROR(UPDATE, 6, "UPDATE Message Error/Invalid ORIGIN Attribute"),
    ERROR(UPDATE, 8, "UPDATE Message Error/Invalid NEXT_HOP Attribute"),
    ERROR(UPDATE, 9, "UPDATE Message Error/Optional Attribute Error"),
    ERROR(UPDATE, 10, "UPDATE Message Error/Invalid Network Field"),
    ERROR(UPDATE, 11, "UPDATE Message Error/Malformed AS_PATH"),
    ERROR(HOLD_TIMER, 0, "Hold Timer Expired"),
    ERROR(FSM, 0, "Finite State Machine Error"),
    ERROR(FSM, 1, "Finite State Machine Error/Unexpected Message in OpenSent State"),
    ERROR(FSM, 2, "Finite State Machine Error/Unexpected Message in OpenConfirm State"),
    ERROR(FSM, 3, "Finite State Machine Error/Unexpected Message in Established State"),
    ERROR(CEASE, 0, "Cease"),
    ERROR(CEASE, 1, "Cease/Maximum Number of Prefixes Reached"),
    ERROR_TEXT(CEASE, 2, "Cease/Administrative Shutdown"),
    ERROR(CEASE, 3, "Cease/Peer De-configured"),
    ERROR_TEXT(CEASE, 4, "Cease/Administrative Reset"),
    ERROR(CEASE, 5, "Cease/Connection Rejected"),
    ERROR(CEASE, 6, "Cease/Other Configuration Change"),
    ERROR(CEASE, 7, "Cease/Connection Collision Resolution"),
    ERROR(CEASE, 8, "Cease/Out of Resources"),
    ERROR(CEASE, 9, "Cease/Hard Reset"),
    ERROR(CEASE, 10, "Cease/BFD Down"),
    ERROR(ROUTE_REFRESH, 0, "ROUTE-REFRESH Message Error"),
    ERROR(ROUTE_REFRESH, 1, "ROUTE-REFRESH Message Error/Invalid Message Length"),
    {BGP_NOTIFY(8, 0), "Send Hold Timer Expired", false}, /* RFC 9687 */
};

/* NULL: no name for exactly this code and subcode. */
static const struct error_row *
error_row(uint16_t code)
{
	for (unsigned i = 0; i < ARRAY_SIZE(error_rows); i++)
		if (error_rows[i].code == code)
			return &error_rows[i];
	return NULL;
}

const char *
bgp_error_name(uint16_t code)
{
	const struct error_row *r = error_row(code);
	if (!r)
		r = error_row(code & 0xff00);
	return r ? r->name : "unknown error";
}

/* --- the header --- */

/* n octets of data, 0 to 2, the lower ones of value. Returns what bgp_header_parse is to return. */
static int
header_error(uint16_t *notify, unsigned subcode, uint8_t data[2], unsigned *data_len, uint16_t value,
	     unsigned n)
{
	*notify = BGP_NOTIFY(BGP_ERR_HEADER, subcode);
	*data_len = n;
	data[0] = n == 2 ? (uint8_t)(value >> 8) : (uint8_t)value;
	data[1] = (uint8_t)value;
	return -1;
}

/* Lengths are judged in the order of RFC 4271, 6.1: what no message may have, then what this one may not. */
int
bgp_header_parse(const uint8_t *p, size_t len, bool long_messages, enum bgp_message *type, uint16_t *notify,
		 uint8_t data[2], unsigned *data_len)
{
	struct wire w = wire_over(p, len);
	uint64_t marker = wire_u64(&w) & wire_u64(&w);
	uint16_t length = wire_u16(&w), most = long_messages ? BGP_MESSAGE_MAX_LONG : BGP_MESSAGE_MAX;
	uint8_t code = wire_u8(&w);

	if (w.failed)
		return 0;
	if (marker != UINT64_MAX)
		return header_error(notify, 1, data, data_len, 0, 0);
	if (length < BGP_HEADER_BYTES || length > most)
		return header_error(notify, 2, data, data_len, length, 2);
	if (code >= ARRAY_SIZE(message_rows) || message_rows[code].min == 0)
		return header_error(notify, 3, data, data_len, code, 1);
	if (message_rows[code].max)
		most = message_rows[code].max;
	if (length < message_rows[code].min || length > most)
		return header_error(notify, 2, data, data_len, length, 2);
	*type = (enum bgp_message)code;
	return length;
}

/* The header, its length still to come. */
static struct bgp_writer
begin(uint8_t *buf, size_t cap, enum bgp_message type)
{
	struct bgp_writer w = {buf, buf + cap, false};
	static const uint8_t marker[MARKER_BYTES] = {255, 255, 255, 255, 255, 255, 255, 255,
						     255, 255, 255, 255, 255, 255, 255, 255};
	bgp_put(&w, marker, sizeof(marker));
	bgp_put_be(&w, 0, 2);
	bgp_put_be(&w, type, 1);
	return w;
}

/* Fills in the length; 0 when the message did not fit. */
static size_t
finish(struct bgp_writer *w, uint8_t *buf)
{
	size_t n = (size_t)(w->pos - buf);
	if (w->failed)
		return 0;
	buf[MARKER_BYTES] = (uint8_t)(n >> 8);
	buf[MARKER_BYTES + 1] = (uint8_t)n;
	return n;
}

/* --- OPEN --- */

/* The optional parameters, in the form of RFC 4271 or in that of RFC 9072: there a type of 255 stands in
 * front of the true length in two octets, and so have the parameters. */
static bool
params(struct wire w, size_t n, struct bgp_open *o, uint16_t *notify)
{
	bool extended = n != 0 && wire_left(&w) >= 3 && w.pos[0] == PARAM_EXTENDED;

	if (extended) {
		wire_skip(&w, 1);
		n = wire_u16(&w);
	}
	*notify = BGP_NOTIFY(BGP_ERR_OPEN, 0);
	if (wire_left(&w) != n)
		return false;
	while (wire_left(&w)) {
		uint8_t type = wire_u8(&w);
		struct wire value = wire_sub(&w, extended ? wire_u16(&w) : wire_u8(&w));
		*notify = BGP_NOTIFY(BGP_ERR_OPEN, w.failed ? 0 : 4);
		if (w.failed || type != PARAM_CAPABILITY || !bgp_capabilities_parse(value, o, notify))
			return false;
	}
	return true;
}

/* RFC 4271, 6.2 names an error for each field; where several are wrong the first in the message counts. */
bool
bgp_open_parse(struct bgp_open *o, const uint8_t *body, size_t len, uint16_t *notify)
{
	struct wire w = wire_over(body, len);
	unsigned wrong = 0;

	memset(o, 0, sizeof(*o));
	o->role = -1;
	uint8_t version = wire_u8(&w);
	o->as = o->as2 = wire_u16(&w);
	o->hold_time = wire_u16(&w);
	o->id = wire_u32(&w);
	uint8_t n = wire_u8(&w);
	if (version != BGP_VERSION && !w.failed)
		wrong = 1;
	else if (o->as2 == 0)
		wrong = 2;
	else if (o->id == 0) /* RFC 6286, 2.2 */
		wrong = 3;
	else if (o->hold_time == 1 || o->hold_time == 2)
		wrong = 6;
	*notify = BGP_NOTIFY(BGP_ERR_OPEN, wrong);
	if (w.failed || wrong || !params(w, n, o, notify))
		return false;
	bgp_capabilities_settle(o);
	*notify = 0;
	return true;
}

unsigned
bgp_open_error_data(uint16_t notify, uint8_t data[2])
{
	if (notify != BGP_NOTIFY(BGP_ERR_OPEN, 1))
		return 0;
	data[0] = 0;
	data[1] = BGP_VERSION;
	return 2;
}

/* One parameter holds all capabilities, in the form of RFC 4271 while they fit: not all peers know the other.
 */
size_t
bgp_open_write(uint8_t *buf, size_t cap, const struct bgp_open *o)
{
	uint8_t caps[2048];
	struct bgp_writer c = {caps, caps + sizeof(caps), false};
	struct bgp_writer w = begin(buf, cap < BGP_MESSAGE_MAX ? cap : BGP_MESSAGE_MAX, BGP_OPEN);

	bgp_capabilities_write(&c, o);
	size_t n = (size_t)(c.pos - caps);
	bgp_put_be(&w, BGP_VERSION, 1);
	bgp_put_be(&w, o->as > UINT16_MAX ? BGP_AS_TRANS : o->as, 2);
	bgp_put_be(&w, o->hold_time, 2);
	bgp_put_be(&w, o->id, 4);
	if (n == 0) {
		bgp_put_be(&w, 0, 1);
	} else if (n + 2 < PARAM_EXTENDED) {
		bgp_put_be(&w, (uint32_t)n + 2, 1);
		bgp_put_be(&w, PARAM_CAPABILITY, 1);
		bgp_put_be(&w, (uint32_t)n, 1);
	} else {
		bgp_put_be(&w, PARAM_EXTENDED << 8 | PARAM_EXTENDED, 2);
		bgp_put_be(&w, (uint32_t)n + 3, 2);
		bgp_put_be(&w, PARAM_CAPABILITY, 1);
		bgp_put_be(&w, (uint32_t)n, 2);
	}
	bgp_put(&w, caps, n);
	w.failed |= c.failed;
	return finish(&w, buf);
}

/* --- the small ones --- */

size_t
bgp_keepalive_write(uint8_t *buf)
{
	struct bgp_writer w = begin(buf, BGP_HEADER_BYTES, BGP_KEEPALIVE);
	return finish(&w, buf);
}

size_t
bgp_notification_write(uint8_t *buf, uint16_t code, const void *data, size_t n)
{
	struct bgp_writer w = begin(buf, BGP_MESSAGE_MAX, BGP_NOTIFICATION);
	size_t most = BGP_MESSAGE_MAX - NOTIFICATION_BYTES;

	bgp_put_be(&w, code, 2);
	bgp_put(&w, data, n < most ? n : most);
	return finish(&w, buf);
}

size_t
bgp_refresh_write(uint8_t *buf, enum bgp_family family)
{
	struct bgp_writer w = begin(buf, BGP_HEADER_BYTES + 4, BGP_ROUTE_REFRESH);
	bgp_put_be(&w, bgp_family_rows[family].afi, 2);
	bgp_put_be(&w, bgp_family_rows[family].safi, 2);
	return finish(&w, buf);
}

size_t
bgp_end_of_rib_write(uint8_t *buf, enum bgp_family family)
{
	struct bgp_writer w = begin(buf, BGP_HEADER_BYTES + 11, BGP_UPDATE);
	bool plain = family == BGP_IPV4_UNICAST;
	bgp_put_be(&w, 0, 2);
	bgp_put_be(&w, plain ? 0 : 6, 2);
	if (!plain) {
		bgp_put_be(&w, 0x80 << 16 | BGP_ATTR_MP_UNREACH << 8 | 3, 3);
		bgp_put_be(&w, bgp_family_rows[family].afi, 2);
		bgp_put_be(&w, bgp_family_rows[family].safi, 1);
	}
	return finish(&w, buf);
}

/* A request may be longer, with filters (RFC 5291) that a mere listener has no use for; begin and end of
 * RFC 7313 may not (section 5). */
bool
bgp_refresh_parse(const uint8_t *body, size_t len, enum bgp_family *family, uint8_t *subtype,
		  uint16_t *notify)
{
	struct wire w = wire_over(body, len);
	uint16_t afi = wire_u16(&w);
	uint8_t kind = wire_u8(&w), safi = wire_u8(&w);

	*notify = BGP_NOTIFY(BGP_ERR_ROUTE_REFRESH, 1);
	if (w.failed || ((kind == 1 || kind == 2) && wire_left(&w)))
		return false;
	*family = bgp_family_of(afi, safi);
	*subtype = kind;
	*notify = 0;
	return true;
}

/* --- NOTIFICATION for people --- */

/* Text is appended at *at; always ends with a NUL. */
static void
say(char *buf, size_t n, size_t *at, const char *s)
{
	int more = *at < n ? snprintf(buf + *at, n - *at, "%s", s) : 0;
	*at += more > 0 ? (size_t)more : 0;
	if (*at >= n)
		*at = n ? n - 1 : 0;
}

/* The registered name, or the numbers where there is none. */
static void
say_name(char *buf, size_t n, size_t *at, uint16_t code)
{
	char number[32];

	say(buf, n, at, bgp_error_name(code));
	if (error_row(code))
		return;
	if (error_row(code & 0xff00))
		snprintf(number, sizeof(number), "/subcode %u", code & 0xff);
	else
		snprintf(number, sizeof(number), " %u/%u", code >> 8, code & 0xff);
	say(buf, n, at, number);
}

/* RFC 9003, 2: one octet of length, then UTF-8. */
static void
say_communication(char *buf, size_t n, size_t *at, struct wire data)
{
	char text[COMMUNICATION_BYTES + 1];
	struct wire said = wire_sub(&data, wire_u8(&data));

	if (wire_left(&said) == 0)
		return;
	bool clean = bgp_clean_text(text, sizeof(text), said.pos, wire_left(&said));
	say(buf, n, at, clean ? ": " : ": (text that is not UTF-8)");
	say(buf, n, at, text);
}

/* The first sixteen octets: more is seldom sent, and nobody reads it in a log. */
static void
say_data(char *buf, size_t n, size_t *at, struct wire data)
{
	char octet[12];

	for (unsigned i = 0; i < 16 && wire_left(&data); i++) {
		snprintf(octet, sizeof(octet), "%s%02x", i ? " " : " (data ", wire_u8(&data));
		say(buf, n, at, octet);
	}
	say(buf, n, at, wire_left(&data) ? " ...)" : ")");
}

void
bgp_notification_text(char *buf, size_t n, const uint8_t *body, size_t len)
{
	struct wire w = wire_over(body, len);
	uint16_t code = wire_u16(&w);
	size_t at = 0;

	if (n)
		buf[0] = '\0';
	if (w.failed) {
		say(buf, n, &at, "a notification without a code");
		return;
	}
	say_name(buf, n, &at, code);
	/* RFC 8538, 3: what a hard reset is for stands inside it, once */
	if (code == BGP_NOTIFY(BGP_ERR_CEASE, 9) && wire_left(&w) >= 2) {
		code = wire_u16(&w);
		say(buf, n, &at, ": ");
		say_name(buf, n, &at, code);
	}
	const struct error_row *r = error_row(code);
	if (r && r->communication)
		say_communication(buf, n, &at, w);
	else if (wire_left(&w))
		say_data(buf, n, &at, w);
}

/* --- what both agree on --- */

struct bgp_rules
bgp_rules_of(const struct bgp_open *ours, const struct bgp_open *theirs)
{
	uint32_t families = ours->families & theirs->families;
	return (struct bgp_rules){
	    .as4 = ours->as4 && theirs->as4,
	    .ebgp = ours->as != theirs->as,
	    .families = families,
	    .add_path = families & ours->add_path_receive & theirs->add_path_send,
	    .ext_next_hop = families & ours->ext_next_hop & theirs->ext_next_hop,
	};
}
