"""Perform the cases of a check in the exact engine, and say whose fault it is if one breaks.

Strategy: all cases of a check are performed in one guest, each on a fresh network. What
ends the guest itself (a program that computes for ever, or takes all its memory) ends the
case that was under way; the remaining ones are performed in another guest.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from echolab.classroom.case import Case
from echolab.classroom.exercise import Exercise
from echolab.classroom.recipe import PLACE
from echolab.engines import Progress, Settings, exact
from echolab.engines.autopsy import still_running
from echolab.errors import EcholabError
from echolab.job import Job
from echolab.record import Record

FILES = "submission"
"""The folder, in a run's own, from which the guest takes the submission."""


@dataclasses.dataclass(frozen=True)
class Performed:
    """One case that was performed: its record, or what ended it.

    `stopped` tells what the submission did that had to be stopped; `broke` what broke on
    our side. `folder` holds the captures.
    """

    record: Record | None
    stopped: str = ""
    broke: str = ""
    folder: Path = Path()


def perform(
    exercise: Exercise,
    cases: Sequence[Case],
    run: Sequence[str],
    seed: int,
    settings: Settings,
    progress: Progress,
    *,
    trace: bool = False,
) -> list[Performed]:
    """Perform these cases with the program that `run` starts, in their order.

    `settings.folder` has the submission in it. With `trace`, system calls and packets
    are kept.
    """
    jobs = [_job(exercise, case, run, seed, trace) for case in cases]
    done: list[Performed] = []
    while len(done) < len(jobs):
        done += _one_guest(jobs[len(done) :], settings, progress)
    return done


def _job(exercise: Exercise, case: Case, run: Sequence[str], seed: int, trace: bool) -> Job:
    return Job(
        scenario=case.name,
        script=str(exercise.check),
        topology=exercise.topology,
        parameters={"program": json.dumps(list(run)), "trace": trace},
        seed=seed,
        capture=trace,
        folders=(f"{FILES}:{PLACE}",),
    )
