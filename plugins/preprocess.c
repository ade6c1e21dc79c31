/* A check compares a value made of the counters with a limit: at least (min) or less than (max).
 *
 * Checks run on the writer's thread for each row, so they are numbers in an array and no text. The keys of
 * SQL plugins that mean nothing for files (qnum, fss, ...) are accepted and do nothing, as in pmacct, where
 * one list serves several plugins.
 *
 * Values are compared as unsigned 64-bit; averages are whole numbers, rounded down, as there. */
#include "plugins/preprocess.h"

#include <ctype.h>
#include <errno.h>

enum value { VALUE_P, VALUE_F, VALUE_B, VALUE_BPP, VALUE_PPF, VALUE_SQL };

/* A new check is a row here, and a value of enum value when it is made of the counters in a new way. */
static const struct {
	const char *name;
	enum value value;
	bool max;
} checks[] = {
    {"minp", VALUE_P, false},	   {"minf", VALUE_F, false},	{"minb", VALUE_B, false},
    {"maxp", VALUE_P, true},	   {"maxf", VALUE_F, true},	{"maxb", VALUE_B, true},
    {"minbpp", VALUE_BPP, false},  {"maxbpp", VALUE_BPP, true}, {"minppf", VALUE_PPF, false},
    {"maxppf", VALUE_PPF, true},   {"qnum", VALUE_SQL, false},	{"fss", VALUE_SQL, false},
    {"fsrc", VALUE_SQL, false},	   {"usrf", VALUE_SQL, false},	{"adjb", VALUE_SQL, false},
    {"recover", VALUE_SQL, false},
};

/* A dozen rows, read once at the start: a linear search is right. */
static int
find_check(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		if (strlen(checks[i].name) == len && strncmp(checks[i].name, word, len) == 0)
			return (int)i;
	}
	return -1;
}

/* Reads one "name=number" at *text and moves behind it and the comma that follows. */
static bool
parse_one(struct preprocess *p, const char **text, char *err, size_t errlen)
{
	size_t len = strcspn(*text, "=, \t");
	int row = find_check(*text, len);
	const char *number = *text + len + strspn(*text + len, " \t");
	char *end;

	/* one message for all faults: it shows what is right */
	if (row < 0 || *number != '=' || p->n == PREPROCESS_MAX) {
		snprintf(
		    err, errlen,
		    "'%s': expected up to %d checks such as minp=10, separated by commas; there are minp "
		    "minf minb maxp maxf maxb minbpp maxbpp minppf maxppf",
		    *text, PREPROCESS_MAX);
		return false;
	}
	number += 1 + strspn(number + 1, " \t");
	errno = 0;
	uint64_t limit = strtoull(number, &end, 10);
	if (!isdigit((unsigned char)*number) || errno || !strchr(", \t", *end)) {
		snprintf(err, errlen, "'%s': expected a number after '%s='", *text, checks[row].name);
		return false;
	}
	/* accepted and forgotten: means nothing for rows that only go to a file */
	if (checks[row].value != VALUE_SQL)
		p->check[p->n++] = (struct preprocess_check){.row = (uint8_t)row, .limit = limit};
	*text = end + strspn(end, ", \t");
	return true;
}

/* Where the counters stand is found once: flows are there only when the aggregate has them, packets and bytes
 * always come first. */
bool
preprocess_parse(struct preprocess *p, const char *text, bool all, const struct layout *l, char *err,
		 size_t errlen)
{
	*p = (struct preprocess){.all = all, .flows = -1};
	for (unsigned i = 0; i < l->counters; i++) {
		if (strcmp(primitive_get(l->counter[i].id)->name, "flows") == 0)
			p->flows = (int)i;
	}
	while (text && *text) {
		if (!parse_one(p, &text, err, errlen))
			return false;
	}
	return true;
}

/* Averages of no packets or no flows are 0 rather than undefined: such rows fail a minimum and pass a
 * maximum. */
static uint64_t
value_of(enum value value, uint64_t packets, uint64_t bytes, uint64_t flows)
{
	switch (value) {
	case VALUE_P:
		return packets;
	case VALUE_F:
		return flows;
	case VALUE_B:
		return bytes;
	case VALUE_BPP:
		return packets ? bytes / packets : 0;
	case VALUE_PPF:
		return flows ? packets / flows : 0;
	default:
		return 0;
	}
}

/* Both types in one loop: with "all" the first check that fails decides, with "any" the first that passes. */
bool
preprocess_test(const struct preprocess *p, const uint64_t *counters)
{
	uint64_t flows = p->flows < 0 ? 0 : counters[p->flows];

	for (unsigned i = 0; i < p->n; i++) {
		const struct preprocess_check *c = &p->check[i];
		uint64_t v = value_of(checks[c->row].value, counters[0], counters[1], flows);
		bool pass = checks[c->row].max ? v < c->limit : v >= c->limit;
		/* decided: a failure among "all", or a success among "any" */
		if (pass != p->all)
			return pass;
	}
	return p->all;
}
