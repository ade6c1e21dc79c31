/* Frames written down header by header from the RFCs, and what each must give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pcap/dlt.h>

#include "collector/decode/packet.h"

/* Headers as hexadecimal text. */
#define MACS                                                                                                 \
	"020000000002"                                                                                       \
	"020000000001"
#define V4(proto, total, frag)                                                                               \
	"4500" total "0005" frag "40" proto "0000"                                                           \
	"0a000001"                                                                                           \
	"0a000002"
#define V6_ADDRESSES                                                                                         \
	"20010db8000000000000000000000001"                                                                   \
	"20010db8000000000000000000000002"
#define V6(next, payload) "62812345" payload next "40" V6_ADDRESSES
#define UDP                                                                                                  \
	"03e8"                                                                                               \
	"0035"                                                                                               \
	"000c"                                                                                               \
	"0000"                                                                                               \
	"78787878"
#define TCP                                                                                                  \
	"03e9"                                                                                               \
	"0050"                                                                                               \
	"00000001"                                                                                           \
	"00000001"                                                                                           \
	"5012"                                                                                               \
	"0064"                                                                                               \
	"0000"                                                                                               \
	"0000"
#define V4_UDP V4("11", "0020", "0000") UDP
#define V4_TCP V4("06", "0028", "0000") TCP
#define V6_TCP V6("06", "0014") TCP

struct expected {
	uint16_t features;
	uint16_t etype;
	uint8_t proto;
	uint16_t src_port, dst_port;
	uint8_t tcp_flags;
	uint32_t ip_bytes;
	const char *last; /* layer */
};

#define IS4 FLOW_HAS_V4
#define IS6 FLOW_HAS_V6

static const struct {
	const char *name;
	int link;
	const char *frame;
	struct expected want;
} good[] = {
    {"udp", DLT_EN10MB, MACS "0800" V4_UDP, {IS4, 0x800, 17, 1000, 53, 0, 32, "udp"}},
    {"tcp", DLT_EN10MB, MACS "0800" V4_TCP, {IS4, 0x800, 6, 1001, 80, 0x12, 40, "tcp"}},
    {"ipv6", DLT_EN10MB, MACS "86dd" V6_TCP, {IS6, 0x86dd, 6, 1001, 80, 0x12, 60, "tcp"}},
    {"icmp",
     DLT_EN10MB,
     MACS "0800" V4("01", "001c", "0000") "0301000000000000",
     {IS4, 0x800, 1, 0, 3 * 256 + 1, 0, 28, "icmp"}},
    {"icmpv6",
     DLT_EN10MB,
     MACS "86dd" V6("3a", "0008") "8000000000000000",
     {IS6, 0x86dd, 58, 0, 128 * 256, 0, 48, "icmp"}},
    {"sctp",
     DLT_EN10MB,
     MACS "0800" V4("84", "0020", "0000") "07d00bb80000000100000000",
     {IS4, 0x800, 132, 2000, 3000, 0, 32, "ports"}},
    {"esp",
     DLT_EN10MB,
     MACS "0800" V4("32", "001c", "0000") "0000123400000001",
     {IS4, 0x800, 50, 0, 0, 0, 28, "ipv4"}},
    {"ah over IPv4 hides what follows",
     DLT_EN10MB,
     MACS "0800" V4("33", "002c", "0000") "110400000000000000000000" UDP,
     {IS4, 0x800, 51, 0, 0, 0, 44, "ipv4"}},
    {"ah over IPv6 is an extension",
     DLT_EN10MB,
     MACS "86dd" V6("33", "0024") "110400000000000000000000000000000000000000000000" UDP,
     {IS6, 0x86dd, 17, 1000, 53, 0, 76, "udp"}},
    {"ipv6 extensions",
     DLT_EN10MB,
     MACS "86dd" V6("00", "002c") "3c00010400000000"
				  "2b00010400000000"
				  "0600010400000000" TCP,
     {IS6, 0x86dd, 6, 1001, 80, 0x12, 84, "tcp"}},
    {"ipv6 no next header", DLT_EN10MB, MACS "86dd" V6("3b", "0000"), {IS6, 0x86dd, 59, 0, 0, 0, 40, "ipv6"}},
    {"extension number over IPv4",
     DLT_EN10MB,
     MACS "0800" V4("2c", "001c", "0000") "1100000000000000",
     {IS4, 0x800, 44, 0, 0, 0, 28, "ipv4"}},
    {"ipv4 options",
     DLT_EN10MB,
     MACS "0800"
	  "4600"
	  "0024"
	  "0001"
	  "0000"
	  "40"
	  "11"
	  "0000"
	  "0a000001"
	  "0a000002"
	  "94040000" UDP,
     {IS4, 0x800, 17, 1000, 53, 0, 36, "udp"}},
    {"total length 0 of an offloading card",
     DLT_EN10MB,
     MACS "0800" V4("06", "0000", "0000") TCP,
     {IS4, 0x800, 6, 1001, 80, 0x12, 40, "tcp"}},
    {"vlan",
     DLT_EN10MB,
     MACS "8100"
	  "6064"
	  "0800" V4_UDP,
     {IS4 | FLOW_HAS_VLAN, 0x800, 17, 1000, 53, 0, 32, "udp"}},
    {"mpls",
     DLT_EN10MB,
     MACS "8847"
	  "00064040"
	  "000c8140" V4_TCP,
     {IS4 | FLOW_HAS_MPLS, 0x8847, 6, 1001, 80, 0x12, 40, "tcp"}},
    {"pppoe",
     DLT_EN10MB,
     MACS "8864"
	  "11000001"
	  "0022"
	  "0021" V4_UDP,
     {IS4, 0x800, 17, 1000, 53, 0, 32, "udp"}},
    {"snap",
     DLT_EN10MB,
     MACS "0028"
	  "aaaa03"
	  "000000"
	  "0800" V4_UDP,
     {IS4, 0x800, 17, 1000, 53, 0, 32, "udp"}},
    {"raw", DLT_RAW, V6_TCP, {IS6, 0x86dd, 6, 1001, 80, 0x12, 60, "tcp"}},
    {"cooked",
     DLT_LINUX_SLL,
     "0000"
     "0001"
     "0006"
     "0200000000010000"
     "0800" V4_TCP,
     {IS4, 0x800, 6, 1001, 80, 0x12, 40, "tcp"}},
    {"cooked 2",
     DLT_LINUX_SLL2,
     "86dd"
     "0000"
     "00000003"
     "0001"
     "00"
     "06"
     "0200000000010000" V6_TCP,
     {IS6, 0x86dd, 6, 1001, 80, 0x12, 60, "tcp"}},
    {"null", DLT_NULL, "02000000" V4_TCP, {IS4, 0x800, 6, 1001, 80, 0x12, 40, "tcp"}},
    {"loop", DLT_LOOP, "00000018" V6_TCP, {IS6, 0x86dd, 6, 1001, 80, 0x12, 60, "tcp"}},
    {"ppp", DLT_PPP, "ff030021" V4_TCP, {IS4, 0x800, 6, 1001, 80, 0x12, 40, "tcp"}},
    {"ppp compressed", DLT_PPP, "21" V4_TCP, {IS4, 0x800, 6, 1001, 80, 0x12, 40, "tcp"}},
    {"cisco hdlc",
     DLT_C_HDLC,
     "0f00"
     "0800" V4_TCP,
     {IS4, 0x800, 6, 1001, 80, 0x12, 40, "tcp"}},
    {"arp",
     DLT_EN10MB,
     MACS "0806"
	  "0001080006040001",
     {0, 0x806, 0, 0, 0, 0, 0, "ethernet"}},
    {"first fragment",
     DLT_EN10MB,
     MACS "0800" V4("11", "0020", "2000") UDP,
     {IS4, 0x800, 17, 1000, 53, 0, 32, "udp"}},
    {"later fragment",
     DLT_EN10MB,
     MACS "0800" V4("11", "0020", "0004") UDP,
     {IS4, 0x800, 17, 0, 0, 0, 32, "ipv4"}},
    {"later fragment, IPv6",
     DLT_EN10MB,
     MACS "86dd" V6("2c", "0014") "110003210000004d" UDP,
     {IS6, 0x86dd, 17, 0, 0, 0, 60, "ipv6-fragment"}},
};

static const struct {
	const char *name;
	int link;
	const char *frame;
	bool usable;
	enum packet_result result;
	const char *last;
} bad[] = {
    {"unknown link", DLT_USER0, V4_TCP, false, PACKET_NO_LINK, "link"},
    {"empty", DLT_EN10MB, "", false, PACKET_TRUNCATED, "ethernet"},
    {"short ethernet", DLT_EN10MB, "0200000000", false, PACKET_TRUNCATED, "ethernet"},
    {"short vlan", DLT_EN10MB,
     MACS "8100"
	  "60",
     false, PACKET_TRUNCATED, "vlan"},
    {"short ipv4", DLT_EN10MB,
     MACS "0800"
	  "45000028000100004006",
     false, PACKET_TRUNCATED, "ipv4"},
    {"ipv4 is not", DLT_EN10MB, MACS "0800" V6_TCP, false, PACKET_MALFORMED, "ipv4"},
    {"ipv6 is not", DLT_EN10MB, MACS "86dd" V4_TCP TCP, false, PACKET_MALFORMED, "ipv6"},
    {"header length 4", DLT_EN10MB,
     MACS "0800"
	  "4100"
	  "0028"
	  "00010000"
	  "4006"
	  "0000"
	  "0a000001"
	  "0a000002" TCP,
     false, PACKET_MALFORMED, "ipv4"},
    {"total length below the header", DLT_EN10MB, MACS "0800" V4("06", "0013", "0000") TCP, false,
     PACKET_MALFORMED, "ipv4"},
    {"options missing", DLT_EN10MB,
     MACS "0800"
	  "4f00"
	  "0050"
	  "00010000"
	  "4006"
	  "0000"
	  "0a000001"
	  "0a000002"
	  "01",
     true, PACKET_TRUNCATED, "ipv4"},
    {"no ports", DLT_EN10MB, MACS "0800" V4("06", "0028", "0000") "03e9", true, PACKET_TRUNCATED, "tcp"},
    {"tcp offset 4", DLT_EN10MB,
     MACS "0800" V4("06", "0028", "0000") "03e9005000000001000000011012006400000000", true, PACKET_MALFORMED,
     "tcp"},
    {"ports in the padding are none", DLT_EN10MB, MACS "0800" V4("11", "0014", "0000") "eeeeeeeeeeeeeeee",
     true, PACKET_TRUNCATED, "udp"},
    {"extension longer than the frame", DLT_EN10MB, MACS "86dd" V6("00", "002c") "3cff010400000000", true,
     PACKET_TRUNCATED, "ipv6-options"},
    {"mpls without bottom", DLT_EN10MB,
     MACS "8847"
	  "00064040"
	  "00064040"
	  "00064040",
     false, PACKET_TRUNCATED, "mpls"},
    {"pppoe discovery in a session", DLT_EN10MB,
     MACS "8864"
	  "11090001"
	  "0022"
	  "0021" V4_UDP,
     false, PACKET_MALFORMED, "pppoe"},
};

static struct flow_needs needs;

static size_t
unhex(uint8_t *out, const char *hex)
{
	size_t n = strlen(hex) / 2;
	for (size_t i = 0; i < n; i++) {
		unsigned v;
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
		out[i] = (uint8_t)v;
	}
	return n;
}

/* On the heap and of exact size, so that AddressSanitizer sees a read past the end. */
static bool
walk(struct packet *p, struct flow *f, int link, const char *hex)
{
	uint8_t bytes[512];
	size_t n = unhex(bytes, hex);
	uint8_t *frame = malloc(n ? n : 1);
	memcpy(frame, bytes, n);
	memset(f, 0, sizeof(*f));
	bool ok = packet_walk(p, f, &needs, link, frame, n, n);
	free(frame);
	return ok;
}

static struct addr
address(const char *text)
{
	struct addr a;
	assert_true(addr_parse(&a, text));
	return a;
}

static void
check_addresses(const struct flow *f, uint16_t features)
{
	struct addr none = {.q = {0, 0}};
	struct addr src = features & IS4   ? address("10.0.0.1")
			  : features & IS6 ? address("2001:db8::1")
					   : none;
	struct addr dst = features & IS4   ? address("10.0.0.2")
			  : features & IS6 ? address("2001:db8::2")
					   : none;
	assert_true(addr_equal(&f->src_host, &src));
	assert_true(addr_equal(&f->dst_host, &dst));
	if (features & IS6) {
		assert_int_equal(f->tos, 0x28);
		assert_int_equal(f->flow_label, 0x12345);
	}
}

static void
frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		const struct expected *w = &good[i].want;
		struct flow f;
		struct packet p;
		print_message("  %s\n", good[i].name);
		assert_true(walk(&p, &f, good[i].link, good[i].frame));
		assert_int_equal(p.result, PACKET_OK);
		assert_string_equal(packet_layer_name(p.layer), w->last);
		assert_int_equal(f.features, w->features | FLOW_HAS_FRAME);
		assert_int_equal(f.etype, w->etype);
		assert_int_equal(f.proto, w->proto);
		assert_int_equal(f.src_port, w->src_port);
		assert_int_equal(f.dst_port, w->dst_port);
		assert_int_equal(f.tcp_flags, w->tcp_flags);
		assert_int_equal(p.ip_bytes, w->ip_bytes);
		check_addresses(&f, w->features);
	}
}

static void
faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct flow f;
		struct packet p;
		print_message("  %s\n", bad[i].name);
		assert_int_equal(walk(&p, &f, bad[i].link, bad[i].frame), bad[i].usable);
		assert_string_equal(packet_result_name(p.result), packet_result_name(bad[i].result));
		assert_string_equal(packet_layer_name(p.layer), bad[i].last);
		assert_int_equal(f.src_port,
				 bad[i].result == PACKET_MALFORMED && f.features & IS4 ? 1001 : 0);
	}
}

/* Every frame above cut at every byte: no read past the end, and never a result that is not there. */
static void
cuts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		size_t n = strlen(good[i].frame);
		for (size_t cut = 0; cut < n; cut += 2) {
			char hex[1024];
			struct flow f;
			struct packet p;
			snprintf(hex, sizeof(hex), "%.*s", (int)cut, good[i].frame);
			walk(&p, &f, good[i].link, hex);
			assert_in_range(p.result, 0, PACKET_RESULTS - 1);
			for (unsigned k = 0; k < PACKET_POINTS; k++)
				assert_true(p.point[k] == PACKET_NOWHERE || p.point[k] <= cut / 2);
		}
	}
}

/* Values that no frame above has. */
static void
set_own(struct flow *f)
{
	memset(f, 0, sizeof(*f));
	f->src_port = f->tunnel_src_port = 40001;
	f->dst_port = f->tunnel_dst_port = 40002;
	f->proto = f->tunnel_proto = 200;
	f->tcp_flags = f->tunnel_tcp_flags = 0x80;
	f->tos = f->tunnel_tos = 0xfc;
	f->etype = 0x4242;
	f->flow_label = f->tunnel_flow_label = 7;
	memset(f->src_mac, 9, sizeof(f->src_mac));
}

/* Of a frame that is cut anywhere each member is what the record had or what the whole frame has: never zero,
 * never the number of an extension header. */
static void
cuts_leave_the_record_alone(void **state)
{
	static const uint8_t mac[6] = {9, 9, 9, 9, 9, 9};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		uint8_t frame[512];
		size_t n = unhex(frame, good[i].frame);
		struct packet p;
		struct flow whole;
		walk(&p, &whole, good[i].link, good[i].frame);
		for (size_t cut = 0; cut < n; cut++) {
			struct flow f;
			set_own(&f);
			packet_walk(&p, &f, &needs, good[i].link, frame, cut, n);
			assert_true(f.src_port == 40001 || f.src_port == whole.src_port);
			assert_true(f.dst_port == 40002 || f.dst_port == whole.dst_port);
			assert_true(f.proto == 200 || f.proto == whole.proto);
			assert_true(f.tcp_flags == 0x80 || f.tcp_flags == whole.tcp_flags);
			assert_true(f.tos == 0xfc || f.tos == whole.tos);
			assert_true(f.flow_label == 7 || f.flow_label == whole.flow_label);
			assert_true(f.etype != 0);
			assert_true(memcmp(f.src_mac, mac, 6) == 0 ||
				    memcmp(f.src_mac, whole.src_mac, 6) == 0);
			/* a port of the frame only together with the header that says whose it is */
			if (addr_is_none(&f.src_host))
				assert_true(f.src_port == 40001 && f.dst_port == 40002 && f.proto == 200);
		}
	}
}

/* What begins behind the IP header, with the protocol from elsewhere. */
static void
payloads(void **state)
{
	static const struct {
		uint8_t proto;
		bool v6;
		const char *payload;
		bool read;
		uint16_t src_port, dst_port, tcp_flags;
		uint8_t after; /* the protocol behind extension headers */
	} table[] = {
	    {6, false,
	     "03e900500000000000000000501200000000"
	     "0000",
	     true, 1001, 80, 0x12, 6},
	    {6, false, "03e90050000000000000000050120000", false, 1001, 80, 0x12, 6}, /* cut late */
	    {17, false, "14e9003500180000", true, 5353, 53, 0x80, 17},
	    {17, false, "14e9", false, 40001, 40002, 0x80, 17}, /* cut */
	    {58, true, "8000", true, 0, 0x8000, 0x80, 58},	/* echo request: type 128 */
	    {60, true,
	     "1100010400000000"
	     "14e9003500180000",
	     true, 5353, 53, 0x80, 17},
	    {60, false,
	     "1100010400000000"
	     "14e9003500180000",
	     false, 40001, 40002, 0x80, 60},				    /* not IPv6 */
	    {89, false, "14e9003500180000", false, 40001, 40002, 0x80, 89}, /* OSPF has no ports */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		uint8_t bytes[64];
		size_t n = unhex(bytes, table[i].payload);
		struct packet p;
		struct flow f;
		set_own(&f);
		f.proto = table[i].proto;
		f.features = table[i].v6 ? FLOW_HAS_V6 : FLOW_HAS_V4;
		assert_int_equal(packet_walk_payload(&p, &f, &needs, f.proto, bytes, n), table[i].read);
		assert_int_equal(f.src_port, table[i].src_port);
		assert_int_equal(f.dst_port, table[i].dst_port);
		assert_int_equal(f.tcp_flags, table[i].tcp_flags);
		assert_int_equal(f.proto, table[i].after);
		assert_int_equal(f.tos, 0xfc);
		assert_int_equal(f.etype, 0x4242);
	}
}

static void
link_members(void **state)
{
	(void)state;
	struct flow f;
	struct packet p;
	static const uint8_t src[6] = {2, 0, 0, 0, 0, 1}, dst[6] = {2, 0, 0, 0, 0, 2};
	assert_true(walk(&p, &f, DLT_EN10MB,
			 MACS "88a8"
			      "a064"
			      "8100"
			      "20c8"
			      "0800" V4_UDP));
	assert_memory_equal(f.src_mac, src, 6);
	assert_memory_equal(f.dst_mac, dst, 6);
	assert_int_equal(f.vlan, 100);
	assert_int_equal(f.cos, 5);
	assert_int_equal(f.in_cvlan, 200);
	assert_int_equal(f.etype, 0x800);
	assert_true(walk(&p, &f, DLT_LINUX_SLL,
			 "0000"
			 "0001"
			 "0006"
			 "0200000000010000"
			 "0800" V4_TCP));
	assert_memory_equal(f.src_mac, src, 6);
	/* an address that is not six bytes is no MAC */
	assert_true(walk(&p, &f, DLT_LINUX_SLL,
			 "0000"
			 "0304"
			 "0000"
			 "0200000000010000"
			 "0800" V4_TCP));
	assert_int_equal(f.src_mac[0], 0);
}

static void
mpls_members(void **state)
{
	(void)state;
	struct flow f;
	struct packet p;
	char hex[1024] = MACS "8847";
	size_t at = strlen(hex);
	assert_true(walk(&p, &f, DLT_EN10MB,
			 MACS "8847"
			      "00064040"
			      "000c8140" V4_TCP));
	assert_int_equal(f.mpls_labels, 2);
	assert_int_equal(f.mpls_label[0], 100);
	assert_int_equal(f.mpls_label[1], 200);
	assert_int_equal(f.mpls_label_top, 100);
	assert_int_equal(f.mpls_label_bottom, 200);
	assert_int_equal(f.mpls_label_stack.len, 8);
	assert_ptr_equal(f.mpls_label_stack.p, f.mpls_label);
	/* twelve labels: ten are kept, and the bottom one */
	for (unsigned i = 1; i <= 12; i++)
		at += (size_t)snprintf(hex + at, sizeof(hex) - at, "%05x%x%s", i, i == 12 ? 1U : 0U, "40");
	snprintf(hex + at, sizeof(hex) - at, "%s", V4_TCP);
	assert_true(walk(&p, &f, DLT_EN10MB, hex));
	assert_int_equal(f.mpls_labels, FLOW_MPLS_MAX);
	assert_int_equal(f.mpls_label[9], 10);
	assert_int_equal(f.mpls_label_bottom, 12);
	assert_int_equal(f.dst_port, 80);
}

static void
fragments(void **state)
{
	(void)state;
	struct flow f;
	struct packet p;
	assert_true(walk(&p, &f, DLT_RAW, V4("11", "0020", "2000") UDP));
	assert_int_equal(p.fragment, PACKET_FRAGMENT_FIRST | PACKET_FRAGMENT_MORE);
	assert_int_equal(p.fragment_id, 5);
	assert_true(walk(&p, &f, DLT_RAW, V4("11", "0020", "0004") UDP));
	assert_int_equal(p.fragment, PACKET_FRAGMENT_LATER);
	assert_int_equal(p.fragment_offset, 32);
	assert_true(walk(&p, &f, DLT_RAW, V6("2c", "0014") "110003210000004d" UDP));
	assert_int_equal(p.fragment, PACKET_FRAGMENT_LATER | PACKET_FRAGMENT_MORE);
	assert_int_equal(p.fragment_offset, 800);
	assert_int_equal(p.fragment_id, 77);
	assert_true(walk(&p, &f, DLT_RAW, V4_UDP));
	assert_int_equal(p.fragment, 0);
}

static void
points(void **state)
{
	(void)state;
	struct flow f;
	struct packet p;
	assert_true(walk(&p, &f, DLT_EN10MB,
			 MACS "8100"
			      "6064"
			      "8847"
			      "000c8140" V4_UDP));
	assert_int_equal(p.point[PACKET_AT_MAC], 0);
	assert_int_equal(p.point[PACKET_AT_VLAN], 14);
	assert_int_equal(p.point[PACKET_AT_MPLS], 18);
	assert_int_equal(p.point[PACKET_AT_L3], 22);
	assert_int_equal(p.point[PACKET_AT_L4], 42);
	assert_int_equal(p.point[PACKET_AT_PAYLOAD], 50);
	assert_true(walk(&p, &f, DLT_EN10MB,
			 MACS "0806"
			      "0001"));
	assert_int_equal(p.point[PACKET_AT_L3], PACKET_NOWHERE);
	assert_int_equal(p.point[PACKET_AT_PAYLOAD], PACKET_NOWHERE);
}

/* Over IPv4 from 10.0.0.1 to 10.0.0.2; inside is always the IPv6 packet of V6_TCP. */
static const struct {
	const char *name, *frame;
	uint8_t proto;
	uint32_t vxlan, nvgre;
	bool macs;
} tunnels[] = {
    {"6in4", V4("29", "0050", "0000") V6_TCP, 41, 0, 0, false},
    {"gre",
     V4("2f", "0054", "0000") "0000"
			      "86dd" V6_TCP,
     47, 0, 0, false},
    {"gre with everything",
     V4("2f", "0060", "0000") "b000"
			      "86dd"
			      "00000000"
			      "00000005"
			      "00000001" V6_TCP,
     47, 0, 0, false},
    {"nvgre",
     V4("2f", "0066", "0000") "2000"
			      "6558"
			      "00007b01" MACS "86dd" V6_TCP,
     47, 0, 123, true},
    {"erspan i",
     V4("2f", "0062", "0000") "0000"
			      "88be" MACS "86dd" V6_TCP,
     47, 0, 0, true},
    {"erspan ii",
     V4("2f", "006e", "0000") "1000"
			      "88be"
			      "00000001"
			      "1000000100000000" MACS "86dd" V6_TCP,
     47, 0, 0, true},
    {"erspan iii",
     V4("2f", "007a", "0000") "1000"
			      "22eb"
			      "00000001"
			      "200000010000000000000001"
			      "0000000000000000" MACS "86dd" V6_TCP,
     47, 0, 0, true},
    {"pptp",
     V4("2f", "0062", "0000") "3081"
			      "880b"
			      "00100001"
			      "00000001"
			      "00000001"
			      "0057" V6_TCP,
     47, 0, 0, false},
    {"etherip", V4("61", "0060", "0000") "3000" MACS "86dd" V6_TCP, 97, 0, 0, true},
    {"mpls in ip", V4("89", "0054", "0000") "00064140" V6_TCP, 137, 0, 0, false},
    {"ethernet in ip", V4("8f", "005e", "0000") MACS "86dd" V6_TCP, 143, 0, 0, true},
    {"vxlan",
     V4("11", "006e", "0000") "303912b5005a0000"
			      "0800000000007b00" MACS "86dd" V6_TCP,
     17, 123, 0, true},
    {"geneve",
     V4("11", "0072", "0000") "303917c1005e0000"
			      "0100655800007b00"
			      "00000000" MACS "86dd" V6_TCP,
     17, 0, 0, true},
    {"gtp-u",
     V4("11", "0060", "0000") "30390868004c0000"
			      "30ff003c00000001" V6_TCP,
     17, 0, 0, false},
    {"gtp-u with extension",
     V4("11", "0068", "0000") "3039086800540000"
			      "34ff004400000001"
			      "00000085"
			      "01100000" V6_TCP,
     17, 0, 0, false},
    {"l2tp",
     V4("11", "0062", "0000") "303906a5004e0000"
			      "000200010001"
			      "ff030057" V6_TCP,
     17, 0, 0, false},
    {"l2tp with everything",
     V4("11", "006c", "0000") "303906a500580000"
			      "4a02"
			      "0050"
			      "00010001"
			      "00000000"
			      "0002"
			      "0000"
			      "ff030057" V6_TCP,
     17, 0, 0, false},
};

static void
check_tunnel(const struct flow *f, size_t i)
{
	static const uint8_t src_mac[6] = {2, 0, 0, 0, 0, 1}, none[6] = {0};
	struct addr src = address("2001:db8::1"), dst = address("2001:db8::2");
	assert_true(addr_equal(&f->tunnel_src_host, &src));
	assert_true(addr_equal(&f->tunnel_dst_host, &dst));
	assert_int_equal(f->tunnel_proto, 6);
	assert_int_equal(f->tunnel_src_port, 1001);
	assert_int_equal(f->tunnel_dst_port, 80);
	assert_int_equal(f->tunnel_tcp_flags, 0x12);
	assert_int_equal(f->tunnel_tos, 0x28);
	assert_int_equal(f->tunnel_flow_label, 0x12345);
	assert_int_equal(f->vxlan, tunnels[i].vxlan);
	assert_int_equal(f->nvgre, tunnels[i].nvgre);
	assert_memory_equal(f->tunnel_src_mac, tunnels[i].macs ? src_mac : none, 6);
}

static void
tunnels_peeled(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++) {
		struct flow f;
		struct packet p;
		print_message("  %s\n", tunnels[i].name);
		assert_true(walk(&p, &f, DLT_RAW, tunnels[i].frame));
		assert_int_equal(p.result, PACKET_OK);
		assert_string_equal(packet_layer_name(p.layer), "tcp");
		assert_int_equal(f.features, IS4 | FLOW_HAS_FRAME);
		assert_int_equal(f.etype, 0x800);
		assert_int_equal(f.proto, tunnels[i].proto);
		assert_int_equal(f.tcp_flags, 0);
		assert_int_equal(p.point[PACKET_AT_L3], 0);
		assert_int_equal(p.point[PACKET_AT_L4], 20);
		check_addresses(&f, IS4);
		check_tunnel(&f, i);
		for (size_t cut = 0; cut < strlen(tunnels[i].frame); cut += 2) {
			char hex[1024];
			snprintf(hex, sizeof(hex), "%.*s", (int)cut, tunnels[i].frame);
			walk(&p, &f, DLT_RAW, hex);
			assert_in_range(p.result, 0, PACKET_RESULTS - 1);
		}
	}
}

/* Nobody reads tunnel_* members: the walk ends before the tunnel. */
static void
tunnels_left_alone(void **state)
{
	(void)state;
	static struct flow_needs hot;
	uint8_t frame[512];
	flow_need(&hot, 0, FLOW_HOT_BYTES);
	for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++) {
		size_t n = unhex(frame, tunnels[i].frame);
		struct packet p;
		struct flow f = {.kind = 0};
		assert_true(packet_walk(&p, &f, &hot, DLT_RAW, frame, n, n));
		assert_int_equal(p.result, PACKET_OK);
		assert_string_equal(packet_layer_name(p.layer), tunnels[i].proto == 17 ? "udp" : "ipv4");
		assert_true(addr_is_none(&f.tunnel_src_host));
		assert_int_equal(f.proto, tunnels[i].proto);
	}
}

/* A hundred IPv4 headers in each other: two levels are kept. */
static void
tunnels_nested(void **state)
{
	(void)state;
	uint8_t frame[20 * 100];
	struct packet p;
	struct flow f = {.kind = 0};
	for (size_t i = 0; i < 100; i++) {
		unhex(frame + 20 * i, V4("04", "0000", "0000"));
		frame[20 * i + 15] = (uint8_t)i;
	}
	assert_true(packet_walk(&p, &f, &needs, DLT_RAW, frame, sizeof(frame), sizeof(frame)));
	assert_int_equal(p.result, PACKET_OK);
	assert_int_equal(f.src_host.b[15], 0);
	assert_int_equal(f.tunnel_src_host.b[15], 1);
}

/* Messages without a user's packet, and headers that contradict themselves. */
static void
tunnels_faults(void **state)
{
	(void)state;
	static const struct {
		const char *frame;
		enum packet_result result;
	} odd[] = {
	    {V4("11", "0060", "0000") "30390868004c0000"
				      "3001003c00000001" V6_TCP,
	     PACKET_OK}, /* GTP echo */
	    {V4("11", "0062", "0000") "303906a5004e0000"
				      "c80200010001"
				      "ff030057" V6_TCP,
	     PACKET_OK}, /* L2TP control */
	    {V4("11", "0068", "0000") "3039086800540000"
				      "34ff004400000001"
				      "00000085"
				      "00100000" V6_TCP,
	     PACKET_MALFORMED}, /* extension of length 0 */
	    {V4("11", "006e", "0000") "303912b5005a0000"
				      "0000000000007b00" MACS "86dd" V6_TCP,
	     PACKET_MALFORMED},
	    {V4("61", "0060", "0000") "2000" MACS "86dd" V6_TCP, PACKET_MALFORMED},
	    {V4("11", "0072", "0000") "303917c1005e0000"
				      "8100655800007b00"
				      "00000000" MACS "86dd" V6_TCP,
	     PACKET_MALFORMED},
	};
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		struct flow f;
		struct packet p;
		assert_true(walk(&p, &f, DLT_RAW, odd[i].frame)); /* the outer header is good */
		assert_int_equal(p.result, odd[i].result);
		assert_true(addr_is_none(&f.tunnel_src_host));
		check_addresses(&f, IS4);
	}
}

/* Tags and extension headers without end. */
static void
bounded(void **state)
{
	(void)state;
	uint8_t frame[14 + 4 * 200] = {[12] = 0x81, [13] = 0x00};
	struct flow f = {.kind = 0};
	struct packet p;
	for (size_t i = 0; i < 200; i++)
		memcpy(frame + 14 + 4 * i, "\x00\x05\x81\x00", 4);
	assert_false(packet_walk(&p, &f, &needs, DLT_EN10MB, frame, sizeof(frame), sizeof(frame)));
	assert_int_equal(p.result, PACKET_TOO_DEEP);
	assert_string_equal(packet_layer_name(p.layer), "vlan");
	uint8_t v6[40 + 8 * 100] = {0x60, [4] = 800 / 256, [5] = 800 % 256};
	assert_true(packet_walk(&p, &f, &needs, DLT_RAW, v6, sizeof(v6), sizeof(v6)));
	assert_int_equal(p.result, PACKET_TOO_DEEP);
	assert_string_equal(packet_layer_name(p.layer), "ipv6-options");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(frames),
	    cmocka_unit_test(faults),
	    cmocka_unit_test(cuts),
	    cmocka_unit_test(link_members),
	    cmocka_unit_test(mpls_members),
	    cmocka_unit_test(fragments),
	    cmocka_unit_test(points),
	    cmocka_unit_test(bounded),
	    cmocka_unit_test(tunnels_peeled),
	    cmocka_unit_test(tunnels_left_alone),
	    cmocka_unit_test(cuts_leave_the_record_alone),
	    cmocka_unit_test(payloads),
	    cmocka_unit_test(tunnels_nested),
	    cmocka_unit_test(tunnels_faults),
	};
	flow_need(&needs, 0, sizeof(struct flow));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
