/* The networks_file and the choice between sources.
 *
 * A source is a row: a bit and a function that answers for one side of a flow. The chooser has no cases: it
 * asks the rows whose bits are set, in order, and keeps the last answer or, under "longest", the longest. How
 * pmacct treats an address that the file does not hold is kept, since operators' numbers depend on it: the
 * file then answers with length 0 and nothing else, which under "longest" hides an exporter's AS number when
 * its mask is 0 too. */
#include "collector/flow/networks.h"

#include "collector/base/lines.h"
#include "collector/base/lpm.h"

/* Immutable once loaded, so source threads read it without a lock; whoever swaps it frees the old one after
 * a grace period. */
struct networks {
	struct network *row; /* each different one once: a full table has far fewer than lines, so that
				they stay in the caches */
	size_t rows, room;
	struct lpm *lpm;
	size_t lines;
};

/* While a file is read: the prefixes, and a hash table over the rows. Freed when the file has been read;
 * what stays is in n. */
struct reading {
	struct networks *n;
	struct lpm_entry *entry;
	size_t entries, room;
	uint32_t *slot; /* row + 1, or 0 */
	size_t slots;	/* a power of two, at least twice the rows */
};

/* --- the file --- */

/* n decimal digits, at most 32 bits. strtoul would take signs and blanks too. AS numbers are 32 bits (RFC
 * 6793), written as plain decimals (RFC 5396, asplain). */
static bool
as_number(uint32_t *as, const char *s, size_t n)
{
	uint64_t v = 0;
	if (n == 0 || n > 10)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = 10 * v + (uint64_t)(s[i] - '0');
	}
	*as = (uint32_t)v;
	return v <= UINT32_MAX;
}

/* "64500" or "64496_64500"; an empty word is no number. */
static bool
as_parse(struct network *n, const char *s)
{
	const char *low = strchr(s, '_');
	if (!*s)
		return true;
	if (!low)
		return as_number(&n->origin_as, s, strlen(s));
	return as_number(&n->peer_as, s, (size_t)(low - s)) &&
	       as_number(&n->origin_as, low + 1, strlen(low + 1));
}

/* The word before the prefix when there is only one: a next hop or AS numbers. An AS number never looks
 * like an address (no dot, no colon), so the order does not matter. */
static bool
either_parse(struct network *n, const char *s)
{
	return as_parse(n, s) || addr_parse(&n->next_hop, s);
}

/* Cuts s at the commas; the number of words, or 0 when there are more than three. In place. Empty words
 * stay: ",64500,10.0.0.0/8" has no next hop. */
static unsigned
words_cut(char *s, char *word[3])
{
	unsigned n = 0;
	for (char *comma;; s = comma + 1) {
		comma = strchr(s, ',');
		if (n == 3)
			return 0;
		if (comma)
			*comma = '\0';
		word[n] = s + strspn(s, " \t");
		for (size_t k = strlen(word[n]); k > 0 && strchr(" \t", word[n][k - 1]); k--)
			word[n][k - 1] = '\0';
		n++;
		if (!comma)
			return n;
	}
}

/* One line into what is known (n) and for which prefix (p). Blanks around words are let pass. The length
 * belongs to the row too, since a flow's mask follows from it; so equal AS numbers with different lengths
 * are different rows. */
static bool
row_parse(struct lines *in, char *s, struct network *n, struct prefix *p)
{
	char *word[3];
	unsigned words = words_cut(s, word);
	/* the last word is always the prefix; what stands before it depends on their number */
	if (words == 0)
		return lines_fail(in, "too many commas (expected [next-hop,][[peerAS_]originAS,]prefix/len)");
	if (!prefix_parse(p, word[words - 1]))
		return lines_fail(in, "'%.60s' is no prefix (such as 192.0.2.0/24)", word[words - 1]);
	n->len = p->len;
	if (words == 2 && !either_parse(n, word[0]))
		return lines_fail(in, "'%.60s' is neither an AS number nor an address", word[0]);
	if (words == 3 && !as_parse(n, word[1]))
		return lines_fail(in, "'%.60s' is no AS number (such as 64500 or 64496_64500)", word[1]);
	if (words == 3 && *word[0] && !addr_parse(&n->next_hop, word[0]))
		return lines_fail(in, "'%.60s' is no next-hop address", word[0]);
	return true;
}

/* Multiply and shift: rows differ in few bits, and the table is asked once a line. */
static size_t
row_hash(const struct network *n)
{
	uint64_t h = n->next_hop.q[0] ^ n->next_hop.q[1] * 0x9e3779b97f4a7c15ULL;
	h = (h ^ n->origin_as ^ (uint64_t)n->peer_as << 32) * 0x9e3779b97f4a7c15ULL;
	h = (h ^ h >> 29 ^ n->len) * 0xbf58476d1ce4e5b9ULL;
	return (size_t)(h ^ h >> 32);
}

/* Member by member: the struct has padding. */
static bool
row_equal(const struct network *a, const struct network *b)
{
	return a->origin_as == b->origin_as && a->peer_as == b->peer_as && a->len == b->len &&
	       addr_equal(&a->next_hop, &b->next_hop);
}

/* The slot that holds n, or the free one where it belongs. Ends, since the table is never more than half
 * full. The reference is void after rows_grow. */
static uint32_t *
slot_find(const struct reading *r, const struct network *n)
{
	size_t i = row_hash(n) & (r->slots - 1);
	while (r->slot[i] && !row_equal(&r->n->row[r->slot[i] - 1], n))
		i = (i + 1) & (r->slots - 1);
	return &r->slot[i];
}

/* Room for one more row, and for its slot. The slots are made anew with the rows, at twice their room, so
 * load stays at a half or below. */
static bool
rows_grow(struct reading *r)
{
	struct networks *n = r->n;
	if (n->rows < n->room)
		return true;
	size_t room = n->room ? 2 * n->room : 256;
	struct network *row = realloc(n->row, room * sizeof(*row));
	uint32_t *slot = calloc(2 * room, sizeof(*slot));
	if (row) {
		n->row = row;
		n->room = room;
	}
	if (!row || !slot) {
		free(slot);
		return false;
	}
	free(r->slot);
	r->slot = slot;
	r->slots = 2 * room;
	/* all slots moved: their number is part of where a row belongs */
	for (size_t i = 0; i < n->rows; i++)
		*slot_find(r, &n->row[i]) = (uint32_t)i + 1;
	return true;
}

/* By doubling: the file's length says little about its number of lines. */
static bool
entries_grow(struct reading *r)
{
	if (r->entries < r->room)
		return true;
	size_t room = r->room ? 2 * r->room : 256;
	struct lpm_entry *entry = realloc(r->entry, room * sizeof(*entry));
	if (!entry)
		return false;
	r->entry = entry;
	r->room = room;
	return true;
}

/* A line's row, found or made, and its prefix. Rows are shared: a full table of a million lines has far
 * fewer different ones, which the caches then hold. */
static bool
line_add(struct reading *r, const struct network *n, const struct prefix *p)
{
	if (!rows_grow(r) || !entries_grow(r))
		return false;
	uint32_t *slot = slot_find(r, n);
	if (!*slot) {
		r->n->row[r->n->rows++] = *n;
		*slot = (uint32_t)r->n->rows;
	}
	r->entry[r->entries++] = (struct lpm_entry){*p, *slot - 1};
	return true;
}

/* A fault ends the reading: the caller keeps the list it had. */
static bool
file_read(struct reading *r, const char *path, char *err, size_t errlen)
{
	struct lines in;
	if (!lines_open(&in, path, err, errlen))
		return false;
	for (char *s; (s = lines_next(&in));) {
		struct network n = {.len = 0};
		struct prefix p;
		if (row_parse(&in, s, &n, &p) && !line_add(r, &n, &p))
			lines_fail(&in, "out of memory");
	}
	return lines_close(&in);
}

/* Order of lines only matters for equal prefixes, of which lpm_new takes the last. */
struct networks *
networks_load(const char *path, char *err, size_t errlen)
{
	struct reading r = {.n = calloc(1, sizeof(*r.n))};
	bool ok = false;
	if (!r.n) {
		snprintf(err, errlen, "%s: out of memory", path);
		return NULL;
	}
	if (file_read(&r, path, err, errlen)) {
		r.n->lines = r.entries;
		r.n->lpm = lpm_new(r.entry, r.entries);
		ok = r.n->lpm != NULL;
		if (!ok)
			snprintf(err, errlen, "%s: out of memory, or too many prefixes", path);
	}
	free(r.entry);
	free(r.slot);
	if (ok)
		return r.n;
	networks_free(r.n);
	return NULL;
}

/* Takes a half-made one too. */
void
networks_free(struct networks *n)
{
	if (!n)
		return;
	lpm_free(n->lpm);
	free(n->row);
	free(n);
}

/* One lookup; for flows networks_apply looks both sides up together. */
const struct network *
networks_find(const struct networks *n, const struct addr *a)
{
	uint32_t i = lpm_find(n->lpm, a);
	return i == LPM_NONE ? NULL : &n->row[i];
}

/* Lines with a prefix, equal ones counted each time. */
size_t
networks_count(const struct networks *n)
{
	return n->lines;
}

/* What status shows; without the allocator's own share. */
size_t
networks_bytes(const struct networks *n)
{
	return sizeof(*n) + n->room * sizeof(*n->row) + lpm_bytes(n->lpm);
}

/* --- the sources --- */

/* What a source says about one side of a flow; network is NULL when it says nothing. A final answer ends the
 * asking. */
struct answer {
	const struct network *network;
	bool final;
};

/* One side of a flow, and what the file holds about it: looked up for both sides at once, so that their cache
 * misses overlap. */
struct question {
	const struct network_policy *p;
	const struct flow *f;
	unsigned side; /* 0: source, 1: destination */
	const struct network *in_file;
	const struct network *route;
};

typedef struct answer source_ask(const struct question *q, struct network *room);

static const struct network nothing;

/* Of the side that is asked for. */
static const struct addr *
host_of(const struct question *q)
{
	return q->side ? &q->f->dst_host : &q->f->src_host;
}

/* An exporter may send any byte as a mask; 255 must not shift an address by 255 bits. */
static uint8_t
length_within(const struct addr *a, uint8_t len)
{
	unsigned max = addr_max_len(a);
	return len > max ? (uint8_t)max : len;
}

/* The exporter: what the decoder wrote into the flow. Its mask may be any byte. */
static struct answer
ask_flow(const struct question *q, struct network *room)
{
	const struct flow *f = q->f;
	room->len = length_within(host_of(q), q->side ? f->dst_mask : f->src_mask);
	room->origin_as = q->side ? f->dst_as : f->src_as;
	room->peer_as = q->side ? f->peer_dst_as : f->peer_src_as;
	/* the BGP next hop of the record first (IE 18, 63); the IP next hop (15, 62) only where asked for */
	room->next_hop =
	    q->p->use_ip_next_hop && addr_is_none(&f->peer_dst_ip) ? f->ip_next_hop : f->peer_dst_ip;
	return (struct answer){room, false};
}

/* networks_mask: a length and nothing else. */
static struct answer
ask_mask(const struct question *q, struct network *room)
{
	*room = (struct network){.len = length_within(host_of(q), q->p->mask)};
	return (struct answer){room, false};
}

/* networks_file. An address outside it is an answer too, unless the file is only to win where it matches. */
static struct answer
ask_file(const struct question *q, struct network *room)
{
	const struct network_policy *p = q->p;
	(void)room;
	if (!p->file)
		return (struct answer){NULL, false};
	if (q->in_file)
		/* with no_lpm a match ends the asking; else the longest of all sources counts */
		return (struct answer){q->in_file, p->file_no_lpm};
	return (struct answer){p->file_no_lpm && !p->file_filter ? NULL : &nothing, p->file_filter};
}

/* BGP: looked up before, with the routes of all flows of the batch. */
static struct answer
ask_routes(const struct question *q, struct network *room)
{
	(void)room;
	return (struct answer){q->route, false};
}

static const struct {
	uint8_t bit;
	source_ask *ask;
} sources[] = {
    {NETWORK_FLOW, ask_flow},
    {NETWORK_MASK, ask_mask},
    {NETWORK_FILE, ask_file},
    {NETWORK_ROUTES, ask_routes},
};

/* The answer that counts; room has a place for each source's own. Without "longest" the last source that
 * answers wins, in the order of enum network_source; with it, the longest prefix does. */
static const struct network *
choose(const struct question *q, uint8_t bits, struct network *room)
{
	const struct network *best = &nothing;
	if (bits == NETWORK_ROUTES) /* the most frequent choice where there is a table */
		return q->route ? q->route : best;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		if (!(bits & sources[i].bit))
			continue;
		struct answer a = sources[i].ask(q, &room[i]);
		if (!a.network)
			continue;
		/* >= and not >: of equal prefixes the later source counts */
		if (a.final || !(bits & NETWORK_LONGEST) || a.network->len >= best->len)
			best = a.network;
		if (a.final)
			break;
	}
	return best;
}

static const struct {
	const char *word;
	uint8_t bits;
} source_words[] = {
    {"netflow", NETWORK_FLOW},
    {"sflow", NETWORK_FLOW},
    {"mask", NETWORK_MASK},
    {"file", NETWORK_FILE},
    {"bgp", NETWORK_ROUTES},
    {"bmp", NETWORK_ROUTES},
    {"bgp-ls", NETWORK_ROUTES},
    {"igp", NETWORK_ROUTES},
    {"longest", NETWORK_LONGEST | NETWORK_FLOW | NETWORK_FILE | NETWORK_ROUTES},
    {"fallback", NETWORK_LONGEST | NETWORK_FLOW | NETWORK_FILE | NETWORK_ROUTES},
};

/* Case counts. 0: no such word. */
static uint8_t
word_bits(const char *s, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(source_words); i++)
		if (strlen(source_words[i].word) == n && memcmp(source_words[i].word, s, n) == 0)
			return source_words[i].bits;
	return 0;
}

/* Several words add up ("mask, file"). All routing sources are one bit: which of them has the route is for
 * whoever provides it. */
bool
network_sources_parse(uint8_t *out, const char *text, char *err, size_t errlen)
{
	*out = 0;
	for (const char *s = text; *s; s += strspn(s, ", \t")) {
		size_t n = strcspn(s, ", \t");
		uint8_t bits = word_bits(s, n);
		if (!bits) {
			snprintf(err, errlen,
				 "'%.*s' is no source of networks (netflow, sflow, mask, file, bgp, longest)",
				 n > 60 ? 60 : (int)n, s);
			return false;
		}
		*out |= bits;
		s += n;
	}
	if (!*out)
		snprintf(err, errlen, "no source given (netflow, sflow, mask, file, bgp, longest)");
	return *out != 0;
}

/* --- applying --- */

static const struct {
	size_t host, mask, net;
} side_members[2] = {
    {offsetof(struct flow, src_host), offsetof(struct flow, src_mask), offsetof(struct flow, src_net)},
    {offsetof(struct flow, dst_host), offsetof(struct flow, dst_mask), offsetof(struct flow, dst_net)},
};

/* What the policy reads is added to what plugins read, so it has to run after all of them have marked
 * theirs. */
void
networks_policy_needs(struct network_policy *p, struct flow_needs *needs)
{
	bool next_hop = FLOW_NEEDED(needs, peer_dst_ip);
	bool net[2] = {FLOW_NEEDED(needs, src_net) || FLOW_NEEDED(needs, src_mask),
		       FLOW_NEEDED(needs, dst_net) || FLOW_NEEDED(needs, dst_mask) || next_hop};
	bool as[2] = {FLOW_NEEDED(needs, src_as) || FLOW_NEEDED(needs, peer_src_as),
		      FLOW_NEEDED(needs, dst_as) || FLOW_NEEDED(needs, peer_dst_as)};
	for (unsigned side = 0; side < 2; side++) {
		p->want[side] =
		    (uint8_t)((net[side] ? NETWORK_WANT_NET : 0) | (as[side] ? NETWORK_WANT_AS : 0));
		if (p->want[side] || p->file_filter)
			flow_need(needs, side_members[side].host, sizeof(struct addr));
		if ((net[side] && p->net & NETWORK_FLOW) || (as[side] && p->as & NETWORK_LONGEST))
			flow_need(needs, side_members[side].mask, sizeof(uint8_t));
		if (net[side])
			flow_need(needs, side_members[side].net, sizeof(struct addr));
	}
	if (next_hop && p->use_ip_next_hop)
		FLOW_NEED(needs, ip_next_hop);
}

/* Bits of the sources that a side is asked of. */
static uint8_t
asked(const struct network_policy *p, unsigned side)
{
	return (uint8_t)((p->want[side] & NETWORK_WANT_NET ? p->net : 0) |
			 (p->want[side] & NETWORK_WANT_AS ? p->as : 0));
}

bool
networks_want_routes(const struct network_policy *p, unsigned side)
{
	return asked(p, side) & NETWORK_ROUTES;
}

/* Length 0 means "nothing known" as often as a default route; no_mask_if_zero shows the host then. */
static struct addr
network_of(const struct network_policy *p, const struct addr *host, uint8_t len)
{
	return len == 0 && p->no_mask_if_zero ? *host : addr_mask(host, len);
}

/* The next hop is the destination's business only. */
static void
store_net(const struct network_policy *p, struct flow *f, unsigned side, const struct network *n)
{
	if (side == 0) {
		f->src_mask = n->len;
		f->src_net = network_of(p, &f->src_host, n->len);
	} else {
		f->dst_mask = n->len;
		f->dst_net = network_of(p, &f->dst_host, n->len);
		f->peer_dst_ip = n->next_hop;
	}
}

/* Peer AS numbers come from the same source as origins, so that the two of a flow agree. */
static void
store_as(const struct network_policy *p, struct flow *f, unsigned side, const struct network *n)
{
	*(side ? &f->dst_as : &f->src_as) = n->origin_as;
	if (side)
		f->peer_dst_as = n->peer_as;
	else if (!p->keep_peer_src_as)
		f->peer_src_as = n->peer_as;
}

/* Both questions are answered before anything is stored: the exporter's answer reads the flow. */
static void
apply_side(const struct question *q, struct flow *f)
{
	const struct network_policy *p = q->p;
	struct network room[2][ARRAY_SIZE(sources)];
	uint8_t want = p->want[q->side];
	const struct network *net = want & NETWORK_WANT_NET ? choose(q, p->net, room[0]) : NULL, *as = net;
	/* equal sources give equal answers: the second choice is saved */
	if (want & NETWORK_WANT_AS && (!net || p->as != p->net))
		as = choose(q, p->as, room[1]);
	/* the host becomes 0.0.0.0 or ::, which keeps its family; before the network is cut from it */
	if (p->file_filter && p->file && !q->in_file)
		*(q->side ? &f->dst_host : &f->src_host) = addr_mask(host_of(q), 0);
	if (want & NETWORK_WANT_NET && !addr_is_none(host_of(q)))
		store_net(p, f, q->side, net);
	/* the exporter's own numbers are in the flow already */
	if (want & NETWORK_WANT_AS && p->as != NETWORK_FLOW)
		store_as(p, f, q->side, as);
}

/* Both sides are looked up before either is applied: the second miss is under way while the first is waited
 * for. */
void
networks_apply(const struct network_policy *p, struct flow *f, const struct network_routes *routes)
{
	struct question q[2] = {{.p = p, .f = f, .side = 0}, {.p = p, .f = f, .side = 1}};
	for (unsigned side = 0; side < 2; side++) {
		if (p->file && (asked(p, side) & NETWORK_FILE || p->file_filter)) {
			q[side].in_file = networks_find(p->file, host_of(&q[side]));
			__builtin_prefetch(q[side].in_file);
		}
		q[side].route = routes ? routes->side[side] : NULL;
	}
	for (unsigned side = 0; side < 2; side++)
		if (p->want[side] || p->file_filter)
			apply_side(&q[side], f);
}
