/* Answers of the looking glass and of the control socket, against a RIB of known routes. Replies are those
 * that pmacct 1.7.7 was seen to give for the same questions. */
#include "bgp/answer.h"

#include "bgp/lgquery.h"
#include "bgp/ribbed.h"

static void
announce(struct ribbed *r, struct bgp_peer *p, enum bgp_family f, const char *prefix, uint32_t path_id,
	 const char *rd, uint32_t med)
{
	struct bgp_nlri n = ribbed_nlri(prefix, path_id, rd);
	struct bgp_attrs a = {.present = BGP_HAS_ORIGIN | BGP_HAS_MED, .med = med};
	if (f != BGP_IPV4_UNICAST && f != BGP_IPV6_UNICAST) {
		a.present |= BGP_HAS_LABEL;
		a.label = 800;
	}
	ribbed_announce(r, p, f, &n, &a);
}

static void
fill(struct ribbed *r)
{
	ribbed_begin(r);
	struct bgp_peer *a = ribbed_peer(r, "127.0.0.5", 45839, 0x0a000009);
	struct bgp_peer *b = ribbed_peer(r, "2001:db8::5", 179, 0x0a00000a);
	b->add_path = 1u << BGP_IPV4_UNICAST;
	announce(r, a, BGP_IPV4_UNICAST, "10.0.0.0/8", 0, NULL, 1);
	announce(r, a, BGP_IPV4_UNICAST, "10.1.0.0/16", 0, NULL, 2);
	announce(r, a, BGP_IPV4_LABELED, "10.1.2.0/24", 0, NULL, 3);
	announce(r, a, BGP_IPV4_LABELED, "10.0.0.0/8", 0, NULL, 4);
	announce(r, a, BGP_IPV4_VPN, "10.4.0.0/24", 0, "0:65000:1", 5);
	announce(r, a, BGP_IPV6_UNICAST, "2001:db8:1::/48", 0, NULL, 6);
	announce(r, b, BGP_IPV4_UNICAST, "10.1.0.0/16", 1, NULL, 7);
	announce(r, b, BGP_IPV4_UNICAST, "10.1.0.0/16", 2, NULL, 8);
}

/* The MED of the first answer stands for the route; 0: none. n: how many. */
static uint32_t
ask(struct ribbed *r, unsigned peer, const char *prefix, bool exact, const char *rd, unsigned *n)
{
	struct bgp_question q = {.exact = exact, .has_rd = rd != NULL};
	struct rib_route out[BGP_ANSWER_PATHS];
	struct bgp_attrs a;
	assert_true(prefix_parse(&q.prefix, prefix) && (!rd || rd_parse(&q.rd, rd)));
	readers_begin();
	*n = bgp_answer(&r->sources, &q, r->peer[peer], out);
	if (*n)
		bgp_store_attrs(r->store, out[0].set, &a);
	readers_end();
	return *n ? a.med : 0;
}

static void
best_match(void **state)
{
	(void)state;
	static const struct {
		const char *prefix, *rd;
		bool exact;
		uint32_t med;
	} cases[] = {
	    {"10.1.9.9", NULL, false, 2},	   {"10.9.9.9", NULL, false, 1},
	    {"10.1.2.3", NULL, false, 3},	   {"11.0.0.1", NULL, false, 0},
	    {"10.1.2.0/25", NULL, false, 3},	   {"10.1.0.0/16", NULL, false, 2},
	    {"10.0.0.0/8", NULL, false, 1}, /* not the longer ones in it; unicast before labeled */
	    {"10.0.0.0/7", NULL, false, 0},	   {"10.1.0.0/17", NULL, true, 0},
	    {"10.1.0.0/16", NULL, true, 2},	   {"10.1.2.0/24", NULL, true, 3},
	    {"10.4.0.1", "0:65000:1", false, 5},   {"10.4.0.1", "0:65000:2", false, 0},
	    {"10.4.0.0/24", "0:65000:1", true, 5}, {"2001:db8:1::1", NULL, false, 6},
	    {"2001:db8:2::1", NULL, false, 0},
	};
	struct ribbed r;
	unsigned n;
	fill(&r);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		if (ask(&r, 0, cases[i].prefix, cases[i].exact, cases[i].rd, &n) != cases[i].med)
			fail_msg("%s: not med %u", cases[i].prefix, cases[i].med);
	ask(&r, 1, "10.1.2.3", false, NULL, &n);
	assert_int_equal(n, 2);
	ribbed_end(&r);
}

/* What the session has not announced again is answered from the stale slot. */
static void
stale(void **state)
{
	(void)state;
	struct ribbed r;
	unsigned n;
	fill(&r);
	r.peer[0]->stale = r.peer[0]->slot;
	r.peer[0]->slot = rib_slot_open(r.rib);
	announce(&r, r.peer[0], BGP_IPV4_UNICAST, "10.1.0.0/16", 0, NULL, 20);
	assert_int_equal(ask(&r, 0, "10.1.9.9", false, NULL, &n), 20);
	assert_int_equal(ask(&r, 0, "10.9.9.9", false, NULL, &n), 1);
	assert_int_equal(ask(&r, 0, "10.1.0.0/16", true, NULL, &n), 20);
	ribbed_end(&r);
}

/* --- the looking glass --- */

static const char *
lg(struct ribbed *r, const char *head, const char *question)
{
	static struct bgp_lg_reply reply;
	static struct text joined;
	struct bgp_render render = {0};
	struct bgp_bytes part[2] = {{(const uint8_t *)head, (uint32_t)strlen(head)}};
	if (question)
		part[1] = (struct bgp_bytes){(const uint8_t *)question, (uint32_t)strlen(question)};
	bgp_lg_answer(&r->sources, &render, part, question ? 2 : 1, &reply);
	joined.len = 0;
	size_t at = 0;
	for (unsigned i = 0; i < reply.parts; i++) {
		text_add(&joined, reply.text.data + at, reply.end[i] - at);
		text_char(&joined, '\n');
		at = reply.end[i];
	}
	assert_int_equal(at, reply.text.len);
	bgp_lg_reply_free(&reply);
	return text_cstr(&joined);
}

#define LOOKUP		  "{\"query_type\":1,\"queries\":1}"
#define UNSUPPORTED	  "{\"results\": 0, \"query_type\": 0, \"text\": \"unsupported query_type\"}\n"
#define LOOKUP_SAYS(text) "{\"results\": 0, \"query_type\": 1, \"text\": \"" text "\"}\n"

static void
looking_glass(void **state)
{
	(void)state;
	struct ribbed r;
	fill(&r);
	assert_string_equal(
	    lg(&r, "{\"query_type\":2,\"queries\":1}", NULL),
	    "{\"results\": 2, \"query_type\": 2}\n"
	    "{\"peer_ip_src\": \"127.0.0.5\", \"peer_id\": \"10.0.0.9\", \"peer_tcp_port\": 45839, "
	    "\"peer_as\": 65001}\n"
	    "{\"peer_ip_src\": \"2001:db8::5\", \"peer_id\": \"10.0.0.10\", \"peer_tcp_port\": 179, "
	    "\"peer_as\": 65001}\n");
	assert_string_equal(
	    lg(&r, LOOKUP, "{\"ip_prefix\":\"10.1.9.9\",\"peer_ip_src\":\"127.0.0.5\"}"),
	    "{\"results\": 1, \"query_type\": 1}\n"
	    "{\"peer_ip_src\": \"127.0.0.5\", \"peer_tcp_port\": 45839, \"event_type\": \"lglass\", "
	    "\"afi\": 1, \"safi\": 1, \"ip_prefix\": \"10.1.0.0/16\", \"origin\": \"i\", \"med\": 2}\n");
	assert_non_null(
	    strstr(lg(&r, LOOKUP, "{\"ip_prefix\":\"10.1.0.0/16\",\"peer_ip_src\":\"2001:db8::5\"}"),
		   "{\"results\": 2, \"query_type\": 1}\n"));
	assert_non_null(
	    strstr(lg(&r, LOOKUP,
		      "{\"ip_prefix\":\"10.4.0.1\",\"rd\":\"0:65000:1\",\"peer_ip_src\":\"127.0.0.5\","
		      "\"peer_tcp_port\":45839}"),
		   "\"rd\": \"0:65000:1\", \"rd_origin\": \"bgp\", \"mpls_label\": \"800\"}\n"));
	ribbed_end(&r);
}

static void
looking_glass_faults(void **state)
{
	(void)state;
	static const struct {
		const char *head, *question, *reply;
	} cases[] = {
	    {LOOKUP, "{\"ip_prefix\":\"11.1.0.1\",\"peer_ip_src\":\"127.0.0.5\"}",
	     LOOKUP_SAYS("prefix not found")},
	    {LOOKUP, "{\"ip_prefix\":\"10.1.0.1\",\"peer_ip_src\":\"127.0.0.6\"}",
	     LOOKUP_SAYS("peer not found")},
	    {LOOKUP, "{\"ip_prefix\":\"10.1.0.1\",\"peer_ip_src\":\"127.0.0.5\",\"peer_tcp_port\":1}",
	     LOOKUP_SAYS("peer not found")},
	    {LOOKUP, "{\"ip_prefix\":\"10.1.0.1\"}", LOOKUP_SAYS("lookup error")},
	    {LOOKUP, "{\"ip_prefix\":\"10.1.0\",\"peer_ip_src\":\"127.0.0.5\"}", LOOKUP_SAYS("lookup error")},
	    {LOOKUP, "{\"ip_prefix\":\"10.1.0.0\",\"peer_ip_src\":\"127.0.0.5\",\"rd\":7}",
	     LOOKUP_SAYS("lookup error")},
	    {LOOKUP, "{\"ip_prefix\":\"10.1.0.0\",\"peer_ip_src\":\"127.0.0.5\",\"peer_tcp_port\":65536}",
	     LOOKUP_SAYS("lookup error")},
	    {LOOKUP, "[]", LOOKUP_SAYS("lookup error")},
	    {LOOKUP, "", LOOKUP_SAYS("lookup error")},
	    {LOOKUP, NULL, UNSUPPORTED},
	    {"{\"query_type\":1,\"queries\":2}", "{}", UNSUPPORTED},
	    {"{\"query_type\":3,\"queries\":1}", NULL, UNSUPPORTED},
	    {"{\"query_type\":\"1\",\"queries\":1}", "{}", UNSUPPORTED},
	    {"not json", NULL, UNSUPPORTED},
	    {"", NULL, UNSUPPORTED},
	    {"[1]", NULL, UNSUPPORTED},
	};
	struct ribbed r;
	fill(&r);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(lg(&r, cases[i].head, cases[i].question), cases[i].reply);
	ribbed_end(&r);
}

/* --- the control socket --- */

static const char *
query(struct ribbed *r, const char *line, bool json)
{
	static struct text out;
	out.len = 0;
	bgp_query(&r->sources, line, json, &out);
	return text_cstr(&out);
}

static unsigned
lines_in(const char *text)
{
	unsigned n = 0;
	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void
words(void **state)
{
	(void)state;
	struct ribbed r;
	fill(&r);
	assert_string_equal(
	    query(&r, "lookup 10.1.9.9 peer 127.0.0.5", true),
	    "{\"peer_ip_src\": \"127.0.0.5\", \"peer_tcp_port\": 45839, \"peer_id\": \"10.0.0.9\", "
	    "\"event_type\": \"lglass\", \"afi\": 1, \"safi\": 1, \"ip_prefix\": \"10.1.0.0/16\", "
	    "\"origin\": \"i\", \"med\": 2}\n");
	assert_int_equal(lines_in(query(&r, "lookup 10.1.9.9", true)), 3);
	assert_int_equal(lines_in(query(&r, "  prefix\t10.1.0.0/16   peer 2001:db8::5 ", true)), 2);
	/* for people: a line of heads, and a row each */
	const char *table = query(&r, "lookup 10.1.9.9", false);
	assert_int_equal(lines_in(table), 4);
	assert_non_null(strstr(table, "10.1.0.0/16"));
	assert_non_null(strstr(table, " path 2\n"));
	assert_non_null(strstr(query(&r, "lookup 10.4.0.1 rd 65000:1", false), " rd 0:65000:1 label 800\n"));
	assert_string_equal(query(&r, "lookup 11.0.0.1", false), "  no route\n");
	assert_string_equal(query(&r, "lookup 11.0.0.1", true), "");
	assert_int_equal(lines_in(query(&r, "peers", true)), 2);
	assert_non_null(strstr(query(&r, "peers", false), "2001:db8::5"));
	assert_non_null(strstr(query(&r, "summary", true), "\"routes\": 8"));
	assert_int_equal(lines_in(query(&r, "summary", true)), 1);
	ribbed_end(&r);
}

static void
wrong_words(void **state)
{
	(void)state;
	static const char *const lines[] = {
	    "",
	    "   ",
	    "peer",
	    "peers all",
	    "summary x",
	    "lookup",
	    "lookup x",
	    "lookup 10.0.0.0/8",
	    "prefix",
	    "prefix 10.0.0.0/33",
	    "lookup 10.0.0.1 peer",
	    "lookup 10.0.0.1 peer x",
	    "lookup 10.0.0.1 rd 1",
	    "lookup 10.0.0.1 of 10.0.0.2",
	    "lookup 10.0.0.1 peer 192.0.2.99",
	    "lookup \x01\"\\",
	    "lookup 10.0.0.1 peer 10.0.0.1 peer 10.0.0.1 peer 10.0.0.1 peer 10.0.0.1",
	    "lookup xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	};
	struct ribbed r;
	fill(&r);
	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
		const char *answer = query(&r, lines[i], i % 2);
		if (strncmp(answer, "error: ", 7) != 0 || lines_in(answer) != 1)
			fail_msg("'%s' is answered: %s", lines[i], answer);
	}
	ribbed_end(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(best_match),	    cmocka_unit_test(stale), cmocka_unit_test(looking_glass),
	    cmocka_unit_test(looking_glass_faults), cmocka_unit_test(words), cmocka_unit_test(wrong_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
