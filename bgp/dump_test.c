/* Table dumps: the lines of a peer, one file or several, who has which slot of time, and what happens when a
 * file cannot be written or nobody is there. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bgp/ribbed.h"
#include "collector/base/counters.h"

#define MIDNIGHT 1795132800ULL /* 2026-11-20 00:00:00 UTC */

static char dir[64];

struct bed {
	struct ribbed r;
	struct conf *conf;
	struct bgp_output_env env;
	void *dump;
};

static bool
prepare(struct bed *b, const char *lines, char *err, size_t errlen)
{
	struct text text = {0}, messages = {0};
	for (const char *p = lines; *p; p++)
		if (*p == '@')
			text_str(&text, dir);
		else
			text_char(&text, *p);
	b->conf = conf_load_text("f", text.data, text.len, NULL, &messages);
	assert_string_equal(text_cstr(&messages), "");
	text_free(&text);
	text_free(&messages);
	b->env = (struct bgp_output_env){.conf = b->conf, .sources = b->r.sources, .store = b->r.store};
	b->env.owner = (struct outfile_owner){.uid = (uid_t)-1, .gid = (gid_t)-1, .mode = 0640};
	return bgp_output_dump.prepare(&b->env, &b->dump, err, errlen);
}

static void
begin(struct bed *b, const char *lines)
{
	char err[512];
	*b = (struct bed){0};
	ribbed_begin(&b->r);
	if (!prepare(b, lines, err, sizeof(err)))
		fail_msg("%s", err);
}

static unsigned
clear(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	char path[512];
	unsigned n = 0;
	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (e->d_name[0] != '.' || strlen(e->d_name) > 2)
			n += unlink(path) == 0;
	}
	if (d)
		closedir(d);
	return n;
}

static void
end(struct bed *b)
{
	if (b->dump)
		bgp_output_dump.free(b->dump);
	conf_free(b->conf);
	ribbed_end(&b->r);
	clear(dir);
}

static const char *
content(const char *name)
{
	static char buf[16384];
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		fail_msg("no %s", path);
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

static void
announce(struct bed *b, struct bgp_peer *p, const char *prefix)
{
	struct bgp_attrs a = {.present = BGP_HAS_ORIGIN | BGP_HAS_AS_PATH};
	struct bgp_nlri n = ribbed_nlri(prefix, 0, NULL);
	ribbed_announce(&b->r, p, BGP_IPV4_UNICAST, &n, &a);
}

static void
a_file_per_peer(void **state)
{
	(void)state;
	struct bed b;
	char link[512], to[512];
	begin(&b, "timestamps_utc: true\nbgp_table_dump_file: "
		  "@/$peer_src_ip-%H%M\nbgp_table_dump_refresh_time: 60\n"
		  "bgp_table_dump_latest_file: @/$peer_src_ip-latest\nbgp_table_dump_workers: 3\n");
	announce(&b, ribbed_peer(&b.r, "192.0.2.1", 4711, 1), "10.1.0.0/16");
	ribbed_peer(&b.r, "2001:db8::1", 4712, 2);
	b.env.seq = 5;
	bgp_dump_at(b.dump, MIDNIGHT + 8 * 3600 + 60);
	assert_string_equal(
	    content("192_0_2_1-0801"),
	    "{\"timestamp\": \"2026-11-20 08:01:00\", \"peer_ip_src\": \"192.0.2.1\", \"peer_tcp_port\": "
	    "4711, "
	    "\"event_type\": \"dump_init\", \"dump_period\": 60, \"seq\": 5}\n"
	    "{\"seq\": 5, \"timestamp\": \"2026-11-20 08:01:00\", \"peer_ip_src\": \"192.0.2.1\", "
	    "\"peer_tcp_port\": 4711, \"event_type\": \"dump\", \"afi\": 1, \"safi\": 1, \"ip_prefix\": "
	    "\"10.1.0.0/16\", \"as_path\": \"\", \"origin\": \"i\"}\n"
	    "{\"timestamp\": \"2026-11-20 08:01:00\", \"peer_ip_src\": \"192.0.2.1\", \"peer_tcp_port\": "
	    "4711, "
	    "\"event_type\": \"dump_close\", \"entries\": 1, \"tables\": 1, \"seq\": 5}\n");
	assert_non_null(strstr(content("2001_db8__1-0801"), "\"entries\": 0"));
	snprintf(link, sizeof(link), "%s/192_0_2_1-latest", dir);
	ssize_t n = readlink(link, to, sizeof(to) - 1);
	assert_true(n > 0);
	to[n] = '\0';
	assert_string_equal(to + strlen(dir), "/192_0_2_1-0801");
	assert_int_equal(b.env.seq, 6);
	end(&b);
}

/* All of it in one file; the next dump takes its place. */
static void
one_file(void **state)
{
	(void)state;
	struct bed b;
	begin(&b, "bgp_table_dump_file: @/all\nbgp_table_dump_refresh_time: 60\n");
	struct bgp_peer *p = ribbed_peer(&b.r, "192.0.2.1", 4711, 1);
	for (unsigned i = 0; i < 3; i++)
		announce(&b, p, (const char *[]){"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/24"}[i]);
	announce(&b, ribbed_peer(&b.r, "192.0.2.2", 4711, 2), "10.1.0.0/16");
	for (unsigned round = 0; round < 2; round++) {
		bgp_dump_at(b.dump, MIDNIGHT + 60 * round);
		const char *text = content("all");
		unsigned lines = 0;
		for (const char *c = text; *c; c++)
			lines += *c == '\n';
		assert_int_equal(lines, 4 + 4);
		assert_non_null(strstr(text, "\"entries\": 3"));
		assert_non_null(strstr(text, "\"entries\": 1"));
	}
	end(&b);
}

/* Each peer has one of four slots of time: over all of them each is written once. */
static void
slots(void **state)
{
	(void)state;
	struct bed b;
	begin(&b, "bgp_table_dump_file: @/$peer_src_ip\nbgp_table_dump_refresh_time: 60\n"
		  "bgp_table_dump_time_slots: 4\n");
	for (unsigned i = 0; i < RIBBED_PEERS; i++) {
		char address[32];
		snprintf(address, sizeof(address), "192.0.2.%u", i + 1);
		ribbed_peer(&b.r, address, 179, i);
	}
	unsigned written = 0;
	for (unsigned slot = 0; slot < 4; slot++) {
		bgp_dump_at(b.dump, MIDNIGHT + 15 * slot);
		unsigned n = clear(dir);
		bgp_dump_at(b.dump, MIDNIGHT + 15 * slot + 60);
		assert_int_equal(clear(dir), n);
		written += n;
	}
	assert_int_equal(written, RIBBED_PEERS);
	end(&b);
}

/* A peer that went away has no file, nor one that left its stale routes unfinished. */
static void
peers_that_went(void **state)
{
	(void)state;
	struct bed b;
	begin(&b, "bgp_table_dump_file: @/$peer_src_ip\nbgp_table_dump_refresh_time: 60\n");
	struct bgp_peer *p = ribbed_peer(&b.r, "192.0.2.1", 4711, 1);
	announce(&b, p, "10.1.0.0/16");
	p->stale = p->slot;
	p->slot = RIB_NO_SLOT;
	bgp_dump_at(b.dump, MIDNIGHT);
	assert_non_null(strstr(content("192_0_2_1"), "\"entries\": 1"));
	clear(dir);
	p->stale = RIB_NO_SLOT;
	bgp_dump_at(b.dump, MIDNIGHT + 60);
	assert_int_equal(clear(dir), 0);
	end(&b);
}

/* A named pipe is written to when somebody reads it, and no thread waits for one that nobody reads. */
static void
pipes(void **state)
{
	(void)state;
	struct bed b;
	char path[512], buf[4096];
	begin(&b, "bgp_table_dump_file: @/pipe\nbgp_table_dump_refresh_time: 60\n");
	announce(&b, ribbed_peer(&b.r, "192.0.2.1", 4711, 1), "10.1.0.0/16");
	snprintf(path, sizeof(path), "%s/pipe", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	bgp_dump_at(b.dump, MIDNIGHT);
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, buf, sizeof(buf)), 0);
	bgp_dump_at(b.dump, MIDNIGHT + 60);
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_non_null(strstr(buf, "dump_init"));
	assert_non_null(strstr(buf, "\"entries\": 1"));
	end(&b);
}

static void
refused(void **state)
{
	(void)state;
	static const struct {
		const char *lines, *why;
	} cases[] = {
	    {"bgp_table_dump_file: x\n",
	     "bgp_table_dump_file needs bgp_table_dump_refresh_time, 60 to 86400 seconds"},
	    {"bgp_table_dump_file: x\nbgp_table_dump_refresh_time: 60\nbgp_table_dump_output: avro_json\n",
	     "f:3: bgp_table_dump_output: Avro is not in this version; set it to json"},
	    {"bgp_table_dump_file: x\nbgp_table_dump_refresh_time: 60\nbgp_table_dump_time_slots: 7\n",
	     "bgp_table_dump_time_slots: 7 slots do not divide the 60 seconds of "
	     "bgp_table_dump_refresh_time"},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bed b = {0};
		char err[512];
		ribbed_begin(&b.r);
		assert_false(prepare(&b, cases[i].lines, err, sizeof(err)));
		assert_string_equal(err, cases[i].why);
		end(&b);
	}
}

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/flowrib-dump-XXXXXX");
	return counters_init() && mkdtemp(dir) ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_file_per_peer), cmocka_unit_test(one_file), cmocka_unit_test(slots),
	    cmocka_unit_test(peers_that_went), cmocka_unit_test(pipes),	   cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
