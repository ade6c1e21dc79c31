/* What the memory table and its client say to each other, over a Unix stream socket.
 *
 * Both directions are frames: a header of 16 bytes and a body. Numbers are in network byte order. The client
 * sends requests, one at a time; the table answers each with frames that end with END or ERROR. Rows travel
 * as packed records, exactly as the table holds them, and the client makes text of them: so the table's
 * process never spends its time on formatting. The records describe themselves: LAYOUT names every column,
 * says where it stands and how wide it is, so a client of another version shows what it knows and prints the
 * rest in hexadecimal. (Bytes inside a record are in host order; both ends are the same machine.)
 *
 *      header   magic u32, type u16, flags u16, bytes of body u32, count u32
 *      request  counter u16, columns u16, top u32, queries u32, then the columns' numbers u16 each, then for
 *               each query and column: length u16 (MEMORY_ANY: any value will do) and that many bytes, as
 * they stand in a key. Columns are numbers of LAYOUT's fields. Only MATCH and COUNT have queries. LAYOUT see
 * layout_describe RECORDS  count records back to back COUNTERS per query: matching entries u64, then
 * each counter of the layout u64 STATUS   text, one "name: value" a line ERROR    text for people END count
 * is 0; body: rows sent u64, entries in the table u64
 */
#ifndef FLOWRIB_PLUGINS_MEMORY_PROTOCOL_H
#define FLOWRIB_PLUGINS_MEMORY_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/text.h"
#include "collector/base/wire.h"
#include "collector/flow/layout_text.h"

#define MEMORY_MAGIC	    0x464c5231 /* "FLR1" */
#define MEMORY_HEADER	    16
#define MEMORY_REQUEST_HEAD 12
#define MEMORY_REQUEST_MAX  (2u << 20) /* bytes of a request's body */
#define MEMORY_FRAME_MAX    (1u << 20) /* bytes of an answer's body */
#define MEMORY_QUERIES_MAX  4096
#define MEMORY_TOP_MAX	    65536
#define MEMORY_ANY	    0xffff

enum memory_type {
	/* requests */
	MEMORY_LAYOUT = 1, /* answered by a frame of the same type, like STATUS */
	MEMORY_STATUS = 2,
	MEMORY_DUMP = 3,  /* all entries */
	MEMORY_MATCH = 4, /* entries that match any of the queries */
	MEMORY_COUNT = 5, /* counters of what matches each query */
	MEMORY_ERASE = 6,
	/* answers */
	MEMORY_RECORDS = 16,
	MEMORY_COUNTERS = 17,
	MEMORY_ERROR = 18,
	MEMORY_END = 19,
};

enum memory_flag {
	MEMORY_RESET = 1 << 0, /* MATCH, COUNT: set the counters of matched entries to zero */
	MEMORY_LOCK = 1 << 1,  /* make the answer in one step: everything in it is of one moment */
};

struct memory_header {
	uint16_t type;
	uint16_t flags;
	uint32_t bytes;
	uint32_t count;
};

/* A request taken apart. values stands at the first query and has been checked to hold all of them. */
struct memory_request {
	uint16_t type;
	uint16_t flags;
	uint16_t counter; /* of the layout, for top */
	uint32_t top;	  /* only so many rows, the largest by counter; 0: all */
	uint16_t columns;
	uint16_t column[LAYOUT_FIELDS_MAX];
	uint32_t queries;
	struct wire values;
};

/* Writes the 16 bytes of a header. */
void memory_header_put(uint8_t *out, const struct memory_header *h);
/* False when the bytes are no header. */
bool memory_header_get(struct memory_header *h, const uint8_t *in);

/* Takes the body of a request apart, pointing into it. False with a message when it is malformed. */
bool memory_request_decode(struct memory_request *r, const struct memory_header *h, const uint8_t *body,
			   char *err, size_t errlen);

/* The next value of a query from r->values: false for "any". */
bool memory_value_next(struct wire *values, const uint8_t **value, size_t *len);

#endif
