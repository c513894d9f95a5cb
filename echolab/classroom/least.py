"""The least schedule of faults under which something still fails.

Strategy: whatever is simpler than the schedule that failed is tried, the simplest first, and the
first that fails takes its place, until nothing simpler fails any more. Fewer faults are simpler;
then faults of fewer hosts, that are shorter, that begin earlier. Nothing is tried twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from echolab.schedule import STEP, PlannedFault, Schedule, ordered

MOST_TRIES = 40
"""Runs that are spent on one schedule."""


def least(
    schedule: Schedule, fails: Callable[[Schedule], bool], most: int = MOST_TRIES
) -> Schedule:
    """The simplest schedule found that fails as this one does, after at most so many tries."""
    tried = {schedule}
    best: Schedule | None = schedule
    found = schedule
    while best is not None:
        found, best = best, None
        for simpler in _simpler(found):
            if simpler in tried:
                continue
            if len(tried) > most:
                return found
            tried.add(simpler)
            if fails(simpler):
                best = simpler
                break
    return found


def _simpler(schedule: Schedule) -> Iterator[Schedule]:
    """Schedules that are simpler than this one, the simplest first."""
    if len(schedule) > 1:
        yield ()
        yield from ((one,) for one in schedule)
    if len(schedule) > 2:
        yield from (ordered([one for one in schedule if one is not left]) for left in schedule)
    for place, fault in enumerate(schedule):
        for simpler in _simpler_fault(fault):
            yield ordered([*schedule[:place], simpler, *schedule[place + 1 :]])


def _simpler_fault(fault: PlannedFault) -> Iterator[PlannedFault]:
    if len(fault.hosts) > 1:
        yield from (dataclasses.replace(fault, hosts=(host,)) for host in fault.hosts)
    for lasts in _less(fault.lasts, STEP):
        yield dataclasses.replace(fault, lasts=lasts)
    for at in _less(fault.at, 0.0):
        yield dataclasses.replace(fault, at=at)


def _less(figure: float, bound: float) -> Iterator[float]:
    """Smaller figures: the smallest, the half, whole seconds, a step less."""
    steps = round(figure / STEP)
    smaller = {round(bound / STEP), steps // 2, (steps - 1) // 10 * 10, steps - 1}
    for count in sorted(smaller):
        if bound <= count * STEP < figure:
            yield round(count * STEP, 6)
