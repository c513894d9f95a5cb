"""Execute planned runs on an engine, judge and write their records; several at once."""

from __future__ import annotations

import contextlib
import dataclasses
import platform
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from types import TracebackType

from echolab.engines.digests import with_digests
from echolab.engines.registry import Engine
from echolab.errors import BadInput, CannotRun, EcholabError, ExitStatus
from echolab.judge import verdicts
from echolab.progress import Progress
from echolab.record import FAIL, INCONCLUSIVE, Lateness, Machine, Record
from echolab.record.format import dump
from echolab.runs import folders, interrupts
from echolab.runs.lateness import LatenessMonitor
from echolab.runs.plan import PlannedRun
from echolab.scenario.performance import perform
from echolab.scenario.watched import FILE as WATCHED
from echolab.settings import Settings


@dataclasses.dataclass(frozen=True)
class ExecutedRun:
    """A run that ended: its judged record, or the error that ended it.

    `folder` holds the record and the captures or, after an error, files that may help to explain
    it. It is None if nothing was left.
    """

    planned: PlannedRun
    folder: Path | None
    record: Record | None
    error: EcholabError | None = None


def execute(
    planned: Sequence[PlannedRun],
    engine: Engine,
    out: Path,
    settings: Settings,
    progress: Progress,
) -> Generator[ExecutedRun, None, None]:
    """Execute runs in folders of their own below `out`, and yield them in order.

    In virtual time, one run per processor is under way at a time. Each folder is made when its run
    begins. Closing the iterator (after an interrupt, for example) ends the runs under way and
    removes their folders.
    """
    existed = out.exists()
    begun: dict[int, Path] = {}

    def begin() -> Iterator[_Begun]:
        for number, run in enumerate(planned):
            with interrupts.held():
                begun[number] = folders.create(out, run.job.scenario, engine.NAME).resolve()
            yield _Begun(number, run, begun[number])

    def counted(line: str) -> None:
        progress(f"{len(ended)} of {len(planned)} runs have ended; {line}")

    ended: list[int] = []
    work = _Work(engine, settings)
    executed: Generator[ExecutedRun, None, None]
    if engine.TRAITS.virtual and len(planned) > 1:
        from echolab.runs import pool

        executed = pool.run(begin(), work, _lost, counted)
    else:
        executed = (work(run, progress) for run in begin())
    try:
        with contextlib.closing(executed):
            for number, run in enumerate(executed):
                del begun[number]
                ended.append(number)
                yield run
    finally:
        for folder in begun.values():
            if not (folder / folders.RECORD).exists():
                folders.remove(folder)
        if not existed:
            with contextlib.suppress(OSError):
                out.rmdir()


@dataclasses.dataclass(frozen=True)
class _Begun:
    number: int
    planned: PlannedRun
    folder: Path


@dataclasses.dataclass(frozen=True)
class _Work:
    """What is done with each run that has begun, here or in a worker."""

    engine: Engine
    settings: Settings

    def __call__(self, begun: _Begun, progress: Progress) -> ExecutedRun:
        planned, folder = begun.planned, begun.folder
        try:
            folders.renew(folder)
            record = _perform(planned, self.engine, folder, self.settings, progress)
            folders.write(folder / folders.RECORD, dump(record))
        except EcholabError as error:
            kept = not isinstance(error, BadInput) and folders.has_clues(folder)
            if not kept:
                folders.remove(folder)
            return ExecutedRun(planned, folder if kept else None, None, error)
        except BaseException:
            folders.remove(folder)
            raise
        return ExecutedRun(planned, folder, record)


def _lost(begun: _Begun, why: str) -> ExecutedRun:
    folders.remove(begun.folder)
    error = CannotRun(
        f"the process that ran {begun.planned.job.scenario} {why}, and did so again when it ran "
        "alone",
        "look whether memory is short; otherwise report it",
    )
    return ExecutedRun(begun.planned, None, None, error)


def _perform(
    planned: PlannedRun, engine: Engine, folder: Path, settings: Settings, progress: Progress
) -> Record:
    """Have the engine perform a run, and judge what it recorded."""
    settings = dataclasses.replace(settings, folder=folder, compose=planned.compose)
    with Watch(virtual=engine.TRAITS.virtual) as watch:
        performed = engine.run(planned.job, settings, progress, perform)
    if planned.job.watched:  # somebody looked when it was first performed, but nobody does now
        (folder / WATCHED).unlink(missing_ok=True)
    record = watch.complete(performed, folder, planned.compose, planned.warnings)
    return dataclasses.replace(record, script=planned.job.script)


class Watch:
    """What this machine knows about a run: when it was, how long it took, how busy the machine was.

    In real time, it watches how busy the machine is between its entry and its exit.
    """

    def __init__(self, *, virtual: bool) -> None:
        self._started = time.time()
        self._clock = time.monotonic()
        self._monitor = None if virtual else LatenessMonitor()

    def __enter__(self) -> Watch:
        if self._monitor is not None:
            self._monitor.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._monitor is not None:
            self._monitor.__exit__(kind, error, trace)

    def complete(
        self, performed: Record, folder: Path, compose: Path, warnings: Sequence[str] = ()
    ) -> Record:
        """A record with that and the digests of the captures in `folder`, judged."""
        record = dataclasses.replace(
            with_digests(performed, folder),
            lateness=None if self._monitor is None else _lateness(performed, self._monitor),
            wall_seconds=round(time.monotonic() - self._clock, 3),
            started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._started)),
            compose=str(compose),
            warnings=(*warnings, *performed.warnings),
            machine=machine(),
        )
        return verdicts.judge(record)


def _lateness(record: Record, monitor: LatenessMonitor) -> Lateness:
    """How busy the machine was, on the whole and in each whole lab second."""
    opened = time.monotonic() - (time.time() - (record.epoch or 0.0))
    seconds = monitor.by_second(opened, int(record.lab_seconds))
    return Lateness(
        overall=round(monitor.lateness(), 6),
        by_second=tuple(round(late, 6) for late in seconds),
        waiting=monitor.waiting(opened),
    )


def machine() -> Machine:
    """This machine."""
    return Machine(platform.platform(), _processor(), _root_file_system())


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    for line in text.splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _root_file_system() -> str:
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return "unknown"
    values = dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line)
    return values.get("PRETTY_NAME", "unknown").strip('"')


def status(executed: Sequence[ExecutedRun]) -> ExitStatus:
    """The exit status of these runs: the worst of what happened, errors before verdicts."""
    errors = [run.error.status for run in executed if run.error]
    if errors:
        return max(errors)
    verdicts = {run.record.verdict for run in executed if run.record}
    if FAIL in verdicts:
        return ExitStatus.FAIL
    return ExitStatus.INCONCLUSIVE if INCONCLUSIVE in verdicts else ExitStatus.PASS
