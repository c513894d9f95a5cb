"""Every scenario of the catalogue: its claims hold in virtual time, at defaults and beyond."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

import echolab
from echolab import resources
from echolab.job import Job
from echolab.record import Record
from echolab.runs import catalogue

PerformAll = Callable[[Sequence[Job]], list[Record]]

FOLDER = resources.ROOT / "scenarios"
FILES = sorted(FOLDER.glob("*.py"))
NAMES = [entry.scenario.name for entry in catalogue.every()]

WANTED = (
    "echo",
    "file",
    "latency",
    "loss",
    "burst",
    "reorder",
    "duplicate",
    "corrupt",
    "head-of-line",
    "rate",
    "asymmetric",
    "partition",
    "fragments",
    "backlog",
    "short-read",
    "refused",
    "nagle",
    "half-close",
    "contrast",
)

OTHERWISE: Sequence[tuple[str, dict[str, str]]] = (
    ("latency", {"delay": "0.2", "count": "10"}),
    ("loss", {"loss": "0.3", "count": "2000"}),
    ("loss", {"loss": "0.0", "count": "50"}),
    ("burst", {"loss": "0.2", "burst": "10"}),
    ("reorder", {"reorder": "0.5", "delay": "0.1"}),
    ("duplicate", {"duplicate": "0.5"}),
    ("corrupt", {"corrupt": "0.3", "size": "100"}),
    ("head-of-line", {"lost": "2", "delay": "0.1"}),
    ("asymmetric", {"there": "0.1", "back": "0.0", "loss": "0.5"}),
    ("partition", {"cut": "3.0"}),
    ("fragments", {"loss": "0.1"}),
    ("backlog", {"backlog": "2", "busy": "1.5", "clients": "6"}),
    ("short-read", {"size": "60000"}),
    ("nagle", {"delay": "0.05"}),
)
"""Scenarios with parameters other than the defaults: the theory must follow them."""


def not_passed(record: Record) -> list[str]:
    """What did not pass of a record: claims and proofs, in words."""
    checks = [f"{check.name}: {check.why}" for check in record.checks]
    claims = [f"{claim.text}: {claim.seen}: {claim.why}" for claim in record.claims]
    verdicts = [check.verdict for check in record.checks]
    verdicts += [claim.verdict for claim in record.claims]
    return [
        line
        for line, verdict in zip([*checks, *claims], verdicts, strict=True)
        if verdict not in ("pass", "not applicable")
    ]


@pytest.fixture(scope="module")
def defaults(perform_all: PerformAll, jobs: Callable[..., Iterator[Job]]) -> Mapping[str, Record]:
    """The record of every scenario at its defaults, by name."""
    every = [job for file in FILES for job in jobs(file, 20_001)]
    return {record.scenario: record for record in perform_all(every)}


@pytest.fixture(scope="module")
def changed(perform_all: PerformAll, jobs: Callable[..., Iterator[Job]]) -> Sequence[Record]:
    """The records of `OTHERWISE`."""
    every = [
        next(jobs(FOLDER / f"{name.replace('-', '_')}.py", 7, (name,), **given))
        for name, given in OTHERWISE
    ]
    return perform_all(every)


def test_the_catalogue_has_a_scenario_for_each_sentence() -> None:
    assert set(WANTED) <= set(NAMES)


@pytest.mark.exact
@pytest.mark.parametrize("name", NAMES)
def test_every_claim_holds_in_virtual_time(defaults: Mapping[str, Record], name: str) -> None:
    assert defaults[name].claims
    assert not_passed(defaults[name]) == []


@pytest.mark.exact
@pytest.mark.parametrize("name", NAMES)
def test_theory_of_a_time_is_told_in_milliseconds_as_the_time_is(
    defaults: Mapping[str, Record], name: str
) -> None:
    for claim in defaults[name].claims:
        if claim.unit == "s" and isinstance(claim.theory, str):
            assert re.search(r"\d ms\b", claim.theory), claim
            assert not re.search(r"\d s\b", claim.theory), claim


@pytest.mark.exact
@pytest.mark.parametrize("number", range(len(OTHERWISE)))
def test_theory_follows_the_parameters(changed: Sequence[Record], number: int) -> None:
    assert changed[number].scenario == OTHERWISE[number][0]
    assert not_passed(changed[number]) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_scenario_is_read_in_a_minute(file: Path) -> None:
    """at most 100 lines without its docstring, and nothing of ours but the public names."""
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)
    docstring = tree.body[0]
    assert ast.get_docstring(tree) and docstring.end_lineno
    assert len(text.splitlines()) - docstring.end_lineno <= 100
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("echolab"):
            assert node.module == "echolab"
            assert {name.name for name in node.names} <= set(echolab.__all__)
        elif isinstance(node, ast.Import):
            assert not any(name.name.startswith("echo") for name in node.names)


@pytest.mark.parametrize("entry", catalogue.every(), ids=lambda entry: entry.scenario.name)
def test_a_scenario_tells_its_sentence_and_what_to_expect(entry: catalogue.Entry) -> None:
    assert entry.scenario.sentence
    assert entry.scenario.expect
    assert entry.scenario.summary
