/* Snapshots whose checksums are not looked at, since nothing would come through otherwise; what is handed on
 * must hold what readers rely on. The first byte chooses whether checksums are looked at all the same. */
#include "bgp/snapfile.h"
#include "bgp/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct seen {
	struct bgp_store *store;
	unsigned peers;
	uint64_t touched;
};

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
touch(struct seen *s, const struct bgp_bytes *b, unsigned unit)
{
	must(b->len % unit == 0 && (b->p || !b->len));
	for (uint32_t i = 0; i < b->len; i++)
		s->touched += b->p[i];
}

static void
see_peer(void *ctx, const struct bgp_peer *peer)
{
	struct seen *s = ctx;
	s->peers++;
	must(memchr(peer->host, 0, sizeof(peer->host)) != NULL);
}

static void
see_routes(void *ctx, enum bgp_family family, const struct bgp_nlri *nlri, unsigned n,
	   const struct bgp_attrs *a)
{
	struct seen *s = ctx;
	must(s->peers && n && family < BGP_RIB_FAMILIES && a->origin <= 2);
	touch(s, &a->as_path, 1);
	touch(s, &a->std, 4);
	touch(s, &a->ext, 8);
	touch(s, &a->lrg, 12);
	touch(s, &a->cluster_list, 4);
	touch(s, &a->other, 1);
	bool v4 = family == BGP_IPV4_UNICAST || family == BGP_IPV4_LABELED || family == BGP_IPV4_VPN;
	for (unsigned i = 0; i < n; i++) {
		const struct prefix *p = &nlri[i].prefix;
		struct addr masked = addr_mask(&p->addr, p->len);
		must(p->len <= (v4 ? 32 : 128));
		must(!v4 || addr_is_v4(&p->addr));
		must(addr_equal(&masked, &p->addr) || !v4);
	}
	/* the store must take what comes */
	bgp_set_id id = bgp_store_intern(s->store, a);
	if (id)
		bgp_store_settle(s->store, id);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct bgp_store *store;
	char err[256];
	if (!store)
		store = bgp_store_new();
	if (n == 0)
		return 0;
	struct seen s = {.store = store};
	/* a copy without room behind it */
	uint8_t *copy = malloc(n);
	must(copy != NULL);
	memcpy(copy, data + 1, n - 1);
	err[0] = '\0';
	bool ok = snap_read(copy, n - 1, data[0] & 1, see_peer, see_routes, &s, err, sizeof(err));
	must(ok || err[0]);
	free(copy);
	return 0;
}
