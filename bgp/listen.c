/* One socket serves both families where it can: IPv6 takes IPv4 peers under mapped addresses, and the options
 * of either family can be set on it. Options are set on the listener, so that they hold for the first segment
 * of a session already: GTSM (RFC 5082) and MD5 must drop a stranger's SYN. */
#include "bgp/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/base/log.h"

#define BACKLOG 1024 /* all routers come at once after a restart */

static bool
set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

/* Some of these are for the other family than the socket's; a dual-stack socket takes both. */
static bool
set_common(int fd, int family, const struct bgp_config *c)
{
	bool good = true;
	if (c->precedence) {
		int tos = (int)(c->precedence << 5);
		good &= set_int(fd, IPPROTO_IP, IP_TOS, tos) || family == AF_INET6;
		if (family == AF_INET6)
			good &= set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, tos);
	}
	if (c->hops) {
		int least = 256 - (int)c->hops;
		good &= set_int(fd, IPPROTO_IP, IP_TTL, 255) && set_int(fd, IPPROTO_IP, IP_MINTTL, least);
		if (family == AF_INET6)
			good &= set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255) &&
				set_int(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, least);
	}
	return good;
}

/* Returns a word for what failed, errno set; NULL when all is well. */
static const char *
set_up(struct bgp_listener *l, const struct bgp_config *c, const struct sockaddr_storage *ss, socklen_t len)
{
	(void)set_int(l->fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (l->family == AF_INET6 && !set_int(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, c->ipv6_only))
		return "bgp_daemon_ipv6_only";
	/* before listen(): the window scale is fixed in the first segments */
	if (c->receive_buffer && !set_int(l->fd, SOL_SOCKET, SO_RCVBUF, (int)c->receive_buffer))
		return "bgp_daemon_pipe_size";
	if (c->interface && setsockopt(l->fd, SOL_SOCKET, SO_BINDTODEVICE, c->interface,
				       (socklen_t)strlen(c->interface) + 1) < 0)
		return "bgp_daemon_interface";
	if (!set_common(l->fd, l->family, c))
		return c->hops ? "bgp_daemon_ttl_security" : "bgp_daemon_ipprec";
	if (bind(l->fd, (const struct sockaddr *)ss, len) < 0)
		return "bgp_daemon_ip and bgp_daemon_port";
	return NULL;
}

static const char *
remedy(int error)
{
	return error == EACCES		? "; ports below 1024 need root or CAP_NET_BIND_SERVICE"
	       : error == EADDRINUSE	? "; something else listens there"
	       : error == EADDRNOTAVAIL ? "; the address is none of this machine's"
					: "";
}

/* IPv6 for all addresses, unless the machine has none. */
static int
open_socket(struct addr *a, bool ipv6_only)
{
	bool any = addr_is_none(a);
	if (any)
		*a = addr_v6_any();
	int family = addr_is_v4(a) ? AF_INET : AF_INET6;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 || !any || ipv6_only || errno != EAFNOSUPPORT)
		return fd;
	(void)addr_parse(a, "0.0.0.0");
	return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

bool
bgp_listen(struct bgp_listener *l, const struct bgp_config *c, const struct md5_keys *keys, char *err,
	   size_t errlen)
{
	struct sockaddr_storage ss;
	struct addr a = c->address;
	char text[ADDR_TEXT_MAX];
	l->fd = open_socket(&a, c->ipv6_only);
	l->family = addr_is_v4(&a) ? AF_INET : AF_INET6;
	socklen_t len = addr_to_sockaddr(&a, c->port, &ss);
	const char *wrong = l->fd < 0 ? "a socket" : set_up(l, c, &ss, len);
	if (wrong) {
		int error = errno;
		addr_format(text, &a);
		snprintf(err, errlen, "cannot listen for BGP at %s port %u: %s: %s%s", text, c->port, wrong,
			 strerror(error), remedy(error));
		bgp_listen_close(l);
		return false;
	}
	if (!md5_apply(l->fd, l->family, c->ipv6_only, NULL, keys, err, errlen)) {
		bgp_listen_close(l);
		return false;
	}
	if (listen(l->fd, BACKLOG) == 0)
		return true;
	snprintf(err, errlen, "cannot listen for BGP at port %u: %s%s", c->port, strerror(errno),
		 remedy(errno));
	bgp_listen_close(l);
	return false;
}

void
bgp_listen_close(struct bgp_listener *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

/* What we send is small and must not wait for more. */
void
bgp_session_socket(int fd, const struct bgp_config *c)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	(void)set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		(void)set_common(fd, ss.ss_family, c);
}
