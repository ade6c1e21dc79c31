/* Where datagrams go: a capture file, or a collector's UDP port. */
#ifndef FLOWRIB_TOOLS_FLOWGEN_SINK_H
#define FLOWRIB_TOOLS_FLOWGEN_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sink;

/* A capture file (Ethernet, IPv4, UDP). Datagrams of exporter i seem to come from 127.0.1.(1+i). NULL with a
 * message. */
struct sink *sink_pcap(const char *path, unsigned exporters);

/* Sends to "ADDRESS:PORT" or "[V6]:PORT"; exporter i sends from the loopback address 127.0.1.(1+i) when the
 * target is IPv4 loopback, else from whatever the kernel picks. NULL with a message. */
struct sink *sink_udp(const char *target, unsigned exporters);

/* Room for the next datagram of an exporter, of at least MAX_DATAGRAM bytes. */
uint8_t *sink_room(struct sink *s, unsigned exporter);

/* The datagram written into that room is len bytes long, and was sent at time_us (for capture files). */
void sink_commit(struct sink *s, size_t len, uint64_t time_us);

/* Everything committed so far is sent or written. */
void sink_flush(struct sink *s);

/* Flushes and closes; false when something could not be written. */
bool sink_close(struct sink *s);

/* Datagrams that the kernel refused because nobody listens. */
uint64_t sink_refused(const struct sink *s);

#endif
