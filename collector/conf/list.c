/* The table of keys for people and programs: --list-keys, and what the manual page is filled from.
 *
 * Three readers, three forms of the same rows: people get columns, the manual page mdoc(7), programs JSON.
 * None of them lists a key by name, so a key that is added anywhere is documented by that alone; the
 * manual page is filled in anew by each build. */
#include "collector/conf/settings.h"
#include "collector/conf/table.h"

/* What an operator may write: the key alone, with or without [plugin], only with it. */
static const char *
scope_word(const struct conf_row *row)
{
	static const char *const words[] = {
	    [CONF_SCOPE_GLOBAL] = "program", [CONF_SCOPE_ANY] = "any", [CONF_SCOPE_PLUGIN] = "plugin"};
	return words[row->scope];
}

/* Words for the type column: shorter than what a message says is expected. */
static const char *
type_word(enum conf_type type)
{
	static const char *const words[CONF_TYPES] = {
	    [CONF_TYPE_BOOL] = "bool",	       [CONF_TYPE_UINT] = "number", [CONF_TYPE_INT] = "number",
	    [CONF_TYPE_SIZE] = "size",	       [CONF_TYPE_PORT] = "port",   [CONF_TYPE_SECONDS] = "time",
	    [CONF_TYPE_SPAN] = "timebin",      [CONF_TYPE_OCTAL] = "octal", [CONF_TYPE_ADDRESS] = "address",
	    [CONF_TYPE_ENDPOINT] = "endpoint", [CONF_TYPE_WORD] = "word",   [CONF_TYPE_LETTERS] = "letters",
	    [CONF_TYPE_CHAR] = "character",    [CONF_TYPE_STRING] = "text", [CONF_TYPE_LIST] = "list",
	    [CONF_TYPE_PATH] = "path",	       [CONF_TYPE_MAP] = "path",
	};
	return words[type];
}

/* For programs; people read the reason instead. */
static const char *
standing_word(enum conf_standing standing)
{
	static const char *const words[] = {[CONF_STANDING_EFFECT] = "effect",
					    [CONF_STANDING_ACCEPTED] = "accepted",
					    [CONF_STANDING_REMOVED] = "removed"};
	return words[standing];
}

/* --- text --- */

/* One line a key, in the order of the rows: related keys stand together. */
static void
text_key(const struct conf_row *row, struct text *out)
{
	/* an alias has no type or scope of its own; showing those of its target twice would suggest it had */
	if (row->alias_of >= 0) {
		text_printf(out, "%-38s same as %s\n", row->name,
			    conf_row((enum conf_key)row->alias_of)->name);
		return;
	}
	text_printf(out, "%-38s %-9s %-7s %-12s ", row->name, type_word(row->type), scope_word(row),
		    row->fallback ? row->fallback : "-");
	if (row->standing == CONF_STANDING_EFFECT)
		text_printf(out, "%s\n", row->help);
	else
		text_printf(out, "(%s: %s)\n",
			    row->standing == CONF_STANDING_ACCEPTED ? "no effect" : "removed", row->reason);
}

/* Columns are wide enough for all but the longest names. */
static void
list_text(struct text *out)
{
	text_printf(out, "%-38s %-9s %-7s %-12s %s\n", "KEY", "VALUE", "SCOPE", "DEFAULT", "MEANING");
	for (int key = 0; key < CONF_KEYS; key++)
		text_key(conf_row((enum conf_key)key), out);
}

/* --- mdoc --- */

/* Text in a manual page: backslashes doubled, no line that starts like a request. Help texts are plain
 * English and need no more than this. */
static void
mdoc_text(struct text *out, const char *s)
{
	if (*s == '.' || *s == '\'')
		text_str(out, "\\&");
	for (; *s; s++) {
		if (*s == '\\')
			text_str(out, "\\e");
		else
			text_char(out, *s);
	}
}

/* Is there more to say about the value than its type? */
static bool
type_says_all(enum conf_type type)
{
	return type == CONF_TYPE_BOOL || type == CONF_TYPE_STRING || type == CONF_TYPE_LIST ||
	       type == CONF_TYPE_PATH || type == CONF_TYPE_MAP;
}

/* The same words as in a message about a wrong value. */
static void
mdoc_value(const struct conf_row *row, struct text *out)
{
	struct text expected = {0};
	conf_value_expected(row, &expected);
	text_str(out, "Takes ");
	mdoc_text(out, text_cstr(&expected));
	text_str(out, ".\n");
	text_free(&expected);
}

/* Keys that work; the others have a list of their own. */
static void
mdoc_key(const struct conf_row *row, struct text *out)
{
	/* the form a person types, brackets included */
	text_printf(out, ".It Ic %s%s : Ar %s\n", row->name,
		    row->scope == CONF_SCOPE_PLUGIN ? "[plugin]" : "", type_word(row->type));
	mdoc_text(out, row->help);
	text_str(out, ".\n");
	if (!type_says_all(row->type))
		mdoc_value(row, out);
	/* \& keeps a default that is punctuation from being taken for the end of the sentence */
	if (row->fallback) {
		text_str(out, "The default is\n.Ql \\&");
		mdoc_text(out, row->fallback);
		text_str(out, " .\n");
	}
	if (row->scope == CONF_SCOPE_ANY)
		text_str(out, "May be set per plugin.\n");
	if (row->reload)
		text_str(out, "The file is read again on SIGUSR2.\n");
}

/* An alias is one line that points to the key. */
static void
list_mdoc(struct text *out)
{
	for (int key = 0; key < CONF_KEYS; key++) {
		const struct conf_row *row = conf_row((enum conf_key)key);
		if (row->standing == CONF_STANDING_EFFECT && row->alias_of < 0)
			mdoc_key(row, out);
		else if (row->alias_of >= 0)
			text_printf(out, ".It Ic %s\nAnother spelling of\n.Ic %s .\n", row->name,
				    conf_row((enum conf_key)row->alias_of)->name);
	}
}

/* Has a key before this one the same reason? */
static bool
reason_seen(int key)
{
	const char *reason = conf_row((enum conf_key)key)->reason;
	while (key-- > 0)
		if (strcmp(conf_row((enum conf_key)key)->reason, reason) == 0)
			return true;
	return false;
}

/* Keys without effect, under the reason that they share. A page with four hundred times the same sentence
 * would not be read. */
static void
list_mdoc_accepted(struct text *out)
{
	for (int key = 0; key < CONF_KEYS; key++) {
		/* the first key of a reason stands for all that share it */
		const char *reason = conf_row((enum conf_key)key)->reason;
		if (!*reason || reason_seen(key))
			continue;
		text_printf(out, ".It %s\n", reason);
		for (int same = key; same < CONF_KEYS; same++)
			if (strcmp(conf_row((enum conf_key)same)->reason, reason) == 0)
				text_printf(out, ".Ic %s\n", conf_row((enum conf_key)same)->name);
	}
}

/* --- JSON --- */

/* null and not a missing member: every key has the same members. */
static void
json_member(struct text *out, const char *name, const char *value)
{
	text_printf(out, ",\"%s\":", name);
	if (value)
		text_json(out, value);
	else
		text_str(out, "null");
}

/* max is 0 where a type has no limits. */
static void
json_limits(const struct conf_row *row, struct text *out)
{
	if (row->max)
		text_printf(out, ",\"min\":%lld,\"max\":%llu", (long long)row->min,
			    (unsigned long long)row->max);
	if (row->words)
		json_member(out, "words", row->words);
}

/* An alias has no more to say than what it stands for. Programs that make forms or checks from the table
 * find everything they need in it. */
static void
json_key(const struct conf_row *row, struct text *out)
{
	text_printf(out, "{\"key\":\"%s\"", row->name);
	if (row->alias_of >= 0) {
		json_member(out, "alias_of", conf_row((enum conf_key)row->alias_of)->name);
		text_char(out, '}');
		return;
	}
	json_member(out, "type", type_word(row->type));
	json_limits(row, out);
	json_member(out, "default", row->fallback);
	json_member(out, "scope", scope_word(row));
	json_member(out, "standing", standing_word(row->standing));
	/* empty for keys that work, which are most */
	if (*row->reason)
		json_member(out, "reason", row->reason);
	text_printf(out, ",\"reload\":%s,\"secret\":%s", row->reload ? "true" : "false",
		    row->secret ? "true" : "false");
	json_member(out, "help", row->help);
	text_char(out, '}');
}

/* One object a line, so that grep works too. */
static void
list_json(struct text *out)
{
	for (int key = 0; key < CONF_KEYS; key++) {
		text_str(out, key ? ",\n" : "[");
		json_key(conf_row((enum conf_key)key), out);
	}
	text_str(out, "]\n");
}

/* The first is what a person gets who asks for none. */
static const struct {
	const char *name;
	void (*list)(struct text *out);
} formats[] = {
    {"text", list_text},
    {"mdoc", list_mdoc},
    {"mdoc-accepted", list_mdoc_accepted},
    {"json", list_json},
};

/* False for a format that does not exist; the caller decides what that means. */
bool
conf_list_keys(struct text *out, const char *format)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (!format || strcmp(formats[i].name, format) == 0) {
			formats[i].list(out);
			return true;
		}
	}
	return false;
}
