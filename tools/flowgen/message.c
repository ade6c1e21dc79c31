/* Headers, sets and padding of each export version, from their specifications: RFC 3954 for v9, RFC 7011 for
 * IPFIX, and Cisco's published tables for v1, v5 and v7. */
#include "tools/flowgen/message.h"

enum { SET_V9_TEMPLATE = 0, SET_V9_OPTIONS = 1, SET_IPFIX_TEMPLATE = 2, SET_IPFIX_OPTIONS = 3 };

bool
pool_make(struct gen_plan *plan, uint32_t flows)
{
	struct gen_pool *pool = &plan->pool;
	size_t max[2] = {template_max_record(&plan->data[0]), template_max_record(&plan->data[1])};
	size_t room = (max[0] > max[1] ? max[0] : max[1]) * (size_t)flows + 1;
	*pool = (struct gen_pool){
	    .encoded = malloc(room),
	    .offset = calloc(flows + 1ul, sizeof(*pool->offset)),
	    .packets = calloc(flows, sizeof(*pool->packets)),
	    .bytes = calloc(flows, sizeof(*pool->bytes)),
	    .is_v6 = calloc(flows, 1),
	    .times = calloc(flows, sizeof(*pool->times)),
	    .flows = flows,
	};
	if (!pool->encoded || !pool->offset || !pool->packets || !pool->bytes || !pool->is_v6 || !pool->times)
		return false;
	struct put p = put_into(pool->encoded, room);
	for (uint32_t i = 0; i < flows; i++) {
		struct gen_flow f;
		flow_make(&f, plan->seed, i, plan->v6_percent);
		places_move(&plan->places, &f, plan->seed);
		pool->is_v6[i] = f.v6;
		pool->packets[i] = f.packets;
		pool->bytes[i] = f.bytes;
		pool->offset[i] = put_len(&p);
		template_put_record(&p, &plan->data[f.v6], &f, &plan->clock);
	}
	pool->offset[flows] = put_len(&p);
	return true;
}

void
pool_free(struct gen_pool *pool)
{
	free(pool->encoded);
	free(pool->offset);
	free(pool->packets);
	free(pool->bytes);
	free(pool->is_v6);
	free(pool->times);
}

/* The header, with count or length left to finish(). Returns its place. */
static uint8_t *
begin(struct put *p, const struct gen_plan *plan, const struct gen_exporter *e, uint64_t elapsed_ms)
{
	uint8_t *header = p->pos;
	uint64_t now_ms = plan->clock.base_ms + elapsed_ms;
	put_uint(p, plan->version, 2);
	put_uint(p, 0, 2);
	if (plan->version == 10) {
		put_uint(p, now_ms / 1000, 4);
		put_uint(p, e->sequence, 4);
		put_uint(p, e->domain, 4);
		return header;
	}
	put_uint(p, plan->clock.base_uptime_ms + elapsed_ms, 4);
	put_uint(p, now_ms / 1000, 4);
	if (plan->version != 9)
		put_uint(p, now_ms % 1000 * 1000000, 4);
	if (plan->version != 1)
		put_uint(p, e->sequence, 4);
	if (plan->version == 5) {
		put_uint(p, e->domain & 0xff, 2); /* engine type 0, engine id */
		put_uint(p, plan->sampled_header ? 1u << 14 | plan->clock.sampling : 0, 2);
	} else if (plan->version == 7) {
		put_uint(p, 0, 4);
	} else if (plan->version == 9) {
		put_uint(p, e->domain, 4);
	}
	return header;
}

/* Writes count (records, including template records in v9) or length, and moves the sequence number on by the
 * version's own rule: flows in v5 and v7, datagrams in v9 (RFC 3954, 5.1), data records in IPFIX (RFC
 * 7011, 3.1). */
static void
finish(struct put *p, uint8_t *header, const struct gen_plan *plan, struct gen_exporter *e,
       unsigned data_records, unsigned template_records)
{
	size_t len = (size_t)(p->pos - header);
	put_patch16(header + 2, plan->version == 10 ? len : data_records + template_records);
	if (plan->version == 9)
		e->sequence++;
	else if (plan->version != 1)
		e->sequence += data_records;
}

static uint8_t *
set_begin(struct put *p, uint16_t id)
{
	uint8_t *set = put_room(p, 4);
	put_patch16(set, id);
	return set;
}

/* Sets are padded to four bytes (RFC 3954, 5.3: "should"); in IPFIX the exporter may choose, and this one
 * does not pad. */
static void
set_end(struct put *p, uint8_t *set, unsigned version)
{
	while (version == 9 && (p->pos - set) % 4)
		put_uint(p, 0, 1);
	put_patch16(set + 2, (size_t)(p->pos - set));
}

static void
put_field(struct put *p, const struct gen_field *field)
{
	put_uint(p, field->id | (field->pen ? 0x8000u : 0), 2);
	put_uint(p, field->len, 2);
	if (field->pen)
		put_uint(p, field->pen, 4);
}

static void
put_template(struct put *p, const struct gen_template *t)
{
	put_uint(p, t->id, 2);
	put_uint(p, t->fields, 2);
	for (unsigned i = 0; i < t->fields; i++)
		put_field(p, &t->field[i]);
}

/* v9 gives the lengths of both parts in bytes (RFC 3954, 6.1), IPFIX field counts (RFC 7011, 3.4.2.2). */
static void
put_options_template(struct put *p, const struct gen_template *t, unsigned version)
{
	put_uint(p, t->id, 2);
	if (version == 9) {
		put_uint(p, t->scopes * 4, 2);
		put_uint(p, (t->fields - t->scopes) * 4, 2);
	} else {
		put_uint(p, t->fields, 2);
		put_uint(p, t->scopes, 2);
	}
	for (unsigned i = 0; i < t->fields; i++)
		put_field(p, &t->field[i]);
}

/* Options data: record i is about interface, VRF, sampler or application i + 1. */
static unsigned
put_options_data(struct put *p, const struct gen_plan *plan)
{
	unsigned records = 0;
	for (unsigned n = 0; n < plan->option_count; n++) {
		uint8_t *set = set_begin(p, plan->options[n].id);
		for (unsigned i = 0; i < plan->option_records[n]; i++, records++) {
			struct gen_flow f;
			flow_make(&f, plan->seed, i, 0);
			f.in_if = f.vrf = f.sampler = f.app = i + 1;
			template_put_record(p, &plan->options[n], &f, &plan->clock);
		}
		set_end(p, set, plan->version);
	}
	return records;
}

void
message_templates(struct put *p, const struct gen_plan *plan, struct gen_exporter *e, uint64_t elapsed_ms,
		  struct gen_count *count)
{
	if (plan->version < 9)
		return;
	bool v9 = plan->version == 9;
	uint8_t *header = begin(p, plan, e, elapsed_ms);
	uint8_t *set = set_begin(p, v9 ? SET_V9_TEMPLATE : SET_IPFIX_TEMPLATE);
	unsigned templates = plan->v6_percent ? 2 : 1;
	for (unsigned i = 0; i < templates; i++)
		put_template(p, &plan->data[i]);
	set_end(p, set, plan->version);
	if (plan->option_count) {
		set = set_begin(p, v9 ? SET_V9_OPTIONS : SET_IPFIX_OPTIONS);
		for (unsigned i = 0; i < plan->option_count; i++)
			put_options_template(p, &plan->options[i], plan->version);
		set_end(p, set, plan->version);
	}
	unsigned records = put_options_data(p, plan);
	finish(p, header, plan, e, records, templates + plan->option_count);
	count->option_records += records;
	count->datagrams++;
	count->octets_on_wire += put_len(p);
}

static void
put_record(struct put *p, const struct gen_plan *plan, uint32_t flow)
{
	const uint64_t *offset = &plan->pool.offset[flow];
	put_bytes(p, plan->pool.encoded + offset[0], offset[1] - offset[0]);
}

/* One set for each address family that occurs, IPv4 first. */
static void
put_data_sets(struct put *p, const struct gen_plan *plan, const uint32_t *flows, unsigned n)
{
	for (unsigned family = 0; family < 2; family++) {
		uint8_t *set = NULL;
		for (unsigned i = 0; i < n; i++) {
			if (plan->pool.is_v6[flows[i]] != family)
				continue;
			if (!set)
				set = set_begin(p, plan->data[family].id);
			put_record(p, plan, flows[i]);
		}
		if (set)
			set_end(p, set, plan->version);
	}
}

void
message_data(struct put *p, struct gen_plan *plan, struct gen_exporter *e, const uint32_t *flows, unsigned n,
	     uint64_t elapsed_ms, struct gen_count *count)
{
	uint8_t *header = begin(p, plan, e, elapsed_ms);
	if (plan->version >= 9)
		put_data_sets(p, plan, flows, n);
	else
		for (unsigned i = 0; i < n; i++)
			put_record(p, plan, flows[i]);
	finish(p, header, plan, e, n, 0);
	for (unsigned i = 0; i < n; i++) {
		uint64_t packets = plan->pool.packets[flows[i]];
		count->packets += packets;
		count->bytes += plan->pool.bytes[flows[i]];
		count->rev_packets += flow_reverse_packets(packets);
		count->rev_bytes += flow_reverse_packets(packets) * REVERSE_PACKET;
		plan->pool.times[flows[i]]++;
	}
	count->records += n;
	count->datagrams++;
	count->octets_on_wire += put_len(p);
}
