/* Lists of ports, protocols and types of service that a plugin wants told apart; everything else becomes
 * one value. A folding is immutable once loaded: source threads read it without a lock, and a reload makes
 * another one and exchanges the pointer between two batches. */
#include "collector/core/folding.h"

#include "collector/base/log.h"

static const enum conf_key keys[LIST_KINDS] = {
    [LIST_PORTS] = CONF_ports_file,
    [LIST_PROTOS] = CONF_protos_file,
    [LIST_TOS] = CONF_tos_file,
};

/* Safe on one that was never loaded. */
void
folding_free(struct folding *f)
{
	transform_free(f->transform);
	for (unsigned i = 0; i < LIST_KINDS; i++)
		list_free(f->list[i]);
	*f = (struct folding){0};
}

/* All lists or none: a plugin that folds ports but not protocols because one file had a fault would write
 * numbers nobody asked for. */
bool
folding_load(struct folding *f, const struct conf *conf, int scope, char *err, size_t errlen)
{
	*f = (struct folding){0};
	for (unsigned i = 0; i < LIST_KINDS; i++) {
		char what[384];
		/* not set: everything of this kind is told apart */
		const char *path = conf_string(conf, scope, keys[i]);
		if (!path)
			continue;
		if ((f->list[i] = list_load(path, (enum list_kind)i, what, sizeof(what)))) {
			log_info("[%s] map successfully (re)loaded.", path);
			continue;
		}
		snprintf(err, errlen, "%s: %s", conf_row(keys[i])->name, what);
		folding_free(f);
		return false;
	}
	struct transform_keys t = {
	    .ports = f->list[LIST_PORTS],
	    .protos = f->list[LIST_PROTOS],
	    .tos = f->list[LIST_TOS],
	    .tos_as_dscp = conf_bool(conf, scope, CONF_tos_encode_as_dscp),
	};
	if (transform_new(&f->transform, &t))
		return true;
	snprintf(err, errlen, "no memory for lists of ports");
	folding_free(f);
	return false;
}
