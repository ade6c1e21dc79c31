/* Datagrams are collected in one buffer and leave in bursts: on UDP with one system call for the burst, runs
 * of equal length as one segmented send (UDP_SEGMENT), which costs the sender a tenth of single datagrams.
 * The generator shares the machine with the collector it measures, so what it does not use is what can be
 * measured. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/flowgen/message.h"
#include "tools/flowgen/sink.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum { BURST = 64, BUFFER = 1 << 20, SEGMENTED_MAX = 65000, MAX_EXPORTERS = 200, SEND_BUFFER = 4 << 20 };

struct sink {
	FILE *file; /* NULL: UDP */
	int fd[MAX_EXPORTERS];
	unsigned exporters, exporter;
	bool failed;
	uint64_t refused;
	uint16_t ip_id;
	unsigned held;
	size_t at[BURST + 1]; /* where each held datagram begins; at[held] is the end */
	uint8_t buffer[BUFFER];
};

static uint32_t
exporter_address(unsigned exporter)
{
	return 0x7f000101u + exporter; /* 127.0.1.1 and on */
}

struct sink *
sink_pcap(const char *path, unsigned exporters)
{
	struct sink *s = calloc(1, sizeof(*s));
	if (!s || exporters > MAX_EXPORTERS || !(s->file = fopen(path, "wb"))) {
		fprintf(stderr, "flowgen: cannot write %s: %s\n", path, strerror(errno));
		free(s);
		return NULL;
	}
	s->exporters = exporters;
	setvbuf(s->file, NULL, _IOFBF, BUFFER);
	const uint32_t header[6] = {0xa1b2c3d4, 2 | 4u << 16, 0, 0, 262144, 1}; /* microseconds, Ethernet */
	fwrite(header, sizeof(header), 1, s->file);
	return s;
}

static struct addrinfo *
resolve(const char *target)
{
	char host[128];
	const char *colon = strrchr(target, ':');
	size_t len = colon ? (size_t)(colon - target) : 0;
	if (len == 0 || len >= sizeof(host))
		return NULL;
	bool bracket = target[0] == '[' && target[len - 1] == ']';
	len -= bracket ? 2 : 0;
	memcpy(host, target + bracket, len);
	host[len] = '\0';
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV},
			*found;
	return getaddrinfo(host, colon + 1, &hints, &found) ? NULL : found;
}

static int
udp_socket(const struct addrinfo *to, unsigned exporter)
{
	int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int size = SEND_BUFFER;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (to->ai_family == AF_INET) {
		struct sockaddr_in from = {.sin_family = AF_INET,
					   .sin_addr.s_addr = htonl(exporter_address(exporter))};
		const struct sockaddr_in *target = (const void *)to->ai_addr;
		if (ntohl(target->sin_addr.s_addr) >> 24 == 127 &&
		    bind(fd, (const void *)&from, sizeof(from)) < 0)
			perror("flowgen: bind");
	}
	if (fd >= 0 && connect(fd, to->ai_addr, to->ai_addrlen) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Opens a socket for each exporter; what was opened is counted in s->exporters. */
static bool
open_sockets(struct sink *s, const struct addrinfo *to, unsigned exporters)
{
	while (s->exporters < exporters) {
		int fd = udp_socket(to, s->exporters);
		if (fd < 0)
			return false;
		s->fd[s->exporters++] = fd;
	}
	return true;
}

struct sink *
sink_udp(const char *target, unsigned exporters)
{
	struct addrinfo *to = resolve(target);
	struct sink *s = to && exporters <= MAX_EXPORTERS ? calloc(1, sizeof(*s)) : NULL;
	if (s && !open_sockets(s, to, exporters)) {
		sink_close(s);
		s = NULL;
	}
	if (to)
		freeaddrinfo(to);
	if (!s)
		fprintf(stderr, "flowgen: cannot send to '%s': expected ADDRESS:PORT\n", target);
	return s;
}

uint8_t *
sink_room(struct sink *s, unsigned exporter)
{
	if (exporter != s->exporter || s->held == BURST || s->at[s->held] + MAX_DATAGRAM > BUFFER)
		sink_flush(s);
	s->exporter = exporter;
	return s->buffer + s->at[s->held];
}

static void
pcap_record(struct sink *s, const uint8_t *data, size_t len, uint64_t time_us)
{
	uint8_t head[42];
	struct put p = put_into(head, sizeof(head));
	put_bytes(&p, "\2\0\0\0\0\2\2\0\0\0\0\1\x08\0", 14);
	put_uint(&p, 0x4500, 2);
	put_uint(&p, 28 + len, 2);
	put_uint(&p, (uint64_t)s->ip_id++ << 16, 4);
	put_uint(&p, 0x4011, 2); /* TTL 64, UDP */
	put_uint(&p, 0, 2);
	put_uint(&p, exporter_address(s->exporter), 4);
	put_uint(&p, 0x7f000001, 4);
	uint32_t sum = 0;
	for (unsigned i = 14; i < 34; i += 2)
		sum += (uint32_t)head[i] << 8 | head[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	put_patch16(head + 24, ~(sum + (sum >> 16)) & 0xffff);
	put_uint(&p, 40000 + s->exporter, 2);
	put_uint(&p, 2100, 2);
	put_uint(&p, 8 + len, 2);
	put_uint(&p, 0, 2);
	uint32_t total = (uint32_t)(sizeof(head) + len);
	const uint32_t record[4] = {(uint32_t)(time_us / 1000000), (uint32_t)(time_us % 1000000), total,
				    total};
	s->failed |= fwrite(record, sizeof(record), 1, s->file) != 1 ||
		     fwrite(head, sizeof(head), 1, s->file) != 1 || fwrite(data, len, 1, s->file) != 1;
}

void
sink_commit(struct sink *s, size_t len, uint64_t time_us)
{
	if (s->file) {
		pcap_record(s, s->buffer, len, time_us);
		return;
	}
	s->at[s->held + 1] = s->at[s->held] + len;
	s->held++;
}

/* How many datagrams from `first` on are of one length (the last may be shorter) and fit one segmented send.
 */
static unsigned
run_length(const struct sink *s, unsigned first)
{
	size_t len = s->at[first + 1] - s->at[first];
	unsigned n = 1;
	while (first + n < s->held && s->at[first + n + 1] - s->at[first] <= SEGMENTED_MAX) {
		size_t next = s->at[first + n + 1] - s->at[first + n];
		if (next > len)
			break;
		n++;
		if (next < len)
			break;
	}
	return n;
}

struct burst {
	struct mmsghdr msg[BURST];
	struct iovec iov[BURST];
	union {
		char bytes[CMSG_SPACE(sizeof(uint16_t))];
		struct cmsghdr align;
	} control[BURST];
	unsigned n;
};

static void
burst_add(struct burst *b, struct sink *s, unsigned first, unsigned count)
{
	struct msghdr *h = &b->msg[b->n].msg_hdr;
	b->iov[b->n] = (struct iovec){s->buffer + s->at[first], s->at[first + count] - s->at[first]};
	*h = (struct msghdr){.msg_iov = &b->iov[b->n], .msg_iovlen = 1};
	if (count > 1) {
		uint16_t len = (uint16_t)(s->at[first + 1] - s->at[first]);
		h->msg_control = b->control[b->n].bytes;
		h->msg_controllen = sizeof(b->control[b->n].bytes);
		struct cmsghdr *c = CMSG_FIRSTHDR(h);
		c->cmsg_level = IPPROTO_UDP;
		c->cmsg_type = UDP_SEGMENT;
		c->cmsg_len = CMSG_LEN(sizeof(len));
		memcpy(CMSG_DATA(c), &len, sizeof(len));
	}
	b->n++;
}

static void
burst_send(struct burst *b, struct sink *s)
{
	for (unsigned sent = 0; sent < b->n;) {
		int n = sendmmsg(s->fd[s->exporter], b->msg + sent, b->n - sent, 0);
		if (n > 0) {
			sent += (unsigned)n;
		} else if (errno == ECONNREFUSED) {
			s->refused++; /* about an earlier datagram: this one is tried again */
		} else if (errno != EINTR && errno != EAGAIN && errno != ENOBUFS) {
			perror("flowgen: send");
			s->failed = true;
			return;
		}
	}
}

void
sink_flush(struct sink *s)
{
	if (s->file || !s->held)
		return;
	struct burst b;
	b.n = 0;
	for (unsigned first = 0; first < s->held;) {
		unsigned count = run_length(s, first);
		burst_add(&b, s, first, count);
		first += count;
	}
	burst_send(&b, s);
	s->held = 0;
}

bool
sink_close(struct sink *s)
{
	if (s->file)
		s->failed |= fclose(s->file) != 0;
	else
		sink_flush(s);
	for (unsigned i = 0; i < s->exporters && !s->file; i++)
		close(s->fd[i]);
	bool ok = !s->failed;
	free(s);
	return ok;
}

uint64_t
sink_refused(const struct sink *s)
{
	return s->refused;
}
