/* See slab.h. A class per size up to SLAB_EXACT units, beyond that eight classes a power of two: vectors that
 * grow with the number of peers then waste at most an eighth. Freed objects are not joined with their
 * neighbours: sizes recur, and what lies in a list is found again in one step. */
#include "collector/base/slab.h"

#include <stdlib.h>

/* Retired objects wait until so many are together: a grace period serves them all. */
#define RETIRE_BATCH 256

/* The class of a size in units, and its size. Above SLAB_EXACT the three bits below the leading one, rounded
 * up, select one of eight steps. */
static unsigned
class_of(uint32_t units)
{
	if (units <= SLAB_EXACT)
		return units;
	unsigned top = 31 - (unsigned)__builtin_clz(units - 1);
	return SLAB_EXACT + 1 + (top - 7) * 8 + ((units - 1) >> (top - 3) & 7);
}

static uint32_t
class_units(unsigned class)
{
	if (class <= SLAB_EXACT)
		return class;
	unsigned n = class - SLAB_EXACT - 1, top = n / 8 + 7;
	return (8 + n % 8 + 1) << (top - 3);
}

static unsigned
class_of_bytes(const struct slab *s, size_t bytes)
{
	return class_of((uint32_t)((bytes + s->unit - 1) / s->unit));
}

bool
slab_init(struct slab *s, uint32_t unit, size_t bytes)
{
	*s = (struct slab){.unit = unit, .next = 1};
	if (bytes / unit > UINT32_MAX)
		bytes = (size_t)UINT32_MAX * unit;
	return region_init(&s->region, bytes);
}

void
slab_free(struct slab *s)
{
	if (s->ticket.running)
		readers_drain();
	region_free(&s->region);
	free(s->young.list);
	free(s->old.list);
	*s = (struct slab){0};
}

size_t
slab_rounded(const struct slab *s, size_t bytes)
{
	return (size_t)class_units(class_of_bytes(s, bytes)) * s->unit;
}

static void
free_push(struct slab *s, unsigned class, uint32_t id)
{
	memcpy(slab_at(s, id), &s->free[class], sizeof(uint32_t));
	s->free[class] = id;
}

/* Moves what was retired a grace period ago to the free lists, and lets the next one begin. */
static void
retired_turn(struct slab *s)
{
	if (!readers_ticket_done(&s->ticket))
		return;
	for (size_t i = 0; i < s->old.n; i += 2) {
		unsigned class = s->old.list[i + 1];
		s->bytes_waiting -= (size_t)class_units(class) * s->unit;
		free_push(s, class, s->old.list[i]);
	}
	s->old.n = 0;
	if (s->young.n < (size_t)2 * RETIRE_BATCH)
		return;
	struct slab_retired swap = s->old;
	s->old = s->young;
	s->young = swap;
	readers_ticket_start(&s->ticket);
}

uint32_t
slab_alloc(struct slab *s, size_t bytes)
{
	unsigned class = class_of_bytes(s, bytes);
	uint32_t units = class_units(class), id = s->free[class];
	if (id) {
		memcpy(&s->free[class], slab_at(s, id), sizeof(uint32_t));
	} else {
		if (units > UINT32_MAX - s->next)
			return 0;
		size_t step = region_step(&s->region, (size_t)(s->next + units) * s->unit);
		if (step && !region_grow(&s->region, step))
			return 0;
		id = s->next;
		s->next += units;
	}
	s->bytes_used += (size_t)units * s->unit;
	return id;
}

void
slab_release(struct slab *s, uint32_t id, size_t bytes)
{
	unsigned class = class_of_bytes(s, bytes);
	s->bytes_used -= (size_t)class_units(class) * s->unit;
	free_push(s, class, id);
}

/* Without memory for the list, waiting for readers is right, if slow. */
void
slab_retire(struct slab *s, uint32_t id, size_t bytes)
{
	struct slab_retired *y = &s->young;
	unsigned class = class_of_bytes(s, bytes);
	if (y->n + 2 > y->cap) {
		size_t cap = y->cap ? 2 * y->cap : (size_t)4 * RETIRE_BATCH;
		uint32_t *list = realloc(y->list, cap * sizeof(*list));
		if (!list) {
			readers_wait();
			slab_release(s, id, bytes);
			return;
		}
		y->list = list;
		y->cap = cap;
	}
	s->bytes_used -= (size_t)class_units(class) * s->unit;
	s->bytes_waiting += (size_t)class_units(class) * s->unit;
	y->list[y->n++] = id;
	y->list[y->n++] = class;
	if (y->n >= (size_t)2 * RETIRE_BATCH)
		retired_turn(s);
}
