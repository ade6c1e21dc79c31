/* See correlate.h. A batch goes through in passes over all its flows, each pass touching one kind of memory:
 * put the questions together, look them up, fill member by member (a row of the table below each), and last
 * the networks that nfacctd_as and nfacctd_net choose among. A row's function is called once a batch, so a
 * primitive that nobody asked for costs nothing, not even a branch per flow. */
#include "collector/core/correlate.h"

#include "bgp/bgp.h"
#include "collector/base/counters.h"
#include "collector/core/correlate_list.h"

#define FOLLOW_PREFIXES_MAX 32
#define FOLLOW_HOPS_MAX	    20
/* An address is looked up in at most two tables: unicast and labeled unicast. */
#define QUERIES_MAX (FLOW_BATCH_MAX * 2 * 2)

/* What was found for one address of a flow. */
struct answer {
	const struct bgp_set *set; /* NULL: no route */
	uint8_t len;
};

/* Which answer a query is for. */
struct place {
	uint8_t flow, side;
};

/* Where a peer's routes are. */
struct columns {
	uint32_t slot, stale;
	bool add_path;
};

struct correlate {
	/* settled at the start */
	struct correlate_wants wants;
	struct bgp_sources sources;
	struct correlate_maps maps;
	uint32_t by_map;  /* rows of fills that a map decides */
	uint8_t parts[2]; /* of routes, by side: bits of enum rib_part that are read */
	bool ip_next_hop, skip_subas;
	unsigned radius; /* 0: paths stay whole */
	unsigned follow_default;
	bool follow_external;
	struct prefix follow[FOLLOW_PREFIXES_MAX];
	unsigned follows;
	struct comm_filter *keep[COMM_TYPES], *to_asn[COMM_TYPES]; /* NULL: no patterns */
	struct counter_block *counters;
	/* of the batch */
	const struct bgp_directory *directory;
	uint32_t table[2][2];	     /* of unicast and labeled unicast, by family */
	uint32_t vpn_table[2];	     /* the last that was asked for, by family, */
	uint64_t vpn_rd[2];	     /* and its route distinguisher */
	struct addr exporter;	     /* the last flow's */
	const struct bgp_peer *peer; /* and who speaks for it */
	struct columns columns;
	struct rib_query query[QUERIES_MAX];
	struct place place[QUERIES_MAX];
	unsigned queries;
	struct answer answer[2][FLOW_BATCH_MAX];
	struct addr exit[FLOW_BATCH_MAX]; /* the next hop that bgp_follow_nexthop found, or none */
	struct network network[2][FLOW_BATCH_MAX];
	struct network_routes routes[FLOW_BATCH_MAX];
	struct route_scratch scratch;
};

static const struct counter_desc counter_desc[CORRELATE_COUNTERS] = {
    [CORRELATE_FLOWS] = {"correlated_flows", NULL, "Flows whose exporter has a BGP peer", COUNTER_SUM},
    [CORRELATE_NO_PEER] = {"correlated_flows_without_peer", NULL, "Flows whose exporter has no BGP peer",
			   COUNTER_SUM},
    [CORRELATE_SRC_ROUTED] = {"correlated_addresses", "side=\"source\",route=\"yes\"",
			      "Addresses of flows looked up in the table of the exporter", COUNTER_SUM},
    [CORRELATE_SRC_UNROUTED] = {"correlated_addresses", "side=\"source\",route=\"no\"", NULL, COUNTER_SUM},
    [CORRELATE_DST_ROUTED] = {"correlated_addresses", "side=\"destination\",route=\"yes\"", NULL,
			      COUNTER_SUM},
    [CORRELATE_DST_UNROUTED] = {"correlated_addresses", "side=\"destination\",route=\"no\"", NULL,
				COUNTER_SUM},
};

/* --- what a route says --- */

/* The store and flows name a piece of bytes alike, but neither may see the other's type. */
static struct flow_bytes
bytes_of(struct bgp_bytes b)
{
	return (struct flow_bytes){b.p, b.len};
}

/* Touches the part; rib_lookup has fetched it when a row said that it will be read. */
static struct flow_bytes
path_of(const struct correlate *c, const struct bgp_set *set)
{
	return bytes_of(bgp_store_part(c->sources.store, set->path));
}

/* Standard communities are a part of their own, since most routes have them; the others stand among the
 * rarer attributes. */
static struct flow_bytes
list_of(const struct correlate *c, const struct bgp_set *set, enum comm_type type)
{
	switch (type) {
	case COMM_STD:
		return bytes_of(bgp_store_part(c->sources.store, set->std));
	case COMM_EXT:
		return bytes_of(bgp_store_ext(c->sources.store, set));
	default:
		return bytes_of(bgp_store_lrg(c->sources.store, set));
	}
}

/* AS numbers of a route without AS path from its communities: such a route is of the own network. */
static void
asns_of_communities(struct correlate *c, const struct bgp_set *set, uint32_t *peer, uint32_t *origin)
{
	*peer = *origin = 0;
	for (unsigned type = 0; type < COMM_TYPES; type++)
		if (c->to_asn[type] &&
		    comm_filter_asns(c->to_asn[type], list_of(c, set, (enum comm_type)type), peer, origin))
			return;
}

/* What is not in the set of attributes itself. */
static void
asns_otherwise(struct correlate *c, const struct bgp_set *set, uint32_t *peer, uint32_t *origin)
{
	if (!set->path) {
		asns_of_communities(c, set, peer, origin);
		return;
	}
	if (!*origin)
		*origin = path_last(path_of(c, set));
	if (c->skip_subas)
		*peer = path_first_external(path_of(c, set));
}

static inline void
asns_of(struct correlate *c, const struct bgp_set *set, uint32_t *peer, uint32_t *origin)
{
	*peer = set->peer_as;
	*origin = set->origin_as;
	if (unlikely(!*origin || c->skip_subas))
		asns_otherwise(c, set, peer, origin);
}

/* Values of number rows. A route without the attribute has 0 there, as pmacct shows it. */
static uint32_t
value_peer_as(struct correlate *c, const struct bgp_set *set)
{
	uint32_t peer, origin;
	asns_of(c, set, &peer, &origin);
	return peer;
}

static uint32_t
value_local_pref(struct correlate *c, const struct bgp_set *set)
{
	(void)c;
	return set->local_pref;
}

static uint32_t
value_med(struct correlate *c, const struct bgp_set *set)
{
	(void)c;
	return set->med;
}

/* --- the rows: members of struct flow that come from a route --- */

struct fill;
typedef void fill_fn(struct correlate *c, const struct flow_batch *batch, const struct fill *row);

struct fill {
	size_t offset, n; /* in struct flow */
	unsigned side;	  /* 0: the route to the source, 1: to the destination */
	uint8_t parts;	  /* of the route: bits of enum rib_part */
	fill_fn *fill;
	enum comm_type list;					       /* fill_list */
	uint32_t (*value)(struct correlate *, const struct bgp_set *); /* fill_number */
	int key;						       /* that has to be set, -1: none */
	const char *bgp, *map; /* its values that mean BGP and a map */
	size_t hook;	       /* of that map, in struct correlate_maps */
};

/* Where row's member is in the i-th flow. */
static void *
member(const struct flow_batch *batch, unsigned i, const struct fill *row)
{
	return (uint8_t *)flow_at(batch, i) + row->offset;
}

/* A flow without route keeps what the decoder left, which is nothing for members that only routes have. */
static void
fill_path(struct correlate *c, const struct flow_batch *batch, const struct fill *row)
{
	for (unsigned i = 0; i < batch->n; i++) {
		const struct bgp_set *set = c->answer[row->side][i].set;
		if (!set)
			continue;
		struct flow_bytes path = path_of(c, set);
		*(struct flow_bytes *)member(batch, i, row) =
		    c->radius ? path_cut(path, c->radius, &c->scratch) : path;
	}
}

/* Without patterns the flow points into the store, with them into the scratch of this batch. */
static void
fill_list(struct correlate *c, const struct flow_batch *batch, const struct fill *row)
{
	struct comm_filter *keep = c->keep[row->list];
	for (unsigned i = 0; i < batch->n; i++) {
		const struct bgp_set *set = c->answer[row->side][i].set;
		if (!set)
			continue;
		struct flow_bytes list = list_of(c, set, row->list);
		*(struct flow_bytes *)member(batch, i, row) =
		    keep ? comm_filter_keep(keep, list, &c->scratch) : list;
	}
}

/* What a map says; *number stays as it is when no rule of it matches. True when the route is to be taken. */
static bool
ask_map(const struct correlate *c, const struct flow *f, unsigned i, const struct fill *row, uint32_t *number)
{
	correlate_number *hook;
	const void *at = (const uint8_t *)&c->maps + row->hook;
	memcpy(&hook, at, sizeof(hook));
	return hook && hook(c->maps.ctx, f, c->routes[i].side[0], number) == CORRELATE_ROUTE;
}

static void fill_number(struct correlate *c, const struct flow_batch *batch, const struct fill *row);

/* The service label of a labeled or VPN route, for records that carry no labels themselves. */
static void
fill_label(struct correlate *c, const struct flow_batch *batch, const struct fill *row)
{
	for (unsigned i = 0; i < batch->n; i++) {
		const struct bgp_set *set = c->answer[row->side][i].set;
		uint32_t *label = member(batch, i, row);
		if (!set || *label || !(set->flags & BGP_SET_LABEL))
			continue;
		uint32_t of_route = bgp_store_label(c->sources.store, set);
		*label = of_route == BGP_NO_LABEL ? 0 : of_route;
	}
}

/* A row in as few words as it takes: what fills it, the member, the side, the key that has to be set. */
#define AT(member)   .offset = offsetof(struct flow, member), .n = sizeof(((struct flow *)0)->member)
#define HOOK(member) .hook = offsetof(struct correlate_maps, member)
#define PATH(member, s, k)                                                                                   \
	.fill = fill_path, AT(member), .side = (s), .key = (k), .bgp = "bgp", .parts = RIB_PART_PATH
#define COMMS(member, t, s, k)                                                                               \
	.fill = fill_list, AT(member), .list = (t), .side = (s), .key = (k), .bgp = "bgp",                   \
	.parts = (t) == COMM_STD ? RIB_PART_STD : RIB_PART_MORE
#define NUMBER(member, v, s, k)                                                                              \
	.fill = fill_number, AT(member), .value = (v), .side = (s), .key = (k), .bgp = "bgp"

/* The order is that of filling and means nothing else; bits of correlate_wants.fills are places here. */
static const struct fill fills[] = {
    {PATH(as_path, 1, -1)},
    {COMMS(std_comm, COMM_STD, 1, -1)},
    {COMMS(ext_comm, COMM_EXT, 1, -1)},
    {COMMS(lrg_comm, COMM_LRG, 1, -1)},
    {NUMBER(local_pref, value_local_pref, 1, -1)},
    {NUMBER(med, value_med, 1, -1)},
    {.fill = fill_label, AT(mpls_label_bottom), .side = 1, .key = -1, .parts = RIB_PART_MORE},
    {PATH(src_as_path, 0, CONF_bgp_src_as_path_type)},
    {COMMS(src_std_comm, COMM_STD, 0, CONF_bgp_src_std_comm_type)},
    {COMMS(src_ext_comm, COMM_EXT, 0, CONF_bgp_src_ext_comm_type)},
    {COMMS(src_lrg_comm, COMM_LRG, 0, CONF_bgp_src_lrg_comm_type)},
    {NUMBER(src_local_pref, value_local_pref, 0, CONF_bgp_src_local_pref_type), .map = "map",
     HOOK(src_local_pref)},
    {NUMBER(src_med, value_med, 0, CONF_bgp_src_med_type), .map = "map", HOOK(src_med)},
    {NUMBER(peer_src_as, value_peer_as, 0, CONF_bgp_peer_src_as_type), .map = "map", HOOK(peer_src_as)},
};

/* A number of the route, or of a map that may leave it to the route. */
static void
fill_number(struct correlate *c, const struct flow_batch *batch, const struct fill *row)
{
	bool by_map = c->by_map & 1U << (row - fills);
	for (unsigned i = 0; i < batch->n; i++) {
		const struct bgp_set *set = c->answer[row->side][i].set;
		uint32_t number = 0;
		if ((!by_map || ask_map(c, flow_at(batch, i), i, row, &number)) && set)
			number = row->value(c, set);
		*(uint32_t *)member(batch, i, row) = number;
	}
}

/* --- what plugins want --- */

/* Whether BGP fills the row in, in this configuration; *map when a map does. */
static bool
row_active(const struct conf *conf, const struct fill *row, bool *map)
{
	*map = false;
	if (row->key < 0)
		return true;
	const char *value = conf_string(conf, CONF_CORE, (enum conf_key)row->key);
	*map = value && row->map && strcmp(value, row->map) == 0;
	return *map || (value && strcmp(value, row->bgp) == 0);
}

/* peer_src_as is there without its key: it is the exporter's then. */
const char *
correlate_missing_key(const struct conf *conf, size_t offset)
{
	bool map;
	for (size_t r = 0; r < ARRAY_SIZE(fills); r++)
		if (fills[r].offset == offset && !row_active(conf, &fills[r], &map) &&
		    fills[r].offset != offsetof(struct flow, peer_src_as))
			return conf_row((enum conf_key)fills[r].key)->name;
	return NULL;
}

/* What a lookup reads of a flow. */
static void
need_inputs(const struct correlate_wants *wants, const struct conf *conf, struct flow_needs *needs)
{
	if (wants->side[0])
		FLOW_NEED(needs, src_host);
	if (wants->side[1]) {
		FLOW_NEED(needs, dst_host);
		/* chooses among the paths of ADD-PATH */
		FLOW_NEED(needs, peer_dst_ip);
		if (conf_bool(conf, CONF_CORE, CONF_use_ip_next_hop))
			FLOW_NEED(needs, ip_next_hop);
	}
	FLOW_NEED(needs, peer_src_ip);
	FLOW_NEED(needs, mpls_vpn_rd);
}

/* What this plugin wants is put together first, since only then is it known whether a lookup is made for it
 * at all and has inputs. */
void
correlate_need(struct correlate_wants *wants, const struct conf *conf, struct network_policy *policy,
	       struct flow_needs *needs)
{
	struct correlate_wants w = {0};
	bool map;
	if (!conf_bool(conf, CONF_CORE, CONF_bgp_daemon))
		return;
	for (unsigned r = 0; r < ARRAY_SIZE(fills); r++) {
		const struct fill *row = &fills[r];
		if (!flow_needed(needs, row->offset, row->n) || !row_active(conf, row, &map))
			continue;
		w.fills |= 1U << r;
		w.side[row->side] = true;
	}
	for (unsigned side = 0; side < 2; side++) {
		w.network[side] = networks_want_routes(policy, side);
		w.side[side] |= w.network[side];
	}
	w.next_hop = w.network[1] && FLOW_NEEDED(needs, peer_dst_ip);
	if (policy->as & NETWORK_ROUTES || conf_is_set(conf, CONF_CORE, CONF_bgp_peer_src_as_type))
		policy->keep_peer_src_as = true;
	if (w.side[0] || w.side[1])
		need_inputs(&w, conf, needs);
	wants->fills |= w.fills;
	wants->next_hop |= w.next_hop;
	for (unsigned side = 0; side < 2; side++) {
		wants->side[side] |= w.side[side];
		wants->network[side] |= w.network[side];
	}
}

/* --- settling --- */

/* An unset key leaves *f as it is: NULL. */
static bool
read_patterns(struct comm_filter **f, const struct conf *conf, enum comm_type type, enum conf_key key,
	      char *err, size_t errlen)
{
	char what[160];
	const char *patterns = conf_string(conf, CONF_CORE, key);
	if (!patterns || (*f = comm_filter_new(type, patterns, what, sizeof(what))))
		return true;
	snprintf(err, errlen, "%s: %s", conf_row(key)->name, what);
	return false;
}

/* Extended communities cannot give AS numbers: there is no such key. */
static bool
read_lists(struct correlate *c, const struct conf *conf, char *err, size_t errlen)
{
	return read_patterns(&c->keep[COMM_STD], conf, COMM_STD, CONF_bgp_stdcomm_pattern, err, errlen) &&
	       read_patterns(&c->keep[COMM_EXT], conf, COMM_EXT, CONF_bgp_extcomm_pattern, err, errlen) &&
	       read_patterns(&c->keep[COMM_LRG], conf, COMM_LRG, CONF_bgp_lrgcomm_pattern, err, errlen) &&
	       read_patterns(&c->to_asn[COMM_STD], conf, COMM_STD, CONF_bgp_stdcomm_pattern_to_asn, err,
			     errlen) &&
	       read_patterns(&c->to_asn[COMM_LRG], conf, COMM_LRG, CONF_bgp_lrgcomm_pattern_to_asn, err,
			     errlen);
}

/* bgp_follow_nexthop: prefixes by commas. */
static bool
read_follow(struct correlate *c, const struct conf *conf, char *err, size_t errlen)
{
	const char *next = conf_string(conf, CONF_CORE, CONF_bgp_follow_nexthop), *item;
	char text[PREFIX_TEXT_MAX];
	for (size_t n; next && (n = conf_list_next(&next, &item));) {
		if (c->follows == FOLLOW_PREFIXES_MAX) {
			snprintf(err, errlen, "bgp_follow_nexthop: more than %d prefixes",
				 FOLLOW_PREFIXES_MAX);
			return false;
		}
		snprintf(text, sizeof(text), "%.*s", n < sizeof(text) ? (int)n : 0, item);
		if (!prefix_parse(&c->follow[c->follows++], text)) {
			snprintf(err, errlen,
				 "bgp_follow_nexthop: '%.*s' is no prefix (such as 192.0.2.0/24)",
				 n > 60 ? 60 : (int)n, item);
			return false;
		}
	}
	return true;
}

/* Which rows maps decide, and what of routes will be read. */
static void
read_rows(struct correlate *c, const struct conf *conf)
{
	bool map;
	for (unsigned r = 0; r < ARRAY_SIZE(fills); r++) {
		if (row_active(conf, &fills[r], &map) && map)
			c->by_map |= 1U << r;
		if (c->wants.fills & 1U << r)
			c->parts[fills[r].side] |= fills[r].parts;
	}
	if (c->wants.next_hop)
		c->parts[1] |= RIB_PART_NEXT_HOP;
	for (unsigned side = 0; side < 2; side++)
		if (c->skip_subas && c->wants.side[side])
			c->parts[side] |= RIB_PART_PATH;
}

/* Everything that a batch needs is allocated here: nothing is, while flows pass. */
struct correlate *
correlate_new(const struct conf *conf, const struct correlate_wants *wants, const struct bgp_sources *sources,
	      const char *labels, char *err, size_t errlen)
{
	struct correlate *c = calloc(1, sizeof(*c));
	snprintf(err, errlen, "no memory for correlation");
	if (!c)
		return NULL;
	c->wants = *wants;
	c->sources = *sources;
	c->ip_next_hop = conf_bool(conf, CONF_CORE, CONF_use_ip_next_hop);
	c->skip_subas = conf_bool(conf, CONF_CORE, CONF_bgp_peer_as_skip_subas);
	c->radius = (unsigned)conf_uint(conf, CONF_CORE, CONF_bgp_aspath_radius);
	c->follow_default = (unsigned)conf_uint(conf, CONF_CORE, CONF_bgp_follow_default);
	c->follow_external = conf_bool(conf, CONF_CORE, CONF_bgp_follow_nexthop_external);
	c->counters = counters_add(counter_desc, CORRELATE_COUNTERS, labels);
	read_rows(c, conf);
	if (c->counters && route_scratch_init(&c->scratch) && read_lists(c, conf, err, errlen) &&
	    read_follow(c, conf, err, errlen))
		return c;
	correlate_free(c);
	return NULL;
}

/* Takes a half-made one too. */
void
correlate_free(struct correlate *c)
{
	if (!c)
		return;
	for (unsigned type = 0; type < COMM_TYPES; type++) {
		comm_filter_free(c->keep[type]);
		comm_filter_free(c->to_asn[type]);
	}
	route_scratch_free(&c->scratch);
	free(c);
}

/* Copied, so that a batch asks without going through another pointer. */
void
correlate_set_maps(struct correlate *c, const struct correlate_maps *maps)
{
	c->maps = *maps;
}

/* --- questions --- */

/* A peer without a session but with routes that may come back is asked for these. */
static struct columns
columns_of(const struct bgp_peer *peer)
{
	struct columns at = {atomic_load_explicit(&peer->slot, memory_order_acquire),
			     atomic_load_explicit(&peer->stale, memory_order_acquire), peer->add_path != 0};
	if (at.slot == RIB_NO_SLOT) {
		at.slot = at.stale;
		at.stale = RIB_NO_SLOT;
	}
	return at;
}

/* The peer that answers for the exporter of f. Flows of one datagram have one exporter, so the last answer
 * is kept; a map may decide by more than the exporter, so it is asked each time. */
static const struct bgp_peer *
peer_of(struct correlate *c, const struct flow *f)
{
	struct addr session;
	uint16_t port = 0;
	if (likely(!c->maps.agent && addr_equal(&f->peer_src_ip, &c->exporter)))
		return c->peer;
	c->exporter = f->peer_src_ip;
	if (!c->maps.agent || !c->maps.agent(c->maps.ctx, f, &session, &port))
		c->peer = bgp_directory_find(c->directory, &f->peer_src_ip);
	else if (port)
		c->peer = bgp_directory_by_address(c->directory, &session, port);
	else
		c->peer = bgp_directory_find(c->directory, &session);
	if (c->peer)
		c->columns = columns_of(c->peer);
	return c->peer;
}

/* Once a batch: the directory may be another one each time, and tables come into being with their first
 * route. */
static void
begin_directory(struct correlate *c)
{
	static const enum bgp_family families[2][2] = {{BGP_IPV4_UNICAST, BGP_IPV6_UNICAST},
						       {BGP_IPV4_LABELED, BGP_IPV6_LABELED}};
	c->directory = readers_load(c->sources.directory);
	c->exporter = (struct addr){.q = {0, 0}};
	c->peer = NULL;
	for (unsigned labeled = 0; labeled < 2; labeled++)
		for (unsigned v6 = 0; v6 < 2; v6++)
			c->table[labeled][v6] = rib_table(c->sources.rib, families[labeled][v6], 0);
	c->vpn_rd[0] = c->vpn_rd[1] = 0;
}

/* Flows of one VPN follow each other. */
static uint32_t
vpn_table(struct correlate *c, bool v6, uint64_t rd)
{
	if (c->vpn_rd[v6] != rd) {
		c->vpn_rd[v6] = rd;
		c->vpn_table[v6] = rib_table(c->sources.rib, v6 ? BGP_IPV6_VPN : BGP_IPV4_VPN, rd);
	}
	return c->vpn_table[v6];
}

/* The VPN of the flow, 0 for the global table. An exporter's VRF number is none that BGP knows. */
static uint64_t
rd_of(const struct correlate *c, struct flow *f)
{
	uint64_t rd;
	if (unlikely(c->maps.rd != NULL) && c->maps.rd(c->maps.ctx, f, &rd)) {
		f->mpls_vpn_rd = rd;
		f->mpls_vpn_rd_origin = RD_ORIGIN_MAP;
	}
	return f->mpls_vpn_rd >> 48 == RD_TYPE_VRFID ? 0 : f->mpls_vpn_rd;
}

/* By which paths under one prefix are told apart. */
static const struct addr *
next_hop_of(const struct correlate *c, const struct flow *f)
{
	if (!addr_is_none(&f->peer_dst_ip))
		return &f->peer_dst_ip;
	return c->ip_next_hop && !addr_is_none(&f->ip_next_hop) ? &f->ip_next_hop : NULL;
}

/* Puts one question; none where there is nobody or nothing to ask. */
static void
ask_table(struct correlate *c, struct place at, const struct addr *address, uint32_t table,
	  struct columns columns, const struct addr *next_hop)
{
	struct rib_query *q = &c->query[c->queries];
	if (table == RIB_TABLE_NONE || columns.slot == RIB_NO_SLOT)
		return;
	q->addr = *address;
	q->table = table;
	q->slot = columns.slot;
	q->stale = columns.stale;
	q->next_hop = next_hop;
	q->parts = c->parts[at.side];
	c->place[c->queries++] = at;
}

/* Unicast before labeled unicast, so that of two equally long prefixes unicast counts. */
static void
ask(struct correlate *c, struct flow *f, unsigned i, unsigned side, struct columns columns)
{
	const struct addr *address = side ? &f->dst_host : &f->src_host;
	const struct addr *next_hop = side && columns.add_path ? next_hop_of(c, f) : NULL;
	struct place at = {(uint8_t)i, (uint8_t)side};
	bool v6 = !addr_is_v4(address);
	uint64_t rd = rd_of(c, f);
	if (addr_is_none(address))
		return;
	if (unlikely(rd)) {
		ask_table(c, at, address, vpn_table(c, v6, rd), columns, next_hop);
		return;
	}
	ask_table(c, at, address, c->table[0][v6], columns, next_hop);
	ask_table(c, at, address, c->table[1][v6], columns, next_hop);
}

/* Looks up what was asked; of what is found for an address the longest prefix goes to `into`. */
static void
look_up(struct correlate *c, struct answer into[2][FLOW_BATCH_MAX])
{
	rib_lookup(c->sources.rib, c->query, c->queries);
	for (unsigned k = 0; k < c->queries; k++) {
		const struct rib_query *q = &c->query[k];
		struct answer *a = &into[c->place[k].side][c->place[k].flow];
		if (q->set && (!a->set || q->len > a->len))
			*a = (struct answer){q->set, q->len};
	}
	c->queries = 0;
}

/* All questions of a batch, and who had no peer to ask. */
static void
ask_all(struct correlate *c, const struct flow_batch *batch)
{
	unsigned unknown = 0;
	c->queries = 0;
	for (unsigned i = 0; i < batch->n; i++) {
		struct flow *f = flow_at(batch, i);
		c->answer[0][i] = c->answer[1][i] = (struct answer){NULL, 0};
		if (!peer_of(c, f)) {
			unknown++;
			continue;
		}
		for (unsigned side = 0; side < 2; side++)
			if (c->wants.side[side])
				ask(c, f, i, side, c->columns);
	}
	counter_add(c->counters, CORRELATE_FLOWS, batch->n - unknown);
	counter_add(c->counters, CORRELATE_NO_PEER, unknown);
}

/* --- following --- */

/* Asks the router that a default route points to, when that is a peer too. */
static void
ask_gateway(struct correlate *c, struct flow *f, unsigned i, unsigned side)
{
	struct addr hop = bgp_store_next_hop(c->sources.store, c->answer[side][i].set);
	const struct bgp_peer *peer = bgp_directory_find(c->directory, &hop);
	if (peer)
		ask(c, f, i, side, columns_of(peer));
}

/* Default routes are followed from router to router. A router that knows nothing leaves the answer as it is.
 */
static void
follow_defaults(struct correlate *c, const struct flow_batch *batch)
{
	uint64_t open[2] = {UINT64_MAX, UINT64_MAX}; /* flows whose last answer is new */
	for (unsigned round = 0; round < c->follow_default; round++) {
		struct answer next[2][FLOW_BATCH_MAX] = {{{NULL, 0}}};
		for (unsigned side = 0; side < 2; side++)
			for (unsigned i = 0; i < batch->n; i++)
				if (c->answer[side][i].set && c->answer[side][i].len == 0 &&
				    open[side] >> i & 1)
					ask_gateway(c, flow_at(batch, i), i, side);
		if (!c->queries)
			return;
		look_up(c, next);
		open[0] = open[1] = 0;
		for (unsigned side = 0; side < 2; side++)
			for (unsigned i = 0; i < batch->n; i++)
				if (next[side][i].set) {
					c->answer[side][i] = next[side][i];
					open[side] |= (uint64_t)1 << i;
				}
	}
}

/* Whether a next hop is within bgp_follow_nexthop. At most 32 prefixes, and few in practice. */
static bool
followed(const struct correlate *c, const struct addr *hop)
{
	for (unsigned k = 0; k < c->follows; k++)
		if (prefix_contains(&c->follow[k], hop))
			return true;
	return false;
}

/* Takes the next hop of what was found for flow i, and asks the router that it is. */
static void
step_to(struct correlate *c, struct flow *f, unsigned i, const struct bgp_set *set)
{
	struct addr hop = bgp_store_next_hop(c->sources.store, set);
	const struct bgp_peer *peer;
	if (!followed(c, &hop)) {
		if (c->follow_external)
			c->exit[i] = hop;
		return;
	}
	c->exit[i] = hop;
	peer = bgp_directory_find(c->directory, &hop);
	if (peer)
		ask(c, f, i, 1, columns_of(peer));
}

/* Next hops are followed from router to router within the prefixes given; what counts is the last one
 * within, or with bgp_follow_nexthop_external the first one outside. Only the next hop changes. */
static void
follow_next_hops(struct correlate *c, const struct flow_batch *batch)
{
	for (unsigned i = 0; i < batch->n; i++) {
		const struct bgp_set *set = c->answer[1][i].set;
		if (!set)
			continue;
		c->exit[i] = bgp_store_next_hop(c->sources.store, set);
		step_to(c, flow_at(batch, i), i, set);
	}
	for (unsigned hops = 1; c->queries && hops < FOLLOW_HOPS_MAX; hops++) {
		struct answer next[2][FLOW_BATCH_MAX] = {{{NULL, 0}}};
		look_up(c, next);
		for (unsigned i = 0; i < batch->n; i++)
			if (next[1][i].set)
				step_to(c, flow_at(batch, i), i, next[1][i].set);
	}
	c->queries = 0;
}

/* --- networks --- */

/* What the policy of networks chooses from. The next hop is copied only when somebody wants it: it is one
 * more place in memory. */
static void
make_network(struct correlate *c, const struct flow *f, unsigned i, unsigned side)
{
	const struct answer *a = &c->answer[side][i];
	struct network *n = &c->network[side][i];
	c->routes[i].side[side] = a->set ? n : NULL;
	if (!a->set)
		return;
	asns_of(c, a->set, &n->peer_as, &n->origin_as);
	n->len = a->len;
	if (side == 0 || !c->wants.next_hop)
		return;
	n->next_hop = c->follows ? c->exit[i] : bgp_store_next_hop(c->sources.store, a->set);
	if (unlikely(c->maps.next_hop != NULL))
		c->maps.next_hop(c->maps.ctx, f, &n->next_hop);
}

/* Counted once a batch, not once a flow. */
static void
count_side(struct correlate *c, const struct flow_batch *batch, unsigned side)
{
	unsigned routed = 0;
	for (unsigned i = 0; i < batch->n; i++)
		routed += c->answer[side][i].set != NULL;
	counter_add(c->counters, side ? CORRELATE_DST_ROUTED : CORRELATE_SRC_ROUTED, routed);
	counter_add(c->counters, side ? CORRELATE_DST_UNROUTED : CORRELATE_SRC_UNROUTED, batch->n - routed);
}

/* Maps may ask for the route to the source, so networks come first. */
void
correlate_begin(struct correlate *c, const struct flow_batch *batch)
{
	readers_begin();
	c->scratch.used = 0;
	begin_directory(c);
	ask_all(c, batch);
	look_up(c, c->answer);
	if (c->follow_default)
		follow_defaults(c, batch);
	if (c->follows && c->wants.next_hop)
		follow_next_hops(c, batch);
	for (unsigned side = 0; side < 2; side++) {
		if (!c->wants.side[side])
			continue;
		count_side(c, batch, side);
		for (unsigned i = 0; (c->wants.network[side] || c->by_map) && i < batch->n; i++)
			make_network(c, flow_at(batch, i), i, side);
	}
	for (uint32_t left = c->wants.fills; left; left &= left - 1) {
		const struct fill *row = &fills[__builtin_ctz(left)];
		row->fill(c, batch, row);
	}
}

/* Valid for flows of the batch, and only where correlate_wants.network says so. */
const struct network_routes *
correlate_routes(const struct correlate *c, unsigned i)
{
	return &c->routes[i];
}

/* What flows point to may go from here on. */
void
correlate_end(struct correlate *c)
{
	(void)c;
	readers_end();
}
