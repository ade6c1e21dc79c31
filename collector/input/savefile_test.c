/* Capture files: payloads are found behind every link layer we read, and what is left out is counted by
 * reason. The packets are written by hand, byte by byte, from RFC 791, 768 and 8200. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pcap/pcap.h>
#include <unistd.h>

#include "collector/input/savefile.h"

struct seen {
	unsigned n;
	struct datagram last;
	uint8_t payload[64];
};

static void
remember(void *ctx, const struct datagram *d)
{
	struct seen *s = ctx;
	s->n++;
	s->last = *d;
	assert_true(d->len <= sizeof(s->payload));
	memcpy(s->payload, d->data, d->len);
}

static const uint8_t ipv4_udp[] = {0x45, 0,    0,    32,   0, 1,  0x40, 0, 64, 17,
				   0,	 0,    192,  0,	   2, 1,  192,	0, 2,  2, /* IPv4 */
				   0x0d, 0x05, 0x08, 0x34, 0, 12, 0,	0, /* UDP 3333 -> 2100, 4 bytes */
				   'f',	 'l',  'o',  'w'};

static size_t
ethernet(uint8_t *out, const uint8_t *tags, size_t n, uint16_t type, const uint8_t *ip, size_t len)
{
	memset(out, 2, 12);
	if (n)
		memcpy(out + 12, tags, n);
	out[12 + n] = (uint8_t)(type >> 8);
	out[13 + n] = (uint8_t)type;
	memcpy(out + 14 + n, ip, len);
	return 14 + n + len;
}

/* One packet through a file of the given link type; returns the counters after reading. */
static struct counter_block *
through_file(int link, const uint8_t *packet, size_t len, size_t caplen, struct seen *seen)
{
	char path[] = "savefile_test_XXXXXX", err[256];
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	pcap_t *dead = pcap_open_dead(link, 65535);
	pcap_dumper_t *out = pcap_dump_fopen(dead, fdopen(fd, "w"));
	struct pcap_pkthdr h = {
	    .ts = {1700000000, 250}, .caplen = (bpf_u_int32)caplen, .len = (bpf_u_int32)len};
	pcap_dump((u_char *)out, &h, packet);
	pcap_dump_close(out);
	pcap_close(dead);

	assert_true(counters_init());
	struct counter_block *c = counters_add(savefile_counter_desc, SAVEFILE_COUNTERS, NULL);
	struct savefile *s = savefile_open(path, NULL, c, err, sizeof(err));
	assert_non_null(s);
	*seen = (struct seen){0};
	assert_int_equal(savefile_read(s, 10, false, remember, seen, err, sizeof(err)), 1);
	assert_int_equal(savefile_read(s, 10, false, remember, seen, err, sizeof(err)), 0);
	savefile_close(s);
	unlink(path);
	return c;
}

static void
expect_flow(const struct seen *s, const char *from)
{
	char text[ADDR_TEXT_MAX];
	assert_int_equal(s->n, 1);
	assert_int_equal(s->last.len, 4);
	assert_memory_equal(s->payload, "flow", 4);
	assert_int_equal(s->last.port, 3333);
	assert_int_equal(s->last.arrival_us, 1700000000000250ULL);
	addr_format(text, &s->last.from);
	assert_string_equal(text, from);
}

static void
finds_ipv4_behind_every_link_layer(void **state)
{
	(void)state;
	static const uint8_t vlan[] = {0x81, 0, 0, 5}, qinq[] = {0x88, 0xa8, 0, 9, 0x81, 0, 0, 5};
	uint8_t p[128];
	struct seen s;
	through_file(DLT_EN10MB, p, ethernet(p, NULL, 0, 0x0800, ipv4_udp, sizeof(ipv4_udp)), 46, &s);
	expect_flow(&s, "192.0.2.1");
	through_file(DLT_EN10MB, p, ethernet(p, vlan, 4, 0x0800, ipv4_udp, sizeof(ipv4_udp)), 50, &s);
	expect_flow(&s, "192.0.2.1");
	through_file(DLT_EN10MB, p, ethernet(p, qinq, 8, 0x0800, ipv4_udp, sizeof(ipv4_udp)), 54, &s);
	expect_flow(&s, "192.0.2.1");
	through_file(DLT_RAW, ipv4_udp, sizeof(ipv4_udp), sizeof(ipv4_udp), &s);
	expect_flow(&s, "192.0.2.1");
	memset(p, 0, 16);
	p[14] = 8; /* SLL: protocol in the last two of 16 bytes */
	memcpy(p + 16, ipv4_udp, sizeof(ipv4_udp));
	through_file(DLT_LINUX_SLL, p, 16 + sizeof(ipv4_udp), 16 + sizeof(ipv4_udp), &s);
	expect_flow(&s, "192.0.2.1");
	memset(p, 0, 20);
	p[0] = 8; /* SLL2: protocol in the first two of 20 bytes */
	memcpy(p + 20, ipv4_udp, sizeof(ipv4_udp));
	through_file(DLT_LINUX_SLL2, p, 20 + sizeof(ipv4_udp), 20 + sizeof(ipv4_udp), &s);
	expect_flow(&s, "192.0.2.1");
}

static void
finds_ipv6_behind_extension_headers(void **state)
{
	(void)state;
	uint8_t ip[40 + 8 + 12] = {0x60, 0, 0, 0, 0, 20, 60, 64};
	ip[8] = 0x20, ip[9] = 0x01, ip[10] = 0x0d, ip[11] = 0xb8, ip[23] = 1;
	ip[40] = 17; /* destination options of 8 bytes, then UDP */
	memcpy(ip + 48, ipv4_udp + 20, 12);
	struct seen s;
	through_file(DLT_RAW, ip, sizeof(ip), sizeof(ip), &s);
	expect_flow(&s, "2001:db8::1");
}

static void
counts_what_it_leaves_out(void **state)
{
	(void)state;
	uint8_t ip[sizeof(ipv4_udp)];
	struct seen s;
	memcpy(ip, ipv4_udp, sizeof(ip));
	ip[6] = 0x20; /* more fragments */
	struct counter_block *c = through_file(DLT_RAW, ip, sizeof(ip), sizeof(ip), &s);
	assert_int_equal(counter_read(c, SAVEFILE_FRAGMENTS), 1);
	memcpy(ip, ipv4_udp, sizeof(ip));
	ip[9] = 6;
	c = through_file(DLT_RAW, ip, sizeof(ip), sizeof(ip), &s);
	assert_int_equal(counter_read(c, SAVEFILE_NOT_UDP), 1);
	c = through_file(DLT_RAW, ipv4_udp, sizeof(ipv4_udp), 30, &s);
	assert_int_equal(counter_read(c, SAVEFILE_CUT), 1);
	assert_int_equal(s.n, 0);
	assert_int_equal(counter_read(c, SAVEFILE_DATAGRAMS), 0);
}

static void
says_what_is_wrong_with_a_file(void **state)
{
	(void)state;
	char err[256];
	assert_null(savefile_open("no such file", NULL, NULL, err, sizeof(err)));
	assert_non_null(strstr(err, "no such file"));
	assert_null(savefile_open(".", NULL, NULL, err, sizeof(err)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_ipv4_behind_every_link_layer),
	    cmocka_unit_test(finds_ipv6_behind_extension_headers),
	    cmocka_unit_test(counts_what_it_leaves_out),
	    cmocka_unit_test(says_what_is_wrong_with_a_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
