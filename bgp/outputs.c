/* Outputs as a list of parts: prepared, opened, started in the order of the rows, stopped in it too. What a
 * part does stands in its own file. */
#include "bgp/output.h"

#include <signal.h>

static const struct bgp_output *const parts[] = {
    &bgp_output_msglog,
    &bgp_output_dump,
    &bgp_output_lg,
    &bgp_output_snapshot,
};

struct bgp_outputs {
	struct bgp_output_env env;
	void *self[ARRAY_SIZE(parts)];
	bool started[ARRAY_SIZE(parts)];
};

bool
bgp_output_is_json(const struct conf *conf, enum conf_key key, char *err, size_t errlen)
{
	char where[256];
	/* json is the first word of the row */
	if (conf_word(conf, CONF_CORE, key) <= 0)
		return true;
	snprintf(err, errlen, "%s: %s: Avro is not in this version; set it to json",
		 conf_where(conf, CONF_CORE, key, where, sizeof(where)), conf_row(key)->name);
	return false;
}

bool
bgp_output_thread(pthread_t *thread, const char *name, void *(*run)(void *), void *arg, char *err,
		  size_t errlen)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int rc = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0) {
		snprintf(err, errlen, "BGP: cannot start the thread %s: %s", name, strerror(rc));
		return false;
	}
	pthread_setname_np(*thread, name);
	return true;
}

static bool
any(const struct bgp_outputs *o)
{
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		if (o->self[i])
			return true;
	return false;
}

bool
bgp_outputs_prepare(struct bgp_outputs **out, const struct conf *conf, struct bgp_sources sources,
		    struct bgp_store *store, char *err, size_t errlen)
{
	struct bgp_outputs *o = calloc(1, sizeof(*o));
	*out = NULL;
	if (!o) {
		snprintf(err, errlen, "BGP: no memory for outputs");
		return false;
	}
	o->env = (struct bgp_output_env){.conf = conf, .sources = sources, .store = store};
	o->env.owner = (struct outfile_owner){
	    .uid = (uid_t)-1,
	    .gid = (gid_t)-1,
	    .mode = 0666 & ~(mode_t)conf_uint(conf, CONF_CORE, CONF_files_umask),
	};
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		if (!parts[i]->prepare(&o->env, &o->self[i], err, errlen)) {
			bgp_outputs_free(o);
			return false;
		}
	if (any(o))
		*out = o;
	else
		bgp_outputs_free(o);
	return true;
}

bool
bgp_outputs_open(struct bgp_outputs *o, char *err, size_t errlen)
{
	for (unsigned i = 0; o && i < ARRAY_SIZE(parts); i++)
		if (o->self[i] && parts[i]->open && !parts[i]->open(o->self[i], err, errlen))
			return false;
	return true;
}

bool
bgp_outputs_start(struct bgp_outputs *o, char *err, size_t errlen)
{
	for (unsigned i = 0; o && i < ARRAY_SIZE(parts); i++) {
		if (!o->self[i])
			continue;
		o->started[i] = true;
		if (!parts[i]->start(o->self[i], err, errlen))
			return false;
	}
	return true;
}

struct bgp_events *
bgp_outputs_events(struct bgp_outputs *o)
{
	return o ? o->env.events : NULL;
}

void
bgp_outputs_reopen(struct bgp_outputs *o)
{
	for (unsigned i = 0; o && i < ARRAY_SIZE(parts); i++)
		if (o->self[i] && parts[i]->reopen)
			parts[i]->reopen(o->self[i]);
}

void
bgp_outputs_stop(struct bgp_outputs *o)
{
	for (unsigned i = 0; o && i < ARRAY_SIZE(parts); i++)
		if (o->started[i]) {
			parts[i]->stop(o->self[i]);
			o->started[i] = false;
		}
}

void
bgp_outputs_free(struct bgp_outputs *o)
{
	if (!o)
		return;
	bgp_outputs_stop(o);
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		if (o->self[i])
			parts[i]->free(o->self[i]);
	free(o);
}
