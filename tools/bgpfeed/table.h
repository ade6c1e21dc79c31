/* What all peers announce: a table of prefixes, cut into origins, and the attributes that a peer gives each.
 *
 * A real table is made of atoms: prefixes that everybody routes alike, three or so each, since they come from
 * one origin and are treated alike. Here an atom is a run of neighbouring prefixes, an origin is several
 * atoms, half of them neighbours and half anywhere. A peer gives all atoms of an origin one set of
 * attributes, but for one atom in twelve, which has its own. Of the real table that makes 97,000 sets a peer
 * with 67,000 paths, and UPDATEs of 8 prefixes when they are packed by set. Nothing is stored for a peer:
 * attributes are computed from numbers of peer, origin and atom, so a table costs 25 MB however many peers
 * announce it. */
#ifndef FLOWRIB_TOOLS_BGPFEED_TABLE_H
#define FLOWRIB_TOOLS_BGPFEED_TABLE_H

#include "tools/bgpfeed/message.h"

/* What peers have in common. */
enum likeness {
	LIKE_ALL,     /* all attributes, next hops too: clients of one route reflector */
	LIKE_BUT_HOP, /* all but the next hop */
	LIKE_NONE,    /* each has its own first hops, next hops, communities and odd atoms */
};

struct atom {
	uint32_t first; /* prefix */
	uint32_t n;
	uint32_t origin;
};

/* Prefixes of one family. */
struct half {
	uint8_t *nlri; /* all prefixes as on the wire */
	uint32_t *at;  /* where each begins; n + 1 of them */
	uint32_t n;    /* prefixes */
	size_t bytes;  /* in nlri */
	size_t cap;    /* room in nlri */
	uint32_t at_cap;
	struct atom *atoms;  /* sorted by origin */
	uint32_t *origin_at; /* the first atom of each origin; origins + 1 of them */
	uint32_t atom_count;
};

struct table {
	struct half half[2]; /* IPv4, IPv6 */
	uint32_t origins;
	uint32_t pack; /* most prefixes in an UPDATE; 4 to 100 */
	enum likeness likeness;
	uint64_t seed;
};

/* A peer as far as attributes go. */
struct speaker {
	uint32_t number;
	uint32_t as;
	bool v6;       /* the other side takes IPv6 routes */
	bool internal; /* LOCAL_PREF is sent, our own AS is not in the path */
};

/* Reads up to max prefixes, one a line, from a file (through zcat when its name ends in .gz). False with a
 * message. */
bool table_read(struct table *t, const char *path, uint32_t max, char *err, size_t errlen);
/* Makes n prefixes with the lengths of the real table, 15 % of them IPv6. */
bool table_synthesise(struct table *t, uint32_t n, char *err, size_t errlen);
/* Cuts the prefixes into atoms and origins. */
bool table_cut(struct table *t);
void table_free(struct table *t);

/* A place in the table while it is being announced. Zero to begin. */
struct table_cursor {
	uint32_t origin;
	uint64_t routes, updates;
};

/* Room that table_announce needs for one origin: 320 UPDATEs of 600 bytes at worst. */
enum { TABLE_ROOM = 256 * 1024 };

/* Appends UPDATEs for the next origins, while TABLE_ROOM bytes are left before end; returns the end of what
 * it wrote. The table is done when the cursor's origin is the number of origins. */
uint8_t *table_announce(const struct table *t, const struct speaker *s, struct table_cursor *c, uint8_t *p,
			uint8_t *end);

/* One change to one atom: the k-th of a stream in which every atom that is changed or withdrawn by an even
 * k comes back as it was by the next odd one. Returns the end; *routes counts prefixes. */
uint8_t *table_change(const struct table *t, const struct speaker *s, uint64_t k, uint8_t *p,
		      uint64_t *routes);

#endif
