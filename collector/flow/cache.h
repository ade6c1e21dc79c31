/* The aggregate cache: packed keys and their counters, for the memory table, print and SQL alike.
 *
 * Entries are packed records exactly as they came from the queue, appended to chunks of an arena that never
 * move, so a reader can walk them in order, growth copies no entry, and an entry costs its record plus some 6
 * to 11 bytes of index. The index is a power-of-two number of shards by the hash's upper bits, each an
 * open-addressing table of groups (16 one-byte tags and 16 entry references side by side) that doubles alone:
 * the longest stall is the doubling of one shard. Records are absorbed in batches: hash all, prefetch groups,
 * prefetch entries, then compare and add, so that cache misses overlap.
 *
 * One thread owns a cache. */
#ifndef FLOWRIB_FLOW_CACHE_H
#define FLOWRIB_FLOW_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/flow/layout.h"

struct cache;

/* max_bytes bounds all memory of the cache, 0 meaning no bound. NULL when memory is short. */
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

/* Forgets everything and gives the memory back. */
void cache_clear(struct cache *c);

/* Walks all entries in order of arrival, resumable: a cursor of zeros begins; NULL ends. Entries added
 * meanwhile may be seen. A cache_clear makes older cursors end. */
struct cache_cursor {
	uint64_t generation;
	uint32_t chunk;
	uint32_t offset;
};
uint8_t *cache_next(struct cache *c, struct cache_cursor *cursor);

/* Counters of records that found no place, one value per layout counter, and how many records. */
const uint64_t *cache_overflow(const struct cache *c, uint64_t *records);

/* Merges the counters of src into dst by the layout's rules. */
void layout_merge(const struct layout *l, uint64_t *dst, const uint64_t *src);

#endif
