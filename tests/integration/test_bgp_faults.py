"""What a BGP peer may do wrong, said byte by byte: that peer suffers, nobody else."""
import socket
import struct
import time

import pytest

from bgp import Collector, local_address
from bgpwire import (IPV4, IPV6, KEEPALIVE, MARKER, NOTIFICATION, OPEN, OPTIONAL, REFRESH, TRANSITIVE, UPDATE, Wire, as_path, attr, capability, message,
                     next_hop, nlri, open_body, origin, reach, unreach, update)
from conftest import eventually


@pytest.fixture
def collector():
    started = []

    def start(*lines, **options):
        started.append(Collector(*lines, **options))
        return started[-1].up()

    yield start
    for one in started:
        one.close()


@pytest.fixture
def wire():
    started = []

    def start(collector, local=None, **options):
        started.append(Wire(collector.address, collector.bgp_port, local or local_address(), **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


PREFIX = "203.0.113.0/24"
PATH, HOP = as_path(65001, 65010), next_hop("192.0.2.1")
GOOD = origin() + PATH + HOP
LIST = OPTIONAL | TRANSITIVE

# What is wrong, the attributes that say so, what it is counted as, and what becomes of the route (RFC 7606, 3 and 7).
WITHDRAWN, KEPT = "withdraw", "update"
FAULTS = [
    ("ORIGIN of two octets", attr(TRANSITIVE, 1, b"\0\0") + PATH + HOP, "origin", WITHDRAWN),
    ("ORIGIN with a value there is not", origin(3) + PATH + HOP, "origin", WITHDRAWN),
    ("ORIGIN that says it is optional", attr(LIST, 1, b"\0") + PATH + HOP, "attr_flags", WITHDRAWN),
    ("no ORIGIN", PATH + HOP, "missing", WITHDRAWN),
    ("no AS_PATH", origin() + HOP, "missing", WITHDRAWN),
    ("no NEXT_HOP", origin() + PATH, "missing", WITHDRAWN),
    ("AS_PATH with a segment of an unknown type", origin() + as_path(65001, kind=9) + HOP, "as_path", WITHDRAWN),
    ("AS_PATH whose segment overruns", origin() + attr(TRANSITIVE, 2, b"\2\3\0\0\xfd\xe9") + HOP, "as_path", WITHDRAWN),
    ("AS_PATH with a segment of no AS", origin() + attr(TRANSITIVE, 2, b"\2\0") + HOP, "as_path", WITHDRAWN),
    ("NEXT_HOP of five octets", origin() + PATH + attr(TRANSITIVE, 3, b"\xc0\0\2\1\0"), "next_hop", WITHDRAWN),
    ("MED of three octets", GOOD + attr(OPTIONAL, 4, b"\0\0\1"), "med", WITHDRAWN),
    ("LOCAL_PREF from another AS", GOOD + attr(TRANSITIVE, 5, b"\0\0\0\1"), "local_pref", KEPT),
    ("ATOMIC_AGGREGATE of one octet", GOOD + attr(TRANSITIVE, 6, b"\0"), "atomic_aggregate", KEPT),
    ("AGGREGATOR of five octets", GOOD + attr(LIST, 7, b"\0\0\0\1\1"), "aggregator", KEPT),
    ("COMMUNITIES of six octets", GOOD + attr(LIST, 8, bytes(6)), "communities", WITHDRAWN),
    ("COMMUNITIES of none", GOOD + attr(LIST, 8, b""), "communities", WITHDRAWN),
    ("ORIGINATOR_ID from another AS", GOOD + attr(OPTIONAL, 9, bytes(4)), "originator", KEPT),
    ("CLUSTER_LIST from another AS", GOOD + attr(OPTIONAL, 10, bytes(4)), "cluster_list", KEPT),
    ("EXTENDED COMMUNITIES of seven octets", GOOD + attr(LIST, 16, bytes(7)), "ext_communities", WITHDRAWN),
    ("LARGE_COMMUNITY of eleven octets", GOOD + attr(LIST, 32, bytes(11)), "large_communities", WITHDRAWN),
    ("COMMUNITIES twice", GOOD + attr(LIST, 8, b"\xfd\xe9\0\1") + attr(LIST, 8, b"\xfd\xe9\0\2"), "attr_duplicate", KEPT),
    ("an attribute that overruns", GOOD + bytes([LIST, 8, 200]) + bytes(4), "attr_truncated", WITHDRAWN),
    ("one octet of an attribute", GOOD + bytes([LIST]), "attr_truncated", WITHDRAWN),
]


def test_malformed_attributes_do_not_end_the_session(collector, wire):
    """RFC 7606: the route is withdrawn, or lives without the attribute; the fault is counted by kind; routes beside it stay."""
    one = collector()
    peer = wire(one)
    local, counted = peer.local, {}
    peer.announce("198.51.100.0/24")
    for what, attrs, kind, outcome in FAULTS:
        before = len(one.messages(local))
        peer.announce(PREFIX)
        one.expect_message(local, "update", PREFIX, before)
        since = len(one.messages(local))
        peer.announce(PREFIX, attrs=attrs)
        m = one.expect_message(local, outcome, PREFIX, since)
        assert "local_pref" not in m, what
        if "twice" in what:
            assert m["comms"] == "65001:1"
        counted[kind] = counted.get(kind, 0) + 1
        status = eventually(lambda: (p := one.peer(local)) and p["malformed"] == counted and p, what=lambda: f"{what}: {one.peer(local)['malformed']}, not {counted}")
        assert status["state"] == "established", what
        peer.withdraw(PREFIX)
    withdrawn = sum(outcome == WITHDRAWN for *_, outcome in FAULTS)
    assert one.peer(local)["treated_as_withdrawn"] == withdrawn
    one.expect_routes(local, ["198.51.100.0/24"])


# Faults after which nothing that follows can be understood: the session ends (RFC 4271, 6.1, 6.3; RFC 7606, 3.j, 5.3).
ENDS = [
    ("no marker", b"\0" * 16 + struct.pack(">HB", 19, KEEPALIVE), 1, 1),
    ("18 octets", MARKER + struct.pack(">HB", 18, KEEPALIVE), 1, 2),
    ("5,000 octets", MARKER + struct.pack(">HB", 5000, UPDATE), 1, 2),
    ("KEEPALIVE with a body", message(KEEPALIVE, b"\0"), 1, 2),
    ("type 9", message(9), 1, 3),
    ("a second OPEN", message(OPEN, open_body(65001, "127.50.0.1")), 5, None),
    ("withdrawn routes that overrun", message(UPDATE, struct.pack(">HH", 100, 0)), 3, 1),
    ("attributes that overrun", message(UPDATE, struct.pack(">HH", 0, 100)), 3, 1),
    ("a prefix of 33 bits", update(GOOD, b"\x21" + bytes(5)), 3, 10),
    ("a prefix that overruns", update(GOOD, b"\x18\xcb\0"), 3, 10),
    ("MP_REACH_NLRI twice", update(GOOD + 2 * reach(IPV6, bytes(15) + b"\1", nlri("2001:db8::/32"))), 3, 1),
]


def test_what_cannot_be_understood_ends_that_session_alone(collector, wire):
    one = collector()
    other = wire(one)
    other.announce(PREFIX)
    for what, data, code, subcode in ENDS:
        peer = wire(one)
        peer.announce("198.51.100.0/24")
        one.expect_routes(peer.local, ["198.51.100.0/24"])
        peer.send(data)
        try:
            peer.expect_end(code, subcode)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from error
        one.expect_routes(peer.local, [])
        one.expect_session(peer.local, "log_close")
    assert one.peer(other.local)["state"] == "established"
    one.expect_routes(other.local, [PREFIX])


def test_hold_timer(collector, wire):
    """Who is silent longer than the hold time is gone (RFC 4271, 6.5); who speaks now and then is not."""
    one = collector()
    silent, lively = wire(one, hold=3), wire(one, hold=3)
    silent.announce(PREFIX)
    lively.announce(PREFIX)
    begun = time.monotonic()
    for _ in range(6):
        time.sleep(0.8)
        lively.send(message(KEEPALIVE))
    body = silent.expect(NOTIFICATION)
    assert body[0] == 4 and time.monotonic() - begun < 8
    one.expect_routes(silent.local, [])
    one.expect_routes(lively.local, [PREFIX])
    lively.expect(KEEPALIVE, 5)


def test_one_byte_at_a_time(collector, wire):
    """A peer that sends a byte now and then gets its session and its route, and holds nobody up."""
    one = collector()
    slow = wire(one, establish=False)
    quick = wire(one)
    for byte in message(OPEN, open_body(65001, slow.local)) + message(KEEPALIVE):
        slow.send(bytes([byte]))
        time.sleep(0.002)
    slow.expect(KEEPALIVE)
    for byte in update(slow.mandatory, nlri(PREFIX)):
        slow.send(bytes([byte]))
        time.sleep(0.002)
    quick.announce(PREFIX)
    one.expect_routes(slow.local, [PREFIX])
    one.expect_routes(quick.local, [PREFIX])


def test_who_may_connect(collector, wire, tmp_path):
    """Sessions from addresses that are not listed are refused and counted; so are more than the limit."""
    allowed, stranger = local_address(), local_address()
    allow = tmp_path / "allow"
    allow.write_text(f"{allowed}\n")
    one = collector(f"bgp_daemon_allow_file: {allow}")
    peer = wire(one, local=allowed)
    with pytest.raises((AssertionError, OSError)):
        wire(one, local=stranger)
    assert one.peer(stranger) is None
    assert one.counter("bgp_connections_refused", reason="not_in_allow_file") >= 1
    peer.announce(PREFIX)
    one.expect_routes(allowed, [PREFIX])


def test_flood_of_connections(collector, wire):
    """Connections that say nothing are taken only in numbers, and peers are served beside them."""
    one = collector()
    flood = []
    for n in range(300):
        s = socket.socket()
        s.settimeout(5)
        s.bind((f"127.52.{n // 200}.{n % 200 + 1}", 0))
        s.connect((one.address, one.bgp_port))
        flood.append(s)
    peer = wire(one)
    peer.announce(PREFIX)
    one.expect_routes(peer.local, [PREFIX])
    for s in flood:
        s.close()


def test_old_speaker(collector, wire):
    """A speaker of two-octet AS numbers: AS4_PATH is put into AS_PATH (RFC 6793)."""
    one = collector()
    peer = wire(one, as4=False)
    attrs = origin() + as_path(65001, 23456, 23456, width=">H") + HOP + attr(LIST, 17, bytes([2, 2]) + struct.pack(">II", 4200000001, 4200000002))
    peer.announce(PREFIX, attrs=attrs)
    one.expect_message(peer.local, "update", PREFIX, as_path="65001 4200000001 4200000002")


def test_enhanced_refresh(collector, wire):
    """What is not announced again between the beginning and the end of a refresh is gone (RFC 7313)."""
    one = collector()
    peer = wire(one, extra=capability(2) + capability(70))
    peer.announce(PREFIX, "198.51.100.0/24")
    one.expect_routes(peer.local, [PREFIX, "198.51.100.0/24"])
    peer.send(message(REFRESH, struct.pack(">HBB", 1, 1, 1)))
    peer.announce(PREFIX)
    peer.send(message(REFRESH, struct.pack(">HBB", 1, 2, 1)))
    one.expect_routes(peer.local, [PREFIX])


def test_families_without_a_table(collector, wire):
    """EVPN and FlowSpec are logged, and do no harm to the routes beside them."""
    evpn, flowspec = (25, 70), (1, 133)
    one = collector()
    peer = wire(one, families=(IPV4, IPV6, evpn, flowspec))
    # type 3, inclusive multicast: RD 65000:1, tag 0, an IPv4 address (RFC 7432, 7.3)
    route = b"\3\x11" + struct.pack(">HHI", 0, 65000, 1) + bytes(4) + b"\x20" + socket.inet_aton("192.0.2.9")
    peer.send(update(origin() + PATH + reach(evpn, socket.inet_aton("192.0.2.1"), route)))
    # destination 203.0.113.0/24 (RFC 8955, 4.2.2.1)
    peer.send(update(origin() + PATH + reach(flowspec, b"", b"\5\1\x18\xcb\0\x71")))
    peer.send(update(unreach(evpn, route)))
    peer.announce(PREFIX)
    one.expect_routes(peer.local, [PREFIX])
    assert {(m["afi"], m["safi"]) for m in one.messages(peer.local) if m.get("log_type") == "update"} == {evpn, flowspec, IPV4}
    assert one.peer(peer.local)["state"] == "established"
