/* To standard error and not to the log: it is drawn over itself, and only for who watches. */
#include "collector/core/progress.h"

#include <unistd.h>

#include "collector/base/clock.h"

/* Silent unless a person is looking: a log full of carriage returns helps nobody. The first line comes
 * after half a second, so short files show none. */
struct progress
progress_begin(const char *what)
{
	uint64_t now = clock_monotonic_us();
	return (struct progress){
	    .what = what, .shown = isatty(STDERR_FILENO), .next_us = now + US_PER_S / 2, .started_us = now};
}

/* Cheap to call for every batch: reading the clock is all it does most of the time. */
void
progress_step(struct progress *p, double share)
{
	if (!p->shown)
		return;
	uint64_t now = clock_monotonic_us();
	if (now < p->next_us)
		return;
	p->next_us = now + US_PER_S / 5;
	fprintf(stderr, "\r%s: %3.0f %% after %.1f s", p->what, 100 * share,
		(double)(now - p->started_us) / US_PER_S);
	fflush(stderr);
}

/* Leaves the line empty for what is printed next. */
void
progress_end(struct progress *p)
{
	if (p->shown)
		fprintf(stderr, "\r\033[K");
}
