#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "collector/flow/layout.h"

static void
compile(struct layout *l, const char *text, const struct layout_options *o)
{
	struct aggregate a;
	char err[200] = "";

	if (!aggregate_parse(&a, text, err, sizeof(err)) || !layout_compile(l, &a, o, err, sizeof(err)))
		fail_msg("%s: %s", text, err);
}

/* The 5-tuple: 16 + 16 + 2 + 2 + 1 bytes and the kind are neighbours in struct flow: one piece of 38 bytes,
 * three copies of 16, a key of 40 with 2 bytes of padding, two counters. */
static void
five_tuple(void **state)
{
	(void)state;
	struct layout l;
	struct flow f;
	uint8_t out[256];

	compile(&l, "src_host, dst_host, SRC_PORT,dst_port , proto", &(struct layout_options){0});
	assert_int_equal(l.copies[0], 3);
	assert_int_equal(l.key_size, 40);
	assert_int_equal(l.max_record, 56);

	memset(&f, 0xee, sizeof(f));
	f.src_host = addr_from_v4("\xc0\x00\x02\x01");
	f.src_port = 0x1234;
	f.proto = 6;
	f.kind = FLOW_KIND_FLOW;
	f.packets = 5;
	f.bytes = 700;
	memset(out, 0xaa, sizeof(out));
	assert_int_equal(layout_pack(&l, &f, out), 56);
	assert_memory_equal(out, &f, 38);
	assert_memory_equal(out + 38, "\0\0", 2);
	assert_memory_equal(out + 40, &f.packets, 16);
	assert_int_equal(out[56], 0xaa);
	assert_true(layout_records_valid(&l, out, 56, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(five_tuple),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
