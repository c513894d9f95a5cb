"""Check one submission: build it, perform the cases, explain those that fail."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from echolab.classroom import parcel, performing, reading, timeline, verdict
from echolab.classroom.case import Case
from echolab.classroom.exercise import Exercise
from echolab.classroom.performing import BUILD_LIMITS, FILES, Performed
from echolab.classroom.recipe import PLACE, Recipe, recipe
from echolab.classroom.verdict import CaseResult, CheckResult, Verdict
from echolab.classroom.workplace import workplace
from echolab.engines import Progress, Settings
from echolab.engines.exact import Again
from echolab.errors import BadInput, CannotRun, EcholabError
from echolab.job import Job
from echolab.topology import Host, Topology

BUILD_SCRIPT = Path(__file__).with_name("inside") / "build.py"

BUILDER = Topology((Host("builder", idle=True),), file="the builder")

EVERY = 1000
"""More cases than any exercise has."""

DEFAULT_SEED = 1
"""The seed of a check that was given none: everybody meets the same network."""


@dataclasses.dataclass(frozen=True)
class Order:
    """What is to be checked, and how.

    `label` is how the submission is called in the result; `chosen` are the numbers of the
    cases that are performed, in their order, empty for all; `explain` is how many failed
    ones are performed once more to show their system calls and packets; `replay` are the
    words of the command.
    """

    exercise: Exercise
    submission: Path
    label: str
    seed: int = DEFAULT_SEED
    chosen: tuple[int, ...] = ()
    explain: int = EVERY
    replay: tuple[str, ...] = ()

    def cases(self) -> list[tuple[int, Case]]:
        """The cases that are performed, each with its number."""
        numbered = enumerate(self.exercise.cases, 1)
        return [(n, case) for n, case in numbered if not self.chosen or n in self.chosen]


def order(
    exercise: Exercise, submission: Path, seed: int = DEFAULT_SEED, case: int | None = None
) -> Order:
    """The order to check a submission that a user named, for the sake of one case or of all.

    All are performed all the same: what a case meets by chance depends on what was before
    it, and its time line is made when all have been. Raises BadInput where there is no such
    case.
    """
    if case is not None and case > len(exercise.cases):
        raise BadInput(
            f"{exercise.name} has no case {case}", f"it has cases 1 to {len(exercise.cases)}"
        )
    return Order(
        exercise,
        submission,
        str(submission),
        seed,
        replay=("./lab", "check", exercise.name, str(submission), "--seed", str(seed)),
    )


def only(result: CheckResult, case: int | None) -> CheckResult:
    """The result without any other case than that one; None leaves all."""
    if case is None:
        return result
    cases = tuple(one for one in result.cases if one.number == case)
    return dataclasses.replace(result, cases=cases, predictions=())


def check(order: Order, settings: Settings, progress: Progress) -> CheckResult:
    """Check a submission. The same one gives the same result, whatever else the machine does.

    Raises BadInput where no program is found in the submission.
    """
    with workplace(settings.cache) as folder:
        names = parcel.pack(order.submission, folder / FILES)
        found = recipe(names)
        progress(f"checking {order.label}")
        failure = build(found, folder, order.seed, settings, progress)
        if failure:
            results = [
                reading.failed(case, number, "the program is built", "a program", failure)
                for number, case in order.cases()
            ]
        else:
            results = _perform(order, found, folder, settings, progress)
    return CheckResult(
        exercise=order.exercise.name,
        submission=order.label,
        seed=order.seed,
        language=found.language,
        cases=tuple(results),
        predictions=verdict.predictions(
            verdict.read_predictions(parcel.predictions(order.submission)),
            results,
            order.exercise.predictions,
        ),
        replay=order.replay,
    )


def refused(order: Order, error: BadInput) -> CheckResult:
    """The result of a submission in which no program can be found."""
    cases = tuple(
        reading.failed(case, number, "there is a program", error.remedy, error.message)
        for number, case in order.cases()
    )
    return CheckResult(
        order.exercise.name, order.label, order.seed, "none", cases, replay=order.replay
    )


def broken(order: Order, error: EcholabError) -> CheckResult:
    """The result of a submission that could not be judged for a reason of ours."""
    cases = tuple(reading.not_judged(case, number, error.message) for number, case in order.cases())
    return CheckResult(
        order.exercise.name, order.label, order.seed, "unknown", cases, replay=order.replay
    )


def build_job(found: Recipe, seed: int) -> Job:
    """The job that builds a submission."""
    return Job(
        scenario="build",
        script=str(BUILD_SCRIPT),
        topology=BUILDER,
        parameters={"commands": json.dumps(found.build), "place": PLACE},
        seed=seed,
        capture=False,
        folders=(FILES,),
    )


def build(found: Recipe, folder: Path, seed: int, settings: Settings, progress: Progress) -> str:
    """Build where there is anything to build; what went wrong, empty where nothing did."""
    if not found.build:
        return ""
    work = folder / "build"
    work.mkdir()
    performing.share(folder / FILES, work / FILES)
    jobs = [build_job(found, seed)]
    (done,) = performing.perform(jobs, work, settings, progress, limits=BUILD_LIMITS)
    if done.broke:
        raise CannotRun(f"the submission could not be built here: {done.broke}", "check again")
    if done.record is None:
        return done.stopped
    made: dict[str, Any] = done.record["claims"][0]["seen"]
    if made["status"] != 0:
        return f"status {made['status']}: {str(made['output']).strip()}"
    try:
        parcel.unpack(str(made["archive"]), folder / FILES)
    except BadInput as error:
        return str(error)
    return ""


def _perform(
    order: Order, found: Recipe, folder: Path, settings: Settings, progress: Progress
) -> list[CaseResult]:
    cases = order.cases()
    jobs, watched = (
        [performing.job(order.exercise, case, found.run, order.seed, trace=t) for _, case in cases]
        for t in (False, True)
    )
    again = Again(watched, order.explain)
    performed = performing.perform(jobs, folder, settings, progress, again)
    results = [
        result(case, number, done) for (number, case), done in zip(cases, performed, strict=True)
    ]
    failed = [n for n, told in enumerate(results) if told.verdict == Verdict.FAILED and told.steps]
    shown = _timelines(failed[: order.explain], performed, watched, folder, settings, progress)
    return [dataclasses.replace(told, timeline=shown.get(n, ())) for n, told in enumerate(results)]


def result(case: Case, number: int, done: Performed, *, with_timeline: bool = False) -> CaseResult:
    """The result of a case that was performed."""
    if done.record is not None:
        told = reading.case_result(case, number, done.record)
        if with_timeline and told.verdict == Verdict.FAILED:
            lines = timeline.lines(done.record, done.folder)
            return dataclasses.replace(told, timeline=lines)
        return told
    if done.stopped:
        expected = "a program that waits for what it needs"
        return reading.failed(case, number, "the program lets time pass", expected, done.stopped)
    return reading.not_judged(case, number, done.broke)


def _timelines(
    failed: Sequence[int],
    performed: Sequence[Performed],
    watched: Sequence[Job],
    folder: Path,
    settings: Settings,
    progress: Progress,
) -> dict[int, tuple[str, ...]]:
    """The time lines of the failed cases, from another performance of theirs.

    Watching costs a program a little lab time, so this performance is for showing alone:
    the verdict stays what it was. Where the guest of the first one was ended before it
    came to that, another guest performs what is missing.
    """
    records = {n: (performed[n].again, performed[n].again_folder) for n in failed}
    missing = [n for n in failed if records[n][0] is None]
    if missing:
        work = folder / "explained"
        work.mkdir()
        performing.share(folder / FILES, work / FILES)
        done = performing.perform([watched[n] for n in missing], work, settings, progress)
        records |= {n: (one.record, one.folder) for n, one in zip(missing, done, strict=True)}
    return {
        n: timeline.lines(record, captures)
        for n, (record, captures) in records.items()
        if record is not None
    }
