/* The grammar, the scopes, the command line, and what people are told. */
#include "collector/conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static struct conf *
load_args(const char *text, const struct conf_args *args, struct text *messages)
{
	return conf_load_text("f", text, strlen(text), args, messages);
}

/* Loads text, which must be right and raise no word. */
static struct conf *
load(const char *text)
{
	struct text messages = {0};
	struct conf *c = load_args(text, NULL, &messages);
	if (!c || messages.len)
		fail_msg("%s", text_cstr(&messages));
	text_free(&messages);
	return c;
}

/* Loads text; what is said must be exactly this. */
static void
says(const char *text, bool loads, const char *expected)
{
	struct text messages = {0};
	struct conf *c = load_args(text, NULL, &messages);
	assert_string_equal(text_cstr(&messages), expected);
	assert_int_equal(c != NULL, loads);
	conf_free(c);
	text_free(&messages);
}

static void
test_grammar(void **state)
{
	(void)state;
	struct conf *c = load("! comment\n"
			      "  # comment\n"
			      "\n"
			      "  NFacctd _ Port :  2101 \t\r\n"
			      "plugins: memory\n"
			      "print_output_file: /a b/c:d ! no comment\n"
			      "nfacctd_ip: 2001:db8::1");
	struct addr ip, expected;
	assert_int_equal(conf_uint(c, CONF_CORE, CONF_nfacctd_port), 2101);
	assert_string_equal(conf_string(c, CONF_CORE, CONF_print_output_file), "/a b/c:d ! no comment");
	assert_true(conf_addr(c, CONF_CORE, CONF_nfacctd_ip, &ip));
	assert_true(addr_parse(&expected, "2001:db8::1"));
	assert_true(addr_equal(&ip, &expected));
	conf_free(c);
}

static void
test_faults_in_lines(void **state)
{
	(void)state;
	says("plugins memory\n", false, "f:1: error: no ':' in 'plugins memory'; expected key: value\n");
	says(": x\n", false, "f:1: error: no key before ':'\n");
	says("\n\ndebug:\n", false, "f:3: error: debug: no value after ':'\n");
	says("debug[a: true\n", false, "f:1: error: debug[a: '[' without ']'\n");
	says("debug]a: true\n", false, "f:1: error: debug]a: ']' without '['\n");
	says("debug[]: true\n", false, "f:1: error: debug: no plugin is named between the brackets\n");
	says("debug[[a]]: true\n", false, "f:1: error: debug[[a]]: expected key[plugin]: value\n");
	says("debug[a]b: true\n", false, "f:1: error: debug[a]b: expected key[plugin]: value\n");
	says("nfacctd_prot: 1\n", false,
	     "f:1: error: nfacctd_prot: unknown key; did you mean 'nfacctd_port'?\n");
	says("de\033bug: 1\n", false, "f:1: error: de?bug: unknown key; did you mean 'debug'?\n");
	says("zzzzzzzzzz: 1\n", false, "f:1: error: zzzzzzzzzz: unknown key; --list-keys shows all\n");
}

static void
test_faults_in_values(void **state)
{
	(void)state;
	says("debug: yes\n", false,
	     "f:1: error: debug: 'yes' is not possible; expected true or false; did you mean 'true'?\n");
	says("nfacctd_port: 65536\n", false,
	     "f:1: error: nfacctd_port: '65536' is not possible; expected a port from 1 to 65535\n");
	says("plugin_pipe_zmq_profile: mikro\n", false,
	     "f:1: error: plugin_pipe_zmq_profile: 'mikro' is not possible; expected one of micro, small, "
	     "medium, "
	     "large, xlarge; did you mean 'micro'?\n");
	says("nfacctd_ip: localhost\n", false,
	     "f:1: error: nfacctd_ip: 'localhost' is not possible; expected an IPv4 or IPv6 address\n");
	says("nfacctd_ip: \033[2J\a\n", false,
	     "f:1: error: nfacctd_ip: '?[2J?' is not possible; expected an IPv4 or IPv6 address\n");
	says("print_history: 2 h\n", false,
	     "f:1: error: print_history: '2 h' is not possible; expected a time as N, Ns, Nm, Nh, Nd, Nw or "
	     "NM, "
	     "above a minute in full minutes\n");
	says("files_umask: 001\n", false,
	     "f:1: error: files_umask: '001' is not possible; expected an octal number from 002 to 777\n");
}

/* A wrong value of a key without effect stops nothing. */
static void
test_wrong_value_without_effect(void **state)
{
	(void)state;
	says("bmp_daemon_port: x\n", true,
	     "f:1: warning: bmp_daemon_port: no effect: BMP is not in this version\n"
	     "f:1: warning: bmp_daemon_port: 'x' is not possible; expected a port from 1 to 65535\n");
}

static void
test_all_faults_at_once(void **state)
{
	(void)state;
	struct text messages = {0};
	const char *text = "nonsense\n"
			   "debgu: true\n"
			   "debug: maybe\n"
			   "plugins: prnt\n"
			   "imt_path[a]: /x\n";
	assert_null(load_args(text, NULL, &messages));
	text_cstr(&messages);
	for (char line = '1'; line <= '5'; line++) {
		char place[] = "f:0: error: ";
		place[2] = line;
		assert_non_null(strstr(messages.data, place));
	}
	text_free(&messages);
}

static void
test_limits(void **state)
{
	(void)state;
	struct text text = {0}, messages = {0};
	for (int i = 0; i < 8193; i++)
		text_str(&text, "!\n");
	assert_null(load_args(text_cstr(&text), NULL, &messages));
	assert_non_null(strstr(text_cstr(&messages), "f:8193: error: the file has more than 8192 lines\n"));
	messages.len = text.len = 0;
	text_str(&text, "aggregate: ");
	while (text.len < 10240)
		text_str(&text, "x");
	struct conf *c = load_args(text_cstr(&text), NULL, &messages);
	assert_non_null(c);
	conf_free(c);
	text_str(&text, "x");
	assert_null(load_args(text_cstr(&text), NULL, &messages));
	assert_string_equal(text_cstr(&messages),
			    "f:1: error: the line has 10241 bytes; at most 10240 are allowed\n");
	text_free(&text);
	text_free(&messages);
}

static void
test_values_arrive(void **state)
{
	(void)state;
	struct conf *c = load("plugins: memory[a], memory[b], memory[c]\n"
			      "imt_max_bytes: 3G\n"
			      "imt_max_bytes[b]: 512KiB\n"
			      "imt_max_bytes[c]: 7\n"
			      "print_refresh_time: 5m\n"
			      "print_history[a]: 1M\n"
			      "print_history[b]: 2h\n"
			      "files_umask: 027\n"
			      "proc_priority: -5\n"
			      "print_output_separator: \\t\n"
			      "print_output: JSON\n"
			      "metrics_listen: 9100\n");
	struct addr addr, loopback;
	uint16_t port;
	assert_int_equal(conf_uint(c, 0, CONF_imt_max_bytes), UINT64_C(3221225472));
	assert_int_equal(conf_uint(c, 1, CONF_imt_max_bytes), 524288);
	assert_int_equal(conf_uint(c, 2, CONF_imt_max_bytes), 7);
	assert_int_equal(conf_uint(c, 0, CONF_print_refresh_time), 300);
	assert_int_equal(conf_span(c, 0, CONF_print_history).months, 1);
	assert_int_equal(conf_span(c, 0, CONF_print_history).seconds, 0);
	assert_int_equal(conf_span(c, 1, CONF_print_history).seconds, 7200);
	assert_int_equal(conf_uint(c, 1, CONF_print_history), 7200);
	assert_false(conf_is_set(c, 2, CONF_print_history));
	assert_int_equal(conf_uint(c, CONF_CORE, CONF_files_umask), 23);
	assert_int_equal(conf_int(c, CONF_CORE, CONF_proc_priority), -5);
	assert_int_equal(conf_char(c, 0, CONF_print_output_separator), '\t');
	assert_int_equal(conf_word(c, 0, CONF_print_output), CONF_OUTPUT_JSON);
	assert_true(conf_endpoint(c, CONF_CORE, CONF_metrics_listen, &addr, &port));
	assert_true(addr_parse(&loopback, "127.0.0.1"));
	assert_true(addr_equal(&addr, &loopback));
	assert_int_equal(port, 9100);
	conf_free(c);
}

static void
test_time_bins(void **state)
{
	(void)state;
	static const char *const good[] = {"1", "59", "60", "120", "30s", "5m", "1w", "12M"};
	static const char *const bad[] = {"0",	 "61", "90s",  "M", "0M",	   "5x",
					  "5mm", "-5", "1.5h", "m", "99999999999w"};
	for (size_t i = 0; i < ARRAY_SIZE(good) + ARRAY_SIZE(bad); i++) {
		bool fine = i < ARRAY_SIZE(good);
		struct text messages = {0};
		char line[64];
		snprintf(line, sizeof(line), "print_history: %s\n",
			 fine ? good[i] : bad[i - ARRAY_SIZE(good)]);
		struct conf *c = load_args(line, NULL, &messages);
		if ((c != NULL) != fine)
			fail_msg("%s", line);
		conf_free(c);
		text_free(&messages);
	}
}

static void
test_endpoints(void **state)
{
	(void)state;
	static const char *const good[] = {"1", "192.0.2.1:80", "[2001:db8::1]:65535"};
	static const char *const bad[] = {"0",	     "65536",	    "x",     "192.0.2.1",
					  ":80",     "2001:db8::1", "[::1]", "[192.0.2.1]:80",
					  "[::1:80", "192.0.2.1:",  "[]:80", "host:80"};
	for (size_t i = 0; i < ARRAY_SIZE(good) + ARRAY_SIZE(bad); i++) {
		bool fine = i < ARRAY_SIZE(good);
		struct text messages = {0};
		char line[64];
		snprintf(line, sizeof(line), "metrics_listen: %s\n",
			 fine ? good[i] : bad[i - ARRAY_SIZE(good)]);
		struct conf *c = load_args(line, NULL, &messages);
		if ((c != NULL) != fine)
			fail_msg("%s", line);
		conf_free(c);
		text_free(&messages);
	}
}

static void
test_scopes(void **state)
{
	(void)state;
	/* Lines before the plugins are named count like those after; the order decides nothing. */
	struct conf *c = load("aggregate[b]: dst_host\n"
			      "plugins: memory[a], print[b]\n"
			      "aggregate: src_host\n"
			      "core_proc_name: hub\n"
			      "debug[hub]: true\n"
			      "aggregate_filter[a]: tcp\n");
	char where[64];
	assert_string_equal(conf_string(c, 0, CONF_aggregate), "src_host");
	assert_string_equal(conf_string(c, 1, CONF_aggregate), "dst_host");
	assert_string_equal(conf_string(c, CONF_CORE, CONF_aggregate), "src_host");
	assert_string_equal(conf_where(c, 1, CONF_aggregate, where, sizeof(where)), "f:1");
	assert_string_equal(conf_where(c, 0, CONF_aggregate, where, sizeof(where)), "f:3");
	assert_string_equal(conf_where(c, 0, CONF_print_output, where, sizeof(where)), "default");
	assert_true(conf_bool(c, CONF_CORE, CONF_debug));
	assert_false(conf_bool(c, 0, CONF_debug));
	assert_string_equal(conf_string(c, 0, CONF_aggregate_filter), "tcp");
	assert_null(conf_string(c, 1, CONF_aggregate_filter));
	conf_free(c);
}

static void
test_scopes_that_are_wrong(void **state)
{
	(void)state;
	says("plugins: memory[a]\naggregate[A]: x\n", false,
	     "f:2: error: aggregate: there is no plugin named 'A'; there are a\n");
	says("aggregate_filter: tcp\n", false,
	     "f:1: error: aggregate_filter: it must name a plugin; expected aggregate_filter[plugin]: "
	     "value\n");
	says("plugins: memory[a]\nnfacctd_port[a]: 9\n", true,
	     "f:2: warning: nfacctd_port: it holds for the whole program; [a] changes nothing\n");
	says("debug: true\ndebug: false\n", true,
	     "f:2: warning: debug: given before in line 1; this line counts\n");
}

/* Keys that pmacct keeps in one place are apart here. */
static void
test_siblings_share_nothing(void **state)
{
	(void)state;
	struct text messages = {0};
	struct conf *c = load_args("sql_refresh_time: 30\nprint_refresh_time: 90\nkafka_refresh_time: 120\n",
				   NULL, &messages);
	assert_int_equal(conf_uint(c, 0, CONF_sql_refresh_time), 30);
	assert_int_equal(conf_uint(c, 0, CONF_print_refresh_time), 90);
	assert_int_equal(conf_uint(c, 0, CONF_kafka_refresh_time), 120);
	assert_int_equal(conf_uint(c, 0, CONF_amqp_refresh_time), 60);
	conf_free(c);
	text_free(&messages);
}

static void
test_aliases(void **state)
{
	(void)state;
	struct conf *c = load("nfacctd_as_new: fallback\ntimestamps_rfc3339: true\n");
	assert_int_equal(conf_word(c, CONF_CORE, CONF_nfacctd_as), CONF_SOURCE_LONGEST);
	assert_int_equal(conf_word(c, CONF_CORE, CONF_nfacctd_as_new), CONF_SOURCE_LONGEST);
	assert_true(conf_bool(c, 0, CONF_timestamps_rfc9557));
	assert_true(conf_is_set(c, 0, CONF_timestamps_rfc9557));
	conf_free(c);
}

static void
test_plugins(void **state)
{
	(void)state;
	static const char *const expected[][2] = {
	    {"memory", "default_memory"}, {"print", "a"}, {"print", "B"}, {"print", "default_print"}};
	struct conf *c = load("plugins: memory, Print[a],print [B] , print\n");
	assert_int_equal(conf_plugins(c), 4);
	for (int i = 0; i < 4; i++) {
		assert_string_equal(conf_plugin_type(c, i), expected[i][0]);
		assert_string_equal(conf_plugin_name(c, i), expected[i][1]);
	}
	conf_free(c);
	c = load("");
	assert_int_equal(conf_plugins(c), 1);
	assert_string_equal(conf_plugin_type(c, 0), "memory");
	assert_string_equal(conf_plugin_name(c, 0), "default_memory");
	conf_free(c);
}

static void
test_plugins_that_are_wrong(void **state)
{
	(void)state;
	says("plugins: memry\n", false,
	     "f:1: error: plugins: 'memry': there is no such plugin; expected one of memory, print; did you "
	     "mean "
	     "'memory'?\n");
	says("plugins: prnt[x]\nprint_output[x]: csv\n", false,
	     "f:1: error: plugins: 'prnt': there is no such plugin; expected one of memory, print; did you "
	     "mean "
	     "'print'?\n");
	says("plugins: nfprobe\n", false,
	     "f:1: error: plugins: 'nfprobe': it exports what a packet capture counted; there is no capture "
	     "in this "
	     "version\n");
	says("plugins: core\n", false,
	     "f:1: error: plugins: 'core': the core is no plugin; it runs anyway\n");
	says("plugins: print[a], memory[a]\n", false,
	     "f:1: error: plugins: two instances are named 'a'; give each its own name, memory[NAME]\n");
	says("plugins: ,\n", false, "f:1: error: plugins: no plugin is named\n");
	says("plugins: print[a/b]\n", false,
	     "f:1: error: plugins: 'print[a/b]': expected type or type[name]; the name has no blanks, "
	     "brackets, quotes, '\\', '/' "
	     "or ':'\n");
}

/* The caller says which types there are. */
static void
test_plugin_types_of_the_caller(void **state)
{
	(void)state;
	static const char *const types[] = {"pgsql", NULL};
	struct conf_args args = {.plugin_types = types};
	struct text messages = {0};
	struct conf *c = load_args("plugins: pgsql\n", &args, &messages);
	assert_non_null(c);
	conf_free(c);
	assert_null(load_args("plugins: memory\n", &args, &messages));
	text_free(&messages);
}

static void
test_under_a_name_of_pmacct(void **state)
{
	(void)state;
	struct conf_args args = {.personality = CONF_AS_NFACCTD};
	struct text messages = {0};
	struct conf *c =
	    load_args("plugins: memory[a], print[a]\nfoo: bar\ndebug[x]: true\naggregate_filter: tcp\n"
		      "imt_passwd: x\nsyslog:\n",
		      &args, &messages);
	assert_non_null(c);
	assert_int_equal(conf_plugins(c), 1);
	assert_null(strstr(text_cstr(&messages), "error"));
	assert_non_null(strstr(text_cstr(&messages), "f:2: warning: foo: unknown key"));
	conf_free(c);
	/* A value that cannot be stops it all the same. */
	assert_null(load_args("debug: maybe\n", &args, &messages));
	text_free(&messages);
}

static void
test_rules(void **state)
{
	(void)state;
	says("pcap_savefile: x\nnfacctd_port: 9\n", false,
	     "f:1: error: pcap_savefile: read a file or listen on nfacctd_port, not both\n");
	says("nfacctd_stitching: true\nnfacctd_pro_rating: true\nplugins: print\n", false,
	     "f:1: error: nfacctd_stitching (plugin default_print): a flow spread over time bins by "
	     "nfacctd_pro_rating has no first and last time; drop one of the two\n");
	says("nfacctd_ext_sampling_rate: 10\nsampling_rate: 10\n", false,
	     "f:2: error: sampling_rate (plugin default_memory): flows cannot be both sampled here and "
	     "renormalised "
	     "by nfacctd_ext_sampling_rate; drop one of the two\n");
	says("daemonize: true\nplugins: print[x], print[y]\nprint_output_file[y]: /z\n", false,
	     "f:1: error: daemonize (plugin x): a print plugin would write to standard output, which is "
	     "closed then; "
	     "set print_output_file\n");
	says("plugins: memory[a], memory[b]\nimt_path: /s\n", false,
	     "f:2: error: imt_path (plugin b): another memory plugin has this socket; give each its own, "
	     "imt_path[plugin]: PATH\n");
	says(
	    "print_history_roundoff: dw\n", false,
	    "f:1: error: print_history_roundoff (plugin default_memory): days (d) and weeks (w) exclude each "
	    "other\n");
	static const char avro[] = "print_output (plugin x): Avro is not in this version; json has the same "
				   "fields, under the same names\n";
	char expected[256];
	snprintf(expected, sizeof(expected), "f:2: error: %s", avro);
	says("plugins: print[x]\nprint_output: avro\n", false, expected);
	says("plugins: print[x]\nprint_output: avro_json\n", false, expected);
	says("plugins: print[x]\nprint_output: custom\n", false,
	     "f:2: error: print_output (plugin x): libraries that format rows are not loaded; use json and "
	     "convert what is written, for example in print_trigger_exec\n");
	conf_free(load("plugins: memory[x]\nprint_output: avro\n")); /* nobody reads it */
	conf_free(load("plugins: memory[a], memory[b]\n"));
	conf_free(load("daemonize: true\n"));
	conf_free(load("nfacctd_stitching: false\nnfacctd_pro_rating: true\n"));
}

static void
test_paths_that_are_computed(void **state)
{
	(void)state;
	struct conf *c =
	    load("runtime_dir: /r\nplugins: memory[a], memory[b]\nimt_path[b]: /tmp/collect.pipe\n");
	assert_string_equal(conf_string(c, 0, CONF_imt_path), "/r/a.sock");
	assert_false(conf_is_set(c, 0, CONF_imt_path));
	assert_string_equal(conf_string(c, 1, CONF_imt_path), "/tmp/collect.pipe");
	conf_free(c);
	c = load("");
	assert_int_equal(conf_string(c, CONF_CORE, CONF_runtime_dir)[0], '/');
	conf_free(c);
}

#define ARGV(...) (char *[]){__VA_ARGS__, NULL}, (int)ARRAY_SIZE(((char *[]){__VA_ARGS__}))

static bool
parse(struct conf_args *args, char **argv, int argc, struct text *messages)
{
	return conf_args_parse(args, argc, argv, messages);
}

static void
test_command_line_wins(void **state)
{
	(void)state;
	struct conf_args args;
	struct text messages = {0};
	char where[64];
	assert_true(parse(&args,
			  ARGV("flowribd", "-l", "9999", "-c", "tag", "-r", "7", "-P", "print[b]", "-u"),
			  &messages));
	struct conf *c =
	    load_args("nfacctd_port: 1\nplugins: memory\naggregate: x\naggregate[b]: y\n", &args, &messages);
	assert_non_null(c);
	assert_int_equal(messages.len, 0);
	assert_int_equal(conf_uint(c, CONF_CORE, CONF_nfacctd_port), 9999);
	assert_string_equal(conf_plugin_name(c, 0), "b");
	assert_string_equal(conf_string(c, 0, CONF_aggregate), "tag");
	assert_string_equal(conf_where(c, 0, CONF_aggregate, where, sizeof(where)), "command line");
	assert_int_equal(conf_uint(c, 0, CONF_print_refresh_time), 7);
	assert_int_equal(conf_uint(c, 0, CONF_sql_refresh_time), 7);
	assert_int_equal(conf_uint(c, 0, CONF_kafka_refresh_time), 7);
	assert_true(conf_bool(c, 0, CONF_print_num_protos));
	conf_free(c);
	conf_args_free(&args);
	assert_true(parse(&args, ARGV("flowribd", "-l", "x"), &messages));
	assert_null(load_args("", &args, &messages));
	assert_string_equal(text_cstr(&messages),
			    "command line: error: -l (nfacctd_port): 'x' is not possible; "
			    "expected a port from 1 to 65535\n");
	conf_args_free(&args);
	text_free(&messages);
}

static void
test_names_of_the_program(void **state)
{
	(void)state;
	struct conf_args args;
	struct text messages = {0};
	assert_true(parse(&args, ARGV("/usr/sbin/sfacctd", "-l", "9999", "-R"), &messages));
	assert_int_equal(args.personality, CONF_AS_SFACCTD);
	assert_int_equal(args.overrides[0].key, CONF_sfacctd_port);
	assert_int_equal(args.overrides[1].key, CONF_sfacctd_renormalize);
	conf_args_free(&args);
	assert_true(parse(&args, ARGV("./nfacctd", "-L", "::1"), &messages));
	assert_int_equal(args.personality, CONF_AS_NFACCTD);
	assert_int_equal(args.overrides[0].key, CONF_nfacctd_ip);
	conf_args_free(&args);
	assert_false(parse(&args, ARGV("nfacctd", "-i", "eth0"), &messages));
	conf_args_free(&args);
	text_free(&messages);
}

static void
test_actions(void **state)
{
	(void)state;
	struct conf_args args;
	struct text messages = {0};
	assert_true(parse(&args, ARGV("flowribd", "-f", "x.conf"), &messages));
	assert_int_equal(args.action, CONF_RUN);
	assert_string_equal(args.file, "x.conf");
	conf_args_free(&args);
	assert_true(parse(&args, ARGV("flowribd", "--check", "-f", "x.conf"), &messages));
	assert_int_equal(args.action, CONF_CHECK);
	assert_string_equal(args.file, "x.conf");
	conf_args_free(&args);
	assert_true(parse(&args, ARGV("flowribd", "--list-keys=mdoc"), &messages));
	assert_int_equal(args.action, CONF_LIST_KEYS);
	assert_string_equal(args.list_format, "mdoc");
	conf_args_free(&args);
	assert_true(parse(&args, ARGV("flowribd", "-a"), &messages));
	assert_int_equal(args.action, CONF_LIST_PRIMITIVES);
	assert_null(args.list_format);
	conf_args_free(&args);
	assert_true(parse(&args, ARGV("flowribd", "-V"), &messages));
	assert_int_equal(args.action, CONF_VERSION);
	conf_args_free(&args);
	text_free(&messages);
}

static void
test_faults_in_the_command_line(void **state)
{
	(void)state;
	struct conf_args args;
	struct text messages = {0};
	assert_false(
	    parse(&args, ARGV("flowribd", "-q", "--nonsense", "--check=1", "stray", "-f"), &messages));
	assert_string_equal(text_cstr(&messages),
			    "command line: error: -q: unknown option; --help shows all\n"
			    "command line: error: --nonsense: unknown option; --help shows all\n"
			    "command line: error: --check=1: it takes no value\n"
			    "command line: error: -f: its value is missing\n"
			    "command line: error: 'stray': expected an option\n");
	conf_args_free(&args);
	text_free(&messages);
}

static void
test_files(void **state)
{
	(void)state;
	struct text messages = {0};
	char path[] = "/tmp/conf_test.XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "debug: true\n", 12), 12);
	close(fd);
	struct conf_args args = {.file = path};
	struct conf *c = conf_load(&args, &messages);
	assert_non_null(c);
	assert_string_equal(conf_file(c), path);
	assert_true(conf_bool(c, CONF_CORE, CONF_debug));
	conf_free(c);
	unlink(path);
	assert_null(conf_load(&args, &messages));
	assert_non_null(strstr(text_cstr(&messages), "No such file or directory"));
	text_free(&messages);
}

static void
test_lists(void **state)
{
	(void)state;
	const char *next = " a, b c ,,d\t,", *item;
	assert_int_equal(conf_list_next(&next, &item), 1);
	assert_memory_equal(item, "a", 1);
	assert_int_equal(conf_list_next(&next, &item), 3);
	assert_memory_equal(item, "b c", 3);
	assert_int_equal(conf_list_next(&next, &item), 1);
	assert_memory_equal(item, "d", 1);
	assert_int_equal(conf_list_next(&next, &item), 0);
	next = NULL;
	assert_int_equal(conf_list_next(&next, &item), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_grammar),
	    cmocka_unit_test(test_faults_in_lines),
	    cmocka_unit_test(test_faults_in_values),
	    cmocka_unit_test(test_wrong_value_without_effect),
	    cmocka_unit_test(test_all_faults_at_once),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_values_arrive),
	    cmocka_unit_test(test_time_bins),
	    cmocka_unit_test(test_endpoints),
	    cmocka_unit_test(test_scopes),
	    cmocka_unit_test(test_scopes_that_are_wrong),
	    cmocka_unit_test(test_siblings_share_nothing),
	    cmocka_unit_test(test_aliases),
	    cmocka_unit_test(test_plugins),
	    cmocka_unit_test(test_plugins_that_are_wrong),
	    cmocka_unit_test(test_plugin_types_of_the_caller),
	    cmocka_unit_test(test_under_a_name_of_pmacct),
	    cmocka_unit_test(test_rules),
	    cmocka_unit_test(test_paths_that_are_computed),
	    cmocka_unit_test(test_command_line_wins),
	    cmocka_unit_test(test_names_of_the_program),
	    cmocka_unit_test(test_actions),
	    cmocka_unit_test(test_faults_in_the_command_line),
	    cmocka_unit_test(test_files),
	    cmocka_unit_test(test_lists),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
