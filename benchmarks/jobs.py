"""What a job costs in a guest that performs one after the other, in processor time.

    .venv/bin/python -m benchmarks.jobs [NAME ...] [--jobs N]

For each kind of job the guest's time, this process's, and wall time, in milliseconds beyond the
first job. A busy machine stretches processor time as well, by up to a half: compare two versions
in turn. The bars: 40 ms for a short job of two hosts, 120 ms of both for a run of `loss` in a
sweep, 80 ms for a run of three nodes with 20 operations in an exploration.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from echolab.engines.exact import engine
from echolab.judge import verdicts
from echolab.record.format import dump
from echolab.runs import catalogue, plan
from echolab.settings import Settings

KINDS = {
    "short": ("benchmarks/short_lab.py", (), 40.0),
    "loss": ("loss", ("count=100",), 120.0),
    "counter": ("scenarios/zoo/counter.py", ("clients=3", "operations=6"), 80.0),
    "quorum": ("scenarios/zoo/quorum.py", ("clients=4", "operations=5"), 80.0),
}
"""For each kind its scenario, its parameters, and its bar in milliseconds."""

USED = slice(11, 15)
"""Fields of /proc/PID/stat behind the name: times of a process, and of its ended children."""

GROUP = 2


def used_by(group: int) -> float:
    """Seconds of processor time of a process group, with children that have ended."""
    ticks = 0
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if fields and int(fields[GROUP]) == group:
            ticks += sum(map(int, fields[USED]))
    return ticks / os.sysconf("SC_CLK_TCK")


def measure(name: str, jobs: int) -> tuple[float, str]:
    """Milliseconds of processor time a job, and a line that tells of them."""
    scenario, given, bar = KINDS[name]
    (entry,) = catalogue.find([scenario])
    assigned = plan.assignments(given)
    planned = plan.plan(
        [entry], assigned, compose=None, seed=1, capture=False, environment=os.environ
    )
    (run,) = plan.for_engine(planned, engine.NAME)
    records: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = dataclasses.replace(
            Settings.from_environment(os.environ), folder=Path(folder).resolve()
        )
        with engine.persistent_lab(run.job, settings, lambda line: None) as lab:

            def perform(seed: int) -> None:
                job = dataclasses.replace(run.job, seed=seed)
                records.append(dump(verdicts.judge(lab.perform(job, "run"))))

            guest = _group_of_child()
            perform(1)
            guest_time, own, wall = _spent(lambda: _all(perform, jobs), guest)
    digest = hashlib.sha256("".join(records).encode()).hexdigest()[:12]
    each = [1000 * seconds / jobs for seconds in (guest_time, own, wall)]
    total = each[0] + each[1]
    return total, (
        f"{name:9}{each[0]:7.0f} ms guest {each[1]:6.1f} ms here {each[2]:7.0f} ms wall  "
        f"bar {bar:3.0f}  records {digest}"
    )


def _all(perform: Callable[[int], None], jobs: int) -> None:
    for seed in range(2, 2 + jobs):
        perform(seed)


def _group_of_child() -> int:
    """The process group of the guest, this process's only child."""
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            return int(child)
    raise SystemExit("the guest has ended")


def _spent(work: Callable[[], None], group: int) -> tuple[float, float, float]:
    """Seconds of processor time of the guest and of this process, and of wall time."""
    began = used_by(group), time.process_time(), time.perf_counter()
    work()
    ended = used_by(group), time.process_time(), time.perf_counter()
    guest, own, wall = (after - before for before, after in zip(began, ended, strict=True))
    return guest, own, wall


def main() -> int:
    """Measure each kind, print, and tell whether each is as quick as asked."""
    parser = argparse.ArgumentParser(prog="benchmarks.jobs", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", default=list(KINDS))
    parser.add_argument("--jobs", type=int, default=20)
    given = parser.parse_args()
    kept = True
    for name in given.names:
        total, line = measure(name, given.jobs)
        print(line, flush=True)
        kept = kept and total <= KINDS[name][2]
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
