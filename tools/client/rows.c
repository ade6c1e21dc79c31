/* Formatting is the client's work, and the fast path of it: a frame is read, each record becomes a line in
 * one large buffer, the buffer goes out in pieces of a megabyte. Sorting needs all rows and is done only when
 * asked for.
 *
 * Three ways for a row: straight to its line (most answers), through a table that shifts columns, or
 * collected and sorted first. They share printer_row(), so formats cannot differ between them.
 *
 * Memory: one frame and a megabyte of text for the first two; the packed rows for the third. */
#include "tools/client/rows.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/base/file.h"
#include "tools/client/table.h"

#define OUT_PIECE ((size_t)1 << 20)

/* The only place that writes rows. An error is kept in c, which is where every command looks for its message.
 */
bool
rows_flush(struct connection *c, struct text *out)
{
	bool ok = out->len == 0 || file_write_all(STDOUT_FILENO, out->data, out->len);
	if (!ok)
		snprintf(c->err, sizeof(c->err), "cannot write: %s", strerror(errno));
	out->len = 0;
	return ok;
}

/* The next frame of rows; at the end of the answer *done is set. */
static bool
next_rows(struct connection *c, struct memory_header *h, const uint8_t **body, bool *done)
{
	if (!connection_next(c, h, body))
		return false;
	/* records are checked as a whole here: from then on they may be walked by their own lengths */
	*done = h->type == MEMORY_END;
	if (*done ||
	    (h->type == MEMORY_RECORDS && layout_records_valid(&c->layout, *body, h->bytes, h->count)))
		return true;
	snprintf(c->err, sizeof(c->err), "the daemon sent rows that are none");
	return false;
}

/* --- collecting and sorting --- */

/* Rows stay packed: sorting a million entries takes 56 MB, not a million allocations. */
bool
rows_collect(struct connection *c, struct row_list *list)
{
	struct memory_header h;
	const uint8_t *body;
	bool done;
	while (next_rows(c, &h, &body, &done)) {
		if (done)
			return true;
		if (list->cap - list->bytes < h.bytes) {
			/* doubling: a million rows come in hundreds of frames */
			size_t cap = (list->cap + h.bytes) * 2;
			uint8_t *p = realloc(list->data, cap);
			if (!p) {
				snprintf(c->err, sizeof(c->err), "not enough memory to sort so many rows");
				return false;
			}
			list->data = p;
			list->cap = cap;
		}
		memcpy(list->data + list->bytes, body, h.bytes);
		list->bytes += h.bytes;
		list->rows += h.count;
	}
	return false;
}

/* Leaves a list that can be filled again. */
void
row_list_free(struct row_list *list)
{
	free(list->data);
	*list = (struct row_list){0};
}

/* 16 bytes a row, sorted in place of the rows, which are 56 and more. */
struct sort_key {
	uint64_t value;
	const uint8_t *row;
};

/* The row's place breaks ties, which makes the order stable. */
static int
larger(const void *a, const void *b)
{
	const struct sort_key *x = a, *y = b;
	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

/* Pointers are sorted with their values beside them: comparing through the rows would miss the cache at each
 * step. The caller frees the array, the rows stay the list's. */
const uint8_t **
row_list_sorted(const struct row_list *list, const struct layout *l, unsigned counter)
{
	struct sort_key *key = malloc((list->rows + 1) * sizeof(*key));
	const uint8_t **row = malloc((list->rows + 1) * sizeof(*row)), *p = list->data;
	if (!key || !row) {
		free(key);
		free(row);
		return NULL;
	}
	for (uint64_t i = 0; i < list->rows; i++) {
		key[i].row = p;
		memcpy(&key[i].value, p + layout_key_size(l, p) + counter * sizeof(uint64_t),
		       sizeof(uint64_t));
		p += layout_record_size(l, p);
	}
	qsort(key, list->rows, sizeof(*key), larger);
	for (uint64_t i = 0; i < list->rows; i++)
		row[i] = key[i].row;
	free(key);
	return row;
}

/* --- printing --- */

/* Between formatter and standard output; with a table, lines pass through it. */
struct printer {
	struct connection *c;
	const struct row_options *o;
	struct format *format;
	struct table *table; /* NULL: none */
	struct text lines;
	struct text out;
	uint64_t rows;
	uint64_t now_us;
};

/* A table gets its lines in the same large pieces as a file would. */
static bool
printer_pass(struct printer *p, bool all)
{
	if (p->lines.len < OUT_PIECE && !all)
		return true;
	if (!p->table)
		return rows_flush(p->c, &p->lines);
	table_add(p->table, p->lines.data, p->lines.len, &p->out);
	p->lines.len = 0;
	if (all)
		table_end(p->table, &p->out);
	return rows_flush(p->c, &p->out);
}

/* A look at the length a row; a write only each megabyte. */
static bool
printer_row(struct printer *p, const uint8_t *row)
{
	format_row(p->format, row, p->now_us, &p->lines);
	p->rows++;
	return printer_pass(p, false);
}

/* The fast path: nothing is kept of a row once its line is made. */
static bool
print_stream(struct printer *p)
{
	struct memory_header h;
	const uint8_t *body;
	bool done;
	while (next_rows(p->c, &h, &body, &done)) {
		if (done)
			return true;
		for (uint32_t i = 0; i < h.count; i++, body += layout_record_size(&p->c->layout, body)) {
			if (!printer_row(p, body))
				return false;
		}
	}
	return false;
}

/* All rows must be here before the first is printed; they stay packed until then. */
static bool
print_sorted(struct printer *p)
{
	struct row_list list = {0};
	const uint8_t **row = NULL;
	bool ok = rows_collect(p->c, &list);
	if (ok && !(row = row_list_sorted(&list, &p->c->layout, p->o->counter))) {
		snprintf(p->c->err, sizeof(p->c->err), "not enough memory to sort so many rows");
		ok = false;
	}
	/* 0 means all */
	uint64_t n = p->o->top && p->o->top < list.rows ? p->o->top : list.rows;
	for (uint64_t i = 0; ok && i < n; i++)
		ok = printer_row(p, row[i]);
	free(row);
	row_list_free(&list);
	return ok;
}

/* A table is CSV with a separator that no value holds, cut again into cells: one formatter for all. */
static bool
printer_open(struct printer *p)
{
	struct format_options o = p->o->format;
	if (p->o->table) {
		o.kind = FORMAT_CSV;
		/* the user's separator is for CSV alone */
		o.separator = TABLE_SEPARATOR;
		p->table = table_new(p->o->human);
	}
	p->format = format_new(&p->c->layout, &o, p->c->err, sizeof(p->c->err));
	if (!p->format || (p->o->table && !p->table))
		return false;
	format_header(p->format, &p->lines);
	return true;
}

/* What the daemon sent is shown even when the rest is missing; the message and the exit status tell. */
bool
rows_print(struct connection *c, const struct row_options *o)
{
	struct printer p = {.c = c, .o = o, .now_us = clock_now_us()};
	/* what came before a failure goes out, then the message: half an answer with a word is worth more */
	bool open = printer_open(&p);
	bool ok = open && (o->sort ? print_sorted(&p) : print_stream(&p));
	ok = open && printer_pass(&p, true) && ok;
	if (ok && o->total) {
		text_printf(&p.out, "\nFor a total of: %" PRIu64 " entries\n", p.rows);
		ok = rows_flush(c, &p.out);
	}
	format_free(p.format);
	table_free(p.table);
	text_free(&p.lines);
	text_free(&p.out);
	return ok;
}
