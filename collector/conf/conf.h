/* The configuration.
 *
 * Every key is one row of a table (keys.def): name, type, range, default, scope, whether it has an effect in
 * this version, help. The parser, the command line, the checks, the dump, --list-keys and the manual page are
 * walks of that table; no key is named anywhere else in this folder but in the rules that tie two keys
 * together (rules.c).
 *
 * A value is looked for in this order: the command line, key[plugin], key, the row's default. Reading is a
 * table access and needs no lock: a struct conf does not change once it is loaded. */
#ifndef FLOWRIB_CONF_CONF_H
#define FLOWRIB_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/addr.h"
#include "collector/base/text.h"

/* Scope argument of the accessors: the core, or else the index of a plugin instance, 0 to conf_plugins() - 1.
 */
#define CONF_CORE (-1)

enum conf_key {
#define K(name, ...) CONF_##name,
#include "collector/conf/keys.def"
#undef K
	CONF_KEYS
};

enum conf_type {
	CONF_TYPE_BOOL,	    /* true or false, in any case */
	CONF_TYPE_UINT,	    /* 0 to 2^64 - 1 */
	CONF_TYPE_INT,	    /* may be negative: conf_int() */
	CONF_TYPE_SIZE,	    /* bytes; K, M, G, T stand for powers of 1024 */
	CONF_TYPE_PORT,	    /* 1 to 65535 */
	CONF_TYPE_SECONDS,  /* bare number or with s, m, h, d, w */
	CONF_TYPE_SPAN,	    /* length of a time bin: as above, or M for calendar months: conf_span() */
	CONF_TYPE_OCTAL,    /* file mode bits */
	CONF_TYPE_ADDRESS,  /* IPv4 or IPv6: conf_addr() */
	CONF_TYPE_ENDPOINT, /* port, address:port or [address]:port: conf_endpoint() */
	CONF_TYPE_WORD,	    /* one of the words of the row: conf_word() */
	CONF_TYPE_LETTERS,  /* each letter one of the row's, none twice */
	CONF_TYPE_CHAR,	    /* one character, \t or \s: conf_char() */
	CONF_TYPE_STRING,
	CONF_TYPE_LIST, /* items after commas */
	CONF_TYPE_PATH,
	CONF_TYPE_MAP, /* a path whose file is read again on SIGUSR2 */
	CONF_TYPES
};

enum conf_scope {
	CONF_SCOPE_GLOBAL, /* one value for the program */
	CONF_SCOPE_ANY,	   /* for the program, or per plugin */
	CONF_SCOPE_PLUGIN, /* needs the name of a plugin */
};

/* What becomes of a key that somebody sets. */
enum conf_standing {
	CONF_STANDING_EFFECT,	/* it works */
	CONF_STANDING_ACCEPTED, /* known, without effect, said once in a warning */
	CONF_STANDING_REMOVED,	/* an error that names what to use instead (only a warning under one of
				   pmacct's names) */
};

struct conf_row {
	const char *name;
	enum conf_type type;
	enum conf_scope scope;
	enum conf_standing standing;
	const char *reason; /* why without effect or removed; "" for a key that works */
	bool reload;	    /* SIGUSR2 makes a new value of the file behind it effective */
	bool secret;	    /* masked wherever it is shown */
	int64_t min;	    /* of numbers; seconds for times */
	uint64_t max;	    /* 0 with a min of 0: no limit */
	const char
	    *words; /* of CONF_TYPE_WORD, by blanks, "long|other" being two spellings; letters of LETTERS */
	const char *fallback; /* the default as it would stand in a file; NULL: none */
	int alias_of;	      /* the key that it is another spelling of, or -1 */
	const char *help;     /* one line */
};

/* How the program was called: by which name, hence how strict it is and which key a letter such as -l means.
 */
enum conf_personality {
	CONF_AS_FLOWRIBD,
	CONF_AS_NFACCTD,
	CONF_AS_SFACCTD,
	CONF_AS_PMACCTD,
	CONF_AS_UACCTD,
};

enum conf_action {
	CONF_RUN,
	CONF_CHECK,	      /* --check: validate, print the effective configuration */
	CONF_SQL_SCHEMA,      /* --sql-schema: print the tables of database plugins */
	CONF_LIST_KEYS,	      /* --list-keys[=text|mdoc|json] */
	CONF_LIST_PRIMITIVES, /* --list-primitives[=...], -a */
	CONF_HELP,	      /* --help, -h */
	CONF_VERSION,	      /* --version, -V */
};

/* One option of the command line that stands for a key. Strings point into argv or are constants. */
struct conf_override {
	enum conf_key key;
	char letter;	  /* the option, such as l */
	bool one_of_many; /* the option sets several keys: those without effect are not worth a word */
	const char *value;
};

struct conf_args {
	enum conf_personality personality;
	enum conf_action action;
	const char *list_format; /* of --list-*: NULL when none was given */
	const char *file;	 /* -f; NULL: none */
	struct conf_override *overrides;
	unsigned override_count;
	/* The plugin types there are, ended by NULL; the caller sets it before conf_load(). NULL: memory and
	 * print. */
	const char *const *plugin_types;
};

/* Reads the command line. argv must outlive args. False, with one line per fault in messages, when it is
 * wrong. */
bool conf_args_parse(struct conf_args *args, int argc, char **argv, struct text *messages);
void conf_args_free(struct conf_args *args);

/* The options, one per line, for --help; and for the manual page. */
void conf_list_options(struct text *out, enum conf_personality personality);
void conf_list_options_mdoc(struct text *out);

/* Reads the file and the overrides of args, and checks all of it. Returns NULL when anything is wrong: all
 *faults that can be found are found, not only the first. Faults and warnings go to messages, one line each:
 *	FILE:LINE: error: KEY: what is wrong; expected ...; did you mean '...'?
 *	FILE:LINE: warning: KEY: ...
 * ("command line" stands for FILE:LINE there). The caller frees both. */
struct conf;
struct conf *conf_load(const struct conf_args *args, struct text *messages);

/* The same from n bytes of memory instead of args->file; name stands for the file in messages. args may be
 * NULL. For tests and tools. */
struct conf *conf_load_text(const char *name, const char *data, size_t n, const struct conf_args *args,
			    struct text *messages);
void conf_free(struct conf *c);

/* --- what is configured --- */

enum conf_personality conf_personality(const struct conf *c);
/* The file it came from; NULL when there was none. */
const char *conf_file(const struct conf *c);

/* Plugin instances, in the order of the key plugins; at least one. */
unsigned conf_plugins(const struct conf *c);
const char *conf_plugin_name(const struct conf *c, int i);
/* In lower case. */
const char *conf_plugin_type(const struct conf *c, int i);

/* Accessors. Strings live as long as c. A key with neither a value nor a default reads as false, 0 or NULL.
 * An alias reads as the key it stands for. */
bool conf_bool(const struct conf *c, int scope, enum conf_key key);
/* UINT, SIZE (bytes), PORT (host byte order), SECONDS, OCTAL; of SPAN the seconds, a month counting 30 days.
 */
uint64_t conf_uint(const struct conf *c, int scope, enum conf_key key);
int64_t conf_int(const struct conf *c, int scope, enum conf_key key);
/* Any type: the text as it was given; NULL when unset and without default. */
const char *conf_string(const struct conf *c, int scope, enum conf_key key);
/* WORD: index of the word in the row's words, so the order there is an enum below; -1 when unset without
 * default. */
int conf_word(const struct conf *c, int scope, enum conf_key key);
/* CHAR: the character that is meant ("\t" is a tabulator, "\s" a blank); 0 when unset without default. */
char conf_char(const struct conf *c, int scope, enum conf_key key);

/* A length of time is either in seconds or in calendar months. */
struct conf_span {
	uint64_t seconds;
	unsigned months;
};
struct conf_span conf_span(const struct conf *c, int scope, enum conf_key key);

/* False when unset. */
bool conf_addr(const struct conf *c, int scope, enum conf_key key, struct addr *out);
/* Of a port alone the address is 127.0.0.1. */
bool conf_endpoint(const struct conf *c, int scope, enum conf_key key, struct addr *out, uint16_t *port);

/* Did the operator set it, for this scope or for all? */
bool conf_is_set(const struct conf *c, int scope, enum conf_key key);

/* Where the value comes from: "FILE:LINE", "command line" or "default". Written to buf, which is returned. */
const char *conf_where(const struct conf *c, int scope, enum conf_key key, char *buf, size_t n);

/* Steps through a comma-separated value: *item gets the next item, blanks trimmed, not NUL-terminated;
 * returns its length, 0 at the end. Start with *next = conf_string(...). Empty items are left out. */
size_t conf_list_next(const char **next, const char **item);

/* --- the words of WORD keys that code asks for --- */

enum conf_output { /* print_output */
		   CONF_OUTPUT_FORMATTED,
		   CONF_OUTPUT_CSV,
		   CONF_OUTPUT_JSON,
		   CONF_OUTPUT_EVENT_FORMATTED,
		   CONF_OUTPUT_EVENT_CSV,
		   CONF_OUTPUT_AVRO,
		   CONF_OUTPUT_AVRO_JSON,
		   CONF_OUTPUT_CUSTOM,
};

enum conf_zmq_profile { /* plugin_pipe_zmq_profile */
			CONF_ZMQ_MICRO,
			CONF_ZMQ_SMALL,
			CONF_ZMQ_MEDIUM,
			CONF_ZMQ_LARGE,
			CONF_ZMQ_XLARGE,
};

enum conf_source { /* nfacctd_as, nfacctd_net and their siblings */
		   CONF_SOURCE_NETFLOW,
		   CONF_SOURCE_SFLOW,
		   CONF_SOURCE_FILE,
		   CONF_SOURCE_BGP,
		   CONF_SOURCE_BMP,
		   CONF_SOURCE_LONGEST,
		   CONF_SOURCE_MASK,   /* *_net only */
		   CONF_SOURCE_BGP_LS, /* *_net only */
};

/* --- the table itself --- */

const struct conf_row *conf_row(enum conf_key key);
/* -1 when there is no such key; name must be in lower case. */
int conf_key_find(const char *name);

/* The effective configuration as a file that would be accepted again: what the operator set first, then every
 * default in a comment. Secrets are masked. */
void conf_dump(const struct conf *c, struct text *out);

/* The table of keys: format is NULL or "text"; "mdoc", items of a tagged list for the manual page, of the
 * keys that have an effect; "mdoc-accepted", the others under the reason they share; "json". False when it is
 * none of these. */
bool conf_list_keys(struct text *out, const char *format);

#endif
