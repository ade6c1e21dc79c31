/* What the files of the formatter share; nobody else includes this.
 *
 * A formatter is a program: one column after the other, each with the text that stands before its value (the
 * previous value's closing quote, the separator, the JSON key, its own opening quote, all made once), where
 * the value stands, and the function that writes it. JSON has two programs, since events are written without
 * packets, bytes and flows. The worst case of a row is known beforehand, so writers check no room. */
#ifndef FLOWRIB_FLOW_FORMAT_COLUMN_H
#define FLOWRIB_FLOW_FORMAT_COLUMN_H

#include "collector/base/timetext.h"
#include "collector/flow/format.h"

#define FORMAT_COLUMNS_MAX (LAYOUT_FIELDS_MAX + LAYOUT_COUNTERS_MAX + 256)
#define FORMAT_FAST_BEFORE 32 /* texts before a value up to this long are copied with two loads */

/* Where a column's value stands. */
enum column_source {
	COLUMN_KEY,	/* at offset in the record */
	COLUMN_COUNTER, /* at offset behind the key */
	COLUMN_NOW,	/* the time of writing */
	COLUMN_ZERO,	/* not in the record (all_columns) */
	COLUMN_VAR,	/* the variable value of this index */
};

struct column;

/* Writes the value of len bytes at v to p and returns the end. Knows nothing of what stands around it. */
typedef char *column_put(struct format *f, const struct column *c, char *p, const uint8_t *v, size_t len);

struct column {
	column_put *put;
	char before[FORMAT_FAST_BEFORE]; /* filled up with anything */
	const char *long_before;	 /* when it is longer than that */
	const char *absent;		 /* what an empty text is shown as */
	uint16_t before_len;
	uint16_t offset; /* or the index of a variable value */
	uint16_t len;
	uint8_t source;	 /* enum column_source */
	uint8_t width;	 /* formatted: bytes up to the next column, 0 for the last one, which is not padded */
	bool quoted;	 /* a JSON string: its quotes are in before texts */
	bool may_escape; /* csv_quote: may hold what is to be quoted */
	const struct primitive *row;
	primitive_id id;
};

struct proto_text {
	char text[15];
	uint8_t len;
};

struct program {
	struct column *column;
	unsigned columns;
	const char *end; /* what closes a row */
	uint16_t end_len;
	size_t fixed_room; /* the longest row without its variable values */
};

struct format {
	const struct layout *layout;
	struct format_options o; /* strings in it are ours */
	bool json, aligned;
	const char *no_addr; /* text for an absent address */
	struct program flow, event;
	struct proto_text proto[256];
	struct timetext times;
};

/* --- format_value.c --- */
/* Sets how the value of c is written: put, quoted, may_escape. Returns the most bytes that a value of fixed
 * width takes, written by functions that may write some bytes more. */
size_t column_compile(const struct format *f, struct column *c);

/* --- format_list.c: values of variable length that are lists --- */
column_put show_as_path, show_std_comm, show_ext_comm, show_lrg_comm, show_mpls_stack, show_segments,
    show_label_map;

#endif
