/* What the tests of the memory table share: layouts written out by hand, records, requests. */
#ifndef FLOWRIB_PLUGINS_MEMORY_FIXTURE_H
#define FLOWRIB_PLUGINS_MEMORY_FIXTURE_H

#include "plugins/memory_protocol.h"

/* src_host 0, dst_host 16, src_port 32, dst_port 34, proto 36, kind 37, two zeros; packets, bytes. */
static inline struct layout
fixture_tuple(void)
{
	struct layout l = {.fixed_size = 38, .key_size = 40, .kind_offset = 37, .max_record = 56};
	static const struct {
		const char *name;
		uint16_t offset, width;
	} field[] = {{"src_host", 0, 16},
		     {"dst_host", 16, 16},
		     {"src_port", 32, 2},
		     {"dst_port", 34, 2},
		     {"proto", 36, 1}};
	for (l.fields = 0; l.fields < ARRAY_SIZE(field); l.fields++)
		l.field[l.fields] = (struct layout_field){.id = primitive_find(field[l.fields].name),
							  .offset = field[l.fields].offset,
							  .width = field[l.fields].width};
	l.counter[0] = (struct layout_counter){.id = primitive_find("packets"), .merge = MERGE_SUM};
	l.counter[1] = (struct layout_counter){.id = primitive_find("bytes"), .merge = MERGE_SUM};
	l.counters = 2;
	return l;
}

/* Length 0, src_as 2, kind 6, then as_path and label. */
static inline struct layout
fixture_variable(void)
{
	struct layout l = {.fixed_size = 7, .kind_offset = 6, .max_record = 2080, .vars = 2, .fields = 3};
	l.field[0] = (struct layout_field){.id = primitive_find("label"), .offset = 1};
	l.field[1] = (struct layout_field){.id = primitive_find("src_as"), .offset = 2, .width = 4};
	l.field[2] = (struct layout_field){.id = primitive_find("as_path"), .offset = 0};
	l.counter[0] = (struct layout_counter){.id = primitive_find("packets"), .merge = MERGE_SUM};
	l.counter[1] = (struct layout_counter){.id = primitive_find("bytes"), .merge = MERGE_SUM};
	l.counters = 2;
	return l;
}

/* A record of fixture_tuple: 10.0.x.x to 192.0.2.1. */
static inline void
fixture_record(uint8_t *p, uint32_t src, uint16_t dst_port, uint64_t packets, uint64_t bytes)
{
	uint8_t v4[4] = {10, (uint8_t)(src >> 16), (uint8_t)(src >> 8), (uint8_t)src};
	struct addr a = addr_from_v4(v4), b = addr_from_v4((uint8_t[]){192, 0, 2, 1});
	uint64_t counters[2] = {packets, bytes};
	memset(p, 0, 56);
	memcpy(p, &a, 16);
	memcpy(p + 16, &b, 16);
	memcpy(p + 34, &dst_port, 2);
	p[36] = 6;
	memcpy(p + 40, counters, sizeof(counters));
}

static inline void
fixture_be(struct text *t, uint64_t v, unsigned n)
{
	while (n--)
		text_char(t, (char)(v >> (8 * n)));
}

/* A request's head and columns; the queries' values are added with fixture_value. */
static inline void
fixture_request(struct text *t, uint16_t counter, uint32_t top, uint32_t queries, unsigned columns,
		const uint16_t *column)
{
	fixture_be(t, counter, 2);
	fixture_be(t, columns, 2);
	fixture_be(t, top, 4);
	fixture_be(t, queries, 4);
	for (unsigned i = 0; i < columns; i++)
		fixture_be(t, column[i], 2);
}

/* NULL: any. */
static inline void
fixture_value(struct text *t, const void *value, uint16_t n)
{
	fixture_be(t, value ? n : MEMORY_ANY, 2);
	if (value)
		text_add(t, value, n);
}

#endif
