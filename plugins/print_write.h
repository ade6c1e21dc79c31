/* The writing half of the print plugin: one purge's rows, formatted and put into their files. It runs on a
 * thread of its own, so that records are absorbed meanwhile, and shares nothing with the other half while it
 * runs. */
#ifndef FLOWRIB_PLUGINS_PRINT_WRITE_H
#define FLOWRIB_PLUGINS_PRINT_WRITE_H

#include "collector/base/text.h"
#include "collector/flow/cache.h"
#include "collector/flow/format.h"
#include "collector/flow/timebin.h"
#include "collector/base/outfile.h"
#include "collector/base/outname.h"
#include "plugins/preprocess.h"
#include "plugins/purge.h"
#include "plugins/rowname.h"

enum print_marks { PRINT_MARKS_NONE, PRINT_MARKS_TEXT, PRINT_MARKS_JSON };

/* A file written before, known by the hash of its path: to know a late row's file from one that is to be
 * replaced. */
struct print_written {
	uint64_t hash;
	uint64_t time; /* the name's time, seconds */
};
#define PRINT_WRITTEN_MAX 4096

struct print_writer {
	const struct layout *layout;
	const char *plugin; /* the instance's name: in markers and in temporary files */
	struct format *format;
	struct preprocess preprocess;
	bool to_stdout;
	struct outname name;
	bool has_latest;
	struct outname latest;
	bool append;
	bool write_empty;
	enum print_marks marks;
	int lock_fd; /* locked while writing to standard output; -1: none */
	struct outfile_owner owner;
	bool has_bins;
	struct timebin bin;    /* of the rows, when there are bins */
	uint64_t refresh;      /* seconds */
	uint64_t started;      /* when this process began, seconds since the epoch */
	struct rowname values; /* of a row, for its file's name */
	bool stdout_begun;
	int give_up;	      /* readable: do not wait for slow readers and locks any longer; -1: wait */
	uint64_t last_cutoff; /* of the purge before, seconds; 0: there was none */
	struct print_written *written; /* ring of PRINT_WRITTEN_MAX */
	unsigned written_next;
};

/* Writes out job->cache and fills in the results. The caller frees cache and kept. */
void print_write(struct print_writer *w, struct purge_job *job);
void print_writer_free(struct print_writer *w);

#endif
