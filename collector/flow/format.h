/* Rows as text: JSON, CSV and aligned columns, from packed records.
 *
 * A formatter is compiled from a layout once: for each column the text that stands before the value, a
 * function by value type and the value's place in the key. A row is then a walk over columns into one buffer.
 *
 * The time zone is the process' own (TZ, /etc/localtime), as it is when a time is first printed. A formatter
 * belongs to one thread. */
#ifndef FLOWRIB_FLOW_FORMAT_H
#define FLOWRIB_FLOW_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/text.h"
#include "collector/flow/layout.h"

enum format_kind { FORMAT_FORMATTED, FORMAT_CSV, FORMAT_JSON, FORMAT_EVENT_FORMATTED, FORMAT_EVENT_CSV };

enum format_order {
	FORMAT_ORDER_PRINT,  /* print, kafka, amqp */
	FORMAT_ORDER_CLIENT, /* the memory table's client: its own order and JSON keys, no event_type */
};

struct format_options {
	enum format_kind kind;
	enum format_order order;
	char separator; /* CSV; 0: ',' */
	bool num_protos;
	bool timestamps_secs; /* whole seconds; the fraction is still printed, as zeros */
	bool timestamps_utc;
	bool timestamps_since_epoch;
	bool timestamps_rfc9557;
	bool tcpflags_as_array;
	bool fwd_status_as_string;
	bool mpls_stack_as_array;
	bool comms_as_array;
	bool comms_num;
	bool as_path_as_array;
	bool label_as_map;
	bool csv_quote; /* quote CSV values that contain the separator, a quote or a newline (RFC 4180) */
	const char *event_type; /* first JSON key's value, NULL: no such key */
	const char *writer_id;	/* last JSON key's value, NULL: no such key */
	bool stamp_updated;	/* with time bins: also the time of writing */
	bool all_columns;	/* client -a, not in JSON: also columns not in the layout, showing zero */
};

struct format;

/* NULL with a message in err (a primitive the format cannot show). l must outlive the result. Strings are
 * copied. */
struct format *format_new(const struct layout *l, const struct format_options *o, char *err, size_t errlen);
void format_free(struct format *f);

/* Appends the header line (CSV, formatted; nothing for JSON). */
void format_header(struct format *f, struct text *out);
/* One column alone, without separators and quotes: for who writes rows in a way of its own. The column of a
 * primitive, -1 when this output has none; it stays the same as long as f lives. */
int format_column_of(const struct format *f, primitive_id id);
/* Appends the text of a column of the record. */
void format_column_text(struct format *f, int column, const uint8_t *record, struct text *out);
/* Appends one record as a line. now_us is the time of writing (stamp_updated). */
void format_row(struct format *f, const uint8_t *record, uint64_t now_us, struct text *out);

#endif
