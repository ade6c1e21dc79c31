/* The steps after a record's fields are read: what takes several fields, or what the exporter told elsewhere.
 *
 * Each step is a row of the table in record_finish() and runs in the order of enum finish: a carried packet
 * first, since it supplies fields that others look at; the rate last, since it scales the counters they
 * leave. A step reads only members within the batch's extent: hot ones, or those that decoder_new() has
 * marked as needed. */
#include "collector/decode/record.h"

#include <pcap/dlt.h>

#include "collector/decode/exporter.h"
#include "collector/decode/packet_custom.h"
#include "collector/decode/times.h"

/* Which link type the carried packet is of. */
static int
frame_link(const struct scratch *s)
{
	static const int below[] = {[FRAME_IP] = DLT_RAW, [FRAME_MPLS] = DLT_MPLS};

	if (s->frame_kind != FRAME_LINK)
		return below[s->frame_kind];
	return s->frame_type == 2 ? DLT_IEEE802_11 : DLT_EN10MB;
}

/* Headers of the frame, and those behind the IP header where they were carried apart or the frame ends before
 * them. False when nothing of what was carried could be read. */
static bool
walk_frame(struct record *r, size_t wirelen)
{
	struct decoder *d = r->m->d;
	const struct scratch *s = &r->s;
	struct packet walked = {.result = PACKET_TRUNCATED};
	bool usable = s->frame && packet_walk(&walked, r->flow, &d->needs, frame_link(s), s->frame,
					      s->frame_len, wirelen);

	if (usable && d->o.packet_customs)
		packet_custom_fill(d->o.packet_customs, &walked, r->flow, s->frame, s->frame_len);
	if (s->payload && walked.result == PACKET_TRUNCATED) {
		/* the IP header knows best: a record may name the transport protocol behind extension headers
		 */
		uint8_t proto = usable ? walked.next : r->flow->proto;
		usable |= packet_walk_payload(&walked, r->flow, &d->needs, proto, s->payload, s->payload_len);
	}
	return usable;
}

/* What the headers of a carried packet say replaces what the record has; without counters of its own, the
 * record counts for one packet, also when it carries too little of it to be read. */
static void
finish_frame(struct record *r)
{
	const struct scratch *s = &r->s;
	struct flow *f = r->flow;
	size_t carried = s->frame ? s->frame_len : s->payload_len;
	size_t wirelen = s->frame_size > carried ? s->frame_size : carried;

	/* the template has the field, this record left it empty */
	if (!s->frame && !s->payload)
		return;
	f->features |= FLOW_HAS_FRAME;
	/* a part that begins in the middle of a header cannot be told from one that does not */
	if (s->section_offset || !walk_frame(r, wirelen))
		drop_message(r->m, DROP_FRAME);
	if (f->bytes == 0 && f->packets == 0) {
		/* the length on the wire, not that of the part which was carried */
		f->bytes = wirelen;
		f->packets = 1;
	}
}

/* A record that tells its direction has the VLAN of that side, as operators know it; others that of the
 * ingress side, or of the egress side where there is none. */
static void
finish_vlan(struct record *r)
{
	struct flow *f = r->flow;
	const struct scratch *s = &r->s;
	/* 58 and 59 before 243 and 254 */
	uint16_t in = s->vlan_in ? s->vlan_in : s->dot1q_in;
	uint16_t out = s->vlan_out ? s->vlan_out : s->dot1q_out;
	uint16_t side = s->direction == 1 ? in : s->direction == 2 ? out : in ? in : out;

	if (in)
		f->in_vlan = in;
	if (out)
		f->out_vlan = out;
	/* a carried packet may have given one already */
	if (side)
		f->vlan = side;
	if (f->vlan)
		f->features |= FLOW_HAS_VLAN;
}

/* Entries without a label in between are passed over: exporters fill up to a fixed depth with zeros. The
 * stack refers to the flow's own array, which moves with the batch. */
static void
finish_mpls(struct record *r)
{
	struct flow *f = r->flow;
	unsigned n = 0;

	for (unsigned i = 0; i < FLOW_MPLS_MAX; i++)
		if (r->s.mpls[i])
			/* 24 bits came: label, class and bottom; bit 31 only says that there was an entry */
			f->mpls_label[n++] = (r->s.mpls[i] & 0xffffff) >> 4;
	if (n == 0)
		return;
	f->mpls_labels = (uint8_t)n;
	f->mpls_label_top = f->mpls_label[0];
	f->mpls_label_bottom = f->mpls_label[n - 1];
	f->mpls_label_stack = (struct flow_bytes){(const uint8_t *)f->mpls_label, n * 4};
	f->features |= FLOW_HAS_MPLS;
}

/* Boot time of the domain, else of any domain of the exporter: it is one device that booted. */
static void
finish_times(struct record *r)
{
	const struct message *m = r->m;

	times_derive(r, m->domain->init_us ? m->domain->init_us : m->exporter->init_us);
}

/* The distinguisher the record has, else the one the exporter gave this VRF, else the VRF's id itself. */
static void
finish_vrf(struct record *r)
{
	const struct names *t = &r->m->exporter->names;
	struct flow *f = r->flow;
	uint32_t id = f->ingress_vrf_id ? f->ingress_vrf_id : f->egress_vrf_id;

	f->ingress_vrf_name = names_text(t, NAME_VRF, f->ingress_vrf_id);
	f->egress_vrf_name = names_text(t, NAME_VRF, f->egress_vrf_id);
	if (!f->vrf_name.len)
		f->vrf_name = names_text(t, NAME_VRF, id);
	if (f->mpls_vpn_rd || id == 0)
		return;
	const struct name *rd = names_find(t, NAME_VRF_RD, id);
	/* overwritten below when the exporter told the distinguisher */
	f->mpls_vpn_rd = RD_TYPE_VRFID << 48 | id;
	if (rd && rd->len == sizeof(f->mpls_vpn_rd))
		memcpy(&f->mpls_vpn_rd, rd->text, sizeof(f->mpls_vpn_rd));
	f->mpls_vpn_rd_origin = RD_ORIGIN_FLOW;
}

/* A name in the record itself wins. */
static void
finish_iface_names(struct record *r)
{
	const struct names *t = &r->m->exporter->names;
	struct flow *f = r->flow;

	if (!f->in_iface_name.len)
		f->in_iface_name = names_text(t, NAME_INTERFACE, f->in_iface);
	if (!f->out_iface_name.len)
		f->out_iface_name = names_text(t, NAME_INTERFACE, f->out_iface);
}

/* Unknown applications have no name here; the outputs say "unknown". */
static void
finish_application(struct record *r)
{
	r->flow->class_name = names_text(&r->m->exporter->names, NAME_APPLICATION, r->flow->application_id);
}

/* Mean of a sum over the packets of the record, before renormalising: the sum is of sampled packets. */
static void
finish_delay(struct record *r)
{
	struct flow *f = r->flow;

	if (!f->path_delay_avg_usec && f->packets)
		f->path_delay_avg_usec = (uint32_t)(r->s.delay_sum / f->packets);
}

/* For templates with addresses of both families; one with both empty counts as IPv6. */
static void
finish_features(struct record *r)
{
	const struct flow *f = r->flow;

	r->flow->features |= addr_is_v4(&f->src_host) || addr_is_v4(&f->dst_host) ? FLOW_HAS_V4 : FLOW_HAS_V6;
}

void
record_finish(struct record *r, uint32_t mask)
{
	static void (*const step[FINISH_STEPS])(struct record *) = {
	    [FINISH_FRAME] = finish_frame,
	    [FINISH_VLAN] = finish_vlan,
	    [FINISH_MPLS] = finish_mpls,
	    [FINISH_TIMES] = finish_times,
	    [FINISH_VRF] = finish_vrf,
	    [FINISH_IFACE_NAMES] = finish_iface_names,
	    [FINISH_APPLICATION] = finish_application,
	    [FINISH_DELAY] = finish_delay,
	    [FINISH_FEATURES] = finish_features,
	    [FINISH_RATE] = rate_apply,
	};

	/* lowest bit first: the order of enum finish */
	for (; mask; mask &= mask - 1)
		step[__builtin_ctz(mask)](r);
}

#define SWAP(a, b)                                                                                           \
	do {                                                                                                 \
		__typeof__(a) was = (a);                                                                     \
		(a) = (b);                                                                                   \
		(b) = was;                                                                                   \
	} while (0)

/* Arrays cannot be assigned, so SWAP does not do. */
static void
turn_macs(struct flow *f)
{
	uint8_t mac[6];

	memcpy(mac, f->src_mac, 6);
	memcpy(f->src_mac, f->dst_mac, 6);
	memcpy(f->dst_mac, mac, 6);
}

/* Members beyond the extent of the batch hold leftovers, and are turned with the rest: nobody reads them. */
void
record_turn(struct flow *f)
{
	SWAP(f->src_host, f->dst_host);
	SWAP(f->src_port, f->dst_port);
	SWAP(f->in_iface, f->out_iface);
	SWAP(f->src_as, f->dst_as);
	SWAP(f->peer_src_as, f->peer_dst_as);
	SWAP(f->src_mask, f->dst_mask);
	SWAP(f->in_vlan, f->out_vlan);
	SWAP(f->in_cvlan, f->out_cvlan);
	SWAP(f->ingress_vrf_id, f->egress_vrf_id);
	SWAP(f->ingress_vrf_name, f->egress_vrf_name);
	SWAP(f->in_iface_name, f->out_iface_name);
	SWAP(f->post_nat_src_host, f->post_nat_dst_host);
	SWAP(f->post_nat_src_port, f->post_nat_dst_port);
	turn_macs(f);
	/* where the way back goes on is not told */
	f->ip_next_hop = f->peer_dst_ip = (struct addr){.q = {0, 0}};
	/* the other direction has counters of its own, or none */
	f->packets = 0;
	f->bytes = 0;
	f->tcp_flags = 0;
	f->features |= FLOW_IS_BIFLOW | FLOW_IS_REVERSE;
}
