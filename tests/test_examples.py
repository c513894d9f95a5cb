"""The examples are tests, run as their readers run them: each finds its mistake."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import languages
from echolab.engines.exact import engine
from echolab.judge import verdicts
from echolab.record import FAIL, PASS, Record
from echolab.resources import ROOT
from echolab.settings import Settings
from tests.needs import lacking

EXAMPLES = sorted(path.name for path in (ROOT / "examples").iterdir() if path.is_dir())

ELSEWHERE = ("maelstrom",)
"""Those that tests/maelstrom runs."""


@pytest.mark.parametrize(
    "name", [one for one in EXAMPLES if not one.startswith("_") and one not in ELSEWHERE]
)
def test_an_example_passes_mended_and_finds_its_mistake(name: str) -> None:
    lack = engine.lack(Settings.from_environment(os.environ))
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    plugins = ("-p", "no:echolab", "-p", "echolab.pytest_plugin", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "--lab-require", f"examples/{name}"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout


def test_every_example_is_told() -> None:
    page = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert [name for name in EXAMPLES if not name.startswith("_") and f"`{name}`" not in page] == []


# --- servers

CUT = "partition subscriber at 2 for 12"
"""It outlasts the keep-alive of the subscriber's connection."""


def perform(name: str, folder: Path, fault: str = "", **parameters: str) -> Record:
    """The record of a server's example; the captures are in the folder."""
    here = dataclasses.replace(Settings.from_environment(os.environ), folder=folder)
    if lack := engine.lack(here):
        lacking(f"{lack.what}; {lack.remedy}")
    server = languages.SERVERS[name]
    if server.lacks():
        lacking(f"{server.program} is not installed")
    given = dataclasses.replace(
        server, fault=fault or server.fault, parameters={**server.parameters, **parameters}
    )
    job = languages.serve(name, given, 1, ROOT)
    folder.mkdir(exist_ok=True)
    return verdicts.judge(engine.run(job, here, lambda line: None))


def messages(record: Record) -> dict[str, int]:
    """What the example with mosquitto counts of its messages."""
    (note,) = record.notes
    assert isinstance(note.value, dict)
    return {what: number for what, number in note.value.items() if isinstance(number, int)}


@pytest.mark.exact
@pytest.mark.slow
@pytest.mark.parametrize("name", languages.SERVERS)
def test_a_server_leaves_the_same_bytes_again(name: str, tmp_path: Path) -> None:
    folders = (tmp_path / "first", tmp_path / "second")
    first, second = (perform(name, folder) for folder in folders)
    assert first == second
    captures = sorted(path.name for path in folders[0].glob("*.pcap"))
    assert captures
    for capture in captures:
        assert (folders[0] / capture).read_bytes() == (folders[1] / capture).read_bytes(), capture


@pytest.mark.exact
@pytest.mark.parametrize(
    ("qos", "lost", "again"), [("0", True, False), ("1", False, True), ("2", False, False)]
)
def test_a_cut_loses_messages_of_quality_0_doubles_some_of_1_and_spares_2(
    qos: str, lost: bool, again: bool, tmp_path: Path
) -> None:
    record = perform("mosquitto", tmp_path, CUT, qos=qos, messages="200")
    figures = messages(record)
    assert figures["sent"] == 200
    assert (figures["lost"] > 0, figures["again"] > 0) == (lost, again), figures
    assert figures["arrived"] == figures["sent"] - figures["lost"] + figures["again"]
    claims = [claim.verdict for claim in record.claims]
    assert claims == [FAIL if lost else PASS, FAIL if again else PASS]


@pytest.mark.exact
@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_a_cut_shorter_than_the_keep_alive_is_repaired_by_tcp_alone(
    qos: str, tmp_path: Path
) -> None:
    record = perform("mosquitto", tmp_path, "partition subscriber at 2 for 1", qos=qos)
    assert messages(record) == {"sent": 80, "arrived": 80, "lost": 0, "again": 0}
    assert [claim.verdict for claim in record.claims] == [PASS, PASS]
