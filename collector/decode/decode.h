/* The decoder: datagrams in, flows out.
 *
 * One decoder belongs to one source thread and shares nothing with others; an exporter must always reach the
 * same decoder, since templates, sampling rates and sequence numbers are kept per exporter. Exporters are
 * told apart by their address, not by their port, because many change it; observation domains (IPFIX), source
 * ids (v9) and engines (v5) are kept apart below the exporter. Exporters that hide behind one translated
 * address are thus one exporter to us, and two of them using the same domain id would overwrite each other's
 * templates: give them different domain ids, or translate to different addresses.
 *
 * Nothing here waits, exits or calls the system; logging is limited to one line a minute per reason. */
#ifndef FLOWRIB_DECODE_DECODE_H
#define FLOWRIB_DECODE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/addr.h"
#include "collector/base/counters.h"
#include "collector/base/text.h"
#include "collector/flow/custom.h"
#include "collector/flow/flow.h"
#include "collector/flow/primitive.h"

/* A datagram (NetFlow, IPFIX over UDP or from a capture) or one IPFIX message cut from a TCP stream by the
 * header's length field. data stays the caller's and must stay valid and unchanged until the next
 * decoder_flush(), because flows may point into it. */
struct datagram {
	const uint8_t *data;
	size_t len;
	struct addr from;
	uint16_t port;	     /* host byte order; for messages to people only */
	uint32_t session;    /* 0: UDP; otherwise the id given to decoder_session_open() */
	uint64_t arrival_us; /* microseconds since the epoch */
};

/* A custom primitive fed by an information element (aggregate_primitives, field_type). */
struct decode_custom {
	uint32_t pen;
	uint16_t id;
	uint16_t occurrence;	   /* 1: the first time a template names this element, 2: the second, ... */
	uint16_t offset;	   /* in struct flow: width bytes, or a struct flow_bytes */
	uint16_t width;		   /* bytes; 0: variable length */
	enum custom_semantics sem; /* CUSTOM_UINT is stored in host byte order, all else as it came, cut or
				      filled with zeros to width */
};

/* Zero means "off" or, where a default is named, that default. */
struct decode_options {
	bool renormalize;	      /* multiply packets and bytes by the rate, then report rate 1 */
	uint32_t ext_sampling_rate;   /* replaces what exporters say */
	bool account_options;	      /* option records become flows of kind FLOW_KIND_OPTION */
	bool time_secs;		      /* NetFlow v1, v5, v7: header and flow times count seconds */
	bool disable_opt_scope_check; /* options apply to the whole domain, whatever scope they name */
	bool ignore_exporter_address; /* do not take IE 130 and 131 for the exporter's address */
	bool pre_processing_checks;   /* drop sets whose padding is not zero */
	bool asa_bi_flow;	      /* IE 231 to bytes, IE 232 to packets */
	bool peer_as;		      /* IE 16 and 17 are the neighbours' AS numbers */
	unsigned exporters_max;	      /* default 4096 */
	size_t exporter_max_bytes;    /* templates, names, waiting data of one exporter; default 8 MiB */
	unsigned template_timeout_s;  /* a template not seen again for so long is forgotten; default 86400 */
	unsigned waiting_timeout_s;   /* data without template is kept so long; default 600 */
	bool waiting_off;	      /* data without template is not kept */
	unsigned exporter_idle_s;     /* a silent exporter is forgotten; default 172800 */
	const struct decode_custom *custom; /* copied */
	unsigned customs;
	const struct custom_list *packet_customs; /* custom primitives out of carried packets; NULL: none.
						     The caller's, must outlive the decoder */
	/* sampling_map: the rate for a flow, 0 when the map has none. Called after all else is decoded, when
	 * the rate is needed. */
	uint32_t (*rate_override)(void *ctx, const struct flow *f);
	void *rate_ctx;
};

struct decoder;

/* --- decoder.c --- */

/* A decoder that hands flows to sink, FLOW_BATCH_MAX or fewer at a time. needs is copied. Registers the
 * decoder's counters with the given labels (may be NULL), so call it before processes fork. NULL with a
 * message in err. */
struct decoder *decoder_new(const struct decode_options *o, const struct flow_needs *needs, flow_sink *sink,
			    void *ctx, const char *labels, char *err, size_t errlen);

/* Decodes one datagram; calls the sink whenever the batch is full. */
void decoder_datagram(struct decoder *d, const struct datagram *dg);

/* Hands a partial batch to the sink. Call at the end of a receive batch, before its buffers are reused. */
void decoder_flush(struct decoder *d);

/* Forgets what is too old: templates, waiting data, silent exporters. Call about once a second, between
 * batches; now_us is in the time of datagrams (microseconds since the epoch). */
void decoder_tick(struct decoder *d, uint64_t now_us);

void decoder_free(struct decoder *d);

/* The decoder's counter block, for tests and status. Rows are those of counter.h. */
const struct counter_block *decoder_counters(const struct decoder *d);

/* An IPFIX session over TCP: its templates live as long as it does (RFC 7011, 8.4), apart from those of the
 * same exporter over UDP. id is the caller's, never 0, unique among open sessions. */
void decoder_session_open(struct decoder *d, uint32_t id, const struct addr *from);
void decoder_session_close(struct decoder *d, uint32_t id, const struct addr *from);

/* --- store.c --- */

/* Appends this decoder's UDP templates to out as JSON objects separated by commas (no brackets, so that
 * several decoders can be joined into one array); returns how many. Call on the decoder's thread. */
unsigned decoder_templates_save(struct decoder *d, struct text *out);

/* True when templates or rates changed since the last save. */
bool decoder_templates_changed(const struct decoder *d);

/* Reads a file written that way, with the brackets. Templates already known are kept as they are. False with
 * a message when the file cannot be read or is not such a file; a missing file is no error. */
bool decoder_templates_load(struct decoder *d, const char *path, char *err, size_t errlen);

/* --- status.c --- */

/* Appends a JSON array: one object per exporter with its domains, templates, sampling rates, losses and
 * waiting data. Call on the decoder's thread. */
void decoder_status(const struct decoder *d, struct text *out);

#endif
