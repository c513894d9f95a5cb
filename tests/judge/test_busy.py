"""A busy machine makes a time that came too late inconclusive, and nothing else."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from echolab.judge.verdicts import judge
from echolab.link import Link
from echolab.record import Lateness, Record, Stretch
from echolab.runs.lateness import LatenessMonitor
from echolab.scenario.claims import Claims
from tests.records import BARE


def record(
    claims: Claims, overall: float, seconds: Sequence[float] = (), waiting: float | None = None
) -> Record:
    """A run that proves its network, with those claims, on a machine that busy."""
    return dataclasses.replace(
        BARE,
        engine="docker",
        kernel="6.12",
        link_kernel="6.12",
        claims=tuple(claims.claims),
        lateness=Lateness(overall, tuple(seconds), waiting),
    )


def verdicts(claims: Claims, lateness: float) -> list[str]:
    return [claim.verdict for claim in judge(record(claims, lateness)).claims]


@pytest.fixture
def claims() -> Claims:
    made = Claims()
    made.precision = 0.002
    made.expect_time("in time", 0.1005, 0.1)
    made.expect_time("too late", 0.1025, 0.1)
    made.expect_time("too early", 0.0975, 0.1)
    made.expect_range("no time", 12.0, high=10.0)
    made.expect("plainly wrong", False)
    return made


def test_on_a_calm_machine_a_time_that_misses_its_bounds_fails(claims: Claims) -> None:
    assert verdicts(claims, 0.0001) == ["pass", "fail", "fail", "fail", "fail"]


def test_on_a_busy_one_only_a_time_that_came_too_late_is_inconclusive(claims: Claims) -> None:
    assert verdicts(claims, 0.0042) == ["pass", "inconclusive", "fail", "fail", "fail"]


CALM, STALLED = [1e-4] * 5, [1e-4, 1e-4, 3e-3, 1e-4, 1e-4]


def test_one_busy_second_is_enough_for_a_time_of_a_few_packets(claims: Claims) -> None:
    for seconds, verdict in ((CALM, "fail"), (STALLED, "inconclusive")):
        judged = judge(record(claims, 1e-4, seconds)).claims
        assert [claim.verdict for claim in judged] == ["pass", verdict, "fail", "fail", "fail"]
    assert judged[1].why.endswith("busy for a second, sleeps came 3.0 ms late")


def test_seconds_before_the_first_link_was_made_do_not_count(claims: Claims) -> None:
    for began, verdict in ((1.5, "inconclusive"), (2.5, "fail")):
        stretch = Stretch("client", (Link(rate=1e6),), began, 5.0, 0, 0)
        judged = judge(dataclasses.replace(record(claims, 1e-4, STALLED), links=(stretch,)))
        assert judged.claims[1].verdict == verdict


def test_a_machine_whose_programs_wait_for_processors_is_busy(claims: Claims) -> None:
    for waiting, verdict in ((0.05, "fail"), (None, "fail"), (0.34, "inconclusive")):
        judged = judge(record(claims, 1e-4, waiting=waiting)).claims
        assert [claim.verdict for claim in judged] == ["pass", verdict, "fail", "fail", "fail"]
    assert judged[1].why.endswith("programs waited for a processor 34% of the time")


def test_the_monitor_reads_for_how_long_programs_waited(tmp_path: Path) -> None:
    told = tmp_path / "cpu"
    line = "some avg10=1.00 avg60=1.00 avg300=1.00 total={}\nfull avg10=0.00 total=77\n"
    told.write_text(line.format(5_000_000))
    with LatenessMonitor(told) as monitor:
        began = time.monotonic()
        time.sleep(0.3)
        told.write_text(line.format(5_500_000))
        time.sleep(0.7)
        lasted = time.monotonic() - began
    share = monitor.waiting(began)
    assert share is not None
    assert 0.5 / lasted <= share < 0.9
    assert monitor.waiting(time.monotonic()) is None


def test_a_kernel_that_does_not_tell_leaves_it_open(tmp_path: Path) -> None:
    with LatenessMonitor(tmp_path / "none") as monitor:
        time.sleep(0.6)
    assert monitor.waiting(0.0) is None


def test_the_monitor_tells_in_which_second_it_heard_a_stall() -> None:
    import sys

    interval = sys.getswitchinterval()
    with LatenessMonitor() as monitor:
        opened = time.monotonic()
        time.sleep(1)
        sys.setswitchinterval(0.05)
        try:
            while time.monotonic() < opened + 2:
                pass
        finally:
            sys.setswitchinterval(interval)
        time.sleep(1)
    before, stalled, after = monitor.by_second(opened, 3)
    assert stalled > 0.01
    assert stalled > 2 * max(before, after)


def test_the_reason_says_how_busy_it_was(claims: Claims) -> None:
    judged = judge(record(claims, 0.0042))
    assert judged.claims[1].why.endswith("busy, sleeps came 4.2 ms late")


def test_the_monitor_hears_a_stall() -> None:
    """A loop of this interpreter that lets no other thread run is what a stall looks like."""
    import sys

    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.05)
    try:
        with LatenessMonitor() as monitor:
            end = time.monotonic() + 0.5
            while time.monotonic() < end:
                pass
    finally:
        sys.setswitchinterval(interval)
    assert monitor.lateness() > 0.01


def test_a_monitor_that_never_beat_heard_nothing() -> None:
    assert LatenessMonitor().lateness() == 0.0
