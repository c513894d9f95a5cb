"""Perform the cases of a check in the exact engine, and say whose fault it is if one breaks.

Strategy: all cases of a check are performed in one guest, each on a fresh network. What
ends the guest itself (a program that computes for ever, or takes all its memory) ends the
case that was under way; the remaining ones are performed in another guest.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from echolab.classroom import interpreter
from echolab.classroom.case import Case
from echolab.classroom.exercise import Exercise
from echolab.engines import Progress, Settings, answers, exact
from echolab.engines.autopsy import still_running
from echolab.engines.exact import Again
from echolab.errors import EcholabError, ScriptError
from echolab.job import Job
from echolab.record import Record

PATIENCE = 3.0
"""Seconds of processor time in which a case must get somewhere."""

MEMORY = 256
"""Mebibytes of a guest in which a submission is judged: room for a Java machine on each host,
and little enough that a program which takes all of it is found out in half of `PATIENCE`."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """Bounds of a guest: its memory in mebibytes, and `patience`, as `PATIENCE` is."""

    patience: float = PATIENCE
    memory: int = MEMORY


BUILD_LIMITS = Limits(patience=20.0, memory=512)
"""A compiler may compute for long and take much memory before anything is seen of it."""

FILES = "submission"
"""The folder, in a run's own, from which the guest takes the submission."""

SHOWN = (FILES, interpreter.FOLDER)
"""What the hosts see of a run's folder."""


@dataclasses.dataclass(frozen=True)
class Performed:
    """One case that was performed: its record, or what ended it.

    `stopped` tells what the submission did that had to be stopped; `broke` what broke on
    our side. `folder` holds the captures. `again` is the record of the case performed
    once more, watched, with its captures in `again_folder`; None where it was not.
    """

    folder: Path
    record: Record | None = None
    stopped: str = ""
    broke: str = ""
    again: Record | None = None
    again_folder: Path = Path()


def perform(
    jobs: Sequence[Job],
    folder: Path,
    settings: Settings,
    progress: Progress,
    again: Again | None = None,
    *,
    limits: Limits = Limits(),
) -> list[Performed]:
    """Perform these jobs in their order, in folders of their own below `folder`.

    `folder` has the submission in it, as `FILES`. What shall be performed `again` is so at
    the end of each guest, behind all that is judged, which it cannot change therefore.
    """
    again = again or Again((), 0)
    done: list[Performed] = []
    while len(done) < len(jobs):
        own = folder / f"guest-{len(done)}"
        left = dataclasses.replace(again, jobs=again.jobs[len(done) :])
        done += in_one_guest(
            jobs[len(done) :], folder / FILES, own, settings, progress, again=left, limits=limits
        )
    return done


def in_one_guest(
    jobs: Sequence[Job],
    files: Path,
    own: Path,
    settings: Settings,
    progress: Progress,
    *,
    again: Again | None = None,
    limits: Limits = Limits(),
) -> list[Performed]:
    """Perform jobs up to the one that ends the guest, in the new folder `own`.

    `files` is the submission, which the hosts see beside a Python of its own.
    """
    own.mkdir()
    share(files, own / FILES)
    interpreter.furnish(own / interpreter.FOLDER)
    chosen = dataclasses.replace(settings, folder=own, wall_limit=limits.patience)
    results = exact.run_all(jobs, chosen, progress, again, memory=limits.memory)
    return [_performed(own, number, result) for number, result in enumerate(results)]


def share(files: Path, place: Path) -> None:
    """Show the same files at another place of the same file system."""
    shutil.copytree(files, place, copy_function=os.link)


def job(
    exercise: Exercise, case: Case, run: Sequence[str], seed: int, *, trace: bool = False
) -> Job:
    """The job that performs one case with the program that `run` starts.

    With `trace`, its system calls and packets are kept.
    """
    return Job(
        scenario=case.name,
        script=str(exercise.check),
        topology=exercise.topology,
        parameters={"program": json.dumps(list(run)), "trace": trace},
        seed=seed,
        capture=trace,
        folders=SHOWN,
    )


def _performed(run: Path, number: int, result: Record | EcholabError) -> Performed:
    folder = run / str(number)
    if not isinstance(result, EcholabError):
        again = exact.repeated(run, number)
        return Performed(folder, result, again=again, again_folder=exact.repeat_folder(run, number))
    if isinstance(result, ScriptError):
        return Performed(folder, broke=f"the check is wrong: {result.message}")
    guilty = still_running(folder / answers.PROGRAMS)
    if guilty and not (folder / answers.ANSWER).exists():
        where = sorted({program.host for program in guilty})
        return Performed(folder, stopped=f"{', '.join(where)}: {_fault(result)}")
    return Performed(folder, broke=result.message)


def _fault(error: EcholabError) -> str:
    if "no lab time passed" in error.message:
        return "the program computed on and on without ever waiting, so that time stood still"
    return error.message
