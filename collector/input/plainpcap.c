/* See plainpcap.h. libpcap copies every packet out of the C library's buffer with two calls; here a packet is
 * handed out where the kernel put it, which is an eighth of what a record costs from a file.
 *
 * Rejected: mmap, which saves the kernel's copy too. A file that is cut while it is read would end the daemon
 * by a signal, and a capture may well be a file that something else still works on.
 *
 * The format is draft-ietf-opsawg-pcap: a header of 24 bytes, then packets, each behind 16 bytes of seconds,
 * microseconds or nanoseconds, bytes captured, bytes on the wire. All integers are in the order of the
 * machine that wrote it; the magic number tells. */
#include "collector/input/plainpcap.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/base/wire.h"

#define MAGIC_MICROSECONDS 0xa1b2c3d4u
#define MAGIC_NANOSECONDS  0xa1b23c4du
#define FILE_HEADER	   24
#define PACKET_HEADER	   16
#define PACKET_MAX	   (256u << 10) /* what libpcap takes at most */
#define BUFFER		   (512u << 10) /* more than a packet with its header and a piece */
#define PIECE		   (128u << 10) /* a read: measured, 32 KiB and 512 KiB are slower */

/* What was read and not yet handed out is at begin to end. */
struct plainpcap {
	int fd;
	uint32_t fractions; /* of a second's fraction in a microsecond */
	uint64_t at;	    /* where in the file the buffer ends */
	size_t begin, end;
	uint8_t buf[BUFFER];
};

/* pread, so that nobody's position moves; and what has no positions is not for us. */
struct plainpcap *
plainpcap_over(int fd)
{
	uint8_t head[FILE_HEADER];
	uint32_t magic;
	uint16_t version[2];
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || pread(fd, head, sizeof(head), 0) != sizeof(head))
		return NULL;
	memcpy(&magic, head, sizeof(magic));
	memcpy(version, head + 4, sizeof(version));
	bool ordinary = magic == MAGIC_MICROSECONDS || magic == MAGIC_NANOSECONDS;
	if (!ordinary || version[0] != 2 || version[1] != 4)
		return NULL;
	struct plainpcap *p = malloc(sizeof(*p));
	if (!p)
		return NULL;
	p->fd = fd;
	p->fractions = magic == MAGIC_NANOSECONDS ? 1000 : 1;
	p->at = FILE_HEADER;
	p->begin = p->end = 0;
	return p;
}

void
plainpcap_free(struct plainpcap *p)
{
	free(p);
}

/* Makes n bytes, at most the buffer's, stand at begin. False at the end of the file, or on an error, which
 * errno then tells. */
static bool
fill(struct plainpcap *p, size_t n)
{
	memmove(p->buf, p->buf + p->begin, p->end - p->begin);
	p->end -= p->begin;
	p->begin = 0;
	errno = 0;
	while (p->end < n) {
		size_t room = BUFFER - p->end, piece = room < PIECE ? room : PIECE;
		ssize_t got = pread(p->fd, p->buf + p->end, piece, (off_t)p->at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p->end += (size_t)got;
		p->at += (uint64_t)got;
	}
	return true;
}

static bool
have(struct plainpcap *p, size_t n)
{
	return likely(p->end - p->begin >= n) || fill(p, n);
}

/* At the end only nothing may be left. */
static int
ended(const struct plainpcap *p, char *err, size_t errlen)
{
	if (errno == 0 && p->begin == p->end)
		return 0;
	snprintf(err, errlen, "%s", errno ? strerror(errno) : "the file ends within a packet");
	return -1;
}

/* A length beyond what any capture holds means that we are not where a packet begins. */
int
plainpcap_next(struct plainpcap *p, struct pcap_pkthdr *h, const uint8_t **bytes, char *err, size_t errlen)
{
	uint32_t field[4];
	if (!have(p, PACKET_HEADER))
		return ended(p, err, errlen);
	memcpy(field, p->buf + p->begin, sizeof(field));
	if (field[2] > PACKET_MAX) {
		snprintf(err, errlen, "a packet of %u bytes cannot be: the file is damaged", field[2]);
		return -1;
	}
	if (!have(p, PACKET_HEADER + field[2]))
		return ended(p, err, errlen);
	*h = (struct pcap_pkthdr){.ts = {.tv_sec = field[0], .tv_usec = field[1] / p->fractions},
				  .caplen = field[2],
				  .len = field[3]};
	struct wire w = wire_over(p->buf + p->begin, p->end - p->begin);
	wire_skip(&w, PACKET_HEADER);
	*bytes = wire_bytes(&w, h->caplen);
	p->begin += PACKET_HEADER + h->caplen;
	return 1;
}

uint64_t
plainpcap_offset(const struct plainpcap *p)
{
	return p->at - (p->end - p->begin);
}
