/* The directory: who answers for an exporter. */
#include "bgp/peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct bgp_peer
make(const char *address, uint16_t port, uint32_t id, uint32_t slot, uint32_t stale)
{
	struct bgp_peer p = {.port = port, .id = id};
	assert_true(addr_parse(&p.address, address));
	p.slot = slot;
	p.stale = stale;
	return p;
}

static struct addr
at(const char *text)
{
	struct addr a;
	assert_true(addr_parse(&a, text));
	return a;
}

static const struct bgp_peer *
ask(const struct bgp_directory *d, const char *exporter)
{
	struct addr a = at(exporter);
	return bgp_directory_find(d, &a);
}

static void
test_address_before_identifier(void **state)
{
	(void)state;
	/* the second's identifier is the first's address: 192.0.2.1 */
	struct bgp_peer a = make("192.0.2.1", 1000, 0x0a000001, 1, RIB_NO_SLOT);
	struct bgp_peer b = make("2001:db8::2", 1001, 0xc0000201, 2, RIB_NO_SLOT);
	struct bgp_peer *list[] = {&b, &a};
	struct bgp_directory *d = bgp_directory_new(list, 2, true);
	assert_ptr_equal(ask(d, "192.0.2.1"), &a);
	assert_ptr_equal(ask(d, "10.0.0.1"), &a);
	assert_ptr_equal(ask(d, "2001:db8::2"), &b);
	assert_null(ask(d, "192.0.2.2"));
	assert_null(ask(d, "2001:db8::3"));
	bgp_directory_free(d);

	d = bgp_directory_new(list, 1, true);
	assert_ptr_equal(ask(d, "192.0.2.1"), &b); /* an IPv4 exporter of a router with an IPv6 session */
	struct addr address = at("192.0.2.1");
	assert_null(bgp_directory_by_address(d, &address, 0));
	bgp_directory_free(d);

	d = bgp_directory_new(list, 2, false); /* bgp_disable_router_id_check */
	assert_null(ask(d, "10.0.0.1"));
	bgp_directory_free(d);
}

static void
test_ports_and_sessions(void **state)
{
	(void)state;
	struct bgp_peer gone = make("192.0.2.1", 1, 1, RIB_NO_SLOT, RIB_NO_SLOT);
	struct bgp_peer stale = make("192.0.2.1", 2, 2, RIB_NO_SLOT, 7);
	struct bgp_peer up = make("192.0.2.1", 3, 3, 8, RIB_NO_SLOT);
	struct bgp_peer *list[] = {&gone, &stale, &up};
	struct bgp_directory *d = bgp_directory_new(list, 3, true);
	struct addr address = at("192.0.2.1");
	assert_int_equal(bgp_directory_count(d), 3);
	assert_ptr_equal(bgp_directory_at(d, 0), &gone);
	assert_ptr_equal(ask(d, "192.0.2.1"), &up);
	assert_ptr_equal(bgp_directory_by_address(d, &address, 2), &stale);
	assert_null(bgp_directory_by_address(d, &address, 1));
	bgp_directory_free(d);
	d = bgp_directory_new(list, 2, true);
	assert_ptr_equal(ask(d, "192.0.2.1"), &stale);
	bgp_directory_free(d);
}

static void
test_empty(void **state)
{
	(void)state;
	struct bgp_directory *d = bgp_directory_new(NULL, 0, true);
	assert_int_equal(bgp_directory_count(d), 0);
	assert_null(ask(d, "192.0.2.1"));
	bgp_directory_free(d);
	assert_int_equal(bgp_directory_count(NULL), 0);
	assert_null(ask(NULL, "192.0.2.1"));
}

/* As many as sessions are promised. */
static void
test_many(void **state)
{
	(void)state;
	enum { N = 3000 };
	struct bgp_peer *peers = calloc(N, sizeof(*peers));
	struct bgp_peer **list = calloc(N, sizeof(*list));
	assert_true(peers && list);
	for (unsigned i = 0; i < N; i++) {
		uint32_t v4 = __builtin_bswap32(0x0a000000 + i);
		peers[i] = make("192.0.2.1", 179, 0x0b000000 + i, i, RIB_NO_SLOT);
		peers[i].address = addr_from_v4(&v4);
		list[i] = &peers[i];
	}
	struct bgp_directory *d = bgp_directory_new(list, N, true);
	for (unsigned i = 0; i < N; i++) {
		uint32_t id = __builtin_bswap32(0x0b000000 + i);
		struct addr by_id = addr_from_v4(&id);
		assert_ptr_equal(bgp_directory_find(d, &peers[i].address), &peers[i]);
		assert_ptr_equal(bgp_directory_find(d, &by_id), &peers[i]);
	}
	bgp_directory_free(d);
	free(list);
	free(peers);
}

static void
test_names(void **state)
{
	(void)state;
	assert_string_equal(bgp_state_name(BGP_IDLE), "idle");
	assert_string_equal(bgp_state_name(BGP_ESTABLISHED), "established");
	for (unsigned i = 0; i < BGP_PEER_COUNTERS; i++)
		assert_true(bgp_peer_counter_desc[i].name && bgp_peer_counter_desc[i].help);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_address_before_identifier),
	    cmocka_unit_test(test_ports_and_sessions),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
