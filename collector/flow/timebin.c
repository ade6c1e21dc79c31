/* Calendar work is done by localtime_r and mktime, which know the time zone; it happens once per bin, since
 * the last few bins are remembered: flows of one batch start in two or three of them.
 *
 * mktime is asked for local times that do not exist or exist twice when clocks change at midnight. So no
 * calendar bin relies on where such a time comes out: bounds are always both computed by the same function,
 * and a moment outside of them moves on to the neighbour. */
#include "collector/flow/timebin.h"

#include <time.h>

#define US	    1000000ULL
#define DAY_SECONDS 86400
#define HOUR	    3600

/* Half-open: start belongs to the bin, end to the next one. */
struct bounds {
	int64_t start, end; /* seconds since the epoch */
};

/* C rounds towards zero, which would fold the two bins around the base into one. */
static int64_t
floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;
	return a % b != 0 && a < 0 ? q - 1 : q;
}

/* The day of a local date, counted from 1970-01-01. timegm of the date alone: a day has a number whatever
 * the clock did on it. */
static int64_t
day_of(const struct tm *local)
{
	struct tm date = {.tm_year = local->tm_year, .tm_mon = local->tm_mon, .tm_mday = local->tm_mday};
	return floor_div(timegm(&date), DAY_SECONDS);
}

/* Counted from January 1900, since that is where tm_year begins. */
static int64_t
month_of(const struct tm *local)
{
	return (int64_t)local->tm_year * 12 + local->tm_mon;
}

/* When the local clock shows seconds after midnight on a day. */
static int64_t
day_start(int64_t day, int64_t seconds)
{
	/* mktime brings the day of the year 1970 into range; tm_isdst -1 lets the zone decide */
	struct tm local = {.tm_year = 70, .tm_mday = (int)day + 1, .tm_isdst = -1};

	local.tm_hour = (int)(seconds / HOUR);
	local.tm_min = (int)(seconds % HOUR / 60);
	local.tm_sec = (int)(seconds % 60);
	return mktime(&local);
}

/* As day_start: where clocks change at that midnight, calendar_bounds corrects for it. */
static int64_t
month_start(int64_t month)
{
	struct tm local = {
	    .tm_year = (int)(month / 12), .tm_mon = (int)(month % 12), .tm_mday = 1, .tm_isdst = -1};
	return mktime(&local);
}

/* --- the rules; t is in seconds, the offset already taken off --- */

/* Bins of equal length on the line of seconds; no calendar is asked. */
static struct bounds
fixed_bounds(const struct timebin *b, int64_t t)
{
	int64_t start = b->base + floor_div(t - b->base, b->length) * b->length;
	return (struct bounds){start, start + b->length};
}

/* Of the bin with this index; 0 is the one that begins at the base. */
static int64_t
calendar_start(const struct timebin *b, int64_t index)
{
	int64_t unit = b->base + index * b->length;
	return b->rule == TIMEBIN_MONTHS ? month_start(unit) : day_start(unit, b->time_of_day);
}

/* The index from the date may be one off around the hour of the base and where clocks change, so it is
 * moved until the moment lies inside. */
static struct bounds
calendar_bounds(const struct timebin *b, int64_t t)
{
	time_t at = (time_t)t;
	struct tm local;

	localtime_r(&at, &local);
	int64_t unit = b->rule == TIMEBIN_MONTHS ? month_of(&local) : day_of(&local);
	int64_t index = floor_div(unit - b->base, b->length);
	while (calendar_start(b, index) > t)
		index--;
	while (calendar_start(b, index + 1) <= t)
		index++;
	return (struct bounds){calendar_start(b, index), calendar_start(b, index + 1)};
}

/* Hours counted anew from every midnight. */
static struct bounds
daily_bounds(const struct timebin *b, int64_t t)
{
	const struct timebin day = {.rule = TIMEBIN_DAYS, .length = 1};
	struct bounds d = calendar_bounds(&day, t);
	int64_t start = d.start + (t - d.start) / b->length * b->length;
	/* the last bin of a long or short day ends with the day */
	int64_t end = start + b->length;

	return (struct bounds){start, end < d.end ? end : d.end};
}

/* The offset moves the moment to where bins have none, and the bounds back. */
static struct bounds
bounds_of(const struct timebin *b, uint64_t t_us)
{
	int64_t t = (int64_t)(t_us / US) - b->offset;
	struct bounds r;

	switch (b->rule) {
	case TIMEBIN_FIXED:
		r = fixed_bounds(b, t);
		break;
	case TIMEBIN_DAILY:
		r = daily_bounds(b, t);
		break;
	default:
		r = calendar_bounds(b, t);
		break;
	}
	r.start += b->offset;
	r.end += b->offset;
	/* nothing is before the epoch */
	if (r.start < 0)
		r.start = 0;
	return r;
}

/* --- setting up --- */

/* local becomes the base. Letters add up; *midnight tells that hours were rounded, on which TIMEBIN_DAILY
 * depends. */
static bool
round_off(struct tm *local, const char *letters, bool *midnight, char *err, size_t errlen)
{
	const char *l = letters ? letters : "";

	if (strchr(l, 'd') && strchr(l, 'w')) {
		snprintf(err, errlen,
			 "roundoff '%s': d (first of the month) and w (Monday) exclude each other", l);
		return false;
	}
	l += strspn(l, "mhdwM, ");
	if (*l) {
		snprintf(err, errlen, "roundoff '%s': unknown letter '%c'; expected some of m, h, d, w, M",
			 letters, *l);
		return false;
	}
	l = letters ? letters : "";
	local->tm_sec = 0;
	*midnight = strpbrk(l, "hdwM") != NULL;
	if (*midnight)
		local->tm_hour = 0;
	if (*midnight || strchr(l, 'm'))
		local->tm_min = 0;
	/* tm_wday counts from Sunday; mktime takes a day before the first of the month */
	if (strchr(l, 'w'))
		local->tm_mday -= (local->tm_wday + 6) % 7;
	if (strchr(l, 'd') || strchr(l, 'M'))
		local->tm_mday = 1;
	if (strchr(l, 'M'))
		local->tm_mon = 0;
	local->tm_isdst = -1;
	return true;
}

/* A week is seven days of the calendar, counted from the base. */
static void
choose_rule(struct timebin *b, uint64_t seconds, unsigned months, struct tm *base, bool midnight)
{
	b->base = mktime(base);
	b->length = (int64_t)seconds;
	if (months) {
		b->rule = TIMEBIN_MONTHS;
		b->base = month_of(base);
		b->length = months;
	} else if (seconds % DAY_SECONDS == 0) {
		b->rule = TIMEBIN_DAYS;
		b->base = day_of(base);
		b->length = (int64_t)(seconds / DAY_SECONDS);
		b->time_of_day = base->tm_hour * HOUR + base->tm_min * 60;
	} else if (midnight && DAY_SECONDS % seconds == 0 && HOUR % seconds != 0) {
		b->rule = TIMEBIN_DAILY;
	} else {
		/* bins that divide an hour need no midnight: clocks change by whole hours, save in one place
		 */
		b->rule = TIMEBIN_FIXED;
	}
}

/* The zone is the one of the process at this moment; localtime_r reads it later too, so TZ must not change.
 */
bool
timebin_init(struct timebin *b, uint64_t seconds, unsigned months, uint64_t offset, const char *roundoff,
	     uint64_t now_us, char *err, size_t errlen)
{
	const uint64_t longest = 3660ULL * DAY_SECONDS; /* ten years */
	time_t now = (time_t)(now_us / US);
	struct tm base;
	bool midnight;

	memset(b, 0, sizeof(*b));
	if ((!seconds && !months) || seconds > longest || months > 120 || offset > longest) {
		snprintf(err, errlen,
			 "a time bin and its offset must be between a second and ten years long");
		return false;
	}
	localtime_r(&now, &base);
	if (!round_off(&base, roundoff, &midnight, err, errlen))
		return false;
	choose_rule(b, seconds, months, &base, midnight);
	b->offset = (int64_t)offset;
	return true;
}

/* --- finding --- */

/* Four recent bins, moved to the front when found: a batch has flows that began in this bin and the one
 * before. One thread owns a struct timebin. */
uint64_t
timebin_find(struct timebin *b, uint64_t t_us)
{
	struct timebin_recent found;
	unsigned i;

	for (i = 0; i < TIMEBIN_RECENT - 1; i++) {
		if (t_us - b->recent[i].start_us < b->recent[i].length_us)
			break;
	}
	found = b->recent[i];
	if (t_us - found.start_us >= found.length_us) {
		struct bounds r = bounds_of(b, t_us);
		found.start = (uint64_t)r.start;
		found.start_us = (uint64_t)r.start * US;
		found.length_us = (uint64_t)(r.end - r.start) * US;
	}
	memmove(b->recent + 1, b->recent, i * sizeof(b->recent[0]));
	b->recent[0] = found;
	return found.start;
}

/* timebin_of brings the bin to the front, where it is read. */
uint64_t
timebin_end(struct timebin *b, uint64_t t_us)
{
	timebin_of(b, t_us);
	return b->recent[0].start_us + b->recent[0].length_us;
}

/* --- sharing --- */

/* Too many bins, judged without walking them: by the length of the first. */
static bool
too_long(struct timebin *b, uint64_t start_us, uint64_t end_us)
{
	timebin_of(b, start_us);
	return (end_us - start_us) / b->recent[0].length_us >= TIMEBIN_SPLIT_MAX;
}

/* Nothing is computed that the first share does not need: most flows lie within one bin. */
struct timebin_split
timebin_split_begin(struct timebin *b, uint64_t start_us, uint64_t end_us, uint64_t packets, uint64_t bytes,
		    uint64_t flows)
{
	struct timebin_split s = {.bin = b, .from = start_us, .to = end_us, .at = start_us};

	s.packets = packets;
	s.bytes = bytes;
	s.flows = flows;
	s.whole = end_us <= start_us || too_long(b, start_us, end_us);
	return s;
}

/* How much of total belongs to the flow's first elapsed of duration microseconds. 128 bits, since bytes
 * times microseconds passes 64 (10 GB over an hour does). Rounded down; the last share takes the rest, so
 * sums are exact. */
static uint64_t
part_until(uint64_t total, uint64_t elapsed, uint64_t duration)
{
	return (uint64_t)((unsigned __int128)total * elapsed / duration);
}

/* What belongs to the flow up to a moment, less what earlier shares have taken: rounding does not add up. */
static void
share_until(struct timebin_split *s, uint64_t until, struct timebin_share *share)
{
	bool last = until >= s->to;
	uint64_t packets = last ? s->packets : part_until(s->packets, until - s->from, s->to - s->from);
	uint64_t bytes = last ? s->bytes : part_until(s->bytes, until - s->from, s->to - s->from);

	share->packets = packets - s->packets_given;
	share->bytes = bytes - s->bytes_given;
	share->flows = s->flows - s->flows_given;
	s->packets_given = packets;
	s->bytes_given = bytes;
	s->flows_given = s->flows;
	s->done = last;
}

/* Bins in which nothing falls are passed over, but never the first, which carries the flows. */
bool
timebin_split_next(struct timebin_split *s, struct timebin_share *share)
{
	while (!s->done) {
		bool first = s->at == s->from;
		uint64_t end = s->whole ? s->to : timebin_end(s->bin, s->at);
		share->start = timebin_of(s->bin, s->at);
		share_until(s, s->whole || end > s->to ? s->to : end, share);
		s->at = end;
		if (first || share->packets || share->bytes)
			return true;
	}
	return false;
}
