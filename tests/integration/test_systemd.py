"""The unit that is shipped, under a systemd that runs for it alone: all its restrictions in force."""
import json
import os
import shutil
import subprocess
import time

import pytest

from conftest import BUILD, ENVIRON, built, eventually

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNIT = "flowribd.service"
CONF = """nfacctd_port: 2100
plugins: memory[m], print[f]
plugin_end_timeout: 2
plugin_pipe_zmq[f]: true
aggregate: src_host, flows
print_output[f]: json
print_output_file[f]: /var/lib/flowrib/rows
print_refresh_time[f]: 3600
nfacctd_templates_file: /var/lib/flowrib/templates.json
"""


def cgroup2():
    """Where version 2 of control groups is mounted, or None."""
    with open("/proc/mounts", encoding="utf-8") as f:
        found = [line.split()[1] for line in f if line.split()[2] == "cgroup2"]
    return found[0] if found and os.access(found[0], os.W_OK) else None


class Machine:
    def __init__(self, folder):
        self.folder = folder
        self.group = os.path.join(cgroup2(), f"flowrib-test-{os.getpid()}")
        files = os.path.join(folder, "files")
        subprocess.run(["make", "-s", "-C", BUILD, "install", f"DESTDIR={files}"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        unit = next(os.path.join(at, UNIT) for at, _, names in os.walk(files) if UNIT in names)
        with open(unit, encoding="utf-8") as f:
            conf = next(line for line in f if line.startswith("ExecStart=")).split()[-1]
        os.makedirs(files + os.path.dirname(conf), exist_ok=True)
        with open(files + conf, "w", encoding="utf-8") as f:
            f.write(CONF)
        os.mkdir(self.group)
        self.log = open(os.path.join(folder, "log"), "w+", encoding="utf-8")
        enter = f"echo $$ >{self.group}/cgroup.procs && exec unshare --mount --pid --cgroup --uts --ipc --net --fork --kill-child " \
                f"{TOP}/tests/systemd/boot {folder}"
        self.process = subprocess.Popen(["bash", "-c", enter], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def first(self):
        """Process 1, as seen from here; None until there is a systemd."""
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
                pid = f.read().split()[0]
            with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                return pid if f.read().strip() == "systemd" else None
        except (OSError, IndexError):
            return None

    def run(self, *command, check=True, prefix=("-m", "-p", "-C", "-u", "-i", "-n")):
        return subprocess.run(["nsenter", "-t", self.first(), *prefix, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=60, check=check).stdout

    def show(self, name):
        return self.run("systemctl", "show", UNIT, "-p", name, "--value", check=False).strip()

    def journal(self):
        return self.run("journalctl", "-u", UNIT, "--no-pager", "-o", "cat", check=False)

    def is_up(self):
        return self.first() and self.show("ActiveState") == "active"

    def send(self):
        done = subprocess.run(["nsenter", "-t", self.first(), "-n", built("flowgen"), "--to", "127.0.0.1:2100", "--records", "24000",
                               "--flows", "500", "--rate", "100000"], stdout=subprocess.PIPE, env=ENVIRON, timeout=60, check=True)
        return json.loads(done.stdout)["records"]

    def plugin(self, name):
        return self.run("pgrep", "-x", name, check=False).split()

    def file(self):
        """Flows in the file of the print plugin."""
        text = self.run("cat", "/var/lib/flowrib/rows", check=False)
        return sum(json.loads(line)["flows"] for line in text.splitlines() if line.startswith("{"))

    def close(self):
        first = self.first()
        if first:
            os.kill(int(first), 9)
        self.process.kill()
        self.process.wait()
        self.log.close()
        for at, _, _ in os.walk(self.group, topdown=False):
            for _ in range(50):
                try:
                    os.rmdir(at)
                    break
                except OSError:
                    time.sleep(0.1)


@pytest.fixture
def machine(tmp_path):
    if os.geteuid() != 0 or not os.path.exists("/lib/systemd/systemd") or not cgroup2() or not shutil.which("nsenter"):
        pytest.skip("needs root, systemd and control groups of version 2")
    one = Machine(str(tmp_path))
    try:
        deadline = time.monotonic() + 20
        while not one.first() and one.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        if not one.first():
            one.log.seek(0)
            pytest.skip(f"systemd does not start in namespaces here: {one.log.read()[-300:]}")
        eventually(one.is_up, 40, lambda: f"the unit is up: {one.journal()}")
        yield one
    finally:
        one.close()


def test_the_unit_as_it_is_shipped(machine):
    """It is up when it says so, confined, reloads, survives the death of a plugin and of the core, and stops without loss."""
    pid = machine.show("MainPID")
    status = machine.run("cat", f"/proc/{pid}/status")
    assert "CapEff:\t0000000000000000" in status and "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
    assert "Uid:\t0\t" not in status
    assert machine.run("stat", "-c", "%a", "/run/flowrib").strip() == "700"
    sent = machine.send()
    eventually(lambda: str(sent) in machine.run("flowrib", "count", check=False), what="all flows in the table")
    machine.run("systemctl", "reload", UNIT)

    old = machine.plugin("m")
    machine.run("kill", "-9", *old)
    eventually(lambda: machine.plugin("m") not in ([], old), what="a new plugin")

    machine.run("kill", "-9", pid)
    eventually(lambda: machine.show("NRestarts") == "1" and machine.is_up(), 30, lambda: machine.journal())
    assert machine.file() == sent, machine.journal()

    more = machine.send()
    eventually(lambda: str(more) in machine.run("flowrib", "count", check=False), what="all flows in the new table")
    machine.run("systemctl", "stop", UNIT)
    assert machine.show("Result") == "success" and machine.show("ActiveState") == "inactive"
    assert machine.file() == more, machine.journal()  # the name has no time in it: what stood there is replaced
    assert machine.run("ls", "/run/flowrib", check=False).startswith("ls: cannot access")
