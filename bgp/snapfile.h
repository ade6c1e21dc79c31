/* The snapshot as a file.
 *
 *	header	  8 bytes "FLOWRIBS", uint32_t version, uint32_t spare, uint64_t time (us), uint64_t XXH3 of
 *these block *	  uint32_t type, uint32_t length, uint64_t XXH3, then length bytes
 *
 * all little-endian. The checksum of a block covers its bytes, with its type, length and number as the seed,
 *so that a block can neither change nor move. Types:
 *
 *	SETS	 attribute sets, numbered in the order of the file over all such blocks
 *	PEER	 who a peer is; the routes behind it are its
 *	ROUTES	 groups: varint set, uint8_t family, uint8_t flags, varint count, then count prefixes:
 *		 uint8_t length, as many bytes as it needs, [uint32_t path id], [uint64_t route distinguisher]
 *	END	 how many peers, sets and routes there are; nothing follows
 *
 * A set stands before the first route that has it. Sets are shared by all peers: what ten peers say alike is
 * there once. A route of IPv4 costs some 4.5 bytes beside its share of a group's head. */
#ifndef FLOWRIB_BGP_SNAPFILE_H
#define FLOWRIB_BGP_SNAPFILE_H

#include "bgp/outputs.h"

#define SNAP_MAGIC	"FLOWRIBS"
#define SNAP_VERSION	1u
#define SNAP_HEADER	32
#define SNAP_BLOCK_HEAD 16
#define SNAP_BLOCK_BYTES                                                                                     \
	(1u << 20) /* a block is closed when it has so many; one set or group more may stand in it */
#define SNAP_BLOCK_MAX (SNAP_BLOCK_BYTES + (1u << 19))

enum snap_block { SNAP_SETS = 1, SNAP_PEER, SNAP_ROUTES, SNAP_END };
enum snap_flag { SNAP_PATH_ID = 1, SNAP_RD = 2 };

uint64_t snap_checksum(enum snap_block type, uint32_t len, uint64_t number, const void *bytes);

/* Reads what stands in memory. checked: checksums are looked at (not so when fuzzing what stands behind
 * them). */
bool snap_read(const uint8_t *data, size_t len, bool checked, bgp_snapshot_peer *peer,
	       bgp_snapshot_routes *routes, void *ctx, char *err, size_t errlen);

#endif
