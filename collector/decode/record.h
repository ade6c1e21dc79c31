/* One record on its way from bytes to struct flow: what setters and finishing steps see. */
#ifndef FLOWRIB_DECODE_RECORD_H
#define FLOWRIB_DECODE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/flow/flow.h"

struct decoder;
struct domain;
struct plan;
struct template;

/* The header of a message, whatever its version. */
struct message {
	struct decoder *d;
	struct exporter *exporter;
	struct domain *domain;
	uint16_t version;
	uint8_t engine_type, engine_id;
	uint32_t sequence;
	uint32_t sysid;
	uint32_t uptime;    /* sysUptime of the header, in units of uptime_us */
	uint32_t uptime_us; /* microseconds a unit: 1000, or 1000000 with time_secs; 0: the header has none */
	uint64_t export_us; /* header time */
	uint64_t arrival_us; /* when it was received */
	uint32_t rate;	     /* of the header (v5), 0 unknown */
	const uint8_t *end;  /* of the message's bytes: nothing is read from here on */
};

/* Values that only mean something together; cleared for each record of a plan that writes them. */
struct scratch {
	/* sampling */
	uint64_t selector;	/* 302, 48 */
	uint32_t selector_seen; /* set when the record names a selector */
	uint32_t interval;	/* 34, 50: one in so many */
	uint64_t packet_interval, packet_space;
	uint64_t time_interval, time_space;
	uint64_t size, population;
	double probability;
	/* times */
	uint64_t uptime_first, uptime_last; /* milliseconds since boot, plus one so that 0 is "absent" */
	uint64_t init_us;		    /* boot, since the epoch */
	uint64_t duration_us;
	uint64_t observed_us;
	/* labels as they came, and whether: bit 31 */
	uint32_t mpls[FLOW_MPLS_MAX];
	/* VLANs: ids, and the direction plus one */
	uint16_t vlan_in, vlan_out, dot1q_in, dot1q_out;
	uint8_t direction;
	/* a carried packet */
	const uint8_t *frame;
	uint32_t frame_len;
	uint32_t frame_size; /* on the wire, when told */
	uint16_t frame_type; /* 408 */
	uint8_t frame_kind;  /* enum frame_kind */
	/* what follows the IP header, carried on its own */
	const uint8_t *payload;
	uint32_t payload_len;
	uint32_t section_offset; /* 409: bytes of the header that the carried part leaves out */
	uint64_t delay_sum;
};

#define PLAN_VARIABLE_MAX 64

/* With what a carried packet begins. */
enum frame_kind { FRAME_LINK, FRAME_IP, FRAME_MPLS };

struct record {
	const struct message *m;
	const struct plan *plan;
	struct flow *flow;
	uint32_t finish; /* steps for records of this set */
	struct scratch s;
	const uint8_t *seg[PLAN_VARIABLE_MAX + 1]; /* where each run of fixed fields begins */
	const uint8_t *var[PLAN_VARIABLE_MAX];	   /* the variable-length fields' bytes */
	uint16_t var_len[PLAN_VARIABLE_MAX];
};

/* --- record.c --- */

/* Runs the steps of mask over a record whose fields have been read. */
void record_finish(struct record *r, uint32_t mask);

/* Turns the copy of a flow round: source and destination, input and output, and no counters. */
void record_turn(struct flow *f);

#endif
