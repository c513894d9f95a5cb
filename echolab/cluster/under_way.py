"""The jobs that a cluster performs at the moment, and what is done when one is answered or late.

Strategy: each job has attempts, most only one. The first answer counts and ends the job; what
comes of its other attempts has a key that nobody knows any more. A job has another attempt when it
failed on a worker, and when nothing was heard of it for long; both on other workers.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import pickle
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from echolab.cluster.machines import Machine, Machines
from echolab.cluster.worker import Reply
from echolab.language import translate as _
from echolab.progress import Progress
from echolab.runs.workers import NoWorkers

Job = TypeVar("Job")
Result = TypeVar("Result")

MUCH_LONGER = 5
"""How many times as long as the longest job so far one must have taken to be late."""

TRIES = 2
"""Workers on which a job may fail before it is lost."""

MOST_TRIES = 8
"""How often a job may fail before it is lost, also if it was on one worker."""

MOST_FAILURES = 3
"""Jobs that may fail on a worker before it gets no more."""

MOST_KERNELS = 2
"""How often a kernel is sent to a worker that says it has none."""


@dataclasses.dataclass(frozen=True)
class Answered:
    """An attempt has an answer, or an error of Dask's."""

    key: str
    reply: Reply | BaseException


@dataclasses.dataclass(frozen=True)
class Heard:
    """A line of progress of an attempt."""

    key: str
    line: str


@dataclasses.dataclass(frozen=True)
class Gone:
    """A worker is gone, with these attempts, which Dask gives to others."""

    worker: str
    keys: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Came:
    """Another worker is there."""


Event = Answered | Heard | Gone | Came


class Scheduler(Protocol):
    """What hands attempts to workers, and tells what becomes of them."""

    machines: Machines

    def submit(self, key: str, work: bytes, job: bytes, workers: set[str]) -> None:
        """Have a job performed, on one of these workers if there are any."""

    def event(self, timeout: float) -> Event | None:
        """The next event; None after that many seconds."""

    def others(self, avoided: set[str]) -> set[str]:
        """The workers but those; empty means all."""

    def holder(self, key: str) -> str:
        """The worker that has the attempt of that key; empty for none."""

    def send_kernel(self, worker: str) -> None:
        """Give a worker the kernel that it lacks."""

    def drop(self, keys: list[str]) -> None:
        """Forget attempts, and end those that are being performed."""

    def key(self, number: int) -> str:
        """A new key for an attempt of the job of that number."""


@dataclasses.dataclass
class _Attempt:
    number: int
    began: float
    heard: float


@dataclasses.dataclass
class _Task(Generic[Job]):
    """A job under way: its attempts, and the workers where it failed."""

    job: Job
    packed: bytes
    attempts: set[str] = dataclasses.field(default_factory=set)
    failed_on: list[str] = dataclasses.field(default_factory=list)
    late_on: set[str] = dataclasses.field(default_factory=set)


class UnderWay(Generic[Job, Result]):
    """The jobs under way of one command; `close` ends them."""

    def __init__(
        self,
        scheduler: Scheduler,
        work: bytes,
        lost: Callable[[Job, str], Result],
        progress: Progress,
        patience: float,
    ) -> None:
        self._scheduler = scheduler
        self._work = work
        self._lost = lost
        self._progress = progress
        self._patience = patience
        self._longest = 0.0
        self._tasks: dict[int, _Task[Job]] = {}
        self._attempts: dict[str, _Attempt] = {}
        self._failures: collections.Counter[str] = collections.Counter()
        self._kernels: collections.Counter[str] = collections.Counter()
        self._sent: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, number: int, job: Job) -> None:
        """Have a job performed."""
        self._tasks[number] = _Task(job, pickle.dumps(job))
        self._attempt(number, set())

    def wait(self) -> dict[int, Result]:
        """Await an event; the results of the jobs that it ended, by their numbers."""
        event = self._scheduler.event(self._next_look())
        ended: dict[int, Result] = {}
        if isinstance(event, Answered) and event.key in self._attempts:
            ended = self._answered(event.key, event.reply)
        elif isinstance(event, Heard) and event.key in self._attempts:
            self._attempts[event.key].heard = time.monotonic()
            self._progress(event.line)
        elif isinstance(event, Gone):
            self._gone(event)
        self._look_for_late()
        return ended

    def close(self) -> None:
        """End all jobs that are under way."""
        self._scheduler.drop(list(self._attempts))
        self._attempts.clear()
        self._tasks.clear()

    def _attempt(self, number: int, avoided: set[str]) -> None:
        task = self._tasks[number]
        key = self._scheduler.key(number)
        now = time.monotonic()
        task.attempts.add(key)
        self._attempts[key] = _Attempt(number, now, now)
        bad = {one for one, count in self._failures.items() if count >= MOST_FAILURES}
        workers = self._scheduler.others(avoided | bad) if avoided | bad else set()
        self._scheduler.submit(key, self._work, task.packed, workers)

    # --- answers

    def _answered(self, key: str, reply: Reply | BaseException) -> dict[int, Result]:
        number = self._attempts[key].number
        if isinstance(reply, asyncio.CancelledError):
            raise NoWorkers(_("the scheduler is gone"), _("start it, and give the command again"))
        if isinstance(reply, BaseException):
            return self._failed(key, "", " ".join(str(reply).split()) or type(reply).__name__)
        worker = reply["worker"]
        if reply["kind"] == "lacks" and self._has_kernel_now(worker, self._attempts[key].began):
            self._forget(key)
            self._attempt(number, set(self._tasks[number].failed_on))
            return {}
        if reply["kind"] != "result":
            return self._failed(key, worker, reply["why"] or _("it does not keep the guest kernel"))
        value: Result = pickle.loads(reply["content"])  # noqa: S301
        self._scheduler.machines.count(worker, Machine(**reply["facts"]))
        self._longest = max(self._longest, time.monotonic() - self._attempts[key].began)
        return self._ended(number, value)

    def _has_kernel_now(self, worker: str, began: float) -> bool:
        """Whether a worker was given the kernel that it lacked for an attempt, now or meanwhile."""
        if began <= self._sent.get(worker, 0.0):
            return True
        if self._kernels[worker] >= MOST_KERNELS:
            return False
        self._kernels[worker] += 1
        self._scheduler.send_kernel(worker)
        self._sent[worker] = time.monotonic()
        return True

    def _failed(self, key: str, worker: str, why: str) -> dict[int, Result]:
        """A job could not be performed on a worker: it goes to another, or is lost."""
        number = self._attempts[key].number
        task = self._tasks[number]
        self._forget(key)
        task.failed_on.append(worker)
        self._count_failure(worker, why)
        if self._is_hopeless(task.failed_on):
            return self._ended(number, self._lost(task.job, why))
        told = _("a job runs again elsewhere: on {worker} {why}")
        self._tell(told.format(worker=worker or "Dask", why=why))
        self._attempt(number, {*task.failed_on, *task.late_on} - {""})
        return {}

    def _is_hopeless(self, failed_on: list[str]) -> bool:
        """Whether a job has failed on enough workers; Dask may give it back to the same one."""
        places = set(failed_on)
        if len(places) >= TRIES or len(failed_on) >= MOST_TRIES:
            return True
        return len(failed_on) >= TRIES and not self._scheduler.others(places)

    def _count_failure(self, worker: str, why: str) -> None:
        self._failures[worker] += bool(worker)
        if self._failures[worker] == MOST_FAILURES:
            told = _("{worker} gets no more jobs: {why}")
            self._tell(told.format(worker=worker, why=why))

    def _ended(self, number: int, result: Result) -> dict[int, Result]:
        others = list(self._tasks[number].attempts)
        late = [key for key in others if key in self._attempts]
        for key in others:
            self._attempts.pop(key, None)
        del self._tasks[number]
        self._scheduler.drop(late)
        return {number: result}

    def _forget(self, key: str) -> None:
        self._tasks[self._attempts.pop(key).number].attempts.discard(key)
        self._scheduler.drop([key])

    # --- workers that are gone, or silent

    def _gone(self, event: Gone) -> None:
        again = [self._attempts[key] for key in event.keys if key in self._attempts]
        for attempt in again:
            attempt.heard = time.monotonic()
        told = _("{worker} is gone: {count} of its jobs run again elsewhere")
        self._tell(told.format(worker=event.worker, count=len(again)))

    def _late_after(self) -> float:
        return max(self._patience, MUCH_LONGER * self._longest)

    def _next_look(self) -> float:
        heard = min((one.heard for one in self._attempts.values()), default=0.0)
        return max(0.0, heard + self._late_after() - time.monotonic()) + 0.01

    def _look_for_late(self) -> None:
        """Give jobs of which nothing was heard for long to other workers, too."""
        now = time.monotonic()
        for key, attempt in tuple(self._attempts.items()):
            if now - attempt.heard < self._late_after():
                continue
            attempt.heard = now
            task = self._tasks[attempt.number]
            worker = self._scheduler.holder(key)
            if worker and len(task.attempts) < TRIES and self._scheduler.others({worker}):
                task.late_on.add(worker)
                told = _("{worker} is late: a job of its runs again elsewhere")
                self._tell(told.format(worker=worker))
                self._attempt(attempt.number, {worker, *task.failed_on} - {""})

    def _tell(self, line: str) -> None:
        self._scheduler.machines.tell(line)
