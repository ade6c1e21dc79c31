"""What `make install` puts in place: programs, names, pages, the unit."""
import os
import re
import shutil
import subprocess

import pytest

from conftest import BUILD, ENVIRON, TOP, built

PAGES = [f"{BUILD}/docs/man/flowribd.8", f"{BUILD}/docs/man/flowrib.conf.5", f"{TOP}/docs/man/flowrib.1"]


def run(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
                          **{"env": ENVIRON, **options})


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
@pytest.mark.parametrize("page", PAGES, ids=os.path.basename)
def test_manual_page_has_no_faults(page):
    done = run("mandoc", "-T", "lint", "-W", "warning", page)
    assert done.returncode == 0 and not done.stdout, done.stdout


@pytest.mark.parametrize("question", [["help"], ["-h"]], ids=["commands", "pmacct"])
def test_client_page_names_every_option(question):
    """Help and manual page tell of the same options and commands."""
    with open(PAGES[2], encoding="utf-8") as f:
        page = f.read()
    text = run(built("flowrib"), *question).stdout
    options = {o for o in re.findall(r"(?<![\w-])(-{1,2}[A-Za-z0-9][a-z-]*)", "\n".join(line for line in text.splitlines()
                                                                               if line.startswith("  -") or line.startswith("      --")))}
    assert len(options) > 10
    for option in options:
        flag = option[1:]
        assert re.search(rf"^\.It Fl (.*[ ,])?{re.escape(flag)}( |$)", page, re.M) or f"Fl {flag}" in page, option
    for command in re.findall(r"^  ([a-z]+) ", text, re.M):
        assert re.search(rf"^\.It Cm {command}( Ar .*)?$", page, re.M) or command == "flowrib", command


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_unit_is_valid(tmp_path):
    with open(f"{BUILD}/docs/systemd/flowribd.service", encoding="utf-8") as f:
        unit = f.read()
    assert "@" not in unit
    fixed = re.sub(r"^ExecStart=\S+", f"ExecStart={built('flowribd')}", unit, flags=re.M)
    (tmp_path / "flowribd.service").write_text(fixed)
    done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(tmp_path / "flowribd.service"))
    assert done.returncode == 0 and not done.stdout, done.stdout


def test_install_and_uninstall(tmp_path):
    """Into a folder of its own; uninstalling leaves no file."""
    done = run("make", "-s", "-C", BUILD, "install", f"DESTDIR={tmp_path}/d")
    assert done.returncode == 0, done.stdout[-2000:]
    files = {name: os.path.join(folder, name) for folder, _, names in os.walk(tmp_path / "d") for name in names}
    assert {"flowribd", "flowrib", "flowribd.8", "flowrib.1", "flowrib.conf.5", "flowribd.service", "flowrib.conf"} <= set(files)
    assert run(files["flowribd"], "--version").stdout.startswith("flowribd ")
    assert "example" in files["flowrib.conf"]
    done = run("make", "-s", "-C", BUILD, "uninstall", f"DESTDIR={tmp_path}/d")
    assert done.returncode == 0, done.stdout[-2000:]
    assert not [names for _, _, names in os.walk(tmp_path / "d") if names]


def test_names_of_pmacct(tmp_path):
    """A link's name decides how an unknown key is taken, and which options the client has."""
    (tmp_path / "nfacctd").symlink_to(built("flowribd"))
    (tmp_path / "pmacct").symlink_to(built("flowrib"))
    conf = tmp_path / "c"
    conf.write_text("nfacctd_port: 2100\nplugins: memory\nno_such_key: 1\n")
    strict, lenient = run(built("flowribd"), "--check", "-f", str(conf)), run(str(tmp_path / "nfacctd"), "--check", "-f", str(conf))
    assert strict.returncode == 1 and f"{conf}:3" in strict.stdout
    assert lenient.returncode == 0 and "no_such_key" in lenient.stdout
    assert run(str(tmp_path / "pmacct"), "-h").stdout.startswith("Usage: pmacct")
