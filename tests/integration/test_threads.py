"""A session in which all threads meet: sources, the control thread, the metrics server. It means most in a build with
ThreadSanitizer (tests/tsan/run); a report of a sanitizer fails it in every build."""
import os
import signal
import subprocess
import threading
import urllib.request

import pytest

from conftest import ENVIRON, built, eventually, free_port, table_rows
from ops import Ops
from speaker import Speaker

pytestmark = pytest.mark.live


def test_session_of_all_threads(tmp_path):
    allow, networks = tmp_path / "allow", tmp_path / "networks"
    allow.write_text("127.0.0.0/8\n")
    networks.write_text("10.0.0.0/8\n10.1.0.0/16\n")
    port = free_port()
    one = Ops("nfacctd_threads: 2", f"metrics_listen: {port}", f"nfacctd_allow_file: {allow}", f"networks_file: {networks}",
              "nfacctd_templates_file: templates.json", "logfile: core.log", "aggregate[m]: src_net, dst_net, src_host, flows",
              "plugin_pipe_zmq[z]: true", plugins="memory[m], memory[z]")
    log = os.path.join(one.folder, "core.log")
    over = threading.Event()
    failed = []

    def scrape():
        while not over.wait(0.05):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read()
            except OSError as e:
                failed.append(e)
                return

    scraper = threading.Thread(target=scrape)
    try:
        eventually(lambda: os.path.exists(log) and "is up" in open(log, encoding="utf-8").read(), 40, lambda: one.log())
        eventually(lambda: os.path.exists(one.table), 40, "the table")
        scraper.start()
        load = subprocess.Popen([built("flowgen"), "--to", f"127.0.0.1:{one.port}", "--version", "10", "--records", "0", "--seconds", "6",
                                 "--rate", "20000", "--burst", "2", "--exporters", "8", "--template-every", "20"],
                                stdout=subprocess.PIPE, env=ENVIRON)
        for n in range(10):
            assert one.status()["plugins"] and one.control("metrics") and one.control("status text")
            allow.write_text("127.0.0.0/8\n" * (1 + n % 2))
            assert one.control("reload")
            one.kill([signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2][n % 3])
        old = one.plugins()["z"]
        one.kill(signal.SIGKILL, old)
        load.wait(30)
        eventually(lambda: one.plugins().get("z") not in (None, old), 20, "a new plugin behind ZeroMQ")
        before = one.counter("plugin_records", plugin="z")
        one.send("--version", 10, "--records", 60000, "--rate", 20000, "--burst", 2)
        eventually(lambda: one.counter("plugin_records", plugin="z") >= before + 60000, 15, "the plugin behind ZeroMQ keeps up")
        assert one.counter("queue_records", plugin="m") > 0
        one.kill(signal.SIGTERM)
        assert one.process.wait(30) == 0
    finally:
        over.set()
        if scraper.is_alive():
            scraper.join()
        one.close()
    assert len(failed) <= 1, failed  # the last one may meet the end


def test_correlation_while_routes_change(tmp_path):
    """Every flow gets a path that was announced, none of two mixed, while two source threads read what the BGP thread changes,
    and sessions come and go."""
    bgp, other = free_port(), free_port()
    one = Ops("nfacctd_threads: 2", "bgp_daemon: true", "bgp_daemon_ip: 127.0.0.1", f"bgp_daemon_port: {bgp}", "bgp_daemon_id: 192.0.2.254",
              f"bgp_daemon_lg: true\nbgp_daemon_lg_port: {other}", "nfacctd_as: bgp", "nfacctd_net: bgp",
              "aggregate[m]: src_as, dst_as, as_path, std_comm, peer_dst_ip, peer_dst_as, med", plugins="memory[m]")
    try:
        eventually(lambda: os.path.exists(one.table), 40, one.log)
        load = subprocess.Popen([built("flowgen"), "--to", f"127.0.0.1:{one.port}", "--version", "10", "--records", "0", "--seconds", "5",
                                 "--rate", "20000", "--burst", "2", "--exporters", "8", "--template-every", "20"],
                                stdout=subprocess.PIPE, env=ENVIRON)
        for number in range(3):
            with Speaker(bgp, source="127.0.1.1") as router:
                while load.poll() is None:
                    for k in range(200):
                        asn = 64500 + (number * 7 + k) % 11
                        router.announce(f"198.18.{k % 20 * 4}.0/{22 + k % 3}", f"192.0.2.{asn - 64499}", [asn, asn + 100], med=asn, comms=[f"{asn}:1"])
                    for k in range(10):
                        router.withdraw(f"198.18.{k * 4}.0/{22 + k % 3}")
                    if number < 2:
                        break
        load.wait(30)
        rows = table_rows(one.table)
        assert any(row["as_path"] for row in rows)
        for row in rows:
            if row["as_path"]:
                asn = row["peer_as_dst"]
                assert (row["as_path"], row["as_dst"], row["med"]) == (f"{asn}_{asn + 100}", asn + 100, asn), row
                assert (row["comms"], row["peer_ip_dst"]) == (f"{asn}:1", f"192.0.2.{asn - 64499}"), row
        one.kill(signal.SIGTERM)
        assert one.process.wait(30) == 0
    finally:
        one.close()
