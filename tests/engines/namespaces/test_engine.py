"""The namespaces engine on this machine's own kernel, as root; links stay unshaped here."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from echolab.engines.namespaces import engine
from echolab.engines.registry import load
from echolab.errors import BadInput, CannotRun
from echolab.job import Job
from echolab.record.format import plain
from echolab.settings import Settings
from echolab.topology import Host, Topology

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")

PAIR = Topology((Host("server", ("python3", "-m", "echo_app.server")), Host("client", idle=True)))

SCRIPT = """
from echolab import scenario

@scenario(baseline=False)
def echoes(lab):
    for protocol in ("udp", "tcp"):
        lab.probe("client", "server", protocol, count=20, interval=0.001)
    print("said by the script")

@scenario(baseline=False)
def waits(lab):
    lab.run("client", ["sleep", "600"])

@scenario(baseline=False)
def missing(lab):
    lab.run("client", ["no-such-program"])
"""


def settings(folder: Path, wall_limit: float = 60.0) -> Settings:
    return Settings(folder, folder.parent / "cache", folder / "compose.yaml", wall_limit=wall_limit)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    path.mkdir()
    return path


def job(script: Path, name: str) -> Job:
    return Job(name, str(script), PAIR, seed=1, capture=False)


def processes(word: str) -> Iterator[int]:
    """The numbers of the processes whose command line has that word."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and word.encode() in (entry / "cmdline").read_bytes():
                yield int(entry.name)


def gone(word: str, within: float = 10.0) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if not list(processes(word)):
            return True
        time.sleep(0.02)
    return False


def test_what_is_lacking_is_told_with_what_mends_it(folder: Path) -> None:
    lack = load("namespaces").lack(settings(folder))
    assert lack is None or ("netem" in lack.what and lack.remedy)


def test_hosts_come_up_talk_and_are_gone_without_a_trace(script: Path, folder: Path) -> None:
    before = sorted(Path("/run").glob("echolab-*"))
    record = engine.run(job(script, "echoes"), settings(folder), lambda line: None)
    assert [probe.delivered for probe in record.probes] == [20, 20]
    assert record.engine == "namespaces" and record.kernel == os.uname().release
    assert record.printed == "said by the script\n"
    assert gone(str(folder))
    assert sorted(Path("/run").glob("echolab-*")) == before
    assert sorted(path.name for path in folder.iterdir()) == [engine.CONSOLE, "programs.log"]


def test_an_error_of_the_job_is_raised_as_what_it_is(script: Path, folder: Path) -> None:
    with pytest.raises(BadInput, match="no-such-program"):
        engine.run(job(script, "missing"), settings(folder), lambda line: None)


def test_the_wall_clock_limit_ends_everything(script: Path, folder: Path) -> None:
    with pytest.raises(CannotRun, match="client runs sleep 600"):
        engine.run(job(script, "waits"), settings(folder, wall_limit=2.0), lambda line: None)
    assert gone(str(folder))


OWNER = """
import json, sys
from pathlib import Path
from echolab.engines.namespaces import engine
from echolab.settings import Settings
from echolab.job import Job
from echolab.record.format import read
folder = Path(sys.argv[1])
here = Settings(folder=folder, cache=folder, compose=folder)
engine.run(read(Job, json.loads(sys.argv[2]), "the job"), here, print)
"""


def test_when_the_owner_is_killed_all_that_it_started_dies(script: Path, folder: Path) -> None:
    asked = json.dumps(plain(job(script, "waits")))
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(folder), asked])
    try:
        log = folder / "programs.log"
        until = time.monotonic() + 30
        while not (log.exists() and "sleep" in log.read_text()) and time.monotonic() < until:
            time.sleep(0.02)
        assert list(processes(str(folder)))
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    assert gone(str(folder))
    assert gone("sleep\0600")
