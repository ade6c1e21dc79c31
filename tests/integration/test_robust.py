"""Signals, processes that die, bytes that make no sense, files that must be whole."""
import csv
import json
import os
import random
import signal
import socket
import struct
import subprocess
import time

import pytest

from conftest import ENVIRON, built, eventually, flowgen, free_port, table_rows, udp_bound

pytestmark = pytest.mark.live


def flows(path):
    return sum(row["flows"] for row in table_rows(path))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_orderly_end(collector, number):
    """It ends by itself, at once, without waiting for a datagram, and leaves no process and no socket."""
    one, _, path = collector()
    children = one.children()
    assert children
    begun = time.monotonic()
    assert one.stop(number) == 0
    assert time.monotonic() - begun < 5
    assert not [pid for pid in children if os.path.exists(f"/proc/{pid}") and "Z" not in open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1][:3]]
    assert not path.exists()


def test_statistics_on_sigusr1(collector):
    one, port, path = collector()
    flowgen("--to", f"127.0.0.1:{port}", "--records", 240, "--flows", 10)
    eventually(lambda: flows(path) == 240, what="240 flows")
    one.send(signal.SIGUSR1)
    eventually(lambda: "127.0.1.1" in one.text() or "records" in one.text(), what="statistics in the log")
    assert one.alive()


def test_reload_and_log_signals_lose_nothing(collector):
    one, port, path = collector()
    load = subprocess.Popen([built("flowgen"), "--to", f"127.0.0.1:{port}", "--records", "100000", "--rate", "50000", "--flows", "1000", "--burst", "4"],
                            stdout=subprocess.PIPE, env=ENVIRON)
    for n in range(8):
        one.send([signal.SIGHUP, signal.SIGUSR2, signal.SIGUSR1][n % 3])
        time.sleep(0.2)
    sent = json.loads(load.communicate(timeout=30)[0])
    eventually(lambda: flows(path) == sent["records"], what=lambda: f"{sent['records']} flows, there are {flows(path)}")


def test_killed_plugin_comes_back(collector):
    """The core goes on, a new process takes the plugin's place and collects again."""
    one, port, path = collector()
    flowgen("--to", f"127.0.0.1:{port}", "--records", 240, "--flows", 10)
    eventually(lambda: flows(path) == 240, what="240 flows")
    plugin = plugin_pid(path)
    os.kill(plugin, signal.SIGKILL)
    eventually(lambda: plugin_pid(path) not in (None, plugin), what=one.text)
    assert one.alive()
    flowgen("--to", f"127.0.0.1:{port}", "--records", 480, "--flows", 10)
    eventually(lambda: flows(path) == 480, what=lambda: f"480 flows after the restart, there are {flows(path)}")
    assert "m" in one.text()


def plugin_pid(path):
    """The process that answers on a Unix socket."""
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(path))
            return struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    except OSError:
        return None


def test_garbage_is_counted_and_nothing_else(collector):
    """Random bytes, cut and damaged datagrams between good ones: the good ones count, the process lives."""
    one, port, path = collector()
    rnd = random.Random(3)
    good = flowgen("--out", one.folder / "g.pcap", "--version", 10, "--records", 240, "--flows", 50, "--template", "full", "--ipv6", 30)
    payloads = read_payloads(one.folder / "g.pcap")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for n in range(4000):
            data = bytearray(rnd.choice(payloads))
            kind = n % 4
            if kind == 0:
                data = bytearray(rnd.randbytes(rnd.randrange(0, 200)))
            elif kind == 1:
                data = data[:rnd.randrange(len(data))]
            elif kind == 2:
                for _ in range(rnd.randrange(1, 20)):
                    data[rnd.randrange(len(data))] = rnd.randrange(256)
            else:
                data[0:2] = rnd.choice([b"\0\5", b"\0\x09", b"\0\x0a", b"\0\1", b"\0\7"])
            s.sendto(data, ("127.0.0.1", port))
    sent = flowgen("--to", f"127.0.0.1:{port}", "--records", 2400, "--flows", 50, "--exporters", 3, "--version", 9)
    assert one.alive(), one.text()
    wanted = sent["records"]
    eventually(lambda: sum(r.get("flows", 0) for r in table_rows(path)) >= wanted, what=one.text)
    assert one.text().count("\n") < 200  # and the log is no way to fill a disk
    assert good["records"] == 240


def read_payloads(path):
    data, at, found = open(path, "rb").read(), 24, []
    while at < len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        found.append(data[at + 16 + 42:at + 16 + length])
        at += 16 + length
    return found


def test_client_garbage(collector):
    """Whatever is written to the table's socket, it goes on answering."""
    one, port, path = collector()
    flowgen("--to", f"127.0.0.1:{port}", "--records", 240, "--flows", 10)
    eventually(lambda: flows(path) == 240, what="240 flows")
    rnd = random.Random(4)
    for n in range(200):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(1)
            try:
                s.connect(str(path))
                s.sendall(rnd.randbytes(rnd.randrange(0, 5000)))
                if n % 3 == 0:
                    s.recv(100)
            except OSError:
                pass
    assert flows(path) == 240 and one.alive()


def test_several_source_threads_count_the_same(collector):
    _, port, path = collector("src_host, dst_host, src_port, dst_port, proto, flows", "nfacctd_threads: 3")
    sent = flowgen("--to", f"127.0.0.1:{port}", "--records", 40000, "--flows", 3000, "--exporters", 12, "--rate", 150000, "--burst", 4)
    eventually(lambda: flows(path) >= sent["records"], what="all flows")
    rows = table_rows(path)
    assert {k: sum(r[k] for r in rows) for k in ("packets", "bytes", "flows")} == {
        "packets": sent["packets"], "bytes": sent["bytes"], "flows": sent["records"]}


def test_print_files_are_whole(daemon, tmp_path):
    """Whoever looks while files are written sees whole lines and, without append, whole purges only."""
    port = free_port()
    out = tmp_path / "out.json"
    daemon([f"nfacctd_port: {port}", "nfacctd_ip: 127.0.0.1", "plugins: print", "aggregate: src_host, dst_host, src_port, dst_port, proto, flows",
            "print_output: json", f"print_output_file: {out}", "print_refresh_time: 1"])
    eventually(lambda: udp_bound(port), what="listening")
    load = subprocess.Popen([built("flowgen"), "--to", f"127.0.0.1:{port}", "--records", "0", "--seconds", "4", "--rate", "100000", "--flows", "20000"],
                            stdout=subprocess.DEVNULL, env=ENVIRON)
    looks = 0
    try:
        while load.poll() is None:
            if out.exists():
                text = out.read_text()
                assert text.endswith("\n")
                for line in text.splitlines():
                    json.loads(line)
                looks += 1
            time.sleep(0.02)
    finally:
        load.wait(10)
    assert looks > 10


def test_last_purge_on_exit(daemon, tmp_path):
    """What is held when the signal comes is written."""
    port, out = free_port(), tmp_path / "out.csv"
    one = daemon([f"nfacctd_port: {port}", "nfacctd_ip: 127.0.0.1", "plugins: print", "aggregate: src_host, flows", "print_output: csv",
                  f"print_output_file: {out}", "print_refresh_time: 3600"])
    eventually(lambda: udp_bound(port), what="listening")
    sent = flowgen("--to", f"127.0.0.1:{port}", "--records", 4800, "--flows", 300, "--rate", 100000)
    time.sleep(0.5)
    assert one.stop() == 0
    rows = list(csv.DictReader(open(out)))
    assert sum(int(r["FLOWS"]) for r in rows) == sent["records"]


@pytest.mark.parametrize("lines,word", [
    (["plugins: memory", "agregate: src_host"], "aggregate"),
    (["nfacctd_port: 2100", "plugins: memory", "aggregate: src_hots"], "src_host"),
    (["plugins: memory", "aggregate: src_host", "nfacctd_port: 99999999"], "nfacctd_port"),
    (["nfacctd_port: 2100", "plugins: memroy", "aggregate: src_host"], "memory"),
    (["plugins memory"], ":"),
])
def test_a_wrong_configuration_says_what_is_wrong(tmp_path, lines, word):
    conf = tmp_path / "wrong.conf"
    conf.write_text("\n".join(lines) + "\n")
    done = subprocess.run([built("flowribd"), "--check", "-f", str(conf)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=10, env=ENVIRON, check=False)
    assert done.returncode != 0 and word in done.stdout and "wrong.conf:" in done.stdout, done.stdout
