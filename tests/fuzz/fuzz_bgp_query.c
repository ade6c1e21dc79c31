/* Questions about routes, from the control socket and the looking glass, to a RIB of a few peers.
 *
 * The first byte chooses: a line of words (answered as a table or as JSON), or the parts of a request, which
 * 0xff bytes set apart. */
#include <jansson.h>

#include "bgp/answer.h"
#include "bgp/lgquery.h"
#include "collector/base/routetext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct bgp_store *store;
static struct rib *rib;
static const struct bgp_directory *directory;
static struct bgp_peer peers[2];

static void
announce(struct bgp_peer *p, enum bgp_family family, const char *prefix, const char *rd, uint32_t path_id)
{
	static const uint8_t path[] = {2, 2, 0xf2, 0xfd, 0, 0, 1, 0, 1, 0};
	struct bgp_attrs a = {.present = BGP_HAS_ORIGIN | BGP_HAS_AS_PATH | BGP_HAS_LABEL,
			      .label = 5,
			      .as_path = {path, sizeof(path)}};
	struct bgp_nlri nlri = {.label = 5, .path_id = path_id};
	unsigned added = 0;
	if (!prefix_parse(&nlri.prefix, prefix) || (rd && !rd_parse(&nlri.rd, rd)))
		abort();
	bgp_set_id set = bgp_store_intern(store, &a);
	if (p->add_path >> family & 1)
		rib_announce_path(rib, p->slot, family, &nlri, 1, set, NULL, NULL, &added);
	else
		rib_announce(rib, p->slot, family, &nlri, 1, set, NULL, NULL, &added);
}

static void
make_peer(struct bgp_peer *p, const char *address, uint32_t add_path)
{
	if (!addr_parse(&p->address, address))
		abort();
	p->port = 179;
	p->add_path = add_path;
	p->state = BGP_ESTABLISHED;
	p->slot = rib_slot_open(rib);
	p->stale = RIB_NO_SLOT;
	announce(p, BGP_IPV4_UNICAST, "0.0.0.0/0", NULL, 1);
	announce(p, BGP_IPV4_UNICAST, "10.1.0.0/16", NULL, 1);
	announce(p, BGP_IPV4_UNICAST, "10.1.0.0/16", NULL, 2);
	announce(p, BGP_IPV4_LABELED, "10.1.2.0/24", NULL, 0);
	announce(p, BGP_IPV4_VPN, "10.4.0.0/24", "0:65000:1", 0);
	announce(p, BGP_IPV6_UNICAST, "2001:db8::/32", NULL, 0);
	announce(p, BGP_IPV6_VPN, "2001:db8::/32", "1:192.0.2.1:1", 0);
}

static struct bgp_sources
sources(void)
{
	if (!store) {
		struct bgp_peer *both[] = {&peers[0], &peers[1]};
		store = bgp_store_new();
		rib = rib_new(store);
		readers_join();
		make_peer(&peers[0], "192.0.2.1", 0);
		make_peer(&peers[1], "2001:db8::1", 1 << BGP_IPV4_UNICAST);
		directory = bgp_directory_new(both, 2, true);
	}
	return (struct bgp_sources){.rib = rib, .store = store, .directory = &directory};
}

/* Every line is an object of JSON, or the one line of an error. */
static void
check_lines(const struct text *t)
{
	if (t->len >= 7 && memcmp(t->data, "error: ", 7) == 0)
		return;
	for (size_t at = 0; at < t->len;) {
		const char *line = t->data + at, *end = memchr(line, '\n', t->len - at);
		json_t *j = end ? json_loadb(line, (size_t)(end - line), 0, NULL) : NULL;
		if (!json_is_object(j))
			abort();
		json_decref(j);
		at += (size_t)(end - line) + 1;
	}
}

static void
ask_words(const struct bgp_sources *s, const uint8_t *data, size_t n, bool json)
{
	struct text line = {0}, answer = {0};
	text_add(&line, data, n);
	bgp_query(s, text_cstr(&line), json, &answer);
	if (json)
		check_lines(&answer);
	text_free(&line);
	text_free(&answer);
}

static void
ask_glass(const struct bgp_sources *s, const uint8_t *data, size_t n)
{
	struct bgp_bytes part[BGP_LG_PARTS_MAX];
	struct bgp_lg_reply reply = {0};
	struct bgp_render render = {.with_id = true};
	unsigned parts = 0;
	for (const uint8_t *p = data, *end = data + n; parts < BGP_LG_PARTS_MAX && p <= end;) {
		const uint8_t *stop = p < end ? memchr(p, 0xff, (size_t)(end - p)) : NULL;
		stop = stop ? stop : end;
		part[parts++] = (struct bgp_bytes){p, (uint32_t)(stop - p)};
		p = stop + 1;
	}
	bgp_lg_answer(s, &render, part, parts, &reply);
	if (!reply.parts || reply.end[reply.parts - 1] != reply.text.len)
		abort();
	for (unsigned i = 0; i < reply.parts; i++) {
		size_t at = i ? reply.end[i - 1] : 0;
		json_t *j = json_loadb(reply.text.data + at, reply.end[i] - at, 0, NULL);
		if (!json_is_object(j))
			abort();
		json_decref(j);
	}
	bgp_lg_reply_free(&reply);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bgp_sources s = sources();
	if (n == 0)
		return 0;
	if (data[0] % 3 == 2)
		ask_glass(&s, data + 1, n - 1);
	else
		ask_words(&s, data + 1, n - 1, data[0] % 3 == 1);
	return 0;
}
