/* What a daemon does to its surroundings: the private runtime directory, pid files, the background, who it
 * runs as. */
#ifndef FLOWRIB_CORE_RUNTIME_H
#define FLOWRIB_CORE_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/conf/conf.h"

/* The runtime directory: the key runtime_dir, or the default. */
const char *runtime_path(const struct conf *conf);

/* Makes the runtime directory (mode 0700, owned by the user that the daemon will run as). Refuses one that is
 * a link or belongs to somebody else. False with a message. */
bool runtime_directory(const struct conf *conf, char *err, size_t errlen);
/* Likewise the directory of what survives a restart (state_dir), for plugins that need one. */
bool runtime_state_directory(const struct conf *conf, char *err, size_t errlen);

/* Puts the program into the background; the parent exits once the child says that it is up (runtime_ready) or
 * when it ends before. */
bool runtime_daemonize(char *err, size_t errlen);
/* Sets the niceness of this process (proc_priority); scope as in conf. */
void runtime_priority(const struct conf *conf, int scope);
/* In the spawner, before privileges go: lets plugins started later take the niceness that their proc_priority
 * says. */
void runtime_priorities_allow(const struct conf *conf);

/* As many descriptors as the system allows: a thousand TCP sessions need them. */
void runtime_files_allow(void);

/* Tells the waiting parent and the service manager that the daemon works. */
void runtime_ready(void);
/* In the background: lets go of the terminal, which is held as standard error until a process is up. */
void runtime_detach(void);

/* Gives a file made while still root to the user that the daemon will run as. */
void runtime_give(const struct conf *conf, const char *path);

/* Writes this process' pid file (pidfile), which for a plugin ends in -TYPE-NAME; nothing when the key is not
 * set. scope as in conf. False with a message. */
bool runtime_pidfile_write(const struct conf *conf, int scope, char *err, size_t errlen);
void runtime_pidfile_remove(const struct conf *conf, int scope);

#endif
