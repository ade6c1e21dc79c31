/* A question names no family: an address is looked for among unicast and labeled routes, and in the VPN's
 * table when there is a distinguisher; the most specific answer wins, unicast before labeled.
 *
 * Addresses take the lookup that flows take. Prefixes are few questions of people, so they are looked up
 * exactly, bit by bit shorter: a prefix must not be answered by one that is longer. */
#include "bgp/answer.h"

/* By whether there is a distinguisher, then by IPv6. BGP_FAMILY_NONE ends a row. */
static const enum bgp_family families[2][2][2] = {
    {{BGP_IPV4_UNICAST, BGP_IPV4_LABELED}, {BGP_IPV6_UNICAST, BGP_IPV6_LABELED}},
    {{BGP_IPV4_VPN, BGP_FAMILY_NONE}, {BGP_IPV6_VPN, BGP_FAMILY_NONE}},
};

/* In the session's slot, or where that has none in the stale one. */
static unsigned
exactly(const struct bgp_sources *s, const struct bgp_peer *peer, enum bgp_family family,
	const struct bgp_nlri *n, struct rib_route *out)
{
	uint32_t slot = peer->slot, stale = peer->stale;
	unsigned found = 0;
	if (slot != RIB_NO_SLOT)
		found = rib_exact(s->rib, slot, family, n, out, BGP_ANSWER_PATHS);
	if (!found && stale != RIB_NO_SLOT)
		found = rib_exact(s->rib, stale, family, n, out, BGP_ANSWER_PATHS);
	return found;
}

static unsigned
shorter_and_shorter(const struct bgp_sources *s, const struct bgp_question *q, const struct bgp_peer *peer,
		    enum bgp_family family, struct rib_route *out)
{
	struct bgp_nlri n = {.prefix = q->prefix, .rd = q->rd, .label = BGP_NO_LABEL};
	for (;;) {
		unsigned found = exactly(s, peer, family, &n, out);
		if (found || q->exact || n.prefix.len == 0)
			return found;
		n.prefix.len--;
		n.prefix.addr = addr_mask(&n.prefix.addr, n.prefix.len);
	}
}

static unsigned
longest(const struct bgp_sources *s, const struct bgp_question *q, const struct bgp_peer *peer,
	enum bgp_family family, struct rib_route *out)
{
	struct rib_query ask = {.addr = q->prefix.addr,
				.table = rib_table(s->rib, family, q->rd),
				.slot = peer->slot,
				.stale = peer->stale};
	rib_lookup(s->rib, &ask, 1);
	if (!ask.set)
		return 0;
	struct bgp_nlri n = {.prefix = {.addr = addr_mask(&q->prefix.addr, ask.len), .len = ask.len},
			     .rd = q->rd,
			     .label = BGP_NO_LABEL};
	return exactly(s, peer, family, &n, out);
}

unsigned
bgp_answer(const struct bgp_sources *s, const struct bgp_question *q, const struct bgp_peer *peer,
	   struct rib_route out[BGP_ANSWER_PATHS])
{
	struct rib_route other[BGP_ANSWER_PATHS];
	bool v4 = addr_is_v4(&q->prefix.addr);
	bool whole = !q->exact && q->prefix.len == addr_max_len(&q->prefix.addr);
	const enum bgp_family *f = families[q->has_rd][!v4];
	unsigned best = 0;
	for (unsigned i = 0; i < 2 && f[i] != BGP_FAMILY_NONE; i++) {
		unsigned n =
		    whole ? longest(s, q, peer, f[i], other) : shorter_and_shorter(s, q, peer, f[i], other);
		if (n && (!best || other[0].nlri.prefix.len > out[0].nlri.prefix.len)) {
			memcpy(out, other, n * sizeof(*out));
			best = n;
		}
	}
	return best;
}

bool
bgp_answer_asks(const struct bgp_question *q, const struct bgp_peer *peer)
{
	if (peer->slot == RIB_NO_SLOT && peer->stale == RIB_NO_SLOT)
		return false;
	if (addr_is_none(&q->peer))
		return true;
	return addr_equal(&q->peer, &peer->address) && (!q->port || q->port == peer->port);
}
