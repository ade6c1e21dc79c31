/* Inside this folder: what a loaded configuration is made of, and who reports faults. */
#ifndef FLOWRIB_CONF_SETTINGS_H
#define FLOWRIB_CONF_SETTINGS_H

#include "collector/conf/conf.h"

/* A value as the accessors return it; which member holds it follows from the type of the row. */
struct value {
	union {
		bool yes;
		uint64_t number;
		int64_t integer;
		int word;
		char character;
		struct conf_span span;
		struct {
			struct addr addr;
			uint16_t port;
		};
	};
};

enum origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_COMMAND_LINE };

struct setting {
	char *text; /* as given */
	enum origin origin;
	unsigned line;
	struct value value;
};

/* Settings of one scope, NULL where there is none. */
struct tier {
	struct setting *of[CONF_KEYS];
};

struct instance {
	char *type;
	char *name;
	struct tier own; /* key[name] */
};

#define PLUGINS_MAX 32

struct conf {
	char *file; /* NULL: none */
	enum conf_personality personality;
	struct tier command_line; /* beats all others */
	struct tier core;	  /* key[core_proc_name] */
	struct tier global;
	struct tier fallback; /* defaults */
	struct instance plugins[PLUGINS_MAX];
	unsigned plugin_count;
};

/* What counts for a scope; NULL when the key is unset and has no default. */
const struct setting *conf_setting(const struct conf *c, int scope, enum conf_key key);

/* Makes a setting; the text is copied. */
struct setting *setting_new(const char *text, enum origin origin, unsigned line);
/* Puts s in its place, freeing what was there. */
void tier_put(struct tier *t, enum conf_key key, struct setting *s);
void tier_clear(struct tier *t);

/* --- value.c --- */

/* Reads text as the row demands. False when it cannot be. */
bool conf_value_parse(const struct conf_row *row, const char *text, struct value *out);
/* What the row demands, in words: "a number from 1 to 99". */
void conf_value_expected(const struct conf_row *row, struct text *out);
/* A word that may have been meant by text, NULL when none is near. */
const char *conf_value_hint(const struct conf_row *row, const char *text);
/* The word with this index, without its other spellings; returns its length, 0 at the end. */
size_t conf_value_word(const char *words, unsigned index, const char **word);

/* --- where faults go --- */

struct report {
	struct text *out;
	const char *file;
	bool lenient; /* called by one of pmacct's names: what pmacct only warns of is no error */
	unsigned errors;
};

enum severity { SEVERITY_WARNING, SEVERITY_ERROR, SEVERITY_ERROR_UNLESS_LENIENT };

/* One line: place, severity, key (NULL: none), what. */
void conf_report(struct report *r, enum severity severity, enum origin origin, unsigned line, const char *key,
		 const char *fmt, ...) PRINTF_LIKE(6, 7);

/* --- instances.c --- */

/* Reads the value of the key plugins. */
void instances_parse(struct conf *c, const struct setting *s, const char *const *types, struct report *r);
/* The index of the instance with this name, or -1. */
int instance_find(const struct conf *c, const char *name);

/* --- rules.c --- */

void rules_check(const struct conf *c, struct report *r);

#endif
