"""What is in an SQLite database, against what was sent: over purges, crashes, databases that cannot be written, and pmacct's tables."""
import contextlib
import csv
import datetime
import os
import random
import signal
import socket
import sqlite3
import stat
import struct
import subprocess
import time

import pytest

from conftest import CAPTURES, TOP, built, environ, eventually, flowgen, peer, write_config
from ops import Ops

HOSTS = "src_host, dst_host, proto, flows"

# pmacct's tables for SQLite, from the lists of columns in its documents.
STAMPS = "stamp_inserted DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00', stamp_updated DATETIME"
V1 = f"""CREATE TABLE acct (
    mac_src CHAR(17) NOT NULL DEFAULT '0:0:0:0:0:0', mac_dst CHAR(17) NOT NULL DEFAULT '0:0:0:0:0:0',
    ip_src CHAR(45) NOT NULL DEFAULT '0.0.0.0', ip_dst CHAR(45) NOT NULL DEFAULT '0.0.0.0',
    src_port INT(4) NOT NULL DEFAULT 0, dst_port INT(4) NOT NULL DEFAULT 0, ip_proto CHAR(6) NOT NULL DEFAULT 0,
    packets INT NOT NULL, bytes BIGINT NOT NULL, {STAMPS},
    PRIMARY KEY (mac_src, mac_dst, ip_src, ip_dst, src_port, dst_port, ip_proto, stamp_inserted))"""
V9 = f"""CREATE TABLE acct_v9 (
    tag INT(8) NOT NULL DEFAULT 0, class_id CHAR(16) NOT NULL DEFAULT ' ',
    mac_src CHAR(17) NOT NULL DEFAULT '0:0:0:0:0:0', mac_dst CHAR(17) NOT NULL DEFAULT '0:0:0:0:0:0', vlan INT(4) NOT NULL DEFAULT 0,
    as_src INT(8) NOT NULL DEFAULT 0, as_dst INT(8) NOT NULL DEFAULT 0,
    ip_src CHAR(45) NOT NULL DEFAULT '0.0.0.0', ip_dst CHAR(45) NOT NULL DEFAULT '0.0.0.0',
    port_src INT(4) NOT NULL DEFAULT 0, port_dst INT(4) NOT NULL DEFAULT 0, tcp_flags INT(4) NOT NULL DEFAULT 0,
    ip_proto CHAR(6) NOT NULL DEFAULT 0, tos INT(4) NOT NULL DEFAULT 0,
    packets INT NOT NULL, bytes BIGINT NOT NULL, flows INT NOT NULL DEFAULT 0, {STAMPS},
    PRIMARY KEY (tag, class_id, mac_src, mac_dst, vlan, as_src, as_dst, ip_src, ip_dst, port_src, port_dst, ip_proto, tos, stamp_inserted))"""


def query(path, sql):
    """All rows; none while there is no database or no table."""
    if not os.path.exists(path):
        return []
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=10)) as db:
            return db.execute(sql).fetchall()
    except sqlite3.OperationalError as e:
        if "no such table" in str(e):
            return []
        raise


def host(i):
    return f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}"


def packets(i):
    return 1 + i % 7


def octets(i):
    return 100 + i


def send_hosts(port, first, n, at=None):
    """Hosts first .. first + n - 1 send a flow each, NetFlow v5, at a time of day in seconds since the epoch."""
    now, uptime = int(at or time.time()), 1000000
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for begin in range(first, first + n, 30):
            hosts = range(begin, min(begin + 30, first + n))
            head = struct.pack("!HHIIIIBBH", 5, len(hosts), uptime, now, 0, begin, 0, 0, 0)
            out.sendto(head + b"".join(socket.inet_aton(host(i)) + socket.inet_aton("192.0.2.1") +
                                       struct.pack("!IHHIIIIHHBBBBHHBBH", 0, 0, 0, packets(i), octets(i), uptime, uptime, 0, 0, 0, 0, 17, 0,
                                                   0, 0, 0, 0, 0) for i in hosts), ("127.0.0.1", port))
            time.sleep(0.0005)


class Sqlite(Ops):
    """flowribd with one database plugin `s`; what it needs from one run to the next is in the folder."""

    def __init__(self, folder, *lines, aggregate=HOSTS, **options):
        self.state = os.path.join(folder, "state")
        self.db = os.path.join(self.state, "s.db")
        lines = [line for line in (f"aggregate[s]: {aggregate}", "sql_refresh_time: 1", f"state_dir: {self.state}", *lines)]
        super().__init__(*lines, plugins="sqlite3[s]", folder=str(folder), **options)

    def totals(self, table="acct", path=None):
        rows = query(path or self.db, f"SELECT count(*), total(packets), total(bytes) FROM {table}")
        return tuple(int(n) for n in rows[0]) if rows else (0, 0, 0)

    def received(self):
        return self.counter("plugin_records")

    def spool(self):
        """(number, rows) of the purges that wait; rows stand at byte 56 of a segment."""
        folder = os.path.join(self.state, "s.spool")
        found = []
        for name in sorted(os.listdir(folder) if os.path.isdir(folder) else []):
            if name.endswith(".segment"):
                with contextlib.suppress(FileNotFoundError), open(os.path.join(folder, name), "rb") as f:
                    found.append((int(name[:16], 16), struct.unpack_from("=I", f.read(60), 56)[0]))
        return found


@pytest.fixture
def sqlite(tmp_path):
    started = []

    def start(*lines, **options):
        started.append(Sqlite(tmp_path, *lines, **options))
        return started[-1].up()

    os.chmod(tmp_path, 0o755)
    yield start
    for one in started:
        one.close()


def expected(hosts, times=1):
    return len(hosts), times * sum(map(packets, hosts)), times * sum(map(octets, hosts))


def expect(one, wanted, seconds=20, **where):
    eventually(lambda: one.totals(**where) == wanted, seconds, lambda: f"{wanted}, there are {one.totals(**where)}\n{one.log()[-3000:]}")


# --- totals ---

def test_a_database_by_default(sqlite, tmp_path):
    """`plugins: sqlite3` is enough: a database in the state directory, each flow with what was sent, over several purges."""
    one = sqlite(aggregate="src_host, dst_host, src_port, dst_port, proto, flows", environ={})
    sums = {}
    for seed in (1, 1, 2):
        one.send("--records", 3000, "--flows", 500, "--seed", seed, "--flows-out", tmp_path / "flows.csv")
        with open(tmp_path / "flows.csv", newline="", encoding="ascii") as f:
            for r in csv.DictReader(f):
                key = (r["SRC_IP"], r["DST_IP"], int(r["SRC_PORT"]), int(r["DST_PORT"]))
                sums[key] = tuple(a + int(r[c]) for a, c in zip(sums.get(key, (0, 0, 0)), ("PACKETS", "FLOWS", "BYTES")))
        time.sleep(1.1)
    assert one.end() == 0, one.log()
    rows = query(one.db, "SELECT ip_src, ip_dst, port_src, port_dst, packets, flows, bytes FROM acct")
    assert {row[:4]: row[4:] for row in rows} == sums and len(rows) == len(sums)
    assert one.log().count("Purging cache - END") >= 3 and not one.spool()
    assert stat.S_IMODE(os.stat(one.db).st_mode) & 0o077 == 0


@pytest.mark.parametrize("more", [[], ["sql_dont_try_update: true"]], ids=["upsert", "insert-only"])
def test_time_bins(sqlite, more):
    """Rows of a bin add up over purges, those of other bins, also late ones, stand apart."""
    one = sqlite("sql_history: 1m", "sql_history_roundoff: m", *more)
    noon = int(time.time()) // 86400 * 86400 - 43200
    for at in (noon, noon + 59, noon + 60, noon + 3600, noon + 30):
        send_hosts(one.port, 0, 600, at)
        time.sleep(0 if more else 1.1)
    eventually(lambda: one.received() == 3000, what=one.log)
    assert one.end() == 0
    got = query(one.db, "SELECT stamp_inserted, count(*), sum(packets), sum(bytes) FROM acct GROUP BY 1 ORDER BY 1")
    day = datetime.datetime.fromtimestamp(noon, datetime.timezone.utc).strftime("%Y-%m-%d")
    hosts = range(600)
    assert got == [(f"{day} 12:00:00", *expected(hosts, 3)), (f"{day} 12:01:00", *expected(hosts)), (f"{day} 13:00:00", *expected(hosts))]


# --- crashes ---

def purged(log):
    """Rows that the log says were in the spool."""
    return sum(int(line.split("QN: ")[1].split("/")[0]) for line in log.splitlines() if "Purging cache - END" in line)


def exact(one, sent):
    """Every host is there once with what it sent, or not at all. Returns how many are there."""
    rows = query(one.db, "SELECT ip_src, packets, bytes, flows FROM acct")
    wrong = [row for row in rows if sent.get(row[0]) != row[1:]]
    assert not wrong, f"{len(wrong)} rows are not what was sent, such as {wrong[:3]}"
    return len(rows)


def wait_for_segment(one, seconds):
    """Returns as soon as a purge is in the spool, or after so long."""
    until = time.monotonic() + seconds
    while not one.spool() and time.monotonic() < until:
        pass


def everything_at_once(one):
    """As when the power fails; returns the rows that were purged by then: in the database, or waiting for it."""
    family = one.family()
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in family:
            one.kill(number, pid)
    one.process.wait()
    one.gone()
    done = max([n for n, in query(one.db, "SELECT number FROM flowrib_spool")], default=0)
    return one.totals()[0] + sum(rows for number, rows in one.spool() if number > done)


@pytest.mark.parametrize("victim", ["plugin", "core", "all"])
def test_killed_at_any_moment(sqlite, victim):
    """What was purged is in the database once, whoever is killed and when; of a dead plugin only its memory is lost."""
    rnd, n = random.Random(victim), 1500
    one, sent, logged = sqlite(), {}, 0
    for turn in range(10):
        first, before = turn * n, one.received()
        send_hosts(one.port, first, n)
        sent.update({host(i): (packets(i), octets(i), 1) for i in range(first, first + n)})
        if victim == "core":  # what the kernel still has for a dead socket is nobody's
            eventually(lambda: one.received() == before + n, what=one.log)
        if turn % 2:
            wait_for_segment(one, 1.5)
            time.sleep(rnd.uniform(0, 0.015))
        else:
            time.sleep(rnd.uniform(0, 1.2))
        if victim == "plugin":
            pid = one.plugins()["s"]
            one.kill(signal.SIGKILL, pid)
            eventually(lambda: one.plugins().get("s") not in (None, pid), what=one.log)
            if turn % 3 != 2:  # one that keeps dying is started ever more slowly
                continue
            assert one.end() == 0
        elif victim == "core":
            one.kill(signal.SIGKILL)
            one.process.wait()
            one.gone(20)  # the plugins end in order when the core is gone
        else:
            must = everything_at_once(one)
        logged += purged(one.log())
        one = sqlite()
        if victim == "all":
            eventually(lambda: not one.spool(), what=one.log)
            assert exact(one, sent) == must
    assert one.end() == 0
    there = exact(one, sent)
    assert not one.spool() and n <= logged + purged(one.log()) <= there <= len(sent), one.log()[-3000:]
    if victim == "core":
        assert there == len(sent), one.log()[-3000:]


def test_spool_damaged_and_commit_unseen(sqlite, tmp_path):
    """A damaged purge is set aside and named, the others arrive; one whose COMMIT came through before a crash is not written again."""
    place = tmp_path / "later" / "traffic.db"
    keys = (f"sql_db: {place}", "sql_table_create: true")
    one = sqlite(*keys)
    for n in (1, 2):
        send_hosts(one.port, 300 * n, 300)
        eventually(lambda: sum(rows for _, rows in one.spool()) == 300 * n, what=one.log)
    assert everything_at_once(one) == 600
    folder = os.path.join(one.state, "s.spool")
    first, *rest = [f"{number:016x}" for number, _ in one.spool()]
    lost = one.spool()[0][1]
    with open(os.path.join(folder, first + ".segment"), "r+b") as f:
        f.seek(-9, os.SEEK_END)
        byte = f.read(1)
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte[0] ^ 1]))
    kept = {}
    for number in rest:
        with open(os.path.join(folder, number + ".segment"), "rb") as f:
            kept[number] = f.read()

    place.parent.mkdir()
    one = sqlite(*keys)
    eventually(lambda: one.totals(path=place)[0] == 600 - lost and not one.spool(), what=one.log)
    before = one.totals(path=place)
    assert os.path.exists(os.path.join(folder, first + ".bad")) and first in one.log()

    everything_at_once(one)  # as if it had been a moment earlier, when the files of the spool were there still
    for number, data in kept.items():
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, number + ".done"))
        with open(os.path.join(folder, number + ".segment"), "wb") as f:
            f.write(data)
    one = sqlite(*keys)
    eventually(lambda: not one.spool(), what=one.log)
    assert one.totals(path=place) == before and one.log().count("in the database already") == len(kept), one.log()
    send_hosts(one.port, 9000, 300)
    eventually(lambda: one.totals(path=place)[0] == before[0] + 300, what=one.log)


# --- databases that cannot be written ---

def test_locked_by_another_program(sqlite):
    """Collection goes on, the spool keeps what is purged, the log says why, and all arrives later."""
    one = sqlite()
    send_hosts(one.port, 0, 300)
    expect(one, expected(range(300)))
    with contextlib.closing(sqlite3.connect(one.db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        send_hosts(one.port, 300, 300)
        eventually(one.spool, what=one.log)
        send_hosts(one.port, 600, 300)
        eventually(lambda: sum(rows for _, rows in one.spool()) == 600, what=one.log)
        eventually(lambda: "another program holds the database" in one.log(), 25, one.log)
        assert one.totals()[0] == 300
        other.execute("ROLLBACK")
    expect(one, expected(range(900)), 40)
    assert not one.spool() and one.end() == 0


def test_a_directory_that_is_not_there(sqlite, tmp_path):
    """And an end while the database is away: the next start brings it all."""
    place = tmp_path / "missing" / "traffic.db"
    one = sqlite(f"sql_db: {place}", "sql_table_create: true")
    send_hosts(one.port, 0, 300)
    eventually(lambda: "sql_db must name a file" in one.log(), what=one.log)
    assert str(place) in one.log()
    send_hosts(one.port, 300, 300)
    eventually(lambda: one.received() == 600, what=one.log)
    assert one.end(seconds=30) == 0
    assert sum(rows for _, rows in one.spool()) == 600
    place.parent.mkdir()
    one = sqlite(f"sql_db: {place}", "sql_table_create: true")
    expect(one, expected(range(600)), path=place)


@contextlib.contextmanager
def tmpfs(folder, size):
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", folder], check=False).returncode != 0:
        pytest.skip("needs to mount a small tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def test_disk_full_and_read_only(sqlite, tmp_path):
    with tmpfs(tmp_path / "small", "2m") as small:
        place = small / "traffic.db"
        one = sqlite(f"sql_db: {place}", "sql_table_create: true")
        send_hosts(one.port, 0, 300)
        expect(one, expected(range(300)), path=place)
        with contextlib.suppress(OSError), open(small / "filler", "wb", buffering=0) as f:
            while True:
                f.write(bytes(4096))
        send_hosts(one.port, 300, 6000)
        eventually(lambda: "make room on the disk" in one.log(), what=one.log)
        assert one.spool() and one.runs()
        os.unlink(small / "filler")
        expect(one, expected(range(6300)), 40, path=place)
        eventually(lambda: not one.spool(), what=one.log)

        assert one.end() == 0
        subprocess.run(["mount", "-o", "remount,ro", small], check=True)
        one = sqlite(f"sql_db: {place}", "sql_table_create: true")
        send_hosts(one.port, 10000, 300)
        eventually(lambda: one.log().count("sql_db must name a file that this user may write"), what=one.log)
        assert sum(rows for _, rows in one.spool()) == 300
        subprocess.run(["mount", "-o", "remount,rw", small], check=True)
        expect(one, expected([*range(6300), *range(10000, 10300)]), 40, path=place)


def test_no_room_for_the_spool(sqlite, tmp_path):
    """What cannot be made safe stays in memory until it can, and the log says so."""
    with tmpfs(tmp_path / "state", "2m") as small:
        one = sqlite()
        send_hosts(one.port, 0, 300)
        expect(one, expected(range(300)))
        with contextlib.suppress(OSError), open(small / "filler", "wb", buffering=0) as f:
            while True:
                f.write(bytes(4096))
        send_hosts(one.port, 300, 6000)
        eventually(lambda: "the rows stay in memory" in one.log(), what=one.log)
        os.unlink(small / "filler")
        expect(one, expected(range(6300)), 40)
        assert one.end() == 0


def test_a_missing_column_is_named(sqlite, tmp_path):
    """The operator adds it, and what waited arrives."""
    place = tmp_path / "traffic.db"
    make_table(place, "CREATE TABLE acct (ip_src, ip_dst, ip_proto, packets, flows)")
    one = sqlite(f"sql_db: {place}", "sql_optimize_clauses: true")
    send_hosts(one.port, 0, 300)
    eventually(lambda: "bytes" in one.log() and "acct" in one.log() and "sql_table_create" in one.log(), what=one.log)
    make_table(place, "ALTER TABLE acct ADD COLUMN bytes")
    expect(one, expected(range(300)), 40, path=place)


# --- pmacct's tables and keys ---

def make_table(path, statement):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(statement)
        db.commit()


@pytest.mark.parametrize("history", [[], ["sql_history: 1d", "sql_history_roundoff: d"]], ids=["no-bins", "bins"])
@pytest.mark.parametrize("version", [1, 9])
def test_tables_of_pmacct(sqlite, tmp_path, version, history):
    """Rows go in, and a second purge adds to them."""
    place, table = tmp_path / "pmacct.db", "acct" if version == 1 else "acct_v9"
    make_table(place, V1 if version == 1 else V9)
    aggregate = "src_host, dst_host, src_port, dst_port, proto" + (", tag, src_as, flows" if version == 9 else "")
    one = sqlite(f"sql_db: {place}", f"sql_table_version: {version}", *history, aggregate=aggregate)
    noon = int(time.time()) // 86400 * 86400 - 43200
    for times in (1, 2):
        send_hosts(one.port, 0, 300, noon)
        expect(one, expected(range(300), times), table=table, path=place)
    assert query(place, f"SELECT DISTINCT ip_dst, ip_proto FROM {table}") == [("192.0.2.1", "udp")]
    if version == 9:
        assert query(place, "SELECT DISTINCT class_id, tag, as_src, flows FROM acct_v9") == [("unknown", 0, 0, 2)]
    if history:
        assert len(query(place, f"SELECT DISTINCT stamp_inserted FROM {table} WHERE stamp_updated > '2020'")) == 1


def test_a_table_a_day(sqlite, tmp_path):
    """sql_table with variables of time, made by sql_table_schema; a quote in a name stays a name."""
    schema, place = tmp_path / "schema.sql", tmp_path / "days.db"
    schema.write_text("CREATE TABLE IF NOT EXISTS \"it's_%Y%m%d\" (ip_src TEXT, ip_dst TEXT, ip_proto TEXT, packets INT, bytes INT, flows INT,\n"
                      "  stamp_inserted DATETIME, stamp_updated DATETIME, PRIMARY KEY (ip_src, ip_dst, ip_proto, stamp_inserted));\n")
    one = sqlite(f"sql_db: {place}", "sql_table: it's_%Y%m%d", f"sql_table_schema: {schema}", "sql_optimize_clauses: true",
                 "sql_history: 1h", "sql_history_roundoff: h")
    noon = int(time.time()) // 86400 * 86400 - 43200
    for days in (0, 1):
        send_hosts(one.port, 1000 * days, 300, noon - 86400 * days)
    for days in (0, 1):
        day = datetime.datetime.fromtimestamp(noon - 86400 * days, datetime.timezone.utc).strftime("%Y%m%d")
        expect(one, expected(range(1000 * days, 1000 * days + 300)), table=f"\"it's_{day}\"", path=place)


def test_trigger_runs_after_the_commit(sqlite, tmp_path):
    """The program finds the rows of the purge in the database."""
    program, out = tmp_path / "trigger", tmp_path / "seen"
    program.write_text(f"#!/bin/sh\nsqlite3 \"$SQL_DB\" \"SELECT count(*), '$SQL_TABLE', '$SQL_REFRESH_TIME' FROM acct\" >>{out} 2>&1\n")
    program.chmod(0o755)
    one = sqlite(f"sql_trigger_exec: {program}")
    send_hosts(one.port, 0, 300)
    eventually(lambda: out.exists() and out.read_text().endswith("\n"), what=one.log)
    seen = out.read_text().splitlines()
    assert seen[0].endswith("|acct|1") and 0 < int(seen[0].split("|")[0]) <= 300, seen
    assert one.end() == 0
    assert out.read_text().splitlines()[-1] == "300|acct|1"


def test_the_password_is_not_shown(tmp_path):
    conf = write_config(tmp_path / "c", ["nfacctd_port: 21999", "plugins: sqlite3", "aggregate: src_host", "sql_passwd: tr0ub4dor",
                                         f"state_dir: {tmp_path}"])
    done = subprocess.run([built("flowribd"), "--check", "-f", conf], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20,
                          env=environ(tmp_path), check=False)
    assert "sql_passwd" in done.stdout and "tr0ub4dor" not in done.stdout


def test_the_schema_is_printed(tmp_path):
    """The statements for all database plugins; a table made of them takes the rows, as its name with variables does."""
    conf = write_config(tmp_path / "c", ["nfacctd_port: 21999", "plugins: sqlite3[a], memory[m], sqlite3[b]", "aggregate[a]: src_host, as_path",
                                         "bgp_daemon: true", "bgp_daemon_id: 192.0.2.1", "aggregate[b]: dst_host, flows",
                                         "sql_history[b]: 5m", "sql_table[b]: day_%Y%m%d", f"state_dir: {tmp_path}"])
    done = subprocess.run([built("flowrib"), "sql-schema", "-f", conf], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20,
                          env=environ(tmp_path), check=False)
    assert done.returncode == 0, done.stdout
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.executescript(done.stdout)
        columns = {table: [(row[1], bool(row[5])) for row in db.execute(f"PRAGMA table_info('{table}')")] for table in ("acct", "day_%Y%m%d")}
    assert sorted(columns["acct"]) == [("as_path", True), ("bytes", False), ("ip_src", True), ("packets", False)]
    assert sorted(columns["day_%Y%m%d"]) == [("bytes", False), ("flows", False), ("ip_dst", True), ("packets", False),
                                             ("stamp_inserted", True), ("stamp_updated", False)]


def test_views():
    """The views load, and what they answer for a month of five-minute bins is what a calculation by hand has."""
    bins, start = 40, datetime.datetime(2026, 3, 1)
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE acct (peer_ip_src, iface_in, iface_out, peer_as_src, peer_as_dst, as_path, stamp_inserted, packets, bytes)")
        for i in range(bins):  # interface 1 in: 300, 600, ... bytes a bin; interface 9 in: one bin only
            at = str(start + datetime.timedelta(minutes=5 * i))
            db.execute("INSERT INTO acct VALUES ('r', 1, 2, 64496, 64497, '64497 64500', ?, 1, ?)", (at, 300 * (i + 1)))
        db.execute("INSERT INTO acct VALUES ('r', 9, 2, 64496, 64498, '64498', '2026-03-01 00:00:00', 1, 30000)")
        with open(os.path.join(TOP, "sql", "views-sqlite.sql"), encoding="ascii") as f:
            db.executescript(f.read())
        total = 300 * bins * (bins + 1) // 2
        assert sorted(db.execute("SELECT * FROM traffic_per_as_path")) == [("2026-03-01", "64497 64500", total, bins), ("2026-03-01", "64498", 30000, 1)]
        assert sorted(db.execute("SELECT * FROM traffic_per_peer_as")) == [
            ("2026-03-01", 64496, total + 30000, 0), ("2026-03-01", 64497, 0, total), ("2026-03-01", 64498, 0, 30000)]
        hours = dict(db.execute("SELECT hour, bytes FROM traffic_per_hour"))
        assert hours == {f"2026-03-01 {h:02}:00:00": sum(300 * (i + 1) for i in range(bins) if i // 12 == h) + (30000 if h == 0 else 0) for h in range(4)}
        # of 40 bins the two highest are left out: the third highest has 38 * 300 bytes in 300 s; interface 9 was idle in 39 of 40
        got = {row[:4]: row[4] for row in db.execute("SELECT * FROM interface_95th_percentile")}
        assert got == {("2026-03", "r", 1, "in"): 38 * 8, ("2026-03", "r", 9, "in"): 0, ("2026-03", "r", 2, "out"): 39 * 8}


# --- Debian's nfacctd on the same capture ---

def stored(program, folder, name, capture, lines):
    """The rows of table acct_v9 after a run over a capture."""
    place = folder / f"{name}.db"
    place.unlink(missing_ok=True)
    make_table(place, V9)
    conf = write_config(folder / f"{name}.conf", [f"pcap_savefile: {capture}", "plugins: sqlite3", f"sql_db: {place}", "sql_table_version: 9",
                                                  "sql_table: acct_v9", "sql_refresh_time: 3600", "plugin_pipe_size: 20000000",
                                                  "plugin_buffer_size: 20000", *([f"state_dir: {folder}/state"] if name == "flowrib" else []),
                                                  *lines])
    done = subprocess.run([program, "-f", conf], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=40,
                          cwd=folder, env=environ(folder), check=False)
    log = done.stdout.decode(errors="replace")
    assert "AddressSanitizer" not in log and "runtime error:" not in log, log[-4000:]
    columns = [row[1] for row in query(place, "PRAGMA table_info(acct_v9)") if row[1] != "stamp_updated"]
    return sorted(query(place, f"SELECT {', '.join(columns)} FROM acct_v9")), log


FULL = "tag, src_mac, dst_mac, vlan, src_host, dst_host, src_port, dst_port, tcpflags, proto, tos, src_as, dst_as, flows"


@pytest.mark.peer
@pytest.mark.parametrize("lines", [[f"aggregate: {FULL}"], ["aggregate: src_host, dst_host, proto, flows"],
                                   [f"aggregate: {FULL}", "sql_history: 1h", "sql_history_roundoff: h"],
                                   ["aggregate: dst_host, proto", "sql_optimize_clauses: true", "sql_num_protos: true", "sql_history: 5m",
                                    "sql_history_roundoff: h"]],
                         ids=["all", "few", "bins", "optimized"])
@pytest.mark.parametrize("capture", ["softflowd-v9", "edge-v9", "nfprobe-v5"])
def test_same_rows_as_nfacctd(tmp_path, capture, lines):
    """Every column but stamp_updated; flows that begin after their own export (nfprobe-v5) are 49.7 days late in 1.7.7, so no bins there."""
    if capture == "nfprobe-v5":
        lines = [line for line in lines if not line.startswith("sql_history")]
    source = os.path.join(CAPTURES, capture + ".pcap")
    for _ in range(5):  # on a busy machine its plugin may be told to end before it has read anything
        theirs, log = stored(peer("nfacctd"), tmp_path, "peer", source, lines)
        if theirs:
            break
    assert theirs, "the peer wrote nothing, so there is nothing to compare:\n" + log[-1500:]
    ours, log = stored(built("flowribd"), tmp_path, "flowrib", source, lines)
    missing, extra = set(theirs) - set(ours), set(ours) - set(theirs)
    assert ours == theirs, f"{len(theirs)} rows expected, {len(ours)} there\n- {sorted(missing)[:2]}\n+ {sorted(extra)[:2]}\n{log[-1000:]}"
