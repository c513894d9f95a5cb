"""What a cluster costs beside the pool of this machine, and what a class sends.

    .venv/bin/python -m benchmarks.cluster [--jobs 500] [--seconds 0.2] [--workers 2]

The same jobs, which sleep, are performed by the pool and by a Dask scheduler with as many workers,
all of this machine. The cluster may take at most 15 % longer. Then: processor time that a job costs
the scheduler, the worker and the command, and bytes of a submission of exercise 1 and its result.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.sleeping import slept
from echolab.classroom import check, collection, exercise, grade
from echolab.cluster.client import Cluster
from echolab.resources import REFERENCES, ROOT
from echolab.runs.workers import Local, Workers
from echolab.settings import Settings

MOST = 0.15
"""The most that the cluster may take longer, as a share."""


def lost(job: float, why: str) -> float:
    """Never here."""
    raise RuntimeError(why)


def quiet(line: str) -> None:
    """Show nothing."""


@contextlib.contextmanager
def dask(folder: Path, workers: int) -> Iterator[tuple[str, list[int]]]:
    """A scheduler and workers: its address, and the PIDs of all, the scheduler's first."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    started: list[subprocess.Popen[str]] = []

    def start(program: str, *words: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{program}", *words],
                env=variables,
                cwd=folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE if len(started) == 0 else subprocess.DEVNULL,
                text=True,
            )
        )
        return started[-1]

    common = ("--host", "127.0.0.1", "--no-dashboard")
    try:
        scheduler = start("dask_scheduler", *common, "--port", "0", "--no-show")
        assert scheduler.stderr is not None
        told = next(line for line in scheduler.stderr if "Scheduler at:" in line)
        address = told.split("Scheduler at:")[1].strip()
        for number in range(workers):
            place = ("--local-directory", str(folder / str(number)))
            start("dask_worker", address, *common, "--nthreads", "1", "--no-nanny", *place)
        yield address, [one.pid for one in started]
    finally:
        for one in started:
            one.kill()
        for one in started:
            one.wait()


def processor_time(pid: int) -> float:
    """Seconds of processor time of a process and of its children that have ended (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def timed(workers: Workers, jobs: int, seconds: float) -> float:
    """Seconds of wall time for so many jobs."""
    began = time.perf_counter()
    done = list(workers.run([seconds] * jobs, slept, lost, quiet, in_order=False))
    assert len(done) == jobs
    return time.perf_counter() - began


def sent(settings: Settings) -> tuple[int, int]:
    """Bytes of a submission to exercise 1 as it travels, and of its result."""
    with tempfile.TemporaryDirectory() as name:
        first, room = exercise.find("01"), Path(name)
        (room / "class").mkdir()
        shutil.copytree(REFERENCES / first.name / "reference-py", room / "class" / "ada")
        students = grade.Class.of(first, collection.collect(room / "class", room / "staging"))
        order = next(grade.orders(students, students.handed_in))
        result = check.check(order.request, settings, quiet)
        return len(pickle.dumps(order)), len(pickle.dumps(result))


def main() -> int:
    """Measure, print, and tell whether the cluster is as quick as asked."""
    parser = argparse.ArgumentParser(prog="benchmarks.cluster", description=__doc__)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    here = Settings.from_environment(os.environ)
    with (
        tempfile.TemporaryDirectory() as name,
        dask(Path(name), given.workers) as (address, pids),
        Cluster(address, here, quiet, print, kernel=False) as cluster,
    ):
        while cluster.count < given.workers:
            timed(cluster, given.workers, 0.1)
        timed(cluster, 2 * given.workers, 0.1)  # what is imported and started once
        before = [processor_time(pid) for pid in (*pids, os.getpid())]
        far = timed(cluster, given.jobs, given.seconds)
        after = [processor_time(pid) for pid in (*pids, os.getpid())]
    near = timed(Local(here, given.workers), given.jobs, given.seconds)
    scheduler, *of_workers, command = (
        (end - begin) / given.jobs * 1e3 for begin, end in zip(before, after, strict=True)
    )
    more = far / near - 1
    print(f"{given.jobs} jobs of {given.seconds} s by {given.workers} workers:")
    print(f"the pool {near:.2f} s, the cluster {far:.2f} s: {more:+.1%} (15 % asked)")
    print(
        f"processor time of a job: scheduler {scheduler:.1f} ms, worker {sum(of_workers):.1f} ms, "
        f"command {command:.1f} ms"
    )
    there, back = sent(here)
    print(f"a submission of exercise 1 is {there} bytes, its result {back} bytes")
    return 0 if more <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
