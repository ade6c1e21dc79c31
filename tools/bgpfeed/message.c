/* Messages, written front to back; lengths are filled in when the end is known. */
#include "tools/bgpfeed/message.h"

enum { OPTIONAL = 0x80, TRANSITIVE = 0x40, LONG = 0x10 };

static uint8_t *
put8(uint8_t *p, unsigned v)
{
	*p = (uint8_t)v;
	return p + 1;
}

static uint8_t *
put16(uint8_t *p, unsigned v)
{
	return put8(put8(p, v >> 8), v);
}

static uint8_t *
put32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

static uint8_t *
put_bytes(uint8_t *p, const void *bytes, size_t n)
{
	memcpy(p, bytes, n);
	return p + n;
}

/* RFC 4271, 4.1: sixteen octets of ones, length, type. */
static uint8_t *
begin(uint8_t *p, enum bgp_message type)
{
	memset(p, 0xff, 16);
	put8(p + 18, type);
	return p + BGP_HEADER_BYTES;
}

static uint8_t *
finish(uint8_t *start, uint8_t *end)
{
	put16(start + 16, (unsigned)(end - start));
	return end;
}

static uint8_t *
put_family(uint8_t *p, bool v6)
{
	p = put16(p, v6 ? BGP_AFI_IPV6 : BGP_AFI_IPV4);
	return put8(p, BGP_SAFI_UNICAST);
}

static uint8_t *
put_multiprotocol(uint8_t *p, bool v6)
{
	p = put8(put8(p, BGP_CAP_MULTIPROTOCOL), 4);
	p = put16(p, v6 ? BGP_AFI_IPV6 : BGP_AFI_IPV4);
	return put16(p, BGP_SAFI_UNICAST);
}

/* RFC 4724, 3; the families with their forwarding state kept. */
static uint8_t *
put_graceful(uint8_t *p, const struct open_said *o)
{
	p = put8(put8(p, BGP_CAP_GRACEFUL_RESTART), 2 + 4U * (o->v4 + o->v6));
	p = put16(p, (unsigned)o->restart & 0xfff);
	if (o->v4)
		p = put8(put_family(p, false), 0x80);
	if (o->v6)
		p = put8(put_family(p, true), 0x80);
	return p;
}

uint8_t *
message_open(uint8_t *start, const struct open_said *o)
{
	uint8_t *p = begin(start, BGP_OPEN);
	p = put8(p, 4);
	p = put16(p, o->as > UINT16_MAX ? BGP_AS_TRANS : o->as);
	p = put16(p, o->hold);
	p = put32(p, o->id);
	uint8_t *lengths = p; /* of all parameters, and of the one that holds the capabilities */
	p += 3;
	if (o->v4)
		p = put_multiprotocol(p, false);
	if (o->v6)
		p = put_multiprotocol(p, true);
	p = put8(put8(p, BGP_CAP_ROUTE_REFRESH), 0);
	p = put32(put8(put8(p, BGP_CAP_AS4), 4), o->as);
	if (o->restart >= 0)
		p = put_graceful(p, o);
	put8(lengths, (unsigned)(p - lengths - 1));
	put8(lengths + 1, 2);
	put8(lengths + 2, (unsigned)(p - lengths - 3));
	return finish(start, p);
}

uint8_t *
message_keepalive(uint8_t *p)
{
	return finish(p, begin(p, BGP_KEEPALIVE));
}

uint8_t *
message_cease(uint8_t *start, uint8_t subcode)
{
	uint8_t *p = begin(start, BGP_NOTIFICATION);
	return finish(start, put8(put8(p, BGP_ERR_CEASE), subcode));
}

/* Flags, type and a length of two octets only when it takes two. */
static uint8_t *
put_attr(uint8_t *p, unsigned flags, enum bgp_attr_code code, size_t len)
{
	p = put8(put8(p, len > 255 ? flags | LONG : flags), code);
	return len > 255 ? put16(p, (unsigned)len) : put8(p, (unsigned)len);
}

static uint8_t *
put_path(uint8_t *p, const struct said *s)
{
	p = put_attr(p, TRANSITIVE, BGP_ATTR_AS_PATH, s->hops ? 2 + 4 * (size_t)s->hops : 0);
	if (s->hops)
		p = put8(put8(p, 2), s->hops); /* AS_SEQUENCE */
	for (unsigned i = 0; i < s->hops; i++)
		p = put32(p, s->path[i]);
	return p;
}

/* RFC 4760, 3. */
static uint8_t *
put_reach_v6(uint8_t *p, const struct said *s, struct nlri_run run)
{
	struct addr hop = addr_to_v6(&s->next_hop);
	p = put_attr(p, OPTIONAL, BGP_ATTR_MP_REACH, 5 + 16 + run.len);
	p = put8(put_family(p, true), 16);
	p = put8(put_bytes(p, hop.b, 16), 0);
	return put_bytes(p, run.p, run.len);
}

static uint8_t *
put_communities(uint8_t *p, const struct said *s)
{
	if (s->stds)
		p = put_attr(p, OPTIONAL | TRANSITIVE, BGP_ATTR_COMMUNITIES, 4 * (size_t)s->stds);
	for (unsigned i = 0; i < s->stds; i++)
		p = put32(p, s->std[i]);
	if (s->larges)
		p = put_attr(p, OPTIONAL | TRANSITIVE, BGP_ATTR_LARGE_COMMUNITIES, 12 * (size_t)s->larges);
	for (unsigned i = 0; i < s->larges; i++)
		p = put32(put32(put32(p, s->large[i][0]), s->large[i][1]), s->large[i][2]);
	return p;
}

uint8_t *
message_announce(uint8_t *start, const struct said *s, struct nlri_run run)
{
	uint8_t *p = put16(begin(start, BGP_UPDATE), 0), *attrs = p;
	p += 2;
	p = put8(put_attr(p, TRANSITIVE, BGP_ATTR_ORIGIN, 1), 0);
	p = put_path(p, s);
	if (!run.v6)
		p = put_bytes(put_attr(p, TRANSITIVE, BGP_ATTR_NEXT_HOP, 4), s->next_hop.b + 12, 4);
	if (s->has_med)
		p = put32(put_attr(p, OPTIONAL, BGP_ATTR_MED, 4), s->med);
	if (s->has_local_pref)
		p = put32(put_attr(p, TRANSITIVE, BGP_ATTR_LOCAL_PREF, 4), s->local_pref);
	if (run.v6)
		p = put_reach_v6(p, s, run);
	p = put_communities(p, s);
	put16(attrs, (unsigned)(p - attrs - 2));
	if (!run.v6)
		p = put_bytes(p, run.p, run.len);
	return finish(start, p);
}

uint8_t *
message_withdraw(uint8_t *start, struct nlri_run run)
{
	uint8_t *p = begin(start, BGP_UPDATE);
	if (!run.v6) {
		p = put_bytes(put16(p, (unsigned)run.len), run.p, run.len);
		return finish(start, put16(p, 0));
	}
	uint8_t *attrs = p + 2;
	p = put_attr(put16(p, 0) + 2, OPTIONAL, BGP_ATTR_MP_UNREACH, 3 + run.len);
	p = put_bytes(put_family(p, true), run.p, run.len);
	put16(attrs, (unsigned)(p - attrs - 2));
	return finish(start, p);
}

/* RFC 4724, 2. */
uint8_t *
message_end_of_rib(uint8_t *start, bool v6)
{
	return message_withdraw(start, (struct nlri_run){.p = start, .len = 0, .v6 = v6});
}

uint8_t *
nlri_put(uint8_t *p, const struct prefix *prefix)
{
	p = put8(p, prefix->len);
	return put_bytes(p, prefix->addr.b + (addr_is_v4(&prefix->addr) ? 12 : 0), (prefix->len + 7U) / 8);
}
