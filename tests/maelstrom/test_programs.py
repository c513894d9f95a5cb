"""Programs written for Maelstrom on their hosts: right ones pass, each mistake breaks its check.

All of them run one after the other in one guest.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from echolab.engines.exact import engine
from echolab.engines.persistent import PersistentLab
from echolab.job import Job
from echolab.judge import verdicts
from echolab.maelstrom import asked
from echolab.record import FAIL, Json, Record
from echolab.resources import ROOT
from echolab.runs import catalogue, plan
from echolab.schedule import Schedule, parse
from echolab.settings import Settings
from tests.needs import lacking

EXAMPLES = ROOT / "examples" / "maelstrom"

CUT = (parse("partition n1 at 1 for 2"),)

LOST = "nothing that was acknowledged is missing in the end"
SUM = "every node has the sum of what was added in the end"

WRITTEN = "every program runs on, and writes messages"


@dataclasses.dataclass(frozen=True)
class Case:
    """A workload on a program, with parameters and faults, and the claims that it breaks."""

    workload: str
    program: str
    breaks: tuple[str, ...] = ()
    given: Mapping[str, str] = dataclasses.field(default_factory=dict)
    schedule: Schedule = ()


BUSY = {"rate": "40"}

CASES = (
    Case("echo", "echo.py"),
    Case("echo", "echo.js"),
    Case("echo", "echo.sh"),
    Case("unique-ids", "unique_ids.py", (), {"rate": "200", "available": "total"}, CUT),
    Case(
        "unique-ids",
        "unique_ids_by_clock.py",
        ("no identifier is given twice",),
        {"rate": "200", "available": "total"},
    ),
    Case("broadcast", "broadcast.py", (), {"latency": "20ms", "available": "total"}, CUT),
    Case("broadcast", "broadcast_once.py", (LOST,), {}, CUT),
    Case("g-set", "g_set.py", (), {}, CUT),
    Case("g-counter", "counter.py", (), {}, CUT),
    Case("pn-counter", "counter.py", (), {"latency": "20ms", "distribution": "uniform"}, CUT),
    Case("pn-counter", "counter_seq_kv.py", (), BUSY),
    Case("g-counter", "counter_stale.py", (SUM,), BUSY),
    Case("lin-kv", "lin_kv.py", (), BUSY),
    Case("lin-kv", "lin_kv_cached.py", ("the store is linearizable",), BUSY),
    Case("kafka", "kafka.py", (), BUSY),
    Case(
        "kafka",
        "kafka_own_offsets.py",
        (
            "an offset has one message",
            "offsets grow within a poll, and from poll to poll",
        ),
        {**BUSY, "latency": "50ms"},
    ),
)

NEEDS = {".js": "node", ".sh": "bash"}

WRONG: Mapping[str, tuple[str, str]] = {
    "ends": ("raise SystemExit(7)", "ended by itself, with status 7"),
    "talks": ("print('hello', flush=True)", "not a message with dest and body: hello"),
    "long": (
        "print(json.dumps({'dest': 'n2', 'body': {'text': 'x' * 70000}}), flush=True)",
        "a datagram holds 65507",
    ),
}
"""What a program may do that no node must, and what is said of it."""


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asked.compose_file(3, tmp_path_factory.mktemp("hosts"))


def job_of(case: Case, compose: Path, program: Path) -> Job:
    others = {"time_limit": "4s", **case.given}
    given = asked.Asked(case.workload, program, (), others)
    given.check()
    (planned,) = plan.plan(
        catalogue.find(["maelstrom"]),
        plan.assignments(given.settings()),
        compose=compose,
        seed=1,
        capture=False,
    )
    return dataclasses.replace(planned.job, schedule=case.schedule)


@pytest.fixture(scope="module")
def lab(compose: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PersistentLab]:
    settings = Settings.from_environment(os.environ, compose)
    lack = engine.lack(settings)
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    settings = dataclasses.replace(settings, folder=tmp_path_factory.mktemp("lab"))
    job = job_of(CASES[0], compose, EXAMPLES / CASES[0].program)
    with engine.persistent_lab(job, settings, lambda line: None) as made:
        yield made


def broken(record: Record) -> list[str]:
    return [claim.text for claim in record.claims if claim.verdict == FAIL]


def statistics(record: Record) -> Mapping[str, Json]:
    (note,) = [note for note in record.notes if note.subject == "statistics"]
    assert isinstance(note.value, dict)
    return note.value


@pytest.mark.exact
@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case.program}-{'cut' if case.schedule else case.workload}"
)
def test_a_program_breaks_the_checks_of_its_mistake_and_no_other(
    case: Case, lab: PersistentLab, compose: Path
) -> None:
    program = EXAMPLES / case.program
    needed = NEEDS.get(program.suffix)
    if needed and shutil.which(needed) is None:
        lacking(f"{needed} is not installed")
    record = verdicts.judge(lab.perform(job_of(case, compose, program), "run"))
    assert broken(record) == list(case.breaks)
    operations = statistics(record)["operations"]
    assert isinstance(operations, dict) and len(operations) >= 1


@pytest.mark.exact
def test_messages_between_nodes_are_late_by_the_latency_and_counted(
    lab: PersistentLab, compose: Path
) -> None:
    """A tree of three has two edges, and a message crosses each once."""
    given = {"latency": "100ms", "topology": "tree2", "rate": "2"}
    case = Case("broadcast", "broadcast_once.py", (), given)
    record = lab.perform(job_of(case, compose, EXAMPLES / case.program), "run")
    figures = statistics(record)
    operations, messages = figures["operations"], figures["messages"]
    assert isinstance(operations, dict) and isinstance(messages, dict)
    sent = operations["broadcast"]
    assert isinstance(sent, dict) and isinstance(sent["latency_ms"], dict)
    assert messages["nodes"] == 2 * sent["count"]
    assert sent["latency_ms"]["max"] < 1  # the answer to a client is not


@pytest.mark.exact
def test_what_a_program_must_not_do_is_said(
    lab: PersistentLab, compose: Path, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    start = (EXAMPLES / "echo.py").read_text(encoding="utf-8").partition("    node.reply")[0]
    shutil.copy(EXAMPLES / "node.py", tmp_path)
    for name, (line, said) in WRONG.items():
        program = tmp_path / f"{name}.py"
        text = start.replace("from node", "import json\n\nfrom node")
        program.write_text(f"{text}    {line}\n\n\nnode.run()\n", encoding="utf-8")
        program.chmod(0o755)
        case = Case("echo", program.name, (), {"timeout": "100ms"})
        record = verdicts.judge(lab.perform(job_of(case, compose, program), "run"))
        (claim,) = [claim for claim in record.claims if claim.text == WRITTEN]
        assert claim.verdict == FAIL and said in str(claim.seen), name


@pytest.mark.exact
def test_a_program_that_does_not_answer_init_fails(
    lab: PersistentLab, compose: Path, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    program = tmp_path / "mute.sh"
    program.write_text("#!/bin/sh\nwhile read -r line; do :; done\n", encoding="utf-8")
    program.chmod(0o755)
    record = lab.perform(job_of(Case("echo", program.name), compose, program), "run")
    assert broken(verdicts.judge(record)) == ["every node is initialized"]
