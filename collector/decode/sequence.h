/* Sequence numbers: what an exporter sent and we never saw.
 *
 * Every version counts in its own unit: v5 and v7 flows, v9 datagrams of a source id, IPFIX data records of a
 * domain and transport session (RFC 7011, 3.1). The caller knows the unit; here is only the arithmetic,
 * modulo 2^32.
 *
 * A step ahead is a loss. A step back within a window is a datagram that was overtaken: what had been counted
 * as lost is then late. Several steps back that continue each other, or one beyond the window, are a restart
 * of the exporter, as is a jump too far ahead to be a loss. */
#ifndef FLOWRIB_DECODE_SEQUENCE_H
#define FLOWRIB_DECODE_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

struct sequence {
	bool known;
	uint8_t back_run;   /* datagrams in a row that came from behind and continue each other */
	uint32_t back_next; /* what follows the last of them */
	uint32_t next;
	uint64_t lost, late, restarts;
	uint64_t ahead, behind; /* datagrams that came with another number than expected, by direction */
};

struct sequence_result {
	uint32_t lost, late;
	bool restart;
};

/* A datagram numbered seq that holds units; window is how far back still is "overtaken". */
struct sequence_result sequence_check(struct sequence *s, uint32_t seq, uint32_t units, uint32_t window);

/* The units of the last datagram could not be counted: the next one sets the expectation anew. */
void sequence_forget(struct sequence *s);

#endif
