"""What exploring may draw: a run's seed, its parameters, and its schedule of faults.

Hypothesis draws and simplifies. A run without faults, with the least parameters and seed 0 is the
simplest; figures are small multiples of a step, so that the result is easy to read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from echolab.errors import CannotRun
from echolab.job import ParameterValue
from echolab.scenario.script import Scenario
from echolab.schedule import AMOUNTS, STEP, Faults, PlannedFault, Schedule, ordered

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

MOST_SEED = 65535

STEPS = 10
"""The number of steps in the domain of a number with a fraction."""


@dataclasses.dataclass(frozen=True)
class Draw:
    """One run, as it was drawn."""

    seed: int = 0
    parameters: Mapping[str, ParameterValue] = dataclasses.field(default_factory=dict)
    schedule: tuple[PlannedFault, ...] = ()

    def size(self) -> tuple[float, ...]:
        """What makes one draw simpler than another: it is smaller."""
        figures = [value for value in self.parameters.values() if not isinstance(value, str)]
        lasts = round(sum(fault.lasts for fault in self.schedule), 6)
        began = round(sum(fault.at for fault in self.schedule), 6)
        return (len(self.schedule), round(sum(figures), 6), lasts, began, self.seed)


@dataclasses.dataclass(frozen=True)
class Space:
    """What can be drawn for one scenario: its bounded parameters, and faults of these hosts.

    `fixed` are the parameters that stay as they are. Those with both bounds in their domain are
    drawn from it, and so are booleans.
    """

    bounded: Mapping[str, tuple[ParameterValue, ParameterValue]]
    fixed: Mapping[str, ParameterValue]
    faults: Faults | None
    hosts: tuple[str, ...]


def space_of(
    scenario: Scenario,
    values: Mapping[str, ParameterValue],
    given: Sequence[str],
    hosts: Sequence[str],
) -> Space:
    """The space of a scenario whose parameters are `values`, some of them `given`."""
    bounded: dict[str, tuple[ParameterValue, ParameterValue]] = {}
    for name, value in values.items():
        domain = scenario.meaning(name)
        if name in given or isinstance(value, str):
            continue
        if isinstance(value, bool):
            bounded[name] = (False, True)
        elif domain.low is not None and domain.high is not None:
            kind = type(value)
            bounded[name] = (kind(domain.low), kind(domain.high))
    fixed = {name: value for name, value in values.items() if name not in bounded}
    faults = scenario.faults
    named = tuple(hosts if faults is None else faults.befallen(hosts))
    return Space(bounded, fixed, faults, named)


def strategy(space: Space) -> SearchStrategy[Draw]:
    """What Hypothesis draws runs from. Raises CannotRun without Hypothesis."""
    try:
        from hypothesis import strategies as st
    except ImportError:
        raise CannotRun("exploring needs hypothesis", "pip install hypothesis") from None
    schedules: SearchStrategy[Schedule] = st.just(())
    if space.faults is not None:
        lists = [
            st.lists(_fault(space.faults, space.hosts, kind), max_size=most)
            for kind, most in space.faults.most().items()
        ]
        schedules = st.tuples(*lists).map(_joined)
    parameters = st.fixed_dictionaries(
        {name: _parameter(low, high) for name, (low, high) in space.bounded.items()}
    )

    def made(schedule: Schedule, drawn: dict[str, ParameterValue], seed: int) -> Draw:
        return Draw(seed, {**space.fixed, **drawn}, schedule)

    return st.builds(made, schedules, parameters, st.integers(0, MOST_SEED))


def _joined(faults: Sequence[Sequence[PlannedFault]]) -> Schedule:
    return ordered([one for each in faults for one in each])


def _parameter(low: ParameterValue, high: ParameterValue) -> SearchStrategy[ParameterValue]:
    from hypothesis import strategies as st

    if isinstance(low, bool):
        return st.booleans()
    if isinstance(low, int) and isinstance(high, int):
        return st.integers(low, high)
    assert isinstance(low, float) and isinstance(high, float)
    begin, step = low, (high - low) / STEPS
    return st.integers(0, STEPS).map(lambda number: round(begin + number * step, 9))


def _fault(faults: Faults, hosts: Sequence[str], kind: str) -> SearchStrategy[PlannedFault]:
    from hypothesis import strategies as st

    most = max(1, len(hosts) // 2) if kind == "partition" else 1
    befallen = st.lists(st.sampled_from(list(hosts)), min_size=1, max_size=most, unique=True)
    amounts = st.sampled_from(AMOUNTS[kind]) if kind in AMOUNTS else st.just(0.0)

    def made(named: list[str], at: int, lasts: int, amount: float) -> PlannedFault:
        when, time = round(at * STEP, 6), round(lasts * STEP, 6)
        return PlannedFault(kind, tuple(sorted(named)), when, time, amount)

    return st.builds(
        made,
        befallen,
        st.integers(0, round(faults.within / STEP)),
        st.integers(1, round(faults.longest / STEP)),
        amounts,
    )
