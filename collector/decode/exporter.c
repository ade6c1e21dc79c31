/* Finding, making and forgetting exporters and domains; counting what is dropped. */
#include "collector/decode/exporter.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector/base/addr.h"

/* Seeded, so that nobody can choose addresses that share a bucket, and mixing every byte: routers' addresses
 * differ in their last ones. */
static unsigned
hash(const struct decoder *d, const struct addr *a)
{
	return (unsigned)XXH3_64bits_withSeed(a, sizeof(*a), d->hash_seed) & (EXPORTER_BUCKETS - 1);
}

struct exporter *
exporter_find(struct decoder *d, const struct addr *a)
{
	if (d->last && addr_equal(&d->last->addr, a))
		return d->last;
	for (struct exporter *x = d->bucket[hash(d, a)]; x; x = x->next)
		if (addr_equal(&x->addr, a))
			return d->last = x;
	return NULL;
}

struct exporter *
exporter_get(struct decoder *d, const struct addr *a, uint64_t now_us)
{
	struct exporter *x = exporter_find(d, a);

	if (!x) {
		if (d->exporters >= d->o.exporters_max) {
			drop(d, NULL, NULL, a, DROP_EXPORTERS);
			return NULL;
		}
		x = calloc(1, sizeof(*x));
		if (!x) {
			drop(d, NULL, NULL, a, DROP_MEMORY);
			return NULL;
		}
		x->addr = *a;
		x->names.seed = d->hash_seed;
		x->waiting_tail = &x->waiting;
		x->next = d->bucket[hash(d, a)];
		d->bucket[hash(d, a)] = x;
		d->exporters++;
		counter_set(d->counters, DECODE_EXPORTERS, d->exporters);
		d->last = x;
	}
	x->seen_us = now_us;
	return x;
}

void
exporter_free(struct decoder *d, struct exporter *x)
{
	struct exporter **p = &d->bucket[hash(d, &x->addr)];

	batch_flush(d);
	waiting_expire(d, x, NULL, UINT64_MAX);
	while (x->domains)
		domain_free(d, x, x->domains);
	while (*p != x)
		p = &(*p)->next;
	*p = x->next;
	d->exporters--;
	counter_set(d->counters, DECODE_EXPORTERS, d->exporters);
	if (d->last == x)
		d->last = NULL;
	names_free(&x->names);
	samplers_free(&x->samplers);
	free(x);
}

bool
exporter_charge(struct decoder *d, struct exporter *x, size_t n)
{
	if (x->bytes + n > d->o.exporter_max_bytes)
		return false;
	x->bytes += n;
	return true;
}

struct domain *
domain_get(struct decoder *d, struct exporter *x, uint16_t version, uint32_t id, uint32_t session,
	   uint64_t now_us)
{
	struct domain **p = &x->domains;

	for (; *p; p = &(*p)->next) {
		struct domain *dom = *p;
		if (dom->id != id || dom->version != version || dom->session != session)
			continue;
		dom->seen_us = now_us;
		*p = dom->next; /* the one in use stands first */
		dom->next = x->domains;
		return x->domains = dom;
	}
	if (x->domain_count >= DOMAINS_MAX || !exporter_charge(d, x, sizeof(struct domain))) {
		drop(d, x, NULL, &x->addr, DROP_DOMAINS);
		return NULL;
	}
	struct domain *dom = calloc(1, sizeof(*dom));
	if (!dom) {
		exporter_release(x, sizeof(struct domain));
		drop(d, x, NULL, &x->addr, DROP_MEMORY);
		return NULL;
	}
	x->domain_count++;
	dom->id = id;
	dom->version = version;
	dom->session = session;
	dom->seen_us = now_us;
	dom->next = x->domains;
	return x->domains = dom;
}

void
domain_free(struct decoder *d, struct exporter *x, struct domain *dom)
{
	struct domain **p = &x->domains;

	waiting_expire(d, x, dom, UINT64_MAX);
	template_remove_all(d, x, dom, TEMPLATE_ANY);
	exporter_release(x, dom->samplers.n * sizeof(struct sampler));
	samplers_free(&dom->samplers);
	while (*p != dom)
		p = &(*p)->next;
	*p = dom->next;
	x->domain_count--;
	exporter_release(x, sizeof(*dom));
	free(dom);
}

void
drop(struct decoder *d, struct exporter *x, const struct domain *dom, const struct addr *from,
     enum decode_counter reason)
{
	const struct counter_desc *desc = &decode_counter_desc[reason];
	const char *text = decode_drop_text[reason - DROP_FIRST];
	char who[ADDR_TEXT_MAX];
	uint64_t held;

	decoder_count(d, reason, 1);
	if (x)
		x->drops[reason - DROP_FIRST]++;
	if (!log_allowed(&d->limit[reason - DROP_FIRST], &held))
		return;
	addr_format(who, from);
	if (dom)
		log_warn("exporter %s, version %u, domain %u: %s (%s); %llu more like this not shown", who,
			 dom->version, dom->id, text, desc->labels, (unsigned long long)held);
	else
		log_warn("exporter %s: %s (%s); %llu more like this not shown", who, text, desc->labels,
			 (unsigned long long)held);
}

void
drop_message(const struct message *m, enum decode_counter reason)
{
	drop(m->d, m->exporter, m->domain, &m->exporter->addr, reason);
}
