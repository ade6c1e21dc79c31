#include "collector/core/source.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/base/file.h"
#include "collector/base/log.h"
#include "collector/base/readers.h"
#include "collector/core/customs.h"
#include "collector/core/fanout.h"
#include "collector/core/netfiles.h"
#include "collector/core/progress.h"
#include "collector/decode/decode.h"
#include "collector/conf/allow.h"
#include "collector/input/savefile.h"
#include "collector/input/tcp.h"
#include "collector/input/udp.h"

#define TICK_US US_PER_S
#define REST_US US_PER_S /* longest time for what waits in the socket at the end */

struct source;

/* Something the control thread wants done on a source thread, between two batches. */
typedef void request_fn(struct source *s, void *ctx);
enum request { REQUEST_NONE, REQUEST_POSTED, REQUEST_RUNNING };

struct source {
	struct sources *all;
	unsigned index;
	/* valid while running; only the control thread starts and joins */
	pthread_t thread;
	bool running;
	int epoll;
	int wake; /* eventfd: stop or a request */
	int udp_fd;
	struct udp_receiver *receiver;
	struct tcp_source *tcp; /* on the first thread only */
	/* of this thread alone, as is all that hangs on them */
	struct decoder *decoder;
	struct fanout *fanout;
	const struct allow *allow; /* NULL: everybody */
	struct counter_block *udp_counters;
	uint64_t next_tick_us; /* monotonic: setting the clock back must not stop the ticks */
	/* a request of the control thread, see ask() */
	_Atomic int request; /* enum request */
	request_fn *request_fn;
	void *request_ctx;
	sem_t done;
};

struct sources {
	const struct conf *conf;
	struct instances *instances;
	const struct bgp_sources *routes; /* NULL: none */
	struct source *list;
	unsigned n;
	_Atomic bool stop;
	struct allow *allow; /* the list in use, NULL: none */
	/* made for all configurations, so that a metric exists with 0 rather than not at all */
	struct counter_block *tcp_counters, *savefile_counters;
	struct savefile *savefile;
	bool templates_unsaved; /* control thread only, as is the next */
	struct log_limit templates_limit;
	pthread_mutex_t asking; /* requests come from the control thread and the metrics server */
	int done;		/* eventfd */
};

/* A file is one stream in one order; a second thread would only wait for it. */
unsigned
sources_threads(const struct conf *conf)
{
	if (conf_is_set(conf, CONF_CORE, CONF_pcap_savefile))
		return 1;
	return (unsigned)conf_uint(conf, CONF_CORE, CONF_nfacctd_threads);
}

/* s->allow is exchanged between batches on this very thread, so it needs no lock. */
static bool
allowed(void *ctx, const struct addr *from)
{
	struct source *s = ctx;
	return !s->allow || allow_check(s->allow, from);
}

/* A datagram that is refused costs one lookup and one counter: that is what an allow list is for. */
static void
take_datagram(void *ctx, const struct datagram *d)
{
	struct source *s = ctx;
	/* the most frequent answer is yes, and without a list it costs one comparison */
	if (unlikely(!allowed(s, &d->from))) {
		counter_add(s->udp_counters, UDP_DENIED, 1);
		return;
	}
	decoder_datagram(s->decoder, d);
}

/* For inputs whose buffer does not outlive the call. A capture file's packet and a session's buffer are
 * written over by the next one; decoded values that point into them must be packed before. */
static void
take_transient(void *ctx, const struct datagram *d)
{
	struct source *s = ctx;
	take_datagram(ctx, d);
	decoder_flush(s->decoder);
}

/* Sessions exist on the first thread only, whose decoder also has their templates. */
static void
session_opened(void *ctx, uint32_t session, const struct addr *from)
{
	struct source *s = ctx;
	decoder_session_open(s->decoder, session, from);
}

/* Templates of a session end with it (RFC 7011, 8.4). */
static void
session_closed(void *ctx, uint32_t session, const struct addr *from)
{
	struct source *s = ctx;
	decoder_session_close(s->decoder, session, from);
}

/* On the source thread: does what was asked for, if anything. Between two batches nothing of the decoder or
 * the fan-out is in use, so fn may change both. */
static void
serve(struct source *s)
{
	int posted = REQUEST_POSTED;
	/* relaxed is enough to see whether there may be something; the exchange below orders the rest */
	if (likely(atomic_load_explicit(&s->request, memory_order_relaxed) == REQUEST_NONE))
		return;
	if (!atomic_compare_exchange_strong(&s->request, &posted, REQUEST_RUNNING))
		return;
	/* both were written before POSTED was, which the exchange above has read */
	s->request_fn(s, s->request_ctx);
	atomic_store(&s->request, REQUEST_NONE);
	sem_post(&s->done);
}

/* What has to be done now and then, at most once a second. Also under full load, when epoll never says that
 * time has passed. */
static void
housekeeping(struct source *s)
{
	uint64_t now = clock_monotonic_us();
	/* reading the clock is cheap enough for every batch; what follows is not */
	if (now < s->next_tick_us)
		return;
	s->next_tick_us = now + TICK_US;
	if (s->receiver)
		udp_note_drops(s->receiver);
	decoder_tick(s->decoder, clock_now_us());
}

/* One batch, from the socket to the queues; returns how many datagrams it had. Records are published after
 * each batch, and requests are served even when traffic never pauses. */
static unsigned
receive_batch(struct source *s)
{
	/* the decoder may point into receive buffers until it is flushed, hence flush before receiving again
	 */
	unsigned n = s->receiver ? udp_receive(s->receiver, take_datagram, s) : 0;
	decoder_flush(s->decoder);
	fanout_flush(s->fanout);
	housekeeping(s);
	serve(s);
	return n;
}

/* A full batch means that more is waiting: asking epoll again would only tell what is known. */
static void
receive_all(struct source *s)
{
	while (receive_batch(s) == UDP_BATCH && !atomic_load_explicit(&s->all->stop, memory_order_relaxed))
		;
}

/* At the end: what the socket held when the stop came. Exporters go on sending, so there is a bound. */
static void
receive_rest(struct source *s)
{
	uint64_t until = clock_monotonic_us() + REST_US;
	/* once: what is in the buffers of sessions now; a peer that goes on sending is not waited for */
	if (s->tcp)
		tcp_source_run(s->tcp);
	while (receive_batch(s) == UDP_BATCH && clock_monotonic_us() < until)
		;
}

/* After a stop what the socket still holds is received: an exporter's last datagrams before a restart count
 * too. */
static void *
source_main(void *arg)
{
	struct source *s = arg;
	char name[16];
	snprintf(name, sizeof(name), "source-%u", s->index);
	pthread_setname_np(pthread_self(), name);
	readers_join();
	while (!atomic_load_explicit(&s->all->stop, memory_order_relaxed)) {
		struct epoll_event e[4];
		/* a second at most, for the ticks */
		int n = epoll_wait(s->epoll, e, ARRAY_SIZE(e), 1000);
		for (int i = 0; i < n; i++) {
			uint64_t drained;
			if (e[i].data.fd == s->wake && read(s->wake, &drained, sizeof(drained)) < 0)
				log_debug("source: spurious wake-up");
			else if (s->tcp && e[i].data.fd == tcp_source_fd(s->tcp))
				tcp_source_run(s->tcp);
		}
		receive_all(s);
	}
	receive_rest(s);
	fanout_close(s->fanout);
	readers_leave();
	return NULL;
}

/* Reads the capture file once; false when it could not be read to its end. Progress is shown on a terminal
 * only. Stops early when asked to end: what was read until then counts. */
static bool
play(struct source *s)
{
	struct sources *all = s->all;
	/* for a person at a terminal; under a service manager it draws nothing */
	struct progress progress = progress_begin("reading the capture file");
	char err[256];
	/* flows of a file are of the time of the capture, not of today */
	bool use_clock = false;
	int n;
	do {
		/* flushes are paid per batch; 256 packets keep them below measuring */
		n = savefile_read(all->savefile, 256, use_clock, take_transient, s, err, sizeof(err));
		fanout_flush(s->fanout);
		serve(s);
		progress_step(&progress, savefile_progress(all->savefile));
	} while (n > 0 && !atomic_load_explicit(&all->stop, memory_order_relaxed));
	progress_end(&progress);
	if (n < 0)
		log_error("pcap_savefile: %s", err);
	return n >= 0;
}

/* Also for each replay, since a capture file can be read forwards only. */
static bool
open_savefile(struct sources *s, char *err, size_t errlen)
{
	s->savefile = savefile_open(conf_string(s->conf, CONF_CORE, CONF_pcap_savefile),
				    conf_string(s->conf, CONF_CORE, CONF_pcap_filter), s->savefile_counters,
				    err, errlen);
	return s->savefile != NULL;
}

/* Sleeps, but not past a stop. */
static void
pause_for(struct source *s, uint64_t seconds)
{
	for (uint64_t i = 0; i < 10 * seconds && !atomic_load(&s->all->stop); i++) {
		serve(s); /* or the control thread would wait in vain */
		usleep(100000);
	}
}

/* After its end the thread stays to answer requests, as status and templates are wanted until the program
 * ends. */
static void *
savefile_main(void *arg)
{
	struct source *s = arg;
	struct sources *all = s->all;
	uint64_t times = conf_uint(all->conf, CONF_CORE, CONF_pcap_savefile_replay);
	uint64_t delay = conf_uint(all->conf, CONF_CORE, CONF_pcap_savefile_delay);
	uint64_t one = 1;
	char err[512];
	pthread_setname_np(pthread_self(), "savefile");
	readers_join();
	/* 0 means for ever, as pmacct has it */
	for (uint64_t i = 0; (times == 0 || i < times) && !atomic_load(&all->stop); i++) {
		pause_for(s, delay);
		if (i > 0) {
			savefile_close(all->savefile);
			if (!open_savefile(all, err, sizeof(err))) {
				log_error("pcap_savefile: %s", err);
				break;
			}
		}
		if (!play(s))
			break;
	}
	/* also when reading failed: what was read counts */
	if (write(all->done, &one, sizeof(one)) < 0)
		log_error("cannot report the end of the capture file: %s", strerror(errno));
	while (!atomic_load(&all->stop)) { /* pcap_savefile_wait, or until the control thread has heard */
		uint64_t drained;
		struct epoll_event e;
		if (epoll_wait(s->epoll, &e, 1, 1000) > 0 && read(s->wake, &drained, sizeof(drained)) < 0)
			continue;
		serve(s);
	}
	fanout_close(s->fanout);
	readers_leave();
	return NULL;
}

/* The only place that knows which key is which option: decode has no configuration. */
static struct decode_options
decode_options_of(const struct conf *c)
{
	return (struct decode_options){
	    .renormalize = conf_bool(c, CONF_CORE, CONF_nfacctd_renormalize),
	    .ext_sampling_rate = (uint32_t)conf_uint(c, CONF_CORE, CONF_nfacctd_ext_sampling_rate),
	    .account_options = conf_bool(c, CONF_CORE, CONF_nfacctd_account_options),
	    .time_secs = conf_bool(c, CONF_CORE, CONF_nfacctd_time_secs),
	    .disable_opt_scope_check = conf_bool(c, CONF_CORE, CONF_nfacctd_disable_opt_scope_check),
	    .ignore_exporter_address = conf_bool(c, CONF_CORE, CONF_nfacctd_ignore_exporter_address),
	    .pre_processing_checks = conf_bool(c, CONF_CORE, CONF_nfacctd_pre_processing_checks),
	    .asa_bi_flow = conf_bool(c, CONF_CORE, CONF_tmp_asa_bi_flow),
	    .peer_as = conf_bool(c, CONF_CORE, CONF_nfacctd_peer_as),
	    .exporters_max = (unsigned)conf_uint(c, CONF_CORE, CONF_nfacctd_exporters_max),
	    .exporter_max_bytes = conf_uint(c, CONF_CORE, CONF_nfacctd_exporter_max_bytes),
	    .template_timeout_s = conf_uint(c, CONF_CORE, CONF_nfacctd_template_timeout)
				      ? (unsigned)conf_uint(c, CONF_CORE, CONF_nfacctd_template_timeout)
				      : UINT32_MAX, /* 0 is "never" to the operator, "default" to decode */
	    .waiting_timeout_s = (unsigned)conf_uint(c, CONF_CORE, CONF_nfacctd_waiting_timeout),
	    .waiting_off = conf_uint(c, CONF_CORE, CONF_nfacctd_waiting_timeout) == 0,
	};
}

/* Everything that registers counters or allocates, in the process that forks later; sockets come in
 * sources_open. */
static bool
prepare_one(struct source *s, struct instances *all, const struct flow_needs *needs, char *err, size_t errlen)
{
	struct decode_options options = decode_options_of(s->all->conf);
	/* fields of the operator's own are the same for all threads and never change */
	options.custom = customs_elements(&options.customs);
	options.packet_customs = customs_pointers();
	char labels[32];
	snprintf(labels, sizeof(labels), "thread=\"%u\"", s->index);
	s->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	s->udp_counters = counters_add(udp_counter_desc, UDP_COUNTERS, labels);
	/* a file can wait for a slow plugin; an exporter cannot */
	bool lossless = conf_is_set(s->all->conf, CONF_CORE, CONF_pcap_savefile);
	s->fanout =
	    fanout_new(all, s->all->conf, s->index, s->all->routes, lossless, &s->all->stop, err, errlen);
	if (!s->fanout)
		return false;
	s->decoder = decoder_new(&options, needs, fanout_sink, s->fanout, labels, err, errlen);
	if (!s->decoder)
		return false;
	const char *templates = conf_string(s->all->conf, CONF_CORE, CONF_nfacctd_templates_file);
	/* a broken file costs a few minutes of waiting for templates, which is no reason not to start */
	if (templates && !decoder_templates_load(s->decoder, templates, err, errlen)) {
		log_warn("nfacctd_templates_file: %s; starting without it", err);
		err[0] = '\0';
	}
	return s->wake >= 0 && s->udp_counters && sem_init(&s->done, 0, 0) == 0;
}

/* Fields that sources_free looks at are set before the first step that can fail. */
struct sources *
sources_prepare(const struct conf *conf, struct instances *all, const struct flow_needs *needs,
		const struct bgp_sources *routes, char *err, size_t errlen)
{
	struct sources *s = calloc(1, sizeof(*s));
	snprintf(err, errlen, "no memory for source threads");
	if (!s)
		return NULL;
	s->conf = conf;
	s->instances = all;
	s->routes = routes;
	s->n = sources_threads(conf);
	s->list = calloc(s->n, sizeof(*s->list));
	pthread_mutex_init(&s->asking, NULL);
	s->done = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	s->tcp_counters = counters_add(tcp_counter_desc, TCP_COUNTERS, NULL);
	s->savefile_counters = counters_add(savefile_counter_desc, SAVEFILE_COUNTERS, NULL);
	const char *allow = conf_string(conf, CONF_CORE, CONF_nfacctd_allow_file);
	/* -1 is "not open" to source_free */
	for (unsigned i = 0; s->list && i < s->n; i++)
		s->list[i] = (struct source){.all = s, .index = i, .wake = -1, .udp_fd = -1, .epoll = -1};
	if (!s->list || s->done < 0 || (allow && !(s->allow = allow_load(allow, err, errlen)))) {
		sources_free(s);
		return NULL;
	}
	for (unsigned i = 0; i < s->n; i++) {
		s->list[i].allow = s->allow;
		if (!prepare_one(&s->list[i], all, needs, err, errlen)) {
			sources_free(s);
			return NULL;
		}
	}
	return s;
}

/* Level-triggered: what one round leaves is announced again. */
static bool
watch(struct source *s, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

/* The address of a key, or none when it is not set. */
static struct addr
address_of(const struct conf *conf, enum conf_key key)
{
	struct addr a = {.q = {0, 0}};
	const char *text = conf_string(conf, CONF_CORE, key);
	if (text)
		(void)addr_parse(&a, text); /* conf has checked it */
	return a;
}

/* The operator is told of a smaller buffer than asked for once, not once per thread. */
static bool
open_udp(struct source *s, char *err, size_t errlen)
{
	const struct conf *c = s->all->conf;
	if (!conf_is_set(c, CONF_CORE, CONF_nfacctd_port) && conf_is_set(c, CONF_CORE, CONF_nfacctd_tcp_port))
		return true; /* TCP only */
	struct udp_options o = {
	    .address = address_of(c, CONF_nfacctd_ip),
	    .port = (uint16_t)conf_uint(c, CONF_CORE, CONF_nfacctd_port),
	    .interface = conf_string(c, CONF_CORE, CONF_nfacctd_interface),
	    .ipv6_only = conf_bool(c, CONF_CORE, CONF_nfacctd_ipv6_only),
	    .receive_buffer = conf_uint(c, CONF_CORE, CONF_nfacctd_pipe_size),
	    .threads = s->all->n,
	    /* the kernel hands a copy to every member of the group, not to one of the port's sockets */
	    .groups = s->index == 0 ? conf_string(c, CONF_CORE, CONF_nfacctd_mcast_groups) : NULL,
	};
	s->udp_fd = udp_open(&o, err, errlen);
	if (s->udp_fd < 0)
		return false;
	if (s->index == 0 && udp_buffer(s->udp_fd) < o.receive_buffer)
		log_warn("nfacctd_pipe_size: the kernel gave %zu bytes instead of %zu; raise "
			 "net.core.rmem_max to get them",
			 udp_buffer(s->udp_fd), o.receive_buffer);
	/* does not own the socket: both are freed with the source */
	s->receiver = udp_receiver_new(s->udp_fd, s->udp_counters);
	if (s->index == 0) {
		char listening[ADDR_TEXT_MAX + 8];
		sources_listening(s->all, listening, sizeof(listening));
		log_info("waiting for NetFlow/IPFIX data on %s", listening);
	}
	return s->receiver && watch(s, s->udp_fd);
}

/* On the first thread alone: a session's templates cannot be shared, and IPFIX over TCP is rarely the bulk.
 */
static bool
open_tcp(struct source *s, char *err, size_t errlen)
{
	const struct conf *c = s->all->conf;
	if (s->index != 0 || !conf_is_set(c, CONF_CORE, CONF_nfacctd_tcp_port))
		return true;
	struct tcp_options o = {
	    .address = address_of(c, CONF_nfacctd_ip),
	    .port = (uint16_t)conf_uint(c, CONF_CORE, CONF_nfacctd_tcp_port),
	    .interface = conf_string(c, CONF_CORE, CONF_nfacctd_interface),
	    .ipv6_only = conf_bool(c, CONF_CORE, CONF_nfacctd_ipv6_only),
	    /* each has a buffer of 64 KiB, and no router opens more than a few */
	    .sessions_max = 1024,
	};
	struct tcp_handlers h = {allowed, take_transient, session_opened, session_closed, s};
	s->tcp = tcp_source_new(&o, &h, s->all->tcp_counters, err, errlen);
	return s->tcp && watch(s, tcp_source_fd(s->tcp));
}

/* Steering comes when all sockets of the port exist: the kernel numbers them in the order in which they
 * were bound. */
bool
sources_open(struct sources *s, char *err, size_t errlen)
{
	bool from_file = conf_is_set(s->conf, CONF_CORE, CONF_pcap_savefile);
	for (unsigned i = 0; i < s->n; i++) {
		struct source *one = &s->list[i];
		snprintf(err, errlen, "cannot wait for events: %s", strerror(errno));
		one->epoll = epoll_create1(EPOLL_CLOEXEC);
		if (one->epoll < 0 || !watch(one, one->wake) || !fanout_open(one->fanout, err, errlen))
			return false;
		if (!from_file && (!open_udp(one, err, errlen) || !open_tcp(one, err, errlen)))
			return false;
	}
	if (from_file)
		return open_savefile(s, err, errlen);
	/* any socket of the group will do: the program belongs to the group */
	return s->list[0].udp_fd < 0 || udp_steer(s->list[0].udp_fd, s->n, err, errlen);
}

/* When a thread cannot be made those before it run already; sources_stop joins exactly those. */
bool
sources_start(struct sources *s, char *err, size_t errlen)
{
	for (unsigned i = 0; i < s->n; i++) {
		struct source *one = &s->list[i];
		int rc = pthread_create(&one->thread, NULL, s->savefile ? savefile_main : source_main, one);
		if (rc != 0) {
			snprintf(err, errlen, "cannot start source thread %u: %s", i, strerror(rc));
			return false;
		}
		one->running = true;
	}
	return true;
}

/* What pmacct puts into its log lines; IPv6 addresses stand without brackets there. */
void
sources_listening(const struct sources *s, char *buf, size_t n)
{
	const char *address = conf_string(s->conf, CONF_CORE, CONF_nfacctd_ip);
	snprintf(buf, n, "%s:%u", address ? address : "0.0.0.0",
		 (unsigned)conf_uint(s->conf, CONF_CORE, CONF_nfacctd_port));
}

/* An eventfd rather than a flag: the control thread waits for descriptors only. */
int
sources_done_fd(const struct sources *s)
{
	return s->done;
}

/* The eventfd also ends a wait of up to a second; a lost write means that one is pending already. */
static void
nudge(struct source *s)
{
	uint64_t one = 1;
	if (write(s->wake, &one, sizeof(one)) < 0)
		log_debug("source %u: already awake", s->index);
}

/* The request has three states because the asker gives up after a second: only by exchanging POSTED for
 * NONE can it be sure that fn will not run later with a ctx that is gone. Once RUNNING it waits for the
 * end, however long. */
static bool
ask_alone(struct source *s, request_fn *fn, void *ctx)
{
	/* a semaphore waits by the wall clock; a jump of it makes an answer come late or missing, no more */
	struct timespec until;
	int posted = REQUEST_POSTED;
	if (!s->running)
		return false;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	/* nobody else writes these: the caller holds the lock */
	s->request_fn = fn;
	s->request_ctx = ctx;
	atomic_store(&s->request, REQUEST_POSTED);
	nudge(s);
	if (sem_timedwait(&s->done, &until) == 0)
		return true;
	/* it is running now, or just finished: the semaphore will be posted */
	if (atomic_compare_exchange_strong(&s->request, &posted, REQUEST_NONE))
		return false;
	while (sem_wait(&s->done) < 0 && errno == EINTR)
		;
	return true;
}

/* From another thread: has fn done by the source thread and waits for it, at most a second until it begins.
 * False when it did not begin (the thread waits for a stuck plugin): then it will not be done later either.
 * The lock makes it one request at a time for the whole program: two askers would share the one place a
 * source has for a request. */
static bool
ask(struct source *s, request_fn *fn, void *ctx)
{
	pthread_mutex_lock(&s->all->asking);
	bool done = ask_alone(s, fn, ctx);
	pthread_mutex_unlock(&s->all->asking);
	return done;
}

/* Runs on the source thread; ctx is the text of the asking one, which waits. */
static void
request_status(struct source *s, void *ctx)
{
	decoder_status(s->decoder, ctx);
}

/* Thread after thread, so a busy one delays by a second at most and shows as null. */
void
sources_status(struct sources *s, struct text *json)
{
	/* one after the other: in parallel they would all write into one text */
	text_char(json, '[');
	for (unsigned i = 0; i < s->n; i++) {
		if (i > 0)
			text_char(json, ',');
		if (!ask(&s->list[i], request_status, json))
			text_str(json, "null");
	}
	text_char(json, ']');
}

/* Reading the flag costs nothing; only when it is set is the list of a thousand exporters written out. */
static void
request_changed(struct source *s, void *ctx)
{
	struct sources *all = ctx;
	all->templates_unsaved |= decoder_templates_changed(s->decoder);
}

/* Saving clears the decoder's flag, so what is not on the disk then is remembered in templates_unsaved. */
static void
request_templates(struct source *s, void *ctx)
{
	struct text *json = ctx;
	size_t before = json->len;
	if (before > 1)
		text_char(json, ',');
	if (decoder_templates_save(s->decoder, json) == 0)
		json->len = before;
}

/* Puts all threads' templates into the file, whole or not at all. False when a thread did not answer or the
 * disk did not take it: then the file is as it was, and the next round tries again. */
static bool
write_templates(struct sources *s, const char *path)
{
	struct text json = {0};
	char err[256];
	uint64_t held;
	bool ok = true;
	text_char(&json, '[');
	for (unsigned i = 0; ok && i < s->n; i++)
		ok = ask(&s->list[i], request_templates, &json);
	text_str(&json, "]\n");
	if (ok && !file_replace(path, json.data, json.len, err, sizeof(err))) {
		ok = false;
		if (log_allowed(&s->templates_limit, &held))
			log_warn("nfacctd_templates_file: %s; trying again", err);
	}
	text_free(&json);
	return ok;
}

/* Writes the templates file anew when a template changed. Polled rather than told: a template changes on a
 * thread that must not write files. */
static void
save_templates(struct sources *s)
{
	const char *path = conf_string(s->conf, CONF_CORE, CONF_nfacctd_templates_file);
	if (!path)
		return;
	for (unsigned i = 0; i < s->n; i++)
		ask(&s->list[i], request_changed, s);
	/* kept over rounds: saving clears the decoder's own flag, also when the disk then refuses */
	if (s->templates_unsaved)
		s->templates_unsaved = !write_templates(s, path);
}

/* On the control thread, so that no source thread ever waits for a disk. */
void
sources_housekeeping(struct sources *s)
{
	save_templates(s);
}

/* From here on the thread uses the new list; the asker keeps count of who has it. */
static void
request_allow(struct source *s, void *ctx)
{
	s->allow = ctx;
}

/* A new allow list takes effect on each thread between two batches; the old one goes when nobody uses it.
 * Until then some threads let in what others refuse, for less than a batch. */
static void
reload_allow(struct sources *s)
{
	const char *path = conf_string(s->conf, CONF_CORE, CONF_nfacctd_allow_file);
	char err[512];
	if (!path)
		return;
	log_info("[%s] (re)loading map.", path);
	struct allow *fresh = allow_load(path, err, sizeof(err));
	if (!fresh) {
		log_error("nfacctd_allow_file: %s; keeping the list in use", err);
		return;
	}
	bool everywhere = true;
	for (unsigned i = 0; i < s->n; i++)
		everywhere = ask(&s->list[i], request_allow, fresh) && everywhere;
	/* a thread that did not answer still reads the old list, so it is left to it */
	if (everywhere)
		allow_free(s->allow);
	else
		log_warn("nfacctd_allow_file: a source thread is busy; it goes on with the old list");
	s->allow = fresh;
	log_info("[%s] map successfully (re)loaded.", path);
}

struct replacement {
	const struct networks *old, *fresh;
};

/* As with the allow list: pointers change between two batches. */
static void
request_replace(struct source *s, void *ctx)
{
	const struct replacement *r = ctx;
	fanout_replace(s->fanout, r->old, r->fresh);
}

/* True when nobody uses the old contents any more. */
static bool
replace_networks(void *ctx, const struct networks *old, const struct networks *fresh)
{
	struct sources *s = ctx;
	struct replacement r = {old, fresh};
	bool everywhere = true;
	for (unsigned i = 0; i < s->n; i++)
		everywhere = ask(&s->list[i], request_replace, &r) && everywhere;
	return everywhere;
}

struct new_transform {
	unsigned instance;
	const struct transform *transform;
};

/* The plan of the channel stays; only the lists that fold its values change. */
static void
request_transform(struct source *s, void *ctx)
{
	const struct new_transform *t = ctx;
	fanout_set_transform(s->fanout, t->instance, t->transform);
}

/* The lists of ports, protocols and types of service of one plugin. A plugin without such lists loads
 * nothing and exchanges nothing for nothing, which keeps one way through the code. */
static void
reload_folding(struct sources *s, unsigned i)
{
	struct instance *in = &s->instances->list[i];
	struct folding fresh;
	char err[512];
	if (!folding_load(&fresh, s->conf, in->setup.index, err, sizeof(err))) {
		log_error("plugin %s/%s: %s; keeping the list in use", in->setup.name, in->setup.type, err);
		return;
	}
	struct new_transform t = {i, fresh.transform};
	bool everywhere = true;
	for (unsigned k = 0; k < s->n; k++)
		everywhere = ask(&s->list[k], request_transform, &t) && everywhere;
	/* otherwise it stays with the thread that was busy */
	if (everywhere)
		folding_free(&in->folding);
	in->folding = fresh;
}

/* Each kind of file by itself: a fault in one leaves the others to be read. */
void
sources_reload(struct sources *s)
{
	reload_allow(s);
	for (unsigned i = 0; i < s->instances->n; i++)
		reload_folding(s, i);
	netfiles_reload(replace_networks, s);
}

/* May be called twice. The flag comes first, then the nudge, so that a thread that wakes sees it; the lock
 * keeps the metrics server from asking a thread that is gone. */
void
sources_stop(struct sources *s)
{
	atomic_store(&s->stop, true);
	for (unsigned i = 0; i < s->n; i++)
		nudge(&s->list[i]);
	pthread_mutex_lock(&s->asking); /* from here on nobody asks */
	for (unsigned i = 0; i < s->n; i++) {
		if (s->list[i].running)
			pthread_join(s->list[i].thread, NULL);
		s->list[i].running = false;
	}
	pthread_mutex_unlock(&s->asking);
}

/* -1 stands for "never opened" in everything that is freed here. */
static void
close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* Sessions first: closing them tells the decoder. */
static void
source_free(struct source *s)
{
	tcp_source_free(s->tcp);
	udp_receiver_free(s->receiver);
	decoder_free(s->decoder);
	fanout_free(s->fanout);
	close_if_open(s->udp_fd);
	close_if_open(s->epoll);
	close_if_open(s->wake);
	sem_destroy(&s->done);
}

/* Threads have ended, nobody asks any more. */
void
sources_free(struct sources *s)
{
	if (!s)
		return;
	for (unsigned i = 0; s->list && i < s->n; i++)
		source_free(&s->list[i]);
	savefile_close(s->savefile);
	allow_free(s->allow);
	close_if_open(s->done);
	free(s->list);
	free(s);
}
