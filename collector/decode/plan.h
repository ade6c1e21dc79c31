/* Plans: a template compiled into the operations that turn one of its records into a struct flow.
 *
 * What can be decided once is decided when the template arrives: which fields anybody needs, where they
 * stand, whether their lengths fit, which of several sources of one value is used. A record is then a walk
 * over a short list of operations. Records of fixed length need no look at any length at all; in records with
 * variable-length fields (RFC 7011, 7) these are found first, and every field is addressed from the run of
 * fixed fields it stands in.
 *
 * On processors with byte shuffles (plan_ssse3.c) the plain moves are merged further, into one load, one
 * shuffle and one "or" for each 16 bytes of record and flow that meet; this about halves the time. */
#ifndef FLOWRIB_DECODE_PLAN_H
#define FLOWRIB_DECODE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/decode/element.h"
#include "collector/decode/record.h"
#include "collector/flow/flow.h"

struct decode_options;

/* A field as the template has it. */
struct field {
	uint32_t pen;
	uint16_t id;
	uint16_t len;
};

enum plan_kind {
	OP_U8, /* same width in record and flow */
	OP_U16,
	OP_U32,
	OP_U64,
	OP_U16_U32,
	OP_U32_U64,
	OP_UINT, /* any length up to 8 into any width */
	OP_ADDR4,
	OP_ADDR6,
	OP_MAC,
	OP_RAW,	  /* the first bytes, up to width */
	OP_BYTES, /* a struct flow_bytes */
	OP_TEXT,  /* the same, up to the first NUL */
	OP_CALL,
	OP_TIME_S, /* seconds, milliseconds since the epoch into microseconds */
	OP_TIME_MS,
	OP_UPTIME, /* sysUptime into microseconds since the epoch, when the header has one */
	OP_FIX6,   /* an address moved by a shuffle: "::" gets its stored form */
};

/* When an operation applies. */
enum plan_cond {
	COND_ALWAYS,
	COND_EMPTY,  /* nothing but zeros at the destination, and something else in the field */
	COND_SOURCE, /* the field is not zero */
	COND_V4, /* the record's ipVersion (IE 60) says so, or is neither 4 nor 6 and the field not zero */
	COND_V6,
};

struct plan_op {
	uint8_t kind;
	uint8_t cond;
	uint8_t base; /* enum element_base */
	uint8_t var;  /* the field is of variable length: number seg of these */
	uint16_t seg; /* the run of fixed fields it stands in */
	uint16_t src; /* offset there */
	uint16_t len; /* of the field */
	uint16_t dst;
	uint16_t width; /* of the destination */
	element_setter *set;
};

struct shuffle;

struct plan {
	uint16_t len;	    /* bytes of a record; with variable fields the least */
	uint16_t vars;	    /* fields of variable length */
	uint16_t *run;	    /* vars + 1 lengths of the runs of fixed fields around them */
	struct plan_op *op; /* ops, then reverse operations, then what is left beside the shuffle */
	uint16_t ops, reverses, rests;
	uint32_t finish;		   /* FINISH_BIT()s */
	bool scratch;			   /* some operation writes the scratch record */
	bool rate_fields;		   /* a record says something about its sampling */
	bool columns;			   /* the rest may run operation by operation, not record by record */
	bool uptimes;			   /* some of the rest need the header's sysUptime */
	bool need_end;			   /* somebody reads timestamp_end */
	uint8_t kind;			   /* enum flow_kind of its records */
	uint16_t features;		   /* those that follow from the template alone */
	uint64_t flows;			   /* 1 unless the template counts flows itself */
	uint16_t version_seg, version_src; /* of IE 60, for COND_V4 and COND_V6 */
	uint16_t refused;		   /* fields left out because of their length */
	struct shuffle *shuffle;	   /* NULL: none */
	size_t bytes;			   /* memory held */
};

/* What a plan is compiled for. */
struct plan_env {
	const struct decode_options *o;
	const struct flow_needs *needs;
	uint32_t wants;	 /* WANT_* */
	bool no_shuffle; /* for tests and measuring */
};

/* Compiles n fields, whose lengths sum up to at most 65535 and hold no more than PLAN_VARIABLE_MAX variable
 * ones. options: the records are option records. NULL when memory is short. */
struct plan *plan_new(const struct plan_env *env, const struct field *field, unsigned n, bool options);
void plan_free(struct plan *p);

/* The bits of enum want that needs asks for. */
uint32_t plan_wants(const struct decode_options *o, const struct flow_needs *needs);

/* Runs n operations on r, whose seg and var have been set. */
void plan_run(struct record *r, const struct plan_op *op, unsigned n);

/* Runs n operations on each of count records of len bytes, whose flows stand FLOW_STRIDE apart: one operation
 * on all records, then the next. For plans that say they may (columns). */
void plan_run_columns(struct record *r, const struct plan_op *op, unsigned n, uint8_t *flow,
		      const uint8_t *rec, size_t len, unsigned count);

/* --- plan_ssse3.c, plan_portable.c --- */

/* Takes what it can out of the operations of p into a shuffle program; false when it cannot do any. rest
 * receives the operations that remain, *rests their number. */
bool shuffle_compile(struct plan *p, size_t extent, struct plan_op *rest, uint16_t *rests);
void shuffle_free(struct shuffle *s);
/* Bytes from the beginning of a record that shuffle_run() reads: more than the record may have. */
size_t shuffle_reach(const struct shuffle *s);
/* Puts the constant parts of addresses into the flow that every record begins as; begin false: takes them out
 * again. */
void shuffle_prepare(const struct shuffle *s, struct flow *proto, bool begin);
/* n flows, FLOW_STRIDE apart, from n records of len bytes each: proto with the fields moved in. proto is
 * readable, and flows writable, up to the extent rounded up to 16 bytes; records up to shuffle_reach() from
 * the last one's beginning. */
void shuffle_run(const struct shuffle *s, uint8_t *flow, const uint8_t *proto, const uint8_t *rec, size_t len,
		 unsigned n);

#endif
