/* Sets: the common body of NetFlow v9 and IPFIX messages, and the loop over records.
 *
 * Everything that is the same for all records of a set is put once into a flow (proto) that each record
 * begins as a copy of.
 *
 * Three ways lead through a set, fastest first: shuffled batches, for fixed-length records as far as 16-byte
 * loads stay within the message; the interpreter with fixed offsets, for the last records of a message; and
 * the interpreter after locate(), for records with variable-length fields. All give the same flows, which a
 * test compares byte for byte. */
#include "collector/decode/exporter.h"

#include "collector/base/wire.h"

/* Also called before anything is freed that flows in the batch refer to: names, waiting data, a domain. */
void
batch_flush(struct decoder *d)
{
	/* sinks are never called with nothing */
	if (d->batch.n == 0)
		return;
	d->sink(d->sink_ctx, &d->batch);
	d->batch.n = 0;
}

/* The address the exporter gives itself in its options, else where its datagrams come from. */
static struct addr
exporter_address(const struct message *m)
{
	const struct exporter *x = m->exporter;

	/* the operator trusts the socket only */
	if (m->d->o.ignore_exporter_address)
		return x->addr;
	if (!addr_is_none(&m->domain->agent))
		return m->domain->agent;
	return addr_is_none(&x->agent) || x->agents_differ ? x->addr : x->agent;
}

/* Everything is assigned anew for every set: proto is shared by all messages of the decoder, and nothing of
 * the set before may shine through. Members never assigned here stay zero for good. */
static void
set_proto(const struct message *m, const struct template *t)
{
	struct flow *f = &m->d->proto.flow;
	const struct plan *p = t->plan;

	f->kind = p->kind;
	f->features = p->features;
	/* events and options are not counted as flows */
	f->flows = p->kind == FLOW_KIND_FLOW ? p->flows : 0;
	f->sampling_rate = 0;
	f->export_proto_version = (uint8_t)m->version;
	f->export_proto_seqno = m->sequence;
	f->export_proto_sysid = m->sysid;
	f->engine_type = m->engine_type;
	f->engine_id = m->engine_id;
	f->flowset_id = t->id;
	f->timestamp_arrival = m->arrival_us;
	f->timestamp_export = m->export_us;
	f->peer_src_ip = exporter_address(m);
	if (p->shuffle)
		shuffle_prepare(p->shuffle, f, true);
}

/* A copy of proto up to the extent; what lies behind is not cleared, and nobody reads it. */
static inline struct flow *
begin_flow(struct decoder *d)
{
	struct flow *f = flow_at(&d->batch, d->batch.n);

	memcpy(f, &d->proto.flow, d->batch.extent);
	return f;
}

/* Keeps the flow just written. Afterwards r->flow may be stale: the batch may have been handed on. */
static inline void
end_flow(struct decoder *d)
{
	if (++d->batch.n == FLOW_BATCH_MAX)
		batch_flush(d);
}

/* RFC 5103: the record's other half as a flow of its own, when anything flowed that way. */
static void
reverse_flow(struct record *r)
{
	struct decoder *d = r->m->d;
	const struct plan *p = r->plan;
	const struct flow *forward = r->flow;
	struct flow *f = flow_at(&d->batch, d->batch.n);

	memcpy(f, forward, d->batch.extent);
	record_turn(f);
	r->flow = f;
	plan_run(r, p->op + p->ops, p->reverses);
	/* the place in the batch is simply used again */
	if (f->bytes == 0 && f->packets == 0)
		return;
	/* times and names were copied or turned; only the new counters need scaling */
	record_finish(r, r->finish & FINISH_BIT(FINISH_RATE));
	decoder_count(d, DECODE_FLOWS, 1);
	end_flow(d);
}

/* The steps a record still needs: times that its fields gave are not derived. */
static inline void
finish(struct record *r, const struct plan *p)
{
	uint32_t mask = r->finish;
	const struct flow *f = r->flow;

	/* most records of most templates: nothing left to do */
	if (mask == 0)
		return;
	if (f->timestamp_start && (f->timestamp_end || !p->need_end))
		mask &= ~FINISH_BIT(FINISH_TIMES);
	record_finish(r, mask);
}

/* A record whose fields stand where r->seg and r->var say. */
static void
decode_record(struct record *r)
{
	struct decoder *d = r->m->d;
	const struct plan *p = r->plan;

	if (p->reverses && d->batch.n + 2 >= FLOW_BATCH_MAX)
		batch_flush(d); /* the reverse record is made from this one, which must still be there */
	/* fields are written over the copy of proto */
	r->flow = begin_flow(d);
	/* cleared only for plans that write it: it is large */
	if (p->scratch)
		memset(&r->s, 0, sizeof(r->s));
	plan_run(r, p->op, p->ops);
	finish(r, p);
	end_flow(d);
	if (p->reverses)
		reverse_flow(r);
}

/* Finds the fields of the next record with variable-length fields (RFC 7011, 7). False: it runs over the end.
 */
static bool
locate(struct record *r, const struct plan *p, struct wire *w)
{
	for (unsigned i = 0; i < p->vars; i++) {
		r->seg[i] = wire_bytes(w, p->run[i]);
		size_t len = wire_u8(w);
		/* RFC 7011, 7: the long form, which may hold a short length */
		if (len == 255)
			len = wire_u16(w);
		r->var[i] = wire_bytes(w, len);
		r->var_len[i] = (uint16_t)len;
	}
	r->seg[p->vars] = wire_bytes(w, p->run[p->vars]);
	return !w->failed;
}

/* Records of options are learnt from; whether they are also accounted is the operator's choice. */
static void
option_record(struct record *r, const struct template *t)
{
	options_learn(r, t);
	if (r->m->d->o.account_options)
		decode_record(r);
}

/* A record that runs over the end loses the rest of the set, because nothing tells where the next one would
 * begin. What is shorter than the shortest record is padding (RFC 7011, 3.3.1). */
static unsigned
decode_variable(struct record *r, const struct template *t, struct wire *set)
{
	unsigned n = 0;

	while (wire_left(set) >= t->min_len) {
		if (!locate(r, r->plan, set)) {
			/* counted once, however many records might have followed */
			drop_message(r->m, DROP_RECORD);
			break;
		}
		if (t->options)
			option_record(r, t);
		else
			decode_record(r);
		n++;
	}
	return n;
}

/* n was worked out from the bytes left, so none of these reads can fail. */
static unsigned
decode_fixed(struct record *r, const struct template *t, struct wire *set, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		r->seg[0] = wire_bytes(set, t->min_len);
		if (t->options)
			option_record(r, t);
		else
			decode_record(r);
	}
	return n;
}

/* n records into the batch at once, what the shuffle leaves being done one by one after it. */
static void
decode_run(struct record *r, const uint8_t *rec, unsigned n)
{
	struct decoder *d = r->m->d;
	const struct plan *p = r->plan;
	uint8_t *flow = (uint8_t *)flow_at(&d->batch, d->batch.n);

	shuffle_run(p->shuffle, flow, (const uint8_t *)&d->proto, rec, p->len, n);
	/* what the shuffle could not take stands behind the other two lists */
	const struct plan_op *rest = p->op + p->ops + p->reverses;
	bool columns = p->columns && (r->m->uptime_us || !p->uptimes);
	if (columns)
		plan_run_columns(r, rest, p->rests, flow, rec, p->len, n);
	if (columns && r->finish == 0)
		return;
	for (unsigned i = 0; i < n; i++, rec += p->len) {
		r->flow = flow_at(&d->batch, d->batch.n + i);
		r->seg[0] = rec;
		if (p->scratch)
			memset(&r->s, 0, sizeof(r->s));
		if (!columns)
			plan_run(r, rest, p->rests);
		finish(r, p);
	}
}

/* The records whose shuffled loads stay within the message; returns how many. */
static unsigned
decode_shuffled(struct record *r, struct wire *set, unsigned n)
{
	struct decoder *d = r->m->d;
	size_t len = r->plan->len, reach = shuffle_reach(r->plan->shuffle);
	size_t left = (size_t)(r->m->end - set->pos);

	/* not even one load would stay within the message */
	if (left < reach)
		return 0;
	if (n > (left - reach) / len + 1)
		n = (unsigned)((left - reach) / len + 1);
	for (unsigned done = 0; done < n;) {
		/* never zero: a full batch has been handed on */
		unsigned room = FLOW_BATCH_MAX - d->batch.n;
		unsigned k = n - done < room ? n - done : room;
		decode_run(r, wire_bytes(set, k * len), k);
		done += k;
		d->batch.n += k;
		if (d->batch.n == FLOW_BATCH_MAX)
			batch_flush(d);
	}
	return n;
}

/* Options and biflows take the slow way: they are learnt from or split record by record. */
static unsigned
decode_records(struct record *r, const struct template *t, struct wire *set)
{
	const struct plan *p = r->plan;
	unsigned n, fast = 0;

	if (p->vars)
		return decode_variable(r, t, set);
	/* what is left over is padding */
	n = (unsigned)(wire_left(set) / p->len);
	if (p->shuffle && !p->reverses && !t->options)
		fast = decode_shuffled(r, set, n);
	return fast + decode_fixed(r, t, set, n - fast);
}

/* Of the bytes left in w, which is not moved. */
static bool
padding_is_zero(const struct wire *w)
{
	for (const uint8_t *p = w->pos; p < w->end; p++)
		if (*p)
			return false;
	return true;
}

/* RFC 7011, 3.3.1: padding should be zero. Asked for by an option only, since many exporters pad with
 * leftovers; with variable fields it is not known where padding begins. */
static bool
padding_allowed(const struct message *m, const struct template *t, const struct wire *set)
{
	if (!m->d->o.pre_processing_checks || t->plan->vars)
		return true;
	struct wire rest = *set;
	wire_skip(&rest, wire_left(set) / t->min_len * t->min_len);
	return padding_is_zero(&rest);
}

/* Looks the rate up once when it is the same for all records of the set; then the step for each record is
 * left out. */
static void
begin_set(struct record *r, const struct message *m, const struct template *t)
{
	struct flow *proto = &m->d->proto.flow;

	r->m = m;
	r->plan = t->plan;
	r->finish = t->plan->finish;
	memset(&r->s, 0, sizeof(r->s));
	set_proto(m, t);
	if (r->finish & FINISH_BIT(FINISH_RATE) && proto->kind == FLOW_KIND_FLOW && rate_of_set(r, proto))
		r->finish &= ~FINISH_BIT(FINISH_RATE);
}

/* Returns records, not flows: a biflow makes two flows of one record, and sequence numbers count records. */
unsigned
set_decode(const struct message *m, struct template *t, struct wire *set)
{
	static const enum decode_counter kinds[] = {
	    [FLOW_KIND_FLOW] = DECODE_FLOWS,
	    [FLOW_KIND_EVENT] = DECODE_EVENTS,
	    [FLOW_KIND_OPTION] = DECODE_OPTION_RECORDS,
	};
	struct record *r = &m->d->record;
	unsigned n;

	if (!padding_allowed(m, t, set)) {
		drop_message(m, DROP_PADDING);
		return 0;
	}
	begin_set(r, m, t);
	n = decode_records(r, t, set);
	/* proto has to be free of the plan's constants before another set uses it */
	if (t->plan->shuffle)
		shuffle_prepare(t->plan->shuffle, &m->d->proto.flow, false);
	decoder_count(m->d, kinds[t->plan->kind], n);
	if (t->plan->finish & ~r->finish & FINISH_BIT(FINISH_RATE) && !m->d->proto.flow.sampling_rate)
		rate_unknown(m, n);
	t->records += n;
	m->domain->records += n;
	m->exporter->records += n;
	return n;
}

/* Set ids: v9 0 and 1, IPFIX 2 and 3 are templates and options templates; from 256 on data. */
static unsigned
one_set(const struct message *m, uint16_t id, struct wire *set, bool *uncounted)
{
	uint16_t first = m->version == 9 ? 0 : 2;

	/* an id of the other version's templates falls through to the reserved ones */
	if (id == first || id == first + 1) {
		template_set(m, set, id != first);
		return 0;
	}
	if (id < 256) {
		drop_message(m, DROP_SET_ID);
		return 0;
	}
	struct template *t = template_find(m->domain, id);
	if (t)
		return set_decode(m, t, set);
	*uncounted = true;
	/* its records are unknown, and so is what the next sequence number should be */
	waiting_add(m, id, set->pos, wire_left(set));
	return 0;
}

/* A set with a wrong length ends the walk: lengths are all that leads from one set to the next. */
unsigned
set_walk(const struct message *m, struct wire *w, bool *uncounted)
{
	unsigned n = 0;

	while (wire_left(w) >= 4) {
		uint16_t id = wire_u16(w);
		uint16_t len = wire_u16(w);
		if (len < 4 || (size_t)len - 4 > wire_left(w)) {
			/* v9 exporters may fill up a datagram with zeros */
			if (id != 0 || len != 0 || !padding_is_zero(w)) {
				drop_message(m, DROP_SET_LENGTH);
				*uncounted = true;
			}
			break;
		}
		struct wire set = wire_sub(w, len - 4u);
		n += one_set(m, id, &set, uncounted);
	}
	return n;
}

/* Called for every message, also one whose sets were faulty: its header was good. */
void
message_sequence(const struct message *m, uint32_t units, uint32_t window)
{
	struct sequence_result s = sequence_check(&m->domain->sequence, m->sequence, units, window);

	decoder_count(m->d, DECODE_SEQUENCE_LOST, s.lost);
	decoder_count(m->d, DECODE_SEQUENCE_LATE, s.late);
	decoder_count(m->d, DECODE_SEQUENCE_RESTARTS, s.restart);
}
