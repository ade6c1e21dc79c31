#include "collector/core/control.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_MAX 32
#define LINE_MAX_   256

struct client {
	int fd; /* -1: free */
	size_t have;
	char line[LINE_MAX_];
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

static bool
watch(struct control *c, int fd, uint32_t events, struct client *client, int op)
{
	struct epoll_event e = {.events = events, .data.ptr = client};
	return epoll_ctl(c->epoll, op, fd, &e) == 0;
}

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

static void
client_close(struct client *cl)
{
	close(cl->fd);
	text_free(&cl->answer);
	*cl = (struct client){.fd = -1};
}

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

static void
answer(struct control *c, struct client *cl)
{
	for (const struct control_command *cmd = c->commands; cmd->line; cmd++) {
		if (strcmp(cmd->line, cl->line) == 0) {
			cmd->run(c->ctx, &cl->answer);
			return;
		}
	}
	text_printf(&cl->answer, "unknown command '%s'; known are:", cl->line);
	for (const struct control_command *cmd = c->commands; cmd->line; cmd++)
		text_printf(&cl->answer, " '%s'", cmd->line);
	text_char(&cl->answer, '\n');
}

static void
client_read(struct control *c, struct client *cl)
{
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
	if (!end)
		return;
	*end = '\0';
	answer(c, cl);
	if (!watch(c, cl->fd, EPOLLOUT, cl, EPOLL_CTL_MOD))
		client_close(cl);
}

static void
client_write(struct client *cl)
{
	ssize_t n =
	    send(cl->fd, cl->answer.data + cl->sent, cl->answer.len - cl->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno == EAGAIN)
		return;
	cl->sent += n > 0 ? (size_t)n : 0;
	if (n <= 0 || cl->sent == cl->answer.len)
		client_close(cl);
}

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
