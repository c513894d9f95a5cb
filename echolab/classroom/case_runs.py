"""Perform the cases of a check in the exact engine, and say whose fault it is if one breaks.

Strategy: all cases of a check are performed in one guest, each on a fresh network. A program that
ends the guest itself (it computes for ever, or takes all memory) also ends the case under way; the
remaining cases are performed in another guest.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from echolab.classroom import interpreter
from echolab.classroom.case import Case, CaseRun
from echolab.classroom.exercise import Exercise
from echolab.classroom.languages import PLACE, Recipe
from echolab.engines import job_files
from echolab.engines.exact import engine
from echolab.engines.exact.diagnosis import still_running
from echolab.engines.exact.engine import Repeats
from echolab.errors import EcholabError, ScriptError
from echolab.job import Job
from echolab.progress import Progress
from echolab.record import Record
from echolab.settings import Settings
from echolab.topology import Topology

STALL_LIMIT = 3.0
"""Seconds of processor time within which a case must make progress."""

MEMORY = 256
"""Mebibytes of a guest in which a submission is judged: room for a Java machine on each host, but
so little that a program that takes all of it is noticed within half of `STALL_LIMIT`."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """Limits of a guest: its memory in mebibytes, and `stall_limit`, as in `STALL_LIMIT`."""

    stall_limit: float = STALL_LIMIT
    memory: int = MEMORY


BUILD_LIMITS = Limits(stall_limit=20.0, memory=512)
"""A compiler may compute for long and use much memory before it shows any progress."""

HEAVY_BUILD_LIMITS = Limits(stall_limit=180.0, memory=1024)
"""Languages in which one run of the compiler makes a whole program with its libraries."""

EXPLAIN_LIMIT = 20.0
"""Seconds of wall time within which a program that computes without end is asked where."""

FILES = "submission"
"""The folder, in a run's own, from which the guest takes the submission."""

SHOWN = (FILES, interpreter.FOLDER)
"""What the hosts see of a run's folder."""


@dataclasses.dataclass(frozen=True)
class Performed:
    """One case that was performed: its record, or what ended it.

    `stopped` says why the submission had to be stopped, `spins` that it computed without end;
    `broke` says what broke on our side. `folder` holds the captures. `again` is the record of a
    second, traced performance, with its captures in `again_folder`; None if there was none.
    """

    folder: Path
    record: Record | None = None
    stopped: str = ""
    spins: bool = False
    broke: str = ""
    again: Record | None = None
    again_folder: Path = Path()


def perform(
    jobs: Sequence[Job],
    folder: Path,
    settings: Settings,
    progress: Progress,
    again: Repeats | None = None,
    *,
    limits: Limits = Limits(),
) -> list[Performed]:
    """Perform these jobs in order, in folders of their own below `folder`.

    `folder` contains the submission, as `FILES`. The cases in `again` are performed last in
    each guest, after everything that is judged, so that they cannot change it. A program that
    had to be stopped in one run of a case is not performed in its other runs; of the first that
    computed without end it is told where it did, if cases may be performed again.
    """
    again = again or Repeats((), 0)
    done: list[Performed] = []
    spinning = 0
    while len(done) < len(jobs):
        own = folder / f"guest-{len(done)}"
        left = dataclasses.replace(again, jobs=again.jobs[len(done) :])
        done += in_one_guest(
            jobs[len(done) :], folder / FILES, own, settings, progress, again=left, limits=limits
        )
        spinning += done[-1].spins
        if done[-1].spins and spinning == 1 and again.most:
            where = _where(jobs[len(done) - 1], folder, settings, progress, limits)
            told = done[-1].stopped.removesuffix(_spins("")) + _spins(where)
            done[-1] = dataclasses.replace(done[-1], stopped=told)
        while done[-1].stopped and len(done) < len(jobs) and _same(jobs[len(done) - 1 :]):
            done.append(done[-1])
    return done


def _same(jobs: Sequence[Job]) -> bool:
    """Whether the first two jobs are runs of the same case with the same program."""
    one, other = jobs[:2]
    return (one.scenario, one.parameters) == (other.scenario, other.parameters)


def in_one_guest(
    jobs: Sequence[Job],
    files: Path,
    own: Path,
    settings: Settings,
    progress: Progress,
    *,
    again: Repeats | None = None,
    limits: Limits = Limits(),
) -> list[Performed]:
    """Perform jobs up to the one that ends the guest, in the new folder `own`.

    `files` is the submission, which the hosts see next to a Python installation.
    """
    lay_out(files, own)
    chosen = dataclasses.replace(settings, folder=own, wall_limit=limits.stall_limit)
    results = engine.run_all(jobs, chosen, progress, again, memory=limits.memory)
    return [_performed(own, number, result) for number, result in enumerate(results)]


def _spins(where: str) -> str:
    """What is said of a program that computed without end, and where it did."""
    return f"the program computed on and on without ever waiting, so that time stood still{where}"


def _where(job: Job, folder: Path, settings: Settings, progress: Progress, limits: Limits) -> str:
    """Where a program computes without end, as far as a repetition of the case shows it."""
    own = folder / "spinning"
    lay_out(folder / FILES, own)
    here = dataclasses.replace(settings, folder=own, wall_limit=EXPLAIN_LIMIT)
    last = engine.spinning_at(job, here, progress, limits.memory)
    return f"{last.where().replace(f'{PLACE}/', '', 1)}{last.last_calls()}"


def lay_out(files: Path, own: Path) -> None:
    """Make the new folder of a guest, with what its hosts see: a submission, a Python."""
    own.mkdir()
    furnish(files, own)


def furnish(files: Path, own: Path) -> None:
    """Put into a guest's folder what its hosts see."""
    share(files, own / FILES)
    interpreter.furnish(own / interpreter.FOLDER)


def share(files: Path, place: Path) -> None:
    """Show the same files at another place of the same file system."""
    shutil.copytree(files, place, copy_function=os.link)


def job(
    exercise: Exercise,
    case: Case,
    found: Recipe,
    run: CaseRun,
    *,
    folders: Sequence[str] = (),
    turn: int = 0,
    trace: bool = False,
) -> Job:
    """The job of one run of a case with the program of a recipe.

    `folders` hold what runs it, if that is in a user's home; `turn` is the job's. With `trace`, its
    system calls and packets are kept.
    """
    return Job(
        scenario=case.name,
        script=str(exercise.check),
        topology=prepared(exercise.topology, found),
        parameters={"program": json.dumps(list(found.run)), "trace": trace},
        seed=run.seed,
        schedule=run.schedule,
        capture=trace,
        folders=(*SHOWN, *folders),
        workdir=FILES,
        lecture=False,
        turn=turn,
    )


def prepared(topology: Topology, found: Recipe) -> Topology:
    """The hosts with the environment, and the working folder, that a program needs."""
    workdir = f"{PLACE}/{found.folder}" if found.folder else ""
    hosts = tuple(
        dataclasses.replace(
            host,
            environment={**host.environment, **found.environment},
            workdir=workdir or host.workdir,
        )
        for host in topology.hosts
    )
    return dataclasses.replace(topology, hosts=hosts)


def _performed(run: Path, number: int, result: Record | EcholabError) -> Performed:
    folder = run / str(number)
    if not isinstance(result, EcholabError):
        again = engine.repeated(run, number)
        return Performed(
            folder, result, again=again, again_folder=engine.repeat_folder(run, number)
        )
    if isinstance(result, ScriptError):
        return Performed(folder, broke=f"the check is wrong: {result.message}")
    guilty = still_running(folder / job_files.PROGRAMS)
    if guilty and not (folder / job_files.ANSWER).exists():
        where = sorted({program.host for program in guilty})
        spins = "no lab time passed" in result.message
        fault = _spins("") if spins else result.message
        return Performed(folder, stopped=f"{', '.join(where)}: {fault}", spins=spins)
    return Performed(folder, broke=result.message)
