"""Flows joined with the routes of their exporter: the same sessions and flows through Debian's nfacctd and flowribd, and
routes of GoBGP and ExaBGP down to the memory table.
"""
import collections
import contextlib
import json
import os
import signal
import socket
import subprocess
import time

import pytest

import netflow
from conftest import built, client, environ, eventually, free_port, peer, read_rows, table_rows, udp_bound, write_config
from differences import for_row
from speaker import CONFED_SEQUENCE, CONFED_SET, SEQUENCE, SET, Speaker, rd

VALUES = "src_as, dst_as, peer_dst_as, peer_dst_ip, as_path, std_comm, ext_comm, lrg_comm, local_pref, med, src_net, dst_net, src_mask, dst_mask"
SOURCES = "peer_src_as, src_as_path, src_std_comm, src_ext_comm, src_lrg_comm, src_local_pref, src_med"
ALL = f"src_host, dst_host, {VALUES}, {SOURCES}"
BGP = ["nfacctd_as: bgp", "nfacctd_net: bgp"]
TYPES = ["bgp_peer_src_as_type: bgp"] + [f"bgp_src_{name}_type: bgp" for name in ("as_path", "std_comm", "ext_comm", "lrg_comm", "local_pref", "med")]

# prefix, next hop, path, more
ROUTES = [
    ("10.1.0.0/16", "192.0.2.1", [64501, 64502, 64503], dict(local_pref=120, med=7, comms=["64501:1", "64500:20", "64501:1"],
                                                             ecomms=["64500:9", "64499:1"], lcomms=["64500:1:2", "64499:1:3"])),
    ("10.2.0.0/16", "192.0.2.2", [(CONFED_SEQUENCE, [65101, 65102]), (SEQUENCE, [64510, 64511])], {}),
    ("10.3.0.0/16", "192.0.2.3", [(CONFED_SEQUENCE, [65101, 65102])], {}),
    ("10.4.0.0/16", "192.0.2.4", [], dict(local_pref=0)),
    ("10.5.0.0/16", "192.0.2.5", [64500, 64500, 64500, 64501, 4200000000], dict(comms=["12345:640", "65535:65281", "64500:64000"])),
    ("10.6.0.0/16", "192.0.2.6", [(SEQUENCE, [64500]), (SET, [65001, 65002]), (SEQUENCE, [64777])], {}),
    ("10.7.0.0/16", "192.0.2.7", [(SEQUENCE, [64500, 64501]), (SET, [65001, 65002])], {}),
    ("10.8.0.0/16", "192.0.2.8", [], dict(comms=["64888:999"])),
    ("10.9.0.0/16", "192.0.2.9", [(CONFED_SET, [65101, 65102]), (SEQUENCE, [64510])], {}),
    ("10.1.2.0/24", "192.0.2.10", [64601], {}),
    ("10.1.2.3/32", "192.0.2.11", [64602], {}),
    ("20.0.0.0/8", "192.0.2.20", [64600], {}),
    ("2001:db8::/32", "2001:db8:ffff::1", [64701, 64702], dict(med=9)),
    ("2001:db8:1::/48", "2001:db8:ffff::2", [64703], dict(comms=["64701:5"])),
]
ADDRESSES = [f"10.{i}.0.1" for i in range(1, 10)] + ["10.1.2.9", "10.1.2.3", "10.99.0.1", "10.1.255.255"]
FLOWS = ([dict(src="20.0.0.1", dst=a) for a in ADDRESSES] + [dict(src=a, dst="20.0.0.1") for a in ADDRESSES] +
         [dict(src="2001:db8::5", dst="2001:db8:1::6"), dict(src="2001:db8:1::7", dst="2001:db9::8")])
EXPORTED = [dict(src="10.1.0.1", dst="20.0.0.9", src_as=1, dst_as=2, src_mask=24, dst_mask=25, bgp_next_hop="198.51.100.1", peer_dst_as=4),
            dict(src="20.0.0.7", dst="10.5.0.1", src_as=1, dst_as=2, src_mask=4, dst_mask=16, ip_next_hop="198.51.100.2"),
            dict(src="30.0.0.1", dst="10.1.2.3", src_as=1, dst_as=2, src_mask=8, dst_mask=24)]
# routers 127.0.0.1 to 127.0.0.3, one pointing to the next
CHAIN = [("10.0.0.0/8", "127.0.0.2", [64501], {}), ("10.0.0.0/8", "127.0.0.3", [64601], dict(peer=1)), ("10.0.0.0/8", "192.0.2.20", [64701], dict(peer=2)),
         ("20.0.0.0/8", "127.0.0.9", [64501], {}), ("30.0.0.0/8", "192.0.2.30", [64501], {})]
CHAINED = [dict(src="10.0.0.1", dst=f"{i}.0.0.2") for i in (10, 20, 30)]
ROUTERS = [dict(source=f"127.0.0.{i}") for i in (1, 2, 3)]
PATHS = [("10.0.0.0/8", f"192.0.2.{i}", [64500 + i], dict(path_id=i)) for i in (1, 2, 3)]
CHOSEN = [dict(src="20.0.0.1", dst="10.0.0.2", bgp_next_hop="192.0.2.2"), dict(src="20.0.0.1", dst="10.0.0.3", bgp_next_hop="192.0.2.3")]
BY_IP = [dict(src="20.0.0.1", dst="10.0.0.4", ip_next_hop="192.0.2.3")]

# name: keys, routes, flows, sessions
SAME = {
    "bgp": (BGP + TYPES, ROUTES, FLOWS, [{}]),
    "no-source-types": (BGP, ROUTES, FLOWS[:12], [{}]),
    "as-only": (["nfacctd_as: bgp"], ROUTES, EXPORTED, [{}]),
    "cuts": (BGP + TYPES + ["bgp_aspath_radius: 2", "bgp_lrgcomm_pattern: 64499:", "bgp_stdcomm_pattern_to_asn: 64888:"], ROUTES, FLOWS, [{}]),
    "identifier": (BGP, ROUTES, FLOWS[:3], [dict(source="127.0.0.2", router_id="127.0.0.1")]),
    "identifiers-off": (BGP + ["bgp_disable_router_id_check: true"], ROUTES, FLOWS[:3], [dict(source="127.0.0.2", router_id="127.0.0.1")]),
    "follow": (BGP + ["bgp_follow_nexthop: 127.0.0.0/8"], CHAIN, CHAINED, ROUTERS),
    "follow-external": (BGP + ["bgp_follow_nexthop: 127.0.0.0/8", "bgp_follow_nexthop_external: true"], CHAIN, CHAINED, ROUTERS),
    "add-path": (BGP, PATHS, CHOSEN, [dict(families=("ipv4",), add_path=("ipv4",))]),
    "add-path-ip": (BGP + ["use_ip_next_hop: true"], PATHS, BY_IP, [dict(families=("ipv4",), add_path=("ipv4",))]),
}


def tcp_listens(port):
    wanted = f":{port:04X} 00000000:0000 0A"
    return any(wanted in line.replace("0" * 32, "00000000") for table in ("tcp", "tcp6") for line in open(f"/proc/net/{table}"))


@contextlib.contextmanager
def collector(program, folder, name, lines):
    """A collector on ports of its own: (UDP port, BGP port). It is killed at the end: nfacctd does not always end otherwise."""
    port, bgp = free_port(), free_port()
    conf = write_config(folder / f"{name}.conf", [f"nfacctd_port: {port}", "nfacctd_ip: 127.0.0.1", "bgp_daemon: true", "bgp_daemon_ip: 127.0.0.1",
                                                  f"bgp_daemon_port: {bgp}", "bgp_daemon_max_peers: 10", *lines])
    run = folder / f"{name}.run"
    run.mkdir(exist_ok=True)
    with open(folder / f"{name}.log", "wb") as log:
        process = subprocess.Popen(["timeout", "-s", "KILL", "60", program, "-f", conf], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder,
                                   env=environ(run), start_new_session=True)
        try:
            eventually(lambda: udp_bound(port) and tcp_listens(bgp), what=lambda: (folder / f"{name}.log").read_text(errors="replace")[-2000:])
            yield port, bgp
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def announce(speakers, routes):
    for prefix, next_hop, path, more in routes:
        more = dict(more)
        speakers[more.pop("peer", 0)].announce(prefix, next_hop, path, **more)
    for one in speakers:
        one.end_of_rib()


def rows_of(program, folder, name, keys, routes, flows, sessions):
    """The rows that a collector writes for these flows."""
    out = folder / f"{name}.json"
    lines = ["plugins: print", f"aggregate: {ALL}", "print_output: json", f"print_output_file: {out}", "print_output_file_append: true",
             "print_refresh_time: 1", *keys]
    with contextlib.ExitStack() as stack:
        port, bgp = stack.enter_context(collector(program, folder, name, lines))
        speakers = [stack.enter_context(Speaker(bgp, **one)) for one in sessions]
        announce(speakers, routes)
        time.sleep(1)
        netflow.send(port, flows)
        with contextlib.suppress(AssertionError):
            eventually(lambda: len(read_rows(out, "json")) >= len(flows), 6)
        return read_rows(out, "json")


@pytest.mark.peer
@pytest.mark.parametrize("case", SAME)
def test_same_as_nfacctd(tmp_path, case):
    keys, routes, flows, sessions = SAME[case]
    theirs = []
    for attempt in range(6):  # it loses flows and sessions at its start
        with contextlib.suppress(AssertionError, OSError):
            theirs = rows_of(peer("nfacctd"), tmp_path, f"peer{attempt}", keys, routes, flows, sessions)
        if len(theirs) == len(flows):
            break
    assert len(theirs) == len(flows), "the peer did not write all rows, so there is nothing to compare"
    ours = rows_of(built("flowribd"), tmp_path, "flowrib", keys, routes, flows, sessions)
    log = (tmp_path / "flowrib.log").read_text(errors="replace")
    assert "AddressSanitizer" not in log and "runtime error:" not in log, log[-3000:]
    assert list(ours[0]) == list(theirs[0])
    wanted, got = (collections.Counter(for_row(row, []) for row in rows) for rows in (theirs, ours))
    shown = "\n".join([f"- {dict(row)}" for row in list(wanted - got)[:3]] + [f"+ {dict(row)}" for row in list(got - wanted)[:3]])
    assert wanted == got, f"{shown}\n{log[-1000:]}"


# --- where flowrib and 1.7.7 differ: docs/migration.md ---

OURS = {
    # name: (keys, routes, flows, sessions, what the rows must hold, in the order of the flows)
    "without nfacctd_as": ([], ROUTES, EXPORTED[:1], [{}], [dict(as_dst=2, as_path="64600", peer_ip_dst="198.51.100.1")]),
    "patterns keep whole communities": (BGP + ["bgp_stdcomm_pattern: 345:64..,00:64..."], ROUTES, [FLOWS[4]], [{}], [dict(comms="64500:64000")]),
    "the first AS outside": (BGP + ["bgp_peer_as_skip_subas: true"], ROUTES, FLOWS[1:3], [{}], [dict(peer_as_dst=64510), dict(peer_as_dst=65101)]),
    "a default route": (BGP + ["bgp_follow_default: 2"],
                        [("0.0.0.0/0", "127.0.0.2", [64501], {}), ("0.0.0.0/0", "127.0.0.3", [64602], dict(peer=1)),
                         ("20.0.0.0/8", "192.0.2.20", [64701], dict(peer=2))],
                        [dict(src="10.0.0.1", dst="20.0.0.2"), dict(src="20.0.0.2", dst="10.0.0.1")], ROUTERS,
                        [dict(as_dst=64701, mask_dst=8), dict(as_src=64701, as_dst=64602, mask_dst=0)]),
    "no next hop to choose by": (BGP, PATHS, [dict(src="10.0.0.1", dst="10.0.0.2")], [dict(families=("ipv4",), add_path=("ipv4",))],
                                 [dict(as_dst=64501, peer_ip_dst="192.0.2.1")]),
    "labeled and unicast": (BGP, [("10.0.0.0/8", "192.0.2.1", [64501], {}), ("10.1.0.0/16", "192.0.2.2", [64502], dict(family="ipv4 labeled", label=100))],
                            [dict(src="10.0.0.1", dst="10.1.0.2")], [dict(families=("ipv4", "ipv4 labeled"))], [dict(as_dst=64502, mask_dst=16)]),
    "a VPN": (BGP, [("10.0.0.0/8", "192.0.2.1", [64501], dict(family="vpnv4", label=100, distinguisher="0:65000:1")),
                    ("10.0.0.0/8", "192.0.2.2", [64502], dict(family="vpnv4", label=200, distinguisher="0:65000:2")),
                    ("10.0.0.0/9", "192.0.2.3", [64503], {})],
              [dict(src="10.0.0.1", dst="10.1.0.2", rd=rd("0:65000:1")), dict(src="10.0.0.1", dst="10.1.0.3", rd=rd("0:65000:2")),
               dict(src="10.0.0.1", dst="10.1.0.4")],
              [dict(families=("ipv4", "vpnv4"))], [dict(as_dst=64501, as_src=64501), dict(as_dst=64502, as_src=64502), dict(as_dst=64503, as_src=64503)]),
}


@pytest.mark.parametrize("case", OURS, ids=lambda name: name.replace(" ", "-"))
def test_by_rule(tmp_path, case):
    keys, routes, flows, sessions, expected = OURS[case]
    rows = rows_of(built("flowribd"), tmp_path, "flowrib", keys, routes, flows, sessions)
    by_destination = {row["ip_dst"]: row for row in rows}
    for flow, wanted in zip(flows, expected):
        row = by_destination[flow["dst"]]
        assert {key: row[key] for key in wanted} == wanted, row


# --- with other speakers, down to the memory table ---

class Background:
    """A program that runs until the test ends."""

    def __init__(self, command, folder, **more):
        self.log = folder / (os.path.basename(command[0]) + ".log")
        self.out = open(self.log, "wb")
        self.process = subprocess.Popen(["timeout", "-s", "KILL", "90", *command], stdout=self.out, stderr=self.out, stdin=subprocess.DEVNULL, cwd=folder,
                                        start_new_session=True, **more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.out.close()


def memory_lines(folder):
    return ["plugins: memory[paths]", "aggregate[paths]: src_as, dst_as, as_path, std_comm, peer_dst_ip, peer_dst_as, local_pref, med",
            f"imt_path[paths]: {folder / 'paths.sock'}", "bgp_daemon_id: 192.0.2.254", *BGP]


def asked_until(folder, port, flows, condition):
    """Sends the flows until the table has what is waited for: routes may come later than flows."""
    table = folder / "paths.sock"

    def look():
        netflow.send(port, flows)
        time.sleep(0.3)
        return [row for row in table_rows(table) if condition(row)]
    return eventually(look, 20, lambda: json.dumps(table_rows(table))[:2000])


def test_exabgp(tmp_path):
    if not peer("exabgp"):
        pytest.skip("exabgp is not installed")
    with collector(built("flowribd"), tmp_path, "flowrib", memory_lines(tmp_path)) as (port, bgp):
        (tmp_path / "commands").write_text("".join(f"announce route {route}\n" for route in (
            "198.51.100.0/24 next-hop 192.0.2.9 as-path [ 64500 64501 64502 ] community [ 64500:7 64500:3 ] local-preference 150 med 20",
            "203.0.113.0/24 next-hop 192.0.2.8 as-path [ 64510 ]", "2001:db8::/32 next-hop 2001:db8::1 as-path [ 64520 4200000001 ]")))
        (tmp_path / "exabgp.conf").write_text(f"""process feed {{
  run /usr/bin/tail -n +1 -F {tmp_path}/commands;
  encoder text;
}}
neighbor 127.0.0.1 {{
  router-id 192.0.2.1;
  local-address 127.0.0.1;
  local-as 64500;
  peer-as 64500;
  connect {bgp};
  outgoing-ttl 8;
  api {{ processes [ feed ]; }}
  family {{
    ipv4 unicast;
    ipv6 unicast;
  }}
}}
""")
        env = {"PATH": os.environ["PATH"], "exabgp.daemon.user": "root" if os.geteuid() == 0 else os.environ.get("USER", "nobody"),
               "exabgp.api.cli": "false", "exabgp.api.ack": "false"}
        with Background([peer("exabgp"), str(tmp_path / "exabgp.conf")], tmp_path, env=env):
            flows = [dict(src="203.0.113.5", dst="198.51.100.6"), dict(src="203.0.113.5", dst="2001:db8::9")]
            row = asked_until(tmp_path, port, flows[:1], lambda r: r["as_path"])[0]
            assert (row["as_path"], row["as_src"], row["as_dst"], row["peer_as_dst"]) == ("64500_64501_64502", 64510, 64502, 64500)
            assert (row["comms"], row["local_pref"], row["med"], row["peer_ip_dst"]) == ("64500:3_64500:7", 150, 20, "192.0.2.9")
            flows = [dict(src="2001:db8::8", dst="2001:db8::9")]
            row = asked_until(tmp_path, port, flows, lambda r: r["as_dst"] == 4200000001)[0]
            assert (row["as_path"], row["peer_ip_dst"], row["as_src"]) == ("64520_4200000001", "2001:db8::1", 4200000001)


def test_gobgp(tmp_path):
    """From a live table to traffic per AS path: a route changes and goes, and so do the rows."""
    if not peer("gobgpd"):
        pytest.skip("gobgpd is not installed")
    with collector(built("flowribd"), tmp_path, "flowrib", memory_lines(tmp_path)) as (port, bgp):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            api = probe.getsockname()[1]
        (tmp_path / "gobgp.toml").write_text(f"""
[global.config]
  as = 64500
  router-id = "192.0.2.1"
  port = -1
[[neighbors]]
  [neighbors.config]
    neighbor-address = "127.0.0.1"
    peer-as = 64500
  [neighbors.transport.config]
    remote-port = {bgp}
    local-address = "127.0.0.1"
  [neighbors.timers.config]
    connect-retry = 1
""")

        def gobgp(*words):
            return subprocess.run([peer("gobgp"), "-p", str(api), *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, check=False)
        with Background([peer("gobgpd"), "-f", str(tmp_path / "gobgp.toml"), "--api-hosts", f"127.0.0.1:{api}", "--pprof-disable"], tmp_path) as speaker:
            route = ["global", "rib", "add", "198.51.100.0/24", "nexthop", "192.0.2.9", "local-pref", "150", "community", "64500:7"]
            eventually(lambda: gobgp(*route, "aspath", "64501,64502").returncode == 0, what=lambda: speaker.log.read_text())
            flows = [dict(src="10.0.0.1", dst="198.51.100.6")]
            row = asked_until(tmp_path, port, flows, lambda r: r["as_path"])[0]
            assert (row["as_path"], row["as_dst"], row["comms"], row["local_pref"]) == ("64501_64502", 64502, "64500:7", 150)
            assert gobgp(*route, "aspath", "64501,64599").returncode == 0
            asked_until(tmp_path, port, flows, lambda r: r["as_path"] == "64501_64599")
            assert gobgp("global", "rib", "del", "198.51.100.0/24").returncode == 0
            client(tmp_path / "paths.sock", "-e")
            asked_until(tmp_path, port, flows, lambda r: r["as_dst"] == 0 and r["as_path"] == "")
