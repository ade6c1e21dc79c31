/* See report.h. Memory of store and RIB is told as they keep it; per peer there is no such number, since
 * peers share what they agree on. */
#include "bgp/report.h"

#include "collector/base/clock.h"
#include "collector/base/readers.h"

static uint64_t
load(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static uint64_t
faults_of(const struct bgp_peer *p)
{
	uint64_t n = 0;
	for (unsigned i = 0; i < BGP_FAULTS; i++)
		n += load(&p->fault[i]);
	return n;
}

static const char *
state_of(const struct bgp_peer *p)
{
	return bgp_state_name((enum bgp_state)atomic_load_explicit(&p->state, memory_order_relaxed));
}

static bool
is_established(const struct bgp_peer *p)
{
	return atomic_load_explicit(&p->state, memory_order_relaxed) == BGP_ESTABLISHED;
}

static bool
has_stale(const struct bgp_peer *p)
{
	return atomic_load_explicit(&p->stale, memory_order_relaxed) != RIB_NO_SLOT;
}

/* Seconds in its present state. */
static uint64_t
seconds_of(const struct bgp_peer *p)
{
	uint64_t now = clock_now_us(), then = load(&p->since_us);
	return now > then ? (now - then) / US_PER_S : 0;
}

static void
format_id(char *out, uint32_t id)
{
	uint32_t wire = __builtin_bswap32(id);
	struct addr a = addr_from_v4(&wire);
	addr_format(out, &a);
}

/* "1d02h", "2h03m", "4m05s". */
static void
format_span(char *out, size_t n, uint64_t s)
{
	if (s >= 86400)
		snprintf(out, n, "%llud%02lluh", (unsigned long long)(s / 86400),
			 (unsigned long long)(s / 3600 % 24));
	else if (s >= 3600)
		snprintf(out, n, "%lluh%02llum", (unsigned long long)(s / 3600),
			 (unsigned long long)(s / 60 % 60));
	else
		snprintf(out, n, "%llum%02llus", (unsigned long long)(s / 60), (unsigned long long)(s % 60));
}

struct totals {
	struct rib_stats rib;
	struct bgp_store_stats store;
	size_t rib_bytes, store_bytes;
	unsigned established, stale;
};

static struct totals
totals_of(const struct bgp_sources *s, const struct bgp_directory *d)
{
	struct totals t = {0};
	rib_stats(s->rib, &t.rib);
	bgp_store_stats(s->store, &t.store);
	t.rib_bytes =
	    t.rib.prefix_bytes + t.rib.trie_bytes + t.rib.group_bytes + t.rib.index_bytes + t.rib.list_bytes;
	t.store_bytes = t.store.set_bytes + t.store.part_bytes + t.store.index_bytes;
	for (unsigned i = 0; i < bgp_directory_count(d); i++) {
		t.established += is_established(bgp_directory_at(d, i));
		t.stale += has_stale(bgp_directory_at(d, i));
	}
	return t;
}

/* --- for people --- */

static void
text_peer(struct text *out, const struct bgp_peer *p)
{
	char address[ADDR_TEXT_MAX], id[ADDR_TEXT_MAX], span[32];
	addr_format(address, &p->address);
	format_id(id, p->id);
	format_span(span, sizeof(span), seconds_of(p));
	text_printf(out, "  %-39s %-15s %10u  %-11s %8s %9llu %9llu %7llu", address, id, p->as, state_of(p),
		    span, (unsigned long long)load(&p->routes),
		    (unsigned long long)load(&p->counter[BGP_PEER_UPDATES_IN]),
		    (unsigned long long)faults_of(p));
	if (has_stale(p))
		text_str(out, "  stale routes");
	if (!is_established(p) && p->last_error[0])
		text_printf(out, "  %s", p->last_error);
	text_char(out, '\n');
}

static void
text_families(struct text *out, const struct bgp_peer *p)
{
	const char *comma = "    ";
	for (unsigned i = 0; i < BGP_FAMILIES; i++) {
		if (!(p->families & 1U << i))
			continue;
		text_printf(out, "%s%s%s", comma, bgp_family_rows[i].name,
			    p->add_path & 1U << i ? " +add-path" : "");
		comma = ", ";
	}
	if (p->host[0])
		text_printf(out, "%shost %s", comma, p->host);
	text_char(out, '\n');
}

static void
text_totals(struct text *out, const struct totals *t)
{
	text_printf(out,
		    "  %zu routes of %zu prefixes (%zu IPv4, %zu IPv6) in %zu groups, %zu attribute sets\n"
		    "  %.1f MiB routes, %.1f MiB attributes",
		    t->rib.routes, t->rib.prefixes, t->rib.prefixes_v4, t->rib.prefixes_v6, t->rib.groups,
		    t->store.sets, (double)t->rib_bytes / 1048576, (double)t->store_bytes / 1048576);
	/* with few routes it would tell of the tables' roots only */
	if (t->rib.routes >= 10000)
		text_printf(out, ", %.1f bytes a route",
			    (double)(t->rib_bytes + t->store_bytes) / (double)t->rib.routes);
	text_char(out, '\n');
}

static void
text_peers(struct text *out, const struct bgp_directory *d)
{
	if (bgp_directory_count(d))
		text_printf(out, "  %-39s %-15s %10s  %-11s %8s %9s %9s %7s\n", "address", "identifier", "AS",
			    "state", "for", "routes", "updates", "faults");
	for (unsigned i = 0; i < bgp_directory_count(d); i++) {
		text_peer(out, bgp_directory_at(d, i));
		text_families(out, bgp_directory_at(d, i));
	}
}

void
report_text(const struct bgp_sources *s, const struct bgp_world *w, struct text *out)
{
	readers_begin();
	const struct bgp_directory *d = readers_load(s->directory);
	struct totals t = totals_of(s, d);
	text_printf(out, "  %u sessions, %u peers with stale routes, %llu connections opening\n",
		    t.established, t.stale, (unsigned long long)counter_read(w->totals, BGP_TOTAL_OPENING));
	text_totals(out, &t);
	text_peers(out, d);
	readers_end();
}

void
report_summary_text(const struct bgp_sources *s, struct text *out)
{
	readers_begin();
	struct totals t = totals_of(s, readers_load(s->directory));
	readers_end();
	text_printf(out, "  %u sessions, %u peers with stale routes\n", t.established, t.stale);
	text_totals(out, &t);
}

void
report_peers_text(const struct bgp_sources *s, struct text *out)
{
	readers_begin();
	text_peers(out, readers_load(s->directory));
	readers_end();
}

/* --- for programs --- */

static void
json_u64(struct text *out, const char *name, uint64_t v)
{
	text_printf(out, ", \"%s\": %llu", name, (unsigned long long)v);
}

static void
json_families(struct text *out, const char *name, uint32_t families)
{
	const char *comma = "";
	text_printf(out, ", \"%s\": [", name);
	for (unsigned i = 0; i < BGP_FAMILIES; i++) {
		if (!(families & 1U << i))
			continue;
		text_str(out, comma);
		text_json(out, bgp_family_rows[i].name);
		comma = ", ";
	}
	text_char(out, ']');
}

static void
json_faults(struct text *out, const struct bgp_peer *p)
{
	const char *comma = "";
	text_str(out, ", \"malformed\": {");
	for (unsigned i = 0; i < BGP_FAULTS; i++) {
		uint64_t n = load(&p->fault[i]);
		if (n)
			text_printf(out, "%s\"%s\": %llu", comma, bgp_fault_rows[i].name,
				    (unsigned long long)n);
		comma = n ? ", " : comma;
	}
	text_char(out, '}');
}

static void
json_peer(struct text *out, const struct bgp_peer *p)
{
	char address[ADDR_TEXT_MAX], id[ADDR_TEXT_MAX];
	addr_format(address, &p->address);
	format_id(id, p->id);
	text_printf(out, "{\"address\": \"%s\", \"id\": \"%s\", \"state\": \"%s\"", address, id, state_of(p));
	json_u64(out, "port", p->port);
	json_u64(out, "as", p->as);
	json_u64(out, "local_as", p->local_as);
	json_u64(out, "state_s", seconds_of(p));
	json_u64(out, "hold_time", p->hold_time);
	json_u64(out, "routes", load(&p->routes));
	text_printf(out, ", \"stale\": %s", has_stale(p) ? "true" : "false");
	json_families(out, "families", p->families);
	json_families(out, "add_path", p->add_path);
	json_families(out, "end_of_rib", atomic_load_explicit(&p->eor, memory_order_relaxed));
	for (unsigned i = 0; i < BGP_PEER_COUNTERS; i++)
		json_u64(out, bgp_peer_counter_desc[i].name + strlen("bgp_peer_"), load(&p->counter[i]));
	json_faults(out, p);
	text_str(out, ", \"host\": ");
	text_json(out, p->host);
	text_str(out, ", \"last_error\": ");
	text_json(out, p->last_error);
	text_char(out, '}');
}

static void
json_totals(struct text *out, const struct totals *t)
{
	text_printf(out, "{\"sessions\": %u", t->established);
	json_u64(out, "stale_peers", t->stale);
	json_u64(out, "routes", t->rib.routes);
	json_u64(out, "prefixes", t->rib.prefixes);
	json_u64(out, "prefixes_ipv4", t->rib.prefixes_v4);
	json_u64(out, "prefixes_ipv6", t->rib.prefixes_v6);
	json_u64(out, "tables", t->rib.tables);
	json_u64(out, "groups", t->rib.groups);
	json_u64(out, "sets", t->store.sets);
	json_u64(out, "paths", t->store.paths);
	json_u64(out, "community_lists", t->store.lists);
	json_u64(out, "next_hops", t->store.next_hops);
	json_u64(out, "prefix_bytes", t->rib.prefix_bytes);
	json_u64(out, "trie_bytes", t->rib.trie_bytes);
	json_u64(out, "group_bytes", t->rib.group_bytes);
	json_u64(out, "index_bytes", t->rib.index_bytes);
	json_u64(out, "list_bytes", t->rib.list_bytes);
	json_u64(out, "set_bytes", t->store.set_bytes);
	json_u64(out, "part_bytes", t->store.part_bytes);
	json_u64(out, "set_index_bytes", t->store.index_bytes);
}

void
report_json(const struct bgp_sources *s, const struct bgp_world *w, struct text *out)
{
	(void)w;
	readers_begin();
	const struct bgp_directory *d = readers_load(s->directory);
	struct totals t = totals_of(s, d);
	json_totals(out, &t);
	text_str(out, ", \"peers\": [");
	for (unsigned i = 0; i < bgp_directory_count(d); i++) {
		text_str(out, i ? ",\n      " : "\n      ");
		json_peer(out, bgp_directory_at(d, i));
	}
	text_str(out, "]}");
	readers_end();
}

void
report_summary_json(const struct bgp_sources *s, struct text *out)
{
	readers_begin();
	struct totals t = totals_of(s, readers_load(s->directory));
	readers_end();
	json_totals(out, &t);
	text_str(out, "}\n");
}

void
report_peers_json(const struct bgp_sources *s, struct text *out)
{
	readers_begin();
	const struct bgp_directory *d = readers_load(s->directory);
	for (unsigned i = 0; i < bgp_directory_count(d); i++) {
		json_peer(out, bgp_directory_at(d, i));
		text_char(out, '\n');
	}
	readers_end();
}

/* --- metrics --- */

static void
metric_head(struct text *out, const char *name, const char *suffix, const char *help, const char *type)
{
	text_printf(out, "# HELP flowrib_%s%s %s\n# TYPE flowrib_%s%s %s\n", name, suffix, help, name, suffix,
		    type);
}

static void
metric(struct text *out, const char *name, const char *suffix, const struct bgp_peer *p, uint64_t value)
{
	char address[ADDR_TEXT_MAX], id[ADDR_TEXT_MAX];
	addr_format(address, &p->address);
	format_id(id, p->id);
	text_printf(out, "flowrib_%s%s{peer=\"%s\",id=\"%s\",as=\"%u\"} %llu\n", name, suffix, address, id,
		    p->as, (unsigned long long)value);
}

/* The figures of a peer that are no counters. */
enum figure { FIGURE_UP, FIGURE_ROUTES, FIGURE_STALE, FIGURE_SECONDS, FIGURES };

static uint64_t
figure_of(const struct bgp_peer *p, enum figure f)
{
	switch (f) {
	case FIGURE_UP:
		return is_established(p);
	case FIGURE_ROUTES:
		return load(&p->routes);
	case FIGURE_STALE:
		return has_stale(p);
	default:
		return seconds_of(p);
	}
}

static void
metrics_figures(const struct bgp_directory *d, struct text *out)
{
	static const struct {
		const char *name, *help;
	} rows[FIGURES] = {
	    [FIGURE_UP] = {"bgp_peer_up", "1 while the session of a BGP peer is established"},
	    [FIGURE_ROUTES] = {"bgp_peer_routes", "Routes of a BGP peer"},
	    [FIGURE_STALE] = {"bgp_peer_stale", "1 while a BGP peer has stale routes"},
	    [FIGURE_SECONDS] = {"bgp_peer_state_seconds",
				"How long a BGP peer has been in its present state"},
	};
	for (unsigned f = 0; f < FIGURES; f++) {
		metric_head(out, rows[f].name, "", rows[f].help, "gauge");
		for (unsigned i = 0; i < bgp_directory_count(d); i++)
			metric(out, rows[f].name, "", bgp_directory_at(d, i),
			       figure_of(bgp_directory_at(d, i), (enum figure)f));
	}
}

static void
metrics_memory(const struct totals *t, struct text *out)
{
	metric_head(out, "bgp_memory_bytes", "", "Memory of routes and attributes", "gauge");
	text_printf(
	    out,
	    "flowrib_bgp_memory_bytes{of=\"routes\"} %zu\nflowrib_bgp_memory_bytes{of=\"attributes\"} %zu\n",
	    t->rib_bytes, t->store_bytes);
	metric_head(out, "bgp_prefixes", "", "Prefixes in the shared RIB", "gauge");
	text_printf(out,
		    "flowrib_bgp_prefixes{family=\"ipv4\"} %zu\nflowrib_bgp_prefixes{family=\"ipv6\"} %zu\n",
		    t->rib.prefixes_v4, t->rib.prefixes_v6);
	metric_head(out, "bgp_attribute_sets", "", "Distinct sets of attributes", "gauge");
	text_printf(out, "flowrib_bgp_attribute_sets %zu\n", t->store.sets);
}

void
report_metrics(const struct bgp_sources *s, struct text *out)
{
	readers_begin();
	const struct bgp_directory *d = readers_load(s->directory);
	struct totals t = totals_of(s, d);
	metrics_memory(&t, out);
	metrics_figures(d, out);
	for (unsigned c = 0; c < BGP_PEER_COUNTERS; c++) {
		const struct counter_desc *row = &bgp_peer_counter_desc[c];
		metric_head(out, row->name, "_total", row->help, "counter");
		for (unsigned i = 0; i < bgp_directory_count(d); i++)
			metric(out, row->name, "_total", bgp_directory_at(d, i),
			       load(&bgp_directory_at(d, i)->counter[c]));
	}
	readers_end();
}

/* --- neighbours --- */

void
report_neighbors(const struct bgp_sources *s, struct text *out)
{
	char address[ADDR_TEXT_MAX];
	readers_begin();
	const struct bgp_directory *d = readers_load(s->directory);
	for (unsigned i = 0; i < bgp_directory_count(d); i++) {
		const struct bgp_peer *p = bgp_directory_at(d, i);
		if (!is_established(p))
			continue;
		addr_format(address, &p->address);
		text_printf(out, "%s\n", address);
	}
	readers_end();
}
