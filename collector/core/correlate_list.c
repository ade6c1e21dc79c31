#include "collector/core/correlate_list.h"

#include <stdlib.h>
#include <sys/random.h>

#include <xxhash.h>

#include "collector/base/routetext.h"
#include "collector/flow/layout.h"

#define CACHED	    16384 /* a power of two; a full table has about as many lists */
#define MASKED	    64	  /* communities of a list whose matching is remembered */
#define PATTERN_MAX 64

/* Lists that a flow can have, each as long as a key can hold. */
#define SCRATCH_BYTES ((size_t)FLOW_BATCH_MAX * 8 * LAYOUT_VALUE_MAX)

enum { SEGMENT_SET = 1, SEGMENT_SEQUENCE = 2, SEGMENT_CONFED_SEQUENCE = 3, SEGMENT_CONFED_SET = 4 };

/* Which of a list's communities match. The list itself is not kept: a hash of 64 bits under a seed that
 * nobody knows does not collide, by accident or on purpose. */
struct remembered {
	uint64_t hash;
	uint64_t mask; /* bit i: the i-th community matches */
};

struct comm_filter {
	enum comm_type type;
	unsigned patterns;
	char pattern[COMM_PATTERNS_MAX][PATTERN_MAX];
	uint64_t seed;
	struct remembered cache[CACHED];
};

static const unsigned element_bytes[COMM_TYPES] = {[COMM_STD] = 4, [COMM_EXT] = 8, [COMM_LRG] = 12};

/* Taken once; of its half a megabyte only what lists fill is ever touched. */
bool
route_scratch_init(struct route_scratch *s)
{
	*s = (struct route_scratch){.mem = malloc(SCRATCH_BYTES), .cap = SCRATCH_BYTES};
	return s->mem != NULL;
}

/* Safe on one whose init failed. */
void
route_scratch_free(struct route_scratch *s)
{
	free(s->mem);
	*s = (struct route_scratch){0};
}

/* --- patterns --- */

/* One word of the key's value. */
static bool
pattern_add(struct comm_filter *f, const char *word, size_t n, char *err, size_t errlen)
{
	if (f->patterns == COMM_PATTERNS_MAX) {
		snprintf(err, errlen, "more than %d patterns", COMM_PATTERNS_MAX);
		return false;
	}
	if (n >= PATTERN_MAX) {
		snprintf(err, errlen, "'%.*s' is too long for a pattern", (int)PATTERN_MAX, word);
		return false;
	}
	memcpy(f->pattern[f->patterns], word, n);
	f->pattern[f->patterns++][n] = '\0';
	return true;
}

/* The seed is random, so that who announces communities cannot choose what is taken for equal. */
struct comm_filter *
comm_filter_new(enum comm_type type, const char *patterns, char *err, size_t errlen)
{
	struct comm_filter *f = calloc(1, sizeof(*f));
	if (!f || getrandom(&f->seed, sizeof(f->seed), 0) != sizeof(f->seed)) {
		snprintf(err, errlen, "no memory for patterns");
		free(f);
		return NULL;
	}
	f->type = type;
	for (const char *s = patterns; *s;) {
		s += strspn(s, ", \t");
		size_t n = strcspn(s, ", \t");
		if (n && !pattern_add(f, s, n, err, errlen)) {
			free(f);
			return NULL;
		}
		s += n;
	}
	return f;
}

/* NULL is allowed. */
void
comm_filter_free(struct comm_filter *f)
{
	free(f);
}

/* Whether the text goes on as the pattern does. */
static bool
matches_here(const char *pattern, const char *text)
{
	for (; *pattern; pattern++, text++)
		if (!*text || (*pattern != '.' && *pattern != *text))
			return false;
	return true;
}

/* The first letter decides most often. */
static bool
matches(const struct comm_filter *f, const char *text)
{
	for (unsigned i = 0; i < f->patterns; i++) {
		const char *pattern = f->pattern[i];
		for (const char *at = text; *at; at++)
			if ((*at == *pattern || *pattern == '.') && matches_here(pattern, at))
				return true;
	}
	return false;
}

/* One community as text. Only well-known ones have a second form, their number. */
static void
element_text(const struct comm_filter *f, const uint8_t *p, bool numeric, char *text)
{
	char *end = text;
	if (f->type == COMM_STD)
		end = put_std_comms(text, p, 4, ' ', false, numeric);
	else if (f->type == COMM_EXT)
		end = put_ext_comms(text, p, 8, ' ', false);
	else
		end = put_lrg_comms(text, p, 12, ' ', false);
	*end = '\0';
}

/* Lists are not aligned. */
static uint32_t
community_at(const uint8_t *p)
{
	uint32_t community;
	memcpy(&community, p, sizeof(community));
	return community;
}

/* Text is made only for lists that were not seen lately. */
static bool
element_matches(const struct comm_filter *f, const uint8_t *p)
{
	char text[ROUTETEXT_ROOM(12)];
	element_text(f, p, false, text);
	if (matches(f, text))
		return true;
	if (f->type != COMM_STD || community_name(community_at(p)) == NULL)
		return false;
	element_text(f, p, true, text);
	return matches(f, text);
}

/* Bit by bit, for a list that is not remembered. */
static uint64_t
mask_make(const struct comm_filter *f, const uint8_t *list, unsigned n)
{
	uint64_t mask = 0;
	for (unsigned i = 0; i < n; i++)
		mask |= (uint64_t)element_matches(f, list + i * element_bytes[f->type]) << i;
	return mask;
}

/* Which of the first n communities match, n being at most MASKED. */
static uint64_t
mask_of(struct comm_filter *f, const uint8_t *list, unsigned n)
{
	uint64_t hash = XXH3_64bits_withSeed(list, (size_t)n * element_bytes[f->type], f->seed);
	struct remembered *r = &f->cache[hash % CACHED];
	hash |= 1; /* 0 is an empty place */
	if (r->hash != hash)
		*r = (struct remembered){hash, mask_make(f, list, n)};
	return r->mask;
}

/* The mask of a list that is kept whole. */
static uint64_t
all_of(unsigned n)
{
	return n == 64 ? UINT64_MAX : ((uint64_t)1 << n) - 1;
}

/* A longer list than the mask has bits is taken in pieces. What no key could hold is left out. */
struct flow_bytes
comm_filter_keep(struct comm_filter *f, struct flow_bytes list, struct route_scratch *s)
{
	unsigned width = element_bytes[f->type], left = list.len / width;
	const uint8_t *p = list.p;
	uint64_t mask = 0;
	struct flow_bytes kept = {s->mem + s->used, 0};
	if (left <= MASKED && (mask = mask_of(f, p, left)) == all_of(left))
		return list;
	while (left) {
		unsigned n = left < MASKED ? left : MASKED;
		mask = mask_of(f, p, n);
		for (; mask && kept.len + width <= LAYOUT_VALUE_MAX && s->used + width <= s->cap;
		     mask &= mask - 1) {
			memcpy(s->mem + s->used, p + (unsigned)__builtin_ctzll(mask) * width, width);
			s->used += width;
			kept.len += width;
		}
		p += n * width;
		left -= n;
	}
	return kept;
}

/* A pair of 16-bit numbers, or the first two of three. */
static void
asns_of(const struct comm_filter *f, const uint8_t *p, uint32_t *first, uint32_t *second)
{
	memcpy(first, p, sizeof(*first));
	if (f->type == COMM_STD) {
		*second = *first & 0xffff;
		*first >>= 16;
	} else {
		memcpy(second, p + 4, sizeof(*second));
	}
}

/* In the list's order, which is ascending: the lowest of those that match. */
bool
comm_filter_asns(struct comm_filter *f, struct flow_bytes list, uint32_t *first, uint32_t *second)
{
	unsigned width = element_bytes[f->type], left = list.len / width;
	for (const uint8_t *p = list.p; left;) {
		unsigned n = left < MASKED ? left : MASKED;
		uint64_t mask = mask_of(f, p, n);
		if (mask) {
			asns_of(f, p + (unsigned)__builtin_ctzll(mask) * width, first, second);
			return true;
		}
		p += n * width;
		left -= n;
	}
	return false;
}

/* --- paths --- */

/* Members of a set have no order: together they are one step of the path. */
static bool
is_set(uint8_t type)
{
	return type == SEGMENT_SET || type == SEGMENT_CONFED_SET;
}

/* The segment at p, which has n bytes: its length in bytes, 0 when there is none. */
static size_t
segment_bytes(const uint8_t *p, size_t n)
{
	size_t bytes = n < 2 ? 0 : 2 + 4 * (size_t)p[1];
	return bytes > n ? 0 : bytes;
}

/* Whole segments need no copy; only a sequence that is cut through does. */
struct flow_bytes
path_cut(struct flow_bytes path, unsigned hops, struct route_scratch *s)
{
	uint32_t at = 0;
	for (size_t n; (n = segment_bytes(path.p + at, path.len - at)); at += (uint32_t)n) {
		const uint8_t *segment = path.p + at;
		unsigned in_it = is_set(segment[0]) ? 1 : segment[1];
		if (hops >= in_it) {
			hops -= in_it;
			continue;
		}
		if (hops == 0)
			break;
		size_t bytes = at + 2 + 4 * (size_t)hops;
		if (s->used + bytes > s->cap)
			break;
		struct flow_bytes cut = {s->mem + s->used, (uint32_t)bytes};
		memcpy(s->mem + s->used, path.p, bytes);
		s->mem[s->used + at + 1] = (uint8_t)hops;
		s->used += bytes;
		return cut;
	}
	return (struct flow_bytes){path.p, at};
}

/* Unaligned, host byte order. */
static uint32_t
asn_at(const uint8_t *p)
{
	uint32_t asn;
	memcpy(&asn, p, sizeof(asn));
	return asn;
}

/* Empty segments say nothing. */
uint32_t
path_last(struct flow_bytes path)
{
	uint32_t last = 0;
	for (size_t n, at = 0; (n = segment_bytes(path.p + at, path.len - at)); at += n)
		if (n > 2)
			last = asn_at(path.p + at + n - 4);
	return last;
}

/* Goes over the confederation's segments, remembering the first AS of them for a path that has no others. */
uint32_t
path_first_external(struct flow_bytes path)
{
	uint32_t inner = 0;
	for (size_t n, at = 0; (n = segment_bytes(path.p + at, path.len - at)); at += n) {
		const uint8_t *segment = path.p + at;
		if (n > 2 && segment[0] == SEGMENT_CONFED_SEQUENCE && !inner)
			inner = asn_at(segment + 2);
		if (n > 2 && (segment[0] == SEGMENT_SEQUENCE || segment[0] == SEGMENT_SET))
			return segment[0] == SEGMENT_SET ? inner : asn_at(segment + 2);
	}
	return inner;
}
