"""The exact engine: the whole lab in virtual time, inside a kernel that is one process.

The host side: it hands the job to a guest, boots it, and takes in what it left. The guest
side is `echolab.engines.guest`, which performs the job on the namespaces engine. The two
share the run's folder and nothing else: `request.json` goes in; `guest.json`, the captures
and `programs.log` come out. The guest's console is kept only to say what went wrong.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from echolab.engines import Lack, Progress, Settings, answers
from echolab.engines.answers import ANSWER, PROGRAMS, REQUEST
from echolab.engines.autopsy import why_it_died, why_it_hung
from echolab.engines.bytecode import compile_all
from echolab.engines.idle import Idle, Stuck
from echolab.errors import CannotRun, EcholabError
from echolab.job import Job
from echolab.kernel import build
from echolab.kernel.boot import Boot, Ended, Guest, guest_path
from echolab.kernel.command import ENVIRONMENT
from echolab.kernel.image import Kernel
from echolab.kernel.memory import choose_folder

NAME = "exact"

MEMORY = 512
"""The guest's memory in mebibytes; what it does not touch costs nothing."""

MEMORY_PER_HOST = 8
"""Mebibytes for one host of a large lab: one program of ours changes about five of them."""

INIT = Path(__file__).with_name("guest.py")

LONGEST_BATCH = 3600.0
"""Seconds of wall time that a guest with several jobs may take, whatever it does."""

FALLBACK = Path("/var/tmp")  # noqa: S108
"""Where the guest's memory lies where no file system in memory has the room."""


def lack(settings: Settings) -> Lack | None:
    """None where this machine can run the engine, with a kernel that is built or can be."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return Lack("its kernel runs on x86-64 Linux only", "use --engine docker")
    if not shutil.which("tc", path=ENVIRONMENT["PATH"]):
        return Lack("tc, which shapes links, is not there", "run: sudo apt-get install -y iproute2")
    try:
        choose_folder(MEMORY, FALLBACK)
        if build.find(settings.cache, settings.kernel):
            return None
    except EcholabError as error:
        return Lack(error.message, error.remedy)
    missing = build.missing_tools()
    if not missing:
        return None
    packages = " ".join(build.packages_for(missing))
    return Lack(
        f"its kernel is not built yet, and {', '.join(missing)} are not there to build it",
        f"run: sudo apt-get install -y {packages}",
    )


def run(job: Job, settings: Settings, progress: Progress) -> dict[str, Any]:
    """Perform the job in a guest and return its record, not judged yet.

    Raises what the guest raised, and CannotRun where it ended without an answer: it
    panicked, ran out of memory, or let `settings.wall_limit` seconds pass.
    """
    kernel = build.ensure(settings.cache, progress, settings.kernel)
    folder = settings.folder
    answers.write(folder / REQUEST, json.dumps({"job": job.to_json()}))
    try:
        ended = _boot(kernel, [job], folder, settings.wall_limit, progress)
        answer = _answer(folder, ended, settings.wall_limit)
    finally:
        for name in (REQUEST, ANSWER, f"{ANSWER}.draft"):
            (folder / name).unlink(missing_ok=True)
    record: dict[str, Any] = answer["record"]
    return {**record, "guest_kernel": {"source": kernel.source, "digest": kernel.digest}}


@dataclasses.dataclass(frozen=True)
class Again:
    """Jobs that are performed when all others have been, in the same guest.

    `jobs` has one for each of the others, in their order. Of these the first `most` are
    performed whose counterpart made a claim that does not hold.
    """

    jobs: Sequence[Job]
    most: int


def run_all(
    jobs: Sequence[Job],
    settings: Settings,
    progress: Progress,
    again: Again | None = None,
    *,
    memory: int | None = None,
) -> list[dict[str, Any] | EcholabError]:
    """Perform jobs one after the other in one guest, each on a network of its own.

    Returns each job's record, or the error that ended it. The list ends with the error of
    the job in which the guest itself ended, if one did: then the jobs behind it have not
    been performed. Captures are in the folders `0`, `1`, … of the run's folder. The guest
    is ended, too, when it has used `settings.wall_limit` seconds of processor time
    without a program on its hosts starting or ending. The first job's seed is the guest's.
    What was performed `again` is had by `repeated`. `memory` is the guest's in mebibytes;
    None is what its hosts are thought to need.
    """
    kernel = build.ensure(settings.cache, progress, settings.kernel)
    folder = settings.folder
    again = again or Again((), 0)
    for number in range(len(jobs)):
        (folder / str(number)).mkdir()
    for number in range(len(again.jobs)):
        repeat_folder(folder, number).mkdir()
    request = {
        "jobs": [job.to_json() for job in jobs],
        "again": [job.to_json() for job in again.jobs],
        "most": again.most,
    }
    answers.write(folder / REQUEST, json.dumps(request))
    try:
        ended = _boot(
            kernel, jobs, folder, settings.wall_limit, progress, several=True, memory=memory
        )
    finally:
        (folder / REQUEST).unlink(missing_ok=True)
        (folder / ANSWER).unlink(missing_ok=True)
    results: list[dict[str, Any] | EcholabError] = []
    for number in range(len(jobs)):
        own = folder / str(number)
        whole = (own / ANSWER).exists()
        try:
            results.append(_answer(own, ended, settings.wall_limit)["record"])
        except EcholabError as error:
            results.append(error)
        if not whole:
            break
    return results


def repeat_folder(folder: Path, number: int) -> Path:
    """The folder of the job of that number when it is performed again."""
    return folder / f"again-{number}"


def repeated(folder: Path, number: int) -> dict[str, Any] | None:
    """The record of the job of that number when it was performed again; None where it was not."""
    try:
        answer = json.loads((repeat_folder(folder, number) / ANSWER).read_text())
    except (OSError, ValueError):
        return None
    record: dict[str, Any] | None = answer.get("record")
    return record


def interpreter() -> Path:
    """The interpreter itself, not the virtual environment's name for it."""
    return Path(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))


def memory_for(hosts: int) -> int:
    """The guest's memory in mebibytes for a lab of that many hosts."""
    return max(MEMORY, MEMORY // 2 + MEMORY_PER_HOST * hosts)


def _boot(
    kernel: Kernel,
    jobs: Sequence[Job],
    folder: Path,
    wall_limit: float,
    progress: Progress,
    *,
    several: bool = False,
    memory: int | None = None,
) -> Ended:
    size = memory or memory_for(max(len(job.topology.hosts) for job in jobs))
    boot = Boot(
        init=(guest_path("python"), "-S", "-E", "-B", guest_path("guest.py")),
        memory=size,
        seed=jobs[0].seed,
    )
    room = choose_folder(size, FALLBACK)
    if not room.in_memory:
        progress(f"no file system in memory has {size} MiB free: the guest's is in {room.path}")
    compile_all()
    links = {"python": interpreter(), "guest.py": INIT}
    log = folder / PROGRAMS
    with Guest(kernel, boot, folder, room.path, links=links) as guest:
        if several:
            logs = [
                own / PROGRAMS
                for number in range(len(jobs))
                for own in (folder / str(number), repeat_folder(folder, number))
            ]
            try:
                return guest.wait(LONGEST_BATCH, Idle(guest.pid, logs, wall_limit).look)
            except Stuck:
                return guest.wait(0)
        return guest.wait(wall_limit, tick=lambda: progress(answers.doing(log, NAME)))


def _answer(folder: Path, ended: Ended, wall_limit: float) -> dict[str, Any]:
    """What the guest answered; its error is raised here, and so is the want of an answer."""
    try:
        answer: dict[str, Any] = json.loads((folder / ANSWER).read_text())
    except FileNotFoundError:
        log = folder / PROGRAMS
        if ended.timed_out:
            raise why_it_hung(ended.console, log, wall_limit) from None
        raise why_it_died(ended.status, ended.console, log) from None
    except (OSError, ValueError) as error:
        raise CannotRun(
            f"what the guest left in {folder} cannot be read: {error}", "run it again"
        ) from error
    if "error" in answer:
        raise answers.error(answer["error"])
    return answer
