/* BGP: a speaker that only listens, and what it heard.
 *
 * One thread accepts sessions, reads UPDATEs and changes the RIB (speaker.c, session.c); the source threads
 * read RIB and directory through this header (correlation); outputs have threads of their own (outputs.h). */
#ifndef FLOWRIB_BGP_BGP_H
#define FLOWRIB_BGP_BGP_H

#include "bgp/outputs.h"

struct bgp;

/* True when the configuration asks for BGP. */
bool bgp_configured(const struct conf *conf);

/* Reads the bgp_daemon_* keys and files; makes store, RIB, counters and outputs, before processes fork. NULL
 * with a message. */
struct bgp *bgp_prepare(const struct conf *conf, char *err, size_t errlen);
/* Opens the listening sockets, while privileges are there. */
bool bgp_open_sockets(struct bgp *b, char *err, size_t errlen);
/* Starts the threads; with a snapshot configured, its routes are there before sessions are accepted. */
bool bgp_start(struct bgp *b, char *err, size_t errlen);
/* Sends CEASE to all peers, ends the threads. */
void bgp_stop(struct bgp *b);
void bgp_free(struct bgp *b);

/* SIGUSR2: reads bgp_daemon_allow_file (and MD5 keys) again; an error keeps what is in use. SIGHUP. */
void bgp_reload(struct bgp *b);
void bgp_reopen(struct bgp *b);

/* About once a second, on a thread that joined readers: bgp_neighbors_file. */
void bgp_housekeeping(struct bgp *b);

/* ADDRESS:PORT that sessions are accepted at. */
void bgp_listening(const struct bgp *b, char *buf, size_t n);

/* For readers. */
struct bgp_sources bgp_sources_of(const struct bgp *b);

/* Peers with state, uptime, prefixes, memory, errors: for status and metrics. Any thread that joined
 * readers. */
void bgp_status_json(const struct bgp *b, struct text *json);
void bgp_status_text(const struct bgp *b, struct text *out);
void bgp_metrics(const struct bgp *b, struct text *out);

#endif
