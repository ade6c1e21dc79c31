/* Finding rows by name, custom rows, what a row needs decoded, and the `aggregate` list.
 *
 * Custom primitives are rows like the others, made at start from the file of aggregate_primitives, with a
 * place in the last members of struct flow. They are the only state here; it is written before any thread or
 * plugin starts and only read afterwards. */
#include "collector/flow/primitive.h"

#include <ctype.h>
#include <strings.h>

#include "collector/base/nearest.h"
#include "collector/flow/primitives.h"

#define NAME_MAX_LEN 64
#define CUSTOM_RANK  10000 /* in CSV and the client: behind the other keys, before packets (20000) */
#define JSON_STEP    (PRIMITIVES_CUSTOM_MAX + 1)

/* Names stand in a table of their own, since rows point to them and must not move. Never freed: rows live
 * as long as the process. */
static struct {
	struct primitive row[PRIMITIVES_CUSTOM_MAX];
	char name[PRIMITIVES_CUSTOM_MAX][NAME_MAX_LEN + 1];
	unsigned n;
	unsigned bytes; /* used of flow.custom */
	unsigned vars;	/* used of flow.custom_var */
} custom;

/* Grows by custom rows only, at start. */
unsigned
primitive_count(void)
{
	return primitive_rows_count + custom.n;
}

/* id must be one that this module gave out; PRIMITIVE_NULL is not looked for. */
const struct primitive *
primitive_get(primitive_id id)
{
	return id < primitive_rows_count ? &primitive_rows[id] : &custom.row[id - primitive_rows_count];
}

/* Linear over some hundred rows: for configuration and queries. Rows that aggregate_parse refuses
 * (PRIMITIVE_AUTO) are found too, since other modules ask for them by name. */
primitive_id
primitive_find(const char *name)
{
	for (unsigned i = 0; i < primitive_count(); i++) {
		const struct primitive *p = primitive_get((primitive_id)i);
		if (strcasecmp(p->name, name) == 0 || (p->alias && strcasecmp(p->alias, name) == 0))
			return (primitive_id)i;
	}
	return PRIMITIVE_NULL;
}

/* The name most like a wrong one, for "did you mean"; NULL when none is near. Rows that nobody may ask for
 * are not suggested. */
static const char *
primitive_nearest(const char *name)
{
	const char *best = NULL;
	unsigned best_distance = 0;

	for (unsigned i = 0; i < primitive_count(); i++) {
		const struct primitive *p = primitive_get((primitive_id)i);
		unsigned distance = word_distance(name, p->name);
		if (!(p->flags & PRIMITIVE_AUTO) && (!best || distance < best_distance)) {
			best = p->name;
			best_distance = distance;
		}
	}
	return best && word_near(name, best_distance) ? best : NULL;
}

/* SUPPLY_CLOCK is in every mask: what needs no source is always there. */
bool
primitive_supplied(primitive_id id, unsigned mask)
{
	return primitive_get(id)->supply & (mask | SUPPLY_CLOCK);
}

/* Built-in rows stand JSON_STEP apart, which leaves places before stamp_inserted for all custom ones, in
 * the order of their file. */
unsigned
primitive_json_rank(primitive_id id)
{
	if (id < primitive_rows_count)
		return (id + 1u) * JSON_STEP;
	return primitive_json_rank(primitive_find("stamp_inserted")) - JSON_STEP + 1 +
	       (id - primitive_rows_count);
}

/* --- custom rows --- */

/* True, with the reason in err, when the row cannot be made. The bounds on bytes are those of struct flow,
 * common to all plugins. */
static bool
custom_refuse(const char *name, unsigned len, enum custom_semantics sem, char *err, size_t errlen)
{
	bool integer = len == 1 || len == 2 || len == 4 || len == 8;

	if (strlen(name) > NAME_MAX_LEN || !*name)
		snprintf(err, errlen, "the name of a primitive has 1 to %d characters", NAME_MAX_LEN);
	else if (primitive_find(name) != PRIMITIVE_NULL)
		snprintf(err, errlen, "'%s' is already the name of a primitive; choose another", name);
	else if (custom.n == PRIMITIVES_CUSTOM_MAX)
		snprintf(err, errlen, "more than %d custom primitives", PRIMITIVES_CUSTOM_MAX);
	else if (sem == CUSTOM_UINT && !integer)
		snprintf(err, errlen, "'%s': a u_int has a len of 1, 2, 4 or 8 bytes", name);
	else if (sem == CUSTOM_IP && len != 4 && len != 16)
		snprintf(err, errlen, "'%s': an ip has a len of 4 or 16 bytes", name);
	else if (sem == CUSTOM_MAC && len != 6)
		snprintf(err, errlen, "'%s': a mac has a len of 6 bytes", name);
	else if (len > 255)
		snprintf(err, errlen, "'%s': len is at most 255, or vlen", name);
	else if (len == 0 && custom.vars == FLOW_CUSTOM_VAR_MAX)
		snprintf(err, errlen, "more than %d custom primitives of variable length",
			 FLOW_CUSTOM_VAR_MAX);
	else if (custom.bytes + len > FLOW_CUSTOM_BYTES)
		snprintf(err, errlen,
			 "custom primitives take more than %d bytes together; '%s' found no place",
			 FLOW_CUSTOM_BYTES, name);
	else
		return false;
	return true;
}

/* The widest text a value can have. */
static unsigned
custom_column(unsigned len, enum custom_semantics sem)
{
	switch (sem) {
	case CUSTOM_UINT:
		return len == 1 ? 3 : len == 2 ? 5 : len == 4 ? 10 : 20;
	case CUSTOM_HEX:
		return 2 * len;
	case CUSTOM_RAW:
		return 3 * len;
	case CUSTOM_IP:
		return len == 4 ? 15 : 45;
	case CUSTOM_MAC:
		return 17;
	case CUSTOM_STR:
		break;
	}
	return len;
}

/* Places are handed out one behind the other, unaligned: keys are unaligned too, and readers use memcpy.
 * len bytes are counted for variable ones as well (0). */
primitive_id
primitive_add_custom(const char *name, unsigned len, enum custom_semantics sem, char *err, size_t errlen)
{
	if (custom_refuse(name, len, sem, err, errlen))
		return PRIMITIVE_NULL;

	char *stored = custom.name[custom.n];
	size_t letters = strlen(name);
	memcpy(stored, name, letters + 1);
	/* as wide as the header at least; the column of a formatter holds a byte */
	unsigned column = custom_column(len, sem);
	if (column < letters)
		column = (unsigned)letters;

	custom.row[custom.n] = (struct primitive){
	    .name = stored,
	    .help = "custom primitive",
	    .offset = (uint16_t)(offsetof(struct flow, custom) + custom.bytes),
	    .width = (uint16_t)len,
	    .type = VALUE_CUSTOM,
	    .flags = PRIMITIVE_CUSTOM | PRIMITIVE_NO_MATCH,
	    .supply = SUPPLY_FLOW | SUPPLY_SFLOW | SUPPLY_PACKET,
	    .json = stored,
	    .csv = stored,
	    /* in the order of their file, in CSV and in the client alike */
	    .csv_rank = (uint16_t)(CUSTOM_RANK + custom.n),
	    .client_rank = (uint16_t)(CUSTOM_RANK + custom.n),
	    .column = (uint8_t)(column > UINT8_MAX ? UINT8_MAX : column),
	    .sql = stored,
	    .custom_semantics = (uint8_t)sem,
	};
	/* variable: a place among custom_var instead, and no aligned column */
	if (len == 0) {
		custom.row[custom.n].flags |= PRIMITIVE_VLEN | PRIMITIVE_NO_FORMATTED;
		custom.row[custom.n].width = sizeof(struct flow_bytes);
		custom.row[custom.n].offset =
		    (uint16_t)(offsetof(struct flow, custom_var) + custom.vars++ * sizeof(struct flow_bytes));
	}
	custom.bytes += len;
	return (primitive_id)(primitive_rows_count + custom.n++);
}

/* --- what has to be decoded --- */

/* Calls primitive_need for each name of a comma list; NULL is an empty list. The lists are those of the
 * table, so a name that is not found is a mistake in a row; the test of the table meets it first. */
static void
need_names(struct flow_needs *needs, const char *names)
{
	char name[NAME_MAX_LEN + 1];

	/* names are shorter than the buffer: they are rows of the table */
	while (names && *names) {
		size_t n = strcspn(names, ",");
		memcpy(name, names, n);
		name[n] = '\0';
		primitive_need(needs, primitive_find(name));
		names += n + (names[n] == ',');
	}
}

/* Recursive: the inputs of an input count too. Ends, since no row names itself; a source of sum_* has no
 * sum_* among its own. */
void
primitive_need(struct flow_needs *needs, primitive_id id)
{
	const struct primitive *p = primitive_get(id);

	if (p->type != VALUE_NONE && p->type != VALUE_STAMP)
		flow_need(needs, p->offset, p->width);
	need_names(needs, p->inputs);
	need_names(needs, p->also);
	need_names(needs, p->sum_source);
	need_names(needs, p->sum_destination);
}

/* --- aggregate --- */

/* By row: an alias and its name are one. */
bool
aggregate_has(const struct aggregate *a, primitive_id id)
{
	for (unsigned i = 0; i < a->n; i++)
		if (a->id[i] == id)
			return true;
	return false;
}

/* The name as the operator wrote it is in the message, the table's own where it is about a row that was
 * found. */
static bool
aggregate_add(struct aggregate *a, const char *name, char *err, size_t errlen)
{
	primitive_id id = primitive_find(name);
	const char *near = id == PRIMITIVE_NULL ? primitive_nearest(name) : NULL;

	if (near)
		snprintf(err, errlen, "unknown primitive '%s'; did you mean '%s'?", name, near);
	else if (id == PRIMITIVE_NULL)
		snprintf(err, errlen,
			 "unknown primitive '%s'; --list-primitives shows all, aggregate_primitives "
			 "defines more",
			 name);
	else if (primitive_get(id)->flags & PRIMITIVE_AUTO)
		snprintf(err, errlen, "'%s' cannot be asked for in aggregate: it is added where it belongs",
			 name);
	else if (aggregate_has(a, id))
		snprintf(err, errlen, "'%s' stands twice in aggregate", primitive_get(id)->name);
	else if (a->n == AGGREGATE_MAX)
		snprintf(err, errlen, "more than %d primitives in aggregate", AGGREGATE_MAX);
	else {
		a->id[a->n++] = id;
		return true;
	}
	return false;
}

/* Adds the word of n bytes at text, blanks around it left out; no word adds nothing. */
static bool
aggregate_word(struct aggregate *a, const char *text, size_t n, char *err, size_t errlen)
{
	char name[NAME_MAX_LEN + 1];

	while (n && isspace((unsigned char)*text)) {
		text++;
		n--;
	}
	while (n && isspace((unsigned char)text[n - 1]))
		n--;
	if (n == 0)
		return true;
	if (n > NAME_MAX_LEN) {
		snprintf(err, errlen, "'%.*s' is too long for a primitive's name", (int)n, text);
		return false;
	}
	memcpy(name, text, n);
	name[n] = '\0';
	return aggregate_add(a, name, err, errlen);
}

/* Whether row id may stand beside the sum_* row sum. What describes one end or one direction may not. Which
 * these are was seen with pmacct 1.7.7; the flags of the rows hold it. */
static bool
goes_with_sum(primitive_id id, primitive_id sum)
{
	return id == sum ||
	       !(primitive_get(id)->flags & (PRIMITIVE_SUM | PRIMITIVE_NOT_WITH_SUM | PRIMITIVE_BGP));
}

/* The first sum_* decides; what does not go with it is left out. The warning is cut when many are left out;
 * what counts is that there is one. */
static void
aggregate_settle_sum(struct aggregate *a)
{
	primitive_id sum = PRIMITIVE_NULL;
	unsigned kept = 0;
	size_t used = 0;

	/* the first sum_* in the operator's order */
	for (unsigned i = 0; i < a->n && sum == PRIMITIVE_NULL; i++)
		if (primitive_get(a->id[i])->flags & PRIMITIVE_SUM)
			sum = a->id[i];
	for (unsigned i = 0; i < a->n; i++) {
		const struct primitive *p = primitive_get(a->id[i]);
		/* in place: kept never passes i */
		if (sum == PRIMITIVE_NULL || goes_with_sum(a->id[i], sum))
			a->id[kept++] = a->id[i];
		else if (used < sizeof(a->warning))
			used +=
			    (size_t)snprintf(a->warning + used, sizeof(a->warning) - used, "%s%s",
					     used ? ", " : "does not go with a sum_*, left out: ", p->name);
	}
	a->n = kept;
}

/* Empty words are passed over ("a,,b"); a list without any word is an error, since no key and no wish for
 * totals is a slip. */
bool
aggregate_parse(struct aggregate *a, const char *text, char *err, size_t errlen)
{
	memset(a, 0, sizeof(*a));
	for (;;) {
		size_t n = strcspn(text, ",");
		if (!aggregate_word(a, text, n, err, errlen))
			return false;
		if (!text[n])
			break;
		text += n + 1;
	}
	if (a->n == 0) {
		snprintf(err, errlen, "aggregate names no primitive; for totals only, say none");
		return false;
	}
	aggregate_settle_sum(a);
	return true;
}

/* Names and not aliases; cut when out is too small, but always ended with a NUL. */
void
aggregate_format(const struct aggregate *a, char *out, size_t len)
{
	size_t used = 0;

	if (len)
		*out = '\0';
	for (unsigned i = 0; i < a->n && used < len; i++)
		used += (size_t)snprintf(out + used, len - used, "%s%s", i ? "," : "",
					 primitive_get(a->id[i])->name);
}

/* --- lists for people --- */

/* What aggregate accepts, custom rows included when they are loaded; written for people, the columns may
 * change. */
void
primitives_list(struct text *out)
{
	text_printf(out, "%-20s  %-20s  %-48s  %s\n", "primitive", "JSON key", "information elements",
		    "meaning");
	for (unsigned i = 0; i < primitive_count(); i++) {
		const struct primitive *p = primitive_get((primitive_id)i);
		if (!(p->flags & PRIMITIVE_AUTO))
			text_printf(out, "%-20s  %-20s  %-48s  %s\n", p->name, p->json ? p->json : "-",
				    p->elements ? p->elements : "-", p->help);
	}
}

/* Included by the manual page when it is built. The rows' words hold nothing that mdoc would take for a
 * macro. */
void
primitives_list_mdoc(struct text *out)
{
	for (unsigned i = 0; i < primitive_count(); i++) {
		const struct primitive *p = primitive_get((primitive_id)i);
		if (p->flags & PRIMITIVE_AUTO)
			continue;
		text_printf(out, ".It Cm %s\n%s.\n", p->name, p->help);
		if (p->json)
			text_printf(out, "JSON key\n.Li %s .\n", p->json);
		if (p->elements)
			text_printf(out, "Elements: %s.\n", p->elements);
	}
}
