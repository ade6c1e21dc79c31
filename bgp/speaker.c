/* One epoll loop for all sessions. A turn reads every ready session once, up to one buffer, so that a peer
 * that floods costs the others one buffer's time; then a slice of what takes long; then what became known is
 * published. Nothing in a turn blocks.
 *
 * Connections are bounded three times: by who is allowed, by how many are not established yet (in all and of
 * one address), and by bgp_daemon_max_peers. When the list of those opening is full the oldest of them that
 * said nothing makes room: a flood delays a peer, it does not lock it out. */
#include "bgp/speaker.h"

#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bgp/roster.h"
#include "collector/base/clock.h"
#include "collector/base/readers.h"

#define BUFFER	      ((size_t)64 << 10) /* of one read: some 15,000 prefixes, 3 ms */
#define EVENTS	      256
#define TICK_US	      (US_PER_S / 2)
#define ACCEPTS	      64  /* in one turn */
#define OPENING_SPARE 64  /* beyond bgp_daemon_max_peers */
#define IDLE_MS	      500 /* the tick */
#define FILES_KEPT    32  /* descriptors that are for others */
#define TIDY_MS	      10
#define TIDY_US	      (100 * 1000) /* while sessions are busy */

/* Contents of files, handed over to the thread. */
struct handover {
	struct allow *allow;
	struct md5_keys *keys;
	bool has_allow, has_keys;
};

struct speaker {
	struct bgp_world *w;
	struct bgp_listener listener;
	bool listening; /* the listener is watched */
	bool fake;	/* the time is a test's */
	int epoll;
	int wake; /* stop or handover */
	pthread_t thread;
	bool running;
	_Atomic bool stop;
	const char *words;
	_Atomic(struct handover *) handover;
	rlim_t files; /* descriptors that the process may have */
	struct allow *allow;
	struct md5_keys *keys;
	TAILQ_HEAD(session_list, session) sessions; /* the oldest first */
	unsigned batch_left;
	uint64_t batch_end_us;
	uint64_t next_tick_us, next_tidy_us;
	uint8_t *buffer;
};

/* --- making --- */

struct speaker *
speaker_new(struct bgp_world *w, const struct bgp_directory **directory)
{
	struct speaker *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->w = w;
	s->listener.fd = s->epoll = s->wake = -1;
	TAILQ_INIT(&s->sessions);
	s->buffer = malloc(BUFFER);
	w->roster = roster_new(w, directory);
	w->now_us = clock_monotonic_us();
	if (s->buffer && w->roster && bgp_scratch_init(&w->scratch))
		return s;
	speaker_free(s);
	return NULL;
}

static void
handover_free(struct handover *h)
{
	if (!h)
		return;
	allow_free(h->allow);
	md5_free(h->keys);
	free(h);
}

/* NULL is allowed. */
void
speaker_free(struct speaker *s)
{
	if (!s)
		return;
	for (struct session *x; (x = TAILQ_FIRST(&s->sessions));) {
		TAILQ_REMOVE(&s->sessions, x, link);
		session_free(x);
	}
	roster_free(s->w->roster);
	s->w->roster = NULL;
	bgp_scratch_free(&s->w->scratch);
	bgp_listen_close(&s->listener);
	if (s->epoll >= 0)
		close(s->epoll);
	if (s->wake >= 0)
		close(s->wake);
	handover_free(s->handover);
	allow_free(s->allow);
	md5_free(s->keys);
	free(s->buffer);
	free(s);
}

static bool
watch(struct speaker *s, int fd, void *tag, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = tag};
	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

/* Tags tell what a descriptor is: NULL the wake-up, the speaker itself the listener, else a session. */
static void
set_listening(struct speaker *s, bool on)
{
	if (s->listening == on)
		return;
	if (on)
		s->listening = watch(s, s->listener.fd, s, EPOLLIN);
	else
		s->listening = epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->listener.fd, NULL) != 0;
}

static bool
load_files(struct speaker *s, char *err, size_t errlen)
{
	const struct bgp_config *c = s->w->config;
	if (c->allow_file && !(s->allow = allow_load(c->allow_file, err, errlen)))
		return false;
	if (c->md5_file && !(s->keys = md5_load(c->md5_file, err, errlen)))
		return false;
	return true;
}

bool
speaker_open(struct speaker *s, char *err, size_t errlen)
{
	if (!load_files(s, err, errlen) || !bgp_listen(&s->listener, s->w->config, s->keys, err, errlen))
		return false;
	struct rlimit limit;
	s->files = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->epoll >= 0 && s->wake >= 0 && watch(s, s->wake, NULL, EPOLLIN)) {
		set_listening(s, true);
		return true;
	}
	snprintf(err, errlen, "cannot wait for BGP sessions: %s", strerror(errno));
	return false;
}

const struct bgp_listener *
speaker_listener(const struct speaker *s)
{
	return &s->listener;
}

/* --- connections --- */

static void
log_refused(struct speaker *s, enum bgp_total why, const struct addr *from, const char *text)
{
	char who[ADDR_TEXT_MAX], held[64];
	bgp_total(s->w, why, 1);
	if (!bgp_may_log(&s->w->limit[why], held, sizeof(held)))
		return;
	addr_format(who, from);
	log_warn("BGP connection from %s refused: %s%s", who, text, held);
}

/* Closes the oldest session that is opening, of an address (NULL: any). A session that sent its OPEN is not
 * taken while there are others. */
static bool
close_opening(struct speaker *s, const struct addr *of)
{
	struct session *found = NULL;
	for (struct session *x = TAILQ_FIRST(&s->sessions); x; x = TAILQ_NEXT(x, link)) {
		if (x->dead || x->state == BGP_ESTABLISHED || (of && !addr_equal(&x->address, of)))
			continue;
		if (!found || (found->state > BGP_ACTIVE && x->state == BGP_ACTIVE))
			found = x;
	}
	if (!found)
		return false;
	session_end(found, ending_of(BGP_TOTAL_REFUSED_OPENING, BGP_NOTIFY(BGP_ERR_CEASE, 5)),
		    "too many connections that are not established; the oldest goes");
	return true;
}

static unsigned
opening_of(const struct speaker *s, const struct addr *address)
{
	unsigned n = 0;
	for (const struct session *x = TAILQ_FIRST(&s->sessions); x; x = TAILQ_NEXT(x, link)) {
		n += !x->dead && x->state != BGP_ESTABLISHED && addr_equal(&x->address, address);
	}
	return n;
}

/* A peer that has a session may connect again: the old one may be dead. */
static bool
is_full(const struct speaker *s, const struct addr *from)
{
	return s->w->established >= s->w->config->max_peers && !roster_session_of(s->w->roster, from);
}

/* May this address have one more connection? The last descriptors are for log files, snapshots and clients.
 */
static bool
admit(struct speaker *s, int fd, const struct addr *from)
{
	char text[100];
	if ((rlim_t)fd + FILES_KEPT >= s->files) {
		log_refused(
		    s, BGP_TOTAL_REFUSED_DESCRIPTORS, from,
		    "no file descriptor is left for it; raise the limit (LimitNOFILE in the unit file, "
		    "or ulimit -n)");
		return false;
	}
	if (!allow_check(s->allow, from)) {
		log_refused(s, BGP_TOTAL_REFUSED_DENIED, from, "it is not in bgp_daemon_allow_file");
		return false;
	}
	if (is_full(s, from)) {
		snprintf(text, sizeof(text), "%u peers have sessions already; raise bgp_daemon_max_peers",
			 s->w->established);
		log_refused(s, BGP_TOTAL_REFUSED_FULL, from, text);
		return false;
	}
	unsigned most = s->w->config->max_peers + OPENING_SPARE;
	/* one address, behind which several routers may be, never has more than half */
	if (opening_of(s, from) >= most / 2)
		close_opening(s, from);
	else if (s->w->opening >= most)
		close_opening(s, NULL);
	return true;
}

/* A refused peer hears why, if the word fits into its socket, which it always does. */
static void
refuse(struct speaker *s, int fd, uint16_t notify)
{
	uint8_t message[BGP_MESSAGE_MAX];
	size_t n = bgp_notification_write(message, notify, NULL, 0);
	if (send(fd, message, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n)
		bgp_total(s->w, BGP_TOTAL_NOTIFICATIONS_OUT, 1);
	close(fd);
}

static void
begin_session(struct speaker *s, int fd, const struct addr *from, uint16_t port)
{
	struct session *x = session_new(s->w, fd, from, port);
	if (!x || !watch(s, fd, x, EPOLLIN)) {
		log_refused(s, BGP_TOTAL_REFUSED_MEMORY, from, "out of memory");
		if (x)
			session_free(x);
		else
			close(fd);
		return;
	}
	bgp_session_socket(fd, s->w->config);
	bgp_total(s->w, BGP_TOTAL_ACCEPTED, 1);
	TAILQ_INSERT_TAIL(&s->sessions, x, link);
}

/* pmacct's bgp_daemon_batch: so many peers in an interval; the others wait in the system's queue. */
static bool
batch_allows(struct speaker *s)
{
	const struct bgp_config *c = s->w->config;
	if (c->batch == 0 || c->batch_us == 0)
		return true;
	if (s->w->now_us >= s->batch_end_us) {
		s->batch_left = c->batch;
		s->batch_end_us = s->w->now_us + c->batch_us;
	}
	return s->batch_left > 0;
}

/* False when nobody waits. */
static bool
accept_one(struct speaker *s)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr from = {.q = {0, 0}};
	uint16_t port = 0;
	int fd = accept4(s->listener.fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return errno == ECONNABORTED || errno == EINTR;
	if (!addr_from_sockaddr(&from, &port, (struct sockaddr *)&ss)) {
		close(fd);
		return true;
	}
	if (!admit(s, fd, &from)) {
		refuse(s, fd, BGP_NOTIFY(BGP_ERR_CEASE, 5));
		return true;
	}
	if (s->w->config->batch && s->batch_left)
		s->batch_left--;
	begin_session(s, fd, &from, port);
	return true;
}

static void
accept_some(struct speaker *s)
{
	unsigned n = 0;
	while (n < ACCEPTS && batch_allows(s) && accept_one(s))
		n++;
	/* else the listener would wake us for nothing until the next batch, or the next tick when there are
	 * no descriptors */
	if (n == 0)
		set_listening(s, false);
}

/* --- a turn --- */

static void
watch_writing(struct speaker *s, struct session *x)
{
	bool want = x->out_have > 0;
	struct epoll_event e = {.events = EPOLLIN | (want ? EPOLLOUT : 0u), .data.ptr = x};
	if (x->dead || want == x->watched_for_writing)
		return;
	if (epoll_ctl(s->epoll, EPOLL_CTL_MOD, x->fd, &e) == 0)
		x->watched_for_writing = want;
}

static void
take_handover(struct speaker *s)
{
	char err[256];
	struct handover *h = atomic_exchange(&s->handover, NULL);
	if (!h)
		return;
	if (h->has_allow) {
		struct allow *old = s->allow;
		s->allow = h->allow;
		h->allow = old;
	}
	if (h->has_keys) {
		if (!md5_apply(s->listener.fd, s->listener.family, s->w->config->ipv6_only, s->keys, h->keys,
			       err, sizeof(err)))
			log_error("%s", err);
		struct md5_keys *old = s->keys;
		s->keys = h->keys;
		h->keys = old;
	}
	handover_free(h);
}

static void
on_event(struct speaker *s, const struct epoll_event *e)
{
	uint64_t drained;
	if (e->data.ptr == NULL) {
		if (read(s->wake, &drained, sizeof(drained)) > 0)
			take_handover(s);
		return;
	}
	if (e->data.ptr == s) {
		accept_some(s);
		return;
	}
	struct session *x = e->data.ptr;
	if (!x->dead && e->events & EPOLLOUT)
		session_write(x);
	if (!x->dead && e->events & ~(uint32_t)EPOLLOUT)
		session_read(x, s->buffer, BUFFER);
	watch_writing(s, x);
}

/* Those that ended in this turn; nothing refers to them any more once its events are done. */
static void
reap(struct speaker *s)
{
	for (struct session *x = TAILQ_FIRST(&s->sessions), *next; x; x = next) {
		next = TAILQ_NEXT(x, link);
		if (!x->dead)
			continue;
		TAILQ_REMOVE(&s->sessions, x, link);
		session_free(x);
	}
}

static void
tick(struct speaker *s)
{
	if (s->w->now_us < s->next_tick_us)
		return;
	s->next_tick_us = s->w->now_us + TICK_US;
	for (struct session *x = TAILQ_FIRST(&s->sessions); x; x = TAILQ_NEXT(x, link)) {
		session_tick(x);
		watch_writing(s, x);
	}
	roster_tick(s->w->roster);
	if (s->listener.fd >= 0 && batch_allows(s))
		set_listening(s, true);
	counter_set(s->w->totals, BGP_TOTAL_ESTABLISHED, s->w->established);
	counter_set(s->w->totals, BGP_TOTAL_OPENING, s->w->opening);
}

/* Long work, a slice: slots on their way out first, since they hold memory; then the RIB's own. */
static void
work(struct speaker *s, bool busy)
{
	struct bgp_world *w = s->w;
	if (!roster_step(w->roster) || !w->changed)
		return;
	if (busy && w->now_us < s->next_tidy_us)
		return;
	s->next_tidy_us = w->now_us + TIDY_US;
	w->changed = !rib_tidy(w->rib);
}

/* How long nothing needs to be done if nothing comes. */
static int
patience(const struct speaker *s, int most, bool dropping)
{
	int ms = dropping ? 0 : s->w->changed ? TIDY_MS : most;
	return ms < most ? ms : most;
}

static void
note_turn(const struct speaker *s)
{
	uint64_t took = clock_monotonic_us() - s->w->now_us;
	/* a clock that a test sets is not compared with the real one */
	if (!s->fake && took > counter_read(s->w->totals, BGP_TOTAL_LONGEST_TURN))
		counter_set(s->w->totals, BGP_TOTAL_LONGEST_TURN, took);
}

void
speaker_turn(struct speaker *s, int timeout_ms, uint64_t now_us)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(s->epoll, events, EVENTS, timeout_ms);
	s->fake = now_us != 0;
	s->w->now_us = s->fake ? now_us : clock_monotonic_us();
	for (int i = 0; i < n; i++)
		on_event(s, &events[i]);
	tick(s);
	if (s->w->reap)
		reap(s);
	s->w->reap = false;
	work(s, n > 0);
	if (s->w->events)
		bgp_events_settle(s->w->events);
	roster_publish(s->w->roster);
	note_turn(s);
}

static void *
run(void *arg)
{
	struct speaker *s = arg;
	readers_join();
	while (!s->stop)
		speaker_turn(s, patience(s, IDLE_MS, roster_pending(s->w->roster)), 0);
	for (struct session *x = TAILQ_FIRST(&s->sessions); x; x = TAILQ_NEXT(x, link)) {
		if (!x->dead)
			session_shutdown(x, s->words);
	}
	roster_close_log(s->w->roster);
	readers_leave();
	return NULL;
}

bool
speaker_start(struct speaker *s, char *err, size_t errlen)
{
	int rc = pthread_create(&s->thread, NULL, run, s);
	if (rc != 0) {
		snprintf(err, errlen, "cannot start the BGP thread: %s", strerror(rc));
		return false;
	}
	s->running = true;
	return true;
}

static void
wake(struct speaker *s)
{
	uint64_t one = 1;
	if (write(s->wake, &one, sizeof(one)) < 0)
		return; /* it is full: the thread will wake */
}

void
speaker_stop(struct speaker *s, const char *words)
{
	if (!s->running)
		return;
	s->words = words;
	s->stop = true;
	wake(s);
	pthread_join(s->thread, NULL);
	s->running = false;
}

void
speaker_reload(struct speaker *s)
{
	const struct bgp_config *c = s->w->config;
	char err[512];
	struct handover *h = calloc(1, sizeof(*h));
	if (!h)
		return;
	if (c->allow_file) {
		h->allow = allow_load(c->allow_file, err, sizeof(err));
		h->has_allow = h->allow != NULL;
		if (!h->has_allow)
			log_error("bgp_daemon_allow_file: %s; the old list stays", err);
	}
	if (c->md5_file) {
		h->keys = md5_load(c->md5_file, err, sizeof(err));
		h->has_keys = h->keys != NULL;
		if (!h->has_keys)
			log_error("bgp_daemon_md5_file: %s; the old keys stay", err);
	}
	handover_free(atomic_exchange(&s->handover, h));
	wake(s);
}
