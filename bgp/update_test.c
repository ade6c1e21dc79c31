/* UPDATEs: attributes good and bad, against octets put together from the RFCs' figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bgp/nlri.h"

static struct bgp_scratch scratch;

/* The body is copied to memory of its own length, so that a read beyond it is seen; the copy stays until the
 * next one. */
static uint8_t *body;

static void
parse(struct bgp_update *u, const struct bgp_rules *r, const char *withdrawn, size_t wlen, const char *attrs,
      size_t alen, const char *nlri, size_t nlen)
{
	free(body);
	body = malloc(4 + wlen + alen + nlen);
	body[0] = (uint8_t)(wlen >> 8);
	body[1] = (uint8_t)wlen;
	memcpy(body + 2, withdrawn, wlen);
	body[2 + wlen] = (uint8_t)(alen >> 8);
	body[3 + wlen] = (uint8_t)alen;
	memcpy(body + 4 + wlen, attrs, alen);
	memcpy(body + 4 + wlen + alen, nlri, nlen);
	bgp_update_parse(u, body, 4 + wlen + alen + nlen, r, &scratch);
}
#define PARSE(u, r, w, a, n) parse(u, r, w, sizeof(w) - 1, a, sizeof(a) - 1, n, sizeof(n) - 1)

static const struct bgp_rules ibgp = {.as4 = true, .families = UINT32_MAX};

#define ORIGIN	 "\x40\1\1\0"
#define AS_PATH	 "\x40\2\6\2\1\0\0\xfd\xe9" /* 65001 */
#define NEXT_HOP "\x40\3\4\xc0\0\2\1"
#define NLRI	 "\x18\xcb\0\x71" /* 203.0.113.0/24 */

static void
assert_addr(const struct addr *a, const char *text)
{
	char buf[ADDR_TEXT_MAX];
	addr_format(buf, a);
	assert_string_equal(buf, text);
}

static void
plain(void **state)
{
	(void)state;
	struct bgp_update u;
	struct bgp_nlri n;
	enum bgp_fault fault = BGP_FAULT_NONE;
	char buf[PREFIX_TEXT_MAX];

	PARSE(&u, &ibgp, "\x08\x0a\x10\xac\x10",
	      ORIGIN AS_PATH NEXT_HOP "\x80\4\4\0\0\0\x64\x40\5\4\0\0\0\xc8", NLRI);
	assert_int_equal(u.outcome, BGP_OK);
	assert_int_equal(u.faults[0], BGP_FAULT_NONE);
	assert_int_equal(u.attrs.present, BGP_HAS_ORIGIN | BGP_HAS_AS_PATH | BGP_HAS_NEXT_HOP | BGP_HAS_MED |
					      BGP_HAS_LOCAL_PREF);
	assert_int_equal(u.attrs.med, 100);
	assert_int_equal(u.attrs.local_pref, 200);
	assert_addr(&u.attrs.next_hop, "192.0.2.1");
	static const uint8_t path[] = {2, 1, 0xe9, 0xfd, 0, 0};
	assert_int_equal(u.attrs.as_path.len, sizeof(path));
	assert_memory_equal(u.attrs.as_path.p, path, sizeof(path));
	assert_false(u.end_of_rib);
	assert_true(bgp_nlri_next(&u.withdrawn, BGP_IPV4_UNICAST, false, true, &n, &fault));
	prefix_format(buf, &n.prefix);
	assert_string_equal(buf, "10.0.0.0/8");
	assert_true(bgp_nlri_next(&u.withdrawn, BGP_IPV4_UNICAST, false, true, &n, &fault));
	prefix_format(buf, &n.prefix);
	assert_string_equal(buf, "172.16.0.0/16");
	assert_false(bgp_nlri_next(&u.withdrawn, BGP_IPV4_UNICAST, false, true, &n, &fault));
	assert_int_equal(bgp_nlri_batch(&u.announced, BGP_IPV4_UNICAST, false, &n, 1, &fault), 1);
	prefix_format(buf, &n.prefix);
	assert_string_equal(buf, "203.0.113.0/24");
	assert_int_equal(fault, BGP_FAULT_NONE);
}

static void
ipv6(void **state)
{
	(void)state;
	struct bgp_update u;
	PARSE(&u, &ibgp, "",
	      ORIGIN AS_PATH
	      "\x80\x0e\x1a\0\2\1\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\x20\x20\1\x0d\xb8",
	      "");
	assert_int_equal(u.outcome, BGP_OK);
	assert_int_equal(u.reach, BGP_IPV6_UNICAST);
	assert_addr(&u.attrs.next_hop, "2001:db8::1");
	assert_int_equal(wire_left(&u.mp_announced), 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain),
	    cmocka_unit_test(ipv6),
	};
	if (!bgp_scratch_init(&scratch))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	bgp_scratch_free(&scratch);
	free(body);
	return failed;
}
