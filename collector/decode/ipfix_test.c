/* What IPFIX adds: variable lengths, enterprises, structured data, biflows, carried packets, and its ways of
 * telling the time. Numbers of RFC 7011, RFC 5103 and RFC 6313. */
#include "collector/decode/fixture.h"

/* One field specifier with an enterprise number. */
static void
put_pen(uint32_t pen, uint16_t id, uint16_t len)
{
	b_uint(&b, 0x8000u | id, 2);
	b_uint(&b, len, 2);
	b_uint(&b, pen, 4);
}

static void
put_iana(uint16_t id, uint16_t len)
{
	b_uint(&b, id, 2);
	b_uint(&b, len, 2);
}

static void
template_begin(uint16_t fields)
{
	begin(10, 0);
	b_set(&b, 2);
	b_uint(&b, 256, 2);
	b_uint(&b, fields, 2);
}

/* A record of n bytes as the whole data set, and what came of it. */
static void
data(struct decoder *d, const void *rec, size_t n)
{
	b_set_end(&b);
	b_set(&b, 256);
	b_bytes(&b, rec, n);
	b_set_end(&b);
	finish(d);
}

#define DATA(d, rec) data(d, rec, sizeof(rec) - 1)

static void
test_variable(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	template_begin(4);
	put_iana(8, 4);
	put_iana(82, 65535);
	put_iana(1, 4);
	put_iana(236, 65535);
	/* short form; long form with a short length; empty */
	DATA(d, "\x0a\0\0\x01\x03"
		"abc"
		"\0\0\0\x01\xff\0\x02"
		"de"
		"\x0a\0\0\x02\x00"
		"\0\0\0\x02\x00");
	assert_int_equal(got_n, 2);
	assert_int_equal(got[0].in_iface_name.len, 3);
	assert_memory_equal(got[0].in_iface_name.p, "abc", 3);
	assert_int_equal(got[0].vrf_name.len, 2);
	assert_int_equal(got[0].bytes, 1);
	assert_addr(got[1].src_host, "10.0.0.2");
	assert_int_equal(got[1].in_iface_name.len, 0);
	assert_int_equal(got[1].bytes, 2);
	decoder_free(d);
}

static void
test_variable_overrun(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	template_begin(2);
	put_iana(82, 65535);
	put_iana(1, 4);
	DATA(d, "\x01"
		"a"
		"\0\0\0\x01"
		"\x20"
		"abc"
		"\0\0\0\x01");
	assert_int_equal(got_n, 1);
	assert_int_equal(count(d, DROP_RECORD), 1);
	decoder_free(d);
}

/* basicList, subTemplateList, subTemplateMultiList: passed over by their length (RFC 6313). */
static void
test_structured(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	template_begin(5);
	put_iana(291, 65535);
	put_iana(8, 4);
	put_iana(292, 65535);
	put_iana(293, 65535);
	put_iana(1, 2);
	DATA(d, "\x05\xff\0\x08\0\x04"
		"\x0a\0\0\x01"
		"\x03\x03\x01\x01"
		"\xff\0\x05\x03\x01\x02\0\x08"
		"\x01\x02");
	assert_int_equal(got_n, 1);
	assert_addr(got[0].src_host, "10.0.0.1");
	assert_int_equal(got[0].bytes, 0x102);
	decoder_free(d);
}

static void
test_enterprises(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	template_begin(6);
	put_pen(43874, 1, 8);
	put_pen(43874, 2, 4);
	put_pen(43874, 3, 65535);
	put_pen(2011, 505, 32);
	put_pen(9999, 1, 4); /* not the octets of IANA's element 1 */
	put_iana(2, 1);
	DATA(d, "\0\0\0\0\0\0\x01\x02\0\0\0\x09\x04"
		"edge"
		"0123456789abcdefghijklmnopqrstuv"
		"\0\0\0\x63"
		"\x05");
	assert_int_equal(got_n, 1);
	assert_int_equal(got[0].tag, 0x102);
	assert_int_equal(got[0].tag2, 9);
	assert_int_equal(got[0].label.len, 4);
	assert_memory_equal(got[0].label.p, "edge", 4);
	assert_int_equal(got[0].srv6_seg_ipv6_list.len, 32);
	assert_int_equal(got[0].bytes, 0);
	assert_int_equal(got[0].packets, 5);
	assert_int_equal(got[0].kind, FLOW_KIND_EVENT);
	decoder_free(d);
}

static void
assert_turned(const struct flow *f, const struct flow *r)
{
	assert_addr(f->src_host, "10.0.0.1");
	assert_addr(r->src_host, "10.0.0.2");
	assert_addr(r->dst_host, "10.0.0.1");
	assert_int_equal(f->src_port, 1000);
	assert_int_equal(r->src_port, 80);
	assert_int_equal(r->dst_port, 1000);
	assert_int_equal(f->in_iface, 3);
	assert_int_equal(r->in_iface, 4);
	assert_int_equal(r->out_iface, 3);
	assert_true(f->features & FLOW_IS_BIFLOW);
	assert_false(f->features & FLOW_IS_REVERSE);
	assert_true(r->features & FLOW_IS_REVERSE);
	assert_int_equal(r->flows, 1);
}

#define KEY "\x0a\0\0\x01\x0a\0\0\x02\x03\xe8\0\x50\0\x03\0\x04"

static void
put_key(void)
{
	put_iana(8, 4);
	put_iana(12, 4);
	put_iana(7, 2);
	put_iana(11, 2);
	put_iana(10, 2);
	put_iana(14, 2);
}

static void
test_biflow(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	template_begin(12);
	put_key();
	put_iana(1, 4);
	put_iana(2, 4);
	put_iana(6, 1);
	put_pen(29305, 1, 4);
	put_pen(29305, 2, 4);
	put_pen(29305, 6, 1);
	DATA(d, KEY "\0\0\0\x64\0\0\0\x01\x02\0\0\0\xc8\0\0\0\x03\x12" KEY
		    "\0\0\0\x65\0\0\0\x02\x02\0\0\0\0\0\0\0\0\0");
	/* the second record saw nothing the other way */
	assert_int_equal(got_n, 3);
	assert_turned(&got[0], &got[1]);
	assert_int_equal(got[0].bytes, 100);
	assert_int_equal(got[0].packets, 1);
	assert_int_equal(got[0].tcp_flags, 2);
	assert_int_equal(got[1].bytes, 200);
	assert_int_equal(got[1].packets, 3);
	assert_int_equal(got[1].tcp_flags, 0x12);
	assert_int_equal(got[2].bytes, 101);
	assert_int_equal(count(d, DECODE_FLOWS), 3);
	decoder_free(d);
}

/* The way back has next hops of its own, which the record does not tell. */
static void
test_biflow_next_hops(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	template_begin(4);
	put_iana(1, 4);
	put_iana(15, 4);
	put_iana(18, 4);
	put_pen(29305, 1, 4);
	DATA(d, "\0\0\0\x64\x0a\0\0\x63\x0a\0\0\x62\0\0\0\xc8");
	assert_int_equal(got_n, 2);
	assert_addr(got[0].ip_next_hop, "10.0.0.99");
	assert_addr(got[0].peer_dst_ip, "10.0.0.98");
	assert_true(addr_is_none(&got[1].ip_next_hop));
	assert_true(addr_is_none(&got[1].peer_dst_ip));
	decoder_free(d);
}

/* Many in a message, so that batches fill up between the two halves. */
static void
test_biflow_batches(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	template_begin(2);
	put_iana(1, 4);
	put_pen(29305, 1, 4);
	b_set_end(&b);
	b_set(&b, 256);
	for (unsigned i = 0; i < 201; i++) {
		b_uint(&b, i + 1, 4);
		b_uint(&b, 1000 + i, 4);
	}
	b_set_end(&b);
	finish(d);
	assert_int_equal(got_n, 402);
	for (unsigned i = 0; i < 201; i++) {
		assert_int_equal(got[2 * i].bytes, i + 1);
		assert_int_equal(got[2 * i + 1].bytes, 1000 + i);
	}
	decoder_free(d);
}

/* Firewalls: initiator and responder. */
static void
test_responder(void **state)
{
	(void)state;
	static const struct decode_options asa = {.asa_bi_flow = true};
	struct decoder *d = start(NULL);

	template_begin(10);
	put_key();
	put_iana(231, 4);
	put_iana(232, 4);
	put_iana(298, 4);
	put_iana(299, 4);
#define COUNTERS "\0\0\0\x64\0\0\0\xc8\0\0\0\x01\0\0\0\x02"
	DATA(d, KEY COUNTERS);
	assert_int_equal(got_n, 2);
	assert_turned(&got[0], &got[1]);
	assert_int_equal(got[0].bytes, 100);
	assert_int_equal(got[0].packets, 1);
	assert_int_equal(got[1].bytes, 200);
	assert_int_equal(got[1].packets, 2);
	decoder_free(d);

	d = start(&asa);
	template_begin(8);
	put_key();
	put_iana(231, 4);
	put_iana(232, 4);
	DATA(d, KEY "\0\0\0\x64\0\0\0\xc8");
	assert_int_equal(got_n, 1);
	assert_int_equal(got[0].bytes, 100);
	assert_int_equal(got[0].packets, 200);
	decoder_free(d);
}

/* With octets of its own the record is no biflow, whatever a responder's counter says. */
static void
test_responder_alone(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	template_begin(2);
	put_iana(1, 4);
	put_iana(232, 4);
	DATA(d, "\0\0\0\x64\0\0\0\xc8");
	assert_int_equal(got_n, 1);
	assert_int_equal(got[0].bytes, 100);
	decoder_free(d);
}

static const char frame[] =
    "\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0"			   /* Ethernet */
    "\x45\xb8\0\x2c\0\0\0\0\x40\x11\0\0\xc0\0\2\1\xc6\x33\x64\x01" /* IPv4, 44 bytes */
    "\x14\xe9\0\x35\0\x18\0\0";					   /* UDP */

static void
test_frame(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);

	template_begin(3);
	put_iana(10, 4);
	put_iana(312, 2);
	put_iana(315, 65535);
	b_set_end(&b);
	b_set(&b, 256);
	b_uint(&b, 5, 4);
	b_uint(&b, 58, 2);
	b_uint(&b, sizeof(frame) - 1, 1);
	b_bytes(&b, frame, sizeof(frame) - 1);
	b_set_end(&b);
	finish(d);
	assert_int_equal(got_n, 1);
	assert_addr(got[0].src_host, "192.0.2.1");
	assert_addr(got[0].dst_host, "198.51.100.1");
	assert_int_equal(got[0].src_port, 5353);
	assert_int_equal(got[0].dst_port, 53);
	assert_int_equal(got[0].proto, 17);
	assert_int_equal(got[0].tos, 0xb8);
	assert_int_equal(got[0].in_iface, 5);
	assert_int_equal(got[0].bytes, 58);
	assert_int_equal(got[0].packets, 1);
	assert_int_equal(got[0].kind, FLOW_KIND_FLOW);
	assert_true(got[0].features & FLOW_HAS_FRAME);

	/* IE 313 begins with the IP header; here of fixed length */
	template_begin(2);
	put_iana(1, 4);
	put_iana(313, 28);
	b_set_end(&b);
	b_set(&b, 256);
	b_uint(&b, 4400, 4);
	b_bytes(&b, frame + 14, 28);
	b_set_end(&b);
	finish(d);
	assert_int_equal(got_n, 2);
	assert_addr(got[1].dst_host, "198.51.100.1");
	assert_int_equal(got[1].dst_port, 53);
	assert_int_equal(got[1].bytes, 4400);
	decoder_free(d);
}

/* A record with ports 7 and 9 of its own, protocol 17, and one carried section of n bytes at offset at. */
static const struct flow *
section(struct decoder *d, uint16_t id, const char *bytes, size_t n, unsigned at)
{
	got_n = 0;
	template_begin(6);
	put_iana(4, 1);
	put_iana(7, 2);
	put_iana(11, 2);
	put_iana(60, 1);
	put_iana(409, 2);
	put_iana(id, 65535);
	b_set_end(&b);
	b_set(&b, 256);
	b_uint(&b, 17, 1);
	b_uint(&b, 7, 2);
	b_uint(&b, 9, 2);
	b_uint(&b, 4, 1);
	b_uint(&b, at, 2);
	b_uint(&b, n, 1);
	b_bytes(&b, bytes, n);
	b_set_end(&b);
	finish(d);
	assert_int_equal(got_n, 1);
	return &got[0];
}

/* Sections of RFC 7133: which are read, and that a record keeps its own ports when its section is cut before
 * them, begins elsewhere, or says nothing of its kind. */
static void
test_sections(void **state)
{
	(void)state;
	static const char labels[] = "\x00\x06\x40\x40\x00\x0c\x81\x40"; /* labels 100 and 200, bottom */
	struct decoder *d = start(NULL);
	const struct flow *f;
	char mpls[8 + 28];

	f = section(d, 313, frame + 14, 28, 0);
	assert_int_equal(f->src_port, 5353);
	f = section(d, 313, frame + 14, 20, 0); /* the IP header only */
	assert_addr(f->src_host, "192.0.2.1");
	assert_int_equal(f->src_port, 7);
	assert_int_equal(f->dst_port, 9);
	assert_int_equal(f->packets, 1);
	f = section(d, 315, frame, 14, 0); /* the Ethernet header only */
	assert_int_equal(f->src_port, 7);
	assert_int_equal(f->proto, 17);
	assert_int_equal(f->src_mac[5], 2);
	assert_int_equal(f->packets, 1);
	assert_int_equal(count(d, DROP_FRAME), 1);
	f = section(d, 313, frame + 14 + 8, 20, 8); /* begins within the header */
	assert_int_equal(f->src_port, 7);
	assert_true(addr_is_none(&f->src_host));
	assert_int_equal(count(d, DROP_FRAME), 2);
	f = section(d, 314, frame + 34, 8, 0);
	assert_int_equal(f->src_port, 5353);
	assert_int_equal(f->dst_port, 53);
	f = section(d, 314, frame + 34, 3, 0);
	assert_int_equal(f->src_port, 7);
	assert_int_equal(count(d, DROP_FRAME), 3);
	f = section(d, 316, labels, 8, 0); /* the stack alone */
	assert_int_equal(f->mpls_labels, 2);
	assert_int_equal(f->mpls_label_bottom, 200);
	assert_int_equal(f->src_port, 7);
	memcpy(mpls, labels, 8);
	memcpy(mpls + 8, frame + 14, 28);
	f = section(d, 316, mpls, sizeof(mpls), 0); /* and the packet below */
	assert_int_equal(f->mpls_label_top, 100);
	assert_addr(f->dst_host, "198.51.100.1");
	assert_int_equal(f->src_port, 5353);
	f = section(d, 317, frame + 14, 28, 0); /* passed over by its length */
	assert_int_equal(f->src_port, 7);
	assert_int_equal(count(d, DROP_FRAME), 3);

	/* header and payload carried apart */
	got_n = 0;
	template_begin(2);
	put_iana(313, 20);
	put_iana(314, 8);
	b_set_end(&b);
	b_set(&b, 256);
	b_bytes(&b, frame + 14, 28);
	b_set_end(&b);
	finish(d);
	assert_int_equal(got_n, 1);
	assert_addr(got[0].src_host, "192.0.2.1");
	assert_int_equal(got[0].proto, 17);
	assert_int_equal(got[0].src_port, 5353);
	assert_int_equal(got[0].dst_port, 53);

	/* the same of IPv6 with an extension header (no options, padded), which the record does not mention
	 */
	got_n = 0;
	template_begin(3);
	put_iana(4, 1);
	put_iana(313, 40);
	put_iana(314, 16);
	b_set_end(&b);
	b_set(&b, 256);
	b_uint(&b, 17, 1);
	b_bytes(&b, "\x60\0\0\0\0\x10\x3c\x40", 8); /* 16 bytes of payload, destination options */
	b_bytes(&b, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	b_bytes(&b, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 16);
	b_bytes(&b, "\x11\0\1\4\0\0\0\0", 8);
	b_bytes(&b, frame + 34, 8);
	b_set_end(&b);
	finish(d);
	assert_int_equal(got_n, 1);
	assert_addr(got[0].dst_host, "2001:db8::2");
	assert_int_equal(got[0].proto, 17);
	assert_int_equal(got[0].src_port, 5353);
	decoder_free(d);
}

/* One record with times; the field values are appended as 8 bytes each. */
static const struct flow *
timed(struct decoder *d, unsigned n, const uint16_t *ids, const uint64_t *values)
{
	got_n = 0;
	template_begin((uint16_t)(n + 1));
	for (unsigned i = 0; i < n; i++)
		put_iana(ids[i], 8);
	put_iana(1, 1);
	b_set_end(&b);
	b_set(&b, 256);
	for (unsigned i = 0; i < n; i++)
		b_uint(&b, values[i], 8);
	b_uint(&b, 1, 1);
	b_set_end(&b);
	finish(d);
	assert_int_equal(got_n, 1);
	return &got[0];
}

#define TIMED(d, i, ...)                                                                                     \
	timed(d, ARRAY_SIZE(((const uint64_t[]){__VA_ARGS__})), (const uint16_t[])i,                         \
	      (const uint64_t[]){__VA_ARGS__})
#define IDS(...)                                                                                             \
	{                                                                                                    \
		__VA_ARGS__                                                                                  \
	}

#define S    (T0 - 60)
#define E    (T0 - 50)
#define NTP0 2208988800ull

static void
test_absolute_times(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);
	const struct flow *f;

	f = TIMED(d, IDS(150, 151), S, E);
	assert_int_equal(f->timestamp_start, S * US);
	assert_int_equal(f->timestamp_end, E * US);
	f = TIMED(d, IDS(152, 153), S * 1000ull + 1, E * 1000ull + 999);
	assert_int_equal(f->timestamp_start, S * US + 1000);
	assert_int_equal(f->timestamp_end, E * US + 999000);
	/* NTP: half a second, and 2^-20 s, a little less than a microsecond */
	f = TIMED(d, IDS(154, 155), (S + NTP0) << 32 | 0x80000000u, (E + NTP0) << 32 | 0x1000);
	assert_int_equal(f->timestamp_start, S * US + 500000);
	assert_int_equal(f->timestamp_end, E * US + 1);
	f = TIMED(d, IDS(156, 157), (S + NTP0) << 32 | 0x40000000u, (E + NTP0) << 32);
	assert_int_equal(f->timestamp_start, S * US + 250000);
	/* microseconds before the export */
	f = TIMED(d, IDS(158, 159), 2500000, 500000);
	assert_int_equal(f->timestamp_start, T0 * US - 2500000);
	assert_int_equal(f->timestamp_end, T0 * US - 500000);
	/* the finer one is taken, unless it is zero */
	f = TIMED(d, IDS(150, 152), S, S * 1000ull + 7);
	assert_int_equal(f->timestamp_start, S * US + 7000);
	f = TIMED(d, IDS(150, 152), S, 0);
	assert_int_equal(f->timestamp_start, S * US);
	decoder_free(d);
}

static void
test_derived_times(void **state)
{
	(void)state;
	struct decoder *d = start(NULL);
	const struct flow *f;

	/* uptimes with the boot time in the record, before and after the fields that need it */
	f = TIMED(d, IDS(22, 160, 21), 1000, (T0 - 100) * 1000ull, 2500);
	assert_int_equal(f->timestamp_start, (T0 - 99) * US);
	assert_int_equal(f->timestamp_end, (T0 - 100) * US + 2500000);
	/* the uptime's 32 bits turned over once since the boot */
	f = TIMED(d, IDS(160, 22), T0 * 1000ull - (1ull << 32) - 5000, 3000);
	assert_int_equal(f->timestamp_start, T0 * US - 2000000);
	/* and a flow from before the boot, as a replayed capture has them */
	f = TIMED(d, IDS(160, 22), T0 * 1000ull, (uint32_t)-7000);
	assert_int_equal(f->timestamp_start, (T0 - 7) * US);
	/* a duration gives the other end */
	f = TIMED(d, IDS(152, 161), S * 1000ull, 1500);
	assert_int_equal(f->timestamp_end, S * US + 1500000);
	f = TIMED(d, IDS(153, 162), E * 1000ull, 1500);
	assert_int_equal(f->timestamp_start, E * US - 1500);
	/* an observation is both */
	f = TIMED(d, IDS(323), S * 1000ull);
	assert_int_equal(f->timestamp_start, S * US);
	assert_int_equal(f->timestamp_end, S * US);
	/* no end: the export, as late as it can have been; no start: the end */
	f = TIMED(d, IDS(152), S * 1000ull);
	assert_int_equal(f->timestamp_end, T0 * US);
	f = TIMED(d, IDS(153), E * 1000ull);
	assert_int_equal(f->timestamp_start, E * US);
	/* nothing at all, and uptimes without a boot time */
	f = TIMED(d, IDS(2), 1);
	assert_int_equal(f->timestamp_start, T0 * US);
	assert_int_equal(f->timestamp_end, T0 * US);
	f = TIMED(d, IDS(22, 21), 1000, 2000);
	assert_int_equal(f->timestamp_start, T0 * US);
	decoder_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_variable),
	    cmocka_unit_test(test_variable_overrun),
	    cmocka_unit_test(test_structured),
	    cmocka_unit_test(test_enterprises),
	    cmocka_unit_test(test_biflow),
	    cmocka_unit_test(test_biflow_batches),
	    cmocka_unit_test(test_responder),
	    cmocka_unit_test(test_responder_alone),
	    cmocka_unit_test(test_frame),
	    cmocka_unit_test(test_sections),
	    cmocka_unit_test(test_absolute_times),
	    cmocka_unit_test(test_derived_times),
	    cmocka_unit_test(test_biflow_next_hops),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
