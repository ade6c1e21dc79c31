/* Questions of people and scripts, as a line of words: the control socket's side of the looking glass.
 *
 * Words are rows: what a question may be, and what may follow it. Everything is bounded: a line has few
 * words, an answer the routes of one prefix at each peer. Faults are a line that begins with "error: ", which
 * the client turns into its exit status. */
#include "bgp/answer.h"
#include "bgp/render.h"
#include "bgp/report.h"
#include "collector/base/routetext.h"

#include <ctype.h>

#define WORDS_MAX 8
#define WORD_MAX  64

struct words {
	char word[WORDS_MAX][WORD_MAX];
	unsigned n;
};

/* Several spaces are one; false when there are too many words or one is too long. */
static bool
split(struct words *w, const char *line)
{
	w->n = 0;
	for (;;) {
		while (isspace((unsigned char)*line))
			line++;
		if (!*line)
			return true;
		size_t n = strcspn(line, " \t\r\n\v\f");
		if (w->n == WORDS_MAX || n >= WORD_MAX)
			return false;
		memcpy(w->word[w->n], line, n);
		w->word[w->n++][n] = '\0';
		line += n;
	}
}

struct query {
	const struct bgp_sources *s;
	struct bgp_question q;
	bool json;
	struct text *out;
};

/* What came from outside is shown escaped, and not at length. */
static void
fault(struct query *q, const char *what, const char *word)
{
	text_printf(q->out, "error: %s: ", what);
	text_json(q->out, word);
	text_char(q->out, '\n');
}

/* --- routes as a table --- */

/* Where the columns are: wide enough for most, and a longer value moves the rest of its row. */
static const char table_head[] = "  %-24s %-22s %-16s %5s %5s  %-28s %s\n";

static const char *
number_or(char *buf, size_t n, bool there, uint32_t v)
{
	snprintf(buf, n, "%u", v);
	return there ? buf : "-";
}

static void
table_row(struct query *q, const struct bgp_peer *peer, const struct rib_route *r)
{
	struct bgp_attrs a;
	char who[ADDR_TEXT_MAX], prefix[PREFIX_TEXT_MAX], hop[ADDR_TEXT_MAX], pref[16], med[16],
	    rd[RD_TEXT_MAX + 1];
	bgp_store_attrs(q->s->store, r->set, &a);
	addr_format(who, &peer->address);
	prefix_format(prefix, &r->nlri.prefix);
	addr_format(hop, &a.next_hop);
	struct text path = {0}, comms = {0};
	char *p = text_reserve(&path, ROUTETEXT_ROOM(a.as_path.len));
	text_commit(&path, put_as_path(p, a.as_path.p, a.as_path.len, ' ', false));
	p = text_reserve(&comms, ROUTETEXT_ROOM(a.std.len));
	text_commit(&comms, put_std_comms(p, a.std.p, a.std.len, ' ', false, false));
	text_printf(q->out, "  %-24s %-22s %-16s %5s %5s  %-28s %s", who, prefix, hop,
		    number_or(pref, sizeof(pref), a.present & BGP_HAS_LOCAL_PREF, a.local_pref),
		    number_or(med, sizeof(med), a.present & BGP_HAS_MED, a.med), text_cstr(&path),
		    text_cstr(&comms));
	if (r->nlri.rd) {
		*put_rd(rd, r->nlri.rd) = '\0';
		text_printf(q->out, " rd %s", rd);
	}
	if (a.present & BGP_HAS_LABEL)
		text_printf(q->out, " label %u", a.label);
	if (peer->add_path >> r->family & 1)
		text_printf(q->out, " path %u", r->nlri.path_id);
	text_char(q->out, '\n');
	text_free(&path);
	text_free(&comms);
}

static void
json_row(struct query *q, struct bgp_render *render, const struct bgp_peer *peer, const struct rib_route *r)
{
	struct bgp_attrs a;
	struct bgp_line line = {.event_type = "lglass",
				.who = {.address = peer->address, .id = peer->id, .port = peer->port}};
	struct bgp_shown shown = {.family = r->family,
				  .nlri = &r->nlri,
				  .has_path_id = peer->add_path >> r->family & 1,
				  .attrs = &a};
	bgp_store_attrs(q->s->store, r->set, &a);
	bgp_render_route(render, &line, &shown, q->out);
}

/* The routes of all peers that are asked. */
static void
routes(struct query *q)
{
	struct rib_route found[BGP_ANSWER_PATHS];
	struct bgp_render render = {.with_id = true};
	unsigned asked = 0, rows = 0;
	readers_begin();
	const struct bgp_directory *d = readers_load(q->s->directory);
	for (unsigned i = 0; d && i < bgp_directory_count(d); i++) {
		const struct bgp_peer *peer = bgp_directory_at(d, i);
		if (!bgp_answer_asks(&q->q, peer))
			continue;
		asked++;
		unsigned n = bgp_answer(q->s, &q->q, peer, found);
		if (n && !rows && !q->json)
			text_printf(q->out, table_head, "peer", "prefix", "next hop", "pref", "med",
				    "AS path", "communities");
		for (unsigned k = 0; k < n; k++)
			if (q->json)
				json_row(q, &render, peer, &found[k]);
			else
				table_row(q, peer, &found[k]);
		rows += n;
	}
	readers_end();
	if (!asked)
		text_str(q->out, "error: no such peer has routes; flowrib bgp peers lists them\n");
	else if (!rows && !q->json)
		text_str(q->out, "  no route\n");
}

/* --- questions --- */

static bool
option_peer(struct query *q, const char *word)
{
	return addr_parse(&q->q.peer, word);
}

static bool
option_rd(struct query *q, const char *word)
{
	q->q.has_rd = true;
	return rd_parse(&q->q.rd, word);
}

static const struct {
	const char *name, *what;
	bool (*set)(struct query *q, const char *word);
} options[] = {
    {"peer", "this is no address of a peer", option_peer},
    {"rd", "this is no route distinguisher such as 0:65000:1", option_rd},
};

static bool
option(struct query *q, const char *name, const char *value)
{
	for (unsigned i = 0; i < ARRAY_SIZE(options); i++) {
		if (strcmp(options[i].name, name) != 0)
			continue;
		if (!options[i].set(q, value)) {
			fault(q, options[i].what, value);
			return false;
		}
		return true;
	}
	fault(q, "expected peer ADDRESS or rd RD, and not", name);
	return false;
}

static void
ask_routes(struct query *q, const struct words *w, bool exact)
{
	if (w->n < 2 || !prefix_parse(&q->q.prefix, w->word[1]) || (!exact && strchr(w->word[1], '/'))) {
		fault(q, exact ? "this is no prefix" : "this is no address", w->n < 2 ? "" : w->word[1]);
		return;
	}
	q->q.exact = exact;
	for (unsigned i = 2; i < w->n; i += 2)
		if (!option(q, w->word[i], i + 1 < w->n ? w->word[i + 1] : ""))
			return;
	routes(q);
}

static void
ask_lookup(struct query *q, const struct words *w)
{
	ask_routes(q, w, false);
}

static void
ask_prefix(struct query *q, const struct words *w)
{
	ask_routes(q, w, true);
}

static void
ask_peers(struct query *q, const struct words *w)
{
	(void)w;
	if (q->json)
		report_peers_json(q->s, q->out);
	else
		report_peers_text(q->s, q->out);
}

static void
ask_summary(struct query *q, const struct words *w)
{
	(void)w;
	if (q->json)
		report_summary_json(q->s, q->out);
	else
		report_summary_text(q->s, q->out);
}

static const struct {
	const char *name;
	bool alone; /* nothing may follow */
	void (*ask)(struct query *q, const struct words *w);
} questions[] = {
    {"peers", true, ask_peers},
    {"summary", true, ask_summary},
    {"lookup", false, ask_lookup},
    {"prefix", false, ask_prefix},
};

void
bgp_query(const struct bgp_sources *s, const char *line, bool json, struct text *answer)
{
	struct query q = {.s = s, .json = json, .out = answer};
	struct words w;
	if (!split(&w, line)) {
		text_str(answer, "error: too many words, or one that is too long\n");
		return;
	}
	for (unsigned i = 0; w.n && i < ARRAY_SIZE(questions); i++) {
		if (strcmp(questions[i].name, w.word[0]) != 0)
			continue;
		if (questions[i].alone && w.n > 1)
			fault(&q, "nothing may follow here", w.word[1]);
		else
			questions[i].ask(&q, &w);
		return;
	}
	fault(&q, "expected peers, summary, lookup ADDRESS or prefix PREFIX, and not", w.n ? w.word[0] : "");
}
