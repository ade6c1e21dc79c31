/* The looking glass: questions over ZeroMQ (lgquery.c knows what they mean).
 *
 *	clients ── ROUTER (tcp) ─ broker ─ DEALER (inproc) ── REP, one a worker
 *				    └ REP (inproc) at which libzmq asks for passwords (RFC 27, ZAP)
 *
 * The broker hands whole messages on and looks only at their shape: a client that does not speak as a REQ
 *socket does would be lost in the workers' sockets, so what has no empty part behind its address is dropped
 *and counted. No more requests are taken than workers can have at hand; the rest waits in the clients'
 *queues, whose length is bounded. All ends by zmq_ctx_shutdown(), at which every call returns. */
#include <errno.h>
#include <zmq.h>

#include "bgp/lgquery.h"
#include "bgp/output.h"
#include "collector/base/log.h"

#define BACK	 "inproc://looking-glass"
#define ZAP	 "inproc://zeromq.zap.01"
#define DOMAIN	 "looking-glass"
#define AT_HAND	 4 /* requests for each worker */
#define WAITING	 256
#define FRAMES	 (BGP_LG_PARTS_MAX + 2) /* with the address and the empty part */
#define AUTH_MAX 255

enum { LG_ANSWERED, LG_UNKNOWN, LG_DROPPED, LG_DENIED };
static const struct counter_desc counter_rows[] = {
    [LG_ANSWERED] = {"bgp_lg_queries", "result=\"answered\"", "Questions to the looking glass", COUNTER_SUM},
    [LG_UNKNOWN] = {"bgp_lg_queries", "result=\"malformed\"", "Questions to the looking glass", COUNTER_SUM},
    [LG_DROPPED] = {"bgp_lg_queries", "result=\"dropped\"", "Questions to the looking glass", COUNTER_SUM},
    [LG_DENIED] = {"bgp_lg_queries", "result=\"denied\"", "Questions to the looking glass", COUNTER_SUM},
};

struct lg {
	struct bgp_output_env *env;
	const char *user, *password; /* NULL: anybody */
	unsigned workers;
	struct counter_block *counters;
	void *context, *front, *back, *zap;
	unsigned at_hand; /* of the broker: requests that workers have */
	pthread_t broker, *worker;
	bool has_broker;
	unsigned running; /* workers */
};

/* Workers share a block. */
static void
count(const struct lg *g, unsigned id)
{
	__atomic_fetch_add(&g->counters->value[id], 1, __ATOMIC_RELAXED);
}

/* --- messages of several frames --- */

struct frames {
	zmq_msg_t frame[FRAMES];
	unsigned n;
	bool too_many; /* those behind the last were dropped */
};

static void
frames_close(struct frames *f)
{
	for (unsigned i = 0; i < f->n; i++)
		zmq_msg_close(&f->frame[i]);
	f->n = 0;
}

/* The rest of a message always has to be taken. False when the socket ends or nothing is there. */
static bool
frames_recv(struct frames *f, void *socket, int flags)
{
	f->n = 0;
	f->too_many = false;
	for (bool more = true; more;) {
		zmq_msg_t over, *m = f->n < FRAMES ? &f->frame[f->n] : &over;
		zmq_msg_init(m);
		if (zmq_msg_recv(m, socket, flags) < 0) {
			zmq_msg_close(m);
			frames_close(f);
			return false;
		}
		more = zmq_msg_more(m);
		if (m == &over) {
			zmq_msg_close(m);
			f->too_many = true;
		} else {
			f->n++;
		}
	}
	return true;
}

/* Gives all away; false when the first could not be. */
static bool
frames_send(struct frames *f, void *socket)
{
	for (unsigned i = 0; i < f->n; i++)
		if (zmq_msg_send(&f->frame[i], socket, (i + 1 < f->n ? ZMQ_SNDMORE : 0) | ZMQ_DONTWAIT) < 0) {
			frames_close(f);
			return false;
		}
	f->n = 0;
	return true;
}

/* --- the broker --- */

static bool
has_shape(const struct frames *f)
{
	zmq_msg_t *empty = (zmq_msg_t *)(uintptr_t)&f->frame[1];
	return !f->too_many && f->n >= 3 && zmq_msg_size(empty) == 0;
}

static void
pass_request(struct lg *g)
{
	struct frames f;
	if (!frames_recv(&f, g->front, ZMQ_DONTWAIT))
		return;
	if (!has_shape(&f)) {
		count(g, LG_DROPPED);
		frames_close(&f);
	} else if (frames_send(&f, g->back)) {
		g->at_hand++;
	} else {
		count(g, LG_DROPPED);
	}
}

/* A client that went away is none of our business. A reply may have thousands of parts, so each is passed on
 * at once. */
static void
pass_reply(struct lg *g)
{
	for (bool more = true; more;) {
		zmq_msg_t m;
		zmq_msg_init(&m);
		if (zmq_msg_recv(&m, g->back, 0) < 0)
			return;
		more = zmq_msg_more(&m);
		if (zmq_msg_send(&m, g->front, more ? ZMQ_SNDMORE : 0) < 0)
			zmq_msg_close(&m);
	}
	g->at_hand--;
}

static bool
frame_is(struct frames *f, unsigned i, const char *text)
{
	size_t n = strlen(text);
	/* takes as long for a wrong letter wherever it stands */
	unsigned differs = i >= f->n || zmq_msg_size(&f->frame[i]) != n;
	const char *p = differs ? text : zmq_msg_data(&f->frame[i]);
	for (size_t k = 0; k < n; k++)
		differs |= (unsigned)(p[k] ^ text[k]);
	return !differs;
}

static void
zap_reply(struct lg *g, struct frames *f, bool ok)
{
	zmq_msg_t *id = &f->frame[1];
	const char *words[] = {ok ? "200" : "400", ok ? "OK" : "wrong user or password", ok ? g->user : "",
			       ""};
	zmq_send(g->zap, "1.0", 3, ZMQ_SNDMORE);
	zmq_send(g->zap, zmq_msg_data(id), zmq_msg_size(id), ZMQ_SNDMORE);
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		zmq_send(g->zap, words[i], strlen(words[i]), i + 1 < ARRAY_SIZE(words) ? ZMQ_SNDMORE : 0);
}

/* version, request, domain, address, identity, mechanism, then user and password. */
static void
answer_zap(struct lg *g)
{
	struct frames f;
	if (!frames_recv(&f, g->zap, ZMQ_DONTWAIT))
		return;
	bool user = frame_is(&f, 6, g->user), password = frame_is(&f, 7, g->password);
	bool ok = f.n == 8 && frame_is(&f, 5, "PLAIN") && user && password;
	if (!ok)
		count(g, LG_DENIED);
	if (f.n >= 2)
		zap_reply(g, &f, ok);
	frames_close(&f);
}

static void *
broke(void *arg)
{
	struct lg *g = arg;
	for (;;) {
		zmq_pollitem_t items[] = {{.socket = g->back, .events = ZMQ_POLLIN},
					  {.socket = g->front, .events = ZMQ_POLLIN},
					  {.socket = g->zap, .events = ZMQ_POLLIN}};
		if (g->at_hand >= AT_HAND * g->workers)
			items[1].events = 0;
		if (zmq_poll(items, g->zap ? 3 : 2, -1) < 0 && errno == ETERM)
			break;
		if (items[0].revents & ZMQ_POLLIN)
			pass_reply(g);
		if (items[1].revents & ZMQ_POLLIN)
			pass_request(g);
		if (g->zap && items[2].revents & ZMQ_POLLIN)
			answer_zap(g);
	}
	return NULL;
}

/* --- workers --- */

static bool
send_reply(void *socket, const struct bgp_lg_reply *r)
{
	size_t at = 0;
	for (unsigned i = 0; i < r->parts; i++) {
		int flags = i + 1 < r->parts ? ZMQ_SNDMORE : 0;
		if (zmq_send(socket, r->text.data + at, r->end[i] - at, flags) < 0)
			return false;
		at = r->end[i];
	}
	return true;
}

static bool
answer_one(struct lg *g, void *socket, struct bgp_render *render, struct bgp_lg_reply *reply)
{
	struct frames f;
	struct bgp_bytes part[FRAMES];
	if (!frames_recv(&f, socket, 0))
		return errno != ETERM;
	for (unsigned i = 0; i < f.n; i++)
		part[i] = (struct bgp_bytes){zmq_msg_data(&f.frame[i]), (uint32_t)zmq_msg_size(&f.frame[i])};
	bgp_lg_answer(&g->env->sources, render, part, f.too_many ? 0 : f.n, reply);
	count(g, reply->understood ? LG_ANSWERED : LG_UNKNOWN);
	frames_close(&f);
	return send_reply(socket, reply) || errno != ETERM;
}

static void *
work(void *arg)
{
	struct lg *g = arg;
	struct bgp_render render;
	struct bgp_lg_reply reply = {0};
	void *socket = zmq_socket(g->context, ZMQ_REP);
	readers_join();
	bgp_render_init(&render, g->env->conf);
	if (socket && zmq_connect(socket, BACK) == 0)
		while (answer_one(g, socket, &render, &reply))
			;
	if (socket)
		zmq_close(socket);
	bgp_lg_reply_free(&reply);
	readers_leave();
	return NULL;
}

/* --- hooks --- */

static bool
lg_prepare(struct bgp_output_env *env, void **self, char *err, size_t errlen)
{
	const struct conf *c = env->conf;
	if (!conf_bool(c, CONF_CORE, CONF_bgp_daemon_lg))
		return true;
	struct lg *g = calloc(1, sizeof(*g));
	*self = g;
	snprintf(err, errlen, "bgp_daemon_lg: no memory");
	if (!g)
		return false;
	g->env = env;
	g->user = conf_string(c, CONF_CORE, CONF_bgp_daemon_lg_user);
	g->password = conf_string(c, CONF_CORE, CONF_bgp_daemon_lg_passwd);
	g->workers = (unsigned)conf_uint(c, CONF_CORE, CONF_bgp_daemon_lg_threads);
	g->worker = calloc(g->workers, sizeof(*g->worker));
	g->counters = counters_add(counter_rows, ARRAY_SIZE(counter_rows), NULL);
	if (!g->worker || !g->counters)
		return false;
	if (!g->user != !g->password ||
	    (g->user && (strlen(g->user) > AUTH_MAX || strlen(g->password) > AUTH_MAX))) {
		snprintf(err, errlen,
			 "bgp_daemon_lg_user and bgp_daemon_lg_passwd belong together, and have up to "
			 "%d bytes each",
			 AUTH_MAX);
		return false;
	}
	return true;
}

static void
set_int(void *socket, int option, int v)
{
	zmq_setsockopt(socket, option, &v, sizeof(v));
}

static void *
make_socket(struct lg *g, int type)
{
	void *s = zmq_socket(g->context, type);
	if (s) {
		set_int(s, ZMQ_LINGER, 0);
		set_int(s, ZMQ_RCVHWM, WAITING);
		set_int(s, ZMQ_SNDHWM, WAITING);
	}
	return s;
}

static bool
bind_front(struct lg *g, char *err, size_t errlen)
{
	struct addr ip;
	char address[ADDR_TEXT_MAX], endpoint[ADDR_TEXT_MAX + 32];
	if (!conf_addr(g->env->conf, CONF_CORE, CONF_bgp_daemon_lg_ip, &ip))
		return false;
	addr_format(address, &ip);
	bool v4 = addr_is_v4(&ip);
	snprintf(endpoint, sizeof(endpoint), "tcp://%s%s%s:%llu", v4 ? "" : "[", address, v4 ? "" : "]",
		 (unsigned long long)conf_uint(g->env->conf, CONF_CORE, CONF_bgp_daemon_lg_port));
	int64_t most = BGP_LG_PART_MAX;
	zmq_setsockopt(g->front, ZMQ_MAXMSGSIZE, &most, sizeof(most));
	set_int(g->front, ZMQ_IPV6, !v4);
	/* a client that stops in the middle of its greeting does not stay */
	set_int(g->front, ZMQ_HANDSHAKE_IVL, 10000);
	if (g->user) {
		set_int(g->front, ZMQ_PLAIN_SERVER, 1);
		zmq_setsockopt(g->front, ZMQ_ZAP_DOMAIN, DOMAIN, strlen(DOMAIN));
	}
	if (zmq_bind(g->front, endpoint) == 0)
		return true;
	snprintf(err, errlen, "bgp_daemon_lg: cannot listen at %s: %s", endpoint, zmq_strerror(errno));
	return false;
}

/* Who checks passwords is there before anybody can knock. */
static bool
lg_open(void *self, char *err, size_t errlen)
{
	struct lg *g = self;
	snprintf(err, errlen, "bgp_daemon_lg: cannot make sockets");
	g->context = zmq_ctx_new();
	if (!g->context)
		return false;
	g->front = make_socket(g, ZMQ_ROUTER);
	g->back = make_socket(g, ZMQ_DEALER);
	g->zap = g->user ? make_socket(g, ZMQ_REP) : NULL;
	if (!g->front || !g->back || (g->user && !g->zap) || zmq_bind(g->back, BACK) < 0 ||
	    (g->zap && zmq_bind(g->zap, ZAP) < 0))
		return false;
	return bind_front(g, err, errlen);
}

static bool
lg_start(void *self, char *err, size_t errlen)
{
	struct lg *g = self;
	for (; g->running < g->workers; g->running++)
		if (!bgp_output_thread(&g->worker[g->running], "bgp-lg", work, g, err, errlen))
			return false;
	g->has_broker = bgp_output_thread(&g->broker, "bgp-lg-broker", broke, g, err, errlen);
	return g->has_broker;
}

static void
lg_stop(void *self)
{
	struct lg *g = self;
	if (g->context)
		zmq_ctx_shutdown(g->context);
	while (g->running)
		pthread_join(g->worker[--g->running], NULL);
	if (g->has_broker)
		pthread_join(g->broker, NULL);
	g->has_broker = false;
}

static void
lg_free(void *self)
{
	struct lg *g = self;
	void *sockets[] = {g->front, g->back, g->zap};
	for (unsigned i = 0; i < ARRAY_SIZE(sockets); i++)
		if (sockets[i])
			zmq_close(sockets[i]);
	if (g->context)
		zmq_ctx_term(g->context);
	free(g->worker);
	free(g);
}

const struct bgp_output bgp_output_lg = {
    .name = "looking glass",
    .prepare = lg_prepare,
    .open = lg_open,
    .start = lg_start,
    .stop = lg_stop,
    .free = lg_free,
};
