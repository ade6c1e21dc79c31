/* Options data: what an exporter tells about itself.
 *
 * A record is read into a handful of slots, by element and whether it stands in the scope. What the slots
 * hold together decides what is learnt: a rate, a name, a distinguisher, a boot time, an address. Elements
 * that no row knows are passed over. Nothing here is on the path of a flow.
 *
 * Everything learnt is charged to the exporter, since it decides how much there is, and nothing is believed
 * about other exporters. What an option says of a narrower scope than we can tell apart (a line card, a
 * template) is taken for the domain: exporters use these scopes for values that hold for all. */
#include "collector/decode/exporter.h"

#include "collector/base/wire.h"
#include "collector/decode/setters.h"
#include "collector/decode/times.h"

enum slot {
	SLOT_INTERFACE,
	SLOT_SELECTOR,
	SLOT_VRF,
	SLOT_INTERVAL,
	SLOT_PACKET_INTERVAL,
	SLOT_PACKET_SPACE,
	SLOT_TIME_INTERVAL,
	SLOT_TIME_SPACE,
	SLOT_SIZE,
	SLOT_POPULATION,
	SLOT_PROBABILITY,
	SLOT_INIT,
	SLOT_INTERFACE_NAME,
	SLOT_VRF_NAME,
	SLOT_RD,
	SLOT_APPLICATION,
	SLOT_APPLICATION_NAME,
	SLOT_AGENT,
	SLOTS
};

/* In ascending order of preference: of several elements for one slot the later row wins, unless it is zero
 * and the other is not. */
static const struct {
	uint16_t id;
	uint8_t slot;
} option_elements[] = {
    {253, SLOT_INTERFACE},
    {252, SLOT_INTERFACE},
    {14, SLOT_INTERFACE},
    {10, SLOT_INTERFACE},
    {48, SLOT_SELECTOR},
    {302, SLOT_SELECTOR},
    {235, SLOT_VRF},
    {234, SLOT_VRF},
    {34, SLOT_INTERVAL},
    {50, SLOT_INTERVAL},
    {305, SLOT_PACKET_INTERVAL},
    {306, SLOT_PACKET_SPACE},
    {307, SLOT_TIME_INTERVAL},
    {308, SLOT_TIME_SPACE},
    {309, SLOT_SIZE},
    {310, SLOT_POPULATION},
    {311, SLOT_PROBABILITY},
    {160, SLOT_INIT},
    {82, SLOT_INTERFACE_NAME},
    {236, SLOT_VRF_NAME},
    {90, SLOT_RD},
    {95, SLOT_APPLICATION},
    {94, SLOT_APPLICATION_NAME},
    {96, SLOT_APPLICATION_NAME},
    {131, SLOT_AGENT},
    {130, SLOT_AGENT},
};

struct option {
	const uint8_t *p[SLOTS];
	uint16_t len[SLOTS];
	uint8_t rank[SLOTS];
	bool scope[SLOTS];
};

/* Trailing bytes first: numbers are big-endian, so small ones differ from zero there. */
static bool
all_zero(const uint8_t *p, size_t n)
{
	while (n && p[n - 1] == 0)
		n--;
	return n == 0;
}

/* The table is searched from the front for every field: options are rare, and the table has one element in
 * several rows only for slots that differ. */
static void
fill_slot(struct option *o, const struct field *f, const uint8_t *p, size_t len, bool scope)
{
	for (unsigned i = 0; i < ARRAY_SIZE(option_elements); i++) {
		unsigned slot = option_elements[i].slot;
		/* enterprise elements have no place in this table */
		if (option_elements[i].id != f->id || f->pen != 0 || len == 0)
			continue;
		if (o->p[slot] && (o->rank[slot] > i || all_zero(p, len)) &&
		    !all_zero(o->p[slot], o->len[slot]))
			continue;
		/* bytes of the record: slots do not outlive it */
		o->p[slot] = p;
		o->len[slot] = (uint16_t)len;
		o->rank[slot] = (uint8_t)i;
		o->scope[slot] = scope;
	}
}

/* Walks fields the way locate() found them: seg is the run of fixed fields, off the place in it. */
static void
fill(struct option *o, const struct record *r, const struct template *t)
{
	unsigned seg = 0;
	size_t off = 0;

	for (unsigned i = 0; i < t->fields; i++) {
		const struct field *f = &t->field[i];
		if (f->len == VARIABLE_LENGTH) {
			fill_slot(o, f, r->var[seg], r->var_len[seg], i < t->scopes);
			seg++;
			off = 0;
			continue;
		}
		/* scope fields come first in a template, so their index tells them */
		fill_slot(o, f, r->seg[seg] + off, f->len, i < t->scopes);
		off += f->len;
	}
}

/* True for a field that is there, whatever its value; number() of an absent one is zero. */
static bool
has(const struct option *o, enum slot s)
{
	return o->p[s] != NULL;
}

/* Host byte order; of fields wider than 8 bytes nothing is believed. */
static uint64_t
number(const struct option *o, enum slot s)
{
	return has(o, s) && o->len[s] <= 8 ? load_be(o->p[s], o->len[s]) : 0;
}

/* Repetitions, which are what most option records are, cost a look-up. Text is cut at 255 bytes, the width of
 * the length in struct name. Distinguishers go the same way: 8 bytes in host order. */
static void
learn_name(const struct message *m, enum name_kind kind, uint64_t id, const uint8_t *text, size_t len)
{
	struct names *t = &m->exporter->names;
	const struct name *old = names_find(t, kind, id);

	/* as names_set() will cut it, so that repetitions compare equal */
	len = len < 255 ? len : 255;
	if (old && old->len == len && memcmp(old->text, text, len) == 0)
		return;
	/* its share is given back first: a name of the same length always fits */
	if (old)
		exporter_release(m->exporter, names_cost(old->len));
	if (!exporter_charge(m->d, m->exporter, names_cost(len))) {
		if (old)
			m->exporter->bytes += names_cost(old->len);
		drop_message(m, DROP_OPTION_FULL);
		return;
	}
	/* names are shared by all flows of the exporter, not copied */
	batch_flush(m->d); /* flows may refer to the old text */
	if (!names_set(t, kind, id, text, len))
		drop_message(m, DROP_MEMORY);
}

/* Text ends at the first NUL; fields of fixed length are filled up with them, or with spaces. */
static void
learn_text(const struct message *m, const struct option *o, enum slot s, enum name_kind kind, uint64_t id)
{
	size_t len = strnlen((const char *)o->p[s], o->len[s]);

	/* some fill up with spaces */
	while (len && o->p[s][len - 1] == ' ')
		len--;
	learn_name(m, kind, id, o->p[s], len);
}

/* The same rules as for a record that tells its rate itself: see rate_from(). */
static struct rate
option_rate(const struct option *o)
{
	struct scratch s = {
	    .interval = (uint32_t)number(o, SLOT_INTERVAL),
	    .packet_interval = number(o, SLOT_PACKET_INTERVAL),
	    .packet_space = number(o, SLOT_PACKET_SPACE),
	    .time_interval = number(o, SLOT_TIME_INTERVAL),
	    .time_space = number(o, SLOT_TIME_SPACE),
	    .size = number(o, SLOT_SIZE),
	    .population = number(o, SLOT_POPULATION),
	};

	/* a float64 (RFC 5477); its reduced form is not used by anybody in options */
	if (o->len[SLOT_PROBABILITY] == 8) {
		uint64_t bits = number(o, SLOT_PROBABILITY);
		memcpy(&s.probability, &bits, sizeof(bits));
	}
	return rate_from(&s);
}

/* A new row is charged to the exporter; domain_free() gives it back. */
static bool
set_rate(const struct message *m, struct samplers *s, enum sampler_scope scope, uint64_t id, struct rate rate,
	 bool *changed)
{
	/* rows only ever come; a new rate for an old one costs nothing */
	bool fresh = scope != SAMPLER_DOMAIN && !samplers_find(s, scope, id).num;

	if (fresh && !exporter_charge(m->d, m->exporter, sizeof(struct sampler)))
		return false;
	if (samplers_set(s, scope, id, rate, changed))
		return true;
	if (fresh)
		exporter_release(m->exporter, sizeof(struct sampler));
	return false;
}

/* Records that passed before while no rate was known are counted as late now: they cannot be corrected. */
void
rate_learn(const struct message *m, enum sampler_scope scope, uint64_t id, struct rate rate)
{
	struct domain *dom = m->domain;
	bool changed = false;

	/* the domain's own first: what all domains tell together may be too much for one table */
	bool stored = set_rate(m, &dom->samplers, scope, id, rate, &changed);
	bool unused;
	/* for domains that tell nothing themselves */
	if (!set_rate(m, &m->exporter->samplers, scope, id, rate, &unused) || !stored)
		drop_message(m, DROP_OPTION_FULL);
	if (!stored || !changed)
		return;
	m->d->templates_changed = true;
	decoder_count(m->d, DECODE_RATE_LATE, dom->rate_unknown);
	dom->rate_unknown = 0;
}

/* To what a rate applies: the selector the record names, an interface in its scope, or the domain. */
static void
learn_rate(const struct message *m, const struct option *o)
{
	struct rate rate = option_rate(o);
	bool narrow = !m->d->o.disable_opt_scope_check;
	enum sampler_scope scope = SAMPLER_DOMAIN;
	uint64_t id = 0;

	/* the record speaks of something else */
	if (!rate.num)
		return;
	/* a selector is more particular than an interface, and records name it */
	if (number(o, SLOT_SELECTOR)) {
		scope = SAMPLER_SELECTOR;
		id = number(o, SLOT_SELECTOR);
	} else if (narrow && o->scope[SLOT_INTERFACE] && number(o, SLOT_INTERFACE)) {
		scope = SAMPLER_INTERFACE;
		id = number(o, SLOT_INTERFACE);
	}
	rate_learn(m, scope, id, rate);
}

/* VRF 0 is the global table, and may have a name as well. */
static void
learn_vrf(const struct message *m, const struct option *o)
{
	uint64_t vrf = number(o, SLOT_VRF);

	if (has(o, SLOT_VRF_NAME))
		learn_text(m, o, SLOT_VRF_NAME, NAME_VRF, vrf);
	if (has(o, SLOT_RD) && o->len[SLOT_RD] == 8) {
		uint64_t rd = load_be64(o->p[SLOT_RD]);
		learn_name(m, NAME_VRF_RD, vrf, (const uint8_t *)&rd, sizeof(rd));
	}
}

/* For exporters behind a proxy or address translation. Two domains that tell different addresses are two
 * exporters behind one proxy: then each domain speaks for itself only. */
static void
learn_agent(const struct message *m, const struct option *o)
{
	struct exporter *x = m->exporter;
	struct addr a = {.q = {0, 0}};

	/* by length, as both families share the slot */
	if (o->len[SLOT_AGENT] == 4 && number(o, SLOT_AGENT))
		/* network byte order, as all addresses */
		a = addr_from_v4(o->p[SLOT_AGENT]);
	else if (o->len[SLOT_AGENT] == 16)
		a = addr_from_v6(o->p[SLOT_AGENT]);
	if (addr_is_none(&a) || addr_is_v6_any(&a))
		return;
	m->domain->agent = a;
	if (!addr_is_none(&x->agent) && !addr_equal(&x->agent, &a))
		x->agents_differ = true;
	x->agent = a;
}

/* A record may teach several things at once. Slots that stay empty teach nothing. */
void
options_learn(struct record *r, const struct template *t)
{
	const struct message *m = r->m;
	struct option o = {0};

	fill(&o, r, t);
	learn_rate(m, &o);
	if (has(&o, SLOT_VRF))
		learn_vrf(m, &o);
	if (has(&o, SLOT_INTERFACE) && has(&o, SLOT_INTERFACE_NAME))
		learn_text(m, &o, SLOT_INTERFACE_NAME, NAME_INTERFACE, number(&o, SLOT_INTERFACE));
	if (has(&o, SLOT_APPLICATION) && has(&o, SLOT_APPLICATION_NAME))
		learn_text(m, &o, SLOT_APPLICATION_NAME, NAME_APPLICATION,
			   application_id(o.p[SLOT_APPLICATION], o.len[SLOT_APPLICATION]));
	/* milliseconds since the epoch; what would overflow as microseconds is no boot time */
	if (number(&o, SLOT_INIT) && number(&o, SLOT_INIT) < UINT64_MAX / 1000)
		m->domain->init_us = m->exporter->init_us = number(&o, SLOT_INIT) * 1000;
	if (has(&o, SLOT_AGENT))
		learn_agent(m, &o);
}
