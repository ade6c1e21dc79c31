/* A loaded configuration: tiers of settings, and the accessors.
 *
 * Each scope has an array with one slot per key, so reading is at most four loads. Values are parsed when
 * they are set, never when they are read. Settings are kept per key even where pmacct lets several keys share
 * one place: a kafka_ key never changes what print does. */
#include "collector/conf/settings.h"
#include "collector/conf/table.h"

#include <stdarg.h>

/* One block holds both, so that a setting is freed as one. */
struct setting *
setting_new(const char *text, enum origin origin, unsigned line)
{
	size_t n = strlen(text) + 1;
	struct setting *s = calloc(1, sizeof(*s) + n);
	if (!s)
		abort();
	s->text = (char *)(s + 1);
	memcpy(s->text, text, n);
	s->origin = origin;
	s->line = line;
	return s;
}

/* NULL empties the place. */
void
tier_put(struct tier *t, enum conf_key key, struct setting *s)
{
	free(t->of[key]);
	t->of[key] = s;
}

/* Safe on a tier that was never filled. */
void
tier_clear(struct tier *t)
{
	for (unsigned i = 0; i < CONF_KEYS; i++)
		if (t->of[i])
			tier_put(t, (enum conf_key)i, NULL);
}

/* Strings that accessors returned end here. */
void
conf_free(struct conf *c)
{
	if (!c)
		return;
	tier_clear(&c->command_line);
	tier_clear(&c->core);
	tier_clear(&c->global);
	tier_clear(&c->fallback);
	for (unsigned i = 0; i < c->plugin_count; i++) {
		tier_clear(&c->plugins[i].own);
		free(c->plugins[i].type);
		free(c->plugins[i].name);
	}
	free(c->file);
	free(c);
}

/* The order of the tiers is the order of precedence: command line, the plugin's own, the whole program,
 * default. An alias has no place of its own, so all spellings of a key read the same. */
const struct setting *
conf_setting(const struct conf *c, int scope, enum conf_key key)
{
	const struct setting *s;
	key = conf_target(key);
	if ((s = c->command_line.of[key]) != NULL)
		return s;
	const struct tier *own = scope == CONF_CORE ? &c->core : &c->plugins[scope].own;
	if ((s = own->of[key]) != NULL)
		return s;
	if ((s = c->global.of[key]) != NULL)
		return s;
	return c->fallback.of[key];
}

/* By which of pmacct's names the program was called. */
enum conf_personality
conf_personality(const struct conf *c)
{
	return c->personality;
}

/* NULL when all came from the command line. */
const char *
conf_file(const struct conf *c)
{
	return c->file;
}

/* At least 1 after loading. */
unsigned
conf_plugins(const struct conf *c)
{
	return c->plugin_count;
}

/* Unique among the instances; in files, logs and labels it stands for the plugin. */
const char *
conf_plugin_name(const struct conf *c, int i)
{
	return c->plugins[i].name;
}

/* In lower case, however it was written. */
const char *
conf_plugin_type(const struct conf *c, int i)
{
	return c->plugins[i].type;
}

/* Accessors do not check that the row is of their type: the table is fixed, and a test walks it. */
bool
conf_bool(const struct conf *c, int scope, enum conf_key key)
{
	const struct setting *s = conf_setting(c, scope, key);
	return s && s->value.yes;
}

/* Sizes, ports, seconds and octal numbers too. A span in months has no exact length; who needs one asks
 * conf_span. */
uint64_t
conf_uint(const struct conf *c, int scope, enum conf_key key)
{
	const struct setting *s = conf_setting(c, scope, key);
	if (!s)
		return 0;
	if (conf_row(conf_target(key))->type == CONF_TYPE_SPAN)
		return s->value.span.seconds + s->value.span.months * UINT64_C(2592000);
	return s->value.number;
}

/* For the few keys that may be negative. */
int64_t
conf_int(const struct conf *c, int scope, enum conf_key key)
{
	const struct setting *s = conf_setting(c, scope, key);
	return s ? s->value.integer : 0;
}

/* As written, blanks trimmed; for any type, so messages can quote it. */
const char *
conf_string(const struct conf *c, int scope, enum conf_key key)
{
	const struct setting *s = conf_setting(c, scope, key);
	return s ? s->text : NULL;
}

/* An index into the row's words, which conf.h repeats as an enumeration. */
int
conf_word(const struct conf *c, int scope, enum conf_key key)
{
	const struct setting *s = conf_setting(c, scope, key);
	return s ? s->value.word : -1;
}

/* 0 when unset; no key takes that character. */
char
conf_char(const struct conf *c, int scope, enum conf_key key)
{
	const struct setting *s = conf_setting(c, scope, key);
	return s ? s->value.character : 0;
}

/* Both members 0 when unset. */
struct conf_span
conf_span(const struct conf *c, int scope, enum conf_key key)
{
	const struct setting *s = conf_setting(c, scope, key);
	return s ? s->value.span : (struct conf_span){0};
}

/* out stays as it is when the key is unset. */
bool
conf_addr(const struct conf *c, int scope, enum conf_key key, struct addr *out)
{
	const struct setting *s = conf_setting(c, scope, key);
	if (s)
		*out = s->value.addr;
	return s != NULL;
}

/* A port alone means loopback: what is reachable from elsewhere has to be asked for. */
bool
conf_endpoint(const struct conf *c, int scope, enum conf_key key, struct addr *out, uint16_t *port)
{
	const struct setting *s = conf_setting(c, scope, key);
	if (!s)
		return false;
	*out = s->value.addr;
	*port = s->value.port;
	return true;
}

/* A default is not "set": many keys act only when somebody wrote them. */
bool
conf_is_set(const struct conf *c, int scope, enum conf_key key)
{
	const struct setting *s = conf_setting(c, scope, key);
	return s && s->origin != ORIGIN_DEFAULT;
}

/* For messages of others about a value that only they can judge, such as an aggregate. */
const char *
conf_where(const struct conf *c, int scope, enum conf_key key, char *buf, size_t n)
{
	const struct setting *s = conf_setting(c, scope, key);
	if (s && s->origin == ORIGIN_FILE)
		snprintf(buf, n, "%s:%u", c->file, s->line);
	else
		snprintf(buf, n, "%s", s && s->origin == ORIGIN_COMMAND_LINE ? "command line" : "default");
	return buf;
}

/* Empty items are passed over, as pmacct does it: "a,,b" has two. */
size_t
conf_list_next(const char **next, const char **item)
{
	while (*next && **next) {
		const char *start = *next + strspn(*next, " \t,");
		size_t n = strcspn(start, ",");
		*next = start + n;
		while (n && (start[n - 1] == ' ' || start[n - 1] == '\t'))
			n--;
		*item = start;
		if (n)
			return n;
	}
	return 0;
}

/* A file may hold anything; a terminal should not obey it. */
static void
disarm(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

/* All faults go through here, so there is one form and one count. What pmacct only warns of is an error
 * under our own name: an operator who wrote it meant something by it. */
void
conf_report(struct report *r, enum severity severity, enum origin origin, unsigned line, const char *key,
	    const char *fmt, ...)
{
	char what[1024];
	size_t n = key ? (size_t)snprintf(what, sizeof(what) / 2, "%s: ", key) : 0;
	n = n < sizeof(what) / 2 ? n : sizeof(what) / 2 - 1;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(what + n, sizeof(what) - n, fmt, ap);
	va_end(ap);
	disarm(what);
	bool fatal = severity == SEVERITY_ERROR || (severity == SEVERITY_ERROR_UNLESS_LENIENT && !r->lenient);
	r->errors += fatal;
	if (origin == ORIGIN_FILE)
		text_printf(r->out, "%s:%u: ", r->file, line);
	else
		text_str(r->out, origin == ORIGIN_COMMAND_LINE ? "command line: " : "configuration: ");
	text_printf(r->out, "%s: %s\n", fatal ? "error" : "warning", what);
}
