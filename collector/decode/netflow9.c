/* NetFlow v9 (RFC 3954): the header, then sets. Sequence numbers count datagrams of a source id.
 *
 * A step in the numbers therefore says nothing about how many records are missing. */
#include "collector/decode/exporter.h"

#include "collector/base/clock.h"
#include "collector/base/wire.h"

#define HEADER 20
#define WINDOW 64

/* Times of records are relative to the header's sysUptime, in milliseconds. */
void
netflow9(struct decoder *d, const struct datagram *dg)
{
	struct message m = {
	    .d = d, .version = 9, .arrival_us = dg->arrival_us, .end = dg->data + dg->len, .uptime_us = 1000};
	struct wire w = wire_over(dg->data, dg->len);
	/* of no use here: datagrams are counted */
	bool uncounted = false;

	if (dg->len < HEADER) {
		drop(d, exporter_find(d, &dg->from), NULL, &dg->from, DROP_SHORT);
		return;
	}
	wire_skip(&w, 4); /* version; the count of records, which many exporters get wrong */
	m.uptime = wire_u32(&w);
	m.export_us = wire_u32(&w) * US_PER_S;
	m.sequence = wire_u32(&w);
	m.sysid = wire_u32(&w);
	m.exporter = exporter_get(d, &dg->from, dg->arrival_us);
	m.domain = m.exporter ? domain_get(d, m.exporter, 9, m.sysid, 0, dg->arrival_us) : NULL;
	if (!m.domain)
		return;
	decoder_count(d, DECODE_V9, 1);
	domain_heard(m.exporter, m.domain, dg->len);
	/* one datagram, however its sets turn out */
	message_sequence(&m, 1, WINDOW);
	set_walk(&m, &w, &uncounted);
}
