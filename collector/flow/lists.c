/* Lists of numbers: bitmaps, since the largest has 65,536 values and is asked twice a flow. */
#include "collector/flow/lists.h"

#include "collector/base/lines.h"
#include "collector/flow/value.h"

/* A kind is a row: the largest value, and the words of the error message. */
static const struct {
	uint16_t max;
	const char *what;
} kinds[LIST_KINDS] = {
    [LIST_PORTS] = {UINT16_MAX, "a port (0 to 65535)"},
    [LIST_PROTOS] = {UINT8_MAX, "a protocol (a name such as tcp, or 0 to 255)"},
    [LIST_TOS] = {UINT8_MAX, "a type of service (0 to 255)"},
};

/* Digits and nothing else. Leading zeros are let pass; the value is compared in every step, so it cannot
 * wrap. */
static bool
number_parse(uint16_t *value, const char *s, uint16_t max)
{
	unsigned v = 0;
	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = 10 * v + (unsigned)(*s - '0');
		if (v > max)
			return false;
	}
	*value = (uint16_t)v;
	return true;
}

/* Protocols also by name, as pmacct prints them (value.h). */
static bool
value_read(uint16_t *value, const char *s, enum list_kind kind)
{
	uint8_t proto;
	if (kind != LIST_PROTOS)
		return number_parse(value, s, kinds[kind].max);
	bool ok = proto_parse(&proto, s);
	*value = ok ? proto : 0;
	return ok;
}

/* The first bad line ends the reading and the list is refused as a whole: half a list would fold away
 * traffic that the operator meant to see. Values that stand twice do no harm. */
struct list *
list_load(const char *path, enum list_kind kind, char *err, size_t errlen)
{
	struct lines in;
	struct list *l = calloc(1, sizeof(*l));
	if (!l) {
		snprintf(err, errlen, "%s: out of memory", path);
		return NULL;
	}
	if (!lines_open(&in, path, err, errlen)) {
		free(l);
		return NULL;
	}
	for (char *s; (s = lines_next(&in));) {
		uint16_t v;
		/* a bit each: a value that stands twice is set twice */
		if (value_read(&v, s, kind))
			l->word[v / 64] |= 1ULL << (v % 64);
		else
			lines_fail(&in, "'%.60s' is not %s", s, kinds[kind].what);
	}
	if (lines_close(&in))
		return l;
	free(l);
	return NULL;
}

/* NULL is let pass. */
void
list_free(struct list *l)
{
	free(l);
}
