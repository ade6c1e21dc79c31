/* See savefile.h. Only as much of a packet is looked at as is needed to find a UDP payload: link header, VLAN
 * tags, IP and UDP. libpcap opens every file and knows its link layer; the packets of an ordinary one are
 * then read without it (plainpcap.c), which is faster. Fragments are counted and left out: an exporter that
 * fragments loses its later fragments here. */
#include "collector/input/savefile.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <sys/stat.h>

#include "collector/base/clock.h"
#include "collector/base/wire.h"
#include "collector/input/plainpcap.h"

#define READ_BYTES (256u << 10)

const struct counter_desc savefile_counter_desc[SAVEFILE_COUNTERS] = {
    [SAVEFILE_PACKETS] = {"savefile_packets", NULL, "Packets read from the capture file", COUNTER_SUM},
    [SAVEFILE_DATAGRAMS] = {"savefile_datagrams", NULL, "UDP payloads found in the capture file",
			    COUNTER_SUM},
    [SAVEFILE_NOT_UDP] = {"savefile_skipped_packets", "reason=\"not_udp\"",
			  "Packets of the capture file that were left out", COUNTER_SUM},
    [SAVEFILE_FRAGMENTS] = {"savefile_skipped_packets", "reason=\"fragment\"", NULL, COUNTER_SUM},
    [SAVEFILE_CUT] = {"savefile_skipped_packets", "reason=\"cut_by_snaplen\"", NULL, COUNTER_SUM},
};

struct savefile {
	pcap_t *pcap;
	struct plainpcap *plain; /* NULL: libpcap reads */
	struct bpf_program filter;
	bool filtered;
	int link;
	off_t size;
	struct counter_block *counters;
	char buf[READ_BYTES]; /* the FILE's */
};

/* Opened through a FILE of our own, for its larger buffer; libpcap owns and closes it from then on. pcapng
 * is read too. */
struct savefile *
savefile_open(const char *path, const char *filter, struct counter_block *counters, char *err, size_t errlen)
{
	char why[PCAP_ERRBUF_SIZE];
	struct savefile *s = calloc(1, sizeof(*s));
	struct stat st;
	if (!s) {
		snprintf(err, errlen, "no memory for reading '%s'", path);
		return NULL;
	}
	s->counters = counters;
	FILE *file = fopen(path, "rb");
	snprintf(why, sizeof(why), "%s", strerror(errno));
	if (file) {
		/* the default reads 4 KiB a system call, and the C library takes a size only with a buffer */
		setvbuf(file, s->buf, _IOFBF, sizeof(s->buf));
		s->pcap = pcap_fopen_offline(file, why);
	}
	if (!s->pcap) {
		snprintf(err, errlen, "cannot read the capture file '%s': %s", path, why);
		if (file)
			fclose(file);
		free(s);
		return NULL;
	}
	s->link = pcap_datalink(s->pcap);
	s->size = fstat(fileno(pcap_file(s->pcap)), &st) == 0 ? st.st_size : 0;
	s->plain = plainpcap_over(fileno(pcap_file(s->pcap)));
	s->filtered = filter && pcap_compile(s->pcap, &s->filter, filter, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (filter && !s->filtered) {
		snprintf(err, errlen, "pcap_filter '%s': %s", filter, pcap_geterr(s->pcap));
		savefile_close(s);
		return NULL;
	}
	return s;
}

/* Closes the FILE as well. */
void
savefile_close(struct savefile *s)
{
	if (!s)
		return;
	if (s->filtered)
		pcap_freecode(&s->filter);
	plainpcap_free(s->plain);
	pcap_close(s->pcap);
	free(s);
}

/* By bytes, as nobody knows the number of packets before the end. */
double
savefile_progress(const struct savefile *s)
{
	double at = s->plain ? (double)plainpcap_offset(s->plain) : (double)ftell(pcap_file(s->pcap));
	return s->size > 0 && at > 0 ? at / (double)s->size : 0;
}

/* The EtherType behind the link header; 0 when there is none to be found. An unknown link type gives 0, and
 * its packets are counted as no UDP: nothing is guessed. */
static uint16_t
link_type(struct wire *w, int link)
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
	case DLT_LINUX_SLL2:
		type = wire_u16(w);
		wire_skip(w, 18);
		break;
	case DLT_NULL:
	case DLT_LOOP:
		wire_skip(w, 4);
		/* fall through */
	case DLT_RAW:
		if (wire_left(w) > 0)
			type = *w->pos >> 4 == 6 ? 0x86dd : 0x0800;
		break;
	default:
		break;
	}
	/* any number of tags: a capture from a trunk has two */
	while (type == 0x8100 || type == 0x88a8) {
		wire_skip(w, 2);
		type = wire_u16(w);
	}
	return type;
}

/* Consumes the IP header; the protocol behind it, or -1 with the reason's counter in *why. Reading is
 * bounded by the cursor, whose error shows when the payload is looked for. */
static int
ip_header(struct wire *w, uint16_t type, struct addr *from, enum savefile_counter *why)
{
	*why = SAVEFILE_NOT_UDP;
	if (type == 0x0800) {
		const uint8_t *h = wire_bytes(w, 20);
		if (!h || h[0] >> 4 != 4 || (h[0] & 15) < 5)
			return -1;
		/* options, when there are any */
		wire_skip(w, (size_t)(h[0] & 15) * 4 - 20);
		*from = addr_from_v4(h + 12);
		if (load_be16(h + 6) & 0x3fff) {
			*why = SAVEFILE_FRAGMENTS;
			return -1;
		}
		return h[9];
	}
	const uint8_t *h = type == 0x86dd ? wire_bytes(w, 40) : NULL;
	if (!h)
		return -1;
	*from = addr_from_v6(h + 8);
	uint8_t next = h[6];
	for (unsigned i = 0; i < 8 && (next == 0 || next == 43 || next == 60);
	     i++) { /* RFC 8200, 4: options, routing */
		const uint8_t *e = wire_bytes(w, 8);
		if (!e)
			return -1;
		wire_skip(w, (size_t)e[1] * 8);
		next = e[0];
	}
	if (next == 44)
		*why = SAVEFILE_FRAGMENTS;
	return next;
}

/* False when the packet holds no whole UDP payload; why tells the counter. Takes the cursor by value: the
 * caller's stays at the start of the packet. */
static bool
find_payload(struct wire w, int link, struct datagram *d, enum savefile_counter *why)
{
	uint16_t type = link_type(&w, link);
	if (ip_header(&w, type, &d->from, why) != 17)
		return false;
	d->port = wire_u16(&w);
	wire_skip(&w, 2);
	uint16_t len = wire_u16(&w);
	wire_skip(&w, 2);
	*why = SAVEFILE_CUT;
	if (len < 8)
		return false;
	/* by the UDP header and not by what was captured: Ethernet pads short frames */
	d->len = len - 8u;
	d->data = wire_bytes(&w, d->len);
	return d->data != NULL;
}

/* 1, 0 at the end, -1 with why in err; the filter is not asked. */
static int
any_packet(struct savefile *s, struct pcap_pkthdr *h, const uint8_t **bytes, char *err, size_t errlen)
{
	struct pcap_pkthdr *theirs;
	if (s->plain)
		return plainpcap_next(s->plain, h, bytes, err, errlen);
	int rc = pcap_next_ex(s->pcap, &theirs, bytes);
	if (rc == 1)
		*h = *theirs;
	else if (rc != PCAP_ERROR_BREAK) /* which means the end of a file */
		snprintf(err, errlen, "%s", pcap_geterr(s->pcap));
	return rc == PCAP_ERROR_BREAK ? 0 : rc == 1 ? 1 : -1;
}

static int
next_packet(struct savefile *s, struct pcap_pkthdr *h, const uint8_t **bytes, char *err, size_t errlen)
{
	char why[PCAP_ERRBUF_SIZE];
	int rc;
	do
		rc = any_packet(s, h, bytes, why, sizeof(why));
	while (rc == 1 && s->filtered && !pcap_offline_filter(&s->filter, h, *bytes));
	if (rc < 0)
		snprintf(err, errlen, "capture file unreadable after %zu packets: %s",
			 (size_t)counter_read(s->counters, SAVEFILE_PACKETS), why);
	return rc;
}

/* Bytes point into the reader's buffer and are good until the next packet, which is why the handler must be
 * done with them when it returns. */
int
savefile_read(struct savefile *s, unsigned max, bool use_clock, datagram_handler *handler, void *ctx,
	      char *err, size_t errlen)
{
	uint64_t now = use_clock ? clock_now_us() : 0;
	for (unsigned n = 0; n < max; n++) {
		struct pcap_pkthdr h;
		const uint8_t *bytes;
		int rc = next_packet(s, &h, &bytes, err, errlen);
		if (rc <= 0)
			return rc == 0 ? (int)n : -1;
		counter_add(s->counters, SAVEFILE_PACKETS, 1);
		struct datagram d = {.session = 0}; /* captures hold UDP only */
		enum savefile_counter why;
		if (!find_payload(wire_over(bytes, h.caplen), s->link, &d, &why)) {
			counter_add(s->counters, why, 1);
			continue;
		}
		/* the time of the capture is the time of arrival, so that bins are those of the day it was
		 * made */
		d.arrival_us = use_clock ? now : (uint64_t)h.ts.tv_sec * US_PER_S + (uint64_t)h.ts.tv_usec;
		counter_add(s->counters, SAVEFILE_DATAGRAMS, 1);
		handler(ctx, &d);
	}
	return (int)max;
}
