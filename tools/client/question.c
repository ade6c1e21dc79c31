/* Values are parsed here, with the same table of primitives the daemon packs by, and travel as the bytes that
 * stand in a key. A word that is no column names the ones the table has: nobody remembers what a daemon
 * aggregates by.
 *
 * Nothing is sent before the whole question is understood: a wrong value in line 4,000 of a file costs no
 * round to the daemon. The first error stays in q->err and everything after it stops.
 *
 * Columns are numbers of the daemon's layout, not names: the daemon looks nothing up. A question is used
 * once; question_free() frees what it collected. */
#include "tools/client/question.h"

#include <errno.h>

#include "collector/flow/value.h"

/* Of a value or a whole query as typed: an AS path of hundreds of hops fits. */
#define VALUE_TEXT_MAX 4096

/* The columns are part of the struct; only the values grow. */
void
question_free(struct question *q)
{
	text_free(&q->values);
}

/* The protocol's byte order; n is 1 to 8. */
static void
add_be(struct text *t, uint64_t v, unsigned n)
{
	while (n--)
		text_char(t, (char)(v >> (8 * n)));
}

/* --- columns and counters --- */

/* For messages, in the order of the daemon's JSON. */
static void
list_columns(const struct layout *l, struct text *out)
{
	for (unsigned i = 0; i < l->fields; i++) {
		text_str(out, i ? ", " : "");
		text_str(out, primitive_get(l->field[i].id)->name);
	}
}

/* The number of the field called so, -1 with a message. */
static int
find_column(struct question *q, const struct layout *l, const char *name)
{
	/* known everywhere and in this table are two things: the message is about the table */
	primitive_id id = primitive_find(name);
	const struct layout_field *f = id == PRIMITIVE_NULL ? NULL : layout_find(l, id);
	if (f)
		return (int)(f - l->field);
	struct text has = {0};
	list_columns(l, &has);
	snprintf(q->err, sizeof(q->err), "the table has no column '%s' to match; it has: %s", name,
		 l->fields ? text_cstr(&has) : "none, only a total");
	text_free(&has);
	return -1;
}

/* The daemon would refuse a column given twice; here the message has its name instead of a number. */
static bool
add_column(struct question *q, const struct layout *l, const char *name)
{
	int number = find_column(q, l, name);
	if (number < 0)
		return false;
	for (unsigned i = 0; i < q->columns; i++) {
		if (q->column[i] == number) {
			snprintf(q->err, sizeof(q->err), "column '%s' is given twice", name);
			return false;
		}
	}
	q->column[q->columns++] = (uint16_t)number;
	return true;
}

/* Cuts the next item off *rest at the separator, blanks around it left out; false at the end, and, with a
 * message in q, when the item is longer than its room: a value cut short would match something else. */
static bool
next_item(struct question *q, const char **rest, char separator, char *item, size_t n)
{
	const char *p = *rest;
	if (!p)
		return false;
	/* no quoting: what separates cannot stand in a value, see add_query() */
	const char *end = strchr(p, separator);
	size_t len = end ? (size_t)(end - p) : strlen(p);
	*rest = end ? end + 1 : NULL;
	while (len && (*p == ' ' || *p == '\t')) {
		p++;
		len--;
	}
	while (len && strchr(" \t\r\n", p[len - 1]))
		len--;
	if (len >= n) {
		snprintf(q->err, sizeof(q->err), "'%.40s...' is too long: %zu bytes at most", p, n - 1);
		return false;
	}
	snprintf(item, n, "%.*s", (int)len, p);
	return true;
}

/* Empty names between commas are skipped, as a trailing comma is a common slip. */
bool
question_columns(struct question *q, const struct layout *l, const char *names)
{
	char name[128];
	while (next_item(q, &names, ',', name, sizeof(name))) {
		if (*name && !add_column(q, l, name))
			return false;
	}
	return !q->err[0];
}

/* Not every table counts flows, so the layout decides and not a fixed list. */
uint16_t
question_counter(struct question *q, const struct layout *l, const char *name)
{
	primitive_id id = primitive_find(name);
	for (unsigned i = 0; id != PRIMITIVE_NULL && i < l->counters; i++) {
		if (l->counter[i].id == id)
			return (uint16_t)i;
	}
	snprintf(q->err, sizeof(q->err), "the table has no counter '%s'", name);
	return UINT16_MAX;
}

/* --- values --- */

/* The daemon refuses values of a wrong width; here they are refused with a better word. */
static bool
add_value(struct question *q, const struct layout *l, unsigned column, const char *text)
{
	const struct layout_field *f = &l->field[q->column[column]];
	uint8_t value[LAYOUT_VALUE_MAX];
	char why[200];
	size_t len = 0;
	/* any value: the column is left open, and the query joins those with the same open columns */
	if (strcmp(text, "*") == 0) {
		add_be(&q->values, MEMORY_ANY, 2);
		return true;
	}
	const struct primitive *p = primitive_get(f->id);
	if (!value_parse(p, text, value, sizeof(value), &len, why, sizeof(why))) {
		snprintf(q->err, sizeof(q->err), "%s: %s", p->name, why);
		return false;
	}
	/* the length in front, as values of variable length are told apart by nothing else */
	add_be(&q->values, len, 2);
	text_add(&q->values, value, len);
	return true;
}

/* The daemon has the same bound; asking it would only cost a round. */
static bool
count_query(struct question *q)
{
	/* counted when its values are in, so the figure is never of a half query */
	if (++q->queries <= MEMORY_QUERIES_MAX)
		return true;
	snprintf(q->err, sizeof(q->err), "more than %d queries in a request", MEMORY_QUERIES_MAX);
	return false;
}

/* One query: values after commas. There is no way to write a comma within a value. */
static bool
add_query(struct question *q, const struct layout *l, const char *text)
{
	/* an item longer than this is refused by next_item(), not cut */
	char item[VALUE_TEXT_MAX];
	unsigned n = 0;
	for (const char *rest = text; next_item(q, &rest, ',', item, sizeof(item)); n++) {
		/* surplus values are counted for the message, not sent */
		if (n < q->columns && !add_value(q, l, n, item))
			return false;
	}
	if (q->err[0])
		return false;
	if (n == q->columns)
		return count_query(q);
	snprintf(q->err, sizeof(q->err), "'%s' has %u values where %u columns were named", text, n,
		 q->columns);
	return false;
}

/* Lines are queries as on the command line; what is wrong names its line. */
static bool
match_file(struct question *q, const struct layout *l, const char *name)
{
	char *line = NULL;
	size_t cap = 0;
	bool ok = true;
	/* close-on-exec costs nothing and is the habit of the house */
	FILE *f = fopen(name, "re");
	if (!f) {
		snprintf(q->err, sizeof(q->err), "cannot read %s: %s", name, strerror(errno));
		return false;
	}
	/* stops at the first fault, whose line number is what the user needs */
	for (unsigned number = 1; ok && getline(&line, &cap, f) >= 0; number++) {
		char item[VALUE_TEXT_MAX], why[200];
		const char *rest = line;
		/* what follows ! is a comment, as in the daemon's files */
		ok = next_item(q, &rest, '!', item, sizeof(item)) && (!*item || add_query(q, l, item));
		if (!ok) {
			snprintf(why, sizeof(why), "%.199s", q->err);
			snprintf(q->err, sizeof(q->err), "%.80s:%u: %s", name, number, why);
		}
	}
	free(line);
	fclose(f);
	return ok;
}

/* An empty query between two ';' is skipped, but nothing at all is an error: it would match nothing, and look
 * like an empty table. */
bool
question_match(struct question *q, const struct layout *l, const char *text)
{
	char item[VALUE_TEXT_MAX];
	/* pmacct's way to say that the queries stand in a file */
	if (strncmp(text, "file:", 5) == 0) {
		if (!match_file(q, l, text + 5))
			return false;
	} else {
		while (next_item(q, &text, ';', item, sizeof(item))) {
			if (*item && !add_query(q, l, item))
				return false;
		}
	}
	if (q->err[0])
		return false;
	if (q->queries)
		return true;
	/* a file of comments only, or ';' alone */
	snprintf(q->err, sizeof(q->err), "there is nothing to match");
	return false;
}

/* --- conditions --- */

/* All combinations of the conditions' values: for condition i each of its values, and then the rest. */
struct combination {
	char *const *conditions;
	unsigned n;
	char value[LAYOUT_FIELDS_MAX][256];
};

/* Recursion over conditions: deep as there are columns at most. */
static bool
combine(struct question *q, const struct layout *l, struct combination *c, unsigned i)
{
	/* one value is chosen for each condition: a query of its own */
	if (i == c->n) {
		for (unsigned k = 0; k < c->n; k++) {
			if (!add_value(q, l, k, c->value[k]))
				return false;
		}
		return count_query(q);
	}
	/* the sign was found when the columns were taken */
	const char *rest = strchr(c->conditions[i], '=') + 1;
	while (next_item(q, &rest, ',', c->value[i], sizeof(c->value[i]))) {
		if (!combine(q, l, c, i + 1))
			return false;
	}
	return !q->err[0];
}

/* Columns are taken first, values then: the protocol has all columns before the first query. */
bool
question_where(struct question *q, const struct layout *l, char *const *conditions, unsigned n)
{
	struct combination c = {.conditions = conditions, .n = n};
	for (unsigned i = 0; i < n; i++) {
		const char *equals = strchr(conditions[i], '=');
		char name[128];
		/* an operator other than = would need the daemon to compare by order, which keys cannot */
		if (!equals || i == LAYOUT_FIELDS_MAX) {
			snprintf(q->err, sizeof(q->err), "'%s' should be COLUMN=VALUE, such as dst_port=53",
				 conditions[i]);
			return false;
		}
		snprintf(name, sizeof(name), "%.*s", (int)(equals - conditions[i]), conditions[i]);
		if (!add_column(q, l, name))
			return false;
	}
	return combine(q, l, &c, 0);
}

/* The body as memory_protocol.h draws it. */
bool
question_send(const struct question *q, struct connection *c)
{
	struct text body = {0};
	add_be(&body, q->counter, 2);
	add_be(&body, q->columns, 2);
	add_be(&body, q->top, 4);
	add_be(&body, q->queries, 4);
	for (unsigned i = 0; i < q->columns; i++)
		add_be(&body, q->column[i], 2);
	if (q->values.len)
		text_add(&body, q->values.data, q->values.len);
	bool ok = connection_send(c, q->type, q->flags, &body);
	text_free(&body);
	return ok;
}
