/* What is known of exporters, in three forms. The decoders describe themselves as JSON, each on its own
 * thread; everything here reads that text. So the decoders' structures stay private to their threads, and a
 * figure that is added there needs one row here to be seen.
 *
 * The price is that every answer is written, read and written again, on the control thread or the metrics
 * server's, never on a source thread beyond the first step. Missing members read as 0, so that the two sides
 * need not be changed in one step. */
#include "collector/core/exporters.h"

#include <jansson.h>

#include "collector/base/clock.h"
#include "collector/base/log.h"

/* A figure of an exporter (or of one of its domains): its member in the decoder's status, and its metric. */
struct figure {
	const char *member;
	const char *metric;
	const char *type;
	const char *help;
};

static const struct figure exporter_figures[] = {
    {"datagrams", "exporter_datagrams_total", "counter", "Datagrams received from the exporter"},
    {"records", "exporter_records_total", "counter", "Records decoded of the exporter"},
    {"bytes", "exporter_memory_bytes", "gauge",
     "Memory held for the exporter: templates, names, waiting data"},
    {"waiting_sets", "exporter_waiting_sets", "gauge", "Data sets that wait for their template"},
    {"seen", "exporter_last_seen_seconds", "gauge", "When the exporter was last heard of"},
};

static const struct figure domain_figures[] = {
    {"sequence_lost", "exporter_sequence_lost_total", "counter",
     "Units lost by the sequence numbers of a domain"},
    {"sequence_late", "exporter_sequence_late_total", "counter", "Datagrams that came out of order"},
    {"sequence_restarts", "exporter_sequence_restarts_total", "counter",
     "Restarts seen by sequence or uptime"},
    {"rate_unknown", "exporter_sampling_rate_unknown_total", "counter",
     "Records whose sampling rate was asked for and not known"},
};

/* All threads' exporters as one array; the caller drops the reference. Each gets the number of its thread:
 * one that sends over UDP and over TCP may be known to two threads, and two samples with the same labels
 * would make a scraper refuse all. A thread that did not answer is missing. */
static json_t *
read_status(struct sources *s)
{
	struct text text = {0};
	/* copying through text looks wasteful, but it is asked for a few times a minute and keeps locks out
	 * of the decoders */
	sources_status(s, &text);
	/* our own text, but a thread that did not answer makes a null in it: every step below takes that */
	/* borrowed below: arrays and objects of jansson keep their own references */
	json_t *threads = json_loadb(text.data, text.len, 0, NULL), *all = json_array();
	size_t i;
	json_t *thread;
	json_array_foreach(threads, i, thread)
	{
		size_t k;
		json_t *exporter;
		json_array_foreach(thread, k, exporter)
		    json_object_set_new(exporter, "thread", json_integer((json_int_t)i));
		json_array_extend(all, thread);
	}
	json_decref(threads);
	text_free(&text);
	return all;
}

/* 0 when the member is missing, which is what an older status without it should show. */
static long long
number(const json_t *object, const char *member)
{
	return (long long)json_integer_value(json_object_get(object, member));
}

/* Never NULL: a table with a hole is more use than no table. */
static const char *
address_of(const json_t *exporter)
{
	const char *a = json_string_value(json_object_get(exporter, "address"));
	return a ? a : "?";
}

/* Only reasons that occurred; the decoder leaves out the others. */
static void
put_drops(struct text *out, const json_t *exporter)
{
	const char *reason;
	json_t *value;
	json_object_foreach(json_object_get(exporter, "dropped"), reason, value)
	    text_printf(out, "    dropped: %lld, %s\n", (long long)json_integer_value(value), reason);
}

/* "1/1000", "1/1000, 1/100" or "-" when the exporter told none. sampled and packets as they were told:
 * 1/1000 means one packet in a thousand. */
static void
rates_text(const json_t *domain, char *buf, size_t n)
{
	size_t i, used = 0;
	json_t *rate;
	snprintf(buf, n, "-");
	json_array_foreach(json_object_get(domain, "sampling"), i, rate)
	{
		/* more rates than fit a line are left to the JSON */
		if (used + 32 > n)
			break;
		used += (size_t)snprintf(buf + used, n - used, "%s%lld/%lld", i ? ", " : "",
					 number(rate, "sampled"), number(rate, "packets"));
	}
}

/* A line per domain, not per exporter, because sequence numbers, templates and sampling rates belong to a
 * domain. */
void
exporters_table(struct sources *s, struct text *out)
{
	json_t *all = read_status(s), *exporter, *domain;
	size_t i, k;
	long long now = (long long)(clock_now_us() / US_PER_S);
	text_printf(out, "  %-39s %7s %10s %14s %8s %10s %10s %9s  %s\n", "exporter", "version", "domain",
		    "records", "templates", "lost", "waiting", "last seen", "sampling");
	json_array_foreach(all, i, exporter)
	{
		json_array_foreach(json_object_get(exporter, "domains"), k, domain)
		{
			char rates[160];
			rates_text(domain, rates, sizeof(rates));
			text_printf(out, "  %-39s %7lld %10lld %14lld %8zu %10lld %10lld %7llds  %s\n",
				    address_of(exporter), number(domain, "version"), number(domain, "id"),
				    number(domain, "records"),
				    json_array_size(json_object_get(domain, "templates")),
				    number(domain, "sequence_lost"), number(exporter, "waiting_sets"),
				    now - number(exporter, "seen"), rates);
		}
		/* of the exporter and not of a domain: what cannot be read has no domain */
		put_drops(out, exporter);
	}
	json_decref(all);
}

/* seq_good is what is left: pmacct has no fourth group, and every datagram belongs to one of the three. */
static void
stats_line(const char *listening, const json_t *exporter, const json_t *domain)
{
	long long ahead = number(domain, "sequence_ahead"), behind = number(domain, "sequence_behind");
	long long messages = number(domain, "datagrams");
	/* words and order are pmacct's: people have scripts that read this line */
	log_notice(
	    "stats [%s] agent=%s:%lld time=%lld packets=%lld bytes=%lld seq_good=%lld seq_jmp_fwd=%lld "
	    "seq_jmp_bck=%lld",
	    listening, address_of(exporter), number(domain, "id"), (long long)(clock_now_us() / US_PER_S),
	    messages, number(domain, "octets"), messages - ahead - behind, ahead, behind);
}

/* Asked for by a signal, so it may take its time: one line per domain, a thousand exporters make a thousand
 * lines. */
void
exporters_log(struct sources *s)
{
	char listening[ADDR_TEXT_MAX + 8];
	json_t *all = read_status(s), *exporter, *domain;
	size_t i, k;
	long long discarded = 0;
	const char *reason;
	json_t *value;
	sources_listening(s, listening, sizeof(listening));
	json_array_foreach(all, i, exporter)
	{
		json_array_foreach(json_object_get(exporter, "domains"), k, domain)
		    stats_line(listening, exporter, domain);
		json_object_foreach(json_object_get(exporter, "dropped"), reason, value) discarded +=
		    (long long)json_integer_value(value);
	}
	json_decref(all);
	log_notice("stats [%s] time=%lld discarded_packets=%lld", listening,
		   (long long)(clock_now_us() / US_PER_S), discarded);
}

/* One HELP and TYPE per metric, before its first sample, as the exposition format demands. */
static void
put_head(struct text *out, const struct figure *f)
{
	text_printf(out, "# HELP flowrib_%s %s\n# TYPE flowrib_%s %s\n", f->metric, f->help, f->metric,
		    f->type);
}

/* The session is part of the labels: an exporter that reconnects over TCP counts from zero again. */
static void
put_domain_samples(struct text *out, const struct figure *f, const json_t *exporter)
{
	size_t k;
	json_t *domain;
	json_array_foreach(json_object_get(exporter, "domains"), k, domain) text_printf(
	    out,
	    "flowrib_%s{exporter=\"%s\",thread=\"%lld\",version=\"%lld\",domain=\"%lld\",session=\"%lld\"} "
	    "%lld\n",
	    f->metric, address_of(exporter), number(exporter, "thread"), number(domain, "version"),
	    number(domain, "id"), number(domain, "session"), number(domain, f->member));
}

/* Metric by metric, each over all exporters: samples of one name must stand together. */
void
exporters_metrics(struct sources *s, struct text *out)
{
	/* one snapshot for all metrics, so that figures of one scrape belong together */
	json_t *all = read_status(s), *exporter;
	size_t i;
	for (size_t f = 0; f < ARRAY_SIZE(exporter_figures); f++) {
		put_head(out, &exporter_figures[f]);
		json_array_foreach(all, i, exporter)
		    text_printf(out, "flowrib_%s{exporter=\"%s\",thread=\"%lld\"} %lld\n",
				exporter_figures[f].metric, address_of(exporter), number(exporter, "thread"),
				number(exporter, exporter_figures[f].member));
	}
	/* domains after exporters: other labels, so other names */
	for (size_t f = 0; f < ARRAY_SIZE(domain_figures); f++) {
		put_head(out, &domain_figures[f]);
		json_array_foreach(all, i, exporter) put_domain_samples(out, &domain_figures[f], exporter);
	}
	json_decref(all);
}
