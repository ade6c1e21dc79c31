/* Walks the table of primitives: names, orders, every value from text into a flow, through a key and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <ctype.h>

#include "collector/flow/layout.h"
#include "collector/flow/primitives.h"
#include "collector/flow/value.h"

#define ERR 300

/* What pmacct's parser accepts, with the daemons that can fill each: P captures, N NetFlow, S sFlow. */
static const struct {
	const char *name, *daemons;
} expected[] = {
    /* layer 2 */
    {"src_mac", "PNS"},
    {"dst_mac", "PNS"},
    {"vlan", "PNS"},
    {"in_vlan", "NS"},
    {"out_vlan", "NS"},
    {"in_cvlan", "PNS"},
    {"out_cvlan", "N"},
    {"cos", "PNS"},
    {"etype", "PNS"},
    {"sum_mac", "PNS"},
    /* layer 3 */
    {"src_host", "PNS"},
    {"dst_host", "PNS"},
    {"src_net", "NS"},
    {"dst_net", "NS"},
    {"src_mask", "NS"},
    {"dst_mask", "NS"},
    {"proto", "PNS"},
    {"tos", "PNS"},
    {"flow_label", "NS"},
    {"sum_host", "PNS"},
    {"sum", "PNS"},
    {"sum_net", "NS"},
    {"none", "PNS"},
    /* layer 4 */
    {"src_port", "PNS"},
    {"dst_port", "PNS"},
    {"tcpflags", "PNS"},
    {"sum_port", "PNS"},
    /* routing: captures have it from BGP or files only */
    {"src_as", "NS"},
    {"dst_as", "NS"},
    {"sum_as", "NS"},
    {"std_comm", "S"},
    {"ext_comm", ""},
    {"lrg_comm", ""},
    {"as_path", "S"},
    {"local_pref", "S"},
    {"med", ""},
    {"dst_roa", ""},
    {"src_std_comm", ""},
    {"src_ext_comm", ""},
    {"src_lrg_comm", ""},
    {"src_as_path", ""},
    {"src_local_pref", ""},
    {"src_med", ""},
    {"src_roa", ""},
    {"peer_src_as", "NS"},
    {"peer_dst_as", "NS"},
    {"peer_src_ip", "NS"},
    {"peer_dst_ip", "NS"},
    /* MPLS, VRF, SRv6 */
    {"mpls_label_top", "PN"},
    {"mpls_label_bottom", "PN"},
    {"mpls_label_stack", "N"},
    {"srv6_seg_ipv6_list", "N"},
    {"mpls_vpn_rd", "NS"},
    {"mpls_pw_id", "NS"},
    {"vrf_name", "N"},
    {"ingress_vrf_name", "N"},
    {"egress_vrf_name", "N"},
    {"mpls_stack_depth", "PN"},
    /* interfaces */
    {"in_iface", "PNS"},
    {"out_iface", "PNS"},
    {"in_iface_name", "N"},
    {"out_iface_name", "N"},
    /* translation, firewall, forwarding */
    {"post_nat_src_host", "N"},
    {"post_nat_dst_host", "N"},
    {"post_nat_src_port", "N"},
    {"post_nat_dst_port", "N"},
    {"nat_event", "N"},
    {"fw_event", "N"},
    {"fwd_status", "N"},
    /* tunnels */
    {"tunnel_src_mac", "PS"},
    {"tunnel_dst_mac", "PS"},
    {"tunnel_src_host", "PNS"},
    {"tunnel_dst_host", "PNS"},
    {"tunnel_proto", "PNS"},
    {"tunnel_tos", "PNS"},
    {"tunnel_flow_label", "N"},
    {"tunnel_src_port", "PNS"},
    {"tunnel_dst_port", "PNS"},
    {"tunnel_tcpflags", "PNS"},
    {"vxlan", "PNS"},
    {"nvgre", "N"},
    /* classification and places: by nDPI, options or GeoIP */
    {"class", "N"},
    {"class_frame", ""},
    {"src_host_country", ""},
    {"dst_host_country", ""},
    {"src_host_pocode", ""},
    {"dst_host_pocode", ""},
    {"src_host_coords", ""},
    {"dst_host_coords", ""},
    /* sampling, tags, exporter */
    {"sampling_rate", "PNS"},
    {"sampling_direction", "NS"},
    {"tag", "PNS"},
    {"tag2", "PNS"},
    {"label", "N"},
    {"export_proto_seqno", "NS"},
    {"export_proto_version", "NS"},
    {"export_proto_sysid", "NS"},
    {"path_delay_avg_usec", "N"},
    {"path_delay_min_usec", "N"},
    {"path_delay_max_usec", "N"},
    /* times and counters */
    {"timestamp_start", "N"},
    {"timestamp_end", "N"},
    {"timestamp_arrival", "PNS"},
    {"timestamp_export", "NS"},
    {"flows", "N"},
};

static const char *const automatic[] = {
    "packets",	      "bytes",	       "timestamp_min",	     "timestamp_max",
    "stamp_inserted", "stamp_updated", "mpls_vpn_rd_origin", "src_host_lon",
    "dst_host_lon",
};

/* The names and daemons of the reference's tables, written down apart from the rows under test. */
static void
all_expected_are_there(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		primitive_id id = primitive_find(expected[i].name);
		if (id == PRIMITIVE_NULL || primitive_get(id)->flags & PRIMITIVE_AUTO)
			fail_msg("%s is not accepted", expected[i].name);
		const char *d = expected[i].daemons;
		assert_int_equal(primitive_supplied(id, SUPPLY_PACKET), strchr(d, 'P') != NULL);
		assert_int_equal(primitive_supplied(id, SUPPLY_FLOW), strchr(d, 'N') != NULL);
		assert_int_equal(primitive_supplied(id, SUPPLY_SFLOW), strchr(d, 'S') != NULL);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(automatic); i++) {
		primitive_id id = primitive_find(automatic[i]);
		assert_int_not_equal(id, PRIMITIVE_NULL);
		assert_true(primitive_get(id)->flags & PRIMITIVE_AUTO);
	}
	/* "sum" is a second name of a row, so the list above is one longer than the rows. */
	assert_int_equal(primitive_rows_count, ARRAY_SIZE(expected) - 1 + ARRAY_SIZE(automatic));
	assert_true(primitive_supplied(primitive_find("as_path"), SUPPLY_BGP));
	assert_true(primitive_supplied(primitive_find("src_as"), SUPPLY_NETWORKS));
	assert_true(primitive_supplied(primitive_find("dst_host_country"), SUPPLY_GEOIP));
	assert_true(primitive_supplied(primitive_find("class"), SUPPLY_NDPI));
	assert_true(primitive_supplied(primitive_find("label"), SUPPLY_MAP));
	assert_true(primitive_supplied(primitive_find("src_roa"), SUPPLY_RPKI));
}

/* Rows that share their columns with another on purpose. */
static bool
stands_for_another(const struct primitive *p)
{
	return p->flags & PRIMITIVE_SUM || strcmp(p->name, "class_frame") == 0;
}

/* What a new row must not do: take a name, a key or a rank that exists. */
static void
names_and_ranks_are_unique(void **state)
{
	(void)state;
	for (unsigned i = 0; i < primitive_rows_count; i++) {
		const struct primitive *p = &primitive_rows[i];
		assert_int_equal(primitive_find(p->name), i);
		assert_true(p->help && *p->help);
		assert_true(!p->csv || (p->csv_rank && p->client_rank));
		for (unsigned j = 0; j < i; j++) {
			const struct primitive *q = &primitive_rows[j];
			if (p->csv && q->csv &&
			    (p->csv_rank == q->csv_rank || p->client_rank == q->client_rank))
				fail_msg("%s and %s have one rank", p->name, q->name);
			if (stands_for_another(p) || stands_for_another(q))
				continue;
			if (p->json && q->json && strcmp(p->json, q->json) == 0)
				fail_msg("%s and %s have one JSON key", p->name, q->name);
			if (p->csv && q->csv && strcmp(p->csv, q->csv) == 0)
				fail_msg("%s and %s have one header", p->name, q->name);
			if (p->sql_type && q->sql_type && strcmp(p->sql, q->sql) == 0)
				fail_msg("%s and %s have one SQL column", p->name, q->name);
		}
	}
}

/* The orders as documented; a name with a blank in front of the next one. */
static const char json_order[] =
    "tag tag2 label class mac_src mac_dst vlan vlan_in vlan_out cvlan_in cvlan_out cos etype as_src as_dst "
    "comms ecomms lcomms as_path local_pref med roa_dst peer_as_src peer_as_dst peer_ip_src peer_ip_dst "
    "comms_src ecomms_src lcomms_src as_path_src local_pref_src med_src roa_src iface_in iface_out "
    "mpls_vpn_rd mpls_vpn_rd_origin mpls_pw_id ip_src net_src ip_dst net_dst mask_src mask_dst port_src "
    "port_dst country_ip_src country_ip_dst pocode_ip_src pocode_ip_dst lat_ip_src lon_ip_src lat_ip_dst "
    "lon_ip_dst tcp_flags fwd_status mpls_label_stack srv6_seg_ipv6_list path_delay_avg_usec "
    "path_delay_min_usec path_delay_max_usec ip_proto tos flow_label sampling_rate sampling_direction "
    "post_nat_ip_src post_nat_ip_dst post_nat_port_src post_nat_port_dst nat_event fw_event mpls_label_top "
    "mpls_label_bottom mpls_stack_depth tunnel_mac_src tunnel_mac_dst tunnel_ip_src tunnel_ip_dst "
    "tunnel_ip_proto tunnel_tos tunnel_flow_label tunnel_port_src tunnel_port_dst tunnel_tcp_flags vxlan "
    "nvgre timestamp_start timestamp_end timestamp_arrival timestamp_min timestamp_max export_proto_seqno "
    "export_proto_version export_proto_sysid timestamp_export stamp_inserted stamp_updated flows vrf_name "
    "ingress_vrf_name egress_vrf_name iface_name_in iface_name_out packets bytes ";

static const char csv_order[] =
    "TAG TAG2 LABEL CLASS SRC_MAC DST_MAC VLAN IN_VLAN OUT_VLAN IN_CVLAN OUT_CVLAN COS ETYPE SRC_AS DST_AS "
    "COMMS ECOMMS LCOMMS SRC_COMMS SRC_ECOMMS SRC_LCOMMS AS_PATH SRC_AS_PATH PREF SRC_PREF MED SRC_MED "
    "SRC_ROA DST_ROA PEER_SRC_AS PEER_DST_AS PEER_SRC_IP PEER_DST_IP IN_IFACE OUT_IFACE MPLS_VPN_RD "
    "MPLS_PW_ID VRF_NAME INGRESS_VRF_NAME EGRESS_VRF_NAME IN_IFACE_NAME OUT_IFACE_NAME SRC_IP SRC_NET "
    "DST_IP DST_NET SRC_MASK DST_MASK SRC_PORT DST_PORT TCP_FLAGS PROTOCOL TOS FLOW_LABEL SH_COUNTRY "
    "DH_COUNTRY SH_POCODE DH_POCODE SH_LAT SH_LON DH_LAT DH_LON SAMPLING_RATE SAMPLING_DIRECTION "
    "POST_NAT_SRC_IP POST_NAT_DST_IP POST_NAT_SRC_PORT POST_NAT_DST_PORT NAT_EVENT FW_EVENT FWD_STATUS "
    "MPLS_LABEL_TOP MPLS_LABEL_BOTTOM MPLS_STACK_DEPTH MPLS_LABEL_STACK TUNNEL_SRC_MAC TUNNEL_DST_MAC "
    "TUNNEL_SRC_IP TUNNEL_DST_IP TUNNEL_PROTOCOL TUNNEL_TOS TUNNEL_FLOW_LABEL TUNNEL_SRC_PORT "
    "TUNNEL_DST_PORT TUNNEL_TCP_FLAGS VXLAN NVGRE TIMESTAMP_START TIMESTAMP_END TIMESTAMP_ARRIVAL "
    "TIMESTAMP_EXPORT TIMESTAMP_MIN TIMESTAMP_MAX EXPORT_PROTO_SEQNO EXPORT_PROTO_VERSION "
    "EXPORT_PROTO_SYSID PATH_DELAY_AVG_USEC PATH_DELAY_MIN_USEC PATH_DELAY_MAX_USEC PACKETS FLOWS BYTES ";

static const char client_order[] =
    "TAG TAG2 LABEL CLASS IN_IFACE OUT_IFACE SRC_MAC DST_MAC VLAN OUT_VLAN IN_CVLAN COS ETYPE SRC_AS DST_AS "
    "COMMS SRC_COMMS AS_PATH SRC_AS_PATH PREF SRC_PREF MED SRC_MED SRC_ROA DST_ROA PEER_SRC_AS PEER_DST_AS "
    "PEER_SRC_IP PEER_DST_IP MPLS_VPN_RD MPLS_PW_ID SRC_IP DST_IP SRC_MASK DST_MASK SRC_PORT DST_PORT "
    "TCP_FLAGS PROTOCOL TOS PACKETS FLOWS BYTES ";

/* Follows words; the key of each must be found, and ranks must grow. */
static void
check_order(const char *words, const char *(*key)(const struct primitive *), unsigned (*rank)(primitive_id),
	    unsigned count)
{
	unsigned last = 0, seen = 0;

	for (size_t n; *words; words += n + 1, seen++) {
		n = strcspn(words, " ");
		unsigned i = 0;
		for (; i < primitive_rows_count; i++) {
			const struct primitive *p = &primitive_rows[i];
			const char *k = key(p);
			if (k && !stands_for_another(p) && strlen(k) == n && memcmp(k, words, n) == 0)
				break;
		}
		if (i == primitive_rows_count || rank((primitive_id)i) <= last)
			fail_msg("missing or out of order: %.*s", (int)n, words);
		last = rank((primitive_id)i);
	}
	if (count)
		assert_int_equal(seen, count);
}

static const char *
key_json(const struct primitive *p)
{
	return p->json;
}

static const char *
key_csv(const struct primitive *p)
{
	return p->csv;
}

static unsigned
rank_csv(primitive_id id)
{
	return primitive_get(id)->csv_rank;
}

static unsigned
rank_client(primitive_id id)
{
	return primitive_get(id)->client_rank;
}

/* How many rows have such a key at all. */
static unsigned
count_rows(const char *(*key)(const struct primitive *))
{
	unsigned n = 0;
	for (unsigned i = 0; i < primitive_rows_count; i++)
		n += key(&primitive_rows[i]) && !stands_for_another(&primitive_rows[i]);
	return n;
}

/* The orders of the reference, section 3, copied by hand; rows that are missing there are counted. */
static void
orders_are_as_documented(void **state)
{
	(void)state;
	check_order(json_order, key_json, primitive_json_rank, count_rows(key_json));
	check_order(csv_order, key_csv, rank_csv, count_rows(key_csv));
	check_order(client_order, key_csv, rank_client, 0);
}

/* Rows name each other by text: each name must exist, and widths and members must fit. */
static void
references_between_rows_hold(void **state)
{
	(void)state;
	struct flow_needs needs;

	for (unsigned i = 0; i < primitive_rows_count; i++) {
		const struct primitive *p = &primitive_rows[i];
		if (p->flags & PRIMITIVE_SUM) {
			const struct primitive *s = primitive_get(primitive_find(p->sum_source));
			const struct primitive *d = primitive_get(primitive_find(p->sum_destination));
			assert_int_equal(s->offset, p->offset);
			assert_int_equal(s->width, p->width);
			assert_int_equal(d->width, p->width);
			assert_string_equal(p->json, s->json);
		}
		assert_int_equal((p->flags & PRIMITIVE_COUNTER) != 0, p->merge != MERGE_NONE);
		assert_true(!(p->flags & PRIMITIVE_COUNTER) || p->width == sizeof(uint64_t));
		memset(&needs, 0, sizeof(needs));
		primitive_need(&needs, (primitive_id)i); /* finds every name in inputs, also, sum_* */
	}
	memset(&needs, 0, sizeof(needs));
	primitive_need(&needs, primitive_find("src_net"));
	assert_true(FLOW_NEEDED(&needs, src_net) && FLOW_NEEDED(&needs, src_host) &&
		    FLOW_NEEDED(&needs, src_mask));
	assert_false(FLOW_NEEDED(&needs, dst_host));
	assert_true(needs.extent >= offsetof(struct flow, src_net) + sizeof(struct addr));
	memset(&needs, 0, sizeof(needs));
	primitive_need(&needs, primitive_find("sum_port"));
	assert_true(FLOW_NEEDED(&needs, src_port) && FLOW_NEEDED(&needs, dst_port));
}

/* A text for each type, and the bytes it must become. */
#define BYTES(s) (const uint8_t *)(s), sizeof(s) - 1
static const struct sample {
	enum value_type type;
	const char *text;
	const uint8_t *bytes; /* NULL: a number */
	size_t len;
	uint64_t number;
} samples[] = {
    {VALUE_UINT, "201", NULL, 0, 201},
    {VALUE_ADDR, "192.0.2.7", BYTES("\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\7"), 0},
    {VALUE_ADDR, "2001:db8::1", BYTES("\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"), 0},
    {VALUE_MAC, "00:1b:2C:3d:4e:f", BYTES("\0\x1b\x2c\x3d\x4e\x0f"), 0},
    {VALUE_ETYPE, "86dd", NULL, 0, 0x86dd},
    {VALUE_PROTO, "UDP", BYTES("\x11"), 0},
    {VALUE_PROTO, "77", BYTES("\x4d"), 0},
    {VALUE_TCPFLAGS, "18", NULL, 0, 18},
    {VALUE_FWDSTATUS, "64", BYTES("\x40"), 0},
    {VALUE_CHAR, "v", BYTES("v"), 0},
    {VALUE_TIME, "1677577599.25", NULL, 0, 1677577599250000},
    {VALUE_TIME, "2023-02-28T09:46:39.000001Z", NULL, 0, 1677577599000001},
    {VALUE_TIME, "2023-02-28T11:46:39.5+02:00", NULL, 0, 1677577599500000},
    {VALUE_TIME, "2023-02-28 09:46:39", NULL, 0, 1677577599000000}, /* local time: TZ is UTC here */
    {VALUE_TIME, "0000-00-00 00:00:00.000000", NULL, 0, 0},
    {VALUE_STAMP, "2023-02-28 09:46:00", NULL, 0, 1677577560},
    {VALUE_RD, "0:65000:100", NULL, 0, 0x0000fde800000064},
    {VALUE_RD, "1:192.0.2.1:5", NULL, 0, 0x0001c00002010005},
    {VALUE_RD, "2:4200000000:7", NULL, 0, 0x0002fa56ea000007},
    {VALUE_RD, "2:100:7", NULL, 0, 0x0002000000640007},
    {VALUE_RD, "vrfid:9", NULL, 0, 0xffff000000000009},
    {VALUE_RD_ORIGIN, "flow", BYTES("\3"), 0},
    {VALUE_TEXT, "blue-vrf", BYTES("blue-vrf"), 0},
    {VALUE_LABEL, "nkey%1,pkey%2", BYTES("nkey%1,pkey%2"), 0},
    {VALUE_AS_PATH, "1_2_{3_4}", BYTES("\2\2\1\0\0\0\2\0\0\0\1\2\3\0\0\0\4\0\0\0"), 0},
    {VALUE_AS_PATH, "(5 6) 7", BYTES("\3\2\5\0\0\0\6\0\0\0\2\1\7\0\0\0"), 0},
    {VALUE_STD_COMM, "1:2_no-export", BYTES("\2\0\1\0\1\xff\xff\xff"), 0},
    {VALUE_STD_COMM, "internet_blackhole", BYTES("\0\0\0\0\x9a\2\xff\xff"), 0},
    {VALUE_EXT_COMM, "RT:1:2 SoO:192.0.2.1:5", BYTES("\0\2\0\1\0\0\0\2\1\3\xc0\0\2\1\0\5"), 0},
    {VALUE_EXT_COMM, "RT:70000:2", BYTES("\2\2\0\1\x11\x70\0\2"), 0},
    {VALUE_LRG_COMM, "1:2:3", BYTES("\1\0\0\0\2\0\0\0\3\0\0\0"), 0},
    {VALUE_MPLS_STACK, "16,1048575", BYTES("\x10\0\0\0\xff\xff\x0f\0"), 0},
    {VALUE_SEGMENTS, "2001:db8::1,::2",
     BYTES("\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2"), 0},
    {VALUE_DOUBLE, "1.5", BYTES("\0\0\0\0\0\0\xf8\x3f"), 0}, /* IEEE 754, as all little-endian hosts */
    {VALUE_TEXT_FIXED, "de", BYTES("de"), 0},
};

/* The value as a decoder would have stored it. */
static void
put_flow(struct flow *f, const struct primitive *p, const uint8_t *v, size_t len)
{
	struct flow_bytes b = {v, (uint32_t)len};

	if (p->flags & PRIMITIVE_VLEN)
		memcpy((uint8_t *)f + p->offset, &b, sizeof(b));
	else
		memcpy((uint8_t *)f + p->offset, v, len);
}

/* Packs a flow that holds value v of row id and nothing else, and compares what the key then says. */
static void
check_through_key(primitive_id id, const uint8_t *v, size_t len)
{
	const struct primitive *p = primitive_get(id);
	struct aggregate a = {.id = {id}, .n = 1};
	struct layout l;
	struct flow f;
	uint8_t out[LAYOUT_VALUE_MAX + 256];
	char err[ERR];
	size_t n;

	assert_true(layout_compile(&l, &a, &(struct layout_options){0}, err, sizeof(err)));
	assert_in_range(l.max_record, 1, sizeof(out));
	memset(&f, 0, sizeof(f));
	put_flow(&f, p, v, len);
	size_t size = layout_pack(&l, &f, out);
	assert_true(layout_records_valid(&l, out, size, 1));
	if (p->flags & PRIMITIVE_COUNTER) {
		for (unsigned i = 0; i < l.counters; i++)
			if (l.counter[i].id == id)
				assert_memory_equal(out + layout_key_size(&l, out) + 8 * i, v, 8);
		return;
	}
	const uint8_t *back = layout_value(&l, layout_find(&l, id), out, &n);
	assert_int_equal(n, len);
	assert_memory_equal(back, v, n);
}

/* Text to bytes, and the bytes through a key and back. */
static void
check_sample(primitive_id id, const struct sample *s)
{
	const struct primitive *p = primitive_get(id);
	uint8_t want[64] = {0}, got[64];
	size_t len, width = s->bytes ? s->len : p->width;
	char err[ERR] = "";

	memcpy(want, s->bytes ? s->bytes : (const uint8_t *)&s->number, s->bytes ? s->len : 8);
	if (p->type == VALUE_TEXT_FIXED)
		width = p->width;
	if (!value_parse(p, s->text, got, sizeof(got), &len, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(len, width);
	assert_memory_equal(got, want, len);
	if (p->type != VALUE_STAMP)
		check_through_key(id, got, len);
}

/* Walks the table, so a new row is tested before anybody writes a test for it. */
static void
every_row_reads_packs_and_reads_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < primitive_rows_count; i++) {
		const struct primitive *p = &primitive_rows[i];
		unsigned tried = 0;
		for (unsigned k = 0; k < ARRAY_SIZE(samples); k++)
			if (samples[k].type == p->type) {
				check_sample((primitive_id)i, &samples[k]);
				tried++;
			}
		if (!tried && p->type != VALUE_NONE)
			fail_msg("no sample for %s", p->name);
	}
}

/* One step outside of each type's range or grammar. */
static void
wrong_texts_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *name, *text;
	} wrong[] = {
	    {"src_port", "65536"},
	    {"src_port", "-1"},
	    {"src_port", ""},
	    {"src_port", "1x"},
	    {"tag", "18446744073709551616"},
	    {"src_host", "192.0.2"},
	    {"src_mac", "1:2:3:4:5"},
	    {"src_mac", "1:2:3:4:5:6:7"},
	    {"etype", "1ffff"},
	    {"etype", ""},
	    {"proto", "tcpx"},
	    {"proto", "256"},
	    {"src_roa", "vv"},
	    {"src_host_country", "deu"},
	    {"timestamp_start", "yesterday"},
	    {"timestamp_start", "2023-13-01 00:00:00"},
	    {"mpls_vpn_rd", "1:65000:1"},
	    {"mpls_vpn_rd", "0:70000:1"},
	    {"mpls_vpn_rd", "vrfid:"},
	    {"as_path", "{1"},
	    {"as_path", "1)"},
	    {"as_path", "4294967296"},
	    {"std_comm", "70000:1"},
	    {"std_comm", "1:2x"},
	    {"ext_comm", "RT:1"},
	    {"lrg_comm", "1:2"},
	    {"mpls_label_stack", "1048576"},
	    {"src_host_coords", "1,5"},
	    {"none", "1"},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		uint8_t out[64];
		size_t len;
		char err[ERR] = "";
		if (value_parse(primitive_get(primitive_find(wrong[i].name)), wrong[i].text, out, sizeof(out),
				&len, err, sizeof(err)))
			fail_msg("%s takes '%s'", wrong[i].name, wrong[i].text);
		assert_non_null(strstr(err, wrong[i].name));
	}
	uint8_t small[7];
	size_t len;
	char err[ERR];
	assert_false(value_parse(primitive_get(primitive_find("as_path")), "1 2", small, sizeof(small), &len,
				 err, sizeof(err)));
	assert_false(value_parse(primitive_get(primitive_find("label")), "12345678", small, sizeof(small),
				 &len, err, sizeof(err)));
}

/* More than 255 AS numbers need a second segment of the same type. */
static void
long_paths_are_split(void **state)
{
	(void)state;
	char text[300 * 2 + 1], err[ERR];
	uint8_t out[2 + 300 * 4 + 2];
	size_t len;

	for (unsigned i = 0; i < 300; i++)
		memcpy(text + 2 * i, "7 ", 3);
	assert_true(value_parse(primitive_get(primitive_find("as_path")), text, out, sizeof(out), &len, err,
				sizeof(err)));
	assert_int_equal(len, sizeof(out));
	assert_int_equal(out[1], 255);
	assert_int_equal(out[2 + 255 * 4], 2);
	assert_int_equal(out[2 + 255 * 4 + 1], 45);
	assert_int_equal(value_cut(VALUE_AS_PATH, out, len, 1024), 2 + 255 * 4);
}

/* By hand: 1020 = 85 large communities of 12 bytes, 1016 = 127 extended ones of 8; a letter of three bytes
 * is kept whole or not at all. */
static void
cutting_keeps_elements_whole(void **state)
{
	(void)state;
	const uint8_t letters[] = "ab\xe2\x82\xac"
				  "cd"; /* a euro sign of three bytes */
	assert_int_equal(value_cut(VALUE_TEXT, letters, 7, 5), 5);
	assert_int_equal(value_cut(VALUE_TEXT, letters, 7, 4), 2);
	assert_int_equal(value_cut(VALUE_TEXT, letters, 7, 3), 2);
	assert_int_equal(value_cut(VALUE_TEXT, letters, 7, 2), 2);
	assert_int_equal(value_cut(VALUE_TEXT, letters, 7, 7), 7);
	assert_int_equal(value_cut(VALUE_LRG_COMM, letters, 2000, 1024), 1020);
	assert_int_equal(value_cut(VALUE_EXT_COMM, letters, 2000, 1023), 1016);
}

/* A sample of the reference's list, and that every name reads back as its number. */
static void
protocols_have_fixed_names(void **state)
{
	(void)state;
	uint8_t v;
	assert_string_equal(proto_name(6), "tcp");
	assert_string_equal(proto_name(58), "ipv6-icmp");
	assert_string_equal(proto_name(108), "IPcomp");
	assert_string_equal(proto_name(255), "others");
	assert_null(proto_name(0));
	assert_null(proto_name(5));
	for (unsigned i = 0; i < 256; i++)
		if (proto_name((uint8_t)i)) {
			assert_true(proto_parse(&v, proto_name((uint8_t)i)));
			assert_int_equal(v, i);
		}
	assert_true(proto_parse(&v, "0") && v == 0);
	assert_false(proto_parse(&v, "") || proto_parse(&v, "-6") || proto_parse(&v, "6 "));
}

/* --- aggregate --- */

/* Blanks, case, empty words, an alias; and a text that is cut to the room there is. */
static void
aggregate_accepts(void **state)
{
	(void)state;
	struct aggregate a;
	char err[ERR], out[100];

	assert_true(aggregate_parse(&a, " src_host,DST_Host ,,\tProto,", err, sizeof(err)));
	aggregate_format(&a, out, sizeof(out));
	assert_string_equal(out, "src_host,dst_host,proto");
	assert_string_equal(a.warning, "");
	assert_true(aggregate_has(&a, primitive_find("proto")));
	assert_false(aggregate_has(&a, primitive_find("tos")));
	aggregate_format(&a, out, 12);
	assert_string_equal(out, "src_host,ds");
	assert_true(aggregate_parse(&a, "sum", err, sizeof(err)));
	aggregate_format(&a, out, sizeof(out));
	assert_string_equal(out, "sum_host");
}

/* Each message names the word, and what to do about it. */
static void
aggregate_refuses(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message;
	} wrong[] = {
	    {"src_host,src_hots", "did you mean 'src_host'"},
	    {"xyzzy_plugh_frob", "unknown primitive 'xyzzy_plugh_frob'"},
	    {"proto,tos,PROTO", "'proto' stands twice"},
	    {"packets", "cannot be asked for"},
	    {"stamp_inserted", "cannot be asked for"},
	    {" , ,", "names no primitive"},
	    {"", "names no primitive"},
	};
	struct aggregate a;

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		char err[ERR] = "";
		assert_false(aggregate_parse(&a, wrong[i].text, err, sizeof(err)));
		if (!strstr(err, wrong[i].message))
			fail_msg("'%s' says: %s", wrong[i].text, err);
	}
}

static void
sums_stand_alone(void **state)
{
	(void)state;
	struct aggregate a;
	char err[ERR], out[100];

	/* What pmacct 1.7.7 kept and dropped when asked. */
	assert_true(
	    aggregate_parse(&a,
			    "tag,sum_host,sum_port,src_as,std_comm,src_mac,timestamp_start,label,flows,"
			    "tcpflags,in_iface,class,sampling_rate,nat_event",
			    err, sizeof(err)));
	aggregate_format(&a, out, sizeof(out));
	assert_string_equal(out, "tag,sum_host,timestamp_start,label,flows,class,sampling_rate,nat_event");
	assert_non_null(
	    strstr(a.warning, "left out: sum_port, src_as, std_comm, src_mac, tcpflags, in_iface"));
	assert_true(aggregate_parse(&a, "sum_as,tag2", err, sizeof(err)));
	assert_string_equal(a.warning, "");
}

/* --- custom primitives: last, because they stay --- */

/* A custom primitive of each semantics goes through parsing and keys as built-in rows do. */
static void
custom_rows_are_rows(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		unsigned len;
		enum custom_semantics semantics;
		const char *text;
		const uint8_t *bytes;
		size_t bytes_len;
	} custom[] = {
	    {"my_u8", 1, CUSTOM_UINT, "200", BYTES("\xc8")},
	    {"my_u16", 2, CUSTOM_UINT, "513", BYTES("\1\2")},
	    {"my_u32", 4, CUSTOM_UINT, "1", BYTES("\1\0\0\0")},
	    {"my_u64", 8, CUSTOM_UINT, "2", BYTES("\2\0\0\0\0\0\0\0")},
	    {"my_hex", 3, CUSTOM_HEX, "0a0B0c", BYTES("\x0a\x0b\x0c")},
	    {"my_v4", 4, CUSTOM_IP, "192.0.2.1", BYTES("\xc0\0\2\1")},
	    {"my_v6", 16, CUSTOM_IP, "2001:db8::1", BYTES("\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1")},
	    {"my_mac", 6, CUSTOM_MAC, "1:2:3:4:5:6", BYTES("\1\2\3\4\5\6")},
	    {"my_str", 5, CUSTOM_STR, "abc", BYTES("abc\0\0")},
	    {"my_text", 0, CUSTOM_STR, "any length", BYTES("any length")},
	    {"my_raw", 0, CUSTOM_RAW, "de:ad:be:ef", BYTES("\xde\xad\xbe\xef")},
	};
	uint8_t got[64];
	size_t len;
	char err[ERR] = "";

	for (unsigned i = 0; i < ARRAY_SIZE(custom); i++) {
		primitive_id id = primitive_add_custom(custom[i].name, custom[i].len, custom[i].semantics,
						       err, sizeof(err));
		assert_int_equal(id, primitive_rows_count + i);
		assert_int_equal(primitive_find(custom[i].name), id);
		if (!value_parse(primitive_get(id), custom[i].text, got, sizeof(got), &len, err, sizeof(err)))
			fail_msg("%s", err);
		assert_int_equal(len, custom[i].bytes_len);
		assert_memory_equal(got, custom[i].bytes, len);
		check_through_key(id, got, len);
		assert_in_range(primitive_json_rank(id),
				primitive_json_rank(primitive_find("timestamp_export")) + 1,
				primitive_json_rank(primitive_find("stamp_inserted")) - 1);
		assert_in_range(primitive_get(id)->csv_rank,
				primitive_get(primitive_find("path_delay_max_usec"))->csv_rank + 1u,
				primitive_get(primitive_find("packets"))->csv_rank - 1u);
	}
	struct aggregate a;
	assert_true(aggregate_parse(&a, "src_host, MY_u32", err, sizeof(err)));
}

/* Names that are taken, lengths that do not fit the semantics, and more rows or bytes than there is room
 * for: refused, and nothing is added. */
static void
custom_rows_have_bounds(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		unsigned len;
		enum custom_semantics semantics;
	} wrong[] = {
	    {"src_host", 4, CUSTOM_UINT},  {"my_u8", 1, CUSTOM_UINT},  {"new_u3", 3, CUSTOM_UINT},
	    {"new_ip", 5, CUSTOM_IP},	   {"new_mac", 7, CUSTOM_MAC}, {"new_u", 0, CUSTOM_UINT},
	    {"new_long", 256, CUSTOM_STR}, {"", 4, CUSTOM_UINT},
	};
	char err[ERR] = "", name[24];
	unsigned before = primitive_count();

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		*err = '\0';
		assert_int_equal(
		    primitive_add_custom(wrong[i].name, wrong[i].len, wrong[i].semantics, err, sizeof(err)),
		    PRIMITIVE_NULL);
		assert_string_not_equal(err, "");
	}
	assert_int_equal(primitive_count(), before);
	assert_int_equal(
	    primitive_add_custom("too_wide", FLOW_CUSTOM_BYTES - 1, CUSTOM_RAW, err, sizeof(err)),
	    PRIMITIVE_NULL);
	for (unsigned i = 0; primitive_count() < primitive_rows_count + PRIMITIVES_CUSTOM_MAX; i++) {
		snprintf(name, sizeof(name), "filler%u", i);
		assert_int_not_equal(primitive_add_custom(name, 1, CUSTOM_UINT, err, sizeof(err)),
				     PRIMITIVE_NULL);
	}
	assert_int_equal(primitive_add_custom("one_more", 1, CUSTOM_UINT, err, sizeof(err)), PRIMITIVE_NULL);
	assert_non_null(strstr(err, "64"));
}

/* Both lists have all names of the reference; sum is an alias and has no line. */
static void
lists_name_every_primitive(void **state)
{
	(void)state;
	struct text plain = {0}, mdoc = {0};

	primitives_list(&plain);
	primitives_list_mdoc(&mdoc);
	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		const char *name = expected[i].name;
		if (strcmp(name, "sum") == 0)
			continue;
		assert_non_null(strstr(text_cstr(&plain), name));
		assert_non_null(strstr(text_cstr(&mdoc), name));
	}
	text_free(&plain);
	text_free(&mdoc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_expected_are_there),
	    cmocka_unit_test(names_and_ranks_are_unique),
	    cmocka_unit_test(orders_are_as_documented),
	    cmocka_unit_test(references_between_rows_hold),
	    cmocka_unit_test(every_row_reads_packs_and_reads_back),
	    cmocka_unit_test(wrong_texts_are_refused),
	    cmocka_unit_test(long_paths_are_split),
	    cmocka_unit_test(cutting_keeps_elements_whole),
	    cmocka_unit_test(protocols_have_fixed_names),
	    cmocka_unit_test(aggregate_accepts),
	    cmocka_unit_test(aggregate_refuses),
	    cmocka_unit_test(sums_stand_alone),
	    cmocka_unit_test(custom_rows_are_rows),
	    cmocka_unit_test(custom_rows_have_bounds),
	    cmocka_unit_test(lists_name_every_primitive),
	};
	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
