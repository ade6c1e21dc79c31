"""Exports of real routers, where a folder of them is at hand: FLOWRIB_CAPTURES, or shared/captures beside the tree.

They are not part of this project; without them these tests are skipped. Each capture has a file of rows it must give.
"""
import json
import os

import pytest

from conftest import TOP, built, run_print

FOLDER = os.environ.get("FLOWRIB_CAPTURES", os.path.join(os.path.dirname(TOP), "shared", "captures"))
MPLS = ("peer_src_ip, src_host, dst_host, src_port, dst_port, src_mask, dst_mask, in_iface, out_iface, src_net, dst_net, mpls_vpn_rd, "
        "mpls_label_stack, fwd_status, proto, tcpflags, tos")
MPLS_KEYS = ["tcpflags_encode_as_array: true", "mpls_label_stack_encode_as_array: true", "fwd_status_encode_as_string: true",
             "timestamps_secs: true", "timestamps_since_epoch: true", "nfacctd_time_new: true", "print_history: 1m"]
SAMPLING = ("dst_host, dst_port, fwd_status, in_iface, mpls_label_stack, mpls_vpn_rd, out_iface, peer_src_ip, proto, src_host, src_port, "
            "tcpflags, tos, vrf_name, vrf_id_ingress, vrf_id_egress")
CUSTOM = """name=vrf_id_ingress field_type=234 len=4 semantics=u_int
name=vrf_id_egress field_type=235 len=4 semantics=u_int
"""
CASES = [("ipfix-cisco-mpls", MPLS, MPLS_KEYS, ""),
         ("ipfix-cisco-ipv6-sampling", SAMPLING, MPLS_KEYS + ["nfacctd_renormalize: true"], CUSTOM)]

# Not compared: times of writing, the session's addresses (a replay changed them), labels (they need a map).
SKIP = {"stamp_inserted", "stamp_updated", "seq", "timestamp", "timestamp_arrival", "writer_id", "peer_ip_src", "label", "event_type"}


def flat(row):
    """Absent and null are one; custom primitives may stand in an object of their own."""
    row = dict(row)
    row.update(row.pop("custom_primitives", None) or {})
    return tuple(sorted((k, json.dumps(v) if isinstance(v, list) else str(v)) for k, v in row.items() if k not in SKIP and v not in (None, "", [])))


@pytest.mark.parametrize("name,aggregate,lines,custom", CASES, ids=[c[0] for c in CASES])
def test_router(tmp_path, name, aggregate, lines, custom):
    capture = os.path.join(FOLDER, name + ".pcap")
    if not os.path.exists(capture):
        pytest.skip(f"no {capture}")
    if custom:
        (tmp_path / "custom").write_text(custom)
        lines = lines + [f"aggregate_primitives: {tmp_path / 'custom'}"]
    with open(os.path.join(FOLDER, name + ".flows.json")) as f:
        text = f.read()
    try:
        expected = json.loads(text)
        expected = expected if isinstance(expected, list) else [expected]
    except ValueError:
        expected = [json.loads(line) for line in text.splitlines() if line.strip()]
    expected = [row for row in expected if row.get("event_type", "purge") == "purge"]
    rows, log = run_print(built("flowribd"), tmp_path, "flowrib", capture, [f"aggregate: {aggregate}", *lines])
    wanted, got = sorted(map(flat, expected)), sorted(map(flat, rows))
    missing, extra = [r for r in wanted if r not in got], [r for r in got if r not in wanted]
    assert not missing and not extra, f"{len(wanted)} expected, {len(got)} written\n- {missing[:2]}\n+ {extra[:2]}\n{log[-500:]}"
