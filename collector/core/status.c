/* One walk over the registry of counters serves all formats. Nothing is listed here by name: a counter that
 * is added anywhere shows up in table, JSON and metrics by itself.
 *
 * Four forms of one thing: text for people, JSON for the client and for programs, the exposition format for
 * Prometheus, and the log. Whoever adds a form writes a visitor; whoever adds a counter writes a row in its
 * own module. */
#include "collector/core/status.h"

#include "collector/base/clock.h"
#include "collector/base/log.h"
#include "collector/core/exporters.h"

typedef void visit(void *ctx, const struct counter_block *b, const struct counter_desc *d, uint64_t value);

/* Counters are read without a lock while their writers count on: each value is right, two of them need not
 * be of the same moment. */
static void
for_each_counter(visit *fn, void *ctx)
{
	for (const struct counter_block *b = counters_first(); b; b = b->next)
		for (unsigned i = 0; i < b->n; i++)
			fn(ctx, b, &b->desc[i], counter_read(b, i));
}

/* labels of block and row as one list: a="1",b="2" The block's come first: who, then why. */
static void
put_labels(struct text *out, const struct counter_block *b, const struct counter_desc *d)
{
	text_str(out, b->labels);
	if (b->labels[0] && d->labels)
		text_char(out, ',');
	if (d->labels)
		text_str(out, d->labels);
}

/* --- Prometheus: all samples of a name must stand together, under one HELP and TYPE --- */

struct sample_walk {
	struct text *out;
	const char *name;
	bool headed;
};

/* The suffix follows from the kind, so that names obey the conventions of Prometheus whoever adds a
 * counter. */
static void
put_sample(void *ctx, const struct counter_block *b, const struct counter_desc *d, uint64_t value)
{
	struct sample_walk *w = ctx;
	/* gauges have none: what can fall is no total */
	const char *suffix = d->kind == COUNTER_SUM ? "_total" : "";
	/* names repeat in rows that differ by a label, and in blocks that differ by thread or plugin */
	if (strcmp(d->name, w->name) != 0)
		return;
	if (!w->headed) {
		text_printf(w->out, "# HELP flowrib_%s%s %s\n# TYPE flowrib_%s%s %s\n", d->name, suffix,
			    d->help ? d->help : d->name, d->name, suffix,
			    d->kind == COUNTER_SUM ? "counter" : "gauge");
		w->headed = true;
	}
	text_printf(w->out, "flowrib_%s%s{", d->name, suffix);
	put_labels(w->out, b, d);
	text_str(w->out, "} ");
	text_u64(w->out, value);
	text_char(w->out, '\n');
}

/* True when no earlier counter has the same name. Blocks of the same table repeat its names, so the walk
 * mostly ends at the first block. */
static bool
first_of_name(const struct counter_block *block, unsigned row)
{
	for (const struct counter_block *b = counters_first(); b; b = b->next) {
		for (unsigned i = 0; i < b->n; i++) {
			/* reached itself without meeting the name */
			if (b == block && i == row)
				return true;
			if (strcmp(b->desc[i].name, block->desc[row].name) == 0)
				return false;
		}
	}
	return true;
}

/* Walks all counters once per name. That is quadratic in the number of names, which are some dozens;
 * sorting would need memory and be no faster. */
void
status_prometheus(const struct status *s, struct text *out)
{
	text_printf(out,
		    "# HELP flowrib_start_time_seconds When the collector was started\n"
		    "# TYPE flowrib_start_time_seconds gauge\nflowrib_start_time_seconds %llu\n",
		    (unsigned long long)(s->started_us / US_PER_S));
	for (const struct counter_block *b = counters_first(); b; b = b->next) {
		for (unsigned i = 0; i < b->n; i++) {
			/* the walk picks this name out of all blocks, and so brings its samples together */
			struct sample_walk w = {.out = out, .name = b->desc[i].name};
			if (first_of_name(b, i))
				for_each_counter(put_sample, &w);
		}
	}
	exporters_metrics(s->sources, out);
	if (s->bgp)
		bgp_metrics(s->bgp, out);
}

/* --- JSON --- */

static const char *const state_names[] = {
    [INSTANCE_DOWN] = "down", [INSTANCE_RUNNING] = "running", [INSTANCE_FINISHED] = "finished"};

/* A label list as JSON members: a="1",b="2" becomes "a": "1", "b": "2". */
static void
put_label_members(struct text *out, const char *labels)
{
	for (const char *p = labels; p && *p;) {
		size_t n = strcspn(p, "=");
		text_str(out, ", \"");
		text_add(out, p, n);
		text_str(out, "\": ");
		/* the quotes around the value are JSON's as well, so it is copied with them */
		p += n + (p[n] == '=');
		/* no label value holds a comma or an escaped quote: names of plugins may not */
		n = strcspn(p, ",");
		text_add(out, p, n);
		p += n + (p[n] == ',');
	}
}

/* The comma depends on what stands before it, so that no caller has to know whether it is first. */
static void
put_counter_json(void *ctx, const struct counter_block *b, const struct counter_desc *d, uint64_t value)
{
	struct text *out = ctx;
	text_printf(out, "%s\n    {\"name\": \"%s\"", out->data[out->len - 1] == '[' ? "" : ",", d->name);
	put_label_members(out, b->labels);
	put_label_members(out, d->labels);
	text_str(out, ", \"value\": ");
	text_u64(out, value);
	text_char(out, '}');
}

/* How full the queue is is the first question when records are dropped. */
static void
put_instance_json(struct text *out, const struct instance *in)
{
	/* one queue per source thread; with ZeroMQ there is none to look into */
	size_t used = 0, size = 0;
	for (unsigned t = 0; t < in->setup.ring_count; t++) {
		used += ring_used(in->setup.rings[t]);
		size += ring_size(in->setup.rings[t]);
	}
	text_str(out, "\n    {\"name\": ");
	text_json(out, in->setup.name);
	text_printf(
	    out,
	    ", \"type\": \"%s\", \"state\": \"%s\", \"pid\": %d, \"queue_bytes\": %zu, \"queue_size\": %zu}",
	    in->setup.type, state_names[in->state], (int)in->pid, used, size);
}

/* Read by the client and by programs: members may be added, never renamed. */
void
status_json(const struct status *s, struct text *out)
{
	text_printf(out, "{\n  \"version\": \"%s\",\n  \"uptime_s\": %llu,\n  \"plugins\": [",
		    PACKAGE_VERSION, (unsigned long long)((clock_now_us() - s->started_us) / US_PER_S));
	for (unsigned i = 0; i < s->instances->n; i++) {
		if (i > 0)
			text_char(out, ',');
		put_instance_json(out, &s->instances->list[i]);
	}
	text_str(out, "\n  ],\n  \"counters\": [");
	for_each_counter(put_counter_json, out);
	text_str(out, "\n  ],\n  \"sources\": ");
	sources_status(s->sources, out);
	if (s->bgp) {
		text_str(out, ",\n  \"bgp\": ");
		bgp_status_json(s->bgp, out);
	}
	text_str(out, "\n}\n");
}

/* --- text for people: what is zero is left out --- */

/* Zeros are left out: with a counter for each reason of dropping most of them always are. */
static void
put_counter_line(void *ctx, const struct counter_block *b, const struct counter_desc *d, uint64_t value)
{
	struct text *out = ctx;
	if (value == 0)
		return;
	text_printf(out, "  %-28s %20llu  ", d->name, (unsigned long long)value);
	put_labels(out, b, d);
	text_char(out, '\n');
}

/* Who runs, who sends, what was counted: in the order in which somebody looks for a fault. */
void
status_text(const struct status *s, struct text *out)
{
	text_printf(out, "flowribd %s, up %llu s\n\nplugins\n", PACKAGE_VERSION,
		    (unsigned long long)((clock_now_us() - s->started_us) / US_PER_S));
	for (unsigned i = 0; i < s->instances->n; i++) {
		const struct instance *in = &s->instances->list[i];
		text_printf(out, "  %-28s %-10s pid %d\n", in->setup.name, state_names[in->state],
			    (int)in->pid);
	}
	text_str(out, "\nexporters\n");
	exporters_table(s->sources, out);
	if (s->bgp) {
		text_str(out, "\nBGP\n");
		bgp_status_text(s->bgp, out);
	}
	text_str(out, "\ncounters (zeros are left out)\n");
	for_each_counter(put_counter_line, out);
}

/* Between +++ and ---, as pmacct does it, line by line, since the log puts a head before each. */
void
status_log(const struct status *s)
{
	struct text out = {0};
	status_text(s, &out);
	log_notice("+++");
	for (const char *p = text_cstr(&out); *p;) {
		size_t n = strcspn(p, "\n");
		/* empty lines are for the terminal only */
		if (n)
			log_notice("%.*s", (int)n, p);
		p += n + (p[n] == '\n');
	}
	exporters_log(s->sources);
	log_notice("---");
	text_free(&out);
}
