/* A layout in words, for records that leave the process: to the memory table's client, to a file.
 *
 * Whoever reads them may be of another version or have another configuration, so a description names every
 * column and says where it stands; the reader makes a layout of it that all formatters and checks take. */
#ifndef FLOWRIB_FLOW_LAYOUT_TEXT_H
#define FLOWRIB_FLOW_LAYOUT_TEXT_H

#include "collector/base/text.h"
#include "collector/base/wire.h"
#include "collector/flow/layout.h"

/* Appends a layout's description: sizes, then per field offset, width, kind of custom primitive and name,
 * then per counter its merge rule and name. */
void layout_describe(struct text *out, const struct layout *l);

/* Reads a description. With invent, names this program does not know become custom primitives shown in
 * hexadecimal, and so do the custom primitives of the other side, with their own meaning: for programs of one
 * thread. Without, they are an error. False with a message then, or when the description contradicts itself,
 * or a known column has another width here. The result is for reading records, not for packing flows. */
bool layout_understand(struct layout *l, struct wire *w, bool invent, char *err, size_t errlen);

#endif
