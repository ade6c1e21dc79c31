/* Lists from files, and what a plugin's keys do to a flow. The folding of ports was compared with nfacctd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include "collector/flow/transform.h"

static char path[] = "transform_test.list";

static struct list *
load(const char *text, enum list_kind kind, char *err, size_t errlen)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	struct list *l = list_load(path, kind, err, errlen);
	unlink(path);
	return l;
}

/* Every value of the type, listed or not; protocols by name and number (6 tcp, 17 udp, 58 ipv6-icmp). */
static void
lists(void **state)
{
	(void)state;
	char err[200];
	struct list *l = load("! well known\n80\n65535\n0\n", LIST_PORTS, err, sizeof(err));
	assert_non_null(l);
	for (unsigned v = 0; v <= UINT16_MAX; v++)
		assert_int_equal(list_has(l, (uint16_t)v), v == 0 || v == 80 || v == 65535);
	list_free(l);
	l = load("tcp\n17\nipv6-icmp\n", LIST_PROTOS, err, sizeof(err));
	assert_non_null(l);
	for (unsigned v = 0; v <= UINT8_MAX; v++)
		assert_int_equal(list_has(l, (uint16_t)v), v == 6 || v == 17 || v == 58);
	list_free(l);
}

/* Out of range, no number, two words, a sign: refused with file, line and what was expected. */
static void
faults(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum list_kind kind;
		const char *says;
	} bad[] = {
	    {"80\n65536\n", LIST_PORTS, "transform_test.list:2: '65536' is not a port"},
	    {"http\n", LIST_PORTS, "'http' is not a port"},
	    {"80 81\n", LIST_PORTS, "'80 81' is not a port"},
	    {"-1\n", LIST_PORTS, "'-1' is not a port"},
	    {"99999999999999999999\n", LIST_PORTS, "is not a port"},
	    {"256\n", LIST_PROTOS, "'256' is not a protocol"},
	    {"tpc\n", LIST_PROTOS, "'tpc' is not a protocol"},
	    {"256\n", LIST_TOS, "'256' is not a type of service"},
	};
	char err[200];
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_null(load(bad[i].text, bad[i].kind, err, sizeof(err)));
		if (!strstr(err, bad[i].says))
			fail_msg("'%s' lacks '%s'", err, bad[i].says);
	}
	assert_null(list_load("no-such-file", LIST_PORTS, err, sizeof(err)));
}

/* in becomes want, and after restoring the whole flow is as before. */
static void
check(const struct transform_keys *keys, const struct transform_saved *in, const struct transform_saved *want)
{
	struct flow f;
	struct transform *t;
	struct transform_saved saved;
	memset(&f, 0, sizeof(f));
	transform_restore(&f, in);
	struct flow before = f;
	assert_true(transform_new(&t, keys));
	assert_non_null(t);
	transform_apply(t, &f, &saved);
	assert_int_equal(f.src_port, want->src_port);
	assert_int_equal(f.dst_port, want->dst_port);
	assert_int_equal(f.proto, want->proto);
	assert_int_equal(f.tos, want->tos);
	transform_restore(&f, &saved);
	assert_memory_equal(&f, &before, sizeof(f));
	transform_free(t);
}

/* Each key alone, then DSCP with its list (184 >> 2 = 46, 40 >> 2 = 10), then all lists together. */
static void
transforms(void **state)
{
	(void)state;
	char err[200];
	struct list *ports = load("80\n", LIST_PORTS, err, sizeof(err));
	struct list *protos = load("tcp\n17\n", LIST_PROTOS, err, sizeof(err));
	struct list *tos = load("184\n46\n", LIST_TOS, err, sizeof(err));
	struct transform_saved web = {1000, 80, 6, 184}, gre = {0, 0, 47, 40};
	check(&(struct transform_keys){.ports = ports}, &web, &(struct transform_saved){0, 80, 6, 184});
	check(&(struct transform_keys){.protos = protos}, &web, &web);
	check(&(struct transform_keys){.protos = protos}, &gre, &(struct transform_saved){0, 0, 255, 40});
	check(&(struct transform_keys){.tos = tos}, &web, &web);
	check(&(struct transform_keys){.tos = tos}, &gre, &(struct transform_saved){0, 0, 47, 255});
	check(&(struct transform_keys){.tos_as_dscp = true}, &web,
	      &(struct transform_saved){1000, 80, 6, 46});
	check(&(struct transform_keys){.tos_as_dscp = true, .tos = tos}, &web,
	      &(struct transform_saved){1000, 80, 6, 46});
	check(&(struct transform_keys){.tos_as_dscp = true, .tos = tos}, &gre,
	      &(struct transform_saved){0, 0, 47, 255});
	check(&(struct transform_keys){ports, protos, tos, false}, &gre,
	      &(struct transform_saved){0, 0, 255, 255});
	list_free(ports);
	list_free(protos);
	list_free(tos);
}

static void
nothing_to_do(void **state)
{
	(void)state;
	struct transform *t = (struct transform *)state;
	assert_true(transform_new(&t, &(struct transform_keys){.ports = NULL}));
	assert_null(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lists),
	    cmocka_unit_test(faults),
	    cmocka_unit_test(transforms),
	    cmocka_unit_test(nothing_to_do),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
