/* Routes that a peer has for one prefix under several path identifiers (RFC 7911): lists of (path id, set),
 * interned, named by ids below 2^31. A list counts once for each of its sets; it is counted itself by the
 * (slot, prefix) pairs that have it. One writer, many readers. */
#ifndef FLOWRIB_BGP_PATHLIST_H
#define FLOWRIB_BGP_PATHLIST_H

#include "bgp/store.h"

/* What one peer may say of one prefix; more are refused. */
#define PATHS_MAX 255

struct path {
	uint32_t id;
	bgp_set_id set;
};

struct path_list {
	uint32_t refs, hash; /* of the writer, as next */
	uint32_t next;	     /* in its chain of the index */
	uint32_t n;
	struct path path[]; /* by ascending id */
};

struct path_lists {
	struct bgp_store *store;
	struct slab slab;
	uint32_t *head; /* a power of two */
	size_t heads, count;
	uint64_t seed; /* of hashes: path identifiers are chosen outside */
};

bool path_lists_init(struct path_lists *l, struct bgp_store *store);
void path_lists_free(struct path_lists *l);

static inline const struct path_list *
path_list_at(const struct path_lists *l, uint32_t id)
{
	return slab_at(&l->slab, id);
}

/* The list with a path added or replaced, or taken out (path->set 0). list 0 is the empty one, which is also
 * what may come out; the same comes out when nothing changes, or when it would grow too long. *old is the set
 * that the path had, or 0. False when memory is short. A list without references is to be settled in the end.
 */
bool path_list_change(struct path_lists *l, uint32_t list, const struct path *path, uint32_t *out,
		      bgp_set_id *old);

void path_list_ref(struct path_lists *l, uint32_t id, uint32_t n);
/* n may be 0: frees it when nothing refers to it. */
void path_list_unref(struct path_lists *l, uint32_t id, uint32_t n);

#endif
