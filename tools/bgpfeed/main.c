/* bgpfeed: many BGP speakers in one process, to feed a collector with full tables.
 *
 * It exists to measure and to test collectors beside each other with the same routes. Everything it sends is
 * computed while it is sent, so it needs little processor time and, however many peers, little memory; one
 * thread and epoll are enough. Local addresses are 127.0.1.1 and on unless told otherwise: on Linux all of
 * 127.0.0.0/8 can be bound without being configured. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tools/bgpfeed/session.h"

enum { PEERS_MAX = 60000, ROUTE_FILES_MAX = 64 };

struct options {
	const char *to, *from, *prefix_file, *likeness, *marker, *route_files[ROUTE_FILES_MAX];
	unsigned route_file_count;
	uint64_t peers, prefixes, as, as_step, collector_as, hold, churn, flap, seconds, pack, seed, parallel,
	    graceful;
	bool crash, no_v6, agree, help;
};

static const char usage_text[] =
    "usage: bgpfeed --to ADDRESS:PORT [options]\n"
    "  --from ADDRESS         local address of the first peer, others count up (127.0.1.1)\n"
    "  --peers N              sessions (1, or as many as --routes)\n"
    "  --prefixes N           prefixes of the table (10000; all of --prefix-file)\n"
    "  --prefix-file FILE     take them from here, one a line; .gz is unpacked\n"
    "  --likeness HOW         all: peers agree on all attributes; hop: on all but the next hop; none (none)\n"
    "  --agree                --likeness all\n"
    "  --pack N               most prefixes in an UPDATE, 4 to 100 (16)\n"
    "  --routes FILE          no table but these routes, 'prefix next-hop as-path [communities]' a line, "
    "such as\n"
    "                         '203.0.113.0/24 192.0.2.1 65010,65020 65010:100,65010:1:2'; given again: next "
    "peer\n"
    "  --as N                 AS of the peers (65000)\n"
    "  --as-step N            each further peer's AS is so much higher (0)\n"
    "  --collector-as N       AS of the other side; peers of that AS send LOCAL_PREF (65000)\n"
    "  --no-ipv6              IPv4 only\n"
    "  --hold SECONDS         hold time (90)\n"
    "  --graceful SECONDS     offer graceful restart with this restart time\n"
    "  --marker PREFIX        announced last, behind the table\n"
    "  --churn N              then so many changes a second, one in eight a withdrawal, half of them the way "
    "back\n"
    "  --flap SECONDS         then end a session so often, one peer after the other\n"
    "  --crash                end sessions without a word (RST) instead of a NOTIFICATION\n"
    "  --parallel N           sessions being set up at once (64)\n"
    "  --seconds N            end after so much time (when standard input ends)\n"
    "  --seed N               another table\n"
    "Without --seconds, commands are read from standard input: announce PEER|all, cease PEER|all, crash "
    "PEER|all,\n"
    "churn N, quit. Events are printed as JSON lines: up, sent (a table), all-sent, down, churned, end.\n";

static const struct option long_options[] = {
    {"to", 1, NULL, 't'},	{"from", 1, NULL, 'f'},	       {"peers", 1, NULL, 'p'},
    {"prefixes", 1, NULL, 'n'}, {"prefix-file", 1, NULL, 'P'}, {"likeness", 1, NULL, 'l'},
    {"agree", 0, NULL, 'A'},	{"pack", 1, NULL, 'k'},	       {"routes", 1, NULL, 'r'},
    {"as", 1, NULL, 'a'},	{"as-step", 1, NULL, 's'},     {"collector-as", 1, NULL, 'c'},
    {"no-ipv6", 0, NULL, '6'},	{"hold", 1, NULL, 'H'},	       {"graceful", 1, NULL, 'g'},
    {"marker", 1, NULL, 'm'},	{"churn", 1, NULL, 'C'},       {"flap", 1, NULL, 'F'},
    {"crash", 0, NULL, 'R'},	{"parallel", 1, NULL, 'j'},    {"seconds", 1, NULL, 'S'},
    {"seed", 1, NULL, 'x'},	{"help", 0, NULL, 'h'},	       {NULL, 0, NULL, 0},
};

static volatile sig_atomic_t interrupted;

static void
on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

static bool
complain(const char *what, const char *text)
{
	fprintf(stderr, "bgpfeed: %s: '%s'; --help shows how\n", what, text);
	return false;
}

static bool
set_option(struct options *o, int code, const char *text)
{
	const struct {
		int code;
		uint64_t *number;
		const char **text;
		bool *flag;
	} places[] = {
	    {'t', NULL, &o->to, NULL},		 {'f', NULL, &o->from, NULL},
	    {'P', NULL, &o->prefix_file, NULL},	 {'l', NULL, &o->likeness, NULL},
	    {'m', NULL, &o->marker, NULL},	 {'p', &o->peers, NULL, NULL},
	    {'n', &o->prefixes, NULL, NULL},	 {'k', &o->pack, NULL, NULL},
	    {'a', &o->as, NULL, NULL},		 {'s', &o->as_step, NULL, NULL},
	    {'c', &o->collector_as, NULL, NULL}, {'H', &o->hold, NULL, NULL},
	    {'g', &o->graceful, NULL, NULL},	 {'C', &o->churn, NULL, NULL},
	    {'F', &o->flap, NULL, NULL},	 {'j', &o->parallel, NULL, NULL},
	    {'S', &o->seconds, NULL, NULL},	 {'x', &o->seed, NULL, NULL},
	    {'A', NULL, NULL, &o->agree},	 {'6', NULL, NULL, &o->no_v6},
	    {'R', NULL, NULL, &o->crash},	 {'h', NULL, NULL, &o->help},
	};
	if (code == 'r') {
		if (o->route_file_count == ROUTE_FILES_MAX)
			return complain("too many files of routes", text);
		o->route_files[o->route_file_count++] = text;
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (places[i].code != code)
			continue;
		char *end = "";
		if (places[i].text)
			*places[i].text = text;
		else if (places[i].flag)
			*places[i].flag = true;
		else
			*places[i].number = strtoull(text, &end, 10);
		return !*end || complain("not a number", text);
	}
	return false;
}

static bool
parse_options(struct options *o, int argc, char **argv)
{
	*o = (struct options){.from = "127.0.1.1",
			      .likeness = "none",
			      .as = 65000,
			      .collector_as = 65000,
			      .hold = 90,
			      .pack = 16,
			      .parallel = 64,
			      .graceful = UINT64_MAX};
	for (int code; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;)
		if (code == '?' || !set_option(o, code, optarg))
			return false;
	if (o->help)
		return true;
	if (optind < argc)
		return complain("not an option", argv[optind]);
	if (!o->to)
		return complain("--to is missing", "");
	if (!o->peers)
		o->peers = o->route_file_count ? o->route_file_count : 1;
	if (o->peers > PEERS_MAX || o->pack < 4 || o->pack > 100 || o->hold > UINT16_MAX)
		return complain("out of range", "--peers, --pack or --hold");
	return true;
}

/* --- preparing --- */

/* "127.0.0.1:179" or "[::1]:179". */
static bool
parse_target(struct feed *f, const char *text)
{
	char host[ADDR_TEXT_MAX];
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	bool brackets = n > 2 && text[0] == '[' && colon[-1] == ']';
	n -= brackets ? 2 : 0;
	if (!n || n >= sizeof(host))
		return complain("not ADDRESS:PORT", text);
	memcpy(host, text + brackets, n);
	host[n] = 0;
	f->port = (uint16_t)strtoul(colon + 1, NULL, 10);
	return (f->port && addr_parse(&f->to, host)) || complain("not ADDRESS:PORT", text);
}

static bool
parse_likeness(struct table *t, const struct options *o)
{
	static const char *const names[] = {[LIKE_ALL] = "all", [LIKE_BUT_HOP] = "hop", [LIKE_NONE] = "none"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], o->agree ? "all" : o->likeness) == 0) {
			t->likeness = (enum likeness)i;
			return true;
		}
	return complain("not all, hop or none", o->likeness);
}

static bool
make_table(struct table *t, const struct options *o)
{
	char err[256];
	uint32_t max = o->prefixes ? (uint32_t)o->prefixes : 10000;
	t->pack = (uint32_t)o->pack;
	t->seed = o->seed;
	if (o->route_file_count)
		return true;
	bool good = o->prefix_file
			? table_read(t, o->prefix_file, o->prefixes ? max : UINT32_MAX, err, sizeof(err))
			: table_synthesise(t, max, err, sizeof(err));
	if (!good)
		return complain("no table", err);
	if (o->no_v6)
		t->half[1].n = 0;
	return table_cut(t) || complain("no table", "out of memory");
}

static bool
prepare(struct feed *f, const struct options *o)
{
	*f = (struct feed){.hold = (uint16_t)o->hold, .no_v6 = o->no_v6, .marker = {.len = 255}};
	f->restart = o->graceful == UINT64_MAX ? -1 : (int)(o->graceful & 0xfff);
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!parse_target(f, o->to) || !parse_likeness(&f->table, o) || !make_table(&f->table, o))
		return false;
	if (!addr_parse(&f->from, o->from) || addr_is_v4(&f->from) != addr_is_v4(&f->to))
		return complain("not an address of the family of --to", o->from);
	return !o->marker || prefix_parse(&f->marker, o->marker) || complain("not a prefix", o->marker);
}

static bool
read_routes(struct routes *r, const struct options *o)
{
	char err[512];
	for (unsigned i = 0; i < o->route_file_count; i++)
		if (!routes_read(&r[i], o->route_files[i], o->as == o->collector_as ? 100 : 0, err,
				 sizeof(err)))
			return complain("routes", err);
	return true;
}

static struct session *
make_sessions(struct feed *f, const struct options *o, const struct routes *routes)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < o->peers + 32) {
		files.rlim_cur = files.rlim_max < o->peers + 32 ? files.rlim_max : o->peers + 32;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	struct session *s = calloc(o->peers, sizeof(*s));
	for (uint32_t i = 0; s && i < o->peers; i++) {
		uint32_t as = (uint32_t)(o->as + i * o->as_step);
		s[i].feed = f;
		s[i].fd = -1;
		s[i].speaker = (struct speaker){.number = i, .as = as, .internal = as == o->collector_as};
		if (o->route_file_count)
			s[i].routes = &routes[i % o->route_file_count];
	}
	return s;
}

/* --- running --- */

struct run {
	struct options o;
	struct feed f;
	struct session *s;
	double begun, churned_until;
	uint64_t change; /* the next one of the stream */
	uint32_t flap_next;
	double flap_at;
	bool all_sent, ended;
	char line[256];
	size_t line_len;
};

static double
cpu_s(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static void
tell(const struct run *r, const char *event)
{
	printf("{\"event\": \"%s\", \"seconds\": %.3f, \"cpu_seconds\": %.3f, \"routes\": %llu, \"updates\": "
	       "%llu, \"bytes\": %llu, "
	       "\"downs\": %llu}\n",
	       event, now_s() - r->begun, cpu_s(), (unsigned long long)r->f.routes,
	       (unsigned long long)r->f.updates, (unsigned long long)r->f.bytes,
	       (unsigned long long)r->f.downs);
	fflush(stdout);
}

/* Connects what is due, not too many at once; tells when all tables are on the way. */
static void
tick_sessions(struct run *r, double now)
{
	uint64_t setting_up = 0, sent = 0;
	for (uint32_t i = 0; i < r->o.peers; i++) {
		struct session *s = &r->s[i];
		session_tick(s, now);
		setting_up += s->state != S_IDLE && s->state != S_ESTABLISHED;
		sent += s->sent;
	}
	for (uint32_t i = 0; i < r->o.peers && setting_up < r->o.parallel; i++) {
		if (r->s[i].state == S_IDLE && now >= r->s[i].again) {
			session_connect(&r->s[i]);
			setting_up++;
		}
	}
	if (sent == r->o.peers && !r->all_sent) {
		r->all_sent = true;
		r->churned_until = r->flap_at = now;
		r->flap_at += (double)r->o.flap;
		tell(r, "all-sent");
	}
}

/* Peers change in turn: change k and the way back, k + 1, are of one peer. */
static void
tick_churn(struct run *r, double now)
{
	if (!r->all_sent || !r->o.churn)
		return;
	uint64_t due = (uint64_t)((now - r->churned_until) * (double)r->o.churn);
	r->churned_until += (double)due / (double)r->o.churn;
	for (; due; due--, r->change++)
		session_change(&r->s[r->change / 2 % r->o.peers], r->change);
	for (uint32_t i = 0; i < r->o.peers; i++)
		session_flush(&r->s[i]);
}

static void
tick_flap(struct run *r, double now)
{
	if (!r->all_sent || !r->o.flap || now < r->flap_at)
		return;
	session_end(&r->s[r->flap_next++ % r->o.peers], r->o.crash, 0.5);
	r->flap_at += (double)r->o.flap;
}

/* PEER is a number from 0, or "all". */
static void
command(struct run *r, char *line)
{
	char *what = line + strcspn(line, " ");
	if (*what)
		*what++ = 0;
	if (strcmp(line, "quit") == 0)
		r->ended = true;
	if (strcmp(line, "churn") == 0) {
		if (r->o.churn && !strtoull(what, NULL, 10))
			tell(r, "churned");
		r->o.churn = strtoull(what, NULL, 10);
		r->churned_until = now_s();
		return;
	}
	bool all = strcmp(what, "all") == 0;
	uint64_t one = strtoull(what, NULL, 10);
	for (uint32_t i = 0; i < r->o.peers; i++) {
		if (!all && i != one)
			continue;
		r->all_sent = false;
		if (strcmp(line, "announce") == 0)
			session_announce(&r->s[i]);
		else if (strcmp(line, "cease") == 0 || strcmp(line, "crash") == 0)
			session_end(&r->s[i], line[1] == 'r', 0.2);
	}
}

static void
read_commands(struct run *r)
{
	ssize_t n = read(STDIN_FILENO, r->line + r->line_len, sizeof(r->line) - 1 - r->line_len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	r->ended = n <= 0;
	r->line_len += n > 0 ? (size_t)n : 0;
	for (char *end; (end = memchr(r->line, '\n', r->line_len));) {
		size_t used = (size_t)(end - r->line) + 1;
		*end = 0;
		command(r, r->line);
		memmove(r->line, r->line + used, r->line_len - used);
		r->line_len -= used;
	}
	if (r->line_len == sizeof(r->line) - 1)
		r->line_len = 0; /* no command is that long */
}

static void
loop(struct run *r)
{
	struct epoll_event events[256];
	double next = 0;
	if (!r->o.seconds) {
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
		fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
		if (epoll_ctl(r->f.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &e) != 0)
			r->ended = !complain("standard input is no pipe or terminal", "--seconds is missing");
	}
	while (!interrupted && !r->ended && (!r->o.seconds || now_s() < r->begun + (double)r->o.seconds)) {
		int n = epoll_wait(r->f.epoll, events, ARRAY_SIZE(events), 5);
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				session_event(events[i].data.ptr, events[i].events);
			else
				read_commands(r);
		}
		double now = now_s();
		if (now < next)
			continue;
		next = now + 0.005;
		tick_sessions(r, now);
		tick_churn(r, now);
		tick_flap(r, now);
	}
}

int
main(int argc, char **argv)
{
	static struct run r;
	struct routes routes[ROUTE_FILES_MAX] = {0};
	if (!parse_options(&r.o, argc, argv))
		return 2;
	if (r.o.help) {
		fputs(usage_text, stdout);
		return 0;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGPIPE, SIG_IGN);
	if (!prepare(&r.f, &r.o) || !read_routes(routes, &r.o))
		return 2;
	r.s = make_sessions(&r.f, &r.o, routes);
	if (!r.s)
		return 1;
	r.begun = now_s();
	loop(&r);
	for (uint32_t i = 0; i < r.o.peers; i++)
		session_end(&r.s[i], false, 0);
	tell(&r, "end");
	for (uint32_t i = 0; i < r.o.peers; i++)
		free(r.s[i].out);
	free(r.s);
	table_free(&r.f.table);
	for (unsigned i = 0; i < r.o.route_file_count; i++)
		routes_free(&routes[i]);
	return 0;
}
