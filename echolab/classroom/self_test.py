"""Before a class is graded: does this machine judge a known correct solution as correct?"""

from __future__ import annotations

from pathlib import Path

from echolab import resources
from echolab.classroom import check, text
from echolab.classroom.exercise import Exercise
from echolab.classroom.verdict import Verdict
from echolab.errors import CannotRun
from echolab.language import translate as _
from echolab.progress import Progress
from echolab.settings import Settings

REFERENCE = "reference-py"
"""The folder of the solution, in Python, which every machine here has."""


def reference(exercise: Exercise) -> Path | None:
    """An exercise's known solution, beside its check or among the tests; None if there is none."""
    for folder in (exercise.folder, resources.REFERENCES / exercise.name):
        if (folder / REFERENCE).is_dir():
            return folder / REFERENCE
    return None


def self_test(exercise: Exercise, settings: Settings, progress: Progress) -> str:
    """Check the reference of an exercise; return what to say, empty if there is no reference.

    Raises CannotRun if it does not pass every case: then no submission would be judged correctly.
    """
    solution = reference(exercise)
    if solution is None:
        return ""
    progress(_("self-test: checking the reference of {exercise}").format(exercise=exercise.name))
    result = check.check(check.order(exercise, solution), settings, progress)
    wrong = [case for case in result.cases if case.verdict != Verdict.PASSED]
    if wrong:
        first = wrong[0]
        raise CannotRun(
            f"the self-test failed, so nobody was graded: of the reference of {exercise.name} "
            f"{text.summary(result)}; {first.name}: {first.reason or first.seen}",
            f"see {resources.COMMAND} check {exercise.name} {solution}",
        )
    return _("self-test: the reference of {exercise} passes all {count} cases").format(
        exercise=exercise.name, count=len(result.cases)
    )
