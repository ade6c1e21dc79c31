/* A name is made once per file and purge, not per row, so the pattern is simply walked.
 *
 * Two stages. Parsing checks the letters, puts in what is configured and notes which values of a row matter
 * (the flags in struct outname), so that a row's values that do not matter can be zeroed and equal names
 * found without making them. Formatting walks what is left.
 *
 * Names come from configuration alone but for the row's own numbers and address, neither of which can hold a
 * slash: a record cannot name a path outside the configured folder. */
#include "collector/base/outname.h"

#include <ctype.h>
#include <time.h>

/* Moments between two times at which a name is looked at; see outname_same_time(). */
#define LOOKS 8

/* What strftime() knows beyond these depends on the locale or holds blanks and slashes. */
static const char time_letters[] = "dHmMsSwWYz";

/* Those up to VAR_TAG2 depend on the row, the rest on the configuration. */
enum variable {
	VAR_TZONE,
	VAR_PEER,
	VAR_PORT,
	VAR_TAG,
	VAR_TAG2,
	VAR_REF,
	VAR_HST,
	VAR_POST_TAG,
	VAR_POST_TAG2,
	VARIABLES
};

static const char *const variable_name[VARIABLES] = {
    [VAR_TZONE] = "tzone", [VAR_PEER] = "peer_src_ip",	[VAR_PORT] = "peer_tcp_port",
    [VAR_TAG] = "tag",	   [VAR_TAG2] = "tag2",		[VAR_REF] = "ref",
    [VAR_HST] = "hst",	   [VAR_POST_TAG] = "post_tag", [VAR_POST_TAG2] = "post_tag2",
};

/* The variable whose name stands at p, and its length; VARIABLES when there is none. The whole word must
 * match, or what is left of it begins with an underscore. */
static enum variable
find_variable(const char *p, size_t *len)
{
	enum variable best = VARIABLES;

	*len = 0;
	for (unsigned v = 0; v < VARIABLES; v++) {
		size_t n = strlen(variable_name[v]);
		/* the longest wins: $post_tag2 is not $post_tag and a 2 */
		if (n > *len && strncmp(p, variable_name[v], n) == 0 && !isalnum((unsigned char)p[n])) {
			best = v;
			*len = n;
		}
	}
	return best;
}

/* A configured value goes into the pattern once and for all; what a row decides is only noted. */
static bool
add_variable(struct outname *name, struct text *out, enum variable v, size_t len,
	     const struct outname_fixed *fixed)
{
	switch (v) {
	case VAR_REF:
		text_u64(out, fixed->refresh);
		return true;
	case VAR_HST:
		text_u64(out, fixed->history);
		return true;
	case VAR_POST_TAG:
		text_u64(out, fixed->post_tag);
		return true;
	case VAR_POST_TAG2:
		text_u64(out, fixed->post_tag2);
		return true;
	case VAR_TZONE:
		name->time = true;
		break;
	case VAR_PEER:
		name->peer_src_ip = true;
		break;
	case VAR_PORT:
		name->peer_tcp_port = true;
		break;
	case VAR_TAG:
		name->tag = true;
		break;
	case VAR_TAG2:
		name->tag2 = true;
		break;
	default:
		return false;
	}
	text_char(out, '$');
	text_add(out, variable_name[v], len);
	return true;
}

/* Rejects what strftime() would take but pmacct does not know, so a typing error shows at the start and not
 * as a strange file name. */
bool
outname_parse(struct outname *name, const char *pattern, const struct outname_fixed *fixed, char *err,
	      size_t errlen)
{
	struct text out = {0};
	size_t len = 0;

	*name = (struct outname){.utc = fixed->utc};
	for (const char *p = pattern; *p; p++) {
		enum variable v = *p == '$' ? find_variable(p + 1, &len) : VARIABLES;
		if (*p == '%' && p[1] != '%') {
			if (!p[1] || !strchr(time_letters, p[1])) {
				snprintf(err, errlen,
					 "'%s': '%%%.1s' is not supported; times are %%d %%H %%m %%M %%s "
					 "%%S %%w %%W %%Y %%z, and %%%% is a percent sign",
					 pattern, p + 1);
				text_free(&out);
				return false;
			}
			name->time = true;
		}
		/* the pair goes through as it is, also "%%": formatting makes one sign of it */
		if (*p == '%') {
			text_add(&out, p, 2);
			p++;
		} else if (v != VARIABLES && add_variable(name, &out, v, len, fixed)) {
			p += len;
		} else {
			text_char(&out, *p);
		}
	}
	text_cstr(&out);
	name->pattern = out.data;
	return true;
}

/* Safe on a name that was never parsed. */
void
outname_free(struct outname *name)
{
	free(name->pattern);
	name->pattern = NULL;
}

/* As RFC 3339 writes it: Z or +hh:mm. %z stays strftime's +hhmm. */
static void
put_tzone(struct text *out, const struct tm *tm)
{
	long minutes = tm->tm_gmtoff / 60;

	if (minutes == 0) {
		text_char(out, 'Z');
		return;
	}
	text_char(out, minutes < 0 ? '-' : '+');
	minutes = labs(minutes);
	text_printf(out, "%02ld:%02ld", minutes / 60, minutes % 60);
}

/* Dots and colons of an address become underscores. */
static void
put_peer(struct text *out, const struct addr *peer)
{
	/* an address may stand in a file name, but "::1" would be hard to type */
	char address[ADDR_TEXT_MAX];

	addr_format(address, peer);
	for (char *p = address; *p; p++) {
		if (*p == '.' || *p == ':')
			*p = '_';
	}
	text_str(out, address[0] ? address : "null");
}

/* One letter at a time: strftime() on the whole pattern would also read percent signs that came in with a
 * configured value. */
static void
put_time(struct text *out, char letter, const struct tm *tm, uint64_t seconds)
{
	const char format[] = {'%', letter, '\0'};
	char buf[64];

	if (letter == '%')
		text_char(out, '%');
	else if (letter == 's') /* strftime's own reads UTC as local time */
		text_u64(out, seconds);
	else {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		text_add(out, buf, strftime(buf, sizeof(buf), format, tm));
#pragma GCC diagnostic pop
	}
}

/* Only variables that depend on the row are left in the pattern; the others were put in by outname_parse().
 */
static void
put_variable(struct text *out, enum variable v, const struct outname_row *row, const struct tm *tm)
{
	if (v == VAR_TZONE)
		put_tzone(out, tm);
	else if (v == VAR_PEER)
		put_peer(out, &row->peer_src_ip);
	else if (v == VAR_PORT)
		text_u64(out, row->peer_tcp_port);
	else
		text_u64(out, v == VAR_TAG ? row->tag : row->tag2);
}

/* The zone is looked up for the row's time, not for now: bins on both sides of a change of clocks get names
 * of their own hour. */
const char *
outname_format(const struct outname *name, const struct outname_row *row, struct text *out)
{
	time_t t = (time_t)row->time;
	struct tm tm;
	size_t len;

	/* both forms are safe for threads; the zone itself is read once a process */
	if (name->utc)
		gmtime_r(&t, &tm);
	else
		localtime_r(&t, &tm);
	/* the buffer is the caller's and is used for many names */
	out->len = 0;
	for (const char *p = name->pattern; *p; p++) {
		enum variable v = *p == '$' ? find_variable(p + 1, &len) : VARIABLES;
		if (*p == '%') {
			put_time(out, *++p, &tm, row->time);
		} else if (v != VARIABLES) {
			put_variable(out, v, row, &tm);
			p += len;
		} else {
			text_char(out, *p);
		}
	}
	return text_cstr(out);
}

/* Exact answers would need to know what each letter repeats after. A few looks in between are enough: two
 * bins a file could be shared by are near each other, and a name that repeats does so within a day, a week or
 * a year. */
bool
outname_same_time(const struct outname *name, uint64_t a, uint64_t b)
{
	struct text first = {0}, other = {0};
	struct outname_row row = {.time = a};
	bool same = true;

	outname_format(name, &row, &first);
	for (uint64_t i = 1; i <= LOOKS && same; i++) {
		/* late rows go back in time, so b may be before a */
		row.time = b >= a ? a + (b - a) * i / LOOKS : a - (a - b) * i / LOOKS;
		same = strcmp(first.data, outname_format(name, &row, &other)) == 0;
	}
	text_free(&first);
	text_free(&other);
	return same;
}
