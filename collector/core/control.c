/* The control socket. It runs on the control thread between other work, so nothing here may wait: sockets
 * do not block, an answer is made first and sent as fast as its reader takes it. Requests are whole lines;
 * what a command takes behind its name it reads itself. Whoever can open the socket may do all that commands
 * can, so its mode and its directory are the only guard.
 *
 * A client has two states: it is read from until its line is complete, then written to until its answer is
 * out. There is no third, since one connection is one question. */
#include "collector/core/control.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Nobody needs more at once; a place costs some three hundred bytes. */
#define CLIENTS_MAX 32
#define LINE_MAX_   256

struct client {
	int fd; /* -1: free */
	size_t have;
	char line[LINE_MAX_];
	/* made when the line is complete; how much of it is on its way */
	struct text answer;
	size_t sent;
};

struct control {
	int epoll;
	int listener;
	char path[108];
	const struct control_command *commands;
	void *ctx;
	unsigned victim; /* who makes room when all places are taken */
	struct client client[CLIENTS_MAX];
};

/* A socket file that nobody answers at is left over from a daemon that was killed, and is replaced. One
 * that is answered belongs to a living daemon: refusing here is what keeps two daemons out of one runtime
 * directory. Anything that is no socket is not touched; bind fails on it. */
static int
listen_at(const char *path, char *err, size_t errlen)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct stat st;
	if (strlen(path) >= sizeof(un.sun_path)) {
		snprintf(err, errlen,
			 "control socket: the path '%s' is longer than %zu bytes; set runtime_dir", path,
			 sizeof(un.sun_path) - 1);
		return -1;
	}
	memcpy(un.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		snprintf(err, errlen, "control socket: %s", strerror(errno));
		return -1;
	}
	/* lstat: a link is nobody's socket and stays where it is; bind fails on it */
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
		if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0) {
			snprintf(err, errlen,
				 "another flowribd answers at '%s'; stop it or set another runtime_dir",
				 path);
			close(fd);
			return -1;
		}
		unlink(path);
	}
	/* the mode must be right from the first moment: bind makes the file */
	/* no thread that makes files runs yet, so nobody else gets this mask */
	mode_t old = umask(0177);
	int rc = bind(fd, (struct sockaddr *)&un, sizeof(un));
	umask(old);
	if (rc < 0 || listen(fd, CLIENTS_MAX) < 0) {
		snprintf(err, errlen, "cannot listen at '%s': %s", path, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

/* client NULL stands for the listener; its address tells the event loop whom an event is for. */
static bool
watch(struct control *c, int fd, uint32_t events, struct client *client, int op)
{
	struct epoll_event e = {.events = events, .data.ptr = client};
	return epoll_ctl(c->epoll, op, fd, &e) == 0;
}

/* The listener and all clients stand behind one epoll descriptor, so that the main loop waits for a single
 * one whatever the number of clients. */
struct control *
control_open(const char *path, const struct control_command *commands, void *ctx, char *err, size_t errlen)
{
	struct control *c = calloc(1, sizeof(*c));
	snprintf(err, errlen, "control socket: no memory");
	if (!c)
		return NULL;
	snprintf(c->path, sizeof(c->path), "%s", path);
	c->commands = commands;
	c->ctx = ctx;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		c->client[i].fd = -1;
	c->listener = listen_at(path, err, errlen);
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (c->listener < 0 || c->epoll < 0 || !watch(c, c->listener, EPOLLIN, NULL, EPOLL_CTL_ADD)) {
		if (c->listener >= 0)
			close(c->listener);
		if (c->epoll >= 0)
			close(c->epoll);
		free(c);
		return NULL;
	}
	return c;
}

int
control_fd(const struct control *c)
{
	return c->epoll;
}

/* Closing the descriptor takes it out of epoll as well. */
static void
client_close(struct client *cl)
{
	close(cl->fd);
	text_free(&cl->answer);
	*cl = (struct client){.fd = -1};
}

/* Takes all that are waiting: the listener is level-triggered, but each round costs the main loop a turn. */
static void
accept_clients(struct control *c)
{
	int fd;
	while ((fd = accept4(c->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct client *cl = NULL;
		for (unsigned i = 0; i < CLIENTS_MAX && !cl; i++)
			if (c->client[i].fd < 0)
				cl = &c->client[i];
		if (!cl) { /* places make room in turn: idle clients cannot keep others out */
			cl = &c->client[c->victim++ % CLIENTS_MAX];
			client_close(cl);
		}
		cl->fd = fd;
		if (!watch(c, fd, EPOLLIN, cl, EPOLL_CTL_ADD))
			client_close(cl);
	}
}

/* What stands behind the command in a request, "" for nothing; NULL when the request is another. */
static const char *
words_of(const char *command, const char *request)
{
	size_t n = strlen(command);
	if (n && command[n - 1] == ' ')
		return strncmp(command, request, n) == 0 ? request + n : NULL;
	return strcmp(command, request) == 0 ? "" : NULL;
}

/* The answer is made in one piece in memory before the first byte is sent: a slow reader then holds memory,
 * and neither a lock nor the control thread. */
static void
answer(struct control *c, struct client *cl)
{
	for (const struct control_command *cmd = c->commands; cmd->line; cmd++) {
		const char *words = words_of(cmd->line, cl->line);
		if (words) {
			cmd->run(c->ctx, words, &cl->answer);
			return;
		}
	}
	text_printf(&cl->answer, "unknown command '%s'; known are:", cl->line);
	for (const struct control_command *cmd = c->commands; cmd->line; cmd++)
		text_printf(&cl->answer, " '%s'", cmd->line);
	text_char(&cl->answer, '\n');
}

/* One line is a whole request. What a client sends after it is never read, and a line that does not fit
 * ends the connection. */
static void
client_read(struct control *c, struct client *cl)
{
	/* one byte is kept for the NUL that ends the line below */
	ssize_t n = recv(cl->fd, cl->line + cl->have, sizeof(cl->line) - 1 - cl->have, MSG_DONTWAIT);
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			client_close(cl);
		return;
	}
	cl->have += (size_t)n;
	char *end = memchr(cl->line, '\n', cl->have);
	if (!end && cl->have == sizeof(cl->line) - 1) {
		client_close(cl);
		return;
	}
	/* the rest of the line is still to come */
	if (!end)
		return;
	*end = '\0';
	answer(c, cl);
	/* from here on the client is only written to; nothing to say is an answer, too */
	if (!cl->answer.len || !watch(c, cl->fd, EPOLLOUT, cl, EPOLL_CTL_MOD))
		client_close(cl);
}

/* Sends what the socket takes now; the rest goes when epoll says so. A reader that went away costs nothing
 * but the close. */
static void
client_write(struct client *cl)
{
	ssize_t n =
	    send(cl->fd, cl->answer.data + cl->sent, cl->answer.len - cl->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno == EAGAIN)
		return;
	cl->sent += n > 0 ? (size_t)n : 0;
	/* the end of the connection is the end of the answer */
	if (n <= 0 || cl->sent == cl->answer.len)
		client_close(cl);
}

/* Events of one round may concern a client that an earlier one of the same round closed to make room: its
 * descriptor is -1 then. */
void
control_run(struct control *c)
{
	struct epoll_event e[CLIENTS_MAX + 1];
	int n = epoll_wait(c->epoll, e, ARRAY_SIZE(e), 0);
	for (int i = 0; i < n; i++) {
		struct client *cl = e[i].data.ptr;
		if (!cl)
			accept_clients(c);
		else if (cl->fd >= 0 && cl->answer.len && e[i].events & EPOLLOUT)
			client_write(cl);
		else if (cl->fd >= 0)
			client_read(c, cl);
	}
}

/* The file goes last, so that a client that comes meanwhile is refused instead of waiting for an answer. */
void
control_close(struct control *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (c->client[i].fd >= 0)
			client_close(&c->client[i]);
	close(c->listener);
	close(c->epoll);
	unlink(c->path);
	free(c);
}
