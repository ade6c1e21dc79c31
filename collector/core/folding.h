/* A plugin's ports_file, protos_file, tos_file and tos_encode_as_dscp: the lists, and the transform made of
 * them. */
#ifndef FLOWRIB_CORE_FOLDING_H
#define FLOWRIB_CORE_FOLDING_H

#include "collector/conf/conf.h"
#include "collector/flow/transform.h"

struct folding {
	struct list *list[LIST_KINDS]; /* NULL: no such key */
	struct transform *transform;   /* NULL: nothing is changed */
};

/* Reads what the keys of an instance name. False with a message in err; f is then empty. */
bool folding_load(struct folding *f, const struct conf *conf, int scope, char *err, size_t errlen);
void folding_free(struct folding *f);

#endif
