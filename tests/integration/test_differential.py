"""The same input and configuration through Debian's nfacctd and flowribd must give the same rows.

A case is a row of a table: where the input comes from, what is aggregated, other keys, and the names of the known
differences (differences.py says why) whose keys are left out of the comparison.
"""
import collections
import os

import pytest

from conftest import CAPTURES, built, flowgen, peer, run_print
from differences import for_row

TUPLE = "src_host, dst_host, src_port, dst_port, proto"
ALL = TUPLE + ", tos, tcpflags, src_as, dst_as, src_mask, dst_mask, in_iface, out_iface, flows"
TIMES = TUPLE + ", timestamp_start, timestamp_end, flows"

# captures of real exporters: (capture, aggregate, more keys, known differences)
REAL = [
    ("softflowd-v5", ALL, [], []),
    ("softflowd-v5", TIMES, [], ["fractions"]),
    ("softflowd-v9", ALL, [], []),
    ("softflowd-v9", TIMES, [], ["fractions"]),
    ("softflowd-ipfix", ALL, [], []),
    ("softflowd-ether-micro", TUPLE + ", src_mac, dst_mac, vlan, flows", [], ["egress-vlan"]),
    ("softflowd-nano", TUPLE + ", sampling_rate, flows", [], []),
    ("softflowd-nano", TUPLE + ", flows", ["nfacctd_renormalize: true"], []),
    ("nfprobe-v5", ALL, [], []),
    ("nfprobe-v9", ALL, [], []),
    ("nfprobe-v9", TUPLE + ", src_mac, dst_mac, vlan, flows", [], []),
    ("nfprobe-ipfix", ALL, [], []),
    ("nfprobe-ipfix", TIMES, [], []),
    ("edge-v9", ALL, [], []),
    ("edge-ipfix", ALL, [], []),
    ("edge-ipfix", "src_net, dst_net, src_mask, dst_mask, flows", ["nfacctd_net: netflow"], []),
    ("edge-v9", "src_net, dst_net", ["networks_mask: 24"], []),
    ("edge-v9", "sum_host", [], []),
    ("edge-v9", "sum_port", [], []),
    ("edge-v9", "none, flows", [], []),
    ("edge-v9", "dst_port, proto, flows", ["print_num_protos: true"], []),
    ("edge-v9", "peer_src_ip, export_proto_version, export_proto_sysid", [], []),
    ("edge-ipfix", "peer_src_ip, export_proto_version, export_proto_sysid, export_proto_seqno", [], []),
    ("edge-v9", "tos, flows", ["tos_encode_as_dscp: true"], []),
    ("edge-ipfix", "src_host, timestamp_start", ["timestamps_since_epoch: true", "timestamps_secs: true"], []),
    ("edge-ipfix", "src_host, timestamp_start", ["timestamps_rfc3339: true", "timestamps_utc: true"], ["utc"]),
    ("edge-v9", "src_host, tag, tag2", ["post_tag: 7", "post_tag2: 18446744073709551615"], ["wrapped"]),
]

# inputs of the generator: (options, aggregate, more keys, known differences)
MADE = [
    ("--version 5", ALL + ", sampling_rate", [], []),
    ("--version 5 --template sampling", TUPLE + ", sampling_rate", [], []),
    ("--version 5 --template sampling", TUPLE, ["nfacctd_renormalize: true"], []),
    ("--version 9", ALL, [], []),
    ("--version 9 --ipv6 40", ALL + ", peer_dst_ip", [], []),
    ("--version 10", ALL, [], []),
    ("--version 10 --ipv6 40", ALL + ", peer_dst_ip", ["use_ip_next_hop: true"], []),
    ("--version 9", TIMES, [], ["fractions"]),
    ("--version 9 --uptime 1000", TIMES, [], ["fractions"]),
    ("--version 10", TIMES, [], []),
    ("--version 10 --template seconds", TIMES, [], []),
    ("--version 10 --template micro", TIMES, [], ["times"]),
    ("--version 10 --template nano", TIMES, [], ["times"]),
    ("--version 10 --template delta", TIMES, [], []),
    ("--version 10 --template uptime", TIMES, [], ["fractions"]),
    ("--version 10 --template duration", TIMES, [], ["times"]),
    ("--version 10 --template notime", TIMES, [], ["missing"]),
    ("--version 9 --template reduced", ALL, [], ["reduced"]),
    ("--version 10 --template reduced", ALL, [], ["reduced"]),
    ("--version 9 --template mpls", TUPLE + ", mpls_label_top, mpls_label_bottom, mpls_vpn_rd", [], ["rd-origin"]),
    ("--version 10 --template mpls", TUPLE + ", mpls_label_top, mpls_label_bottom, mpls_vpn_rd", [], ["rd-origin"]),
    ("--version 9 --template nat", TUPLE + ", post_nat_src_host, post_nat_dst_host, post_nat_src_port, post_nat_dst_port, nat_event", [], []),
    ("--version 10 --template nat", TUPLE + ", post_nat_src_host, post_nat_dst_host, post_nat_src_port, post_nat_dst_port, nat_event", [], []),
    ("--version 10 --template natflow", TUPLE + ", post_nat_src_host, post_nat_dst_host, post_nat_src_port, post_nat_dst_port, flows", [], []),
    ("--version 10 --template varlen", TUPLE + ", flows", [], []),
    ("--version 10 --template lists", TUPLE + ", tcpflags, flows", [], []),
    ("--version 9 --template unknown", TUPLE + ", flows", [], []),
    ("--version 10 --template unknown", TUPLE + ", flows", [], []),
    ("--version 9 --template vlan", TUPLE + ", src_mac, dst_mac, vlan, flows", [], []),
    ("--version 10 --template vlan", TUPLE + ", src_mac, dst_mac, vlan, cos, etype, flows", [], []),
    ("--version 9 --template dual --ipv6 50", TUPLE + ", flows", [], []),
    ("--version 10 --template dual --ipv6 50", TUPLE + ", flows", [], []),
    ("--version 9 --template sampling", TUPLE + ", sampling_rate", [], []),
    ("--version 9 --template sampling", TUPLE, ["nfacctd_renormalize: true"], []),
    ("--version 10 --template sampling", TUPLE + ", sampling_rate", [], ["selector"]),
    ("--version 10 --template sampling", TUPLE, ["nfacctd_renormalize: true"], ["selector"]),
    ("--version 9 --template samplinginline", TUPLE, ["nfacctd_renormalize: true"], []),
    ("--version 9 --template samplingglobal", TUPLE, ["nfacctd_renormalize: true"], []),
    ("--version 9 --template basic", TUPLE, ["nfacctd_ext_sampling_rate: 10", "nfacctd_renormalize: true"], []),
    ("--version 9 --template names", TUPLE + ", in_iface, out_iface, class", [], ["class"]),
    ("--version 10 --template names", TUPLE + ", in_iface, out_iface, class", [], ["class"]),
    ("--version 9 --template exporter", "peer_src_ip, flows", ["nfacctd_ignore_exporter_address: true"], []),
    ("--version 9 --template delta64", TUPLE + ", flows", [], []),
    ("--version 10 --template delta64", TUPLE + ", flows", [], []),
    ("--version 9 --template full", ALL + ", src_mac, dst_mac, vlan", [], []),
    ("--version 10 --template full", ALL + ", src_mac, dst_mac, vlan", [], []),
    ("--version 10 --template frame", TUPLE + ", flows", [], ["icmp-frame"]),
    ("--version 9 --exporters 5 --burst 1", "peer_src_ip, export_proto_sysid, flows", [], []),
    ("--version 9 --template-every 3", TUPLE + ", flows", [], []),
    ("--version 9 --drop-every 4", TUPLE + ", flows", [], []),
]


def counted(rows, reasons):
    return collections.Counter(for_row(row, reasons) for row in rows)


def compare(tmp_path, capture, aggregate, lines, reasons, output="json"):
    lines = [f"aggregate: {aggregate}", *lines]
    for _ in range(5):  # on a busy machine its plugin may be told to end before it has read anything
        theirs, log = run_print(peer("nfacctd"), tmp_path, "peer", capture, lines, output)
        if theirs:
            break
    assert theirs, "the peer wrote nothing, so there is nothing to compare:\n" + log[-1500:]
    ours, log = run_print(built("flowribd"), tmp_path, "flowrib", capture, lines, output)
    if not reasons:  # the order of keys is part of the format
        assert [list(row) for row in ours[:1]] == [list(row) for row in theirs[:1]]
    missing, extra = counted(theirs, reasons) - counted(ours, reasons), counted(ours, reasons) - counted(theirs, reasons)
    shown = "\n".join([f"- {row}" for row in sorted(missing)[:3]] + [f"+ {row}" for row in sorted(extra)[:3]])
    assert not missing and not extra, (f"{len(theirs)} rows expected, {len(ours)} written; {sum(missing.values())} missing (-), "
                                       f"{sum(extra.values())} not expected (+):\n{shown}\n{log[-800:]}")


def name_of(case):
    return f"{case[0].replace('--', '').replace(' ', '-')}:{case[1].split(',')[-1].strip()}" + (":" + case[2][0].split(":")[0] if case[2] else "")


@pytest.mark.peer
@pytest.mark.parametrize("case", REAL, ids=name_of)
def test_real_exporter(tmp_path, case):
    capture, aggregate, lines, reasons = case
    compare(tmp_path, os.path.join(CAPTURES, capture + ".pcap"), aggregate, lines, reasons)


@pytest.mark.peer
@pytest.mark.parametrize("case", MADE, ids=name_of)
def test_generated(tmp_path, case):
    options, aggregate, lines, reasons = case
    capture = tmp_path / "made.pcap"
    flowgen("--records", 600, "--flows", 120, "--out", capture, *options.split())
    compare(tmp_path, capture, aggregate, lines, reasons)


@pytest.mark.peer
@pytest.mark.parametrize("output", ["csv", "event_csv"])
def test_csv(tmp_path, output):
    """Columns, their order and their text."""
    compare(tmp_path, os.path.join(CAPTURES, "edge-ipfix.pcap"), ALL, [], [], output.replace("event_", ""))


@pytest.mark.peer
def test_formatted(tmp_path):
    """Aligned columns, to the byte, in any order of rows."""
    text = []
    for name, program in (("peer", peer("nfacctd")), ("flowrib", built("flowribd"))):
        run_print(program, tmp_path, name, os.path.join(CAPTURES, "edge-v9.pcap"), [f"aggregate: {ALL}"], "formatted")
        text.append(sorted((tmp_path / f"{name}.formatted").read_text().splitlines()))
    assert text[0] == text[1]
