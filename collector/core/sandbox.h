/* The system call filter: what the core may still ask of the kernel once it runs (key `sandbox`). */
#ifndef FLOWRIB_CORE_SANDBOX_H
#define FLOWRIB_CORE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/conf/conf.h"

/* Confines all threads of this process. A kernel without the feature is logged and is no error. False with a
 * message. */
bool sandbox_enter(const struct conf *conf, char *err, size_t errlen);

#endif
