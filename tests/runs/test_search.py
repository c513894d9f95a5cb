"""The search for a run that breaks a claim, on a lab that is made up: what fails is planted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from echolab.errors import BadInput
from echolab.job import Job, ParameterValue
from echolab.record import Claim, Record
from echolab.runs.search import Failure, Order, Search, first, read_tally
from echolab.runs.slots import Slots
from echolab.runs.space import Draw, Space, space_of
from echolab.scenario import script
from echolab.schedule import Faults, PlannedFault
from echolab.topology import Host, Topology
from tests.records import BARE

HOSTS = ("a", "b", "c")

JOB = Job("made", "/made.py", Topology(tuple(Host(name) for name in HOSTS)))

SPACE = Space(
    {"clients": (1, 4), "operations": (1, 20)},
    {"mistake": "planted"},
    Faults(kill=2, partition=2, slow=1, within=3.0, longest=2.0),
    HOSTS,
)

Wrong = Callable[[Job], tuple[str, ...]]


class MadeUp:
    """A lab whose runs break the claims that a function of their job names."""

    ended = False

    def __init__(self, wrong: Wrong) -> None:
        self._wrong = wrong

    def perform(self, job: Job, folder: str) -> Record:
        broken = self._wrong(job)
        claims = [Claim("holds", text, holds=text not in broken) for text in ("first", "second")]
        return Record(**{**vars(BARE), "claims": tuple(claims), "seed": job.seed})

    def close(self) -> None:
        return


def search(wrong: Wrong, *, runs: int = 300, seed: int = 1, known: tuple[str, ...] = ()) -> Failure:
    found, _ = searched(wrong, runs=runs, seed=seed, known=known)
    assert found is not None
    return found


def searched(
    wrong: Wrong, *, runs: int = 300, seed: int = 1, known: tuple[str, ...] = ()
) -> tuple[Failure | None, int]:
    order = Order(JOB, SPACE, seed, runs, math.inf, 1, known)
    tally, error = Search(order, Slots(1), lambda folder: MadeUp(wrong))(0, lambda line: None)
    assert error is None
    return first(tally.failure), tally.runs


def killed_and_cut(job: Job) -> tuple[str, ...]:
    kinds = {fault.kind for fault in job.schedule or ()}
    enough = job.parameters["operations"] >= 3  # type: ignore[operator]
    return ("first",) if kinds >= {"kill", "partition"} and enough else ()


def test_a_planted_failure_is_found_and_made_as_simple_as_can_be() -> None:
    found = search(killed_and_cut)
    assert sorted(fault.kind for fault in found.draw.schedule) == ["kill", "partition"]
    assert [(fault.at, fault.lasts) for fault in found.draw.schedule] == [(0.0, 0.1)] * 2
    assert found.draw.parameters == {"mistake": "planted", "clients": 1, "operations": 3}
    assert found.draw.seed == 0
    assert found.claims == ("first",)


def test_the_less_simple_failures_are_kept_the_simplest_first() -> None:
    found = search(killed_and_cut)
    assert found.before
    sizes = [draw.size() for draw in (found.draw, *found.before)]
    assert sizes == sorted(sizes)
    assert all(killed_and_cut(Order(JOB, SPACE, 1, 1, 1, 1).job_of(draw)) for draw in found.before)


def test_the_same_seed_finds_the_same() -> None:
    assert search(killed_and_cut, seed=7) == search(killed_and_cut, seed=7)


def test_what_never_fails_is_run_as_often_as_was_asked() -> None:
    assert searched(lambda job: (), runs=57) == (None, 57)


def test_what_fails_without_faults_takes_none() -> None:
    found = search(lambda job: ("second",))
    assert (found.draw.schedule, found.draw.seed, found.place) == ((), 0, 0)


def test_a_claim_that_is_known_to_break_does_not_end_the_search() -> None:
    def both(job: Job) -> tuple[str, ...]:
        return ("first", *(("second",) if len(job.schedule or ()) >= 2 else ()))

    found = search(both, known=("first",))
    assert "second" in found.claims and len(found.draw.schedule) == 2


def test_a_worker_ends_when_another_has_found_what_comes_before() -> None:
    slots = Slots(2)
    slots.set(1, 11)
    order = Order(JOB, SPACE, 1, 300, math.inf, 2)
    tally, _ = Search(order, slots, lambda folder: MadeUp(lambda job: ()))(0, lambda line: None)
    assert tally.runs == 6  # the places 0, 2, 4, 6, 8, 10


def test_a_tally_is_told_after_each_run() -> None:
    told: list[str] = []
    order = Order(JOB, SPACE, 1, 5, math.inf, 1)
    Search(order, Slots(1), lambda folder: MadeUp(lambda job: ()))(0, told.append)
    assert [read_tally(line).runs for line in told][-1] == 5


@pytest.fixture
def scenario(tmp_path: Path) -> script.Scenario:
    path = tmp_path / "made.py"
    path.write_text(
        "from echolab import Faults, Lab, Parameter, scenario\n"
        "@scenario(faults=Faults(kill=1, hosts=('b',)), parameters={\n"
        "    'clients': Parameter('clients', low=1, high=3),\n"
        "    'delay': Parameter('delay', 's', 0, 1),\n"
        "    'count': Parameter('count', low=1)})\n"
        "def made(lab: Lab, clients: int = 2, delay: float = 0.1, count: int = 5,\n"
        "         name: str = 'x', safe: bool = True) -> None:\n"
        "    pass\n",
        encoding="utf-8",
    )
    return script.find(path, "made")


def test_what_has_both_bounds_is_drawn_unless_it_was_given(scenario: script.Scenario) -> None:
    values: Mapping[str, ParameterValue] = scenario.parameters
    space = space_of(scenario, values, (), HOSTS)
    assert space.bounded == {"clients": (1, 3), "delay": (0.0, 1.0), "safe": (False, True)}
    assert space.fixed == {"count": 5, "name": "x"}
    assert space.hosts == ("b",)
    given = space_of(scenario, values, ("clients", "safe"), HOSTS)
    assert set(given.bounded) == {"delay"}


def test_fewer_faults_are_simpler_whatever_else() -> None:
    few = Draw(seed=9, parameters={"clients": 4})
    many = Draw(schedule=(PlannedFault("kill", ("a",), 0.0, 0.1),))
    assert few.size() < many.size()


def test_what_a_run_raises_ends_the_search_and_is_told() -> None:
    def wrong(job: Job) -> tuple[str, ...]:
        raise BadInput("the script is wrong", "fix it")

    order = Order(JOB, SPACE, 1, 5, math.inf, 1)
    _, error = Search(order, Slots(1), lambda folder: MadeUp(wrong))(0, lambda line: None)
    assert str(error) == "the script is wrong; fix it"
