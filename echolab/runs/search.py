"""The search for a run in which a claim does not hold, and for the simplest such run.

Strategy: each worker has a lab that stays, and a search of its own by Hypothesis. It draws a run,
learns whether a claim failed, and, if one did, draws simpler and simpler runs that fail, too. The
runs of all workers have an order: the first of each, the second of each, and so on. The failure
that comes first in this order counts, whichever is found first by the clock; so a worker goes on
until it has come as far. Then the same seed finds and simplifies to the same.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from echolab.errors import BadInput, CannotRun, EcholabError
from echolab.job import Job
from echolab.judge import verdicts
from echolab.progress import Progress
from echolab.record import FAIL, Record
from echolab.record.format import load, plain, read
from echolab.runs.slots import Slots
from echolab.runs.space import Draw, Space, strategy

MOST_SHRINKS = 400
"""How many runs are spent on making a failure simpler."""

MOST_SECONDS = 2000.0
"""Lab seconds spent on that: the same on every machine, unlike wall time."""


class Lab(Protocol):
    """What performs jobs, one after another (see `echolab.engines.persistent.PersistentLab`)."""

    @property
    def ended(self) -> bool: ...
    def perform(self, job: Job, folder: str) -> Record: ...
    def close(self) -> None: ...


@dataclasses.dataclass(frozen=True)
class Failure:
    """A run in which claims did not hold, the simplest that was found: which claims, and where.

    `place` is its place in the order of all runs, `shrinks` how many runs made it simpler;
    `before` are the less simple ones that failed, the simplest first.
    """

    draw: Draw
    claims: tuple[str, ...]
    place: int
    shrinks: int = 0
    before: tuple[Draw, ...] = ()


@dataclasses.dataclass(frozen=True)
class Tally:
    """What a worker has done so far: runs, distinct histories, faults of each kind."""

    worker: int
    runs: int = 0
    distinct: int = 0
    faults: Mapping[str, int] = dataclasses.field(default_factory=dict)
    failure: tuple[Failure, ...] = ()


@dataclasses.dataclass(frozen=True)
class Order:
    """What to explore: the job of every run except for what is drawn, and how far.

    `known` are the claims whose failures no longer count. A worker makes `runs` runs, and none that
    would begin after the moment `until` of the machine's monotonic clock.
    """

    job: Job
    space: Space
    seed: int
    runs: int
    until: float
    workers: int
    known: tuple[str, ...] = ()

    def job_of(self, draw: Draw) -> Job:
        """The job of a drawn run."""
        return drawn(self.job, draw)


class _Over(BaseException):
    """The search ends here; not an Exception, which Hypothesis would treat as a failure."""


class _Broken(Exception):
    """A claim did not hold."""


class Search:
    """The work of one worker (see the module)."""

    def __init__(self, order: Order, slots: Slots, open_lab: Callable[[Path], Lab]) -> None:
        self._order = order
        self._slots = slots
        self._open = open_lab

    def __call__(self, worker: int, progress: Progress) -> tuple[Tally, EcholabError | None]:
        """Search, and report progress after each run, as JSON.

        Returns what was done, and the error that ended it, if any.
        """
        with tempfile.TemporaryDirectory(prefix="echolab-explore-") as name:
            runner = _Runner(self._order, self._slots, self._open, worker, Path(name), progress)
            try:
                runner.search()
            except _Over:
                pass
            except EcholabError as error:
                return runner.tally(), error
            finally:
                runner.close()
            return runner.tally(), None


class _Runner:
    """The runs of one worker: performed, judged, counted."""

    def __init__(
        self,
        order: Order,
        slots: Slots,
        open_lab: Callable[[Path], Lab],
        worker: int,
        folder: Path,
        progress: Progress,
    ) -> None:
        self._order, self._slots, self._worker = order, slots, worker
        self._progress = progress
        self._open_lab, self._folder = open_lab, folder
        self._lab: Lab | None = None
        self._runs = self._opened = 0
        self._seconds = 0.0
        self._distinct: set[bytes] = set()
        self._faults: Counter[str] = Counter()
        self._failure: Failure | None = None
        self._known: dict[str, tuple[str, ...]] = {}

    def search(self) -> None:
        """Draw runs until one fails or the search is over. Raises _Over then."""
        import hypothesis

        seed = f"{self._order.seed} {self._worker}"
        number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8])

        @hypothesis.seed(number)
        @hypothesis.settings(
            max_examples=max(self._order.runs, 1),
            phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
            database=None,
            deadline=None,
            derandomize=False,
            report_multiple_bugs=False,
            print_blob=False,
            suppress_health_check=list(hypothesis.HealthCheck),
            verbosity=hypothesis.Verbosity.quiet,
        )
        @hypothesis.given(strategy(self._order.space))
        def holds(draw: Draw) -> None:
            self._check_end()
            if self._new(self.failing(draw)):
                raise _Broken

        try:
            holds()
        except _Broken:
            return

    def _check_end(self) -> None:
        if self._failure is None:
            place = self._runs * self._order.workers + self._worker
            if self._runs >= self._order.runs or place > self._slots.least():
                raise _Over
            if time.monotonic() > self._order.until:
                raise _Over
            return
        spent = self._failure.shrinks >= MOST_SHRINKS or self._seconds >= MOST_SECONDS
        if spent or self._slots.least() < self._failure.place:
            raise _Over

    def failing(self, draw: Draw) -> tuple[str, ...]:
        """The claims that do not hold in a run."""
        name = json.dumps(plain(draw), sort_keys=True)
        if name in self._known:
            return self._known[name]
        record = self._perform(draw)
        failing = broken(record)
        self._known[name] = failing
        self._note(draw, record, failing)
        self._progress(json.dumps(plain(self.tally())))
        return failing

    def _new(self, claims: tuple[str, ...]) -> set[str]:
        return set(claims) - set(self._order.known)

    def _note(self, draw: Draw, record: Record, failing: tuple[str, ...]) -> None:
        """Count a run, and keep it if it is the simplest that fails."""
        place = self._runs * self._order.workers + self._worker
        if self._failure is None:
            self._runs += 1
            self._distinct.add(_print_of(record))
            self._faults.update(fault.kind for fault in draw.schedule)
            if self._new(failing):
                self._slots.set(self._worker, place)
                self._failure = Failure(draw, failing, place)
            return
        self._seconds += record.lab_seconds
        shrinks = self._failure.shrinks + 1
        best = self._failure
        same = self._new(failing) & self._new(best.claims)
        if same and draw.size() < best.draw.size():
            best = Failure(draw, failing, best.place, before=(best.draw, *best.before))
        self._failure = dataclasses.replace(best, shrinks=shrinks)

    def _perform(self, draw: Draw) -> Record:
        """Perform a run. Raises CannotRun if the lab breaks down twice in a row."""
        job = self._order.job_of(draw)
        try:
            return verdicts.judge(self._in_lab(job))
        except BadInput:
            raise
        except CannotRun:
            if self._lab is None or not self._lab.ended:
                raise
        self._lab.close()
        self._lab = None
        return verdicts.judge(self._in_lab(job))

    def _in_lab(self, job: Job) -> Record:
        if self._lab is None:
            self._opened += 1
            folder = self._folder / f"{self._opened}"
            folder.mkdir()
            self._lab = self._open_lab(folder)
        return self._lab.perform(job, "run")

    def tally(self) -> Tally:
        """What was done so far."""
        return Tally(
            self._worker,
            self._runs,
            len(self._distinct),
            dict(sorted(self._faults.items())),
            () if self._failure is None else (self._failure,),
        )

    def close(self) -> None:
        """End the lab."""
        if self._lab is not None:
            self._lab.close()


def drawn(job: Job, draw: Draw) -> Job:
    """A job with what was drawn for one run of it."""
    return dataclasses.replace(
        job, seed=draw.seed, parameters=draw.parameters, schedule=draw.schedule
    )


def broken(record: Record) -> tuple[str, ...]:
    """The claims of a judged run that do not hold."""
    return tuple(claim.text for claim in record.claims if claim.verdict == FAIL)


def read_tally(line: str) -> Tally:
    """The tally in a line that a worker reported."""
    return read(Tally, load(line, "a worker's line"), "a worker's line")


def first(failures: Sequence[Failure]) -> Failure | None:
    """The failure that comes first in the order of all runs."""
    return min(failures, key=lambda failure: failure.place, default=None)


def _print_of(record: Record) -> bytes:
    """What two runs have in common if their clients saw the same, whenever that was."""
    seen = [
        (one.process, one.function, one.key, one.argument, one.result, one.outcome)
        for workload in record.histories
        for one in workload.operations
    ]
    return hashlib.sha256(repr(seen).encode()).digest()[:8]
