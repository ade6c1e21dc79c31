/* See spool.h.
 *
 * A segment's name is its number in hexadecimal, so a listing is the order of writing. Numbers only grow,
 *also over restarts with an empty directory and over clocks that are set back: the next one is above every
 *number ever seen in a name, and at least the microseconds since the epoch. The last segment that was done
 *leaves its name behind, emptied, for that purpose.
 *
 *	identity, lock		whose spool this is, who uses it
 *	second			there: segments go to the second server
 *	NUMBER.tmp		being appended; removed when found at the start
 *	NUMBER.segment		waits for the database
 *	NUMBER.done		was the last to get there
 *	NUMBER.bad, .rejected	set aside for the operator, and never looked at again
 *
 * What is in the directory is also in memory, as a sorted array: segments are few (one a purge), and neither
 * appending nor taking lists the directory again. One mutex guards the array; files are written and read
 * without it.
 *
 * A segment is read into memory, not mapped: a file that somebody cuts short meanwhile must be an error and
 * not a signal. */
#include "sql/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "collector/base/clock.h"
#include "collector/base/log.h"
#include "collector/flow/layout_text.h"

#define IDENTITY_CHARS 32
#define BUFFER	       ((size_t)1 << 20)
#define NAME_BYTES     32 /* of a file in the spool */

static const char magic[8] = {'F', 'R', 'S', 'P', 'O', 'O', 'L', '1'};

/* The beginning of a segment. The machine's byte order: a spool does not travel. */
struct head {
	char magic[8];
	uint64_t number;
	uint64_t purged_us;
	char identity[IDENTITY_CHARS];
	uint32_t rows;
	uint32_t layout_bytes; /* behind the head, with zeros up to a multiple of 8 */
	uint64_t record_bytes; /* behind that */
	uint64_t body_hash;    /* of both */
	uint64_t head_hash;    /* of all members before this one */
};

struct entry {
	uint64_t number;
	uint64_t bytes;
	uint64_t purged_us;
	uint32_t rows;
};

struct spool {
	struct spool_options options;
	char *directory;
	int dir_fd, lock_fd, event_fd;
	char identity[IDENTITY_CHARS + 1];
	pthread_mutex_t mutex; /* of all below */
	struct entry *entry;   /* by number, rising */
	size_t entries, room;
	uint64_t bytes;
	uint64_t highest; /* number ever seen */
	uint64_t taken;	  /* is being written to the database: not to be dropped; 0: none */
	uint64_t done;	  /* whose .done file there is; 0: none */
	uint64_t dropped_segments, dropped_rows, bad;
};

struct spool_append {
	struct spool *s;
	const struct layout *layout;
	struct head head;
	int fd;
	int error; /* errno of the first write that failed */
	uint8_t *buffer;
	size_t buffered;
	uint64_t bytes; /* of the file so far */
	XXH3_state_t *hash;
};

/* --- names and numbers --- */

static void
name_of(char out[NAME_BYTES], uint64_t number, const char *suffix)
{
	snprintf(out, NAME_BYTES, "%016llx.%s", (unsigned long long)number, suffix);
}

/* The suffix of a name made by name_of, and its number; NULL for any other name. */
static const char *
name_parse(const char *name, uint64_t *number)
{
	char *end;
	if (strspn(name, "0123456789abcdef") != 16 || name[16] != '.')
		return NULL;
	*number = strtoull(name, &end, 16);
	return end + 1;
}

static bool
head_valid(const struct spool *s, const struct head *h, uint64_t number, uint64_t file_bytes)
{
	uint64_t layout = ((uint64_t)h->layout_bytes + 7) / 8 * 8;
	return memcmp(h->magic, magic, sizeof(magic)) == 0 &&
	       h->head_hash == XXH3_64bits(h, offsetof(struct head, head_hash)) && h->number == number &&
	       memcmp(h->identity, s->identity, IDENTITY_CHARS) == 0 && h->record_bytes < file_bytes &&
	       file_bytes == sizeof(*h) + layout + h->record_bytes;
}

/* --- the list --- */

/* Rising numbers: a fresh one goes to the end, the ones found at the start are sorted once. */
static bool
entries_add(struct spool *s, struct entry e)
{
	if (s->entries == s->room) {
		size_t room = s->room ? 2 * s->room : 64;
		struct entry *bigger = realloc(s->entry, room * sizeof(*bigger));
		if (!bigger)
			return false;
		s->entry = bigger;
		s->room = room;
	}
	s->entry[s->entries++] = e;
	s->bytes += e.bytes;
	return true;
}

/* Takes one out, if it is there. */
static bool
entries_remove(struct spool *s, uint64_t number, struct entry *out)
{
	for (size_t i = 0; i < s->entries; i++) {
		if (s->entry[i].number != number)
			continue;
		*out = s->entry[i];
		s->bytes -= out->bytes;
		memmove(&s->entry[i], &s->entry[i + 1], (s->entries - i - 1) * sizeof(s->entry[0]));
		s->entries--;
		return true;
	}
	return false;
}

static int
by_number(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	return (x->number > y->number) - (x->number < y->number);
}

/* Readable exactly while something waits. */
static void
update_event(struct spool *s)
{
	uint64_t n = 1;
	bool fine = s->entries ? write(s->event_fd, &n, sizeof(n)) > 0
			       : read(s->event_fd, &n, sizeof(n)) > 0 || errno == EAGAIN;
	if (!fine && errno != EAGAIN)
		log_error("spool '%s': cannot wake the writer: %s", s->directory, strerror(errno));
}

/* --- opening --- */

static bool
fail(char *err, size_t errlen, const char *directory, const char *what)
{
	snprintf(err, errlen, "spool '%s': %s: %s", directory, what, strerror(errno));
	return false;
}

static bool
open_directory(struct spool *s, char *err, size_t errlen)
{
	struct stat st;
	if (mkdir(s->directory, 0700) < 0 && errno != EEXIST)
		return fail(err, errlen, s->directory, "cannot make the directory");
	s->dir_fd = open(s->directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->dir_fd < 0 || fstat(s->dir_fd, &st) < 0)
		return fail(err, errlen, s->directory, "cannot open the directory");
	if (st.st_uid != geteuid()) {
		snprintf(err, errlen, "spool '%s': belongs to user %u, not to %u: choose another directory",
			 s->directory, (unsigned)st.st_uid, (unsigned)geteuid());
		return false;
	}
	return true;
}

static bool
take_lock(struct spool *s, char *err, size_t errlen)
{
	char pid[24] = "";
	s->lock_fd = openat(s->dir_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		return fail(err, errlen, s->directory, "cannot open the file 'lock'");
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0) {
		int n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
		if (ftruncate(s->lock_fd, 0) < 0 || pwrite(s->lock_fd, pid, (size_t)n, 0) < 0)
			log_debug("spool '%s': cannot write who uses it", s->directory);
		return true;
	}
	if (errno != EWOULDBLOCK)
		return fail(err, errlen, s->directory, "cannot lock");
	ssize_t n = pread(s->lock_fd, pid, sizeof(pid) - 1, 0);
	snprintf(err, errlen, "spool '%s': in use by process %.*s: give each plugin a directory of its own",
		 s->directory, n > 0 ? (int)strcspn(pid, "\n") : 1, n > 0 ? pid : "?");
	return false;
}

static bool
make_identity(struct spool *s)
{
	uint8_t random[IDENTITY_CHARS / 2];
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	for (unsigned i = 0; i < sizeof(random); i++)
		snprintf(s->identity + (size_t)2 * i, 3, "%02x", random[i]);
	int fd =
	    openat(s->dir_fd, "identity.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	bool fine = write(fd, s->identity, IDENTITY_CHARS) == IDENTITY_CHARS && fsync(fd) == 0;
	return close(fd) == 0 && fine && renameat(s->dir_fd, "identity.tmp", s->dir_fd, "identity") == 0 &&
	       fsync(s->dir_fd) == 0;
}

static bool
read_identity(struct spool *s, char *err, size_t errlen)
{
	int fd = openat(s->dir_fd, "identity", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return make_identity(s) ||
		       fail(err, errlen, s->directory, "cannot write the file 'identity'");
	ssize_t n = fd < 0 ? -1 : read(fd, s->identity, IDENTITY_CHARS);
	if (fd >= 0)
		close(fd);
	s->identity[IDENTITY_CHARS] = '\0';
	if (n == IDENTITY_CHARS && strspn(s->identity, "0123456789abcdef") == IDENTITY_CHARS)
		return true;
	snprintf(
	    err, errlen,
	    "spool '%s': the file 'identity' is damaged: if no segments wait there, remove the directory",
	    s->directory);
	return false;
}

/* Out of the way, under another suffix; what it holds stays for the operator. */
static void
set_aside(struct spool *s, uint64_t number, const char *suffix)
{
	char from[NAME_BYTES], to[NAME_BYTES];
	name_of(from, number, "segment");
	name_of(to, number, suffix);
	if (renameat(s->dir_fd, from, s->dir_fd, to) < 0)
		log_error("spool '%s': cannot rename '%s' to '%s': %s", s->directory, from, to,
			  strerror(errno));
	fsync(s->dir_fd);
}

static void
set_aside_bad(struct spool *s, uint64_t number, const char *why)
{
	log_error("spool '%s': segment %016llx is damaged (%s) and was set aside as .bad", s->directory,
		  (unsigned long long)number, why);
	set_aside(s, number, "bad");
	s->bad++;
}

/* A segment found at the start: only its head is read, the rest when it is taken. */
static bool
found_segment(struct spool *s, const char *name, uint64_t number)
{
	struct head h;
	struct stat st;
	int fd = openat(s->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool fine = fd >= 0 && fstat(fd, &st) == 0 && read(fd, &h, sizeof(h)) == (ssize_t)sizeof(h) &&
		    head_valid(s, &h, number, (uint64_t)st.st_size);
	if (fd >= 0)
		close(fd);
	if (!fine) {
		set_aside_bad(s, number, "its head is not valid");
		return true;
	}
	return entries_add(s, (struct entry){number, (uint64_t)st.st_size, h.purged_us, h.rows});
}

static bool
scan(struct spool *s, char *err, size_t errlen)
{
	int fd = openat(s->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	bool fine = dir != NULL;
	for (struct dirent *e; fine && (e = readdir(dir));) {
		uint64_t number;
		const char *suffix = name_parse(e->d_name, &number);
		if (!suffix)
			continue;
		if (number > s->highest)
			s->highest = number;
		if (strcmp(suffix, "tmp") == 0)
			unlinkat(s->dir_fd, e->d_name, 0);
		else if (strcmp(suffix, "done") == 0 && s->done == 0)
			s->done = number;
		else if (strcmp(suffix, "segment") == 0)
			fine = found_segment(s, e->d_name, number);
	}
	if (dir)
		closedir(dir);
	if (!fine)
		return fail(err, errlen, s->directory, "cannot list the directory");
	if (s->entries)
		qsort(s->entry, s->entries, sizeof(*s->entry), by_number);
	update_event(s);
	return true;
}

struct spool *
spool_open(const struct spool_options *o, char *err, size_t errlen)
{
	struct spool *s = calloc(1, sizeof(*s));
	if (!s || !(s->directory = strdup(o->directory))) {
		free(s);
		snprintf(err, errlen, "no memory for the spool");
		return NULL;
	}
	s->options = *o;
	s->options.directory = s->directory;
	s->dir_fd = s->lock_fd = -1;
	pthread_mutex_init(&s->mutex, NULL);
	s->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->event_fd >= 0 && open_directory(s, err, errlen) && take_lock(s, err, errlen) &&
	    read_identity(s, err, errlen) && scan(s, err, errlen))
		return s;
	if (s->event_fd < 0)
		fail(err, errlen, s->directory, "cannot make an eventfd");
	spool_close(s);
	return NULL;
}

void
spool_close(struct spool *s)
{
	if (!s)
		return;
	int fds[] = {s->event_fd, s->lock_fd, s->dir_fd};
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	pthread_mutex_destroy(&s->mutex);
	free(s->entry);
	free(s->directory);
	free(s);
}

const char *
spool_identity(const struct spool *s)
{
	return s->identity;
}

void
spool_stats(struct spool *s, struct spool_stats *out)
{
	pthread_mutex_lock(&s->mutex);
	*out = (struct spool_stats){
	    .segments = s->entries,
	    .bytes = s->bytes,
	    .oldest_us = s->entries ? s->entry[0].purged_us : 0,
	    .dropped_segments = s->dropped_segments,
	    .dropped_rows = s->dropped_rows,
	    .bad_segments = s->bad,
	};
	pthread_mutex_unlock(&s->mutex);
}

/* --- appending --- */

/* Everything that goes to the file goes through here; the first error is kept, the rest not tried. */
static void
put(struct spool_append *a, const void *data, size_t n)
{
	for (const uint8_t *p = data; n && !a->error;) {
		ssize_t written = write(a->fd, p, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			a->error = written < 0 ? errno : ENOSPC;
			return;
		}
		p += written;
		n -= (size_t)written;
		a->bytes += (uint64_t)written;
	}
}

static void
flush(struct spool_append *a)
{
	put(a, a->buffer, a->buffered);
	a->buffered = 0;
}

static void
add(struct spool_append *a, const void *data, size_t n)
{
	XXH3_64bits_update(a->hash, data, n);
	if (n > BUFFER - a->buffered)
		flush(a);
	if (n > BUFFER) {
		put(a, data, n);
		return;
	}
	memcpy(a->buffer + a->buffered, data, n);
	a->buffered += n;
}

static void
append_free(struct spool_append *a)
{
	if (a->fd >= 0)
		close(a->fd);
	if (a->hash)
		XXH3_freeState(a->hash);
	free(a->buffer);
	free(a);
}

/* The next number; nobody else appends. */
static uint64_t
next_number(struct spool *s, uint64_t now_us)
{
	pthread_mutex_lock(&s->mutex);
	s->highest = s->highest >= now_us ? s->highest + 1 : now_us;
	uint64_t number = s->highest;
	pthread_mutex_unlock(&s->mutex);
	return number;
}

static bool
append_open(struct spool_append *a)
{
	char name[NAME_BYTES];
	a->buffer = malloc(BUFFER);
	a->hash = XXH3_createState();
	if (!a->buffer || !a->hash || XXH3_64bits_reset(a->hash) == XXH_ERROR) {
		errno = ENOMEM;
		return false;
	}
	name_of(name, a->head.number, "tmp");
	a->fd = openat(a->s->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return a->fd >= 0;
}

struct spool_append *
spool_append_begin(struct spool *s, const struct layout *l, uint64_t now_us, char *err, size_t errlen)
{
	static const uint8_t zeros[8];
	struct spool_append *a = calloc(1, sizeof(*a));
	struct text words = {0};
	if (!a) {
		snprintf(err, errlen, "no memory for a segment");
		return NULL;
	}
	a->s = s;
	a->layout = l;
	a->fd = -1;
	memcpy(a->head.magic, magic, sizeof(magic));
	memcpy(a->head.identity, s->identity, IDENTITY_CHARS);
	a->head.purged_us = now_us;
	a->head.number = next_number(s, now_us);
	if (!append_open(a)) {
		fail(err, errlen, s->directory, "cannot begin a segment");
		append_free(a);
		return NULL;
	}
	/* the head's place; it is written last */
	put(a, &a->head, sizeof(a->head));
	layout_describe(&words, l);
	a->head.layout_bytes = (uint32_t)words.len;
	add(a, words.data, words.len);
	add(a, zeros, (8 - words.len % 8) % 8);
	text_free(&words);
	return a;
}

void
spool_append_records(struct spool_append *a, const uint8_t *records, size_t bytes, uint32_t n)
{
	add(a, records, bytes);
	a->head.record_bytes += bytes;
	a->head.rows += n;
}

/* The oldest that is not being written goes, until there is room. False when that is not enough. */
static bool
make_room(struct spool *s, uint64_t bytes)
{
	while (s->bytes + bytes > s->options.max_bytes) {
		size_t i = s->entries && s->entry[0].number == s->taken ? 1 : 0;
		struct entry gone;
		char name[NAME_BYTES];
		if (!s->options.drop_oldest || i >= s->entries ||
		    !entries_remove(s, s->entry[i].number, &gone))
			return false;
		name_of(name, gone.number, "segment");
		unlinkat(s->dir_fd, name, 0);
		s->dropped_segments++;
		s->dropped_rows += gone.rows;
		log_error("spool '%s' is full: the oldest segment (%u rows) is dropped unwritten",
			  s->directory, gone.rows);
	}
	return true;
}

/* The head, the data, the name, the directory: in that order on the disk. */
static bool
append_finish(struct spool_append *a, const char *tmp, const char *name)
{
	struct spool *s = a->s;
	flush(a);
	a->head.body_hash = XXH3_64bits_digest(a->hash);
	a->head.head_hash = XXH3_64bits(&a->head, offsetof(struct head, head_hash));
	if (!a->error && pwrite(a->fd, &a->head, sizeof(a->head), 0) != (ssize_t)sizeof(a->head))
		a->error = errno ? errno : ENOSPC;
	if (!a->error && fsync(a->fd) < 0)
		a->error = errno;
	if (!a->error && renameat(s->dir_fd, tmp, s->dir_fd, name) < 0)
		a->error = errno;
	if (!a->error && fsync(s->dir_fd) < 0)
		a->error = errno;
	return a->error == 0;
}

bool
spool_append_commit(struct spool_append *a, char *err, size_t errlen)
{
	struct spool *s = a->s;
	char tmp[NAME_BYTES], name[NAME_BYTES];
	struct entry e = {.number = a->head.number, .purged_us = a->head.purged_us, .rows = a->head.rows};
	if (e.rows == 0) {
		spool_append_abort(a);
		return true;
	}
	name_of(tmp, e.number, "tmp");
	name_of(name, e.number, "segment");
	flush(a);
	e.bytes = a->bytes;
	pthread_mutex_lock(&s->mutex);
	bool room = s->options.max_bytes == 0 || make_room(s, e.bytes);
	pthread_mutex_unlock(&s->mutex);
	if (!room) {
		snprintf(err, errlen, "spool '%s': full: %llu bytes wait for the database already",
			 s->directory, (unsigned long long)s->bytes);
		spool_append_abort(a);
		return false;
	}
	if (!append_finish(a, tmp, name)) {
		errno = a->error;
		fail(err, errlen, s->directory, "cannot write a segment");
		unlinkat(s->dir_fd, name, 0);
		spool_append_abort(a);
		return false;
	}
	pthread_mutex_lock(&s->mutex);
	/* without memory for the list it waits on the disk for the next start */
	if (!entries_add(s, e))
		log_error("spool '%s': no memory: segment %s is written after the next start", s->directory,
			  name);
	update_event(s);
	pthread_mutex_unlock(&s->mutex);
	append_free(a);
	return true;
}

void
spool_append_abort(struct spool_append *a)
{
	char tmp[NAME_BYTES];
	name_of(tmp, a->head.number, "tmp");
	unlinkat(a->s->dir_fd, tmp, 0);
	append_free(a);
}

/* --- taking --- */

int
spool_fd(const struct spool *s)
{
	return s->event_fd;
}

/* All of a file; NULL with errno. */
static void *
read_whole(int fd, size_t bytes)
{
	uint8_t *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	for (size_t done = 0; done < bytes;) {
		ssize_t n = pread(fd, p + done, bytes - done, (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int error = n < 0 ? errno : EIO; /* shorter than it was */
			munmap(p, bytes);
			errno = error;
			return NULL;
		}
		done += (size_t)n;
	}
	return p;
}

/* Everything that can be wrong with the bytes of a segment. NULL when it is whole, else what is wrong. */
static const char *
take_apart(const struct spool *s, uint64_t number, struct spool_segment *g, char *err, size_t errlen)
{
	struct head h;
	if (g->mapped < sizeof(h))
		return "it is cut short";
	memcpy(&h, g->mapping, sizeof(h));
	if (!head_valid(s, &h, number, g->mapped))
		return "its head is not valid";
	const uint8_t *body = (const uint8_t *)g->mapping + sizeof(h);
	size_t layout_room = ((size_t)h.layout_bytes + 7) / 8 * 8;
	if (XXH3_64bits(body, layout_room + h.record_bytes) != h.body_hash)
		return "its checksum is wrong";
	struct wire w = wire_over(body, h.layout_bytes);
	g->layout = calloc(1, sizeof(*g->layout));
	if (!g->layout)
		return "no memory";
	if (!layout_understand(g->layout, &w, false, err, errlen))
		return err;
	g->number = number;
	g->purged_us = h.purged_us;
	g->rows = h.rows;
	g->records = body + layout_room;
	g->bytes = h.record_bytes;
	return layout_records_valid(g->layout, g->records, g->bytes, g->rows) ? NULL
									      : "its records do not fit";
}

/* Short of memory or descriptors: no fault of the segment's. */
static bool
is_shortage(int error)
{
	return error == ENOMEM || error == EMFILE || error == ENFILE || error == EINTR;
}

enum take { TAKE_FINE, TAKE_NEXT, TAKE_LATER };

/* A damaged one is set aside. */
static enum take
take_one(struct spool *s, struct entry e, struct spool_segment *g)
{
	char name[NAME_BYTES], err[256];
	name_of(name, e.number, "segment");
	*g = (struct spool_segment){.mapped = e.bytes};
	int fd = openat(s->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	g->mapping = fd < 0 ? NULL : read_whole(fd, e.bytes);
	int error = errno;
	if (fd >= 0)
		close(fd);
	if (!g->mapping && is_shortage(error))
		return TAKE_LATER;
	const char *wrong = g->mapping ? take_apart(s, e.number, g, err, sizeof(err)) : strerror(error);
	if (!wrong)
		return TAKE_FINE;
	spool_segment_free(g);
	pthread_mutex_lock(&s->mutex);
	set_aside_bad(s, e.number, wrong);
	entries_remove(s, e.number, &e);
	s->taken = 0;
	update_event(s);
	pthread_mutex_unlock(&s->mutex);
	return TAKE_NEXT;
}

/* The oldest behind `after`, marked as taken. */
static bool
choose(struct spool *s, uint64_t after, struct entry *out)
{
	bool found = false;
	pthread_mutex_lock(&s->mutex);
	for (size_t i = 0; i < s->entries && !found; i++) {
		found = s->entry[i].number > after;
		if (found)
			*out = s->entry[i];
	}
	s->taken = found ? out->number : 0;
	pthread_mutex_unlock(&s->mutex);
	return found;
}

bool
spool_take(struct spool *s, uint64_t after, struct spool_segment *out)
{
	struct entry e;
	enum take took = TAKE_NEXT;
	while (took == TAKE_NEXT && choose(s, after, &e))
		took = take_one(s, e, out);
	return took == TAKE_FINE;
}

void
spool_segment_free(struct spool_segment *g)
{
	if (g->mapping)
		munmap(g->mapping, g->mapped);
	free(g->layout);
	*g = (struct spool_segment){0};
}

/* Out of the list; the file is the caller's. */
static bool
forget(struct spool *s, uint64_t number)
{
	struct entry e;
	pthread_mutex_lock(&s->mutex);
	bool there = entries_remove(s, number, &e);
	s->taken = 0;
	update_event(s);
	pthread_mutex_unlock(&s->mutex);
	return there;
}

/* The name stays until the next one is done: numbers must not begin again in an empty directory. The file is
 * emptied under its new name, so that a crash in between leaves a segment or a done one, not half of one. */
void
spool_done(struct spool *s, uint64_t number)
{
	char name[NAME_BYTES], done[NAME_BYTES], before[NAME_BYTES];
	if (!forget(s, number))
		return;
	name_of(name, number, "segment");
	name_of(done, number, "done");
	name_of(before, s->done, "done");
	if (renameat(s->dir_fd, name, s->dir_fd, done) < 0) {
		log_error("spool '%s': cannot remove '%s': %s; it will not be written twice", s->directory,
			  name, strerror(errno));
		return;
	}
	int fd = openat(s->dir_fd, done, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	if (s->done && s->done != number)
		unlinkat(s->dir_fd, before, 0);
	s->done = number;
}

void
spool_reject(struct spool *s, uint64_t number)
{
	if (forget(s, number))
		set_aside(s, number, "rejected");
}

/* --- servers --- */

bool
spool_at_second(const struct spool *s)
{
	return faccessat(s->dir_fd, "second", F_OK, 0) == 0;
}

bool
spool_set_second(struct spool *s, bool second)
{
	if (second) {
		int fd = openat(s->dir_fd, "second", O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0)
			return false;
		close(fd);
	} else if (unlinkat(s->dir_fd, "second", 0) < 0 && errno != ENOENT) {
		return false;
	}
	return fsync(s->dir_fd) == 0;
}
