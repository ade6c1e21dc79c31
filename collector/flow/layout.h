/* The aggregation plan: from struct flow to a packed record, and the record's map for everybody downstream.
 *
 * `aggregate` is compiled once per plugin. A record is
 *
 *	[ key: fixed-width values in struct flow order | variable values | zeros up to 8 ]
 *	[ counters, uint64_t each ]
 *
 * Equal keys are equal bytes: hash and compare are memory operations. Fixed values stand in struct flow's
 * order, so that neighbours merge into one copy. With variable values the key begins with its own total
 * length (uint16_t, a multiple of 8), and each variable value is a uint16_t length and its bytes; without
 * them the length is key_size. One byte of every key is the record's kind (enum flow_kind), so that events
 * never merge with flows. Values inside a key are in host byte order and unaligned: read them with memcpy. */
#ifndef FLOWRIB_FLOW_LAYOUT_H
#define FLOWRIB_FLOW_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/flow/primitive.h"

#define LAYOUT_FIELDS_MAX   (AGGREGATE_MAX + 16)
#define LAYOUT_COUNTERS_MAX 8
#define LAYOUT_COPIES_MAX   (LAYOUT_FIELDS_MAX + sizeof(struct flow) / 16)
#define LAYOUT_VALUE_MAX    1024 /* longest variable value; longer ones are cut (at an element's border) */

struct layout_field {
	primitive_id id;
	uint16_t offset; /* in the key; of a variable value: its place among them, from 0 */
	uint16_t width;	 /* bytes; 0 for variable values */
};

struct layout_counter {
	primitive_id id;
	enum merge_rule merge;
	uint16_t flow_offset; /* of its uint64_t in struct flow */
};

/* 16 bytes. What is more than a piece needs is written over by the next piece, by the zeros behind the last
 * one, or by the counters, of which there are always 16 bytes. So a piece costs one load and one store
 * whatever its size, and the plan has no lengths. */
struct layout_copy {
	uint16_t flow_offset;
	uint16_t key_offset;
};
#define LAYOUT_COPY_BYTES 16

struct layout {
	/* what packing reads */
	uint16_t copies[2];
	uint16_t copied_end; /* fixed values end here: zeros follow */
	uint16_t key_size;   /* bytes of the whole key when it is of fixed size; 0 when it varies */
	uint16_t vars;	     /* variable values */
	uint16_t counters;
	struct layout_counter counter[LAYOUT_COUNTERS_MAX]; /* packets and bytes are always 0 and 1 */
	struct layout_copy copy[2][LAYOUT_COPIES_MAX];	    /* [1]: for the reverse direction of sum_* */

	uint16_t fixed_size;  /* bytes of the key's fixed part, length word included when there is one */
	uint16_t kind_offset; /* of the kind byte */
	uint16_t bin_offset;  /* of the time bin (uint64_t seconds), 0 when there is none */
	uint16_t max_record;  /* the longest record */
	bool sum;	      /* a second record is to be packed with layout_pack_reverse */
	uint16_t fields;
	struct layout_field field[LAYOUT_FIELDS_MAX]; /* key values, in JSON order of the primitives */
	primitive_id var[LAYOUT_FIELDS_MAX];	      /* the variable values, in key order, */
	uint16_t var_flow_offset[LAYOUT_FIELDS_MAX];  /* and where their struct flow_bytes stand */
};

struct layout_options {
	bool time_bins; /* adds stamp_inserted to the key */
	bool stitching; /* adds timestamp_min and timestamp_max to the counters */
};

/* Compiles a; false with a message in err. */
bool layout_compile(struct layout *l, const struct aggregate *a, const struct layout_options *o, char *err,
		    size_t errlen);

/* Marks what packing will read. */
void layout_need(struct flow_needs *needs, const struct layout *l);

/* layout_pack for keys with variable values, behind the fixed part; returns the key's size. */
size_t layout_pack_variable(const struct layout *l, const struct flow *f, uint8_t *out);

static inline size_t
layout_pack_direction(const struct layout *l, const struct flow *f, uint8_t *out, unsigned direction)
{
	const uint8_t *from = (const uint8_t *)f;
	const struct layout_copy *c = l->copy[direction], *end = c + l->copies[direction];
	static const uint8_t zeros[LAYOUT_COPY_BYTES];

	for (; c < end; c++)
		memcpy(out + c->key_offset, from + c->flow_offset, LAYOUT_COPY_BYTES);
	memcpy(out + l->copied_end, zeros, LAYOUT_COPY_BYTES);

	size_t size = l->key_size;
	if (unlikely(l->vars))
		size = layout_pack_variable(l, f, out);
	memcpy(out + size, &f->packets, 2 * sizeof(uint64_t));
	for (unsigned i = 2; i < l->counters; i++)
		memcpy(out + size + i * sizeof(uint64_t), from + l->counter[i].flow_offset, sizeof(uint64_t));
	return size + l->counters * sizeof(uint64_t);
}

/* Packs f into out, which has room for max_record bytes; returns the record's size (a multiple of 8). The
 * time bin, when there is one, is written by the caller with layout_set_bin. */
static inline size_t
layout_pack(const struct layout *l, const struct flow *f, uint8_t *out)
{
	return layout_pack_direction(l, f, out, 0);
}

/* The second record of a sum_* aggregate: destination in the source's place. */
static inline size_t
layout_pack_reverse(const struct layout *l, const struct flow *f, uint8_t *out)
{
	return layout_pack_direction(l, f, out, 1);
}

static inline void
layout_set_bin(const struct layout *l, uint8_t *key, uint64_t seconds)
{
	memcpy(key + l->bin_offset, &seconds, sizeof(seconds));
}

static inline uint64_t
layout_bin(const struct layout *l, const uint8_t *key)
{
	uint64_t seconds = 0;
	if (l->bin_offset)
		memcpy(&seconds, key + l->bin_offset, sizeof(seconds));
	return seconds;
}

/* Bytes of a record's key (a multiple of 8); the counters follow. */
static inline size_t
layout_key_size(const struct layout *l, const uint8_t *key)
{
	if (l->key_size)
		return l->key_size;
	uint16_t n;
	memcpy(&n, key, sizeof(n));
	return n;
}

static inline size_t
layout_record_size(const struct layout *l, const uint8_t *key)
{
	return layout_key_size(l, key) + l->counters * sizeof(uint64_t);
}

/* The field of primitive id, or NULL when the layout has none. */
const struct layout_field *layout_find(const struct layout *l, primitive_id id);

/* The value of a field inside a key: pointer and length. */
const uint8_t *layout_value(const struct layout *l, const struct layout_field *f, const uint8_t *key,
			    size_t *len);

/* Checks bytes that claim to be n records of layout l back to back (from ZeroMQ or a socket): every record
 * within, every length consistent, padding zero, a known kind. What variable values hold is not checked. */
bool layout_records_valid(const struct layout *l, const uint8_t *records, size_t bytes, uint32_t n);

#endif
