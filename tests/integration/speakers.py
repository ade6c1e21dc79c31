"""BGP speakers that others wrote, each as one class with the same few verbs.

A speaker is started on a loopback address of its own with a configuration made here, connects to the collector under
test, and is stopped by its process id. Nothing of it listens where anything else could connect, nothing is installed
in the kernel, and all its files are in the folder it is given.
"""
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field

from conftest import PORTS, eventually, peer


@dataclass
class Route:
    """What is announced. The path is what stands behind the speaker's own AS."""
    prefix: str
    next_hop: str
    path: list = field(default_factory=list)
    communities: list = field(default_factory=list)
    large: list = field(default_factory=list)
    med: int = None
    label: int = None
    rd: str = None
    target: str = None

    @property
    def v6(self):
        return ":" in self.prefix


@dataclass
class Session:
    """How a speaker meets the collector."""
    local: str  # address
    collector: str
    port: int
    asn: int = 65001
    collector_as: int = 65000
    md5: str = None
    add_path: bool = False
    graceful: int = 0  # restart time in seconds; 0: not offered
    extended_next_hop: bool = False
    families: tuple = ("ipv4", "ipv6")  # also ipv4-vpn, ipv6-vpn, ipv4-labeled, ipv6-labeled
    hold: int = 30
    listen: bool = False  # takes sessions from 127.51.0.0/16 too, on Speaker.listen_port, and passes on what they say


class Speaker:
    """Starts and stops one program."""
    name = program = None

    def __init__(self, folder, session):
        self.folder = os.path.join(str(folder), f"{self.name}-{session.local.replace(':', '_')}")
        os.makedirs(self.folder, exist_ok=True)
        self.session = session
        self.routes = []
        self.numbers = {}
        self.process = None
        self.log_path = self.path("log")
        self.listen_port = tcp_port()

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def number(self, route):
        """The same for a route whatever comes and goes beside it, so that a new configuration changes nothing else."""
        return self.numbers.setdefault((route.prefix, route.next_hop), len(self.numbers))

    def next_hop(self, route):
        """What it will say, since some cannot be told."""
        return route.next_hop

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def run(self, *command, environ=None):
        with open(self.log_path, "ab") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=self.folder,
                                            env=dict(os.environ, **(environ or {})), start_new_session=True)

    def call(self, *command, text=None, check=True):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, input=text or "", timeout=20, check=False)
        assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stdout}\n{self.log()[-2000:]}"
        return done.stdout

    def ready(self, condition):
        eventually(lambda: condition() or self.process.poll() is not None, 20, lambda: f"{self.name} answers: {self.log()[-2000:]}")
        assert self.process.poll() is None, self.log()

    def stop(self, number=signal.SIGTERM):
        """Ends the program and what it started; a program that does not end is killed."""
        if self.process is None:
            return
        for wanted, seconds in ((number, 5), (signal.SIGKILL, 5)):
            try:
                os.killpg(self.process.pid, wanted)
            except ProcessLookupError:
                pass
            try:
                self.process.wait(seconds)
                break
            except subprocess.TimeoutExpired:
                continue
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process = None

    def crash(self):
        self.stop(signal.SIGKILL)

    @classmethod
    def installed(cls):
        return peer(cls.program) or os.access(cls.program, os.X_OK)


def tcp_port():
    return next(PORTS)


# --- GoBGP -----------------------------------------------------------------------------------------------------------

class GoBGP(Speaker):
    name, program = "gobgp", "gobgpd"
    FAMILIES = {"ipv4": "ipv4-unicast", "ipv6": "ipv6-unicast", "ipv4-vpn": "l3vpn-ipv4-unicast", "ipv6-vpn": "l3vpn-ipv6-unicast",
                "ipv4-labeled": "ipv4-labelled-unicast", "ipv6-labeled": "ipv6-labelled-unicast"}

    def config(self):
        s = self.session
        lines = ["[global.config]", f"as = {s.asn}", f'router-id = "{router_id(s.local)}"',
                 f'port = {self.listen_port}\nlocal-address-list = ["{s.local}"]' if s.listen else "port = -1",
                 "[[neighbors]]", "[neighbors.config]", f'neighbor-address = "{s.collector}"', f"peer-as = {s.collector_as}"]
        lines += [f'auth-password = "{s.md5}"'] if s.md5 else []
        lines += ["[neighbors.transport.config]", f'local-address = "{s.local}"', f"remote-port = {s.port}",
                  "[neighbors.ebgp-multihop.config]", "enabled = true", "multihop-ttl = 8",
                  "[neighbors.timers.config]", "connect-retry = 1", "idle-hold-time-after-reset = 1", f"hold-time = {s.hold}"]
        if s.graceful:
            lines += ["[neighbors.graceful-restart.config]", "enabled = true", f"restart-time = {s.graceful}"]
        for family in s.families:
            lines += ["[[neighbors.afi-safis]]", "[neighbors.afi-safis.config]", f'afi-safi-name = "{self.FAMILIES[family]}"']
            if s.add_path:
                lines += ["[neighbors.afi-safis.add-paths.config]", "send-max = 8"]
            if s.graceful:
                lines += ["[neighbors.afi-safis.mp-graceful-restart.config]", "enabled = true"]
        if s.listen:
            lines += ["[[peer-groups]]", "[peer-groups.config]", 'peer-group-name = "feed"', "peer-as = 65010",
                      "[peer-groups.ebgp-multihop.config]", "enabled = true", "multihop-ttl = 8",
                      "[[dynamic-neighbors]]", "[dynamic-neighbors.config]", 'prefix = "127.51.0.0/16"', 'peer-group = "feed"']
        return "\n".join(lines) + "\n"

    def start(self, routes=()):
        self.api = tcp_port()
        restart = ["-r"] if self.process_was_there() else []
        self.run(peer("gobgpd"), "-f", self.write("gobgp.toml", self.config()), "--api-hosts", f"127.0.0.1:{self.api}", *restart)
        self.ready(lambda: "as: " in self.cli("global", check=False).lower())
        for route in routes:
            self.announce(route)

    def process_was_there(self):
        return self.session.graceful and os.path.exists(self.log_path)

    def cli(self, *words, check=True):
        return self.call(peer("gobgp"), "-u", "127.0.0.1", "-p", str(self.api), *words, check=check)

    def family(self, route):
        base = "ipv6" if route.v6 else "ipv4"
        return "vpnv" + base[-1] if route.rd else base + "-mpls" if route.label is not None else base

    def nlri(self, route):
        if route.rd:
            return [route.prefix, "label", str(route.label), "rd", route.rd] + (["rt", route.target] if route.target else [])
        return [route.prefix, str(route.label)] if route.label is not None else [route.prefix]

    def announce(self, route):
        words = self.nlri(route) + ["nexthop", route.next_hop]
        if route.path:
            words += ["aspath", ",".join(map(str, route.path))]
        if route.communities:
            words += ["community", ",".join(route.communities)]
        if route.large:
            words += ["large-community", ",".join(route.large)]
        if route.med is not None:
            words += ["med", str(route.med)]
        self.cli("global", "rib", "add", *words, "-a", self.family(route))

    def withdraw(self, route):
        self.cli("global", "rib", "del", *self.nlri(route), "-a", self.family(route))

    def reset(self):
        """Its own "reset" waits for half a minute afterwards."""
        self.cli("neighbor", self.session.collector, "disable")
        self.cli("neighbor", self.session.collector, "enable")

    def resend(self):
        self.cli("neighbor", self.session.collector, "softresetout")


def router_id(local):
    """An IPv4 address to be known by."""
    return local if ":" not in local else "10.255.0.1"


# --- BIRD ------------------------------------------------------------------------------------------------------------

class Bird(Speaker):
    name, program = "bird", "bird"

    def channels(self):
        s = self.session
        options = "import none; export filter outgoing; next hop keep;" + (" add paths tx;" if s.add_path else "")
        options += " extended next hop on;" if s.extended_next_hop else ""
        names = {"ipv4": "ipv4", "ipv6": "ipv6", "ipv4-vpn": "vpn4 mpls", "ipv6-vpn": "vpn6 mpls",
                 "ipv4-labeled": "ipv4 mpls", "ipv6-labeled": "ipv6 mpls"}
        return "\n".join(f"  {names[f]} {{ {options} }};" for f in s.families)

    def statics(self):
        """A protocol for each route, and a filter on the way out that adds its attributes (set earlier, MED would be lost).
        Routes with the same prefix, for ADD-PATH, need tables of their own."""
        text, out = "", ""
        for route in self.routes:
            i = self.number(route)
            out += f"  if proto = \"s{i}\" then {{{self.sets(route)} accept; }}\n"
            kind = "ipv6" if route.v6 else "ipv4"
            where = f"vpn{kind[-1]}" if route.rd else kind
            prefix = f"{route.rd} {route.prefix}" if route.rd else route.prefix
            table = f"t{i}" if self.session.add_path else f"master{kind[-1]}"
            if self.session.add_path:
                text += f"{kind} table {table};\nprotocol pipe {{ table master{kind[-1]}; peer table {table}; import all; export none; }}\n"
            text += f"protocol static s{i} {{ {where} {{ table {table}; }}; route {prefix} blackhole; }}\n"
        return f"{text}filter outgoing {{\n{out}  reject;\n}}\n"

    @staticmethod
    def sets(route):
        sets = "".join(f" bgp_community.add(({c.replace(':', ',')}));" for c in route.communities)
        sets += "".join(f" bgp_large_community.add(({c.replace(':', ',')}));" for c in route.large)
        sets += "".join(f" bgp_path.prepend({asn});" for asn in reversed(route.path))
        return sets + f" bgp_next_hop = {route.next_hop};" + (f" bgp_med = {route.med};" if route.med is not None else "")

    def config(self):
        s = self.session
        graceful = f"graceful restart on; graceful restart time {s.graceful};" if s.graceful else "graceful restart off;"
        password = f'password "{s.md5}";' if s.md5 else ""
        return (f'log "{self.path("bird.log")}" all;\nrouter id {router_id(s.local)};\nipv4 table master4;\nipv6 table master6;\n'
                f"protocol device {{}}\n{self.statics()}"
                f"protocol bgp collector {{\n  local {s.local} port {self.listen_port} as {s.asn};\n  strict bind yes;\n  neighbor {s.collector} port {s.port} as {s.collector_as};\n"
                f"  multihop; {graceful} {password} hold time {s.hold}; connect delay time 1; connect retry time 1; error wait time 1, 2;\n"
                f"{self.channels()}\n}}\n")

    def start(self, routes=()):
        self.routes = list(routes)
        self.run(peer("bird"), "-f", "-c", self.write("bird.conf", self.config()), "-s", self.path("ctl"),
                 *(["-R"] if self.session.graceful and os.path.exists(self.path("bird.log")) else []))
        self.ready(lambda: os.path.exists(self.path("ctl")))

    def cli(self, *words):
        return self.call(peer("birdc"), "-s", self.path("ctl"), *words)

    def configure(self):
        self.write("bird.conf", self.config())
        answer = self.cli("configure")
        assert "Reconfigur" in answer, answer

    def announce(self, route):
        self.routes.append(route)
        self.configure()

    def withdraw(self, route):
        self.routes.remove(route)
        self.configure()

    def reset(self):
        self.cli("restart", "collector")

    def resend(self):
        self.cli("reload", "out", "collector")


# --- FRR -------------------------------------------------------------------------------------------------------------

class Frr(Speaker):
    name, program = "frr", "/usr/lib/frr/bgpd"
    FAMILIES = {"ipv4": "ipv4 unicast", "ipv6": "ipv6 unicast", "ipv4-vpn": "ipv4 vpn", "ipv6-vpn": "ipv6 vpn",
                "ipv4-labeled": "ipv4 labeled-unicast", "ipv6-labeled": "ipv6 labeled-unicast"}

    def config(self):
        s = self.session
        lines = ["frr defaults traditional"] + [line for r in self.routes for line in self.policy(r)] + self.out_policy()
        lines += [f"router bgp {s.asn}", f" bgp router-id {router_id(s.local)}", " no bgp ebgp-requires-policy",
                 " no bgp default ipv4-unicast", " no bgp network import-check", " bgp disable-ebgp-connected-route-check",
                 f" neighbor {s.collector} remote-as {s.collector_as}", f" neighbor {s.collector} port {s.port}",
                 f" neighbor {s.collector} update-source {s.local}", f" neighbor {s.collector} ebgp-multihop 8",
                 f" neighbor {s.collector} timers {max(1, s.hold // 3)} {s.hold}", f" neighbor {s.collector} timers connect 1",
                 f" neighbor {s.collector} advertisement-interval 0"]
        lines += [f" neighbor {s.collector} password {s.md5}"] if s.md5 else []
        if s.listen:
            lines += [" neighbor feed peer-group", " neighbor feed remote-as 65010", " neighbor feed ebgp-multihop 8",
                      " bgp listen range 127.51.0.0/16 peer-group feed"]
        lines += [" bgp graceful-restart", f" bgp graceful-restart restart-time {s.graceful}"] if s.graceful else []
        lines += [f" neighbor {s.collector} capability extended-nexthop"] if s.extended_next_hop else []
        for family in s.families:
            lines += [f" address-family {self.FAMILIES[family]}", f"  neighbor {s.collector} activate",
                      f"  neighbor {s.collector} route-map out out", f"  neighbor {s.collector} send-community all"]
            lines += [f"  neighbor {s.collector} addpath-tx-all-paths"] if s.add_path else []
            lines += ["  neighbor feed activate"] if s.listen else []
            lines += [f"  {self.network(r)}" for r in self.routes if self.family(r) == family]
            lines += [" exit-address-family"]
        return "\n".join(lines + ["line vty", ""])

    def family(self, route):
        return ("ipv6" if route.v6 else "ipv4") + ("-vpn" if route.rd else "-labeled" if route.label is not None else "")

    def tag(self, route):
        return "p" + "".join(c if c.isalnum() else "_" for c in route.prefix)

    def network(self, route):
        return f"network {route.prefix}" + (f" rd {route.rd} label {route.label}" if route.rd else "") + f" route-map {self.tag(route)}"

    def policy(self, route):
        lines = [f"route-map {self.tag(route)} permit 10"]
        lines += [f" set as-path prepend {' '.join(map(str, route.path))}"] if route.path else []
        lines += [f" set community {' '.join(route.communities)}"] if route.communities else []
        lines += [f" set large-community {' '.join(route.large)}"] if route.large else []
        lines += [f" set metric {route.med}"] if route.med is not None else []
        lines += [f" set extcommunity rt {route.target}"] if route.target else []
        return lines

    def out_policy(self):
        """Next hops are set on the way out, by prefix: bgpd would put its own address in their place."""
        lines = ["bgp route-map delay-timer 0"]
        for route in self.routes:
            kind, number = "ipv6" if route.v6 else "ip", 10 + self.number(route)
            lines += [f"{kind} prefix-list {self.tag(route)} permit {route.prefix}", f"route-map out permit {number}",
                      f" match {kind} address prefix-list {self.tag(route)}"]
            if not self.session.extended_next_hop:
                lines += [f" set ipv6 next-hop global {route.next_hop}" if route.v6 else f" set ip next-hop {route.next_hop}"]
        return lines + ["route-map out permit 9999"]

    def start(self, routes=()):
        self.routes = list(routes)
        self.run("/usr/lib/frr/bgpd", "-Z", "-n", "-S", "-p", str(self.listen_port), "-l", self.session.local, "-P", "0", "-f", self.write("bgpd.conf", self.config()), "-i", self.path("pid"),
                 "--vty_socket", self.folder, "--log", f"file:{self.path('frr.log')}", "--log-level", "info")
        self.ready(lambda: os.path.exists(self.path("bgpd.vty")))

    def cli(self, *lines):
        words = [w for line in lines for w in ("-c", line)]
        return self.call("vtysh", "--vty_socket", self.folder, "-d", "bgpd", *words)

    def change(self, route, word):
        self.cli("configure terminal", *[line.strip() for line in self.policy(route) + self.out_policy()], f"router bgp {self.session.asn}",
                 f"address-family {self.FAMILIES[self.family(route)]}", word + self.network(route).split(" route-map")[0] if word else self.network(route))

    def announce(self, route):
        self.routes.append(route)
        self.change(route, "")

    def withdraw(self, route):
        self.change(route, "no ")
        self.routes.remove(route)

    def reset(self):
        self.cli(f"clear bgp {self.session.collector}")

    def resend(self):
        for family in self.session.families:
            self.cli(f"clear bgp {self.FAMILIES[family]} {self.session.collector} soft out")


# --- OpenBGPD --------------------------------------------------------------------------------------------------------

class OpenBGPD(Speaker):
    name, program = "openbgpd", "/usr/sbin/bgpd"

    def next_hop(self, route):
        """Always its own address, and for the other family that of the interface."""
        return self.session.local if route.v6 == (":" in self.session.local) else "::1"

    @staticmethod
    def sets(route):
        words = [f"community {c}" for c in route.communities] + [f"large-community {c}" for c in route.large]
        words += [f"metric {route.med}"] if route.med is not None else []
        return f"match to any prefix {route.prefix} set {{ {' '.join(words)} }}\n" if words else ""

    def config(self):
        s = self.session
        announce = "".join(f"  announce {'IPv6' if f == 'ipv6' else 'IPv4'} unicast\n" for f in s.families)
        if "ipv4" not in s.families:
            announce += "  announce IPv4 none\n"
        password = f'  tcp md5sig password "{s.md5}"\n' if s.md5 else ""
        return (f'AS {s.asn}\nrouter-id {router_id(s.local)}\nfib-update no\nlisten on {s.local} port {self.listen_port}\nsocket "{self.path("ctl")}"\n'
                + "".join(f"network {r.prefix}\n" for r in self.routes)
                + f"neighbor {s.collector} {{\n  remote-as {s.collector_as}\n  local-address {s.local}\n  port {s.port}\n  multihop 8\n  holdtime {s.hold}\n"
                  f"{announce}{'  announce add-path send all' if s.add_path else ''}\n{password}}}\nallow to any\nallow from any\n"
                + "".join(self.sets(r) for r in self.routes))

    def start(self, routes=()):
        assert not any(r.path for r in routes), "OpenBGPD makes no paths"
        self.routes = list(routes)
        os.chmod(self.write("bgpd.conf", self.config()), 0o600)
        # it changes its root to a folder that only its service makes; in a namespace, so that nothing is left behind. Below chroot
        # the root is no mount, and there is nothing that could be made private
        self.run("unshare", "-m", "--propagation", "unchanged", "sh", "-c",
                 'mount --make-rprivate / 2>/dev/null; mount -t tmpfs none /run && mkdir /run/openbgpd && exec /usr/sbin/bgpd -d -f "$0"',
                 self.path("bgpd.conf"))
        self.ready(lambda: os.path.exists(self.path("ctl")))

    def cli(self, *words):
        return self.call(peer("bgpctl"), "-s", self.path("ctl"), *words)

    def announce(self, route):
        self.cli("network", "add", route.prefix)

    def withdraw(self, route):
        self.cli("network", "delete", route.prefix)

    def reset(self):
        self.cli("neighbor", self.session.collector, "clear")

    def resend(self):
        pass  # its "refresh" asks the other side


# --- ExaBGP ----------------------------------------------------------------------------------------------------------

class ExaBGP(Speaker):
    name, program = "exabgp", "exabgp"
    FAMILIES = {"ipv4": "ipv4 unicast", "ipv6": "ipv6 unicast", "ipv4-vpn": "ipv4 mpls-vpn", "ipv6-vpn": "ipv6 mpls-vpn",
                "ipv4-labeled": "ipv4 nlri-mpls", "ipv6-labeled": "ipv6 nlri-mpls"}

    def config(self):
        s = self.session
        lines = ["process feed {", f"  run {shutil.which('tail')} -n +1 -F {self.path('commands')};", "  encoder text;", "}",
                 f"neighbor {s.collector} {{", f"  router-id {router_id(s.local)};", f"  local-address {s.local};", f"  local-as {s.asn};",
                 f"  peer-as {s.collector_as};", f"  connect {s.port};", f"  hold-time {s.hold};", "  outgoing-ttl 8;", "  api { processes [ feed ]; }"]
        lines += [f"  md5-password '{s.md5}';"] if s.md5 else []
        lines += ["  family {"] + [f"    {self.FAMILIES[f]};" for f in s.families] + ["  }", "  capability {", "    asn4 enable;", "    route-refresh enable;"]
        lines += ["    add-path send;"] if s.add_path else []
        lines += [f"    graceful-restart {s.graceful};"] if s.graceful else []
        return "\n".join(lines + ["  }", "}", ""])

    def start(self, routes=()):
        self.write("commands", "")
        open(self.log_path, "ab").close()
        self.run(peer("exabgp"), self.write("exabgp.conf", self.config()),
                 environ={"exabgp.daemon.user": "root", "exabgp.api.ack": "false", "exabgp.log.level": "INFO", "exabgp.api.cli": "false"})
        for route in routes:
            self.announce(route)

    def say(self, line):
        with open(self.path("commands"), "a", encoding="utf-8") as f:
            f.write(line + "\n")

    def text(self, route):
        words = [f"route {route.prefix} next-hop {route.next_hop}"]
        words += [f"rd {route.rd}"] if route.rd else []
        words += [f"label {route.label}"] if route.label is not None else []
        return " ".join(words)

    def announce(self, route):
        words = [f"as-path [ {' '.join(map(str, [self.session.asn] + route.path))} ]"]
        words += [f"community [ {' '.join(route.communities)} ]"] if route.communities else []
        words += [f"large-community [ {' '.join(route.large)} ]"] if route.large else []
        words += [f"med {route.med}"] if route.med is not None else []
        words += [f"extended-community [ target:{route.target} ]"] if route.target else []
        self.say(f"announce {self.text(route)} {' '.join(words)}")

    def withdraw(self, route):
        self.say(f"withdraw {self.text(route)}")

    def reset(self):
        self.say("teardown 4")

    def resend(self):
        self.say("flush adj-rib out")


SPEAKERS = {cls.name: cls for cls in (GoBGP, Bird, Frr, OpenBGPD, ExaBGP)}


def wait_gone(speaker, seconds=5):
    deadline = time.monotonic() + seconds
    while speaker.process and speaker.process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
