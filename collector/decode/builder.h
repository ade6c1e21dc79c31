/* Writing export messages, for tests and measuring: big-endian integers behind each other, and lengths that
 * are known only at the end. */
#ifndef FLOWRIB_DECODE_BUILDER_H
#define FLOWRIB_DECODE_BUILDER_H

#include <stddef.h>
#include <stdint.h>

struct builder {
	uint8_t data[65536];
	size_t len;
	size_t set; /* where the set in progress begins */
};

/* v in n bytes. */
static inline void
b_uint(struct builder *b, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		b->data[b->len++] = (uint8_t)(n - i > 8 ? 0 : v >> 8 * (n - 1 - i));
}

static inline void
b_bytes(struct builder *b, const void *p, size_t n)
{
	memcpy(b->data + b->len, p, n);
	b->len += n;
}

static inline void
b_patch16(struct builder *b, size_t at, size_t v)
{
	b->data[at] = (uint8_t)(v >> 8);
	b->data[at + 1] = (uint8_t)v;
}

static inline void
b_v9(struct builder *b, uint32_t uptime_ms, uint32_t seconds, uint32_t sequence, uint32_t source)
{
	b->len = 0;
	b_uint(b, 9, 2);
	b_uint(b, 0, 2);
	b_uint(b, uptime_ms, 4);
	b_uint(b, seconds, 4);
	b_uint(b, sequence, 4);
	b_uint(b, source, 4);
}

static inline void
b_ipfix(struct builder *b, uint32_t seconds, uint32_t sequence, uint32_t domain)
{
	b->len = 0;
	b_uint(b, 10, 2);
	b_uint(b, 0, 2);
	b_uint(b, seconds, 4);
	b_uint(b, sequence, 4);
	b_uint(b, domain, 4);
}

static inline void
b_ipfix_end(struct builder *b)
{
	b_patch16(b, 2, b->len);
}

static inline void
b_set(struct builder *b, uint16_t id)
{
	b->set = b->len;
	b_uint(b, id, 2);
	b_uint(b, 0, 2);
}

static inline void
b_set_end(struct builder *b)
{
	b_patch16(b, b->set + 2, b->len - b->set);
}

/* A whole template set with one template; fields are pairs of id and length. */
static inline void
b_template(struct builder *b, uint16_t set, uint16_t id, const uint16_t (*fields)[2], unsigned n)
{
	b_set(b, set);
	b_uint(b, id, 2);
	b_uint(b, n, 2);
	for (unsigned i = 0; i < n; i++) {
		b_uint(b, fields[i][0], 2);
		b_uint(b, fields[i][1], 2);
	}
	b_set_end(b);
}

#endif
