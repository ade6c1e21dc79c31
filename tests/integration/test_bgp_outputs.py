"""What a BGP peer announced is what message log, table dumps, looking glass, `flowrib bgp` and snapshots say."""
import ctypes
import ctypes.util
import json
import shutil
import signal
import socket
import struct
import subprocess
import time

import pytest

import bgp_speaker as bgp
from conftest import ENVIRON, PORTS, built, environ, eventually, free_port, peer, read_rows, write_config

FAMILIES = ((1, 1), (2, 1), (1, 4), (1, 128))
# RFC 4364, 4.2: type 0, AS 65000, number 1
RD = struct.pack("!HHI", 0, 65000, 1)

FULL = (bgp.origin(1) + bgp.as_path([65010, 4200000000], {65011, 65012}) + bgp.next_hop("192.0.2.1") + bgp.numbers(bgp.MED, 7) +
        bgp.numbers(bgp.LOCAL_PREF, 300) + bgp.numbers(bgp.COMMUNITIES, 65001 << 16 | 100, 0xffffff01) +
        bgp.attribute(bgp.EXT, struct.pack("!BBHI", 0, 2, 65000, 1)) + bgp.numbers(bgp.LARGE, 1, 2, 3))
FULL_ROW = {"bgp_nexthop": "192.0.2.1", "as_path": "65010 4200000000 {65011,65012}", "comms": "65001:100 no-export",
            "ecomms": "RT:65000:1", "lcomms": "1:2:3", "origin": "e", "local_pref": 300, "med": 7}
PLAIN = bgp.origin(0) + bgp.as_path() + bgp.next_hop("192.0.2.2") + bgp.numbers(bgp.LOCAL_PREF, 100)
PLAIN_ROW = {"bgp_nexthop": "192.0.2.2", "as_path": "", "origin": "i", "local_pref": 100}
BARE = bgp.origin(2) + bgp.as_path([65010]) + bgp.numbers(bgp.LOCAL_PREF, 100)
BARE_ROW = {"as_path": "65010", "origin": "u", "local_pref": 100}

HOP6 = socket.inet_pton(socket.AF_INET6, "2001:db8::1")
HOP4 = socket.inet_pton(socket.AF_INET, "192.0.2.3")

ANNOUNCE = [
    bgp.update(FULL, bgp.prefix("10.1.0.0/16", 0) + bgp.prefix("10.9.0.0/24", 0)),
    bgp.update(PLAIN, bgp.prefix("10.2.0.0/16", 5)),
    bgp.update(BARE + bgp.reach(2, 1, HOP6, bgp.prefix("2001:db8:1::/48"))),
    bgp.update(BARE + bgp.reach(1, 4, HOP4, b"\x30" + struct.pack("!I", 801 << 4 | 1)[1:] + bytes([10, 5, 0]))),
    bgp.update(BARE + bgp.reach(1, 128, bytes(8) + HOP4, bgp.vpn_prefix("10.4.0.0/24", RD, 800))),
]
ANNOUNCED = [
    {"afi": 1, "safi": 1, "ip_prefix": "10.1.0.0/16", "as_path_id": 0, **FULL_ROW},
    {"afi": 1, "safi": 1, "ip_prefix": "10.9.0.0/24", "as_path_id": 0, **FULL_ROW},
    {"afi": 1, "safi": 1, "ip_prefix": "10.2.0.0/16", "as_path_id": 5, **PLAIN_ROW},
    {"afi": 2, "safi": 1, "ip_prefix": "2001:db8:1::/48", "bgp_nexthop": "2001:db8::1", **BARE_ROW},
    {"afi": 1, "safi": 4, "ip_prefix": "10.5.0.0/24", "bgp_nexthop": "192.0.2.3", **BARE_ROW, "mpls_label": "801"},
    {"afi": 1, "safi": 128, "ip_prefix": "10.4.0.0/24", "bgp_nexthop": "192.0.2.3", **BARE_ROW, "rd": "0:65000:1", "rd_origin": "bgp",
     "mpls_label": "800"},
]
WITHDRAW = [bgp.update(withdrawn=bgp.prefix("10.9.0.0/24", 0)), bgp.update(bgp.unreach(2, 1, bgp.prefix("2001:db8:1::/48")))]
WITHDRAWN = [ANNOUNCED[1], ANNOUNCED[3]]


def tcp_port():
    for port in PORTS:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


def speaks(port):
    """A listening socket, without a connection to it."""
    wanted = f":{port:04X} 00000000:0000 0A "
    return wanted in open("/proc/net/tcp").read()


class Collector:
    def __init__(self, one, port, folder):
        self.daemon, self.port, self.folder = one, port, folder
        self.speakers = []

    def peer(self, **how):
        speaker = bgp.Speaker(self.port, **{"families": FAMILIES, "add_path": ((1, 1),), **how})
        self.speakers.append(speaker)
        return speaker

    def ask(self, *words, fine=True):
        done = subprocess.run([built("flowrib"), "bgp", *words, "-d", str(self.folder)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60, env=ENVIRON, check=False)
        assert (done.returncode == 0) == fine, done
        return done.stdout if fine else done.stderr

    def rows(self, *words):
        return [json.loads(line) for line in self.ask(*words, "-O", "json").splitlines()]


@pytest.fixture
def listening(tmp_path, daemon):
    """flowribd that speaks BGP: a function of more configuration lines."""
    made = []

    def start(*more, name="flowribd"):
        port = tcp_port()
        one = daemon([f"nfacctd_port: {free_port()}", "nfacctd_ip: 127.0.0.1", "plugins: memory[m]", "aggregate[m]: src_host",
                      f"imt_path[m]: {tmp_path}/memory.sock", "bgp_daemon: true", "bgp_daemon_ip: 127.0.0.1",
                      f"bgp_daemon_port: {port}", "timestamps_utc: true", *more], name)
        eventually(lambda: speaks(port) or not one.alive(), what=one.text)
        assert one.alive(), one.text()
        made.append(Collector(one, port, tmp_path))
        return made[-1]

    yield start
    for one in made:
        for speaker in one.speakers:
            speaker.close()


def about_routes(rows, *drop):
    """Rows without what differs from run to run, all fields of them that are about the route."""
    leave = {"seq", "timestamp", "peer_ip_src", "peer_tcp_port", "event_type", *drop}
    return [{key: value for key, value in row.items() if key not in leave} for row in rows]


def wait_for_rows(path, n):
    return eventually(lambda: (rows := read_rows(path, "json")) and len(rows) >= n and rows, what=lambda: f"{n} rows in {path}")


def test_message_log(listening, tmp_path):
    one = listening(f"bgp_daemon_msglog_file: {tmp_path}/log-$peer_src_ip.json")
    path = tmp_path / "log-127_0_0_5.json"
    speaker = one.peer()
    speaker.say(*ANNOUNCE, *WITHDRAW, bgp.update())
    rows = wait_for_rows(path, 10)
    speaker.close()
    rows = wait_for_rows(path, 15)
    assert [row["seq"] for row in rows] == list(range(15))
    assert all(row["peer_ip_src"] == "127.0.0.5" and row["peer_tcp_port"] == speaker.port for row in rows)
    assert rows[0]["event_type"] == "log_init"
    assert about_routes(rows[1:7]) == [{"log_type": "update", **row} for row in ANNOUNCED]
    assert about_routes(rows[7:9]) == [{"log_type": "withdraw", **row} for row in WITHDRAWN]
    assert about_routes(rows[9:10]) == [{"log_type": "end-of-rib", "afi": 1, "safi": 1}]
    left = [{"log_type": "delete", **row} for row in ANNOUNCED if row not in WITHDRAWN]
    assert rows[-1]["event_type"] == "log_close"
    by_prefix = sorted(about_routes(rows[10:14]), key=lambda row: row["ip_prefix"])
    assert by_prefix == sorted(left, key=lambda row: row["ip_prefix"])


def test_message_log_as_configured(listening, tmp_path):
    one = listening(f"bgp_daemon_msglog_file: {tmp_path}/all.json", "as_path_encode_as_array: true", "bgp_comms_encode_as_array: true",
                    "bgp_comms_num: true", "tmp_bgp_daemon_origin_type_int: true", "tmp_bgp_lookup_compare_ports: true",
                    "timestamps_since_epoch: true")
    one.peer(router_id="10.0.0.9").say(ANNOUNCE[0])
    row = wait_for_rows(tmp_path / "all.json", 3)[1]
    assert row["as_path"] == ["65010", "4200000000", "{65011,65012}"] and row["origin"] == 1 and row["peer_id"] == "10.0.0.9"
    assert row["comms"] == ["65001:100", "65535:65281"] and row["ecomms"] == ["RT:65000:1"] and row["lcomms"] == ["1:2:3"]
    assert abs(float(row["timestamp"]) - time.time()) < 100


def test_message_log_rotation(listening, tmp_path):
    one = listening(f"bgp_daemon_msglog_file: {tmp_path}/all.json")
    speaker = one.peer()
    wait_for_rows(tmp_path / "all.json", 1)
    (tmp_path / "all.json").rename(tmp_path / "old.json")
    one.daemon.send(signal.SIGHUP)
    time.sleep(1)
    speaker.say(ANNOUNCE[1])
    assert len(wait_for_rows(tmp_path / "all.json", 1)) == 1
    assert len(read_rows(tmp_path / "old.json", "json")) == 1


def test_log_is_complete_at_the_end(listening, tmp_path):
    """What waits in the queue when the daemon is asked to end is written."""
    one = listening(f"bgp_daemon_msglog_file: {tmp_path}/all.json")
    nets = [f"10.{i >> 8}.{i & 255}.0/24" for i in range(20000)]
    speaker = one.peer(add_path=())
    for i in range(0, len(nets), 500):
        speaker.say(bgp.update(PLAIN, b"".join(map(bgp.prefix, nets[i:i + 500]))))
    eventually(lambda: one.rows("summary")[0]["routes"] == len(nets), what="all routes")
    assert one.daemon.stop() == 0
    rows = read_rows(tmp_path / "all.json", "json")
    assert [row["ip_prefix"] for row in rows if row.get("log_type") == "update"] == nets
    assert [row["seq"] for row in rows] == list(range(len(rows)))
    assert [row["event_type"] for row in rows].count("log_close") == 1 and rows[-1]["event_type"] == "log_close"


def test_dump(listening, tmp_path):
    one = listening(f"bgp_table_dump_file: {tmp_path}/dump/$peer_src_ip-%H%M.json", "bgp_table_dump_refresh_time: 60",
                    f"bgp_table_dump_latest_file: {tmp_path}/dump/$peer_src_ip-latest.json", "bgp_table_dump_workers: 2")
    speaker = one.peer()
    speaker.say(*ANNOUNCE)
    one.peer(source="127.0.0.6", router_id="10.0.0.10").say(ANNOUNCE[1])
    latest = tmp_path / "dump" / "127_0_0_5-latest.json"
    eventually(latest.exists, 75, one.daemon.text)
    rows = read_rows(latest, "json")
    assert rows[0]["event_type"] == "dump_init" and rows[0]["dump_period"] == 60 and rows[0]["peer_tcp_port"] == speaker.port
    assert rows[-1]["event_type"] == "dump_close" and rows[-1]["entries"] == 6 and rows[-1]["tables"] == 1
    assert all(row["timestamp"].endswith(":00") and row["timestamp"] == rows[0]["timestamp"] for row in rows)
    key = lambda row: row["ip_prefix"]  # noqa: E731
    assert sorted(about_routes(rows[1:-1]), key=key) == sorted(ANNOUNCED, key=key)
    other = wait_for_rows(tmp_path / "dump" / "127_0_0_6-latest.json", 3)
    assert len(other) == 3 and other[1]["ip_prefix"] == "10.2.0.0/16"
    assert latest.resolve().stat().st_mode & 0o777 == 0o600


def test_client(listening):
    one = listening()
    speaker = one.peer()
    speaker.say(*ANNOUNCE)
    one.peer(source="127.0.0.6", router_id="10.0.0.10").say(ANNOUNCE[1])
    eventually(lambda: one.rows("summary")[0]["routes"] == 7, what="7 routes")
    lookups = {("lookup", "10.1.2.3"): 0, ("prefix", "10.9.0.0/24"): 1, ("lookup", "2001:db8:1::1"): 3, ("lookup", "10.5.0.1"): 4,
               ("lookup", "10.4.0.1", "rd", "0:65000:1"): 5}
    for words, i in lookups.items():
        assert about_routes(one.rows(*words), "peer_id") == [ANNOUNCED[i]], words
    rows = one.rows("lookup", "10.2.0.1")
    assert [row["peer_ip_src"] for row in sorted(rows, key=lambda row: row["peer_ip_src"])] == ["127.0.0.5", "127.0.0.6"]
    assert [row["peer_ip_src"] for row in one.rows("lookup", "10.2.0.1", "peer", "127.0.0.6")] == ["127.0.0.6"]
    assert one.rows("prefix", "10.1.0.0/17") == [] and one.rows("lookup", "10.4.0.1") == []
    peers = {row["address"]: row for row in one.rows("peers")}
    assert peers["127.0.0.5"]["state"] == "established" and peers["127.0.0.5"]["as"] == 65001
    assert eventually(lambda: {p["address"]: p["routes"] for p in one.rows("peers")} == {"127.0.0.5": 6, "127.0.0.6": 1})
    text = one.ask("lookup", "10.1.2.3")
    assert "10.1.0.0/16" in text and "65010 4200000000 {65011,65012}" in text and "65001:100 no-export" in text
    assert "no route" in one.ask("lookup", "203.0.113.1")
    for words in (["lookup", "x"], ["prefix", "10.0.0.0/40"], ["lookup", "10.0.0.1", "rd", "x"], ["nonsense"],
                  ["lookup", "10.1.2.3", "peer", "192.0.2.99"]):
        assert one.ask(*words, fine=False).startswith("error: ")
    speaker.close()
    eventually(lambda: [r["peer_ip_src"] for r in one.rows("lookup", "10.2.0.1")] == ["127.0.0.6"], what="the routes to go")


class Glass:
    """A REQ socket of ZeroMQ, through its C interface."""

    def __init__(self, port, user=None, password=None, patience_ms=10000):
        self.zmq = ctypes.CDLL(ctypes.util.find_library("zmq"))
        for name in ("zmq_ctx_new", "zmq_socket"):
            getattr(self.zmq, name).restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.zmq.zmq_ctx_new())
        self.socket = ctypes.c_void_p(self.zmq.zmq_socket(self.context, 3))
        for option, value in ((27, patience_ms), (28, patience_ms), (17, 0)):
            self.zmq.zmq_setsockopt(self.socket, option, ctypes.byref(ctypes.c_int(value)), ctypes.c_size_t(4))
        if user:
            for option, value in ((45, user.encode()), (46, password.encode())):
                self.zmq.zmq_setsockopt(self.socket, option, value, ctypes.c_size_t(len(value)))
        assert self.zmq.zmq_connect(self.socket, f"tcp://127.0.0.1:{port}".encode()) == 0

    def ask(self, *parts):
        for i, part in enumerate(parts):
            raw = part if isinstance(part, bytes) else json.dumps(part).encode()
            # without a connection, as one that was refused has none, there is nobody to send to
            if self.zmq.zmq_send(self.socket, raw, ctypes.c_size_t(len(raw)), 2 if i + 1 < len(parts) else 0) < 0:
                return None
        out, more = [], ctypes.c_int(1)
        while more.value:
            buf = ctypes.create_string_buffer(65536)
            n = self.zmq.zmq_recv(self.socket, buf, ctypes.c_size_t(65536), 0)
            if n < 0:
                return None
            out.append(json.loads(buf.raw[:n]))
            self.zmq.zmq_getsockopt(self.socket, 13, ctypes.byref(more), ctypes.byref(ctypes.c_size_t(4)))
        return out

    def close(self):
        self.zmq.zmq_close(self.socket)
        self.zmq.zmq_ctx_term(self.context)


@pytest.mark.skipif(not ctypes.util.find_library("zmq"), reason="no libzmq")
def test_looking_glass(listening):
    port = tcp_port()
    one = listening("bgp_daemon_lg: true", f"bgp_daemon_lg_port: {port}", "bgp_daemon_lg_user: ann", "bgp_daemon_lg_passwd: secret")
    speaker = one.peer()
    speaker.say(*ANNOUNCE)
    eventually(lambda: one.rows("summary")[0]["routes"] == 6, what="6 routes")
    glass, stranger = Glass(port, "ann", "secret"), Glass(port, "ann", "wrong", 500)
    lookup = {"query_type": 1, "queries": 1}
    assert glass.ask({"query_type": 2, "queries": 1}) == [
        {"results": 1, "query_type": 2},
        {"peer_ip_src": "127.0.0.5", "peer_id": "10.0.0.9", "peer_tcp_port": speaker.port, "peer_as": 65001}]
    for question, i in (("10.1.2.3", 0), ("10.1.0.0/24", 0), ("10.2.0.0/16", 2), ("2001:db8:1::1", 3), ("10.5.0.1", 4)):
        head, row = glass.ask(lookup, {"ip_prefix": question, "peer_ip_src": "127.0.0.5"})
        assert head == {"results": 1, "query_type": 1} and row["event_type"] == "lglass"
        assert about_routes([row]) == [ANNOUNCED[i]]
    assert glass.ask(lookup, {"ip_prefix": "10.4.0.1", "peer_ip_src": "127.0.0.5", "rd": "0:65000:1"})[0]["results"] == 1
    assert glass.ask(lookup, {"ip_prefix": "203.0.113.1", "peer_ip_src": "127.0.0.5"}) == [
        {"results": 0, "query_type": 1, "text": "prefix not found"}]
    assert glass.ask(b"\xff\x00nonsense") == [{"results": 0, "query_type": 0, "text": "unsupported query_type"}]
    assert stranger.ask({"query_type": 2, "queries": 1}) is None
    assert glass.ask({"query_type": 2, "queries": 1})[0]["results"] == 1
    glass.close()
    stranger.close()


def test_snapshot(listening, tmp_path):
    """A restart has the routes before the peer comes back; what the peer does not announce again goes."""
    lines = [f"bgp_daemon_snapshot_file: {tmp_path}/routes"]
    one = listening(*lines)
    speaker = one.peer()
    speaker.say(*ANNOUNCE)
    eventually(lambda: one.rows("summary")[0]["routes"] == 6, what="6 routes")
    assert one.daemon.stop() == 0
    speaker.close()
    two = listening(*lines, name="again")
    assert about_routes(two.rows("lookup", "10.1.2.3"), "peer_id") == [ANNOUNCED[0]]
    assert about_routes(two.rows("lookup", "10.4.0.1", "rd", "0:65000:1"), "peer_id") == [ANNOUNCED[5]]
    assert two.rows("summary")[0]["routes"] == 6
    # a file in which a byte changed is not used, and said so
    assert two.daemon.stop() == 0
    raw = bytearray((tmp_path / "routes").read_bytes())
    raw[len(raw) // 2] ^= 1
    (tmp_path / "routes").write_bytes(raw)
    three = listening(*lines, name="third")
    assert three.rows("summary")[0]["routes"] == 0
    assert "a checksum is wrong at byte" in three.daemon.text()


@pytest.mark.peer
def test_same_log_as_nfacctd(listening, tmp_path):
    """The same bytes to both collectors: the same rows, but for what newer releases of pmacct call otherwise."""
    one = listening(f"bgp_daemon_msglog_file: {tmp_path}/ours.json")
    port = tcp_port()
    conf = write_config(tmp_path / "nfacctd.conf", [
        f"nfacctd_port: {free_port()}", "nfacctd_ip: 127.0.0.1", "plugins: memory[m]", f"imt_path[m]: {tmp_path}/theirs.sock",
        "aggregate[m]: src_host", "bgp_daemon: true", "bgp_daemon_ip: 127.0.0.1", f"bgp_daemon_port: {port}",
        "bgp_daemon_max_peers: 10", f"bgp_daemon_msglog_file: {tmp_path}/theirs.json"])
    with open(tmp_path / "nfacctd.log", "wb") as log:
        theirs = subprocess.Popen([peer("nfacctd"), "-f", conf], stdout=log, stderr=log, cwd=tmp_path, env=environ(tmp_path))
    try:
        eventually(lambda: speaks(port), what="nfacctd")
        unsorted = (bgp.origin(0) + bgp.as_path([65010]) + bgp.next_hop("192.0.2.1") + bgp.numbers(bgp.LOCAL_PREF, 1) +
                    bgp.numbers(bgp.COMMUNITIES, 65003 << 16 | 1, 65001 << 16 | 9, 65003 << 16 | 1, 65002 << 16) +
                    bgp.attribute(bgp.EXT, b"".join(struct.pack("!BBHI", 0, s, a, 1) for s, a in ((3, 65000), (2, 65009), (2, 65000),
                                                                                              (2, 65009)))) +
                    bgp.numbers(bgp.LARGE, 7, 2, 3, 1, 9, 9, 7, 1, 1, 7, 2, 3))
        said = [*ANNOUNCE, bgp.update(unsorted, bgp.prefix("10.7.0.0/16", 1)), *WITHDRAW]
        speakers = [one.peer(), bgp.Speaker(port, families=FAMILIES, add_path=((1, 1),))]
        for speaker in speakers:
            speaker.say(*said)
        for name in ("ours", "theirs"):
            wait_for_rows(tmp_path / f"{name}.json", 10)
        for speaker in speakers:
            speaker.close()
        rows = {name: wait_for_rows(tmp_path / f"{name}.json", 16) for name in ("ours", "theirs")}
    finally:
        theirs.terminate()
        theirs.wait(20)
    for row in rows["theirs"]:
        if "label" in row:
            row["mpls_label"] = row.pop("label")
    drop = ("timestamp", "peer_tcp_port")
    plain = {name: [{k: v for k, v in row.items() if k not in drop} for row in some] for name, some in rows.items()}
    # routes of a session that ended go in any order
    order = lambda row: (row.get("log_type") == "delete" or row["event_type"] == "log_close",  # noqa: E731
                         row["event_type"] == "log_close", row["seq"] if row.get("log_type") != "delete" else 0,
                         row.get("ip_prefix", ""))
    for some in plain.values():
        some.sort(key=order)
        for i, row in enumerate(some):
            row["seq"] = i
    assert plain["ours"] == plain["theirs"]
    # the order of keys, too
    assert [list(row) for row in plain["ours"]] == [list(row) for row in plain["theirs"]]


@pytest.mark.skipif(not shutil.which("exabgp"), reason="no exabgp")
def test_exabgp(listening, tmp_path):
    """A speaker that is not ours: what its configuration says."""
    one = listening(f"bgp_daemon_msglog_file: {tmp_path}/log.json")
    conf = tmp_path / "exabgp.conf"
    conf.write_text("neighbor 127.0.0.1 { router-id 10.0.0.9; local-address 127.0.0.5; local-as 65001; peer-as 65001; "
                    f"connect {one.port}; family {{ ipv4 unicast; }} static {{ "
                    "route 10.1.0.0/16 next-hop 192.0.2.1 as-path [ 65010 4200000000 ] community [ 65001:100 65001:200 ] "
                    "large-community [ 1:2:3 ] extended-community [ target:65000:1 ] med 7 local-preference 300 origin egp; } }\n")
    with open(tmp_path / "exabgp.log", "wb") as log:
        speaker = subprocess.Popen(["exabgp", str(conf)], stdout=log, stderr=log, cwd=tmp_path, start_new_session=True,
                                   env=dict(ENVIRON, exabgp_daemon_user="root", exabgp_daemon_drop="false", exabgp_api_cli="false"))
    try:
        rows = wait_for_rows(tmp_path / "log.json", 2)
        wanted = {"afi": 1, "safi": 1, "ip_prefix": "10.1.0.0/16", "bgp_nexthop": "192.0.2.1", "as_path": "65010 4200000000",
                  "comms": "65001:100 65001:200", "ecomms": "RT:65000:1", "lcomms": "1:2:3", "origin": "e", "local_pref": 300, "med": 7}
        assert about_routes(rows[1:2], "log_type") == [wanted]
        assert about_routes(one.rows("lookup", "10.1.2.3"), "peer_id") == [wanted]
    finally:
        speaker.terminate()
        speaker.wait(20)
