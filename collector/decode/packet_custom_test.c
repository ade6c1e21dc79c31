/* Custom primitives out of packets, on frames written by hand from RFC 791, 8200 and 768. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pcap/dlt.h>

#include "collector/decode/packet_custom.h"

static struct custom_list list;
static struct flow_needs needs;

static const uint8_t v4[] = {
    2,	  0,	0,   0,	  0,	1,    2,    0,	  0,  0,  0, 2, 8,   0, /* Ethernet */
    0x45, 0,	0,   33,  0x12, 0x34, 0,    0,	  61, 17, 0, 0, 192, 0,
    2,	  1,	192, 0,	  2,	2,		  /* IPv4, id 0x1234, TTL 61 */
    0x9c, 0x40, 0,   53,  0,	13,   0xab, 0xcd, /* UDP 40000 -> 53, checksum 0xabcd */
    'h',  'e',	'l', 'l', 'o'};

static const uint8_t v6[] = {2,	   0, 0,    0,	  0,	1,    2,  0,  0, 0, 0, 2, 0x86, 0xdd, /* Ethernet */
			     0x60, 0, 0,    0,	  0,	8,    17, 33, /* hop limit 33 */
			     0x20, 1, 0x0d, 0xb8, 0,	0,    0,  0,  0, 0, 0, 0, 0,	0,
			     0,	   1, 0x20, 1,	  0x0d, 0xb8, 0,  0,  0, 0, 0, 0, 0,	0,
			     0,	   0, 0,    2,	  0x9c, 0x40, 0,  80, 0, 8, 0, 0};

static int
define(void **state)
{
	static const char *const lines[] = {
	    "name=ttl packet_ptr=l3:0x800+8 packet_ptr=l3:0x86dd+7 len=1 semantics=u_int",
	    "name=ipid packet_ptr=l3:0x800+4 len=2 semantics=u_int",
	    "name=udp_sum packet_ptr=l4:17+6 len=2 semantics=hex",
	    "name=greeting packet_ptr=payload:53 len=5 semantics=str",
	    "name=type packet_ptr=mac+12 len=2 semantics=u_int",
	    "name=beyond packet_ptr=packet+200 len=4 semantics=u_int",
	};
	char err[256];
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (!custom_load_line(&list, lines[i], err, sizeof(err)))
			fail_msg("%s: %s", lines[i], err);
	packet_custom_needs(&list, &needs);
	return 0;
}

static void
fill(struct flow *f, const uint8_t *frame, size_t len)
{
	struct packet p;
	memset(f, 0, sizeof(*f));
	assert_true(packet_walk(&p, f, &needs, DLT_EN10MB, frame, len, len));
	packet_custom_fill(&list, &p, f, frame, len);
}

/* The integer that a definition left in the flow. */
static uint64_t
value(const struct flow *f, unsigned i)
{
	uint64_t v = 0;
	memcpy(&v, (const uint8_t *)f + primitive_get(list.def[i].id)->offset, list.def[i].len);
	return v;
}

static void
takes_the_first_pointer_that_fits(void **state)
{
	struct flow f;
	(void)state;
	fill(&f, v4, sizeof(v4));
	assert_int_equal(value(&f, 0), 61);
	assert_int_equal(value(&f, 1), 0x1234);
	assert_memory_equal((uint8_t *)&f + primitive_get(list.def[2].id)->offset, "\xab\xcd", 2);
	assert_memory_equal((uint8_t *)&f + primitive_get(list.def[3].id)->offset, "hello", 5);
	assert_int_equal(value(&f, 4), 0x0800);
	fill(&f, v6, sizeof(v6));
	assert_int_equal(value(&f, 0), 33);
	assert_int_equal(value(&f, 4), 0x86dd);
}

static void
leaves_empty_what_is_not_there(void **state)
{
	struct flow f;
	(void)state;
	fill(&f, v6, sizeof(v6));
	assert_int_equal(value(&f, 1), 0); /* IPv4 only */
	assert_int_equal(value(&f, 3), 0); /* another port */
	assert_int_equal(value(&f, 5), 0); /* behind the frame's end */
	fill(&f, v4, sizeof(v4) - 1);	   /* one byte of the greeting is cut off */
	assert_int_equal(value(&f, 3), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_the_first_pointer_that_fits),
	    cmocka_unit_test(leaves_empty_what_is_not_there),
	};
	return cmocka_run_group_tests(tests, define, NULL);
}
