/* The BGP thread: who may connect, whose turn it is, and what is done between reads. */
#ifndef FLOWRIB_BGP_SPEAKER_H
#define FLOWRIB_BGP_SPEAKER_H

#include "bgp/listen.h"
#include "bgp/world.h"
#include "collector/conf/allow.h"

struct speaker;

/* directory: where readers find the peers. The world's roster is made here. NULL when memory is short. */
struct speaker *speaker_new(struct bgp_world *w, const struct bgp_directory **directory);
/* The thread has ended. */
void speaker_free(struct speaker *s);

/* Reads the files of allowed peers and MD5 keys, and listens. False with a message. */
bool speaker_open(struct speaker *s, char *err, size_t errlen);
const struct bgp_listener *speaker_listener(const struct speaker *s);

bool speaker_start(struct speaker *s, char *err, size_t errlen);
/* CEASE to all peers, with words; waits for the thread. Routes stay where they are. */
void speaker_stop(struct speaker *s, const char *words);

/* Any thread: reads the files again and hands them to the BGP thread; a faulty one is logged and the old
 * contents stay. */
void speaker_reload(struct speaker *s);

/* One turn of the thread, for tests: waits for at most timeout_ms. now_us: monotonic, 0: the clock's. */
void speaker_turn(struct speaker *s, int timeout_ms, uint64_t now_us);

#endif
