/* Times as text, fast: what flows and routes print.
 *
 *	print		 2023-02-28 15:16:39.123000	   zero: 0000-00-00 00:00:00.000000
 *	since epoch	 1677577599.123000		   zero: 0.000000
 *	RFC 9557	 2023-02-28T15:16:39.123000+05:30  zero: 0000-00-00T00:00:00.000000+05:30
 *	client		 as RFC 9557, "Z" for no offset	   zero: the epoch itself
 *
 * as pmacct 1.7.7 was seen to print them. With secs the fraction is zero, but still there. Stamps have none.
 * The time zone is the process' own (TZ, /etc/localtime), as it is when a time is first printed. */
#ifndef FLOWRIB_BASE_TIMETEXT_H
#define FLOWRIB_BASE_TIMETEXT_H

#include <stdbool.h>
#include <stdint.h>

#define TIMETEXT_MAX	  40
#define TIMETEXT_QUARTERS 64 /* a power of two; sixteen hours before two times fight for a place */

struct timetext_options {
	bool secs; /* whole seconds */
	bool utc;
	bool since_epoch;
	bool rfc9557;
	bool client; /* the form of the memory table's client */
};

/* A quarter of an hour, the longest time over which every zone keeps its offset and its local hour. */
struct timetext_quarter {
	uint64_t quarter; /* seconds / 900, plus 1: 0 is an unused entry */
	char hour[16];	  /* "2023-02-28 09:" */
	uint8_t minute;	  /* of its begin */
	uint8_t zone_len;
	char zone[7]; /* "+05:30", "Z", "" */
};

/* Belongs to one thread. Zero-initialise, then set the options. */
struct timetext {
	struct timetext_options o;
	struct timetext_quarter quarter[TIMETEXT_QUARTERS];
};

/* Microseconds since the epoch, with fraction. Needs TIMETEXT_MAX bytes. */
char *put_time_us(struct timetext *t, char *p, uint64_t us);
/* Seconds since the epoch, without. */
char *put_time_s(struct timetext *t, char *p, uint64_t s);

#endif
