/* Values of variable length that are lists: routing attributes, labels, segments. Each has two shapes, a JSON
 * array of strings or one text whose parts a character joins (collector/base/textlist.h). */
#include "collector/flow/format_column.h"

#include "collector/base/addr.h"
#include "collector/base/routetext.h"
#include "collector/base/textlist.h"

/* Routing attributes have their text in collector/base/routetext.h; in flows "_" joins their parts. */
#define SHOW(name)                                                                                           \
	char *show_##name(struct format *f, const struct column *c, char *p, const uint8_t *v, size_t len)

SHOW(as_path)
{
	(void)c;
	return put_as_path(p, v, len, '_', f->json && f->o.as_path_as_array);
}

SHOW(std_comm)
{
	(void)c;
	return put_std_comms(p, v, len, '_', f->json && f->o.comms_as_array, f->o.comms_num);
}

SHOW(ext_comm)
{
	(void)c;
	return put_ext_comms(p, v, len, '_', f->json && f->o.comms_as_array);
}

SHOW(lrg_comm)
{
	(void)c;
	return put_lrg_comms(p, v, len, '_', f->json && f->o.comms_as_array);
}

/* "69,24305", or with their place in the stack: ["0-69", "1-24305"]. Labels are 20 bits (RFC 3032),
 * outermost first. */
SHOW(mpls_stack)
{
	(void)c;
	struct textlist l = textlist_open(p, ',', f->json && f->o.mpls_stack_as_array);
	for (; len >= 4; len -= 4, v += 4) {
		l.p = textlist_part(&l);
		if (l.array) {
			l.p = put_u64(l.p, l.n - 1);
			*l.p++ = '-';
		}
		uint32_t label;
		memcpy(&label, v, sizeof(label));
		l.p = put_u64(l.p, label);
	}
	return textlist_close(&l);
}

/* Always an array, and only in JSON: ["0-2001:db8::1", "1-2001:db8::2"]. */
SHOW(segments)
{
	(void)c;
	struct textlist l = textlist_open(p, ',', f->json);
	for (; len >= 16; len -= 16, v += 16) {
		struct addr a = addr_from_v6(v);
		l.p = textlist_part(&l);
		l.p = put_u64(l.p, l.n - 1);
		*l.p++ = '-';
		l.p = addr_format(l.p, &a);
	}
	return textlist_close(&l);
}

/* One "key%value" of n bytes; without a % the value is empty. Both sides are text from a map or another
 * collector, and escaped. */
static char *
put_pair(char *p, const char *s, size_t n)
{
	const char *percent = memchr(s, '%', n);
	size_t key = percent ? (size_t)(percent - s) : n;
	*p++ = '"';
	p = put_json(p, s, key);
	p = put_bytes(p, "\": \"", 4);
	if (percent)
		p = put_json(p, percent + 1, n - key - 1);
	*p++ = '"';
	return p;
}

/* "nkey%NODE,pkey%PLATFORM" as {"nkey": "NODE", "pkey": "PLATFORM"}. What is empty between commas is no pair.
 */
SHOW(label_map)
{
	(void)f;
	(void)c;
	const char *s = (const char *)v, *end = s + len;
	*p++ = '{';
	for (bool first = true; s < end;) {
		const char *comma = memchr(s, ',', (size_t)(end - s));
		const char *stop = comma ? comma : end;
		if (stop > s) {
			p = put_pair(first ? p : put_bytes(p, ", ", 2), s, (size_t)(stop - s));
			first = false;
		}
		s = stop + 1;
	}
	*p++ = '}';
	return p;
}
