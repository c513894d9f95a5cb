"""Making a schedule simpler: fewer faults, shorter ones, as long as it fails."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.classroom.least import MOST_TRIES, least
from echolab.schedule import PlannedFault, Schedule, ordered, parse

FAULTS = st.builds(
    lambda kind, hosts, at, lasts: PlannedFault(kind, hosts, at / 10, lasts / 10),
    st.just("partition"),
    st.sampled_from([("a",), ("b",), ("a", "b")]),
    st.integers(0, 30),
    st.integers(1, 30),
)

SCHEDULES = st.lists(FAULTS, min_size=1, max_size=4).map(ordered)


def planned(text: str) -> Schedule:
    return ordered([parse(one) for one in text.split(";")])


def test_what_fails_without_any_fault_needs_none() -> None:
    assert least(planned("kill a at 1 for 2; pause b at 2 for 1"), lambda schedule: True) == ()


def test_the_guilty_fault_is_left_short_and_early() -> None:
    found = least(
        planned("pause b at 0.3 for 1; kill a at 1.7 for 2.5; slow c by 0.2 at 0 for 3"),
        lambda schedule: any(fault.kind == "kill" for fault in schedule),
    )
    assert found == planned("kill a at 0 for 0.1")


def test_two_faults_that_only_fail_together_are_both_left() -> None:
    found = least(
        planned("kill a at 1 for 2; kill b at 1.5 for 1; pause c at 1 for 1"),
        lambda schedule: {fault.hosts for fault in schedule} >= {("a",), ("b",)},
    )
    assert found == planned("kill a at 0 for 0.1; kill b at 0 for 0.1")


def test_a_partition_keeps_the_hosts_that_it_takes() -> None:
    found = least(
        planned("partition a, b at 1 for 2"),
        lambda schedule: bool(schedule) and "b" in schedule[0].hosts,
    )
    assert found == planned("partition b at 0 for 0.1")


@given(SCHEDULES, st.integers(0, 30))
def test_what_is_left_fails_and_is_no_larger(schedule: Schedule, bound: int) -> None:
    def fails(tried: Schedule) -> bool:
        return sum(fault.lasts for fault in tried) * 10 >= bound - 1e-6

    if fails(schedule):
        found = least(schedule, fails)
        assert fails(found)
        assert len(found) <= len(schedule)
        assert sum(one.lasts for one in found) <= sum(one.lasts for one in schedule) + 1e-6


@pytest.mark.parametrize("most", [1, 5, MOST_TRIES])
def test_no_more_is_tried_than_may_be(most: int) -> None:
    tried: list[Schedule] = []

    def fails(schedule: Schedule) -> bool:
        tried.append(schedule)
        return False

    least(planned("kill a at 3 for 3; kill b at 3 for 3; kill c at 3 for 3"), fails, most)
    assert 0 < len(tried) <= most
    assert len(set(tried)) == len(tried)
