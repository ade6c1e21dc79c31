/* The registry of counters.
 *
 * A module describes its counters as rows; a block is one set of values for them (one per source thread, per
 * queue, per plugin). All blocks live in one shared mapping made before any process forks, so that the core
 * can show what a plugin counts, also after that plugin died. A block has one writer; readers see every value
 * whole (relaxed atomics), and may be any thread or process. */
#ifndef FLOWRIB_BASE_COUNTERS_H
#define FLOWRIB_BASE_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum counter_kind { COUNTER_SUM, COUNTER_GAUGE };

struct counter_desc {
	const char *name;   /* Prometheus style without prefix, e.g. "datagrams_dropped" */
	const char *labels; /* fixed labels, e.g. reason="truncated", or NULL */
	const char *help;   /* one line; rows of one name share the first row's */
	enum counter_kind kind;
};

struct counter_block {
	const struct counter_desc *desc;
	unsigned n;
	char labels[160]; /* labels of the block, e.g. plugin="foo" */
	uint64_t *value;
	struct counter_block *next;
};

/* Reserves the shared mapping. Call once, before the first block and the first fork; false when memory is
 * short. */
bool counters_init(void);

/* A block of zeros for n rows. labels is copied. Only before processes fork. Never freed. NULL when the
 * mapping is full. */
struct counter_block *counters_add(const struct counter_desc *desc, unsigned n, const char *labels);

/* The list of all blocks, in the order of their making. */
const struct counter_block *counters_first(void);

static inline uint64_t
counter_read(const struct counter_block *b, unsigned id)
{
	return __atomic_load_n(&b->value[id], __ATOMIC_RELAXED);
}

static inline void
counter_set(struct counter_block *b, unsigned id, uint64_t v)
{
	__atomic_store_n(&b->value[id], v, __ATOMIC_RELAXED);
}

static inline void
counter_add(struct counter_block *b, unsigned id, uint64_t n)
{
	counter_set(b, id, counter_read(b, id) + n);
}

#endif
