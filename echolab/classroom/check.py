"""Check one submission: build it, perform the cases, explain those that fail."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Sequence
from pathlib import Path

from echolab import resources
from echolab.classroom import (
    case_result,
    case_runs,
    exploring,
    guest_results,
    source_tree,
    staging,
    submission_files,
    timeline,
    toolchains,
    verdict,
)
from echolab.classroom.case import Case, CaseRun
from echolab.classroom.case_runs import BUILD_LIMITS, FILES, HEAVY_BUILD_LIMITS, Performed
from echolab.classroom.exercise import Exercise
from echolab.classroom.languages import Recipe
from echolab.classroom.recipe import recipe, settled
from echolab.classroom.toolchains import Tools
from echolab.classroom.verdict import CaseResult, CheckResult, Verdict
from echolab.classroom.workplace import workplace
from echolab.engines.exact.engine import Repeats
from echolab.errors import BadInput, CannotRun, EcholabError
from echolab.job import Job
from echolab.language import translate as _
from echolab.progress import Progress
from echolab.record import Record
from echolab.settings import Settings
from echolab.topology import Host, Topology

BUILD_SCRIPT = Path(__file__).with_name("guest") / "build.py"

BUILT = "built.tar.gz"
"""The archive of what was built, in the builder's folder."""

BUILT_IN_WORDS = "the program is built"

BUILDER = Topology((Host("builder", idle=True),), file="the builder")

EVERY = 1000
"""More cases than any exercise has: explain every one that fails."""

DEFAULT_SEED = 1
"""The seed of a check without --seed: every student gets the same network."""


@dataclasses.dataclass(frozen=True)
class CheckRequest:
    """What to check, and how.

    `label` names the submission in the result; `chosen` are the numbers of the cases to perform, in
    order, empty for all; `explain` is how many failed cases are performed once more to show their
    system calls and packets; `replay` holds the arguments of the command.
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
) -> CheckRequest:
    """The request to check a submission that a user named, for one case or for all.

    Raises BadInput for a case that does not exist.
    """
    if case is not None and case > len(exercise.cases):
        raise BadInput(
            f"{exercise.name} has no case {case}", f"it has cases 1 to {len(exercise.cases)}"
        )
    submission = submission_files.located(submission)
    return CheckRequest(
        exercise,
        submission,
        str(submission),
        seed,
        chosen=() if case is None else (case,),
        replay=(resources.COMMAND, "check", exercise.name, str(submission), "--seed", str(seed)),
    )


def check(order: CheckRequest, settings: Settings, progress: Progress) -> CheckResult:
    """Check a submission. The result does not depend on what else the machine does.

    Raises BadInput if the submission has no program.
    """
    with workplace(settings.cache) as folder:
        tools = toolchains.of_machine(Path.home())
        given = staging.unpacked(order.submission, folder / "unpacked")
        found = find(given, order.exercise.called, folder, tools)
        progress(_("checking {what}").format(what=order.label))
        results = _judge(order, found, folder, tools, settings, progress)
        written = submission_files.predictions(given)
        versions = tools.versions(found.tools())
        starter = order.exercise.todo(given)
    return CheckResult(
        exercise=order.exercise.name,
        submission=order.label,
        seed=order.seed,
        language=found.language,
        cases=tuple(results),
        predictions=verdict.predictions(
            verdict.read_predictions(written),
            results,
            order.exercise.predictions,
        ),
        replay=order.replay,
        tools=versions,
        starter=starter,
    )


def find(submission: Path, called: Sequence[str], folder: Path, tools: Tools) -> Recipe:
    """Copy a submission to the folder, and find how it is built and run.

    Raises BadInput if it has no program.
    """
    names = submission_files.pack(submission, folder / FILES)
    tree = source_tree.of_folder(folder / FILES, names)
    found = recipe(tree, called, tools.optional())
    path = {"PATH": tools.path} if tools.folders else {}
    return dataclasses.replace(found, environment={**path, **found.environment})


def _judge(
    order: CheckRequest,
    found: Recipe,
    folder: Path,
    tools: Tools,
    settings: Settings,
    progress: Progress,
) -> list[CaseResult]:
    """Build and perform. If the machine lacks something, nobody is at fault: nothing is judged."""
    try:
        submission_files.check_shown(folder / FILES)
        toolchains.need(found, tools)
        failure = build(found, folder, order.seed, tools, settings, progress)
    except CannotRun as error:
        return [case_result.not_judged(case, n, _both(error)) for n, case in order.cases()]
    if failure:
        return [case_result.failed(case, n, *failure) for n, case in order.cases()]
    try:
        chosen = built(found, folder, order.exercise.called)
    except BadInput as error:
        told = ("there is a program", "a program", _both(error))
        return [case_result.failed(case, n, *told) for n, case in order.cases()]
    return _perform(order, chosen, folder, tools, settings, progress)


def _both(error: EcholabError) -> str:
    return f"{error.message}; {error.remedy}"


def refused(order: CheckRequest, error: BadInput) -> CheckResult:
    """The result of a submission without a program."""
    cases = tuple(
        case_result.failed(case, number, "there is a program", "a program", _both(error))
        for number, case in order.cases()
    )
    return CheckResult(
        order.exercise.name, order.label, order.seed, "none", cases, replay=order.replay
    )


def broken(order: CheckRequest, error: EcholabError) -> CheckResult:
    """The result of a submission that could not be judged because of a fault on our side."""
    cases = tuple(
        case_result.not_judged(case, number, error.message) for number, case in order.cases()
    )
    return CheckResult(
        order.exercise.name, order.label, order.seed, "unknown", cases, replay=order.replay
    )


def build_job(found: Recipe, seed: int, tools: Tools) -> Job:
    """The job that builds a submission."""
    return Job(
        scenario="build",
        script=str(BUILD_SCRIPT),
        topology=case_runs.prepared(BUILDER, dataclasses.replace(found, folder="")),
        parameters={"commands": json.dumps(found.build), "archive": BUILT},
        seed=seed,
        capture=False,
        folders=(FILES, *tools.folders),
        workdir=FILES,
        lecture=False,
    )


def build(
    found: Recipe, folder: Path, seed: int, tools: Tools, settings: Settings, progress: Progress
) -> tuple[str, str, str] | None:
    """Build if there is anything to build; if that fails, return what was expected and seen.

    Raises CannotRun if this machine cannot build it.
    """
    if not found.build:
        return None
    work = folder / "build"
    work.mkdir()
    case_runs.share(folder / FILES, work / FILES)
    jobs = [build_job(found, seed, tools)]
    limits = HEAVY_BUILD_LIMITS if found.heavy or found.made is not None else BUILD_LIMITS
    (done,) = case_runs.perform(jobs, work, settings, progress, limits=limits)
    if done.broke:
        raise CannotRun(f"the submission could not be built here: {done.broke}", "check again")
    if done.record is None:
        return BUILT_IN_WORDS, "a program", done.stopped
    made = guest_results.build(done.record)
    if made.status != 0:
        if lacking := toolchains.missing_in(made.output, tools):
            raise toolchains.missing(lacking)
        return BUILT_IN_WORDS, "a program", f"status {made.status}: {made.output.strip()}"
    try:
        submission_files.unpack(done.folder / BUILT, folder / FILES)
    except BadInput as error:
        return BUILT_IN_WORDS, "a program", str(error)
    return None


def built(found: Recipe, folder: Path, called: Sequence[str]) -> Recipe:
    """The recipe with the program that the build made. Raises BadInput if there is none."""
    if found.made is None:
        return found
    handed_in = source_tree.modes(folder / "build" / FILES)
    runs = [name for name, executable in source_tree.modes(folder / FILES).items() if executable]
    new = [name for name in runs if not handed_in.get(name)]
    return settled(found, runs, new, called)


def _perform(
    order: CheckRequest,
    found: Recipe,
    folder: Path,
    tools: Tools,
    settings: Settings,
    progress: Progress,
) -> list[CaseResult]:
    cases = order.cases()
    job = functools.partial(_job, order.exercise, found, tools)
    runs = [case.runs(order.seed)[0] for _, case in cases]
    count = len(order.exercise.cases)
    watched = [
        job(case, run, count + number, trace=True)
        for (number, case), run in zip(cases, runs, strict=True)
    ]
    again = Repeats(watched, order.explain)
    jobs = [job(case, run, number) for (number, case), run in zip(cases, runs, strict=True)]
    performed = case_runs.perform(jobs, folder, settings, progress, again)
    passed = [
        case
        for (_, case), done in zip(cases, performed, strict=True)
        if exploring.passed(case, done)
    ]
    turns = exploring.turns(order.exercise.cases, order.seed)
    further = exploring.explored(passed, job, turns, order.seed, folder, settings, progress)
    for place, (number, case) in enumerate(cases):
        if case.name in further:
            performed[place] = further[case.name].performed
            watched[place] = job(case, further[case.name].run, count + number, trace=True)
    results = [
        result(case, number, done) for (number, case), done in zip(cases, performed, strict=True)
    ]
    failed = [n for n, told in enumerate(results) if told.verdict == Verdict.FAILED and told.steps]
    shown = _again(failed[: order.explain], performed, watched, folder, settings, progress)
    return [_explained(told, *shown[n]) if n in shown else told for n, told in enumerate(results)]


def _job(
    exercise: Exercise,
    found: Recipe,
    tools: Tools,
    case: Case,
    run: CaseRun,
    turn: int,
    *,
    trace: bool = False,
) -> Job:
    return case_runs.job(exercise, case, found, run, folders=tools.folders, turn=turn, trace=trace)


def _explained(told: CaseResult, record: Record, captures: Path) -> CaseResult:
    """A failed case with the end of its time line, and its steps with the times of that.

    The steps stay if the second performance failed elsewhere.
    """
    lines = timeline.lines(record, captures)
    outcome = case_result.outcome(record)
    same = outcome is not None and outcome.text == told.expectation and not outcome.holds
    steps = case_result.steps(record) if same else told.steps
    return dataclasses.replace(told, timeline=lines, steps=steps)


def result(case: Case, number: int, done: Performed, *, with_timeline: bool = False) -> CaseResult:
    """The result of a case that was performed."""
    if done.record is not None:
        told = case_result.case_result(case, number, done.record)
        if with_timeline and told.verdict == Verdict.FAILED:
            lines = timeline.lines(done.record, done.folder)
            return dataclasses.replace(told, timeline=lines)
        return told
    if done.stopped:
        expected = "a program that waits for what it needs"
        return case_result.failed(
            case, number, "the program lets time pass", expected, done.stopped
        )
    return case_result.not_judged(case, number, done.broke)


def _again(
    failed: Sequence[int],
    performed: Sequence[Performed],
    watched: Sequence[Job],
    folder: Path,
    settings: Settings,
    progress: Progress,
) -> dict[int, tuple[Record, Path]]:
    """The records of a second, traced performance of the failed cases, and their captures.

    Tracing costs a program a little lab time, so this performance only explains: the verdict
    stays. If the first guest ended too early, another one performs the missing cases.
    """
    records = {n: (performed[n].again, performed[n].again_folder) for n in failed}
    missing = [n for n in failed if records[n][0] is None]
    if missing:
        work = folder / "explained"
        work.mkdir()
        case_runs.share(folder / FILES, work / FILES)
        done = case_runs.perform([watched[n] for n in missing], work, settings, progress)
        records |= {n: (one.record, one.folder) for n, one in zip(missing, done, strict=True)}
    return {n: (record, captures) for n, (record, captures) in records.items() if record}
