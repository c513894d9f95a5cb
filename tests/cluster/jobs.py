"""Short jobs of the tests, which Dask workers import."""

from __future__ import annotations

import os
import signal
import time

from echolab.progress import Progress
from echolab.runs.slots import NEVER, Board
from echolab.settings import Settings


def squared(settings: Settings, job: int, progress: Progress) -> tuple[int, int]:
    progress(f"squaring {job}")
    return job, job * job


def killed_by_three(settings: Settings, job: int, progress: Progress) -> tuple[int, int]:
    if job == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return job, job * job


def slept(settings: Settings, job: float, progress: Progress) -> float:
    time.sleep(job)
    return job


def lost(job: int, why: str) -> tuple[int, int]:
    return job, -1


def written(settings: Settings, job: int, progress: Progress) -> tuple[int, int]:
    """Needs a disk that the machine with the cache `full` does not have (full(4)).

    The other machine waits until that one has failed.
    """
    room = settings.cache.parent.parent
    if settings.cache.parent.name == "full":
        (room / "failed").touch()
        with open("/dev/full", "w", encoding="utf-8") as disk:  # noqa: PTH123
            disk.write(str(job))
    while not (room / "failed").exists():
        time.sleep(0.01)
    return job, job * job


def squared_slowly(settings: Settings, job: int, progress: Progress) -> tuple[int, int]:
    time.sleep(0.02)
    return job, job * job


def awaited(board: Board, settings: Settings, job: int, progress: Progress) -> tuple[int, int]:
    """Job 0 finds a failure at place 7; both go on until they know of it."""
    slots = board.here(settings.folder)
    if job == 0:
        progress("7")
    while slots.least() == NEVER:
        time.sleep(0.01)
    return job, slots.least()
