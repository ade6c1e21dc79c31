/* Objects of any size, named by 32-bit ids, for one writer and many readers (readers.h).
 *
 * Objects lie in one region that never moves, at multiples of a unit; the id is the number of the unit, so 32
 * bits name 64 GB at units of 16 bytes and following an id costs one addition. What is freed is kept aside
 * until no reader can see it, then is used again. All functions but slab_at() are for the writer's thread
 * only. Id 0 is never given out: it means "none". */
#ifndef FLOWRIB_BASE_SLAB_H
#define FLOWRIB_BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/readers.h"
#include "collector/base/region.h"

#define SLAB_EXACT   128 /* sizes up to so many units have a class each; larger ones are rounded up */
#define SLAB_CLASSES (SLAB_EXACT + 1 + 8 * 24)
#define SLAB_CHUNK   4096 /* units */

/* Units that hold objects of one class. Chunks are named by number; in lists by number plus 1. */
struct slab_chunk {
	uint32_t free;	     /* head of a list of objects; the link is the first word of each */
	uint32_t prev, next; /* among those of the class with room, or among the free ones */
	uint16_t class;
	uint16_t live;	 /* objects given out */
	uint16_t carved; /* objects ever given out since it serves this class */
	uint16_t room;	 /* objects that it can hold */
};

struct slab_retired {
	uint32_t *list; /* pairs of id and class */
	size_t n, cap;
};

struct slab {
	struct region region;
	struct region chunks;		  /* of struct slab_chunk */
	uint32_t unit;			  /* bytes */
	uint32_t next;			  /* first chunk never used */
	uint32_t free_chunks;		  /* head of a list */
	uint32_t with_room[SLAB_CLASSES]; /* heads of lists of chunks; for objects larger than half a chunk,
					     of objects */
	struct slab_retired young;	  /* retired since the grace period under way began */
	struct slab_retired old;	  /* what it is for */
	struct readers_ticket ticket;
	size_t bytes_used;    /* of live objects, after rounding */
	size_t bytes_waiting; /* retired, not yet reusable */
};

/* unit: a multiple of 4 bytes. Reserves up to bytes of address space. False when there is none. */
bool slab_init(struct slab *s, uint32_t unit, size_t bytes);
/* Waits for tickets (readers_drain) and frees all; no reader may be left. */
void slab_free(struct slab *s);

/* An object of at least bytes, contents undefined; 0 when memory is short. */
uint32_t slab_alloc(struct slab *s, size_t bytes);
/* Gives back what was allocated with the same bytes, once no reader sees it any more. */
void slab_retire(struct slab *s, uint32_t id, size_t bytes);
/* Gives back what no reader has ever seen. */
void slab_release(struct slab *s, uint32_t id, size_t bytes);

/* Bytes that an object of so many really takes. */
size_t slab_rounded(const struct slab *s, size_t bytes);

/* Memory in use by the process for it: what was ever touched, to a chunk. */
static inline size_t
slab_bytes(const struct slab *s)
{
	return (size_t)s->next * SLAB_CHUNK * s->unit;
}

static inline void *
slab_at(const struct slab *s, uint32_t id)
{
	return s->region.base + (size_t)id * s->unit;
}

#endif
