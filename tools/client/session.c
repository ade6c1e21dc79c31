/* Short exchanges with the table that several commands need.
 *
 * Each of these is one request and its whole answer, so they may follow each other on a connection in any
 * order. Messages are left in c->err; only session_open(), which fails before there is a command to do it,
 * prints its own. */
#include <errno.h>

#include "tools/client/client.h"

/* Returns the exit status, so that a command can end with it. */
int
client_fail(const char *why)
{
	fprintf(stderr, "ERROR: %s\n", why);
	return 1;
}

/* The message names what to do: most first questions are about a daemon that is not there. */
bool
session_open(struct connection *c, const char *path, bool legacy)
{
	/* holds a path or, when there is none, the message that says what to do */
	char usual[640];
	if (!path) {
		if (!connection_default_path(usual, sizeof(usual), legacy)) {
			client_fail(usual);
			return false;
		}
		path = usual;
	} else {
		path = connection_named_path(usual, sizeof(usual), path);
	}
	if (connection_open(c, path))
		return true;
	client_fail(c->err);
	connection_close(c);
	return false;
}

/* The next frame, which must be of this type. */
static bool
expect(struct connection *c, uint16_t type, struct memory_header *h, const uint8_t **body)
{
	if (!connection_next(c, h, body))
		return false;
	if (h->type == type)
		return true;
	snprintf(c->err, sizeof(c->err), "the daemon answers something else than was asked");
	return false;
}

/* Waits for the answer: a count asked right after it must see the empty table. */
bool
session_erase(struct connection *c)
{
	struct memory_header h;
	const uint8_t *body;
	return connection_send(c, MEMORY_ERASE, 0, NULL) && expect(c, MEMORY_END, &h, &body);
}

/* Appended, not replaced: the caller owns the text. */
bool
session_status(struct connection *c, struct text *out)
{
	struct memory_header h;
	const uint8_t *body;
	if (!connection_send(c, MEMORY_STATUS, 0, NULL) || !expect(c, MEMORY_STATUS, &h, &body))
		return false;
	text_add(out, body, h.bytes);
	return true;
}

/* Figures of all queries in one piece, in the order asked. */
uint64_t *
session_count(struct connection *c, const struct question *q)
{
	struct memory_header h;
	const uint8_t *body;
	/* known before it is asked: an answer of any other size is no answer to this */
	size_t figures = (size_t)q->queries * (1 + c->layout.counters);
	if (!question_send(q, c) || !expect(c, MEMORY_COUNTERS, &h, &body))
		return NULL;
	struct wire w = wire_over(body, h.bytes);
	/* the loop reads all figures before one look at the cursor's error: it is sticky */
	uint64_t *figure = malloc(figures * sizeof(*figure));
	for (size_t i = 0; figure && i < figures; i++)
		figure[i] = wire_u64(&w);
	if (figure && !w.failed && wire_left(&w) == 0 && expect(c, MEMORY_END, &h, &body))
		return figure;
	if (!figure || w.failed || wire_left(&w))
		snprintf(c->err, sizeof(c->err), "the daemon's answer is malformed");
	free(figure);
	return NULL;
}
