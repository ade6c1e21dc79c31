/* Names of output files and their variables.
 *
 * %d %H %m %M %s %S %w %W %Y %z (as in strftime) and $tzone tell the time of the row's bin, or of the purge
 * when there are no bins. $peer_src_ip, $peer_tcp_port, $tag and $tag2 are the row's values; $ref, $hst,
 * $post_tag and $post_tag2 are configured. A word after $ that is none of these stays as it is. */
#ifndef FLOWRIB_BASE_OUTNAME_H
#define FLOWRIB_BASE_OUTNAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/addr.h"
#include "collector/base/text.h"

/* What a row decides of a name. Values that a name does not use must be zero, so that equal names have equal
 * values. */
struct outname_row {
	uint64_t time; /* seconds since the epoch */
	struct addr peer_src_ip;
	uint64_t peer_tcp_port;
	uint64_t tag;
	uint64_t tag2;
};

struct outname_fixed {
	uint64_t refresh; /* $ref */
	uint64_t history; /* $hst, seconds */
	uint64_t post_tag;
	uint64_t post_tag2;
	bool utc; /* times in UTC instead of the local zone */
};

struct outname {
	char *pattern; /* configured values are in already */
	bool utc;
	bool time; /* which values of a row it uses */
	bool peer_src_ip;
	bool peer_tcp_port;
	bool tag;
	bool tag2;
};

/* False with a message in err, and nothing to free. */
bool outname_parse(struct outname *name, const char *pattern, const struct outname_fixed *fixed, char *err,
		   size_t errlen);
void outname_free(struct outname *name);

/* Replaces the content of out with the name for row; returns it, NUL-terminated. */
const char *outname_format(const struct outname *name, const struct outname_row *row, struct text *out);

/* True when the name's times are the same from one moment to the other, both in seconds, and, as far as a few
 * looks tell, in between: a name with %H only is not the same one day later. */
bool outname_same_time(const struct outname *name, uint64_t a, uint64_t b);

#endif
