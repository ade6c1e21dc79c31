/* flowribd: from the command line to an orderly end.
 *
 * The order matters. Everything that can be wrong in the configuration is found before anything starts. What
 * processes share (counters, queues) is made before the spawner forks; the spawner forks before the core has
 * sockets or threads; plugins start when the sources are open; privileges go when nothing needs them any
 * more. */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bgp/bgp.h"
#include "collector/base/clock.h"
#include "collector/base/log.h"
#include "collector/base/readers.h"
#include "collector/core/control.h"
#include "collector/core/customs.h"
#include "collector/core/instance.h"
#include "collector/core/metrics.h"
#include "collector/core/notify.h"
#include "collector/core/privileges.h"
#include "collector/core/runtime.h"
#include "collector/core/sandbox.h"
#include "collector/core/source.h"
#include "collector/core/status.h"
#include "collector/core/supervisor.h"

struct program {
	const struct conf *conf;
	/* what any plugin reads of a flow; decoders leave out the rest */
	struct flow_needs needs;
	struct instances instances;
	struct bgp *bgp;	   /* NULL: bgp_daemon is not set */
	struct bgp_sources routes; /* of bgp */
	struct sources *sources;
	struct supervisor supervisor;
	struct status status;
	struct control *control;
	struct metrics *metrics;
	int signals;
	uint64_t next_housekeeping_us;
	unsigned ending; /* signals that asked for an end so far */
	bool gone;	 /* the spawner and all plugins have ended */
	/* 0 unless something ended that should not have */
	int exit_status;
};

/* --- actions of the command line --- */

/* Frees the text: it is the last thing that an action does. */
static int
print_and_leave(struct text *t, int status)
{
	fwrite(t->data, 1, t->len, status ? stderr : stdout);
	text_free(t);
	return status;
}

static int
show_version(void)
{
	printf("flowribd %s\n", PACKAGE_VERSION);
	return 0;
}

/* The mdoc form fills the manual page, so that page and program cannot differ. */
static int
show_help(const struct conf_args *args)
{
	struct text t = {0};
	/* called while the manual page is built, hence no word about it in the help */
	if (args->list_format && strcmp(args->list_format, "mdoc") == 0) {
		conf_list_options_mdoc(&t);
		return print_and_leave(&t, 0);
	}
	text_str(&t, "flowribd: collects NetFlow and IPFIX, aggregates, hands out to plugins\n\n"
		     "usage: flowribd -f FILE | flowribd --check -f FILE\n\n");
	conf_list_options(&t, args->personality);
	return print_and_leave(&t, 0);
}

/* Tables for people, for the manual pages, and for programs (JSON): the same rows each time. */
static int
list(const struct conf_args *args)
{
	struct text t = {0};
	if (args->action == CONF_LIST_KEYS)
		conf_list_keys(&t, args->list_format);
	else if (args->list_format && strcmp(args->list_format, "mdoc") == 0)
		primitives_list_mdoc(&t);
	else
		primitives_list(&t);
	return print_and_leave(&t, 0);
}

/* --- setting up --- */

/* What the configured sources can fill in. */
static unsigned
supply_of(const struct conf *c)
{
	/* primitives that need anything else are refused by name, with what would supply them */
	unsigned supply = SUPPLY_CLOCK | SUPPLY_FLOW;
	if (conf_is_set(c, CONF_CORE, CONF_networks_file))
		supply |= SUPPLY_NETWORKS;
	if (bgp_configured(c))
		supply |= SUPPLY_BGP;
	/* post_tag is of a plugin, but the check is of the program: one plugin's tag makes the primitive
	 * known */
	for (int i = 0; i < (int)conf_plugins(c); i++)
		if (conf_is_set(c, i, CONF_post_tag) || conf_is_set(c, i, CONF_post_tag2))
			supply |= SUPPLY_MAP;
	return supply;
}

/* Under one of pmacct's names the usual port is meant when no source is named; otherwise somebody forgot it.
 */
static bool
has_source(const struct conf *c, struct text *errors)
{
	static const enum conf_key keys[] = {CONF_nfacctd_port, CONF_nfacctd_tcp_port, CONF_pcap_savefile};
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (conf_is_set(c, CONF_CORE, keys[i]))
			return true;
	/* nfacctd listens on 2100 when nobody says otherwise */
	if (conf_personality(c) == CONF_AS_NFACCTD)
		return true;
	text_str(errors, "no source of flows: set nfacctd_port, nfacctd_tcp_port or pcap_savefile\n");
	return false;
}

/* Sources first, since what they supply decides what may be aggregated. Reports all faults of a stage
 * before it gives up. */
static bool
prepare(struct program *p, bool queues, struct text *errors)
{
	return has_source(p->conf, errors) && customs_load(p->conf, errors) &&
	       instances_prepare(&p->instances, p->conf, sources_threads(p->conf), supply_of(p->conf), queues,
				 &p->needs, errors);
}

/* Goes exactly as far as a start does before anything exists outside this process: a configuration that
 * passes here fails later only for lack of something the machine should have. */
static int
check(struct program *p, struct text *messages)
{
	if (!prepare(p, false, messages)) {
		text_str(messages, "the configuration has errors\n");
		return print_and_leave(messages, 1);
	}
	struct text t = {0};
	if (messages->len)
		fwrite(messages->data, 1, messages->len, stderr);
	conf_dump(p->conf, &t);
	return print_and_leave(&t, 0);
}

/* Tables for the configuration as it is; what it needs is checked as for a start. */
static int
schema(struct program *p, struct text *messages)
{
	struct text t = {0};
	char err[1024];
	bool fine = prepare(p, false, messages);
	for (unsigned i = 0; i < p->instances.n && fine; i++) {
		const struct instance *in = &p->instances.list[i];
		fine = !in->ops->schema || in->ops->schema(&in->setup, &t, err, sizeof(err));
		if (!fine)
			text_printf(messages, "%s\n", err);
	}
	if (fine && !t.len)
		text_str(messages, "no plugin of this configuration writes to a database\n");
	if (fine && t.len)
		return print_and_leave(&t, 0);
	text_free(&t);
	return print_and_leave(messages, 1);
}

/* Before anything can fail that would have to be logged, and while still root, as log folders usually are
 * root's. */
static bool
open_log(const struct conf *c, char *err, size_t errlen)
{
	const char *name = conf_string(c, CONF_CORE, CONF_core_proc_name);
	char full[96];
	struct log_config config = {
	    .file = conf_string(c, CONF_CORE, CONF_logfile),
	    .syslog = conf_string(c, CONF_CORE, CONF_syslog),
	    .ident = conf_string(c, CONF_CORE, CONF_syslog_ident),
	    .timestamps = conf_bool(c, CONF_CORE, CONF_log_stderr_tstamp),
	    .debug = conf_bool(c, CONF_CORE, CONF_debug),
	};
	snprintf(full, sizeof(full), "%s/core", name ? name : "default");
	log_set_name(full);
	return log_open(&config, err, errlen);
}

/* Signals come through a descriptor; threads made later inherit that they are blocked. The spawner, forked
 * later, has a mask of its own. */
static int
open_signals(void)
{
	static const int wanted[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		sigaddset(&set, wanted[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* a client that goes away is an error of write, not a reason to die */
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* --- what the control thread does --- */

/* The commands of the control socket have one form; these give it to functions that want a status. */
static void
answer_status_text(void *ctx, const char *words, struct text *answer)
{
	(void)words;
	status_text(&((struct program *)ctx)->status, answer);
}

static void
answer_status_json(void *ctx, const char *words, struct text *answer)
{
	(void)words;
	status_json(&((struct program *)ctx)->status, answer);
}

static void
answer_metrics(void *ctx, const char *words, struct text *answer)
{
	(void)words;
	status_prometheus(&((struct program *)ctx)->status, answer);
}

/* Core first, plugins second: a plugin that reads its file again may already get records made with the new
 * one of the core. */
static void
reload(struct program *p)
{
	if (!conf_bool(p->conf, CONF_CORE, CONF_maps_refresh)) {
		log_warn("asked to reload, but maps_refresh is false");
		return;
	}
	sources_reload(p->sources);
	if (p->bgp)
		bgp_reload(p->bgp);
	supervisor_command(&p->supervisor, SUPERVISOR_RELOAD);
}

/* Reading a full table takes seconds of this thread; the answer comes after it, and the log names files and
 * faults. */
static void
answer_reload(void *ctx, const char *words, struct text *answer)
{
	(void)words;
	reload(ctx);
	text_str(answer, "reloading; the log says with what result\n");
}

static void
answer_bgp(const struct program *p, const char *words, bool json, struct text *answer)
{
	if (p->bgp)
		bgp_query(&p->routes, words, json, answer);
	else
		text_str(answer, "error: this daemon speaks no BGP; set bgp_daemon: true\n");
}

static void
answer_bgp_text(void *ctx, const char *words, struct text *answer)
{
	answer_bgp(ctx, words, false, answer);
}

static void
answer_bgp_json(void *ctx, const char *words, struct text *answer)
{
	answer_bgp(ctx, words, true, answer);
}

static const struct control_command commands[] = {
    {"bgp text ", answer_bgp_text},
    {"bgp json ", answer_bgp_json},
    {"status text", answer_status_text},
    {"status json", answer_status_json},
    {"metrics", answer_metrics},
    {"reload", answer_reload},
    {NULL, NULL},
};

/* The first request ends in good order: sources stop, queues are drained, plugins purge. The second
 * takes the time that plugins have to end for over: SIGTERM, and SIGKILL a few seconds later. Order: no more
 * restarts, then templates to the disk while threads still answer, then threads and queues; plugins end by
 * themselves when their queues are closed and empty.
 */
static void
begin_end(struct program *p)
{
	p->ending++;
	if (p->ending == 1) {
		log_notice("ending: handing on what was received, plugins write out what they hold");
		notify_stopping();
		/* no restarts from now on: closed queues end plugins, and that must not look like a death */
		supervisor_command(&p->supervisor, SUPERVISOR_STOP);
		sources_housekeeping(p->sources); /* templates of the last second */
		sources_stop(p->sources);
		supervisor_command(&p->supervisor, SUPERVISOR_CLOSED);
		/* after the last flow was looked up; plugins purge meanwhile */
		bgp_stop(p->bgp);
	} else if (p->ending == 2) {
		log_warn("asked again to end: telling plugins to stop now");
		supervisor_command(&p->supervisor, SUPERVISOR_KILL);
	} else {
		p->gone = true;
		p->exit_status = 1;
	}
}

static void
on_signal(struct program *p)
{
	struct signalfd_siginfo info;
	/* all that came at once: a reload is not lost to a stop that came with it */
	while (read(p->signals, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGHUP:
			log_reopen();
			if (p->bgp)
				bgp_reopen(p->bgp);
			supervisor_command(&p->supervisor, SUPERVISOR_LOG);
			break;
		case SIGUSR1:
			status_log(&p->status);
			break;
		case SIGUSR2:
			reload(p);
			break;
		default:
			begin_end(p);
		}
	}
}

/* Tells producers whether a full queue is slow or dead: they count the two apart. */
static void
set_alive(struct instance *in, bool alive)
{
	for (unsigned t = 0; t < in->setup.ring_count; t++)
		ring_set_alive(in->setup.rings[t], alive);
	counter_set(in->counters, INSTANCE_UP, alive);
}

/* What the process held is lost, what waits in its queue is not: the successor goes on where it stood. */
static void
on_death(struct program *p, struct instance *in, const struct supervisor_event *e)
{
	char how[64];
	if (WIFSIGNALED(e->wait_status))
		snprintf(how, sizeof(how), "signal %d", WTERMSIG(e->wait_status));
	else
		snprintf(how, sizeof(how), "exit status %d", WEXITSTATUS(e->wait_status));
	counter_add(in->counters, INSTANCE_DEATHS, 1);
	counter_add(in->counters, INSTANCE_LOST_ENTRIES, e->lost);
	log_error("plugin %s/%s (pid %d) died: %s; %llu aggregates it held are lost%s", in->setup.name,
		  in->setup.type, (int)e->pid, how, (unsigned long long)e->lost,
		  p->ending ? "" : "; it will be started again");
}

/* pmacct's way of letting a service manager see the death of a plugin. */
static void
end_with_plugin(struct program *p, const struct supervisor_event *e)
{
	if (p->ending || e->kind == SUPERVISOR_STARTED ||
	    !conf_bool(p->conf, CONF_CORE, CONF_plugin_exit_any))
		return;
	log_notice("a plugin has ended; so does all (plugin_exit_any)");
	p->exit_status = e->kind == SUPERVISOR_DIED;
	begin_end(p);
}

/* True while a plugin runs or will be started again. */
static bool
any_left(const struct program *p)
{
	for (unsigned i = 0; i < p->instances.n; i++)
		if (p->instances.list[i].state != INSTANCE_FINISHED)
			return true;
	return false;
}

/* Several events may wait; the end of the spawner is always the last of them. */
static void
on_supervisor(struct program *p)
{
	struct supervisor_event e;
	while (!p->gone && supervisor_event(&p->supervisor, &e)) {
		if (e.kind == SUPERVISOR_GONE) {
			if (!p->ending)
				log_error("the spawner is gone: plugins cannot be watched any more; ending");
			p->exit_status = p->ending ? p->exit_status : 1;
			p->gone = true;
			return;
		}
		/* the event is of our own spawner, so its index is not checked */
		struct instance *in = &p->instances.list[e.instance];
		in->pid = e.kind == SUPERVISOR_STARTED ? e.pid : 0;
		in->state = e.kind == SUPERVISOR_STARTED ? INSTANCE_RUNNING
			    : e.kind == SUPERVISOR_ENDED ? INSTANCE_FINISHED
							 : INSTANCE_DOWN;
		/* producers first, so that drops are counted under the right reason */
		set_alive(in, e.kind == SUPERVISOR_STARTED);
		if (e.kind == SUPERVISOR_STARTED)
			counter_add(in->counters, INSTANCE_STARTS, 1);
		if (e.kind == SUPERVISOR_DIED)
			on_death(p, in, &e);
		end_with_plugin(p, &e);
		if (!p->ending && !any_left(p))
			begin_end(p);
	}
}

/* Sources have handed on everything by now, so ending loses nothing. */
static void
on_savefile_end(struct program *p)
{
	uint64_t drained;
	if (read(sources_done_fd(p->sources), &drained, sizeof(drained)) < 0)
		return;
	/* with the key, status and tables can be asked at leisure before somebody ends the program */
	if (conf_bool(p->conf, CONF_CORE, CONF_pcap_savefile_wait))
		log_info("capture file read; waiting (pcap_savefile_wait)");
	else
		begin_end(p);
}

/* What is to be done about once a second. Once ending begins the sources are not asked any more: their
 * threads are being joined. */
static void
housekeeping(struct program *p)
{
	/* also called after each event, so under load it is regular as well */
	uint64_t now = clock_monotonic_us();
	if (now < p->next_housekeeping_us)
		return;
	p->next_housekeeping_us = now + US_PER_S;
	for (unsigned i = 0; i < p->instances.n; i++)
		instance_watch_queue(&p->instances.list[i]);
	if (p->ending)
		return;
	sources_housekeeping(p->sources);
	if (p->bgp)
		bgp_housekeeping(p->bgp);
}

/* One event at a time: an action may change what the others are about, and there are never many. The
 * timeout makes housekeeping regular when nothing happens. */
static void
run(struct program *p)
{
	/* all of the control thread's waiting is here; the metrics server has its own */
	int fds[] = {p->signals, p->supervisor.fd, sources_done_fd(p->sources), control_fd(p->control)};
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		struct epoll_event e = {.events = EPOLLIN, .data.fd = fds[i]};
		epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &e);
	}
	while (!p->gone) {
		struct epoll_event e;
		int n = epoll_wait(epoll, &e, 1, 1000);
		housekeeping(p);
		if (n <= 0)
			continue;
		if (e.data.fd == fds[0])
			on_signal(p);
		else if (e.data.fd == fds[1])
			on_supervisor(p);
		else if (e.data.fd == fds[2])
			on_savefile_end(p);
		else
			control_run(p->control);
	}
	close(epoll);
}

/* Plugins without their spawner drain their queues and end by themselves. Waits for that, a few seconds at
 * most: a service manager kills what is left when the core is gone. Asking for signal 0 is all we can do:
 * they are not our children, so there is nothing to wait for. */
static void
outlive_plugins(const struct program *p)
{
	/* 50 times 100 ms: the two seconds of grace of a plugin, and time to write */
	for (unsigned tries = 0; tries < 50; tries++) {
		bool left = false;
		for (unsigned i = 0; i < p->instances.n; i++)
			left |= p->instances.list[i].pid > 0 && kill(p->instances.list[i].pid, 0) == 0;
		if (!left)
			return;
		usleep(100000);
	}
}

/* Made while root, when the directory may be root's still, then given to the user the daemon becomes. */
static bool
start_control(struct program *p, char *err, size_t errlen)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/control.sock", runtime_path(p->conf));
	p->status = (struct status){p->sources, &p->instances, p->bgp, clock_now_us()};
	p->control = control_open(path, commands, p, err, errlen);
	if (p->control)
		runtime_give(p->conf, path);
	return p->control != NULL;
}

/* After privileges are gone: a port below 1,024 is refused, which is right for a page without a password. */
static bool
start_metrics(struct program *p, char *err, size_t errlen)
{
	struct addr address;
	uint16_t port;
	/* not set: no server, and no thread for it */
	if (!conf_endpoint(p->conf, CONF_CORE, CONF_metrics_listen, &address, &port))
		return true;
	p->metrics = metrics_open(&address, port, &p->status, err, errlen);
	return p->metrics != NULL;
}

/* In the spawner, before it starts plugins. */
static bool
settle_spawner(const void *ctx)
{
	const struct program *p = ctx;
	char err[512];
	runtime_detach();
	runtime_priorities_allow(p->conf);
	if (privileges_drop(p->conf, err, sizeof(err)))
		return true;
	log_error("%s", err);
	return false;
}

/* From here on processes and sockets exist. The pid file comes after the control socket, which a second
 * daemon does not get: so it never overwrites the first one's. What fails here has an operator watching:
 * each step says what to change. Nothing is undone step by step; the caller frees what there is. */
static bool
start(struct program *p, char *err, size_t errlen)
{
	/* first of all: whatever has a thread or a child would be lost by the fork */
	if (conf_bool(p->conf, CONF_CORE, CONF_daemonize) && !runtime_daemonize(err, errlen))
		return false;
	runtime_files_allow();
	runtime_priority(p->conf, CONF_CORE);
	if (!runtime_directory(p->conf, err, errlen) ||
	    (instances_need_state(&p->instances) && !runtime_state_directory(p->conf, err, errlen)))
		return false;
	/* before the spawner: counters of source threads are in the shared mapping as well */
	if (bgp_configured(p->conf)) {
		p->bgp = bgp_prepare(p->conf, err, errlen);
		if (!p->bgp)
			return false;
		p->routes = bgp_sources_of(p->bgp);
	}
	p->sources =
	    sources_prepare(p->conf, &p->instances, &p->needs, p->bgp ? &p->routes : NULL, err, errlen);
	if (!p->sources)
		return false;
	p->signals = open_signals();
	if (p->signals < 0 || !supervisor_start(&p->supervisor, &p->instances, settle_spawner, p)) {
		snprintf(err, errlen, "cannot start the spawner: %s", strerror(errno));
		return false;
	}
	/* sockets before privileges go, since ports and interfaces may need them; plugins after sockets, so
	 * that a port that is taken does not start a database connection first */
	if (!sources_open(p->sources, err, errlen) || (p->bgp && !bgp_open_sockets(p->bgp, err, errlen)) ||
	    !start_control(p, err, errlen) || !runtime_pidfile_write(p->conf, CONF_CORE, err, errlen) ||
	    !privileges_drop(p->conf, err, errlen) || !start_metrics(p, err, errlen))
		return false;
	/* records may be waiting already, in the sockets and soon in the queues; plugins find them */
	supervisor_command(&p->supervisor, SUPERVISOR_GO);
	/* routes before flows: those of a snapshot are there for the first of them */
	if ((p->bgp && !bgp_start(p->bgp, err, errlen)) || !sources_start(p->sources, err, errlen) ||
	    !sandbox_enter(p->conf, err, errlen))
		return false;
	/* everything that can fail has been done */
	runtime_ready();
	return true;
}

/* The messages of the configuration go to standard error even when there is a log file: whoever starts the
 * program reads them there. */
static int
collect(struct program *p, struct text *messages)
{
	char err[512];
	if (!open_log(p->conf, err, sizeof(err))) {
		log_error("%s", err);
		return 1;
	}
	if (!counters_init() || !prepare(p, true, messages)) {
		text_str(messages, "the configuration has errors; nothing was started\n");
		return print_and_leave(messages, 1);
	}
	/* warnings are no reason not to start */
	if (messages->len)
		fwrite(messages->data, 1, messages->len, stderr);
	if (!start(p, err, sizeof(err))) {
		log_error("%s", err);
		if (p->control) /* else the pid file is another daemon's */
			runtime_pidfile_remove(p->conf, CONF_CORE);
		return 1; /* the spawner notices that the core is gone and ends its plugins */
	}
	log_info("flowribd %s is up", PACKAGE_VERSION);
	readers_join();
	run(p);
	/* the spawner may also be gone by itself, and the queues are open then */
	sources_stop(p->sources); /* again, when it was not a signal that ended it */
	bgp_stop(p->bgp);
	readers_leave();
	if (!p->ending)
		outlive_plugins(p);
	for (unsigned i = 0; i < p->instances.n; i++)
		instance_tell_undelivered(&p->instances.list[i]);
	runtime_pidfile_remove(p->conf, CONF_CORE);
	log_info("ended");
	return p->exit_status;
}

/* What there is, after an orderly end as after an error. The server that reads from the others goes first,
 * what the others read from goes last. */
static void
program_free(struct program *p)
{
	if (p->sources) /* when the start failed half-way threads still run */
		sources_stop(p->sources);
	bgp_stop(p->bgp);
	metrics_close(p->metrics);
	control_close(p->control);
	sources_free(p->sources);
	bgp_free(p->bgp);
	instances_free(&p->instances);
}

/* Actions that only print come first; they need no configuration. The plugin types that exist are told to
 * the configuration, which knows none. */
int
main(int argc, char **argv)
{
	struct text messages = {0};
	struct conf_args args = {0};
	struct program program = {0};
	if (!conf_args_parse(&args, argc, argv, &messages))
		return print_and_leave(&messages, 1);
	switch (args.action) {
	case CONF_VERSION:
		return show_version();
	case CONF_HELP:
		return show_help(&args);
	case CONF_LIST_KEYS:
	case CONF_LIST_PRIMITIVES:
		return list(&args);
	default:
		break;
	}
	/* the configuration checks plugin names against what this build has */
	const char *types[32] = {NULL};
	for (size_t i = 0; plugin_table[i] && i < ARRAY_SIZE(types) - 1; i++)
		types[i] = plugin_table[i]->type;
	args.plugin_types = types;
	struct conf *conf = conf_load(&args, &messages);
	if (!conf)
		return print_and_leave(&messages, 1);
	program.conf = conf;
	/* pmacct's two dry runs are one here: checking always includes setting up */
	bool dry = args.action == CONF_CHECK || conf_is_set(conf, CONF_CORE, CONF_dry_run);
	int status = args.action == CONF_SQL_SCHEMA ? schema(&program, &messages)
		     : dry			    ? check(&program, &messages)
						    : collect(&program, &messages);
	program_free(&program);
	text_free(&messages);
	conf_free(conf);
	conf_args_free(&args);
	return status;
}
