/* The packet decoder by link type: the first byte of the input chooses one, the second how much of the frame
 * was captured, the rest is the frame. */
#include <pcap/dlt.h>

#include "collector/decode/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int links[] = {DLT_EN10MB, DLT_RAW,  DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL,
			    DLT_PPP,	DLT_MPLS, DLT_C_HDLC,	 DLT_PPP_ETHER,	 DLT_USER0};

static struct flow_needs needs;

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct flow f;
	struct packet p;
	if (size < 2)
		return 0;
	memset(&f, 0, sizeof(f));
	flow_need(&needs, 0, sizeof(struct flow));
	packet_walk(&p, &f, &needs, links[data[0] % ARRAY_SIZE(links)], data + 2, size - 2,
		    size - 2 + data[1]);
	for (unsigned i = 0; i < PACKET_POINTS; i++)
		if (p.point[i] != PACKET_NOWHERE && p.point[i] > size - 2)
			abort();
	if (f.mpls_labels > FLOW_MPLS_MAX || p.layer >= packet_layer_count())
		abort();
	return 0;
}
