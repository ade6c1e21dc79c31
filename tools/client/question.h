/* A request, made from what the user typed. */
#ifndef FLOWRIB_TOOLS_CLIENT_QUESTION_H
#define FLOWRIB_TOOLS_CLIENT_QUESTION_H

#include "tools/client/connection.h"

struct question {
	uint16_t type; /* DUMP, MATCH, COUNT */
	uint16_t flags;
	uint16_t counter;
	uint32_t top;
	unsigned columns;
	uint16_t column[LAYOUT_FIELDS_MAX];
	struct text values;
	uint32_t queries;
	char err[320];
};

void question_free(struct question *q);

/* "src_host,dst_port": the columns that queries give, in this order. All three: false with a message in
 * q->err. */
bool question_columns(struct question *q, const struct layout *l, const char *names);

/* pmacct's language: queries after ';', values after ',' in the order of the columns, '*' for any; or
 * file:NAME with a query in each line and comments behind '!'. */
bool question_match(struct question *q, const struct layout *l, const char *text);

/* "src_host=10.0.0.1,10.0.0.2": conditions that must all hold, each with values of which one must. */
bool question_where(struct question *q, const struct layout *l, char *const *conditions, unsigned n);

/* The number of a counter of the layout by name; UINT16_MAX with a message. */
uint16_t question_counter(struct question *q, const struct layout *l, const char *name);

bool question_send(const struct question *q, struct connection *c);

#endif
