/* What the fuzz targets of flow exports share: some decoders with different options, an input cut into
 * datagrams, and a sink that touches every byte a flow points to. Datagrams stand in memory of exactly their
 * length, so that a read beyond one is seen. */
#ifndef FLOWRIB_TESTS_FUZZ_FLOW_H
#define FLOWRIB_TESTS_FUZZ_FLOW_H

#include "collector/base/wire.h"
#include "collector/decode/exporter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VARIANTS 8

static volatile uint8_t touched;

static void
touch(const struct flow_bytes *v)
{
	for (uint32_t i = 0; i < v->len; i++)
		touched ^= v->p[i];
}

static void
fuzz_sink(void *ctx, struct flow_batch *batch)
{
	(void)ctx;
	if (batch->n == 0 || batch->n > FLOW_BATCH_MAX)
		abort();
	for (unsigned i = 0; i < batch->n; i++) {
		const struct flow *f = flow_at(batch, i);
		const struct flow_bytes *all[] = {
		    &f->label,	       &f->mpls_label_stack, &f->srv6_seg_ipv6_list,
		    &f->vrf_name,      &f->ingress_vrf_name, &f->egress_vrf_name,
		    &f->in_iface_name, &f->out_iface_name,   &f->class_name,
		    &f->frame,	       &f->custom_var[0],
		};
		for (unsigned j = 0; j < ARRAY_SIZE(all); j++)
			touch(all[j]);
		if (f->mpls_labels > FLOW_MPLS_MAX || f->kind > FLOW_KIND_OPTION)
			abort();
	}
}

static struct decoder *
fuzz_decoder(unsigned variant)
{
	static struct decoder *made[VARIANTS];
	static struct flow_needs all = {.extent = 0}, hot = {.extent = 0};
	static const struct decode_custom custom[] = {
	    {0, 1, 1, offsetof(struct flow, custom), 8, CUSTOM_UINT},
	    {0, 27, 1, offsetof(struct flow, custom) + 8, 16, CUSTOM_IP},
	    {0, 82, 1, offsetof(struct flow, custom_var), 0, CUSTOM_STR},
	};
	struct decode_options o = {
	    .renormalize = variant & 1,
	    .asa_bi_flow = variant & 2,
	    .pre_processing_checks = variant & 2,
	    .account_options = variant & 1,
	    .disable_opt_scope_check = variant & 1,
	    .exporter_max_bytes = 1 << 20,
	    .custom = custom,
	    .customs = variant & 4 ? 0 : ARRAY_SIZE(custom),
	};
	char err[100];

	if (made[variant])
		return made[variant];
	counters_init();
	flow_need(&all, 0, sizeof(struct flow));
	flow_need(&hot, 0, FLOW_HOT_BYTES);
	made[variant] = decoder_new(&o, variant & 4 ? &hot : &all, fuzz_sink, NULL, NULL, err, sizeof(err));
	if (!made[variant])
		abort();
	made[variant]->env.no_shuffle = variant & 2;
	return made[variant];
}

static void
fuzz_datagram(struct decoder *d, const uint8_t *data, size_t len)
{
	struct datagram dg = {.len = len, .port = 1, .arrival_us = 1700000000000000};
	uint8_t *copy = malloc(len ? len : 1);

	addr_parse(&dg.from, "192.0.2.1");
	memcpy(copy, data, len);
	dg.data = copy;
	decoder_datagram(d, &dg);
	decoder_flush(d);
	free(copy);
}

/* Everything the input taught is forgotten, so that each one stands for itself. */
static void
fuzz_end(struct decoder *d)
{
	struct text t = {0};

	decoder_status(d, &t);
	decoder_templates_save(d, &t);
	text_free(&t);
	decoder_tick(d, d->ticked_us + 700 * 1000000ull + 1700000000000000);
	for (unsigned i = 0; i < EXPORTER_BUCKETS; i++)
		while (d->bucket[i])
			exporter_free(d, d->bucket[i]);
	d->ticked_us = 0;
}

#endif
