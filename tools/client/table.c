/* Widths are chosen by the first rows, which are held back until there are enough of them; later rows stream,
 * so a dump of any size needs no more memory than these. A later cell that is wider shifts its row.
 *
 * It takes lines with a separator that no value holds and knows nothing of records: so everything that can be
 * CSV can be a table. Alignment follows from the cells themselves: a column of numbers goes to the right,
 * whatever it is called.
 *
 * Measured by letters, not bytes, since names may be UTF-8; letters of double width are counted as one, which
 * shifts such a row and is left at that. */
#include "tools/client/table.h"

#define SAMPLE_ROWS 1000
#define COLUMNS_MAX 200
#define GAP	    2

/* Lines are held until there are enough to choose widths by; from then on open is true and nothing is held.
 */
struct table {
	bool human;
	struct text held;
	unsigned held_lines;
	bool open; /* widths are chosen */
	unsigned columns;
	size_t width[COLUMNS_MAX];
	bool number[COLUMNS_MAX];  /* to the right */
	bool counter[COLUMNS_MAX]; /* shortened when human */
};

struct cell {
	const char *p;
	size_t n;
};

/* NULL when memory is short. */
struct table *
table_new(bool human)
{
	struct table *t = calloc(1, sizeof(*t));
	if (t)
		t->human = human;
	return t;
}

/* NULL is allowed, as from free(). */
void
table_free(struct table *t)
{
	if (t)
		text_free(&t->held);
	free(t);
}

/* Three digits that matter, powers of a thousand as network people use them. The bounds are those at which
 * rounding would show a fourth digit. */
void
human_number(char *out, size_t n, double v)
{
	static const char *const suffix[] = {"", " K", " M", " G", " T", " P", " E"};
	unsigned i = 0;
	/* 999.5 would be printed as 1000 */
	for (; v >= 999.5 && i + 1 < ARRAY_SIZE(suffix); i++)
		v /= 1000;
	snprintf(out, n, "%.*f%s", i == 0 || v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2, v, suffix[i]);
}

/* Columns beyond the last that fits are left in its cell. */
static unsigned
split(const char *line, size_t n, struct cell *cell)
{
	unsigned cells = 0;
	const char *end = line + n;
	while (cells < COLUMNS_MAX) {
		const char *stop = memchr(line, TABLE_SEPARATOR, (size_t)(end - line));
		cell[cells++] = (struct cell){line, (size_t)((stop ? stop : end) - line)};
		if (!stop)
			break;
		line = stop + 1;
	}
	return cells;
}

/* A counter that is not a plain number, such as a dash, stays as it is. */
static bool
all_digits(const struct cell *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->p[i] < '0' || c->p[i] > '9')
			return false;
	}
	return c->n > 0;
}

/* "12", "1.23 M", or "-" for an unknown one. More than one dot is an address. */
static bool
is_number(const struct cell *c)
{
	unsigned dots = 0;
	size_t n = c->n;
	/* the letter behind a shortened number */
	if (n > 2 && c->p[n - 2] == ' ')
		n -= 2;
	if (c->n == 1 && c->p[0] == '-')
		return true;
	for (size_t i = 0; i < n; i++) {
		dots += c->p[i] == '.';
		if ((c->p[i] < '0' || c->p[i] > '9') && c->p[i] != '.')
			return false;
	}
	return n > 0 && dots <= 1;
}

/* The letters on the screen: bytes that begin one. */
static size_t
letters(const struct cell *c)
{
	size_t n = 0;
	for (size_t i = 0; i < c->n; i++)
		n += (c->p[i] & 0xc0) != 0x80;
	return n;
}

/* A counter's cell shortened, into buf. */
static void
humanize(struct cell *c, char *buf, size_t n)
{
	char digits[32];
	if (!all_digits(c) || c->n >= sizeof(digits))
		return;
	snprintf(digits, sizeof(digits), "%.*s", (int)c->n, c->p);
	human_number(buf, n, strtod(digits, NULL));
	*c = (struct cell){buf, strlen(buf)};
}

/* By the names CSV has for them. */
static bool
is_counter(const struct cell *c)
{
	/* port numbers and AS numbers are digits, too, and must not become "65.0 K" */
	static const char *const names[] = {"PACKETS", "FLOWS", "BYTES"};
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (c->n == strlen(names[i]) && memcmp(c->p, names[i], c->n) == 0)
			return true;
	}
	return false;
}

/* The cells of a line as they will be shown: widths must be measured by the same text. */
static unsigned
cells_of(const struct table *t, const char *line, size_t n, bool header, struct cell *cell, char (*buf)[32])
{
	unsigned cells = split(line, n, cell);
	for (unsigned i = 0; i < cells && t->human && !header; i++) {
		if (t->counter[i])
			humanize(&cell[i], buf[i], sizeof(buf[i]));
	}
	return cells;
}

/* In one piece; a table of a million rows spends much of its time here. */
static void
add_spaces(struct text *out, size_t n)
{
	char *p = text_reserve(out, n);
	memset(p, ' ', n);
	text_commit(out, p + n);
}

/* Names come from routers: what would steer the terminal is shown as a question mark. */
static void
add_safe(struct text *out, const struct cell *c)
{
	char *p = text_reserve(out, c->n);
	for (size_t i = 0; i < c->n; i++)
		*p++ = (unsigned char)c->p[i] < ' ' || c->p[i] == 0x7f ? '?' : c->p[i];
	text_commit(out, p);
}

/* The last column has no padding behind it: long lines would wrap for nothing. */
static void
print_line(const struct table *t, const char *line, size_t n, bool header, struct text *out)
{
	struct cell cell[COLUMNS_MAX];
	char buf[COLUMNS_MAX][32];
	unsigned cells = cells_of(t, line, n, header, cell, buf);
	for (unsigned i = 0; i < cells; i++) {
		size_t have = letters(&cell[i]), pad = t->width[i] > have ? t->width[i] - have : 0;
		if (i)
			add_spaces(out, GAP);
		if (t->number[i])
			add_spaces(out, pad);
		add_safe(out, &cell[i]);
		if (!t->number[i] && i + 1 < cells)
			add_spaces(out, pad);
	}
	text_char(out, '\n');
}

/* Calls fn for every line of what is held. */
typedef void each_line(struct table *t, const char *line, size_t n, bool header, struct text *out);

/* Also used for the sample, twice: once to measure, once to print. */
static void
for_lines(struct table *t, const char *p, size_t n, bool header, each_line *fn, struct text *out)
{
	const char *end = p + n;
	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((stop ? stop : end) - p);
		fn(t, p, len, header, out);
		header = false;
		p += len + 1;
	}
}

/* A column is of numbers until a cell says otherwise. */
static void
measure_line(struct table *t, const char *line, size_t n, bool header, struct text *out)
{
	struct cell cell[COLUMNS_MAX];
	char buf[COLUMNS_MAX][32];
	unsigned cells;
	(void)out;
	if (header) {
		t->columns = split(line, n, cell);
		for (unsigned i = 0; i < t->columns; i++)
			t->number[i] = true;
		for (unsigned i = 0; i < t->columns; i++)
			t->counter[i] = is_counter(&cell[i]);
	}
	cells = split(line, n, cell);
	for (unsigned i = 0; i < cells && !header; i++)
		/* one word in a column makes it text: its header was not asked */
		t->number[i] &= is_number(&cell[i]);
	cells = cells_of(t, line, n, header, cell, buf);
	for (unsigned i = 0; i < cells; i++) {
		size_t have = letters(&cell[i]);
		t->width[i] = have > t->width[i] ? have : t->width[i];
	}
}

/* print_line() with the type that for_lines() wants. */
static void
emit_line(struct table *t, const char *line, size_t n, bool header, struct text *out)
{
	print_line(t, line, n, header, out);
}

/* From here on rows stream with the widths found. */
static void
open_table(struct table *t, struct text *out)
{
	/* the first held line is the header */
	t->open = true;
	for_lines(t, t->held.data, t->held.len, true, measure_line, NULL);
	for_lines(t, t->held.data, t->held.len, true, emit_line, out);
	t->held.len = 0;
}

/* Only whole lines count; the formatter never leaves half a one. */
static unsigned
count_lines(const char *p, size_t n)
{
	unsigned lines = 0;
	for (const char *end = p + n; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		lines++;
	return lines;
}

/* Until the sample is full nothing is shown: the widths must be known before the first line. */
void
table_add(struct table *t, const char *lines, size_t n, struct text *out)
{
	if (t->open) {
		for_lines(t, lines, n, false, emit_line, out);
		return;
	}
	text_add(&t->held, lines, n);
	t->held_lines += count_lines(lines, n);
	if (t->held_lines > SAMPLE_ROWS)
		open_table(t, out);
}

/* A table shorter than the sample is printed only here. out may get nothing when no line came. */
void
table_end(struct table *t, struct text *out)
{
	if (!t->open)
		open_table(t, out);
}
