/* Loading a snapshot: the file is mapped and read twice.
 *
 * First all blocks are looked at, checksums and order, so that a file that was cut or changed is refused
 * before anything of it is used. Then routes are decoded, straight from the mapping: a set is found by its
 * number, taken apart when a group names it, and its lists are handed on where they lie. Everything goes
 * through the bounded cursor again, since a checksum proves no sense; what makes none ends the loading, with
 * what came before already handed on. */
#include "bgp/snapfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define BATCH	 512 /* routes handed on at once */
#define SETS_MAX (1u << 31)

struct snap {
	const uint8_t *data;
	size_t len;
	bool checked;
	const uint8_t **set; /* where the bytes of each set begin */
	const uint8_t **set_end;
	uint32_t sets, sets_cap;
	uint64_t peers, routes; /* seen */
	bgp_snapshot_peer *peer;
	bgp_snapshot_routes *take;
	void *ctx;
	struct bgp_nlri nlri[BATCH];
	char *err;
	size_t errlen;
};

struct block {
	uint32_t type, len;
	uint64_t sum, number;
	struct wire bytes;
};

uint64_t
snap_checksum(enum snap_block type, uint32_t len, uint64_t number, const void *bytes)
{
	uint64_t seed = XXH3_64bits_withSeed(&(uint64_t[2]){(uint64_t)type << 32 | len, number}, 16, 0);
	return XXH3_64bits_withSeed(bytes, len, seed);
}

static bool
refuse(struct snap *s, const uint8_t *at, const char *what)
{
	snprintf(s->err, s->errlen, "%s at byte %zu", what, (size_t)(at - s->data));
	return false;
}

/* The file is little-endian, as the machines are. */
static uint32_t
take_u32(struct wire *w)
{
	return __builtin_bswap32(wire_u32(w));
}

static uint64_t
take_u64(struct wire *w)
{
	return __builtin_bswap64(wire_u64(w));
}

/* Up to five bytes of seven bits each, the lowest first. */
static uint32_t
take_varint(struct wire *w)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 35; shift += 7) {
		uint8_t b = wire_u8(w);
		v |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80) {
			w->failed = w->failed || v > UINT32_MAX;
			return (uint32_t)v;
		}
	}
	w->failed = true;
	return 0;
}

static struct addr
take_addr(struct wire *w)
{
	struct addr a = {.q = {0, 0}};
	const uint8_t *p = wire_bytes(w, sizeof(a));
	if (p)
		memcpy(&a, p, sizeof(a));
	return a;
}

static struct bgp_bytes
take_list(struct wire *w, unsigned unit)
{
	uint32_t len = take_varint(w);
	const uint8_t *p = wire_bytes(w, len);
	if (!p || len % unit) {
		w->failed = true;
		return (struct bgp_bytes){NULL, 0};
	}
	return (struct bgp_bytes){len ? p : NULL, len};
}

/* --- blocks --- */

static bool
block_next(struct snap *s, struct wire *w, uint64_t number, struct block *b)
{
	const uint8_t *at = w->pos;
	b->type = take_u32(w);
	b->len = take_u32(w);
	b->sum = take_u64(w);
	b->number = number;
	if (w->failed)
		return refuse(s, at, "the file ends within a block");
	if (b->type < SNAP_SETS || b->type > SNAP_END || b->len > SNAP_BLOCK_MAX)
		return refuse(s, at, "a block of unknown kind or size");
	b->bytes = wire_sub(w, b->len);
	if (w->failed)
		return refuse(s, at, "the file ends within a block");
	if (s->checked && snap_checksum(b->type, b->len, number, b->bytes.pos) != b->sum)
		return refuse(s, at, "a checksum is wrong");
	return true;
}

static bool
header_check(struct snap *s, struct wire *w)
{
	const uint8_t *magic = wire_bytes(w, 8);
	uint32_t version = take_u32(w);
	wire_skip(w, 12);
	uint64_t sum = take_u64(w);
	if (w->failed || memcmp(magic, SNAP_MAGIC, 8) != 0)
		return refuse(s, s->data, "this is no snapshot");
	if (s->checked && XXH3_64bits(s->data, SNAP_HEADER - 8) != sum)
		return refuse(s, s->data, "the checksum of the header is wrong");
	if (version != SNAP_VERSION) {
		snprintf(s->err, s->errlen, "version %u, and this program knows %u", version, SNAP_VERSION);
		return false;
	}
	return true;
}

/* --- sets --- */

/* The fields of a set in the order of the file. A bit of present says which of the numbers are there. */
static void
set_take(struct wire *w, struct bgp_attrs *a)
{
	*a = (struct bgp_attrs){.present = take_u32(w)};
	if (a->present & BGP_HAS_ORIGIN)
		a->origin = wire_u8(w);
	if (a->present & BGP_HAS_MED)
		a->med = take_u32(w);
	if (a->present & BGP_HAS_LOCAL_PREF)
		a->local_pref = take_u32(w);
	if (a->present & BGP_HAS_OTC)
		a->otc = take_u32(w);
	if (a->present & BGP_HAS_PREFIX_SID)
		a->psid_label_index = take_u32(w);
	if (a->present & BGP_HAS_LABEL)
		a->label = take_u32(w);
	if (a->present & BGP_HAS_AIGP)
		a->aigp = take_u64(w);
	if (a->present & BGP_HAS_AGGREGATOR) {
		a->aggregator_as = take_u32(w);
		a->aggregator = take_addr(w);
	}
	if (a->present & BGP_HAS_ORIGINATOR)
		a->originator = take_addr(w);
	if (a->present & BGP_HAS_NEXT_HOP) {
		a->next_hop = take_addr(w);
		a->next_hop_link_local = take_addr(w);
	}
	a->as_path = take_list(w, 1);
	a->std = take_list(w, 4);
	a->ext = take_list(w, 8);
	a->lrg = take_list(w, 12);
	a->cluster_list = take_list(w, 4);
	a->other = take_list(w, 1);
}

/* Segments must fill the path: readers count on it. */
static bool
path_is_whole(const struct bgp_bytes *path)
{
	size_t at = 0;
	while (at + 2 <= path->len)
		at += 2 + 4u * path->p[at + 1];
	return at == path->len;
}

/* The same of attributes kept as bytes: flags, code, length, value. */
static bool
other_is_whole(const struct bgp_bytes *other)
{
	if (!other->len)
		return true;
	struct wire w = wire_over(other->p, other->len);
	while (wire_left(&w)) {
		wire_skip(&w, 2);
		uint16_t len = wire_u16(&w);
		wire_skip(&w, len);
	}
	return !w.failed;
}

static bool
sets_grow(struct snap *s)
{
	uint32_t cap = s->sets_cap ? 2 * s->sets_cap : 4096;
	const uint8_t **set = realloc(s->set, cap * sizeof(*set));
	s->set = set ? set : s->set;
	const uint8_t **end = set ? realloc(s->set_end, cap * sizeof(*end)) : NULL;
	s->set_end = end ? end : s->set_end;
	if (end)
		s->sets_cap = cap;
	return end != NULL;
}

/* Sets are looked through once, and only where they begin is kept. */
static bool
sets_index(struct snap *s, struct block *b)
{
	struct wire *w = &b->bytes;
	struct bgp_attrs a;
	while (wire_left(w)) {
		const uint8_t *begin = w->pos;
		set_take(w, &a);
		if (w->failed || !path_is_whole(&a.as_path) || !other_is_whole(&a.other) || a.origin > 2)
			return refuse(s, begin, "attributes that make no sense");
		if (s->sets == s->sets_cap && (s->sets_cap >= SETS_MAX || !sets_grow(s)))
			return refuse(s, begin, "no memory for attributes");
		s->set[s->sets] = begin;
		s->set_end[s->sets++] = w->pos;
	}
	return true;
}

/* --- peers and routes --- */

static bool
peer_take(struct snap *s, struct block *b)
{
	struct wire *w = &b->bytes;
	const uint8_t *begin = w->pos;
	struct bgp_peer p = {.slot = RIB_NO_SLOT, .stale = RIB_NO_SLOT};
	p.address = take_addr(w);
	p.port = (uint16_t)take_u32(w);
	p.id = take_u32(w);
	p.as = take_u32(w);
	p.local_as = take_u32(w);
	p.since_us = take_u64(w);
	p.eor = take_u32(w);
	p.families = take_u32(w);
	p.add_path = take_u32(w);
	p.ebgp = wire_u8(w) != 0;
	p.hold_time = (uint16_t)take_u32(w);
	struct bgp_bytes host = take_list(w, 1);
	if (w->failed || wire_left(w) || host.len >= sizeof(p.host) || addr_is_none(&p.address))
		return refuse(s, begin, "a peer that makes no sense");
	if (host.len)
		memcpy(p.host, host.p, host.len);
	s->peers++;
	if (s->peer)
		s->peer(s->ctx, &p);
	return true;
}

static bool
is_v4(enum bgp_family f)
{
	return f == BGP_IPV4_UNICAST || f == BGP_IPV4_LABELED || f == BGP_IPV4_VPN;
}

/* Bits beyond the length must be zero, as everywhere. */
static void
nlri_take(struct wire *w, enum bgp_family family, uint8_t flags, struct bgp_nlri *n)
{
	uint8_t raw[16] = {0};
	unsigned len = wire_u8(w), most = is_v4(family) ? 32 : 128;
	const uint8_t *p = wire_bytes(w, (len + 7) / 8);
	n->path_id = flags & SNAP_PATH_ID ? take_u32(w) : 0;
	n->rd = flags & SNAP_RD ? take_u64(w) : 0;
	n->label = BGP_NO_LABEL;
	if (!p || len > most || (len % 8 && p[len / 8] & 0xff >> len % 8)) {
		w->failed = true;
		return;
	}
	memcpy(raw, p, (len + 7) / 8);
	n->prefix.len = (uint8_t)len;
	n->prefix.addr = is_v4(family) ? addr_from_v4(raw) : addr_from_v6(raw);
}

/* One set and its prefixes. */
static bool
group_take(struct snap *s, struct wire *w)
{
	const uint8_t *begin = w->pos;
	struct bgp_attrs a;
	uint32_t set = take_varint(w);
	uint8_t family = wire_u8(w), flags = wire_u8(w);
	uint32_t left = take_varint(w);
	if (w->failed || set >= s->sets || family >= BGP_RIB_FAMILIES || left == 0)
		return refuse(s, begin, "routes that make no sense");
	struct wire sw = wire_over(s->set[set], (size_t)(s->set_end[set] - s->set[set]));
	set_take(&sw, &a);
	uint32_t label = a.present & BGP_HAS_LABEL ? a.label : BGP_NO_LABEL;
	while (left) {
		unsigned n = left < BATCH ? left : BATCH;
		for (unsigned i = 0; i < n && !w->failed; i++) {
			nlri_take(w, family, flags, &s->nlri[i]);
			s->nlri[i].label = label;
		}
		if (w->failed)
			return refuse(s, begin, "prefixes that make no sense");
		if (s->take)
			s->take(s->ctx, family, s->nlri, n, &a);
		s->routes += n;
		left -= n;
	}
	return true;
}

static bool
routes_take(struct snap *s, struct block *b)
{
	if (!s->peers)
		return refuse(s, b->bytes.pos, "routes of no peer");
	while (wire_left(&b->bytes))
		if (!group_take(s, &b->bytes))
			return false;
	return true;
}

/* --- the whole --- */

/* The counts of END against what a pass saw. */
static bool
end_check(struct snap *s, struct block *b, const struct wire *rest, bool second)
{
	uint64_t peers = take_u64(&b->bytes), sets = take_u64(&b->bytes), routes = take_u64(&b->bytes);
	if (b->bytes.failed || wire_left(&b->bytes) || wire_left(rest))
		return refuse(s, b->bytes.end, "something follows the end");
	if (sets != s->sets || (second && (peers != s->peers || routes != s->routes)))
		return refuse(s, b->bytes.end, "the counts at the end are not those of the file");
	return true;
}

/* First pass: checksums, sets. Second pass: peers and routes. */
static bool
pass(struct snap *s, bool second)
{
	struct wire w = wire_over(s->data, s->len);
	struct block b;
	bool ok = header_check(s, &w);
	for (uint64_t number = 0; ok; number++) {
		ok = block_next(s, &w, number, &b);
		if (ok && b.type == SNAP_END)
			return end_check(s, &b, &w, second);
		if (ok && b.type == SNAP_SETS && !second)
			ok = sets_index(s, &b);
		else if (ok && b.type == SNAP_PEER && second)
			ok = peer_take(s, &b);
		else if (ok && b.type == SNAP_ROUTES && second)
			ok = routes_take(s, &b);
	}
	return false;
}

bool
snap_read(const uint8_t *data, size_t len, bool checked, bgp_snapshot_peer *peer, bgp_snapshot_routes *routes,
	  void *ctx, char *err, size_t errlen)
{
	struct snap *s = calloc(1, sizeof(*s));
	if (!s) {
		snprintf(err, errlen, "no memory");
		return false;
	}
	*s = (struct snap){.data = data,
			   .len = len,
			   .checked = checked,
			   .peer = peer,
			   .take = routes,
			   .ctx = ctx,
			   .err = err,
			   .errlen = errlen};
	bool ok = pass(s, false);
	s->checked = false;
	ok = ok && pass(s, true);
	free(s->set);
	free(s->set_end);
	free(s);
	return ok;
}

bool
bgp_snapshot_read(const char *path, bgp_snapshot_peer *peer, bgp_snapshot_routes *routes, void *ctx,
		  char *err, size_t errlen)
{
	char why[256];
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		snprintf(err, errlen, "snapshot '%s': %s", path, fd < 0 ? strerror(errno) : "not a file");
		if (fd >= 0)
			close(fd);
		return false;
	}
	/* a private mapping: the file is replaced by rename, never changed in place */
	size_t len = (size_t)st.st_size;
	void *p = len ? mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	close(fd);
	if (p == MAP_FAILED) {
		snprintf(err, errlen, "snapshot '%s': %s", path, len ? strerror(errno) : "the file is empty");
		return false;
	}
	madvise(p, len, MADV_SEQUENTIAL);
	bool ok = snap_read(p, len, true, peer, routes, ctx, why, sizeof(why));
	munmap(p, len);
	if (!ok)
		snprintf(err, errlen, "snapshot '%s': %s", path, why);
	return ok;
}
