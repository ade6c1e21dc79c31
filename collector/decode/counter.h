/* What a decoder counts, and the one place where something dropped is counted and, now and then, logged. */
#ifndef FLOWRIB_DECODE_COUNTER_H
#define FLOWRIB_DECODE_COUNTER_H

#include "collector/base/counters.h"

/* Indexes of the counter block; the rows stand in counter.c. Numbers are not
 * stored or sent: a new one may go anywhere in its group. */
enum decode_counter {
	DECODE_V1,
	DECODE_V5,
	DECODE_V7,
	DECODE_V9,
	DECODE_IPFIX,
	DECODE_FLOWS,
	DECODE_EVENTS,
	DECODE_OPTION_RECORDS,
	DECODE_TEMPLATES,
	DECODE_TEMPLATES_CHANGED,
	DECODE_TEMPLATES_WITHDRAWN,
	DECODE_TEMPLATES_EXPIRED,
	DECODE_RATE_UNKNOWN,
	DECODE_RATE_LATE,
	DECODE_FIELDS_REFUSED,
	DECODE_SEQUENCE_LOST,
	DECODE_SEQUENCE_LATE,
	DECODE_SEQUENCE_RESTARTS,
	DECODE_WAITED,
	DECODE_WAITING_DECODED,
	DECODE_WAITING_BYTES,
	DECODE_EXPORTERS,
	DECODE_EXPORTERS_EXPIRED,
	/* drops: each names the reason; logs print decode_drop_text */
	DROP_SHORT,
	DROP_VERSION,
	DROP_LENGTH,
	DROP_EXPORTERS,
	DROP_DOMAINS,
	DROP_MEMORY,
	DROP_SET_LENGTH,
	DROP_SET_ID,
	DROP_PADDING,
	DROP_WAITING_EXPIRED,
	DROP_WAITING_FULL,
	DROP_RECORD,
	DROP_FRAME,
	DROP_TEMPLATE_SHORT,
	DROP_TEMPLATE_ID,
	DROP_TEMPLATE_FIELDS,
	DROP_TEMPLATE_LENGTH,
	DROP_TEMPLATE_EMPTY,
	DROP_TEMPLATE_SCOPE,
	DROP_TEMPLATE_FULL,
	DROP_TEMPLATE_WITHDRAWAL,
	DROP_OPTION_FULL,
	DECODE_COUNTERS
};
/* drops are a run at the end, so that an exporter's array has no holes */
#define DROP_FIRST DROP_SHORT
#define DROPS	   (DECODE_COUNTERS - DROP_FIRST)

extern const struct counter_desc decode_counter_desc[DECODE_COUNTERS];

/* What each reason means, for messages to people: the description of a row is that of its whole metric. */
extern const char *const decode_drop_text[DROPS];

#endif
