/* The spool: what was committed comes back as it was, in order, over restarts and damage, and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sql/spool.h"

static char folder[64];
static struct layout layout;

static int
take_away(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static int
setup(void **state)
{
	struct aggregate a;
	struct layout_options o = {0};
	char err[256];
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/flowrib-spool-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_true(aggregate_parse(&a, "src_host,dst_port,as_path", err, sizeof(err)));
	assert_true(layout_compile(&layout, &a, &o, err, sizeof(err)));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return nftw(folder, take_away, 16, FTW_DEPTH | FTW_PHYS);
}

static struct spool *
open_spool(uint64_t max, bool drop)
{
	char err[512] = "";
	struct spool_options o = {.directory = folder, .max_bytes = max, .drop_oldest = drop};
	struct spool *s = spool_open(&o, err, sizeof(err));
	if (!s)
		print_message("%s\n", err);
	assert_non_null(s);
	return s;
}

/* One record a packet count tells apart. */
static size_t
make_record(uint8_t *out, uint64_t packets)
{
	struct flow *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	assert_true(addr_parse(&f->src_host, "192.0.2.1"));
	f->dst_port = 53;
	f->packets = packets;
	f->bytes = 10 * packets;
	f->as_path = (struct flow_bytes){(const uint8_t *)"\2\1\1\0\0\0", 6};
	size_t n = layout_pack(&layout, f, out);
	free(f);
	return n;
}

static bool
append(struct spool *s, uint64_t first, unsigned rows, uint64_t now_us, char *err, size_t errlen)
{
	uint8_t record[4096];
	struct spool_append *a = spool_append_begin(s, &layout, now_us, err, errlen);
	if (!a)
		return false;
	for (unsigned i = 0; i < rows; i++) {
		size_t n = make_record(record, first + i);
		spool_append_records(a, record, n, 1);
	}
	return spool_append_commit(a, err, errlen);
}

static void
must_append(struct spool *s, uint64_t first, unsigned rows, uint64_t now_us)
{
	char err[512] = "";
	if (!append(s, first, rows, now_us, err, sizeof(err))) {
		print_message("%s\n", err);
		fail();
	}
}

static void
assert_segment(const struct spool_segment *g, uint64_t first, unsigned rows)
{
	uint8_t record[4096];
	const uint8_t *p = g->records;
	assert_int_equal(g->rows, rows);
	for (unsigned i = 0; i < rows; i++) {
		size_t n = make_record(record, first + i);
		assert_int_equal(layout_record_size(g->layout, p), n);
		assert_memory_equal(p, record, n);
		p += n;
	}
	assert_ptr_equal(p, g->records + g->bytes);
	assert_non_null(layout_find(g->layout, primitive_find("as_path")));
}

static bool
waits(const struct spool *s)
{
	struct pollfd fd = {.fd = spool_fd(s), .events = POLLIN};
	return poll(&fd, 1, 0) == 1;
}

/* How many files have a suffix. */
static unsigned
count_files(const char *suffix)
{
	unsigned n = 0;
	DIR *d = opendir(folder);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		const char *dot = strchr(e->d_name, '.');
		n += dot && strcmp(dot + 1, suffix) == 0;
	}
	closedir(d);
	return n;
}

/* The only file with a suffix. */
static void
path_of(const char *suffix, char *out, size_t n)
{
	DIR *d = opendir(folder);
	out[0] = '\0';
	for (struct dirent *e; (e = readdir(d));) {
		const char *dot = strchr(e->d_name, '.');
		if (dot && strcmp(dot + 1, suffix) == 0)
			snprintf(out, n, "%s/%s", folder, e->d_name);
	}
	closedir(d);
	assert_true(out[0]);
}

static void
test_order(void **state)
{
	struct spool *s = open_spool(0, false);
	struct spool_segment g;
	struct spool_stats stats;
	(void)state;
	assert_false(waits(s));
	must_append(s, 1, 3, 5000000);
	must_append(s, 100, 20000, 6000000); /* more than a buffer */
	must_append(s, 7, 0, 6500000);	     /* nothing to write is no segment */
	must_append(s, 50, 1, 4000000);	     /* the clock was set back */
	assert_true(waits(s));
	spool_stats(s, &stats);
	assert_int_equal(stats.segments, 3);
	assert_int_equal(stats.oldest_us, 5000000);
	assert_true(spool_take(s, 0, &g));
	assert_segment(&g, 1, 3);
	assert_int_equal(g.purged_us, 5000000);
	uint64_t first = g.number;
	spool_segment_free(&g);
	assert_true(spool_take(s, first, &g));
	assert_segment(&g, 100, 20000);
	spool_segment_free(&g);
	spool_done(s, first);
	assert_true(spool_take(s, 0, &g));
	assert_segment(&g, 100, 20000);
	uint64_t second = g.number;
	spool_segment_free(&g);
	spool_done(s, second);
	assert_true(spool_take(s, second, &g));
	assert_segment(&g, 50, 1);
	spool_reject(s, g.number);
	spool_segment_free(&g);
	assert_false(spool_take(s, 0, &g));
	assert_false(waits(s));
	assert_int_equal(count_files("segment"), 0);
	assert_int_equal(count_files("rejected"), 1);
	assert_int_equal(count_files("done"), 1);
	spool_close(s);
}

/* Numbers only grow, also when the directory is empty and the clock stands still or went back. */
static void
test_restart(void **state)
{
	char identity[64], path[256];
	uint64_t last = 0;
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct spool_segment g;
		struct spool *s = open_spool(0, false);
		if (i == 0)
			snprintf(identity, sizeof(identity), "%s", spool_identity(s));
		assert_string_equal(spool_identity(s), identity);
		must_append(s, i, 2, i == 0 ? 9000000 : 1000);
		spool_close(s);
		s = open_spool(0, false);
		assert_true(waits(s));
		assert_true(spool_take(s, last, &g));
		assert_segment(&g, i, 2);
		assert_true(g.number > last);
		last = g.number;
		spool_done(s, last);
		spool_segment_free(&g);
		spool_close(s);
	}
	/* what an append left half done is gone */
	snprintf(path, sizeof(path), "%s/00000000000000ff.tmp", folder);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	spool_close(open_spool(0, false));
	assert_int_equal(access(path, F_OK), -1);
}

/* Every single byte of a segment, changed, makes it a damaged one; so does every shorter length. What comes
 * after it is still read. */
static void
test_damage(void **state)
{
	char path[300], found[300];
	struct spool_segment g;
	(void)state;
	struct spool *s = open_spool(0, false);
	must_append(s, 1, 2, 5000000);
	spool_close(s);
	path_of("segment", path, sizeof(path));
	static uint8_t whole[8192], copy[8192];
	int fd = open(path, O_RDONLY);
	ssize_t size = read(fd, whole, sizeof(whole));
	close(fd);
	assert_in_range(size, 100, sizeof(whole) - 1);
	for (ssize_t i = 0; i < 2 * size; i++) {
		bool cut = i >= size;
		memcpy(copy, whole, (size_t)size);
		if (!cut)
			copy[i] ^= 0x41;
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		ssize_t n = cut ? i - size : size;
		assert_int_equal(write(fd, copy, (size_t)n), n);
		close(fd);
		s = open_spool(0, false);
		bool more = i % 64 == 0; /* fsync is slow */
		if (more)
			must_append(s, 77, 1, 5000000);
		assert_int_equal(spool_take(s, 0, &g), more);
		if (more) {
			assert_segment(&g, 77, 1);
			spool_done(s, g.number);
			spool_segment_free(&g);
			path_of("done", found, sizeof(found));
			remove(found);
		}
		spool_close(s);
		assert_int_equal(count_files("bad"), 1);
		path_of("bad", found, sizeof(found));
		remove(found);
	}
}

/* Full: the new one is refused, or the oldest goes. The one being written is never dropped. */
static void
test_full(void **state)
{
	char err[512];
	struct spool_segment g;
	struct spool_stats stats;
	(void)state;
	struct spool *s = open_spool(0, false);
	must_append(s, 1, 10, 1000);
	spool_stats(s, &stats);
	uint64_t one = stats.bytes;
	spool_close(s);
	s = open_spool(2 * one, false);
	must_append(s, 2, 10, 1001);
	assert_false(append(s, 3, 10, 1002, err, sizeof(err)));
	assert_non_null(strstr(err, "full"));
	assert_int_equal(count_files("tmp"), 0);
	spool_close(s);
	s = open_spool(2 * one, true);
	assert_true(spool_take(s, 0, &g)); /* the first is on its way */
	must_append(s, 3, 10, 1003);
	spool_stats(s, &stats);
	assert_int_equal(stats.dropped_segments, 1);
	assert_int_equal(stats.dropped_rows, 10);
	assert_segment(&g, 1, 10);
	spool_done(s, g.number);
	spool_segment_free(&g);
	assert_true(spool_take(s, 0, &g));
	assert_segment(&g, 3, 10);
	spool_segment_free(&g);
	spool_close(s);
}

/* Two processes never use one spool. */
static void
test_lock(void **state)
{
	(void)state;
	struct spool *s = open_spool(0, false);
	pid_t pid = fork();
	if (pid == 0) {
		char err[512] = "", mine[32];
		struct spool_options o = {.directory = folder};
		snprintf(mine, sizeof(mine), "process %d", (int)getppid());
		_exit(spool_open(&o, err, sizeof(err)) == NULL && strstr(err, mine) ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	spool_close(s);
	spool_close(open_spool(0, false));
}

/* Segments of another spool, copied here by somebody, are not ours to write. */
static void
test_foreign(void **state)
{
	char path[300];
	struct spool_segment g;
	(void)state;
	struct spool *s = open_spool(0, false);
	must_append(s, 1, 1, 1000);
	spool_close(s);
	snprintf(path, sizeof(path), "%s/identity", folder);
	int fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "0123456789abcdef0123456789abcdef", 32), 32);
	close(fd);
	s = open_spool(0, false);
	assert_false(spool_take(s, 0, &g));
	assert_int_equal(count_files("bad"), 1);
	spool_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_full, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_lock, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_foreign, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
