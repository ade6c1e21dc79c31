/* Files are opened for each flush and closed again: a purge may write to thousands of them, and three system
 * calls a quarter of a megabyte cost nothing.
 *
 * A failure is kept in the object and told by outfile_commit() alone: callers format thousands of rows
 * between begin and commit and should not have to look at each. Whoever began a file must commit it, which
 * also frees it.
 *
 * The object is used by one thread, the writer's. The process' umask is set once at the start and gives the
 * mode.
 *
 * Files are not locked: two instances that write to one path replace each other's work, which a configuration
 * should not do. Appending by several is safe as long as none fails half-way. */
#include "collector/base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/base/file.h"

#define COPY_CHUNK 65536
#define FILE_MODE  0666 /* the process' mask, from files_umask, takes from it */
#define DIR_MODE   0777

/* Mostly false, and then no chown() at all: it would need a privilege. */
static bool
owner_set(const struct outfile_owner *o)
{
	return o && (o->uid != (uid_t)-1 || o->gid != (gid_t)-1);
}

/* Makes the folders that path needs. */
static bool
make_folders(const char *path, const struct outfile_owner *owner)
{
	char *folder = strdup(path);
	bool ok = folder != NULL;

	for (char *p = folder ? folder + 1 : NULL; ok && *p && (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdir(folder, DIR_MODE) == 0)
			ok = !owner_set(owner) || chown(folder, owner->uid, owner->gid) == 0;
		else
			ok = errno == EEXIST;
		*p = '/';
	}
	free(folder);
	return ok;
}

/* ".NAME.SUFFIX.tmp" beside path; NULL when memory is short. */
static char *
temporary_name(const char *path, const char *suffix)
{
	const char *slash = strrchr(path, '/');
	size_t folder = slash ? (size_t)(slash + 1 - path) : 0;
	size_t n = strlen(path) + strlen(suffix) + 8;
	char *name = malloc(n);

	if (name)
		snprintf(name, n, "%.*s.%s.%s.tmp", (int)folder, path, path + folder, suffix);
	return name;
}

/* Folders are made only when they turn out to be missing: one call in the usual case. Ownership is set on the
 * descriptor, since the path may already name something else. */
static int
open_target(const char *path, int flags, const struct outfile_owner *owner)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | flags, FILE_MODE);
	if (fd < 0 && errno == ENOENT && (flags & O_CREAT) && make_folders(path, owner))
		fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | flags, FILE_MODE);
	bool fresh = fd >= 0 && (flags & O_CREAT) && owner && owner->mode;
	if (fd >= 0 && ((owner_set(owner) && fchown(fd, owner->uid, owner->gid) < 0) ||
			(fresh && fchmod(fd, owner->mode) < 0))) {
		int saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* The first error is the one that is told; later ones mostly follow from it. The buffer is emptied so that
 * rows of a failed file do not fill the memory. */
static void
fail(struct outfile *f)
{
	if (!f->error)
		f->error = errno ? errno : EIO;
	f->text.len = 0;
}

int
outfile_open(const char *path, const struct outfile_owner *owner)
{
	int fd = open_target(path, 0, owner);
	return fd < 0 && errno == ENOENT ? open_target(path, O_CREAT, owner) : fd;
}

/* Its name can be guessed, and the folder may be one where others can write: so the first opening makes the
 * file itself, and no opening follows a link. What stands there is a leftover of a process that died. */
static int
open_temporary(struct outfile *f)
{
	if (!f->started && unlink(f->temporary) < 0 && errno != ENOENT && errno != ENOTDIR)
		return -1;
	int fd = open_target(f->temporary, O_NOFOLLOW | (f->started ? 0 : O_CREAT | O_EXCL), f->owner);
	f->started = f->started || fd >= 0;
	return fd;
}

/* --- beginning --- */

/* A named pipe or a device. Without a reader opening a pipe fails rather than waits. */
static void
begin_stream(struct outfile *f)
{
	f->stream = open(f->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	f->fresh = true;
	if (f->stream < 0)
		fail(f);
}

/* Puts what the target holds in front of what will be written. */
static void
copy_old(struct outfile *f)
{
	char *chunk = malloc(COPY_CHUNK);
	int from = open(f->path, O_RDONLY | O_CLOEXEC);
	int to = open_temporary(f);
	ssize_t n = -1;

	while (chunk && from >= 0 && to >= 0 && (n = read(from, chunk, COPY_CHUNK)) > 0) {
		if (!file_write_all(to, chunk, (size_t)n)) {
			n = -1;
			break;
		}
	}
	if (n < 0)
		fail(f);
	if (from >= 0)
		close(from);
	if (to >= 0 && close(to) < 0)
		fail(f);
	free(chunk);
}

/* How to write is decided by what stands at the path now. Nothing but a copy of the old content is written
 * before the first flush, so an untouched target stays untouched when no row comes. */
void
outfile_begin(struct outfile *f, const char *path, enum outfile_how how, const char *suffix,
	      const struct outfile_owner *owner)
{
	struct stat st;

	*f = (struct outfile){.path = strdup(path), .owner = owner, .stream = -1, .give_up = -1};
	if (!f->path) {
		fail(f);
		return;
	}
	bool exists = stat(path, &st) == 0;
	if (exists && !S_ISREG(st.st_mode)) {
		begin_stream(f);
		return;
	}
	/* an empty file gets a header like a new one */
	f->fresh = !exists || st.st_size == 0 || how == OUTFILE_REPLACE;
	f->rollback = exists ? st.st_size : 0;
	/* in place: no temporary file, the rollback length is what undo() needs */
	if (exists && (how == OUTFILE_APPEND || (how == OUTFILE_EXTEND && st.st_size > OUTFILE_COPY_MAX)))
		return;
	f->temporary = temporary_name(path, suffix);
	if (!f->temporary)
		fail(f);
	else if (!f->fresh)
		copy_old(f);
}

/* Never closed and never made non-blocking: it is shared with who started the daemon. */
void
outfile_begin_stdout(struct outfile *f, bool fresh)
{
	*f = (struct outfile){.stream = STDOUT_FILENO, .fresh = fresh, .give_up = -1};
}

/* --- writing --- */

/* Waits until the stream takes bytes. False with ETIMEDOUT when it does not and f->give_up asks not to wait
 * any longer: a reader that sleeps would else keep the process from ever ending. */
static bool
stream_ready(const struct outfile *f)
{
	struct pollfd fds[] = {{.fd = f->stream, .events = POLLOUT}, {.fd = f->give_up, .events = POLLIN}};

	for (;;) {
		int n = poll(fds, ARRAY_SIZE(fds), -1);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0 && fds[0].revents)
			return true; /* an error, too: write() says which */
		if (n > 0) {
			errno = ETIMEDOUT;
			return false;
		}
	}
}

/* A pipe that poll() calls writable takes PIPE_BUF bytes without blocking, and no more may be given to it:
 * O_NONBLOCK would be set for everybody who shares our standard output. */
static bool
write_stream(const struct outfile *f)
{
	const char *p = f->text.data;
	size_t n = f->text.len;
	struct stat st;

	if (fstat(f->stream, &st) == 0 && S_ISREG(st.st_mode))
		return file_write_all(f->stream, p, n); /* standard output sent to a file */
	while (n > 0) {
		if (!stream_ready(f))
			return false;
		ssize_t done = write(f->stream, p, n < PIPE_BUF ? n : PIPE_BUF);
		if (done < 0 && errno != EINTR && errno != EAGAIN)
			return false;
		p += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
	return true;
}

/* Opens, writes and closes; false with errno set. */
static bool
write_file(struct outfile *f)
{
	int fd = f->temporary ? open_temporary(f) : open_target(f->path, 0, f->owner);
	if (fd < 0)
		return false;
	f->started = true;
	bool ok = file_write_all(fd, f->text.data, f->text.len);
	int saved = errno;
	if (close(fd) < 0 && ok)
		return false;
	errno = saved;
	return ok;
}

/* After the first failure the rest of the purge only passes through here; the caller need not look before
 * each row. */
void
outfile_flush(struct outfile *f)
{
	bool ok = f->error || (f->stream < 0 ? write_file(f) : write_stream(f));

	if (!ok)
		fail(f);
	f->text.len = 0;
}

/* --- ending --- */

/* The target is left as it was. What a stream has taken cannot be taken back. */
static void
undo(struct outfile *f)
{
	if (f->temporary && f->started)
		unlink(f->temporary);
	/* nothing of ours is there before the first write; others may append to the file, too */
	if (!f->temporary && f->path && f->started && truncate(f->path, f->rollback) < 0)
		return; /* as good as it gets: the error that led here is reported */
}

/* On the disk before it gets its name: else a power cut shortly after the rename may leave an empty file in
 * the place of a whole one. Opened once more, as no descriptor is kept between flushes; an error of writing
 * back that nobody was told yet is told to a new one, too. File systems that know no such call cannot lose
 * more by it. */
static bool
settle(struct outfile *f)
{
	int fd = open_temporary(f);
	if (fd < 0)
		return false;
	bool ok = fdatasync(fd) == 0 || errno == EINVAL || errno == ENOSYS;
	int saved = errno;
	close(fd);
	errno = saved;
	return ok;
}

/* A file without rows is made, too, when it was begun: who began it wanted it. The folder is not synced: that
 * a name appears late is no half a file. Nor are files that are appended to in place, which readers follow
 * row by row. */
bool
outfile_commit(struct outfile *f)
{
	/* the second case is a file without rows: opening it is what makes it */
	if (!f->error && (f->text.len || (f->temporary && !f->started)))
		outfile_flush(f);
	if (!f->error && f->temporary && (!settle(f) || rename(f->temporary, f->path) < 0))
		fail(f);
	if (f->error)
		undo(f);
	if (f->stream >= 0 && f->path)
		close(f->stream);
	text_free(&f->text);
	free(f->path);
	free(f->temporary);
	f->path = f->temporary = NULL;
	return f->error == 0;
}

/* True when the link points to something that is still there and not less than path. */
static bool
link_is_newer(const char *link, const char *path)
{
	char old[4096];
	struct stat st;
	ssize_t n = readlink(link, old, sizeof(old) - 1);

	if (n < 0)
		return false;
	old[n] = '\0';
	return strcmp(old, path) >= 0 && stat(link, &st) == 0;
}

/* Made under another name and renamed, so the link is never missing. Comparing as text is what pmacct does:
 * names of the usual form sort by time. */
bool
outfile_link_latest(const char *link, const char *path, const struct outfile_owner *owner)
{
	if (link_is_newer(link, path))
		return true;
	char *temporary = temporary_name(link, "link");
	if (!temporary)
		return false;
	unlink(temporary);
	bool ok = symlink(path, temporary) == 0;
	if (!ok && errno == ENOENT)
		ok = make_folders(link, owner) && symlink(path, temporary) == 0;
	if (ok && owner_set(owner))
		ok = lchown(temporary, owner->uid, owner->gid) == 0;
	ok = ok && rename(temporary, link) == 0;
	int saved = errno;
	if (!ok)
		unlink(temporary);
	free(temporary);
	errno = saved;
	return ok;
}
