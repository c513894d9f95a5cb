"""Sweeps: a scenario over a grid of parameters and many seeds, resumed where it was interrupted.

Strategy: a run leaves one line with all its figures in a file of the sweep's folder, whose name
follows from everything that decides the runs. So the same command goes on where it stopped, and a
command with more seeds, or another figure, does only what is new. In virtual time each worker keeps
a guest for many runs, which costs a fraction of a boot for each.
"""

from __future__ import annotations

import collections
import contextlib
import csv
import dataclasses
import functools
import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path

from echolab.compose import hosts, support
from echolab.engines import registry
from echolab.engines.registry import Engine
from echolab.errors import BadInput, CannotRun, EcholabError, ExitStatus
from echolab.job import Job
from echolab.judge import verdicts
from echolab.language import translate as _
from echolab.progress import Progress
from echolab.record import FAIL, Record
from echolab.record.format import load, plain, read
from echolab.report import tables
from echolab.report.tables import Column
from echolab.roots import store
from echolab.runs import carried, catalogue, figures, grid, pool
from echolab.runs.carried import Carried
from echolab.runs.catalogue import Entry
from echolab.runs.figures import Figure, Summary
from echolab.runs.workers import Local, Workers
from echolab.scenario.performance import perform
from echolab.settings import Settings
from echolab.version import __version__

RUNS = "runs.jsonl"
"""The file of a sweep's folder with a line for each run."""

TOGETHER = 20
"""How many runs a guest performs before another one is booted."""

LONGEST_RUN = 120.0
"""Seconds of processor time after which a run is ended."""


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a sweep: where on the grid, with which seed."""

    point: Mapping[str, str]
    seed: int

    @property
    def key(self) -> str:
        """The run's name among those of its sweep."""
        return json.dumps([sorted(self.point.items()), self.seed])


@dataclasses.dataclass(frozen=True)
class Done:
    """A run that was performed: its figures and its verdict, or the error that ended it."""

    point: Mapping[str, str]
    seed: int
    figures: Mapping[str, Figure] = dataclasses.field(default_factory=dict)
    verdict: str = ""
    error: str = ""

    @property
    def run(self) -> Run:
        """Which run it was."""
        return Run(self.point, self.seed)


@dataclasses.dataclass(frozen=True)
class Sweep:
    """A planned sweep: its scenario, its axes, and the job of each of its runs."""

    name: str
    axes: tuple[grid.Axis, ...]
    runs: tuple[Run, ...]
    jobs: Mapping[str, Job]
    folder: Path
    warnings: tuple[str, ...]


def plan(
    entry: Entry,
    axes: Sequence[grid.Axis],
    given: Mapping[str, str],
    seeds: int,
    *,
    engine: Engine,
    compose: Path | None,
    environment: Mapping[str, str],
    out: Path,
    roots: Mapping[str, str] | None = None,
) -> Sweep:
    """Plan a sweep; everything that the user gave is checked before anything runs.

    `roots` are the images that the user brings. Raises BadInput for one that is not there, for a
    parameter that the scenario lacks, or that is given twice, and for a value that is not one of
    its.
    """
    both = next((one.parameter for one in axes if one.parameter in given), None)
    if both:
        raise BadInput(f"{both} is given by --over and by --set", "leave one of them out")
    scenario = entry.scenario
    if scenario.engines and engine.NAME not in scenario.engines:
        raise BadInput(f"{scenario.name} does not run in {engine.NAME}", "choose another --engine")
    file = catalogue.compose_file(entry, compose)
    project = catalogue.project(file, environment)
    topology = hosts.topology(project)
    warnings = (*project.warnings, *support.check(project, engine.NAME))
    points = list(grid.points(axes))
    jobs = {
        Run(point, 0).key: catalogue.job(entry, topology, {**given, **point}, 0, capture=False)
        for point in points
    }
    runs = tuple(Run(point, seed) for point in points for seed in range(1, seeds + 1))
    said = json.dumps(
        [
            *(__version__, engine.NAME, scenario.name, sorted(given.items())),
            *(entry.path.read_text(encoding="utf-8"), plain(topology)),
            *(store.stamp(Path(place), image) for image, place in (roots or {}).items()),
        ]
    )
    digest = hashlib.sha256(said.encode()).hexdigest()[:8]
    folder = out / f"sweep-{scenario.name}-{engine.NAME}-{digest}"
    return Sweep(scenario.name, tuple(axes), runs, jobs, folder, warnings)


def earlier(folder: Path) -> dict[str, Done]:
    """The runs that a sweep has already performed, by their keys; an incomplete line is ignored."""
    found: dict[str, Done] = {}
    with contextlib.suppress(FileNotFoundError):
        for line in (folder / RUNS).read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(BadInput):
                one = read(Done, load(line, RUNS), RUNS)
                if not one.error:
                    found[one.run.key] = one
    return found


def execute(
    sweep: Sweep,
    engine: Engine,
    settings: Settings,
    progress: Progress,
    workers: Workers | None = None,
) -> Generator[Done, None, None]:
    """Perform what is still to be done, and yield every run of the sweep when its result is known.

    The processors of this machine perform it unless other workers are given. Closing the
    iterator, after an interrupt for example, ends the runs under way; what was done is kept.
    """
    try:
        sweep.folder.mkdir(parents=True, exist_ok=True)
        for killed in sweep.folder.glob(".guest-*"):
            shutil.rmtree(killed, ignore_errors=True)
        before = earlier(sweep.folder)
        file = (sweep.folder / RUNS).open("a+", encoding="utf-8")
    except OSError as error:
        raise CannotRun(f"cannot write in {sweep.folder}: {error.strerror}", "give --out") from None
    known = [before[run.key] for run in sweep.runs if run.key in before]
    left = [run for run in sweep.runs if run.key not in before]
    yield from known
    if workers is None:
        here = dataclasses.replace(settings, folder=sweep.folder.resolve())
        workers = Local(here, pool.processors() if engine.TRAITS.virtual else 1)
    size = max(1, min(TOGETHER, -(-len(left) // workers.count)))
    chunks = (_chunk(sweep, left[at : at + size]) for at in range(0, len(left), size))
    work = _Work(engine.NAME, Carried(Path(next(iter(sweep.jobs.values())).script)))
    done = len(known)
    with file:
        file.write("\n" if not _ends_whole(sweep.folder / RUNS) else "")
        performed = workers.run(chunks, work, _lost, progress, in_order=False)
        with contextlib.closing(performed):
            for results in performed:
                for one in results:
                    file.write(json.dumps(plain(one)) + "\n")
                    yield one
                file.flush()
                done += len(results)
                progress(f"{sweep.name}, {_('runs')}: {done}/{len(sweep.runs)}")


def _ends_whole(path: Path) -> bool:
    """Whether a file's last line is complete: a full disk or a kill may have cut it off."""
    text = path.read_bytes()
    return not text or text.endswith(b"\n")


@dataclasses.dataclass(frozen=True)
class _Chunk:
    """Runs that one worker performs, each with its job."""

    runs: tuple[tuple[Run, Job], ...]


def _chunk(sweep: Sweep, runs: Sequence[Run]) -> _Chunk:
    jobs = (dataclasses.replace(sweep.jobs[Run(run.point, 0).key], seed=run.seed) for run in runs)
    return _Chunk(tuple(zip(runs, jobs, strict=True)))


def _lost(chunk: _Chunk, why: str) -> list[Done]:
    told = f"the process that ran it {why}"
    return [Done(run.point, run.seed, error=told) for run, _job in chunk.runs]


@dataclasses.dataclass(frozen=True)
class _Work:
    """What a worker does with runs: one after another, in one guest if time is virtual."""

    engine: str
    script: Carried

    def __call__(self, settings: Settings, chunk: _Chunk, progress: Progress) -> list[Done]:
        with tempfile.TemporaryDirectory(prefix=".guest-", dir=settings.folder) as name:
            here = dataclasses.replace(settings, folder=Path(name))
            runs = [
                (run, carried.arrived(job, self.script, settings.folder)) for run, job in chunk.runs
            ]
            return list(self._perform(runs, here, progress))

    def _perform(
        self, runs: Sequence[tuple[Run, Job]], here: Settings, progress: Progress
    ) -> Iterator[Done]:
        engine = registry.load(self.engine)
        if not engine.TRAITS.virtual:
            for run, job in runs:
                work = functools.partial(engine.run, job, here, progress, perform)
                yield _done(run, work)
            return
        from echolab.engines.exact import engine as exact

        first = exact.prepared(runs[0][1], here, progress)
        runs = [(run, dataclasses.replace(job, topology=first.topology)) for run, job in runs]
        limited = dataclasses.replace(here, wall_limit=min(here.wall_limit, LONGEST_RUN))
        left = collections.deque(enumerate(runs))
        while left:
            with exact.persistent_lab(left[0][1][1], limited, progress) as lab:
                while left and not lab.ended:
                    number, (run, job) = left.popleft()
                    yield _done(run, functools.partial(lab.perform, job, str(number)))


def _done(run: Run, performed: Callable[[], Record]) -> Done:
    """Perform a run and keep what a sweep keeps of it."""
    try:
        record = verdicts.judge(performed())
    except EcholabError as error:
        return Done(run.point, run.seed, error=str(error))
    return Done(run.point, run.seed, figures.figures(record), record.verdict)


# --- the results


@dataclasses.dataclass(frozen=True)
class Row:
    """A point of the grid: what its runs gave, how many failed a claim, how many broke down."""

    point: Mapping[str, str]
    summary: Summary | None
    failed: int
    broken: int


def rows(sweep: Sweep, done: Sequence[Done], figure: str) -> list[Row]:
    """A row for each point of the grid, for the figure of that whole name."""
    found: dict[str, list[Done]] = {key: [] for key in sweep.jobs}
    for one in done:
        found[Run(one.point, 0).key].append(one)
    points = {Run(run.point, 0).key: run.point for run in sweep.runs}
    return [
        Row(
            points[key],
            figures.summary([one.figures[figure] for one in runs if figure in one.figures]),
            sum(one.verdict == FAIL for one in runs),
            sum(bool(one.error) for one in runs),
        )
        for key, runs in found.items()
    ]


def figure_names(done: Sequence[Done]) -> list[str]:
    """The figures that the runs have, in the order in which they came."""
    return list(dict.fromkeys(name for one in done for name in one.figures))


def table(sweep: Sweep, found: Sequence[Row], width: int) -> str:
    """The rows as a table for a terminal."""
    headings: list[str | Column] = [
        *(one.parameter for one in sweep.axes),
        *(_("runs"), _("seen"), _("95 % interval"), _("theory")),
        Column(_("claims failed"), 1),
        Column(_("broke down"), 1),
    ]
    return tables.table(headings, [_cells(sweep, row) for row in found], width)


def _cells(sweep: Sweep, row: Row) -> list[str]:
    told = row.summary
    shown = ["0", "—", "—", "—"]
    if told is not None:
        theory = "—" if told.theory is None else f"{told.theory:.5g}"
        interval = f"{told.low:.5g} … {told.high:.5g}"
        shown = [str(told.runs), f"{told.value:.5g}", interval, theory]
    values = [row.point[one.parameter] for one in sweep.axes]
    return [*values, *shown, str(row.failed or ""), str(row.broken or "")]


def csv_of(sweep: Sweep, found: Sequence[Row], figure: str) -> str:
    """The rows as CSV (RFC 4180), figures in full precision."""
    text = io.StringIO()
    writer = csv.writer(text)
    names = [one.parameter for one in sweep.axes]
    writer.writerow(
        [*names, "figure", "runs", "seen", "low", "high", "theory", "claims_failed", "broke_down"]
    )
    for row in found:
        told = row.summary
        shown: list[object] = [0, "", "", "", ""]
        if told is not None:
            theory = "" if told.theory is None else told.theory
            shown = [told.runs, told.value, told.low, told.high, theory]
        values = [row.point[name] for name in names]
        writer.writerow([*values, figure, *shown, row.failed, row.broken])
    return text.getvalue()


def status(done: Sequence[Done]) -> ExitStatus:
    """The sweep's exit status: errors before claims that failed."""
    if any(one.error for one in done):
        return ExitStatus.CANNOT
    return ExitStatus.FAIL if any(one.verdict == FAIL for one in done) else ExitStatus.PASS
