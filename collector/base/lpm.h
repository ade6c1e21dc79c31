/* Longest-prefix match: from addresses of both families to a 31-bit number, usually an index into the owner's
 * table. Built once from a list and never changed: a reload builds another beside it and swaps the pointer.
 */
#ifndef FLOWRIB_BASE_LPM_H
#define FLOWRIB_BASE_LPM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/addr.h"

#define LPM_NONE      0x7fffffffU
#define LPM_VALUE_MAX (LPM_NONE - 1)

struct lpm_entry {
	struct prefix prefix; /* bits beyond the length are ignored */
	uint32_t value;	      /* at most LPM_VALUE_MAX */
};

struct lpm;

/* Builds from n entries, which are not needed afterwards. Of equal prefixes the last in
 * the list counts. NULL when memory is short or the list is too large for the structure's 27-bit offsets. */
struct lpm *lpm_new(const struct lpm_entry *entries, size_t n);
void lpm_free(struct lpm *l);

/* The value of the longest prefix that holds a, or LPM_NONE. "No address" is in no prefix. */
uint32_t lpm_find(const struct lpm *l, const struct addr *a);

/* Bytes of memory. */
size_t lpm_bytes(const struct lpm *l);

#endif
