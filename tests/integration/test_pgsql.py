"""What is in PostgreSQL, against what was sent and against Debian's nfacctd: the plugin in the daemon, with a real server of its own."""
import csv
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from conftest import CAPTURES, built, environ, eventually, peer, write_config
from ops import Ops

SERVERS = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
pytestmark = pytest.mark.skipif(not SERVERS, reason="PostgreSQL is not installed: tools/install-packages check")

STAMPS = """stamp_inserted timestamp without time zone NOT NULL DEFAULT '0001-01-01 00:00:00',
    stamp_updated timestamp without time zone"""
# pmacct's table of version 9, from the list of columns in its documents.
V9 = f"""CREATE TABLE acct_v9 (
    tag BIGINT NOT NULL DEFAULT 0, class_id CHAR(16) NOT NULL DEFAULT ' ',
    mac_src macaddr NOT NULL DEFAULT '0:0:0:0:0:0', mac_dst macaddr NOT NULL DEFAULT '0:0:0:0:0:0', vlan INT NOT NULL DEFAULT 0,
    as_src BIGINT NOT NULL DEFAULT 0, as_dst BIGINT NOT NULL DEFAULT 0,
    ip_src inet NOT NULL DEFAULT '0.0.0.0', ip_dst inet NOT NULL DEFAULT '0.0.0.0',
    port_src INT NOT NULL DEFAULT 0, port_dst INT NOT NULL DEFAULT 0, tcp_flags SMALLINT NOT NULL DEFAULT 0,
    ip_proto SMALLINT NOT NULL DEFAULT 0, tos INT NOT NULL DEFAULT 0,
    packets INT NOT NULL, bytes BIGINT NOT NULL, flows INT NOT NULL DEFAULT 0, {STAMPS},
    CONSTRAINT acct_v9_pk PRIMARY KEY (tag, class_id, mac_src, mac_dst, vlan, as_src, as_dst, ip_src, ip_dst, port_src, port_dst, ip_proto,
                                       tos, stamp_inserted))"""


class Cluster:
    """A server on a Unix socket in a folder of its own, run by a user that is not root."""

    def __init__(self):
        self.bin = os.path.dirname(SERVERS[-1])
        self.folder = tempfile.mkdtemp(prefix="flowrib-pg-", dir="/tmp")
        os.chmod(self.folder, 0o755)
        self.as_user = []
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            self.as_user = ["runuser", "-u", "postgres", "--"]
        self.data = os.path.join(self.folder, "data")
        subprocess.run([*self.as_user, f"{self.bin}/initdb", "-D", self.data, "-U", "pmacct", "-A", "trust", "-E", "UTF8", "--no-sync"],
                       cwd="/", stdout=subprocess.DEVNULL, check=True, timeout=120)
        self.up()

    def up(self):
        self.process = subprocess.Popen([*self.as_user, f"{self.bin}/postgres", "-D", self.data, "-k", self.folder, "-c", "listen_addresses=",
                                         "-c", "fsync=off"], cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        eventually(lambda: self.ask("SELECT 1", "postgres", check=False) == [["1"]], 60, "PostgreSQL answers")

    def down(self, number=signal.SIGINT):
        """The server itself, by the number in its pid file: runuser is only its parent."""
        with open(os.path.join(self.data, "postmaster.pid"), encoding="ascii") as f:
            os.kill(int(f.readline()), number)
        self.process.wait(30)

    def close(self):
        self.down(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, sql, database="pmacct", check=True):
        done = subprocess.run([f"{self.bin}/psql", "-h", self.folder, "-U", "pmacct", "-d", database, "-X", "-A", "-t", "-q", "-F", "|",
                               "-v", "ON_ERROR_STOP=1", "-c", sql], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                              timeout=30, stdin=subprocess.DEVNULL)
        assert not check or done.returncode == 0, done.stderr
        return [line.split("|") for line in done.stdout.splitlines() if line]


@pytest.fixture(scope="module")
def server():
    one = Cluster()
    yield one
    one.close()


@pytest.fixture
def database(server):
    server.ask("DROP DATABASE IF EXISTS pmacct", "postgres")
    server.ask("CREATE DATABASE pmacct", "postgres")
    return server


class Pgsql(Ops):
    def __init__(self, server, folder, *lines, aggregate="src_host, dst_host, src_port, dst_port, proto, flows"):
        os.chmod(folder, 0o755)
        self.server = server
        super().__init__(f"aggregate[s]: {aggregate}", "sql_refresh_time: 1", f"state_dir: {folder}/state", f"sql_host: unix:{server.folder}",
                         *lines, plugins="pgsql[s]", folder=str(folder))

    def totals(self, table="acct"):
        rows = self.server.ask(f"SELECT count(*), coalesce(sum(packets), 0), coalesce(sum(bytes), 0) FROM {table}", check=False)
        return tuple(int(n) for n in rows[0]) if rows else (0, 0, 0)


@pytest.fixture
def pgsql(database, tmp_path):
    started = []

    def start(*lines, **options):
        started.append(Pgsql(database, tmp_path, *lines, **options))
        return started[-1].up()

    yield start
    for one in started:
        one.close()


def sums_of(path, sums):
    with open(path, newline="", encoding="ascii") as f:
        for r in csv.DictReader(f):
            key = (r["SRC_IP"], r["DST_IP"], int(r["SRC_PORT"]), int(r["DST_PORT"]))
            sums[key] = tuple(a + int(r[c]) for a, c in zip(sums.get(key, (0, 0, 0)), ("PACKETS", "FLOWS", "BYTES")))


def send(one, folder, seed, sums):
    one.send("--records", 3000, "--flows", 500, "--seed", seed, "--flows-out", folder / "flows.csv")
    sums_of(folder / "flows.csv", sums)


def expect_flows(one, sums):
    total = (len(sums), sum(v[0] for v in sums.values()), sum(v[2] for v in sums.values()))
    eventually(lambda: one.totals() == total, 30, lambda: f"{total}, there are {one.totals()}\n{one.log()[-3000:]}")
    rows = one.server.ask("SELECT host(ip_src), host(ip_dst), port_src, port_dst, packets, flows, bytes FROM acct")
    assert {(r[0], r[1], int(r[2]), int(r[3])): tuple(map(int, r[4:])) for r in rows} == sums


def test_a_table_of_ours(pgsql, tmp_path):
    """With sql_table_create alone: each flow with what was sent, over several purges that meet the same rows."""
    one = pgsql("sql_table_create: true")
    sums = {}
    for seed in (1, 1, 2):
        send(one, tmp_path, seed, sums)
        time.sleep(1.1)
    expect_flows(one, sums)
    assert one.server.ask("SELECT data_type FROM information_schema.columns WHERE table_name = 'acct' AND column_name = 'packets'") == [["bigint"]]


def test_a_server_that_goes_and_comes(pgsql, tmp_path):
    """What is purged while it is away waits in the spool and arrives once; the log names the remedy once."""
    one = pgsql("sql_table_create: true")
    sums = {}
    send(one, tmp_path, 1, sums)
    expect_flows(one, sums)
    one.server.down()
    send(one, tmp_path, 2, sums)
    eventually(lambda: one.counter("sql_spool_segments") > 0 and one.counter("sql_retries") > 0, 20, "a purge waits")
    assert one.totals() == (0, 0, 0) and "spool" in one.log()
    one.server.up()
    send(one, tmp_path, 1, sums)
    expect_flows(one, sums)
    eventually(lambda: one.counter("sql_spool_segments") == 0, 20, "the spool is empty")


def stored(program, server, folder, name, capture, lines):
    """The rows of acct_v9 after a run over a capture."""
    server.ask("DROP TABLE IF EXISTS acct_v9")
    server.ask(V9)
    conf = write_config(folder / f"{name}.conf", [f"pcap_savefile: {capture}", "plugins: pgsql", f"sql_host: {server.folder}",
                                                  "sql_table_version: 9", "sql_table: acct_v9", "sql_refresh_time: 3600",
                                                  "plugin_pipe_size: 20000000", "plugin_buffer_size: 20000",
                                                  *([f"state_dir: {folder}/state"] if name == "flowrib" else []), *lines])
    done = subprocess.run([program, "-f", conf], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=60,
                          cwd=folder, env=environ(folder), check=False)
    log = done.stdout.decode(errors="replace")
    assert "AddressSanitizer" not in log and "runtime error:" not in log, log[-4000:]
    columns = [r[0] for r in server.ask("SELECT column_name FROM information_schema.columns WHERE table_name = 'acct_v9'")
               if r[0] != "stamp_updated"]
    return sorted(map(tuple, server.ask(f"SELECT {', '.join(columns)} FROM acct_v9"))), log


FULL = "tag, src_mac, dst_mac, vlan, src_host, dst_host, src_port, dst_port, tcpflags, proto, tos, src_as, dst_as, flows"


@pytest.mark.peer
@pytest.mark.parametrize("lines", [[f"aggregate: {FULL}"], [f"aggregate: {FULL}", "sql_history: 1h", "sql_history_roundoff: h"],
                                   ["aggregate: dst_host, proto", "sql_optimize_clauses: true", "sql_history: 5m",
                                    "sql_history_roundoff: h"]],
                         ids=["all", "bins", "optimized"])
@pytest.mark.parametrize("capture", ["softflowd-v9", "edge-v9"])
def test_same_rows_as_nfacctd(database, tmp_path, capture, lines):
    """Every column but stamp_updated."""
    source = os.path.join(CAPTURES, capture + ".pcap")
    for _ in range(5):  # on a busy machine its plugin may be told to end before it has read anything
        theirs, log = stored(peer("nfacctd"), database, tmp_path, "peer", source, lines)
        if theirs:
            break
    assert theirs, "the peer wrote nothing, so there is nothing to compare:\n" + log[-1500:]
    ours, log = stored(built("flowribd"), database, tmp_path, "flowrib", source, lines)
    missing, extra = set(theirs) - set(ours), set(ours) - set(theirs)
    assert ours == theirs, f"{len(theirs)} rows expected, {len(ours)} there\n- {sorted(missing)[:2]}\n+ {sorted(extra)[:2]}\n{log[-1000:]}"
