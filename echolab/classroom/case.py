"""A named case of an exercise: one thing that a submission must do, on a fresh network."""

from __future__ import annotations

import dataclasses
import json
import random  # (here, so that not each case imports it in its own process)
import types
from collections.abc import Callable, Sequence

from echolab.classroom.expectation import Unmet
from echolab.classroom.submission import Submission
from echolab.classroom.testbed import ENDING, OUTCOME, QUESTION, Testbed
from echolab.errors import BadInput
from echolab.scenario.lab import Lab
from echolab.scenario.script import scenario
from echolab.schedule import Faults, Schedule, ordered, parse

MARK = "__echolab_case__"

Function = Callable[[Testbed, Submission], None]


@dataclasses.dataclass(frozen=True)
class CaseRun:
    """One run of a case: the faults that befall its hosts while clients work, and its seed."""

    schedule: Schedule
    seed: int


@dataclasses.dataclass(frozen=True)
class Case:
    """What a check says about one case.

    `title` is what the case does; `catches` are the mistakes it names (the checker's own
    tests hold it to them); `question` is what a student who fails it is asked. A case that
    explores is performed again under each of `schedules`, which are the same for everybody,
    and under `draws` schedules of `faults`, which the student's seed draws.
    """

    name: str
    title: str
    catches: tuple[str, ...]
    question: str
    schedules: tuple[Schedule, ...] = ()
    faults: Faults | None = None
    draws: int = 0

    def runs(self, seed: int) -> list[CaseRun]:
        """The runs of this case for a student with that seed, the one without faults first."""
        found = [CaseRun((), seed)]
        found += [CaseRun(schedule, number) for number, schedule in enumerate(self.schedules, 1)]
        if self.faults is not None:
            for number in range(self.draws):
                chance = random.Random(f"{self.name} {seed} {number}")  # noqa: S311 (no secret)
                found.append(CaseRun(self.faults.draw(chance, self.faults.hosts), seed))
        return found


def case(
    title: str,
    *,
    catches: tuple[str, ...] = (),
    question: str = "",
    schedules: Sequence[str] = (),
    faults: Faults | None = None,
    draws: int = 0,
) -> Callable[[Function], Callable[..., None]]:
    """Mark a function of a check as a case; it is performed as a scenario of its own.

    The function takes the testbed and the submission. What it expects and does not find
    ends the case as failed. `schedules` are texts of faults between semicolons, for example
    "kill one at 1 for 2; slow two by 0.1 at 0 for 3"; `faults` names its hosts (see `Case`).
    Raises BadInput where no question is asked, and for a fault that there is not.
    """
    if not question:
        raise BadInput(f"the case '{title}' asks no question", "give question=")
    if faults is not None and not faults.hosts:
        raise BadInput(f"the faults of the case '{title}' name no hosts", "give hosts=")
    planned = tuple(ordered([parse(one) for one in text.split(";")]) for text in schedules)

    def mark(function: Function) -> Callable[..., None]:
        def perform(lab: Lab, program: str = "[]", trace: bool = False) -> None:
            _perform(function, lab, json.loads(program), trace)

        _rename(perform, function)
        name = function.__name__.replace("_", "-")
        setattr(perform, MARK, Case(name, title, catches, question, planned, faults, draws))
        marked: Callable[..., None] = scenario(
            name=name, sentence=title, expect=question, baseline=False, measured=False
        )(perform)
        return marked

    return mark


def _rename(perform: types.FunctionType | Callable[..., None], function: Function) -> None:
    for attribute in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(perform, attribute, getattr(function, attribute))


def _perform(function: Function, lab: Lab, argv: list[str], trace: bool) -> None:
    with Testbed(lab) as testbed:
        submission = Submission(testbed, tuple(argv), trace)
        try:
            function(testbed, submission)
        except Unmet as unmet:
            for ending in submission.endings():
                lab.note(ENDING, ending)
            if unmet.question is not None:
                lab.note(QUESTION, unmet.question)
            lab.step(OUTCOME)
            lab.expect(
                unmet.expectation, False, seen=unmet.seen, theory=unmet.expected, why=unmet.why
            )
        else:
            lab.step(OUTCOME)
            lab.expect("every expectation of the case was met", True)
