"""Chance belongs to links and programs: nothing else that a run does changes what they meet."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import operator
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from echolab import resources
from echolab.engines.exact import engine
from echolab.job import Job
from echolab.record import Record
from echolab.runs import catalogue
from echolab.settings import Settings
from tests.needs import lacking

pytestmark = pytest.mark.exact

SCRIPT = '''"""Scenarios that draw by chance in every way that the lab knows."""

from echolab import Lab, Link, scenario

DRAWS = """
import os, socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.sendto(os.urandom(16), ("server", 7))
    s.recv(64)
print(socket.if_nameindex())
"""

POLLS = """
import socket, time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.setblocking(False)
    s.bind(("", 4000))
    end, looks = time.monotonic() + 5, 0
    while time.monotonic() < end:
        looks += 1
        try:
            s.recv(64)
        except BlockingIOError:
            pass
print(looks)
"""


@scenario(baseline=False)
def draws(lab: Lab, trace: bool = False, noise: bool = False) -> None:
    lab.shape("client", Link(delay=0.01, jitter=0.005, loss=0.1, duplicate=0.05, corrupt=0.05))
    if noise:
        lab.run("server", ["dd", "if=/dev/urandom", "of=/dev/null", "bs=64", "count=100"])
    lab.sleep(1.0 - lab.now())
    drew = lab.run("client", ["python3", "-c", DRAWS], trace=trace, timeout=2.0)
    lab.expect("its devices", True, seen=drew.stdout)
    lab.sleep(4.0 - lab.now())
    probe = lab.probe("client", "server", count=80, interval=0.01)
    lost = [one.number for one in probe.exchanges if one.fate == "lost"]
    lab.expect("numbers lost", True, seen=lost)


@scenario(baseline=False, measured=False)
def polls(lab: Lab) -> None:
    ended = lab.run("client", ["python3", "-c", POLLS])
    lab.expect_equal("it ended by itself", ended.status, 0)
    lab.expect_time("after five seconds", ended.ended - ended.started, 5.0, within=0.05)


@scenario(baseline=False)
def halves(lab: Lab, count: int = 1) -> None:
    for host in ("client", "server") * 2:
        lab.shape(host, Link(loss=0.5))
        lab.probe("client", "server", count=count, interval=0.001, timeout=0.1)
        lab.clear(host)


@scenario(baseline=False, measured=False)
def stamps(lab: Lab, program: str = "") -> None:
    ended = lab.run("client", [program])
    lab.expect("time stamps of the processor", ended.status == 0, seen=ended.stdout)
'''

HALVES = 1000

COUNTER = """
#include <stdio.h>
#include <unistd.h>
#include <x86intrin.h>
int main(void)
{
    unsigned long long before = __rdtsc();
    usleep(10000);
    printf("%llu %llu", before, __rdtsc() - before);
    return 0;
}
"""

Perform = Callable[..., dict[str, str]]


def settings() -> Settings:
    """Where runs go here, if the engine can run."""
    here = Settings.from_environment(os.environ)
    lack = engine.lack(here)
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    return here


@pytest.fixture
def perform(tmp_path: Path) -> Perform:
    """Performs a scenario of the script and returns a digest of each of its captures.

    Under the name `claims` stand the texts of what its claims saw.
    """
    here = settings()
    count = iter(range(100))

    def run(
        name: str, *, at: str = ".", capture: bool = True, seed: int = 5, **given: str
    ) -> dict[str, str]:
        script = tmp_path / at / "chance.py"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(SCRIPT, encoding="utf-8")
        entry = next(one for one in catalogue.find([str(script)]) if one.scenario.name == name)
        hosts = catalogue.topology(resources.COMPOSE)
        job: Job = catalogue.job(entry, hosts, given, seed, capture=capture)
        folder = tmp_path / f"run-{next(count)}"
        folder.mkdir()
        record = engine.run(job, dataclasses.replace(here, folder=folder), lambda line: None)
        digests = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.glob("*.pcap"))
        }
        seen = [(claim.seen, claim.holds) for claim in record.claims]
        return {**digests, "claims": repr(seen)}

    return run


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(perform: Perform) -> None:
    first = perform("draws")
    assert len(first) == 5
    assert perform("draws") == first
    other = perform("draws", seed=6)
    assert all(other[name] != first[name] for name in first if name.startswith("client"))


def test_the_folder_of_a_script_changes_nothing(perform: Perform) -> None:
    assert perform("draws", at="much/deeper/than before/ünd elsewhere") == perform("draws")


def test_captures_change_nothing(perform: Perform) -> None:
    assert perform("draws", capture=False)["claims"] == perform("draws")["claims"]


def test_tracing_a_program_changes_no_byte_that_it_sends(perform: Perform) -> None:
    if shutil.which("strace") is None:
        lacking("strace is missing")
    assert perform("draws", trace="true") == perform("draws")


def test_what_another_host_draws_changes_no_packets_fate(perform: Perform) -> None:
    assert perform("draws", noise="true")["claims"] == perform("draws")["claims"]


def test_links_draw_independently_of_each_other(tmp_path: Path) -> None:
    """In both directions, each shaped twice, with two neighbouring seeds: also what is shifted.

    A correlation of independent draws has a standard deviation of the root of 1/n. Some 300 are
    compared, so that one of five is more than chance gives (about one in 5,000 by chance).
    """
    here = settings()
    path = tmp_path / "chance.py"
    path.write_text(SCRIPT, encoding="utf-8")
    entry = next(one for one in catalogue.find([str(path)]) if one.scenario.name == "halves")
    hosts, given = catalogue.topology(resources.COMPOSE), {"count": str(HALVES)}
    jobs = [catalogue.job(entry, hosts, given, seed, capture=False) for seed in (5, 6)]
    results = engine.run_all(jobs, dataclasses.replace(here, folder=tmp_path), lambda line: None)
    links = [
        [1 if exchange.fate == "lost" else -1 for exchange in probe.exchanges]
        for record in results
        if isinstance(record, Record)
        for probe in record.probes
    ]
    assert [len(link) for link in links] == [HALVES] * 8
    assert all(abs(sum(link)) < 5 * HALVES**0.5 for link in links)
    correlations = [
        sum(map(operator.mul, one[lag:], other)) / (HALVES - lag) ** 0.5
        for one, other in itertools.permutations(links, 2)
        for lag in range(6)
    ]
    assert max(map(abs, correlations)) < 5


def test_a_program_that_polls_gets_on_and_repeats(perform: Perform) -> None:
    first = perform("polls")
    assert "False" not in first["claims"]
    assert perform("polls") == first


def test_the_time_stamp_counter_tells_lab_time(perform: Perform, tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        lacking("gcc is missing")
    source = tmp_path / "counter.c"
    source.write_text(COUNTER, encoding="utf-8")
    program = Path("/usr/local/bin") / f"echolab-{tmp_path.name}"
    subprocess.run(["gcc", "-O1", "-o", program, source], check=True, timeout=60)
    try:
        first = perform("stamps", program=str(program))
        assert perform("stamps", program=str(program)) == first
    finally:
        program.unlink()
    _, _, waited = first["claims"].partition(" ")
    assert 10_000_000 <= int(waited.partition("'")[0]) < 10_100_000
