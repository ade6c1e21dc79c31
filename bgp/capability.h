/* Capabilities of an OPEN (RFC 5492), for message.c alone.
 *
 * What is written goes through a bounded writer: a sticky error instead of a check per field, as wire.h does
 * it for what is read. */
#ifndef FLOWRIB_BGP_CAPABILITY_H
#define FLOWRIB_BGP_CAPABILITY_H

#include "bgp/message.h"

/* Where bytes go; once there is no room for something, nothing more is written. */
struct bgp_writer {
	uint8_t *pos, *end;
	bool failed;
};

static inline void
bgp_put(struct bgp_writer *w, const void *p, size_t n)
{
	if (w->failed || (size_t)(w->end - w->pos) < n) {
		w->failed = true;
		return;
	}
	if (n)
		memcpy(w->pos, p, n);
	w->pos += n;
}

/* v as n bytes (1 to 4) in network byte order. */
static inline void
bgp_put_be(struct bgp_writer *w, uint32_t v, unsigned n)
{
	uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
	bgp_put(w, b + 4 - n, n);
}

/* Reads the capabilities of one optional parameter into o. False with *notify when one is malformed. */
bool bgp_capabilities_parse(struct wire w, struct bgp_open *o, uint16_t *notify);

/* To be called behind the last one: what the absence of capabilities means. */
void bgp_capabilities_settle(struct bgp_open *o);

/* All capabilities that o has, one behind the other, without the optional parameter around them. */
void bgp_capabilities_write(struct bgp_writer *w, const struct bgp_open *o);

/* Copies n bytes of UTF-8 into out (cap bytes with the final NUL) without control characters, cut between
 * letters. False when it is not UTF-8 (RFC 3629); out is empty then. */
bool bgp_clean_text(char *out, size_t cap, const uint8_t *p, size_t n);

#endif
