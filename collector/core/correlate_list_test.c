/* Lists cut by patterns, paths cut by hops. Expected values follow from the words of pmacct's CONFIG-KEYS
 * (bgp_stdcomm_pattern: substring matching, '.' is one character). */
#include "collector/core/correlate_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "collector/base/routetext.h"

static struct flow_bytes
bytes(const void *p, size_t n)
{
	return (struct flow_bytes){p, (uint32_t)n};
}

static int
scratch_open(void **state)
{
	static struct route_scratch s;
	*state = &s;
	return route_scratch_init(&s) ? 0 : -1;
}

static int
scratch_close(void **state)
{
	route_scratch_free(*state);
	return 0;
}

static struct comm_filter *
filter(enum comm_type type, const char *patterns)
{
	char err[160];
	struct comm_filter *f = comm_filter_new(type, patterns, err, sizeof(err));
	if (!f)
		fail_msg("%s", err);
	return f;
}

#define STD(high, low) ((uint32_t)(high) << 16 | (low))

static const uint32_t std[] = {STD(12345, 64), STD(12345, 640),	  STD(12345, 64123),
			       STD(64500, 1),  STD(64500, 64000), 0xffffff01};

/* What is left of the list above, twice: computed and remembered. */
static void
keeps(struct route_scratch *s, const char *patterns, const char *expected)
{
	struct comm_filter *f = filter(COMM_STD, patterns);
	for (int again = 0; again < 2; again++) {
		char text[ROUTETEXT_ROOM(sizeof(std))];
		struct flow_bytes kept = comm_filter_keep(f, bytes(std, sizeof(std)), s);
		*put_std_comms(text, kept.p, kept.len, ' ', false, false) = '\0';
		assert_string_equal(text, expected);
	}
	comm_filter_free(f);
}

static void
standard(void **state)
{
	keeps(*state, "12345:64", "12345:64 12345:640 12345:64123");
	keeps(*state, "12345:64...", "12345:64123");
	keeps(*state, "345:64", "12345:64 12345:640 12345:64123");
	keeps(*state, "64500:1 , .....:640", "12345:640 64500:1 64500:64000");
	keeps(*state, "no-export", "no-export");
	keeps(*state, "65535:65281", "no-export");
	keeps(*state, "7:", "");
	keeps(*state, ":", "12345:64 12345:640 12345:64123 64500:1 64500:64000 no-export");
	keeps(*state, "............", "");
}

/* A list that is kept whole is not copied. */
static void
whole(void **state)
{
	struct route_scratch *s = *state;
	struct comm_filter *f = filter(COMM_STD, "1");
	const uint32_t one = STD(1, 2);
	size_t before = s->used;
	assert_ptr_equal(comm_filter_keep(f, bytes(&one, 4), s).p, &one);
	assert_int_equal(s->used, before);
	assert_int_equal(comm_filter_keep(f, bytes(NULL, 0), s).len, 0);
	comm_filter_free(f);
}

static void
others(void **state)
{
	static const uint32_t large[] = {64500, 1, 2, 64501, 1, 3};
	static const uint8_t extended[] = {0, 2, 0xfb, 0xf4, 0, 0, 0, 9, 0, 3, 0xfb, 0xf4, 0, 0, 0, 9};
	struct comm_filter *f = filter(COMM_LRG, "64501:");
	struct flow_bytes kept = comm_filter_keep(f, bytes(large, sizeof(large)), *state);
	assert_int_equal(kept.len, 12);
	assert_memory_equal(kept.p, large + 3, 12);
	comm_filter_free(f);
	f = filter(COMM_EXT, "RT:64500:");
	kept = comm_filter_keep(f, bytes(extended, sizeof(extended)), *state);
	assert_int_equal(kept.len, 8);
	assert_memory_equal(kept.p, extended, 8);
	comm_filter_free(f);
}

/* More communities than a mask has bits, and more than a key can hold. */
static void
many(void **state)
{
	struct comm_filter *f = filter(COMM_STD, ":1");
	uint32_t list[1000];
	unsigned expected = 0;
	for (unsigned i = 0; i < 1000; i++)
		list[i] = STD(i, i % 3);
	for (unsigned i = 0; i < 200; i++)
		expected += i % 3 == 1;
	struct flow_bytes kept = comm_filter_keep(f, bytes(list, 200 * 4), *state);
	assert_int_equal(kept.len, expected * 4);
	for (unsigned i = 0; i < expected; i++) {
		uint32_t v;
		memcpy(&v, kept.p + 4 * i, 4);
		assert_int_equal(v, STD(3 * i + 1, 1));
	}
	kept = comm_filter_keep(f, bytes(list, sizeof(list)), *state);
	assert_int_equal(kept.len, 1024);
	comm_filter_free(f);
}

static void
as_numbers(void **state)
{
	(void)state;
	static const uint32_t large[] = {1, 2, 3, 64501, 7, 9};
	uint32_t first, second;
	struct comm_filter *f = filter(COMM_STD, "64500:64");
	assert_true(comm_filter_asns(f, bytes(std, sizeof(std)), &first, &second));
	assert_int_equal(first, 64500);
	assert_int_equal(second, 64000);
	assert_false(comm_filter_asns(f, bytes(std, 8), &first, &second));
	comm_filter_free(f);
	f = filter(COMM_LRG, "64501:");
	assert_true(comm_filter_asns(f, bytes(large, sizeof(large)), &first, &second));
	assert_int_equal(first, 64501);
	assert_int_equal(second, 7);
	comm_filter_free(f);
}

static void
faults(void **state)
{
	(void)state;
	char err[160];
	comm_filter_free(filter(COMM_STD, "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16"));
	assert_null(comm_filter_new(COMM_STD, "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", err, sizeof(err)));
	assert_non_null(strstr(err, "16 patterns"));
	assert_null(comm_filter_new(COMM_STD,
				    "1234567890123456789012345678901234567890123456789012345678901234567890",
				    err, sizeof(err)));
	assert_non_null(strstr(err, "too long"));
}

/* --- paths --- */

struct path {
	uint8_t p[128];
	size_t n;
};

static void
segment(struct path *path, uint8_t type, unsigned n, const uint32_t *asn)
{
	path->p[path->n] = type;
	path->p[path->n + 1] = (uint8_t)n;
	memcpy(path->p + path->n + 2, asn, 4 * (size_t)n);
	path->n += 2 + 4 * (size_t)n;
}

static void
cut(struct route_scratch *s, const struct path *path, unsigned hops, const char *expected)
{
	char text[ROUTETEXT_ROOM(128)];
	struct flow_bytes left = path_cut(bytes(path->p, path->n), hops, s);
	*put_as_path(text, left.p, left.len, ' ', false) = '\0';
	assert_string_equal(text, expected);
}

static void
hops(void **state)
{
	struct path path = {.n = 0};
	segment(&path, 3, 2, (const uint32_t[]){65101, 65102});
	segment(&path, 2, 3, (const uint32_t[]){64500, 64500, 64501});
	segment(&path, 1, 2, (const uint32_t[]){65001, 65002});
	segment(&path, 2, 1, (const uint32_t[]){64777});
	cut(*state, &path, 1, "(65101)");
	cut(*state, &path, 2, "(65101 65102)");
	cut(*state, &path, 4, "(65101 65102) 64500 64500");
	cut(*state, &path, 6, "(65101 65102) 64500 64500 64501 {65001,65002}");
	cut(*state, &path, 7, "(65101 65102) 64500 64500 64501 {65001,65002} 64777");
	cut(*state, &path, 99, "(65101 65102) 64500 64500 64501 {65001,65002} 64777");
	assert_ptr_equal(path_cut(bytes(path.p, path.n), 7, *state).p, path.p);
	assert_int_equal(path_cut(bytes(NULL, 0), 3, *state).len, 0);
}

static void
ends(void **state)
{
	(void)state;
	struct path a = {.n = 0}, b = {.n = 0}, c = {.n = 0};
	segment(&a, 3, 2, (const uint32_t[]){65101, 65102});
	assert_int_equal(path_first_external(bytes(a.p, a.n)), 65101);
	assert_int_equal(path_last(bytes(a.p, a.n)), 65102);
	segment(&a, 2, 2, (const uint32_t[]){64510, 64511});
	assert_int_equal(path_first_external(bytes(a.p, a.n)), 64510);
	assert_int_equal(path_last(bytes(a.p, a.n)), 64511);
	segment(&b, 1, 2, (const uint32_t[]){65001, 65002});
	assert_int_equal(path_first_external(bytes(b.p, b.n)), 0);
	assert_int_equal(path_last(bytes(b.p, b.n)), 65002);
	assert_int_equal(path_first_external(bytes(c.p, 0)), 0);
	assert_int_equal(path_last(bytes(c.p, 0)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(standard), cmocka_unit_test(whole),      cmocka_unit_test(others),
	    cmocka_unit_test(many),	cmocka_unit_test(as_numbers), cmocka_unit_test(faults),
	    cmocka_unit_test(hops),	cmocka_unit_test(ends),
	};
	return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
