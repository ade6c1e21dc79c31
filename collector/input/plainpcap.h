/* Packets of a plain pcap file in this machine's byte order, read in large pieces. */
#ifndef FLOWRIB_INPUT_PLAINPCAP_H
#define FLOWRIB_INPUT_PLAINPCAP_H

#include <pcap/pcap.h>
#include <stddef.h>
#include <stdint.h>

struct plainpcap;

/* fd stays the caller's, and so does its position. NULL when it holds anything but an ordinary pcap file of
 * version 2.4, which is for libpcap to judge then, or when memory is short. */
struct plainpcap *plainpcap_over(int fd);
void plainpcap_free(struct plainpcap *p);

/* The next packet: 1, with bytes good until the next call; 0 at the end; -1 with a message in err when the
 * file ends within a packet or is damaged. */
int plainpcap_next(struct plainpcap *p, struct pcap_pkthdr *h, const uint8_t **bytes, char *err,
		   size_t errlen);

/* Bytes of the file that are behind us. */
uint64_t plainpcap_offset(const struct plainpcap *p);

#endif
