/* Exporters and what is known of each: domains, templates, sampling rates, names, sequence numbers.
 *
 * decoder ── exporter (by address) ── domain (by version, id and session) ── template (by id)
 *                                            ├─ samplers (by selector, by interface, of the whole domain)
 *                                            └─ names (interfaces, VRFs, applications)
 *
 * All memory that an exporter can make us hold is charged to it (exporter_charge) and bounded. */
#ifndef FLOWRIB_DECODE_EXPORTER_H
#define FLOWRIB_DECODE_EXPORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/log.h"
#include "collector/base/wire.h"
#include "collector/decode/counter.h"
#include "collector/decode/decode.h"
#include "collector/decode/names.h"
#include "collector/decode/plan.h"
#include "collector/decode/sampling.h"
#include "collector/decode/sequence.h"

struct template
{
	struct template *next;
	uint16_t id;
	uint16_t fields;
	uint16_t scopes; /* how many of the fields are the scope, options only */
	bool options;
	uint64_t seen_us;  /* when it was last announced */
	uint64_t records;  /* decoded with it */
	struct plan *plan; /* NULL: option records nobody accounts */
	uint16_t min_len;  /* of a record */
	struct field field[];
};

#define TEMPLATE_BUCKETS 16

struct domain {
	struct domain *next;
	uint32_t id;
	uint32_t session;
	uint16_t version;
	uint64_t seen_us; /* when its last message came */
	struct template *bucket[TEMPLATE_BUCKETS];
	unsigned templates;
	struct sequence sequence;
	struct samplers samplers;
	uint64_t init_us;	    /* boot time from options (IE 160) */
	struct addr agent;	    /* exporter address from options (IE 130, 131) */
	uint64_t datagrams, octets; /* of all messages of the domain, headers included */
	uint64_t records;
	uint64_t rate_unknown; /* records that passed while no rate was known */
};

/* A data set that waits for its template. */
struct waiting {
	struct waiting *next;
	uint64_t since_us;
	struct message m; /* exporter and domain in it are valid as long as the exporter */
	uint16_t set_id;
	uint16_t len;
	uint8_t data[];
};

/* What a list of them may hold, so that walking it is never long. */
#define DOMAINS_MAX 1024
#define WAITING_MAX 4096

struct exporter {
	struct exporter *next;
	struct addr addr;
	uint64_t seen_us;
	size_t bytes;		/* charged */
	struct domain *domains; /* the one used last stands first */
	unsigned domain_count;
	struct names names;
	struct waiting *waiting, **waiting_tail; /* oldest first */
	unsigned waiting_count;
	/* told by any domain, for those that tell nothing themselves */
	struct samplers samplers;
	struct addr agent;
	bool agents_differ; /* a proxy for several exporters: domains speak for themselves only */
	uint64_t init_us;
	uint64_t datagrams, records;
	uint64_t drops[DROPS];
};

#define EXPORTER_BUCKETS 1024

struct decoder {
	struct decode_options o;
	struct decode_custom *custom;
	struct flow_needs needs;
	struct plan_env env;
	flow_sink *sink;
	void *sink_ctx;
	struct flow_batch batch;
	struct counter_block *counters;
	struct log_limit limit[DROPS];
	struct exporter *bucket[EXPORTER_BUCKETS];
	struct exporter *last; /* of the datagram before */
	unsigned exporters;
	uint64_t hash_seed;
	bool templates_changed;
	uint64_t ticked_us;
	struct template *fixed[3]; /* v1, v5, v7 */
	struct record record;
	/* how every record of the current set begins; shuffles read it in steps of 16 bytes */
	struct {
		struct flow flow;
		uint8_t tail[16];
	} proto;
};

static inline void
decoder_count(struct decoder *d, enum decode_counter c, uint64_t n)
{
	counter_add(d->counters, c, n);
}

/* --- exporter.c --- */

/* The exporter of that address, made when new; NULL when there are too many. */
struct exporter *exporter_get(struct decoder *d, const struct addr *a, uint64_t now_us);
/* The one that exists, or NULL. */
struct exporter *exporter_find(struct decoder *d, const struct addr *a);
void exporter_free(struct decoder *d, struct exporter *x);

/* Charges n more bytes to x; false when that is too much. */
bool exporter_charge(struct decoder *d, struct exporter *x, size_t n);
static inline void
exporter_release(struct exporter *x, size_t n)
{
	x->bytes = x->bytes > n ? x->bytes - n : 0;
}

/* Counts a message of len bytes that found its exporter and domain. */
static inline void
domain_heard(struct exporter *x, struct domain *dom, size_t len)
{
	x->datagrams++;
	dom->datagrams++;
	dom->octets += len;
}

struct domain *domain_get(struct decoder *d, struct exporter *x, uint16_t version, uint32_t id,
			  uint32_t session, uint64_t now_us);
void domain_free(struct decoder *d, struct exporter *x, struct domain *dom);

/* Counts one thing dropped, and logs it with exporter and domain at most once a minute per reason. x and dom
 * may be NULL. */
void drop(struct decoder *d, struct exporter *x, const struct domain *dom, const struct addr *from,
	  enum decode_counter reason);
void drop_message(const struct message *m, enum decode_counter reason);

/* --- template.c --- */

struct template *template_find(const struct domain *dom, uint16_t id);
/* Parses template records of a set (RFC 3954, 5.2; RFC 7011, 3.4) and compiles what is new. */
void template_set(const struct message *m, struct wire *set, bool options);
/* Takes a template; fields are copied. The same one again only renews its age. False when it was refused. */
bool template_add(const struct message *m, uint16_t id, const struct field *field, unsigned fields,
		  unsigned scopes, bool options);
void template_remove(struct decoder *d, struct exporter *x, struct domain *dom, uint16_t id);
/* Frees all templates, or those of one kind (RFC 7011, 8.1: all templates, all options templates). */
enum template_kind { TEMPLATE_ANY, TEMPLATE_DATA, TEMPLATE_OPTIONS };
unsigned template_remove_all(struct decoder *d, struct exporter *x, struct domain *dom,
			     enum template_kind kind);
unsigned template_expire(struct decoder *d, struct exporter *x, struct domain *dom, uint64_t before_us);
struct template *template_new_fixed(struct decoder *d, const struct field *field, unsigned fields);
void template_free(struct template *t);

/* --- waiting.c --- */

/* Keeps a data set until its template comes. */
void waiting_add(const struct message *m, uint16_t set_id, const uint8_t *data, size_t len);
/* Decodes what waited for this template. */
void waiting_decode(const struct message *m, uint16_t set_id);
/* Drops what waits since before then; UINT64_MAX: all. dom NULL: of all domains. */
void waiting_expire(struct decoder *d, struct exporter *x, const struct domain *dom, uint64_t before_us);

/* --- set.c --- */

/* Sends a batch in progress on its way. */
void batch_flush(struct decoder *d);
/* Decodes the records of a data set with its template; returns how many there were. */
unsigned set_decode(const struct message *m, struct template *t, struct wire *set);
/* The walk over the sets of a v9 or IPFIX message. Returns the number of data records; *uncounted is set when
 * some could not be counted. */
unsigned set_walk(const struct message *m, struct wire *w, bool *uncounted);
/* Compares sequence numbers and counts what they say. */
void message_sequence(const struct message *m, uint32_t units, uint32_t window);

/* --- options.c --- */

/* Learns from one option record. rec has its bytes; r->seg and r->var are set. */
void options_learn(struct record *r, const struct template *t);
/* Stores a rate for the domain, and for others of the exporter that tell none. */
void rate_learn(const struct message *m, enum sampler_scope scope, uint64_t id, struct rate rate);

/* --- netflow5.c, netflow9.c, ipfix.c --- */

void netflow_fixed(struct decoder *d, const struct datagram *dg, uint16_t version);
bool netflow_fixed_init(struct decoder *d);
void netflow9(struct decoder *d, const struct datagram *dg);
void ipfix(struct decoder *d, const struct datagram *dg);

#endif
