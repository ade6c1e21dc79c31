/* What the looking glass answers, without its sockets: a request of several parts in, a reply of several out.
 */
#ifndef FLOWRIB_BGP_LGQUERY_H
#define FLOWRIB_BGP_LGQUERY_H

#include "bgp/outputs.h"
#include "bgp/render.h"

#define BGP_LG_PART_MAX	 65536 /* bytes of a part of a request */
#define BGP_LG_PARTS_MAX 16

struct bgp_lg_reply {
	struct text text; /* all parts, one behind the other */
	size_t *end;	  /* where each ends */
	unsigned parts, cap;
	bool understood; /* false: malformed or of an unknown kind */
};

/* Always at least one part. reply is emptied first; the caller frees it. On a thread that joined readers. */
void bgp_lg_answer(const struct bgp_sources *s, struct bgp_render *render, const struct bgp_bytes *part,
		   unsigned parts, struct bgp_lg_reply *reply);
void bgp_lg_reply_free(struct bgp_lg_reply *reply);

#endif
