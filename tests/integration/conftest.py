"""Helpers of the integration tests: running flowribd and Debian's nfacctd on the same input, and reading what they made.

The build under test is found through FLOWRIB_BUILD (a folder with flowribd, flowrib, flowgen and replay). Every
process a test starts is ended by its own number when the test ends.
"""
import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import time

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CAPTURES = os.path.join(TOP, "tests", "captures")
BUILD = os.environ.get("FLOWRIB_BUILD", os.path.join(TOP, "build"))
# Each worker of pytest-xdist has a range of ports of its own.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
PORTS = iter(range(int(os.environ.get("FLOWRIB_TEST_PORT", "21310")) + WORKER * 500, 65000))

# Leaks at exit are for the unit tests; here an error must end the process, or it could pass unseen.
ENVIRON = dict(os.environ, ASAN_OPTIONS="detect_leaks=0:abort_on_error=1", UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1",
               TZ="UTC", LC_ALL="C")


def environ(folder):
    """Each daemon has its own runtime directory, so that several can run at once."""
    return dict(ENVIRON, RUNTIME_DIRECTORY=str(folder))


def built(name):
    return os.path.join(BUILD, name)


def peer(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin")


def pytest_collection_modifyitems(items):
    """Tests of flowribd need a build; those that compare need Debian's pmacct too."""
    for item in items:
        if not os.path.exists(built("flowribd")):
            item.add_marker(pytest.mark.skip(reason=f"no flowribd in {BUILD}: set FLOWRIB_BUILD"))
        elif item.get_closest_marker("peer") and not peer("nfacctd"):
            item.add_marker(pytest.mark.skip(reason="Debian's pmacct is not installed"))


def pytest_configure(config):
    config.addinivalue_line("markers", "peer: compares with Debian's nfacctd")
    config.addinivalue_line("markers", "live: a running collector, worth a run under ThreadSanitizer too")


def free_port():
    """A UDP port nobody has."""
    for port in PORTS:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


def eventually(condition, seconds=20, what="condition"):
    """The first true value of condition(), tried until the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.05)


def read_rows(path, output):
    if not os.path.exists(path) or output == "formatted":
        return []
    with open(path, newline="") as f:
        if output == "csv":
            return list(csv.DictReader(f))
        return [json.loads(line) for line in f if line.strip()]


def write_config(path, lines):
    with open(path, "w") as f:
        f.write("daemonize: false\n" + "\n".join(lines) + "\n")
    return str(path)


def flowgen(*args):
    done = subprocess.run([built("flowgen"), *map(str, args)], stdout=subprocess.PIPE, check=True, timeout=60, env=ENVIRON)
    return json.loads(done.stdout)


def replay(capture, port, *args):
    done = subprocess.run([built("replay"), "--to", f"127.0.0.1:{port}", *map(str, args), str(capture)], stdout=subprocess.PIPE,
                          timeout=60, env=ENVIRON, check=False)
    return json.loads(done.stdout)


class Daemon:
    """flowribd running in the background; its log is a file."""

    def __init__(self, folder, lines, name="flowribd"):
        self.folder = folder
        self.log_path = folder / f"{name}.log"
        self.conf = write_config(folder / f"{name}.conf", lines)
        self.log = open(self.log_path, "wb")
        self.process = subprocess.Popen([built("flowribd"), "-f", self.conf], stdout=self.log, stderr=self.log,
                                        stdin=subprocess.DEVNULL, cwd=folder, env=environ(folder))
        self.pid = self.process.pid

    def text(self):
        return self.log_path.read_text(errors="replace")

    def alive(self):
        return self.process.poll() is None

    def send(self, number):
        self.process.send_signal(number)

    def children(self):
        """All processes it made, also those of its children."""
        found, queue = [], [self.pid]
        while queue:
            done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(queue.pop())], stdout=subprocess.PIPE, text=True, check=False)
            more = [int(word) for word in done.stdout.split()]
            found += more
            queue += more
        return found

    def stop(self, number=signal.SIGINT, seconds=30):
        """Asks it to end and returns its exit status."""
        if self.alive():
            self.send(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            left = self.children()
            for pid in [self.pid] + left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait()
            raise AssertionError(f"did not end within {seconds} s:\n{self.text()[-2000:]}") from None
        finally:
            self.log.close()


@pytest.fixture
def daemon(tmp_path):
    """A function that starts flowribd on configuration lines; what is left running at the end is stopped."""
    started = []

    def start(lines, name="flowribd"):
        one = Daemon(tmp_path, lines, name)
        started.append(one)
        return one

    yield start
    for one in started:
        if one.alive():
            one.stop()
        assert "ERROR: AddressSanitizer" not in one.text(), one.text()[-4000:]
        assert "runtime error:" not in one.text(), one.text()[-4000:]


@pytest.fixture
def collector(tmp_path, daemon):
    """flowribd listening on a port with one memory plugin: returns (daemon, port, socket)."""

    def start(aggregate="src_host, dst_host, src_port, dst_port, proto, flows", *more):
        port, path = free_port(), tmp_path / "memory.sock"
        one = daemon([f"nfacctd_port: {port}", "nfacctd_ip: 127.0.0.1", "plugins: memory[m]", f"aggregate[m]: {aggregate}",
                      f"imt_path[m]: {path}", "imt_mem_pools_number[m]: 0", *more])
        eventually(lambda: path.exists() and udp_bound(port) or not one.alive(), what=one.text)
        assert one.alive(), one.text()
        return one, port, path

    return start


def udp_bound(port):
    wanted = f":{port:04X} "
    return any(wanted in open(f"/proc/net/{table}").read() for table in ("udp", "udp6"))


def client(path, *args, program=None):
    """The output of the client for a memory table, as text."""
    command = [program or built("flowrib"), "-p", str(path), *args]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, env=ENVIRON, check=False)
    assert "AddressSanitizer" not in done.stderr, done.stderr
    return done.stdout


def table_rows(path, program=None):
    return [json.loads(line) for line in client(path, "-s", "-O", "json", program=program).splitlines() if line.startswith("{")]


def run_print(program, folder, name, capture, lines, output="json", seconds=40):
    """Runs a collector over a capture with the print plugin until it has ended; returns the rows."""
    out = folder / f"{name}.{output}"
    conf = write_config(folder / f"{name}.conf", [f"pcap_savefile: {capture}", "plugins: print", f"print_output: {output}",
                                                  f"print_output_file: {out}", "print_refresh_time: 3600",
                                                  "plugin_pipe_size: 20000000", "plugin_buffer_size: 20000", *lines])
    done = subprocess.run([program, "-f", conf], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          timeout=seconds, cwd=folder, env=environ(folder), check=False)
    log = done.stdout.decode(errors="replace")
    assert "AddressSanitizer" not in log and "runtime error:" not in log, log[-4000:]
    return read_rows(out, output), log
