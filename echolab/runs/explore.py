"""Explore a scenario: draw many runs, find the first that breaks a claim, and simplify it.

A failure that was found is kept beside the runs, in `explored/SCENARIO.json`, and tried first the
next time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import shlex
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from echolab import resources
from echolab.engines.exact import engine as exact
from echolab.errors import BadInput, CannotRun, EcholabError
from echolab.job import Job, ParameterValue
from echolab.judge import verdicts
from echolab.language import decimal
from echolab.language import translate as _
from echolab.progress import Progress
from echolab.record.format import load, plain, read
from echolab.runs import carried, catalogue, execute, folders, plan, pool
from echolab.runs.carried import Carried
from echolab.runs.execute import ExecutedRun
from echolab.runs.plan import PlannedRun
from echolab.runs.search import (
    Failure,
    Lab,
    Order,
    Search,
    Tally,
    broken,
    drawn,
    first,
    read_tally,
)
from echolab.runs.slots import Board
from echolab.runs.space import Draw, Space, space_of, strategy
from echolab.runs.workers import Local, NoWorkers, Workers
from echolab.scenario import script as scenarios
from echolab.settings import Settings

FOLDER = "explored"

RUNS = 1000
"""How many runs an exploration makes, unless the user limits runs or time."""

DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smh]?)")

UNITS = {"s": 1, "m": 60, "h": 3600}

MOST_RUNS = 10**9
"""How many runs an exploration makes that only its time limits."""


@dataclasses.dataclass(frozen=True)
class Kept:
    """The failures of a scenario that were found before."""

    failures: tuple[Failure, ...] = ()


@dataclasses.dataclass(frozen=True)
class Explored:
    """The result of exploring: the distinct failures, and what was done to find them.

    `unrepeated` are those that break a claim only after other runs in the same guest. `seconds` are
    of wall time; `interrupted` says that the user ended it, and `stopped` that no worker was left.
    """

    failures: tuple[Failure, ...]
    runs: int
    distinct: int
    faults: Mapping[str, int]
    seconds: float
    interrupted: bool = False
    stopped: NoWorkers | None = None
    unrepeated: tuple[Failure, ...] = ()

    def line(self) -> str:
        """What was done, in a line."""
        rate = self.runs / self.seconds if self.seconds else 0.0
        faults = ", ".join(f"{count} {kind}" for kind, count in sorted(self.faults.items()))
        line = _("{runs} runs, {rate} a second; {distinct} distinct histories; faults: {faults}")
        return line.format(
            runs=self.runs,
            rate=decimal(f"{rate:.1f}"),
            distinct=self.distinct,
            faults=faults or _("none"),
        )


@dataclasses.dataclass(frozen=True)
class Wanted:
    """How far to explore: the most runs, the most seconds; one failure or all kinds."""

    runs: int = MOST_RUNS
    seconds: float = float("inf")
    seed: int = 0
    keep_going: bool = False


@dataclasses.dataclass(frozen=True)
class Asked:
    """What the user asked to explore: a scenario, parameters as text, the hosts, the place."""

    name: str
    given: tuple[str, ...] = ()
    compose: Path | None = None
    out: Path = Path("runs")


def wanted(runs: int | None, time: str | None, seed: int, *, keep_going: bool) -> Wanted:
    """How far to explore, as the user says it. Raises BadInput for a time that is not valid."""
    seconds = float("inf")
    if time is not None:
        found = DURATION.fullmatch(time.strip())
        if found is None or float(found[1]) <= 0:
            raise BadInput(f"--time {time} is not a time", "for example --time 60s, or 5m")
        seconds = float(found[1]) * UNITS[found[2] or "s"]
    most = MOST_RUNS if runs is None and time is not None else runs or RUNS
    return Wanted(most, seconds, seed, keep_going)


def prepare(
    asked: Asked,
    wanted: Wanted,
    settings: Settings,
    environment: Mapping[str, str],
    progress: Progress = lambda line: None,
    workers: Workers | None = None,
) -> Explorer:
    """The exploration of a scenario, with the roots of its hosts.

    This machine's processors explore unless other workers are given. Raises BadInput for what
    cannot be explored, CannotRun for an image that cannot be had.
    """
    entry = catalogue.only(asked.name)
    given = plan.assignments(asked.given)
    planned = plan.plan(
        [entry], given, compose=asked.compose, seed=0, capture=True, environment=environment
    )
    (run,) = plan.for_engine(planned, exact.NAME)
    lack = exact.lack(settings)
    if lack is not None:
        raise CannotRun(f"exploring takes the engine exact: {lack.what}", lack.remedy)
    hosts = run.job.topology.names()
    space = space_of(entry.scenario, run.job.parameters, list(given), hosts)
    strategy(space)  # whether there is what it needs
    job = exact.prepared(run.job, settings, progress)
    here = workers or Local(settings, pool.processors())
    return Explorer(asked, run, job, space, wanted, settings, here)


class Explorer:
    """The exploration of one planned run's scenario."""

    def __init__(
        self,
        asked: Asked,
        planned: PlannedRun,
        prepared: Job,
        space: Space,
        wanted: Wanted,
        settings: Settings,
        workers: Workers,
    ) -> None:
        self._asked = asked
        self._planned = planned
        self._space = space
        self._wanted = wanted
        self._settings = settings
        self._workers = workers
        self._file = asked.out / FOLDER / f"{planned.job.scenario}.json"
        self._job = dataclasses.replace(prepared, capture=False)
        self._failures: list[Failure] = []
        self._unrepeated: list[Failure] = []
        self._done: list[Tally] = []
        self._now: dict[int, Tally] = {}
        self._began = time.monotonic()

    def explore(self, progress: Progress) -> Explored:
        """Explore until a claim breaks, the runs are made, or the user interrupts it.

        Raises what a run raises, for example a mistake in the script.
        """
        interrupted, stopped = False, None
        try:
            if not self._try_kept(progress) or self._wanted.keep_going:
                self._search(progress)
        except (KeyboardInterrupt, NoWorkers) as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            stopped = error if isinstance(error, NoWorkers) else None
            found = first([one for tally in self._now.values() for one in tally.failure])
            if found is not None:
                self._failures.append(found)
        try:
            self._confirm(progress)
        except KeyboardInterrupt:
            interrupted = True
        self._keep()
        return self._explored(interrupted, stopped)

    def perform(self, failure: Failure, progress: Progress) -> ExecutedRun:
        """Execute the run of a failure with captures, in a folder of its own."""
        run = dataclasses.replace(self._planned, job=drawn(self._planned.job, failure.draw))
        executed = execute.execute([run], exact, self._asked.out, self._settings, progress)
        with contextlib.closing(executed):
            return next(executed)

    def command(self, failure: Failure) -> str:
        """The command that repeats the run of a failure."""
        defaults = scenarios.find(Path(self._job.script), self._job.scenario).parameters
        found = words(self._asked.name, failure.draw, defaults, self._asked.compose)
        return shlex.join([resources.COMMAND, *found, *_bringing(self._settings)])

    def _explored(self, interrupted: bool = False, stopped: NoWorkers | None = None) -> Explored:
        tallies = [*self._done, *self._now.values()]
        faults: Counter[str] = Counter()
        for tally in tallies:
            faults.update(tally.faults)
        return Explored(
            tuple(self._failures),
            sum(tally.runs for tally in tallies),
            sum(tally.distinct for tally in tallies),
            faults,
            time.monotonic() - self._began,
            interrupted,
            stopped,
            tuple(self._unrepeated),
        )

    def _known(self) -> tuple[str, ...]:
        return tuple(claim for failure in self._failures for claim in failure.claims)

    def _search(self, progress: Progress) -> None:
        """Search once, or, to keep going, again and again for new failures."""
        until = self._began + self._wanted.seconds
        while True:
            left = self._wanted.runs - sum(tally.runs for tally in self._done)
            if left <= 0 or time.monotonic() > until:
                return
            found = self._round(left, until, progress)
            if found is None:
                return
            self._failures.append(found)
            if not self._wanted.keep_going:
                return

    def _round(self, left: int, until: float, progress: Progress) -> Failure | None:
        """One search of all workers; the failure that comes first in their order."""
        workers = min(self._workers.count, left)
        runs = -(-left // workers)
        seed = self._wanted.seed + len(self._done) // max(workers, 1)
        order = Order(self._job, self._space, seed, runs, until, workers, self._known())
        board = self._workers.board(workers)
        script = Carried(Path(self._job.script))
        work = _Work(order, script, board, until - time.monotonic())

        def tell(line: str) -> None:
            if line.startswith("{"):
                tally = read_tally(line)
                self._now[tally.worker] = tally
                for failure in tally.failure:
                    board.set(tally.worker, failure.place)
                progress(self._doing())
            else:
                progress(line)

        searching = self._workers.run(range(workers), work, _lost, tell, in_order=False)
        ended: list[Tally] = []
        with contextlib.closing(searching):
            for tally, error in searching:
                if error is not None:
                    raise error
                ended.append(tally)
                self._now[tally.worker] = tally
        self._done += ended
        self._now.clear()
        return first([one for tally in ended for one in tally.failure])

    def _confirm(self, progress: Progress) -> None:
        """Perform each failure in a guest of its own; where it holds, those that were less simple.

        A guest that has performed other runs has other memory in use. Few programs notice, and
        their packets may then come some microseconds earlier or later.
        """
        alone: list[Failure | None] = []
        for failure in self._failures:
            progress("exploring: the failure once more, in a guest of its own")
            alone.append(self._alone(failure))
        pairs = zip(self._failures, alone, strict=True)
        self._unrepeated = [failure for failure, repeated in pairs if repeated is None]
        self._failures = [repeated for repeated in alone if repeated is not None]

    def _alone(self, failure: Failure) -> Failure | None:
        """The failure with the simplest run that also breaks in a guest of its own."""
        for draw in (failure.draw, *failure.before):
            job = dataclasses.replace(drawn(self._planned.job, draw), capture=False)
            with tempfile.TemporaryDirectory(prefix="echolab-explore-") as name:
                here = dataclasses.replace(self._settings, folder=Path(name))
                claims = broken(verdicts.judge(exact.run(job, here, lambda line: None)))
            if set(claims) & set(failure.claims):
                return dataclasses.replace(failure, draw=draw, claims=claims, before=())
        return None

    def _doing(self) -> str:
        shrinking = [one for tally in self._now.values() for one in tally.failure]
        line = self._explored().line()
        if shrinking:
            line += f"; a claim broke, made simpler in {shrinking[0].shrinks} runs"
        return f"exploring: {line}"

    def _open_lab(self, folder: Path) -> Lab:
        settings = dataclasses.replace(self._settings, folder=folder)
        return exact.persistent_lab(self._job, settings, lambda line: None)

    # --- what was found before

    def _try_kept(self, progress: Progress) -> bool:
        """Whether a run that was kept still breaks a claim; those that do not are forgotten."""
        kept = self._read_kept()
        if not kept:
            return False
        progress(f"exploring: first what failed before, {len(kept)} runs")
        with (
            tempfile.TemporaryDirectory(prefix="echolab-explore-") as name,
            contextlib.closing(self._open_lab(Path(name))) as lab,
        ):
            for failure in kept:
                failing = self._failing(lab, failure.draw)
                if failing and not set(failing) <= set(self._known()):
                    self._failures.append(dataclasses.replace(failure, claims=failing))
        return bool(self._failures)

    def _failing(self, lab: Lab, draw: Draw) -> tuple[str, ...]:
        return broken(verdicts.judge(lab.perform(drawn(self._job, draw), "run")))

    def _read_kept(self) -> tuple[Failure, ...]:
        """The failures that were kept and that the scenario's parameters still allow."""
        try:
            text = self._file.read_text(encoding="utf-8")
            kept = read(Kept, load(text, str(self._file)), str(self._file))
        except (OSError, UnicodeDecodeError, BadInput):
            return ()
        return tuple(one for one in kept.failures if self._fits(one.draw))

    def _fits(self, draw: Draw) -> bool:
        fixed = self._space.fixed
        names = {*fixed, *self._space.bounded}
        hosts = set(self._job.topology.names())
        return (
            draw.parameters.keys() == names
            and all(draw.parameters[name] == value for name, value in fixed.items())
            and all(hosts.issuperset(fault.hosts) for fault in draw.schedule)
        )

    def _keep(self) -> None:
        if not self._failures:
            self._file.unlink(missing_ok=True)
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        folders.write(self._file, json.dumps(plain(Kept(tuple(self._failures))), indent=1))


@dataclasses.dataclass(frozen=True)
class _Work:
    """What a worker does: it searches for `seconds`, with slots of its machine."""

    order: Order
    script: Carried
    board: Board
    seconds: float

    def __call__(
        self, settings: Settings, worker: int, progress: Progress
    ) -> tuple[Tally, EcholabError | None]:
        job = carried.arrived(self.order.job, self.script, settings.folder)
        until = time.monotonic() + self.seconds
        order = dataclasses.replace(self.order, job=job, until=until)

        def open_lab(folder: Path) -> Lab:
            here = dataclasses.replace(settings, folder=folder)
            return exact.persistent_lab(job, here, lambda line: None)

        return Search(order, self.board.here(settings.folder), open_lab)(worker, progress)


def _lost(worker: int, why: str) -> tuple[Tally, EcholabError | None]:
    error = CannotRun(f"a worker that explored {why}", "look whether memory is short")
    return Tally(worker), error


def _bringing(settings: Settings) -> Iterator[str]:
    """The words that bring the same files to hosts."""
    for image, place in settings.roots.items():
        yield from ("--root", f"{image}={place}")
    for folder in settings.reach:
        yield from ("--reach", str(folder))


def words(
    name: str, draw: Draw, defaults: Mapping[str, ParameterValue], compose: Path | None = None
) -> Iterator[str]:
    """The words of the command that repeats a drawn run."""
    yield from ("run", name, "--engine", "exact", "--seed", str(draw.seed))
    if compose is not None:
        yield from ("--compose", str(compose))
    for parameter, value in draw.parameters.items():
        if value != defaults.get(parameter):
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            yield from ("--set", f"{parameter}={shown}")
    for fault in draw.schedule:
        yield from ("--fault", str(fault))
    if not draw.schedule:
        yield from ("--fault", "none")
