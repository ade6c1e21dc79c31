/* The metrics as a scraper reads them: every line by the grammar of the text exposition format 0.0.4, with
 * all counter tables of the program registered as a daemon of two threads and two plugins does it. The
 * decoders' own words are written by hand, with what a scraper could stumble over: an exporter known to two
 * threads, a thread that did not answer, a domain seen in two sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>

#include "collector/core/status.h"
#include "collector/decode/counter.h"
#include "collector/input/savefile.h"
#include "collector/input/tcp.h"
#include "plugins/memory_server.h"

#define NAMES_MAX   200
#define SAMPLES_MAX 1000

static const char decoders[] =
    "[[{\"address\":\"192.0.2.1\",\"datagrams\":7,\"records\":42,\"seen\":1700000000,\"bytes\":512,"
    "\"waiting_sets\":3,\"dropped\":{},\"domains\":[{\"version\":9,\"id\":5,\"session\":0,\"sequence_lost\":"
    "2},"
    "{\"version\":9,\"id\":5,\"session\":1,\"sequence_lost\":4}]},"
    "{\"address\":\"2001:db8::1\",\"datagrams\":1,\"records\":1,\"domains\":[]}],"
    "null,"
    "[{\"address\":\"192.0.2.1\",\"datagrams\":8,\"records\":1,\"domains\":[]}]]";

/* In place of the source threads. */
void
sources_status(struct sources *s, struct text *json)
{
	(void)s;
	text_str(json, decoders);
}

void
sources_listening(const struct sources *s, char *buf, size_t n)
{
	(void)s;
	snprintf(buf, n, "0.0.0.0:2100");
}

/* What a scraper knows after a line. Pieces point into the text. */
struct piece {
	const char *at;
	size_t n;
};

struct scrape {
	struct piece helped[NAMES_MAX], typed[NAMES_MAX], sample[SAMPLES_MAX];
	unsigned helps, types, samples;
	bool counter; /* the type of the last TYPE */
};

static bool
same(struct piece a, struct piece b)
{
	return a.n == b.n && memcmp(a.at, b.at, a.n) == 0;
}

static void
add_once(struct piece *list, unsigned *n, unsigned max, struct piece p)
{
	for (unsigned i = 0; i < *n; i++) {
		if (same(list[i], p))
			fail_msg("twice: %.*s", (int)p.n, p.at);
	}
	assert_true(*n < max);
	list[(*n)++] = p;
}

/* [a-zA-Z_:][a-zA-Z0-9_:]* and, of a label, the same without colons. */
static struct piece
take_name(const char **p, bool colons)
{
	struct piece name = {*p, 0};
	assert_false(isdigit((unsigned char)**p));
	while (isalnum((unsigned char)**p) || **p == '_' || (colons && **p == ':'))
		(*p)++;
	name.n = (size_t)(*p - name.at);
	assert_int_not_equal(name.n, 0);
	return name;
}

static void
expect(const char **p, const char *what)
{
	size_t n = strlen(what);
	if (strncmp(*p, what, n) != 0)
		fail_msg("expected '%s' at: %.80s", what, *p);
	*p += n;
}

/* name="value", in which a backslash stands before a backslash, a quote or an n only. */
static void
take_label(const char **p)
{
	take_name(p, false);
	expect(p, "=\"");
	while (**p != '"') {
		assert_true(**p != '\n' && **p != '\0');
		if (*(*p)++ == '\\') {
			assert_true(**p == '\\' || **p == '"' || **p == 'n');
			(*p)++;
		}
	}
	expect(p, "\"");
}

static void
take_labels(const char **p)
{
	if (**p != '{')
		return;
	expect(p, "{");
	while (**p != '}') {
		take_label(p);
		if (**p != '}')
			expect(p, ",");
	}
	expect(p, "}");
}

/* A sample belongs to the TYPE before it, a counter's name ends in _total, and no series comes twice. */
static void
take_sample(struct scrape *s, const char **p)
{
	static const char total[] = "_total";
	struct piece series = {*p, 0}, name = take_name(p, true);
	size_t n = strlen(total);
	bool ends = name.n > n && memcmp(name.at + name.n - n, total, n) == 0;
	assert_true(s->types > 0 && same(name, s->typed[s->types - 1]));
	assert_int_equal(ends, s->counter);
	take_labels(p);
	series.n = (size_t)(*p - series.at);
	add_once(s->sample, &s->samples, SAMPLES_MAX, series);
	expect(p, " ");
	assert_true(isdigit((unsigned char)**p));
	while (isdigit((unsigned char)**p))
		(*p)++;
}

/* HELP with words, then TYPE of the same name; each once. */
static void
take_comment(struct scrape *s, const char **p)
{
	expect(p, "# ");
	bool help = **p == 'H';
	expect(p, help ? "HELP " : "TYPE ");
	struct piece name = take_name(p, true);
	expect(p, " ");
	if (help) {
		add_once(s->helped, &s->helps, NAMES_MAX, name);
		assert_true(**p != '\n' && !memchr(*p, '\\', strcspn(*p, "\n")));
		*p += strcspn(*p, "\n");
		return;
	}
	add_once(s->typed, &s->types, NAMES_MAX, name);
	assert_true(s->helps == s->types && same(s->helped[s->helps - 1], name));
	s->counter = **p == 'c';
	expect(p, s->counter ? "counter" : "gauge");
}

static void
parse(struct scrape *s, const char *p)
{
	*s = (struct scrape){.helps = 0};
	while (*p) {
		if (*p == '#')
			take_comment(s, &p);
		else
			take_sample(s, &p);
		expect(&p, "\n");
	}
}

/* All tables, in blocks labelled as the daemon labels them; the metrics of it. */
static const char *
metrics(struct text *out)
{
	static const struct {
		const struct counter_desc *desc;
		unsigned n;
		const char *labels[2];
	} table[] = {
	    {udp_counter_desc, UDP_COUNTERS, {"thread=\"0\"", "thread=\"1\""}},
	    {tcp_counter_desc, TCP_COUNTERS, {""}},
	    {savefile_counter_desc, SAVEFILE_COUNTERS, {""}},
	    {decode_counter_desc, DECODE_COUNTERS, {"thread=\"0\"", "thread=\"1\""}},
	    {queue_counter_desc,
	     QUEUE_COUNTERS,
	     {"plugin=\"m\",type=\"memory\"", "plugin=\"p\",type=\"print\""}},
	    {plugin_counter_desc,
	     PLUGIN_COUNTERS,
	     {"plugin=\"m\",type=\"memory\"", "plugin=\"p\",type=\"print\""}},
	    {table_counter_desc, TABLE_COUNTERS, {"plugin=\"m\",type=\"memory\""}},
	};
	struct instances none = {.n = 0};
	struct status status = {.instances = &none, .started_us = 1700000000999999};
	assert_true(counters_init());
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		for (unsigned k = 0; k < 2 && table[i].labels[k]; k++) {
			struct counter_block *b = counters_add(table[i].desc, table[i].n, table[i].labels[k]);
			assert_non_null(b);
			counter_set(b, 0, 100 * k + i);
		}
	}
	status_prometheus(&status, out);
	return text_cstr(out);
}

static void
is_what_a_scraper_reads(void **state)
{
	(void)state;
	static struct scrape s;
	struct text out = {0};
	parse(&s, metrics(&out));
	/* a series for every row of every block, the start, 5 figures of 3 exporters, 4 of 2 domains */
	unsigned rows = 2 * UDP_COUNTERS + TCP_COUNTERS + SAVEFILE_COUNTERS + 2 * DECODE_COUNTERS +
			2 * QUEUE_COUNTERS + 2 * PLUGIN_COUNTERS + TABLE_COUNTERS;
	assert_int_equal(s.samples, rows + 1 + 5 * 3 + 4 * 2);
	assert_int_equal(s.helps, s.types);
	text_free(&out);
}

static void
says_what_was_counted(void **state)
{
	(void)state;
	struct text out = {0};
	const char *p = metrics(&out);
	assert_non_null(strstr(p, "\nflowrib_start_time_seconds 1700000000\n"));
	assert_non_null(strstr(p, "\nflowrib_queue_records_total{plugin=\"p\",type=\"print\"} 104\n"));
	assert_non_null(
	    strstr(p, "\nflowrib_exporter_records_total{exporter=\"192.0.2.1\",thread=\"0\"} 42\n"));
	assert_non_null(
	    strstr(p, "\nflowrib_exporter_datagrams_total{exporter=\"192.0.2.1\",thread=\"2\"} 8\n"));
	assert_non_null(strstr(p,
			       "\nflowrib_exporter_sequence_lost_total{exporter=\"192.0.2.1\",thread=\"0\","
			       "version=\"9\",domain=\"5\",session=\"1\"} 4\n"));
	text_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_what_a_scraper_reads),
	    cmocka_unit_test(says_what_was_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
