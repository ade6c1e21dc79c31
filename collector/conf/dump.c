/* The effective configuration as text that is itself a configuration: what the operator set, each line with
 * the place it comes from, then the defaults as comments to copy from. */
#include "collector/conf/settings.h"
#include "collector/conf/table.h"

#define MASK "********"

/* A configuration is shown to others when they help; passwords are not. */
static const char *
shown(const struct conf_row *row, const struct setting *s)
{
	return row->secret ? MASK : s->text;
}

/* The comment before a line says where it comes from: with three tiers that is the question people have. */
static void
dump_setting(const struct conf *c, enum conf_key key, const char *scope, const struct setting *s,
	     struct text *out)
{
	const struct conf_row *row = conf_row(key);
	if (s->origin == ORIGIN_FILE)
		text_printf(out, "! %s:%u", c->file, s->line);
	else
		text_str(out, "! command line");
	/* the reason again, since who reads a dump may never have seen the warning */
	if (row->standing != CONF_STANDING_EFFECT)
		text_printf(out, "; no effect: %s", row->reason);
	text_printf(out, "\n%s", row->name);
	if (scope)
		text_printf(out, "[%s]", scope);
	text_printf(out, ": %s\n", shown(row, s));
}

/* The lines of one key, which the command line makes one. Aliases never hold a setting, so they make no
 * line. */
static void
dump_key(const struct conf *c, enum conf_key key, struct text *out)
{
	/* it hides all others, so these are not shown: they do not count */
	if (c->command_line.of[key]) {
		dump_setting(c, key, NULL, c->command_line.of[key], out);
		return;
	}
	if (c->global.of[key])
		dump_setting(c, key, NULL, c->global.of[key], out);
	if (c->core.of[key])
		dump_setting(c, key, conf_string(c, CONF_CORE, CONF_core_proc_name), c->core.of[key], out);
	for (unsigned i = 0; i < c->plugin_count; i++) {
		const struct setting *s = c->plugins[i].own.of[key];
		if (s && s->origin != ORIGIN_DEFAULT)
			dump_setting(c, key, c->plugins[i].name, s, out);
	}
}

/* Only keys that work: defaults of the others would be noise. */
static void
dump_default(const struct conf *c, enum conf_key key, struct text *out)
{
	const struct conf_row *row = conf_row(key);
	if (row->alias_of >= 0 || row->standing != CONF_STANDING_EFFECT)
		return;
	const struct setting *s = c->fallback.of[key];
	/* a default that is overridden for everybody is not in force, and would mislead */
	if (s && !c->global.of[key] && !c->command_line.of[key])
		text_printf(out, "! %s: %s\n", row->name, shown(row, s));
	for (unsigned i = 0; i < c->plugin_count; i++) {
		s = c->plugins[i].own.of[key];
		/* only memory plugins have a computed default */
		if (s && s->origin == ORIGIN_DEFAULT && strcmp(c->plugins[i].type, "memory") == 0)
			text_printf(out, "! %s[%s]: %s\n", row->name, c->plugins[i].name, shown(row, s));
	}
}

/* The output can be loaded again and then gives the same program, defaults of the user aside. */
void
conf_dump(const struct conf *c, struct text *out)
{
	text_printf(out, "! What is set%s%s\n", c->file ? " by " : "", c->file ? c->file : "");
	for (int key = 0; key < CONF_KEYS; key++)
		dump_key(c, (enum conf_key)key, out);
	text_str(out, "\n! Defaults that count\n");
	for (int key = 0; key < CONF_KEYS; key++)
		dump_default(c, (enum conf_key)key, out);
}
