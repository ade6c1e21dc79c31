/* Measures the packet decoder: nanoseconds a frame by kind of frame, over frames that lie apart in memory.
 * packet_bench [MILLIONS] */
#include <pcap/dlt.h>
#include <time.h>

#include "collector/decode/packet.h"

#define FRAMES 4096
#define FRAME  256

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static const char mac_ip4[] = "\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0";
static const char mac_vlan_ip4[] = "\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x81\0\0\x64\x08\0";
static const char mac_mpls[] = "\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x88\x47\0\x06\x41\x40";
static const char mac_ip6[] = "\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x86\xdd";
static const char ip4_tcp[] = "\x45\0\0\x28\0\x01\0\0\x40\x06\0\0\x0a\0\0\x01\x0a\0\0\x02"
			      "\x03\xe9\0\x50\0\0\0\x01\0\0\0\x01\x50\x12\0\x64\0\0\0\0";
static const char ip4_udp[] = "\x45\0\0\x28\0\x01\0\0\x40\x11\0\0\x0a\0\0\x01\x0a\0\0\x02"
			      "\x03\xe9\0\x35\0\x14\0\0............";
static const char ip6_tcp[] = "\x60\0\0\0\0\x14\x06\x40\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
			      "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
			      "\x03\xe9\0\x50\0\0\0\x01\0\0\0\x01\x50\x12\0\x64\0\0\0\0";
static const char ip4_gre[] = "\x45\0\0\x40\0\x01\0\0\x40\x2f\0\0\x0a\0\0\x01\x0a\0\0\x02\0\0\x08\0";

struct piece {
	const char *p;
	size_t n;
};
#define PIECE(a)                                                                                             \
	{                                                                                                    \
		a, sizeof(a) - 1                                                                             \
	}

static const struct {
	const char *name;
	struct piece piece[3];
} kinds[] = {
    {"Ethernet, IPv4, TCP", {PIECE(mac_ip4), PIECE(ip4_tcp)}},
    {"Ethernet, IPv4, UDP", {PIECE(mac_ip4), PIECE(ip4_udp)}},
    {"Ethernet, VLAN, IPv4, TCP", {PIECE(mac_vlan_ip4), PIECE(ip4_tcp)}},
    {"Ethernet, MPLS, IPv4, TCP", {PIECE(mac_mpls), PIECE(ip4_tcp)}},
    {"Ethernet, IPv6, TCP", {PIECE(mac_ip6), PIECE(ip6_tcp)}},
    {"Ethernet, IPv4, GRE, IPv4, TCP", {PIECE(mac_ip4), PIECE(ip4_gre), PIECE(ip4_tcp)}},
};

static size_t
frame_make(uint8_t *frame, const struct piece *piece, unsigned pieces)
{
	size_t n = 0;
	for (unsigned i = 0; i < pieces; i++) {
		memcpy(frame + n, piece[i].p, piece[i].n);
		n += piece[i].n;
	}
	return n;
}

static void
measure(size_t kind, uint8_t *frames, unsigned long count, const struct flow_needs *needs)
{
	size_t n = 0;
	uint64_t sum = 0;
	struct flow f;
	memset(&f, 0, sizeof(f));
	for (unsigned i = 0; i < FRAMES; i++)
		n = frame_make(frames + (size_t)i * FRAME, kinds[kind].piece, 3);
	double t = now();
	for (unsigned long i = 0; i < count; i++) {
		memset(&f, 0, FLOW_HOT_BYTES);
		packet_decode(&f, needs, DLT_EN10MB, frames + i % FRAMES * FRAME, n, n);
		sum += f.dst_port;
	}
	t = now() - t;
	printf("%6.1f ns  %s (%lu)\n", t / (double)count * 1e9, kinds[kind].name,
	       (unsigned long)(sum / count));
}

int
main(int argc, char **argv)
{
	unsigned long millions = argc > 1 ? strtoul(argv[1], NULL, 10) : 5;
	static struct flow_needs hot, all;
	uint8_t *frames = calloc(FRAMES, FRAME);
	if (!frames || millions == 0 || millions > 1000)
		return 1;
	flow_need(&hot, 0, FLOW_HOT_BYTES);
	flow_need(&all, 0, sizeof(struct flow));
	puts("the usual keys wanted:");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		measure(i, frames, millions * 1000000, &hot);
	puts("everything wanted:");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		measure(i, frames, millions * 1000000, &all);
	free(frames);
	return 0;
}
