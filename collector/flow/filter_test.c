/* Expressions against flows: which of the flows below pass each of them, by libpcap's manual. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/flow/filter.h"

static struct flow flows[10];

enum {
	WEB,	 /* TCP SYN 10.0.0.1:1000 to 192.168.5.47:80 */
	TAGGED,	 /* the same in VLAN 100, priority 3, customer VLAN 7 */
	LABELED, /* the same below labels 100 and 200 */
	LABEL,	 /* the same below label 100 */
	DNS,	 /* UDP 10.0.0.8:53 to port 5353, TOS 0xb8 */
	PING,	 /* ICMP, type 3 code 1 */
	SIX,	 /* TCP SYN ACK 2001:db8::1:1000 to 2001:db8::2:443, flow label 0x12345 */
	ESP,
	LAYER2, /* MAC addresses and an EtherType (ARP), no IP */
	EMPTY,
};

#define BIT(i)	 (1U << (i))
#define V4	 (BIT(WEB) | BIT(TAGGED) | BIT(LABELED) | BIT(LABEL) | BIT(DNS) | BIT(PING) | BIT(ESP))
#define WEB_ALL	 (BIT(WEB) | BIT(TAGGED) | BIT(LABELED) | BIT(LABEL))
#define EVERYONE (BIT(EMPTY + 1) - 1)

static const struct {
	const char *expression;
	uint32_t pass;
} cases[] = {
    {"dst net 192.168.0.0/16", V4},
    {"src net 192.168.0.0/16", 0},
    {"host 10.0.0.8", BIT(DNS)},
    {"port 80", WEB_ALL},
    {"src port 53 and udp", BIT(DNS)},
    {"portrange 70-90", WEB_ALL},
    {"tcp", WEB_ALL | BIT(SIX)},
    {"udp", BIT(DNS)},
    {"icmp", BIT(PING)},
    {"ip", V4},
    {"ip6", BIT(SIX)},
    {"ip6 and port 443", BIT(SIX)},
    {"src host 2001:db8::1", BIT(SIX)},
    {"dst net 2001:db8::/32", BIT(SIX)},
    {"ip6[1] & 0x0f = 1 and ip6[2:2] = 0x2345", BIT(SIX)},
    {"vlan", BIT(TAGGED)},
    {"vlan 100", BIT(TAGGED)},
    {"vlan 101", 0},
    {"vlan 100 and vlan 7", BIT(TAGGED)},
    {"not vlan", EVERYONE & ~BIT(TAGGED)},
    {"vlan and vlan and dst net 192.168.0.0/16", BIT(TAGGED)},
    {"host 192.168.5.47 or (vlan and vlan and host 192.168.5.47)", V4},
    {"mpls", BIT(LABELED) | BIT(LABEL)},
    {"mpls 100", BIT(LABELED) | BIT(LABEL)},
    {"mpls 200", 0},
    {"mpls 100 and mpls 200", BIT(LABELED)},
    {"mpls and dst net 192.168.0.0/16", BIT(LABEL)},
    {"mpls and mpls and tcp port 80", BIT(LABELED)},
    {"tcp[tcpflags] & tcp-syn != 0", WEB_ALL},
    {"tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn", WEB_ALL},
    {"tcp[tcpflags] & tcp-fin != 0", 0},
    {"icmp[icmptype] = 3 and icmp[icmpcode] = 1", BIT(PING)},
    {"ip[1] = 0xb8", BIT(DNS)},
    {"ip proto 50", BIT(ESP)},
    {"ether host 02:00:00:00:00:01", BIT(WEB) | BIT(LAYER2)},
    {"ether dst 02:00:00:00:00:02", BIT(WEB) | BIT(LAYER2)},
    {"arp", BIT(LAYER2)},
    {"ether proto 0x806", BIT(LAYER2)},
    {"", EVERYONE},
};

/* TCP SYN (flags 2) 10.0.0.1:1000 to 192.168.5.47:80, from which all others are made. */
static void
web(struct flow *f)
{
	assert_true(addr_parse(&f->src_host, "10.0.0.1"));
	assert_true(addr_parse(&f->dst_host, "192.168.5.47"));
	f->proto = 6;
	f->src_port = 1000;
	f->dst_port = 80;
	f->tcp_flags = 2;
}

/* As the enum says; ICMP type and code as exporters send them, in the destination port. */
static int
flows_make(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= ESP; i++)
		web(&flows[i]);
	flows[TAGGED].vlan = 100;
	flows[TAGGED].cos = 3;
	flows[TAGGED].in_cvlan = 7;
	flows[LABELED].mpls_labels = 2;
	flows[LABELED].mpls_label[0] = 100;
	flows[LABELED].mpls_label[1] = 200;
	flows[LABEL].mpls_labels = 1;
	flows[LABEL].mpls_label[0] = 100;
	addr_parse(&flows[DNS].src_host, "10.0.0.8");
	flows[DNS].proto = 17;
	flows[DNS].src_port = 53;
	flows[DNS].dst_port = 5353;
	flows[DNS].tos = 0xb8;
	flows[PING].proto = 1;
	flows[PING].src_port = 0;
	flows[PING].dst_port = 3 * 256 + 1;
	addr_parse(&flows[SIX].src_host, "2001:db8::1");
	addr_parse(&flows[SIX].dst_host, "2001:db8::2");
	flows[SIX].dst_port = 443;
	flows[SIX].tcp_flags = 0x12;
	flows[SIX].flow_label = 0x12345;
	flows[ESP].proto = 50;
	flows[LAYER2].etype = 0x806;
	memcpy(flows[LAYER2].src_mac, "\2\0\0\0\0\1", 6);
	memcpy(flows[LAYER2].dst_mac, "\2\0\0\0\0\2", 6);
	memcpy(flows[WEB].src_mac, "\2\0\0\0\0\1", 6);
	memcpy(flows[WEB].dst_mac, "\2\0\0\0\0\2", 6);
	return 0;
}

/* Every expression over every flow. Expected sets follow from pcap-filter(7); behind "vlan" and "mpls"
 * offsets are moved, which is why some expressions name them twice. */
static void
matches(void **state)
{
	(void)state;
	char err[300];
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct filter *f = filter_new(cases[i].expression, err, sizeof(err));
		if (!f)
			fail_msg("%s", err);
		for (unsigned k = 0; k <= EMPTY; k++)
			if (filter_match(f, &flows[k]) != !!(cases[i].pass & BIT(k)))
				fail_msg("'%s' is wrong about flow %u", cases[i].expression, k);
		filter_free(f);
	}
}

/* Whether the filter marks the byte at offset of struct flow. */
static bool
needs_member(const char *expression, size_t offset)
{
	char err[300];
	struct flow_needs needs = {.extent = 0};
	struct filter *f = filter_new(expression, err, sizeof(err));
	assert_non_null(f);
	filter_need(f, &needs);
	filter_free(f);
	return needs.byte[offset];
}

/* What lies behind the hot part is asked for only when the expression can see it. */
static void
needs(void **state)
{
	(void)state;
	assert_true(needs_member("port 80", offsetof(struct flow, dst_port)));
	assert_false(needs_member("port 33024", offsetof(struct flow, in_cvlan)));
	assert_true(needs_member("vlan 5", offsetof(struct flow, in_cvlan)));
	assert_false(needs_member("dst net 10.0.0.0/8", offsetof(struct flow, dst_mac)));
	assert_true(needs_member("ether dst 02:00:00:00:00:02", offsetof(struct flow, dst_mac)));
	assert_true(needs_member("mpls 5", offsetof(struct flow, mpls_label)));
	assert_false(needs_member("tcp", offsetof(struct flow, mpls_label)));
}

/* libpcap's complaint comes with the expression in front. */
static void
faults(void **state)
{
	(void)state;
	char err[300];
	assert_null(filter_new("dst nut 10.0.0.0/8", err, sizeof(err)));
	assert_ptr_equal(strstr(err, "'dst nut 10.0.0.0/8' is no filter: "), err);
	assert_null(filter_new("port 99999", err, sizeof(err)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(matches),
	    cmocka_unit_test(needs),
	    cmocka_unit_test(faults),
	};
	return cmocka_run_group_tests(tests, flows_make, NULL);
}
