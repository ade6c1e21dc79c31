"""Counts against what the generator says it sent: no peer is needed to know the right answer."""
import csv

import pytest

from conftest import built, flowgen, run_print

TUPLE = "src_host, dst_host, src_port, dst_port, proto, flows"


def totals(rows):
    return {key.lower(): sum(int(row[key]) for row in rows) for key in ("PACKETS", "BYTES", "FLOWS")}


def collect(tmp_path, options, *lines):
    capture = tmp_path / "made.pcap"
    sent = flowgen("--out", capture, "--flows-out", tmp_path / "flows.csv", *options.split())
    rows, log = run_print(built("flowribd"), tmp_path, "flowrib", capture,
                          [f"aggregate: {TUPLE}", "print_num_protos: true", *lines], "csv")
    return sent, rows, log


@pytest.mark.parametrize("options", [
    "--version 1", "--version 5", "--version 7", "--version 9", "--version 10", "--version 9 --ipv6 50",
    "--version 10 --ipv6 50 --exporters 7", "--version 9 --template reduced", "--version 10 --template reduced",
    "--version 10 --template varlen --ipv6 20", "--version 10 --template lists", "--version 9 --template full --ipv6 30",
    "--version 10 --template full --ipv6 30", "--version 10 --template unknown", "--version 9 --per-datagram 1",
    "--version 9 --per-datagram 400 --template tuple",
])
def test_every_record_counts(tmp_path, options):
    """Each flow has exactly the records, packets and bytes that were sent."""
    sent, rows, log = collect(tmp_path, options + " --records 20000 --flows 3000")
    with open(tmp_path / "flows.csv", newline="") as f:
        expected = {tuple(row.items()) for row in csv.DictReader(f)}
    assert {tuple(row.items()) for row in rows} == expected, log[-1000:]
    assert totals(rows) == {"packets": sent["packets"], "bytes": sent["bytes"], "flows": sent["records"]}


@pytest.mark.parametrize("version", [9, 10])
def test_data_before_its_template_waits(tmp_path, version):
    sent, rows, log = collect(tmp_path, f"--version {version} --records 480 --flows 100 --late 5")
    assert totals(rows)["flows"] == sent["records"], log[-1000:]


def test_reverse_direction_is_a_record_of_its_own(tmp_path):
    """RFC 5103: the reverse elements are the flow back, with source and destination exchanged."""
    sent, rows, _ = collect(tmp_path, "--version 10 --template biflow --records 1000 --flows 200")
    got = totals(rows)
    assert got["packets"] == sent["packets"] + sent["reverse_packets"]
    assert got["bytes"] == sent["bytes"] + sent["reverse_bytes"]
    forward = {(r["SRC_IP"], r["DST_IP"]) for r in rows}
    assert all((dst, src) in forward for src, dst in forward)


@pytest.mark.parametrize("version,template", [(5, "sampling"), (9, "samplinginline"), (9, "samplingglobal"), (10, "samplingglobal")])
def test_renormalised_by_the_rate(tmp_path, version, template):
    sent, rows, _ = collect(tmp_path, f"--version {version} --template {template} --sampling 100 --records 1000 --flows 200",
                            "nfacctd_renormalize: true")
    got = totals(rows)
    assert got["packets"] == 100 * sent["packets"] and got["bytes"] == 100 * sent["bytes"]


@pytest.mark.parametrize("version", [9, 10])
def test_two_samplers_two_rates(tmp_path, version):
    """Odd flows were sampled one in 200, even ones one in 100."""
    sent, rows, _ = collect(tmp_path, f"--version {version} --template sampling --sampling 100 --records 1000 --flows 200",
                            "nfacctd_renormalize: true")
    with open(tmp_path / "flows.csv", newline="") as f:
        plain = {(r["SRC_IP"], r["SRC_PORT"], r["DST_PORT"]): int(r["PACKETS"]) for r in csv.DictReader(f)}
    factors = {int(r["PACKETS"]) // plain[(r["SRC_IP"], r["SRC_PORT"], r["DST_PORT"])] for r in rows}
    assert factors == {100, 200} and sent["distinct"] == len(rows)


def test_initiator_and_responder_octets(tmp_path):
    """IE 231 and 232 are the octets of both directions; 1.7.7 counts them only with tmp_asa_bi_flow."""
    sent, rows, _ = collect(tmp_path, "--version 9 --template firewall --records 1000 --flows 200")
    assert totals(rows)["bytes"] == sent["bytes"] + sent["reverse_bytes"]


def test_the_exporter_named_in_the_record(tmp_path):
    """IE 130 tells a record's exporter apart from who sent the datagram; 1.7.7 does not look for it in records."""
    capture = tmp_path / "made.pcap"
    flowgen("--out", capture, "--template", "exporter", "--records", 600, "--flows", 120)
    for more, expected in (([], "192.0.2."), (["nfacctd_ignore_exporter_address: true"], "127.0.1.1")):
        rows, _ = run_print(built("flowribd"), tmp_path, "flowrib", capture, ["aggregate: peer_src_ip", *more], "json")
        assert rows and all(row["peer_ip_src"].startswith(expected) for row in rows)


def test_frames_are_decoded(tmp_path):
    """IE 313 and 315: the packet inside says who talked to whom."""
    for template in ("frame", "header"):
        sent, rows, log = collect(tmp_path, f"--version 10 --template {template} --records 500 --flows 100 --ipv6 30")
        with open(tmp_path / "flows.csv", newline="") as f:
            expected = {(r["SRC_IP"], r["DST_IP"]) for r in csv.DictReader(f)}
        assert {(r["SRC_IP"], r["DST_IP"]) for r in rows} == expected, log[-1000:]
        assert totals(rows)["flows"] == sent["records"]
