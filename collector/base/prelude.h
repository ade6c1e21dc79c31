/* Included before everything else (see Makefile.am): the configuration of this build, and the functions that
 * do not compile here because they write without knowing how much room there is. */
#ifndef FLOWRIB_BASE_PRELUDE_H
#define FLOWRIB_BASE_PRELUDE_H

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok

#define ARRAY_SIZE(a)	  (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define likely(x)	  __builtin_expect(!!(x), 1)
#define unlikely(x)	  __builtin_expect(!!(x), 0)

#endif
