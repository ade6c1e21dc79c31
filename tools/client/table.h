/* Rows as a table for people: columns as wide as what stands in them, numbers to the right. */
#ifndef FLOWRIB_TOOLS_CLIENT_TABLE_H
#define FLOWRIB_TOOLS_CLIENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/text.h"

#define TABLE_SEPARATOR '\x1f' /* between cells of a line; no value holds it */

struct table;

/* human: counters as 1.2 G instead of 1200000000. */
struct table *table_new(bool human);
void table_free(struct table *t);

/* Adds lines, each with cells after TABLE_SEPARATOR and a newline at the end. The very first is the header.
 * Rows come out once enough of them are known to choose widths by. */
void table_add(struct table *t, const char *lines, size_t n, struct text *out);
/* Brings out what is still held back. */
void table_end(struct table *t, struct text *out);

/* 1234567 as "1.23 M". */
void human_number(char *out, size_t n, double v);

#endif
