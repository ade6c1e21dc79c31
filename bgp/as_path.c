/* AS paths: from the wire to the form that flows carry, and the merging of AS_PATH with AS4_PATH.
 *
 * One pass checks and converts: what comes out is at most twice as long as what came in (two octets become
 * four), so room is taken once. */
#include "bgp/walk.h"

enum segment { SET = 1, SEQUENCE = 2, CONFED_SEQUENCE = 3, CONFED_SET = 4 };

#define SEGMENT_MAX 255

/* Copies count numbers of width octets as uint32_t; false when one is AS 0 (RFC 7607, 2). */
static inline bool
copy_numbers(uint8_t *out, const uint8_t *p, unsigned count, unsigned width)
{
	bool zero = false;

	for (unsigned i = 0; i < count; i++) {
		uint32_t as = width == 4 ? load_be32(p + 4 * (size_t)i) : load_be16(p + 2 * (size_t)i);
		zero |= as == 0;
		memcpy(out + 4 * (size_t)i, &as, sizeof(as));
	}
	return !zero;
}

bool
bgp_as_path_decode(struct bgp_walk *k, struct wire *v, unsigned width, struct bgp_bytes *out)
{
	uint8_t *start = bgp_walk_take(k, wire_left(v) * (width == 2 ? 2 : 1)), *end = start;

	if (!start)
		return false;
	while (wire_left(v)) {
		uint8_t type = wire_u8(v), count = wire_u8(v);
		const uint8_t *numbers = wire_bytes(v, (size_t)count * width);

		if (!numbers || count == 0 || type < SET || type > CONFED_SET)
			return false;
		end[0] = type;
		end[1] = count;
		if (!copy_numbers(end + 2, numbers, count, width))
			return false;
		if (unlikely(type == SET || type == CONFED_SET))
			end[1] = (uint8_t)bgp_list_settle(k, BGP_LIST_WORD, end + 2, count);
		end += 2 + 4 * (size_t)end[1];
	}
	k->mem = end;
	*out = (struct bgp_bytes){start, (uint32_t)(end - start)};
	return true;
}

/* Segments of our own form, behind the check that bgp_as_path_decode was. */
static const uint8_t *
next_segment(struct wire *w, uint8_t *type, uint8_t *count)
{
	*type = wire_u8(w);
	*count = wire_u8(w);
	return wire_bytes(w, 4 * (size_t)*count);
}

/* Segments within a confederation, which nobody outside counts (RFC 5065, 3). */
static bool
is_confed(uint8_t type)
{
	return type == CONFED_SEQUENCE || type == CONFED_SET;
}

/* RFC 4271, 9.1.2.2 and RFC 5065, 5.3: a set counts as one, confederation segments do not count. */
static unsigned
hops(const struct bgp_bytes *path)
{
	struct wire w = wire_over(path->p, path->len);
	uint8_t type, count;
	unsigned n = 0;

	while (wire_left(&w) && next_segment(&w, &type, &count))
		n += is_confed(type) ? 0 : type == SET ? 1 : count;
	return n;
}

/* Moves what stays to the front: the path lies in the scratch area and is ours. */
void
bgp_as_path_plain(struct bgp_bytes *path)
{
	struct wire w = wire_over(path->p, path->len);
	uint8_t type, count, *start = (uint8_t *)(uintptr_t)path->p, *end = start;

	while (wire_left(&w)) {
		const uint8_t *segment = w.pos;
		if (!next_segment(&w, &type, &count))
			break;
		if (is_confed(type))
			continue;
		memmove(end, segment, 2 + 4 * (size_t)count);
		end += 2 + 4 * (size_t)count;
	}
	path->len = (uint32_t)(end - start);
}

/* Appends a segment; returns the end. out has room, since paths only become shorter here. */
static uint8_t *
put_segment(uint8_t *out, uint8_t type, uint8_t count, const uint8_t *numbers)
{
	out[0] = type;
	out[1] = count;
	memcpy(out + 2, numbers, 4 * (size_t)count);
	return out + 2 + 4 * (size_t)count;
}

/* The first `keep` hops of path. Confederation segments go with them when they lead or touch a segment that
 * is taken whole. *last is set to where the last segment begins. */
static uint8_t *
put_leading(uint8_t *out, const struct bgp_bytes *path, unsigned keep, uint8_t **last)
{
	struct wire w = wire_over(path->p, path->len);
	uint8_t type, count;
	bool whole = true;

	while (wire_left(&w) && whole) {
		const uint8_t *numbers = next_segment(&w, &type, &count);
		unsigned size = is_confed(type) ? 0 : type == SET ? 1 : count;
		if (!numbers || (size && keep == 0))
			break;
		if (size > keep) {
			whole = false;
			count = (uint8_t)keep;
			size = keep;
		}
		keep -= size;
		*last = out;
		out = put_segment(out, type, count, numbers);
	}
	return out;
}

/* A path that cannot have been made from AS4_PATH, being shorter, is left as it is (RFC 6793, 4.2.3). */
void
bgp_as_path_merge(struct bgp_walk *k, struct bgp_bytes *path, const struct bgp_bytes *as4)
{
	unsigned old = hops(path), better = hops(as4);
	uint8_t *start, *end, *last = NULL;

	if (better == 0 || old < better || !(start = bgp_walk_take(k, (size_t)path->len + as4->len)))
		return;
	end = put_leading(start, path, old - better, &last);
	struct bgp_bytes rest = *as4;
	/* two sequences that meet are one: so the path looks as if all speakers had been new */
	if (last && last[0] == SEQUENCE && rest.p[0] == SEQUENCE && last[1] + rest.p[1] <= SEGMENT_MAX) {
		last[1] = (uint8_t)(last[1] + rest.p[1]);
		rest.p += 2;
		rest.len -= 2;
	}
	memcpy(end, rest.p, rest.len);
	*path = (struct bgp_bytes){start, (uint32_t)(end - start) + rest.len};
}
