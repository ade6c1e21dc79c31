/* Templates and sampling rates on disk (nfacctd_templates_file), so that a restart need not wait for
 * exporters to repeat them.
 *
 * A file is a JSON array of objects; a field is [enterprise, id, length]. What is read goes through the same
 * checks as a template from the wire: the file is outside data as well.
 *
 * TCP sessions are left out: their templates end with them. Writing to disk is the caller's affair, who
 * writes a new file and renames it. */
#include <errno.h>
#include <jansson.h>

#include "collector/base/addr.h"
#include "collector/base/clock.h"
#include "collector/decode/exporter.h"

/* more than template_add() takes: it refuses with its own reason and counter */
#define FILE_FIELDS_MAX 4096

/* Compiled plans are not stored: they depend on what this run's plugins need. */
static void
put_template(struct text *out, const struct exporter *x, const struct domain *dom, const struct template *t)
{
	char who[ADDR_TEXT_MAX];

	addr_format(who, &x->addr);
	text_printf(out, "\n{\"exporter\":\"%s\",\"version\":%u,\"domain\":%u,\"id\":%u,\"seen\":%llu,", who,
		    dom->version, dom->id, t->id, (unsigned long long)(t->seen_us / US_PER_S));
	text_printf(out, "\"options\":%s,\"scopes\":%u,\"fields\":[", t->options ? "true" : "false",
		    t->scopes);
	for (unsigned i = 0; i < t->fields; i++)
		text_printf(out, "%s[%u,%u,%u]", i ? "," : "", t->field[i].pen, t->field[i].id,
			    t->field[i].len);
	text_str(out, "]}");
}

/* Integers of JSON are signed for those who read it: a row beyond that would make the whole file unreadable.
 * No exporter has such ids or rates in earnest. */
static bool
storable(const struct sampler *row)
{
	return row->id <= INT64_MAX && row->rate.num <= INT64_MAX && row->rate.den <= INT64_MAX;
}

/* [scope, id, packets, sampled]; the first row is the whole domain's, zero when there is none. */
static void
put_rates(struct text *out, const struct exporter *x, const struct domain *dom)
{
	const struct samplers *s = &dom->samplers;
	const struct sampler whole = {.rate = s->whole};
	struct rate r = storable(&whole) ? s->whole : (struct rate){0, 0};
	char who[ADDR_TEXT_MAX];

	addr_format(who, &x->addr);
	text_printf(out, "\n{\"exporter\":\"%s\",\"version\":%u,\"domain\":%u,\"rates\":[[0,0,%llu,%llu]",
		    who, dom->version, dom->id, (unsigned long long)r.num, (unsigned long long)r.den);
	for (unsigned i = 0; i < s->n; i++)
		if (storable(&s->row[i]))
			text_printf(out, ",[%u,%llu,%llu,%llu]", s->row[i].scope,
				    (unsigned long long)s->row[i].id, (unsigned long long)s->row[i].rate.num,
				    (unsigned long long)s->row[i].rate.den);
	text_str(out, "]}");
}

/* n is the number of objects written so far, which decides about the comma; returns the new one. */
static unsigned
save_domain(struct text *out, const struct exporter *x, const struct domain *dom, unsigned n)
{
	for (unsigned i = 0; i < TEMPLATE_BUCKETS; i++) {
		for (const struct template *t = dom->bucket[i]; t; t = t->next) {
			/* objects of several domains and decoders are joined by the caller */
			if (n++)
				text_char(out, ',');
			put_template(out, x, dom, t);
		}
	}
	if (dom->samplers.n || dom->samplers.whole.num) {
		if (n++)
			text_char(out, ',');
		put_rates(out, x, dom);
	}
	return n;
}

/* Clears the mark of changes: what the caller cannot write is tried again after the next change. */
unsigned
decoder_templates_save(struct decoder *d, struct text *out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < EXPORTER_BUCKETS; i++)
		for (const struct exporter *x = d->bucket[i]; x; x = x->next)
			for (const struct domain *dom = x->domains; dom; dom = dom->next)
				if (!dom->session)
					n = save_domain(out, x, dom, n);
	d->templates_changed = false;
	return n;
}

bool
decoder_templates_changed(const struct decoder *d)
{
	return d->templates_changed;
}

/* A number within limits; anything else clears *ok. */
static uint64_t
number(const json_t *j, uint64_t max, bool *ok)
{
	if (json_is_integer(j) && json_integer_value(j) >= 0 && (uint64_t)json_integer_value(j) <= max)
		return (uint64_t)json_integer_value(j);
	*ok = false;
	return 0;
}

/* Missing items of a field are no integers and fail like wrong ones. */
static bool
read_fields(const json_t *list, struct field *field)
{
	/* field has room for so many */
	bool ok = json_array_size(list) <= FILE_FIELDS_MAX;

	for (size_t i = 0; ok && i < json_array_size(list); i++) {
		const json_t *f = json_array_get(list, i);
		field[i].pen = (uint32_t)number(json_array_get(f, 0), UINT32_MAX, &ok);
		field[i].id = (uint16_t)number(json_array_get(f, 1), UINT16_MAX, &ok);
		field[i].len = (uint16_t)number(json_array_get(f, 2), UINT16_MAX, &ok);
	}
	return ok;
}

/* Its age goes on from the file, so that a template nobody has repeated for long expires all the same. One
 * that the wire has brought already is newer and stays. */
static bool
load_template(struct message *m, const json_t *j)
{
	struct field field[FILE_FIELDS_MAX];
	const json_t *fields = json_object_get(j, "fields");
	bool ok = true;
	uint16_t id = (uint16_t)number(json_object_get(j, "id"), UINT16_MAX, &ok);
	uint64_t seen = number(json_object_get(j, "seen"), UINT32_MAX, &ok);
	unsigned scopes = (unsigned)number(json_object_get(j, "scopes"), FILE_FIELDS_MAX, &ok);

	if (!ok || id < 256 || !read_fields(fields, field))
		return false;
	/* template_add() takes the age from the message */
	m->arrival_us = seen * US_PER_S;
	if (!template_find(m->domain, id))
		template_add(m, id, field, (unsigned)json_array_size(fields), scopes,
			     json_is_true(json_object_get(j, "options")));
	return true;
}

/* A rate of zero is the mark of "none" and teaches nothing. */
static bool
load_rates(struct message *m, const json_t *rates)
{
	bool ok = true;

	for (size_t i = 0; ok && i < json_array_size(rates); i++) {
		const json_t *row = json_array_get(rates, i);
		unsigned scope = (unsigned)number(json_array_get(row, 0), SAMPLER_INTERFACE, &ok);
		uint64_t id = number(json_array_get(row, 1), INT64_MAX, &ok);
		struct rate rate = {.num = number(json_array_get(row, 2), INT64_MAX, &ok)};
		rate.den = number(json_array_get(row, 3), INT64_MAX, &ok);
		if (ok && rate.num && rate.den)
			rate_learn(m, scope, id, rate);
	}
	return ok;
}

/* One object: a template, or the rates of a domain. What finds no room is counted and is no error of the
 * file. */
static bool
load_one(struct decoder *d, const json_t *j, uint64_t now)
{
	struct message m = {.d = d};
	struct addr from;
	bool ok = true;
	const char *who = json_string_value(json_object_get(j, "exporter"));
	const json_t *rates = json_object_get(j, "rates");

	m.version = (uint16_t)number(json_object_get(j, "version"), 10, &ok);
	m.sysid = (uint32_t)number(json_object_get(j, "domain"), UINT32_MAX, &ok);
	if (!ok || !who || !addr_parse(&from, who) || (m.version != 9 && m.version != 10))
		return false;
	m.exporter = exporter_get(d, &from, now);
	m.domain = m.exporter ? domain_get(d, m.exporter, m.version, m.sysid, 0, now) : NULL;
	/* no room: counted, and nothing wrong with the file */
	if (!m.domain)
		return true;
	return rates ? load_rates(&m, rates) : load_template(&m, j);
}

/* What stood before a faulty object has been taken by then. Loading is no change that would have to be saved
 * again. */
bool
decoder_templates_load(struct decoder *d, const char *path, char *err, size_t errlen)
{
	json_error_t je;
	FILE *fp = fopen(path, "re");
	bool ok = true;

	if (!fp) {
		/* the first start */
		if (errno == ENOENT)
			return true;
		snprintf(err, errlen, "templates file '%s': %s", path, strerror(errno));
		return false;
	}
	json_t *root = json_loadf(fp, 0, &je);
	fclose(fp);
	if (!root) {
		snprintf(err, errlen, "templates file '%s', line %d: %s", path, je.line, je.text);
		return false;
	}
	for (size_t i = 0; json_is_array(root) && ok && i < json_array_size(root); i++)
		ok = load_one(d, json_array_get(root, i), clock_now_us());
	ok = ok && json_is_array(root);
	/* templates and rates were copied */
	json_decref(root);
	if (!ok)
		snprintf(err, errlen,
			 "templates file '%s': not a list of templates and rates as this program writes it",
			 path);
	/* what was just read need not be written */
	d->templates_changed = false;
	return ok;
}
