/* Times of a flow: from what exporters say to microseconds since the epoch.
 *
 * Of several elements the absolute and most precise one is taken; one that is zero counts as absent. What the
 * record does not say is derived, in this order:
 *
 *  - start and end from the system's boot: 22 and 21 with the header's sysUptime (v5, v9), or with element
 * 160 of the record or of the domain's options (IPFIX, RFC 7011 has no uptime in its header);
 *  - one end from the other and the duration (161, 162);
 *  - both from the observation time (322 to 325, 258), for events and single packets;
 *  - a missing start is the end where there is one, else the time of the export;
 *  - a missing end is the time of the export, the latest it can have been, or the start if that is later. An
 *    event without any end ends when it began. */
#include "collector/decode/times.h"

#include "collector/base/clock.h"
#include "collector/base/wire.h"
#include "collector/decode/record.h"
#include "collector/decode/setters.h"
#include "collector/flow/flow.h"

static inline void
store(uint8_t *dst, uint64_t us)
{
	memcpy(dst, &us, sizeof(us));
}

/* n units of us microseconds; what cannot be a time in this representation is no time. */
static uint64_t
scaled(uint64_t n, uint64_t us)
{
	uint64_t v;
	return __builtin_mul_overflow(n, us, &v) ? 0 : v;
}

/* Lengths over 8 bytes pass the row's bounds only for the 16-byte form of set_time_ntp(). */
void
set_time_s(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	(void)r;
	store(dst, len > 8 ? 0 : scaled(load_be(src, len), US_PER_S));
}

void
set_time_ms(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	(void)r;
	store(dst, len > 8 ? 0 : scaled(load_be(src, len), 1000));
}

void
set_time_us(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	(void)r;
	store(dst, len > 8 ? 0 : load_be(src, len));
}

/* NTP format (RFC 7011, 6.1.9 and 6.1.10): seconds since 1900 and a fraction of 2^-32 seconds, rounded to the
 * nearest microsecond. Era 0 ends in 2036; seconds below 2^31 are read as era 1 (RFC 4330, 3). A 16-byte form
 * is seconds since 1970 and microseconds, 8 bytes each. */
uint64_t
time_from_ntp(uint32_t seconds, uint32_t fraction)
{
	const uint64_t to_1970 = 2208988800ULL;
	uint64_t s = seconds;

	if (seconds == 0 && fraction == 0)
		return 0;
	if (s < 1ULL << 31)
		s += 1ULL << 32;
	if (s < to_1970)
		return 0;
	return (s - to_1970) * US_PER_S + (((uint64_t)fraction * US_PER_S + (1ULL << 31)) >> 32);
}

void
set_time_ntp(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	(void)r;
	if (len == 8)
		store(dst, time_from_ntp(load_be32(src), load_be32(src + 4)));
	else if (len == 16)
		store(dst, scaled(load_be64(src), US_PER_S) + load_be64(src + 8) % US_PER_S);
}

/* Microseconds before the export (RFC 7011: negative offset from the header's time). */
void
set_time_delta(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	uint64_t before = len > 8 ? 0 : load_be(src, len);
	store(dst, before < r->m->export_us ? r->m->export_us - before : 0);
}

static void
uptime(struct record *r, uint8_t *dst, uint64_t *later, const uint8_t *src, size_t len)
{
	uint64_t v = len > 8 ? 0 : load_be(src, len);

	if (r->m->uptime_us)
		store(dst, time_from_uptime(r->m, (uint32_t)v));
	else
		*later = v + 1;
}

void
set_time_uptime_start(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	uptime(r, dst, &r->s.uptime_first, src, len);
}

void
set_time_uptime_end(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	uptime(r, dst, &r->s.uptime_last, src, len);
}

/* Boot time plus uptime, in the turn of the 32-bit counter that is nearest to the export: the same arithmetic
 * as above, with the header's uptime worked out from the boot time. */
static uint64_t
from_boot(const struct message *m, uint64_t init_us, uint64_t stored)
{
	uint64_t export_ms = m->export_us / 1000, init_ms = init_us / 1000;
	int64_t age = (int32_t)(uint32_t)(export_ms - init_ms - (stored - 1));

	if (age >= (int64_t)export_ms)
		return 0;
	return (export_ms - (uint64_t)age) * 1000 + init_us % 1000;
}

/* Only for ends that no absolute element has given. */
static void
boot_times(struct record *r, uint64_t init_us)
{
	struct flow *f = r->flow;

	if (r->s.uptime_first && !f->timestamp_start)
		f->timestamp_start = from_boot(r->m, init_us, r->s.uptime_first);
	if (r->s.uptime_last && !f->timestamp_end)
		f->timestamp_end = from_boot(r->m, init_us, r->s.uptime_last);
}

void
times_derive(struct record *r, uint64_t domain_init_us)
{
	struct flow *f = r->flow;
	uint64_t init = r->s.init_us ? r->s.init_us : domain_init_us;

	if (init)
		boot_times(r, init);
	/* not again for the reverse record */
	r->s.uptime_first = r->s.uptime_last = 0;
	if (f->timestamp_start && f->timestamp_end)
		return;
	if (f->timestamp_start && r->s.duration_us)
		f->timestamp_end = f->timestamp_start + r->s.duration_us;
	else if (f->timestamp_end && r->s.duration_us && r->s.duration_us <= f->timestamp_end)
		f->timestamp_start = f->timestamp_end - r->s.duration_us;
	else if (r->s.observed_us && !f->timestamp_start && !f->timestamp_end)
		f->timestamp_start = f->timestamp_end = r->s.observed_us;
	if (!f->timestamp_start)
		f->timestamp_start = f->timestamp_end ? f->timestamp_end : r->m->export_us;
	if (!f->timestamp_end)
		f->timestamp_end = f->kind == FLOW_KIND_FLOW && r->m->export_us > f->timestamp_start
				       ? r->m->export_us
				       : f->timestamp_start;
}
