/* Walks the table: a row that is wrong is found before its author thinks of testing it. */
#include "collector/base/nearest.h"
#include "collector/conf/settings.h"
#include "collector/conf/table.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool
accepts(const struct conf_row *row, const char *text)
{
	struct value v;
	return conf_value_parse(row, text, &v);
}

static void
test_rows_are_well_formed(void **state)
{
	(void)state;
	for (int key = 0; key < CONF_KEYS; key++) {
		const struct conf_row *row = conf_row((enum conf_key)key);
		assert_true(strlen(row->name) > 1 && strlen(row->name) < 60);
		for (const char *p = row->name; *p; p++)
			assert_true(islower((unsigned char)*p) || isdigit((unsigned char)*p) || *p == '_');
		assert_true(strlen(row->help) > 2);
		assert_int_not_equal(row->help[strlen(row->help) - 1], '.');
		assert_int_equal(conf_key_find(row->name), key);
		assert_int_equal(row->standing == CONF_STANDING_EFFECT, *row->reason == 0);
		if (row->alias_of >= 0)
			assert_int_equal(conf_row((enum conf_key)row->alias_of)->alias_of, -1);
		if (row->type == CONF_TYPE_WORD || row->type == CONF_TYPE_LETTERS)
			assert_non_null(row->words);
		if (row->fallback && !accepts(row, row->fallback))
			fail_msg("%s: its own default '%s' is refused", row->name, row->fallback);
	}
}

static const char *
number(const struct conf_row *row, unsigned long long v, char *out, size_t n)
{
	if (row->type == CONF_TYPE_OCTAL)
		snprintf(out, n, "%llo", v);
	else if (row->min < 0 && v > INT64_MAX)
		snprintf(out, n, "%lld", (long long)v);
	else
		snprintf(out, n, "%llu", v);
	return out;
}

/* Whether a number one beyond the limits of every numeric row is refused, and the limits are not. */
static void
test_limits_hold(void **state)
{
	(void)state;
	for (int key = 0; key < CONF_KEYS; key++) {
		const struct conf_row *row = conf_row((enum conf_key)key);
		char text[32];
		if (row->max == 0 || row->type == CONF_TYPE_SPAN)
			continue;
		assert_true(accepts(row, number(row, row->max, text, sizeof(text))));
		if (row->max < INT64_MAX)
			assert_false(accepts(row, number(row, row->max + 1, text, sizeof(text))));
		assert_true(accepts(row, number(row, (unsigned long long)row->min, text, sizeof(text))));
		snprintf(text, sizeof(text), "%lld", (long long)row->min - 1);
		assert_false(accepts(row, text));
		assert_false(accepts(row, "18446744073709551616"));
		assert_false(accepts(row, ""));
		assert_false(accepts(row, "12x"));
	}
}

/* A value that the row takes. */
static void
example(const struct conf_row *row, char *out, size_t n)
{
	static const char *const by_type[CONF_TYPES] = {
	    [CONF_TYPE_BOOL] = "TRUE",	       [CONF_TYPE_SPAN] = "5m",
	    [CONF_TYPE_ADDRESS] = "192.0.2.1", [CONF_TYPE_ENDPOINT] = "[::1]:80",
	    [CONF_TYPE_CHAR] = "\\t",	       [CONF_TYPE_STRING] = "some : text",
	    [CONF_TYPE_LIST] = "a, b",	       [CONF_TYPE_PATH] = "/some/path",
	    [CONF_TYPE_MAP] = "/some/path",
	};
	if (by_type[row->type])
		snprintf(out, n, "%s", by_type[row->type]);
	else if (row->words)
		snprintf(out, n, "%.*s", row->type == CONF_TYPE_LETTERS ? 1 : (int)strcspn(row->words, " |"),
			 row->words);
	else
		snprintf(out, n, row->type == CONF_TYPE_OCTAL ? "%03llo" : "%lld", (long long)row->min);
}

static struct conf *
load(const char *text, struct text *messages)
{
	return conf_load_text("t.conf", text, strlen(text), NULL, messages);
}

/* Sets one key for plugin m (or for all), and prints and reads it again. */
static void
round_trip(enum conf_key key)
{
	const struct conf_row *row = conf_row(key);
	char value[64], line[256], where[64];
	struct text messages = {0}, dump = {0};
	bool plugins = key == CONF_plugins;
	example(row, value, sizeof(value));
	snprintf(line, sizeof(line), "%s%s%s: %s\n", plugins ? "" : "plugins: memory[m]\n", row->name,
		 row->scope == CONF_SCOPE_GLOBAL ? "" : "[m]", plugins ? "memory[m]" : value);
	struct conf *c = load(line, &messages);
	if (!c)
		fail_msg("%s", text_cstr(&messages));
	assert_true(conf_is_set(c, 0, key));
	assert_string_equal(conf_where(c, 0, key, where, sizeof(where)), plugins ? "t.conf:1" : "t.conf:2");
	if (!plugins)
		assert_string_equal(conf_string(c, 0, key), value);
	if (row->scope != CONF_SCOPE_GLOBAL)
		assert_false(conf_is_set(c, CONF_CORE, key));
	conf_dump(c, &dump);
	struct conf *again = conf_load_text("dump", dump.data, dump.len, NULL, &messages);
	if (!again)
		fail_msg("%s", text_cstr(&messages));
	assert_true(conf_is_set(again, 0, key));
	if (row->secret)
		assert_null(strstr(text_cstr(&dump), value));
	else
		assert_string_equal(conf_string(c, 0, key), conf_string(again, 0, key));
	conf_free(again);
	conf_free(c);
	text_free(&dump);
	text_free(&messages);
}

static void
test_every_key_round_trips(void **state)
{
	(void)state;
	for (int key = 0; key < CONF_KEYS; key++) {
		const struct conf_row *row = conf_row((enum conf_key)key);
		if (row->alias_of < 0 && row->standing != CONF_STANDING_REMOVED)
			round_trip((enum conf_key)key);
	}
}

/* Without effect or removed: told in words with the place. */
static void
test_standing_is_told(void **state)
{
	(void)state;
	for (int key = 0; key < CONF_KEYS; key++) {
		const struct conf_row *row = conf_row((enum conf_key)key);
		char value[64], text[256], expected[512];
		struct text messages = {0};
		if (row->standing == CONF_STANDING_EFFECT)
			continue;
		bool removed = row->standing == CONF_STANDING_REMOVED;
		example(row, value, sizeof(value));
		snprintf(text, sizeof(text), "plugins: memory[m]\n%s[m]: %s\n", row->name, value);
		snprintf(expected, sizeof(expected), "t.conf:2: %s: %s: %s: %s\n",
			 removed ? "error" : "warning", row->name, removed ? "removed" : "no effect",
			 row->reason);
		struct conf *c = load(text, &messages);
		assert_int_equal(c == NULL, removed);
		assert_non_null(strstr(text_cstr(&messages), expected));
		conf_free(c);
		text_free(&messages);
	}
}

/* A slip of the pen in a key leads back to a key that is as near. */
static void
test_every_slip_is_understood(void **state)
{
	(void)state;
	for (int key = 0; key < CONF_KEYS; key++) {
		char name[64];
		snprintf(name, sizeof(name), "%sx", conf_row((enum conf_key)key)->name);
		int found = conf_key_nearest(name);
		assert_true(found >= 0);
		assert_int_equal(word_distance(name, conf_row((enum conf_key)found)->name), 1);
	}
	assert_int_equal(conf_key_nearest("qqqqqqqqqqqq"), -1);
}

static void
assert_word(enum conf_key key, int index, const char *expected)
{
	const char *word;
	size_t n = conf_value_word(conf_row(key)->words, (unsigned)index, &word);
	assert_int_equal(n, strlen(expected));
	assert_memory_equal(word, expected, n);
}

/* The enums of the header name places in the rows' lists of words. */
static void
test_words_stand_where_the_enums_say(void **state)
{
	(void)state;
	assert_word(CONF_print_output, CONF_OUTPUT_FORMATTED, "formatted");
	assert_word(CONF_print_output, CONF_OUTPUT_CSV, "csv");
	assert_word(CONF_print_output, CONF_OUTPUT_JSON, "json");
	assert_word(CONF_print_output, CONF_OUTPUT_EVENT_FORMATTED, "event_formatted");
	assert_word(CONF_print_output, CONF_OUTPUT_EVENT_CSV, "event_csv");
	assert_word(CONF_print_output, CONF_OUTPUT_AVRO, "avro");
	assert_word(CONF_print_output, CONF_OUTPUT_CUSTOM, "custom");
	assert_word(CONF_plugin_pipe_zmq_profile, CONF_ZMQ_MICRO, "micro");
	assert_word(CONF_plugin_pipe_zmq_profile, CONF_ZMQ_XLARGE, "xlarge");
	assert_word(CONF_nfacctd_as, CONF_SOURCE_NETFLOW, "netflow");
	assert_word(CONF_nfacctd_as, CONF_SOURCE_FILE, "file");
	assert_word(CONF_nfacctd_as, CONF_SOURCE_LONGEST, "longest");
	assert_word(CONF_nfacctd_net, CONF_SOURCE_MASK, "mask");
	assert_word(CONF_nfacctd_net, CONF_SOURCE_BGP_LS, "bgp-ls");
}

static void
test_lists_name_every_key(void **state)
{
	(void)state;
	static const char *const formats[] = {"text", "json"};
	for (size_t f = 0; f < ARRAY_SIZE(formats); f++) {
		struct text out = {0};
		assert_true(conf_list_keys(&out, formats[f]));
		text_cstr(&out);
		for (int key = 0; key < CONF_KEYS; key++)
			assert_non_null(strstr(out.data, conf_row((enum conf_key)key)->name));
		text_free(&out);
	}
	struct text page = {0};
	assert_false(conf_list_keys(&page, "nonsense"));
	assert_true(conf_list_keys(&page, "mdoc"));
	assert_true(conf_list_keys(&page, "mdoc-accepted"));
	text_cstr(&page);
	for (int key = 0; key < CONF_KEYS; key++) {
		char request[80];
		snprintf(request, sizeof(request), "Ic %s", conf_row((enum conf_key)key)->name);
		assert_non_null(strstr(page.data, request));
	}
	text_free(&page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows_are_well_formed),
	    cmocka_unit_test(test_limits_hold),
	    cmocka_unit_test(test_every_key_round_trips),
	    cmocka_unit_test(test_standing_is_told),
	    cmocka_unit_test(test_every_slip_is_understood),
	    cmocka_unit_test(test_words_stand_where_the_enums_say),
	    cmocka_unit_test(test_lists_name_every_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
