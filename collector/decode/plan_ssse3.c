/* Plans as byte shuffles (x86 with SSSE3; asked for at run time, see plan.h).
 *
 * Every plain move of a plan, whatever its width and byte order, says for some bytes of the flow from which
 * byte of the record each comes. So the flow is made in chunks of 16 bytes: the constant part from proto,
 * or-ed with one shuffled load for each 16-byte window of the record that has something for the chunk.
 * Neighbouring fields share a window, byte order costs nothing, and clearing the flow is part of the same
 * stores.
 *
 * Loads are 16 bytes wide and may reach beyond a record; the caller sees to it that they stay within the
 * message.
 *
 * Invariant: a byte of the flow has one source at most, as the operations here are unconditional ones (see
 * plan.c), so that or-ing never mixes two values. Rejected: pshufb over the whole record in registers
 * (records are longer than they hold), AVX2 (its shuffle does not cross 16-byte lanes, so nothing is
 * gained). */
#include "collector/decode/plan.h"

#if defined(__x86_64__)

#include <tmmintrin.h>

#define CHUNK	16
#define CHUNKS	((sizeof(struct flow) + CHUNK - 1) / CHUNK)
#define NOWHERE 0xffff

struct step {
	__m128i mask;
	uint16_t src;
};

struct shuffle {
	uint16_t chunks; /* of a flow, up to the last one with a step */
	uint16_t tail;	 /* bytes behind them, up to the extent, that are only copied */
	uint16_t steps;
	uint16_t reach;
	uint16_t v4s;	       /* places that begin as ::ffff:0:0 */
	uint8_t count[CHUNKS]; /* steps of each chunk */
	uint16_t v4[64];
	struct step step[];
};

/* Where each byte of the flow comes from. */
struct byte_map {
	uint16_t src[CHUNKS * CHUNK];
	uint16_t v4[64];
	uint16_t v4s;
};

/* Big-endian to little-endian; a wider place keeps zeros above, a narrower one takes the lower bytes. */
static void
map_uint(struct byte_map *m, const struct plan_op *op)
{
	/* bytes that come from the record */
	unsigned n = op->len < op->width ? op->len : op->width;

	for (unsigned i = 0; i < n; i++)
		m->src[op->dst + i] = (uint16_t)(op->src + op->len - 1 - i);
}

/* In order, as addresses are kept in network byte order. */
static void
map_bytes(struct byte_map *m, const struct plan_op *op, unsigned at, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		m->src[op->dst + at + i] = (uint16_t)(op->src + i);
}

/* True when op is a plain move, which it then is in the map. */
static bool
map_op(struct byte_map *m, const struct plan_op *op)
{
	if (op->cond != COND_ALWAYS || op->base != BASE_FLOW || op->var || op->src > NOWHERE - 64)
		return false;
	switch ((enum plan_kind)op->kind) {
	case OP_U8:
	case OP_U16:
	case OP_U32:
	case OP_U64:
	case OP_U16_U32:
	case OP_U32_U64:
	case OP_UINT:
		map_uint(m, op);
		return true;
	case OP_ADDR4:
		if (m->v4s == ARRAY_SIZE(m->v4))
			return false;
		m->v4[m->v4s++] = op->dst;
		map_bytes(m, op, 12, 4);
		return true;
	case OP_ADDR6:
		map_bytes(m, op, 0, 16);
		return true;
	case OP_MAC:
		map_bytes(m, op, 0, 6);
		return true;
	default:
		return false;
	}
}

/* The lowest source of a chunk at or above from; NOWHERE when there is none. */
static uint16_t
lowest(const uint16_t *src, uint16_t from)
{
	uint16_t low = NOWHERE;

	for (unsigned i = 0; i < CHUNK; i++)
		if (src[i] != NOWHERE && src[i] >= from && src[i] < low)
			low = src[i];
	return low;
}

/* A mask byte with the top bit set makes a zero, which or-ing leaves alone. */
static void
make_step(struct step *s, const uint16_t *src, uint16_t from)
{
	uint8_t mask[CHUNK];

	for (unsigned i = 0; i < CHUNK; i++)
		mask[i] = src[i] != NOWHERE && src[i] >= from && src[i] < from + CHUNK
			      ? (uint8_t)(src[i] - from)
			      : 0x80;
	memcpy(&s->mask, mask, sizeof(mask));
	s->src = from;
}

/* The steps of all chunks; with out NULL they are only counted. */
static unsigned
make_steps(const struct byte_map *m, unsigned chunks, uint8_t *count, struct step *out)
{
	unsigned n = 0;

	for (unsigned c = 0; c < chunks; c++) {
		const uint16_t *src = m->src + (size_t)c * CHUNK;
		unsigned before = n;
		for (uint16_t from = lowest(src, 0); from != NOWHERE;
		     from = lowest(src, (uint16_t)(from + CHUNK))) {
			if (out)
				make_step(&out[n], src, from);
			n++;
		}
		count[c] = (uint8_t)(n - before);
	}
	return n;
}

/* Two passes: steps are counted before memory is taken. Chunks behind the last one with a step are only
 * copied. */
static struct shuffle *
shuffle_new(const struct byte_map *m, size_t extent)
{
	uint8_t count[CHUNKS];
	unsigned chunks = (unsigned)((extent + CHUNK - 1) / CHUNK);
	unsigned steps = make_steps(m, chunks, count, NULL);
	size_t tail = chunks * (size_t)CHUNK;
	size_t size = sizeof(struct shuffle) + steps * sizeof(struct step);
	struct shuffle *s = aligned_alloc(CHUNK, (size + CHUNK - 1) / CHUNK * CHUNK);

	if (!s)
		return NULL;
	/* nothing of the record goes there */
	while (chunks && count[chunks - 1] == 0)
		chunks--;
	tail -= chunks * (size_t)CHUNK;
	*s = (struct shuffle){
	    .chunks = (uint16_t)chunks, .tail = (uint16_t)tail, .steps = (uint16_t)steps, .v4s = m->v4s};
	memcpy(s->v4, m->v4, sizeof(s->v4));
	make_steps(m, chunks, s->count, s->step);
	for (unsigned i = 0; i < steps; i++)
		if (s->step[i].src + CHUNK > s->reach)
			s->reach = (uint16_t)(s->step[i].src + CHUNK);
	return s;
}

bool
shuffle_compile(struct plan *p, size_t extent, struct plan_op *rest, uint16_t *rests)
{
	struct byte_map *m = malloc(sizeof(*m));
	uint16_t n = 0;

	/* the program is built for any x86-64, so the processor is asked */
	if (!m || !__builtin_cpu_supports("ssse3")) {
		free(m);
		return false;
	}
	memset(m->src, 0xff, sizeof(m->src));
	m->v4s = 0;
	for (unsigned i = 0; i < p->ops; i++) {
		if (!map_op(m, &p->op[i])) {
			rest[n++] = p->op[i];
			/* "::" has a stored form of its own, which a move cannot give */
		} else if (p->op[i].kind == OP_ADDR6) {
			rest[n] = p->op[i];
			rest[n++].kind = OP_FIX6;
		}
	}
	p->shuffle = shuffle_new(m, extent);
	free(m);
	if (!p->shuffle)
		return false;
	p->bytes += sizeof(struct shuffle) + p->shuffle->steps * sizeof(struct step);
	*rests = n;
	return true;
}

/* NULL is allowed. */
void
shuffle_free(struct shuffle *s)
{
	free(s);
}

size_t
shuffle_reach(const struct shuffle *s)
{
	return s->reach;
}

/* An IPv4 address is kept as ::ffff:a.b.c.d; only the last 4 bytes come from the record. Takes back the same
 * bytes it set, since proto is shared by all plans. */
void
shuffle_prepare(const struct shuffle *s, struct flow *proto, bool begin)
{
	const struct addr prefix = {.w = {0, 0, begin ? __builtin_bswap32(0x0000ffff) : 0, 0}};

	for (unsigned i = 0; i < s->v4s; i++)
		memcpy((uint8_t *)proto + s->v4[i], &prefix, sizeof(prefix));
}

/* Aligned stores: flows stand at multiples of 64 bytes, and chunks at multiples of 16 in them. Loads are
 * unaligned. */
__attribute__((target("ssse3"))) void
shuffle_run(const struct shuffle *s, uint8_t *flow, const uint8_t *proto, const uint8_t *rec, size_t len,
	    unsigned n)
{
	for (; n; n--, flow += FLOW_STRIDE, rec += len) {
		const struct step *step = s->step;
		for (unsigned c = 0; c < s->chunks; c++) {
			__m128i v = _mm_loadu_si128((const __m128i_u *)(proto + (size_t)c * CHUNK));
			for (unsigned k = s->count[c]; k; k--, step++) {
				__m128i w = _mm_loadu_si128((const __m128i_u *)(rec + step->src));
				v = _mm_or_si128(v, _mm_shuffle_epi8(w, step->mask));
			}
			_mm_store_si128((__m128i *)(void *)(flow + (size_t)c * CHUNK), v);
		}
		memcpy(flow + (size_t)s->chunks * CHUNK, proto + (size_t)s->chunks * CHUNK, s->tail);
	}
}

#endif
