#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "collector/flow/custom.h"

static struct custom_list list; /* rows stay once made, so one list serves all tests */

/* The definition just made; NULL while there is none. */
static const struct custom_definition *
load(const char *line)
{
	char err[300] = "";

	if (!custom_load_line(&list, line, err, sizeof(err)))
		fail_msg("%s: %s", line, err);
	return list.n ? &list.def[list.n - 1] : NULL;
}

/* Comments and blank lines make no row. */
static void
nothing_in_empty_lines(void **state)
{
	(void)state;
	static const char *const lines[] = {"", "   \t", "! name=x", "  # a comment", "\r"};
	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
		load(lines[i]);
	assert_int_equal(list.n, 0);
}

/* The examples of the reference; keys in any order and case, several blanks, a carriage return at the end. */
static void
from_elements(void **state)
{
	(void)state;
	const struct custom_definition *d = load("name=vrf_id_ingress field_type=234 len=4 semantics=u_int");
	assert_int_equal(d->pen, 0);
	assert_int_equal(d->element, 234);
	assert_int_equal(d->occurrence, 0);
	assert_int_equal(d->len, 4);
	assert_int_equal(d->semantics, CUSTOM_UINT);
	assert_int_equal(d->pointers, 0);
	assert_string_equal(primitive_get(d->id)->name, "vrf_id_ingress");
	assert_string_equal(primitive_get(d->id)->json, "vrf_id_ingress");

	d = load("\tsemantics=str   len=vlen FIELD_TYPE=9:12235 name=App-Name\r");
	assert_int_equal(d->pen, 9);
	assert_int_equal(d->element, 12235);
	assert_int_equal(d->len, 0);
	assert_int_equal(d->semantics, CUSTOM_STR);
	assert_string_equal(primitive_get(d->id)->csv, "App-Name");
	assert_true(primitive_get(d->id)->flags & PRIMITIVE_VLEN);
}

/* Every part of layer[:proto][+offset] present and absent, by the grammar in custom.h. */
static void
from_packets(void **state)
{
	(void)state;
	const struct custom_definition *d =
	    load("name=ttl packet_ptr=l3:0x800+8 packet_ptr=l3:0x86dd+7 len=1 semantics=u_int");
	assert_int_equal(d->pointers, 2);
	assert_int_equal(d->pointer[0].layer, CUSTOM_LAYER_L3);
	assert_false(d->pointer[0].any_proto);
	assert_int_equal(d->pointer[0].proto, 0x800);
	assert_int_equal(d->pointer[0].offset, 8);
	assert_int_equal(d->pointer[1].proto, 0x86dd);
	assert_int_equal(d->pointer[1].offset, 7);

	d = load("name=begin packet_ptr=packet packet_ptr=payload:53 packet_ptr=mac+6 len=6 semantics=mac");
	assert_int_equal(d->pointer[0].layer, CUSTOM_LAYER_PACKET);
	assert_true(d->pointer[0].any_proto);
	assert_int_equal(d->pointer[0].offset, 0);
	assert_int_equal(d->pointer[1].layer, CUSTOM_LAYER_PAYLOAD);
	assert_int_equal(d->pointer[1].proto, 53);
	assert_true(d->pointer[2].any_proto);
	assert_int_equal(d->pointer[2].offset, 6);
}

/* Occurrences count per element and enterprise; pointers into packets have none. */
static void
repeated_elements_are_numbered(void **state)
{
	(void)state;
	assert_int_equal(load("name=r1 field_type=70 len=3 semantics=raw")->occurrence, 0);
	assert_int_equal(load("name=r2 field_type=70 len=3 semantics=raw")->occurrence, 1);
	assert_int_equal(load("name=r3 field_type=9:70 len=3 semantics=raw")->occurrence, 0);
	assert_int_equal(load("name=r4 field_type=70 len=3 semantics=hex")->occurrence, 2);
	assert_int_equal(load("name=p1 packet_ptr=l4 len=1 semantics=hex")->occurrence, 0);
	assert_int_equal(load("name=p2 packet_ptr=l4 len=1 semantics=hex")->occurrence, 0);
}

/* One fault a line, and the words by which an operator finds it. A refused line leaves neither a definition
 * nor a row behind. */
static void
errors_name_what_is_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *line, *message;
	} wrong[] = {
	    {"field_type=1 len=4", "name= is missing"},
	    {"name=x field_type=1", "len= is missing"},
	    {"name=x len=4", "field_type= or packet_ptr="},
	    {"name=x field_typ=1 len=4", "did you mean 'field_type'"},
	    {"name=x colour=blue len=4", "unknown key 'colour'"},
	    {"name=x name=y field_type=1 len=4", "name stands twice"},
	    {"name=x field_type=0 len=4", "field_type=0"},
	    {"name=x field_type=70000 len=4", "field_type=70000"},
	    {"name=x field_type=a:1 len=4", "field_type=a:1"},
	    {"name=x field_type=1:2:3 len=4", "field_type=1:2:3"},
	    {"name=x field_type=12345678901234567:1 len=4", "field_type="},
	    {"name=x packet_ptr=l5 len=4", "packet_ptr=l5"},
	    {"name=x packet_ptr=l3:+ len=4", "packet_ptr=l3:+"},
	    {"name=x packet_ptr=l3:0x10000 len=4", "packet_ptr="},
	    {"name=x packet_ptr=l3+1:2 len=4", "packet_ptr=l3+1:2"},
	    {"name=x packet_ptr=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa len=4", "packet_ptr="},
	    {"name=x field_type=1 len=0", "len=0"},
	    {"name=x field_type=1 len=256", "len=256"},
	    {"name=x field_type=1 len=3", "u_int has a len of"},
	    {"name=x field_type=1 len=vlen semantics=hex", "only str and raw"},
	    {"name=x field_type=1 len=4 semantics=int", "semantics=int"},
	    {"name=src_host field_type=1 len=4", "already the name"},
	    {"name=a'b field_type=1 len=4", "letters, digits"},
	    {"name= field_type=1 len=4", "1 to 64 characters"},
	    {"vrf", "expected key=value"},
	};
	unsigned before = list.n, rows = primitive_count();

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		char err[300] = "";
		assert_false(custom_load_line(&list, wrong[i].line, err, sizeof(err)));
		if (!strstr(err, wrong[i].message))
			fail_msg("%s says: %s", wrong[i].line, err);
	}
	char nine[400] = "name=x len=1", err[300] = "";
	for (unsigned i = 0; i < 9; i++)
		snprintf(nine + strlen(nine), sizeof(nine) - strlen(nine), " packet_ptr=l3+%u", i);
	assert_false(custom_load_line(&list, nine, err, sizeof(err)));
	assert_non_null(strstr(err, "more than 8"));
	assert_int_equal(list.n, before);
	assert_int_equal(primitive_count(), rows);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_in_empty_lines),
	    cmocka_unit_test(from_elements),
	    cmocka_unit_test(from_packets),
	    cmocka_unit_test(repeated_elements_are_numbered),
	    cmocka_unit_test(errors_name_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
