/* What reaches collector/flow from outside as text or as packed records. The first byte chooses:
 * 0: aggregate; 1: a line of aggregate_primitives; 2: records from a queue of another process, by a layout
 * with fixed and variable values; others: a value of the primitive of that number, which must fit into the
 * bytes given and keep its width. */
#include "collector/flow/custom.h"
#include "collector/flow/layout.h"
#include "collector/flow/value.h"

#define TEXT_MAX 600

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
aggregate(const char *text, char *err, size_t errlen)
{
	struct aggregate a, again;
	char back[4096];
	struct layout l;

	if (!aggregate_parse(&a, text, err, errlen))
		return;
	aggregate_format(&a, back, sizeof(back));
	check(aggregate_parse(&again, back, err, errlen) && again.n == a.n);
	check(memcmp(a.id, again.id, a.n * sizeof(a.id[0])) == 0);
	check(layout_compile(&l, &a, &(struct layout_options){true, true}, err, errlen));
}

static void
custom(const char *line, char *err, size_t errlen)
{
	static struct custom_list list;
	unsigned n = list.n;

	bool good = custom_load_line(&list, line, err, errlen);
	check(good || (list.n == n && *err));
}

/* Walks whatever layout_records_valid lets through. */
static void
records(const uint8_t *data, size_t n, char *err, size_t errlen)
{
	struct aggregate a;
	struct layout l;

	check(aggregate_parse(&a, "src_port,proto,as_path,label,flows", err, errlen));
	check(layout_compile(&l, &a, &(struct layout_options){.time_bins = true}, err, errlen));
	for (uint32_t count = 0; count < 4; count++) {
		if (!layout_records_valid(&l, data, n, count))
			continue;
		const uint8_t *p = data;
		for (uint32_t i = 0; i < count; i++, p += layout_record_size(&l, p))
			for (unsigned f = 0; f < l.fields; f++) {
				size_t len;
				const uint8_t *v = layout_value(&l, &l.field[f], p, &len);
				check(v >= p && v + len <= p + layout_key_size(&l, p));
			}
		check(p == data + n);
	}
}

static void
value(const struct primitive *p, const char *text, char *err, size_t errlen)
{
	size_t cap = strlen(text) % 100, len = 0;
	uint8_t *out = malloc(cap + 1); /* of just that size, so that writing further shows */

	check(out != NULL);
	bool good = value_parse(p, text, out, cap, &len, err, errlen);
	check(good ? len <= cap : *err != '\0');
	check(!good || p->flags & PRIMITIVE_VLEN || len == p->width);
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char text[TEXT_MAX + 1], err[300] = "";

	if (n < 1 || n > TEXT_MAX)
		return 0;
	memcpy(text, data + 1, n - 1);
	text[n - 1] = '\0';
	if (data[0] == 0)
		aggregate(text, err, sizeof(err));
	else if (data[0] == 1)
		custom(text, err, sizeof(err));
	else if (data[0] == 2)
		records(data + 1, n - 1, err, sizeof(err));
	else
		value(primitive_get((primitive_id)((data[0] - 3u) % primitive_count())), text, err,
		      sizeof(err));
	return 0;
}
