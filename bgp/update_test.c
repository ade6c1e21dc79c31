/* UPDATEs: attributes good and bad, against octets put together from the RFCs' figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bgp/nlri.h"
#include "bgp/octets.h"

static struct bgp_scratch scratch;
static struct octets body; /* of the last message: what was parsed points into it */

#define V4U (1u << BGP_IPV4_UNICAST)
#define V6U (1u << BGP_IPV6_UNICAST)
#define ALL ((1u << BGP_FAMILIES) - 1)

static const struct bgp_rules ibgp = {.as4 = true, .families = ALL};
static const struct bgp_rules ebgp = {.as4 = true, .ebgp = true, .families = ALL};
static const struct bgp_rules old = {.ebgp = true, .families = ALL};
static const struct bgp_rules only_v4 = {.as4 = true, .families = V4U};
static const struct bgp_rules v6_next_hop = {.as4 = true, .families = ALL, .ext_next_hop = ALL};

/* Hexadecimal: withdrawn routes, attributes, NLRI; the two lengths are put in. */
static void
parse(struct bgp_update *u, const struct bgp_rules *r, const char *withdrawn, const char *attrs,
      const char *nlri)
{
	struct octets w = octets_of(withdrawn), a = octets_of(attrs), n = octets_of(nlri);

	free(body.p);
	body.len = 4 + w.len + a.len + n.len;
	body.p = malloc(body.len);
	body.p[0] = (uint8_t)(w.len >> 8);
	body.p[1] = (uint8_t)w.len;
	memcpy(body.p + 2, w.p, w.len);
	body.p[2 + w.len] = (uint8_t)(a.len >> 8);
	body.p[3 + w.len] = (uint8_t)a.len;
	memcpy(body.p + 4 + w.len, a.p, a.len);
	memcpy(body.p + 4 + w.len + a.len, n.p, n.len);
	free(w.p);
	free(a.p);
	free(n.p);
	bgp_update_parse(u, body.p, body.len, r, &scratch);
}

#define ORIGIN	  "400101 00 "
#define PATH	  "400206 0201 0000fde9 " /* 65001 */
#define NEXT_HOP  "400304 c0000201 "
#define MANDATORY ORIGIN PATH NEXT_HOP
#define NLRI	  "18 cb0071"
#define NEXT_HOP6 "20010db8000000000000000000000001"
#define REACH6	  "800e1a 0002 01 10" NEXT_HOP6 "00 20 20010db8 "

static void
assert_addr(const struct addr *a, const char *text)
{
	char buf[ADDR_TEXT_MAX];
	addr_format(buf, a);
	assert_string_equal(buf, text);
}

/* A path as text: sequences plain, {sets}, (confederation sequences), [confederation sets]. */
static void
assert_path(const struct bgp_bytes *path, const char *expected)
{
	static const char *const open[] = {"", "{", "", "(", "["}, *const close[] = {"", "}", "", ")", "]"};
	struct text t = {0};

	for (uint32_t at = 0; at < path->len;) {
		uint8_t type = path->p[at], count = path->p[at + 1];
		assert_in_range(type, 1, 4);
		text_printf(&t, "%s%s", at ? "|" : "", open[type]);
		for (unsigned i = 0; i < count; i++) {
			uint32_t as;
			memcpy(&as, path->p + at + 2 + 4 * (size_t)i, 4);
			text_printf(&t, "%s%u", i ? " " : "", as);
		}
		text_str(&t, close[type]);
		at += 2 + 4u * count;
	}
	assert_string_equal(text_cstr(&t), expected);
	text_free(&t);
}

/* --- whole messages --- */

static void
plain(void **state)
{
	(void)state;
	struct bgp_update u;
	struct bgp_nlri n;
	enum bgp_fault fault = BGP_FAULT_NONE;
	char buf[PREFIX_TEXT_MAX];

	parse(&u, &ibgp, "080a 10ac10", MANDATORY "800404 00000064 400504 000000c8", NLRI);
	assert_int_equal(u.outcome, BGP_OK);
	assert_int_equal(u.faults[0], BGP_FAULT_NONE);
	assert_int_equal(u.attrs.present, BGP_HAS_ORIGIN | BGP_HAS_AS_PATH | BGP_HAS_NEXT_HOP | BGP_HAS_MED |
					      BGP_HAS_LOCAL_PREF);
	assert_int_equal(u.attrs.origin, 0);
	assert_int_equal(u.attrs.med, 100);
	assert_int_equal(u.attrs.local_pref, 200);
	assert_addr(&u.attrs.next_hop, "192.0.2.1");
	assert_path(&u.attrs.as_path, "65001");
	assert_false(u.end_of_rib);
	assert_int_equal(u.reach, BGP_FAMILY_NONE);
	assert_int_equal(u.unreach, BGP_FAMILY_NONE);
	assert_true(bgp_nlri_next(&u.withdrawn, BGP_IPV4_UNICAST, false, true, &n, &fault));
	prefix_format(buf, &n.prefix);
	assert_string_equal(buf, "10.0.0.0/8");
	assert_true(bgp_nlri_next(&u.withdrawn, BGP_IPV4_UNICAST, false, true, &n, &fault));
	prefix_format(buf, &n.prefix);
	assert_string_equal(buf, "172.16.0.0/16");
	assert_false(bgp_nlri_next(&u.withdrawn, BGP_IPV4_UNICAST, false, true, &n, &fault));
	assert_int_equal(bgp_nlri_batch(&u.announced, BGP_IPV4_UNICAST, false, &n, 1, &fault), 1);
	prefix_format(buf, &n.prefix);
	assert_string_equal(buf, "203.0.113.0/24");
	assert_int_equal(fault, BGP_FAULT_NONE);
}

/* Every attribute that is read, once. */
static void
attributes(void **state)
{
	(void)state;
	struct bgp_update u;

	parse(&u, &ibgp, "",
	      "400101 02"
	      "400210 0202 0000fde9 00010001 0101 0000fdea" /* 65001 65537 {65002} */
	      NEXT_HOP "800404 ffffffff"
	      "400504 00000000"
	      "400600"
	      "c00708 00010001 c0000207"
	      "c00808 fde90064 ffffff01"
	      "800904 c0000208"
	      "800a08 00000001 c0000209"
	      "c01010 0002fde900000064 0003fde900000065"
	      "801a0b 01000b 0000000000000401"
	      "c0200c 00010001 00000002 00000003"
	      "c02304 0000fde9"
	      "c0280a 010007 00 0000 00000abc",
	      NLRI);
	const struct bgp_attrs *a = &u.attrs;
	assert_int_equal(u.outcome, BGP_OK);
	assert_int_equal(a->present, BGP_HAS_ORIGIN | BGP_HAS_AS_PATH | BGP_HAS_NEXT_HOP | BGP_HAS_MED |
					 BGP_HAS_LOCAL_PREF | BGP_HAS_ATOMIC_AGGREGATE | BGP_HAS_AIGP |
					 BGP_HAS_OTC | BGP_HAS_PREFIX_SID | BGP_HAS_ORIGINATOR |
					 BGP_HAS_AGGREGATOR);
	assert_int_equal(a->origin, 2);
	assert_path(&a->as_path, "65001 65537|{65002}");
	assert_int_equal(a->med, UINT32_MAX);
	assert_int_equal(a->local_pref, 0);
	assert_int_equal(a->aggregator_as, 65537);
	assert_addr(&a->aggregator, "192.0.2.7");
	static const uint32_t std[] = {0xfde90064, 0xffffff01};
	assert_int_equal(a->std.len, sizeof(std));
	assert_memory_equal(a->std.p, std, sizeof(std));
	assert_addr(&a->originator, "192.0.2.8");
	assert_int_equal(a->cluster_list.len, 8);
	assert_memory_equal(a->cluster_list.p, "\0\0\0\1\xc0\0\2\x09", 8);
	assert_int_equal(a->ext.len, 16);
	assert_memory_equal(a->ext.p, "\0\2\xfd\xe9\0\0\0\x64\0\3\xfd\xe9\0\0\0\x65", 16);
	assert_true(a->aigp == 1025);
	static const uint32_t lrg[] = {65537, 2, 3};
	assert_int_equal(a->lrg.len, sizeof(lrg));
	assert_memory_equal(a->lrg.p, lrg, sizeof(lrg));
	assert_int_equal(a->otc, 65001);
	assert_int_equal(a->psid_label_index, 0xabc);
	assert_int_equal(a->other.len, 0);
}

/* Lengths in two octets (RFC 4271, 4.3), and flags whose lower bits mean nothing. */
static void
extended_length(void **state)
{
	(void)state;
	struct bgp_update u;

	parse(&u, &ibgp, "", "50010001 01 5f02000a 0202 0000fde9 0000fdea" NEXT_HOP "d0080004 00010002",
	      NLRI);
	assert_int_equal(u.outcome, BGP_OK);
	assert_int_equal(u.attrs.origin, 1);
	assert_int_equal(u.attrs.as_path.len, 10);
	assert_int_equal(u.attrs.std.len, 4);
}

/* Attributes kept as octets stand in the order of codes, with the flags that say something. */
static void
others(void **state)
{
	(void)state;
	struct bgp_update u, v;
	static const char expected[] = "\xe0\x17\0\4\0\x08\0\0" /* tunnel encapsulation, partial */
				       "\xc0\x19\0\x14"
				       "01234567890123456789"
				       "\x80\x63\0\0"
				       "\xc0\xfe\0\2\xaa\xbb";
	uint8_t first[64];

	parse(&u, &ibgp, "",
	      MANDATORY "c0fe02 aabb f0170004 00080000"
			"c01914 3031323334353637383930313233343536373839 806300",
	      NLRI);
	assert_int_equal(u.outcome, BGP_OK);
	assert_int_equal(u.attrs.other.len, sizeof(expected) - 1);
	assert_memory_equal(u.attrs.other.p, expected, sizeof(expected) - 1);
	memcpy(first, u.attrs.other.p, u.attrs.other.len);
	/* another order, other forms of length */
	parse(&v, &ibgp, "",
	      "e01704 00080000 906300 00 " MANDATORY
	      "c01914 3031323334353637383930313233343536373839 d0fe0002 aabb",
	      NLRI);
	assert_int_equal(v.attrs.other.len, sizeof(expected) - 1);
	assert_memory_equal(v.attrs.other.p, first, v.attrs.other.len);
	/* a prefix-SID that says more than a label index: SRv6 (RFC 9252) */
	parse(&u, &ibgp, "", MANDATORY "c02811 010007 00 0000 00000007 050004 00010203", NLRI);
	assert_int_equal(u.outcome, BGP_OK);
	assert_int_equal(u.attrs.psid_label_index, 7);
	assert_int_equal(u.attrs.other.len, 4 + 17);
	assert_memory_equal(u.attrs.other.p, "\xc0\x28\0\x11\1\0\7", 7);
}

/* Sets are in ascending order, what is there twice is removed: RFC 1997, RFC 4360, 2; RFC 8092, 5; AS sets.
 */
static void
sets(void **state)
{
	(void)state;
	struct bgp_update u;
	struct text t = {0};

	parse(&u, &ibgp, "",
	      ORIGIN "40021a 0201 0000fde9 0103 00000009 00000003 00000009 0201 00000001" NEXT_HOP
		     "c00814 00050005 00010001 00050005 ffffff01 00020002"
		     "c01020 0003fde900000005 0002fde900000009 0002fde900000009 0002fde900000001"
		     "c02030 000000020000000000000001 000000010000000000000003"
		     "000000020000000000000001 000000010000000000000002",
	      NLRI);
	static const uint32_t std[] = {0x00010001, 0x00020002, 0x00050005, 0xffffff01};
	static const char ext[] = "\0\2\xfd\xe9\0\0\0\1\0\2\xfd\xe9\0\0\0\x09\0\3\xfd\xe9\0\0\0\5";
	static const uint32_t large[] = {1, 0, 2, 1, 0, 3, 2, 0, 1};
	assert_int_equal(u.outcome, BGP_OK);
	assert_path(&u.attrs.as_path, "65001|{3 9}|1");
	assert_int_equal(u.attrs.std.len, sizeof(std));
	assert_memory_equal(u.attrs.std.p, std, sizeof(std));
	assert_int_equal(u.attrs.ext.len, sizeof(ext) - 1);
	assert_memory_equal(u.attrs.ext.p, ext, sizeof(ext) - 1);
	assert_int_equal(u.attrs.lrg.len, sizeof(large));
	assert_memory_equal(u.attrs.lrg.p, large, sizeof(large));

	/* 300 of which 100 differ */
	text_printf(&t, "%s d020%04x", MANDATORY, 12 * 300);
	for (unsigned i = 0; i < 300; i++)
		text_printf(&t, "0000fde9%08x%08x", (299 - i) % 100, (299 - i) % 10);
	parse(&u, &ibgp, "", text_cstr(&t), NLRI);
	assert_int_equal(u.outcome, BGP_OK);
	assert_int_equal(u.attrs.lrg.len, 12 * 100);
	for (unsigned i = 0; i < 100; i++)
		assert_memory_equal(u.attrs.lrg.p + 12 * (size_t)i, ((uint32_t[]){65001, i, i % 10}), 12);
	text_free(&t);
}

/* --- RFC 6793 --- */

struct merge_case {
	const char *path, *as4_path; /* values, with their lengths */
	const char *expected;
};

/* 4.2.3 of RFC 6793; {a} counts as one, confederation segments as none. 23456 is 5ba0. */
static const struct merge_case merge_cases[] = {
    /* as many in both: all is told by AS4_PATH */
    {"06 0202 5ba0 5ba0", "0a 0202 00010001 00010002", "65537 65538"},
    /* an old speaker in front */
    {"08 0203 fde9 5ba0 5ba0", "0a 0202 00010001 00010002", "65001 65537 65538"},
    /* more in AS4_PATH: it is ignored */
    {"04 0201 5ba0", "0a 0202 00010001 00010002", "23456"},
    /* the border within a sequence, and a set behind */
    {"0a 0202 fde9 5ba0 0101 fdea", "0c 0201 00010001 0101 0000fdea", "65001 65537|{65002}"},
    /* a set counts as one, whatever is in it */
    {"0a 0102 fdea fdeb 0201 5ba0", "06 0201 00010001", "{65002 65003}|65537"},
    /* a confederation sequence that leads is kept */
    {"08 0301 fe0a 0201 5ba0", "06 0201 00010001", "(65034)|65537"},
    /* and one that touches a segment that is kept */
    {"0c 0201 fde9 0301 fe0a 0201 5ba0", "06 0201 00010001", "65001|(65034)|65537"},
    /* but not one behind a segment that was cut */
    {"0c 0202 fde9 5ba0 0301 fe0a 0000", "06 0201 00010001", NULL},
    {"0a 0202 fde9 5ba0 0301 fe0a", "06 0201 00010001", "65001 65537"},
    /* confederation segments in AS4_PATH are not used (section 6) */
    {"06 0202 fde9 5ba0", "0c 0301 0000fe0a 0201 00010001", "65001 65537"},
};

static void
merging(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(merge_cases); i++) {
		const struct merge_case *c = &merge_cases[i];
		struct bgp_update u;
		struct text t = {0};
		text_printf(&t, ORIGIN "4002%s" NEXT_HOP "c011%s", c->path, c->as4_path);
		parse(&u, &old, "", text_cstr(&t), NLRI);
		text_free(&t);
		assert_int_equal(u.outcome, c->expected ? BGP_OK : BGP_TREAT_AS_WITHDRAW);
		if (c->expected)
			assert_path(&u.attrs.as_path, c->expected);
	}
}

/* Two sequences that meet stay two when one could not count that many. */
static void
merging_long(void **state)
{
	(void)state;
	struct bgp_update u;
	struct text t = {0};

	/* 2 + 504 + 2 + 510 octets */
	text_str(&t, ORIGIN NEXT_HOP "500203fa 02fc");
	for (unsigned i = 0; i < 252; i++)
		text_str(&t, "fde9");
	text_str(&t, "02ff");
	for (unsigned i = 0; i < 255; i++)
		text_str(&t, "5ba0");
	text_str(&t, "d01103fe 02ff");
	for (unsigned i = 0; i < 255; i++)
		text_str(&t, "00010001");
	parse(&u, &old, "", text_cstr(&t), NLRI);
	text_free(&t);
	assert_int_equal(u.outcome, BGP_OK);
	assert_int_equal(u.attrs.as_path.len, 2 + 4 * 252 + 2 + 4 * 255);
	assert_memory_equal(u.attrs.as_path.p, "\2\xfc", 2);
	assert_memory_equal(u.attrs.as_path.p + 2 + 4 * 252, "\2\xff\1\0\1\0", 6);
}

static void
aggregators(void **state)
{
	(void)state;
	struct bgp_update u;
#define OLD_PATH   ORIGIN "400206 0202 fde9 5ba0" NEXT_HOP
#define OLD_AS4	   "c01106 0201 00010001"
#define TRANS_AGGR "c00706 5ba0 c0000207"
#define OWN_AGGR   "c00706 fdea c0000207"
#define AS4_AGGR   "c01208 00010005 c0000208"
	/* both, the old one standing for the new one */
	parse(&u, &old, "", OLD_PATH TRANS_AGGR OLD_AS4 AS4_AGGR, NLRI);
	assert_int_equal(u.outcome, BGP_OK);
	assert_int_equal(u.attrs.aggregator_as, 65541);
	assert_addr(&u.attrs.aggregator, "192.0.2.8");
	assert_path(&u.attrs.as_path, "65001 65537");
	/* an old speaker aggregated later: both AS4 attributes are about another route */
	parse(&u, &old, "", OLD_PATH OWN_AGGR OLD_AS4 AS4_AGGR, NLRI);
	assert_int_equal(u.attrs.aggregator_as, 65002);
	assert_addr(&u.attrs.aggregator, "192.0.2.7");
	assert_path(&u.attrs.as_path, "65001 23456");
	/* no AS4_AGGREGATOR: AS4_PATH counts */
	parse(&u, &old, "", OLD_PATH OWN_AGGR OLD_AS4, NLRI);
	assert_int_equal(u.attrs.aggregator_as, 65002);
	assert_path(&u.attrs.as_path, "65001 65537");
	/* from a new speaker both are discarded */
	parse(&u, &ebgp, "", MANDATORY OLD_AS4 AS4_AGGR, NLRI);
	assert_int_equal(u.outcome, BGP_ATTR_DISCARD);
	assert_path(&u.attrs.as_path, "65001");
	assert_false(u.attrs.present & BGP_HAS_AGGREGATOR);
	assert_int_equal(u.faults[0], BGP_FAULT_AS4_PATH);
	assert_int_equal(u.faults[1], BGP_FAULT_AGGREGATOR);
	assert_int_equal(u.faults[2], BGP_FAULT_NONE);
}

/* --- faults: RFC 7606, rule by rule --- */

struct fault_case {
	const char *rule;
	const struct bgp_rules *rules;
	const char *attrs, *nlri;
	enum bgp_outcome outcome;
	enum bgp_fault fault;
	uint16_t notify; /* of a reset */
};

#define OK	 BGP_OK
#define DISCARD	 BGP_ATTR_DISCARD
#define WITHDRAW BGP_TREAT_AS_WITHDRAW
#define DISABLE	 BGP_DISABLE_FAMILY
#define RESET	 BGP_SESSION_RESET
#define NH_PATH	 PATH NEXT_HOP
#define AFTER	 MANDATORY

static const struct fault_case fault_cases[] = {
    /* --- 3 --- */
    {"3.c flags: ORIGIN optional", &ibgp, "c00101 00" NH_PATH, NLRI, WITHDRAW, BGP_FAULT_ATTR_FLAGS, 0},
    {"3.c flags: ORIGIN not transitive", &ibgp, "000101 00" NH_PATH, NLRI, WITHDRAW, BGP_FAULT_ATTR_FLAGS, 0},
    {"3.c flags: MED transitive", &ibgp, AFTER "c00404 00000001", NLRI, WITHDRAW, BGP_FAULT_ATTR_FLAGS, 0},
    {"3.c flags: COMMUNITIES well-known", &ibgp, AFTER "400804 00010001", NLRI, WITHDRAW,
     BGP_FAULT_ATTR_FLAGS, 0},
    {"3.c flags: the partial bit is not checked", &ibgp, AFTER "e00804 00010001", NLRI, OK, 0, 0},
    {"3.c flags of MP_REACH: its routes are withdrawn", &ibgp,
     ORIGIN PATH "c00e1a 0002 01 10" NEXT_HOP6 "00 20 20010db8", "", WITHDRAW, BGP_FAULT_ATTR_FLAGS, 0},
    {"3.d no ORIGIN", &ibgp, NH_PATH, NLRI, WITHDRAW, BGP_FAULT_MISSING, 0},
    {"3.d no AS_PATH", &ibgp, ORIGIN NEXT_HOP, NLRI, WITHDRAW, BGP_FAULT_MISSING, 0},
    {"3.d no NEXT_HOP", &ibgp, ORIGIN PATH, NLRI, WITHDRAW, BGP_FAULT_MISSING, 0},
    {"3.d nothing at all", &ibgp, "", NLRI, WITHDRAW, BGP_FAULT_MISSING, 0},
    {"3.d MP_REACH without ORIGIN", &ibgp, PATH REACH6, "", WITHDRAW, BGP_FAULT_MISSING, 0},
    {"3.d MP_REACH needs no NEXT_HOP", &ibgp, ORIGIN PATH REACH6, "", OK, 0, 0},
    {"3.g MP_REACH twice", &ibgp, ORIGIN PATH REACH6 REACH6, "", RESET, BGP_FAULT_MP_DUPLICATE, 0x0301},
    {"3.g MP_UNREACH twice", &ibgp, "800f03 0002 01 800f03 0002 01", "", RESET, BGP_FAULT_MP_DUPLICATE,
     0x0301},
    {"3.g ORIGIN twice", &ibgp, AFTER "400101 01", NLRI, DISCARD, BGP_FAULT_ATTR_DUPLICATE, 0},
    {"3.g an unknown one twice", &ibgp, AFTER "c0fe01 01 c0fe01 02", NLRI, DISCARD, BGP_FAULT_ATTR_DUPLICATE,
     0},
    {"3.g a malformed one counts, not its repetition", &ibgp, "400101 03" NH_PATH ORIGIN, NLRI, WITHDRAW,
     BGP_FAULT_ORIGIN, 0},
    {"3.h the worst counts", &ibgp, "400101 03" NH_PATH "400601 00 " REACH6 REACH6, NLRI, RESET,
     BGP_FAULT_ORIGIN, 0x0301},
    /* --- 4 --- */
    {"4 an attribute overruns", &ibgp, AFTER "c00808 00010001", NLRI, WITHDRAW, BGP_FAULT_ATTR_TRUNCATED, 0},
    {"4 an extended length overruns", &ibgp, AFTER "d0080100 00010001", NLRI, WITHDRAW,
     BGP_FAULT_ATTR_TRUNCATED, 0},
    {"4 one octet is left", &ibgp, AFTER "c0", NLRI, WITHDRAW, BGP_FAULT_ATTR_TRUNCATED, 0},
    {"4 two octets are left", &ibgp, AFTER "c008", NLRI, WITHDRAW, BGP_FAULT_ATTR_TRUNCATED, 0},
    {"4 three, but the length has two", &ibgp, AFTER "d00800", NLRI, WITHDRAW, BGP_FAULT_ATTR_TRUNCATED, 0},
    {"4 and where no route is seen, a reset", &ibgp, ORIGIN PATH "800eff 0002 01 10", "", RESET,
     BGP_FAULT_ATTR_TRUNCATED, 0x0301},
    /* --- 5.2: no reachable NLRI --- */
    {"5.2 a malformed attribute without routes", &ibgp, "400101 03", "", RESET, BGP_FAULT_ORIGIN, 0x0306},
    {"5.2 the same beside MP_UNREACH", &ibgp, "400101 03 800f08 0002 01 20 20010db8", "", RESET,
     BGP_FAULT_ORIGIN, 0x0306},
    {"5.2 but not for a discarded one", &ibgp, "400601 00", "", DISCARD, BGP_FAULT_ATOMIC_AGGREGATE, 0},
    {"5.2 nor where routes are there that are passed over", &only_v4, "400101 03" PATH REACH6, "", WITHDRAW,
     BGP_FAULT_ORIGIN, 0},
    /* --- 7 --- */
    {"7.1 ORIGIN of no octet", &ibgp, "400100" NH_PATH, NLRI, WITHDRAW, BGP_FAULT_ORIGIN, 0},
    {"7.1 ORIGIN of two", &ibgp, "400102 0000" NH_PATH, NLRI, WITHDRAW, BGP_FAULT_ORIGIN, 0},
    {"7.1 ORIGIN undefined", &ibgp, "400101 03" NH_PATH, NLRI, WITHDRAW, BGP_FAULT_ORIGIN, 0},
    {"7.2 AS_PATH may be empty", &ibgp, ORIGIN "400200" NEXT_HOP, NLRI, OK, 0, 0},
    {"7.2 AS_PATH: type 0", &ibgp, ORIGIN "400206 0001 0000fde9" NEXT_HOP, NLRI, WITHDRAW, BGP_FAULT_AS_PATH,
     0},
    {"7.2 AS_PATH: type 5", &ibgp, ORIGIN "400206 0501 0000fde9" NEXT_HOP, NLRI, WITHDRAW, BGP_FAULT_AS_PATH,
     0},
    {"7.2 AS_PATH: a segment overruns", &ibgp, ORIGIN "400206 0202 0000fde9" NEXT_HOP, NLRI, WITHDRAW,
     BGP_FAULT_AS_PATH, 0},
    {"7.2 AS_PATH: one octet is left", &ibgp, ORIGIN "400207 0201 0000fde9 02" NEXT_HOP, NLRI, WITHDRAW,
     BGP_FAULT_AS_PATH, 0},
    {"7.2 AS_PATH: a segment without AS", &ibgp, ORIGIN "400208 0200 0201 0000fde9" NEXT_HOP, NLRI, WITHDRAW,
     BGP_FAULT_AS_PATH, 0},
    {"7.2 AS_PATH of two octets from an old speaker", &old, ORIGIN "400204 0201 fde9" NEXT_HOP, NLRI, OK, 0,
     0},
    {"7.2 and of four from one", &old, ORIGIN "400206 0201 0000fde9" NEXT_HOP, NLRI, WITHDRAW,
     BGP_FAULT_AS_PATH, 0},
    {"7.3 NEXT_HOP of three octets", &ibgp, ORIGIN PATH "400303 c00002", NLRI, WITHDRAW, BGP_FAULT_NEXT_HOP,
     0},
    {"7.3 NEXT_HOP of sixteen", &ibgp, ORIGIN PATH "400310" NEXT_HOP6, NLRI, WITHDRAW, BGP_FAULT_NEXT_HOP, 0},
    {"4271, 6.3 NEXT_HOP 0.0.0.0", &ibgp, ORIGIN PATH "400304 00000000", NLRI, WITHDRAW, BGP_FAULT_NEXT_HOP,
     0},
    {"4271, 6.3 NEXT_HOP multicast", &ibgp, ORIGIN PATH "400304 e0000001", NLRI, WITHDRAW, BGP_FAULT_NEXT_HOP,
     0},
    {"4760, 3 NEXT_HOP beside MP_REACH alone is ignored", &ibgp, ORIGIN PATH "400304 00000000" REACH6, "", OK,
     0, 0},
    {"4760, 3 of whatever length", &ibgp, ORIGIN PATH "400300" REACH6, "", OK, 0, 0},
    {"7.4 MED of three", &ibgp, AFTER "800403 000001", NLRI, WITHDRAW, BGP_FAULT_MED, 0},
    {"7.4 MED of five", &ibgp, AFTER "800405 0000000001", NLRI, WITHDRAW, BGP_FAULT_MED, 0},
    {"7.5 LOCAL_PREF of three", &ibgp, AFTER "400503 000001", NLRI, WITHDRAW, BGP_FAULT_LOCAL_PREF, 0},
    {"7.5 LOCAL_PREF from another AS", &ebgp, AFTER "400504 00000001", NLRI, DISCARD, BGP_FAULT_LOCAL_PREF,
     0},
    {"7.5 even a malformed one", &ebgp, AFTER "c00503 000001", NLRI, DISCARD, BGP_FAULT_LOCAL_PREF, 0},
    {"7.6 ATOMIC_AGGREGATE of one", &ibgp, AFTER "400601 00", NLRI, DISCARD, BGP_FAULT_ATOMIC_AGGREGATE, 0},
    {"7.7 AGGREGATOR of six from a new speaker", &ibgp, AFTER "c00706 fde9 c0000207", NLRI, DISCARD,
     BGP_FAULT_AGGREGATOR, 0},
    {"7.7 AGGREGATOR of eight from an old one", &old,
     ORIGIN "400204 0201 fde9" NEXT_HOP "c00708 0000fde9 c0000207", NLRI, DISCARD, BGP_FAULT_AGGREGATOR, 0},
    {"7.7 AGGREGATOR of seven", &ibgp, AFTER "c00707 fde9 c000020700", NLRI, DISCARD, BGP_FAULT_AGGREGATOR,
     0},
    {"7.8 COMMUNITIES of none", &ibgp, AFTER "c00800", NLRI, WITHDRAW, BGP_FAULT_COMMUNITIES, 0},
    {"7.8 COMMUNITIES of six octets", &ibgp, AFTER "c00806 000100010002", NLRI, WITHDRAW,
     BGP_FAULT_COMMUNITIES, 0},
    {"7.9 ORIGINATOR_ID of five", &ibgp, AFTER "800905 c000020100", NLRI, WITHDRAW, BGP_FAULT_ORIGINATOR, 0},
    {"7.9 ORIGINATOR_ID from another AS", &ebgp, AFTER "800904 c0000201", NLRI, DISCARD, BGP_FAULT_ORIGINATOR,
     0},
    {"7.10 CLUSTER_LIST of none", &ibgp, AFTER "800a00", NLRI, WITHDRAW, BGP_FAULT_CLUSTER_LIST, 0},
    {"7.10 CLUSTER_LIST of five octets", &ibgp, AFTER "800a05 c000020100", NLRI, WITHDRAW,
     BGP_FAULT_CLUSTER_LIST, 0},
    {"7.10 CLUSTER_LIST from another AS", &ebgp, AFTER "800a04 c0000201", NLRI, DISCARD,
     BGP_FAULT_CLUSTER_LIST, 0},
    {"7.11 MP_REACH: a next hop of 15 octets", &ibgp,
     ORIGIN PATH "800e19 0002 01 0f 20010db80000000000000000000000 00 20 20010db8", "", DISABLE,
     BGP_FAULT_MP_REACH, 0},
    {"7.11 MP_REACH: a next hop of 4 for IPv6", &ibgp,
     ORIGIN PATH "800e0e 0002 01 04 c0000201 00 20 20010db8", "", DISABLE, BGP_FAULT_MP_REACH, 0},
    {"7.11 MP_REACH: a next hop of no octet", &ibgp, ORIGIN PATH "800e0a 0002 01 00 00 20 20010db8", "",
     DISABLE, BGP_FAULT_MP_REACH, 0},
    {"7.11 MP_REACH: a next hop that overruns", &ibgp, ORIGIN PATH "800e06 0002 01 10 2001", "", DISABLE,
     BGP_FAULT_MP_REACH, 0},
    {"7.11 MP_REACH: no reserved octet", &ibgp, ORIGIN PATH "800e14 0002 01 10" NEXT_HOP6, "", DISABLE,
     BGP_FAULT_MP_REACH, 0},
    {"7.11 MP_REACH: not even a family", &ibgp, ORIGIN PATH "800e02 0002", "", RESET, BGP_FAULT_MP_REACH,
     0x0309},
    {"7.12 MP_UNREACH: not even a family", &ibgp, "800f02 0002", "", RESET, BGP_FAULT_MP_UNREACH, 0x0309},
    {"4760, 6 a family that was not agreed on", &only_v4, ORIGIN PATH REACH6, "", DISCARD, BGP_FAULT_FAMILY,
     0},
    {"4760, 6 one that is not known", &ibgp, ORIGIN PATH "800e0a 0063 63 04 c0000201 00 00", "", DISCARD,
     BGP_FAULT_FAMILY, 0},
    {"4760, 6 the same to be withdrawn", &only_v4, "800f08 0002 01 20 20010db8", "", DISCARD,
     BGP_FAULT_FAMILY, 0},
    {"7.14 EXTENDED COMMUNITIES of none", &ibgp, AFTER "c01000", NLRI, WITHDRAW, BGP_FAULT_EXT_COMMUNITIES,
     0},
    {"7.14 EXTENDED COMMUNITIES of nine octets", &ibgp, AFTER "c01009 0002fde90000006400", NLRI, WITHDRAW,
     BGP_FAULT_EXT_COMMUNITIES, 0},
    {"7.14 an unknown kind is no fault", &ibgp, AFTER "c01008 ffffffffffffffff", NLRI, OK, 0, 0},
    {"7.15 IPv6 extended communities of 21 octets", &ibgp,
     AFTER "c01915 000000000000000000000000000000000000000000", NLRI, WITHDRAW, BGP_FAULT_OTHER_ATTR, 0},
    {"7.15 and of none", &ibgp, AFTER "c01900", NLRI, WITHDRAW, BGP_FAULT_OTHER_ATTR, 0},
    {"7.16 ATTR_SET without an AS", &ibgp, AFTER "c08003 000001", NLRI, WITHDRAW, BGP_FAULT_OTHER_ATTR, 0},
    /* --- RFCs behind it --- */
    {"6793, 6 AS4_PATH of odd length", &old, ORIGIN "400204 0201 5ba0" NEXT_HOP "c01107 0201 00010001 00",
     NLRI, DISCARD, BGP_FAULT_AS4_PATH, 0},
    {"6793, 6 AS4_PATH too short", &old, ORIGIN "400204 0201 5ba0" NEXT_HOP "c01104 0201 0001", NLRI, DISCARD,
     BGP_FAULT_AS4_PATH, 0},
    {"6793, 6 AS4_PATH: a segment overruns", &old, ORIGIN "400204 0201 5ba0" NEXT_HOP "c01106 0202 00010001",
     NLRI, DISCARD, BGP_FAULT_AS4_PATH, 0},
    {"6793, 6 AS4_PATH: an unknown segment", &old, ORIGIN "400204 0201 5ba0" NEXT_HOP "c01106 0901 00010001",
     NLRI, DISCARD, BGP_FAULT_AS4_PATH, 0},
    {"6793, 6 AS4_AGGREGATOR of six", &old, ORIGIN "400204 0201 5ba0" NEXT_HOP "c01206 0001 c0000201", NLRI,
     DISCARD, BGP_FAULT_AGGREGATOR, 0},
    {"7607 AS 0 in AS_PATH", &ibgp, ORIGIN "40020a 0202 0000fde9 00000000" NEXT_HOP, NLRI, WITHDRAW,
     BGP_FAULT_AS_PATH, 0},
    {"7607 AS 0 in an old speaker's", &old, ORIGIN "400206 0202 fde9 0000" NEXT_HOP, NLRI, WITHDRAW,
     BGP_FAULT_AS_PATH, 0},
    {"7607 AS 0 in AGGREGATOR", &ibgp, AFTER "c00708 00000000 c0000207", NLRI, DISCARD, BGP_FAULT_AGGREGATOR,
     0},
    {"7607 AS 0 in AS4_PATH", &old, ORIGIN "400204 0201 5ba0" NEXT_HOP "c01106 0201 00000000", NLRI, DISCARD,
     BGP_FAULT_AS4_PATH, 0},
    {"7607 AS 0 in AS4_AGGREGATOR", &old, ORIGIN "400204 0201 5ba0" NEXT_HOP "c01208 00000000 c0000201", NLRI,
     DISCARD, BGP_FAULT_AGGREGATOR, 0},
    {"8092, 6 large communities of none", &ibgp, AFTER "c02000", NLRI, WITHDRAW, BGP_FAULT_LARGE_COMMUNITIES,
     0},
    {"8092, 6 of 13 octets", &ibgp, AFTER "c0200d 00000001000000020000000300", NLRI, WITHDRAW,
     BGP_FAULT_LARGE_COMMUNITIES, 0},
    {"7311, 3 AIGP TLV of a wrong length", &ibgp, AFTER "801a0a 01000a 00000000000001", NLRI, DISCARD,
     BGP_FAULT_AIGP, 0},
    {"7311, 3 a TLV that overruns", &ibgp, AFTER "801a0b 01000c 0000000000000001", NLRI, DISCARD,
     BGP_FAULT_AIGP, 0},
    {"7311, 3 a TLV that counts not even itself", &ibgp, AFTER "801a03 020002", NLRI, DISCARD, BGP_FAULT_AIGP,
     0},
    {"7311, 3 AIGP transitive", &ibgp, AFTER "c01a0b 01000b 0000000000000001", NLRI, DISCARD,
     BGP_FAULT_ATTR_FLAGS, 0},
    {"7311, 3 another TLV is skipped", &ibgp, AFTER "801a0f 020004 00 01000b 0000000000000001 ", NLRI, OK, 0,
     0},
    {"9234, 5 OTC of three", &ibgp, AFTER "c02303 000001", NLRI, WITHDRAW, BGP_FAULT_OTC, 0},
    {"8669, 6 a TLV that overruns", &ibgp, AFTER "c0280a 010008 00 0000 00000001", NLRI, DISCARD,
     BGP_FAULT_PREFIX_SID, 0},
    {"8669, 6 a label index of six octets", &ibgp, AFTER "c02809 010006 00 0000 000001", NLRI, DISCARD,
     BGP_FAULT_PREFIX_SID, 0},
    {"9012, 13 tunnel encapsulation: a TLV overruns", &ibgp, AFTER "c01706 0008 0003 0000", NLRI, WITHDRAW,
     BGP_FAULT_OTHER_ATTR, 0},
    {"6514, 5 PMSI tunnel of four", &ibgp, AFTER "c01604 00000000", NLRI, WITHDRAW, BGP_FAULT_OTHER_ATTR, 0},
    {"9552, 8.2.2 link-state: a TLV overruns", &ibgp, AFTER "801d06 0400 0003 0000", NLRI, DISCARD,
     BGP_FAULT_OTHER_ATTR, 0},
    {"an unknown well-known attribute", &ibgp, AFTER "40fe01 00", NLRI, WITHDRAW, BGP_FAULT_OTHER_ATTR, 0},
};

static void
faults(void **state)
{
	(void)state;
	unsigned wrong = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(fault_cases); i++) {
		const struct fault_case *c = &fault_cases[i];
		struct bgp_update u;
		parse(&u, c->rules, "", c->attrs, c->nlri);
		if (u.outcome == c->outcome && u.faults[0] == c->fault &&
		    (c->outcome != RESET || u.notify == c->notify))
			continue;
		print_error("%s: outcome %d, not %d; fault %s, not %s; notify %04x\n", c->rule, u.outcome,
			    c->outcome, bgp_fault_rows[u.faults[0]].name, bgp_fault_rows[c->fault].name,
			    u.notify);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* What is discarded is not there; what was first of two is. */
static void
fault_effects(void **state)
{
	(void)state;
	struct bgp_update u;

	parse(&u, &ebgp, "", AFTER "400504 00000001 800904 c0000201 800a04 c0000201", NLRI);
	assert_int_equal(u.outcome, BGP_ATTR_DISCARD);
	assert_false(u.attrs.present & (BGP_HAS_LOCAL_PREF | BGP_HAS_ORIGINATOR));
	assert_int_equal(u.attrs.cluster_list.len, 0);
	assert_int_equal(u.faults[2], BGP_FAULT_CLUSTER_LIST);

	parse(&u, &ibgp, "", AFTER "800404 00000005 800404 00000006", NLRI);
	assert_int_equal(u.attrs.med, 5);

	/* RFC 7606, 4: what came before the attribute that overruns stands, and NLRI are found */
	parse(&u, &ibgp, "", AFTER "800404 00000005 c00808 00010001", NLRI);
	assert_int_equal(u.attrs.med, 5);
	assert_int_equal(wire_left(&u.announced), 4);

	/* more faults than there is room for */
	parse(&u, &ibgp, "",
	      "400102 0000 400303 c00002 800403 000001 400503 000001 400601 00 c00701 00 c00800 c01000 c02000"
	      "c02301 00",
	      NLRI);
	assert_int_equal(u.outcome, BGP_TREAT_AS_WITHDRAW);
	assert_int_equal(u.faults[7], BGP_FAULT_EXT_COMMUNITIES);

	/* an outcome tells what a NOTIFICATION would carry: the attribute (RFC 4271, 6.3) */
	parse(&u, &ibgp, "", "400101 03", "");
	assert_int_equal(u.notify, 0x0306);
	assert_int_equal(u.notify_len, 4);
	assert_memory_equal(u.notify_data, "\x40\1\1\3", 4);
	/* or the code of the one that is missing */
	parse(&u, &ibgp, "", ORIGIN NEXT_HOP, NLRI);
	assert_int_equal(u.notify, 0x0303);
	assert_int_equal(u.notify_len, 1);
	assert_int_equal(u.notify_data[0], 2);
}

/* RFC 7606, 3.b: lengths that contradict the message's; RFC 4271, 6.3. */
static void
frame(void **state)
{
	(void)state;
	static const char *const cases[] = {
	    "",			  /* nothing */
	    "00",		  /* half a length */
	    "0000",		  /* no length of attributes */
	    "0000 00",		  /* half of one */
	    "0003 18cb 0000",	  /* withdrawn routes reach into the other length */
	    "0010 18cb00710000",  /* and beyond the end */
	    "0000 0008 40010100", /* attributes beyond the end */
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct octets o = octets_of(cases[i]);
		struct bgp_update u;
		bgp_update_parse(&u, o.p, o.len, &ibgp, &scratch);
		assert_int_equal(u.outcome, BGP_SESSION_RESET);
		assert_int_equal(u.notify, 0x0301);
		assert_int_equal(u.notify_len, 0);
		assert_int_equal(u.faults[0], BGP_FAULT_ATTR_LENGTH);
		assert_int_equal(wire_left(&u.withdrawn) + wire_left(&u.announced), 0);
		assert_false(u.end_of_rib);
		free(o.p);
	}
}

/* RFC 4724, 2. */
static void
end_of_rib(void **state)
{
	(void)state;
	struct bgp_update u;

	parse(&u, &ibgp, "", "", "");
	assert_true(u.end_of_rib);
	assert_int_equal(u.eor_family, BGP_IPV4_UNICAST);
	for (unsigned f = 0; f < BGP_FAMILIES; f++) {
		char attr[32];
		snprintf(attr, sizeof(attr), "800f03 %04x %02x", bgp_family_rows[f].afi,
			 bgp_family_rows[f].safi);
		parse(&u, &ibgp, "", attr, "");
		assert_true(u.end_of_rib);
		assert_int_equal(u.eor_family, f);
	}
	parse(&u, &ibgp, "", "900f0003 0002 01", "");
	assert_true(u.end_of_rib);
	parse(&u, &ibgp, "080a", "", "");
	assert_false(u.end_of_rib);
	parse(&u, &ibgp, "", "800f08 0002 01 20 20010db8", "");
	assert_false(u.end_of_rib);
	parse(&u, &ibgp, "", ORIGIN, "");
	assert_false(u.end_of_rib);
	parse(&u, &ibgp, "", ORIGIN "800f03 0002 01", "");
	assert_false(u.end_of_rib);
	parse(&u, &only_v4, "", "800f03 0002 01", ""); /* of a family that was not agreed on */
	assert_false(u.end_of_rib);
}

/* --- next hops of MP_REACH_NLRI --- */

struct next_hop_case {
	const struct bgp_rules *rules;
	const char *head;		 /* AFI, SAFI, length, next hop */
	const char *global, *link_local; /* NULL: the family is given up */
};

#define V6_LL "fe80000000000000000000000000000a"
#define RD0   "0000000000000000"

static const struct next_hop_case next_hop_cases[] = {
    {&ibgp, "0001 01 04 c0000201", "192.0.2.1", ""},
    {&ibgp, "0002 01 10" NEXT_HOP6, "2001:db8::1", ""},
    {&ibgp, "0002 01 20" NEXT_HOP6 V6_LL, "2001:db8::1", "fe80::a"}, /* RFC 2545, 3 */
    {&ibgp, "0002 01 20 00000000000000000000000000000000" V6_LL, "fe80::a", "fe80::a"},
    {&ibgp, "0002 01 10" V6_LL, "fe80::a", ""},
    {&ibgp, "0002 04 10 00000000000000000000ffffc0000201", "192.0.2.1", ""}, /* RFC 4798, 2 */
    /* RFC 8950, 3: where it was agreed on */
    {&ibgp, "0001 01 10" NEXT_HOP6, NULL, NULL},
    {&v6_next_hop, "0001 01 10" NEXT_HOP6, "2001:db8::1", ""},
    {&v6_next_hop, "0001 01 20" NEXT_HOP6 V6_LL, "2001:db8::1", "fe80::a"},
    {&v6_next_hop, "0001 01 04 c0000201", "192.0.2.1", ""},
    {&ibgp, "0001 80 18" RD0 NEXT_HOP6, NULL, NULL},
    {&v6_next_hop, "0001 80 18" RD0 NEXT_HOP6, "2001:db8::1", ""},
    {&v6_next_hop, "0001 80 30" RD0 NEXT_HOP6 RD0 V6_LL, "2001:db8::1", "fe80::a"},
    /* RFC 4364, 4.3.2; RFC 4659, 3.2.1 */
    {&ibgp, "0001 80 0c" RD0 "c0000201", "192.0.2.1", ""},
    {&ibgp, "0001 80 04 c0000201", NULL, NULL},
    {&ibgp, "0002 80 18" RD0 NEXT_HOP6, "2001:db8::1", ""},
    {&ibgp, "0002 80 18" RD0 "00000000000000000000ffffc0000201", "192.0.2.1", ""},
    {&ibgp, "0002 80 30" RD0 NEXT_HOP6 RD0 V6_LL, "2001:db8::1", "fe80::a"},
    {&ibgp, "0002 80 10" NEXT_HOP6, NULL, NULL},
    /* others */
    {&ibgp, "0019 46 04 c0000201", "192.0.2.1", ""},
    {&ibgp, "0019 46 10" NEXT_HOP6, "2001:db8::1", ""},
    {&ibgp, "0001 85 00", "", ""}, /* RFC 8955, 4 */
    {&ibgp, "0001 85 05 c000020100", NULL, NULL},
};

static void
next_hops(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(next_hop_cases); i++) {
		const struct next_hop_case *c = &next_hop_cases[i];
		struct bgp_update u;
		struct octets head = octets_of(c->head);
		struct text t = {0};
		text_printf(&t, ORIGIN PATH "800e%02x %s 00 00", (unsigned)head.len + 2, c->head);
		parse(&u, c->rules, "", text_cstr(&t), "");
		text_free(&t);
		free(head.p);
		assert_int_not_equal(u.reach, BGP_FAMILY_NONE);
		assert_int_equal(u.outcome, c->global ? BGP_OK : BGP_DISABLE_FAMILY);
		assert_int_equal(wire_left(&u.mp_announced), c->global ? 1 : 0);
		if (!c->global)
			continue;
		assert_addr(&u.attrs.next_hop, c->global);
		assert_addr(&u.attrs.next_hop_link_local, c->link_local);
		assert_int_equal((u.attrs.present & BGP_HAS_NEXT_HOP) != 0, c->global[0] != '\0');
	}
}

/* IPv4 routes in the old fields and IPv6 ones in the new attributes, all in one. */
static void
both(void **state)
{
	(void)state;
	struct bgp_update u;

	parse(&u, &ibgp, "080a", "800f08 0002 01 20 20010db9" MANDATORY REACH6, NLRI);
	assert_int_equal(u.outcome, BGP_OK);
	assert_int_equal(u.reach, BGP_IPV6_UNICAST);
	assert_int_equal(u.unreach, BGP_IPV6_UNICAST);
	assert_int_equal(wire_left(&u.withdrawn), 2);
	assert_int_equal(wire_left(&u.announced), 4);
	assert_int_equal(wire_left(&u.mp_announced), 5);
	assert_int_equal(wire_left(&u.mp_withdrawn), 5);
	assert_addr(&u.attrs.next_hop, "192.0.2.1");
	bgp_update_use_mp(&u);
	assert_addr(&u.attrs.next_hop, "2001:db8::1");
	/* NEXT_HOP is needed for the old field alone */
	parse(&u, &ibgp, "", ORIGIN PATH REACH6, NLRI);
	assert_int_equal(u.outcome, BGP_TREAT_AS_WITHDRAW);
}

/* Every fault has its words. */
static void
fault_rows(void **state)
{
	(void)state;
	for (unsigned i = 0; i < BGP_FAULTS; i++) {
		assert_non_null(bgp_fault_rows[i].name);
		assert_non_null(bgp_fault_rows[i].help);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(bgp_fault_rows[i].name, bgp_fault_rows[j].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain),	     cmocka_unit_test(attributes),  cmocka_unit_test(extended_length),
	    cmocka_unit_test(others),	     cmocka_unit_test(sets),	    cmocka_unit_test(merging),
	    cmocka_unit_test(merging_long),  cmocka_unit_test(aggregators), cmocka_unit_test(faults),
	    cmocka_unit_test(fault_effects), cmocka_unit_test(frame),	    cmocka_unit_test(end_of_rib),
	    cmocka_unit_test(next_hops),     cmocka_unit_test(both),	    cmocka_unit_test(fault_rows),
	};
	if (!bgp_scratch_init(&scratch))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	bgp_scratch_free(&scratch);
	free(body.p);
	return failed;
}
