/* UDP sockets that receive exports, many datagrams a system call.
 *
 * With several source threads each has a socket of its own on the same port (SO_REUSEPORT), and a classic BPF
 * program picks the socket by the exporter's address alone: templates and sequence numbers are per exporter,
 * so an exporter must always land on the same thread, whatever its source port. */
#ifndef FLOWRIB_INPUT_UDP_H
#define FLOWRIB_INPUT_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/addr.h"
#include "collector/base/counters.h"
#include "collector/decode/decode.h"

struct udp_options {
	struct addr address;   /* none: all addresses, both families */
	uint16_t port;	       /* host byte order */
	const char *interface; /* SO_BINDTODEVICE, or NULL */
	bool ipv6_only;
	size_t receive_buffer; /* bytes asked of the kernel, 0: 8 MiB, or what it gives */
	unsigned threads;      /* sockets that will share the port */
	const char *groups;    /* multicast groups to join, comma list, or NULL */
};

/* Opens and binds one socket. -1 with a message in err that names address, port and remedy. */
int udp_open(const struct udp_options *o, char *err, size_t errlen);

/* After all sockets of a port are open: steers each exporter to one of them. False with a message. */
bool udp_steer(int fd, unsigned threads, char *err, size_t errlen);

/* The receive buffer the kernel really gave, in bytes. */
size_t udp_buffer(int fd);

enum udp_counter {
	UDP_DATAGRAMS,
	UDP_OCTETS,
	UDP_KERNEL_DROPS,
	UDP_TRUNCATED,
	UDP_DENIED,
	UDP_ERRORS,
	UDP_COUNTERS
};
extern const struct counter_desc udp_counter_desc[UDP_COUNTERS];

struct udp_receiver;

/* Who takes what was received; the datagram and its bytes are valid during the call only. */
typedef void datagram_handler(void *ctx, const struct datagram *d);

/* NULL when memory is short. Does not own fd. */
struct udp_receiver *udp_receiver_new(int fd, struct counter_block *counters);
void udp_receiver_free(struct udp_receiver *r);

/* Receives what is waiting, up to one batch, and calls handler for each. Returns how many: fewer than a full
 * batch means that nothing more is waiting now. Never blocks. */
unsigned udp_receive(struct udp_receiver *r, datagram_handler *handler, void *ctx);

/* Asks the kernel how many datagrams it dropped on the socket because its buffer was full. About once a
 * second. */
void udp_note_drops(struct udp_receiver *r);

#define UDP_BATCH 64

#endif
