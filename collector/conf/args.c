/* The command line: pmacct's letters as rows that name the keys they set, and a few long options of our own.
 * A letter that means different things under different names of the program has a row for each.
 *
 * An option is nothing but another way to set keys: it goes through the same checks, is told of with the
 * same words, and stands above the file in precedence. So nothing behind this file knows whether a value was
 * typed or written. */
#include "collector/conf/conf.h"

#include <ctype.h>
#include <getopt.h>

enum {
	FLOWRIBD = 1 << CONF_AS_FLOWRIBD,
	NFACCTD = 1 << CONF_AS_NFACCTD,
	SFACCTD = 1 << CONF_AS_SFACCTD,
	PMACCTD = 1 << CONF_AS_PMACCTD,
	UACCTD = 1 << CONF_AS_UACCTD,
	COLLECTORS = FLOWRIBD | NFACCTD | SFACCTD,
	ALL = COLLECTORS | PMACCTD | UACCTD,
};

#define SETS_MAX 4

/* Options are few and their order in --help is this one: input, plugins, output, process. */
struct option_row {
	/* not unique: -L is an address under one name and a length under another */
	char letter;
	unsigned under;	      /* which names of the program have it */
	const char *argument; /* what follows the letter, for --help; NULL: nothing */
	const char *value;    /* what the keys are set to; NULL: the argument */
	enum conf_key sets[SETS_MAX];
	unsigned set_count;
	const char *help;
};

/* a count beside the list, since no key has the number that could end it */
#define SETS1(a)	  {CONF_##a}, 1
#define SETS2(a, b)	  {CONF_##a, CONF_##b}, 2
#define SETS4(a, b, c, d) {CONF_##a, CONF_##b, CONF_##c, CONF_##d}, 4

static const struct option_row options[] = {
    {'L', FLOWRIBD | NFACCTD, "ADDRESS", NULL, SETS1(nfacctd_ip), "address to listen on"},
    {'l', FLOWRIBD | NFACCTD, "PORT", NULL, SETS1(nfacctd_port), "UDP port to listen on"},
    {'L', SFACCTD, "ADDRESS", NULL, SETS1(sfacctd_ip), "address to listen on"},
    {'l', SFACCTD, "PORT", NULL, SETS1(sfacctd_port), "UDP port to listen on"},
    {'L', PMACCTD | UACCTD, "BYTES", NULL, SETS1(snaplen), "bytes to capture of a packet"},
    {'i', PMACCTD, "INTERFACE", NULL, SETS1(pcap_interface), "interface to capture from"},
    {'N', PMACCTD, NULL, "false", SETS1(promisc), "no promiscuous mode"},
    {'w', PMACCTD, NULL, "true", SETS1(pcap_interface_wait), "wait for the interface"},
    {'z', PMACCTD, NULL, "true", SETS1(pmacctd_nonroot), "run without root"},
    {'g', UACCTD, "GROUP", NULL, SETS1(uacctd_group), "NFLOG group"},
    {'I', ALL & ~UACCTD, "FILE", NULL, SETS1(pcap_savefile), "read packets from a capture file"},
    {'W', ALL & ~UACCTD, NULL, "true", SETS1(pcap_savefile_wait),
     "stay alive when the capture file is at its end"},
    {'Z', ALL & ~UACCTD, "SECONDS", NULL, SETS1(pcap_savefile_delay), "wait before reading the capture file"},
    {'Y', ALL & ~UACCTD, "N", NULL, SETS1(pcap_savefile_replay), "read the capture file N times"},
    {'P', ALL, "PLUGINS", NULL, SETS1(plugins), "plugins: type[name], ..."},
    {'c', ALL, "PRIMITIVES", NULL, SETS1(aggregate), "what to aggregate by"},
    {'R', FLOWRIBD | NFACCTD, NULL, "true", SETS1(nfacctd_renormalize),
     "multiply counters by the sampling rate"},
    {'R', SFACCTD, NULL, "true", SETS1(sfacctd_renormalize), "multiply counters by the sampling rate"},
    {'R', PMACCTD, NULL, "true", SETS1(pmacctd_renormalize), "multiply counters by the sampling rate"},
    {'R', UACCTD, NULL, "true", SETS1(uacctd_renormalize), "multiply counters by the sampling rate"},
    {'n', ALL, "FILE", NULL, SETS1(networks_file), "networks"},
    {'t', ALL, "FILE", NULL, SETS1(ports_file), "ports"},
    {'r', ALL, "SECONDS", NULL,
     SETS4(print_refresh_time, sql_refresh_time, amqp_refresh_time, kafka_refresh_time),
     "time between purges"},
    {'o', ALL, "FILE", NULL, SETS1(print_output_file), "file the print plugin writes"},
    {'O', ALL, "FORMAT", NULL, SETS1(print_output), "formatted, csv, json, event_formatted or event_csv"},
    {'M', ALL, NULL, "true", SETS1(print_markers), "a line at the start and at the end of a purge"},
    {'A', ALL, NULL, "true", SETS1(print_output_file_append), "append to the file"},
    {'E', ALL, "CHARACTER", NULL, SETS1(print_output_separator), "separator of CSV"},
    {'u', ALL, NULL, "true", SETS4(print_num_protos, sql_num_protos, amqp_num_protos, kafka_num_protos),
     "protocols as numbers"},
    {'p', ALL, "SOCKET", NULL, SETS1(imt_path), "socket of the memory plugin"},
    {'b', ALL, "N", NULL, SETS1(imt_buckets), "no effect"},
    {'m', ALL, "N", NULL, SETS1(imt_mem_pools_number), "no effect"},
    {'s', ALL, "BYTES", NULL, SETS1(imt_mem_pools_size), "no effect"},
    {'D', ALL, NULL, "true", SETS1(daemonize), "go to the background"},
    {'d', ALL, NULL, "true", SETS1(debug), "log debug messages"},
    {'S', ALL, "FACILITY", NULL, SETS1(syslog), "log to syslog"},
    {'F', ALL, "FILE", NULL, SETS1(pidfile), "write the process id"},
    {'T', ALL, "MODE", NULL, SETS1(dry_run), "config or setup: check and exit"},
};

/* What does not set a key. */
static const struct command {
	char letter; /* 0: none */
	const char *name;
	int argument; /* as in getopt_long(3) */
	enum conf_action action;
	const char *help;
} commands[] = {
    {'f', NULL, required_argument, CONF_RUN, "configuration file"},
    {0, "check", no_argument, CONF_CHECK, "check the configuration, print what counts, exit"},
    {0, "sql-schema", no_argument, CONF_SQL_SCHEMA,
     "print the best tables for the database plugins of the configuration, exit"},
    {0, "list-keys", optional_argument, CONF_LIST_KEYS, "print the configuration keys (text, mdoc, json)"},
    {'a', "list-primitives", optional_argument, CONF_LIST_PRIMITIVES, "print the primitives"},
    {'h', "help", optional_argument, CONF_HELP, "print this"},
    {'V', "version", no_argument, CONF_VERSION, "print version and build"},
};

#define LONG_BASE 256 /* getopt's value for long option i is LONG_BASE + i */

/* By the last part of argv[0], as links are made by the installation; any other name is flowribd. A link
 * named nfacctd is enough to take a pmacct unit file over unchanged but for its path. */
static enum conf_personality
personality_of(const char *argv0)
{
	static const char *const names[] = {
	    [CONF_AS_FLOWRIBD] = "flowribd", [CONF_AS_NFACCTD] = "nfacctd", [CONF_AS_SFACCTD] = "sfacctd",
	    [CONF_AS_PMACCTD] = "pmacctd",   [CONF_AS_UACCTD] = "uacctd",
	};
	const char *slash = strrchr(argv0, '/');
	const char *base = slash ? slash + 1 : argv0;
	/* exact: a wrapper named nfacctd.sh should not change what an unknown key means */
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(base, names[i]) == 0)
			return (enum conf_personality)i;
	return CONF_AS_FLOWRIBD;
}

/* The row of a letter under this name of the program. The first one counts; no letter has two rows under
 * one name. */
static const struct option_row *
find_option(enum conf_personality personality, int letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].letter == letter && options[i].under & 1u << personality)
			return &options[i];
	return NULL;
}

/* Long options come as LONG_BASE and their row, so one that has a letter too is found either way. */
static const struct command *
find_command(int value)
{
	if (value >= LONG_BASE)
		return &commands[value - LONG_BASE];
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].letter == value)
			return &commands[i];
	return NULL;
}

/* ":" first makes getopt tell a missing argument from an unknown letter. Only letters of this personality:
 * one that means something elsewhere must not be swallowed here. */
static void
short_options(enum conf_personality personality, struct text *out)
{
	text_char(out, ':');
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].letter) {
			text_char(out, commands[i].letter);
			text_str(out, commands[i].argument == required_argument ? ":" : "");
		}
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].under & 1u << personality) {
			text_char(out, options[i].letter);
			text_str(out, options[i].argument ? ":" : "");
		}
	text_cstr(out);
}

/* The array of the caller has one place more than there are rows, for the zeros at the end. */
static void
long_options(struct option *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].name)
			*out++ =
			    (struct option){commands[i].name, commands[i].argument, NULL, LONG_BASE + (int)i};
	*out = (struct option){0};
}

/* -r and -u set the keys of all plugins that have one of the kind. */
static void
add_overrides(struct conf_args *args, const struct option_row *row, const char *value)
{
	size_t n = args->override_count + row->set_count;
	args->overrides = realloc(args->overrides, n * sizeof(args->overrides[0]));
	if (!args->overrides)
		abort();
	/* marked as one of many: the other keys of such an option must not be warned of */
	for (unsigned i = 0; i < row->set_count; i++)
		args->overrides[args->override_count++] = (struct conf_override){
		    .key = row->sets[i],
		    .letter = row->letter,
		    .one_of_many = row->set_count > 1,
		    .value = row->value ? row->value : value,
		};
}

/* Of several actions the last one counts. The argument of any of them is a format, except that of -f. */
static void
do_command(struct conf_args *args, const struct command *c, const char *argument)
{
	if (c->letter == 'f') {
		args->file = argument;
		return;
	}
	args->action = c->action;
	if (argument)
		args->list_format = argument;
}

/* What getopt could not make sense of. getopt itself stays silent (opterr), because its words differ
 * between C libraries. */
static void
explain(int value, char **argv, struct text *messages)
{
	/* getopt says ':' for a missing value and '?' for everything else; optopt tells those apart */
	if (value == ':')
		text_printf(messages, "command line: error: -%c: its value is missing\n", optopt);
	else if (optopt >= LONG_BASE)
		text_printf(messages, "command line: error: %s: it takes no value\n", argv[optind - 1]);
	else if (optopt)
		text_printf(messages, "command line: error: -%c: unknown option; --help shows all\n", optopt);
	else
		text_printf(messages, "command line: error: %s: unknown option; --help shows all\n",
			    argv[optind - 1]);
}

/* Goes on after a fault, so that all of them are told of. Values are pointers into argv: nothing is copied,
 * and argv outlives everything. A word that is no option is refused; pmacctd's trailing filter comes with
 * its capture. */
bool
conf_args_parse(struct conf_args *args, int argc, char **argv, struct text *messages)
{
	struct option longs[ARRAY_SIZE(commands) + 1];
	struct text letters = {0};
	bool ok = true;
	int value;
	*args = (struct conf_args){.personality = personality_of(argc ? argv[0] : "")};
	short_options(args->personality, &letters);
	long_options(longs);
	/* the program may parse twice, in tests for one */
	optind = 0; /* glibc: start anew */
	opterr = 0;
	while ((value = getopt_long(argc, argv, letters.data, longs, NULL)) != -1) {
		/* no command shares a letter with a key's option, so the order is free */
		const struct option_row *row = find_option(args->personality, value);
		const struct command *command = row ? NULL : find_command(value);
		if (row)
			add_overrides(args, row, optarg);
		else if (command)
			do_command(args, command, optarg);
		else
			explain(value, argv, messages);
		ok = ok && (row || command);
	}
	text_free(&letters);
	/* getopt has moved what is no option to the end of argv */
	for (; optind < argc; optind++) {
		text_printf(messages, "command line: error: '%s': expected an option\n", argv[optind]);
		ok = false;
	}
	return ok;
}

/* The strings belong to argv. */
void
conf_args_free(struct conf_args *args)
{
	free(args->overrides);
	*args = (struct conf_args){0};
}

/* Letter and name in one column, so that --help stays narrow. */
static void
list_command(struct text *out, const struct command *c)
{
	char letter[8] = "", name[40] = "";
	if (c->letter)
		snprintf(letter, sizeof(letter), "-%c%s", c->letter, c->name ? ", " : "");
	if (c->name)
		snprintf(name, sizeof(name), "--%s%s", c->name,
			 c->argument == optional_argument ? "[=FORMAT]" : "");
	else
		snprintf(name, sizeof(name), " FILE");
	text_printf(out, "  %s%-*s %s\n", letter, 30 - (int)strlen(letter), name, c->help);
}

/* Only what the program knows under this name: options of the others would be refused. */
void
conf_list_options(struct text *out, enum conf_personality personality)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		list_command(out, &commands[i]);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option_row *o = &options[i];
		/* with the key behind each: it is what the manual page and messages speak of */
		if (o->under & 1u << personality)
			text_printf(out, "  -%c %-27s %s (%s)\n", o->letter, o->argument ? o->argument : "",
				    o->help, conf_row(o->sets[0])->name);
	}
}

/* The manual page describes flowribd and nfacctd; of options that sfacctd has otherwise it says so. */
void
conf_list_options_mdoc(struct text *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option_row *o = &options[i];
		if (!(o->under & COLLECTORS))
			continue;
		text_printf(out, ".It Fl %c%s%s\n", o->letter, o->argument ? " Ar " : "",
			    o->argument ? o->argument : "");
		text_printf(out, "%c%s.\nSets", toupper((unsigned char)o->help[0]), o->help + 1);
		for (unsigned k = 0; k < o->set_count; k++)
			text_printf(out, "\n.Ic %s%s", conf_row(o->sets[k])->name,
				    k + 1 < o->set_count ? " ," : " .");
		text_str(out, o->under & NFACCTD || o->under == COLLECTORS ? "\n" : "\n(as sfacctd).\n");
	}
}
