/* Times as text.
 *
 * Breaking a second down to a local date costs more than a whole row, so it is done once a quarter of an hour
 * and remembered: the offsets of all zones in use are whole quarters and change at whole quarters, so within
 * one only minutes and seconds differ, and these are plain digits. (The last zone of which this was not true
 * ended in 1972.) */
#include "collector/base/timetext.h"

#include <time.h>

#include "collector/base/clock.h"
#include "collector/base/text.h"

#define QUARTER	    900
#define SECONDS_MAX 253402214400ULL /* 9999-12-31: later times are shown as this */

/* v is below 100. */
static char *
put_two(char *p, unsigned v)
{
	p[0] = (char)('0' + v / 10);
	p[1] = (char)('0' + v % 10);
	return p + 2;
}

static bool
with_zone(const struct timetext *t)
{
	return t->o.client || t->o.rfc9557;
}

/* RFC 9557 with an offset in figures, never a name; 00:00 is Z for the client alone, as seen. */
static void
quarter_zone(struct timetext_quarter *q, const struct timetext *t, long offset)
{
	char *p = q->zone;
	if (with_zone(t) && offset == 0 && t->o.client) {
		*p++ = 'Z';
	} else if (with_zone(t)) {
		unsigned minutes = (unsigned)(offset < 0 ? -offset : offset) / 60;
		*p++ = offset < 0 ? '-' : '+';
		p = put_two(p, minutes / 60 % 100);
		*p++ = ':';
		p = put_two(p, minutes % 60);
	}
	q->zone_len = (uint8_t)(p - q->zone);
}

/* The entry is written as a whole before it is found; a formatter belongs to one thread. */
static void
quarter_fill(struct timetext_quarter *q, const struct timetext *t, uint64_t s)
{
	time_t begin = (time_t)(s / QUARTER * QUARTER);
	struct tm tm;
	if (t->o.utc)
		gmtime_r(&begin, &tm);
	else
		localtime_r(&begin, &tm);
	char *p = put_padded(q->hour, (unsigned)tm.tm_year + 1900, 4);
	*p++ = '-';
	p = put_two(p, (unsigned)tm.tm_mon + 1);
	*p++ = '-';
	p = put_two(p, (unsigned)tm.tm_mday);
	*p++ = with_zone(t) ? 'T' : ' ';
	p = put_two(p, (unsigned)tm.tm_hour);
	*p = ':';
	q->minute = (uint8_t)tm.tm_min;
	quarter_zone(q, t, tm.tm_gmtoff);
	q->quarter = s / QUARTER + 1;
}

/* Direct-mapped: two times that fight for an entry cost a localtime_r each, and are right all the same. */
static const struct timetext_quarter *
quarter_of(struct timetext *t, uint64_t s)
{
	struct timetext_quarter *q = &t->quarter[s / QUARTER % TIMETEXT_QUARTERS];
	if (unlikely(q->quarter != s / QUARTER + 1))
		quarter_fill(q, t, s);
	return q;
}

/* "2023-02-28 09:46:39": 19 bytes. */
static char *
put_second(char *p, const struct timetext_quarter *q, uint64_t s)
{
	unsigned in = (unsigned)(s % QUARTER);
	memcpy(p, q->hour, sizeof(q->hour));
	p = put_two(p + 14, q->minute + in / 60);
	*p++ = ':';
	return put_two(p, in % 60);
}

/* Six digits; writes eight bytes. */
static char *
put_six(char *p, uint32_t v)
{
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		return put_padded(p, v, 6);
	uint64_t digits = (eight_digits(v) | 0x3030303030303030ULL) >> 16;
	memcpy(p, &digits, sizeof(digits));
	return p + 6;
}

static char *
put_fraction(char *p, const struct timetext *t, uint64_t us)
{
	*p++ = '.';
	return put_six(p, t->o.secs ? 0 : (uint32_t)(us % US_PER_S));
}

static char *
put_zone(char *p, const struct timetext_quarter *q)
{
	memcpy(p, q->zone, sizeof(q->zone));
	return p + q->zone_len;
}

/* The zero time of print: no date at all. */
static bool
is_zero(const struct timetext *t, uint64_t s)
{
	return s == 0 && !t->o.client;
}

static char *
put_zero(char *p, const struct timetext *t)
{
	return put_bytes(p, with_zone(t) ? "0000-00-00T00:00:00" : "0000-00-00 00:00:00", 19);
}

char *
put_time_us(struct timetext *t, char *p, uint64_t us)
{
	uint64_t s = us / US_PER_S;
	if (t->o.since_epoch)
		return put_fraction(put_u64(p, s), t, us);
	if (s > SECONDS_MAX)
		s = SECONDS_MAX;
	const struct timetext_quarter *q = quarter_of(t, s);
	p = is_zero(t, us) ? put_zero(p, t) : put_second(p, q, s);
	return put_zone(put_fraction(p, t, us), q);
}

char *
put_time_s(struct timetext *t, char *p, uint64_t s)
{
	if (t->o.since_epoch)
		return put_u64(p, s);
	if (s > SECONDS_MAX)
		s = SECONDS_MAX;
	const struct timetext_quarter *q = quarter_of(t, s);
	return put_zone(is_zero(t, s) ? put_zero(p, t) : put_second(p, q, s), q);
}
