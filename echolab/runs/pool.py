"""One pool of workers: each job in a forked process of its own, so that none harms another.

Strategy: a worker is forked for one job and ends with it; its result comes through a pipe. Whatever
ends a worker, its pipe ends too, and only its own job is lost. That job is run once more, with
nothing beside it, since most workers that die are killed for lack of memory. Only the waiting
process decides: workers ignore SIGINT, which a terminal sends to all of them, undo their work at
the first SIGTERM, and get one when their parent dies (prctl(2), PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import itertools
import os
import signal
import time
from collections.abc import Callable, Generator, Iterable
from multiprocessing.connection import Connection, Pipe, wait
from types import FrameType, TracebackType
from typing import Generic, NoReturn, Self, TypeVar

from echolab import errors
from echolab.engines.namespaces import linux
from echolab.progress import Progress
from echolab.runs import interrupts

Job = TypeVar("Job")
Result = TypeVar("Result")

Work = Callable[[Job, Progress], Result]
"""What a worker does with a job; its result must be picklable, the job need not be."""

UNDOING = 1.5
"""Seconds that workers may take to undo their work before they are killed."""


def processors() -> int:
    """How many processors this process may use (sched_setaffinity(2))."""
    return len(os.sched_getaffinity(0))


def run(
    jobs: Iterable[Job],
    work: Work[Job, Result],
    lost: Callable[[Job, str], Result],
    progress: Progress,
    *,
    workers: int | None = None,
    in_order: bool = True,
) -> Generator[Result, None, None]:
    """Do the work for every job and yield the results, in the jobs' order or as they come.

    A job is taken from `jobs` when a worker is free; there is one worker for each processor
    unless `workers` says otherwise. If a job's worker dies or raises an exception twice, `lost`
    makes its result from the job and the reason. Close the iterator to end the running jobs.
    """
    upcoming = iter(_Task(number, job) for number, job in enumerate(jobs))
    again: collections.deque[_Task[Job]] = collections.deque()
    finished: dict[int, Result] = {}
    yielded = 0
    most = workers or processors()
    with _Workers(work, progress) as under_way:
        while True:
            if again:
                if not under_way:
                    under_way.start(again.popleft())
            else:
                for task in itertools.islice(upcoming, most - len(under_way)):
                    under_way.start(task)
            if not under_way:
                return
            for ended in under_way.wait():
                task = ended.task
                if ended.results:
                    finished[task.number] = ended.results[0]
                elif task.is_second_try:
                    finished[task.number] = lost(task.job, ended.why)
                else:
                    again.append(dataclasses.replace(task, is_second_try=True))
            while (number := yielded if in_order else min(finished, default=-1)) in finished:
                yield finished.pop(number)
                yielded += 1


@dataclasses.dataclass(frozen=True)
class _Task(Generic[Job]):
    number: int
    job: Job
    is_second_try: bool = False


@dataclasses.dataclass
class _Worker(Generic[Job, Result]):
    """A process, its job, and what it sent: one result, or the reason why there is none."""

    task: _Task[Job]
    pid: int
    results: list[Result] = dataclasses.field(default_factory=list)
    why: str = ""


class _Workers(Generic[Job, Result]):
    """The running workers; `close` ends them."""

    def __init__(self, work: Work[Job, Result], progress: Progress) -> None:
        self._work = work
        self._progress = progress
        self._running: dict[Connection, _Worker[Job, Result]] = {}

    def __len__(self) -> int:
        return len(self._running)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self, task: _Task[Job]) -> None:
        """Fork a worker for a job."""
        receiving, sending = Pipe(duplex=False)
        parent = os.getpid()
        with interrupts.held(), sending:
            pid = os.fork()
            if pid == 0:
                _serve(self._work, task.job, sending, parent)
            self._running[receiving] = _Worker(task, pid)

    def wait(self) -> list[_Worker[Job, Result]]:
        """Show progress until at least one worker has ended, and return those that have."""
        ended: list[_Worker[Job, Result]] = []
        while not ended:
            ended = self._receive(None)
        return ended

    def close(self) -> None:
        """End all: by SIGTERM, so that each undoes its work; those that do not are killed.

        They are killed at once if another interrupt comes meanwhile.
        """
        try:
            self._signal(signal.SIGTERM)
            deadline = time.monotonic() + UNDOING
            while self._running and (left := deadline - time.monotonic()) > 0:
                self._receive(left)
        finally:
            self._signal(signal.SIGKILL)
            for connection in tuple(self._running):
                self._reap(connection)

    def _receive(self, timeout: float | None) -> list[_Worker[Job, Result]]:
        """Read one message from each worker that has sent one; return those that ended."""
        ended = []
        for ready in wait(list(self._running), timeout):
            assert isinstance(ready, Connection)
            worker = self._running[ready]
            try:
                kind, value = ready.recv()
            except (EOFError, OSError):
                ended.append(self._reap(ready))
                continue
            if kind == "progress":
                self._progress(value)
            elif kind == "result":
                worker.results.append(value)
            else:
                worker.why = value
        return ended

    def _reap(self, connection: Connection) -> _Worker[Job, Result]:
        worker = self._running[connection]
        _, status = os.waitpid(worker.pid, 0)
        del self._running[connection]
        connection.close()
        code = os.waitstatus_to_exitcode(status)
        if not worker.why:
            worker.why = (
                f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
            )
        return worker

    def _signal(self, number: signal.Signals) -> None:
        # Each is a child that has not been waited for, so its number is still its own.
        for worker in self._running.values():
            os.kill(worker.pid, number)


def _serve(work: Work[Job, Result], job: Job, sending: Connection, parent: int) -> NoReturn:
    """Be the worker of one job; entered with interrupts held, so that none is missed."""
    status = 1
    try:
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGTERM)
        signal.signal(signal.SIGINT, _take_no_notice)
        signal.signal(signal.SIGHUP, _take_no_notice)
        signal.signal(signal.SIGTERM, _interrupt_once)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, interrupts.SIGNALS)
        if os.getppid() == parent:
            result = work(job, lambda line: sending.send(("progress", line)))
            sending.send(("result", result))
            status = 0
    except Exception as error:
        with contextlib.suppress(OSError):
            sending.send(("failure", f"met {errors.unexpected(error).message}"))
    finally:
        os._exit(status)


def _take_no_notice(number: int, frame: FrameType | None) -> None:
    """A handler, not SIG_IGN: programs that a worker starts get the default again."""


def _interrupt_once(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, _take_no_notice)
    raise KeyboardInterrupt
