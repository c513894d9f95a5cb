"""The bug museum: the lecture's mistakes as programs, each shown broken and fixed."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from pathlib import Path

from echolab.classroom import (
    case_runs,
    check,
    exercise,
    guest_results,
    staging,
    submission_files,
    text,
    toolchains,
)
from echolab.classroom.case_runs import FILES, SHOWN, Performed
from echolab.classroom.exercise import Exercise
from echolab.classroom.languages import PLACE, Recipe
from echolab.classroom.verdict import CaseResult, Verdict
from echolab.classroom.workplace import workplace
from echolab.errors import BadInput, CannotRun
from echolab.job import Job
from echolab.language import later
from echolab.language import translate as _
from echolab.progress import Progress
from echolab.settings import Settings

FOLDER = exercise.FOLDER / "museum"

TEST_SCRIPT = Path(__file__).with_name("guest") / "visit.py"

NOT_ASKED = frozenset({"no-reuse", "family-unset"})
"""Exhibits that a test program on another host cannot judge: one fails when it is restarted, one
is a client."""

TEST = "test"
"""The folder of a student's test program, and its names besides main."""

STATES = (later("broken"), later("fixed"))


@dataclasses.dataclass(frozen=True)
class Exhibit:
    """One exhibit as it was shown: its description, and the results broken and fixed."""

    name: str
    about: str
    broken: CaseResult
    fixed: CaseResult


@dataclasses.dataclass(frozen=True)
class Visit:
    """What a student's test program said about one exhibit in one state.

    `caught` is its judgement, None if it gave none; `right` is whether that is correct.
    """

    name: str
    state: str
    caught: bool | None
    right: bool
    why: str


def names() -> tuple[str, ...]:
    """The names of the exhibits, in the order of the museum's check."""
    return tuple(case.name for case in _museum().cases)


def _museum() -> Exercise:
    return exercise.read(FOLDER)


def show(chosen: str | None, settings: Settings, progress: Progress) -> tuple[Exhibit, ...]:
    """The exhibits, or the one with that name, performed broken and fixed.

    Raises BadInput for an unknown name, CannotRun if the museum cannot be built.
    """
    found = _museum()
    cases = [case for case in found.cases if chosen in (None, case.name)]
    if not cases:
        raise BadInput(f"the museum has no exhibit '{chosen}'", f"it has {', '.join(names())}")
    with workplace(settings.cache) as folder:
        _build(folder, settings, progress)
        jobs = [
            case_runs.job(found, case, _exhibit(case.name, state), run, trace=True)
            for case in cases
            for state in STATES
            for run in case.runs(check.DEFAULT_SEED)[:1]
        ]
        progress(_("showing the museum"))
        done = case_runs.perform(jobs, folder, settings, progress)
        results = [
            check.result(case, number // 2 + 1, performed, with_timeline=True)
            for number, (case, performed) in enumerate(
                zip([case for case in cases for _ in STATES], done, strict=True)
            )
        ]
    pairs = zip(results[::2], results[1::2], strict=True)
    return tuple(
        Exhibit(case.name, about(case.name), broken, fixed)
        for case, (broken, fixed) in zip(cases, pairs, strict=True)
    )


def about(name: str) -> str:
    """What an exhibit shows: the comment on the first line of its source."""
    first = (FOLDER / f"{name}.c").read_text(encoding="utf-8").partition("\n")[0]
    return first.strip("/* ")


def lines(name: str, state: str) -> tuple[str, ...]:
    """The lines that an exhibit is about, broken or fixed: those of its source's comment."""
    source = (FOLDER / f"{name}.c").read_text(encoding="utf-8")
    return tuple(re.findall(rf"^ \* {state}: (.+)$", source, re.MULTILINE))


def side_by_side(name: str) -> list[str]:
    """The guilty lines beside the fixed ones."""
    columns = [lines(name, state) for state in STATES]
    rows = list(itertools.zip_longest(*columns, fillvalue=""))
    width = max(len(one) for one in (_(STATES[0]), *columns[0]))
    heads = tuple(map(_, STATES))
    shown = [heads, *rows]
    told = [f"    {broken.ljust(width)} | {fixed}".rstrip() for broken, fixed in shown]
    return [told[0], f"    {'-' * width}-+-{'-' * max(map(len, columns[1]))}", *told[1:]]


def _build(folder: Path, settings: Settings, progress: Progress) -> None:
    progress(_("building the museum"))
    submission_files.pack(FOLDER, folder / FILES)
    tools = toolchains.of_machine(Path.home())
    made = Recipe("C with make", (("make",),), ())
    failure = check.build(made, folder, check.DEFAULT_SEED, tools, settings, progress)
    if failure:
        raise CannotRun(f"the museum cannot be built: {failure[2]}", "apt-get install gcc make")


def _exhibit(name: str, state: str) -> Recipe:
    return Recipe("C", (), (f"{PLACE}/{name}", state))


def show_text(exhibits: tuple[Exhibit, ...]) -> str:
    """The exhibits for a terminal: the guilty lines, what fails, and that it passes when fixed."""
    told = []
    for exhibit in exhibits:
        told += [f"{exhibit.name}: {exhibit.about}", "", *side_by_side(exhibit.name), ""]
        told += [f"  {_('broken')}:", *text.case_lines(exhibit.broken, ()), ""]
        told += [f"  {_('fixed')}:", *text.case_lines(exhibit.fixed, ()), "", ""]
    return "\n".join(told).rstrip() + "\n"


def works(exhibits: tuple[Exhibit, ...]) -> bool:
    """Whether every exhibit fails when broken and passes when fixed, as it must."""
    return all(
        exhibit.broken.verdict == Verdict.FAILED and exhibit.fixed.verdict == Verdict.PASSED
        for exhibit in exhibits
    )


def test_program(submission: Path, settings: Settings, progress: Progress) -> tuple[Visit, ...]:
    """Let a student's test program judge the exhibits, each broken and fixed.

    It is run as `main HOST PORT` against an exhibit and judges it by its exit status: 0
    for a correct echo server, 1 for a wrong one.
    """
    chosen = [name for name in names() if name not in NOT_ASKED]
    with workplace(settings.cache) as folder:
        _build(folder, settings, progress)
        found = _add_test_program(submission, folder, settings, progress)
        pairs = [(name, state) for name in chosen for state in STATES]
        jobs = [_visit_job(name, state, found) for name, state in pairs]
        progress(_("letting the test program judge the exhibits"))
        done = case_runs.perform(jobs, folder, settings, progress)
    return tuple(
        _visit(name, state, performed) for (name, state), performed in zip(pairs, done, strict=True)
    )


def _add_test_program(
    submission: Path, folder: Path, settings: Settings, progress: Progress
) -> Recipe:
    """Build the test program in its own folder, and put that beside the museum."""
    own = folder / TEST
    own.mkdir()
    tools = toolchains.of_machine(Path.home())
    given = staging.unpacked(submission, own / "unpacked")
    found = check.find(given, (TEST,), own, tools)
    toolchains.need(found, tools)
    failure = check.build(found, own, check.DEFAULT_SEED, tools, settings, progress)
    if failure:
        raise BadInput(f"the test program cannot be built: {failure[2]}", "correct it")
    found = check.built(found, own, (TEST,))
    case_runs.share(own / FILES, folder / FILES / TEST)
    run = tuple(word.replace(PLACE, f"{PLACE}/{TEST}") for word in found.run)
    return dataclasses.replace(found, run=run, folder=f"{TEST}/{found.folder}".rstrip("/"))


def _visit_job(name: str, state: str, found: Recipe) -> Job:
    return Job(
        scenario="visit",
        script=str(TEST_SCRIPT),
        topology=case_runs.prepared(exercise.STANDARD_PAIR, found),
        parameters={
            "exhibit": json.dumps([f"{PLACE}/{name}", state]),
            "program": json.dumps(found.run),
        },
        seed=check.DEFAULT_SEED,
        capture=False,
        folders=(*SHOWN, *toolchains.of_machine(Path.home()).folders),
        workdir=FILES,
        lecture=False,
    )


def _visit(name: str, state: str, performed: Performed) -> Visit:
    if performed.record is None:
        why = performed.stopped or performed.broke
        return Visit(name, state, None, False, why)
    status = guest_results.visit(performed.record).status
    if status not in (0, 1):
        return Visit(name, state, None, False, f"it ended with status {status}, not 0 or 1")
    caught = status == 1
    return Visit(name, state, caught, caught == (state == "broken"), "")


def visits_text(visits: tuple[Visit, ...]) -> str:
    """What the test program said about each exhibit, and how many it judged correctly."""
    rows: list[tuple[str, ...]] = [(_("exhibit"), _("broken"), _("fixed"), "")]
    by_name: dict[str, dict[str, Visit]] = {}
    for visit in visits:
        by_name.setdefault(visit.name, {})[visit.state] = visit
    for name, states in by_name.items():
        said = [_said(states[state]) for state in STATES]
        right = all(visit.right for visit in states.values())
        rows.append((name, *said, _("caught") if right else _("not caught")))
    caught = sum(all(visit.right for visit in states.values()) for states in by_name.values())
    total = _("{count} of {of} exhibits caught").format(count=caught, of=len(by_name))
    return "\n".join([*text.table(rows), "", total]) + "\n"


def _said(visit: Visit) -> str:
    if visit.caught is None:
        return visit.why
    return _("says it is wrong") if visit.caught else _("says it is right")
