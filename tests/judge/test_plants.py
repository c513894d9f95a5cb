"""The judge never passes a run whose link, clock or probe was tampered with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from echolab.job import Job
from echolab.record import Record
from echolab.scenario import script

pytestmark = pytest.mark.exact

PLANTS = Path(__file__).with_name("plants.py")
NAMES = [scenario.name for scenario in script.load(PLANTS)]
FAULTS = [name for name in NAMES if name != "honest"]

REASONS = {
    "loss-of-8-percent": "read-back",
    "loss-of-15-percent-for-a-while": "link",
    "one-direction-unshaped": "read-back",
    "a-delay-of-51-ms": "read-back",
    "a-limit-that-drops": "read-back",
    "a-limit-that-drops-for-a-while": "link",
    "duplicates-nobody-asked-for": "conservation",
    "an-offload-left-on": "conservation",
    "a-kernel-that-says-10-and-does-8": "link",
    "a-clock-that-runs-fast": "clock",
    "a-clock-that-runs-slow": "clock",
    "a-probe-that-finds-what-was-lost": "kernel counts",
    "a-probe-that-overlooks-an-answer": "kernel counts",
    "a-probe-that-says-it-sent-more": "kernel counts",
}
"""The proof that finds each fault; the others are found by a claim alone."""


@pytest.fixture(scope="module")
def records(
    perform_all: Callable[[Sequence[Job]], list[Record]], jobs: Callable[..., Iterator[Job]]
) -> Mapping[str, Record]:
    performed = perform_all(tuple(jobs(PLANTS, 3)))
    return {record.scenario: record for record in performed}


def test_without_a_fault_it_passes(records: Mapping[str, Record]) -> None:
    assert records["honest"].verdict == "pass"


@pytest.mark.parametrize("name", FAULTS)
def test_no_fault_passes(records: Mapping[str, Record], name: str) -> None:
    assert records[name].claims
    assert records[name].verdict in ("fail", "inconclusive")


@pytest.mark.parametrize("name", sorted(REASONS))
def test_the_fault_is_named(records: Mapping[str, Record], name: str) -> None:
    doubts = [check.name for check in records[name].checks if check.verdict != "pass"]
    assert REASONS[name] in doubts


def test_a_time_that_misses_theory_fails(records: Mapping[str, Record]) -> None:
    """A clock fast by a thousandth is within what its program ran; the claim finds it."""
    assert records["a-clock-that-runs-a-little-fast"].verdict == "fail"
