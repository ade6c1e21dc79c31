/* Networks files by path. Loaded before the source threads exist, exchanged by the control thread
 * afterwards; threads see the contents through const pointers only and never through this list. */
#include "collector/core/netfiles.h"

#include "collector/base/log.h"

#define FILES_MAX 64

static struct {
	struct {
		const char *path; /* the configuration's */
		struct networks *contents;
	} file[FILES_MAX];
	unsigned n;
} files;

/* The line is pmacct's to the letter: scripts wait for it. */
static void
told_loaded(const char *path, const struct networks *contents)
{
	log_info("[%s] map successfully (re)loaded.", path);
	log_debug("[%s] %zu networks", path, networks_count(contents));
}

/* Several plugins that name one file share its contents; a full table is too large to have twice. */
static const struct networks *
file_load(const char *path, char *err, size_t errlen)
{
	for (unsigned i = 0; i < files.n; i++)
		if (strcmp(files.file[i].path, path) == 0)
			return files.file[i].contents;
	if (files.n == FILES_MAX) {
		snprintf(err, errlen, "networks_file: more than %d different files", FILES_MAX);
		return NULL;
	}
	struct networks *contents = networks_load(path, err, errlen);
	if (contents) {
		told_loaded(path, contents);
		files.file[files.n].path = path;
		files.file[files.n++].contents = contents;
	}
	return contents;
}

/* The sources that a key names, or those that are meant when it is not set. Words that mean routing are
 * accepted; rules.c warns that nothing supplies it. */
static bool
sources_of(uint8_t *sources, const struct conf *conf, int scope, enum conf_key key, uint8_t otherwise,
	   char *err, size_t errlen)
{
	char what[256];
	const char *text = conf_string(conf, scope, key);
	*sources = otherwise;
	if (!text || network_sources_parse(sources, text, what, sizeof(what)))
		return true;
	snprintf(err, errlen, "%s: %s", conf_row(key)->name, what);
	return false;
}

/* nfacctd_as is of the program, nfacctd_net may differ between plugins; pmacct has it so. */
bool
netfiles_policy(struct network_policy *p, const struct conf *conf, int scope, char *err, size_t errlen)
{
	const char *path = conf_string(conf, scope, CONF_networks_file);
	*p = (struct network_policy){
	    .mask = (uint8_t)conf_uint(conf, scope, CONF_networks_mask),
	    .file_filter = conf_bool(conf, scope, CONF_networks_file_filter),
	    .file_no_lpm = conf_bool(conf, scope, CONF_networks_file_no_lpm),
	    .no_mask_if_zero = conf_bool(conf, scope, CONF_networks_no_mask_if_zero),
	    .use_ip_next_hop = conf_bool(conf, CONF_CORE, CONF_use_ip_next_hop),
	};
	if (!sources_of(&p->net, conf, scope, CONF_nfacctd_net, NETWORK_FLOW, err, errlen) ||
	    !sources_of(&p->as, conf, CONF_CORE, CONF_nfacctd_as, NETWORK_FLOW, err, errlen))
		return false;
	/* last: a fault above should not cost the reading of a full table */
	if (path)
		p->file = file_load(path, err, errlen);
	return !path || p->file;
}

/* What is wanted does not count: looking up more than a plugin asked for does not change what it gets. */
bool
netfiles_same_policy(const struct network_policy *a, const struct network_policy *b)
{
	return a->net == b->net && a->as == b->as && a->mask == b->mask && a->file_filter == b->file_filter &&
	       a->file_no_lpm == b->file_no_lpm && a->no_mask_if_zero == b->no_mask_if_zero &&
	       a->use_ip_next_hop == b->use_ip_next_hop && a->file == b->file &&
	       a->keep_peer_src_as == b->keep_peer_src_as;
}

/* The old contents are freed only when every thread let go of them; when one did not answer in time they
 * are kept for good, which costs memory and nothing else. */
void
netfiles_reload(netfiles_replace *replace, void *ctx)
{
	char err[512];
	for (unsigned i = 0; i < files.n; i++) {
		/* file by file: two full tables at once are what memory must hold, not twice all of them */
		struct networks *old = files.file[i].contents;
		log_info("[%s] (re)loading map.", files.file[i].path);
		struct networks *fresh = networks_load(files.file[i].path, err, sizeof(err));
		if (!fresh) {
			log_error("networks_file: %s; keeping the contents in use", err);
			continue;
		}
		files.file[i].contents = fresh;
		/* true: no thread uses the old ones any more */
		if (replace(ctx, old, fresh))
			networks_free(old);
		told_loaded(files.file[i].path, fresh);
	}
}
