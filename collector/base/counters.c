/* The arena of counters: one anonymous shared mapping from which blocks are cut off and never given back.
 *
 * Blocks, values and labels all stand in it, so a child that was forked later sees the blocks of its parent
 * at the same address. Descriptions do not: they are constants of the program, equal in every process because
 * processes are made by fork without exec. */
#include "collector/base/counters.h"

#include <sys/mman.h>

/* Enough for thousands of blocks; pages that are not used cost nothing. */
#define ARENA_BYTES (4u << 20)

static struct {
	uint8_t *mem;
	size_t used;
	struct counter_block *first, *last;
} arena;

bool
counters_init(void)
{
	if (arena.mem)
		return true;
	void *p = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return false;
	arena.mem = p;
	return true;
}

/* Zeroed by the kernel. NULL when full: a daemon then refuses to start rather than to count nothing. */
static void *
arena_take(size_t n)
{
	n = (n + 63) & ~(size_t)63; /* blocks of different writers never share a cache line */
	if (!arena.mem || ARENA_BYTES - arena.used < n)
		return NULL;
	void *p = arena.mem + arena.used;
	arena.used += n;
	return p;
}

/* Values begin on a cache line of their own behind the header: readers walk headers while the one writer
 * adds, and must not slow it down. Not safe against another thread adding a block. */
struct counter_block *
counters_add(const struct counter_desc *desc, unsigned n, const char *labels)
{
	struct counter_block *b = arena_take(sizeof(*b) + 64 + n * sizeof(uint64_t));
	if (!b)
		return NULL;
	b->desc = desc;
	b->n = n;
	snprintf(b->labels, sizeof(b->labels), "%s", labels ? labels : "");
	b->value = (uint64_t *)(void *)((uint8_t *)b + ((sizeof(*b) + 63) & ~(size_t)63));
	if (arena.last)
		arena.last->next = b;
	else
		arena.first = b;
	arena.last = b;
	return b;
}

const struct counter_block *
counters_first(void)
{
	return arena.first;
}
