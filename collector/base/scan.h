/* Reading text step by step: each function moves *s behind what it took, or returns false. */
#ifndef FLOWRIB_BASE_SCAN_H
#define FLOWRIB_BASE_SCAN_H

#include <stdbool.h>
#include <stdint.h>

/* A decimal number up to max; no sign, no blanks. *s is moved behind the digits. Overflow is an error, not
 * a wrap. */
static inline bool
scan_u64(const char **s, uint64_t max, uint64_t *v)
{
	if (**s < '0' || **s > '9')
		return false;
	for (*v = 0; **s >= '0' && **s <= '9'; (*s)++) {
		unsigned digit = (unsigned)(**s - '0');
		if (__builtin_mul_overflow(*v, 10, v) || __builtin_add_overflow(*v, digit, v) || *v > max)
			return false;
	}
	return true;
}

/* Steps over c, or fails and stays. */
static inline bool
scan_char(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

#endif
