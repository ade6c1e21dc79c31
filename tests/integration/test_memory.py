"""The memory table through its client, live."""
import json
import os
import re
import subprocess

import pytest

from conftest import CAPTURES, built, client, eventually, flowgen, peer, replay, table_rows, udp_bound, free_port, ENVIRON, write_config
from differences import for_row

pytestmark = pytest.mark.live


def sums(rows):
    return {key: sum(int(row[key]) for row in rows) for key in ("packets", "bytes", "flows")}


def flows_arrived(path, wanted):
    return eventually(lambda: sums(table_rows(path))["flows"] >= wanted and table_rows(path),
                      what=lambda: f"{wanted} flows in the table, it has {sums(table_rows(path))}")


@pytest.mark.parametrize("version", [5, 9, 10])
def test_live_totals(collector, version):
    _, port, path = collector()
    sent = flowgen("--to", f"127.0.0.1:{port}", "--version", version, "--records", 20000, "--flows", 2000, "--rate", 200000, "--burst", 8)
    rows = flows_arrived(path, sent["records"])
    assert sums(rows) == {"packets": sent["packets"], "bytes": sent["bytes"], "flows": sent["records"]}
    assert len(rows) == sent["distinct"]


def test_questions(collector):
    """Match, sum, top and reset agree with a full dump."""
    _, port, path = collector()
    sent = flowgen("--to", f"127.0.0.1:{port}", "--records", 5000, "--flows", 500, "--rate", 100000, "--burst", 8)
    rows = flows_arrived(path, sent["records"])
    one = max(rows, key=lambda row: row["bytes"])
    columns = "src_host,dst_host,src_port,dst_port,proto"
    exact = ",".join(str(one[key]) for key in ("ip_src", "ip_dst", "port_src", "port_dst", "ip_proto"))
    assert client(path, "-c", columns, "-N", exact, "-n", "all").split() == [str(one[k]) for k in ("packets", "bytes", "flows")] + ["1"]
    part = [row for row in rows if row["port_dst"] == 443]
    answer = client(path, "-c", "dst_port", "-N", "443", "-n", "bytes")
    assert int(answer) == sum(row["bytes"] for row in part)
    matched = [json.loads(line) for line in client(path, "-c", "dst_port", "-M", "443", "-O", "json").splitlines()]
    assert len(matched) == len(part)
    top = [json.loads(line) for line in client(path, "-s", "-T", "bytes,3", "-O", "json").splitlines()]
    assert [row["bytes"] for row in top] == sorted((row["bytes"] for row in rows), reverse=True)[:3]
    assert int(client(path, "-c", "src_host", "-N", "203.0.113.1", "-n", "bytes")) == 0
    client(path, "-c", columns, "-N", exact, "-r")
    assert client(path, "-c", columns, "-N", exact, "-n", "bytes").strip() == "0"


def test_erase(collector):
    _, port, path = collector()
    assert client(path, "-i").strip() == "never"
    sent = flowgen("--to", f"127.0.0.1:{port}", "--records", 480, "--flows", 50)
    flows_arrived(path, sent["records"])
    assert "OK: Clearing stats." in client(path, "-e")
    eventually(lambda: not table_rows(path), what="an empty table")
    assert re.fullmatch(r"\d+", client(path, "-i").strip())


def test_many_questions_at_once(collector):
    """4,096 in one request, answered in order."""
    _, port, path = collector()
    sent = flowgen("--to", f"127.0.0.1:{port}", "--records", 2400, "--flows", 300, "--rate", 100000)
    rows = flows_arrived(path, sent["records"])
    by_source = {}
    for row in rows:
        by_source[row["ip_src"]] = by_source.get(row["ip_src"], 0) + row["bytes"]
    asked = (sorted(by_source) + [f"192.0.2.{n % 250}" for n in range(4096)])[:4096]
    answer = client(path, "-c", "src_host", "-N", ";".join(asked), "-n", "bytes").split()
    assert [int(n) for n in answer] == [by_source.get(a, 0) for a in asked]


def test_dump_under_load_has_no_torn_row(collector):
    """Every flow of the generator has fixed bytes and packets per record, so a torn entry shows in the quotient."""
    _, port, path = collector()
    load = subprocess.Popen([built("flowgen"), "--to", f"127.0.0.1:{port}", "--records", "0", "--seconds", "4", "--rate", "150000",
                             "--flows", "20000"], stdout=subprocess.DEVNULL, env=ENVIRON)
    try:
        eventually(lambda: len(table_rows(path)) > 1000, what="some entries")
        seen = {}
        for _ in range(5):
            for row in table_rows(path):
                assert row["bytes"] % row["flows"] == 0 and row["packets"] % row["flows"] == 0, row
                key = tuple(row[k] for k in ("ip_src", "ip_dst", "port_src", "port_dst", "ip_proto"))
                each = row["bytes"] // row["flows"]
                assert seen.setdefault(key, each) == each
    finally:
        load.terminate()
        load.wait(10)


@pytest.mark.peer
@pytest.mark.parametrize("aggregate", ["src_host, dst_host, flows", "src_host, dst_host, src_port, dst_port, proto, tos, flows",
                                       "src_as, dst_as, src_mask, dst_mask", "peer_src_ip, proto, flows"])
def test_same_table_as_the_peer(collector, tmp_path, aggregate):
    """nfacctd with its client, flowribd with ours: the same entries."""
    capture = os.path.join(CAPTURES, "edge-ipfix.pcap")
    _, port, path = collector(aggregate)
    other, sock = free_port(), tmp_path / "peer.sock"
    conf = write_config(tmp_path / "peer.conf", [f"nfacctd_port: {other}", "nfacctd_ip: 127.0.0.1", "plugins: memory", f"aggregate: {aggregate}",
                                                 f"imt_path: {sock}", "imt_mem_pools_size: 1000000"])
    theirs = subprocess.Popen([peer("nfacctd"), "-f", conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRON)
    try:
        eventually(lambda: sock.exists() and udp_bound(other), what="the peer")
        for to in (port, other):
            assert replay(capture, to, "--from", "127.0.1.9", "--rate", "300")["failed"] == 0
        total = sum(row["bytes"] for row in table_rows(path))

        def same_total():
            rows = table_rows(sock, peer("pmacct"))
            return sum(row["bytes"] for row in rows) == total and rows

        expected = eventually(same_total, seconds=10, what=lambda: f"{total} bytes at the peer, it has {table_rows(sock, peer('pmacct'))[:3]} ...")
    finally:
        theirs.send_signal(2)
        replay(capture, other)  # it looks at signals when a datagram arrives
        try:
            theirs.wait(10)
        except subprocess.TimeoutExpired:
            theirs.kill()
            theirs.wait()
    ours = table_rows(path)
    assert sorted(for_row(row, []) for row in ours) == sorted(for_row(row, []) for row in expected)
