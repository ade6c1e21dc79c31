"""The BGP cases of tools/bench: the same feeder (bgpfeed) for flowrib, Debian's nfacctd and BIRD, one program at a time.

Tables are the prefixes of BENCH_PREFIXES (one a line, .gz is unpacked) or, without it, 1,062,046 made-up ones of the same lengths.
A figure is taken when the program does nothing any more: CPU time is that of all its processes, memory what they have to
themselves beyond what they had before the first session ("Pss_Anon").
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

TABLE = 1_062_046
bench = None  # tools/bench, which imports this
FIRST = "127.0.1.1"  # address of the first peer, and of flowgen's first exporter


def register(caller):
    """Adds the cases to those of tools/bench."""
    global bench
    bench = caller
    rate, memory = "M routes/CPU s", "B/route"
    three, own, both = ("peer", "flowrib", "bird"), ("flowrib",), ("peer", "flowrib")
    bench.CASES.update({
        "bgp-ingest": (case_ingest, [
            ("rate1", "routes taken in, 1 peer", rate, 2.5, 6, True), ("rate10", "routes taken in, 10 peers that differ", rate, 2.5, 6, True),
            ("agree10", "routes taken in, 10 peers that agree", rate, 2.5, 6, True), ("rate50", "routes taken in, 50 peers that differ", rate, 2.5, 6, True),
            ("wall10", "10 full tables that differ, until all is quiet", "s", 10, None, False),
            ("feeder", "of which the feeder used CPU time", "s", None, None, False)],
            "full tables of 1, 10 and 50 peers: CPU time a route, and how soon 10 are in", three),
        "bgp-memory": (case_memory, [
            ("agree10", "10 peers that agree on all attributes", memory, 16, None, False), ("hop10", "10 peers, each with its own next hops", memory, 40, None, False),
            ("differ10", "10 peers that differ in path heads, next hops, communities", memory, 40, None, False),
            ("agree100", "100 peers that agree", memory, 6, 2, False), ("differ100", "100 peers that differ", memory, 24, 12, False),
            ("own10", "10 that differ, by the collector's own account", memory, 40, None, False),
            ("own100", "100 that differ, by the collector's own account", memory, 24, 12, False), ("total100", "100 that differ, all processes", "MiB", 4096, None, False)],
            "memory a route (peer and prefix) of full tables", three),
        "bgp-sessions": (case_sessions, [
            ("held", "sessions held for 12 s with a hold time of 9 s", "", 2000, None, True), ("seconds", "until all tables of 500 prefixes were in", "s", None, None, False),
            ("memory", "memory a session, routes included", "KiB", None, None, False)], "2,000 sessions with small tables", own),
        "bgp-correlate": (case_correlate, [
            ("added", "core, added by source and destination of a record", "ns/record", 200, 100, False), ("base", "core, a record while there are no sessions", "ns/record", None, None, False),
            ("found", "addresses with a route", "%", None, None, True)], "10 full tables, flows drawn evenly from all of it", both),
        "bgp-reload": (case_reload, [
            ("quiet", "source thread, a record, 10 full tables at rest", "ns/record", None, None, False),
            ("loaded", "the same while 8 peers announce everything again", "ns/record", None, None, False), ("ratio", "ratio of what BGP added", "", 2, None, False),
            ("stall", "longest batch of 64 flows while 1 M routes are dropped, CPU time (rib_bench)", "ms", 1, None, False)],
            "what readers notice of eight reloading peers and of a reset", own),
        "bgp-restart": (case_restart, [
            ("first", "start to the first correlated flow, no peer back yet", "s", 10, None, False), ("write", "writing the snapshot of 10 tables at the end", "s", None, None, False),
            ("size", "size of the snapshot", "MiB", None, None, False)], "restart from a snapshot of 10 full tables", own),
    })
    bench.PACKAGES.update({"bird": "bird2", "birdc": "bird2"})


# --- collectors ----------------------------------------------------------------------------------------------------

# Next hops are looked for in tables of their own, which are empty: among 1 M routes that change BIRD would be busy with that.
BIRD = """log stderr {{ fatal, bug }};
router id 127.0.0.1;
ipv4 table master4;
ipv6 table master6;
ipv4 table igp4;
ipv6 table igp6;
protocol device {{}}
protocol bgp feed {{
  local 127.0.0.1 port {port} as 65000;
  neighbor range 127.0.0.0/8 as 65000;
  dynamic name "feed"; multihop; passive; strict bind yes; hold time 240;
  ipv4 {{ import all; export none; igp table igp4; }};
  ipv6 {{ import all; export none; igp table igp6; }};
}}
"""


def bgp_lines(peers):
    return ["bgp_daemon: true", "bgp_daemon_ip: 127.0.0.1", f"bgp_daemon_port: {bench.PORT + 1}", "bgp_daemon_as: 65000",
            f"bgp_daemon_max_peers: {peers + 10}", f"nfacctd_port: {bench.PORT}", "nfacctd_ip: 127.0.0.1"]


def start(kind, peers, *lines):
    """The program, waiting for sessions; nothing is asked of routes unless lines do so."""
    if kind == "bird":
        path = os.path.join(bench.work, "bird.conf")
        with open(path, "w") as out:
            out.write(BIRD.format(port=bench.PORT + 1))
        daemon = bench.Daemon([bench.program("peer", "bird"), "-f", "-c", path, "-s", os.path.join(bench.work, "bird.ctl")],
                              os.path.join(bench.work, "bird.log"))
    else:
        plugin = ["plugins: print[m]", "aggregate[m]: dst_as", "print_refresh_time[m]: 86400", "print_output[m]: csv",
                  f"print_output_file[m]: {os.path.join(bench.work, kind + '-bgp.csv')}"]
        if not any(line.startswith("aggregate") for line in lines):
            lines += ("aggregate[m]: dst_as, as_path",)
        daemon = bench.start(kind, "bgp", bgp_lines(peers) + ["nfacctd_as: bgp", "nfacctd_net: bgp"] + [p for p in plugin if "aggregate" not in p] + list(lines))
    daemon.kind = kind
    deadline = time.monotonic() + 60
    while not listening(bench.PORT + 1) and time.monotonic() < deadline and daemon.process.poll() is None:
        time.sleep(0.05)
    daemon.wait_idle(10)
    return daemon


def listening(port):
    with open("/proc/net/tcp") as table:
        return any(row.split()[1].endswith(f":{port:04X}") and row.split()[3] == "0A" for row in list(table)[1:])


def processes(daemon):
    return [daemon.pid] + daemon.plugins()


def memory_kib(daemon):
    return sum(bench.anonymous_kib(pid) for pid in processes(daemon))


def status():
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(30)
        s.connect(os.path.join(bench.work, "control.sock"))
        s.sendall(b"status json\n")
        return json.loads(b"".join(iter(lambda: s.recv(65536), b"")))


def own_bytes(routes):
    """What flowrib itself says its routes take."""
    bgp = status()["bgp"]
    return sum(v for k, v in bgp.items() if k.endswith("_bytes")) / routes


# --- the feeder ----------------------------------------------------------------------------------------------------

class Feed:
    """bgpfeed with sessions to the collector; they last until end()."""

    def __init__(self, peers, *options, prefixes=None):
        table = os.environ.get("BENCH_PREFIXES")
        command = [os.path.join(bench.opts.build, "bgpfeed"), "--to", f"127.0.0.1:{bench.PORT + 1}", "--from", FIRST, "--peers", str(peers), "--hold", "240"]
        command += ["--prefix-file", table] if table else []
        command += ["--prefixes", str(prefixes or TABLE)]
        self.peers, self.downs = peers, 0
        self.process = subprocess.Popen(command + list(map(str, options)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def until(self, name):
        """The next event of that name."""
        for line in self.process.stdout:
            event = json.loads(line)
            self.downs += event["event"] == "down"
            if event["event"] == name:
                return event
        raise SystemExit("bench: bgpfeed ended too early")

    def say(self, text):
        print(text, file=self.process.stdin, flush=True)

    def end(self):
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.wait()


def load(daemon, peers, *options, prefixes=None, limit=900):
    """Feeds tables and waits until the collector is quiet. Returns the feed and the figures."""
    before, cpu = memory_kib(daemon), daemon.total_cpu()
    feed = Feed(peers, *options, prefixes=prefixes)
    feed.until("up")
    begun = time.monotonic()
    sent = feed.until("all-sent")
    idle = daemon.wait_idle(limit, quiet=1.5)
    time.sleep(1)
    figures = dict(routes=sent["routes"], wall=idle - begun, feeder=sent["cpu_seconds"], rate=sent["routes"] / ((daemon.total_cpu() - cpu) / 1e3),
                   memory=(memory_kib(daemon) - before) * 1024 / sent["routes"], kib=memory_kib(daemon))
    bench.progress(f"    {daemon.kind}: {peers} peers: " + "  ".join(f"{k} {v:.4g}" for k, v in figures.items()))
    if daemon.kind == "flowrib" and status()["bgp"]["routes"] != sent["routes"]:
        bench.progress(f"    flowrib has {status()['bgp']['routes']} routes of {sent['routes']}")
    return feed, figures


def once(kind, peers, *options, prefixes=None, **more):
    """Loads tables into a fresh collector, ends it; returns the figures."""
    daemon = start(kind, peers)
    feed, figures = load(daemon, peers, *options, prefixes=prefixes, **more)
    if kind == "flowrib":
        figures["own"] = own_bytes(figures["routes"])
    feed.end()
    daemon.stop()
    return figures


# --- cases ---------------------------------------------------------------------------------------------------------

# With 50 full tables nfacctd needs ten minutes of CPU time and BIRD 5 GB; they get smaller ones, and still full ones at 10.
SMALLER = {"peer": 60_000, "bird": 300_000}


def case_ingest(kind):
    one, ten, agree = once(kind, 1), once(kind, 10), once(kind, 10, "--agree")
    fifty = once(kind, 50, prefixes=SMALLER.get(kind))
    return dict(rate1=one["rate"], rate10=ten["rate"], agree10=agree["rate"], rate50=fifty["rate"], wall10=ten["wall"], feeder=ten["feeder"])


def case_memory(kind):
    agree, hop, differ = once(kind, 10, "--agree"), once(kind, 10, "--likeness", "hop"), once(kind, 10)
    result = dict(agree10=agree["memory"], hop10=hop["memory"], differ10=differ["memory"])
    if kind == "flowrib":
        agree, differ100 = once(kind, 100, "--agree"), once(kind, 100)
        result.update(agree100=agree["memory"], differ100=differ100["memory"], own10=differ["own"], own100=differ100["own"], total100=differ100["kib"] / 1024)
    return result


def case_sessions(kind):
    daemon = start(kind, 2000)
    feed, figures = load(daemon, 2000, "--hold", 9, "--parallel", 200, prefixes=500)
    time.sleep(12)
    held = sum(p["state"] == "established" for p in status()["bgp"]["peers"])
    feed.end()
    daemon.stop()
    return dict(held=held - feed.downs, seconds=figures["wall"], memory=figures["memory"] * figures["routes"] / 2000 / 1024)


PRIMITIVES = "aggregate[m]: src_as, dst_as, as_path, peer_dst_ip, peer_dst_as, local_pref"
CORRELATE = (PRIMITIVES, "nfacctd_pipe_size: 33554432", "print_cache_entries[m]: 131101")
EXPORTERS = 10


def flows(records, rate):
    table = os.environ.get("BENCH_PREFIXES")
    if not table:  # the feeder's own list is not at hand, so the flows go where its prefixes are dense: everywhere
        table = made_up()
    return bench.generate("--to", f"127.0.0.1:{bench.PORT}", "--records", records, "--rate", rate, "--flows", 500_000, "--uniform", "--exporters", EXPORTERS,
                          "--prefix-file", table, "--ipv6", 15, "--burst", 4)


def made_up():
    path = os.path.join(bench.work, "everywhere")
    with open(path, "w") as out:
        out.writelines(f"{a}.{b}.0.0/16\n" for a in range(1, 223) for b in range(256))
        out.writelines(f"2001:{a:x}00::/24\n" for a in range(2, 256))
    return path


def record_cost(daemon, records, rate, thread=None):
    """CPU nanoseconds a record: of the core process, or of those of its threads whose name begins so."""
    def used():
        return bench.cpu_ns(daemon.pid) if thread is None else sum(ns for name, ns in thread_cpu(daemon.pid) if name.startswith(thread))
    flows(records // 10, rate)  # templates, first touches
    daemon.wait_idle(60)
    before = used()
    flows(records, rate)
    daemon.wait_idle(60)
    return (used() - before) / records


def thread_cpu(pid):
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/comm") as comm, open(f"/proc/{pid}/task/{task}/schedstat") as stat:
            yield comm.read().strip(), int(stat.read().split()[0])


def looked_up():
    """Addresses that were looked up, and those for which there was a route, so far."""
    rows = [c for c in status()["counters"] if c["name"] == "correlated_addresses"]
    return sum(c["value"] for c in rows), sum(c["value"] for c in rows if c["route"] == "yes")


def case_correlate(kind):
    records, rate = (300_000, 40_000) if kind == "peer" else (3_000_000, 400_000)
    daemon = start(kind, 10, *CORRELATE)
    base = record_cost(daemon, records, rate)
    feed, _ = load(daemon, 10)
    before = looked_up() if kind == "flowrib" else None
    with_bgp = record_cost(daemon, records, rate)
    found = None
    if kind == "flowrib":
        asked, answered = (now - then for now, then in zip(looked_up(), before))
        found = 100 * answered / asked
    feed.end()
    daemon.stop()
    return dict(added=with_bgp - base, base=base, found=found)


def case_reload(kind):
    daemon = start(kind, 10, *CORRELATE)
    base = record_cost(daemon, 2_000_000, 300_000, "source")
    feed, _ = load(daemon, 10)
    quiet = record_cost(daemon, 2_000_000, 300_000, "source")
    before = sum(ns for name, ns in thread_cpu(daemon.pid) if name.startswith("source"))
    sender = subprocess.Popen([os.path.join(bench.opts.build, "flowgen"), "--to", f"127.0.0.1:{bench.PORT}", "--records", "0", "--seconds", "120", "--rate", "200000",
                               "--flows", "500000", "--uniform", "--exporters", str(EXPORTERS), "--prefix-file", os.environ.get("BENCH_PREFIXES") or made_up(),
                               "--ipv6", "15", "--burst", "4"], stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for peer in range(8):
            feed.say(f"announce {peer}")
        feed.until("all-sent")
    sender.terminate()
    records = json.loads(sender.communicate()[0])["records"]
    time.sleep(1)
    used = sum(ns for name, ns in thread_cpu(daemon.pid) if name.startswith("source")) - before
    feed.end()
    daemon.stop()
    loaded = used / records
    return dict(quiet=quiet, loaded=loaded, ratio=(loaded - base) / (quiet - base), stall=rib_stall())


def rib_stall():
    """What rib_bench says of the longest batch while a slot is dropped."""
    table = os.environ.get("BENCH_PREFIXES", "")
    plain = os.path.join(bench.work, "prefixes")
    if table.endswith(".gz"):
        with open(plain, "wb") as out:
            subprocess.run(["zcat", table], stdout=out, check=True)
    elif table:
        shutil.copy(table, plain)
    done = subprocess.run([os.path.join(bench.opts.build, "rib_bench"), "-d", "-p", "10"] + ([plain] if table else []), stdout=subprocess.PIPE, text=True, check=True, timeout=300)
    bench.progress("    " + "\n    ".join(done.stdout.splitlines()))
    match = re.search(r"^a slot is dropped:.* ([0-9]+) of CPU time", done.stdout, re.M)
    return int(match.group(1)) / 1000 if match else None


def case_restart(kind):
    snapshot = os.path.join(bench.work, "routes.snapshot")
    lines = (PRIMITIVES, f"bgp_daemon_snapshot_file: {snapshot}", "bgp_daemon_snapshot_time: 86400")
    daemon = start(kind, 10, *lines)
    feed, _ = load(daemon, 10)
    begun = time.monotonic()
    daemon.process.send_signal(signal.SIGINT)
    daemon.process.wait(120)
    wrote = time.monotonic() - begun
    feed.end()
    daemon.stop()
    # flows go on all the time, as they do when a collector is started anew
    sender = subprocess.Popen([os.path.join(bench.opts.build, "flowgen"), "--to", f"127.0.0.1:{bench.PORT}", "--records", "0", "--seconds", "60", "--rate", "2000", "--flows", "20000",
                               "--exporters", str(EXPORTERS), "--prefix-file", os.environ.get("BENCH_PREFIXES") or made_up(), "--template-every", "5", "--burst", "1"],
                              stdout=subprocess.DEVNULL)
    begun = time.monotonic()
    daemon = bench.start(kind, "bgp", open_config(kind))
    first = None
    while first is None and time.monotonic() - begun < 60:
        try:
            first = time.monotonic() - begun if looked_up()[1] else None
        except (OSError, ValueError):
            pass
        time.sleep(0.01)
    sender.terminate()
    sender.wait()
    daemon.stop(120)
    return dict(first=first, write=wrote, size=os.path.getsize(snapshot) / 2**20)


def open_config(kind):
    """The lines of the configuration that is there already."""
    with open(os.path.join(bench.work, f"{kind}-bgp.conf")) as f:
        return [line.strip() for line in f if line.strip() and not line.startswith("daemonize")]
