"""The exact engine's host side: what a run leaves, and how a broken one is told."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from echolab.engines.exact import engine, spinning
from echolab.errors import CannotRun
from echolab.job import Job
from echolab.kernel import build
from echolab.settings import Settings
from echolab.topology import Host, Topology
from tests.needs import lacking

pytestmark = pytest.mark.exact

HOSTS = Topology((Host("server", idle=True), Host("client", idle=True)))

SCRIPT = '''"""Made for the tests."""
from echolab import Lab, scenario

@scenario(sentence="made", baseline=False)
def spin(lab: Lab) -> None:
    text = "n = 0\\nwhile True:\\n    n += 1"
    lab.run("client", ["python3", "-c", text])

@scenario(sentence="made", baseline=False)
def serve(lab: Lab) -> None:
    serves = "import socket; s = socket.create_server(('', 7)); c = s.accept()\\nwhile True: s = s"
    asks = "import socket; socket.create_connection(('server', 7)).recv(1)"
    lab.start("server", ["python3", "-c", serves])
    lab.until_listening("server", 7)
    lab.run("client", ["python3", "-c", asks])

@scenario(sentence="made", baseline=False)
def java(lab: Lab, folder: str = "") -> None:
    lab.run("client", ["java", "-Xint", "-XX:+UseSerialGC", "-cp", folder, "Spin"])

@scenario(sentence="made", baseline=False)
def fine(lab: Lab) -> None:
    lab.run("client", ["true"])
    lab.sleep(1000)

@scenario(sentence="made", baseline=False)
def dies(lab: Lab) -> None:
    import os, signal
    os.kill(os.getppid(), signal.SIGTERM)
    import ctypes
    ctypes.CDLL(None).reboot(0x4321FEDC)
'''

JAVA = """\
public class Spin {
    static int step(int n) {
        for (int i = 0; i < 5; i++)
            n = Math.abs(n - 1) + 1;
        return n;
    }
    static int kind(int n) {
        switch (n) {
            case 1: return 10;
            case 1000: return 20;
            default: return n;
        }
    }
    public static void main(String[] words) throws Exception {
        System.out.println("begun");
        int n = 7;
        while (n >= 0) {
            n = step(n);
            if (n == 5) continue;
            n = kind(n);
        }
    }
}
"""
"""Its endless loop begins at line 17. Inside of it there are a loop that ends, and calls."""


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    found = Settings.from_environment(os.environ)
    lack = engine.lack(found)
    if lack or not build.find(found.cache, found.kernel):
        lacking(f"the exact engine cannot run: {lack or 'its kernel is not built'}")
    folder = tmp_path / "run"
    folder.mkdir()
    return dataclasses.replace(found, folder=folder)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "made.py"
    file.write_text(SCRIPT)
    return file


def job(script: Path, name: str, *, capture: bool = False) -> Job:
    return Job(name, str(script), HOSTS, seed=1, capture=capture)


def test_lab_time_is_the_labs_and_takes_no_wall_time(here: Settings, script: Path) -> None:
    record = engine.run(job(script, "fine"), here, lambda line: None)
    assert record.lab_seconds == pytest.approx(1000, abs=1)


def test_what_a_run_leaves_belongs_to_the_caller(here: Settings, script: Path) -> None:
    engine.run(job(script, "fine", capture=True), here, lambda line: None)
    names = {file.name for file in here.folder.iterdir()}
    assert not names & {"request.json", "guest.json", ".guest"}
    assert any(name.endswith(".pcap") for name in names)
    assert {file.stat().st_uid for file in here.folder.iterdir()} == {os.getuid()}


@pytest.fixture
def caught(
    here: Settings, script: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], CannotRun]:
    """The error of a scenario whose Python program spins, found out sooner than otherwise."""

    def error(name: str) -> CannotRun:
        monkeypatch.setattr(spinning, "LIMIT", 6.0)
        monkeypatch.setattr(spinning, "AGAIN", 2.0)
        with pytest.raises(CannotRun) as found:
            engine.run(job(script, name), here, lambda line: None)
        return found.value

    return error


def test_a_program_that_spins_is_named_with_its_line_and_its_last_calls(
    here: Settings, caught: Callable[[str], CannotRun]
) -> None:
    error = caught("spin")
    assert str(error).startswith("python3 on client has computed for 6 s without a system")
    assert re.search(r"at line [23] of <string>", error.message)
    assert re.search(r"its last calls: .*close\(\d+\) = 0", error.message)
    assert "\n" not in str(error)
    assert {file.name for file in here.folder.iterdir()} == {"programs.log"}


def test_a_server_that_spins_is_named_and_not_the_client_that_waits_for_it(
    caught: Callable[[str], CannotRun],
) -> None:
    error = caught("serve")
    assert str(error).startswith("python3 on server has computed for 6 s without a system")
    assert "at line 2 of <string>" in error.message


@pytest.mark.skipif(not shutil.which("javac"), reason="javac is not installed")
def test_a_java_program_that_spins_is_named_with_the_line_of_its_loop(
    here: Settings, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spinning, "LIMIT", 6.0)
    classes = script.parent / "classes"
    classes.mkdir(mode=0o755)
    (classes / "Spin.java").write_text(JAVA)
    subprocess.run(["javac", "Spin.java"], cwd=classes, check=True, timeout=240)
    spins = dataclasses.replace(
        job(script, "java"), folders=(str(classes),), parameters={"folder": str(classes)}
    )
    with pytest.raises(CannotRun) as caught:
        engine.run(spins, here, lambda line: None)
    assert " on client has computed for 6 s without a system call, at line 17 of Spin.java, " in (
        caught.value.message
    )
    assert re.search(r'its last calls: .*write\(1, "begun\\n", 6\) = 6', caught.value.message)
    assert {file.name for file in here.folder.iterdir()} == {"programs.log"}


def test_a_guest_without_an_answer_is_a_failure(here: Settings, script: Path) -> None:
    with pytest.raises(CannotRun, match="without an answer"):
        engine.run(job(script, "dies"), here, lambda line: None)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for little more than the request."""
    if os.getuid() != 0:
        pytest.skip("a small file system can be mounted by root alone")
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(folder)]
    subprocess.run(mount, check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_clear_line(here: Settings, script: Path, small_disk: Path) -> None:
    full = dataclasses.replace(here, folder=small_disk)
    (small_disk / "filler").write_bytes(bytes(8192))
    with pytest.raises(CannotRun) as caught:
        engine.run(job(script, "fine", capture=True), full, lambda line: None)
    assert "\n" not in str(caught.value)
    assert "no space" in str(caught.value).lower() or "disk is full" in str(caught.value)
    assert {file.name for file in small_disk.iterdir()} <= {"filler", "programs.log"} | {
        file.name for file in small_disk.glob("*.pcap")
    }


def test_without_a_kernel_the_lack_names_the_tools(
    here: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "missing_tools", lambda: ("flex", "bison"))
    lack = engine.lack(dataclasses.replace(here, cache=tmp_path, kernel=None))
    assert lack is not None
    assert lack.remedy == "run: sudo apt-get install -y bison flex"
