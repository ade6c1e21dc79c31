/* Setters that are not about time (those stand in times.c). */
#include "collector/decode/setters.h"

#include "collector/base/wire.h"
#include "collector/decode/record.h"
#include "collector/flow/flow.h"

/* One byte, or two of which the upper four bits are TCP's data offset and not to be looked at (RFC 7125). The
 * destination is a counter of 8 bytes, or one byte of a tunnel's outer header. */
void
set_tcp_flags(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	uint64_t flags = load_be(src, len) & 0x0fff;

	if (dst == &r->flow->tunnel_tcp_flags)
		*dst = (uint8_t)flags;
	else
		memcpy(dst, &flags, sizeof(flags));
}

/* The status is one byte. Where the element is sent with four, as it was first defined, some exporters put
 * the byte at the end, as an integer has it, and some in front. */
void
set_fwd_status(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	(void)r;
	*dst = src[len - 1] ? src[len - 1] : src[0];
}

/* 0 ingress, 1 egress (RFC 5102); others are "unknown". The scratch value is one more, so that 0 is
 * "absent". */
void
set_direction(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	uint64_t v = load_be(src, len);

	*dst = (uint8_t)(v < 2 ? v + 1 : 3);
	r->flow->sampling_direction = (uint8_t)(v == 0 ? 'i' : v == 1 ? 'e' : 'u');
}

/* Label (20 bits), traffic class (3), bottom of stack (1); of four bytes the last is the TTL (RFC 3032, 2.1).
 * All zero means that the stack does not reach so deep. */
void
set_mpls(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	uint32_t entry = (uint32_t)load_be(src, 3);
	uint32_t v = entry ? 1u << 31 | entry : 0;

	(void)r;
	(void)len;
	/* scratch members need not be aligned */
	memcpy(dst, &v, sizeof(v));
}

/* Kept as one number in host order: type in the upper 16 bits (RFC 4364, 4.2). Zero is no distinguisher. */
void
set_rd(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	uint64_t rd = load_be64(src);

	(void)len;
	memcpy(dst, &rd, sizeof(rd));
	if (rd)
		r->flow->mpls_vpn_rd_origin = RD_ORIGIN_FLOW;
}

uint64_t
application_id(const uint8_t *src, size_t len)
{
	size_t n = len - 1 < 7 ? len - 1 : 7;
	return (uint64_t)src[0] << 56 | load_be(src + len - n, n);
}

/* The same form as options_learn() stores names under. */
void
set_application(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	uint64_t id = application_id(src, len);

	(void)r;
	memcpy(dst, &id, sizeof(id));
}

/* IE 351: the type stands in the top byte, 1 for VXLAN and 2 for NVGRE, the id in the lower three. */
void
set_segment_id(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	uint32_t id = (uint32_t)load_be(src + 5, 3);

	(void)dst;
	(void)len;
	if (src[0] == 1)
		r->flow->vxlan = id;
	else if (src[0] == 2)
		r->flow->nvgre = id;
}

/* A named selector, even one of 0, is told from none at all. */
void
set_selector(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	uint64_t id = load_be(src, len);

	memcpy(dst, &id, sizeof(id));
	r->s.selector_seen = 1;
}

/* A float64, or a float32 as its reduced form (RFC 7011, 6.2). */
void
set_double(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	/* other lengths between 4 and 8 say nothing */
	double v = 0;

	(void)r;
	if (len == 8) {
		uint64_t bits = load_be64(src);
		memcpy(&v, &bits, sizeof(v));
	} else if (len == 4) {
		uint32_t bits = load_be32(src);
		float f;
		memcpy(&f, &bits, sizeof(f));
		v = (double)f;
	}
	memcpy(dst, &v, sizeof(v));
}

/* No copy: the packet stays in the datagram. Which of several frame elements is taken is settled by rank. */
void
set_frame(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	(void)dst;
	r->s.frame = src;
	r->s.frame_len = (uint32_t)len;
}

/* 313 begins with the IP header and has no link layer. */
void
set_frame_ip(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	set_frame(r, dst, src, len);
	r->s.frame_kind = FRAME_IP;
}

/* 316 begins with the label stack; where it is long enough the packet below follows (RFC 7133). */
void
set_frame_mpls(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	set_frame(r, dst, src, len);
	r->s.frame_kind = FRAME_MPLS;
}

/* 314 may stand beside 313, which then holds the IP header only. */
void
set_payload(struct record *r, uint8_t *dst, const uint8_t *src, size_t len)
{
	(void)dst;
	r->s.payload = src;
	r->s.payload_len = (uint32_t)len;
}
