/* Messages but UPDATE, against octets put together from the RFCs' figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bgp/message.h"

#define MARKER "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
#define V4U    (1u << BGP_IPV4_UNICAST)
#define V6U    (1u << BGP_IPV6_UNICAST)
#define VPN4   (1u << BGP_IPV4_VPN)

/* --- headers --- */

struct header_case {
	const char *bytes; /* 19 */
	bool longer;
	int length; /* 0: an error */
	uint16_t notify;
	unsigned data_len;
	uint8_t data[2];
};

/* RFC 4271, 6.1, rule by rule; RFC 8654, 4 for long ones. */
static const struct header_case header_cases[] = {
    {MARKER "\0\x13\4", false, 19, 0, 0, {0}},
    {MARKER "\0\x1d\1", false, 29, 0, 0, {0}},
    {MARKER "\0\x17\2", false, 23, 0, 0, {0}},
    {MARKER "\0\x15\3", false, 21, 0, 0, {0}},
    {MARKER "\0\x17\5", false, 23, 0, 0, {0}},
    {MARKER "\x10\0\2", false, 4096, 0, 0, {0}},
    {MARKER "\xff\xff\2", true, 65535, 0, 0, {0}},
    /* a marker that is not all ones */
    {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\0\x13\4", false, 0, 0x0101, 0, {0}},
    {"\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\x13\4", false, 0, 0x0101, 0, {0}},
    /* shorter than a header, longer than allowed: the data is the length field */
    {MARKER "\0\x12\4", false, 0, 0x0102, 2, {0, 0x12}},
    {MARKER "\x10\1\2", false, 0, 0x0102, 2, {0x10, 1}},
    {MARKER "\x10\1\1", true, 0, 0x0102, 2, {0x10, 1}},
    /* lengths by type */
    {MARKER "\0\x1c\1", false, 0, 0x0102, 2, {0, 0x1c}},
    {MARKER "\0\x16\2", false, 0, 0x0102, 2, {0, 0x16}},
    {MARKER "\0\x14\3", false, 0, 0x0102, 2, {0, 0x14}},
    {MARKER "\0\x14\4", false, 0, 0x0102, 2, {0, 0x14}},
    {MARKER "\0\x16\5", false, 0, 0x0102, 2, {0, 0x16}},
    /* a type that is none: the data is the type */
    {MARKER "\0\x13\0", false, 0, 0x0103, 1, {0}},
    {MARKER "\0\x13\6", false, 0, 0x0103, 1, {6}},
    {MARKER "\0\x13\xff", false, 0, 0x0103, 1, {0xff}},
};

static void
headers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(header_cases); i++) {
		const struct header_case *c = &header_cases[i];
		enum bgp_message type = 0;
		uint16_t notify = 0;
		uint8_t data[2] = {0};
		unsigned n = 0;
		int got =
		    bgp_header_parse((const uint8_t *)c->bytes, 19, c->longer, &type, &notify, data, &n);
		assert_int_equal(got, c->length ? c->length : -1);
		assert_int_equal(notify, c->notify);
		assert_int_equal(n, c->data_len);
		assert_memory_equal(data, c->data, n);
		if (got > 0)
			assert_int_equal(type, c->bytes[18]);
		assert_int_equal(
		    bgp_header_parse((const uint8_t *)c->bytes, 18, c->longer, &type, &notify, data, &n), 0);
	}
}

/* --- OPEN --- */

static bool
parse(struct bgp_open *o, const char *bytes, size_t len, uint16_t *notify)
{
	uint8_t *copy = malloc(len);
	memcpy(copy, bytes, len);
	bool ok = bgp_open_parse(o, copy, len, notify);
	free(copy);
	return ok;
}
#define PARSE(o, bytes, notify) parse(o, bytes, sizeof(bytes) - 1, notify)

/* AS 65001, hold time 90, identifier 192.0.2.1 */
#define OPEN_HEAD "\4\xfd\xe9\0\x5a\xc0\0\2\1"

static void
plain_open(void **state)
{
	(void)state;
	struct bgp_open o;
	uint16_t notify = 99;
	assert_true(PARSE(&o, OPEN_HEAD "\0", &notify));
	assert_int_equal(notify, 0);
	assert_int_equal(o.as, 65001);
	assert_int_equal(o.as2, 65001);
	assert_int_equal(o.hold_time, 90);
	assert_int_equal(o.id, 0xc0000201);
	assert_int_equal(o.families, V4U);
	assert_int_equal(o.role, -1);
	assert_false(o.as4 || o.refresh || o.graceful_any);
}

/* Each capability in a parameter of its own, or all in one, as speakers differ in that. */
static void
capabilities(void **state)
{
	(void)state;
	struct bgp_open o;
	uint16_t notify;
	assert_true(PARSE(&o,
			  OPEN_HEAD
			  "\x76"				     /* 118 */
			  "\2\6\1\4\0\1\0\1"			     /* IPv4 unicast */
			  "\2\6\1\4\0\2\0\1"			     /* IPv6 unicast */
			  "\2\6\1\4\0\1\0\x80"			     /* VPNv4 */
			  "\2\6\1\4\0\1\0\x42"			     /* AFI 1, SAFI 66: MDT, no row */
			  "\2\x54"				     /* 84 octets of others */
			  "\2\0"				     /* route refresh */
			  "\x46\0"				     /* enhanced */
			  "\6\0"				     /* extended message */
			  "\x41\4\0\1\0\1"			     /* AS 65537 */
			  "\5\6\0\1\0\1\0\2"			     /* IPv4 over IPv6 */
			  "\x09\1\3"				     /* role customer */
			  "\x40\x0a\xc0\x78\0\1\1\x80\0\2\1\0"	     /* graceful: R, N, 120 s */
			  "\x45\x0c\0\1\1\1\0\2\1\2\0\1\x80\3"	     /* add-path */
			  "\x47\x0e\0\1\1\x80\0\0\x64\0\2\1\0\1\0\0" /* long-lived: 100 s, 65536 s */
			  "\x49\x0d\7router1\4lab."		     /* host name */
			  "\xfe\2\1\2",				     /* unknown */
			  &notify));
	assert_int_equal(o.families, V4U | V6U | VPN4);
	assert_int_equal(o.others, 1);
	assert_int_equal(o.other[0].afi, 1);
	assert_int_equal(o.other[0].safi, 66);
	assert_true(o.refresh && o.enhanced_refresh && o.ext_message && o.as4);
	assert_int_equal(o.as, 65537);
	assert_int_equal(o.as2, 65001);
	assert_int_equal(o.ext_next_hop, V4U);
	assert_int_equal(o.role, 3);
	assert_true(o.graceful_any && o.restarted && o.graceful_notify);
	assert_int_equal(o.restart_time, 120);
	assert_int_equal(o.graceful, V4U | V6U);
	assert_int_equal(o.graceful_forwarding, V4U);
	assert_int_equal(o.add_path_receive, V4U | VPN4);
	assert_int_equal(o.add_path_send, V6U | VPN4);
	assert_int_equal(o.long_lived, V4U | V6U);
	assert_int_equal(o.long_lived_time, 65536);
	assert_string_equal(o.host, "router1");
	assert_string_equal(o.domain, "lab.");
}

/* RFC 4271, 6.2; RFC 5492; RFC 6286; RFC 7607; RFC 9072; RFC 9234: OPENs that are refused, and why. */
static void
open_errors(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
		uint16_t notify;
	} cases[] = {
#define CASE(bytes, notify) {bytes, sizeof(bytes) - 1, notify}
	    CASE("\3\xfd\xe9\0\x5a\xc0\0\2\1\0", 0x0201),	/* version 3 */
	    CASE("\4\0\0\0\x5a\xc0\0\2\1\0", 0x0202),		/* AS 0 */
	    CASE("\4\xfd\xe9\0\x5a\0\0\0\0\0", 0x0203),		/* identifier 0 */
	    CASE("\4\xfd\xe9\0\1\xc0\0\2\1\0", 0x0206),		/* hold time of 1 s */
	    CASE("\4\xfd\xe9\0\2\xc0\0\2\1\0", 0x0206),		/* of 2 s */
	    CASE(OPEN_HEAD "\2\1\0", 0x0204),			/* authentication, once 4271's */
	    CASE(OPEN_HEAD "\1\2", 0x0200),			/* a parameter without length */
	    CASE(OPEN_HEAD "\4\2\4\1\4", 0x0200),		/* one that overruns */
	    CASE(OPEN_HEAD "\5\2\2\1\4", 0x0200),		/* parameters that are not all there */
	    CASE(OPEN_HEAD "\4\2\3\2\0", 0x0200),		/* fewer than there are */
	    CASE(OPEN_HEAD "\5\2\3\1\4\0", 0x0200),		/* a capability that overruns */
	    CASE(OPEN_HEAD "\3\2\1\2", 0x0200),			/* one without length */
	    CASE(OPEN_HEAD "\7\2\5\1\3\0\1\0", 0x0200),		/* multiprotocol of 3 octets */
	    CASE(OPEN_HEAD "\6\2\4\x41\2\0\1", 0x0200),		/* AS number of 2 */
	    CASE(OPEN_HEAD "\x08\2\6\x41\4\0\0\0\0", 0x0202),	/* AS 0 of 4 */
	    CASE(OPEN_HEAD "\5\2\3\x40\1\0", 0x0200),		/* graceful restart of 1 */
	    CASE(OPEN_HEAD "\x09\2\7\x45\5\0\1\1\1\0", 0x0200), /* add-path of 5 */
	    CASE(OPEN_HEAD "\x08\2\6\x09\1\0\x09\1\1", 0x020b), /* two roles */
	    CASE(OPEN_HEAD "\xff\xff\0\5\2\0\1\2\0", 0x0200),	/* 9072: too short a length */
	    CASE(OPEN_HEAD "\xff\xff\0\3\1\0\0", 0x0204),	/* 9072: authentication */
#undef CASE
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bgp_open o;
		uint16_t notify = 0;
		assert_false(parse(&o, cases[i].bytes, cases[i].len, &notify));
		assert_int_equal(notify, cases[i].notify);
	}
	uint8_t data[2];
	assert_int_equal(bgp_open_error_data(0x0201, data), 2);
	assert_memory_equal(data, "\0\4", 2);
	assert_int_equal(bgp_open_error_data(0x0202, data), 0);
}

/* What must be let pass. */
static void
open_tolerance(void **state)
{
	(void)state;
	struct bgp_open o;
	uint16_t notify;
	/* RFC 9072, 2: the extended form, whatever the old length says */
	assert_true(PARSE(&o, OPEN_HEAD "\xff\xff\0\x09\2\0\6\1\4\0\2\0\1", &notify));
	assert_int_equal(o.families, V6U);
	assert_true(PARSE(&o, OPEN_HEAD "\1\xff\0\x09\2\0\6\1\4\0\2\0\1", &notify));
	assert_int_equal(o.families, V6U);
	/* RFC 7911, 4: a mode that is none makes the capability ignored */
	assert_true(PARSE(&o, OPEN_HEAD "\x0c\2\x0a\x45\x08\0\1\1\3\0\2\1\4", &notify));
	assert_int_equal(o.add_path_receive | o.add_path_send, 0);
	/* RFC 9234, 4.2: the same role twice; a role that has no number yet */
	assert_true(PARSE(&o, OPEN_HEAD "\x08\2\6\x09\1\2\x09\1\2", &notify));
	assert_int_equal(o.role, 2);
	assert_true(PARSE(&o, OPEN_HEAD "\5\2\3\x09\1\x09", &notify));
	assert_int_equal(o.role, -1);
	/* Cisco's route refresh */
	assert_true(PARSE(&o, OPEN_HEAD "\4\2\2\x80\0", &notify));
	assert_true(o.refresh);
	/* a name that overruns is no name; control characters are no letters */
	assert_true(PARSE(&o, OPEN_HEAD "\5\2\3\x49\1\5", &notify));
	assert_string_equal(o.host, "");
	assert_true(PARSE(&o,
			  OPEN_HEAD "\x0a\2\x08\x49\6\4r\n\x7f"
				    "1\0",
			  &notify));
	assert_string_equal(o.host, "r1");
	/* multiprotocol for unknown families only: not even IPv4 unicast */
	assert_true(PARSE(&o, OPEN_HEAD "\x08\2\6\1\4\0\x63\0\1", &notify));
	assert_int_equal(o.families, 0);
	assert_int_equal(o.others, 1);
}

/* Octet by octet: AS 65537 as AS_TRANS, parameters in the form of RFC 4271. */
static void
writing(void **state)
{
	(void)state;
	uint8_t buf[BGP_MESSAGE_MAX];
	struct bgp_open o = {.as = 65537,
			     .hold_time = 180,
			     .id = 0x0a000001,
			     .families = V6U,
			     .as4 = true,
			     .refresh = true,
			     .role = -1};
	static const char expected[] = MARKER "\0\x2f\1\4\x5b\xa0\0\xb4\x0a\0\0\1\x12\2\x10"
					      "\1\4\0\2\0\1"
					      "\2\0"
					      "\x41\4\0\1\0\1"
					      "\x80\0";
	assert_int_equal(bgp_open_write(buf, sizeof(buf), &o), sizeof(expected) - 1);
	assert_memory_equal(buf, expected, sizeof(expected) - 1);
	assert_int_equal(bgp_open_write(buf, 40, &o), 0);

	assert_int_equal(bgp_keepalive_write(buf), 19);
	assert_memory_equal(buf, MARKER "\0\x13\4", 19);
	assert_int_equal(bgp_refresh_write(buf, BGP_IPV6_VPN), 23);
	assert_memory_equal(buf, MARKER "\0\x17\5\0\2\0\x80", 23);
	/* RFC 4724, 2: the least UPDATE for IPv4 unicast, else an empty MP_UNREACH_NLRI */
	assert_int_equal(bgp_end_of_rib_write(buf, BGP_IPV4_UNICAST), 23);
	assert_memory_equal(buf, MARKER "\0\x17\2\0\0\0\0", 23);
	assert_int_equal(bgp_end_of_rib_write(buf, BGP_IPV6_VPN), 29);
	assert_memory_equal(buf, MARKER "\0\x1d\2\0\0\0\6\x80\x0f\3\0\2\x80", 29);
	assert_int_equal(bgp_notification_write(buf, 0x0602, "\2hi", 3), 24);
	assert_memory_equal(buf, MARKER "\0\x18\3\6\2\2hi", 24);
	static const uint8_t much[5000];
	assert_int_equal(bgp_notification_write(buf, 0x0301, much, sizeof(much)), BGP_MESSAGE_MAX);
	assert_memory_equal(buf, MARKER "\x10\0\3\3\1", 21);
}

/* All families with all they can have need the long form of RFC 9072; reading gives back what was written. */
static void
round_trip(void **state)
{
	(void)state;
	uint8_t buf[BGP_MESSAGE_MAX];
	uint32_t all = (1u << BGP_FAMILIES) - 1;
	struct bgp_open back, o = {.as = 65001,
				   .as2 = 65001,
				   .hold_time = 3,
				   .id = 1,
				   .families = all,
				   .add_path_receive = all,
				   .add_path_send = V4U,
				   .ext_next_hop = V4U | VPN4,
				   .graceful = all,
				   .graceful_forwarding = all & ~V6U,
				   .restart_time = 4095,
				   .graceful_any = true,
				   .graceful_notify = true,
				   .long_lived = V4U | V6U,
				   .long_lived_time = 0xfffffe,
				   .as4 = true,
				   .refresh = true,
				   .enhanced_refresh = true,
				   .ext_message = true,
				   .role = 0,
				   .host = "collector",
				   .domain = "example.net",
				   .others = 1,
				   .other = {{1, 66}}};
	uint16_t notify;
	size_t len = bgp_open_write(buf, sizeof(buf), &o);
	assert_true(len > 300);
	assert_memory_equal(buf + 28, "\xff\xff", 2);
	assert_true(bgp_open_parse(&back, buf + 19, len - 19, &notify));
	back.multiprotocol_any = false;
	assert_memory_equal(&back, &o, sizeof(o));
}

/* --- ROUTE-REFRESH --- */

static void
refresh(void **state)
{
	(void)state;
	enum bgp_family f;
	uint8_t subtype;
	uint16_t notify;
	const uint8_t *request = (const uint8_t *)"\0\1\0\1\1\1\x80\0",
		      *begin = (const uint8_t *)"\0\2\1\1\0", *end = (const uint8_t *)"\0\1\2\x80",
		      *strange = (const uint8_t *)"\0\x63\0\1";
	assert_true(bgp_refresh_parse(request, 4, &f, &subtype, &notify));
	assert_int_equal(f, BGP_IPV4_UNICAST);
	assert_int_equal(subtype, 0);
	assert_true(bgp_refresh_parse(request, 8, &f, &subtype, &notify)); /* with a filter, RFC 5291 */
	assert_true(bgp_refresh_parse(begin, 4, &f, &subtype, &notify));
	assert_int_equal(f, BGP_IPV6_UNICAST);
	assert_int_equal(subtype, 1);
	assert_true(bgp_refresh_parse(end, 4, &f, &subtype, &notify));
	assert_int_equal(f, BGP_IPV4_VPN);
	assert_int_equal(subtype, 2);
	assert_true(bgp_refresh_parse(strange, 4, &f, &subtype, &notify));
	assert_int_equal(f, BGP_FAMILY_NONE);
	/* RFC 7313, 5 */
	assert_false(bgp_refresh_parse(begin, 5, &f, &subtype, &notify));
	assert_int_equal(notify, 0x0701);
	assert_false(bgp_refresh_parse(begin, 3, &f, &subtype, &notify));
	assert_int_equal(notify, 0x0701);
}

/* --- NOTIFICATION --- */

static void
notifications(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
		const char *text;
	} cases[] = {
#define CASE(bytes, text) {bytes, sizeof(bytes) - 1, text}
	    CASE("\4\0", "Hold Timer Expired"),
	    CASE("\6\7", "Cease/Connection Collision Resolution"),
	    CASE("\6\2\0", "Cease/Administrative Shutdown"),
	    CASE("\6\2\x0bHall\xc3\xb6\n\x1b[2J", "Cease/Administrative Shutdown: Hall\xc3\xb6[2J"),
	    CASE("\6\4\3bye", "Cease/Administrative Reset: bye"),
	    CASE("\6\2\2\xc3\x28", "Cease/Administrative Shutdown: (text that is not UTF-8)"),
	    CASE("\6\2\x50"
		 "cut",
		 "Cease/Administrative Shutdown"), /* says 80, has 3 */
	    CASE("\6\x09\6\2\3bye", "Cease/Hard Reset: Cease/Administrative Shutdown: bye"), /* RFC 8538 */
	    CASE("\2\1\0\4", "OPEN Message Error/Unsupported Version Number (data 00 04)"),
	    CASE("\3\x0b", "UPDATE Message Error/Malformed AS_PATH"),
	    CASE("\6\x63", "Cease/subcode 99"),
	    CASE("\x63\1", "unknown error 99/1"),
	    CASE("\6", "a notification without a code"),
	    CASE("\1\1"
		 "0123456789abcdefg",
		 "Message Header Error/Connection Not Synchronized (data 30 31 32 33 34 35 36 37 38 39 61 62 "
		 "63 64 "
		 "65 66 ...)"),
#undef CASE
	};
	char text[512];
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		bgp_notification_text(text, sizeof(text), (const uint8_t *)cases[i].bytes, cases[i].len);
		assert_string_equal(text, cases[i].text);
	}
	/* a small buffer cuts and ends */
	char small[8];
	bgp_notification_text(small, sizeof(small), (const uint8_t *)"\6\2\3bye", 6);
	assert_string_equal(small, "Cease/A");
	assert_string_equal(bgp_error_name(0x0602), "Cease/Administrative Shutdown");
	assert_string_equal(bgp_error_name(0x0663), "Cease");
}

/* --- agreement --- */

static void
rules(void **state)
{
	(void)state;
	struct bgp_open ours = {.as = 65000,
				.as4 = true,
				.families = V4U | V6U | VPN4,
				.add_path_receive = V4U | VPN4,
				.ext_next_hop = V4U | VPN4};
	struct bgp_open theirs = {.as = 65000,
				  .as4 = true,
				  .families = V4U | VPN4,
				  .add_path_send = V4U | V6U,
				  .add_path_receive = VPN4,
				  .ext_next_hop = V4U};
	struct bgp_rules r = bgp_rules_of(&ours, &theirs);
	assert_true(r.as4);
	assert_false(r.ebgp);
	assert_int_equal(r.families, V4U | VPN4);
	assert_int_equal(r.add_path, V4U); /* they send, we receive (RFC 7911, 4) */
	assert_int_equal(r.ext_next_hop, V4U);
	theirs.as = 65001;
	theirs.as4 = false;
	r = bgp_rules_of(&ours, &theirs);
	assert_true(r.ebgp);
	assert_false(r.as4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(headers),	   cmocka_unit_test(plain_open),     cmocka_unit_test(capabilities),
	    cmocka_unit_test(open_errors), cmocka_unit_test(open_tolerance), cmocka_unit_test(writing),
	    cmocka_unit_test(round_trip),  cmocka_unit_test(refresh),	     cmocka_unit_test(notifications),
	    cmocka_unit_test(rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
