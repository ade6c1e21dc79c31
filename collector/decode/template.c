/* Templates: parsing, checking, keeping and forgetting them.
 *
 * A template is checked against absurdities before anything is allocated by its numbers: not more fields than
 * could stand in the set, than TEMPLATE_FIELDS_MAX, or than a message could carry data for. The same template
 * sent again, which exporters do all the time, costs a comparison and changes nothing.
 *
 * A template belongs to a domain and is charged to its exporter with all that its plan holds. It is replaced
 * as a whole: a redefinition that is refused, for its fields or for memory, leaves the old one working. A
 * flow never points to a template, so that one can be freed at any time between two sets. */
#include "collector/decode/exporter.h"

#include "collector/base/wire.h"

#define TEMPLATE_FIELDS_MAX 512

/* Where the template of that id hangs or would hang: the link to change. Exporters have a handful of
 * templates, so that 16 short lists are enough; the memory bound keeps the longest one short. */
static struct template **
place(struct domain *dom, uint16_t id)
{
	struct template **p = &dom->bucket[id % TEMPLATE_BUCKETS];

	while (*p && (*p)->id != id)
		p = &(*p)->next;
	return p;
}

/* The same walk without a link, for the hot path: once for every data set. */
struct template *
template_find(const struct domain *dom, uint16_t id)
{
	struct template *t = dom->bucket[id % TEMPLATE_BUCKETS];

	while (t && t->id != id)
		t = t->next;
	return t;
}

/* What a template is charged with; the same before and after, since neither fields nor plan change. */
static size_t
template_bytes(const struct template *t)
{
	return sizeof(*t) + t->fields * sizeof(struct field) + (t->plan ? t->plan->bytes : 0);
}

/* NULL is allowed. Releases no charge: a template that was never installed has none. */
void
template_free(struct template *t)
{
	if (!t)
		return;
	plan_free(t->plan);
	free(t);
}

/* Keeps the gauge and the flag that the templates file is out of date. delta is -1, 0 or 1. */
static void
changed(struct decoder *d, int delta)
{
	d->templates_changed = true;
	counter_set(d->counters, DECODE_TEMPLATES,
		    counter_read(d->counters, DECODE_TEMPLATES) + (uint64_t)(int64_t)delta);
}

/* p is the link that points to the template, which is gone afterwards; *p is then the next one. */
static void
unlink_template(struct decoder *d, struct exporter *x, struct domain *dom, struct template **p)
{
	struct template *t = *p;

	*p = t->next;
	dom->templates--;
	exporter_release(x, template_bytes(t));
	template_free(t);
	changed(d, -1);
}

/* An unknown id is no error: withdrawals may come twice. */
void
template_remove(struct decoder *d, struct exporter *x, struct domain *dom, uint16_t id)
{
	struct template **p = place(dom, id);

	if (*p)
		unlink_template(d, x, dom, p);
}

/* Removes what is older than before_us and of this kind; returns how many. */
static unsigned
sweep(struct decoder *d, struct exporter *x, struct domain *dom, enum template_kind kind, uint64_t before_us)
{
	unsigned n = 0;

	for (unsigned i = 0; i < TEMPLATE_BUCKETS; i++) {
		struct template **p = &dom->bucket[i];
		while (*p) {
			bool mine = kind == TEMPLATE_ANY || (*p)->options == (kind == TEMPLATE_OPTIONS);
			if (!mine || (*p)->seen_us >= before_us) {
				p = &(*p)->next;
				continue;
			}
			unlink_template(d, x, dom, p);
			n++;
		}
	}
	return n;
}

/* Everything of that kind: no template was seen at UINT64_MAX. */
unsigned
template_remove_all(struct decoder *d, struct exporter *x, struct domain *dom, enum template_kind kind)
{
	return sweep(d, x, dom, kind, UINT64_MAX);
}

/* Only called for UDP: over TCP a template is sent once and lives as long as the session (RFC 7011, 8.1). */
unsigned
template_expire(struct decoder *d, struct exporter *x, struct domain *dom, uint64_t before_us)
{
	return sweep(d, x, dom, TEMPLATE_ANY, before_us);
}

/* The least length of a record, or a reason to refuse the template. */
static enum decode_counter
check_fields(const struct field *field, unsigned n, uint16_t *min_len)
{
	uint32_t len = 0, vars = 0;

	if (n > TEMPLATE_FIELDS_MAX)
		return DROP_TEMPLATE_FIELDS;
	for (unsigned i = 0; i < n; i++) {
		/* the least a variable field takes is its length byte */
		vars += field[i].len == VARIABLE_LENGTH;
		len += field[i].len == VARIABLE_LENGTH ? 1 : field[i].len;
	}
	if (vars > PLAN_VARIABLE_MAX)
		return DROP_TEMPLATE_FIELDS;
	/* the longest message less the longer of both headers */
	if (len > UINT16_MAX - 20)
		return DROP_TEMPLATE_LENGTH;
	/* records of no bytes would never end */
	if (len == 0)
		return DROP_TEMPLATE_EMPTY;
	/* with variable fields the least */
	*min_len = (uint16_t)len;
	return 0;
}

/* RFC 7011, 8.1: the same id with the same fields is a repetition. Order and lengths count; names do not. */
static bool
same(const struct template *t, const struct field *field, unsigned fields, unsigned scopes, bool options)
{
	if (t->fields != fields || t->scopes != scopes || t->options != options)
		return false;
	for (unsigned i = 0; i < fields; i++)
		if (t->field[i].pen != field[i].pen || t->field[i].id != field[i].id ||
		    t->field[i].len != field[i].len)
			return false;
	return true;
}

/* Allocates by numbers that check_fields() has seen. Not charged and not installed yet. */
static struct template *
template_new(struct decoder *d, uint16_t id, const struct field *field, unsigned fields, unsigned scopes,
	     bool options)
{
	struct template *t = calloc(1, sizeof(*t) + fields * sizeof(*field));

	if (!t)
		return NULL;
	t->id = id;
	t->fields = (uint16_t)fields;
	t->scopes = (uint16_t)scopes;
	t->options = options;
	memcpy(t->field, field, fields * sizeof(*field));
	t->plan = plan_new(&d->env, field, fields, options);
	if (!t->plan) {
		free(t);
		return NULL;
	}
	t->min_len = t->plan->len;
	return t;
}

/* v1, v5 and v7: belongs to the decoder, not to an exporter, and is freed with it. */
struct template *
template_new_fixed(struct decoder *d, const struct field *field, unsigned fields)
{
	return template_new(d, 0, field, fields, 0, false);
}

/* Charges the new template before the old one is freed, but with its share given back, so that a redefinition
 * of the same size always fits. Takes the old one's place in its list. */
static bool
install(const struct message *m, struct template *t)
{
	struct template **p = place(m->domain, t->id);
	struct template *old = *p;

	if (old)
		exporter_release(m->exporter, template_bytes(old));
	if (!exporter_charge(m->d, m->exporter, template_bytes(t))) {
		if (old)
			m->exporter->bytes += template_bytes(old);
		drop_message(m, DROP_TEMPLATE_FULL);
		return false;
	}
	t->seen_us = m->arrival_us;
	t->next = old ? old->next : NULL;
	*p = t;
	if (!old)
		m->domain->templates++;
	template_free(old);
	changed(m->d, old ? 0 : 1);
	decoder_count(m->d, DECODE_TEMPLATES_CHANGED, 1);
	decoder_count(m->d, DECODE_FIELDS_REFUSED, t->plan->refused);
	return true;
}

/* Order matters: a repetition is recognised before anything is checked or allocated, because that is what
 * nearly every template on the wire is. */
bool
template_add(const struct message *m, uint16_t id, const struct field *field, unsigned fields,
	     unsigned scopes, bool options)
{
	struct template *t = template_find(m->domain, id);
	uint16_t min_len;

	/* only its age changes */
	if (t && same(t, field, fields, scopes, options)) {
		t->seen_us = m->arrival_us;
		return true;
	}
	enum decode_counter refused = check_fields(field, fields, &min_len);
	if (refused) {
		drop_message(m, refused);
		return false;
	}
	t = template_new(m->d, id, field, fields, scopes, options);
	if (!t) {
		drop_message(m, DROP_MEMORY);
		return false;
	}
	if (!install(m, t)) {
		template_free(t);
		return false;
	}
	return true;
}

/* One field specifier. v9 knows no enterprises, and its scope fields count in numbers of their own (RFC
 * 3954, 6.1), which are turned into the elements that mean the same. */
static void
read_field(const struct message *m, struct wire *w, struct field *f, bool scope)
{
	static const uint16_t v9_scope[] = {[2] = 10, [3] = 141, [5] = 145};

	f->id = wire_u16(w);
	f->len = wire_u16(w);
	f->pen = 0;
	if (m->version != 9) {
		/* RFC 7011, 3.2: the enterprise bit, and the number behind */
		if (f->id & 0x8000) {
			f->id &= 0x7fff;
			f->pen = wire_u32(w);
		}
	} else if (scope) {
		f->id = f->id < ARRAY_SIZE(v9_scope) ? v9_scope[f->id] : 0;
	}
}

/* RFC 7011, 8.1: no fields means that the template is withdrawn; its id being the set's, that all are. Over
 * UDP withdrawals are to be ignored (8.4): one forged or overtaken datagram could take everything away. */
static void
withdraw(const struct message *m, uint16_t id)
{
	struct decoder *d = m->d;
	unsigned before = m->domain->templates;

	if (!m->domain->session) {
		drop_message(m, DROP_TEMPLATE_WITHDRAWAL);
		return;
	}
	if (id == 2)
		template_remove_all(d, m->exporter, m->domain, TEMPLATE_DATA);
	else if (id == 3)
		template_remove_all(d, m->exporter, m->domain, TEMPLATE_OPTIONS);
	else
		template_remove(d, m->exporter, m->domain, id);
	decoder_count(d, DECODE_TEMPLATES_WITHDRAWN, before - m->domain->templates);
}

/* How many fields of an options template follow, and how many are its scope. v9 gives lengths in bytes (RFC
 * 3954, 6.1), IPFIX counts (RFC 7011, 3.4.2.2). False when they make no sense. */
static bool
read_counts(const struct message *m, struct wire *w, bool options, unsigned *fields, unsigned *scopes)
{
	unsigned a = wire_u16(w), b;

	*scopes = 0;
	*fields = a;
	if (!options)
		return true;
	if (m->version == 9) {
		b = wire_u16(w);
		*scopes = a / 4;
		*fields = (a + b) / 4;
		return a % 4 == 0 && b % 4 == 0;
	}
	if (a == 0)
		return true; /* a withdrawal has no scope count */
	/* RFC 7011, 3.4.2.2: at least one scope field; all fields may be scope */
	*scopes = wire_u16(w);
	return *scopes > 0 && *scopes <= a;
}

/* One template record. False: the rest of the set cannot be read. */
static bool
read_template(const struct message *m, struct wire *w, bool options)
{
	struct field field[TEMPLATE_FIELDS_MAX];
	unsigned fields, scopes;
	uint16_t id = wire_u16(w);

	if (!read_counts(m, w, options, &fields, &scopes)) {
		drop_message(m, DROP_TEMPLATE_SCOPE);
		return false;
	}
	/* v9 has no withdrawals: there it is an empty template, and refused */
	if (fields == 0 && m->version != 9) {
		withdraw(m, id);
		return true;
	}
	if (id < 256 || fields > TEMPLATE_FIELDS_MAX) {
		drop_message(m, id < 256 ? DROP_TEMPLATE_ID : DROP_TEMPLATE_FIELDS);
		return false;
	}
	for (unsigned i = 0; i < fields; i++) {
		read_field(m, w, &field[i], i < scopes);
		/* v9 has no variable length: such a number is an absurd one */
		if (m->version == 9 && field[i].len == VARIABLE_LENGTH)
			field[i].len = VARIABLE_LENGTH - 1;
	}
	if (w->failed) {
		drop_message(m, DROP_TEMPLATE_SHORT);
		return false;
	}
	/* data of a known template never waits: a template that is repeated need not look for any */
	bool known = template_find(m->domain, id) != NULL;
	if (template_add(m, id, field, fields, scopes, options) && !known)
		waiting_decode(m, id);
	return true;
}

/* Several templates may share a set (RFC 7011, 3.4); one that cannot be read ends it, since only fields tell
 * where the next one begins. */
void
template_set(const struct message *m, struct wire *set, bool options)
{
	while (wire_left(set) >= 4) {
		/* 4 bytes are the least a template record has: a withdrawal */
		/* what is left may be padding: zeros, which no template begins with */
		if (load_be32(set->pos) == 0)
			break;
		if (!read_template(m, set, options))
			break;
	}
}
