/* Big-endian writing into a bounded buffer, for generators only.
 *
 * Kept apart from the collector's reading cursor on purpose: a generator that shared code with the decoder it
 * feeds would share its mistakes. Running over the end is a bug of the generator and aborts. */
#ifndef FLOWRIB_TOOLS_FLOWGEN_PUT_H
#define FLOWRIB_TOOLS_FLOWGEN_PUT_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct put {
	uint8_t *start;
	uint8_t *pos;
	uint8_t *end;
};

static inline struct put
put_into(void *buffer, size_t size)
{
	return (struct put){.start = buffer, .pos = buffer, .end = (uint8_t *)buffer + size};
}

/* Bytes written so far. */
static inline size_t
put_len(const struct put *p)
{
	return (size_t)(p->pos - p->start);
}

/* Room for n bytes, to be filled by the caller. */
static inline uint8_t *
put_room(struct put *p, size_t n)
{
	if ((size_t)(p->end - p->pos) < n)
		abort();
	uint8_t *at = p->pos;
	p->pos += n;
	return at;
}

static inline void
put_bytes(struct put *p, const void *data, size_t n)
{
	memcpy(put_room(p, n), data, n);
}

/* The low n bytes of v, most significant first (RFC 7011, 6.1.1 and 6.2). More than 8 bytes are filled with
 * zero. */
static inline void
put_uint(struct put *p, uint64_t v, size_t n)
{
	uint8_t *at = put_room(p, n);
	for (size_t i = n; i-- > 0; v >>= 8)
		at[i] = (uint8_t)v;
}

/* Sets a 16-bit field written earlier, such as a length known only at the end. */
static inline void
put_patch16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static inline void
put_patch32(uint8_t *at, uint32_t v)
{
	put_patch16(at, v >> 16);
	put_patch16(at + 2, v & 0xffff);
}

#endif
