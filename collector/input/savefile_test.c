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

/* --- whole files, byte by byte --- */

#define PACKETS	   600
#define MANY_BYTES (PACKETS * 1600)

static uint32_t
in_order(uint32_t x, bool swapped)
{
	return swapped ? __builtin_bswap32(x) : x;
}

static size_t
put_header(uint8_t *p, const uint32_t *field, unsigned n, bool swapped)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t x = in_order(field[i], swapped);
		memcpy(p + 4 * i, &x, 4);
	}
	return (size_t)4 * n;
}

/* A file of raw IPv4, written in this machine's byte order or the other. Packet i brings i % 1500 bytes, the
 * first of them i % 251, at i microseconds past the second. */
static size_t
make_file(uint8_t *file, uint32_t magic, uint32_t microsecond, bool swapped)
{
	uint16_t version[2] = {2, 4};
	size_t n = put_header(file, (uint32_t[]){magic, 0, 0, 0, 65535, 101}, 6, swapped);
	for (unsigned i = 0; i < 2; i++) {
		uint16_t v = swapped ? __builtin_bswap16(version[i]) : version[i];
		memcpy(file + 4 + (size_t)2 * i, &v, 2);
	}
	for (uint32_t i = 0; i < PACKETS; i++) {
		uint32_t payload = i % 1500, all = 28 + payload;
		n += put_header(file + n, (uint32_t[]){1700000000, i * microsecond, all, all}, 4, swapped);
		memcpy(file + n, ipv4_udp, 28);
		file[n + 2] = (uint8_t)(all >> 8), file[n + 3] = (uint8_t)all;
		file[n + 24] = (uint8_t)((8 + payload) >> 8), file[n + 25] = (uint8_t)(8 + payload);
		memset(file + n + 28, (int)(i % 251), payload);
		n += all;
	}
	return n;
}

struct row {
	unsigned n;
	bool right;
};

static void
check_row(void *ctx, const struct datagram *d)
{
	struct row *row = ctx;
	uint32_t i = row->n++;
	row->right &= d->len == i % 1500 && d->arrival_us == 1700000000000000ULL + i;
	row->right &= d->len == 0 || (d->data[0] == i % 251 && d->data[d->len - 1] == i % 251);
}

/* What savefile_read says at last; row holds what was seen until then. */
static int
read_bytes(const uint8_t *file, size_t n, const char *filter, struct row *row, char *err, size_t errlen)
{
	char path[] = "savefile_test_XXXXXX";
	int fd = mkstemp(path), rc;
	assert_true(fd >= 0 && write(fd, file, n) == (ssize_t)n && close(fd) == 0);
	assert_true(counters_init());
	struct counter_block *c = counters_add(savefile_counter_desc, SAVEFILE_COUNTERS, NULL);
	struct savefile *s = savefile_open(path, filter, c, err, errlen);
	unlink(path);
	assert_non_null(s);
	*row = (struct row){.right = true};
	while ((rc = savefile_read(s, 7, false, check_row, row, err, errlen)) > 0)
		assert_in_range(savefile_progress(s) * 1e6, 1, 1e6);
	savefile_close(s);
	return rc;
}

static uint8_t many[MANY_BYTES];

static void
reads_files_of_every_writer_alike(void **state)
{
	(void)state;
	static const struct {
		uint32_t magic, microsecond;
		bool swapped;
	} writer[] = {{0xa1b2c3d4, 1, false}, {0xa1b23c4d, 1000, false}, {0xa1b2c3d4, 1, true}};
	char err[256];
	struct row row;
	for (unsigned i = 0; i < ARRAY_SIZE(writer); i++) {
		size_t n = make_file(many, writer[i].magic, writer[i].microsecond, writer[i].swapped);
		assert_int_equal(read_bytes(many, n, NULL, &row, err, sizeof(err)), 0);
		assert_int_equal(row.n, PACKETS);
		assert_true(row.right);
		assert_int_equal(read_bytes(many, n, "udp port 3333", &row, err, sizeof(err)), 0);
		assert_int_equal(row.n, PACKETS);
		assert_int_equal(read_bytes(many, n, "tcp", &row, err, sizeof(err)), 0);
		assert_int_equal(row.n, 0);
	}
}

/* Cut behind each byte of the last packet and its header: whatever came whole counts, then the end is told.
 */
static void
tells_of_a_file_cut_short(void **state)
{
	(void)state;
	char err[256];
	struct row row;
	size_t n = make_file(many, 0xa1b2c3d4, 1, false), last = 16 + 28 + (PACKETS - 1) % 1500;
	for (size_t cut = 1; cut < last; cut++) {
		assert_int_equal(read_bytes(many, n - cut, NULL, &row, err, sizeof(err)), -1);
		assert_non_null(strstr(err, "after 599 packets: the file ends within a packet"));
		assert_int_equal(row.n, PACKETS - 1);
		assert_true(row.right);
	}
	assert_int_equal(read_bytes(many, n - last, NULL, &row, err, sizeof(err)), 0);
	assert_int_equal(row.n, PACKETS - 1);
	assert_int_equal(read_bytes(many, 24, NULL, &row, err, sizeof(err)), 0);
	assert_int_equal(row.n, 0);
}

/* A length no capture has, and one of a packet larger than what is read at once. */
static void
takes_no_length_on_trust(void **state)
{
	(void)state;
	char err[256];
	struct row row;
	size_t n = make_file(many, 0xa1b2c3d4, 1, false);
	put_header(many + 24 + 8, (uint32_t[]){0xffffffff}, 1, false);
	assert_int_equal(read_bytes(many, n, NULL, &row, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "damaged"));
	assert_int_equal(row.n, 0);

	static uint8_t large[24 + 16 + 262144 + 16 + 28];
	memcpy(large, many, 24);
	put_header(large + 24, (uint32_t[]){1700000000, 0, 262144, 262144}, 4, false);
	put_header(large + 24 + 16 + 262144, (uint32_t[]){1700000000, 0, 28, 28}, 4, false);
	memcpy(large + sizeof(large) - 28, ipv4_udp, 28);
	large[sizeof(large) - 3] = 8; /* a UDP length of 8: no payload */
	assert_int_equal(read_bytes(large, sizeof(large), NULL, &row, err, sizeof(err)), 0);
	assert_int_equal(row.n, 1);
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
	    cmocka_unit_test(reads_files_of_every_writer_alike),
	    cmocka_unit_test(tells_of_a_file_cut_short),
	    cmocka_unit_test(takes_no_length_on_trust),
	    cmocka_unit_test(says_what_is_wrong_with_a_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
