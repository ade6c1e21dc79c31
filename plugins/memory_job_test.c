/* Requests against the table without sockets: what is malformed is refused, what matches is found. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "plugins/memory_fixture.h"
#include "plugins/memory_job.h"
#include "plugins/memory_match.h"

static struct layout tuple, variable;

/* --- protocol --- */

static void
test_header(void **st)
{
	static const uint8_t want[16] = {'F', 'L', 'R', '1', 0, 5, 0, 2, 0, 0, 1, 0, 0, 0, 0, 7};
	struct memory_header h = {.type = 5, .flags = 2, .bytes = 256, .count = 7}, back;
	uint8_t b[16];
	(void)st;
	memory_header_put(b, &h);
	assert_memory_equal(b, want, sizeof(want));
	assert_true(memory_header_get(&back, b));
	assert_memory_equal(&back, &h, sizeof(h));
	b[0] ^= 1;
	assert_false(memory_header_get(&back, b));
}

static bool
decodes(uint16_t type, const struct text *t, size_t n)
{
	struct memory_header h = {.type = type, .bytes = (uint32_t)n};
	struct memory_request r;
	char err[200] = "";
	bool ok = memory_request_decode(&r, &h, (const uint8_t *)t->data, err, sizeof(err));
	assert_true(ok || *err);
	return ok;
}

static void
test_requests(void **st)
{
	static const uint16_t columns[] = {0, 3};
	struct text t = {0};
	uint16_t port = 53;
	struct addr a = addr_from_v4("\12\0\0\1");
	(void)st;
	fixture_request(&t, 0, 0, 1, 2, columns);
	fixture_value(&t, &a, 16);
	fixture_value(&t, NULL, 0);
	assert_true(decodes(MEMORY_MATCH, &t, t.len));
	for (size_t n = 0; n < t.len; n++) /* cut short anywhere */
		assert_false(decodes(MEMORY_MATCH, &t, n));
	assert_false(decodes(MEMORY_DUMP, &t, t.len)); /* a dump has no queries */
	fixture_value(&t, &port, 2);
	assert_false(decodes(MEMORY_MATCH, &t, t.len)); /* more values than announced */
	t.len = 0;
	fixture_request(&t, 0, 0, 4097, 0, NULL);
	assert_false(decodes(MEMORY_MATCH, &t, t.len));
	t.len = 0;
	fixture_request(&t, 0, MEMORY_TOP_MAX + 1, 0, 0, NULL);
	assert_false(decodes(MEMORY_DUMP, &t, t.len));
	t.len = 0;
	fixture_request(&t, 0, 10, 0, 0, NULL);
	assert_true(decodes(MEMORY_DUMP, &t, t.len));
	t.len = 0;
	fixture_be(&t, 0, 2);
	fixture_be(&t, 0xffff, 2); /* columns that are not there */
	fixture_be(&t, 0, 8);
	assert_false(decodes(MEMORY_DUMP, &t, t.len));
	text_free(&t);
}

static void
layout_round_trip(const struct layout *l)
{
	struct text t = {0};
	struct layout back;
	char err[200];
	layout_describe(&t, l);
	struct wire w = wire_over(t.data, t.len);
	assert_true(layout_understand(&back, &w, true, err, sizeof(err)));
	assert_int_equal(wire_left(&w), 0);
	assert_memory_equal(back.field, l->field, sizeof(l->field));
	assert_int_equal(back.fields, l->fields);
	assert_int_equal(back.counters, l->counters);
	for (unsigned i = 0; i < l->counters; i++)
		assert_int_equal(back.counter[i].id, l->counter[i].id);
	assert_int_equal(back.key_size, l->key_size);
	assert_int_equal(back.max_record, l->max_record);
	for (size_t n = 0; n < t.len; n++) {
		w = wire_over(t.data, n);
		assert_false(layout_understand(&back, &w, true, err, sizeof(err)));
	}
	text_free(&t);
}

/* A column this program has never heard of is shown, not refused. */
static void
test_layouts(void **st)
{
	struct text t = {0};
	struct layout back;
	char err[200];
	(void)st;
	layout_round_trip(&tuple);
	layout_round_trip(&variable);
	layout_describe(&t, &tuple);
	/* behind the head of 14 bytes: offset, width, kind, length of the name, the name */
	assert_memory_equal(t.data + 20, "src_host", 8);
	memcpy(t.data + 20, "new_word", 8);
	struct wire w = wire_over(t.data, t.len);
	assert_true(layout_understand(&back, &w, true, err, sizeof(err)));
	assert_string_equal(primitive_get(back.field[0].id)->name, "new_word");
	assert_true(primitive_get(back.field[0].id)->flags & PRIMITIVE_CUSTOM);
	t.data[17] = 15; /* its width now contradicts what is known */
	w = wire_over(t.data, t.len);
	assert_false(layout_understand(&back, &w, true, err, sizeof(err)));
	text_free(&t);
}

/* --- jobs --- */

/* 1,000 sources to two ports; source n has n packets of 100 bytes at port 53, and 1 at port 80. */
static struct cache *
fill(void)
{
	struct cache *c = cache_new(&tuple, 0);
	uint8_t r[56];
	for (uint32_t n = 1; n <= 1000; n++) {
		fixture_record(r, n, 53, n, 100 * n);
		cache_absorb(c, r, 1);
		fixture_record(r, n, 80, 1, 100);
		cache_absorb(c, r, 1);
	}
	return c;
}

struct answer {
	uint8_t row[5000][56];
	unsigned rows;
	uint64_t sum[4096][3];
	unsigned sums;
	unsigned steps;
};

static void
take_frames(struct answer *a, const struct outbox *o, uint64_t *end_rows)
{
	struct memory_header h;
	for (size_t at = 0; at < o->len; at += MEMORY_HEADER + h.bytes) {
		assert_true(memory_header_get(&h, o->data + at));
		struct wire w = wire_over(o->data + at + MEMORY_HEADER, h.bytes);
		assert_true(at + MEMORY_HEADER + h.bytes <= o->len);
		if (h.type == MEMORY_RECORDS) {
			assert_int_equal(h.bytes, h.count * 56);
			memcpy(a->row[a->rows], w.pos, h.bytes);
			a->rows += h.count;
		} else if (h.type == MEMORY_COUNTERS) {
			assert_int_equal(h.bytes, h.count * 24);
			for (a->sums = 0; a->sums < h.count; a->sums++) {
				for (unsigned i = 0; i < 3; i++)
					a->sum[a->sums][i] = wire_u64(&w);
			}
		} else {
			assert_int_equal(h.type, MEMORY_END);
			*end_rows = wire_u64(&w);
		}
	}
}

/* Runs a request in steps of the given size. */
static const struct answer *
ask(struct cache *c, uint16_t type, uint16_t flags, const struct text *body, size_t units)
{
	static struct answer a;
	struct memory_header h = {.type = type, .flags = flags, .bytes = (uint32_t)body->len};
	struct memory_request r;
	struct outbox o = {0};
	char err[200];
	uint64_t end_rows = UINT64_MAX;
	enum job_state state;
	memset(&a, 0, sizeof(a));
	assert_true(memory_request_decode(&r, &h, (const uint8_t *)body->data, err, sizeof(err)));
	struct job *j = job_new(c, &tuple, &r, err, sizeof(err));
	assert_non_null(j);
	do {
		state = job_step(j, &o, units);
		a.steps++;
	} while (state == JOB_MORE);
	assert_int_equal(state, JOB_DONE);
	take_frames(&a, &o, &end_rows);
	assert_int_equal(end_rows, a.rows);
	job_free(j);
	outbox_free(&o);
	return &a;
}

static uint64_t
row_counter(const uint8_t *row, unsigned i)
{
	uint64_t v;
	memcpy(&v, row + 40 + 8 * i, sizeof(v));
	return v;
}

static void
test_dump(void **st)
{
	struct cache *c = fill();
	struct text t = {0};
	uint64_t packets = 0;
	(void)st;
	fixture_request(&t, 0, 0, 0, 0, NULL);
	const struct answer *a = ask(c, MEMORY_DUMP, 0, &t, 100);
	assert_int_equal(a->rows, 2000);
	assert_true(a->steps >= 20);
	for (unsigned i = 0; i < a->rows; i++)
		packets += row_counter(a->row[i], 0);
	assert_int_equal(packets, 1000 * 1001 / 2 + 1000);
	/* a dump does not reset, whatever the flag says */
	ask(c, MEMORY_DUMP, MEMORY_RESET, &t, 1 << 20);
	assert_int_equal(row_counter(ask(c, MEMORY_DUMP, 0, &t, 1 << 20)->row[0], 0), 1);
	cache_free(c);
	text_free(&t);
}

static void
test_top(void **st)
{
	struct cache *c = fill();
	struct text t = {0};
	(void)st;
	fixture_request(&t, 1, 3, 0, 0, NULL);
	const struct answer *a = ask(c, MEMORY_DUMP, 0, &t, 100);
	assert_int_equal(a->rows, 3);
	assert_int_equal(row_counter(a->row[0], 1), 100000);
	assert_int_equal(row_counter(a->row[1], 1), 99900);
	assert_int_equal(row_counter(a->row[2], 1), 99800);
	/* more asked for than there is, among those of port 80: all of them, in order of arrival */
	static const uint16_t column[] = {3};
	uint16_t port = 80;
	t.len = 0;
	fixture_request(&t, 0, 5000, 1, 1, column);
	fixture_value(&t, &port, 2);
	a = ask(c, MEMORY_MATCH, 0, &t, 1 << 20);
	assert_int_equal(a->rows, 1000);
	assert_int_equal(a->row[0][15], 1);
	assert_int_equal(a->row[999][14] << 8 | a->row[999][15], 1000);
	cache_free(c);
	text_free(&t);
}

static void
add_source(struct text *t, uint32_t n)
{
	uint8_t r[56];
	fixture_record(r, n, 0, 0, 0);
	fixture_value(t, r, 16);
}

/* Two patterns in one request: (src, *) and (src, port). */
static void
test_match_and_count(void **st)
{
	static const uint16_t columns[] = {0, 3};
	struct cache *c = fill();
	struct text t = {0};
	uint16_t port = 53;
	(void)st;
	fixture_request(&t, 0, 0, 4, 2, columns);
	add_source(&t, 7);
	fixture_value(&t, NULL, 0);
	add_source(&t, 7);
	fixture_value(&t, &port, 2);
	add_source(&t, 5000); /* nobody */
	fixture_value(&t, NULL, 0);
	fixture_value(&t, NULL, 0);
	fixture_value(&t, &port, 2);
	const struct answer *a = ask(c, MEMORY_COUNT, 0, &t, 300);
	static const uint64_t want[4][3] = {{2, 8, 800}, {1, 7, 700}, {0, 0, 0}, {1000, 500500, 50050000}};
	assert_int_equal(a->sums, 4);
	assert_memory_equal(a->sum, want, sizeof(want));
	/* as rows, each entry once: both of source 7 and the other 999 of port 53 */
	assert_int_equal(ask(c, MEMORY_MATCH, 0, &t, 300)->rows, 1001);
	/* counting with reset counts all queries before anything is zero */
	a = ask(c, MEMORY_COUNT, MEMORY_RESET, &t, 300);
	assert_memory_equal(a->sum, want, sizeof(want));
	a = ask(c, MEMORY_COUNT, 0, &t, 300);
	assert_int_equal(a->sum[3][0], 1000); /* the entries stay */
	assert_int_equal(a->sum[3][1], 0);
	cache_free(c);
	text_free(&t);
}

/* 4,096 queries give what 4,096 requests would. */
static void
test_many(void **st)
{
	static const uint16_t column[] = {0};
	struct cache *c = fill();
	struct text t = {0};
	(void)st;
	fixture_request(&t, 0, 0, 4096, 1, column);
	for (uint32_t i = 0; i < 4096; i++)
		add_source(&t, i % 2000);
	const struct answer *a = ask(c, MEMORY_COUNT, 0, &t, 1 << 20);
	assert_int_equal(a->sums, 4096);
	for (uint32_t i = 0; i < 4096; i++) {
		uint32_t n = i % 2000;
		bool there = n >= 1 && n <= 1000;
		assert_int_equal(a->sum[i][0], there ? 2 : 0);
		assert_int_equal(a->sum[i][1], there ? n + 1 : 0);
	}
	cache_free(c);
	text_free(&t);
}

/* All columns given: one step, and events of the same key are found too. */
static void
test_exact(void **st)
{
	static const uint16_t columns[] = {4, 3, 2, 1, 0};
	struct cache *c = fill();
	struct text t = {0};
	uint8_t r[56];
	(void)st;
	fixture_record(r, 9, 53, 5, 6);
	r[37] = FLOW_KIND_EVENT;
	cache_absorb(c, r, 1);
	fixture_request(&t, 0, 0, 2, 5, columns);
	for (unsigned i = 0; i < 2; i++) { /* the same twice */
		fixture_value(&t, r + 36, 1);
		fixture_value(&t, r + 34, 2);
		fixture_value(&t, r + 32, 2);
		fixture_value(&t, r + 16, 16);
		fixture_value(&t, r, 16);
	}
	const struct answer *a = ask(c, MEMORY_MATCH, 0, &t, 1);
	assert_int_equal(a->rows, 2);
	assert_true(a->steps <= 2);
	assert_int_equal(row_counter(a->row[0], 0), 9);
	assert_int_equal(row_counter(a->row[1], 0), 5);
	a = ask(c, MEMORY_COUNT, MEMORY_RESET, &t, 1);
	assert_int_equal(a->sum[0][0], 2);
	assert_int_equal(a->sum[0][1], 14);
	assert_int_equal(a->sum[1][1], 14);
	a = ask(c, MEMORY_COUNT, 0, &t, 1);
	assert_int_equal(a->sum[0][0], 2);
	assert_int_equal(a->sum[0][1], 0);
	cache_free(c);
	text_free(&t);
}

/* An erase between two steps: the answer ends, nothing stale is read. */
static void
test_erase_meanwhile(void **st)
{
	static const uint32_t tops[] = {0, 10};
	(void)st;
	for (unsigned i = 0; i < 2; i++) {
		struct cache *c = fill();
		struct text t = {0};
		struct memory_request r;
		struct outbox o = {0};
		char err[200];
		fixture_request(&t, 0, tops[i], 0, 0, NULL);
		struct memory_header h = {.type = MEMORY_DUMP, .bytes = (uint32_t)t.len};
		assert_true(memory_request_decode(&r, &h, (uint8_t *)t.data, err, sizeof(err)));
		struct job *j = job_new(c, &tuple, &r, err, sizeof(err));
		assert_int_equal(job_step(j, &o, 100), JOB_MORE);
		cache_clear(c);
		for (int n = 0; n < 10 && job_step(j, &o, 100) == JOB_MORE; n++)
			;
		assert_int_equal(job_rows(j), tops[i] ? 0 : 100);
		job_free(j);
		outbox_free(&o);
		cache_free(c);
		text_free(&t);
	}
}

/* A key of fixture_variable put together by hand. */
static size_t
variable_record(uint8_t *p, uint32_t as, const char *path, const char *label)
{
	uint16_t n = (uint16_t)strlen(path), m = (uint16_t)strlen(label), total;
	uint64_t counters[2] = {1, 10};
	memset(p, 0, 256);
	memcpy(p + 2, &as, 4);
	memcpy(p + 7, &n, 2);
	memcpy(p + 9, path, n);
	memcpy(p + 9 + n, &m, 2);
	memcpy(p + 11 + n, label, m);
	total = (uint16_t)((11 + n + m + 7) / 8 * 8);
	memcpy(p, &total, 2);
	memcpy(p + total, counters, sizeof(counters));
	return total;
}

static void
test_variable(void **st)
{
	static const uint16_t columns[] = {0, 1, 2}, label_only[] = {0};
	struct text t = {0};
	struct memory_request r;
	char err[200];
	uint8_t rec[256];
	uint32_t as = 65001;
	(void)st;
	fixture_request(&t, 0, 0, 1, 3, columns);
	fixture_value(&t, "blue", 4);
	fixture_value(&t, &as, 4);
	fixture_value(&t, "abcdefgh", 8);
	struct memory_header h = {.type = MEMORY_MATCH, .bytes = (uint32_t)t.len};
	assert_true(memory_request_decode(&r, &h, (uint8_t *)t.data, err, sizeof(err)));
	struct match *m = match_new(&variable, &r, err, sizeof(err));
	assert_non_null(m);
	assert_true(match_exact(m));
	size_t n = variable_record(rec, as, "abcdefgh", "blue");
	assert_memory_equal(match_key(m, 0, 0), rec, n);
	assert_true(match_any(m, rec));
	variable_record(rec, as, "abcdefg", "blue");
	assert_false(match_any(m, rec));
	match_free(m);
	t.len = 0;
	fixture_request(&t, 0, 0, 1, 1, label_only);
	fixture_value(&t, "blue", 4);
	h.bytes = (uint32_t)t.len;
	assert_true(memory_request_decode(&r, &h, (uint8_t *)t.data, err, sizeof(err)));
	m = match_new(&variable, &r, err, sizeof(err));
	assert_false(match_exact(m));
	assert_true(match_any(m, rec));
	variable_record(rec, as, "abcdefg", "blues");
	assert_false(match_any(m, rec));
	match_free(m);
	text_free(&t);
}

/* Values that cannot be, columns that are not there. */
static void
test_impossible(void **st)
{
	static const uint16_t same[] = {3, 3}, beyond[] = {5}, port[] = {3};
	const struct {
		const uint16_t *column;
		unsigned columns;
		uint16_t width;
	} bad[] = {{same, 2, 2}, {beyond, 1, 2}, {port, 1, 4}, {port, 1, 0}};
	(void)st;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		struct text t = {0};
		struct memory_request r;
		char err[200] = "";
		fixture_request(&t, 0, 0, 1, bad[i].columns, bad[i].column);
		for (unsigned k = 0; k < bad[i].columns; k++)
			fixture_value(&t, "abcd", bad[i].width);
		struct memory_header h = {.type = MEMORY_MATCH, .bytes = (uint32_t)t.len};
		assert_true(memory_request_decode(&r, &h, (uint8_t *)t.data, err, sizeof(err)));
		assert_null(match_new(&tuple, &r, err, sizeof(err)));
		assert_true(*err);
		text_free(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_header),     cmocka_unit_test(test_requests),
	    cmocka_unit_test(test_layouts),    cmocka_unit_test(test_dump),
	    cmocka_unit_test(test_top),	       cmocka_unit_test(test_match_and_count),
	    cmocka_unit_test(test_many),       cmocka_unit_test(test_exact),
	    cmocka_unit_test(test_variable),   cmocka_unit_test(test_erase_meanwhile),
	    cmocka_unit_test(test_impossible),
	};
	tuple = fixture_tuple();
	variable = fixture_variable();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
