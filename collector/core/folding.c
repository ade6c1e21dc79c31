#include "collector/core/folding.h"

static const enum conf_key keys[LIST_KINDS] = {
    [LIST_PORTS] = CONF_ports_file,
    [LIST_PROTOS] = CONF_protos_file,
    [LIST_TOS] = CONF_tos_file,
};

void
folding_free(struct folding *f)
{
	transform_free(f->transform);
	for (unsigned i = 0; i < LIST_KINDS; i++)
		list_free(f->list[i]);
	*f = (struct folding){0};
}

bool
folding_load(struct folding *f, const struct conf *conf, int scope, char *err, size_t errlen)
{
	*f = (struct folding){0};
	for (unsigned i = 0; i < LIST_KINDS; i++) {
		char what[384];
		const char *path = conf_string(conf, scope, keys[i]);
		if (!path || (f->list[i] = list_load(path, (enum list_kind)i, what, sizeof(what))))
			continue;
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
