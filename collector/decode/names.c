/* A chained hash table that grows by doubling; see names.h. */
#include "collector/decode/names.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Seeded: ids are the exporter's to choose. */
static uint64_t
hash(const struct names *t, enum name_kind kind, uint64_t id)
{
	return XXH3_64bits_withSeed(&id, sizeof(id), t->seed + kind);
}

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

struct flow_bytes
names_text(const struct names *t, enum name_kind kind, uint64_t id)
{
	const struct name *n = names_find(t, kind, id);

	if (!n)
		return (struct flow_bytes){NULL, 0};
	return (struct flow_bytes){n->text, n->len};
}

size_t
names_cost(size_t len)
{
	return sizeof(struct name) + (len < 255 ? len : 255) + sizeof(void *);
}

static bool
grow(struct names *t)
{
	unsigned want = t->buckets ? t->buckets * 2 : 64;
	struct name **bucket = calloc(want, sizeof(*bucket));

	if (!bucket)
		return t->buckets != 0;
	for (unsigned i = 0; i < t->buckets; i++) {
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
