/* Reads in large pieces: a table of a million entries is 56 MB, and a frame is handed out where it was read.
 *
 * The buffer holds two of the largest frames, so a frame always fits behind what is left of the one before,
 * and moving the rest to the front is rare. Nothing that comes is believed: lengths are checked against the
 * buffer here, records against the layout by who uses them. */
#include "tools/client/connection.h"

#include <dirent.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "collector/base/rundir.h"

/* Where pmacct's daemon listens unless told otherwise. */
#define LEGACY_PATH "/tmp/collect.pipe"
#define CONTROL	    "control.sock"
#define BUFFER	    (2 * (size_t)(MEMORY_FRAME_MAX + MEMORY_HEADER))

/* --- where --- */

/* The daemon's control socket stands in the same directory. */
static bool
is_table_socket(const char *dir, const char *name, char *path, size_t n)
{
	struct stat st;
	size_t len = strlen(name);
	if (len < 5 || strcmp(name + len - 5, ".sock") != 0 || strcmp(name, CONTROL) == 0)
		return false;
	return (size_t)snprintf(path, n, "%s/%s", dir, name) < n && lstat(path, &st) == 0 &&
	       S_ISSOCK(st.st_mode);
}

/* Most daemons have one table, so its socket need not be named. With several we do not guess: numbers of the
 * wrong table look right. As pmacct the old fixed path is tried instead. */
bool
connection_default_path(char *buf, size_t n, bool legacy)
{
	char dir[256], path[512], found[512] = "";
	unsigned count = 0;
	/* the same rule as the daemon's: root has one place, users have theirs */
	rundir_default(dir, sizeof(dir));
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
		if (!is_table_socket(dir, e->d_name, path, sizeof(path)))
			continue;
		count++;
		snprintf(found, sizeof(found), "%s", path);
	}
	if (d)
		closedir(d);
	/* scripts of pmacct name no socket when the default served them */
	if (count == 1 || legacy) {
		snprintf(buf, n, "%s", count == 1 ? found : LEGACY_PATH);
		return true;
	}
	if (count == 0)
		snprintf(buf, n,
			 "no table's socket in %s: is flowribd running with a memory plugin? (-p PATH names "
			 "its socket)",
			 dir);
	else
		snprintf(buf, n, "%u tables in %s: choose one by its plugin's name, such as -p %.*s", count,
			 dir, (int)(strlen(found) - strlen(dir) - strlen("/.sock")), found + strlen(dir) + 1);
	return false;
}

const char *
connection_named_path(char *buf, size_t n, const char *name)
{
	char dir[256];
	/* a path as it is, also one in this directory */
	if (strchr(name, '/') || access(name, F_OK) == 0)
		return name;
	snprintf(buf, n, "%s/%s.sock", rundir_default(dir, sizeof(dir)), name);
	return access(buf, F_OK) == 0 ? buf : name;
}

/* --- frames --- */

/* Blocking: a client has nothing else to do. errno is kept for the caller's message. */
int
connection_dial(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	/* close() must not hide why connecting failed */
	int why = errno;
	if (fd >= 0)
		close(fd);
	errno = why;
	return -1;
}

/* Only the first thing that went wrong in an exchange; the connection is not used after it. */
static bool
fail(struct connection *c, const char *what)
{
	snprintf(c->err, sizeof(c->err), "%s", what);
	return false;
}

/* A request is small; waiting for the daemon to take it is right. */
bool
connection_send(struct connection *c, uint16_t type, uint16_t flags, const struct text *body)
{
	struct text t = {0};
	size_t n = body ? body->len : 0, sent = 0;
	struct memory_header h = {.type = type, .flags = flags, .bytes = (uint32_t)n};
	/* the daemon takes no longer ones; the word is better from here */
	if (n > MEMORY_REQUEST_MAX)
		return fail(c, "the request is too long: ask in parts");
	memory_header_put((uint8_t *)text_reserve(&t, MEMORY_HEADER), &h);
	t.len = MEMORY_HEADER;
	if (n)
		text_add(&t, body->data, n);
	while (sent < t.len) {
		/* a daemon that is gone shows as an error here, not as a signal */
		ssize_t k = send(c->fd, t.data + sent, t.len - sent, MSG_NOSIGNAL);
		if (k < 0 && errno != EINTR)
			break;
		sent += k > 0 ? (size_t)k : 0;
	}
	bool ok = sent == t.len;
	text_free(&t);
	return ok || fail(c, "the daemon hung up");
}

/* Makes n bytes stand at begin. */
static bool
fill(struct connection *c, size_t n)
{
	if (c->begin == c->end)
		c->begin = c->end = 0;
	/* the rest of a frame is moved only when it would not fit behind itself */
	if (BUFFER - c->begin < n) {
		memmove(c->buf, c->buf + c->begin, c->end - c->begin);
		c->end -= c->begin;
		c->begin = 0;
	}
	/* as much as there is room for: the next frame mostly comes along */
	while (c->end - c->begin < n) {
		ssize_t k = read(c->fd, c->buf + c->end, BUFFER - c->end);
		if (k == 0 || (k < 0 && errno != EINTR))
			return fail(c, "the daemon hung up in the middle of an answer");
		c->end += k > 0 ? (size_t)k : 0;
	}
	return true;
}

/* Nothing is copied: the body is valid until the next call. A daemon's refusal comes back as an error with
 * its own words. */
bool
connection_next(struct connection *c, struct memory_header *h, const uint8_t **body)
{
	if (!fill(c, MEMORY_HEADER))
		return false;
	/* also what another program's socket gets to hear */
	if (!memory_header_get(h, c->buf + c->begin) || h->bytes > MEMORY_FRAME_MAX)
		return fail(c, "what answers there is no table of flowribd");
	if (!fill(c, MEMORY_HEADER + h->bytes))
		return false;
	*body = c->buf + c->begin + MEMORY_HEADER;
	c->begin += MEMORY_HEADER + h->bytes;
	if (h->type != MEMORY_ERROR)
		return true;
	snprintf(c->err, sizeof(c->err), "%.*s", (int)h->bytes, (const char *)*body);
	return false;
}

/* Always the first exchange: what people type can only be understood by it. */
static bool
read_layout(struct connection *c)
{
	struct memory_header h;
	const uint8_t *body;
	if (!connection_send(c, MEMORY_LAYOUT, 0, NULL) || !connection_next(c, &h, &body))
		return false;
	/* from a socket, and so read like anything from outside */
	struct wire w = wire_over(body, h.bytes);
	if (h.type != MEMORY_LAYOUT)
		return fail(c, "the daemon answers something else than was asked");
	return layout_understand(&c->layout, &w, true, c->err, sizeof(c->err));
}

/* c must be closed by connection_close() also when this failed. */
bool
connection_open(struct connection *c, const char *path)
{
	*c = (struct connection){.fd = connection_dial(path), .buf = malloc(BUFFER)};
	if (c->fd < 0) /* the words scripts know */
		snprintf(c->err, sizeof(c->err), "Unable to connect to '%s' (%s)", path, strerror(errno));
	else if (!c->buf)
		fail(c, "no memory");
	else if (read_layout(c))
		return true;
	return false;
}

/* Also when opening failed: the descriptor is then -1 or open, never somebody else's. */
void
connection_close(struct connection *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->buf);
}
