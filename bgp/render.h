/* Routes and events as JSON lines, in the form of pmacct's current release: message log, dumps and looking
 * glass write the same keys in the same order.
 *
 * A line says who it is about, then what happened, then the route. The keys that configuration changes are
 * read once (bgp_render_init). Belongs to one thread. */
#ifndef FLOWRIB_BGP_RENDER_H
#define FLOWRIB_BGP_RENDER_H

#include "bgp/nlri.h"
#include "collector/base/text.h"
#include "collector/base/timetext.h"
#include "collector/conf/conf.h"

struct bgp_render {
	struct timetext times;
	bool path_as_array;  /* as_path_encode_as_array */
	bool comms_as_array; /* bgp_comms_encode_as_array */
	bool comms_num;	     /* bgp_comms_num */
	bool origin_as_int;  /* tmp_bgp_daemon_origin_type_int */
	bool with_id;	     /* tmp_bgp_lookup_compare_ports: peer_id in each line of a route */
};

/* Who a line is about: a copy, since peers come and go. */
struct bgp_who {
	struct addr address;
	uint32_t id;   /* BGP identifier, host byte order */
	uint16_t port; /* TCP */
};

/* What a tag map says of a peer; the map itself is not here. */
struct bgp_tags {
	bool has_tag;
	uint64_t tag;
	const char *label; /* NULL: none */
};

/* The begin of a line. What is absent is left out. */
struct bgp_line {
	const char *event_type; /* "log", "dump", "lglass" */
	const char *log_type;	/* "update"; NULL: none */
	bool has_seq;
	uint64_t seq;
	uint64_t time_us; /* since the epoch; 0: none */
	bool whole;	  /* the time without its fraction, as dumps have it */
	struct bgp_who who;
	const struct bgp_tags *tags; /* NULL: none */
};

/* One route. */
struct bgp_shown {
	enum bgp_family family;
	const struct bgp_nlri *nlri; /* NULL: text stands in its place, or nothing at all (end-of-rib) */
	const char *text;	     /* what names the route in a family without table */
	size_t text_len;
	bool has_path_id;	       /* ADD-PATH was agreed on */
	const struct bgp_attrs *attrs; /* NULL: none, as in an end-of-rib */
};

/* conf may be NULL: all defaults. */
void bgp_render_init(struct bgp_render *r, const struct conf *conf);

/* A line about a session: log_init, log_close. */
void bgp_render_session(struct bgp_render *r, const struct bgp_line *line, struct text *out);
/* A line about a route, newline included. */
void bgp_render_route(struct bgp_render *r, const struct bgp_line *line, const struct bgp_shown *route,
		      struct text *out);
/* Only the attributes, from `, "bgp_nexthop"` on; and a line that has them from there. */
void bgp_render_attrs(struct bgp_render *r, const struct bgp_attrs *attrs, struct text *out);
void bgp_render_rendered(struct bgp_render *r, const struct bgp_line *line, const struct bgp_shown *route,
			 const char *attrs, size_t attrs_len, struct text *out);
/* dump_init and dump_close: the sequence number stands last. */
void bgp_render_dump_init(struct bgp_render *r, const struct bgp_line *line, uint64_t period,
			  struct text *out);
void bgp_render_dump_close(struct bgp_render *r, const struct bgp_line *line, uint64_t entries,
			   uint64_t tables, struct text *out);
/* So many messages were lost before this line. */
void bgp_render_lost(struct bgp_render *r, const struct bgp_line *line, uint64_t lost, struct text *out);

#endif
