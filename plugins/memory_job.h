/* One request being answered from the table, in steps. */
#ifndef FLOWRIB_PLUGINS_MEMORY_JOB_H
#define FLOWRIB_PLUGINS_MEMORY_JOB_H

#include "collector/flow/cache.h"
#include "plugins/memory_protocol.h"

/* Bytes on their way to a client. */
struct outbox {
	uint8_t *data;
	size_t len;
	size_t cap;
	size_t sent;
};

/* Room for n more bytes at data + len, or NULL when there is no memory. */
uint8_t *outbox_reserve(struct outbox *o, size_t n);
bool outbox_add(struct outbox *o, const void *p, size_t n);
/* A whole frame. */
bool outbox_frame(struct outbox *o, uint16_t type, uint32_t count, const void *body, size_t n);
/* Forgets what was sent; keeps the memory unless there is much of it. */
void outbox_empty(struct outbox *o);
void outbox_free(struct outbox *o);

struct job;

/* Begins DUMP, MATCH or COUNT; r is used up. NULL with a message in err. */
struct job *job_new(struct cache *c, const struct layout *l, struct memory_request *r, char *err,
		    size_t errlen);
void job_free(struct job *j);

enum job_state { JOB_MORE, JOB_DONE, JOB_NO_MEMORY };

/* Goes on for about units units of work (an entry is some), or until a frame is full, whichever is first, and
 * appends what came of it to out. Entries are copied whole: a step is never interrupted by records. */
enum job_state job_step(struct job *j, struct outbox *out, size_t units);

/* Rows sent so far. */
uint64_t job_rows(const struct job *j);

#endif
