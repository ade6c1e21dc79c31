/* The compiler and the interpreter of plans (see plan.h).
 *
 * Compiling goes in three steps: place every field, pick the rows that are needed (candidates), and settle
 * for each destination who writes it. Several sources of one value are ordered by the row's rank; the
 * preferred one writes without looking, and others follow, if they may, where it left nothing but zeros.
 *
 * Invariant: after settling, at most one operation without a condition is left for each destination, so the
 * order of the unconditional ones does not matter and the shuffle may do them all at once. Whatever has a
 * condition looks at what stands at its destination and therefore runs later, in the order of rank.
 * Rejected: a chain of function pointers (slower than the switch, which lets short operations be inlined),
 * and code made at run time (it needs memory that is both writable and executable). */
#include "collector/decode/plan.h"

#include "collector/base/clock.h"
#include "collector/base/wire.h"
#include "collector/decode/decode.h"
#include "collector/decode/setters.h"
#include "collector/decode/times.h"

/* A field that somebody needs. */
struct candidate {
	struct plan_op op;
	const struct element *row; /* NULL: a custom primitive */
	uint16_t field;
	uint8_t rank;
	bool reverse;
	bool dropped;
};

struct compiler {
	const struct plan_env *env;
	struct plan *plan;
	const struct field *field;
	unsigned fields;
	const struct element **row; /* of each field as element_find() has it, NULL: none */
	struct candidate *cand;
	unsigned cands;
	/* decides where the first of several equal elements goes */
	bool nested; /* two headers in a record: a tunnel */
	bool octets; /* some field counts octets */
	bool ip_version;
};

/* How often a template names an element. Linear: only asked a fixed number of times for a template. */
static unsigned
count_fields(const struct compiler *c, uint32_t pen, uint16_t id)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->fields; i++)
		n += c->field[i].pen == pen && c->field[i].id == id;
	return n;
}

/* Which occurrence of its element this field is, from 1: custom primitives may ask for the second and so
 * on. */
static unsigned
occurrence(const struct compiler *c, unsigned field)
{
	unsigned n = 0;

	for (unsigned i = 0; i <= field; i++)
		n += c->field[i].pen == c->field[field].pen && c->field[i].id == c->field[field].id;
	return n;
}

/* Members of the flow that take a finishing step, as bits: a row may feed a step without writing any needed
 * member itself. WANT_FRAME is always set, because a carried packet may supply anything. */
uint32_t
plan_wants(const struct decode_options *o, const struct flow_needs *needs)
{
	uint32_t w = 0;

	if (FLOW_NEEDED(needs, sampling_rate) || o->renormalize)
		w |= WANT_RATE;
	if (FLOW_NEEDED(needs, timestamp_start) || FLOW_NEEDED(needs, timestamp_end))
		/* each is derived from the other where it is missing */
		w |= WANT_TIMES;
	if (FLOW_NEEDED(needs, vlan) || FLOW_NEEDED(needs, in_vlan) || FLOW_NEEDED(needs, out_vlan) ||
	    FLOW_NEEDED(needs, features))
		w |= WANT_VLAN;
	if (FLOW_NEEDED(needs, mpls_label) || FLOW_NEEDED(needs, mpls_labels) ||
	    FLOW_NEEDED(needs, mpls_label_top) || FLOW_NEEDED(needs, mpls_label_bottom) ||
	    FLOW_NEEDED(needs, mpls_label_stack))
		w |= WANT_MPLS;
	if (FLOW_NEEDED(needs, mpls_vpn_rd) || FLOW_NEEDED(needs, mpls_vpn_rd_origin))
		w |= WANT_RD;
	if (FLOW_NEEDED(needs, vrf_name) || FLOW_NEEDED(needs, ingress_vrf_name) ||
	    FLOW_NEEDED(needs, egress_vrf_name))
		w |= WANT_VRF;
	if (FLOW_NEEDED(needs, in_iface_name) || FLOW_NEEDED(needs, out_iface_name))
		w |= WANT_IFACE_NAMES;
	if (FLOW_NEEDED(needs, application_id) || FLOW_NEEDED(needs, class_name))
		w |= WANT_APPLICATION;
	if (FLOW_NEEDED(needs, path_delay_avg_usec))
		w |= WANT_DELAY;
	if (FLOW_NEEDED(needs, vxlan) || FLOW_NEEDED(needs, nvgre))
		w |= WANT_TUNNEL_ID;
	if (FLOW_NEEDED(needs, features))
		w |= WANT_FEATURES;
	if (FLOW_NEEDED(needs, sampling_direction))
		w |= WANT_DIRECTION;
	return w | WANT_FRAME;
}

/* --- step 1: places --- */

/* Offsets are relative to the run of fixed fields a field stands in, a run being what lies between two fields
 * of variable length. p->len counts one byte for each of these: the shortest they can be. The caller has
 * checked that the sum fits 16 bits. */
static void
place_fields(struct compiler *c, struct plan_op *place)
{
	struct plan *p = c->plan;
	/* seg counts runs, off the bytes within the one at hand */
	uint16_t seg = 0, off = 0;

	for (unsigned i = 0; i < c->fields; i++) {
		uint16_t len = c->field[i].len;
		place[i] =
		    (struct plan_op){.seg = seg, .src = off, .len = len, .var = len == VARIABLE_LENGTH};
		if (len == VARIABLE_LENGTH) {
			/* the length byte is not part of the field: locate() has passed over it */
			place[i].src = 0;
			p->run[seg++] = off;
			p->len++;
			off = 0;
			continue;
		}
		if (c->field[i].pen == 0 && c->field[i].id == 60 && len == 1) {
			/* of several the last one counts, as with every element */
			c->ip_version = true;
			p->version_seg = seg;
			p->version_src = off;
		}
		off = (uint16_t)(off + len);
		p->len = (uint16_t)(p->len + len);
	}
	p->run[seg] = off;
	p->vars = seg;
}

/* --- step 2: candidates --- */

/* Equal widths and the two frequent widenings have a kind of their own; anything else is read byte by byte. A
 * narrower destination takes the lower bytes. */
static uint8_t
uint_kind(uint16_t len, uint16_t width)
{
	/* width is 8 at most; longer fields, and variable ones, end in the default */
	switch (len << 4 | width) {
	case 0x11:
		return OP_U8;
	case 0x22:
		return OP_U16;
	case 0x44:
		return OP_U32;
	case 0x88:
		return OP_U64;
	case 0x24:
		return OP_U16_U32;
	case 0x48:
		return OP_U32_U64;
	default:
		return OP_UINT;
	}
}

/* Fixes kind and setter by the row's type; false when the length does not fit it. */
static bool
op_from_type(struct plan_op *op, const struct element *e)
{
	/* also kept for kinds that do without: OP_UPTIME falls back on it */
	op->set = e->set;
	switch ((enum element_type)e->type) {
	case ELEMENT_UINT:
		op->kind = uint_kind(op->len, op->width);
		/* no bytes are no number; a variable field shows its length record by record */
		return op->var || (op->len >= 1 && op->len <= 8);
	case ELEMENT_ADDR4:
		op->kind = OP_ADDR4;
		return op->len == 4;
	case ELEMENT_ADDR6:
		op->kind = OP_ADDR6;
		return op->len == 16;
	case ELEMENT_MAC:
		op->kind = OP_MAC;
		return op->len == 6;
	/* no bytes at a fixed length of zero: nothing to refer to */
	case ELEMENT_BYTES:
		op->kind = OP_BYTES;
		return op->len > 0;
	case ELEMENT_TEXT:
		op->kind = OP_TEXT;
		return op->len > 0;
	case ELEMENT_CALL:
		op->kind = OP_CALL;
		/* the usual lengths of these need no call, and some of them can be shuffled */
		if (op->len == 1 && (e->set == set_tcp_flags || e->set == set_fwd_status))
			op->kind = uint_kind(1, op->width);
		else if (op->len == 4 && e->set == set_time_s)
			op->kind = OP_TIME_S;
		else if (op->len == 8 && e->set == set_time_ms)
			op->kind = OP_TIME_MS;
		else if (op->len == 4 && (e->set == set_time_uptime_start || e->set == set_time_uptime_end))
			op->kind = OP_UPTIME;
		return op->len >= e->len_min && op->len <= e->len_max;
	}
	return false;
}

/* An end is only read to derive a start from it, when nobody asks for ends. */
static bool
end_unneeded(const struct compiler *c, const struct element *e)
{
	/* without any start the end is needed: a missing start is derived from it */
	if (e->base != BASE_FLOW || e->dst != offsetof(struct flow, timestamp_end) ||
	    FLOW_NEEDED(c->env->needs, timestamp_end))
		return false;
	for (unsigned i = 0; i < c->fields; i++) {
		const struct element *other = c->row[i];
		if (other && other->base == BASE_FLOW && other->dst == offsetof(struct flow, timestamp_start))
			return true;
	}
	return false;
}

static bool
row_needed(const struct compiler *c, const struct element *e, uint16_t dst, uint16_t width)
{
	if (end_unneeded(c, e))
		return false;
	/* a step needs it, though nobody reads its destination */
	if (e->wants && (c->env->wants & e->wants))
		return true;
	return e->base == BASE_FLOW && flow_needed(c->env->needs, dst, width);
}

/* In a record with two headers the first of several fields with one meaning belongs to the outer one. */
static bool
is_outer(const struct compiler *c, unsigned field, const struct element *e)
{
	if (!c->nested || !e->tunnel)
		return false;
	for (unsigned i = 0; i < field; i++)
		if (c->row[i] && c->row[i]->tunnel == e->tunnel)
			return false;
	for (unsigned i = field + 1; i < c->fields; i++)
		if (c->row[i] && c->row[i]->tunnel == e->tunnel)
			return true;
	return false;
}

/* TCP flags are a counter of 8 bytes in the flow, but one byte in the tunnel's members. */
static uint16_t
tunnel_width(const struct element *e)
{
	return e->set == set_tcp_flags ? 1 : e->width;
}

/* Options that give an element another destination. */
static uint16_t
redirect(const struct compiler *c, const struct element *e, uint16_t id)
{
	const struct decode_options *o = c->env->o;

	if (o->peer_as && id == 16)
		return offsetof(struct flow, peer_src_as);
	if (o->peer_as && id == 17)
		return offsetof(struct flow, peer_dst_as);
	/* as pmacct has it for these firewalls: 231 bytes, 232 packets */
	if (o->asa_bi_flow && id == 232)
		return offsetof(struct flow, packets);
	return e->dst;
}

/* Counters of the other direction: RFC 5103's enterprise, or the responder's of a firewall. */
static bool
is_reverse(const struct compiler *c, const struct field *f)
{
	/* each direction of the record becomes a flow, both marked */
	if (f->pen == PEN_REVERSE)
		return true;
	return f->pen == 0 && !c->env->o->asa_bi_flow && (f->id == 232 || f->id == 299);
}

/* The candidate of field i, if some row knows the element and somebody needs the value. Reverse elements (RFC
 * 5103) are the same rows in another enterprise; those that go to the scratch record are left out, since one
 * record has only one scratch record for both directions. */
static void
add_row(struct compiler *c, unsigned i, const struct plan_op *place)
{
	const struct field *f = &c->field[i];
	bool reverse = is_reverse(c, f);
	const struct element *e = reverse && f->pen ? element_find(0, f->id) : c->row[i];
	struct candidate *k = &c->cand[c->cands];

	/* unknown elements are passed over by their length: nothing is wrong with them */
	if (!e || (reverse && e->base != BASE_FLOW))
		return;
	/* then the socket's address stands in proto already */
	if (c->env->o->ignore_exporter_address && f->pen == 0 && (f->id == 130 || f->id == 131))
		return;
	*k = (struct candidate){
	    .op = *place, .row = e, .field = (uint16_t)i, .rank = e->rank, .reverse = reverse};
	k->op.base = e->base;
	k->op.dst = redirect(c, e, f->pen == 0 ? f->id : 0);
	k->op.width = e->width;
	/* the outer header's values are wanted only by whoever wants the tunnel's members */
	if (is_outer(c, i, e)) {
		k->op.dst = e->tunnel;
		k->op.width = tunnel_width(e);
		if (!flow_needed(c->env->needs, k->op.dst, k->op.width))
			return;
	} else if (!row_needed(c, e, k->op.dst, k->op.width)) {
		return;
	}
	if (!op_from_type(&k->op, e)) {
		/* the field is skipped by its length, the rest of the record is good */
		c->plan->refused++;
		return;
	}
	c->cands++;
}

/* Custom primitives of this field. */
static void
add_customs(struct compiler *c, unsigned i, const struct plan_op *place)
{
	const struct decode_options *o = c->env->o;

	for (unsigned j = 0; j < o->customs; j++) {
		const struct decode_custom *cu = &o->custom[j];
		struct candidate *k = &c->cand[c->cands];
		if (cu->pen != c->field[i].pen || cu->id != c->field[i].id ||
		    /* several primitives may read the same element, each its own occurrence */
		    cu->occurrence != occurrence(c, i) || place->len == 0)
			continue;
		*k = (struct candidate){.op = *place, .field = (uint16_t)i};
		k->op.dst = cu->offset;
		k->op.width = cu->width;
		/* variable length: a reference, not a copy */
		if (cu->width == 0)
			k->op.kind = cu->sem == CUSTOM_STR ? OP_TEXT : OP_BYTES;
		else if (cu->sem == CUSTOM_UINT && cu->width <= 8 && (place->len <= 8 || place->var))
			k->op.kind = OP_UINT;
		else
			k->op.kind = OP_RAW;
		c->cands++;
	}
}

/* --- step 3: one destination, one value --- */

/* The two would write the same bytes of the same flow. */
static bool
same_place(const struct candidate *a, const struct candidate *b)
{
	return a->op.dst == b->op.dst && a->op.base == b->op.base && a->reverse == b->reverse;
}

/* Of an element that comes twice the last counts: an earlier one gives up its place among the candidates. So
 * there are never more of them than rows, a few times over, and comparing all with all stays cheap however
 * many fields a template has. */
static void
drop_repeated(struct compiler *c)
{
	unsigned n = c->cands;

	c->cands = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct candidate *k = &c->cand[i];
		bool again = false;
		for (unsigned j = i + 1; j < n && k->row && !again; j++)
			again = k->row == c->cand[j].row && same_place(k, &c->cand[j]);
		if (!again)
			c->cand[c->cands++] = *k;
	}
}

/* The IP version whose addresses and masks a row carries; 0 for all other rows. */
static int
family(const struct candidate *k)
{
	switch (k->row->id) {
	case 8:
	case 9:
	case 12:
	case 13:
	case 44:
	case 45:
		return 4;
	case 27:
	case 28:
	case 29:
	case 30:
	case 169:
	case 170:
		return 6;
	default:
		return 0;
	}
}

/* Where the template says which family is meant, nobody has to guess by zeros. */
static void
choose_family(struct compiler *c, struct candidate *k)
{
	int mine = family(k);

	for (unsigned i = 0; c->ip_version && mine && i < c->cands; i++) {
		struct candidate *o = &c->cand[i];
		if (o->row && !o->dropped && same_place(k, o) && family(o) && family(o) != mine)
			/* overrides the guess by zeros that settle() has put there */
			k->op.cond = mine == 4 ? COND_V4 : COND_V6;
	}
}

/* A total order within one destination: by rank, then by place in the template. */
static bool
better(const struct candidate *a, const struct candidate *b)
{
	return a->rank < b->rank || (a->rank == b->rank && a->field < b->field);
}

/* The best candidate of a destination writes always; others are dropped where a zero is an answer (counters),
 * or fill in where it left nothing. An exporter's own address is special: a zero must not overwrite the one
 * from the socket. */
static void
settle(struct compiler *c)
{
	/* before anything that compares all with all */
	drop_repeated(c);
	for (unsigned i = 0; i < c->cands; i++) {
		struct candidate *k = &c->cand[i];
		bool best = true;
		if (k->dropped || !k->row)
			continue;
		for (unsigned j = 0; j < c->cands; j++)
			if (j != i && c->cand[j].row && !c->cand[j].dropped && same_place(k, &c->cand[j]) &&
			    better(&c->cand[j], k))
				best = false;
		/* a counter of zero is an answer, and another source would be another measurement */
		if (!best && k->row->alt == ALT_DROP)
			k->dropped = true;
		else if (!best)
			k->op.cond = COND_EMPTY;
		else if (k->op.dst == offsetof(struct flow, peer_src_ip) && k->op.base == BASE_FLOW)
			k->op.cond = COND_SOURCE;
		choose_family(c, k);
	}
}

/* Responder counters mean the reverse direction only beside the initiator's. */
static void
drop_lone_responders(struct compiler *c)
{
	for (unsigned i = 0; i < c->cands; i++) {
		struct candidate *k = &c->cand[i];
		/* reverse elements of RFC 5103 need nobody beside them */
		if (!k->row || !k->reverse || c->field[k->field].pen == PEN_REVERSE)
			continue;
		for (unsigned j = 0; j < c->cands; j++)
			if (c->cand[j].row && !c->cand[j].reverse && !c->cand[j].dropped &&
			    c->cand[j].op.dst == k->op.dst && c->cand[j].rank < k->rank)
				k->dropped = true;
	}
}

/* Unconditional operations first, then the others by rank. */
static uint16_t
emit(struct compiler *c, struct plan_op *out, bool reverse)
{
	uint16_t n = 0;

	/* -1 stands for those without a condition */
	for (int rank = -1; rank < 8; rank++) {
		for (unsigned i = 0; i < c->cands; i++) {
			const struct candidate *k = &c->cand[i];
			bool mine = rank < 0 ? k->op.cond == COND_ALWAYS
					     : k->op.cond != COND_ALWAYS && k->rank == rank;
			if (k->dropped || k->reverse != reverse || !mine)
				continue;
			out[n++] = k->op;
		}
	}
	return n;
}

/* What follows from the elements alone, needed or not: the kind of record, its features, and whether it holds
 * two IP headers. A record with two of protocol or source address is a tunnel: exporters list the outer
 * header first. */
static void
collect_traits(struct compiler *c, bool options)
{
	struct plan *p = c->plan;
	bool v4 = false, v6 = false;

	/* a record is one flow, unless it counts flows itself (IE 3) */
	p->flows = 1;
	for (unsigned i = 0; i < c->fields; i++) {
		const struct field *f = &c->field[i];
		c->octets |= element_is_octets(f->pen, f->id);
		if (f->pen == PEN_REVERSE)
			p->features |= FLOW_IS_BIFLOW;
		if (f->pen != 0)
			continue;
		v4 |= f->id == 8 || f->id == 12 || f->id == 44 || f->id == 45;
		v6 |= f->id == 27 || f->id == 28 || f->id == 169 || f->id == 170;
		/* then the field writes the member, and proto has to be zero */
		if (f->id == 3)
			p->flows = 0;
		if (f->id == 70)
			p->features |= FLOW_HAS_MPLS;
		if (f->id == 230)
			p->features |= FLOW_IS_NAT_EVENT;
		if (f->id == 233)
			p->features |= FLOW_IS_FW_EVENT;
	}
	if (count_fields(c, 0, 231) && count_fields(c, 0, 232))
		p->features |= FLOW_IS_BIFLOW;
	if (v4 && !v6)
		p->features |= FLOW_HAS_V4;
	if (v6 && !v4)
		p->features |= FLOW_HAS_V6;
	/* only a look at the record can tell; see finish_features */
	if (v4 && v6)
		p->finish |= FINISH_BIT(FINISH_FEATURES);
	p->kind = options ? FLOW_KIND_OPTION : c->octets ? FLOW_KIND_FLOW : FLOW_KIND_EVENT;
	/* two headers show in a repeated protocol or source address */
	c->nested = count_fields(c, 0, 4) > 1 || count_fields(c, 0, 8) > 1 || count_fields(c, 0, 27) > 1;
}

/* Steps that follow from what is wanted, whatever fields there are. */
static void
collect_steps(struct compiler *c)
{
	struct plan *p = c->plan;
	uint32_t wants = c->env->wants;

	if (wants & WANT_TIMES)
		p->finish |= FINISH_BIT(FINISH_TIMES);
	if (wants & WANT_RATE)
		p->finish |= FINISH_BIT(FINISH_RATE);
	if (wants & WANT_IFACE_NAMES)
		p->finish |= FINISH_BIT(FINISH_IFACE_NAMES);
	if (!(wants & WANT_FEATURES))
		p->finish &= ~FINISH_BIT(FINISH_FEATURES);
	for (unsigned i = 0; i < c->cands; i++) {
		const struct candidate *k = &c->cand[i];
		if (k->dropped || !k->row)
			continue;
		p->finish |= k->row->finish;
		/* then the scratch record is cleared for each record, which costs */
		p->scratch |= k->row->base == BASE_SCRATCH;
		p->rate_fields |= (k->row->finish & FINISH_BIT(FINISH_RATE)) != 0;
	}
	p->need_end = FLOW_NEEDED(c->env->needs, timestamp_end);
}

/* Compiles everything but the shuffle. On failure the caller frees the plan, and with it whatever was stored
 * in it. Room for operations is 2 * cands, since those that the shuffle leaves stand behind the others. */
static bool
build(struct compiler *c, bool options)
{
	struct plan *p = c->plan;
	/* a field may feed its row and every custom primitive */
	size_t cands = c->fields * (size_t)(1 + c->env->o->customs);
	struct plan_op *place = calloc(c->fields + 1, sizeof(*place));

	p->run = calloc(PLAN_VARIABLE_MAX + 1, sizeof(*p->run));
	c->cand = calloc(cands + 1, sizeof(*c->cand));
	c->row = calloc(c->fields + 1, sizeof(struct element *));
	if (!place || !p->run || !c->cand || !c->row) {
		free(place);
		free(c->cand);
		free(c->row);
		return false;
	}
	for (unsigned i = 0; i < c->fields; i++)
		c->row[i] = element_find(c->field[i].pen, c->field[i].id);
	/* the order matters: traits know whether headers are nested, which rows ask about */
	place_fields(c, place);
	collect_traits(c, options);
	for (unsigned i = 0; i < c->fields; i++) {
		add_row(c, i, &place[i]);
		add_customs(c, i, &place[i]);
	}
	free(place);
	settle(c);
	drop_lone_responders(c);
	collect_steps(c);
	p->op = calloc(2 * (size_t)c->cands + PLAN_VARIABLE_MAX, sizeof(*p->op));
	if (p->op) {
		p->ops = emit(c, p->op, false);
		p->reverses = emit(c, p->op + p->ops, true);
		/* what the exporter is charged: the parts that grow with the template */
		p->bytes = sizeof(*p) + (2 * (size_t)c->cands + PLAN_VARIABLE_MAX) * sizeof(*p->op);
	}
	free(c->cand);
	free(c->row);
	return p->op != NULL;
}

/* Setters may leave something in the scratch record, and conditions look at a record as a whole. */
static void
check_columns(struct plan *p)
{
	const struct plan_op *op = p->op + p->ops + p->reverses;

	/* also for no rest at all: then nothing is left to run */
	p->columns = true;
	for (unsigned i = 0; i < p->rests; i++) {
		p->uptimes |= op[i].kind == OP_UPTIME;
		if (op[i].kind == OP_CALL || op[i].cond != COND_ALWAYS || op[i].base != BASE_FLOW)
			p->columns = false;
	}
}

/* The shuffle only serves records of fixed length: with variable fields no offset is fixed. */
struct plan *
plan_new(const struct plan_env *env, const struct field *field, unsigned n, bool options)
{
	/* lives as long as the compiling; what remains is in the plan */
	struct compiler c = {.env = env, .field = field, .fields = n};

	c.plan = calloc(1, sizeof(*c.plan));
	if (!c.plan)
		return NULL;
	if (!build(&c, options)) {
		plan_free(c.plan);
		return NULL;
	}
	struct plan *p = c.plan;
	/* what remains goes behind the operations, which stay for records at the end of a message */
	if (!env->no_shuffle && !p->vars &&
	    !shuffle_compile(p, env->needs->extent, p->op + p->ops + p->reverses, &p->rests))
		p->rests = 0;
	check_columns(p);
	return p;
}

/* Takes what plan_new() returned at any stage, NULL too. */
void
plan_free(struct plan *p)
{
	if (!p)
		return;
	shuffle_free(p->shuffle);
	free(p->run);
	free(p->op);
	free(p);
}

/* --- the interpreter --- */

/* width is a constant in the callers that matter, so this is one store. */
static inline void
store_uint(uint8_t *dst, unsigned width, uint64_t v)
{
	memcpy(dst, &v, width); /* little endian; see put_uint for the other kind */
}

/* Zero is how fields say "absent"; n is at most a few bytes. */
static bool
all_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

/* Also true for 0.0.0.0 and the stored "::". */
static bool
is_empty(const struct plan_op *op, const uint8_t *dst)
{
	struct addr a;

	/* an empty address is not all zeros: it carries its family */
	if (op->kind != OP_ADDR4 && op->kind != OP_ADDR6)
		return all_zero(dst, op->width);
	memcpy(&a, dst, sizeof(a));
	return addr_is_none(&a) || addr_is_v6_any(&a) || (addr_is_v4(&a) && a.w[3] == 0);
}

/* Conditions look at bytes of the record and of the flow as far as it is written. A version that is neither 4
 * nor 6 says nothing: then the field that is not zero counts. */
static bool
applies(const struct record *r, const struct plan_op *op, const uint8_t *src, size_t len, const uint8_t *dst)
{
	const struct plan *p = r->plan;
	uint8_t version;

	switch ((enum plan_cond)op->cond) {
	case COND_EMPTY:
		return is_empty(op, dst) && !all_zero(src, len);
	case COND_SOURCE:
		return !all_zero(src, len);
	case COND_V4:
		version = r->seg[p->version_seg][p->version_src];
		return version == 4 || (version != 6 && !all_zero(src, len));
	case COND_V6:
		version = r->seg[p->version_seg][p->version_src];
		return version == 6 || (version != 4 && !all_zero(src, len));
	case COND_ALWAYS:
		break;
	}
	return true;
}

/* A reference into the datagram, not a copy: valid until the batch has been handed on. */
static void
set_bytes(uint8_t *dst, const uint8_t *src, size_t len, bool text)
{
	struct flow_bytes b = {.p = src, .len = (uint32_t)len};

	if (text) {
		/* text of fixed length is filled up with zeros */
		const uint8_t *nul = memchr(src, 0, len);
		/* what stands behind the first NUL is filling */
		if (nul)
			b.len = (uint32_t)(nul - src);
	}
	memcpy(dst, &b, sizeof(b));
}

/* The less frequent kinds, out of line so that the others stay in few cache lines. */
static __attribute__((noinline)) void
run_rare(const struct plan_op *op, uint8_t *dst, const uint8_t *src, size_t len)
{
	struct addr a;

	switch ((enum plan_kind)op->kind) {
	case OP_UINT:
		/* wider than any integer: the upper bytes are dropped, as the element table says */
		if (len > 8) {
			src += len - 8;
			len = 8;
		}
		store_uint(dst, op->width, load_be(src, len));
		break;
	case OP_MAC:
		memcpy(dst, src, 6);
		break;
	case OP_RAW:
		/* the rest of the place keeps the zeros of proto */
		memcpy(dst, src, len < op->width ? len : op->width);
		break;
	case OP_BYTES:
	case OP_TEXT:
		set_bytes(dst, src, len, op->kind == OP_TEXT);
		break;
	case OP_FIX6:
		memcpy(&a, dst, sizeof(a));
		/* the shuffle has moved 16 zeros */
		if (addr_is_none(&a)) {
			a = addr_v6_any();
			memcpy(dst, &a, sizeof(a));
		}
		break;
	default:
		break;
	}
}

/* One operation on one record. Destinations are written by memcpy, because members of the scratch record and
 * of the flow need not be aligned for their width. Bounds were settled by the compiler and locate(): nothing
 * is checked here. */
static inline void
run_op(struct record *r, const struct plan_op *op, uint8_t *dst, const uint8_t *src, size_t len)
{
	struct addr a;
	uint64_t v;

	switch ((enum plan_kind)op->kind) {
	case OP_U8:
		*dst = *src;
		break;
	case OP_U16:
		store_uint(dst, 2, load_be16(src));
		break;
	case OP_U32:
		store_uint(dst, 4, load_be32(src));
		break;
	case OP_U64:
		v = load_be64(src);
		memcpy(dst, &v, 8);
		break;
	case OP_U16_U32:
		store_uint(dst, 4, load_be16(src));
		break;
	case OP_U32_U64:
		v = load_be32(src);
		memcpy(dst, &v, 8);
		break;
	case OP_ADDR4:
		/* unused bytes of an address are zero, so that equal keys are equal bytes */
		a = addr_from_v4(src);
		memcpy(dst, &a, sizeof(a));
		break;
	case OP_ADDR6:
		a = addr_from_v6(src);
		memcpy(dst, &a, sizeof(a));
		break;
	case OP_TIME_S:
		v = load_be32(src) * US_PER_S;
		memcpy(dst, &v, 8);
		break;
	case OP_TIME_MS:
		v = load_be64(src);
		/* what overflows is no time: absent */
		v = v > UINT64_MAX / 1000 ? 0 : v * 1000;
		memcpy(dst, &v, 8);
		break;
	case OP_UPTIME:
		/* IPFIX has no uptime in its header: kept for the finishing step */
		if (unlikely(!r->m->uptime_us)) {
			op->set(r, dst, src, len);
			break;
		}
		v = time_from_uptime(r->m, load_be32(src));
		memcpy(dst, &v, 8);
		break;
	case OP_CALL:
		op->set(r, dst, src, len);
		break;
	default:
		run_rare(op, dst, src, len);
		break;
	}
}

/* base is indexed by enum element_base. A variable field of no bytes is absent; only kinds that could take
 * that for a value are guarded. */
void
plan_run(struct record *r, const struct plan_op *op, unsigned n)
{
	/* by enum element_base; dst is an offset from it */
	uint8_t *base[2] = {(uint8_t *)r->flow, (uint8_t *)&r->s};

	for (const struct plan_op *end = op + n; op < end; op++) {
		uint8_t *dst = base[op->base] + op->dst;
		const uint8_t *src = op->var ? r->var[op->seg] : r->seg[op->seg] + op->src;
		size_t len = op->var ? r->var_len[op->seg] : op->len;
		/* setters rely on len_min, and an integer of no bytes would be a zero that was never sent */
		if (unlikely(op->var) && (op->kind == OP_CALL || op->kind == OP_UINT) && len == 0)
			continue;
		if (unlikely(op->cond != COND_ALWAYS) && !applies(r, op, src, len, dst))
			continue;
		run_op(r, op, dst, src, len);
	}
}

/* One operation for all records keeps the switch's branch predicted. r->seg and r->var are not looked at;
 * op->len and offsets are fixed in plans that come here. */
void
plan_run_columns(struct record *r, const struct plan_op *op, unsigned n, uint8_t *flow, const uint8_t *rec,
		 size_t len, unsigned count)
{
	for (const struct plan_op *end = op + n; op < end; op++) {
		uint8_t *dst = flow + op->dst;
		const uint8_t *src = rec + op->src;
		for (unsigned i = 0; i < count; i++, dst += FLOW_STRIDE, src += len)
			run_op(r, op, dst, src, op->len);
	}
}
