/* The aggregate cache: packed keys and their counters, for the memory table, print and SQL alike.
 *
 * Entries are packed records exactly as they came from the queue, appended to a region of memory that grows
 * in place (collector/base/region.h), so they never move, a reader can walk them in order, growth copies no
 * entry, and an entry costs its record plus some 6 to 12 bytes of index. The index and its reasons stand in
 * cache.c.
 *
 * One thread owns a cache. */
#ifndef FLOWRIB_FLOW_CACHE_H
#define FLOWRIB_FLOW_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/flow/layout.h"

struct cache;

/* max_bytes bounds all memory of the cache, 0 meaning no bound but the index's (32 GiB of entries). The
 * layout must outlive the cache. NULL when memory is short. */
struct cache *cache_new(const struct layout *l, size_t max_bytes);
void cache_free(struct cache *c);

/* Takes n records standing back to back. Returns how many found no place (bound reached or no memory); their
 * counters are added to the cache's overflow totals, so that nothing is lost silently. */
uint32_t cache_absorb(struct cache *c, const uint8_t *records, uint32_t n);

/* The entry with exactly this key (layout_key_size bytes), or NULL. The record is the cache's: the key must
 * not be changed, the counters behind it may. */
uint8_t *cache_find(struct cache *c, const uint8_t *key);

uint64_t cache_entries(const struct cache *c);
/* Bytes of memory in use, index included. */
size_t cache_bytes(const struct cache *c);

/* Forgets everything, overflow totals included, and gives the memory back. */
void cache_clear(struct cache *c);

/* Which life of the cache this is: pointers to entries hold until it changes. */
uint64_t cache_generation(const struct cache *c);

/* Walks all entries in order of arrival, resumable: a cursor of zeros begins; NULL ends. Entries added
 * meanwhile are seen, each once. A cache_clear makes older cursors end. */
struct cache_cursor {
	uint64_t generation; /* 0: not begun */
	uint64_t offset;
};
uint8_t *cache_next(struct cache *c, struct cache_cursor *cursor);

/* Counters of records that found no place, one value per layout counter, and how many records. */
const uint64_t *cache_overflow(const struct cache *c, uint64_t *records);

/* Merges the counters of src into dst by the layout's rules. A minimum or maximum of 0 means "unknown" and
 * never wins over a known one. Neither pointer need be aligned. */
void layout_merge(const struct layout *l, uint8_t *dst, const uint8_t *src);

#endif
