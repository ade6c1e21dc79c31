/* See world.h: the rows of the totals. */
#include "bgp/world.h"

#define TOTAL(name, labels, help)                                                                            \
	{                                                                                                    \
		name, labels, help, COUNTER_SUM                                                              \
	}
#define GAUGE(name, help)                                                                                    \
	{                                                                                                    \
		name, NULL, help, COUNTER_GAUGE                                                              \
	}

static const struct counter_desc totals[BGP_TOTALS] = {
    [BGP_TOTAL_ESTABLISHED] = GAUGE("bgp_established", "BGP sessions that are established"),
    [BGP_TOTAL_OPENING] = GAUGE("bgp_opening", "BGP sessions that are not established yet"),
    [BGP_TOTAL_STALE] = GAUGE("bgp_peers_stale", "BGP peers with stale routes"),
    [BGP_TOTAL_ROUTES] = GAUGE("bgp_routes", "Routes of all BGP peers"),
    [BGP_TOTAL_LONGEST_TURN] =
	GAUGE("bgp_longest_turn_microseconds", "Longest time that a BGP session had to wait for its turn"),
    [BGP_TOTAL_ACCEPTED] = TOTAL("bgp_connections", NULL, "BGP connections accepted"),
    [BGP_TOTAL_SESSIONS] = TOTAL("bgp_sessions", NULL, "BGP sessions that became established"),
    [BGP_TOTAL_REFUSED_DENIED] =
	TOTAL("bgp_connections_refused", "reason=\"not_in_allow_file\"", "BGP connections refused"),
    [BGP_TOTAL_REFUSED_FULL] = TOTAL("bgp_connections_refused", "reason=\"max_peers\"", NULL),
    [BGP_TOTAL_REFUSED_OPENING] = TOTAL("bgp_connections_refused", "reason=\"too_many_opening\"", NULL),
    [BGP_TOTAL_REFUSED_COLLISION] = TOTAL("bgp_connections_refused", "reason=\"collision\"", NULL),
    [BGP_TOTAL_REFUSED_ID] = TOTAL("bgp_connections_refused", "reason=\"identifier_in_use\"", NULL),
    [BGP_TOTAL_REFUSED_DESCRIPTORS] = TOTAL("bgp_connections_refused", "reason=\"no_descriptors\"", NULL),
    [BGP_TOTAL_REFUSED_MEMORY] = TOTAL("bgp_connections_refused", "reason=\"no_memory\"", NULL),
    [BGP_TOTAL_CLOSED_BY_PEER] =
	TOTAL("bgp_sessions_closed", "reason=\"closed_by_peer\"", "BGP sessions and connections that ended"),
    [BGP_TOTAL_CLOSED_NOTIFIED] = TOTAL("bgp_sessions_closed", "reason=\"notification_of_peer\"", NULL),
    [BGP_TOTAL_CLOSED_TRANSPORT] = TOTAL("bgp_sessions_closed", "reason=\"transport\"", NULL),
    [BGP_TOTAL_CLOSED_SILENT] = TOTAL("bgp_sessions_closed", "reason=\"no_open\"", NULL),
    [BGP_TOTAL_CLOSED_HOLD] = TOTAL("bgp_sessions_closed", "reason=\"hold_timer\"", NULL),
    [BGP_TOTAL_CLOSED_NOT_READING] = TOTAL("bgp_sessions_closed", "reason=\"peer_does_not_read\"", NULL),
    [BGP_TOTAL_CLOSED_HEADER] = TOTAL("bgp_sessions_closed", "reason=\"header\"", NULL),
    [BGP_TOTAL_CLOSED_OPEN] = TOTAL("bgp_sessions_closed", "reason=\"open\"", NULL),
    [BGP_TOTAL_CLOSED_FSM] = TOTAL("bgp_sessions_closed", "reason=\"unexpected_message\"", NULL),
    [BGP_TOTAL_CLOSED_UPDATE] = TOTAL("bgp_sessions_closed", "reason=\"update\"", NULL),
    [BGP_TOTAL_CLOSED_REFRESH] = TOTAL("bgp_sessions_closed", "reason=\"route_refresh\"", NULL),
    [BGP_TOTAL_CLOSED_LIMIT] = TOTAL("bgp_sessions_closed", "reason=\"max_prefixes\"", NULL),
    [BGP_TOTAL_CLOSED_MEMORY] = TOTAL("bgp_sessions_closed", "reason=\"no_memory\"", NULL),
    [BGP_TOTAL_CLOSED_REPLACED] = TOTAL("bgp_sessions_closed", "reason=\"replaced\"", NULL),
    [BGP_TOTAL_CLOSED_ENDING] = TOTAL("bgp_sessions_closed", "reason=\"shutdown\"", NULL),
    [BGP_TOTAL_MESSAGES_IN] = TOTAL("bgp_messages", NULL, "BGP messages received"),
    [BGP_TOTAL_BYTES_IN] = TOTAL("bgp_bytes", NULL, "Bytes received in BGP sessions"),
    [BGP_TOTAL_UPDATES_IN] = TOTAL("bgp_updates", NULL, "BGP UPDATE messages received"),
    [BGP_TOTAL_ANNOUNCED] = TOTAL("bgp_prefixes_announced", NULL, "Prefixes that BGP peers announced"),
    [BGP_TOTAL_WITHDRAWN] = TOTAL("bgp_prefixes_withdrawn", NULL, "Prefixes that BGP peers withdrew"),
    [BGP_TOTAL_TREATED_AS_WITHDRAWN] =
	TOTAL("bgp_prefixes_treated_as_withdrawn", NULL,
	      "Prefixes withdrawn because their attributes were malformed (RFC 7606)"),
    [BGP_TOTAL_FAMILIES_DISABLED] =
	TOTAL("bgp_families_disabled", NULL,
	      "Address families no more read in a session, their NLRI being malformed (RFC 7606)"),
    [BGP_TOTAL_PREFIXES_REFUSED] =
	TOTAL("bgp_prefixes_refused", NULL, "Prefixes not taken, being beyond bgp_daemon_max_prefixes"),
    [BGP_TOTAL_NOTIFICATIONS_OUT] = TOTAL("bgp_notifications_sent", NULL, "NOTIFICATION messages sent"),
};

/* The rows of faults are made of their names, which attr.c has. */
static struct counter_block *
add_faults(void)
{
	static struct counter_desc rows[BGP_FAULTS];
	static char labels[BGP_FAULTS][48];
	for (unsigned i = 0; i < BGP_FAULTS; i++) {
		const char *name = bgp_fault_rows[i].name ? bgp_fault_rows[i].name : "none";
		snprintf(labels[i], sizeof(labels[i]), "kind=\"%s\"", name);
		rows[i] = (struct counter_desc){"bgp_malformed", labels[i],
						i ? NULL : "Malformed attributes and NLRI in UPDATE messages",
						COUNTER_SUM};
	}
	return counters_add(rows, BGP_FAULTS, "");
}

bool
bgp_world_counters(struct bgp_world *w)
{
	w->totals = counters_add(totals, BGP_TOTALS, "");
	w->faults = add_faults();
	return w->totals && w->faults;
}

bool
bgp_may_log(struct log_limit *limit, char *held, size_t n)
{
	uint64_t more;
	if (!log_allowed(limit, &more))
		return false;
	held[0] = '\0';
	if (more)
		snprintf(held, n, " (and %llu like it not logged)", (unsigned long long)more);
	return true;
}
