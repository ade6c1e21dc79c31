/* Time bins: which one a moment falls into, and how a flow's counters are shared among those it spans.
 *
 * All bins of a row of them are found from one base, the time the program started rounded off by the letters
 * of *_history_roundoff in the local time zone:
 *
 *	(always)  seconds to 0
 *	m         minutes to 0
 *	h         hours and minutes to 0
 *	w         back to Monday, 00:00
 *	d         back to the first of the month, 00:00
 *	M         back to 1 January, 00:00
 *
 * Days and weeks are days of the local calendar, so a day on which the clocks change is 23 or 25 hours long
 * and the next bin still begins at the hour of the base. Months always begin on the first, 00:00. Bins of
 * hours that divide a day, when the base is rounded to a midnight, are counted anew from every midnight. All
 * others are of fixed length and run through from the base. An offset shifts every bin by that many seconds.
 * A bin holds its first moment and not the moment after its last. */
#ifndef FLOWRIB_FLOW_TIMEBIN_H
#define FLOWRIB_FLOW_TIMEBIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMEBIN_RECENT	  4
#define TIMEBIN_SPLIT_MAX 1024 /* bins that one flow may be shared among */

enum timebin_rule { TIMEBIN_FIXED, TIMEBIN_DAILY, TIMEBIN_DAYS, TIMEBIN_MONTHS };

struct timebin_recent {
	uint64_t start_us; /* microseconds since the epoch */
	uint64_t length_us;
	uint64_t start; /* seconds */
};

struct timebin {
	struct timebin_recent recent[TIMEBIN_RECENT]; /* the last one asked for stands in front */
	enum timebin_rule rule;
	int64_t length;	     /* seconds, days or months */
	int64_t base;	     /* seconds since the epoch, day since the epoch, or month since 1900 */
	int64_t time_of_day; /* of the base, with days: seconds */
	int64_t offset;
};

/* Bins of so many seconds, or, when months is not 0, of so many calendar months. roundoff: letters as above,
 * NULL for none; now_us: the time to round off, microseconds since the epoch. False with a message in err. */
bool timebin_init(struct timebin *b, uint64_t seconds, unsigned months, uint64_t offset, const char *roundoff,
		  uint64_t now_us, char *err, size_t errlen);

/* As timebin_of, for a moment that is not in the latest bin. */
uint64_t timebin_find(struct timebin *b, uint64_t t_us);

/* The start, in seconds since the epoch, of the bin of moment t_us. */
static inline uint64_t
timebin_of(struct timebin *b, uint64_t t_us)
{
	if (likely(t_us - b->recent[0].start_us < b->recent[0].length_us))
		return b->recent[0].start;
	return timebin_find(b, t_us);
}

/* The first moment after the bin of t_us, in microseconds. */
uint64_t timebin_end(struct timebin *b, uint64_t t_us);

/* --- sharing a flow's counters --- */

struct timebin_share {
	uint64_t start; /* of the bin, seconds */
	uint64_t packets, bytes, flows;
};

struct timebin_split {
	struct timebin *bin;
	uint64_t from, to, at;				  /* microseconds */
	uint64_t packets, bytes, flows;			  /* of the whole flow */
	uint64_t packets_given, bytes_given, flows_given; /* in shares so far */
	bool whole;					  /* not to be split */
	bool done;
};

/* Prepares to share the counters of a flow from start_us to end_us in proportion to the time it spent in each
 * bin. A flow that would fall into more than TIMEBIN_SPLIT_MAX bins, or ends before it starts, is booked
 * whole where it starts: its times are not to be believed. */
struct timebin_split timebin_split_begin(struct timebin *b, uint64_t start_us, uint64_t end_us,
					 uint64_t packets, uint64_t bytes, uint64_t flows);

/* The next share; false when there is none left. The shares' sums are exactly the flow's counters. flows are
 * counted where the flow starts. The first share always comes, later ones only when they are not zero. */
bool timebin_split_next(struct timebin_split *s, struct timebin_share *share);

#endif
