/* Sixteen one-byte tags compared at once: the step that makes open addressing in groups fast.
 *
 * Two versions of one function, the plain one being right on any machine; the preprocessor chooses here and
 * nowhere else. Bit i of a result stands for tag i. */
#ifndef FLOWRIB_FLOW_TAGS_H
#define FLOWRIB_FLOW_TAGS_H

#include <stdint.h>

#define TAGS_GROUP 16

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define TAGS_FIRST_LOW(x) __builtin_bswap64(x)
#else
#define TAGS_FIRST_LOW(x) (x)
#endif

/* Eight tags, the first in the lowest byte. */
static inline uint64_t
tags_load(const uint8_t *tags)
{
	uint64_t x;
	memcpy(&x, tags, sizeof(x));
	return TAGS_FIRST_LOW(x);
}

/* One bit a byte of x that is zero, in bits 0 to 7. Exact: no carry passes from byte to byte. */
static inline uint32_t
tags_zero_bytes(uint64_t x)
{
	const uint64_t low7 = 0x7f7f7f7f7f7f7f7fULL;
	uint64_t zero = ~(((x & low7) + low7) | x | low7); /* 0x80 in every zero byte */
	return (uint32_t)(((zero >> 7) * 0x0102040810204080ULL) >> 56);
}

/* Which of the 16 tags equal tag. */
static inline uint32_t
tags_match_plain(const uint8_t *tags, uint8_t tag)
{
	uint64_t half[2], pattern = tag * 0x0101010101010101ULL;
	for (unsigned i = 0; i < 2; i++)
		half[i] = tags_load(tags + i * 8);
	return tags_zero_bytes(half[0] ^ pattern) | tags_zero_bytes(half[1] ^ pattern) << 8;
}

#ifdef __SSE2__
#include <emmintrin.h>

static inline uint32_t
tags_match(const uint8_t *tags, uint8_t tag)
{
	__m128i group = _mm_load_si128((const __m128i *)(const void *)tags);
	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(group, _mm_set1_epi8((char)tag)));
}
#else
#define tags_match tags_match_plain
#endif

#endif
