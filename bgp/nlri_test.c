/* NLRI of all families, octets and texts derived from the RFCs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bgp/nlri.h"
#include "bgp/octets.h"

/* --- families with tables --- */

struct prefix_case {
	const char *hex;
	enum bgp_family family;
	bool add_path, withdrawn;
	const char *text; /* NULL: a fault */
	uint32_t path_id, label;
	uint64_t rd;
	enum bgp_fault fault;
};

#define NONE BGP_NO_LABEL

static const struct prefix_case prefix_cases[] = {
    /* RFC 4271, 4.3: as few octets as the length needs; what is beyond is irrelevant */
    {"00", BGP_IPV4_UNICAST, false, false, "0.0.0.0/0", 0, NONE, 0, 0},
    {"08 0a", BGP_IPV4_UNICAST, false, false, "10.0.0.0/8", 0, NONE, 0, 0},
    {"14 c0a8ff", BGP_IPV4_UNICAST, false, false, "192.168.240.0/20", 0, NONE, 0, 0},
    {"20 c0000201", BGP_IPV4_UNICAST, false, false, "192.0.2.1/32", 0, NONE, 0, 0},
    {"21 c000020180", BGP_IPV4_UNICAST, false, false, NULL, 0, 0, 0, BGP_FAULT_NLRI_LENGTH},
    {"18 c000", BGP_IPV4_UNICAST, false, false, NULL, 0, 0, 0, BGP_FAULT_NLRI_OVERRUN},
    {"00", BGP_IPV6_UNICAST, false, false, "::/0", 0, NONE, 0, 0},
    {"20 20010db8", BGP_IPV6_UNICAST, false, false, "2001:db8::/32", 0, NONE, 0, 0},
    {"2d 20010db8ffff", BGP_IPV6_UNICAST, false, false, "2001:db8:fff8::/45", 0, NONE, 0, 0},
    {"80 20010db8000000000000000000000001", BGP_IPV6_UNICAST, false, false, "2001:db8::1/128", 0, NONE, 0, 0},
    {"81 20010db800000000000000000000000180", BGP_IPV6_UNICAST, false, false, NULL, 0, 0, 0,
     BGP_FAULT_NLRI_LENGTH},
    {"40 20010db8", BGP_IPV6_UNICAST, false, false, NULL, 0, 0, 0, BGP_FAULT_NLRI_OVERRUN},
    /* RFC 7911, 3 */
    {"00000007 18 cb0071", BGP_IPV4_UNICAST, true, false, "203.0.113.0/24", 7, NONE, 0, 0},
    {"ffffffff 20 20010db8", BGP_IPV6_UNICAST, true, true, "2001:db8::/32", UINT32_MAX, NONE, 0, 0},
    {"000000", BGP_IPV4_UNICAST, true, false, NULL, 0, 0, 0, BGP_FAULT_NLRI_OVERRUN},
    {"00000001", BGP_IPV4_UNICAST, true, false, NULL, 0, 0, 0, BGP_FAULT_NLRI_OVERRUN},
    /* RFC 8277, 2.2: label 100 is 0x00064, traffic class 0, bottom of stack: 000641 */
    {"30 000641 cb0071", BGP_IPV4_LABELED, false, false, "203.0.113.0/24", 0, 100, 0, 0},
    {"18 000641", BGP_IPV4_LABELED, false, false, "0.0.0.0/0", 0, 100, 0, 0},
    /* 2.3: labels 100 and 200; the first is the outermost */
    {"48 000640 000c81 cb0071", BGP_IPV4_LABELED, false, false, "203.0.113.0/24", 0, 100, 0, 0},
    /* explicit null (0) and implicit null (3) are labels */
    {"30 000001 cb0071", BGP_IPV4_LABELED, false, false, "203.0.113.0/24", 0, 0, 0, 0},
    {"30 000031 cb0071", BGP_IPV4_LABELED, false, false, "203.0.113.0/24", 0, 3, 0, 0},
    {"38 fffff1 20010db8", BGP_IPV6_LABELED, false, false, "2001:db8::/32", 0, 0xfffff, 0, 0},
    /* 2.4: in withdrawals the field has any value, and there is one */
    {"30 800000 cb0071", BGP_IPV4_LABELED, false, true, "203.0.113.0/24", 0, NONE, 0, 0},
    {"30 000000 cb0071", BGP_IPV4_LABELED, false, true, "203.0.113.0/24", 0, NONE, 0, 0},
    {"30 000640 cb0071", BGP_IPV4_LABELED, false, true, "203.0.113.0/24", 0, NONE, 0, 0},
    /* no bottom within the prefix' length; a length without room for a label; a label that is not there */
    {"30 000640 cb0070", BGP_IPV4_LABELED, false, false, NULL, 0, 0, 0, BGP_FAULT_NLRI_LABEL},
    {"17 000641", BGP_IPV4_LABELED, false, false, NULL, 0, 0, 0, BGP_FAULT_NLRI_LABEL},
    {"18 0006", BGP_IPV4_LABELED, false, false, NULL, 0, 0, 0, BGP_FAULT_NLRI_OVERRUN},
    {"39 000641 cb00710080", BGP_IPV4_LABELED, false, false, NULL, 0, 0, 0, BGP_FAULT_NLRI_LENGTH},
    /* RFC 4364, 4.3.4: label, route distinguisher 0:65000:1, prefix: 24 + 64 + 24 bits */
    {"70 000641 0000fde800000001 0a0102", BGP_IPV4_VPN, false, false, "10.1.2.0/24", 0, 100,
     0x0000fde800000001, 0},
    {"00000009 70 000641 0000fde800000001 0a0102", BGP_IPV4_VPN, true, false, "10.1.2.0/24", 9, 100,
     0x0000fde800000001, 0},
    {"70 800000 0001c00002010005 0a0102", BGP_IPV4_VPN, false, true, "10.1.2.0/24", 0, NONE,
     0x0001c00002010005, 0},
    /* RFC 4659, 2 */
    {"78 000641 0002000100000007 20010db8", BGP_IPV6_VPN, false, false, "2001:db8::/32", 0, 100,
     0x0002000100000007, 0},
    {"50 000641 0000fde8000000", BGP_IPV4_VPN, false, false, NULL, 0, 0, 0, BGP_FAULT_NLRI_LENGTH},
    {"58 000641 0000fde8000000", BGP_IPV4_VPN, false, false, NULL, 0, 0, 0, BGP_FAULT_NLRI_OVERRUN},
    {"79 000641 0000fde800000001 0a01020380", BGP_IPV4_VPN, false, false, NULL, 0, 0, 0,
     BGP_FAULT_NLRI_LENGTH},
};

static void
check_prefix(const struct prefix_case *c, const struct bgp_nlri *n, bool ok, enum bgp_fault fault)
{
	char text[PREFIX_TEXT_MAX];

	assert_int_equal(ok, c->text != NULL);
	assert_int_equal(fault, c->fault);
	if (!ok)
		return;
	prefix_format(text, &n->prefix);
	assert_string_equal(text, c->text);
	assert_int_equal(n->path_id, c->path_id);
	assert_int_equal(n->label, c->label);
	assert_int_equal(n->rd, c->rd);
}

static void
prefixes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(prefix_cases); i++) {
		const struct prefix_case *c = &prefix_cases[i];
		struct octets o = octets_of(c->hex);
		struct wire w = wire_over(o.p, o.len);
		struct bgp_nlri n;
		enum bgp_fault fault = BGP_FAULT_NONE;
		bool ok = bgp_nlri_next(&w, c->family, c->add_path, c->withdrawn, &n, &fault);
		check_prefix(c, &n, ok, fault);
		assert_int_equal(wire_left(&w), 0);
		assert_false(bgp_nlri_next(&w, c->family, c->add_path, c->withdrawn, &n, &fault));
		assert_int_equal(fault, c->fault);
		free(o.p);
	}
}

/* The batch says what the walker says, wherever in a field the prefix stands. */
static void
batches(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(prefix_cases); i++) {
		const struct prefix_case *c = &prefix_cases[i];
		if (c->family > BGP_IPV6_UNICAST)
			continue;
		struct octets o = octets_of(c->hex);
		for (unsigned before = 0; before < 9; before++) {
			size_t lead = c->add_path ? 5 : 1; /* default routes in front */
			size_t len = before * lead + o.len;
			uint8_t *field = calloc(1, len);
			memcpy(field + before * lead, o.p, o.len);
			struct wire w = wire_over(field, len);
			struct bgp_nlri n[16];
			enum bgp_fault fault = BGP_FAULT_NONE;
			unsigned got = bgp_nlri_batch(&w, c->family, c->add_path, n, 16, &fault);
			assert_int_equal(got, before + (c->text != NULL));
			check_prefix(c, &n[before], got > before, fault);
			free(field);
		}
		free(o.p);
	}
}

/* A full array stops, and the next call goes on. */
static void
batch_limit(void **state)
{
	(void)state;
	uint8_t field[4 * 20];
	struct bgp_nlri n[8];
	enum bgp_fault fault = BGP_FAULT_NONE;
	for (unsigned i = 0; i < 20; i++)
		memcpy(field + 4 * i, (uint8_t[]){24, 10, 1, (uint8_t)i}, 4);
	struct wire w = wire_over(field, sizeof(field));
	for (unsigned done = 0; done < 20;) {
		unsigned got = bgp_nlri_batch(&w, BGP_IPV4_UNICAST, false, n, 8, &fault);
		assert_int_equal(got, done < 16 ? 8 : 4);
		for (unsigned i = 0; i < got; i++)
			assert_int_equal(n[i].prefix.addr.b[14], done + i);
		done += got;
	}
	assert_int_equal(bgp_nlri_batch(&w, BGP_IPV4_UNICAST, false, n, 8, &fault), 0);
	assert_int_equal(fault, BGP_FAULT_NONE);
}

/* --- families as text --- */

struct text_case {
	enum bgp_family family;
	const char *hex;
	const char *text; /* NULL: a fault */
};

#define RD   "0000fde800000001" /* 0:65000:1 */
#define ESI  "00112233445566778899"
#define ETAG "00000064" /* 100 */
#define MAC  "0050569a0b0c"

static const struct text_case text_cases[] = {
    {BGP_IPV4_MULTICAST, "18 cb0071", "203.0.113.0/24"},
    {BGP_IPV6_MULTICAST, "20 20010db8", "2001:db8::/32"},
    {BGP_IPV4_VPN_MULTICAST, "58" RD "cb0071", "0:65000:1 203.0.113.0/24"},
    {BGP_IPV4_MULTICAST, "21 cb00710000", NULL},
    {BGP_IPV4_MULTICAST, "18 cb00", NULL},
    /* EVPN: RFC 7432, 7.1 to 7.4 */
    {BGP_EVPN, "01 19" RD ESI ETAG "000641", "[1][0:65000:1][00112233445566778899][100][100]"},
    {BGP_EVPN, "02 21" RD ESI ETAG "30" MAC "00 000641",
     "[2][0:65000:1][00112233445566778899][100][00:50:56:9a:0b:0c][][100]"},
    {BGP_EVPN, "02 25" RD ESI ETAG "30" MAC "20 c0000201 000641",
     "[2][0:65000:1][00112233445566778899][100][00:50:56:9a:0b:0c][192.0.2.1][100]"},
    {BGP_EVPN, "02 34" RD ESI ETAG "30" MAC "80 20010db8000000000000000000000001 000641 000c81",
     "[2][0:65000:1][00112233445566778899][100][00:50:56:9a:0b:0c][2001:db8::1][100][200]"},
    {BGP_EVPN, "03 11" RD ETAG "20 c0000201", "[3][0:65000:1][100][192.0.2.1]"},
    {BGP_EVPN, "04 17" RD ESI "20 c0000201", "[4][0:65000:1][00112233445566778899][192.0.2.1]"},
    /* RFC 9136, 3.1 */
    {BGP_EVPN, "05 22" RD ESI ETAG "18 0a0102ff c0000201 000641",
     "[5][0:65000:1][00112233445566778899][100][10.1.2.0/24][192.0.2.1][100]"},
    {BGP_EVPN,
     "05 3a" RD ESI ETAG "20 20010db8000000000000000000000000 20010db8000000000000000000000001 000641",
     "[5][0:65000:1][00112233445566778899][100][2001:db8::/32][2001:db8::1][100]"},
    /* RFC 9251, 9.1 to 9.3 */
    {BGP_EVPN, "06 1c" RD ETAG "20 c0000205 20 e8010101 20 c0000201 04",
     "[6][0:65000:1][100][192.0.2.5][232.1.1.1][192.0.2.1][04]"},
    {BGP_EVPN, "06 18" RD ETAG "00 20 e8010101 20 c0000201 02",
     "[6][0:65000:1][100][*][232.1.1.1][192.0.2.1][02]"},
    {BGP_EVPN, "07 22" RD ESI ETAG "00 20 e8010101 20 c0000201 02",
     "[7][0:65000:1][00112233445566778899][100][*][232.1.1.1][192.0.2.1][02]"},
    {BGP_EVPN, "08 27" RD ESI ETAG "00 20 e8010101 20 c0000201 00000000 0a 02",
     "[8][0:65000:1][00112233445566778899][100][*][232.1.1.1][192.0.2.1][0][10][02]"},
    /* RFC 9572, 3.1 to 3.3 */
    {BGP_EVPN, "09 14" RD ETAG "0009000000000001", "[9][0:65000:1][100][0009000000000001]"},
    {BGP_EVPN, "0a 17" RD ETAG "00 20 e8010101 20 c0000201", "[10][0:65000:1][100][*][232.1.1.1][192.0.2.1]"},
    {BGP_EVPN, "0b 09 0302aabb 20 c0000201", "[11][0302aabb][192.0.2.1]"},
    /* unknown, contradictory, cut off */
    {BGP_EVPN, "63 03 010203", "[99][3 octets 010203]"},
    {BGP_EVPN, "63 00", "[99][0 octets]"},
    {BGP_EVPN, "03 03 010203", "[3][3 octets 010203]"},
    {BGP_EVPN, "03 12" RD ETAG "20 c0000201 00", "[3][18 octets 0000fde8000000010000006420c000020100]"},
    {BGP_EVPN, "02 21" RD ESI ETAG "31" MAC "00 000641",
     "[2][33 octets 0000fde800000001001122334455667788990000006431" MAC "000006...]"},
    {BGP_EVPN, "0b 03 03ff00", "[11][3 octets 03ff00]"},
    {BGP_EVPN, "03 11 00", NULL},
    {BGP_EVPN, "03", NULL},
    /* VPLS: RFC 4761, 3.2.2: VE 1, offset 1, size 8, label base 800000 (0xc3500) */
    {BGP_VPLS, "0011" RD "0001 0001 0008 c35001", "[0:65000:1][1][1][8][800000]"},
    {BGP_VPLS, "000c" RD "c0000201", "[0:65000:1][192.0.2.1]"},
    {BGP_VPLS, "0003 010203", "[3 octets 010203]"},
    {BGP_VPLS, "0011 00", NULL},
    /* MCAST-VPN: RFC 6514, 4.1 to 4.6 */
    {BGP_IPV4_MCAST_VPN, "01 0c" RD "c0000201", "[1][0:65000:1][192.0.2.1]"},
    {BGP_IPV4_MCAST_VPN, "02 0c" RD "0000fde8", "[2][0:65000:1][65000]"},
    {BGP_IPV4_MCAST_VPN, "03 16" RD "20 c0000205 20 e8010101 c0000201",
     "[3][0:65000:1][192.0.2.5][232.1.1.1][192.0.2.1]"},
    {BGP_IPV4_MCAST_VPN, "04 12 010c" RD "c0000202 c0000201", "[4][010c0000fde800000001c0000202][192.0.2.1]"},
    {BGP_IPV4_MCAST_VPN, "05 12" RD "20 c0000205 20 e8010101", "[5][0:65000:1][192.0.2.5][232.1.1.1]"},
    {BGP_IPV4_MCAST_VPN, "06 16" RD "0000fde8 20 c0000205 20 e8010101",
     "[6][0:65000:1][65000][192.0.2.5][232.1.1.1]"},
    {BGP_IPV6_MCAST_VPN, "01 18" RD "20010db8000000000000000000000001", "[1][0:65000:1][2001:db8::1]"},
    {BGP_IPV4_MCAST_VPN, "08 01 00", "[8][1 octets 00]"},
    /* SR policy: RFC 9830, 2.1 */
    {BGP_IPV4_SR_POLICY, "60 00000001 00000064 c0000201", "[1][100][192.0.2.1]"},
    {BGP_IPV6_SR_POLICY, "c0 00000001 00000064 20010db8000000000000000000000001", "[1][100][2001:db8::1]"},
    {BGP_IPV4_SR_POLICY, "58 00000001 00000064 c00002", NULL},
    {BGP_IPV4_SR_POLICY, "60 00000001 00000064 c00002", NULL},
    /* RTC: RFC 4684, 4: 96 bits, some of them, none; route targets of RFC 4360 and RFC 5668 */
    {BGP_RTC, "60 0000fde8 0002fde800000064", "[65000][0:65000:100]/96"},
    {BGP_RTC, "60 0000fde8 0102c00002010064", "[65000][1:192.0.2.1:100]/96"},
    {BGP_RTC, "60 0000fde8 0202000100010064", "[65000][2:65537:100]/96"},
    {BGP_RTC, "40 0000fde8 0002fde8", "[65000][0002fde8]/64"},
    {BGP_RTC, "20 0000fde8", "[65000][]/32"},
    {BGP_RTC, "00", "default"},
    {BGP_RTC, "18 0000fd", NULL},
    {BGP_RTC, "61 0000fde8 0002fde80000006400", NULL},
    /* FlowSpec: RFC 8955, 4.3: its examples */
    {BGP_IPV4_FLOWSPEC, "0b 01 18 c00002 03 81 06 04 81 19", "dst 192.0.2.0/24 proto =6 port =25"},
    {BGP_IPV4_FLOWSPEC, "10 01 18 c00002 02 08 cb 04 03 89 45 8b 911f90",
     "dst 192.0.2.0/24 src 203.0.0.0/8 port >=137&<=139|=8080"},
    {BGP_IPV4_FLOWSPEC, "03 09 80 02", "tcp-flags 0x02"},
    {BGP_IPV4_FLOWSPEC, "06 09 01 12 c3 04 00", "6 octets 090112c30400"},
    {BGP_IPV4_FLOWSPEC, "05 09 01 12 c3 04", "tcp-flags =0x12&!=0x04"},
    {BGP_IPV4_FLOWSPEC, "03 0c 80 05", "fragment 0x05"},
    {BGP_IPV4_FLOWSPEC, "07 0a 12 0100 96 0200", "length >256|!=512"},
    {BGP_IPV4_FLOWSPEC, "03 03 87 00", "proto true"},
    {BGP_IPV4_FLOWSPEC, "03 63 81 06", "3 octets 638106"},
    {BGP_IPV4_FLOWSPEC, "02 03 81", "2 octets 0381"},
    {BGP_IPV4_FLOWSPEC, "00", "any"},
    {BGP_IPV4_FLOWSPEC, "f003 03 81 06", "proto =6"},
    {BGP_IPV4_FLOWSPEC, "05 03 81", NULL},
    {BGP_IPV4_FLOWSPEC, "f0", NULL},
    {BGP_IPV4_FLOWSPEC_VPN, "0b" RD "03 81 06", "rd 0:65000:1 proto =6"},
    {BGP_IPV4_FLOWSPEC_VPN, "03 03 81 06", "3 octets 038106"},
    /* RFC 8956, 3.1: with an offset only the pattern is there; 3.7: flow label */
    {BGP_IPV6_FLOWSPEC, "0a 01 20 00 20010db8 03 81 06", "dst 2001:db8::/32 proto =6"},
    {BGP_IPV6_FLOWSPEC, "0b 01 68 40 12345678 9a 03 81 06", "dst ::1234:5678:9a00:0/104 offset 64 proto =6"},
    {BGP_IPV6_FLOWSPEC, "06 0d a1 00012345", "flow-label =74565"},
    {BGP_IPV6_FLOWSPEC, "03 01 08 09", "3 octets 010809"},
    /* BGP-LS: RFC 9552, 5.2: a node of IS-IS, level 2, in AS 65000 */
    {BGP_LS, "0001 0023 02 0000000000000000 0100 0016 0200 0004 0000fde8 0201 0004 00000000 0203 0002 0001",
     "[node][isis-l2][0][local as 65000 ls-id 0 tlv 515 2 octets 0001]"}, /* no router has two octets */
    {BGP_LS,
     "0001 0027 02 0000000000000000 0100 001a 0200 0004 0000fde8 0201 0004 00000000 0203 0006 192168001001",
     "[node][isis-l2][0][local as 65000 ls-id 0 router 1921.6800.1001]"},
    {BGP_LS,
     "0002 003d 03 0000000000000007 0100 0014 0202 0004 00000000 0203 0008 c0000201 c0000202"
     "0101 0008 0203 0004 c0000203 0103 0004 c0000205 0104 0004 c0000206",
     "[link][ospfv2][7][local area 0 router 192.0.2.1:192.0.2.2][remote router 192.0.2.3][if 192.0.2.5][nbr "
     "192.0.2.6]"},
    {BGP_LS, "0003 0027 03 0000000000000000 0100 0008 0203 0004 c0000201 0108 0001 01 0109 0004 18 cb0071",
     NULL},
    {BGP_LS, "0003 0022 03 0000000000000000 0100 0008 0203 0004 c0000201 0108 0001 01 0109 0004 18 cb0071",
     "[prefix4][ospfv2][0][local router 192.0.2.1][route-type 1][prefix 203.0.113.0/24]"},
    {BGP_LS, "0004 001d 01 0000000000000000 0100 0000 0107 0002 0002 0109 0005 20 20010db8", NULL},
    {BGP_LS, "0004 001c 01 0000000000000000 0100 0000 0107 0002 0002 0109 0005 20 20010db8",
     "[prefix6][isis-l1][0][local][mt 2][prefix 2001:db8::/32]"},
    {BGP_LS, "0001 0011 09 0000000000000000 ffff 0004 01020304",
     "[node][sr][0][tlv 65535 4 octets 01020304]"},
    {BGP_LS, "0063 0003 010203", "[99][3 octets 010203]"},
    {BGP_LS, "0001 0003 010203", "[1][3 octets 010203]"},
    {BGP_LS_VPN, "0001 0019" RD "63 0000000000000001 ffff 0004 01020304",
     "[0:65000:1][node][protocol 99][1][tlv 65535 4 octets 01020304]"},
};

static void
texts(void **state)
{
	(void)state;
	unsigned wrong = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(text_cases); i++) {
		const struct text_case *c = &text_cases[i];
		struct octets o = octets_of(c->hex);
		struct wire w = wire_over(o.p, o.len);
		struct text t = {0};
		enum bgp_fault fault = BGP_FAULT_NONE;
		bool ok = bgp_nlri_text(&w, c->family, false, &t, &fault);
		if (ok != (c->text != NULL) || (c->text && strcmp(text_cstr(&t), c->text) != 0) ||
		    (fault != BGP_FAULT_NONE) == ok || wire_left(&w)) {
			print_error("%s\n  says %s\n  not  %s\n", c->hex, text_cstr(&t),
				    c->text ? c->text : "(a fault)");
			wrong++;
		}
		text_free(&t);
		free(o.p);
	}
	assert_int_equal(wrong, 0);
}

/* RFC 7911: an identifier in front of each item; two items in a row. */
static void
text_add_path(void **state)
{
	(void)state;
	struct octets o =
	    octets_of("00000005 60 00000001 00000064 c0000201 00000006 60 00000002 00000064 c0000201");
	struct wire w = wire_over(o.p, o.len);
	struct text t = {0};
	enum bgp_fault fault = BGP_FAULT_NONE;
	assert_true(bgp_nlri_text(&w, BGP_IPV4_SR_POLICY, true, &t, &fault));
	text_char(&t, '\n');
	assert_true(bgp_nlri_text(&w, BGP_IPV4_SR_POLICY, true, &t, &fault));
	assert_string_equal(text_cstr(&t), "[1][100][192.0.2.1] path 5\n[2][100][192.0.2.1] path 6");
	assert_false(bgp_nlri_text(&w, BGP_IPV4_SR_POLICY, true, &t, &fault));
	assert_int_equal(fault, BGP_FAULT_NONE);
	struct wire cut = wire_over(o.p, 4);
	assert_false(bgp_nlri_text(&cut, BGP_IPV4_SR_POLICY, true, &t, &fault));
	assert_int_equal(fault, BGP_FAULT_NLRI_OVERRUN);
	text_free(&t);
	free(o.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(prefixes), cmocka_unit_test(batches),	 cmocka_unit_test(batch_limit),
	    cmocka_unit_test(texts),	cmocka_unit_test(text_add_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
