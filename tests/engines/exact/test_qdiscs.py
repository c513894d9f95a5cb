"""Messages in place of tc(8): the kernel has the same from them, and they show the same."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from echolab.engines.exact import engine
from echolab.job import Job
from echolab.record import Record
from echolab.settings import Settings
from echolab.topology import Host, Topology
from tests.needs import lacking

pytestmark = pytest.mark.exact

FACTS = Path(__file__).with_name("tc_facts.py")

PAIR = Topology((Host("server", idle=True), Host("client", idle=True)))

LINKS = 100

OLDER_TIMES = 1_100
"""Nanoseconds by which older releases of iproute2 (6.1, for one) miss a time: they count in
microseconds, then in ticks of 64 ns."""


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What the scenarios of tc_facts.py noted, by subject: pairs of ours and of tc's."""
    folder = tmp_path_factory.mktemp("tc")
    here = dataclasses.replace(Settings.from_environment(os.environ), folder=folder)
    lack = engine.lack(here)
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    jobs = [
        Job("drawn", str(FACTS), PAIR, {"links": LINKS}, capture=False),
        Job("refused", str(FACTS), PAIR, capture=False),
        Job("cutting", str(FACTS), PAIR, capture=False),
    ]
    found: dict[str, list[Any]] = {}
    for record in engine.run_all(jobs, here, lambda line: None):
        assert isinstance(record, Record), record
        for note in record.notes:
            found.setdefault(note.subject, []).append((note.text, note.value))
    return found


def test_the_kernel_has_the_same_queues_as_from_tc_itself(notes: dict[str, list[Any]]) -> None:
    assert len(notes["told"]) == LINKS
    for asked, (ours, tcs) in notes["told"]:
        assert [_without_times(queue) for queue in ours] == [
            _without_times(queue) for queue in tcs
        ], asked
        for queue, other in zip(ours, tcs, strict=True):
            for name in ("delay", "jitter"):
                assert abs(queue.get(name, 0) - other.get(name, 0)) <= OLDER_TIMES, asked


def test_what_is_shown_is_what_tc_prints(notes: dict[str, list[Any]]) -> None:
    assert len(notes["shown"]) == 2 * LINKS
    for words, (ours, tcs) in notes["shown"]:
        assert _names(ours) == _names(tcs), words
        for one, other in zip(_values(ours), _values(tcs), strict=True):
            if isinstance(one, float):  # tc prints six digits, in older releases of microseconds
                assert one == pytest.approx(other, rel=1e-5, abs=1.1e-6), words
            else:
                assert one == other, words


def test_what_the_kernel_refuses_is_told_in_the_words_of_tc(notes: dict[str, list[Any]]) -> None:
    ((message, _),) = notes["refused"]
    assert message.startswith("tc qdisc del dev eth0 root on client: ")
    assert "handle of zero" in message or "No such file" in message


def test_a_partitions_filters_are_the_same_as_from_tc_itself(notes: dict[str, list[Any]]) -> None:
    assert len(notes["cut"]) == 5
    for words, (known, ours, tcs) in notes["cut"]:
        assert known, words
        assert ours == tcs, words


def _without_times(queue: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in queue.items() if name not in ("delay", "jitter")}


def _names(shown: Any) -> Any:
    """The names in a JSON value, but for the seed, which iproute2 prints since 6.6."""
    if isinstance(shown, dict):
        return {name: _names(value) for name, value in shown.items() if name != "seed"}
    return [_names(value) for value in shown] if isinstance(shown, list) else None


def _values(shown: Any) -> Iterator[Any]:
    if isinstance(shown, dict):
        for name, value in shown.items():
            if name != "seed":
                yield from _values(value)
    elif isinstance(shown, list):
        for value in shown:
            yield from _values(value)
    else:
        yield shown
