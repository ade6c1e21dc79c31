/* Correlation: flows made by hand against tables filled by hand. What is expected follows from the keys'
 * words in pmacct's CONFIG-KEYS and from what pmacct 1.7.7 was seen to answer. */
#include "collector/core/correlate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bgp/bgp.h"
#include "collector/base/counters.h"
#include "collector/base/routetext.h"
#include "collector/core/instance.h"
#include "collector/flow/value.h"

#define PEERS 4

#define EVERYTHING                                                                                           \
	"src_as, dst_as, peer_src_as, peer_dst_as, peer_dst_ip, src_net, dst_net, src_mask, dst_mask, "      \
	"as_path, "                                                                                          \
	"std_comm, ext_comm, lrg_comm, local_pref, med, src_as_path, src_std_comm, src_ext_comm, "           \
	"src_lrg_comm, "                                                                                     \
	"src_local_pref, src_med, mpls_vpn_rd, mpls_label_bottom"
#define FROM_BGP "nfacctd_as: bgp\nnfacctd_net: bgp\n"

struct rig {
	struct conf *conf;
	struct instances all;
	struct flow_needs needs;
	struct correlate *correlate;
	struct bgp_store *store;
	struct rib *rib;
	struct bgp_peer peer[PEERS]; /* sessions of 192.0.2.1 and so on, identifiers 10.0.0.1 and so on */
	struct bgp_directory *directory;
	struct bgp_sources sources;
	struct flow_batch batch;
};

static struct addr
address(const char *text)
{
	struct addr a;
	if (!addr_parse(&a, text))
		fail_msg("%s", text);
	return a;
}

static void
publish(struct rig *r)
{
	struct bgp_peer *list[PEERS];
	bgp_directory_free(r->directory);
	for (unsigned i = 0; i < PEERS; i++)
		list[i] = &r->peer[i];
	r->directory = bgp_directory_new(list, PEERS, true);
	assert_non_null(r->directory);
}

static void
tables_open(struct rig *r)
{
	r->store = bgp_store_new();
	r->rib = rib_new(r->store);
	assert_true(r->store && r->rib);
	for (unsigned i = 0; i < PEERS; i++) {
		char text[ADDR_TEXT_MAX];
		snprintf(text, sizeof(text), "192.0.2.%u", i + 1);
		r->peer[i].address = address(text);
		r->peer[i].id = 10u << 24 | (i + 1);
		r->peer[i].as = 64496 + i;
		atomic_init(&r->peer[i].slot, rib_slot_open(r->rib));
		atomic_init(&r->peer[i].stale, RIB_NO_SLOT);
	}
	publish(r);
	r->sources =
	    (struct bgp_sources){r->rib, r->store, (const struct bgp_directory *const *)&r->directory};
}

/* A program with the plugins of `lines`, and empty tables. */
static void
rig_open(struct rig *r, const char *lines)
{
	struct text text = {0}, messages = {0};
	char err[256] = "";
	memset(r, 0, sizeof(*r));
	text_printf(&text, "nfacctd_port: 2100\nbgp_daemon: true\n%s", lines);
	r->conf = conf_load_text("f", text.data, text.len, NULL, &messages);
	if (!r->conf ||
	    !instances_prepare(&r->all, r->conf, 1, SUPPLY_FLOW | SUPPLY_BGP, false, &r->needs, &messages))
		fail_msg("%s", text_cstr(&messages));
	tables_open(r);
	assert_true(flow_batch_init(&r->batch, &r->needs));
	r->correlate = correlate_new(r->conf, &r->all.wants, &r->sources, NULL, err, sizeof(err));
	if (!r->correlate)
		fail_msg("%s", err);
	text_free(&text);
	text_free(&messages);
}

/* One memory plugin with that aggregate. */
static void
rig_with(struct rig *r, const char *aggregate, const char *keys)
{
	struct text text = {0};
	text_printf(&text, "plugins: memory[m]\naggregate[m]: %s\n%s", aggregate, keys);
	rig_open(r, text_cstr(&text));
	text_free(&text);
}

static void
rig_close(struct rig *r)
{
	correlate_free(r->correlate);
	flow_batch_free(&r->batch);
	rib_free(r->rib);
	bgp_store_free(r->store);
	bgp_directory_free(r->directory);
	instances_free(&r->all);
	conf_free(r->conf);
}

/* --- routes --- */

/* The binary form of a list, from its text. */
struct raw_list {
	uint8_t p[512];
	size_t n;
};

static struct bgp_bytes
raw_list(struct raw_list *l, const char *primitive, const char *text)
{
	char err[160];
	l->n = 0;
	if (text && !value_parse(primitive_get(primitive_find(primitive)), text, l->p, sizeof(l->p), &l->n,
				 err, sizeof(err)))
		fail_msg("%s: %s", text, err);
	return (struct bgp_bytes){l->p, (uint32_t)l->n};
}

/* What a test says of a route; NULL and 0 are "absent". */
struct route {
	unsigned peer;
	const char *prefix, *next_hop, *path, *std, *ext, *lrg;
	uint32_t local_pref, med;
	enum bgp_family family; /* of IPv4; IPv6 prefixes take the one beside it */
	uint64_t rd;
	uint32_t label, path_id;
	bool stale; /* into the peer's stale slot */
};

static void
announce(struct rig *r, struct route a)
{
	struct raw_list path, std, ext, lrg;
	struct bgp_attrs attrs = {.present = BGP_HAS_AS_PATH | BGP_HAS_NEXT_HOP};
	struct bgp_nlri nlri = {.rd = a.rd, .path_id = a.path_id, .label = a.label ? a.label : BGP_NO_LABEL};
	unsigned added = 0;
	assert_true(prefix_parse(&nlri.prefix, a.prefix));
	if (!addr_is_v4(&nlri.prefix.addr))
		a.family++;
	attrs.next_hop = address(a.next_hop);
	attrs.as_path = raw_list(&path, "as_path", a.path);
	attrs.std = raw_list(&std, "std_comm", a.std);
	attrs.ext = raw_list(&ext, "ext_comm", a.ext);
	attrs.lrg = raw_list(&lrg, "lrg_comm", a.lrg);
	attrs.local_pref = a.local_pref;
	attrs.med = a.med;
	attrs.label = a.label;
	attrs.present |= (a.local_pref ? BGP_HAS_LOCAL_PREF : 0u) | (a.med ? BGP_HAS_MED : 0u) |
			 (a.label ? BGP_HAS_LABEL : 0u);
	bgp_set_id set = bgp_store_intern(r->store, &attrs);
	assert_true(set != 0);
	uint32_t slot = atomic_load(a.stale ? &r->peer[a.peer].stale : &r->peer[a.peer].slot);
	if (a.path_id) {
		r->peer[a.peer].add_path = UINT32_MAX;
		assert_true(rib_announce_path(r->rib, slot, a.family, &nlri, 1, set, NULL, NULL, &added));
	} else {
		assert_true(rib_announce(r->rib, slot, a.family, &nlri, 1, set, NULL, NULL, &added));
	}
	bgp_store_settle(r->store, set);
	assert_int_equal(added, 1);
}

#define ANNOUNCE(r, ...) announce(r, (struct route){__VA_ARGS__})

/* --- flows --- */

static struct flow *
add_from(struct rig *r, const char *exporter, const char *src, const char *dst)
{
	struct flow *f = flow_batch_next(&r->batch);
	r->batch.n++;
	f->src_host = src ? address(src) : (struct addr){.q = {0, 0}};
	f->dst_host = dst ? address(dst) : (struct addr){.q = {0, 0}};
	f->peer_src_ip = address(exporter);
	return f;
}

static struct flow *
add(struct rig *r, const char *src, const char *dst)
{
	return add_from(r, "192.0.2.1", src, dst);
}

/* As the fan-out does it, with the policy of the first plugin. The batch is empty afterwards, its flows can
 * be looked at until the next one. */
static void
correlate(struct rig *r)
{
	correlate_begin(r->correlate, &r->batch);
	for (unsigned i = 0; i < r->batch.n; i++)
		networks_apply(&r->all.list[0].policy, flow_at(&r->batch, i),
			       correlate_routes(r->correlate, i));
	correlate_end(r->correlate);
	r->batch.n = 0;
}

static void
assert_path(struct flow_bytes path, const char *expected)
{
	char text[ROUTETEXT_ROOM(512)];
	*put_as_path(text, path.p, path.len, ' ', false) = '\0';
	assert_string_equal(text, expected);
}

static void
assert_std(struct flow_bytes list, const char *expected)
{
	char text[ROUTETEXT_ROOM(512)];
	*put_std_comms(text, list.p, list.len, ' ', false, false) = '\0';
	assert_string_equal(text, expected);
}

static void
assert_ext(struct flow_bytes list, const char *expected)
{
	char text[ROUTETEXT_ROOM(512)];
	*put_ext_comms(text, list.p, list.len, ' ', false) = '\0';
	assert_string_equal(text, expected);
}

static void
assert_lrg(struct flow_bytes list, const char *expected)
{
	char text[ROUTETEXT_ROOM(512)];
	*put_lrg_comms(text, list.p, list.len, ' ', false) = '\0';
	assert_string_equal(text, expected);
}

static void
assert_addr(struct addr a, const char *expected)
{
	char text[ADDR_TEXT_MAX];
	addr_format(text, &a);
	assert_string_equal(text, expected);
}

/* --- tests --- */

static const char all_types[] = FROM_BGP "bgp_peer_src_as_type: bgp\nbgp_src_as_path_type: bgp\n"
					 "bgp_src_std_comm_type: bgp\nbgp_src_ext_comm_type: bgp\n"
					 "bgp_src_lrg_comm_type: bgp\nbgp_src_local_pref_type: bgp\n"
					 "bgp_src_med_type: bgp\n";

static void
two_routes(struct rig *r)
{
	ANNOUNCE(r, .prefix = "198.51.100.0/24", .next_hop = "192.0.2.77", .path = "64501 64502",
		 .std = "64501:1 64501:2", .ext = "RT:64501:9", .lrg = "64501:1:2", .local_pref = 120,
		 .med = 7, .label = 300, .family = BGP_IPV4_UNICAST);
	ANNOUNCE(r, .prefix = "203.0.112.0/20", .next_hop = "192.0.2.88", .path = "64511 64512 64513",
		 .std = "64511:1", .ext = "RT:64511:9", .lrg = "64511:1:2", .local_pref = 90, .med = 8);
}

/* Every primitive from the route to the destination and the one to the source. */
static void
primitives(void **state)
{
	(void)state;
	struct rig r;
	rig_with(&r, EVERYTHING, all_types);
	two_routes(&r);
	struct flow *f = add(&r, "203.0.113.5", "198.51.100.9");
	correlate(&r);
	assert_int_equal(f->src_as, 64513);
	assert_int_equal(f->dst_as, 64502);
	assert_int_equal(f->peer_src_as, 64511);
	assert_int_equal(f->peer_dst_as, 64501);
	assert_addr(f->peer_dst_ip, "192.0.2.77");
	assert_addr(f->src_net, "203.0.112.0");
	assert_addr(f->dst_net, "198.51.100.0");
	assert_int_equal(f->src_mask, 20);
	assert_int_equal(f->dst_mask, 24);
	assert_path(f->as_path, "64501 64502");
	assert_std(f->std_comm, "64501:1 64501:2");
	assert_ext(f->ext_comm, "RT:64501:9");
	assert_lrg(f->lrg_comm, "64501:1:2");
	assert_int_equal(f->local_pref, 120);
	assert_int_equal(f->med, 7);
	assert_path(f->src_as_path, "64511 64512 64513");
	assert_std(f->src_std_comm, "64511:1");
	assert_ext(f->src_ext_comm, "RT:64511:9");
	assert_lrg(f->src_lrg_comm, "64511:1:2");
	assert_int_equal(f->src_local_pref, 90);
	assert_int_equal(f->src_med, 8);
	assert_int_equal(f->mpls_label_bottom, 300);
	rig_close(&r);
}

/* Without bgp_src_*_type nothing is taken from the route to the source but what nfacctd_as asks for, and
 * peer_src_as stays the exporter's. */
static void
source_types(void **state)
{
	(void)state;
	struct rig r;
	rig_with(&r, EVERYTHING, FROM_BGP);
	two_routes(&r);
	struct flow *f = add(&r, "203.0.113.5", "198.51.100.9");
	f->peer_src_as = 65000;
	correlate(&r);
	assert_int_equal(f->src_as, 64513);
	assert_int_equal(f->peer_src_as, 65000);
	assert_int_equal(f->src_as_path.len + f->src_std_comm.len + f->src_ext_comm.len + f->src_lrg_comm.len,
			 0);
	assert_int_equal(f->src_local_pref, 0);
	assert_path(f->as_path, "64501 64502");
	assert_string_equal(correlate_missing_key(r.conf, offsetof(struct flow, src_as_path)),
			    "bgp_src_as_path_type");
	assert_null(correlate_missing_key(r.conf, offsetof(struct flow, as_path)));
	assert_null(correlate_missing_key(r.conf, offsetof(struct flow, peer_src_as)));
	rig_close(&r);
}

/* The exporter's word counts where nfacctd_as and nfacctd_net say so; what only BGP knows is there anyway. */
static void
as_from_the_exporter(void **state)
{
	(void)state;
	struct rig r;
	rig_with(&r, EVERYTHING, "nfacctd_as: netflow\nnfacctd_net: netflow\nbgp_peer_src_as_type: bgp\n");
	two_routes(&r);
	struct flow *f = add(&r, "203.0.113.5", "198.51.100.9");
	f->src_as = 1;
	f->dst_as = 2;
	f->peer_src_as = 3;
	f->dst_mask = 30;
	f->peer_dst_ip = address("192.0.2.99");
	correlate(&r);
	assert_int_equal(f->src_as, 1);
	assert_int_equal(f->dst_as, 2);
	assert_int_equal(f->peer_src_as, 64511);
	assert_int_equal(f->dst_mask, 30);
	assert_addr(f->dst_net, "198.51.100.8");
	assert_addr(f->peer_dst_ip, "192.0.2.99");
	assert_path(f->as_path, "64501 64502");
	rig_close(&r);
}

/* longest: the exporter's prefix when it is longer than the route's, the route on a tie and beyond. */
static void
longest(void **state)
{
	(void)state;
	struct rig r;
	rig_with(&r, EVERYTHING, "nfacctd_as: longest\nnfacctd_net: longest\n");
	two_routes(&r);
	static const struct {
		uint8_t mask;
		uint32_t as;
	} cases[] = {{25, 2}, {24, 64502}, {16, 64502}, {0, 64502}};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct flow *f = add(&r, "203.0.113.5", "198.51.100.9");
		f->dst_as = 2;
		f->dst_mask = cases[i].mask;
		correlate(&r);
		assert_int_equal(f->dst_as, cases[i].as);
		assert_int_equal(f->dst_mask, cases[i].as == 2 ? 25 : 24);
	}
	rig_close(&r);
}

/* Only what is asked for is looked up. */
static void
needs(void **state)
{
	(void)state;
	static const struct {
		const char *aggregate, *keys;
		bool side[2];
	} cases[] = {
	    {"src_host", FROM_BGP, {false, false}},
	    {"dst_as", FROM_BGP, {false, true}},
	    {"src_as", FROM_BGP, {true, false}},
	    {"as_path", "", {false, true}},
	    {"src_mask, dst_mask", "nfacctd_net: bgp\n", {true, true}},
	    {"src_as, dst_as", "nfacctd_as: netflow\n", {false, false}},
	    {"src_as_path", "", {false, false}},
	    {"src_as_path", "bgp_src_as_path_type: bgp\n", {true, false}},
	    {"peer_dst_ip", "nfacctd_net: bgp\n", {false, true}},
	    {"sum_as", FROM_BGP, {true, true}},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rig r;
		rig_with(&r, cases[i].aggregate, cases[i].keys);
		assert_int_equal(r.all.wants.side[0], cases[i].side[0]);
		assert_int_equal(r.all.wants.side[1], cases[i].side[1]);
		if (cases[i].side[0] || cases[i].side[1])
			assert_true(FLOW_NEEDED(&r.needs, peer_src_ip) && FLOW_NEEDED(&r.needs, mpls_vpn_rd));
		rig_close(&r);
	}
}

/* Who answers: the session's address first, then a BGP identifier; nobody for others. A peer whose session
 * is gone answers from what is kept. */
static void
peers(void **state)
{
	(void)state;
	struct rig r;
	rig_with(&r, EVERYTHING, FROM_BGP);
	ANNOUNCE(&r, .peer = 0, .prefix = "198.51.100.0/24", .next_hop = "192.0.2.9", .path = "64501");
	ANNOUNCE(&r, .peer = 1, .prefix = "198.51.100.0/24", .next_hop = "192.0.2.9", .path = "64502");
	struct flow *by_address = add_from(&r, "192.0.2.1", NULL, "198.51.100.1");
	struct flow *by_id = add_from(&r, "10.0.0.2", NULL, "198.51.100.1");
	struct flow *stranger = add_from(&r, "192.0.2.200", NULL, "198.51.100.1");
	struct flow *empty = add_from(&r, "192.0.2.3", NULL, "198.51.100.1");
	struct flow *again = add_from(&r, "192.0.2.1", NULL, "198.51.100.1");
	stranger->dst_as = empty->dst_as = 77;
	correlate(&r);
	assert_int_equal(by_address->dst_as, 64501);
	assert_int_equal(by_id->dst_as, 64502);
	assert_int_equal(stranger->dst_as, 0);
	assert_int_equal(stranger->as_path.len, 0);
	assert_int_equal(empty->dst_as, 0);
	assert_int_equal(again->dst_as, 64501);
	/* the session of the first one ends, its routes stay as stale ones, and a new session has a part */
	atomic_store(&r.peer[0].stale, atomic_load(&r.peer[0].slot));
	atomic_store(&r.peer[0].slot, RIB_NO_SLOT);
	publish(&r);
	struct flow *stale = add(&r, NULL, "198.51.100.1");
	correlate(&r);
	assert_int_equal(stale->dst_as, 64501);
	atomic_store(&r.peer[0].slot, rib_slot_open(r.rib));
	publish(&r);
	ANNOUNCE(&r, .peer = 0, .prefix = "203.0.113.0/24", .next_hop = "192.0.2.9", .path = "64503");
	stale = add(&r, "203.0.113.1", "198.51.100.1");
	correlate(&r);
	assert_int_equal(stale->dst_as, 64501);
	assert_int_equal(stale->src_as, 64503);
	rig_close(&r);
}

/* Of several paths under a prefix the one to the flow's next hop; the IP next hop only where allowed. */
static void
add_path(void **state)
{
	(void)state;
	for (unsigned ip_next_hop = 0; ip_next_hop < 2; ip_next_hop++) {
		struct rig r;
		rig_with(&r, EVERYTHING, ip_next_hop ? FROM_BGP "use_ip_next_hop: true\n" : FROM_BGP);
		ANNOUNCE(&r, .prefix = "198.51.100.0/24", .next_hop = "192.0.2.11", .path = "64501",
			 .path_id = 1);
		ANNOUNCE(&r, .prefix = "198.51.100.0/24", .next_hop = "192.0.2.12", .path = "64502",
			 .path_id = 2);
		ANNOUNCE(&r, .prefix = "198.51.100.0/24", .next_hop = "192.0.2.13", .path = "64503",
			 .path_id = 3);
		struct flow *bgp = add(&r, NULL, "198.51.100.1");
		struct flow *ip = add(&r, NULL, "198.51.100.1");
		struct flow *other = add(&r, NULL, "198.51.100.1");
		bgp->peer_dst_ip = address("192.0.2.12");
		ip->ip_next_hop = address("192.0.2.13");
		other->peer_dst_ip = address("192.0.2.99");
		correlate(&r);
		assert_int_equal(bgp->dst_as, 64502);
		assert_addr(bgp->peer_dst_ip, "192.0.2.12");
		assert_int_equal(ip->dst_as, ip_next_hop ? 64503 : 64501);
		assert_int_equal(other->dst_as, 64501);
		rig_close(&r);
	}
}

static void
vpn(void **state)
{
	(void)state;
	const uint64_t one = 0x0000fde800000001ULL, two = 0x0000fde800000002ULL; /* 0:65000:1, 0:65000:2 */
	struct rig r;
	rig_with(&r, EVERYTHING, FROM_BGP);
	ANNOUNCE(&r, .prefix = "10.0.0.0/8", .next_hop = "192.0.2.11", .path = "64501", .label = 100,
		 .rd = one, .family = BGP_IPV4_VPN);
	ANNOUNCE(&r, .prefix = "10.0.0.0/8", .next_hop = "192.0.2.12", .path = "64502", .label = 200,
		 .rd = two, .family = BGP_IPV4_VPN);
	ANNOUNCE(&r, .prefix = "2001:db8::/32", .next_hop = "192.0.2.13", .path = "64503", .label = 300,
		 .rd = one, .family = BGP_IPV4_VPN);
	ANNOUNCE(&r, .prefix = "10.1.0.0/16", .next_hop = "192.0.2.14", .path = "64504");
	static const struct {
		const char *dst;
		uint64_t rd;
		uint32_t as, label;
	} cases[] = {
	    {"10.1.0.1", 0x0000fde800000001ULL, 64501, 100},
	    {"10.1.0.1", 0x0000fde800000002ULL, 64502, 200},
	    {"10.1.0.1", 0x0000fde800000003ULL, 0, 0},
	    {"2001:db8::1", 0x0000fde800000001ULL, 64503, 300},
	    {"10.1.0.1", 0, 64504, 0},
	    {"10.2.0.1", 0, 0, 0},
	    {"10.1.0.1", RD_TYPE_VRFID << 48 | 5, 64504, 0},
	};
	struct flow *f[ARRAY_SIZE(cases)];
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		f[i] = add(&r, NULL, cases[i].dst);
		f[i]->mpls_vpn_rd = cases[i].rd;
	}
	correlate(&r);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(f[i]->dst_as, cases[i].as);
		assert_int_equal(f[i]->mpls_label_bottom, cases[i].label);
		assert_true(f[i]->mpls_vpn_rd == cases[i].rd);
	}
	rig_close(&r);
}

/* The longer one of a unicast and a labeled route, unicast when they are equally long. */
static void
labeled(void **state)
{
	(void)state;
	struct rig r;
	rig_with(&r, EVERYTHING, FROM_BGP);
	ANNOUNCE(&r, .prefix = "10.0.0.0/8", .next_hop = "192.0.2.11", .path = "64501", .label = 100,
		 .family = BGP_IPV4_LABELED);
	ANNOUNCE(&r, .prefix = "10.1.0.0/16", .next_hop = "192.0.2.12", .path = "64502");
	ANNOUNCE(&r, .prefix = "10.1.1.0/24", .next_hop = "192.0.2.13", .path = "64503", .label = 101,
		 .family = BGP_IPV4_LABELED);
	ANNOUNCE(&r, .prefix = "10.2.0.0/16", .next_hop = "192.0.2.14", .path = "64504", .label = 102,
		 .family = BGP_IPV4_LABELED);
	ANNOUNCE(&r, .prefix = "10.2.0.0/16", .next_hop = "192.0.2.15", .path = "64505");
	static const struct {
		const char *dst;
		uint32_t as;
	} cases[] = {{"10.9.0.1", 64501}, {"10.1.9.1", 64502}, {"10.1.1.1", 64503}, {"10.2.0.1", 64505}};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		add(&r, NULL, cases[i].dst);
	correlate(&r);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(flow_at(&r.batch, i)->dst_as, cases[i].as);
	rig_close(&r);
}

/* The ends of paths: sets, confederations, none at all. */
static void
path_ends(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		uint32_t origin, peer, external;
	} cases[] = {
	    {"64501", 64501, 64501, 64501},
	    {"64501 64502 {65001,65002}", 65002, 64501, 64501},
	    {"(65101 65102) 64510 64511", 64511, 65101, 64510},
	    {"(65101 65102)", 65102, 65101, 65101},
	    {"{65001,65002}", 65002, 0, 0},
	    {NULL, 0, 0, 0},
	};
	for (unsigned skip = 0; skip < 2; skip++) {
		struct rig r;
		rig_with(&r, EVERYTHING, skip ? FROM_BGP "bgp_peer_as_skip_subas: true\n" : FROM_BGP);
		for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
			char prefix[32], host[32];
			snprintf(prefix, sizeof(prefix), "10.%u.0.0/16", i);
			snprintf(host, sizeof(host), "10.%u.0.1", i);
			ANNOUNCE(&r, .prefix = prefix, .next_hop = "192.0.2.11", .path = cases[i].path);
			add(&r, NULL, host);
		}
		correlate(&r);
		for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
			assert_int_equal(flow_at(&r.batch, i)->dst_as, cases[i].origin);
			assert_int_equal(flow_at(&r.batch, i)->peer_dst_as,
					 skip ? cases[i].external : cases[i].peer);
			assert_path(flow_at(&r.batch, i)->as_path, cases[i].path ? cases[i].path : "");
		}
		rig_close(&r);
	}
}

/* AS numbers from communities, for routes without AS path only; lists and paths cut down. */
static void
cuts(void **state)
{
	(void)state;
	struct rig r;
	rig_with(&r, EVERYTHING,
		 FROM_BGP "bgp_aspath_radius: 2\nbgp_stdcomm_pattern: 64501:6...\nbgp_lrgcomm_pattern: :3\n"
			  "bgp_stdcomm_pattern_to_asn: 64888:\n");
	ANNOUNCE(&r, .prefix = "10.1.0.0/16", .next_hop = "192.0.2.11", .path = "64501 64501 64502",
		 .std = "64501:6 64501:6123 64888:7", .lrg = "1:2:3 1:2:4");
	ANNOUNCE(&r, .prefix = "10.2.0.0/16", .next_hop = "192.0.2.11", .std = "64888:999");
	struct flow *with = add(&r, NULL, "10.1.0.1"), *without = add(&r, NULL, "10.2.0.1");
	correlate(&r);
	assert_path(with->as_path, "64501 64501");
	assert_std(with->std_comm, "64501:6123");
	assert_lrg(with->lrg_comm, "1:2:3");
	assert_int_equal(with->dst_as, 64502);
	assert_int_equal(with->peer_dst_as, 64501);
	assert_std(without->std_comm, "");
	assert_int_equal(without->dst_as, 999);
	assert_int_equal(without->peer_dst_as, 64888);
	rig_close(&r);
}

/* A default route is followed so many times, as long as it points to peers. */
static void
follow_default(void **state)
{
	(void)state;
	static const struct {
		const char *key;
		uint32_t near, far; /* AS of what the second and the third router know */
	} cases[] = {{"", 64501, 64501},
		     {"bgp_follow_default: 1\n", 64602, 64603},
		     {"bgp_follow_default: 2\n", 64602, 64702}};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rig r;
		char keys[80];
		snprintf(keys, sizeof(keys), FROM_BGP "%s", cases[i].key);
		rig_with(&r, EVERYTHING, keys);
		ANNOUNCE(&r, .peer = 0, .prefix = "0.0.0.0/0", .next_hop = "192.0.2.2", .path = "64501");
		ANNOUNCE(&r, .peer = 0, .prefix = "30.0.0.0/8", .next_hop = "192.0.2.2", .path = "64530");
		ANNOUNCE(&r, .peer = 1, .prefix = "10.0.0.0/8", .next_hop = "192.0.2.30", .path = "64602");
		ANNOUNCE(&r, .peer = 1, .prefix = "0.0.0.0/0", .next_hop = "192.0.2.3", .path = "64603");
		ANNOUNCE(&r, .peer = 2, .prefix = "20.0.0.0/8", .next_hop = "192.0.2.40", .path = "64702");
		struct flow *f = add(&r, "10.0.0.1", "20.0.0.1"), *known = add(&r, NULL, "30.0.0.1");
		struct flow *nowhere = add_from(&r, "192.0.2.3", NULL, "10.0.0.1");
		correlate(&r);
		assert_int_equal(f->src_as, cases[i].near);
		assert_int_equal(f->dst_as, cases[i].far);
		assert_int_equal(known->dst_as, 64530);
		assert_int_equal(nowhere->dst_as, 0);
		rig_close(&r);
	}
}

/* The last next hop within the prefixes, or the first one beyond; a ring of routers ends too. Nothing but
 * the next hop comes from the other routers. */
static void
follow_next_hop(void **state)
{
	(void)state;
	for (unsigned external = 0; external < 2; external++) {
		struct rig r;
		rig_with(&r, EVERYTHING,
			 external ? FROM_BGP "bgp_follow_nexthop: 192.0.2.0/28\n"
					     "bgp_follow_nexthop_external: true\n"
				  : FROM_BGP "bgp_follow_nexthop: 10.0.0.0/8, 192.0.2.0/28\n");
		ANNOUNCE(&r, .peer = 0, .prefix = "10.0.0.0/8", .next_hop = "192.0.2.2", .path = "64501");
		ANNOUNCE(&r, .peer = 1, .prefix = "10.0.0.0/8", .next_hop = "192.0.2.3", .path = "64601");
		ANNOUNCE(&r, .peer = 2, .prefix = "10.0.0.0/8", .next_hop = "198.51.100.7", .path = "64701");
		ANNOUNCE(&r, .peer = 0, .prefix = "20.0.0.0/8", .next_hop = "192.0.2.9", .path = "64501");
		ANNOUNCE(&r, .peer = 0, .prefix = "30.0.0.0/8", .next_hop = "198.51.100.8", .path = "64501");
		ANNOUNCE(&r, .peer = 0, .prefix = "40.0.0.0/8", .next_hop = "192.0.2.2", .path = "64501");
		ANNOUNCE(&r, .peer = 1, .prefix = "40.0.0.0/8", .next_hop = "192.0.2.1", .path = "64501");
		struct flow *chain = add(&r, NULL, "10.0.0.1"), *no_peer = add(&r, NULL, "20.0.0.1");
		struct flow *outside = add(&r, NULL, "30.0.0.1"), *ring = add(&r, NULL, "40.0.0.1");
		struct flow *none = add(&r, NULL, "50.0.0.1");
		correlate(&r);
		assert_addr(chain->peer_dst_ip, external ? "198.51.100.7" : "192.0.2.3");
		assert_int_equal(chain->dst_as, 64501);
		assert_addr(no_peer->peer_dst_ip, "192.0.2.9");
		assert_addr(outside->peer_dst_ip, "198.51.100.8");
		assert_true(prefix_contains(&(struct prefix){address("192.0.2.0"), 30}, &ring->peer_dst_ip));
		assert_addr(none->peer_dst_ip, "");
		rig_close(&r);
	}
}

/* --- maps --- */

static bool
map_agent(void *ctx, const struct flow *f, struct addr *session, uint16_t *port)
{
	(void)ctx, (void)port;
	*session = address("192.0.2.2");
	return f->in_iface == 2;
}

static bool
map_rd(void *ctx, const struct flow *f, uint64_t *rd)
{
	(void)ctx;
	*rd = 7;
	return f->in_iface == 3;
}

static bool
map_next_hop(void *ctx, const struct flow *f, struct addr *next_hop)
{
	(void)ctx, (void)f;
	*next_hop = address("198.51.100.66");
	return true;
}

/* 1: a value, the AS of the source's route; 2: from the route; else no rule. */
static enum correlate_verdict
map_number(void *ctx, const struct flow *f, const struct network *source, uint32_t *value)
{
	(void)ctx;
	if (f->in_iface == 1 && source)
		*value = source->origin_as + 1;
	return f->in_iface == 1 ? CORRELATE_VALUE : f->in_iface == 2 ? CORRELATE_ROUTE : CORRELATE_NO_RULE;
}

static void
maps(void **state)
{
	(void)state;
	struct rig r;
	static const struct correlate_maps all = {.agent = map_agent,
						  .rd = map_rd,
						  .next_hop = map_next_hop,
						  .peer_src_as = map_number,
						  .src_local_pref = map_number,
						  .src_med = map_number};
	rig_with(&r, EVERYTHING,
		 FROM_BGP "bgp_peer_src_as_type: map\nbgp_src_local_pref_type: map\nbgp_src_med_type: map\n");
	for (unsigned peer = 0; peer < 2; peer++)
		ANNOUNCE(&r, .peer = peer, .prefix = "10.0.0.0/8", .next_hop = "192.0.2.9",
			 .path = peer ? "64601" : "64501", .local_pref = 100 + peer, .med = 7);
	ANNOUNCE(&r, .prefix = "10.0.0.0/8", .next_hop = "192.0.2.9", .path = "64701", .rd = 7, .label = 9,
		 .family = BGP_IPV4_VPN);
	correlate_set_maps(r.correlate, &all);
	for (unsigned i = 1; i <= 3; i++)
		add(&r, "10.0.0.1", "10.0.0.2")->in_iface = i;
	correlate(&r);
	const struct flow *value = flow_at(&r.batch, 0), *route = flow_at(&r.batch, 1),
			  *none = flow_at(&r.batch, 2);
	assert_int_equal(value->dst_as, 64501);
	assert_int_equal(value->peer_src_as, 64502);
	assert_int_equal(value->src_med, 64502);
	assert_addr(value->peer_dst_ip, "198.51.100.66");
	assert_int_equal(route->dst_as, 64601);
	assert_int_equal(route->peer_src_as, 64601);
	assert_int_equal(route->src_local_pref, 101);
	assert_int_equal(none->dst_as, 64701);
	assert_int_equal(none->peer_src_as, 0);
	assert_true(none->mpls_vpn_rd == 7 && none->mpls_vpn_rd_origin == RD_ORIGIN_MAP);
	rig_close(&r);
}

/* --- the rest --- */

/* A whole batch from several exporters, with addresses missing here and there. */
static void
full_batch(void **state)
{
	(void)state;
	struct rig r;
	rig_with(&r, EVERYTHING, FROM_BGP);
	for (unsigned peer = 0; peer < PEERS; peer++) {
		char path[16];
		snprintf(path, sizeof(path), "%u", 64501 + peer);
		ANNOUNCE(&r, .peer = peer, .prefix = "10.0.0.0/8", .next_hop = "192.0.2.9", .path = path);
		ANNOUNCE(&r, .peer = peer, .prefix = "2001:db8::/32", .next_hop = "2001:db8::9",
			 .path = path);
	}
	for (unsigned i = 0; i < FLOW_BATCH_MAX; i++) {
		char exporter[32];
		snprintf(exporter, sizeof(exporter), "192.0.2.%u", i % 5 + 1);
		add_from(&r, exporter, i % 3 ? "10.0.0.1" : NULL, i % 7 ? "2001:db8::1" : "172.16.0.1");
	}
	correlate(&r);
	for (unsigned i = 0; i < FLOW_BATCH_MAX; i++) {
		const struct flow *f = flow_at(&r.batch, i);
		uint32_t as = i % 5 < PEERS ? 64501 + i % 5 : 0;
		assert_int_equal(f->src_as, i % 3 ? as : 0);
		assert_int_equal(f->dst_as, i % 7 ? as : 0);
		assert_addr(f->peer_dst_ip, as && i % 7 ? "2001:db8::9" : "");
	}
	rig_close(&r);
}

static uint64_t
counted(const char *name, const char *labels)
{
	const struct counter_block *last = NULL;
	unsigned row = 0;
	for (const struct counter_block *b = counters_first(); b; b = b->next)
		for (unsigned i = 0; i < b->n; i++)
			if (strcmp(b->desc[i].name, name) == 0 &&
			    (!labels || strcmp(b->desc[i].labels, labels) == 0)) {
				last = b;
				row = i;
			}
	assert_non_null(last);
	return counter_read(last, row);
}

static void
counters(void **state)
{
	(void)state;
	struct rig r;
	rig_with(&r, "src_as, dst_as", FROM_BGP);
	two_routes(&r);
	add(&r, "203.0.113.5", "198.51.100.9");
	add(&r, "203.0.113.5", "172.16.0.1");
	add_from(&r, "192.0.2.200", "203.0.113.5", "198.51.100.9");
	correlate(&r);
	assert_int_equal(counted("correlated_flows", NULL), 2);
	assert_int_equal(counted("correlated_flows_without_peer", NULL), 1);
	assert_int_equal(counted("correlated_addresses", "side=\"source\",route=\"yes\""), 2);
	assert_int_equal(counted("correlated_addresses", "side=\"destination\",route=\"yes\""), 1);
	assert_int_equal(counted("correlated_addresses", "side=\"destination\",route=\"no\""), 2);
	rig_close(&r);
}

static void
refused(struct rig *r, const char *keys, const char *says)
{
	struct text text = {0}, messages = {0};
	char err[256] = "";
	text_printf(&text, "nfacctd_port: 2100\nbgp_daemon: true\nplugins: memory\n%s", keys);
	struct conf *conf = conf_load_text("f", text.data, text.len, NULL, &messages);
	assert_non_null(conf);
	assert_null(correlate_new(conf, &r->all.wants, &r->sources, NULL, err, sizeof(err)));
	if (!strstr(err, says))
		fail_msg("'%s' lacks '%s'", err, says);
	conf_free(conf);
	text_free(&text);
	text_free(&messages);
}

static void
faults(void **state)
{
	(void)state;
	struct rig r;
	rig_with(&r, EVERYTHING, FROM_BGP);
	refused(&r, "bgp_stdcomm_pattern: 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17\n",
		"bgp_stdcomm_pattern: more than 16 patterns");
	refused(&r, "bgp_follow_nexthop: 10.0.0.0/8, x\n", "bgp_follow_nexthop: 'x' is no prefix");
	rig_close(&r);
}

static int
setup(void **state)
{
	(void)state;
	readers_join();
	return counters_init() ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(primitives),
	    cmocka_unit_test(source_types),
	    cmocka_unit_test(as_from_the_exporter),
	    cmocka_unit_test(longest),
	    cmocka_unit_test(needs),
	    cmocka_unit_test(peers),
	    cmocka_unit_test(add_path),
	    cmocka_unit_test(vpn),
	    cmocka_unit_test(labeled),
	    cmocka_unit_test(path_ends),
	    cmocka_unit_test(cuts),
	    cmocka_unit_test(follow_default),
	    cmocka_unit_test(follow_next_hop),
	    cmocka_unit_test(maps),
	    cmocka_unit_test(full_batch),
	    cmocka_unit_test(counters),
	    cmocka_unit_test(faults),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
