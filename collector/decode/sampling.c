/* See sampling.h. */
#include "collector/decode/sampling.h"

#include "collector/decode/exporter.h"

/* No division by zero gets any further than here. */
static struct rate
fraction(uint64_t num, uint64_t den)
{
	return den ? (struct rate){num, den} : (struct rate){0, 0};
}

/* RFC 5477: so many of so many packets (309, 310); a run of packets and then a gap (305, 306), where an
 * interval without a gap is the old "one in N"; a time and then a gap (307, 308); a probability (311); and
 * the one number of 34 and 50. */
struct rate
rate_from(const struct scratch *s)
{
	/* probabilities become fractions of this */
	const uint64_t unit = 1ULL << 32;

	if (s->interval)
		return fraction(s->interval, 1);
	/* fewer packets than samples make no sense: passed over */
	if (s->size && s->population >= s->size)
		return fraction(s->population, s->size);
	if (s->packet_interval && s->packet_space)
		return fraction(s->packet_interval + s->packet_space, s->packet_interval);
	if (s->packet_interval)
		return fraction(s->packet_interval, 1);
	if (s->time_interval)
		return fraction(s->time_interval + s->time_space, s->time_interval);
	/* the smallest step of our fraction; also keeps NaN out */
	if (s->probability > 1.0 / (double)unit && s->probability <= 1.0)
		return fraction(unit, (uint64_t)(s->probability * (double)unit));
	return fraction(0, 0);
}

/* The first row not before (scope, id). */
static unsigned
lower_bound(const struct samplers *s, enum sampler_scope scope, uint64_t id)
{
	unsigned lo = 0, hi = s->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;
		const struct sampler *row = &s->row[mid];
		if (row->scope < scope || (row->scope == scope && row->id < id))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Doubles; false beyond SAMPLERS_MAX, which bounds the cost of inserting in the middle. */
static bool
room(struct samplers *s)
{
	if (s->n < s->cap)
		return true;
	/* a power of two, so that the bound is met exactly */
	unsigned cap = s->cap ? s->cap * 2 : 8;
	struct sampler *row = cap > SAMPLERS_MAX ? NULL : realloc(s->row, cap * sizeof(*row));
	if (!row)
		return false;
	s->row = row;
	s->cap = cap;
	return true;
}

/* The same rate again changes nothing, so that the templates file is not written for every repetition. */
bool
samplers_set(struct samplers *s, enum sampler_scope scope, uint64_t id, struct rate rate, bool *changed)
{
	struct rate *place = &s->whole;

	if (scope != SAMPLER_DOMAIN) {
		unsigned i = lower_bound(s, scope, id);
		if (i == s->n || s->row[i].scope != scope || s->row[i].id != id) {
			if (!room(s))
				return false;
			/* sorted, because they are read for every record and written rarely */
			memmove(&s->row[i + 1], &s->row[i], (s->n - i) * sizeof(*s->row));
			s->row[i] = (struct sampler){.id = id, .scope = (uint8_t)scope};
			s->n++;
		}
		place = &s->row[i].rate;
	}
	*changed = place->num != rate.num || place->den != rate.den;
	*place = rate;
	return true;
}

struct rate
samplers_find(const struct samplers *s, enum sampler_scope scope, uint64_t id)
{
	if (scope == SAMPLER_DOMAIN)
		return s->whole;
	unsigned i = lower_bound(s, scope, id);
	if (i < s->n && s->row[i].scope == scope && s->row[i].id == id)
		return s->row[i].rate;
	return (struct rate){0, 0};
}

/* The charge is the caller's to give back. */
void
samplers_free(struct samplers *s)
{
	free(s->row);
	*s = (struct samplers){0};
}

/* What one table knows of a record: the selector it names, its interface, the domain. */
static struct rate
from_table(const struct record *r, const struct samplers *s)
{
	struct rate rate = {0, 0};

	/* selector 0 is how exporters say "not sampled by any" */
	if (r->s.selector_seen && r->s.selector)
		return samplers_find(s, SAMPLER_SELECTOR, r->s.selector);
	if (s->n)
		rate = samplers_find(s, SAMPLER_INTERFACE, r->flow->in_iface);
	return rate.num ? rate : s->whole;
}

/* The most particular answer wins: what the record says, its domain's options, then those of the exporter's
 * other domains (many tell once for all line cards), the header. A selector that is named but unknown is not
 * answered by something else. */
static struct rate
lookup(const struct record *r)
{
	struct rate rate = rate_from(&r->s);

	if (!rate.num)
		rate = from_table(r, &r->m->domain->samplers);
	if (!rate.num)
		rate = from_table(r, &r->m->exporter->samplers);
	if (!rate.num && !(r->s.selector_seen && r->s.selector))
		/* only v5 has one in its header */
		rate = fraction(r->m->rate, 1);
	return rate;
}

/* n * num / den, in 128 bits where 64 do not suffice; what does not fit a counter stays at its maximum rather
 * than wrapping to something small. */
static uint64_t
scaled(uint64_t n, struct rate rate)
{
	uint64_t plain;

	if (likely(rate.den == 1) && !__builtin_mul_overflow(n, rate.num, &plain))
		return plain;
	unsigned __int128 v = (unsigned __int128)n * rate.num / rate.den;
	return v > UINT64_MAX ? UINT64_MAX : (uint64_t)v;
}

/* To the nearest whole number, halves upwards: what is shown as sampling_rate. */
static uint32_t
rounded(struct rate rate)
{
	uint64_t v = rate.num / rate.den + (rate.num % rate.den >= rate.den - rate.den / 2);
	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

/* FLOW_RATE_KNOWN tells a rate of 1 that was told from one nobody knows. */
static void
store(struct flow *f, struct rate rate)
{
	f->features |= FLOW_RATE_KNOWN;
	f->sampling_rate = rounded(rate);
}

/* Kept for the domain, too, so that it can be said how many were too early once the rate is told. */
void
rate_unknown(const struct message *m, uint64_t records)
{
	m->domain->rate_unknown += records;
	decoder_count(m->d, DECODE_RATE_UNKNOWN, records);
}

/* The operator's word stands above all that exporters say. */
static struct rate
known_rate(const struct record *r)
{
	const struct decode_options *o = &r->m->d->o;

	return o->ext_sampling_rate ? fraction(o->ext_sampling_rate, 1) : lookup(r);
}

/* Interfaces are sorted behind selectors. */
static bool
by_interface(const struct samplers *s)
{
	/* the last row tells whether there is any */
	return s->n && s->row[s->n - 1].scope == SAMPLER_INTERFACE;
}

/* Not possible when the answer depends on the record: a map, counters to multiply, a selector or rate in the
 * record, or rates by interface. */
bool
rate_of_set(struct record *r, struct flow *proto)
{
	const struct decode_options *o = &r->m->d->o;

	if (o->rate_override || o->renormalize || r->plan->rate_fields ||
	    by_interface(&r->m->domain->samplers) || by_interface(&r->m->exporter->samplers))
		return false;
	r->flow = proto;
	struct rate rate = known_rate(r);
	if (rate.num)
		store(proto, rate);
	return true;
}

/* Only flows have counters to scale; events and options pass. Renormalised flows report rate 1, so that
 * nobody multiplies twice. */
void
rate_apply(struct record *r)
{
	const struct decode_options *o = &r->m->d->o;
	struct flow *f = r->flow;
	struct rate rate = {0, 0};

	if (f->kind != FLOW_KIND_FLOW)
		return;
	if (o->rate_override)
		rate = fraction(o->rate_override(o->rate_ctx, f), 1);
	if (!rate.num)
		rate = known_rate(r);
	if (!rate.num) {
		rate_unknown(r->m, 1);
		return;
	}
	store(f, rate);
	if (!o->renormalize)
		return;
	f->bytes = scaled(f->bytes, rate);
	f->packets = scaled(f->packets, rate);
	f->sampling_rate = 1;
}
