/* The message log as the daemon runs it: events in, files out. */
#include "bgp/output.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "collector/base/counters.h"

struct bed {
	char dir[64];
	struct bgp_store *store;
	struct conf *conf;
	struct bgp_outputs *outputs;
	struct bgp_events *events;
};

static struct bgp_peer peers[2] = {{.port = 4711, .id = 0x0a000001}, {.port = 4712, .id = 0x0a000002}};

static bool
prepare(struct bed *b, const char *lines, char *err, size_t errlen)
{
	struct text text = {0}, messages = {0};
	text_printf(&text, "%s", lines);
	b->conf = conf_load_text("f", text.data, text.len, NULL, &messages);
	assert_string_equal(text_cstr(&messages), "");
	text_free(&text);
	text_free(&messages);
	b->store = bgp_store_new();
	struct bgp_sources none = {0};
	return bgp_outputs_prepare(&b->outputs, b->conf, none, b->store, err, errlen) &&
	       bgp_outputs_open(b->outputs, err, errlen);
}

static void
begin(struct bed *b, const char *name, const char *more)
{
	char err[512] = "", lines[512];
	snprintf(b->dir, sizeof(b->dir), "/tmp/flowrib-msglog-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(lines, sizeof(lines), "bgp_daemon_msglog_file: %s/%s\ntimestamps_utc: true\n%s", b->dir,
		 name, more);
	if (!prepare(b, lines, err, sizeof(err)) || !bgp_outputs_start(b->outputs, err, sizeof(err)))
		fail_msg("%s", err);
	b->events = bgp_outputs_events(b->outputs);
	assert_true(bgp_events_wanted(b->events));
}

static void
end(struct bed *b)
{
	bgp_outputs_free(b->outputs);
	bgp_store_free(b->store);
	conf_free(b->conf);
	DIR *d = opendir(b->dir);
	struct dirent *e;
	char path[512];
	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", b->dir, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	if (d)
		closedir(d);
	assert_int_equal(rmdir(b->dir), 0);
}

static char *
content(const struct bed *b, const char *name, char *buf, size_t n)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", b->dir, name);
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		fail_msg("no %s", path);
	ssize_t got = read(fd, buf, n - 1);
	close(fd);
	buf[got > 0 ? got : 0] = '\0';
	return buf;
}

static unsigned
lines_in(const char *text)
{
	unsigned n = 0;
	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void
announce(struct bed *b, struct bgp_peer *p, const char *prefix)
{
	struct bgp_attrs a = {.present = BGP_HAS_ORIGIN | BGP_HAS_AS_PATH | BGP_HAS_MED, .med = 5};
	struct bgp_nlri n = {.label = BGP_NO_LABEL};
	assert_true(prefix_parse(&n.prefix, prefix));
	bgp_event_route(b->events, BGP_EVENT_UPDATE, p, BGP_IPV4_UNICAST, &n, bgp_store_intern(b->store, &a));
}

/* A file for each peer, numbers over both, nothing lost at the end. */
static void
a_file_per_peer(void **state)
{
	(void)state;
	struct bed b;
	char buf[8192];
	begin(&b, "x-$peer_src_ip-$peer_tcp_port.log", "");
	bgp_event_session(b.events, BGP_EVENT_UP, &peers[0]);
	bgp_event_session(b.events, BGP_EVENT_UP, &peers[1]);
	announce(&b, &peers[1], "10.1.0.0/16");
	bgp_event_eor(b.events, &peers[1], BGP_IPV4_UNICAST);
	bgp_event_session(b.events, BGP_EVENT_DOWN, &peers[0]);
	bgp_outputs_stop(b.outputs);
	content(&b, "x-192_0_2_1-4711.log", buf, sizeof(buf));
	assert_int_equal(lines_in(buf), 2);
	assert_non_null(strstr(buf, "{\"seq\": 0, "));
	assert_non_null(strstr(buf, "\"event_type\": \"log_init\"}"));
	assert_non_null(strstr(buf, "{\"seq\": 4, "));
	assert_non_null(strstr(buf, "\"event_type\": \"log_close\"}"));
	content(&b, "x-2001_db8__1-4712.log", buf, sizeof(buf));
	assert_int_equal(lines_in(buf), 3);
	assert_non_null(strstr(buf,
			       "\"afi\": 1, \"safi\": 1, \"ip_prefix\": \"10.1.0.0/16\", \"as_path\": \"\", "
			       "\"origin\": \"i\", \"med\": 5}\n"));
	assert_non_null(strstr(buf, "\"log_type\": \"end-of-rib\""));
	end(&b);
}

/* More peers than files may be open: each has its own lines, and what was there before stays. */
static void
more_peers_than_files(void **state)
{
	(void)state;
	struct bed b;
	char buf[8192], name[64];
	struct stat st;
	begin(&b, "$peer_src_ip", "files_umask: 027\n");
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < 600; i++) {
			struct bgp_peer p = {.address = peers[0].address};
			p.address.b[14] = (uint8_t)(i >> 8);
			p.address.b[15] = (uint8_t)i;
			bgp_event_session(b.events, BGP_EVENT_UP, &p);
		}
	bgp_outputs_stop(b.outputs);
	for (unsigned i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "192_0_%u_%u", i >> 8, i & 255);
		content(&b, name, buf, sizeof(buf));
		assert_int_equal(lines_in(buf), 3);
	}
	snprintf(buf, sizeof(buf), "%s/192_0_0_7", b.dir);
	assert_int_equal(stat(buf, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	end(&b);
}

static void
wait_for(const struct bed *b, const char *name, const char *word)
{
	char path[512], buf[8192];
	snprintf(path, sizeof(path), "%s/%s", b->dir, name);
	for (unsigned i = 0; i < 1000; i++) {
		struct timespec ms = {.tv_nsec = 5000000};
		if (access(path, R_OK) == 0 && strstr(content(b, name, buf, sizeof(buf)), word))
			return;
		nanosleep(&ms, NULL);
	}
	fail_msg("no %s in %s", word, path);
}

/* After a rotation and SIGHUP, lines go to a new file of the name; the sequence goes on. */
static void
rotation(void **state)
{
	(void)state;
	struct bed b;
	char from[512], to[512], buf[8192];
	begin(&b, "log", "");
	bgp_event_session(b.events, BGP_EVENT_UP, &peers[0]);
	wait_for(&b, "log", "log_init");
	snprintf(from, sizeof(from), "%s/log", b.dir);
	snprintf(to, sizeof(to), "%s/log.1", b.dir);
	assert_int_equal(rename(from, to), 0);
	bgp_outputs_reopen(b.outputs);
	/* the wake has come when the line has */
	bgp_event_session(b.events, BGP_EVENT_DOWN, &peers[0]);
	bgp_outputs_stop(b.outputs);
	assert_int_equal(lines_in(content(&b, "log.1", buf, sizeof(buf))), 1);
	assert_int_equal(lines_in(content(&b, "log", buf, sizeof(buf))), 1);
	assert_non_null(strstr(buf, "{\"seq\": 1, "));
	end(&b);
}

static void
refused(void **state)
{
	(void)state;
	static const struct {
		const char *lines, *why;
	} cases[] = {
	    {"bgp_daemon_msglog_file: x\nbgp_daemon_msglog_output: avro\n",
	     "f:2: bgp_daemon_msglog_output: Avro is not in this version; set it to json"},
	    {"bgp_daemon_msglog_file: /proc/nothing/here\n",
	     "bgp_daemon_msglog_file: cannot open '/proc/nothing/here': No such file or directory"},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bed b = {0};
		char err[512] = "";
		assert_false(prepare(&b, cases[i].lines, err, sizeof(err)));
		assert_string_equal(err, cases[i].why);
		bgp_outputs_free(b.outputs);
		bgp_store_free(b.store);
		conf_free(b.conf);
	}
}

static void
not_configured(void **state)
{
	(void)state;
	struct bed b = {0};
	char err[512] = "";
	assert_true(prepare(&b, "", err, sizeof(err)));
	assert_null(b.outputs);
	assert_null(bgp_outputs_events(b.outputs));
	bgp_store_free(b.store);
	conf_free(b.conf);
}

static int
setup(void **state)
{
	(void)state;
	return counters_init() && addr_parse(&peers[0].address, "192.0.2.1") &&
		       addr_parse(&peers[1].address, "2001:db8::1")
		   ? 0
		   : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_file_per_peer), cmocka_unit_test(more_peers_than_files),
	    cmocka_unit_test(rotation),	       cmocka_unit_test(refused),
	    cmocka_unit_test(not_configured),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
