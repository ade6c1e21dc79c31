/* See pathlist.h. ADD-PATH peers mostly send the same few sets under the same few identifiers for all
 * prefixes of an origin, so lists are interned like sets and a group's vector stays one word a slot. The
 * index is made of chains, since lists come and go one by one and their number is moderate. */
#include "bgp/pathlist.h"

#include <sys/random.h>

#define HEADS_MIN 1024

/* A list in the slab. */
static size_t
list_bytes(uint32_t n)
{
	return sizeof(struct path_list) + n * sizeof(struct path);
}

static struct path_list *
list_at(const struct path_lists *l, uint32_t id)
{
	return slab_at(&l->slab, id);
}

bool
path_lists_init(struct path_lists *l, struct bgp_store *store)
{
	*l = (struct path_lists){.store = store, .heads = HEADS_MIN};
	if (getrandom(&l->seed, sizeof(l->seed), GRND_NONBLOCK) < 0)
		l->seed = (uintptr_t)l;
	l->head = calloc(HEADS_MIN, sizeof(*l->head));
	return l->head && slab_init(&l->slab, 16, (size_t)16 << 30);
}

void
path_lists_free(struct path_lists *l)
{
	slab_free(&l->slab);
	free(l->head);
}

static uint32_t
hash_of(const struct path_lists *l, const struct path *path, uint32_t n)
{
	uint64_t h = l->seed + n;
	for (uint32_t i = 0; i < n; i++) {
		h = (h ^ ((uint64_t)path[i].id << 32 | path[i].set)) * 0xbf58476d1ce4e5b9ULL;
		h ^= h >> 32;
	}
	return (uint32_t)h;
}

static uint32_t *
head_of(const struct path_lists *l, uint32_t hash)
{
	return &l->head[hash & (l->heads - 1)];
}

/* Chains may stay long when there is no memory for more heads. */
static void
grow(struct path_lists *l)
{
	uint32_t *head = calloc(2 * l->heads, sizeof(*head));
	if (!head)
		return;
	struct path_lists old = *l;
	l->head = head;
	l->heads *= 2;
	for (size_t i = 0; i < old.heads; i++) {
		for (uint32_t id = old.head[i], next; id; id = next) {
			struct path_list *v = list_at(l, id);
			next = v->next;
			v->next = *head_of(l, v->hash);
			*head_of(l, v->hash) = id;
		}
	}
	free(old.head);
}

/* Not counted yet, but its sets are. */
static uint32_t
list_new(struct path_lists *l, uint32_t hash, const struct path *path, uint32_t n)
{
	uint32_t id = slab_alloc(&l->slab, list_bytes(n));
	if (!id || id >> 31)
		return 0;
	if (++l->count > l->heads)
		grow(l);
	struct path_list *v = list_at(l, id);
	*v = (struct path_list){.hash = hash, .n = n, .next = *head_of(l, hash)};
	memcpy(v->path, path, n * sizeof(*path));
	*head_of(l, hash) = id;
	for (uint32_t i = 0; i < n; i++)
		bgp_store_ref(l->store, path[i].set, 1);
	return id;
}

/* The list with these paths; equal ones are one. */
static uint32_t
intern(struct path_lists *l, const struct path *path, uint32_t n)
{
	uint32_t hash = hash_of(l, path, n);
	for (uint32_t id = *head_of(l, hash); id; id = list_at(l, id)->next) {
		const struct path_list *v = list_at(l, id);
		if (v->hash == hash && v->n == n && memcmp(v->path, path, n * sizeof(*path)) == 0)
			return id;
	}
	return list_new(l, hash, path, n);
}

/* Both are in the order of identifiers: one merge. */
bool
path_list_change(struct path_lists *l, uint32_t list, const struct path *path, uint32_t *out, bgp_set_id *old)
{
	struct path now[PATHS_MAX + 1];
	const struct path_list *was = list_at(l, list);
	uint32_t n = list ? was->n : 0, kept = 0, i = 0;
	*old = 0;
	while (i < n && was->path[i].id < path->id)
		now[kept++] = was->path[i++];
	if (i < n && was->path[i].id == path->id)
		*old = was->path[i++].set;
	if (path->set)
		now[kept++] = *path;
	while (i < n)
		now[kept++] = was->path[i++];
	*out = kept > PATHS_MAX ? list : kept ? intern(l, now, kept) : 0;
	return *out || !kept;
}

void
path_list_ref(struct path_lists *l, uint32_t id, uint32_t n)
{
	list_at(l, id)->refs += n;
}

/* Readers may still be at it: it is retired. */
void
path_list_unref(struct path_lists *l, uint32_t id, uint32_t n)
{
	struct path_list *v = list_at(l, id);
	v->refs -= n;
	if (v->refs)
		return;
	uint32_t *at = head_of(l, v->hash);
	while (*at != id)
		at = &list_at(l, *at)->next;
	*at = v->next;
	for (uint32_t i = 0; i < v->n; i++)
		bgp_store_unref(l->store, v->path[i].set, 1);
	l->count--;
	slab_retire(&l->slab, id, list_bytes(v->n));
}
