/* Names that depend on a row: the values of a record that variables of a name stand for. */
#ifndef FLOWRIB_PLUGINS_ROWNAME_H
#define FLOWRIB_PLUGINS_ROWNAME_H

#include "collector/base/outname.h"
#include "collector/flow/layout.h"

/* Where these values are in a layout; NULL for what the aggregate does not have: the name then shows "null"
 * or 0, as it would for a record without the value. */
struct rowname {
	const struct layout *layout;
	const struct layout_field *peer, *tag, *tag2;
};

void rowname_init(struct rowname *r, const struct layout *l);

/* The values of a record that name uses; all others are zero, padding too: the struct is hashed and compared
 * as bytes. time: for a name with times (seconds). */
struct outname_row rowname_of(const struct rowname *r, const struct outname *name, const uint8_t *record,
			      uint64_t time);

#endif
