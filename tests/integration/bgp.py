"""flowribd with BGP, as an operator has it: message log, status, questions; and what a test expects of them."""
import json
import os
import subprocess
import tempfile

from conftest import ENVIRON, PORTS, WORKER, built, eventually, free_port, peer
from ops import Ops

LOCALS = iter(f"127.50.{WORKER}.{n}" for n in range(1, 255))


def local_address():
    """A loopback address that no other test has."""
    return next(LOCALS)


def tcp_bound(port):
    """Somebody listens there."""
    wanted = f":{port:04X} "
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}", encoding="ascii") as f:
            if any(wanted in line.split(" st ")[0] and line.split()[3] == "0A" for line in f if line.split()[1].endswith(wanted.strip())):
                return True
    return False


class Collector(Ops):
    """flowribd that speaks BGP on a port of its own, with a message log for each peer."""

    def __init__(self, *lines, address="127.0.0.1", asn=65000, **options):
        self.address, self.bgp_port = address, next(PORTS)
        super().__init__("bgp_daemon: true", f"bgp_daemon_ip: {address}", f"bgp_daemon_port: {self.bgp_port}", f"bgp_daemon_as: {asn}",
                         "bgp_daemon_max_peers: 100", "bgp_daemon_msglog_file: messages-$peer_src_ip", "nfacctd_as: bgp", "nfacctd_net: bgp",
                         *lines, **options)

    def up(self):
        super().up()
        eventually(lambda: tcp_bound(self.bgp_port) or not self.runs(), what="the port of BGP")
        return self

    nfacctd = False

    # --- what it wrote and says ---

    def messages(self, address, since=0):
        """Lines of the message log of one peer."""
        path = os.path.join(self.folder, f"messages-{address.replace('.', '_').replace(':', '_')}")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as f:
            return [json.loads(line) for line in f if line.endswith("\n")][since:]

    def bgp(self, *words):
        """Rows of `flowrib bgp ... -O json`."""
        done = subprocess.run([built("flowrib"), "bgp", *words, "-O", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=30, env=dict(ENVIRON, RUNTIME_DIRECTORY=self.run), check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def peer(self, address):
        """A peer of the status."""
        return next((p for p in self.status()["bgp"]["peers"] if p["address"] == address), None)

    ROUTE_FIELDS = ("afi", "safi", "ip_prefix", "bgp_nexthop", "as_path", "comms", "ecomms", "lcomms", "origin", "local_pref", "med", "as_path_id", "rd",
                    "mpls_label")

    def expect_answers(self, message):
        """Asked for the prefix and for an address in it, it says what the message log said of this route."""
        if self.nfacctd:
            return
        wanted = {k: message[k] for k in self.ROUTE_FIELDS if k in message}
        where = ["peer", message["peer_ip_src"]] + (["rd", message["rd"]] if "rd" in message else [])
        for question in (["prefix", message["ip_prefix"]], ["lookup", message["ip_prefix"].split("/")[0]]):
            rows = self.bgp(*question, *where)
            assert wanted in [{k: row[k] for k in self.ROUTE_FIELDS if k in row} for row in rows], f"{question + where}: {wanted} is not in {rows}"

    def expect_none(self, prefix, *where):
        if not self.nfacctd:
            assert self.bgp("prefix", prefix, *where) == []

    def expect_session(self, address, state="log_init", count=1, seconds=20):
        eventually(lambda: sum(m["event_type"] == state for m in self.messages(address)) >= count, seconds,
                   lambda: f"{count} {state} of {address}: {self.messages(address)[-5:]} {self.log()[-2000:]}")

    def expect_message(self, address, log_type, prefix, since=0, seconds=20, **fields):
        """The newest message of that type about a prefix, once its fields are as given."""
        def found():
            for m in reversed(self.messages(address, since)):
                if m.get("log_type") == log_type and m.get("ip_prefix") == prefix and all(m.get(k) == v for k, v in fields.items()):
                    return m
            return None
        return eventually(found, seconds, lambda: f"{log_type} {prefix} {fields} of {address} in {self.messages(address, since)[-8:]}\n{self.log()[-1500:]}")

    def expect_routes(self, address, prefixes, seconds=20):
        """The message log, followed from its beginning, leaves exactly these prefixes in the tables."""
        def left():
            have = set()
            for m in self.messages(address):
                if m.get("safi") not in (1, 4, 128):
                    continue
                if m.get("log_type") == "update":
                    have.add(m["ip_prefix"])
                elif m.get("log_type") in ("withdraw", "delete"):
                    have.discard(m["ip_prefix"])
            return have
        eventually(lambda: left() == set(prefixes), seconds, lambda: f"{sorted(prefixes)} of {address}, but there are {sorted(left())}")


class Nfacctd(Collector):
    """Debian's nfacctd in its place, to find out what is our own doing. It has no status and answers no questions."""
    nfacctd = True

    def __init__(self, *lines, address="127.0.0.1", asn=65000, **_):
        self.own_folder, self.folder = True, tempfile.mkdtemp(prefix="flowrib-peer-")
        self.address, self.bgp_port, self.port = address, next(PORTS), free_port()
        self.log_path = os.path.join(self.folder, "log")
        self.mark = "none"
        text = ["daemonize: false", f"nfacctd_port: {self.port}", "nfacctd_ip: 127.0.0.1", "plugins: print[p]", "aggregate: dst_as", "print_refresh_time: 3600",
                "bgp_daemon: true", f"bgp_daemon_ip: {address}", f"bgp_daemon_port: {self.bgp_port}", f"bgp_daemon_as: {asn}",
                "bgp_daemon_max_peers: 100", f"bgp_daemon_msglog_file: {self.folder}/messages-$peer_src_ip", "nfacctd_as: bgp", "nfacctd_net: bgp", *lines]
        with open(os.path.join(self.folder, "conf"), "w", encoding="utf-8") as f:
            f.write("\n".join(text) + "\n")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([peer("nfacctd"), "-f", os.path.join(self.folder, "conf")], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.pid = self.process.pid

    def up(self):
        eventually(lambda: tcp_bound(self.bgp_port) or not self.runs(), what="the port of BGP")
        return self

    def family(self):
        """It with its plugins, while it runs: they would outlive it."""
        found, queue = [], [self.pid] if self.runs() else []
        while queue:
            found.append(queue.pop())
            done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(found[-1])], stdout=subprocess.PIPE, text=True, check=False)
            queue += [int(word) for word in done.stdout.split()]
        return found
