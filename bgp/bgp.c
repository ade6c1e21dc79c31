/* The parts together, in the order in which they need each other: store, RIB, outputs, speaker. The snapshot
 * is read on the thread that starts, before there is another writer. */
#include "bgp/bgp.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bgp/report.h"
#include "bgp/restore.h"
#include "bgp/roster.h"
#include "bgp/speaker.h"
#include "collector/base/clock.h"
#include "collector/base/file.h"
#include "collector/base/readers.h"

#define OTHER_FILES 128 /* descriptors that are not sessions */

struct bgp {
	struct bgp_config config;
	struct bgp_world world;
	struct bgp_outputs *outputs; /* NULL: none */
	struct speaker *speaker;
	const struct bgp_directory *directory;
	struct text neighbors; /* as last written */
	bool neighbors_written;
	struct log_limit neighbors_limit;
};

bool
bgp_configured(const struct conf *conf)
{
	return conf_bool(conf, CONF_CORE, CONF_bgp_daemon);
}

struct bgp_sources
bgp_sources_of(const struct bgp *b)
{
	return (struct bgp_sources){b->world.rib, b->world.store, &b->directory};
}

static bool
prepare_world(struct bgp *b, const struct conf *conf, char *err, size_t errlen)
{
	struct bgp_world *w = &b->world;
	w->config = &b->config;
	snprintf(err, errlen, "no memory for BGP");
	w->store = bgp_store_new();
	w->rib = w->store ? rib_new(w->store) : NULL;
	if (!w->rib || !bgp_world_counters(w))
		return false;
	if (!bgp_outputs_prepare(&b->outputs, conf, bgp_sources_of(b), w->store, err, errlen))
		return false;
	w->events = bgp_outputs_events(b->outputs);
	b->speaker = speaker_new(w, &b->directory);
	if (!b->speaker)
		snprintf(err, errlen, "no memory for BGP");
	return b->speaker != NULL;
}

struct bgp *
bgp_prepare(const struct conf *conf, char *err, size_t errlen)
{
	struct bgp *b = calloc(1, sizeof(*b));
	if (!b) {
		snprintf(err, errlen, "no memory for BGP");
		return NULL;
	}
	if (bgp_config_read(&b->config, conf, err, errlen) && prepare_world(b, conf, err, errlen))
		return b;
	bgp_free(b);
	return NULL;
}

/* A limit that is too low shows only when the last routers come, so it is said now. */
static void
check_descriptors(const struct bgp_config *c)
{
	struct rlimit limit;
	rlim_t need = (rlim_t)c->max_peers + OTHER_FILES;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
	    limit.rlim_cur >= need)
		return;
	log_warn(
	    "bgp_daemon_max_peers is %u, but the system allows %llu files in all: some %llu peers will find "
	    "room; raise the limit to %llu (LimitNOFILE in the unit file, or ulimit -n)",
	    c->max_peers, (unsigned long long)limit.rlim_cur,
	    (unsigned long long)(limit.rlim_cur > OTHER_FILES ? limit.rlim_cur - OTHER_FILES : 0),
	    (unsigned long long)need);
}

bool
bgp_open_sockets(struct bgp *b, char *err, size_t errlen)
{
	check_descriptors(&b->config);
	return speaker_open(b->speaker, err, errlen) && bgp_outputs_open(b->outputs, err, errlen);
}

/* No snapshot yet is the first start; one that cannot be read is no reason not to collect. */
static void
restore(struct bgp *b)
{
	char err[512];
	const char *path = b->config.snapshot_file;
	uint64_t begun = clock_monotonic_us();
	if (!path || access(path, F_OK) != 0)
		return;
	if (!bgp_restore(&b->world, path, err, sizeof(err)))
		log_warn("bgp_daemon_snapshot_file: %s; what could be read of it is used", err);
	const struct counter_block *t = b->world.totals;
	log_notice(
	    "%llu BGP routes of %llu peers are back from %s, after %.1f s; they leave as peers announce anew",
	    (unsigned long long)counter_read(t, BGP_TOTAL_ROUTES),
	    (unsigned long long)counter_read(t, BGP_TOTAL_STALE), path,
	    (double)(clock_monotonic_us() - begun) / US_PER_S);
}

bool
bgp_start(struct bgp *b, char *err, size_t errlen)
{
	char where[ADDR_TEXT_MAX + 8];
	restore(b);
	if (!bgp_outputs_start(b->outputs, err, errlen) || !speaker_start(b->speaker, err, errlen))
		return false;
	bgp_listening(b, where, sizeof(where));
	log_info("waiting for BGP data on %s", where);
	return true;
}

void
bgp_stop(struct bgp *b)
{
	if (!b)
		return;
	speaker_stop(b->speaker, "the collector is being shut down");
	bgp_outputs_stop(b->outputs);
}

void
bgp_free(struct bgp *b)
{
	if (!b)
		return;
	speaker_free(b->speaker);
	bgp_outputs_free(b->outputs);
	rib_free(b->world.rib);
	bgp_store_free(b->world.store);
	text_free(&b->neighbors);
	free(b);
}

void
bgp_reload(struct bgp *b)
{
	speaker_reload(b->speaker);
}

void
bgp_reopen(struct bgp *b)
{
	bgp_outputs_reopen(b->outputs);
}

/* The file is written here and not by the BGP thread, which must not wait for a disk. */
void
bgp_housekeeping(struct bgp *b)
{
	const char *path = b->config.neighbors_file;
	struct bgp_sources s = bgp_sources_of(b);
	struct text now = {0};
	char err[512];
	uint64_t held;
	if (!path)
		return;
	report_neighbors(&s, &now);
	bool same = b->neighbors_written && now.len == b->neighbors.len &&
		    (now.len == 0 || memcmp(now.data, b->neighbors.data, now.len) == 0);
	if (!same) {
		b->neighbors_written = file_replace(path, now.data, now.len, err, sizeof(err));
		if (!b->neighbors_written && log_allowed(&b->neighbors_limit, &held))
			log_error("bgp_neighbors_file: %s", err);
	}
	text_free(&b->neighbors);
	b->neighbors = now;
}

void
bgp_listening(const struct bgp *b, char *buf, size_t n)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr a = {.q = {0, 0}};
	uint16_t port = b->config.port;
	char text[ADDR_TEXT_MAX] = "0.0.0.0";
	if (getsockname(speaker_listener(b->speaker)->fd, (struct sockaddr *)&ss, &len) == 0)
		(void)addr_from_sockaddr(&a, &port, (struct sockaddr *)&ss);
	if (!addr_is_none(&b->config.address))
		addr_format(text, &a);
	snprintf(buf, n, "%s:%u", text, port);
}

void
bgp_status_json(const struct bgp *b, struct text *json)
{
	struct bgp_sources s = bgp_sources_of(b);
	report_json(&s, &b->world, json);
}

void
bgp_status_text(const struct bgp *b, struct text *out)
{
	struct bgp_sources s = bgp_sources_of(b);
	report_text(&s, &b->world, out);
}

void
bgp_metrics(const struct bgp *b, struct text *out)
{
	struct bgp_sources s = bgp_sources_of(b);
	report_metrics(&s, out);
}
