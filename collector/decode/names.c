/* A chained hash table that grows by doubling; see names.h.
 *
 * A plain chained table is enough: it is read for every record with an interface or VRF name, but written
 * only when an exporter changes one. The number of entries is bounded by the exporter's memory, which the
 * caller charges with names_cost(). */
#include "collector/decode/names.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Seeded: ids are the exporter's to choose. */
static uint64_t
hash(const struct names *t, enum name_kind kind, uint64_t id)
{
	return XXH3_64bits_withSeed(&id, sizeof(id), t->seed + kind);
}

/* The link to the entry, or to the end of its chain. Not to be called while there are no buckets. */
static struct name **
place(const struct names *t, enum name_kind kind, uint64_t id)
{
	struct name **p = &t->bucket[hash(t, kind, id) & (t->buckets - 1)];

	while (*p && ((*p)->id != id || (*p)->kind != kind))
		p = &(*p)->next;
	return p;
}

const struct name *
names_find(const struct names *t, enum name_kind kind, uint64_t id)
{
	return t->n ? *place(t, kind, id) : NULL;
}

/* Refers to the entry's own bytes: valid until the name is set anew or the table is freed. */
struct flow_bytes
names_text(const struct names *t, enum name_kind kind, uint64_t id)
{
	const struct name *n = names_find(t, kind, id);

	if (!n)
		return (struct flow_bytes){NULL, 0};
	return (struct flow_bytes){n->text, n->len};
}

/* One pointer for the bucket: there are as many buckets as names, more or less. */
size_t
names_cost(size_t len)
{
	return sizeof(struct name) + (len < 255 ? len : 255) + sizeof(void *);
}

/* Doubles the table when there is a name for every bucket. Without memory a full table goes on with longer
 * chains; only the first allocation must succeed. */
static bool
grow(struct names *t)
{
	unsigned want = t->buckets ? t->buckets * 2 : 64;
	struct name **bucket = calloc(want, sizeof(*bucket));

	if (!bucket)
		return t->buckets != 0;
	for (unsigned i = 0; i < t->buckets; i++) {
		/* entries move, their memory does not: flows may refer to it */
		for (struct name *n = t->bucket[i], *next; n; n = next) {
			struct name **p = &bucket[hash(t, n->kind, n->id) & (want - 1)];
			next = n->next;
			n->next = *p;
			*p = n;
		}
	}
	free(t->bucket);
	t->bucket = bucket;
	t->buckets = want;
	return true;
}

/* The entry is replaced, not changed, as its text has another length. */
bool
names_set(struct names *t, enum name_kind kind, uint64_t id, const uint8_t *text, size_t len)
{
	if (t->n >= t->buckets && !grow(t))
		return false;
	len = len < 255 ? len : 255;
	struct name *n = malloc(sizeof(*n) + len);
	if (!n)
		return false;
	*n = (struct name){.id = id, .kind = (uint8_t)kind, .len = (uint8_t)len};
	memcpy(n->text, text, len);
	struct name **p = place(t, kind, id);
	/* the text of another length needs another entry */
	if (*p) {
		n->next = (*p)->next;
		free(*p);
	} else {
		t->n++;
	}
	*p = n;
	return true;
}

void
names_free(struct names *t)
{
	for (unsigned i = 0; i < t->buckets; i++) {
		for (struct name *n = t->bucket[i], *next; n; n = next) {
			next = n->next;
			free(n);
		}
	}
	free(t->bucket);
	*t = (struct names){0};
}
