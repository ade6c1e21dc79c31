/* The readable commands. A command is a row: name, one line of help, a function.
 *
 * Commands are for people; their names and options may be improved. Scripts that must not break use pmacct's
 * options (legacy.c), whose output never changes.
 *
 * All commands share one set of options, parsed before the command is run: an option that a command has no
 * use for is no error, so that a line can be edited from one command to the next. Every command opens one
 * connection, asks, prints, closes; the exit status is 0 only when everything was shown. */
#include <getopt.h>
#include <inttypes.h>

#include "tools/client/client.h"
#include "tools/client/table.h"

/* Conditions on a line; the protocol's own bound on columns is higher. */
#define WHERES_MAX 32

/* All options of all commands, as they were typed; strings are argv's. What needs the table's columns to be
 * understood is kept as text. */
struct command_options {
	const char *path;
	const char *by;
	const char *runtime_dir;
	char *where[WHERES_MAX];
	unsigned wheres;
	bool has_top;
	bool once;
	bool json;
	bool table;
	uint32_t top;
	uint16_t flags;
	double interval;
	struct row_options rows;
	char *const *word; /* what stands behind the command and is no option */
	int words;
};

/* A new command is a function and a row in commands[]; help and the error for unknown words follow. */
struct command {
	const char *name;
	const char *help;
	int (*run)(struct command_options *o);
	bool takes_words;
};

/* --- the commands --- */

/* Turns the options' conditions into a question of the given kind; without conditions all entries. */
static bool
ask(const struct command_options *o, struct connection *c, struct question *q)
{
	/* understood by the table's own columns, which the connection brought along */
	bool ok = question_where(q, &c->layout, o->where, o->wheres);
	if (ok && o->has_top) {
		q->counter = question_counter(q, &c->layout, o->by);
		q->top = o->top;
		ok = q->counter != UINT16_MAX;
	}
	if (ok)
		return true;
	/* one place for messages, whoever found the fault: finish() prints it */
	snprintf(c->err, sizeof(c->err), "%s", q->err);
	return false;
}

/* The end of every command: messages, memory, exit status. */
static int
finish(struct connection *c, struct question *q, bool ok)
{
	/* a full disk or a closed pipe shows at the latest here, and is an error, too */
	int status = ok && fflush(stdout) == 0 ? 0 : client_fail(c->err);
	question_free(q);
	connection_close(c);
	return status;
}

/* The daemon selects the largest itself up to MEMORY_TOP_MAX; beyond that all rows come and are sorted here,
 * which costs memory on this side only. */
static int
run_show(struct command_options *o)
{
	struct connection c;
	struct question q = {.type = o->wheres ? MEMORY_MATCH : MEMORY_DUMP, .flags = o->flags};
	struct row_options rows = o->rows;
	if (!session_open(&c, o->path, false))
		return 1;
	bool ok = ask(o, &c, &q);
	if (!o->wheres) /* no conditions, no queries */
		q.queries = 0;
	/* the columns that are asked for are known now, the counter among them */
	/* a table holds rows back to measure them; the other forms stream */
	rows.table = o->table;
	rows.counter = q.counter;
	if (o->has_top && (o->top == 0 || o->top > MEMORY_TOP_MAX)) { /* more than the daemon selects */
		rows.sort = true;
		rows.top = o->top;
		q.top = 0;
	}
	return finish(&c, &q, ok && question_send(&q, &c) && rows_print(&c, &rows));
}

/* Without conditions there is one query that wants everything. */
static int
run_count(struct command_options *o)
{
	struct connection c;
	struct question q = {.type = MEMORY_COUNT, .flags = o->flags};
	uint64_t *line = NULL, sum[1 + LAYOUT_COUNTERS_MAX] = {0};
	if (!session_open(&c, o->path, false))
		return 1;
	/* a line is the number of matching entries and then each counter of the layout */
	unsigned each = 1 + c.layout.counters;
	bool ok = ask(o, &c, &q) && (line = session_count(&c, &q)) != NULL;
	/* several conditions make several queries that exclude each other: their sums add up */
	for (size_t i = 0; ok && i < (size_t)q.queries * each; i++)
		sum[i % each] += line[i];
	for (unsigned i = 0; ok && i < each; i++) {
		char human[32], plain[32];
		snprintf(plain, sizeof(plain), "%" PRIu64, sum[i]);
		human_number(human, sizeof(human), (double)sum[i]);
		printf("%-10s %s\n", i ? primitive_get(c.layout.counter[i - 1].id)->name : "entries",
		       o->rows.human ? human : plain);
	}
	free(line);
	return finish(&c, &q, ok);
}

/* Says so, because a table that is silently empty looks like a fault. */
static int
run_erase(struct command_options *o)
{
	struct connection c;
	struct question q = {0};
	/* session_open has said why; nothing was opened that would have to be closed */
	if (!session_open(&c, o->path, false))
		return 1;
	bool ok = session_erase(&c);
	if (ok)
		puts("The table is empty.");
	return finish(&c, &q, ok);
}

/* What a user needs to write a condition stands here too: the columns. */
static int
run_table(struct command_options *o)
{
	struct connection c;
	struct question q = {0};
	struct text t = {0};
	if (!session_open(&c, o->path, false))
		return 1;
	bool ok = session_status(&c, &t);
	if (ok) {
		fputs(text_cstr(&t), stdout);
		fputs("columns:", stdout);
		for (unsigned i = 0; i < c.layout.fields; i++)
			printf(" %s", primitive_get(c.layout.field[i].id)->name);
		putchar('\n');
	}
	text_free(&t);
	return finish(&c, &q, ok);
}

/* Its loop is in top.c; here the options only change their form. */
static int
run_top(struct command_options *o)
{
	/* top has its own default for the number of rows: the height of the screen */
	struct top_options top = {.path = o->path,
				  .by = o->by,
				  .interval = o->interval,
				  .rows = o->has_top ? o->top : 0,
				  .once = o->once,
				  .format = o->rows.format,
				  .where = o->where,
				  .wheres = o->wheres};
	return top_run(&top);
}

/* The text is made by the daemon, so an older client shows what a newer daemon knows. */
static int
run_status(struct command_options *o)
{
	/* of the daemon and not of a table: another socket, another protocol */
	return control_run(o->runtime_dir, o->json ? "status json\n" : "status text\n");
}

/* What the daemon says of it is passed on: a file with an error keeps its old content, and the answer names
 * it. */
static int
run_reload(struct command_options *o)
{
	return control_run(o->runtime_dir, "reload\n");
}

/* The words are the daemon's to understand, so that its next release needs no new client. */
static int
run_bgp(struct command_options *o)
{
	struct text line = {0};
	if (!o->json && !o->table)
		return client_fail("flowrib bgp shows table or json");
	if (!o->words)
		return client_fail("flowrib bgp peers, summary, lookup ADDRESS [peer ADDRESS] [rd RD], or "
				   "prefix PREFIX [peer ADDRESS] [rd RD]");
	text_str(&line, o->json ? "bgp json" : "bgp text");
	for (int i = 0; i < o->words; i++)
		text_printf(&line, " %s", o->word[i]);
	text_char(&line, '\n');
	int status = control_run(o->runtime_dir, text_cstr(&line));
	text_free(&line);
	return status;
}

/* To standard output, since it was asked for; usage after an error goes to the other one. */
static int
run_help(struct command_options *o)
{
	(void)o;
	command_help(stdout);
	return 0;
}

static const struct command commands[] = {
    {"show", "entries of the table: all, those that match, the largest", run_show, false},
    {"top", "who uses the network now, refreshed on the screen", run_top, false},
    {"count", "sums of what matches", run_count, false},
    {"table", "the table's state: entries, memory, what did not fit", run_table, false},
    {"erase", "empty the table", run_erase, false},
    {"bgp", "routes: peers, summary, lookup ADDRESS, prefix PREFIX [peer ADDRESS] [rd RD]", run_bgp, true},
    {"status", "the daemon's state: sources, exporters, losses, plugins", run_status, false},
    {"reload", "make the daemon read its maps and lists again", run_reload, false},
    {"help", "this help", run_help, false},
};

/* One page: every option that any command takes. What a command does not use it ignores. */
void
command_help(FILE *out)
{
	fputs("Usage: flowrib COMMAND [options]\n\nCommands:\n", out);
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs(
	    "  sql-schema -f FILE  the best tables for the database plugins of a configuration\n"
	    "\nOptions:\n"
	    "  -w, --where COLUMN=VALUE[,VALUE...]  only entries with one of these values; may be repeated\n"
	    "  -n, --top N          the N largest\n"
	    "  -b, --by COUNTER     by bytes (default), packets or flows\n"
	    "  -f, -O, --format FORMAT  table (default), csv, json, formatted; of bgp: table, json\n"
	    "  -H, --human          1.2 G instead of 1200000000\n"
	    "  -p, --path NAME      the table: its plugin's name or its socket (default: the only one)\n"
	    "  -d, --runtime-dir DIR  where the daemon's control socket is (bgp, status, reload)\n"
	    "  -i, --interval S     of top: seconds between looks (default 2)\n"
	    "  -1, --once           of top: one screen, then end\n"
	    "      --utc, --epoch   times in UTC; as seconds since the epoch\n"
	    "      --numeric        protocols as numbers\n"
	    "      --reset          set the counters of what matched to zero (show --where, count)\n"
	    "      --lock           an answer of one moment\n"
	    "\nExamples:\n"
	    "  flowrib show --top 10 --by bytes -H\n"
	    "  flowrib show --where src_host=10.0.0.1 --where dst_port=53,853 --format json\n"
	    "  flowrib count --where proto=udp\n"
	    "  flowrib top --by packets --interval 5\n"
	    "  flowrib bgp lookup 192.0.2.1 peer 10.0.0.1\n"
	    "\npmacct's options work too: flowrib -h\n",
	    out);
}

/* --- options --- */

/* Beyond any character, so that they cannot be taken for a short option. */
enum long_option { OPTION_UTC = 256, OPTION_EPOCH, OPTION_NUMERIC, OPTION_RESET, OPTION_LOCK, OPTION_JSON };

/* a long option that has a letter is that letter: take_option() sees no difference */
static const struct option long_options[] = {
    {"where", required_argument, NULL, 'w'},
    {"top", required_argument, NULL, 'n'},
    {"by", required_argument, NULL, 'b'},
    {"format", required_argument, NULL, 'f'},
    {"human", no_argument, NULL, 'H'},
    {"path", required_argument, NULL, 'p'},
    {"runtime-dir", required_argument, NULL, 'd'},
    {"interval", required_argument, NULL, 'i'},
    {"once", no_argument, NULL, '1'},
    {"help", no_argument, NULL, 'h'},
    {"utc", no_argument, NULL, OPTION_UTC},
    {"epoch", no_argument, NULL, OPTION_EPOCH},
    {"numeric", no_argument, NULL, OPTION_NUMERIC},
    {"reset", no_argument, NULL, OPTION_RESET},
    {"lock", no_argument, NULL, OPTION_LOCK},
    {"json", no_argument, NULL, OPTION_JSON},
    {NULL, 0, NULL, 0},
};

/* For the option parsers, which return what it returns. */
static bool
complain(const char *what)
{
	client_fail(what);
	return false;
}

/* "table" is for people, the others for programs; only the first shifts with the width of values. */
static bool
take_format(struct command_options *o, const char *name)
{
	/* set by each --format: the last one counts */
	o->table = strcmp(name, "table") == 0;
	o->json = strcmp(name, "json") == 0;
	if (o->json)
		o->rows.format.kind = FORMAT_JSON;
	else if (strcmp(name, "csv") == 0)
		o->rows.format.kind = FORMAT_CSV;
	else if (strcmp(name, "formatted") == 0)
		o->rows.format.kind = FORMAT_FORMATTED;
	else if (!o->table)
		return complain("--format takes table, csv, json or formatted");
	return true;
}

/* A whole number from 1; false with a message. */
static bool
take_top(struct command_options *o, const char *text)
{
	char *end;
	/* a sign makes it larger than any uint32_t, and so is refused as well */
	/* an empty text is 0 and refused by the bound below */
	unsigned long n = strtoul(text, &end, 10);
	o->has_top = true;
	o->top = (uint32_t)n;
	return (*end == '\0' && n > 0 && n <= UINT32_MAX) || complain("--top takes a number of rows");
}

/* NaN fails both comparisons and is refused like any other wrong number. */
static bool
take_interval(struct command_options *o, const char *text)
{
	char *end;
	o->interval = strtod(text, &end);
	return (*end == '\0' && o->interval >= 0.1 && o->interval <= 86400) ||
	       complain("--interval takes seconds, 0.1 to 86400");
}

/* The text is argv's and stays; it is taken apart when the table's columns are known. */
static bool
take_where(struct command_options *o, char *text)
{
	/* far more than any table has columns, so this is a script gone wrong */
	if (o->wheres == WHERES_MAX)
		return complain("too many conditions");
	o->where[o->wheres++] = text;
	return true;
}

/* Options without a value. */
static bool
take_switch(struct command_options *o, int option)
{
	switch (option) {
	case 'H':
		o->rows.human = true;
		return true;
	case '1':
		o->once = true;
		return true;
	case OPTION_UTC:
		o->rows.format.timestamps_utc = true;
		return true;
	case OPTION_EPOCH:
		o->rows.format.timestamps_since_epoch = true;
		return true;
	case OPTION_NUMERIC:
		o->rows.format.num_protos = true;
		return true;
	case OPTION_RESET:
		o->flags |= MEMORY_RESET;
		return true;
	case OPTION_LOCK:
		o->flags |= MEMORY_LOCK;
		return true;
	case OPTION_JSON:
		return take_format(o, "json");
	}
	return false;
}

/* getopt has already printed a message when the option is unknown, so '?' only fails. */
static bool
take_option(struct command_options *o, int option, char *value)
{
	switch (option) {
	case 'w':
		return take_where(o, value);
	case 'n':
		return take_top(o, value);
	case 'b':
		o->by = value;
		return true;
	case 'f':
	case 'O': /* pmacct's letter */
		return take_format(o, value);
	case 'p':
		o->path = value;
		return true;
	case 'd':
		o->runtime_dir = value;
		return true;
	case 'i':
		return take_interval(o, value);
	}
	return take_switch(o, option);
}

/* -1 for a word that is no command, which main() tells with a list; else the exit status. The command comes
 * first, so getopt starts behind it. */
int
command_main(int argc, char **argv)
{
	struct command_options o = {
	    .by = "bytes", .interval = 2, .table = true, .rows.format.order = FORMAT_ORDER_CLIENT};
	/* the two long options that every program has, in the place of a command */
	const char *name = strcmp(argv[0], "--help") == 0 ? "help" : argv[0];
	const struct command *c = NULL;
	int option;
	/* whole words only: an abbreviation that works today may be ambiguous with the next command */
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			c = &commands[i];
	}
	if (strcmp(name, "--version") == 0) {
		puts("flowrib " PACKAGE_VERSION);
		return 0;
	}
	if (!c)
		return -1;
	/* argv[0] is the command's name here, which is what getopt puts before its messages */
	while ((option = getopt_long(argc, argv, "w:n:b:f:O:Hp:d:i:1h", long_options, NULL)) != -1) {
		if (option == 'h')
			return run_help(&o);
		if (!take_option(&o, option, optarg))
			return 1;
	}
	/* "flowrib show src_host=..." is what most people try first: the message shows the way */
	o.word = argv + optind;
	o.words = argc - optind;
	if (optind < argc && !c->takes_words) {
		fprintf(stderr, "ERROR: '%s' is no option of flowrib %s; conditions are written --where %s\n",
			argv[optind], name, strchr(argv[optind], '=') ? argv[optind] : "COLUMN=VALUE");
		return 1;
	}
	return c->run(&o);
}
