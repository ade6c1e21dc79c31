/* Print and the databases both have names made of a row's values; this is the one place that finds them. */
#include "plugins/rowname.h"

void
rowname_init(struct rowname *r, const struct layout *l)
{
	r->layout = l;
	r->peer = layout_find(l, primitive_find("peer_src_ip"));
	r->tag = layout_find(l, primitive_find("tag"));
	r->tag2 = layout_find(l, primitive_find("tag2"));
}

/* 0 when the aggregate has no such field; the key is not aligned, hence memcpy. */
static uint64_t
key_u64(const struct layout *l, const struct layout_field *f, const uint8_t *key)
{
	uint64_t v = 0;
	size_t len;
	const uint8_t *p = f ? layout_value(l, f, key, &len) : NULL;

	if (p && len == sizeof(v))
		memcpy(&v, p, sizeof(v));
	return v;
}

struct outname_row
rowname_of(const struct rowname *r, const struct outname *name, const uint8_t *record, uint64_t time)
{
	struct outname_row row;
	size_t len;

	memset(&row, 0, sizeof(row));
	if (name->time)
		row.time = time;
	if (name->peer_src_ip && r->peer)
		memcpy(&row.peer_src_ip, layout_value(r->layout, r->peer, record, &len),
		       sizeof(row.peer_src_ip));
	if (name->tag)
		row.tag = key_u64(r->layout, r->tag, record);
	if (name->tag2)
		row.tag2 = key_u64(r->layout, r->tag2, record);
	return row;
}
