/* Answering requests in steps; see memory_job.h.
 *
 * A job walks the table with a cursor, so between two steps records are absorbed as ever, and what a job
 * holds is bounded: one frame, or the N largest entries as pointers, or one sum a query. Entries never move,
 * so the pointers hold until the table is erased, which the cache's generation tells.
 *
 * Invariants: out->len - job->frame is what the open frame holds, its header included; between two steps no
 * frame is open; whatever stands in the outbox is whole frames. A job never looks at the socket, and the
 * server never at a job's inside: so jobs are tested without either.
 *
 * Rejected: keeping a copy of the rows to answer from (a dump of ten million entries would double the
 * memory), and sorting the whole table for the N largest (a heap of N costs one comparison for most entries).
 */
#include "plugins/memory_job.h"

#include "plugins/memory_match.h"

#define FRAME_FULL  ((size_t)128 << 10) /* a frame is closed when it has grown to this */
#define OUTBOX_KEEP ((size_t)1 << 20)

/* --- the outbox --- */

/* Doubling keeps a locked dump of any size linear; NULL is an answer here, for a request must never end the
 * daemon. */
uint8_t *
outbox_reserve(struct outbox *o, size_t n)
{
	if (o->cap - o->len < n) {
		size_t cap = o->cap ? o->cap * 2 : 4096;
		while (cap - o->len < n)
			cap *= 2;
		uint8_t *p = realloc(o->data, cap);
		if (!p)
			return NULL;
		o->data = p;
		o->cap = cap;
	}
	return o->data + o->len;
}

/* p may be NULL when n is 0, as for a frame without a body. */
bool
outbox_add(struct outbox *o, const void *p, size_t n)
{
	uint8_t *to = outbox_reserve(o, n);
	if (to && n)
		memcpy(to, p, n);
	o->len += to ? n : 0;
	return to != NULL;
}

/* Room for both parts is reserved at once: a header without its body must never stand in the outbox. */
bool
outbox_frame(struct outbox *o, uint16_t type, uint32_t count, const void *body, size_t n)
{
	uint8_t header[MEMORY_HEADER];
	if (!outbox_reserve(o, sizeof(header) + n))
		return false;
	memory_header_put(header,
			  &(struct memory_header){.type = type, .bytes = (uint32_t)n, .count = count});
	return outbox_add(o, header, sizeof(header)) && outbox_add(o, body, n);
}

/* Memory of an exceptional answer is given back, that of a usual one is kept for the next. */
void
outbox_empty(struct outbox *o)
{
	o->len = o->sent = 0;
	if (o->cap > OUTBOX_KEEP)
		outbox_free(o);
}

/* Leaves an empty outbox that can be used again. */
void
outbox_free(struct outbox *o)
{
	free(o->data);
	*o = (struct outbox){0};
}

/* --- jobs --- */

/* Walk or look up; then rows of the heap, if any; then sums and END. Phases only go forward. */
enum phase { PHASE_SCAN, PHASE_TOP, PHASE_END };

/* An entry among the largest, with its counter as it was when it was met. */
struct candidate {
	uint64_t value;
	uint8_t *entry;
};

struct sum {
	uint64_t matches;
	uint64_t counter[LAYOUT_COUNTERS_MAX];
};

struct job {
	struct cache *cache;
	const struct layout *layout;
	struct match *match; /* NULL: all entries */
	struct cache_cursor cursor;
	uint64_t generation;
	enum phase phase;
	bool reset;
	unsigned counter;
	struct candidate *top; /* a heap, the smallest first, until the walk is over */
	uint32_t top_n, top_max, top_sent;
	struct sum *sum; /* COUNT: one a query */
	uint32_t sums;
	uint8_t *counted; /* of the entry being counted: its counters */
	uint64_t rows;
	size_t frame; /* where the frame being filled begins in the outbox */
	uint32_t frame_rows;
};

/* What the request asks for is checked against the table here, before anything is sent. */
struct job *
job_new(struct cache *c, const struct layout *l, struct memory_request *r, char *err, size_t errlen)
{
	if (r->counter >= l->counters) {
		snprintf(err, errlen, "the table has no counter number %u", r->counter);
		return NULL;
	}
	struct job *j = calloc(1, sizeof(*j));
	snprintf(err, errlen, "not enough memory for the request");
	if (!j)
		return NULL;
	j->cache = c;
	j->layout = l;
	j->generation = cache_generation(c);
	j->counter = r->counter;
	/* a dump with reset would be an erase that keeps the keys: not offered */
	j->reset = r->flags & MEMORY_RESET && r->type != MEMORY_DUMP;
	/* sums have no order, so "the largest" means nothing for COUNT */
	j->top_max = r->type == MEMORY_COUNT ? 0 : r->top;
	j->sums = r->type == MEMORY_COUNT ? r->queries : 0;
	bool ok = true;
	if (j->top_max)
		ok = (j->top = malloc(j->top_max * sizeof(*j->top))) != NULL;
	if (ok && j->sums)
		ok = (j->sum = calloc(j->sums, sizeof(*j->sum))) != NULL;
	if (ok && r->type != MEMORY_DUMP)
		ok = (j->match = match_new(l, r, err, errlen)) != NULL;
	if (ok)
		return j;
	job_free(j);
	return NULL;
}

/* May be called in any phase. Entries belong to the cache, only the places that point to them go. */
void
job_free(struct job *j)
{
	if (!j)
		return;
	match_free(j->match);
	free(j->top);
	free(j->sum);
	free(j);
}

/* Rows of frames that are closed; the frame being filled is added when it ends. */
uint64_t
job_rows(const struct job *j)
{
	return j->rows;
}

/* --- the N largest --- */

/* Puts c where it belongs in the heap, from place i down. */
static void
sift_down(struct candidate *heap, uint32_t n, uint32_t i, struct candidate c)
{
	for (uint32_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && heap[child + 1].value < heap[child].value)
			child++;
		if (heap[child].value >= c.value)
			break;
		heap[i] = heap[child];
	}
	heap[i] = c;
}

/* Until the heap is full entries are only collected; then it is ordered once. */
static void
offer(struct job *j, uint8_t *entry)
{
	struct candidate c = {.entry = entry};
	size_t at = layout_key_size(j->layout, entry) + j->counter * sizeof(uint64_t);
	memcpy(&c.value, entry + at, sizeof(c.value));
	if (j->top_n < j->top_max) {
		j->top[j->top_n++] = c;
		if (j->top_n == j->top_max) {
			for (uint32_t i = j->top_n / 2; i--;)
				sift_down(j->top, j->top_n, i, j->top[i]);
		}
	} else if (c.value > j->top[0].value) {
		sift_down(j->top, j->top_n, 0, c);
	}
}

/* Largest first; equal ones in order of arrival. */
static int
larger(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

/* --- rows --- */

/* The header's room is left open: how many rows there will be is known at the end. */
static bool
frame_begin(struct job *j, struct outbox *out)
{
	j->frame = out->len;
	j->frame_rows = 0;
	if (!outbox_reserve(out, MEMORY_HEADER))
		return false;
	out->len += MEMORY_HEADER;
	return true;
}

/* Writes the header, now that the frame is known; no row, no frame. */
static void
frame_end(struct job *j, struct outbox *out)
{
	struct memory_header h = {.type = MEMORY_RECORDS,
				  .bytes = (uint32_t)(out->len - j->frame - MEMORY_HEADER),
				  .count = j->frame_rows};
	if (j->frame_rows)
		memory_header_put(out->data + j->frame, &h);
	else
		out->len = j->frame;
	j->rows += j->frame_rows;
}

/* The key stays: an entry at zero is shown like any other, as pmacct does. */
static void
reset(const struct job *j, uint8_t *entry)
{
	memset(entry + layout_key_size(j->layout, entry), 0, j->layout->counters * sizeof(uint64_t));
}

/* The record is copied as it is, counters included, between two batches of records: so a row is never torn,
 * though rows of one dump are of different moments unless it was locked. */
static bool
add_row(struct job *j, struct outbox *out, uint8_t *entry)
{
	if (out->len - j->frame >= FRAME_FULL) {
		frame_end(j, out);
		if (!frame_begin(j, out))
			return false;
	}
	if (!outbox_add(out, entry, layout_record_size(j->layout, entry)))
		return false;
	j->frame_rows++;
	if (j->reset)
		reset(j, entry);
	return true;
}

/* The first hit replaces the zeros instead of merging with them: a minimum of 0 would be taken for a time. */
static void
count_hit(void *ctx, uint32_t query)
{
	struct job *j = ctx;
	struct sum *s = &j->sum[query];
	if (s->matches++ == 0)
		memset(s->counter, 0, sizeof(s->counter));
	layout_merge(j->layout, (uint8_t *)s->counter, j->counted);
}

/* One entry of the walk. False: no memory. */
static bool
take_entry(struct job *j, struct outbox *out, uint8_t *e)
{
	if (j->sum) {
		j->counted = e + layout_key_size(j->layout, e);
		match_each(j->match, e, count_hit, j);
		if (j->reset && match_any(j->match, e))
			reset(j, e);
		return true;
	}
	if (j->match && !match_any(j->match, e))
		return true;
	if (!j->top)
		return add_row(j, out, e);
	offer(j, e);
	return true;
}

/* What query q, which names a whole key, finds in the index: as a flow, an event and an option record. */
typedef bool found_entry(struct job *j, struct outbox *out, uint32_t q, uint8_t *entry);

/* One look in the index for each query and kind of record, instead of a walk. The kind is part of the key but
 * not a column, so all three are tried. */
static bool
find_exact(struct job *j, struct outbox *out, found_entry *fn)
{
	for (uint32_t q = 0; q < match_queries(j->match); q++) {
		for (uint8_t kind = FLOW_KIND_FLOW; kind <= FLOW_KIND_OPTION; kind++) {
			uint8_t *e = cache_find(j->cache, match_key(j->match, q, kind));
			if (e && !fn(j, out, q, e))
				return false;
		}
	}
	return true;
}

/* A query given twice must not give its row twice; in a walk that cannot happen, since each entry is met
 * once. */
static bool
found_row(struct job *j, struct outbox *out, uint32_t q, uint8_t *entry)
{
	return match_repeated(j->match, q) || take_entry(j, out, entry);
}

/* Unlike rows, sums are given for each query, also for a repeated one. */
static bool
found_sum(struct job *j, struct outbox *out, uint32_t q, uint8_t *entry)
{
	(void)out;
	j->counted = entry + layout_key_size(j->layout, entry);
	count_hit(j, q);
	return true;
}

/* An entry that two queries named is reset twice, which does no harm. */
static bool
found_reset(struct job *j, struct outbox *out, uint32_t q, uint8_t *entry)
{
	(void)out;
	(void)q;
	reset(j, entry);
	return true;
}

/* The heap is turned into an order only here. qsort() of 65,536 candidates, the most a client may ask for,
 * takes a few milliseconds: the one step that is longer than a slice. */
static void
walk_over(struct job *j)
{
	j->phase = PHASE_TOP;
	if (j->top)
		qsort(j->top, j->top_n, sizeof(*j->top), larger);
}

/* All in one step. Sums are reset in a pass of their own: two queries may count the same entry. */
static bool
look_up(struct job *j, struct outbox *out)
{
	if (!find_exact(j, out, j->sum ? found_sum : found_row))
		return false;
	walk_over(j);
	return !j->sum || !j->reset || find_exact(j, out, found_reset);
}

/* One unit is about one comparison, so a step of many queries takes no longer than one of a plain dump. */
static bool
walk(struct job *j, struct outbox *out, size_t units)
{
	size_t cost = 1 + (j->match ? 2 * match_cost(j->match) : 0);
	for (size_t used = 0; used < units && out->len - j->frame < FRAME_FULL; used += cost) {
		uint8_t *e = cache_next(j->cache, &j->cursor);
		if (!e) {
			walk_over(j);
			return true;
		}
		if (!take_entry(j, out, e))
			return false;
	}
	return true;
}

/* After an erase the pointers mean nothing any more: the answer ends early, which END's figures show. */
static bool
send_top(struct job *j, struct outbox *out)
{
	bool alive = cache_generation(j->cache) == j->generation;
	while (alive && j->top_sent < j->top_n && out->len - j->frame < FRAME_FULL) {
		if (!add_row(j, out, j->top[j->top_sent++].entry))
			return false;
	}
	if (!alive || j->top_sent == j->top_n)
		j->phase = PHASE_END;
	return true;
}

/* Through memcpy, because rows of figures in a frame are not aligned. */
static void
put_be64(uint8_t *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof(v));
}

/* At most 4096 lines of nine figures: always one frame. */
static bool
send_sums(const struct job *j, struct outbox *out)
{
	size_t each = (1 + j->layout->counters) * sizeof(uint64_t);
	uint8_t *p = outbox_reserve(out, MEMORY_HEADER + j->sums * each);
	if (!p)
		return false;
	struct memory_header h = {
	    .type = MEMORY_COUNTERS, .bytes = (uint32_t)(j->sums * each), .count = j->sums};
	memory_header_put(p, &h);
	p += MEMORY_HEADER;
	for (uint32_t q = 0; q < j->sums; q++) {
		put_be64(p, j->sum[q].matches);
		p += sizeof(uint64_t);
		for (unsigned i = 0; i < j->layout->counters; i++, p += sizeof(uint64_t))
			put_be64(p, j->sum[q].counter[i]);
	}
	out->len += MEMORY_HEADER + h.bytes;
	return true;
}

/* The figures let a client see that a table was erased while it read: fewer rows than entries. Sums go out in
 * the same step, so an answer to COUNT is never half there. */
static bool
send_end(const struct job *j, struct outbox *out)
{
	uint8_t body[16];
	put_be64(body, j->rows);
	put_be64(body + 8, cache_entries(j->cache));
	return (!j->sum || send_sums(j, out)) && outbox_frame(out, MEMORY_END, 0, body, sizeof(body));
}

/* One phase a step: a walk, then rows of the heap, then the end. */
enum job_state
job_step(struct job *j, struct outbox *out, size_t units)
{
	bool ok = frame_begin(j, out);
	if (ok && j->phase == PHASE_SCAN)
		ok = j->match && match_exact(j->match) ? look_up(j, out) : walk(j, out, units);
	else if (ok && j->phase == PHASE_TOP)
		ok = send_top(j, out);
	/* what is in the outbox before this frame is whole and may still be sent */
	if (!ok) {
		out->len = j->frame; /* a frame begun is not sent */
		return JOB_NO_MEMORY;
	}
	frame_end(j, out);
	if (j->phase != PHASE_END)
		return JOB_MORE;
	return send_end(j, out) ? JOB_DONE : JOB_NO_MEMORY;
}
