"""A lab opened in any program: what it gives, that it repeats, and that nothing of it stays."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import dpkt
import pytest

import echolab
from echolab import BadInput, CannotRun, Lab, Link, OpenLab
from echolab.engines import registry
from echolab.engines.exact import engine
from echolab.library import opening
from echolab.record import FAIL, PASS, Record
from echolab.record.format import dump
from echolab.resources import COMPOSE
from echolab.runs import catalogue, execute, plan
from echolab.runs.folders import read
from echolab.settings import Settings
from tests.needs import lacking


@pytest.fixture(autouse=True)
def settings() -> Settings:
    found = Settings.from_environment(os.environ)
    lack = engine.lack(found)
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    return found


def converse(lab: Lab, think: Callable[[], None] = lambda: None) -> None:
    """Some of each: links, traffic, programs, a fault, a claim."""
    lab.shape("client", Link(delay=0.02, loss=0.2))
    think()
    probe = lab.probe("client", "server", count=30)
    think()
    lab.run("client", ["python3", "-c", "import os; print(os.urandom(4).hex())"])
    lab.kill("server")
    think()
    lab.restart("server")
    lab.clear("client")
    stream = lab.probe("client", "server", "tcp", count=10)
    lab.expect_all("messages arrived", stream.answered, 10)
    lab.expect("some datagrams did", probe.delivered > 0)


def repeatable(record: Record) -> Record:
    """A record without what two runs may differ in."""
    return dataclasses.replace(record, wall_seconds=None, started=None, compose=None, script=None)


def test_a_lab_is_what_scenarios_hold_and_its_record_is_judged() -> None:
    with echolab.open("exact", seed=7) as lab:
        assert isinstance(lab, Lab)
        converse(lab)
    record = lab.record()
    assert [claim.verdict for claim in record.claims] == [PASS, PASS]
    assert {check.name: check.verdict for check in record.checks}["conservation"] == PASS
    assert (record.engine, record.seed, record.scenario) == ("exact", 7, "lab")
    assert record.guest_kernel is not None and record.versions.tc


def test_results_repeat_to_the_byte_however_slow_the_caller_is() -> None:
    def recorded(think: Callable[[], None]) -> Record:
        with echolab.open("exact", seed=7) as lab:
            converse(lab, think)
        return lab.record()

    quick, slow = recorded(lambda: None), recorded(lambda: time.sleep(0.2))
    assert len(quick.captures) == 4
    assert repeatable(quick) == repeatable(slow)
    assert quick.probes[0].lost > 0


SCRIPT = """
from echolab import Lab, Link, scenario

@scenario(measured=True)
def same(lab: Lab) -> None:
    lab.shape("client", Link(delay=0.02, loss=0.2))
    lab.probe("client", "server", count=30)
    lab.shape("client", Link(delay=0.02))
    lab.probe("client", "server", "tcp", count=10)
"""
# The stream loses nothing: TCP's timers count milliseconds, and some ns can make one a tick later.


def packets(capture: Path) -> list[tuple[float, bytes]]:
    """The packets of a capture, each with its time."""
    with capture.open("rb") as file:
        return list(dpkt.pcap.Reader(file))


def test_a_scenario_gives_the_same_packets_as_the_same_lines_in_a_program(
    settings: Settings, tmp_path: Path
) -> None:
    """To the microsecond: how the engine comes to do it costs no lab time, but for some ns."""
    script = tmp_path / "same.py"
    script.write_text(SCRIPT)
    entries = catalogue.find([str(script)])
    planned = plan.plan(entries, {}, compose=None, seed=7, capture=True)
    exact = registry.load("exact")
    (run,) = execute.execute(planned, exact, tmp_path / "runs", settings, lambda line: None)
    assert run.record is not None and run.folder is not None
    with echolab.open("exact", seed=7) as lab:
        entries[0].scenario.function(lab)
    assert len(run.record.captures) == 4
    for capture in run.record.captures:
        there, here = packets(run.folder / capture.file), packets(lab.out / capture.file)
        assert [len(packet) for _, packet in there] == [len(packet) for _, packet in here]
        assert all(abs(a - b) < 1e-6 for (a, _), (b, _) in zip(there, here, strict=True))


def test_a_lab_that_has_ended_says_so_and_keeps_its_record() -> None:
    with echolab.open("exact", capture=False) as lab:
        pass
    assert lab.record() is lab.record()
    with pytest.raises(BadInput, match="the lab has ended"):
        lab.run("client", ["true"])
    lab.close()


def test_a_lab_that_was_closed_has_no_record() -> None:
    lab = echolab.open("exact", capture=False)
    lab.close()
    with pytest.raises(BadInput, match="was closed"):
        lab.record()


def test_what_led_to_an_exception_is_in_the_record() -> None:
    with (
        pytest.raises(ZeroDivisionError),
        echolab.open("exact", capture=False, name="divides") as lab,
    ):
        lab.probe("client", "server", count=3)
        _ = 1 / 0
    assert lab.record().probes[0].count == 3
    assert lab.record().scenario == "divides"


def test_a_claim_that_does_not_hold_fails_the_record() -> None:
    with echolab.open("exact", capture=False) as lab:
        lab.expect("it is so", False)
    assert lab.record().verdict == FAIL


def test_a_run_that_is_to_be_kept_is_a_run_like_any_other(tmp_path: Path) -> None:
    with echolab.open("exact", out=tmp_path, name="kept") as lab:
        lab.probe("client", "server", count=3)
    assert lab.out.parent == tmp_path and lab.out.name.endswith("-kept-exact")
    assert dump(read(lab.out)) == dump(lab.record())
    page = lab.report().save(tmp_path / "page.html")
    assert "<h1" in page.read_text(encoding="utf-8")


def test_a_run_that_is_not_kept_is_gone_with_its_lab() -> None:
    with echolab.open("exact") as lab:
        folder = lab.out
    assert list(folder.glob("*.pcap"))
    del lab
    gc.collect()
    assert not folder.exists()


CALLER = """
import echolab, sys
lab = echolab.open("exact")
print(lab.out, flush=True)
if sys.argv[1] == "waits":
    sys.stdin.read()
"""


def test_a_killed_programs_folder_is_gone_when_the_next_lab_opens() -> None:
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER, "waits"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert caller.stdin and caller.stdout
    with caller.stdin, caller.stdout:
        folder = Path(caller.stdout.readline().strip())
        with echolab.open("exact", capture=False):
            assert folder.exists()
        caller.kill()
        caller.wait()
    with echolab.open("exact", capture=False):
        assert not folder.exists()


def test_a_program_that_ends_without_closing_its_lab_leaves_nothing() -> None:
    words = [sys.executable, "-c", CALLER, "ends"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    assert not Path(done.stdout.strip()).exists()


def test_a_lab_outlives_the_thread_that_opened_it() -> None:
    labs: list[OpenLab] = []
    opener = threading.Thread(target=lambda: labs.append(echolab.open("exact", capture=False)))
    opener.start()
    opener.join()
    with labs[0] as lab:
        assert lab.probe("client", "server", count=3).delivered == 3


def test_a_guest_that_breaks_down_is_told_by_whatever_is_asked_next() -> None:
    with (
        pytest.raises(CannotRun, match="no lab time passed"),
        echolab.open("exact", capture=False, limit=2.0) as lab,
    ):
        lab.run("client", ["python3", "-c", "while True: pass"])
    with pytest.raises(CannotRun):
        lab.record()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"engine": "exactly"}, "there is no engine 'exactly'"),
        ({"compose": "absent.yaml"}, "absent.yaml"),
    ],
)
def test_what_cannot_be_used_is_named(given: dict[str, str], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        echolab.open(**{"engine": "exact", **given})  # type: ignore[arg-type]


def test_hosts_see_the_folders_that_are_named(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir(mode=0o755)
    (given / "text").write_text("seen")
    with echolab.open("exact", capture=False, folders=[given]) as lab:
        assert lab.run("client", ["cat", str(given / "text")]).stdout == "seen"


def test_hosts_without_an_echo_service_have_no_baseline(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(
        "services:\n"
        "  a: {image: echolab-host, command: [sleep, infinity]}\n"
        "  b: {image: echolab-host, x-echolab: idle}\n"
    )
    with echolab.open("exact", compose=file) as lab:
        lab.shape("b", Link(delay=0.01))
        assert lab.now() < 6
    assert lab.record().baseline == ()


def test_everything_shows_itself_in_a_notebook() -> None:
    with echolab.open("exact") as lab:
        lab.shape("client", Link(loss=0.3))
        probe = lab.probe("client", "server", count=20)
    for shown in (probe, lab.story(), lab.report()):
        text = shown._repr_html_()  # type: ignore[union-attr]
        assert text.startswith("<iframe srcdoc=") and "&lt;svg" in text
    assert "(message " in str(lab.story())


def test_the_loop_goes_on_while_a_verb_is_awaited() -> None:
    async def watch() -> tuple[int, int]:
        with echolab.open("exact", capture=False) as lab:
            awaited = echolab.AsyncLab(lab)
            turns = 0

            async def turn() -> None:
                nonlocal turns
                while True:
                    await asyncio.sleep(0.001)
                    turns += 1

            beside = asyncio.create_task(turn())
            program = await awaited.start("client", ["sleep", "5"])
            probe = await awaited.probe("client", "server", count=200)
            ended = await awaited.wait(program)
            beside.cancel()
            assert ended.status == 0
            return probe.delivered, turns

    delivered, turns = asyncio.run(watch())
    assert delivered == 200
    assert turns > 10


@pytest.mark.docker
def test_a_lab_opens_on_containers(tmp_path: Path) -> None:
    lack = registry.load("docker").lack(Settings.from_environment(os.environ))
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    with echolab.open("docker", compose=COMPOSE) as lab:
        lab.shape("client", Link(delay=0.01))
        assert lab.probe("client", "server", count=5).delivered == 5
    assert lab.record().versions.docker


def test_a_lab_opens_in_namespaces_of_this_kernel() -> None:
    """Unshaped and uncaptured, since the kernel need not have netem and dummy devices here."""
    if os.geteuid() != 0:
        lacking("network namespaces need root")
    script = """
        import sys
        from echolab.engines.namespaces import engine
        from echolab.library import opening
        engine.lack = lambda settings: None
        with opening.open("namespaces", capture=False) as lab:
            print(lab.probe("client", "server", count=5).delivered)
            print(lab.host("client").check_output("hostname"))
            lab.kill("server")
            lab.restart("server")
        print(lab.record().engine)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stderr == ""
    assert done.stdout.split() == ["5", "client", "namespaces"]


def test_opening_reads_the_compose_files_variables(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(
        "services:\n  alice:\n    image: echolab-host\n    x-echolab: idle\n"
        "    environment: {COLOUR: '${COLOUR}'}\n"
    )
    with opening.open("exact", compose=file, capture=False, environment={"COLOUR": "red"}) as lab:
        assert lab.run("alice", ["printenv", "COLOUR"]).stdout == "red\n"
