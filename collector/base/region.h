/* Memory that grows in place and never moves.
 *
 * Address space is reserved once and made usable in steps, so that what lies in a region keeps its address
 * while the region grows to many gigabytes, and a 32-bit number can name a place in it. Steps of 2 MiB ask
 * for huge pages: tables of random access live in regions, and the TLB is what they suffer from. */
#ifndef FLOWRIB_BASE_REGION_H
#define FLOWRIB_BASE_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What steps and sizes are multiples of: the largest size a page has on usual machines. */
#define REGION_PAGE ((size_t)64 << 10)

struct region {
	uint8_t *base;
	size_t reserved; /* bytes of address space */
	size_t usable;	 /* bytes from base that may be touched; zero when they become so */
};

/* Reserves up to bytes of address space, less when the process may not have as much. False when there is
 * none. */
bool region_init(struct region *r, size_t bytes);
void region_free(struct region *r);

/* How much region_grow would add to make need bytes usable, 0 when they are. */
size_t region_step(const struct region *r, size_t need);

/* Makes step more bytes (of region_step) usable. False when the system has no memory or the reserve is used
 * up. */
bool region_grow(struct region *r, size_t step);

/* Gives the memory beyond the first keep bytes (rounded up to REGION_PAGE) back; the addresses stay reserved.
 */
void region_trim(struct region *r, size_t keep);

#endif
