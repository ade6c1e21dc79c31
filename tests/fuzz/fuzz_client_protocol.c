/* Any bytes on the memory table's socket, and any description of a layout in the client.
 *
 * The first byte chooses: a layout to decode, or a conversation with a server over a real socket, on a table
 * of fixed or of variable keys. The host's services are played here: descriptors are served and slices run
 * until nothing is left to do. */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "plugins/memory_fixture.h"
#include "plugins/memory_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define FDS 1024

struct plugin_host {
	plugin_fd_ready *fn[FDS];
	void *ctx[FDS];
	uint32_t events[FDS];
	plugin_slice *slice;
	void *slice_ctx;
};

bool
plugin_host_watch(struct plugin_host *h, int fd, uint32_t events, plugin_fd_ready *fn, void *ctx)
{
	if (fd < 0 || fd >= FDS)
		return false;
	h->fn[fd] = events ? fn : NULL;
	h->ctx[fd] = ctx;
	h->events[fd] = events;
	return true;
}

void
plugin_host_slices(struct plugin_host *h, plugin_slice *fn, void *ctx)
{
	h->slice = fn;
	h->slice_ctx = ctx;
}

struct bed {
	struct plugin_host host;
	struct layout layout;
	struct memory_table table;
	struct memory_server *server;
	char path[64];
};

static void
fill_tuple(struct bed *b)
{
	uint8_t r[56];
	for (uint32_t i = 0; i < 300; i++) {
		fixture_record(r, i, (uint16_t)(i % 3), i, 100 * i);
		cache_absorb(b->table.cache, r, 1);
	}
}

static void
fill_variable(struct bed *b)
{
	uint8_t r[64];
	for (uint32_t i = 0; i < 300; i++) {
		uint16_t total = 24, n = (uint16_t)(i % 10);
		uint64_t counters[2] = {i, i};
		memset(r, 0, sizeof(r));
		memcpy(r, &total, 2);
		memcpy(r + 2, &i, 4);
		memcpy(r + 7, &n, 2); /* as_path of n zeros, then a label of none */
		memcpy(r + 24, counters, sizeof(counters));
		cache_absorb(b->table.cache, r, 1);
	}
}

static struct bed beds[2];

static void
remove_sockets(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(beds); i++) {
		if (beds[i].server)
			unlink(beds[i].path);
	}
}

static struct bed *
open_bed(unsigned which)
{
	struct bed *b = &beds[which];
	char err[300];
	if (b->server)
		return b;
	b->layout = which ? fixture_variable() : fixture_tuple();
	b->table =
	    (struct memory_table){.cache = cache_new(&b->layout, 0), .layout = &b->layout, .name = "fuzz"};
	snprintf(b->path, sizeof(b->path), "/tmp/flowrib-fuzz-%d-%u.sock", (int)getpid(), which);
	struct memory_socket at = {.path = b->path, .umask = 077, .uid = (uid_t)-1, .gid = (gid_t)-1};
	b->server = memory_server_open(&b->host, &b->table, &at, err, sizeof(err));
	if (!b->server)
		abort();
	if (!which)
		atexit(remove_sockets);
	return b;
}

/* What the client does meanwhile: takes what comes. */
static bool
swallow(int fd)
{
	char buf[65536];
	return recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0;
}

static void
serve(struct bed *b, int client)
{
	bool busy = true;
	for (unsigned round = 0; busy && round < 200; round++) {
		busy = swallow(client);
		for (int fd = 0; fd < FDS; fd++) {
			struct pollfd p = {.fd = fd, .events = (short)b->host.events[fd]};
			if (b->host.fn[fd] && poll(&p, 1, 0) > 0) {
				busy = true;
				b->host.fn[fd](b->host.ctx[fd], fd, (uint32_t)p.revents);
			}
		}
		if (b->host.slice && !b->host.slice(b->host.slice_ctx))
			b->host.slice = NULL;
		busy |= b->host.slice != NULL;
	}
}

static void
converse(struct bed *b, const uint8_t *data, size_t n)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	if (cache_entries(b->table.cache) == 0) { /* erased by the last one */
		if (b->layout.key_size)
			fill_tuple(b);
		else
			fill_variable(b);
	}
	memcpy(sun.sun_path, b->path, strlen(b->path));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0)
		abort();
	while (n) { /* in two halves, so that requests arrive cut */
		size_t part = n > 32 ? n / 2 : n;
		if (send(fd, data, part, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)part)
			break;
		serve(b, fd);
		data += part;
		n -= part;
	}
	close(fd);
	serve(b, -1);
}

static void
decode_layout(const uint8_t *data, size_t n)
{
	struct wire w = wire_over(data, n);
	struct layout l;
	char err[300];
	if (!layout_understand(&l, &w, true, err, sizeof(err)))
		return;
	/* what is left are records of it: what is valid can be walked and read */
	uint32_t count = (uint32_t)(wire_left(&w) / 24);
	if (!layout_records_valid(&l, w.pos, wire_left(&w), count))
		return;
	for (const uint8_t *r = w.pos; count--; r += layout_record_size(&l, r)) {
		for (unsigned i = 0; i < l.fields; i++) {
			size_t len;
			const uint8_t *v = layout_value(&l, &l.field[i], r, &len);
			for (volatile size_t k = 0; k < len; k++)
				(void)*(const volatile uint8_t *)(v + k);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	if (data[0] == 2)
		decode_layout(data + 1, n - 1);
	else
		converse(open_bed(data[0] & 1), data + 1, n - 1);
	return 0;
}
