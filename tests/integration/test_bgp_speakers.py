"""flowribd beside the BGP speakers of Debian: what they announce is what it says and logs."""
import os
import subprocess

import pytest

from bgp import Collector, Nfacctd, local_address
from conftest import ENVIRON, WORKER, built, eventually
from speakers import SPEAKERS, Route, Session

# For finding out whose fault something is: the same tests against Debian's nfacctd, as far as it goes.
PEER = os.environ.get("FLOWRIB_BGP_BESIDE") == "nfacctd"


def route_sets(name):
    """Two routes of each family; OpenBGPD and FRR's `network` make no paths of their own."""
    path = [65010, 4200000000] if name != "openbgpd" else []
    return [Route("203.0.113.0/24", "192.0.2.1", path, ["65001:100", "65001:200"], ["65001:1:2"], 50),
            Route("198.51.100.0/25", "192.0.2.2", path[:1]),
            Route("2001:db8:1::/48", "2001:db8::1", path, ["65001:300"]),
            Route("2001:db8:2::/48", "2001:db8::2")]


@pytest.fixture
def collector():
    started = []

    def start(*lines, **options):
        one = (Nfacctd if PEER else Collector)(*lines, **options)
        started.append(one)
        return one.up()

    yield start
    for one in started:
        one.close()


@pytest.fixture
def speaker(tmp_path):
    """A function that starts a speaker by name; what is left running at the end is stopped."""
    started = []

    def start(name, collector, routes=(), local=None, **options):
        if not SPEAKERS[name].installed():
            pytest.skip(f"{name} is not installed")
        one = SPEAKERS[name](tmp_path, Session(local or local_address(), collector.address, collector.bgp_port, **options))
        started.append(one)
        one.start(routes)
        return one

    yield start
    for one in started:
        one.stop()


def expected(speaker, route):
    """Fields of the message log for a route."""
    fields = dict(ip_prefix=route.prefix, bgp_nexthop=speaker.next_hop(route), afi=2 if route.v6 else 1,
                  as_path=" ".join(map(str, [speaker.session.asn] + route.path)))
    if route.communities:
        fields["comms"] = " ".join(route.communities)
    if route.large:
        fields["lcomms"] = " ".join(route.large)
    if route.med is not None:
        fields["med"] = route.med
    return fields


def expect_route(collector, speaker, route, since=0):
    fields = expected(speaker, route)
    return collector.expect_message(speaker.session.local, "update", fields.pop("ip_prefix"), since, **fields)


@pytest.mark.parametrize("name", SPEAKERS)
def test_life_of_a_session(collector, speaker, name):
    """Establish, announce, withdraw, announce anew, send all again, flap: log, questions and status agree."""
    one = collector()
    routes = route_sets(name)
    other = speaker(name, one, routes)
    local = other.session.local
    one.expect_session(local)
    for route in routes:
        one.expect_answers(expect_route(one, other, route))
    one.expect_routes(local, [r.prefix for r in routes])

    other.withdraw(routes[0])
    gone = one.expect_message(local, "withdraw", routes[0].prefix)
    assert gone.get("as_path") == expected(other, routes[0])["as_path"]
    one.expect_none(routes[0].prefix)
    since = len(one.messages(local))
    other.announce(routes[0])
    expect_route(one, other, routes[0], since)
    one.expect_routes(local, [r.prefix for r in routes])
    other.resend()

    since = len(one.messages(local))
    other.reset()
    one.expect_session(local, "log_close")
    one.expect_session(local, count=2)
    for route in routes:
        expect_route(one, other, route, since)
    one.expect_routes(local, [r.prefix for r in routes])
    other.stop()
    one.expect_session(local, "log_close", 2)
    one.expect_routes(local, [])
    if not PEER:
        assert one.peer(local)["state"] == "idle"


@pytest.mark.parametrize("name", SPEAKERS)
def test_md5(collector, speaker, tmp_path, name):
    """Sessions signed with a key (RFC 2385); one with another key does not come up."""
    keys, good, bad = tmp_path / "keys", local_address(), local_address()
    keys.write_text(f"{good}, s3cret\n{bad}, other\n")
    one = collector(f"bgp_daemon_md5_file: {keys}")
    wrong = speaker(name, one, local=bad, md5="s3cret")
    right = speaker(name, one, [Route("203.0.113.0/24", "192.0.2.1")], local=good, md5="s3cret")
    one.expect_session(right.session.local)
    one.expect_routes(right.session.local, ["203.0.113.0/24"])
    assert one.messages(wrong.session.local) == []


@pytest.mark.parametrize("name", SPEAKERS)
def test_session_over_ipv6(collector, speaker, name):
    one = collector(address="::1")
    routes = [Route("203.0.113.0/24", "192.0.2.1"), Route("2001:db8:1::/48", "2001:db8::1")]
    other = speaker(name, one, routes, local="::1")
    one.expect_session("::1")
    one.expect_routes("::1", [r.prefix for r in routes])
    expect_route(one, other, routes[1])


ADD_PATH = [Route("203.0.113.0/24", f"192.0.2.{n}", [65010, 65010 + n]) for n in (1, 2, 3)]


@pytest.fixture
def three_feeders(tmp_path):
    """A function: three sessions to a speaker, each with its own route of one prefix; returns the process."""
    started = []

    def start(speaker):
        command = [built("bgpfeed"), "--to", f"{speaker.session.local}:{speaker.listen_port}", "--from", f"127.51.{WORKER}.1", "--as", "65010",
                   "--collector-as", str(speaker.session.asn)]
        for i, route in enumerate(ADD_PATH):
            path = tmp_path / f"routes-{i}"
            path.write_text(f"{route.prefix} {route.next_hop} {','.join(map(str, route.path))}\n")
            command += ["--routes", str(path)]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=ENVIRON, text=True))
        return started[-1]

    yield start
    for one in started:
        one.stdin.close()
        one.wait(10)


@pytest.mark.parametrize("name", ["gobgp", "bird", "frr"])
def test_add_path(collector, speaker, three_feeders, name):
    """Several routes of one prefix in one session (RFC 7911); a withdrawal takes one of them."""
    one = collector()
    bird = name == "bird"
    other = speaker(name, one, ADD_PATH if bird else [], add_path=True, families=("ipv4",), listen=not bird)
    local = other.session.local
    feeders = None if bird else three_feeders(other)
    paths = [" ".join(map(str, [65001] + r.path)) for r in ADD_PATH]
    messages = [one.expect_message(local, "update", "203.0.113.0/24", as_path=p) for p in paths]
    found = [m["as_path_id"] for m in messages]
    assert len(set(found)) == 3
    for m in messages:
        one.expect_answers(m)
    if bird:
        other.withdraw(other.routes[1])
    else:
        print("cease 1", file=feeders.stdin, flush=True)
    one.expect_message(local, "withdraw", "203.0.113.0/24", as_path_id=found[1])


VPN = [Route("203.0.113.0/24", "192.0.2.1", label=100, rd="65000:7", target="65000:1"),
       Route("2001:db8:1::/48", "2001:db8::1", label=200, rd="65000:7", target="65000:1")]


@pytest.mark.parametrize("name", ["gobgp", "frr", "exabgp"])
def test_vpn(collector, speaker, name):
    one = collector()
    other = speaker(name, one, VPN, families=("ipv4", "ipv4-vpn", "ipv6-vpn"))
    local = other.session.local
    one.expect_session(local)
    for route in VPN:
        m = one.expect_message(local, "update", route.prefix, safi=128, rd="0:65000:7", ecomms="RT:65000:1")
        assert str(m.get("mpls_label", m.get("label"))) == str(route.label), m
        one.expect_answers(m)
    other.withdraw(VPN[0])
    one.expect_message(local, "withdraw", VPN[0].prefix, rd="0:65000:7")


LABELED = [Route("203.0.113.0/24", "192.0.2.1", label=100), Route("2001:db8:1::/48", "2001:db8::1", label=200)]


@pytest.mark.parametrize("name", ["gobgp", "exabgp"])
def test_labeled_unicast(collector, speaker, name):
    one = collector()
    other = speaker(name, one, LABELED, families=("ipv4", "ipv4-labeled", "ipv6-labeled"))
    for route in LABELED:
        m = one.expect_message(other.session.local, "update", route.prefix, safi=4)
        assert str(m.get("mpls_label", m.get("label"))) == str(route.label), m
        one.expect_answers(m)
    other.withdraw(LABELED[0])
    one.expect_message(other.session.local, "withdraw", LABELED[0].prefix)


def test_extended_next_hop(collector, speaker):
    """IPv4 routes with an IPv6 next hop (RFC 8950)."""
    one = collector(address="::1")
    route = Route("203.0.113.0/24", "2001:db8::1", [65010])
    other = speaker("bird", one, [route], local="::1", extended_next_hop=True)
    one.expect_session("::1")
    expect_route(one, other, route)


@pytest.mark.parametrize("name", ["gobgp", "bird", "frr"])
def test_graceful_restart(collector, speaker, name):
    """Routes stay while a speaker that promised so comes back (RFC 4724); what it does not announce again goes."""
    if PEER:
        pytest.skip("not in nfacctd")
    one = collector()
    routes = route_sets(name)
    other = speaker(name, one, routes, graceful=60)
    local = other.session.local
    one.expect_routes(local, [r.prefix for r in routes])
    eventually(lambda: one.peer(local)["end_of_rib"], what="End-of-RIB")
    other.crash()
    eventually(lambda: one.peer(local)["stale"], what=lambda: one.peer(local))
    eventually(lambda: one.peer(local)["routes"] == len(routes), what=lambda: one.peer(local))
    one.expect_routes(local, [r.prefix for r in routes])
    other.start(routes[1:])
    one.expect_session(local, count=2)
    one.expect_routes(local, [r.prefix for r in routes[1:]])
    eventually(lambda: not one.peer(local)["stale"], what=lambda: one.peer(local))
