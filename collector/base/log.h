/* The log.
 *
 * One line per event: level, the process and plugin that speaks, then the message, which names what, where
 * and what to do. Destinations are stderr, a file (reopened on SIGHUP) or syslog. Nothing on the path of a
 * record logs; what can repeat with the traffic goes through a struct log_limit, which lets one line a minute
 * pass and counts the rest. */
#ifndef FLOWRIB_BASE_LOG_H
#define FLOWRIB_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct log_config {
	const char *file;   /* NULL: stderr */
	const char *syslog; /* facility name such as "daemon", or NULL */
	const char *ident;  /* syslog identifier, NULL: the program's name */
	bool timestamps;    /* prefix lines on stderr with the time; files always have it */
	bool debug;
};

/* Opens the destination. Strings are copied. On failure writes why to err (errlen bytes) and keeps logging to
 * stderr. */
bool log_open(const struct log_config *c, char *err, size_t errlen);

/* In a process forked from one that logs: its own wish for debug lines, and its own facility and identifier
 * when c names a facility. The file, if there is one, stays the common one. */
void log_vary(const struct log_config *c);

/* Reopens a log file after rotation (SIGHUP). Safe to call when logging elsewhere. */
void log_reopen(void);
/* Gives the log file to the user that the daemon will run as, so that it can be opened anew. */
void log_give(uid_t uid, gid_t gid);

/* Who speaks from now on in this process: "default/core", "foo/print". Copied. */
void log_set_name(const char *name);

/* True when debug lines are wanted: ask before building an expensive one. */
bool log_debug_enabled(void);

void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_error(...)	log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)	log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_notice(...) log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)	log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                                                                       \
	do {                                                                                                 \
		if (log_debug_enabled())                                                                     \
			log_line(LOG_LEVEL_DEBUG, __VA_ARGS__);                                              \
	} while (0)

/* A gate for messages that traffic can cause: at most one a minute passes. Zero-initialise; one per reason
 * and place. */
struct log_limit {
	uint64_t next_us; /* monotonic microseconds; before this nothing passes */
	uint64_t held;	  /* how many were held back since the last line */
};

/* True when a line may be written now; then *held tells how many were not written since the last one. */
bool log_allowed(struct log_limit *limit, uint64_t *held);

#endif
