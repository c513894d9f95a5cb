"""Who does the work of a command: the processors of this machine, or machines of a cluster.

Strategy: a command hands over jobs that can be pickled and a function that performs one of them.
It is told the settings of the machine that it runs on, and so does not know which that is.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Generator, Iterable
from typing import Protocol, TypeVar

from echolab.errors import CannotRun
from echolab.progress import Progress
from echolab.runs import pool
from echolab.runs.slots import Board, Shared
from echolab.settings import Settings

Job = TypeVar("Job")
Result = TypeVar("Result")

Work = Callable[[Settings, Job, Progress], Result]
"""What is done with a job, with the settings of the machine where it is done.

Their `folder` exists, and is on that machine; what is made in it is removed by who made it.
"""


class NoWorkers(CannotRun):
    """No further job can be performed: whatever hands them out is gone."""


class Workers(Protocol):
    """What performs jobs, as many at a time as `count`, each in a process of its own."""

    @property
    def count(self) -> int: ...

    def board(self, count: int) -> Board:
        """So many numbers that the jobs see wherever they are performed."""

    def run(
        self,
        jobs: Iterable[Job],
        work: Work[Job, Result],
        lost: Callable[[Job, str], Result],
        progress: Progress,
        *,
        in_order: bool = True,
    ) -> Generator[Result, None, None]:
        """Do the work for every job and yield the results (see `echolab.runs.pool.run`).

        Raises NoWorkers if no further job can be performed.
        """


@dataclasses.dataclass(frozen=True)
class Local:
    """The processors of this machine: `count` workers, each with these settings."""

    settings: Settings
    count: int

    def board(self, count: int) -> Board:
        """Numbers in memory that the forked processes share."""
        return Shared(count)

    def run(
        self,
        jobs: Iterable[Job],
        work: Work[Job, Result],
        lost: Callable[[Job, str], Result],
        progress: Progress,
        *,
        in_order: bool = True,
    ) -> Generator[Result, None, None]:
        """Do the work for every job in a forked process of its own."""
        here = functools.partial(work, self.settings)
        return pool.run(jobs, here, lost, progress, workers=self.count, in_order=in_order)
