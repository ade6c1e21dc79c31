/* The memory table: aggregates held in memory, for a client to ask.
 *
 * One thread absorbs batches into the cache and answers clients between them (memory_server.c), so an entry
 * is never seen half-changed and nobody locks. The table is bounded by imt_max_bytes; records with new keys
 * beyond it are counted, entries that are there go on counting.
 *
 * The plugin is thin on purpose: what a client may ask is in memory_protocol.h, how it is answered in
 * memory_job.c, who may connect in memory_server.c. Those three know nothing of configuration, so that tests
 * and the bench use them with a layout written by hand.
 *
 * imt_buckets and the pools of pmacct have no effect: the table grows in place and no entry is ever moved or
 * dropped for want of a bucket. One bound, in bytes, is what an operator can reason about. */
#include <inttypes.h>

#include "collector/base/clock.h"
#include "collector/base/log.h"
#include "collector/base/rundir.h"
#include "collector/conf/conf.h"
#include "plugins/memory_server.h"
#include "plugins/owner.h"
#include "plugins/plugin.h"

struct memory {
	const struct plugin_setup *setup;
	struct memory_table table;
	struct memory_server *server;
	struct log_limit full;
};

/* imt_path, or NAME.sock in the runtime directory. */
static const char *
socket_path(const struct plugin_setup *setup, char *buf, size_t n)
{
	const char *path = conf_string(setup->conf, setup->index, CONF_imt_path);
	const char *dir = conf_string(setup->conf, CONF_CORE, CONF_runtime_dir);
	char usual[200];
	if (path)
		return path;
	snprintf(buf, n, "%s/%s.sock", dir ? dir : rundir_default(usual, sizeof(usual)), setup->name);
	return buf;
}

/* The socket is opened last: who can connect finds a table. */
static bool
open_server(struct memory *m, struct plugin_host *host)
{
	const struct plugin_setup *setup = m->setup;
	char path[320], err[512];
	struct memory_socket socket = {
	    .path = socket_path(setup, path, sizeof(path)),
	    .umask = (mode_t)conf_uint(setup->conf, setup->index, CONF_files_umask),
	};
	if (owner_configured(setup, &socket.uid, &socket.gid, err, sizeof(err)))
		m->server = memory_server_open(host, &m->table, &socket, err, sizeof(err));
	if (!m->server) {
		log_error("%s", err);
		return false;
	}
	log_info("the table answers at %s", socket.path);
	return true;
}

/* Runs for --check as well, as a user who may lack the right to open the socket: so only what can be judged
 * without opening is judged. */
static bool
memory_check(const struct plugin_setup *setup, char *err, size_t errlen)
{
	char path[320];
	uid_t uid;
	gid_t gid;
	return owner_configured(setup, &uid, &gid, err, errlen) &&
	       memory_socket_path_fits(socket_path(setup, path, sizeof(path)), err, errlen);
}

/* The cache exists before the socket, so the first client already finds a table. On failure everything is
 * undone, since the supervisor logs and starts the process again. */
static void *
memory_start(struct plugin_host *host, const struct plugin_setup *setup)
{
	struct memory *m = calloc(1, sizeof(*m));
	size_t max = conf_uint(setup->conf, setup->index, CONF_imt_max_bytes);
	if (m)
		*m = (struct memory){.setup = setup,
				     .table = {.cache = cache_new(setup->layout, max),
					       .counters = setup->counters,
					       .own = setup->own,
					       .layout = setup->layout,
					       .name = setup->name,
					       .max_bytes = max,
					       .started_us = clock_now_us()}};
	if (!m || !m->table.cache)
		log_error("no memory to start");
	else if (open_server(m, host))
		return m;
	if (m)
		cache_free(m->table.cache);
	free(m);
	return NULL;
}

/* The hot path: one call a batch. The gauges cost two relaxed stores a batch; the warning is limited to one a
 * minute however many records are lost. */
static void
memory_records(void *state, const uint8_t *records, uint32_t n)
{
	struct memory *m = state;
	uint64_t held;
	uint32_t lost = cache_absorb(m->table.cache, records, n);
	m->table.records += n;
	memory_table_count(&m->table);
	if (unlikely(lost)) {
		counter_add(m->setup->counters, PLUGIN_OVERFLOW, lost);
		if (log_allowed(&m->full, &held))
			log_warn("the table is full at %" PRIu64
				 " entries: records with new keys are only counted; "
				 "raise imt_max_bytes, aggregate less finely, or erase the table regularly",
				 cache_entries(m->table.cache));
	}
}

/* Nothing is written out: the table is memory, and ends with its process. */
static void
memory_stop(void *state)
{
	struct memory *m = state;
	memory_server_close(m->server);
	cache_free(m->table.cache);
	free(m);
}

const struct plugin_ops memory_plugin = {
    .type = "memory",
    .help = "a table in memory that the client flowrib asks",
    .check = memory_check,
    .start = memory_start,
    .records = memory_records,
    .stop = memory_stop,
    .counters = table_counter_desc,
    .counter_count = TABLE_COUNTERS,
};
