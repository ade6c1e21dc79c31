/* IP addresses and prefixes.
 *
 * An address is always 16 bytes, IPv4 as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2), so that keys of both families
 * have one width, compare as memory, and one longest-prefix structure can serve both. "No address" is all
 * zero. The IPv6 unspecified address "::", which exporters do send, is kept apart from it by a reserved
 * pattern (addr_v6_any). */
#ifndef FLOWRIB_BASE_ADDR_H
#define FLOWRIB_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct addr {
	union {
		uint8_t b[16];
		uint32_t w[4];
		uint64_t q[2];
	};
};

/* An address with a prefix length in its own family's terms: 0-32 or 0-128. */
struct prefix {
	struct addr addr;
	uint8_t len;
};

/* Room for the text of any address, with the final NUL. */
#define ADDR_TEXT_MAX	46
#define PREFIX_TEXT_MAX (ADDR_TEXT_MAX + 4)

static inline bool
addr_is_none(const struct addr *a)
{
	return (a->q[0] | a->q[1]) == 0;
}

static inline bool
addr_is_v4(const struct addr *a)
{
	return a->q[0] == 0 && a->w[2] == __builtin_bswap32(0x0000ffff);
}

/* The stored form of "::". */
static inline struct addr
addr_v6_any(void)
{
	struct addr a = {.q = {0, 0}};
	a.w[2] = __builtin_bswap32(0x0000fffe);
	return a;
}

static inline bool
addr_is_v6_any(const struct addr *a)
{
	return a->q[0] == 0 && a->w[2] == __builtin_bswap32(0x0000fffe) && a->w[3] == 0;
}

/* From 4 bytes in network byte order. */
static inline struct addr
addr_from_v4(const void *bytes)
{
	uint32_t v4;
	memcpy(&v4, bytes, sizeof(v4));
	return (struct addr){.q = {0, (uint64_t)v4 << 32 | __builtin_bswap32(0x0000ffff)}};
}

/* From 16 bytes in network byte order; "::" becomes addr_v6_any(). */
static inline struct addr
addr_from_v6(const void *bytes)
{
	struct addr a;
	memcpy(a.b, bytes, 16);
	return addr_is_none(&a) ? addr_v6_any() : a;
}

static inline bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return a->q[0] == b->q[0] && a->q[1] == b->q[1];
}

/* The 16 bytes as they stand in an IPv6 header ("::" as zeros). */
static inline struct addr
addr_to_v6(const struct addr *a)
{
	return addr_is_v6_any(a) ? (struct addr){.q = {0, 0}} : *a;
}

/* a with all but the first len bits cleared; len counts in a's own family. An IPv4 address stays IPv4, "::"
 * stays itself, "no address" stays so. */
struct addr addr_mask(const struct addr *a, unsigned len);

/* Longest possible prefix of a's family: 32 or 128. */
static inline unsigned
addr_max_len(const struct addr *a)
{
	return addr_is_v4(a) ? 32 : 128;
}

/* From a socket address; port in host byte order goes to *port when that is not NULL. False for other
 * families. */
bool addr_from_sockaddr(struct addr *a, uint16_t *port, const struct sockaddr *sa);

/* Into a socket address of the address' own family; returns its length. The port is in host byte order. */
socklen_t addr_to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *ss);

/* Writes the text of a (RFC 5952 for IPv6, "" for no address) and a NUL; returns the end (the NUL's place).
 * out needs ADDR_TEXT_MAX bytes. Fast: it stands on the output path. */
char *addr_format(char *out, const struct addr *a);
char *prefix_format(char *out, const struct prefix *p);

/* Reads "192.0.2.1" or "2001:db8::1". False when text is anything else. */
bool addr_parse(struct addr *a, const char *text);

/* Reads "192.0.2.0/24", "2001:db8::/32" or a plain address (then of full length). Bits beyond the length are
 * cleared. */
bool prefix_parse(struct prefix *p, const char *text);

bool prefix_contains(const struct prefix *p, const struct addr *a);

#endif
