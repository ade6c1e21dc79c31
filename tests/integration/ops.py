"""A daemon as an operator has it: its own runtime directory, control socket, status and metrics."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from conftest import ENVIRON, built, eventually, flowgen, free_port, table_rows, udp_bound

TUPLE = "src_host, dst_host, src_port, dst_port, proto, flows"
# The spawner and plugins of a daemon in the background may be anybody's children: they are found by this.
MARK = "FLOWRIB_TEST_MARK"


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def proc_status(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


class Ops:
    """flowribd with one memory table `m`, unless other plugins are asked for."""

    def __init__(self, *lines, plugins="memory[m]", folder=None, environ=None, background=False, port=None, ip="127.0.0.1",
                 prefix=()):
        self.own_folder = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="flowrib-ops-")
        os.chmod(self.folder, 0o755)
        self.port = port or free_port()
        self.run = os.path.join(self.folder, "run")
        self.table = os.path.join(self.run, "m.sock")
        self.log_path = os.path.join(self.folder, f"log-{self.port}")
        self.conf = os.path.join(self.folder, f"conf-{self.port}")
        self.mark = f"{os.getpid()}-{time.monotonic_ns()}"
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write("\n".join([f"daemonize: {'true' if background else 'false'}", f"nfacctd_port: {self.port}", *([f"nfacctd_ip: {ip}"] if ip else []),
                               "nfacctd_pipe_size: 16777216",
                               f"runtime_dir: {self.run}", f"plugins: {plugins}", f"aggregate: {TUPLE}", *lines]) + "\n")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*prefix, built("flowribd"), "-f", self.conf], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            cwd=self.folder, env=dict(ENVIRON, **{MARK: self.mark}, **(environ or {})))
        self.pid = self.process.pid

    # --- state ---

    def up(self):
        """Waits until it works; self."""
        eventually(lambda: "is up" in self.log() or not self.runs(), what="flowribd is up")
        assert self.runs(), self.log()
        eventually(lambda: self.plugins() or not self.runs(), what="plugins run")
        if os.path.dirname(self.table) == self.run and "memory[m]" in open(self.conf, encoding="utf-8").read():
            eventually(lambda: os.path.exists(self.table) or not self.runs(), what="the table's socket")
        return self

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def runs(self):
        return self.process.poll() is None

    def family(self):
        """All processes of this daemon."""
        found = []
        for name in os.listdir("/proc"):
            try:
                if name.isdigit() and alive(name) and f"{MARK}={self.mark}".encode() in open(f"/proc/{name}/environ", "rb").read().split(b"\0"):
                    found.append(int(name))
            except OSError:
                continue
        return sorted(found)

    def control(self, line):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(os.path.join(self.run, "control.sock"))
            s.sendall(line.encode() + b"\n")
            return b"".join(iter(lambda: s.recv(65536), b"")).decode()

    def status(self):
        return json.loads(self.control("status json"))

    def counter(self, name, **labels):
        return sum(c["value"] for c in self.status()["counters"]
                   if c["name"] == name and all(c.get(k) == v for k, v in labels.items()))

    def plugins(self):
        """Process ids of plugins by name."""
        return {p["name"]: p["pid"] for p in self.status()["plugins"] if p["pid"]}

    def spawner(self):
        return int(proc_status(next(iter(self.plugins().values())))["PPid"])

    def flows(self):
        return sum(row["flows"] for row in table_rows(self.table))

    # --- actions ---

    def send(self, *options):
        return flowgen("--to", f"127.0.0.1:{self.port}", *options)

    def expect_flows(self, n):
        eventually(lambda: self.flows() == n, what=f"{n} flows in the table\n{self.log()[-2000:]}")

    def kill(self, number, pid=None):
        os.kill(pid or self.pid, number)

    def end(self, number=signal.SIGTERM, seconds=20):
        """Asks for the end; the exit status."""
        if self.runs():
            self.kill(number)
        return self.process.wait(seconds)

    def gone(self, seconds=8):
        eventually(lambda: not self.family(), seconds, what="all processes gone")

    def close(self):
        for pid in self.family():
            os.kill(pid, signal.SIGKILL)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        text = self.log()
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        for word in ("ERROR: AddressSanitizer", "runtime error:", "WARNING: ThreadSanitizer"):
            assert word not in text, text[-6000:]
