/* UPDATEs with NLRI of all families. Four bytes say what the session agreed on, the rest is the body. What
 * comes out must lie within what went in, lists must be whole, outcomes must be such, and reading the same
 * again with other bytes in the scratch area must say the same. */
#include "bgp/nlri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define ALL ((1u << BGP_FAMILIES) - 1)

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* --- attributes --- */

struct area {
	const uint8_t *begin, *end;
};

static bool
within(const struct area *a, const uint8_t *p, size_t len)
{
	return p >= a->begin && p <= a->end && (size_t)(a->end - p) >= len;
}

static void
check_list(const struct bgp_bytes *b, size_t element, const struct area *body, const struct area *scratch)
{
	check(b->len % element == 0);
	check(b->len == 0 || within(body, b->p, b->len) || within(scratch, b->p, b->len));
}

/* Words in host byte order, words of them an element, ascend. */
static void
check_ascending(const struct bgp_bytes *b, unsigned words)
{
	uint32_t last[3], next[3];
	size_t size = words * sizeof(last[0]);

	for (uint32_t at = 0; at + 2 * size <= b->len; at += (uint32_t)size) {
		unsigned i = 0;
		memcpy(last, b->p + at, size);
		memcpy(next, b->p + at + size, size);
		while (i < words - 1 && last[i] == next[i])
			i++;
		check(last[i] < next[i]);
	}
}

static void
check_path(const struct bgp_bytes *path)
{
	struct wire w = wire_over(path->p, path->len);

	while (wire_left(&w)) {
		uint8_t type = wire_u8(&w), count = wire_u8(&w);
		check(type >= 1 && type <= 4 && count > 0);
		for (unsigned i = 0; i < count; i++)
			check(wire_u32(&w) != 0);
	}
	check(!w.failed);
}

/* Codes ascend, and lengths fit. */
static void
check_other(const struct bgp_bytes *other)
{
	struct wire w = wire_over(other->p, other->len);
	int last = -1;

	while (wire_left(&w)) {
		uint8_t flags = wire_u8(&w), code = wire_u8(&w);
		check((flags & 0x9f) == 0x80 && code > last);
		last = code;
		wire_skip(&w, wire_u16(&w));
	}
	check(!w.failed);
}

static void
check_attrs(const struct bgp_attrs *a, const struct area *body, const struct area *scratch)
{
	check(a->origin <= 2);
	check_list(&a->as_path, 1, body, scratch);
	check_list(&a->std, 4, body, scratch);
	check_list(&a->ext, 8, body, scratch);
	check_list(&a->lrg, 12, body, scratch);
	check_list(&a->cluster_list, 4, body, scratch);
	check_list(&a->other, 1, body, scratch);
	check_ascending(&a->std, 1);
	check_ascending(&a->lrg, 3);
	for (uint32_t at = 8; at < a->ext.len; at += 8)
		check(memcmp(a->ext.p + at - 8, a->ext.p + at, 8) < 0);
	if (a->as_path.len)
		check_path(&a->as_path);
	if (a->other.len)
		check_other(&a->other);
	check((a->present & BGP_HAS_AS_PATH) || a->as_path.len == 0);
	check(!(a->present & BGP_HAS_AGGREGATOR) || a->aggregator_as != 0);
	check(!(a->present & BGP_HAS_NEXT_HOP) || !addr_is_none(&a->next_hop));
}

static void
same_list(const struct bgp_bytes *a, const struct bgp_bytes *b)
{
	check(a->len == b->len && (a->len == 0 || memcmp(a->p, b->p, a->len) == 0));
}

static void
check_same(const struct bgp_update *a, const struct bgp_update *b)
{
	check(a->outcome == b->outcome && a->notify == b->notify && a->attrs.present == b->attrs.present);
	check(memcmp(a->faults, b->faults, sizeof(a->faults)) == 0);
	check(addr_equal(&a->attrs.next_hop, &b->attrs.next_hop));
	check(a->attrs.med == b->attrs.med && a->attrs.aggregator_as == b->attrs.aggregator_as);
	same_list(&a->attrs.as_path, &b->attrs.as_path);
	same_list(&a->attrs.std, &b->attrs.std);
	same_list(&a->attrs.lrg, &b->attrs.lrg);
	same_list(&a->attrs.other, &b->attrs.other);
}

static void
check_outcome(const struct bgp_update *u, const struct bgp_rules *r, const struct area *body)
{
	bool faulty = false;

	check(u->outcome <= BGP_SESSION_RESET);
	for (unsigned i = 0; i < ARRAY_SIZE(u->faults); i++) {
		check(u->faults[i] < BGP_FAULTS);
		faulty |= u->faults[i] != BGP_FAULT_NONE;
		check(i == 0 || u->faults[i] == BGP_FAULT_NONE || u->faults[i - 1] != BGP_FAULT_NONE);
	}
	check(faulty == (u->outcome != BGP_OK));
	check(u->outcome != BGP_SESSION_RESET || u->notify >> 8 == BGP_ERR_UPDATE);
	check(u->notify_len <= 1 || within(body, u->notify_data, u->notify_len));
	check(u->reach == BGP_FAMILY_NONE || (r->families >> u->reach & 1));
	check(u->unreach == BGP_FAMILY_NONE || (r->families >> u->unreach & 1));
	check(u->outcome != BGP_DISABLE_FAMILY || u->reach != BGP_FAMILY_NONE);
	check(!u->end_of_rib || (u->outcome == BGP_OK && u->eor_family < BGP_FAMILY_NONE));
}

/* --- NLRI --- */

static void
check_prefix(const struct bgp_nlri *n, enum bgp_family f)
{
	bool v4 = bgp_family_rows[f].afi == BGP_AFI_IPV4;

	check(n->prefix.len <= (v4 ? 32 : 128) && (!v4 || addr_is_v4(&n->prefix.addr)));
	check(n->label == BGP_NO_LABEL || n->label <= 0xfffff);
	struct addr plain = addr_to_v6(&n->prefix.addr);
	for (unsigned i = n->prefix.len + (v4 ? 96u : 0); i < 128; i++)
		check((plain.b[i / 8] >> (7 - i % 8) & 1) == 0 || addr_is_v6_any(&n->prefix.addr));
}

static void
same_prefix(const struct bgp_nlri *a, const struct bgp_nlri *b)
{
	check(addr_equal(&a->prefix.addr, &b->prefix.addr) && a->prefix.len == b->prefix.len);
	check(a->path_id == b->path_id && a->label == b->label && a->rd == b->rd);
}

static void
walk_prefixes(struct wire w, enum bgp_family f, bool add_path, bool withdrawn)
{
	struct wire all = w;
	struct bgp_nlri n, batch[7];
	enum bgp_fault fault = BGP_FAULT_NONE, batch_fault = BGP_FAULT_NONE;
	unsigned in_batch = 0, at = 0;

	for (;;) {
		const uint8_t *before = w.pos;
		bool more = bgp_nlri_next(&w, f, add_path, withdrawn, &n, &fault);
		if (f <= BGP_IPV6_UNICAST && at == in_batch) {
			in_batch = bgp_nlri_batch(&all, f, add_path, batch, ARRAY_SIZE(batch), &batch_fault);
			at = 0;
		}
		if (!more)
			break;
		check(w.pos > before && w.pos <= w.end);
		check_prefix(&n, f);
		if (f <= BGP_IPV6_UNICAST) {
			check(at < in_batch);
			same_prefix(&batch[at++], &n);
		}
	}
	check(wire_left(&w) == 0 && fault < BGP_FAULTS);
	if (f <= BGP_IPV6_UNICAST)
		check(at == in_batch && batch_fault == fault && wire_left(&all) == 0);
}

static void
walk_items(struct wire w, enum bgp_family f, bool add_path)
{
	static struct text t;
	enum bgp_fault fault = BGP_FAULT_NONE;

	for (;;) {
		const uint8_t *before = w.pos;
		t.len = 0;
		if (!bgp_nlri_text(&w, f, add_path, &t, &fault))
			break;
		check(w.pos > before && w.pos <= w.end);
		for (size_t i = 0; i < t.len; i++)
			check(t.data[i] >= ' ' && t.data[i] < 0x7f);
		/* every octet makes a handful of letters at most */
		check(t.len <= 64 + 40 * (size_t)(w.pos - before));
	}
	check(wire_left(&w) == 0 && fault < BGP_FAULTS);
}

static void
walk(struct wire w, enum bgp_family f, const struct bgp_rules *r, bool withdrawn)
{
	bool add_path = r->add_path >> f & 1;

	if (f < BGP_RIB_FAMILIES)
		walk_prefixes(w, f, add_path, withdrawn);
	else
		walk_items(w, f, add_path);
}

/* --- an UPDATE --- */

static void
walk_all(const struct bgp_update *u, const struct bgp_rules *r, const struct area *body)
{
	check(wire_left(&u->withdrawn) == 0 || within(body, u->withdrawn.pos, wire_left(&u->withdrawn)));
	check(wire_left(&u->announced) == 0 || within(body, u->announced.pos, wire_left(&u->announced)));
	walk(u->withdrawn, BGP_IPV4_UNICAST, r, true);
	walk(u->announced, BGP_IPV4_UNICAST, r, false);
	if (u->reach != BGP_FAMILY_NONE) {
		check(wire_left(&u->mp_announced) == 0 ||
		      within(body, u->mp_announced.pos, wire_left(&u->mp_announced)));
		walk(u->mp_announced, u->reach, r, false);
	}
	if (u->unreach != BGP_FAMILY_NONE) {
		check(wire_left(&u->mp_withdrawn) == 0 ||
		      within(body, u->mp_withdrawn.pos, wire_left(&u->mp_withdrawn)));
		walk(u->mp_withdrawn, u->unreach, r, true);
	}
}

static void
update(const uint8_t *data, size_t n, const struct bgp_rules *r)
{
	static struct bgp_scratch scratch[2];
	struct bgp_update u, again;
	struct area body = {data, data + n};

	for (unsigned i = 0; i < 2 && !scratch[1].mem; i++) {
		check(bgp_scratch_init(&scratch[i]));
		memset(scratch[i].mem, i ? 0xa5 : 0, scratch[i].cap);
	}
	bgp_update_parse(&u, data, n, r, &scratch[0]);
	check_outcome(&u, r, &body);
	check_attrs(&u.attrs, &body, &(struct area){scratch[0].mem, scratch[0].mem + scratch[0].cap});
	bgp_update_parse(&again, data, n, r, &scratch[1]);
	check_same(&u, &again);
	walk_all(&u, r, &body);
	bgp_update_use_mp(&u);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 4 || n > 4 + BGP_MESSAGE_MAX_LONG)
		return 0;
	uint32_t mask = (uint32_t)data[1] | (uint32_t)data[2] << 8 | (uint32_t)data[3] << 16;
	struct bgp_rules r = {
	    .as4 = data[0] & 1,
	    .ebgp = data[0] & 2,
	    .families = data[0] & 4 ? ALL : mask & ALL,
	    .add_path = data[0] & 8 ? ALL & ~mask : 0,
	    .ext_next_hop = data[0] & 16 ? ALL : 0,
	};
	uint8_t *copy = malloc(n > 4 ? n - 4 : 1);
	memcpy(copy, data + 4, n - 4);
	update(copy, n - 4, &r);
	free(copy);
	return 0;
}
