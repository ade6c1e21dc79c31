/* See udp.h. Receive buffers stand a bit more than 64 KiB apart, so that the headers of a batch do not all
 * fall into the same cache sets. Time is read once a batch: what waits in one batch arrived together as far
 * as anyone can tell. */
#include "collector/input/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/base/clock.h"

#define DATAGRAM_MAX  65536
#define DATAGRAM_STEP (DATAGRAM_MAX + 3 * 64)
/* The system's default holds some ninety export datagrams, which a router sends in a burst. */
#define BUFFER_DEFAULT (8u << 20)

const struct counter_desc udp_counter_desc[UDP_COUNTERS] = {
    [UDP_DATAGRAMS] = {"udp_datagrams", NULL, "Datagrams received", COUNTER_SUM},
    [UDP_OCTETS] = {"udp_octets", NULL, "Octets of datagrams received", COUNTER_SUM},
    [UDP_KERNEL_DROPS] = {"udp_dropped_datagrams", "reason=\"receive_buffer_full\"",
			  "Datagrams dropped before decoding", COUNTER_SUM},
    [UDP_TRUNCATED] = {"udp_dropped_datagrams", "reason=\"truncated\"", NULL, COUNTER_SUM},
    [UDP_DENIED] = {"udp_dropped_datagrams", "reason=\"not_in_allow_file\"", NULL, COUNTER_SUM},
    [UDP_ERRORS] = {"udp_receive_errors", NULL, "Failed receive calls", COUNTER_SUM},
};

struct udp_receiver {
	int fd;
	struct counter_block *counters;
	uint8_t *memory;
	struct mmsghdr message[UDP_BATCH];
	struct iovec vector[UDP_BATCH];
	struct sockaddr_storage from[UDP_BATCH];
};

/* All options set here are plain numbers. */
static bool
set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

/* IPv4 groups can be joined on an IPv6 socket that takes both families. */
static bool
join_group(int fd, const struct addr *group, unsigned interface)
{
	if (addr_is_v4(group)) {
		struct ip_mreqn m = {.imr_ifindex = (int)interface};
		memcpy(&m.imr_multiaddr, &group->b[12], 4);
		return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)) == 0;
	}
	struct ipv6_mreq m = {.ipv6mr_interface = interface};
	memcpy(&m.ipv6mr_multiaddr, group->b, 16);
	return setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &m, sizeof(m)) == 0;
}

/* On the interface listened to, when one is named; else where the routing table leads. */
static bool
join_groups(int fd, const char *groups, const char *interface, char *err, size_t errlen)
{
	unsigned index = interface ? if_nametoindex(interface) : 0;
	for (const char *p = groups; *p;) {
		char one[ADDR_TEXT_MAX];
		size_t n = strcspn(p, ", ");
		struct addr group;
		snprintf(one, sizeof(one), "%.*s", (int)n, p);
		if (n && (!addr_parse(&group, one) || !join_group(fd, &group, index))) {
			snprintf(err, errlen, "cannot join multicast group '%s': %s", one, strerror(errno));
			return false;
		}
		p += n;
		p += strspn(p, ", ");
	}
	return true;
}

/* What can be refused without harm is not an error: the caller compares udp_buffer() with what was asked.
 * SO_RCVBUFFORCE needs CAP_NET_ADMIN, which a daemon started as root still has here. */
static void
tune(int fd, const struct udp_options *o)
{
	size_t want = o->receive_buffer ? o->receive_buffer : BUFFER_DEFAULT;
	int bytes = want > INT32_MAX ? INT32_MAX : (int)want;
	/* beyond net.core.rmem_max for root only; for others as much as that allows */
	if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes))
		(void)set_option(fd, SOL_SOCKET, SO_RCVBUF, bytes);
	if (o->groups) /* several listeners of a group are usual; of a port they would steal from each other
			*/
		(void)set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
}

/* Without an address one IPv6 socket takes both families: then an exporter has one address and one thread,
 * however it is reached. Everything that must be set before bind is set before it: steering and options of
 * the group depend on it. */
int
udp_open(const struct udp_options *o, char *err, size_t errlen)
{
	struct sockaddr_storage ss;
	struct addr any = addr_v6_any();
	const struct addr *address = addr_is_none(&o->address) ? &any : &o->address;
	socklen_t len = addr_to_sockaddr(address, o->port, &ss);
	char text[ADDR_TEXT_MAX];
	addr_format(text, address);

	int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 && ss.ss_family == AF_INET6 && errno == EAFNOSUPPORT) { /* a kernel without IPv6 */
		struct addr v4 = addr_from_v4("\0\0\0\0");
		len = addr_to_sockaddr(&v4, o->port, &ss);
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	}
	if (fd < 0) {
		snprintf(err, errlen, "cannot open a UDP socket: %s", strerror(errno));
		return -1;
	}
	tune(fd, o);
	if (ss.ss_family == AF_INET6)
		/* set in both cases: the system-wide default differs between machines */
		(void)set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, o->ipv6_only);
	/* alone on the port otherwise: with it a second daemon would silently take half of the exporters */
	if (o->threads > 1) {
		(void)set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
		/* else each socket would get what one of them joined, and all would be counted several times
		 */
		(void)set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
		(void)set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
	}
	if (o->interface && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->interface,
				       (socklen_t)strlen(o->interface) + 1) < 0) {
		snprintf(err, errlen,
			 "cannot bind to interface '%s': %s (does it exist? CAP_NET_RAW is needed)",
			 o->interface, strerror(errno));
		close(fd);
		return -1;
	}
	if (bind(fd, (struct sockaddr *)&ss, len) < 0) {
		snprintf(err, errlen, "cannot bind UDP %s port %u: %s%s", text, o->port, strerror(errno),
			 errno == EADDRINUSE ? " (another collector is running? see `ss -ulpn`)" : "");
		close(fd);
		return -1;
	}
	if (o->groups && !join_groups(fd, o->groups, o->interface, err, errlen)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Classic BPF over the packet, network header at SKF_NET_OFF: fold the source address to 32 bits, scramble,
 * take the remainder. Both families: an exporter speaks one of them. The kernel's own hash includes ports,
 * and some exporters change theirs with every datagram. */
bool
udp_steer(int fd, unsigned threads, char *err, size_t errlen)
{
	const uint32_t net = (uint32_t)SKF_NET_OFF;
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, net),
	    BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 6, 2, 0),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, net + 12),
	    BPF_JUMP(BPF_JMP | BPF_JA, 10, 0, 0),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, net + 8),
	    BPF_STMT(BPF_MISC | BPF_TAX, 0),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, net + 12),
	    BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
	    BPF_STMT(BPF_MISC | BPF_TAX, 0),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, net + 16),
	    BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
	    BPF_STMT(BPF_MISC | BPF_TAX, 0),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, net + 20),
	    BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
	    BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 2654435761u),
	    BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16),
	    BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, threads),
	    BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};
	if (threads < 2)
		return true;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) == 0)
		return true;
	snprintf(err, errlen, "cannot steer exporters to %u threads: %s", threads, strerror(errno));
	return false;
}

/* In the unit in which it is asked for. */
size_t
udp_buffer(int fd)
{
	int bytes = 0;
	socklen_t len = sizeof(bytes);
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &len) < 0)
		return 0;
	return (size_t)bytes / 2; /* the kernel counts its own book-keeping in and doubles */
}

/* Buffers are made for the longest datagram there can be, because one that was cut cannot be decoded. Pages
 * that are never touched cost no memory. */
struct udp_receiver *
udp_receiver_new(int fd, struct counter_block *counters)
{
	struct udp_receiver *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->memory = malloc((size_t)UDP_BATCH * DATAGRAM_STEP);
	if (!r->memory) {
		free(r);
		return NULL;
	}
	r->fd = fd;
	r->counters = counters;
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		r->vector[i] = (struct iovec){r->memory + (size_t)i * DATAGRAM_STEP, DATAGRAM_MAX};
		r->message[i].msg_hdr = (struct msghdr){
		    .msg_name = &r->from[i],
		    .msg_iov = &r->vector[i],
		    .msg_iovlen = 1,
		};
	}
	return r;
}

/* The socket stays open: it is the owner's. */
void
udp_receiver_free(struct udp_receiver *r)
{
	if (r)
		free(r->memory);
	free(r);
}

/* The kernel's counter runs since the socket was made, hence set and not add. */
void
udp_note_drops(struct udp_receiver *r)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);
	if (getsockopt(r->fd, SOL_SOCKET, SO_MEMINFO, info, &len) == 0 &&
	    len > SK_MEMINFO_DROPS * sizeof(info[0]))
		counter_set(r->counters, UDP_KERNEL_DROPS, info[SK_MEMINFO_DROPS]);
}

/* Counters are written once a batch. The kernel shortens name lengths, so they are put right before each
 * call. */
unsigned
udp_receive(struct udp_receiver *r, datagram_handler *handler, void *ctx)
{
	for (unsigned i = 0; i < UDP_BATCH; i++)
		r->message[i].msg_hdr.msg_namelen = sizeof(r->from[i]);
	int n = recvmmsg(r->fd, r->message, UDP_BATCH, MSG_DONTWAIT, NULL);
	if (n <= 0) {
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			counter_add(r->counters, UDP_ERRORS, 1);
		return 0;
	}
	uint64_t octets = 0, now = clock_now_us();
	for (int i = 0; i < n; i++) {
		struct msghdr *h = &r->message[i].msg_hdr;
		struct datagram d = {
		    .data = r->vector[i].iov_base, .len = r->message[i].msg_len, .arrival_us = now};
		octets += d.len;
		/* cannot happen with buffers of this size; counted in case it does */
		if (h->msg_flags & MSG_TRUNC)
			counter_add(r->counters, UDP_TRUNCATED, 1);
		else if (addr_from_sockaddr(&d.from, &d.port, h->msg_name))
			handler(ctx, &d);
	}
	counter_add(r->counters, UDP_DATAGRAMS, (uint64_t)n);
	counter_add(r->counters, UDP_OCTETS, octets);
	return (unsigned)n;
}
