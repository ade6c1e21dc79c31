/* flowrib top: what grows fastest between two looks at the table.
 *
 * The daemon keeps sums since the start. Each look takes the largest entries by the counter chosen (as many
 * as the daemon selects, so a look costs it the same at any size of the table), compares them with those of
 * the look before, which are kept in an aggregate cache of our own, and shows the largest differences as
 * rates.
 *
 * The rows of a look are at most 65,536, the daemon's limit for a selection: an entry that is small by its
 * sum but grows fast is missed until it is among those. A longer history in the daemon would cost it memory
 * for each entry, and was rejected for that.
 *
 * Signals only set a flag; the loop puts the screen right and ends. */
#include <inttypes.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/flow/cache.h"
#include "tools/client/client.h"
#include "tools/client/table.h"

#define SCREEN_CLEAR "\x1b[H\x1b[J"
#define CURSOR_HIDE  "\x1b[?25l"
#define CURSOR_SHOW  "\x1b[?25h"
#define BOLD	     "\x1b[1m"
#define PLAIN	     "\x1b[0m"

struct top {
	const struct top_options *o;
	struct connection c;
	struct question q;
	struct format *format;
	struct cache *before; /* the entries of the last look */
	uint64_t before_us;
	double seconds; /* between the two looks; 0 at the first */
	bool terminal;
};

static volatile sig_atomic_t ended;

/* The screen must be put right at the end, so the signal only asks. */
static void
on_end(int sig)
{
	ended = sig;
}

/* --- differences --- */

/* row points into the list of the look being shown, which must live until the screen is out. */
struct riser {
	const uint8_t *row;
	uint64_t delta[LAYOUT_COUNTERS_MAX];
};

/* What was added to a row since the last look; all of it when it was not there, or was reset meanwhile. */
static void
difference(const struct top *t, const uint8_t *row, struct riser *r)
{
	const struct layout *l = &t->c.layout;
	const uint8_t *old = cache_find(t->before, row);
	size_t key = layout_key_size(l, row);
	r->row = row;
	for (unsigned i = 0; i < l->counters; i++) {
		uint64_t now, was = 0;
		memcpy(&now, row + key + i * sizeof(now), sizeof(now));
		if (old)
			memcpy(&was, old + key + i * sizeof(was), sizeof(was));
		/* a counter that went back was reset or erased: what it has now came since */
		r->delta[i] = now >= was ? now - was : now;
	}
}

/* The n largest differences, the largest first; returns how many there are. */
static unsigned
select_risers(const struct top *t, const struct row_list *list, struct riser *best, unsigned n)
{
	unsigned have = 0;
	const uint8_t *row = list->data;
	for (uint64_t i = 0; i < list->rows; i++, row += layout_record_size(&t->c.layout, row)) {
		struct riser r;
		difference(t, row, &r);
		uint64_t value = r.delta[t->q.counter];
		/* what did not grow is no riser, even when the screen has room */
		if (value == 0 || (have == n && value <= best[n - 1].delta[t->q.counter]))
			continue;
		/* insertion into a screenful: short, and in order when it ends */
		unsigned at = have < n ? have++ : n - 1;
		for (; at > 0 && best[at - 1].delta[t->q.counter] < value; at--)
			best[at] = best[at - 1];
		best[at] = r;
	}
	return have;
}

/* --- the screen --- */

/* A line of cells with its newline replaced by two more cells. */
static void
add_cells(struct text *lines, const char *a, const char *b)
{
	while (lines->len && lines->data[lines->len - 1] == '\n')
		lines->len--;
	text_printf(lines, "%c%s%c%s\n", TABLE_SEPARATOR, a, TABLE_SEPARATOR, b);
}

/* Rates when two looks can be compared, else nothing. */
static void
add_rates(const struct top *t, struct text *lines, const struct riser *r)
{
	char packets[32] = "-", bits[32] = "-";
	/* the layout has packets and bytes first, in this order, whatever else it counts */
	if (t->seconds > 0) {
		human_number(packets, sizeof(packets), (double)r->delta[0] / t->seconds);
		human_number(bits, sizeof(bits), (double)r->delta[1] * 8 / t->seconds);
	}
	add_cells(lines, packets, bits);
}

/* Title, empty line, header, and one line so that nothing scrolls. */
static unsigned
screen_rows(const struct top *t)
{
	struct winsize w;
	if (t->o->rows)
		return t->o->rows;
	/* asked anew for each screen: windows change their size */
	if (t->terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row > 6)
		return w.ws_row - 5u;
	return 20;
}

/* The clock is the client's; when the numbers are older than the interval the daemon is slow, and that should
 * show. */
static void
add_title(const struct top *t, struct text *out, const struct row_list *list)
{
	time_t now = time(NULL);
	struct tm tm;
	char clock[32];
	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	if (t->terminal && !t->o->once)
		text_str(out, SCREEN_CLEAR BOLD);
	text_printf(out, "flowrib top  %s  by %s  %" PRIu64 " entries looked at", clock, t->o->by,
		    list->rows);
	if (t->seconds > 0)
		text_printf(out, ", over %.1f s", t->seconds);
	else
		text_str(out, ", sums since the start (rates with the next look)");
	text_str(out, t->terminal && !t->o->once ? PLAIN "\n\n" : "\n\n");
}

/* The whole screen is made first and written at once, which does not flicker. */
static bool
show(struct top *t, const struct row_list *list)
{
	unsigned n = screen_rows(t), have = 0;
	struct riser *best = calloc(n, sizeof(*best));
	struct table *table = table_new(true);
	struct text lines = {0}, out = {0};
	if (best && table) {
		have = select_risers(t, list, best, n);
		add_title(t, &out, list);
		format_header(t->format, &lines);
		add_cells(&lines, "PACKETS/S", "BITS/S");
	}
	for (unsigned i = 0; i < have; i++) {
		format_row(t->format, best[i].row, clock_now_us(), &lines);
		add_rates(t, &lines, &best[i]);
	}
	if (best && table) {
		table_add(table, lines.data, lines.len, &out);
		table_end(table, &out);
	}
	bool ok = best && table && rows_flush(&t->c, &out);
	free(best);
	table_free(table);
	text_free(&lines);
	text_free(&out);
	return ok;
}

/* --- the loop --- */

/* The next look is compared with this one. */
static void
remember(struct top *t, const struct row_list *list)
{
	const uint8_t *p = list->data;
	/* entries that left the selection are forgotten: their next difference would span several looks */
	cache_clear(t->before);
	for (uint64_t i = 0; i < list->rows; i++, p += layout_record_size(&t->c.layout, p))
		cache_absorb(t->before, p, 1);
}

/* One look. quiet: only remember it. */
static bool
look(struct top *t, bool quiet)
{
	struct row_list list = {0};
	bool ok = question_send(&t->q, &t->c) && rows_collect(&t->c, &list);
	uint64_t now = clock_monotonic_us();
	/* measured, not taken from the interval: a busy daemon answers late */
	t->seconds = t->before_us ? (double)(now - t->before_us) / US_PER_S : 0;
	t->before_us = now;
	if (ok && !quiet)
		ok = show(t, &list);
	if (ok)
		remember(t, &list);
	row_list_free(&list);
	return ok;
}

/* A signal cuts it short, which is wanted: it asks for the end. */
static void
pause_for(double seconds)
{
	struct timespec ts = {.tv_sec = (time_t)seconds,
			      .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
	nanosleep(&ts, NULL);
}

/* A look alone has no rates: --once looks twice and shows the second. */
static bool
run(struct top *t)
{
	if (!look(t, t->o->once))
		return false;
	do {
		pause_for(t->o->interval);
		if (ended)
			break;
		if (!look(t, false))
			return false;
	} while (!t->o->once && !ended);
	return true;
}

/* Rows are formatted as CSV with the table's separator and then cut into cells, like the rows of "show". */
static bool
prepare(struct top *t)
{
	struct format_options format = t->o->format;
	format.kind = FORMAT_CSV;
	format.separator = TABLE_SEPARATOR;
	t->q = (struct question){.type = t->o->wheres ? MEMORY_MATCH : MEMORY_DUMP, .top = MEMORY_TOP_MAX};
	bool ok = question_where(&t->q, &t->c.layout, t->o->where, t->o->wheres);
	/* a dump has no queries; question_where() made the one that wants everything */
	if (!t->o->wheres)
		t->q.queries = 0;
	ok = ok && (t->q.counter = question_counter(&t->q, &t->c.layout, t->o->by)) != UINT16_MAX;
	if (!ok) {
		snprintf(t->c.err, sizeof(t->c.err), "%s", t->q.err);
		return false;
	}
	t->format = format_new(&t->c.layout, &format, t->c.err, sizeof(t->c.err));
	t->before = cache_new(&t->c.layout, 0);
	return t->format && t->before;
}

/* The handlers are set after the connection stands: until then Ctrl-C simply ends the program. The cursor is
 * shown again whatever happened. */
int
top_run(const struct top_options *o)
{
	struct top t = {.o = o, .terminal = isatty(STDOUT_FILENO)};
	struct sigaction end = {.sa_handler = on_end};
	if (!session_open(&t.c, o->path, false))
		return 1;
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	bool screen = t.terminal && !o->once;
	/* only on a terminal that is refreshed: a file gets plain text */
	if (screen && write(STDOUT_FILENO, CURSOR_HIDE, sizeof(CURSOR_HIDE) - 1) < 0)
		screen = false;
	bool ok = prepare(&t) && run(&t);
	if (screen && write(STDOUT_FILENO, CURSOR_SHOW, sizeof(CURSOR_SHOW) - 1) < 0)
		ok = false;
	if (!ok && !ended)
		client_fail(t.c.err);
	question_free(&t.q);
	format_free(t.format);
	cache_free(t.before);
	connection_close(&t.c);
	return ok || ended ? 0 : 1;
}
