/* Requests are JSON objects: a head that says what is asked, and for a lookup one object with the question.
 * Whatever else comes is answered as pmacct answers it, so that its clients work:
 *
 *	{"query_type": 1, "queries": 1} {"ip_prefix": "10.0.0.1", "peer_ip_src": "192.0.2.1"[, "rd",
 *"peer_tcp_port"]}
 *	{"query_type": 2, "queries": 1}
 *
 * A prefix is answered by the longest that holds it, as an address is. */
#include "bgp/lgquery.h"

#include <jansson.h>

#include "bgp/answer.h"
#include "collector/base/routetext.h"

enum { LG_LOOKUP = 1, LG_PEERS = 2 };

static void
part_end(struct bgp_lg_reply *r)
{
	if (r->parts == r->cap) {
		unsigned cap = r->cap ? 2 * r->cap : 64;
		size_t *end = realloc(r->end, cap * sizeof(*end));
		if (!end)
			return; /* the part becomes part of the next one: a reply that no client takes for
				   whole */
		r->end = end;
		r->cap = cap;
	}
	r->end[r->parts++] = r->text.len;
}

static void
head(struct bgp_lg_reply *r, unsigned results, unsigned type, const char *why)
{
	text_printf(&r->text, "{\"results\": %u, \"query_type\": %u", results, type);
	if (why)
		text_printf(&r->text, ", \"text\": \"%s\"", why);
	text_char(&r->text, '}');
	part_end(r);
}

/* NULL when the part is no object of JSON. */
static json_t *
load(const struct bgp_bytes *part)
{
	if (!part->len || part->len > BGP_LG_PART_MAX)
		return NULL;
	json_error_t why;
	json_t *j = json_loadb((const char *)part->p, part->len, 0, &why);
	if (j && !json_is_object(j)) {
		json_decref(j);
		return NULL;
	}
	return j;
}

/* 0 for what is not understood. */
static unsigned
kind_of(const struct bgp_bytes *part)
{
	json_t *j = load(part);
	json_int_t type = json_integer_value(json_object_get(j, "query_type"));
	json_int_t queries = json_integer_value(json_object_get(j, "queries"));
	json_decref(j);
	return queries == 1 && (type == LG_LOOKUP || type == LG_PEERS) ? (unsigned)type : 0;
}

/* --- peers --- */

static unsigned
established(const struct bgp_directory *d)
{
	unsigned n = 0;
	for (unsigned i = 0; d && i < bgp_directory_count(d); i++)
		n += bgp_directory_at(d, i)->state == BGP_ESTABLISHED;
	return n;
}

static void
answer_peers(const struct bgp_sources *s, struct bgp_lg_reply *r)
{
	readers_begin();
	const struct bgp_directory *d = readers_load(s->directory);
	unsigned left = established(d);
	head(r, left, LG_PEERS, NULL);
	/* the states may change meanwhile: no more than were promised */
	for (unsigned i = 0; left && i < bgp_directory_count(d); i++) {
		const struct bgp_peer *p = bgp_directory_at(d, i);
		char address[ADDR_TEXT_MAX], id[ADDR_TEXT_MAX];
		struct addr number = addr_from_v4(&(uint32_t){__builtin_bswap32(p->id)});
		if (p->state != BGP_ESTABLISHED && bgp_directory_count(d) - i > left)
			continue;
		addr_format(address, &p->address);
		addr_format(id, &number);
		text_printf(&r->text,
			    "{\"peer_ip_src\": \"%s\", \"peer_id\": \"%s\", \"peer_tcp_port\": %u, "
			    "\"peer_as\": %u}",
			    address, id, p->port, p->as);
		part_end(r);
		left--;
	}
	readers_end();
}

/* --- lookup --- */

/* What stands in the question. NULL, or what to answer instead. */
static const char *
read_question(const json_t *j, struct bgp_question *q)
{
	const char *prefix = json_string_value(json_object_get(j, "ip_prefix"));
	const char *peer = json_string_value(json_object_get(j, "peer_ip_src"));
	const json_t *rd = json_object_get(j, "rd"), *port = json_object_get(j, "peer_tcp_port");
	*q = (struct bgp_question){0};
	if (!prefix || !peer || !prefix_parse(&q->prefix, prefix) || !addr_parse(&q->peer, peer))
		return "lookup error";
	q->has_rd = rd && !json_is_null(rd);
	if (q->has_rd && (!json_is_string(rd) || !rd_parse(&q->rd, json_string_value(rd))))
		return "lookup error";
	if (port &&
	    (!json_is_integer(port) || json_integer_value(port) < 0 || json_integer_value(port) > UINT16_MAX))
		return "lookup error";
	q->port = (uint16_t)json_integer_value(port);
	return NULL;
}

static void
answer_rows(const struct bgp_sources *s, struct bgp_render *render, const struct bgp_peer *peer,
	    const struct rib_route *found, unsigned n, struct bgp_lg_reply *r)
{
	for (unsigned i = 0; i < n; i++) {
		struct bgp_attrs a;
		struct bgp_line line = {
		    .event_type = "lglass",
		    .who = {.address = peer->address, .id = peer->id, .port = peer->port}};
		struct bgp_shown shown = {.family = found[i].family,
					  .nlri = &found[i].nlri,
					  .has_path_id = peer->add_path >> found[i].family & 1,
					  .attrs = &a};
		bgp_store_attrs(s->store, found[i].set, &a);
		bgp_render_route(render, &line, &shown, &r->text);
		r->text.len--; /* its newline */
		part_end(r);
	}
}

static void
answer_lookup(const struct bgp_sources *s, struct bgp_render *render, const struct bgp_bytes *part,
	      struct bgp_lg_reply *r)
{
	struct bgp_question q;
	struct rib_route found[BGP_ANSWER_PATHS];
	json_t *j = load(part);
	const char *why = j ? read_question(j, &q) : "lookup error";
	json_decref(j);
	if (why) {
		head(r, 0, LG_LOOKUP, why);
		return;
	}
	readers_begin();
	const struct bgp_directory *d = readers_load(s->directory);
	const struct bgp_peer *peer = d ? bgp_directory_by_address(d, &q.peer, q.port) : NULL;
	unsigned n = peer ? bgp_answer(s, &q, peer, found) : 0;
	head(r, n, LG_LOOKUP, !peer ? "peer not found" : !n ? "prefix not found" : NULL);
	if (n)
		answer_rows(s, render, peer, found, n, r);
	readers_end();
}

void
bgp_lg_answer(const struct bgp_sources *s, struct bgp_render *render, const struct bgp_bytes *part,
	      unsigned parts, struct bgp_lg_reply *r)
{
	unsigned kind = parts ? kind_of(&part[0]) : 0;
	/* one question, no more */
	if (parts != (kind == LG_LOOKUP ? 2 : 1))
		kind = 0;
	r->text.len = 0;
	r->parts = 0;
	r->understood = kind != 0;
	if (kind == LG_PEERS)
		answer_peers(s, r);
	else if (kind == LG_LOOKUP)
		answer_lookup(s, render, &part[1], r);
	else
		head(r, 0, 0, "unsupported query_type");
}

void
bgp_lg_reply_free(struct bgp_lg_reply *r)
{
	text_free(&r->text);
	free(r->end);
	*r = (struct bgp_lg_reply){0};
}
