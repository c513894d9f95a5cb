"""Run jobs on an engine, judge and write what they recorded; several side by side."""

from __future__ import annotations

import dataclasses
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from echolab import judge, runs
from echolab.engines import Engine, Progress, Settings
from echolab.errors import EcholabError, ExitStatus
from echolab.job import Job
from echolab.metronome import Metronome
from echolab.record import FAIL, INCONCLUSIVE, Record, dump


@dataclasses.dataclass(frozen=True)
class Order:
    """One run that was asked for: the job, the Compose file of its hosts, where it goes."""

    job: Job
    compose: Path
    folder: Path


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One run that ended: its judged record, or the error that ended it."""

    order: Order
    record: Record | None
    error: EcholabError | None = None


def execute(order: Order, engine: Engine, settings: Settings, progress: Progress) -> Outcome:
    """Perform one order, judge its record and write it; an expected error is an outcome.

    A run that fails leaves no folder behind unless something in it may help to see why.
    """
    settings = dataclasses.replace(settings, folder=order.folder, compose=order.compose)
    started = time.time()
    clock = time.monotonic()
    try:
        with Metronome() as metronome:
            raw = engine.run(order.job, settings, progress)
        if engine.NAME != "exact":
            raw["lateness"] = round(metronome.lateness(), 6)
            opened = time.monotonic() - (time.time() - raw["epoch"])
            raw["late_by_second"] = _late_by_second(raw, metronome, opened)
            raw["waiting"] = metronome.waiting(opened)
        raw["wall_seconds"] = round(time.monotonic() - clock, 3)
        raw["started"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started))
        raw["script"] = order.job.script
        raw["compose"] = str(order.compose)
        raw["machine"] = machine()
        record = judge.judge(raw)
        runs.write(order.folder / runs.RECORD, dump(record))
    except EcholabError as error:
        _forget(order.folder)
        return Outcome(order, None, error)
    except BaseException:
        _forget(order.folder)
        raise
    return Outcome(order, record)


def _late_by_second(raw: Record, metronome: Metronome, opened: float) -> list[float]:
    """How late sleeps came in each whole lab second of a run in real time."""
    seconds = metronome.by_second(opened, int(raw["lab_seconds"]))
    return [round(late, 6) for late in seconds]


def _forget(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def machine() -> dict[str, str]:
    """What two machines may differ in so that an exact run is not the same on both."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "root": _root_file_system(),
    }


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


def side_by_side(
    orders: Sequence[Order], work: Callable[[Order], Outcome], workers: int
) -> Iterator[Outcome]:
    """The outcomes in the order of the orders, with that many under way at once.

    Strategy: each worker is a forked process, so that an interrupt reaches every one of
    them and each undoes its own run; the pool is told to stop before the error goes on.
    What the workers do is inherited by the fork, so that it need not be picklable.
    """
    if workers <= 1 or len(orders) <= 1:
        for order in orders:
            yield work(order)
        return
    import concurrent.futures
    import multiprocessing

    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(
        workers, mp_context=context, initializer=_inherit, initargs=(work,)
    ) as pool:
        futures = [pool.submit(_work, order) for order in orders]
        try:
            for future in futures:
                yield future.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


_inherited: list[Callable[[Order], Outcome]] = []
"""What a worker of `side_by_side` does; set in the worker alone."""


def _inherit(work: Callable[[Order], Outcome]) -> None:
    _inherited[:] = [work]


def _work(order: Order) -> Outcome:
    return _inherited[0](order)


def workers_for(engine: str) -> int:
    """How many runs of an engine go side by side: one a processor where time is virtual."""
    return (os.cpu_count() or 1) if engine == "exact" else 1


def status(records: Sequence[Record], errors: Sequence[EcholabError]) -> ExitStatus:
    """The exit status of a run: the worst of what happened, errors before verdicts."""
    if errors:
        return max(error.status for error in errors)
    verdicts = {record["verdict"] for record in records}
    if FAIL in verdicts:
        return ExitStatus.FAIL
    return ExitStatus.INCONCLUSIVE if INCONCLUSIVE in verdicts else ExitStatus.PASS
