/* Data that came before its template.
 *
 * Over UDP a collector that starts, or loses one datagram, may see minutes of data it cannot read yet. Such
 * sets are kept as they came, with the header of their message, and decoded when the template comes; times
 * and sampling are then worked out as if nothing had happened. Memory is the exporter's share (a half of it
 * at most), time is bounded.
 *
 * One list for an exporter, in order of arrival, whatever domain or id: it is short (WAITING_MAX), walked
 * only when a template is new or once a second, and so needs no index. An entry's message points to the
 * exporter's domain: domain_free() drops what waits for it first. */
#include "collector/decode/exporter.h"

#include "collector/base/wire.h"

/* p is the link to the entry. Gives its bytes back, and moves the tail when the last one goes. */
static void
forget(struct decoder *d, struct exporter *x, struct waiting **p)
{
	struct waiting *w = *p;

	*p = w->next;
	if (!w->next)
		x->waiting_tail = p;
	x->waiting_count--;
	exporter_release(x, sizeof(*w) + w->len);
	counter_set(d->counters, DECODE_WAITING_BYTES,
		    counter_read(d->counters, DECODE_WAITING_BYTES) - sizeof(*w) - w->len);
	free(w);
}

void
waiting_add(const struct message *m, uint16_t set_id, const uint8_t *data, size_t len)
{
	struct decoder *d = m->d;
	size_t need = sizeof(struct waiting) + len;
	struct waiting *w;

	if (d->o.waiting_off) {
		drop_message(m, DROP_WAITING_EXPIRED);
		return;
	}
	/* the half that is left belongs to templates, among them the one all this waits for */
	if (m->exporter->waiting_count >= WAITING_MAX ||
	    m->exporter->bytes + need > d->o.exporter_max_bytes / 2 ||
	    !exporter_charge(d, m->exporter, need)) {
		drop_message(m, DROP_WAITING_FULL);
		return;
	}
	w = malloc(need);
	if (!w) {
		exporter_release(m->exporter, need);
		drop_message(m, DROP_MEMORY);
		return;
	}
	*w = (struct waiting){.since_us = m->arrival_us, .m = *m, .set_id = set_id, .len = (uint16_t)len};
	memcpy(w->data, data, len);
	*m->exporter->waiting_tail = w;
	m->exporter->waiting_tail = &w->next;
	m->exporter->waiting_count++;
	decoder_count(d, DECODE_WAITED, 1);
	decoder_count(d, DECODE_WAITING_BYTES, need);
}

/* Looks the template up again for each entry, since options data among them may teach us something, but never
 * takes a template away. The message is the stored one: sequence number, uptime and times are those of then.
 */
void
waiting_decode(const struct message *m, uint16_t set_id)
{
	struct waiting **p = &m->exporter->waiting;

	while (*p) {
		struct waiting *w = *p;
		struct template *t = template_find(m->domain, set_id);
		if (!t)
			return;
		if (w->set_id != set_id || w->m.domain != m->domain) {
			p = &w->next;
			continue;
		}
		struct wire set = wire_over(w->data, w->len);
		/* wide loads must stay within the copy; the datagram is long gone */
		w->m.end = set.end;
		set_decode(&w->m, t, &set);
		decoder_count(m->d, DECODE_WAITING_DECODED, 1);
		batch_flush(m->d); /* flows may point into what is freed now */
		forget(m->d, m->exporter, p);
	}
}

/* Counted one by one, so that the log names exporter and domain. */
void
waiting_expire(struct decoder *d, struct exporter *x, const struct domain *dom, uint64_t before_us)
{
	struct waiting **p = &x->waiting;

	while (*p) {
		struct waiting *w = *p;
		if (w->since_us >= before_us || (dom && w->m.domain != dom)) {
			p = &w->next;
			continue;
		}
		drop_message(&w->m, DROP_WAITING_EXPIRED);
		forget(d, x, p);
	}
}
