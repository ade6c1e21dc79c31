/* What a snapshot of a RIB gives back is what the RIB had; a byte that changed, a file that was cut, are
 * refused. */
#include "bgp/snapfile.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bgp/ribbed.h"
#include "collector/base/text.h"

static char path[64];

static struct bgp_attrs
attrs_of(unsigned i)
{
	static const uint8_t as_path[] = {2, 2, 0xf2, 0xfd, 0, 0, 1, 0, 1, 0, 1, 1, 7, 0, 0, 0};
	static const uint8_t std[] = {1, 0, 2, 0}, ext[] = {0, 2, 0xfd, 0xe8, 0, 0, 0, 1};
	static const uint8_t lrg[] = {1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0},
			     cluster[] = {1, 1, 1, 1, 2, 2, 2, 2};
	static const uint8_t other[] = {0xc0, 99, 0, 3, 'a', 'b', 'c'};
	struct bgp_attrs a = {.present = BGP_HAS_ORIGIN | BGP_HAS_AS_PATH | BGP_HAS_NEXT_HOP | BGP_HAS_MED,
			      .origin = 1,
			      .med = i,
			      .as_path = {as_path, sizeof(as_path)}};
	assert_true(addr_parse(&a.next_hop, i % 2 ? "192.0.2.1" : "2001:db8::1"));
	if (i % 4 == 3) {
		a.present = (1 << 12) - 1;
		a.local_pref = 100 + i;
		a.otc = 65001;
		a.psid_label_index = 5;
		a.label = 80037;
		a.aigp = 1ULL << 40;
		a.aggregator_as = 65010;
		a.std = (struct bgp_bytes){std, sizeof(std)};
		a.ext = (struct bgp_bytes){ext, sizeof(ext)};
		a.lrg = (struct bgp_bytes){lrg, sizeof(lrg)};
		a.cluster_list = (struct bgp_bytes){cluster, sizeof(cluster)};
		a.other = (struct bgp_bytes){other, sizeof(other)};
		assert_true(addr_parse(&a.aggregator, "192.0.2.9") &&
			    addr_parse(&a.originator, "192.0.2.8") &&
			    addr_parse(&a.next_hop_link_local, "fe80::1"));
	}
	return a;
}

static void
announce(struct ribbed *r, struct bgp_peer *p, enum bgp_family f, const char *prefix, uint32_t path_id,
	 const char *rd, unsigned i)
{
	struct bgp_nlri n = ribbed_nlri(prefix, path_id, rd);
	struct bgp_attrs a = attrs_of(i);
	ribbed_announce(r, p, f, &n, &a);
}

/* Two peers, all families, ADD-PATH, default routes, a peer without routes. */
static void
fill(struct ribbed *r)
{
	ribbed_begin(r);
	struct bgp_peer *a = ribbed_peer(r, "192.0.2.1", 4711, 0x0a000001);
	struct bgp_peer *b = ribbed_peer(r, "2001:db8::1", 4712, 0x0a000002);
	ribbed_peer(r, "192.0.2.3", 4713, 0x0a000003);
	snprintf(a->host, sizeof(a->host), "edge1");
	a->add_path = 1u << BGP_IPV6_UNICAST;
	b->ebgp = true;
	announce(r, a, BGP_IPV4_UNICAST, "0.0.0.0/0", 0, NULL, 1);
	announce(r, a, BGP_IPV4_UNICAST, "10.1.0.0/16", 0, NULL, 1);
	announce(r, a, BGP_IPV4_UNICAST, "10.1.2.3/32", 0, NULL, 3);
	announce(r, a, BGP_IPV4_UNICAST, "10.128.0.0/9", 0, NULL, 2);
	announce(r, a, BGP_IPV6_UNICAST, "2001:db8:1::/48", 5, NULL, 2);
	announce(r, a, BGP_IPV6_UNICAST, "2001:db8:1::/48", 6, NULL, 4);
	announce(r, a, BGP_IPV6_UNICAST, "::/0", 1, NULL, 4);
	announce(r, b, BGP_IPV4_UNICAST, "10.1.0.0/16", 0, NULL, 3);
	announce(r, b, BGP_IPV4_LABELED, "10.2.0.0/16", 0, NULL, 3);
	announce(r, b, BGP_IPV6_LABELED, "2001:db8:2::/127", 0, NULL, 3);
	announce(r, b, BGP_IPV4_VPN, "10.3.0.0/24", 0, "65000:1", 7);
	announce(r, b, BGP_IPV4_VPN, "10.3.0.0/24", 0, "192.0.2.1:2", 7);
	announce(r, b, BGP_IPV6_VPN, "2001:db8:3::/48", 0, "2:65000:3", 7);
}

/* One line a route, sorted by nothing: compared as a bag. */
struct heard {
	struct text lines;
	struct bgp_peer peer;
	unsigned peers, routes;
};

static void
hear_peer(void *ctx, const struct bgp_peer *peer)
{
	struct heard *h = ctx;
	memcpy(&h->peer, peer, sizeof(*peer));
	h->peers++;
	text_printf(&h->lines, "peer %u as %u %s ebgp %d\n", peer->port, peer->as, peer->host, peer->ebgp);
}

static void
put_bag(struct text *out, uint16_t port, enum bgp_family family, const struct bgp_nlri *n,
	const struct bgp_attrs *a)
{
	char prefix[PREFIX_TEXT_MAX];
	prefix_format(prefix, &n->prefix);
	text_printf(out, "%u %d %s %u %llx %u: %x %u %u %u %u %u %u %llx %u %u %u %u %u %u\n", port, family,
		    prefix, n->path_id, (unsigned long long)n->rd, n->label, a->present, a->origin, a->med,
		    a->local_pref, a->otc, a->psid_label_index, a->label, (unsigned long long)a->aigp,
		    a->as_path.len, a->std.len, a->ext.len, a->lrg.len, a->cluster_list.len, a->other.len);
}

/* Everything of the attributes, byte by byte, against those they were made of. */
static void
compare(const struct bgp_attrs *a)
{
	struct bgp_attrs e = attrs_of(a->med);
	assert_int_equal(a->present, e.present);
	assert_true(addr_equal(&a->next_hop, &e.next_hop));
	assert_true(addr_equal(&a->next_hop_link_local, &e.next_hop_link_local));
	assert_true(addr_equal(&a->originator, &e.originator) && addr_equal(&a->aggregator, &e.aggregator));
	assert_int_equal(a->aggregator_as, e.aggregator_as);
	const struct bgp_bytes *x = &a->as_path, *y = &e.as_path;
	for (unsigned i = 0; i < 6; i++, x++, y++) {
		assert_int_equal(x->len, y->len);
		if (x->len)
			assert_memory_equal(x->p, y->p, x->len);
	}
}

static void
hear_routes(void *ctx, enum bgp_family family, const struct bgp_nlri *nlri, unsigned n,
	    const struct bgp_attrs *attrs)
{
	struct heard *h = ctx;
	compare(attrs);
	for (unsigned i = 0; i < n; i++)
		put_bag(&h->lines, h->peer.port, family, &nlri[i], attrs);
	h->routes += n;
}

/* Each line of text is one of a. */
static void
all_in(const char *text, const char *a)
{
	char line[512];
	while (*text) {
		size_t n = strcspn(text, "\n") + 1;
		assert_true(n < sizeof(line));
		memcpy(line, text, n);
		line[n] = '\0';
		if (!strstr(a, line))
			fail_msg("missing: %s", line);
		text += n;
	}
}

static void
there_and_back(void **state)
{
	(void)state;
	struct ribbed r;
	struct heard h = {0};
	struct text expected = {0};
	char err[256];
	fill(&r);
	if (!bgp_snapshot_write(&r.sources, path, err, sizeof(err)) ||
	    !bgp_snapshot_read(path, hear_peer, hear_routes, &h, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(h.peers, 3);
	assert_int_equal(h.routes, 13);
	text_printf(&expected, "peer 4711 as 65001 edge1 ebgp 0\npeer 4712 as 65001  ebgp 1\n"
			       "peer 4713 as 65001  ebgp 0\n");
	for (unsigned i = 0; i < r.peers; i++) {
		struct rib_route route[64];
		struct bgp_attrs a;
		uint64_t cursor = 0;
		unsigned n;
		while ((n = rib_walk(r.rib, r.peer[i]->slot, &cursor, route, 64)))
			for (unsigned k = 0; k < n; k++) {
				bgp_store_attrs(r.store, route[k].set, &a);
				put_bag(&expected, r.peer[i]->port, route[k].family, &route[k].nlri, &a);
			}
	}
	all_in(text_cstr(&expected), text_cstr(&h.lines));
	all_in(text_cstr(&h.lines), text_cstr(&expected));
	text_free(&expected);
	text_free(&h.lines);
	ribbed_end(&r);
}

static uint8_t *
slurp(size_t *len)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	uint8_t *data = malloc((size_t)st.st_size);
	assert_int_equal(read(fd, data, (size_t)st.st_size), st.st_size);
	close(fd);
	*len = (size_t)st.st_size;
	return data;
}

static bool
reads(const uint8_t *data, size_t len, char *err, size_t errlen)
{
	err[0] = '\0';
	return snap_read(data, len, true, NULL, NULL, NULL, err, errlen);
}

/* Every byte, every length; and nothing is handed on from such a file but what a whole one has. */
static void
every_byte(void **state)
{
	(void)state;
	struct ribbed r;
	char err[256];
	size_t len;
	fill(&r);
	assert_true(bgp_snapshot_write(&r.sources, path, err, sizeof(err)));
	uint8_t *data = slurp(&len);
	assert_true(reads(data, len, err, sizeof(err)));
	for (size_t i = 0; i < len; i++) {
		/* a copy of the exact size, so that the sanitizer sees reads beyond it */
		uint8_t *copy = malloc(len);
		memcpy(copy, data, len);
		copy[i] ^= (uint8_t)(1u << i % 8);
		assert_false(reads(copy, len, err, sizeof(err)));
		assert_true(err[0]);
		free(copy);
		uint8_t *cut = malloc(i ? i : 1);
		memcpy(cut, data, i);
		assert_false(reads(cut, i, err, sizeof(err)));
		assert_true(err[0]);
		free(cut);
	}
	uint8_t *more = calloc(1, len + 1);
	memcpy(more, data, len);
	assert_false(reads(more, len + 1, err, sizeof(err)));
	free(more);
	free(data);
	ribbed_end(&r);
}

/* The same without checksums: nothing outside of the file is read, whatever it says. */
static void
every_byte_unchecked(void **state)
{
	(void)state;
	struct ribbed r;
	char err[256];
	size_t len;
	fill(&r);
	assert_true(bgp_snapshot_write(&r.sources, path, err, sizeof(err)));
	uint8_t *data = slurp(&len);
	for (size_t i = 0; i < 8 * len; i++) {
		uint8_t *copy = malloc(len);
		memcpy(copy, data, len);
		copy[i / 8] ^= (uint8_t)(1u << i % 8);
		snap_read(copy, len, false, NULL, NULL, NULL, err, sizeof(err));
		free(copy);
	}
	free(data);
	ribbed_end(&r);
}

static void
not_a_snapshot(void **state)
{
	(void)state;
	char err[512];
	assert_false(bgp_snapshot_read("/nonexistent/x", NULL, NULL, NULL, err, sizeof(err)));
	assert_string_equal(err, "snapshot '/nonexistent/x': No such file or directory");
	int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);
	close(fd);
	assert_false(bgp_snapshot_read(path, NULL, NULL, NULL, err, sizeof(err)));
	assert_non_null(strstr(err, "the file is empty"));
	assert_false(bgp_snapshot_read("/etc/services", NULL, NULL, NULL, err, sizeof(err)));
	assert_string_equal(err, "snapshot '/etc/services': this is no snapshot at byte 0");
}

/* A stale slot gives what the session has not announced again. */
static void
stale_routes(void **state)
{
	(void)state;
	struct ribbed r;
	struct heard h = {0};
	char err[256];
	ribbed_begin(&r);
	struct bgp_peer *p = ribbed_peer(&r, "192.0.2.1", 4711, 1);
	announce(&r, p, BGP_IPV4_UNICAST, "10.1.0.0/16", 0, NULL, 1);
	announce(&r, p, BGP_IPV4_UNICAST, "10.2.0.0/16", 0, NULL, 1);
	p->stale = p->slot;
	p->slot = rib_slot_open(r.rib);
	announce(&r, p, BGP_IPV4_UNICAST, "10.1.0.0/16", 0, NULL, 2);
	assert_true(bgp_snapshot_write(&r.sources, path, err, sizeof(err)));
	assert_true(bgp_snapshot_read(path, hear_peer, hear_routes, &h, err, sizeof(err)));
	assert_int_equal(h.routes, 2);
	assert_non_null(strstr(text_cstr(&h.lines), "10.1.0.0/16 0 0 4294967295: f 1 2 "));
	assert_non_null(strstr(text_cstr(&h.lines), "10.2.0.0/16 0 0 4294967295: f 1 1 "));
	text_free(&h.lines);
	ribbed_end(&r);
}

/* More routes than a batch, a stretch of a block, or a group hold. */
static void
many(void **state)
{
	(void)state;
	struct ribbed r;
	char err[256];
	ribbed_begin(&r);
	struct bgp_peer *p = ribbed_peer(&r, "192.0.2.1", 4711, 1);
	struct bgp_attrs a = {.present = BGP_HAS_MED};
	for (uint32_t i = 0; i < 30000; i++) {
		struct bgp_nlri n = {.prefix.len = 32, .label = BGP_NO_LABEL};
		n.prefix.addr = addr_from_v4(&(uint32_t){__builtin_bswap32(0x0a000000 + i)});
		a.med = i < 20000 ? 0 : i % 5000;
		ribbed_announce(&r, p, BGP_IPV4_UNICAST, &n, &a);
	}
	assert_true(bgp_snapshot_write(&r.sources, path, err, sizeof(err)));
	assert_true(bgp_snapshot_read(path, NULL, NULL, NULL, err, sizeof(err)));
	ribbed_end(&r);
}

static int
setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/flowrib-snapshot-%d", (int)getpid());
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(there_and_back),	    cmocka_unit_test(every_byte),
	    cmocka_unit_test(every_byte_unchecked), cmocka_unit_test(not_a_snapshot),
	    cmocka_unit_test(stale_routes),	    cmocka_unit_test(many),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
