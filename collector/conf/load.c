/* From lines to settings.
 *
 * Three passes: the lines are split and their keys looked up; then the key plugins tells which instances
 * there are; then every line finds its place. So the order of lines does not matter, except that of two lines
 * for the same key and scope the later one counts. A fault never stops a pass: the operator sees all of them
 * at once.
 *
 * What can be wrong is one of five things, each with a function that finds words for it: the line, the key,
 * its standing, its scope, its value. All of them report through conf_report(), which knows whether we are
 * strict (as flowribd) or lenient (under one of pmacct's names). */
#include "collector/base/rundir.h"
#include "collector/conf/mapfile.h"
#include "collector/conf/settings.h"
#include "collector/conf/table.h"

#include <ctype.h>

#define LINE_MAX_BYTES 10240
#define LINES_MAX      8192
#define HINTS_MAX      50

/* One line of the file, or one option, on its way. */
struct entry {
	enum conf_key key;
	char letter;	   /* of the option; 0: a line of the file */
	bool one_of_many;  /* the option sets other keys too */
	const char *scope; /* the name in brackets, or NULL */
	const char *value;
	unsigned line;
};

struct loading {
	struct conf *conf;
	struct report report;
	struct entry *entries;
	size_t count, room;
	const char *core_name;
	unsigned unknown;	   /* keys that are none */
	bool explained[CONF_KEYS]; /* its standing was told */
};

/* Entries point into the text of the file and into argv, which outlive the loading. Out of memory here
 * means out of memory at the start of a program: there is nothing to save, so it aborts. */
static void
entry_add(struct loading *l, struct entry e)
{
	/* doubling from 64: a configuration of ten thousand lines is copied eight times, one of fifty
	 * never */
	if (l->count == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->entries = realloc(l->entries, l->room * sizeof(l->entries[0]));
		if (!l->entries)
			abort();
	}
	l->entries[l->count++] = e;
}

static enum origin
origin_of(const struct entry *e)
{
	return e->letter ? ORIGIN_COMMAND_LINE : ORIGIN_FILE;
}

/* How a person wrote the key of an entry. Good until the next call on the same thread. */
static const char *
label(const struct entry *e)
{
	static _Thread_local char option[64];
	if (!e->letter)
		return conf_row(e->key)->name;
	snprintf(option, sizeof(option), "-%c (%s)", e->letter, conf_row(e->key)->name);
	return option;
}

/* Removes all blanks, in place. */
static void
squeeze(char *s)
{
	char *to = s;
	for (; *s; s++)
		if (!isspace((unsigned char)*s))
			*to++ = *s;
	*to = 0;
}

/* Takes the name in brackets off the end of key. Returns what is wrong, or NULL. */
static const char *
split_scope(char *key, char **scope)
{
	char *open = strchr(key, '[');
	*scope = NULL;
	if (!open)
		return strchr(key, ']') ? "']' without '['" : NULL;
	*scope = open + 1;
	char *close = strchr(open, ']');
	if (!close)
		return "'[' without ']'";
	/* also what stands behind the bracket: "key[a]b" has no meaning we could guess */
	if (close[1] || strchr(open + 1, '['))
		return "expected key[plugin]: value";
	*open = *close = 0;
	return **scope ? NULL : "no plugin is named between the brackets";
}

/* Keys only: values and names of plugins stay as they are. */
static void
lower(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

/* With the nearest key: most unknown keys are typing errors. */
static void
explain_unknown(struct loading *l, const char *key, unsigned line)
{
	/* A file of another kind has thousands of unknown keys. */
	int near = l->unknown++ < HINTS_MAX ? conf_key_nearest(key) : -1;
	conf_report(&l->report, SEVERITY_ERROR_UNLESS_LENIENT, ORIGIN_FILE, line, key,
		    near < 0 ? "unknown key; --list-keys shows all" : "unknown key; did you mean '%s'?",
		    near < 0 ? "" : conf_row((enum conf_key)near)->name);
}

/* Splits a line and looks its key up. The line is cut in place; entries keep pointers into it. */
static void
read_line(struct loading *l, char *line, unsigned number)
{
	struct report *r = &l->report;
	/* the first colon: values such as addresses and times have more of them */
	char *colon = strchr(line, ':'), *scope;
	if (!colon) {
		conf_report(r, SEVERITY_ERROR, ORIGIN_FILE, number, NULL,
			    "no ':' in '%.40s'; expected key: value", line);
		return;
	}
	*colon = 0;
	/* pmacct removes blanks within keys too, and files rely on it */
	squeeze(line);
	const char *fault = split_scope(line, &scope);
	/* after the scope was cut off, whose case counts */
	lower(line);
	if (fault || !*line) {
		conf_report(r, SEVERITY_ERROR, ORIGIN_FILE, number, *line ? line : NULL, "%s",
			    fault ? fault : "no key before ':'");
		return;
	}
	/* old files have keys in any case; the table has them in lower case only */
	int key = conf_key_find(line);
	if (key < 0) {
		explain_unknown(l, line, number);
		return;
	}
	char *value = lines_trim(colon + 1);
	if (!*value) {
		conf_report(r, SEVERITY_ERROR_UNLESS_LENIENT, ORIGIN_FILE, number, line,
			    "no value after ':'");
		return;
	}
	entry_add(l,
		  (struct entry){.key = (enum conf_key)key, .scope = scope, .value = value, .line = number});
}

/* Faults of the file itself, such as a line that is too long, count like faults of a line. */
static void
read_lines(struct loading *l, struct mapfile *m)
{
	char *line;
	while ((line = mapfile_next(m)) != NULL)
		read_line(l, line, m->in.number);
	/* mapfile has told of them already; here they only keep the program from starting */
	l->report.errors += m->faults;
}

/* Options follow the lines, so that what they set is told of last; they win by their tier, not by their
 * order. */
static void
read_overrides(struct loading *l, const struct conf_args *args)
{
	for (unsigned i = 0; i < args->override_count; i++) {
		const struct conf_override *o = &args->overrides[i];
		entry_add(l, (struct entry){
				 .key = o->key,
				 .letter = o->letter,
				 .one_of_many = o->one_of_many,
				 .value = o->value,
			     });
	}
}

/* The last entry for a key without a scope. By the target, so that an alias counts as the key itself. */
static const struct entry *
last_entry(const struct loading *l, enum conf_key key)
{
	for (size_t i = l->count; i-- > 0;)
		if (conf_target(l->entries[i].key) == key && !l->entries[i].scope)
			return &l->entries[i];
	return NULL;
}

/* Says once that a key has no effect. False when the line must not count at all. Removed keys are errors
 * under our own name, because their line asks for something that no longer happens. */
static bool
standing_ok(struct loading *l, const struct entry *e, const struct conf_row *row)
{
	if (row->standing == CONF_STANDING_EFFECT)
		return true;
	/* once per key, not per line: a file with twenty plugins would repeat it twenty times */
	if (!l->explained[e->key] && !e->one_of_many)
		conf_report(&l->report,
			    row->standing == CONF_STANDING_REMOVED ? SEVERITY_ERROR_UNLESS_LENIENT
								   : SEVERITY_WARNING,
			    origin_of(e), e->line, label(e), "%s: %s",
			    row->standing == CONF_STANDING_REMOVED ? "removed" : "no effect", row->reason);
	l->explained[e->key] = true;
	return row->standing == CONF_STANDING_ACCEPTED;
}

/* A value that is wrong is an error only where it would have mattered. Secrets are not repeated in
 * messages, which end up in logs and tickets. */
static void
explain_value(struct loading *l, const struct entry *e, const struct conf_row *row)
{
	struct text expected = {0};
	const char *hint = conf_value_hint(row, e->value);
	conf_value_expected(row, &expected);
	/* a wrong value of a key without effect must not keep anybody from switching */
	conf_report(&l->report, row->standing == CONF_STANDING_EFFECT ? SEVERITY_ERROR : SEVERITY_WARNING,
		    origin_of(e), e->line, label(e), "'%.100s' is not possible; expected %s%s%s%s",
		    row->secret ? "********" : e->value, text_cstr(&expected), hint ? "; did you mean '" : "",
		    hint ? hint : "", hint ? "'?" : "");
	text_free(&expected);
}

/* Names of plugins are few: all of them help more than the nearest. */
static void
explain_scope(struct loading *l, const struct entry *e)
{
	struct text names = {0};
	for (unsigned i = 0; i < l->conf->plugin_count; i++)
		text_printf(&names, "%s%s", i ? ", " : "", l->conf->plugins[i].name);
	conf_report(&l->report, SEVERITY_ERROR_UNLESS_LENIENT, origin_of(e), e->line, label(e),
		    "there is no plugin named '%s'; there are %s", e->scope, text_cstr(&names));
	text_free(&names);
}

/* Where an entry belongs; NULL after a report when nowhere. pmacct loads a key without its [plugin] into
 * nothing; under its names we warn and do the same. */
static struct tier *
find_tier(struct loading *l, const struct entry *e, const struct conf_row *row)
{
	struct conf *c = l->conf;
	/* an option holds for everybody and beats everything */
	if (e->letter)
		return &c->command_line;
	if (!e->scope && row->scope != CONF_SCOPE_PLUGIN)
		return &c->global;
	if (!e->scope) {
		conf_report(&l->report, SEVERITY_ERROR_UNLESS_LENIENT, origin_of(e), e->line, label(e),
			    "it must name a plugin; expected %s[plugin]: value", row->name);
		return NULL;
	}
	if (row->scope == CONF_SCOPE_GLOBAL) {
		conf_report(&l->report, SEVERITY_WARNING, origin_of(e), e->line, label(e),
			    "it holds for the whole program; [%s] changes nothing", e->scope);
		return &c->global;
	}
	int i = instance_find(c, e->scope);
	/* a plugin named like the core wins; pmacct has no answer to that */
	if (i >= 0)
		return &c->plugins[i].own;
	if (strcmp(e->scope, l->core_name) == 0)
		return &c->core;
	explain_scope(l, e);
	return NULL;
}

/* Puts the value of an entry where it counts, or says why it cannot count. Of two lines for one place the
 * later counts, as in pmacct, but not silently. */
static void
place(struct loading *l, const struct entry *e)
{
	enum conf_key key = conf_target(e->key);
	const struct conf_row *row = conf_row(key);
	struct value value;
	if (!standing_ok(l, e, row))
		return;
	struct tier *tier = find_tier(l, e, row);
	if (!tier)
		return;
	/* an alias is judged by the row it stands for */
	if (!conf_value_parse(row, e->value, &value)) {
		explain_value(l, e, row);
		return;
	}
	/* of options the last one wins silently, as people type them behind a line they called up again */
	if (tier->of[key] && !e->letter)
		conf_report(&l->report, SEVERITY_WARNING, origin_of(e), e->line, label(e),
			    "given before in line %u; this line counts", tier->of[key]->line);
	struct setting *s = setting_new(e->value, origin_of(e), e->line);
	s->value = value;
	tier_put(tier, key, s);
}

/* Default texts are right by the test that walks the table. */
static void
put_default(struct tier *t, enum conf_key key, const char *text)
{
	struct setting *s = setting_new(text, ORIGIN_DEFAULT, 0);
	conf_value_parse(conf_row(key), text, &s->value);
	tier_put(t, key, s);
}

/* Defaults are settings too, so that reading has one way for all. */
static void
place_defaults(struct conf *c)
{
	for (int key = 0; key < CONF_KEYS; key++)
		if (conf_row((enum conf_key)key)->fallback)
			put_default(&c->fallback, (enum conf_key)key, conf_row((enum conf_key)key)->fallback);
}

/* Defaults that depend on who runs the program and on other keys. */
static void
place_computed(struct conf *c)
{
	struct text t = {0};
	char rundir[4096];
	put_default(&c->fallback, CONF_runtime_dir, rundir_default(rundir, sizeof(rundir)));
	put_default(&c->fallback, CONF_state_dir, statedir_default(rundir, sizeof(rundir)));
	/* asked for after its own default was put, since the operator may have set neither */
	const char *dir = conf_string(c, CONF_CORE, CONF_runtime_dir);
	for (unsigned i = 0; i < c->plugin_count; i++) {
		if (conf_is_set(c, (int)i, CONF_imt_path))
			continue;
		t.len = 0;
		text_printf(&t, "%s/%s.sock", dir, c->plugins[i].name);
		put_default(&c->plugins[i].own, CONF_imt_path, text_cstr(&t));
	}
	text_free(&t);
}

/* What must be known before the other entries can be placed: the names in brackets. */
static void
place_names(struct loading *l, const struct conf_args *args)
{
	/* the core has a name too, and key[that name] is meant for it */
	const struct entry *e = last_entry(l, CONF_core_proc_name);
	struct conf *c = l->conf;
	l->core_name = e ? e->value : conf_row(CONF_core_proc_name)->fallback;
	e = last_entry(l, CONF_plugins);
	struct setting *s = e ? setting_new(e->value, origin_of(e), e->line)
			      : setting_new(conf_row(CONF_plugins)->fallback, ORIGIN_DEFAULT, 0);
	/* to tell "no plugin" from "a plugin with a fault", which has been reported */
	unsigned errors = l->report.errors;
	instances_parse(c, s, args ? args->plugin_types : NULL, &l->report);
	if (c->plugin_count == 0 && l->report.errors == errors)
		conf_report(&l->report, SEVERITY_ERROR, s->origin, s->line, "plugins", "no plugin is named");
	free(s);
}

/* Rules look at values, so they wait until all of these are right. Faults of single values would only make
 * rules report the same thing twice. */
static struct conf *
finish(struct loading *l)
{
	struct conf *c = l->conf;
	free(l->entries);
	if (l->report.errors == 0)
		rules_check(c, &l->report);
	if (l->report.errors == 0)
		return c;
	conf_free(c);
	return NULL;
}

/* Keys, plugins, values: the third pass needs the names of the second, and none stops the ones after it. */
static struct conf *
load(struct mapfile *m, const struct conf_args *args, struct text *messages)
{
	struct conf *c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	struct loading l = {.conf = c, .report = {.out = messages, .file = m ? m->name : NULL}};
	/* kept for messages and the dump: the mapfile is closed before they are written */
	c->file = m ? strdup(m->name) : NULL;
	c->personality = args ? args->personality : CONF_AS_FLOWRIBD;
	l.report.lenient = c->personality != CONF_AS_FLOWRIBD;
	place_defaults(c);
	if (m)
		read_lines(&l, m);
	if (args)
		read_overrides(&l, args);
	place_names(&l, args);
	for (size_t i = 0; i < l.count; i++)
		place(&l, &l.entries[i]);
	place_computed(c);
	return finish(&l);
}

/* The limits on lines are pmacct's, so that what it takes is taken here. */
struct conf *
conf_load(const struct conf_args *args, struct text *messages)
{
	struct mapfile m;
	if (!args->file)
		return load(NULL, args, messages);
	if (!mapfile_open(&m, args->file, LINE_MAX_BYTES, LINES_MAX, messages))
		return NULL;
	struct conf *c = load(&m, args, messages);
	mapfile_close(&m);
	return c;
}

/* The text is copied; data may go as soon as this returns. */
struct conf *
conf_load_text(const char *name, const char *data, size_t n, const struct conf_args *args,
	       struct text *messages)
{
	struct mapfile m;
	mapfile_memory(&m, name, data, n, LINE_MAX_BYTES, LINES_MAX, messages);
	struct conf *c = load(&m, args, messages);
	mapfile_close(&m);
	return c;
}
