/* A bounded cursor over bytes from outside.
 *
 * Every decoder reads through this and through nothing else. The error is sticky: a read past the end sets it
 * and returns zero, so a caller reads five fields and checks once. No function here ever reads outside
 * [begin, end). All integers on the wire are in network byte order and are returned in host byte order. */
#ifndef FLOWRIB_BASE_WIRE_H
#define FLOWRIB_BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire {
	const uint8_t *pos;
	const uint8_t *end;
	bool failed;
};

static inline struct wire
wire_over(const void *data, size_t len)
{
	return (struct wire){.pos = data, .end = (const uint8_t *)data + len, .failed = false};
}

/* Bytes left; 0 once a read has failed. */
static inline size_t
wire_left(const struct wire *w)
{
	return w->failed ? 0 : (size_t)(w->end - w->pos);
}

/* True when n more bytes can be read; otherwise marks the cursor as failed. */
static inline bool
wire_need(struct wire *w, size_t n)
{
	if (unlikely(w->failed || (size_t)(w->end - w->pos) < n)) {
		w->failed = true;
		return false;
	}
	return true;
}

/* A pointer to the next n bytes, which are consumed; NULL (and failed) when there are fewer. */
static inline const uint8_t *
wire_bytes(struct wire *w, size_t n)
{
	if (!wire_need(w, n))
		return NULL;
	const uint8_t *p = w->pos;
	w->pos += n;
	return p;
}

static inline void
wire_skip(struct wire *w, size_t n)
{
	(void)wire_bytes(w, n);
}

/* Unaligned big-endian loads from memory already known to be long enough. They swap without asking for the
 * machine's byte order: only little-endian machines are supported. */
static inline uint16_t
load_be16(const uint8_t *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof(v));
	return __builtin_bswap16(v);
}

static inline uint32_t
load_be32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

static inline uint64_t
load_be64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return __builtin_bswap64(v);
}

/* An unsigned big-endian integer of 0 to 8 bytes (RFC 7011, 6.2, reduced-size encoding). */
static inline uint64_t
load_be(const uint8_t *p, size_t n)
{
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/* The readers below move on by their width, or fail the cursor and return 0. A 0 is therefore no proof of a
 * field; check `failed` before acting on what was read. */
static inline uint8_t
wire_u8(struct wire *w)
{
	const uint8_t *p = wire_bytes(w, 1);
	return p ? *p : 0;
}

static inline uint16_t
wire_u16(struct wire *w)
{
	const uint8_t *p = wire_bytes(w, 2);
	return p ? load_be16(p) : 0;
}

static inline uint32_t
wire_u32(struct wire *w)
{
	const uint8_t *p = wire_bytes(w, 4);
	return p ? load_be32(p) : 0;
}

static inline uint64_t
wire_u64(struct wire *w)
{
	const uint8_t *p = wire_bytes(w, 8);
	return p ? load_be64(p) : 0;
}

/* Cuts the next n bytes off as a cursor of their own; an over-long n fails both. */
static inline struct wire
wire_sub(struct wire *w, size_t n)
{
	const uint8_t *p = wire_bytes(w, n);
	if (!p)
		return (struct wire){.pos = w->end, .end = w->end, .failed = true};
	return wire_over(p, n);
}

#endif
