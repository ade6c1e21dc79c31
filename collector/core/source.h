/* Source threads: receive, decode, fan out.
 *
 * Everything a thread touches for a record is its own: socket, decoder, fan-out, queues. It meets the control
 * thread in three places only: the stop flag, the request for a status text, and the exchange of file
 * contents on reload. */
#ifndef FLOWRIB_CORE_SOURCE_H
#define FLOWRIB_CORE_SOURCE_H

#include <stdbool.h>

#include "collector/base/text.h"
#include "collector/core/instance.h"

struct sources;

/* How many source threads the configuration asks for. */
unsigned sources_threads(const struct conf *conf);

/* Makes decoders and fan-outs, and reads the files that sources need. Before processes fork: counters are
 * made here. routes: where flows' routes are, NULL without BGP; it must outlive the threads. NULL after
 * writing why to err. */
struct sources *sources_prepare(const struct conf *conf, struct instances *all,
				const struct flow_needs *needs, const struct bgp_sources *routes, char *err,
				size_t errlen);

/* Opens sockets or the capture file. False with a message. */
bool sources_open(struct sources *s, char *err, size_t errlen);

/* Starts the threads. False with a message. */
bool sources_start(struct sources *s, char *err, size_t errlen);

/* ADDRESS:PORT that datagrams are received at, as pmacct writes it: 0.0.0.0 for all addresses. */
void sources_listening(const struct sources *s, char *buf, size_t n);

/* Readable when a capture file has been read to its end, or could not be. Never readable without capture
 * file. */
int sources_done_fd(const struct sources *s);

/* Asks every thread for the state of its decoder and appends a JSON array with one element per thread. Waits
 * for each at most a second; a thread that does not answer in time gives null. */
void sources_status(struct sources *s, struct text *json);

/* What is to be done about once a second on the control thread: the templates file. */
void sources_housekeeping(struct sources *s);

/* Reads the files that sources own again; keeps what is in use when one has an error, logging why. */
void sources_reload(struct sources *s);

/* Asks the threads to end, waits for them and closes the queues: everything received has been handed on when
 * it returns. */
void sources_stop(struct sources *s);

void sources_free(struct sources *s);

#endif
