/* Stands in for lg.c in a build without libzmq. */
#include "bgp/output.h"

static bool
lg_prepare(struct bgp_output_env *env, void **self, char *err, size_t errlen)
{
	(void)self;
	if (!conf_bool(env->conf, CONF_CORE, CONF_bgp_daemon_lg))
		return true;
	snprintf(err, errlen,
		 "bgp_daemon_lg: this flowrib was built without ZeroMQ; install libzmq3-dev and configure "
		 "--with-zmq, or leave the key out: flowrib bgp answers the same questions");
	return false;
}

const struct bgp_output bgp_output_lg = {.name = "looking glass", .prepare = lg_prepare};
