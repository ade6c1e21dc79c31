/* The key plugins: "type[name], type, ...". A type without a name is called default_TYPE; here, unlike in
 * pmacct, that does not cost the ones after it their names.
 *
 * The operator's names are what everything else hangs on: keys in brackets, sockets, log lines, labels. So
 * they are settled before any other line is placed, and names that would not survive a file name or a label
 * are refused here, once. */
#include "collector/base/nearest.h"
#include "collector/conf/settings.h"
#include "collector/conf/table.h"

#include <ctype.h>
#include <strings.h>

/* What the caller gets that names no types. */
static const char *const usual_types[] = {"memory", "print", NULL};

/* Types that other versions have, with the reason why not here. Those the caller has are never looked for
 * here. */
static const struct {
	const char *type;
	const char *why;
} absent_types[] = {
    {"core", "the core is no plugin; it runs anyway"},
    {"mysql", "MySQL is not supported; use pgsql or sqlite3"},
    {"pgsql", "this program has no databases"},
    {"sqlite3", "this program has no databases"},
    {"amqp", "AMQP is not in this version"},
    {"kafka", "Kafka is not in this version"},
    {"tee", "replication (tee) is not in this version"},
    {"nfprobe", "it exports what a packet capture counted; there is no capture in this version"},
    {"sfprobe", "it exports what a packet capture counted; there is no capture in this version"},
};

/* types end with NULL. */
static bool
type_known(const char *const *types, const char *type)
{
	for (; *types; types++)
		if (strcmp(*types, type) == 0)
			return true;
	return false;
}

/* NULL for a word that no version ever knew. */
static const char *
type_absent(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(absent_types); i++)
		if (strcmp(absent_types[i].type, type) == 0)
			return absent_types[i].why;
	return NULL;
}

/* A type that other versions have deserves its reason, any other one the list and the nearest of it. The
 * reason says what to use instead, as far as there is something. */
static void
explain_type(const char *type, const char *const *types, const struct setting *s, struct report *r)
{
	struct text all = {0};
	/* a known word gets its reason; offering the nearest would be "tee" for "amqp" */
	const char *why = type_absent(type), *near = NULL;
	for (; *types; types++) {
		text_printf(&all, "%s%s", all.len ? ", " : "", *types);
		if (word_near(type, word_distance(type, *types)))
			near = *types;
	}
	if (why)
		conf_report(r, SEVERITY_ERROR, s->origin, s->line, "plugins", "'%s': %s", type, why);
	else
		conf_report(r, SEVERITY_ERROR, s->origin, s->line, "plugins",
			    "'%s': there is no such plugin; expected one of %s%s%s%s", type, text_cstr(&all),
			    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	text_free(&all);
}

/* Names are compared as written; a plugin's name is the operator's, not a keyword. */
int
instance_find(const struct conf *c, const char *name)
{
	for (unsigned i = 0; i < c->plugin_count; i++)
		if (strcmp(c->plugins[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* The name becomes part of file names, log lines and labels of metrics, which do not quote it. */
static bool
name_valid(const char *name)
{
	for (; *name; name++)
		if (isspace((unsigned char)*name) || !isprint((unsigned char)*name) ||
		    strchr("[]/:,\"\\", *name))
			return false;
	return true;
}

/* Splits one item "type" or "type[name]" of n bytes. False when it is neither. name has room for the
 * default too; nothing is cut, since the caller bounds the item. */
static bool
split_item(const char *item, size_t n, char *type, char *name, size_t room)
{
	/* by hand, not strchr: an item is a piece of a longer text and ends at n */
	size_t bracket = 0;
	while (bracket < n && item[bracket] != '[')
		bracket++;
	size_t end = bracket;
	while (end && isspace((unsigned char)item[end - 1]))
		end--;
	if (end == 0)
		return false;
	snprintf(type, room, "%.*s", (int)end, item);
	/* the type is a keyword and any case will do; the name is the operator's */
	for (char *p = type; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	/* without a name: pmacct's, which stands in the file names of existing set-ups */
	if (bracket == n)
		return snprintf(name, room, "default_%s", type) < (int)room;
	/* an empty name would make key[] a way to set it */
	if (item[n - 1] != ']' || n - bracket < 3)
		return false;
	snprintf(name, room, "%.*s", (int)(n - bracket - 2), item + bracket + 1);
	return name_valid(name);
}

/* Of two with one name the first stays, as pmacct does it. Under our own name it is an error: keys for that
 * name would mean both. */
static void
instance_add(struct conf *c, const char *type, const char *name, const struct setting *s, struct report *r)
{
	if (instance_find(c, name) >= 0) {
		conf_report(r, SEVERITY_ERROR_UNLESS_LENIENT, s->origin, s->line, "plugins",
			    "two instances are named '%s'; give each its own name, %s[NAME]", name, type);
		return;
	}
	if (c->plugin_count == PLUGINS_MAX) {
		conf_report(r, SEVERITY_ERROR, s->origin, s->line, "plugins", "more than %d instances",
			    PLUGINS_MAX);
		return;
	}
	struct instance *i = &c->plugins[c->plugin_count++];
	/* no check for memory: at the start of a program there is nothing to save */
	i->type = strdup(type);
	i->name = strdup(name);
}

/* types come from the program, because only it knows which plugins were built. */
void
instances_parse(struct conf *c, const struct setting *s, const char *const *types, struct report *r)
{
	const char *next = s->text, *item;
	size_t n;
	if (!types)
		types = usual_types;
	while ((n = conf_list_next(&next, &item)) > 0) {
		char type[64], name[64];
		/* the type may become part of the name */
		if (n >= 64 - sizeof("default_") || !split_item(item, n, type, name, sizeof(name))) {
			conf_report(r, SEVERITY_ERROR, s->origin, s->line, "plugins",
				    "'%.*s': expected type or type[name]; the name has no blanks, brackets, "
				    "quotes, '\\', '/' or ':'",
				    (int)n, item);
			continue;
		}
		if (!type_known(types, type))
			explain_type(type, types, s, r);
		/* An unknown one is taken too: the lines that name it are not wrong as well. */
		instance_add(c, type, name, s, r);
	}
}
