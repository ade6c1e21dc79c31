/* A progress line on a terminal, for work that takes long. Silent when stderr is no terminal. */
#ifndef FLOWRIB_CORE_PROGRESS_H
#define FLOWRIB_CORE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what;
	bool shown;
	uint64_t next_us;
	uint64_t started_us;
};

struct progress progress_begin(const char *what);
/* share goes from 0 to 1; draws at most five times a second. */
void progress_step(struct progress *p, double share);
/* Clears the line. */
void progress_end(struct progress *p);

#endif
