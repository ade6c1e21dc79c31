/* Matching thousands of queries in one walk.
 *
 * Queries that leave the same columns open form a group. A group is a hash table of its queries by the values
 * they give, so an entry costs one look-up a group, however many queries there are: 4,096 hosts asked for in
 * one request cost about what one does. Groups are few, since people and scripts vary values, not columns;
 * their number is bounded, and with it the work an entry can be.
 *
 * Values are compared as the bytes that stand in the key, so nothing is parsed or converted here: the client
 * made those bytes with the same table of primitives. A group's values are gathered from the entry into
 * scratch, hashed once, and compared with the few queries of that place.
 *
 * Rejected: comparing query by query (4,096 comparisons an entry), and one hash table over all queries with
 * open columns as wildcards (they hash to nothing in particular).
 *
 * The object is built once, then only read, but for scratch: one job uses it, on one thread. */
#include "plugins/memory_match.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define GROUPS_MAX 256
#define NONE	   UINT32_MAX

struct pattern {
	uint64_t bit[(LAYOUT_FIELDS_MAX + 63) / 64]; /* by number of the request's column */
};

/* A query's values stand in the blob one after the other: fixed ones as in the key, variable ones with their
 * length before them. */
struct query {
	uint32_t offset;
	uint32_t len;
	uint32_t next; /* with the same hash place */
	uint16_t group;
};

/* field[] is in the order of the request's columns, as are the values in the blob. A group of n queries has
 * the next power of two above 2 n places, so chains are short. */
struct group {
	struct pattern pattern;
	const struct layout_field *field[LAYOUT_FIELDS_MAX];
	unsigned fields;
	uint32_t *place; /* first query by hash, NONE when there is none */
	uint32_t mask;
	uint32_t queries;
};

/* Columns are pointers into the layout, which must outlive the match. */
struct match {
	const struct layout *layout;
	const struct layout_field *column[LAYOUT_FIELDS_MAX];
	unsigned columns;
	struct group *group;
	unsigned groups;
	struct query *query;
	uint32_t queries;
	uint8_t *blob;
	uint32_t blob_used;
	uint8_t *scratch; /* an entry's values gathered, or a key put together */
	bool exact;
};

/* --- compiling --- */

/* A column given twice would let a query contradict itself. */
static bool
take_columns(struct match *m, const struct memory_request *r, char *err, size_t errlen)
{
	bool seen[LAYOUT_FIELDS_MAX] = {false};
	m->columns = r->columns;
	for (unsigned i = 0; i < r->columns; i++) {
		if (r->column[i] >= m->layout->fields || seen[r->column[i]]) {
			snprintf(err, errlen, "column number %u of the request is unknown or given twice",
				 r->column[i]);
			return false;
		}
		seen[r->column[i]] = true;
		m->column[i] = &m->layout->field[r->column[i]];
	}
	return true;
}

/* The group of a pattern, made when it is new; NULL when there are too many. */
static struct group *
find_group(struct match *m, const struct pattern *p)
{
	for (unsigned i = 0; i < m->groups; i++) {
		if (memcmp(&m->group[i].pattern, p, sizeof(*p)) == 0)
			return &m->group[i];
	}
	if (m->groups == GROUPS_MAX)
		return NULL;
	struct group *g = &m->group[m->groups++];
	*g = (struct group){.pattern = *p};
	for (unsigned i = 0; i < m->columns; i++) {
		if (p->bit[i / 64] >> (i % 64) & 1)
			g->field[g->fields++] = m->column[i];
	}
	return g;
}

/* The width of a fixed column is what the layout says, so gather() can lay an entry's bytes beside the
 * query's without looking at lengths. */
static bool
store_value(struct match *m, const struct layout_field *f, const uint8_t *value, size_t len, char *err,
	    size_t errlen)
{
	uint16_t n = (uint16_t)len;
	if (f->width ? len != f->width : len > LAYOUT_VALUE_MAX) {
		snprintf(err, errlen, "a value of column %s has %zu bytes instead of %s%u",
			 primitive_get(f->id)->name, len, f->width ? "" : "at most ",
			 f->width ? f->width : LAYOUT_VALUE_MAX);
		return false;
	}
	if (f->width == 0) {
		memcpy(m->blob + m->blob_used, &n, sizeof(n));
		m->blob_used += sizeof(n);
	}
	memcpy(m->blob + m->blob_used, value, len);
	m->blob_used += n;
	return true;
}

/* Puts one query into the blob and into its group. */
static bool
take_query(struct match *m, struct wire *values, char *err, size_t errlen)
{
	struct query *q = &m->query[m->queries];
	struct pattern p = {{0}};
	const uint8_t *value;
	size_t len;
	*q = (struct query){.offset = m->blob_used, .next = NONE};
	for (unsigned i = 0; i < m->columns; i++) {
		if (!memory_value_next(values, &value, &len))
			continue;
		/* the set of columns given is the query's pattern, and decides its group */
		p.bit[i / 64] |= 1ULL << (i % 64);
		if (!value || !store_value(m, m->column[i], value, len, err, errlen))
			return false;
	}
	struct group *g = find_group(m, &p);
	if (!g) {
		snprintf(err, errlen, "more than %d different sets of columns in one request", GROUPS_MAX);
		return false;
	}
	q->len = m->blob_used - q->offset;
	q->group = (uint16_t)(g - m->group);
	g->queries++;
	m->queries++;
	m->exact &= g->fields == m->layout->fields;
	return true;
}

/* 32 bits are enough: there are at most 4,096 queries, and equal hashes are told apart by the values. */
static uint32_t
hash(const uint8_t *p, size_t n)
{
	return (uint32_t)XXH3_64bits(p, n);
}

/* Queries are put in from the last to the first, so each chain stands in the order of the request. */
static bool
build_places(struct match *m)
{
	for (unsigned i = 0; i < m->groups; i++) {
		struct group *g = &m->group[i];
		uint32_t size = 1;
		while (size < 2 * g->queries)
			size *= 2;
		g->mask = size - 1;
		g->place = malloc(size * sizeof(*g->place));
		if (!g->place)
			return false;
		memset(g->place, 0xff, size * sizeof(*g->place));
	}
	for (uint32_t i = m->queries; i--;) {
		struct query *q = &m->query[i];
		struct group *g = &m->group[q->group];
		uint32_t *place = &g->place[hash(m->blob + q->offset, q->len) & g->mask];
		q->next = *place;
		*place = i;
	}
	return true;
}

/* Everything a request may need at once: afterwards nothing can fail half-way for want of memory. */
static bool
allocate(struct match *m, const struct memory_request *r)
{
	m->query = calloc(r->queries, sizeof(*m->query));
	m->group = calloc(r->queries < GROUPS_MAX ? r->queries : GROUPS_MAX, sizeof(*m->group));
	m->blob = malloc(wire_left(&r->values) + 1); /* every value brought two bytes of length with it */
	m->scratch = calloc(1, (size_t)UINT16_MAX + LAYOUT_FIELDS_MAX * (LAYOUT_VALUE_MAX + 2));
	return m->query && m->group && m->blob && m->scratch;
}

/* Everything that can fail is done here; afterwards matching has no error path. */
struct match *
match_new(const struct layout *l, struct memory_request *r, char *err, size_t errlen)
{
	struct match *m = calloc(1, sizeof(*m));
	snprintf(err, errlen, "not enough memory for the request");
	if (!m)
		return NULL;
	m->layout = l;
	/* until a query leaves a column open */
	m->exact = true;
	bool ok = allocate(m, r) && take_columns(m, r, err, errlen);
	/* after this loop the request's cursor is used up: the values live in the blob */
	for (uint32_t i = 0; ok && i < r->queries; i++)
		ok = take_query(m, &r->values, err, errlen);
	if (ok && build_places(m))
		return m;
	match_free(m);
	return NULL;
}

/* Also used on a match that was only half built: groups beyond what was filled in have no places yet, NULL.
 */
void
match_free(struct match *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < m->groups; i++)
		free(m->group[i].place);
	free(m->group);
	free(m->query);
	free(m->blob);
	free(m->scratch);
	free(m);
}

/* --- matching --- */

/* As many as the request had; queries are numbered in its order. */
uint32_t
match_queries(const struct match *m)
{
	return m->queries;
}

/* One gather and one look-up a group, so the number of groups is what an entry costs. */
unsigned
match_cost(const struct match *m)
{
	return m->groups;
}

/* The record's values of the group's columns, in the blob's form; returns their length. */
static size_t
gather(const struct match *m, const struct group *g, const uint8_t *record)
{
	uint8_t *p = m->scratch;
	for (unsigned i = 0; i < g->fields; i++) {
		const struct layout_field *f = g->field[i];
		size_t len = f->width;
		const uint8_t *value = len ? record + f->offset : layout_value(m->layout, f, record, &len);
		if (f->width == 0) {
			uint16_t n = (uint16_t)len;
			memcpy(p, &n, sizeof(n));
			p += sizeof(n);
		}
		memcpy(p, value, len);
		p += len;
	}
	return (size_t)(p - m->scratch);
}

/* Hashes of 32 bits collide; the values decide. */
static bool
query_wants(const struct match *m, uint32_t q, size_t len)
{
	return m->query[q].len == len && memcmp(m->blob + m->query[q].offset, m->scratch, len) == 0;
}

/* A group of one query has one place, and nothing is hashed for it. */
bool
match_any(struct match *m, const uint8_t *record)
{
	for (unsigned i = 0; i < m->groups; i++) {
		const struct group *g = &m->group[i];
		size_t len = gather(m, g, record);
		uint32_t q = g->place[g->mask ? hash(m->scratch, len) & g->mask : 0];
		for (; q != NONE; q = m->query[q].next) {
			if (query_wants(m, q, len))
				return true;
		}
	}
	return false;
}

/* Unlike match_any() this goes on after a hit: several queries may want one entry. */
void
match_each(struct match *m, const uint8_t *record, match_hit *fn, void *ctx)
{
	for (unsigned i = 0; i < m->groups; i++) {
		const struct group *g = &m->group[i];
		size_t len = gather(m, g, record);
		uint32_t q = g->place[g->mask ? hash(m->scratch, len) & g->mask : 0];
		for (; q != NONE; q = m->query[q].next) {
			if (query_wants(m, q, len))
				fn(ctx, q);
		}
	}
}

/* --- exact keys --- */

/* True when every query gives all columns: then the index answers and no walk is needed. One open column in
 * one query is enough to need the walk, which then serves all of them. */
bool
match_exact(const struct match *m)
{
	return m->exact;
}

/* Queries of one place stand in the order of the request. */
bool
match_repeated(const struct match *m, uint32_t number)
{
	const struct query *q = &m->query[number];
	const struct group *g = &m->group[q->group];
	uint32_t i = g->place[hash(m->blob + q->offset, q->len) & g->mask];
	for (; i != number; i = m->query[i].next) {
		if (m->query[i].len == q->len &&
		    memcmp(m->blob + m->query[i].offset, m->blob + q->offset, q->len) == 0)
			return true;
	}
	return false;
}

/* Where the value of field f stands in query q, and its length. */
static const uint8_t *
query_value(const struct match *m, const struct query *q, const struct layout_field *f, size_t *len)
{
	const struct group *g = &m->group[q->group];
	const uint8_t *p = m->blob + q->offset;
	for (unsigned i = 0; i < g->fields; i++) {
		uint16_t n = g->field[i]->width;
		if (n == 0) {
			memcpy(&n, p, sizeof(n));
			p += sizeof(n);
		}
		*len = n;
		if (g->field[i] == f)
			return p;
		p += n;
	}
	*len = 0;
	return p;
}

/* Variable fields stand in the key in an order of their own, not in that of the layout's list. */
static const struct layout_field *
variable_field(const struct layout *l, unsigned place)
{
	for (unsigned i = 0; i < l->fields; i++) {
		if (l->field[i].width == 0 && l->field[i].offset == place)
			return &l->field[i];
	}
	return NULL;
}

/* The same bytes layout_pack() would have made: zeros wherever no value stands, the length in front of a
 * variable key. */
const uint8_t *
match_key(struct match *m, uint32_t number, uint8_t kind)
{
	const struct layout *l = m->layout;
	const struct query *q = &m->query[number];
	uint8_t *key = m->scratch, *p = key + l->fixed_size;
	const struct layout_field *f;
	size_t len;
	memset(key, 0, (size_t)(l->key_size ? l->key_size : l->fixed_size));
	for (unsigned i = 0; i < l->fields; i++) {
		f = &l->field[i];
		const uint8_t *value = query_value(m, q, f, &len);
		if (f->width)
			memcpy(key + f->offset, value, len);
	}
	/* no column, but part of the key: the caller tries each kind */
	key[l->kind_offset] = kind;
	if (l->key_size)
		return key;
	for (unsigned i = 0; (f = variable_field(l, i)) != NULL; i++) {
		const uint8_t *value = query_value(m, q, f, &len);
		uint16_t n = (uint16_t)len;
		memcpy(p, &n, sizeof(n));
		memcpy(p + sizeof(n), value, len);
		p += sizeof(n) + len;
	}
	/* counters behind the key are eight bytes each and must be aligned */
	while ((p - key) % 8)
		*p++ = 0;
	uint16_t total = (uint16_t)(p - key);
	memcpy(key, &total, sizeof(total));
	return key;
}
