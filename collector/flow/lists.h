/* Lists of numbers that an operator keeps (ports_file, protos_file, tos_file): one a line, protocols by name
 * or number. Values that are not listed are folded into one. Immutable: a reload loads another and swaps. */
#ifndef FLOWRIB_FLOW_LISTS_H
#define FLOWRIB_FLOW_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum list_kind { LIST_PORTS, LIST_PROTOS, LIST_TOS, LIST_KINDS };

struct list {
	uint64_t word[65536 / 64]; /* a bit per value */
};

/* NULL and "file:line: what" in err when the file cannot be read or a line holds anything else. */
struct list *list_load(const char *path, enum list_kind kind, char *err, size_t errlen);
void list_free(struct list *l);

static inline bool
list_has(const struct list *l, uint16_t value)
{
	return l->word[value / 64] >> (value % 64) & 1;
}

#endif
