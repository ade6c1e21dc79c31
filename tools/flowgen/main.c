/* flowgen: flow records of every kind, as a capture file or to a live collector, with totals to compare
 * against.
 *
 * It exists so that decoders are tested and measured against something that does not share their code:
 * everything here is written from the specifications. The same options give the same bytes, so a peer and
 * flowrib can be fed in turn. */
#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>
#include <time.h>

#include "tools/flowgen/message.h"
#include "tools/flowgen/sink.h"

enum { SEQUENCE_MAX = 8 << 20, EXPORTERS_MAX = 200, PER_DATAGRAM_MAX = 500 };

struct options {
	struct gen_plan plan;
	const char *preset, *fields, *option_tables, *out, *to, *flows_out, *prefixes;
	uint64_t records, rate, seconds, drop_every, late, template_every;
	uint32_t flows, domain;
	unsigned per_datagram, exporters, burst;
	bool uniform;
};

static volatile sig_atomic_t interrupted;

static void
on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

static const char usage_text[] =
    "usage: flowgen (--out FILE.pcap | --to ADDRESS:PORT) [options]\n"
    "  --version 1|5|7|9|10     export format (9; 10 is IPFIX)\n"
    "  --records N              how many flow records (2000000; 0: until --seconds or a signal)\n"
    "  --flows N                distinct five-tuples (160000)\n"
    "  --uniform                every flow equally often, instead of by Zipf's law\n"
    "  --per-datagram N         records in a datagram (24)\n"
    "  --ipv6 PERCENT           share of IPv6 flows (0)\n"
    "  --prefix-file FILE       addresses out of these prefixes, one a line; .gz is unpacked\n"
    "  --exporters N            from so many addresses, 127.0.1.1 and on (1)\n"
    "  --template NAME          what a record holds (basic); --list shows all\n"
    "  --fields LIST            own list of fields: '[PEN:]ID[/LENGTH|/v] ...'\n"
    "  --options LIST           option tables: sampling samplers interfaces vrfs apps\n"
    "  --sampling N             the sampling rate that is reported (1000)\n"
    "  --seed N                 another population and order\n"
    "  --time EPOCH|now         when the flows were (1700000000)\n"
    "  --uptime MS              SysUptime at that time (864000000)\n"
    "  --domain N               source id or observation domain of the first exporter (1)\n"
    "  --late N                 templates come after N data datagrams of each exporter\n"
    "  --template-every N       and again after every N datagrams (0: once)\n"
    "  --drop-every N           withhold every Nth data datagram: a gap in the sequence\n"
    "  --rate N                 records a second (as fast as possible)\n"
    "  --seconds N              stop after so much time\n"
    "  --burst N                datagrams sent together (32)\n"
    "  --flows-out FILE.csv     what was sent, by five-tuple\n"
    "Totals are printed as one JSON object.\n";

enum option_code {
	O_VERSION = 256,
	O_RECORDS,
	O_FLOWS,
	O_UNIFORM,
	O_PER_DATAGRAM,
	O_IPV6,
	O_EXPORTERS,
	O_TEMPLATE,
	O_FIELDS,
	O_OPTIONS,
	O_SAMPLING,
	O_SEED,
	O_TIME,
	O_UPTIME,
	O_DOMAIN,
	O_LATE,
	O_TEMPLATE_EVERY,
	O_DROP_EVERY,
	O_RATE,
	O_SECONDS,
	O_BURST,
	O_FLOWS_OUT,
	O_OUT,
	O_TO,
	O_LIST,
	O_PREFIX_FILE,
	O_HELP
};

static const struct option long_options[] = {
    {"version", 1, NULL, O_VERSION},
    {"records", 1, NULL, O_RECORDS},
    {"flows", 1, NULL, O_FLOWS},
    {"uniform", 0, NULL, O_UNIFORM},
    {"per-datagram", 1, NULL, O_PER_DATAGRAM},
    {"ipv6", 1, NULL, O_IPV6},
    {"exporters", 1, NULL, O_EXPORTERS},
    {"template", 1, NULL, O_TEMPLATE},
    {"fields", 1, NULL, O_FIELDS},
    {"options", 1, NULL, O_OPTIONS},
    {"sampling", 1, NULL, O_SAMPLING},
    {"seed", 1, NULL, O_SEED},
    {"time", 1, NULL, O_TIME},
    {"uptime", 1, NULL, O_UPTIME},
    {"domain", 1, NULL, O_DOMAIN},
    {"late", 1, NULL, O_LATE},
    {"template-every", 1, NULL, O_TEMPLATE_EVERY},
    {"drop-every", 1, NULL, O_DROP_EVERY},
    {"rate", 1, NULL, O_RATE},
    {"seconds", 1, NULL, O_SECONDS},
    {"burst", 1, NULL, O_BURST},
    {"flows-out", 1, NULL, O_FLOWS_OUT},
    {"out", 1, NULL, O_OUT},
    {"to", 1, NULL, O_TO},
    {"prefix-file", 1, NULL, O_PREFIX_FILE},
    {"list", 0, NULL, O_LIST},
    {"help", 0, NULL, O_HELP},
    {NULL, 0, NULL, 0},
};

static void
set_text_option(struct options *o, int code, const char *text)
{
	const struct {
		int code;
		const char **where;
	} texts[] = {{O_TEMPLATE, &o->preset},
		     {O_FIELDS, &o->fields},
		     {O_OPTIONS, &o->option_tables},
		     {O_OUT, &o->out},
		     {O_TO, &o->to},
		     {O_FLOWS_OUT, &o->flows_out},
		     {O_PREFIX_FILE, &o->prefixes}};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].code == code)
			*texts[i].where = text;
}

static void
set_number_option(struct options *o, int code, uint64_t n)
{
	const struct {
		int code;
		uint64_t *wide;
		uint32_t *narrow;
	} numbers[] = {
	    {O_VERSION, NULL, &o->plan.version},
	    {O_RECORDS, &o->records, NULL},
	    {O_FLOWS, NULL, &o->flows},
	    {O_PER_DATAGRAM, NULL, &o->per_datagram},
	    {O_IPV6, NULL, &o->plan.v6_percent},
	    {O_EXPORTERS, NULL, &o->exporters},
	    {O_SAMPLING, NULL, &o->plan.clock.sampling},
	    {O_SEED, &o->plan.seed, NULL},
	    {O_UPTIME, NULL, &o->plan.clock.base_uptime_ms},
	    {O_DOMAIN, NULL, &o->domain},
	    {O_LATE, &o->late, NULL},
	    {O_TEMPLATE_EVERY, &o->template_every, NULL},
	    {O_DROP_EVERY, &o->drop_every, NULL},
	    {O_RATE, &o->rate, NULL},
	    {O_SECONDS, &o->seconds, NULL},
	    {O_BURST, NULL, &o->burst},
	};
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (numbers[i].code != code)
			continue;
		if (numbers[i].wide)
			*numbers[i].wide = n;
		else
			*numbers[i].narrow = (uint32_t)n;
	}
}

static bool
options_valid(const struct options *o)
{
	unsigned v = o->plan.version;
	const char *wrong = NULL;
	if (!o->out == !o->to)
		wrong = "give one of --out and --to";
	else if (v != 1 && v != 5 && v != 7 && v != 9 && v != 10)
		wrong = "--version is 1, 5, 7, 9 or 10";
	else if (v < 9 && o->plan.v6_percent)
		wrong = "--ipv6 needs version 9 or 10";
	else if (!o->flows || o->flows > 1u << 27)
		wrong = "--flows is 1 to 134217728";
	else if (!o->per_datagram || o->per_datagram > PER_DATAGRAM_MAX || (v < 9 && o->per_datagram > 30))
		wrong = "--per-datagram is 1 to 500, and at most 30 before version 9";
	else if (!o->exporters || o->exporters > EXPORTERS_MAX || !o->burst)
		wrong = "--exporters is 1 to 200, --burst at least 1";
	else if (!o->records && !o->seconds && o->out)
		wrong = "a capture file needs --records";
	if (wrong)
		fprintf(stderr, "flowgen: %s (--help shows the options)\n", wrong);
	return !wrong;
}

/* Returns -1 to go on, or the status to exit with. */
static int
options_read(struct options *o, int argc, char **argv)
{
	int code;
	while ((code = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (code == O_HELP || code == O_LIST) {
			if (code == O_LIST)
				preset_list();
			else
				fputs(usage_text, stdout);
			return 0;
		}
		if (code == '?')
			return 2;
		if (code == O_UNIFORM)
			o->uniform = true;
		else if (code == O_TIME)
			o->plan.clock.base_ms = 1000ull * (strcmp(optarg, "now") ? strtoull(optarg, NULL, 10)
										 : (uint64_t)time(NULL));
		else if (optarg)
			set_number_option(o, code, strtoull(optarg, NULL, 10));
		set_text_option(o, code, optarg);
	}
	return options_valid(o) ? -1 : 2;
}

static uint64_t
now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void
wait_until(uint64_t due_us)
{
	struct timespec t = {.tv_sec = (time_t)(due_us / 1000000),
			     .tv_nsec = (long)(due_us % 1000000) * 1000};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

struct run {
	struct options *o;
	struct sink *sink;
	struct gen_exporter exporter[EXPORTERS_MAX];
	uint64_t sent_by[EXPORTERS_MAX]; /* data datagrams */
	struct gen_count count, withheld;
	const uint32_t *sequence;
	uint32_t sequence_len, place;
	uint64_t started_us;
};

/* Time as the exporter sees it: real when live, 100,000 records a second in a capture file. */
static uint64_t
elapsed_ms(const struct run *r)
{
	return r->o->to ? (now_us() - r->started_us) / 1000 : r->count.records / 100;
}

static void
send_templates(struct run *r, unsigned exporter, uint64_t ms)
{
	uint8_t *room = sink_room(r->sink, exporter);
	struct put p = put_into(room, MAX_DATAGRAM);
	message_templates(&p, &r->o->plan, &r->exporter[exporter], ms, &r->count);
	if (put_len(&p))
		sink_commit(r->sink, put_len(&p), (r->o->plan.clock.base_ms + ms) * 1000);
}

static bool
templates_due(const struct run *r, unsigned exporter)
{
	uint64_t sent = r->sent_by[exporter];
	uint64_t every = r->o->template_every;
	return sent == r->o->late || (every && sent > r->o->late && (sent - r->o->late) % every == 0);
}

/* n records of the sequence, which starts again at its end. */
static const uint32_t *
next_flows(struct run *r, unsigned n)
{
	if (r->place + n > r->sequence_len)
		r->place = 0;
	const uint32_t *flows = r->sequence + r->place;
	r->place += n;
	return flows;
}

static void
send_data(struct run *r, unsigned exporter, unsigned n, uint64_t ms)
{
	struct options *o = r->o;
	if (templates_due(r, exporter))
		send_templates(r, exporter, ms);
	uint64_t nth = ++r->sent_by[exporter];
	bool withhold = o->drop_every && nth % o->drop_every == 0;
	struct put p = put_into(sink_room(r->sink, exporter), MAX_DATAGRAM);
	const uint32_t *flows = next_flows(r, n);
	message_data(&p, &o->plan, &r->exporter[exporter], flows, n, ms, withhold ? &r->withheld : &r->count);
	if (!withhold)
		sink_commit(r->sink, put_len(&p), (o->plan.clock.base_ms + ms) * 1000);
	for (unsigned i = 0; withhold && i < n; i++)
		o->plan.pool.times[flows[i]]--;
}

static bool
finished(const struct run *r)
{
	const struct options *o = r->o;
	uint64_t made = r->count.records + r->withheld.records;
	return interrupted || (o->records && made >= o->records) ||
	       (o->seconds && now_us() - r->started_us >= o->seconds * 1000000);
}

static void
run_all(struct run *r)
{
	struct options *o = r->o;
	r->started_us = now_us();
	for (unsigned exporter = 0; !finished(r); exporter = (exporter + 1) % o->exporters) {
		uint64_t ms = elapsed_ms(r);
		for (unsigned i = 0; i < o->burst; i++) {
			uint64_t made = r->count.records + r->withheld.records;
			uint64_t left = o->records ? o->records - made : UINT64_MAX;
			if (!left)
				break;
			send_data(r, exporter, left < o->per_datagram ? (unsigned)left : o->per_datagram, ms);
		}
		sink_flush(r->sink);
		if (o->rate && o->to)
			wait_until(r->started_us +
				   (r->count.records + r->withheld.records) * 1000000 / o->rate);
	}
}

static uint32_t
count_distinct(const struct gen_pool *pool)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < pool->flows; i++)
		n += pool->times[i] > 0;
	return n;
}

static bool
write_flows(const struct options *o)
{
	FILE *file = fopen(o->flows_out, "w");
	if (!file) {
		perror(o->flows_out);
		return false;
	}
	fputs("SRC_IP,DST_IP,SRC_PORT,DST_PORT,PROTOCOL,PACKETS,FLOWS,BYTES\n", file);
	for (uint32_t i = 0; i < o->flows; i++) {
		uint64_t times = o->plan.pool.times[i];
		char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
		struct gen_flow f;
		if (!times)
			continue;
		flow_make(&f, o->plan.seed, i, o->plan.v6_percent);
		places_move(&o->plan.places, &f, o->plan.seed);
		int family = f.v6 ? AF_INET6 : AF_INET;
		inet_ntop(family, f.src, src, sizeof(src));
		inet_ntop(family, f.dst, dst, sizeof(dst));
		fprintf(file, "%s,%s,%u,%u,%u,%lu,%lu,%lu\n", src, dst, f.sport, f.dport, f.proto,
			f.packets * times, times, f.bytes * times);
	}
	return fclose(file) == 0;
}

static void
print_totals(const struct run *r, uint64_t took_us, uint64_t refused)
{
	const struct gen_count *c = &r->count;
	double seconds = (double)took_us / 1e6;
	printf("{\"version\": %u, \"template\": \"%s\", \"records\": %lu, \"option_records\": %lu, "
	       "\"datagrams\": %lu, "
	       "\"octets_on_wire\": %lu, \"packets\": %lu, \"bytes\": %lu, \"reverse_packets\": %lu, "
	       "\"reverse_bytes\": %lu, \"distinct\": %u, \"exporters\": %u, \"withheld_records\": %lu, "
	       "\"withheld_datagrams\": %lu, \"refused\": %lu, \"seconds\": %.3f, \"records_per_second\": "
	       "%.0f}\n",
	       r->o->plan.version, r->o->preset, c->records, c->option_records, c->datagrams,
	       c->octets_on_wire, c->packets, c->bytes, c->rev_packets, c->rev_bytes,
	       count_distinct(&r->o->plan.pool), r->o->exporters, r->withheld.records, r->withheld.datagrams,
	       refused, seconds, seconds > 0 ? (double)c->records / seconds : 0);
}

static bool
run_make(struct run *r, struct options *o)
{
	if (!plan_make(&o->plan, o->preset, o->fields, o->option_tables))
		return false;
	char err[256];
	if (o->prefixes && !places_read(&o->plan.places, o->prefixes, err, sizeof(err))) {
		fprintf(stderr, "flowgen: %s\n", err);
		return false;
	}
	uint64_t len = !o->records || o->records > SEQUENCE_MAX ? SEQUENCE_MAX : o->records;
	r->o = o;
	r->sequence_len = (uint32_t)(len > o->per_datagram ? len : o->per_datagram);
	r->sequence = sequence_make(o->plan.seed, r->sequence_len, o->flows, !o->uniform);
	if (!r->sequence || !pool_make(&o->plan, o->flows)) {
		fprintf(stderr, "flowgen: not enough memory for %u flows\n", o->flows);
		return false;
	}
	for (unsigned i = 0; i < o->exporters; i++)
		r->exporter[i].domain = o->domain + i;
	r->sink = o->out ? sink_pcap(o->out, o->exporters) : sink_udp(o->to, o->exporters);
	return r->sink != NULL;
}

int
main(int argc, char **argv)
{
	static struct options o = {
	    .plan = {.version = 9,
		     .clock = {.base_ms = 1700000000000, .base_uptime_ms = 864000000, .sampling = 1000}},
	    .preset = "basic",
	    .records = 2000000,
	    .flows = 160000,
	    .per_datagram = 24,
	    .exporters = 1,
	    .burst = 32,
	    .domain = 1,
	};
	static struct run r;
	int status = options_read(&o, argc, argv);
	if (status >= 0)
		return status;
	struct sigaction action = {.sa_handler = on_signal};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (!run_make(&r, &o))
		return 1;
	run_all(&r);
	uint64_t took = now_us() - r.started_us;
	sink_flush(r.sink);
	uint64_t refused = sink_refused(r.sink);
	bool ok = sink_close(r.sink);
	print_totals(&r, took, refused);
	if (o.flows_out)
		ok = write_flows(&o) && ok;
	pool_free(&o.plan.pool);
	places_free(&o.plan.places);
	free((void *)r.sequence);
	return ok ? 0 : 1;
}
