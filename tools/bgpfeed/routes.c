/* The text form of routes. Each line is one UPDATE. */
#include "collector/base/lines.h"
#include "tools/bgpfeed/routes.h"

/* Cuts the next word off; "" when there is none. */
static char *
word(char **rest)
{
	char *begin = *rest + strspn(*rest, " \t");
	char *end = begin + strcspn(begin, " \t");
	*rest = *end ? end + 1 : end;
	*end = 0;
	return begin;
}

/* Numbers between separators; returns how many there are, or -1. */
static int
numbers(const char *text, char separator, uint32_t *out, unsigned max)
{
	unsigned n = 0;
	for (char *end; *text; text = end) {
		unsigned long v = strtoul(text, &end, 10);
		if (end == text || v > UINT32_MAX || n == max || (*end && *end != separator))
			return -1;
		out[n++] = (uint32_t)v;
		end += *end != 0;
	}
	return (int)n;
}

static bool
community(struct said *s, const char *text)
{
	uint32_t v[3];
	int n = numbers(text, ':', v, 3);
	if (n == 2 && v[0] <= UINT16_MAX && v[1] <= UINT16_MAX && s->stds < COMMUNITIES_MAX)
		s->std[s->stds++] = v[0] << 16 | v[1];
	else if (n == 3 && s->larges < LARGE_MAX)
		memcpy(s->large[s->larges++], v, sizeof(v));
	else
		return false;
	return true;
}

static bool
communities(struct said *s, char *text)
{
	for (char *end; *text; text = end) {
		end = text + strcspn(text, ",");
		if (*end)
			*end++ = 0;
		if (!community(s, text))
			return false;
	}
	return true;
}

static bool
append(struct routes *r, const struct said *s, const struct prefix *prefix)
{
	if (r->len + MESSAGE_ROOM > r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 16 * (size_t)MESSAGE_ROOM;
		uint8_t *p = realloc(r->updates, cap);
		if (!p)
			return false;
		r->updates = p;
		r->cap = cap;
	}
	uint8_t nlri[17];
	struct nlri_run run = {.p = nlri, .v6 = !addr_is_v4(&prefix->addr)};
	run.len = (size_t)(nlri_put(nlri, prefix) - nlri);
	r->len = (size_t)(message_announce(r->updates + r->len, s, run) - r->updates);
	r->n++;
	return true;
}

static bool
route(struct routes *r, struct lines *l, char *line, uint32_t local_pref)
{
	struct said s = {.has_local_pref = local_pref != 0, .local_pref = local_pref};
	struct prefix prefix;
	char *text = word(&line);
	if (!prefix_parse(&prefix, text))
		return lines_fail(l, "'%s' is not a prefix", text);
	text = word(&line);
	if (!addr_parse(&s.next_hop, text) || addr_is_v4(&s.next_hop) != addr_is_v4(&prefix.addr))
		return lines_fail(l, "'%s' is not a next hop of that family", text);
	text = word(&line);
	int hops = strcmp(text, "-") == 0 ? 0 : numbers(text, ',', s.path, PATH_MAX_AS);
	if (hops < 0 || !*text)
		return lines_fail(l, "'%s' is not an AS path such as 65010,65020", text);
	s.hops = (unsigned)hops;
	text = word(&line);
	if (!communities(&s, text))
		return lines_fail(l, "communities are such as 65010:100,65010:1:2");
	return append(r, &s, &prefix) || lines_fail(l, "out of memory");
}

bool
routes_read(struct routes *r, const char *path, uint32_t local_pref, char *err, size_t errlen)
{
	struct lines l;
	if (!lines_open(&l, path, err, errlen))
		return false;
	for (char *line = lines_next(&l); line && route(r, &l, line, local_pref);)
		line = lines_next(&l);
	return lines_close(&l);
}

void
routes_free(struct routes *r)
{
	free(r->updates);
}
