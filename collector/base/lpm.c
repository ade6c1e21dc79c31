/* A multibit trie whose nodes choose their own width.
 *
 * All nodes stand in one array of 32-bit cells. A cell is a value, or a reference to a node: its offset and
 * how many bits of the address it consumes. A node of s bits is 2^s cells; prefixes that end inside it are
 * spread over the cells they cover, so a lookup never goes back up: it follows references until it meets a
 * value. A node takes the widest s whose cells are in use for one part in FILL at least, or are not more than
 * ROOMY for each prefix below it: so the few long common beginnings of IPv6 are not walked in small steps.
 * That makes the top of a full table wide (three cells read for most addresses), an allow list of five lines
 * some hundred bytes, and the long thin paths of IPv6 cheap. Rejected: DIR-24-8 (64 MB, whatever is in it,
 * and no IPv6), and tries packed with bitmaps, which need the processor's population count to be as fast. */
#include "collector/base/lpm.h"

#include "collector/base/wire.h"

#define NODE	    0x80000000U /* this cell is a reference */
#define OFFSET_BITS 27
#define OFFSET_MASK ((1U << OFFSET_BITS) - 1)
#define STRIDE_MIN  4
#define STRIDE_MAX  16 /* stored as stride - 1 in 4 bits */
#define FILL	    32 /* a node is at least one part in so many full, */
#define ROOMY	    4  /* or has no more cells than so many for each prefix in it */

struct lpm {
	uint32_t *cell;
	size_t cells, room;
	uint32_t root4, root6;
};

/* An address' bits, first bit topmost; an IPv4 address takes the first 32. */
struct bits {
	uint64_t hi, lo;
};

/* A prefix of the node under construction. */
struct item {
	struct bits bits;
	uint32_t value;
	uint32_t order;
	uint8_t len;
};

/* "::" has a stored form of its own (addr.h), and its bits are all zero. */
static struct bits
bits_of(const struct addr *a)
{
	if (addr_is_v4(a))
		return (struct bits){(uint64_t)load_be32(&a->b[12]) << 32, 0};
	struct addr v6 = addr_to_v6(a);
	return (struct bits){load_be64(v6.b), load_be64(v6.b + 8)};
}

/* Shifting a 64-bit number by 64 is undefined in C, hence the cases. */
static inline struct bits
bits_shift(struct bits b, unsigned n)
{
	if (n == 0)
		return b;
	if (n >= 64)
		return (struct bits){n < 128 ? b.lo << (n - 64) : 0, 0};
	return (struct bits){b.hi << n | b.lo >> (64 - n), b.lo << n};
}

/* The s bits that follow the first depth ones. */
static inline uint32_t
bits_at(struct bits b, unsigned depth, unsigned s)
{
	return (uint32_t)(bits_shift(b, depth).hi >> (64 - s));
}

/* By address, then shorter first, then as listed, so that of equal prefixes the last is written last. */
static int
item_compare(const void *x, const void *y)
{
	const struct item *a = x, *b = y;
	if (a->bits.hi != b->bits.hi)
		return a->bits.hi < b->bits.hi ? -1 : 1;
	if (a->bits.lo != b->bits.lo)
		return a->bits.lo < b->bits.lo ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

/* How many of a node's 2^s cells the items fall into. The items are sorted, so equal cells are neighbours
 * and one pass counts them. */
static size_t
slots_used(const struct item *it, size_t n, unsigned depth, unsigned s)
{
	size_t used = 0;
	uint32_t last = UINT32_MAX;
	for (size_t i = 0; i < n; i++) {
		uint32_t slot = bits_at(it[i].bits, depth, s);
		used += slot != last;
		last = slot;
	}
	return used;
}

/* Never wider than the longest prefix needs: the rest of a node would be copies. Narrower until enough
 * cells are in use; at STRIDE_MIN at the latest, and below it only when the longest prefix asks for less. A
 * node is scanned once per width tried, at most a dozen times. */
static unsigned
stride_choose(const struct item *it, size_t n, unsigned depth)
{
	unsigned longest = 0;
	for (size_t i = 0; i < n; i++)
		if (it[i].len > longest)
			longest = it[i].len;
	unsigned s = longest - depth < STRIDE_MAX ? longest - depth : STRIDE_MAX;
	while (s > STRIDE_MIN && (size_t)1 << s > ROOMY * n &&
	       slots_used(it, n, depth, s) < ((size_t)1 << s) / FILL)
		s--;
	return s;
}

/* n cells at the end of the array, all with the same value; their offset, or UINT32_MAX. */
static uint32_t
cells_add(struct lpm *l, size_t n, uint32_t value)
{
	if (l->cells + n > l->room) {
		/* references are offsets and not pointers, so the array may move while it grows */
		size_t room = (l->room + n) * 2;
		uint32_t *more = room > OFFSET_MASK ? NULL : realloc(l->cell, room * sizeof(*more));
		if (!more)
			return UINT32_MAX;
		l->cell = more;
		l->room = room;
	}
	uint32_t at = (uint32_t)l->cells;
	for (size_t i = 0; i < n; i++)
		l->cell[at + i] = value;
	l->cells += n;
	return at;
}

static bool node_build(struct lpm *l, const struct item *it, size_t n, unsigned depth, uint32_t inherited,
		       uint32_t *ref);

/* Spreads the items over the node's cells. They are sorted, so a shorter prefix comes before all that lie in
 * it, and those that end below one cell stand together. */
static bool
node_fill(struct lpm *l, uint32_t at, unsigned s, const struct item *it, size_t n, unsigned depth)
{
	for (size_t i = 0; i < n;) {
		uint32_t slot = bits_at(it[i].bits, depth, s);
		if (it[i].len <= depth + s) {
			size_t span = (size_t)1 << (depth + s - it[i].len);
			for (size_t k = 0; k < span; k++)
				l->cell[at + slot + k] = it[i].value;
			i++;
			continue;
		}
		size_t end = i + 1;
		while (end < n && bits_at(it[end].bits, depth, s) == slot)
			end++;
		uint32_t ref;
		if (!node_build(l, it + i, end - i, depth + s, l->cell[at + slot], &ref))
			return false;
		l->cell[at + slot] = ref;
		i = end;
	}
	return true;
}

/* A node for items that all share their first depth bits and are longer than that. Recursion ends since each
 * node consumes at least one bit. */
static bool
node_build(struct lpm *l, const struct item *it, size_t n, unsigned depth, uint32_t inherited, uint32_t *ref)
{
	unsigned s = stride_choose(it, n, depth);
	uint32_t at = cells_add(l, (size_t)1 << s, inherited);
	if (at == UINT32_MAX)
		return false;
	*ref = NODE | (s - 1) << OFFSET_BITS | at;
	return node_fill(l, at, s, it, n, depth);
}

/* Lists of full tables are usually written in order, and a pass over them costs a tenth of qsort. */
static bool
items_sorted(const struct item *it, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (item_compare(&it[i - 1], &it[i]) > 0)
			return false;
	return true;
}

/* One family's root: a reference, or a value when nothing is longer than /0. */
static bool
root_build(struct lpm *l, struct item *it, size_t n, uint32_t *root)
{
	size_t i = 0;
	*root = LPM_NONE;
	if (!items_sorted(it, n))
		qsort(it, n, sizeof(*it), item_compare);
	/* sorted, so all prefixes of length 0 stand in front */
	for (; i < n && it[i].len == 0; i++)
		*root = it[i].value;
	return i == n || node_build(l, it + i, n - i, 0, *root, root);
}

/* One family's entries as items, host bits cleared; returns the end. "::/0" counts as IPv6 although an IPv4
 * address, being stored as IPv4-mapped, would have its bits. */
static struct item *
items_of_family(struct item *out, const struct lpm_entry *e, size_t n, bool v4)
{
	for (size_t i = 0; i < n; i++) {
		/* "no address" is no prefix, however it came into the list */
		if (addr_is_v4(&e[i].prefix.addr) != v4 || addr_is_none(&e[i].prefix.addr))
			continue;
		struct addr masked = addr_mask(&e[i].prefix.addr, e[i].prefix.len);
		*out++ = (struct item){bits_of(&masked), e[i].value, (uint32_t)i, e[i].prefix.len};
	}
	return out;
}

/* One array of items serves both families in turn. The cells are cut to size at the end; when that realloc
 * fails, the larger array is right too. */
struct lpm *
lpm_new(const struct lpm_entry *e, size_t n)
{
	struct lpm *l = calloc(1, sizeof(*l));
	struct item *it = calloc(n + 1, sizeof(*it));
	bool ok = l && it && n < UINT32_MAX;
	if (ok) {
		size_t v4 = (size_t)(items_of_family(it, e, n, true) - it);
		ok = root_build(l, it, v4, &l->root4);
		size_t v6 = (size_t)(items_of_family(it, e, n, false) - it);
		ok = ok && root_build(l, it, v6, &l->root6);
	}
	free(it);
	if (ok) {
		uint32_t *fit = l->cells ? realloc(l->cell, l->cells * sizeof(*fit)) : NULL;
		l->cell = fit ? fit : l->cell;
		l->room = fit ? l->cells : l->room;
		return l;
	}
	lpm_free(l);
	return NULL;
}

/* NULL is let pass. */
void
lpm_free(struct lpm *l)
{
	if (l)
		free(l->cell);
	free(l);
}

/* The two loops differ in how an address is shifted, which is most of what they do. */
static uint32_t
find_v4(const struct lpm *l, const struct addr *a)
{
	uint32_t e = l->root4, bits = load_be32(&a->b[12]);
	while (e & NODE) {
		unsigned s = (e >> OFFSET_BITS & 15) + 1;
		/* never beyond the array: a node has a cell for every value of its s bits */
		e = l->cell[(e & OFFSET_MASK) + (bits >> (32 - s))];
		bits <<= s;
	}
	return e;
}

static uint32_t
find_v6(const struct lpm *l, const struct addr *a)
{
	uint32_t e = l->root6;
	struct bits b = bits_of(a);
	while (e & NODE) {
		unsigned s = (e >> OFFSET_BITS & 15) + 1;
		e = l->cell[(e & OFFSET_MASK) + (b.hi >> (64 - s))];
		b.hi = b.hi << s | b.lo >> (64 - s);
		b.lo <<= s;
	}
	return e;
}

/* The bits of the two families have roots of their own: an IPv4-mapped address is never looked up among
 * IPv6 prefixes. */
uint32_t
lpm_find(const struct lpm *l, const struct addr *a)
{
	if (addr_is_v4(a))
		return find_v4(l, a);
	return addr_is_none(a) ? LPM_NONE : find_v6(l, a);
}

/* Right after lpm_new: room is then what was kept. */
size_t
lpm_bytes(const struct lpm *l)
{
	return sizeof(*l) + l->room * sizeof(*l->cell);
}
