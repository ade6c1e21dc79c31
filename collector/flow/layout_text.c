/* See layout_text.h. Numbers are in network byte order, names are one byte of length and the letters. What
 * comes from outside is read through the bounded cursor only. */
#include "collector/flow/layout_text.h"

#define FIELD_BUILT_IN 0xff /* in the place of a custom primitive's semantics */

/* n is 1 to 8 bytes, the most significant first. */
static void
add_be(struct text *out, uint64_t v, unsigned n)
{
	uint8_t b[8];
	for (unsigned i = 0; i < n; i++)
		b[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	text_add(out, b, n);
}

/* Names of primitives are short by the rules of the table of primitives; the length is one byte on the wire.
 */
static void
add_name(struct text *out, const char *name)
{
	size_t n = strlen(name);
	n = n > 255 ? 255 : n;
	add_be(out, n, 1);
	text_add(out, name, n);
}

/* Value types are left out on purpose: names say more, and enum values may change between versions. */
void
layout_describe(struct text *out, const struct layout *l)
{
	const uint16_t head[] = {l->fixed_size, l->key_size,	     l->kind_offset,	   l->bin_offset,
				 l->max_record, (uint16_t)l->fields, (uint16_t)l->counters};
	for (unsigned i = 0; i < ARRAY_SIZE(head); i++)
		add_be(out, head[i], 2);
	for (unsigned i = 0; i < l->fields; i++) {
		const struct primitive *p = primitive_get(l->field[i].id);
		add_be(out, l->field[i].offset, 2);
		add_be(out, l->field[i].width, 2);
		/* the other side cannot know how to print a custom primitive: its kind goes with it */
		add_be(out, p->flags & PRIMITIVE_CUSTOM ? p->custom_semantics : FIELD_BUILT_IN, 1);
		add_name(out, p->name);
	}
	for (unsigned i = 0; i < l->counters; i++) {
		add_be(out, l->counter[i].merge, 1);
		add_name(out, primitive_get(l->counter[i].id)->name);
	}
}

/* A name as a C string; empty when there is none. */
static void
get_name(struct wire *w, char name[256])
{
	uint8_t n = wire_u8(w);
	const uint8_t *p = wire_bytes(w, n);
	if (!p)
		n = 0;
	if (n)
		memcpy(name, p, n);
	name[n] = '\0';
}

/* The primitive of that name here; one made for it when it is unknown. */
static primitive_id
name_primitive(const char *name, uint16_t width, uint8_t semantics, bool invent, char *err, size_t errlen)
{
	primitive_id id = primitive_find(name);
	if (id == PRIMITIVE_NULL && !invent) {
		snprintf(err, errlen, "there is no primitive '%.60s' here", name);
		return id;
	}
	if (id == PRIMITIVE_NULL)
		return primitive_add_custom(
		    name, width, semantics <= CUSTOM_RAW ? (enum custom_semantics)semantics : CUSTOM_HEX, err,
		    errlen);
	/* the same name with another width is another version of it: its bytes must not be read as ours */
	const struct primitive *p = primitive_get(id);
	uint16_t here = p->flags & PRIMITIVE_VLEN ? 0 : p->width;
	if (here == width)
		return id;
	snprintf(err, errlen, "column %s is %u bytes wide there and %u here: use programs of one version",
		 name, width, here);
	return PRIMITIVE_NULL;
}

/* A field must lie within the fixed part, or a formatter would read beyond the record. */
static bool
decode_field(struct layout *l, struct layout_field *f, struct wire *w, bool invent, char *err, size_t errlen)
{
	char name[256];
	f->offset = wire_u16(w);
	f->width = wire_u16(w);
	uint8_t semantics = wire_u8(w);
	get_name(w, name);
	/* variable fields have no width and number themselves in offset */
	if (f->width == 0)
		l->vars++;
	if (w->failed || (f->width && f->offset + f->width > l->fixed_size)) {
		snprintf(err, errlen, "the description of the columns is malformed");
		return false;
	}
	f->id = name_primitive(name, f->width, semantics, invent, err, errlen);
	return f->id != PRIMITIVE_NULL;
}

/* A counter that is unknown here cannot be skipped: its place in the records decides where the others are.
 * Its merge rule is checked, since it indexes a table. */
static bool
decode_counter(struct layout_counter *c, struct wire *w, char *err, size_t errlen)
{
	char name[256];
	c->merge = (enum merge_rule)wire_u8(w);
	get_name(w, name);
	/* an unknown counter has no format, and no column could be shown in its place */
	c->id = primitive_find(name);
	if (w->failed || c->merge > MERGE_OR || c->id == PRIMITIVE_NULL) {
		snprintf(err, errlen, "it counts '%.60s', which this program does not know", name);
		return false;
	}
	return true;
}

/* Sizes that every other part of the description and each record must respect. */
static bool
decode_sizes(struct layout *l, struct wire *w)
{
	/* the order is that of layout_describe() */
	l->fixed_size = wire_u16(w);
	l->key_size = wire_u16(w);
	l->kind_offset = wire_u16(w);
	l->bin_offset = wire_u16(w);
	l->max_record = wire_u16(w);
	l->fields = wire_u16(w);
	l->counters = wire_u16(w);
	size_t counters = l->counters * sizeof(uint64_t);
	/* packets and bytes are always there; a key size of 0 means that keys carry their length */
	return !w->failed && l->fields <= LAYOUT_FIELDS_MAX && l->counters >= 2 &&
	       l->counters <= LAYOUT_COUNTERS_MAX && l->key_size % 8 == 0 && l->kind_offset < l->fixed_size &&
	       (l->key_size == 0 ||
		(l->fixed_size <= l->key_size && l->key_size + counters <= l->max_record)) &&
	       l->fixed_size + counters <= l->max_record &&
	       (l->bin_offset == 0 || l->bin_offset + sizeof(uint64_t) <= l->fixed_size);
}

/* Variable values are numbered from 0 in the order they stand in the key. */
static bool
vars_consistent(const struct layout *l)
{
	for (unsigned i = 0; i < l->fields; i++) {
		if (l->field[i].width == 0 && l->field[i].offset >= l->vars)
			return false;
	}
	return (l->vars > 0) == (l->key_size == 0);
}

/* What comes out obeys the same rules as a layout compiled here, so that formatters and
 * layout_records_valid() can be used on it as on any other. */
bool
layout_understand(struct layout *l, struct wire *w, bool invent, char *err, size_t errlen)
{
	/* everything that is not sent stays zero: copy plans are only for who packs */
	memset(l, 0, sizeof(*l));
	if (!decode_sizes(l, w)) {
		snprintf(err, errlen, "the description of the records is malformed");
		return false;
	}
	for (unsigned i = 0; i < l->fields; i++) {
		if (!decode_field(l, &l->field[i], w, invent, err, errlen))
			return false;
	}
	for (unsigned i = 0; i < l->counters; i++) {
		if (!decode_counter(&l->counter[i], w, err, errlen))
			return false;
	}
	if (!vars_consistent(l)) {
		snprintf(err, errlen, "the description of the columns contradicts itself");
		return false;
	}
	return true;
}
