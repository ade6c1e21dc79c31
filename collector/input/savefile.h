/* Export datagrams out of a capture file (pcap_savefile), as fast as they can be read. */
#ifndef FLOWRIB_INPUT_SAVEFILE_H
#define FLOWRIB_INPUT_SAVEFILE_H

#include "collector/input/udp.h"

enum savefile_counter {
	SAVEFILE_PACKETS,
	SAVEFILE_DATAGRAMS,
	SAVEFILE_NOT_UDP,
	SAVEFILE_FRAGMENTS,
	SAVEFILE_CUT,
	SAVEFILE_COUNTERS
};
extern const struct counter_desc savefile_counter_desc[SAVEFILE_COUNTERS];

struct savefile;

/* Opens path (a pcap or pcapng file). filter is a pcap expression or NULL. NULL with a message in err. */
struct savefile *savefile_open(const char *path, const char *filter, struct counter_block *counters,
			       char *err, size_t errlen);
void savefile_close(struct savefile *s);

/* Hands up to max UDP payloads to handler, arrival time being the capture's unless use_clock. Returns packets
 * read, 0 at the end, -1 on an unreadable file with a message in err. */
int savefile_read(struct savefile *s, unsigned max, bool use_clock, datagram_handler *handler, void *ctx,
		  char *err, size_t errlen);

/* Share of the file read so far, 0 to 1. */
double savefile_progress(const struct savefile *s);

#endif
