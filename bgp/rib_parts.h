/* What the RIB is made of, for its own files: rib.c (tables, slots, figures), rib_update.c (announcing and
 * withdrawing), rib_tidy.c (dropping slots, cleaning up), lookup.c and rib_walk.c (readers). */
#ifndef FLOWRIB_BGP_RIB_PARTS_H
#define FLOWRIB_BGP_RIB_PARTS_H

#include "bgp/group.h"
#include "bgp/pathlist.h"
#include "bgp/rib.h"
#include "bgp/trie.h"

/* NLRI that are handled together: what a run covers entirely is changed in place. */
#define RUN_MAX 256

#define RIB_TABLES_MAX (1U << TRIE_TABLE_BITS)

/* A table: never freed, its id never used again. */
struct rib_table {
	struct trie trie;
	uint64_t rd;
	uint8_t family;
};

/* From (family, RD) to tables: open addressing; a grown one replaces it. */
struct rib_table_map {
	uint32_t buckets, count;
	uint32_t table[]; /* id + 1 */
};

/* A column. Counts are read by any thread. */
struct rib_slot {
	bool open;
	bool told_v6;
	uint32_t told;	/* dropping: how far routes were told, a prefix; of rib_tidy.c */
	size_t cleared; /* dropping: buckets of groups that were seen */
	size_t routes[BGP_RIB_FAMILIES];
};

/* A prefix of the run at hand. */
struct rib_item {
	uint32_t prefix;
	uint16_t nlri; /* index */
	uint16_t move; /* index, or NO_MOVE */
	bgp_set_id old;
	bool refused; /* one path too many */
	bool told;
};

/* Prefixes of the run that have the same group and get the same entry. */
struct rib_move {
	struct group_wish wish;
	uint32_t old; /* entry */
	uint32_t to;
	uint32_t count;
	uint16_t next; /* of the same group with another entry, plus 1 */
	bool whole;    /* at first, all prefixes of the group were in it */
	bool failed;
};

/* The run at hand (rib_update.c): 14 KB that are written again and again, so they stay in the cache. */
struct rib_run {
	unsigned n, moves;
	unsigned sorted;   /* of n; fewer when memory is short */
	uint16_t homeless; /* first move of prefixes without group, plus 1 */
	struct rib_item item[RUN_MAX];
	struct rib_move move[RUN_MAX];
};

/* Readers touch: space, groups, lists, tables and the words named as published. */
struct rib {
	struct bgp_store *store;
	struct trie_space space;
	struct groups groups;
	struct path_lists lists;
	struct region tables; /* of struct rib_table */
	uint32_t tables_n;
	uint32_t plain[BGP_RIB_FAMILIES]; /* tables without RD */
	struct region roots[2];
	struct slab maps;
	uint32_t map; /* published; 0: none */
	struct rib_slot *slots;
	uint32_t slots_end; /* those in use are below */
	size_t routes;
	size_t empties;		/* removable prefixes without routes */
	size_t refused;		/* paths beyond PATHS_MAX */
	unsigned tell_step;	/* prefixes looked at in a step of dropping with change */
	size_t keep_empty;	/* prefixes without routes that are left alone; 0: none, for tests */
	uint64_t tidied;	/* how far prefixes were tidied; of rib_tidy.c */
	bool removing;		/* those without routes, in the walk under way */
	struct rib_stats stats; /* published */
	struct rib_run run;
};

/* What a family is. */
static inline bool
rib_family_v6(enum bgp_family f)
{
	return f == BGP_IPV6_UNICAST || f == BGP_IPV6_LABELED || f == BGP_IPV6_VPN;
}

static inline bool
rib_family_vpn(enum bgp_family f)
{
	return f == BGP_IPV4_VPN || f == BGP_IPV6_VPN;
}

static inline struct rib_table *
rib_table_at(const struct rib *r, uint32_t id)
{
	return (struct rib_table *)(void *)r->tables.base + id;
}

static inline const struct rib_table *
rib_table_of(const struct rib *r, const struct trie_prefix *p)
{
	return rib_table_at(r, trie_table(readers_load(&p->meta)));
}

/* False for prefixes of few bits in large tables: they stay, with or without routes, since putting one in and
 * taking it out touches a good part of the table. */
#define RIB_KEEP_BITS 12

static inline bool
rib_removable(const struct rib *r, const struct trie_prefix *p)
{
	return trie_len(p->meta) > RIB_KEEP_BITS || rib_table_of(r, p)->trie.root_bits <= RIB_KEEP_BITS;
}

/* Routes behind an entry. */
static inline uint32_t
rib_entry_routes(const struct rib *r, uint32_t entry)
{
	return entry & GROUP_LIST ? path_list_at(&r->lists, entry & ~GROUP_LIST)->n : entry != 0;
}

/* n prefixes more, or fewer, have the entry (not 0). */
void rib_entry_ref(struct rib *r, uint32_t entry, uint32_t n);
void rib_entry_unref(struct rib *r, uint32_t entry, uint32_t n);

/* The table, made when there is none; RIB_TABLE_NONE when memory is short. Of the writer. */
uint32_t rib_table_make(struct rib *r, enum bgp_family family, uint64_t rd);

/* The NLRI of a prefix; label and path id as given. */
void rib_nlri_of(const struct rib *r, bool v6, uint32_t prefix, struct bgp_nlri *out);

/* Makes the figures visible to others. */
void rib_publish(struct rib *r);

#endif
