"""The bug museum: the lecture's mistakes as programs, each shown broken and mended."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from echolab.classroom import checking, exercise, parcel, performing, text
from echolab.classroom.exercise import Exercise
from echolab.classroom.performing import FILES, SHOWN, Performed
from echolab.classroom.recipe import PLACE, Recipe, recipe
from echolab.classroom.verdict import CaseResult, Verdict
from echolab.classroom.workplace import workplace
from echolab.engines import Progress, Settings
from echolab.errors import BadInput, CannotRun
from echolab.job import Job

FOLDER = exercise.FOLDER / "museum"

TEST_SCRIPT = Path(__file__).with_name("inside") / "visit.py"

NOT_ASKED = frozenset({"no-reuse", "family-unset"})
"""Exhibits that a test program on another host cannot tell: one fails when it is started
again, one is a client."""

STATES = ("broken", "mended")


@dataclasses.dataclass(frozen=True)
class Exhibit:
    """One exhibit as it was shown: its file's first line, broken and mended."""

    name: str
    about: str
    broken: CaseResult
    mended: CaseResult


@dataclasses.dataclass(frozen=True)
class Visit:
    """What a student's test program said about one exhibit in one state.

    `caught` is its judgement; `right` whether that is the truth. None where our side broke.
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
    """The exhibits, or the one of that name, performed broken and mended.

    Raises BadInput for an unknown name, CannotRun where the museum cannot be built.
    """
    found = _museum()
    cases = [case for case in found.cases if chosen in (None, case.name)]
    if not cases:
        raise BadInput(f"the museum has no exhibit '{chosen}'", f"it has {', '.join(names())}")
    with workplace(settings.cache) as folder:
        _build(folder, settings, progress)
        jobs = [
            performing.job(
                found, case, (f"{PLACE}/{case.name}", state), checking.DEFAULT_SEED, trace=True
            )
            for case in cases
            for state in STATES
        ]
        progress("showing the museum")
        done = performing.perform(jobs, folder, settings, progress)
        results = [
            checking.result(case, number // 2 + 1, performed, with_timeline=True)
            for number, (case, performed) in enumerate(
                zip([case for case in cases for _ in STATES], done, strict=True)
            )
        ]
    pairs = zip(results[::2], results[1::2], strict=True)
    return tuple(
        Exhibit(case.name, about(case.name), broken, mended)
        for case, (broken, mended) in zip(cases, pairs, strict=True)
    )


def about(name: str) -> str:
    """What an exhibit shows: the comment on the first line of its source."""
    first = (FOLDER / f"{name}.c").read_text(encoding="utf-8").partition("\n")[0]
    return first.strip("/* ")


def _build(folder: Path, settings: Settings, progress: Progress) -> None:
    progress("building the museum")
    parcel.pack(FOLDER, folder / FILES)
    failure = checking.build(
        Recipe("C with make", (("make",),), ()), folder, checking.DEFAULT_SEED, settings, progress
    )
    if failure:
        raise CannotRun(f"the museum cannot be built: {failure}", "apt-get install gcc make")


def show_text(exhibits: tuple[Exhibit, ...]) -> str:
    """The exhibits for a terminal: what fails, and that it does not fail when mended."""
    lines = []
    for exhibit in exhibits:
        lines += [f"{exhibit.name}: {exhibit.about}", ""]
        lines += ["  broken:", *text.case_lines(exhibit.broken, ()), ""]
        lines += ["  mended:", *text.case_lines(exhibit.mended, ()), "", ""]
    return "\n".join(lines).rstrip() + "\n"


def works(exhibits: tuple[Exhibit, ...]) -> bool:
    """Whether every exhibit fails broken and passes mended, as it should."""
    return all(
        exhibit.broken.verdict == Verdict.FAILED and exhibit.mended.verdict == Verdict.PASSED
        for exhibit in exhibits
    )


def test_program(submission: Path, settings: Settings, progress: Progress) -> tuple[Visit, ...]:
    """Let a student's test program judge the exhibits, each broken and mended.

    It is run as `main HOST PORT` against an exhibit and says by its exit status what it
    thinks: 0 for a right echo server, 1 for a wrong one.
    """
    chosen = [name for name in names() if name not in NOT_ASKED]
    with workplace(settings.cache) as folder:
        _build(folder, settings, progress)
        found, failure = _add_test_program(submission, folder, settings, progress)
        if failure:
            raise BadInput(f"the test program cannot be built: {failure}", "mend it")
        pairs = [(name, state) for name in chosen for state in STATES]
        jobs = [_visit_job(name, state, found) for name, state in pairs]
        progress("letting the test program judge the exhibits")
        done = performing.perform(jobs, folder, settings, progress)
    return tuple(
        _visit(name, state, performed) for (name, state), performed in zip(pairs, done, strict=True)
    )


def _add_test_program(
    submission: Path, folder: Path, settings: Settings, progress: Progress
) -> tuple[Recipe, str]:
    """Build the test program beside the museum, in a folder of its own."""
    own = folder / "test"
    own.mkdir()
    names = parcel.pack(submission, own / FILES)
    found = recipe(names)
    failure = checking.build(found, own, checking.DEFAULT_SEED, settings, progress)
    performing.share(own / FILES, folder / FILES / "test")
    run = tuple(word.replace(PLACE, f"{PLACE}/test") for word in found.run)
    return dataclasses.replace(found, run=run), failure


def _visit_job(name: str, state: str, found: Recipe) -> Job:
    return Job(
        scenario="visit",
        script=str(TEST_SCRIPT),
        topology=exercise.STANDARD_PAIR,
        parameters={
            "exhibit": json.dumps([f"{PLACE}/{name}", state]),
            "program": json.dumps(found.run),
        },
        seed=checking.DEFAULT_SEED,
        capture=False,
        folders=SHOWN,
    )


def _visit(name: str, state: str, performed: Performed) -> Visit:
    if performed.record is None:
        why = performed.stopped or performed.broke
        return Visit(name, state, None, False, why)
    status = performed.record["claims"][0]["seen"]
    if status not in (0, 1):
        return Visit(name, state, None, False, f"it ended with status {status}, not 0 or 1")
    caught = status == 1
    return Visit(name, state, caught, caught == (state == "broken"), "")


def visits_text(visits: tuple[Visit, ...]) -> str:
    """What the test program said about each exhibit, and how many it judged rightly."""
    rows: list[tuple[str, ...]] = [("exhibit", "broken", "mended", "")]
    by_name: dict[str, dict[str, Visit]] = {}
    for visit in visits:
        by_name.setdefault(visit.name, {})[visit.state] = visit
    for name, states in by_name.items():
        said = [_said(states[state]) for state in STATES]
        right = all(visit.right for visit in states.values())
        rows.append((name, *said, "caught" if right else "not caught"))
    caught = sum(all(visit.right for visit in states.values()) for states in by_name.values())
    return "\n".join([*text.table(rows), "", f"{caught} of {len(by_name)} exhibits caught"]) + "\n"


def _said(visit: Visit) -> str:
    if visit.caught is None:
        return visit.why
    return "says it is wrong" if visit.caught else "says it is right"
