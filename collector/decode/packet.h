/* Packets: from the bytes of a frame to struct flow, for every source that carries packets (information
 * elements 315, 104, 313, 316 and 314, sFlow headers, libpcap, NFLOG).
 *
 * A frame is walked layer by layer. A layer is a row of the table in packet.c: a name, a function that reads
 * its header and says which layer follows, and the place whose offset is to be remembered. The walker has no
 * cases, and what no row knows ends the walk without being an error: the flow holds what was read so far.
 * The walk is bounded by the number of layers and by the level of tunnels. */
#ifndef FLOWRIB_DECODE_PACKET_H
#define FLOWRIB_DECODE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/flow/flow.h"

/* How a walk ended. */
enum packet_result {
	PACKET_OK,	  /* at a transport header, or where nothing more is known */
	PACKET_NO_LINK,	  /* link type unknown: nothing was read */
	PACKET_TRUNCATED, /* bytes ended within a header (a snapshot may be short: not always a fault) */
	PACKET_MALFORMED, /* a header contradicts itself */
	PACKET_TOO_DEEP,  /* more layers than PACKET_LAYERS_MAX */
	PACKET_RESULTS,
};

#define PACKET_LAYERS_MAX 32

/* Places in a frame that custom primitives, fragments and classification start from. */
enum packet_point {
	PACKET_AT_MAC,
	PACKET_AT_VLAN,
	PACKET_AT_MPLS,
	PACKET_AT_L3,
	PACKET_AT_L4,
	PACKET_AT_PAYLOAD,
	PACKET_POINTS,
};
#define PACKET_NOWHERE UINT16_MAX

/* What a walk found beside the flow's members; about the outermost IP header. */
struct packet {
	uint8_t result;		  /* enum packet_result */
	uint8_t layer;		  /* row where the walk ended; its name: packet_layer_name() */
	uint8_t next;		  /* IP protocol of the last header named by another, read or not */
	uint8_t fragment;	  /* enum packet_fragment bits; 0: a whole packet */
	uint16_t fragment_offset; /* bytes */
	uint32_t fragment_id;	  /* IPv4 or IPv6 identification */
	uint32_t ip_bytes; /* length of the IP packet as its header has it; from wirelen where that is 0 */
	uint16_t point[PACKET_POINTS]; /* offsets from the frame's first byte, or PACKET_NOWHERE */
};

enum packet_fragment { PACKET_FRAGMENT_FIRST = 1, PACKET_FRAGMENT_LATER = 2, PACKET_FRAGMENT_MORE = 4 };

/* Walks a frame of libpcap's link type linktype (DLT_*) and fills in f: addresses, protocol, ports, TOS, TCP
 * flags, MACs, VLANs, class of service, EtherType, MPLS labels, flow label, features, and the tunnel_*
 * members from the header inside a tunnel when needs has any of them. Counters and times are the caller's. Of
 * the wirelen bytes of the frame only caplen are at data. A later fragment has no ports. ICMP's type and code
 * stand in dst_port as type * 256 + code, as exporters of NetFlow v5 have it. Members that no header was read
 * for keep what they had.
 *
 * f points into data afterwards where flow.h says so (frame). Returns false when nothing was read, or when
 * the frame ended or contradicted itself before the first IP header was complete; p says why. */
bool packet_walk(struct packet *p, struct flow *f, const struct flow_needs *needs, int linktype,
		 const uint8_t *data, size_t caplen, size_t wirelen);

/* The same for data that begins behind the IP header (IPv6: behind the fixed one, or behind extension
 * headers): proto and f's features say what it is. False when the protocol is not known, or the data end
 * within the transport header; what was read until then counts. */
bool packet_walk_payload(struct packet *p, struct flow *f, const struct flow_needs *needs, uint8_t proto,
			 const uint8_t *data, size_t caplen);

/* packet_walk for callers who do not ask for details. */
bool packet_decode(struct flow *f, const struct flow_needs *needs, int linktype, const uint8_t *data,
		   size_t caplen, size_t wirelen);

/* Names for counters and logs. */
const char *packet_layer_name(unsigned layer);
unsigned packet_layer_count(void);
const char *packet_result_name(unsigned result);

#endif
