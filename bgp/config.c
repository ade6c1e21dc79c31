/* See config.h. Defaults that depend on other keys are found here; all others stand in the rows. */
#include "bgp/config.h"

#include <limits.h>
#include <unistd.h>

#include "bgp/proto.h"
#include "collector/base/clock.h"
#include "collector/base/wire.h"

/* In the order of the words of bgp_daemon_max_prefixes_action. */
enum { ACTION_DROP, ACTION_IGNORE };

static bool
is_any(const struct addr *a)
{
	static const struct addr v4_any = {.b = {[10] = 0xff, [11] = 0xff}};
	return addr_is_none(a) || addr_is_v6_any(a) || addr_equal(a, &v4_any);
}

/* As pmacct does it: bgp_daemon_id, else the address listened on, when either is an IPv4 one, else a value
 * that is at least not zero. */
static uint32_t
read_id(const struct conf *conf, const struct addr *listening)
{
	struct addr a;
	if (conf_addr(conf, CONF_CORE, CONF_bgp_daemon_id, &a) && addr_is_v4(&a) && !is_any(&a))
		return load_be32(a.b + 12);
	if (addr_is_v4(listening))
		return load_be32(listening->b + 12);
	return 0x01020304;
}

static void
read_host(char *host, size_t n)
{
	if (gethostname(host, n) < 0)
		host[0] = '\0';
	host[n - 1] = '\0';
	host[strcspn(host, ".")] = '\0';
}

static void
read_transport(struct bgp_config *c, const struct conf *conf)
{
	if (!conf_addr(conf, CONF_CORE, CONF_bgp_daemon_ip, &c->address) || is_any(&c->address))
		c->address = (struct addr){.q = {0, 0}};
	c->port = (uint16_t)conf_uint(conf, CONF_CORE, CONF_bgp_daemon_port);
	c->interface = conf_string(conf, CONF_CORE, CONF_bgp_daemon_interface);
	c->ipv6_only = conf_bool(conf, CONF_CORE, CONF_bgp_daemon_ipv6_only);
	c->receive_buffer = conf_uint(conf, CONF_CORE, CONF_bgp_daemon_pipe_size);
	c->precedence = (unsigned)conf_uint(conf, CONF_CORE, CONF_bgp_daemon_ipprec);
	c->hops = (unsigned)conf_uint(conf, CONF_CORE, CONF_bgp_daemon_ttl_security);
	c->allow_file = conf_string(conf, CONF_CORE, CONF_bgp_daemon_allow_file);
	c->md5_file = conf_string(conf, CONF_CORE, CONF_bgp_daemon_md5_file);
}

bool
bgp_config_read(struct bgp_config *c, const struct conf *conf, char *err, size_t errlen)
{
	*c = (struct bgp_config){0};
	read_transport(c, conf);
	read_host(c->host, sizeof(c->host));
	c->neighbors_file = conf_string(conf, CONF_CORE, CONF_bgp_neighbors_file);
	c->snapshot_file = conf_string(conf, CONF_CORE, CONF_bgp_daemon_snapshot_file);
	c->id = read_id(conf, &c->address);
	c->as = (uint32_t)conf_uint(conf, CONF_CORE, CONF_bgp_daemon_as);
	c->add_path = !conf_bool(conf, CONF_CORE, CONF_bgp_daemon_add_path_ignore);
	c->id_check = !conf_bool(conf, CONF_CORE, CONF_bgp_disable_router_id_check);
	c->max_peers = (unsigned)conf_uint(conf, CONF_CORE, CONF_bgp_daemon_max_peers);
	c->batch = (unsigned)conf_uint(conf, CONF_CORE, CONF_bgp_daemon_batch);
	c->batch_us = conf_uint(conf, CONF_CORE, CONF_bgp_daemon_batch_interval) * US_PER_S;
	c->max_prefixes = conf_uint(conf, CONF_CORE, CONF_bgp_daemon_max_prefixes);
	c->max_prefixes_ignore =
	    conf_word(conf, CONF_CORE, CONF_bgp_daemon_max_prefixes_action) == ACTION_IGNORE;
	c->stale_us = conf_uint(conf, CONF_CORE, CONF_bgp_daemon_stale_time) * US_PER_S;
	if (c->as == BGP_AS_TRANS) {
		snprintf(err, errlen,
			 "bgp_daemon_as: %u stands for four-octet numbers (RFC 6793), no AS has it; "
			 "give your own, or none",
			 BGP_AS_TRANS);
		return false;
	}
	if (c->ipv6_only && addr_is_v4(&c->address)) {
		snprintf(err, errlen, "bgp_daemon_ipv6_only contradicts the IPv4 address of bgp_daemon_ip");
		return false;
	}
	return true;
}
