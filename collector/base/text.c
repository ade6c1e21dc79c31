/* Text writing: two digits at a time from a table, which is what makes integer formatting cheap. */
#include "collector/base/text.h"

#include <stdarg.h>

static const char pairs[201] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

/* Four digits a step: most counters end in the first or second. */
static unsigned
digits_of(uint64_t v)
{
	unsigned n = 1;
	for (;;) {
		if (v < 10)
			return n;
		if (v < 100)
			return n + 1;
		if (v < 1000)
			return n + 2;
		if (v < 10000)
			return n + 3;
		v /= 10000;
		n += 4;
	}
}

/* Knowing the number of digits first, they are written backwards into their final place: no buffer, no
 * copy. Needs up to U64_TEXT_MAX bytes of room. */
char *
put_u64(char *p, uint64_t v)
{
	unsigned n = digits_of(v);
	char *end = p + n, *q = end;
	/* two digits a step, from the end */
	while (v >= 100) {
		q -= 2;
		memcpy(q, pairs + 2 * (v % 100), 2);
		v /= 100;
	}
	if (v >= 10)
		memcpy(p, pairs + 2 * v, 2);
	else
		*p = (char)('0' + v);
	return end;
}

/* Needs up to 16 bytes of room; 0 is "0". */
char *
put_hex(char *p, uint64_t v)
{
	int shift = v ? (63 - __builtin_clzll(v)) / 4 * 4 : 0;
	for (; shift >= 0; shift -= 4)
		*p++ = "0123456789abcdef"[v >> shift & 15];
	return p;
}

/* Digits beyond width are lost: the caller knows that v fits. */
char *
put_padded(char *p, uint64_t v, unsigned width)
{
	for (unsigned i = width; i-- > 0; v /= 10)
		p[i] = (char)('0' + v % 10);
	return p + width;
}

/* Writes a colon behind the last byte too and steps back over it: 18 bytes are touched, and all callers
 * have them. */
char *
put_mac(char *p, const uint8_t *mac)
{
	static const char hex[] = "0123456789abcdef";
	for (int i = 0; i < 6; i++) {
		*p++ = hex[mac[i] >> 4];
		*p++ = hex[mac[i] & 15];
		*p++ = ':';
	}
	return p - 1;
}

/* Length of the UTF-8 sequence at s (1 to 4), 0 when it is not one (RFC 3629). n is at least 1. The bytes
 * behind the first are looked at only when there are as many. */
static unsigned
utf8_len(const uint8_t *s, size_t n)
{
	if (s[0] < 0x80)
		return 1;
	/* by the first byte; 0x80 to 0xc1 begin nothing */
	unsigned len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || n < len)
		return 0;
	for (unsigned i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, UTF-16 surrogates, and what is beyond U+10FFFF */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

/* What JSON must not hold as it is (RFC 8259, 7): short forms where there are any, \u00XX otherwise. At
 * most six bytes, which is where the bound of put_json comes from. */
static char *
put_json_escape(char *p, uint8_t c)
{
	static const char shorts[] = "b\bf\fn\nr\rt\t\"\"\\\\";
	*p++ = '\\';
	for (const char *s = shorts; *s; s += 2) {
		if ((uint8_t)s[1] == c) {
			*p++ = s[0];
			return p;
		}
	}
	p = put_bytes(p, "u00", 3);
	*p++ = "0123456789abcdef"[c >> 4];
	*p++ = "0123456789abcdef"[c & 15];
	return p;
}

/* Text of interfaces, VRFs and applications comes from exporters and may be any bytes; what is printed must
 * be JSON all the same. A slash is not escaped, as pmacct does not. */
char *
put_json(char *p, const void *text, size_t n)
{
	const uint8_t *s = text, *end = s + n;
	while (s < end) {
		if (*s < 0x20 || *s == '"' || *s == '\\') {
			p = put_json_escape(p, *s++);
			continue;
		}
		unsigned len = utf8_len(s, (size_t)(end - s));
		if (len == 0) {
			p = put_bytes(p, "\xef\xbf\xbd", 3);
			s++;
			continue;
		}
		p = put_bytes(p, s, len);
		s += len;
	}
	return p;
}

/* Doubling, so that a buffer that is used again and again stops growing. Pointers into the text are void
 * after each call. */
char *
text_reserve(struct text *t, size_t n)
{
	/* cap and len only grow, so the subtraction cannot wrap */
	if (t->cap - t->len < n || !t->data) { /* a place even for nothing: memcpy wants one */
		size_t cap = t->cap ? t->cap : 256;
		while (cap - t->len < n)
			cap *= 2;
		char *data = realloc(t->data, cap);
		if (!data) {
			fprintf(stderr, "flowrib: no memory for %zu bytes of text\n", cap);
			abort();
		}
		t->data = data;
		t->cap = cap;
	}
	return t->data + t->len;
}

/* n may be 0 with s anything but NULL. */
void
text_add(struct text *t, const void *s, size_t n)
{
	text_commit(t, put_bytes(text_reserve(t, n), s, n));
}

void
text_str(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

void
text_char(struct text *t, char c)
{
	text_add(t, &c, 1);
}

/* For places where a row's room was not reserved beforehand; rows themselves use put_u64_fast. */
void
text_u64(struct text *t, uint64_t v)
{
	text_commit(t, put_u64(text_reserve(t, U64_TEXT_MAX), v));
}

/* Six bytes for each and the two quotes, reserved at once. */
void
text_json(struct text *t, const char *s)
{
	size_t n = strlen(s);
	char *p = text_reserve(t, 6 * n + 2);
	*p++ = '"';
	p = put_json(p, s, n);
	*p++ = '"';
	text_commit(t, p);
}

/* Formatted twice, once to measure: messages are rare. What vsnprintf cannot format adds nothing. */
void
text_printf(struct text *t, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n > 0) {
		char *p = text_reserve(t, (size_t)n + 1);
		vsnprintf(p, (size_t)n + 1, fmt, again);
		t->len += (size_t)n;
	}
	va_end(again);
}

/* The NUL is not part of the text: whatever is added next takes its place. */
const char *
text_cstr(struct text *t)
{
	*text_reserve(t, 1) = '\0';
	return t->data;
}

/* The struct is as new and can be used again. */
void
text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){0};
}
