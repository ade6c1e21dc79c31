/* Times of a flow; the rules stand at the head of times.c. */
#ifndef FLOWRIB_DECODE_TIMES_H
#define FLOWRIB_DECODE_TIMES_H

#include <stdint.h>

#include "collector/decode/record.h"

/* An NTP timestamp as microseconds since the epoch; 0 when it is zero or before 1970. */
uint64_t time_from_ntp(uint32_t seconds, uint32_t fraction);

/* A sysUptime value of a record as microseconds since the epoch, by the message's header. The counter wraps
 * after 49.7 days, so only the difference to the header's means something. It is taken as signed: a flow may
 * end a moment after the header was written. 0 when that is before the epoch: the exporter has no clock. */
static inline uint64_t
time_from_uptime(const struct message *m, uint32_t uptime)
{
	int64_t age = (int32_t)(m->uptime - uptime) * (int64_t)m->uptime_us;
	return likely(age < (int64_t)m->export_us) ? m->export_us - (uint64_t)age : 0;
}

/* Fills in what the record's fields left empty. domain_init_us is the boot time known from options, 0 if
 * none. */
void times_derive(struct record *r, uint64_t domain_init_us);

#endif
