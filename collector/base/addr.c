/* Addresses and prefixes: conversions that are not worth inlining, and the text form, which is on the output
 * path and therefore avoids inet_ntop and its format strings (measured at five to ten times the cost). */
#include "collector/base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "collector/base/text.h"

/* The first n of 64 bits, in network byte order. n is 0 to 64; the shift by 64 is avoided by the first
 * case, and ~0 >> 0 is 0 after the complement. */
static inline uint64_t
mask64(unsigned n)
{
	return n >= 64 ? ~0ULL : __builtin_bswap64(~(~0ULL >> n));
}

/* The two special values come first: masking "no address" must not make an address of it, and the stored
 * form of "::" is not its bits. A prefix of all zeros is "::" again, so that it equals what addr_from_v6
 * makes of the same bytes. */
struct addr
addr_mask(const struct addr *a, unsigned len)
{
	if (addr_is_none(a) || addr_is_v6_any(a))
		return *a;
	struct addr r = *a;
	if (addr_is_v4(a)) {
		r.q[1] &= mask64(32 + (len > 32 ? 32 : len));
		return r;
	}
	r.q[0] &= mask64(len);
	r.q[1] &= mask64(len > 64 ? len - 64 : 0);
	return addr_is_none(&r) ? addr_v6_any() : r;
}

/* A dual-stack socket shows IPv4 peers as IPv4-mapped; addr_from_v6 then gives what an IPv4 socket would,
 * so one exporter has one address whatever socket it came through. */
bool
addr_from_sockaddr(struct addr *a, uint16_t *port, const struct sockaddr *sa)
{
	uint16_t p;
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;
		*a = addr_from_v4(&in->sin_addr);
		p = ntohs(in->sin_port);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;
		*a = addr_from_v6(&in6->sin6_addr);
		p = ntohs(in6->sin6_port);
	} else {
		return false;
	}
	if (port)
		*port = p;
	return true;
}

/* The scope of a link-local address is not kept anywhere, so such an address can be shown but not sent to.
 * "No address" becomes "::", the wildcard that bind() wants. */
socklen_t
addr_to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *ss)
{
	memset(ss, 0, sizeof(*ss));
	if (addr_is_v4(a)) {
		struct sockaddr_in *in = (void *)ss;
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, &a->b[12], 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (void *)ss;
	struct addr raw = addr_to_v6(a);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, raw.b, 16);
	return sizeof(*in6);
}

/* A group of four hex digits without leading zeros (RFC 5952, 4.1), lower-case (4.3). */
static char *
put_group(char *p, unsigned v)
{
	static const char digits[] = "0123456789abcdef";
	if (v >= 0x1000)
		*p++ = digits[v >> 12];
	if (v >= 0x100)
		*p++ = digits[v >> 8 & 15];
	if (v >= 0x10)
		*p++ = digits[v >> 4 & 15];
	*p++ = digits[v & 15];
	return p;
}

/* RFC 5952: the longest run of two or more zero groups is shortened, the first one when equal. At most 39
 * bytes: eight groups of four and seven colons. */
static char *
format_v6(char *p, const uint8_t *b)
{
	unsigned g[8];
	int best = -1, best_len = 1;
	for (int i = 0, run = 0; i < 8; i++) {
		g[i] = (unsigned)b[2 * i] << 8 | b[2 * i + 1];
		run = g[i] ? 0 : run + 1;
		/* Strictly longer, so the first of equal runs stays; best_len begins at 1 since a single
		 * zero group is never shortened (RFC 5952, 4.2.2). */
		if (run > best_len) {
			best_len = run;
			best = i - run + 1;
		}
	}
	for (int i = 0; i < 8; i++) {
		if (i == best) {
			*p++ = ':';
			/* In the middle, the group before has left the first of the two colons. */
			if (i == 0)
				*p++ = ':';
			i += best_len - 1;
			continue;
		}
		p = put_group(p, g[i]);
		if (i < 7)
			*p++ = ':';
	}
	return p;
}

/* Octets and the dot behind them in four bytes: copied whole, then stepped over. No NUL where it is full. */
#define TEN(p) p "0.", p "1.", p "2.", p "3.", p "4.", p "5.", p "6.", p "7.", p "8.", p "9."
#define HUNDRED(p)                                                                                           \
	TEN(p "0"), TEN(p "1"), TEN(p "2"), TEN(p "3"), TEN(p "4"), TEN(p "5"), TEN(p "6"), TEN(p "7"),      \
	    TEN(p "8"), TEN(p "9")
static const char octet_text[256][4] = {
    TEN(""),  TEN("1"), TEN("2"),     TEN("3"),	 TEN("4"),  TEN("5"),  TEN("6"),  TEN("7"),
    TEN("8"), TEN("9"), HUNDRED("1"), TEN("20"), TEN("21"), TEN("22"), TEN("23"), TEN("24"),
    "250.",   "251.",	"252.",	      "253.",	 "254.",    "255.",
};

/* Writes up to three bytes beyond the last octet, which ADDR_TEXT_MAX has room for; the last dot is stepped
 * back over. */
static char *
format_v4(char *p, const uint8_t *b)
{
	for (int i = 0; i < 4; i++) {
		memcpy(p, octet_text[b[i]], 4);
		p += 2 + (b[i] > 9) + (b[i] > 99);
	}
	return p - 1;
}

/* IPv4-mapped addresses are IPv4 by construction, so format_v6 never needs the mixed notation of RFC 5952,
 * 5. */
char *
addr_format(char *out, const struct addr *a)
{
	char *p = out;
	if (addr_is_v4(a)) {
		p = format_v4(p, &a->b[12]);
	} else if (!addr_is_none(a)) {
		struct addr raw = addr_to_v6(a);
		p = format_v6(p, raw.b);
	}
	*p = '\0';
	return p;
}

/* Always with a length, also for a host. */
char *
prefix_format(char *out, const struct prefix *p)
{
	char *end = addr_format(out, &p->addr);
	*end++ = '/';
	end = put_u8(end, p->len);
	*end = '\0';
	return end;
}

/* inet_pton is strict where inet_aton is not: "10.1" and "010.0.0.1" are no addresses. It stands on no hot
 * path. */
bool
addr_parse(struct addr *a, const char *text)
{
	uint8_t raw[16];
	/* IPv4 first: its text is never an IPv6 address, which has a colon */
	if (inet_pton(AF_INET, text, raw) == 1) {
		*a = addr_from_v4(raw);
		return true;
	}
	if (inet_pton(AF_INET6, text, raw) == 1) {
		*a = addr_from_v6(raw);
		return true;
	}
	return false;
}

/* The length is read by hand, since strtoul would take signs, blanks and hexadecimal. */
bool
prefix_parse(struct prefix *p, const char *text)
{
	char host[ADDR_TEXT_MAX];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	if (n >= sizeof(host))
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	if (!addr_parse(&p->addr, host))
		return false;
	unsigned max = addr_max_len(&p->addr), len = max;
	if (slash) {
		const char *s = slash + 1;
		if (*s < '0' || *s > '9' || strlen(s) > 3)
			return false;
		len = 0;
		for (; *s; s++) {
			if (*s < '0' || *s > '9')
				return false;
			len = 10 * len + (unsigned)(*s - '0');
		}
		if (len > max)
			return false;
	}
	p->len = (uint8_t)len;
	p->addr = addr_mask(&p->addr, len);
	return true;
}

/* An IPv4 prefix holds no IPv6 address and the other way round, although both are stored in one space:
 * 0.0.0.0/0 must not match "::1", nor ::/0 an IPv4 address. */
bool
prefix_contains(const struct prefix *p, const struct addr *a)
{
	if (addr_is_v4(&p->addr) != addr_is_v4(a) || addr_is_none(a))
		return false;
	struct addr m = addr_mask(a, p->len);
	return addr_equal(&m, &p->addr);
}
