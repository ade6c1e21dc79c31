/* See sequence.h.
 *
 * All differences are modulo 2^32 and read as signed: less than half the circle ahead is ahead. Losses are
 * never counted on a guess: what cannot be told from a restart is one. */
#include "collector/decode/sequence.h"

/* Jumps of more windows than this are not believed to be losses. */
#define JUMP_WINDOWS 1000
/* So many datagrams from behind, each continuing the one before, are a restart and no reordering. */
#define BACK_RUN 4

/* The count goes on from the message at hand; nothing is lost or late by it. */
static struct sequence_result
restart(struct sequence *s, uint32_t next)
{
	s->restarts++;
	s->next = next;
	s->back_run = 0;
	return (struct sequence_result){.restart = true};
}

/* Late units are taken off the losses they were counted as, and never more than there were: copies of
 * datagrams would otherwise make losses negative. */
static struct sequence_result
from_behind(struct sequence *s, uint32_t seq, uint32_t units, uint32_t back, uint32_t window)
{
	struct sequence_result r = {0};

	s->behind++;
	s->back_run = s->back_run && seq == s->back_next ? (uint8_t)(s->back_run + 1) : 1;
	if (back > window || s->back_run >= BACK_RUN)
		return restart(s, seq + units);
	s->back_next = seq + units;
	r.late = s->lost - s->late < units ? (uint32_t)(s->lost - s->late) : units;
	s->late += r.late;
	return r;
}

/* The first message only sets the expectation. */
struct sequence_result
sequence_check(struct sequence *s, uint32_t seq, uint32_t units, uint32_t window)
{
	struct sequence_result r = {0};
	uint32_t ahead = seq - s->next;

	if (!s->known) {
		s->known = true;
		s->next = seq + units;
		return r;
	}
	if (ahead > UINT32_MAX / 2)
		return from_behind(s, seq, units, s->next - seq, window);
	s->ahead += ahead > 0;
	if (ahead / JUMP_WINDOWS > window)
		return restart(s, seq + units);
	s->back_run = 0;
	s->next = seq + units;
	s->lost += ahead;
	r.lost = ahead;
	return r;
}

void
sequence_forget(struct sequence *s)
{
	s->known = false;
}
