/* The options of pmacct's client, so that its users' scripts go on working.
 *
 * What is printed for them is the same; what was wrong there (values cut to a length, tags to 32 bits,
 * longitudes under the latitude's name) is not copied. -t, which printed the chains of a hash table, prints
 * the table's state.
 *
 * The quirks that scripts rely on are kept and named where they stand: an unknown -O only warns, counters are
 * printed in the order packets, bytes, flows, matches, -i prints "never". What pmacct refuses with a usage
 * text is refused with one line.
 *
 * Options fill a struct first and act afterwards, so their order does not matter; where two contradict each
 * other, contradiction() has the word. */
#include <getopt.h>
#include <inttypes.h>

#include "tools/client/client.h"

enum counters { COUNT_BYTES, COUNT_PACKETS, COUNT_FLOWS, COUNT_ALL };

/* The options as typed, by letter. count and match are mutually exclusive; the others may come together. */
struct legacy {
	bool dump, erase, age, status, classes, custom, sum;
	const char *count;   /* -N */
	const char *match;   /* -M */
	const char *columns; /* -c */
	const char *top;     /* -T */
	const char *path;
	uint16_t flags;
	enum counters which;
	struct row_options rows;
};

/* Options in the order people look for them: entries, selection, table, form. */
static const char help[] =
    "  -s            all entries\n"
    "  -N MATCH      counters of what matches, one line per query (with -c)\n"
    "  -M MATCH      entries that match (with -c)\n"
    "  -c COLUMNS    what the values of MATCH stand for, such as src_host,dst_port\n"
    "                MATCH: values after commas, * for any, queries after ';' (4096 at most), or file:NAME\n"
    "  -n COUNTER    of -N: bytes, packets, flows or all\n"
    "  -S            of -N: one sum of all queries\n"
    "  -T COUNTER[,N] the N largest entries, by bytes, packets or flows (with -s or -M)\n"
    "  -r            set the counters of what matched to zero (with -N or -M)\n"
    "  -l            an answer of one moment\n"
    "  -e            erase the table\n"
    "  -i            seconds since it was erased, or never\n"
    "  -t            the table's state\n"
    "  -C, -U        classes seen; custom primitives\n"
    "  -a            all columns, also unused ones\n"
    "  -p PATH       the table's socket\n"
    "  -O FORMAT     formatted, csv, json, event_formatted or event_csv\n"
    "  -E CHARACTER  between CSV values\n"
    "  -I, -0, -u    times since the epoch; in UTC; protocols as numbers\n"
    "  -V, -h        version; this help\n\n"
    "Without options, flowrib has readable commands: flowrib help\n";

/* The same text under both names; only the usage line differs. */
static int
print_help(bool as_pmacct)
{
	printf("Usage: %s OPTIONS\n\n", as_pmacct ? "pmacct" : "flowrib");
	fputs(help, stdout);
	return 0;
}

/* --- reading options --- */

/* The names that print_output has, too. */
static bool
parse_format(struct format_options *o, const char *name)
{
	static const struct {
		const char *name;
		enum format_kind kind;
	} kinds[] = {{"formatted", FORMAT_FORMATTED},
		     {"csv", FORMAT_CSV},
		     {"json", FORMAT_JSON},
		     {"event_formatted", FORMAT_EVENT_FORMATTED},
		     {"event_csv", FORMAT_EVENT_CSV}};
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			o->kind = kinds[i].kind;
			return true;
		}
	}
	return false;
}

/* The order of the names is that of enum counters. */
static bool
parse_counters(enum counters *which, const char *name)
{
	static const char *const names[] = {"bytes", "packets", "flows", "all"};
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], name) == 0) {
			*which = (enum counters)i;
			return true;
		}
	}
	return false;
}

/* As in print_output_separator: \t and \s are the two that shells make hard to type. */
static char
parse_separator(const char *text)
{
	if (strcmp(text, "\\t") == 0)
		return '\t';
	return strcmp(text, "\\s") == 0 ? ' ' : text[0];
}

/* Options without a value are rows: letter and what it sets. */
static bool
take_flag(struct legacy *l, int option)
{
	/* not static: the rows point into this call's options */
	const struct {
		int option;
		bool *flag;
	} flags[] = {{'s', &l->dump},
		     {'e', &l->erase},
		     {'i', &l->age},
		     {'t', &l->status},
		     {'C', &l->classes},
		     {'U', &l->custom},
		     {'S', &l->sum},
		     {'a', &l->rows.format.all_columns},
		     {'I', &l->rows.format.timestamps_since_epoch},
		     {'0', &l->rows.format.timestamps_utc},
		     {'u', &l->rows.format.num_protos}};
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		if (flags[i].option == option) {
			*flags[i].flag = true;
			return true;
		}
	}
	if (option == 'r')
		l->flags |= MEMORY_RESET;
	else if (option == 'l')
		l->flags |= MEMORY_LOCK;
	return option == 'r' || option == 'l';
}

/* An option with a value; false with a message printed. */
static bool
take_value(struct legacy *l, int option, char *value)
{
	switch (option) {
	case 'N':
		l->count = value;
		return true;
	case 'M':
		l->match = value;
		return true;
	case 'c':
		l->columns = value;
		return true;
	case 'T':
		l->top = value;
		return true;
	case 'p':
		l->path = value;
		return true;
	case 'E':
		l->rows.format.separator = parse_separator(value);
		return true;
	case 'n':
		if (parse_counters(&l->which, value))
			return true;
		/* a figure of something else than was asked for is worse than a message */
		client_fail("-n takes bytes, packets, flows or all");
		return false;
	case 'O':
		if (!parse_format(&l->rows.format, value)) /* pmacct's goes on, too */
			fprintf(stderr, "WARN: -O, ignoring unknown output value: '%s'.\n", value);
		return true;
	}
	return false;
}

/* --- what the options ask for --- */

/* "bytes,10": into q and the row options. Without a number, and beyond what the daemon selects, we sort. */
static bool
apply_top(const struct legacy *l, const struct layout *layout, struct question *q, struct row_options *rows)
{
	char name[32];
	const char *comma = strchr(l->top, ',');
	snprintf(name, sizeof(name), "%.*s", (int)(comma ? comma - l->top : (ptrdiff_t)strlen(l->top)),
		 l->top);
	/* without a number all rows, sorted */
	unsigned long n = comma ? strtoul(comma + 1, NULL, 10) : 0;
	uint16_t counter = question_counter(q, layout, name);
	if (counter == UINT16_MAX)
		return false;
	/* the daemon selects when it can, and only then is little sent */
	q->counter = counter;
	q->top = n <= MEMORY_TOP_MAX ? (uint32_t)n : 0;
	rows->counter = counter;
	/* what the daemon selected comes in order already */
	rows->sort = q->top == 0;
	rows->top = n <= UINT32_MAX ? (uint32_t)n : 0;
	return true;
}

/* Both -s and -M: the question differs, the rows do not. */
static bool
run_rows(const struct legacy *l, struct connection *c)
{
	struct question q = {.type = l->match ? MEMORY_MATCH : MEMORY_DUMP, .flags = l->flags};
	struct row_options rows = l->rows;
	/* pmacct's client prints times so whatever the daemon's configuration says */
	rows.format.timestamps_rfc9557 = !rows.format.timestamps_since_epoch;
	/* the closing line of pmacct's text form; CSV and JSON have none */
	rows.total = rows.format.kind == FORMAT_FORMATTED || rows.format.kind == FORMAT_EVENT_FORMATTED;
	/* columns before values: a value can only be read as one of its column's */
	bool ok = !l->match ||
		  (question_columns(&q, &c->layout, l->columns) && question_match(&q, &c->layout, l->match));
	ok = ok && (!l->top || apply_top(l, &c->layout, &q, &rows));
	if (!ok)
		snprintf(c->err, sizeof(c->err), "%s", q.err);
	ok = ok && question_send(&q, c) && rows_print(c, &rows);
	question_free(&q);
	return ok;
}

/* The figure of a counter in a query's line; one the table has not counts as 0. */
static uint64_t
figure(const struct layout *l, const uint64_t *line, const char *name)
{
	/* a handful of counters: nothing to index */
	for (unsigned i = 0; i < l->counters; i++) {
		if (strcmp(primitive_get(l->counter[i].id)->name, name) == 0)
			return line[1 + i];
	}
	return 0;
}

/* In pmacct's order, which is not that of its columns. */
static void
print_figures(const struct layout *l, const uint64_t *line, enum counters which)
{
	/* by name: which counters a table has, and where, is its configuration's */
	uint64_t packets = figure(l, line, "packets"), bytes = figure(l, line, "bytes"),
		 flows = figure(l, line, "flows");
	if (which == COUNT_ALL)
		printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", packets, bytes, flows, line[0]);
	else
		printf("%" PRIu64 "\n", which == COUNT_BYTES	 ? bytes
					: which == COUNT_PACKETS ? packets
								 : flows);
}

/* One line a query, in the order given: scripts pair them with their questions by position. With -S the lines
 * are summed, matches too. */
static bool
run_count(const struct legacy *l, struct connection *c)
{
	struct question q = {.type = MEMORY_COUNT, .flags = l->flags};
	uint64_t *line = NULL, sum[1 + LAYOUT_COUNTERS_MAX] = {0};
	unsigned each = 1 + c->layout.counters;
	bool ok = question_columns(&q, &c->layout, l->columns) && question_match(&q, &c->layout, l->count);
	if (!ok)
		snprintf(c->err, sizeof(c->err), "%s", q.err);
	ok = ok && (line = session_count(c, &q)) != NULL;
	/* the daemon answers in the order of the queries, so a figure needs no name */
	for (uint32_t i = 0; ok && i < q.queries; i++) {
		if (!l->sum)
			print_figures(&c->layout, line + (size_t)i * each, l->which);
		for (unsigned k = 0; k < each; k++)
			sum[k] += line[(size_t)i * each + k];
	}
	if (ok && l->sum)
		print_figures(&c->layout, sum, l->which);
	free(line);
	question_free(&q);
	return ok;
}

/* Found by its name in the status text, so that lines may be added there. "never" is passed on as it is. */
static bool
run_age(struct connection *c)
{
	static const char key[] = "\nseconds_since_erase: ";
	struct text t = {0};
	if (!session_status(c, &t))
		return false;
	/* the key begins with a newline, so a longer name that ends alike is not taken for it */
	const char *at = strstr(text_cstr(&t), key);
	if (at)
		printf("%.*s\n", (int)strcspn(at + sizeof(key) - 1, "\n"), at + sizeof(key) - 1);
	text_free(&t);
	return true;
}

/* In place of pmacct's chains of a hash table, which we do not have. */
static bool
run_status(struct connection *c)
{
	struct text t = {0};
	bool ok = session_status(c, &t);
	if (ok)
		fputs(text_cstr(&t), stdout);
	text_free(&t);
	return ok;
}

/* Custom primitives come with the layout: nothing else has to be asked. */
static void
run_custom(const struct connection *c)
{
	static const char *const kind[] = {"u_int", "hex", "ip", "mac", "str", "raw"};
	printf("%-32s  %-6s  %s\n", "NAME", "LEN", "SEMANTICS");
	for (unsigned i = 0; i < c->layout.fields; i++) {
		const struct primitive *p = primitive_get(c->layout.field[i].id);
		if (p->flags & PRIMITIVE_CUSTOM)
			printf("%-32s  %-6u  %s\n", p->name, c->layout.field[i].width,
			       p->custom_semantics < ARRAY_SIZE(kind) ? kind[p->custom_semantics] : "");
	}
}

/* Plain byte order, whatever the locale. */
static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The class of each row, sorted, each once. */
static void
print_classes(const struct connection *c, const struct row_list *list, const struct layout_field *f)
{
	/* copies: the sort must not move the rows, and a class is a few letters */
	char **name = calloc(list->rows + 1, sizeof(*name));
	const uint8_t *p = list->data;
	/* the records stand one behind the other, each as long as its values make it */
	uint64_t n = 0;
	for (uint64_t i = 0; name && i < list->rows; i++, p += layout_record_size(&c->layout, p)) {
		size_t len;
		const char *value = (const char *)layout_value(&c->layout, f, p, &len);
		if ((name[n] = strndup(value, len)) != NULL)
			n++;
	}
	if (name)
		qsort(name, n, sizeof(*name), by_text);
	for (uint64_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(name[i], name[i - 1]) != 0)
			puts(name[i]);
	}
	/* also when memory ran out half-way: what is there is freed */
	while (n)
		free(name[--n]);
	free(name);
}

/* The table itself knows no list of classes; what is in it is what there is. */
static bool
run_classes(struct connection *c)
{
	struct question q = {.type = MEMORY_DUMP};
	struct row_list list = {0};
	/* only tables that aggregate by class can have any */
	primitive_id id = primitive_find("class");
	const struct layout_field *f = id == PRIMITIVE_NULL ? NULL : layout_find(&c->layout, id);
	if (!f)
		snprintf(c->err, sizeof(c->err), "the table does not aggregate by class");
	bool ok = f && question_send(&q, c) && rows_collect(c, &list);
	if (ok)
		print_classes(c, &list, f);
	row_list_free(&list);
	return ok;
}

/* In this order, so that -s -e shows before it erases. */
static bool
run(const struct legacy *l, struct connection *c)
{
	bool ok = true;
	if (l->dump || l->match)
		ok = run_rows(l, c);
	if (ok && l->count)
		ok = run_count(l, c);
	if (ok && l->status)
		ok = run_status(c);
	if (ok && l->age)
		ok = run_age(c);
	if (ok && l->classes)
		ok = run_classes(c);
	if (ok && l->custom)
		run_custom(c);
	/* last: whatever was asked for with it is shown before it is gone */
	if (ok && l->erase && (ok = session_erase(c)))
		puts("OK: Clearing stats.");
	return ok;
}

/* NULL when the options make sense together. */
static const char *
contradiction(const struct legacy *l)
{
	if ((l->count || l->match) && !l->columns)
		return "-N and -M need -c: the columns that their values stand for";
	if (l->count && l->match)
		return "-N and -M exclude each other";
	if (l->top && !l->dump && !l->match)
		return "-T goes with -s or -M";
	if (!l->dump && !l->match && !l->count && !l->erase && !l->age && !l->status && !l->classes &&
	    !l->custom)
		return "nothing is asked for; -h shows what can be";
	return NULL;
}

/* Several actions may be asked for at once and share one connection; the exit status is that of the first
 * that failed. */
int
legacy_main(int argc, char **argv, bool as_pmacct)
{
	struct legacy l = {.rows.format.order = FORMAT_ORDER_CLIENT};
	struct connection c;
	int option;
	while ((option = getopt(argc, argv, "sN:M:n:Sac:T:eirltCUp:O:E:Iu0Vh")) != -1) {
		if (option == 'h')
			return print_help(as_pmacct);
		if (option == 'V') {
			puts("flowrib " PACKAGE_VERSION);
			return 0;
		}
		if (!take_flag(&l, option) && !take_value(&l, option, optarg))
			return 1;
	}
	/* before connecting: what cannot be asked needs no daemon */
	const char *wrong = contradiction(&l);
	if (wrong)
		return client_fail(wrong);
	if (!session_open(&c, l.path, as_pmacct))
		return 1;
	bool ok = run(&l, &c);
	if (!ok)
		client_fail(c.err);
	connection_close(&c);
	return ok && fflush(stdout) == 0 ? 0 : 1;
}
