/* The rows of keys.def as an array, and the way from a name to its row.
 *
 * Each column of a row is a word that a macro here turns into initialisers; a word that does not exist does
 * not compile. Names are found by bisection in an index sorted at start-up, so the rows may stand in the
 * order in which people read them.
 *
 * The rows are constant data that all processes share. Names are looked up while a configuration is read and
 * never after; ten comparisons of a bisection are good enough for that. */
#include "collector/conf/table.h"
#include "collector/base/nearest.h"
#include "collector/conf/standing.h"

#define TYPE_BOOL	     .type = CONF_TYPE_BOOL, .alias_of = -1
#define TYPE_UINT(lo, hi)    .type = CONF_TYPE_UINT, .min = (lo), .max = (hi), .alias_of = -1
#define TYPE_INT(lo, hi)     .type = CONF_TYPE_INT, .min = (lo), .max = (hi), .alias_of = -1
#define TYPE_SIZE(lo, hi)    .type = CONF_TYPE_SIZE, .min = (lo), .max = (hi), .alias_of = -1
#define TYPE_PORT	     .type = CONF_TYPE_PORT, .min = 1, .max = 65535, .alias_of = -1
#define TYPE_SECONDS(lo, hi) .type = CONF_TYPE_SECONDS, .min = (lo), .max = (hi), .alias_of = -1
#define TYPE_SPAN(lo, hi)    .type = CONF_TYPE_SPAN, .min = (lo), .max = (hi), .alias_of = -1
#define TYPE_OCTAL(lo, hi)   .type = CONF_TYPE_OCTAL, .min = (lo), .max = (hi), .alias_of = -1
#define TYPE_ADDRESS	     .type = CONF_TYPE_ADDRESS, .alias_of = -1
#define TYPE_ENDPOINT	     .type = CONF_TYPE_ENDPOINT, .alias_of = -1
#define TYPE_WORD(w)	     .type = CONF_TYPE_WORD, .words = (w), .alias_of = -1
#define TYPE_LETTERS(w)	     .type = CONF_TYPE_LETTERS, .words = (w), .alias_of = -1
#define TYPE_CHAR	     .type = CONF_TYPE_CHAR, .alias_of = -1
#define TYPE_STRING	     .type = CONF_TYPE_STRING, .alias_of = -1
#define TYPE_LIST	     .type = CONF_TYPE_LIST, .alias_of = -1
#define TYPE_PATH	     .type = CONF_TYPE_PATH, .alias_of = -1
#define TYPE_MAP	     .type = CONF_TYPE_MAP, .alias_of = -1
#define TYPE_ALIAS(target)   .type = CONF_TYPE_STRING, .alias_of = CONF_##target

#define FLAG_PLAIN
#define FLAG_RELOAD .reload = true,
#define FLAG_SECRET .secret = true,

static const struct conf_row rows[CONF_KEYS] = {
#define K(n, type, fall, where, why, flag, text)                                                             \
	[CONF_##n] = {TYPE_##type,                                                                           \
		      STANDING_##why,                                                                        \
		      FLAG_##flag.name = #n,                                                                 \
		      .fallback = fall,                                                                      \
		      .scope = CONF_SCOPE_##where,                                                           \
		      .help = text},
#include "collector/conf/keys.def"
#undef K
};

/* Keys in the order of their names. Made before main() runs, so that nobody needs a lock. */
static uint16_t by_name[CONF_KEYS];

/* For qsort; both are indices into rows. */
static int
compare_keys(const void *a, const void *b)
{
	return strcmp(rows[*(const uint16_t *)a].name, rows[*(const uint16_t *)b].name);
}

__attribute__((constructor)) static void
sort_names(void)
{
	for (unsigned i = 0; i < CONF_KEYS; i++)
		by_name[i] = (uint16_t)i;
	qsort(by_name, CONF_KEYS, sizeof(by_name[0]), compare_keys);
}

/* Rows are constant and live for ever. */
const struct conf_row *
conf_row(enum conf_key key)
{
	return &rows[key];
}

/* Aliases do not chain: a test sees to that. */
enum conf_key
conf_target(enum conf_key key)
{
	return rows[key].alias_of < 0 ? key : (enum conf_key)rows[key].alias_of;
}

/* For bsearch: a name against an index. */
static int
compare_name(const void *name, const void *key)
{
	return strcmp(name, rows[*(const uint16_t *)key].name);
}

/* The name in lower case; -1 when there is none. */
int
conf_key_find(const char *name)
{
	const uint16_t *found = bsearch(name, by_name, CONF_KEYS, sizeof(by_name[0]), compare_name);
	return found ? *found : -1;
}

/* Is the difference in length alone as large as what was found already? Saves most of the work, as names
 * differ much in length. */
static bool
hopeless(size_t a, size_t b, unsigned best)
{
	return (a > b ? a - b : b - a) >= best;
}

/* Walks all rows, some 700, for keys that are wrong anyway. What is found must be near by the measure of
 * word_near, or a hint would only confuse. */
int
conf_key_nearest(const char *name)
{
	/* more than a slip or two in a short name, or one in four letters, is another word */
	unsigned best = 2 + (unsigned)strlen(name) / 4;
	int found = -1;
	size_t length = strlen(name);
	for (unsigned i = 0; i < CONF_KEYS; i++) {
		if (hopeless(length, strlen(rows[i].name), best))
			continue;
		unsigned d = word_distance(name, rows[i].name);
		if (d < best) {
			best = d;
			found = (int)i;
		}
	}
	return found >= 0 && word_near(name, best) ? found : -1;
}
