/* Filters: a frame is made from the flow and libpcap's program runs over it.
 *
 * Compiling to our own predicates was considered: it would save the frame, but libpcap's language is large
 * and operators know its corners. The frame is made by plain stores on the stack, and of the members behind
 * the hot part of struct flow only those are read that the expression can see; which these are is decided
 * once, from the expression's words and the program's loads. */
#include "collector/flow/filter.h"

#include <ctype.h>
#include <netinet/in.h>
#include <pcap/pcap.h>

#define FRAME_MAX   256 /* MACs, 2 tags, 10 labels, IPv6 and TCP headers: 14 + 8 + 40 + 40 + 20 */
#define MACS	    12
#define ETYPE_IPV4  0x0800
#define ETYPE_IPV6  0x86dd
#define ETYPE_VLAN  0x8100
#define ETYPE_MPLS  0x8847
#define MPLS_BOTTOM 0x100
#define TTL	    64

/* Immutable once made, so one filter may serve several source threads. */
struct filter {
	struct bpf_program program;
	bool macs, vlan, mpls, etype, flow_label; /* what the program may see of it */
};

/* True when the expression has the word on its own. Words end at anything but letters and digits; libpcap
 * knows its keywords in lower case only. */
static bool
has_word(const char *expression, const char *word)
{
	size_t n = strlen(word);
	for (const char *s = expression; (s = strstr(s, word)); s += n) {
		bool begins = s == expression || !isalnum((unsigned char)s[-1]);
		if (begins && !isalnum((unsigned char)s[n]))
			return true;
	}
	return false;
}

/* True when the program loads any of the MAC addresses' bytes. Only loads at absolute or indexed places
 * count: BPF_MEM is scratch memory, BPF_LEN the length of the frame. An indexed load may reach further than
 * k, never before it. */
static bool
reads_macs(const struct bpf_program *p)
{
	for (unsigned i = 0; i < p->bf_len; i++) {
		const struct bpf_insn *in = &p->bf_insns[i];
		if (BPF_CLASS(in->code) == BPF_LD && BPF_MODE(in->code) != BPF_IMM &&
		    BPF_MODE(in->code) != BPF_MEM && BPF_MODE(in->code) != BPF_LEN && in->k < MACS)
			return true;
	}
	return false;
}

/* PCAP_NETMASK_UNKNOWN: "broadcast" for IPv4 cannot be decided from a flow and is refused by libpcap, with
 * its own words in err. */
struct filter *
filter_new(const char *expression, char *err, size_t errlen)
{
	struct filter *f = calloc(1, sizeof(*f));
	pcap_t *p = pcap_open_dead(DLT_EN10MB, FRAME_MAX);
	bool ok = f && p && pcap_compile(p, &f->program, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!ok)
		snprintf(err, errlen, "'%s' is no filter: %s", expression,
			 p ? pcap_geterr(p) : "out of memory");
	if (p)
		pcap_close(p);
	if (!ok) {
		free(f);
		return NULL;
	}
	/* A word may stand in the expression without need (a host named vlan): that costs a little, and a tag
	 * in the frame. Constants of the program would be no surer, since 0x8100 is also a port. */
	f->macs = reads_macs(&f->program);
	f->vlan = has_word(expression, "vlan");
	f->mpls = has_word(expression, "mpls");
	/* what names a link-layer protocol may match flows without addresses, which alone have their own
	 * etype in the frame */
	f->etype =
	    has_word(expression, "ether") || has_word(expression, "arp") || has_word(expression, "rarp");
	f->flow_label = has_word(expression, "ip6") && strchr(expression, '[');
	return f;
}

void
filter_free(struct filter *filter)
{
	if (filter)
		pcap_freecode(&filter->program);
	free(filter);
}

/* The hot part that a filter reads is named too: flow_needs also decides what a decoder writes, not only
 * what is cleared. */
void
filter_need(const struct filter *filter, struct flow_needs *needs)
{
	FLOW_NEED(needs, src_host);
	FLOW_NEED(needs, dst_host);
	FLOW_NEED(needs, src_port);
	FLOW_NEED(needs, dst_port);
	FLOW_NEED(needs, proto);
	FLOW_NEED(needs, tos);
	FLOW_NEED(needs, tcp_flags);
	if (filter->vlan) {
		FLOW_NEED(needs, vlan);
		FLOW_NEED(needs, cos);
		FLOW_NEED(needs, in_cvlan);
	}
	if (filter->mpls) {
		FLOW_NEED(needs, mpls_labels);
		FLOW_NEED(needs, mpls_label);
	}
	if (filter->macs) {
		FLOW_NEED(needs, src_mac);
		FLOW_NEED(needs, dst_mac);
	}
	if (filter->etype)
		FLOW_NEED(needs, etype);
	if (filter->flow_label)
		FLOW_NEED(needs, flow_label);
}

/* Both store in network byte order and return the place behind. */
static inline uint8_t *
put16(uint8_t *p, uint16_t v)
{
	v = __builtin_bswap16(v);
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

static inline uint8_t *
put32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

/* The outer tag and the customer's; libpcap takes 0x8100 for both. */
static uint8_t *
put_tags(uint8_t *p, const struct flow *f)
{
	if (f->vlan) {
		p = put16(p, ETYPE_VLAN);
		p = put16(p, (uint16_t)(f->cos << 13 | (f->vlan & 0xfff)));
	}
	if (f->in_cvlan) {
		p = put16(p, ETYPE_VLAN);
		p = put16(p, f->in_cvlan & 0xfff);
	}
	return p;
}

/* RFC 3032; what a decoder kept of the stack. The bottom bit is set by place, not by what was exported. */
static uint8_t *
put_labels(uint8_t *p, const struct flow *f)
{
	unsigned n = f->mpls_labels < FLOW_MPLS_MAX ? f->mpls_labels : FLOW_MPLS_MAX;
	for (unsigned i = 0; i < n; i++)
		p = put32(p, f->mpls_label[i] << 12 | (i + 1 == n ? MPLS_BOTTOM : 0) | TTL);
	return p;
}

/* No options, no fragment: libpcap's "port" looks at both before it looks at ports. */
static uint8_t *
put_ipv4(uint8_t *p, const struct flow *f)
{
	p = put32(p, 0x45000000U | (uint32_t)f->tos << 16 | 40);
	p = put32(p, 0);
	p = put32(p, (uint32_t)TTL << 24 | (uint32_t)f->proto << 16);
	memcpy(p, &f->src_host.b[12], 4);
	memcpy(p + 4, &f->dst_host.b[12], 4);
	return p + 8;
}

/* The fixed header of RFC 8200, 3, next header being the protocol itself: a flow has no extension headers.
 * The payload length is that of the 20 bytes that follow. */
static uint8_t *
put_ipv6(uint8_t *p, const struct flow *f, uint32_t flow_label)
{
	struct addr src = addr_to_v6(&f->src_host), dst = addr_to_v6(&f->dst_host);
	p = put32(p, 6U << 28 | (uint32_t)f->tos << 20 | (flow_label & 0xfffff));
	p = put32(p, 20U << 16 | (uint32_t)f->proto << 8 | TTL);
	memcpy(p, &src, 16);
	memcpy(p + 16, &dst, 16);
	return p + 32;
}

/* The first 20 bytes behind the IP header: a TCP header, of which other protocols see their part. ICMP:
 * exporters send type and code as the destination port (type in the upper byte), and so they become the
 * first two bytes of the header (RFC 792). Data offset 5 words, so "tcp[tcpflags]" finds the flags in byte
 * 13. */
static uint8_t *
put_transport(uint8_t *p, const struct flow *f)
{
	bool icmp = f->proto == IPPROTO_ICMP || f->proto == IPPROTO_ICMPV6;
	p = put32(p, icmp ? (uint32_t)f->dst_port << 16 : (uint32_t)f->src_port << 16 | f->dst_port);
	p = put32(put32(p, 0), 0);
	p = put32(p, 0x50000000U | (uint32_t)(f->tcp_flags & 0xff) << 16);
	return put32(p, 0);
}

/* The frame; its length. Nothing is cleared beforehand: every byte below the length is written. */
static size_t
frame_make(const struct filter *filter, const struct flow *f, uint8_t *frame)
{
	uint8_t *p = frame + MACS;
	/* one address of the family is enough: the other may be missing, and is zero then */
	bool v4 = addr_is_v4(&f->src_host) || addr_is_v4(&f->dst_host);
	bool v6 = !v4 && (!addr_is_none(&f->src_host) || !addr_is_none(&f->dst_host));
	memset(frame, 0, MACS);
	if (filter->macs) {
		memcpy(frame, f->dst_mac, sizeof(f->dst_mac));
		memcpy(frame + sizeof(f->dst_mac), f->src_mac, sizeof(f->src_mac));
	}
	if (filter->vlan)
		p = put_tags(p, f);
	if (filter->mpls && f->mpls_labels)
		p = put_labels(put16(p, ETYPE_MPLS), f);
	else
		p = put16(p, v4 ? ETYPE_IPV4 : v6 ? ETYPE_IPV6 : filter->etype ? f->etype : 0);
	if (v4)
		p = put_transport(put_ipv4(p, f), f);
	else if (v6)
		p = put_transport(put_ipv6(p, f, filter->flow_label ? f->flow_label : 0), f);
	return (size_t)(p - frame);
}

/* The captured length is the whole frame: a load beyond it makes the program answer no, which is right for
 * a flow without that part. */
bool
filter_match(const struct filter *filter, const struct flow *f)
{
	uint8_t frame[FRAME_MAX];
	size_t n = frame_make(filter, f, frame);
	return bpf_filter(filter->program.bf_insns, frame, (u_int)n, (u_int)n) != 0;
}
