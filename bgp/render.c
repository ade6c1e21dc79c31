/* See render.h. Keys and their order are those that pmacct was seen to write. Rows stand on the path of whole
 * tables (a million a dump, two million events a reset), so room is reserved once a line and fields are put
 * with no further checks; a key that is absent costs one test.
 *
 * An empty AS path is shown ("") when the attribute was there, and absent otherwise: the one is a route of
 * our own AS, the other a withdrawal of something never seen. */
#include "bgp/render.h"

#include "collector/base/routetext.h"

/* Keys, numbers, addresses and times of a line, without its lists, texts and labels. */
#define LINE_FIXED 1024

void
bgp_render_init(struct bgp_render *r, const struct conf *conf)
{
	*r = (struct bgp_render){0};
	if (!conf)
		return;
	bool rfc = conf_bool(conf, CONF_CORE, CONF_timestamps_rfc9557);
	r->times.o = (struct timetext_options){
	    .secs = conf_bool(conf, CONF_CORE, CONF_timestamps_secs),
	    .utc = conf_bool(conf, CONF_CORE, CONF_timestamps_utc),
	    .since_epoch = conf_bool(conf, CONF_CORE, CONF_timestamps_since_epoch),
	    .rfc9557 = rfc,
	    .client = rfc, /* Z for no offset, other than in rows of flows */
	};
	r->path_as_array = conf_bool(conf, CONF_CORE, CONF_as_path_encode_as_array);
	r->comms_as_array = conf_bool(conf, CONF_CORE, CONF_bgp_comms_encode_as_array);
	r->comms_num = conf_bool(conf, CONF_CORE, CONF_bgp_comms_num);
	r->origin_as_int = conf_bool(conf, CONF_CORE, CONF_tmp_bgp_daemon_origin_type_int);
	r->with_id = conf_bool(conf, CONF_CORE, CONF_tmp_bgp_lookup_compare_ports);
}

/* --- fields --- */

/* Keys are constants: inlined, each is a copy of known length. */
#define INLINE static inline __attribute__((always_inline))

/* `, "key": `; the first key of a line has no comma before it. */
INLINE char *
put_key(char *p, const char *key)
{
	if (p[-1] != '{')
		p = put_bytes(p, ", ", 2);
	*p++ = '"';
	p = put_str(p, key);
	return put_bytes(p, "\": ", 3);
}

/* The texts put here need no escapes: words of ours and addresses. */
INLINE char *
put_word(char *p, const char *key, const char *word)
{
	p = put_key(p, key);
	*p++ = '"';
	p = put_str(p, word);
	*p++ = '"';
	return p;
}

INLINE char *
put_number(char *p, const char *key, uint64_t v)
{
	return put_u64(put_key(p, key), v);
}

INLINE char *
put_address(char *p, const char *key, const struct addr *a)
{
	p = put_key(p, key);
	*p++ = '"';
	p = addr_format(p, a);
	*p++ = '"';
	return p;
}

static char *
put_time(struct bgp_render *r, char *p, const struct bgp_line *line)
{
	if (!line->time_us)
		return p;
	p = put_key(p, "timestamp");
	*p++ = '"';
	p = line->whole ? put_time_s(&r->times, p, line->time_us / 1000000)
			: put_time_us(&r->times, p, line->time_us);
	*p++ = '"';
	return p;
}

static char *
put_identifier(char *p, uint32_t id)
{
	struct addr a = addr_from_v4(&(uint32_t){__builtin_bswap32(id)});
	return put_address(p, "peer_id", &a);
}

static char *
put_tags(char *p, const struct bgp_tags *tags)
{
	if (tags && tags->has_tag)
		p = put_number(p, "tag", tags->tag);
	if (tags && tags->label) {
		p = put_key(p, "label");
		*p++ = '"';
		p = put_json(p, tags->label, strlen(tags->label));
		*p++ = '"';
	}
	return p;
}

/* Lists, as a string or an array. */
typedef char *put_list(const struct bgp_render *r, char *p, const struct bgp_bytes *v);

static char *
list_path(const struct bgp_render *r, char *p, const struct bgp_bytes *v)
{
	return put_as_path(p, v->p, v->len, ' ', r->path_as_array);
}

static char *
list_std(const struct bgp_render *r, char *p, const struct bgp_bytes *v)
{
	return put_std_comms(p, v->p, v->len, ' ', r->comms_as_array, r->comms_num);
}

static char *
list_ext(const struct bgp_render *r, char *p, const struct bgp_bytes *v)
{
	return put_ext_comms(p, v->p, v->len, ' ', r->comms_as_array);
}

static char *
list_lrg(const struct bgp_render *r, char *p, const struct bgp_bytes *v)
{
	return put_lrg_comms(p, v->p, v->len, ' ', r->comms_as_array);
}

INLINE char *
put_list_of(const struct bgp_render *r, char *p, const char *key, const struct bgp_bytes *v, put_list *put,
	    bool array)
{
	p = put_key(p, key);
	if (!array)
		*p++ = '"';
	p = put(r, p, v);
	if (!array)
		*p++ = '"';
	return p;
}

/* --- attributes --- */

static size_t
attrs_room(const struct bgp_attrs *a)
{
	return ROUTETEXT_ROOM(a->as_path.len) + ROUTETEXT_ROOM(a->std.len) + ROUTETEXT_ROOM(a->ext.len) +
	       ROUTETEXT_ROOM(a->lrg.len);
}

static char *
put_origin(const struct bgp_render *r, char *p, uint8_t origin)
{
	static const char *const names[] = {"i", "e", "u"}; /* IGP, EGP, incomplete: "unknown" */
	if (r->origin_as_int)
		return put_number(p, "origin", origin);
	return put_word(p, "origin", names[origin < ARRAY_SIZE(names) ? origin : 2]);
}

static char *
put_lists(const struct bgp_render *r, char *p, const struct bgp_attrs *a)
{
	if (a->as_path.len || a->present & BGP_HAS_AS_PATH)
		p = put_list_of(r, p, "as_path", &a->as_path, list_path, r->path_as_array);
	if (a->std.len)
		p = put_list_of(r, p, "comms", &a->std, list_std, r->comms_as_array);
	if (a->ext.len)
		p = put_list_of(r, p, "ecomms", &a->ext, list_ext, r->comms_as_array);
	if (a->lrg.len)
		p = put_list_of(r, p, "lcomms", &a->lrg, list_lrg, r->comms_as_array);
	return p;
}

static char *
put_attrs(const struct bgp_render *r, char *p, const struct bgp_attrs *a)
{
	if (!addr_is_none(&a->next_hop))
		p = put_address(p, "bgp_nexthop", &a->next_hop);
	p = put_lists(r, p, a);
	if (a->present & BGP_HAS_ORIGIN)
		p = put_origin(r, p, a->origin);
	if (a->present & BGP_HAS_LOCAL_PREF)
		p = put_number(p, "local_pref", a->local_pref);
	if (a->present & BGP_HAS_MED)
		p = put_number(p, "med", a->med);
	if (a->present & BGP_HAS_AIGP)
		p = put_number(p, "aigp", a->aigp);
	if (a->present & BGP_HAS_PREFIX_SID)
		p = put_number(p, "psid_li", a->psid_label_index);
	if (a->present & BGP_HAS_OTC)
		p = put_number(p, "otc", a->otc);
	return p;
}

/* The distinguisher of a VPN, and the label: both follow the attributes. */
static char *
put_vpn(char *p, const struct bgp_shown *route)
{
	const struct bgp_nlri *n = route->nlri;
	const struct bgp_attrs *a = route->attrs;
	if (n && (route->family == BGP_IPV4_VPN || route->family == BGP_IPV6_VPN)) {
		p = put_key(p, "rd");
		*p++ = '"';
		p = put_rd(p, n->rd);
		*p++ = '"';
		p = put_word(p, "rd_origin", "bgp");
	}
	if (a && a->present & BGP_HAS_LABEL) {
		p = put_key(p, "mpls_label");
		*p++ = '"';
		p = put_u64(p, a->label);
		*p++ = '"';
	}
	return p;
}

/* --- lines --- */

static char *
line_open(struct text *out, const struct bgp_line *line, size_t more)
{
	size_t label = line->tags && line->tags->label ? 6 * strlen(line->tags->label) : 0;
	char *p = text_reserve(out, LINE_FIXED + label + more);
	*p++ = '{';
	return p;
}

static void
line_end(struct text *out, char *p)
{
	p = put_bytes(p, "}\n", 2);
	text_commit(out, p);
}

/* Everything up to the event type. */
static char *
put_head(struct bgp_render *r, char *p, const struct bgp_line *line)
{
	if (line->has_seq)
		p = put_number(p, "seq", line->seq);
	if (line->log_type)
		p = put_word(p, "log_type", line->log_type);
	p = put_time(r, p, line);
	p = put_address(p, "peer_ip_src", &line->who.address);
	p = put_number(p, "peer_tcp_port", line->who.port);
	if (r->with_id)
		p = put_identifier(p, line->who.id);
	p = put_tags(p, line->tags);
	return put_word(p, "event_type", line->event_type);
}

/* The families whose items are prefixes, although they have no table. */
static bool
named_by_prefix(enum bgp_family f)
{
	return f < BGP_RIB_FAMILIES || f == BGP_IPV4_MULTICAST || f == BGP_IPV6_MULTICAST ||
	       f == BGP_IPV4_VPN_MULTICAST || f == BGP_IPV6_VPN_MULTICAST;
}

static char *
put_nlri(char *p, const struct bgp_shown *route)
{
	const struct bgp_nlri *n = route->nlri;
	if (!n && !route->text)
		return p;
	p = put_key(p, named_by_prefix(route->family) ? "ip_prefix" : "nlri");
	*p++ = '"';
	p = n ? prefix_format(p, &n->prefix) : put_json(p, route->text, route->text_len);
	*p++ = '"';
	return route->has_path_id && n ? put_number(p, "as_path_id", n->path_id) : p;
}

static char *
put_route(struct bgp_render *r, char *p, const struct bgp_line *line, const struct bgp_shown *route)
{
	const struct bgp_family_row *f = &bgp_family_rows[route->family];
	p = put_head(r, p, line);
	p = put_number(p, "afi", f->afi);
	p = put_number(p, "safi", f->safi);
	return put_nlri(p, route);
}

void
bgp_render_route(struct bgp_render *r, const struct bgp_line *line, const struct bgp_shown *route,
		 struct text *out)
{
	size_t room = 6 * route->text_len + (route->attrs ? attrs_room(route->attrs) : 0);
	char *p = put_route(r, line_open(out, line, room), line, route);
	if (route->attrs)
		p = put_attrs(r, p, route->attrs);
	line_end(out, put_vpn(p, route));
}

void
bgp_render_attrs(struct bgp_render *r, const struct bgp_attrs *attrs, struct text *out)
{
	char *p = text_reserve(out, LINE_FIXED + attrs_room(attrs) + 1);
	/* put_key looks at what stands before */
	*p++ = ' ';
	char *begin = p;
	p = put_attrs(r, p, attrs);
	memmove(begin - 1, begin, (size_t)(p - begin));
	text_commit(out, p - 1);
}

void
bgp_render_rendered(struct bgp_render *r, const struct bgp_line *line, const struct bgp_shown *route,
		    const char *attrs, size_t attrs_len, struct text *out)
{
	char *p = line_open(out, line, 6 * route->text_len + attrs_len);
	p = put_route(r, p, line, route);
	line_end(out, put_bytes(p, attrs, attrs_len));
}

/* Other than in lines of routes, tags stand before the port, and there is no identifier. */
void
bgp_render_session(struct bgp_render *r, const struct bgp_line *line, struct text *out)
{
	char *p = line_open(out, line, 0);
	if (line->has_seq)
		p = put_number(p, "seq", line->seq);
	p = put_time(r, p, line);
	p = put_address(p, "peer_ip_src", &line->who.address);
	p = put_tags(p, line->tags);
	p = put_number(p, "peer_tcp_port", line->who.port);
	line_end(out, put_word(p, "event_type", line->event_type));
}

static char *
put_dump_head(struct bgp_render *r, char *p, const struct bgp_line *line, const char *type)
{
	p = put_time(r, p, line);
	p = put_address(p, "peer_ip_src", &line->who.address);
	p = put_tags(p, line->tags);
	p = put_number(p, "peer_tcp_port", line->who.port);
	return put_word(p, "event_type", type);
}

void
bgp_render_dump_init(struct bgp_render *r, const struct bgp_line *line, uint64_t period, struct text *out)
{
	char *p = put_dump_head(r, line_open(out, line, 0), line, "dump_init");
	p = put_number(p, "dump_period", period);
	line_end(out, put_number(p, "seq", line->seq));
}

void
bgp_render_dump_close(struct bgp_render *r, const struct bgp_line *line, uint64_t entries, uint64_t tables,
		      struct text *out)
{
	char *p = put_dump_head(r, line_open(out, line, 0), line, "dump_close");
	p = put_number(p, "entries", entries);
	p = put_number(p, "tables", tables);
	line_end(out, put_number(p, "seq", line->seq));
}

void
bgp_render_lost(struct bgp_render *r, const struct bgp_line *line, uint64_t lost, struct text *out)
{
	char *p = line_open(out, line, 0);
	p = put_number(p, "seq", line->seq);
	p = put_time(r, p, line);
	p = put_word(p, "event_type", "log_lost");
	line_end(out, put_number(p, "lost", lost));
}
