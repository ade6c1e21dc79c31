/* What the decoder's unit tests have in common: a decoder whose flows are collected, messages built by
 * builder.h and fed to it as one exporter's. Each test program has its own copy. */
#ifndef FLOWRIB_DECODE_FIXTURE_H
#define FLOWRIB_DECODE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "collector/decode/builder.h"
#include "collector/decode/exporter.h"

#define T0 1700000000u
#define US 1000000ull

/* What came out, and what is to go in. */
static struct flow got[512];
static unsigned got_n;
static struct builder b;

static inline void
sink(void *ctx, struct flow_batch *batch)
{
	(void)ctx;
	for (unsigned i = 0; i < batch->n; i++)
		memcpy(&got[got_n++ % ARRAY_SIZE(got)], flow_at(batch, i), batch->extent);
}

static inline struct flow_needs
all_needs(void)
{
	struct flow_needs n = {.extent = 0};
	flow_need(&n, 0, sizeof(struct flow));
	return n;
}

static inline struct decoder *
start(const struct decode_options *o)
{
	static const struct decode_options none;
	struct flow_needs needs = all_needs();
	char err[100];

	counters_init();
	got_n = 0;
	memset(got, 0, sizeof(got));
	struct decoder *d = decoder_new(o ? o : &none, &needs, sink, NULL, NULL, err, sizeof(err));
	assert_non_null(d);
	return d;
}

static inline struct addr
ip(const char *text)
{
	struct addr a;
	assert_true(addr_parse(&a, text));
	return a;
}

static inline void
feed_from(struct decoder *d, const char *from)
{
	struct datagram dg = {.data = b.data, .len = b.len, .port = 2055, .arrival_us = (T0 + 5) * US};
	dg.from = ip(from);
	decoder_datagram(d, &dg);
	decoder_flush(d);
}

static inline void
feed(struct decoder *d)
{
	feed_from(d, "192.0.2.1");
}

static inline uint64_t
count(const struct decoder *d, enum decode_counter c)
{
	return counter_read(decoder_counters(d), c);
}

static inline void
assert_addr(struct addr a, const char *text)
{
	char have[ADDR_TEXT_MAX];
	addr_format(have, &a);
	assert_string_equal(have, text);
}

/* A template and what is fed next, in version 9 or 10. */
static inline void
begin(unsigned version, uint32_t sequence)
{
	if (version == 9)
		b_v9(&b, 100000, T0, sequence, 1);
	else
		b_ipfix(&b, T0, sequence, 1);
}

static inline void
finish(struct decoder *d)
{
	if (b.data[1] == 10)
		b_ipfix_end(&b);
	feed(d);
}

#endif
