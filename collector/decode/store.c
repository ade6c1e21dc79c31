/* Templates on disk (nfacctd_templates_file), so that a restart need not wait for exporters to repeat them.
 *
 * A file is a JSON array of objects; a field is [enterprise, id, length]. What is read goes through the same
 * checks as a template from the wire: the file is outside data as well. */
#include <errno.h>
#include <jansson.h>

#include "collector/base/addr.h"
#include "collector/base/clock.h"
#include "collector/decode/exporter.h"

#define FILE_FIELDS_MAX 4096

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

static unsigned
save_domain(struct text *out, const struct exporter *x, const struct domain *dom, unsigned n)
{
	for (unsigned i = 0; i < TEMPLATE_BUCKETS; i++) {
		for (const struct template *t = dom->bucket[i]; t; t = t->next) {
			if (n++)
				text_char(out, ',');
			put_template(out, x, dom, t);
		}
	}
	return n;
}

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

static bool
read_fields(const json_t *list, struct field *field)
{
	bool ok = json_array_size(list) <= FILE_FIELDS_MAX;

	for (size_t i = 0; ok && i < json_array_size(list); i++) {
		const json_t *f = json_array_get(list, i);
		field[i].pen = (uint32_t)number(json_array_get(f, 0), UINT32_MAX, &ok);
		field[i].id = (uint16_t)number(json_array_get(f, 1), UINT16_MAX, &ok);
		field[i].len = (uint16_t)number(json_array_get(f, 2), UINT16_MAX, &ok);
	}
	return ok;
}

static void
add(struct message *m, uint16_t id, const struct field *field, const json_t *j, unsigned scopes)
{
	size_t fields = json_array_size(json_object_get(j, "fields"));
	bool options = json_is_true(json_object_get(j, "options"));

	if (!m->exporter)
		return;
	m->domain = domain_get(m->d, m->exporter, m->version, m->sysid, 0);
	if (m->domain && !template_find(m->domain, id))
		template_add(m, id, field, (unsigned)fields, scopes, options);
}

static bool
load_one(struct decoder *d, const json_t *j, uint64_t now)
{
	struct field field[FILE_FIELDS_MAX];
	struct message m = {.d = d};
	struct addr from;
	bool ok = true;
	const char *who = json_string_value(json_object_get(j, "exporter"));

	if (!who || !addr_parse(&from, who) || !read_fields(json_object_get(j, "fields"), field))
		return false;
	m.version = (uint16_t)number(json_object_get(j, "version"), 10, &ok);
	m.sysid = (uint32_t)number(json_object_get(j, "domain"), UINT32_MAX, &ok);
	uint16_t id = (uint16_t)number(json_object_get(j, "id"), UINT16_MAX, &ok);
	uint64_t seen = number(json_object_get(j, "seen"), UINT32_MAX, &ok);
	unsigned scopes = (unsigned)number(json_object_get(j, "scopes"), FILE_FIELDS_MAX, &ok);
	if (!ok || (m.version != 9 && m.version != 10) || id < 256)
		return false;
	m.arrival_us = seen * US_PER_S;
	m.exporter = exporter_get(d, &from, now);
	add(&m, id, field, j, scopes);
	return true;
}

bool
decoder_templates_load(struct decoder *d, const char *path, char *err, size_t errlen)
{
	json_error_t je;
	FILE *fp = fopen(path, "re");
	bool ok = true;

	if (!fp) {
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
	json_decref(root);
	if (!ok)
		snprintf(err, errlen,
			 "templates file '%s': not a list of templates as this program writes it", path);
	d->templates_changed = false;
	return ok;
}
