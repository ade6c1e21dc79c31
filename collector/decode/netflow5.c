/* NetFlow v1, v5 and v7: formats without templates.
 *
 * Their records are described as templates in terms of information elements and run through the same plans as
 * everything else; only the headers differ. Layouts are those of Cisco's "NetFlow Export Datagram Formats".
 */
#include "collector/decode/exporter.h"

#include "collector/base/clock.h"
#include "collector/base/wire.h"

/* IE 210 is paddingOctets: skipped by its length */
#define PAD(n)                                                                                               \
	{                                                                                                    \
		0, 210, n                                                                                    \
	}

/* The first 36 bytes are common to all three. */
#define RECORD_HEAD                                                                                          \
	{0, 8, 4}, {0, 12, 4}, {0, 15, 4}, {0, 10, 2}, {0, 14, 2}, {0, 2, 4}, {0, 1, 4}, {0, 22, 4},         \
	    {0, 21, 4}, {0, 7, 2},                                                                           \
	{                                                                                                    \
		0, 11, 2                                                                                     \
	}

static const struct field v1_fields[] = {RECORD_HEAD, PAD(2), {0, 4, 1}, {0, 5, 1}, {0, 6, 1}, PAD(11)};

static const struct field v5_fields[] = {RECORD_HEAD, PAD(1),	  {0, 6, 1}, {0, 4, 1},	 {0, 5, 1},
					 {0, 16, 2},  {0, 17, 2}, {0, 9, 1}, {0, 13, 1}, PAD(2)};

/* the last four bytes are the address of the router whose shortcut it was */
static const struct field v7_fields[] = {RECORD_HEAD, PAD(1),	 {0, 6, 1},  {0, 4, 1}, {0, 5, 1}, {0, 16, 2},
					 {0, 17, 2},  {0, 9, 1}, {0, 13, 1}, PAD(2),	PAD(4)};

struct fixed_format {
	uint16_t version;
	uint16_t header;
	uint16_t record;
	uint16_t fields;
	const struct field *field;
	bool sequence, engine, sampling;
	enum decode_counter counter;
};

static const struct fixed_format formats[] = {
    {1, 16, 52, ARRAY_SIZE(v1_fields), v1_fields, false, false, false, DECODE_V1},
    {5, 24, 48, ARRAY_SIZE(v5_fields), v5_fields, true, true, true, DECODE_V5},
    {7, 24, 52, ARRAY_SIZE(v7_fields), v7_fields, true, false, false, DECODE_V7},
};

/* How far back a sequence number may step and still be a datagram that was overtaken: 64 full ones. */
#define WINDOW (64 * 30)

/* Plans depend on what plugins need, hence one set for each decoder. */
bool
netflow_fixed_init(struct decoder *d)
{
	for (unsigned i = 0; i < ARRAY_SIZE(formats); i++) {
		d->fixed[i] = template_new_fixed(d, formats[i].field, formats[i].fields);
		if (!d->fixed[i])
			return false;
	}
	return true;
}

/* The header after version and count: sysUptime, seconds, nanoseconds; v5 and v7 a sequence number; v5 engine
 * and sampling, of which the upper two bits are the mode. */
static void
read_header(struct message *m, const struct fixed_format *f, struct wire *w)
{
	m->uptime = wire_u32(w);
	m->uptime_us = m->d->o.time_secs ? US_PER_S : 1000;
	m->export_us = wire_u32(w) * US_PER_S;
	/* nanoseconds; more than a second of them is noise */
	m->export_us += wire_u32(w) / 1000 % US_PER_S;
	if (f->sequence)
		m->sequence = wire_u32(w);
	if (f->engine) {
		m->engine_type = wire_u8(w);
		m->engine_id = wire_u8(w);
		/* what pmacct shows as export_proto_sysid */
		m->sysid = m->engine_id;
	}
	if (f->sampling)
		m->rate = wire_u16(w) & 0x3fff;
}

/* The header's count is believed only as far as there are bytes. Sequence numbers go by the count all the
 * same: that is what the exporter has sent. */
void
netflow_fixed(struct decoder *d, const struct datagram *dg, uint16_t version)
{
	unsigned i = 0;
	struct message m = {
	    .d = d, .version = version, .arrival_us = dg->arrival_us, .end = dg->data + dg->len};
	struct wire w = wire_over(dg->data, dg->len);

	while (formats[i].version != version)
		i++;
	const struct fixed_format *f = &formats[i];
	wire_u16(&w);
	unsigned count = wire_u16(&w);
	if (dg->len < f->header) {
		drop(d, exporter_find(d, &dg->from), NULL, &dg->from, DROP_SHORT);
		return;
	}
	read_header(&m, f, &w);
	m.exporter = exporter_get(d, &dg->from, dg->arrival_us);
	m.domain = m.exporter ? domain_get(d, m.exporter, version, (uint32_t)m.engine_type << 8 | m.engine_id,
					   0, dg->arrival_us)
			      : NULL;
	if (!m.domain)
		return;
	decoder_count(d, f->counter, 1);
	domain_heard(m.exporter, m.domain, dg->len);
	struct wire records = wire_over(dg->data + f->header, dg->len - f->header);
	if (count * (size_t)f->record > wire_left(&records))
		drop_message(&m, DROP_SHORT); /* what is there is decoded */
	else
		records = wire_sub(&records, count * (size_t)f->record);
	set_decode(&m, d->fixed[i], &records);
	if (f->sequence)
		message_sequence(&m, count, WINDOW);
}
