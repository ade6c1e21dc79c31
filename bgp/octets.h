/* For tests: octets written as hexadecimal text, in memory of exactly their length, so that a read beyond
 * them is seen. */
#ifndef FLOWRIB_BGP_OCTETS_H
#define FLOWRIB_BGP_OCTETS_H

#include <ctype.h>

struct octets {
	uint8_t *p;
	size_t len;
};

/* Blanks are skipped. free() p. */
static inline struct octets
octets_of(const char *hex)
{
	struct octets o = {malloc(strlen(hex) / 2 + 1), 0};
	unsigned half = 0, digits = 0;

	for (; *hex; hex++) {
		if (isspace((unsigned char)*hex))
			continue;
		if (!isxdigit((unsigned char)*hex))
			abort();
		half = half << 4 |
		       (unsigned)(isdigit((unsigned char)*hex) ? *hex - '0' : (*hex | 32) - 'a' + 10);
		if (++digits % 2 == 0)
			o.p[o.len++] = (uint8_t)half;
	}
	if (digits % 2)
		abort();
	uint8_t *exact = malloc(o.len ? o.len : 1);
	memcpy(exact, o.p, o.len);
	free(o.p);
	o.p = exact;
	return o;
}

#endif
