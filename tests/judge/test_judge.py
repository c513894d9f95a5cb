"""The judge as a pure function: what it finds in a record that was changed, and how it counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab import resources
from echolab.job import Job
from echolab.judge import verdicts
from echolab.record import Record
from echolab.record.format import plain, read

PerformAll = Callable[[Sequence[Job]], list[Record]]


@given(of=st.integers(1, 1000), data=st.data())
def test_a_wilson_interval_holds_what_was_seen(of: int, data: st.DataObject) -> None:
    seen = data.draw(st.integers(0, of))
    low, high = verdicts.wilson(seen, of)
    assert 0 <= low <= seen / of + 1e-12
    assert seen / of - 1e-12 <= high <= 1


@pytest.fixture(scope="module")
def record(perform_all: PerformAll, jobs: Callable[..., Iterator[Job]]) -> Record:
    """A real record of the scenario `loss`."""
    path = resources.ROOT / "scenarios" / "loss.py"
    return perform_all(tuple(jobs(path, 5, count="200")))[0]


def doubts(record: Record) -> set[str]:
    """The proofs that a record fails."""
    return {check.name for check in verdicts.judge(record).checks if check.verdict != "pass"}


def test_judging_again_changes_nothing(record: Record) -> None:
    assert record.verdict == "pass"
    assert verdicts.judge(record) == record
    assert doubts(record) == set()


def test_a_run_without_a_claim_is_inconclusive(record: Record) -> None:
    assert verdicts.judge(dataclasses.replace(record, claims=())).verdict == "inconclusive"


def change(record: Record, path: str, by: Callable[[Any], Any]) -> Record:
    """A copy of a record with one value changed, named as its JSON has it."""
    document: Any = plain(record)
    *way, last = path.split(".")
    place = document
    for step in way:
        place = place[int(step) if isinstance(place, list) else step]
    key = int(last) if isinstance(place, list) else last
    place[key] = by(place[key])
    return read(Record, document, path)


TAMPERED: Sequence[tuple[str, str, Callable[[Any], object]]] = (
    ("baseline", "baseline.0.lost", lambda lost: lost + 1),
    ("baseline", "baseline.0.duplicated", lambda twice: twice + 1),
    ("baseline", "baseline.0.latency_ms.median", lambda median: median + 10),
    ("read-back", "commands.-1.differs", lambda differs: ["loss: asked for 0.1, has 0.08"]),
    ("conservation", "counters.after.client.carried", lambda carried: carried - 1),
    ("conservation", "counters.after.client.dropped", lambda dropped: dropped + 1),
    ("conservation", "counters.after.server.ip_in", lambda received: received - 1),
    ("conservation", "counters.after.server.queued", lambda queued: queued + 1),
    ("link", "links.0.dropped", lambda dropped: dropped * 3),
    ("link", "links.0.dropped", lambda dropped: 0),
    ("clock", "probes.0.seconds", lambda seconds: seconds * 1.05),
    ("clock", "probes.0.seconds", lambda seconds: seconds * 0.95),
    ("account", "probes.0.delivered", lambda delivered: delivered + 1),
    ("account", "probes.0.exchanges", lambda exchanges: exchanges[:-1]),
    (
        "kernel counts",
        "probes.0.kernel",
        lambda k: {**k, "Udp.InDatagrams": k["Udp.InDatagrams"] - 1},
    ),
    ("kernel counts", "probes.1.retransmits", lambda retransmits: retransmits + 10_000),
)
"""The proof that must fail, the value that was tampered with, and how."""


@pytest.mark.exact
@pytest.mark.parametrize(("proof", "path", "by"), TAMPERED)
def test_a_tampered_record_is_inconclusive(
    record: Record, proof: str, path: str, by: Callable[[Any], object]
) -> None:
    tampered = change(record, path, by)
    assert proof in doubts(tampered)
    assert verdicts.judge(tampered).verdict == "inconclusive"


@pytest.mark.parametrize("name", ["seen", "theory"])
def test_a_claim_that_theory_does_not_bear_fails(record: Record, name: str) -> None:
    worse = {"seen": lambda seen: seen // 4, "theory": lambda theory: theory / 4}[name]
    assert record.claims[0].kind == "rate"
    assert verdicts.judge(change(record, f"claims.0.{name}", worse)).verdict == "fail"
