/* Clients of the memory table, on the one thread that also absorbs records.
 *
 * A client is in one of three states: its request is being read, its request is being answered in slices
 * between batches, or it has not taken what it was sent and waits for EPOLLOUT. It owns at most one request
 * of bounded size and one outbox of bounded size (but for MEMORY_LOCK, which one client at a time may use),
 * so a slow client holds memory and nothing else; it never holds the table. When all places are taken, the
 * client that has been idle longest gives way.
 *
 * Rejected: a thread for queries (entries would have to be locked or could be torn), and forking for a
 * snapshot (at 10 M entries the copied pages cost collection more than the query).
 *
 * Every drop has a name: a client that is refused gets an ERROR frame where it can still understand one, and
 * a row of table_counter_desc counts it. Clients are local and trusted with what the socket's mode lets them
 * see, but not with the daemon's time or memory: all bounds here are against the careless script as much as
 * against the hostile one.
 *
 * The life of a request: client_ready reads, take_requests cuts whole requests out of the input, take_request
 * answers the short ones at once into the outbox and makes a job of the others, client_advance runs a job
 * step by step (from serve_slice, or once at once), client_flush sends and decides what the descriptor is
 * watched for. Input is not read while a job runs or output waits: what came ahead stays in the kernel's
 * buffer, which is bounded too. */
#include "plugins/memory_server.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/base/log.h"
#include "plugins/memory_job.h"
#include "plugins/memory_protocol.h"

/* Bounds, all of them for one process with one thread: places, how long a client may be silent, how long
 * records may wait for clients, how much of an answer may wait, how much is read at once. A client costs at
 * most its input (twice a request), OUTBOX_MAX and one frame. */
#define CLIENTS_MAX	64
#define IDLE_US		(10 * US_PER_S) /* after this a client gives way when places are short */
#define SLICE_US	1000		/* how long records may have to wait for clients */
#define STEP_UNITS	8192		/* some 100 us of work */
#define OUTBOX_MAX	((size_t)256 << 10)
#define READ_STEP	((size_t)16 << 10)
#define REQUESTS_A_READ 16 /* of one client, before others have their turn */

const struct counter_desc table_counter_desc[TABLE_COUNTERS] = {
    [TABLE_CLIENTS] = {"memory_clients", NULL, "Clients that connected to the table", COUNTER_SUM},
    [TABLE_REQUESTS] = {"memory_requests", NULL, "Requests taken from clients of the table", COUNTER_SUM},
    [TABLE_QUERIES] = {"memory_queries", NULL, "Queries of the table answered to the end", COUNTER_SUM},
    [TABLE_ROWS] = {"memory_rows_sent", NULL, "Rows of answers made for clients of the table", COUNTER_SUM},
    [TABLE_REFUSED_MAGIC] = {"memory_refused", "reason=\"not_a_request\"",
			     "Clients of the table that were refused and hung up on", COUNTER_SUM},
    [TABLE_REFUSED_SIZE] = {"memory_refused", "reason=\"too_long\"", NULL, COUNTER_SUM},
    [TABLE_REFUSED_TYPE] = {"memory_refused", "reason=\"unknown_type\"", NULL, COUNTER_SUM},
    [TABLE_REFUSED_REQUEST] = {"memory_refused", "reason=\"malformed_or_impossible\"", NULL, COUNTER_SUM},
    [TABLE_REFUSED_FULL] = {"memory_refused", "reason=\"too_many_clients\"", NULL, COUNTER_SUM},
    [TABLE_REFUSED_LOCKED] = {"memory_refused", "reason=\"locked\"", NULL, COUNTER_SUM},
    [TABLE_REFUSED_MEMORY] = {"memory_refused", "reason=\"no_memory\"", NULL, COUNTER_SUM},
    [TABLE_DROPPED_IDLE] = {"memory_dropped_clients", "reason=\"idle\"",
			    "Clients of the table that had to give way", COUNTER_SUM},
    [TABLE_DROPPED_SLOW] = {"memory_dropped_clients", "reason=\"slow\"", NULL, COUNTER_SUM},
};

/* The status answer's words for the same figures, of this process alone. Scripts read them. */
static const char *const status_name[TABLE_COUNTERS] = {
    [TABLE_CLIENTS] = "clients_accepted",
    [TABLE_REQUESTS] = "requests",
    [TABLE_QUERIES] = "queries_answered",
    [TABLE_ROWS] = "rows_sent",
    [TABLE_REFUSED_MAGIC] = "refused_not_a_request",
    [TABLE_REFUSED_SIZE] = "refused_too_long",
    [TABLE_REFUSED_TYPE] = "refused_unknown_type",
    [TABLE_REFUSED_REQUEST] = "refused_malformed_or_impossible",
    [TABLE_REFUSED_FULL] = "refused_too_many_clients",
    [TABLE_REFUSED_LOCKED] = "refused_locked",
    [TABLE_REFUSED_MEMORY] = "refused_no_memory",
    [TABLE_DROPPED_IDLE] = "dropped_idle_clients",
    [TABLE_DROPPED_SLOW] = "dropped_slow_clients",
};

/* A place for a client; it is free when fd is -1. The pointer back to the server makes callbacks short, and
 * the place itself never moves, so it can be handed to the host as context. */
struct client {
	int fd; /* -1: a free place */
	struct memory_server *server;
	uint8_t *in;
	size_t in_len, in_cap;
	struct outbox out;
	struct job *job;
	uint32_t queries; /* of the request that job answers */
	bool lock;
	bool blocked; /* waits for EPOLLOUT */
	bool closing; /* to be closed when the outbox is empty */
	uint64_t active_us;
};

/* One a process. Places are an array: walking 64 of them is cheaper than keeping lists right. */
struct memory_server {
	struct plugin_host *host;
	struct memory_table *table;
	int fd;
	char *path;
	struct client client[CLIENTS_MAX];
	unsigned clients;
	unsigned turn; /* whose step is next */
	bool slicing;
	uint64_t figure[TABLE_COUNTERS]; /* of this process; the registry's go on over restarts */
};

static plugin_fd_ready client_ready;
static plugin_slice serve_slice;
static void client_advance(struct client *c);

/* Counts for the status answer and for the registry. */
static void
note(struct memory_server *s, enum table_counter id, uint64_t n)
{
	s->figure[id] += n;
	if (s->table->own)
		counter_add(s->table->own, id, n);
}

/* After so long without a sign of life a client may be made to give way. */
static uint64_t
idle_us(const struct memory_server *s)
{
	return s->table->idle_us ? s->table->idle_us : IDLE_US;
}

/* The host calls for slices only while there is work, and sleeps otherwise. */
static void
want_slices(struct memory_server *s)
{
	if (!s->slicing)
		plugin_host_slices(s->host, serve_slice, s);
	s->slicing = true;
}

/* A failure shows as a client that is never served again and at last gives way as idle; there is nothing
 * better to do about it. */
static void
watch(struct client *c, uint32_t events)
{
	plugin_host_watch(c->server->host, c->fd, events, client_ready, c);
}

/* May be called from any place that has the client; who called it must not touch it again. */
static void
client_close(struct client *c)
{
	/* before close(): a number that is closed cannot be taken off the watch any more */
	watch(c, 0);
	close(c->fd);
	free(c->in);
	outbox_free(&c->out);
	job_free(c->job);
	struct memory_server *s = c->server;
	*c = (struct client){.fd = -1, .server = s};
	s->clients--;
}

/* --- sending --- */

enum sending { SENT_ALL, SENT_PART, SENT_DEAD };

/* Sends until the kernel's buffer is full. A client that died shows here as an error, never as a signal. */
static enum sending
client_send(struct client *c)
{
	while (c->out.sent < c->out.len) {
		ssize_t n = send(c->fd, c->out.data + c->out.sent, c->out.len - c->out.sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			c->out.sent += (size_t)n;
			c->active_us = clock_monotonic_us();
		} else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			return SENT_PART;
		} else if (n < 0 && errno != EINTR) {
			return SENT_DEAD;
		}
	}
	outbox_empty(&c->out);
	return SENT_ALL;
}

/* Sends what there is and watches for what comes next. False when the client is gone (and closed). */
static bool
client_flush(struct client *c)
{
	enum sending sent = client_send(c);
	if (sent == SENT_DEAD || (sent == SENT_ALL && c->closing)) {
		client_close(c);
		return false;
	}
	/* with a job under way the descriptor is not watched: slices drive it */
	c->blocked = sent == SENT_PART;
	if (c->blocked)
		watch(c, EPOLLOUT);
	else
		watch(c, c->job ? 0 : EPOLLIN);
	/* a client that is blocked is woken by EPOLLOUT instead */
	if (c->job && !c->blocked)
		want_slices(c->server);
	return true;
}

/* Says why, and hangs up once that is sent. */
static void
refuse(struct client *c, enum table_counter why, const char *text)
{
	note(c->server, why, 1);
	c->closing = true;
	job_free(c->job);
	c->job = NULL;
	if (text)
		outbox_frame(&c->out, MEMORY_ERROR, 0, text, strlen(text));
}

/* --- requests --- */

/* Made anew for each client: it is asked once a connection. */
static void
answer_layout(struct client *c)
{
	struct text t = {0};
	layout_describe(&t, c->server->table->layout);
	if (!outbox_frame(&c->out, MEMORY_LAYOUT, 0, t.data, t.len))
		refuse(c, TABLE_REFUSED_MEMORY, NULL);
	text_free(&t);
}

/* One form for all lines: scripts split at the colon. */
static void
add_figure(struct text *t, const char *name, uint64_t v)
{
	text_printf(t, "%s: %" PRIu64 "\n", name, v);
}

/* What found no place, by counter, so that totals can be put right by hand. */
static void
add_overflow(struct text *t, const struct memory_table *table)
{
	uint64_t records;
	const uint64_t *over = cache_overflow(table->cache, &records);
	add_figure(t, "dropped_records", records);
	for (unsigned i = 0; i < table->layout->counters; i++)
		text_printf(t, "dropped_%s: %" PRIu64 "\n", primitive_get(table->layout->counter[i].id)->name,
			    over[i]);
}

/* Lines of a fixed name and a figure: read by people, by scripts, and by later versions of the client. */
static void
answer_status(struct client *c)
{
	struct memory_server *s = c->server;
	const struct memory_table *table = s->table;
	struct text t = {0};
	uint64_t now = clock_now_us(), entries = cache_entries(table->cache),
		 bytes = cache_bytes(table->cache);
	text_printf(&t, "plugin: %s\n", table->name);
	add_figure(&t, "entries", entries);
	add_figure(&t, "bytes", bytes);
	add_figure(&t, "bytes_per_entry", entries ? bytes / entries : 0);
	add_figure(&t, "max_bytes", table->max_bytes);
	add_figure(&t, "records", table->records);
	add_overflow(&t, table);
	add_figure(&t, "seconds_running", (now - table->started_us) / US_PER_S);
	if (table->erased_us)
		add_figure(&t, "seconds_since_erase", (now - table->erased_us) / US_PER_S);
	else
		text_str(&t, "seconds_since_erase: never\n");
	add_figure(&t, "clients", s->clients);
	for (unsigned i = 0; i < TABLE_COUNTERS; i++)
		add_figure(&t, status_name[i], s->figure[i]);
	if (!outbox_frame(&c->out, MEMORY_STATUS, 0, t.data, t.len))
		refuse(c, TABLE_REFUSED_MEMORY, NULL);
	text_free(&t);
}

/* Gauges of the registry; the core's status and metrics show them without asking this process. */
void
memory_table_count(const struct memory_table *table)
{
	if (!table->counters)
		return;
	counter_set(table->counters, PLUGIN_ENTRIES, cache_entries(table->cache));
	counter_set(table->counters, PLUGIN_BYTES, cache_bytes(table->cache));
}

/* Jobs under way notice by the cache's generation. */
static void
answer_erase(struct client *c)
{
	struct memory_table *table = c->server->table;
	static const uint8_t nothing[16];
	cache_clear(table->cache);
	table->erased_us = clock_now_us();
	memory_table_count(table);
	if (!outbox_frame(&c->out, MEMORY_END, 0, nothing, sizeof(nothing)))
		refuse(c, TABLE_REFUSED_MEMORY, NULL);
}

/* The client that still has to take an answer of one moment, or NULL. */
static struct client *
find_locker(struct memory_server *s)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &s->client[i];
		if (c->fd >= 0 && c->lock && c->out.len > 0)
			return c;
	}
	return NULL;
}

/* An answer of one moment may be as large as the table; one of them at a time bounds what clients can cost. A
 * locker that takes nothing for long gives way, or it would keep everybody else from locking for ever. */
static bool
may_lock(struct memory_server *s)
{
	struct client *locker = find_locker(s);
	if (!locker)
		return true;
	if (clock_monotonic_us() - locker->active_us < idle_us(s))
		return false;
	note(s, TABLE_DROPPED_SLOW, 1);
	client_close(locker);
	return true;
}

/* Only decodes and prepares; the work is done in steps by client_advance(). */
static void
begin_job(struct client *c, const struct memory_header *h, const uint8_t *body)
{
	struct memory_server *s = c->server;
	struct memory_request r;
	char err[200];
	if (!memory_request_decode(&r, h, body, err, sizeof(err)))
		return refuse(c, TABLE_REFUSED_REQUEST, err);
	if (r.flags & MEMORY_LOCK && !may_lock(s))
		return refuse(c, TABLE_REFUSED_LOCKED,
			      "another client is taking a snapshot: try again, or without -l");
	c->job = job_new(s->table->cache, s->table->layout, &r, err, sizeof(err));
	if (!c->job)
		return refuse(c, TABLE_REFUSED_REQUEST, err);
	c->lock = r.flags & MEMORY_LOCK;
	c->queries = r.queries ? r.queries : 1; /* a dump is one */
}

/* Each request is answered by frames of its own; only jobs outlive this call. */
static void
take_request(struct client *c, const struct memory_header *h, const uint8_t *body)
{
	note(c->server, TABLE_REQUESTS, 1);
	switch (h->type) {
	case MEMORY_LAYOUT:
		return answer_layout(c);
	case MEMORY_STATUS:
		return answer_status(c);
	case MEMORY_ERASE:
		return answer_erase(c);
	/* three kinds of one question; job_new() knows the difference */
	case MEMORY_DUMP:
	case MEMORY_MATCH:
	case MEMORY_COUNT:
		return begin_job(c, h, body);
	default:
		return refuse(c, TABLE_REFUSED_TYPE,
			      "the daemon does not know this kind of request: is it older than the client?");
	}
}

/* Takes the complete requests out of the input, until one begins a job. */
static void
take_requests(struct client *c)
{
	size_t at = 0;
	while (!c->closing && !c->job && c->in_len - at >= MEMORY_HEADER) {
		struct memory_header h;
		/* without the magic nothing that follows can be trusted, not even to be a frame: no answer */
		if (!memory_header_get(&h, c->in + at)) {
			refuse(c, TABLE_REFUSED_MAGIC, NULL);
			break;
		}
		/* refused by the header alone, before a byte of the body is stored */
		if (h.bytes > MEMORY_REQUEST_MAX) {
			refuse(c, TABLE_REFUSED_SIZE, "the request is too long");
			break;
		}
		if (c->in_len - at < MEMORY_HEADER + h.bytes)
			break;
		take_request(c, &h, c->in + at + MEMORY_HEADER);
		at += MEMORY_HEADER + h.bytes;
		if (c->out.len > OUTBOX_MAX)
			break;
	}
	/* a request cut in two waits for its rest at the front */
	if (at) {
		memmove(c->in, c->in + at, c->in_len - at);
		c->in_len -= at;
	}
}

/* Sends what there is, then takes the requests that came behind the one answered last. */
static void
client_continue(struct client *c)
{
	while (client_flush(c) && !c->blocked && !c->job && !c->closing) {
		size_t before = c->in_len;
		take_requests(c);
		if (c->in_len == before)
			break;
	}
}

/* Room for more input: it grows with what really comes, not with what a header promises. */
static bool
make_room(struct client *c)
{
	if (c->in_len == 0 && c->in_cap > 4 * READ_STEP) {
		free(c->in);
		c->in = NULL;
		c->in_cap = 0;
	}
	if (c->in_cap - c->in_len >= READ_STEP)
		return true;
	size_t cap = c->in_cap ? c->in_cap * 2 : READ_STEP;
	/* a doubling may pass the largest request by its half; beyond that no request can need more */
	if (cap > 2 * (size_t)(MEMORY_REQUEST_MAX + READ_STEP))
		return false;
	uint8_t *p = realloc(c->in, cap);
	if (!p)
		return false;
	c->in = p;
	c->in_cap = cap;
	return true;
}

/* False when nothing more comes now, or ever. */
static bool
client_read(struct client *c)
{
	if (c->out.len > OUTBOX_MAX) /* first let it take that; requests may stand in the input, too */
		return false;
	if (!make_room(c)) {
		refuse(c, TABLE_REFUSED_MEMORY, NULL);
		return false;
	}
	/* one step at a time: the next look may find the outbox full or a job begun */
	ssize_t n = recv(c->fd, c->in + c->in_len, READ_STEP, MSG_DONTWAIT);
	if (n > 0) {
		c->in_len += (size_t)n;
		c->active_us = clock_monotonic_us();
		take_requests(c);
		return !c->closing && !c->job;
	}
	if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		c->closing = true;
	return false;
}

/* A hang-up with bytes still to read is read first: the request of a client that has already closed its end
 * is answered. While a job runs or an answer waits, no input is read: that is what bounds a client's memory.
 */
static void
client_ready(void *ctx, int fd, uint32_t events)
{
	struct client *c = ctx;
	(void)fd;
	/* nobody is left to read an answer, and nothing is left to read from it */
	if (events & (EPOLLERR | EPOLLHUP) && !(events & EPOLLIN)) {
		client_close(c);
		return;
	}
	if (!c->blocked) {
		for (unsigned i = 0; i < REQUESTS_A_READ && client_read(c); i++)
			;
	}
	if (c->job && !c->blocked)
		client_advance(c); /* at once: most answers are short */
	else
		client_continue(c);
}

/* --- slices --- */

/* One step of a client's answer; all of them when the answer must be of one moment. A client that is worked
 * for is not idle, even when a long walk finds nothing to send. */
static void
client_advance(struct client *c)
{
	enum job_state state;
	c->active_us = clock_monotonic_us();
	do
		state = job_step(c->job, &c->out, c->lock ? SIZE_MAX : STEP_UNITS);
	while (c->lock && state == JOB_MORE);
	if (state == JOB_NO_MEMORY) {
		refuse(c, TABLE_REFUSED_MEMORY, "the daemon has not enough memory for the answer");
	} else if (state == JOB_DONE) {
		note(c->server, TABLE_QUERIES, c->queries);
		note(c->server, TABLE_ROWS, job_rows(c->job));
		job_free(c->job);
		c->job = NULL;
	}
	client_continue(c);
}

/* The next client that can go on, by turns; NULL when none can. */
static struct client *
next_in_turn(struct memory_server *s)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &s->client[(s->turn + i) % CLIENTS_MAX];
		if (c->fd >= 0 && c->job && !c->blocked) {
			s->turn = (unsigned)(c - s->client) + 1;
			return c;
		}
	}
	return NULL;
}

/* Goes on for a millisecond at most: at 3 M records a second that is 3,000 records, a fraction of the queue.
 */
static bool
serve_slice(void *ctx)
{
	struct memory_server *s = ctx;
	uint64_t until = clock_monotonic_us() + SLICE_US;
	struct client *c;
	while ((c = next_in_turn(s)) != NULL) {
		client_advance(c);
		if (clock_monotonic_us() >= until)
			return true;
	}
	s->slicing = false;
	return false;
}

/* --- coming --- */

/* Places are fixed: no allocation can fail between accept and the first read. */
static struct client *
free_place(struct memory_server *s)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (s->client[i].fd < 0)
			return &s->client[i];
	}
	return NULL;
}

/* Closes the client that has been idle longest, if that is at least for_us long. */
static void
close_idlest(struct memory_server *s, uint64_t for_us)
{
	struct client *idlest = NULL;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &s->client[i];
		if (c->fd >= 0 && (!idlest || c->active_us < idlest->active_us))
			idlest = c;
	}
	if (!idlest || clock_monotonic_us() - idlest->active_us < for_us)
		return;
	note(s, idlest->blocked ? TABLE_DROPPED_SLOW : TABLE_DROPPED_IDLE, 1);
	client_close(idlest);
}

/* Best effort: a client that cannot take these few bytes learns from the hang-up. */
static void
turn_away(struct memory_server *s, int fd)
{
	static const char text[] = "too many clients ask at once: try again";
	struct outbox o = {0};
	note(s, TABLE_REFUSED_FULL, 1);
	if (outbox_frame(&o, MEMORY_ERROR, 0, text, sizeof(text) - 1) &&
	    send(fd, o.data, o.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("could not tell a client that there are too many: %s", strerror(errno));
	outbox_free(&o);
	close(fd);
}

/* The request is mostly there when the connection is accepted, so it is answered in the same round instead of
 * waiting for the next. */
static void
welcome(struct memory_server *s, int fd)
{
	if (s->clients == CLIENTS_MAX)
		close_idlest(s, idle_us(s));
	struct client *c = free_place(s);
	if (!c)
		return turn_away(s, fd);
	*c = (struct client){.fd = fd, .server = s, .active_us = clock_monotonic_us()};
	s->clients++;
	note(s, TABLE_CLIENTS, 1);
	watch(c, EPOLLIN);
	client_ready(c, fd, EPOLLIN); /* its first request is often there already */
}

/* All that wait are taken at once, up to the number of places, since each later round would cost them a drain
 * of the queue. */
static void
accept_ready(void *ctx, int listen_fd, uint32_t events)
{
	struct memory_server *s = ctx;
	(void)events;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			welcome(s, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE) /* else the loop would be woken for ever */
			close_idlest(s, 0);
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

/* --- opening and closing --- */

/* 0 when somebody listens there, else errno. */
static int
connect_probe(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int result = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ? 0 : errno;
	close(fd);
	return result;
}

/* Makes way for the socket: removes one that nobody listens on, refuses to touch anything else. */
static bool
clear_path(const struct sockaddr_un *sun, char *err, size_t errlen)
{
	const char *path = sun->sun_path;
	struct stat st;
	if (lstat(path, &st) != 0)
		return true; /* bind says what is wrong with the directory */
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(err, errlen, "%s exists and is no socket: remove it or set imt_path to another path",
			 path);
		return false;
	}
	/* only this says for certain that nobody listens; a full backlog, for one, does not */
	if (connect_probe(sun) != ECONNREFUSED) {
		snprintf(err, errlen,
			 "%s is in use by another process: stop it or set imt_path to another path", path);
		return false;
	}
	if (unlink(path) == 0)
		return true;
	snprintf(err, errlen, "cannot remove the old socket %s: %s", path, strerror(errno));
	return false;
}

/* Makes the directory of the path when only that is missing. */
static void
make_directory(const char *path)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *slash = strrchr(path, '/');
	if (!slash || slash == path)
		return;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	if (mkdir(dir, 0777) != 0 && errno != EEXIST)
		log_debug("cannot make %s: %s", dir, strerror(errno));
}

/* The mode comes from umask at the moment of bind, not from a chmod after it: there is no time in which
 * others could connect. bind itself never follows a link. */
static bool
bind_socket(int fd, const struct sockaddr_un *sun, const struct memory_socket *socket, char *err,
	    size_t errlen)
{
	/* the process has one thread here, so its mask may be changed for a moment */
	mode_t before = umask(socket->umask);
	make_directory(sun->sun_path);
	int bound = bind(fd, (const struct sockaddr *)sun, sizeof(*sun));
	umask(before);
	if (bound != 0 || listen(fd, CLIENTS_MAX) != 0) {
		snprintf(err, errlen, "cannot open the socket %s: %s (is the directory there, and writable?)",
			 sun->sun_path, strerror(errno));
		return false;
	}
	if ((socket->uid != (uid_t)-1 || socket->gid != (gid_t)-1) &&
	    lchown(sun->sun_path, socket->uid, socket->gid) != 0)
		log_warn("cannot change the owner of %s: %s", sun->sun_path, strerror(errno));
	return true;
}

/* sun_path is short (108 bytes); asked by --check, too, so that it fails before anything runs. */
bool
memory_socket_path_fits(const char *path, char *err, size_t errlen)
{
	size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	if (strlen(path) <= most)
		return true;
	snprintf(err, errlen,
		 "the path of the table's socket has more than %zu bytes, set a shorter imt_path: %s", most,
		 path);
	return false;
}

/* The listening socket, or -1. */
static int
open_socket(const struct memory_socket *socket_at, char *err, size_t errlen)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	if (!memory_socket_path_fits(socket_at->path, err, errlen))
		return -1;
	memcpy(sun.sun_path, socket_at->path, strlen(socket_at->path));
	if (!clear_path(&sun, err, errlen))
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		snprintf(err, errlen, "cannot make a socket: %s", strerror(errno));
		return -1;
	}
	if (bind_socket(fd, &sun, socket_at, err, errlen))
		return fd;
	close(fd);
	return -1;
}

/* The path is copied: the caller's may be a buffer on the stack. Every place knows its server from the start,
 * since callbacks get only the client. */
struct memory_server *
memory_server_open(struct plugin_host *host, struct memory_table *table,
		   const struct memory_socket *socket_at, char *err, size_t errlen)
{
	struct memory_server *s = calloc(1, sizeof(*s));
	char *path = strdup(socket_at->path);
	if (!s || !path) {
		snprintf(err, errlen, "no memory for the socket");
		free(s);
		free(path);
		return NULL;
	}
	*s = (struct memory_server){.host = host, .table = table, .path = path};
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		s->client[i] = (struct client){.fd = -1, .server = s};
	s->fd = open_socket(socket_at, err, errlen);
	if (s->fd >= 0 && plugin_host_watch(host, s->fd, EPOLLIN, accept_ready, s))
		return s;
	if (s->fd >= 0) {
		snprintf(err, errlen, "cannot watch the socket: %s", strerror(errno));
		close(s->fd);
		unlink(path);
	}
	free(path);
	free(s);
	return NULL;
}

/* Clients see the end of the connection. The path is removed while the socket is still ours, so it is not a
 * successor's that goes. */
void
memory_server_close(struct memory_server *s)
{
	plugin_host_slices(s->host, NULL, NULL);
	plugin_host_watch(s->host, s->fd, 0, NULL, NULL);
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (s->client[i].fd >= 0)
			client_close(&s->client[i]);
	}
	/* in this order: once closed, the path may already be a successor's */
	unlink(s->path);
	close(s->fd);
	free(s->path);
	free(s);
}
