/* The types of values: one row per type with its reader and the words that tell a person what is expected.
 * Readers take nothing but complete, exact texts: "10x" is no number, "yes" no truth value. A configuration
 * that is nearly right is more dangerous than one that is refused.
 *
 * A reader answers yes or no and writes no message: line, key and secrecy are known to who calls it, and the
 * words about what is expected come from the same row, so they cannot say something else than the reader
 * takes. A new type is a reader, a row in types[] and a word in list.c; a test walks all rows and tries each
 * default. */
#include "collector/base/nearest.h"
#include "collector/conf/settings.h"
#include "collector/conf/table.h"

#include <ctype.h>
#include <strings.h>

/* Digits at the start of *p, moving it behind them. False without digits or beyond 64 bits. Overflow is a
 * fault, not a wrap: a size with a digit too many must not become a small one. */
static bool
read_digits(const char **p, unsigned base, uint64_t *v)
{
	const char *start = *p;
	for (*v = 0; **p >= '0' && **p < (char)('0' + base); ++*p)
		if (__builtin_mul_overflow(*v, base, v) ||
		    __builtin_add_overflow(*v, (uint64_t)(**p - '0'), v))
			return false;
	return *p > start;
}

/* Rows of unsigned types have no negative minimum. */
static bool
in_range(const struct conf_row *row, uint64_t v)
{
	return v >= (uint64_t)row->min && v <= row->max;
}

/* --- readers: true when s is all of a value that the row takes --- */

/* pmacct's two words. yes, on and 1 are refused with a hint, as pmacct would take them for false. */
static bool
parse_bool(const struct conf_row *row, const char *s, struct value *out)
{
	(void)row;
	out->yes = strcasecmp(s, "true") == 0;
	return out->yes || strcasecmp(s, "false") == 0;
}

/* No sign, no blanks, no hexadecimal. */
static bool
parse_uint(const struct conf_row *row, const char *s, struct value *out)
{
	return read_digits(&s, 10, &out->number) && !*s && in_range(row, out->number);
}

/* A mask of permissions; 8 and 9 are faults and not the end of the number. */
static bool
parse_octal(const struct conf_row *row, const char *s, struct value *out)
{
	return read_digits(&s, 8, &out->number) && !*s && in_range(row, out->number);
}

/* The sign is taken off first, so that overflow is found by the same reader. */
static bool
parse_int(const struct conf_row *row, const char *s, struct value *out)
{
	bool minus = *s == '-';
	uint64_t v;
	s += minus;
	if (!read_digits(&s, 10, &v) || *s || v > INT64_MAX)
		return false;
	/* INT64_MIN cannot be written like this; no key goes so far */
	out->integer = minus ? -(int64_t)v : (int64_t)v;
	return out->integer >= row->min && (out->integer < 0 || (uint64_t)out->integer <= row->max);
}

/* 4096, 4K, 4KiB and 4KB are the same: nobody means 4000 by the size of a buffer. */
static bool
parse_size(const struct conf_row *row, const char *s, struct value *out)
{
	static const char units[] = "KMGT";
	if (!read_digits(&s, 10, &out->number))
		return false;
	const char *unit = *s ? strchr(units, toupper((unsigned char)*s)) : NULL;
	if (unit) {
		unsigned shift = 10 * (unsigned)(unit - units + 1);
		/* checked before the shift: afterwards the lost bits leave no trace */
		if (out->number > UINT64_MAX >> shift)
			return false;
		out->number <<= shift;
		s++;
		s += *s == 'i';
		s += *s == 'B';
	}
	return !*s && in_range(row, out->number);
}

/* Seconds of a unit letter; 0 for none of them. */
static uint64_t
unit_seconds(char unit)
{
	static const struct {
		char letter;
		uint32_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (units[i].letter == unit)
			return units[i].seconds;
	return 0;
}

/* Seconds of "90", "90s", "5m": the unit letter is the last one. Overflow by the unit is a fault as well. */
static bool
parse_seconds(const struct conf_row *row, const char *s, struct value *out)
{
	if (!read_digits(&s, 10, &out->number))
		return false;
	/* an unknown letter makes the number 0 here, and the next line refuses it */
	if (*s && __builtin_mul_overflow(out->number, unit_seconds(*s), &out->number))
		return false;
	if (*s && (s[1] || !unit_seconds(*s)))
		return false;
	return in_range(row, out->number);
}

#define MONTH_SECONDS (30 * UINT64_C(86400))

/* Bins longer than a minute must end at full minutes. Months have no fixed length, so they stay a count; a
 * hundred years of them is as good as no bound. pmacct demands the same, since its bins are found by
 * rounding minutes. */
static bool
parse_span(const struct conf_row *row, const char *s, struct value *out)
{
	uint64_t n;
	const char *p = s;
	struct value seconds;
	/* M is months and m minutes: the only place where the case of a letter counts */
	if (read_digits(&p, 10, &n) && p[0] == 'M' && !p[1]) {
		out->span = (struct conf_span){.months = (unsigned)n};
		return n > 0 && n <= 1200;
	}
	if (!parse_seconds(row, s, &seconds) || (seconds.number > 60 && seconds.number % 60))
		return false;
	out->span = (struct conf_span){.seconds = seconds.number};
	return true;
}

/* Without a prefix length: that would be a network. */
static bool
parse_address(const struct conf_row *row, const char *s, struct value *out)
{
	(void)row;
	return addr_parse(&out->addr, s);
}

/* 0 would mean "any port", which no exporter could be told. */
static bool
parse_port(const char *s, uint16_t *port)
{
	uint64_t v;
	if (!read_digits(&s, 10, &v) || *s || v == 0 || v > 65535)
		return false;
	*port = (uint16_t)v;
	return true;
}

/* PORT, ADDRESS:PORT (IPv4) or [ADDRESS]:PORT. An IPv6 address needs its brackets: without them the last
 * group would be taken for the port. */
static bool
parse_endpoint(const struct conf_row *row, const char *s, struct value *out)
{
	(void)row;
	char address[ADDR_TEXT_MAX];
	const char *colon = strrchr(s, ':');
	/* a port alone is bound to loopback: what listens at such a key asks for no password */
	if (!colon) {
		addr_parse(&out->addr, "127.0.0.1");
		return parse_port(s, &out->port);
	}
	/* brackets and all; they are taken off below, when it is clear that both are there */
	size_t n = (size_t)(colon - s);
	bool brackets = *s == '[';
	if (brackets && (n < 2 || colon[-1] != ']'))
		return false;
	s += brackets;
	n -= 2 * (size_t)brackets;
	if (n >= sizeof(address))
		return false;
	memcpy(address, s, n);
	address[n] = 0;
	/* brackets exactly where an IPv6 address needs them: "[192.0.2.1]:80" is a mistake, too */
	return brackets == (strchr(address, ':') != NULL) && addr_parse(&out->addr, address) &&
	       parse_port(colon + 1, &out->port);
}

/* Words stand in one string in the row, blanks between them and | between spellings: a table needs no
 * pointers then. */
size_t
conf_value_word(const char *words, unsigned index, const char **word)
{
	for (; index; index--) {
		words += strcspn(words, " ");
		words += *words == ' ';
	}
	*word = words;
	return strcspn(words, " |");
}

/* Is s one of the spellings at spellings, which end at a blank? Upper and lower case are the same, as in
 * pmacct. */
static bool
spelled(const char *spellings, const char *s)
{
	size_t length = strlen(s);
	for (;;) {
		size_t n = strcspn(spellings, " |");
		if (n == length && strncasecmp(spellings, s, n) == 0)
			return true;
		if (spellings[n] != '|')
			return false;
		spellings += n + 1;
	}
}

/* The index is the value; the first spelling of a word is its name. */
static bool
parse_word(const struct conf_row *row, const char *s, struct value *out)
{
	const char *word;
	for (unsigned i = 0; conf_value_word(row->words, i, &word); i++) {
		if (spelled(word, s)) {
			out->word = (int)i;
			return true;
		}
	}
	return false;
}

/* Letters may be written together or with commas or blanks between them. The value stays text: who uses it
 * goes through the letters. */
static bool
parse_letters(const struct conf_row *row, const char *s, struct value *out)
{
	(void)out;
	uint32_t seen = 0;
	for (; *s; s++) {
		if (*s == ',' || *s == ' ')
			continue;
		/* the mask has 32 places, and no row has so many letters */
		const char *letter = strchr(row->words, *s);
		if (!letter || seen & 1u << (letter - row->words))
			return false;
		seen |= 1u << (letter - row->words);
	}
	return seen != 0;
}

/* Blanks at the ends of a value are lost in a file, hence the spellings for blank and tabulator. */
static bool
parse_char(const struct conf_row *row, const char *s, struct value *out)
{
	(void)row;
	if (strcmp(s, "\\t") == 0)
		out->character = '\t';
	else if (strcmp(s, "\\s") == 0)
		out->character = ' ';
	else
		out->character = s[0];
	return s[0] && (!s[1] || (s[0] == '\\' && !s[2] && (s[1] == 't' || s[1] == 's')));
}

/* Texts are checked by who uses them: what an aggregate may be is not known here. Empty is refused: a key
 * without a value is a mistake. */
static bool
parse_text(const struct conf_row *row, const char *s, struct value *out)
{
	(void)row;
	(void)out;
	return *s != 0;
}

/* --- in words: what follows the general phrase of the type --- */

/* An upper limit that is the type's own is none to a person. */
static void
say_range(const struct conf_row *row, struct text *out)
{
	/* a port's or a buffer's limit is worth telling, 2^64 - 1 is not */
	if (row->max == UINT64_MAX)
		text_printf(out, " from %lld", (long long)row->min);
	else
		text_printf(out, " from %lld to %llu", (long long)row->min, (unsigned long long)row->max);
}

/* With the leading zeros people know from umask. */
static void
say_octal(const struct conf_row *row, struct text *out)
{
	text_printf(out, " from %03llo to %03llo", (unsigned long long)row->min,
		    (unsigned long long)row->max);
}

/* First spellings only: the others are for old files. */
static void
say_words(const struct conf_row *row, struct text *out)
{
	const char *word;
	size_t n;
	for (unsigned i = 0; (n = conf_value_word(row->words, i, &word)) > 0; i++) {
		text_str(out, i ? ", " : " ");
		text_add(out, word, n);
	}
}

/* Letters may stand in any order. */
static void
say_letters(const struct conf_row *row, struct text *out)
{
	text_printf(out, " '%s', none twice", row->words);
}

/* One row per type; limits is NULL where the phrase says all. */
static const struct {
	bool (*parse)(const struct conf_row *row, const char *s, struct value *out);
	const char *expected;
	void (*limits)(const struct conf_row *row, struct text *out);
} types[CONF_TYPES] = {
    [CONF_TYPE_BOOL] = {parse_bool, "true or false", NULL},
    [CONF_TYPE_UINT] = {parse_uint, "a number", say_range},
    [CONF_TYPE_INT] = {parse_int, "a number", say_range},
    [CONF_TYPE_SIZE] = {parse_size, "a size in bytes, or with K, M, G, T,", say_range},
    [CONF_TYPE_PORT] = {parse_uint, "a port", say_range},
    [CONF_TYPE_SECONDS] = {parse_seconds, "a time in seconds, or with s, m, h, d, w,", say_range},
    [CONF_TYPE_SPAN] = {parse_span, "a time as N, Ns, Nm, Nh, Nd, Nw or NM, above a minute in full minutes",
			NULL},
    [CONF_TYPE_OCTAL] = {parse_octal, "an octal number", say_octal},
    [CONF_TYPE_ADDRESS] = {parse_address, "an IPv4 or IPv6 address", NULL},
    [CONF_TYPE_ENDPOINT] = {parse_endpoint, "a port, address:port or [IPv6 address]:port", NULL},
    [CONF_TYPE_WORD] = {parse_word, "one of", say_words},
    [CONF_TYPE_LETTERS] = {parse_letters, "letters of", say_letters},
    [CONF_TYPE_CHAR] = {parse_char, "one character, \\t or \\s", NULL},
    [CONF_TYPE_STRING] = {parse_text, "a text", NULL},
    [CONF_TYPE_LIST] = {parse_text, "a list, commas between its items", NULL},
    [CONF_TYPE_PATH] = {parse_text, "a path", NULL},
    [CONF_TYPE_MAP] = {parse_text, "a path", NULL},
};

/* The value is cleared first, so a union member that is not written reads as 0. */
bool
conf_value_parse(const struct conf_row *row, const char *text, struct value *out)
{
	*out = (struct value){.number = 0};
	/* A command line can hold a line feed; the file that conf_dump() writes could not. */
	return !strchr(text, '\n') && types[row->type].parse(row, text, out);
}

/* For messages, help and the manual page alike. */
void
conf_value_expected(const struct conf_row *row, struct text *out)
{
	text_str(out, types[row->type].expected);
	if (types[row->type].limits)
		types[row->type].limits(row, out);
}

/* What people write who come from other programs. Other programs' words are not accepted, since pmacct
 * would take them for false and the file may go back to it. */
static const char *
bool_hint(const char *s)
{
	static const char *const yes[] = {"yes", "on", "1", "enable", "enabled", "y"};
	static const char *const no[] = {"no", "off", "0", "disable", "disabled", "n"};
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (strcasecmp(s, yes[i]) == 0)
			return "true";
		if (strcasecmp(s, no[i]) == 0)
			return "false";
	}
	return word_near(s, word_distance(s, "true"))	 ? "true"
	       : word_near(s, word_distance(s, "false")) ? "false"
							 : NULL;
}

/* The result is in thread-local memory and is good until the next call. */
const char *
conf_value_hint(const struct conf_row *row, const char *text)
{
	static _Thread_local char found[64];
	unsigned best = UINT32_MAX;
	const char *word;
	size_t n;
	if (row->type == CONF_TYPE_BOOL)
		return bool_hint(text);
	if (row->type != CONF_TYPE_WORD)
		return NULL;
	for (unsigned i = 0; (n = conf_value_word(row->words, i, &word)) > 0; i++) {
		char candidate[64];
		snprintf(candidate, sizeof(candidate), "%.*s", (int)n, word);
		/* by the first spelling only: the others are not what we want people to write */
		unsigned d = word_distance(text, candidate);
		if (d < best) {
			best = d;
			memcpy(found, candidate, sizeof(found));
		}
	}
	return word_near(text, best) ? found : NULL;
}
