"""What an operator relies on: privileges, signals, processes that die, the control socket, metrics."""
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import pytest

from conftest import ENVIRON, built, eventually, flowgen, free_port, table_rows
from ops import Ops, alive, proc_status

CAP_FILES = 0b1011  # CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up privileges")


@pytest.fixture
def ops():
    started = []

    def start(*lines, up=True, **options):
        one = Ops(*lines, **options)
        started.append(one)
        return one.up() if up else one

    yield start
    for one in reversed(started):
        one.close()


# --- privileges ---

@root
def test_root_keeps_only_what_files_need(ops):
    one = ops()
    for pid in one.family():
        s = proc_status(pid)
        assert int(s["CapEff"], 16) == int(s["CapPrm"], 16) == CAP_FILES, pid
        assert int(s["CapBnd"], 16) == int(s["CapInh"], 16) == int(s["CapAmb"], 16) == 0, pid
        assert s["NoNewPrivs"] == "1"
    assert len(one.family()) == 3  # core, spawner, plugin


@root
def test_user_and_group_hold_for_all_processes(ops):
    one = ops("user: daemon", "group: nogroup")
    for pid in one.family():
        s = proc_status(pid)
        assert set(s["Uid"].split()) == {"1"} and set(s["Gid"].split()) == {"65534"}, pid
        assert int(s["CapEff"], 16) == int(s["CapPrm"], 16) == int(s["CapBnd"], 16) == 0, pid
    assert os.stat(one.run).st_uid == os.stat(f"{one.run}/control.sock").st_uid == 1
    sent = one.send("--records", 2400, "--flows", 100)
    one.expect_flows(sent["records"])
    assert one.end() == 0
    assert not os.listdir(one.run)


@root
@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not installed")
def test_what_a_service_manager_grants_goes_too(tmp_path):
    """As the systemd unit starts it: unprivileged, with CAP_NET_ADMIN for the receive buffer, which is then given up."""
    folder = tempfile.mkdtemp(prefix="flowrib-ops-")
    os.chown(folder, 1, 1)
    conf = f"{folder}/c"
    with open(conf, "w", encoding="utf-8") as f:
        f.write(f"daemonize: false\nnfacctd_port: {free_port()}\nnfacctd_ip: 127.0.0.1\nplugins: memory[m]\nnfacctd_pipe_size: 33554432\n")
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(["setpriv", "--reuid=1", "--regid=1", "--clear-groups", "--inh-caps=-all,+net_admin", "--ambient-caps=+net_admin",
                                    "--bounding-set=-all,+net_admin", "--no-new-privs", built("flowribd"), "-f", conf], stderr=log, stdout=log,
                                   env=dict(ENVIRON, RUNTIME_DIRECTORY=folder))
    try:
        eventually(lambda: os.path.exists(f"{folder}/m.sock") or process.poll() is not None, what="the table's socket")
        assert process.poll() is None, (tmp_path / "log").read_text()
        for pid in [process.pid] + [p for p in map(int, filter(str.isdigit, os.listdir("/proc"))) if ancestor(p, process.pid)]:
            s = proc_status(pid)
            assert int(s["CapEff"], 16) == int(s["CapPrm"], 16) == int(s["CapAmb"], 16) == 0, s["Name"]
            assert s["Uid"].split()[0] == "1"
        assert "nfacctd_pipe_size" not in (tmp_path / "log").read_text()  # the kernel gave what was asked for
    finally:
        process.terminate()
        status = process.wait(20)
        shutil.rmtree(folder)
    assert status == 0


def ancestor(pid, of):
    try:
        while pid > 1:
            pid = int(proc_status(pid)["PPid"])
            if pid == of:
                return True
    except OSError:
        pass
    return False


@root
def test_default_runtime_directory_is_one_for_all(tmp_path):
    """Plugins run as another user than the one that made it; they use it all the same."""
    folder = "/run/flowrib"
    if os.path.exists(f"{folder}/control.sock"):
        pytest.skip("a flowribd uses the default runtime directory")
    port = free_port()
    conf = tmp_path / "c"
    conf.write_text(f"daemonize: false\nnfacctd_port: {port}\nnfacctd_ip: 127.0.0.1\nplugins: memory[m]\nuser: daemon\n")
    environ = {k: v for k, v in ENVIRON.items() if k not in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR")}
    before = os.stat(folder).st_uid if os.path.exists(folder) else None
    process = subprocess.Popen([built("flowribd"), "-f", str(conf)], env=environ)
    try:
        eventually(lambda: os.path.exists(f"{folder}/m.sock") or process.poll() is not None, what="the table's socket")
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(20)
        if before is not None:
            os.chown(folder, before, -1)


@root
def test_priorities_hold_without_privileges(ops):
    if not int(proc_status("self")["CapEff"], 16) >> 23 & 1:
        pytest.skip("needs CAP_SYS_NICE")
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    one = ops("user: daemon", "proc_priority[n]: -5", "proc_priority[m]: 7", plugins="memory[m], memory[n], memory[u]")
    first = one.plugins()
    wanted = [7, -5, usual, usual]
    assert proc_status(first["n"])["Uid"].split()[0] != "0"

    def priorities():
        return [os.getpriority(os.PRIO_PROCESS, pid) for pid in (first["m"], first["n"], first["u"], one.pid)]

    eventually(lambda: priorities() == wanted, what=lambda: f"{priorities()} is {wanted}")
    assert "proc_priority" not in one.log()
    one.kill(signal.SIGKILL, first["n"])
    eventually(lambda: one.plugins().get("n") not in (None, first["n"]), what="a successor")
    eventually(lambda: os.getpriority(os.PRIO_PROCESS, one.plugins()["n"]) == -5, what="its priority")


@root
def test_unknown_user_is_refused(ops):
    one = ops("user: nobody-of-that-name", up=False)
    assert one.process.wait(20) == 1
    assert "there is no user 'nobody-of-that-name'" in one.log()
    one.gone()


def test_system_call_filter_lets_the_daemon_work(ops):
    """Everything the core does after it has confined itself."""
    one = ops("nfacctd_templates_file: templates.json", f"metrics_listen: {free_port()}", "nfacctd_threads: 2")
    assert proc_status(one.pid)["Seccomp"] == "2"
    sent = one.send("--records", 4800, "--flows", 100, "--exporters", 4)
    one.expect_flows(sent["records"])
    assert "127.0.1.1" in one.control("status text")
    assert one.status()["plugins"][0]["state"] == "running"
    assert "flowrib_udp_datagrams_total" in one.control("metrics")
    assert one.control("reload").startswith("reloading")
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        one.kill(number)
    eventually(lambda: os.path.exists(f"{one.folder}/templates.json"), what="the templates file")
    assert one.end() == 0
    assert "not permitted" not in one.log().lower()


# --- signals ---

@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_orderly_end_loses_nothing(ops, number):
    """What the core handed to queues is in the file that the print plugin leaves."""
    one = ops("print_output: json", "print_output_file: out.json", "print_refresh_time: 3600", "aggregate: src_host, flows",
              plugins="print[p]")
    load = subprocess.Popen([built("flowgen"), "--to", f"127.0.0.1:{one.port}", "--records", "0", "--rate", "100000", "--burst", "2",
                             "--seconds", "20"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRON)
    try:
        eventually(lambda: one.counter("queue_records") > 20000, what="records flow")
        at_least = one.counter("queue_records")
        assert one.end(number) == 0
    finally:
        load.terminate()
        load.wait()
    one.gone(1)
    with open(f"{one.folder}/out.json", encoding="utf-8") as f:
        written = sum(json.loads(line)["flows"] for line in f)
    assert written >= at_least
    assert not os.path.exists(f"{one.run}/control.sock")
    assert "are lost" not in one.log()


def test_idle_daemon_ends_at_once(ops):
    one = ops()
    begun = time.monotonic()
    assert one.end() == 0
    assert time.monotonic() - begun < 2


def test_service_manager_signals_only_the_core(ops):
    """KillMode=mixed: the core alone gets SIGTERM, and all are gone when it is."""
    one = ops()
    one.end(signal.SIGTERM)
    assert not one.family()


@pytest.mark.parametrize("core_dies", [False, True])
def test_service_manager_signals_all(ops, core_dies):
    """KillMode=control-group: all get SIGTERM, also when the core has just died; the file holds what the plugin had."""
    one = ops("print_output: json", "print_output_file: out.json", "print_refresh_time: 3600", "aggregate: src_host, flows",
              plugins="print[p]")
    sent = one.send("--records", 24000, "--flows", 500, "--rate", 100000, "--burst", 2)
    eventually(lambda: one.counter("plugin_records") == sent["records"], what="the plugin has all")
    if core_dies:
        one.kill(signal.SIGKILL)
        one.process.wait(5)
    for pid in one.family():
        os.kill(pid, signal.SIGTERM)
    one.gone(10)
    with open(f"{one.folder}/out.json", encoding="utf-8") as f:
        assert sum(json.loads(line)["flows"] for line in f) == sent["records"]


def test_second_signal_does_not_wait_and_the_third_for_nothing(ops):
    one = ops()
    plugin = one.plugins()["m"]
    one.kill(signal.SIGSTOP, plugin)
    one.kill(signal.SIGTERM)
    time.sleep(0.5)
    assert one.runs()  # the plugin holds data
    one.kill(signal.SIGTERM)
    eventually(lambda: "asked again" in one.log(), what="the second signal is heard")
    one.kill(signal.SIGTERM)
    assert one.process.wait(10) == 1
    one.kill(signal.SIGCONT, plugin)
    one.gone()


def test_hup_reopens_the_log(ops):
    one = ops("logfile: core.log", up=False)
    path = f"{one.folder}/core.log"
    eventually(lambda: os.path.exists(path) and "is up" in open(path, encoding="utf-8").read(), what="up")
    os.rename(path, path + ".1")
    one.kill(signal.SIGHUP)
    eventually(lambda: os.path.exists(path), what="a new log file")
    one.kill(signal.SIGUSR1)
    eventually(lambda: "+++" in open(path, encoding="utf-8").read(), what="the status in the new file")
    assert "+++" not in open(path + ".1", encoding="utf-8").read()
    assert one.end() == 0
    assert "ended" in open(path, encoding="utf-8").read()


@root
def test_hup_reopens_the_log_as_another_user(ops):
    one = ops("logfile: core.log", "user: daemon", up=False)
    path = f"{one.folder}/core.log"
    eventually(lambda: os.path.exists(path) and "is up" in open(path, encoding="utf-8").read(), what="up")
    assert os.stat(path).st_uid == 1
    os.rename(path, path + ".1")
    with open(path, "wb"):
        os.chown(path, 1, -1)  # as logrotate does with `create`
    one.kill(signal.SIGHUP)
    one.kill(signal.SIGUSR1)
    eventually(lambda: "+++" in open(path, encoding="utf-8").read(), what="the status in the new file")


def test_usr1_writes_the_status(ops):
    one = ops()
    one.send("--records", 240, "--flows", 10)
    one.expect_flows(240)
    one.kill(signal.SIGUSR1)
    eventually(lambda: "127.0.1.1" in one.log() and "---" in one.log(), what="the exporter in the log")
    found = re.findall(r"NOTICE \( default/core \): stats \[127\.0\.0\.1:(\d+)\] agent=(\S+) time=\d+ packets=(\d+) bytes=\d+ "
                       r"seq_good=(\d+) seq_jmp_fwd=0 seq_jmp_bck=0\n", one.log())
    assert [(int(port), agent) for port, agent, _, _ in found] == [(one.port, "127.0.1.1:1")]
    assert found[0][2] == found[0][3] == str(one.counter("udp_datagrams"))


def test_pid_files_of_all_processes(ops, tmp_path):
    one = ops(f"pidfile: {tmp_path}/pid")
    assert int((tmp_path / "pid").read_text()) == one.pid
    eventually(lambda: (tmp_path / "pid-memory-m").exists(), what="the plugin's pid file")
    assert int((tmp_path / "pid-memory-m").read_text()) == one.plugins()["m"]
    one.end()
    assert not list(tmp_path.glob("pid*"))


def test_runtime_directory_open_to_others_is_refused(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    conf = tmp_path / "conf"
    conf.write_text(f"daemonize: false\nnfacctd_port: {free_port()}\nruntime_dir: {shared}\nplugins: memory[m]\naggregate: src_host\n")
    done = subprocess.run([built("flowribd"), "-f", str(conf)], stderr=subprocess.PIPE, text=True, timeout=20, check=False, env=ENVIRON)
    assert done.returncode == 1 and "others may write" in done.stderr
    assert not list(shared.iterdir())


def test_templates_file_is_tried_again(ops, tmp_path):
    path = tmp_path / "not yet" / "templates"
    one = ops(f"nfacctd_templates_file: {path}")
    one.send("--records", 24, "--flows", 3)
    eventually(lambda: "nfacctd_templates_file: cannot write" in one.log(), what="the failure in the log")
    path.parent.mkdir()
    eventually(path.exists, what="the templates file")
    assert json.loads(path.read_text())


def test_usr2_reads_lists_again_and_keeps_good_ones(ops, tmp_path):
    allow, networks = tmp_path / "allow", tmp_path / "networks"
    allow.write_text("127.0.1.1\n")
    networks.write_text("10.0.0.0/8\n")
    one = ops(f"nfacctd_allow_file: {allow}", f"networks_file: {networks}", "nfacctd_net: file", "aggregate: src_net, flows")
    one.send("--records", 240, "--flows", 10)
    one.expect_flows(240)
    allow.write_text("192.0.2.1\n")
    networks.write_text("10.0.0.0/8\n10.0.0.0/99\n")
    one.kill(signal.SIGUSR2)
    eventually(lambda: re.search(rf"{networks}:2: .*keeping", one.log()), what="the error, by file and line\n")
    one.send("--records", 240, "--flows", 10)
    eventually(lambda: one.counter("udp_dropped_datagrams", reason="not_in_allow_file") >= 10, what="datagrams denied")
    assert one.flows() == 240
    allow.write_text("127.0.1.1/banana\n")
    one.kill(signal.SIGUSR2)
    eventually(lambda: re.search(rf"{allow}:1: .*keeping", one.log()), what="the error, by file and line")
    allow.write_text("127.0.0.0/8\n")
    one.kill(signal.SIGUSR2)
    eventually(lambda: one.log().count(f"[{allow}] map successfully") >= 2, what="the list is read")
    one.send("--records", 240, "--flows", 10)
    one.expect_flows(480)


# --- processes that die ---

def test_killed_plugin_is_replaced_and_its_loss_told(ops):
    one = ops()
    one.send("--records", 2400, "--flows", 100, "--uniform")
    one.expect_flows(2400)
    eventually(lambda: one.counter("plugin_entries") == 100, what="100 entries")
    first = one.plugins()["m"]
    one.kill(signal.SIGKILL, first)
    eventually(lambda: one.plugins().get("m") not in (None, first), what="a successor")
    eventually(lambda: os.path.exists(one.table) and one.counter("plugin_entries") == 0, what="an empty table")
    assert one.counter("plugin_deaths") == 1 and one.counter("plugin_lost_aggregates") == 100
    assert re.search(r"plugin m/memory \(pid \d+\) died: signal 9; 100 aggregates", one.log())
    one.send("--records", 2400, "--flows", 100)
    one.expect_flows(2400)
    assert one.end() == 0


def test_successor_drains_the_queue(ops):
    """What came while nobody read is in the queue, and counts."""
    one = ops()
    one.kill(signal.SIGSTOP, one.plugins()["m"])
    sent = one.send("--records", 12000, "--flows", 100, "--rate", 100000)
    eventually(lambda: one.counter("queue_records") == sent["records"], what="all in the queue")
    one.kill(signal.SIGKILL, one.plugins()["m"])
    one.expect_flows(sent["records"])
    assert one.counter("queue_dropped_records") == 0


def test_plugin_that_cannot_start_is_retried_ever_more_slowly(ops, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.write_text("no socket")
    one = ops(f"imt_path[bad]: {blocked}", plugins="memory[bad], memory[m]")
    eventually(lambda: one.counter("plugin_deaths", plugin="bad") >= 3, what="three attempts")
    begun = time.monotonic()
    before = one.counter("plugin_deaths", plugin="bad")
    eventually(lambda: one.counter("plugin_deaths", plugin="bad") > before, what="one more attempt")
    assert time.monotonic() - begun > 1.5
    one.send("--records", 240, "--flows", 10)
    one.expect_flows(240)
    blocked.unlink()
    eventually(lambda: "bad" in one.plugins(), 30, "it starts once it can")


def test_nothing_is_left_of_a_killed_core(ops):
    one = ops("print_output: json", "print_output_file: out.json", "print_refresh_time: 3600", plugins="print[p], memory[m]")
    sent = one.send("--records", 2400, "--flows", 100)
    one.expect_flows(sent["records"])
    one.kill(signal.SIGKILL)
    one.gone()
    with open(f"{one.folder}/out.json", encoding="utf-8") as f:
        assert sum(json.loads(line)["flows"] for line in f) == sent["records"]


def test_killed_spawner_ends_all_with_data_written(ops):
    one = ops("print_output: json", "print_output_file: out.json", "print_refresh_time: 3600", plugins="print[p], memory[m]")
    sent = one.send("--records", 2400, "--flows", 100)
    one.expect_flows(sent["records"])
    one.kill(signal.SIGKILL, one.spawner())
    assert one.process.wait(15) == 1
    assert "the spawner is gone" in one.log()
    one.gone(1)
    with open(f"{one.folder}/out.json", encoding="utf-8") as f:
        assert sum(json.loads(line)["flows"] for line in f) == sent["records"]


def test_plugin_exit_any(ops):
    one = ops("plugin_exit_any: true", plugins="memory[a], memory[m]")
    one.kill(signal.SIGKILL, one.plugins()["a"])
    assert one.process.wait(15) == 1
    one.gone(1)


# --- in the background, two of them, the service manager ---

def run_and_wait(conf, seconds=15):
    """Starts a daemon that goes into the background; (exit status of the parent, what it said). Fails when the
    daemon holds on to its parent's standard error."""
    done = subprocess.run([built("flowribd"), "-f", conf], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                          timeout=seconds, env=ENVIRON, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def background_conf(folder, port, name="bg"):
    conf = folder / f"{name}.conf"
    conf.write_text(f"daemonize: true\nnfacctd_port: {port}\nnfacctd_ip: 127.0.0.1\nplugins: memory[m]\nruntime_dir: {folder}/run-{name}\n"
                    f"pidfile: {folder}/{name}.pid\nlogfile: {folder}/{name}.log\n")
    return str(conf)


def test_background_parent_waits_and_tells(tmp_path):
    port = free_port()
    status, text = run_and_wait(background_conf(tmp_path, port))
    pid = int((tmp_path / "bg.pid").read_text())
    try:
        assert status == 0 and not text, text
        assert alive(pid) and proc_status(pid)["PPid"] != str(os.getpid())
        status, _ = run_and_wait(background_conf(tmp_path, port, "second"))
        assert status == 1
        assert re.search(rf"{port}.*in use", (tmp_path / "second.log").read_text())
        assert not (tmp_path / "second.pid").exists()
    finally:
        os.kill(pid, signal.SIGTERM)
    eventually(lambda: not alive(pid), what="it ends")
    assert not (tmp_path / "bg.pid").exists()


def test_two_daemons_do_not_share_a_runtime_directory(ops):
    one = ops("pidfile: pid")
    two = ops("pidfile: pid", folder=one.folder, up=False)
    assert two.process.wait(15) == 1
    assert "another flowribd answers" in two.log() and "runtime_dir" in two.log()
    two.gone()
    with open(f"{one.folder}/pid", encoding="ascii") as f:
        assert int(f.read()) == one.pid
    assert one.status()["plugins"]
    assert one.end() == 0


def test_service_manager_is_told(ops, tmp_path):
    """READY=1 once it works, STOPPING=1 when it ends; sockets are where RUNTIME_DIRECTORY says."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        s.settimeout(15)
        conf = tmp_path / "c"
        conf.write_text(f"daemonize: false\nnfacctd_port: {free_port()}\nnfacctd_ip: 127.0.0.1\nplugins: memory[m]\n")
        (tmp_path / "rt").mkdir()
        process = subprocess.Popen([built("flowribd"), "-f", str(conf)], env=dict(ENVIRON, NOTIFY_SOCKET=path, RUNTIME_DIRECTORY=f"{tmp_path}/rt"))
        try:
            assert b"READY=1" in s.recv(4096)
            assert (tmp_path / "rt" / "control.sock").exists()
            eventually(lambda: (tmp_path / "rt" / "m.sock").exists(), what="the table's socket")
        finally:
            process.terminate()
        assert b"STOPPING=1" in s.recv(4096)
        assert process.wait(15) == 0


# --- metrics and the control socket ---

SAMPLE = re.compile(r'([a-z_:][a-z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*"(?:,(?=[a-z])|(?=\})))*)\})? (-?[0-9.]+)$')


def check_exposition(text):
    """Text exposition format 0.0.4, line by line; the samples by name."""
    assert text.endswith("\n")
    samples, helped, typed, current, seen = {}, set(), {}, None, set()
    for line in text.splitlines():
        if line.startswith("# "):
            _, kind, name, rest = line.split(" ", 3)
            if kind == "HELP":
                assert name not in helped and rest, line
                helped.add(name)
            else:
                assert kind == "TYPE" and name not in typed and rest in ("counter", "gauge"), line
                assert name not in samples, "TYPE comes before samples"
                typed[name] = rest
            current = name
            continue
        match = SAMPLE.match(line)
        assert match, f"no sample: {line}"
        name, labels = match.group(1), match.group(2) or ""
        assert name == current, f"samples of a metric stand together: {line}"
        assert name in helped and name in typed, line
        assert (typed[name] == "counter") == name.endswith("_total"), line
        assert (name, labels) not in seen, f"twice: {line}"
        seen.add((name, labels))
        samples.setdefault(name, []).append((labels, float(match.group(3))))
    return samples


def test_metrics(ops):
    port = free_port()
    one = ops(f"metrics_listen: {port}", "nfacctd_threads: 2", plugins="memory[m], memory[n]")
    sent = one.send("--records", 4800, "--flows", 100, "--exporters", 4)
    one.expect_flows(sent["records"])
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        samples = check_exposition(answer.read().decode())
    assert len(samples["flowrib_exporter_records_total"]) == 4
    assert sum(v for _, v in samples["flowrib_exporter_records_total"]) == sent["records"]
    assert sum(v for labels, v in samples["flowrib_queue_records_total"] if 'plugin="m"' in labels) == sent["records"]
    check_exposition(one.control("metrics"))
    with open("/proc/net/tcp", encoding="ascii") as f:
        assert f" 0100007F:{port:04X} 00000000:0000 0A" in f.read()  # loopback only
    for path, status in (("/", 404), ("/metrics/../x", 404)):
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10)
        assert error.value.code == status


def test_metrics_take_junk(ops):
    port = free_port()
    one = ops(f"metrics_listen: {port}")
    for junk in (b"\0" * 5000, b"GET /" + b"a" * 100000, b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\nabc", b"GET",
                 b"GET /metrics HTTP/9.9\r\n" + b"x: y\r\n" * 5000 + b"\r\n", os.urandom(3000)):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
            try:
                s.sendall(junk)
                s.settimeout(0.2)
                s.recv(1000)
            except OSError:
                pass
    idle = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(40)]
    assert one.runs() and check_exposition(one.control("metrics"))
    for s in idle:
        s.close()

    def answered():
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=3).status == 200
        except OSError:
            return False
    eventually(answered, what="answers again")
    assert one.end() == 0


def test_control_socket_takes_junk(ops):
    one = ops()
    path = f"{one.run}/control.sock"

    def dial():
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        s.settimeout(5)
        return s

    for junk in (b"\0" * 10000, os.urandom(255), b"status", b"\n", b"x" * 255 + b"\n", b"status text\nstatus json\n"):
        with dial() as s:
            try:
                s.sendall(junk)
                s.settimeout(0.2)
                s.recv(100)
            except OSError:
                pass
    assert "known are" in one.control("statistics")
    idle = [dial() for _ in range(100)]
    for s in idle[::2]:
        try:
            s.sendall(b"half a li")
        except OSError:
            pass
    assert one.status()["plugins"]
    one.send("--records", 240, "--flows", 10)
    one.expect_flows(240)
    slow = dial()
    slow.sendall(b"status json\n")  # never read
    assert one.end() == 0
    for s in [*idle, slow]:
        s.close()


def test_control_socket_is_private(ops):
    one = ops()
    assert os.stat(one.run).st_mode & 0o777 == 0o700
    assert os.stat(f"{one.run}/control.sock").st_mode & 0o777 == 0o600


# --- sources and queues ---

def test_templates_outlive_a_restart(ops):
    one = ops("nfacctd_templates_file: templates.json")
    sent = one.send("--version", 10, "--records", 240, "--flows", 10)
    one.expect_flows(sent["records"])
    eventually(lambda: os.path.exists(f"{one.folder}/templates.json"), what="the templates file")
    assert one.end() == 0
    capture = f"{one.folder}/late.pcap"
    late = flowgen("--out", capture, "--version", 10, "--records", 240, "--flows", 10, "--late", 100)
    two = ops("nfacctd_templates_file: templates.json", folder=one.folder)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.1.1", 0))
        data = [m for m in messages(capture) if not is_template(m)]
        for message in data:
            s.sendto(message, ("127.0.0.1", two.port))
    two.expect_flows(late["records"])


def messages(path):
    """Payloads of a capture made by flowgen (Ethernet, IPv4, UDP)."""
    with open(path, "rb") as f:
        data = f.read()
    at = 24
    while at < len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16 + 42:at + 16 + length]
        at += 16 + length


def is_template(message):
    """Of IPFIX: does the first set define templates?"""
    return struct.unpack_from(">H", message, 16)[0] in (2, 3)


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
def test_threads_count_the_same(ops, threads):
    one = ops(f"nfacctd_threads: {threads}")
    sent = one.send("--records", 24000, "--flows", 500, "--exporters", 8, "--rate", 50000, "--burst", 4)
    one.expect_flows(sent["records"])
    rows = table_rows(one.table)
    assert sum(r["packets"] for r in rows) == sent["packets"] and sum(r["bytes"] for r in rows) == sent["bytes"]
    assert one.counter("queue_dropped_records") == 0


def test_ipfix_over_tcp_counts_as_over_udp(ops):
    tcp = free_port()
    one = ops(f"nfacctd_tcp_port: {tcp}", "nfacctd_threads: 2")
    capture = f"{one.folder}/ipfix.pcap"
    sent = flowgen("--out", capture, "--version", 10, "--records", 12000, "--flows", 300, "--ipv6", 20)
    stream = b"".join(messages(capture))
    with socket.create_connection(("127.0.0.1", tcp), timeout=10) as s:
        for at in range(0, len(stream), 777):  # messages in pieces
            s.sendall(stream[at:at + 777])
        one.expect_flows(sent["records"])
    rows = table_rows(one.table)
    assert sum(r["packets"] for r in rows) == sent["packets"] and sum(r["bytes"] for r in rows) == sent["bytes"]


def test_zmq_transport_counts_the_same(ops):
    one = ops("plugin_pipe_zmq: true", "nfacctd_threads: 2")
    sent = one.send("--records", 24000, "--flows", 500, "--exporters", 4, "--rate", 50000, "--burst", 4)
    one.expect_flows(sent["records"])
    assert sum(r["bytes"] for r in table_rows(one.table)) == sent["bytes"]
    assert one.end() == 0


@pytest.mark.parametrize("lines", [["plugin_pipe_zmq: true", "plugin_pipe_zmq_hwm: 2", "plugin_buffer_size: 4096"], ["plugin_pipe_size: 65536"]],
                         ids=["zmq", "ring"])
def test_stopped_plugin_does_not_stop_the_core(ops, lines):
    """Drops are counted against the plugin that is stuck; the other one has everything."""
    one = ops(*[line.replace(":", "[stuck]:") for line in lines], plugins="memory[stuck], memory[m]")
    stuck = one.plugins()["stuck"]
    one.kill(signal.SIGSTOP, stuck)
    sent = one.send("--records", 100000, "--flows", 500, "--rate", 50000, "--burst", 4)
    one.expect_flows(sent["records"])
    dropped = one.counter("queue_dropped_records", plugin="stuck")
    assert dropped > 0 and one.counter("queue_dropped_records", plugin="m") == 0
    assert dropped + one.counter("queue_records", plugin="stuck") == sent["records"]
    assert one.status()["uptime_s"] >= 0
    one.kill(signal.SIGCONT, stuck)
    eventually(lambda: one.counter("plugin_records", plugin="stuck") == one.counter("queue_records", plugin="stuck"), what="it catches up")
    assert one.end() == 0


def test_zmq_plugin_that_hears_no_end_is_ended(ops):
    """The message that says "no more" does not fit a full queue; the plugin ends all the same."""
    one = ops("plugin_pipe_zmq[stuck]: true", "plugin_pipe_zmq_hwm[stuck]: 2", "plugin_buffer_size[stuck]: 4096",
              plugins="memory[stuck], memory[m]")
    stuck = one.plugins()["stuck"]
    one.kill(signal.SIGSTOP, stuck)
    sent = one.send("--records", 100000, "--flows", 500, "--rate", 50000, "--burst", 4)
    one.expect_flows(sent["records"])
    assert one.counter("queue_dropped_records", plugin="stuck") > 0
    one.kill(signal.SIGTERM)
    time.sleep(5)
    one.kill(signal.SIGCONT, stuck)
    assert one.process.wait(15) == 0


def lost_on_the_way(log, plugin):
    """Records that the log says were lost between core and plugin; 0 when it says nothing."""
    found = re.findall(rf"plugin {plugin}: (\d+) records were still on their way", log)
    return sum(map(int, found))


def test_what_zmq_gives_up_at_the_end_is_counted(ops):
    """The plugin wakes up when the core's sockets have given up what they held: all that is not in its file is in the log."""
    one = ops("plugin_pipe_zmq[f]: true", "print_output_file[f]: rows", "print_output[f]: json", "print_refresh_time[f]: 3600",
              plugins="print[f], memory[m]")
    stuck = one.plugins()["f"]
    one.kill(signal.SIGSTOP, stuck)
    sent = one.send("--records", 100000, "--flows", 500, "--rate", 100000, "--burst", 4)
    one.expect_flows(sent["records"])
    one.kill(signal.SIGTERM)
    time.sleep(5)
    one.kill(signal.SIGCONT, stuck)
    assert one.process.wait(15) == 0
    rows = os.path.join(one.folder, "rows")
    flows = 0
    if os.path.exists(rows):
        with open(rows, encoding="utf-8") as f:
            flows = sum(json.loads(line)["flows"] for line in f)
    lost = lost_on_the_way(one.log(), "f/print")
    assert lost > 0 and flows + lost == sent["records"], one.log()


@pytest.mark.parametrize("transport", ["ring", "zmq"])
def test_stuck_plugin_is_killed_at_the_end(ops, transport):
    """It gets its time, SIGTERM and SIGKILL; the other plugin's file is whole; what was lost is told."""
    one = ops(f"plugin_pipe_zmq[stuck]: {'true' if transport == 'zmq' else 'false'}", "plugin_end_timeout: 1",
              "print_output_file[f]: rows", "print_output[f]: json", "print_refresh_time[f]: 3600",
              plugins="memory[stuck], print[f], memory[m]")
    stuck = one.plugins()["stuck"]
    one.kill(signal.SIGSTOP, stuck)
    sent = one.send("--records", 20000, "--flows", 500, "--rate", 50000, "--burst", 4)
    one.expect_flows(sent["records"])
    begin = time.monotonic()
    one.end(seconds=20)
    assert 5.5 < time.monotonic() - begin < 15
    assert not alive(stuck) and "plugin stuck/memory" in one.log() and "died: signal 9" in one.log(), one.log()
    assert lost_on_the_way(one.log(), "stuck/memory") == sent["records"], one.log()
    assert lost_on_the_way(one.log(), "f/print") == 0
    with open(os.path.join(one.folder, "rows"), encoding="utf-8") as f:
        assert sum(json.loads(line)["flows"] for line in f) == sent["records"]


def test_second_signal_does_not_wait_for_a_stuck_plugin(ops):
    one = ops(plugins="memory[stuck], memory[m]")
    stuck = one.plugins()["stuck"]
    one.kill(signal.SIGSTOP, stuck)
    one.kill(signal.SIGTERM)
    eventually(lambda: "ending: handing on" in one.log(), what="the end begins")
    time.sleep(1)
    assert one.runs()
    one.end(seconds=15)
    assert not alive(stuck) and "died: signal 9" in one.log(), one.log()


# --- what is installed ---

def test_example_configuration_is_valid():
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    done = subprocess.run([built("flowribd"), "--check", "-f", f"{top}/docs/examples/flowrib.conf"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=ENVIRON, timeout=20, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
