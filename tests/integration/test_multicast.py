"""Multicast groups of both families, between two network namespaces joined by a cable of their own."""
import json
import os
import subprocess

import pytest

from conftest import ENVIRON, built, eventually, table_rows
from ops import Ops

GROUP4, GROUP6, LOCAL6 = "239.1.2.3", "ff05::4739", "ff02::4739"
SENDER4, SENDER6 = "10.99.0.2", "fd99::2"


class Cable:
    """Two network namespaces, each held by a process that sleeps; both go when their processes do."""

    def __init__(self):
        self.holders = [subprocess.Popen(["unshare", "--net", "sleep", "300"]) for _ in range(2)]
        own = os.readlink("/proc/self/ns/net")
        eventually(lambda: all(os.readlink(f"/proc/{h.pid}/ns/net") != own for h in self.holders) or self.failed(), what="namespaces")

    def failed(self):
        return any(h.poll() is not None for h in self.holders)

    def prefix(self, side):
        return ["nsenter", "-t", str(self.holders[side].pid), "-n"]

    def plug_in(self):
        """False when this machine allows no namespaces or no cable."""
        if self.failed():
            return False
        a, b = (str(h.pid) for h in self.holders)
        add = ["ip", "link", "add", "name", "cable0", "netns", a, "type", "veth", "peer", "name", "cable1", "netns", b]
        if subprocess.run(add, stderr=subprocess.DEVNULL, check=False).returncode:
            return False
        for side in (0, 1):
            for command in ("link set lo up", f"link set cable{side} up mtu 9000", f"addr add 10.99.0.{side + 1}/24 dev cable{side}",
                            f"addr add fd99::{side + 1}/64 dev cable{side} nodad", f"route add 224.0.0.0/4 dev cable{side}"):
                subprocess.run([*self.prefix(side), "ip", *command.split()], check=True)
        return True

    def send(self, to, port):
        host = f"[{to}]" if ":" in to else to
        done = subprocess.run([*self.prefix(1), built("flowgen"), "--to", f"{host}:{port}", "--version", "10", "--records", "240",
                               "--rate", "10000"], stdout=subprocess.PIPE, env=ENVIRON, timeout=60, check=True)
        return json.loads(done.stdout)

    def close(self):
        for h in self.holders:
            h.kill()
            h.wait()


@pytest.fixture
def cable():
    if os.geteuid() != 0:
        pytest.skip("only root makes network namespaces")
    one = Cable()
    try:
        if not one.plug_in():
            pytest.skip("no network namespaces or no veth here")
        yield one
    finally:
        one.close()


def heard(one):
    return {row["peer_ip_src"]: row["flows"] for row in table_rows(one.table)}


@pytest.mark.parametrize("threads", [1, 2])
def test_groups_of_both_families(cable, threads):
    """What is sent to the groups is counted once, whatever the number of threads; another group is not heard."""
    one = Ops(f"nfacctd_mcast_groups: {GROUP6}, {GROUP4}", f"nfacctd_threads: {threads}", "aggregate[m]: peer_src_ip, flows", ip=None,
              prefix=cable.prefix(0))
    try:
        one.up()
        cable.send("ff05::4740", one.port)
        for group in (GROUP4, GROUP6):
            cable.send(group, one.port)
        eventually(lambda: heard(one) == {SENDER4: 240, SENDER6: 240}, what=lambda: f"240 of each, once: {heard(one)}")
        assert one.end() == 0
    finally:
        one.close()


def test_group_of_the_link(cable):
    """A group of link scope needs the interface, which nfacctd_interface names."""
    one = Ops(f"nfacctd_mcast_groups: {LOCAL6}", "nfacctd_interface: cable0", "aggregate[m]: flows", ip=None, prefix=cable.prefix(0))
    try:
        one.up()
        cable.send(f"{LOCAL6}%cable1", one.port)
        eventually(lambda: one.flows() == 240, what="all flows")
    finally:
        one.close()


@pytest.mark.parametrize("bad", ["fd99::7", "10.99.0.7"])
def test_what_is_no_group_is_refused(cable, bad):
    one = Ops(f"nfacctd_mcast_groups: {bad}", ip=None, prefix=cable.prefix(0))
    try:
        assert one.process.wait(20) == 1
        assert f"cannot join multicast group '{bad}'" in one.log()
    finally:
        one.close()
