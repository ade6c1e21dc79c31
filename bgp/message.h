/* Messages of BGP-4 but UPDATE: what a session says and hears outside of routes (RFC 4271, 4).
 *
 * Capabilities are rows (message.c): code, name, what an OPEN of ours says about it, how the peer's is read.
 * Everything read goes through the bounded cursor; everything written goes into a buffer of the caller. */
#ifndef FLOWRIB_BGP_MESSAGE_H
#define FLOWRIB_BGP_MESSAGE_H

#include "bgp/attr.h"

/* What either side says in its OPEN. */
struct bgp_open {
	uint32_t as;	    /* from the capability when there is one (RFC 6793) */
	uint16_t as2;	    /* from the header */
	uint16_t hold_time; /* seconds */
	uint32_t id;	    /* BGP identifier, host byte order */
	uint32_t families;  /* 1 << enum bgp_family; without the capability: IPv4 unicast */
	uint32_t add_path_receive, add_path_send; /* families for which that side can do so */
	uint32_t ext_next_hop;
	uint32_t graceful;	      /* families that it restarts gracefully (RFC 4724) */
	uint32_t graceful_forwarding; /* those whose forwarding state it kept: F bit */
	bool multiprotocol_any;	      /* the capability was there; of reading alone */
	uint16_t restart_time;	      /* seconds */
	bool restarted;		      /* restart state bit */
	bool graceful_any;	      /* the capability was there */
	bool graceful_notify;	      /* N bit (RFC 8538) */
	uint32_t long_lived;	      /* families; RFC 9494 */
	uint32_t long_lived_time;     /* the longest of them, seconds */
	bool as4, refresh, enhanced_refresh, ext_message;
	int role; /* RFC 9234: 0 to 4, or -1 */
	char host[65], domain[65];
	/* what is unknown is echoed for families only: pairs of AFI and SAFI that are no row */
	struct {
		uint16_t afi;
		uint8_t safi;
	} other[16];
	unsigned others;
};

/* The header: returns the length of the whole message and sets *type, 0 when fewer than 19 bytes are there,
 * and when it is wrong -1 with *notify set (and up to 2 bytes of data). long_messages: RFC 8654 was agreed.
 */
int bgp_header_parse(const uint8_t *p, size_t len, bool long_messages, enum bgp_message *type,
		     uint16_t *notify, uint8_t data[2], unsigned *data_len);

/* The body of an OPEN. False with *notify. expected_as 0: any. An unknown capability is no error. */
bool bgp_open_parse(struct bgp_open *o, const uint8_t *body, size_t len, uint16_t *notify);
/* What a NOTIFICATION about an OPEN carries (RFC 4271, 6.2): up to 2 bytes; returns how many. */
unsigned bgp_open_error_data(uint16_t notify, uint8_t data[2]);

/* Our OPEN, whole message; returns its length. cap is at least BGP_MESSAGE_MAX. */
size_t bgp_open_write(uint8_t *buf, size_t cap, const struct bgp_open *o);
size_t bgp_keepalive_write(uint8_t *buf);
/* data: n bytes, cut to what a message holds. buf has room for BGP_MESSAGE_MAX. */
size_t bgp_notification_write(uint8_t *buf, uint16_t code, const void *data, size_t n);
size_t bgp_refresh_write(uint8_t *buf, enum bgp_family family);
/* "I have told you all" (RFC 4724, 2): an UPDATE without routes, the only one that a mere listener sends. A
 * router that restarts waits for it. */
size_t bgp_end_of_rib_write(uint8_t *buf, enum bgp_family family);

/* ROUTE-REFRESH: family (or BGP_FAMILY_NONE) and its subtype: 0 request, 1 begin, 2 end (RFC 7313). */
bool bgp_refresh_parse(const uint8_t *body, size_t len, enum bgp_family *family, uint8_t *subtype,
		       uint16_t *notify);

/* A NOTIFICATION for people: "Cease/Administrative Shutdown: text of RFC 9003". Never fails. */
void bgp_notification_text(char *buf, size_t n, const uint8_t *body, size_t len);
/* The same of one that we send. */
const char *bgp_error_name(uint16_t code);

/* What both sides together agree on, for reading UPDATEs. */
struct bgp_rules bgp_rules_of(const struct bgp_open *ours, const struct bgp_open *theirs);

#endif
