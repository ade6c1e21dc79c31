/* Compiling a layout into a formatter, and the walk over a row.
 *
 * Measured, the text between values costs as much as the values, so it is made once: a column's `before`
 * holds everything from the previous value to its own, is copied in two loads whatever its length, and the
 * buffer is made large enough for the longest possible row in front. The walk over JSON and plain CSV is then
 * a copy and a call per column; quoted CSV and aligned columns, which must look at what was written, have
 * their own.
 *
 * Aligned columns stand as wide as pmacct prints them: a column's width and two blanks; a longer header or
 * value is followed by one blank and shifts what follows. */
#include "collector/flow/format_column.h"

#include "collector/base/clock.h"
#include "collector/flow/value.h"

/* Room behind a row for copies of fixed length that run over its end. */
#define ROW_SLACK 64
/* The most bytes that one byte of a variable value becomes: a JSON escape; six for each of four of an AS
 * number or a community name. */
#define VAR_GROWTH 6

/* --- columns: which, and in which order --- */

/* While columns are put in order. */
struct candidate {
	struct column column;
	unsigned rank;
};

struct candidates {
	struct candidate *c;
	unsigned n;
};

/* packets, bytes and flows: what events have not. tcp_flags and the times of stitching are counters too, but
 * events have them. */
static bool
is_total(const struct primitive *p)
{
	return (p->flags & PRIMITIVE_COUNTER) && p->merge == MERGE_SUM;
}

/* JSON has the table's order, only that the client's shows flows between packets and bytes. */
static unsigned
column_rank(const struct format *f, const struct primitive *p, primitive_id id)
{
	bool client = f->o.order == FORMAT_ORDER_CLIENT;
	if (!f->json)
		return client ? p->client_rank : p->csv_rank;
	if (client && is_total(p) && strcmp(p->name, "flows") == 0)
		return primitive_json_rank(primitive_find("packets")) + 1;
	return primitive_json_rank(id);
}

/* The kinds that pmacct offers for events leave the totals out of every row, whatever its record is. */
static bool
is_event_kind(const struct format *f)
{
	return f->o.kind == FORMAT_EVENT_CSV || f->o.kind == FORMAT_EVENT_FORMATTED;
}

/* Columns that this output does not have: no name in it, or totals of events. */
static bool
is_left_out(const struct format *f, const struct primitive *p)
{
	if (f->json)
		return !p->json;
	return !p->csv || (p->flags & PRIMITIVE_JSON_ONLY) || (is_event_kind(f) && is_total(p));
}

/* What does not belong to this output is left out silently: a layout holds fields for all outputs. */
static void
candidate_add(struct format *f, struct candidates *all, primitive_id id, enum column_source source,
	      unsigned offset, unsigned len)
{
	const struct primitive *p = primitive_get(id);
	if (is_left_out(f, p) || all->n == FORMAT_COLUMNS_MAX)
		return;
	all->c[all->n++] = (struct candidate){
	    .column = {.row = p,
		       .id = id,
		       .source = (uint8_t)source,
		       .offset = (uint16_t)offset,
		       .len = (uint16_t)len},
	    .rank = column_rank(f, p, id),
	};
}

/* Two rows may share a header: class and class_frame, a sum_* and its source. */
static bool
has_header(const struct candidates *all, const char *csv)
{
	for (unsigned i = 0; i < all->n; i++)
		if (strcmp(all->c[i].column.row->csv, csv) == 0)
			return true;
	return false;
}

/* The client's -a: every other built-in column, showing zero. */
static void
add_missing(struct format *f, struct candidates *all)
{
	for (unsigned id = 0; id < primitive_count(); id++) {
		const struct primitive *p = primitive_get((primitive_id)id);
		if ((p->flags & (PRIMITIVE_CUSTOM | PRIMITIVE_SUM | PRIMITIVE_AUTO | PRIMITIVE_NO_KEY)) ||
		    !p->csv || has_header(all, p->csv) || (f->aligned && (p->flags & PRIMITIVE_NO_FORMATTED)))
			continue;
		/* an absent text is empty; everything else reads its width of zeros */
		bool vlen = p->flags & PRIMITIVE_VLEN;
		candidate_add(f, all, (primitive_id)id, COLUMN_ZERO, 0, vlen ? 0 : p->width);
	}
}

/* Rows of one rank keep the table's order. */
static int
by_rank(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (x->column.id > y->column.id) - (x->column.id < y->column.id);
}

/* All columns of this output, in its order. stamp_inserted is a field of the layout; the time of writing is
 * known only when a row is written. */
static void
collect(struct format *f, struct candidates *all)
{
	const struct layout *l = f->layout;
	for (unsigned i = 0; i < l->fields; i++) {
		const struct layout_field *k = &l->field[i];
		candidate_add(f, all, k->id, k->width ? COLUMN_KEY : COLUMN_VAR, k->offset, k->width);
	}
	for (unsigned i = 0; i < l->counters; i++)
		candidate_add(f, all, l->counter[i].id, COLUMN_COUNTER, i * 8, 8);
	if (l->bin_offset && f->o.stamp_updated)
		candidate_add(f, all, primitive_find("stamp_updated"), COLUMN_NOW, 0, sizeof(uint64_t));
	if (f->o.all_columns && !f->json)
		add_missing(f, all);
	qsort(all->c, all->n, sizeof(*all->c), by_rank);
}

/* --- the text between values --- */

/* Constants of the table, or of a custom row, which lives as long as the program. */
static const char *
column_name(const struct format *f, const struct primitive *p)
{
	if (!f->json)
		return p->csv;
	return f->o.order == FORMAT_ORDER_CLIENT && p->client_json ? p->client_json : p->json;
}

/* What a row begins with in JSON. */
static void
join_begin(const struct format *f, struct text *t, bool more)
{
	text_char(t, '{');
	if (!f->o.event_type)
		return;
	text_str(t, "\"event_type\": ");
	text_json(t, f->o.event_type);
	if (more)
		text_str(t, ", ");
}

/* Everything from the previous value (prev, NULL for none) to the value of c: `", "port_src": `. */
static void
join(const struct format *f, struct text *t, const struct column *prev, const struct column *c)
{
	if (!f->json) {
		if (prev && !f->aligned)
			text_char(t, f->o.separator);
		return;
	}
	if (!prev)
		join_begin(f, t, true);
	else
		/* the closing quote of the value before belongs to this text, so that values write nothing
		 * but themselves */
		text_str(t, prev->quoted ? "\", " : ", ");
	text_json(t, column_name(f, c->row));
	text_str(t, c->quoted ? ": \"" : ": ");
}

/* Everything behind the last value (last, NULL for none). */
static void
join_end(const struct format *f, struct text *t, const struct column *last)
{
	if (f->json) {
		if (!last)
			join_begin(f, t, false);
		else if (last->quoted)
			text_char(t, '"');
		if (f->o.writer_id) {
			text_str(t, last || f->o.event_type ? ", \"writer_id\": " : "\"writer_id\": ");
			text_json(t, f->o.writer_id);
		}
		text_char(t, '}');
	}
	text_char(t, '\n');
}

/* Keeps the text in the column itself when it is short, as nearly all are. False without memory. The length
 * is kept apart: the 32 bytes are copied whole, with zeros behind the text. */
static bool
set_before(struct column *c, const struct text *t)
{
	c->before_len = (uint16_t)t->len;
	if (t->len > FORMAT_FAST_BEFORE) {
		c->long_before = strndup(t->data, t->len);
		return c->long_before != NULL;
	}
	memset(c->before, 0, sizeof(c->before));
	if (t->len)
		memcpy(c->before, t->data, t->len);
	return true;
}

/* --- programs --- */

/* Adds one column behind prev, and its share of the longest row. */
static bool
program_add(struct format *f, struct program *g, const struct column *from, const struct column *prev)
{
	struct text t = {0};
	struct column *c = &g->column[g->columns++];
	*c = *from;
	g->fixed_room += column_compile(f, c);
	join(f, &t, prev, c);
	/* Aligned, a short value is filled up, and a long one is followed by a blank. */
	g->fixed_room += t.len + (f->aligned ? c->width + 1U : 0);
	bool ok = set_before(c, &t);
	text_free(&t);
	return ok;
}

/* The program for flows, or for events, which leaves out the totals. The worst case of a row is summed up
 * here, which is what spares every writer its checks. */
static bool
program_compile(struct format *f, struct program *g, const struct candidates *all, bool event)
{
	const struct column *prev = NULL;
	struct text t = {0};
	g->column = calloc(all->n + 1, sizeof(*g->column));
	if (!g->column)
		return false;
	for (unsigned i = 0; i < all->n; i++) {
		if (event && is_total(all->c[i].column.row))
			continue;
		if (!program_add(f, g, &all->c[i].column, prev))
			return false;
		prev = &g->column[g->columns - 1];
	}
	join_end(f, &t, prev);
	g->end_len = (uint16_t)t.len;
	g->end = strndup(t.data, t.len);
	g->fixed_room += t.len + ROW_SLACK;
	text_free(&t);
	return g->end != NULL;
}

/* Takes a program that was never compiled (all zero), or only in part. */
static void
program_free(struct program *g)
{
	for (unsigned i = 0; i < g->columns; i++)
		free((char *)(uintptr_t)g->column[i].long_before);
	free(g->column);
	free((char *)(uintptr_t)g->end);
}

/* Aligned columns: how far the next one stands away. Bytes, the last, is not filled up. */
static void
set_widths(const struct format *f, struct candidates *all)
{
	for (unsigned i = 0; i < all->n && f->aligned; i++) {
		const struct primitive *p = all->c[i].column.row;
		/* of a column; two blanks more until the next one begins */
		unsigned width = p->column;
		if (p->flags & PRIMITIVE_CUSTOM)
			width = width > strlen(p->csv) ? width : (unsigned)strlen(p->csv);
		bool last = is_total(p) && i + 1 == all->n;
		all->c[i].column.width = last ? 0 : (uint8_t)(width + 2 < UINT8_MAX ? width + 2 : UINT8_MAX);
	}
}

/* Values of any length have no column: as pmacct, refuse rather than print a table that is none.
 * PRIMITIVE_NO_FORMATTED and not PRIMITIVE_VLEN: a class is of any length, yet pmacct shows it in 16
 * columns. */
static bool
check_aligned(const struct format *f, const struct candidates *all, char *err, size_t errlen)
{
	for (unsigned i = 0; i < all->n && f->aligned; i++) {
		const struct primitive *p = all->c[i].column.row;
		if (!(p->flags & PRIMITIVE_NO_FORMATTED))
			continue;
		snprintf(err, errlen,
			 "%s has values of any length, which aligned columns cannot show: use print_output: "
			 "csv or json",
			 p->name);
		return false;
	}
	return true;
}

/* --- the formatter --- */

/* All protocols as text, so that a row copies 16 bytes instead of looking a name up. */
static void
proto_texts(struct format *f)
{
	for (unsigned i = 0; i < 256; i++) {
		struct proto_text *t = &f->proto[i];
		const char *name = f->o.num_protos ? NULL : proto_name((uint8_t)i);
		size_t n = name ? strlen(name) : 0;
		/* no name is longer than "ipv6-route", so the bound is never met */
		if (n && n <= sizeof(t->text))
			t->len = (uint8_t)(put_bytes(t->text, name, n) - t->text);
		else
			t->len = (uint8_t)(put_u8(t->text, (uint8_t)i) - t->text);
	}
}

/* Strings are copied; what the options mean for every value is decided here once. */
static bool
options_copy(struct format *f, const struct format_options *o)
{
	f->o = *o;
	f->times.o = (struct timetext_options){
	    .secs = o->timestamps_secs,
	    .utc = o->timestamps_utc,
	    .since_epoch = o->timestamps_since_epoch,
	    .rfc9557 = o->timestamps_rfc9557,
	    .client = o->order == FORMAT_ORDER_CLIENT,
	};
	f->json = o->kind == FORMAT_JSON;
	f->aligned = o->kind == FORMAT_FORMATTED || o->kind == FORMAT_EVENT_FORMATTED;
	if (!f->o.separator)
		f->o.separator = ',';
	/* pmacct leaves no aligned column empty where an address is missing. */
	f->no_addr = !f->aligned ? "" : o->order == FORMAT_ORDER_CLIENT ? "0" : "::";
	f->o.event_type = o->event_type ? strdup(o->event_type) : NULL;
	f->o.writer_id = o->writer_id ? strdup(o->writer_id) : NULL;
	return !(o->event_type && !f->o.event_type) && !(o->writer_id && !f->o.writer_id);
}

/* err is preset: every failure but check_aligned's is one of memory. */
static bool
compile(struct format *f, struct candidates *all, char *err, size_t errlen)
{
	snprintf(err, errlen, "no memory for an output format");
	all->c = calloc(FORMAT_COLUMNS_MAX, sizeof(*all->c));
	if (!all->c)
		return false;
	collect(f, all);
	if (!check_aligned(f, all, err, errlen))
		return false;
	set_widths(f, all);
	return program_compile(f, &f->flow, all, false) && program_compile(f, &f->event, all, f->json);
}

/* A formatter is some kilobytes and takes a few microseconds: one for each purge or query is fine. */
struct format *
format_new(const struct layout *l, const struct format_options *o, char *err, size_t errlen)
{
	struct format *f = calloc(1, sizeof(*f));
	struct candidates all = {0};
	if (!f || !options_copy(f, o)) {
		snprintf(err, errlen, "no memory for an output format");
		format_free(f);
		return NULL;
	}
	f->layout = l;
	proto_texts(f);
	bool ok = compile(f, &all, err, errlen);
	free(all.c);
	if (ok)
		return f;
	format_free(f);
	return NULL;
}

/* Takes a half-made formatter too. */
void
format_free(struct format *f)
{
	if (!f)
		return;
	program_free(&f->flow);
	program_free(&f->event);
	free((char *)(uintptr_t)f->o.event_type);
	free((char *)(uintptr_t)f->o.writer_id);
	free(f);
}

/* --- rows --- */

/* Where the sources of columns begin, for one row. */
struct row {
	const uint8_t *base[4]; /* by enum column_source, COLUMN_VAR excepted */
	const uint8_t *var[LAYOUT_FIELDS_MAX];
	size_t var_len[LAYOUT_FIELDS_MAX];
};

/* Values of columns that are not in the layout: as many zeros as the widest has bytes. */
static const uint8_t zeros[256];

/* Variable values stand behind the fixed ones, each with its length in front; the layout knows only their
 * order. Lengths are trusted, as in layout_value. */
static void
find_vars(struct row *r, const struct layout *l, const uint8_t *record)
{
	const uint8_t *v = record + l->fixed_size;
	for (unsigned i = 0; i < l->vars; i++) {
		uint16_t n;
		memcpy(&n, v, sizeof(n));
		r->var[i] = v + sizeof(n);
		r->var_len[i] = n;
		v += sizeof(n) + n;
	}
}

/* One value, wherever it stands. The only place that knows where values stand; base is indexed by source,
 * so there is one branch. */
static inline char *
put_value(struct format *f, const struct column *c, char *p, const struct row *r)
{
	if (c->source == COLUMN_VAR)
		return c->put(f, c, p, r->var[c->offset], r->var_len[c->offset]);
	return c->put(f, c, p, r->base[c->source] + c->offset, c->len);
}

/* Copies more than there is to copy: a copy of fixed length is two instructions, and there is room. */
static inline char *
put_before(const struct column *c, char *p)
{
	if (likely(!c->long_before))
		memcpy(p, c->before, FORMAT_FAST_BEFORE);
	else
		memcpy(p, c->long_before, c->before_len);
	return p + c->before_len;
}

/* JSON, and CSV as pmacct writes it. No test of room and no look at what was written: this loop is most of
 * what printing costs. */
static char *
walk(struct format *f, const struct program *g, const struct row *r, char *p)
{
	for (const struct column *c = g->column, *end = c + g->columns; c < end; c++)
		p = put_value(f, c, put_before(c, p), r);
	return p;
}

/* Puts the text from begin to p in quotes when a reader would not take it as one value (RFC 4180, 2). */
static char *
csv_quote(char *begin, char *p, char separator)
{
	size_t n = (size_t)(p - begin), quotes = 0;
	bool needed = false;
	for (size_t i = 0; i < n; i++) {
		quotes += begin[i] == '"';
		needed |= begin[i] == '"' || begin[i] == separator || begin[i] == '\n' || begin[i] == '\r';
	}
	if (!needed)
		return p;
	char *to = p + quotes + 2;
	p = to;
	*--to = '"';
	for (size_t i = n; i-- > 0;) {
		*--to = begin[i];
		if (begin[i] == '"')
			*--to = '"';
	}
	*--to = '"';
	return p;
}

/* CSV that any reader reads back. Quotes are put around the value after it was written, since few values
 * need them and none knows before. */
static char *
walk_quoted(struct format *f, const struct program *g, const struct row *r, char *p)
{
	for (const struct column *c = g->column, *end = c + g->columns; c < end; c++) {
		char *begin = put_before(c, p);
		p = put_value(f, c, begin, r);
		if (c->may_escape)
			p = csv_quote(begin, p, f->o.separator);
	}
	return p;
}

/* Fills a column up, with one blank at least. */
static char *
pad(char *p, const char *begin, unsigned width)
{
	if (width == 0)
		return p;
	const char *to = begin + width;
	do
		*p++ = ' ';
	while (p < to);
	return p;
}

/* Blanks are counted from the value's beginning; nothing is kept aligned behind a value that was too long. */
static char *
walk_aligned(struct format *f, const struct program *g, const struct row *r, char *p)
{
	for (const struct column *c = g->column, *end = c + g->columns; c < end; c++) {
		char *begin = p;
		p = pad(put_value(f, c, p, r), begin, c->width);
	}
	return p;
}

/* now must live as long as r is used. */
static inline void
row_of(struct row *r, const struct layout *l, const uint8_t *record, size_t key, const uint64_t *now)
{
	r->base[COLUMN_KEY] = record;
	r->base[COLUMN_COUNTER] = record + key;
	r->base[COLUMN_NOW] = (const uint8_t *)now;
	r->base[COLUMN_ZERO] = zeros;
	if (l->vars)
		find_vars(r, l, record);
}

/* The room asked for covers the worst case of every column: 2 for CSV's doubled quotes, VAR_GROWTH for
 * JSON's escapes. Options (flow or event) are looked at once a row, not once a column. */
void
format_row(struct format *f, const uint8_t *record, uint64_t now_us, struct text *out)
{
	const struct layout *l = f->layout;
	struct row r;
	size_t key = layout_key_size(l, record);
	uint64_t now = now_us / US_PER_S;
	row_of(&r, l, record, key, &now);
	/* events and option records have no totals to show */
	const struct program *g = record[l->kind_offset] == FLOW_KIND_FLOW ? &f->flow : &f->event;
	char *p = text_reserve(out, g->fixed_room + 2 * VAR_GROWTH * (key - l->fixed_size));
	if (f->aligned)
		p = walk_aligned(f, g, &r, p);
	else if (f->o.csv_quote && !f->json)
		p = walk_quoted(f, g, &r, p);
	else
		p = walk(f, g, &r, p);
	memcpy(p, g->end, g->end_len);
	text_commit(out, p + g->end_len);
}

int
format_column_of(const struct format *f, primitive_id id)
{
	for (unsigned i = 0; i < f->flow.columns; i++)
		if (f->flow.column[i].id == id)
			return (int)i;
	return -1;
}

void
format_column_text(struct format *f, int column, const uint8_t *record, struct text *out)
{
	const struct layout *l = f->layout;
	struct row r;
	uint64_t now = 0;
	size_t key = layout_key_size(l, record);
	row_of(&r, l, record, key, &now);
	char *p = text_reserve(out, f->flow.fixed_room + 2 * VAR_GROWTH * (key - l->fixed_size));
	text_commit(out, put_value(f, &f->flow.column[column], p, &r));
}

/* The names of the flow program: the header is one for all rows, also where events leave columns out. */
void
format_header(struct format *f, struct text *out)
{
	if (f->json)
		return;
	for (unsigned i = 0; i < f->flow.columns; i++) {
		const struct column *c = &f->flow.column[i];
		const char *name = column_name(f, c->row);
		size_t n = strlen(name);
		/* a name in doubled quotes, or filled up to the widest column */
		char *p = text_reserve(out, 2 * n + UINT8_MAX + 3);
		char *begin = put_before(c, p);
		p = put_bytes(begin, name, n);
		if (f->aligned)
			p = pad(p, begin, c->width);
		else if (f->o.csv_quote)
			p = csv_quote(begin, p, f->o.separator);
		text_commit(out, p);
	}
	text_char(out, '\n');
}
