/* Names and their variables; files that appear whole, keep what they should keep, and leave nothing behind
 * when they fail; checks of *_preprocess. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "plugins/testbed.h"
#include "collector/base/outfile.h"
#include "collector/base/outname.h"
#include "plugins/preprocess.h"

static char dir[64];

/* What the code under test asks of the disk; these stand before the C library's. */
static struct {
	ino_t inode; /* of the file synced last */
	off_t size;  /* it had then */
	int error;   /* to answer with instead, 0: none */
	unsigned synced, renamed;
	bool late; /* something got its name that was not on the disk as it is */
} disk;

int
fdatasync(int fd)
{
	struct stat st;

	disk.synced++;
	if (disk.error) {
		errno = disk.error;
		return -1;
	}
	if (fstat(fd, &st) < 0)
		return -1;
	disk.inode = st.st_ino;
	disk.size = st.st_size;
	return 0;
}

int
rename(const char *from, const char *to)
{
	struct stat st;

	if (lstat(from, &st) == 0 && S_ISREG(st.st_mode)) {
		disk.renamed++;
		disk.late |= st.st_ino != disk.inode || st.st_size != disk.size;
	}
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

/* 2026-11-20 10:37:41 in a zone one hour east of UTC. */
#define MOMENT 1795167461

static int
set_up(void **state)
{
	(void)state;
	setenv("TZ", "CET-1", 1);
	tzset();
	umask(022);
	snprintf(dir, sizeof(dir), "/tmp/flowrib-outfile-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int
leave(void **state)
{
	(void)state;
	return testbed_remove(dir);
}

static const char *
in_dir(const char *name)
{
	static char path[16][256];
	static unsigned at;
	char *p = path[at++ % 16];
	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static void
assert_content(const char *path, const char *expected)
{
	char buf[4096];
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	assert_true(n >= 0);
	buf[n] = '\0';
	assert_string_equal(buf, expected);
}

/* Entries of the folder, so that forgotten temporary files show. */
static unsigned
entries(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;
	struct dirent *e;
	while (d && (e = readdir(d)))
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	if (d)
		closedir(d);
	return n;
}

/* --- names --- */

static void
assert_name(const char *pattern, const struct outname_row *row, bool utc, const char *expected)
{
	struct outname_fixed fixed = {
	    .refresh = 60, .history = 300, .post_tag = 7, .post_tag2 = 8, .utc = utc};
	struct outname name;
	struct text out = {0};
	char err[256];

	if (!outname_parse(&name, pattern, &fixed, err, sizeof(err)))
		fail_msg("%s", err);
	assert_string_equal(outname_format(&name, row, &out), expected);
	text_free(&out);
	outname_free(&name);
}

static void
test_names(void **state)
{
	struct outname_row row = {.time = MOMENT, .tag = 11, .tag2 = 22}, none = {.time = MOMENT};

	(void)state;
	assert_true(addr_parse(&row.peer_src_ip, "192.0.2.1"));
	assert_name("plain", &row, false, "plain");
	assert_name("%Y%m%d-%H%M%S", &row, false, "20261120-103741");
	assert_name("%Y%m%d-%H%M%S", &row, true, "20261120-093741");
	assert_name("%s %w %W %z %%", &row, false, "1795167461 5 46 +0100 %");
	assert_name("%s %z $tzone", &row, true, "1795167461 +0000 Z");
	assert_name("x$tzone", &row, false, "x+01:00");
	assert_name("$ref-$hst-$post_tag-$post_tag2-$tag-$tag2", &row, false, "60-300-7-8-11-22");
	assert_name("$peer_src_ip/x", &row, false, "192_0_2_1/x");
	assert_name("$peer_src_ip", &none, false, "null");
	row.peer_tcp_port = 4711;
	assert_name("$peer_src_ip-$peer_tcp_port", &row, false, "192_0_2_1-4711");
	assert_name("$tag_$tags$nothing$", &row, false, "11_$tags$nothing$");
	assert_true(addr_parse(&row.peer_src_ip, "2001:db8::1"));
	assert_name("a-$peer_src_ip-$tag", &row, false, "a-2001_db8__1-11");
}

static void
test_names_refused(void **state)
{
	struct outname_fixed fixed = {0};
	struct outname name;
	char err[256];

	(void)state;
	assert_false(outname_parse(&name, "x-%F.csv", &fixed, err, sizeof(err)));
	assert_non_null(strstr(err, "'%F'"));
	assert_false(outname_parse(&name, "x%", &fixed, err, sizeof(err)));
}

static void
test_same_time(void **state)
{
	struct outname_fixed fixed = {0};
	struct outname name;
	char err[256];

	(void)state;
	assert_true(outname_parse(&name, "x-%H", &fixed, err, sizeof(err)));
	assert_true(outname_same_time(&name, MOMENT, MOMENT + 1200));
	assert_true(outname_same_time(&name, MOMENT + 1200, MOMENT));
	assert_false(outname_same_time(&name, MOMENT, MOMENT + 3600));
	assert_false(
	    outname_same_time(&name, MOMENT, MOMENT + 86400)); /* the same text, but not in between */
	outname_free(&name);
}

/* --- files --- */

static bool
write_file(const char *path, enum outfile_how how, const char *text)
{
	struct outfile f;
	outfile_begin(&f, path, how, "unit", NULL);
	text_str(&f.text, text);
	outfile_flush(&f);
	return outfile_commit(&f);
}

static void
test_replace_extend_append(void **state)
{
	const char *path = in_dir("deep/er/file");
	struct outfile f;

	(void)state;
	assert_true(write_file(path, OUTFILE_REPLACE, "one\n"));
	assert_content(path, "one\n");
	assert_true(write_file(path, OUTFILE_EXTEND, "two\n"));
	assert_content(path, "one\ntwo\n");
	assert_true(write_file(path, OUTFILE_APPEND, "three\n"));
	assert_content(path, "one\ntwo\nthree\n");
	/* nothing is seen before the commit */
	outfile_begin(&f, path, OUTFILE_REPLACE, "unit", NULL);
	assert_true(f.fresh);
	text_str(&f.text, "four\n");
	outfile_flush(&f);
	assert_content(path, "one\ntwo\nthree\n");
	assert_true(outfile_commit(&f));
	assert_content(path, "four\n");
	outfile_begin(&f, path, OUTFILE_EXTEND, "unit", NULL);
	assert_false(f.fresh);
	assert_true(outfile_commit(&f));
	assert_content(path, "four\n");
	/* an empty file is a file too */
	assert_true(write_file(in_dir("deep/er/empty"), OUTFILE_REPLACE, ""));
	assert_content(in_dir("deep/er/empty"), "");
	assert_int_equal(entries(in_dir("deep/er")), 2);
}

/* /dev/full is no regular file, so failures come from a folder that is a file, and from a device that is
 * always full. */
static void
test_failures(void **state)
{
	struct outfile f;

	(void)state;
	assert_true(write_file(in_dir("blocker"), OUTFILE_REPLACE, "x"));
	assert_false(write_file(in_dir("blocker/file"), OUTFILE_REPLACE, "y"));
	assert_content(in_dir("blocker"), "x");
	outfile_begin(&f, "/dev/full", OUTFILE_REPLACE, "unit", NULL);
	text_str(&f.text, "x");
	assert_false(outfile_commit(&f));
	assert_int_equal(f.error, ENOSPC);
	/* a pipe without reader fails instead of waiting */
	assert_int_equal(mkfifo(in_dir("pipe"), 0600), 0);
	assert_false(write_file(in_dir("pipe"), OUTFILE_REPLACE, "y"));
}

/* Somebody else knows the temporary file's name and put a link there. */
static void
test_planted_link(void **state)
{
	(void)state;
	assert_true(write_file(in_dir("treasure"), OUTFILE_REPLACE, "mine\n"));
	assert_true(write_file(in_dir("planted"), OUTFILE_REPLACE, "old\n"));
	assert_int_equal(symlink(in_dir("treasure"), in_dir(".planted.unit.tmp")), 0);
	assert_true(write_file(in_dir("planted"), OUTFILE_REPLACE, "row\n"));
	assert_content(in_dir("treasure"), "mine\n");
	assert_content(in_dir("planted"), "row\n");
	assert_int_equal(symlink(in_dir("treasure"), in_dir(".planted.unit.tmp")), 0);
	assert_true(write_file(in_dir("planted"), OUTFILE_EXTEND, "two\n"));
	assert_content(in_dir("treasure"), "mine\n");
	assert_content(in_dir("planted"), "row\ntwo\n");
}

/* A failure before anything was written must not cut off what another process appended meanwhile. */
static void
test_append_failure_keeps_others(void **state)
{
	struct outfile f;

	(void)state;
	assert_true(write_file(in_dir("shared"), OUTFILE_REPLACE, "one\n"));
	outfile_begin(&f, in_dir("shared"), OUTFILE_APPEND, "unit", NULL);
	assert_true(write_file(in_dir("shared"), OUTFILE_APPEND, "other\n"));
	f.error = ENOSPC;
	assert_false(outfile_commit(&f));
	assert_content(in_dir("shared"), "one\nother\n");
}

/* The reader does not read: the writer waits, but not when it is told to give up. */
static void
test_stuck_pipe(void **state)
{
	struct outfile f;
	static char much[200000];
	uint64_t one = 1;

	(void)state;
	assert_int_equal(mkfifo(in_dir("stuck"), 0600), 0);
	int reader = open(in_dir("stuck"), O_RDONLY | O_NONBLOCK);
	int give_up = eventfd(0, 0);
	assert_int_equal(write(give_up, &one, sizeof(one)), sizeof(one));
	outfile_begin(&f, in_dir("stuck"), OUTFILE_REPLACE, "unit", NULL);
	f.give_up = give_up;
	text_add(&f.text, much, sizeof(much));
	assert_false(outfile_commit(&f));
	assert_int_equal(f.error, ETIMEDOUT);
	close(give_up);
	close(reader);
}

static void
test_pipe(void **state)
{
	char buf[8] = "";

	(void)state;
	assert_int_equal(mkfifo(in_dir("pipe2"), 0600), 0);
	int fd = open(in_dir("pipe2"), O_RDONLY | O_NONBLOCK);
	assert_true(write_file(in_dir("pipe2"), OUTFILE_REPLACE, "row\n"));
	assert_int_equal(read(fd, buf, sizeof(buf)), 4);
	assert_string_equal(buf, "row\n");
	close(fd);
}

static void
test_latest(void **state)
{
	const char *link = in_dir("latest/link");

	(void)state;
	assert_true(write_file(in_dir("f-1"), OUTFILE_REPLACE, "1"));
	assert_true(write_file(in_dir("f-2"), OUTFILE_REPLACE, "2"));
	assert_true(outfile_link_latest(link, in_dir("f-1"), NULL));
	assert_content(link, "1");
	assert_true(outfile_link_latest(link, in_dir("f-2"), NULL));
	assert_content(link, "2");
	assert_true(outfile_link_latest(link, in_dir("f-1"), NULL)); /* older: stays */
	assert_content(link, "2");
	unlink(in_dir("f-2"));
	assert_true(outfile_link_latest(link, in_dir("f-1"), NULL)); /* what it pointed to is gone */
	assert_content(link, "1");
	assert_int_equal(entries(in_dir("latest")), 1);
}

/* --- preprocess --- */

static bool
passes(const char *text, bool all, uint64_t packets, uint64_t bytes)
{
	struct layout l = {.counters = 2};
	const uint64_t counters[] = {packets, bytes};
	struct preprocess p;
	char err[256];

	l.counter[0].id = primitive_find("packets");
	l.counter[1].id = primitive_find("bytes");
	if (!preprocess_parse(&p, text, all, &l, err, sizeof(err)))
		fail_msg("%s", err);
	return preprocess_pass(&p, counters);
}

static void
test_preprocess(void **state)
{
	struct layout l = {.counters = 0};
	struct preprocess p;
	char err[300];

	(void)state;
	assert_true(passes(NULL, false, 1, 1));
	assert_true(passes("minp=2", false, 2, 1));
	assert_false(passes("minp=2", false, 1, 1));
	assert_true(passes("maxp=2", false, 1, 1));
	assert_false(passes("maxp=2", false, 2, 1));
	assert_true(passes("minp=10, maxb=100", false, 1, 50)); /* any */
	assert_false(passes("minp=10, maxb=100", true, 1, 50)); /* all */
	assert_true(passes("minp=10 , maxb = 100", true, 10, 50));
	assert_true(passes("minbpp=100", false, 2, 200));
	assert_false(passes("minbpp=100", false, 2, 199));
	assert_true(passes("qnum=5", false, 1, 1)); /* of SQL plugins only: no check at all */
	assert_false(preprocess_parse(&p, "minx=1", false, &l, err, sizeof(err)));
	assert_false(preprocess_parse(&p, "minp=", false, &l, err, sizeof(err)));
	assert_false(preprocess_parse(&p, "minp=5x", false, &l, err, sizeof(err)));
}

/* Whatever way it was written, a file is on the disk in its final size when it gets its name; a disk that
 * says it failed leaves the target as it was, and one that cannot be asked is believed. */
static void
test_on_the_disk_before_it_has_its_name(void **state)
{
	static const enum outfile_how how[] = {OUTFILE_REPLACE, OUTFILE_REPLACE, OUTFILE_EXTEND};
	const char *path = in_dir("power");
	struct outfile f;

	(void)state;
	memset(&disk, 0, sizeof(disk));
	for (unsigned i = 0; i < ARRAY_SIZE(how); i++) {
		outfile_begin(&f, path, how[i], "x", NULL);
		text_str(&f.text, "one\n");
		outfile_flush(&f);
		text_str(&f.text, "two\n");
		assert_true(outfile_commit(&f));
		assert_int_equal(disk.renamed, i + 1);
		assert_false(disk.late);
	}
	disk.error = EIO;
	outfile_begin(&f, path, OUTFILE_REPLACE, "x", NULL);
	text_str(&f.text, "three\n");
	assert_false(outfile_commit(&f));
	assert_int_equal(f.error, EIO);
	assert_int_equal(disk.renamed, 3);
	assert_content(path, "one\ntwo\none\ntwo\n");
	disk.error = EINVAL;
	outfile_begin(&f, path, OUTFILE_REPLACE, "x", NULL);
	text_str(&f.text, "three\n");
	assert_true(outfile_commit(&f));
	assert_content(path, "three\n");
	disk.error = 0;
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),      cmocka_unit_test(test_names_refused),
	    cmocka_unit_test(test_same_time),  cmocka_unit_test(test_replace_extend_append),
	    cmocka_unit_test(test_failures),   cmocka_unit_test(test_on_the_disk_before_it_has_its_name),
	    cmocka_unit_test(test_pipe),       cmocka_unit_test(test_planted_link),
	    cmocka_unit_test(test_stuck_pipe), cmocka_unit_test(test_append_failure_keeps_others),
	    cmocka_unit_test(test_latest),     cmocka_unit_test(test_preprocess),
	};
	return cmocka_run_group_tests(tests, set_up, leave);
}
