/* The print plugin in a process of its own, fed through a queue: what stands in the files afterwards. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/conf/conf.h"
#include "plugins/testbed.h"

static char dir[64];

struct bed {
	struct testbed t;
	struct conf *conf;
	struct layout layout;
	bool bins;
};

static int
set_up(void **state)
{
	(void)state;
	setenv("TZ", "UTC0", 1);
	tzset();
	snprintf(dir, sizeof(dir), "/tmp/flowrib-print-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int
leave(void **state)
{
	(void)state;
	return testbed_remove(dir);
}

/* keys: more lines of configuration; DIR in it stands for the test's folder. */
static void
configure(struct bed *b, const char *keys)
{
	struct text text = {0}, messages = {0};
	const char *at;

	text_str(&text, "plugins: print[p]\nnfacctd_port: 21249\n");
	for (; (at = strstr(keys, "DIR")); keys = at + 3) {
		text_add(&text, keys, (size_t)(at - keys));
		text_str(&text, dir);
	}
	text_str(&text, keys);
	b->conf = conf_load_text("test", text.data, text.len, NULL, &messages);
	if (!b->conf)
		fail_msg("%s", text_cstr(&messages));
	text_free(&text);
	text_free(&messages);
}

static void
open_bed(struct bed *b, const char *aggregate, const char *keys)
{
	struct layout_options options = {0};
	struct aggregate a;
	char err[256];

	testbed_open(&b->t, "p", "print", 1, 1 << 20);
	configure(b, keys);
	b->bins = options.time_bins = conf_is_set(b->conf, 0, CONF_print_history);
	if (!aggregate_parse(&a, aggregate, err, sizeof(err)) ||
	    !layout_compile(&b->layout, &a, &options, err, sizeof(err)))
		fail_msg("%s", err);
	b->t.setup.conf = b->conf;
	b->t.setup.layout = &b->layout;
	if (!plugin_find("print")->check(&b->t.setup, err, sizeof(err)))
		fail_msg("%s", err);
}

static void
start(struct bed *b)
{
	testbed_start(&b->t, plugin_find("print"));
}

static void
send_flow(struct bed *b, const char *src, uint64_t bin, uint64_t packets, uint64_t bytes)
{
	struct flow f;
	uint64_t record[64];

	memset(&f, 0, sizeof(f));
	assert_true(addr_parse(&f.src_host, src));
	assert_true(addr_parse(&f.peer_src_ip, "192.0.2.1"));
	f.packets = packets;
	f.bytes = bytes;
	size_t n = layout_pack(&b->layout, &f, (uint8_t *)record);
	if (b->bins)
		layout_set_bin(&b->layout, (uint8_t *)record, bin);
	testbed_send(&b->t, 0, record, n);
}

static void
finish(struct bed *b)
{
	testbed_finish(&b->t);
	assert_int_equal(testbed_wait(&b->t, 20), 0);
}

static void
close_bed(struct bed *b)
{
	testbed_free(&b->t);
	conf_free(b->conf);
}

static void
purge(struct bed *b)
{
	uint64_t rows = counter_read(b->t.setup.counters, PLUGIN_PURGES);
	testbed_flush(&b->t);
	assert_true(testbed_reached(&b->t, PLUGIN_PURGES, rows + 1, 5));
}

static const char *
content(const char *name)
{
	static char buf[65536];
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		return "(no file)";
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

static bool
exists(const char *name)
{
	char path[256];
	struct stat st;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return stat(path, &st) == 0;
}

/* Waits for a moment well away from the next purge, which comes at multiples of seconds. */
static void
settle(uint64_t seconds)
{
	uint64_t period = seconds * US_PER_S;

	while (clock_now_us() % period < period / 10 || clock_now_us() % period > period / 3)
		usleep(10000);
}

#define REFRESH_LONG "print_refresh_time: 86400\n"

static void
test_final_purge(void **state)
{
	struct bed b;
	struct stat st;

	(void)state;
	open_bed(&b, "src_host", REFRESH_LONG "print_output: csv\nprint_output_file: DIR/final.csv\n");
	start(&b);
	send_flow(&b, "10.0.0.1", 0, 1, 100);
	send_flow(&b, "10.0.0.2", 0, 2, 200);
	send_flow(&b, "10.0.0.1", 0, 3, 300);
	finish(&b);
	assert_string_equal(content("final.csv"), "SRC_IP,PACKETS,BYTES\n10.0.0.1,4,400\n10.0.0.2,2,200\n");
	char path[128];
	snprintf(path, sizeof(path), "%s/final.csv", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600); /* files_umask is 077 */
	assert_int_equal(counter_read(b.t.setup.counters, PLUGIN_ROWS_WRITTEN), 2);
	assert_int_equal(counter_read(b.t.setup.counters, PLUGIN_PURGES), 1);
	close_bed(&b);
}

/* Purges come every refresh time; a name without time is replaced, an appended file keeps one header. */
static void
test_replace_and_append(void **state)
{
	struct bed b;

	(void)state;
	open_bed(&b, "src_host",
		 "print_refresh_time: 1\nprint_output: csv\nprint_output_file: DIR/replace.csv\n");
	start(&b);
	send_flow(&b, "10.0.0.1", 0, 1, 100);
	testbed_flush(&b.t);
	assert_true(testbed_reached(&b.t, PLUGIN_ROWS_WRITTEN, 1, 5));
	send_flow(&b, "10.0.0.2", 0, 1, 100);
	testbed_flush(&b.t);
	assert_true(testbed_reached(&b.t, PLUGIN_ROWS_WRITTEN, 2, 5));
	purge(&b); /* an empty one changes nothing */
	finish(&b);
	assert_string_equal(content("replace.csv"), "SRC_IP,PACKETS,BYTES\n10.0.0.2,1,100\n");
	close_bed(&b);

	open_bed(&b, "src_host",
		 "print_refresh_time: 1\nprint_output: csv\nprint_output_file: DIR/append.csv\n"
		 "print_output_file_append: true\n");
	start(&b);
	send_flow(&b, "10.0.0.1", 0, 1, 100);
	testbed_flush(&b.t);
	assert_true(testbed_reached(&b.t, PLUGIN_ROWS_WRITTEN, 1, 5));
	send_flow(&b, "10.0.0.2", 0, 1, 100);
	finish(&b);
	assert_string_equal(content("append.csv"), "SRC_IP,PACKETS,BYTES\n10.0.0.1,1,100\n10.0.0.2,1,100\n");
	close_bed(&b);
}

/* Rows go to the file of their bin; late rows of a bin already written join those there. The bins are of
 * 1970, so nothing is taken for a predecessor's work. */
static void
test_bins_and_late_rows(void **state)
{
	struct bed b;

	(void)state;
	open_bed(&b, "src_host",
		 "print_refresh_time: 1\nprint_history: 1m\nprint_history_roundoff: m\nprint_output: csv\n"
		 "print_output_file: DIR/bins/%H%M.csv\nprint_latest_file: DIR/bins-latest\n");
	start(&b);
	send_flow(&b, "10.0.0.1", 36000, 1, 100);
	send_flow(&b, "10.0.0.1", 36060, 2, 200);
	testbed_flush(&b.t);
	assert_true(testbed_reached(&b.t, PLUGIN_ROWS_WRITTEN, 2, 5));
	assert_true(strstr(content("bins/1000.csv"), "10.0.0.1,") != NULL);
	send_flow(&b, "10.0.0.2", 36000, 4, 400);
	finish(&b);
	const char *text = content("bins/1000.csv");
	assert_non_null(strstr(text, "SRC_IP"));
	assert_null(strstr(strstr(text, "SRC_IP") + 1, "SRC_IP"));
	assert_non_null(strstr(text, "10.0.0.1,"));
	assert_non_null(strstr(text, "10.0.0.2,"));
	assert_null(strstr(content("bins/1001.csv"), "10.0.0.2,"));
	assert_int_equal(counter_read(b.t.setup.own, 1), 1); /* late rows */
	assert_non_null(strstr(content("bins-latest"), ",2,200"));
	close_bed(&b);
	/* a second run over the same old data replaces */
	open_bed(&b, "src_host",
		 REFRESH_LONG "print_history: 1m\nprint_history_roundoff: m\nprint_output: csv\n"
			      "print_output_file: DIR/bins/%H%M.csv\n");
	start(&b);
	send_flow(&b, "10.0.0.3", 36000, 1, 100);
	finish(&b);
	assert_null(strstr(content("bins/1000.csv"), "10.0.0.1,"));
	close_bed(&b);
}

/* A restart in the middle of a bin does not destroy what the predecessor wrote of it. */
static void
test_restart_within_bin(void **state)
{
	const char *keys = REFRESH_LONG "print_history: 1d\nprint_history_roundoff: h\nprint_output: csv\n"
					"print_output_file: DIR/restart-%Y%m%d.csv\n";
	uint64_t day = clock_now_us() / US_PER_S / 86400 * 86400;
	struct bed b;
	char name[64];
	time_t t = (time_t)day;
	struct tm tm;

	(void)state;
	gmtime_r(&t, &tm);
	strftime(name, sizeof(name), "restart-%Y%m%d.csv", &tm);
	for (unsigned run = 1; run <= 2; run++) {
		open_bed(&b, "src_host", keys);
		start(&b);
		send_flow(&b, run == 1 ? "10.0.0.1" : "10.0.0.2", day, 1, 100);
		finish(&b);
		close_bed(&b);
	}
	assert_non_null(strstr(content(name), "10.0.0.1,"));
	assert_non_null(strstr(content(name), "10.0.0.2,"));
}

/* Bins that share a name share the file, in one purge too. */
static void
test_bins_of_one_name(void **state)
{
	struct bed b;

	(void)state;
	open_bed(&b, "src_host",
		 REFRESH_LONG "print_history: 1m\nprint_history_roundoff: m\nprint_output: csv\n"
			      "print_output_file: DIR/hour-%H.csv\n");
	start(&b);
	send_flow(&b, "10.0.0.1", 36000, 1, 100);
	send_flow(&b, "10.0.0.2", 36060, 2, 200);
	send_flow(&b, "10.0.0.3", 36000, 4, 400);
	finish(&b);
	assert_string_equal(content("hour-10.csv"),
			    "SRC_IP,PACKETS,BYTES\n10.0.0.1,1,100\n10.0.0.2,2,200\n10.0.0.3,4,400\n");
	assert_int_equal(counter_read(b.t.setup.counters, PLUGIN_ROWS_WRITTEN), 3);
	assert_int_equal(counter_read(b.t.setup.own, 0), 1); /* one file */
	close_bed(&b);
}

/* Nobody reads the pipe: the plugin ends all the same, and says what is lost. */
static void
test_end_with_stuck_reader(void **state)
{
	struct bed b;
	char path[128], src[32];

	(void)state;
	snprintf(path, sizeof(path), "%s/stuck", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	open_bed(&b, "src_host", REFRESH_LONG "print_output: csv\nprint_output_file: DIR/stuck\n");
	start(&b);
	for (int i = 0; i < 20000; i++) {
		snprintf(src, sizeof(src), "10.1.%d.%d", i / 250, i % 250);
		send_flow(&b, src, 0, 1, 100);
	}
	finish(&b);
	assert_int_equal(counter_read(b.t.setup.own, 3), 20000); /* lost at the end */
	assert_int_equal(counter_read(b.t.setup.counters, PLUGIN_WRITE_ERRORS), 1);
	close(fd);
	unlink(path);
	close_bed(&b);
}

/* What the cache may not hold is counted, and what it holds is written. */
static void
test_bound(void **state)
{
	struct bed b;
	char src[32];

	(void)state;
	open_bed(&b, "src_host",
		 REFRESH_LONG "print_output: csv\nprint_output_file: DIR/bound.csv\n"
			      "print_cache_max_bytes: 1M\n");
	start(&b);
	for (int i = 0; i < 60000; i++) {
		snprintf(src, sizeof(src), "10.%d.%d.%d", i / 62500, i / 250 % 250, i % 250);
		send_flow(&b, src, 0, 1, 100);
	}
	finish(&b);
	uint64_t written = counter_read(b.t.setup.counters, PLUGIN_ROWS_WRITTEN);
	uint64_t lost = counter_read(b.t.setup.counters, PLUGIN_OVERFLOW);
	assert_true(lost > 0 && written > 0);
	assert_int_equal(written + lost, 60000);
	close_bed(&b);
}

/* Rows of a bin that has not begun at the purge's time wait for the next purge. */
static void
test_open_bin_waits(void **state)
{
	struct bed b;

	(void)state;
	open_bed(&b, "src_host",
		 "print_refresh_time: 2\nprint_history: 2s\nprint_history_roundoff: m\nprint_output: csv\n"
		 "print_output_file: DIR/waits.csv\nprint_output_file_append: true\n");
	start(&b);
	settle(2);
	uint64_t now = clock_now_us() / US_PER_S;
	send_flow(&b, "10.0.0.1", now / 2 * 2, 1, 100);
	send_flow(&b, "10.0.0.2", now / 2 * 2 + 2, 1, 100);
	send_flow(&b, "10.0.0.3", now + 1000000, 1, 100); /* a wrong time does not wait */
	testbed_flush(&b.t);
	assert_true(testbed_reached(&b.t, PLUGIN_ROWS_WRITTEN, 1, 5));
	for (int i = 0; i < 100 && counter_read(b.t.setup.counters, PLUGIN_ENTRIES) != 1; i++)
		usleep(10000);
	assert_int_equal(counter_read(b.t.setup.counters, PLUGIN_ROWS_WRITTEN), 2);
	assert_int_equal(counter_read(b.t.setup.counters, PLUGIN_ENTRIES), 1);
	assert_null(strstr(content("waits.csv"), "10.0.0.2,"));
	finish(&b);
	assert_non_null(strstr(content("waits.csv"), "10.0.0.2,"));
	close_bed(&b);
}

static void
test_row_variables_and_markers(void **state)
{
	struct bed b;
	char expected[400];

	(void)state;
	open_bed(
	    &b, "src_host,peer_src_ip,tag",
	    REFRESH_LONG
	    "print_output: json\nprint_markers: true\nprint_output_file: DIR/m-$peer_src_ip-$tag-$ref\n");
	start(&b);
	send_flow(&b, "10.0.0.1", 0, 1, 100);
	finish(&b);
	const int pid = (int)b.t.pid;
	snprintf(expected, sizeof(expected),
		 "{\"event_type\": \"purge_init\", \"writer_id\": \"p/%d\"}\n"
		 "{\"event_type\": \"purge\", \"tag\": 0, \"peer_ip_src\": \"192.0.2.1\", \"ip_src\": "
		 "\"10.0.0.1\", "
		 "\"packets\": 1, \"bytes\": 100}\n"
		 "{\"event_type\": \"purge_close\", \"writer_id\": \"p/%d\", \"purged_entries\": 1, "
		 "\"total_entries\": 1, "
		 "\"duration\": 0}\n",
		 pid, pid);
	assert_string_equal(content("m-192_0_2_1-0-86400"), expected);
	close_bed(&b);

	open_bed(&b, "src_host",
		 REFRESH_LONG "print_output: csv\nprint_markers: true\nprint_output_file: DIR/m.csv\n"
			      "print_write_empty_file: true\nprint_output_separator: ;\n");
	start(&b);
	finish(&b);
	snprintf(expected, sizeof(expected), "--START (%d)--\nSRC_IP;PACKETS;BYTES\n--END (%d)--\n",
		 (int)b.t.pid, (int)b.t.pid);
	assert_string_equal(content("m.csv"), expected);
	close_bed(&b);
}

/* The reader of a pipe does not read for several refresh times: there is one writer all the same, records are
 * taken meanwhile, and every row comes out. */
static void
test_slow_writer(void **state)
{
	enum { ROWS = 5000 };
	struct bed b;
	char path[128], src[32];
	static char buf[65536];
	uint64_t lines = 0;
	ssize_t n;

	(void)state;
	snprintf(path, sizeof(path), "%s/slow", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	open_bed(&b, "src_host", "print_refresh_time: 1\nprint_output: csv\nprint_output_file: DIR/slow\n");
	start(&b);
	settle(1);
	for (int i = 0; i < 3 * ROWS; i++) {
		snprintf(src, sizeof(src), "10.1.%d.%d", i % ROWS / 250, i % ROWS % 250);
		send_flow(&b, src, 0, 1, 100);
		if (i % ROWS == ROWS - 1) {
			testbed_flush(&b.t);
			assert_true(testbed_reached(&b.t, PLUGIN_RECORDS, (uint64_t)i + 1, 5));
			usleep(1300000);
		}
	}
	assert_int_equal(counter_read(b.t.setup.counters, PLUGIN_ROWS_WRITTEN), 0);
	testbed_finish(&b.t);
	uint64_t packets = 0;
	char *line = buf;
	for (int waits = 0; lines < 2 * (ROWS + 1) && waits < 5000;) {
		/* nothing there, or between two purges, when the plugin has closed the pipe */
		if ((n = read(fd, line, sizeof(buf) - 1 - (size_t)(line - buf))) <= 0) {
			usleep(1000);
			waits++;
			continue;
		}
		line[n] = '\0';
		char *p = buf, *end;
		for (; (end = strchr(p, '\n')); p = end + 1, lines++) {
			char *comma = strchr(p, ',');
			packets += comma && comma < end ? strtoull(comma + 1, NULL, 10) : 0;
		}
		size_t left = strlen(p);
		memmove(buf, p, left);
		line = buf + left;
	}
	assert_int_equal(testbed_wait(&b.t, 20), 0);
	close(fd);
	unlink(path);
	assert_int_equal(lines, 2 * (ROWS + 1)); /* two purges with a header each */
	assert_int_equal(packets, 3 * ROWS);
	close_bed(&b);
}

/* Standard output: whole rows, one header for the process. */
static void
test_stdout(void **state)
{
	struct bed b;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/stdout", dir);
	open_bed(&b, "src_host",
		 "print_refresh_time: 1\nprint_output: csv\nprint_output_lock_file: DIR/lock\n");
	fflush(stdout);
	int saved = dup(STDOUT_FILENO);
	int fd = open(path, O_CREAT | O_WRONLY | O_APPEND, 0600);
	dup2(fd, STDOUT_FILENO);
	start(&b);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(fd);
	send_flow(&b, "10.0.0.1", 0, 1, 100);
	testbed_flush(&b.t);
	assert_true(testbed_reached(&b.t, PLUGIN_ROWS_WRITTEN, 1, 5));
	send_flow(&b, "10.0.0.2", 0, 1, 100);
	finish(&b);
	assert_string_equal(content("stdout"), "SRC_IP,PACKETS,BYTES\n10.0.0.1,1,100\n10.0.0.2,1,100\n");
	assert_true(exists("lock"));
	close_bed(&b);
}

/* A purge that cannot write keeps its rows; when the way is free they are all there, added up. */
static void
test_write_error(void **state)
{
	struct bed b;
	char blocker[128];

	(void)state;
	snprintf(blocker, sizeof(blocker), "%s/blocked", dir);
	close(open(blocker, O_CREAT | O_WRONLY, 0600));
	open_bed(&b, "src_host",
		 "print_refresh_time: 1\nprint_output: csv\nprint_output_file: DIR/blocked/x.csv\n");
	start(&b);
	send_flow(&b, "10.0.0.1", 0, 1, 100);
	testbed_flush(&b.t);
	assert_true(testbed_reached(&b.t, PLUGIN_WRITE_ERRORS, 1, 5));
	assert_int_equal(counter_read(b.t.setup.counters, PLUGIN_ROWS_WRITTEN), 0);
	unlink(blocker);
	send_flow(&b, "10.0.0.1", 0, 2, 200);
	finish(&b);
	assert_string_equal(content("blocked/x.csv"), "SRC_IP,PACKETS,BYTES\n10.0.0.1,3,300\n");
	close_bed(&b);
}

static void
test_trigger(void **state)
{
	struct bed b;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/trigger.sh", dir);
	int fd = open(path, O_CREAT | O_WRONLY, 0700);
	dprintf(fd, "#!/bin/sh\necho \"$#\" >> %s/triggered\nexit 3\n", dir);
	close(fd);
	open_bed(&b, "src_host",
		 "print_refresh_time: 1\nprint_output: csv\nprint_output_file: "
		 "DIR/t.csv\nprint_trigger_exec: DIR/trigger.sh\n");
	start(&b);
	send_flow(&b, "10.0.0.1", 0, 1, 100);
	testbed_flush(&b.t);
	assert_true(testbed_reached(&b.t, PLUGIN_ROWS_WRITTEN, 1, 5));
	for (int i = 0; i < 500 && !exists("triggered"); i++)
		usleep(10000);
	purge(&b); /* nothing to write: not triggered */
	assert_string_equal(content("triggered"), "0\n");
	assert_true(counter_read(b.t.setup.own, 4) >= 1); /* it ended with a status */
	finish(&b);
	close_bed(&b);
}

static void
test_preprocess(void **state)
{
	struct bed b;

	(void)state;
	open_bed(&b, "src_host",
		 REFRESH_LONG
		 "print_output: csv\nprint_output_file: DIR/pre.csv\nprint_preprocess: minp=2, minb=1000\n");
	start(&b);
	send_flow(&b, "10.0.0.1", 0, 1, 100);
	send_flow(&b, "10.0.0.2", 0, 2, 100);
	send_flow(&b, "10.0.0.3", 0, 1, 1000);
	finish(&b);
	assert_string_equal(content("pre.csv"), "SRC_IP,PACKETS,BYTES\n10.0.0.2,2,100\n10.0.0.3,1,1000\n");
	close_bed(&b);
}

static void
test_refused(void **state)
{
	static const char *const refused[][2] = {
	    {"print_output_file: DIR/%F\n", "%F"},
	    {"print_output_file: DIR/x-%Y\nprint_latest_file: DIR/l-%Y\n", "print_latest_file"},
	    {"print_output_file: DIR/x\nfiles_uid: no-such-user-here\n", "files_uid"},
	    {"print_output_file: DIR/x\nprint_preprocess: minx=1\n", "minx"},
	};
	struct bed b;
	char err[512];

	(void)state;
	open_bed(&b, "src_host", "print_output_file: DIR/x\n");
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		conf_free(b.conf);
		configure(&b, refused[i][0]);
		b.t.setup.conf = b.conf;
		assert_false(plugin_find("print")->check(&b.t.setup, err, sizeof(err)));
		if (!strstr(err, refused[i][1]))
			fail_msg("'%s' does not name '%s'", err, refused[i][1]);
	}
	close_bed(&b);
}

/* The memory plugin has the same keys for its socket. */
static void
test_memory_owner(void **state)
{
	struct bed b;
	char err[512];

	(void)state;
	open_bed(&b, "src_host", "");
	assert_true(plugin_find("memory")->check(&b.t.setup, err, sizeof(err)));
	conf_free(b.conf);
	configure(&b, "files_gid: no-such-group-here\n");
	b.t.setup.conf = b.conf;
	assert_false(plugin_find("memory")->check(&b.t.setup, err, sizeof(err)));
	assert_non_null(strstr(err, "files_gid"));
	close_bed(&b);
}

/* Whatever the tests above did, nothing temporary is left behind. */
static void
test_nothing_left(void **state)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d))) {
		if (strstr(e->d_name, ".tmp"))
			fail_msg("left behind: %s", e->d_name);
	}
	closedir(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_final_purge),
	    cmocka_unit_test(test_replace_and_append),
	    cmocka_unit_test(test_bins_and_late_rows),
	    cmocka_unit_test(test_restart_within_bin),
	    cmocka_unit_test(test_open_bin_waits),
	    cmocka_unit_test(test_row_variables_and_markers),
	    cmocka_unit_test(test_slow_writer),
	    cmocka_unit_test(test_stdout),
	    cmocka_unit_test(test_write_error),
	    cmocka_unit_test(test_trigger),
	    cmocka_unit_test(test_preprocess),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_bins_of_one_name),
	    cmocka_unit_test(test_end_with_stuck_reader),
	    cmocka_unit_test(test_bound),
	    cmocka_unit_test(test_memory_owner),
	    cmocka_unit_test(test_nothing_left),
	};
	return cmocka_run_group_tests(tests, set_up, leave);
}
