/* A line is words of the form key=value; each key has a row with the function that reads its value. Which
 * keys go together is checked when the line is complete. */
#include "collector/flow/custom.h"

#include <ctype.h>
#include <strings.h>

#include "collector/base/nearest.h"

#define NAME_LEN_MAX 64
#define WORD_LEN_MAX 127

/* A line being read. Thrown away when the line is refused, so that a definition is complete or not there. */
struct entry {
	struct custom_definition def;
	char name[NAME_LEN_MAX + 1];
	unsigned seen; /* bits by index of key_info */
	char *err;
	size_t errlen;
};

/* Decimal, or hexadecimal with 0x as Ethernet types are written. No sign, no blanks, no octal: 010 is ten. */
static bool
parse_number(const char *text, unsigned long max, unsigned long *v)
{
	char *end;

	*v = strtoul(text, &end, strncasecmp(text, "0x", 2) == 0 ? 16 : 10);
	return isdigit((unsigned char)*text) && !*end && *v <= max;
}

/* The index of text in a list of names, or -1. Case does not matter. */
static int
name_index(const char *const *names, unsigned n, const char *text)
{
	for (unsigned i = 0; i < n; i++)
		if (strcasecmp(names[i], text) == 0)
			return (int)i;
	return -1;
}

/* A name becomes a JSON key, a CSV header and an SQL column as it stands, hence the few characters: nothing
 * of it needs quoting anywhere. */
static bool
read_name(struct entry *e, const char *value)
{
	size_t n = strlen(value);

	if (n == 0 || n > NAME_LEN_MAX) {
		snprintf(e->err, e->errlen, "name has 1 to %d characters", NAME_LEN_MAX);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)value[i]) && !strchr("_-.:", value[i])) {
			snprintf(e->err, e->errlen,
				 "name=%s: only letters, digits and _ - . : can stand in a name", value);
			return false;
		}
	memcpy(e->name, value, n + 1);
	return true;
}

/* PEN 0 is the IANA registry (RFC 7011, 3.2), which is also what a missing PEN means. Element 0 is reserved
 * there. */
static bool
read_field_type(struct entry *e, const char *value)
{
	const char *colon = strchr(value, ':');
	char pen[WORD_LEN_MAX + 1] = "0";
	unsigned long number, element;

	if (colon)
		snprintf(pen, sizeof(pen), "%.*s", (int)(colon - value), value);
	if (!parse_number(pen, UINT32_MAX, &number) ||
	    !parse_number(colon ? colon + 1 : value, UINT16_MAX, &element) || element == 0) {
		snprintf(e->err, e->errlen, "field_type=%s: expected [PEN:]ELEMENT, such as 234 or 9:12235",
			 value);
		return false;
	}
	/* both checked above: the casts lose nothing */
	e->def.pen = (uint32_t)number;
	e->def.element = (uint16_t)element;
	return true;
}

/* "layer[:proto][+offset]" Parts are collected first and read afterwards: "l3:0x800+8" is layer, protocol,
 * offset. Protocols up to 16 bits, so ports and Ethernet types fit. */
static bool
parse_pointer(struct custom_pointer *p, const char *value)
{
	static const char *const layers[] = {
	    [CUSTOM_LAYER_PACKET] = "packet",	[CUSTOM_LAYER_MAC] = "mac", [CUSTOM_LAYER_VLAN] = "vlan",
	    [CUSTOM_LAYER_MPLS] = "mpls",	[CUSTOM_LAYER_L3] = "l3",   [CUSTOM_LAYER_L4] = "l4",
	    [CUSTOM_LAYER_PAYLOAD] = "payload",
	};
	char part[3][16] = {"", "", "0"}; /* layer, proto, offset */
	unsigned long proto = 0, offset;
	bool proto_given = false;
	unsigned at = 0;
	size_t n = 0;

	/* a colon behind the first and a plus behind the second are part of a word, which then is no number
	 */
	for (; *value; value++) {
		if ((*value == ':' && at == 0) || (*value == '+' && at < 2)) {
			at = *value == ':' ? 1 : 2;
			proto_given |= at == 1;
			n = 0;
			part[at][0] = '\0';
			continue;
		}
		/* no layer, protocol or offset is that long */
		if (n + 1 == sizeof(part[0]))
			return false;
		part[at][n++] = *value;
		part[at][n] = '\0';
	}
	int layer = name_index(layers, ARRAY_SIZE(layers), part[0]);
	p->any_proto = !proto_given;
	if (layer < 0 || (!p->any_proto && !parse_number(part[1], UINT16_MAX, &proto)) ||
	    !parse_number(part[2], UINT16_MAX, &offset))
		return false;
	p->layer = (enum custom_layer)layer;
	p->proto = (uint16_t)proto;
	p->offset = (uint16_t)offset;
	return true;
}

/* Order counts: the decoder takes the first pointer whose layer and protocol a packet has. */
static bool
read_packet_ptr(struct entry *e, const char *value)
{
	if (e->def.pointers == CUSTOM_POINTERS_MAX) {
		snprintf(e->err, e->errlen, "more than %d packet_ptr in one line", CUSTOM_POINTERS_MAX);
		return false;
	}
	if (!parse_pointer(&e->def.pointer[e->def.pointers], value)) {
		snprintf(e->err, e->errlen,
			 "packet_ptr=%s: expected LAYER[:PROTO][+OFFSET], such as l3:0x800+8; a layer is "
			 "packet, mac, "
			 "vlan, mpls, l3, l4 or payload",
			 value);
		return false;
	}
	e->def.pointers++;
	return true;
}

/* vlen is stored as 0. One byte holds the length, as in the file format; what fits the semantics is checked
 * with the row. */
static bool
read_len(struct entry *e, const char *value)
{
	unsigned long n = 0;

	if (strcasecmp(value, "vlen") != 0 && (!parse_number(value, UINT8_MAX, &n) || n == 0)) {
		snprintf(e->err, e->errlen, "len=%s: expected 1 to 255 bytes, or vlen", value);
		return false;
	}
	e->def.len = (uint8_t)n;
	return true;
}

/* Without this key a value is a u_int, as in pmacct. */
static bool
read_semantics(struct entry *e, const char *value)
{
	static const char *const names[] = {
	    [CUSTOM_UINT] = "u_int", [CUSTOM_HEX] = "hex", [CUSTOM_IP] = "ip",
	    [CUSTOM_MAC] = "mac",    [CUSTOM_STR] = "str", [CUSTOM_RAW] = "raw",
	};
	int i = name_index(names, ARRAY_SIZE(names), value);

	if (i < 0) {
		snprintf(e->err, e->errlen, "semantics=%s: expected u_int, hex, ip, mac, str or raw", value);
		return false;
	}
	e->def.semantics = (enum custom_semantics)i;
	return true;
}

/* The keys of a line: a new key is a row and a function. Indices are the bits of entry.seen. */
static const struct {
	const char *key;
	bool (*read)(struct entry *e, const char *value);
	bool needed;
	bool repeats;
} key_info[] = {
    {"name", read_name, true, false},
    {"field_type", read_field_type, false, false},
    {"packet_ptr", read_packet_ptr, false, true},
    {"len", read_len, true, false},
    {"semantics", read_semantics, false, false},
};

/* The nearest key by letters; when none is near, all of them, since there are only five. */
static bool
refuse_key(struct entry *e, const char *key)
{
	unsigned best = 0;

	for (unsigned i = 1; i < ARRAY_SIZE(key_info); i++)
		if (word_distance(key, key_info[i].key) < word_distance(key, key_info[best].key))
			best = i;
	if (word_near(key, word_distance(key, key_info[best].key)))
		snprintf(e->err, e->errlen, "unknown key '%s'; did you mean '%s'?", key, key_info[best].key);
	else
		snprintf(e->err, e->errlen,
			 "unknown key '%s'; there are name, field_type, packet_ptr, len and semantics", key);
	return false;
}

/* One key=value of a line. Keys do not repeat, but for packet_ptr; a later value silently winning would
 * hide a slip. */
static bool
read_word(struct entry *e, const char *text, size_t n)
{
	char word[WORD_LEN_MAX + 1];

	if (n > WORD_LEN_MAX) {
		snprintf(e->err, e->errlen, "'%.20s...' is longer than %d characters", text, WORD_LEN_MAX);
		return false;
	}
	memcpy(word, text, n);
	word[n] = '\0';
	char *value = strchr(word, '=');
	if (!value) {
		snprintf(e->err, e->errlen, "'%s': expected key=value", word);
		return false;
	}
	*value++ = '\0';
	for (unsigned i = 0; i < ARRAY_SIZE(key_info); i++) {
		if (strcasecmp(key_info[i].key, word) != 0)
			continue;
		/* the bit stands for the row of the table */
		if (e->seen & 1u << i && !key_info[i].repeats) {
			snprintf(e->err, e->errlen, "%s stands twice", word);
			return false;
		}
		e->seen |= 1u << i;
		return key_info[i].read(e, value);
	}
	return refuse_key(e, word);
}

/* What one key cannot know of the others. Lengths are checked by primitive_add_custom. Missing keys first,
 * in the order of the table: one message a line. */
static bool
check_whole(struct entry *e)
{
	enum custom_semantics sem = e->def.semantics;

	for (unsigned i = 0; i < ARRAY_SIZE(key_info); i++)
		if (key_info[i].needed && !(e->seen & 1u << i)) {
			snprintf(e->err, e->errlen, "%s= is missing", key_info[i].key);
			return false;
		}
	if (!e->def.element && !e->def.pointers)
		snprintf(e->err, e->errlen, "%s: field_type= or packet_ptr= is missing", e->name);
	else if (e->def.len == 0 && sem != CUSTOM_STR && sem != CUSTOM_RAW)
		snprintf(e->err, e->errlen, "%s: only str and raw can have len=vlen", e->name);
	else
		return true;
	return false;
}

/* How many definitions before this one name the same element: its place among the occurrences in a record.
 * Pointers into packets have none. */
static uint8_t
occurrence(const struct custom_list *list, const struct custom_definition *def)
{
	uint8_t n = 0;

	for (unsigned i = 0; i < list->n; i++)
		n += def->element && list->def[i].element == def->element && list->def[i].pen == def->pen;
	return n;
}

/* The row is added last, when nothing can fail any more: rows cannot be taken back. */
bool
custom_load_line(struct custom_list *list, const char *line, char *err, size_t errlen)
{
	struct entry e = {.def = {.semantics = CUSTOM_UINT}, .err = err, .errlen = errlen};

	line += strspn(line, " \t\r");
	if (!*line || *line == '!' || *line == '#')
		return true;
	while (*line) {
		size_t n = strcspn(line, " \t\r");
		if (!read_word(&e, line, n))
			return false;
		line += n;
		line += strspn(line, " \t\r");
	}
	if (!check_whole(&e))
		return false;
	e.def.id = primitive_add_custom(e.name, e.def.len, e.def.semantics, err, errlen);
	if (e.def.id == PRIMITIVE_NULL)
		return false;
	e.def.occurrence = occurrence(list, &e.def);
	list->def[list->n++] = e.def;
	return true;
}
