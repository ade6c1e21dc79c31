/* Writing text fast.
 *
 * Two layers. put_*() write at a place the caller knows to be large enough and return the new end: they stand
 * on the path of a row and do no checks. struct text is a growing buffer that hands out such places: reserve
 * once for a row, put the fields, commit. Nothing here uses format strings but text_printf(), which is for
 * messages. */
#ifndef FLOWRIB_BASE_TEXT_H
#define FLOWRIB_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define U64_TEXT_MAX 20

char *put_u64(char *p, uint64_t v);
/* Lower-case, no leading zeros, no 0x. */
char *put_hex(char *p, uint64_t v);

/* The eight decimal digits of v < 100000000, most significant first in memory of a little-endian machine, as
 * numbers 0 to 9: halves, quarters, digits, each step all lanes at once. */
static inline uint64_t
eight_digits(uint32_t v)
{
	uint64_t x = v / 10000 | (uint64_t)(v % 10000) << 32, t;
	t = (x * 10486) >> 20 & 0x0000007f0000007fULL; /* each / 100 */
	x = t | (x - 100 * t) << 16;
	t = (x * 103) >> 10 & 0x000f000f000f000fULL; /* each / 10 */
	return t | (x - 10 * t) << 8;
}

/* As put_u64, without branches for what counters, ports and interfaces mostly are, for rows of many numbers.
 * Writes beyond the digits: needs 24 bytes of room whatever v is. */
static inline char *
put_u64_fast(char *p, uint64_t v)
{
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || unlikely(v >= 100000000))
		return put_u64(p, v);
	uint64_t digits = eight_digits((uint32_t)v);
	unsigned zeros = (unsigned)__builtin_ctzll(digits | 1ULL << 56) / 8;
	digits = (digits | 0x3030303030303030ULL) >> 8 * zeros;
	memcpy(p, &digits, sizeof(digits));
	return p + 8 - zeros;
}

static inline char *
put_u8(char *p, uint8_t v)
{
	if (v >= 100) {
		*p++ = (char)('0' + v / 100);
		v %= 100;
		*p++ = (char)('0' + v / 10);
		v %= 10;
	} else if (v >= 10) {
		*p++ = (char)('0' + v / 10);
		v %= 10;
	}
	*p++ = (char)('0' + v);
	return p;
}

static inline char *
put_bytes(char *p, const void *s, size_t n)
{
	memcpy(p, s, n);
	return p + n;
}

static inline char *
put_str(char *p, const char *s)
{
	return put_bytes(p, s, strlen(s));
}

/* v with exactly width digits, zeros in front. */
char *put_padded(char *p, uint64_t v, unsigned width);

/* The body of a JSON string: n bytes of s with quotes, backslashes and control characters escaped; bytes that
 * are not UTF-8 become U+FFFD. Needs 6 * n bytes of room. */
char *put_json(char *p, const void *s, size_t n);

/* Six bytes as aa:bb:cc:dd:ee:ff. Needs 18 bytes: one more than the text has. */
char *put_mac(char *p, const uint8_t *mac);

struct text {
	char *data;
	size_t len;
	size_t cap;
};

/* Makes room for n more bytes and returns where they go. The memory is the buffer's; valid until the next
 * call. Running out of memory ends the program with a message: a collector without memory for a line of text
 * cannot go on. */
char *text_reserve(struct text *t, size_t n);

/* Declares the buffer to end at p, which must lie within the room last reserved. */
static inline void
text_commit(struct text *t, const char *p)
{
	t->len = (size_t)(p - t->data);
}

void text_add(struct text *t, const void *s, size_t n);
void text_str(struct text *t, const char *s);
void text_char(struct text *t, char c);
void text_u64(struct text *t, uint64_t v);
/* A complete JSON string, quotes included. */
void text_json(struct text *t, const char *s);
void text_printf(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Terminates the text with a NUL that does not count, and returns it. */
const char *text_cstr(struct text *t);
void text_free(struct text *t);

#endif
