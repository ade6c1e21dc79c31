/* For tests of outputs: a RIB with peers, without sessions. */
#ifndef FLOWRIB_BGP_RIBBED_H
#define FLOWRIB_BGP_RIBBED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bgp/output.h"
#include "collector/base/routetext.h"

#define RIBBED_PEERS 8

struct ribbed {
	struct bgp_store *store;
	struct rib *rib;
	struct bgp_peer *peer[RIBBED_PEERS];
	unsigned peers;
	const struct bgp_directory *directory;
	struct bgp_sources sources;
};

static inline void
ribbed_publish(struct ribbed *r)
{
	bgp_directory_free((struct bgp_directory *)(uintptr_t)r->directory);
	r->directory = bgp_directory_new(r->peer, r->peers, true);
	assert_non_null(r->directory);
}

static inline void
ribbed_begin(struct ribbed *r)
{
	*r = (struct ribbed){.store = bgp_store_new()};
	r->rib = rib_new(r->store);
	assert_true(r->store && r->rib);
	r->sources = (struct bgp_sources){.rib = r->rib, .store = r->store, .directory = &r->directory};
	readers_join();
	ribbed_publish(r);
}

static inline struct bgp_peer *
ribbed_peer(struct ribbed *r, const char *address, uint16_t port, uint32_t id)
{
	struct bgp_peer *p = calloc(1, sizeof(*p));
	assert_non_null(p);
	assert_true(addr_parse(&p->address, address));
	p->port = port;
	p->id = id;
	p->as = 65001;
	p->local_as = 65000;
	p->slot = rib_slot_open(r->rib);
	p->stale = RIB_NO_SLOT;
	p->state = BGP_ESTABLISHED;
	assert_true(p->slot != RIB_NO_SLOT);
	r->peer[r->peers++] = p;
	ribbed_publish(r);
	return p;
}

static inline struct bgp_nlri
ribbed_nlri(const char *prefix, uint32_t path_id, const char *rd)
{
	struct bgp_nlri n = {.path_id = path_id, .label = BGP_NO_LABEL};
	assert_true(prefix_parse(&n.prefix, prefix));
	assert_true(!rd || rd_parse(&n.rd, rd));
	return n;
}

/* path_id also with ADD-PATH for the family, by what the peer agreed on. */
static inline void
ribbed_announce(struct ribbed *r, struct bgp_peer *p, enum bgp_family family, const struct bgp_nlri *n,
		const struct bgp_attrs *a)
{
	unsigned added = 0;
	bgp_set_id set = bgp_store_intern(r->store, a);
	bool ok = p->add_path >> family & 1
		      ? rib_announce_path(r->rib, p->slot, family, n, 1, set, NULL, NULL, &added)
		      : rib_announce(r->rib, p->slot, family, n, 1, set, NULL, NULL, &added);
	bgp_store_settle(r->store, set);
	assert_true(ok);
}

static inline void
ribbed_end(struct ribbed *r)
{
	readers_leave();
	bgp_directory_free((struct bgp_directory *)(uintptr_t)r->directory);
	for (unsigned i = 0; i < r->peers; i++)
		free(r->peer[i]);
	rib_free(r->rib);
	bgp_store_free(r->store);
}

#endif
