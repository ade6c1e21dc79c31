/* The decoder's life: making it, giving it datagrams, letting it forget.
 *
 * A decoder is used by one thread only, and its counters are its only part that others read. All time comes
 * from the datagrams' own arrival, so that a capture file is decoded as it would have been live. */
#include "collector/decode/decode.h"

#include <time.h>

#include "collector/base/clock.h"
#include "collector/base/wire.h"
#include "collector/decode/exporter.h"
#include "collector/decode/packet_custom.h"

/* Seconds that an exporter without records may be silent in a table that fills up. */
#define IDLE_CROWDED_S 60

/* Zero stands for a default everywhere, so that callers name only what they mean. */
static void
set_defaults(struct decode_options *o)
{
	if (!o->exporters_max)
		o->exporters_max = 4096;
	if (!o->exporter_max_bytes)
		o->exporter_max_bytes = 8u << 20;
	if (!o->template_timeout_s)
		o->template_timeout_s = 86400;
	if (!o->waiting_timeout_s)
		o->waiting_timeout_s = 600;
	if (!o->exporter_idle_s)
		o->exporter_idle_s = 172800;
}

/* What finishing steps read is read from records even when nobody else wants it: counters to renormalise,
 * interfaces to find their rate or name by. */
static void
set_needs(struct decoder *d, const struct flow_needs *needs)
{
	d->needs = *needs;
	FLOW_NEED(&d->needs, packets);
	FLOW_NEED(&d->needs, bytes);
	if (d->o.renormalize || FLOW_NEEDED(needs, sampling_rate) || FLOW_NEEDED(needs, in_iface_name))
		FLOW_NEED(&d->needs, in_iface);
	if (FLOW_NEEDED(needs, out_iface_name))
		FLOW_NEED(&d->needs, out_iface);
	for (unsigned i = 0; i < d->o.customs; i++)
		/* custom primitives are nobody's built-in member: the decoder marks them itself */
		flow_need(&d->needs, d->custom[i].offset,
			  d->custom[i].width ? d->custom[i].width : sizeof(struct flow_bytes));
	if (d->o.packet_customs)
		packet_custom_needs(d->o.packet_customs, &d->needs);
}

/* The caller's array may be gone by the time templates are compiled. */
static bool
copy_customs(struct decoder *d)
{
	if (!d->o.customs)
		return true;
	d->custom = malloc(d->o.customs * sizeof(*d->custom));
	if (!d->custom)
		return false;
	memcpy(d->custom, d->o.custom, d->o.customs * sizeof(*d->custom));
	/* plans compiled later read the copy */
	d->o.custom = d->custom;
	return true;
}

/* The seed of the hash tables need not be secret for long, only unknown to those who choose addresses and
 * ids. On failure decoder_free() takes what is there. */
static bool
init(struct decoder *d, const struct flow_needs *needs, const char *labels)
{
	if (!copy_customs(d))
		return false;
	set_needs(d, needs);
	/* holds pointers into the decoder, which therefore never moves */
	d->env = (struct plan_env){.o = &d->o, .needs = &d->needs, .wants = plan_wants(&d->o, &d->needs)};
	d->counters = counters_add(decode_counter_desc, DECODE_COUNTERS, labels);
	d->hash_seed = clock_monotonic_us() ^ (uint64_t)(uintptr_t)d << 20;
	return d->counters && flow_batch_init(&d->batch, &d->needs) && netflow_fixed_init(d);
}

/* Aligned, because proto is read by loads of 16 bytes. */
struct decoder *
decoder_new(const struct decode_options *o, const struct flow_needs *needs, flow_sink *sink, void *ctx,
	    const char *labels, char *err, size_t errlen)
{
	/* the size has to be a multiple of the alignment */
	struct decoder *d = aligned_alloc(64, (sizeof(*d) + 63) / 64 * 64);

	if (d) {
		memset(d, 0, sizeof(*d));
		d->o = *o;
		d->sink = sink;
		d->sink_ctx = ctx;
		set_defaults(&d->o);
		if (init(d, needs, labels))
			return d;
		decoder_free(d);
	}
	snprintf(err, errlen, "decoder: out of memory");
	return NULL;
}

/* Freeing an exporter hands on what is in the batch, so the sink must still be there. */
void
decoder_free(struct decoder *d)
{
	if (!d)
		return;
	/* each takes itself off the list */
	for (unsigned i = 0; i < EXPORTER_BUCKETS; i++)
		while (d->bucket[i])
			exporter_free(d, d->bucket[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(d->fixed); i++)
		template_free(d->fixed[i]);
	flow_batch_free(&d->batch);
	free(d->custom);
	free(d);
}

const struct counter_block *
decoder_counters(const struct decoder *d)
{
	return d->counters;
}

void
decoder_flush(struct decoder *d)
{
	batch_flush(d);
}

/* Two bytes of version are common to all formats. Faulty datagrams make no exporter; one that is known is
 * charged with the drop. */
void
decoder_datagram(struct decoder *d, const struct datagram *dg)
{
	uint16_t version;

	/* the shortest that a version and a count or length need */
	if (dg->len < 4) {
		drop(d, exporter_find(d, &dg->from), NULL, &dg->from, DROP_SHORT);
		return;
	}
	version = load_be16(dg->data);
	switch (version) {
	case 1:
	case 5:
	case 7:
		netflow_fixed(d, dg, version);
		break;
	case 9:
		netflow9(d, dg);
		break;
	case 10:
		ipfix(d, dg);
		break;
	default:
		drop(d, exporter_find(d, &dg->from), NULL, &dg->from, DROP_VERSION);
	}
}

/* Not below zero: clocks of capture files may stand near the epoch. */
static uint64_t
ago(uint64_t now_us, unsigned seconds)
{
	uint64_t span = seconds * US_PER_S;
	return now_us > span ? now_us - span : 0;
}

/* Domains of TCP sessions end with these, however silent they are: their templates come only once (RFC 7011,
 * 8.1). Returns whether there is such a session. */
static bool
tick_domains(struct decoder *d, struct exporter *x, uint64_t now_us)
{
	uint64_t silent = ago(now_us, d->o.exporter_idle_s);
	bool session = false;
	unsigned n = 0;

	for (struct domain *dom = x->domains, *next; dom; dom = next) {
		next = dom->next;
		if (dom->session) {
			session = true;
			continue;
		}
		n += template_expire(d, x, dom, ago(now_us, d->o.template_timeout_s));
		if (dom->seen_us < silent) {
			/* flows may refer to what is freed now */
			batch_flush(d);
			domain_free(d, x, dom);
		}
	}
	decoder_count(d, DECODE_TEMPLATES_EXPIRED, n);
	return session;
}

/* An exporter is forgotten when it was silent for long. Sender addresses can be forged: when half of the
 * table is taken, those that never gave a record have to go after a minute. */
static void
tick_exporter(struct decoder *d, struct exporter *x, uint64_t now_us)
{
	unsigned idle = d->o.exporter_idle_s;
	bool session = tick_domains(d, x, now_us);

	waiting_expire(d, x, NULL, ago(now_us, d->o.waiting_timeout_s));
	if (x->records == 0 && d->exporters > d->o.exporters_max / 2 && idle > IDLE_CROWDED_S)
		idle = IDLE_CROWDED_S;
	if (!session && x->seen_us < ago(now_us, idle)) {
		exporter_free(d, x);
		decoder_count(d, DECODE_EXPORTERS_EXPIRED, 1);
	}
}

/* A clock that went back ticks at once, and then goes on from there. */
void
decoder_tick(struct decoder *d, uint64_t now_us)
{
	/* the walk over all exporters is not for every batch */
	if (now_us < d->ticked_us + US_PER_S && now_us >= d->ticked_us)
		return;
	d->ticked_us = now_us;
	for (unsigned i = 0; i < EXPORTER_BUCKETS; i++) {
		for (struct exporter *x = d->bucket[i], *next; x; x = next) {
			/* x may be gone after this */
			next = x->next;
			tick_exporter(d, x, now_us);
		}
	}
}

void
decoder_session_open(struct decoder *d, uint32_t id, const struct addr *from)
{
	/* ids may come again: nothing of an earlier session may be left */
	decoder_session_close(d, id, from);
}

/* The exporter and what it said over UDP or other sessions stay. */
void
decoder_session_close(struct decoder *d, uint32_t id, const struct addr *from)
{
	struct exporter *x = exporter_find(d, from);

	if (!x)
		return;
	batch_flush(d);
	for (struct domain *dom = x->domains, *next; dom; dom = next) {
		next = dom->next;
		if (dom->session == id)
			domain_free(d, x, dom);
	}
}
