/* The flows a run is made of, and the order in which they appear. */
#ifndef FLOWRIB_TOOLS_FLOWGEN_POPULATION_H
#define FLOWRIB_TOOLS_FLOWGEN_POPULATION_H

#include <stdbool.h>
#include <stdint.h>

/* What one flow record says. Addresses are in network byte order, IPv4 in the first four bytes; the rest is
 * in host order. Everything is a function of the seed and the flow's number. */
struct gen_flow {
	uint32_t index;
	bool v6;
	uint8_t src[16], dst[16], next_hop[16];
	uint16_t sport, dport;
	uint8_t proto, tos, tcp_flags, src_mask, dst_mask;
	uint32_t in_if, out_if, src_as, dst_as;
	uint32_t vrf;	  /* 1..4 */
	uint32_t sampler; /* 1..2 */
	uint32_t app;	  /* 1..8 */
	uint16_t vlan;
	uint64_t packets, bytes;
	uint64_t rev_packets, rev_bytes; /* the other direction of a biflow */
	uint32_t start_ms, end_ms;	 /* how long before the run's base time the flow began and ended */
};

enum { REVERSE_PACKET = 52 }; /* bytes of every packet of the other direction */

/* Packets of the other direction of a flow with so many packets in its own. */
static inline uint64_t
flow_reverse_packets(uint64_t packets)
{
	return 1 + packets / 2;
}

/* Fills *f for flow `index`. No two indexes of one seed have the same five-tuple (up to 128 M flows).
 * v6_percent of the flows, chosen by their number, are IPv6. */
void flow_make(struct gen_flow *f, uint64_t seed, uint32_t index, unsigned v6_percent);

/* A number that looks random, from a state that the caller seeds. */
uint64_t random_next(uint64_t *state);

/* The order of appearance: `count` flow numbers below `flows`. Every flow appears at least once when count >=
 * flows; the remaining places follow a Zipf law with exponent 1 (skewed) or are uniform. The caller frees the
 * array; NULL when there is no memory. */
uint32_t *sequence_make(uint64_t seed, uint32_t count, uint32_t flows, bool skewed);

#endif
