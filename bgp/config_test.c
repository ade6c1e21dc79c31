/* The keys of sessions: defaults that depend on other keys, and values that contradict each other. */
#include "bgp/config.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool
read_text(struct bgp_config *c, const char *text, char *err, size_t errlen)
{
	struct text messages = {0};
	struct conf *conf = conf_load_text("f", text, strlen(text), NULL, &messages);
	if (!conf)
		fail_msg("%s", text_cstr(&messages));
	bool good = bgp_config_read(c, conf, err, errlen);
	text_free(&messages);
	conf_free(conf);
	return good;
}

static void
test_defaults(void **state)
{
	(void)state;
	struct bgp_config c;
	char err[256];
	assert_true(read_text(&c, "bgp_daemon: true\n", err, sizeof(err)));
	assert_true(addr_is_none(&c.address)); /* 0.0.0.0 means all, of both families */
	assert_int_equal(c.port, 179);
	assert_int_equal(c.id, 0x01020304);
	assert_int_equal(c.as, 0);
	assert_int_equal(c.max_peers, 10);
	assert_true(c.add_path);
	assert_true(c.id_check);
	assert_int_equal(c.max_prefixes, 0);
	assert_int_equal(c.stale_us, 600000000);
	assert_int_equal(c.hops, 0);
}

/* bgp_daemon_id, else bgp_daemon_ip, when it is an IPv4 address; else 1.2.3.4. */
static void
test_identifier(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint32_t id;
	} cases[] = {
	    {"bgp_daemon_id: 192.0.2.1\nbgp_daemon_ip: 192.0.2.2\n", 0xc0000201},
	    {"bgp_daemon_ip: 192.0.2.2\n", 0xc0000202},
	    {"bgp_daemon_id: 2001:db8::1\nbgp_daemon_ip: 192.0.2.2\n", 0xc0000202},
	    {"bgp_daemon_id: 0.0.0.0\n", 0x01020304},
	    {"bgp_daemon_ip: 2001:db8::1\n", 0x01020304},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bgp_config c;
		char err[256];
		assert_true(read_text(&c, cases[i].text, err, sizeof(err)));
		assert_int_equal(c.id, cases[i].id);
	}
}

static void
test_values(void **state)
{
	(void)state;
	struct bgp_config c;
	char err[256];
	assert_true(
	    read_text(&c,
		      "bgp_daemon_as: 4200000000\nbgp_daemon_batch: 5\nbgp_daemon_batch_interval: 1m\n"
		      "bgp_daemon_max_prefixes: 100\nbgp_daemon_max_prefixes_action: ignore\n"
		      "bgp_daemon_add_path_ignore: true\nbgp_disable_router_id_check: true\n"
		      "bgp_daemon_ttl_security: 1\nbgp_daemon_stale_time: 2h\n",
		      err, sizeof(err)));
	assert_int_equal(c.as, 4200000000u);
	assert_int_equal(c.batch, 5);
	assert_int_equal(c.batch_us, 60000000);
	assert_int_equal(c.max_prefixes, 100);
	assert_true(c.max_prefixes_ignore);
	assert_false(c.add_path);
	assert_false(c.id_check);
	assert_int_equal(c.hops, 1);
	assert_int_equal(c.stale_us, 7200000000ULL);
}

static void
test_refused(void **state)
{
	(void)state;
	struct bgp_config c;
	char err[256] = "";
	assert_false(read_text(&c, "bgp_daemon_as: 23456\n", err, sizeof(err)));
	assert_non_null(strstr(err, "bgp_daemon_as"));
	assert_false(
	    read_text(&c, "bgp_daemon_ip: 192.0.2.1\nbgp_daemon_ipv6_only: true\n", err, sizeof(err)));
	assert_non_null(strstr(err, "bgp_daemon_ipv6_only"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_identifier),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
