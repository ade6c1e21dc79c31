/* Rows as text. Unless a test says otherwise, expected lines are what Debian's pmacct 1.7.7 printed for the
 * same exported records, with the differences that are meant: counters are never negative, tcp_flags is a
 * number in JSON, mpls_vpn_rd comes with its origin, longitudes have their own key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <time.h>

#include "collector/base/clock.h"
#include "collector/flow/format_column.h"
#include "collector/flow/value.h"

#define START 1677577599123000ULL /* 2023-02-28 09:46:39.123 UTC */
#define END   1677577600456000ULL

/* --- from a flow to its text --- */

struct printer {
	struct layout layout;
	struct format *format;
	struct text text;
	size_t vars; /* bytes of the last row's variable values, with what stands around them */
};

/* From the text of aggregate to a formatter, as a plugin goes. */
static void
printer_open_layout(struct printer *p, const char *aggregate, const struct format_options *o,
		    const struct layout_options *lo)
{
	char err[256] = "";
	struct aggregate a;
	*p = (struct printer){0};
	if (!aggregate_parse(&a, aggregate, err, sizeof(err)) ||
	    !layout_compile(&p->layout, &a, lo, err, sizeof(err)))
		fail_msg("%s", err);
	p->format = format_new(&p->layout, o, err, sizeof(err));
	if (!p->format)
		fail_msg("%s", err);
}

static void
printer_open(struct printer *p, const char *aggregate, const struct format_options *o)
{
	printer_open_layout(p, aggregate, o, &(struct layout_options){0});
}

/* One more line. The record has the room that layout_pack asks for and no more, so that a sanitizer sees what
 * goes beyond. */
static void
printer_row(struct printer *p, const struct flow *f)
{
	uint8_t *record = malloc(p->layout.max_record);
	assert_non_null(record);
	layout_pack(&p->layout, f, record);
	if (p->layout.bin_offset)
		layout_set_bin(&p->layout, record, START / US_PER_S / 60 * 60);
	p->vars = layout_key_size(&p->layout, record) - p->layout.fixed_size;
	format_row(p->format, record, END, &p->text);
	free(record);
}

static void
printer_close(struct printer *p)
{
	format_free(p->format);
	text_free(&p->text);
}

/* One flow, one line. */
static void
check_options(const char *aggregate, const struct format_options *o, const struct flow *f, const char *want)
{
	struct printer p;
	printer_open(&p, aggregate, o);
	printer_row(&p, f);
	assert_string_equal(text_cstr(&p.text), want);
	printer_close(&p);
}

static void
check_json(const char *aggregate, const struct flow *f, const char *want)
{
	check_options(aggregate, &(struct format_options){.kind = FORMAT_JSON}, f, want);
}

static void
check_csv(const char *aggregate, const struct flow *f, const char *want)
{
	check_options(aggregate, &(struct format_options){.kind = FORMAT_CSV}, f, want);
}

static struct addr
addr_of(const char *text)
{
	struct addr a;
	assert_true(addr_parse(&a, text));
	return a;
}

static struct flow_bytes
bytes_of(const char *text)
{
	return (struct flow_bytes){(const uint8_t *)text, (uint32_t)strlen(text)};
}
#define BYTES(array) ((struct flow_bytes){(const uint8_t *)(array), sizeof(array)})

/* The first record sent to pmacct: all of IPFIX that its table has room for. */
static struct flow
first_record(void)
{
	struct flow f = {
	    .src_host = addr_of("10.0.0.1"),
	    .dst_host = addr_of("192.168.200.255"),
	    .src_net = addr_of("10.0.0.0"),
	    .dst_net = addr_of("192.168.200.255"),
	    .src_port = 65535,
	    .dst_port = 53,
	    .proto = 6,
	    .tcp_flags = 18,
	    .tos = 184,
	    .cos = 5,
	    .etype = 0x800,
	    .src_mask = 24,
	    .dst_mask = 32,
	    .in_iface = 4294967295,
	    .out_iface = 3,
	    .src_as = 4200000000,
	    .dst_as = 65001,
	    .peer_src_as = 65200,
	    .peer_dst_as = 65100,
	    .peer_src_ip = addr_of("127.0.0.1"),
	    .src_mac = {0x00, 0x11, 0x22, 0xaa, 0xbb, 0xcc},
	    .dst_mac = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	    .mpls_vpn_rd = 65000ULL << 32 | 100,
	    .mpls_label_top = 69,
	    .mpls_label_bottom = 24305,
	    .sampling_rate = 1000,
	    .sampling_direction = 'e',
	    .post_nat_src_host = addr_of("100.64.0.1"),
	    .post_nat_dst_host = addr_of("100.64.0.2"),
	    .post_nat_src_port = 1024,
	    .post_nat_dst_port = 2048,
	    .timestamp_start = START,
	    .timestamp_end = END,
	    .timestamp_arrival = 1795182621067518,
	    .timestamp_export = 1677577633000000,
	    .export_proto_seqno = 1,
	    .export_proto_version = 10,
	    .export_proto_sysid = 7,
	    .packets = 30,
	    .bytes = 3000,
	    .flows = 1,
	};
	return f;
}

#define FULL                                                                                                 \
	"tag,tag2,src_mac,dst_mac,vlan,cos,etype,src_as,dst_as,local_pref,med,peer_src_as,peer_dst_as,"      \
	"peer_src_ip,peer_dst_ip,in_iface,out_iface,mpls_vpn_rd,mpls_pw_id,src_host,dst_host,src_net,"       \
	"dst_net,src_mask,dst_mask,src_port,dst_port,tcpflags,proto,tos,sampling_rate,sampling_direction,"   \
	"post_nat_src_host,post_nat_dst_host,post_nat_src_port,post_nat_dst_port,nat_event,mpls_label_top,"  \
	"mpls_label_bottom,vxlan,timestamp_start,timestamp_end,timestamp_arrival,timestamp_export,"          \
	"export_proto_seqno,export_proto_version,export_proto_sysid,flows,class,src_host_country,"           \
	"dst_host_country,src_host_pocode,src_host_coords,dst_host_coords,tunnel_src_mac,tunnel_dst_mac,"    \
	"tunnel_src_host,tunnel_dst_host,tunnel_proto,tunnel_tos,tunnel_src_port,tunnel_dst_port"

/* --- whole rows, as pmacct printed them --- */

/* The whole line, so that order, blanks, quotes and absent values are all compared. */
static void
json_of_everything(void **state)
{
	(void)state;
	struct flow f = first_record();
	f.kind = FLOW_KIND_EVENT;
	check_options(
	    FULL, &(struct format_options){.kind = FORMAT_JSON, .event_type = "purge"}, &f,
	    "{\"event_type\": \"purge\", \"tag\": 0, \"tag2\": 0, \"class\": \"unknown\", \"mac_src\": "
	    "\"00:11:22:aa:bb:cc\", \"mac_dst\": \"ff:ff:ff:ff:ff:ff\", \"vlan\": 0, \"cos\": 5, \"etype\": "
	    "\"800\", \"as_src\": 4200000000, \"as_dst\": 65001, \"local_pref\": 0, \"med\": 0, "
	    "\"peer_as_src\": 65200, \"peer_as_dst\": 65100, \"peer_ip_src\": \"127.0.0.1\", "
	    "\"peer_ip_dst\": \"\", \"iface_in\": 4294967295, \"iface_out\": 3, \"mpls_vpn_rd\": "
	    "\"0:65000:100\", \"mpls_vpn_rd_origin\": \"unknown\", \"mpls_pw_id\": 0, \"ip_src\": "
	    "\"10.0.0.1\", \"net_src\": \"10.0.0.0\", \"ip_dst\": \"192.168.200.255\", \"net_dst\": "
	    "\"192.168.200.255\", \"mask_src\": 24, \"mask_dst\": 32, \"port_src\": 65535, \"port_dst\": 53, "
	    "\"country_ip_src\": \"\", \"country_ip_dst\": \"\", \"pocode_ip_src\": \"\", \"lat_ip_src\": "
	    "0.0, \"lon_ip_src\": 0.0, \"lat_ip_dst\": 0.0, \"lon_ip_dst\": 0.0, \"tcp_flags\": 18, "
	    "\"ip_proto\": \"tcp\", \"tos\": 184, \"sampling_rate\": 1000, \"sampling_direction\": \"e\", "
	    "\"post_nat_ip_src\": \"100.64.0.1\", \"post_nat_ip_dst\": \"100.64.0.2\", "
	    "\"post_nat_port_src\": 1024, \"post_nat_port_dst\": 2048, \"nat_event\": 0, \"mpls_label_top\": "
	    "69, \"mpls_label_bottom\": 24305, \"tunnel_mac_src\": \"00:00:00:00:00:00\", "
	    "\"tunnel_mac_dst\": \"00:00:00:00:00:00\", \"tunnel_ip_src\": \"\", \"tunnel_ip_dst\": \"\", "
	    "\"tunnel_ip_proto\": \"0\", \"tunnel_tos\": 0, \"tunnel_port_src\": 0, \"tunnel_port_dst\": 0, "
	    "\"vxlan\": 0, \"timestamp_start\": \"2023-02-28 09:46:39.123000\", \"timestamp_end\": "
	    "\"2023-02-28 09:46:40.456000\", \"timestamp_arrival\": \"2026-11-20 13:50:21.067518\", "
	    "\"export_proto_seqno\": 1, \"export_proto_version\": 10, \"export_proto_sysid\": 7, "
	    "\"timestamp_export\": \"2023-02-28 09:47:13.000000\"}\n");
}

/* Header and row of the same record. */
static void
csv_of_everything(void **state)
{
	(void)state;
	struct flow f = first_record();
	struct printer p;
	f.kind = FLOW_KIND_EVENT; /* in CSV that makes no difference */
	printer_open(&p, FULL, &(struct format_options){.kind = FORMAT_CSV, .event_type = "purge"});
	format_header(p.format, &p.text);
	printer_row(&p, &f);
	assert_string_equal(
	    text_cstr(&p.text),
	    "TAG,TAG2,CLASS,SRC_MAC,DST_MAC,VLAN,COS,ETYPE,SRC_AS,DST_AS,PREF,MED,PEER_SRC_AS,PEER_DST_AS,"
	    "PEER_SRC_IP,PEER_DST_IP,IN_IFACE,OUT_IFACE,MPLS_VPN_RD,MPLS_PW_ID,SRC_IP,SRC_NET,DST_IP,DST_NET,"
	    "SRC_MASK,DST_MASK,SRC_PORT,DST_PORT,TCP_FLAGS,PROTOCOL,TOS,SH_COUNTRY,DH_COUNTRY,SH_POCODE,SH_"
	    "LAT,SH_LON,DH_LAT,DH_LON,SAMPLING_RATE,SAMPLING_DIRECTION,POST_NAT_SRC_IP,POST_NAT_DST_IP,POST_"
	    "NAT_SRC_PORT,POST_NAT_DST_PORT,NAT_EVENT,MPLS_LABEL_TOP,MPLS_LABEL_BOTTOM,TUNNEL_SRC_MAC,TUNNEL_"
	    "DST_MAC,TUNNEL_SRC_IP,TUNNEL_DST_IP,TUNNEL_PROTOCOL,TUNNEL_TOS,TUNNEL_SRC_PORT,TUNNEL_DST_PORT,"
	    "VXLAN,TIMESTAMP_START,TIMESTAMP_END,TIMESTAMP_ARRIVAL,TIMESTAMP_EXPORT,EXPORT_PROTO_SEQNO,"
	    "EXPORT_PROTO_VERSION,EXPORT_PROTO_SYSID,PACKETS,FLOWS,BYTES\n"
	    "0,0,unknown,00:11:22:aa:bb:cc,ff:ff:ff:ff:ff:ff,0,5,800,4200000000,65001,0,0,65200,65100,127.0."
	    "0."
	    "1,,4294967295,3,0:65000:100,0,10.0.0.1,10.0.0.0,192.168.200.255,192.168.200.255,24,32,65535,53,"
	    "18,tcp,184,,,,0.000000,0.000000,0.000000,0.000000,1000,e,100.64.0.1,100.64.0.2,1024,2048,0,69,"
	    "24305,00:00:00:00:00:00,00:00:00:00:00:00,,,0,0,0,0,0,2023-02-28 09:46:39.123000,2023-02-28 "
	    "09:46:40.456000,2026-11-20 13:50:21.067518,2023-02-28 09:47:13.000000,1,10,7,30,1,3000\n");
	printer_close(&p);
}

/* An absent address is "::" in aligned columns, and coordinates stand under their header (not in pmacct). */
static void
aligned_columns(void **state)
{
	(void)state;
	struct flow f = first_record();
	struct printer p;
	printer_open(
	    &p,
	    "src_host,peer_dst_ip,src_port,dst_port,tcpflags,proto,tos,timestamp_start,flows,cos,etype,"
	    "vlan,src_as,peer_src_as,local_pref,med,sampling_direction,nat_event",
	    &(struct format_options){.kind = FORMAT_FORMATTED});
	format_header(p.format, &p.text);
	printer_row(&p, &f);
	assert_string_equal(text_cstr(&p.text), "VLAN   COS ETYPE  SRC_AS      PREF     MED     PEER_SRC_AS "
						"PEER_DST_IP                            "
						"        SRC_IP                                         "
						"SRC_PORT  DST_PORT  TCP_FLAGS  PROTOCOL    "
						"TOS    SAMPLING_DIRECTION NAT_EVENT TIMESTAMP_START         "
						"       PACKETS               FLOWS   "
						"              BYTES\n"
						"0      5   800    4200000000  0        0       65200       "
						"::                                     "
						"        10.0.0.1                                       "
						"65535     53        18         tcp         "
						"184    e                  0         2023-02-28 "
						"09:46:39.123000     30                    1       "
						"              3000\n");
	printer_close(&p);
}

/* Events have no counters and then every column is filled up; a value that is too long shifts the row. */
static void
aligned_events(void **state)
{
	(void)state;
	struct flow f = {.src_host = addr_of("2001:db8:1:22:333:4444:5555:6666"),
			 .proto = 58,
			 .timestamp_start = START,
			 .timestamp_end = END,
			 .flows = 1};
	struct printer p;
	setenv("TZ", "Asia/Kolkata", 1);
	tzset();
	printer_open(&p, "src_host,tcpflags,proto,timestamp_start,timestamp_end,flows",
		     &(struct format_options){.kind = FORMAT_EVENT_FORMATTED, .order = FORMAT_ORDER_CLIENT});
	format_header(p.format, &p.text);
	printer_row(&p, &f);
	assert_string_equal(text_cstr(&p.text),
			    "SRC_IP                                         TCP_FLAGS  PROTOCOL    "
			    "TIMESTAMP_START             "
			    "   TIMESTAMP_END                  \n"
			    "2001:db8:1:22:333:4444:5555:6666               0          ipv6-icmp   "
			    "2023-02-28T15:16:39.123000+05:30 2023-02-28T15:16:40.456000+05:30 \n");
	printer_close(&p);
}

/* A separator of the operator's choice; no totals. */
static void
event_csv(void **state)
{
	(void)state;
	struct flow f = first_record();
	struct printer p;
	printer_open(&p, "src_host,tcpflags,proto,timestamp_start,flows",
		     &(struct format_options){.kind = FORMAT_EVENT_CSV, .separator = '\t'});
	format_header(p.format, &p.text);
	printer_row(&p, &f);
	assert_string_equal(text_cstr(&p.text), "SRC_IP\tTCP_FLAGS\tPROTOCOL\tTIMESTAMP_START\n"
						"10.0.0.1\t18\ttcp\t2023-02-28 09:46:39.123000\n");
	printer_close(&p);
}

/* The client: CSV has an order of its own, JSON the usual one with counters as packets, flows, bytes and
 * tcp_flags as a string. */
static void
client_rows(void **state)
{
	(void)state;
	static const char aggregate[] =
	    "tag,src_mac,in_iface,peer_dst_ip,src_host,tcpflags,proto,timestamp_start,timestamp_end,flows";
	struct format_options o = {.kind = FORMAT_JSON, .order = FORMAT_ORDER_CLIENT};
	struct flow f = first_record();
	f.timestamp_end = 0;
	check_options(aggregate, &o, &f,
		      "{\"tag\": 0, \"mac_src\": \"00:11:22:aa:bb:cc\", \"peer_ip_dst\": \"\", \"iface_in\": "
		      "4294967295, \"ip_src\": \"10.0.0.1\", \"tcp_flags\": \"18\", \"ip_proto\": \"tcp\", "
		      "\"timestamp_start\": \"2023-02-28T09:46:39.123000Z\", \"timestamp_end\": "
		      "\"1970-01-01T00:00:00.000000Z\", \"packets\": 30, \"flows\": 1, \"bytes\": 3000}\n");
	struct printer p;
	o.kind = FORMAT_CSV;
	printer_open(&p, aggregate, &o);
	format_header(p.format, &p.text);
	printer_row(&p, &f);
	assert_string_equal(
	    text_cstr(&p.text),
	    "TAG,IN_IFACE,SRC_MAC,PEER_DST_IP,SRC_IP,TCP_FLAGS,PROTOCOL,TIMESTAMP_START,TIMESTAMP_END,"
	    "PACKETS,"
	    "FLOWS,BYTES\n"
	    "0,4294967295,00:11:22:aa:bb:cc,,10.0.0.1,18,tcp,2023-02-28T09:46:39.123000Z,1970-01-01T00:00:00."
	    "000000Z,30,1,3000\n");
	printer_close(&p);
	o.kind = FORMAT_FORMATTED;
	check_options(
	    "src_mask,peer_dst_ip", &o, &f,
	    "0                                              24        30                    3000\n");
}

/* -a shows every column; those of the layout keep their values. (pmacct's header and rows disagree here, so
 * this is counted, not compared.) */
static void
all_columns(void **state)
{
	(void)state;
	struct flow f = first_record();
	struct printer p;
	unsigned header = 0, row = 0;
	printer_open(
	    &p, "src_host,src_port",
	    &(struct format_options){.kind = FORMAT_CSV, .order = FORMAT_ORDER_CLIENT, .all_columns = true});
	format_header(p.format, &p.text);
	const char *line = text_cstr(&p.text);
	for (const char *s = line; *s; s++)
		header += *s == ',';
	assert_true(header > 80);
	assert_non_null(strstr(line, "TAG,TAG2,LABEL,CLASS,IN_IFACE,OUT_IFACE,SRC_MAC,DST_MAC,VLAN,"));
	p.text.len = 0;
	printer_row(&p, &f);
	line = text_cstr(&p.text);
	for (const char *s = line; *s; s++)
		row += *s == ',';
	assert_int_equal(row, header);
	assert_memory_equal(line, "0,0,,unknown,0,0,00:00:00:00:00:00,00:00:00:00:00:00,0,", 55);
	assert_non_null(strstr(line, ",10.0.0.1,"));
	assert_non_null(strstr(line, ",65535,0,"));
	printer_close(&p);
}

/* --- counters and stamps --- */

/* Unsigned to the end of 64 bits (pmacct's JSON turns negative there); which records show totals; no key at
 * all. */
static void
counters(void **state)
{
	(void)state;
	struct flow f = {.src_host = addr_of("::"), .packets = UINT64_MAX, .bytes = 9223372036854775813ULL};
	f.flows = 1;
	check_json("src_host,flows", &f,
		   "{\"ip_src\": \"::\", \"flows\": 1, \"packets\": 18446744073709551615, \"bytes\": "
		   "9223372036854775813}\n");
	check_csv("src_host,flows", &f, "::,18446744073709551615,1,9223372036854775813\n");
	f.kind = FLOW_KIND_OPTION;
	check_json("src_host,flows,tcpflags", &f, "{\"ip_src\": \"::\", \"tcp_flags\": 0}\n");
	check_csv("none", &f, "18446744073709551615,9223372036854775813\n");
	check_json("none", &f, "{}\n");
	check_options(
	    "none", &(struct format_options){.kind = FORMAT_JSON, .event_type = "purge", .writer_id = "a\"b"},
	    &f, "{\"event_type\": \"purge\", \"writer_id\": \"a\\\"b\"}\n");
	f.kind = FLOW_KIND_FLOW;
	f.packets = f.bytes = 0;
	check_json("none", &f, "{\"packets\": 0, \"bytes\": 0}\n");
}

/* The bin and the time of writing are whole seconds; writer_id comes last. */
static void
stamps(void **state)
{
	(void)state;
	struct format_options o = {.kind = FORMAT_JSON, .event_type = "purge", .writer_id = "print/7"};
	struct flow f = first_record();
	struct printer p;
	o.stamp_updated = true;
	printer_open_layout(&p, "src_host,flows", &o, &(struct layout_options){.time_bins = true});
	printer_row(&p, &f);
	assert_string_equal(
	    text_cstr(&p.text),
	    "{\"event_type\": \"purge\", \"ip_src\": \"10.0.0.1\", \"stamp_inserted\": "
	    "\"2023-02-28 09:46:00\", \"stamp_updated\": \"2023-02-28 09:46:40\", \"flows\": 1, "
	    "\"packets\": 30, \"bytes\": 3000, \"writer_id\": \"print/7\"}\n");
	printer_close(&p);
	o.kind = FORMAT_CSV; /* has no stamps */
	printer_open_layout(&p, "src_host", &o, &(struct layout_options){.time_bins = true});
	printer_row(&p, &f);
	assert_string_equal(text_cstr(&p.text), "10.0.0.1,30,3000\n");
	printer_close(&p);
}

/* Times of merging stand among times, although they are counters. */
static void
stitching(void **state)
{
	(void)state;
	struct flow f = first_record();
	struct printer p;
	printer_open_layout(&p, "src_host,export_proto_version",
			    &(struct format_options){.kind = FORMAT_JSON},
			    &(struct layout_options){.stitching = true});
	printer_row(&p, &f);
	assert_string_equal(
	    text_cstr(&p.text),
	    "{\"ip_src\": \"10.0.0.1\", \"timestamp_min\": \"2023-02-28 09:46:39.123000\", "
	    "\"timestamp_max\": \"2023-02-28 09:46:40.456000\", \"export_proto_version\": 10, "
	    "\"packets\": 30, \"bytes\": 3000}\n");
	printer_close(&p);
}

/* --- times --- */

struct time_case {
	const char *tz;
	struct format_options o;
	uint64_t us;
	const char *want;
};

/* Every form in zones with and without a fraction of an hour, and the zero time; pmacct's own output with
 * that TZ. */
static void
times(void **state)
{
	(void)state;
	static const struct format_options plain = {0}, utc = {.timestamps_utc = true},
					   secs = {.timestamps_secs = true},
					   epoch = {.timestamps_since_epoch = true},
					   rfc = {.timestamps_rfc9557 = true},
					   rfc_utc = {.timestamps_rfc9557 = true, .timestamps_utc = true},
					   client = {.order = FORMAT_ORDER_CLIENT},
					   client_utc = {.order = FORMAT_ORDER_CLIENT,
							 .timestamps_utc = true},
					   client_epoch = {.order = FORMAT_ORDER_CLIENT,
							   .timestamps_since_epoch = true};
	const struct time_case cases[] = {
	    {"Asia/Kolkata", plain, START, "2023-02-28 15:16:39.123000"},
	    {"Asia/Kolkata", plain, 0, "0000-00-00 00:00:00.000000"},
	    {"Asia/Kolkata", utc, START, "2023-02-28 09:46:39.123000"},
	    {"Asia/Kolkata", secs, START, "2023-02-28 15:16:39.000000"},
	    {"Asia/Kolkata", epoch, START, "1677577599.123000"},
	    {"Asia/Kolkata", epoch, 0, "0.000000"},
	    {"Asia/Kolkata", rfc, START, "2023-02-28T15:16:39.123000+05:30"},
	    {"Asia/Kolkata", rfc, 0, "0000-00-00T00:00:00.000000+05:30"},
	    {"Asia/Kolkata", rfc_utc, START, "2023-02-28T09:46:39.123000+00:00"},
	    {"Asia/Kolkata", client, START, "2023-02-28T15:16:39.123000+05:30"},
	    {"Asia/Kolkata", client, 0, "1970-01-01T05:30:00.000000+05:30"},
	    {"Asia/Kolkata", client_utc, START, "2023-02-28T09:46:39.123000Z"},
	    {"Asia/Kolkata", client_epoch, START, "1677577599.123000"},
	    {"Asia/Kolkata", client_epoch, 0, "0.000000"},
	    /* 2026-03-29 01:00 UTC: Zurich's clocks go forward. */
	    {"Europe/Zurich", rfc, 1774745999999999, "2026-03-29T01:59:59.999999+01:00"},
	    {"Europe/Zurich", rfc, 1774746000000000, "2026-03-29T03:00:00.000000+02:00"},
	    {"America/St_Johns", rfc, START, "2023-02-28T06:16:39.123000-03:30"},
	    {"UTC", plain, 1709251199000001, "2024-02-29 23:59:59.000001"},
	    {"UTC", plain, UINT64_MAX, "9999-12-31 00:00:00.551615"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct flow f = {.timestamp_end = cases[i].us};
		struct format_options o = cases[i].o;
		char want[64];
		o.kind = FORMAT_EVENT_CSV;
		snprintf(want, sizeof(want), "%s\n", cases[i].want);
		setenv("TZ", cases[i].tz, 1);
		tzset();
		check_options("timestamp_end", &o, &f, want);
	}
}

/* One formatter over many times: what is remembered must never show. strftime is the other opinion. */
static void
times_in_a_row(void **state)
{
	(void)state;
	struct printer p;
	uint64_t us = START;
	setenv("TZ", "Australia/Lord_Howe", 1);
	tzset();
	printer_open(&p, "timestamp_end", &(struct format_options){.kind = FORMAT_EVENT_CSV});
	for (int i = 0; i < 20000; i++) {
		struct flow f = {.timestamp_end = us};
		char want[64], date[32];
		time_t s = (time_t)(us / US_PER_S);
		struct tm tm;
		localtime_r(&s, &tm);
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
		snprintf(want, sizeof(want), "%s.%06u\n", date, (unsigned)(us % US_PER_S));
		p.text.len = 0;
		printer_row(&p, &f);
		assert_string_equal(text_cstr(&p.text), want);
		us += i % 3 ? 1234567 : 1801000001;
	}
	printer_close(&p);
}

/* --- values with several looks --- */

/* The three types of RFC 4364, 4.2, and a VRF id alone. */
static void
route_distinguishers(void **state)
{
	(void)state;
	static const struct {
		uint64_t rd;
		uint8_t origin;
		const char *text;
	} cases[] = {
	    {0, RD_ORIGIN_UNKNOWN, "0:0:0\", \"mpls_vpn_rd_origin\": \"unknown\""},
	    {65000ULL << 32 | 100, RD_ORIGIN_BGP, "0:65000:100\", \"mpls_vpn_rd_origin\": \"bgp\""},
	    {1ULL << 48 | 0x01020304ULL << 16 | 77, RD_ORIGIN_BMP,
	     "1:1.2.3.4:77\", \"mpls_vpn_rd_origin\": \"bmp\""},
	    {2ULL << 48 | 4200000001ULL << 16 | 9, RD_ORIGIN_MAP,
	     "2:4200000001:9\", \"mpls_vpn_rd_origin\": \"map\""},
	    {RD_TYPE_VRFID << 48 | 1610612736, RD_ORIGIN_FLOW,
	     "vrfid:1610612736\", \"mpls_vpn_rd_origin\": \"flow\""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct flow f = {.mpls_vpn_rd = cases[i].rd,
				 .mpls_vpn_rd_origin = cases[i].origin,
				 .kind = FLOW_KIND_EVENT};
		char want[128];
		snprintf(want, sizeof(want), "{\"mpls_vpn_rd\": \"%s}\n", cases[i].text);
		check_json("mpls_vpn_rd", &f, want);
	}
}

/* From the exports of a real router: arrays, names of states (RFC 7270, 4.12). */
static void
encodings(void **state)
{
	(void)state;
	static const uint32_t labels[] = {69, 24305};
	struct format_options o = {.kind = FORMAT_JSON,
				   .tcpflags_as_array = true,
				   .fwd_status_as_string = true,
				   .mpls_stack_as_array = true};
	struct flow f = {.kind = FLOW_KIND_EVENT, .mpls_label_stack = BYTES(labels), .tcp_flags = 0x12};
	check_options("tcpflags,fwd_status,mpls_label_stack,proto", &o, &f,
		      "{\"tcp_flags\": [\"SYN\", \"ACK\"], \"fwd_status\": \"UNKNOWN Unclassified\", "
		      "\"mpls_label_stack\": [\"0-69\", \"1-24305\"], \"ip_proto\": \"0\"}\n");
	f.tcp_flags = 0;
	f.fwd_status = 195;
	f.mpls_label_stack.len = 0;
	check_options("tcpflags,fwd_status,mpls_label_stack", &o, &f,
		      "{\"tcp_flags\": [], \"fwd_status\": \"CONSUMED For us\", \"mpls_label_stack\": []}\n");
	f.tcp_flags = 0xff;
	f.fwd_status = 64;
	check_options("tcpflags,fwd_status", &o, &f,
		      "{\"tcp_flags\": [\"FIN\", \"SYN\", \"RST\", \"PSH\", \"ACK\", \"URG\", \"ECE\", "
		      "\"CWR\"], \"fwd_status\": \"FORWARDED Unknown\"}\n");
	f.fwd_status = 129;
	check_options("fwd_status", &o, &f, "{\"fwd_status\": \"DROPPED ACL deny\"}\n");
	f.mpls_label_stack = BYTES(labels);
	check_json("tcpflags,fwd_status,mpls_label_stack", &f,
		   "{\"tcp_flags\": 255, \"fwd_status\": \"129\", \"mpls_label_stack\": \"69,24305\"}\n");
}

/* Always an array, with the place in the list before each address. */
static void
segments(void **state)
{
	(void)state;
	uint8_t list[32];
	struct flow f = {.kind = FLOW_KIND_EVENT, .srv6_seg_ipv6_list = BYTES(list)};
	memcpy(list, addr_of("2001:db8::1").b, 16);
	memcpy(list + 16, addr_of("fe80::2").b, 16);
	check_json("srv6_seg_ipv6_list", &f,
		   "{\"srv6_seg_ipv6_list\": [\"0-2001:db8::1\", \"1-fe80::2\"]}\n");
	f.srv6_seg_ipv6_list.len = 0;
	check_json("srv6_seg_ipv6_list", &f, "{\"srv6_seg_ipv6_list\": []}\n");
}

/* Pairs as pmacct documents them; odd ones by the rule in format_list.c. */
static void
labels_as_map(void **state)
{
	(void)state;
	struct format_options o = {.kind = FORMAT_JSON, .label_as_map = true};
	struct flow f = {
	    .kind = FLOW_KIND_EVENT, .label = bytes_of("nkey%NODE_ID,pkey%PLATFORM_ID"), .tag = 7};
	check_options("label,tag", &o, &f,
		      "{\"tag\": 7, \"label\": {\"nkey\": \"NODE_ID\", \"pkey\": \"PLATFORM_ID\"}}\n");
	f.label = bytes_of(",a%1%2,,\"q\",");
	check_options("label", &o, &f, "{\"label\": {\"a\": \"1%2\", \"\\\"q\\\"\": \"\"}}\n");
	f.label.len = 0;
	check_options("label", &o, &f, "{\"label\": {}}\n");
	check_json("label", &f, "{\"label\": \"\"}\n");
}

/* Paths and communities as pmacct's BGP log showed them, blanks turned to underscores. */
static void
routing_lists(void **state)
{
	(void)state;
	uint8_t path[64], *p = path;
#define SEGMENT(type, ...)                                                                                   \
	do {                                                                                                 \
		const uint32_t asns[] = {__VA_ARGS__};                                                       \
		*p++ = (type);                                                                               \
		*p++ = (uint8_t)ARRAY_SIZE(asns);                                                            \
		memcpy(p, asns, sizeof(asns));                                                               \
		p += sizeof(asns);                                                                           \
	} while (0)
	SEGMENT(3, 64512, 64513);
	SEGMENT(2, 65001, 4200000000);
	SEGMENT(1, 65010, 65011);
	SEGMENT(4, 64514, 64515);
	static const uint32_t std[] = {65001U << 16 | 100, 0, 0xffffff01, 0xffffff02, 0xffffff03, 0xffff029a};
	static const uint8_t ext[] = {0, 2, 0xfd, 0xe9, 0,    0, 0, 100, 1, 3,	  1, 2, 3, 4, 0, 77,
				      2, 2, 0xfa, 0x56, 0xea, 1, 0, 9,	 3, 0x0b, 0, 0, 0, 0, 0, 100};
	static const uint32_t lrg[] = {65001, 1, 4294967295, 4, 5, 6};
	struct flow f = {.kind = FLOW_KIND_EVENT,
			 .as_path = {path, (uint32_t)(p - path)},
			 .std_comm = BYTES(std),
			 .ext_comm = BYTES(ext),
			 .lrg_comm = BYTES(lrg)};
	static const char aggregate[] = "as_path,std_comm,ext_comm,lrg_comm";
	check_json(
	    aggregate, &f,
	    "{\"comms\": \"65001:100_internet_no-export_no-advertise_local-AS_65535:666\", \"ecomms\": "
	    "\"RT:65001:100_SoO:1.2.3.4:77_RT:4200000001:9_?\", \"lcomms\": "
	    "\"65001:1:4294967295_4:5:6\", \"as_path\": "
	    "\"(64512_64513)_65001_4200000000_{65010,65011}_[64514,64515]\"}\n");
	struct format_options o = {
	    .kind = FORMAT_JSON, .comms_as_array = true, .as_path_as_array = true, .comms_num = true};
	check_options(aggregate, &o, &f,
		      "{\"comms\": [\"65001:100\", \"0:0\", \"65535:65281\", \"65535:65282\", "
		      "\"65535:65283\", \"65535:666\"], \"ecomms\": [\"RT:65001:100\", \"SoO:1.2.3.4:77\", "
		      "\"RT:4200000001:9\", \"?\"], \"lcomms\": [\"65001:1:4294967295\", \"4:5:6\"], "
		      "\"as_path\": [\"(64512\", \"64513)\", \"65001\", \"4200000000\", \"{65010,65011}\", "
		      "\"[64514,64515]\"]}\n");
	struct flow none = {.kind = FLOW_KIND_EVENT};
	check_json(aggregate, &none,
		   "{\"comms\": \"\", \"ecomms\": \"\", \"lcomms\": \"\", \"as_path\": \"\"}\n");
	check_options(aggregate, &o, &none,
		      "{\"comms\": [], \"ecomms\": [], \"lcomms\": [], \"as_path\": []}\n");
}

/* A path that lies about its length is shown as far as it goes. */
static void
short_path(void **state)
{
	(void)state;
	static const uint8_t path[] = {2, 200, 1, 0, 0, 0, 2, 0};
	struct flow f = {.kind = FLOW_KIND_EVENT, .as_path = BYTES(path)};
	uint32_t one;
	char want[64];
	memcpy(&one, path + 2, sizeof(one));
	snprintf(want, sizeof(want), "{\"as_path\": \"%u\"}\n", one);
	check_json("as_path", &f, want);
}

/* CSV has six decimals, JSON the shortest number; what JSON has no word for is 0. */
static void
coordinates(void **state)
{
	(void)state;
	struct flow f = {.kind = FLOW_KIND_EVENT, .src_lat = 47.5, .src_lon = -122.3321, .src_country = "CH"};
	memcpy(f.src_pocode, "ABCDEFGHIJKL", 12);
	check_json("src_host_coords,src_host_country,src_host_pocode", &f,
		   "{\"country_ip_src\": \"CH\", \"pocode_ip_src\": \"ABCDEFGHIJKL\", \"lat_ip_src\": 47.5, "
		   "\"lon_ip_src\": -122.3321}\n");
	check_options("src_host_coords", &(struct format_options){.kind = FORMAT_EVENT_CSV}, &f,
		      "47.500000,-122.332100\n");
	f.src_lat = 0.0 / 0.0 + f.packets;
	f.src_lon = 1e300;
	check_json("src_host_coords", &f, "{\"lat_ip_src\": 0.0, \"lon_ip_src\": 1e+300}\n");
}

/* -1e300 has 301 digits before the point: a database's nonsense is written whole, not as memory behind it. */
static void
coordinates_out_of_this_world(void **state)
{
	(void)state;
	struct flow f = {.kind = FLOW_KIND_EVENT, .src_lon = -1e300};
	struct printer p;
	printer_open(&p, "src_host_coords", &(struct format_options){.kind = FORMAT_EVENT_CSV});
	printer_row(&p, &f);
	const char *line = text_cstr(&p.text);
	assert_int_equal(p.text.len, strlen("0.000000,-") + 301 + strlen(".000000\n"));
	assert_int_equal(strlen(line), p.text.len);
	assert_true(strtod(line + strlen("0.000000,"), NULL) == -1e300);
	printer_close(&p);
}

/* 255 has a name, 253 has none. */
static void
numbers_for_protocols(void **state)
{
	(void)state;
	struct flow f = {.kind = FLOW_KIND_EVENT, .proto = 255};
	check_json("proto", &f, "{\"ip_proto\": \"others\"}\n");
	check_options("proto", &(struct format_options){.kind = FORMAT_JSON, .num_protos = true}, &f,
		      "{\"ip_proto\": \"255\"}\n");
	f.proto = 253;
	check_json("proto", &f, "{\"ip_proto\": \"253\"}\n");
}

/* --- text from outside --- */

/* RFC 8259, 7; the lone byte ff becomes U+FFFD, UTF-8 stays. */
static void
json_escapes(void **state)
{
	(void)state;
	struct flow f = {.kind = FLOW_KIND_EVENT, .class_name = bytes_of("a\"b\\c\nd\x01\xff\xc3\xa4")};
	f.sampling_direction = '"';
	check_json("class,sampling_direction", &f,
		   "{\"class\": \"a\\\"b\\\\c\\nd\\u0001\xef\xbf\xbd\xc3\xa4\", \"sampling_direction\": "
		   "\"\\\"\"}\n");
}

/* RFC 4180, 2; without csv_quote nothing is quoted. */
static void
csv_quotes(void **state)
{
	(void)state;
	static const uint32_t labels[] = {69, 24305};
	struct format_options o = {.kind = FORMAT_EVENT_CSV, .csv_quote = true};
	struct flow f = {.label = bytes_of("a,b"), .class_name = bytes_of("say \"hi\"\n")};
	f.mpls_label_stack = BYTES(labels);
	check_options("label,class,mpls_label_stack,tos", &o, &f,
		      "\"a,b\",\"say \"\"hi\"\"\n\",0,\"69,24305\"\n");
	o.separator = ';';
	check_options("label,mpls_label_stack", &o, &f, "a,b;69,24305\n");
	o.separator = ' ';
	check_options("timestamp_end,tos", &o, &f, "0 \"0000-00-00 00:00:00.000000\"\n");
	o.csv_quote = false;
	o.separator = ',';
	check_options("label,class", &o, &f, "a,b,say \"hi\"\n\n");
}

/* As pmacct shows them: hexadecimal as a number, raw bytes in upper case with dashes. */
static void
custom_primitives(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		unsigned len;
		enum custom_semantics sem;
		const char *bytes;
	} defs[] = {
	    {"vrf_in", 4, CUSTOM_UINT, "\xff\xff\xff\xff"},
	    {"ifn", 8, CUSTOM_STR, "ab\"c\\\x01\xff\0"},
	    {"mc", 6, CUSTOM_MAC, "\x00\xde\xad\xbe\xef\x01"},
	    {"nh", 4, CUSTOM_IP, "\xc0\x00\x02\x07"},
	    {"nh6", 16, CUSTOM_IP, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"},
	    {"hx", 2, CUSTOM_HEX, "\x0a\x0b"},
	    {"hz", 2, CUSTOM_HEX, "\0\0"},
	    {"rw", 6, CUSTOM_RAW, "\x00\xde\xad\xbe\xef\x01"},
	    {"a_name_of_more_than_thirty_two_characters_in_all", 1, CUSTOM_UINT, "\x07"},
	};
	struct flow f = {.kind = FLOW_KIND_EVENT, .src_host = addr_of("10.0.0.1"), .src_port = 2571};
	struct text aggregate = {0};
	char err[128] = "";
	text_str(&aggregate, "src_host,src_port,custom_var");
	for (size_t i = 0; i < ARRAY_SIZE(defs); i++) {
		primitive_id id =
		    primitive_add_custom(defs[i].name, defs[i].len, defs[i].sem, err, sizeof(err));
		assert_string_equal(err, "");
		memcpy((uint8_t *)&f + primitive_get(id)->offset, defs[i].bytes, defs[i].len);
		text_printf(&aggregate, ",%s", defs[i].name);
	}
	primitive_id var = primitive_add_custom("custom_var", 0, CUSTOM_STR, err, sizeof(err));
	struct flow_bytes v = bytes_of("he,lo");
	memcpy((uint8_t *)&f + primitive_get(var)->offset, &v, sizeof(v));
	check_json(
	    text_cstr(&aggregate), &f,
	    "{\"ip_src\": \"10.0.0.1\", \"port_src\": 2571, \"vrf_in\": \"4294967295\", \"ifn\": "
	    "\"ab\\\"c\\\\\\u0001\xef\xbf\xbd\", \"mc\": \"00:de:ad:be:ef:01\", \"nh\": \"192.0.2.7\", "
	    "\"nh6\": \"2001:db8::7\", \"hx\": \"a0b\", \"hz\": \"0\", \"rw\": \"00-DE-AD-BE-EF-01\", "
	    "\"a_name_of_more_than_thirty_two_characters_in_all\": \"7\", \"custom_var\": "
	    "\"he,lo\"}\n");
	check_csv(
	    text_cstr(&aggregate), &f,
	    "10.0.0.1,2571,4294967295,ab\"c\\\x01\xff,00:de:ad:be:ef:01,192.0.2.7,2001:db8::7,a0b,0,00-DE-"
	    "AD-BE-EF-01,7,he,lo,0,0\n");
	text_free(&aggregate);
}

/* --- refusals --- */

/* The message names the primitive and the way out. */
static void
refuses_variable_in_columns(void **state)
{
	(void)state;
	char err[256] = "";
	struct aggregate a;
	struct layout l;
	assert_true(aggregate_parse(&a, "src_host,as_path", err, sizeof(err)));
	assert_true(layout_compile(&l, &a, &(struct layout_options){0}, err, sizeof(err)));
	struct format_options o = {.kind = FORMAT_FORMATTED};
	assert_null(format_new(&l, &o, err, sizeof(err)));
	assert_non_null(strstr(err, "as_path"));
	assert_non_null(strstr(err, "use print_output: csv or json"));
	o.kind = FORMAT_EVENT_FORMATTED;
	assert_null(format_new(&l, &o, err, sizeof(err)));
}

/* --- every row of the table --- */

/* Reads a number of width bytes. */
static uint64_t
number_at(const void *at, unsigned width)
{
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64 = 0;
	switch (width) {
	case 1:
		memcpy(&u8, at, 1);
		return u8;
	case 2:
		memcpy(&u16, at, 2);
		return u16;
	case 4:
		memcpy(&u32, at, 4);
		return u32;
	default:
		memcpy(&u64, at, 8);
		return u64;
	}
}

/* The value that a JSON reader finds against the member of the flow, by type. */
static void
check_parsed(const struct primitive *p, const struct flow *f, const json_t *v, const char *line)
{
	const uint8_t *at = (const uint8_t *)f + p->offset;
	char want[ADDR_TEXT_MAX];
	struct addr a;
	if (!v)
		fail_msg("%s: no key %s in %s", p->name, p->json, line);
	switch (p->type) {
	case VALUE_UINT:
		assert_true(json_is_integer(v));
		assert_int_equal((uint64_t)json_integer_value(v), number_at(at, p->width));
		break;
	case VALUE_ADDR:
		memcpy(&a, at, sizeof(a));
		addr_format(want, &a);
		assert_string_equal(json_string_value(v), want);
		break;
	case VALUE_DOUBLE:
		assert_true(json_is_real(v));
		break;
	case VALUE_SEGMENTS:
		assert_true(json_is_array(v));
		break;
	case VALUE_TCPFLAGS:
		assert_true(p->width == 1 ? json_is_string(v) : json_is_integer(v));
		break;
	default:
		assert_true(json_is_string(v));
	}
}

/* The row printed was within the room made for it, with some left for copies that write too much. */
static void
check_room(const struct printer *p)
{
	assert_true(p->text.len + 24 <= p->format->flow.fixed_room + 2 * 6 * p->vars);
}

/* Prints one primitive over flows that are all one byte, and reads the line back. */
static void
check_primitive(const struct primitive *p, uint8_t fill, const struct format_options *o)
{
	static const uint8_t longest[LAYOUT_VALUE_MAX];
	struct flow f;
	struct printer out;
	json_error_t error;
	memset(&f, fill, sizeof(f));
	f.kind = FLOW_KIND_FLOW;
	f.packets = f.bytes = f.flows = f.tcp_flags = f.tag = f.tag2 = INT64_MAX;
	if (p->flags & PRIMITIVE_VLEN) {
		uint8_t *text = malloc(sizeof(longest));
		memset(text, fill, sizeof(longest));
		struct flow_bytes v = {text, sizeof(longest)};
		memcpy((uint8_t *)&f + p->offset, &v, sizeof(v));
	}
	printer_open(&out, p->name, o);
	printer_row(&out, &f);
	check_room(&out);
	const char *line = text_cstr(&out.text);
	assert_int_equal(line[out.text.len - 1], '\n');
	if (o->kind == FORMAT_JSON) {
		json_t *root = json_loads(line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
		if (!root)
			fail_msg("%s: %s in %s", p->name, error.text, line);
		if (!o->as_path_as_array)
			check_parsed(p, &f, json_object_get(root, p->json), line);
		assert_int_equal(json_integer_value(json_object_get(root, "bytes")), INT64_MAX);
		json_decref(root);
	}
	if (p->flags & PRIMITIVE_VLEN) {
		struct flow_bytes v;
		memcpy(&v, (uint8_t *)&f + p->offset, sizeof(v));
		free((void *)(uintptr_t)v.p);
	}
	printer_close(&out);
}

/* Every row of the table, filled with bytes that are awkward in some output: JSON must parse and hold the
 * value, a line ends with a newline, and none takes more room than was reserved. */
static void
walk_over_the_table(void **state)
{
	(void)state;
	static const uint8_t fills[] = {0x00, 0xff, 0x01, '"', 0x7f, '%', ','};
	const struct format_options options[] = {
	    {.kind = FORMAT_JSON},
	    {.kind = FORMAT_JSON,
	     .tcpflags_as_array = true,
	     .fwd_status_as_string = true,
	     .mpls_stack_as_array = true,
	     .comms_as_array = true,
	     .as_path_as_array = true},
	    {.kind = FORMAT_CSV, .csv_quote = true},
	    {.kind = FORMAT_CSV, .order = FORMAT_ORDER_CLIENT, .all_columns = true},
	};
	for (unsigned id = 0; id < primitive_count(); id++) {
		const struct primitive *p = primitive_get((primitive_id)id);
		if (p->flags & (PRIMITIVE_AUTO | PRIMITIVE_NO_KEY))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(options) * sizeof(fills); i++)
			check_primitive(p, fills[i % sizeof(fills)], &options[i / sizeof(fills)]);
	}
}

/* All primitives at once, of any bytes: always a line of JSON, always within the room. */
static void
random_rows(void **state)
{
	(void)state;
	static uint8_t noise[LAYOUT_VALUE_MAX * 2];
	struct text all = {0};
	struct format_options o = {.kind = FORMAT_JSON};
	uint64_t random = 7;
	for (unsigned id = 0; id < primitive_count(); id++) {
		const struct primitive *p = primitive_get((primitive_id)id);
		if (!(p->flags & (PRIMITIVE_AUTO | PRIMITIVE_NO_KEY | PRIMITIVE_SUM | PRIMITIVE_CUSTOM)) &&
		    strcmp(p->name, "class_frame") != 0)
			text_printf(&all, "%s%s", all.len ? "," : "", p->name);
	}
	for (unsigned round = 0; round < 400; round++) {
		struct printer p;
		struct flow f;
		for (size_t i = 0; i < sizeof(noise); i++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			noise[i] = (uint8_t)(random >> 56) | (round % 3 == 0 ? 0 : round % 3 == 1 ? 0x80 : 0);
		}
		memcpy(&f, noise, sizeof(f) < sizeof(noise) ? sizeof(f) : sizeof(noise));
		f.kind = (uint8_t)(round % 3);
		for (unsigned id = 0; id < primitive_count(); id++) {
			const struct primitive *row = primitive_get((primitive_id)id);
			struct flow_bytes v = {noise + id, noise[id] * 4U};
			if (row->flags & PRIMITIVE_VLEN)
				memcpy((uint8_t *)&f + row->offset, &v, sizeof(v));
		}
		o.tcpflags_as_array = o.comms_as_array = o.as_path_as_array = round % 2;
		o.mpls_stack_as_array = o.fwd_status_as_string = round % 4 > 1;
		printer_open(&p, text_cstr(&all), &o);
		printer_row(&p, &f);
		check_room(&p);
		json_error_t error;
		json_t *root =
		    json_loads(text_cstr(&p.text),
			       JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
		if (!root)
			fail_msg("%s in %s", error.text, text_cstr(&p.text));
		json_decref(root);
		printer_close(&p);
	}
	text_free(&all);
}

/* Text of each type that reads back as the bytes it was made from. */
static void
there_and_back(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
	    {"src_host", "192.0.2.1"},
	    {"src_host", "2001:db8::1"},
	    {"src_host", "::"},
	    {"src_mac", "00:11:22:aa:bb:cc"},
	    {"src_port", "65535"},
	    {"src_as", "4294967295"},
	    {"tag", "18446744073709551615"},
	    {"etype", "86dd"},
	    {"proto", "tcp"},
	    {"proto", "0"},
	    {"mpls_vpn_rd", "0:65000:100"},
	    {"mpls_vpn_rd", "1:1.2.3.4:77"},
	    {"mpls_vpn_rd", "2:4200000001:9"},
	    {"mpls_vpn_rd", "vrfid:1610612736"},
	    {"sampling_direction", "e"},
	    {"src_host_country", "CH"},
	    {"timestamp_start", "2023-02-28 09:46:39.123000"},
	    {"class", "http"},
	    {"label", "a%b,c"},
	    {"as_path", "(64512_64513)_65001_{65010,65011}"},
	    {"std_comm", "65001:100_no-export"},
	    {"ext_comm", "RT:65001:100_SoO:1.2.3.4:77"},
	    {"lrg_comm", "65001:1:4294967295"},
	    {"mpls_label_stack", "69,24305"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct primitive *p = primitive_get(primitive_find(cases[i][0]));
		struct flow f = {0};
		uint8_t bytes[LAYOUT_VALUE_MAX];
		size_t len;
		char err[256] = "", want[256];
		if (!value_parse(p, cases[i][1], bytes, sizeof(bytes), &len, err, sizeof(err)))
			fail_msg("%s: %s", cases[i][0], err);
		struct flow_bytes v = {bytes, (uint32_t)len};
		if (p->flags & PRIMITIVE_VLEN)
			memcpy((uint8_t *)&f + p->offset, &v, sizeof(v));
		else
			memcpy((uint8_t *)&f + p->offset, bytes, p->width);
		snprintf(want, sizeof(want), "%s\n", cases[i][1]);
		check_options(cases[i][0], &(struct format_options){.kind = FORMAT_EVENT_CSV}, &f, want);
	}
}

/* Empty values that have a name. */
static void
absent_values(void **state)
{
	(void)state;
	struct flow f = {.kind = FLOW_KIND_EVENT};
	check_json("class,src_roa,dst_roa,sampling_direction", &f,
		   "{\"class\": \"unknown\", \"roa_dst\": \"u\", \"roa_src\": \"u\", \"sampling_direction\": "
		   "\"\"}\n");
	f.dst_roa = 'V';
	check_options("dst_roa", &(struct format_options){.kind = FORMAT_EVENT_CSV}, &f, "V\n");
}

static int
utc(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

#define TEST(f) cmocka_unit_test_setup(f, utc)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(json_of_everything),
	    TEST(csv_of_everything),
	    TEST(aligned_columns),
	    TEST(aligned_events),
	    TEST(event_csv),
	    TEST(client_rows),
	    TEST(all_columns),
	    TEST(counters),
	    TEST(stamps),
	    TEST(stitching),
	    TEST(times),
	    TEST(times_in_a_row),
	    TEST(route_distinguishers),
	    TEST(encodings),
	    TEST(segments),
	    TEST(labels_as_map),
	    TEST(routing_lists),
	    TEST(short_path),
	    TEST(coordinates),
	    TEST(coordinates_out_of_this_world),
	    TEST(numbers_for_protocols),
	    TEST(json_escapes),
	    TEST(csv_quotes),
	    TEST(custom_primitives),
	    TEST(refuses_variable_in_columns),
	    TEST(walk_over_the_table),
	    TEST(random_rows),
	    TEST(there_and_back),
	    TEST(absent_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
