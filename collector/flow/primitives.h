/* The built-in rows (primitives.c), for primitive.c and for tests that walk them. */
#ifndef FLOWRIB_FLOW_PRIMITIVES_H
#define FLOWRIB_FLOW_PRIMITIVES_H

#include "collector/flow/primitive.h"

extern const struct primitive primitive_rows[];
extern const unsigned primitive_rows_count;

#endif
