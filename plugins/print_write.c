/* Rows are walked in order of arrival. What a row's values make of the file name is its group; most
 * configurations have one, so the last row's group is tried first, then a hash table. A file that fails is
 * put off: a second walk collects the rows of failed groups, which go back into the cache and are tried again
 * with the next purge.
 *
 * One call is one purge. Its steps: walk the cache and format each row into its group's buffer, which goes
 * out when it is full; commit each group's file; when something failed, walk again to collect what has to be
 * kept. The second walk is the price for keeping nothing in the usual case.
 *
 * How a row finds its file: its values that the name uses are an alias, aliases lead to groups, and a group
 * is a path. The two steps differ when a name does not tell all bins apart.
 *
 * What is remembered between purges is small and only helps with late rows: which files this process wrote
 * (by hash), and up to which time bins were written. */
#include "plugins/print_write.h"

#include <errno.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector/base/clock.h"
#include "collector/base/log.h"

#define FLUSH_FEW   (256u << 10) /* bytes that collect before they are written ... */
#define FLUSH_MANY  (16u << 10)	 /* ... and with many files at once */
#define MANY_GROUPS 256

#define LOCK_LOOK_MS 20 /* between two looks whether standard output is free */

/* A file of this purge. Freed by groups_free(); its outfile is ended by group_commit(), always. */
struct group {
	struct outname_row row;
	struct outfile file;
	char *path; /* NULL: standard output */
	uint64_t rows;
	bool failed;
	struct group *next;  /* in the order of making */
	struct group *chain; /* others whose path hashes alike */
};

/* What a row's values are, and the group they lead to. Several may lead to one: %H is the same for all bins
 * of an hour, and two writers of one file would each replace what the other wrote. */
struct alias {
	struct outname_row row;
	struct group *group;
	struct alias *chain;
	struct alias *next;
};

#define GROUP_BUCKETS 1024

/* Both tables are of fixed size: a purge rarely has more than some hundred files, and with many more the
 * chains cost less than the system calls for each file. */
struct groups {
	struct alias *alias[GROUP_BUCKETS]; /* by the row's values */
	struct alias *aliases;		    /* all of them, for freeing */
	struct group *by_path[GROUP_BUCKETS];
	struct group *first;
	struct group **end;
	const struct alias *last_used;
	unsigned n;
};

/* One purge: what is constant in it, and what it has found so far. */
struct walk {
	struct print_writer *w;
	struct purge_job *job;
	struct groups groups;
	uint64_t purge_time;  /* seconds */
	uint64_t late_before; /* bins that began earlier were over when the last purge wrote them; 0: none */
};

/* --- markers --- */

/* Before the header, where pmacct has it. */
static void
mark_start(struct walk *k, struct outfile *f)
{
	if (k->w->marks == PRINT_MARKS_TEXT)
		text_printf(&f->text, "--START (%d)--\n", (int)getpid());
	else if (k->w->marks == PRINT_MARKS_JSON)
		text_printf(&f->text, "{\"event_type\": \"purge_init\", \"writer_id\": \"%s/%d\"}\n",
			    k->w->plugin, (int)getpid());
}

/* Rows written so far in this purge, over all files, as pmacct counts them; the duration in whole seconds. */
static void
mark_end(struct walk *k, struct outfile *f, uint64_t written)
{
	uint64_t seconds = (clock_now_us() - k->job->now_us) / US_PER_S;

	if (k->w->marks == PRINT_MARKS_TEXT)
		text_printf(&f->text, "--END (%d)--\n", (int)getpid());
	else if (k->w->marks == PRINT_MARKS_JSON)
		text_printf(
		    &f->text,
		    "{\"event_type\": \"purge_close\", \"writer_id\": \"%s/%d\", \"purged_entries\": %llu, "
		    "\"total_entries\": %llu, \"duration\": %llu}\n",
		    k->w->plugin, (int)getpid(), (unsigned long long)written,
		    (unsigned long long)k->job->total, (unsigned long long)seconds);
}

/* --- which file --- */

/* 64 bits stand for the path: among the few thousand that are remembered two alike are not to be expected. */
static uint64_t
path_hash(const char *path)
{
	return XXH3_64bits(path, strlen(path));
}

/* The time that path was last written for by this process; false when it was not, as far as is remembered. */
static bool
written_find(const struct print_writer *w, const char *path, uint64_t *time)
{
	uint64_t hash = path_hash(path);

	for (unsigned i = 0; w->written && i < PRINT_WRITTEN_MAX; i++) {
		if (w->written[i].hash == hash) {
			*time = w->written[i].time;
			return true;
		}
	}
	return false;
}

/* A ring: the oldest is forgotten. A forgotten file that gets late rows is replaced, so the ring is large
 * against the number of bins that can still get any. */
static void
written_add(struct print_writer *w, const char *path, uint64_t time)
{
	uint64_t hash = path_hash(path);
	struct print_written *e = NULL;

	if (!w->written)
		w->written = calloc(PRINT_WRITTEN_MAX, sizeof(*w->written));
	if (!w->written)
		return;
	for (unsigned i = 0; i < PRINT_WRITTEN_MAX && !e; i++) {
		if (w->written[i].hash == hash)
			e = &w->written[i];
	}
	if (!e)
		e = &w->written[w->written_next++ % PRINT_WRITTEN_MAX];
	*e = (struct print_written){.hash = hash, .time = time};
}

/* Was the file written by a predecessor of this process for the time that row's name stands for? The bin must
 * have been open when this process began, so that running over old captures again does not add to what the
 * last run wrote. */
static bool
predecessor_wrote(const struct print_writer *w, const struct outname_row *row, const char *path)
{
	struct timebin bin = w->bin;
	struct stat st;

	if (!w->has_bins || stat(path, &st) < 0 || (uint64_t)st.st_mtime > w->started)
		return false;
	if (timebin_end(&bin, row->time * US_PER_S) / US_PER_S + w->refresh < w->started)
		return false;
	uint64_t changed = (uint64_t)st.st_mtime;
	return changed >= row->time || outname_same_time(&w->name, changed, row->time);
}

/* A name without time stands for the last purge and is replaced. A name with time is replaced by the first
 * rows of its time and extended by later ones, since late rows would else wipe out the others. */
static enum outfile_how
how_to_write(const struct print_writer *w, const struct outname_row *row, const char *path)
{
	uint64_t time;

	if (w->append)
		return OUTFILE_APPEND;
	if (!w->name.time)
		return OUTFILE_REPLACE;
	if (written_find(w, path, &time))
		return outname_same_time(&w->name, time, row->time) ? OUTFILE_EXTEND : OUTFILE_REPLACE;
	return predecessor_wrote(w, row, path) ? OUTFILE_EXTEND : OUTFILE_REPLACE;
}

/* Begins the group's file. A file that cannot be begun says so when it is committed. */
static void
group_open(struct walk *k, struct group *g)
{
	struct print_writer *w = k->w;

	if (w->to_stdout) {
		outfile_begin_stdout(&g->file, !w->stdout_begun);
		w->stdout_begun = true;
	} else {
		outfile_begin(&g->file, g->path, how_to_write(w, &g->row, g->path), w->plugin, &w->owner);
	}
	g->file.give_up = w->give_up;
	mark_start(k, &g->file);
	if (g->file.fresh)
		format_header(w->format, &g->file.text);
}

/* --- groups --- */

/* Takes path over. */
static struct group *
group_new(struct walk *k, const struct outname_row *row, char *path)
{
	struct groups *gs = &k->groups;
	struct group *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->row = *row;
	g->path = path;
	*gs->end = g;
	gs->end = &g->next;
	gs->n++;
	group_open(k, g);
	return g;
}

/* The group that writes the file these values name, begun when there is none. */
static struct group *
group_named(struct walk *k, const struct outname_row *row)
{
	struct text path = {0};

	if (k->w->to_stdout)
		return k->groups.first ? k->groups.first : group_new(k, row, NULL);
	outname_format(&k->w->name, row, &path);
	struct group **chain = &k->groups.by_path[path_hash(path.data) % GROUP_BUCKETS];
	for (struct group *g = *chain; g; g = g->chain) {
		if (strcmp(g->path, path.data) != 0)
			continue;
		text_free(&path);
		if (g->row.time < row->time) /* what written_add() remembers is the newest */
			g->row.time = row->time;
		return g;
	}
	struct group *g = group_new(k, row, path.data);
	if (!g) {
		text_free(&path);
		return NULL;
	}
	g->chain = *chain;
	return *chain = g;
}

/* Names are made once for each set of values, not for each row. NULL when memory is short. */
static struct group *
group_find(struct walk *k, const struct outname_row *row)
{
	struct groups *gs = &k->groups;
	struct alias **at = &gs->alias[XXH3_64bits(row, sizeof(*row)) % GROUP_BUCKETS];

	for (; *at; at = &(*at)->chain) {
		if (memcmp(&(*at)->row, row, sizeof(*row)) == 0) {
			gs->last_used = *at;
			return (*at)->group;
		}
	}
	struct alias *a = calloc(1, sizeof(*a));
	if (!a || !(a->group = group_named(k, row))) {
		free(a);
		return NULL;
	}
	a->row = *row;
	a->next = gs->aliases;
	gs->aliases = a;
	gs->last_used = *at = a;
	return a->group;
}

/* Without bins all rows of a purge are of its time. */
static struct outname_row
row_of(const struct walk *k, const uint8_t *record)
{
	const struct print_writer *w = k->w;
	static const struct outname stdout_name; /* uses no value */

	return rowname_of(&w->values, w->to_stdout ? &stdout_name : &w->name, record,
			  w->has_bins ? layout_bin(w->layout, record) : k->purge_time);
}

/* Rows of one bin mostly follow each other, as they arrived: one comparison instead of a hash. */
static struct group *
group_of(struct walk *k, const uint8_t *record)
{
	struct outname_row row = row_of(k, record);
	const struct alias *last = k->groups.last_used;

	if (likely(last && memcmp(&last->row, &row, sizeof(row)) == 0))
		return last->group;
	return group_find(k, &row);
}

/* --- walking --- */

/* Records are multiples of eight bytes and so are keys: the counters are aligned. */
static const uint64_t *
counters_of(const struct walk *k, const uint8_t *record)
{
	return (const uint64_t *)(const void *)(record + layout_key_size(k->w->layout, record));
}

/* The hot path: format into the group's buffer, and write that out when it is full. No system call a row. */
static void
write_row(struct walk *k, const uint8_t *record)
{
	struct group *g = group_of(k, record);

	/* no memory for another file: this row waits, the others go on */
	if (!g) {
		purge_keep_failed(k->job, k->w->layout, record);
		return;
	}
	format_row(k->w->format, record, k->job->now_us, &g->file.text);
	g->rows++;
	/* rows for a stream or without bins are never late: late_before is 0 */
	if (k->late_before && layout_bin(k->w->layout, record) < k->late_before)
		k->job->late++;
	outfile_full(&g->file, k->groups.n > MANY_GROUPS ? FLUSH_MANY : FLUSH_FEW);
}

/* Rows that preprocess refuses are counted in total but neither written nor kept: that is what the key is
 * for. */
static void
write_rows(struct walk *k)
{
	struct cache_cursor cursor = {0};
	const uint8_t *record;

	while ((record = cache_next(k->job->cache, &cursor))) {
		k->job->total++;
		if (purge_must_wait(k->job, k->w->layout, record))
			purge_keep(k->job, k->w->layout, record);
		else if (preprocess_pass(&k->w->preprocess, counters_of(k, record)))
			write_row(k, record);
	}
}

/* The second walk, after a failure: rows of failed files wait for the next purge. */
static void
collect_failed(struct walk *k)
{
	struct cache_cursor cursor = {0};
	const uint8_t *record;

	while ((record = cache_next(k->job->cache, &cursor))) {
		if (purge_must_wait(k->job, k->w->layout, record) ||
		    !preprocess_pass(&k->w->preprocess, counters_of(k, record)))
			continue;
		struct group *g = group_of(k, record);
		if (g && g->failed)
			purge_keep_failed(k->job, k->w->layout, record);
	}
}

/* --- ending --- */

/* A failure only warns: the rows are safe in their file, and the next purge tries again. */
static void
link_latest(struct print_writer *w, const struct group *g)
{
	struct text link = {0};

	outname_format(&w->latest, &g->row, &link);
	if (!outfile_link_latest(link.data, g->path, &w->owner))
		log_warn("print_latest_file: cannot make the link '%s': %s", link.data, strerror(errno));
	text_free(&link);
}

/* One file's failure does not stop the others. Only a file that is in its place is remembered as written. */
static void
group_commit(struct walk *k, struct group *g)
{
	struct print_writer *w = k->w;

	mark_end(k, &g->file, k->job->written + g->rows);
	if (!outfile_commit(&g->file)) {
		g->failed = true;
		k->job->errors++;
		log_error("cannot write '%s': %s; %llu rows wait for the next purge",
			  g->path ? g->path : "standard output", strerror(g->file.error),
			  (unsigned long long)g->rows);
		return;
	}
	k->job->written += g->rows;
	k->job->files++;
	if (!g->path)
		return;
	/* the others never need to be told from files of another time */
	if (w->name.time && !w->append)
		written_add(w, g->path, g->row.time);
	if (w->has_latest)
		link_latest(w, g);
}

/* The files' own memory was freed by outfile_commit(). */
static void
groups_free(struct groups *gs)
{
	for (struct alias *a = gs->aliases, *next; a; a = next) {
		next = a->next;
		free(a);
	}
	for (struct group *g = gs->first, *next; g; g = next) {
		next = g->next;
		free(g->path);
		free(g);
	}
}

/* Nothing to write, but a file is wanted all the same. */
static void
open_empty(struct walk *k)
{
	struct outname_row row;

	memset(&row, 0, sizeof(row));
	if (k->w->name.time)
		row.time =
		    k->w->has_bins ? timebin_of(&k->w->bin, (k->purge_time - 1) * US_PER_S) : k->purge_time;
	group_find(k, &row);
}

/* Whoever holds the lock may hold it for ever, so the wait ends when give_up says so; the rows are then worth
 * more than their order. */
static bool
lock_stdout(const struct print_writer *w)
{
	struct pollfd fd = {.fd = w->give_up, .events = POLLIN};

	while (flock(w->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return false;
		if (poll(&fd, 1, LOCK_LOOK_MS) > 0) {
			log_warn(
			    "print_output_lock_file: still locked by another process: writing without it");
			return false;
		}
	}
	return true;
}

/* On the writer's thread; w keeps state from purge to purge (files written, whether standard output has its
 * header), so there is never more than one call at a time. */
void
print_write(struct print_writer *w, struct purge_job *job)
{
	struct walk k = {.w = w, .job = job, .purge_time = job->now_us / US_PER_S};
	bool locked = w->to_stdout && w->lock_fd >= 0 && lock_stdout(w);

	/* an empty list ends at its own head */
	k.groups.end = &k.groups.first;
	if (w->has_bins) {
		job->newest_bin = timebin_end(&w->bin, job->now_us) / US_PER_S;
		if (w->last_cutoff)
			k.late_before = timebin_of(&w->bin, w->last_cutoff * US_PER_S);
		w->last_cutoff = job->cutoff;
	}
	write_rows(&k);
	if (!k.groups.first && w->write_empty)
		open_empty(&k);
	for (struct group *g = k.groups.first; g; g = g->next)
		group_commit(&k, g);
	if (job->errors)
		collect_failed(&k);
	groups_free(&k.groups);
	if (locked)
		flock(w->lock_fd, LOCK_UN);
}

/* Also after a failed start, when only some of the parts are there. */
void
print_writer_free(struct print_writer *w)
{
	free(w->written);
	format_free(w->format);
	outname_free(&w->name);
	outname_free(&w->latest);
	if (w->lock_fd >= 0)
		close(w->lock_fd);
}
