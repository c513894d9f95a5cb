"""A named case of an exercise: one thing that a submission must do, on a fresh network."""

from __future__ import annotations

import dataclasses
import json
import random  # noqa: F401 (here, so that not each case imports it in its own process)
import types
from collections.abc import Callable

from echolab.classroom.submission import Submission
from echolab.classroom.testbed import ENDING, OUTCOME, Testbed, Unmet
from echolab.errors import BadInput
from echolab.lab import Lab
from echolab.script import scenario

MARK = "__echolab_case__"

Function = Callable[[Testbed, Submission], None]


@dataclasses.dataclass(frozen=True)
class Case:
    """What a check says about one case.

    `title` is what the case does; `catches` are the mistakes it names (the checker's own
    tests hold it to them); `question` is what a student who fails it is asked.
    """

    name: str
    title: str
    catches: tuple[str, ...]
    question: str


def case(
    title: str, *, catches: tuple[str, ...] = (), question: str = ""
) -> Callable[[Function], Callable[..., None]]:
    """Mark a function of a check as a case; it is performed as a scenario of its own.

    The function takes the testbed and the submission. What it expects and does not find
    ends the case as failed. Raises BadInput where no question is asked.
    """
    if not question:
        raise BadInput(f"the case '{title}' asks no question", "give question=")

    def mark(function: Function) -> Callable[..., None]:
        def perform(lab: Lab, program: str = "[]", trace: bool = False) -> None:
            _perform(function, lab, json.loads(program), trace)

        _rename(perform, function)
        name = function.__name__.replace("_", "-")
        setattr(perform, MARK, Case(name, title, catches, question))
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
            lab.step(ENDING)
            for ending in submission.endings():
                lab.expect(ending, True)
            lab.step(OUTCOME)
            lab.expect(
                unmet.expectation, False, seen=unmet.seen, theory=unmet.expected, why=unmet.why
            )
        else:
            lab.step(OUTCOME)
            lab.expect("every expectation of the case was met", True)
