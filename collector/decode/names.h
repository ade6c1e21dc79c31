/* Names and numbers that an exporter tells in options data: interface, VRF and application names, and the
 * route distinguisher of a VRF, each under an id. They are the exporter's, whatever domain told them: SNMP
 * indexes, VRF and application ids are the device's. */
#ifndef FLOWRIB_DECODE_NAMES_H
#define FLOWRIB_DECODE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/flow/flow.h"

enum name_kind { NAME_INTERFACE, NAME_VRF, NAME_VRF_RD, NAME_APPLICATION };

struct name {
	struct name *next;
	uint64_t id;
	uint8_t kind;
	uint8_t len;
	uint8_t text[];
};

struct names {
	struct name **bucket; /* a power of two of them */
	unsigned buckets, n;
	uint64_t seed; /* of the hash; set before the first name, kept */
};

/* NULL when unknown. */
const struct name *names_find(const struct names *t, enum name_kind kind, uint64_t id);

/* A name as a flow refers to it: empty when unknown. */
struct flow_bytes names_text(const struct names *t, enum name_kind kind, uint64_t id);

/* Stores a name of at most 255 bytes (longer ones are cut). The old text of an id is freed: the caller makes
 * sure that no flow refers to it any more. False when memory is short. */
bool names_set(struct names *t, enum name_kind kind, uint64_t id, const uint8_t *text, size_t len);
void names_free(struct names *t);

/* Memory that one more name takes. */
size_t names_cost(size_t len);

#endif
