/* Compiling a plan, and reading records by it.
 *
 * Fixed values are put into the key in the order they have in struct flow; neighbours there become one piece,
 * and a piece is cut into copies of 16 bytes (see layout.h for why all copies have one size). A chain of
 * function calls per value costs two to four times as much. The reverse plan of sum_* is made from the same
 * places in the key, with the destination's places in struct flow. */
#include "collector/flow/layout.h"

#include "collector/flow/value.h"

#define ROUND8(n) (((n) + 7u) & ~7u)

/* The last fixed member is followed by at least as much as a copy may read too much. */
_Static_assert(offsetof(struct flow, custom_var) + LAYOUT_COPY_BYTES <= sizeof(struct flow),
	       "a copy would read behind struct flow");
_Static_assert(offsetof(struct flow, bytes) == offsetof(struct flow, packets) + 8, "copied as one");

/* A fixed value on its way into the plan. */
struct piece {
	uint16_t flow_offset[2]; /* forward, reverse */
	uint16_t key_offset;
	uint16_t width;
	int field; /* index of the layout's field; -1 for the kind byte */
};

/* Sorted by forward offset at all times; both directions of a piece go to the same place in the key. */
struct pieces {
	struct piece p[LAYOUT_FIELDS_MAX + 1];
	unsigned n;
};

/* Kept in JSON order by insertion, which is also the order formatters walk. Not in key order: that is
 * struct flow's, and only offsets tell it. */
static bool
field_add(struct layout *l, primitive_id id, char *err, size_t errlen)
{
	if (l->fields == LAYOUT_FIELDS_MAX) {
		snprintf(err, errlen, "aggregate has more than %d primitives", LAYOUT_FIELDS_MAX);
		return false;
	}
	unsigned at = l->fields++;
	for (; at && primitive_json_rank(l->field[at - 1].id) > primitive_json_rank(id); at--)
		l->field[at] = l->field[at - 1];
	l->field[at] = (struct layout_field){.id = id};
	return true;
}

/* A counter asked for by name and added by a key counts once. The number of counter rows bounds l->counters
 * well below LAYOUT_COUNTERS_MAX. */
static void
counter_add(struct layout *l, primitive_id id)
{
	const struct primitive *p = primitive_get(id);

	for (unsigned i = 0; i < l->counters; i++)
		if (l->counter[i].id == id)
			return;
	l->counter[l->counters++] = (struct layout_counter){id, p->merge, p->offset};
}

/* Sorts the rows of a into fields and counters. Counters never become fields, PRIMITIVE_NO_KEY rows
 * neither; `also` brings the second half of a pair (a longitude, the origin of a distinguisher). */
static bool
collect(struct layout *l, const struct aggregate *a, const struct layout_options *o, char *err, size_t errlen)
{
	counter_add(l, primitive_find("packets"));
	counter_add(l, primitive_find("bytes"));
	for (unsigned i = 0; i < a->n; i++) {
		const struct primitive *p = primitive_get(a->id[i]);
		/* packets and bytes are there already, in places 0 and 1 */
		if (p->flags & PRIMITIVE_COUNTER)
			counter_add(l, a->id[i]);
		else if (!(p->flags & PRIMITIVE_NO_KEY) && !field_add(l, a->id[i], err, errlen))
			return false;
		if (p->also && !field_add(l, primitive_find(p->also), err, errlen))
			return false;
		l->sum |= (p->flags & PRIMITIVE_SUM) != 0;
	}
	if (o->stitching) {
		counter_add(l, primitive_find("timestamp_min"));
		counter_add(l, primitive_find("timestamp_max"));
	}
	return !o->time_bins || field_add(l, primitive_find("stamp_inserted"), err, errlen);
}

/* Insertion sort: aggregates are short and compiled once. Equal offsets (class and class_frame) stay in
 * order. */
static void
piece_add(struct pieces *ps, struct piece piece)
{
	unsigned at = ps->n++;
	for (; at && ps->p[at - 1].flow_offset[0] > piece.flow_offset[0]; at--)
		ps->p[at] = ps->p[at - 1];
	ps->p[at] = piece;
}

/* The pieces of all fixed values and the kind byte, in struct flow's order. The kind byte is a piece like
 * the others, so that it may be copied together with its neighbours. */
static void
pieces_make(struct pieces *ps, const struct layout *l)
{
	uint16_t kind = offsetof(struct flow, kind);

	ps->n = 0;
	piece_add(ps, (struct piece){.flow_offset = {kind, kind}, .width = 1, .field = -1});
	for (unsigned i = 0; i < l->fields; i++) {
		const struct primitive *p = primitive_get(l->field[i].id);
		/* a time bin is not a member of struct flow: the caller writes it */
		if (p->flags & PRIMITIVE_VLEN || p->type == VALUE_STAMP)
			continue;
		uint16_t back = p->offset;
		if (p->flags & PRIMITIVE_SUM)
			back = primitive_get(primitive_find(p->sum_destination))->offset;
		piece_add(
		    ps, (struct piece){.flow_offset = {p->offset, back}, .width = p->width, .field = (int)i});
	}
}

/* Gives every fixed value its place in the key, from at on; returns the end. In the order of the pieces,
 * without padding: keys are compared as bytes and read with memcpy. */
static unsigned
place_fixed(struct layout *l, struct pieces *ps, unsigned at)
{
	for (unsigned i = 0; i < ps->n; i++) {
		struct piece *p = &ps->p[i];
		p->key_offset = (uint16_t)at;
		if (p->field < 0)
			l->kind_offset = p->key_offset;
		else {
			l->field[p->field].offset = p->key_offset;
			l->field[p->field].width = p->width;
		}
		at += p->width;
	}
	return at;
}

/* Numbers the variable values and places the time bin, which comes last among the fixed ones. */
static unsigned
place_others(struct layout *l, unsigned at)
{
	for (unsigned i = 0; i < l->fields; i++) {
		struct layout_field *f = &l->field[i];
		const struct primitive *p = primitive_get(f->id);
		if (p->flags & PRIMITIVE_VLEN) {
			f->offset = l->vars;
			l->var_flow_offset[l->vars] = p->offset;
			l->var[l->vars++] = f->id;
		} else if (p->type == VALUE_STAMP) {
			f->offset = l->bin_offset = (uint16_t)at;
			f->width = p->width;
			at += p->width;
		}
	}
	return at;
}

/* Merges pieces that are neighbours in struct flow and in the key, and cuts them into copies. */
static void
copies_make(struct layout *l, const struct pieces *ps, unsigned direction)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ps->n;) {
		const struct piece *first = &ps->p[i];
		unsigned width = first->width;
		for (i++;
		     i < ps->n && ps->p[i].flow_offset[direction] == first->flow_offset[direction] + width;
		     i++)
			width += ps->p[i].width;
		/* the last copy may carry up to 15 bytes of what follows in struct flow; the next copy or
		 * the zeros overwrite them */
		for (unsigned done = 0; done < width; done += LAYOUT_COPY_BYTES)
			l->copy[direction][n++] =
			    (struct layout_copy){(uint16_t)(first->flow_offset[direction] + done),
						 (uint16_t)(first->key_offset + done)};
	}
	l->copies[direction] = (uint16_t)n;
}

/* Fixed values come first whatever their order in aggregate, so two aggregates of the same primitives make
 * the same key. The length word in front is there only when something varies. */
bool
layout_compile(struct layout *l, const struct aggregate *a, const struct layout_options *o, char *err,
	       size_t errlen)
{
	struct pieces ps;

	memset(l, 0, sizeof(*l));
	if (!collect(l, a, o, err, errlen))
		return false;
	pieces_make(&ps, l);

	bool varies = false;
	for (unsigned i = 0; i < l->fields; i++)
		varies |= (primitive_get(l->field[i].id)->flags & PRIMITIVE_VLEN) != 0;
	unsigned end = place_fixed(l, &ps, varies ? sizeof(uint16_t) : 0);
	l->copied_end = (uint16_t)end;
	end = place_others(l, end);
	l->fixed_size = (uint16_t)end;
	/* rounded up, so that records begin at multiples of 8 */
	l->key_size = varies ? 0 : (uint16_t)ROUND8(end);

	size_t longest =
	    ROUND8(end + l->vars * (sizeof(uint16_t) + LAYOUT_VALUE_MAX)) + l->counters * sizeof(uint64_t);
	if (longest > UINT16_MAX) {
		snprintf(err, errlen,
			 "aggregate makes records of %zu bytes; at most %d are possible. Ask for fewer "
			 "lists and texts",
			 longest, UINT16_MAX);
		return false;
	}
	l->max_record = (uint16_t)longest;
	copies_make(l, &ps, 0);
	copies_make(l, &ps, 1);
	return true;
}

/* What is marked here is all that a decoder has to write for this plugin; filters, transforms and networks
 * mark their own. */
void
layout_need(struct flow_needs *needs, const struct layout *l)
{
	FLOW_NEED(needs, kind);
	for (unsigned i = 0; i < l->fields; i++)
		primitive_need(needs, l->field[i].id);
	for (unsigned i = 0; i < l->counters; i++)
		primitive_need(needs, l->counter[i].id);
}

/* A value longer than LAYOUT_VALUE_MAX is cut rather than dropped: the flow still counts, and equal long
 * values still merge. Padding is zeroed, since it is part of the key. */
size_t
layout_pack_variable(const struct layout *l, const struct flow *f, uint8_t *out)
{
	size_t at = l->fixed_size;

	for (unsigned i = 0; i < l->vars; i++) {
		struct flow_bytes v;
		memcpy(&v, (const uint8_t *)f + l->var_flow_offset[i], sizeof(v));
		uint16_t n = (uint16_t)v.len;
		if (unlikely(v.len > LAYOUT_VALUE_MAX))
			n = (uint16_t)value_cut(primitive_get(l->var[i])->type, v.p, v.len, LAYOUT_VALUE_MAX);
		memcpy(out + at, &n, sizeof(n));
		at += sizeof(n);
		if (n)
			memcpy(out + at, v.p, n);
		at += n;
	}
	memset(out + at, 0, 8);
	at = ROUND8(at);
	uint16_t size = (uint16_t)at;
	memcpy(out, &size, sizeof(size));
	return at;
}

/* Linear: called when a query or a formatter is compiled, not per record. */
const struct layout_field *
layout_find(const struct layout *l, primitive_id id)
{
	for (unsigned i = 0; i < l->fields; i++)
		if (l->field[i].id == id)
			return &l->field[i];
	return NULL;
}

/* Trusts the key: records from elsewhere go through layout_records_valid first. For a variable value the
 * lengths before it are walked. */
const uint8_t *
layout_value(const struct layout *l, const struct layout_field *f, const uint8_t *key, size_t *len)
{
	if (f->width) {
		*len = f->width;
		return key + f->offset;
	}
	const uint8_t *p = key + l->fixed_size;
	uint16_t n;
	memcpy(&n, p, sizeof(n));
	for (unsigned i = 0; i < f->offset; i++) {
		p += sizeof(n) + n;
		memcpy(&n, p, sizeof(n));
	}
	*len = n;
	return p + sizeof(n);
}

/* --- records from others --- */

/* n is at most 7. */
static bool
all_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

/* The end of the last variable value, or 0 when they do not fit into a key of size bytes. at never passes
 * size, so the subtractions cannot wrap. */
static size_t
variable_end(const struct layout *l, const uint8_t *key, size_t size)
{
	size_t at = l->fixed_size;

	for (unsigned i = 0; i < l->vars; i++) {
		uint16_t n;
		if (size - at < sizeof(n))
			return 0;
		memcpy(&n, key + at, sizeof(n));
		at += sizeof(n);
		if (n > LAYOUT_VALUE_MAX || size - at < n)
			return 0;
		at += n;
	}
	return at;
}

/* The size of the record at p, of which left bytes are there; 0 when it is none. The length word is read
 * only when the fixed part is known to be there. Padding must be zero, or equal keys would be unequal
 * bytes. */
static size_t
record_check(const struct layout *l, const uint8_t *p, size_t left)
{
	size_t counters = l->counters * sizeof(uint64_t);

	if (left < l->fixed_size + counters)
		return 0;
	size_t size = layout_key_size(l, p);
	if (size % 8 || size < l->fixed_size || size > left - counters)
		return 0;
	size_t end = variable_end(l, p, size);
	if (end == 0 || ROUND8(end) != size || !all_zero(p + end, size - end) ||
	    p[l->kind_offset] > FLOW_KIND_OPTION)
		return 0;
	return size + counters;
}

/* n = 0 with bytes = 0 is valid. Bytes left over are as wrong as bytes missing. */
bool
layout_records_valid(const struct layout *l, const uint8_t *records, size_t bytes, uint32_t n)
{
	for (; n; n--) {
		size_t size = record_check(l, records, bytes);
		if (!size)
			return false;
		records += size;
		bytes -= size;
	}
	return bytes == 0;
}
