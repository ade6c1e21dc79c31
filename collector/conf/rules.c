/* What two keys together make impossible or pointless. One row per rule: the keys it is about, a test, the
 * words. The rule is reported where its first key was set. Rules run only on a configuration whose single
 * values are all right.
 *
 * They stand here and not where the keys are used, because the operator is to see all faults at once, and
 * before a port is bound. An error is what would give wrong numbers or none; what is merely without effect
 * is a warning. */
#include "collector/conf/settings.h"

struct rule {
	enum severity severity;
	bool per_plugin;
	enum conf_key key;   /* what is to be changed */
	enum conf_key other; /* what it collides with */
	/* True when the rule is broken. scope is CONF_CORE unless per_plugin. */
	bool (*broken)(const struct conf *c, int scope, const struct rule *rule);
	const char *what;
};

/* Is a switch on, is any other key set by the operator? */
static bool
active(const struct conf *c, int scope, enum conf_key key)
{
	if (conf_row(key)->type == CONF_TYPE_BOOL)
		return conf_bool(c, scope, key);
	return conf_is_set(c, scope, key);
}

/* --- tests: true when the rule is broken --- */

/* The plainest rule: two keys that exclude each other. */
static bool
both(const struct conf *c, int scope, const struct rule *rule)
{
	return active(c, scope, rule->key) && active(c, scope, rule->other);
}

/* A key that means nothing without another. */
static bool
only_first(const struct conf *c, int scope, const struct rule *rule)
{
	return active(c, scope, rule->key) && !active(c, scope, rule->other);
}

/* For rules about one kind of plugin. */
static bool
is_type(const struct conf *c, int scope, const char *type)
{
	return strcmp(conf_plugin_type(c, scope), type) == 0;
}

/* In the background standard output is /dev/null: the rows would vanish without a word. */
static bool
print_nowhere(const struct conf *c, int scope, const struct rule *rule)
{
	(void)rule;
	return is_type(c, scope, "print") && conf_bool(c, scope, CONF_daemonize) &&
	       !conf_is_set(c, scope, CONF_print_output_file);
}

/* Only print has these keys; set for all plugins they are no mistake of the others. */
static bool
print_lacks_file(const struct conf *c, int scope, const struct rule *rule)
{
	return is_type(c, scope, "print") && only_first(c, scope, rule);
}

/* A bin cannot begin at midnight and at a Monday unless that is one. */
static bool
day_and_week(const struct conf *c, int scope, const struct rule *rule)
{
	const char *letters = conf_string(c, scope, rule->key);
	/* the value stays text: its letters are all known to be good here */
	return letters && strchr(letters, 'd') && strchr(letters, 'w');
}

/* Formats that pmacct has and this version lacks are words of the row, so that they are refused by what they
 * are and not as typing errors. */
static bool
avro_absent(const struct conf *c, int scope, const struct rule *rule)
{
	int word = conf_word(c, scope, rule->key);
	return is_type(c, scope, "print") && (word == CONF_OUTPUT_AVRO || word == CONF_OUTPUT_AVRO_JSON);
}

static bool
custom_absent(const struct conf *c, int scope, const struct rule *rule)
{
	return is_type(c, scope, "print") && conf_word(c, scope, rule->key) == CONF_OUTPUT_CUSTOM;
}

/* A warning, not an error: a configuration made for BMP should start, and say what is missing. */
static bool
source_absent(const struct conf *c, int scope, const struct rule *rule)
{
	int source = conf_word(c, scope, rule->key);
	return source == CONF_SOURCE_BMP || source == CONF_SOURCE_BGP_LS;
}

static bool
source_off(const struct conf *c, int scope, const struct rule *rule)
{
	return conf_word(c, scope, rule->key) == CONF_SOURCE_BGP && !conf_bool(c, CONF_CORE, rule->other);
}

/* pmacct ignores it there as well. */
static bool
memory_stitches(const struct conf *c, int scope, const struct rule *rule)
{
	return is_type(c, scope, "memory") && conf_bool(c, scope, rule->key);
}

/* Does an instance before this one have the same socket? The second one would take the first one's socket
 * away. */
static bool
same_socket(const struct conf *c, int scope, const struct rule *rule)
{
	for (int i = 0; i < scope; i++)
		if (is_type(c, i, "memory") && is_type(c, scope, "memory") &&
		    strcmp(conf_string(c, i, rule->key), conf_string(c, scope, rule->key)) == 0)
			return true;
	return false;
}

/* Half of the queue, so that one message can be written while one is read. */
static bool
queue_too_small(const struct conf *c, int scope, const struct rule *rule)
{
	return conf_uint(c, scope, rule->key) > conf_uint(c, scope, rule->other) / 2;
}

#define ERROR	SEVERITY_ERROR
#define WARNING SEVERITY_WARNING

static const struct rule rules[] = {
    {ERROR, false, CONF_pcap_savefile, CONF_nfacctd_port, both,
     "read a file or listen on nfacctd_port, not both"},
    {ERROR, false, CONF_pcap_savefile, CONF_nfacctd_ip, both,
     "read a file or listen on nfacctd_ip, not both"},
    {ERROR, false, CONF_pcap_savefile, CONF_nfacctd_tcp_port, both,
     "read a file or listen on nfacctd_tcp_port, not both"},
    {WARNING, false, CONF_pcap_savefile_wait, CONF_pcap_savefile, only_first,
     "no effect without pcap_savefile"},
    {ERROR, true, CONF_nfacctd_stitching, CONF_nfacctd_pro_rating, both,
     "a flow spread over time bins by nfacctd_pro_rating has no first and last time; drop one of the two"},
    {ERROR, true, CONF_sampling_rate, CONF_nfacctd_ext_sampling_rate, both,
     "flows cannot be both sampled here and renormalised by nfacctd_ext_sampling_rate; drop one of the two"},
    {WARNING, true, CONF_nfacctd_stitching, CONF_nfacctd_stitching, memory_stitches,
     "no effect on a memory plugin, which keeps no times"},
    {ERROR, true, CONF_daemonize, CONF_print_output_file, print_nowhere,
     "a print plugin would write to standard output, which is closed then; set print_output_file"},
    {ERROR, true, CONF_print_history_roundoff, CONF_print_history_roundoff, day_and_week,
     "days (d) and weeks (w) exclude each other"},
    {ERROR, true, CONF_print_output, CONF_print_output, avro_absent,
     "Avro is not in this version; json has the same fields, under the same names"},
    {ERROR, true, CONF_print_output, CONF_print_output, custom_absent,
     "libraries that format rows are not loaded; use json and convert what is written, for example in "
     "print_trigger_exec"},
    {ERROR, true, CONF_imt_path, CONF_imt_path, same_socket,
     "another memory plugin has this socket; give each its own, imt_path[plugin]: PATH"},
    {ERROR, true, CONF_plugin_buffer_size, CONF_plugin_pipe_size, queue_too_small,
     "more than half of plugin_pipe_size; a queue must hold at least two buffers"},
    {WARNING, false, CONF_nfacctd_as, CONF_nfacctd_as, source_absent,
     "this source is not in this version; AS numbers stay unknown"},
    {WARNING, true, CONF_nfacctd_net, CONF_nfacctd_net, source_absent,
     "this source is not in this version; prefixes stay unknown"},
    {WARNING, false, CONF_nfacctd_as, CONF_bgp_daemon, source_off,
     "nobody can tell routes without bgp_daemon: true; AS numbers stay unknown"},
    {WARNING, true, CONF_nfacctd_net, CONF_bgp_daemon, source_off,
     "nobody can tell routes without bgp_daemon: true; prefixes stay unknown"},
    {WARNING, true, CONF_networks_no_mask_if_zero, CONF_networks_file_filter, both,
     "networks_file_filter zeroes the addresses that this is to keep"},
    {WARNING, true, CONF_timestamps_rfc9557, CONF_timestamps_since_epoch, both,
     "timestamps_since_epoch decides how times are written"},
    {WARNING, false, CONF_group, CONF_user, only_first, "no effect without user"},
    {WARNING, true, CONF_print_output_file_append, CONF_print_output_file, print_lacks_file,
     "no effect without print_output_file"},
    {WARNING, true, CONF_print_latest_file, CONF_print_output_file, print_lacks_file,
     "no effect without print_output_file"},
};

/* Names the plugin, since the line may stand in the part for all of them. */
static void
explain(const struct conf *c, int scope, const struct rule *rule, const struct setting *s, struct report *r)
{
	const char *name = conf_row(rule->key)->name;
	char key[128];
	if (rule->per_plugin)
		snprintf(key, sizeof(key), "%s (plugin %s)", name, conf_plugin_name(c, scope));
	else
		snprintf(key, sizeof(key), "%s", name);
	conf_report(r, rule->severity, s ? s->origin : ORIGIN_DEFAULT, s ? s->line : 0, key, "%s",
		    rule->what);
}

/* A line that holds for several plugins is told of once. By the setting and not by the text: the same value
 * given to two plugins is two lines to change. */
static void
apply(const struct conf *c, const struct rule *rule, struct report *r)
{
	const struct setting *told = NULL;
	int first = rule->per_plugin ? 0 : CONF_CORE;
	int end = rule->per_plugin ? (int)c->plugin_count : 0;
	for (int scope = first; scope < end; scope++) {
		const struct setting *s = conf_setting(c, scope, rule->key);
		/* tests come before the comparison, so a rule is free to look at other keys than its first */
		if (!rule->broken(c, scope, rule) || (told && s == told))
			continue;
		explain(c, scope, rule, s, r);
		told = s;
	}
}

/* In the order of the rows; a rule sees only values that are right by themselves. */
void
rules_check(const struct conf *c, struct report *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		apply(c, &rules[i], r);
}
