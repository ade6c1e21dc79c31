/* The rows of the decoder's counters.
 *
 * Rows of one name are one metric, whose help is that of its first row. What a single reason means is
 * therefore told apart from it, for the log.
 *
 * Names and labels are what dashboards ask for: add rows, do not rename them. Every reason for which
 * something is dropped has a row, and so has every exporter (struct exporter, drops), under the same index.
 */
#include "collector/decode/counter.h"

/* counted once the header is good, whatever becomes of the sets */
#define DATAGRAMS(v)                                                                                         \
	{                                                                                                    \
		"decode_datagrams", "version=\"" v "\"", "datagrams or messages decoded", COUNTER_SUM        \
	}
/* one row for each reason; the unit is what the reason speaks of */
#define DROP(l)                                                                                              \
	{                                                                                                    \
		"decode_dropped", "reason=\"" l "\"",                                                        \
		    "datagrams, sets, records and values not decoded, by reason", COUNTER_SUM                \
	}
/* templates apart from data: a refused one is a matter between exporter and operator */
#define REFUSED(l)                                                                                           \
	{                                                                                                    \
		"decode_templates_refused", "reason=\"" l "\"",                                              \
		    "templates and withdrawals not taken, by reason", COUNTER_SUM                            \
	}

const struct counter_desc decode_counter_desc[DECODE_COUNTERS] = {
    [DECODE_V1] = DATAGRAMS("1"),
    [DECODE_V5] = DATAGRAMS("5"),
    [DECODE_V7] = DATAGRAMS("7"),
    [DECODE_V9] = DATAGRAMS("9"),
    [DECODE_IPFIX] = DATAGRAMS("10"),
    [DECODE_FLOWS] = {"decode_records", "kind=\"flow\"", "records decoded, by kind; events have no counters",
		      COUNTER_SUM},
    [DECODE_EVENTS] = {"decode_records", "kind=\"event\"", NULL, COUNTER_SUM},
    [DECODE_OPTION_RECORDS] = {"decode_records", "kind=\"option\"", NULL, COUNTER_SUM},
    [DECODE_TEMPLATES] = {"decode_templates", NULL, "templates known", COUNTER_GAUGE},
    [DECODE_TEMPLATES_CHANGED] = {"decode_templates_changed", NULL, "templates new or redefined",
				  COUNTER_SUM},
    [DECODE_TEMPLATES_WITHDRAWN] = {"decode_templates_withdrawn", NULL, "templates withdrawn", COUNTER_SUM},
    [DECODE_TEMPLATES_EXPIRED] = {"decode_templates_expired", NULL, "templates not seen for too long",
				  COUNTER_SUM},
    /* a late record was unknown before, so it is counted in both */
    [DECODE_RATE_UNKNOWN] = {"decode_rate_unknown", NULL, "records whose sampling rate is not known",
			     COUNTER_SUM},
    [DECODE_RATE_LATE] = {"decode_rate_late", NULL,
			  "records that passed before their domain's sampling rate was told", COUNTER_SUM},
    [DECODE_FIELDS_REFUSED] = {"decode_fields_refused", NULL,
			       "template fields left out because their length does not fit the element",
			       COUNTER_SUM},
    /* units differ by version (sequence.h), so sums over versions mean little */
    [DECODE_SEQUENCE_LOST] = {"decode_sequence_lost", NULL,
			      "records (v9: datagrams) missing by sequence numbers", COUNTER_SUM},
    [DECODE_SEQUENCE_LATE] = {"decode_sequence_late", NULL,
			      "records (v9: datagrams) that came out of order, counted as lost before",
			      COUNTER_SUM},
    [DECODE_SEQUENCE_RESTARTS] = {"decode_sequence_restarts", NULL, "restarts of an exporter's counting",
				  COUNTER_SUM},
    [DECODE_WAITED] = {"decode_waiting_sets", "state=\"stored\"",
		       "data sets that came before their template: kept, and decoded in the end",
		       COUNTER_SUM},
    [DECODE_WAITING_DECODED] = {"decode_waiting_sets", "state=\"decoded\"", NULL, COUNTER_SUM},
    [DECODE_WAITING_BYTES] = {"decode_waiting_bytes", NULL, "bytes waiting for templates", COUNTER_GAUGE},
    [DECODE_EXPORTERS] = {"decode_exporters", NULL, "exporters known", COUNTER_GAUGE},
    [DECODE_EXPORTERS_EXPIRED] = {"decode_exporters_expired", NULL, "exporters forgotten after silence",
				  COUNTER_SUM},
    [DROP_SHORT] = DROP("short"),
    [DROP_VERSION] = DROP("version"),
    [DROP_LENGTH] = DROP("length"),
    [DROP_EXPORTERS] = DROP("exporters"),
    [DROP_DOMAINS] = DROP("domains"),
    [DROP_MEMORY] = DROP("memory"),
    [DROP_SET_LENGTH] = DROP("set_length"),
    [DROP_SET_ID] = DROP("set_id"),
    [DROP_PADDING] = DROP("padding"),
    [DROP_WAITING_EXPIRED] = DROP("no_template"),
    [DROP_WAITING_FULL] = DROP("waiting_full"),
    [DROP_RECORD] = DROP("record"),
    [DROP_FRAME] = DROP("frame"),
    [DROP_TEMPLATE_SHORT] = REFUSED("short"),
    [DROP_TEMPLATE_ID] = REFUSED("id"),
    [DROP_TEMPLATE_FIELDS] = REFUSED("fields"),
    [DROP_TEMPLATE_LENGTH] = REFUSED("length"),
    [DROP_TEMPLATE_EMPTY] = REFUSED("empty"),
    [DROP_TEMPLATE_SCOPE] = REFUSED("scope"),
    [DROP_TEMPLATE_FULL] = REFUSED("full"),
    [DROP_TEMPLATE_WITHDRAWAL] = REFUSED("withdrawal"),
    [DROP_OPTION_FULL] = DROP("option_full"),
};

const char *const decode_drop_text[DROPS] = {
    [DROP_SHORT - DROP_FIRST] = "datagram ends within its header or records",
    [DROP_VERSION - DROP_FIRST] = "not a NetFlow or IPFIX version",
    [DROP_LENGTH - DROP_FIRST] = "message length differs from the datagram's",
    [DROP_EXPORTERS - DROP_FIRST] = "too many exporters",
    [DROP_DOMAINS - DROP_FIRST] = "too many observation domains of one exporter",
    [DROP_MEMORY - DROP_FIRST] = "out of memory",
    [DROP_SET_LENGTH - DROP_FIRST] = "set length is wrong; the rest of the message is lost",
    [DROP_SET_ID - DROP_FIRST] = "set id is reserved",
    [DROP_PADDING - DROP_FIRST] = "set padding is not zero",
    [DROP_WAITING_EXPIRED - DROP_FIRST] = "data set whose template did not come in time",
    [DROP_WAITING_FULL - DROP_FIRST] = "data set without template, and no room to keep it",
    [DROP_RECORD - DROP_FIRST] = "record of variable length runs over the end of its set",
    [DROP_FRAME - DROP_FIRST] = "carried packet could not be decoded",
    [DROP_TEMPLATE_SHORT - DROP_FIRST] = "template ends within its fields",
    [DROP_TEMPLATE_ID - DROP_FIRST] = "template id below 256",
    [DROP_TEMPLATE_FIELDS - DROP_FIRST] = "template has too many fields",
    [DROP_TEMPLATE_LENGTH - DROP_FIRST] = "template describes records longer than a message",
    [DROP_TEMPLATE_EMPTY - DROP_FIRST] = "template describes records of no bytes",
    [DROP_TEMPLATE_SCOPE - DROP_FIRST] = "options template with a wrong scope",
    [DROP_TEMPLATE_WITHDRAWAL - DROP_FIRST] = "template withdrawal over UDP, where it means nothing",
    [DROP_TEMPLATE_FULL - DROP_FIRST] = "template beyond the exporter's memory",
    [DROP_OPTION_FULL - DROP_FIRST] = "option value beyond the exporter's memory",
};
