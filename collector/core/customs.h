/* Custom primitives: the file that defines them, the rows they become, and the elements that feed them. */
#ifndef FLOWRIB_CORE_CUSTOMS_H
#define FLOWRIB_CORE_CUSTOMS_H

#include <stdbool.h>

#include "collector/base/text.h"
#include "collector/conf/conf.h"
#include "collector/decode/decode.h"

/* Reads aggregate_primitives, when set, and adds a row per definition. Before any aggregate is parsed. False
 * after writing what is wrong to errors. */
bool customs_load(const struct conf *conf, struct text *errors);

/* The elements that feed the rows added, for the decoder; *n gets how many. They live as long as the program.
 */
const struct decode_custom *customs_elements(unsigned *n);

/* All definitions, for those that point into packets. */
const struct custom_list *customs_pointers(void);

#endif
