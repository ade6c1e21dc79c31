/* What leaves the BGP part for people and programs: message log, table dumps, looking glass, neighbours file,
 * snapshot. Each runs on a thread of its own, as a reader of RIB and directory. JSON lines have the form of
 * pmacct's current release. */
#ifndef FLOWRIB_BGP_OUTPUTS_H
#define FLOWRIB_BGP_OUTPUTS_H

#include "bgp/events.h"
#include "collector/conf/conf.h"

/* What outputs read. The directory is read anew with readers_load() each time. */
struct bgp_sources {
	const struct rib *rib;
	const struct bgp_store *store;
	const struct bgp_directory *const *directory;
};

/* NULL in *out and true when no output is configured. Counters are made here, before processes fork; files
 * and sockets are opened by bgp_outputs_open, while privileges are there. False with a message. */
bool bgp_outputs_prepare(struct bgp_outputs **out, const struct conf *conf, struct bgp_sources sources,
			 struct bgp_store *store, char *err, size_t errlen);
bool bgp_outputs_open(struct bgp_outputs *o, char *err, size_t errlen);
bool bgp_outputs_start(struct bgp_outputs *o, char *err, size_t errlen);
/* The producer's handle; NULL when there is no message log. */
struct bgp_events *bgp_outputs_events(struct bgp_outputs *o);
/* SIGHUP: opens message logs anew. Any thread. */
void bgp_outputs_reopen(struct bgp_outputs *o);
/* Writes what is waiting, a last snapshot if one is configured, and ends the threads. The BGP thread has
 * ended by then. */
void bgp_outputs_stop(struct bgp_outputs *o);
void bgp_outputs_free(struct bgp_outputs *o);

/* One question, as a line of words, answered as a table for people or (json) as JSON lines:
 *	peers | summary | lookup ADDRESS [peer ADDRESS] [rd RD] | prefix P [peer ADDRESS] [rd RD]
 * For the control socket; any thread that joined readers. */
void bgp_query(const struct bgp_sources *s, const char *line, bool json, struct text *answer);

/* --- snapshot --- */

/* Writes the routes of all peers to path, whole or not at all; on a reader's thread. False with a message. */
bool bgp_snapshot_write(const struct bgp_sources *s, const char *path, char *err, size_t errlen);

/* Gives the routes of a snapshot back, peer by peer, in batches that share their attributes. */
typedef void bgp_snapshot_peer(void *ctx, const struct bgp_peer *peer); /* a peer begins */
typedef void bgp_snapshot_routes(void *ctx, enum bgp_family family, const struct bgp_nlri *nlri, unsigned n,
				 const struct bgp_attrs *attrs);
bool bgp_snapshot_read(const char *path, bgp_snapshot_peer *peer, bgp_snapshot_routes *routes, void *ctx,
		       char *err, size_t errlen);

#endif
