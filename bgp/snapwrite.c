/* Writing a snapshot: each peer's routes are collected, put in the order of their attribute sets, and
 * written.
 *
 * A set is known by the hash of its bytes (128 bits of XXH3), so that what is equal is written once even when
 * the store gave the same attributes another id meanwhile; ids only save the work within one stretch of
 * reading, during which none can be used anew. A stretch is some ten milliseconds: that long memory that the
 * BGP thread frees waits at most.
 *
 * Routes of a peer lie as bytes in the form of the file, with a pair of set and place for each, which are
 * sorted: 13 bytes a route and 14 MB for a full table, one peer at a time. */
#include "bgp/snapfile.h"

#include <errno.h>
#include <unistd.h>
#include <xxhash.h>

#include "bgp/output.h"
#include "bgp/tour.h"
#include "collector/base/clock.h"

#define SLICE	  512	 /* routes of one step of a tour */
#define STRETCH	  131072 /* routes between readers_begin() and readers_end() */
#define GROUP_MAX 4096	 /* prefixes of one group; a larger one is several */
#define FLUSH_AT  (4u << 20)
#define NO_SET	  UINT32_MAX

/* A set in the file. */
struct known {
	XXH128_hash_t hash;
	uint32_t number; /* NO_SET: an empty place */
};

/* The number of a set's id, within one stretch. */
struct memo {
	bgp_set_id id;
	uint32_t stretch;
	uint32_t number;
};

struct pair {
	uint32_t set, at;
};

struct writer {
	const struct bgp_sources *s;
	struct outfile *file;
	struct text sets, routes, one; /* blocks being made; the bytes of one set */
	struct known *known;
	uint32_t known_size, sets_n; /* size: a power of two */
	struct memo *memo;
	uint32_t memo_size, stretch;
	struct text bytes; /* of the peer at hand: family, then the prefix as in the file */
	struct pair *pair, *spare;
	size_t pairs, pairs_cap;
	uint64_t blocks, peers, routes_n;
	bool failed; /* no memory */
};

/* --- bytes --- */

static char *
put_le32(char *p, uint32_t v)
{
	return put_bytes(p, &v, sizeof(v));
}

static char *
put_le64(char *p, uint64_t v)
{
	return put_bytes(p, &v, sizeof(v));
}

static char *
put_varint(char *p, uint32_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (char)(v | 0x80);
	*p++ = (char)v;
	return p;
}

static char *
put_list(char *p, const struct bgp_bytes *b)
{
	p = put_varint(p, b->len);
	return b->len ? put_bytes(p, b->p, b->len) : p;
}

/* As set_take in snapread.c reads it. */
static void
set_bytes(struct text *out, const struct bgp_attrs *a)
{
	size_t lists = (size_t)a->as_path.len + a->std.len + a->ext.len + a->lrg.len + a->cluster_list.len +
		       a->other.len;
	out->len = 0;
	char *p = put_le32(text_reserve(out, 160 + lists), a->present);
	if (a->present & BGP_HAS_ORIGIN)
		*p++ = (char)a->origin;
	if (a->present & BGP_HAS_MED)
		p = put_le32(p, a->med);
	if (a->present & BGP_HAS_LOCAL_PREF)
		p = put_le32(p, a->local_pref);
	if (a->present & BGP_HAS_OTC)
		p = put_le32(p, a->otc);
	if (a->present & BGP_HAS_PREFIX_SID)
		p = put_le32(p, a->psid_label_index);
	if (a->present & BGP_HAS_LABEL)
		p = put_le32(p, a->label);
	if (a->present & BGP_HAS_AIGP)
		p = put_le64(p, a->aigp);
	if (a->present & BGP_HAS_AGGREGATOR)
		p = put_bytes(put_le32(p, a->aggregator_as), &a->aggregator, sizeof(a->aggregator));
	if (a->present & BGP_HAS_ORIGINATOR)
		p = put_bytes(p, &a->originator, sizeof(a->originator));
	if (a->present & BGP_HAS_NEXT_HOP) {
		p = put_bytes(p, &a->next_hop, sizeof(a->next_hop));
		p = put_bytes(p, &a->next_hop_link_local, sizeof(a->next_hop_link_local));
	}
	p = put_list(p, &a->as_path);
	p = put_list(p, &a->std);
	p = put_list(p, &a->ext);
	p = put_list(p, &a->lrg);
	p = put_list(p, &a->cluster_list);
	text_commit(out, put_list(p, &a->other));
}

/* --- blocks --- */

static void
block_write(struct writer *w, enum snap_block type, const struct text *body)
{
	uint32_t len = (uint32_t)body->len;
	uint64_t sum = snap_checksum(type, len, w->blocks++, body->data ? body->data : "");
	char *p = text_reserve(&w->file->text, SNAP_BLOCK_HEAD + body->len);
	p = put_le64(put_le32(put_le32(p, type), len), sum);
	text_commit(&w->file->text, len ? put_bytes(p, body->data, len) : p);
	outfile_full(w->file, FLUSH_AT);
}

static void
block_close(struct writer *w, enum snap_block type, struct text *body)
{
	if (body->len)
		block_write(w, type, body);
	body->len = 0;
}

static void
header_write(struct writer *w)
{
	char *begin = text_reserve(&w->file->text, SNAP_HEADER), *p = put_bytes(begin, SNAP_MAGIC, 8);
	p = put_le64(put_le32(put_le32(p, SNAP_VERSION), 0), clock_now_us());
	text_commit(&w->file->text, put_le64(p, XXH3_64bits(begin, SNAP_HEADER - 8)));
}

/* --- sets --- */

static bool
known_grow(struct writer *w)
{
	uint32_t size = w->known_size ? 2 * w->known_size : 1 << 16;
	struct known *fresh = malloc(size * sizeof(*fresh));
	if (!fresh)
		return false;
	for (uint32_t i = 0; i < size; i++)
		fresh[i].number = NO_SET;
	for (uint32_t i = 0; i < w->known_size; i++) {
		uint32_t at = (uint32_t)w->known[i].hash.low64 & (size - 1);
		if (w->known[i].number == NO_SET)
			continue;
		while (fresh[at].number != NO_SET)
			at = (at + 1) & (size - 1);
		fresh[at] = w->known[i];
	}
	free(w->known);
	w->known = fresh;
	w->known_size = size;
	return true;
}

/* The number of a set, which is written when it is new. */
static uint32_t
set_number(struct writer *w, const struct bgp_set *set)
{
	struct bgp_attrs a;
	bgp_store_attrs(w->s->store, set, &a);
	set_bytes(&w->one, &a);
	XXH128_hash_t hash = XXH3_128bits(w->one.data, w->one.len);
	if (2 * w->sets_n >= w->known_size && !known_grow(w))
		return NO_SET;
	uint32_t at = (uint32_t)hash.low64 & (w->known_size - 1);
	while (w->known[at].number != NO_SET && !XXH128_isEqual(w->known[at].hash, hash))
		at = (at + 1) & (w->known_size - 1);
	if (w->known[at].number == NO_SET) {
		w->known[at] = (struct known){hash, w->sets_n++};
		text_add(&w->sets, w->one.data, w->one.len);
		if (w->sets.len >= SNAP_BLOCK_BYTES)
			block_close(w, SNAP_SETS, &w->sets);
	}
	return w->known[at].number;
}

/* A place that another id of the stretch has taken is taken over: the memo only saves work. */
static uint32_t
set_of(struct writer *w, const struct rib_route *r)
{
	struct memo *m = &w->memo[(r->id * 2654435761u) >> 12 & (w->memo_size - 1)];
	if (m->id == r->id && m->stretch == w->stretch)
		return m->number;
	uint32_t number = set_number(w, r->set);
	if (number != NO_SET)
		*m = (struct memo){r->id, w->stretch, number};
	return number;
}

/* --- routes of a peer --- */

static bool
is_v4(enum bgp_family f)
{
	return f == BGP_IPV4_UNICAST || f == BGP_IPV4_LABELED || f == BGP_IPV4_VPN;
}

static uint8_t
flags_of(enum bgp_family family, uint32_t add_path)
{
	return (uint8_t)((add_path >> family & 1 ? SNAP_PATH_ID : 0) |
			 (family == BGP_IPV4_VPN || family == BGP_IPV6_VPN ? SNAP_RD : 0));
}

static bool
pairs_grow(struct writer *w)
{
	size_t cap = w->pairs_cap ? 2 * w->pairs_cap : 1 << 16;
	struct pair *pair = realloc(w->pair, cap * sizeof(*pair));
	w->pair = pair ? pair : w->pair;
	struct pair *spare = pair ? realloc(w->spare, cap * sizeof(*spare)) : NULL;
	w->spare = spare ? spare : w->spare;
	if (spare)
		w->pairs_cap = cap;
	return spare != NULL;
}

static void
route_keep(struct writer *w, const struct rib_route *r, uint32_t add_path)
{
	uint32_t set = set_of(w, r);
	if (set == NO_SET || w->bytes.len > UINT32_MAX - 64 || (w->pairs == w->pairs_cap && !pairs_grow(w))) {
		w->failed = true;
		return;
	}
	w->pair[w->pairs++] = (struct pair){set, (uint32_t)w->bytes.len};
	uint8_t flags = flags_of(r->family, add_path);
	struct addr raw = addr_to_v6(&r->nlri.prefix.addr);
	char *p = text_reserve(&w->bytes, 32);
	*p++ = (char)r->family;
	*p++ = (char)r->nlri.prefix.len;
	p = put_bytes(p, raw.b + (is_v4(r->family) ? 12 : 0), (r->nlri.prefix.len + 7u) / 8);
	if (flags & SNAP_PATH_ID)
		p = put_le32(p, r->nlri.path_id);
	text_commit(&w->bytes, flags & SNAP_RD ? put_le64(p, r->nlri.rd) : p);
}

/* A step of some ten milliseconds. */
static void
stretch(struct writer *w, struct bgp_tour *t)
{
	struct rib_route route[SLICE];
	w->stretch++;
	readers_begin();
	for (unsigned seen = 0; seen < STRETCH && !t->over && !w->failed; seen += SLICE) {
		unsigned n = bgp_tour_next(t, route, SLICE);
		for (unsigned i = 0; i < n && !w->failed; i++)
			route_keep(w, &route[i], t->add_path);
	}
	readers_end();
}

/* By set, in two to three passes; within a set the order of the walk stays. */
static void
pairs_sort(struct writer *w)
{
	for (unsigned shift = 0; shift < 32 && w->sets_n >> shift; shift += 11) {
		uint32_t count[2049] = {0};
		for (size_t i = 0; i < w->pairs; i++)
			count[(w->pair[i].set >> shift & 2047) + 1]++;
		for (unsigned i = 1; i < 2048; i++)
			count[i] += count[i - 1];
		for (size_t i = 0; i < w->pairs; i++)
			w->spare[count[w->pair[i].set >> shift & 2047]++] = w->pair[i];
		struct pair *swap = w->pair;
		w->pair = w->spare;
		w->spare = swap;
	}
}

static const uint8_t *
route_bytes(const struct writer *w, size_t i)
{
	return (const uint8_t *)w->bytes.data + w->pair[i].at;
}

/* How many from i on have its set and family. */
static size_t
group_len(const struct writer *w, size_t i)
{
	size_t n = 1;
	while (n < GROUP_MAX && i + n < w->pairs && w->pair[i + n].set == w->pair[i].set &&
	       *route_bytes(w, i + n) == *route_bytes(w, i))
		n++;
	return n;
}

static void
group_write(struct writer *w, size_t i, size_t n, uint32_t add_path)
{
	uint8_t family = *route_bytes(w, i), flags = flags_of(family, add_path);
	size_t more = (flags & SNAP_PATH_ID ? 4 : 0) + (flags & SNAP_RD ? 8 : 0);
	char *p = put_varint(text_reserve(&w->routes, 16 + n * 32), w->pair[i].set);
	*p++ = (char)family;
	*p++ = (char)flags;
	p = put_varint(p, (uint32_t)n);
	for (size_t k = i; k < i + n; k++) {
		const uint8_t *from = route_bytes(w, k) + 1;
		p = put_bytes(p, from, 1 + (*from + 7u) / 8 + more);
	}
	text_commit(&w->routes, p);
	w->routes_n += n;
}

static void
peer_write(struct writer *w, const struct bgp_peer *peer)
{
	struct text body = {0};
	size_t host = strlen(peer->host);
	char *p = put_bytes(text_reserve(&body, 256), &peer->address, sizeof(peer->address));
	p = put_le32(p, peer->port);
	p = put_le32(p, peer->id);
	p = put_le32(p, peer->as);
	p = put_le32(p, peer->local_as);
	p = put_le64(p, peer->since_us);
	p = put_le32(p, peer->eor);
	p = put_le32(p, peer->families);
	p = put_le32(p, peer->add_path);
	*p++ = (char)peer->ebgp;
	p = put_le32(p, peer->hold_time);
	text_commit(&body, put_list(p, &(struct bgp_bytes){(const uint8_t *)peer->host, (uint32_t)host}));
	block_write(w, SNAP_PEER, &body);
	text_free(&body);
	w->peers++;
}

/* --- all peers --- */

/* One that goes away meanwhile is left out. */
static void
peer_take(struct writer *w, const struct bgp_peer *peer, struct bgp_tour *t)
{
	w->pairs = 0;
	w->bytes.len = 0;
	while (!t->over && !w->failed)
		stretch(w, t);
	if (t->gone || w->failed)
		return;
	pairs_sort(w);
	block_close(w, SNAP_SETS, &w->sets);
	peer_write(w, peer);
	for (size_t i = 0, n; i < w->pairs; i += n) {
		n = group_len(w, i);
		group_write(w, i, n, t->add_path);
		if (w->routes.len >= SNAP_BLOCK_BYTES)
			block_close(w, SNAP_ROUTES, &w->routes);
	}
	block_close(w, SNAP_ROUTES, &w->routes);
}

/* Copies of the peers that have routes: entries may be freed between stretches. */
static struct bgp_peer *
peers_copy(const struct bgp_sources *s, unsigned *n)
{
	readers_begin();
	const struct bgp_directory *d = readers_load(s->directory);
	unsigned all = d ? bgp_directory_count(d) : 0;
	struct bgp_peer *copy = calloc(all + 1, sizeof(*copy));
	*n = 0;
	for (unsigned i = 0; copy && i < all; i++) {
		const struct bgp_peer *p = bgp_directory_at(d, i);
		if (p->slot != RIB_NO_SLOT || p->stale != RIB_NO_SLOT)
			memcpy(&copy[(*n)++], p, sizeof(*p));
	}
	readers_end();
	return copy;
}

static void
write_peers(struct writer *w, const struct bgp_peer *peer, unsigned n)
{
	struct text end = {0};
	for (unsigned i = 0; i < n && !w->failed; i++) {
		struct bgp_tour t;
		bgp_tour_begin(&t, w->s, &peer[i]);
		peer_take(w, &peer[i], &t);
	}
	/* sets of a peer that went away */
	block_close(w, SNAP_SETS, &w->sets);
	char *p = put_le64(text_reserve(&end, 24), w->peers);
	text_commit(&end, put_le64(put_le64(p, w->sets_n), w->routes_n));
	block_write(w, SNAP_END, &end);
	text_free(&end);
}

static void
writer_free(struct writer *w)
{
	text_free(&w->sets);
	text_free(&w->routes);
	text_free(&w->one);
	text_free(&w->bytes);
	free(w->known);
	free(w->memo);
	free(w->pair);
	free(w->spare);
}

bool
bgp_snapshot_write(const struct bgp_sources *s, const char *path, char *err, size_t errlen)
{
	struct outfile_owner owner = {.uid = (uid_t)-1, .gid = (gid_t)-1, .mode = 0600};
	struct outfile file;
	char suffix[24];
	unsigned n;
	struct writer w = {.s = s, .file = &file, .memo_size = 1 << 17};
	struct bgp_peer *peer = peers_copy(s, &n);
	snprintf(suffix, sizeof(suffix), "%d", (int)getpid());
	outfile_begin(&file, path, OUTFILE_REPLACE, suffix, &owner);
	w.memo = calloc(w.memo_size, sizeof(*w.memo));
	if (peer && w.memo) {
		header_write(&w);
		write_peers(&w, peer, n);
	}
	if ((!peer || !w.memo || w.failed) && !file.error)
		file.error = ENOMEM;
	bool ok = outfile_commit(&file);
	if (!ok)
		snprintf(err, errlen, "cannot write the snapshot '%s': %s", path, strerror(file.error));
	writer_free(&w);
	free(peer);
	return ok;
}
