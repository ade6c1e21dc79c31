/* Finding, making and forgetting exporters and domains; counting what is dropped.
 *
 * Exporters hang in a hash table of fixed size: their number is bounded, and a table that never moves needs
 * no care while ticking. The exporter of the datagram before is remembered, because datagrams come in runs.
 * Every function that frees something which flows may refer to flushes the batch first. */
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

/* Never makes one: used for datagrams that are faulty, so that garbage from forged addresses takes no
 * memory. */
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

/* Renews the exporter's age. It is made before its message is known to be good beyond the header;
 * decoder_tick() forgets those that never gave a record when the table fills up. */
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
		/* names are chosen by the exporter, so their hash must not be guessed either */
		x->names.seed = d->hash_seed;
		x->waiting_tail = &x->waiting;
		x->next = d->bucket[hash(d, a)];
		d->bucket[hash(d, a)] = x;
		d->exporters++;
		counter_set(d->counters, DECODE_EXPORTERS, d->exporters);
		d->last = x;
	}
	/* any message counts, also one without records */
	x->seen_us = now_us;
	return x;
}

/* Frees everything that is charged to it, so that the charge itself need not be undone. */
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
	/* nothing may find it any more */
	if (d->last == x)
		d->last = NULL;
	names_free(&x->names);
	samplers_free(&x->samplers);
	free(x);
}

/* Sums of sizes of our own structures and of lengths from the wire, which are 16 bits: no overflow. */
bool
exporter_charge(struct decoder *d, struct exporter *x, size_t n)
{
	if (x->bytes + n > d->o.exporter_max_bytes)
		return false;
	x->bytes += n;
	return true;
}

/* Version and session are part of the key: templates of v9 and IPFIX with the same number differ, and those
 * of a TCP session live apart (RFC 7011, 8). A list that moves the one in use to its front serves the usual
 * handful of domains; DOMAINS_MAX bounds the walk. */
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
		/* either bound: too many, or no memory left for one */
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

/* The caller has flushed the batch. What waits goes first, because it refers to the domain. */
void
domain_free(struct decoder *d, struct exporter *x, struct domain *dom)
{
	struct domain **p = &x->domains;

	waiting_expire(d, x, dom, UINT64_MAX);
	template_remove_all(d, x, dom, TEMPLATE_ANY);
	/* charged row by row in set_rate() */
	exporter_release(x, dom->samplers.n * sizeof(struct sampler));
	samplers_free(&dom->samplers);
	while (*p != dom)
		p = &(*p)->next;
	*p = dom->next;
	x->domain_count--;
	exporter_release(x, sizeof(*dom));
	free(dom);
}

/* The text of who it was is only made when the line is written. Counters are for programs, the line is for
 * people: one a minute for each reason, with how many more there were. */
void
drop(struct decoder *d, struct exporter *x, const struct domain *dom, const struct addr *from,
     enum decode_counter reason)
{
	const struct counter_desc *desc = &decode_counter_desc[reason];
	const char *text = decode_drop_text[reason - DROP_FIRST];
	char who[ADDR_TEXT_MAX];
	/* lines held back since the last one */
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
