"""The further runs of cases that explore: which one fails, and the least one that fails alike.

Strategy: a case that passes without faults is performed under each of its schedules. The first
schedule under which it fails is made simpler in a guest that stays, as long as the same
expectation is not met (`echolab.classroom.least`). What the student is told is that least run.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from echolab.classroom import case_result, case_runs
from echolab.classroom.case import Case, CaseRun
from echolab.classroom.case_runs import FILES, Performed
from echolab.classroom.least import least
from echolab.classroom.verdict import Verdict
from echolab.engines.exact import engine
from echolab.engines.persistent import PersistentLab
from echolab.errors import CannotRun
from echolab.job import Job
from echolab.language import translate as _
from echolab.progress import Progress
from echolab.record import Record
from echolab.schedule import Schedule
from echolab.settings import Settings

JobOf = Callable[[Case, CaseRun, int], Job]
"""The job of one run of a case, in its turn."""


@dataclasses.dataclass(frozen=True)
class Found:
    """The run of a case that counts: which one, and what came of it."""

    run: CaseRun
    performed: Performed


def turns(cases: Sequence[Case], seed: int) -> Mapping[str, int]:
    """The turn of the first further run of each case by name, were they all performed."""
    found, turn = {}, 1
    for case in cases:
        found[case.name] = turn
        turn += len(case.runs(seed)) - 1
    return found


def explored(
    cases: Sequence[Case],
    job: JobOf,
    turns: Mapping[str, int],
    seed: int,
    folder: Path,
    settings: Settings,
    progress: Progress,
) -> Mapping[str, Found]:
    """What further runs found of these cases, by name; nothing of those that pass all.

    Their runs begin in these `turns`, so that each goes the same way whichever others there are.
    `folder` contains the submission.
    """
    runs = [
        (case, run, turn)
        for case in cases
        for turn, run in enumerate(case.runs(seed)[1:], turns[case.name])
    ]
    if not runs:
        return {}
    work = folder / "explored"
    work.mkdir()
    case_runs.share(folder / FILES, work / FILES)
    jobs = [job(case, run, turn) for case, run, turn in runs]
    done = case_runs.perform(jobs, work, settings, progress)
    found: dict[str, Found] = {}
    for (case, run, _turn), performed in zip(runs, done, strict=True):
        if case.name not in found and not passed(case, performed):
            found[case.name] = Found(run, performed)
    for number, case in enumerate(one for one in cases if one.name in found):
        first = found[case.name]
        if first.performed.record is not None:
            place = work / f"least-{number}"
            simpler = _Simpler(case, first, job, folder / FILES, place, settings, progress)
            found[case.name] = simpler.found()
    return found


def passed(case: Case, performed: Performed) -> bool:
    """Whether a run of a case passed."""
    return performed.record is not None and _failing(case, performed.record) is None


def _failing(case: Case, record: Record) -> str | None:
    """The expectation that was not met in a run; None if it passed, empty if not judged."""
    told = case_result.case_result(case, 0, record)
    return None if told.verdict == Verdict.PASSED else told.expectation


class _Simpler:
    """Makes a run that failed simpler, in a guest that stays; another one where that ends."""

    def __init__(
        self,
        case: Case,
        first: Found,
        job: JobOf,
        files: Path,
        place: Path,
        settings: Settings,
        progress: Progress,
    ) -> None:
        self._case, self._best, self._job = case, first, job
        self._files, self._place = files, place
        self._settings, self._progress = settings, progress
        record = first.performed.record
        self._expectation = _failing(case, record) if record is not None else ""
        self._guests = contextlib.ExitStack()
        self._lab: PersistentLab | None = None
        self._runs = 0

    def found(self) -> Found:
        """The simplest run that was found."""
        if not self._expectation:
            return self._best  # it was not judged
        with self._guests:
            least(self._best.run.schedule, self._fails)
        return self._best

    def _fails(self, schedule: Schedule) -> bool:
        run = dataclasses.replace(self._best.run, schedule=schedule)
        self._runs += 1
        looking = _("looking for the least schedule of faults: run {number}")
        self._progress(looking.format(number=self._runs))
        try:
            record = self._perform(self._job(self._case, run, 1))
        except CannotRun:
            # The program ended the guest, or let time stand still: another failure.
            self._lab = None
            return False
        if _failing(self._case, record) != self._expectation:
            return False
        self._best = Found(run, Performed(self._place, record))
        return True

    def _perform(self, job: Job) -> Record:
        if self._lab is None:
            self._lab = self._guests.enter_context(self._open(job))
        return self._lab.perform(job, f"{self._runs}")

    def _open(self, job: Job) -> PersistentLab:
        self._place = self._place.with_name(f"{self._place.name}-{self._runs}")
        case_runs.lay_out(self._files, self._place)
        chosen = dataclasses.replace(
            self._settings, folder=self._place, wall_limit=case_runs.STALL_LIMIT
        )
        return engine.persistent_lab(job, chosen, self._progress, memory=case_runs.MEMORY)
