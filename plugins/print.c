/* The print plugin: aggregates go to files or standard output every refresh time. When they do, and that they
 * are absorbed meanwhile, is purge.h's; which file a row goes to is print_write.h's. Here are the keys.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/base/log.h"
#include "collector/conf/conf.h"
#include "plugins/owner.h"
#include "plugins/print_write.h"
#include "plugins/purge.h"
#include "plugins/trigger.h"

/* What only files have; rows, purges and errors are counted as for every plugin. */
enum print_counter {
	PRINT_FILES,
	PRINT_LATE_ROWS,
	PRINT_DELAYED,
	PRINT_LOST_AT_END,
	PRINT_TRIGGER_FAILURES,
	PRINT_COUNTERS
};

static const struct counter_desc print_counter_desc[PRINT_COUNTERS] = {
    [PRINT_FILES] = {"print_files_written", NULL, "Files a print plugin put in their place", COUNTER_SUM},
    [PRINT_LATE_ROWS] = {"print_late_rows", NULL, "Rows of time bins that an earlier purge had closed",
			 COUNTER_SUM},
    [PRINT_DELAYED] = {"print_delayed_purges", NULL, "Purges that waited for the one before to be written",
		       COUNTER_SUM},
    [PRINT_LOST_AT_END] = {"print_lost_rows", "reason=\"end\"", "Rows a print plugin could not write",
			   COUNTER_SUM},
    [PRINT_TRIGGER_FAILURES] = {"print_trigger_failures", NULL,
				"Trigger programs that could not be run or ended with an error", COUNTER_SUM},
};

/* The writer belongs to the purger's thread while a purge is written. */
struct print {
	struct purger purger;
	const struct plugin_setup *setup;
	struct print_writer writer;
	struct trigger trigger;
};

/* Most keys here are booleans of this instance. */
static bool
flag(const struct plugin_setup *s, enum conf_key key)
{
	return conf_bool(s->conf, s->index, key);
}

/* --- the keys --- */

/* Keys that only change the look of a value are handed on as they are. Formats that need libraries we do not
 * link (avro) are refused by name. */
static struct format *
make_format(const struct plugin_setup *s, char *err, size_t errlen)
{
	/* indexed by the configuration's word; formats that are missing here come last in it */
	static const int kinds[] = {
	    [CONF_OUTPUT_FORMATTED] = FORMAT_FORMATTED,
	    [CONF_OUTPUT_CSV] = FORMAT_CSV,
	    [CONF_OUTPUT_JSON] = FORMAT_JSON,
	    [CONF_OUTPUT_EVENT_FORMATTED] = FORMAT_EVENT_FORMATTED,
	    [CONF_OUTPUT_EVENT_CSV] = FORMAT_EVENT_CSV,
	};
	int output = conf_word(s->conf, s->index, CONF_print_output);
	struct format_options o = {.order = FORMAT_ORDER_PRINT, .event_type = "purge", .stamp_updated = true};

	if (output < 0 || output >= (int)ARRAY_SIZE(kinds)) {
		snprintf(err, errlen,
			 "print_output: '%s' is not supported; use json, csv, formatted, event_csv or "
			 "event_formatted",
			 conf_string(s->conf, s->index, CONF_print_output));
		return NULL;
	}
	o.kind = (enum format_kind)kinds[output];
	o.separator = conf_char(s->conf, s->index, CONF_print_output_separator);
	o.csv_quote = flag(s, CONF_print_output_csv_quote);
	o.num_protos = flag(s, CONF_print_num_protos);
	o.timestamps_secs = flag(s, CONF_timestamps_secs);
	o.timestamps_utc = flag(s, CONF_timestamps_utc);
	o.timestamps_since_epoch = flag(s, CONF_timestamps_since_epoch);
	o.timestamps_rfc9557 = flag(s, CONF_timestamps_rfc9557);
	o.tcpflags_as_array = flag(s, CONF_tcpflags_encode_as_array);
	o.fwd_status_as_string = flag(s, CONF_fwd_status_encode_as_string);
	o.mpls_stack_as_array = flag(s, CONF_mpls_label_stack_encode_as_array);
	o.comms_as_array = flag(s, CONF_bgp_comms_encode_as_array);
	o.comms_num = flag(s, CONF_bgp_comms_num);
	o.as_path_as_array = flag(s, CONF_as_path_encode_as_array);
	o.label_as_map = flag(s, CONF_pre_tag_label_encode_as_map);
	return format_new(s->layout, &o, err, errlen);
}

/* Both names are compiled at the start, so that a wrong letter is found by --check. The name of the link must
 * be the same at every purge, hence no times in it. */
static bool
make_names(struct print_writer *w, const struct plugin_setup *s, char *err, size_t errlen)
{
	const char *file = conf_string(s->conf, s->index, CONF_print_output_file);
	const char *latest = conf_string(s->conf, s->index, CONF_print_latest_file);
	struct conf_span history = conf_span(s->conf, s->index, CONF_print_history);
	struct outname_fixed fixed = {
	    .refresh = conf_uint(s->conf, s->index, CONF_print_refresh_time),
	    .history = history.months ? history.months * 30ULL * 86400 : history.seconds,
	    .post_tag = conf_uint(s->conf, s->index, CONF_post_tag),
	    .post_tag2 = conf_uint(s->conf, s->index, CONF_post_tag2),
	    .utc = flag(s, CONF_timestamps_utc),
	};
	char why[256];

	w->to_stdout = file == NULL;
	if (!file)
		return true;
	if (!outname_parse(&w->name, file, &fixed, why, sizeof(why))) {
		snprintf(err, errlen, "print_output_file: %s", why);
		return false;
	}
	if (!latest)
		return true;
	if (!outname_parse(&w->latest, latest, &fixed, why, sizeof(why))) {
		snprintf(err, errlen, "print_latest_file: %s", why);
		return false;
	}
	w->has_latest = true;
	if (w->latest.time) {
		snprintf(err, errlen, "print_latest_file: '%s' must not have variables of time", latest);
		return false;
	}
	return true;
}

/* Markers of JSON are objects, so that a reader of lines can parse every line. */
static enum print_marks
make_marks(const struct plugin_setup *s)
{
	if (!flag(s, CONF_print_markers))
		return PRINT_MARKS_NONE;
	return conf_word(s->conf, s->index, CONF_print_output) == CONF_OUTPUT_JSON ? PRINT_MARKS_JSON
										   : PRINT_MARKS_TEXT;
}

/* The same bins as the core uses when it puts them into records: both are made of the same keys. They are
 * needed here to know when a bin is over. */
static bool
make_bins(struct print_writer *w, const struct plugin_setup *s, uint64_t now, char *err, size_t errlen)
{
	struct conf_span history = conf_span(s->conf, s->index, CONF_print_history);

	w->has_bins = s->layout->bin_offset != 0 && conf_is_set(s->conf, s->index, CONF_print_history);
	if (!w->has_bins)
		return true;
	return timebin_init(&w->bin, history.seconds, history.months,
			    conf_uint(s->conf, s->index, CONF_print_history_offset),
			    conf_string(s->conf, s->index, CONF_print_history_roundoff), now, err, errlen);
}

/* Everything that can be refused. On failure err says why and nothing is left to free. */
static bool
writer_init(struct print_writer *w, const struct plugin_setup *s, char *err, size_t errlen)
{
	uint64_t now = clock_now_us();
	const char *checks = conf_string(s->conf, s->index, CONF_print_preprocess);
	bool all = conf_word(s->conf, s->index, CONF_print_preprocess_type) == 1;

	*w = (struct print_writer){.layout = s->layout, .plugin = s->name, .lock_fd = -1, .give_up = -1};
	w->append = flag(s, CONF_print_output_file_append);
	w->write_empty = flag(s, CONF_print_write_empty_file);
	w->marks = make_marks(s);
	w->refresh = conf_uint(s->conf, s->index, CONF_print_refresh_time);
	w->started = now / US_PER_S;
	rowname_init(&w->values, s->layout);
	w->format = make_format(s, err, errlen);
	if (w->format && make_names(w, s, err, errlen) &&
	    owner_configured(s, &w->owner.uid, &w->owner.gid, err, errlen) &&
	    make_bins(w, s, now, err, errlen) &&
	    preprocess_parse(&w->preprocess, checks, all, s->layout, err, errlen))
		return true;
	print_writer_free(w);
	return false;
}

/* Everything is built and thrown away again: the check cannot differ from the start. */
static bool
print_check(const struct plugin_setup *s, char *err, size_t errlen)
{
	struct print_writer w;

	if (!writer_init(&w, s, err, errlen))
		return false;
	bool to_stdout = w.to_stdout;
	print_writer_free(&w);
	if (to_stdout && conf_bool(s->conf, CONF_CORE, CONF_daemonize)) {
		snprintf(err, errlen,
			 "print_output_file: needed with daemonize, which leaves no standard output");
		return false;
	}
	return true;
}

/* --- purging --- */

static void
print_job(void *ctx, struct purge_job *job)
{
	struct print *p = ctx;

	print_write(&p->writer, job);
}

/* No file, no trigger: the program has nothing new to work on. */
static void
print_done(void *ctx, const struct purge_job *j)
{
	struct print *p = ctx;

	counter_add(p->setup->own, PRINT_FILES, p->writer.to_stdout ? 0 : j->files);
	counter_add(p->setup->own, PRINT_LATE_ROWS, j->late);
	if (j->files && j->last)
		trigger_fire_last(&p->trigger);
	else if (j->files)
		trigger_fire(&p->trigger);
}

static const struct purge_ops print_purges = {
    .keys = {CONF_print_refresh_time, CONF_print_startup_delay, CONF_print_history_roundoff,
	     CONF_print_cache_max_bytes},
    .rows = {PRINT_DELAYED, PRINT_LOST_AT_END},
    .write = print_job,
    .done = print_done,
};

/* --- the rest of the hooks --- */

static void
print_records(void *state, const uint8_t *records, uint32_t n)
{
	struct print *p = state;

	purger_records(&p->purger, records, n);
}

static void
print_tick(void *state, uint64_t now_us)
{
	struct print *p = state;

	purger_tick(&p->purger, now_us);
}

/* Opened once and kept for all purges; made when it is missing, since whoever comes first must have one to
 * lock. */
static bool
open_lock(struct print *p)
{
	const char *path = conf_string(p->setup->conf, p->setup->index, CONF_print_output_lock_file);

	if (!path || !p->writer.to_stdout)
		return true;
	p->writer.lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (p->writer.lock_fd < 0)
		log_error("print_output_lock_file: cannot open '%s': %s", path, strerror(errno));
	return p->writer.lock_fd >= 0;
}

/* On failure nothing is undone: the process ends, and the kernel does it. */
static bool
print_open(struct print *p, struct plugin_host *host)
{
	const struct plugin_setup *s = p->setup;
	char err[512];

	/* process-wide and once: the writer's thread relies on it */
	umask((mode_t)conf_uint(s->conf, s->index, CONF_files_umask));
	if (!writer_init(&p->writer, s, err, sizeof(err))) {
		log_error("%s", err);
		return false;
	}
	if (!open_lock(p) || !purger_start(&p->purger, host, s, &print_purges, p))
		return false;
	p->writer.give_up = p->purger.give_up_fd;
	return true;
}

static void *
print_start(struct plugin_host *host, const struct plugin_setup *setup)
{
	struct print *p = calloc(1, sizeof(*p));

	if (!p) {
		log_error("no memory to start");
		return NULL;
	}
	p->setup = setup;
	if (!print_open(p, host))
		return NULL; /* the process ends */
	trigger_init(&p->trigger, host, conf_string(setup->conf, setup->index, CONF_print_trigger_exec),
		     flag(setup, CONF_print_trigger_exec_async), setup->own, PRINT_TRIGGER_FAILURES);
	return p;
}

static void
print_stop(void *state)
{
	struct print *p = state;

	purger_stop(&p->purger);
	print_writer_free(&p->writer);
	free(p);
}

static const struct plugin_bins print_bins = {CONF_print_history, CONF_print_history_offset,
					      CONF_print_history_roundoff};

const struct plugin_ops print_plugin = {
    .type = "print",
    .help = "files or standard output: CSV, JSON or columns, every refresh time",
    .check = print_check,
    .start = print_start,
    .records = print_records,
    .tick = print_tick,
    .stop = print_stop,
    .bins = &print_bins,
    .counters = print_counter_desc,
    .counter_count = PRINT_COUNTERS,
};
