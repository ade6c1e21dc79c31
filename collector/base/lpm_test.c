/* The trie against a search of the whole list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/base/lpm.h"

static struct lpm_entry
entry(const char *text, uint32_t value)
{
	struct lpm_entry e = {.value = value};
	assert_true(prefix_parse(&e.prefix, text));
	return e;
}

static uint32_t
find(const struct lpm *l, const char *text)
{
	struct addr a;
	assert_true(addr_parse(&a, text));
	return lpm_find(l, &a);
}

/* Nested prefixes of both families, borders of a prefix on either side, equal prefixes: answers by eye. */
static void
by_hand(void **state)
{
	(void)state;
	struct lpm_entry e[] = {entry("10.0.0.0/8", 1),	     entry("10.1.0.0/16", 2),
				entry("10.1.2.3/32", 3),     entry("192.0.2.0/25", 4),
				entry("2001:db8::/32", 5),   entry("2001:db8:1::/48", 6),
				entry("2001:db8::1/128", 7), entry("192.0.2.0/25", 8)};
	struct lpm *l = lpm_new(e, ARRAY_SIZE(e));
	assert_non_null(l);
	assert_int_equal(find(l, "10.255.0.1"), 1);
	assert_int_equal(find(l, "10.1.2.2"), 2);
	assert_int_equal(find(l, "10.1.2.3"), 3);
	assert_int_equal(find(l, "10.1.2.4"), 2);
	assert_int_equal(find(l, "9.255.255.255"), LPM_NONE);
	assert_int_equal(find(l, "192.0.2.127"), 8); /* the later of two equal ones */
	assert_int_equal(find(l, "192.0.2.128"), LPM_NONE);
	assert_int_equal(find(l, "2001:db8::2"), 5);
	assert_int_equal(find(l, "2001:db8:1:2::"), 6);
	assert_int_equal(find(l, "2001:db8::1"), 7);
	assert_int_equal(find(l, "2001:db9::1"), LPM_NONE);
	/* eight prefixes must not cost what a full table does */
	assert_true(lpm_bytes(l) < 16384);
	lpm_free(l);
}

/* Roots that are values and not nodes; one family's default is not the other's; "no address" is nowhere,
 * "::" is an address. */
static void
defaults(void **state)
{
	(void)state;
	struct addr none = {.q = {0, 0}}, any = addr_v6_any();
	struct lpm *l = lpm_new(NULL, 0);
	assert_int_equal(find(l, "10.0.0.1"), LPM_NONE);
	assert_int_equal(find(l, "2001:db8::1"), LPM_NONE);
	lpm_free(l);
	struct lpm_entry four[] = {entry("0.0.0.0/0", 1)};
	l = lpm_new(four, 1);
	assert_int_equal(find(l, "203.0.113.1"), 1);
	assert_int_equal(find(l, "2001:db8::1"), LPM_NONE);
	assert_int_equal(lpm_find(l, &none), LPM_NONE);
	lpm_free(l);
	struct lpm_entry both[] = {entry("::/0", 1), entry("0.0.0.0/0", 2), entry("128.0.0.0/1", 3),
				   entry("::/128", 4)};
	l = lpm_new(both, 4);
	assert_int_equal(find(l, "203.0.113.1"), 3);
	assert_int_equal(find(l, "1.1.1.1"), 2);
	assert_int_equal(find(l, "2001:db8::1"), 1);
	assert_int_equal(lpm_find(l, &any), 4);
	assert_int_equal(lpm_find(l, &none), LPM_NONE);
	lpm_free(l);
}

static uint64_t seed = 1;
/* xorshift64: the same lists in every run. */
static uint64_t
draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

/* Addresses from a small space, so that prefixes nest and addresses hit them. */
static struct addr
draw_addr(bool v4)
{
	uint8_t b[16] = {0x20, 0x01, 0x0d, (uint8_t)(draw() & 3)};
	for (int i = 4; i < 16; i++)
		b[i] = draw() % 3 ? 0 : (uint8_t)(draw() & 0x83);
	return v4 ? addr_from_v4(b + 4) : addr_from_v6(b);
}

/* The definition of longest match, over the whole list; of equal lengths the last. */
static uint32_t
slow_find(const struct lpm_entry *e, size_t n, const struct addr *a)
{
	uint32_t best = LPM_NONE;
	int len = -1;
	for (size_t i = 0; i < n; i++)
		if ((int)e[i].prefix.len >= len && prefix_contains(&e[i].prefix, a)) {
			best = e[i].value;
			len = e[i].prefix.len;
		}
	return best;
}

/* Small lists at every size, where nodes are narrow, then some up to 600, where they are wide. Half of the
 * addresses are drawn as prefixes are, the others differ in the last byte. */
static void
random_lists(void **state)
{
	(void)state;
	enum { N = 600 };
	static struct lpm_entry e[N];
	for (size_t n = 1; n <= N; n += n < 20 ? 1 : 97) {
		for (size_t i = 0; i < n; i++) {
			bool v4 = draw() & 1;
			e[i].prefix.len = (uint8_t)(draw() % (v4 ? 33 : 129));
			struct addr a = draw_addr(v4);
			e[i].prefix.addr = addr_mask(&a, e[i].prefix.len);
			e[i].value = (uint32_t)i;
		}
		struct lpm *l = lpm_new(e, n);
		assert_non_null(l);
		for (int k = 0; k < 2000; k++) {
			struct addr a = draw_addr(draw() & 1);
			if (k % 2)
				a.b[15] = (uint8_t)draw();
			assert_int_equal(lpm_find(l, &a), slow_find(e, n, &a));
		}
		lpm_free(l);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(by_hand),
	    cmocka_unit_test(defaults),
	    cmocka_unit_test(random_lists),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
