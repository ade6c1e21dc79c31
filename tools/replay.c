/* replay: sends the UDP payloads of a capture to a collector, as their exporters did.
 *
 * The exporter's source port is kept, and so is the order; the time between datagrams only when asked for.
 * The source address can be kept apart per exporter on loopback: the n-th address seen in the capture becomes
 * 127.0.1.n, or all become the address given with --from. That is enough for templates and sequence numbers,
 * which belong to an exporter. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <pcap/pcap.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "collector/base/wire.h"

enum {
	EXPORTERS_MAX = 64,
	ETHERTYPE_IP4 = 0x0800,
	ETHERTYPE_IP6 = 0x86dd,
	ETHERTYPE_VLAN = 0x8100,
	UDP = 17
};

struct payload {
	struct wire bytes;
	uint8_t from[16]; /* IPv4 in the first four bytes */
	uint16_t port;
};

/* A socket for each source address and port of the capture. */
struct exporter {
	uint8_t from[16];
	uint16_t port;
	unsigned nth; /* address of the capture, counted from 0 */
	int fd;
};

struct replay {
	const struct addrinfo *to;
	const char *from;
	double speed; /* 0: as fast as possible, 1: as captured */
	double rate;  /* datagrams a second, 0: not limited */
	unsigned only_port;
	struct exporter exporter[EXPORTERS_MAX];
	unsigned exporters;
	unsigned long sent, skipped, failed;
};

/* Strips the link layer; returns the EtherType, 0 when it is none of ours. */
static uint16_t
link_layer(struct wire *w, int link)
{
	uint16_t type = 0;
	switch (link) {
	case DLT_EN10MB:
		wire_skip(w, 12);
		type = wire_u16(w);
		break;
	case DLT_LINUX_SLL:
		wire_skip(w, 14);
		type = wire_u16(w);
		break;
	case DLT_NULL:
		wire_skip(w, 4);
		/* fall through */
	case DLT_RAW:
		type = wire_left(w) && *w->pos >> 4 == 6 ? ETHERTYPE_IP6 : ETHERTYPE_IP4;
		break;
	}
	while (type == ETHERTYPE_VLAN) {
		wire_skip(w, 2);
		type = wire_u16(w);
	}
	return type;
}

/* Fragments are skipped: exporters avoid them, and the sender would have to put them together. */
static bool
ip_layer(struct wire *w, uint16_t type, struct payload *out)
{
	const uint8_t *start = w->pos;
	size_t header = type == ETHERTYPE_IP6 ? 40 : 20;
	if (!wire_need(w, header))
		return false;
	if (type == ETHERTYPE_IP6) {
		wire_skip(w, 40);
		memcpy(out->from, start + 8, 16);
		return start[6] == UDP;
	}
	wire_skip(w, (size_t)(start[0] & 15) * 4);
	memcpy(out->from, start + 12, 4);
	return start[9] == UDP && !(load_be16(start + 6) & 0x3fff);
}

static bool
payload_find(struct payload *out, const uint8_t *packet, size_t len, int link, unsigned only_port)
{
	struct wire w = wire_over(packet, len);
	uint16_t type = link_layer(&w, link);
	memset(out, 0, sizeof(*out));
	if ((type != ETHERTYPE_IP4 && type != ETHERTYPE_IP6) || !ip_layer(&w, type, out))
		return false;
	out->port = wire_u16(&w);
	uint16_t to_port = wire_u16(&w), udp_len = wire_u16(&w);
	wire_skip(&w, 2);
	if (w.failed || udp_len < 8 || (only_port && to_port != only_port))
		return false;
	out->bytes = wire_sub(&w, udp_len - 8u);
	return !out->bytes.failed;
}

/* Binds to the wanted source as far as the machine allows: a port that is taken is left to the kernel. */
static int
exporter_socket(const struct replay *r, unsigned nth, uint16_t port)
{
	int fd = socket(r->to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	const struct sockaddr_in *to = (const void *)r->to->ai_addr;
	bool loopback = r->to->ai_family == AF_INET && ntohl(to->sin_addr.s_addr) >> 24 == 127;
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(port)};
	if (r->from && inet_pton(AF_INET, r->from, &from.sin_addr) != 1)
		fprintf(stderr, "replay: --from '%s' is not an IPv4 address\n", r->from);
	else if (!r->from && loopback)
		from.sin_addr.s_addr = htonl(0x7f000101u + nth);
	if (r->to->ai_family == AF_INET && bind(fd, (void *)&from, sizeof(from)) < 0) {
		from.sin_port = 0;
		if (bind(fd, (void *)&from, sizeof(from)) < 0)
			fprintf(stderr, "replay: cannot send from %s: %s\n", r->from ? r->from : "127.0.1.x",
				strerror(errno));
	}
	if (fd >= 0 && connect(fd, r->to->ai_addr, r->to->ai_addrlen) == 0)
		return fd;
	close(fd);
	return -1;
}

static struct exporter *
exporter_get(struct replay *r, const struct payload *p)
{
	unsigned addresses = 0, nth = UINT32_MAX;
	for (unsigned i = 0; i < r->exporters; i++) {
		struct exporter *e = &r->exporter[i];
		bool same = !memcmp(e->from, p->from, sizeof(e->from));
		if (same && e->port == p->port)
			return e;
		if (same)
			nth = e->nth;
		addresses += e->nth == addresses;
	}
	if (r->exporters == EXPORTERS_MAX)
		return NULL;
	struct exporter *e = &r->exporter[r->exporters++];
	memcpy(e->from, p->from, sizeof(e->from));
	e->port = p->port;
	e->nth = nth == UINT32_MAX ? addresses : nth;
	e->fd = exporter_socket(r, e->nth, p->port);
	return e;
}

static void
send_payload(struct replay *r, const struct payload *p)
{
	struct exporter *e = exporter_get(r, p);
	size_t len = wire_left(&p->bytes);
	/* A refusal is about an earlier datagram; the second attempt is about this one. */
	if (e && e->fd >= 0 &&
	    (send(e->fd, p->bytes.pos, len, 0) >= 0 || send(e->fd, p->bytes.pos, len, 0) >= 0))
		r->sent++;
	else
		r->failed++;
}

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
sleep_until(double due)
{
	double left = due - now();
	if (left <= 0)
		return;
	struct timespec t = {.tv_sec = (time_t)left, .tv_nsec = (long)((left - (double)(time_t)left) * 1e9)};
	nanosleep(&t, NULL);
}

static void
replay_all(struct replay *r, pcap_t *pcap)
{
	struct pcap_pkthdr *header;
	const uint8_t *packet;
	double started = now(), first = -1;
	while (pcap_next_ex(pcap, &header, &packet) == 1) {
		struct payload p;
		double at = (double)header->ts.tv_sec + (double)header->ts.tv_usec / 1e6;
		if (!payload_find(&p, packet, header->caplen, pcap_datalink(pcap), r->only_port)) {
			r->skipped++;
			continue;
		}
		if (first < 0)
			first = at;
		if (r->speed > 0)
			sleep_until(started + (at - first) / r->speed);
		if (r->rate > 0)
			sleep_until(started + (double)r->sent / r->rate);
		send_payload(r, &p);
	}
}

static const char usage_text[] =
    "usage: replay --to ADDRESS:PORT [options] FILE.pcap\n"
    "  --from ADDRESS   source address of all datagrams (default on loopback: 127.0.1.n for the n-th "
    "exporter)\n"
    "  --rate N         at most N datagrams a second\n"
    "  --speed X        times of the capture, X times as fast (default: as fast as possible)\n"
    "  --port N         only datagrams that were sent to this port\n"
    "  --loops N        send the capture N times\n";

static struct addrinfo *
resolve(char *target)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV},
			*found;
	char *colon = target ? strrchr(target, ':') : NULL;
	if (!colon)
		return NULL;
	*colon = '\0';
	size_t len = strlen(target);
	if (len > 1 && target[0] == '[' && target[len - 1] == ']') {
		target[len - 1] = '\0';
		target++;
	}
	return getaddrinfo(target, colon + 1, &hints, &found) ? NULL : found;
}

static bool
options_read(struct replay *r, int argc, char **argv, unsigned *loops)
{
	static const struct option options[] = {
	    {"to", 1, NULL, 't'},   {"from", 1, NULL, 'f'},  {"rate", 1, NULL, 'r'}, {"speed", 1, NULL, 's'},
	    {"port", 1, NULL, 'p'}, {"loops", 1, NULL, 'l'}, {NULL, 0, NULL, 0}};
	int code;
	while ((code = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (code) {
		case 't':
			r->to = resolve(optarg);
			break;
		case 'f':
			r->from = optarg;
			break;
		case 'r':
			r->rate = strtod(optarg, NULL);
			break;
		case 's':
			r->speed = strtod(optarg, NULL);
			break;
		case 'p':
			r->only_port = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'l':
			*loops = (unsigned)strtoul(optarg, NULL, 10);
			break;
		default:
			return false;
		}
	}
	return r->to && optind == argc - 1;
}

int
main(int argc, char **argv)
{
	static struct replay r;
	unsigned loops = 1;
	char err[PCAP_ERRBUF_SIZE];
	if (!options_read(&r, argc, argv, &loops)) {
		fputs(usage_text, stderr);
		return 2;
	}
	while (loops--) {
		pcap_t *pcap = pcap_open_offline(argv[optind], err);
		if (!pcap) {
			fprintf(stderr, "replay: %s\n", err);
			return 1;
		}
		replay_all(&r, pcap);
		pcap_close(pcap);
	}
	for (unsigned i = 0; i < r.exporters; i++)
		close(r.exporter[i].fd);
	freeaddrinfo((struct addrinfo *)r.to);
	printf("{\"sent\": %lu, \"skipped\": %lu, \"failed\": %lu, \"exporters\": %u}\n", r.sent, r.skipped,
	       r.failed, r.exporters);
	return r.failed ? 1 : 0;
}
