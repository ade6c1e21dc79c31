/* Fan-out: what each plugin finds in its queue of flows made by hand. */
#include "collector/core/fanout.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "collector/base/queue.h"
#include "collector/base/text.h"
#include "collector/flow/flow.h"

#define RECORDS_MAX 64
#define SECOND	    1000000ULL

/* A record as read back from a queue. */
struct got {
	char host[ADDR_TEXT_MAX];
	uint64_t bin, packets, bytes, flows, tag;
};

struct rig {
	struct conf *conf;
	struct instances all;
	struct fanout *fanout;
	struct flow_batch batch;
	_Atomic bool stop;
};

static void
rig_open(struct rig *r, const char *lines)
{
	struct text text = {0}, messages = {0};
	struct flow_needs needs = {.extent = 0};
	char err[512] = "";
	memset(r, 0, sizeof(*r));
	text_printf(&text, "nfacctd_port: 2100\n%s", lines);
	r->conf = conf_load_text("f", text.data, text.len, NULL, &messages);
	if (!r->conf)
		fail_msg("%s", text_cstr(&messages));
	unsigned supply = SUPPLY_FLOW | SUPPLY_CLOCK | SUPPLY_MAP;
	if (!instances_prepare(&r->all, r->conf, 1, supply, true, &needs, &messages))
		fail_msg("%s", text_cstr(&messages));
	assert_true(flow_batch_init(&r->batch, &needs));
	r->fanout = fanout_new(&r->all, r->conf, 0, NULL, false, &r->stop, err, sizeof(err));
	if (!r->fanout || !fanout_open(r->fanout, err, sizeof(err)))
		fail_msg("%s", err);
	text_free(&text);
	text_free(&messages);
}

static void
rig_close(struct rig *r)
{
	fanout_close(r->fanout);
	fanout_free(r->fanout);
	flow_batch_free(&r->batch);
	instances_free(&r->all);
	conf_free(r->conf);
}

static struct flow *
add_flow(struct rig *r, const char *src, const char *dst, uint16_t dst_port, uint64_t packets, uint64_t bytes)
{
	struct flow *f = flow_batch_next(&r->batch);
	r->batch.n++;
	assert_true(addr_parse(&f->src_host, src) && addr_parse(&f->dst_host, dst));
	f->proto = 17;
	f->dst_port = dst_port;
	f->packets = packets;
	f->bytes = bytes;
	f->flows = 1;
	f->features = FLOW_HAS_V4;
	return f;
}

static uint64_t
counter_of(const struct layout *l, const uint8_t *record, const char *name)
{
	for (unsigned i = 0; i < l->counters; i++) {
		uint64_t v;
		memcpy(&v, record + layout_key_size(l, record) + i * sizeof(v), sizeof(v));
		if (strcmp(primitive_get(l->counter[i].id)->name, name) == 0)
			return v;
	}
	return 0;
}

static void
read_record(const struct layout *l, const uint8_t *record, struct got *g)
{
	size_t n;
	const struct layout_field *f = layout_find(l, primitive_find("src_host"));
	const struct layout_field *tag = layout_find(l, primitive_find("tag"));
	*g = (struct got){.bin = layout_bin(l, record)};
	if (!f)
		f = layout_find(l, primitive_find("sum_host"));
	if (f) {
		struct addr a;
		const uint8_t *value = layout_value(l, f, record, &n);
		assert_int_equal(n, sizeof(a));
		memcpy(&a, value, sizeof(a));
		addr_format(g->host, &a);
	}
	if (tag)
		memcpy(&g->tag, layout_value(l, tag, record, &n), sizeof(g->tag));
	g->packets = counter_of(l, record, "packets");
	g->bytes = counter_of(l, record, "bytes");
	g->flows = counter_of(l, record, "flows");
}

/* Hands on the batch, then empties the queue of an instance. */
static unsigned
run(struct rig *r, unsigned instance, struct got *got)
{
	const struct instance *in = &r->all.list[instance];
	struct ring *ring = in->setup.rings[0];
	const struct queue_message *m;
	unsigned n = 0;
	if (r->batch.n)
		fanout_sink(r->fanout, &r->batch);
	r->batch.n = 0;
	fanout_flush(r->fanout);
	while ((m = ring_peek(ring)) != NULL) {
		const uint8_t *p = (const uint8_t *)(m + 1);
		for (uint32_t i = 0; i < m->records; i++, p += layout_record_size(&in->layout, p)) {
			assert_true(n < RECORDS_MAX);
			read_record(&in->layout, p, &got[n++]);
		}
		ring_release(ring, m);
	}
	return n;
}

static void
test_each_plugin_gets_its_own(void **state)
{
	(void)state;
	struct rig r;
	struct got got[RECORDS_MAX];
	rig_open(&r,
		 "plugins: memory[a], memory[b]\naggregate[a]: src_host, flows\naggregate[b]: src_host, tag\n"
		 "aggregate_filter[a]: dst port 53\npost_tag[b]: 7\n");
	add_flow(&r, "10.0.0.1", "10.0.0.2", 53, 3, 300);
	add_flow(&r, "10.0.0.3", "10.0.0.4", 80, 5, 500);
	assert_int_equal(run(&r, 0, got), 1);
	assert_string_equal(got[0].host, "10.0.0.1");
	assert_true(got[0].packets == 3 && got[0].bytes == 300 && got[0].flows == 1);
	assert_int_equal(run(&r, 1, got), 2);
	assert_string_equal(got[1].host, "10.0.0.3");
	assert_true(got[0].tag == 7 && got[1].tag == 7 && got[1].bytes == 500);
	assert_int_equal(counter_read(r.all.list[0].queue_counters[0], QUEUE_RECORDS), 1);
	assert_int_equal(counter_read(r.all.list[1].queue_counters[0], QUEUE_RECORDS), 2);
	rig_close(&r);
}

static void
test_sum_counts_both_ends(void **state)
{
	(void)state;
	struct rig r;
	struct got got[RECORDS_MAX];
	rig_open(&r, "plugins: memory[a]\naggregate[a]: sum_host\n");
	add_flow(&r, "10.0.0.1", "10.0.0.2", 53, 3, 300);
	assert_int_equal(run(&r, 0, got), 2);
	assert_string_equal(got[0].host, "10.0.0.1");
	assert_string_equal(got[1].host, "10.0.0.2");
	assert_true(got[0].bytes == 300 && got[1].bytes == 300);
	rig_close(&r);
}

/* 2023-11-14T22:13:20Z is 1700000000; the minute begins at 1699999980. */
static void
test_time_bins(void **state)
{
	(void)state;
	struct rig r;
	struct got got[RECORDS_MAX];
	rig_open(&r, "plugins: print[p]\naggregate[p]: src_host\nprint_history[p]: "
		     "1m\nprint_history_roundoff[p]: m\n");
	struct flow *f = add_flow(&r, "10.0.0.1", "10.0.0.2", 53, 1, 100);
	f->timestamp_start = 1700000000 * SECOND;
	f->timestamp_end = 1700000200 * SECOND;
	f->timestamp_arrival = 1700000300 * SECOND;
	f = add_flow(&r, "10.0.0.2", "10.0.0.2", 53, 1, 100);
	f->timestamp_arrival = 1700000300 * SECOND; /* no start: the arrival, in the minute from 1700000280 */
	assert_int_equal(run(&r, 0, got), 2);
	assert_int_equal(got[0].bin, 1699999980);
	assert_int_equal(got[1].bin, 1700000280);
	rig_close(&r);
}

static void
test_bins_by_arrival(void **state)
{
	(void)state;
	struct rig r;
	struct got got[RECORDS_MAX];
	rig_open(&r,
		 "nfacctd_time_new: true\nplugins: print[p]\naggregate[p]: src_host\nprint_history[p]: 1m\n"
		 "print_history_roundoff[p]: m\n");
	struct flow *f = add_flow(&r, "10.0.0.1", "10.0.0.2", 53, 1, 100);
	f->timestamp_start = 1700000000 * SECOND;
	f->timestamp_arrival = 1700000300 * SECOND;
	assert_int_equal(run(&r, 0, got), 1);
	assert_int_equal(got[0].bin, 1700000280);
	rig_close(&r);
}

/* 100 s from 1700000010 to 1700000110: 30 s in the first minute, 60 in the second, 10 in the third. */
static void
test_pro_rating(void **state)
{
	(void)state;
	struct rig r;
	struct got got[RECORDS_MAX];
	static const uint64_t bin[] = {1699999980, 1700000040, 1700000100}, bytes[] = {3000, 6000, 1000};
	rig_open(&r,
		 "nfacctd_pro_rating: true\nplugins: print[p]\naggregate[p]: src_host\nprint_history[p]: 1m\n"
		 "print_history_roundoff[p]: m\n");
	struct flow *f = add_flow(&r, "10.0.0.1", "10.0.0.2", 53, 100, 10000);
	f->timestamp_start = 1700000010 * SECOND;
	f->timestamp_end = 1700000110 * SECOND;
	assert_int_equal(run(&r, 0, got), 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(got[i].bin, bin[i]);
		assert_int_equal(got[i].bytes, bytes[i]);
		assert_int_equal(got[i].packets, bytes[i] / 100);
	}
	rig_close(&r);
}

/* Nobody reads: what does not fit is counted, and the source never waits. */
static void
test_full_queue_is_counted(void **state)
{
	(void)state;
	struct rig r;
	uint64_t sent = 0;
	rig_open(&r, "plugins: memory[a], memory[b]\naggregate: src_host\nplugin_pipe_size[a]: 65536\n");
	const struct instance *a = &r.all.list[0], *b = &r.all.list[1];
	for (unsigned i = 0; i < 100; i++) {
		for (unsigned k = 0; k < 32; k++, sent++)
			add_flow(&r, "10.0.0.1", "10.0.0.2", 53, 1, 100);
		fanout_sink(r.fanout, &r.batch);
		fanout_flush(r.fanout);
		r.batch.n = 0;
	}
	uint64_t dropped = counter_read(a->queue_counters[0], QUEUE_DROPPED_FULL) +
			   counter_read(a->queue_counters[0], QUEUE_DROPPED_DEAD);
	assert_true(dropped > 0);
	assert_int_equal(dropped + counter_read(a->queue_counters[0], QUEUE_RECORDS), sent);
	assert_int_equal(counter_read(b->queue_counters[0], QUEUE_RECORDS), sent);
	rig_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_plugin_gets_its_own),
	    cmocka_unit_test(test_sum_counts_both_ends),
	    cmocka_unit_test(test_time_bins),
	    cmocka_unit_test(test_bins_by_arrival),
	    cmocka_unit_test(test_pro_rating),
	    cmocka_unit_test(test_full_queue_is_counted),
	};
	setenv("TZ", "UTC", 1);
	if (!counters_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
