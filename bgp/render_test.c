/* Lines as pmacct 1.7.7 was seen to write them for the same announcements, with the keys that its current
 * release adds (mpls_label in the place of label, psid_li, otc) where its documents put them. */
#include "bgp/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define TIME_US 1677577599000123ULL /* 2023-02-28 09:46:39.000123 UTC */

static struct bgp_line
line_of(const char *event, const char *type)
{
	struct bgp_line l = {
	    .event_type = event, .log_type = type, .has_seq = true, .seq = 7, .time_us = TIME_US};
	assert_true(addr_parse(&l.who.address, "127.0.0.5"));
	l.who.port = 42311;
	l.who.id = 0x0a000009;
	return l;
}

static void
check(struct text *out, const char *expected)
{
	assert_string_equal(text_cstr(out), expected);
	out->len = 0;
}

/* 65010 4200000000 */
static const uint32_t path_asns[] = {65010, 4200000000u};
static uint8_t path[10] = {2, 2};
static const uint32_t comms[] = {65001u << 16 | 100, 0xffffff01};
static const uint8_t ext[8] = {0, 2, 0xfd, 0xe8, 0, 0, 0, 1};
static const uint32_t lrg[] = {1, 2, 3};

static struct bgp_attrs
full_attrs(void)
{
	memcpy(path + 2, path_asns, sizeof(path_asns));
	struct bgp_attrs a = {
	    .present = BGP_HAS_ORIGIN | BGP_HAS_AS_PATH | BGP_HAS_NEXT_HOP | BGP_HAS_MED | BGP_HAS_LOCAL_PREF,
	    .origin = 1,
	    .med = 7,
	    .local_pref = 300,
	    .as_path = {path, sizeof(path)},
	    .std = {(const uint8_t *)comms, sizeof(comms)},
	    .ext = {ext, sizeof(ext)},
	    .lrg = {(const uint8_t *)lrg, sizeof(lrg)},
	};
	assert_true(addr_parse(&a.next_hop, "192.0.2.1"));
	return a;
}

static void
route_with_everything(void **state)
{
	(void)state;
	struct bgp_render r = {.times.o.utc = true};
	struct bgp_line l = line_of("log", "update");
	struct bgp_attrs a = full_attrs();
	struct bgp_nlri n = {.path_id = 0, .label = BGP_NO_LABEL};
	struct bgp_shown s = {.family = BGP_IPV4_UNICAST, .nlri = &n, .has_path_id = true, .attrs = &a};
	struct text out = {0};
	assert_true(prefix_parse(&n.prefix, "10.1.0.0/16"));
	bgp_render_route(&r, &l, &s, &out);
	check(
	    &out,
	    "{\"seq\": 7, \"log_type\": \"update\", \"timestamp\": \"2023-02-28 09:46:39.000123\", "
	    "\"peer_ip_src\": \"127.0.0.5\", \"peer_tcp_port\": 42311, \"event_type\": \"log\", \"afi\": 1, "
	    "\"safi\": 1, \"ip_prefix\": \"10.1.0.0/16\", \"as_path_id\": 0, \"bgp_nexthop\": \"192.0.2.1\", "
	    "\"as_path\": \"65010 4200000000\", \"comms\": \"65001:100 no-export\", \"ecomms\": "
	    "\"RT:65000:1\", \"lcomms\": \"1:2:3\", \"origin\": \"e\", \"local_pref\": 300, \"med\": 7}\n");
	r = (struct bgp_render){.times.o = {.utc = true, .rfc9557 = true, .client = true},
				.path_as_array = true,
				.comms_as_array = true,
				.comms_num = true,
				.origin_as_int = true,
				.with_id = true};
	struct bgp_tags tags = {.has_tag = true, .tag = 5, .label = "a\"b"};
	l.tags = &tags;
	bgp_render_route(&r, &l, &s, &out);
	check(&out,
	      "{\"seq\": 7, \"log_type\": \"update\", \"timestamp\": \"2023-02-28T09:46:39.000123Z\", "
	      "\"peer_ip_src\": \"127.0.0.5\", \"peer_tcp_port\": 42311, \"peer_id\": \"10.0.0.9\", \"tag\": "
	      "5, "
	      "\"label\": \"a\\\"b\", \"event_type\": \"log\", \"afi\": 1, \"safi\": 1, \"ip_prefix\": "
	      "\"10.1.0.0/16\", \"as_path_id\": 0, \"bgp_nexthop\": \"192.0.2.1\", \"as_path\": [\"65010\", "
	      "\"4200000000\"], \"comms\": [\"65001:100\", \"65535:65281\"], \"ecomms\": [\"RT:65000:1\"], "
	      "\"lcomms\": [\"1:2:3\"], \"origin\": 1, \"local_pref\": 300, \"med\": 7}\n");
	text_free(&out);
}

/* An empty path that was announced is "", and not absent. */
static void
route_of_a_vpn(void **state)
{
	(void)state;
	struct bgp_render r = {0};
	struct bgp_line l = line_of("lglass", NULL);
	struct bgp_attrs a = {.present = BGP_HAS_ORIGIN | BGP_HAS_AS_PATH | BGP_HAS_NEXT_HOP | BGP_HAS_LABEL |
					 BGP_HAS_AIGP | BGP_HAS_PREFIX_SID | BGP_HAS_OTC,
			      .origin = 2,
			      .label = 80037,
			      .aigp = 77,
			      .psid_label_index = 9,
			      .otc = 65001};
	struct bgp_nlri n = {.rd = 0x0000fde800000001};
	struct bgp_shown s = {.family = BGP_IPV6_VPN, .nlri = &n, .attrs = &a};
	struct text out = {0};
	l.has_seq = false;
	l.time_us = 0;
	assert_true(prefix_parse(&n.prefix, "2001:db8:1::/48"));
	assert_true(addr_parse(&a.next_hop, "2001:db8::1"));
	bgp_render_route(&r, &l, &s, &out);
	check(&out,
	      "{\"peer_ip_src\": \"127.0.0.5\", \"peer_tcp_port\": 42311, \"event_type\": \"lglass\", "
	      "\"afi\": 2, "
	      "\"safi\": 128, \"ip_prefix\": \"2001:db8:1::/48\", \"bgp_nexthop\": \"2001:db8::1\", "
	      "\"as_path\": "
	      "\"\", \"origin\": \"u\", \"aigp\": 77, \"psid_li\": 9, \"otc\": 65001, \"rd\": \"0:65000:1\", "
	      "\"rd_origin\": \"bgp\", \"mpls_label\": \"80037\"}\n");
	text_free(&out);
}

static void
sessions_and_ends(void **state)
{
	(void)state;
	struct bgp_render r = {.times.o = {.since_epoch = true}, .with_id = true};
	struct bgp_line l = line_of("log_init", NULL);
	struct bgp_shown s = {.family = BGP_IPV4_UNICAST};
	struct text out = {0};
	bgp_render_session(&r, &l, &out);
	check(&out, "{\"seq\": 7, \"timestamp\": \"1677577599.000123\", \"peer_ip_src\": \"127.0.0.5\", "
		    "\"peer_tcp_port\": 42311, \"event_type\": \"log_init\"}\n");
	r.with_id = false;
	l = line_of("log", "end-of-rib");
	bgp_render_route(&r, &l, &s, &out);
	check(
	    &out,
	    "{\"seq\": 7, \"log_type\": \"end-of-rib\", \"timestamp\": \"1677577599.000123\", "
	    "\"peer_ip_src\": \"127.0.0.5\", \"peer_tcp_port\": 42311, \"event_type\": \"log\", \"afi\": 1, "
	    "\"safi\": 1}\n");
	bgp_render_lost(&r, &l, 12, &out);
	check(&out, "{\"seq\": 7, \"timestamp\": \"1677577599.000123\", \"event_type\": \"log_lost\", "
		    "\"lost\": 12}\n");
	text_free(&out);
}

static void
dumps(void **state)
{
	(void)state;
	struct bgp_render r = {.times.o.utc = true};
	struct bgp_line l = line_of(NULL, NULL);
	struct text out = {0};
	l.whole = true;
	bgp_render_dump_init(&r, &l, 60, &out);
	check(&out,
	      "{\"timestamp\": \"2023-02-28 09:46:39\", \"peer_ip_src\": \"127.0.0.5\", \"peer_tcp_port\": "
	      "42311, \"event_type\": \"dump_init\", \"dump_period\": 60, \"seq\": 7}\n");
	bgp_render_dump_close(&r, &l, 6, 1, &out);
	check(&out,
	      "{\"timestamp\": \"2023-02-28 09:46:39\", \"peer_ip_src\": \"127.0.0.5\", \"peer_tcp_port\": "
	      "42311, \"event_type\": \"dump_close\", \"entries\": 6, \"tables\": 1, \"seq\": 7}\n");
	text_free(&out);
}

/* A family without table: what a session rendered earlier is put behind what names the route. */
static void
rendered_earlier(void **state)
{
	(void)state;
	struct bgp_render r = {.times.o.utc = true};
	struct bgp_line l = line_of("log", "withdraw");
	struct bgp_attrs a = {.present = BGP_HAS_ORIGIN};
	struct bgp_shown s = {.family = BGP_EVPN, .text = "[2]", .text_len = 3};
	struct text out = {0}, attrs = {0};
	bgp_render_attrs(&r, &a, &attrs);
	check(&attrs, ", \"origin\": \"i\"");
	bgp_render_attrs(&r, &a, &attrs);
	bgp_render_rendered(&r, &l, &s, attrs.data, attrs.len, &out);
	check(
	    &out,
	    "{\"seq\": 7, \"log_type\": \"withdraw\", \"timestamp\": \"2023-02-28 09:46:39.000123\", "
	    "\"peer_ip_src\": \"127.0.0.5\", \"peer_tcp_port\": 42311, \"event_type\": \"log\", \"afi\": 25, "
	    "\"safi\": 70, \"nlri\": \"[2]\", \"origin\": \"i\"}\n");
	text_free(&out);
	text_free(&attrs);
}

/* The longest attributes that a message can bring fit in the room that is reserved (the sanitizer looks). */
static void
longest(void **state)
{
	(void)state;
	struct bgp_render r = {.path_as_array = true, .comms_as_array = true};
	struct bgp_line l = line_of("log", "update");
	size_t n = 60000;
	uint8_t *one = malloc(n), *many = malloc(n);
	struct text out = {0};
	memset(many, 0xff, n);
	/* segments of one AS each, of every type */
	for (size_t i = 0; i + 6 <= n; i += 6)
		memcpy(one + i, (uint8_t[]){(uint8_t)(1 + i / 6 % 4), 1, 0xff, 0xff, 0xff, 0xff}, 6);
	for (unsigned i = 0; i < 4; i++) {
		struct bgp_attrs a = {.as_path = {one, i == 0 ? n : 0},
				      .std = {many, i == 1 ? n : 0},
				      .ext = {many, i == 2 ? n : 0},
				      .lrg = {many, i == 3 ? n : 0}};
		struct bgp_shown s = {.family = BGP_EVPN, .text = "\001\002", .text_len = 2, .attrs = &a};
		out.len = 0;
		bgp_render_route(&r, &l, &s, &out);
		assert_true(out.len > n / 2);
	}
	text_free(&out);
	free(one);
	free(many);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(route_with_everything), cmocka_unit_test(route_of_a_vpn),
	    cmocka_unit_test(sessions_and_ends),     cmocka_unit_test(dumps),
	    cmocka_unit_test(rendered_earlier),	     cmocka_unit_test(longest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
