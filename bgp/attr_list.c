/* Lists that are sets: communities of all kinds, AS sets. They are kept in ascending order without
 * duplicates.
 *
 * The RFCs call them sets, so nothing is lost (RFC 1997, RFC 4360, 2; RFC 8092, 5; RFC 4271, 4.3), what two
 * speakers ordered differently is stored once, and the message log says the same as pmacct's, which does so
 * too. Most speakers send them in order: one pass finds that out and nothing is moved. What is not in order
 * is merged from runs, in n log n steps whatever a peer makes up, beside itself in the scratch area. */
#include "bgp/walk.h"

struct kind {
	size_t size;
	int (*compare)(const uint8_t *a, const uint8_t *b);
};

/* Elements are not aligned. */
static inline uint32_t
word(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

static int
compare_word(const uint8_t *a, const uint8_t *b)
{
	uint32_t x = word(a), y = word(b);
	return (x > y) - (x < y);
}

/* As on the wire: by type, by kind, by value. */
static int
compare_ext(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, 8);
}

/* By administrator, then by the two parts: numbers of this machine, so not as memory. */
static int
compare_large(const uint8_t *a, const uint8_t *b)
{
	for (unsigned i = 0; i < 12; i += 4)
		if (word(a + i) != word(b + i))
			return word(a + i) > word(b + i) ? 1 : -1;
	return 0;
}

static const struct kind kinds[] = {
    [BGP_LIST_WORD] = {4, compare_word},
    [BGP_LIST_EXT] = {8, compare_ext},
    [BGP_LIST_LARGE] = {12, compare_large},
};

/* True when nothing is to be done: each is greater than the one before. */
static bool
ascending(const struct kind *k, const uint8_t *list, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		if (k->compare(list + (i - 1) * k->size, list + i * k->size) >= 0)
			return false;
	return true;
}

/* Two runs that are in order, behind one another at `from`, into one at `to`. */
static void
merge(const struct kind *k, const uint8_t *from, unsigned first, unsigned all, uint8_t *to)
{
	const uint8_t *a = from, *b = from + first * k->size;
	const uint8_t *a_end = b, *b_end = from + all * k->size;

	for (; a < a_end || b < b_end; to += k->size) {
		bool take_a = b == b_end || (a < a_end && k->compare(a, b) <= 0);
		const uint8_t **p = take_a ? &a : &b;
		memcpy(to, *p, k->size);
		*p += k->size;
	}
}

/* Runs of 1, 2, 4 ... to and fro between the list and the place beside it, which is as large. */
static void
sort(const struct kind *k, uint8_t *list, unsigned n, uint8_t *beside)
{
	uint8_t *from = list, *to = beside;

	for (unsigned run = 1; run < n; run *= 2) {
		for (unsigned at = 0; at < n; at += 2 * run) {
			unsigned all = n - at < 2 * run ? n - at : 2 * run;
			merge(k, from + at * k->size, run < all ? run : all, all, to + at * k->size);
		}
		uint8_t *last = from;
		from = to;
		to = last;
	}
	if (from != list)
		memcpy(list, from, n * k->size);
}

/* Of equal neighbours the first stays. n is at least 1. */
static unsigned
unique(const struct kind *k, uint8_t *list, unsigned n)
{
	unsigned kept = 1;

	for (unsigned i = 1; i < n; i++)
		if (k->compare(list + (kept - 1) * k->size, list + i * k->size) != 0)
			memmove(list + kept++ * k->size, list + i * k->size, k->size);
	return kept;
}

unsigned
bgp_list_settle(struct bgp_walk *w, enum bgp_list list, uint8_t *p, unsigned n)
{
	const struct kind *k = &kinds[list];

	if (likely(ascending(k, p, n)) || (size_t)(w->mem_end - w->mem) < n * k->size)
		return n;
	sort(k, p, n, w->mem);
	return unique(k, p, n);
}

bool
bgp_list_words(struct bgp_walk *w, enum bgp_list list, struct wire *v, struct bgp_bytes *out)
{
	size_t len = wire_left(v), size = kinds[list].size;
	uint8_t *mem = bgp_walk_take(w, len);
	const uint8_t *p = wire_bytes(v, len);

	if (!mem || !p)
		return false;
	for (size_t i = 0; i + 4 <= len; i += 4) {
		uint32_t host = load_be32(p + i);
		memcpy(mem + i, &host, sizeof(host));
	}
	*out =
	    (struct bgp_bytes){mem, (uint32_t)(size * bgp_list_settle(w, list, mem, (unsigned)(len / size)))};
	return true;
}

bool
bgp_list_ext(struct bgp_walk *w, struct wire *v, struct bgp_bytes *out)
{
	const struct kind *k = &kinds[BGP_LIST_EXT];
	size_t len = wire_left(v);
	const uint8_t *p = wire_bytes(v, len);
	unsigned n = (unsigned)(len / k->size);

	if (!p)
		return false;
	*out = (struct bgp_bytes){p, (uint32_t)len};
	if (likely(ascending(k, p, n)))
		return true;
	uint8_t *mem = bgp_walk_take(w, len);
	if (!mem)
		return false;
	memcpy(mem, p, len);
	*out = (struct bgp_bytes){mem, (uint32_t)(k->size * bgp_list_settle(w, BGP_LIST_EXT, mem, n))};
	return true;
}
