/* The directory: one allocation, open addressing over indexes, load at most a half.
 *
 * It is built anew whenever a session comes or goes and thrown away as a whole, so there is no deletion, and
 * a reader's question is one or two cache lines. Addresses and BGP identifiers share the table: an identifier
 * is entered as the IPv4 address that it looks like, behind all addresses of sessions, so that the first
 * entry that equals the question is the right one. */
#include "bgp/peer.h"

struct place {
	struct addr key;
	uint32_t peer; /* index + 1; 0: free */
	bool by_id;
};

struct bgp_directory {
	unsigned n;
	uint32_t mask; /* places - 1 */
	struct bgp_peer **peers;
	struct place places[];
};

const struct counter_desc bgp_peer_counter_desc[BGP_PEER_COUNTERS] = {
    [BGP_PEER_MESSAGES_IN] = {"bgp_peer_messages", NULL, "Messages of a BGP peer", COUNTER_SUM},
    [BGP_PEER_UPDATES_IN] = {"bgp_peer_updates", NULL, "UPDATE messages of a BGP peer", COUNTER_SUM},
    [BGP_PEER_BYTES_IN] = {"bgp_peer_bytes", NULL, "Bytes received of a BGP peer", COUNTER_SUM},
    [BGP_PEER_ANNOUNCED] = {"bgp_peer_announced", NULL, "Prefixes that a BGP peer announced", COUNTER_SUM},
    [BGP_PEER_WITHDRAWN] = {"bgp_peer_withdrawn", NULL, "Prefixes that a BGP peer withdrew", COUNTER_SUM},
    [BGP_PEER_TREATED_AS_WITHDRAWN] = {"bgp_peer_treated_as_withdrawn", NULL,
				       "Prefixes withdrawn because their attributes were malformed",
				       COUNTER_SUM},
    [BGP_PEER_SESSIONS] = {"bgp_peer_sessions", NULL, "Sessions established with a BGP peer", COUNTER_SUM},
    [BGP_PEER_RESETS] = {"bgp_peer_resets", NULL, "Sessions with a BGP peer that ended", COUNTER_SUM},
    [BGP_PEER_REFUSED] = {"bgp_peer_refused", NULL, "Prefixes not taken, being beyond the peer's limit",
			  COUNTER_SUM},
};

const char *
bgp_state_name(enum bgp_state s)
{
	static const char *const names[] = {[BGP_IDLE] = "idle",
					    [BGP_CONNECT] = "connect",
					    [BGP_ACTIVE] = "active",
					    [BGP_OPEN_SENT] = "opensent",
					    [BGP_OPEN_CONFIRM] = "openconfirm",
					    [BGP_ESTABLISHED] = "established"};
	return names[s];
}

static uint32_t
hash(const struct addr *a)
{
	uint64_t h = (a->q[0] ^ a->q[1] * 0x9e3779b97f4a7c15ULL) * 0xff51afd7ed558ccdULL;
	return (uint32_t)(h >> 32);
}

static void
enter(struct bgp_directory *d, const struct addr *key, unsigned peer, bool by_id)
{
	uint32_t i = hash(key) & d->mask;
	while (d->places[i].peer)
		i = (i + 1) & d->mask;
	d->places[i] = (struct place){*key, peer + 1, by_id};
}

static bool
has_routes(const struct bgp_peer *p)
{
	return atomic_load_explicit(&p->slot, memory_order_relaxed) != RIB_NO_SLOT ||
	       atomic_load_explicit(&p->stale, memory_order_relaxed) != RIB_NO_SLOT;
}

/* In the order of preference, since the first that fits answers: addresses of peers with a session, of those
 * with stale routes only, then identifiers in the same order. */
static void
enter_all(struct bgp_directory *d, bool by_id)
{
	for (unsigned pass = 0; pass < 4; pass++) {
		for (unsigned i = 0; i < d->n; i++) {
			const struct bgp_peer *p = d->peers[i];
			bool session = atomic_load_explicit(&p->slot, memory_order_relaxed) != RIB_NO_SLOT;
			uint32_t id = __builtin_bswap32(p->id);
			struct addr as_address = addr_from_v4(&id);
			if (!has_routes(p) || session != (pass % 2 == 0) || (pass >= 2 && !by_id))
				continue;
			enter(d, pass < 2 ? &p->address : &as_address, i, pass >= 2);
		}
	}
}

struct bgp_directory *
bgp_directory_new(struct bgp_peer *const *peers, unsigned n, bool by_id)
{
	size_t places = 8;
	while (places < 4 * (size_t)n)
		places *= 2;
	struct bgp_directory *d =
	    calloc(1, sizeof(*d) + places * sizeof(d->places[0]) + n * sizeof(d->peers[0]));
	if (!d)
		return NULL;
	d->n = n;
	d->mask = (uint32_t)places - 1;
	d->peers = (struct bgp_peer **)(void *)(d->places + places);
	for (unsigned i = 0; i < n; i++)
		d->peers[i] = peers[i];
	enter_all(d, by_id);
	return d;
}

/* NULL is allowed. */
void
bgp_directory_free(struct bgp_directory *d)
{
	free(d);
}

/* The first that fits: entered earlier stands nearer. */
static const struct bgp_peer *
find(const struct bgp_directory *d, const struct addr *key, bool ids, uint16_t port)
{
	if (!d)
		return NULL;
	for (uint32_t i = hash(key) & d->mask; d->places[i].peer; i = (i + 1) & d->mask) {
		const struct place *at = &d->places[i];
		const struct bgp_peer *p = d->peers[at->peer - 1];
		if (addr_equal(&at->key, key) && (ids || !at->by_id) && (port == 0 || port == p->port))
			return p;
	}
	return NULL;
}

const struct bgp_peer *
bgp_directory_find(const struct bgp_directory *d, const struct addr *exporter)
{
	return find(d, exporter, true, 0);
}

const struct bgp_peer *
bgp_directory_by_address(const struct bgp_directory *d, const struct addr *address, uint16_t port)
{
	return find(d, address, false, port);
}

unsigned
bgp_directory_count(const struct bgp_directory *d)
{
	return d ? d->n : 0;
}

const struct bgp_peer *
bgp_directory_at(const struct bgp_directory *d, unsigned i)
{
	return d->peers[i];
}
