/* What the decoder knows, as JSON for people and programs (flowrib status).
 *
 * Runs on the decoder's thread between batches, so nothing is locked and nothing changes meanwhile. Keys are
 * part of what scripts read: add, do not rename. Times are seconds since the epoch. */
#include "collector/base/addr.h"
#include "collector/decode/exporter.h"

/* A further member of an object: the comma is written first. */
static void
key_u64(struct text *out, const char *key, uint64_t v)
{
	text_char(out, ',');
	text_json(out, key);
	text_char(out, ':');
	text_u64(out, v);
}

/* The first member of an object, or after a comma that the caller wrote. */
static void
key_addr(struct text *out, const char *key, const struct addr *a)
{
	/* addresses are text without anything to escape, quoted all the same */
	char text[ADDR_TEXT_MAX];

	addr_format(text, a);
	text_json(out, key);
	text_char(out, ':');
	text_json(out, text);
}

/* In order of buckets, which means nothing. */
static void
put_templates(struct text *out, const struct domain *dom)
{
	bool first = true;

	text_str(out, ",\"templates\":[");
	for (unsigned i = 0; i < TEMPLATE_BUCKETS; i++) {
		for (const struct template *t = dom->bucket[i]; t; t = t->next) {
			text_str(out, first ? "{\"id\":" : ",{\"id\":");
			first = false;
			text_u64(out, t->id);
			key_u64(out, "fields", t->fields);
			/* not zero: this exporter sends lengths we cannot use, worth a look */
			key_u64(out, "fields_refused", t->plan->refused);
			key_u64(out, "records", t->records);
			key_u64(out, "seen", t->seen_us / 1000000);
			text_str(out, t->options ? ",\"options\":true}" : ",\"options\":false}");
		}
	}
	text_char(out, ']');
}

/* "packets" of the traffic stand for "sampled" ones seen: the rate as a fraction, unrounded. */
static void
put_rate(struct text *out, const char *scope, uint64_t id, struct rate rate, bool first)
{
	text_str(out, first ? "{\"scope\":" : ",{\"scope\":");
	text_json(out, scope);
	key_u64(out, "id", id);
	key_u64(out, "packets", rate.num);
	key_u64(out, "sampled", rate.den);
	text_char(out, '}');
}

/* The rate of the whole domain first, then selectors and interfaces by id. */
static void
put_rates(struct text *out, const struct samplers *s)
{
	/* in the order of enum sampler_scope */
	static const char *const names[] = {"domain", "selector", "interface"};
	bool first = true;

	text_str(out, ",\"sampling\":[");
	if (s->whole.num) {
		put_rate(out, names[SAMPLER_DOMAIN], 0, s->whole, first);
		first = false;
	}
	for (unsigned i = 0; i < s->n; i++, first = false)
		put_rate(out, names[s->row[i].scope], s->row[i].id, s->row[i].rate, first);
	text_char(out, ']');
}

/* sequence_lost is what is still missing: what came late has been taken off. */
static void
put_domain(struct text *out, const struct domain *dom)
{
	text_str(out, "{\"version\":");
	text_u64(out, dom->version);
	key_u64(out, "id", dom->id);
	/* 0 is UDP; other numbers are those of the source's sessions */
	key_u64(out, "session", dom->session);
	key_u64(out, "datagrams", dom->datagrams);
	key_u64(out, "octets", dom->octets);
	key_u64(out, "records", dom->records);
	key_u64(out, "rate_unknown", dom->rate_unknown);
	key_u64(out, "sequence_lost", dom->sequence.lost - dom->sequence.late);
	key_u64(out, "sequence_late", dom->sequence.late);
	key_u64(out, "sequence_restarts", dom->sequence.restarts);
	key_u64(out, "sequence_ahead", dom->sequence.ahead);
	key_u64(out, "sequence_behind", dom->sequence.behind);
	/* only when options told one */
	if (!addr_is_none(&dom->agent)) {
		text_char(out, ',');
		key_addr(out, "exporter_address", &dom->agent);
	}
	put_templates(out, dom);
	put_rates(out, &dom->samplers);
	text_char(out, '}');
}

/* The value of a counter's label: reason="short" gives short. */
static void
put_reason(struct text *out, const char *label)
{
	/* labels are ours and have one pair of quotes */
	const char *from = strchr(label, '"');
	const char *to = from ? strchr(from + 1, '"') : NULL;

	if (to)
		/* with both quotes, as JSON wants it */
		text_add(out, from, (size_t)(to - from) + 1);
	else
		text_json(out, label);
}

/* Only reasons that occurred; the names are those of the metric's label, so that both can be compared. */
static void
put_drops(struct text *out, const struct exporter *x)
{
	bool first = true;

	/* all that this exporter lost since it is known */
	text_str(out, ",\"dropped\":{");
	for (unsigned i = 0; i < DROPS; i++) {
		if (!x->drops[i])
			continue;
		if (!first)
			text_char(out, ',');
		first = false;
		put_reason(out, decode_counter_desc[DROP_FIRST + i].labels);
		text_char(out, ':');
		text_u64(out, x->drops[i]);
	}
	text_char(out, '}');
}

/* bytes is what is charged against its bound, not what malloc makes of it. */
static void
put_exporter(struct text *out, const struct exporter *x)
{
	text_char(out, '{');
	key_addr(out, "address", &x->addr);
	key_u64(out, "datagrams", x->datagrams);
	key_u64(out, "records", x->records);
	key_u64(out, "seen", x->seen_us / 1000000);
	key_u64(out, "bytes", x->bytes);
	key_u64(out, "names", x->names.n);
	key_u64(out, "waiting_sets", x->waiting_count);
	put_drops(out, x);
	text_str(out, ",\"domains\":[");
	for (const struct domain *dom = x->domains; dom; dom = dom->next) {
		put_domain(out, dom);
		if (dom->next)
			text_char(out, ',');
	}
	/* domains end here, and the exporter with them */
	text_str(out, "]}");
}

/* No bound on the length: text grows, and exporters and domains are bounded. */
void
decoder_status(const struct decoder *d, struct text *out)
{
	bool first = true;

	text_char(out, '[');
	/* no order: readers sort by what interests them */
	for (unsigned i = 0; i < EXPORTER_BUCKETS; i++) {
		for (const struct exporter *x = d->bucket[i]; x; x = x->next) {
			if (!first)
				text_char(out, ',');
			first = false;
			put_exporter(out, x);
		}
	}
	text_char(out, ']');
}
