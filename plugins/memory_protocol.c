/* Frames and requests; see memory_protocol.h.
 *
 * Both sides link this file, so a frame is written and read by neighbours. What comes from the other side is
 * read through the bounded cursor only, on the client's side too: a socket may be anybody's.
 *
 * Reserved for later: the flags of an answer are zero, and a client ignores lines of STATUS that it does not
 * know. Types are never used again for something else. */
#include "plugins/memory_protocol.h"

/* The way back of wire_u16() and its siblings; n is 1 to 8. */
static uint8_t *
put_be(uint8_t *p, uint64_t v, unsigned n)
{
	while (n--)
		*p++ = (uint8_t)(v >> (8 * n));
	return p;
}

/* --- headers and requests --- */

/* out needs MEMORY_HEADER bytes; it may stand unaligned in a frame. */
void
memory_header_put(uint8_t *out, const struct memory_header *h)
{
	out = put_be(out, MEMORY_MAGIC, 4);
	out = put_be(out, h->type, 2);
	out = put_be(out, h->flags, 2);
	out = put_be(out, h->bytes, 4);
	put_be(out, h->count, 4);
}

/* The magic alone decides. Type and size are judged by who knows what is allowed at that point: a table takes
 * other types and sizes than a client. */
bool
memory_header_get(struct memory_header *h, const uint8_t *in)
{
	struct wire w = wire_over(in, MEMORY_HEADER);
	bool ours = wire_u32(&w) == MEMORY_MAGIC;
	h->type = wire_u16(&w);
	h->flags = wire_u16(&w);
	h->bytes = wire_u32(&w);
	h->count = wire_u32(&w);
	return ours;
}

/* A value of no bytes is a value: an empty label can be asked for. */
bool
memory_value_next(struct wire *values, const uint8_t **value, size_t *len)
{
	uint16_t n = wire_u16(values);
	*len = 0;
	*value = NULL;
	if (n == MEMORY_ANY)
		return false;
	*value = wire_bytes(values, n);
	*len = n;
	return true;
}

/* Walks all values once: afterwards they can be read without looking for the end. */
static bool
values_complete(const struct memory_request *r)
{
	struct wire w = r->values;
	const uint8_t *value;
	size_t len;
	for (uint64_t i = (uint64_t)r->queries * r->columns; i && !w.failed; i--)
		memory_value_next(&w, &value, &len);
	return !w.failed && wire_left(&w) == 0;
}

/* All that can be wrong without knowing the table is found here, so that later steps need not look again. */
bool
memory_request_decode(struct memory_request *r, const struct memory_header *h, const uint8_t *body, char *err,
		      size_t errlen)
{
	struct wire w = wire_over(body, h->bytes);
	*r = (struct memory_request){.type = h->type, .flags = h->flags};
	r->counter = wire_u16(&w);
	r->columns = wire_u16(&w);
	r->top = wire_u32(&w);
	r->queries = wire_u32(&w);
	/* the cursor's error is sticky: one look for all four fields */
	const char *wrong = NULL;
	if (w.failed)
		wrong = "the request is too short";
	else if (r->columns > ARRAY_SIZE(r->column))
		wrong = "the request names too many columns";
	else if (r->queries > MEMORY_QUERIES_MAX)
		wrong = "more than 4096 queries in a request";
	else if (r->top > MEMORY_TOP_MAX)
		wrong = "more than the 65536 largest entries asked for";
	else if ((r->type == MEMORY_MATCH || r->type == MEMORY_COUNT) != (r->queries > 0))
		wrong = "queries and the kind of request do not go together";
	for (unsigned i = 0; !wrong && i < r->columns; i++)
		r->column[i] = wire_u16(&w);
	r->values = w;
	if (!wrong && !values_complete(r))
		wrong = "the queries are cut short or too long";
	if (wrong)
		snprintf(err, errlen, "%s", wrong);
	return wrong == NULL;
}
