/* Rows that come from the daemon, printed. */
#ifndef FLOWRIB_TOOLS_CLIENT_ROWS_H
#define FLOWRIB_TOOLS_CLIENT_ROWS_H

#include "collector/flow/format.h"
#include "tools/client/connection.h"

struct row_options {
	struct format_options format;
	bool table; /* instead of a format of format.h: aligned by what the columns hold */
	bool human; /* table only */
	bool total; /* "For a total of: N entries" at the end */
	bool sort;  /* largest first, by counter; holds all rows in memory */
	unsigned counter;
	uint32_t top; /* at most so many rows, 0: all */
};

/* Takes frames until the end of the answer and writes rows to standard output. False with why in c->err. */
bool rows_print(struct connection *c, const struct row_options *o);

/* Records collected in memory. */
struct row_list {
	uint8_t *data;
	size_t bytes, cap;
	uint64_t rows;
};
bool rows_collect(struct connection *c, struct row_list *list);
void row_list_free(struct row_list *list);
/* Pointers to the records, largest first by the counter; equal ones as they came. The caller frees them. */
const uint8_t **row_list_sorted(const struct row_list *list, const struct layout *l, unsigned counter);

/* Writes out and empties it; false with a message in c->err when the output is closed or full. */
bool rows_flush(struct connection *c, struct text *out);

#endif
