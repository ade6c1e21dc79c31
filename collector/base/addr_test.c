/* Addresses: text forms against RFC 5952's own examples, masks, parsing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include "collector/base/addr.h"

/* There and back; the end returned is that of the text. */
static void
check_text(const char *in, const char *want)
{
	struct addr a;
	char out[ADDR_TEXT_MAX];
	assert_true(addr_parse(&a, in));
	char *end = addr_format(out, &a);
	assert_string_equal(out, want);
	assert_int_equal(end - out, strlen(want));
}

/* The examples of RFC 5952, sections 1, 4.1, 4.2 and 4.3, and the shortest and longest of each kind. */
static void
formats_as_rfc5952_says(void **state)
{
	(void)state;
	check_text("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");
	check_text("2001:0db8::0001", "2001:db8::1");
	check_text("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1");
	check_text("2001:0:0:1:0:0:0:1", "2001:0:0:1::1");
	check_text("2001:DB8::ABCD", "2001:db8::abcd");
	check_text("fe80::", "fe80::");
	check_text("::1", "::1");
	check_text("::", "::");
	check_text("192.0.2.255", "192.0.2.255");
	check_text("0.0.0.0", "0.0.0.0");
	struct addr none = {.q = {0, 0}};
	char out[ADDR_TEXT_MAX];
	addr_format(out, &none);
	assert_string_equal(out, "");
}

/* The C library is the other opinion, over many patterns of zero groups. */
static void
formats_as_libc_does(void **state)
{
	(void)state;
	for (unsigned pattern = 1; pattern < 256; pattern++) {
		uint8_t raw[16] = {0};
		char want[INET6_ADDRSTRLEN], got[ADDR_TEXT_MAX];
		for (unsigned g = 0; g < 8; g++)
			if (pattern & 1u << g)
				raw[2 * g] = 0x10, raw[2 * g + 1] = (uint8_t)(pattern + g);
		inet_ntop(AF_INET6, raw, want, sizeof(want));
		if (strchr(want, '.'))
			continue; /* libc shows ::/96 the IPv4-compatible way, which RFC 4291 deprecates */
		struct addr a = addr_from_v6(raw);
		addr_format(got, &a);
		assert_string_equal(got, want);
	}
}

/* Every octet in every place. */
static void
octets(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1024; i++) {
		uint8_t raw[4] = {192, 0, 2, 33};
		char want[INET_ADDRSTRLEN], got[ADDR_TEXT_MAX];
		raw[i / 256] = (uint8_t)i;
		inet_ntop(AF_INET, raw, want, sizeof(want));
		struct addr a = addr_from_v4(raw);
		char *end = addr_format(got, &a);
		assert_string_equal(got, want);
		assert_ptr_equal(end, got + strlen(want));
	}
}

/* Lengths within a byte, on its border and at both ends, worked out by hand; then lengths and texts that
 * are none. */
static void
masks(void **state)
{
	(void)state;
	struct prefix p;
	char out[PREFIX_TEXT_MAX];
	static const char *const cases[][2] = {
	    {"192.0.2.129/25", "192.0.2.128/25"},
	    {"10.1.2.3/0", "0.0.0.0/0"},
	    {"2001:db8:ffff::/33", "2001:db8:8000::/33"},
	    {"2001:db8::1/0", "::/0"},
	    {"192.0.2.1", "192.0.2.1/32"},
	    {"::1", "::1/128"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(prefix_parse(&p, cases[i][0]));
		prefix_format(out, &p);
		assert_string_equal(out, cases[i][1]);
	}
	assert_false(prefix_parse(&p, "192.0.2.0/33"));
	assert_false(prefix_parse(&p, "192.0.2.0/"));
	assert_false(prefix_parse(&p, "2001:db8::/129"));
	assert_false(prefix_parse(&p, "192.0.2/24"));
	assert_false(prefix_parse(&p, "192.0.2.0/2x"));
}

/* The default route of one family holds no address of the other. */
static void
containment(void **state)
{
	(void)state;
	struct prefix p;
	struct addr a;
	assert_true(prefix_parse(&p, "0.0.0.0/0"));
	assert_true(addr_parse(&a, "203.0.113.9"));
	assert_true(prefix_contains(&p, &a));
	assert_true(addr_parse(&a, "2001:db8::1"));
	assert_false(prefix_contains(&p, &a));
	assert_true(prefix_parse(&p, "2001:db8::/32"));
	assert_true(prefix_contains(&p, &a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(formats_as_rfc5952_says),
	    cmocka_unit_test(formats_as_libc_does),
	    cmocka_unit_test(octets),
	    cmocka_unit_test(masks),
	    cmocka_unit_test(containment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
