/* A list as text, in one of two shapes: a JSON array of strings, or one text whose parts a character joins.
 *
 * Opening, what stands between parts, and closing, so that one function serves both shapes. Nothing here
 * checks room (see text.h); an array takes four bytes a part and four more. */
#ifndef FLOWRIB_BASE_TEXTLIST_H
#define FLOWRIB_BASE_TEXTLIST_H

#include "collector/base/text.h"

/* p moves as parts are written. A joint of 0 is never printed: lists of JSON have their own. */
struct textlist {
	char *p;
	char joint;
	bool array;
	unsigned n;
};

/* An array has its brackets even when empty: [] and not "". */
static inline struct textlist
textlist_open(char *p, char joint, bool array)
{
	if (array)
		*p++ = '[';
	return (struct textlist){.p = p, .joint = joint, .array = array};
}

/* Before every part. Returns where the part's text goes; the caller stores the new end in l->p. */
static inline char *
textlist_part(struct textlist *l)
{
	if (l->array)
		l->p = l->n ? put_bytes(l->p, "\", \"", 4) : put_bytes(l->p, "\"", 1);
	else if (l->n)
		*l->p++ = l->joint;
	l->n++;
	return l->p;
}

/* Closes the last part's quote; a text has nothing to close. */
static inline char *
textlist_close(struct textlist *l)
{
	if (l->array && l->n)
		*l->p++ = '"';
	if (l->array)
		*l->p++ = ']';
	return l->p;
}

#endif
