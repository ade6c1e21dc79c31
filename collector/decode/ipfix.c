/* IPFIX (RFC 7011): the header, then sets. Sequence numbers count data records, those of options included, of
 * a domain and transport session.
 *
 * Records that could not be counted, for want of a template, make the next expectation unknown. */
#include "collector/decode/exporter.h"

#include "collector/base/clock.h"
#include "collector/base/wire.h"

#define HEADER 16
#define WINDOW 2048

void
ipfix(struct decoder *d, const struct datagram *dg)
{
	struct message m = {.d = d, .version = 10, .arrival_us = dg->arrival_us, .end = dg->data + dg->len};
	struct wire w = wire_over(dg->data, dg->len);
	bool uncounted = false;

	wire_skip(&w, 2);
	size_t len = wire_u16(&w);
	if (dg->len < HEADER || len < HEADER || len > dg->len) {
		drop(d, exporter_find(d, &dg->from), NULL, &dg->from,
		     dg->len < HEADER ? DROP_SHORT : DROP_LENGTH);
		return;
	}
	m.export_us = wire_u32(&w) * US_PER_S;
	m.sequence = wire_u32(&w);
	m.sysid = wire_u32(&w);
	m.exporter = exporter_get(d, &dg->from, dg->arrival_us);
	m.domain = m.exporter ? domain_get(d, m.exporter, 10, m.sysid, dg->session, dg->arrival_us) : NULL;
	if (!m.domain)
		return;
	decoder_count(d, DECODE_IPFIX, 1);
	domain_heard(m.exporter, m.domain, dg->len);
	/* what stands behind the message's own length is not part of it */
	struct wire sets = wire_sub(&w, len - HEADER);
	unsigned records = set_walk(&m, &sets, &uncounted);
	message_sequence(&m, records, WINDOW);
	/* RFC 7011, 3.1: the number counts data records, these too */
	if (uncounted)
		sequence_forget(&m.domain->sequence);
}
